package stepfunctions

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// testState runs one state by itself: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html.
func (s *Service) testState(ctx context.Context, call *dispatch.Call, in *TestStateInput) (*TestStateOutput, error) {
	t, err := s.prepareTest(ctx, call, in)
	if err != nil {
		return nil, err
	}
	result, err := s.runTest(ctx, t)
	if err != nil {
		return nil, err
	}
	out := &TestStateOutput{Error: result.Error, Cause: result.Cause, NextState: result.NextState, Status: string(result.Status)}
	if result.Status == asl.TestSucceeded || result.Status == asl.TestCaughtError {
		output := t.e.run.OutputText()
		out.Output = &output
	}
	if in.InspectionLevel == "DEBUG" || in.InspectionLevel == "TRACE" {
		out.InspectionData = inspectionOf(result)
	}
	return out, nil
}

// stateTest is the test of a state: an execution of no state machine.
type stateTest struct {
	e     *execution
	state asl.StateDescription
	over  bool // under the execution's lock
}

// prepareTest checks a request as AWS does and begins the test.
func (s *Service) prepareTest(ctx context.Context, call *dispatch.Call, in *TestStateInput) (*stateTest, error) {
	machine, name, err := s.testedState(in)
	if err != nil {
		return nil, err
	}
	t := &stateTest{}
	var exists bool
	if t.state, exists = machine.Describe(name); !exists {
		return nil, invalidTest("State not found in definition")
	}
	text, input, err := parseInput(in.Input)
	if err != nil {
		return nil, err
	}
	test := asl.Test{StateName: name}
	for _, check := range []func(in *TestStateInput, state *asl.StateDescription, test *asl.Test) error{checkMock, checkContext, checkConfiguration} {
		if err := check(in, &t.state, &test); err != nil {
			return nil, err
		}
	}
	if in.Variables != "" {
		v, err := jsonvalue.Parse(in.Variables)
		variables, ok := v.(*jsonvalue.Object)
		if err != nil || !ok {
			return nil, invalidTest("Variables must be a valid JSON object")
		}
		test.Variables = variables
	}
	if err := s.checkTestedTask(ctx, call, in, &t.state); err != nil {
		return nil, err
	}
	id := dispatch.NewRequestID()
	r := record{Name: dispatch.NewRequestID(), Type: "EXPRESS", Definition: in.Definition, RoleARN: in.RoleArn}
	r.ARN = s.d.ARN("states", "stateMachine:"+r.Name)
	rev := &revision{record: r, compiled: machine, principals: map[string]cachedPrincipal{}}
	t.e = s.newExecution(nil, rev, id, s.d.ARN("states", "express:"+r.Name+":"+id), text, "", true)
	t.e.run = machine.Test(asl.ExecutionInput{
		Input: input, Name: id, ARN: t.e.arn, RoleARN: r.RoleARN, StateMachineName: r.Name, StateMachineARN: r.ARN,
		StartTime: t.e.start, RedriveCount: -1, NewID: dispatch.NewRequestID,
	}, test)
	return t, nil
}

func invalidTest(format string, args ...any) error {
	return dispatch.Errorf("ValidationException", format, args...)
}

// testedState parses the definition and returns the name of the state that is tested.
func (s *Service) testedState(in *TestStateInput) (*asl.Machine, string, error) {
	if !slices.Contains([]string{"", "INFO", "DEBUG", "TRACE"}, in.InspectionLevel) {
		return nil, "", invalidTest("1 validation error detected: Value '%s' at 'inspectionLevel' failed to satisfy constraint: Member must satisfy enum value set: [INFO, DEBUG, TRACE]", in.InspectionLevel)
	}
	name := "StateName"
	parse := asl.ParseState
	if in.StateName != nil {
		if name = *in.StateName; name == "" {
			return nil, "", invalidTest("1 validation error detected: Value '' at 'stateName' failed to satisfy constraint: Member must have length greater than or equal to 1")
		}
		parse = func(definition []byte) (*asl.Machine, error) { return asl.Parse(definition, asl.Options{}) }
	}
	if len(in.Definition) > maxDefinitionBytes {
		return nil, "", tooLong("definition", maxDefinitionBytes)
	}
	machine, err := parse([]byte(in.Definition))
	if err != nil {
		return nil, "", &dispatch.Error{Code: "InvalidDefinition", Message: typeProblem(err).Error()}
	}
	return machine, name, nil
}

// typeProblem says in TestState's words, which are not those of CreateStateMachine, that there is no such type of state.
func typeProblem(err error) error {
	var invalid *asl.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	said := &asl.ValidationError{Diagnostics: slices.Clone(invalid.Diagnostics)}
	for i, d := range said.Diagnostics {
		if strings.HasSuffix(d.Location, "/Type") && strings.HasPrefix(d.Message, "Value should be one of the following: [Task,") {
			said.Diagnostics[i].Message = "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"
		}
	}
	return said
}

// checkTestedTask checks a Task state whose call is made, and that the caller may hand on its role.
func (s *Service) checkTestedTask(ctx context.Context, call *dispatch.Call, in *TestStateInput, state *asl.StateDescription) error {
	if state.Type == "Task" && in.Mock == nil {
		if in.RoleArn == "" {
			return invalidTest("RoleArn must be specified when testing a Task state")
		}
		if state.Resource.Kind == asl.Activity || state.Resource.Pattern != asl.RequestResponse {
			return &dispatch.Error{Code: "InvalidDefinition", Message: "TestState API does not support activities and the '.sync' and '.waitForTaskToken' integration patterns without a mock."}
		}
		if err := s.emulates(state.ResourceText); err != nil {
			return invalidTest("%s", err)
		}
	}
	if in.RoleArn == "" {
		return nil
	}
	return s.d.Check(ctx, call.Principal, "iam:PassRole", []string{in.RoleArn})
}

// runTest runs a test to its end.
func (s *Service) runTest(ctx context.Context, t *stateTest) (*asl.TestResult, error) {
	s.pool.direct(func() { s.driveTest(t) })
	select {
	case <-t.e.done:
	case <-ctx.Done():
		return nil, &dispatch.Error{Code: "RequestTimeout", Message: "the client went away", Status: 408}
	case <-s.ctx.Done():
		return nil, &dispatch.Error{Code: "ServiceUnavailable", Message: "the embedded AWS is stopping", Status: 503}
	}
	result, err := t.e.run.TestResult()
	if err != nil {
		return nil, invalidTest("%s", err)
	}
	return result, nil
}

// driveTest takes a test as far as it goes. It is a job of the pool.
func (s *Service) driveTest(t *stateTest) {
	e := t.e
	e.mu.Lock()
	if t.over {
		e.mu.Unlock()
		return
	}
	now := s.now()
	e.run.Run(now)
	tasks := e.run.TakeTasks()
	e.stopTimer()
	if e.run.Status() != asl.Running {
		t.over = true
		close(e.done)
	} else {
		due, _ := e.run.NextWake()
		e.timer = s.d.Clock.AfterFunc(due.Sub(now), func() { s.pool.direct(func() { s.driveTest(t) }) })
	}
	e.mu.Unlock()
	for _, task := range tasks {
		s.perform(e, task)
		s.driveTest(t)
	}
}

// inspectionOf writes what a test has shown as the API does.
func inspectionOf(r *asl.TestResult) *InspectionData {
	d := &InspectionData{}
	texts := map[string]*string{
		"input": &d.Input, "afterArguments": &d.AfterArguments, "afterInputPath": &d.AfterInputPath, "afterParameters": &d.AfterParameters,
		"result": &d.Result, "afterResultSelector": &d.AfterResultSelector, "afterResultPath": &d.AfterResultPath, "variables": &d.Variables,
		"afterItemsPath": &d.AfterItemsPath, "afterItemSelector": &d.AfterItemSelector, "afterItemBatcher": &d.AfterItemBatcher,
	}
	for name, v := range r.Stages.All() {
		if text := texts[name]; text != nil {
			*text = jsonvalue.Text(v)
			continue
		}
		number, _ := v.(jsonvalue.Number)
		whole, _ := number.Int64()
		switch name {
		case "maxConcurrency":
			d.MaxConcurrency = &whole
		case "toleratedFailureCount":
			d.ToleratedFailureCount = &whole
		case "toleratedFailurePercentage":
			percentage := number.Float64()
			d.ToleratedFailurePercentage = &percentage
		}
	}
	if r.CatchIndex != nil || r.RetryIndex != nil {
		d.ErrorDetails = &InspectionErrorDetails{CatchIndex: r.CatchIndex, RetryIndex: r.RetryIndex}
		if r.RetryBackoff != nil {
			seconds := int(r.RetryBackoff.Seconds())
			d.ErrorDetails.RetryBackoffIntervalSeconds = &seconds
		}
	}
	return d
}
