package jsonpath

import (
	"fmt"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Eval evaluates the path over a document. A definite path gives the value it selects, or an error that is
// [ErrNotFound]. An indefinite path gives a *jsonvalue.Array, possibly empty, whose items are shared with the document;
// it gives ErrNotFound only when its definite beginning already selects nothing. A document's nulls are nil.
func (p *Path) Eval(root any) (any, error) { return p.eval(root, root, nil) }

// eval evaluates the path from a current value, with root as the document that "$" in filters means.
func (p *Path) eval(current, root any, c *clock) (any, error) {
	if v, ok := p.evalPlain(current); ok {
		return v, nil
	}
	if c == nil {
		c = &clock{}
	}
	e := &evaluation{path: p, root: root, clock: c}
	if err := e.run(current); err != nil {
		return nil, err
	}
	if c.exceeded {
		return nil, &EvaluationError{"the regular expressions of the path " + p.source + " take too long"}
	}
	if !p.Definite() {
		return &jsonvalue.Array{Items: e.results}, nil
	}
	if len(e.results) == 0 {
		return nil, &NotFoundError{"No results for path: " + p.String()}
	}
	return e.results[len(e.results)-1], nil
}

// evalPlain is the short way for paths of names and indices that are all there.
func (p *Path) evalPlain(v any) (any, bool) {
	for i := range p.steps {
		s := &p.steps[i]
		switch s.Kind {
		case Name:
			o, ok := v.(*jsonvalue.Object)
			if !ok {
				return nil, false
			}
			if v, ok = o.Get(s.Names[0]); !ok {
				return nil, false
			}
		case Index:
			a, ok := v.(*jsonvalue.Array)
			if !ok || s.Indices[0] < 0 || s.Indices[0] >= len(a.Items) {
				return nil, false
			}
			v = a.Items[s.Indices[0]]
		default:
			return nil, false
		}
	}
	return v, true
}

type evaluation struct {
	path    *Path
	root    any
	results []any
	// required makes every missing member an error, as the library does to test that a path in a filter exists.
	required bool
	clock    *clock
}

func (e *evaluation) run(current any) error {
	if e.path.aggregated != nil {
		v, err := e.path.aggregated.eval(current, e.root, e.clock)
		if err != nil {
			return err
		}
		return e.function(&e.path.steps[len(e.path.steps)-1], v)
	}
	return e.step(0, "", current)
}

// where is the normalised path up to a place, for errors; it grows only on the way to an error.
func (e *evaluation) where(at string) string { return string(e.path.root) + at }

func (e *evaluation) step(i int, at string, v any) error {
	if i == len(e.path.steps) {
		e.results = append(e.results, v)
		return nil
	}
	s := &e.path.steps[i]
	switch s.Kind {
	case Name:
		return e.name(i, at, v, s.Names[0], s)
	case Names:
		return e.names(i, at, v, s)
	case Index, Indices:
		a, err := e.array(i, at, v)
		if a == nil || err != nil {
			return err
		}
		for _, n := range s.Indices {
			if err := e.index(i, at, a, n); err != nil {
				return err
			}
		}
		return nil
	case Slice:
		a, err := e.array(i, at, v)
		if a == nil || err != nil {
			return err
		}
		return e.slice(i, at, a, s)
	case Wildcard:
		return e.wildcard(i, at, v)
	case Scan:
		return e.scan(i+1, at, v)
	case Filter:
		return e.filter(i, at, v, s)
	}
	return e.function(s, v)
}

func member(at, name string) string { return at + "['" + name + "']" }

// memberAt and itemAt are the normalised paths of what step i has reached. They are only needed, and made, as long as
// all steps are definite: after that nothing that is missing is an error.
func (e *evaluation) memberAt(i int, at, name string) string {
	if !e.path.definiteBefore[i+1] {
		return ""
	}
	return member(at, name)
}

func (e *evaluation) itemAt(i int, at string, n int) string {
	if !e.path.definiteBefore[i+1] {
		return ""
	}
	return fmt.Sprintf("%s[%d]", at, n)
}

func (e *evaluation) notAnObject(at string, v any, s *Step) error {
	var b strings.Builder
	s.write(&b)
	return &NotFoundError{fmt.Sprintf("Expected to find an object with property %s in path %s but found '%s'.",
		b.String(), e.where(at), typeName(v))}
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case *jsonvalue.Array:
		return "array"
	case *jsonvalue.Object:
		return "object"
	}
	return "number"
}

func (e *evaluation) name(i int, at string, v any, name string, s *Step) error {
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		if e.path.definiteBefore[i] {
			return e.notAnObject(at, v, s)
		}
		return nil
	}
	value, ok := o.Get(name)
	if ok {
		return e.step(i+1, e.memberAt(i, at, name), value)
	}
	switch last := i == len(e.path.steps)-1; {
	case last && e.required:
		return &NotFoundError{"No results for path: " + e.where(member(at, name))}
	case !last && (e.required || e.path.definiteBefore[i+1]):
		return &NotFoundError{"Missing property in path " + e.where(member(at, name))}
	}
	return nil
}

func (e *evaluation) names(i int, at string, v any, s *Step) error {
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		if e.path.definiteBefore[i] {
			return e.notAnObject(at, v, s)
		}
		return nil
	}
	if i < len(e.path.steps)-1 {
		for _, name := range s.Names {
			if err := e.name(i, at, v, name, s); err != nil {
				return err
			}
		}
		return nil
	}
	merged := &jsonvalue.Object{}
	for _, name := range s.Names {
		value, ok := o.Get(name)
		if ok {
			merged.Set(name, value)
		} else if e.required {
			return &NotFoundError{"Missing property in path " + e.where(member(at, name))}
		}
	}
	return e.step(i+1, at, merged)
}

func (e *evaluation) array(i int, at string, v any) (*jsonvalue.Array, error) {
	a, ok := v.(*jsonvalue.Array)
	switch {
	case ok:
		return a, nil
	case !e.path.definiteBefore[i]:
		return nil, nil
	case v == nil:
		return nil, &NotFoundError{fmt.Sprintf("The path %s is null", e.where(at))}
	}
	return nil, &NotFoundError{fmt.Sprintf("Filter: %s can only be applied to arrays. Current context is: %s",
		fragment(e.path.steps[i:]), describe(v))}
}

// describe shows a value in an error.
func describe(v any) string {
	switch v.(type) {
	case nil, bool, string, jsonvalue.Number, *jsonvalue.Array, *jsonvalue.Object:
		return string(appendValue(nil, v))
	}
	return typeName(v)
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil, bool, string, jsonvalue.Number:
		return jsonvalue.Append(dst, v)
	case Numeric:
		return append(dst, v.Number()...)
	case *jsonvalue.Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, item)
		}
		return append(dst, ']')
	case *jsonvalue.Object:
		dst = append(dst, '{')
		for i, m := range v.Members() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = jsonvalue.AppendString(dst, m.Name)
			dst = append(dst, ':')
			dst = appendValue(dst, m.Value)
		}
		return append(dst, '}')
	}
	return append(dst, fmt.Sprint(v)...)
}

func (e *evaluation) index(i int, at string, a *jsonvalue.Array, n int) error {
	place := n
	if n < 0 && e.path.version != V2_0 {
		place = len(a.Items) + n
	}
	if place < 0 || place >= len(a.Items) {
		return nil
	}
	return e.step(i+1, e.itemAt(i, at, n), a.Items[place])
}

func (e *evaluation) slice(i int, at string, a *jsonvalue.Array, s *Step) error {
	length := len(a.Items)
	from, to := 0, length
	switch {
	case s.To == nil:
		from = *s.From
		if from < 0 {
			from += length
		}
		from = max(0, from)
	case s.From == nil:
		to = *s.To
		if to < 0 {
			to += length
		}
	default:
		// With both ends given the library does not count a negative end from the back.
		from, to = max(*s.From, -length), *s.To
	}
	for n := from; n < min(to, length); n++ {
		if err := e.index(i, at, a, n); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluation) wildcard(i int, at string, v any) error {
	switch v := v.(type) {
	case *jsonvalue.Object:
		for name, value := range v.All() {
			if err := e.step(i+1, e.memberAt(i, at, name), value); err != nil {
				return err
			}
		}
	case *jsonvalue.Array:
		for n := range v.Items {
			if err := e.index(i, at, v, n); err != nil && e.required {
				return err
			}
		}
	}
	return nil
}

// scan applies step i in every place of v, depth first.
func (e *evaluation) scan(i int, at string, v any) error {
	s, last := &e.path.steps[i], i == len(e.path.steps)-1
	switch v := v.(type) {
	case *jsonvalue.Object:
		if e.scans(s, v) {
			if err := e.step(i, at, v); err != nil {
				return err
			}
		}
		for _, value := range v.All() {
			if err := e.scan(i, "", value); err != nil {
				return err
			}
		}
	case *jsonvalue.Array:
		if e.scans(s, v) {
			if last {
				if err := e.step(i, at, v); err != nil {
					return err
				}
			} else {
				// The library goes on with every item here, whatever index the step names.
				for _, item := range v.Items {
					if err := e.step(i+1, "", item); err != nil {
						return err
					}
				}
			}
		}
		for _, item := range v.Items {
			if err := e.scan(i, "", item); err != nil {
				return err
			}
		}
	}
	return nil
}

// scans reports whether a scan applies step s to a container.
func (e *evaluation) scans(s *Step, v any) bool {
	switch s.Kind {
	case Wildcard:
		return true
	case Name, Names:
		o, ok := v.(*jsonvalue.Object)
		if !ok {
			return false
		}
		if e.required {
			return true
		}
		for _, name := range s.Names {
			if _, ok := o.Get(name); !ok {
				return false
			}
		}
		return true
	case Index, Indices, Slice:
		_, ok := v.(*jsonvalue.Array)
		return ok
	case Filter:
		return s.filter.accept(e, v)
	}
	return false
}

func (e *evaluation) filter(i int, at string, v any, s *Step) error {
	switch v := v.(type) {
	case *jsonvalue.Object:
		if s.filter.accept(e, v) {
			return e.step(i+1, at, v)
		}
	case *jsonvalue.Array:
		for n, item := range v.Items {
			if s.filter.accept(e, item) {
				if err := e.index(i, at, v, n); err != nil {
					return err
				}
			}
		}
	default:
		if e.path.definiteBefore[i] {
			return &NotFoundError{fmt.Sprintf("Filter: %s can not be applied to primitives. Current context is: %s",
				fragment(e.path.steps[i:]), describe(v))}
		}
	}
	return nil
}
