package stepfunctions

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	account = "111111111111"
	role    = "arn:aws:iam::111111111111:role/workflow"
)

// rules is an authorizer that denies what it is told to and lets everybody assume every other role.
type rules struct {
	mu     sync.Mutex
	denied map[string]bool // actions, and ARNs of roles that nobody may assume
	asked  []string        // action by principal
}

func (r *rules) Authorize(_ context.Context, c *dispatch.Call, permission string, resources []string, _ []dispatch.ResourcePolicy) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, permission+" "+c.Principal.ARN)
	if r.denied[permission] {
		return &dispatch.Error{Code: "AccessDeniedException", Status: 403, Message: "User: " + c.Principal.ARN + " is not authorized to perform: " + permission + " on resource: " + strings.Join(resources, ", ")}
	}
	return nil
}

func (r *rules) Assume(_ context.Context, by dispatch.Principal, roleARN, session string) (dispatch.Principal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.denied[roleARN] {
		return dispatch.Principal{}, dispatch.Errorf("AccessDenied", "not authorized to perform: sts:AssumeRole")
	}
	return dispatch.Principal{ARN: strings.Replace(strings.Replace(roleARN, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/session", RoleARN: roleARN}, nil
}

func (r *rules) deny(what string, deny bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied[what] = deny
}

type sendInput struct{ QueueUrl, MessageBody string }
type sendOutput struct{ MessageId, MD5OfMessageBody string }

// world is Step Functions with the services that its executions call, played by the test.
type world struct {
	*testing.T
	d     *dispatch.Dispatcher
	clock *clock.Driven
	rules *rules
	s     *Service

	function func(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error)
	invoked  atomic.Int64

	mu       sync.Mutex
	messages []sendInput
	logged   []logs.InputLogEvent
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, st *store.Store) *world {
	t.Helper()
	return newWorldWith(t, st, func(_ context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{StatusCode: 200, ExecutedVersion: "$LATEST", Payload: in.Payload}, nil
	})
}

// newWorldWith is newWorld with what the function does, which executions that start again call at once.
func newWorldWith(t testing.TB, st *store.Store, function func(context.Context, *lambda.InvokeInput) (*lambda.InvokeOutput, error)) *world {
	t.Helper()
	w := &world{clock: clock.NewDriven(start), rules: &rules{denied: map[string]bool{}}}
	w.T, _ = t.(*testing.T)
	d := dispatch.New(w.clock, account, "us-east-1")
	d.SetAuthorizer(w.rules)
	w.d = d
	w.function = function
	dispatch.Register(d, dispatch.Operation{Service: "lambda", Action: "Invoke", Permission: "lambda:InvokeFunction"},
		dispatch.On(func(_ *dispatch.Call, in *lambda.InvokeInput) []string { return []string{in.FunctionName} }),
		func(ctx context.Context, _ *dispatch.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			w.invoked.Add(1)
			return w.function(ctx, in)
		})
	dispatch.Register(d, dispatch.Operation{Service: "sqs", Action: "SendMessage"},
		dispatch.On(func(_ *dispatch.Call, in *sendInput) []string { return []string{in.QueueUrl} }),
		func(_ context.Context, _ *dispatch.Call, in *sendInput) (*sendOutput, error) {
			if strings.HasSuffix(in.QueueUrl, "/none") {
				return nil, dispatch.Errorf("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.messages = append(w.messages, *in)
			return &sendOutput{"id", "md5"}, nil
		})
	dispatch.Register(d, dispatch.Operation{Service: "logs", Action: "DescribeLogGroups"}, dispatch.Anywhere[logs.DescribeLogGroupsInput](),
		func(context.Context, *dispatch.Call, *logs.DescribeLogGroupsInput) (*logs.DescribeLogGroupsOutput, error) {
			return &logs.DescribeLogGroupsOutput{LogGroups: []logs.LogGroup{{LogGroupName: "/aws/vendedlogs/states/m"}}}, nil
		})
	dispatch.Register(d, dispatch.Operation{Service: "logs", Action: "PutResourcePolicy"}, dispatch.Anywhere[logs.PutResourcePolicyInput](),
		func(context.Context, *dispatch.Call, *logs.PutResourcePolicyInput) (*logs.PutResourcePolicyOutput, error) {
			return &logs.PutResourcePolicyOutput{}, nil
		})
	dispatch.Register(d, dispatch.Operation{Service: "logs", Action: "CreateLogStream"}, dispatch.Anywhere[logs.StreamInput](),
		func(context.Context, *dispatch.Call, *logs.StreamInput) (*Empty, error) { return &Empty{}, nil })
	dispatch.Register(d, dispatch.Operation{Service: "logs", Action: "PutLogEvents"}, dispatch.Anywhere[logs.PutLogEventsInput](),
		func(_ context.Context, _ *dispatch.Call, in *logs.PutLogEventsInput) (*logs.PutLogEventsOutput, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.logged = append(w.logged, in.LogEvents...)
			return &logs.PutLogEventsOutput{}, nil
		})
	s, err := New(d, st)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	w.s = s
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// do makes a call as root and fails the test when it is refused.
func do[Out any](w *world, action string, in any) *Out {
	w.Helper()
	out, err := dispatch.Do[Out](context.Background(), w.d, w.d.Root(), "states", action, in)
	if err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return out
}

// refusal makes a call as root and returns the error's code and text.
func refusal(w *world, action string, in any) string {
	w.Helper()
	_, err := w.d.Do(context.Background(), w.d.Root(), "states", action, in)
	if err == nil {
		return "accepted"
	}
	e := dispatch.AsError(err)
	return e.Code + ": " + e.Message
}

func create(w *world, name, kind, definition string) string {
	w.Helper()
	return do[CreateStateMachineOutput](w, "CreateStateMachine", &CreateStateMachineInput{Name: name, Type: kind, RoleArn: role, Definition: definition}).StateMachineArn
}

func begin(w *world, machineARN, name, input string) string {
	w.Helper()
	return do[StartExecutionOutput](w, "StartExecution", &StartExecutionInput{StateMachineArn: machineARN, Name: name, Input: input}).ExecutionArn
}

func describe(w *world, arn string) *DescribeExecutionOutput {
	w.Helper()
	return do[DescribeExecutionOutput](w, "DescribeExecution", &ExecutionInput{ExecutionArn: arn})
}

// settle waits until nothing can go on without more time.
func (w *world) settle() {
	if err := w.s.pool.wait(context.Background(), 0); err != nil {
		w.Fatal(err)
	}
}

// pass moves the clock in steps, letting everything settle after each.
func (w *world) pass(d, step time.Duration) {
	w.settle()
	for ; d > 0; d -= step {
		w.clock.Advance(min(step, d))
		w.settle()
	}
}

func finished(w *world, arn, status string) *DescribeExecutionOutput {
	w.Helper()
	w.settle()
	out := describe(w, arn)
	if out.Status != status {
		w.Fatalf("%s is %s (%s: %s), want %s", arn, out.Status, deref(out.Error), deref(out.Cause), status)
	}
	return out
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func eventTypes(w *world, arn string) string {
	w.Helper()
	var types []string
	for _, ev := range historyOf(w, arn, &GetExecutionHistoryInput{}) {
		types = append(types, ev["type"].(string))
	}
	return strings.Join(types, " ")
}

func historyOf(w *world, arn string, in *GetExecutionHistoryInput) []map[string]any {
	w.Helper()
	in.ExecutionArn = arn
	text, err := json.Marshal(do[GetExecutionHistoryOutput](w, "GetExecutionHistory", in))
	if err != nil {
		w.Fatal(err)
	}
	var out struct{ Events []map[string]any }
	if err := json.Unmarshal(text, &out); err != nil {
		w.Fatalf("%v: %s", err, text)
	}
	return out.Events
}

// without parses JSON and removes members of its top level.
func without(w *world, text string, names ...string) string {
	w.Helper()
	v, err := jsonvalue.Parse(text)
	if err != nil {
		w.Fatalf("%v: %s", err, text)
	}
	for _, name := range names {
		v.(*jsonvalue.Object).Delete(name)
	}
	return jsonvalue.Text(v)
}

func failing(errorType, message string) func(context.Context, *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	return func(context.Context, *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		payload, err := json.Marshal(map[string]string{"errorMessage": message, "errorType": errorType})
		return &lambda.InvokeOutput{StatusCode: 200, FunctionError: "Unhandled", Payload: payload}, err
	}
}
