package jsonata

import (
	"math"
	"strings"
)

func (ev *evaluation) operator(n *node, input any, s *scope) (any, error) {
	left, err := ev.eval(n.left, input, s)
	if err != nil {
		return nil, err
	}
	switch n.operation {
	case and:
		if !isTrue(left) {
			return false, nil
		}
	case or:
		if isTrue(left) {
			return true, nil
		}
	}
	right, err := ev.eval(n.right, input, s)
	if err != nil {
		return nil, err
	}
	var v any
	switch n.operation {
	case and, or:
		return isTrue(right), nil
	case addition, subtraction, multiplication, division, modulo:
		v, err = arithmetic(n.operation, left, right)
	case equal, unequal:
		if left == undefined || right == undefined {
			return false, nil
		}
		equals, err := ev.same(left, right)
		return equals == (n.operation == equal), err
	case less, lessOrEqual, greater, greaterOrEqual:
		v, err = compare(n.operation, left, right)
	case membership:
		return contains(left, right), nil
	case concatenation:
		v, err = ev.concatenate(left, right)
	}
	if r := asRaised(err); r != nil && r.at == 0 {
		r.at, r.token = n.at, n.text
	}
	return v, err
}

func arithmetic(o operation, left, right any) (any, error) {
	a, ok, err := finite(left)
	if err != nil {
		return nil, err
	}
	if !ok && left != undefined {
		return nil, problem("T2001", left)
	}
	b, ok, err := finite(right)
	if err != nil {
		return nil, err
	}
	if !ok && right != undefined {
		return nil, problem("T2002", right)
	}
	if left == undefined || right == undefined {
		return undefined, nil
	}
	switch o {
	case addition:
		return a + b, nil
	case subtraction:
		return a - b, nil
	case multiplication:
		return a * b, nil
	case division:
		return a / b, nil
	}
	return math.Mod(a, b), nil
}

func compare(o operation, left, right any) (any, error) {
	a, numberA := number(left)
	s, textA := left.(string)
	b, numberB := number(right)
	t, textB := right.(string)
	if !numberA && !textA && left != undefined || !numberB && !textB && right != undefined {
		v := left
		if numberA || textA {
			v = right
		}
		return nil, problem("T2010", v)
	}
	if left == undefined || right == undefined {
		return undefined, nil
	}
	if numberA != numberB {
		return nil, &raised{code: "T2009", value: left, value2: right}
	}
	order := 0
	if textA {
		order = strings.Compare(s, t)
	} else if a < b {
		order = -1
	} else if a > b {
		order = 1
	}
	switch o {
	case less:
		return order < 0, nil
	case lessOrEqual:
		return order <= 0, nil
	case greater:
		return order > 0, nil
	}
	return order >= 0, nil
}

func contains(left, right any) bool {
	if left == undefined || right == undefined {
		return false
	}
	for _, item := range listOf(right) {
		if identical(left, item) {
			return true
		}
	}
	return false
}

func (ev *evaluation) concatenate(left, right any) (any, error) {
	var text [2]string
	for i, v := range []any{left, right} {
		switch v := v.(type) {
		case undefinedValue:
		case string:
			text[i] = v
		default:
			s, err := ev.stringify(v, false)
			if err != nil {
				return nil, err
			}
			text[i] = s
		}
	}
	if err := ev.allocate(len(text[0]) + len(text[1])); err != nil {
		return nil, err
	}
	return text[0] + text[1], nil
}
