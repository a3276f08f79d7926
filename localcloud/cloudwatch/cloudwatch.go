// Package cloudwatch emulates Amazon CloudWatch's metric alarms and dashboards as resources: they are validated, kept and
// described. Alarms stay in the state INSUFFICIENT_DATA, because the embedded AWS has no metrics; of a dashboard's body is
// checked that it is a JSON object with widgets.
//
// It follows https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/.
package cloudwatch

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

type alarm struct {
	MetricAlarm
	Tags map[string]string
}

// Service is the emulated CloudWatch. Make it with New.
type Service struct {
	d          *dispatch.Dispatcher
	alarms     *store.Table[alarm]
	dashboards *store.Table[dashboard]
}

// New returns the service with its operations registered at d and its alarms kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	alarms, err := store.NewTable[alarm](s, "cloudwatch/alarms")
	if err != nil {
		return nil, fmt.Errorf("opening CloudWatch's alarms: %w", err)
	}
	dashboards, err := store.NewTable[dashboard](s, "cloudwatch/dashboards")
	if err != nil {
		return nil, fmt.Errorf("opening CloudWatch's dashboards: %w", err)
	}
	svc := &Service{d: d, alarms: alarms, dashboards: dashboards}
	svc.registerDashboards()
	op := func(action string) dispatch.Operation {
		return dispatch.Operation{Service: "cloudwatch", Action: action}
	}
	dispatch.Register(d, op("PutMetricAlarm"), dispatch.On(func(_ *dispatch.Call, in *PutMetricAlarmInput) []string { return []string{svc.arn(in.AlarmName)} }), svc.put)
	dispatch.Register(d, op("DescribeAlarms"), dispatch.On(func(*dispatch.Call, *DescribeAlarmsInput) []string { return []string{svc.arn("*")} }), svc.describe)
	dispatch.Register(d, op("DeleteAlarms"), dispatch.On(func(_ *dispatch.Call, in *DeleteAlarmsInput) []string {
		arns := make([]string, len(in.AlarmNames))
		for i, name := range in.AlarmNames {
			arns[i] = svc.arn(name)
		}
		return arns
	}), svc.delete)
	dispatch.Register(d, op("TagResource"), dispatch.On(func(_ *dispatch.Call, in *TagResourceInput) []string { return []string{in.ResourceARN} }), svc.tag)
	dispatch.Register(d, op("UntagResource"), dispatch.On(func(_ *dispatch.Call, in *UntagResourceInput) []string { return []string{in.ResourceARN} }), svc.untag)
	dispatch.Register(d, op("ListTagsForResource"), dispatch.On(func(_ *dispatch.Call, in *ListTagsForResourceInput) []string { return []string{in.ResourceARN} }), svc.listTags)
	return svc, nil
}

func (s *Service) arn(name string) string { return s.d.ARN("cloudwatch", "alarm:"+name) }

func validation(format string, args ...any) error {
	return dispatch.Errorf("ValidationError", format, args...)
}

var (
	operators = []string{"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
		"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"}
	bandOperators = operators[4:]
	statistics    = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}
	missingData   = []string{"breaching", "notBreaching", "ignore", "missing"}
	units         = []string{"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
		"Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second",
		"Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second",
		"Gigabits/Second", "Terabits/Second", "Count/Second", "None"}
	extendedStatistic = regexp.MustCompile(`^(p(\d{1,2}(\.\d{1,10})?|100)|IQM|(tm|wm|ts|tc|pr|TM|WM|TS|TC|PR)[(\d].*)$`)
	actionARN         = regexp.MustCompile(`^arn:aws[\w-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}|aws)?:.+$`)
)

func oneOf(member, value string, allowed []string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		value, member, strings.Join(allowed, ", "))
}

func validate(in *AlarmSettings) error {
	if in.AlarmName == "" || len(in.AlarmName) > 255 {
		return validation("1 validation error detected: Value at 'alarmName' failed to satisfy constraint: Member must have length between 1 and 255")
	}
	if len(in.AlarmDescription) > 1024 {
		return validation("1 validation error detected: Value at 'alarmDescription' failed to satisfy constraint: Member must have length less than or equal to 1024")
	}
	if in.ComparisonOperator == "" {
		return validation("1 validation error detected: Value null at 'comparisonOperator' failed to satisfy constraint: Member must not be null")
	}
	if in.EvaluationPeriods < 1 {
		return validation("1 validation error detected: Value '%d' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1", in.EvaluationPeriods)
	}
	for _, err := range []error{
		oneOf("comparisonOperator", in.ComparisonOperator, operators),
		oneOf("statistic", in.Statistic, statistics),
		oneOf("unit", in.Unit, units),
	} {
		if err != nil {
			return err
		}
	}
	if in.TreatMissingData != "" && !slices.Contains(missingData, in.TreatMissingData) {
		return validation("Option %s is not supported for TreatMissingData parameter. Supported options are [breaching, notBreaching, ignore, missing].", in.TreatMissingData)
	}
	if v := in.EvaluateLowSampleCountPercentile; v != "" && v != "evaluate" && v != "ignore" {
		return validation("Option %s is not supported for EvaluateLowSampleCountPercentile parameter. Supported options are [evaluate, ignore].", v)
	}
	if in.DatapointsToAlarm < 0 || in.DatapointsToAlarm > in.EvaluationPeriods {
		return validation("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
	}
	for _, list := range [][]string{in.OKActions, in.AlarmActions, in.InsufficientDataActions} {
		if len(list) > 5 {
			return validation("1 validation error detected: an alarm has at most 5 actions of a kind")
		}
		for _, action := range list {
			if !actionARN.MatchString(action) {
				return validation("Invalid arn syntax: %s", action)
			}
		}
	}
	if slices.Contains(bandOperators, in.ComparisonOperator) {
		if in.ThresholdMetricID == "" || in.Threshold != nil {
			return validation("The comparison operator %s needs ThresholdMetricId and no Threshold", in.ComparisonOperator)
		}
	} else if in.Threshold == nil {
		return validation("The Threshold parameter is required for the comparison operator %s", in.ComparisonOperator)
	}
	if len(in.Metrics) > 0 {
		return validateQueries(in)
	}
	return validateMetric(in)
}

func validateMetric(in *AlarmSettings) error {
	switch {
	case in.MetricName == "":
		return validation("The parameter MetricName must not be null or empty")
	case in.Namespace == "":
		return validation("The parameter Namespace must not be null or empty")
	case in.Statistic == "" && in.ExtendedStatistic == "":
		return validation("Must provide either Statistic or ExtendedStatistic")
	case in.Statistic != "" && in.ExtendedStatistic != "":
		return validation("Statistic and ExtendedStatistic are mutually exclusive")
	case in.ExtendedStatistic != "" && !extendedStatistic.MatchString(in.ExtendedStatistic):
		return validation("The value %s for parameter ExtendedStatistic is not supported", in.ExtendedStatistic)
	case len(in.Dimensions) > 30:
		return validation("1 validation error detected: Value at 'dimensions' failed to satisfy constraint: Member must have length less than or equal to 30")
	case in.Period != 10 && in.Period != 20 && in.Period != 30 && (in.Period < 60 || in.Period%60 != 0):
		return validation("Invalid value %d for Period: it must be 10, 20, 30 or a multiple of 60", in.Period)
	case in.Period >= 3600 && in.Period*in.EvaluationPeriods > 7*86400, in.Period < 3600 && in.Period*in.EvaluationPeriods > 86400:
		return validation("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or seven days when the period is at least an hour (<= 604800)")
	}
	for _, dim := range in.Dimensions {
		if dim.Name == "" || dim.Value == "" {
			return validation("Dimensions must have a name and a value")
		}
	}
	return nil
}

func validateQueries(in *AlarmSettings) error {
	if in.MetricName != "" || in.Namespace != "" || in.Statistic != "" || in.ExtendedStatistic != "" || in.Period != 0 || len(in.Dimensions) > 0 {
		return validation("The parameters MetricName, Namespace, Dimensions, Period, Statistic and ExtendedStatistic are mutually exclusive with Metrics")
	}
	returned := 0
	seen := map[string]bool{}
	for _, q := range in.Metrics {
		if q.ID == "" || seen[q.ID] {
			return validation("The Ids of Metrics must be unique and not empty")
		}
		seen[q.ID] = true
		if (q.MetricStat == nil) == (q.Expression == "") {
			return validation("The metric query %s must have either MetricStat or Expression", q.ID)
		}
		if q.ReturnData == nil || *q.ReturnData {
			returned++
		}
	}
	if in.ThresholdMetricID == "" && returned != 1 {
		return validation("Exactly one element of the metrics list should return data.")
	}
	return nil
}

func (s *Service) put(_ context.Context, _ *dispatch.Call, in *PutMetricAlarmInput) (*Empty, error) {
	if err := validate(&in.AlarmSettings); err != nil {
		return nil, err
	}
	now := dispatch.Time{Time: s.d.Clock.Now()}
	row, known := s.alarms.Get(in.AlarmName)
	if !known {
		row = alarm{Tags: map[string]string{}, MetricAlarm: MetricAlarm{
			AlarmArn: s.arn(in.AlarmName), StateValue: "INSUFFICIENT_DATA", StateReason: "Unchecked: Initial alarm creation",
			StateUpdatedTimestamp: now, StateTransitionedTimestamp: now,
		}}
		for _, t := range in.Tags { // AWS ignores tags on an alarm that exists
			row.Tags[t.Key] = t.Value
		}
	}
	row.AlarmSettings = in.AlarmSettings
	if row.ActionsEnabled == nil {
		yes := true
		row.ActionsEnabled = &yes
	}
	row.AlarmConfigurationUpdatedTimestamp = now
	if err := s.alarms.Put(in.AlarmName, row); err != nil {
		return nil, err
	}
	return &Empty{}, nil
}

func (s *Service) describe(_ context.Context, _ *dispatch.Call, in *DescribeAlarmsInput) (*DescribeAlarmsOutput, error) {
	limit := in.MaxRecords
	if limit < 0 || limit > 100 {
		return nil, validation("1 validation error detected: Value '%d' at 'maxRecords' failed to satisfy constraint: Member must have value between 1 and 100", limit)
	}
	if limit == 0 {
		limit = 50
	}
	if len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "" {
		return nil, validation("AlarmNamePrefix and AlarmNames are mutually exclusive")
	}
	out := &DescribeAlarmsOutput{CompositeAlarms: []struct{}{}, MetricAlarms: []MetricAlarm{}}
	if len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, "MetricAlarm") {
		return out, nil
	}
	for name, row := range s.alarms.All() {
		if name <= in.NextToken && in.NextToken != "" ||
			len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, name) || !strings.HasPrefix(name, in.AlarmNamePrefix) ||
			in.StateValue != "" && in.StateValue != row.StateValue ||
			in.ActionPrefix != "" && !slices.ContainsFunc(row.AlarmActions, func(a string) bool { return strings.HasPrefix(a, in.ActionPrefix) }) {
			continue
		}
		if len(out.MetricAlarms) == limit {
			out.NextToken = out.MetricAlarms[limit-1].AlarmName
			break
		}
		out.MetricAlarms = append(out.MetricAlarms, row.MetricAlarm)
	}
	return out, nil
}

func (s *Service) delete(_ context.Context, _ *dispatch.Call, in *DeleteAlarmsInput) (*Empty, error) {
	var missing []string
	for _, name := range in.AlarmNames {
		if _, ok := s.alarms.Get(name); !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, &dispatch.Error{Code: "ResourceNotFound", Status: 404, Message: fmt.Sprintf("Alarms [%s] do not exist", strings.Join(missing, ", "))}
	}
	for _, name := range in.AlarmNames {
		if _, err := s.alarms.Delete(name); err != nil {
			return nil, err
		}
	}
	return &Empty{}, nil
}

// change puts a copy of the alarm whose tags f has changed.
func (s *Service) change(arn string, f func(tags map[string]string)) error {
	row, err := s.byARN(arn)
	if err != nil {
		return err
	}
	tags := make(map[string]string, len(row.Tags))
	for k, v := range row.Tags {
		tags[k] = v
	}
	f(tags)
	if len(tags) > 50 {
		return dispatch.Errorf("InvalidParameterValue", "a resource has at most 50 tags")
	}
	row.Tags = tags
	return s.alarms.Put(row.AlarmName, row)
}

func (s *Service) byARN(arn string) (alarm, error) {
	name, ok := strings.CutPrefix(arn, s.arn(""))
	if ok {
		if row, found := s.alarms.Get(name); found {
			return row, nil
		}
	}
	return alarm{}, &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Message: "Resource not found: " + arn}
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	return &Empty{}, s.change(in.ResourceARN, func(tags map[string]string) {
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
	})
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return &Empty{}, s.change(in.ResourceARN, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	row, err := s.byARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &ListTagsForResourceOutput{Tags: make([]Tag, 0, len(row.Tags))}
	for k, v := range row.Tags {
		out.Tags = append(out.Tags, Tag{k, v})
	}
	slices.SortFunc(out.Tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}
