package stepfunctions

import "github.com/carepath/carepath/localcloud/dispatch"

// StartExecutionInput is the request of StartExecution.
type StartExecutionInput struct {
	StateMachineArn string `json:"stateMachineArn"`
	Name            string `json:"name,omitempty"`        // a UUID when absent
	Input           string `json:"input,omitempty"`       // JSON text of at most 262,144 bytes; "{}" when absent
	TraceHeader     string `json:"traceHeader,omitempty"` // accepted; no traces are recorded
}

// StartExecutionOutput is the response of StartExecution.
type StartExecutionOutput struct {
	ExecutionArn string        `json:"executionArn"`
	StartDate    dispatch.Time `json:"startDate"`
}

// StartSyncExecutionInput is the request of StartSyncExecution.
type StartSyncExecutionInput struct {
	StateMachineArn string `json:"stateMachineArn"`
	Name            string `json:"name,omitempty"`
	Input           string `json:"input,omitempty"`
	TraceHeader     string `json:"traceHeader,omitempty"`
	IncludedData    string `json:"includedData,omitempty"` // ALL_DATA (default) or METADATA_ONLY
}

// DataIncluded says whether an input or output stands beside it.
type DataIncluded struct {
	Included bool `json:"included"`
}

// BillingDetails is what an Express execution would cost on AWS.
type BillingDetails struct {
	BilledMemoryUsedInMB         int64 `json:"billedMemoryUsedInMB"`
	BilledDurationInMilliseconds int64 `json:"billedDurationInMilliseconds"`
}

// StartSyncExecutionOutput is the response of StartSyncExecution. The call succeeds when the execution fails too.
type StartSyncExecutionOutput struct {
	ExecutionArn    string          `json:"executionArn"`
	StateMachineArn string          `json:"stateMachineArn"`
	Name            string          `json:"name"`
	StartDate       dispatch.Time   `json:"startDate"`
	StopDate        dispatch.Time   `json:"stopDate"`
	Status          string          `json:"status"` // SUCCEEDED, FAILED or TIMED_OUT
	Error           string          `json:"error,omitempty"`
	Cause           string          `json:"cause,omitempty"`
	Input           string          `json:"input,omitempty"`
	InputDetails    *DataIncluded   `json:"inputDetails,omitempty"`
	Output          *string         `json:"output,omitempty"`
	OutputDetails   *DataIncluded   `json:"outputDetails,omitempty"`
	TraceHeader     string          `json:"traceHeader,omitempty"`
	BillingDetails  *BillingDetails `json:"billingDetails,omitempty"`
}

// ExecutionInput names an execution.
type ExecutionInput struct {
	ExecutionArn string `json:"executionArn"`
	IncludedData string `json:"includedData,omitempty"` // ALL_DATA (default) or METADATA_ONLY
}

// DescribeExecutionOutput is the response of DescribeExecution.
type DescribeExecutionOutput struct {
	ExecutionArn        string         `json:"executionArn"`
	StateMachineArn     string         `json:"stateMachineArn"`
	Name                string         `json:"name"`
	Status              string         `json:"status"` // RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED
	StartDate           dispatch.Time  `json:"startDate"`
	StopDate            *dispatch.Time `json:"stopDate,omitempty"`
	Input               string         `json:"input,omitempty"`
	InputDetails        *DataIncluded  `json:"inputDetails,omitempty"`
	Output              *string        `json:"output,omitempty"`
	OutputDetails       *DataIncluded  `json:"outputDetails,omitempty"`
	TraceHeader         string         `json:"traceHeader,omitempty"`
	Error               *string        `json:"error,omitempty"`
	Cause               *string        `json:"cause,omitempty"`
	RedriveCount        int            `json:"redriveCount"`
	RedriveStatus       string         `json:"redriveStatus"`
	RedriveStatusReason string         `json:"redriveStatusReason,omitempty"`
}

// DescribeStateMachineForExecutionOutput is the state machine as it was when the execution started.
type DescribeStateMachineForExecutionOutput struct {
	StateMachineArn         string                   `json:"stateMachineArn"`
	Name                    string                   `json:"name"`
	Definition              string                   `json:"definition"`
	RoleArn                 string                   `json:"roleArn"`
	UpdateDate              dispatch.Time            `json:"updateDate"`
	LoggingConfiguration    *LoggingConfiguration    `json:"loggingConfiguration,omitempty"`
	TracingConfiguration    *TracingConfiguration    `json:"tracingConfiguration,omitempty"`
	EncryptionConfiguration *EncryptionConfiguration `json:"encryptionConfiguration,omitempty"`
	RevisionID              string                   `json:"revisionId,omitempty"`
}

// ListExecutionsInput is the request of ListExecutions.
type ListExecutionsInput struct {
	StateMachineArn string `json:"stateMachineArn"`
	StatusFilter    string `json:"statusFilter,omitempty"`
	MaxResults      int    `json:"maxResults,omitempty"` // 0: 100; at most 1,000
	NextToken       string `json:"nextToken,omitempty"`
}

// ExecutionListItem is one execution of a list.
type ExecutionListItem struct {
	ExecutionArn    string         `json:"executionArn"`
	StateMachineArn string         `json:"stateMachineArn"`
	Name            string         `json:"name"`
	Status          string         `json:"status"`
	StartDate       dispatch.Time  `json:"startDate"`
	StopDate        *dispatch.Time `json:"stopDate,omitempty"`
	RedriveCount    int            `json:"redriveCount"`
}

// ListExecutionsOutput is the response of ListExecutions, latest first.
type ListExecutionsOutput struct {
	Executions []ExecutionListItem `json:"executions"`
	NextToken  string              `json:"nextToken,omitempty"`
}

// StopExecutionInput is the request of StopExecution.
type StopExecutionInput struct {
	ExecutionArn string `json:"executionArn"`
	Error        string `json:"error,omitempty"`
	Cause        string `json:"cause,omitempty"`
}

// StopExecutionOutput is the response of StopExecution.
type StopExecutionOutput struct {
	StopDate dispatch.Time `json:"stopDate"`
}

// GetExecutionHistoryInput is the request of GetExecutionHistory.
type GetExecutionHistoryInput struct {
	ExecutionArn         string `json:"executionArn"`
	MaxResults           int    `json:"maxResults,omitempty"` // 0: 100; at most 1,000
	ReverseOrder         bool   `json:"reverseOrder,omitempty"`
	NextToken            string `json:"nextToken,omitempty"`
	IncludeExecutionData *bool  `json:"includeExecutionData,omitempty"` // true when absent
}

// GetExecutionHistoryOutput is the response of GetExecutionHistory.
type GetExecutionHistoryOutput struct {
	Events    []HistoryEvent `json:"events"`
	NextToken string         `json:"nextToken,omitempty"`
}

// SendTaskSuccessInput is the request of SendTaskSuccess.
type SendTaskSuccessInput struct {
	TaskToken string `json:"taskToken"`
	Output    string `json:"output"`
}

// SendTaskFailureInput is the request of SendTaskFailure.
type SendTaskFailureInput struct {
	TaskToken string `json:"taskToken"`
	Error     string `json:"error,omitempty"`
	Cause     string `json:"cause,omitempty"`
}

// SendTaskHeartbeatInput is the request of SendTaskHeartbeat.
type SendTaskHeartbeatInput struct {
	TaskToken string `json:"taskToken"`
}
