package asl

// taskQueries are the fields of a Task state in JSONata, nil where they are absent.
type taskQueries struct {
	arguments, timeout, heartbeat, role *query
}

// evaluate fills in what of the task the fields say.
func (q *taskQueries) evaluate(t *thread, s *taskState, task *Task) *failure {
	env := t.queries()
	var f *failure
	if q.arguments != nil {
		if task.Parameters, f = q.arguments.evaluate(env); f != nil {
			return f
		}
		if exceeds(task.Parameters, maxData) {
			return tooLarge(s.resource.limitName())
		}
	}
	if q.timeout != nil {
		if task.TimeoutSeconds, f = q.timeout.integer(env, 1); f != nil {
			return f
		}
	}
	if q.heartbeat != nil {
		if task.HeartbeatSeconds, f = q.heartbeat.integer(env, 1); f != nil {
			return f
		}
	}
	if q.role != nil {
		task.CredentialsRoleARN, f = q.role.text(env)
	}
	return f
}
