package asl

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Status is where an execution stands; its text is the API's.
type Status string

// The statuses of an execution.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// ExecutionInput is what an execution starts with.
type ExecutionInput struct {
	Input     any    // a value of package jsonvalue; the execution keeps it and does not change it
	InputText string // the input as it was sent, for the event ExecutionStarted; "" for the compact text of Input

	// Name, ARN, RoleARN, StateMachineName and StateMachineARN go into the context object, and the region of ARN into
	// the history.
	Name, ARN, RoleARN, StateMachineName, StateMachineARN string

	StartTime time.Time
	// RedriveCount goes into the context object; below 0 it is left out, as in synchronous Express executions.
	RedriveCount int

	// Rand gives numbers from 0 (included) to 1 (excluded), for jitter and States.MathRandom; nil for the system's.
	Rand func() float64
	// NewID gives a new UUID, for States.UUID and task tokens; nil for the system's.
	NewID func() string
	// Recorder receives every history event, in order, during the calls of the execution's methods. Nil costs nothing.
	Recorder func(Event)
}

// Execution is one run of a [Machine]. Its methods must not be called at once from several goroutines.
type Execution struct {
	machine *Machine
	in      ExecutionInput
	region  string
	now     time.Time
	log     eventLog
	status  Status
	output  any
	failure *failure

	root     *thread
	test     *testRun  // of a state that is run by itself, else nil
	runnable []*thread // from head on
	head     int
	deadline time.Time
	timers   timerHeap
	started  []*Task
	tasks    map[uint64]*thread
	lastTask uint64

	textOf  any // of lastText
	text    string
	hasText bool
}

// maxEvents is the quota of a Standard execution's history
// (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
const maxEvents = 25000

// maxStepsPerRun bounds one call of Run, so that a loop without waiting in an Express machine, which has no limit of
// events, returns to its caller.
const maxStepsPerRun = 10000

// Start begins an execution. Nothing runs before the first [Execution.Run].
func (m *Machine) Start(in ExecutionInput) *Execution {
	e := &Execution{machine: m, in: in, now: in.StartTime, status: Running, region: regionOf(in.ARN)}
	e.log.recorder = in.Recorder
	e.deadline = in.StartTime.Add(m.maxDuration())
	e.root = &thread{e: e, log: &e.log, state: m.root.start, input: in.Input, scope: &scope{}}
	e.recordStart()
	e.push(e.root)
	return e
}

// Run advances the execution as far as it goes without more time or answers. Afterwards [Execution.TakeTasks] has the
// tasks it has started; it is terminal, or waits for an answer or for [Execution.NextWake].
func (e *Execution) Run(now time.Time) {
	e.advance(now)
	for steps := 0; e.status == Running; {
		if !e.now.Before(e.deadline) {
			e.timeOut()
			return
		}
		if e.head < len(e.runnable) {
			t := e.pop()
			if steps += t.run(maxStepsPerRun - steps); steps >= maxStepsPerRun {
				return
			}
			continue
		}
		if !e.fire() {
			return
		}
	}
}

func (e *Execution) advance(now time.Time) {
	if now.After(e.now) {
		e.now = now
	}
}

func (e *Execution) push(t *thread) { e.runnable = append(e.runnable, t) }

func (e *Execution) pop() *thread {
	t := e.runnable[e.head]
	e.runnable[e.head] = nil
	if e.head++; e.head == len(e.runnable) {
		e.runnable, e.head = e.runnable[:0], 0
	}
	return t
}

// NextWake returns when the execution goes on by itself: at the end of a Wait state, the next retry, a timeout. There
// is none when it is terminal. A time that is not after the last Run's asks for another Run at once.
func (e *Execution) NextWake() (time.Time, bool) {
	if e.status != Running {
		return time.Time{}, false
	}
	if e.head < len(e.runnable) {
		return e.now, true
	}
	if at, ok := e.timers.next(); ok && at.Before(e.deadline) {
		return at, true
	}
	return e.deadline, true
}

// Status returns where the execution stands.
func (e *Execution) Status() Status { return e.status }

// Output returns the output of an execution that is [Succeeded], as a value of package jsonvalue, and nil before. It may
// be shared with the definition and with history events and must not be changed.
func (e *Execution) Output() any { return e.output }

// OutputText returns the compact JSON text of [Execution.Output], and "" while there is none.
func (e *Execution) OutputText() string {
	if e.status != Succeeded {
		return ""
	}
	return e.jsonText(e.output)
}

// Error returns the error name and cause of an execution that has failed, timed out or been stopped; either may be
// empty.
func (e *Execution) Error() (name, cause string) {
	if e.failure == nil {
		return "", ""
	}
	return e.failure.name, e.failure.cause
}

// Machine returns the machine of the execution.
func (e *Execution) Machine() *Machine { return e.machine }

// EventCount returns the number of history events so far, recorded or not.
func (e *Execution) EventCount() int64 { return e.log.last }

// Stop ends a running execution as [Aborted], as the API's StopExecution does; both texts may be empty. Outstanding
// tasks are abandoned: their answers are ignored.
func (e *Execution) Stop(errorName, cause string, now time.Time) {
	if e.status != Running {
		return
	}
	e.advance(now)
	e.end(Aborted, &failure{name: errorName, cause: cause, noName: errorName == "", noCause: cause == ""})
}

func (e *Execution) timeOut() {
	e.end(TimedOut, &failure{name: errTimeout, noCause: true})
}

func (e *Execution) succeed(output any) {
	e.status, e.output = Succeeded, output
	e.recordEnd(e.root)
	e.release()
}

func (e *Execution) end(status Status, f *failure) {
	f.name, f.cause = truncate(f.name, maxErrorName), truncate(f.cause, maxCause)
	e.status, e.failure = status, f
	e.recordEnd(e.root)
	e.release()
}

// release drops everything that a terminal execution needs no longer.
func (e *Execution) release() {
	for _, t := range e.tasks {
		t.task.abandoned = true
	}
	e.root, e.runnable, e.head, e.timers, e.started, e.tasks = nil, nil, 0, nil, nil, nil
}

func (e *Execution) random() float64 {
	if e.in.Rand != nil {
		return e.in.Rand()
	}
	return mathrand.Float64()
}

func (e *Execution) newID() string {
	if e.in.NewID != nil {
		return e.in.NewID()
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: see its documentation
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (e *Execution) newToken() string {
	return base64.StdEncoding.EncodeToString([]byte(e.newID() + e.newID()))
}

// jsonText is the compact text of a value, remembered for the next call, since a state's output is the next one's
// input.
func (e *Execution) jsonText(v any) string {
	if !e.hasText || e.textOf != v {
		e.textOf, e.text, e.hasText = v, jsonvalue.Text(v), true
	}
	return e.text
}
