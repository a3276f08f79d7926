package asl

// passState hands its input on, or something made of it
// (https://docs.aws.amazon.com/step-functions/latest/dg/state-pass.html).
type passState struct {
	leaf
	resultFields
	hasResult  bool
	result     any // literal
	parameters *template
}

func (s *passState) run(t *thread, input any) *failure {
	if t.state.own != nil {
		return t.leave(input, input)
	}
	if s.hasResult {
		t.inspect("result", s.result)
		return s.finish(t, s.result)
	}
	if s.parameters != nil {
		var f *failure
		if input, f = s.parameters.evaluate(&environment{thread: t, input: input}); f != nil {
			return f
		}
	}
	t.inspect("afterParameters", input)
	return s.finish(t, input)
}
