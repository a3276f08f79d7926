package restapi

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func route(change func(*AsyncWorkflowRoute)) AsyncWorkflowRoute {
	r := AsyncWorkflowRoute{Path: "/users", StateMachineARN: pulumi.String(machine), Type: Standard}
	change(&r)
	return r
}

func TestArgsReportEverythingAtOnce(t *testing.T) {
	for _, test := range []struct {
		name string
		args APIArgs
		want []string // none: no error
	}{
		{"good", APIArgs{KMSKeyARN: pulumi.String("k"), Routes: []Route{route(func(r *AsyncWorkflowRoute) { r.Path = "/a/{b}/{c+}" })}}, nil},
		{"nothing", APIArgs{}, []string{"Routes: at least one", "KMSKeyARN: is required"}},
		{"paths", APIArgs{KMSKeyARN: pulumi.String("k"), StageName: "a b", Routes: []Route{
			route(func(r *AsyncWorkflowRoute) { r.Path = "orders" }),
			route(func(r *AsyncWorkflowRoute) { r.Path = "/a//b" }),
			route(func(r *AsyncWorkflowRoute) { r.Path = "/{a+}/b" }),
			route(func(*AsyncWorkflowRoute) {}), route(func(*AsyncWorkflowRoute) {}),
		}}, []string{`Routes[0].Path: must start with "/", got "orders"`, "Routes[1].Path", "Routes[2].Path", "Routes[4]: POST /users is Routes[3] already", "StageName"}},
		{"async workflow", APIArgs{KMSKeyARN: pulumi.String("k"), Routes: []Route{AsyncWorkflowRoute{
			Path: "/", Method: "GET", MaxBodyBytes: MaxInputBytes + 1, Schema: json.RawMessage(`[]`), Headers: []string{"X-A", "x-a", "a b"},
			ContentTypes: []string{"Application/JSON; charset=utf-8"}, IdempotencyHeader: "'",
		}}}, []string{"Routes[0].Method", "Routes[0].StateMachineARN", "Routes[0].Type", "Routes[0].MaxBodyBytes", "Routes[0].Schema",
			`Routes[0].Headers[1]: "x-a" is named twice`, "Routes[0].Headers[2]", "Routes[0].ContentTypes[0]", "Routes[0].IdempotencyHeader"}},
		{"lambda", APIArgs{KMSKeyARN: pulumi.String("k"), Routes: []Route{
			LambdaRoute{Path: "/a", FunctionARN: pulumi.String(function)}, LambdaRoute{Path: "/a", Method: AnyMethod, FunctionARN: pulumi.String(function)},
		}}, nil},
		{"lambda routes", APIArgs{KMSKeyARN: pulumi.String("k"), Routes: []Route{
			LambdaRoute{Path: "/", Method: "get"}, LambdaRoute{Path: "/a", FunctionARN: pulumi.String(function + ":live")},
		}}, []string{`Routes[0].Method: must be one of [GET POST PUT PATCH DELETE HEAD OPTIONS ANY], got "get"`, "Routes[0].FunctionARN: is required", "Routes[1].FunctionARN: must be the ARN of a function without a version"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.args.validate()
			if (err == nil) != (test.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %s", err, want)
				}
			}
		})
	}
}

func TestOperationsDeclareEveryStatusTheirTemplatesAnswer(t *testing.T) {
	async := route(func(*AsyncWorkflowRoute) {})
	asyncTexts, err := async.templates(machine)
	if err != nil {
		t.Fatal(err)
	}
	sync := SyncWorkflowRoute{Path: "/users", StateMachineARN: pulumi.String(machine)}
	syncTexts, err := sync.templates(machine)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		route Route
		texts []string
		more  []string // assigned by variables: what the request template refuses with, and what the workflow answers
	}{
		{async, []string{asyncTexts.request, asyncTexts.accepted, asyncTexts.refused, asyncTexts.failed}, []string{"413"}},
		{sync, []string{syncTexts.request, syncTexts.ended, syncTexts.refused, syncTexts.throttled, syncTexts.unavailable, syncTexts.failed},
			[]string{"413", "201", "404", "409"}},
	} {
		op, err := test.route.render("Any", machine, "arn:aws:iam::123456789012:role/r")
		if err != nil {
			t.Fatal(err)
		}
		wanted := map[string]bool{}
		for _, status := range test.more {
			wanted[status] = true
		}
		for _, r := range op.Integration.Responses {
			wanted[r.StatusCode] = true
		}
		for _, text := range test.texts {
			for _, assigned := range strings.Split(text, "responseOverride.status = ")[1:] {
				if number, _, _ := strings.Cut(assigned, ")"); !strings.HasPrefix(number, "$") {
					wanted[number] = true
				}
			}
		}
		for status := range wanted {
			if _, declared := op.Responses[status]; !declared {
				t.Errorf("%T: the status %s is answered and not declared", test.route, status)
			}
		}
		for status := range op.Responses {
			if !wanted[status] {
				t.Errorf("%T: the status %s is declared and never answered", test.route, status)
			}
		}
		for pattern := range op.Integration.Responses {
			if pattern != "default" && !slices.Contains([]string{`2\d{2}`, `4\d{2}`, `4(?!29)\d{2}`, `429`, `5\d{2}`}, pattern) {
				t.Errorf("%T: the pattern %s may overlap with another", test.route, pattern)
			}
		}
	}
}

func TestGatewayResponsesAreJSONWhateverIsSubstituted(t *testing.T) {
	for kind, r := range gatewayResponses() {
		for contentType, text := range r.ResponseTemplates {
			if contentType != "application/json" {
				t.Errorf("%s answers %s", kind, contentType)
			}
			filled := strings.ReplaceAll(text, "$context.error.messageString", `"Missing \"Token\""`) // with its quotes, as API Gateway gives it
			filled = strings.ReplaceAll(filled, "$context.error.validationErrorString", `[\"x\"]`)    // escaped, without quotes
			if strings.Contains(filled, "$") {
				t.Errorf("%s substitutes more than a JSON string: %s", kind, text)
			}
			if _, ok := member(parse(t, filled), "message").(string); !ok {
				t.Errorf("%s has no message: %s", kind, filled)
			}
		}
	}
}

func TestCanonicalIgnoresWhiteSpaceAndOrderOfSchemas(t *testing.T) {
	render := func(schema string) string {
		d := &document{Components: components{Schemas: map[string]json.RawMessage{"M": json.RawMessage(schema)}}}
		text, err := canonical(d)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	a, b := render(`{"type":"object","maximum":1.0}`), render("{ \"maximum\" : 1.0,\n\"type\":\"object\" }")
	if a != b {
		t.Errorf("%s\n%s", a, b)
	}
	if !strings.Contains(render(`{"pattern":"<&>"}`), `<&>`) {
		t.Error("needless escapes")
	}
}

func TestSchemaBecomesTheRoutesModel(t *testing.T) {
	r := route(func(r *AsyncWorkflowRoute) { r.Schema = json.RawMessage(`{"type":"object"}`); r.Path = "/a-b/{c}" })
	if got := modelName(r); got != "PostABC" {
		t.Errorf("the model is named %q", got)
	}
	op, err := r.render("PostABC", machine, "arn:r")
	if err != nil {
		t.Fatal(err)
	}
	for contentType, media := range op.RequestBody.Content {
		if got := member(parse(t, string(media.Schema)), "$ref"); got != "#/components/schemas/PostABC" {
			t.Errorf("%s is validated by %v", contentType, got)
		}
		if op.Integration.RequestTemplates[contentType] == "" {
			t.Errorf("%s has no template", contentType)
		}
	}
	if len(op.Parameters) != 1 || op.Parameters[0].Name != "c" || !op.Parameters[0].Required {
		t.Errorf("parameters %+v", op.Parameters)
	}
	if _, err := jsonvalue.Parse(string(anySchema)); err != nil {
		t.Error(err)
	}
}
