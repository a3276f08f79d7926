package cloudwatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cloudwatch"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

func TestAlarms(t *testing.T) {
	d := dispatch.New(clock.NewDriven(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), "000000000000", "us-east-1")
	if _, err := cloudwatch.New(d, store.Memory()); err != nil {
		t.Fatal(err)
	}
	do := func(action string, in any) (any, error) { return d.Do(t.Context(), d.Root(), "cloudwatch", action, in) }
	base := func() map[string]any {
		return map[string]any{"AlarmName": "a", "MetricName": "Errors", "Namespace": "AWS/Lambda", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
			"Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "Tags": []map[string]string{{"Key": "k", "Value": "v"}}}
	}
	for _, c := range []struct {
		change map[string]any
		want   string
	}{
		{map[string]any{"AlarmName": ""}, "alarmName"},
		{map[string]any{"ComparisonOperator": "Above"}, "comparisonOperator"},
		{map[string]any{"EvaluationPeriods": 0}, "evaluationPeriods"},
		{map[string]any{"Statistic": "Median"}, "statistic"},
		{map[string]any{"ExtendedStatistic": "p99"}, "mutually exclusive"},
		{map[string]any{"Period": 45}, "Period"},
		{map[string]any{"Threshold": nil}, "Threshold"},
		{map[string]any{"TreatMissingData": "never"}, "TreatMissingData"},
		{map[string]any{"DatapointsToAlarm": 2}, "DatapointsToAlarm"},
		{map[string]any{"AlarmActions": []string{"mail me"}}, "Invalid arn"},
		{map[string]any{"Namespace": ""}, "Namespace"},
	} {
		in := base()
		for k, v := range c.change {
			in[k] = v
		}
		if _, err := do("PutMetricAlarm", in); dispatch.AsError(err).Code != "ValidationError" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.change, err)
		}
	}
	if _, err := do("PutMetricAlarm", base()); err != nil {
		t.Fatal(err)
	}
	out, err := do("DescribeAlarms", map[string]any{"AlarmNames": []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	alarms := out.(*cloudwatch.DescribeAlarmsOutput).MetricAlarms
	if len(alarms) != 1 || alarms[0].StateValue != "INSUFFICIENT_DATA" || !*alarms[0].ActionsEnabled || alarms[0].AlarmArn != "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a" {
		t.Errorf("%+v", alarms)
	}
	tags, err := do("ListTagsForResource", map[string]any{"ResourceARN": alarms[0].AlarmArn})
	if err != nil || tags.(*cloudwatch.ListTagsForResourceOutput).Tags[0] != (cloudwatch.Tag{Key: "k", Value: "v"}) {
		t.Error(tags, err)
	}
	if _, err := do("DeleteAlarms", map[string]any{"AlarmNames": []string{"a", "b"}}); dispatch.AsError(err).Code != "ResourceNotFound" {
		t.Error(err)
	}
	if _, err := do("DeleteAlarms", map[string]any{"AlarmNames": []string{"a"}}); err != nil {
		t.Error(err)
	}
}
