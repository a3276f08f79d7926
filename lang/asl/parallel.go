package asl

// parallelState runs branches at once
// (https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html).
type parallelState struct {
	resultFields
	parameters *template
	arguments  *query // of a JSONata state, nil when absent
	branches   []*workflow
}

func (s *parallelState) workflows() []*workflow { return s.branches }

func (s *parallelState) run(t *thread, input any) *failure {
	if s.parameters != nil {
		var f *failure
		if input, f = s.parameters.evaluate(&environment{thread: t, input: input}); f != nil {
			return f
		}
	}
	if s.arguments != nil {
		var f *failure
		if input, f = s.arguments.evaluate(t.queries()); f != nil {
			return f
		}
	}
	t.record("ParallelStateStarted")
	if mock := t.mocked(); mock != nil {
		if f := mock.failure(); f != nil {
			return f
		}
		return s.finish(t, mock.Result)
	}
	a := &activation{owner: t, running: make([]*thread, len(s.branches)), results: make([]any, len(s.branches)),
		left: len(s.branches)}
	t.children = a
	t.await(resuming)
	for i, branch := range s.branches {
		t.e.push(a.child(i, branch, input))
	}
	return nil
}

func (s *parallelState) resume(t *thread) *failure {
	t.recordAside("ParallelStateSucceeded", "")
	return s.finish(t, t.gather())
}
