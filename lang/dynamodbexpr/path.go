package dynamodbexpr

import (
	"maps"
	"slices"
	"strings"
)

// Path is a document path: the names and list indexes that lead into an item.
type Path []Step

// Step is one part of a path: a name, or an index when Name is "" and IsIndex holds.
type Step struct {
	Name    string
	Index   int
	IsIndex bool
}

// String returns the path as DynamoDB prints it in messages: [a, [3], b].
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range p {
		if i > 0 {
			b.WriteString(", ")
		}
		if s.IsIndex {
			b.WriteString("[" + itoa(s.Index) + "]")
		} else {
			b.WriteString(s.Name)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// Head is the attribute in which the path begins.
func (p Path) Head() string { return p[0].Name }

func (p Path) equal(q Path) bool { return slices.Equal(p, q) }

// of returns what is at the path in an item.
func (p Path) of(item Item) (Value, bool) {
	v, ok := item[p[0].Name]
	for _, s := range p[1:] {
		if !ok {
			return Value{}, false
		}
		v, ok = v.child(s)
	}
	return v, ok
}

func (v Value) child(s Step) (Value, bool) {
	if s.IsIndex {
		if list := v.List(); s.Index < len(list) {
			return list[s.Index], true
		}
		return Value{}, false
	}
	c, ok := v.Map()[s.Name]
	return c, ok
}

// overlap says what is wrong with two paths in one expression: "overlap", "conflict" or nothing.
func overlap(p, q Path) string {
	for i := 0; i < len(p) && i < len(q); i++ {
		if p[i].IsIndex != q[i].IsIndex {
			return "conflict"
		}
		if p[i] != q[i] {
			return ""
		}
	}
	return "overlap"
}

// Projection is what a projection expression or a list of attribute names leaves of an item.
type Projection struct {
	root projectionNode
	// Paths are the projected paths.
	Paths []Path
}

type projectionNode struct {
	whole bool
	names map[string]*projectionNode
	items map[int]*projectionNode
}

// NewProjection returns the projection to the paths, which must not overlap.
func NewProjection(paths []Path) *Projection {
	p := &Projection{Paths: paths}
	for _, path := range paths {
		n := &p.root
		for _, s := range path {
			n = n.next(s)
		}
		n.whole = true
	}
	return p
}

// Attributes returns the projection to whole attributes.
func Attributes(names ...string) *Projection {
	paths := make([]Path, len(names))
	for i, name := range names {
		paths[i] = Path{{Name: name}}
	}
	return NewProjection(paths)
}

func (n *projectionNode) next(s Step) *projectionNode {
	if s.IsIndex {
		if n.items == nil {
			n.items = map[int]*projectionNode{}
		}
		if n.items[s.Index] == nil {
			n.items[s.Index] = &projectionNode{}
		}
		return n.items[s.Index]
	}
	if n.names == nil {
		n.names = map[string]*projectionNode{}
	}
	if n.names[s.Name] == nil {
		n.names[s.Name] = &projectionNode{}
	}
	return n.names[s.Name]
}

// Of returns what the projection leaves of an item: maps keep the chosen names, lists the chosen elements in their order.
func (p *Projection) Of(item Item) Item {
	out := make(Item, len(p.root.names))
	for name, n := range p.root.names {
		if v, ok := item[name]; ok {
			if v, ok = n.of(v); ok {
				out[name] = v
			}
		}
	}
	return out
}

func (n *projectionNode) of(v Value) (Value, bool) {
	switch {
	case n.whole:
		return v, true
	case v.kind == KindM:
		out := Item{}
		for name, next := range n.names {
			if c, ok := v.Map()[name]; ok {
				if c, ok = next.of(c); ok {
					out[name] = c
				}
			}
		}
		return Map(out), len(out) > 0
	case v.kind == KindL:
		var out []Value
		for _, i := range slices.Sorted(maps.Keys(n.items)) {
			if list := v.List(); i < len(list) {
				if c, ok := n.items[i].of(list[i]); ok {
					out = append(out, c)
				}
			}
		}
		return List(out...), len(out) > 0
	}
	return Value{}, false
}
