package apigateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

func TestTheMostSpecificResourceAnswers(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "root") + `},
		"/users":{"get":` + mock("200", "users") + `},
		"/users/{id}":{"get":` + mock("200", "user $input.params('id')") + `,"x-amazon-apigateway-any-method":` + mock("200", "any $context.httpMethod") + `},
		"/users/{id}/notes":{"get":` + mock("200", "notes of $input.params('id')") + `},
		"/users/me":{"get":` + mock("200", "me") + `},
		"/{rest+}":{"get":` + mock("200", "rest $input.params('rest')") + `}`))
	for _, test := range []struct{ method, path, want string }{
		{"GET", "", "root"}, {"GET", "/", "root"},
		{"GET", "/users", "users"}, {"GET", "/users/", "users"},
		{"GET", "/users/7", "user 7"}, {"DELETE", "/users/7", "any DELETE"}, {"GET", "/users/a%2Fb", "user a/b"}, {"GET", "/users/a%20b", "user a b"},
		{"GET", "/users/me", "me"}, {"DELETE", "/users/me", "any DELETE"}, {"GET", "/users/me/notes", "notes of me"},
		{"GET", "/users/7/other", "rest users/7/other"}, {"GET", "/x/y", "rest x/y"},
	} {
		if got := c.send(api, test.method, test.path, ""); got.body != test.want || got.status != 200 {
			t.Errorf("%s %s: %d %s, want %s", test.method, test.path, got.status, got.body, test.want)
		}
	}
	got := c.send(api, "POST", "/users", "{}")
	if got.status != 403 || got.body != `{"message":"Missing Authentication Token"}` || got.header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" {
		t.Errorf("an unknown method: %+v", got)
	}
}

func TestWhereThereIsNoStage(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	for _, path := range []string{"/_aws/execute-api/none/prod/", "/_aws/execute-api/" + api + "/none/", "/_aws/execute-api/" + api, "/elsewhere"} {
		r, _ := http.NewRequest("GET", c.server.URL+path, nil)
		got := c.do(r)
		if got.status != 403 || got.body != `{"message":"Forbidden"}` || got.header.Get("X-Amzn-Errortype") != "ForbiddenException" {
			t.Errorf("%s: %+v", path, got)
		}
	}
	for _, host := range []string{api + ".execute-api.localhost:4566", api + ".execute-api.us-east-1.amazonaws.com"} {
		r, _ := http.NewRequest("GET", c.server.URL+"/prod/", nil)
		r.Host = host
		if got := c.do(r); got.status != 200 || got.body != "ok" {
			t.Errorf("by host %s: %+v", host, got)
		}
	}
}

// TestTheDefaultEndpointIsDisabledByADeployment follows AWS: the setting alone changes nothing.
func TestTheDefaultEndpointIsDisabledByADeployment(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	call[apigateway.RestApi](c, "UpdateRestApi", &apigateway.UpdateRestApiInput{RestApiID: api, PatchOperations: []apigateway.PatchOperation{replace("/disableExecuteApiEndpoint", "true")}})
	if got := c.send(api, "GET", "/", ""); got.status != 200 {
		t.Errorf("before the deployment: %+v", got)
	}
	c.redeploy(api)
	if got := c.send(api, "GET", "/", ""); got.status != 403 || got.body != `{"message":"Forbidden"}` {
		t.Errorf("after the deployment: %+v", got)
	}
}

func TestStartExecution(t *testing.T) {
	c := newCloud(t)
	var input string
	c.start = func(_ context.Context, in *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error) {
		input = in.Input
		return &stepfunctions.StartExecutionOutput{ExecutionArn: "e"}, nil
	}
	api := c.deploy(document(`"/in/{id}":{"post":` + starts("") + `}`))
	got := c.send(api, "POST", "/in/1", `{"text":"it's \"quoted\"","n":12345678901234567890.10}`)
	if got.status != 202 || got.body != `{"status":"accepted"}` || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v", got)
	}
	if want := `{"text":"it's \"quoted\"","n":1.2345678901234567E19}`; input != want && !strings.Contains(input, "it's") {
		t.Errorf("input %s, want %s", input, want)
	}
	if c.callers[0].RoleARN != role || c.sources[0] != "arn:aws:execute-api:us-east-1:"+account+":"+api+"/prod/POST/in/*" {
		t.Errorf("called as %+v on behalf of %s", c.callers[0], c.sources[0])
	}
	for name, length := range map[string]int{"X-Amzn-Requestid": 36, "X-Amz-Apigw-Id": 16} {
		if len(got.header.Get(name)) != length {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
	if got := c.send(api, "POST", "/in/1", "x", "Content-Type: text/plain"); got.status != 415 || got.body != `{"message":"Unsupported Media Type"}` {
		t.Errorf("another media type: %+v", got)
	}
	if got := c.send(api, "POST", "/in/1", `{"a":1}`, "Content-Type: application/json; charset=utf-8"); got.status != 202 {
		t.Errorf("with a parameter: %+v", got)
	}
	c.deny("states:StartExecution", true)
	if got := c.send(api, "POST", "/in/1", "{}"); got.status != 400 || !strings.Contains(got.body, "AccessDeniedException") {
		t.Errorf("a role without the permission: %+v", got)
	}
	c.deny(role, true)
	if got := c.send(api, "POST", "/in/1", "{}"); got.status != 500 || got.body != `{"message":"Internal server error"}` {
		t.Errorf("a role that cannot be assumed: %+v", got)
	}
}

func TestAnIntegrationThatIsTooSlow(t *testing.T) {
	c := newCloud(t)
	called, ended := make(chan bool), make(chan bool)
	c.start = func(ctx context.Context, _ *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error) {
		close(called)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}
	api := c.deploy(document(`"/":{"post":` + starts("") + `}`))
	answered := make(chan reply)
	go func() { answered <- c.send(api, "POST", "/", "{}") }()
	<-called
	c.clock.Advance(2 * time.Second)
	if got := <-answered; got.status != 504 || got.body != `{"message":"Endpoint request timed out"}` {
		t.Errorf("%+v", got)
	}
	<-ended
}

// TestARedeploymentBreaksNoRequestInFlight holds a request in its integration while its deployment is replaced.
func TestARedeploymentBreaksNoRequestInFlight(t *testing.T) {
	c := newCloud(t)
	called, release := make(chan bool), make(chan bool)
	c.start = func(context.Context, *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error) {
		close(called)
		<-release
		return &stepfunctions.StartExecutionOutput{ExecutionArn: "e"}, nil
	}
	api := c.deploy(document(`"/":{"post":` + starts("") + `}`))
	answered := make(chan reply)
	go func() { answered <- c.send(api, "POST", "/", "{}") }()
	<-called
	call[apigateway.RestApi](c, "PutRestApi", &apigateway.PutRestApiInput{RestApiID: api, Mode: "overwrite", Body: []byte(document(`"/":{"post":` + mock("200", "new") + `}`))})
	c.redeploy(api)
	if got := c.send(api, "POST", "/", "{}"); got.body != "new" {
		t.Errorf("after the redeployment: %+v", got)
	}
	close(release)
	if got := <-answered; got.status != 202 {
		t.Errorf("the request in flight: %+v", got)
	}
}

func TestThrottling(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/a":{"get":` + mock("200", "a") + `},"/b":{"get":` + mock("200", "b") + `}`))
	c.patchStage(api, replace("/*/*/throttling/rateLimit", "2"), replace("/*/*/throttling/burstLimit", "3"),
		replace("/~1b/GET/throttling/rateLimit", "0"), replace("/~1b/GET/throttling/burstLimit", "0"))
	count := func(path string, n int) (let int) {
		for range n {
			got := c.send(api, "GET", path, "")
			if got.status == 200 {
				let++
			} else if got.status != 429 || got.body != `{"message":"Too Many Requests"}` || got.header.Get("X-Amzn-Errortype") != "TooManyRequestsException" {
				t.Errorf("%+v", got)
			}
		}
		return let
	}
	if let := count("/a", 5); let != 3 {
		t.Errorf("%d of a burst were let through, want 3", let)
	}
	c.clock.Advance(time.Second)
	if let := count("/a", 5); let != 2 {
		t.Errorf("%d were let through a second later, want 2", let)
	}
	if let := count("/b", 2); let != 0 {
		t.Errorf("%d were let through a method that is closed", let)
	}
}

func TestWhatIsTooLarge(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"post":` + mock("200", "ok") + `}`))
	if got := c.send(api, "POST", "/", strings.Repeat("x", 10<<20)); got.status != 200 {
		t.Errorf("10 MB: %d", got.status)
	}
	if got := c.send(api, "POST", "/", strings.Repeat("x", 10<<20+1)); got.status != 413 || got.body != `{"message":"Request Too Long"}` {
		t.Errorf("more than 10 MB: %+v", got)
	}
	if got := c.send(api, "POST", "/", "", "X-Long: "+strings.Repeat("x", 10241)); got.status != 413 {
		t.Errorf("long headers: %+v", got)
	}
}

func TestStageVariablesAndOverrides(t *testing.T) {
	c := newCloud(t)
	body := `#set($context.responseOverride.status = 418)#set($context.responseOverride.header.X-Name = "$stageVariables.name")$stageVariables.name in $context.stage`
	api := c.deploy(document(`"/":{"get":` + mock("200", body) + `}`))
	c.patchStage(api, replace("/variables/name", "first"))
	if got := c.send(api, "GET", "/", ""); got.status != 418 || got.body != "first in prod" || got.header.Get("X-Name") != "first" {
		t.Errorf("%+v", got)
	}
	c.patchStage(api, replace("/variables/name", "second"))
	if got := c.send(api, "GET", "/", ""); got.body != "second in prod" {
		t.Errorf("%+v", got)
	}
}

// TestHeadersKeepTheNamesThatTemplatesUse: Go's server brings the names of headers to one form.
func TestHeadersKeepTheNamesThatTemplatesUse(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", `$input.params('idempotencyKey') $input.params().header.get("x-other") $input.params('Host').length()`) + `}`))
	got := c.send(api, "GET", "/", "", "idempotencyKey: k", "X-Other: o")
	if !strings.HasPrefix(got.body, "k o 1") {
		t.Errorf("%+v", got)
	}
}

func TestBrokenTemplatesAndMissingResponses(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/template":{"get":` + mock("200", "#if(") + `},"/status":{"get":` + strings.Replace(mock("200", "x"), `"200":{"description":""}`, ``, 1) + `},
		"/text":{"get":` + strings.Replace(mock("200", "x"), `:200`, `:\"200\"`, 1) + `}`))
	for _, path := range []string{"/template", "/status", "/text"} {
		if got := c.send(api, "GET", path, ""); got.status != 500 || got.body != `{"message":"Internal server error"}` || got.header.Get("X-Amzn-Errortype") != "InternalServerErrorException" {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestLambdaProxy(t *testing.T) {
	c := newCloud(t)
	operation := `{"responses":{},"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST",
		"uri":"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:` + account + `:function:f/invocations"}}`
	api := c.deploy(document(`"/one/{id}":{"get":` + operation + `}`))
	var event string
	answer, functionError := `{"statusCode":201,"headers":{"X-One":"1","Content-Type":"text/plain"},"body":"hello"}`, ""
	c.invoke = func(in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		event = string(in.Payload)
		return &lambda.InvokeOutput{StatusCode: 200, FunctionError: functionError, Payload: []byte(answer)}, nil
	}
	got := c.send(api, "GET", "/one/7?q=a&q=b", "")
	if got.status != 201 || got.body != "hello" || got.header.Get("X-One") != "1" || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("%+v", got)
	}
	for _, part := range []string{`"resource":"/one/{id}"`, `"path":"/one/7"`, `"httpMethod":"GET"`, `"queryStringParameters":{"q":"b"}`,
		`"multiValueQueryStringParameters":{"q":["a","b"]}`, `"pathParameters":{"id":"7"}`, `"stageVariables":null`, `"body":null`, `"isBase64Encoded":false`,
		`"requestTime":"04/Mar/2026:05:06:07 +0000"`, `"requestTimeEpoch":1772600767000`, `"stage":"prod"`} {
		if !strings.Contains(event, part) {
			t.Errorf("the event lacks %s: %s", part, event)
		}
	}
	if c.callers[0].Service != "apigateway.amazonaws.com" || !strings.HasSuffix(c.callers[0].SourceARN, "/prod/GET/one/*") {
		t.Errorf("called as %+v", c.callers[0])
	}
	for _, malformed := range []string{`null`, `"text"`, `{"statusCode":200,"unknown":1}`, `{"statusCode":"many"}`, `{"body":{}}`, `{"headers":{"a":[1]}}`} {
		answer = malformed
		if got := c.send(api, "GET", "/one/7", ""); got.status != 502 || got.body != `{"message":"Internal server error"}` {
			t.Errorf("%s: %+v", malformed, got)
		}
	}
	answer, functionError = `{"errorMessage":"boom"}`, "Unhandled"
	if got := c.send(api, "GET", "/one/7", ""); got.status != 502 {
		t.Errorf("a function that fails: %+v", got)
	}
	c.deny("lambda:InvokeFunction", true)
	c.deny("lambda:Invoke", true)
	if got := c.send(api, "GET", "/one/7", ""); got.status != 500 {
		t.Errorf("a function that does not let the gateway in: %+v", got)
	}
}

func TestTheRoleOfAccessLogs(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"get":` + mock("200", "ok") + `}`))
	destination := "arn:aws:logs:us-east-1:" + account + ":log-group:/access"
	stage := &apigateway.UpdateStageInput{RestApiID: api, StageName: "prod", PatchOperations: []apigateway.PatchOperation{
		replace("/accessLogSettings/destinationArn", destination+":*"), replace("/accessLogSettings/format", `$context.requestId $context.status $context.nothing "$context.identity.sourceIp"`)}}
	if e := c.fails("UpdateStage", stage); !strings.HasPrefix(e.Message, "CloudWatch Logs role ARN must be set") {
		t.Error(e)
	}
	update := &apigateway.UpdateAccountInput{PatchOperations: []apigateway.PatchOperation{replace("/cloudwatchRoleArn", logRole)}}
	for _, missing := range []string{logRole, "logs:CreateLogStream", "logs:PutLogEvents"} {
		c.deny(missing, true)
		if e := c.fails("UpdateAccount", update); !strings.HasPrefix(e.Message, "The role ARN does not have required permissions") {
			t.Error(missing, e)
		}
		c.deny(missing, false)
	}
	call[apigateway.Account](c, "UpdateAccount", update)
	call[apigateway.Stage](c, "UpdateStage", stage)
	got := c.send(api, "GET", "/", "")
	c.send(api, "GET", "/none", "")
	if len(c.lines) != 0 {
		t.Error("lines were written one by one")
	}
	c.clock.Advance(time.Second)
	if len(c.lines) != 2 || c.lines[0] != got.header.Get("X-Amzn-Requestid")+` 200 - "127.0.0.1"` || !strings.Contains(c.lines[1], " 403 ") {
		t.Errorf("%q", c.lines)
	}
	if len(c.streams) != 1 || c.streams[0] != "/access" {
		t.Errorf("%q", c.streams)
	}
	c.send(api, "GET", "/", "")
	if c.service.Close(t.Context()); len(c.lines) != 3 {
		t.Errorf("after Close: %d lines", len(c.lines))
	}
}

// proxy is an operation that a function answers.
const proxy = `{"responses":{},"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST",
	"uri":"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:` + account + `:function:f/invocations"}}`

func TestAccessLogsAreInTheOrderOfTheRequestsBeginnings(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/slow":{"get":` + proxy + `},"/fast":{"get":` + mock("200", "ok") + `}`))
	call[apigateway.Account](c, "UpdateAccount", &apigateway.UpdateAccountInput{PatchOperations: []apigateway.PatchOperation{replace("/cloudwatchRoleArn", logRole)}})
	call[apigateway.Stage](c, "UpdateStage", &apigateway.UpdateStageInput{RestApiID: api, StageName: "prod", PatchOperations: []apigateway.PatchOperation{
		replace("/accessLogSettings/destinationArn", "arn:aws:logs:us-east-1:"+account+":log-group:/access"), replace("/accessLogSettings/format", "$context.requestId $context.resourcePath")}})
	c.invoke = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		c.clock.Advance(100 * time.Millisecond)
		c.send(api, "GET", "/fast", "") // begins later and ends earlier
		return &lambda.InvokeOutput{StatusCode: 200, Payload: []byte(`{"statusCode":200}`)}, nil
	}
	c.send(api, "GET", "/slow", "")
	c.clock.Advance(time.Second)
	if len(c.lines) != 2 || !strings.HasSuffix(c.lines[0], " /slow") || !strings.HasSuffix(c.lines[1], " /fast") {
		t.Errorf("%q: CloudWatch Logs refuses events that are not in chronological order", c.lines)
	}
}

// Stacks are destroyed in this order: the stage, then the role with which its entries are written. What a stage holds back is
// written before it goes; requests that end later are not logged, and nobody fails because of them.
func TestWhatAStageHoldsBackIsWrittenBeforeItGoes(t *testing.T) {
	logged := func(group string) []apigateway.PatchOperation {
		return []apigateway.PatchOperation{replace("/accessLogSettings/destinationArn", "arn:aws:logs:us-east-1:"+account+":log-group:"+group), replace("/accessLogSettings/format", "$context.requestId $context.resourcePath")}
	}
	for name, change := range map[string]func(c *cloud, api string){
		"the stage is deleted": func(c *cloud, api string) {
			call[apigateway.Empty](c, "DeleteStage", &apigateway.StageInput{RestApiID: api, StageName: "prod"})
		},
		"the API is deleted": func(c *cloud, api string) {
			call[apigateway.Empty](c, "DeleteRestApi", &apigateway.RestApiInput{RestApiID: api})
		},
		"the access log is taken away": func(c *cloud, api string) {
			c.patchStage(api, apigateway.PatchOperation{Op: "remove", Path: "/accessLogSettings"})
		},
		"it is written elsewhere": func(c *cloud, api string) { c.patchStage(api, logged("/other")...) },
		"the account gets another role": func(c *cloud, _ string) {
			call[apigateway.Account](c, "UpdateAccount", &apigateway.UpdateAccountInput{PatchOperations: []apigateway.PatchOperation{replace("/cloudwatchRoleArn", role)}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			var told []string
			c.d.Logf = func(format string, args ...any) {
				c.mu.Lock()
				defer c.mu.Unlock()
				told = append(told, fmt.Sprintf(format, args...))
			}
			api := c.deploy(document(`"/slow":{"get":` + proxy + `},"/fast":{"get":` + mock("200", "ok") + `}`))
			call[apigateway.Account](c, "UpdateAccount", &apigateway.UpdateAccountInput{PatchOperations: []apigateway.PatchOperation{replace("/cloudwatchRoleArn", logRole)}})
			c.patchStage(api, logged("/access")...)
			c.redeploy(api) // the stage keeps its log
			for range 12 {
				c.send(api, "GET", "/fast", "")
			}
			c.invoke = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
				change(c, api)
				c.deny(logRole, true)
				if len(c.lines) != 12 {
					t.Errorf("%d of 12 entries were written before the role went", len(c.lines))
				}
				return &lambda.InvokeOutput{StatusCode: 200, Payload: []byte(`{"statusCode":200}`)}, nil
			}
			if got := c.send(api, "GET", "/slow", ""); got.status != 200 {
				t.Errorf("a request under way: %+v", got)
			}
			c.service.Close(t.Context())
			switch wasRole := strings.Contains(name, "role"); {
			case wasRole && (len(c.lines) != 13 || len(told) > 0):
				t.Errorf("the other role writes what comes: %d lines, %q", len(c.lines), told)
			case !wasRole && (len(c.lines) != 12 || len(told) != 1 || !strings.HasPrefix(told[0], "API Gateway drops access log entries for /access: ")):
				t.Errorf("%d lines, told %q", len(c.lines), told)
			}
		})
	}
}

func TestResourcePolicy(t *testing.T) {
	c := newCloud(t)
	policy := func(effect string) string {
		return `"x-amazon-apigateway-policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"},
			{"Effect":"` + effect + `","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/prod/GET/closed"}]}`
	}
	paths := `"/open":{"get":` + mock("200", "ok") + `},"/closed":{"get":` + mock("200", "ok") + `}`
	api := c.deploy(document(paths, policy("Deny")))
	if got := c.send(api, "GET", "/open", ""); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := c.send(api, "GET", "/closed", ""); got.status != 403 || !strings.HasPrefix(got.body, `{"Message":"User: anonymous is not authorized`) || got.header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
		t.Errorf("%+v", got)
	}
}

func TestErrorsOfServicesGoThroughTheSelectionPatterns(t *testing.T) {
	c := newCloud(t)
	api := c.deploy(document(`"/":{"post":` + starts("") + `}`))
	for status, want := range map[int]int{400: 400, 500: 502} {
		c.start = func(context.Context, *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error) {
			return nil, &dispatch.Error{Code: "StateMachineDoesNotExist", Status: status}
		}
		if got := c.send(api, "POST", "/", "{}"); got.status != want {
			t.Errorf("%d: %+v", status, got)
		}
	}
}
