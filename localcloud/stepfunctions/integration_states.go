package stepfunctions

import (
	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// startNested is states:startExecution: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html.
// With .sync and .sync:2 the task ends with the nested execution.
func (r *request) startNested(v service) answer {
	in := &StartExecutionInput{}
	if failed := r.fill(in); failed != nil {
		return refused(failed)
	}
	response, requestID, err := r.s.d.DoWithID(r.s.ctx, r.principal, v.signing, "StartExecution", in)
	if err != nil {
		return refused(v.failure(err, requestID))
	}
	out := response.(*StartExecutionOutput)
	result := jsonvalue.NewObject(jsonvalue.Member{Name: "ExecutionArn", Value: out.ExecutionArn})
	addMetadata(result, r.headers(requestID, "application/x-amz-json-1.0", len(out.ExecutionArn)+48), requestID)
	result.Set("StartDate", jsonvalue.NumberFromInt(out.StartDate.UnixMilli()))
	a := answer{result: result}
	if r.resource.Pattern == asl.Sync || r.resource.Pattern == asl.Sync2 {
		a.after = func() { r.awaitNested(v, out.ExecutionArn) }
	}
	return a
}

// awaitNested has the task end with the nested execution.
func (r *request) awaitNested(v service, arn string) {
	nested, err := r.s.execution(arn)
	if err != nil { // it ended and was evicted at once, or is an Express one, whose end nobody can see
		r.settle(nil, &failure{"States.TaskFailed", dispatch.AsError(err).Message})
		return
	}
	r.e.mu.Lock()
	if r.e.run == nil { // the task is over before it began: nobody waits for the nested execution any more
		r.e.mu.Unlock()
		r.s.stopNested(r.e, arn)
		return
	}
	if r.e.nested == nil {
		r.e.nested = map[uint64]string{}
	}
	r.e.nested[r.task.ID] = arn
	r.e.mu.Unlock()
	r.s.whenClosed(nested, func() {
		response, requestID, err := r.s.d.DoWithID(r.s.ctx, r.principal, v.signing, "DescribeExecution", &ExecutionInput{ExecutionArn: arn})
		if err != nil {
			r.settle(nil, v.failure(err, requestID))
			return
		}
		described := response.(*DescribeExecutionOutput)
		result := nestedResult(described, r.resource.Pattern == asl.Sync2 && described.Status == succeeded)
		if described.Status != succeeded {
			r.settle(nil, &failure{"States.TaskFailed", jsonvalue.Text(result)})
			return
		}
		r.settle(result, nil)
	})
}

// settle ends the task and lets the execution go on.
func (r *request) settle(result any, failed *failure) {
	r.e.mu.Lock()
	delete(r.e.nested, r.task.ID)
	if r.e.run != nil {
		if failed != nil {
			r.e.run.FailTask(r.task.ID, failed.Error, failed.Cause, r.s.now())
		} else {
			r.e.run.Complete(r.task.ID, result, r.s.now())
		}
	}
	r.e.mu.Unlock()
	r.s.spawn(r.e, func() { r.s.drive(r.e) })
}

// nestedResult is the nested execution as its parent sees it; data is JSON, or its text.
func nestedResult(d *DescribeExecutionOutput, parse bool) *jsonvalue.Object {
	data := func(text string) any {
		if parse {
			return parsed([]byte(text))
		}
		return text
	}
	included := jsonvalue.NewObject(jsonvalue.Member{Name: "Included", Value: true})
	o := &jsonvalue.Object{}
	if d.Cause != nil {
		o.Set("Cause", *d.Cause)
	}
	if d.Error != nil {
		o.Set("Error", *d.Error)
	}
	o.Set("ExecutionArn", d.ExecutionArn)
	o.Set("Input", data(d.Input))
	o.Set("InputDetails", included)
	o.Set("Name", d.Name)
	if d.Output != nil {
		o.Set("Output", data(*d.Output))
		o.Set("OutputDetails", included)
	}
	o.Set("RedriveCount", jsonvalue.NumberFromInt(int64(d.RedriveCount)))
	o.Set("RedriveStatus", d.RedriveStatus)
	o.Set("RedriveStatusReason", d.RedriveStatusReason)
	o.Set("StartDate", jsonvalue.NumberFromInt(d.StartDate.UnixMilli()))
	o.Set("StateMachineArn", d.StateMachineArn)
	o.Set("Status", d.Status)
	if d.StopDate != nil {
		o.Set("StopDate", jsonvalue.NumberFromInt(d.StopDate.UnixMilli()))
	}
	return o
}

// stopNested stops the nested execution of a task that is over, as AWS tries to.
func (s *Service) stopNested(e *execution, arn string) {
	principal, err := s.assume(s.ctx, e.rev, e.rev.RoleARN)
	if err == nil {
		_, err = s.d.Do(s.ctx, principal, "states", "StopExecution", &StopExecutionInput{ExecutionArn: arn})
	}
	if err != nil {
		s.d.Logf("states: stopping the nested execution %s: %v", arn, err)
	}
}
