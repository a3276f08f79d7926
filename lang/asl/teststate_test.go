package asl

import (
	"errors"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// testOf runs the test of a state to its end, answering no tasks.
func testOf(t *testing.T, definition, input string, test Test) (*Execution, *TestResult) {
	t.Helper()
	m, err := ParseState([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	test.StateName = "StateName"
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := m.Test(ExecutionInput{Input: parsedText(t, input), StartTime: now, RedriveCount: -1}, test)
	for e.Status() == Running {
		e.Run(now)
		now, _ = e.NextWake()
	}
	result, err := e.TestResult()
	if err != nil {
		t.Fatal(err)
	}
	return e, result
}

func parsedText(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonvalue.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestATestShowsTheDataAfterEveryStage(t *testing.T) {
	const task = `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","InputPath":"$.in","Parameters":{"FunctionName":"f","Payload.$":"$"},
		"ResultSelector":{"got.$":"$.Payload"},"ResultPath":"$.out","OutputPath":"$.out.got","Next":"After"}`
	e, r := testOf(t, task, `{"in":1}`, Test{Mock: &MockAnswer{Result: parsedText(t, `{"Payload":"yes"}`)}})
	if r.Status != TestSucceeded || r.NextState != "After" || e.OutputText() != `"yes"` {
		t.Errorf("%s, next %q, output %s", r.Status, r.NextState, e.OutputText())
	}
	want := `{"input":{"in":1},"afterInputPath":1,"afterParameters":{"FunctionName":"f","Payload":1},"result":{"Payload":"yes"},` +
		`"afterResultSelector":{"got":"yes"},"afterResultPath":{"in":1,"out":{"got":"yes"}}}`
	if got := jsonvalue.Text(r.Stages); got != want {
		t.Errorf("stages:\n%s\nwant:\n%s", got, want)
	}
}

func TestATestedErrorMeetsTheRetrierAndThenTheCatcher(t *testing.T) {
	const task = `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},
		"Retry":[{"ErrorEquals":["Other"]},{"ErrorEquals":["Busy"],"IntervalSeconds":2,"BackoffRate":3,"MaxAttempts":2}],
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught","ResultPath":"$.error"}],"End":true}`
	busy := &MockAnswer{Failed: true, Error: "Busy", Cause: "later"}
	_, r := testOf(t, task, `{}`, Test{Mock: busy, Attempts: 1})
	if r.Status != TestRetriable || *r.RetryIndex != 1 || *r.RetryBackoff != 6*time.Second || r.CatchIndex != nil || r.NextState != "" {
		t.Errorf("with attempts left: %+v", r)
	}
	e, r := testOf(t, task, `{}`, Test{Mock: busy, Attempts: 2})
	if r.Status != TestCaughtError || *r.CatchIndex != 0 || r.RetryBackoff != nil || r.NextState != "Caught" || r.Error != "Busy" {
		t.Errorf("without attempts left: %+v", r)
	}
	if want := `{"error":{"Error":"Busy","Cause":"later"}}`; e.OutputText() != want {
		t.Errorf("output %s, want %s", e.OutputText(), want)
	}
}

func TestATestedMapCountsItsFailures(t *testing.T) {
	const state = `{"Type":"Map","ItemsPath":"$.all","ItemSelector":{"v.$":"$$.Map.Item.Value"},"ToleratedFailurePercentage":50,"MaxConcurrency":3,
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}`
	mock := &MockAnswer{Result: parsedText(t, `[1,2]`)}
	_, r := testOf(t, state, `{"all":["a","b"]}`, Test{Mock: mock, Failures: 1})
	if want := `{"input":{"all":["a","b"]},"afterInputPath":{"all":["a","b"]},"afterItemsPath":["a","b"],"maxConcurrency":3,"toleratedFailurePercentage":50,` +
		`"afterItemSelector":[{"v":"a"},{"v":"b"}],"afterResultSelector":[1,2],"afterResultPath":[1,2]}`; r.Status != TestSucceeded || jsonvalue.Text(r.Stages) != want {
		t.Errorf("%s, stages:\n%s\nwant:\n%s", r.Status, jsonvalue.Text(r.Stages), want)
	}
	_, r = testOf(t, state, `{"all":["a","b"]}`, Test{Mock: mock, Failures: 2})
	if r.Status != TestFailed || r.Error != "States.ExceedToleratedFailureThreshold" {
		t.Errorf("with all failed: %+v", r)
	}
	m, err := ParseState([]byte(state))
	if err != nil {
		t.Fatal(err)
	}
	e := m.Test(ExecutionInput{Input: parsedText(t, `{"all":[]}`)}, Test{StateName: "StateName", Mock: mock, Failures: 1})
	e.Run(time.Time{})
	if _, err := e.TestResult(); !errors.Is(err, ErrTooManyFailures) {
		t.Errorf("more failures than iterations: %v", err)
	}
}

func TestATestHasTheVariablesAndTheContextGiven(t *testing.T) {
	variables, given := parsedText(t, `{"n":41}`).(*jsonvalue.Object), parsedText(t, `{"State":{"Name":"Mine"}}`).(*jsonvalue.Object)
	e, r := testOf(t, `{"Type":"Pass","QueryLanguage":"JSONata","Output":"{% $states.context.State.Name & $n %}","Assign":{"n":"{% $n + 1 %}"},"End":true}`, `{}`,
		Test{Variables: variables, Context: given})
	if v, _ := r.Stages.Get("variables"); e.OutputText() != `"Mine41"` || jsonvalue.Text(v) != `{"n":42}` {
		t.Errorf("output %s, stages %s", e.OutputText(), jsonvalue.Text(r.Stages))
	}
}
