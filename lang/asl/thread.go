package asl

import (
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// phase is what a thread does when it runs next.
type phase uint8

const (
	entering phase = iota // enter its state
	retrying              // run its state again
	resuming              // go on after a timer or an answer
	ended
)

// resumer is a behaviour that waits for a timer or for an answer.
type resumer interface {
	resume(t *thread) *failure
}

// thread is one line of execution: the machine's own, a Parallel branch's or a Map iteration's.
type thread struct {
	e      *Execution
	log    *eventLog
	parent *activation // nil for the machine's own
	index  int         // among the parent's children

	state     *state
	phase     phase
	input     any // of the state, before InputPath
	effective any // after InputPath
	scope     *scope
	wait      uint32 // the number of the present wait: see timer

	attempts   []int // of each retrier
	retryCount int

	enteredID int64
	// enteredAfter is the event that the entry into the state follows.
	enteredAfter int64
	enteredAt    time.Time
	last, tail   int64 // the events that the next one follows: see event.go

	item    *jsonvalue.Object // $$.Map.Item
	context *jsonvalue.Object // the context object, nil until needed

	task     *Task
	answered taskAnswer
	reading  *reading // of a Map state
	children *activation
}

// run lets the thread go on until it waits or ends, or has done a number of steps, and returns how many it did.
func (t *thread) run(limit int) int {
	steps := 0
	for {
		if t.phase == ended || t.e.status != Running {
			return steps
		}
		if steps == limit {
			t.e.push(t)
			return steps
		}
		steps++
		before := t.wait
		var f *failure
		switch t.phase {
		case entering:
			if f = t.enter(); f == nil {
				f = t.start()
			}
		case retrying:
			f = t.start()
		case resuming:
			f = t.state.behaviour.(resumer).resume(t)
		}
		if f != nil {
			t.fail(f)
		}
		if t.wait != before {
			return steps
		}
	}
}

// await stops the thread until a timer or an answer lets it resume.
func (t *thread) await(next phase) {
	t.wait++
	t.phase = next
}

func (t *thread) enter() *failure {
	if !t.e.machine.express && t.log.last >= maxEvents-1 {
		t.e.end(Failed, &failure{name: errRuntime, cause: "The execution reached the maximum number of history events (25000)."})
		return nil
	}
	t.enteredAt, t.context = t.e.now, nil
	t.recordEntered()
	return nil
}

// start applies InputPath and lets the state work.
func (t *thread) start() *failure {
	if t.e.status != Running {
		return nil
	}
	input, f := t.state.inputPath.apply(t, t.input)
	if f != nil {
		return f
	}
	t.effective = input
	if t.e.test != nil {
		t.inspectInput(input)
	}
	return t.state.behaviour.run(t, input)
}

// leave ends the state with an output, which OutputPath is still to be applied to. The result is what $ means in
// Assign. Variables change only after OutputPath has been evaluated.
func (t *thread) leave(output, result any) *failure {
	if t.state.own != nil {
		return t.leaveBy(t.state.next, t.state.own, t.queries(), output)
	}
	return t.leaveFor(t.state.next, t.state.assign, output, result)
}

func (t *thread) leaveFor(next *state, assign *template, output, result any) *failure {
	output, f := t.state.outputPath.apply(t, output)
	if f != nil {
		return f
	}
	return t.exit(next, assign, output, result)
}

func (t *thread) exit(next *state, assign *template, output, result any) *failure {
	var assigned *jsonvalue.Object
	if assign != nil {
		v, f := assign.evaluate(&environment{thread: t, input: result})
		if f != nil {
			return f
		}
		assigned = v.(*jsonvalue.Object)
	}
	return t.exitWith(next, output, assigned)
}

// exitWith leaves the state with variables that have been evaluated.
func (t *thread) exitWith(next *state, output any, assigned *jsonvalue.Object) *failure {
	if output != t.input && exceeds(output, maxData) {
		return tooLarge(t.state.name)
	}
	for name, v := range assigned.All() {
		t.scope.set(name, v)
	}
	if assigned.Len() > 0 {
		t.inspect("variables", jsonvalue.NewObject(t.scope.variables...))
	}
	t.recordExited(output, assigned)
	t.proceed(next, output)
	return nil
}

func (t *thread) proceed(next *state, output any) {
	if t.e.test != nil {
		t.phase = ended
		t.e.test.finish(t.e, next, output)
		return
	}
	if next == nil {
		t.phase = ended
		if t.parent != nil {
			t.parent.done(t, output)
		} else {
			t.e.succeed(output)
		}
		return
	}
	t.state, t.input, t.phase = next, output, entering
	t.attempts, t.retryCount, t.task = nil, 0, nil
}

// explain completes a cause by the state, and records the failure of a JSONata field.
func (t *thread) explain(f *failure) {
	if f.explain {
		f.cause = "An error occurred while executing the state '" + t.state.name + "' (entered at the event id #" +
			decimal(t.enteredID) + "). " + f.cause
		f.explain = false
	}
	if f.evaluation {
		f.evaluation = false
		t.recordEvaluationFailed(f)
	}
}

// fail looks for a retrier, then for a catcher, then ends the thread
// (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
func (t *thread) fail(f *failure) {
	if t.e.test != nil {
		t.e.test.failed(t, f)
		return
	}
	s := t.state
	t.explain(f)
	if delay, ok := t.retry(f); ok {
		t.await(retrying)
		t.after(delay, wakeTimer)
		return
	}
	t.recordStateFailed(f)
	for i := range s.catchers {
		c := &s.catchers[i]
		if !f.matches(c.errors) {
			continue
		}
		if second := c.catch(t, f); second != nil {
			second.explain = true
			t.explain(second)
			f = second
			break
		}
		return
	}
	t.phase = ended
	if t.parent != nil {
		t.parent.failed(t, f)
	} else {
		t.e.end(Failed, f)
	}
}

// abandon ends the thread and all below it without a result.
func (t *thread) abandon() {
	if t.phase == ended {
		return
	}
	t.phase = ended
	t.wait++
	if t.task != nil {
		delete(t.e.tasks, t.task.ID)
		t.task.abandoned = true
	}
	if t.children != nil {
		t.children.abandon()
	}
}
