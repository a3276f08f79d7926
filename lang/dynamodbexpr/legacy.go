package dynamodbexpr

import "slices"

// operandCounts are the least and the most operands of a comparison of the older parameters; -1 is any number.
var operandCounts = map[string][2]int{
	"NULL": {0, 0}, "NOT_NULL": {0, 0}, "EQ": {1, 1}, "NE": {1, 1}, "LE": {1, 1}, "LT": {1, 1}, "GE": {1, 1}, "GT": {1, 1},
	"CONTAINS": {1, 1}, "NOT_CONTAINS": {1, 1}, "BEGINS_WITH": {1, 1}, "IN": {1, -1}, "BETWEEN": {2, 2},
}

func scalar(k Kind) bool { return k == KindS || k == KindN || k == KindB }

// takes reports whether a comparison of QueryFilter, ScanFilter and KeyConditions takes operands of a kind.
func takes(operator string, k Kind) bool {
	switch operator {
	case "EQ", "NE":
		return scalar(k) || k == KindSS || k == KindNS || k == KindBS
	case "BEGINS_WITH":
		return k == KindS || k == KindB
	case "NULL", "NOT_NULL":
		return true
	}
	return scalar(k)
}

// CheckComparisons says what DynamoDB says of the comparisons of a QueryFilter, a ScanFilter or KeyConditions.
func CheckComparisons(conditions map[string]Comparison) error {
	for _, name := range sortedKeys(conditions) {
		c := conditions[name]
		for _, v := range c.Operands {
			if problem := v.Problem(); problem != "" {
				return Error(problem)
			}
		}
		if problem := countProblem(c.Operator, len(c.Operands)); problem != "" {
			return Error(problem)
		}
		if problem := kindsProblem(c.Operands); problem != "" {
			return Error(problem)
		}
		for _, v := range c.Operands {
			if !takes(c.Operator, v.Kind()) {
				return Error(parameters + "ComparisonOperator " + c.Operator + " is not valid for " + v.Kind().String() + " AttributeValue type")
			}
		}
		if problem := rangeProblem(c); problem != "" {
			return Error(problem)
		}
	}
	return nil
}

func countProblem(operator string, n int) string {
	if limits := operandCounts[operator]; n < limits[0] || limits[1] >= 0 && n > limits[1] {
		return parameters + "Invalid number of argument(s) for the " + operator + " ComparisonOperator"
	}
	return ""
}

func kindsProblem(operands []Value) string {
	if slices.ContainsFunc(operands, func(v Value) bool { return v.Kind() != operands[0].Kind() }) {
		return parameters + "AttributeValues inside AttributeValueList must be of same type"
	}
	return ""
}

func rangeProblem(c Comparison) string {
	if c.Operator == "BETWEEN" && len(c.Operands) == 2 {
		if order, ok := c.Operands[0].order(c.Operands[1]); ok && order > 0 {
			return "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
		}
	}
	return ""
}

// Expectation is one of the older Expected conditions, of which nil members were not given.
type Expectation struct {
	Operator *string
	Operands []Value // AttributeValueList; nil: not given
	Value    *Value
	Exists   *bool
}

// NewExpectations turns Expected into comparisons, or says what is wrong with it.
func NewExpectations(expected map[string]Expectation) (map[string]Comparison, error) {
	all := make(map[string]Comparison, len(expected))
	for _, name := range sortedKeys(expected) {
		c, problem := expected[name].comparison(name)
		if problem != "" {
			return nil, Error(problem)
		}
		all[name] = c
	}
	return all, nil
}

func (x Expectation) comparison(name string) (Comparison, string) {
	if x.Operands != nil && x.Value != nil {
		return Comparison{}, parameters + "Value and AttributeValueList cannot be used together for Attribute: " + name
	}
	if x.Operator == nil {
		return x.equality(name)
	}
	c := Comparison{Operator: *x.Operator, Operands: x.Operands}
	if x.Value != nil {
		c.Operands = []Value{*x.Value}
	}
	switch {
	case x.Exists != nil:
		return c, parameters + "Exists and ComparisonOperator cannot be used together for Attribute: " + name
	case c.Operator != "NULL" && c.Operator != "NOT_NULL" && x.Operands == nil && x.Value == nil:
		return c, parameters + "Value or AttributeValueList must be used with ComparisonOperator: " + c.Operator + " for Attribute: " + name
	}
	if problem := countProblem(c.Operator, len(c.Operands)); problem != "" {
		return c, problem
	}
	if problem := kindsProblem(c.Operands); problem != "" {
		return c, problem
	}
	for _, v := range c.Operands {
		if problem := v.Problem(); problem != "" {
			return c, problem
		}
	}
	return c, rangeProblem(c)
}

// equality is an expectation without an operator: a value to be equal to, or an attribute not to exist.
func (x Expectation) equality(name string) (Comparison, string) {
	if x.Operands != nil {
		return Comparison{}, parameters + "AttributeValueList can only be used with a ComparisonOperator for Attribute: " + name
	}
	given := "null"
	if x.Exists != nil {
		given = "true"
	}
	switch exists := x.Exists == nil || *x.Exists; {
	case exists && x.Value == nil:
		return Comparison{}, parameters + "Value must be provided when Exists is " + given + " for Attribute: " + name
	case !exists && x.Value != nil:
		return Comparison{}, parameters + "Value cannot be used when Exists is false for Attribute: " + name
	case !exists:
		return Comparison{Operator: "NULL"}, ""
	}
	return Comparison{Operator: "EQ", Operands: []Value{*x.Value}}, x.Value.Problem()
}

// AllHold reports whether an item meets the comparisons: every one, or with any at least one. Without comparisons it does.
func AllHold(comparisons map[string]Comparison, anyOf bool, item Item) bool {
	for name, c := range comparisons {
		v, ok := item[name]
		if c.Holds(v, ok) == anyOf {
			return anyOf
		}
	}
	return !anyOf || len(comparisons) == 0
}
