package stepfunctions

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

const activityMachine = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:us-east-1:111111111111:activity:a","TimeoutSeconds":100,"End":true}}}`

func TestAnActivityIsWorkedOnByWhoPollsForIt(t *testing.T) {
	w := newWorld(t, store.Memory())
	activity := do[CreateActivityOutput](w, "CreateActivity", &CreateActivityInput{Name: "a"}).ActivityArn
	m := create(w, "m", "STANDARD", activityMachine)
	arn := begin(w, m, "e", `{"n":1}`)
	w.settle()
	poll := &GetActivityTaskInput{ActivityArn: activity, WorkerName: "worker"}
	task := do[GetActivityTaskOutput](w, "GetActivityTask", poll)
	if task.Input != `{"n":1}` {
		t.Errorf("the task's input is %s", task.Input)
	}
	do[Empty](w, "SendTaskSuccess", &SendTaskSuccessInput{TaskToken: task.TaskToken, Output: `"done"`})
	finished(w, arn, succeeded)
	if got, want := eventTypes(w, arn), "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivitySucceeded TaskStateExited ExecutionSucceeded"; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	polled := make(chan *GetActivityTaskOutput)
	wait := func() {
		out, err := dispatch.Do[GetActivityTaskOutput](context.Background(), w.d, w.d.Root(), "states", "GetActivityTask", poll)
		if err != nil {
			t.Error(err)
		}
		polled <- out
	}
	go wait()
	<-w.clock.Waiting()
	arn = begin(w, m, "polled", `2`)
	task = <-polled
	do[Empty](w, "SendTaskFailure", &SendTaskFailureInput{TaskToken: task.TaskToken, Error: "No", Cause: "never"})
	if out := finished(w, arn, failed); deref(out.Error) != "No" || task.Input != "2" {
		t.Errorf("%s of %s", deref(out.Error), task.Input)
	}

	arn = begin(w, m, "late", `3`)
	w.pass(100*time.Second, 50*time.Second)
	finished(w, arn, failed)
	go wait()
	<-w.clock.Waiting()
	w.pass(time.Minute, time.Minute)
	if out := <-polled; out.TaskToken != "" {
		t.Errorf("a task that nobody waits for was handed out: %+v", out)
	}
}

func TestActivitiesSurviveAndAreRefusedByTheirNames(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, st)
	do[CreateActivityOutput](w, "CreateActivity", &CreateActivityInput{Name: "b"})
	arn := do[CreateActivityOutput](w, "CreateActivity", &CreateActivityInput{Name: "a"}).ActivityArn
	if all := do[ListActivitiesOutput](w, "ListActivities", &ListInput{}).Activities; len(all) != 2 || all[0].Name != "a" {
		t.Errorf("%+v", all)
	}
	again := newWorld(t, st)
	if got := do[Activity](again, "DescribeActivity", &ActivityInput{ActivityArn: arn}); got.Name != "a" {
		t.Errorf("%+v", got)
	}
	do[Empty](again, "DeleteActivity", &ActivityInput{ActivityArn: arn})
	if got := refusal(again, "GetActivityTask", &GetActivityTaskInput{ActivityArn: arn}); got != "ActivityDoesNotExist: Activity Does Not Exist: '"+arn+"'" {
		t.Error(got)
	}
	m := create(again, "m", "STANDARD", activityMachine)
	execution := begin(again, m, "e", `{}`)
	if out := finished(again, execution, failed); deref(out.Error) != "States.Runtime" {
		t.Errorf("%s: %s", deref(out.Error), deref(out.Cause))
	}
}
