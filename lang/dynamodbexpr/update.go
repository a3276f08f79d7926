package dynamodbexpr

import "strings"

// Update is a compiled update expression, or the older AttributeUpdates.
type Update struct {
	actions []action
}

// action is one change: "SET", "REMOVE", "ADD" or "DELETE".
type action struct {
	section string
	path    Path
	operand *node // of SET, ADD and DELETE
	// lists says that ADD joins lists, as the older AttributeUpdates do.
	lists bool
}

// Update compiles an update expression.
func (e *Environment) Update(text string) (*Update, error) {
	p := updateParser{}
	sections, problem := parsed(text, func(c *cursor) []section {
		p.cursor = c
		return p.sections()
	})
	if problem == "" {
		f := &findings{}
		u := &Update{}
		seen := map[string]bool{}
		for _, s := range sections {
			if seen[s.name] {
				f.note("section", `The "`+s.name+`" section can only be used once in an update expression;`)
			}
			seen[s.name] = true
			for _, a := range s.actions {
				e.checkAction(a, f)
				u.actions = append(u.actions, a)
			}
		}
		checkPaths(u.Paths(), f)
		problem = f.first("reserved", "function name", "section", "name", "value", "overlap", "conflict", "operand", "function")
		if problem == "" {
			return u, nil
		}
	}
	return nil, Error("Invalid UpdateExpression: " + problem)
}

type section struct {
	name    string
	actions []action
}

type updateParser struct{ *cursor }

var sectionNames = []string{"SET", "REMOVE", "ADD", "DELETE"}

func (p *updateParser) sections() []section {
	var all []section
	for p.peek().kind != tokenEnd {
		s := section{}
		for _, name := range sectionNames {
			if p.take(name) {
				s.name = name
			}
		}
		if s.name == "" {
			p.fail()
		}
		s.actions = []action{p.action(s.name)}
		for p.take(",") {
			s.actions = append(s.actions, p.action(s.name))
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		p.fail()
	}
	return all
}

func (p *updateParser) action(section string) action {
	a := action{section: section, path: p.path()}
	switch section {
	case "SET":
		p.want("=")
		a.operand = p.value()
	case "ADD", "DELETE":
		if p.peek().kind != tokenValuePlaceholder {
			p.fail()
		}
		a.operand = &node{op: "value", name: p.peek().text}
		p.at++
	}
	return a
}

func (p *updateParser) path() Path {
	for _, name := range sectionNames {
		if p.peek().is(name) {
			p.fail()
		}
	}
	return p.rawPath()
}

// value reads what SET assigns: an operand, or the sum or difference of two.
func (p *updateParser) value() *node {
	if p.peek().is("(") {
		at := p.at
		p.at++
		n := p.sum()
		if p.take(")") {
			if n.op == "+" || n.op == "-" || !p.peek().is("+") && !p.peek().is("-") {
				return n
			}
		}
		p.at = at // the parenthesis holds only the first operand
	}
	return p.sum()
}

func (p *updateParser) sum() *node {
	n := p.operand()
	for _, op := range []string{"+", "-"} {
		if p.take(op) {
			return &node{op: op, args: []*node{n, p.operand()}}
		}
	}
	return n
}

func (p *updateParser) operand() *node {
	if p.take("(") {
		n := p.operand()
		p.want(")")
		return n
	}
	t := p.peek()
	if t.kind == tokenValuePlaceholder {
		p.at++
		return &node{op: "value", name: t.text}
	}
	if t.kind == tokenName && p.tokens[p.at+1].is("(") {
		p.at += 2
		n := &node{op: "function", name: t.text, args: []*node{p.operand()}}
		for p.take(",") {
			n.args = append(n.args, p.operand())
		}
		p.want(")")
		return n
	}
	return &node{op: "path", path: p.path()}
}

// operandNames are the kinds as the messages of ADD and DELETE name them; sets are what they take.
var operandNames = map[Kind]string{
	KindS: "STRING", KindN: "NUMBER", KindB: "BINARY", KindNull: "NULL", KindBool: "BOOLEAN", KindL: "LIST", KindM: "MAP",
}

func (e *Environment) checkAction(a action, f *findings) {
	e.resolve(a.path, f, "name")
	if a.operand == nil {
		return
	}
	e.checkOperand(a.operand, f)
	if a.section == "SET" {
		return
	}
	kind := a.operand.value.Kind()
	if name := operandNames[kind]; name != "" && !(a.section == "ADD" && kind == KindN) {
		f.note("operand", "Incorrect operand type for operator or function; operator: "+a.section+", operand type: "+name)
	}
}

// checkOperand resolves an operand's placeholders and checks functions and operators.
func (e *Environment) checkOperand(n *node, f *findings) {
	for _, a := range n.args {
		e.checkOperand(a, f)
	}
	switch n.op {
	case "path":
		e.resolve(n.path, f, "name")
		return
	case "value":
		if f.has("value") {
			return
		}
		v, ok := e.useValue(n.name)
		if !ok {
			f.note("value", "An expression attribute value used in expression is not defined; attribute value: "+n.name)
		}
		n.value = v
		return
	}
	name := n.op
	if n.op == "function" {
		name = n.name
		if name != "if_not_exists" && name != "list_append" {
			f.note("function name", "Invalid function name; function: "+name)
			return
		}
	}
	if len(n.args) != 2 {
		f.note("function", "Incorrect number of operands for operator or function; operator or function: "+name+", number of operands: "+itoa(len(n.args)))
		return
	}
	if name == "if_not_exists" {
		if n.args[0].op != "path" {
			f.note("function", "Operator or function requires a document path; operator or function: "+name)
		}
		return
	}
	wanted := KindN
	if name == "list_append" {
		wanted = KindL
	}
	for _, a := range n.args {
		if a.op == "value" && a.value.Kind() != Invalid && a.value.Kind() != wanted {
			f.note("function", "Incorrect operand type for operator or function; operator or function: "+name+", operand type: "+a.value.Kind().String())
		}
	}
}

// Paths returns what the update changes, in its order.
func (u *Update) Paths() []Path {
	paths := make([]Path, len(u.actions))
	for i, a := range u.actions {
		paths[i] = a.path
	}
	return paths
}

// KindOf returns the kind that the update gives to an attribute as a whole, whatever the item; Invalid when it does not
// change it so, or when the kind depends on the item.
func (u *Update) KindOf(attribute string) Kind {
	for _, a := range u.actions {
		if len(a.path) == 1 && a.path.Head() == attribute && a.operand != nil {
			return a.operand.setKind()
		}
	}
	return Invalid
}

func (n *node) setKind() Kind {
	switch {
	case n.op == "value":
		return n.value.Kind()
	case n.op == "+" || n.op == "-":
		return KindN
	case n.op == "function" && n.name == "list_append":
		return KindL
	case n.op == "function" && n.name == "if_not_exists":
		return n.args[1].setKind()
	}
	return Invalid
}

// Problems of an update with a particular item.
const (
	wrongOperand  = "An operand in the update expression has an incorrect data type"
	noSuchPath    = "The document path provided in the update expression is invalid for update"
	noSuchOperand = "The provided expression refers to an attribute that does not exist in the item"
	typeMismatch  = "Type mismatch for attribute to update"
)

// resultOf computes what SET assigns from the item as it was.
func (n *node) resultOf(item Item) (Value, string) {
	switch n.op {
	case "value":
		return n.value, ""
	case "path":
		v, ok := n.path.of(item)
		if !ok {
			return Value{}, noSuchOperand
		}
		return v, ""
	case "function":
		if n.name == "if_not_exists" {
			if v, ok := n.args[0].path.of(item); ok {
				return v, ""
			}
			return n.args[1].resultOf(item)
		}
	}
	wanted := KindN
	if n.op == "function" {
		wanted = KindL
	}
	var operands [2]Value
	for i, a := range n.args {
		v, problem := a.resultOf(item)
		if problem == "" && v.kind != wanted {
			problem = wrongOperand
		}
		if problem != "" {
			return Value{}, problem
		}
		operands[i] = v
	}
	if wanted == KindL {
		return List(append(append([]Value{}, operands[0].List()...), operands[1].List()...)...), ""
	}
	sum, problem := AddNumbers(operands[0].text, operands[1].text, n.op == "-")
	return Value{kind: KindN, text: sum}, problem
}

// AttributeUpdate is one of the older AttributeUpdates. Action is "" (which is PUT), PUT, ADD or DELETE.
type AttributeUpdate struct {
	Action string
	Value  *Value
}

// NewUpdate turns AttributeUpdates into an update, or says what is wrong with them.
func NewUpdate(updates map[string]AttributeUpdate) (*Update, error) {
	u := &Update{}
	for _, name := range sortedKeys(updates) {
		up := updates[name]
		if up.Value != nil {
			if problem := up.Value.Problem(); problem != "" {
				return nil, Error(problem)
			}
		}
		a := action{section: "SET", path: Path{{Name: name}}, lists: true}
		switch {
		case up.Value == nil:
			if up.Action != "DELETE" {
				return nil, Error(parameters + "Only DELETE action is allowed when no attribute value is specified")
			}
			a.section = "REMOVE"
			u.actions = append(u.actions, a)
			continue
		case up.Action == "DELETE":
			if k := up.Value.Kind(); k != KindSS && k != KindNS && k != KindBS {
				return nil, Error(parameters + "DELETE action with value is not supported for the type " + k.String())
			}
			a.section = "DELETE"
		case up.Action == "ADD":
			if k := up.Value.Kind(); k != KindSS && k != KindNS && k != KindBS && k != KindN && k != KindL {
				return nil, Error(parameters + "ADD action is not supported for the type " + k.String())
			}
			a.section = "ADD"
		}
		a.operand = &node{op: "value", value: *up.Value}
		u.actions = append(u.actions, a)
	}
	return u, nil
}

// NestedHeads returns the attributes into which the update's targets and operands reach.
func (u *Update) NestedHeads() map[string]bool {
	nested := map[string]bool{}
	for _, p := range u.Paths() {
		if len(p) > 1 {
			nested[p.Head()] = true
		}
	}
	var walk func(n *node)
	walk = func(n *node) {
		if n == nil {
			return
		}
		if n.op == "path" && len(n.path) > 1 {
			nested[n.path.Head()] = true
		}
		for _, a := range n.args {
			walk(a)
		}
	}
	for _, a := range u.actions {
		walk(a.operand)
	}
	return nested
}

// Heads returns the attributes that the update changes or into which it changes something.
func (u *Update) Heads() []string {
	heads := make([]string, len(u.actions))
	for i, a := range u.actions {
		heads[i] = strings.Clone(a.path.Head())
	}
	return heads
}
