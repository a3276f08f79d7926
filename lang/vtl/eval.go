package vtl

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// evaluator is the state of one rendering.
type evaluator struct {
	template *Template
	request  *Request
	limits   Limits

	out     []byte
	base    int   // where this rendering begins in out
	vars    []any // by slot; nil when not set
	steps   int
	depth   int
	matches int // time spent in regular expressions, in microseconds

	input     inputObject
	stage     stageMap
	util      utilObject
	context   *contextMap
	requests  *contextMap // $context.requestOverride, once it is used
	responses *contextMap
	patterns  map[string]*pattern
}

func (e *evaluator) begin(dst []byte, r *Request) {
	t := e.template
	*e = evaluator{template: t, request: r, limits: r.Limits.withDefaults(), out: dst, base: len(dst), vars: e.vars}
	e.input.e, e.util.e = e, e
	e.stage.request = r
	set := func(slot int, v any) {
		if slot >= 0 {
			e.vars[slot] = v
		}
	}
	set(t.input, &e.input)
	set(t.util, &e.util)
	if t.context >= 0 {
		e.context = newContextMap(r.Context)
		e.context.root = e
		e.vars[t.context] = e.context
	}
	if t.stageVariables >= 0 {
		e.vars[t.stageVariables] = &e.stage
	}
	for _, m := range r.Variables.Members() {
		if slot, ok := t.slots[m.Name]; ok {
			e.vars[slot] = fromJSON(m.Value)
		}
	}
}

// end lets go of everything that belongs to the request.
func (e *evaluator) end() {
	clear(e.vars)
	*e = evaluator{template: e.template, vars: e.vars}
}

func (e *evaluator) run() error {
	err := e.block(e.template.body)
	if stop := stopped(err); stop != nil && (stop.all || stop.scope == nil) {
		return nil
	}
	return e.at(0, err)
}

// stopError leaves blocks: #stop the whole template, #break the nearest block that can be left or a given one.
type stopError struct {
	all   bool
	scope *foreachScope // nil for the nearest
}

func (*stopError) Error() string { return "stopped" }

var (
	errStop  = &stopError{all: true}
	errBreak = &stopError{}
)

// stopped returns the stopError that an error is, or nil.
func stopped(err error) *stopError {
	if err == nil {
		return nil
	}
	var stop *stopError
	errors.As(err, &stop)
	return stop
}

// at gives an error its place, if it has none yet.
func (e *evaluator) at(offset int, err error) error {
	if err == nil {
		return nil
	}
	var placed *Error
	if errors.As(err, &placed) || stopped(err) != nil {
		return err
	}
	return errorAt(e.template.source, offset, "%v", err)
}

// step counts a piece of work.
func (e *evaluator) step() error { return e.work(1) }

func (e *evaluator) work(steps int) error {
	if e.steps += steps; e.steps > e.limits.MaxSteps || e.steps < 0 {
		return fmt.Errorf("more than %d steps", e.limits.MaxSteps)
	}
	return nil
}

// read counts the reading of a text of n bytes.
func (e *evaluator) read(n int) error { return e.work(n >> 8) }

// wrote counts n bytes that were appended to the output.
func (e *evaluator) wrote(n int) error {
	if len(e.out)-e.base > e.limits.MaxOutput {
		return fmt.Errorf("%w of %d bytes", errTooLong, e.limits.MaxOutput)
	}
	return e.work(n >> 8)
}

func (e *evaluator) write(s string) error {
	if len(e.out)-e.base+len(s) > e.limits.MaxOutput {
		return fmt.Errorf("%w of %d bytes", errTooLong, e.limits.MaxOutput)
	}
	e.out = append(e.out, s...)
	return e.work(len(s) >> 8)
}

// newString accounts for a string that was made.
func (e *evaluator) newString(s string) (any, error) {
	if len(s) > e.limits.MaxOutput {
		return nil, fmt.Errorf("a string is longer than the limit of %d bytes", e.limits.MaxOutput)
	}
	return s, e.work(len(s) >> 8)
}

// deeper counts a level of nesting; the caller calls e.depth-- when it returns nil.
func (e *evaluator) deeper() error {
	if e.depth >= e.limits.MaxDepth {
		return errTooDeep
	}
	e.depth++
	return nil
}

func (e *evaluator) block(body []statement) error {
	if err := e.deeper(); err != nil {
		return err
	}
	for _, s := range body {
		if err := s.render(e); err != nil {
			return err
		}
	}
	e.depth--
	return nil
}

func (t text) render(e *evaluator) error {
	if err := e.write(string(t)); err != nil {
		return err
	}
	return e.step()
}

func (r *reference) render(e *evaluator) error {
	if r.runt || r.plain {
		return e.write(r.prefix + r.literal)
	}
	v, err := r.value(e)
	if err != nil {
		return err
	}
	if r.prefix != "" {
		if err := e.write(r.prefix); err != nil {
			return e.at(r.offset, err)
		}
	}
	if r.escaped {
		return e.at(r.offset, e.write(r.literal))
	}
	if b, ok := v.(*block); ok {
		err := b.render(e)
		if errors.Is(err, errRecursion) {
			err = e.write(r.literal) // A block that prints itself over and over prints its name in the end.
		}
		return e.at(r.offset, err)
	}
	return e.at(r.offset, e.print(v))
}

func (d *setDirective) render(e *evaluator) error {
	if err := e.step(); err != nil {
		return e.at(d.offset, err)
	}
	v, err := d.value.value(e)
	if err != nil || v == nil {
		return err // Null leaves the variable as it is.
	}
	return d.target.assign(e, v)
}

func (d *ifDirective) render(e *evaluator) error {
	for i := range d.branches {
		b := &d.branches[i]
		if b.condition != nil {
			ok, err := b.condition.truth(e)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
		}
		return e.block(b.body)
	}
	return nil
}

// block is what #define makes: it is rendered anew wherever its name stands.
type block struct {
	body  []statement
	depth int
}

// maxDefineDepth is how often a block may be in itself: Velocity's default of directive.define's depth.
const maxDefineDepth = 2

var errRecursion = errors.New("a #define prints itself")

func (d *defineDirective) render(e *evaluator) error {
	e.vars[d.slot] = &block{body: d.body}
	return e.step()
}

func (b *block) render(e *evaluator) error {
	if b.depth >= maxDefineDepth {
		return errRecursion
	}
	if err := e.step(); err != nil {
		return err
	}
	b.depth++
	depth := e.depth
	err := e.block(b.body)
	b.depth--
	if stop := stopped(err); stop != nil && !stop.all && stop.scope == nil {
		e.depth = depth
		return nil
	}
	return err
}

func (d *breakDirective) render(e *evaluator) error {
	if d.scope == nil {
		return errBreak
	}
	v, err := d.scope.value(e)
	if err != nil {
		return err
	}
	if scope, ok := v.(*foreachScope); ok {
		return &stopError{scope: scope}
	}
	return e.at(d.offset, fmt.Errorf("#break: %s is not a scope such as $foreach", d.text))
}

func (*stopDirective) render(*evaluator) error { return errStop }

func (d *failingDirective) render(e *evaluator) error {
	return e.at(d.offset, errors.New(d.problem))
}

// body returns the payload as a string, without a copy: nothing that outlives the rendering keeps it.
func (e *evaluator) body() string {
	b := e.request.Body
	if len(b) == 0 {
		return "{}"
	}
	if !utf8.Valid(b) {
		return string([]rune(string(b))) // Bytes that are not UTF-8 become U+FFFD.
	}
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// fromJSON makes a template's value of a JSON value.
func fromJSON(v any) any {
	switch v := v.(type) {
	case jsonvalue.Number:
		return javaNumber(string(v))
	case *jsonvalue.Array:
		a := &jsonvalue.Array{Items: make([]any, len(v.Items))}
		for i, item := range v.Items {
			a.Items[i] = fromJSON(item)
		}
		return a
	case *jsonvalue.Object:
		o := &jsonvalue.Object{}
		for name, value := range v.All() {
			o.Set(name, fromJSON(value))
		}
		return o
	}
	return v
}

// stageMap is $stageVariables, which is only made a map when more is asked of it than a variable.
type stageMap struct {
	request *Request
	m       *dict
}

func (s *stageMap) get(key any) (any, bool) {
	if s.m != nil {
		return s.m.get(key)
	}
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	v, ok := s.request.StageVariables[name]
	return v, ok
}

func (s *stageMap) dict() *dict {
	if s.m == nil {
		s.m = stringMap(s.request.StageVariables, s.request.Order)
	}
	return s.m
}

func (s *stageMap) size() int                  { return s.dict().size() }
func (s *stageMap) put(key, value any)         { s.dict().put(key, value) }
func (s *stageMap) remove(key any)             { s.dict().remove(key) }
func (s *stageMap) clear()                     { s.dict().clear() }
func (s *stageMap) each(f func(k, v any) bool) { s.dict().each(f) }

// stringMap makes a map of a Go map, which has no order: see Request.Order.
func stringMap(m map[string]string, order []string) *dict {
	d := &dict{keys: make([]any, 0, len(m)), values: make([]any, 0, len(m))}
	if len(m) == 0 {
		return d
	}
	for _, name := range order {
		if v, ok := m[name]; ok {
			d.put(name, v)
		}
	}
	names := make([]string, 0, len(m)-d.size())
	for name := range m {
		if _, ok := d.get(name); !ok {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	})
	for _, name := range names {
		d.put(name, m[name])
	}
	return d
}
