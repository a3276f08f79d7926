package bootstrap

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carepath/carepath/components/cioidc"
	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const account = "123456789012"

// cloud is a monitor that answers as AWS would, and remembers what it was asked for by type and name.
type cloud struct {
	mu   sync.Mutex
	made map[string]resource.PropertyMap
}

func (a *cloud) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	out := args.Inputs.Copy()
	path := "/"
	if p, ok := out["path"]; ok {
		path = p.StringValue()
	}
	for token, arn := range map[string]string{
		"aws:iam/role:Role": "arn:aws:iam::" + account + ":role" + path + args.Name, "aws:iam/policy:Policy": "arn:aws:iam::" + account + ":policy" + path + args.Name,
		"aws:s3/bucketV2:BucketV2": "arn:aws:s3:::" + args.Name, "aws:kms/key:Key": "arn:aws:kms:us-east-1:" + account + ":key/1234",
		"aws:iam/openIdConnectProvider:OpenIdConnectProvider": "arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com",
	} {
		if token == args.TypeToken {
			out["arn"] = resource.NewProperty(arn)
		}
	}
	if args.TypeToken == "aws:s3/bucketV2:BucketV2" {
		out["bucket"] = resource.NewProperty(args.Name)
	}
	if _, ok := out["name"]; !ok {
		out["name"] = resource.NewProperty(args.Name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.made[strings.SplitN(args.TypeToken, ":", 3)[2]+" "+args.Name] = args.Inputs
	return args.Name, out, nil
}

func (a *cloud) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, errors.New("no calls")
}

func deployed(t *testing.T, c Config) *cloud {
	t.Helper()
	a := &cloud{made: map[string]resource.PropertyMap{}}
	if err := pulumi.RunErr(c.Program, pulumi.WithMocks("carepath-bootstrap", "test", a)); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *cloud) policy(t *testing.T, use iampolicy.Use, resource, property string) *iampolicy.Policy {
	t.Helper()
	made, ok := a.made[resource]
	if !ok {
		t.Fatalf("there is no %s", resource)
	}
	text := made[resourceKey(property)].StringValue()
	p, err := iampolicy.Parse([]byte(text))
	if err == nil {
		err = p.ValidFor(use)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", resource, err, text)
	}
	return p
}

func resourceKey(name string) resource.PropertyKey { return resource.PropertyKey(name) }

func devConfig() Config {
	return Config{Region: "us-east-1", AccountID: account, Repository: "acme/care", Environments: []string{"dev"}, PullRequests: true}
}

// role is a role with its permissions, as it would decide.
type role struct {
	t        *testing.T
	arn      string
	trust    *iampolicy.Policy
	policies []*iampolicy.Policy
	boundary *iampolicy.Policy
}

func (a *cloud) role(t *testing.T, name string) role {
	t.Helper()
	r := role{t: t, arn: "arn:aws:iam::" + account + ":role/carepath-ci/github-" + name,
		trust: a.policy(t, iampolicy.Trust, "Role github-"+name, "assumeRolePolicy"), boundary: a.policy(t, iampolicy.Identity, "Policy github-boundary", "policy")}
	size := 0
	for key, made := range a.made {
		if strings.HasPrefix(key, "RolePolicy github-"+name+"-") {
			r.policies = append(r.policies, a.policy(t, iampolicy.Identity, key, "policy"))
			size += len(made["policy"].StringValue())
		}
	}
	if size > 10240 {
		t.Errorf("the policies of %s have %d characters: a role's may have 10240", name, size)
	}
	return r
}

// trusts says whether a job with a subject in its token gets the role.
func (r role) trusts(subject, audience string) bool {
	return r.trust.Evaluate(&iampolicy.Request{
		Principal: iampolicy.Principal{Federated: "arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com"},
		Action:    "sts:AssumeRoleWithWebIdentity",
		Keys:      []iampolicy.Key{{Name: "token.actions.githubusercontent.com:sub", Value: subject}, {Name: "token.actions.githubusercontent.com:aud", Value: audience}},
	}) == iampolicy.Allow
}

// may says whether the role may do something; keys are names and values in turn.
func (r role) may(action, resource string, keys ...string) bool {
	q := &iampolicy.Request{Action: action, Resource: resource, Keys: []iampolicy.Key{{Name: "aws:PrincipalArn", Value: r.arn}, {Name: "aws:RequestedRegion", Value: "us-east-1"}}}
	for i := 0; i+1 < len(keys); i += 2 {
		q.Keys = slices.DeleteFunc(q.Keys, func(k iampolicy.Key) bool { return k.Name == keys[i] })
		q.Keys = append(q.Keys, iampolicy.Key{Name: keys[i], Value: keys[i+1]})
	}
	own := iampolicy.NoMatch
	for _, p := range r.policies {
		own = max(own, p.Evaluate(q))
	}
	return own == iampolicy.Allow && r.boundary.Evaluate(q) == iampolicy.Allow
}

func TestWhoMayAssumeWhat(t *testing.T) {
	dev := deployed(t, devConfig())
	prod := deployed(t, Config{Region: "us-east-1", AccountID: account, Repository: "acme/care", Environments: []string{"prod"}})
	const aud = "sts.amazonaws.com"
	for _, test := range []struct {
		in            *cloud
		role, subject string
		want          bool
	}{
		{dev, "preview", "repo:acme/care:pull_request", true},
		{dev, "preview", "repo:acme/care:ref:refs/heads/main", true},
		{dev, "preview", "repo:acme/care:ref:refs/heads/other", false},
		{dev, "preview", "repo:acme/care:ref:refs/tags/main", false},
		{dev, "preview", "repo:acme/other:pull_request", false},
		{dev, "preview", "repo:ACME/care:pull_request", false},
		{dev, "deploy-dev", "repo:acme/care:environment:dev", true},
		{dev, "deploy-dev", "repo:acme/care:environment:dev-2", false},
		{dev, "deploy-dev", "repo:acme/care:ref:refs/heads/main", false},
		{dev, "deploy-dev", "repo:acme/care:pull_request", false},
		{dev, "deploy-dev", "repo:acme/care:environment:pull-requests", false},
		{dev, "deploy-pull-requests", "repo:acme/care:environment:pull-requests", true},
		{dev, "deploy-pull-requests", "repo:acme/care:pull_request", false},
		{prod, "preview", "repo:acme/care:pull_request", false}, // it decrypts the secrets of prod
		{prod, "preview", "repo:acme/care:ref:refs/heads/main", true},
		{prod, "deploy-prod", "repo:acme/care:environment:prod", true},
		{prod, "deploy-prod", "repo:acme/care:ref:refs/heads/main", false},
	} {
		r := test.in.role(t, test.role)
		if got := r.trusts(test.subject, aud); got != test.want {
			t.Errorf("%s gets %s: %v", test.subject, test.role, got)
		}
		if r.trusts(test.subject, "https://github.com/acme") {
			t.Errorf("%s gets %s with another audience", test.subject, test.role)
		}
	}
	if _, ok := prod.made["Role github-deploy-pull-requests"]; ok {
		t.Error("pull requests have a role in the account of prod")
	}
}

func TestWhatRolesMayDo(t *testing.T) {
	a := deployed(t, devConfig())
	const (
		boundary = "arn:aws:iam::" + account + ":policy/carepath-ci/github-boundary"
		managed  = "arn:aws:iam::" + account + ":role/carepath/carepath/dev/intake-role"
		ofPR     = "arn:aws:iam::" + account + ":role/carepath/carepath/pr-7/intake-role"
		other    = "arn:aws:iam::" + account + ":role/admin"
		bucket   = "arn:aws:s3:::carepath-state"
		table    = "arn:aws:dynamodb:us-east-1:" + account + ":table/users"
		stateKey = "arn:aws:kms:us-east-1:" + account + ":key/1234"
		otherKey = "arn:aws:kms:us-east-1:" + account + ":key/5678"
	)
	state := func(stack string) string { return bucket + "/.pulumi/stacks/carepath/" + stack + ".json" }
	for _, test := range []struct {
		action, resource    string
		keys                []string
		preview, deploy, pr bool
	}{
		// How things are set up is read by all, and changed by those that deploy.
		{"dynamodb:DescribeTable", table, nil, true, true, true},
		{"dynamodb:CreateTable", table, nil, false, true, true},
		{"dynamodb:CreateTable", table, []string{"aws:RequestedRegion", "eu-west-1"}, false, false, false},
		{"healthlake:CreateFHIRDatastore", "*", nil, false, true, true},
		{"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z", nil, false, true, true},
		// Data is nobody's.
		{"dynamodb:GetItem", table, nil, false, false, false},
		{"dynamodb:Scan", table, nil, false, false, false},
		{"dynamodb:PutItem", table, nil, false, false, false},
		{"sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:" + account + ":letters", nil, false, false, false},
		{"logs:GetLogEvents", "*", nil, false, false, false},
		{"logs:FilterLogEvents", "*", nil, false, false, false},
		{"states:DescribeExecution", "*", nil, false, false, false},
		{"states:GetExecutionHistory", "*", nil, false, false, false},
		{"cognito-idp:ListUsers", "*", nil, false, false, false},
		{"healthlake:ReadResource", "*", nil, false, false, false},
		{"healthlake:SearchWithGet", "*", nil, false, false, false},
		{"lambda:InvokeFunction", "*", nil, false, false, false},
		// Each has the states of its stacks.
		{"s3:ListBucket", bucket, nil, true, true, true},
		{"s3:GetObject", state("dev"), nil, true, true, false},
		{"s3:PutObject", state("dev"), nil, false, true, false},
		{"s3:GetObject", state("pr-12"), nil, true, false, true},
		{"s3:PutObject", bucket + "/.pulumi/locks/organization/carepath/pr-12/1.json", nil, false, false, true},
		{"s3:PutObject", bucket + "/.pulumi/locks/organization/carepath/dev/1.json", nil, false, true, false},
		{"s3:DeleteObject", bucket + "/.pulumi/locks/organization/carepath/dev/1.json", nil, false, true, false},
		{"s3:GetObject", state("prod"), nil, false, false, false},
		{"s3:PutObject", bucket + "/pull-requests/.pulumi/stacks/carepath/pr-12.json", nil, false, false, true},
		{"s3:PutObject", bucket + "/pull-requests/.pulumi/meta.yaml", nil, false, true, true},
		{"s3:PutObject", bucket + "/.pulumi/meta.yaml", nil, false, false, false},
		{"s3:DeleteObjectVersion", state("dev"), nil, false, false, false},
		{"s3:PutBucketPolicy", bucket, nil, false, false, false},
		{"s3:PutBucketPolicy", "arn:aws:s3:::trail", nil, false, true, true},
		{"s3:DeleteObjectVersion", "arn:aws:s3:::fhir-trail-1234567/AWSLogs/1.json.gz", nil, false, true, true},
		{"s3:GetObject", "arn:aws:s3:::fhir-trail-1234567/AWSLogs/1.json.gz", nil, false, false, false},
		{"kms:Decrypt", stateKey, nil, true, true, true},
		{"kms:Encrypt", stateKey, nil, false, true, true},
		{"kms:ScheduleKeyDeletion", stateKey, nil, false, false, false},
		{"kms:ScheduleKeyDeletion", otherKey, nil, false, true, true},
		{"kms:Decrypt", otherKey, nil, false, false, false},
		{"kms:Decrypt", otherKey, []string{"kms:ViaService", "dynamodb.us-east-1.amazonaws.com"}, false, true, true},
		// Nobody gets out of the boundary.
		{"iam:CreateRole", managed, nil, false, false, false},
		{"iam:CreateRole", managed, []string{"iam:PermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess"}, false, false, false},
		{"iam:CreateRole", managed, []string{"iam:PermissionsBoundary", boundary}, false, true, false},
		{"iam:CreateRole", ofPR, []string{"iam:PermissionsBoundary", boundary}, false, false, true},
		{"iam:CreateRole", other, []string{"iam:PermissionsBoundary", boundary}, false, false, false},
		{"iam:PutRolePolicy", managed, []string{"iam:PermissionsBoundary", boundary}, false, true, false},
		{"iam:PutRolePolicy", managed, nil, false, false, false},
		{"iam:DeleteRolePermissionsBoundary", managed, []string{"iam:PermissionsBoundary", boundary}, false, false, false},
		{"iam:UpdateAssumeRolePolicy", managed, nil, false, true, false},
		{"iam:UpdateAssumeRolePolicy", other, nil, false, false, false},
		{"iam:UpdateAssumeRolePolicy", "arn:aws:iam::" + account + ":role/carepath-ci/github-deploy-dev", nil, false, false, false},
		{"iam:CreatePolicyVersion", boundary, nil, false, false, false},
		{"iam:CreateUser", "arn:aws:iam::" + account + ":user/x", nil, false, false, false},
		{"iam:PassRole", managed, []string{"iam:PassedToService", "lambda.amazonaws.com"}, false, true, false},
		{"iam:PassRole", managed, []string{"iam:PassedToService", "ec2.amazonaws.com"}, false, false, false},
		{"iam:PassRole", other, []string{"iam:PassedToService", "lambda.amazonaws.com"}, false, false, false},
		{"sts:AssumeRole", other, nil, false, false, false},
		{"organizations:LeaveOrganization", "*", nil, false, false, false},
		{"ec2:RunInstances", "*", nil, false, false, false},
		// What is another stack's is left alone.
		{"dynamodb:DeleteTable", table, []string{"aws:ResourceTag/stack", "dev"}, false, true, false},
		{"dynamodb:DeleteTable", table, []string{"aws:ResourceTag/stack", "pr-7"}, false, false, true},
		{"dynamodb:DeleteTable", table, []string{"aws:ResourceTag/stack", "prod"}, false, false, false},
	} {
		for role, want := range map[string]bool{"preview": test.preview, "deploy-dev": test.deploy, "deploy-pull-requests": test.pr} {
			if got := a.role(t, role).may(test.action, test.resource, test.keys...); got != want {
				t.Errorf("%s: %s on %s %v: %v", role, test.action, test.resource, test.keys, got)
			}
		}
	}

	// What a deployment makes, such as a function's role, has the boundary too: whatever its own policies say, it reaches neither
	// the states nor another role.
	b := a.policy(t, iampolicy.Identity, "Policy github-boundary", "policy")
	for action, resource := range map[string]string{"s3:GetObject": state("dev"), "kms:Decrypt": stateKey, "sts:AssumeRole": other, "iam:CreateAccessKey": "*"} {
		q := &iampolicy.Request{Action: action, Resource: resource, Keys: []iampolicy.Key{{Name: "aws:PrincipalArn", Value: managed}, {Name: "aws:RequestedRegion", Value: "us-east-1"}}}
		if b.Evaluate(q) == iampolicy.Allow {
			t.Errorf("the boundary lets a function do %s", action)
		}
	}
	if n := len(a.made["Policy github-boundary"]["policy"].StringValue()); n > 6144 {
		t.Errorf("the boundary has %d characters: a managed policy may have 6144", n)
	}
}

func TestResources(t *testing.T) {
	a := deployed(t, devConfig())
	for name, made := range a.made {
		if strings.HasPrefix(name, "Role ") && !made.HasValue("permissionsBoundary") {
			t.Errorf("%s has no boundary", name)
		}
	}
	if a.made["Role github-deploy-dev"]["maxSessionDuration"].NumberValue() != 7200 || a.made["Role github-preview"]["maxSessionDuration"].NumberValue() != 3600 {
		t.Error("sessions last otherwise")
	}
	if _, ok := a.made["OpenIdConnectProvider github-provider"]; !ok {
		t.Error("no identity provider")
	}
	if _, ok := a.made["DataLakeSettings administrators"]; ok {
		t.Error("the data lake's settings were not left alone")
	}

	c := devConfig()
	c.ProviderARN = "arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com"
	c.LakeFormationAdmins = []string{"arn:aws:iam::" + account + ":role/admin"}
	a = deployed(t, c)
	if _, ok := a.made["OpenIdConnectProvider github-provider"]; ok {
		t.Error("a second identity provider")
	}
	if !a.role(t, "preview").trusts("repo:acme/care:pull_request", "sts.amazonaws.com") {
		t.Error("the provider that is there is not trusted")
	}
	if admins := a.made["DataLakeSettings administrators"]["admins"].ArrayValue(); len(admins) != 3 {
		t.Errorf("administrators %v", admins)
	}
}

func TestWhatIsRefused(t *testing.T) {
	role := func(f func(r *cioidc.Role)) cioidc.GitHubArgs {
		r := cioidc.Role{Name: "one", Access: cioidc.Deploy, Subjects: []cioidc.Subject{cioidc.Environment("dev")}, Stacks: []string{"dev"}}
		f(&r)
		return cioidc.GitHubArgs{Repository: "acme/care", AccountID: account, Region: "us-east-1", Roles: []cioidc.Role{r},
			StateBucketARN: pulumi.String("arn:aws:s3:::b"), StateKeyARN: pulumi.String("arn:aws:kms:us-east-1:" + account + ":key/k")}
	}
	wrong := func(f func(a *cioidc.GitHubArgs)) cioidc.GitHubArgs {
		a := role(func(*cioidc.Role) {})
		f(&a)
		return a
	}
	for want, args := range map[string]cioidc.GitHubArgs{
		"Repository:": wrong(func(a *cioidc.GitHubArgs) { a.Repository = "acme/*" }),
		"AccountID:":  wrong(func(a *cioidc.GitHubArgs) { a.AccountID = "1" }),
		"Region:":     wrong(func(a *cioidc.GitHubArgs) { a.Region = "here" }),
		"ProviderARN:": wrong(func(a *cioidc.GitHubArgs) {
			a.ProviderARN = "arn:aws:iam::999999999999:oidc-provider/token.actions.githubusercontent.com"
		}),
		"StateBucketARN, StateKeyARN:":  wrong(func(a *cioidc.GitHubArgs) { a.StateKeyARN = nil }),
		"Roles: one at least":           wrong(func(a *cioidc.GitHubArgs) { a.Roles = nil }),
		"is no name":                    role(func(r *cioidc.Role) { r.Name = "One" }),
		"Access:":                       role(func(r *cioidc.Role) { r.Access = "admin" }),
		"one of Subjects and of Stacks": role(func(r *cioidc.Role) { r.Subjects = nil }),
		"is no subject":                 role(func(r *cioidc.Role) { r.Subjects = []cioidc.Subject{cioidc.Branch("*")} }),
		"pull requests must not deploy": role(func(r *cioidc.Role) { r.Subjects = []cioidc.Subject{cioidc.PullRequests()} }),
		"is no stack's name":            role(func(r *cioidc.Role) { r.Stacks = []string{"*"} }),
		"MaxSessionSeconds:":            role(func(r *cioidc.Role) { r.MaxSessionSeconds = 60 }),
	} {
		err := pulumi.RunErr(func(ctx *pulumi.Context) error {
			_, err := cioidc.NewGitHub(ctx, "github", &args)
			return err
		}, pulumi.WithMocks("p", "s", &cloud{made: map[string]resource.PropertyMap{}}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	for want, c := range map[string]Config{"one at least": {}, `"pull-requests" is no stack's name`: {Environments: []string{"pull-requests"}}} {
		err := pulumi.RunErr(c.Program, pulumi.WithMocks("p", "s", &cloud{made: map[string]resource.PropertyMap{}}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestTheStacksFilesAreRead(t *testing.T) {
	for _, stack := range []string{"dev", "prod"} {
		text, err := os.ReadFile("../../bootstrap/Pulumi." + stack + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		file, err := platform.ParseStackFile(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseConfig(file.Values[AccountKey])
		if err != nil || !slices.Equal(c.Environments, []string{stack}) || c.PullRequests == (stack == "prod") {
			t.Errorf("%s: %+v, %v", stack, c, err)
		}
	}
}
