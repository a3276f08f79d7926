package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// member is a field of a request or response structure under its API name.
type member struct {
	name      string
	index     []int
	typ       reflect.Type
	omitempty bool
}

// structure is what is known of a structure's members.
type structure struct {
	order  []member
	byName map[string]member
}

var structures sync.Map // reflect.Type → *structure

// membersOf returns the members of a structure type, as encoding/json names them.
func membersOf(t reflect.Type) *structure {
	if known, ok := structures.Load(t); ok {
		return known.(*structure)
	}
	s := &structure{byName: map[string]member{}}
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("json")
		if tag == "-" || !f.IsExported() || f.Anonymous && tag == "" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		m := member{name: name, index: f.Index, typ: f.Type, omitempty: strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")}
		s.order = append(s.order, m)
		s.byName[name] = m
	}
	known, _ := structures.LoadOrStore(t, s)
	return known.(*structure)
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// plain removes pointers; ok is false for types that read their JSON themselves or hold any JSON.
func plain(t reflect.Type) (_ reflect.Type, ok bool) {
	for {
		if t.Kind() == reflect.Interface || t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
			return t, false
		}
		if t.Kind() != reflect.Pointer {
			return t, true
		}
		t = t.Elem()
	}
}

// unknownMember returns the path of the first member of valid JSON text that the type does not have by exactly that
// name, or "".
func unknownMember(text []byte, t reflect.Type) string {
	s := scanner{text: text}
	return s.value(t, true)
}

// scanner walks over JSON text that is known to be valid.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() byte {
	for {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
}

// str skips a string and returns what is between its quotes, escapes unresolved.
func (s *scanner) str() []byte {
	s.at++
	start := s.at
	for {
		i := bytes.IndexAny(s.text[s.at:], `"\`)
		s.at += i + 1
		if s.text[s.at-1] == '"' {
			return s.text[start : s.at-1]
		}
		s.at++
	}
}

// value skips a value; with check it compares the names in it to the type.
func (s *scanner) value(t reflect.Type, check bool) string {
	if check {
		t, check = plain(t)
	}
	switch s.space() {
	case '"':
		s.str()
	case '{':
		return s.object(t, check)
	case '[':
		return s.list(t, check)
	default:
		for s.at < len(s.text) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(s.text[s.at])) {
			s.at++
		}
	}
	return ""
}

func (s *scanner) object(t reflect.Type, check bool) string {
	var known *structure
	if check && t.Kind() == reflect.Struct {
		known = membersOf(t)
	}
	for s.at++; s.space() != '}'; {
		if s.text[s.at] == ',' {
			s.at++
			s.space()
		}
		key := s.str()
		s.space()
		s.at++ // the colon
		var inner reflect.Type
		checkInner := check
		switch {
		case known != nil:
			m, ok := known.byName[string(key)]
			if !ok {
				name := unescape(key)
				if m, ok = known.byName[name]; !ok {
					return name
				}
			}
			inner = m.typ
		case check && t.Kind() == reflect.Map:
			inner = t.Elem()
		default:
			checkInner = false
		}
		if path := s.value(inner, checkInner); path != "" {
			return string(key) + "." + path
		}
	}
	s.at++
	return ""
}

func (s *scanner) list(t reflect.Type, check bool) string {
	var inner reflect.Type
	if check = check && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array); check {
		inner = t.Elem()
	}
	for s.at++; s.space() != ']'; {
		if s.text[s.at] == ',' {
			s.at++
		}
		if path := s.value(inner, check); path != "" {
			return path
		}
	}
	s.at++
	return ""
}

// unescape resolves the escapes of a valid JSON string's inside.
func unescape(inside []byte) string {
	var text string
	if json.Unmarshal([]byte(`"`+string(inside)+`"`), &text) != nil {
		return string(inside)
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// without returns a JSON object without some of its members.
func without(text []byte, names map[string]bool) ([]byte, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	for name := range names {
		delete(members, name)
	}
	return EncodeJSON(members)
}
