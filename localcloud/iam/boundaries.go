package iam

import (
	"context"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// AttachedPermissionsBoundary is the permissions boundary of a role in responses.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachedPermissionsBoundary.html
type AttachedPermissionsBoundary struct {
	PermissionsBoundaryType string // always "Policy"
	PermissionsBoundaryArn  string
}

// PutRolePermissionsBoundaryInput is the request of PutRolePermissionsBoundary.
type PutRolePermissionsBoundaryInput struct {
	RoleName            string
	PermissionsBoundary string // ARN of a managed policy
}

func boundary(arn string) *AttachedPermissionsBoundary {
	if arn == "" {
		return nil
	}
	return &AttachedPermissionsBoundary{PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: arn}
}

// boundaryKey is the condition key of operations that concern a role's permissions boundary; nil where there is none.
func boundaryKey(arn string) map[string]string {
	if arn == "" {
		return nil
	}
	return map[string]string{"iam:PermissionsBoundary": arn}
}

// boundRole is the ARN of a role for an operation that the role's boundary is a condition of.
func (s *Service) boundRole(c *dispatch.Call, name string) string {
	if r, err := s.role(name); err == nil {
		c.Conditions = boundaryKey(r.Boundary)
	}
	return s.roleARN(name)
}

// registerBounded adds an operation whose resource is one ARN, and that may be allowed for some permissions boundaries only.
func registerBounded[In, Out any](s *Service, action string, resource func(c *dispatch.Call, in *In) string, do func(in *In) (*Out, error)) {
	dispatch.Register(s.d, dispatch.Operation{Service: "iam", Action: action},
		dispatch.On(func(c *dispatch.Call, in *In) []string { return []string{resource(c, in)} }),
		func(_ context.Context, _ *dispatch.Call, in *In) (*Out, error) { return do(in) })
}

func (s *Service) registerBoundaries() {
	registerBounded(s, "PutRolePermissionsBoundary", func(c *dispatch.Call, in *PutRolePermissionsBoundaryInput) string {
		c.Conditions = boundaryKey(in.PermissionsBoundary)
		return s.roleARN(in.RoleName)
	}, func(in *PutRolePermissionsBoundaryInput) (*Empty, error) {
		if in.PermissionsBoundary == "" {
			return nil, required("permissionsBoundary")
		}
		return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
			r.Boundary = in.PermissionsBoundary
			return s.checkBoundary(r.Boundary)
		})
	})
	registerBounded(s, "DeleteRolePermissionsBoundary", func(c *dispatch.Call, in *RoleInput) string { return s.boundRole(c, in.RoleName) },
		func(in *RoleInput) (*Empty, error) {
			return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
				r.Boundary = ""
				return nil
			})
		})
}

// checkBoundary refuses what is no managed policy. The caller holds s.change.
func (s *Service) checkBoundary(arn string) error {
	if arn == "" {
		return nil
	}
	if _, err := s.policy(arn); err != nil {
		return &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: "Scope ARN: " + arn + " does not exist or is not attachable."}
	}
	return nil
}
