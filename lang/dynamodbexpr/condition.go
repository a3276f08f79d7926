package dynamodbexpr

import "strings"

// node is an operand or a condition of an expression.
type node struct {
	op    string // "path", "value", "function", or a condition's operator in lower case
	name  string // a function's name, a value's placeholder
	path  Path
	value Value
	args  []*node
	// enclosed says that the node's text is in parentheses of its own.
	enclosed bool
}

// isOperand reports whether the node can stand where a value can: a function may be either.
func (n *node) isOperand() bool { return n.op == "path" || n.op == "value" || n.op == "function" }

func (n *node) isCondition() bool { return n.op == "function" || !n.isOperand() }

// Condition is a compiled condition or filter expression.
type Condition struct{ root *node }

// Condition compiles a condition expression; parameter is the request's name for it, such as "FilterExpression".
func (e *Environment) Condition(parameter, text string) (*Condition, error) {
	root, err := e.condition(parameter, text)
	if err != nil {
		return nil, err
	}
	return &Condition{root}, nil
}

func (e *Environment) condition(parameter, text string) (*node, error) {
	p := conditionParser{}
	root, problem := parsed(text, func(c *cursor) *node {
		p.cursor = c
		return p.condition(p.or())
	})
	if problem == "" {
		if p.redundant {
			problem = "The expression has redundant parentheses;"
		} else {
			problem = e.checkCondition(root)
		}
	}
	if problem != "" {
		return nil, Error("Invalid " + parameter + ": " + problem)
	}
	return root, nil
}

// conditionParser reads operands and conditions with one grammar, because a parenthesis may open either; condition and
// operand then refuse what stands in the wrong place.
type conditionParser struct {
	*cursor
	redundant bool
}

func (p *conditionParser) condition(n *node) *node {
	if !n.isCondition() {
		p.fail()
	}
	return n
}

func (p *conditionParser) operand() *node {
	n := p.primary()
	if !n.isOperand() {
		p.fail()
	}
	return n
}

func (p *conditionParser) or() *node {
	n := p.and()
	for p.peek().is("OR") {
		p.condition(n)
		p.at++
		n = &node{op: "or", args: []*node{n, p.condition(p.and())}}
	}
	return n
}

func (p *conditionParser) and() *node {
	n := p.not()
	for p.peek().is("AND") {
		p.condition(n)
		p.at++
		n = &node{op: "and", args: []*node{n, p.condition(p.not())}}
	}
	return n
}

func (p *conditionParser) not() *node {
	if p.take("NOT") {
		return &node{op: "not", args: []*node{p.condition(p.not())}}
	}
	n := p.primary()
	if !n.isOperand() {
		return n
	}
	t := p.peek()
	switch {
	case t.kind == tokenSymbol && (t.text == "=" || t.text == "<>" || t.text == "<" || t.text == "<=" || t.text == ">" || t.text == ">="):
		p.at++
		return &node{op: t.text, args: []*node{n, p.operand()}}
	case p.take("BETWEEN"):
		low := p.operand()
		p.want("AND")
		return &node{op: "between", args: []*node{n, low, p.operand()}}
	case p.take("IN"):
		p.want("(")
		return &node{op: "in", args: append([]*node{n}, p.list()...)}
	}
	return n
}

// primary reads an operand, or a condition in parentheses.
func (p *conditionParser) primary() *node {
	if p.take("(") {
		n := p.or()
		p.want(")")
		if n.enclosed {
			p.redundant = true
		}
		switch {
		case n.op == "path" && (p.peek().is(".") || p.peek().is("[")):
			return &node{op: "path", path: p.pathTail(n.path)}
		case n.op == "path" || n.op == "value" || n.op == "function":
			copied := *n
			copied.enclosed = true
			return &copied
		}
		n.enclosed = true
		return n
	}
	t := p.peek()
	switch {
	case t.kind == tokenValuePlaceholder:
		p.at++
		return &node{op: "value", name: t.text}
	case t.kind == tokenNamePlaceholder:
		return &node{op: "path", path: p.rawPath()}
	case t.kind != tokenName || isOperatorWord(t.text):
		p.fail()
	}
	if p.tokens[p.at+1].is("(") {
		p.at += 2
		return &node{op: "function", name: t.text, args: p.list()}
	}
	if t.text[0] == '_' {
		p.fail()
	}
	return &node{op: "path", path: p.rawPath()}
}

func isOperatorWord(s string) bool {
	switch strings.ToUpper(s) {
	case "AND", "OR", "NOT", "BETWEEN", "IN":
		return true
	}
	return false
}

// list reads operands up to a closing parenthesis.
func (p *conditionParser) list() []*node {
	list := []*node{p.operand()}
	for p.take(",") {
		list = append(list, p.operand())
	}
	p.want(")")
	return list
}

// maxIn is how many values IN takes.
const maxIn = 100

// conditionFunctions are the functions of conditions and their number of operands.
var conditionFunctions = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}

// checkCondition resolves placeholders and says what is wrong with a condition. Of all conditions between AND and OR the
// first wrong one counts, but what concerns the whole expression comes before that.
func (e *Environment) checkCondition(root *node) string {
	f := &findings{}
	e.walk(root, f)
	return f.first("function name", "misuse", "reserved", "condition")
}

func (e *Environment) walk(n *node, f *findings) {
	switch n.op {
	case "and", "or", "not":
		for _, a := range n.args {
			e.walk(a, f)
		}
		return
	}
	own := &findings{}
	e.leaf(n, own)
	if n.op == "function" && n.name == "size" {
		own.note("misuse", misused("size"))
	}
	for _, sort := range []string{"function name", "misuse", "reserved"} {
		if problem := own.first(sort); problem != "" {
			f.note(sort, problem)
		}
	}
	if problem := own.first("placeholder", "operands", "distinct", "function"); problem != "" {
		f.note("condition", problem)
	}
}

func misused(function string) string {
	return "The function is not allowed to be used this way in an expression; function: " + function
}

// leaf checks a comparison or an operand.
func (e *Environment) leaf(n *node, f *findings) {
	for _, a := range n.args {
		e.leaf(a, f)
	}
	switch n.op {
	case "path":
		e.resolve(n.path, f, "placeholder")
		return
	case "value":
		if f.has("placeholder") {
			return
		}
		v, ok := e.useValue(n.name)
		if !ok {
			f.note("placeholder", "An expression attribute value used in expression is not defined; attribute value: "+n.name)
		}
		n.value = v
		return
	}
	for _, a := range n.args {
		if a.op == "function" && a.name != "size" {
			f.note("misuse", misused(a.name))
		}
	}
	switch n.op {
	case "function":
		checkFunction(n, f)
	case "between":
		checkBetween(n.args[1], n.args[2], f)
	case "in":
		if operands := len(n.args) - 1; operands > maxIn {
			f.note("operands", "The IN operator is provided with too many operands; number of operands: "+itoa(operands))
		}
	default:
		checkDistinct(n.op, n.args, f)
	}
}

func checkFunction(n *node, f *findings) {
	operands, known := conditionFunctions[n.name]
	if !known {
		f.note("function name", "Invalid function name; function: "+n.name)
		return
	}
	if operands != len(n.args) {
		f.note("operands", "Incorrect number of operands for operator or function; operator or function: "+n.name+", number of operands: "+itoa(len(n.args)))
		return
	}
	checkDistinct(n.name, n.args, f)
	wrong := func(kind string) {
		f.note("function", "Incorrect operand type for operator or function; operator or function: "+n.name+", operand type: "+kind)
	}
	switch n.name {
	case "attribute_exists", "attribute_not_exists":
		if n.args[0].op != "path" {
			f.note("function", "Operator or function requires a document path; operator or function: "+n.name)
		}
	case "begins_with":
		for _, a := range n.args {
			if k := a.kind(); k != Invalid && k != KindS && k != KindB {
				wrong(k.String())
			}
		}
	case "attribute_type":
		switch k := n.args[1].kind(); {
		case k == Invalid:
			wrong("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		case k != KindS:
			wrong(k.String())
		case n.args[1].op == "value" && KindOf(n.args[1].value.Text()) == Invalid:
			f.note("function", "Invalid attribute type name found; type: "+n.args[1].value.Text()+", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
		}
	case "size":
		if k := n.args[0].kind(); k == KindN || k == KindBool || k == KindNull {
			wrong(k.String())
		}
	}
}

// kind is the kind that an operand has whatever the item, or Invalid.
func (n *node) kind() Kind {
	switch {
	case n.op == "value":
		return n.value.Kind()
	case n.op == "function" && n.name == "size":
		return KindN
	case n.op == "function" && (n.name == "begins_with" || n.name == "attribute_type" || n.name == "contains"):
		return KindBool
	}
	return Invalid
}

func checkDistinct(operator string, args []*node, f *findings) {
	if len(args) == 2 && args[0].op == "path" && args[1].op == "path" && args[0].path.equal(args[1].path) {
		f.note("distinct", "The first operand must be distinct from the remaining operands for this operator or function; operator: "+
			operator+", first operand: "+args[0].path.String())
	}
}

func checkBetween(low, high *node, f *findings) {
	if low.op != "value" || high.op != "value" || low.value.Kind() == Invalid || high.value.Kind() == Invalid {
		return
	}
	bounds := "lower bound operand: AttributeValue: " + plainText(low.value) + ", upper bound operand: AttributeValue: " + plainText(high.value)
	if low.value.Kind() != high.value.Kind() {
		f.note("function", "The BETWEEN operator requires same data type for lower and upper bounds; "+bounds)
	} else if c, ok := low.value.order(high.value); ok && c > 0 {
		f.note("function", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "+bounds)
	}
}

// plainText is a value as DynamoDB shows it in messages: {N:1}.
func plainText(v Value) string {
	text := strings.ReplaceAll(string(v.AppendJSON(nil)), `"`, "")
	return text
}

// Heads returns the names of the attributes that the condition speaks of, and whether by a path into them.
func (c *Condition) Heads() (names map[string]bool, nested map[string]bool) {
	names, nested = map[string]bool{}, map[string]bool{}
	var walk func(*node)
	walk = func(n *node) {
		if n.op == "path" {
			names[n.path.Head()] = true
			if len(n.path) > 1 {
				nested[n.path.Head()] = true
			}
		}
		for _, a := range n.args {
			walk(a)
		}
	}
	walk(c.root)
	return names, nested
}
