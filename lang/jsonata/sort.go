package jsonata

import "strings"

// sortItems sorts the items of a step ^(…).
func (ev *evaluation) sortItems(n *node, items []any, s *scope) ([]any, error) {
	return ev.mergeSort(items, func(a, b any) (bool, error) {
		for i := range n.terms {
			order, err := ev.orderOf(&n.terms[i], a, b, s)
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
}

// orderOf compares two items by one term; items without the key come last.
func (ev *evaluation) orderOf(term *sortTerm, a, b any, s *scope) (int, error) {
	x, err := ev.key(term, a, s)
	if err != nil {
		return 0, err
	}
	y, err := ev.key(term, b, s)
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
	if term.descending {
		order = -order
	}
	return order, nil
}

func (ev *evaluation) key(term *sortTerm, item any, s *scope) (any, error) {
	if t, ok := item.(*tuple); ok {
		return ev.eval(term.key, t.value, s.of(t))
	}
	return ev.eval(term.key, item, s)
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
