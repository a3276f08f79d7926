package asl

// choiceState chooses the next state (https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html).
type choiceState struct {
	leaf
	rules    []choiceRule
	fallback *state // nil without Default
}

func (s *choiceState) run(t *thread, input any) *failure {
	if t.state.own != nil {
		return s.runQueries(t)
	}
	env := &environment{thread: t, input: input}
	for i := range s.rules {
		r := &s.rules[i]
		matched, f := r.test.matches(env)
		if f != nil {
			return f
		}
		if matched {
			return t.leaveFor(r.next, r.assign, input, input)
		}
	}
	if s.fallback == nil {
		return noChoice()
	}
	return t.leaveFor(s.fallback, t.state.assign, input, input)
}

// noChoice is the failure without a match. The specification's States.NoChoiceMatched is not what AWS reports.
func noChoice() *failure {
	return runtimeFailure("Failed to transition out of the state. The state does not point to a next state.")
}

// runQueries is run for a JSONata state. The state's own Output and Assign are those of Default.
func (s *choiceState) runQueries(t *thread) *failure {
	env := t.queries()
	for i := range s.rules {
		r := &s.rules[i]
		v, f := r.condition.evaluate(env)
		if f != nil {
			return f
		}
		matched, ok := v.(bool)
		if !ok {
			return r.condition.unexpected("boolean", v)
		}
		if matched {
			return t.leaveBy(r.next, r.own, env, t.input)
		}
	}
	if s.fallback == nil {
		return noChoice()
	}
	return t.leaveBy(s.fallback, t.state.own, env, t.input)
}
