package asl

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/asl/awsmodel"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// resource checks a Task's Resource with its arguments, and what Express machines do not support.
func (v *validator) resource(arn string, o *jsonvalue.Object, state string, jsonata bool) {
	location := state + "/Resource"
	r, err := ParseResource(arn)
	switch {
	case err != nil && splitARN(arn) == nil:
		v.schema(location, "Value is not a valid resource ARN")
		return
	case err != nil || !knownIntegration(r):
		v.schema(location, "The resource provided %s is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.", arn)
		if err == nil {
			v.hint(v.diagnostics, hint{suggestion: meantIntegration(r)})
		}
		return
	}
	switch {
	case !v.express:
	case r.Kind == Activity:
		v.schema(location, "Express state machine does not support Activity ARN")
	case r.Pattern == Sync || r.Pattern == Sync2:
		v.schema(location, "Express state machine does not support '.sync' service integration")
	case r.Pattern == WaitForTaskToken:
		// AWS's message has two blanks before "at".
		v.schema(location, "Express state machine does not support '.waitForTaskToken' service integration ")
	}
	if r.Kind == Optimized || r.Kind == SDK {
		v.taskArguments(o, r, state, jsonata)
	}
}

// taskArguments checks the arguments of an integration against the API's, as far as they are constant.
func (v *validator) taskArguments(o *jsonvalue.Object, r Resource, location string, jsonata bool) {
	field := "Parameters"
	if jsonata {
		field = "Arguments"
	}
	given, has := o.Get(field)
	fields, isObject := given.(*jsonvalue.Object)
	if has && !isObject {
		return // only known when it runs
	}
	c := &argumentChecker{v: v, jsonata: jsonata, optimized: r.Kind == Optimized}
	m := r.model()
	if !has {
		if c.optimized || m != nil && slices.ContainsFunc(m.Action(r.Action).Members, func(m awsmodel.Member) bool { return m.Required }) {
			v.schema(location, "%s field is required for resource ARN: %s", field, r.ARN)
		}
		return
	}
	location += "/" + field
	if m == nil {
		c.casing(fields, location)
		c.required(fields, location, requiredParameters[r.Service+":"+r.Action])
		return
	}
	c.structure(m.Action(r.Action), fields, location)
}

// argumentChecker checks constants against an API's types. What Step Functions refuses goes to the diagnostics, what it
// is not known to refuse before the task runs to the notes.
type argumentChecker struct {
	v         *validator
	jsonata   bool
	optimized bool
}

// casing checks that arguments have names in PascalCase, which Step Functions wants of every service.
func (c *argumentChecker) casing(fields *jsonvalue.Object, location string) {
	for name := range fields.All() {
		if name != "" && 'a' <= name[0] && name[0] <= 'z' {
			c.unsupported(location, name, strings.ToUpper(name[:1])+c.name(name)[1:])
		}
	}
}

// name is an argument's name without the mark of a path.
func (c *argumentChecker) name(name string) string {
	if c.jsonata {
		return name
	}
	return strings.TrimSuffix(name, ".$")
}

// unsupported reports a field that is no argument. Of one that has a path AWS was seen to find out only when the task runs.
func (c *argumentChecker) unsupported(location, field, suggestion string) {
	name := c.name(field)
	if name != field {
		c.note(SeverityError, CodeArgumentName, location, "The field %q is not supported by Step Functions", name)
		c.v.hint(c.v.notes, hint{suggestion, location + "/" + field})
		return
	}
	c.v.schema(location, "The field %q is not supported by Step Functions", name)
	c.v.hint(c.v.diagnostics, hint{suggestion, location + "/" + field})
}

func (c *argumentChecker) required(fields *jsonvalue.Object, location string, names []string) {
	for _, name := range names {
		given := slices.ContainsFunc(fields.Members(), func(m jsonvalue.Member) bool {
			n := c.name(m.Name)
			return n != "" && sameSpelling(n, name)
		})
		if !given {
			c.v.schema(location, "The field '%s' is required but was missing", name)
		}
	}
}

// structure checks the members of a structure or a union.
func (c *argumentChecker) structure(s *awsmodel.Shape, fields *jsonvalue.Object, location string) {
	for field, value := range fields.All() {
		name := c.name(field)
		m := memberOf(s, name)
		if m == nil {
			var names []string
			for _, m := range s.Members {
				names = append(names, m.Name)
			}
			c.unsupported(location, field, nearest(name, names))
			continue
		}
		if name == field {
			c.value(m.Type, value, location+"/"+name, name)
		}
	}
	var required []string
	for _, m := range s.Members {
		if m.Required {
			required = append(required, m.Name)
		}
	}
	c.required(fields, location, required)
	if s.Union && fields.Len() != 1 {
		c.note(SeverityError, CodeArgumentType, location, "%s takes exactly one of its members", s.Name)
	}
}

// memberOf returns the member that Step Functions has under a name.
func memberOf(s *awsmodel.Shape, name string) *awsmodel.Member {
	if name == "" {
		return nil
	}
	for i := range s.Members {
		if sameSpelling(name, s.Members[i].Name) {
			return &s.Members[i]
		}
	}
	if name == "Nul" && s.Union { // what the SDK for Java makes of NULL, so as not to write null
		return s.Member("NULL")
	}
	return nil
}

// value checks a constant; name is the argument's, for the message.
func (c *argumentChecker) value(t *awsmodel.Type, value any, location, name string) {
	if s, ok := value.(string); ok && c.jsonata && isExpression(s) || value == nil || c.v.isPlaceholder(value) {
		return // only known later, or as good as left out
	}
	switch t.Kind {
	case awsmodel.Structure:
		if fields, ok := value.(*jsonvalue.Object); ok {
			c.structure(t.Shape, fields, location)
			return
		}
		c.mismatch(SeverityError, location, name, "an object", value)
	case awsmodel.Map:
		fields, ok := value.(*jsonvalue.Object)
		if !ok {
			c.mismatch(SeverityError, location, name, "an object", value)
		}
		for member, item := range fields.All() {
			if c.name(member) == member {
				c.value(t.Item, item, location+"/"+member, member)
			}
		}
	case awsmodel.List:
		items, ok := value.(*jsonvalue.Array)
		if !ok {
			c.mismatch(SeverityError, location, name, "an array", value)
			return
		}
		for i, item := range items.Items {
			c.value(t.Item, item, index(location, i), name)
		}
	default:
		c.scalar(t, value, location, name)
	}
}

// scalar checks a constant that is neither a structure nor a collection. An object or an array may stand for the text of
// its JSON.
func (c *argumentChecker) scalar(t *awsmodel.Type, value any, location, name string) {
	text, isText := value.(string)
	number, isNumber := value.(jsonvalue.Number)
	_, isBoolean := value.(bool)
	switch t.Kind {
	case awsmodel.String:
		if !c.optimized && (isNumber || isBoolean) {
			c.mismatch(SeverityWarning, location, name, "a string", value)
		}
	case awsmodel.Enum:
		switch {
		case !isText:
			c.mismatch(SeverityError, location, name, "a string", value)
		case len(t.Values) > 0 && !slices.Contains(t.Values, text):
			c.note(SeverityWarning, CodeArgumentValue, location, "'%s' is not one of the values that '%s' is known to take: %s",
				text, name, strings.Join(t.Values, ", "))
			c.v.hint(c.v.notes, hint{suggestion: nearest(text, t.Values)})
		}
	case awsmodel.Boolean:
		switch {
		case text == "true" || text == "false":
			c.mismatch(SeverityWarning, location, name, "a boolean", value)
		case !isBoolean:
			c.mismatch(SeverityError, location, name, "a boolean", value)
		}
	case awsmodel.Integer, awsmodel.Float:
		want := "a number"
		whole := t.Kind == awsmodel.Integer
		if whole {
			want = "a whole number"
		}
		parsed, err := strconv.ParseFloat(text, 64)
		switch {
		case isNumber && whole && number.Float64() != math.Trunc(number.Float64()):
			c.mismatch(SeverityError, location, name, want, value)
		case isNumber:
		case isText && err == nil && (!whole || parsed == math.Trunc(parsed)):
			c.mismatch(SeverityWarning, location, name, want, value)
		default:
			c.mismatch(SeverityError, location, name, want, value)
		}
	case awsmodel.Timestamp:
		if !isText && !isNumber {
			c.mismatch(SeverityError, location, name, "a timestamp", value)
		}
	}
}

func (c *argumentChecker) note(severity, code, location, format string, args ...any) {
	c.v.note(severity, code, location, fmt.Sprintf(format, args...))
}

func (c *argumentChecker) mismatch(severity, location, name, want string, value any) {
	got := map[string]string{"BOOLEAN": "a boolean", "STRING": "a string", "NUMBER": "a number", "ARRAY": "an array",
		"OBJECT": "an object"}[typeName(value)]
	if _, isNumber := value.(jsonvalue.Number); isNumber && want == "a whole number" {
		got = "a fraction"
	}
	c.note(severity, CodeArgumentType, location, "'%s' must be %s, but is %s", name, want, got)
}
