package vtl

import "github.com/carepath/carepath/lang/jsonvalue"

// Values of a template are strings, booleans, the numbers of number.go, nil for Java's null, and these containers:
// *jsonvalue.Array and *jsonvalue.Object for what was read from JSON, *list and *dict for what the template makes,
// *contextMap for the maps of $context. They are references: two variables may hold the same one.

// listKind is the Java class that a list stands for.
type listKind uint8

const (
	arrayList listKind = iota // a literal: prints [a, b]
	setView                   // keySet() and its like: no index, cannot be added to
	javaArray                 // of split(): cannot grow
)

// list is a Java collection that is not from JSON.
type list struct {
	items []any
	kind  listKind
}

// items returns the items of a value that is a list.
func items(v any) (*[]any, bool) {
	switch v := v.(type) {
	case *jsonvalue.Array:
		return &v.Items, true
	case *list:
		return &v.items, true
	}
	return nil, false
}

// mapping is a Java map.
type mapping interface {
	size() int
	get(key any) (any, bool)
	put(key, value any)
	remove(key any)
	clear()
	// each calls f for every entry until it returns false.
	each(f func(key, value any) bool)
}

// asMapping returns the map that a value is.
func asMapping(v any) (mapping, bool) {
	switch v := v.(type) {
	case *jsonvalue.Object:
		return objectMap{v}, true
	case mapping:
		return v, true
	}
	return nil, false
}

// objectMap is a JSON object as a Java LinkedHashMap.
type objectMap struct{ o *jsonvalue.Object }

func (m objectMap) size() int { return m.o.Len() }

func (m objectMap) get(key any) (any, bool) {
	if name, ok := key.(string); ok {
		return m.o.Get(name)
	}
	return nil, false
}

// put takes other keys than strings by their text: the members of a JSON object have names.
func (m objectMap) put(key, value any) { m.o.Set(plainText(key), value) }

func (m objectMap) remove(key any) {
	if name, ok := key.(string); ok {
		m.o.Delete(name)
	}
}

func (m objectMap) clear() { *m.o = jsonvalue.Object{} }

func (m objectMap) each(f func(key, value any) bool) {
	for name, value := range m.o.All() {
		if !f(name, value) {
			return
		}
	}
}

// dict is a Java LinkedHashMap: entries in the order of their insertion, keys of any type.
type dict struct {
	keys, values []any
	index        map[any]int // nil until there are more than indexAbove entries
}

const indexAbove = 12

// hashKey is what identifies a key: numbers by class and value, containers by identity.
func hashKey(key any) any {
	switch key := key.(type) {
	case *bigInteger:
		return "\x00" + key.v.String()
	case *bigDecimal:
		return "\x00" + key.String()
	}
	return key
}

func (d *dict) find(key any) int {
	key = hashKey(key)
	if d.index != nil {
		if i, ok := d.index[key]; ok {
			return i
		}
		return -1
	}
	for i, k := range d.keys {
		if hashKey(k) == key {
			return i
		}
	}
	return -1
}

func (d *dict) size() int { return len(d.keys) }

func (d *dict) get(key any) (any, bool) {
	if i := d.find(key); i >= 0 {
		return d.values[i], true
	}
	return nil, false
}

func (d *dict) put(key, value any) {
	if i := d.find(key); i >= 0 {
		d.values[i] = value
		return
	}
	d.keys, d.values = append(d.keys, key), append(d.values, value)
	switch {
	case d.index != nil:
		d.index[hashKey(key)] = len(d.keys) - 1
	case len(d.keys) > indexAbove:
		d.reindex()
	}
}

func (d *dict) remove(key any) {
	i := d.find(key)
	if i < 0 {
		return
	}
	d.keys = append(d.keys[:i], d.keys[i+1:]...)
	d.values = append(d.values[:i], d.values[i+1:]...)
	if d.index != nil {
		d.reindex()
	}
}

func (d *dict) reindex() {
	d.index = make(map[any]int, len(d.keys))
	for i, k := range d.keys {
		d.index[hashKey(k)] = i
	}
}

func (d *dict) clear() { *d = dict{} }

func (d *dict) each(f func(key, value any) bool) {
	for i, k := range d.keys {
		if !f(k, d.values[i]) {
			return
		}
	}
}

// entry is a Map.Entry.
type entry struct {
	of         mapping
	key, value any
}

// iterator is a java.util.Iterator.
type iterator struct {
	items *[]any
	next  int
}

// keysOf, valuesOf and entriesOf are the three views of a map, as they are at the moment.
func keysOf(m mapping) *list {
	l := &list{kind: setView, items: make([]any, 0, m.size())}
	m.each(func(k, _ any) bool { l.items = append(l.items, k); return true })
	return l
}

func valuesOf(m mapping) *list {
	l := &list{kind: setView, items: make([]any, 0, m.size())}
	m.each(func(_, v any) bool { l.items = append(l.items, v); return true })
	return l
}

func entriesOf(m mapping) *list {
	l := &list{kind: setView, items: make([]any, 0, m.size())}
	m.each(func(k, v any) bool { l.items = append(l.items, &entry{m, k, v}); return true })
	return l
}
