// Package iampolicy reads and evaluates AWS IAM policies: identity policies, resource policies and roles' trust policies.
// A policy is compiled once by [Parse]; [Policy.Evaluate] then allocates only where a policy variable must be filled in.
//
// It follows https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. What AWS would refuse as a
// MalformedPolicyDocument is an [*Error] here.
package iampolicy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Error says why a document is not a policy. Its text is the message of AWS's MalformedPolicyDocument.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func malformed(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}

// Policy is a compiled policy. It is safe for concurrent use.
type Policy struct {
	statements []statement
}

type statement struct {
	sid          string
	deny         bool
	principal    *principals // nil: the policy belongs to an identity
	notPrincipal bool
	actions      []pattern // compared without regard to case
	notAction    bool
	actionTexts  []string
	resources    []pattern // nil: the element is missing, as in trust policies
	notResource  bool
	conditions   []condition
}

// principals is a Principal element.
type principals struct {
	everyone  bool
	accounts  []string // twelve digits: the account as a whole
	arns      []string
	services  []string
	federated []string // identity providers
}

// Principal is the caller in a request.
type Principal struct {
	Account string // twelve digits; empty for an AWS service
	ARN     string // of the role, the user or the account's root; empty for a service
	Session string // ARN of the role's session (assumed-role), if it is one
	Service string // such as "lambda.amazonaws.com"; empty for others
	// Federated is the identity provider that vouches for a web identity, by its ARN; empty for others. Such a caller has nothing else.
	Federated string
}

// Key is a condition key with what the request has for it.
type Key struct {
	Name   string // such as "aws:SourceArn"; case does not matter
	Value  string
	Values []string // for a key that may have many values, instead of Value
}

// Request is what policies are asked about.
type Request struct {
	Principal Principal // compared in policies that have a Principal element only
	Action    string    // such as "states:StartExecution"
	Resource  string    // an ARN, or "*" where the action has no resource-level permission
	Keys      []Key
	// Time is what the keys aws:CurrentTime and aws:EpochTime stand for; the zero time leaves them out.
	Time time.Time
}

func (r *Request) lookup(name string) (value string, values []string, ok bool) {
	for i := range r.Keys {
		if k := &r.Keys[i]; strings.EqualFold(k.Name, name) {
			return k.Value, k.Values, true
		}
	}
	switch {
	case r.Time.IsZero():
	case strings.EqualFold(name, "aws:CurrentTime"):
		return r.Time.UTC().Format(time.RFC3339), nil, true
	case strings.EqualFold(name, "aws:EpochTime"):
		return strconv.FormatInt(r.Time.Unix(), 10), nil, true
	}
	return "", nil, false
}

// Decision is what a policy says of a request.
type Decision uint8

// The decisions. A Deny prevails over everything.
const (
	// NoMatch: the policy says nothing about the request.
	NoMatch Decision = iota
	// AllowAccount: a resource's policy allows it to the caller's account as a whole, so that the caller's own policies
	// must allow it too.
	AllowAccount
	// Allow: the policy allows it to this caller.
	Allow
	// Deny: the policy denies it.
	Deny
)

// String returns the decision's name.
func (d Decision) String() string {
	return [...]string{"NoMatch", "AllowAccount", "Allow", "Deny"}[d]
}

// Evaluate says what the policy says about the request.
func (p *Policy) Evaluate(r *Request) Decision {
	decision := NoMatch
	for i := range p.statements {
		s := &p.statements[i]
		if !s.deny && decision == Allow {
			continue
		}
		d := s.evaluate(r)
		if d == Deny {
			return Deny
		}
		decision = max(decision, d)
	}
	return decision
}

func (s *statement) evaluate(r *Request) Decision {
	if !s.matchesAction(r) || !s.matchesResource(r) {
		return NoMatch
	}
	decision := Allow
	if s.principal != nil {
		decision = s.principal.match(&r.Principal)
		if s.notPrincipal {
			if decision != NoMatch {
				return NoMatch
			}
			decision = Allow
		}
	}
	if decision == NoMatch {
		return NoMatch
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r) {
			return NoMatch
		}
	}
	if s.deny {
		return Deny
	}
	return decision
}

func (s *statement) matchesAction(r *Request) bool {
	for i := range s.actions {
		if s.actions[i].matchFold(r.Action, r) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) matchesResource(r *Request) bool {
	if s.resources == nil {
		return true
	}
	for i := range s.resources {
		if s.resources[i].match(r.Resource, r) {
			return !s.notResource
		}
	}
	return s.notResource
}

// match says whether the caller is meant, as itself (Allow) or as one of its account (AllowAccount).
func (p *principals) match(caller *Principal) Decision {
	if p.everyone {
		return Allow
	}
	if caller.Service != "" {
		for _, service := range p.services {
			if sameService(service, caller.Service) {
				return Allow
			}
		}
		return NoMatch
	}
	if caller.Federated != "" {
		if slices.Contains(p.federated, caller.Federated) {
			return Allow
		}
		return NoMatch
	}
	for _, arn := range p.arns {
		if arn == caller.ARN || caller.Session != "" && arn == caller.Session {
			return Allow
		}
	}
	for _, account := range p.accounts {
		if account == caller.Account {
			if isRoot(caller.ARN) {
				return Allow
			}
			return AllowAccount
		}
	}
	return NoMatch
}

func isRoot(arn string) bool { return strings.HasSuffix(arn, ":root") }

// sameService compares service principals: a policy may name the regional form (states.us-east-1.amazonaws.com) of a
// service that calls by its global name.
func sameService(inPolicy, caller string) bool {
	if inPolicy == caller {
		return true
	}
	service, suffix, _ := strings.Cut(inPolicy, ".")
	region, domain, regional := strings.Cut(suffix, ".")
	if !regional || region == "" || domain != "amazonaws.com" {
		return false
	}
	return len(caller) == len(service)+1+len(domain) && strings.HasPrefix(caller, service) && strings.HasSuffix(caller, domain)
}
