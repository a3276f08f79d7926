package stepfunctions

import (
	"context"
	"sync"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// tokens finds the task that a task token belongs to. A token is known as long as the record of its execution.
type tokens struct {
	mu  sync.Mutex
	all map[string]waitingTask
	of  map[*execution][]string
}

type waitingTask struct {
	execution *execution
	id        uint64
}

// add makes the tokens of new tasks known, if something outside may answer for them.
func (t *tokens) add(e *execution, tasks []*asl.Task) {
	for _, task := range tasks {
		if task.TaskToken == "" {
			continue
		}
		t.mu.Lock()
		if t.all == nil {
			t.all, t.of = map[string]waitingTask{}, map[*execution][]string{}
		}
		t.all[task.TaskToken] = waitingTask{e, task.ID}
		t.of[e] = append(t.of[e], task.TaskToken)
		t.mu.Unlock()
	}
}

// drop forgets an execution's tokens.
func (t *tokens) drop(e *execution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, token := range t.of[e] {
		delete(t.all, token)
	}
	delete(t.of, e)
}

// find returns the task of a token.
func (t *tokens) find(token string) (waitingTask, error) {
	t.mu.Lock()
	task, ok := t.all[token]
	t.mu.Unlock()
	if !ok {
		return task, dispatch.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
	}
	return task, nil
}

// answer lets something outside the execution act on the task of a token.
func (s *Service) answer(token string, act func(e *execution, id uint64) bool) (*Empty, error) {
	task, err := s.tokens.find(token)
	if err != nil {
		return nil, err
	}
	e := task.execution
	e.mu.Lock()
	waiting := e.run != nil && act(e, task.id)
	e.mu.Unlock()
	if !waiting {
		return nil, dispatch.Errorf("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
	}
	s.spawn(e, func() { s.drive(e) })
	return &Empty{}, nil
}

func (s *Service) sendTaskSuccess(_ context.Context, _ *dispatch.Call, in *SendTaskSuccessInput) (*Empty, error) {
	if len(in.Output) > maxDataBytes {
		return nil, tooLong("output", maxDataBytes)
	}
	if _, err := s.tokens.find(in.TaskToken); err != nil {
		return nil, err
	}
	output, err := jsonvalue.Parse(in.Output)
	if err != nil {
		return nil, dispatch.Errorf("InvalidOutput", "Invalid Output: '%s'", jsonProblem(in.Output, err))
	}
	return s.answer(in.TaskToken, func(e *execution, id uint64) bool { return e.run.Complete(id, output, s.now()) })
}

func (s *Service) sendTaskFailure(_ context.Context, _ *dispatch.Call, in *SendTaskFailureInput) (*Empty, error) {
	if len(in.Error) > 256 {
		return nil, tooLong("error", 256)
	}
	if len(in.Cause) > 32768 {
		return nil, tooLong("cause", 32768)
	}
	return s.answer(in.TaskToken, func(e *execution, id uint64) bool { return e.run.FailTask(id, in.Error, in.Cause, s.now()) })
}

func (s *Service) sendTaskHeartbeat(_ context.Context, _ *dispatch.Call, in *SendTaskHeartbeatInput) (*Empty, error) {
	return s.answer(in.TaskToken, func(e *execution, id uint64) bool { return e.run.Heartbeat(id, s.now()) })
}
