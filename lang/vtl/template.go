// Package vtl renders API Gateway's mapping templates: Apache Velocity 1.7 with the variables $input, $util, $context
// and $stageVariables, as API Gateway configures it
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings.html,
// https://velocity.apache.org/engine/1.7/user-guide.html).
//
// It follows what AWS does rather than what the manuals say: a reference that has no value is the empty string, also
// in expressions, so #if($undefined) is true; macros are parsed and do nothing; the maps of $context print nothing;
// JSON is read as permissively as json-smart reads it. Java's class objects ($x.class) are not offered.
//
// Rendering is bounded in output, work and depth, whatever the template and the request: see [Limits].
package vtl

import (
	"sync"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// MaxSource is the size of a template in bytes that AWS accepts
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
const MaxSource = 300 << 10

// Template is a compiled template. It is immutable and safe for concurrent use.
type Template struct {
	source string
	body   []statement
	slots  map[string]int // the variables' names and places

	// The places of variables with a meaning, -1 where the template does not name them.
	input, util, context, stageVariables, foreach, velocityCount, velocityHasNext int

	evaluators sync.Pool
}

// Compile parses a template. Errors are of type *[Error]. AWS does not compile templates when they are deployed: a
// template that does not parse fails at the first request.
func Compile(source string) (*Template, error) {
	if len(source) > MaxSource {
		return nil, errorAt(source, 0, "the template has %d bytes, AWS takes at most %d", len(source), MaxSource)
	}
	t := &Template{source: source, slots: map[string]int{}}
	p := newParser(source, t.slots, 0)
	body, err := p.template()
	if err != nil {
		return nil, errorAt(source, err.offset, "%s", err.problem)
	}
	t.body = body
	place := func(name string) int {
		if i, ok := t.slots[name]; ok {
			return i
		}
		return -1
	}
	t.input, t.util, t.context = place("input"), place("util"), place("context")
	t.stageVariables, t.foreach = place("stageVariables"), place("foreach")
	t.velocityCount, t.velocityHasNext = place("velocityCount"), place("velocityHasNext")
	t.evaluators.New = func() any { return &evaluator{template: t, vars: make([]any, len(t.slots))} }
	return t, nil
}

// Source returns the template's text.
func (t *Template) Source() string { return t.source }

// Request is what a template sees. Render and Append only read it.
type Request struct {
	// Body is the payload that $input sees: the method request's body in a request template, the integration's response
	// in a response template. An empty body counts as {}. It must not change during the call.
	Body []byte
	// Path, Query and Header are the method request's parameters for $input.params, in response templates too. Names are
	// case-sensitive. The caller leaves out the headers for which [HiddenHeader] is true.
	Path, Query, Header map[string]string
	// Order is the order of names in which $input.params() and $stageVariables list their entries, where it is known. Names
	// that are not in it follow, sorted without regard to case, as API Gateway was seen to list headers.
	Order []string
	// Context is the tree of $context: strings, booleans, [jsonvalue.Number] and nested objects such as "identity" and
	// "authorizer". Its members "requestOverride" and "responseOverride" are not read, Overrides takes their place.
	Context *jsonvalue.Object
	// StageVariables are the stage's, with a canary's merged over them.
	StageVariables map[string]string
	// Variables are further variables by name, as if set at the template's beginning. API Gateway has none.
	Variables *jsonvalue.Object
	// Overrides are what the request template has set, for the response template to read and to carry on.
	Overrides Overrides
	// Limits bound the rendering; the zero value stands for the defaults.
	Limits Limits
}

// Limits bound what rendering may use. A zero field stands for the default.
type Limits struct {
	// MaxOutput is the size of the output, and of every single string on the way to it, in bytes; 10 MiB, the size of
	// payload that API Gateway takes. More is an error.
	MaxOutput int
	// MaxSteps bounds the work: one step for each node that is evaluated, and one for every 256 bytes that are read or
	// written; 1,000,000. More is an error. AWS bounds a template by its time instead.
	MaxSteps int
	// MaxIterations is the number of iterations of one #foreach, 1000 as on AWS. The engine that the recordings agree
	// with (directive.foreach.maxloops) stops there without an error, and so does this one.
	MaxIterations int
	// MaxDepth is how deep blocks, expressions and values may be nested when they are evaluated; 500. More is an error.
	MaxDepth int
}

func (l Limits) withDefaults() Limits {
	or := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	or(&l.MaxOutput, 10<<20)
	or(&l.MaxSteps, 1_000_000)
	or(&l.MaxIterations, 1000)
	or(&l.MaxDepth, 500)
	return l
}

// Result is what a template has rendered.
type Result struct {
	Output    string
	Overrides Overrides // those of the request with what the template has set
}

// Render renders the template. Errors are of type *[Error]; there is no partial output.
func (t *Template) Render(r *Request) (*Result, error) {
	out, overrides, err := t.Append(nil, r)
	if err != nil {
		return nil, err
	}
	return &Result{Output: string(out), Overrides: overrides}, nil
}

// Append renders the template to the end of dst and returns the extended slice. On error it returns dst as it was.
// Where rendering is frequent and dst can be used again it saves [Template.Render]'s copy.
func (t *Template) Append(dst []byte, r *Request) ([]byte, Overrides, error) {
	e := t.evaluators.Get().(*evaluator)
	e.begin(dst, r)
	err := e.run()
	out, overrides := e.out, Overrides{}
	if err == nil {
		overrides, err = e.overrides()
	}
	e.end()
	t.evaluators.Put(e)
	if err != nil {
		return dst, Overrides{}, err
	}
	return out, overrides, nil
}
