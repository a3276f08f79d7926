package asl

// choiceState chooses the next state (https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html).
type choiceState struct {
	leaf
	rules    []choiceRule
	fallback *state // nil without Default
}

func (s *choiceState) run(t *thread, input any) *failure {
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
		// The specification's States.NoChoiceMatched is not what AWS reports.
		return runtimeFailure("Failed to transition out of the state. The state does not point to a next state.")
	}
	return t.leaveFor(s.fallback, t.state.assign, input, input)
}
