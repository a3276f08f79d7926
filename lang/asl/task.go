package asl

import (
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// taskState has work done outside (https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html).
type taskState struct {
	leaf
	resultFields
	resource     Resource
	resourceText string
	parameters   *template
	arguments    any // Parameters as in the definition, for Permissions

	query                      *taskQueries // of a JSONata state, else nil
	timeout, heartbeat         int64        // seconds; 0 for none
	timeoutPath, heartbeatPath *path
	credentials                *template // the object Credentials
}

// Task is work that an execution waits for. It must not be changed.
type Task struct {
	ID        uint64 // within the execution, from 1
	StateName string
	Resource  string // as in the definition: see [ParseResource]
	// Parameters is the input of the work: the state's Parameters, or its input when it has none.
	Parameters any
	// Attempt is 0 for the first try in its state and counts the retries.
	Attempt int
	// TimeoutSeconds and HeartbeatSeconds are the state's, 0 when it has none; Deadline and HeartbeatDeadline are when
	// they end. The execution sees to them itself, in Run.
	TimeoutSeconds, HeartbeatSeconds int64
	Deadline, HeartbeatDeadline      time.Time
	// CredentialsRoleARN is the role of the state's Credentials, "" for the machine's own.
	CredentialsRoleARN string
	// TaskToken is what SendTaskSuccess names the task by: an activity's, a .waitForTaskToken or, as recorded on AWS, a
	// .sync one, whose parameters have it by $$.Task.Token. It is "" for other tasks.
	TaskToken string
	// ItemReader says that the task reads items for a Map state. Its result is an object: of getObject its Body, a string,
	// of listObjectsV2 its Contents, IsTruncated and NextContinuationToken. It is not among the history's events.
	ItemReader bool

	abandoned bool
}

// Abandoned reports whether the execution has given the task up: it was stopped, a branch beside it has failed, or the
// task took too long. A .sync job is stopped then.
func (t *Task) Abandoned() bool { return t.abandoned }

// taskAnswer is how a task ended.
type taskAnswer struct {
	result  any
	failure *failure
}

func (s *taskState) run(t *thread, input any) *failure {
	e := t.e
	task := &Task{StateName: t.state.name, Resource: s.resourceText, Attempt: t.retryCount,
		TimeoutSeconds: s.timeout, HeartbeatSeconds: s.heartbeat}
	t.task = task
	if s.resource.Pattern != RequestResponse || s.resource.Kind == Activity {
		task.TaskToken = e.newToken()
		t.context = nil
	}
	task.Parameters = input
	if f := s.evaluate(t, task); f != nil {
		return f
	}
	if t.e.test != nil {
		s.inspect(t, task)
	}
	t.recordScheduled(&s.resource)
	if mock := t.mocked(); mock != nil {
		t.answered = taskAnswer{result: mock.Result, failure: mock.failure()}
		return s.resume(t)
	}

	t.ask(task)
	if task.TimeoutSeconds > 0 {
		task.Deadline = t.after(seconds(task.TimeoutSeconds), taskTimer)
	}
	if task.HeartbeatSeconds > 0 {
		task.HeartbeatDeadline = t.after(seconds(task.HeartbeatSeconds), heartbeatTimer)
	}
	return nil
}

// inspect notes what a tested state's task gets.
func (s *taskState) inspect(t *thread, task *Task) {
	switch {
	case s.query == nil:
		t.inspect("afterParameters", task.Parameters)
	case s.query.arguments != nil:
		t.inspect("afterArguments", task.Parameters)
	}
}

// evaluate fills in what of the task the state's fields say.
func (s *taskState) evaluate(t *thread, task *Task) *failure {
	if s.query != nil {
		return s.query.evaluate(t, s, task)
	}
	env := &environment{thread: t, input: task.Parameters}
	var f *failure
	if s.parameters != nil {
		if task.Parameters, f = s.parameters.evaluate(env); f != nil {
			return f
		}
		if exceeds(task.Parameters, maxData) {
			return tooLarge(s.resource.limitName())
		}
	}
	if s.timeoutPath != nil {
		if task.TimeoutSeconds, f = secondsField(env, "TimeoutSecondsPath", s.timeoutPath); f != nil {
			return f
		}
	}
	if s.heartbeatPath != nil {
		if task.HeartbeatSeconds, f = secondsField(env, "HeartbeatSecondsPath", s.heartbeatPath); f != nil {
			return f
		}
	}
	if s.credentials != nil {
		v, f := s.credentials.evaluate(env)
		if f != nil {
			return f
		}
		role, _ := v.(*jsonvalue.Object).Get("RoleArn")
		task.CredentialsRoleARN, _ = role.(string)
	}
	return nil
}

func secondsField(env *environment, field string, p *path) (int64, *failure) {
	v, f := p.evalField(env)
	if f != nil {
		return 0, f
	}
	n, ok := integer(v)
	if !ok {
		return 0, runtimeFailure("The %s parameter cannot be parsed as a long value: %s == %s", field, p.source, plainText(v))
	}
	if n <= 0 {
		return 0, runtimeFailure("The %s parameter does not reference a positive value: %s == %d", field, p.source, n)
	}
	return n, nil
}

// resume takes the answer that the task has got.
func (s *taskState) resume(t *thread) *failure {
	a := t.answered
	t.answered = taskAnswer{}
	if a.failure != nil {
		t.recordTaskFailed(&s.resource, a.failure)
		return a.failure
	}
	if exceeds(a.result, maxData) {
		f := tooLarge(s.resource.limitName())
		f.task = true
		t.recordTaskFailed(&s.resource, f)
		return f
	}
	t.inspect("result", a.result)
	t.recordTaskSucceeded(&s.resource, a.result)
	return s.finish(t, a.result)
}

// TakeTasks returns the tasks started since the last call. The caller performs them, at once if there are several, and
// answers each with [Execution.Complete] or [Execution.FailTask], then calls [Execution.Run].
func (e *Execution) TakeTasks() []*Task {
	started := e.started
	e.started = nil
	return started
}

// Complete answers a task with its result, a value of package jsonvalue, which the execution keeps. It reports whether
// the task was still waited for; otherwise the answer is ignored.
func (e *Execution) Complete(id uint64, result any, now time.Time) bool {
	return e.answer(id, taskAnswer{result: result}, now)
}

// FailTask answers a task with an error, as [Execution.Complete] does with a result. Both texts may be empty.
func (e *Execution) FailTask(id uint64, errorName, cause string, now time.Time) bool {
	return e.answer(id, taskAnswer{failure: &failure{name: truncate(errorName, maxErrorName), cause: truncate(cause, maxCause),
		noName: errorName == "", noCause: cause == "", task: true}}, now)
}

// Heartbeat tells that a task with HeartbeatSeconds is still being worked on, as SendTaskHeartbeat does. It reports
// whether the task was still waited for.
func (e *Execution) Heartbeat(id uint64, now time.Time) bool {
	t := e.tasks[id]
	if t == nil {
		return false
	}
	e.advance(now)
	if t.task.HeartbeatSeconds > 0 {
		t.task.HeartbeatDeadline = t.after(seconds(t.task.HeartbeatSeconds), heartbeatTimer)
	}
	return true
}

// Submitted records that the call of a .sync or .waitForTaskToken task has been answered, with what it returned, while
// the task goes on. It reports whether the task is still waited for.
func (e *Execution) Submitted(id uint64, output any, now time.Time) bool {
	t := e.tasks[id]
	if t == nil {
		return false
	}
	e.advance(now)
	t.recordTaskSubmitted(&t.state.behaviour.(*taskState).resource, output)
	return true
}

// PickedUp records that a worker has taken an activity's task with GetActivityTask. It reports whether the task is
// still waited for.
func (e *Execution) PickedUp(id uint64, workerName string, now time.Time) bool {
	t := e.tasks[id]
	if t == nil {
		return false
	}
	e.advance(now)
	details := &jsonvalue.Object{}
	if workerName != "" {
		details.Set("workerName", workerName)
	}
	t.recordDetails("ActivityStarted", "activityStartedEventDetails", details)
	return true
}

// Waiting reports whether a task's answer is still waited for.
func (e *Execution) Waiting(id uint64) bool { return e.tasks[id] != nil }

func (e *Execution) answer(id uint64, a taskAnswer, now time.Time) bool {
	t := e.tasks[id]
	if t == nil {
		return false
	}
	e.advance(now)
	t.answer(a)
	return true
}

// answer ends the thread's wait for its task.
func (t *thread) answer(a taskAnswer) {
	delete(t.e.tasks, t.task.ID)
	if a.failure != nil && a.failure.name == errTimeout {
		t.task.abandoned = true
	}
	t.answered = a
	t.wait++
	t.e.push(t)
}
