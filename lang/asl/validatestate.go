package asl

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/jsonata"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// stateFields are the fields each state type takes, as ValidateStateMachineDefinition has them.
var stateFields = map[string][]string{
	"Pass": {"InputPath", "OutputPath", "Result", "ResultPath", "Parameters", "Output", "Assign", "Next", "End"},
	"Task": {"InputPath", "OutputPath", "ResultPath", "Parameters", "Arguments", "Output", "Assign", "Resource",
		"Credentials", "ResultSelector", "Retry", "Catch", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds",
		"HeartbeatSecondsPath", "Next", "End"},
	"Wait": {"InputPath", "OutputPath", "Output", "Assign", "Seconds", "Timestamp", "SecondsPath", "TimestampPath", "Next", "End"},
	"Parallel": {"InputPath", "OutputPath", "ResultPath", "Parameters", "Arguments", "Output", "Assign", "ResultSelector",
		"Retry", "Catch", "Branches", "Next", "End"},
	"Map": {"InputPath", "OutputPath", "ResultPath", "Parameters", "Output", "Assign", "ResultSelector", "Retry", "Catch",
		"ItemProcessor", "Iterator", "ItemsPath", "Items", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter",
		"MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
		"ToleratedFailureCount", "ToleratedFailureCountPath", "Label", "Next", "End"},
	"Choice":  {"InputPath", "OutputPath", "Output", "Assign", "Choices", "Default"},
	"Succeed": {"InputPath", "OutputPath", "Output"},
	"Fail":    {"Error", "Cause", "ErrorPath", "CausePath"},
}

var (
	commonFields = []string{"Type", "Comment", "QueryLanguage"}
	stateTypes   = []string{"Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"}
	// pathFields exist only in JSONPath states and queryFields only in JSONata ones.
	pathFields = []string{"InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Result", "ItemsPath",
		"TimeoutSecondsPath", "HeartbeatSecondsPath", "SecondsPath", "TimestampPath", "MaxConcurrencyPath",
		"ToleratedFailurePercentagePath", "ToleratedFailureCountPath", "ErrorPath", "CausePath"}
	queryFields = []string{"Arguments", "Output", "Items"}
)

// supported reports fields that do not belong here.
func (v *validator) supported(o *jsonvalue.Object, location string, lists ...[]string) {
	for name := range o.All() {
		known := false
		for _, l := range lists {
			known = known || slices.Contains(l, name)
		}
		if !known {
			v.schema(location, "Field '%s' is not supported", name)
		}
	}
}

func (v *validator) state(o *jsonvalue.Object, location string) {
	v.required(o, location, "Type")
	kind, ok := v.typed(o, location, "Type", "STRING")
	if !ok {
		return
	}
	fields, known := stateFields[kind.(string)]
	if !known {
		v.schema(location+"/Type", "Value should be one of the following: [%s]", strings.Join(stateTypes, ", "))
		return
	}
	v.supported(o, location, fields, commonFields)
	v.typed(o, location, "Comment", "STRING")
	v.queryLanguage(o, location)
	jsonata := isJSONata(o, v.jsonata)
	if v.jsonata && text(o, "QueryLanguage") == "JSONPath" {
		v.schema(location, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
	} else {
		v.otherLanguage(o, location, jsonata)
	}
	if slices.Contains(fields, "Next") {
		v.nextOrEnd(o, location)
	}
	v.assign(o, location, jsonata)
	if jsonata {
		v.stateExpressions(o, location)
	} else {
		v.jsonPathFields(o, location)
	}
	if slices.Contains(fields, "Retry") {
		v.retriers(o, location)
		v.catchers(o, location, jsonata)
		v.errorNames(o, location)
	}
	switch kind {
	case "Task":
		v.task(o, location, jsonata)
	case "Wait":
		v.wait(o, location, jsonata)
	case "Choice":
		v.choice(o, location, jsonata)
	case "Fail":
		v.fail(o, location)
	case "Parallel":
		v.parallel(o, location)
	case "Map":
		v.mapState(o, location, jsonata)
	}
}

// otherLanguage reports fields of the query language that the state does not use.
func (v *validator) otherLanguage(o *jsonvalue.Object, location string, jsonata bool) {
	mine, other, foreign := "JSONPath", "JSONata", queryFields
	if jsonata {
		mine, other, foreign = "JSONata", "JSONPath", pathFields
	}
	for name := range o.All() {
		if slices.Contains(foreign, name) {
			v.schema(location, "The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' QueryLanguage", mine, name, other)
		}
	}
}

func (v *validator) nextOrEnd(o *jsonvalue.Object, location string) {
	v.typed(o, location, "Next", "STRING")
	end, hasEnd := o.Get("End")
	if hasEnd {
		if _, ok := v.typed(o, location, "End", "BOOLEAN"); !ok {
			return
		}
	}
	_, hasNext := o.Get("Next")
	switch {
	case hasNext && end == true:
		v.schema(location, "There should only be one of the following fields: [Next, End]")
	case !hasNext && end != true:
		v.schema(location, "This object should have only one of the following fields: [Next, End]")
	}
}

var variableName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}\p{M}_]*$`)

func (v *validator) assign(o *jsonvalue.Object, location string, jsonata bool) {
	value, ok := v.typed(o, location, "Assign", "OBJECT")
	if !ok {
		return
	}
	at := location + "/Assign"
	for name := range value.(*jsonvalue.Object).All() {
		variable := name
		if !jsonata {
			variable = strings.TrimSuffix(name, ".$")
		}
		switch {
		case variable == "states":
			v.report(CodeReservedVariable, at, "Cannot assign to reserved variable '$states'.")
		case utf16Length(variable) > 80:
			v.report(CodeInvalidVariableName, at, "Invalid variable name '%s': the variable name is longer than 80 characters.", variable)
		case !variableName.MatchString(variable):
			v.report(CodeInvalidVariableName, at, "Invalid variable name '%s': the variable name contains invalid characters.", variable)
		}
	}
	if !jsonata {
		v.template(value, at)
	}
}

// jsonPathFields checks the paths and templates that several state types have.
func (v *validator) jsonPathFields(o *jsonvalue.Object, location string) {
	for _, name := range []string{"InputPath", "OutputPath"} {
		if value, has := o.Get(name); has && value != nil {
			v.path(value, location+"/"+name, false)
		}
	}
	if value, has := o.Get("ResultPath"); has && value != nil {
		v.resultPath(value, location+"/ResultPath")
	}
	for _, name := range []string{"ItemsPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "SecondsPath", "TimestampPath",
		"MaxConcurrencyPath", "ToleratedFailurePercentagePath", "ToleratedFailureCountPath"} {
		if value, has := o.Get(name); has {
			v.path(value, location+"/"+name, false)
		}
	}
	for _, name := range []string{"ErrorPath", "CausePath"} {
		if value, has := o.Get(name); has {
			v.path(value, location+"/"+name, true)
		}
	}
	if value, has := o.Get("Parameters"); has {
		v.template(value, location+"/Parameters")
	}
	for _, name := range []string{"ResultSelector", "ItemSelector"} {
		if value, ok := v.typed(o, location, name, "OBJECT"); ok {
			v.template(value, location+"/"+name)
		}
	}
}

// path checks a JSONPath, or an intrinsic function where one may stand.
func (v *validator) path(value any, location string, functions bool) {
	source, ok := value.(string)
	if !ok {
		v.schema(location, "Expected value of type [STRING]")
		return
	}
	if v.isPlaceholder(value) {
		return
	}
	compile := compilePath
	if functions {
		compile = compileValue
	}
	if _, err := compile(source); err != nil {
		v.schema(location, "Value must be a valid JSONPath.")
	}
}

// resultPath checks a reference path into the state's own data.
func (v *validator) resultPath(value any, location string) {
	source, ok := value.(string)
	if !ok {
		v.schema(location, "Expected value of type [STRING]")
		return
	}
	if !strings.HasPrefix(source, "$") {
		v.schema(location, "Value is not a Reference Path: Reference path didn't start with '$'")
		return
	}
	p, err := compilePath(source)
	if err != nil || p.kind != inInput || !isReference(p.jsonPath) {
		v.schema(location, "Value is not a Reference Path")
	}
}

// variable checks the Variable of a Choice rule or the operand of its …Path.
func (v *validator) variable(value any, location string) {
	source, ok := value.(string)
	if !ok {
		v.schema(location, "Expected value of type [STRING]")
		return
	}
	if !strings.HasPrefix(source, "$") {
		v.schema(location, "Value is not a Reference Path: Reference path didn't start with '$'")
		return
	}
	if _, err := compilePath(source); err != nil {
		v.schema(location, "Value must be a valid JSONPath.")
	}
}

// template checks the members ".$" of a payload template; AWS reports them at the template.
func (v *validator) template(value any, location string) {
	compileTemplate(value, func(field string) {
		v.schema(location, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", field)
	})
}

// expressions checks the JSONata expressions of a state, a Choice rule or a catcher. Only a catcher's see an error.
func (v *validator) expressions(value any, location string, inCatcher bool) {
	switch value := value.(type) {
	case string:
		if source, isExpression := expressionSource(value); isExpression {
			v.expression(source, location, inCatcher)
		} else if strings.HasPrefix(value, "{%") {
			v.schema(location, "%s", "JSONata string must start with {% and end with %}")
		}
	case *jsonvalue.Array:
		for i, item := range value.Items {
			v.expressions(item, index(location, i), inCatcher)
		}
	case *jsonvalue.Object:
		for name, member := range value.All() {
			v.expressions(member, location+"/"+name, inCatcher)
		}
	}
}

// expression checks one expression. What AWS says of it is as users have measured it.
func (v *validator) expression(source, location string, inCatcher bool) {
	if v.placeholders {
		source = placeholder.ReplaceAllString(source, "0") // may stand in a text, or for a value
	}
	compiled, err := jsonata.Compile(source)
	var problem *jsonata.Error
	if errors.As(err, &problem) {
		v.report(CodeInvalidExpression, location, "%s", problem.Message)
		return
	}
	for _, name := range compiled.References() {
		switch {
		case name == "$$", name == "$states.errorOutput" && !inCatcher:
			v.report(CodeUnsupportedExpression, location, "Reference to '%s' is not supported.", name)
		case name != "$states.errorOutput":
			v.report(CodeUnsupportedExpression, location, "Reference to '%s' at the top level is not supported.", name)
		}
	}
}

// stateExpressions checks a JSONata state's own fields; what is inside it is checked with it.
func (v *validator) stateExpressions(o *jsonvalue.Object, location string) {
	for name, member := range o.All() {
		switch name {
		case "Comment", "Branches", "ItemProcessor", "Iterator", "Choices", "Catch", "Retry":
		default:
			v.expressions(member, location+"/"+name, false)
		}
	}
}
