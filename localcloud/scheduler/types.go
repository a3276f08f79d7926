package scheduler

import "github.com/carepath/carepath/localcloud/dispatch"

// FlexibleTimeWindow says how much later than its time a schedule may call its target.
type FlexibleTimeWindow struct {
	Mode                   string // OFF or FLEXIBLE
	MaximumWindowInMinutes *int   `json:",omitempty"` // 1..1440, with FLEXIBLE
}

// Target is what a schedule calls. The parameters of targets that are not emulated are no members: a request that has them
// is refused.
type Target struct {
	Arn              string            // a state machine, a queue, a function, or arn:aws:scheduler:::aws-sdk:<service>:<action>
	RoleArn          string            // as whom the target and the dead-letter queue are called
	Input            string            `json:",omitempty"` // at most 256 KB
	RetryPolicy      *RetryPolicy      `json:",omitempty"`
	DeadLetterConfig *DeadLetterConfig `json:",omitempty"`
	SqsParameters    *SqsParameters    `json:",omitempty"`
}

// RetryPolicy says how long a call that fails is repeated.
type RetryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitempty"` // 60..86400, which is the default
	MaximumRetryAttempts     *int `json:",omitempty"` // 0..185, which is the default
}

// DeadLetterConfig names the standard queue for calls that have failed for good.
type DeadLetterConfig struct {
	Arn string `json:",omitempty"`
}

// SqsParameters are those of a FIFO queue as target.
type SqsParameters struct {
	MessageGroupID string `json:"MessageGroupId,omitempty"` // 1..128 characters
}

// Specification is what the requests of CreateSchedule and UpdateSchedule, and the answer of GetSchedule, have in common.
// See https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html.
type Specification struct {
	Name                       string
	GroupName                  string `json:",omitempty"` // "default" by default
	Description                string `json:",omitempty"`
	ScheduleExpression         string
	ScheduleExpressionTimezone string         `json:",omitempty"` // an IANA name; UTC by default
	StartDate                  *dispatch.Time `json:",omitempty"`
	EndDate                    *dispatch.Time `json:",omitempty"`
	State                      string         `json:",omitempty"` // ENABLED (the default) or DISABLED
	FlexibleTimeWindow         *FlexibleTimeWindow
	Target                     *Target
	ActionAfterCompletion      string `json:",omitempty"` // NONE (the default) or DELETE
	KmsKeyArn                  string `json:",omitempty"`
}

// ScheduleInput is the request of CreateSchedule and UpdateSchedule; the latter replaces every member.
type ScheduleInput struct {
	Specification
	ClientToken string `json:",omitempty"`
}

// ScheduleOutput is the response of CreateSchedule and UpdateSchedule.
type ScheduleOutput struct {
	ScheduleArn string
}

// ScheduleNameInput is the request of GetSchedule and DeleteSchedule.
type ScheduleNameInput struct {
	Name        string
	GroupName   string `json:",omitempty"`
	ClientToken string `json:",omitempty"`
}

// GetScheduleOutput is the response of GetSchedule.
type GetScheduleOutput struct {
	Specification
	Arn                  string
	CreationDate         dispatch.Time
	LastModificationDate dispatch.Time
}

// ListSchedulesInput is the request of ListSchedules.
type ListSchedulesInput struct {
	GroupName  string `json:",omitempty"`
	NamePrefix string `json:",omitempty"`
	State      string `json:",omitempty"`
	MaxResults *int   `json:",omitempty"` // 1..100; 100 by default
	NextToken  string `json:",omitempty"`
}

// ListSchedulesOutput is the response of ListSchedules.
type ListSchedulesOutput struct {
	Schedules []ScheduleSummary
	NextToken string `json:",omitempty"`
}

// ScheduleSummary is a schedule in a list.
type ScheduleSummary struct {
	Arn, GroupName, Name, State        string
	CreationDate, LastModificationDate dispatch.Time
	Target                             TargetSummary
}

// TargetSummary is a target in a list.
type TargetSummary struct {
	Arn string
}

// Tag is a tag of a schedule group.
type Tag struct {
	Key, Value string
}

// CreateScheduleGroupInput is the request of CreateScheduleGroup.
type CreateScheduleGroupInput struct {
	Name        string
	ClientToken string `json:",omitempty"`
	Tags        []Tag  `json:",omitempty"`
}

// CreateScheduleGroupOutput is the response of CreateScheduleGroup.
type CreateScheduleGroupOutput struct {
	ScheduleGroupArn string
}

// GroupNameInput is the request of GetScheduleGroup and DeleteScheduleGroup.
type GroupNameInput struct {
	Name        string
	ClientToken string `json:",omitempty"`
}

// ScheduleGroup is the response of GetScheduleGroup, and a group in a list.
type ScheduleGroup struct {
	Arn, Name, State                   string // State is ACTIVE
	CreationDate, LastModificationDate dispatch.Time
}

// ListScheduleGroupsInput is the request of ListScheduleGroups.
type ListScheduleGroupsInput struct {
	NamePrefix string `json:",omitempty"`
	MaxResults *int   `json:",omitempty"` // 1..100; 100 by default
	NextToken  string `json:",omitempty"`
}

// ListScheduleGroupsOutput is the response of ListScheduleGroups.
type ListScheduleGroupsOutput struct {
	ScheduleGroups []ScheduleGroup
	NextToken      string `json:",omitempty"`
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn string
	Tags        []Tag
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceArn string
	TagKeys     []string
}

// ListTagsForResourceInput is the request of ListTagsForResource.
type ListTagsForResourceInput struct {
	ResourceArn string
}

// ListTagsForResourceOutput is the response of ListTagsForResource.
type ListTagsForResourceOutput struct {
	Tags []Tag
}

// Empty is the response of operations that return nothing.
type Empty struct{}
