package stepfunctions

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/store"
)

func TestTestStateCallsTheServiceAndShowsEveryStage(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.function = func(_ context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{StatusCode: 200, Payload: []byte(`{"said":` + string(in.Payload) + `}`)}, nil
	}
	in := TestStateInput{RoleArn: role, InspectionLevel: "DEBUG", Input: `{"n":7}`, Definition: `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
		"Parameters":{"FunctionName":"f","Payload.$":"$.n"},"ResultSelector":{"got.$":"$.Payload.said"},"Next":"Elsewhere"}`}
	out := do[TestStateOutput](w, "TestState", &in)
	if out.Status != "SUCCEEDED" || deref(out.Output) != `{"got":7}` || out.NextState != "Elsewhere" {
		t.Errorf("%+v", out)
	}
	d := out.InspectionData
	if d.AfterParameters != `{"FunctionName":"f","Payload":7}` || d.AfterResultSelector != `{"got":7}` || !strings.Contains(d.Result, `"SdkHttpMetadata"`) {
		t.Errorf("%+v", d)
	}
	in.InspectionLevel, w.function = "", failing("Sad", "no")
	out = do[TestStateOutput](w, "TestState", &in)
	if out.Status != "FAILED" || out.Error != "Sad" || out.InspectionData != nil {
		t.Errorf("%+v", out)
	}
	w.rules.deny("lambda:InvokeFunction", true)
	if out = do[TestStateOutput](w, "TestState", &in); out.Status != "FAILED" || !strings.Contains(out.Cause, "not authorized") {
		t.Errorf("without permission: %+v", out)
	}
	w.rules.deny("iam:PassRole", true)
	tester, err := w.rules.Assume(context.Background(), w.d.Root(), "arn:aws:iam::111111111111:role/tester", "session")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.d.Do(context.Background(), tester, "states", "TestState", &in); err == nil || !strings.Contains(err.Error(), "iam:PassRole") {
		t.Errorf("without iam:PassRole: %v", err)
	}
}

func TestTestStateWaitsOnTheClock(t *testing.T) {
	w := newWorld(t, store.Memory())
	done := make(chan *TestStateOutput)
	go func() {
		out, err := dispatch.Do[TestStateOutput](context.Background(), w.d, w.d.Root(), "states", "TestState",
			&TestStateInput{Definition: `{"Type":"Wait","Seconds":120,"End":true}`, Input: `"x"`})
		if err != nil {
			t.Error(err)
		}
		done <- out
	}()
	<-w.clock.Waiting()
	w.pass(2*time.Minute, time.Minute)
	if out := <-done; out.Status != "SUCCEEDED" || deref(out.Output) != `"x"` {
		t.Errorf("%+v", out)
	}
	go func() {
		out, err := dispatch.Do[TestStateOutput](context.Background(), w.d, w.d.Root(), "states", "TestState",
			&TestStateInput{Definition: `{"Type":"Wait","Seconds":301,"End":true}`})
		if err != nil {
			t.Error(err)
		}
		done <- out
	}()
	<-w.clock.Waiting()
	w.pass(5*time.Minute, time.Minute)
	if out := <-done; out.Status != "FAILED" || out.Error != "States.Timeout" {
		t.Errorf("beyond five minutes: %+v", out)
	}
}

func TestTestStateRefusesMocksThatDoNotFit(t *testing.T) {
	w := newWorld(t, store.Memory())
	text := func(s string) *string { return &s }
	send := `{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:sendMessage","Parameters":{"QueueUrl":"https://q/1/q","MessageBody":"m"},"End":true}`
	start := `{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","Parameters":{"StateMachineArn":"arn:aws:states:us-east-1:111111111111:stateMachine:m"},"End":true}`
	for i, c := range []struct {
		in   TestStateInput
		want string
	}{
		{TestStateInput{Definition: send}, "ValidationException: RoleArn must be specified when testing a Task state"},
		{TestStateInput{Definition: start, RoleArn: role}, "InvalidDefinition: TestState API does not support activities and the '.sync' and '.waitForTaskToken' integration patterns without a mock."},
		{TestStateInput{Definition: send, Mock: &MockInput{Result: text(`{"MessageId":7}`)}}, "ValidationException: Mock result schema validation error: Field 'MessageId' must be a string"},
		{TestStateInput{Definition: send, Mock: &MockInput{Result: text(`[]`)}}, "ValidationException: Mock result schema validation error: Mock result must be an object"},
		{TestStateInput{Definition: send, Mock: &MockInput{Result: text(`{"MessageId":7}`), FieldValidationMode: "NONE"}}, "accepted"},
		{TestStateInput{Definition: start, Mock: &MockInput{Result: text(`{"Status":"SUCCEEDED"}`)}}, "ValidationException: Mock result schema validation error: Required field 'ExecutionArn' is missing"},
		{TestStateInput{Definition: start, Mock: &MockInput{Result: text(`{"Status":"DONE"}`), FieldValidationMode: "PRESENT"}}, "ValidationException: Mock result schema validation error: Field 'Status' is not an expected value"},
		{TestStateInput{Definition: start, Mock: &MockInput{Result: text(`{"Output":{"a":1}}`), FieldValidationMode: "PRESENT"}}, "accepted"},
		{TestStateInput{Definition: send, Mock: &MockInput{Result: text(`{}`), ErrorOutput: &MockErrorOutput{}}}, "ValidationException: A test mock should have only one of the following fields: [result, errorOutput]."},
		{TestStateInput{Definition: send, Mock: &MockInput{Result: text(`{}`), FieldValidationMode: "NONE"}, Context: `{"Map":{}}`}, "ValidationException: Invalid Context object provided: 'Map' field is not supported when mocking a Context object"},
		{TestStateInput{Definition: send, Mock: &MockInput{Result: text(`{}`), FieldValidationMode: "NONE"}, Context: `{"State":{"Name":1}}`}, "ValidationException: Invalid Context object provided: State.Name must be a string"},
		{TestStateInput{Definition: `{"Type":"Pass"}`}, "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [Next, End] at /States/StateName'"},
	} {
		if got := refusal(w, "TestState", &c.in); !strings.HasPrefix(got, c.want) {
			t.Errorf("%d: %s\nwant %s", i, got, c.want)
		}
	}
}
