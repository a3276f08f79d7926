package stepfunctions

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/store"
)

// open opens the store of a folder until the end of the test.
func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// killed is a new process on what the files of the folder hold at this moment, which is all that kill -9 leaves.
func killed(t *testing.T, dir string) *world {
	t.Helper()
	return newWorld(t, open(t, copied(t, dir)))
}

func copied(t *testing.T, dir string) string {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return left
}

// restarts are the ways in which a process ends, and what begins after it.
var restarts = map[string]func(t *testing.T, w *world, st *store.Store, dir string) *world{
	"clean stop": func(t *testing.T, w *world, st *store.Store, dir string) *world {
		if err := w.s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		return newWorld(t, open(t, dir))
	},
	"kill -9": func(t *testing.T, _ *world, _ *store.Store, dir string) *world { return killed(t, dir) },
}

func TestExecutionsSurviveTheProcess(t *testing.T) {
	for name, restart := range restarts {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			st, err := store.Open(filepath.Join(dir, "state.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close() // again, after a clean stop
			w := newWorld(t, st)
			m := create(w, "m", "", waiting)
			closed := begin(w, m, "closed", `{"a": "`+strings.Repeat("x", 100)+`"}`)
			failed := begin(w, create(w, "fails", "", `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"Wrong","Cause":"because"}}}`), "failed", "")
			w.pass(time.Minute, time.Minute)
			stopped, open := begin(w, m, "stopped", ""), begin(w, m, "open", `{"b":1}`)
			do[StopExecutionOutput](w, "StopExecution", &StopExecutionInput{ExecutionArn: stopped, Error: "Enough"})
			var want []string
			for _, arn := range []string{closed, failed, stopped} {
				want = append(want, fmt.Sprintf("%+v", shown(w, arn)))
			}

			w = restart(t, w, st, dir)
			for i, arn := range []string{closed, failed, stopped} {
				if got := fmt.Sprintf("%+v", shown(w, arn)); got != want[i] {
					t.Errorf("%s\nwant %s", got, want[i])
				}
			}
			if got := refusal(w, "StartExecution", &StartExecutionInput{StateMachineArn: m, Name: "closed"}); !strings.HasPrefix(got, "ExecutionAlreadyExists") {
				t.Error(got)
			}
			if again := begin(w, m, "open", `{"b":1}`); again != open {
				t.Errorf("a repeated start began %s", again)
			}
			list := do[ListExecutionsOutput](w, "ListExecutions", &ListExecutionsInput{StateMachineArn: m})
			if len(list.Executions) != 3 || list.Executions[0].Name != "open" || list.Executions[2].Name != "closed" {
				t.Errorf("%+v", list)
			}
			finished(w, open, running)
			w.pass(time.Minute, time.Minute)
			if out := finished(w, open, succeeded); *out.Output != `{"b":1}` {
				t.Error(*out.Output)
			}
		})
	}
}

// shown is all that the API shows of an execution, with texts in the place of pointers.
func shown(w *world, arn string) []any {
	d := *describe(w, arn)
	texts := []any{deref(d.Output), deref(d.Error), deref(d.Cause), d.StopDate.UnixMilli(), d.StartDate.UnixMilli(), d.Input, d.Status}
	return append(texts, historyOf(w, arn, &GetExecutionHistoryInput{}))
}

func TestWhatEndedIsNotRunAgain(t *testing.T) {
	for _, kind := range []string{"STANDARD", "EXPRESS"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			w := newWorld(t, open(t, dir))
			m := create(w, "m", kind, intake)
			for i := range 20 {
				begin(w, m, fmt.Sprint("ended", i), "{}")
			}
			w.settle()
			w.function = failing("Transient", "not yet")
			begin(w, m, "backing-off", `{"patient":"p"}`)
			w.settle()
			again := make(chan string, 1)
			w = newWorldWith(t, open(t, copied(t, dir)), func(_ context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
				again <- string(in.Payload)
				return &lambda.InvokeOutput{StatusCode: 200, Payload: in.Payload}, nil
			})
			w.settle()
			if n := w.invoked.Load(); n != 1 || <-again != `{"patient":"p"}` {
				t.Errorf("%d invocations after the restart, want that of the open execution", n)
			}
		})
	}
}

func TestNothingOfADeletedMachineComesBack(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, open(t, dir))
	m := create(w, "m", "", waiting)
	ended := begin(w, m, "ended", "")
	w.pass(time.Minute, time.Minute)
	begin(w, m, "open", "")
	do[Empty](w, "DeleteStateMachine", &StateMachineInput{StateMachineArn: m})

	after := killed(t, dir) // while it is being deleted
	create(after, "m", "", waiting)
	if got := refusal(after, "DescribeExecution", &ExecutionInput{ExecutionArn: ended}); !strings.HasPrefix(got, "ExecutionDoesNotExist") {
		t.Error(got)
	}

	w.pass(time.Minute, time.Minute)
	create(w, "m", "", waiting)
	begin(w, m, "new", "")
	after = killed(t, dir)
	list := do[ListExecutionsOutput](after, "ListExecutions", &ListExecutionsInput{StateMachineArn: m})
	if len(list.Executions) != 1 || list.Executions[0].Name != "new" {
		t.Errorf("%+v", list)
	}
}

func TestAnOpenExecutionKeepsItsDefinition(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, open(t, dir))
	m := create(w, "m", "", waiting)
	arn := begin(w, m, "old", "1")
	for _, result := range []string{"2", "3"} {
		do[UpdateStateMachineOutput](w, "UpdateStateMachine", &UpdateStateMachineInput{StateMachineArn: m,
			Definition: `{"StartAt":"P","States":{"P":{"Type":"Pass","Result":` + result + `,"End":true}}}`})
	}
	w = killed(t, dir)
	newer := begin(w, m, "new", "1")
	if out := finished(w, newer, succeeded); *out.Output != "3" {
		t.Error(*out.Output)
	}
	finished(w, arn, running)
	w.pass(time.Minute, time.Minute)
	if out := finished(w, arn, succeeded); *out.Output != "1" {
		t.Error(*out.Output)
	}
	if err := w.s.journal.Flush(); err != nil {
		t.Fatal(err)
	}
	for r, err := range w.s.journal.All() {
		if err != nil || strings.HasPrefix(r.Key, revisionKey) {
			t.Errorf("%s is left, %v", r.Key, err)
		}
	}
}

func TestEvictedExecutionsLeaveTheJournal(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, open(t, dir))
	m := create(w, "m", "", passing)
	input := `"` + strings.Repeat("x", maxDataBytes-2) + `"`
	var starts sync.WaitGroup
	for i := range 400 {
		starts.Go(func() { begin(w, m, fmt.Sprint("e", i), input) })
	}
	starts.Wait()
	w.settle()
	begin(w, m, "next", `""`) // writes down the last evictions too
	w.settle()
	size := int64(0)
	if err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		size += info.Size()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if size > 2*MaxHistoryBytes+32<<20 {
		t.Errorf("%d bytes on disk", size)
	}
	count := func(w *world) int {
		return len(do[ListExecutionsOutput](w, "ListExecutions", &ListExecutionsInput{StateMachineArn: m, MaxResults: 1000}).Executions)
	}
	before := count(w)
	if after := count(killed(t, dir)); after != before {
		t.Errorf("%d executions after the kill, %d before", after, before)
	}
}
