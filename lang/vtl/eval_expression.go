package vtl

import (
	"fmt"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
)

func (l *literal) value(*evaluator) (any, error) { return l.v, nil }

func (l *literal) truth(*evaluator) (bool, error) { return l.v == true, nil }

func (i *interpolated) value(e *evaluator) (any, error) {
	start := len(e.out)
	base := e.base
	e.base = start
	err := e.block(i.body)
	e.base = base
	if err != nil {
		e.out = e.out[:start]
		return nil, err
	}
	s := string(e.out[start:])
	e.out = e.out[:start]
	if i.trim && s != "" {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s, nil
}

func (i *interpolated) truth(e *evaluator) (bool, error) {
	_, err := i.value(e)
	return false, err
}

func (l *listLiteral) value(e *evaluator) (any, error) {
	if err := e.step(); err != nil {
		return nil, e.at(0, err)
	}
	v := &list{items: make([]any, len(l.items))}
	for i, item := range l.items {
		var err error
		if v.items[i], err = item.value(e); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (l *listLiteral) truth(e *evaluator) (bool, error) {
	_, err := l.value(e)
	return false, err
}

func (m *mapLiteral) value(e *evaluator) (any, error) {
	if err := e.step(); err != nil {
		return nil, e.at(0, err)
	}
	v := &dict{}
	for i, k := range m.keys {
		key, err := k.value(e)
		if err != nil {
			return nil, err
		}
		item, err := m.values[i].value(e)
		if err != nil {
			return nil, err
		}
		v.put(key, item)
	}
	return v, nil
}

func (m *mapLiteral) truth(e *evaluator) (bool, error) {
	_, err := m.value(e)
	return false, err
}

func (r *rangeLiteral) value(e *evaluator) (any, error) {
	from, err := r.from.value(e)
	if err != nil {
		return nil, err
	}
	to, err := r.to.value(e)
	if err != nil || !isNumber(from) || !isNumber(to) {
		return nil, err
	}
	a, b := int64(toInt(from)), int64(toInt(to))
	delta, count := int64(1), b-a+1
	if a >= b {
		delta, count = -1, a-b+1
	}
	if err := e.work(int(count)); err != nil {
		return nil, e.at(r.offset, err)
	}
	v := &list{items: make([]any, count)}
	for i := range v.items {
		v.items[i] = integer(a + int64(i)*delta)
	}
	return v, nil
}

func (r *rangeLiteral) truth(e *evaluator) (bool, error) {
	_, err := r.value(e)
	return false, err
}

func (n *negation) truth(e *evaluator) (bool, error) {
	if err := e.step(); err != nil {
		return false, e.at(0, err)
	}
	v, err := n.operand.truth(e)
	return !v, err
}

func (n *negation) value(e *evaluator) (any, error) { return boxed(n.truth(e)) }

func boxed(v bool, err error) (any, error) { return v, err }

func (l *logical) truth(e *evaluator) (bool, error) {
	if err := e.step(); err != nil {
		return false, e.at(0, err)
	}
	v, err := l.left.truth(e)
	if err != nil || v == l.or {
		return v, err
	}
	return l.right.truth(e)
}

func (l *logical) value(e *evaluator) (any, error) { return boxed(l.truth(e)) }

func (c *comparison) value(e *evaluator) (any, error) { return boxed(c.truth(e)) }

func (c *comparison) truth(e *evaluator) (bool, error) {
	if err := e.step(); err != nil {
		return false, e.at(0, err)
	}
	left, err := c.left.value(e)
	if err != nil {
		return false, err
	}
	right, err := c.right.value(e)
	if err != nil {
		return false, err
	}
	if isNumber(left) && isNumber(right) {
		order, ok := compareNumbers(left, right)
		if !ok {
			return false, e.at(0, errDecimal)
		}
		switch c.operator {
		case kEQ:
			return order == 0, nil
		case kNE:
			return order != 0, nil
		case kLT:
			return order < 0, nil
		case kLE:
			return order <= 0, nil
		case kGT:
			return order > 0, nil
		}
		return order >= 0, nil
	}
	if c.operator != kEQ && c.operator != kNE {
		return false, nil
	}
	same, err := e.looselyEqual(left, right)
	return same == (c.operator == kEQ), e.at(0, err)
}

// looselyEqual is Velocity's ==: equals() for values of the same class, and their texts for others.
func (e *evaluator) looselyEqual(a, b any) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return x == y, e.read(min(len(x), len(y)))
		}
	}
	_, listA := items(a)
	_, listB := items(b)
	_, mapA := asMapping(a)
	_, mapB := asMapping(b)
	if listA && listB || mapA && mapB {
		return e.equals(a, b, 0)
	}
	x, err := e.text(a)
	if err != nil {
		return false, err
	}
	y, err := e.text(b)
	return x == y, err
}

// equals is Java's equals(): numbers of different classes differ.
func (e *evaluator) equals(a, b any, depth int) (bool, error) {
	if depth > e.limits.MaxDepth {
		return false, errTooDeep
	}
	if err := e.step(); err != nil {
		return false, err
	}
	if x, ok := items(a); ok {
		y, ok := items(b)
		if !ok || len(*x) != len(*y) {
			return false, nil
		}
		for i := range *x {
			if same, err := e.equals((*x)[i], (*y)[i], depth+1); !same || err != nil {
				return false, err
			}
		}
		return true, nil
	}
	if x, ok := asMapping(a); ok {
		y, ok := asMapping(b)
		if !ok || x.size() != y.size() {
			return false, nil
		}
		same := true
		var err error
		x.each(func(k, v any) bool {
			other, ok := y.get(k)
			if !ok {
				same = false
			} else {
				same, err = e.equals(v, other, depth+1)
			}
			return same && err == nil
		})
		return same && err == nil, err
	}
	switch x := a.(type) {
	case *bigInteger:
		y, ok := b.(*bigInteger)
		return ok && x.v.Cmp(y.v) == 0, nil
	case *bigDecimal:
		y, ok := b.(*bigDecimal)
		return ok && x.scale == y.scale && x.unscaled.Cmp(y.unscaled) == 0, nil
	case string:
		y, ok := b.(string)
		return ok && x == y, e.read(len(x))
	case *entry:
		y, ok := b.(*entry)
		if !ok {
			return false, nil
		}
		same, err := e.equals(x.key, y.key, depth+1)
		if !same || err != nil {
			return false, err
		}
		return e.equals(x.value, y.value, depth+1)
	}
	return a == b, nil
}

func (r *reference) truth(e *evaluator) (bool, error) {
	v, err := r.value(e)
	return v != nil && v != false, err
}

// value follows the reference. Wherever that ends in nothing, the value is the empty string: that is how API Gateway
// handles invalid references.
func (r *reference) value(e *evaluator) (any, error) {
	if r.runt || r.plain {
		return nil, nil
	}
	if err := e.step(); err != nil {
		return nil, e.at(r.offset, err)
	}
	v := e.vars[r.slot]
	if v == nil {
		return "", nil
	}
	steps := r.steps
	if r.escapeCall != nil && v == any(&e.util) {
		var err error
		if v, err = r.escapeCall.value(e); err != nil {
			return nil, e.at(r.offset, err)
		}
		steps = steps[r.escapeCall.methodSteps:]
	}
	for i := range steps {
		var err error
		if v, err = e.follow(v, &steps[i]); err != nil {
			return nil, e.at(steps[i].offset, err)
		}
		if v == nil {
			return "", nil
		}
	}
	return v, nil
}

// follow takes one step from a value. Nil stands for null as well as for a step that does not exist.
func (e *evaluator) follow(v any, s *step) (any, error) {
	switch s.kind {
	case propertyStep:
		return e.property(v, s.name)
	case indexStep:
		index, err := s.args[0].value(e)
		if err != nil {
			return nil, err
		}
		return e.index(v, e.fromEnd(v, index))
	}
	if err := e.step(); err != nil {
		return nil, err
	}
	var few [4]any
	args := few[:0]
	for _, a := range s.args {
		arg, err := a.value(e)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	result, err := e.call(v, s, args)
	if err != nil {
		if stopped(err) != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s(): %w", s.name, err)
	}
	return result, nil
}

// fromEnd turns a negative index into one from the beginning, for values with a size() method.
func (e *evaluator) fromEnd(v, index any) any {
	n, ok := index.(integer)
	if !ok || n >= 0 {
		return index
	}
	if l, ok := items(v); ok {
		return integer(len(*l)) + n
	}
	if m, ok := asMapping(v); ok {
		return integer(m.size()) + n
	}
	return index
}

// index is v.get(index).
func (e *evaluator) index(v, index any) (any, error) {
	if l, ok := items(v); ok {
		if x, ok := v.(*list); ok && x.kind == setView {
			return nil, nil
		}
		n, ok := index.(integer)
		if !ok {
			return nil, nil
		}
		if n < 0 || int(n) >= len(*l) {
			return nil, indexError(n, len(*l))
		}
		return (*l)[n], nil
	}
	if m, ok := asMapping(v); ok {
		value, _ := m.get(index)
		return value, nil
	}
	return nil, nil
}

func indexError(n integer, size int) error {
	return fmt.Errorf("index %d is out of bounds for length %d", n, size)
}

// property is v.name: a getter, or the member of a map.
func (e *evaluator) property(v any, name string) (any, error) {
	switch v := v.(type) {
	case *jsonvalue.Object:
		value, _ := v.Get(name)
		return value, nil
	case *contextMap:
		value, _ := v.get(name)
		return value, nil
	case *dict:
		value, _ := v.get(name)
		return value, nil
	case *stageMap:
		if value, ok := v.get(name); ok {
			return value, nil
		}
		return nil, nil
	case *inputObject:
		if name == "body" {
			return e.body(), nil
		}
	case *foreachScope:
		return v.property(name), nil
	case *entry:
		switch name {
		case "key":
			return v.key, nil
		case "value":
			return v.value, nil
		}
	case string:
		switch name {
		case "empty":
			return v == "", nil
		case "blank":
			return isBlank(v), nil
		case "bytes":
			return bytesOf(v), e.work(len(v))
		}
	case double:
		switch name {
		case "naN":
			return v != v, nil
		case "infinite":
			return v != 0 && v == v+v, nil
		}
	}
	if l, ok := items(v); ok && name == "empty" {
		return len(*l) == 0, nil
	}
	return nil, nil
}

// assign sets what the reference names. Where there is nothing to set it does nothing.
func (r *reference) assign(e *evaluator, value any) error {
	if r.runt || r.plain {
		return nil
	}
	if len(r.steps) == 0 {
		e.vars[r.slot] = value
		return nil
	}
	v := e.vars[r.slot]
	for i := range r.steps[:len(r.steps)-1] {
		if v == nil {
			return nil
		}
		s := &r.steps[i]
		var err error
		if v, err = e.follow(v, s); err != nil {
			return e.at(s.offset, err)
		}
	}
	if v == nil {
		return nil
	}
	last := &r.steps[len(r.steps)-1]
	switch last.kind {
	case propertyStep:
		if m, ok := asMapping(v); ok {
			m.put(last.name, value)
		}
	case indexStep:
		index, err := last.args[0].value(e)
		if err != nil {
			return err
		}
		index = e.fromEnd(v, index)
		if l, ok := items(v); ok {
			n, ok := index.(integer)
			if !ok {
				return nil
			}
			if n < 0 || int(n) >= len(*l) {
				return e.at(last.offset, indexError(n, len(*l)))
			}
			(*l)[n] = value
		} else if m, ok := asMapping(v); ok {
			m.put(index, value)
		}
	}
	return nil
}
