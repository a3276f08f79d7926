// Package bootstrap is the program that makes an AWS account ready for Carepath's stacks: a bucket and a key for their states, and
// what continuous integration on GitHub works with. It is a Pulumi project of its own, in the folder bootstrap, deployed once for
// an account by a person who administers it: see docs/bootstrap.md.
package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/components/cioidc"
	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lakeformation"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// PullRequests is the name of the GitHub environment whose jobs deploy and remove the stacks of pull requests.
const PullRequests = "pull-requests"

// Config is the configuration: AccountKey of Pulumi.<stack>.yaml, and aws:region.
type Config struct {
	Region string `json:"-"`
	// AccountID is the account's twelve digits: every other one is refused.
	AccountID string `json:"accountId"`
	// Repository is "owner/name" on GitHub.
	Repository string `json:"repository"`
	// Branch is the one that deployments and schedules run on. Default: main.
	Branch string `json:"branch"`
	// Environments are the stacks that are deployed into this account, each from the GitHub environment of its name.
	Environments []string `json:"environments"`
	// PullRequests lets pull requests preview the stacks of this account, and the GitHub environment pull-requests deploy and remove
	// the stacks pr-<number> in it.
	PullRequests bool `json:"pullRequests"`
	// ProviderARN is the identity provider for GitHub that the account has already. Default: it is made.
	ProviderARN string `json:"oidcProviderArn"`
	// LakeFormationAdmins are the account's data lake administrators beside the roles that deploy, which HealthLake wants to be
	// some: ARNs of all that there are. Default: the account's settings are left alone.
	LakeFormationAdmins []string `json:"lakeFormationAdmins"`
}

var stackForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,20}$`)

func (c *Config) validate() error {
	var problems []error
	for _, e := range c.Environments {
		if !stackForm.MatchString(e) || e == PullRequests {
			problems = append(problems, fmt.Errorf("environments: %q is no stack's name: lower-case letters, digits and hyphens", e))
		}
	}
	if len(c.Environments) == 0 && !c.PullRequests {
		problems = append(problems, errors.New("environments: one at least, or pullRequests"))
	}
	return errors.Join(problems...)
}

// Deploy is the program. Its outputs are plain strings: backendUrl and secretsProvider, which stacks keep their states and secrets
// with, and pullRequestsBackendUrl for the stacks of pull requests; permissionsBoundaryArn, for carepath:platform of their files; and for each role <role>RoleArn, such as previewRoleArn and
// deployDevRoleArn, for the workflows.
func Deploy(ctx *pulumi.Context) error {
	c, err := ParseConfig(config.Require(ctx, AccountKey))
	if err != nil {
		return err
	}
	c.Region = config.Require(ctx, "aws:region")
	return c.Program(ctx)
}

// AccountKey is the configuration's key.
const AccountKey = "carepath-bootstrap:account"

// ParseConfig reads and checks the value of AccountKey, as Pulumi has it: JSON text. A member that is not known is an error.
func ParseConfig(text string) (Config, error) {
	var c Config
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&c)
	if err == nil {
		err = c.validate()
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", AccountKey, err)
	}
	return c, nil
}

// Program deploys for a configuration.
func (c Config) Program(ctx *pulumi.Context) error {
	if err := c.validate(); err != nil {
		return fmt.Errorf("the configuration is not valid: %w", err)
	}
	if c.Branch == "" {
		c.Branch = "main"
	}
	// No tag "stack": what all stacks use is none's.
	provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{
		Region: pulumi.String(c.Region), AllowedAccountIds: pulumi.StringArray{pulumi.String(c.AccountID)},
		DefaultTags: aws.ProviderDefaultTagsArgs{Tags: pulumi.StringMap{"project": pulumi.String("carepath-bootstrap")}},
	})
	if err != nil {
		return err
	}
	with := pulumi.Provider(provider)
	key, err := newKey(ctx, with)
	if err != nil {
		return err
	}
	bucket, err := newBucket(ctx, key, with)
	if err != nil {
		return err
	}
	github, err := cioidc.NewGitHub(ctx, "github", &cioidc.GitHubArgs{
		Repository: c.Repository, AccountID: c.AccountID, Region: c.Region, ProviderARN: c.ProviderARN,
		Roles: c.roles(), StateBucketARN: bucket.Arn, StateKeyARN: key.Arn,
	}, with)
	if err != nil {
		return err
	}
	ctx.Export("backendUrl", pulumi.Sprintf("s3://%s?region=%s", bucket.Bucket, c.Region))
	if c.PullRequests {
		// A folder of their own: carepath reap lists the stacks there, which takes reading the states of all.
		ctx.Export("pullRequestsBackendUrl", pulumi.Sprintf("s3://%s/%s?region=%s", bucket.Bucket, PullRequests, c.Region))
	}
	ctx.Export("secretsProvider", pulumi.Sprintf("awskms://alias/%s?region=%s", stateKeyAlias, c.Region))
	ctx.Export("permissionsBoundaryArn", github.BoundaryARN)
	var deployers pulumi.StringArray
	for _, r := range c.roles() {
		ctx.Export(camel(r.Name)+"RoleArn", github.RoleARNs[r.Name])
		if r.Access == cioidc.Deploy {
			deployers = append(deployers, github.RoleARNs[r.Name])
		}
	}
	if len(c.LakeFormationAdmins) == 0 {
		return nil
	}
	for _, arn := range c.LakeFormationAdmins {
		deployers = append(deployers, pulumi.String(arn))
	}
	_, err = lakeformation.NewDataLakeSettings(ctx, "administrators", &lakeformation.DataLakeSettingsArgs{Admins: deployers}, with, pulumi.RetainOnDelete(true))
	return err
}

// roles are those of the workflows in .github/workflows. What only reads needs no approval: pull requests and the branch's
// schedules. What changes something names an environment, whose rules on GitHub decide who must approve.
func (c *Config) roles() []cioidc.Role {
	stacks := slices.Clone(c.Environments)
	if c.PullRequests {
		stacks = append(stacks, "pr-*")
	}
	all := []cioidc.Role{{
		Name: "preview", Access: cioidc.ReadOnly, Stacks: stacks,
		Subjects: []cioidc.Subject{cioidc.Branch(c.Branch)},
	}}
	if c.PullRequests { // who previews sees the stacks' secrets: pull requests must not where production is
		all[0].Subjects = append(all[0].Subjects, cioidc.PullRequests())
	}
	for _, e := range c.Environments {
		all = append(all, cioidc.Role{
			Name: "deploy-" + e, Access: cioidc.Deploy, Stacks: []string{e}, Subjects: []cioidc.Subject{cioidc.Environment(e)},
			MaxSessionSeconds: 2 * 3600, // a FHIR data store takes up to an hour
		})
	}
	if c.PullRequests {
		all = append(all, cioidc.Role{
			Name: "deploy-" + PullRequests, Access: cioidc.Deploy, Stacks: []string{"pr-*"}, Subjects: []cioidc.Subject{cioidc.Environment(PullRequests)},
			MaxSessionSeconds: 2 * 3600,
		})
	}
	return all
}

// camel writes a role's name as outputs are written: deployDev for deploy-dev.
func camel(name string) string {
	var out []byte
	upper := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-':
			upper = true
			continue
		case upper && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		out, upper = append(out, c), false
	}
	return string(out)
}

// stateKeyAlias is the name of the states' key, without "alias/". It is the same in every account, so that stacks' files need not
// know the key.
const stateKeyAlias = "carepath-state"

func newKey(ctx *pulumi.Context, with pulumi.ResourceOption) (*kms.Key, error) {
	key, err := kms.NewKey(ctx, "state", &kms.KeyArgs{
		Description: pulumi.String("The states of Carepath's stacks, and the secrets in them"), EnableKeyRotation: pulumi.Bool(true), DeletionWindowInDays: pulumi.Int(30),
	}, with, pulumi.Protect(true))
	if err != nil {
		return nil, err
	}
	_, err = kms.NewAlias(ctx, "state", &kms.AliasArgs{Name: pulumi.String("alias/" + stateKeyAlias), TargetKeyId: key.KeyId}, with, pulumi.Parent(key))
	return key, err
}

// newBucket makes the bucket of the states: versioned, so that none can be lost, encrypted with the key, private, over TLS only.
func newBucket(ctx *pulumi.Context, key *kms.Key, with pulumi.ResourceOption) (*s3.BucketV2, error) {
	bucket, err := s3.NewBucketV2(ctx, "carepath-state", nil, with, pulumi.Protect(true))
	if err != nil {
		return nil, err
	}
	of := []pulumi.ResourceOption{with, pulumi.Parent(bucket)}
	if _, err := s3.NewBucketVersioningV2(ctx, "carepath-state", &s3.BucketVersioningV2Args{
		Bucket: bucket.ID(), VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, of...); err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, "carepath-state", &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			BucketKeyEnabled: pulumi.Bool(true),
			ApplyServerSideEncryptionByDefault: s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("aws:kms"), KmsMasterKeyId: key.Arn},
		}},
	}, of...); err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketOwnershipControls(ctx, "carepath-state", &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.ID(), Rule: s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, of...); err != nil {
		return nil, err
	}
	closed, err := s3.NewBucketPublicAccessBlock(ctx, "carepath-state", &s3.BucketPublicAccessBlockArgs{
		Bucket: bucket.ID(), BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true), IgnorePublicAcls: pulumi.Bool(true), RestrictPublicBuckets: pulumi.Bool(true),
	}, of...)
	if err != nil {
		return nil, err
	}
	_, err = s3.NewBucketPolicy(ctx, "carepath-state", &s3.BucketPolicyArgs{Bucket: bucket.ID(), Policy: policy.Document(policy.Statement{
		Sid: "TLSOnly", Deny: true, Principal: map[string]string{"AWS": "*"}, Actions: []string{"s3:*"},
		Resources:  policy.ARNs(bucket.Arn, pulumi.Sprintf("%s/*", bucket.Arn)),
		Conditions: []policy.Condition{{Operator: "Bool", Key: "aws:SecureTransport", Values: policy.ARNs(pulumi.String("false"))}},
	})}, append(of, pulumi.DependsOn([]pulumi.Resource{closed}))...)
	return bucket, err
}
