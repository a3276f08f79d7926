// Package asl reads, checks and runs state machines in the Amazon States Language as AWS Step Functions does
// (https://states-language.net/spec.html and
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html).
//
// [Parse] checks a definition with the messages of CreateStateMachine and compiles it; every path and template is
// compiled there, so that running costs little. [Machine.Start] makes an [Execution], which is driven from outside: it
// has no goroutines, no clock and makes no calls. The caller says what time it is, performs the tasks it is handed and
// gives their answers back, and so decides about concurrency and can let time pass as it likes:
//
//	e := machine.Start(asl.ExecutionInput{Input: input, StartTime: now})
//	for e.Run(now); e.Status() == asl.Running; e.Run(now) {
//		for _, task := range e.TakeTasks() {
//			// perform it, then e.Complete(task.ID, result, now) or e.FailTask(task.ID, name, cause, now)
//		}
//		// wait for an answer or for e.NextWake()
//	}
//
// The query languages are JSONPath and JSONata, for a machine and for each state.
package asl

import (
	"slices"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Options are what [Parse] must know beside the definition.
type Options struct {
	// Express says that the machine's type is EXPRESS: no .sync, .waitForTaskToken and activities, no distributed Map,
	// and five minutes at most. Otherwise it is STANDARD.
	Express bool
}

// Machine is a parsed definition. It is immutable and any number of executions may run of it at once.
type Machine struct {
	root    *workflow
	comment string
	timeout int64 // seconds; 0 for none
	express bool
}

// workflow is a graph of states: the machine's, a Parallel state's branch or a Map state's processor.
type workflow struct {
	start  *state
	states []*state // in the definition's order
}

// Parse checks a definition and compiles it. A definition that Step Functions refuses gives a *[ValidationError].
func Parse(definition []byte, opts Options) (*Machine, error) {
	doc, diagnostics := validate(definition, opts)
	if len(diagnostics) > 0 {
		return nil, &ValidationError{Diagnostics: diagnostics}
	}
	c := compiler{express: opts.Express}
	return c.machine(doc), nil
}

// Validate checks a definition and returns what is wrong with it, in ValidateStateMachineDefinition's terms; nothing
// when Step Functions would accept it.
func Validate(definition []byte, opts Options) []Diagnostic {
	_, diagnostics := validate(definition, opts)
	return diagnostics
}

// Comment returns the definition's top-level Comment.
func (m *Machine) Comment() string { return m.comment }

// Express reports whether the machine was parsed as an Express one.
func (m *Machine) Express() bool { return m.express }

// TimeoutSeconds returns the definition's top-level TimeoutSeconds, or 0 when it has none. An execution that runs
// longer ends as [TimedOut].
func (m *Machine) TimeoutSeconds() int64 { return m.timeout }

// StateNames returns the names of the top-level states in the definition's order.
func (m *Machine) StateNames() []string {
	names := make([]string, len(m.root.states))
	for i, s := range m.root.states {
		names[i] = s.name
	}
	return names
}

// maxDuration is how long an execution may run: one year as a Standard workflow, five minutes as an Express one
// (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
func (m *Machine) maxDuration() time.Duration {
	limit := 365 * 24 * time.Hour
	if m.express {
		limit = 5 * time.Minute
	}
	if m.timeout > 0 && m.timeout < int64(limit/time.Second) {
		limit = time.Duration(m.timeout) * time.Second
	}
	return limit
}

// walk calls visit for every state, nested ones after the state that holds them.
func (w *workflow) walk(visit func(*state)) {
	for _, s := range w.states {
		visit(s)
		for _, nested := range s.behaviour.workflows() {
			nested.walk(visit)
		}
	}
}

func (w *workflow) find(name string) *state {
	i := slices.IndexFunc(w.states, func(s *state) bool { return s.name == name })
	if i < 0 {
		return nil
	}
	return w.states[i]
}

var emptyObject = &jsonvalue.Object{}
