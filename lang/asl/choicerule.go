package asl

import (
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// choiceRule is one element of Choices.
type choiceRule struct {
	test choiceTest
	// condition and own are those of a JSONata state, else nil.
	condition *query
	own       *outcome
	next      *state
	assign    *template
}

// choiceTest is a condition of a Choice state.
type choiceTest interface {
	matches(env *environment) (bool, *failure)
}

type (
	andTest []choiceTest
	orTest  []choiceTest
	notTest struct{ operand choiceTest }
)

func (a andTest) matches(env *environment) (bool, *failure) {
	for _, t := range a {
		if ok, f := t.matches(env); !ok || f != nil {
			return false, f
		}
	}
	return true, nil
}

func (o orTest) matches(env *environment) (bool, *failure) {
	for _, t := range o {
		if ok, f := t.matches(env); ok || f != nil {
			return ok, f
		}
	}
	return false, nil
}

func (n notTest) matches(env *environment) (bool, *failure) {
	ok, f := n.operand.matches(env)
	return !ok, f
}

// comparison compares the value of Variable with one in the definition or, for the operators …Path, in the data.
// Values of other types than the operator's do not match.
type comparison struct {
	variable  *path
	operator  *choiceOperator
	value     any
	valuePath *path
	pattern   []patternPart // of StringMatches
}

type operandKind uint8

const (
	stringOperand operandKind = iota
	numericOperand
	booleanOperand
	timestampOperand
	patternOperand
	typeOperand // Is…: the operand is whether the test is to hold
)

// choiceOperator is one comparator (https://states-language.net/spec.html#choice-state).
type choiceOperator struct {
	name   string
	kind   operandKind
	accept func(order int) bool // of the order of the variable's value to the operand
	is     func(v any) bool     // of typeOperand; nil for IsPresent
	path   bool                 // the operand is a path
}

var choiceOperators = makeChoiceOperators()

func makeChoiceOperators() map[string]*choiceOperator {
	operators := map[string]*choiceOperator{
		"StringMatches": {kind: patternOperand},
		"IsNull":        {kind: typeOperand, is: func(v any) bool { return v == nil }},
		"IsString":      {kind: typeOperand, is: func(v any) bool { _, ok := v.(string); return ok }},
		"IsNumeric":     {kind: typeOperand, is: func(v any) bool { _, ok := v.(jsonvalue.Number); return ok }},
		"IsBoolean":     {kind: typeOperand, is: func(v any) bool { _, ok := v.(bool); return ok }},
		"IsTimestamp": {kind: typeOperand, is: func(v any) bool {
			s, _ := v.(string)
			_, ok := parseTimestamp(s)
			return ok
		}},
		"IsPresent": {kind: typeOperand},
	}
	orders := map[string]func(int) bool{
		"Equals":            func(o int) bool { return o == 0 },
		"LessThan":          func(o int) bool { return o < 0 },
		"GreaterThan":       func(o int) bool { return o > 0 },
		"LessThanEquals":    func(o int) bool { return o <= 0 },
		"GreaterThanEquals": func(o int) bool { return o >= 0 },
	}
	kinds := map[string]operandKind{"String": stringOperand, "Numeric": numericOperand, "Timestamp": timestampOperand}
	for order, accept := range orders {
		for prefix, kind := range kinds {
			operators[prefix+order] = &choiceOperator{kind: kind, accept: accept}
			operators[prefix+order+"Path"] = &choiceOperator{kind: kind, accept: accept, path: true}
		}
	}
	operators["BooleanEquals"] = &choiceOperator{kind: booleanOperand, accept: orders["Equals"]}
	operators["BooleanEqualsPath"] = &choiceOperator{kind: booleanOperand, accept: orders["Equals"], path: true}
	for name, o := range operators {
		o.name = name
	}
	return operators
}

func (c *comparison) matches(env *environment) (bool, *failure) {
	if c.variable.kind == inInput && env.input == nil {
		return false, runtimeFailure("Unable to apply Path transformation to null or empty input.")
	}
	v, err := c.variable.eval(env)
	if c.operator.kind == typeOperand && c.operator.is == nil { // IsPresent
		return (err == nil) == (c.value == true), nil
	}
	if err != nil {
		return false, invalidVariable(c.variable)
	}
	if c.operator.kind == typeOperand {
		return c.operator.is(v) == (c.value == true), nil
	}
	operand := c.value
	if c.valuePath != nil {
		if operand, err = c.valuePath.eval(env); err != nil {
			return false, invalidVariable(c.valuePath)
		}
	}
	return c.compare(v, operand), nil
}

func invalidVariable(p *path) *failure {
	return runtimeFailure("Invalid path '%s': The choice state's condition path references an invalid value.", p.source)
}

func (c *comparison) compare(v, operand any) bool {
	switch c.operator.kind {
	case stringOperand:
		a, ok := v.(string)
		b, ok2 := operand.(string)
		return ok && ok2 && c.operator.accept(strings.Compare(a, b))
	case patternOperand:
		s, ok := v.(string)
		return ok && matchPattern(c.pattern, s)
	case numericOperand:
		a, ok := v.(jsonvalue.Number)
		b, ok2 := operand.(jsonvalue.Number)
		return ok && ok2 && c.operator.accept(a.Cmp(b))
	case booleanOperand:
		a, ok := v.(bool)
		b, ok2 := operand.(bool)
		return ok && ok2 && a == b
	case timestampOperand:
		a, _ := v.(string)
		b, _ := operand.(string)
		at, ok := parseTimestamp(a)
		bt, ok2 := parseTimestamp(b)
		return ok && ok2 && c.operator.accept(at.Compare(bt))
	}
	return false
}

// patternPart is a text of a StringMatches pattern; all but the first follow a "*".
type patternPart string

// compilePattern splits a pattern at its wildcards; "\*" is an asterisk and "\\" a backslash.
func compilePattern(pattern string) []patternPart {
	var parts []patternPart
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
			b.WriteByte(pattern[i])
		case c == '*':
			parts = append(parts, patternPart(b.String()))
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(parts, patternPart(b.String()))
}

func matchPattern(parts []patternPart, s string) bool {
	first, last := string(parts[0]), string(parts[len(parts)-1])
	if len(parts) == 1 {
		return s == first
	}
	rest, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, string(p))
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, last)
}
