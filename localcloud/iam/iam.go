// Package iam is the embedded AWS's Identity and Access Management: roles, their policies, and the decision whether a
// caller may do what it asks. Access is enforced: nothing is allowed that no policy allows.
//
// It follows https://docs.aws.amazon.com/IAM/latest/APIReference/. Users, groups and instance profiles are not
// emulated, nor signing in with an identity provider: those are only kept. As in AWS, policy documents in responses are percent-encoded (RFC 3986).
package iam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is the emulated IAM. Make it with New.
type Service struct {
	d        *dispatch.Dispatcher
	roles    *store.Table[roleRecord]   // by name in lower case: names are unique without regard to case
	policies *store.Table[policyRecord] // customer managed, by ARN
	oidc     *store.Table[oidcRecord]   // identity providers, by ARN

	// change serialises what reads a record and writes it back.
	change sync.Mutex

	cache access
}

// Tag is a tag of a role or a policy.
type Tag struct {
	Key   string
	Value string
}

// roleRecord is a role as the state file keeps it.
type roleRecord struct {
	Name, ID, Path, ARN, Trust, Description string
	MaxSessionDuration                      int32
	Created                                 dispatch.Time
	Tags                                    []Tag
	Inline                                  map[string]string
	Attached                                []string // ARNs of managed policies
	Boundary                                string   // ARN of the managed policy that bounds what the others allow; "" for none
}

// New registers IAM's operations and makes the service the dispatcher's authorizer.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	roles, err := store.NewTable[roleRecord](s, "iam/roles")
	if err != nil {
		return nil, err
	}
	policies, err := store.NewTable[policyRecord](s, "iam/policies")
	if err != nil {
		return nil, err
	}
	oidc, err := store.NewTable[oidcRecord](s, "iam/oidc-providers")
	if err != nil {
		return nil, err
	}
	svc := &Service{d: d, roles: roles, policies: policies, oidc: oidc}
	svc.registerRoles()
	svc.registerRolePolicies()
	svc.registerPolicies()
	svc.registerBoundaries()
	svc.registerOIDCProviders()
	d.SetAuthorizer(svc)
	return svc, nil
}

// register adds an operation whose resource is one ARN.
func register[In, Out any](s *Service, action string, resource func(in *In) string, do func(in *In) (*Out, error)) {
	dispatch.Register(s.d, dispatch.Operation{Service: "iam", Action: action},
		dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{resource(in)} }),
		func(_ context.Context, _ *dispatch.Call, in *In) (*Out, error) { return do(in) })
}

// Empty is the response of operations that return nothing.
type Empty struct{}

func (s *Service) arn(resource string) string { return "arn:aws:iam::" + s.d.Account + ":" + resource }

// roleARN is the ARN of a role by its name; that of a role that does not exist has no path.
func (s *Service) roleARN(name string) string {
	if r, ok := s.roles.Get(strings.ToLower(name)); ok {
		return r.ARN
	}
	return s.arn("role/" + name)
}

func (s *Service) role(name string) (roleRecord, error) {
	if name == "" {
		return roleRecord{}, required("roleName")
	}
	r, ok := s.roles.Get(strings.ToLower(name))
	if !ok {
		return r, &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: fmt.Sprintf("The role with name %s cannot be found.", name)}
	}
	return r, nil
}

// updateRole changes a role's record: f gets a copy whose maps and slices it must replace, not change.
func (s *Service) updateRole(name string, f func(r *roleRecord) error) error {
	s.change.Lock()
	defer s.change.Unlock()
	r, err := s.role(name)
	if err != nil {
		return err
	}
	if err := f(&r); err != nil {
		return err
	}
	if err := s.roles.Put(strings.ToLower(r.Name), r); err != nil {
		return fmt.Errorf("keeping the role %s: %w", r.Name, err)
	}
	s.cache.forget()
	return nil
}

func required(member string) error {
	return validation("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must not be null", member)
}

func validation(format string, args ...any) error {
	return &dispatch.Error{Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

var (
	nameForm = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathForm = regexp.MustCompile(`^(/|/[\x21-\x7e]+/)$`)
)

// checkName says what AWS says of a name that is not one.
func checkName(member, name string, longest int) error {
	switch {
	case name == "":
		return required(member)
	case !nameForm.MatchString(name):
		return validation("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", member)
	case len(name) > longest:
		return validation("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", member, longest)
	}
	return nil
}

func checkPath(path string) (string, error) {
	if path == "" {
		return "/", nil
	}
	if len(path) > 512 || !pathForm.MatchString(path) {
		return "", validation("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

func checkTags(tags []Tag) error {
	if len(tags) > 50 {
		return &dispatch.Error{Code: "LimitExceeded", Status: 409, Message: "The number of tags has reached the maximum limit."}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch key := strings.ToLower(t.Key); {
		case key == "" || len(t.Key) > 128 || len(t.Value) > 256:
			return &dispatch.Error{Code: "InvalidInput", Message: "A tag's key must have 1 to 128 characters and its value at most 256."}
		case strings.HasPrefix(key, "aws:"):
			return &dispatch.Error{Code: "InvalidInput", Message: "Tag keys that start with aws: are reserved."}
		case seen[key]:
			return &dispatch.Error{Code: "InvalidInput", Message: "Duplicate tag keys found. Please note that Tag keys are case insensitive."}
		default:
			seen[key] = true
		}
	}
	return nil
}

// mergeTags returns tags with others put over them; keys are compared without regard to case.
func mergeTags(tags, others []Tag) []Tag {
	merged := append([]Tag(nil), tags...)
next:
	for _, t := range others {
		for i := range merged {
			if strings.EqualFold(merged[i].Key, t.Key) {
				merged[i] = t
				continue next
			}
		}
		merged = append(merged, t)
	}
	return merged
}

// withoutTags returns the tags without those keys.
func withoutTags(tags []Tag, keys []string) []Tag {
	var left []Tag
next:
	for _, t := range tags {
		for _, key := range keys {
			if strings.EqualFold(t.Key, key) {
				continue next
			}
		}
		left = append(left, t)
	}
	return left
}

// checkDocument says whether a document is a policy for its use and not longer than AWS takes, white space not counted.
func checkDocument(document string, use iampolicy.Use, longest int) error {
	p, err := iampolicy.Parse([]byte(document))
	if err == nil {
		err = p.ValidFor(use)
	}
	if err != nil {
		var malformed *iampolicy.Error
		if errors.As(err, &malformed) {
			return &dispatch.Error{Code: "MalformedPolicyDocument", Message: malformed.Message}
		}
		return err
	}
	if n := policySize(document); n > longest {
		return &dispatch.Error{Code: "LimitExceeded", Status: 409, Message: fmt.Sprintf("Cannot exceed quota for PolicySize: %d", longest)}
	}
	return nil
}

func policySize(document string) int {
	n := 0
	for i := range len(document) {
		if c := document[i]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			n++
		}
	}
	return n
}

// encoded is a policy document as IAM's responses have it.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// newID returns an id of IAM's form: a prefix for its kind and 17 random characters.
func newID(prefix string) string { return prefix + rand.Text()[:17] }

// Page is what list operations take to return a part.
type Page struct {
	Marker   string `json:",omitempty"`
	MaxItems int32  `json:",omitempty"` // 1 to 1000; 0 means 100
}

// paginate returns the items from the marker on. A marker is the key of the first item that was left out.
func paginate[T any](page Page, items []T, key func(T) string) (part []T, truncated bool, marker string, err error) {
	size := int(page.MaxItems)
	switch {
	case size == 0:
		size = 100
	case size < 0 || size > 1000:
		return nil, false, "", validation("1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000", size)
	}
	start := 0
	for page.Marker != "" && start < len(items) && key(items[start]) != page.Marker {
		start++
	}
	if page.Marker != "" && start == len(items) {
		return nil, false, "", validation("Invalid Marker.")
	}
	items = items[start:]
	if len(items) <= size {
		return items, false, "", nil
	}
	return items[:size], true, key(items[size]), nil
}
