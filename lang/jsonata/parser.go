package jsonata

import "regexp"

// maxNesting bounds the depth of an expression's text, and so the recursion of the parser and of the analysis.
const maxNesting = 500

// parser is a Pratt parser of JSONata's grammar (https://docs.jsonata.org/expressions).
type parser struct {
	lexer lexer
	token token
	depth int
}

// strength is how strongly an operator binds what is on its left.
var strength = map[string]int{".": 75, "[": 80, "{": 70, "(": 80, "@": 80, "#": 80, "?": 20, "+": 50, "-": 50, "*": 60,
	"/": 60, "%": 60, "=": 40, "<": 40, ">": 40, "^": 40, ":=": 10, "!=": 40, "<=": 40, ">=": 40, "~>": 40, "and": 30,
	"or": 25, "in": 40, "&": 50}

func parse(source string) (*node, error) {
	p := &parser{lexer: lexer{source: source}}
	if err := p.advance(true); err != nil {
		return nil, err
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.token.kind != endToken {
		return nil, p.fail("S0201")
	}
	return n, nil
}

// advance reads the next token; operand says that one may begin there.
func (p *parser) advance(operand bool) error {
	t, err := p.lexer.next(operand)
	if err == nil {
		p.token = t
	}
	return err
}

func (p *parser) fail(code string) error {
	return &raised{code: code, token: p.token.text, at: p.token.end}
}

// expect reads an operator that must come next. What follows a closing bracket is no operand.
func (p *parser) expect(operator string) error {
	if !p.token.is(operator) {
		code := "S0202"
		if p.token.kind == endToken {
			code = "S0203"
		}
		return &raised{code: code, token: p.token.text, at: p.token.end, value: operator}
	}
	return p.advance(operator != ")" && operator != "]" && operator != "}")
}

// take reads an operator if it comes next.
func (p *parser) take(operator string) (bool, error) {
	if !p.token.is(operator) {
		return false, nil
	}
	return true, p.expect(operator)
}

func (p *parser) expression(right int) (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, &raised{code: "U1001", at: p.token.end, message: "The expression is nested too deeply"}
	}
	defer func() { p.depth-- }()
	left, err := p.prefix()
	for err == nil && p.token.kind == operatorToken && right < strength[p.token.text] {
		left, err = p.infix(left)
	}
	return left, err
}

// prefix reads an operand.
func (p *parser) prefix() (*node, error) {
	t := p.token
	n := &node{at: t.end, text: t.text}
	switch t.kind {
	case endToken:
		n.kind = endNode
		return n, nil
	case nameToken:
		n.kind = nameNode
	case variableToken:
		n.kind = variableNode
	case stringToken:
		n.kind, n.value = literalNode, t.text
	case numberToken, valueToken:
		n.kind, n.value = literalNode, t.value
	case regexToken:
		n.kind, n.regex = regexNode, newRegex(t.value.(*regexp.Regexp))
	default:
		return p.prefixOperator(n)
	}
	return n, p.advance(false)
}

func (p *parser) prefixOperator(n *node) (*node, error) {
	switch n.text {
	case "and", "or", "in":
		n.kind = nameNode
		return n, p.advance(false)
	case "*":
		n.kind = wildcardNode
		return n, p.advance(false)
	case "**":
		n.kind = descendantNode
		return n, p.advance(false)
	case "%":
		n.kind = parentNode
		return n, p.advance(false)
	}
	unknown := p.fail("S0211")
	if err := p.advance(true); err != nil {
		return nil, err
	}
	var err error
	switch n.text {
	case "-":
		n.kind = negateNode
		n.right, err = p.expression(70)
	case "(":
		n.kind = blockNode
		err = p.block(n)
	case "[":
		n.kind = arrayNode
		err = p.array(n)
	case "{":
		n.kind = objectNode
		n.pairs, err = p.pairs(n.at)
	case "|":
		n.kind = transformNode
		err = p.transform(n)
	default:
		err = unknown
	}
	return n, err
}

func (p *parser) block(n *node) error {
	for !p.token.is(")") {
		part, err := p.expression(0)
		if err != nil {
			return err
		}
		n.list = append(n.list, part)
		if more, err := p.take(";"); err != nil {
			return err
		} else if !more {
			break
		}
	}
	return p.expect(")")
}

func (p *parser) array(n *node) error {
	for !p.token.is("]") {
		item, err := p.expression(0)
		if err != nil {
			return err
		}
		if p.token.is("..") {
			item = &node{kind: rangeNode, at: p.token.end, text: "..", left: item}
			if err := p.expect(".."); err != nil {
				return err
			}
			if item.right, err = p.expression(0); err != nil {
				return err
			}
		}
		n.list = append(n.list, item)
		if more, err := p.take(","); err != nil {
			return err
		} else if !more {
			break
		}
	}
	return p.expect("]")
}

func (p *parser) pairs(at int) (*grouping, error) {
	g := &grouping{at: at}
	for !p.token.is("}") {
		key, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		value, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		g.pairs = append(g.pairs, pair{key, value})
		if more, err := p.take(","); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	return g, p.expect("}")
}

func (p *parser) transform(n *node) (err error) {
	if n.left, err = p.expression(0); err != nil {
		return err
	}
	if err = p.expect("|"); err != nil {
		return err
	}
	if n.right, err = p.expression(0); err != nil {
		return err
	}
	more, err := p.take(",")
	if err == nil && more {
		n.other, err = p.expression(0)
	}
	if err != nil {
		return err
	}
	if !p.token.is("|") {
		return p.expect("|")
	}
	return p.advance(false)
}

// infix reads an operator and what is on its right.
func (p *parser) infix(left *node) (*node, error) {
	t := p.token
	n := &node{at: t.end, text: t.text, left: left}
	if err := p.advance(true); err != nil {
		return nil, err
	}
	var err error
	switch t.text {
	case "(":
		return p.call(n)
	case "[":
		return p.filter(n)
	case "{":
		n.kind = groupNode
		n.group, err = p.pairs(n.at)
		return n, err
	case "^":
		return p.orderBy(n)
	case "?":
		n.kind = conditionNode
		if n.right, err = p.expression(0); err != nil {
			return nil, err
		}
		more, err := p.take(":")
		if err == nil && more {
			n.other, err = p.expression(0)
		}
		return n, err
	case ":=":
		if left.kind != variableNode {
			return nil, &raised{code: "S0212", at: left.at, token: left.text}
		}
		n.kind, n.text, n.left = bindNode, left.text, nil
		n.right, err = p.expression(strength[":="] - 1) // := is right associative
		return n, err
	case "@", "#":
		variable, err := p.expression(strength[t.text])
		if err != nil {
			return nil, err
		}
		if variable.kind != variableNode {
			return nil, &raised{code: "S0214", at: n.at, token: t.text}
		}
		n.kind, n.text = focusNode, variable.text
		if t.text == "#" {
			n.kind = indexNode
		}
		return n, nil
	case ".":
		n.kind = dotNode
	case "~>":
		n.kind = applyNode
	default:
		n.kind, n.operation = operatorNode, operations[t.text]
	}
	n.right, err = p.expression(strength[t.text])
	return n, err
}

func (p *parser) filter(n *node) (*node, error) {
	if p.token.is("]") {
		// An empty predicate keeps single results in an array.
		step := n.left
		for step.kind == filterNode {
			step = step.left
		}
		step.keepArray = true
		return n.left, p.expect("]")
	}
	var err error
	n.kind = filterNode
	if n.right, err = p.expression(0); err != nil {
		return nil, err
	}
	return n, p.expect("]")
}

func (p *parser) orderBy(n *node) (*node, error) {
	n.kind = orderByNode
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for {
		var term sortTerm
		ascending, err := p.take("<")
		if err == nil && !ascending {
			term.descending, err = p.take(">")
		}
		if err != nil {
			return nil, err
		}
		if term.key, err = p.expression(0); err != nil {
			return nil, err
		}
		n.terms = append(n.terms, term)
		if more, err := p.take(","); err != nil {
			return nil, err
		} else if !more {
			return n, p.expect(")")
		}
	}
}

func (p *parser) call(n *node) (*node, error) {
	n.kind = callNode
	for !p.token.is(")") {
		if p.token.is("?") {
			n.kind = partialNode
			n.list = append(n.list, &node{kind: placeholderNode, at: p.token.end, text: "?"})
			if err := p.advance(false); err != nil {
				return nil, err
			}
		} else {
			argument, err := p.expression(0)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, argument)
		}
		if more, err := p.take(","); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if n.left.kind == nameNode && (n.left.text == "function" || n.left.text == "λ") {
		return p.lambda(n)
	}
	return n, nil
}

func (p *parser) lambda(n *node) (*node, error) {
	l := &node{kind: lambdaNode, at: n.at}
	for _, param := range n.list {
		if param.kind != variableNode {
			return nil, &raised{code: "S0208", at: param.at, token: param.text, value: param.text}
		}
		l.params = append(l.params, param.text)
	}
	if p.token.is("<") {
		at := p.token.end
		var err error
		if l.signature, err = parseSignature(p.lexer.signature()); err != nil {
			asRaised(err).at = at
			return nil, err
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var err error
	if l.right, err = p.expression(0); err != nil {
		return nil, err
	}
	return l, p.expect("}")
}
