// Package jsonvalue holds JSON documents without losing anything that AWS keeps: the order of an object's members and
// every digit of a number.
//
// A value is one of nil, bool, string, [Number], *[Array] and *[Object]. Arrays and objects are references, as in Java:
// two holders of one *Object see each other's changes; [Clone] makes them independent.
//
// The text forms follow RFC 8259. Where two members of an object have the same name the last one wins and keeps the
// first one's place, as in Jackson's ObjectNode, which AWS uses.
package jsonvalue

import (
	"iter"
	"slices"
)

// Number is a JSON number as it was written, for example "1.50" or "123456789012345678901234567890".
type Number string

// Array is a JSON array.
type Array struct {
	Items []any
}

// NewArray returns an array of the items, which it keeps without copying.
func NewArray(items ...any) *Array { return &Array{Items: items} }

// Len returns the number of items; a nil array has none.
func (a *Array) Len() int {
	if a == nil {
		return 0
	}
	return len(a.Items)
}

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value any
}

// indexAbove is the number of members from which an object keeps a map: below it a scan is faster.
const indexAbove = 12

// Object is a JSON object that keeps its members in the order of their insertion. The zero value is empty and ready to
// use. It is not safe for concurrent change.
type Object struct {
	members []Member
	index   map[string]int // nil until there are more than indexAbove members
}

// NewObject returns an object with these members, in this order.
func NewObject(members ...Member) *Object {
	o := &Object{members: make([]Member, 0, len(members))}
	for _, m := range members {
		o.Set(m.Name, m.Value)
	}
	return o
}

// Len returns the number of members; a nil object has none.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.members)
}

func (o *Object) find(name string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range o.members {
		if o.members[i].Name == name {
			return i
		}
	}
	return -1
}

// Get returns the value of a member and whether the object has it.
func (o *Object) Get(name string) (any, bool) {
	if i := o.find(name); i >= 0 {
		return o.members[i].Value, true
	}
	return nil, false
}

// Set gives a member its value; a new member goes to the end.
func (o *Object) Set(name string, value any) {
	if i := o.find(name); i >= 0 {
		o.members[i].Value = value
		return
	}
	o.members = append(o.members, Member{name, value})
	switch {
	case o.index != nil:
		o.index[name] = len(o.members) - 1
	case len(o.members) > indexAbove:
		o.reindex()
	}
}

// Delete removes a member and says whether it was there.
func (o *Object) Delete(name string) bool {
	i := o.find(name)
	if i < 0 {
		return false
	}
	o.members = slices.Delete(o.members, i, i+1)
	if o.index != nil {
		o.reindex()
	}
	return true
}

func (o *Object) reindex() {
	o.index = make(map[string]int, len(o.members))
	for i, m := range o.members {
		o.index[m.Name] = i
	}
}

// All yields the members in order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for _, m := range o.members {
			if !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// Members returns the members in order. The slice belongs to the object.
func (o *Object) Members() []Member {
	if o == nil {
		return nil
	}
	return o.members
}

// Clone returns a deep copy of a value.
func Clone(v any) any {
	switch v := v.(type) {
	case *Array:
		c := &Array{Items: make([]any, len(v.Items))}
		for i, item := range v.Items {
			c.Items[i] = Clone(item)
		}
		return c
	case *Object:
		c := &Object{members: make([]Member, len(v.members))}
		for i, m := range v.members {
			c.members[i] = Member{m.Name, Clone(m.Value)}
		}
		if len(c.members) > indexAbove {
			c.reindex()
		}
		return c
	}
	return v
}

// Equal reports whether two values are the same JSON value: the order of members does not count, and numbers are
// compared by value, exactly (1, 1.0 and 1e0 are equal, however many digits they have).
func Equal(a, b any) bool {
	switch a := a.(type) {
	case *Array:
		b, ok := b.(*Array)
		return ok && slices.EqualFunc(a.Items, b.Items, Equal)
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for name, av := range a.All() {
			bv, ok := b.Get(name)
			if !ok || !Equal(av, bv) {
				return false
			}
		}
		return true
	case Number:
		b, ok := b.(Number)
		return ok && (a == b || a.canonical() == b.canonical())
	}
	return a == b
}
