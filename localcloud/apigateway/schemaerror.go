package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// validateBody checks a request's body against a model. problem is "" or what $context.error.validationErrorString says,
// in the words of the validator that AWS uses (github.com/java-json-tools/json-schema-validator). The body must be one
// complete JSON text; without a body it counts as {}.
func validateBody(schema *jsonschema.Schema, body []byte) (problem string) {
	if len(body) == 0 {
		body = []byte("{}")
	}
	v, err := jsonvalue.Parse(body)
	if err != nil {
		return "[" + err.Error() + "]"
	}
	plain, err := plainValue(v)
	if err != nil {
		return "[" + err.Error() + "]"
	}
	err = schema.Validate(plain)
	if err == nil {
		return ""
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return "[" + err.Error() + "]"
	}
	problems := describe(nil, invalid, plain)
	slices.Sort(problems)
	return "[" + strings.Join(slices.Compact(problems), ", ") + "]"
}

// describe appends the messages of a failed validation of a body. They name properties that are missing or not allowed; of
// other mistakes they tell the value and not where it is, as on AWS.
func describe(list []string, e *jsonschema.ValidationError, body any) []string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		return append(list, fmt.Sprintf("instance type (%s) does not match any allowed primitive type (allowed: %s)", typeName(at(body, e.InstanceLocation), k.Got), quotedList(k.Want)))
	case *kind.Required:
		return append(list, fmt.Sprintf("object has missing required properties (%s)", quotedList(k.Missing)))
	case *kind.AdditionalProperties:
		return append(list, fmt.Sprintf("object instance has properties which are not allowed by the schema: %s", quotedList(k.Properties)))
	case *kind.Enum:
		return append(list, fmt.Sprintf("instance value (%s) not found in enum (possible values: %s)", jsonText(k.Got), jsonText(k.Want)))
	case *kind.MinLength:
		return append(list, fmt.Sprintf("string \"%s\" is too short (length: %d, required minimum: %d)", at(body, e.InstanceLocation), k.Got, k.Want))
	case *kind.MaxLength:
		return append(list, fmt.Sprintf("string \"%s\" is too long (length: %d, maximum allowed: %d)", at(body, e.InstanceLocation), k.Got, k.Want))
	case *kind.Pattern:
		return append(list, fmt.Sprintf("ECMA 262 regex \"%s\" does not match input string \"%s\"", k.Want, k.Got))
	case *kind.Format:
		return append(list, fmt.Sprintf("string is invalid against the requested format %s", jsonText(k.Want)))
	case *kind.Minimum:
		return append(list, fmt.Sprintf("numeric instance is lower than the required minimum (minimum: %s, found: %s)", decimal(k.Want), decimal(k.Got)))
	case *kind.Maximum:
		return append(list, fmt.Sprintf("numeric instance is greater than the required maximum (maximum: %s, found: %s)", decimal(k.Want), decimal(k.Got)))
	case *kind.ExclusiveMinimum:
		return append(list, fmt.Sprintf("numeric instance is not strictly greater than the required minimum %s", decimal(k.Want)))
	case *kind.ExclusiveMaximum:
		return append(list, fmt.Sprintf("numeric instance is not strictly lower than the required maximum %s", decimal(k.Want)))
	case *kind.MultipleOf:
		return append(list, fmt.Sprintf("remainder of division is not zero (%s / %s)", decimal(k.Got), decimal(k.Want)))
	case *kind.MinItems:
		return append(list, fmt.Sprintf("array is too short: must have at least %d elements but instance has %d elements", k.Want, k.Got))
	case *kind.MaxItems:
		return append(list, fmt.Sprintf("array is too long: must have at most %d elements but instance has %d elements", k.Want, k.Got))
	case *kind.UniqueItems:
		return append(list, "array must not contain duplicate elements")
	case *kind.MinProperties:
		return append(list, fmt.Sprintf("object has too few properties (found %d but schema requires at least %d)", k.Got, k.Want))
	case *kind.MaxProperties:
		return append(list, fmt.Sprintf("object has too many properties (found %d but schema requires at most %d)", k.Got, k.Want))
	case *kind.OneOf:
		return append(list, fmt.Sprintf("instance failed to match exactly one schema (matched %d)", len(k.Subschemas)))
	case *kind.AnyOf:
		return append(list, fmt.Sprintf("instance failed to match at least one required schema among %d", len(e.Causes)))
	case *kind.Not:
		return append(list, "instance matched a schema which it should not have")
	}
	for _, cause := range e.Causes {
		list = describe(list, cause, body)
	}
	if len(e.Causes) == 0 {
		list = append(list, "instance does not match the schema at "+strings.Join(e.ErrorKind.KeywordPath(), "/"))
	}
	return list
}

// at returns the value at a place in a body.
func at(v any, place []string) any {
	for _, name := range place {
		switch parent := v.(type) {
		case map[string]any:
			v = parent[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(parent) {
				return nil
			}
			v = parent[i]
		}
	}
	return v
}

// typeName tells integers from other numbers, by their text as AWS's validator does.
func typeName(v any, general string) string {
	if n, ok := v.(json.Number); ok && !strings.ContainsAny(string(n), ".eE") {
		return "integer"
	}
	return general
}

func quotedList(names []string) string {
	sorted := slices.Sorted(slices.Values(names))
	var out []byte
	for i, name := range sorted {
		if i > 0 {
			out = append(out, ',')
		}
		out = jsonvalue.AppendString(out, name)
	}
	return "[" + string(out) + "]"
}

// jsonText writes a value that came from plainValue.
func jsonText(v any) string {
	switch v := v.(type) {
	case string:
		return string(jsonvalue.AppendString(nil, v))
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			texts[i] = jsonText(item)
		}
		return "[" + strings.Join(texts, ",") + "]"
	case map[string]any:
		return "object"
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// decimal writes a number without fraction bars, shortened where its digits have no end.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(12), "0")
}
