// Package alarm makes CloudWatch alarms with what all alarms of Carepath have in common.
package alarm

import (
	"cmp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Alarm says when somebody is to look. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html.
type Alarm struct {
	// Description is for people who are woken by it.
	Description string
	// Namespace, Metric and Dimensions name what is watched.
	Namespace, Metric string
	Dimensions        pulumi.StringMap
	// Statistic of each period. Default: "Sum".
	Statistic string
	// PeriodSeconds and Periods: each of so many periods, one after the other, has to be wrong. Defaults: 60 and 1.
	PeriodSeconds, Periods int
	// Threshold is the value from which on it is wrong. Default: 1.
	Threshold float64
	// Missed turns it round: it is wrong below the threshold, and when there is no value at all.
	Missed bool
	// SilenceIsWrong says that a period without a value is wrong.
	SilenceIsWrong bool
}

// New makes an alarm that tells the SNS topics.
func New(ctx *pulumi.Context, name string, a Alarm, topics []pulumi.StringInput, opts ...pulumi.ResourceOption) error {
	var actions pulumi.Array
	for _, arn := range topics {
		actions = append(actions, arn)
	}
	comparison, missing := "GreaterThanOrEqualToThreshold", "notBreaching"
	if a.Missed {
		comparison = "LessThanThreshold"
	}
	if a.Missed || a.SilenceIsWrong {
		missing = "breaching"
	}
	_, err := cloudwatch.NewMetricAlarm(ctx, name, &cloudwatch.MetricAlarmArgs{
		AlarmDescription:   pulumi.String(a.Description),
		Namespace:          pulumi.String(a.Namespace),
		MetricName:         pulumi.String(a.Metric),
		Dimensions:         a.Dimensions,
		Statistic:          pulumi.String(cmp.Or(a.Statistic, "Sum")),
		Period:             pulumi.Int(cmp.Or(a.PeriodSeconds, 60)),
		EvaluationPeriods:  pulumi.Int(cmp.Or(a.Periods, 1)),
		ComparisonOperator: pulumi.String(comparison),
		Threshold:          pulumi.Float64(cmp.Or(a.Threshold, 1)),
		TreatMissingData:   pulumi.String(missing),
		AlarmActions:       actions,
	}, opts...)
	return err
}
