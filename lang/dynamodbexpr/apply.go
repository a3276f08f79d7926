package dynamodbexpr

import (
	"maps"
	"slices"
)

// Apply returns what the update makes of an item, which it leaves as it is. Operands are computed from the item as it was.
// The error is an [Error].
func (u *Update) Apply(item Item) (Item, error) {
	results := make([]Value, len(u.actions))
	for i, a := range u.actions {
		if a.operand == nil {
			continue
		}
		v, problem := a.operand.resultOf(item)
		if problem != "" {
			return nil, Error(problem)
		}
		results[i] = v
	}
	e := editor{root: maps.Clone(item)}
	if e.root == nil {
		e.root = Item{}
	}
	for i, a := range u.actions {
		if problem := e.do(a, results[i]); problem != "" {
			return nil, Error(problem)
		}
	}
	e.dropRemoved()
	return e.root, nil
}

// editor changes an item of its own. Elements of lists that go are marked first and dropped at the end, so that indexes
// mean the list as it was; elements set beyond a list's end are appended in the order of their indexes.
type editor struct {
	root  Item
	lists []listEdit
}

// listEdit is what is to become of one list.
type listEdit struct {
	path    Path
	removed map[int]bool
	beyond  map[int]Value
}

func (e *editor) do(a action, v Value) string {
	parent, last := a.path[:len(a.path)-1], a.path[len(a.path)-1]
	if len(parent) > 0 {
		p, ok := parent.of(e.root)
		if !ok || last.IsIndex && p.kind != KindL || !last.IsIndex && p.kind != KindM {
			return noSuchPath
		}
	}
	existing, exists := a.path.of(e.root)
	switch a.section {
	case "REMOVE":
		if exists {
			e.remove(a.path)
		}
	case "SET":
		e.set(a.path, v)
	case "ADD":
		sum, problem := added(existing, exists, v, a.lists)
		if problem != "" {
			return problem
		}
		e.set(a.path, sum)
	case "DELETE":
		if !exists {
			return ""
		}
		if existing.kind != v.kind {
			if a.lists {
				return typeMismatch
			}
			return wrongOperand
		}
		rest := slices.DeleteFunc(slices.Clone(existing.Members()), func(m string) bool { return slices.Contains(v.Members(), m) })
		if len(rest) == 0 {
			e.remove(a.path)
		} else {
			e.set(a.path, Set(v.kind, rest))
		}
	}
	return ""
}

// added is what ADD makes of a value.
func added(existing Value, exists bool, v Value, older bool) (Value, string) {
	switch {
	case !exists:
		return v, ""
	case existing.kind != v.kind && older:
		return Value{}, typeMismatch
	case existing.kind != v.kind:
		return Value{}, wrongOperand
	case v.kind == KindN:
		sum, problem := AddNumbers(existing.text, v.text, false)
		return Value{kind: KindN, text: sum}, problem
	case v.kind == KindL:
		return List(append(slices.Clone(existing.List()), v.List()...)...), ""
	}
	members := slices.Clone(existing.Members())
	for _, m := range v.Members() {
		if !slices.Contains(existing.Members(), m) {
			members = append(members, m)
		}
	}
	return Set(v.kind, members), ""
}

func (e *editor) set(p Path, v Value) {
	last := p[len(p)-1]
	if last.IsIndex {
		list, _ := p[:len(p)-1].of(e.root)
		if last.Index >= len(list.List()) {
			edit := e.list(p[:len(p)-1])
			if edit.beyond == nil {
				edit.beyond = map[int]Value{}
			}
			edit.beyond[last.Index] = v
			return
		}
	}
	e.root[p[0].Name] = replaced(e.root[p[0].Name], p[1:], &v)
}

func (e *editor) remove(p Path) {
	last := p[len(p)-1]
	switch {
	case last.IsIndex:
		edit := e.list(p[:len(p)-1])
		if edit.removed == nil {
			edit.removed = map[int]bool{}
		}
		edit.removed[last.Index] = true
	case len(p) == 1:
		delete(e.root, last.Name)
	default:
		e.root[p[0].Name] = replaced(e.root[p[0].Name], p[1:], nil)
	}
}

func (e *editor) list(p Path) *listEdit {
	for i := range e.lists {
		if e.lists[i].path.equal(p) {
			return &e.lists[i]
		}
	}
	e.lists = append(e.lists, listEdit{path: p})
	return &e.lists[len(e.lists)-1]
}

// dropRemoved applies what was put off, inner lists before the lists that hold them.
func (e *editor) dropRemoved() {
	slices.SortStableFunc(e.lists, func(a, b listEdit) int { return len(b.path) - len(a.path) })
	for _, edit := range e.lists {
		old, ok := edit.path.of(e.root)
		if !ok {
			continue
		}
		var list []Value
		for i, v := range old.List() {
			if !edit.removed[i] {
				list = append(list, v)
			}
		}
		for _, i := range sortedInts(edit.beyond) {
			list = append(list, edit.beyond[i])
		}
		v := List(list...)
		e.root[edit.path[0].Name] = replaced(e.root[edit.path[0].Name], edit.path[1:], &v)
	}
}

func sortedInts(m map[int]Value) []int { return slices.Sorted(maps.Keys(m)) }

// replaced returns a value with another one at the path, or with nothing there. What lies on the path is copied.
func replaced(v Value, p Path, with *Value) Value {
	if len(p) == 0 {
		return *with
	}
	if p[0].IsIndex {
		list := slices.Clone(v.List())
		list[p[0].Index] = replaced(list[p[0].Index], p[1:], with)
		return List(list...)
	}
	m := maps.Clone(v.Map())
	if m == nil {
		m = Item{}
	}
	if len(p) == 1 && with == nil {
		delete(m, p[0].Name)
	} else {
		m[p[0].Name] = replaced(m[p[0].Name], p[1:], with)
	}
	return Map(m)
}
