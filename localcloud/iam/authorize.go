package iam

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// access holds compiled policies. Changes of roles and managed policies empty what is kept of roles; documents of resource
// policies are kept by their text, so that a changed one is another.
type access struct {
	mu        sync.RWMutex
	roles     map[string]*compiledRole // by ARN
	documents map[string]*iampolicy.Policy
}

type compiledRole struct {
	name     string
	trust    *iampolicy.Policy
	policies []*iampolicy.Policy
	boundary *iampolicy.Policy // nil if nothing bounds the others
}

// documentsKept bounds the number of resource policies that are kept compiled.
const documentsKept = 1024

func (a *access) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roles = nil
}

func (a *access) role(arn string) *compiledRole {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.roles[arn]
}

// document compiles a resource's policy; nil if it is not one, and then it allows nothing.
func (a *access) document(text string) *iampolicy.Policy {
	a.mu.RLock()
	p, ok := a.documents[text]
	a.mu.RUnlock()
	if ok {
		return p
	}
	p, err := iampolicy.Parse([]byte(text))
	if err != nil {
		p = nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.documents == nil || len(a.documents) >= documentsKept {
		a.documents = map[string]*iampolicy.Policy{}
	}
	a.documents[text] = p
	return p
}

// compiled returns a role's policies, or nil if there is no role with that ARN.
func (s *Service) compiled(arn string) (*compiledRole, error) {
	if c := s.cache.role(arn); c != nil {
		return c, nil
	}
	// No change of a role may fall between reading its record and keeping what was compiled from it.
	s.change.Lock()
	defer s.change.Unlock()
	r, ok := s.roles.Get(strings.ToLower(arn[strings.LastIndexByte(arn, '/')+1:]))
	if !ok || r.ARN != arn {
		return nil, nil
	}
	c := &compiledRole{name: r.Name}
	var err error
	if c.trust, err = iampolicy.Parse([]byte(r.Trust)); err != nil {
		return nil, fmt.Errorf("compiling the trust policy of %s: %w", arn, err)
	}
	add := func(name, document string) error {
		p, err := iampolicy.Parse([]byte(document))
		if err != nil {
			return fmt.Errorf("compiling the policy %s of %s: %w", name, arn, err)
		}
		c.policies = append(c.policies, p)
		return nil
	}
	for name, document := range r.Inline {
		if err := add(name, document); err != nil {
			return nil, err
		}
	}
	for _, policyARN := range r.Attached {
		p, err := s.policy(policyARN)
		if err != nil {
			return nil, err
		}
		v, _ := p.version(p.Default)
		if err := add(policyARN, v.Document); err != nil {
			return nil, err
		}
	}
	if r.Boundary != "" {
		p, err := s.policy(r.Boundary)
		if err != nil {
			return nil, err
		}
		v, _ := p.version(p.Default)
		if c.boundary, err = iampolicy.Parse([]byte(v.Document)); err != nil {
			return nil, fmt.Errorf("compiling the permissions boundary %s of %s: %w", r.Boundary, arn, err)
		}
	}
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if s.cache.roles == nil {
		s.cache.roles = map[string]*compiledRole{}
	}
	s.cache.roles[arn] = c
	return c, nil
}

// caller is the request's principal as policies see it.
func (s *Service) caller(p dispatch.Principal) iampolicy.Principal {
	switch {
	case p.Service != "":
		return iampolicy.Principal{Service: p.Service}
	case p.RoleARN != "":
		return iampolicy.Principal{Account: s.d.Account, ARN: p.RoleARN, Session: p.ARN}
	}
	return iampolicy.Principal{Account: s.d.Account, ARN: p.ARN}
}

// globalKeys fills in the condition keys that AWS has for every request. The embedded AWS listens on the loopback
// interface only and stands for AWS's TLS endpoints: aws:SecureTransport is true.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (s *Service) globalKeys(keys []iampolicy.Key, p dispatch.Principal) []iampolicy.Key {
	keys = append(keys,
		iampolicy.Key{Name: "aws:SecureTransport", Value: "true"},
		iampolicy.Key{Name: "aws:RequestedRegion", Value: s.d.Region},
	)
	if p.Via != "" {
		keys = append(keys, iampolicy.Key{Name: "kms:ViaService", Value: p.Via})
	}
	if p.SourceARN != "" {
		keys = append(keys,
			iampolicy.Key{Name: "aws:SourceArn", Value: p.SourceARN},
			iampolicy.Key{Name: "aws:SourceAccount", Value: s.d.Account})
	}
	if p.Service != "" {
		return append(keys,
			iampolicy.Key{Name: "aws:PrincipalIsAWSService", Value: "true"},
			iampolicy.Key{Name: "aws:PrincipalServiceName", Value: p.Service})
	}
	arn, kind := p.ARN, "Account"
	if p.RoleARN != "" {
		arn, kind = p.RoleARN, "AssumedRole"
	}
	return append(keys,
		iampolicy.Key{Name: "aws:PrincipalIsAWSService", Value: "false"},
		iampolicy.Key{Name: "aws:PrincipalArn", Value: arn},
		iampolicy.Key{Name: "aws:PrincipalAccount", Value: s.d.Account},
		iampolicy.Key{Name: "aws:PrincipalType", Value: kind})
}

// Authorize decides as AWS does within one account: a Deny anywhere prevails; then one of the caller's own policies, and its
// permissions boundary if it has one, or the resource's policy must allow the call, for every resource; where the resource's policy is Required it must allow
// the call itself or leave it to the account's policies. AWS services have no policies of their own: the resource's must
// allow them. The error is AWS's AccessDenied.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
func (s *Service) Authorize(_ context.Context, c *dispatch.Call, permission string, resources []string, policies []dispatch.ResourcePolicy) error {
	var role *compiledRole
	if c.Principal.RoleARN != "" {
		var err error
		if role, err = s.compiled(c.Principal.RoleARN); err != nil {
			return err
		}
		if role == nil { // deleted under a session that is still in use
			return denied(c, permission, resources, noIdentityPolicy)
		}
	}
	var space [16]iampolicy.Key
	r := iampolicy.Request{Principal: s.caller(c.Principal), Action: permission, Keys: s.globalKeys(space[:0], c.Principal), Time: s.d.Clock.Now()}
	for name, value := range c.Conditions {
		r.Keys = append(r.Keys, iampolicy.Key{Name: name, Value: value})
	}
	for name, values := range c.ConditionLists {
		r.Keys = append(r.Keys, iampolicy.Key{Name: name, Values: values})
	}
	for i := range resources {
		r.Resource = resources[i]
		if why := s.decide(&r, role, policies); why != allowed {
			return denied(c, permission, resources[i:i+1], why)
		}
	}
	return nil
}

// reason is why a call is denied.
type reason uint8

const (
	allowed reason = iota // and, in a denial, no reason that AWS would give
	noIdentityPolicy
	noResourcePolicy
	noBoundary
	deniedByIdentity
	deniedByBoundary
	deniedByResource
)

func (s *Service) decide(r *iampolicy.Request, role *compiledRole, policies []dispatch.ResourcePolicy) reason {
	identity, bound := iampolicy.NoMatch, iampolicy.Allow
	if role != nil {
		identity, bound = role.evaluate(r)
	}
	switch {
	case identity == iampolicy.Deny:
		return deniedByIdentity
	case bound == iampolicy.Deny:
		return deniedByBoundary
	}
	resource, required := s.resourceDecision(r, policies)
	if resource == iampolicy.Allow && bound != iampolicy.Allow {
		// A boundary limits what a resource's policy grants to the role, and not what it grants to the session.
		session := *r
		session.Principal.ARN = ""
		if resource, _ = s.resourceDecision(&session, policies); resource != iampolicy.Allow {
			return noBoundary
		}
	}
	switch {
	case resource == iampolicy.Deny:
		return deniedByResource
	case resource == iampolicy.Allow:
		return allowed
	case required && resource == iampolicy.NoMatch, r.Principal.Service != "":
		return noResourcePolicy
	case identity == iampolicy.Allow && bound != iampolicy.Allow:
		return noBoundary
	case identity == iampolicy.Allow:
		return allowed
	}
	return noIdentityPolicy
}

// evaluate asks a role's own policies and its permissions boundary, which allows everything if there is none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
func (c *compiledRole) evaluate(r *iampolicy.Request) (identity, bound iampolicy.Decision) {
	identity, bound = iampolicy.NoMatch, iampolicy.Allow
	for _, p := range c.policies {
		identity = max(identity, p.Evaluate(r))
	}
	if c.boundary != nil {
		bound = c.boundary.Evaluate(r)
	}
	return identity, bound
}

// resourceDecision asks the resource's policies, and says whether one of them must allow the call.
func (s *Service) resourceDecision(r *iampolicy.Request, policies []dispatch.ResourcePolicy) (resource iampolicy.Decision, required bool) {
	resource = iampolicy.NoMatch
	for i := range policies {
		p := &policies[i]
		if p.Resource != "" && p.Resource != r.Resource {
			continue
		}
		required = required || p.Required
		if p.Document == "" {
			continue
		}
		if compiled := s.cache.document(p.Document); compiled != nil {
			resource = max(resource, compiled.Evaluate(r))
		}
	}
	return resource, required
}

// denied is AWS's denial, in the words and with the code of the service that was called.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func denied(c *dispatch.Call, permission string, resources []string, why reason) error {
	if c.Service == "sqs" {
		permission = strings.ToLower(permission) // as SQS prints it
	}
	text := "User: " + c.Principal.ARN + " is not authorized to perform: " + permission
	if len(resources) > 0 {
		text += " on resource: " + resources[0]
	}
	switch why {
	case noIdentityPolicy:
		text += " because no identity-based policy allows the " + permission + " action"
	case noResourcePolicy:
		text += " because no resource-based policy allows the " + permission + " action"
	case noBoundary:
		text += " because no permissions boundary allows the " + permission + " action"
	case deniedByBoundary:
		text += " with an explicit deny in a permissions boundary"
	case deniedByIdentity:
		text += " with an explicit deny in an identity-based policy"
	case deniedByResource:
		text += " with an explicit deny in a resource-based policy"
	}
	e := &dispatch.Error{Code: "AccessDeniedException", Message: text}
	switch c.Service {
	case "iam", "sts", "cloudwatch", "s3":
		e.Code, e.Status = "AccessDenied", 403
	case "lambda", "apigateway", "scheduler":
		e.Status = 403
	}
	return e
}

// Assume returns the session of a role that `by` becomes, if the role's trust policy lets it: a service, or a role of
// this account, which must be named itself or be allowed by its own policies too. The account's root user may assume what
// its account is trusted with (AWS lets users and roles do that, but not root): it stands for the operator here.
func (s *Service) Assume(_ context.Context, by dispatch.Principal, roleARN, sessionName string) (dispatch.Principal, error) {
	role, err := s.compiled(roleARN)
	if err != nil {
		return dispatch.Principal{}, err
	}
	c := &dispatch.Call{Principal: by, Service: "sts", Action: "AssumeRole"}
	if role == nil {
		return dispatch.Principal{}, denied(c, "sts:AssumeRole", []string{roleARN}, allowed)
	}
	var space [16]iampolicy.Key
	r := iampolicy.Request{Principal: s.caller(by), Action: "sts:AssumeRole", Resource: roleARN, Keys: s.globalKeys(space[:0], by), Time: s.d.Clock.Now()}
	decision := role.trust.Evaluate(&r)
	if decision == iampolicy.AllowAccount || decision == iampolicy.Allow && by.RoleARN != "" {
		own, err := s.compiled(by.RoleARN)
		if err != nil {
			return dispatch.Principal{}, err
		}
		identity, bound := iampolicy.NoMatch, iampolicy.Allow
		if own != nil {
			identity, bound = own.evaluate(&r)
		}
		if identity == iampolicy.Deny || decision == iampolicy.AllowAccount {
			decision = identity
		}
		if bound != iampolicy.Allow {
			decision = bound
		}
	}
	if decision != iampolicy.Allow {
		return dispatch.Principal{}, denied(c, "sts:AssumeRole", []string{roleARN}, allowed)
	}
	return dispatch.Principal{ARN: "arn:aws:sts::" + s.d.Account + ":assumed-role/" + role.name + "/" + sessionName, RoleARN: roleARN}, nil
}
