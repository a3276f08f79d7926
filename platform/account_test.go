package platform

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// otherRole is the role of another stack that is there, whose name begins as this one does.
const otherRole = "arn:aws:iam::123456789012:role/carepath/carepath/test-2/apigateway-logs-role-1"

// The role of the account is set once, by the stack that finds none; that stack keeps it.
func TestTheAccountsRole(t *testing.T) {
	for _, test := range []struct {
		name, choice, role string
		sets               bool
	}{
		{"there is none", "whereAbsent", "", true},
		{"by default too", "", "", true},
		{"its own, of the last deployment", "whereAbsent", "arn:aws:iam::123456789012:role/carepath/carepath/test/apigateway-logs-role-1", true},
		{"another stack's", "whereAbsent", otherRole, false},
		{"that of a stack that is gone", "whereAbsent", "arn:aws:iam::123456789012:role/carepath/carepath/gone/apigateway-logs-role-1", true},
		{"somebody's", "whereAbsent", "arn:aws:iam::123456789012:role/gateway", false},
		{"somebody's, always", "always", "arn:aws:iam::123456789012:role/gateway", true},
		{"none, never", "never", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := map[string]string{"aws:region": "eu-west-1"}
			if test.choice != "" {
				config["carepath:platform"] = `{"apiGatewayAccount":"` + test.choice + `"}`
			}
			setConfig(t, config)
			e := &engine{endpoint: "https://x"}
			err := e.run(func(_ context.Context, region string) (string, error) {
				if region != "eu-west-1" || test.choice == "always" || test.choice == "never" {
					t.Errorf("%s was asked", region)
				}
				return test.role, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if sets := slices.ContainsFunc(e.resources, func(r registered) bool { return r.token == "aws:apigateway/account:Account" }); sets != test.sets {
				t.Errorf("it sets the role: %v, want %v", sets, test.sets)
			}
			if test.sets {
				if path := e.get(t, "aws:iam/role:Role", "apigateway-logs-role").inputs["path"].StringValue(); path != "/carepath/carepath/test/" {
					t.Errorf("the role's path is %s", path)
				}
			}
		})
	}
}

func TestAccountsThatCannotBeAsked(t *testing.T) {
	setConfig(t, nil)
	asked := func(context.Context, string) (string, error) { return "", errors.New("no credentials") }
	err := (&engine{}).run(asked)
	if err == nil || !strings.Contains(err.Error(), "carepath:platform.apiGatewayAccount") || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("got %v", err)
	}
	// Neither the embedded AWS nor a description without live data is asked.
	setConfig(t, map[string]string{"carepath:environment": "local", "carepath:platform": `{"apiGatewayAccount":"whereAbsent"}`})
	if err := (&engine{endpoint: "http://localhost:4566/x"}).run(asked); err != nil {
		t.Error(err)
	}
	setConfig(t, nil)
	ctx, err := pulumi.NewContext(WithoutLiveData(t.Context()), pulumi.RunInfo{Project: "carepath", Stack: "test", Config: from(nil), Mocks: &engine{endpoint: "https://x"}})
	if err != nil {
		t.Fatal(err)
	}
	err = pulumi.RunWithContext(ctx, func(ctx *pulumi.Context) error {
		_, err := deploy(ctx, functionAPIs(), asked)
		return err
	})
	if err = errors.Join(err, ctx.Close()); err != nil {
		t.Error(err)
	}
}

func TestAWSIsAskedForTheAccountsRole(t *testing.T) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none"} {
		t.Setenv(name, value)
	}
	answer := `{"cloudwatchRoleArn":"` + otherRole + `","throttleSettings":{"burstLimit":5000,"rateLimit":10000}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method+" "+r.URL.Path != "GET /account" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/apigateway/") {
			t.Errorf("asked %s %s with %s", r.Method, r.URL.Path, r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	if role, err := liveAccountRole(t.Context(), "eu-west-1"); err != nil || role != otherRole {
		t.Errorf("got %q, %v", role, err)
	}
	answer = `{}`
	if role, err := liveAccountRole(t.Context(), "eu-west-1"); err != nil || role != "" {
		t.Errorf("got %q, %v", role, err)
	}
}
