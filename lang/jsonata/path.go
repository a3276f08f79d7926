package jsonata

import (
	"math"

	"github.com/carepath/carepath/lang/jsonvalue"
)

func (ev *evaluation) path(n *node, input any, s *scope) (any, error) {
	// Each step works on all the items that the step before has given.
	var items []any
	if all, isArray := itemsOf(input); isArray && n.steps[0].kind != variableNode {
		items = all
	} else {
		items = []any{input}
	}
	var result any
	tuples := false
	var err error
	for i, step := range n.steps {
		tuples = tuples || step.tuples
		switch {
		case i == 0 && step.construct:
			result, err = ev.eval(step, sequenceOf(items, input), s)
		case tuples:
			result, err = ev.tupleStep(step, asTuples(items), s)
		default:
			result, err = ev.step(step, items, s, i == len(n.steps)-1)
		}
		if err != nil {
			return nil, err
		}
		next, isArray := itemsOf(result)
		if !isArray {
			next = []any{result}
		}
		if !tuples && (result == undefined || isArray && len(next) == 0) {
			break
		}
		items = next
	}
	return ev.endOfPath(n, result, tuples, s)
}

// endOfPath makes the result of the last step that of the path.
func (ev *evaluation) endOfPath(n *node, result any, tuples bool, s *scope) (any, error) {
	stream := result
	if tuples && !n.tuples {
		result = valuesOf(result)
	}
	if n.keepSingleton {
		result = keepSingleton(result)
	}
	if n.group != nil {
		if tuples {
			result = stream
		}
		return ev.groupBy(n.group, result, s)
	}
	return result, nil
}

// keepSingleton makes a result a sequence that stays an array.
func keepSingleton(result any) any {
	switch v := result.(type) {
	case *array:
		if v.constructed && !v.sequence {
			return &array{items: []any{v}, sequence: true, keepSingleton: true}
		}
		if v.sequence {
			return &array{items: v.items, sequence: true, keepSingleton: true, tuples: v.tuples}
		}
	}
	return result
}

func sequenceOf(items []any, input any) any {
	if _, isArray := itemsOf(input); isArray {
		return input
	}
	return newSequence(items...)
}

func isTuples(v any) bool {
	a, ok := v.(*array)
	return ok && a.tuples
}

// valuesOf returns the values of tuples as a sequence, and another value as it is.
func valuesOf(v any) any {
	a, ok := v.(*array)
	if !ok || !a.tuples {
		return v
	}
	values := newSequence()
	for _, t := range a.items {
		values.items = append(values.items, t.(*tuple).value)
	}
	return values
}

func asTuples(items []any) []any {
	if len(items) > 0 {
		if _, done := items[0].(*tuple); done {
			return items
		}
	}
	tuples := make([]any, len(items))
	for i, item := range items {
		tuples[i] = &tuple{value: item}
	}
	return tuples
}

// step evaluates a step for each item and joins what it gives.
func (ev *evaluation) step(n *node, items []any, s *scope, last bool) (any, error) {
	if n.kind == sortNode {
		sorted, err := ev.sortItems(n, items, s)
		if err != nil {
			return nil, err
		}
		return ev.stages(n, &array{items: sorted, sequence: true}, s)
	}
	results := make([]any, 0, len(items))
	for _, item := range items {
		v, err := ev.eval(n, item, s)
		if err != nil {
			return nil, err
		}
		for i := range n.stages {
			if v, err = ev.filter(n.stages[i].filter, v, s); err != nil {
				return nil, err
			}
			if a, ok := v.(*array); ok && a.sequence && !a.tuples && len(a.items) == 0 {
				v = undefined
			}
		}
		if v != undefined {
			results = append(results, v)
		}
	}
	if last && len(results) == 1 {
		// A single array, unless it stands for several results, is the result as it is.
		if _, isArray := itemsOf(results[0]); isArray && !isSequence(results[0]) {
			return results[0], nil
		}
	}
	joined := newSequence()
	for _, v := range results {
		a, made := v.(*array)
		items, isArray := itemsOf(v)
		if !isArray || made && a.constructed {
			joined.items = append(joined.items, v)
			continue
		}
		if err := ev.spend(len(items)); err != nil {
			return nil, err
		}
		joined.items = append(joined.items, items...)
	}
	return joined, nil
}

// tupleStep evaluates a step for each tuple.
func (ev *evaluation) tupleStep(n *node, tuples []any, s *scope) (any, error) {
	result := &array{sequence: true, tuples: true}
	if n.kind == sortNode {
		sorted, err := ev.sortItems(n, tuples, s)
		if err != nil {
			return nil, err
		}
		for i, item := range sorted {
			t := item.(*tuple)
			if n.index != "" {
				t = &tuple{t.value, &binding{n.index, float64(i), t.bindings}}
			}
			result.items = append(result.items, t)
		}
		return ev.stages(n, result, s)
	}
	for _, item := range tuples {
		t := item.(*tuple)
		v, err := ev.eval(n, t.value, s.of(t))
		if err != nil {
			return nil, err
		}
		if v == undefined {
			continue
		}
		inner := isTuples(v)
		for i, one := range listOf(v) {
			made := &tuple{value: one, bindings: t.bindings}
			switch {
			case inner:
				made.value = one.(*tuple).value
				made.bindings = prepend(one.(*tuple).bindings, t.bindings)
			case n.focus != "":
				made.value = t.value
				made.bindings = &binding{n.focus, one, made.bindings}
			}
			if n.index != "" {
				made.bindings = &binding{n.index, float64(i), made.bindings}
			}
			if n.ancestor != nil {
				made.bindings = &binding{n.ancestor.label, t.value, made.bindings}
			}
			result.items = append(result.items, made)
		}
	}
	if err := ev.spend(len(result.items)); err != nil {
		return nil, err
	}
	return ev.stages(n, result, s)
}

// prepend puts the bindings that an inner path has made before those of the tuple that it began with.
func prepend(inner, outer *binding) *binding {
	if inner == nil || inner == outer {
		return outer
	}
	return &binding{inner.name, inner.value, prepend(inner.next, outer)}
}

// stages applies a step's predicates and indices to all its results at once.
func (ev *evaluation) stages(n *node, result *array, s *scope) (any, error) {
	for i := range n.stages {
		stage := &n.stages[i]
		if stage.filter == nil {
			indexed := &array{sequence: true, tuples: true, items: make([]any, len(result.items))}
			for i, item := range result.items {
				t := item.(*tuple)
				indexed.items[i] = &tuple{t.value, &binding{stage.index, float64(i), t.bindings}}
			}
			result = indexed
			continue
		}
		v, err := ev.filter(stage.filter, result, s)
		if err != nil {
			return nil, err
		}
		a, ok := v.(*array)
		if !ok {
			a = newSequence(listOf(v)...)
		}
		result = a
	}
	return result, nil
}

// filter selects items by a predicate: those at the positions that it gives, or for which it is true.
func (ev *evaluation) filter(predicate *node, input any, s *scope) (any, error) {
	tuples := isTuples(input)
	result := &array{sequence: true, tuples: tuples}
	items, isArray := itemsOf(input)
	if !isArray {
		items = []any{input}
	}
	if f, ok := predicate.value.(float64); ok && predicate.kind == literalNode && len(predicate.stages) == 0 {
		i, ok := position(f, len(items))
		if !ok || items[i] == undefined {
			return result, nil
		}
		if _, isArray := itemsOf(items[i]); isArray {
			return items[i], nil
		}
		result.items = append(result.items, items[i])
		return result, nil
	}
	for i, item := range items {
		context, inner := item, s
		if tuples {
			t := item.(*tuple)
			context, inner = t.value, s.of(t)
		}
		v, err := ev.eval(predicate, context, inner)
		if err != nil {
			return nil, err
		}
		if positions, ok := numbers(v); ok {
			for _, f := range positions {
				if at, ok := position(f, len(items)); ok && at == i {
					result.items = append(result.items, item)
				}
			}
		} else if isTrue(v) {
			result.items = append(result.items, item)
		}
	}
	return result, nil
}

// position is the index that a number means, from the end if it is negative.
func position(f float64, length int) (int, bool) {
	f = math.Floor(f)
	if f < 0 {
		f += float64(length)
	}
	if f < 0 || f >= float64(length) {
		return 0, false
	}
	return int(f), true
}

// numbers returns the numbers that a value is or, as an array, consists of.
func numbers(v any) ([]float64, bool) {
	if f, ok := number(v); ok {
		return []float64{f}, true
	}
	items, isArray := itemsOf(v)
	if !isArray {
		return nil, false
	}
	all := make([]float64, len(items))
	for i, item := range items {
		f, ok := number(item)
		if !ok {
			return nil, false
		}
		all[i] = f
	}
	return all, true
}

// group is what one key of a grouping has collected.
type group struct {
	name string
	pair int
	data []any
	many bool // data has been collected from several items
}

func (g *group) add(item any) {
	if !g.many {
		g.many = true
		g.data = append([]any(nil), listOf(g.data[0])...)
	}
	g.data = append(g.data, listOf(item)...)
}

// context is what the value of the group is evaluated on.
func (g *group) context() any {
	if g.many {
		return newSequence(g.data...)
	}
	return g.data[0]
}

// groupBy makes an object: each item gives keys, and each value is evaluated on all the items that gave its key.
func (ev *evaluation) groupBy(g *grouping, input any, s *scope) (any, error) {
	tuples := isTuples(input)
	items, isArray := itemsOf(input)
	if !isArray {
		items = []any{input}
	}
	if len(items) == 0 {
		items = []any{undefined} // so that an object of literals is made of nothing
	}
	var groups []*group
	byName := map[string]*group{}
	for _, item := range items {
		context, inner := item, s
		if t, ok := item.(*tuple); ok {
			context, inner = t.value, s.of(t)
		}
		for i := range g.pairs {
			key, err := ev.eval(g.pairs[i].key, context, inner)
			if err != nil {
				return nil, err
			}
			if key == undefined {
				continue
			}
			name, ok := key.(string)
			if !ok {
				return nil, &raised{code: "T1003", at: g.at, value: key}
			}
			found := byName[name]
			switch {
			case found == nil:
				found = &group{name: name, pair: i, data: []any{item}}
				byName[name] = found
				groups = append(groups, found)
			case found.pair != i:
				return nil, &raised{code: "D1009", at: g.at, value: name}
			default:
				found.add(item)
			}
		}
	}
	result := &jsonvalue.Object{}
	for _, group := range groups {
		context, inner := group.context(), s
		if tuples {
			t := mergeTuples(group.data)
			context, inner = t.value, s.of(t)
		}
		v, err := ev.eval(g.pairs[group.pair].value, context, inner)
		if err != nil {
			return nil, err
		}
		if v != undefined {
			result.Set(group.name, v)
		}
	}
	return result, nil
}

// mergeTuples makes one tuple of several: each of its variables has all their values.
func mergeTuples(items []any) *tuple {
	merged := *items[0].(*tuple)
	for _, item := range items[1:] {
		t := item.(*tuple)
		merged.value = appendValues(merged.value, t.value)
		var bindings *binding
		for b := t.bindings; b != nil; b = b.next {
			if _, done := bindings.find(b.name); done {
				continue
			}
			v := b.value
			if before, ok := merged.bindings.find(b.name); ok {
				v = appendValues(before, v)
			}
			bindings = &binding{b.name, v, bindings}
		}
		merged.bindings = bindings
	}
	return &merged
}
