package apigateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	account = "000000000000"
	role    = "arn:aws:iam::" + account + ":role/gateway"
	logRole = "arn:aws:iam::" + account + ":role/gateway-logs"
	machine = "arn:aws:states:us-east-1:" + account + ":stateMachine:m"
)

// cloud is API Gateway with stand-ins for the services that it calls.
type cloud struct {
	t       testing.TB
	d       *dispatch.Dispatcher
	clock   *clock.Driven
	service *apigateway.Service
	server  *httptest.Server

	mu      sync.Mutex
	denied  map[string]bool // actions and roles
	start   func(ctx context.Context, in *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error)
	invoke  func(in *lambda.InvokeInput) (*lambda.InvokeOutput, error)
	streams []string
	lines   []string
	callers []dispatch.Principal // of StartExecution and Invoke
	sources []string             // with which roles were assumed
}

func (c *cloud) deny(what string, denied bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied[what] = denied
}

func (c *cloud) Authorize(_ context.Context, call *dispatch.Call, permission string, _ []string, _ []dispatch.ResourcePolicy) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied[permission] {
		return dispatch.Errorf("AccessDeniedException", "%s is not authorized to perform: %s", call.Principal.ARN, permission)
	}
	return nil
}

func (c *cloud) Assume(_ context.Context, by dispatch.Principal, roleARN, session string) (dispatch.Principal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied[roleARN] {
		return dispatch.Principal{}, &dispatch.Error{Code: "AccessDenied", Status: 403}
	}
	c.sources = append(c.sources, by.SourceARN)
	return dispatch.Principal{ARN: roleARN + "/" + session, RoleARN: roleARN}, nil
}

func newCloud(t testing.TB) *cloud { return newCloudOn(t, store.Memory()) }

func newCloudOn(t testing.TB, s *store.Store) *cloud {
	t.Helper()
	c := &cloud{t: t, clock: clock.NewDriven(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)), denied: map[string]bool{}}
	c.d = dispatch.New(c.clock, account, "us-east-1")
	c.d.SetAuthorizer(c)
	var err error
	if c.service, err = apigateway.New(c.d, s); err != nil {
		t.Fatal(err)
	}
	if _, err := acm.New(c.d, s); err != nil {
		t.Fatal(err)
	}
	if _, err := route53.New(c.d, s); err != nil {
		t.Fatal(err)
	}
	if _, err := s3.New(c.d, s); err != nil {
		t.Fatal(err)
	}
	c.start = func(context.Context, *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error) {
		return &stepfunctions.StartExecutionOutput{ExecutionArn: machine + ":e", StartDate: dispatch.Time{Time: c.clock.Now()}}, nil
	}
	dispatch.Register(c.d, dispatch.Operation{Service: "states", Action: "StartExecution"}, dispatch.Anywhere[stepfunctions.StartExecutionInput](),
		func(ctx context.Context, call *dispatch.Call, in *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error) {
			c.mu.Lock()
			c.callers = append(c.callers[:0], call.Principal)
			c.mu.Unlock()
			return c.start(ctx, in)
		})
	dispatch.Register(c.d, dispatch.Operation{Service: "lambda", Action: "Invoke"}, dispatch.Anywhere[lambda.InvokeInput](),
		func(_ context.Context, call *dispatch.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			c.mu.Lock()
			c.callers = append(c.callers, call.Principal)
			c.mu.Unlock()
			return c.invoke(in)
		})
	dispatch.Register(c.d, dispatch.Operation{Service: "logs", Action: "CreateLogStream"}, dispatch.Anywhere[logs.StreamInput](),
		func(_ context.Context, _ *dispatch.Call, in *logs.StreamInput) (*struct{}, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.streams = append(c.streams, in.LogGroupName)
			return &struct{}{}, nil
		})
	dispatch.Register(c.d, dispatch.Operation{Service: "logs", Action: "PutLogEvents"}, dispatch.Anywhere[logs.PutLogEventsInput](),
		func(_ context.Context, call *dispatch.Call, in *logs.PutLogEventsInput) (*logs.PutLogEventsOutput, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, e := range in.LogEvents {
				c.lines = append(c.lines, e.Message)
			}
			return &logs.PutLogEventsOutput{}, nil
		})
	c.server = httptest.NewServer(c.service.Handler())
	t.Cleanup(c.server.Close)
	c.service.SetEndpoint(c.server.URL)
	return c
}

// call makes a call of the control plane as root.
func call[Out any](c *cloud, action string, in any) *Out {
	c.t.Helper()
	out, err := dispatch.Do[Out](context.Background(), c.d, c.d.Root(), "apigateway", action, in)
	if err != nil {
		c.t.Fatalf("%s: %v", action, err)
	}
	return out
}

func (c *cloud) fails(action string, in any) *dispatch.Error {
	c.t.Helper()
	_, err := c.d.Do(context.Background(), c.d.Root(), "apigateway", action, in)
	if err == nil {
		c.t.Fatalf("%s %v succeeded", action, in)
	}
	return dispatch.AsError(err)
}

// deploy imports a document and deploys it to the stage "prod".
func (c *cloud) deploy(document string) string {
	c.t.Helper()
	api := call[apigateway.RestApi](c, "ImportRestApi", &apigateway.ImportRestApiInput{Body: []byte(document)})
	c.redeploy(api.ID)
	return api.ID
}

func (c *cloud) redeploy(api string) {
	c.t.Helper()
	call[apigateway.Deployment](c, "CreateDeployment", &apigateway.CreateDeploymentInput{RestApiID: api, StageName: "prod"})
}

func (c *cloud) patchStage(api string, operations ...apigateway.PatchOperation) {
	c.t.Helper()
	call[apigateway.Stage](c, "UpdateStage", &apigateway.UpdateStageInput{RestApiID: api, StageName: "prod", PatchOperations: operations})
}

func replace(path, value string) apigateway.PatchOperation {
	return apigateway.PatchOperation{Op: "replace", Path: path, Value: value}
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request to the stage "prod". Headers are "Name: value".
func (c *cloud) send(api, method, path, body string, headers ...string) reply {
	c.t.Helper()
	r, err := http.NewRequest(method, c.service.InvokeURL(api, "prod")+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return c.do(r)
}

func (c *cloud) do(r *http.Request) reply {
	c.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(text)}
}

// document writes an OpenAPI document with these paths and top-level members.
func document(paths string, more ...string) string {
	text := `{"openapi":"3.0.1","info":{"title":"test","version":"1"},"paths":{` + paths + `}`
	for _, m := range more {
		text += "," + m
	}
	return text + "}"
}

// mock is an operation that answers a status and a body. The body is a VTL template.
func mock(status, body string) string {
	request, _ := json.Marshal(`{"statusCode":` + status + `}`)
	response, _ := json.Marshal(body)
	return `{"responses":{"` + status + `":{"description":""}},"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":` +
		string(request) + `},"responses":{"default":{"statusCode":"` + status + `","responseTemplates":{"application/json":` + string(response) + `}}}}}`
}

// starts is an operation that starts an execution with the body as its input.
func starts(more string) string {
	template, _ := json.Marshal(`{"stateMachineArn":"` + machine + `","input":"$util.escapeJavaScript($input.json('$')).replaceAll("\\'","'")"}`)
	return `{"responses":{"202":{"description":""},"400":{"description":""},"502":{"description":""}},"x-amazon-apigateway-integration":{"type":"aws","httpMethod":"POST",
		"uri":"arn:aws:apigateway:us-east-1:states:action/StartExecution","credentials":"` + role + `","passthroughBehavior":"never","timeoutInMillis":2000,
		"requestTemplates":{"application/json":` + string(template) + `},
		"responses":{"2\\d{2}":{"statusCode":"202","responseTemplates":{"application/json":"{\"status\":\"accepted\"}"}},
			"4\\d{2}":{"statusCode":"400","responseTemplates":{"application/json":"{\"type\":\"$input.path('$.__type')\"}"}},"5\\d{2}":{"statusCode":"502"}}}` + more + `}`
}
