package jsonata

import (
	"math"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// While an expression is evaluated a value is one of jsonvalue's, of which numbers are also float64, or one of the types
// of this file, or a *function. Values that came in are never changed.

type undefinedValue struct{}

// undefined is no value: what a path gives that leads nowhere.
var undefined any = undefinedValue{}

// array is an array that evaluation has made.
type array struct {
	items []any
	// sequence says that the array is several results of one expression: a single one stands for itself, none for
	// undefined, and sequences in sequences become one.
	sequence bool
	// keepSingleton says that a sequence of one stays an array: a step has [].
	keepSingleton bool
	// constructed says that an array constructor at the end of a path made it, so that it stays one item.
	constructed bool
	// tuples says that the items are of type *tuple.
	tuples bool
	// wrapper says that the only item is the input, an array.
	wrapper bool
}

// tuple is one item of a path's intermediate result that has variables of its own, made by @, # and %.
type tuple struct {
	value    any
	bindings *binding
}

func newSequence(items ...any) *array { return &array{items: items, sequence: true} }

// itemsOf returns the items of an array of either type.
func itemsOf(v any) ([]any, bool) {
	switch v := v.(type) {
	case *array:
		return v.items, true
	case *jsonvalue.Array:
		return v.Items, true
	}
	return nil, false
}

// listOf returns the items of an array, or the value as the only one.
func listOf(v any) []any {
	if items, ok := itemsOf(v); ok {
		return items
	}
	return []any{v}
}

func isSequence(v any) bool {
	a, ok := v.(*array)
	return ok && a.sequence
}

// appendValues joins two values to an array; undefined is none.
func appendValues(a, b any) any {
	if a == undefined {
		return b
	}
	if b == undefined {
		return a
	}
	first, isArray := itemsOf(a)
	if !isArray {
		first = []any{a}
	}
	second := listOf(b)
	joined := make([]any, 0, len(first)+len(second))
	return &array{items: append(append(joined, first...), second...), sequence: !isArray || isSequence(a)}
}

// number returns the value of a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case jsonvalue.Number:
		return v.Float64(), true
	}
	return 0, false
}

// isInteger reports whether a number is a whole one.
func isInteger(f float64) bool { return f == math.Trunc(f) && !math.IsInf(f, 0) }

// kind is the letter by which signatures name a value's type.
func kind(v any) byte {
	switch v.(type) {
	case undefinedValue:
		return 'm'
	case nil:
		return 'l'
	case bool:
		return 'b'
	case string:
		return 's'
	case float64, jsonvalue.Number:
		return 'n'
	case *array, *jsonvalue.Array:
		return 'a'
	case *function:
		return 'f'
	}
	return 'o'
}

// truth is a value as $boolean casts it; ok is false for undefined.
func truth(v any) (value, ok bool) {
	budget := 1 << 20 // arrays may share items, and so have more than memory has; what is beyond counts as false
	return truthWithin(v, &budget)
}

func truthWithin(v any, budget *int) (value, ok bool) {
	if *budget--; *budget < 0 {
		return false, true
	}
	switch v := v.(type) {
	case undefinedValue:
		return false, false
	case nil, *function:
		return false, true
	case bool:
		return v, true
	case string:
		return v != "", true
	case *jsonvalue.Object:
		return v.Len() > 0, true
	}
	if f, isNumber := number(v); isNumber {
		return f != 0 && !math.IsNaN(f), true
	}
	items, _ := itemsOf(v)
	for _, item := range items {
		if value, _ := truthWithin(item, budget); value {
			return true, true
		}
	}
	return false, true
}

func isTrue(v any) bool {
	value, _ := truth(v)
	return value
}

// same reports whether two values are equal, members in any order.
func (ev *evaluation) same(a, b any) (bool, error) {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y, nil
	}
	if a == b {
		return true, nil
	}
	x, isArray := itemsOf(a)
	o, isObject := a.(*jsonvalue.Object)
	if !isArray && !isObject {
		return false, nil
	}
	if err := ev.enter(); err != nil {
		return false, err
	}
	defer ev.leave()
	if isArray {
		y, ok := itemsOf(b)
		equal := ok && len(x) == len(y)
		var err error
		for i := 0; i < len(x) && equal; i++ {
			equal, err = ev.same(x[i], y[i])
		}
		return equal, err
	}
	p, ok := b.(*jsonvalue.Object)
	equal := ok && o.Len() == p.Len()
	var err error
	for _, m := range o.Members() {
		if !equal {
			break
		}
		var v any
		if v, equal = p.Get(m.Name); equal {
			equal, err = ev.same(m.Value, v)
		}
	}
	return equal, err
}

// identical is the comparison of "in": by value for simple values, by identity for others.
func identical(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return a == b
}

// numberText writes a number as JavaScript does.
func numberText(f float64) string {
	switch {
	case f == 0:
		return "0"
	case math.Abs(f) < 1e21 && math.Abs(f) >= 1e-6:
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	sign := exponent[:1]
	return mantissa + "e" + sign + strings.TrimLeft(exponent[1:], "0")
}

// roundedText is how $string writes a number: with 15 digits, which hides what binary fractions do to decimal ones.
func roundedText(f float64) string {
	if isInteger(f) && math.Abs(f) < 1e15 {
		return numberText(f)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
	return numberText(rounded)
}

// export makes a result one of jsonvalue's values. Functions have no place in JSON: as members they are left out, as
// items they are null. What is already one of jsonvalue's values is shared, not copied.
func (ev *evaluation) export(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		switch {
		case math.IsInf(v, 1):
			return "Infinity", nil
		case math.IsInf(v, -1):
			return "-Infinity", nil
		case math.IsNaN(v):
			return "NaN", nil
		}
		return jsonvalue.Number(numberText(v)), nil
	case *function, undefinedValue:
		return nil, nil
	case string:
		return v, ev.allocate(len(v))
	case *array:
		items, _, err := ev.exportItems(v.items)
		return &jsonvalue.Array{Items: items}, err
	case *jsonvalue.Array:
		items, changed, err := ev.exportItems(v.Items)
		if err != nil || !changed {
			return v, err
		}
		return &jsonvalue.Array{Items: items}, nil
	case *jsonvalue.Object:
		return ev.exportObject(v)
	}
	return v, nil
}

func (ev *evaluation) exportItems(items []any) (out []any, changed bool, err error) {
	if err := ev.enter(); err != nil {
		return nil, false, err
	}
	defer ev.leave()
	if err := ev.spend(len(items)); err != nil {
		return nil, false, err
	}
	out = items
	for i, item := range items {
		exported, err := ev.export(item)
		if err != nil {
			return nil, false, err
		}
		if !changed && !isExported(item, exported) {
			changed = true
			out = append(make([]any, 0, len(items)), items[:i]...)
		}
		if changed {
			out = append(out, exported)
		}
	}
	return out, changed, nil
}

// isExported reports whether a value has been exported as itself.
func isExported(before, after any) bool {
	switch before.(type) {
	case float64, *array, *function, undefinedValue:
		return false
	}
	return before == after
}

func (ev *evaluation) exportObject(o *jsonvalue.Object) (any, error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer ev.leave()
	var changed *jsonvalue.Object
	for i, m := range o.Members() {
		if err := ev.allocate(len(m.Name)); err != nil {
			return nil, err
		}
		v, err := ev.export(m.Value)
		if err != nil {
			return nil, err
		}
		if changed == nil {
			if isExported(m.Value, v) {
				continue
			}
			changed = jsonvalue.NewObject(o.Members()[:i]...)
		}
		if _, isFunction := m.Value.(*function); !isFunction {
			changed.Set(m.Name, v)
		}
	}
	if changed == nil {
		return o, nil
	}
	return changed, nil
}
