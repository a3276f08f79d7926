package dynamodb

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func invalid(format string, args ...any) *dispatch.Error {
	return dispatch.Errorf("ValidationException", format, args...)
}

// refused is a validation error with the text of an expression's.
func refused(err error) error {
	var e dynamodbexpr.Error
	if errors.As(err, &e) {
		return invalid("%s", string(e))
	}
	return err
}

// parameters begins many of DynamoDB's messages.
const parameters = "One or more parameter values were invalid: "

// constraints collects what is wrong with a request's members taken alone; DynamoDB reports up to ten at once.
type constraints struct{ problems []string }

func (c *constraints) fail(value, path, rule string) {
	if len(c.problems) < 10 {
		if value != "null" {
			value = "'" + value + "'"
		}
		c.problems = append(c.problems, "Value "+value+" at '"+path+"' failed to satisfy constraint: "+rule)
	}
}

func (c *constraints) err() error {
	switch n := len(c.problems); n {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c.problems[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(c.problems, "; "))
	}
}

func (c *constraints) enum(path string, v *string, allowed ...string) {
	if v != nil && !slices.Contains(allowed, *v) {
		c.fail(*v, path, "Member must satisfy enum value set: ["+strings.Join(allowed, ", ")+"]")
	}
}

func (c *constraints) capacity(v *string) {
	c.enum("returnConsumedCapacity", v, "INDEXES", "TOTAL", "NONE")
}

func (c *constraints) metrics(v *string) {
	c.enum("returnItemCollectionMetrics", v, "SIZE", "NONE")
}

func (c *constraints) returnValues(v *string) {
	c.enum("returnValues", v, "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
}

func (c *constraints) onFailure(path string, v *string) { c.enum(path, v, "ALL_OLD", "NONE") }

func (c *constraints) conditional(v *string) { c.enum("conditionalOperator", v, "OR", "AND") }

func (c *constraints) notNull(path string, present bool) {
	if !present {
		c.fail("null", path, "Member must not be null")
	}
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

// isPlainName spots a name that every rule allows.
func isPlainName(s string) bool {
	if len(s) < 3 || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-') {
			return false
		}
	}
	return true
}

// name checks the name of a table or index; a table may be named by its ARN too.
func (c *constraints) name(path string, v *string, required bool) {
	switch {
	case v == nil:
		c.notNull(path, !required)
		return
	case isPlainName(*v) || path != "indexName" && strings.HasPrefix(*v, "arn:"):
		return
	}
	if !namePattern.MatchString(*v) {
		c.fail(*v, path, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if len(*v) < 3 {
		c.fail(*v, path, "Member must have length greater than or equal to 3")
	}
	if len(*v) > 255 {
		c.fail(*v, path, "Member must have length less than or equal to 255")
	}
}

func (c *constraints) tableName(v *string) { c.name("tableName", v, true) }

// attributes checks AttributesToGet.
func (c *constraints) attributes(path string, list []string) {
	if list == nil {
		return
	}
	shown := "[" + strings.Join(list, ", ") + "]"
	if len(list) < 1 {
		c.fail(shown, path, "Member must have length greater than or equal to 1")
	}
	if len(list) > 255 {
		c.fail(shown, path, "Member must have length less than or equal to 255")
	}
}

func (c *constraints) atLeast(path string, v *int32, least int32) {
	if v != nil && *v < least {
		c.fail(strconv.Itoa(int(*v)), path, "Member must have value greater than or equal to "+strconv.Itoa(int(least)))
	}
}

var comparisonOperators = []string{"IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS"}

func (c *constraints) expected(expected map[string]ExpectedAttributeValue) {
	for _, name := range sortedKeys(expected) {
		c.enum("expected."+name+".member.comparisonOperator", expected[name].ComparisonOperator, comparisonOperators...)
	}
}

func (c *constraints) conditions(path string, conditions map[string]Condition) {
	for _, name := range sortedKeys(conditions) {
		at := path + "." + name + ".member.comparisonOperator"
		c.notNull(at, conditions[name].ComparisonOperator != nil)
		c.enum(at, conditions[name].ComparisonOperator, comparisonOperators...)
	}
}

// requestItems checks the member of batches that is a map of tables; isTooLong says whether a value of it breaks the rule
// of values, which is "" where there is none.
func (c *constraints) requestItems(shown any, names []string, isTooLong func(name string) bool, rule string) {
	text := func() string {
		b, err := json.Marshal(shown)
		if err != nil {
			return "{}"
		}
		return string(b)
	}
	if len(names) == 0 {
		c.fail("{}", "requestItems", "Member must have length greater than or equal to 1")
	}
	for _, name := range names {
		if !isPlainName(name) && !strings.HasPrefix(name, "arn:") {
			c.fail(text(), "requestItems", "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]")
		}
	}
	for _, name := range names {
		if rule != "" && isTooLong(name) {
			c.fail(text(), "requestItems", "Map value must satisfy constraint: ["+rule+"]")
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

func is(v *string, values ...string) bool { return v != nil && slices.Contains(values, *v) }

func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}

func isTrue(v *bool) bool { return v != nil && *v }

// parameter is a member of a request and whether it was given.
type parameter struct {
	name  string
	given bool
}

func given(parameters []parameter) []string {
	var names []string
	for _, p := range parameters {
		if p.given {
			names = append(names, p.name)
		}
	}
	return names
}

// checkMixture refuses expressions beside the older parameters, and placeholders without expressions.
func checkMixture(names map[string]string, values Item, expressions, older []parameter) error {
	using := given(expressions)
	if len(using) > 0 {
		if old := given(older); len(old) > 0 {
			return invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}",
				strings.Join(old, ", "), strings.Join(using, ", "))
		}
	}
	if names != nil && len(using) == 0 {
		return invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if values == nil {
		return nil
	}
	var takers []string
	for _, e := range expressions {
		if e.name == "ProjectionExpression" {
			continue
		}
		if e.given {
			return nil
		}
		takers = append(takers, e.name)
	}
	verb := "is"
	if len(takers) > 1 {
		verb = "are"
	}
	return invalid("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(takers, " and "), verb)
}

// checkValues refuses attribute values that are none.
func checkValues(item Item) error {
	if problem := item.Problem(); problem != "" {
		return invalid("%s", problem)
	}
	return nil
}

func checkAttributesToGet(list []string) error {
	for i, name := range list {
		if slices.Contains(list[:i], name) {
			return invalid(parameters+"Duplicate value in attribute name: %s", name)
		}
	}
	return nil
}

// expectations turns Expected into comparisons.
func expectations(expected map[string]ExpectedAttributeValue) (map[string]dynamodbexpr.Comparison, error) {
	if expected == nil {
		return nil, nil
	}
	all := make(map[string]dynamodbexpr.Expectation, len(expected))
	for name, e := range expected {
		all[name] = dynamodbexpr.Expectation{Operator: e.ComparisonOperator, Operands: e.AttributeValueList, Value: e.Value, Exists: e.Exists}
	}
	comparisons, err := dynamodbexpr.NewExpectations(all)
	return comparisons, refused(err)
}

func comparisons(conditions map[string]Condition) map[string]dynamodbexpr.Comparison {
	all := make(map[string]dynamodbexpr.Comparison, len(conditions))
	for name, c := range conditions {
		all[name] = dynamodbexpr.Comparison{Operator: text(c.ComparisonOperator), Operands: c.AttributeValueList}
	}
	return all
}

// isToken reports whether a text can be a ClientRequestToken, of 1 to 36 characters.
func isToken(s string) bool {
	return len(s) >= 1 && len(s) <= 36 && !strings.ContainsFunc(s, unicode.IsControl)
}
