package stepfunctions

import "github.com/carepath/carepath/localcloud/dispatch"

// The request and response structures of the API, with its member names: see
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html.

// Tag is one tag of a state machine.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// LogGroup names a log group of CloudWatch Logs.
type LogGroup struct {
	LogGroupArn string `json:"logGroupArn,omitempty"` // ends in ":*"
}

// LogDestination is where execution logs go.
type LogDestination struct {
	CloudWatchLogsLogGroup *LogGroup `json:"cloudWatchLogsLogGroup,omitempty"`
}

// LoggingConfiguration says which events of executions are logged, and where to.
type LoggingConfiguration struct {
	Level                string           `json:"level,omitempty"` // ALL, ERROR, FATAL or OFF
	IncludeExecutionData bool             `json:"includeExecutionData"`
	Destinations         []LogDestination `json:"destinations,omitempty"`
}

// TracingConfiguration turns X-Ray tracing on. The embedded AWS checks the role's permissions and records no traces.
type TracingConfiguration struct {
	Enabled bool `json:"enabled"`
}

// EncryptionConfiguration names the key that protects definitions and execution data.
type EncryptionConfiguration struct {
	KmsKeyID                     string `json:"kmsKeyId,omitempty"`
	KmsDataKeyReusePeriodSeconds int    `json:"kmsDataKeyReusePeriodSeconds,omitempty"` // 60 to 900, 300 when absent
	Type                         string `json:"type"`                                   // AWS_OWNED_KEY or CUSTOMER_MANAGED_KMS_KEY
}

// CreateStateMachineInput is the request of CreateStateMachine.
type CreateStateMachineInput struct {
	Name                    string                   `json:"name"`
	Definition              string                   `json:"definition"`
	RoleArn                 string                   `json:"roleArn"`
	Type                    string                   `json:"type,omitempty"` // STANDARD (default) or EXPRESS
	LoggingConfiguration    *LoggingConfiguration    `json:"loggingConfiguration,omitempty"`
	TracingConfiguration    *TracingConfiguration    `json:"tracingConfiguration,omitempty"`
	EncryptionConfiguration *EncryptionConfiguration `json:"encryptionConfiguration,omitempty"`
	Tags                    []Tag                    `json:"tags,omitempty"`
	Publish                 bool                     `json:"publish,omitempty"`            // refused: versions are not emulated
	VersionDescription      string                   `json:"versionDescription,omitempty"` // refused: versions are not emulated
}

// CreateStateMachineOutput is the response of CreateStateMachine.
type CreateStateMachineOutput struct {
	StateMachineArn string        `json:"stateMachineArn"`
	CreationDate    dispatch.Time `json:"creationDate"`
}

// StateMachineInput names a state machine, or the state machine that an execution runs.
type StateMachineInput struct {
	StateMachineArn string `json:"stateMachineArn"`
	IncludedData    string `json:"includedData,omitempty"` // ALL_DATA (default) or METADATA_ONLY
}

// DescribeStateMachineOutput is the response of DescribeStateMachine.
type DescribeStateMachineOutput struct {
	StateMachineArn         string                   `json:"stateMachineArn"`
	Name                    string                   `json:"name"`
	Status                  string                   `json:"status"` // ACTIVE or DELETING
	Definition              string                   `json:"definition"`
	RoleArn                 string                   `json:"roleArn"`
	Type                    string                   `json:"type"`
	CreationDate            dispatch.Time            `json:"creationDate"`
	LoggingConfiguration    *LoggingConfiguration    `json:"loggingConfiguration,omitempty"`
	TracingConfiguration    *TracingConfiguration    `json:"tracingConfiguration,omitempty"`
	EncryptionConfiguration *EncryptionConfiguration `json:"encryptionConfiguration,omitempty"`
	RevisionID              string                   `json:"revisionId,omitempty"` // absent until the first update
}

// UpdateStateMachineInput is the request of UpdateStateMachine; what is absent stays as it is.
type UpdateStateMachineInput struct {
	StateMachineArn         string                   `json:"stateMachineArn"`
	Definition              string                   `json:"definition,omitempty"`
	RoleArn                 string                   `json:"roleArn,omitempty"`
	LoggingConfiguration    *LoggingConfiguration    `json:"loggingConfiguration,omitempty"`
	TracingConfiguration    *TracingConfiguration    `json:"tracingConfiguration,omitempty"`
	EncryptionConfiguration *EncryptionConfiguration `json:"encryptionConfiguration,omitempty"`
	Publish                 bool                     `json:"publish,omitempty"`            // refused: versions are not emulated
	VersionDescription      string                   `json:"versionDescription,omitempty"` // refused: versions are not emulated
}

// UpdateStateMachineOutput is the response of UpdateStateMachine.
type UpdateStateMachineOutput struct {
	UpdateDate dispatch.Time `json:"updateDate"`
	RevisionID string        `json:"revisionId,omitempty"`
}

// DeleteStateMachineInput is the request of DeleteStateMachine.
type DeleteStateMachineInput struct {
	StateMachineArn string `json:"stateMachineArn"`
}

// Empty is a response without members.
type Empty struct{}

// ListInput asks for a page of state machines.
type ListInput struct {
	MaxResults int    `json:"maxResults,omitempty"` // 0: 100; at most 1,000
	NextToken  string `json:"nextToken,omitempty"`
}

// StateMachineListItem is one state machine of a list.
type StateMachineListItem struct {
	StateMachineArn string        `json:"stateMachineArn"`
	Name            string        `json:"name"`
	Type            string        `json:"type"`
	CreationDate    dispatch.Time `json:"creationDate"`
}

// ListStateMachinesOutput is the response of ListStateMachines.
type ListStateMachinesOutput struct {
	StateMachines []StateMachineListItem `json:"stateMachines"`
	NextToken     string                 `json:"nextToken,omitempty"`
}

// ListStateMachineVersionsInput is the request of ListStateMachineVersions.
type ListStateMachineVersionsInput struct {
	StateMachineArn string `json:"stateMachineArn"`
	MaxResults      int    `json:"maxResults,omitempty"`
	NextToken       string `json:"nextToken,omitempty"`
}

// StateMachineVersionListItem is one published version. There are none: publishing is refused.
type StateMachineVersionListItem struct {
	StateMachineVersionArn string        `json:"stateMachineVersionArn"`
	CreationDate           dispatch.Time `json:"creationDate"`
}

// ListStateMachineVersionsOutput is the response of ListStateMachineVersions.
type ListStateMachineVersionsOutput struct {
	StateMachineVersions []StateMachineVersionListItem `json:"stateMachineVersions"`
	NextToken            string                        `json:"nextToken,omitempty"`
}

// ValidateStateMachineDefinitionInput is the request of ValidateStateMachineDefinition.
type ValidateStateMachineDefinitionInput struct {
	Definition string `json:"definition"`
	Type       string `json:"type,omitempty"`
	Severity   string `json:"severity,omitempty"`   // ERROR (default) or WARNING
	MaxResults int    `json:"maxResults,omitempty"` // 0: 100
}

// Diagnostic is one thing that is wrong with a definition.
type Diagnostic struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

// ValidateStateMachineDefinitionOutput is the response of ValidateStateMachineDefinition.
type ValidateStateMachineDefinitionOutput struct {
	Result      string       `json:"result"` // OK or FAIL
	Diagnostics []Diagnostic `json:"diagnostics"`
	Truncated   bool         `json:"truncated"`
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn string `json:"resourceArn"`
	Tags        []Tag  `json:"tags"`
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceArn string   `json:"resourceArn"`
	TagKeys     []string `json:"tagKeys"`
}

// ListTagsForResourceInput is the request of ListTagsForResource.
type ListTagsForResourceInput struct {
	ResourceArn string `json:"resourceArn"`
}

// ListTagsForResourceOutput is the response of ListTagsForResource.
type ListTagsForResourceOutput struct {
	Tags []Tag `json:"tags"`
}
