package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

func init() { register("asl-services", runASLServices) }

// servicesRow is an execution that calls services, and what it finds there.
type servicesRow struct {
	Definition json.RawMessage   `json:"definition"`
	Input      json.RawMessage   `json:"input"`
	Type       string            `json:"type"`
	API        string            `json:"api"`
	Setup      []json.RawMessage `json:"setup"`
	Expected   struct {
		CauseJSON json.RawMessage `json:"cause_json"`
		After     *aftermath      `json:"after"`
	} `json:"expected"`
	History []aslEvent `json:"history"`
}

// aftermath is what an execution leaves behind.
type aftermath struct {
	DynamoDB map[string]string `json:"dynamodb"` // "key.attribute": value, or "key": exists or absent
	Cognito  []string          `json:"cognito"`  // the users' names
}

// ended is how an execution ended.
type ended struct {
	status, output, name, cause string
	events                      []asl.Event
}

// runASLServices runs an execution on the embedded AWS, with the services that it calls, and compares its end and its
// history.
func runASLServices(data json.RawMessage) Outcome {
	var row servicesRow
	if err := json.Unmarshal(data, &row); err != nil {
		return failed("a row of the asl-services suite", err.Error())
	}
	var want aslRow
	if err := json.Unmarshal(withoutNames(data), &want); err != nil {
		return failed("a row of the asl-services suite", err.Error())
	}
	want.loose = true
	rig, err := newServicesRig(&row)
	var absent *absentService
	if errors.As(err, &absent) {
		return skipped(absent.Error())
	}
	if err != nil {
		return failed("the row's resources", err.Error())
	}
	defer rig.close()
	got, err := rig.run(context.Background())
	if err != nil {
		return failed(want.Expected, err.Error())
	}
	if o := want.compareAsEnded(got, row.Expected.CauseJSON); !o.Passed {
		return o
	}
	if len(want.History) > 0 {
		if o := want.compareHistory(got.events); !o.Passed {
			return o
		}
	}
	if problem := rig.differsAfter(row.Expected.After); problem != "" {
		return failed(row.Expected.After, problem)
	}
	return passed()
}

var (
	accountNumber = regexp.MustCompile(`([:/])[0-9]{12}([:/])`)
	shortID       = regexp.MustCompile(`-[0-9a-f]{8}\b`)
)

// withoutNames replaces account numbers and the random ends of names by ones that are always the same: the recordings
// have them replaced in some places and not in others.
func withoutNames(text []byte) []byte {
	return shortID.ReplaceAll(accountNumber.ReplaceAll(text, []byte("${1}"+recordedAccount+"${2}")), []byte("-00000000"))
}

// compareAsEnded compares the end of an execution with the recorded one.
func (r *aslRow) compareAsEnded(got *ended, causeJSON json.RawMessage) Outcome {
	shown := map[string]string{"status": got.status, "output": got.output, "error": got.name, "cause": got.cause}
	var output any
	if got.output != "" {
		var err error
		if output, err = jsonvalue.Parse(withoutNames([]byte(got.output))); err != nil {
			return failed(r.Expected, err.Error())
		}
	}
	cause := string(withoutNames([]byte(got.cause)))
	if !r.sameEnd(got.status, output, got.name, cause) || len(causeJSON) > 0 && !r.sameText(withoutNames(causeJSON), cause) {
		return failed(r.Expected, shown)
	}
	return passed()
}

// eventsOf reads the events that GetExecutionHistory has answered.
func eventsOf(out *stepfunctions.GetExecutionHistoryOutput) ([]asl.Event, error) {
	text, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	v, err := jsonvalue.Parse(withoutNames(text))
	if err != nil {
		return nil, err
	}
	list, _ := v.(*jsonvalue.Object).Get("events")
	var events []asl.Event
	for _, item := range list.(*jsonvalue.Array).Items {
		var e asl.Event
		for name, v := range item.(*jsonvalue.Object).All() {
			switch {
			case name == "id":
				e.ID, _ = v.(jsonvalue.Number).Int64()
			case name == "previousEventId":
				e.PreviousEventID, _ = v.(jsonvalue.Number).Int64()
			case name == "type":
				e.Type = v.(string)
			case strings.HasSuffix(name, "EventDetails"):
				e.Details = v.(*jsonvalue.Object)
			}
		}
		if e.Details == nil {
			e.Details = &jsonvalue.Object{}
		}
		events = append(events, e)
	}
	return events, nil
}

// run runs the row's execution to its end.
func (g *servicesRig) run(ctx context.Context) (*ended, error) {
	input := g.withResources(string(g.row.Input))
	switch {
	case g.row.API == "StartExecution(express)":
		return g.runAsync(ctx, input)
	case g.row.Type == "EXPRESS":
		var out *stepfunctions.StartSyncExecutionOutput
		err := g.until(ctx, func() (err error) {
			out, err = dispatch.Do[stepfunctions.StartSyncExecutionOutput](ctx, g.d, g.d.Root(), "states", "StartSyncExecution",
				&stepfunctions.StartSyncExecutionInput{StateMachineArn: g.machine, Input: input})
			return err
		})
		if err != nil {
			return nil, err
		}
		return &ended{status: out.Status, output: text(out.Output), name: out.Error, cause: out.Cause}, nil
	}
	started, err := dispatch.Do[stepfunctions.StartExecutionOutput](ctx, g.d, g.d.Root(), "states", "StartExecution",
		&stepfunctions.StartExecutionInput{StateMachineArn: g.machine, Input: input})
	if err != nil {
		return nil, err
	}
	out, err := g.end(ctx, started.ExecutionArn)
	if err != nil {
		return nil, err
	}
	history, err := dispatch.Do[stepfunctions.GetExecutionHistoryOutput](ctx, g.d, g.d.Root(), "states", "GetExecutionHistory",
		&stepfunctions.GetExecutionHistoryInput{ExecutionArn: started.ExecutionArn, MaxResults: 1000})
	if err != nil {
		return nil, err
	}
	events, err := eventsOf(history)
	return &ended{out.Status, text(out.Output), text(out.Error), text(out.Cause), events}, err
}

// runAsync runs an asynchronous Express execution, whose end only its log tells.
func (g *servicesRig) runAsync(ctx context.Context, input string) (*ended, error) {
	if _, err := g.d.Do(ctx, g.d.Root(), "states", "StartExecution", &stepfunctions.StartExecutionInput{StateMachineArn: g.machine, Input: input}); err != nil {
		return nil, err
	}
	for more := true; more; more = g.clock.Next() {
		if err := g.rest(ctx); err != nil {
			return nil, err
		}
		out, err := dispatch.Do[logs.FilterLogEventsOutput](ctx, g.d, g.d.Root(), "logs", "FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: logGroup})
		if err != nil {
			return nil, err
		}
		for _, event := range out.Events {
			var line struct {
				Type    string
				Details struct{ Output, Error, Cause string }
			}
			if err := json.Unmarshal([]byte(event.Message), &line); err != nil {
				return nil, err
			}
			if status, ok := endEvents[line.Type]; ok {
				return &ended{status: status, output: line.Details.Output, name: line.Details.Error, cause: line.Details.Cause}, nil
			}
		}
	}
	return nil, errors.New("the execution does not end")
}

// endEvents are the last events of executions, and the statuses that they tell.
var endEvents = map[string]string{"ExecutionSucceeded": "SUCCEEDED", "ExecutionFailed": "FAILED", "ExecutionTimedOut": "TIMED_OUT"}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// end lets time pass until a Standard execution has ended.
func (g *servicesRig) end(ctx context.Context, arn string) (*stepfunctions.DescribeExecutionOutput, error) {
	for range maxSteps {
		if err := g.rest(ctx); err != nil {
			return nil, err
		}
		out, err := dispatch.Do[stepfunctions.DescribeExecutionOutput](ctx, g.d, g.d.Root(), "states", "DescribeExecution",
			&stepfunctions.ExecutionInput{ExecutionArn: arn})
		if err != nil || out.Status != "RUNNING" {
			return out, err
		}
		answered, err := g.answerTokens(ctx)
		if err == nil && !answered {
			answered, err = g.work(ctx, arn)
		}
		if err != nil {
			return nil, err
		}
		if !answered && !g.clock.Next() {
			break
		}
	}
	return nil, errors.New("the execution does not end")
}

// until lets time pass until a call that runs an execution has returned.
func (g *servicesRig) until(ctx context.Context, call func() error) error {
	done := make(chan error, 1)
	go func() { done <- call() }()
	for {
		select {
		case err := <-done:
			return err
		case <-g.clock.Waiting():
		}
		if err := g.rest(ctx); err != nil {
			return err
		}
		select {
		case err := <-done:
			return err
		default:
			g.clock.Next()
		}
	}
}

// maxSteps bounds how often the time is moved for one execution.
const maxSteps = 10_000

// absentService is a service that the embedded AWS does not have.
type absentService struct{ name string }

func (e *absentService) Error() string {
	return fmt.Sprintf("the embedded AWS does not have %s", e.name)
}
