package stepfunctions

import "github.com/carepath/carepath/localcloud/dispatch"

// Truncated says that a text was not cut. AWS cuts what is longer than its limit; the embedded AWS never does.
type Truncated struct {
	Truncated bool `json:"truncated"`
}

// TaskCredentials is the role with which a task was made.
type TaskCredentials struct {
	RoleArn string `json:"roleArn"`
}

// EventDetails is what an event says beside its type; each type has only some of the members.
type EventDetails struct {
	Name                     *string           `json:"name,omitempty"`
	Index                    *int              `json:"index,omitempty"`
	Length                   *int              `json:"length,omitempty"`
	Input                    *string           `json:"input,omitempty"`
	InputDetails             *Truncated        `json:"inputDetails,omitempty"`
	Output                   *string           `json:"output,omitempty"`
	OutputDetails            *Truncated        `json:"outputDetails,omitempty"`
	AssignedVariables        map[string]string `json:"assignedVariables,omitempty"` // values as JSON text
	AssignedVariablesDetails *Truncated        `json:"assignedVariablesDetails,omitempty"`
	RoleArn                  string            `json:"roleArn,omitempty"`
	Error                    *string           `json:"error,omitempty"`
	Cause                    *string           `json:"cause,omitempty"`
	ResourceType             string            `json:"resourceType,omitempty"`
	Resource                 string            `json:"resource,omitempty"`
	Region                   string            `json:"region,omitempty"`
	Parameters               *string           `json:"parameters,omitempty"`
	TimeoutInSeconds         int64             `json:"timeoutInSeconds,omitempty"`
	HeartbeatInSeconds       int64             `json:"heartbeatInSeconds,omitempty"`
	TaskCredentials          *TaskCredentials  `json:"taskCredentials,omitempty"`
	MapRunArn                string            `json:"mapRunArn,omitempty"`
	Location                 string            `json:"location,omitempty"`
	State                    string            `json:"state,omitempty"`
}

// HistoryEvent is one event of an execution's history. At most one of the details is there.
type HistoryEvent struct {
	Timestamp       dispatch.Time `json:"timestamp"`
	Type            string        `json:"type"`
	ID              int64         `json:"id"`
	PreviousEventID int64         `json:"previousEventId"`

	ExecutionStarted        *EventDetails `json:"executionStartedEventDetails,omitempty"`
	ExecutionSucceeded      *EventDetails `json:"executionSucceededEventDetails,omitempty"`
	ExecutionFailed         *EventDetails `json:"executionFailedEventDetails,omitempty"`
	ExecutionAborted        *EventDetails `json:"executionAbortedEventDetails,omitempty"`
	ExecutionTimedOut       *EventDetails `json:"executionTimedOutEventDetails,omitempty"`
	StateEntered            *EventDetails `json:"stateEnteredEventDetails,omitempty"`
	StateExited             *EventDetails `json:"stateExitedEventDetails,omitempty"`
	TaskScheduled           *EventDetails `json:"taskScheduledEventDetails,omitempty"`
	TaskStarted             *EventDetails `json:"taskStartedEventDetails,omitempty"`
	TaskStartFailed         *EventDetails `json:"taskStartFailedEventDetails,omitempty"`
	TaskSubmitted           *EventDetails `json:"taskSubmittedEventDetails,omitempty"`
	TaskSubmitFailed        *EventDetails `json:"taskSubmitFailedEventDetails,omitempty"`
	TaskSucceeded           *EventDetails `json:"taskSucceededEventDetails,omitempty"`
	TaskFailed              *EventDetails `json:"taskFailedEventDetails,omitempty"`
	TaskTimedOut            *EventDetails `json:"taskTimedOutEventDetails,omitempty"`
	LambdaFunctionScheduled *EventDetails `json:"lambdaFunctionScheduledEventDetails,omitempty"`
	LambdaFunctionSucceeded *EventDetails `json:"lambdaFunctionSucceededEventDetails,omitempty"`
	LambdaFunctionFailed    *EventDetails `json:"lambdaFunctionFailedEventDetails,omitempty"`
	LambdaFunctionTimedOut  *EventDetails `json:"lambdaFunctionTimedOutEventDetails,omitempty"`
	MapStateStarted         *EventDetails `json:"mapStateStartedEventDetails,omitempty"`
	MapIterationStarted     *EventDetails `json:"mapIterationStartedEventDetails,omitempty"`
	MapIterationSucceeded   *EventDetails `json:"mapIterationSucceededEventDetails,omitempty"`
	MapIterationFailed      *EventDetails `json:"mapIterationFailedEventDetails,omitempty"`
	MapIterationAborted     *EventDetails `json:"mapIterationAbortedEventDetails,omitempty"`
	MapRunStarted           *EventDetails `json:"mapRunStartedEventDetails,omitempty"`
	MapRunFailed            *EventDetails `json:"mapRunFailedEventDetails,omitempty"`
	EvaluationFailed        *EventDetails `json:"evaluationFailedEventDetails,omitempty"`
}
