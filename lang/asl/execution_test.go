package asl

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/google/go-cmp/cmp"
)

// world performs an execution's tasks by a function and drives its time.
type world struct {
	t     *testing.T
	e     *Execution
	now   time.Time
	moved []time.Duration // how far time went before each run that followed
	lines []string        // the history
}

func begin(t *testing.T, definition, input string, change func(*ExecutionInput)) *world {
	t.Helper()
	w := &world{t: t, now: start}
	in := ExecutionInput{Input: mustJSON(t, input), StartTime: start, Name: "e",
		ARN: "arn:aws:states:eu-west-1:111111111111:execution:m:e", StateMachineName: "m",
		StateMachineARN: "arn:aws:states:eu-west-1:111111111111:stateMachine:m", RoleARN: "arn:aws:iam::111111111111:role/r",
		NewID: func() string { return "id" }}
	in.Recorder = func(e Event) {
		line := fmt.Sprintf("%d<%d %s", e.ID, e.PreviousEventID, e.Type)
		if e.Details.Len() > 0 {
			shown := jsonvalue.NewObject(e.Details.Members()...)
			for _, name := range []string{"inputDetails", "outputDetails", "assignedVariablesDetails", "roleArn"} {
				shown.Delete(name)
			}
			line += " " + jsonvalue.Text(shown)
		}
		w.lines = append(w.lines, line)
	}
	if change != nil {
		change(&in)
	}
	w.e = mustParse(t, definition).Start(in)
	return w
}

// run performs tasks and lets time pass until the execution ends.
func (w *world) run(perform func(task *Task)) {
	for w.e.Status() == Running {
		w.e.Run(w.now)
		tasks := w.e.TakeTasks()
		for _, task := range tasks {
			if perform == nil {
				w.t.Fatalf("unexpected task in %s", task.StateName)
			}
			perform(task)
		}
		if len(tasks) > 0 && w.e.Status() == Running {
			w.e.Run(w.now)
		}
		if next, ok := w.e.NextWake(); ok && len(w.e.started) == 0 {
			w.moved = append(w.moved, next.Sub(w.now))
			w.now = next
		}
	}
}

func (w *world) result() string {
	name, cause := w.e.Error()
	if w.e.Status() == Succeeded {
		return w.e.OutputText()
	}
	return string(w.e.Status()) + " " + name + ": " + cause
}

func (w *world) want(want string) {
	w.t.Helper()
	if got := w.result(); got != want {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func pass(fields, input string) (definition, in string) {
	return `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true` + fields + `}}}`, input
}

func TestDataFlow(t *testing.T) {
	prefix := "FAILED States.Runtime: An error occurred while executing the state 'P' (entered at the event id #2). "
	for _, c := range []struct{ fields, input, want string }{
		{``, `{"a":1.50}`, `{"a":1.50}`},
		{`,"InputPath":"$.a"`, `{"a":[1,2]}`, `[1,2]`},
		{`,"InputPath":null`, `{"a":1}`, `{}`},
		{`,"OutputPath":null`, `{"a":1}`, `{}`},
		{`,"OutputPath":"$.a.b"`, `{"a":{"b":"c"}}`, `"c"`},
		{`,"ResultPath":null,"Result":7`, `{"a":1}`, `{"a":1}`},
		{`,"ResultPath":"$.b.c","Result":7`, `{"a":1}`, `{"a":1,"b":{"c":7}}`},
		{`,"ResultPath":"$.a[1]","Result":7`, `{"a":[1,2,3]}`, `{"a":[1,7,3]}`},
		{`,"InputPath":"$.b","ResultPath":"$.c"`, `{"a":1,"b":2}`, `{"a":1,"b":2,"c":2}`},
		{`,"Parameters":{"x.$":"$.a","y":{"z.$":"$$.State.Name","l":[1,{"q.$":"$.a"}]}}`, `{"a":5}`, `{"x":5,"y":{"z":"P","l":[1,{"q":5}]}}`},
		{`,"Parameters":{"x.$":"$.l[*].v"}`, `{"l":[{"v":1},{"v":2}]}`, `{"x":[1,2]}`},
		{`,"Parameters":{"x.$":"$.no[1:]"}`, `{}`, `{"x":[]}`},
		{`,"Parameters":{"id.$":"$$.Execution.Id","n.$":"$$.StateMachine.Name","at.$":"$$.Execution.StartTime"}`, `{}`,
			`{"id":"arn:aws:states:eu-west-1:111111111111:execution:m:e","n":"m","at":"2026-01-02T03:04:05.000Z"}`},
		{`,"Result":{"a.$":"$.b"}`, `{}`, `{"a.$":"$.b"}`},
		{`,"Result":1,"Parameters":{"a.$":"$.no"},"InputPath":"$.no"`, `{}`, `1`},
		{`,"Parameters":{"x.$":"$.no"}`, `{"a":1}`, prefix + `The JSONPath '$.no' specified for the field 'x.$' could not be found in the input '{"a":1}'`},
		{`,"InputPath":"$.no"`, `{"a":1}`, prefix + `Invalid path '$.no' : No results for path: $['no']`},
		{`,"OutputPath":"$.no.such"`, `{"a":1}`, prefix + `Invalid path '$.no.such' : Missing property in path $['no']`},
		{`,"Parameters":{"x.$":"$no"}`, `{"a":1}`, prefix + `The JSONPath '$no' specified for the field 'x.$' could not be found in the input '{"a":1}'`},
		{`,"Parameters":{"x.$":"States.Array($.no)"}`, `{"a":1}`, prefix + `The function 'States.Array($.no)' had the following error: The JsonPath argument for the field '$.no' could not be found in the input '{"a":1}'`},
		{`,"ResultPath":"$.a.b","Result":1`, `{"a":1}`, `FAILED States.ResultPathMatchFailure: An error occurred while executing the state 'P' (entered at the event id #2). Unable to apply ReferencePath $.a.b to input {"a":1}`},
	} {
		definition, input := pass(c.fields, c.input)
		w := begin(t, definition, input, nil)
		w.run(nil)
		if got := w.result(); got != c.want {
			t.Errorf("%s of %s:\ngot  %s\nwant %s", c.fields, c.input, got, c.want)
		}
	}
}

func TestVariables(t *testing.T) {
	w := begin(t, `{"StartAt":"A","States":{
		"A":{"Type":"Pass","Assign":{"x.$":"$.x","y":2},"Next":"Swap"},
		"Swap":{"Type":"Pass","Assign":{"x.$":"$y","y.$":"$x.v"},"OutputPath":"$x","Next":"P"},
		"P":{"Type":"Parallel","Branches":[{"StartAt":"I","States":{"I":{"Type":"Pass","Assign":{"inner":1},"Parameters":{"x.$":"$x","y.$":"$y"},"End":true}}}],
			"Assign":{"all.$":"$[0].y"},"Next":"Z"},
		"Z":{"Type":"Pass","Parameters":{"all.$":"$all","in.$":"$"},"End":true}}}`, `{"x":{"v":1}}`, nil)
	w.run(nil)
	w.want(`{"all":1,"in":[{"x":2,"y":1}]}`)
}

const retried = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:111111111111:function:f",
	"Retry":[{"ErrorEquals":["A"],"IntervalSeconds":2,"MaxAttempts":4,"BackoffRate":3,"MaxDelaySeconds":20},
		{"ErrorEquals":["B"],"IntervalSeconds":10,"MaxAttempts":2,"JitterStrategy":"FULL"},
		{"ErrorEquals":["States.ALL"],"MaxAttempts":0}],
	"Catch":[{"ErrorEquals":["B"],"ResultPath":"$.error","Assign":{"name.$":"$.Error"},"Next":"C"}],"Next":"D"},
	"C":{"Type":"Pass","Parameters":{"caught.$":"$name","in.$":"$"},"End":true},"D":{"Type":"Succeed"}}}`

func TestRetryDelays(t *testing.T) {
	fails := []string{"A", "A", "B", "A", "A", "B", "B"}
	var attempts []int
	w := begin(t, retried, `{"k":1}`, func(in *ExecutionInput) { in.Rand = func() float64 { return 0.25 } })
	w.run(func(task *Task) {
		attempts = append(attempts, task.Attempt)
		w.e.FailTask(task.ID, fails[task.Attempt], "because", w.now)
	})
	// 2 and 6 s for A, a quarter of 10 s for B, 18 s and 54 s cut to 20 s for A, a quarter of 20 s for B, then no more.
	want := []time.Duration{2 * time.Second, 6 * time.Second, 2500 * time.Millisecond, 18 * time.Second, 20 * time.Second, 5 * time.Second}
	if diff := cmp.Diff(want, w.moved); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6}, attempts); diff != "" {
		t.Error(diff)
	}
	w.want(`{"caught":"B","in":{"k":1,"error":{"Error":"B","Cause":"because"}}}`)
}

func TestRetrierDelayIsBounded(t *testing.T) {
	r := retrier{interval: 99999999, backoffRate: 10, maxAttempts: 99}
	if d := r.delay(300, nil); d != maxRetryDelay*time.Second {
		t.Errorf("delay %v", d)
	}
	if math.MaxInt64/int64(time.Second) < maxRetryDelay {
		t.Error("the bound does not fit into a duration")
	}
}

func TestUncaught(t *testing.T) {
	w := begin(t, retried, `{}`, nil)
	w.run(func(task *Task) { w.e.FailTask(task.ID, "Other", "so", w.now) })
	w.want("FAILED Other: so")
}

func TestCatchNames(t *testing.T) {
	definition := func(names string) string {
		return `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","TimeoutSeconds":60,"HeartbeatSeconds":5,
			"Parameters":{"QueueUrl":"q","MessageBody.$":"$$.Task.Token"},"OutputPath":"$.no","Catch":[{"ErrorEquals":` + names + `,"Next":"C"}],"End":true},"C":{"Type":"Pass","End":true}}}`
	}
	timedOut := `{"Error":"States.Timeout","Cause":""}`
	for _, c := range []struct{ names, name, want string }{
		{`["States.ALL"]`, "X", `{"Error":"X","Cause":"c"}`},
		{`["States.TaskFailed"]`, "X", `{"Error":"X","Cause":"c"}`},
		{`["Y","X"]`, "X", `{"Error":"X","Cause":"c"}`},
		{`["x"]`, "X", `FAILED X: c`},
		{`["States.TaskFailed"]`, "", `FAILED States.Timeout: `},
		{`["States.Timeout"]`, "", timedOut},
		{`["States.HeartbeatTimeout"]`, "", timedOut},
		{`["States.ALL"]`, "", timedOut},
		{`["States.Runtime"]`, "States.Runtime", `FAILED States.Runtime: c`},
		{`["States.ALL"]`, "States.Runtime", `FAILED States.Runtime: c`},
	} {
		w := begin(t, definition(c.names), `{}`, nil)
		w.run(func(task *Task) {
			if task.TaskToken == "" || task.Parameters.(*jsonvalue.Object).Len() != 2 {
				t.Errorf("task %+v", task)
			}
			if c.name != "" {
				w.e.FailTask(task.ID, c.name, "c", w.now)
			}
		})
		w.want(c.want)
	}
}

func TestHeartbeats(t *testing.T) {
	w := begin(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:eu-west-1:111111111111:activity:a","TimeoutSeconds":30,"HeartbeatSeconds":10,"End":true}}}`, `{}`, nil)
	w.e.Run(w.now)
	task := w.e.TakeTasks()[0]
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	if !task.Deadline.Equal(at(30)) || !task.HeartbeatDeadline.Equal(at(10)) {
		t.Errorf("deadlines %v %v", task.Deadline, task.HeartbeatDeadline)
	}
	w.e.PickedUp(task.ID, "me", at(1))
	for _, s := range []int{9, 18, 27} {
		w.e.Run(at(s))
		if !w.e.Heartbeat(task.ID, at(s)) {
			t.Fatalf("not waiting at %d", s)
		}
	}
	if next, ok := w.e.NextWake(); !ok || next.After(at(30)) {
		t.Errorf("next wake %v", next)
	}
	w.e.Run(at(30))
	if task.Abandoned() != true || w.e.Complete(task.ID, nil, at(31)) || w.e.Heartbeat(task.ID, at(31)) {
		t.Error("a task that has timed out is still waited for")
	}
	w.want("FAILED States.Timeout: ")
}

func TestFailingBranchAbandonsTheOthers(t *testing.T) {
	w := begin(t, `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:111111111111:function:a","End":true}}},
		{"StartAt":"B","States":{"B":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:111111111111:function:b","End":true}}},
		{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":100,"End":true}}}],
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],"End":true},"C":{"Type":"Pass","End":true}}}`, `{}`, nil)
	w.e.Run(start)
	tasks := w.e.TakeTasks()
	if len(tasks) != 2 {
		t.Fatalf("%d tasks", len(tasks))
	}
	w.e.FailTask(tasks[1].ID, "E", "c", start)
	w.e.Run(start)
	w.want(`{"Error":"E","Cause":"c"}`)
	if !tasks[0].Abandoned() || w.e.Complete(tasks[0].ID, nil, start) {
		t.Error("the other task is not abandoned")
	}
	want := []string{"LambdaFunctionFailed", "TaskStateAborted", "TaskStateAborted", "WaitStateAborted", "ParallelStateFailed", "ParallelStateExited", "PassStateEntered"}
	var got []string
	for _, l := range w.lines[len(w.lines)-9:] {
		got = append(got, strings.Fields(l)[1])
	}
	if diff := cmp.Diff(want, got[:7]); diff != "" {
		t.Error(diff, strings.Join(w.lines, "\n"))
	}
}

func TestParallelAndMapRetry(t *testing.T) {
	for _, kind := range []string{
		`"Type":"Parallel","Branches":[{"StartAt":"I","States":{"I":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:1:function:a","End":true}}}]`,
		`"Type":"Map","ItemsPath":"$.items","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:1:function:a","End":true}}}`,
	} {
		w := begin(t, `{"StartAt":"S","States":{"S":{`+kind+`,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":3}],"End":true}}}`, `{"items":[1]}`, nil)
		n := 0
		w.run(func(task *Task) {
			if n++; n < 3 {
				w.e.FailTask(task.ID, "E", "", w.now)
			} else {
				w.e.Complete(task.ID, jsonvalue.NumberFromInt(int64(n)), w.now)
			}
		})
		w.want(`[3]`)
		if diff := cmp.Diff([]time.Duration{3 * time.Second, 6 * time.Second}, w.moved); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMapConcurrency(t *testing.T) {
	const n = 100
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprint(i)
	}
	for _, c := range []struct {
		fields string
		most   int
	}{{``, 40}, {`,"MaxConcurrency":7`, 7}, {`,"MaxConcurrency":1`, 1}, {`,"MaxConcurrency":1000`, 40}, {`,"MaxConcurrencyPath":"$$.Execution.Input[3]"`, 3}} {
		w := begin(t, `{"StartAt":"M","States":{"M":{"Type":"Map"`+c.fields+`,"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","n.$":"States.ArrayLength($)"},
			"Iterator":{"StartAt":"I","States":{"I":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:1:function:a","OutputPath":"$.v","End":true}}},"End":true}}}`,
			"["+strings.Join(items, ",")+"]", nil)
		running, most := map[uint64]*Task{}, 0
		for w.e.Status() == Running {
			w.e.Run(start)
			for _, task := range w.e.TakeTasks() {
				running[task.ID] = task
			}
			most = max(most, len(running))
			for id, task := range running {
				if want := fmt.Sprintf(`"n":%d}`, n); !strings.HasSuffix(jsonvalue.Text(task.Parameters), want) {
					t.Fatalf("parameters %s", jsonvalue.Text(task.Parameters))
				}
				w.e.Complete(id, task.Parameters, start)
				delete(running, id)
				break
			}
		}
		if most != c.most {
			t.Errorf("%s: %d tasks at once, want %d", c.fields, most, c.most)
		}
		w.want("[" + strings.Join(items, ",") + "]")
	}
}

func TestDistributedMap(t *testing.T) {
	definition := func(fields string) string {
		return `{"StartAt":"M","States":{"M":{"Type":"Map"` + fields + `,"Label":"L","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
			"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$","NumericGreaterThan":2,"Next":"F"}],"Default":"P"},"F":{"Type":"Fail","Error":"Big"},"P":{"Type":"Pass","End":true}}},"End":true}}}`
	}
	exceeded := "FAILED States.ExceedToleratedFailureThreshold: The specified tolerated failure threshold was exceeded"
	for _, c := range []struct{ fields, want string }{
		{``, exceeded},
		{`,"ToleratedFailureCount":1`, `[1,2,0]`},
		{`,"ToleratedFailurePercentage":25`, `[1,2,0]`},
		{`,"ToleratedFailurePercentage":24.9`, exceeded},
		{`,"ItemBatcher":{"MaxItemsPerBatch":3,"BatchInput":{"a":1}},"ItemSelector":{"v.$":"$$.Map.Item.Value"}`,
			`[{"BatchInput":{"a":1},"Items":[{"v":1},{"v":2},{"v":3}]},{"BatchInput":{"a":1},"Items":[{"v":0}]}]`},
	} {
		w := begin(t, definition(c.fields), `[1,2,3,0]`, nil)
		w.run(nil)
		w.want(c.want)
	}
}

func TestStopAndTimeOut(t *testing.T) {
	definition := `{"TimeoutSeconds":90,"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:1:function:a","End":true}}}`
	w := begin(t, definition, `{}`, nil)
	w.e.Run(start)
	task := w.e.TakeTasks()[0]
	w.e.Stop("Me", "enough", start.Add(time.Second))
	w.want("ABORTED Me: enough")
	if !task.Abandoned() || w.e.Waiting(task.ID) || w.e.Complete(task.ID, nil, start) {
		t.Error("the task is still waited for")
	}
	if _, ok := w.e.NextWake(); ok {
		t.Error("a stopped execution wants to go on")
	}
	if last := w.lines[len(w.lines)-1]; last != `5<0 ExecutionAborted {"error":"Me","cause":"enough"}` {
		t.Error(last)
	}

	w = begin(t, definition, `{}`, nil)
	w.run(func(*Task) {})
	w.want("TIMED_OUT States.Timeout: ")
	if w.now.Sub(start) != 90*time.Second {
		t.Errorf("timed out after %v", w.now.Sub(start))
	}
}

const loop = `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.end","IsPresent":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}}`

func TestEndlessLoops(t *testing.T) {
	e := mustParse(t, loop).Start(ExecutionInput{Input: mustJSON(t, `{}`), StartTime: start})
	for e.Status() == Running {
		e.Run(start)
	}
	if name, cause := e.Error(); name != errRuntime || cause != "The execution reached the maximum number of history events (25000)." || e.EventCount() != 25000 {
		t.Errorf("%s %s after %d events", name, cause, e.EventCount())
	}
	m, err := Parse([]byte(loop), Options{Express: true})
	if err != nil {
		t.Fatal(err)
	}
	e = m.Start(ExecutionInput{Input: mustJSON(t, `{}`), StartTime: start})
	for now := start; e.Status() == Running; now = now.Add(time.Minute) {
		e.Run(now)
		if next, ok := e.NextWake(); ok && next.After(now) {
			t.Errorf("the execution wants to wait until %v", next)
		}
	}
	if e.Status() != TimedOut {
		t.Error(e.Status())
	}
	if e := RunMock(m, mustJSON(t, `{}`), nil); e.Status() != TimedOut {
		t.Error(e.Status())
	}
}

func TestDataLimit(t *testing.T) {
	large := `"` + strings.Repeat("x", maxData) + `"`
	for resource, name := range map[string]string{
		"arn:aws:lambda:eu-west-1:1:function:a":   "arn:aws:lambda:eu-west-1:1:function:a",
		"arn:aws:states:::lambda:invoke":          "lambda",
		"arn:aws:states:::aws-sdk:lambda:invoke":  "aws-sdk:lambda",
		"arn:aws:states:eu-west-1:1:activity:act": "arn:aws:states:eu-west-1:1:activity:act",
	} {
		w := begin(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Parameters":{"FunctionName":"a"},"Resource":"`+resource+`","End":true}}}`, `{}`, nil)
		w.run(func(task *Task) { w.e.Complete(task.ID, mustJSON(t, large), w.now) })
		w.want("FAILED States.DataLimitExceeded: The state/task '" + name + "' returned a result with a size exceeding the maximum number of bytes service limit.")
	}
	half := `"` + strings.Repeat("x", maxData/2) + `"`
	w := begin(t, `{"StartAt":"P","States":{"P":{"Type":"Pass","Parameters":{"a.$":"$","b.$":"$"},"End":true}}}`, half, nil)
	w.run(nil)
	w.want("FAILED States.DataLimitExceeded: The state/task 'P' returned a result with a size exceeding the maximum number of bytes service limit.")
}

func TestTaskFields(t *testing.T) {
	w := begin(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:sendMessage","TimeoutSecondsPath":"$.t","HeartbeatSecondsPath":"$.h",
		"Credentials":{"RoleArn.$":"States.Format('arn:aws:iam::{}:role/r', $.a)"},"Parameters":{"QueueUrl":"q","MessageBody":"b"},"ResultSelector":{"id.$":"$.MessageId"},"ResultPath":"$.sent","End":true}}}`,
		`{"t":20,"h":5,"a":"1"}`, nil)
	w.run(func(task *Task) {
		if task.TimeoutSeconds != 20 || task.HeartbeatSeconds != 5 || task.CredentialsRoleARN != "arn:aws:iam::1:role/r" || task.TaskToken != "" {
			t.Errorf("%+v", task)
		}
		w.e.Complete(task.ID, mustJSON(t, `{"MessageId":"m","more":1}`), w.now)
	})
	w.want(`{"t":20,"h":5,"a":"1","sent":{"id":"m"}}`)
	want := `3<2 TaskScheduled {"resourceType":"aws-sdk:sqs","resource":"sendMessage","region":"eu-west-1","parameters":"{\"QueueUrl\":\"q\",\"MessageBody\":\"b\"}","timeoutInSeconds":20,"heartbeatInSeconds":5,"taskCredentials":{"roleArn":"arn:aws:iam::1:role/r"}}`
	if w.lines[2] != want {
		t.Errorf("%s", w.lines[2])
	}
	for _, bad := range []string{`{"t":"x","h":5,"a":"1"}`, `{"t":0,"h":5,"a":"1"}`, `{"t":1.5,"h":5,"a":"1"}`, `{"h":5,"a":"1"}`} {
		w := begin(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:sendMessage","TimeoutSecondsPath":"$.t","Parameters":{"QueueUrl":"q","MessageBody":"b"},"End":true}}}`, bad, nil)
		w.run(nil)
		if name, _ := w.e.Error(); name != errRuntime {
			t.Errorf("%s: %s", bad, w.result())
		}
	}
}

func TestMachineServesManyExecutions(t *testing.T) {
	m := mustParse(t, intake)
	input := mustJSON(t, intakeInput)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				e := m.Start(ExecutionInput{Input: input, StartTime: start})
				e.Run(start)
				for _, task := range e.TakeTasks() {
					e.Complete(task.ID, &jsonvalue.Object{}, start)
				}
				e.Run(start)
				if got := e.OutputText(); got != `{"id":"p-4711","who":"Ada Byron","at":"2026-01-02T03:04:05.000Z"}` {
					t.Errorf("%s", got)
				}
			}
		})
	}
	group.Wait()
}
