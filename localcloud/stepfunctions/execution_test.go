package stepfunctions

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	passing = `{"StartAt":"Pass","States":{"Pass":{"Type":"Pass","End":true}}}`
	waiting = `{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":60,"End":true}}}`
	// intake is a handler with retries whose failures end in a dead-letter queue.
	intake = `{"StartAt":"Handle","States":{
		"Handle":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"handler","Payload.$":"$"},
			"Retry":[{"ErrorEquals":["Lambda.TooManyRequestsException","Transient"],"IntervalSeconds":2,"MaxAttempts":3,"BackoffRate":2}],
			"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.failure","Next":"DeadLetter"}],"End":true},
		"DeadLetter":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"https://sqs/dead","MessageBody.$":"$"},"Next":"Failed"},
		"Failed":{"Type":"Fail","Error":"Handled","Cause":"in the dead-letter queue"}}}`
)

func TestRetriesBackOffOnTheClockAndTheLastErrorIsCaught(t *testing.T) {
	w := newWorld(t, store.Memory())
	var at []time.Duration
	w.function = func(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		at = append(at, w.clock.Now().Sub(start))
		if len(at) == 1 {
			return nil, &dispatch.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: 429}
		}
		return failing("Transient", "try again")(ctx, in)
	}
	arn := begin(w, create(w, "intake", "", intake), "one", `{"n": 1.50}`)
	w.pass(20*time.Second, time.Second)
	out := finished(w, arn, failed)
	if got := fmt.Sprint(at); got != "[0s 2s 6s 14s]" {
		t.Errorf("invocations at %s", got)
	}
	if deref(out.Error) != "Handled" || out.Input != `{"n": 1.50}` {
		t.Errorf("%s, input %s", deref(out.Error), out.Input)
	}
	want := `{"n":1.50,"failure":{"Error":"Transient","Cause":"{\"errorMessage\":\"try again\",\"errorType\":\"Transient\"}"}}`
	if len(w.messages) != 1 || w.messages[0].MessageBody != want {
		t.Errorf("dead letters: %v, want %s", w.messages, want)
	}
}

func TestServiceErrorsHaveAWSNamesAndCauses(t *testing.T) {
	w := newWorld(t, store.Memory())
	task := func(resource, parameters string) string {
		return fmt.Sprintf(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":%q,"Parameters":%s,"End":true}}}`, resource, parameters)
	}
	throttled := func(context.Context, *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return nil, &dispatch.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: 429}
	}
	for i, c := range []struct {
		definition  string
		function    func(context.Context, *lambda.InvokeInput) (*lambda.InvokeOutput, error)
		deny        string
		name, cause string // the cause's begin
	}{
		{definition: task("arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`), function: throttled,
			name: "Lambda.TooManyRequestsException", cause: "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: "},
		{definition: task("arn:aws:states:::aws-sdk:lambda:invoke", `{"FunctionName":"f"}`), function: throttled,
			name: "Lambda.TooManyRequestsException", cause: "Rate Exceeded. (Service: Lambda, Status Code: 429, Request ID: "},
		{definition: task("arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`), deny: "lambda:InvokeFunction",
			name: "Lambda.AWSLambdaException", cause: "User: arn:aws:sts::111111111111:assumed-role/workflow/session is not authorized to perform: lambda:InvokeFunction on resource: f (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: "},
		{definition: task("arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"m"}`), deny: "sqs:SendMessage",
			name: "SQS.AmazonSQSException", cause: "User: "},
		{definition: task("arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"https://sqs/none","MessageBody":"m"}`),
			name: "SQS.QueueDoesNotExistException", cause: "The specified queue does not exist. (Service: AmazonSQS; Status Code: 400; "},
		{definition: task("arn:aws:states:::aws-sdk:sqs:sendMessage", `{"QueueUrl":"https://sqs/none","MessageBody":"m"}`),
			name: "Sqs.QueueDoesNotExistException", cause: "The specified queue does not exist. (Service: Sqs, Status Code: 400, Request ID: "},
		{definition: task("arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"m","Colour.$":"$$.State.Name"}`),
			name: "States.Runtime", cause: `The Parameters '{"QueueUrl":"q","MessageBody":"m","Colour":"T"}' could not be used to start the Task: [The field "Colour" is not supported by Step Functions]`},
		{definition: task("arn:aws:states:::aws-sdk:sfn:sendTaskSuccess", `{"TaskToken":"none","Output":"{}"}`),
			name: "Sfn.InvalidTokenException", cause: "Invalid Token: 'Invalid token' (Service: Sfn, Status Code: 400, Request ID: "},
		{definition: task("arn:aws:states:::states:startExecution", `{"StateMachineArn":"arn:aws:states:us-east-1:111111111111:stateMachine:none"}`),
			name: "StepFunctions.StateMachineDoesNotExistException", cause: "State Machine Does Not Exist: 'arn:aws:states:us-east-1:111111111111:stateMachine:none' (Service: AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist; Request ID: "},
		{definition: task("arn:aws:lambda:us-east-1:111111111111:function:f", `{}`), function: failing("Sandbox.Timedout", "Task timed out"),
			name: "Sandbox.Timedout", cause: `{"errorMessage":"Task timed out","errorType":"Sandbox.Timedout"}`},
	} {
		if c.function != nil {
			w.function = c.function
		}
		w.rules.deny(c.deny, true)
		arn := begin(w, create(w, fmt.Sprint("m", i), "", c.definition), "", "")
		out := finished(w, arn, failed)
		w.rules.deny(c.deny, false)
		if deref(out.Error) != c.name || !strings.HasPrefix(deref(out.Cause), c.cause) {
			t.Errorf("%d: %s: %s\nwant %s: %s", i, deref(out.Error), deref(out.Cause), c.name, c.cause)
		}
	}
}

func TestResults(t *testing.T) {
	w := newWorld(t, store.Memory())
	for i, c := range []struct{ resource, parameters, want string }{
		{"arn:aws:lambda:us-east-1:111111111111:function:f", `{"a":[1,2.50]}`, `{"a":[1,2.50]}`},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f","Payload":"[\"text\"]"}`, `{"ExecutedVersion":"$LATEST","Payload":["text"],"StatusCode":200}`},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`, `{"ExecutedVersion":"$LATEST","Payload":{},"StatusCode":200}`},
		{"arn:aws:states:::aws-sdk:lambda:invoke", `{"FunctionName":"f","Payload":{"b":1}}`, `{"StatusCode":200,"ExecutedVersion":"$LATEST","Payload":"{\"b\":1}"}`},
		{"arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"q","MessageBody":{"x":1}}`, `{"MessageId":"id","MD5OfMessageBody":"md5"}`},
		{"arn:aws:states:::aws-sdk:sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"m"}`, `{"MessageId":"id","Md5OfMessageBody":"md5"}`},
	} {
		definition := fmt.Sprintf(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":%q,"Parameters":%s,"End":true}}}`, c.resource, c.parameters)
		arn := begin(w, create(w, fmt.Sprint("m", i), "", definition), "", "")
		out := finished(w, arn, succeeded)
		if got := without(w, *out.Output, "SdkHttpMetadata", "SdkResponseMetadata"); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.resource, c.parameters, got, c.want)
		}
	}
	if w.messages[0].MessageBody != `{"x":1}` {
		t.Errorf("the message's body is %s", w.messages[0].MessageBody)
	}
}

func TestNamesAreIdempotent(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := create(w, "m", "", waiting)
	arn := begin(w, m, "one", `{"a":1}`)
	w.clock.Advance(time.Second)
	same := do[StartExecutionOutput](w, "StartExecution", &StartExecutionInput{StateMachineArn: m, Name: "one", Input: `{"a":1}`})
	if same.ExecutionArn != arn || !same.StartDate.Equal(start) {
		t.Errorf("%+v", same)
	}
	exists := "ExecutionAlreadyExists: Execution Already Exists: '" + arn + "'"
	if got := refusal(w, "StartExecution", &StartExecutionInput{StateMachineArn: m, Name: "one", Input: `{"a":2}`}); got != exists {
		t.Error(got)
	}
	w.pass(2*time.Minute, time.Minute)
	finished(w, arn, succeeded)
	if got := refusal(w, "StartExecution", &StartExecutionInput{StateMachineArn: m, Name: "one", Input: `{"a":1}`}); got != exists {
		t.Error(got)
	}
	x := create(w, "x", "EXPRESS", passing)
	if a, b := begin(w, x, "one", ""), begin(w, x, "one", ""); a == b || !strings.HasPrefix(a, "arn:aws:states:us-east-1:111111111111:express:x:one:") {
		t.Errorf("Express executions %s and %s", a, b)
	}
}

func TestStartRefuses(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := create(w, "m", "", passing)
	for want, in := range map[string]*StartExecutionInput{
		"InvalidName: Invalid Name: 'a b'":                                {StateMachineArn: m, Name: "a b"},
		"InvalidExecutionInput: Invalid State Machine Execution Input: '": {StateMachineArn: m, Input: `{"a":`},
		"ValidationException: 1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144": {StateMachineArn: m, Input: `"` + strings.Repeat("x", maxDataBytes-1) + `"`},
		"StateMachineDoesNotExist: State Machine Does Not Exist: '" + m + "x'":                                                                                  {StateMachineArn: m + "x"},
		"InvalidArn: Invalid Arn: 'Invalid ARN prefix: m'":                                                                                                      {StateMachineArn: "m"},
	} {
		if got := refusal(w, "StartExecution", in); !strings.HasPrefix(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	w.clock.Advance(0)
	finished(w, begin(w, m, "", `"`+strings.Repeat("x", maxDataBytes-2)+`"`), succeeded)
}

func TestExpressSync(t *testing.T) {
	w := newWorld(t, store.Memory())
	x := create(w, "x", "EXPRESS", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:111111111111:function:f","End":true}}}`)
	out := do[StartSyncExecutionOutput](w, "StartSyncExecution", &StartSyncExecutionInput{StateMachineArn: x, Name: "n", Input: `{"a": 1}`})
	if out.Status != succeeded || *out.Output != `{"a":1}` || out.Input != `{"a": 1}` || out.BillingDetails.BilledDurationInMilliseconds != 100 {
		t.Errorf("%+v", out)
	}
	w.function = failing("Bad", "no")
	out = do[StartSyncExecutionOutput](w, "StartSyncExecution", &StartSyncExecutionInput{StateMachineArn: x})
	if out.Status != failed || out.Error != "Bad" || out.Output != nil {
		t.Errorf("%+v", out)
	}
	if got := refusal(w, "StartSyncExecution", &StartSyncExecutionInput{StateMachineArn: create(w, "m", "", passing)}); got != typeNotSupported.Error() {
		t.Error(got)
	}
	invalid := "InvalidArn: Invalid Arn: 'Resource type not valid in this context: express'"
	for _, action := range []string{"DescribeExecution", "StopExecution", "GetExecutionHistory"} {
		if got := refusal(w, action, map[string]string{"executionArn": out.ExecutionArn}); got != invalid {
			t.Errorf("%s: %s", action, got)
		}
	}
	if got := refusal(w, "ListExecutions", &ListExecutionsInput{StateMachineArn: x}); got != typeNotSupported.Error() {
		t.Error(got)
	}
}

func TestStopAndListAndDelete(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := create(w, "m", "", waiting)
	var arns []string
	for i := range 5 {
		arns = append(arns, begin(w, m, fmt.Sprint("e", i), ""))
	}
	w.settle()
	do[StopExecutionOutput](w, "StopExecution", &StopExecutionInput{ExecutionArn: arns[1], Error: "Enough", Cause: "of it"})
	if out := finished(w, arns[1], aborted); deref(out.Error) != "Enough" || deref(out.Cause) != "of it" {
		t.Errorf("%+v", out)
	}
	if got := eventTypes(w, arns[1]); got != "ExecutionStarted WaitStateEntered ExecutionAborted" {
		t.Error(got)
	}
	var names []string
	for token := ""; ; {
		page := do[ListExecutionsOutput](w, "ListExecutions", &ListExecutionsInput{StateMachineArn: m, StatusFilter: running, MaxResults: 2, NextToken: token})
		for _, e := range page.Executions {
			names = append(names, e.Name)
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "e4 e3 e2 e0" {
		t.Error(got)
	}
	do[Empty](w, "DeleteStateMachine", &DeleteStateMachineInput{StateMachineArn: m})
	if got := do[DescribeStateMachineOutput](w, "DescribeStateMachine", &StateMachineInput{StateMachineArn: m}); got.Status != "DELETING" {
		t.Error(got.Status)
	}
	if got := refusal(w, "StartExecution", &StartExecutionInput{StateMachineArn: m}); !strings.HasPrefix(got, "StateMachineDeleting") {
		t.Error(got)
	}
	w.pass(time.Minute, time.Minute)
	if got := refusal(w, "DescribeStateMachine", &StateMachineInput{StateMachineArn: m}); !strings.HasPrefix(got, "StateMachineDoesNotExist") {
		t.Error(got)
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := create(w, "m", "", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload.$":"$"},"OutputPath":"$.Payload","End":true}}}`)
	arn := begin(w, m, "", `{"long": "`+strings.Repeat("x", 100)+`"}`)
	finished(w, arn, succeeded)
	if got := eventTypes(w, arn); got != "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded" {
		t.Error(got)
	}
	events := historyOf(w, arn, &GetExecutionHistoryInput{})
	begun := events[0]["executionStartedEventDetails"].(map[string]any)
	if begun["input"] != `{"long": "`+strings.Repeat("x", 100)+`"}` || begun["roleArn"] != role || begun["inputDetails"].(map[string]any)["truncated"] != false {
		t.Errorf("%v", begun)
	}
	scheduled := events[2]["taskScheduledEventDetails"].(map[string]any)
	if scheduled["resourceType"] != "lambda" || scheduled["resource"] != "invoke" || scheduled["region"] != "us-east-1" {
		t.Errorf("%v", scheduled)
	}
	if events[2]["id"] != 3.0 || events[2]["previousEventId"] != 2.0 {
		t.Errorf("%v", events[2])
	}
	no := false
	for _, ev := range historyOf(w, arn, &GetExecutionHistoryInput{IncludeExecutionData: &no}) {
		text, err := json.Marshal(ev)
		if err != nil || strings.Contains(string(text), "xxx") {
			t.Errorf("%s %v", text, err)
		}
	}
	if last := historyOf(w, arn, &GetExecutionHistoryInput{ReverseOrder: true, MaxResults: 1}); len(last) != 1 || last[0]["type"] != "ExecutionSucceeded" {
		t.Errorf("%v", last)
	}
}

func TestTaskTokens(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := create(w, "m", "", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","TimeoutSeconds":60,
		"Parameters":{"QueueUrl":"q","MessageBody.$":"$$.Task.Token"},"End":true}}}`)
	arns := []string{begin(w, m, "", ""), begin(w, m, "", ""), begin(w, m, "", "")}
	w.settle()
	tokens := map[string]string{} // by execution
	for _, message := range w.messages {
		w.s.tokens.mu.Lock()
		tokens[w.s.tokens.all[message.MessageBody].execution.arn] = message.MessageBody
		w.s.tokens.mu.Unlock()
	}
	do[Empty](w, "SendTaskHeartbeat", &SendTaskHeartbeatInput{TaskToken: tokens[arns[0]]})
	do[Empty](w, "SendTaskSuccess", &SendTaskSuccessInput{TaskToken: tokens[arns[0]], Output: `{"ok": true}`})
	do[Empty](w, "SendTaskFailure", &SendTaskFailureInput{TaskToken: tokens[arns[1]], Error: "No", Cause: "never"})
	if out := finished(w, arns[0], succeeded); *out.Output != `{"ok":true}` {
		t.Error(*out.Output)
	}
	if got := eventTypes(w, arns[0]); got != "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskSucceeded TaskStateExited ExecutionSucceeded" {
		t.Error(got)
	}
	if out := finished(w, arns[1], failed); deref(out.Error) != "No" {
		t.Error(deref(out.Error))
	}
	w.pass(time.Minute, time.Minute)
	if out := finished(w, arns[2], failed); deref(out.Error) != "States.Timeout" {
		t.Error(deref(out.Error))
	}
	if got := refusal(w, "SendTaskSuccess", &SendTaskSuccessInput{TaskToken: tokens[arns[2]], Output: "{}"}); got != "TaskTimedOut: Task Timed Out: 'Provided task does not exist anymore'" {
		t.Error(got)
	}
	if got := refusal(w, "SendTaskSuccess", &SendTaskSuccessInput{TaskToken: "other", Output: "{}"}); got != "InvalidToken: Invalid Token: 'Invalid token'" {
		t.Error(got)
	}
}

func TestNestedExecutions(t *testing.T) {
	w := newWorld(t, store.Memory())
	child := create(w, "child", "", waiting)
	bad := create(w, "bad", "", `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"Bad","Cause":"very"}}}`)
	parent := func(name, pattern, machine string) string {
		return create(w, name, "", fmt.Sprintf(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution%s","Parameters":{"StateMachineArn":%q,"Name":%q,"Input":{"a":1}},"End":true}}}`, pattern, machine, name))
	}
	plain := begin(w, parent("plain", "", child), "", "")
	finished(w, plain, succeeded)
	text, parsed := begin(w, parent("text", ".sync", child), "", ""), begin(w, parent("parsed", ".sync:2", child), "", "")
	fails := begin(w, parent("fails", ".sync", bad), "", "")
	stops := begin(w, parent("stops", ".sync", child), "", "")
	w.settle()
	do[StopExecutionOutput](w, "StopExecution", &StopExecutionInput{ExecutionArn: stops})
	finished(w, "arn:aws:states:us-east-1:111111111111:execution:child:stops", aborted)
	w.pass(time.Minute, time.Minute)
	if out := finished(w, text, succeeded); !strings.Contains(*out.Output, `"Output":"{\"a\":1}"`) {
		t.Error(*out.Output)
	}
	if out := finished(w, parsed, succeeded); !strings.Contains(*out.Output, `"Output":{"a":1}`) {
		t.Error(*out.Output)
	}
	if out := finished(w, fails, failed); deref(out.Error) != "States.TaskFailed" || !strings.HasPrefix(deref(out.Cause), `{"Cause":"very","Error":"Bad","ExecutionArn":`) {
		t.Errorf("%s %s", deref(out.Error), deref(out.Cause))
	}
}

func TestAThousandExecutionsAtOnce(t *testing.T) {
	w := newWorld(t, store.Memory())
	var mu sync.Mutex
	now, most := 0, 0
	gate := make(chan struct{})
	w.function = func(_ context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		mu.Lock()
		if now++; now > most {
			most = now
			if most == MaxRunningTasks {
				close(gate)
			}
		}
		mu.Unlock()
		<-gate
		mu.Lock()
		now--
		mu.Unlock()
		return &lambda.InvokeOutput{StatusCode: 200, Payload: in.Payload}, nil
	}
	m := create(w, "m", "", intake)
	var starts sync.WaitGroup
	for i := range 1000 {
		starts.Go(func() { begin(w, m, fmt.Sprint("e", i), fmt.Sprintf(`{"i":%d}`, i)) })
	}
	starts.Wait()
	w.settle()
	for i := range 1000 {
		out := finished(w, fmt.Sprintf("arn:aws:states:us-east-1:111111111111:execution:m:e%d", i), succeeded)
		if !strings.Contains(*out.Output, fmt.Sprintf(`"Payload":{"i":%d}`, i)) {
			t.Errorf("e%d: %s", i, *out.Output)
		}
	}
	if most != MaxRunningTasks || w.invoked.Load() != 1000 {
		t.Errorf("%d calls at once, %d in all", most, w.invoked.Load())
	}
}

func TestExecutionLogs(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := do[CreateStateMachineOutput](w, "CreateStateMachine", &CreateStateMachineInput{Name: "m", RoleArn: role, Definition: passing, Type: "EXPRESS",
		LoggingConfiguration: &LoggingConfiguration{Level: "ALL", Destinations: []LogDestination{{&LogGroup{"arn:aws:logs:us-east-1:111111111111:log-group:/aws/vendedlogs/states/m:*"}}}}}).StateMachineArn
	arn := begin(w, m, "", `{"secret":1}`)
	w.pass(2*time.Second, time.Second)
	if len(w.logged) != 4 {
		t.Fatalf("%d events: %v", len(w.logged), w.logged)
	}
	want := fmt.Sprintf(`{"id":"1","type":"ExecutionStarted","details":{"roleArn":%q},"previous_event_id":"0","event_timestamp":"%d","execution_arn":%q,"redrive_count":"0"}`, role, start.UnixMilli(), arn)
	if got := w.logged[0].Message; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestARepeatedStartIsLoggedOnce(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := do[CreateStateMachineOutput](w, "CreateStateMachine", &CreateStateMachineInput{Name: "m", RoleArn: role, Definition: waiting,
		LoggingConfiguration: &LoggingConfiguration{Level: "ALL", IncludeExecutionData: true, Destinations: []LogDestination{{&LogGroup{"arn:aws:logs:us-east-1:111111111111:log-group:/aws/vendedlogs/states/m:*"}}}}}).StateMachineArn
	var starts sync.WaitGroup
	for range 20 {
		starts.Go(func() { begin(w, m, "one", "{}") })
	}
	starts.Wait()
	w.pass(2*time.Second, time.Second)
	if len(w.logged) != 2 || !strings.Contains(w.logged[0].Message, `"details":{"input":"{}","inputDetails":{"truncated":false},"roleArn":`) {
		t.Errorf("%v", w.logged)
	}
}
