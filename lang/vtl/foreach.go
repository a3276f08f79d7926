package vtl

import "errors"

// foreachScope is $foreach: where a loop is.
type foreachScope struct {
	parent   *foreachScope
	replaced any // the variable $foreach from before the loop, if it was no scope
	index    int
	hasNext  bool
}

func (s *foreachScope) property(name string) any {
	switch name {
	case "index":
		return integer(s.index)
	case "count":
		return integer(s.index + 1)
	case "hasNext":
		return s.hasNext
	case "first":
		return s.index == 0
	case "last":
		return !s.hasNext
	case "parent":
		if s.parent != nil {
			return s.parent
		}
	case "topmost":
		for s.parent != nil {
			s = s.parent
		}
		return s
	case "replaced":
		for ; s != nil; s = s.parent {
			if s.replaced != nil {
				return s.replaced
			}
		}
	}
	return nil
}

var errModified = errors.New("#foreach: the list was changed while it was read")

func (d *foreachDirective) render(e *evaluator) error {
	if err := e.step(); err != nil {
		return e.at(d.offset, err)
	}
	v, err := d.list.value(e)
	if err != nil {
		return err
	}
	it := iterate(v)
	if it == nil {
		return nil // Anything else than a list, a map or an iterator has no items.
	}
	t := e.template
	item := e.vars[d.slot]
	scope := &foreachScope{index: -1}
	var before, count, hasNext any
	if t.foreach >= 0 {
		before = e.vars[t.foreach]
		if parent, ok := before.(*foreachScope); ok {
			scope.parent = parent
		} else {
			scope.replaced = before
		}
		e.vars[t.foreach] = scope
	}
	if t.velocityCount >= 0 {
		count = e.vars[t.velocityCount]
	}
	if t.velocityHasNext >= 0 {
		hasNext = e.vars[t.velocityHasNext]
	}
	err = d.loop(e, it, scope)
	e.vars[d.slot] = item
	if t.foreach >= 0 && e.vars[t.foreach] == any(scope) {
		e.vars[t.foreach] = before
	}
	if t.velocityCount >= 0 {
		e.vars[t.velocityCount] = count
	}
	if t.velocityHasNext >= 0 {
		e.vars[t.velocityHasNext] = hasNext
	}
	return e.at(d.offset, err)
}

func (d *foreachDirective) loop(e *evaluator, it *iterator, scope *foreachScope) error {
	t := e.template
	size := len(*it.items)
	for n := 0; n < e.limits.MaxIterations && it.next != len(*it.items); n++ {
		if len(*it.items) != size {
			return errModified
		}
		if err := e.step(); err != nil {
			return err
		}
		e.vars[d.slot] = (*it.items)[it.next]
		it.next++
		scope.index, scope.hasNext = n, it.next != len(*it.items)
		if t.velocityCount >= 0 {
			e.vars[t.velocityCount] = integer(n + 1)
		}
		if t.velocityHasNext >= 0 {
			e.vars[t.velocityHasNext] = scope.hasNext
		}
		depth := e.depth
		err := e.block(d.body)
		if stop := stopped(err); stop != nil && !stop.all && (stop.scope == nil || stop.scope == scope) {
			e.depth = depth
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// iterate returns an iterator over the items of a list or the values of a map.
func iterate(v any) *iterator {
	if it, ok := v.(*iterator); ok {
		return it
	}
	if l, ok := items(v); ok {
		return &iterator{items: l}
	}
	if m, ok := asMapping(v); ok {
		return &iterator{items: &valuesOf(m).items}
	}
	return nil
}
