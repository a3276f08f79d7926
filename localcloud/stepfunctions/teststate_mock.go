package stepfunctions

import (
	"fmt"
	"slices"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// checkMock checks the mock of a tested state and reads it.
func checkMock(in *TestStateInput, state *asl.StateDescription, test *asl.Test) error {
	composite := state.Type == "Map" || state.Type == "Parallel"
	mock := in.Mock
	switch {
	case mock == nil && composite:
		return &dispatch.Error{Code: "InvalidDefinition", Message: "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"}
	case mock == nil:
		return nil
	case !composite && state.Type != "Task":
		return invalidTest("State type '%s' is not supported when a mock is specified", state.Type)
	case in.RevealSecrets:
		return invalidTest("TestState does not support RevealSecrets when a mock is specified.")
	case mock.Result != nil && mock.ErrorOutput != nil:
		return invalidTest("A test mock should have only one of the following fields: [result, errorOutput].")
	case !slices.Contains([]string{"", "STRICT", "PRESENT", "NONE"}, mock.FieldValidationMode):
		return invalidTest("1 validation error detected: Value '%s' at 'mock.fieldValidationMode' failed to satisfy constraint: Member must satisfy enum value set: [PRESENT, STRICT, NONE]", mock.FieldValidationMode)
	case mock.ErrorOutput != nil:
		test.Mock = &asl.MockAnswer{Failed: true, Error: mock.ErrorOutput.Error, Cause: mock.ErrorOutput.Cause}
		return nil
	case mock.Result == nil:
		return invalidTest("A test mock should have one of the following fields: [result, errorOutput].")
	}
	result, err := jsonvalue.Parse(*mock.Result)
	if err != nil {
		return invalidTest("Mocked result must be valid JSON")
	}
	test.Mock = &asl.MockAnswer{Result: result}
	items, isArray := result.(*jsonvalue.Array)
	_, isObject := result.(*jsonvalue.Object)
	switch {
	case state.WritesResults && !isObject:
		return invalidTest("Mocked result must be a JSON object.")
	case composite && !state.WritesResults && !isArray:
		return invalidTest("Mocked result must be an array.")
	case state.Type == "Parallel" && items.Len() != state.Branches:
		return invalidTest("Mocked result must contain the same number of items as number of Parallel branches.")
	case state.Type == "Task" && mock.FieldValidationMode != "NONE":
		return checkMockedResult(state.Resource, result, mock.FieldValidationMode != "PRESENT")
	}
	return nil
}

// contextFields are the fields of the context object that a test may give, and what they are.
var contextFields = map[string]map[string]string{
	"Execution":    {"Id": "string", "Input": "", "Name": "string", "RoleArn": "string", "StartTime": "string", "RedriveCount": "integer", "RedriveTime": "string"},
	"State":        {"EnteredTime": "string", "Name": "string", "RetryCount": "integer"},
	"StateMachine": {"Id": "string", "Name": "string"},
	"Task":         {"Token": "string"},
}

// checkContext checks the context object of a test and reads it.
func checkContext(in *TestStateInput, state *asl.StateDescription, test *asl.Test) error {
	if in.Context == "" {
		return nil
	}
	refuse := func(format string, args ...any) error {
		return invalidTest("Invalid Context object provided: %s", fmt.Sprintf(format, args...))
	}
	v, err := jsonvalue.Parse(in.Context)
	given, ok := v.(*jsonvalue.Object)
	if err != nil || !ok {
		return refuse("it must be a JSON object")
	}
	for name, v := range given.All() {
		fields, known := contextFields[name]
		part, isObject := v.(*jsonvalue.Object)
		switch {
		case name == "Map":
			return refuse("'Map' field is not supported when mocking a Context object")
		case name == "Task" && (state.Type != "Task" || state.Resource.Pattern == asl.RequestResponse):
			return refuse("Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern")
		case !known:
			return refuse("Field '%s' is not allowed", name)
		case !isObject:
			return refuse("%s must be a object", name)
		}
		for field, v := range part.All() {
			kind, known := fields[field]
			_, isText := v.(string)
			_, isNumber := v.(jsonvalue.Number)
			if !known {
				return refuse("Field '%s' is not allowed", field)
			}
			if kind == "string" && !isText || kind == "integer" && !isNumber {
				return refuse("%s.%s must be a %s", name, field, kind)
			}
		}
	}
	test.Context = given
	return nil
}

// checkConfiguration checks what is said to have gone before and reads it.
func checkConfiguration(in *TestStateInput, state *asl.StateDescription, test *asl.Test) error {
	c := in.StateConfiguration
	if c == nil {
		c = &TestStateConfiguration{}
	}
	for name, n := range map[string]int{"retrierRetryCount": c.RetrierRetryCount, "mapIterationFailureCount": c.MapIterationFailureCount} {
		if n < 0 {
			return invalidTest("1 validation error detected: Value '%d' at 'stateConfiguration.%s' failed to satisfy constraint: Member must have value greater than or equal to 0", n, name)
		}
	}
	if c.ErrorCausedByState != "" && !slices.Contains(state.Inside, c.ErrorCausedByState) {
		return invalidTest("State '%s', which is to have caused the error, is not inside of the tested state", c.ErrorCausedByState)
	}
	test.Attempts, test.Failures = c.RetrierRetryCount, c.MapIterationFailureCount
	if !state.ReadsItems {
		return nil
	}
	if c.MapItemReaderData == nil {
		return invalidTest("ItemReader data must be specified when testing a Map state with ItemReader specified.")
	}
	v, err := jsonvalue.Parse(*c.MapItemReaderData)
	items, ok := v.(*jsonvalue.Array)
	if err != nil || !ok {
		return invalidTest("ItemReader data must be a JSON array: files of other forms are not emulated.")
	}
	test.ItemData = items
	return nil
}
