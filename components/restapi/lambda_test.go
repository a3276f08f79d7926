package restapi

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const function = "arn:aws:lambda:us-east-1:123456789012:function:f"

// mocks is a monitor that answers as AWS would. What it proves is which resources are asked for, not that AWS takes them.
type mocks struct {
	mu    sync.Mutex
	asked map[string]resource.PropertyMap // by "type name"
	after map[string][]string             // on what each depends, by name
}

func (m *mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked == nil {
		m.asked, m.after = map[string]resource.PropertyMap{}, map[string][]string{}
	}
	m.asked[args.TypeToken+" "+args.Name] = args.Inputs
	if args.RegisterRPC != nil {
		for _, urn := range args.RegisterRPC.GetDependencies() {
			m.after[args.Name] = append(m.after[args.Name], urn[strings.LastIndex(urn, "::")+2:])
		}
	}
	out := args.Inputs.Copy()
	out["arn"] = resource.NewProperty("arn:aws:x:us-east-1:123456789012:" + args.Name)
	out["executionArn"] = resource.NewProperty("arn:aws:execute-api:us-east-1:123456789012:abc123")
	return args.Name + "_id", out, nil
}

func (*mocks) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

func (m *mocks) run(t *testing.T, args APIArgs) {
	t.Helper()
	args.KMSKeyARN = pulumi.String("arn:aws:kms:us-east-1:123456789012:key/k")
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewAPI(ctx, "api", &args)
		return err
	}, pulumi.WithMocks("carepath", "test", m))
	if err != nil {
		t.Fatal(err)
	}
}

func TestLambdaRoutesMayBeCalledByThemselvesOnly(t *testing.T) {
	m := &mocks{}
	m.run(t, APIArgs{StageName: "live", Routes: []Route{
		LambdaRoute{Path: "/", FunctionARN: pulumi.String(function)},
		LambdaRoute{Path: "/users/{id}/notes", Method: "POST", FunctionARN: pulumi.String(function)},
		LambdaRoute{Path: "/files/{path+}", Method: AnyMethod, FunctionARN: pulumi.String(function)},
	}})
	got := map[string]any{}
	for name, inputs := range m.asked {
		if rest, ok := strings.CutPrefix(name, "aws:lambda/permission:Permission "); ok {
			got[rest] = inputs.Mappable()
		} else if strings.HasPrefix(name, "aws:iam/") {
			t.Errorf("%s was made: Lambda routes need no role", name)
		}
	}
	permission := func(source string) map[string]any {
		return map[string]any{
			"action": "lambda:InvokeFunction", "function": function, "principal": "apigateway.amazonaws.com",
			"sourceArn": "arn:aws:execute-api:us-east-1:123456789012:abc123/live/" + source,
		}
	}
	want := map[string]any{
		"api-get-permission": permission("GET/"), "api-post-users-id-notes-permission": permission("POST/users/*/notes"), "api-any-files-path-permission": permission("*/files/*"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name := range want {
		if !slices.Contains(m.after["api-stage"], name) {
			t.Errorf("the stage does not wait for %s: its first requests would be refused", name)
		}
	}
}

func TestClosingTheDefaultEndpointRedeploys(t *testing.T) {
	triggers := func(closed bool) map[string]any {
		m := &mocks{}
		m.run(t, APIArgs{DisableExecuteAPIEndpoint: closed, Routes: []Route{LambdaRoute{Path: "/", FunctionARN: pulumi.String(function)}}})
		if got := m.asked["aws:apigateway/restApi:RestApi api"].Mappable()["disableExecuteApiEndpoint"]; got != closed {
			t.Errorf("disableExecuteApiEndpoint is %v, want %v", got, closed)
		}
		return m.asked["aws:apigateway/deployment:Deployment api-deployment"].Mappable()["triggers"].(map[string]any)
	}
	open, closed := triggers(false), triggers(true)
	if cmp.Equal(open, closed) {
		t.Errorf("the triggers are the same: %v", open)
	}
	if open["body"] != closed["body"] {
		t.Error("the document differs too")
	}
}

func TestAccessLogTellsNothingThatAClientMakesUp(t *testing.T) {
	for _, secret := range []string{"$context.path", "$context.identity.userAgent", "$context.error.message", "validationErrorString", "authorizer", "$input"} {
		if strings.Contains(accessLogFormat, secret+`"`) {
			t.Errorf("it has %s", secret)
		}
	}
	for _, wanted := range []string{"requestId", "domainName", "customDomain.basePathMatched", "resourcePath", "tlsVersion", "cipherSuite"} {
		if !strings.Contains(accessLogFormat, `"$context.`+wanted+`"`) {
			t.Errorf("it lacks %s", wanted)
		}
	}
	if parse(t, accessLogFormat).Len() == 0 {
		t.Error("it is no JSON object")
	}
}
