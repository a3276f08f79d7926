package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// policyRecord is a managed policy as the state file keeps it.
type policyRecord struct {
	Name, ID, Path, ARN, Description string
	Created, Updated                 dispatch.Time
	Tags                             []Tag
	Versions                         []versionRecord // oldest first
	Default                          string          // version id
	Next                             int             // number of the next version
}

type versionRecord struct {
	ID, Document string
	Created      dispatch.Time
}

// Policy is a managed policy in responses.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html
type Policy struct {
	PolicyName       string
	PolicyId         string
	Arn              string
	Path             string
	DefaultVersionId string
	AttachmentCount  int32
	// PermissionsBoundaryUsageCount is how many roles the policy bounds.
	PermissionsBoundaryUsageCount int32
	IsAttachable                  bool
	Description                   string `json:",omitempty"`
	CreateDate                    dispatch.Time
	UpdateDate                    dispatch.Time
	Tags                          []Tag `json:",omitempty"`
}

// PolicyVersion is a version of a managed policy in responses.
type PolicyVersion struct {
	Document         string `json:",omitempty"` // percent-encoded; left out of lists
	VersionId        string
	IsDefaultVersion bool
	CreateDate       dispatch.Time
}

// CreatePolicyInput is the request of CreatePolicy.
type CreatePolicyInput struct {
	PolicyName     string
	PolicyDocument string
	Path           string `json:",omitempty"`
	Description    string `json:",omitempty"`
	Tags           []Tag  `json:",omitempty"`
}

// PolicyOutput is the response of CreatePolicy and GetPolicy.
type PolicyOutput struct{ Policy Policy }

// PolicyInput is the request of operations that need a policy's ARN only.
type PolicyInput struct{ PolicyArn string }

// PolicyVersionInput is the request of GetPolicyVersion and DeletePolicyVersion.
type PolicyVersionInput struct {
	PolicyArn string
	VersionId string
}

// PolicyVersionOutput is the response of GetPolicyVersion and CreatePolicyVersion.
type PolicyVersionOutput struct{ PolicyVersion PolicyVersion }

// CreatePolicyVersionInput is the request of CreatePolicyVersion.
type CreatePolicyVersionInput struct {
	PolicyArn      string
	PolicyDocument string
	SetAsDefault   bool `json:",omitempty"`
}

// ListPolicyVersionsInput is the request of ListPolicyVersions.
type ListPolicyVersionsInput struct {
	PolicyArn string
	Page
}

// ListPolicyVersionsOutput is the response of ListPolicyVersions.
type ListPolicyVersionsOutput struct {
	Versions    []PolicyVersion
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

// TagPolicyInput is the request of TagPolicy.
type TagPolicyInput struct {
	PolicyArn string
	Tags      []Tag
}

// UntagPolicyInput is the request of UntagPolicy.
type UntagPolicyInput struct {
	PolicyArn string
	TagKeys   []string
}

// ListPolicyTagsInput is the request of ListPolicyTags.
type ListPolicyTagsInput struct {
	PolicyArn string
	Page
}

const (
	managedPolicySize = 6144
	versionQuota      = 5
)

// awsManaged are those of AWS's own policies that a serverless program attaches; their documents are AWS's.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var awsManaged = managedByAWS()

func managedByAWS() map[string]policyRecord {
	managed := map[string]policyRecord{}
	for _, p := range []struct{ path, name, document string }{
		{"/service-role/", "AWSLambdaBasicExecutionRole",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`},
		{"/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:DescribeLogGroups","logs:DescribeLogStreams","logs:PutLogEvents","logs:GetLogEvents","logs:FilterLogEvents"],"Resource":"*"}]}`},
	} {
		arn := "arn:aws:iam::aws:policy" + p.path + p.name
		managed[arn] = policyRecord{
			Name: p.name, ID: "ANPA" + strings.ToUpper(p.name)[:17], Path: p.path, ARN: arn,
			Versions: []versionRecord{{ID: "v1", Document: p.document}}, Default: "v1",
		}
	}
	return managed
}

func noPolicy(arn string) error {
	return &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: fmt.Sprintf("Policy %s does not exist or is not attachable.", arn)}
}

func (s *Service) policy(arn string) (policyRecord, error) {
	if p, ok := awsManaged[arn]; ok {
		return p, nil
	}
	if p, ok := s.policies.Get(arn); ok {
		return p, nil
	}
	return policyRecord{}, noPolicy(arn)
}

func (p *policyRecord) version(id string) (versionRecord, bool) {
	for _, v := range p.Versions {
		if v.ID == id {
			return v, true
		}
	}
	return versionRecord{}, false
}

func (p *policyRecord) describe(v versionRecord) PolicyVersion {
	return PolicyVersion{Document: encoded(v.Document), VersionId: v.ID, IsDefaultVersion: v.ID == p.Default, CreateDate: v.Created}
}

func (s *Service) attachments(arn string) (n int32) {
	for _, r := range s.roles.All() {
		if slices.Contains(r.Attached, arn) {
			n++
		}
	}
	return n
}

// boundaries counts the roles that a policy bounds.
func (s *Service) boundaries(arn string) (n int32) {
	for _, r := range s.roles.All() {
		if r.Boundary == arn {
			n++
		}
	}
	return n
}

func (s *Service) describePolicy(p policyRecord) *PolicyOutput {
	return &PolicyOutput{Policy{
		PolicyName: p.Name, PolicyId: p.ID, Arn: p.ARN, Path: p.Path, DefaultVersionId: p.Default, IsAttachable: true,
		AttachmentCount: s.attachments(p.ARN), PermissionsBoundaryUsageCount: s.boundaries(p.ARN), Description: p.Description, CreateDate: p.Created, UpdateDate: p.Updated, Tags: p.Tags,
	}}
}

// updatePolicy changes a customer managed policy as updateRole changes a role.
func (s *Service) updatePolicy(arn string, f func(p *policyRecord) error) error {
	s.change.Lock()
	defer s.change.Unlock()
	p, ok := s.policies.Get(arn)
	if !ok {
		if _, aws := awsManaged[arn]; aws {
			return &dispatch.Error{Code: "AccessDenied", Status: 403, Message: "The policy " + arn + " is managed by AWS and cannot be changed."}
		}
		return noPolicy(arn)
	}
	if err := f(&p); err != nil {
		return err
	}
	p.Updated = dispatch.Time{Time: s.d.Clock.Now()}
	if err := s.policies.Put(arn, p); err != nil {
		return fmt.Errorf("keeping the policy %s: %w", arn, err)
	}
	s.cache.forget()
	return nil
}

func (s *Service) registerPolicies() {
	register(s, "CreatePolicy", func(in *CreatePolicyInput) string {
		return s.arn("policy" + strings.TrimSuffix("/"+strings.Trim(in.Path, "/"), "/") + "/" + in.PolicyName)
	}, s.createPolicy)
	register(s, "GetPolicy", func(in *PolicyInput) string { return in.PolicyArn }, func(in *PolicyInput) (*PolicyOutput, error) {
		p, err := s.policy(in.PolicyArn)
		if err != nil {
			return nil, err
		}
		return s.describePolicy(p), nil
	})
	register(s, "DeletePolicy", func(in *PolicyInput) string { return in.PolicyArn }, s.deletePolicy)
	register(s, "GetPolicyVersion", func(in *PolicyVersionInput) string { return in.PolicyArn }, func(in *PolicyVersionInput) (*PolicyVersionOutput, error) {
		p, err := s.policy(in.PolicyArn)
		if err != nil {
			return nil, err
		}
		v, ok := p.version(in.VersionId)
		if !ok {
			return nil, noVersion(p.ARN, in.VersionId)
		}
		return &PolicyVersionOutput{p.describe(v)}, nil
	})
	register(s, "CreatePolicyVersion", func(in *CreatePolicyVersionInput) string { return in.PolicyArn }, s.createPolicyVersion)
	register(s, "DeletePolicyVersion", func(in *PolicyVersionInput) string { return in.PolicyArn }, func(in *PolicyVersionInput) (*Empty, error) {
		return &Empty{}, s.updatePolicy(in.PolicyArn, func(p *policyRecord) error {
			i := slices.IndexFunc(p.Versions, func(v versionRecord) bool { return v.ID == in.VersionId })
			switch {
			case i < 0:
				return noVersion(p.ARN, in.VersionId)
			case in.VersionId == p.Default:
				return &dispatch.Error{Code: "DeleteConflict", Status: 409, Message: "Cannot delete the default version of a policy."}
			}
			p.Versions = slices.Concat(p.Versions[:i], p.Versions[i+1:])
			return nil
		})
	})
	register(s, "ListPolicyVersions", func(in *ListPolicyVersionsInput) string { return in.PolicyArn }, s.listPolicyVersions)
	register(s, "TagPolicy", func(in *TagPolicyInput) string { return in.PolicyArn }, func(in *TagPolicyInput) (*Empty, error) {
		return &Empty{}, s.updatePolicy(in.PolicyArn, func(p *policyRecord) error {
			if err := checkTags(in.Tags); err != nil {
				return err
			}
			p.Tags = mergeTags(p.Tags, in.Tags)
			return checkTags(p.Tags)
		})
	})
	register(s, "UntagPolicy", func(in *UntagPolicyInput) string { return in.PolicyArn }, func(in *UntagPolicyInput) (*Empty, error) {
		return &Empty{}, s.updatePolicy(in.PolicyArn, func(p *policyRecord) error {
			p.Tags = withoutTags(p.Tags, in.TagKeys)
			return nil
		})
	})
	register(s, "ListPolicyTags", func(in *ListPolicyTagsInput) string { return in.PolicyArn }, func(in *ListPolicyTagsInput) (*ListTagsOutput, error) {
		p, err := s.policy(in.PolicyArn)
		if err != nil {
			return nil, err
		}
		return listTags(p.Tags, in.Page)
	})
}

func noVersion(arn, id string) error {
	return &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: fmt.Sprintf("Policy %s version %s does not exist or is not attachable.", arn, id)}
}

func (s *Service) createPolicy(in *CreatePolicyInput) (*PolicyOutput, error) {
	if err := checkName("policyName", in.PolicyName, 128); err != nil {
		return nil, err
	}
	path, err := checkPath(in.Path)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkDocument(in.PolicyDocument, iampolicy.Identity, managedPolicySize); err != nil {
		return nil, err
	}
	now := dispatch.Time{Time: s.d.Clock.Now()}
	p := policyRecord{
		Name: in.PolicyName, ID: newID("ANPA"), Path: path, ARN: s.arn("policy" + path + in.PolicyName), Description: in.Description,
		Created: now, Updated: now, Tags: in.Tags,
		Versions: []versionRecord{{ID: "v1", Document: in.PolicyDocument, Created: now}}, Default: "v1", Next: 2,
	}
	s.change.Lock()
	defer s.change.Unlock()
	made, err := s.policies.Create(p.ARN, p)
	if err != nil {
		return nil, err
	}
	if !made {
		return nil, &dispatch.Error{Code: "EntityAlreadyExists", Status: 409, Message: fmt.Sprintf("A policy called %s already exists. Duplicate names are not allowed.", in.PolicyName)}
	}
	return s.describePolicy(p), nil
}

func (s *Service) deletePolicy(in *PolicyInput) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	p, ok := s.policies.Get(in.PolicyArn)
	switch {
	case !ok:
		return nil, noPolicy(in.PolicyArn)
	case s.attachments(p.ARN) > 0 || s.boundaries(p.ARN) > 0:
		return nil, &dispatch.Error{Code: "DeleteConflict", Status: 409, Message: "Cannot delete a policy attached to entities."}
	case len(p.Versions) > 1:
		return nil, &dispatch.Error{Code: "DeleteConflict", Status: 409, Message: "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."}
	}
	_, err := s.policies.Delete(p.ARN)
	return &Empty{}, err
}

func (s *Service) createPolicyVersion(in *CreatePolicyVersionInput) (*PolicyVersionOutput, error) {
	if err := checkDocument(in.PolicyDocument, iampolicy.Identity, managedPolicySize); err != nil {
		return nil, err
	}
	var out PolicyVersionOutput
	err := s.updatePolicy(in.PolicyArn, func(p *policyRecord) error {
		if len(p.Versions) >= versionQuota {
			return &dispatch.Error{Code: "LimitExceeded", Status: 409, Message: "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."}
		}
		v := versionRecord{ID: "v" + strconv.Itoa(p.Next), Document: in.PolicyDocument, Created: dispatch.Time{Time: s.d.Clock.Now()}}
		p.Next++
		p.Versions = slices.Concat(p.Versions, []versionRecord{v})
		if in.SetAsDefault {
			p.Default = v.ID
		}
		out.PolicyVersion = p.describe(v)
		return nil
	})
	return &out, err
}

func (s *Service) listPolicyVersions(in *ListPolicyVersionsInput) (*ListPolicyVersionsOutput, error) {
	p, err := s.policy(in.PolicyArn)
	if err != nil {
		return nil, err
	}
	var all []PolicyVersion
	for _, v := range slices.Backward(p.Versions) {
		described := p.describe(v)
		described.Document = ""
		all = append(all, described)
	}
	part, truncated, marker, err := paginate(in.Page, all, func(v PolicyVersion) string { return v.VersionId })
	if err != nil {
		return nil, err
	}
	return &ListPolicyVersionsOutput{part, truncated, marker}, nil
}
