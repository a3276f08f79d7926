package stepfunctions

// TestStateInput is the request of TestState.
type TestStateInput struct {
	Definition         string                  `json:"definition"`                // a state, or a state machine that has StateName
	RoleArn            string                  `json:"roleArn,omitempty"`         // of a Task state without a mock
	Input              string                  `json:"input,omitempty"`           // JSON text; "{}" when absent
	InspectionLevel    string                  `json:"inspectionLevel,omitempty"` // INFO (default), DEBUG or TRACE
	RevealSecrets      bool                    `json:"revealSecrets,omitempty"`   // accepted: HTTP tasks, which have secrets, are not emulated
	Variables          string                  `json:"variables,omitempty"`       // JSON text of an object
	StateName          *string                 `json:"stateName,omitempty"`
	Mock               *MockInput              `json:"mock,omitempty"`
	Context            string                  `json:"context,omitempty"` // JSON text of the context object
	StateConfiguration *TestStateConfiguration `json:"stateConfiguration,omitempty"`
}

// MockInput is what the work of a tested state ends with: a result or an error.
type MockInput struct {
	Result              *string          `json:"result,omitempty"` // JSON text
	ErrorOutput         *MockErrorOutput `json:"errorOutput,omitempty"`
	FieldValidationMode string           `json:"fieldValidationMode,omitempty"` // of a service's result: STRICT (default), PRESENT or NONE
}

// MockErrorOutput is a mocked error.
type MockErrorOutput struct {
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// TestStateConfiguration is what has gone before the tested state's work ends.
type TestStateConfiguration struct {
	RetrierRetryCount        int     `json:"retrierRetryCount,omitempty"`
	ErrorCausedByState       string  `json:"errorCausedByState,omitempty"` // a state inside of a Map or Parallel state
	MapIterationFailureCount int     `json:"mapIterationFailureCount,omitempty"`
	MapItemReaderData        *string `json:"mapItemReaderData,omitempty"` // JSON text
}

// TestStateOutput is the response of TestState.
type TestStateOutput struct {
	Output         *string         `json:"output,omitempty"` // JSON text
	Error          string          `json:"error,omitempty"`
	Cause          string          `json:"cause,omitempty"`
	InspectionData *InspectionData `json:"inspectionData,omitempty"` // of the levels DEBUG and TRACE
	NextState      string          `json:"nextState,omitempty"`
	Status         string          `json:"status"` // SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR
}

// InspectionData is a tested state's data after each stage of its work, as JSON texts.
type InspectionData struct {
	Input                      string                  `json:"input,omitempty"`
	AfterArguments             string                  `json:"afterArguments,omitempty"`
	AfterInputPath             string                  `json:"afterInputPath,omitempty"`
	AfterParameters            string                  `json:"afterParameters,omitempty"`
	Result                     string                  `json:"result,omitempty"`
	AfterResultSelector        string                  `json:"afterResultSelector,omitempty"`
	AfterResultPath            string                  `json:"afterResultPath,omitempty"`
	Variables                  string                  `json:"variables,omitempty"`
	ErrorDetails               *InspectionErrorDetails `json:"errorDetails,omitempty"`
	AfterItemsPath             string                  `json:"afterItemsPath,omitempty"`
	AfterItemSelector          string                  `json:"afterItemSelector,omitempty"`
	AfterItemBatcher           string                  `json:"afterItemBatcher,omitempty"`
	ToleratedFailureCount      *int64                  `json:"toleratedFailureCount,omitempty"`
	ToleratedFailurePercentage *float64                `json:"toleratedFailurePercentage,omitempty"`
	MaxConcurrency             *int64                  `json:"maxConcurrency,omitempty"`
}

// InspectionErrorDetails says which of a tested state's catchers and retriers an error has met.
type InspectionErrorDetails struct {
	CatchIndex                  *int `json:"catchIndex,omitempty"`
	RetryIndex                  *int `json:"retryIndex,omitempty"`
	RetryBackoffIntervalSeconds *int `json:"retryBackoffIntervalSeconds,omitempty"`
}
