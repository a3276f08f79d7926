package pipes

import "github.com/carepath/carepath/localcloud/dispatch"

// Settings are what the requests of CreatePipe and UpdatePipe and the answer of DescribePipe have in common. What the embedded
// AWS does not have (enrichments, log destinations, the pipe's own key, other sources and targets) is no member, or is refused
// by name. See https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_CreatePipe.html.
type Settings struct {
	Description      string            `json:",omitempty"` // at most 512 characters
	DesiredState     string            `json:",omitempty"` // RUNNING (the default) or STOPPED
	RoleArn          string            `json:",omitempty"`
	Target           string            `json:",omitempty"` // the ARN of a state machine or a queue
	TargetParameters *TargetParameters `json:",omitempty"`

	Enrichment       string `json:",omitempty"` // refused
	KmsKeyIdentifier string `json:",omitempty"`
}

// SourceParameters say how a pipe reads its queue.
type SourceParameters struct {
	FilterCriteria     *FilterCriteria     `json:",omitempty"`
	SqsQueueParameters *SqsQueueParameters `json:",omitempty"`
}

// FilterCriteria are patterns of which a message must match one; without any, every message does. What matches none is deleted.
type FilterCriteria struct {
	Filters []Filter `json:",omitempty"` // at most 5
}

// Filter is an event pattern over a record, in which a body that is JSON text is what it says.
type Filter struct {
	Pattern string
}

// SqsQueueParameters say how many messages a batch has and how long it waits for them.
type SqsQueueParameters struct {
	BatchSize                      *int `json:",omitempty"` // 1..10000; 10 by default
	MaximumBatchingWindowInSeconds *int `json:",omitempty"` // 0..300; 0 by default
}

// TargetParameters say what a pipe sends and how.
type TargetParameters struct {
	InputTemplate                      *string                 `json:",omitempty"` // at most 8192 characters; empty: the record as it is
	StepFunctionStateMachineParameters *StateMachineParameters `json:",omitempty"`
	SqsQueueParameters                 *TargetQueueParameters  `json:",omitempty"`
}

// StateMachineParameters say how a state machine is started.
type StateMachineParameters struct {
	// InvocationType is REQUEST_RESPONSE (the default), which is StartSyncExecution on an Express state machine, or
	// FIRE_AND_FORGET, which is StartExecution.
	InvocationType string `json:",omitempty"`
}

// TargetQueueParameters are those of a FIFO queue as target. Both may be paths into the record, such as $.messageId.
type TargetQueueParameters struct {
	MessageDeduplicationID string `json:"MessageDeduplicationId,omitempty"`
	MessageGroupID         string `json:"MessageGroupId,omitempty"`
}

// CreatePipeInput is the request of CreatePipe.
type CreatePipeInput struct {
	Name             string
	Source           string            // the ARN of a queue
	SourceParameters *SourceParameters `json:",omitempty"`
	Settings
	Tags map[string]string `json:",omitempty"`
}

// UpdateSourceParameters are the source's parameters that an update changes.
type UpdateSourceParameters struct {
	FilterCriteria     *FilterCriteria     `json:",omitempty"` // absent: it stays; without filters: it goes
	SqsQueueParameters *SqsQueueParameters `json:",omitempty"`
}

// UpdatePipeInput is the request of UpdatePipe. Members that are absent stay as they are, except those of an object of
// one service's parameters, which are replaced together.
type UpdatePipeInput struct {
	Name             string
	SourceParameters *UpdateSourceParameters `json:",omitempty"`
	Settings
}

// NameInput is the request of the operations that take a name only.
type NameInput struct {
	Name string
}

// PipeOutput is the response of the operations that change a pipe.
type PipeOutput struct {
	Arn, Name, DesiredState, CurrentState string
	CreationTime, LastModifiedTime        dispatch.Time
}

// DescribePipeOutput is the response of DescribePipe.
type DescribePipeOutput struct {
	Arn, Name, CurrentState        string
	StateReason                    string `json:",omitempty"`
	Source                         string
	SourceParameters               *SourceParameters `json:",omitempty"`
	CreationTime, LastModifiedTime dispatch.Time
	Tags                           map[string]string `json:",omitempty"`
	Settings
}

// ListPipesInput is the request of ListPipes.
type ListPipesInput struct {
	NamePrefix   string `json:",omitempty"`
	SourcePrefix string `json:",omitempty"`
	TargetPrefix string `json:",omitempty"`
	DesiredState string `json:",omitempty"`
	CurrentState string `json:",omitempty"`
	Limit        *int   `json:",omitempty"` // 1..100; 100 by default
	NextToken    string `json:",omitempty"`
}

// ListPipesOutput is the response of ListPipes, in the order of names.
type ListPipesOutput struct {
	Pipes     []Summary
	NextToken string `json:",omitempty"`
}

// Summary is a pipe in a list.
type Summary struct {
	Arn, Name, DesiredState, CurrentState string
	StateReason                           string `json:",omitempty"`
	Source, Target                        string
	CreationTime, LastModifiedTime        dispatch.Time
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn string            `json:"resourceArn"` // lower case in AWS's model too
	Tags        map[string]string `json:"tags"`
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceArn string   `json:"resourceArn"`
	TagKeys     []string `json:"tagKeys"`
}

// ResourceInput is the request of ListTagsForResource.
type ResourceInput struct {
	ResourceArn string `json:"resourceArn"`
}

// TagsOutput is the response of ListTagsForResource.
type TagsOutput struct {
	Tags map[string]string `json:"tags"`
}

// Empty is the response of operations that return nothing.
type Empty struct{}
