package jsonata

import (
	"math"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// stringify is $string: a string is itself, a function the empty one, and anything else its JSON text, with numbers of at
// most 15 digits.
func (ev *evaluation) stringify(v any, pretty bool) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case *function, undefinedValue:
		return "", nil
	}
	if f, ok := number(v); ok {
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return "", problem("D3001", v)
		}
		return roundedText(f), nil
	}
	w := writer{pretty: pretty, limit: ev.limits.Size}
	if err := w.write(v, "\n"); err != nil {
		return "", err
	}
	return string(w.text), nil
}

// writer writes JSON up to a number of bytes: values may share parts, and so be larger as text than they are.
type writer struct {
	text   []byte
	pretty bool
	limit  int
	depth  int
}

// write appends a value; indent is what begins a new line.
func (w *writer) write(v any, indent string) error {
	if len(w.text) > w.limit || w.depth > maxDepth {
		return errTooMuch()
	}
	w.depth++
	defer func() { w.depth-- }()
	switch v := v.(type) {
	case *function, undefinedValue:
		w.text = append(w.text, `""`...)
		return nil
	case *array:
		return w.items(v.items, indent)
	case *jsonvalue.Array:
		return w.items(v.Items, indent)
	case *jsonvalue.Object:
		return w.object(v, indent)
	}
	if f, ok := number(v); ok {
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return problem("D1001", v)
		}
		w.text = append(w.text, roundedText(f)...)
		return nil
	}
	w.text = jsonvalue.Append(w.text, v)
	return nil
}

func (w *writer) items(items []any, indent string) error {
	if len(items) == 0 {
		w.text = append(w.text, "[]"...)
		return nil
	}
	inner := indent + "  "
	w.text = append(w.text, '[')
	for i, item := range items {
		w.separate(i, inner)
		if err := w.write(item, inner); err != nil {
			return err
		}
	}
	w.end(indent, ']')
	return nil
}

func (w *writer) object(o *jsonvalue.Object, indent string) error {
	if o.Len() == 0 {
		w.text = append(w.text, "{}"...)
		return nil
	}
	inner := indent + "  "
	w.text = append(w.text, '{')
	for i, m := range o.Members() {
		w.separate(i, inner)
		w.text = append(jsonvalue.AppendString(w.text, m.Name), ':')
		if w.pretty {
			w.text = append(w.text, ' ')
		}
		if err := w.write(m.Value, inner); err != nil {
			return err
		}
	}
	w.end(indent, '}')
	return nil
}

func (w *writer) separate(i int, indent string) {
	if i > 0 {
		w.text = append(w.text, ',')
	}
	if w.pretty {
		w.text = append(w.text, indent...)
	}
}

func (w *writer) end(indent string, bracket byte) {
	if w.pretty {
		w.text = append(w.text, indent...)
	}
	w.text = append(w.text, bracket)
}

// utf16Length is how JavaScript counts a text.
func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// part returns the characters from one position up to another, both counted as JavaScript's slice does.
func part(s string, from, to int) string {
	runes := []rune(s)
	bound := func(i int) int {
		if i < 0 {
			i += len(runes)
		}
		return max(0, min(i, len(runes)))
	}
	from, to = bound(from), bound(to)
	if from >= to {
		return ""
	}
	return string(runes[from:to])
}

// collapseSpace makes runs of white space single blanks and trims both ends.
func collapseSpace(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }), " ")
}
