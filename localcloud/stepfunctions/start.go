package stepfunctions

import (
	"context"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// newExecution makes an execution that has not begun.
func (s *Service) newExecution(m *machine, rev *revision, name, arn, input, traceHeader string, sync bool) *execution {
	return &execution{
		machine: m, rev: rev, name: name, arn: arn, input: input, traceHeader: traceHeader, start: s.now(), sync: sync,
		status: running, done: make(chan struct{}),
	}
}

// admit takes a new execution into its machine and begins it, unless a Standard one of its name is there, which it
// returns. Nobody sees an execution that has been taken in and has not begun, or does not survive the process.
func (s *Service) admit(e *execution, input any) (other *execution, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if other, err := e.machine.admit(e); other != nil || err != nil {
		return other, err
	}
	if e.refused = s.journalStart(e); e.refused != nil {
		e.status = aborted
		m := e.machine
		m.mu.Lock()
		s.left(m, e)
		m.mu.Unlock()
		s.evict(e)
		return nil, e.refused
	}
	s.begin(e, input, e.start)
	return nil, nil
}

// begin gives an execution its engine.
func (s *Service) begin(e *execution, input any, now time.Time) {
	in := asl.ExecutionInput{
		Input: input, InputText: e.input, Name: e.name, ARN: e.arn, RoleARN: e.rev.RoleARN,
		StateMachineName: e.rev.Name, StateMachineARN: e.rev.ARN, StartTime: now, NewID: dispatch.NewRequestID,
	}
	if e.sync {
		in.RedriveCount = -1 // the context object of a synchronous execution has none
	}
	logged := e.rev.Logging.Level != "OFF"
	if keep := !e.rev.express(); keep || logged {
		in.Recorder = func(ev asl.Event) {
			if keep {
				e.events = append(e.events, ev)
			}
			if logged {
				s.logs.add(e, ev)
			}
		}
	}
	e.run = e.rev.compiled.Start(in)
}

// parseInput checks an execution's input as AWS does and reads it.
func parseInput(text string) (string, any, error) {
	if text == "" {
		text = "{}"
	}
	if len(text) > maxDataBytes {
		return "", nil, tooLong("input", maxDataBytes)
	}
	input, err := jsonvalue.Parse(text)
	if err != nil {
		return "", nil, dispatch.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", jsonProblem(text, err))
	}
	return text, input, nil
}

// jsonProblem says what is wrong with a text in the words of AWS's JSON parser, which asl has for definitions.
func jsonProblem(text string, err error) string {
	if d := asl.Validate([]byte(text), asl.Options{}); len(d) > 0 && d[0].Code == asl.CodeInvalidJSON {
		return d[0].Message
	}
	return err.Error()
}

// startable returns the revision that a new execution runs.
func (s *Service) startable(ctx context.Context, arn string) (*machine, *revision, error) {
	m, err := s.machine(arn)
	if err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	rev, deleting := m.current, m.deleting
	m.mu.Unlock()
	if deleting {
		return nil, nil, dispatch.Errorf("StateMachineDeleting", "State Machine is being deleted: '%s'", arn)
	}
	if rev.Encryption != nil && rev.Encryption.KmsKeyID != "" {
		role, err := s.assume(ctx, rev, rev.RoleARN)
		if err != nil {
			return nil, nil, dispatch.Errorf("KmsAccessDeniedException", "%s", dispatch.AsError(err).Message)
		}
		if err := s.useKey(ctx, role, rev); err != nil {
			return nil, nil, err
		}
	}
	return m, rev, nil
}

func (s *Service) startExecution(ctx context.Context, _ *dispatch.Call, in *StartExecutionInput) (*StartExecutionOutput, error) {
	name := in.Name
	if name == "" {
		name = dispatch.NewRequestID()
	} else if err := checkName(name); err != nil {
		return nil, err
	}
	text, input, err := parseInput(in.Input)
	if err != nil {
		return nil, err
	}
	m, rev, err := s.startable(ctx, in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	arn := ""
	if rev.express() {
		arn = s.expressARN(rev, name)
	} else {
		arn = s.d.ARN("states", "execution:"+rev.Name+":"+name)
	}
	e := s.newExecution(m, rev, name, arn, text, in.TraceHeader, false)
	other, err := s.admit(e, input)
	if err != nil {
		return nil, err
	}
	if other != nil {
		other.mu.Lock()
		defer other.mu.Unlock()
		if other.refused != nil {
			return nil, other.refused
		}
		if other.status != running || other.input != text {
			return nil, dispatch.Errorf("ExecutionAlreadyExists", "Execution Already Exists: '%s'", other.arn)
		}
		return &StartExecutionOutput{ExecutionArn: other.arn, StartDate: dispatch.Time{Time: other.start}}, nil
	}
	s.pool.submit(func() { s.drive(e) })
	return &StartExecutionOutput{ExecutionArn: e.arn, StartDate: dispatch.Time{Time: e.start}}, nil
}

func (s *Service) expressARN(rev *revision, name string) string {
	return s.d.ARN("states", "express:"+rev.Name+":"+name+":"+dispatch.NewRequestID())
}

// admit counts an execution among those that run. A Standard one is refused for one of its name, which is returned.
func (m *machine) admit(e *execution) (other *execution, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deleting {
		return nil, dispatch.Errorf("StateMachineDeleting", "State Machine is being deleted: '%s'", e.rev.ARN)
	}
	if !e.rev.express() {
		if other := m.byName[e.name]; other != nil {
			return other, nil
		}
		m.last++
		e.seq = m.last
		m.byName[e.name] = e
		m.order = append(m.order, e)
	}
	m.open[e] = true
	m.running[e.rev.hashed]++
	return nil, nil
}

func (s *Service) startSyncExecution(ctx context.Context, _ *dispatch.Call, in *StartSyncExecutionInput) (*StartSyncExecutionOutput, error) {
	name := in.Name
	if name == "" {
		name = dispatch.NewRequestID()
	} else if err := checkName(name); err != nil {
		return nil, err
	}
	text, input, err := parseInput(in.Input)
	if err != nil {
		return nil, err
	}
	m, rev, err := s.startable(ctx, in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if !rev.express() {
		return nil, typeNotSupported
	}
	e := s.newExecution(m, rev, name, s.expressARN(rev, name), text, in.TraceHeader, true)
	if _, err := s.admit(e, input); err != nil {
		return nil, err
	}
	s.pool.enter()
	s.drive(e)
	s.pool.leave()
	select {
	case <-e.done:
	case <-ctx.Done():
		// The execution goes on without the client, as on AWS.
		return nil, &dispatch.Error{Code: "RequestTimeout", Message: "the client went away", Status: 408}
	case <-s.ctx.Done():
		return nil, &dispatch.Error{Code: "ServiceUnavailable", Message: "the embedded AWS is stopping", Status: 503}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	out := &StartSyncExecutionOutput{
		ExecutionArn: e.arn, StateMachineArn: rev.ARN, Name: name, Status: e.status, TraceHeader: in.TraceHeader,
		StartDate: dispatch.Time{Time: e.start}, StopDate: dispatch.Time{Time: e.stop},
		BillingDetails: &BillingDetails{BilledMemoryUsedInMB: 64, BilledDurationInMilliseconds: max(100, (e.stop.Sub(e.start).Milliseconds()+99)/100*100)},
	}
	if e.failure != nil {
		out.Error, out.Cause = e.failure.Error, e.failure.Cause
	}
	if in.IncludedData != "METADATA_ONLY" {
		out.Input, out.InputDetails = e.input, &DataIncluded{true}
		if out.Output = e.output; e.output != nil {
			out.OutputDetails = &DataIncluded{true}
		}
	}
	return out, nil
}

var typeNotSupported = dispatch.Errorf("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
