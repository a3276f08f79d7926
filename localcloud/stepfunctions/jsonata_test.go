package stepfunctions

import (
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/store"
)

func TestJSONataMachines(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := create(w, "m", "", `{"QueryLanguage":"JSONata","StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f","Payload":{"sum":"{% $sum($states.input.numbers) %}"}},
			"Output":"{% $states.result.Payload %}","Assign":{"doubled":"{% $states.result.Payload.sum * 2 %}"},"Next":"S"},
		"S":{"Type":"Succeed","Output":{"sum":"{% $states.input.sum %}","doubled":"{% $doubled %}"}}}}`)
	arn := begin(w, m, "", `{"numbers":[1,2,3.5]}`)
	if got, want := *finished(w, arn, succeeded).Output, `{"sum":6.5,"doubled":13}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	arn = begin(w, m, "", `{"numbers":["one"]}`)
	out := finished(w, arn, failed)
	const cause = `The JSONata expression '$sum($states.input.numbers)' specified for the field 'Arguments/Payload/sum' threw an error during ` +
		`evaluation. T0412: Argument 1 of function "sum" must be an array of "numbers"`
	if *out.Error != "States.QueryEvaluationError" || !strings.HasSuffix(*out.Cause, cause) {
		t.Errorf("%s: %s", *out.Error, *out.Cause)
	}
	if got := eventTypes(w, arn); got != "ExecutionStarted TaskStateEntered EvaluationFailed ExecutionFailed" {
		t.Error(got)
	}
	for _, ev := range historyOf(w, arn, &GetExecutionHistoryInput{}) {
		if details, ok := ev["evaluationFailedEventDetails"].(map[string]any); ok && details["location"] != "Arguments/Payload/sum" {
			t.Errorf("%v", details)
		}
	}

	in := CreateStateMachineInput{Name: "n", RoleArn: role, Definition: `{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed","Output":"{% $.a %}"}}}`}
	if got, want := refusal(w, "CreateStateMachine", &in), "InvalidDefinition: Invalid State Machine Definition: 'UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$' at the top level is not supported. at /States/S/Output'"; got != want {
		t.Errorf("%s", got)
	}
}
