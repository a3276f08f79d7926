package dynamodbexpr

import "strings"

// Comparison is a condition on one attribute in the words of the older parameters: EQ, NE, LE, LT, GE, GT, NULL, NOT_NULL,
// CONTAINS, NOT_CONTAINS, BEGINS_WITH, IN and BETWEEN.
type Comparison struct {
	Operator string
	Operands []Value
}

// Holds reports whether a value meets the comparison; ok says whether the item has the attribute at all.
func (c Comparison) Holds(v Value, ok bool) bool {
	if !ok {
		v = Value{}
	}
	return compare(c.Operator, v, c.Operands)
}

// Comparisons turns a compiled key condition expression into one comparison for each key attribute. DynamoDB does so when
// it has compiled every expression of a request.
func (c *Condition) Comparisons() (map[string]Comparison, error) {
	conditions := map[string]Comparison{}
	if problem := keyConditions(c.root, conditions); problem != "" {
		return nil, Error(problem)
	}
	return conditions, nil
}

var keyOperators = map[string]string{"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE", "between": "BETWEEN", "begins_with": "BEGINS_WITH"}

// mirrored is an operator whose operands are exchanged.
var mirrored = map[string]string{"EQ": "EQ", "LT": "GT", "LE": "GE", "GT": "LT", "GE": "LE"}

func keyConditions(n *node, into map[string]Comparison) string {
	switch n.op {
	case "or", "not", "in", "<>":
		return "Invalid operator used in KeyConditionExpression: " + strings.ToUpper(n.op)
	case "function":
		switch n.name {
		case "size":
			return "KeyConditionExpressions cannot contain nested operations"
		case "begins_with":
		default:
			return "Invalid operator used in KeyConditionExpression: " + n.name
		}
		if n.args[0].op != "path" {
			return "Invalid condition in KeyConditionExpression: " + n.name + " operator must have the key attribute as its first operand"
		}
	case "between":
		if n.args[0].op != "path" {
			return "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand"
		}
	case "and":
		for _, a := range n.args {
			if problem := keyConditions(a, into); problem != "" {
				return problem
			}
		}
		return ""
	}
	name, place := "", 0
	for i, a := range n.args {
		switch a.op {
		case "path":
			if name != "" {
				return "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
			}
			if len(a.path) > 1 {
				return "KeyConditionExpressions cannot have conditions on nested attributes"
			}
			name, place = a.path.Head(), i
		case "function":
			return "KeyConditionExpressions cannot contain nested operations"
		}
	}
	if name == "" {
		return "Invalid condition in KeyConditionExpression: No key attribute specified"
	}
	if _, twice := into[name]; twice {
		return "KeyConditionExpressions must only contain one condition per key"
	}
	op := keyOperators[n.op]
	if n.op == "function" {
		op = keyOperators[n.name]
	}
	c := Comparison{Operator: op}
	if place == 1 {
		c.Operator, c.Operands = mirrored[op], []Value{n.args[0].value}
	} else {
		for _, a := range n.args[1:] {
			c.Operands = append(c.Operands, a.value)
		}
	}
	into[name] = c
	return ""
}
