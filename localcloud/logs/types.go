package logs

// CreateLogGroupInput is the request of CreateLogGroup.
type CreateLogGroupInput struct {
	LogGroupName  string            `json:"logGroupName"`
	KmsKeyID      string            `json:"kmsKeyId,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
	LogGroupClass string            `json:"logGroupClass,omitempty"` // STANDARD (the default) or INFREQUENT_ACCESS
}

// Empty is the response of the operations that answer nothing.
type Empty struct{}

// GroupInput names a log group: the request of DeleteLogGroup and DeleteRetentionPolicy.
type GroupInput struct {
	LogGroupName string `json:"logGroupName"`
}

// DescribeLogGroupsInput is the request of DescribeLogGroups.
type DescribeLogGroupsInput struct {
	LogGroupNamePrefix  string `json:"logGroupNamePrefix,omitempty"`
	LogGroupNamePattern string `json:"logGroupNamePattern,omitempty"`
	LogGroupClass       string `json:"logGroupClass,omitempty"`
	Limit               int    `json:"limit,omitempty"` // 1..50; 50 by default
	NextToken           string `json:"nextToken,omitempty"`
}

// DescribeLogGroupsOutput is the response of DescribeLogGroups.
type DescribeLogGroupsOutput struct {
	LogGroups []LogGroup `json:"logGroups"`
	NextToken string     `json:"nextToken,omitempty"`
}

// LogGroup describes a log group. Times are milliseconds since 1970.
type LogGroup struct {
	LogGroupName      string `json:"logGroupName"`
	Arn               string `json:"arn"`         // with ":*" at its end
	LogGroupArn       string `json:"logGroupArn"` // without
	CreationTime      int64  `json:"creationTime"`
	RetentionInDays   int    `json:"retentionInDays,omitempty"` // 0: for ever
	MetricFilterCount int    `json:"metricFilterCount"`
	StoredBytes       int64  `json:"storedBytes"`
	KmsKeyID          string `json:"kmsKeyId,omitempty"`
	LogGroupClass     string `json:"logGroupClass"`
}

// PutRetentionPolicyInput is the request of PutRetentionPolicy.
type PutRetentionPolicyInput struct {
	LogGroupName    string `json:"logGroupName"`
	RetentionInDays int    `json:"retentionInDays"`
}

// AssociateKmsKeyInput is the request of AssociateKmsKey.
type AssociateKmsKeyInput struct {
	LogGroupName string `json:"logGroupName"`
	KmsKeyID     string `json:"kmsKeyId"`
}

// StreamInput names a log stream: the request of CreateLogStream and DeleteLogStream.
type StreamInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

// DescribeLogStreamsInput is the request of DescribeLogStreams.
type DescribeLogStreamsInput struct {
	LogGroupName        string `json:"logGroupName,omitempty"`
	LogGroupIdentifier  string `json:"logGroupIdentifier,omitempty"` // a name or an ARN, instead of the name
	LogStreamNamePrefix string `json:"logStreamNamePrefix,omitempty"`
	OrderBy             string `json:"orderBy,omitempty"` // LogStreamName (the default) or LastEventTime
	Descending          bool   `json:"descending,omitempty"`
	Limit               int    `json:"limit,omitempty"` // 1..50; 50 by default
	NextToken           string `json:"nextToken,omitempty"`
}

// DescribeLogStreamsOutput is the response of DescribeLogStreams.
type DescribeLogStreamsOutput struct {
	LogStreams []LogStream `json:"logStreams"`
	NextToken  string      `json:"nextToken,omitempty"`
}

// LogStream describes a log stream. Times are milliseconds since 1970; 0 where there is no event yet.
type LogStream struct {
	LogStreamName       string `json:"logStreamName"`
	Arn                 string `json:"arn"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp int64  `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  int64  `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   int64  `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken,omitempty"`
	StoredBytes         int64  `json:"storedBytes"` // always 0, as AWS answers since 2019
}

// PutLogEventsInput is the request of PutLogEvents: one batch for one stream.
type PutLogEventsInput struct {
	LogGroupName  string          `json:"logGroupName"`
	LogStreamName string          `json:"logStreamName"`
	LogEvents     []InputLogEvent `json:"logEvents"`
	SequenceToken string          `json:"sequenceToken,omitempty"` // ignored, as AWS does since 2023
}

// InputLogEvent is one event of PutLogEvents.
type InputLogEvent struct {
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Message   string `json:"message"`
}

// PutLogEventsOutput is the response of PutLogEvents.
type PutLogEventsOutput struct {
	NextSequenceToken     string                 `json:"nextSequenceToken,omitempty"`
	RejectedLogEventsInfo *RejectedLogEventsInfo `json:"rejectedLogEventsInfo,omitempty"`
}

// RejectedLogEventsInfo says which events of a batch were not taken, by their index.
type RejectedLogEventsInfo struct {
	TooNewLogEventStartIndex *int `json:"tooNewLogEventStartIndex,omitempty"` // from here on more than two hours ahead
	TooOldLogEventEndIndex   *int `json:"tooOldLogEventEndIndex,omitempty"`   // up to here (exclusive) older than 14 days
	ExpiredLogEventEndIndex  *int `json:"expiredLogEventEndIndex,omitempty"`  // up to here (exclusive) past the retention
}

// GetLogEventsInput is the request of GetLogEvents.
type GetLogEventsInput struct {
	LogGroupName       string `json:"logGroupName,omitempty"`
	LogGroupIdentifier string `json:"logGroupIdentifier,omitempty"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime,omitempty"` // inclusive
	EndTime            *int64 `json:"endTime,omitempty"`   // exclusive
	NextToken          string `json:"nextToken,omitempty"`
	Limit              int    `json:"limit,omitempty"` // 1..10000; 10000 by default
	StartFromHead      bool   `json:"startFromHead,omitempty"`
	Unmask             bool   `json:"unmask,omitempty"` // nothing is ever masked here
}

// GetLogEventsOutput is the response of GetLogEvents.
type GetLogEventsOutput struct {
	Events            []OutputLogEvent `json:"events"`
	NextForwardToken  string           `json:"nextForwardToken"`
	NextBackwardToken string           `json:"nextBackwardToken"`
}

// OutputLogEvent is one event of GetLogEvents. Times are milliseconds since 1970.
type OutputLogEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

// FilterLogEventsInput is the request of FilterLogEvents.
type FilterLogEventsInput struct {
	LogGroupName        string   `json:"logGroupName,omitempty"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier,omitempty"`
	LogStreamNames      []string `json:"logStreamNames,omitempty"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix,omitempty"`
	StartTime           *int64   `json:"startTime,omitempty"` // inclusive
	EndTime             *int64   `json:"endTime,omitempty"`   // inclusive
	FilterPattern       string   `json:"filterPattern,omitempty"`
	NextToken           string   `json:"nextToken,omitempty"`
	Limit               int      `json:"limit,omitempty"` // 1..10000; 10000 by default
	StartFromHead       *bool    `json:"startFromHead,omitempty"`
	Interleaved         bool     `json:"interleaved,omitempty"` // ignored, as AWS does since 2019
	Unmask              bool     `json:"unmask,omitempty"`
}

// FilterLogEventsOutput is the response of FilterLogEvents.
type FilterLogEventsOutput struct {
	Events             []FilteredLogEvent `json:"events"`
	SearchedLogStreams []struct{}         `json:"searchedLogStreams"` // empty, as AWS answers since 2019
	NextToken          string             `json:"nextToken,omitempty"`
}

// FilteredLogEvent is one event of FilterLogEvents. Times are milliseconds since 1970.
type FilteredLogEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn string            `json:"resourceArn"`
	Tags        map[string]string `json:"tags"`
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
	Tags map[string]string `json:"tags"`
}

// PutResourcePolicyInput is the request of PutResourcePolicy.
type PutResourcePolicyInput struct {
	PolicyName     string `json:"policyName"`
	PolicyDocument string `json:"policyDocument"`
}

// PutResourcePolicyOutput is the response of PutResourcePolicy.
type PutResourcePolicyOutput struct {
	ResourcePolicy ResourcePolicy `json:"resourcePolicy"`
}

// ResourcePolicy is one of the account's policies that let AWS services write to log groups.
type ResourcePolicy struct {
	PolicyName      string `json:"policyName"`
	PolicyDocument  string `json:"policyDocument"`
	LastUpdatedTime int64  `json:"lastUpdatedTime"` // milliseconds since 1970
}

// DeleteResourcePolicyInput is the request of DeleteResourcePolicy.
type DeleteResourcePolicyInput struct {
	PolicyName string `json:"policyName"`
}

// DescribeResourcePoliciesInput is the request of DescribeResourcePolicies.
type DescribeResourcePoliciesInput struct {
	NextToken string `json:"nextToken,omitempty"`
	Limit     int    `json:"limit,omitempty"`
}

// DescribeResourcePoliciesOutput is the response of DescribeResourcePolicies.
type DescribeResourcePoliciesOutput struct {
	ResourcePolicies []ResourcePolicy `json:"resourcePolicies"`
}

// LogDeliveryInput is the request of CreateLogDelivery and UpdateLogDelivery, which AWS services call with the
// permissions of the role that they were given. AWS does not publish these operations' members; these are ours.
type LogDeliveryInput struct {
	DeliveryID  string `json:"deliveryId,omitempty"`  // of UpdateLogDelivery
	ResourceArn string `json:"resourceArn,omitempty"` // whose logs are delivered, such as a state machine
	LogGroupArn string `json:"logGroupArn,omitempty"` // where to
}

// LogDeliveryIDInput is the request of GetLogDelivery and DeleteLogDelivery.
type LogDeliveryIDInput struct {
	DeliveryID string `json:"deliveryId"`
}

// LogDelivery is the response of CreateLogDelivery, GetLogDelivery and UpdateLogDelivery.
type LogDelivery struct {
	DeliveryID  string `json:"deliveryId"`
	ResourceArn string `json:"resourceArn,omitempty"`
	LogGroupArn string `json:"logGroupArn,omitempty"`
}

// ListLogDeliveriesInput is the request of ListLogDeliveries.
type ListLogDeliveriesInput struct{}

// ListLogDeliveriesOutput is the response of ListLogDeliveries.
type ListLogDeliveriesOutput struct {
	LogDeliveries []LogDelivery `json:"logDeliveries"`
}
