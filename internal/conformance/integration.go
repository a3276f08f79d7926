package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func init() { register("integration", runIntegration) }

// integrationRow is one recording of API Gateway: an API with one method, a request, and what came of it.
type integrationRow struct {
	ID       string
	Category string
	API      struct {
		BinaryMediaTypes []string
	}
	Integration          *rowIntegration
	IntegrationResponses []rowResponse
	Backend              rowBackend
	Request              rowRequest
	StageVariables       map[string]string
	Models               map[string]json.RawMessage
	Method               *rowMethod
	RequestParameters    map[string]string // of rows that are about mappings alone
	ResponseParameters   map[string]string
	RenderedRequest      *string
	SelectionValue       *string
	URI                  string
	PathParameters       map[string]string
	Error                string
	Expected             rowExpected
}

type rowIntegration struct {
	Type, HTTPMethod, URI, PassthroughBehavior, ContentHandling string
	RequestParameters                                           map[string]string
	RequestTemplates                                            map[string]*string
}

type rowResponse struct {
	StatusCode         string
	SelectionPattern   *string
	ResponseParameters map[string]string
	ResponseTemplates  map[string]*string
	ContentHandling    string
}

type rowBackend struct {
	Status        int
	Headers       map[string]values
	Body          rowBody
	Echo          string
	LambdaReturns json.RawMessage
}

type rowRequest struct {
	Method, Path, ResourcePath string
	Headers                    map[string]values
	Query                      map[string]values
	PathParameters             map[string]string
	Body                       rowBody
}

type rowMethod struct {
	RequestParameters map[string]bool
	RequestModels     map[string]string
	ResourcePath      string
	Validator         struct{ ValidateRequestBody, ValidateRequestParameters bool }
}

type rowExpected struct {
	Status                  any // a number, or text in rows about the configuration
	Headers                 map[string]any
	Header                  map[string]string // of mappings: what the backend, or the client, got
	Path, QueryString       any
	JSON                    json.RawMessage
	JSONKeys                []string
	Body                    *string
	Text                    *string
	BytesBase64             *string `json:"bytes_base64"`
	Content                 json.RawMessage
	Error                   json.RawMessage
	OK                      bool
	Message                 string
	Selected                string
	URI                     string
	IntegrationRequestBody  *string
	IntegrationRequest      *rowBackendRequest
	IntegrationHeaders      map[string]string `json:"integrationRequestHeaders"`
	RenderedRequestTemplate json.RawMessage
	ResponseHeaders         map[string]string
}

type rowBackendRequest struct {
	URI, Method, Path string
	Headers           map[string]values
	Args, Query       map[string]values
	Data              json.RawMessage
	Body              *string
}

// values are one text or several.
type values []string

func (v *values) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*v = values{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(v))
}

// rowBody is a text, {"text": ...} or {"bytes_base64": ...}.
type rowBody []byte

func (b *rowBody) UnmarshalJSON(text []byte) error {
	var plain string
	if json.Unmarshal(text, &plain) == nil {
		*b = rowBody(plain)
		return nil
	}
	var typed struct {
		Text  string
		Bytes []byte `json:"bytes_base64"`
	}
	if err := json.Unmarshal(text, &typed); err != nil {
		return err
	}
	*b = append(rowBody(typed.Text), typed.Bytes...)
	return nil
}

// runIntegration runs one row against the embedded API Gateway.
func runIntegration(text json.RawMessage) Outcome {
	var row integrationRow
	var expected struct{ Expected json.RawMessage }
	if err := json.Unmarshal(text, &expected); err != nil {
		return failed("a row", err.Error())
	}
	switch category(text) {
	case "control-plane", "control-plane-error", "gateway-response-config":
		return runControl(text)
	}
	if err := json.Unmarshal(text, &row); err != nil {
		return failed("a row of the suite's shape", err.Error())
	}
	if reason := row.notApplicable(); reason != "" {
		return skipped(reason)
	}
	rig, err := newRig(&row)
	if err != nil {
		return failed(expected.Expected, "setting up: "+err.Error())
	}
	defer rig.close()
	rig.send(&row)
	if problem := rig.compare(&row); problem != "" {
		return failed(expected.Expected, fmt.Sprintf("%s; client got %d %v %q, backend got %s", problem, rig.status, rig.header, rig.body, rig.seen()))
	}
	return passed()
}

func category(text json.RawMessage) string {
	var row struct{ Category string }
	_ = json.Unmarshal(text, &row) // An empty category is nothing that is run.
	return row.Category
}

// notApplicable says why a row cannot be run.
func (row *integrationRow) notApplicable() string {
	switch {
	case row.Category == "mock" && row.Integration == nil:
		return "a remark without a case"
	case row.Error != "":
		return "the failure comes from authorizers, which are not emulated"
	case strings.HasPrefix(row.URI, "arn:"):
		return "a URI that leads to no backend"
	}
	for _, from := range row.RequestParameters {
		if from == "context.identity.apiKey" {
			return "API keys are not emulated"
		}
	}
	return ""
}

// compare says how what happened differs from what was recorded.
func (rig *integrationRig) compare(row *integrationRow) string {
	e := &row.Expected
	switch status := e.Status.(type) {
	case float64:
		if int(status) != rig.status {
			return "status"
		}
	case string:
		if status != strconv.Itoa(rig.status) {
			return "status"
		}
	}
	if len(e.Error) > 0 {
		return rig.compareError(e.Error)
	}
	if e.OK && rig.status != http.StatusOK {
		return "the request should have been let through"
	}
	if e.Selected != "" && e.Selected != strconv.Itoa(rig.status) {
		return "the selected integration response"
	}
	if e.Message != "" && e.Message != rig.message() {
		return "message"
	}
	if problem := rig.compareBodies(row); problem != "" {
		return problem
	}
	for name, want := range e.Headers {
		if text, ok := want.(string); ok && !rig.sameHeader(rig.header, name, text) {
			return "response header " + name
		}
	}
	for name, want := range e.ResponseHeaders {
		if !rig.sameHeader(rig.header, name, want) {
			return "response header " + name
		}
	}
	for name, want := range e.IntegrationHeaders {
		if !rig.sameHeader(rig.backend.Header, name, want) {
			return "integration request header " + name
		}
	}
	if e.IntegrationHeaders != nil && row.Integration.Type != "AWS" {
		for name := range rig.backend.Header {
			if _, known := lookupFold(e.IntegrationHeaders, name); !known {
				return "integration request header that should not be there: " + name
			}
		}
	}
	if e.IntegrationRequest != nil {
		if problem := rig.compareBackend(e.IntegrationRequest); problem != "" {
			return problem
		}
	}
	if e.URI != "" && !rig.sameURI(e.URI) {
		return "uri"
	}
	return rig.compareMappings(row)
}

func (rig *integrationRig) compareError(want json.RawMessage) string {
	var full struct {
		Status  int
		Message string
	}
	if json.Unmarshal(want, &full.Status) != nil {
		if err := json.Unmarshal(want, &full); err != nil {
			return "a row whose error has no shape: " + err.Error()
		}
	}
	if full.Status != rig.status {
		return "status of the error"
	}
	if full.Message != "" && full.Message != rig.message() {
		return "message"
	}
	return ""
}

func (rig *integrationRig) compareBodies(row *integrationRow) string {
	e := &row.Expected
	got := rig.body
	if row.Category == "content-handling-request" {
		got = rig.backendBody
	}
	switch {
	case e.Body != nil && *e.Body != string(rig.body):
		return "body"
	case e.Text != nil && *e.Text != string(got):
		return "text"
	case e.IntegrationRequestBody != nil && *e.IntegrationRequestBody != string(rig.backendBody):
		return "integration request body"
	}
	if e.BytesBase64 != nil {
		want, err := base64.StdEncoding.DecodeString(*e.BytesBase64)
		if err != nil || !bytes.Equal(want, got) {
			return "bytes"
		}
	}
	if len(e.JSON) > 0 && !sameJSON(e.JSON, rig.body) {
		return "json"
	}
	if len(e.JSONKeys) > 0 {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(rig.body, &members); err != nil || len(members) != len(e.JSONKeys) {
			return "json keys"
		}
		for _, name := range e.JSONKeys {
			if members[name] == nil {
				return "json key " + name
			}
		}
	}
	if len(e.Content) > 0 {
		var text string
		if json.Unmarshal(e.Content, &text) == nil && text != string(rig.body) || text == "" && len(e.Content) > 2 && !sameJSON(e.Content, rig.body) {
			return "content"
		}
	}
	if rendered := string(e.RenderedRequestTemplate); strings.HasPrefix(rendered, "{") && !rig.sameRendered(e.RenderedRequestTemplate) {
		return "rendered request template"
	}
	return ""
}

// sameRendered compares an object whose values may be masked.
func (rig *integrationRig) sameRendered(want json.RawMessage) bool {
	var a, b map[string]string
	if json.Unmarshal(want, &a) != nil {
		return true // the row has no template
	}
	if json.Unmarshal(rig.backendBody, &b) != nil {
		return false
	}
	for name, value := range a {
		if masked(value) {
			continue
		}
		if b[name] != value {
			return false
		}
	}
	return true
}

// masked says that a recording keeps only the kind of a value.
func masked(value string) bool { return strings.HasPrefix(value, "<") && strings.HasSuffix(value, ">") }

// hopByHop depend on the connection or on the length of what the backend made up; Go's server adds Cache-Control to a
// request with Pragma.
var hopByHop = []string{"Connection", "Content-Length", "Date", "Via", "X-Cache", "Cache-Control", "X-Amz-Cf-Id", "X-Amz-Cf-Pop", "Accept-Encoding", "Access-Control-Allow-Credentials",
	"Access-Control-Allow-Origin", "X-Amzn-Remapped-Content-Length", "X-Amzn-Remapped-Connection", "X-Amzn-Remapped-Server", "X-Amzn-Remapped-X-Amzn-Requestid",
	"X-Amzn-Tls-Cipher-Suite", "X-Amzn-Tls-Version", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto", "Trailer"}

func (rig *integrationRig) sameHeader(h http.Header, name, want string) bool {
	if slices.Contains(hopByHop, http.CanonicalHeaderKey(name)) {
		return true
	}
	got := ""
	for other, list := range h {
		if strings.EqualFold(other, name) {
			got = strings.Join(list, ", ")
		}
	}
	want = strings.ReplaceAll(strings.ReplaceAll(want, "<apigw-id:1>", rig.api), "<rest_api_id:1>", rig.api)
	if masked(want) {
		return got != ""
	}
	return got == want
}

func lookupFold(m map[string]string, name string) (string, bool) {
	for other, value := range m {
		if strings.EqualFold(other, name) {
			return value, true
		}
	}
	return "", slices.Contains(hopByHop, http.CanonicalHeaderKey(name))
}

func (rig *integrationRig) compareBackend(want *rowBackendRequest) string {
	got := rig.backend
	if got == nil {
		return "the backend was not called"
	}
	if want.Method != "" && want.Method != got.Method {
		return "backend method"
	}
	if want.Path != "" && want.Path != got.URL.Path {
		return "backend path"
	}
	if want.URI != "" && !rig.sameURI(want.URI) {
		return "backend uri"
	}
	for name, list := range want.Headers {
		text := strings.Join(list, ",")
		if text == "<resource id>" {
			text = rig.resource
		}
		if !rig.sameHeader(got.Header, name, text) {
			return "backend header " + name
		}
	}
	for _, query := range []map[string]values{want.Args, want.Query} {
		for name, list := range query {
			if !slices.Equal(list, got.URL.Query()[name]) && strings.Join(list, ",") != strings.Join(got.URL.Query()[name], ",") {
				return "backend query " + name
			}
		}
	}
	if len(want.Data) > 0 && !sameJSON(want.Data, rig.backendBody) {
		return "backend body"
	}
	if want.Body != nil && *want.Body != string(rig.backendBody) {
		return "backend body"
	}
	return ""
}

// compareMappings checks rows that are about parameter mappings alone.
func (rig *integrationRig) compareMappings(row *integrationRow) string {
	e := &row.Expected
	switch {
	case row.RequestParameters != nil:
		for target := range row.RequestParameters {
			place, name, _ := strings.Cut(strings.TrimPrefix(target, "integration.request."), ".")
			want, got := "", ""
			switch place {
			case "header":
				want, got = e.Header[name], rig.backendHeader(name)
			case "querystring":
				want, got = textOf(e.QueryString, name), rig.backend.URL.Query().Get(name)
			case "path":
				want, got = textOf(e.Path, name), rig.backendPath[name]
			}
			switch from := row.RequestParameters[target]; {
			case from == "context.apiId":
				want = rig.api
			case strings.HasPrefix(from, "stageVariables."):
				want = variableValue(want)
			}
			if want != got {
				return fmt.Sprintf("%s: want %q, got %q", target, want, got)
			}
		}
	case row.ResponseParameters != nil:
		for target := range row.ResponseParameters {
			name := strings.TrimPrefix(target, "method.response.header.")
			if got := strings.Join(rig.header[name], ","); got != e.Header[name] {
				return fmt.Sprintf("%s: want %q, got %q", target, e.Header[name], got)
			}
		}
	}
	return ""
}

func textOf(m any, name string) string {
	members, _ := m.(map[string]any)
	text, _ := members[name].(string)
	return text
}
