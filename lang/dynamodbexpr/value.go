// Package dynamodbexpr is DynamoDB's expression language and the attribute values it works on: condition, filter,
// key-condition, projection and update expressions, and the older parameters that they replaced (Expected, KeyConditions,
// QueryFilter, ScanFilter, AttributeUpdates). It refuses what DynamoDB refuses, in its words.
//
// It follows https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html. It needs no table and no
// AWS SDK: an [Item] goes in, a verdict or a changed item comes out.
package dynamodbexpr

import (
	"maps"
	"slices"
)

// Kind is the type of an attribute value.
type Kind uint8

// The kinds, in the order in which DynamoDB looks for them in an attribute value's JSON. Invalid is a value that names no
// type, several, or one wrongly: Problem says what is wrong with it.
const (
	Invalid Kind = iota
	KindS
	KindB
	KindN
	KindBool
	KindNull
	KindBS
	KindNS
	KindSS
	KindL
	KindM
)

var kindNames = [...]string{"", "S", "B", "N", "BOOL", "NULL", "BS", "NS", "SS", "L", "M"}

// String returns the kind's name in JSON, such as "BOOL".
func (k Kind) String() string { return kindNames[k] }

// KindOf returns the kind of that name, or Invalid.
func KindOf(name string) Kind {
	for k := KindS; k <= KindM; k++ {
		if kindNames[k] == name {
			return k
		}
	}
	return Invalid
}

// Value is an attribute value. Values are not changed once made: what looks like a change makes another one. The zero
// value is Invalid.
type Value struct {
	kind Kind
	yes  bool
	text string // S; N in plain digits; B its bytes; Invalid its JSON text
	more any    // []string, []Value, Item; Invalid: the problem as a string
}

// Item is a set of attributes by name, and also the value of a map.
type Item map[string]Value

// String returns a string value.
func String(s string) Value { return Value{kind: KindS, text: s} }

// Binary returns a binary value.
func Binary(b []byte) Value { return Value{kind: KindB, text: string(b)} }

// Bool returns a boolean value.
func Bool(b bool) Value { return Value{kind: KindBool, yes: b} }

// Null returns the null value.
func Null() Value { return Value{kind: KindNull, yes: true} }

// Number returns a number value; text is a decimal number within DynamoDB's range, or the value is Invalid.
func Number(text string) Value {
	n, problem := ParseNumber(text)
	if problem != "" {
		return invalid(problem, `{"N":`+quote(text)+`}`)
	}
	return Value{kind: KindN, text: n}
}

// List returns a list value, which keeps the slice.
func List(items ...Value) Value { return Value{kind: KindL, more: items} }

// Map returns a map value, which keeps the item.
func Map(item Item) Value { return Value{kind: KindM, more: item} }

// Set returns a set of the kind KindSS, KindNS (canonical numbers, see ParseNumber) or KindBS (bytes); it keeps the slice.
func Set(kind Kind, members []string) Value { return Value{kind: kind, more: members} }

func invalid(problem, text string) Value { return Value{text: text, more: problem} }

// Kind returns the value's kind.
func (v Value) Kind() Kind { return v.kind }

// Text returns the text of an S, the canonical number of an N and the bytes of a B.
func (v Value) Text() string { return v.text }

// Bool returns what a BOOL holds.
func (v Value) Bool() bool { return v.kind == KindBool && v.yes }

// Members returns the members of an SS, NS or BS; they belong to the value.
func (v Value) Members() []string {
	m, _ := v.more.([]string)
	return m
}

// List returns the elements of an L; they belong to the value.
func (v Value) List() []Value {
	l, _ := v.more.([]Value)
	return l
}

// Map returns the attributes of an M; they belong to the value.
func (v Value) Map() Item {
	m, _ := v.more.(Item)
	return m
}

// Problem says why DynamoDB refuses the value, in the words of its ValidationException; "" when it does not.
func (v Value) Problem() string {
	switch v.kind {
	case Invalid:
		if problem, ok := v.more.(string); ok {
			return problem
		}
		return emptyValue
	case KindL:
		for _, e := range v.List() {
			if p := e.Problem(); p != "" {
				return p
			}
		}
	case KindM:
		return v.Map().Problem()
	}
	return ""
}

// Problem returns the problem of the first attribute that has one, by name; "" when none has.
func (i Item) Problem() string {
	problem, first := "", ""
	for name, v := range i {
		if v.kind != Invalid && v.kind != KindL && v.kind != KindM {
			continue
		}
		if p := v.Problem(); p != "" && (problem == "" || name < first) {
			problem, first = p, name
		}
	}
	return problem
}

// Equal reports whether two values are the same: numbers by value, sets whatever their order.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case KindS, KindN, KindB:
		return v.text == w.text
	case KindBool:
		return v.yes == w.yes
	case KindNull:
		return true
	case KindSS, KindNS, KindBS:
		return sameSet(v.Members(), w.Members())
	case KindL:
		return slices.EqualFunc(v.List(), w.List(), Value.Equal)
	case KindM:
		return maps.EqualFunc(v.Map(), w.Map(), Value.Equal)
	}
	return false
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) <= 8 {
		for _, m := range a {
			if !slices.Contains(b, m) {
				return false
			}
		}
		return true
	}
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// order compares two values of one scalar kind; ok is false for values that have no order.
func (v Value) order(w Value) (_ int, ok bool) {
	if v.kind != w.kind {
		return 0, false
	}
	switch v.kind {
	case KindN:
		return CompareNumbers(v.text, w.text), true
	case KindS, KindB:
		switch {
		case v.text < w.text:
			return -1, true
		case v.text > w.text:
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
