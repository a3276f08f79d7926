package iam

import (
	"strings"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// Role is a role in responses.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html
type Role struct {
	Path                     string
	RoleName                 string
	RoleId                   string
	Arn                      string
	CreateDate               dispatch.Time
	AssumeRolePolicyDocument string                       `json:",omitempty"` // percent-encoded
	Description              string                       `json:",omitempty"`
	MaxSessionDuration       int32                        // seconds
	Tags                     []Tag                        `json:",omitempty"`
	PermissionsBoundary      *AttachedPermissionsBoundary `json:",omitempty"`
}

func (r *roleRecord) role() Role {
	return Role{
		Path: r.Path, RoleName: r.Name, RoleId: r.ID, Arn: r.ARN, CreateDate: r.Created,
		AssumeRolePolicyDocument: encoded(r.Trust), Description: r.Description,
		MaxSessionDuration: r.MaxSessionDuration, Tags: r.Tags, PermissionsBoundary: boundary(r.Boundary),
	}
}

// CreateRoleInput is the request of CreateRole.
type CreateRoleInput struct {
	RoleName                 string
	AssumeRolePolicyDocument string
	Path                     string `json:",omitempty"`
	Description              string `json:",omitempty"`
	MaxSessionDuration       int32  `json:",omitempty"` // seconds, 3600 to 43200; 0 means 3600
	PermissionsBoundary      string `json:",omitempty"` // ARN of a managed policy
	Tags                     []Tag  `json:",omitempty"`
}

// RoleOutput is the response of CreateRole and GetRole.
type RoleOutput struct{ Role Role }

// RoleInput is the request of operations that need a role's name only.
type RoleInput struct{ RoleName string }

// UpdateRoleInput is the request of UpdateRole.
type UpdateRoleInput struct {
	RoleName           string
	Description        *string `json:",omitempty"`
	MaxSessionDuration int32   `json:",omitempty"`
}

// UpdateAssumeRolePolicyInput is the request of UpdateAssumeRolePolicy.
type UpdateAssumeRolePolicyInput struct {
	RoleName       string
	PolicyDocument string
}

// ListRolesInput is the request of ListRoles.
type ListRolesInput struct {
	PathPrefix string `json:",omitempty"`
	Page
}

// ListRolesOutput is the response of ListRoles.
type ListRolesOutput struct {
	Roles       []Role
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

// TagRoleInput is the request of TagRole.
type TagRoleInput struct {
	RoleName string
	Tags     []Tag
}

// UntagRoleInput is the request of UntagRole.
type UntagRoleInput struct {
	RoleName string
	TagKeys  []string
}

// ListRoleTagsInput is the request of ListRoleTags.
type ListRoleTagsInput struct {
	RoleName string
	Page
}

// ListTagsOutput is the response of ListRoleTags and ListPolicyTags.
type ListTagsOutput struct {
	Tags        []Tag
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

const trustPolicySize = 2048

func (s *Service) registerRoles() {
	registerBounded(s, "CreateRole", func(c *dispatch.Call, in *CreateRoleInput) string {
		c.Conditions = boundaryKey(in.PermissionsBoundary)
		return s.arn("role" + strings.TrimSuffix("/"+strings.Trim(in.Path, "/"), "/") + "/" + in.RoleName)
	}, s.createRole)
	register(s, "GetRole", func(in *RoleInput) string { return s.roleARN(in.RoleName) }, func(in *RoleInput) (*RoleOutput, error) {
		r, err := s.role(in.RoleName)
		if err != nil {
			return nil, err
		}
		return &RoleOutput{r.role()}, nil
	})
	register(s, "DeleteRole", func(in *RoleInput) string { return s.roleARN(in.RoleName) }, s.deleteRole)
	register(s, "ListRoles", func(in *ListRolesInput) string { return s.arn("role/") }, s.listRoles)
	register(s, "UpdateRole", func(in *UpdateRoleInput) string { return s.roleARN(in.RoleName) }, s.doUpdateRole)
	register(s, "UpdateAssumeRolePolicy", func(in *UpdateAssumeRolePolicyInput) string { return s.roleARN(in.RoleName) },
		func(in *UpdateAssumeRolePolicyInput) (*Empty, error) {
			return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
				r.Trust = in.PolicyDocument
				return checkDocument(in.PolicyDocument, iampolicy.Trust, trustPolicySize)
			})
		})
	register(s, "TagRole", func(in *TagRoleInput) string { return s.roleARN(in.RoleName) }, func(in *TagRoleInput) (*Empty, error) {
		return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
			if err := checkTags(in.Tags); err != nil {
				return err
			}
			r.Tags = mergeTags(r.Tags, in.Tags)
			return checkTags(r.Tags)
		})
	})
	register(s, "UntagRole", func(in *UntagRoleInput) string { return s.roleARN(in.RoleName) }, func(in *UntagRoleInput) (*Empty, error) {
		return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
			r.Tags = withoutTags(r.Tags, in.TagKeys)
			return nil
		})
	})
	register(s, "ListRoleTags", func(in *ListRoleTagsInput) string { return s.roleARN(in.RoleName) }, func(in *ListRoleTagsInput) (*ListTagsOutput, error) {
		r, err := s.role(in.RoleName)
		if err != nil {
			return nil, err
		}
		return listTags(r.Tags, in.Page)
	})
}

func listTags(tags []Tag, page Page) (*ListTagsOutput, error) {
	part, truncated, marker, err := paginate(page, tags, func(t Tag) string { return t.Key })
	if err != nil {
		return nil, err
	}
	return &ListTagsOutput{part, truncated, marker}, nil
}

func checkSessionDuration(seconds int32) error {
	if seconds < 3600 || seconds > 43200 {
		return validation("1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200", seconds)
	}
	return nil
}

func (s *Service) createRole(in *CreateRoleInput) (*RoleOutput, error) {
	if err := checkName("roleName", in.RoleName, 64); err != nil {
		return nil, err
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return nil, err
	}
	if in.MaxSessionDuration == 0 {
		in.MaxSessionDuration = 3600
	}
	if err := checkSessionDuration(in.MaxSessionDuration); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkDocument(in.AssumeRolePolicyDocument, iampolicy.Trust, trustPolicySize); err != nil {
		return nil, err
	}
	r := roleRecord{
		Name: in.RoleName, ID: newID("AROA"), Path: path, ARN: s.arn("role" + path + in.RoleName),
		Trust: in.AssumeRolePolicyDocument, Description: in.Description, MaxSessionDuration: in.MaxSessionDuration,
		Created: dispatch.Time{Time: s.d.Clock.Now()}, Tags: in.Tags, Boundary: in.PermissionsBoundary,
	}
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.checkBoundary(r.Boundary); err != nil {
		return nil, err
	}
	made, err := s.roles.Create(strings.ToLower(r.Name), r)
	if err != nil {
		return nil, err
	}
	if !made {
		return nil, &dispatch.Error{Code: "EntityAlreadyExists", Status: 409, Message: "Role with name " + in.RoleName + " already exists."}
	}
	s.cache.forget()
	return &RoleOutput{r.role()}, nil
}

func (s *Service) deleteRole(in *RoleInput) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	r, err := s.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(r.Inline) > 0:
		return nil, &dispatch.Error{Code: "DeleteConflict", Status: 409, Message: "Cannot delete entity, must delete policies first."}
	case len(r.Attached) > 0:
		return nil, &dispatch.Error{Code: "DeleteConflict", Status: 409, Message: "Cannot delete entity, must detach all policies first."}
	}
	if _, err := s.roles.Delete(strings.ToLower(r.Name)); err != nil {
		return nil, err
	}
	s.cache.forget()
	return &Empty{}, nil
}

func (s *Service) listRoles(in *ListRolesInput) (*ListRolesOutput, error) {
	roles := []Role{}
	for _, r := range s.roles.All() {
		if strings.HasPrefix(r.Path, in.PathPrefix) {
			role := r.role()
			role.Tags = nil // AWS leaves them out of lists
			roles = append(roles, role)
		}
	}
	part, truncated, marker, err := paginate(in.Page, roles, func(r Role) string { return r.RoleName })
	if err != nil {
		return nil, err
	}
	return &ListRolesOutput{part, truncated, marker}, nil
}

func (s *Service) doUpdateRole(in *UpdateRoleInput) (*Empty, error) {
	return &Empty{}, s.updateRole(in.RoleName, func(r *roleRecord) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != 0 {
			r.MaxSessionDuration = in.MaxSessionDuration
		}
		return checkSessionDuration(r.MaxSessionDuration)
	})
}
