package dynamodbexpr

import (
	"slices"
	"strings"
	"unicode/utf16"
)

// Holds reports whether an item meets the condition. A nil item is an item that does not exist: it has no attributes.
func (c *Condition) Holds(item Item) bool { return c.root.holds(item) }

func (n *node) holds(item Item) bool {
	switch n.op {
	case "and":
		return n.args[0].holds(item) && n.args[1].holds(item)
	case "or":
		return n.args[0].holds(item) || n.args[1].holds(item)
	case "not":
		return !n.args[0].holds(item)
	}
	var few [3]Value
	values := few[:0]
	for _, a := range n.args {
		v, _ := a.of(item)
		values = append(values, v)
	}
	op := n.op
	if op == "function" {
		op = n.name
	}
	return compare(op, values[0], values[1:])
}

// of returns an operand's value; ok is false when the item has none.
func (n *node) of(item Item) (_ Value, ok bool) {
	switch n.op {
	case "path":
		return n.path.of(item)
	case "value":
		return n.value, true
	}
	v, ok := n.args[0].of(item)
	if !ok {
		return Value{}, false
	}
	size := 0
	switch v.kind {
	case KindS:
		size = utf16Length(v.text)
	case KindB:
		size = len(v.text)
	case KindSS, KindNS, KindBS:
		size = len(v.Members())
	case KindL:
		size = len(v.List())
	case KindM:
		size = len(v.Map())
	default:
		return Value{}, false
	}
	return Value{kind: KindN, text: itoa(size)}, true
}

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// compare applies an operator of expressions or of the older parameters. v is Invalid when the item does not have the
// attribute.
func compare(op string, v Value, operands []Value) bool {
	var w Value
	if len(operands) > 0 {
		w = operands[0]
	}
	switch op {
	case "=", "EQ":
		return v.kind != Invalid && v.Equal(w)
	case "<>", "NE":
		return v.kind == Invalid || !v.Equal(w)
	case "<", "LT":
		c, ok := v.order(w)
		return ok && c < 0
	case "<=", "LE":
		c, ok := v.order(w)
		return ok && c <= 0
	case ">", "GT":
		c, ok := v.order(w)
		return ok && c > 0
	case ">=", "GE":
		c, ok := v.order(w)
		return ok && c >= 0
	case "between", "BETWEEN":
		low, okLow := v.order(w)
		high, okHigh := v.order(operands[1])
		return okLow && okHigh && low >= 0 && high <= 0
	case "in", "IN":
		return v.kind != Invalid && slices.ContainsFunc(operands, v.Equal)
	case "attribute_exists", "NOT_NULL":
		return v.kind != Invalid
	case "attribute_not_exists", "NULL":
		return v.kind == Invalid
	case "attribute_type":
		return v.kind != Invalid && v.kind.String() == w.text
	case "begins_with", "BEGINS_WITH":
		return v.kind == w.kind && (v.kind == KindS || v.kind == KindB) && strings.HasPrefix(v.text, w.text)
	case "contains", "CONTAINS":
		return v.contains(w)
	case "NOT_CONTAINS":
		return !v.contains(w)
	}
	return false
}

func (v Value) contains(w Value) bool {
	switch v.kind {
	case KindS, KindB:
		return v.kind == w.kind && strings.Contains(v.text, w.text)
	case KindSS:
		return w.kind == KindS && slices.Contains(v.Members(), w.text)
	case KindNS:
		return w.kind == KindN && slices.Contains(v.Members(), w.text)
	case KindBS:
		return w.kind == KindB && slices.Contains(v.Members(), w.text)
	case KindL:
		return w.kind != Invalid && slices.ContainsFunc(v.List(), w.Equal)
	}
	return false
}
