package asl

import (
	"errors"
	"strings"

	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// pathKind is what a path begins in.
type pathKind uint8

const (
	inInput    pathKind = iota // $.a
	inContext                  // $$.Execution.Id
	inVariable                 // $name.a
	byFunction                 // States.Format(…)
)

// path is a value that the definition gives as text: a JSONPath into the state's data, the context object or a
// variable, or an intrinsic function.
type path struct {
	source   string
	kind     pathKind
	jsonPath *jsonpath.Path
	variable string
	function *call
}

// environment is where a path is evaluated: $ is input, and the thread knows the variables and the context object.
type environment struct {
	thread *thread
	input  any
}

var errNotAPath = errors.New("not a path")

// compilePath compiles a JSONPath.
func compilePath(source string) (*path, error) {
	p := &path{source: source}
	text := source
	switch {
	case strings.HasPrefix(source, "$$"):
		p.kind, text = inContext, source[1:]
	case len(source) > 1 && source[0] == '$' && isNameStart(source[1]):
		end := 2
		for end < len(source) && isNamePart(source[end]) {
			end++
		}
		p.kind, p.variable, text = inVariable, source[1:end], "$"+source[end:]
	case !strings.HasPrefix(source, "$"):
		return nil, errNotAPath
	}
	compiled, err := jsonpath.Compile(text)
	if err != nil {
		return nil, err
	}
	p.jsonPath = compiled
	return p, nil
}

// compileValue compiles a JSONPath or an intrinsic function.
func compileValue(source string) (*path, error) {
	if !strings.HasPrefix(source, "States.") {
		return compilePath(source)
	}
	f, err := parseIntrinsic(source)
	if err != nil {
		return nil, err
	}
	return &path{source: source, kind: byFunction, function: f}, nil
}

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func isNamePart(c byte) bool { return isNameStart(c) || '0' <= c && c <= '9' }

// document is what the path's JSONPath is applied to.
func (p *path) document(env *environment) (any, error) {
	switch p.kind {
	case inContext:
		return env.thread.contextObject(), nil
	case inVariable:
		v, ok := env.thread.scope.get(p.variable)
		if !ok {
			return nil, &jsonpath.NotFoundError{Problem: "Missing property in path $['" + p.variable + "']"}
		}
		return v, nil
	}
	return env.input, nil
}

// eval evaluates the path. Its errors are a *jsonpath.NotFoundError, another error of that package, or an
// *intrinsicError. A path that may select several values gives an array, also where its beginning is not there.
func (p *path) eval(env *environment) (any, error) {
	if p.kind == byFunction {
		return p.function.eval(env)
	}
	doc, err := p.document(env)
	if err != nil {
		return nil, err
	}
	v, err := p.jsonPath.Eval(doc)
	if err != nil && !p.jsonPath.Definite() && errors.Is(err, jsonpath.ErrNotFound) {
		return &jsonvalue.Array{}, nil
	}
	return v, err
}

// evalField is eval for a field's value, such as SecondsPath.
func (p *path) evalField(env *environment) (any, *failure) {
	v, err := p.eval(env)
	if err != nil {
		return nil, invalidPath(p, err)
	}
	return v, nil
}
