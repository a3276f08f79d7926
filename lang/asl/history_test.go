package asl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHistory has the events of a machine with a Map, a retried and a caught Task, as AWS numbers them.
func TestHistory(t *testing.T) {
	w := begin(t, `{"StartAt":"M","States":{
		"M":{"Type":"Map","MaxConcurrency":1,"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","Assign":{"v.$":"$"},"End":true}}},"Next":"T"},
		"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody.$":"$[0]"},"Retry":[{"ErrorEquals":["A"],"MaxAttempts":1}],
			"Catch":[{"ErrorEquals":["A"],"Next":"F","Assign":{"e.$":"$.Error"}}],"End":true},
		"F":{"Type":"Fail","ErrorPath":"$e"}}}`, `["x","y"]`, nil)
	w.run(func(task *Task) { w.e.FailTask(task.ID, "A", "c", w.now) })
	want := `1<0 ExecutionStarted {"input":"[\"x\",\"y\"]"}
2<0 MapStateEntered {"name":"M","input":"[\"x\",\"y\"]"}
3<2 MapStateStarted {"length":2}
4<3 MapIterationStarted {"name":"M","index":0}
5<4 PassStateEntered {"name":"I","input":"\"x\""}
6<5 PassStateExited {"name":"I","output":"\"x\"","assignedVariables":{"v":"\"x\""}}
7<6 MapIterationSucceeded {"name":"M","index":0}
8<6 MapIterationStarted {"name":"M","index":1}
9<8 PassStateEntered {"name":"I","input":"\"y\""}
10<9 PassStateExited {"name":"I","output":"\"y\"","assignedVariables":{"v":"\"y\""}}
11<10 MapIterationSucceeded {"name":"M","index":1}
12<11 MapStateSucceeded
13<11 MapStateExited {"name":"M","output":"[\"x\",\"y\"]"}
14<13 TaskStateEntered {"name":"T","input":"[\"x\",\"y\"]"}
15<14 TaskScheduled {"resourceType":"sqs","resource":"sendMessage","region":"eu-west-1","parameters":"{\"QueueUrl\":\"q\",\"MessageBody\":\"x\"}"}
16<15 TaskStarted {"resourceType":"sqs","resource":"sendMessage"}
17<16 TaskFailed {"resourceType":"sqs","resource":"sendMessage","error":"A","cause":"c"}
18<17 TaskScheduled {"resourceType":"sqs","resource":"sendMessage","region":"eu-west-1","parameters":"{\"QueueUrl\":\"q\",\"MessageBody\":\"x\"}"}
19<18 TaskStarted {"resourceType":"sqs","resource":"sendMessage"}
20<19 TaskFailed {"resourceType":"sqs","resource":"sendMessage","error":"A","cause":"c"}
21<20 TaskStateExited {"name":"T","output":"{\"Error\":\"A\",\"Cause\":\"c\"}","assignedVariables":{"e":"\"A\""}}
22<21 FailStateEntered {"name":"F","input":"{\"Error\":\"A\",\"Cause\":\"c\"}"}
23<22 ExecutionFailed {"error":"A"}`
	if diff := cmp.Diff(strings.Split(want, "\n"), w.lines); diff != "" {
		t.Error(diff)
	}
	// Numbers do not depend on whether someone listens: causes name them.
	silent := mustParse(t, retried).Start(ExecutionInput{Input: mustJSON(t, `{}`), StartTime: start})
	loud := mustParse(t, retried).Start(ExecutionInput{Input: mustJSON(t, `{}`), StartTime: start, Recorder: func(Event) {}})
	for _, e := range []*Execution{silent, loud} {
		e.Run(start)
		e.Complete(e.TakeTasks()[0].ID, nil, start)
		e.Run(start)
	}
	if silent.EventCount() != loud.EventCount() || silent.EventCount() == 0 {
		t.Errorf("%d events unheard, %d heard", silent.EventCount(), loud.EventCount())
	}
}
