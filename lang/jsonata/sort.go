package jsonata

import "strings"

// sortable is an item of a step ^(…) with the keys that have been evaluated so far.
type sortable struct {
	item any
	keys []any
}

// sortItems sorts the items of a step ^(…).
func (ev *evaluation) sortItems(n *node, items []any, s *scope) ([]any, error) {
	wrapped := make([]any, len(items))
	for i, item := range items {
		wrapped[i] = &sortable{item: item}
	}
	sorted, err := ev.mergeSort(wrapped, func(a, b any) (bool, error) {
		for i := range n.terms {
			order, err := ev.orderOf(n, i, a.(*sortable), b.(*sortable), s)
			if err != nil {
				if r := asRaised(err); r != nil && r.at == 0 {
					r.at = n.at
				}
				return false, err
			}
			if order != 0 {
				return order > 0, nil
			}
		}
		return false, nil
	})
	for i, item := range sorted {
		sorted[i] = item.(*sortable).item
	}
	return sorted, err
}

// key returns the key of an item by the i-th term, which is evaluated only once.
func (ev *evaluation) key(n *node, i int, of *sortable, s *scope) (any, error) {
	for len(of.keys) <= i {
		context, inner := of.item, s
		if t, ok := of.item.(*tuple); ok {
			context, inner = t.value, s.of(t)
		}
		v, err := ev.eval(n.terms[len(of.keys)].key, context, inner)
		if err != nil {
			return nil, err
		}
		of.keys = append(of.keys, v)
	}
	return of.keys[i], nil
}

// orderOf compares two items by the i-th term; items without the key come last.
func (ev *evaluation) orderOf(n *node, i int, a, b *sortable, s *scope) (int, error) {
	x, err := ev.key(n, i, a, s)
	if err != nil {
		return 0, err
	}
	y, err := ev.key(n, i, b, s)
	if err != nil {
		return 0, err
	}
	switch {
	case x == undefined && y == undefined:
		return 0, nil
	case x == undefined:
		return 1, nil
	case y == undefined:
		return -1, nil
	}
	order := 0
	p, numberX := number(x)
	q, numberY := number(y)
	t, textX := x.(string)
	u, textY := y.(string)
	switch {
	case !numberX && !textX || !numberY && !textY:
		return 0, &raised{code: "T2008", value: x}
	case numberX != numberY:
		return 0, &raised{code: "T2007", value: x, value2: y}
	case textX:
		order = strings.Compare(t, u)
	case p < q:
		order = -1
	case p > q:
		order = 1
	}
	if n.terms[i].descending {
		order = -order
	}
	return order, nil
}

// mergeSort returns the items sorted, stably; after reports whether the first of two belongs after the second.
func (ev *evaluation) mergeSort(items []any, after func(a, b any) (bool, error)) ([]any, error) {
	sorted := append([]any(nil), items...)
	spare := make([]any, len(items))
	for width := 1; width < len(sorted); width *= 2 {
		for from := 0; from < len(sorted); from += 2 * width {
			middle, end := min(from+width, len(sorted)), min(from+2*width, len(sorted))
			left, right := sorted[from:middle], sorted[middle:end]
			for at := from; at < end; at++ {
				takeRight := len(left) == 0
				if len(left) > 0 && len(right) > 0 {
					var err error
					if err = ev.spend(1); err == nil {
						takeRight, err = after(left[0], right[0])
					}
					if err != nil {
						return nil, err
					}
				}
				if takeRight {
					spare[at], right = right[0], right[1:]
				} else {
					spare[at], left = left[0], left[1:]
				}
			}
		}
		sorted, spare = spare, sorted
	}
	return sorted, nil
}
