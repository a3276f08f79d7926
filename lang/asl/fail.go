package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// failState ends its workflow with an error (https://docs.aws.amazon.com/step-functions/latest/dg/state-fail.html).
type failState struct {
	leaf
	err, cause         string
	hasErr, hasCause   bool
	errPath, causePath *path
	// errQuery and causeQuery are the fields of a JSONata state, nil when absent.
	errQuery, causeQuery *query
}

func (s *failState) run(t *thread, input any) *failure {
	f := &failure{name: s.err, cause: s.cause, noName: !s.hasErr, noCause: !s.hasCause}
	for _, field := range []struct {
		query *query
		text  *string
		none  *bool
	}{{s.errQuery, &f.name, &f.noName}, {s.causeQuery, &f.cause, &f.noCause}} {
		if field.query == nil {
			continue
		}
		text, bad := field.query.text(t.queries())
		if bad != nil {
			return bad
		}
		*field.text, *field.none = text, false
	}
	env := &environment{thread: t, input: input}
	if s.errPath != nil {
		name, bad := stringField(env, "ErrorPath", s.errPath)
		if bad != nil {
			return bad
		}
		f.name, f.noName = name, false
	}
	if s.causePath != nil {
		cause, bad := stringField(env, "CausePath", s.causePath)
		if bad != nil {
			return bad
		}
		f.cause, f.noCause = cause, false
	}
	return f
}

func stringField(env *environment, field string, p *path) (string, *failure) {
	v, f := p.evalField(env)
	if f != nil {
		return "", f
	}
	s, ok := v.(string)
	if !ok {
		return "", runtimeFailure("The %s field refers to value \"%s\" which is not a string: %s", field, jsonvalue.Text(v), p.source)
	}
	return s, nil
}
