package iam_test

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	account     = "000000000000"
)

type cloud struct {
	*dispatch.Dispatcher
	t      *testing.T
	policy *dispatch.ResourcePolicy // on every box
}

type box struct{ Name string }

// newCloud has IAM and a service "box" with one operation, box:Open.
func newCloud(t *testing.T, s *store.Store) *cloud {
	c := &cloud{Dispatcher: dispatch.New(clock.NewDriven(time.Unix(1_700_000_000, 0)), account, "us-east-1"), t: t}
	if _, err := iam.New(c.Dispatcher, s); err != nil {
		t.Fatal(err)
	}
	dispatch.Register(c.Dispatcher, dispatch.Operation{Service: "box", Action: "Open"},
		func(call *dispatch.Call, in *box) ([]string, []dispatch.ResourcePolicy, error) {
			call.Conditions = map[string]string{"box:Colour": "red"}
			arn := c.ARN("box", in.Name)
			if c.policy == nil {
				return []string{arn}, nil, nil
			}
			p := *c.policy
			p.Resource = arn
			return []string{arn}, []dispatch.ResourcePolicy{p}, nil
		},
		func(context.Context, *dispatch.Call, *box) (*box, error) { return &box{}, nil })
	return c
}

func (c *cloud) must(action string, in any) any {
	c.t.Helper()
	out, err := c.Do(c.t.Context(), c.Root(), "iam", action, in)
	if err != nil {
		c.t.Fatalf("%s: %v", action, err)
	}
	return out
}

func (c *cloud) code(action string, in any) string {
	c.t.Helper()
	_, err := c.Do(c.t.Context(), c.Root(), "iam", action, in)
	if err == nil {
		return ""
	}
	return dispatch.AsError(err).Code
}

func (c *cloud) role(name, trust string) dispatch.Principal {
	c.t.Helper()
	c.must("CreateRole", &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: trust})
	arn := "arn:aws:iam::" + account + ":role/" + name
	return dispatch.Principal{ARN: "arn:aws:sts::" + account + ":assumed-role/" + name + "/s", RoleARN: arn}
}

func (c *cloud) allow(role, policy, statement string) {
	c.t.Helper()
	c.must("PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: policy, PolicyDocument: `{"Version":"2012-10-17","Statement":[` + statement + `]}`})
}

func (c *cloud) open(p dispatch.Principal) string {
	c.t.Helper()
	_, err := c.Do(c.t.Context(), p, "box", "Open", &box{"b"})
	if err == nil {
		return ""
	}
	return dispatch.AsError(err).Message
}

func TestIdentityPolicies(t *testing.T) {
	c := newCloud(t, store.Memory())
	p := c.role("app", lambdaTrust)
	user := "User: " + p.ARN + " is not authorized to perform: box:Open on resource: arn:aws:box:us-east-1:000000000000:b "
	if got, want := c.open(p), user+"because no identity-based policy allows the box:Open action"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	c.allow("app", "one", `{"Effect":"Allow","Action":"box:Open","Resource":"arn:aws:box:us-east-1:000000000000:b","Condition":{"StringEquals":{"box:Colour":"red","aws:PrincipalArn":"`+p.RoleARN+`"}}}`)
	if got := c.open(p); got != "" {
		t.Error(got)
	}
	c.allow("app", "two", `{"Effect":"Deny","Action":"box:*","Resource":"*"}`)
	if got, want := c.open(p), user+"with an explicit deny in an identity-based policy"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	c.must("DeleteRolePolicy", &iam.RolePolicyInput{RoleName: "app", PolicyName: "two"})
	if got := c.open(p); got != "" {
		t.Error(got)
	}
	c.must("DeleteRolePolicy", &iam.RolePolicyInput{RoleName: "app", PolicyName: "one"})
	policy := c.must("CreatePolicy", &iam.CreatePolicyInput{PolicyName: "managed", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"box:*","Resource":"*"}}`}).(*iam.PolicyOutput).Policy
	c.must("AttachRolePolicy", &iam.AttachmentInput{RoleName: "app", PolicyArn: policy.Arn})
	if got := c.open(p); got != "" {
		t.Error(got)
	}
	c.must("CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: policy.Arn, SetAsDefault: true, PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"box:Close","Resource":"*"}}`})
	if got := c.open(p); got == "" {
		t.Error("the old version of a managed policy still counts")
	}
	if code := c.code("DeletePolicy", &iam.PolicyInput{PolicyArn: policy.Arn}); code != "DeleteConflict" {
		t.Error(code)
	}
	if code := c.code("DeleteRole", &iam.RoleInput{RoleName: "app"}); code != "DeleteConflict" {
		t.Error(code)
	}
	c.must("DetachRolePolicy", &iam.AttachmentInput{RoleName: "app", PolicyArn: policy.Arn})
	c.must("DeletePolicyVersion", &iam.PolicyVersionInput{PolicyArn: policy.Arn, VersionId: "v1"})
	c.must("DeletePolicy", &iam.PolicyInput{PolicyArn: policy.Arn})
	c.must("DeleteRole", &iam.RoleInput{RoleName: "app"})
	if got := c.open(p); got == "" {
		t.Error("a deleted role may open the box")
	}
}

func TestResourcePolicies(t *testing.T) {
	c := newCloud(t, store.Memory())
	p := c.role("app", lambdaTrust)
	able := c.role("able", lambdaTrust)
	c.allow("able", "p", `{"Effect":"Allow","Action":"box:Open","Resource":"*"}`)
	service := dispatch.Principal{ARN: "events.amazonaws.com", Service: "events.amazonaws.com", SourceARN: "arn:aws:events:us-east-1:000000000000:rule/r"}
	const (
		noIdentity = "no identity-based policy"
		noResource = "no resource-based policy"
		denied     = "explicit deny in a resource-based policy"
	)
	statement := func(effect, principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"box:Open","Resource":"*"` + condition + `}]}`
	}
	toAccount := statement("Allow", `{"AWS":"arn:aws:iam::000000000000:root"}`, "")
	for _, x := range []struct {
		name, document string
		required       bool
		caller         dispatch.Principal
		want           string
	}{
		{"without a policy the caller's count", "", false, able, ""},
		{"a service needs one", "", false, service, noResource},
		{"it names the role", statement("Allow", `{"AWS":"`+p.RoleARN+`"}`, ""), false, p, ""},
		{"it names another role", statement("Allow", `{"AWS":"`+able.RoleARN+`"}`, ""), false, p, noIdentity},
		{"it leaves it to the account", toAccount, false, p, noIdentity},
		{"and the account's policy allows it", toAccount, false, able, ""},
		{"it denies", statement("Deny", `"*"`, ""), false, able, denied},
		{"required and missing", "", true, able, noResource},
		{"required and another's", statement("Allow", `{"AWS":"`+p.RoleARN+`"}`, ""), true, able, noResource},
		{"required and delegated", toAccount, true, able, ""},
		{"required and delegated, not allowed", toAccount, true, p, noIdentity},
		{"required and named", statement("Allow", `{"AWS":"`+p.RoleARN+`"}`, ""), true, p, ""},
		{"service", statement("Allow", `{"Service":"events.amazonaws.com"}`, ""), false, service, ""},
		{"service and source", statement("Allow", `{"Service":"events.amazonaws.com"}`, `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:*:*:rule/r"},"StringEquals":{"aws:SourceAccount":"000000000000"}}`), false, service, ""},
		{"service, another source", statement("Allow", `{"Service":"events.amazonaws.com"}`, `,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:*:*:rule/q"}}`), false, service, noResource},
		{"not a policy", "{", false, service, noResource},
	} {
		c.policy = &dispatch.ResourcePolicy{Document: x.document, Required: x.required}
		got := c.open(x.caller)
		if (got == "") != (x.want == "") || !strings.Contains(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

func TestAssume(t *testing.T) {
	c := newCloud(t, store.Memory())
	c.role("fn", lambdaTrust)
	c.role("flow", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"},"ArnLike":{"aws:SourceArn":"arn:aws:states:us-east-1:000000000000:stateMachine:*"}}}]}`)
	caller := c.role("caller", lambdaTrust)
	c.role("shared", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}`)
	c.role("named", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+caller.RoleARN+`"},"Action":"sts:AssumeRole"}]}`)
	states := dispatch.Principal{ARN: "states.amazonaws.com", Service: "states.amazonaws.com", SourceARN: "arn:aws:states:us-east-1:000000000000:stateMachine:m"}
	other := states
	other.SourceARN = "arn:aws:states:eu-west-1:000000000000:stateMachine:m"
	lambda := dispatch.Principal{ARN: "lambda.amazonaws.com", Service: "lambda.amazonaws.com"}
	for _, x := range []struct {
		by   dispatch.Principal
		role string
		want bool
	}{
		{lambda, "fn", true}, {states, "fn", false}, {c.Root(), "fn", false},
		{states, "flow", true}, {other, "flow", false}, {lambda, "flow", false},
		{caller, "shared", false}, {c.Root(), "shared", true}, {caller, "named", true}, {lambda, "nobody", false},
	} {
		arn := "arn:aws:iam::000000000000:role/" + x.role
		p, err := c.Assume(t.Context(), x.by, arn, "session")
		if (err == nil) != x.want {
			t.Errorf("%s as %s: %v", x.by.ARN, x.role, err)
		}
		if x.want && (p.RoleARN != arn || p.ARN != "arn:aws:sts::000000000000:assumed-role/"+x.role+"/session") {
			t.Errorf("%+v", p)
		}
		if err != nil {
			want := "User: " + x.by.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + arn
			if e := dispatch.AsError(err); e.Code != "AccessDenied" || e.Message != want {
				t.Errorf("%v\nwant %s", err, want)
			}
		}
	}
	c.allow("caller", "p", `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::000000000000:role/shared"}`)
	if _, err := c.Assume(t.Context(), caller, "arn:aws:iam::000000000000:role/shared", "session"); err != nil {
		t.Error(err)
	}
	c.must("UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: "fn", PolicyDocument: strings.Replace(lambdaTrust, "lambda", "events", 1)})
	if _, err := c.Assume(t.Context(), lambda, "arn:aws:iam::000000000000:role/fn", "session"); err == nil {
		t.Error("the old trust policy still counts")
	}
}

func TestRolesAndErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := newCloud(t, s)
	c.must("CreateRole", &iam.CreateRoleInput{RoleName: "App", Path: "/team/", AssumeRolePolicyDocument: lambdaTrust, Tags: []iam.Tag{{Key: "a", Value: "1"}}})
	c.must("TagRole", &iam.TagRoleInput{RoleName: "App", Tags: []iam.Tag{{Key: "A", Value: "2"}, {Key: "b", Value: "3"}}})
	c.must("UntagRole", &iam.UntagRoleInput{RoleName: "App", TagKeys: []string{"B"}})
	for _, x := range []struct {
		action string
		in     any
		code   string
	}{
		{"CreateRole", &iam.CreateRoleInput{RoleName: "app", AssumeRolePolicyDocument: lambdaTrust}, "EntityAlreadyExists"},
		{"CreateRole", &iam.CreateRoleInput{RoleName: "a b", AssumeRolePolicyDocument: lambdaTrust}, "ValidationError"},
		{"CreateRole", &iam.CreateRoleInput{RoleName: "x", AssumeRolePolicyDocument: "{}"}, "MalformedPolicyDocument"},
		{"CreateRole", &iam.CreateRoleInput{RoleName: "x", AssumeRolePolicyDocument: lambdaTrust, Path: "team"}, "ValidationError"},
		{"CreateRole", &iam.CreateRoleInput{RoleName: "x", AssumeRolePolicyDocument: lambdaTrust, PermissionsBoundary: "arn:aws:iam::aws:policy/x"}, "NoSuchEntity"},
		{"CreateRole", &iam.CreateRoleInput{RoleName: "x", AssumeRolePolicyDocument: lambdaTrust, MaxSessionDuration: 60}, "ValidationError"},
		{"GetRole", &iam.RoleInput{RoleName: "y"}, "NoSuchEntity"},
		{"GetRolePolicy", &iam.RolePolicyInput{RoleName: "App", PolicyName: "p"}, "NoSuchEntity"},
		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: "App", PolicyName: "p", PolicyDocument: lambdaTrust}, "MalformedPolicyDocument"},
		{"AttachRolePolicy", &iam.AttachmentInput{RoleName: "App", PolicyArn: "arn:aws:iam::aws:policy/Nothing"}, "NoSuchEntity"},
		{"DetachRolePolicy", &iam.AttachmentInput{RoleName: "App", PolicyArn: "arn:aws:iam::aws:policy/Nothing"}, "NoSuchEntity"},
		{"PutRolePolicy", &iam.PutRolePolicyInput{RoleName: "App", PolicyName: "p", PolicyDocument: `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat("x", 11000) + `"}}`}, "LimitExceeded"},
	} {
		if code := c.code(x.action, x.in); code != x.code {
			t.Errorf("%s %+v: %q, want %s", x.action, x.in, code, x.code)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = store.Open(path); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c = newCloud(t, s)
	r := c.must("GetRole", &iam.RoleInput{RoleName: "App"}).(*iam.RoleOutput).Role
	document, err := url.QueryUnescape(r.AssumeRolePolicyDocument)
	if err != nil || document != lambdaTrust || r.Arn != "arn:aws:iam::000000000000:role/team/App" || len(r.Tags) != 1 || r.Tags[0].Value != "2" {
		t.Errorf("%+v %v", r, err)
	}
	for i, name := range []string{"x1", "x2", "x3"} {
		c.role(name, lambdaTrust)
		out := c.must("ListRoles", &iam.ListRolesInput{Page: iam.Page{MaxItems: int32(i + 1)}}).(*iam.ListRolesOutput)
		if len(out.Roles) != i+1 || !out.IsTruncated {
			t.Errorf("%+v", out)
		}
		rest := c.must("ListRoles", &iam.ListRolesInput{Page: iam.Page{Marker: out.Marker}}).(*iam.ListRolesOutput)
		if len(rest.Roles) != 1 || rest.Roles[0].RoleName != name || rest.IsTruncated {
			t.Errorf("%+v", rest)
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	d := dispatch.New(clock.NewDriven(time.Unix(0, 0)), account, "us-east-1")
	svc, err := iam.New(d, store.Memory())
	if err != nil {
		b.Fatal(err)
	}
	for action, in := range map[string]any{"CreateRole": &iam.CreateRoleInput{RoleName: "app", AssumeRolePolicyDocument: lambdaTrust}} {
		if _, err := d.Do(b.Context(), d.Root(), "iam", action, in); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := d.Do(b.Context(), d.Root(), "iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: "app", PolicyName: "p",
		PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"states:StartExecution","Resource":"arn:aws:states:us-east-1:000000000000:stateMachine:intake"}]}`}); err != nil {
		b.Fatal(err)
	}
	call := &dispatch.Call{Principal: dispatch.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/app/s", RoleARN: "arn:aws:iam::000000000000:role/app"}, Service: "states", Action: "StartExecution"}
	resources := []string{"arn:aws:states:us-east-1:000000000000:stateMachine:intake"}
	b.ReportAllocs()
	for b.Loop() {
		if err := svc.Authorize(b.Context(), call, "states:StartExecution", resources, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPermissionsBoundaries(t *testing.T) {
	c := newCloud(t, store.Memory())
	arn := c.must("CreatePolicy", &iam.CreatePolicyInput{PolicyName: "bound", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"box:Close","Resource":"*"}}`}).(*iam.PolicyOutput).Policy.Arn
	p := c.role("app", lambdaTrust)
	c.allow("app", "all", `{"Effect":"Allow","Action":["box:*","iam:CreateRole","iam:PutRolePolicy"],"Resource":"*"}`)
	c.must("PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: "app", PermissionsBoundary: arn})
	if got := c.must("GetRole", &iam.RoleInput{RoleName: "app"}).(*iam.RoleOutput).Role.PermissionsBoundary; got == nil || got.PermissionsBoundaryArn != arn {
		t.Errorf("GetRole has the boundary %+v", got)
	}
	if got := c.open(p); !strings.HasSuffix(got, "because no permissions boundary allows the box:Open action") {
		t.Errorf("outside its boundary: %q", got)
	}

	// What a resource's policy grants to the role is bounded; what it grants to the session is not.
	grant := func(arn string) *dispatch.ResourcePolicy {
		return &dispatch.ResourcePolicy{Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + arn + `"},"Action":"box:Open","Resource":"*"}}`}
	}
	c.policy = grant(p.RoleARN)
	if got := c.open(p); !strings.Contains(got, "no permissions boundary") {
		t.Errorf("granted to the role: %q", got)
	}
	c.policy = grant(p.ARN)
	if got := c.open(p); got != "" {
		t.Errorf("granted to the session: %q", got)
	}
	c.policy = nil

	if got := c.code("DeletePolicy", &iam.PolicyInput{PolicyArn: arn}); got != "DeleteConflict" {
		t.Errorf("deleting the boundary: %q", got)
	}
	c.must("CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: arn, SetAsDefault: true, PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["box:*"],"Resource":"*"},` +
		`{"Effect":"Allow","Action":["iam:CreateRole","iam:PutRolePolicy"],"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + arn + `"}}}]}`})
	if got := c.open(p); got != "" {
		t.Errorf("within its boundary: %q", got)
	}
	// It may make roles with this boundary only, and give rights only to those.
	as := func(action string, in any) string {
		_, err := c.Do(t.Context(), p, "iam", action, in)
		if err == nil {
			return ""
		}
		return dispatch.AsError(err).Code
	}
	put := &iam.PutRolePolicyInput{RoleName: "other", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}
	c.role("other", lambdaTrust)
	if got := as("PutRolePolicy", put); got != "AccessDenied" {
		t.Errorf("rights for a role without the boundary: %q", got)
	}
	for boundary, want := range map[string]string{"": "AccessDenied", "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": "AccessDenied", arn: ""} {
		if got := as("CreateRole", &iam.CreateRoleInput{RoleName: "made", AssumeRolePolicyDocument: lambdaTrust, PermissionsBoundary: boundary}); got != want {
			t.Errorf("a role with the boundary %q: %q, want %q", boundary, got, want)
		}
	}
	put.RoleName = "made"
	if got := as("PutRolePolicy", put); got != "" {
		t.Errorf("rights for a role with the boundary: %q", got)
	}

	c.must("CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: arn, SetAsDefault: true, PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"box:Open","Resource":"*"}]}`})
	if got := c.open(p); !strings.HasSuffix(got, "with an explicit deny in a permissions boundary") {
		t.Errorf("denied by its boundary: %q", got)
	}
	c.must("DeleteRolePermissionsBoundary", &iam.RoleInput{RoleName: "app"})
	if got := c.open(p); got != "" {
		t.Errorf("without a boundary: %q", got)
	}
}

func TestOpenIDConnectProviders(t *testing.T) {
	c := newCloud(t, store.Memory())
	create := &iam.CreateOpenIDConnectProviderInput{Url: "https://token.actions.githubusercontent.com", ClientIDList: []string{"sts.amazonaws.com"}, Tags: []iam.Tag{{Key: "a", Value: "1"}}}
	arn := c.must("CreateOpenIDConnectProvider", create).(*iam.CreateOpenIDConnectProviderOutput).OpenIDConnectProviderArn
	if want := "arn:aws:iam::" + account + ":oidc-provider/token.actions.githubusercontent.com"; arn != want {
		t.Errorf("made %s, want %s", arn, want)
	}
	c.must("AddClientIDToOpenIDConnectProvider", &iam.ClientIDInput{OpenIDConnectProviderArn: arn, ClientID: "other"})
	c.must("RemoveClientIDFromOpenIDConnectProvider", &iam.ClientIDInput{OpenIDConnectProviderArn: arn, ClientID: "sts.amazonaws.com"})
	c.must("TagOpenIDConnectProvider", &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, Tags: []iam.Tag{{Key: "b", Value: "2"}}})
	c.must("UntagOpenIDConnectProvider", &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, TagKeys: []string{"a"}})
	got := c.must("GetOpenIDConnectProvider", &iam.OpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}).(*iam.GetOpenIDConnectProviderOutput)
	if got.Url != "token.actions.githubusercontent.com" || len(got.ClientIDList) != 1 || got.ClientIDList[0] != "other" || len(got.Tags) != 1 || got.Tags[0].Key != "b" {
		t.Errorf("kept %+v", got)
	}
	if all := c.must("ListOpenIDConnectProviders", &iam.Empty{}).(*iam.ListOpenIDConnectProvidersOutput).OpenIDConnectProviderList; len(all) != 1 || all[0].Arn != arn {
		t.Errorf("listed %+v", all)
	}
	for _, test := range []struct {
		action string
		in     any
		code   string
	}{
		{"CreateOpenIDConnectProvider", create, "EntityAlreadyExists"},
		{"CreateOpenIDConnectProvider", &iam.CreateOpenIDConnectProviderInput{Url: "http://token.example.com"}, "ValidationError"},
		{"UpdateOpenIDConnectProviderThumbprint", &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: arn, ThumbprintList: []string{"short"}}, "InvalidInput"},
		{"DeleteOpenIDConnectProvider", &iam.OpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}, ""},
		{"DeleteOpenIDConnectProvider", &iam.OpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}, "NoSuchEntity"},
		{"GetOpenIDConnectProvider", &iam.OpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}, "NoSuchEntity"},
	} {
		if got := c.code(test.action, test.in); got != test.code {
			t.Errorf("%s: %q, want %q", test.action, got, test.code)
		}
	}
}
