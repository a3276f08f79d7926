package cloudwatch

import "github.com/carepath/carepath/localcloud/dispatch"

// Dimension is a name and value that tell a metric apart.
type Dimension struct {
	Name  string
	Value string
}

// Metric names a metric.
type Metric struct {
	Namespace  string      `json:",omitempty"`
	MetricName string      `json:",omitempty"`
	Dimensions []Dimension `json:",omitempty"`
}

// MetricStat is a metric with its statistic.
type MetricStat struct {
	Metric Metric
	Period int // seconds
	Stat   string
	Unit   string `json:",omitempty"`
}

// MetricDataQuery is one line of an alarm on an expression.
type MetricDataQuery struct {
	ID         string      `json:"Id"`
	MetricStat *MetricStat `json:",omitempty"`
	Expression string      `json:",omitempty"`
	Label      string      `json:",omitempty"`
	ReturnData *bool       `json:",omitempty"`
	Period     int         `json:",omitempty"`
	AccountID  string      `json:"AccountId,omitempty"`
}

// Tag is a key and a value on a resource.
type Tag struct {
	Key   string
	Value string
}

// AlarmSettings are the members that PutMetricAlarm takes and DescribeAlarms answers.
type AlarmSettings struct {
	AlarmName                        string
	AlarmDescription                 string            `json:",omitempty"`
	ActionsEnabled                   *bool             `json:",omitempty"` // true by default
	OKActions                        []string          `json:",omitempty"`
	AlarmActions                     []string          `json:",omitempty"`
	InsufficientDataActions          []string          `json:",omitempty"`
	MetricName                       string            `json:",omitempty"`
	Namespace                        string            `json:",omitempty"`
	Statistic                        string            `json:",omitempty"`
	ExtendedStatistic                string            `json:",omitempty"`
	Dimensions                       []Dimension       `json:",omitempty"`
	Period                           int               `json:",omitempty"` // seconds
	Unit                             string            `json:",omitempty"`
	EvaluationPeriods                int               `json:",omitempty"`
	DatapointsToAlarm                int               `json:",omitempty"`
	Threshold                        *float64          `json:",omitempty"`
	ComparisonOperator               string            `json:",omitempty"`
	TreatMissingData                 string            `json:",omitempty"`
	EvaluateLowSampleCountPercentile string            `json:",omitempty"`
	Metrics                          []MetricDataQuery `json:",omitempty"`
	ThresholdMetricID                string            `json:"ThresholdMetricId,omitempty"`
}

// PutMetricAlarmInput is the request of PutMetricAlarm.
type PutMetricAlarmInput struct {
	AlarmSettings
	Tags []Tag `json:",omitempty"`
}

// Empty is the response of the operations that answer nothing.
type Empty struct{}

// MetricAlarm describes an alarm.
type MetricAlarm struct {
	AlarmSettings
	AlarmArn                           string
	AlarmConfigurationUpdatedTimestamp dispatch.Time
	StateValue                         string // INSUFFICIENT_DATA always: no metric has data here
	StateReason                        string
	StateUpdatedTimestamp              dispatch.Time
	StateTransitionedTimestamp         dispatch.Time
}

// DescribeAlarmsInput is the request of DescribeAlarms.
type DescribeAlarmsInput struct {
	AlarmNames      []string `json:",omitempty"`
	AlarmNamePrefix string   `json:",omitempty"`
	AlarmTypes      []string `json:",omitempty"` // MetricAlarm, CompositeAlarm
	StateValue      string   `json:",omitempty"`
	ActionPrefix    string   `json:",omitempty"`
	MaxRecords      int      `json:",omitempty"` // 1..100; 50 by default
	NextToken       string   `json:",omitempty"`
}

// DescribeAlarmsOutput is the response of DescribeAlarms.
type DescribeAlarmsOutput struct {
	CompositeAlarms []struct{} // never any
	MetricAlarms    []MetricAlarm
	NextToken       string `json:",omitempty"`
}

// DeleteAlarmsInput is the request of DeleteAlarms.
type DeleteAlarmsInput struct {
	AlarmNames []string
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
