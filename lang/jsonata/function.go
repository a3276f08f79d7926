package jsonata

import (
	"regexp"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// function is a function as a value: a built-in one, a lambda, a regular expression, or what is made of them.
type function struct {
	name      string // of a built-in function
	arity     int    // how many arguments it wants of a function that calls it for items
	signature *signature
	native    func(c *call, args []any) (any, error)

	lambda *node // nil for others
	input  any
	scope  *scope

	regex *regexp.Regexp
}

// call is what a built-in function knows of its call.
type call struct {
	ev    *evaluation
	f     *function
	input any // the context
}

// tailCall is a call whose result is that of the function that makes it: it happens when that one has returned.
type tailCall struct {
	f     *function
	args  []any
	input any
	at    int
	name  string
}

// call evaluates a call with these arguments before its own.
func (ev *evaluation) call(n *node, input any, s *scope, first []any) (any, error) {
	f, err := ev.callee(n, input, s, "T1005", "T1006")
	if err != nil {
		return nil, err
	}
	args := make([]any, len(first), len(first)+len(n.list))
	copy(args, first)
	for _, a := range n.list {
		v, err := ev.eval(a, input, s)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	if n.tail && f.lambda != nil {
		return &tailCall{f: f, args: args, input: input, at: n.at, name: nameOfCallee(n)}, nil
	}
	v, err := ev.invoke(f, args, input)
	return v, locate(err, n)
}

// locate adds to an error which call it happened in.
func locate(err error, n *node) error {
	if r := asRaised(err); r != nil {
		if r.at == 0 {
			r.at = n.at
		}
		if r.token == "" {
			r.token = nameOfCallee(n)
		}
	}
	return err
}

func nameOfCallee(n *node) string {
	if n.left.kind == pathNode {
		return n.left.steps[0].text
	}
	return n.left.text
}

// callOn evaluates "left ~> call(…)".
func (ev *evaluation) callOn(n *node, left, input any, s *scope) (any, error) {
	v, err := ev.call(n, input, s, []any{left})
	if err == nil {
		v, err = ev.finishCall(v)
	}
	if err != nil {
		return nil, err
	}
	if len(n.stages) > 0 {
		v, err = ev.applyStages(n, v, s)
	}
	if err == nil && n.group != nil {
		v, err = ev.groupBy(n.group, v, s)
	}
	return v, err
}

// callee evaluates what a call calls. A name without $ that is a function's is a mistake which the error hints at.
func (ev *evaluation) callee(n *node, input any, s *scope, hint, code string) (*function, error) {
	v, err := ev.eval(n.left, input, s)
	if err != nil {
		return nil, err
	}
	if f, ok := v.(*function); ok {
		return f, nil
	}
	name := nameOfCallee(n)
	if v == undefined && n.left.kind == pathNode && name != "" && ev.lookup(s, name) != undefined {
		code = hint
	}
	return nil, &raised{code: code, at: n.at, token: name}
}

// invoke calls a function; input is the context for arguments that are left out.
func (ev *evaluation) invoke(f *function, args []any, input any) (any, error) {
	v, err := ev.invokeOnce(f, args, input)
	if err != nil {
		return nil, err
	}
	return ev.finishCall(v)
}

// finishCall makes the calls that a function's result has left to be made.
func (ev *evaluation) finishCall(v any) (any, error) {
	for {
		t, ok := v.(*tailCall)
		if !ok {
			return v, nil
		}
		var err error
		if v, err = ev.invokeOnce(t.f, t.args, t.input); err != nil {
			if r := asRaised(err); r != nil && r.at == 0 {
				r.at, r.token = t.at, t.name
			}
			return nil, err
		}
	}
}

func (ev *evaluation) invokeOnce(f *function, args []any, input any) (any, error) {
	if err := ev.spend(1); err != nil {
		return nil, err
	}
	if a, ok := input.(*array); ok && a.wrapper {
		input = a.items[0]
	}
	if f.signature != nil {
		var err error
		if args, err = f.signature.validate(args, input); err != nil {
			return nil, err
		}
	}
	if f.lambda == nil {
		if err := ev.enter(); err != nil {
			return nil, err
		}
		v, err := f.native(&call{ev: ev, f: f, input: input}, args)
		ev.leave()
		if r := asRaised(err); r != nil && r.token == "" {
			r.token = f.name
		}
		return v, err
	}
	inner := &scope{outer: f.scope}
	for i, param := range f.lambda.params {
		v := undefined
		if i < len(args) {
			v = args[i]
		}
		inner.bind(param, v)
	}
	return ev.eval(f.lambda.right, f.input, inner)
}

// invokeFor calls a function for an item with as many arguments as it wants.
func (c *call) invokeFor(f *function, args ...any) (any, error) {
	return c.ev.invoke(f, args[:max(1, min(len(args), f.arity))], undefined)
}

// partial makes a function of a call that leaves arguments open.
func (ev *evaluation) partial(n *node, input any, s *scope) (any, error) {
	f, err := ev.callee(n, input, s, "T1007", "T1008")
	if err != nil {
		return nil, err
	}
	given := make([]any, len(n.list))
	open := 0
	for i, a := range n.list {
		if a.kind == placeholderNode {
			given[i] = a
			open++
			continue
		}
		if given[i], err = ev.eval(a, input, s); err != nil {
			return nil, err
		}
	}
	return &function{arity: open, native: func(c *call, args []any) (any, error) {
		all := make([]any, len(given))
		next := 0
		for i, v := range given {
			if _, isOpen := v.(*node); isOpen {
				v = undefined
				if next < len(args) {
					v = args[next]
					next++
				}
			}
			all[i] = v
		}
		return c.ev.invoke(f, all, c.input)
	}}, nil
}

var transformSignature = mustSignature("<(oa):o>")

// transform applies | pattern | update, delete | to a copy of a value.
func (ev *evaluation) transform(n *node, v any, s *scope) (any, error) {
	if v == undefined {
		return v, nil
	}
	copied, err := ev.clone(v)
	if err != nil {
		return nil, err
	}
	matches, err := ev.eval(n.left, copied, s)
	if err != nil || matches == undefined {
		return copied, err
	}
	for _, match := range listOf(matches) {
		o, isObject := match.(*jsonvalue.Object)
		update, err := ev.eval(n.right, match, s)
		if err != nil {
			return nil, err
		}
		if update != undefined {
			changes, ok := update.(*jsonvalue.Object)
			if !ok {
				return nil, &raised{code: "T2011", at: n.right.at, value: update}
			}
			if isObject {
				for name, value := range changes.All() {
					o.Set(name, value)
				}
			}
		}
		if n.other == nil {
			continue
		}
		deletions, err := ev.eval(n.other, match, s)
		if err != nil {
			return nil, err
		}
		if deletions == undefined {
			continue
		}
		for _, name := range listOf(deletions) {
			text, ok := name.(string)
			if !ok {
				return nil, &raised{code: "T2012", at: n.other.at, value: deletions}
			}
			if isObject {
				o.Delete(text)
			}
		}
	}
	return copied, nil
}

// clone copies arrays and objects, so that a transformation may change them.
func (ev *evaluation) clone(v any) (any, error) {
	if err := ev.enter(); err != nil {
		return nil, err
	}
	defer ev.leave()
	if items, isArray := itemsOf(v); isArray {
		copied := &array{items: make([]any, len(items))}
		for i, item := range items {
			var err error
			if copied.items[i], err = ev.clone(item); err != nil {
				return nil, err
			}
		}
		return copied, nil
	}
	o, isObject := v.(*jsonvalue.Object)
	if !isObject {
		return v, nil
	}
	copied := &jsonvalue.Object{}
	for name, member := range o.All() {
		c, err := ev.clone(member)
		if err != nil {
			return nil, err
		}
		copied.Set(name, c)
	}
	return copied, nil
}
