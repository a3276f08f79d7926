package wire_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/wire"
)

// keys knows one temporary key.
type keys struct{ root dispatch.Principal }

func (k keys) Principal(id string) (dispatch.Principal, error) {
	switch id {
	case "test":
		return k.root, nil
	case "ASIAAPP":
		return dispatch.Principal{ARN: "arn:app", RoleARN: "arn:role"}, nil
	}
	return dispatch.Principal{}, &dispatch.Error{Code: "ExpiredTokenException", Status: 403, Message: "The security token included in the request is expired"}
}

// The operations below have one of everything that travels.
type (
	part struct {
		Key   string
		Value string `json:",omitempty"`
	}
	formInput struct {
		Name    string
		Count   *int32
		Flag    bool
		Labels  []string
		Parts   []part
		Limits  map[string]int64
		When    dispatch.Time
		Inner   part
		Payload []byte
	}
	formOutput struct {
		formInput
		Hidden *string `json:",omitempty"`
	}
	invokeInput struct {
		FunctionName   string
		InvocationType string
		Qualifier      string
		Keys           []string
		Payload        []byte
	}
	invokeOutput struct {
		StatusCode    int
		FunctionError string
		Payload       []byte
	}
	methodInput struct {
		RestApiId  string            `json:"restApiId"`
		ResourceId string            `json:"resourceId"`
		Embed      []string          `json:"embed"`
		Limit      int               `json:"limit"`
		Parameters map[string]string `json:"parameters"`
		Value      *string           `json:"value"`
	}
)

func newServer(t testing.TB) (*dispatch.Dispatcher, *httptest.Server) {
	d := startDispatcher()
	for _, service := range []string{"iam", "cloudwatch", "sqs"} {
		dispatch.Register(d, dispatch.Operation{Service: service, Action: "Echo"}, dispatch.Anywhere[formInput](),
			func(_ context.Context, c *dispatch.Call, in *formInput) (*formOutput, error) {
				if in.Name == "bad" {
					return nil, &dispatch.Error{Code: "NoSuchEntity", Status: 404, Message: "<none>"}
				}
				return &formOutput{formInput: *in}, nil
			})
	}
	dispatch.Register(d, dispatch.Operation{Service: "lambda", Action: "Invoke", HTTP: &dispatch.HTTPBinding{
		Method: "POST", Path: "/2015-03-31/functions/{FunctionName}/invocations", Payload: "Payload",
		Query:   map[string]string{"Qualifier": "Qualifier", "key": "Keys"},
		Headers: map[string]string{"X-Amz-Invocation-Type": "InvocationType", "X-Amz-Function-Error": "FunctionError"},
	}}, dispatch.Anywhere[invokeInput](), func(_ context.Context, _ *dispatch.Call, in *invokeInput) (*invokeOutput, error) {
		if in.FunctionName == "none" {
			return nil, &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Message: "Function not found: none"}
		}
		return &invokeOutput{202, in.InvocationType, fmt.Appendf(nil, "%s|%s|%v|%s", in.FunctionName, in.Qualifier, in.Keys, in.Payload)}, nil
	})
	method := func(action, verb, path string, status int) {
		dispatch.Register(d, dispatch.Operation{Service: "apigateway", Action: action, HTTP: &dispatch.HTTPBinding{
			Method: verb, Path: path, Query: map[string]string{"embed": "embed", "limit": "limit", "*": "parameters"}, Status: status,
		}}, dispatch.Anywhere[methodInput](), func(_ context.Context, c *dispatch.Call, in *methodInput) (*methodInput, error) {
			value := c.Action
			in.Value = &value
			return in, nil
		})
	}
	method("GetResource", "GET", "/restapis/{restApiId}/resources/{resourceId}", 0)
	method("GetTop", "GET", "/restapis/{restApiId}/resources/top", 0)
	method("CreateResource", "POST", "/restapis/{restApiId}/resources/{resourceId}", 201)
	method("ImportResource", "POST", "/restapis/{restApiId}/resources/{resourceId}?mode=import", 201)
	method("DeleteResource", "DELETE", "/restapis/{restApiId+}", 204)
	server := httptest.NewServer(wire.New(d, keys{d.Root()}))
	t.Cleanup(server.Close)
	return d, server
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t testing.TB, server *httptest.Server, method, path, key, service, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func TestJSONProtocol(t *testing.T) {
	_, server := newServer(t)
	headers := []string{"X-Amz-Target", "AWSStepFunctions.StartExecution", "Content-Type", "application/x-amz-json-1.0"}
	a := send(t, server, "POST", "/", "test", "states", `{"stateMachineArn":"a"}`, headers...)
	if a.status != 200 || a.header.Get("Content-Type") != "application/x-amz-json-1.0" || len(a.header.Get("X-Amzn-Requestid")) != 36 || !strings.Contains(a.body, `"<a>"`) {
		t.Errorf("%+v", a)
	}
	for _, x := range []struct {
		key, target, body string
		status            int
		code              string
	}{
		{"test", "AWSStepFunctions.StartExecution", `{"stateMachineArn":"gone"}`, 400, "StateMachineDoesNotExist"},
		{"test", "AWSStepFunctions.StartExecution", `{`, 400, "SerializationException"},
		{"test", "AWSStepFunctions.Fly", `{}`, 501, "UnknownOperationException"},
		{"test", "Unknown.Fly", `{}`, 400, "UnknownOperationException"},
		{"", "AWSStepFunctions.StartExecution", `{}`, 403, "MissingAuthenticationTokenException"},
		{"ASIAOLD", "AWSStepFunctions.StartExecution", `{}`, 403, "ExpiredTokenException"},
		{"ASIAAPP", "AWSStepFunctions.StartExecution", `{}`, 400, "AccessDeniedException"}, // there is no authorizer
		{"test", "AWSStepFunctions.StartExecution", `{"stateMachineArn":"` + strings.Repeat("x", 3<<20) + `"}`, 413, "RequestEntityTooLargeException"},
	} {
		a := send(t, server, "POST", "/", x.key, "states", x.body, "X-Amz-Target", x.target)
		if a.status != x.status || a.header.Get("X-Amzn-Errortype") != x.code || !strings.Contains(a.body, x.code) {
			t.Errorf("%s %s: %+v", x.key, x.target, a)
		}
	}
	a = send(t, server, "POST", "/", "test", "sqs", `{"Name":"bad"}`, "X-Amz-Target", "AmazonSQS.Echo")
	if a.header.Get("X-Amzn-Query-Error") != "NoSuchEntity;Sender" || !strings.Contains(a.body, "com.amazonaws.sqs#NoSuchEntity") {
		t.Errorf("%+v", a)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, `{"stateMachineArn":"zipped"}`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	a = send(t, server, "POST", "/", "test", "states", packed.String(), append(headers, "Content-Encoding", "gzip")...)
	if a.status != 200 || !strings.Contains(a.body, "zipped") {
		t.Errorf("%+v", a)
	}
}

func TestOtherRegionsAreRefused(t *testing.T) {
	_, server := newServer(t)
	a := send(t, server, "POST", "/", "", "", `{"stateMachineArn":"a"}`, "X-Amz-Target", "AWSStepFunctions.StartExecution",
		"Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/states/aws4_request, SignedHeaders=host, Signature=00")
	if a.status != 403 || !strings.Contains(a.body, "us-east-1") {
		t.Errorf("%+v", a)
	}
}

func TestQueryProtocol(t *testing.T) {
	_, server := newServer(t)
	form := url.Values{
		"Action": {"Echo"}, "Version": {"2010-05-08"}, "Name": {"a<b"}, "Count": {"3"}, "Flag": {"true"},
		"Labels.member.1": {"x"}, "Labels.member.2": {"y"}, "Parts.member.1.Key": {"k"}, "Parts.member.1.Value": {"v"},
		"Limits.entry.1.key": {"l"}, "Limits.entry.1.value": {"7"}, "When": {"2026-01-02T03:04:05Z"}, "Inner.Key": {"i"}, "Payload": {"aGk="},
	}
	content := []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}
	a := send(t, server, "POST", "/", "test", "iam", form.Encode(), content...)
	want := `<EchoResult><Name>a&lt;b</Name><Count>3</Count><Flag>true</Flag><Labels><member>x</member><member>y</member></Labels>` +
		`<Parts><member><Key>k</Key><Value>v</Value></member></Parts><Limits><entry><key>l</key><value>7</value></entry></Limits>` +
		`<When>2026-01-02T03:04:05Z</When><Inner><Key>i</Key></Inner><Payload>aGk=</Payload></EchoResult>`
	if a.status != 200 || !strings.Contains(a.body, want) || !strings.Contains(a.body, "<RequestId>"+a.header.Get("X-Amzn-Requestid")) {
		t.Errorf("%+v\nwant %s", a, want)
	}
	for _, x := range []struct{ key, form, want string }{
		{"test", "Action=Echo&Version=2010-05-08&Name=bad", "<Code>NoSuchEntity</Code><Message>&lt;none&gt;</Message>"},
		{"test", "Action=Echo&Bogus=1", "<Code>ValidationError</Code>"},
		{"test", "Action=Echo&Count=many", "<Code>SerializationException</Code>"},
		{"test", "Action=Fly", "<Code>InvalidAction</Code>"},
		{"ASIAOLD", "Action=Echo", "<Code>ExpiredToken</Code>"},
		{"", "Action=Echo", "<Code>MissingAuthenticationToken</Code>"},
	} {
		if a := send(t, server, "POST", "/", x.key, "iam", x.form, content...); a.status < 400 || !strings.Contains(a.body, x.want) {
			t.Errorf("%s: %+v", x.form, a)
		}
	}
}

func TestRESTProtocol(t *testing.T) {
	_, server := newServer(t)
	a := send(t, server, "POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%2Ff/invocations?Qualifier=2&key=a&key=b", "test", "lambda", "body", "X-Amz-Invocation-Type", "Event")
	if a.status != 202 || a.body != "arn:aws:lambda/f|2|[a b]|body" || a.header.Get("X-Amz-Function-Error") != "Event" {
		t.Errorf("%+v", a)
	}
	a = send(t, server, "POST", "/2015-03-31/functions/none/invocations", "test", "lambda", "")
	if a.status != 404 || a.header.Get("X-Amzn-Errortype") != "ResourceNotFoundException" || a.body != `{"Type":"User","Message":"Function not found: none"}` {
		t.Errorf("%+v", a)
	}
	for _, x := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/restapis/a/resources/b?embed=x&embed=y&limit=5&z=1", "", 200, `{"restApiId":"a","resourceId":"b","embed":["x","y"],"limit":5,"parameters":{"z":"1"},"value":"GetResource"}`},
		{"GET", "/restapis/a/resources/top", "", 200, `{"restApiId":"a","resourceId":"","embed":null,"limit":0,"parameters":null,"value":"GetTop"}`},
		{"POST", "/restapis/a/resources/b", `{"limit":3}`, 201, `{"restApiId":"a","resourceId":"b","embed":null,"limit":3,"parameters":null,"value":"CreateResource"}`},
		{"POST", "/restapis/a/resources/b?mode=import", `{}`, 201, `{"restApiId":"a","resourceId":"b","embed":null,"limit":0,"parameters":null,"value":"ImportResource"}`},
		{"DELETE", "/restapis/a/b/c", "", 204, ``},
		{"PUT", "/restapis/a", "", 404, `{"message":"the embedded AWS does not emulate PUT /restapis/a of \"apigateway\""}`},
		{"GET", "/restapis/a/resources/b?limit=many", "", 400, `{"message":"limit must be a int"}`},
		{"POST", "/restapis/a/resources/b", `{"colour":3}`, 400, `{"message":"the embedded AWS does not have the member colour in a wire_test.methodInput"}`},
	} {
		if a := send(t, server, x.method, x.path, "test", "apigateway", x.body); a.status != x.status || a.body != x.want {
			t.Errorf("%s %s: %d %s\nwant %s", x.method, x.path, a.status, a.body, x.want)
		}
	}
}

func TestRPCv2(t *testing.T) {
	_, server := newServer(t)
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	in := cbor.Map{
		"Name": cbor.String("n"), "Count": cbor.NegInt(4), "Flag": cbor.Bool(true), "Labels": cbor.List{cbor.String("x")},
		"Parts": cbor.List{cbor.Map{"Key": cbor.String("k")}}, "Limits": cbor.Map{"l": cbor.Uint(7)},
		"When": &cbor.Tag{ID: 1, Value: cbor.Uint(when.Unix())}, "Payload": cbor.Slice("hi"),
	}
	path := "/service/GraniteServiceVersion20100801/operation/Echo"
	a := send(t, server, "POST", path, "test", "monitoring", string(cbor.Encode(in)), "Smithy-Protocol", "rpc-v2-cbor", "Content-Type", "application/cbor")
	if a.status != 200 || a.header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		t.Fatalf("%+v", a)
	}
	value, err := cbor.Decode([]byte(a.body))
	if err != nil {
		t.Fatal(err)
	}
	out := value.(cbor.Map)
	in["Inner"] = cbor.Map{"Key": cbor.String("")}
	in["When"] = &cbor.Tag{ID: 1, Value: cbor.Float64(when.Unix())}
	for name, want := range in {
		if got := fmt.Sprintf("%#v", deref(out[name])); got != fmt.Sprintf("%#v", deref(want)) {
			t.Errorf("%s: %s, want %#v", name, got, want)
		}
	}
	a = send(t, server, "POST", path, "test", "monitoring", string(cbor.Encode(cbor.Map{"Name": cbor.String("bad")})), "Smithy-Protocol", "rpc-v2-cbor")
	if value, err = cbor.Decode([]byte(a.body)); err != nil || a.status != 404 || value.(cbor.Map)["__type"] != cbor.String("com.amazonaws.cloudwatch#NoSuchEntity") {
		t.Errorf("%+v %v", a, err)
	}
	if a = send(t, server, "POST", path, "test", "monitoring", "\xff"); a.status != 400 {
		t.Errorf("%+v", a)
	}
}

// deref makes tags comparable by their content.
func deref(v cbor.Value) any {
	if tag, ok := v.(*cbor.Tag); ok {
		return *tag
	}
	return v
}

func BenchmarkServe(b *testing.B) {
	d := startDispatcher()
	h := wire.New(d, keys{d.Root()})
	body := `{"stateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:intake","input":"{}"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), "POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AWSStepFunctions.StartExecution")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=00")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
}
