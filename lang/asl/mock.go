package asl

import (
	"fmt"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// MockAnswer is one answer to a task: a result, or an error.
type MockAnswer struct {
	Result any // a value of package jsonvalue
	// Failed says that the task fails, with Error and Cause, which may be empty.
	Failed       bool
	Error, Cause string
}

// Mocks are the answers to the tasks of each state, by the state's name. The first is given to the first attempt; the
// last one to all that follow.
type Mocks map[string][]MockAnswer

// ParseMocks reads a mock file, which is much like those of Step Functions Local
// (https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-test-sm-exec.html):
//
//	{"<state>": [{"error": "Lambda.ServiceException", "cause": "busy"}, {"result": {"ok": true}}]}
//
// Each answer has a result or an error; a cause only with an error.
func ParseMocks(text []byte) (Mocks, error) {
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the mocks are not JSON: %w", err)
	}
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return nil, fmt.Errorf("the mocks are not an object of states")
	}
	mocks := Mocks{}
	for name, answers := range o.All() {
		a, ok := answers.(*jsonvalue.Array)
		if !ok || a.Len() == 0 {
			return nil, fmt.Errorf("the mock of state %q is not a list of answers", name)
		}
		for i, item := range a.Items {
			answer, err := parseMockAnswer(item)
			if err != nil {
				return nil, fmt.Errorf("answer %d of the mock of state %q: %w", i+1, name, err)
			}
			mocks[name] = append(mocks[name], answer)
		}
	}
	return mocks, nil
}

func parseMockAnswer(item any) (MockAnswer, error) {
	var answer MockAnswer
	o, ok := item.(*jsonvalue.Object)
	if !ok {
		return answer, fmt.Errorf("it is not an object")
	}
	hasResult := false
	for name, v := range o.All() {
		s, isText := v.(string)
		switch name {
		case "result":
			answer.Result, hasResult = v, true
			continue
		case "error":
			answer.Error, answer.Failed = s, true
		case "cause":
			answer.Cause, answer.Failed = s, true
		default:
			return answer, fmt.Errorf(`it has the unknown field %q: there are "result", "error" and "cause"`, name)
		}
		if !isText {
			return answer, fmt.Errorf("its %s is not a string", name)
		}
	}
	if hasResult == answer.Failed {
		return answer, fmt.Errorf(`it needs either "result" or "error"`)
	}
	return answer, nil
}

// errNoMock is the error of a task that has no answer.
const errNoMock = "Mock.NotFound"

// MockOptions are what [RunMock] may be told beside the mocks.
type MockOptions struct {
	// StartTime is the execution's; the zero time means the present.
	StartTime time.Time
	// Recorder receives the history events.
	Recorder func(Event)
	// Rand and NewID are those of [ExecutionInput].
	Rand  func() float64
	NewID func() string
}

// RunMock runs a machine to its end. Tasks are answered from the mocks, at once and in the order in which they start; a
// task of a state without mocks fails with the error Mock.NotFound. Waits and retries take no time: the execution is
// told that it is when it wants to go on. Input is a value of package jsonvalue; at most one MockOptions may be given.
func RunMock(m *Machine, input any, mocks Mocks, opts ...MockOptions) *Execution {
	var o MockOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	now := o.StartTime
	if now.IsZero() {
		now = time.Now()
	}
	const account = "arn:aws:states:us-east-1:111111111111:"
	e := m.Start(ExecutionInput{Input: input, Name: "mock", ARN: account + "execution:machine:mock",
		RoleARN: "arn:aws:iam::111111111111:role/machine", StateMachineName: "machine",
		StateMachineARN: account + "stateMachine:machine", StartTime: now, Rand: o.Rand, NewID: o.NewID, Recorder: o.Recorder})
	used := map[string]int{}
	for e.Status() == Running {
		e.Run(now)
		tasks := e.TakeTasks()
		for _, task := range tasks {
			answers := mocks[task.StateName]
			if len(answers) == 0 {
				e.FailTask(task.ID, errNoMock, "There is no mock for the state '"+task.StateName+"'", now)
				continue
			}
			answer := answers[min(used[task.StateName], len(answers)-1)]
			used[task.StateName]++
			if answer.Failed {
				e.FailTask(task.ID, answer.Error, answer.Cause, now)
			} else {
				e.Complete(task.ID, answer.Result, now)
			}
		}
		if len(tasks) > 0 {
			continue
		}
		wake, ok := e.NextWake()
		if ok && !wake.After(now) {
			// A machine that runs without waiting, perhaps for ever: let time pass, so that it times out.
			wake = now.Add(10 * time.Second)
		}
		now = wake
	}
	return e
}
