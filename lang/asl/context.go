package asl

import (
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// timeFormat is how the context object writes times.
const timeFormat = "2006-01-02T15:04:05.000Z"

// contextObject is what $$ means in a state
// (https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html).
func (t *thread) contextObject() *jsonvalue.Object {
	if t.context != nil {
		return t.context
	}
	if t.e.test != nil && t.e.test.Context != nil {
		t.context = t.e.test.Context
		return t.context
	}
	in := &t.e.in
	execution := fields("Id", in.ARN, "Input", in.Input, "StartTime", in.StartTime.UTC().Format(timeFormat),
		"Name", in.Name, "RoleArn", in.RoleARN)
	if in.RedriveCount >= 0 {
		execution.Set("RedriveCount", jsonvalue.NumberFromInt(int64(in.RedriveCount)))
	}
	state := fields("Name", t.state.name, "EnteredTime", t.enteredAt.UTC().Format(timeFormat))
	switch t.state.behaviour.(type) {
	case *taskState, *parallelState, *mapState:
		state.Set("RetryCount", jsonvalue.NumberFromInt(int64(t.retryCount)))
	}
	c := fields("Execution", execution, "StateMachine", fields("Id", in.StateMachineARN, "Name", in.StateMachineName),
		"State", state)
	if t.task != nil && t.task.TaskToken != "" {
		c.Set("Task", fields("Token", t.task.TaskToken))
	}
	if t.item != nil {
		c.Set("Map", fields("Item", t.item))
	}
	t.context = c
	return c
}

// seconds is a number of seconds as a duration, cut to what one can hold.
func seconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(max(min(n, most), -most)) * time.Second
}
