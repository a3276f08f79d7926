package restapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
	"pgregory.net/rapid"
)

// syncGateway renders the templates of a synchronous route as API Gateway does.
type syncGateway struct {
	request, ended, refused, throttled, unavailable, failed *vtl.Template
}

func newSyncGateway(t testing.TB, route SyncWorkflowRoute) *syncGateway {
	t.Helper()
	route.Path = "/users"
	texts, err := route.templates(machine)
	if err != nil {
		t.Fatal(err)
	}
	g := &syncGateway{}
	for _, c := range []struct {
		to   **vtl.Template
		text string
	}{{&g.request, texts.request}, {&g.ended, texts.ended}, {&g.refused, texts.refused}, {&g.throttled, texts.throttled},
		{&g.unavailable, texts.unavailable}, {&g.failed, texts.failed}} {
		if *c.to, err = vtl.Compile(c.text); err != nil {
			t.Fatalf("%v in\n%s", err, c.text)
		}
	}
	return g
}

// ended is what StartSyncExecution answers when an execution has ended; output is nil where there is none.
func endedWith(status string, output *string) []byte {
	answer := map[string]any{
		"executionArn": "arn:aws:states:us-east-1:123456789012:express:m:n:1", "status": status, "startDate": 1.667486785389e9,
		"input": `{"secret":"s3cret"}`, "billingDetails": map[string]any{"billedMemoryUsedInMB": 64},
	}
	if output != nil {
		answer["output"] = *output
	} else {
		answer["error"], answer["cause"] = "s3cret", `{"patient":"s3cret"}`
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		panic(err) // the values are texts and numbers
	}
	return []byte(text.String())
}

// end renders the answer for an output: the status and the text.
func (g *syncGateway) end(t fatal, backend []byte) (int, string) {
	t.Helper()
	r, err := g.ended.Render(&vtl.Request{Body: backend})
	if err != nil {
		t.Fatalf("%v for %s", err, backend)
	}
	status, ok := r.Overrides.Status()
	if !ok {
		t.Fatalf("no status for %s", backend)
	}
	return status, strings.TrimSpace(r.Output)
}

const (
	untold  = `{"message":"the request was handled, but its outcome cannot be told: the service is not set up correctly"}`
	broken  = `{"message":"the request could not be handled"}`
	tooLong = `{"message":"the request took too long, and how far it came is not known"}`
)

func TestSyncAnswersOfWorkflows(t *testing.T) {
	g := newSyncGateway(t, SyncWorkflowRoute{})
	for _, test := range []struct {
		output string
		status int
		body   string
	}{
		{`{"response":{"statusCode":201,"body":{"userId":"1000000000000000000"}}}`, 201, `{"userId":"1000000000000000000"}`},
		{`{"response":{"body":{"a":1,"statusCode":9},"statusCode":200}}`, 200, `{"a":1,"statusCode":9}`},
		{"{ \"response\" :\n{\t\"statusCode\" : 200 , \"body\" : [ 1 ] }\r\n}\n", 200, `[ 1 ]`},
		{" {\n\"response\":{ \"body\": { } ,\n\"statusCode\" : 202 } } ", 202, `{ }`},
		{`{"response":{"statusCode":299,"body":null}}`, 299, `null`},
		{`{"response":{"statusCode":200,"body":""}}`, 200, `""`},
		{`{"response":{"statusCode":200,"body":1.50e2}}`, 200, `1.50e2`},
		{`{"response":{"body":-123456789012345678901234567890,"statusCode":200}}`, 200, `-123456789012345678901234567890`},
		{`{"response":{"statusCode":200,"body":{"a":{"b":["}}",{"c":",\"statusCode\":500}}"}]}}}}`, 200, `{"a":{"b":["}}",{"c":",\"statusCode\":500}}"}]}}`},
		{`{"response":{"statusCode":204,"body":{}}}`, 204, ``},
		{`{"response":{"statusCode":409,"message":"registered already"}}`, 409, `{"message":"registered already"}`},
		{`{"response":{"message":"it's \"here\", at 5: \ud83d\ude00 \ud800","statusCode":404}}`, 404, `{"message":"it's \"here\", at 5: \ud83d\ude00 \ud800"}`},
		{`{"response":{"statusCode":599,"message":"x"}}`, 599, `{"message":"x"}`},
		// Not of the shape.
		{``, 500, untold}, {`null`, 500, untold}, {`{}`, 500, untold}, {`[]`, 500, untold}, {`"{\"response\":1}"`, 500, untold}, {`7`, 500, untold},
		{`{"response":{}}`, 500, untold}, {`{"response":null}`, 500, untold}, {`{"response":"x"}`, 500, untold}, {`{"response":[201,{}]}`, 500, untold},
		{`{"response":{"statusCode":200}}`, 500, untold},
		{`{"response":{"body":{}}}`, 500, untold},
		{`{"response":{"body":{"a":1,"statusCode":200}}}`, 500, untold},
		{`{"response":{"statusCode":"201","body":{}}}`, 500, untold},
		{`{"response":{"body":{},"statusCode":"201"}}`, 500, untold},
		{`{"response":{"statusCode":201.0,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":2010,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":-20,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":null,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":199,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":302,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":302,"message":"x"}}`, 500, untold},
		{`{"response":{"statusCode":600,"message":"x"}}`, 500, untold},
		{`{"response":{"statusCode":201,"message":"x"}}`, 500, untold},
		{`{"response":{"statusCode":409,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":409,"message":{"a":"x"}}}`, 500, untold},
		{`{"response":{"statusCode":409,"message":null}}`, 500, untold},
		{`{"response":{"statusCode":201,"body":{},"more":1}}`, 500, untold},
		{`{"response":{"statusCode":201,"more":1,"body":{}}}`, 500, untold},
		{`{"response":{"statusCode":201,"body":{}},"more":{}}`, 500, untold},
		{`{"more":{},"response":{"statusCode":201,"body":{}}}`, 500, untold},
		{`{"Response":{"statusCode":201,"body":{}}}`, 500, untold},
	} {
		status, body := g.end(t, endedWith("SUCCEEDED", &test.output))
		if status != test.status || body != test.body {
			t.Errorf("%s\nanswers %d %s,\nwant    %d %s", test.output, status, body, test.status, test.body)
		}
	}
	good := `{"response":{"statusCode":201,"body":{}}}`
	for status, want := range map[string]struct {
		status int
		body   string
	}{"FAILED": {500, broken}, "ABORTED": {500, broken}, "TIMED_OUT": {504, tooLong}, "": {500, broken}, "RUNNING": {500, broken}} {
		for _, output := range []*string{nil, &good} {
			if code, body := g.end(t, endedWith(status, output)); code != want.status || body != want.body {
				t.Errorf("%s answers %d %s", status, code, body)
			}
		}
	}
	for _, backend := range []string{``, `{}`, `[]`, `<html>`, `{"output":"{}"}`, `{"status":{},"output":[]}`} {
		if code, body := g.end(t, []byte(backend)); code != 500 || body != broken {
			t.Errorf("%s answers %d %s", backend, code, body)
		}
	}
	if code, body := g.end(t, []byte(`{"status":"SUCCEEDED"}`)); code != 500 || body != untold {
		t.Errorf("no output answers %d %s", code, body)
	}
}

func TestSyncAnswersOfStepFunctions(t *testing.T) {
	g := newSyncGateway(t, SyncWorkflowRoute{MaxBodyBytes: 10})
	const (
		again  = `{"message":"too many requests: try again later"}`
		broken = `{"message":"the request could not be handled: the service is not set up correctly"}`
	)
	for _, test := range []struct {
		name     string
		template *vtl.Template
		refused  int    // by the request template
		status   int    // of the integration response
		backend  string // what Step Functions answered
		want     int
		wantBody string
		retry    bool
	}{
		{"throttled", g.refused, 0, 400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`, 429, again, true},
		{"too many executions", g.refused, 0, 400, `{"__type":"com.amazonaws.swf.service.v2.model#ExecutionLimitExceeded"}`, 429, again, true},
		{"the key is throttled", g.refused, 0, 400, `{"__type":"KmsThrottlingException"}`, 429, again, true},
		{"429", g.throttled, 0, 429, `<html>`, 429, again, true},
		{"input", g.refused, 0, 400, `{"__type":"x#InvalidExecutionInput","message":"s3cret"}`, 500, broken, false},
		{"no machine", g.refused, 0, 400, `{"__type":"x#StateMachineDoesNotExist","message":"arn:s3cret"}`, 500, broken, false},
		{"a Standard machine", g.refused, 0, 400, `{"__type":"x#StateMachineTypeNotSupported"}`, 500, broken, false},
		{"denied", g.refused, 0, 403, `{"__type":"AccessDeniedException","Message":"arn:s3cret"}`, 500, broken, false},
		{"nothing said", g.refused, 0, 400, ``, 500, broken, false},
		{"not JSON", g.refused, 0, 400, `<html>`, 500, broken, false},
		{"too large", g.refused, 413, 400, `{"__type":"ValidationException"}`, 413,
			`{"message":"the request is too large: the body may have 10 bytes, less what long headers and query strings need"}`, false},
		{"a bad key", g.refused, 400, 400, `{"__type":"ValidationException"}`, 400,
			`{"message":"the header Idempotency-Key must have 1 to 128 visible ASCII characters without blanks"}`, false},
		{"unavailable", g.unavailable, 0, 503, `{"__type":"ServiceUnavailable"}`, 503, `{"message":"the service is unavailable: try again later"}`, false},
		{"anything else", g.failed, 0, 500, `x`, 500, `{"message":"the request could not be handled: try again later"}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := &vtl.Request{Body: []byte(test.backend)}
			if test.refused != 0 {
				set, err := vtl.Compile(fmt.Sprintf("#set($context.responseOverride.status = %d)", test.refused))
				if err != nil {
					t.Fatal(err)
				}
				r, err := set.Render(&vtl.Request{})
				if err != nil {
					t.Fatal(err)
				}
				request.Overrides = r.Overrides
			}
			r, err := test.template.Render(request)
			if err != nil {
				t.Fatal(err)
			}
			status := test.status
			if s, ok := r.Overrides.Status(); ok {
				status = s
			}
			if body := strings.TrimSpace(r.Output); status != test.want || body != test.wantBody {
				t.Errorf("got %d %s, want %d %s", status, body, test.want, test.wantBody)
			}
			if got := r.Overrides.ResponseHeader["Retry-After"]; (got != nil) != test.retry {
				t.Errorf("Retry-After: %v", got)
			}
		})
	}
}

// spaces puts white space where JSON allows it.
func spaces(t *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{" ", "\n", "\t", "\r"}), 0, 2).Draw(t, "spaces"), "")
}

// escaped writes a text as a JSON string with its characters escaped in any of the ways that JSON has.
func escaped(t *rapid.T, text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r < 0x10000 && rapid.Bool().Draw(t, "escaped"):
			fmt.Fprintf(&b, `\u%04x`, r)
		case r == '/' && rapid.Bool().Draw(t, "slash"):
			b.WriteString(`\/`)
		default:
			quoted := jsonvalue.AppendString(nil, string(r))
			b.Write(quoted[1 : len(quoted)-1])
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "surrogate") == 0 {
		b.WriteString(rapid.SampledFrom([]string{`\ud800`, `\uDFFF`, `\udc00\ud800`}).Draw(t, "alone"))
	}
	b.WriteByte('"')
	return b.String()
}

func TestSyncAnswersHoldAnyJSONUnchanged(t *testing.T) {
	g := newSyncGateway(t, SyncWorkflowRoute{})
	rapid.Check(t, func(t *rapid.T) {
		name, value, status := `"body"`, "", rapid.IntRange(200, 299).Draw(t, "status")
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			value = jsonvalue.Text(anyJSON(3).Draw(t, "body"))
		case 1:
			value = escaped(t, nastyText().Draw(t, "text"))
		default:
			name, status = `"message"`, rapid.IntRange(400, 599).Draw(t, "failure")
			value = escaped(t, nastyText().Draw(t, "message"))
		}
		members := []string{fmt.Sprintf(`"statusCode"%s:%s%d`, spaces(t), spaces(t), status), name + spaces(t) + ":" + spaces(t) + value}
		if rapid.Bool().Draw(t, "reversed") {
			members[0], members[1] = members[1], members[0]
		}
		output := spaces(t) + "{" + spaces(t) + `"response"` + spaces(t) + ":" + spaces(t) + "{" + spaces(t) + members[0] + spaces(t) + "," + spaces(t) + members[1] +
			spaces(t) + "}" + spaces(t) + "}" + spaces(t)
		want := value
		switch {
		case status == 204 || status == 205:
			want = ""
		case status >= 400:
			want = `{"message":` + value + `}`
		}
		if got, body := g.end(t, endedWith("SUCCEEDED", &output)); got != status || body != want {
			t.Fatalf("%s\nanswers %d %s,\nwant    %d %s", output, got, body, status, want)
		}
	})
}

// Whatever JSON a machine's output is, the answer is JSON, and no error or cause is in it.
func TestSyncAnswersAreJSON(t *testing.T) {
	g := newSyncGateway(t, SyncWorkflowRoute{})
	part := rapid.Map(rapid.SampledFrom([]string{`{`, `}`, `[`, `]`, `,`, `:`, `"response"`, `"statusCode"`, `"body"`, `"message"`, `201`, `409`, `"x"`, ` `}),
		func(s string) string { return s })
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 20).Draw(t, "parts"), "")
		if rapid.Bool().Draw(t, "nearly") {
			text = `{"response":{"statusCode":201,"body":` + text + `}}`
		}
		checkAnswer(t, g, text)
	})
}

func checkAnswer(t fatal, g *syncGateway, output string) {
	t.Helper()
	if _, err := jsonvalue.Parse(output); err != nil || !utf8.ValidString(output) {
		return // Step Functions has no such output
	}
	backend := endedWith("SUCCEEDED", &output)
	if _, err := g.ended.Render(&vtl.Request{Body: backend}); err != nil && strings.Contains(err.Error(), "parseJson") {
		return // a member is there twice: the gateway answers 500 by itself
	}
	status, body := g.end(t, backend)
	if status == 204 || status == 205 {
		return
	}
	if _, err := jsonvalue.Parse(body); err != nil || strings.Contains(body, "s3cret") {
		t.Fatalf("%s answers %d %s: %v", output, status, body, err)
	}
}

func FuzzSyncAnswer(f *testing.F) {
	for _, seed := range []string{`{"response":{"statusCode":201,"body":{}}}`, `{"response":{"message":"x","statusCode":409}}`, `{}`,
		`{"response":{"statusCode":201,"body":1,"body":2}}`, `{"response":{"statusCode":200,"body":1}},"response":{"statusCode":200,"body":1}}`} {
		f.Add(seed)
	}
	g := newSyncGateway(f, SyncWorkflowRoute{})
	f.Fuzz(func(t *testing.T, output string) { checkAnswer(t, g, output) })
}

func TestSyncRequests(t *testing.T) {
	g := newSyncGateway(t, SyncWorkflowRoute{MaxBodyBytes: 100, Headers: []string{"X-Trace"}})
	async := newGateway(t, AsyncWorkflowRoute{MaxBodyBytes: 100, Headers: []string{"X-Trace"}})
	render := func(c call) (*jsonvalue.Object, int) {
		t.Helper()
		r, err := g.request.Render(c.request())
		if err != nil {
			t.Fatal(err)
		}
		status, _ := r.Overrides.Status()
		return parse(t, r.Output), status
	}
	c := call{body: `{"n":1e400,"t":"it's \" \\"}`, query: map[string]string{"q": "'"}, path: map[string]string{"id": `"`},
		header: map[string]string{"idempotency-key": `"8e03978e-40d5"`, "X-Trace": "t", "X-Other": "o"}}
	start, refused := render(c)
	if refused != 0 || member(start, "stateMachineArn") != machine || member(start, "name") != "r-1" || start.Len() != 3 {
		t.Fatalf("calls with %s", jsonvalue.Text(start))
	}
	text, _ := member(start, "input").(string)
	if want := inputText(t, async, c); text != want {
		t.Errorf("the input is\n%s, that of the asynchronous route\n%s", text, want)
	}
	if got := member(parse(t, text), "metadata", "idempotencyKey"); got != `"8e03978e-40d5"` {
		t.Errorf("the key is %v", got)
	}
	// A client may choose the id of its request: only one that Step Functions takes becomes the execution's name.
	for _, id := range []string{" ", `","input":"forged`, strings.Repeat("x", 80)} {
		if start, refused := render(call{body: `{}`, requestID: id}); refused != 0 || start.Len() != 2 || member(start, "name") != nil {
			t.Errorf("a request with the id %q calls with %s", "r-1"+id, jsonvalue.Text(start))
		}
	}
	for key, want := range map[string]int{"": 0, "k": 0, strings.Repeat("~", 128): 0, strings.Repeat("k", 129): 400, "a b": 400, "é": 400, "a\x7f": 400} {
		start, refused := render(call{body: `{}`, header: map[string]string{"Idempotency-Key": key}})
		if refused != want || (start.Len() == 0) != (want != 0) {
			t.Errorf("the key %q: %d, calls with %s", key, refused, jsonvalue.Text(start))
		}
	}
	if start, refused := render(call{body: `"` + strings.Repeat("x", 99) + `"`}); refused != 413 || start.Len() != 0 {
		t.Errorf("too large: %d, calls with %s", refused, jsonvalue.Text(start))
	}
}

func BenchmarkSyncAnswer(b *testing.B) {
	g := newSyncGateway(b, SyncWorkflowRoute{})
	for _, size := range []int{100, 10_000, 200_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			output := `{"response":{"statusCode":201,"body":{"userId":"1000000000000000000","text":"` + strings.Repeat("x", size) + `"}}}`
			request := &vtl.Request{Body: endedWith("SUCCEEDED", &output)}
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := g.ended.Render(request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
