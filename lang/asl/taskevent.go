package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// A Task's history events have other names and fields for Lambda functions, for activities and for services.

func (t *thread) recordScheduled(r *Resource) {
	if !t.recording() {
		t.number()
		if r.Kind != Activity {
			t.number()
		}
		return
	}
	task := t.task
	text := t.e.jsonText(task.Parameters)
	var details *jsonvalue.Object
	switch r.Kind {
	case LambdaFunction:
		details = fields("resource", task.Resource, "input", text, "inputDetails", notTruncated)
	case Activity:
		details = fields("resource", task.Resource, "input", text, "inputDetails", notTruncated)
	default:
		details = fields("resourceType", r.historyType(), "resource", r.historyResource(), "region", t.e.region,
			"parameters", text)
	}
	if task.TimeoutSeconds > 0 {
		details.Set("timeoutInSeconds", jsonvalue.NumberFromInt(task.TimeoutSeconds))
	}
	if task.HeartbeatSeconds > 0 && r.Kind != LambdaFunction {
		details.Set("heartbeatInSeconds", jsonvalue.NumberFromInt(task.HeartbeatSeconds))
	}
	if task.CredentialsRoleARN != "" && r.Kind != Activity {
		details.Set("taskCredentials", fields("roleArn", task.CredentialsRoleARN))
	}
	switch r.Kind {
	case LambdaFunction:
		t.recordDetails("LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails", details)
		t.record("LambdaFunctionStarted")
	case Activity:
		t.recordDetails("ActivityScheduled", "activityScheduledEventDetails", details)
	default:
		t.recordDetails("TaskScheduled", "taskScheduledEventDetails", details)
		t.recordDetails("TaskStarted", "taskStartedEventDetails", r.historyFields())
	}
}

func (t *thread) recordTaskSubmitted(r *Resource, output any) {
	t.recordResult("TaskSubmitted", "taskSubmittedEventDetails", r, output)
}

func (t *thread) recordTaskSucceeded(r *Resource, result any) {
	switch r.Kind {
	case LambdaFunction:
		t.recordResult("LambdaFunctionSucceeded", "lambdaFunctionSucceededEventDetails", r, result)
	case Activity:
		t.recordResult("ActivitySucceeded", "activitySucceededEventDetails", r, result)
	default:
		t.recordResult("TaskSucceeded", "taskSucceededEventDetails", r, result)
	}
}

func (t *thread) recordResult(kind, field string, r *Resource, result any) {
	id, previous := t.number()
	if !t.recording() {
		return
	}
	details := r.historyFields()
	details.Set("output", t.e.jsonText(result))
	details.Set("outputDetails", notTruncated)
	t.emit(id, previous, kind, field, details)
}

func (t *thread) recordTaskFailed(r *Resource, f *failure) {
	id, previous := t.number()
	if !t.recording() {
		return
	}
	outcome, lower := "Failed", "FailedEventDetails"
	if f.name == errTimeout {
		outcome, lower = "TimedOut", "TimedOutEventDetails"
	}
	details := r.historyFields()
	for name, v := range errorDetails(f).All() {
		details.Set(name, v)
	}
	switch r.Kind {
	case LambdaFunction:
		t.emit(id, previous, "LambdaFunction"+outcome, "lambdaFunction"+lower, details)
	case Activity:
		t.emit(id, previous, "Activity"+outcome, "activity"+lower, details)
	default:
		t.emit(id, previous, "Task"+outcome, "task"+lower, details)
	}
}
