package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/rogpeppe/go-internal/testscript"
)

// asProgram in the environment makes the test binary be the program: the embedded AWS runs as a process of its own.
const asProgram = "CAREPATH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	fuzzWorker := len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "-test.")
	if os.Getenv(asProgram) != "" && !fuzzWorker {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){"carepath": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }})
}

// local is a deployed local stack of a test's own.
type local struct {
	home, port string
	outputs    map[string]string
}

// carepath runs a command and returns its standard output; it must end with the exit code.
func carepath(t testing.TB, exit int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(args, strings.NewReader(""), &stdout, &stderr); code != exit {
		t.Fatalf("carepath %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, exit, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// freePort is a port on which nothing listens yet, nor on the next one, where the embedded AWS answers with TLS. It is below
// those that systems give to outgoing connections, so that no client of another test takes it meanwhile.
func freePort() (string, error) {
	for range 100 {
		port := 20_000 + 2*rand.IntN(6_000)
		free := true
		for _, p := range []int{port, port + 1} {
			listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
			if err != nil {
				free = false
				break
			}
			if err := listener.Close(); err != nil {
				return "", err
			}
		}
		if free {
			return strconv.Itoa(port), nil
		}
	}
	return "", errors.New("no two neighbouring ports are free")
}

func deployLocal(t testing.TB) *local {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: deploying needs the Pulumi CLI, which may have to be built")
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	l := &local{home: filepath.Join(t.TempDir(), "home"), port: port}
	t.Setenv(asProgram, "1")
	t.Setenv("CAREPATH_HOME", l.home)
	t.Setenv("CAREPATH_PORT", port)
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(l.home, "local", "log.txt")); err == nil && t.Failed() {
			t.Logf("the embedded AWS's log:\n%s", log)
		}
		carepath(t, exitDone, "local", "reset", "--yes")
	})
	l.up(t)
	return l
}

func (l *local) up(t testing.TB) deploy.Result {
	t.Helper()
	var result deploy.Result
	if err := json.Unmarshal([]byte(carepath(t, exitDone, "up", "--json")), &result); err != nil {
		t.Fatal(err)
	}
	l.outputs = map[string]string{}
	for name, value := range result.Outputs {
		l.outputs[name] = fmt.Sprint(value)
	}
	return result
}

func (l *local) config() aws.Config {
	endpoint := "http://127.0.0.1:" + l.port
	return aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

type answer struct {
	status int
	body   string
	fields map[string]string
}

// post sends a payload to the intake.
func (l *local) post(t testing.TB, body string, headers ...string) answer {
	t.Helper()
	return l.postTo(t, "intakeUrl", body, headers...)
}

// postTo posts to the URL of an output. Whatever the status, the answer must be a JSON object of texts.
func (l *local) postTo(t testing.TB, output, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.outputs[output], strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode, body: string(text)}
	if err := json.Unmarshal(text, &a.fields); err != nil {
		t.Fatalf("POST answered %d with something that is not a JSON object of strings: %s", a.status, text)
	}
	return a
}

// input returns the input of the execution that an answer names.
func (l *local) input(t testing.TB, a answer) *jsonvalue.Object {
	t.Helper()
	if a.status != http.StatusAccepted || a.fields["status"] != "accepted" {
		t.Fatalf("not accepted: %d %s", a.status, a.body)
	}
	arn := a.fields["executionArn"]
	described, err := sfn.NewFromConfig(l.config()).DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	input, err := jsonvalue.Parse(aws.ToString(described.Input))
	if err != nil {
		t.Fatal(err)
	}
	return input.(*jsonvalue.Object)
}

// finished waits until an execution has ended.
func (l *local) finished(t testing.TB, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	client := sfn.NewFromConfig(l.config())
	for {
		described, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		if described.Status != sfntypes.ExecutionStatusRunning {
			return described
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is still running", arn)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestTheLocalStack deploys once and looks at the systems in turn, then kills the embedded AWS, and at last destroys.
func TestTheLocalStack(t *testing.T) {
	l := deployLocal(t)

	t.Run("a second up changes nothing", func(t *testing.T) {
		if result := l.up(t); result.Changed() {
			t.Errorf("changes: %+v", result.Changes)
		}
	})

	t.Run("all APIs are under one domain", l.testDomain)

	t.Run("any JSON value reaches the state machine equal in value", func(t *testing.T) {
		for _, body := range []string{
			`{"hello":"it's \"me\""}`, `{}`, `[]`, `""`, `null`, `true`, `0`, `"a bare string"`, `[1,[2,[3,{"a":null}]]]`,
			`{"quotes":"' \" '' \"\" \\' \\\" \\\\' \\"}`, `{"control":"\u0000\u0001\b\f\n\r\t\u001f\u007f"}`,
			"{\"separators\":\"\u2028\u2029\",\"emoji\":\"👩‍⚕️ ☃\",\"escaped\":\"\\ud83d\\ude00\"}",
			`{"@@":"@@, @@admin@@: @@true","vtl":"$input.body #set($x=1) ${y} #end ## #* *# $","$":"#"}`,
			`{"digits":[123456789012345678901234567890,0.123456789012345678901234567890,9007199254740993.0,1e400,-0.0,1E-7]}`,
			`{"dup":{"a":{},"b":[],"":""},"slash":"</script>\/"}`,
			strings.Repeat("[", 200) + strings.Repeat("]", 200),
			" \n\t{ \"spaces\" : [ 1 , 2 ] } \n",
		} {
			want, err := jsonvalue.Parse(body)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := l.input(t, l.post(t, body)).Get("body")
			if !jsonvalue.Equal(got, want) {
				t.Errorf("posted %s\n   got %s", body, jsonvalue.Text(got))
			}
		}
	})

	t.Run("metadata comes with it and cannot be forged", func(t *testing.T) {
		nasty := `", "metadata": {"requestId": "forged"}, "x": "@@'\`
		a := l.post(t, `{"metadata":{"requestId":"forged"}}`, "X-Correlation-Id", nasty, "User-Agent", nasty, "X-Not-Listed", "hidden")
		input := l.input(t, a)
		value, _ := input.Get("metadata")
		metadata, ok := value.(*jsonvalue.Object)
		if !ok {
			t.Fatalf("no metadata in %s", jsonvalue.Text(input))
		}
		if id, _ := metadata.Get("requestId"); id == "forged" || id == "" || id == nil {
			t.Errorf("requestId is %v", id)
		}
		if ip, _ := metadata.Get("sourceIp"); ip != "127.0.0.1" {
			t.Errorf("sourceIp is %v", ip)
		}
		if text := jsonvalue.Text(metadata); strings.Contains(text, "hidden") {
			t.Errorf("a header that is not listed got in: %s", text)
		}
		if input.Len() != 2 {
			t.Errorf("more than body and metadata: %s", jsonvalue.Text(input))
		}
	})

	t.Run("what cannot be taken is refused with a reason", func(t *testing.T) {
		for _, c := range []struct {
			body    string
			headers []string
			status  int
			reason  string
		}{
			{`{"a":`, nil, 400, ""},
			{`{a:1}`, nil, 400, ""},
			{`1, "metadata": {}`, nil, 400, ""},
			{`{"a":1} x`, nil, 400, ""},
			{`{"a":1}`, []string{"Content-Type", "text/plain"}, 415, ""},
			{`"` + strings.Repeat("x", 260_000) + `"`, nil, 413, ""},
			{`"` + strings.Repeat("☃", 87_000) + `"`, nil, 413, ""},
			{`{}`, []string{"Idempotency-Key", strings.Repeat("k!", 60)}, 400, "Idempotency-Key"},
		} {
			a := l.post(t, c.body, c.headers...)
			if a.status != c.status || a.fields["message"] == "" || !strings.Contains(a.fields["message"], c.reason) {
				t.Errorf("POST %.40s %v answers %d %s, want %d", c.body, c.headers, a.status, a.body, c.status)
			}
		}
	})

	t.Run("a repeat with the same Idempotency-Key starts nothing", func(t *testing.T) {
		for _, key := range []string{"8e03978e-40d5-43dd-bc93-6894a57f9324", `"quoted key/+="`} {
			first := l.post(t, `{"n":1}`, "Idempotency-Key", key)
			l.input(t, first)
			l.finished(t, first.fields["executionArn"])
			second := l.post(t, `{"n":1}`, "Idempotency-Key", key)
			if second.status != 202 || second.fields["executionArn"] != first.fields["executionArn"] {
				t.Errorf("key %s: first %s, then %d %s", key, first.body, second.status, second.body)
			}
		}
	})

	t.Run("a failing execution lands whole in the dead-letter queue and can be redriven", func(t *testing.T) { l.testRedrive(t) })

	t.Run("users", func(t *testing.T) { l.testUsers(t) })

	t.Run("every version of a FHIR resource is told of", l.testChanges)

	t.Run("kill -9 loses nothing that was accepted", func(t *testing.T) { l.testKill(t) })

	t.Run("users with optimistic allocation", func(t *testing.T) { l.testOptimisticAllocation(t) })

	t.Run("the demo's promises hold, and it leaves nothing", l.testDemo)

	t.Run("one id is in all logs of a request", l.testCorrelation)

	t.Run("the sessions in the documents run as they stand there", func(t *testing.T) { l.runSessions(t) })

	t.Run("destroy, the last of them, leaves nothing", func(t *testing.T) {
		waitGone(t, l.port)
		if _, err := os.Stat(l.home); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", l.home, err)
		}
	})
}

func (l *local) testRedrive(t *testing.T) {
	body := `{"carepath:fail":"to see the dead-letter queue","n":123456789012345678901234567890}`
	a := l.post(t, body)
	sent := l.input(t, a)
	ended := l.finished(t, a.fields["executionArn"])
	if ended.Status != sfntypes.ExecutionStatusFailed {
		t.Fatalf("the execution ended %s", ended.Status)
	}
	queue := sqs.NewFromConfig(l.config())
	url := l.outputs["intakeDeadLetterQueueUrl"]
	got, err := queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MessageAttributeNames: []string{"All"}, VisibilityTimeout: 0})
	if err != nil || len(got.Messages) != 1 {
		t.Fatalf("dead-letter queue: %d messages, %v", len(got.Messages), err)
	}
	m := got.Messages[0]
	dead, err := jsonvalue.Parse(aws.ToString(m.Body))
	if err != nil || !jsonvalue.Equal(dead, sent) {
		t.Errorf("the dead letter is %s, want %s (%v)", aws.ToString(m.Body), jsonvalue.Text(sent), err)
	}
	if names := slices.Sorted(maps.Keys(m.MessageAttributes)); !slices.Contains(names, "ExecutionArn") || !slices.Contains(names, "Error") {
		t.Errorf("message attributes: %v", names)
	}
	if _, err := queue.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0}); err != nil {
		t.Fatal(err)
	}
	var redrive struct{ Redriven []deploy.RedrivenExecution }
	if err := json.Unmarshal([]byte(carepath(t, exitDone, "redrive", "intake", "--json")), &redrive); err != nil {
		t.Fatal(err)
	}
	if len(redrive.Redriven) != 1 || redrive.Redriven[0].FailedExecutionARN != a.fields["executionArn"] {
		t.Fatalf("redriven: %+v", redrive)
	}
	again, err := sfn.NewFromConfig(l.config()).DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &redrive.Redriven[0].ExecutionARN})
	if err != nil {
		t.Fatal(err)
	}
	if input, err := jsonvalue.Parse(aws.ToString(again.Input)); err != nil || !jsonvalue.Equal(input, sent) {
		t.Errorf("the redriven execution's input is %s (%v)", aws.ToString(again.Input), err)
	}
}

// testKill kills the embedded AWS and starts it again: executions that had ended are as they were, one that was open comes
// to its end, dead letters are where they were, and no resource has changed.
func (l *local) testKill(t *testing.T) {
	workflows := sfn.NewFromConfig(l.config())
	describe := func(arn string) *sfn.DescribeExecutionOutput {
		t.Helper()
		described, err := workflows.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		return described
	}
	var ended []*sfn.DescribeExecutionOutput
	for i := range 20 {
		a := l.post(t, fmt.Sprintf(`{"before":"kill -9","n":%d}`, i))
		l.input(t, a)
		ended = append(ended, l.finished(t, a.fields["executionArn"]))
	}
	deadLetter := l.post(t, `{"carepath:fail":"before kill -9"}`).fields["executionArn"]
	ended = append(ended, l.finished(t, deadLetter))

	// Several, because full jitter may make a back-off short.
	sent := map[string]*jsonvalue.Object{}
	for range 3 {
		a := l.post(t, `{"carepath:fail":"open at kill -9","n":1.50}`)
		sent[a.fields["executionArn"]] = l.input(t, a)
	}
	open := 0
	for arn := range sent {
		if describe(arn).Status == sfntypes.ExecutionStatusRunning {
			open++
		}
	}
	if open == 0 {
		t.Fatal("no execution is open")
	}

	user := l.postTo(t, "usersUrl", userBody("before@example.org", nil), "Idempotency-Key", "kill-9")
	users := l.records(t)
	var status deploy.LocalStatus
	if err := json.Unmarshal([]byte(carepath(t, exitDone, "local", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(status.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitGone(t, l.port)
	carepath(t, exitDone, "local", "start")

	for _, before := range ended {
		after := describe(aws.ToString(before.ExecutionArn))
		after.ResultMetadata, before.ResultMetadata = middleware.Metadata{}, middleware.Metadata{}
		if !reflect.DeepEqual(after, before) {
			t.Errorf("an execution that had ended is now %+v\nbefore: %+v", after, before)
		}
	}
	for arn, input := range sent {
		after := l.finished(t, arn)
		if got, err := jsonvalue.Parse(aws.ToString(after.Input)); err != nil || !jsonvalue.Equal(got, input) || after.Status != sfntypes.ExecutionStatusFailed {
			t.Errorf("an execution that was open ended %s with the input %s (%v)", after.Status, aws.ToString(after.Input), err)
		}
	}
	wanted := map[string]bool{deadLetter: true}
	for arn := range sent {
		wanted[arn] = true
	}
	url := l.outputs["intakeDeadLetterQueueUrl"]
	// A message that was received is hidden for a while, also when the answer was lost and the SDK has asked again.
	for deadline := time.Now().Add(time.Minute); len(wanted) > 0; {
		got, err := sqs.NewFromConfig(l.config()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MessageAttributeNames: []string{"All"}, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 3,
		})
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the dead letters of %v are not in the queue (%v)", slices.Collect(maps.Keys(wanted)), err)
		}
		for _, m := range got.Messages {
			delete(wanted, aws.ToString(m.MessageAttributes["ExecutionArn"].StringValue))
		}
	}
	if after := l.records(t); !reflect.DeepEqual(after, users) {
		t.Errorf("users after kill -9: %+v\nbefore: %+v", after, users)
	}
	l.input(t, l.post(t, `{"after":"kill -9"}`))
	if again := l.postTo(t, "usersUrl", userBody("before@example.org", nil), "Idempotency-Key", "kill-9"); l.created(t, again) != l.created(t, user) {
		t.Errorf("a user that was created before kill -9 is created again: %s, then %s", user.body, again.body)
	}
	l.created(t, l.postTo(t, "usersUrl", userBody("after@example.org", nil)))
	if result := l.up(t); result.Changed() {
		t.Errorf("up after kill -9 changes: %+v", result.Changes)
	}
}

// waitGone waits until nothing listens on the port.
func waitGone(t testing.TB, port string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		connection, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return
		}
		connection.Close()
	}
	t.Fatal("the embedded AWS still listens")
}
