package vtl

import (
	"unicode/utf16"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// contextMap is $context or a map in it: a Java HashMap, in whose order its keys come, that prints nothing. It is taken
// over from the request bit by bit, since templates use little of it.
type contextMap struct {
	source *jsonvalue.Object // not changed, as it belongs to the request
	own    *dict             // the whole content, once something was set
	nested map[string]*contextMap
	root   *evaluator // of $context itself, whose overrides are kept apart
}

func newContextMap(source *jsonvalue.Object) *contextMap { return &contextMap{source: source} }

const (
	requestOverride  = "requestOverride"
	responseOverride = "responseOverride"
)

func (m *contextMap) get(key any) (any, bool) {
	if m.own != nil {
		return m.own.get(key)
	}
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	if m.root != nil {
		switch name {
		case requestOverride:
			return m.root.requestOverrides(), true
		case responseOverride:
			return m.root.responseOverrides(), true
		}
	}
	v, ok := m.source.Get(name)
	if !ok {
		return nil, false
	}
	return m.wrap(name, v), true
}

func (m *contextMap) wrap(name string, v any) any {
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return fromJSON(v)
	}
	if n, ok := m.nested[name]; ok {
		return n
	}
	n := newContextMap(o)
	if m.nested == nil {
		m.nested = map[string]*contextMap{}
	}
	m.nested[name] = n
	return n
}

// owned makes the map's content its own.
func (m *contextMap) owned() *dict {
	if m.own != nil {
		return m.own
	}
	own := &dict{}
	for name, v := range m.source.All() {
		if m.root != nil && (name == requestOverride || name == responseOverride) {
			own.put(name, nil) // keeps the place
			continue
		}
		own.put(name, m.wrap(name, v))
	}
	if m.root != nil {
		own.put(requestOverride, m.root.requestOverrides())
		own.put(responseOverride, m.root.responseOverrides())
	}
	m.own = own
	return own
}

func (m *contextMap) put(key, value any) { m.owned().put(key, value) }
func (m *contextMap) remove(key any)     { m.owned().remove(key) }
func (m *contextMap) clear()             { m.owned().clear() }

func (m *contextMap) size() int { return m.owned().size() }

// each goes through the entries as java.util.HashMap does: by bucket, and in a bucket in the order of insertion.
func (m *contextMap) each(f func(key, value any) bool) {
	own := m.owned()
	buckets := 16
	for own.size()*4 > buckets*3 {
		buckets *= 2
	}
	table := make([][]int, buckets)
	for i, k := range own.keys {
		h := uint32(javaHash(k))
		h ^= h >> 16
		b := int(h) & (buckets - 1)
		table[b] = append(table[b], i)
	}
	for _, bucket := range table {
		for _, i := range bucket {
			if !f(own.keys[i], own.values[i]) {
				return
			}
		}
	}
}

// javaHash is hashCode() of a string or a number; other keys of these maps do not occur.
func javaHash(v any) int32 {
	switch v := v.(type) {
	case string:
		h := int32(0)
		for _, r := range v {
			if r >= 0x10000 {
				hi, lo := utf16.EncodeRune(r)
				h = (h*31+hi)*31 + lo
			} else {
				h = h*31 + r
			}
		}
		return h
	case bool:
		if v {
			return 1231
		}
		return 1237
	case integer:
		if n := int32(v); integer(n) == v {
			return n
		}
		return int32(v ^ v>>32)
	}
	return 0
}
