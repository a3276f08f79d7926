package asl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/carepath/carepath/lang/jsonata"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// query is a field of a JSONata state: a value in which strings of the form "{% … %}" are expressions
// (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html).
type query struct {
	field      string // as causes name it: "Output/a[0]"
	literal    any    // when nothing in it is an expression
	expression *jsonata.Expression
	members    []queryMember // of an object
	items      []*query      // of an array
	kind       queryKind
}

type queryMember struct {
	name  string
	value *query
}

type queryKind uint8

const (
	literalQuery queryKind = iota
	expressionQuery
	objectQuery
	arrayQuery
)

// expressionSource returns what stands between {% and %}, and whether a value is such a string.
func expressionSource(v any) (string, bool) {
	s, ok := v.(string)
	if !ok || len(s) < 4 || !strings.HasPrefix(s, "{%") || !strings.HasSuffix(s, "%}") {
		return "", false
	}
	return strings.TrimSpace(s[2 : len(s)-2]), true
}

// compileQuery compiles a field, whose expressions validate has seen to.
func compileQuery(v any, field string) *query {
	q := &query{field: field, literal: v}
	dynamic := false
	switch v := v.(type) {
	case string:
		source, isExpression := expressionSource(v)
		if !isExpression {
			return q
		}
		if compiled, err := jsonata.Compile(source); err == nil {
			q.kind, q.expression = expressionQuery, compiled
		}
		return q
	case *jsonvalue.Object:
		for _, m := range v.Members() {
			inner := compileQuery(m.Value, field+"/"+m.Name)
			dynamic = dynamic || inner.kind != literalQuery
			q.members = append(q.members, queryMember{m.Name, inner})
		}
		q.kind = objectQuery
	case *jsonvalue.Array:
		for i, item := range v.Items {
			inner := compileQuery(item, index(field, i))
			dynamic = dynamic || inner.kind != literalQuery
			q.items = append(q.items, inner)
		}
		q.kind = arrayQuery
	}
	if !dynamic {
		*q = query{field: field, literal: v}
	}
	return q
}

// queryOf compiles a field of a state or a catcher, nil when it is absent. In is what stands before its name in causes.
func queryOf(o *jsonvalue.Object, in, name string) *query {
	v, has := o.Get(name)
	if !has {
		return nil
	}
	return compileQuery(v, in+name)
}

// queryEnvironment is where a state's queries are evaluated: $states and the variables.
type queryEnvironment struct {
	thread *thread
	input  any
	// extra is the member of $states that there is beside the input and the context: "result" or "errorOutput"; "" for
	// none.
	extra  string
	value  any
	states *jsonvalue.Object // nil until needed
}

// variable finds a variable of an expression.
func (env *queryEnvironment) variable(name string) (any, bool) {
	if name != "states" {
		return env.thread.scope.get(name)
	}
	if env.states == nil {
		env.states = fields("input", env.input, "context", env.thread.contextObject())
		if env.extra != "" {
			env.states.Set(env.extra, env.value)
		}
	}
	return env.states, true
}

// evaluate makes the field's value. What is literal in it is shared with the definition.
func (q *query) evaluate(env *queryEnvironment) (any, *failure) {
	switch q.kind {
	case expressionQuery:
		return q.run(env)
	case objectQuery:
		o := &jsonvalue.Object{}
		for i := range q.members {
			v, f := q.members[i].value.evaluate(env)
			if f != nil {
				return nil, f
			}
			o.Set(q.members[i].name, v)
		}
		return o, nil
	case arrayQuery:
		a := &jsonvalue.Array{Items: make([]any, len(q.items))}
		for i, item := range q.items {
			v, f := item.evaluate(env)
			if f != nil {
				return nil, f
			}
			a.Items[i] = v
		}
		return a, nil
	}
	return q.literal, nil
}

func (q *query) run(env *queryEnvironment) (any, *failure) {
	e := env.thread.e
	v, defined, err := q.expression.Eval(jsonata.Environment{Variables: env.variable, Now: e.now, Rand: e.in.Rand,
		NewID: e.in.NewID, Limits: jsonata.StepFunctionsLimits})
	var problem *jsonata.Error
	switch {
	case errors.As(err, &problem) && problem.Code == "U1001": // AWS gives limits no code
		return nil, q.failure("threw an error during evaluation: %s", problem.Message)
	case err != nil:
		return nil, q.failure("threw an error during evaluation. %s", err)
	case !defined:
		return nil, q.failure("returned nothing (undefined).")
	}
	return v, nil
}

// failure is that of the expression, or that its value is not what the field takes.
func (q *query) failure(format string, args ...any) *failure {
	source, _ := expressionSource(q.literal)
	if q.expression != nil {
		source = q.expression.Source()
	}
	return queryFailure(q.field, "The JSONata expression '%s' specified for the field '%s' %s", source, q.field,
		fmt.Sprintf(format, args...))
}

// unexpected is the failure of an expression whose value has the wrong type.
func (q *query) unexpected(want string, v any) *failure {
	return q.failure("returned an unexpected result type. Expected '%s', but was '%s' for value: %s", want, jsonata.TypeName(v),
		jsonvalue.Text(v))
}

// queryFailure is a failure with the name States.QueryEvaluationError, which can be caught. Location is the field.
func queryFailure(location, format string, args ...any) *failure {
	return &failure{name: errQueryEvaluation, cause: fmt.Sprintf(format, args...), explain: true, evaluation: true, location: location}
}

// array evaluates a field that is an array.
func (q *query) array(env *queryEnvironment) ([]any, *failure) {
	v, f := q.evaluate(env)
	if f != nil {
		return nil, f
	}
	a, ok := v.(*jsonvalue.Array)
	if !ok {
		return nil, q.unexpected("array", v)
	}
	return a.Items, nil
}

// text evaluates a field that is a string.
func (q *query) text(env *queryEnvironment) (string, *failure) {
	v, f := q.evaluate(env)
	if f != nil {
		return "", f
	}
	s, ok := v.(string)
	if !ok {
		return "", q.unexpected("string", v)
	}
	return s, nil
}

// number evaluates a field that is a number of at least a least one.
func (q *query) number(env *queryEnvironment, least float64) (float64, *failure) {
	v, f := q.evaluate(env)
	if f != nil {
		return 0, f
	}
	n, ok := v.(jsonvalue.Number)
	if !ok {
		return 0, q.unexpected("number", v)
	}
	if n.Float64() < least {
		return 0, queryFailure(q.field, "The %s field must not be less than %g but was: %s", q.field, least, n)
	}
	return n.Float64(), nil
}

// integer evaluates a field that is a whole number of at least a least one.
func (q *query) integer(env *queryEnvironment, least int64) (int64, *failure) {
	v, f := q.number(env, float64(least))
	if f != nil {
		return 0, f
	}
	n := int64(min(v, 1<<53))
	if float64(n) != v && v <= 1<<53 {
		return 0, queryFailure(q.field, "The %s field must be an integer but was: %v", q.field, v)
	}
	return n, nil
}

// outcome is what a JSONata state, a Choice rule or a catcher makes of its data: Output and Assign.
type outcome struct {
	output, assign *query // nil when absent
}

func outcomeOf(o *jsonvalue.Object, in string) outcome {
	return outcome{output: queryOf(o, in, "Output"), assign: queryOf(o, in, "Assign")}
}

// leaveBy leaves a JSONata state. Both fields see the variables as they were; without Output the state's output is the
// fallback.
func (t *thread) leaveBy(next *state, by *outcome, env *queryEnvironment, fallback any) *failure {
	output := fallback
	var f *failure
	var assigned any
	if by.assign != nil {
		if assigned, f = by.assign.evaluate(env); f != nil {
			return f
		}
	}
	if by.output != nil {
		if output, f = by.output.evaluate(env); f != nil {
			return f
		}
	}
	variables, _ := assigned.(*jsonvalue.Object)
	return t.exitWith(next, output, variables)
}

// queries is the environment of the state's own fields.
func (t *thread) queries() *queryEnvironment { return &queryEnvironment{thread: t, input: t.input} }

// queriesWith is the environment with a result or an error.
func (t *thread) queriesWith(extra string, v any) *queryEnvironment {
	return &queryEnvironment{thread: t, input: t.input, extra: extra, value: v}
}
