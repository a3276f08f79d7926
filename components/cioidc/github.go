// Package cioidc lets continuous integration on GitHub work in an AWS account without a secret: an OpenID Connect identity
// provider, and roles that the workflows of one repository assume with the token that GitHub gives each job.
//
// A role trusts exact subjects only, never patterns: what a branch, a pull request or an environment of the repository may do is
// what its role says. Roles have a permissions boundary, which the roles that they make must have too. See
// https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html.
package cioidc

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// GitHubType is the type token of GitHub.
const GitHubType = "carepath:cioidc:GitHub"

// Of GitHub's tokens.
const (
	issuer   = "token.actions.githubusercontent.com"
	audience = "sts.amazonaws.com"
)

// Path is the path of the roles and policies that this component makes. No role that it makes may touch them.
const Path = "/carepath-ci/"

// ManagedPath is the path of the roles that deployments make, before the stack's name: the roles of this component touch no others.
const ManagedPath = "/carepath/carepath/"

// Access is what a role may do.
type Access string

// The kinds of access.
const (
	// ReadOnly may read how everything is set up, and the stacks' states; it changes nothing. It reads no data: no items, messages,
	// log events, users or FHIR resources.
	ReadOnly Access = "read-only"
	// Deploy may also make, change and delete what a stack consists of, and the states of its stacks. It reads no data either.
	Deploy Access = "deploy"
)

// GitHubArgs say which repository may do what.
type GitHubArgs struct {
	// Repository is "owner/name". Required.
	Repository string
	// AccountID is the account's twelve digits. Required.
	AccountID string
	// Region is where everything is deployed. Required.
	Region string
	// ProviderARN is the identity provider for GitHub that the account has already: there can be but one. Default: it is made.
	ProviderARN string
	// Roles are what workflows assume. One at least.
	Roles []Role
	// StateBucketARN is the bucket of the stacks' states; StateKeyARN the KMS key of the bucket and of the stacks' secrets. Required.
	StateBucketARN, StateKeyARN pulumi.StringInput
}

// Role is one role that workflows assume.
type Role struct {
	// Name is the role's name in the program, and its purpose: "preview", "deploy-prod". Required.
	Name string
	// Access is what it may do. Required.
	Access Access
	// Subjects are who may assume it: see Branch, PullRequests and Environment. One at least.
	Subjects []Subject
	// Stacks are the Pulumi stacks whose states it may read, and with Deploy write; "pr-*" is all that begin so. With Deploy it
	// touches no resource that is tagged as another stack's. One at least.
	Stacks []string
	// MaxSessionSeconds is how long a job's credentials may last: 3600 to 43200. Default: 3600.
	MaxSessionSeconds int
}

// Subject is what runs: the part of a token's subject that follows the repository.
type Subject string

// Branch is a job of a workflow that runs on a branch, and names no environment.
func Branch(name string) Subject { return Subject("ref:refs/heads/" + name) }

// PullRequests are jobs that a pull request starts, and that name no environment. GitHub gives none to those of forks.
func PullRequests() Subject { return "pull_request" }

// Environment is a job that names an environment of the repository: whatever started it, once the environment's rules let it run.
func Environment(name string) Subject { return Subject("environment:" + name) }

// GitHub is what workflows of a repository need in an account.
type GitHub struct {
	pulumi.ResourceState

	// ProviderARN is the identity provider's.
	ProviderARN pulumi.StringOutput
	// BoundaryARN is the permissions boundary's: the roles that deployments make must have it.
	BoundaryARN pulumi.StringOutput
	// RoleARNs are the roles' by their names.
	RoleARNs map[string]pulumi.StringOutput
}

var (
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
	accountForm    = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	providerForm   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):oidc-provider/` + regexp.QuoteMeta(issuer) + `$`)
	roleForm       = regexp.MustCompile(`^[a-z][a-z0-9-]{0,40}$`)
	subjectForm    = regexp.MustCompile(`^(pull_request|ref:refs/heads/[A-Za-z0-9._/-]+|environment:[A-Za-z0-9._-]+)$`)
	stackForm      = regexp.MustCompile(`^[a-z][a-z0-9-]*\*?$`)
)

func (a *GitHubArgs) validate() error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !repositoryForm.MatchString(a.Repository) {
		problem("Repository: must be owner/name, got %q", a.Repository)
	}
	if !accountForm.MatchString(a.AccountID) {
		problem("AccountID: must be twelve digits, got %q", a.AccountID)
	}
	if !regionForm.MatchString(a.Region) {
		problem(`Region: must be a region, such as "us-east-1", got %q`, a.Region)
	}
	if m := providerForm.FindStringSubmatch(a.ProviderARN); a.ProviderARN != "" && (m == nil || m[1] != a.AccountID) {
		problem("ProviderARN: must be that of %s in the account, got %q", issuer, a.ProviderARN)
	}
	if a.StateBucketARN == nil || a.StateKeyARN == nil {
		problem("StateBucketARN, StateKeyARN: are required")
	}
	if len(a.Roles) == 0 {
		problem("Roles: one at least")
	}
	seen := map[string]bool{}
	for _, r := range a.Roles {
		if !roleForm.MatchString(r.Name) || seen[r.Name] {
			problem("Roles: %q is no name: lower-case letters, digits and hyphens, each once", r.Name)
		}
		seen[r.Name] = true
		if r.Access != ReadOnly && r.Access != Deploy {
			problem("role %s: Access: must be %q or %q, got %q", r.Name, ReadOnly, Deploy, r.Access)
		}
		if len(r.Subjects) == 0 || len(r.Stacks) == 0 {
			problem("role %s: one of Subjects and of Stacks at least", r.Name)
		}
		for _, s := range r.Subjects {
			if !subjectForm.MatchString(string(s)) {
				problem("role %s: %q is no subject: it names one branch or one environment, or pull requests", r.Name, s)
			}
			if r.Access == Deploy && s == PullRequests() {
				problem("role %s: pull requests must not deploy by themselves: let their jobs name an environment, and trust that", r.Name)
			}
		}
		for _, s := range r.Stacks {
			if !stackForm.MatchString(s) {
				problem("role %s: %q is no stack's name, or the beginning of one with * after it", r.Name, s)
			}
		}
		if r.MaxSessionSeconds != 0 && (r.MaxSessionSeconds < 3600 || r.MaxSessionSeconds > 43200) {
			problem("role %s: MaxSessionSeconds: must be 3600 to 43200, got %d", r.Name, r.MaxSessionSeconds)
		}
	}
	return errors.Join(problems...)
}

// partition is the group of regions that the deployment's belongs to.
func (a *GitHubArgs) partition() string {
	switch {
	case strings.HasPrefix(a.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(a.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// iamARN is that of something in the account's IAM.
func (a *GitHubArgs) iamARN(what string) string {
	return fmt.Sprintf("arn:%s:iam::%s:%s", a.partition(), a.AccountID, what)
}

// NewGitHub makes the identity provider, unless there is one, the permissions boundary and the roles.
func NewGitHub(ctx *pulumi.Context, name string, args *GitHubArgs, opts ...pulumi.ResourceOption) (*GitHub, error) {
	if args == nil {
		args = &GitHubArgs{}
	}
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("components/cioidc %q: %w", name, err)
	}
	g := &GitHub{RoleARNs: map[string]pulumi.StringOutput{}}
	if err := ctx.RegisterComponentResource(GitHubType, name, g, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(g)
	provider := args.ProviderARN
	g.ProviderARN = pulumi.String(provider).ToStringOutput()
	if provider == "" {
		// Its ARN is told by its URL. AWS checks GitHub's certificate against its own authorities: no thumbprint needs to be kept.
		provider = args.iamARN("oidc-provider/" + issuer)
		made, err := iam.NewOpenIdConnectProvider(ctx, name+"-provider", &iam.OpenIdConnectProviderArgs{
			Url: pulumi.String("https://" + issuer), ClientIdLists: pulumi.StringArray{pulumi.String(audience)},
		}, parent)
		if err != nil {
			return nil, err
		}
		g.ProviderARN = made.Arn
	}
	boundary, err := iam.NewPolicy(ctx, name+"-boundary", &iam.PolicyArgs{
		Description: pulumi.String("What the roles of continuous integration, and those that they make, may do at most"),
		Path:        pulumi.String(Path),
		Policy:      args.boundary(),
	}, parent)
	if err != nil {
		return nil, err
	}
	g.BoundaryARN = boundary.Arn
	for _, r := range args.Roles {
		role, err := args.newRole(ctx, name+"-"+r.Name, r, provider, boundary.Arn, parent)
		if err != nil {
			return nil, err
		}
		g.RoleARNs[r.Name] = role.Arn
	}
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{"providerArn": g.ProviderARN, "boundaryArn": g.BoundaryARN})
}

func (a *GitHubArgs) newRole(ctx *pulumi.Context, name string, r Role, provider string, boundary pulumi.StringOutput, parent pulumi.ResourceOption) (*iam.Role, error) {
	var subjects []pulumi.StringInput
	var who []string
	for _, s := range r.Subjects {
		subjects = append(subjects, pulumi.String("repo:"+a.Repository+":"+string(s)))
		who = append(who, string(s))
	}
	seconds := r.MaxSessionSeconds
	if seconds == 0 {
		seconds = 3600
	}
	role, err := iam.NewRole(ctx, name, &iam.RoleArgs{
		Description: pulumi.String(fmt.Sprintf("GitHub %s, %s: %s", a.Repository, r.Access, strings.Join(who, ", "))),
		Path:        pulumi.String(Path),
		AssumeRolePolicy: policy.Document(policy.Statement{
			Principal: map[string]string{"Federated": provider}, Actions: []string{"sts:AssumeRoleWithWebIdentity"},
			Conditions: []policy.Condition{
				{Operator: "StringEquals", Key: issuer + ":aud", Values: policy.ARNs(pulumi.String(audience))},
				{Operator: "StringEquals", Key: issuer + ":sub", Values: subjects},
			},
		}),
		MaxSessionDuration:  pulumi.Int(seconds),
		PermissionsBoundary: boundary,
	}, parent)
	if err != nil {
		return nil, err
	}
	policies := map[string][]policy.Statement{"read": a.reading(), "state": a.states(r)}
	if r.Access == Deploy {
		policies["deploy"] = a.deploying(r, boundary)
		policies["stacks"] = otherStacks(r)
	}
	for _, what := range []string{"read", "state", "deploy", "stacks"} {
		if policies[what] == nil {
			continue
		}
		if _, err := iam.NewRolePolicy(ctx, name+"-"+what, &iam.RolePolicyArgs{Role: role.Name, Policy: policy.Document(policies[what]...)}, pulumi.Parent(role)); err != nil {
			return nil, err
		}
	}
	return role, nil
}

// states let a role read the states of its stacks, and with Deploy write them. Where Pulumi keeps what in a bucket is in
// https://www.pulumi.com/docs/iac/concepts/state-and-backends/.
func (a *GitHubArgs) states(r Role) []policy.Statement {
	var objects []pulumi.StringInput
	for _, stack := range r.Stacks {
		for _, form := range []string{"%s/*.pulumi/*/carepath/%s.json*", "%s/*.pulumi/*/carepath/%s/*"} { // in a folder of the bucket, too
			objects = append(objects, pulumi.Sprintf(form, a.StateBucketARN, stack))
		}
	}
	statements := []policy.Statement{
		{Actions: []string{"s3:GetBucketLocation", "s3:ListBucket"}, Resources: policy.ARNs(a.StateBucketARN)},
		{Actions: []string{"s3:GetObject"}, Resources: slices.Concat(objects, policy.ARNs(pulumi.Sprintf("%s/*.pulumi/meta.yaml", a.StateBucketARN)))},
		{Actions: []string{"kms:Decrypt", "kms:DescribeKey"}, Resources: policy.ARNs(a.StateKeyARN)},
	}
	if r.Access == Deploy {
		statements = append(statements,
			policy.Statement{Actions: []string{"s3:PutObject", "s3:DeleteObject"}, Resources: objects},
			// Pulumi begins a folder with this file.
			policy.Statement{Actions: []string{"s3:PutObject"}, Resources: policy.ARNs(pulumi.Sprintf("%s/*/.pulumi/meta.yaml", a.StateBucketARN))},
			policy.Statement{Actions: []string{"kms:Encrypt", "kms:GenerateDataKey"}, Resources: policy.ARNs(a.StateKeyARN)})
	}
	return statements
}
