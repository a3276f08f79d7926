package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// transition is a field that names a state.
type transition struct{ target, location string }

func transitionsOf(o *jsonvalue.Object, location string) []transition {
	var all []transition
	add := func(o *jsonvalue.Object, name, at string) {
		if target, ok := value(o, name).(string); ok {
			all = append(all, transition{target, at + "/" + name})
		}
	}
	add(o, "Next", location)
	for _, field := range []string{"Choices", "Catch"} {
		for i, item := range list(value(o, field)) {
			add(object(item), "Next", index(location+"/"+field, i))
		}
	}
	add(o, "Default", location)
	return all
}

// transitions checks that every transition of a workflow has its state, that every state can be reached and that the
// machine, where top says that it is one, can end. The messages and what suppresses what are as measured with
// ValidateStateMachineDefinition.
func (v *validator) transitions(o *jsonvalue.Object, location string, top bool) {
	states := object(value(o, "States"))
	missing := func(target, at string) {
		v.graph = append(v.graph, Diagnostic{"ERROR", CodeMissingTarget, "Missing 'Next' target: " + target, at})
	}
	reached := map[string]bool{}
	pending := []string{}
	reach := func(name string) {
		if _, has := states.Get(name); has && !reached[name] {
			reached[name] = true
			pending = append(pending, name)
		}
	}
	start := text(o, "StartAt")
	if _, has := states.Get(start); !has {
		missing(start, location+"/StartAt")
	}
	canEnd := false
	for name, s := range states.All() {
		state := object(s)
		switch kind := text(state, "Type"); {
		case kind == "Succeed", kind == "Fail", value(state, "End") == true:
			canEnd = true
		}
		for _, t := range transitionsOf(state, location+"/States/"+name) {
			if _, has := states.Get(t.target); !has {
				missing(t.target, t.location)
			}
		}
	}
	if top && !canEnd {
		v.graph = append(v.graph, Diagnostic{"ERROR", CodeMissingEnd, "Workflow has no terminal state", ""})
		return
	}
	for reach(start); len(pending) > 0; {
		name := pending[0]
		pending = pending[1:]
		for _, t := range transitionsOf(object(value(states, name)), "") {
			reach(t.target)
		}
	}
	for name := range states.All() {
		if !reached[name] {
			v.graph = append(v.graph, Diagnostic{"ERROR", CodeMissingTarget, "State \"" + name + "\" is not reachable.",
				location + "/States/" + name})
		}
	}
}
