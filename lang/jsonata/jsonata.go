// Package jsonata compiles and evaluates JSONata (https://docs.jsonata.org) in the version and with the functions of AWS
// Step Functions: JSONata 2.0.6, with $partition, $range, $hash, $random([seed]), $uuid and $parse, and without $eval
// (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html).
//
// Values are those of package jsonvalue: objects keep the order of their members, and a number that an expression only
// hands on keeps its digits. Arithmetic is on float64, as in JavaScript.
//
//	e, err := jsonata.Compile(`$sum(items.(price * quantity))`)
//	result, defined, err := e.Eval(jsonata.Environment{Input: order, HasInput: true})
//
// Regular expressions are Go's (RE2): linear in time, without look-around and back-references, for which an expression is
// refused with S0303. Strings are counted in Unicode code points, as in the reference implementation.
package jsonata

import (
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Expression is a compiled expression. It is immutable: any number of evaluations may run of it at once.
type Expression struct {
	source string
	root   *node
}

// Compile reads an expression. Errors are of type *[Error].
func Compile(source string) (*Expression, error) {
	source = strings.ToValidUTF8(source, "\uFFFD")
	n, err := parse(source)
	if err == nil {
		n, err = analyse(n)
	}
	if err != nil {
		return nil, finished(err, source)
	}
	return &Expression{source: source, root: n}, nil
}

func finished(err error, source string) error {
	if r := asRaised(err); r != nil {
		return r.finish(source)
	}
	return err
}

// Source returns the expression's text.
func (e *Expression) Source() string { return e.source }

// Environment is what an evaluation may use. Everything is optional.
type Environment struct {
	// Input is the context, $ and $$: a value of package jsonvalue, which evaluation does not change. It counts only with
	// HasInput; otherwise it is undefined.
	Input    any
	HasInput bool
	// Variables gives the variables that the expression finds beside its own, as values of package jsonvalue.
	Variables func(name string) (value any, ok bool)
	// Now is the time of $now and $millis; the zero time means the system's.
	Now time.Time
	// Rand gives numbers from 0 (included) to 1 (excluded), for $random without a seed and $shuffle; nil for the system's.
	Rand func() float64
	// NewID gives a new UUID for $uuid; nil for the system's.
	NewID  func() string
	Limits Limits
}

// Limits bound what an evaluation may take. An expression that exceeds one fails with U1001. A field that is 0 has the
// value of [DefaultLimits].
type Limits struct {
	// Steps is how many parts of the expression may be evaluated, and values made by functions.
	Steps int
	// Depth is how deeply evaluations may be nested. Tail calls do not nest.
	Depth int
	// Size is how many bytes a value may hold that the expression makes: a number counts as 8, of texts each byte counts.
	// All values together may hold eight times as many.
	Size int
}

// DefaultLimits end an expression that would run for ever after about a second.
var DefaultLimits = Limits{Steps: 5_000_000, Depth: 2_000, Size: StepFunctionsLimits.Size}

// StepFunctionsLimits are those of AWS, as users have measured them: 100 nested evaluations and values of 6,990,256 bytes. AWS
// stops after a second, instead of which steps are counted here.
var StepFunctionsLimits = Limits{Steps: 5_000_000, Depth: 100, Size: 6_990_256}

// Eval evaluates the expression. The result is a value of package jsonvalue that may share parts with the input and the
// variables; defined is false when there is none. Functions have no place in JSON: as the result they are undefined, as
// members they are left out, as items they are null. Numbers that JSON has not are the strings "Infinity", "-Infinity" and
// "NaN", as Step Functions gives them. Errors are of type *[Error].
func (e *Expression) Eval(env Environment) (result any, defined bool, err error) {
	ev := &evaluation{env: &env, limits: env.Limits}
	if ev.limits.Steps == 0 {
		ev.limits.Steps = DefaultLimits.Steps
	}
	if ev.limits.Depth == 0 {
		ev.limits.Depth = DefaultLimits.Depth
	}
	if ev.limits.Size == 0 {
		ev.limits.Size = DefaultLimits.Size
	}
	input := undefined
	if env.HasInput {
		input = env.Input
	}
	scope := &scope{}
	scope.bind("$", input)
	if _, isArray := itemsOf(input); isArray {
		input = &array{items: []any{input}, sequence: true, wrapper: true}
	}
	v, err := ev.eval(e.root, input, scope)
	if err != nil {
		return nil, false, finished(err, e.source)
	}
	if isTuples(v) {
		v = valuesOf(v).(*array).collapse(false)
	}
	if _, isFunction := v.(*function); isFunction || v == undefined {
		return nil, false, nil
	}
	if v, err = ev.export(v); err != nil {
		return nil, false, finished(err, e.source)
	}
	return v, true, nil
}

func (ev *evaluation) now() time.Time {
	if ev.env.Now.IsZero() {
		ev.env.Now = time.Now()
	}
	return ev.env.Now
}

func (ev *evaluation) random() float64 {
	if ev.env.Rand != nil {
		return ev.env.Rand()
	}
	return rand.Float64()
}

func (ev *evaluation) newID() string {
	if ev.env.NewID != nil {
		return ev.env.NewID()
	}
	var b [16]byte
	_, _ = crand.Read(b[:]) // never fails: see its documentation
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
