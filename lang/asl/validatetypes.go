package asl

import (
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

func index(location string, i int) string { return location + "[" + decimal(int64(i)) + "]" }

// objects checks that a field is an array of objects and yields them with their locations.
func (v *validator) objects(o *jsonvalue.Object, location, name string, yield func(i, n int, item *jsonvalue.Object, at string)) {
	value, ok := v.typed(o, location, name, "ARRAY")
	if !ok {
		return
	}
	items := list(value)
	for i, item := range items {
		at := index(location+"/"+name, i)
		if member, ok := item.(*jsonvalue.Object); ok {
			yield(i, len(items), member, at)
		} else {
			v.schema(at, "Expected value of type [OBJECT]")
		}
	}
}

func (v *validator) retriers(o *jsonvalue.Object, location string) {
	v.objects(o, location, "Retry", func(i, n int, r *jsonvalue.Object, at string) {
		v.supported(r, at, []string{"Comment", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"})
		v.errorEquals(r, at, i == n-1)
		v.wholeNumber(r, at, "IntervalSeconds", 0, 99999999)
		v.wholeNumber(r, at, "MaxAttempts", 0, 99999999)
		v.wholeNumber(r, at, "MaxDelaySeconds", 1, 31622400)
		v.oneOf(r, at, "JitterStrategy", "NONE", "FULL")
		if rate, ok := v.typed(r, at, "BackoffRate", "NUMBER"); ok && rate.(jsonvalue.Number).Float64() < 1 {
			v.schema(at+"/BackoffRate", "Minimum value is 1")
		}
		interval, most := int64(1), int64(0)
		if n, ok := integer(value(r, "IntervalSeconds")); ok {
			interval = n
		}
		if n, ok := integer(value(r, "MaxDelaySeconds")); ok {
			if most = n; most > 0 && most <= interval {
				v.schema(at+"/MaxDelaySeconds", "MaxDelaySeconds must be greater than IntervalSeconds")
			}
		}
	})
}

func (v *validator) errorEquals(o *jsonvalue.Object, location string, last bool) {
	v.required(o, location, "ErrorEquals")
	value, ok := v.typed(o, location, "ErrorEquals", "ARRAY")
	if !ok {
		return
	}
	at := location + "/ErrorEquals"
	names := list(value)
	if len(names) == 0 {
		v.schema(at, "Value cannot be empty")
	}
	for i, name := range names {
		if _, ok := name.(string); !ok {
			v.schema(index(at, i), "Expected value of type [STRING]")
		}
	}
	if slices.Contains(names, any(errAll)) && (len(names) > 1 || !last) {
		v.schema(at, "States.ALL must appear alone and at end of list")
	}
}

func (v *validator) catchers(o *jsonvalue.Object, location string, jsonata bool) {
	v.objects(o, location, "Catch", func(i, n int, c *jsonvalue.Object, at string) {
		v.supported(c, at, []string{"Comment", "ErrorEquals", "ResultPath", "Next", "Assign", "Output"})
		v.errorEquals(c, at, i == n-1)
		v.required(c, at, "Next")
		v.typed(c, at, "Next", "STRING")
		if path, has := c.Get("ResultPath"); has && path != nil && !jsonata {
			v.resultPath(path, at+"/ResultPath")
		}
		v.otherLanguage(c, at, jsonata)
		v.assign(c, at, jsonata)
		if jsonata {
			for _, name := range []string{"Output", "Assign"} {
				v.expressions(value(c, name), at+"/"+name, true)
			}
		}
	})
}

func (v *validator) task(o *jsonvalue.Object, location string, jsonata bool) {
	v.required(o, location, "Resource")
	v.onlyOne(o, location, false, "TimeoutSeconds", "TimeoutSecondsPath")
	v.onlyOne(o, location, false, "HeartbeatSeconds", "HeartbeatSecondsPath")
	for _, name := range []string{"TimeoutSeconds", "HeartbeatSeconds"} {
		if jsonata && isExpression(value(o, name)) {
			continue
		}
		v.wholeNumber(o, location, name, 1, 99999999)
		v.expressLimit(o, location, name)
	}
	timeout, ok := integer(value(o, "TimeoutSeconds"))
	heartbeat, ok2 := integer(value(o, "HeartbeatSeconds"))
	if ok && ok2 && heartbeat >= timeout {
		v.schema(location, "HeartbeatSeconds must be smaller than TimeoutSeconds")
	}
	if credentials, ok := v.typed(o, location, "Credentials", "OBJECT"); ok {
		c, at := credentials.(*jsonvalue.Object), location+"/Credentials"
		v.supported(c, at, []string{"RoleArn", "RoleArn.$"})
		if _, dynamic := c.Get("RoleArn.$"); !dynamic && value(c, "RoleArn") == nil {
			v.schema(at, "The field 'RoleArn' is required but was missing")
		}
		if !jsonata {
			v.template(credentials, location+"/Credentials")
		}
	}
	if resource, ok := v.typed(o, location, "Resource", "STRING"); ok {
		v.resource(resource.(string), o, location, jsonata)
	}
}

func isExpression(value any) bool {
	s, ok := value.(string)
	return ok && strings.HasPrefix(s, "{%")
}

func (v *validator) wait(o *jsonvalue.Object, location string, jsonata bool) {
	v.onlyOne(o, location, true, "SecondsPath", "Seconds", "TimestampPath", "Timestamp")
	if !jsonata || !isExpression(value(o, "Seconds")) {
		v.wholeNumber(o, location, "Seconds", 0, 99999999)
		v.expressLimit(o, location, "Seconds")
	}
	if timestamp, ok := v.typed(o, location, "Timestamp", "STRING"); ok && !(jsonata && isExpression(timestamp)) {
		if _, ok := parseTimestamp(timestamp.(string)); !ok {
			v.schema(location+"/Timestamp", "String does not match RFC3339 timestamp")
		}
	}
}

func (v *validator) fail(o *jsonvalue.Object, location string) {
	if name, ok := v.typed(o, location, "Error", "STRING"); ok && strings.HasPrefix(name.(string), "States.") {
		v.note(SeverityError, CodeReservedErrorName, location+"/Error", "Names of errors that begin with 'States.' are reserved for Step Functions")
	}
	v.typed(o, location, "Cause", "STRING")
	v.onlyOne(o, location, false, "Error", "ErrorPath")
	v.onlyOne(o, location, false, "Cause", "CausePath")
}

func (v *validator) parallel(o *jsonvalue.Object, location string) {
	v.required(o, location, "Branches")
	if branches, has := o.Get("Branches"); has && len(list(branches)) == 0 && typeName(branches) == "ARRAY" {
		v.schema(location+"/Branches", "Value cannot be empty")
	}
	v.objects(o, location, "Branches", func(_, _ int, branch *jsonvalue.Object, at string) {
		v.supported(branch, at, []string{"Comment", "StartAt", "States"})
		if v.workflow(branch, at) {
			v.transitions(branch, at, false)
		}
	})
}

var operatorNames = sortedOperatorNames()

func sortedOperatorNames() []string {
	var names []string
	for name := range choiceOperators {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (v *validator) choice(o *jsonvalue.Object, location string, jsonata bool) {
	v.required(o, location, "Choices")
	v.typed(o, location, "Default", "STRING")
	if choices, has := o.Get("Choices"); has && len(list(choices)) == 0 && typeName(choices) == "ARRAY" {
		v.schema(location+"/Choices", "Value cannot be empty")
	}
	v.objects(o, location, "Choices", func(_, _ int, rule *jsonvalue.Object, at string) {
		v.required(rule, at, "Next")
		v.typed(rule, at, "Next", "STRING")
		v.assign(rule, at, jsonata)
		if jsonata {
			v.supported(rule, at, []string{"Comment", "Next", "Assign", "Output", "Condition"}, operatorNames, []string{"And", "Or", "Not", "Variable"})
			v.required(rule, at, "Condition")
			if condition, has := rule.Get("Condition"); has {
				if _, isBoolean := condition.(bool); !isBoolean && !isExpression(condition) {
					v.schema(at+"/Condition", "Value must be a JSONata expression or a boolean")
				}
			}
			for _, name := range []string{"Condition", "Output", "Assign"} {
				v.expressions(value(rule, name), at+"/"+name, false)
			}
			return
		}
		v.test(rule, at, true)
	})
}

// test checks a condition in JSONPath.
func (v *validator) test(o *jsonvalue.Object, location string, top bool) {
	allowed := []string{"And", "Or", "Not", "Variable", "Condition", "Comment"}
	if top {
		allowed = append(allowed, "Next", "Assign")
	}
	v.supported(o, location, allowed, operatorNames)
	n := 0
	for _, name := range []string{"And", "Or", "Not", "Variable", "Condition"} {
		if _, has := o.Get(name); has {
			n++
		}
	}
	if n != 1 {
		v.schema(location, "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]")
		return
	}
	if _, has := o.Get("Condition"); has {
		v.schema(location, "The QueryLanguage is set to 'JSONPath', but field 'Condition' is only supported for the 'JSONata' QueryLanguage")
		return
	}
	if operand, ok := v.typed(o, location, "Not", "OBJECT"); ok {
		v.test(operand.(*jsonvalue.Object), location+"/Not", false)
	}
	for _, name := range []string{"And", "Or"} {
		if operands, has := o.Get(name); has && len(list(operands)) == 0 && typeName(operands) == "ARRAY" {
			v.schema(location+"/"+name, "Value cannot be empty")
		}
		v.objects(o, location, name, func(_, _ int, operand *jsonvalue.Object, at string) { v.test(operand, at, false) })
	}
	if variable, has := o.Get("Variable"); has {
		v.variable(variable, location+"/Variable")
		v.comparison(o, location)
	}
}

func (v *validator) comparison(o *jsonvalue.Object, location string) {
	n := 0
	for name, operand := range o.All() {
		operator, known := choiceOperators[name]
		if !known {
			continue
		}
		n++
		at := location + "/" + name
		switch {
		case operator.path:
			v.variable(operand, at)
			continue
		case operator.kind == timestampOperand:
			s, isString := v.typed(o, location, name, "STRING")
			if isString {
				if _, ok := parseTimestamp(s.(string)); !ok {
					v.schema(at, "String does not match RFC3339 timestamp")
				}
			}
		case operator.kind == numericOperand:
			v.typed(o, location, name, "NUMBER")
		case operator.kind == booleanOperand, operator.kind == typeOperand:
			v.typed(o, location, name, "BOOLEAN")
		default:
			v.typed(o, location, name, "STRING")
		}
	}
	switch {
	case n > 1:
		v.schema(location, "There should only be one of the following fields: [%s]", strings.Join(operatorNames, ", "))
	case n == 0:
		v.schema(location, "This object should have only one of the following fields: [%s]", strings.Join(operatorNames, ", "))
	}
}
