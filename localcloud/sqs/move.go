package sqs

import (
	"context"
	"fmt"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// moveTask is a redrive of a dead-letter queue. It is guarded by the service's lock.
type moveTask struct {
	MoveTask
	budget int // messages that were there at the start
}

const fastestMove = 500 // messages per second, AWS's limit

func noResource(format string, args ...any) *dispatch.Error {
	e := dispatch.Errorf("ResourceNotFoundException", format, args...)
	e.Status = 404
	return e
}

func (s *Service) startMove(_ context.Context, _ *dispatch.Call, in *StartMessageMoveTaskInput) (*StartMessageMoveTaskOutput, error) {
	source := s.byARN(in.SourceArn)
	if source == nil {
		return nil, noResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	if in.DestinationArn != "" && s.byARN(in.DestinationArn) == nil {
		return nil, noResource("The resource that you specified for the DestinationArn parameter doesn't exist.")
	}
	if in.MaxNumberOfMessagesPerSecond < 0 || in.MaxNumberOfMessagesPerSecond > fastestMove {
		return nil, invalidParameter("Value %d for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500, if provided.", in.MaxNumberOfMessagesPerSecond)
	}
	dead := false
	for _, row := range s.records.All() {
		if policy, _ := parseRedrive(row.Attributes["RedrivePolicy"]); policy != nil && policy.Target == source.arn {
			dead = true
		}
	}
	if !dead {
		return nil, invalidParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	visible, _, _ := source.counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tasks {
		if t.SourceArn == in.SourceArn && t.Status == "RUNNING" {
			return nil, dispatch.Errorf("UnsupportedOperation", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	task := &moveTask{budget: visible, MoveTask: MoveTask{TaskHandle: dispatch.NewRequestID(), Status: "RUNNING", SourceArn: in.SourceArn, DestinationArn: in.DestinationArn,
		MaxNumberOfMessagesPerSecond: in.MaxNumberOfMessagesPerSecond, ApproximateNumberOfMessagesToMove: int64(visible), StartedTimestamp: s.d.Clock.Now().UnixMilli()}}
	s.tasks = append([]*moveTask{task}, s.tasks...)
	if len(s.tasks) > 100 {
		s.tasks = s.tasks[:100]
	}
	s.d.Clock.AfterFunc(0, func() { s.move(task) })
	return &StartMessageMoveTaskOutput{TaskHandle: task.TaskHandle}, nil
}

// move moves one second's worth of messages and comes again after a second for the rest.
func (s *Service) move(task *moveTask) {
	source := s.byARN(task.SourceArn)
	rate := fastestMove
	if task.MaxNumberOfMessagesPerSecond > 0 {
		rate = task.MaxNumberOfMessagesPerSecond
	}
	moved, reason := 0, ""
	if source == nil {
		reason = "AWS.SimpleQueueService.NonExistentQueue"
	}
	for ; reason == "" && moved < min(rate, task.budget); moved++ {
		m := source.pick()
		if m == nil {
			task.budget = moved
			break
		}
		destination := task.DestinationArn
		if destination == "" {
			destination = m.Source
		}
		target := s.byARN(destination)
		if target == nil {
			source.accept(m, m.Source)
			reason = fmt.Sprintf("CouldNotDetermineMessageSource: the queue %q does not exist", destination)
			break
		}
		m.Receives, m.FirstReceived = 0, time.Time{}
		target.accept(m, "")
	}
	if err := s.journal.Flush(); err != nil {
		s.d.Logf("sqs: moving messages of %s: %v", task.SourceArn, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	task.ApproximateNumberOfMessagesMoved += int64(moved)
	task.budget -= moved
	switch {
	case reason != "":
		task.Status, task.FailureReason, task.TaskHandle = "FAILED", reason, ""
	case task.budget <= 0:
		task.Status, task.TaskHandle = "COMPLETED", ""
	default:
		s.d.Clock.AfterFunc(time.Second, func() { s.move(task) })
	}
}

// pick removes and returns the first visible message, or nil.
func (q *queue) pick() *message {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle(q.clock.Now())
	for _, m := range q.visible[q.first:] {
		if m != nil && !m.gone {
			q.remove(m)
			return m
		}
	}
	return nil
}

func (s *Service) listMoves(_ context.Context, _ *dispatch.Call, in *ListMessageMoveTasksInput) (*ListMessageMoveTasksOutput, error) {
	if s.byARN(in.SourceArn) == nil {
		return nil, noResource("The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	if in.MaxResults < 0 || in.MaxResults > 10 {
		return nil, invalidParameter("Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and 10, if provided.", in.MaxResults)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := &ListMessageMoveTasksOutput{Results: []MoveTask{}}
	for _, t := range s.tasks {
		if t.SourceArn == in.SourceArn && len(out.Results) < max(in.MaxResults, 1) {
			out.Results = append(out.Results, t.MoveTask)
		}
	}
	return out, nil
}
