package jsonata

import "slices"

// References returns what the expression reads of its context outside of any path, each name once and in the order of the
// text: members' names, "$" and "$$" for the context itself, and "$states.errorOutput". Step Functions evaluates
// expressions without a context, and refuses all of them, the last one where there is no error
// (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html).
func (e *Expression) References() []string {
	var r references
	r.visit(e.root)
	return r.names
}

type references struct{ names []string }

func (r *references) add(name string) {
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

// visit looks at what a node evaluates on its own context. Predicates, keys of an order, groupings and transformations
// see other values.
func (r *references) visit(n *node) {
	if n == nil {
		return
	}
	switch n.kind {
	case nameNode:
		r.add(n.text)
	case variableNode:
		switch n.text {
		case "":
			r.add("$")
		case "$":
			r.add("$$")
		}
	case pathNode:
		first := n.steps[0]
		if first.kind == variableNode && first.text == "states" && len(n.steps) > 1 && n.steps[1].kind == nameNode &&
			n.steps[1].text == "errorOutput" {
			r.add("$states.errorOutput")
		}
		r.visit(first)
	case objectNode:
		for _, p := range n.pairs.pairs {
			r.visit(p.key)
			r.visit(p.value)
		}
	case transformNode:
	default:
		for _, part := range []*node{n.left, n.right, n.other} {
			r.visit(part)
		}
		for _, part := range n.list {
			r.visit(part)
		}
	}
}
