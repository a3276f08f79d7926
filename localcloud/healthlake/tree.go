package healthlake

import (
	"bytes"
	"encoding/json"
	"slices"
)

// node is a JSON value that keeps its text until something below it changes, so that a patch leaves the rest as it was.
type node struct {
	text   []byte // as it was read; nil once something below has changed
	opened bool   // keys and children are known
	object bool
	keys   []string // of an object
	below  []*node  // the values of an object, or the elements of an array
}

func newNode(text []byte) *node { return &node{text: text} }

// open reads one level and says whether there is one.
func (n *node) open() bool {
	if n.opened {
		return true
	}
	switch n.text[0] {
	case '{':
		n.object = true
		members(n.text, 0, func(key string, v span) {
			n.keys = append(n.keys, key)
			n.below = append(n.below, newNode(v.in(n.text)))
		})
	case '[':
		elements(n.text, 0, func(v span) { n.below = append(n.below, newNode(v.in(n.text))) })
	default:
		return false
	}
	n.opened = true
	return true
}

// child returns the value at a key, or nil.
func (n *node) child(key string) *node {
	if i := slices.Index(n.keys, key); i >= 0 {
		return n.below[i]
	}
	return nil
}

// append writes the value.
func (n *node) append(b []byte) []byte {
	if n.text != nil {
		return append(b, n.text...)
	}
	if !n.object {
		b = append(b, '[')
		for i, e := range n.below {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.append(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, e := range n.below {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, quote(n.keys[i])...), ':')
		b = e.append(b)
	}
	return append(b, '}')
}

// quote writes a string as JSON.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // strings can always be written
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// same reports whether two values are equal as JSON Patch's test compares them: members in any order.
func (n *node) same(other *node) bool {
	if n.open() != other.open() {
		return false
	}
	if !n.opened {
		var a, b any
		return decodeScalar(n.text, &a) && decodeScalar(other.text, &b) && a == b
	}
	if n.object != other.object || len(n.below) != len(other.below) {
		return false
	}
	for i, e := range n.below {
		partner := other.below[i]
		if n.object {
			if partner = other.child(n.keys[i]); partner == nil {
				return false
			}
		}
		if !e.same(partner) {
			return false
		}
	}
	return true
}

func decodeScalar(text []byte, into *any) bool { return json.Unmarshal(text, into) == nil }
