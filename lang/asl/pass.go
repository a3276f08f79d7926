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
	result := input
	if s.parameters != nil {
		var f *failure
		if result, f = s.parameters.evaluate(&environment{thread: t, input: input}); f != nil {
			return f
		}
	}
	if s.hasResult {
		result = s.result
	}
	return s.finish(t, result)
}
