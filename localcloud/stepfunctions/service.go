// Package stepfunctions is AWS Step Functions in the embedded AWS: state machines, Standard and Express executions, their
// history and logs, task tokens, and the integrations through which states call other services.
//
// Executions run as their state machine's role: every call that a state makes passes the dispatcher with that role's
// policies. Executions of a machine that is deleted are forgotten with it (AWS keeps them for 90 days). At most
// [MaxClosedExecutions] closed executions are kept per machine and [MaxHistoryBytes] of history in all; the oldest go
// first, and with its record goes the protection of an execution's name.
//
// StartExecution answers when the execution is in a [store.Journal], and no end is seen before it is there: whatever ends
// the process, kill -9 included, executions that have ended keep their outcome and history, and those that were open start
// again from their input. So a task may be done more than once. The journal's log takes, beside 24 MB, at most twice what is
// kept: closed executions as bounded above, and those that run.
package stepfunctions

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Limits of the embedded AWS; AWS's own are in https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
const (
	MaxClosedExecutions = 20_000   // closed Standard executions kept per state machine
	MaxHistoryBytes     = 64 << 20 // of closed executions' inputs, outputs and events, in all
	MaxRunningTasks     = 256      // calls that asynchronous executions make at the same time; the others wait their turn
	maxDataBytes        = 262_144  // AWS: of an input, an output or a state's result
	maxDefinitionBytes  = 1 << 20  // AWS
)

// Service is Step Functions. Make it with New.
type Service struct {
	d       *dispatch.Dispatcher
	journal *store.Journal
	records *store.Table[record]
	pool    *pool
	tokens  tokens

	activities *activities

	budget budget
	logs   *logWriter

	ctx    context.Context // of the calls that executions make; cancelled by Close
	cancel context.CancelFunc

	resumed []*execution // by load, until Start

	mu       sync.RWMutex
	machines map[string]*machine // by ARN
}

// New registers Step Functions' operations with the dispatcher and loads what the store holds. Call Start once all
// services are there.
func New(d *dispatch.Dispatcher, st *store.Store) (*Service, error) {
	records, err := store.NewTable[record](st, "states/machines")
	if err != nil {
		return nil, fmt.Errorf("opening the state machines: %w", err)
	}
	journal, err := store.NewJournal(st, "executions")
	if err != nil {
		return nil, err
	}
	activities, err := newActivities(st)
	if err != nil {
		return nil, err
	}
	s := &Service{d: d, journal: journal, records: records, activities: activities, pool: newPool(MaxRunningTasks), machines: map[string]*machine{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.logs = newLogWriter(s)
	for arn, r := range records.All() {
		rev, err := compile(r)
		if err != nil {
			return nil, fmt.Errorf("loading the state machine %s: %w", arn, err)
		}
		s.machines[arn] = newMachine(rev)
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	s.register()
	s.registerActivities()
	return s, nil
}

// Start lets the executions that were open when the process ended begin again from their input.
func (s *Service) Start() {
	resumed := s.resumed
	s.resumed = nil
	for _, e := range resumed {
		s.pool.submit(func() { s.drive(e) })
	}
}

// Close lets what runs come to the end of its step and stops: no state is entered and no timer fires afterwards. Until
// ctx is done it waits for calls under way; then they are cancelled.
func (s *Service) Close(ctx context.Context) error {
	s.pool.close()
	err := s.pool.wait(ctx, 0)
	if err == nil {
		s.logs.drain()
	}
	s.cancel()
	for _, m := range s.all() {
		for _, e := range m.opened() {
			e.mu.Lock()
			e.stopTimer()
			e.mu.Unlock()
		}
	}
	if err != nil {
		return fmt.Errorf("waiting for executions to come to rest: %w", err)
	}
	return nil
}

// Rest waits until executions do no more work by themselves: until all wait for time, for an answer from outside or, as
// many as calls says, for calls that they have made. Whoever drives the clock moves it then. The error is ctx's.
func (s *Service) Rest(ctx context.Context, calls int) error { return s.pool.wait(ctx, calls) }

// Abandon ends the Express executions that run and whose ARN f says yes to as the loss of their host does: calls that they have
// made take their effect, and nothing of theirs goes on.
func (s *Service) Abandon(f func(executionARN string) bool) {
	for _, m := range s.all() {
		for _, e := range m.opened() {
			if !e.rev.express() || !f(e.arn) {
				continue
			}
			e.mu.Lock()
			if e.run == nil {
				e.mu.Unlock()
				continue
			}
			now := s.now()
			e.run.Stop("", "", now)
			closed := s.conclude(e, now)
			e.mu.Unlock()
			closed()
		}
	}
}

func (s *Service) all() []*machine {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.machines))
}

func on[In any](f func(in *In) string) dispatch.Permits[In] {
	return dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{f(in)} })
}

func add[In, Out any](s *Service, action string, permits dispatch.Permits[In], do func(ctx context.Context, c *dispatch.Call, in *In) (*Out, error)) {
	dispatch.Register(s.d, dispatch.Operation{Service: "states", Action: action}, permits, do)
}

func (s *Service) register() {
	add(s, "CreateStateMachine", on(func(in *CreateStateMachineInput) string { return s.d.ARN("states", "stateMachine:"+in.Name) }), s.createStateMachine)
	add(s, "DescribeStateMachine", on(func(in *StateMachineInput) string { return in.StateMachineArn }), s.describeStateMachine)
	add(s, "UpdateStateMachine", on(func(in *UpdateStateMachineInput) string { return in.StateMachineArn }), s.updateStateMachine)
	add(s, "DeleteStateMachine", on(func(in *DeleteStateMachineInput) string { return in.StateMachineArn }), s.deleteStateMachine)
	add(s, "ListStateMachines", dispatch.Anywhere[ListInput](), s.listStateMachines)
	add(s, "ListStateMachineVersions", on(func(in *ListStateMachineVersionsInput) string { return in.StateMachineArn }), s.listStateMachineVersions)
	add(s, "ValidateStateMachineDefinition", dispatch.Anywhere[ValidateStateMachineDefinitionInput](), s.validateStateMachineDefinition)
	add(s, "TestState", dispatch.Anywhere[TestStateInput](), s.testState)
	add(s, "TagResource", on(func(in *TagResourceInput) string { return in.ResourceArn }), s.tagResource)
	add(s, "UntagResource", on(func(in *UntagResourceInput) string { return in.ResourceArn }), s.untagResource)
	add(s, "ListTagsForResource", on(func(in *ListTagsForResourceInput) string { return in.ResourceArn }), s.listTagsForResource)

	add(s, "StartExecution", on(func(in *StartExecutionInput) string { return in.StateMachineArn }), s.startExecution)
	add(s, "StartSyncExecution", on(func(in *StartSyncExecutionInput) string { return in.StateMachineArn }), s.startSyncExecution)
	add(s, "DescribeExecution", on(func(in *ExecutionInput) string { return in.ExecutionArn }), s.describeExecution)
	add(s, "DescribeStateMachineForExecution", on(func(in *ExecutionInput) string { return in.ExecutionArn }), s.describeStateMachineForExecution)
	add(s, "ListExecutions", on(func(in *ListExecutionsInput) string { return in.StateMachineArn }), s.listExecutions)
	add(s, "GetExecutionHistory", on(func(in *GetExecutionHistoryInput) string { return in.ExecutionArn }), s.getExecutionHistory)
	add(s, "StopExecution", on(func(in *StopExecutionInput) string { return in.ExecutionArn }), s.stopExecution)
	add(s, "SendTaskSuccess", dispatch.Anywhere[SendTaskSuccessInput](), s.sendTaskSuccess)
	add(s, "SendTaskFailure", dispatch.Anywhere[SendTaskFailureInput](), s.sendTaskFailure)
	add(s, "SendTaskHeartbeat", dispatch.Anywhere[SendTaskHeartbeatInput](), s.sendTaskHeartbeat)
}

func encodeToken(position int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("at:" + strconv.Itoa(position)))
}

func decodeToken(token string) (int, error) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil && len(text) > 3 && string(text[:3]) == "at:" {
		if n, err := strconv.Atoi(string(text[3:])); err == nil && n >= 0 {
			return n, nil
		}
	}
	return 0, dispatch.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
}
