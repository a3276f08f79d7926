package jsonata

// scope holds variables. Those of a tuple are shared between scopes, and so a list that only grows at its head.
type scope struct {
	outer    *scope
	bindings *binding
}

type binding struct {
	name  string
	value any
	next  *binding
}

func (b *binding) find(name string) (any, bool) {
	for ; b != nil; b = b.next {
		if b.name == name {
			return b.value, true
		}
	}
	return nil, false
}

func (s *scope) bind(name string, value any) { s.bindings = &binding{name, value, s.bindings} }

// of is the scope of a tuple inside this one.
func (s *scope) of(t *tuple) *scope { return &scope{outer: s, bindings: t.bindings} }

// lookup finds a variable: of the expression, of the caller, then a function.
func (ev *evaluation) lookup(s *scope, name string) any {
	for ; s != nil; s = s.outer {
		if v, ok := s.bindings.find(name); ok {
			return v
		}
	}
	if ev.env.Variables != nil {
		if v, ok := ev.env.Variables(name); ok {
			return v
		}
	}
	if f, ok := builtins[name]; ok {
		return f
	}
	return undefined
}
