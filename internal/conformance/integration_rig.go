package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

// integrationRig is an embedded API Gateway with one deployed method and a backend that notes what it is asked.
type integrationRig struct {
	d             *dispatch.Dispatcher
	service       *apigateway.Service
	server        *httptest.Server
	api, resource string
	path          string // of the resource
	row           *integrationRow

	backend     *http.Request // what the HTTP backend got, or what stands for it
	backendBody []byte
	backendPath map[string]string

	status int // what the client got
	header http.Header
	body   []byte
}

// everyone lets everybody do everything: the recordings are not about permissions.
type everyone struct{}

func (everyone) Authorize(context.Context, *dispatch.Call, string, []string, []dispatch.ResourcePolicy) error {
	return nil
}

func (everyone) Assume(_ context.Context, _ dispatch.Principal, roleARN, session string) (dispatch.Principal, error) {
	return dispatch.Principal{ARN: roleARN + "/" + session, RoleARN: roleARN}, nil
}

const recordedAccount = "111111111111"

func newCloud() (*dispatch.Dispatcher, *apigateway.Service, error) {
	d := dispatch.New(clock.Real{}, recordedAccount, "us-east-1")
	d.SetAuthorizer(everyone{})
	service, err := apigateway.New(d, store.Memory())
	return d, service, err
}

func newRig(row *integrationRow) (*integrationRig, error) {
	d, service, err := newCloud()
	if err != nil {
		return nil, err
	}
	rig := &integrationRig{d: d, service: service, row: row}
	dispatch.Register(d, dispatch.Operation{Service: "lambda", Action: "Invoke"}, dispatch.Anywhere[lambda.InvokeInput](), rig.invoke)
	dispatch.Register(d, dispatch.Operation{Service: "states", Action: "StartExecution"}, dispatch.Anywhere[stepfunctions.StartExecutionInput](),
		func(context.Context, *dispatch.Call, *stepfunctions.StartExecutionInput) (*stepfunctions.StartExecutionOutput, error) {
			return &stepfunctions.StartExecutionOutput{ExecutionArn: "arn:aws:states:us-east-1:" + recordedAccount + ":execution:m:e", StartDate: dispatch.Time{Time: d.Clock.Now()}}, nil
		})
	rig.server = httptest.NewServer(http.HandlerFunc(rig.answer))
	if err := rig.deploy(row); err != nil {
		rig.close()
		return nil, err
	}
	return rig, nil
}

func (rig *integrationRig) close() { rig.server.Close() }

// invoke is the function behind Lambda integrations.
func (rig *integrationRig) invoke(_ context.Context, _ *dispatch.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	rig.backendBody = in.Payload
	rig.backend = &http.Request{Header: http.Header{}, URL: &url.URL{}}
	var event struct {
		MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	}
	if json.Unmarshal(in.Payload, &event) == nil {
		rig.backend.Header = event.MultiValueHeaders
	}
	out := &lambda.InvokeOutput{StatusCode: 200, Payload: rig.row.Backend.LambdaReturns}
	if value := rig.row.SelectionValue; value != nil && *value != "" {
		out.FunctionError = "Unhandled"
		out.Payload, _ = json.Marshal(map[string]string{"errorMessage": *value, "errorType": "Error"})
	}
	if out.Payload == nil && rig.row.Integration != nil && rig.row.Integration.Type == "AWS_PROXY" {
		out.Payload = []byte(`{"statusCode":200,"body":"{}"}`)
		if rig.row.Category == "lambda-proxy-response" {
			out.Payload = []byte("null")
		}
	}
	return out, nil
}

// answer is the HTTP backend.
func (rig *integrationRig) answer(w http.ResponseWriter, r *http.Request) {
	rig.backend = r
	rig.backendBody, _ = io.ReadAll(r.Body) // a body that breaks off is seen as far as it came
	r.Header["Host"] = []string{r.Host}
	backend := rig.row.Backend
	for name, list := range backend.Headers {
		w.Header()[name] = list
	}
	body := []byte(backend.Body)
	if backend.Echo != "" {
		body = rig.backendBody
	}
	status := backend.Status
	if value := rig.row.SelectionValue; value != nil {
		if n, err := strconv.Atoi(*value); err == nil {
			status = n
		}
	}
	if status == 0 {
		status = http.StatusOK
	}
	if strings.HasPrefix(rig.row.ID, "http.lambda_url") {
		w.Header()["X-Amzn-Trace-Id"] = []string{"Root=1-0-0"} // as function URLs do
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header()["Content-Type"] = []string{"application/json"}
	}
	w.WriteHeader(status)
	w.Write(body) // the gateway reads it, or the row fails
}

func do[Out any](rig *integrationRig, action string, in any) (*Out, error) {
	return dispatch.Do[Out](context.Background(), rig.d, rig.d.Root(), "apigateway", action, in)
}

// deploy makes the row's API.
func (rig *integrationRig) deploy(row *integrationRow) error {
	api, err := do[apigateway.RestApi](rig, "CreateRestApi", map[string]any{"name": "recorded", "binaryMediaTypes": row.API.BinaryMediaTypes,
		"endpointConfiguration": map[string]any{"types": []string{"REGIONAL"}}})
	if err != nil {
		return err
	}
	rig.api, rig.resource, rig.path = api.ID, api.RootResourceID, row.resourcePath()
	for part := range strings.SplitSeq(strings.Trim(rig.path, "/"), "/") {
		if part == "" {
			continue
		}
		r, err := do[apigateway.Resource](rig, "CreateResource", map[string]any{"restApiId": rig.api, "parentId": rig.resource, "pathPart": part})
		if err != nil {
			return err
		}
		rig.resource = r.ID
	}
	at := func(members map[string]any) map[string]any {
		members["restApiId"], members["resourceId"], members["httpMethod"] = rig.api, rig.resource, "ANY"
		return members
	}
	method, err := rig.method(row)
	if err != nil {
		return err
	}
	if _, err := do[apigateway.Method](rig, "PutMethod", at(method)); err != nil {
		return err
	}
	integration, responses := rig.integration(row)
	for _, r := range responses {
		declared := map[string]bool{}
		for target := range r.ResponseParameters {
			declared[target] = false
		}
		if _, err := do[apigateway.MethodResponse](rig, "PutMethodResponse", at(map[string]any{"statusCode": r.StatusCode, "responseParameters": declared})); err != nil {
			return err
		}
	}
	integration["restApiId"], integration["resourceId"], integration["resourceHttpMethod"] = rig.api, rig.resource, "ANY"
	if _, err := do[apigateway.Integration](rig, "PutIntegration", integration); err != nil {
		return err
	}
	for _, r := range responses {
		members := map[string]any{"statusCode": r.StatusCode, "responseParameters": r.ResponseParameters, "responseTemplates": r.ResponseTemplates, "contentHandling": r.ContentHandling}
		if r.SelectionPattern != nil {
			members["selectionPattern"] = *r.SelectionPattern
		}
		if _, err := do[apigateway.IntegrationResponse](rig, "PutIntegrationResponse", at(members)); err != nil {
			return err
		}
	}
	variables := map[string]string{}
	for name, value := range row.StageVariables {
		variables[name] = strings.ReplaceAll(strings.ReplaceAll(value, "<host>", rig.host()), "example.com", rig.host())
		variables[name] = variableValue(variables[name])
	}
	_, err = do[apigateway.Deployment](rig, "CreateDeployment", map[string]any{"restApiId": rig.api, "stageName": "test", "variables": variables})
	return err
}

// variableValue is a recorded value of a stage variable as stages take it: AWS takes no spaces in them.
func variableValue(value string) string { return strings.ReplaceAll(value, " ", "_") }

func (rig *integrationRig) host() string { return strings.TrimPrefix(rig.server.URL, "http://") }

// resourcePath is where the row's method stands.
func (row *integrationRow) resourcePath() string {
	switch {
	case row.Request.ResourcePath != "":
		return row.Request.ResourcePath
	case row.Method != nil && row.Method.ResourcePath != "":
		return row.Method.ResourcePath
	}
	path := ""
	for _, name := range sortedKeys(row.pathParameters()) {
		path += "/{" + name + "}"
	}
	if path == "" && row.Request.Path != "" {
		return row.Request.Path
	}
	return path
}

func (row *integrationRow) pathParameters() map[string]string {
	if row.PathParameters != nil {
		return row.PathParameters
	}
	return row.Request.PathParameters
}

func sortedKeys[T any](m map[string]T) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// method declares every parameter that the row's mappings name.
func (rig *integrationRig) method(row *integrationRow) (map[string]any, error) {
	parameters := map[string]bool{}
	mappings := row.RequestParameters
	if row.Integration != nil && mappings == nil {
		mappings = row.Integration.RequestParameters
	}
	for _, from := range mappings {
		for long, short := range map[string]string{"method.request.multivalueheader.": "method.request.header.", "method.request.multivaluequerystring.": "method.request.querystring."} {
			if rest, ok := strings.CutPrefix(from, long); ok {
				from = short + rest
			}
		}
		if strings.HasPrefix(from, "method.request.") && !strings.HasPrefix(from, "method.request.body") {
			parameters[from] = false
		}
	}
	method := map[string]any{"authorizationType": "NONE", "requestParameters": parameters}
	for name := range row.pathParameters() {
		parameters["method.request.path."+name] = true
	}
	if row.Method == nil {
		return method, nil
	}
	for name, required := range row.Method.RequestParameters {
		parameters[name] = required
	}
	models := map[string]string{}
	for mediaType, name := range row.Method.RequestModels {
		models[mediaType] = modelName(name)
	}
	method["requestModels"] = models
	if err := rig.models(row.Models); err != nil {
		return nil, err
	}
	validator, err := do[apigateway.RequestValidator](rig, "CreateRequestValidator", map[string]any{"restApiId": rig.api, "name": "v",
		"validateRequestBody": row.Method.Validator.ValidateRequestBody, "validateRequestParameters": row.Method.Validator.ValidateRequestParameters})
	if err != nil {
		return nil, err
	}
	method["requestValidatorId"] = validator.ID
	return method, nil
}

// integration makes the row's integration and its responses from what the row says and from what it leaves out.
func (rig *integrationRig) integration(row *integrationRow) (map[string]any, []rowResponse) {
	i := row.Integration
	if i == nil {
		i = &rowIntegration{}
		switch {
		case row.RenderedRequest != nil:
			i.Type, i.RequestTemplates = "MOCK", map[string]*string{"application/json": row.RenderedRequest}
		case row.Method != nil, row.Category == "gateway-response":
			mock := `{"statusCode": 200}`
			i.Type, i.RequestTemplates = "MOCK", map[string]*string{"application/json": &mock}
			if row.Method != nil {
				i.PassthroughBehavior = "WHEN_NO_TEMPLATES"
			}
		case strings.HasPrefix(row.ID, "select.lambda"):
			i.Type = "AWS"
		}
	}
	kind := i.Type
	if kind == "" {
		kind = "HTTP"
	}
	uri := i.URI
	if row.URI != "" {
		uri = row.URI
	}
	members := map[string]any{"type": kind, "httpMethod": i.HTTPMethod, "passthroughBehavior": i.PassthroughBehavior, "contentHandling": i.ContentHandling,
		"requestTemplates": i.RequestTemplates, "requestParameters": i.RequestParameters}
	if i.HTTPMethod == "" && kind != "MOCK" {
		members["httpMethod"] = "POST"
		if row.Request.Method != "" && row.Request.Method != "ANY resource" {
			members["httpMethod"] = row.Request.Method
		}
	}
	mappings := map[string]string{}
	for target, from := range i.RequestParameters {
		mappings[target] = from
	}
	for target, from := range row.RequestParameters {
		mappings[target] = from
	}
	for name := range row.PathParameters {
		mappings["integration.request.path."+name] = "method.request.path." + name
	}
	members["requestParameters"] = mappings
	switch kind {
	case "HTTP", "HTTP_PROXY":
		members["uri"] = rig.httpURI(uri, mappings)
	case "AWS":
		if uri == "" {
			uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:" + recordedAccount + ":function:f/invocations"
		}
		members["uri"] = strings.ReplaceAll(uri, "{region}", "us-east-1")
	case "AWS_PROXY":
		members["uri"] = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:" + recordedAccount + ":function:f/invocations"
	}
	if row.ID == "uri.invalid_endpoint.log" {
		members["uri"] = "http://${stageVariables.missing}"
	}
	responses := row.IntegrationResponses
	if row.ResponseParameters != nil {
		responses = []rowResponse{{StatusCode: "200", ResponseParameters: row.ResponseParameters}}
	}
	if responses == nil {
		responses = []rowResponse{{StatusCode: "200"}}
		if strings.HasPrefix(row.ID, "validator.oneof") {
			ok := `{"data": "ok"}`
			responses[0].ResponseTemplates = map[string]*string{"application/json": &ok}
		}
	}
	return members, responses
}

// httpURI leads a recorded URI to the backend, with the mapped path parameters where it can be read what they are.
func (rig *integrationRig) httpURI(uri string, mappings map[string]string) string {
	if uri == "" {
		uri = "https://example.com"
		for _, target := range sortedKeys(mappings) {
			if name, ok := strings.CutPrefix(target, "integration.request.path."); ok {
				uri += "/" + name + "={" + name + "}"
			}
		}
	}
	uri = strings.Replace(uri, "https://", "http://", 1)
	for _, host := range []string{"${stageVariables.stageVar}.example.com", "test.domain.example", "example.com"} {
		if rest, ok := strings.CutPrefix(uri, "http://"+host); ok {
			return "http://" + rig.host() + rest
		}
	}
	return uri
}

// sameURI compares where the backend was called, but for its host.
func (rig *integrationRig) sameURI(want string) bool {
	if rig.backend == nil {
		return false
	}
	_, want, _ = strings.Cut(want, "://")
	_, path, _ := strings.Cut(want, "/")
	got := strings.TrimPrefix(rig.backend.RequestURI, "/")
	if !strings.Contains(want, "?") {
		got, _, _ = strings.Cut(got, "?")
	}
	plain, err := url.PathUnescape(got)
	return got == path || err == nil && plain == path
}

// send makes the row's request and notes what comes back.
func (rig *integrationRig) send(row *integrationRow) {
	path := row.Request.Path
	if path == "" {
		path = rig.path
		for name, value := range row.pathParameters() {
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
		}
		path = strings.NewReplacer("{", "", "}", "").Replace(path)
	}
	if row.ID == "routing.not-found" {
		path = "/nothing/here"
	}
	method := row.Request.Method
	if method == "" || method == "ANY resource" {
		method = http.MethodPost
		if row.Request.Body == nil && row.Integration != nil {
			method = http.MethodGet
		}
	}
	query := url.Values{}
	for name, list := range row.Request.Query {
		query[name] = list
	}
	r := httptest.NewRequestWithContext(context.Background(), method, "/test/"+strings.TrimPrefix(path, "/")+"?"+query.Encode(), bytes.NewReader(row.Request.Body))
	r.Host = rig.api + ".execute-api.us-east-1.amazonaws.com"
	for name, list := range row.Request.Headers {
		r.Header[name] = list
	}
	for _, from := range row.RequestParameters {
		if from == "context.identity.userAgent" {
			r.Header["User-Agent"] = []string{"test/user-agent"}
		}
	}
	w := httptest.NewRecorder()
	rig.service.Handler().ServeHTTP(w, r)
	rig.status, rig.header, rig.body = w.Code, w.Header(), w.Body.Bytes()
	rig.backendPath = map[string]string{}
	if rig.backend != nil && rig.backend.URL != nil {
		for part := range strings.SplitSeq(rig.backend.URL.Path, "/") {
			if name, value, ok := strings.Cut(part, "="); ok && !strings.HasPrefix(value, "{") {
				rig.backendPath[name] = value
			}
		}
	}
}

func (rig *integrationRig) message() string {
	var body struct{ Message string }
	_ = json.Unmarshal(rig.body, &body) // what is not JSON has no message
	return body.Message
}

func (rig *integrationRig) backendHeader(name string) string {
	if rig.backend == nil {
		return ""
	}
	return rig.backend.Header.Get(name)
}

// seen describes what the backend got.
func (rig *integrationRig) seen() string {
	if rig.backend == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s %s %v %q", rig.backend.Method, rig.backend.RequestURI, rig.backend.Header, rig.backendBody)
}
