package asl

import (
	"errors"
	"strings"
	"testing"
)

func TestRefused(t *testing.T) {
	task := func(fields string) string {
		return `{"StartAt":"T","States":{"T":{"Type":"Task","End":true` + fields + `},"C":{"Type":"Pass","End":true}}}`
	}
	const lambda = `,"Resource":"arn:aws:lambda:us-east-1:111111111111:function:f"`
	const to = `,"Catch":[{"ErrorEquals":["A"],"Next":"C"}]`
	one := func(state string) string { return `{"StartAt":"S","States":{"S":` + state + `}}` }
	rule := func(rule string) string {
		return `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[` + rule + `]},"N":{"Type":"Succeed"}}}`
	}
	for _, c := range []struct{ definition, want string }{
		{`[]`, `SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /`},
		{`nope`, "INVALID_JSON_DESCRIPTION: Unrecognized token 'nope': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: (String)\"nope\"; line: 1, column: 5]"},
		{`{}`, `SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt, States] at /`},
		{`{"StartAt":"A","States":{}}`, `SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States`},
		{`{"StartAt":"A","States":{"A":{"Type":"Succeed"}},"Foo":1}`, `SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /`},
		{`{"StartAt":"A","States":{"A":{"Type":"Succeed"}},"Version":"2"}`, `SCHEMA_VALIDATION_FAILED: Value should be one of the following: [1.0] at /Version`},
		{`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}}`, `MISSING_END_STATE: Workflow has no terminal state at null`},
		{`{"StartAt":"pass1","States":{"pass1":{"Type":"Pass","Next":"pass3"},"pass2":{"Type":"Pass","End":true}}}`,
			`MISSING_TRANSITION_TARGET: Missing 'Next' target: pass3 at /States/pass1/Next, MISSING_TRANSITION_TARGET: State "pass2" is not reachable. at /States/pass2`},
		{`{"StartAt":"X","States":{"A":{"Type":"Succeed"}}}`, `MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /StartAt, MISSING_TRANSITION_TARGET: State "A" is not reachable. at /States/A`},
		{one(`{"Type":"Pass"}`), `SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [Next, End] at /States/S`},
		{one(`{"Type":"Pass","Next":"S","End":true}`), `SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [Next, End] at /States/S`},
		{one(`{"Type":"Pass","End":true,"Catch":[]}`), `SCHEMA_VALIDATION_FAILED: Field 'Catch' is not supported at /States/S`},
		{one(`{"Type":"Nap","End":true}`), `SCHEMA_VALIDATION_FAILED: Value should be one of the following: [Task, Pass, Choice, Wait, Succeed, Fail, Parallel, Map] at /States/S/Type`},
		{one(`{"Type":"Pass","End":"yes"}`), `SCHEMA_VALIDATION_FAILED: Expected value of type [BOOLEAN] at /States/S/End`},
		{one(`{"Type":"Pass","End":true,"InputPath":"a"}`), `SCHEMA_VALIDATION_FAILED: Value must be a valid JSONPath. at /States/S/InputPath`},
		{one(`{"Type":"Pass","End":true,"ResultPath":"a"}`), `SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/S/ResultPath`},
		{one(`{"Type":"Pass","End":true,"ResultPath":"$.a[*]"}`), `SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/S/ResultPath`},
		{one(`{"Type":"Pass","End":true,"ResultPath":"$$.a"}`), `SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/S/ResultPath`},
		{one(`{"Type":"Pass","End":true,"Parameters":{"a":[{"b.$":"x"}]}}`), `SCHEMA_VALIDATION_FAILED: The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call at /States/S/Parameters`},
		{one(`{"Type":"Pass","End":true,"Output":1}`), `SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/S`},
		{one(`{"Type":"Pass","End":true,"QueryLanguage":"jsonpath"}`), `SCHEMA_VALIDATION_FAILED: Value should be one of the following: [JSONPath, JSONata] at /States/S/QueryLanguage`},
		{one(`{"Type":"Pass","End":true,"Assign":{"states":1,"a-b":2}}`), `RESERVED_VARIABLE_NAME: Cannot assign to reserved variable '$states'. at /States/S/Assign, INVALID_VARIABLE_NAME: Invalid variable name 'a-b': the variable name contains invalid characters. at /States/S/Assign`},
		{one(`{"Type":"Pass","End":true,"QueryLanguage":"JSONata","Parameters":{}}`), `SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'Parameters' is only supported for the 'JSONPath' QueryLanguage at /States/S`},
		{one(`{"Type":"Pass","End":true,"QueryLanguage":"JSONata","Output":{"v":"{% a[1,2) %}"}}`), `INVALID_JSONATA_EXPRESSION: Expected "]", got "," at /States/S/Output/v`},
		{one(`{"Type":"Pass","End":true,"QueryLanguage":"JSONata","Output":["{% $.a + phone %}"]}`), `UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$' at the top level is not supported. at /States/S/Output[0], UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/S/Output[0]`},
		{one(`{"Type":"Pass","End":true,"QueryLanguage":"JSONata","Assign":{"a":"{% $$ %}","b":"{% $states.errorOutput %}"}}`), `UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported. at /States/S/Assign/a, UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$states.errorOutput' is not supported. at /States/S/Assign/b`},
		{one(`{"Type":"Pass","End":true,"QueryLanguage":"JSONata","Output":"{% 1 "}`), `SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/S/Output`},
		{one(`{"Type":"Map","End":true,"QueryLanguage":"JSONata","Items":"a","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}}`), `SCHEMA_VALIDATION_FAILED: Expected value of type [ARRAY] at /States/S/Items`},
		{one(`{"Type":"Fail","Error":"A","ErrorPath":"$.a"}`), `SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [Error, ErrorPath] at /States/S`},
		{one(`{"Type":"Wait","End":true}`), `SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp] at /States/S`},
		{one(`{"Type":"Wait","Seconds":1.5,"End":true}`), `SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /States/S/Seconds`},
		{one(`{"Type":"Parallel","Branches":[],"End":true}`), `SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/S/Branches`},
		{one(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"S"}}}],"End":true}`), `MISSING_TRANSITION_TARGET: Missing 'Next' target: S at /States/S/Branches[0]/States/A/Next`},
		{one(`{"Type":"Parallel","Branches":[{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}],"End":true}`), `DUPLICATE_STATE_NAME: Duplicate State name: S at /States/S/Branches[0]/States/S`},
		{one(`{"Type":"Map","End":true}`), `SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [ItemProcessor, Iterator] at /States/S`},
		{one(`{"Type":"Map","End":true,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"A","States":{"A":{"Type":"Succeed"}}}}`), `SCHEMA_VALIDATION_FAILED: These fields are required: [ExecutionType] at /States/S/ItemProcessor/ProcessorConfig`},
		{task(to), `SCHEMA_VALIDATION_FAILED: These fields are required: [Resource] at /States/T`},
		{task(`,"Resource":"f"` + to), `SCHEMA_VALIDATION_FAILED: Value is not a valid resource ARN at /States/T/Resource`},
		{task(`,"Resource":"arn:aws:states:::dynamodb:query"` + to), `SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::dynamodb:query is not recognized. The value is not a valid resource ARN, or the resource is not available in this region. at /States/T/Resource`},
		{task(lambda + `,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"},{"ErrorEquals":["A"],"Next":"C"}]`), `SCHEMA_VALIDATION_FAILED: States.ALL must appear alone and at end of list at /States/T/Catch[0]/ErrorEquals`},
		{task(lambda + `,"Catch":[{"ErrorEquals":[],"Next":"C"},{"Next":"C"},{"ErrorEquals":["A"]}]`), `SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/T/Catch[0]/ErrorEquals, SCHEMA_VALIDATION_FAILED: These fields are required: [ErrorEquals] at /States/T/Catch[1], SCHEMA_VALIDATION_FAILED: These fields are required: [Next] at /States/T/Catch[2]`},
		{task(lambda + to + `,"Retry":[{"ErrorEquals":["A"],"JitterStrategy":"HALF"}]`), `SCHEMA_VALIDATION_FAILED: Value should be one of the following: [NONE, FULL] at /States/T/Retry[0]/JitterStrategy`},
		{task(lambda + to + `,"TimeoutSeconds":5,"TimeoutSecondsPath":"$.a"`), `SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [TimeoutSeconds, TimeoutSecondsPath] at /States/T`},
		{rule(`{"Variable":"$.a","StringEquals":"b"}`), `SCHEMA_VALIDATION_FAILED: These fields are required: [Next] at /States/C/Choices[0]`},
		{rule(`{"Variable":"$.a","StringEquals":1,"Next":"N"}`), `SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/C/Choices[0]/StringEquals`},
		{rule(`{"Variable":"a","IsNull":true,"Next":"N"}`), `SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/C/Choices[0]/Variable`},
		{rule(`{"Variable":"$.a","Not":{},"Next":"N"}`), `SCHEMA_VALIDATION_FAILED: The object must have only one of the following fields, [And, Or, Not, Variable, Condition] at /States/C/Choices[0]`},
		{rule(`{"And":[{"Variable":"$.a","IsNull":true,"Next":"N"}],"Next":"N"}`), `SCHEMA_VALIDATION_FAILED: Field 'Next' is not supported at /States/C/Choices[0]/And[0]`},
	} {
		_, err := Parse([]byte(c.definition), Options{})
		var invalid *ValidationError
		if !errors.As(err, &invalid) {
			t.Errorf("%s: accepted", c.definition)
			continue
		}
		if want := "Invalid State Machine Definition: '" + c.want + "'"; err.Error() != want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.definition, err, want)
		}
	}
}

func TestExpressRestrictions(t *testing.T) {
	for resource, want := range map[string]string{
		"arn:aws:states:::states:startExecution.sync:2":         "Express state machine does not support '.sync' service integration at /States/T/Resource",
		"arn:aws:states:::sqs:sendMessage.waitForTaskToken":     "Express state machine does not support '.waitForTaskToken' service integration  at /States/T/Resource",
		"arn:aws:states:us-east-1:111111111111:activity:manual": "Express state machine does not support Activity ARN at /States/T/Resource",
		"arn:aws:states:::aws-sdk:sqs:sendMessage":              "",
	} {
		arguments := `{"QueueUrl":"q","MessageBody":"b"}`
		if strings.Contains(resource, "startExecution") {
			arguments = `{"StateMachineArn":"a"}`
		}
		definition := `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"` + resource + `","Parameters":` + arguments + `,"End":true}}}`
		_, err := Parse([]byte(definition), Options{Express: true})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", resource, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v", resource, err)
		}
		if _, err := Parse([]byte(definition), Options{}); err != nil {
			t.Errorf("%s as Standard: %v", resource, err)
		}
	}
}

func TestParseResource(t *testing.T) {
	for arn, want := range map[string]Resource{
		"arn:aws:lambda:us-east-1:111111111111:function:f:live": {Kind: LambdaFunction},
		"arn:aws:states:us-east-1:111111111111:activity:a":      {Kind: Activity},
		"arn:aws:states:::dynamodb:getItem":                     {Kind: Optimized, Service: "dynamodb", Action: "getItem"},
		"arn:aws-cn:states:::states:startExecution.sync:2":      {Kind: Optimized, Service: "states", Action: "startExecution", Pattern: Sync2},
		"arn:aws:states:::ecs:runTask.sync":                     {Kind: Optimized, Service: "ecs", Action: "runTask", Pattern: Sync},
		"arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken": {Kind: SDK, Service: "sfn", Action: "startExecution",
			Pattern: WaitForTaskToken},
	} {
		want.ARN = arn
		if got, err := ParseResource(arn); err != nil || got != want {
			t.Errorf("%s: %+v, %v", arn, got, err)
		}
	}
	for _, arn := range []string{"", "f", "arn:aws:lambda:us-east-1:1:function:", "arn:aws:lambda:us-east-1:1:layer:x", "arn:aws:s3:::b", "arn:aws:states:::sqs",
		"arn:aws:states:::sqs:", "arn:aws:states:::sqs:send.async", "arn:aws:states:::aws-sdk:sqs", "arn:aws:states:us-east-1:1:stateMachine:m", "arn:aws:states:::a:b:c",
		"arn:aws:states:us-east-1:1:activity:"} {
		if r, err := ParseResource(arn); err == nil {
			t.Errorf("%s: %+v", arn, r)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(intake))
	f.Add([]byte(retried))
	f.Add([]byte(loop))
	f.Add([]byte(`{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.a","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$.s","End":true}}}],"End":true}}},"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"F"}],"End":true},"F":{"Type":"Fail","ErrorPath":"$.e.Error"}}}`))
	f.Fuzz(func(t *testing.T, definition []byte) {
		m, err := Parse(definition, Options{Express: len(definition)%2 == 0})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		_, _ = Permissions(m)
		e := m.Start(ExecutionInput{Input: mustJSON(t, `{"a":[1,2],"s":1,"e":"x"}`), StartTime: start, Recorder: func(Event) {}})
		for now, runs := start, 0; e.Status() == Running && runs < 20; runs++ {
			e.Run(now)
			for i, task := range e.TakeTasks() {
				if i%2 == 0 {
					e.Complete(task.ID, task.Parameters, now)
				} else {
					e.FailTask(task.ID, "E", "c", now)
				}
			}
			if next, ok := e.NextWake(); ok {
				now = next
			}
		}
		e.Stop("", "", start)
		if e.Status() == Running {
			t.Error("it still runs")
		}
	})
}
