package restapi

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

var update = flag.Bool("update", false, "write the golden files anew")

const userSchema = `{
	"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "additionalProperties": false, "required": ["do", "emailAddress"],
	"properties": {
		"do": {"type": "string", "enum": ["create", "take", "fail", "wait", "garble", "echo"]},
		"emailAddress": {"type": "string", "pattern": "^[^@\\s]+@[^@\\s]+$", "maxLength": 30},
		"text": {}
	}
}`

func TestOpenAPIGolden(t *testing.T) {
	got, err := openAPI("users-api", []Route{
		SyncWorkflowRoute{Path: "/users/{id}", Method: "PUT", StateMachineARN: pulumi.String(machine), Schema: json.RawMessage(userSchema), Headers: []string{"X-Trace"}},
		AsyncWorkflowRoute{Path: "/webhooks", StateMachineARN: pulumi.String(machine), Type: Standard},
		LambdaRoute{Path: "/users/{id}", FunctionARN: pulumi.String(function)},
		LambdaRoute{Path: "/files/{path+}", Method: AnyMethod, FunctionARN: pulumi.String(function)},
	}, []target{{machine, "arn:aws:iam::123456789012:role/sync"}, {machine, "arn:aws:iam::123456789012:role/async"}, {function, ""}, {function, ""}})
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(got), "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, indented.Bytes()) {
		t.Errorf("%s differs: go test ./components/restapi -update writes it anew, then read the change", path)
	}
}

// watchedClock is a driven clock that tells which timers are set.
type watchedClock struct {
	*clock.Driven
	set chan time.Duration
}

func (c *watchedClock) AfterFunc(d time.Duration, f func()) clock.Timer {
	timer := c.Driven.AfterFunc(d, f)
	c.set <- d
	return timer
}

// waitFor returns when timers of these lengths have been set, in this order.
func (c *watchedClock) waitFor(t *testing.T, lengths ...time.Duration) {
	t.Helper()
	for _, want := range lengths {
		for got := time.Duration(-1); got != want; {
			select {
			case got = <-c.set:
			case <-t.Context().Done():
				t.Fatalf("no timer of %v", want)
			}
		}
	}
}

// deployment is a route on the embedded API Gateway, with an Express state machine on the embedded Step Functions behind it.
type deployment struct {
	d     *dispatch.Dispatcher
	clock *watchedClock
	url   string
}

const definition = `{"StartAt":"Choose","TimeoutSeconds":10,"States":{
	"Choose":{"Type":"Choice","Choices":[
		{"Variable":"$.body.do","StringEquals":"create","Next":"Created"},
		{"Variable":"$.body.do","StringEquals":"take","Next":"Taken"},
		{"Variable":"$.body.do","StringEquals":"wait","Next":"Wait"},
		{"Variable":"$.body.do","StringEquals":"echo","Next":"Echo"},
		{"Variable":"$.body.do","StringEquals":"garble","Next":"Garbage"}],"Default":"Failed"},
	"Created":{"Type":"Pass","Parameters":{"response":{"statusCode":201,"body":{"text.$":"$.body.text","key.$":"$.metadata.idempotencyKey"}}},"End":true},
	"Taken":{"Type":"Pass","Result":{"response":{"statusCode":409,"message":"it's \"taken\""}},"End":true},
	"Wait":{"Type":"Wait","Seconds":60,"End":true},
	"Echo":{"Type":"Pass","Parameters":{"response":{"body.$":"$.body.text","statusCode":200}},"End":true},
	"Garbage":{"Type":"Pass","Result":{"response":{"statusCode":"201"}},"End":true},
	"Failed":{"Type":"Fail","Error":"s3cret","Cause":"{\"patient\":\"s3cret\"}"}}}`

func deploy(t *testing.T, route SyncWorkflowRoute, definition string) *deployment {
	t.Helper()
	c := &deployment{clock: &watchedClock{clock.NewDriven(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)), make(chan time.Duration, 1000)}}
	c.d = dispatch.New(c.clock, "123456789012", "us-east-1")
	memory := store.Memory()
	if _, err := iam.New(c.d, memory); err != nil {
		t.Fatal(err)
	}
	states, err := stepfunctions.New(c.d, memory)
	if err != nil {
		t.Fatal(err)
	}
	states.Start()
	t.Cleanup(func() {
		if err := states.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	gateway, err := apigateway.New(c.d, memory)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gateway.Handler())
	t.Cleanup(server.Close)
	gateway.SetEndpoint(server.URL)

	root := func(service, action string, in any) any {
		t.Helper()
		out, err := c.d.Do(t.Context(), c.d.Root(), service, action, in)
		if err != nil {
			t.Fatalf("%s: %v", action, err)
		}
		return out
	}
	for name, service := range map[string]string{"workflow": "states", "route": "apigateway"} {
		root("iam", "CreateRole", &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"` + service + `.amazonaws.com"},"Action":"sts:AssumeRole"}}`})
	}
	machine := root("states", "CreateStateMachine", &stepfunctions.CreateStateMachineInput{Name: "m", Type: "EXPRESS", RoleArn: "arn:aws:iam::123456789012:role/workflow", Definition: definition}).(*stepfunctions.CreateStateMachineOutput).StateMachineArn
	route.StateMachineARN = pulumi.String(machine)
	actions, err := json.Marshal(route.statements()[0].Actions)
	if err != nil {
		t.Fatal(err)
	}
	root("iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: "route", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + string(actions) + `,"Resource":"` + machine + `"}}`})
	text, err := openAPI("api", []Route{route}, []target{{machine, "arn:aws:iam::123456789012:role/route"}})
	if err != nil {
		t.Fatal(err)
	}
	api := root("apigateway", "ImportRestApi", &apigateway.ImportRestApiInput{Body: []byte(text)}).(*apigateway.RestApi)
	root("apigateway", "CreateDeployment", &apigateway.CreateDeploymentInput{RestApiID: api.ID, StageName: "main"})
	c.url = gateway.InvokeURL(api.ID, "main") + route.Path
	return c
}

type httpAnswer struct {
	status int
	header http.Header
	body   string
}

// post sends a body and checks what every answer promises.
func (c *deployment) post(t *testing.T, body string, headers ...string) httpAnswer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", c.url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return httpAnswer{}
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answered, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return httpAnswer{}
	}
	defer answered.Body.Close()
	text, err := io.ReadAll(answered.Body)
	if err != nil {
		t.Error(err)
	}
	a := httpAnswer{answered.StatusCode, answered.Header, strings.TrimSpace(string(text))}
	if _, err := jsonvalue.Parse(a.body); err != nil || a.header.Get("Content-Type") != "application/json" || strings.Contains(a.body, "s3cret") {
		t.Errorf("%s: answered %d %s %s: %v", body, a.status, a.header.Get("Content-Type"), a.body, err)
	}
	return a
}

func TestSyncRouteAnswers(t *testing.T) {
	c := deploy(t, SyncWorkflowRoute{Path: "/users", Schema: json.RawMessage(userSchema), MaxBodyBytes: 1000}, definition)
	const valid = `{"do":"create","emailAddress":"a@b","text":"x"}`
	for _, test := range []struct {
		name, body string
		headers    []string
		status     int
		want       string // a part of the body; equal where it is JSON
	}{
		{"created", valid, []string{"Idempotency-Key", "k-1"}, 201, `{"text":"x","key":"k-1"}`},
		{"as curl sends it", valid, []string{"Content-Type", "application/x-www-form-urlencoded"}, 201, `{"text":"x","key":""}`},
		{"conflict", `{"do":"take","emailAddress":"a@b"}`, nil, 409, `{"message":"it's \"taken\""}`},
		{"failed", `{"do":"fail","emailAddress":"a@b"}`, nil, 500, broken},
		{"failed at run time", `{"do":"create","emailAddress":"a@b"}`, nil, 500, broken},
		{"garbage", `{"do":"garble","emailAddress":"a@b"}`, nil, 500, untold},
		{"an object", `{"do":"echo","emailAddress":"a@b","text":{"a":[1,"}}"]}}`, nil, 200, `{"a":[1,"}}"]}`},
		{"large integers", `{"do":"echo","emailAddress":"a@b","text":[1000000000000000000,123456789012345678901234567890]}`, nil, 200, `[1000000000000000000,123456789012345678901234567890]`},
		{"any text", `{"do":"echo","emailAddress":"a@b","text":"\"'\\ \u0000\u007f\u2028 $x #set ${y} 😀"}`, nil, 200, `"\"'\\ \u0000\u007f\u2028 $x #set ${y} 😀"`},
		{"missing", `{"do":"create"}`, nil, 400, `object has missing required properties ([\"emailAddress\"])`},
		{"unknown", `{"do":"create","emailAddress":"a@b","admin":true}`, nil, 400, `properties which are not allowed by the schema: [\"admin\"]`},
		{"wrong type", `{"do":"create","emailAddress":1}`, nil, 400, `instance type (integer) does not match any allowed primitive type (allowed: [\"string\"])`},
		{"pattern", `{"do":"create","emailAddress":"x\"y"}`, nil, 400, `does not match input string \"x\"y\"`},
		{"too long", `{"do":"create","emailAddress":"a@` + strings.Repeat("b", 40) + `"}`, nil, 400, `is too long (length: 42, maximum allowed: 30)`},
		{"not JSON", `{"do":`, nil, 400, `invalid request body: [`},
		{"two texts", valid + valid, nil, 400, `invalid request body: [`},
		{"a bad key", valid, []string{"Idempotency-Key", "a b"}, 400, `the header Idempotency-Key must have`},
		{"too large", `{"do":"create","emailAddress":"a@b","text":"` + strings.Repeat("x", 1000) + `"}`, nil, 413, `the body may have 1000 bytes`},
		{"another type", valid, []string{"Content-Type", "text/plain"}, 415, `{"message":"unsupported media type: send application/json"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := c.post(t, test.body, test.headers...)
			same := strings.Contains(got.body, test.want)
			if want, err := jsonvalue.Parse(test.want); err == nil {
				v, err := jsonvalue.Parse(got.body)
				same = err == nil && jsonvalue.Equal(v, want)
			}
			if got.status != test.status || !same {
				t.Errorf("answered %d %s, want %d %s", got.status, got.body, test.status, test.want)
			}
		})
	}
}

func TestSyncRouteWhenStepFunctionsRefuses(t *testing.T) {
	c := deploy(t, SyncWorkflowRoute{Path: "/users"}, definition)
	for _, test := range []struct {
		err    *dispatch.Error
		status int
		retry  string
	}{
		{&dispatch.Error{Code: "ThrottlingException", Message: "Rate exceeded", Status: 400}, 429, "1"},
		{&dispatch.Error{Code: "ExecutionLimitExceeded", Message: "s3cret", Status: 400}, 429, "1"},
		{&dispatch.Error{Code: "TooManyRequestsException", Status: 429}, 429, "1"},
		{&dispatch.Error{Code: "ServiceUnavailable", Message: "s3cret", Status: 503}, 503, ""},
		{&dispatch.Error{Code: "InternalServerError", Message: "s3cret", Status: 500}, 503, ""},
		{&dispatch.Error{Code: "InvalidExecutionInput", Message: "s3cret", Status: 400}, 500, ""},
		{&dispatch.Error{Code: "StateMachineDoesNotExist", Message: "s3cret", Status: 400}, 500, ""},
		{&dispatch.Error{Code: "AccessDeniedException", Message: "s3cret", Status: 400}, 500, ""},
	} {
		c.d.Faults.Inject(dispatch.Fault{Service: "states", Action: "StartSyncExecution", Times: 1, Err: test.err})
		if got := c.post(t, `{"do":"take"}`); got.status != test.status || got.header.Get("Retry-After") != test.retry || !strings.HasPrefix(got.body, `{"message":"`) {
			t.Errorf("%s: answered %d %s, Retry-After %q", test.err.Code, got.status, got.body, got.header.Get("Retry-After"))
		}
	}
	// Without its one permission the route cannot do anything, and says nothing of it.
	if _, err := c.d.Do(t.Context(), c.d.Root(), "iam", "DeleteRolePolicy", &iam.RolePolicyInput{RoleName: "route", PolicyName: "p"}); err != nil {
		t.Fatal(err)
	}
	if got := c.post(t, `{"do":"take"}`); got.status != 500 || !strings.Contains(got.body, "not set up correctly") {
		t.Errorf("denied: answered %d %s", got.status, got.body)
	}
}

func TestSyncRouteThatTakesTooLong(t *testing.T) {
	for _, test := range []struct {
		name, definition string
		timers           []time.Duration // that are set before the time passes
		pass             time.Duration
		want             string
	}{
		{"the workflow's own timeout", definition, []time.Duration{29 * time.Second, 10 * time.Second}, 10 * time.Second, tooLong},
		{"the integration's timeout", strings.Replace(definition, `"TimeoutSeconds":10,`, "", 1), []time.Duration{29 * time.Second, time.Minute}, 29 * time.Second,
			`{"message":"the service did not answer in time: try again later"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := deploy(t, SyncWorkflowRoute{Path: "/users"}, test.definition)
			answered := make(chan httpAnswer)
			go func() { answered <- c.post(t, `{"do":"wait"}`) }()
			c.clock.waitFor(t, test.timers...)
			c.clock.Advance(test.pass)
			if got := <-answered; got.status != 504 || got.body != test.want {
				t.Errorf("answered %d %s, want 504 %s", got.status, got.body, test.want)
			}
		})
	}
}
