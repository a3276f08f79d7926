package jsonata

import (
	"fmt"
	"math"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// evaluation is one run of an expression.
type evaluation struct {
	env    *Environment
	limits Limits
	steps  int
	depth  int // of evaluations in each other
	// nesting is how deep functions and operators are in a value, and in calls of each other.
	nesting int
	size    int
}

// spend counts work, and fails when it is too much.
func (ev *evaluation) spend(steps int) error {
	if ev.steps += steps; ev.steps > ev.limits.Steps {
		return &raised{code: "U1001", message: "Expression evaluation timeout: Check for infinite loop"}
	}
	return nil
}

// maxDepth is how deeply values may be nested that functions and operators look into.
const maxDepth = 2000

func errTooDeep() error {
	return &raised{code: "U1001", message: "Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive."}
}

func errTooMuch() error {
	return &raised{code: "U1001", message: "Expression evaluation memory limit exceeded: Check for excessive memory usage"}
}

// enter counts one step and one level in a value or in calls of functions, which leave ends. After an error there is no
// going on, nor leaving.
func (ev *evaluation) enter() error {
	if ev.nesting++; ev.nesting > maxDepth {
		return errTooDeep()
	}
	return ev.spend(1)
}

func (ev *evaluation) leave() { ev.nesting-- }

// maxValues is how many values of the greatest size an evaluation may make.
const maxValues = 8

// allocate counts the bytes of a value that is made.
func (ev *evaluation) allocate(bytes int) error {
	if ev.size += bytes; bytes > ev.limits.Size || ev.size > maxValues*ev.limits.Size {
		return errTooMuch()
	}
	return nil
}

// eval evaluates a node on its input.
func (ev *evaluation) eval(n *node, input any, s *scope) (any, error) {
	if err := ev.spend(1); err != nil {
		return nil, err
	}
	if ev.depth++; ev.depth > ev.limits.Depth {
		return nil, &raised{code: "U1001", message: fmt.Sprintf("Stack overflow error: Check for non-terminating recursive "+
			"function.  Consider rewriting as tail-recursive. Depth=%d max=%d", ev.depth, ev.limits.Depth)}
	}
	v, err := ev.dispatch(n, input, s)
	if err == nil && n.kind != pathNode {
		if v, err = ev.applyStages(n, v, s); err == nil && n.group != nil {
			v, err = ev.groupBy(n.group, v, s)
		}
	}
	ev.depth--
	if err != nil {
		return nil, err
	}
	if a, ok := v.(*array); ok && a.sequence && !a.tuples {
		return a.collapse(n.keepArray), nil
	}
	return v, nil
}

// collapse makes a sequence what it stands for.
func (a *array) collapse(keep bool) any {
	if keep && !a.keepSingleton {
		a = &array{items: a.items, sequence: true, keepSingleton: true}
	}
	switch {
	case len(a.items) == 0:
		return undefined
	case len(a.items) == 1 && !a.keepSingleton:
		return a.items[0]
	}
	return a
}

// applyStages applies the predicates of a node that is not a step of a path.
func (ev *evaluation) applyStages(n *node, v any, s *scope) (any, error) {
	if n.step || len(n.stages) == 0 {
		return v, nil
	}
	for i := range n.stages {
		var err error
		if v, err = ev.filter(n.stages[i].filter, v, s); err != nil {
			return nil, err
		}
	}
	return valuesOf(v), nil
}

func (ev *evaluation) dispatch(n *node, input any, s *scope) (any, error) {
	switch n.kind {
	case pathNode:
		return ev.path(n, input, s)
	case nameNode:
		return lookupMember(input, n.text), nil
	case literalNode:
		return n.value, nil
	case variableNode:
		if n.text == "" {
			if a, ok := input.(*array); ok && a.wrapper {
				return a.items[0], nil
			}
			return input, nil
		}
		return ev.lookup(s, n.text), nil
	case wildcardNode:
		return ev.wildcard(input)
	case descendantNode:
		return ev.descendants(input)
	case parentNode:
		return ev.lookup(s, n.slot.label), nil
	case regexNode:
		return n.regex, nil
	case negateNode:
		return ev.negate(n, input, s)
	case arrayNode:
		return ev.construct(n, input, s)
	case objectNode:
		return ev.groupBy(n.pairs, input, s)
	case operatorNode:
		return ev.operator(n, input, s)
	case rangeNode:
		return ev.rangeOf(n, input, s)
	case bindNode:
		v, err := ev.eval(n.right, input, s)
		if err == nil {
			s.bind(n.text, v)
		}
		return v, err
	case conditionNode:
		condition, err := ev.eval(n.left, input, s)
		switch {
		case err != nil:
			return nil, err
		case isTrue(condition):
			return ev.eval(n.right, input, s)
		case n.other != nil:
			return ev.eval(n.other, input, s)
		}
		return undefined, nil
	case blockNode:
		inner := &scope{outer: s}
		result := undefined
		for _, part := range n.list {
			var err error
			if result, err = ev.eval(part, input, inner); err != nil {
				return nil, err
			}
		}
		return result, nil
	case callNode:
		return ev.call(n, input, s, nil)
	case partialNode:
		return ev.partial(n, input, s)
	case lambdaNode:
		return &function{lambda: n, arity: len(n.params), signature: n.signature, input: input, scope: s}, nil
	case applyNode:
		return ev.apply(n, input, s)
	case transformNode:
		return &function{arity: 1, signature: transformSignature, native: func(c *call, args []any) (any, error) {
			return c.ev.transform(n, args[0], s)
		}}, nil
	}
	return nil, &raised{code: "S0206", at: n.at, token: n.text}
}

// lookupMember returns a member of an object, or those of an array's objects as a sequence.
func lookupMember(input any, name string) any {
	switch v := input.(type) {
	case *jsonvalue.Object:
		if member, ok := v.Get(name); ok {
			return member
		}
		return undefined
	case *array, *jsonvalue.Array:
		items, _ := itemsOf(v)
		result := newSequence()
		for _, item := range items {
			switch member := lookupMember(item, name).(type) {
			case undefinedValue:
			case *array:
				result.items = append(result.items, member.items...)
			case *jsonvalue.Array:
				result.items = append(result.items, member.Items...)
			default:
				result.items = append(result.items, member)
			}
		}
		return result
	}
	return undefined
}

func (ev *evaluation) wildcard(input any) (any, error) {
	if a, ok := input.(*array); ok && a.wrapper {
		input = a.items[0]
	}
	result := newSequence()
	var err error
	if o, ok := input.(*jsonvalue.Object); ok {
		for _, m := range o.Members() {
			if result.items, err = ev.flatten(m.Value, result.items); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
	items, _ := itemsOf(input)
	for _, v := range items {
		if result.items, err = ev.flatten(v, result.items); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// flatten appends a value or, of an array, the items and those of arrays in it.
func (ev *evaluation) flatten(v any, to []any) ([]any, error) {
	items, isArray := itemsOf(v)
	if !isArray {
		return append(to, v), nil
	}
	err := ev.enter()
	for i := 0; i < len(items) && err == nil; i++ {
		to, err = ev.flatten(items[i], to)
	}
	ev.leave()
	return to, err
}

func (ev *evaluation) descendants(input any) (any, error) {
	result := newSequence()
	if input == undefined {
		return result, nil
	}
	var visit func(v any) error
	visit = func(v any) error {
		if err := ev.enter(); err != nil {
			return err
		}
		defer ev.leave()
		if items, isArray := itemsOf(v); isArray {
			for _, item := range items {
				if err := visit(item); err != nil {
					return err
				}
			}
			return nil
		}
		result.items = append(result.items, v)
		if o, ok := v.(*jsonvalue.Object); ok {
			for _, member := range o.All() {
				if err := visit(member); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := visit(input)
	return result, err
}

func (ev *evaluation) negate(n *node, input any, s *scope) (any, error) {
	v, err := ev.eval(n.right, input, s)
	if err != nil || v == undefined {
		return v, err
	}
	if f, ok := number(v); ok {
		return -f, nil
	}
	return nil, &raised{code: "D1002", at: n.at, token: "-", value: v}
}

// construct evaluates an array constructor. Arrays that are values of its items become part of it, arrays that it has
// between brackets stay arrays.
func (ev *evaluation) construct(n *node, input any, s *scope) (any, error) {
	result := &array{constructed: n.construct, items: make([]any, 0, len(n.list))}
	for _, item := range n.list {
		v, err := ev.eval(item, input, s)
		if err != nil {
			return nil, err
		}
		if v == undefined {
			continue
		}
		items, isArray := itemsOf(v)
		if !isArray || item.kind == arrayNode {
			result.items = append(result.items, v)
			continue
		}
		if err := ev.spend(len(items)); err != nil {
			return nil, err
		}
		result.items = append(result.items, items...)
	}
	return result, nil
}

// maxRange is how many numbers a range may have.
const maxRange = 1e7

func (ev *evaluation) rangeOf(n *node, input any, s *scope) (any, error) {
	left, err := ev.eval(n.left, input, s)
	if err != nil {
		return nil, err
	}
	right, err := ev.eval(n.right, input, s)
	if err != nil {
		return nil, err
	}
	from, ok := number(left)
	if left != undefined && (!ok || !isInteger(from)) {
		return nil, &raised{code: "T2003", at: n.at, token: "..", value: left}
	}
	to, ok := number(right)
	if right != undefined && (!ok || !isInteger(to)) {
		return nil, &raised{code: "T2004", at: n.at, token: "..", value: right}
	}
	if left == undefined || right == undefined || from > to {
		return undefined, nil
	}
	size := to - from + 1
	if size > maxRange {
		return nil, &raised{code: "D2014", at: n.at, token: "..", value: size}
	}
	if err := ev.allocate(8 * int(size)); err != nil {
		return nil, err
	}
	if err := ev.spend(int(size)); err != nil {
		return nil, err
	}
	result := newSequence()
	result.items = make([]any, int(size))
	for i := range result.items {
		result.items[i] = from + float64(i)
	}
	return result, nil
}

func (ev *evaluation) apply(n *node, input any, s *scope) (any, error) {
	left, err := ev.eval(n.left, input, s)
	if err != nil {
		return nil, err
	}
	if n.right.kind == callNode {
		return ev.callOn(n.right, left, input, s)
	}
	right, err := ev.eval(n.right, input, s)
	if err != nil {
		return nil, err
	}
	f, ok := right.(*function)
	if !ok {
		return nil, &raised{code: "T2006", at: n.at, token: "~>", value: right}
	}
	if g, ok := left.(*function); ok {
		return &function{arity: 1, native: func(c *call, args []any) (any, error) {
			v, err := c.ev.invoke(g, args, undefined)
			if err != nil {
				return nil, err
			}
			return c.ev.invoke(f, []any{v}, undefined)
		}}, nil
	}
	return ev.invoke(f, []any{left}, undefined)
}

// finite returns an operand as a number; one that is infinite comes of an operation before.
func finite(v any) (f float64, isNumber bool, err error) {
	f, isNumber = number(v)
	if isNumber && (math.IsInf(f, 0) || math.IsNaN(f)) {
		return 0, false, problem("D1001", v)
	}
	return f, isNumber, nil
}
