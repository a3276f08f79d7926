package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/sts"
)

var handlerZip = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "handler")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bootstrap")
	if out, err := exec.Command("go", "build", "-o", path, "./internal/handler").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the handler: %w: %s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return zipOf("bootstrap", text)
})

func zipOf(name string, text []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

type world struct {
	testing.TB
	d      *dispatch.Dispatcher
	lambda *lambda.Service
}

const (
	account   = "000000000000"
	trust     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	mayLog    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"}]}`
	roleARN   = "arn:aws:iam::" + account + ":role/logs"
	silentARN = "arn:aws:iam::" + account + ":role/silent"
)

func newWorld(t testing.TB, c clock.Clock, processes int) *world {
	t.Helper()
	d := dispatch.New(c, account, "us-east-1")
	d.Logf = t.Logf
	s := store.Memory()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := iam.New(d, s)
	check(err)
	_, err = sts.New(d, s)
	check(err)
	_, err = logs.New(d, s)
	check(err)
	l, err := lambda.New(d, s, lambda.Options{Dir: t.TempDir(), Processes: processes})
	check(err)
	server := httptest.NewServer(l.RuntimeHandler())
	l.SetRuntimeAddr(strings.TrimPrefix(server.URL, "http://"))
	l.SetEndpoint("http://localhost:4566")
	w := &world{t, d, l}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	for _, role := range []string{"logs", "silent", "stranger"} {
		policy := trust
		if role == "stranger" {
			policy = strings.Replace(trust, "lambda.", "states.", 1)
		}
		w.do("iam", "CreateRole", map[string]any{"RoleName": role, "AssumeRolePolicyDocument": policy})
	}
	w.do("iam", "PutRolePolicy", map[string]any{"RoleName": "logs", "PolicyName": "logs", "PolicyDocument": mayLog})
	return w
}

func (w *world) try(service, action string, in any) (any, error) {
	return w.d.Do(w.Context(), w.d.Root(), service, action, in)
}

func (w *world) do(service, action string, in any) any {
	w.Helper()
	out, err := w.try(service, action, in)
	if err != nil {
		w.Fatalf("%s:%s: %v", service, action, err)
	}
	return out
}

func (w *world) create(name string, change func(*lambda.CreateFunctionInput)) {
	w.Helper()
	code, err := handlerZip()
	if err != nil {
		w.Fatal(err)
	}
	in := &lambda.CreateFunctionInput{FunctionName: name, Runtime: "provided.al2023", Handler: "bootstrap", Role: roleARN, Code: lambda.Code{ZipFile: code}}
	if change != nil {
		change(in)
	}
	w.do("lambda", "CreateFunction", in)
}

func (w *world) invoke(name, payload string) *lambda.InvokeOutput {
	w.Helper()
	return w.do("lambda", "Invoke", &lambda.InvokeInput{FunctionName: name, Payload: []byte(payload)}).(*lambda.InvokeOutput)
}

// lines closes the service and returns what its functions logged.
func (w *world) lines(group string) string {
	w.Helper()
	if err := w.lambda.Close(w.Context()); err != nil {
		w.Fatal(err)
	}
	out := w.do("logs", "FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: group}).(*logs.FilterLogEventsOutput)
	var b strings.Builder
	for _, e := range out.Events {
		b.WriteString(e.Message)
	}
	return b.String()
}

func TestWhatInvocationsComeTo(t *testing.T) {
	w := newWorld(t, clock.Real{}, 4)
	w.create("f", func(in *lambda.CreateFunctionInput) { one := 1; in.Timeout = &one })
	w.create("dies", func(in *lambda.CreateFunctionInput) {
		in.Environment = &lambda.Environment{Variables: map[string]string{"INIT": "exit"}}
	})
	broken, err := zipOf("bootstrap", []byte("not a program"))
	if err != nil {
		t.Fatal(err)
	}
	w.create("broken", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = broken })
	for _, c := range []struct{ function, payload, failed, want string }{
		{"f", `{"do":"echo","count":3}`, "", `^{"do":"echo","count":3}$`},
		{"f", `{"do":"context"}`, "", `^{"arn":"arn:aws:lambda:us-east-1:000000000000:function:f","id":"[0-9a-f-]{36}","seconds":1}$`},
		{"f", `{"do":"error"}`, "Unhandled", `^{"errorMessage":"it failed","errorType":"errorString"}$`},
		{"f", `{"do":"custom"}`, "Unhandled", `"errorType":"custom"`},
		{"f", `{"do":"panic"}`, "Unhandled", `"errorMessage":"it panicked","errorType":"string","stackTrace"`},
		{"f", `{"do":"exit","count":3}`, "Unhandled", `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3"}$`},
		{"f", `{"do":"exit"}`, "Unhandled", `Error: Runtime exited without providing a reason"}$`},
		{"f", `{"do":"big","count":6291457}`, "Unhandled", `"Function.ResponseSizeTooLarge"`},
		{"f", `{"do":"sleep"}`, "Unhandled", `^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds"}$`},
		{"f", ``, "", `^{"do":"","count":0}$`},
		{"dies", `{}`, "Unhandled", `RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 7`},
		{"broken", `{}`, "Unhandled", `"Runtime.InvalidEntrypoint".*fork/exec /var/task/bootstrap: exec format error`},
	} {
		out := w.invoke(c.function, c.payload)
		if out.StatusCode != 200 || out.FunctionError != c.failed || !regexp.MustCompile(c.want).Match(out.Payload) {
			t.Errorf("%s(%s): %d %q %s", c.function, c.payload, out.StatusCode, out.FunctionError, out.Payload)
		}
	}
	for _, c := range []struct {
		in   lambda.InvokeInput
		code string
	}{
		{lambda.InvokeInput{FunctionName: "f", Payload: []byte("{")}, "InvalidRequestContentException"},
		{lambda.InvokeInput{FunctionName: "g"}, "ResourceNotFoundException"},
		{lambda.InvokeInput{FunctionName: "f", Qualifier: "1"}, "ResourceNotFoundException"},
		{lambda.InvokeInput{FunctionName: "f", InvocationType: "Later"}, "ValidationException"},
		{lambda.InvokeInput{FunctionName: "f", Payload: fmt.Appendf(nil, "%q", strings.Repeat("x", 6<<20))}, "RequestTooLargeException"},
	} {
		if _, err := w.try("lambda", "Invoke", &c.in); dispatch.AsError(err).Code != c.code {
			t.Errorf("%v, want %s", err, c.code)
		}
	}
	text := w.lines("/aws/lambda/f")
	for _, want := range []string{
		`INIT_START Runtime Version: provided:al2023\tRuntime Version ARN: arn:`,
		`(?m)^START RequestId: [0-9a-f-]{36} Version: \$LATEST$`, `(?m)^END RequestId: `,
		`(?m)^REPORT RequestId: [0-9a-f-]{36}\tDuration: [0-9.]+ ms\tBilled Duration: [0-9]+ ms\tMemory Size: 128 MB\tMax Memory Used: [0-9]+ MB\tInit Duration: [0-9.]+ ms\t$`,
		`(?m)Task timed out after 1.00 seconds$`, `Status: timeout`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "START RequestId"); n != 10 || strings.Count(text, "END RequestId") != n || strings.Count(text, "REPORT RequestId") != n {
		t.Errorf("%d invocations in the log:\n%s", n, text)
	}
}

func TestLinesStandInOrderAndNoneIsLost(t *testing.T) {
	w := newWorld(t, clock.NewDriven(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), 2)
	w.create("f", func(in *lambda.CreateFunctionInput) { ten := 10; in.Timeout = &ten })
	const n = 1000
	out := w.do("lambda", "Invoke", &lambda.InvokeInput{FunctionName: "f", Payload: []byte(`{"do":"log","count":1000}`), LogType: "Tail"}).(*lambda.InvokeOutput)
	tail, err := base64.StdEncoding.DecodeString(out.LogResult)
	if err != nil || len(tail) > 4096 || !strings.Contains(string(tail), "line 999\nunfinished") || !strings.Contains(string(tail), "REPORT RequestId") {
		t.Errorf("tail: %v %s", err, tail)
	}
	text := w.lines("/aws/lambda/f")
	at := strings.Index(text, "START")
	for i := range n {
		next := strings.Index(text[at:], fmt.Sprintf("line %d\n", i))
		if next < 0 {
			t.Fatalf("line %d is missing or out of order", i)
		}
		at += next
	}
	if !strings.Contains(text[at:], "unfinishedEND RequestId") {
		t.Errorf("the log ends with %q", text[at:])
	}
}

func TestARoleThatMayNotLogRunsInSilence(t *testing.T) {
	w := newWorld(t, clock.Real{}, 2)
	w.create("f", func(in *lambda.CreateFunctionInput) { in.Role = silentARN })
	if out := w.invoke("f", `{"do":"echo"}`); out.FunctionError != "" {
		t.Errorf("%s", out.Payload)
	}
	if err := w.lambda.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.try("logs", "FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: "/aws/lambda/f"}); dispatch.AsError(err).Code != "ResourceNotFoundException" {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("CAREPATH_TEST_SECRET", "host")
	w := newWorld(t, clock.Real{}, 2)
	w.create("f", func(in *lambda.CreateFunctionInput) {
		in.Environment = &lambda.Environment{Variables: map[string]string{"TABLE": "users"}}
	})
	var list []string
	if err := json.Unmarshal(w.invoke("f", `{"do":"env"}`).Payload, &list); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = value
	}
	for name, want := range map[string]string{"TABLE": "users", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "f",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f", "_HANDLER": "bootstrap",
		"AWS_ENDPOINT_URL": "http://localhost:4566", "GOMEMLIMIT": "115MiB"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT"} {
		if got[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if _, leaked := got["CAREPATH_TEST_SECRET"]; leaked {
		t.Error("the host's environment reached the function")
	}
}

func TestConcurrency(t *testing.T) {
	w := newWorld(t, clock.Real{}, 3)
	gate := filepath.Join(t.TempDir(), "gate")
	w.create("f", func(in *lambda.CreateFunctionInput) {
		in.Environment = &lambda.Environment{Variables: map[string]string{"GATE_FILE": gate}}
		sixty := 60
		in.Timeout = &sixty
	})
	w.do("lambda", "PutFunctionConcurrency", map[string]any{"FunctionName": "f", "ReservedConcurrentExecutions": 5})
	results := make(chan string, 100)
	for range 5 {
		go func() {
			in := &lambda.InvokeInput{FunctionName: "f", Payload: []byte(`{"do":"until"}`)}
			out, err := w.try("lambda", "Invoke", in)
			for err != nil && dispatch.AsError(err).Code == "TooManyRequestsException" { // the probe below came in before
				out, err = w.try("lambda", "Invoke", in)
			}
			if err != nil {
				results <- err.Error()
				return
			}
			results <- string(out.(*lambda.InvokeOutput).Payload)
		}()
	}
	// The five are in once a sixth is refused; until then the sixth waits at the gate like they do.
	refused := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := w.d.Do(ctx, w.d.Root(), "lambda", "Invoke", &lambda.InvokeInput{FunctionName: "f", Payload: []byte(`{"do":"until"}`)})
		e := dispatch.AsError(err)
		return e.Code == "TooManyRequestsException" && e.HTTPStatus() == 429
	}
	for !refused() {
		if t.Context().Err() != nil {
			t.Fatal("never refused")
		}
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pids := map[string]bool{}
	for range 5 {
		pids[<-results] = true
	}
	if len(pids) < 2 || len(pids) > 3 {
		t.Errorf("processes %v, want at most three", pids)
	}
	first, second := w.invoke("f", `{"do":"pid"}`), w.invoke("f", `{"do":"pid"}`)
	if !bytes.Equal(first.Payload, second.Payload) {
		t.Errorf("a warm process was not used again: %s, %s", first.Payload, second.Payload)
	}
	// Another function gets a process although all are taken by idle ones of the first.
	w.create("g", nil)
	if out := w.invoke("g", `{"do":"echo"}`); out.FunctionError != "" {
		t.Errorf("%s", out.Payload)
	}
	w.do("lambda", "UpdateFunctionConfiguration", map[string]any{"FunctionName": "f", "MemorySize": 256})
	if third := w.invoke("f", `{"do":"pid"}`); bytes.Equal(third.Payload, second.Payload) {
		t.Error("a process outlived the function's change")
	}
}

func TestIdleProcessesEnd(t *testing.T) {
	c := clock.NewDriven(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, c, 2)
	w.create("f", nil)
	pid := w.do("lambda", "Invoke", &lambda.InvokeInput{FunctionName: "f", Payload: []byte(`{"do":"pid"}`), LogType: "Tail"}).(*lambda.InvokeOutput).Payload
	c.Advance(2 * time.Minute)
	if again := w.invoke("f", `{"do":"pid"}`); !bytes.Equal(again.Payload, pid) {
		t.Errorf("a new process after two minutes: %s, %s", pid, again.Payload)
	}
	c.Advance(11 * time.Minute)
	if again := w.invoke("f", `{"do":"pid"}`); bytes.Equal(again.Payload, pid) {
		t.Error("the process outlived its idle time")
	}
}

func TestAsynchronousInvocationsTryThreeTimes(t *testing.T) {
	c := clock.NewDriven(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, c, 2)
	w.create("f", nil)
	out := w.do("lambda", "Invoke", &lambda.InvokeInput{FunctionName: "f", InvocationType: "Event", Payload: []byte(`{"do":"error"}`)}).(*lambda.InvokeOutput)
	if out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("%+v", out)
	}
	for range 2 {
		for w.lambda.Retrying() == 0 {
			runtime.Gosched()
		}
		c.Advance(3 * time.Minute)
	}
	for w.lambda.Pending() > 0 {
		runtime.Gosched()
	}
	if n := strings.Count(w.lines("/aws/lambda/f"), "REPORT RequestId"); n != 3 {
		t.Errorf("%d attempts", n)
	}
}

func TestFunctionsAreChecked(t *testing.T) {
	w := newWorld(t, clock.Real{}, 2)
	code, err := zipOf("bootstrap", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	base := func() map[string]any {
		return map[string]any{"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": silentARN, "Code": map[string]any{"ZipFile": code}}
	}
	for _, c := range []struct {
		change map[string]any
		want   string
	}{
		{map[string]any{"FunctionName": "a b"}, "ValidationException"},
		{map[string]any{"Runtime": "nodejs22.x"}, "InvalidParameterValueException"},
		{map[string]any{"MemorySize": 127}, "Member must have value between 128 and 10240"},
		{map[string]any{"Timeout": 901}, "Member must have value between 1 and 900"},
		{map[string]any{"Architectures": []string{"mips"}}, "ValidationException"},
		{map[string]any{"Role": "arn:aws:iam::000000000000:role/nobody"}, "InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda."},
		{map[string]any{"Role": "arn:aws:iam::000000000000:role/stranger"}, "cannot be assumed by Lambda."},
		{map[string]any{"Code": map[string]any{"ZipFile": []byte("x")}}, "Could not unzip uploaded file"},
		{map[string]any{"Layers": []string{"arn:aws:lambda:us-east-1:1:layer:x:1"}}, "does not emulate a Lambda function's Layers"},
		{map[string]any{"Environment": map[string]any{"Variables": map[string]string{"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"},
		{map[string]any{"Environment": map[string]any{"Variables": map[string]string{"BIG": strings.Repeat("x", 4096)}}}, "4KB limit"},
		{map[string]any{"Colour": "red"}, "SerializationException"},
	} {
		in := base()
		for k, v := range c.change {
			in[k] = v
		}
		if _, err := w.try("lambda", "CreateFunction", in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.change, err, c.want)
		}
	}
	w.do("lambda", "CreateFunction", base())
	if _, err := w.try("lambda", "CreateFunction", base()); dispatch.AsError(err).HTTPStatus() != 409 {
		t.Error(err)
	}
	permission := map[string]any{"FunctionName": "f", "StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", "SourceArn": "arn:aws:execute-api:us-east-1:000000000000:x/*"}
	w.do("lambda", "AddPermission", permission)
	if _, err := w.try("lambda", "AddPermission", permission); dispatch.AsError(err).Code != "ResourceConflictException" {
		t.Error(err)
	}
	for source, allowed := range map[string]bool{"arn:aws:execute-api:us-east-1:000000000000:x/prod/GET/": true, "arn:aws:execute-api:us-east-1:000000000000:y/prod/GET/": false} {
		p := dispatch.Principal{ARN: "apigateway.amazonaws.com", Service: "apigateway.amazonaws.com", SourceARN: source}
		_, err := w.d.Do(t.Context(), p, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: "f", InvocationType: "DryRun"})
		if (err == nil) != allowed {
			t.Errorf("%s: %v", source, err)
		}
	}
	w.do("lambda", "RemovePermission", map[string]any{"FunctionName": "f", "StatementId": "api"})
	if _, err := w.try("lambda", "GetPolicy", map[string]any{"FunctionName": "f"}); dispatch.AsError(err).Code != "ResourceNotFoundException" {
		t.Error(err)
	}
	w.do("lambda", "DeleteFunction", map[string]any{"FunctionName": "f"})
	if _, err := w.try("lambda", "GetFunction", map[string]any{"FunctionName": "f"}); dispatch.AsError(err).HTTPStatus() != 404 {
		t.Error(err)
	}
}

func BenchmarkInvoke(b *testing.B) {
	w := newWorld(b, clock.Real{}, 4)
	w.create("f", func(in *lambda.CreateFunctionInput) { sixty := 60; in.Timeout = &sixty })
	in := &lambda.InvokeInput{FunctionName: "f", Payload: []byte(`{"do":"echo","count":1}`)}
	b.ReportAllocs()
	b.SetParallelism(2) // four at a time on two cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if out, err := w.try("lambda", "Invoke", in); err != nil || out.(*lambda.InvokeOutput).FunctionError != "" {
				b.Error(out, err)
				return
			}
		}
	})
}
