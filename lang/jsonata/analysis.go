package jsonata

import "strconv"

// analysis makes paths of dots and filters, finds out which step each % refers to, and marks tail calls.
type analysis struct {
	slots []*node // of each % by its slot's id
}

func analyse(n *node) (*node, error) {
	a := &analysis{}
	n, err := a.node(n)
	if err != nil {
		return nil, err
	}
	if n.kind == parentNode || len(n.seeking) > 0 {
		return nil, &raised{code: "S0217", at: n.at, token: n.text}
	}
	return n, nil
}

func (a *analysis) node(n *node) (*node, error) {
	result, err := a.kind(n)
	if err == nil && n.keepArray {
		result.keepArray = true
	}
	return result, err
}

func (a *analysis) kind(n *node) (*node, error) {
	var err error
	switch n.kind {
	case nameNode:
		return newPath(n), nil
	case parentNode:
		n.slot = &slot{label: "!" + strconv.Itoa(len(a.slots)), level: 1, id: len(a.slots)}
		a.slots = append(a.slots, n)
	case dotNode:
		return a.dot(n)
	case filterNode:
		return a.filter(n)
	case groupNode:
		result, err := a.node(n.left)
		if err != nil {
			return nil, err
		}
		if result.group != nil {
			return nil, &raised{code: "S0210", at: n.at}
		}
		result.group = n.group
		return result, a.pairs(nil, n.group)
	case orderByNode:
		return a.orderBy(n)
	case focusNode, indexNode:
		return a.variableOfStep(n)
	case operatorNode, rangeNode, negateNode, bindNode, applyNode, conditionNode, transformNode, callNode, partialNode,
		arrayNode, blockNode:
		err = a.parts(n)
		if err == nil && n.kind == applyNode {
			n.keepArray = n.keepArray || n.left.keepArray || n.right.keepArray
		}
	case objectNode:
		err = a.pairs(n, n.pairs)
	case lambdaNode:
		if n.right, err = a.node(n.right); err == nil {
			markTail(n.right)
		}
	case endNode:
		return nil, &raised{code: "S0207", at: n.at, token: n.text}
	}
	return n, err
}

// newPath makes a path of one step.
func newPath(step *node) *node {
	path := &node{kind: pathNode, at: step.at}
	path.add(step)
	if step.kind == nameNode {
		path.keepSingleton = step.keepArray
	}
	return path
}

func (n *node) add(step *node) {
	step.step = true
	n.steps = append(n.steps, step)
}

// parts analyses the operands of a node.
func (a *analysis) parts(n *node) error {
	// The parts of a transformation see another input, so that their parents are not the node's.
	outer := n
	if n.kind == transformNode {
		outer = nil
	}
	if n.kind == negateNode && n.right.kind == literalNode {
		if f, ok := n.right.value.(float64); ok {
			n.kind, n.value, n.right = literalNode, -f, nil
			return nil
		}
	}
	for i, part := range []**node{&n.left, &n.right, &n.other} {
		if *part == nil {
			continue
		}
		of := outer
		if i == 0 && (n.kind == callNode || n.kind == partialNode) {
			of = nil // a function is no value of the context
		}
		if err := a.part(of, part); err != nil {
			return err
		}
	}
	for i := range n.list {
		if err := a.part(outer, &n.list[i]); err != nil {
			return err
		}
		if part := n.list[i]; n.kind == blockNode && (part.construct || part.kind == pathNode && part.steps[0].construct) {
			n.construct = true
		}
	}
	return nil
}

func (a *analysis) part(outer *node, part **node) (err error) {
	if *part, err = a.node(*part); err == nil && outer != nil {
		seek(outer, *part)
	}
	return err
}

func (a *analysis) pairs(outer *node, g *grouping) error {
	for i := range g.pairs {
		if err := a.part(outer, &g.pairs[i].key); err != nil {
			return err
		}
		if err := a.part(outer, &g.pairs[i].value); err != nil {
			return err
		}
	}
	return nil
}

// seek makes a node look for the parents that one of its parts looks for.
func seek(n, part *node) {
	n.seeking = append(n.seeking, part.seeking...)
	if part.kind == parentNode {
		n.seeking = append(n.seeking, part.slot)
	}
}

func (a *analysis) dot(n *node) (*node, error) {
	left, err := a.node(n.left)
	if err != nil {
		return nil, err
	}
	path := left
	if left.kind != pathNode {
		path = newPath(left)
		if left.kind == parentNode {
			path.seeking = []*slot{left.slot}
		}
	}
	right, err := a.node(n.right)
	if err != nil {
		return nil, err
	}
	if right.kind == pathNode {
		path.steps = append(path.steps, right.steps...)
	} else {
		path.add(right)
	}
	for i, step := range path.steps {
		if step.kind == literalNode {
			name, isText := step.value.(string)
			if !isText {
				return nil, &raised{code: "S0213", at: step.at, value: step.value}
			}
			copied := *step
			copied.kind, copied.text = nameNode, name
			path.steps[i] = &copied
		}
		path.keepSingleton = path.keepSingleton || step.keepArray
	}
	for _, step := range []*node{path.steps[0], path.steps[len(path.steps)-1]} {
		if step.kind == arrayNode {
			step.construct = true
		}
	}
	return path, a.resolve(path)
}

// lastStep is the step that what follows a node belongs to.
func lastStep(n *node) *node {
	if n.kind == pathNode {
		return n.steps[len(n.steps)-1]
	}
	return n
}

func (a *analysis) filter(n *node) (*node, error) {
	result, err := a.node(n.left)
	if err != nil {
		return nil, err
	}
	step := lastStep(result)
	if step.group != nil && step.kind != pathNode {
		return nil, &raised{code: "S0209", at: n.at}
	}
	predicate, err := a.node(n.right)
	if err != nil {
		return nil, err
	}
	for _, s := range predicate.seeking {
		if s.level == 1 {
			if err := a.find(step, s); err != nil {
				return nil, err
			}
		} else {
			s.level--
		}
	}
	seek(step, predicate)
	step.stages = append(step.stages, stage{filter: predicate, at: n.at})
	return result, nil
}

func (a *analysis) orderBy(n *node) (*node, error) {
	result, err := a.node(n.left)
	if err != nil {
		return nil, err
	}
	if result.kind != pathNode {
		result = newPath(result)
	}
	step := &node{kind: sortNode, at: n.at, terms: n.terms}
	for i := range step.terms {
		if err := a.part(step, &step.terms[i].key); err != nil {
			return nil, err
		}
	}
	result.add(step)
	return result, a.resolve(result)
}

// variableOfStep analyses @ and #.
func (a *analysis) variableOfStep(n *node) (*node, error) {
	result, err := a.node(n.left)
	if err != nil {
		return nil, err
	}
	step := lastStep(result)
	if n.kind == focusNode {
		switch {
		case len(step.stages) > 0:
			return nil, &raised{code: "S0215", at: n.at}
		case step.kind == sortNode:
			return nil, &raised{code: "S0216", at: n.at}
		}
		step.keepArray = step.keepArray || n.keepArray
		step.focus, step.tuples = n.text, true
		return result, nil
	}
	if result.kind != pathNode {
		result = newPath(result)
	}
	if len(step.stages) == 0 {
		step.index = n.text
	} else {
		step.stages = append(step.stages, stage{index: n.text, at: n.at})
	}
	step.tuples = true
	return result, nil
}

// resolve finds the steps of a path to which the parents that its last step looks for refer.
func (a *analysis) resolve(path *node) error {
	last := path.steps[len(path.steps)-1]
	slots := append([]*slot(nil), last.seeking...)
	if last.kind == parentNode {
		slots = append(slots, last.slot)
	}
	for _, s := range slots {
		i := len(path.steps) - 2
		for s.level > 0 {
			if i < 0 {
				path.seeking = append(path.seeking, s)
				break
			}
			step := path.steps[i]
			i--
			// Of steps that follow each other and bind their focus the first is meant: the context stays the same.
			for i >= 0 && step.focus != "" && path.steps[i].focus != "" {
				step = path.steps[i]
				i--
			}
			if err := a.find(step, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// find goes one level up from a step.
func (a *analysis) find(n *node, s *slot) error {
	switch n.kind {
	case nameNode, wildcardNode:
		if s.level--; s.level == 0 {
			if n.ancestor != nil {
				a.slots[s.id].slot.label = n.ancestor.label
			}
			n.ancestor = s
			n.tuples = true
		}
	case parentNode:
		s.level++
	case blockNode:
		if len(n.list) > 0 {
			n.tuples = true
			return a.find(n.list[len(n.list)-1], s)
		}
	case pathNode:
		n.tuples = true
		i := len(n.steps) - 1
		for {
			if err := a.find(n.steps[i], s); err != nil {
				return err
			}
			if i--; s.level <= 0 || i < 0 {
				return nil
			}
		}
	default:
		return &raised{code: "S0217", at: n.at, token: n.text}
	}
	return nil
}

// markTail marks the calls whose result is that of the function.
func markTail(n *node) {
	if len(n.stages) > 0 || n.group != nil || n.keepArray {
		return
	}
	switch n.kind {
	case callNode:
		n.tail = true
	case conditionNode:
		markTail(n.right)
		if n.other != nil {
			markTail(n.other)
		}
	case blockNode:
		if len(n.list) > 0 {
			markTail(n.list[len(n.list)-1])
		}
	}
}
