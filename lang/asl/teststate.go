package asl

import (
	"errors"
	"slices"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Test is the run of one state by itself, as the API's TestState does it
// (https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html).
type Test struct {
	StateName string            // a state of the machine, or of a workflow inside of it
	Variables *jsonvalue.Object // that the state finds; nil for none
	Context   *jsonvalue.Object // the context object; nil for one like an execution's
	Mock      *MockAnswer       // what the work of a Task, Parallel or Map state ends with; nil to have it done
	Attempts  int               // that the retrier has already made which an error meets
	Failures  int               // iterations of a Map state that have failed
	ItemData  *jsonvalue.Array  // what the ItemReader of a Map state has read; nil for none
}

// TestStatus is how the test of a state ends; its text is the API's.
type TestStatus string

// The ends of a test.
const (
	TestSucceeded   TestStatus = "SUCCEEDED"
	TestFailed      TestStatus = "FAILED"
	TestRetriable   TestStatus = "RETRIABLE"    // a retrier would try again
	TestCaughtError TestStatus = "CAUGHT_ERROR" // a catcher has handled the error
)

// TestResult is what came of a test.
type TestResult struct {
	Status       TestStatus
	Error, Cause string // of an error, also of one that is caught or would be retried
	NextState    string // "" when there is none
	// Stages holds the state's data after every stage of its work, under the names that the API has for them: input,
	// afterInputPath, afterParameters and so on, and the numbers maxConcurrency, toleratedFailureCount and
	// toleratedFailurePercentage of a Map state.
	Stages *jsonvalue.Object
	// CatchIndex, RetryIndex and RetryBackoff are the catcher and the retrier that the error has met and the time that
	// the retrier would wait; nil when there is none.
	CatchIndex, RetryIndex *int
	RetryBackoff           *time.Duration
}

// ErrTooManyFailures says that a test has more failed iterations than its Map state has iterations.
var ErrTooManyFailures = errors.New("Map iteration failure count must be less than or equal to the number of Map iterations")

// testRun is a test under way. Its state is the one of the execution's only thread.
type testRun struct {
	Test
	result  TestResult
	invalid error
}

// testTimeout is how long a state may be tested.
const testTimeout = 5 * time.Minute

// Test begins the test of a state, which is driven as an execution is. Once it is terminal, [Execution.TestResult] has
// what came of it, and [Execution.Output] the state's output. The state must exist: see [Machine.Describe].
func (m *Machine) Test(in ExecutionInput, test Test) *Execution {
	e := m.Start(in)
	e.deadline = in.StartTime.Add(testTimeout)
	e.test = &testRun{Test: test}
	e.test.result.Stages = jsonvalue.NewObject(jsonvalue.Member{Name: "input", Value: in.Input})
	e.root.state = m.root.search(test.StateName)
	e.root.retryCount = test.Attempts
	for name, v := range test.Variables.All() {
		e.root.scope.set(name, v)
	}
	return e
}

// TestResult returns what came of a test that is terminal. The error says that the test does not fit the state.
func (e *Execution) TestResult() (*TestResult, error) {
	r := &e.test.result
	if e.status == TimedOut {
		r.Status, r.Error = TestFailed, errTimeout
	}
	return r, e.test.invalid
}

// search finds a state in a workflow and those inside of it.
func (w *workflow) search(name string) *state {
	var found *state
	w.walk(func(s *state) {
		if found == nil && s.name == name {
			found = s
		}
	})
	return found
}

// StateDescription is what can be known of a state without running it.
type StateDescription struct {
	Type          string   // the definition's
	Resource      Resource // of a Task state
	ResourceText  string   // as in the definition
	Branches      int      // of a Parallel state
	ReadsItems    bool     // a Map state has an ItemReader
	WritesResults bool     // a Map state has a ResultWriter
	Inside        []string // the names of the states inside of it
}

// Describe returns what a state is, wherever in the machine it stands, and false when there is none of the name.
func (m *Machine) Describe(name string) (StateDescription, bool) {
	s := m.root.search(name)
	if s == nil {
		return StateDescription{}, false
	}
	d := StateDescription{Type: s.kind, Branches: len(s.behaviour.workflows())}
	switch b := s.behaviour.(type) {
	case *taskState:
		d.Resource, d.ResourceText = b.resource, b.resourceText
	case *mapState:
		d.ReadsItems, d.WritesResults = b.reader != nil, b.writes
	}
	for _, w := range s.behaviour.workflows() {
		w.walk(func(inner *state) { d.Inside = append(d.Inside, inner.name) })
	}
	return d, true
}

// loneState is the name that TestState gives to a state without a machine around it.
const loneState = "StateName"

// ParseState parses the definition of a single state, with stand-ins for the states that it names. The machine has it
// under the name "StateName". The errors are those of [Parse].
func ParseState(definition []byte) (*Machine, error) {
	v, err := jsonvalue.Parse(definition)
	if err != nil {
		return nil, &ValidationError{Diagnostics: []Diagnostic{invalidJSON(string(definition), err)}}
	}
	states := &jsonvalue.Object{}
	states.Set(loneState, v)
	if o, ok := v.(*jsonvalue.Object); ok {
		for _, target := range targetsOf(o) {
			if _, has := states.Get(target); !has && target != "" {
				states.Set(target, jsonvalue.NewObject(jsonvalue.Member{Name: "Type", Value: "Succeed"}))
			}
		}
	}
	doc := jsonvalue.NewObject(jsonvalue.Member{Name: "StartAt", Value: loneState}, jsonvalue.Member{Name: "States", Value: states})
	return Parse(jsonvalue.Append(nil, doc), Options{})
}

// inspect notes the data after a stage of the work of a state that is tested.
func (t *thread) inspect(stage string, v any) {
	if t.e.test != nil {
		t.e.test.result.Stages.Set(stage, v)
	}
}

// inspectInput notes what InputPath makes of the input of a state that is tested. It is not shown of states that do not
// look at it, nor, as recorded, of Parallel states.
func (t *thread) inspectInput(effective any) {
	if t.state.own != nil {
		return
	}
	switch b := t.state.behaviour.(type) {
	case *parallelState:
	case *passState:
		if !b.hasResult {
			t.inspect("afterInputPath", effective)
		}
	default:
		t.inspect("afterInputPath", effective)
	}
}

// mocked returns the answer that a tested state's work is to end with.
func (t *thread) mocked() *MockAnswer {
	if t.e.test == nil {
		return nil
	}
	return t.e.test.Mock
}

// failure is a mocked error as the state sees it.
func (a *MockAnswer) failure() *failure {
	if !a.Failed {
		return nil
	}
	return &failure{name: a.Error, cause: a.Cause, noName: a.Error == "", noCause: a.Cause == ""}
}

// finish ends the test of a state that has been left.
func (r *testRun) finish(e *Execution, next *state, output any) {
	if r.result.Status == "" {
		r.result.Status = TestSucceeded
	}
	if next != nil {
		r.result.NextState = next.name
	}
	e.succeed(output)
}

// failed takes the failure of a tested state. Its cause is not explained by the state, as recorded.
func (r *testRun) failed(t *thread, f *failure) {
	f.explain, f.evaluation = false, false
	r.result.Error, r.result.Cause = truncate(f.name, maxErrorName), truncate(f.cause, maxCause)
	if i := slices.IndexFunc(t.state.retriers, func(retry retrier) bool { return f.matches(retry.errors) }); i >= 0 {
		r.result.RetryIndex = &i
		if retry := &t.state.retriers[i]; r.Attempts < retry.maxAttempts {
			delay := retry.delay(r.Attempts, t.e.random)
			r.result.Status, r.result.RetryBackoff = TestRetriable, &delay
			t.e.end(Failed, f)
			return
		}
	}
	for i := range t.state.catchers {
		c := &t.state.catchers[i]
		if !f.matches(c.errors) {
			continue
		}
		r.result.Status, r.result.CatchIndex = TestCaughtError, &i
		second := c.catch(t, f)
		if second == nil {
			return
		}
		f = second
		r.result.Error, r.result.Cause, r.result.CatchIndex = f.name, f.cause, nil
		break
	}
	r.result.Status = TestFailed
	t.phase = ended
	t.e.end(Failed, f)
}

// mapResult is what a tested Map state ends with, which has these iterations and tolerates so many of them to fail.
func (r *testRun) mapResult(iterations int, tolerated bool) (any, *failure) {
	if r.Failures > iterations {
		r.invalid = ErrTooManyFailures
	}
	if f := r.Mock.failure(); f != nil {
		return nil, f
	}
	if !tolerated {
		return nil, &failure{name: errExceedToleratedFailure, cause: "The specified tolerated failure threshold was exceeded"}
	}
	return r.Mock.Result, nil
}
