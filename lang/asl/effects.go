package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// effect is something that a Task makes or takes back: "an item of DynamoDB in these tables", "a user of Cognito".
type effect struct {
	kind string // "dynamodb item"
	in   string // the literal name of what holds it, such as a table; "" when it is only known when the task runs
}

// meets reports whether two effects may be about the same thing.
func (e effect) meets(f effect) bool {
	return e.kind == f.kind && (e.in == "" || f.in == "" || e.in == f.in)
}

func meet(a, b []effect) bool {
	return slices.ContainsFunc(a, func(e effect) bool { return slices.ContainsFunc(b, e.meets) })
}

// holders are the arguments that name what holds the thing that an action makes.
var holders = []string{"TableName", "UserPoolId", "Bucket", "GroupName", "EventBusName", "RestApiId"}

// effectsOf returns what a Task makes and what it undoes.
func effectsOf(o *jsonvalue.Object) (makes, undoes []effect) {
	r, err := ParseResource(text(o, "Resource"))
	if err != nil || r.Kind != Optimized && r.Kind != SDK {
		return nil, nil
	}
	arguments := object(value(o, "Parameters"))
	if arguments == nil {
		arguments = object(value(o, "Arguments"))
	}
	if r.Service == "dynamodb" {
		switch r.Action {
		case "transactWriteItems":
			return itemEffects(list(value(arguments, "TransactItems")), "Put", "Delete")
		case "batchWriteItem":
			return nil, nil // its tables are its members' names, and it seldom is part of such a plan
		}
	}
	in := ""
	for _, name := range holders {
		if s := text(arguments, name); s != "" && !isExpression(s) {
			in = s
			break
		}
	}
	for _, verb := range []string{"create", "put", "adminCreate", "signUp", "delete", "adminDelete"} {
		thing, found := strings.CutPrefix(r.Action, verb)
		if !found || thing != "" && thing[0] >= 'a' {
			continue
		}
		if verb == "signUp" {
			thing = "User"
		}
		made := []effect{{r.Service + " " + strings.ToLower(thing), in}}
		if strings.HasSuffix(strings.ToLower(verb), "delete") {
			return nil, made
		}
		return made, nil
	}
	return nil, nil
}

// itemEffects returns what the writes of a transaction make and undo.
func itemEffects(writes []any, put, remove string) (makes, undoes []effect) {
	of := func(write any, operation string) []effect {
		w := object(value(object(write), operation))
		if w == nil {
			return nil
		}
		table := text(w, "TableName")
		if isExpression(table) {
			table = ""
		}
		return []effect{{"dynamodb item", table}}
	}
	for _, write := range writes {
		makes = append(makes, of(write, put)...)
		undoes = append(undoes, of(write, remove)...)
	}
	return makes, undoes
}

// saga looks for failures that leave an effect behind, in a definition that has the effect's undo somewhere: its author
// clearly means to take back what has been done.
type saga struct {
	v      *validator
	undoes []effect // of the whole definition
}

// effects checks a definition that is otherwise in order.
func (v *validator) effects(doc *jsonvalue.Object) {
	s := &saga{v: v}
	s.gather(doc)
	if len(s.undoes) > 0 {
		s.workflow(doc, "", false)
	}
}

func (s *saga) gather(workflow *jsonvalue.Object) {
	for _, item := range object(value(workflow, "States")).All() {
		s.undoes = append(s.undoes, undoesInside(object(item))...)
	}
}

// undoesInside returns what a state undoes, itself or inside of it.
func undoesInside(o *jsonvalue.Object) []effect {
	_, all := effectsOf(o)
	for _, inner := range workflowsOf(o) {
		for _, item := range object(value(inner, "States")).All() {
			all = append(all, undoesInside(object(item))...)
		}
	}
	return all
}

// workflow checks each state of a workflow that makes something. caught says that a state around it catches everything.
func (s *saga) workflow(o *jsonvalue.Object, location string, caught bool) {
	states := object(value(o, "States"))
	reported := map[string]bool{}
	for name, item := range states.All() {
		state := object(item)
		makes, _ := effectsOf(state)
		if meet(makes, s.undoes) && !caught {
			s.after(states, name, makes, location, reported)
		}
		catchAll, _ := catcherOfAll(state)
		at := location + "/States/" + name
		for i, branch := range list(value(state, "Branches")) {
			s.workflow(object(branch), index(at+"/Branches", i), caught || catchAll)
		}
		for _, field := range []string{"ItemProcessor", "Iterator"} {
			if processor := object(value(state, field)); processor != nil {
				s.workflow(processor, at+"/"+field, caught || catchAll)
			}
		}
	}
}

// after follows the paths from a state that has made something until they undo it, and reports the states on them whose
// failure would end the workflow with the effect in place.
func (s *saga) after(states *jsonvalue.Object, maker string, makes []effect, location string, reported map[string]bool) {
	walkStates(states, successorsOf(object(value(states, maker))), func(name string, state *jsonvalue.Object) []string {
		if name == maker || meet(undoesInside(state), makes) {
			return nil
		}
		if problem := leavesBehind(states, state, makes); problem != "" && !reported[name] {
			reported[name] = true
			s.v.note(SeverityWarning, CodeEffectLeft, location+"/States/"+name, fmt.Sprintf(
				"'%s' %s: when it fails, what '%s' has done stays, although this definition has the undo of it", name, problem, maker))
		}
		return targetsOf(state)
	})
}

// leavesBehind says why the failure of a state leaves something behind that has been made before; "" when it does not.
func leavesBehind(states, state *jsonvalue.Object, made []effect) string {
	if !mayFail(state) {
		return ""
	}
	all, handler := catcherOfAll(state)
	if !all {
		return "does not catch every error (States.ALL)"
	}
	settled := false // a handler that does not fail has another way to put things right
	walkStates(states, []string{handler}, func(_ string, state *jsonvalue.Object) []string {
		settled = settled || meet(undoesInside(state), made) || text(state, "Type") == "Succeed" || value(state, "End") == true
		return targetsOf(state)
	})
	if settled {
		return ""
	}
	return fmt.Sprintf("catches every error, but its '%s' leads to a Fail without the undo", handler)
}

// walkStates visits states once each, beginning with some and going on to those that visit returns.
func walkStates(states *jsonvalue.Object, from []string, visit func(name string, o *jsonvalue.Object) []string) {
	seen := map[string]bool{}
	for pending := from; len(pending) > 0; pending = pending[1:] {
		name := pending[0]
		state := object(value(states, name))
		if !seen[name] && state != nil {
			seen[name] = true
			pending = append(pending, visit(name, state)...)
		}
	}
}

// targetsOf are the states that may follow one, whether it succeeds or fails.
func targetsOf(o *jsonvalue.Object) []string {
	var all []string
	for _, t := range transitionsOf(o, "") {
		all = append(all, t.target)
	}
	return all
}

// successorsOf are the states that may follow one that succeeds.
func successorsOf(o *jsonvalue.Object) []string {
	var next []string
	for _, t := range transitionsOf(o, "") {
		if !strings.HasPrefix(t.location, "/Catch") {
			next = append(next, t.target)
		}
	}
	return next
}

// mayFail reports whether a state calls something, itself or inside of it.
func mayFail(o *jsonvalue.Object) bool {
	if text(o, "Type") == "Task" {
		return true
	}
	for _, inner := range workflowsOf(o) {
		for _, item := range object(value(inner, "States")).All() {
			if mayFail(object(item)) {
				return true
			}
		}
	}
	return false
}

// catcherOfAll reports whether a state catches every error that its work can end with, and the state that follows then.
// A timeout is one of them where the state has one.
func catcherOfAll(o *jsonvalue.Object) (bool, string) {
	_, timeout := o.Get("TimeoutSeconds")
	_, path := o.Get("TimeoutSecondsPath")
	_, heartbeat := o.Get("HeartbeatSeconds")
	timed := timeout || path || heartbeat
	for _, item := range list(value(o, "Catch")) {
		c := object(item)
		names := texts(value(c, "ErrorEquals"))
		if slices.Contains(names, errAll) || slices.Contains(names, "States.TaskFailed") && (!timed || slices.Contains(names, errTimeout)) {
			return true, text(c, "Next")
		}
	}
	return false, ""
}
