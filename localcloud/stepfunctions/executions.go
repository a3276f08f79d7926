package stepfunctions

import (
	"context"
	"slices"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// execution returns a Standard execution.
func (s *Service) execution(arn string) (*execution, error) {
	machineARN, err := s.machineARNOf(arn)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	m := s.machines[machineARN]
	s.mu.RUnlock()
	if m != nil {
		_, parts, _ := parseARN(arn, "execution")
		m.mu.Lock()
		e := m.byName[parts[1]]
		m.mu.Unlock()
		if e != nil && e.arn == arn {
			return e, nil
		}
	}
	return nil, dispatch.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
}

func stopDate(e *execution) *dispatch.Time {
	if e.stop.IsZero() {
		return nil
	}
	return &dispatch.Time{Time: e.stop}
}

func (s *Service) describeExecution(_ context.Context, _ *dispatch.Call, in *ExecutionInput) (*DescribeExecutionOutput, error) {
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	return e.describe(in.IncludedData != "METADATA_ONLY"), nil
}

func (e *execution) describe(data bool) *DescribeExecutionOutput {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := &DescribeExecutionOutput{
		ExecutionArn: e.arn, StateMachineArn: e.rev.ARN, Name: e.name, Status: e.status,
		StartDate: dispatch.Time{Time: e.start}, StopDate: stopDate(e), TraceHeader: e.traceHeader,
		RedriveStatus: "NOT_REDRIVABLE", RedriveStatusReason: "The embedded AWS does not redrive executions",
	}
	switch e.status {
	case running:
		out.RedriveStatusReason = "Execution is RUNNING and cannot be redriven"
	case succeeded:
		out.RedriveStatusReason = "Execution is SUCCEEDED and cannot be redriven"
	}
	if e.failure != nil {
		if e.failure.Error != "" {
			out.Error = &e.failure.Error
		}
		if e.failure.Cause != "" {
			out.Cause = &e.failure.Cause
		}
	}
	if data {
		out.Input, out.InputDetails = e.input, &DataIncluded{true}
		if out.Output = e.output; e.output != nil {
			out.OutputDetails = &DataIncluded{true}
		}
	}
	return out
}

func (s *Service) describeStateMachineForExecution(_ context.Context, _ *dispatch.Call, in *ExecutionInput) (*DescribeStateMachineForExecutionOutput, error) {
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	r := e.rev
	out := &DescribeStateMachineForExecutionOutput{
		StateMachineArn: r.ARN, Name: r.Name, Definition: r.Definition, RoleArn: r.RoleARN, UpdateDate: dispatch.Time{Time: r.Updated},
		LoggingConfiguration: &r.Logging, TracingConfiguration: &r.Tracing, EncryptionConfiguration: r.Encryption, RevisionID: r.RevisionID,
	}
	if in.IncludedData == "METADATA_ONLY" {
		out.Definition = ""
	}
	return out, nil
}

func (s *Service) listExecutions(_ context.Context, _ *dispatch.Call, in *ListExecutionsInput) (*ListExecutionsOutput, error) {
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	switch in.StatusFilter {
	case "", running, succeeded, failed, timedOut, aborted, "PENDING_REDRIVE":
	default:
		return nil, dispatch.Errorf("ValidationException", "1 validation error detected: Value '%s' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]", in.StatusFilter)
	}
	_, limit, _, err := page(1<<30, in.MaxResults, "")
	if err != nil {
		return nil, err
	}
	// The token is the number of the last execution that was seen, so that pages fit while executions start.
	before := 1 << 62
	if in.NextToken != "" {
		if before, err = decodeToken(in.NextToken); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	if m.current.express() {
		m.mu.Unlock()
		return nil, typeNotSupported
	}
	order := slices.Clone(m.order)
	m.mu.Unlock()
	out := &ListExecutionsOutput{Executions: []ExecutionListItem{}}
	for _, e := range slices.Backward(order) {
		if e.seq >= before || e.evicted.Load() {
			continue
		}
		e.mu.Lock()
		item := ExecutionListItem{
			ExecutionArn: e.arn, StateMachineArn: e.rev.ARN, Name: e.name, Status: e.status,
			StartDate: dispatch.Time{Time: e.start}, StopDate: stopDate(e),
		}
		e.mu.Unlock()
		if in.StatusFilter != "" && in.StatusFilter != item.Status {
			continue
		}
		if len(out.Executions) == limit {
			out.NextToken = encodeToken(before)
			break
		}
		out.Executions = append(out.Executions, item)
		before = e.seq
	}
	return out, nil
}

func (s *Service) stopExecution(_ context.Context, _ *dispatch.Call, in *StopExecutionInput) (*StopExecutionOutput, error) {
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if len(in.Error) > 256 {
		return nil, tooLong("error", 256)
	}
	if len(in.Cause) > 32768 {
		return nil, tooLong("cause", 32768)
	}
	e.mu.Lock()
	if e.run == nil { // as AWS: stopping what has stopped changes nothing
		defer e.mu.Unlock()
		return &StopExecutionOutput{StopDate: dispatch.Time{Time: e.stop}}, nil
	}
	now := s.now()
	e.run.Stop(in.Error, in.Cause, now)
	closed := s.conclude(e, now)
	e.mu.Unlock()
	closed()
	return &StopExecutionOutput{StopDate: dispatch.Time{Time: now}}, nil
}
