package stepfunctions

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/asl/awsmodel"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// checkMockedResult checks a mocked result against what the API answers:
// https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html. Members that the API does not have are
// accepted. What is not in package awsmodel's tables is not checked.
func checkMockedResult(r asl.Resource, result any, strict bool) error {
	service, action := apiOf(r)
	shape := awsmodel.Output(service, action)
	if shape == nil {
		return nil
	}
	c := mockedResult{strict: strict, optimised: r.Kind == asl.Optimized, parsed: parsedMembers[r.Service+string(r.Pattern)]}
	if problem := c.structure(shape, "", result); problem != "" {
		return invalidTest("Mock result schema validation error: %s", problem)
	}
	return nil
}

// parsedMembers are the members that optimised integrations give as JSON where the API has its text.
var parsedMembers = map[string][]string{"lambda": {"Payload"}, "states.sync:2": {"Input", "Output"}}

// mockedResult is the check of one mocked result.
type mockedResult struct {
	strict    bool     // required members must be there
	optimised bool     // timestamps are numbers
	parsed    []string // members that may be any JSON
}

// structure says what is wrong with an object; "" when nothing is.
func (c *mockedResult) structure(shape *awsmodel.Shape, field string, v any) string {
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return c.mustBe(field, "an object")
	}
	for name, v := range o.All() {
		i := slices.IndexFunc(shape.Members, func(m awsmodel.Member) bool { return strings.EqualFold(m.Name, name) })
		if i < 0 || c.optimised && field == "" && slices.Contains(c.parsed, name) {
			continue
		}
		if problem := c.value(shape.Members[i].Type, name, v); problem != "" {
			return problem
		}
	}
	for _, m := range shape.Members {
		has := slices.ContainsFunc(o.Members(), func(given jsonvalue.Member) bool { return strings.EqualFold(given.Name, m.Name) })
		if c.strict && m.Required && !has {
			return "Required field '" + m.Name + "' is missing"
		}
	}
	return ""
}

func (c *mockedResult) mustBe(field, what string) string {
	if field == "" {
		return "Mock result must be " + what
	}
	return "Field '" + field + "' must be " + what
}

func (c *mockedResult) value(t *awsmodel.Type, field string, v any) string {
	text, isText := v.(string)
	number, isNumber := v.(jsonvalue.Number)
	switch t.Kind {
	case awsmodel.Structure:
		return c.structure(t.Shape, field, v)
	case awsmodel.List:
		a, ok := v.(*jsonvalue.Array)
		if !ok {
			return c.mustBe(field, "an array")
		}
		for _, item := range a.Items {
			if problem := c.value(t.Item, field, item); problem != "" {
				return problem
			}
		}
	case awsmodel.Map:
		o, ok := v.(*jsonvalue.Object)
		if !ok {
			return c.mustBe(field, "an object")
		}
		for _, item := range o.All() {
			if problem := c.value(t.Item, field, item); problem != "" {
				return problem
			}
		}
	case awsmodel.Boolean:
		if _, ok := v.(bool); !ok {
			return c.mustBe(field, "a boolean")
		}
	case awsmodel.Integer, awsmodel.Float:
		if !isNumber {
			return c.mustBe(field, "a number")
		}
		switch n := number.Float64(); {
		case bounded(t) && n < t.Min:
			return "Field '" + field + "' is less than the minimum value"
		case bounded(t) && n > t.Max:
			return "Field '" + field + "' exceeds the maximum value"
		}
	case awsmodel.Timestamp:
		if !isText && !(isNumber && c.optimised) {
			return c.mustBe(field, "a string")
		}
	case awsmodel.String, awsmodel.Blob, awsmodel.Enum:
		if !isText {
			return c.mustBe(field, "a string")
		}
		if t.Kind == awsmodel.Enum && !slices.Contains(t.Values, text) {
			return "Field '" + field + "' is not an expected value"
		}
		switch n := float64(utf8.RuneCountInString(text)); {
		case bounded(t) && n < t.Min:
			return "Field '" + field + "' is smaller than the minimum length"
		case bounded(t) && n > t.Max:
			return "Field '" + field + "' exceeds the maximum length"
		}
	}
	return ""
}

func bounded(t *awsmodel.Type) bool { return t.Min != 0 || t.Max != 0 }

// apiOf returns the service and the action, by their names in AWS SDK integrations, whose response is the result of a
// task with a resource; "" where the result is nobody's response.
func apiOf(r asl.Resource) (service, action string) {
	service, action = r.Service, r.Action
	switch {
	case r.Kind != asl.SDK && r.Kind != asl.Optimized, r.Pattern == asl.WaitForTaskToken:
		return "", ""
	case service == "states":
		service = "sfn"
	case service == "events":
		service = "eventbridge"
	}
	if service == "sfn" && action == "startExecution" && r.Pattern != asl.RequestResponse {
		action = "describeExecution"
	}
	return service, action
}
