package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// activation is the running inside of a Parallel or Map state.
type activation struct {
	owner   *thread
	running []*thread // nil where a child has not begun or has ended
	results []any
	left    int // children that have not ended

	// mapState is the behaviour of a Map state and items what it maps over; nil for a Parallel state.
	mapState *mapState
	items    []any
	begun    int // iterations
	failures int
	tolerate func(failures int) bool // of a distributed Map
	silent   bool                    // the iterations are executions of their own, whose events are not ours
}

// child makes the thread of a branch or an iteration.
func (a *activation) child(index int, w *workflow, input any) *thread {
	o := a.owner
	t := &thread{e: o.e, log: o.log, parent: a, index: index, state: w.start, input: input,
		scope: &scope{outer: o.scope}, last: o.last, tail: o.last, item: o.item}
	a.running[index] = t
	return t
}

// done takes the output of a child that has ended.
func (a *activation) done(t *thread, output any) {
	a.results[t.index] = output
	a.ended(t)
}

func (a *activation) ended(t *thread) {
	o := a.owner
	a.running[t.index] = nil
	a.left--
	follow := t.last
	if a.mapState != nil && !a.silent {
		t.recordIteration("MapIterationSucceeded", "mapIterationSucceededEventDetails")
	}
	if !a.silent {
		o.last = max(o.last, t.last)
		o.tail = o.last
	}
	switch {
	case a.left == 0:
		o.phase = resuming
		o.wait++
		o.e.push(o)
	case a.mapState != nil:
		if f := a.begin(follow); f != nil {
			a.abandon()
			o.children = nil
			o.fail(f)
			o.e.continueWith(o)
		}
	}
}

// failed takes the failure of a child: the others are abandoned and the failure becomes the owner's.
func (a *activation) failed(t *thread, f *failure) {
	o := a.owner
	a.running[t.index] = nil
	if a.silent {
		a.childExecutionFailed(t, f)
		return
	}
	switch {
	case a.mapState != nil:
		t.recordAside("MapIterationFailed", "mapIterationFailedEventDetails")
	case f.task:
		t.recordAborted()
	}
	o.last, o.tail = t.last, t.last
	a.recordAborts(o)
	a.abandon()
	o.children = nil
	f.task = false
	o.fail(f)
	o.e.continueWith(o)
}

// childExecutionFailed counts a failed iteration of a distributed Map, which may tolerate some.
func (a *activation) childExecutionFailed(t *thread, f *failure) {
	a.failures++
	a.results[t.index] = failedItem{}
	if a.tolerate(a.failures) {
		a.ended(t)
		return
	}
	o := a.owner
	a.abandon()
	o.children = nil
	exceeded := &failure{name: errExceedToleratedFailure, cause: "The specified tolerated failure threshold was exceeded"}
	if f.name == errRuntime {
		exceeded = f
	}
	o.recordMapRunFailed(exceeded)
	o.fail(exceeded)
	o.e.continueWith(o)
}

// failedItem stands for the output of an iteration that has failed and was tolerated.
type failedItem struct{}

// result is the array of the children's outputs.
func (a *activation) result() any {
	if a.failures == 0 {
		return &jsonvalue.Array{Items: a.results}
	}
	kept := &jsonvalue.Array{}
	for _, r := range a.results {
		if _, isFailed := r.(failedItem); !isFailed {
			kept.Items = append(kept.Items, r)
		}
	}
	return kept
}

// gather takes the children's outputs once they all have ended.
func (t *thread) gather() any {
	a := t.children
	t.children = nil
	return a.result()
}

func (a *activation) abandon() {
	for i, t := range a.running {
		if t != nil {
			t.abandon()
			a.running[i] = nil
		}
	}
}

// continueWith lets a thread run on that has been given a new state by the failure of a child.
func (e *Execution) continueWith(t *thread) {
	if e.status == Running && t.phase == entering {
		e.push(t)
	}
}
