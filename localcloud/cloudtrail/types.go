package cloudtrail

import "github.com/carepath/carepath/localcloud/dispatch"

// Empty is a response without members.
type Empty struct{}

// Tag is a tag of a trail.
type Tag struct {
	Key   string
	Value string `json:",omitempty"`
}

// Settings are what CreateTrail and UpdateTrail set.
type Settings struct {
	S3BucketName               string  `json:",omitempty"` // required at creation
	S3KeyPrefix                *string `json:",omitempty"` // up to 200 characters
	SnsTopicName               string  `json:",omitempty"` // refused
	IncludeGlobalServiceEvents *bool   `json:",omitempty"` // true by default
	IsMultiRegionTrail         *bool   `json:",omitempty"`
	EnableLogFileValidation    *bool   `json:",omitempty"`
	CloudWatchLogsLogGroupArn  string  `json:",omitempty"` // refused
	CloudWatchLogsRoleArn      string  `json:",omitempty"` // refused
	KmsKeyID                   *string `json:"KmsKeyId,omitempty"`
	IsOrganizationTrail        *bool   `json:",omitempty"` // only false
}

// CreateTrailInput is the request of CreateTrail.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html
type CreateTrailInput struct {
	Name string
	Settings
	TagsList []Tag `json:",omitempty"`
}

// UpdateTrailInput is the request of UpdateTrail; what is missing stays.
type UpdateTrailInput struct {
	Name string
	Settings
}

// TrailOutput is the response of CreateTrail and UpdateTrail.
type TrailOutput struct {
	Name                       string
	S3BucketName               string
	S3KeyPrefix                string `json:",omitempty"`
	IncludeGlobalServiceEvents bool
	IsMultiRegionTrail         bool
	TrailARN                   string
	LogFileValidationEnabled   bool
	KmsKeyID                   string `json:"KmsKeyId,omitempty"` // ARN
	IsOrganizationTrail        bool
}

// Trail describes a trail.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html
type Trail struct {
	TrailOutput
	HomeRegion              string
	HasCustomEventSelectors bool
	HasInsightSelectors     bool
}

// NameInput is the request of GetTrail, GetTrailStatus, StartLogging, StopLogging and DeleteTrail: a name or an ARN.
type NameInput struct{ Name string }

// GetTrailOutput is the response of GetTrail.
type GetTrailOutput struct{ Trail Trail }

// DescribeTrailsInput is the request of DescribeTrails. Without names it means all trails.
type DescribeTrailsInput struct {
	TrailNameList       []string `json:"trailNameList,omitempty"`
	IncludeShadowTrails *bool    `json:"includeShadowTrails,omitempty"` // without effect: there is one region
}

// DescribeTrailsOutput is the response of DescribeTrails. Trails that do not exist are left out.
type DescribeTrailsOutput struct {
	TrailList []Trail `json:"trailList"`
}

// GetTrailStatusOutput is the response of GetTrailStatus.
type GetTrailStatusOutput struct {
	IsLogging           bool
	StartLoggingTime    *dispatch.Time `json:",omitempty"`
	StopLoggingTime     *dispatch.Time `json:",omitempty"`
	LatestDeliveryTime  *dispatch.Time `json:",omitempty"`
	LatestDeliveryError string         `json:",omitempty"` // S3's code
}

// DataResource names resources whose data events are recorded. The embedded AWS has no data events: it is refused.
type DataResource struct {
	Type   string
	Values []string
}

// EventSelector says which calls a trail records.
type EventSelector struct {
	ReadWriteType                 string         `json:",omitempty"` // All, ReadOnly or WriteOnly; empty: All
	IncludeManagementEvents       *bool          `json:",omitempty"` // true by default
	DataResources                 []DataResource `json:",omitempty"`
	ExcludeManagementEventSources []string       `json:",omitempty"` // kms.amazonaws.com or rdsdata.amazonaws.com
}

// AdvancedFieldSelector is a condition of an advanced selector.
type AdvancedFieldSelector struct {
	Field         string
	Equals        []string `json:",omitempty"`
	StartsWith    []string `json:",omitempty"`
	EndsWith      []string `json:",omitempty"`
	NotEquals     []string `json:",omitempty"`
	NotStartsWith []string `json:",omitempty"`
	NotEndsWith   []string `json:",omitempty"`
}

// AdvancedEventSelector says which calls a trail records: those that meet all its conditions.
type AdvancedEventSelector struct {
	Name           string `json:",omitempty"`
	FieldSelectors []AdvancedFieldSelector
}

// PutEventSelectorsInput is the request of PutEventSelectors: selectors of one kind.
type PutEventSelectorsInput struct {
	TrailName              string
	EventSelectors         []EventSelector         `json:",omitempty"`
	AdvancedEventSelectors []AdvancedEventSelector `json:",omitempty"`
}

// GetEventSelectorsInput is the request of GetEventSelectors.
type GetEventSelectorsInput struct{ TrailName string }

// EventSelectorsOutput is the response of PutEventSelectors and GetEventSelectors.
type EventSelectorsOutput struct {
	TrailARN               string
	EventSelectors         []EventSelector         `json:",omitempty"`
	AdvancedEventSelectors []AdvancedEventSelector `json:",omitempty"`
}

// TagsInput is the request of AddTags and RemoveTags.
type TagsInput struct {
	ResourceID string `json:"ResourceId"` // ARN
	TagsList   []Tag
}

// ListTagsInput is the request of ListTags.
type ListTagsInput struct {
	ResourceIDList []string `json:"ResourceIdList"` // ARNs
	NextToken      string   `json:",omitempty"`
}

// ResourceTag are a trail's tags.
type ResourceTag struct {
	ResourceID string `json:"ResourceId"`
	TagsList   []Tag
}

// ListTagsOutput is the response of ListTags.
type ListTagsOutput struct{ ResourceTagList []ResourceTag }
