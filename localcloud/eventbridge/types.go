package eventbridge

import "github.com/carepath/carepath/localcloud/dispatch"

// Empty is the response of operations that return nothing.
type Empty struct{}

// Tag is a tag of a bus or a rule.
type Tag struct {
	Key, Value string
}

// DeadLetterConfig names the standard queue for events that could not be delivered.
type DeadLetterConfig struct {
	Arn string `json:",omitempty"`
}

// RetryPolicy says how long a delivery that fails is repeated.
type RetryPolicy struct {
	MaximumRetryAttempts     *int `json:",omitempty"` // 0..185, which is the default
	MaximumEventAgeInSeconds *int `json:",omitempty"` // 60..86400, which is the default
}

// CreateEventBusInput is the request of CreateEventBus. Partner event sources are not emulated.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html.
type CreateEventBusInput struct {
	Name             string
	Description      string            `json:",omitempty"` // at most 512 characters
	KmsKeyIdentifier string            `json:",omitempty"` // id, ARN or alias of a customer-managed key
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"` // for events that cannot be encrypted or decrypted
	Tags             []Tag             `json:",omitempty"`
}

// CreateEventBusOutput is the response of CreateEventBus.
type CreateEventBusOutput struct {
	EventBusArn      string
	Description      string            `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
}

// UpdateEventBusInput is the request of UpdateEventBus: what is empty is removed.
type UpdateEventBusInput struct {
	Name             string            `json:",omitempty"` // "default" by default
	Description      string            `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
}

// UpdateEventBusOutput is the response of UpdateEventBus.
type UpdateEventBusOutput struct {
	Arn, Name        string
	Description      string            `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
}

// EventBusInput names a bus: the request of DescribeEventBus (a name or ARN, "default" by default) and DeleteEventBus.
type EventBusInput struct {
	Name string `json:",omitempty"`
}

// EventBus is the response of DescribeEventBus, and a bus in a list.
type EventBus struct {
	Name, Arn        string
	Description      string            `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	Policy           string            `json:",omitempty"` // the resource policy, JSON
	CreationTime     dispatch.Time
	LastModifiedTime dispatch.Time
}

// ListEventBusesInput is the request of ListEventBuses.
type ListEventBusesInput struct {
	NamePrefix string `json:",omitempty"`
	Limit      *int   `json:",omitempty"` // 1..100
	NextToken  string `json:",omitempty"`
}

// ListEventBusesOutput is the response of ListEventBuses.
type ListEventBusesOutput struct {
	EventBuses []EventBus
	NextToken  string `json:",omitempty"`
}

// Condition restricts a permission to an organisation.
type Condition struct {
	Type, Key, Value string // StringEquals, aws:PrincipalOrgID, the id
}

// PutPermissionInput is the request of PutPermission: a whole policy, or one statement.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html.
type PutPermissionInput struct {
	EventBusName string     `json:",omitempty"`
	Policy       string     `json:",omitempty"`
	Action       string     `json:",omitempty"` // events:PutEvents
	Principal    string     `json:",omitempty"` // an account, or *
	StatementID  string     `json:"StatementId,omitempty"`
	Condition    *Condition `json:",omitempty"`
}

// RemovePermissionInput is the request of RemovePermission.
type RemovePermissionInput struct {
	EventBusName         string `json:",omitempty"`
	StatementID          string `json:"StatementId,omitempty"`
	RemoveAllPermissions bool   `json:",omitempty"`
}

// PutRuleInput is the request of PutRule, which makes a rule or replaces all that a rule has but its targets and tags.
// See https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html.
type PutRuleInput struct {
	Name               string
	EventBusName       string `json:",omitempty"` // a name or ARN, "default" by default
	Description        string `json:",omitempty"`
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"` // rate() or cron() in UTC, on the default bus
	State              string `json:",omitempty"` // ENABLED (the default), DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS
	RoleArn            string `json:",omitempty"` // of targets that have none of their own
	Tags               []Tag  `json:",omitempty"` // of a new rule
}

// PutRuleOutput is the response of PutRule.
type PutRuleOutput struct {
	RuleArn string
}

// RuleInput names a rule: the request of DescribeRule, EnableRule and DisableRule.
type RuleInput struct {
	Name         string
	EventBusName string `json:",omitempty"`
}

// DeleteRuleInput is the request of DeleteRule.
type DeleteRuleInput struct {
	RuleInput
	Force bool `json:",omitempty"` // of managed rules, which are not emulated
}

// Rule is the response of DescribeRule, and a rule in a list.
type Rule struct {
	Name, Arn          string
	EventBusName       string
	Description        string `json:",omitempty"`
	EventPattern       string `json:",omitempty"`
	ScheduleExpression string `json:",omitempty"`
	State              string
	RoleArn            string `json:",omitempty"`
	CreatedBy          string `json:",omitempty"` // the account; not in lists
}

// ListRulesInput is the request of ListRules.
type ListRulesInput struct {
	EventBusName string `json:",omitempty"`
	NamePrefix   string `json:",omitempty"`
	Limit        *int   `json:",omitempty"` // 1..100
	NextToken    string `json:",omitempty"`
}

// ListRulesOutput is the response of ListRules.
type ListRulesOutput struct {
	Rules     []Rule
	NextToken string `json:",omitempty"`
}

// ListRuleNamesByTargetInput is the request of ListRuleNamesByTarget.
type ListRuleNamesByTargetInput struct {
	TargetArn    string
	EventBusName string `json:",omitempty"`
	Limit        *int   `json:",omitempty"`
	NextToken    string `json:",omitempty"`
}

// ListRuleNamesByTargetOutput is the response of ListRuleNamesByTarget.
type ListRuleNamesByTargetOutput struct {
	RuleNames []string
	NextToken string `json:",omitempty"`
}

// InputTransformer makes a target's input of parts of the event.
type InputTransformer struct {
	InputPathsMap map[string]string `json:",omitempty"` // at most 100: a variable's name, and where its value is in the event
	InputTemplate string            // at most 8192 characters, with <variable>
}

// SqsParameters are those of a FIFO queue as target.
type SqsParameters struct {
	MessageGroupID string `json:"MessageGroupId,omitempty"`
}

// Target is what a rule calls. The parameters of targets that are not emulated are no members: a request that has them is
// refused.
type Target struct {
	ID               string            `json:"Id"`
	Arn              string            // of a queue, a state machine, a function, a log group or a bus
	RoleArn          string            `json:",omitempty"` // as whom the target is called; else the rule's role, or the target's policy decides
	Input            string            `json:",omitempty"` // JSON, in place of the event
	InputPath        string            `json:",omitempty"` // the part of the event
	InputTransformer *InputTransformer `json:",omitempty"`
	SqsParameters    *SqsParameters    `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	RetryPolicy      *RetryPolicy      `json:",omitempty"`
}

// PutTargetsInput is the request of PutTargets.
type PutTargetsInput struct {
	Rule         string
	EventBusName string `json:",omitempty"`
	Targets      []Target
}

// PutTargetsOutput is the response of PutTargets.
type PutTargetsOutput struct {
	FailedEntryCount int
	FailedEntries    []TargetFailure
}

// TargetFailure is a target that was not put or removed.
type TargetFailure struct {
	TargetID                string `json:"TargetId"`
	ErrorCode, ErrorMessage string
}

// RemoveTargetsInput is the request of RemoveTargets.
type RemoveTargetsInput struct {
	Rule         string
	EventBusName string   `json:",omitempty"`
	IDs          []string `json:"Ids"`
	Force        bool     `json:",omitempty"`
}

// ListTargetsByRuleInput is the request of ListTargetsByRule.
type ListTargetsByRuleInput struct {
	Rule         string
	EventBusName string `json:",omitempty"`
	Limit        *int   `json:",omitempty"`
	NextToken    string `json:",omitempty"`
}

// ListTargetsByRuleOutput is the response of ListTargetsByRule.
type ListTargetsByRuleOutput struct {
	Targets   []Target
	NextToken string `json:",omitempty"`
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceARN string
	Tags        []Tag
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceARN string
	TagKeys     []string
}

// ListTagsForResourceInput is the request of ListTagsForResource.
type ListTagsForResourceInput struct {
	ResourceARN string
}

// ListTagsForResourceOutput is the response of ListTagsForResource.
type ListTagsForResourceOutput struct {
	Tags []Tag
}
