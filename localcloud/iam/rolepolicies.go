package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// PutRolePolicyInput is the request of PutRolePolicy.
type PutRolePolicyInput struct {
	RoleName       string
	PolicyName     string
	PolicyDocument string
}

// RolePolicyInput is the request of GetRolePolicy and DeleteRolePolicy.
type RolePolicyInput struct {
	RoleName   string
	PolicyName string
}

// GetRolePolicyOutput is the response of GetRolePolicy.
type GetRolePolicyOutput struct {
	RoleName       string
	PolicyName     string
	PolicyDocument string // percent-encoded
}

// ListRolePoliciesInput is the request of ListRolePolicies.
type ListRolePoliciesInput struct {
	RoleName string
	Page
}

// ListRolePoliciesOutput is the response of ListRolePolicies.
type ListRolePoliciesOutput struct {
	PolicyNames []string
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

// AttachmentInput is the request of AttachRolePolicy and DetachRolePolicy.
type AttachmentInput struct {
	RoleName  string
	PolicyArn string
}

// ListAttachedRolePoliciesInput is the request of ListAttachedRolePolicies.
type ListAttachedRolePoliciesInput struct {
	RoleName   string
	PathPrefix string `json:",omitempty"`
	Page
}

// AttachedPolicy names a managed policy.
type AttachedPolicy struct {
	PolicyName string
	PolicyArn  string
}

// ListAttachedRolePoliciesOutput is the response of ListAttachedRolePolicies.
type ListAttachedRolePoliciesOutput struct {
	AttachedPolicies []AttachedPolicy
	IsTruncated      bool
	Marker           string `json:",omitempty"`
}

// A role's inline policies may have 10,240 characters in all, and 10 managed policies may be attached to it.
const (
	inlinePolicySize = 10240
	attachmentQuota  = 10
)

func noRolePolicy(name string) error {
	return &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: fmt.Sprintf("The role policy with name %s cannot be found.", name)}
}

func (s *Service) registerRolePolicies() {
	registerBounded(s, "PutRolePolicy", func(c *dispatch.Call, in *PutRolePolicyInput) string { return s.boundRole(c, in.RoleName) }, s.putRolePolicy)
	register(s, "GetRolePolicy", func(in *RolePolicyInput) string { return s.roleARN(in.RoleName) }, func(in *RolePolicyInput) (*GetRolePolicyOutput, error) {
		r, err := s.role(in.RoleName)
		if err != nil {
			return nil, err
		}
		document, ok := r.Inline[in.PolicyName]
		if !ok {
			return nil, noRolePolicy(in.PolicyName)
		}
		return &GetRolePolicyOutput{r.Name, in.PolicyName, encoded(document)}, nil
	})
	registerBounded(s, "DeleteRolePolicy", func(c *dispatch.Call, in *RolePolicyInput) string { return s.boundRole(c, in.RoleName) }, func(in *RolePolicyInput) (*Empty, error) {
		return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
			if _, ok := r.Inline[in.PolicyName]; !ok {
				return noRolePolicy(in.PolicyName)
			}
			r.Inline = maps.Clone(r.Inline)
			delete(r.Inline, in.PolicyName)
			return nil
		})
	})
	register(s, "ListRolePolicies", func(in *ListRolePoliciesInput) string { return s.roleARN(in.RoleName) }, func(in *ListRolePoliciesInput) (*ListRolePoliciesOutput, error) {
		r, err := s.role(in.RoleName)
		if err != nil {
			return nil, err
		}
		names, truncated, marker, err := paginate(in.Page, slices.Sorted(maps.Keys(r.Inline)), func(name string) string { return name })
		if err != nil {
			return nil, err
		}
		return &ListRolePoliciesOutput{names, truncated, marker}, nil
	})
	registerBounded(s, "AttachRolePolicy", func(c *dispatch.Call, in *AttachmentInput) string { return s.boundRole(c, in.RoleName) }, s.attachRolePolicy)
	registerBounded(s, "DetachRolePolicy", func(c *dispatch.Call, in *AttachmentInput) string { return s.boundRole(c, in.RoleName) }, func(in *AttachmentInput) (*Empty, error) {
		return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
			i := slices.Index(r.Attached, in.PolicyArn)
			if i < 0 {
				return &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: fmt.Sprintf("Policy %s was not found.", in.PolicyArn)}
			}
			r.Attached = slices.Concat(r.Attached[:i], r.Attached[i+1:])
			return nil
		})
	})
	register(s, "ListAttachedRolePolicies", func(in *ListAttachedRolePoliciesInput) string { return s.roleARN(in.RoleName) }, s.listAttachedRolePolicies)
}

func (s *Service) putRolePolicy(in *PutRolePolicyInput) (*Empty, error) {
	if err := checkName("policyName", in.PolicyName, 128); err != nil {
		return nil, err
	}
	if err := checkDocument(in.PolicyDocument, iampolicy.Identity, inlinePolicySize); err != nil {
		return nil, err
	}
	return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
		r.Inline = maps.Clone(r.Inline)
		if r.Inline == nil {
			r.Inline = map[string]string{}
		}
		r.Inline[in.PolicyName] = in.PolicyDocument
		size := 0
		for _, document := range r.Inline {
			size += policySize(document)
		}
		if size > inlinePolicySize {
			return &dispatch.Error{Code: "LimitExceeded", Status: 409, Message: fmt.Sprintf("Maximum policy size of %d bytes exceeded for role %s", inlinePolicySize, r.Name)}
		}
		return nil
	})
}

func (s *Service) attachRolePolicy(in *AttachmentInput) (*Empty, error) {
	return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
		if _, err := s.policy(in.PolicyArn); err != nil {
			return err
		}
		if slices.Contains(r.Attached, in.PolicyArn) {
			return nil
		}
		if len(r.Attached) == attachmentQuota {
			return &dispatch.Error{Code: "LimitExceeded", Status: 409, Message: fmt.Sprintf("Cannot exceed quota for PoliciesPerRole: %d", attachmentQuota)}
		}
		r.Attached = slices.Concat(r.Attached, []string{in.PolicyArn})
		return nil
	})
}

func (s *Service) listAttachedRolePolicies(in *ListAttachedRolePoliciesInput) (*ListAttachedRolePoliciesOutput, error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	var all []AttachedPolicy
	for _, arn := range r.Attached {
		p, err := s.policy(arn)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(p.Path, in.PathPrefix) {
			all = append(all, AttachedPolicy{p.Name, p.ARN})
		}
	}
	part, truncated, marker, err := paginate(in.Page, all, func(p AttachedPolicy) string { return p.PolicyArn })
	if err != nil {
		return nil, err
	}
	return &ListAttachedRolePoliciesOutput{part, truncated, marker}, nil
}
