package provider

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const (
	userPoolToken   = "aws:cognito/userPool:UserPool"
	poolClientToken = "aws:cognito/userPoolClient:UserPoolClient"
)

// TestUserPoolChanges holds what replaces a pool or a client, and what is refused.
func TestUserPoolChanges(t *testing.T) {
	c := dial(t, serve(t, embeddedAWS(t)))
	check := checkedBy(t, c)
	create := func(token string, v values) (id string, inputs, state resource.PropertyMap) {
		t.Helper()
		inputs, failed := check(token, v)
		if failed != "" {
			t.Fatal(failed)
		}
		res, err := c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(token, "x"), Properties: wire(t, inputs)})
		if err != nil {
			t.Fatal(err, initFailed(err))
		}
		return res.GetId(), inputs, out(t, res.GetProperties())
	}
	schemas := []any{values{"name": "requestId", "attributeDataType": "String", "stringAttributeConstraints": values{"maxLength": "10"}}}
	base := values{"name": "people", "aliasAttributes": []any{"email"}, "schemas": schemas}
	pool, inputs, state := create(userPoolToken, base)
	with := func(base values, name string, v any) values {
		all := values{}
		for k, e := range base {
			all[k] = e
		}
		all[name] = v
		return all
	}
	for _, change := range []struct {
		name     string
		to       any
		replaces bool
	}{
		{"aliasAttributes", []any{"phone_number"}, true},
		{"name", "others", true},
		{"usernameConfiguration", values{"caseSensitive": false}, true},
		{"usernameConfiguration", values{"caseSensitive": true}, false}, // AWS's default
		{"mfaConfiguration", "OFF", false},
		{"deletionProtection", "ACTIVE", false},
		{"schemas", append(schemas, values{"name": "later", "attributeDataType": "String"}), false},
	} {
		news, _ := check(userPoolToken, with(base, change.name, change.to))
		res, err := c.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urnOf(userPoolToken, "x"), Id: pool, Olds: wire(t, state), OldInputs: wire(t, inputs), News: wire(t, news)})
		if err != nil {
			t.Fatal(err)
		}
		if replaces := len(res.GetReplaces()) > 0; replaces != change.replaces {
			t.Errorf("%s to %v: replaces %v", change.name, change.to, res.GetReplaces())
		}
	}
	for _, wrong := range []any{[]any{}, []any{values{"name": "requestId", "attributeDataType": "String", "stringAttributeConstraints": values{"maxLength": "11"}}}} {
		news, _ := check(userPoolToken, with(base, "schemas", wrong))
		_, err := c.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: urnOf(userPoolToken, "x"), Id: pool, Olds: wire(t, state), OldInputs: wire(t, inputs), News: wire(t, news)})
		if err == nil || !strings.Contains(err.Error(), "cannot modify or remove schema items") {
			t.Errorf("schemas %v: %v", wrong, err)
		}
	}
	for want, v := range map[string]values{
		"aliasAttributes usernameAttributes":                    {"aliasAttributes": []any{"email"}, "usernameAttributes": []any{"email"}},
		"aliasAttributes[0]":                                    {"aliasAttributes": []any{"nickname"}},
		"mfaConfiguration":                                      {"mfaConfiguration": "ON"},
		"lambdaConfig":                                          {"lambdaConfig": values{"preSignUp": "arn:aws:lambda:us-east-1:000000000000:function:f"}},
		"userPoolAddOns.advancedSecurityMode":                   {"userPoolAddOns": values{"advancedSecurityMode": "AUDIT"}},
		"emailVerificationMessage":                              {"emailVerificationMessage": "code {####}", "verificationMessageTemplate": values{"emailMessage": "code {####}"}},
		"schemas[0].name":                                       {"schemas": []any{values{"name": "a name that is far too long", "attributeDataType": "String"}}},
		"emailConfiguration.sourceArn":                          {"emailConfiguration": values{"sourceArn": "identity/x"}},
		"passwordPolicy.minimumLength":                          {"passwordPolicy": values{"minimumLength": 5}},
		"accountRecoverySetting.recoveryMechanisms[0].priority": {"accountRecoverySetting": values{"recoveryMechanisms": []any{values{"name": "admin_only", "priority": 3}}}},
	} {
		if _, failed := check(userPoolToken, v); failed != want {
			t.Errorf("%v fails at %q, want %q", v, failed, want)
		}
	}
	if endpoint := toPlain(state["endpoint"]); endpoint != "localhost:4566/"+pool {
		t.Errorf("the endpoint is %v", endpoint)
	}

	app := values{"userPoolId": pool, "generateSecret": true}
	client, inputs, state := create(poolClientToken, app)
	if secret, _ := toPlain(state["clientSecret"]).(string); len(secret) != 52 {
		t.Errorf("the client's secret has %d characters", len(secret))
	}
	for name, to := range map[string]any{"generateSecret": false, "userPoolId": "us-east-1_other"} {
		news, _ := check(poolClientToken, with(app, name, to))
		res, err := c.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urnOf(poolClientToken, "x"), Id: client, Olds: wire(t, state), OldInputs: wire(t, inputs), News: wire(t, news)})
		if err != nil || len(res.GetReplaces()) == 0 {
			t.Errorf("%s: %v %v", name, res, err)
		}
	}
	imported, err := c.Read(t.Context(), &pulumirpc.ReadRequest{Urn: urnOf(poolClientToken, "x"), Id: pool + "/" + client})
	if err != nil || toPlain(out(t, imported.GetInputs())["userPoolId"]) != pool {
		t.Errorf("an import: %v %v", imported, err)
	}
	if _, err := c.Delete(t.Context(), &pulumirpc.DeleteRequest{Urn: urnOf(poolClientToken, "x"), Id: imported.GetId(), Properties: imported.GetProperties()}); err != nil {
		t.Error(err)
	}
	if gone, err := c.Read(t.Context(), &pulumirpc.ReadRequest{Urn: urnOf(poolClientToken, "x"), Id: client, Properties: wire(t, state)}); err != nil || gone.GetId() != "" {
		t.Errorf("after its deletion: %v %v", gone, err)
	}
}
