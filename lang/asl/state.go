package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// state is what all state types have in common.
type state struct {
	name string
	kind string // the definition's Type, which also begins the names of its history events
	next *state // nil when the state ends its workflow

	// own is what a JSONata state makes of its data, nil for a JSONPath state.
	own *outcome

	inputPath, outputPath fieldPath
	assign                *template // nil without Assign
	retriers              []retrier
	catchers              []catcher

	entered, exited, aborted string // the types of its history events

	behaviour behaviour
}

// behaviour is what a state type does.
type behaviour interface {
	// run does the state's work with its input after InputPath. It ends with the thread having finished the state, or
	// waiting for a time, a task or its children, or with a failure.
	run(t *thread, input any) *failure
	// workflows returns the workflows inside the state.
	workflows() []*workflow
}

// leaf is embedded by the state types that have no states inside.
type leaf struct{}

func (leaf) workflows() []*workflow { return nil }

// fieldPath is InputPath or OutputPath: absent, null, or a path.
type fieldPath struct {
	path *path // nil: the whole value
	null bool  // null in the definition: an empty object
}

func (f *fieldPath) apply(t *thread, v any) (any, *failure) {
	switch {
	case f.null:
		return emptyObject, nil
	case f.path == nil:
		return v, nil
	}
	v, err := f.path.eval(&environment{thread: t, input: v})
	if err != nil {
		return nil, invalidPath(f.path, err)
	}
	return v, nil
}

// resultFields are the fields with which Pass, Task, Parallel and Map make their output from their result.
type resultFields struct {
	selector *template // ResultSelector, nil when absent
	path     referencePath
	discard  bool // ResultPath is null
}

// finish gives a result to ResultSelector and ResultPath, or to Output, and leaves the state.
func (r *resultFields) finish(t *thread, result any) *failure {
	if t.state.own != nil {
		return t.leaveBy(t.state.next, t.state.own, t.queriesWith("result", result), result)
	}
	selected := result
	if r.selector != nil {
		var f *failure
		if selected, f = r.selector.evaluate(&environment{thread: t, input: result}); f != nil {
			return f
		}
	}
	t.inspect("afterResultSelector", selected)
	output := t.input
	if !r.discard {
		var ok bool
		if output, ok = r.path.set(t.input, selected); !ok {
			return &failure{name: errResultPathMatchFailure, cause: "Unable to apply ReferencePath " + r.path.source +
				" to input " + jsonvalue.Text(t.input), explain: true}
		}
	}
	t.inspect("afterResultPath", output)
	return t.leave(output, result)
}
