package jsonpath

import (
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/dlclark/regexp2"
)

// expression is a filter's condition.
type expression interface {
	accept(f *evaluation, current any) bool
}

type andExpression []expression

func (x andExpression) accept(f *evaluation, current any) bool {
	for _, e := range x {
		if !e.accept(f, current) {
			return false
		}
	}
	return true
}

type orExpression []expression

func (x orExpression) accept(f *evaluation, current any) bool {
	for _, e := range x {
		if e.accept(f, current) {
			return true
		}
	}
	return false
}

type notExpression struct{ operand expression }

func (x notExpression) accept(f *evaluation, current any) bool { return !x.operand.accept(f, current) }

// existsExpression is a path on its own: true when every member it names is there.
type existsExpression struct{ path *Path }

func (x existsExpression) accept(f *evaluation, current any) bool {
	if x.path.root == '$' {
		current = f.root
	}
	e := &evaluation{path: x.path, root: f.root, required: true, clock: f.clock}
	if e.run(current) != nil {
		return false
	}
	return len(e.results) > 0 || !x.path.Definite()
}

// operand is one side of a comparison: a path, a literal or a regular expression.
type operand struct {
	path    *Path
	value   any
	pattern *regexp2.Regexp
}

// get returns the operand's value; false when it is a path that selects nothing.
func (o *operand) get(f *evaluation, current any) (any, bool) {
	if o.path == nil {
		return o.value, o.pattern == nil
	}
	if o.path.root == '$' {
		current = f.root
	}
	v, err := o.path.eval(current, f.root, f.clock)
	return v, err == nil
}

type comparison struct {
	left, right operand
	operator    string
}

func (x *comparison) accept(f *evaluation, current any) bool {
	if x.operator == "=~" {
		pattern, text := x.right.pattern, &x.left
		if pattern == nil {
			pattern, text = x.left.pattern, &x.right
		}
		v, ok := text.get(f, current)
		return ok && pattern != nil && f.matches(pattern, v)
	}
	a, okA := x.left.get(f, current)
	b, okB := x.right.get(f, current)
	switch x.operator {
	case "!=":
		return !(okA && okB && equal(a, b))
	case "!==":
		return !(okA && okB && sameKind(a, b) && equal(a, b))
	case "nin":
		return !(okA && okB && contains(b, a))
	}
	if !okA || !okB {
		return false
	}
	switch x.operator {
	case "==":
		return equal(a, b)
	case "===":
		return sameKind(a, b) && equal(a, b)
	case "<", "<=", ">", ">=":
		return ordered(x.operator, a, b)
	case "in":
		return contains(b, a)
	case "contains":
		if text, ok := a.(string); ok {
			part, ok := b.(string)
			return ok && strings.Contains(text, part)
		}
		return contains(a, b)
	case "size":
		n, ok := number(b)
		length, known := size(a)
		return ok && known && n.Cmp(jsonvalue.NumberFromInt(int64(length))) == 0
	case "empty":
		length, known := size(a)
		want, ok := b.(bool)
		return known && ok && (length == 0) == want
	}
	return setComparison(x.operator, a, b)
}

func setComparison(operator string, a, b any) bool {
	left, ok := a.(*jsonvalue.Array)
	right, okB := b.(*jsonvalue.Array)
	if !ok || !okB {
		return false
	}
	// all: the left holds every item of the right; subsetof: the other way round.
	if operator == "all" {
		left, right = right, left
	}
	found := 0
	for _, item := range left.Items {
		if contains(right, item) {
			found++
		}
	}
	switch operator {
	case "anyof":
		return found > 0
	case "noneof":
		return found == 0
	}
	return found == len(left.Items)
}

func contains(list, v any) bool {
	a, ok := list.(*jsonvalue.Array)
	if !ok {
		return false
	}
	for _, item := range a.Items {
		if equal(v, item) {
			return true
		}
	}
	return false
}

func size(v any) (int, bool) {
	switch v := v.(type) {
	case string:
		return len(v), true
	case *jsonvalue.Array:
		return v.Len(), true
	case *jsonvalue.Object:
		return v.Len(), true
	}
	return 0, false
}

// matches reports whether the whole of a value's text, or of one item's of a list, matches.
func (e *evaluation) matches(pattern *regexp2.Regexp, v any) bool {
	if a, ok := v.(*jsonvalue.Array); ok {
		for _, item := range a.Items {
			if _, nested := item.(*jsonvalue.Array); !nested && e.matches(pattern, item) {
				return true
			}
		}
		return false
	}
	text := ""
	switch v := v.(type) {
	case string:
		text = v
	case bool:
		text = "false"
		if v {
			text = "true"
		}
	default:
		n, ok := number(v)
		if !ok {
			return false
		}
		text = string(n)
	}
	if e.clock.exceeded {
		return false
	}
	began := time.Now()
	ok, err := pattern.MatchString(text)
	e.clock.spent += time.Since(began)
	e.clock.exceeded = err != nil || e.clock.spent > matchBudget
	return ok
}

// clock counts the time that one evaluation spends in regular expressions.
type clock struct {
	spent    time.Duration
	exceeded bool
}

// equal compares as the library's nodes do: a number and a string by the number that the string writes.
func equal(a, b any) bool {
	na, numA := number(a)
	nb, numB := number(b)
	sa, textA := a.(string)
	sb, textB := b.(string)
	switch {
	case numA && numB:
		return na.Cmp(nb) == 0
	case numA && textB:
		n, ok := parseNumber(sb)
		return ok && na.Cmp(n) == 0
	case textA && numB:
		return sa == string(nb)
	}
	switch a := a.(type) {
	case *jsonvalue.Array:
		b, ok := b.(*jsonvalue.Array)
		if !ok || len(a.Items) != len(b.Items) {
			return false
		}
		for i := range a.Items {
			if !sameKind(a.Items[i], b.Items[i]) || !equal(a.Items[i], b.Items[i]) {
				return false
			}
		}
		return true
	case *jsonvalue.Object:
		b, ok := b.(*jsonvalue.Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for name, av := range a.All() {
			bv, ok := b.Get(name)
			if !ok || !sameKind(av, bv) || !equal(av, bv) {
				return false
			}
		}
		return true
	}
	return a == b
}

func parseNumber(s string) (jsonvalue.Number, bool) {
	v, err := jsonvalue.Parse(s)
	if err != nil {
		return "", false
	}
	n, ok := v.(jsonvalue.Number)
	return n, ok
}

func sameKind(a, b any) bool { return typeName(a) == typeName(b) }

func ordered(operator string, a, b any) bool {
	order := 0
	na, numA := number(a)
	nb, numB := number(b)
	sa, textA := a.(string)
	sb, textB := b.(string)
	switch {
	case numA && numB:
		order = na.Cmp(nb)
	case textA && textB:
		order = strings.Compare(sa, sb)
	default:
		return false
	}
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// These backtrack, and documents come from clients: matchTimeout bounds one regular expression, matchBudget all of an
// evaluation, which fails when it passes them.
const (
	matchTimeout = 100 * time.Millisecond
	matchBudget  = 500 * time.Millisecond
)
