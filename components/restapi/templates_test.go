package restapi

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
	"pgregory.net/rapid"
)

const machine = "arn:aws:states:us-east-1:123456789012:stateMachine:intake-1234567"

// gateway renders a route's templates as API Gateway does. It does not validate bodies.
type gateway struct {
	route                              AsyncWorkflowRoute
	request, accepted, refused, failed *vtl.Template
}

func newGateway(t testing.TB, route AsyncWorkflowRoute) *gateway {
	t.Helper()
	route.Path = "/webhooks"
	if route.Type == "" {
		route.Type = Standard
	}
	texts, err := route.templates(machine)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{route: route}
	for _, c := range []struct {
		to   **vtl.Template
		text string
	}{{&g.request, texts.request}, {&g.accepted, texts.accepted}, {&g.refused, texts.refused}, {&g.failed, texts.failed}} {
		if *c.to, err = vtl.Compile(c.text); err != nil {
			t.Fatalf("%v in\n%s", err, c.text)
		}
	}
	return g
}

// call is a client's request.
type call struct {
	body                string
	query, path, header map[string]string
	requestID           string
}

func (c call) request() *vtl.Request {
	return &vtl.Request{
		Body: []byte(c.body), Query: c.query, Path: c.path, Header: c.header,
		Context: jsonvalue.NewObject(
			jsonvalue.Member{Name: "requestId", Value: "r-1" + c.requestID},
			jsonvalue.Member{Name: "requestTime", Value: "09/Apr/2026:12:34:56 +0000"},
			jsonvalue.Member{Name: "httpMethod", Value: "POST"},
			jsonvalue.Member{Name: "path", Value: "/main/webhooks"},
			jsonvalue.Member{Name: "stage", Value: "main"},
			jsonvalue.Member{Name: "identity", Value: jsonvalue.NewObject(jsonvalue.Member{Name: "sourceIp", Value: "192.0.2.1"})},
		),
	}
}

type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

func parse(t fatal, text string) *jsonvalue.Object {
	t.Helper()
	v, err := jsonvalue.Parse(text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		t.Fatalf("%s is not an object", text)
	}
	return o
}

func member(o *jsonvalue.Object, path ...string) any {
	var v any = o
	for _, name := range path {
		o, _ := v.(*jsonvalue.Object)
		v, _ = o.Get(name)
	}
	return v
}

// start renders the request template: what StartExecution is called with, and the overrides.
func (g *gateway) start(t fatal, c call) (*jsonvalue.Object, vtl.Overrides) {
	t.Helper()
	r, err := g.request.Render(c.request())
	if err != nil {
		t.Fatalf("%v", err)
	}
	return parse(t, r.Output), r.Overrides
}

// answer renders a response template for what Step Functions answered.
func (g *gateway) answer(t fatal, template *vtl.Template, c call, overrides vtl.Overrides, status int, backend string) (int, *jsonvalue.Object) {
	t.Helper()
	request := c.request()
	request.Body, request.Overrides = []byte(backend), overrides
	r, err := template.Render(request)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if s, ok := r.Overrides.Status(); ok {
		status = s
	}
	return status, parse(t, r.Output)
}

func (g *gateway) input(t fatal, c call) *jsonvalue.Object {
	t.Helper()
	start, overrides := g.start(t, c)
	if status, ok := overrides.Status(); ok {
		t.Fatalf("%.100q was refused with %d", c.body, status)
	}
	if got := member(start, "stateMachineArn"); got != machine {
		t.Fatalf("starts %v", got)
	}
	text, _ := member(start, "input").(string)
	return parse(t, text)
}

func TestBodiesArriveEqual(t *testing.T) {
	g := newGateway(t, AsyncWorkflowRoute{})
	for _, body := range []string{
		`{}`, ` [ ] `, `null`, `true`, `0`, `-0`, `""`, `"'"`, `"it's \\' \" \\\" \/ \u0000 \u2028 ` + "\u2028\u007f" + `"`,
		`9007199254740993.0`, `123456789012345678901234567890`, `1e400`, `1E-400`, `-1.50`,
		`{"a":{"b":[1,2,{"c":"é世界😀"}]}}`, `"\ud83d\ude00"`, "{\r\n\t\"a\" : 1 }", `"#set($x = 1)$x $input.body ${context} \\#end ## #* *#"`,
		`"@@"`, `{"metadata":{"sourceIp":"evil"},"body":1}`, `{"":""," ":" "}`,
	} {
		want, err := jsonvalue.Parse(body)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got := member(g.input(t, call{body: body}), "body"); !jsonvalue.Equal(got, want) {
			t.Errorf("%s arrived as %s", body, jsonvalue.Text(got))
		}
	}
}

func TestMetadata(t *testing.T) {
	g := newGateway(t, AsyncWorkflowRoute{Headers: []string{"X-Trace", "Content-Type", "X-None"}})
	in := g.input(t, call{
		body: `{}`, query: map[string]string{"q": `a"b'c`}, path: map[string]string{"source": `\`},
		header: map[string]string{"x-trace": "t'1", "Content-Type": "application/json", "Authorization": "secret", "idempotency-key": "k 1"},
	})
	want := `{"requestId":"r-1","time":"2026-04-09T12:34:56Z","sourceIp":"192.0.2.1","method":"POST","path":"/main/webhooks","stage":"main",
		"pathParameters":{"source":"\\"},"queryString":{"q":"a\"b'c"},"headers":{"X-Trace":"t'1","Content-Type":"application/json"},"idempotencyKey":"k 1"}`
	if got := member(in, "metadata"); !jsonvalue.Equal(got, parse(t, want)) {
		t.Errorf("got %s", jsonvalue.Text(got))
	}
	// No white space is stored with every execution. escapeJavaScript writes "/" as "\/", which JSON has too.
	text := inputText(t, g, call{body: `{}`, header: map[string]string{"Content-Type": "a/b"}, query: map[string]string{"a": "b"}})
	if compact := jsonvalue.Text(parse(t, text)); strings.ReplaceAll(text, `\/`, "/") != compact {
		t.Errorf("the input is not compact: %s", text)
	}
}

func TestNoBodyCanWriteMetadata(t *testing.T) {
	g := newGateway(t, AsyncWorkflowRoute{})
	for _, body := range []string{ // all of these are refused by the validator: what if it did not
		`{},"metadata":{"sourceIp":"10.0.0.1"}`,
		`1,"metadata":{"sourceIp":"10.0.0.1"},"x":2`,
		`{},"x":{"metadata":{"sourceIp":"10.0.0.1"}}`,
		`1}`, `{`, `"`, `"\`, `1},{"metadata":{"sourceIp":"10.0.0.1"}`, `1,"metadata":{"sourceIp":"10.0.0.1"},"z":{"k":1`,
	} {
		start, _ := g.start(t, call{body: body})
		text, _ := member(start, "input").(string)
		parsed, err := jsonvalue.Parse(text)
		if err != nil {
			continue // and Step Functions refuses it
		}
		if got := member(parsed.(*jsonvalue.Object), "metadata", "sourceIp"); got != "192.0.2.1" {
			t.Errorf("%s: the execution sees the source %v in %s", body, got, text)
		}
	}
}

// anyJSON draws JSON values with everything that could break an escape.
func anyJSON(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.Map(nastyText(), func(s string) any { return s }),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`), func(s string) any { return jsonvalue.Number(s) }),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	items := rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return anyJSON(depth - 1) }), 0, 4)
	return rapid.OneOf(append(leaves,
		rapid.Map(items, func(items []any) any { return jsonvalue.NewArray(items...) }),
		rapid.Custom(func(t *rapid.T) any {
			o := jsonvalue.NewObject()
			for _, v := range items.Draw(t, "values") {
				o.Set(nastyText().Draw(t, "name"), v)
			}
			return o
		}))...)
}

func nastyText() *rapid.Generator[string] {
	nasty := rapid.SampledFrom([]string{`"`, `'`, `\`, `\'`, `\\'`, `\"`, "/", "$x", "${x}", "$!x", "#set($a=1)", "#end", "##", "#*", "*#", "@@", "\x00", "\n", "\r\n", "\x7f", "\u2028", "é", "😀", "�", "%7B", "}", "{", ","})
	return rapid.Map(rapid.SliceOfN(rapid.OneOf(nasty, rapid.StringN(0, 5, -1)), 0, 6), func(parts []string) string {
		return strings.ToValidUTF8(strings.Join(parts, ""), "?")
	})
}

func TestAnyBodyAndAnyMetadataArriveEqual(t *testing.T) {
	g := newGateway(t, AsyncWorkflowRoute{Headers: []string{"X-A", "User-Agent"}})
	rapid.Check(t, func(t *rapid.T) {
		body := anyJSON(3).Draw(t, "body")
		strings := rapid.MapOfN(nastyText(), nastyText(), 0, 4)
		query, path := strings.Draw(t, "query"), strings.Draw(t, "path")
		agent, key := nastyText().Draw(t, "agent"), rapid.StringN(0, 10, 50).Draw(t, "key")
		in := g.input(t, call{body: jsonvalue.Text(body), query: query, path: path, requestID: agent,
			header: map[string]string{"User-Agent": agent, "Idempotency-Key": key}})
		if got := member(in, "body"); !jsonvalue.Equal(got, body) {
			t.Fatalf("the body %s arrived as %s", jsonvalue.Text(body), jsonvalue.Text(got))
		}
		if in.Len() != 2 {
			t.Fatalf("the input has %d members", in.Len())
		}
		for name, want := range map[string]map[string]string{"queryString": query, "pathParameters": path} {
			got, _ := member(in, "metadata", name).(*jsonvalue.Object)
			if got.Len() != len(want) {
				t.Fatalf("%s has %d members, want %d", name, got.Len(), len(want))
			}
			for k, v := range want {
				if arrived, _ := got.Get(k); arrived != v {
					t.Fatalf("%s[%q] is %q, want %q", name, k, arrived, v)
				}
			}
		}
		for _, check := range []struct {
			got  any
			want string
		}{
			{member(in, "metadata", "headers", "User-Agent"), agent}, {member(in, "metadata", "requestId"), "r-1" + agent},
			{member(in, "metadata", "idempotencyKey"), key},
		} {
			if check.got != check.want {
				t.Fatalf("got %q, want %q", check.got, check.want)
			}
		}
	})
}

func TestSizes(t *testing.T) {
	g := newGateway(t, AsyncWorkflowRoute{MaxBodyBytes: 100, Headers: []string{"X-Long"}})
	quoted := func(s string) string { return `"` + s + `"` }
	for _, test := range []struct {
		name, body string
		refused    bool
	}{
		{"at the limit", quoted(strings.Repeat("x", 98)), false},
		{"above it", quoted(strings.Repeat("x", 99)), true},
		{"two bytes each, at the limit", quoted(strings.Repeat("é", 49)), false},
		{"two bytes each, above it", quoted(strings.Repeat("é", 49) + "x"), true},
		{"three bytes each, above it", quoted(strings.Repeat("世", 33)), true},
		{"four bytes each, at the limit", quoted(strings.Repeat("😀", 24) + "xx"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			start, overrides := g.start(t, call{body: test.body})
			status, refused := overrides.Status()
			if refused != test.refused || refused && (status != 413 || start.Len() != 0) {
				t.Errorf("%d bytes: refused %v with %d, calling with %s", len(test.body), refused, status, jsonvalue.Text(start))
			}
		})
	}
	// What is accepted fits in the input, byte for byte.
	g = newGateway(t, AsyncWorkflowRoute{MaxBodyBytes: MaxInputBytes, Headers: []string{"X-Long"}})
	small := len(inputText(t, g, call{body: `""`}))
	for excess := range 2 {
		body := quoted(strings.Repeat("é", (MaxInputBytes-small)/2) + strings.Repeat("x", (MaxInputBytes-small)%2+excess))
		_, overrides := g.start(t, call{body: body})
		if _, refused := overrides.Status(); refused != (excess == 1) {
			t.Errorf("an input of %d bytes more than the limit: refused %v", excess, refused)
		}
		if excess == 0 {
			if got := len(inputText(t, g, call{body: body})); got != MaxInputBytes {
				t.Errorf("the input has %d bytes, want %d", got, MaxInputBytes)
			}
		}
	}
	_, overrides := g.start(t, call{body: quoted(strings.Repeat("x", MaxInputBytes-2000)), header: map[string]string{"X-Long": strings.Repeat("é", 1000)}})
	if status, _ := overrides.Status(); status != 413 {
		t.Errorf("long metadata: %d", status)
	}
}

func inputText(t *testing.T, g *gateway, c call) string {
	t.Helper()
	start, _ := g.start(t, c)
	text, _ := member(start, "input").(string)
	return text
}

func TestIdempotencyKeys(t *testing.T) {
	standard, express := newGateway(t, AsyncWorkflowRoute{}), newGateway(t, AsyncWorkflowRoute{Type: Express})
	for _, test := range []struct {
		key  string
		want any // the execution's name; nil: none
	}{
		{"", nil},
		{"order-42_A", "k-order-42_A"},
		{strings.Repeat("x", 64), "k-" + strings.Repeat("x", 64)},
		{"order 42", "b-" + base64.RawURLEncoding.EncodeToString([]byte("order 42"))},
		{"k-1?>~ÿþ", "b-" + base64.RawURLEncoding.EncodeToString([]byte("k-1?>~ÿþ"))},
		{strings.Repeat(".", 58), "b-" + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat(".", 58)))},
	} {
		for _, name := range []string{"Idempotency-Key", "idempotency-key"} {
			c := call{body: `{}`, header: map[string]string{name: test.key}}
			start, overrides := standard.start(t, c)
			if _, refused := overrides.Status(); refused || member(start, "name") != test.want {
				t.Errorf("%q: refused %v, name %v, want %v", test.key, refused, member(start, "name"), test.want)
			}
			if start, _ := express.start(t, c); member(start, "name") != nil {
				t.Errorf("%q names an Express execution", test.key)
			}
		}
		if c := (call{body: `{}`, query: map[string]string{"Idempotency-Key": test.key}}); test.key != "" {
			if start, _ := standard.start(t, c); member(start, "name") != nil {
				t.Errorf("%q in the query names an execution", test.key)
			}
		}
	}
	for _, key := range []string{strings.Repeat(".", 59), strings.Repeat("x", 65)} {
		c := call{body: `{}`, header: map[string]string{"Idempotency-Key": key}}
		start, overrides := standard.start(t, c)
		if status, _ := overrides.Status(); status != 400 || start.Len() != 0 {
			t.Errorf("%q: %d %s", key, status, jsonvalue.Text(start))
		}
		if status, body := standard.answer(t, standard.refused, c, overrides, 400, missingARN); status != 400 || !strings.Contains(jsonvalue.Text(body), "Idempotency-Key") {
			t.Errorf("%q: answered %d %s", key, status, jsonvalue.Text(body))
		}
	}
}

func TestNamesAreUniqueAndValid(t *testing.T) {
	g := newGateway(t, AsyncWorkflowRoute{})
	name := func(t *rapid.T, key string) string {
		start, overrides := g.start(t, call{body: `{}`, header: map[string]string{"Idempotency-Key": key}})
		if _, refused := overrides.Status(); refused {
			return ""
		}
		n, _ := member(start, "name").(string)
		for _, r := range n {
			if r >= utf8.RuneSelf || !strings.ContainsRune("-_", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
				t.Fatalf("%q names the execution %q", key, n)
			}
		}
		if n == "" || len(n) > 80 {
			t.Fatalf("%q names the execution %q", key, n)
		}
		return n
	}
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.StringN(1, 40, 60)
		a, b := keys.Draw(t, "a"), keys.Draw(t, "b")
		if na, nb := name(t, a), name(t, b); a != b && na == nb && na != "" {
			t.Fatalf("%q and %q name one execution, %q", a, b, na)
		}
	})
}

const missingARN = `{"__type":"com.amazon.coral.validate#ValidationException","message":"1 validation error detected: Value at 'stateMachineArn' failed to satisfy constraint: Member must not be null"}`

func TestAnswers(t *testing.T) {
	g := newGateway(t, AsyncWorkflowRoute{MaxBodyBytes: 10})
	key := map[string]string{"Idempotency-Key": "a'b"}
	execution := strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":"
	for _, test := range []struct {
		name     string
		template *vtl.Template
		status   int // of the integration response
		call     call
		backend  string
		want     int
		wantBody string
	}{
		{"started", g.accepted, 202, call{body: "{}"}, `{"executionArn":"arn:x","startDate":1.486772644911E9}`, 202, `{"status":"accepted","executionArn":"arn:x"}`},
		{"too large", g.refused, 400, call{body: `"0123456789"`}, missingARN, 413,
			`{"message":"the request is too large: the body may have 10 bytes, less what long headers and query strings need"}`},
		{"repeated", g.refused, 400, call{body: "{}", header: key}, `{"__type":"com.amazonaws.swf.service.v2.model#ExecutionAlreadyExists","message":"Execution Already Exists: 'arn:y'"}`, 202,
			`{"status":"accepted","executionArn":"` + execution + `b-YSdi"}`},
		{"not JSON", g.refused, 400, call{body: "{}"}, `{"__type":"x#InvalidExecutionInput","message":"Invalid State Machine Execution Input: 'Unrecognized token 'less than or equal to 262144''"}`, 400,
			`{"message":"invalid request body: it is not one JSON text"}`},
		{"not JSON to the front", g.refused, 400, call{body: "{}"}, `{"__type":"com.amazon.coral.service#SerializationException"}`, 400, `{"message":"invalid request body: it is not one JSON text"}`},
		{"too large for Step Functions", g.refused, 400, call{body: "{}"},
			`{"__type":"ValidationException","message":"1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144"}`, 413,
			`{"message":"the request is too large: the body may have 10 bytes, less what long headers and query strings need"}`},
		{"throttled", g.refused, 400, call{body: "{}"}, `{"__type":"ThrottlingException","message":"Rate exceeded"}`, 429, `{"message":"too many requests: try again later"}`},
		{"too many executions", g.refused, 400, call{body: "{}"}, `{"__type":"a#ExecutionLimitExceeded"}`, 429, `{"message":"too many requests: try again later"}`},
		{"denied", g.refused, 400, call{body: "{}"}, `{"__type":"AccessDeniedException","Message":"User: arn:aws:sts::1:assumed-role/r is not authorized"}`, 500,
			`{"message":"the request could not be accepted: the service is not set up correctly"}`},
		{"no machine", g.refused, 400, call{body: "{}"}, `{"__type":"a#StateMachineDoesNotExist","message":"State Machine Does Not Exist: 'arn:z'"}`, 500,
			`{"message":"the request could not be accepted: the service is not set up correctly"}`},
		{"nothing said", g.refused, 400, call{body: "{}"}, ``, 500, `{"message":"the request could not be accepted: the service is not set up correctly"}`},
		{"unavailable", g.failed, 500, call{body: "{}"}, `{"__type":"ServiceUnavailable","message":"x"}`, 503, `{"message":"the service is unavailable: try again later"}`},
		{"broken", g.failed, 500, call{body: "{}"}, `{"__type":"InternalFailure"}`, 500, `{"message":"the request could not be accepted: try again later"}`},
		{"broken, not JSON", g.failed, 500, call{body: "{}"}, `<html>`, 500, `{"message":"the request could not be accepted: try again later"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, overrides := g.start(t, test.call)
			status, body := g.answer(t, test.template, test.call, overrides, test.status, test.backend)
			if status != test.want || !jsonvalue.Equal(body, parse(t, test.wantBody)) {
				t.Errorf("got %d %s, want %d %s", status, jsonvalue.Text(body), test.want, test.wantBody)
			}
		})
	}
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `"'"`, `1e400`, `{},"metadata":{}`, "\"\xff\"", `"\ud800"`} {
		f.Add(seed)
	}
	g := newGateway(f, AsyncWorkflowRoute{})
	f.Fuzz(func(t *testing.T, body string) {
		want, err := jsonvalue.Parse(body)
		if err != nil || !utf8.ValidString(body) {
			t.Skip("not JSON in UTF-8: such a body is refused, which FuzzIntake asserts end to end")
		}
		if got := member(g.input(t, call{body: body}), "body"); !jsonvalue.Equal(got, want) {
			t.Errorf("%s arrived as %s", body, jsonvalue.Text(got))
		}
	})
}

func BenchmarkRequestTemplate(b *testing.B) {
	g := newGateway(b, AsyncWorkflowRoute{Headers: []string{"Content-Type", "User-Agent"}})
	for _, size := range []int{100, 10_000, 200_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			request := call{body: `"` + strings.Repeat("x", size) + `"`, header: map[string]string{"Content-Type": "application/json", "User-Agent": "bench"}}.request()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := g.request.Render(request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
