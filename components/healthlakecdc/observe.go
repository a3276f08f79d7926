package healthlakecdc

import (
	"encoding/json"
	"fmt"

	"github.com/carepath/carepath/components/alarm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// metricNamespace is where the hydrator's metrics are.
const metricNamespace = "Carepath"

// makeAlarms tell when changes may be late. None of them means that a change is lost.
func (b *builder) makeAlarms() error {
	late := float64(60 * (3*b.args.SweepMinutes + 5))
	for suffix, a := range map[string]alarm.Alarm{
		"dead-letters": {
			Description: "Captures of the same messages have failed again and again", Namespace: "AWS/SQS", Metric: "ApproximateNumberOfMessagesVisible",
			Dimensions: pulumi.StringMap{"QueueName": b.deadLetters.Name},
		},
		"queue-age": {
			Description: "Messages wait for a capture", Namespace: "AWS/SQS", Metric: "ApproximateAgeOfOldestMessage",
			Dimensions: pulumi.StringMap{"QueueName": b.queue.Name}, Threshold: late,
		},
		"sweep-lag": {
			Description: "No sweep has been whole for a while", Namespace: metricNamespace, Metric: "SweepLag",
			Dimensions: pulumi.StringMap{"DataStoreId": b.datastore.id}, Threshold: late, SilenceIsWrong: true,
		},
	} {
		// Of a sweep there is a value only in every SweepMinutes.
		a.Statistic, a.PeriodSeconds, a.Periods = "Maximum", 300, max(1, b.args.SweepMinutes*2/5)
		if err := alarm.New(b.ctx, b.name+"-"+suffix, a, b.args.AlarmTopicARNs, b.parent); err != nil {
			return err
		}
	}
	return nil
}

// makeDashboard shows the way of a change, from the queue to the bus.
func (b *builder) makeDashboard() error {
	body := pulumi.All(b.queue.Name, b.deadLetters.Name, b.capture.ARN, b.hydrator.Name, b.bus.Name, b.datastore.id).ApplyT(func(v []any) (string, error) {
		widget := func(i int, title, statistic string, metrics ...[]any) map[string]any {
			return map[string]any{"type": "metric", "x": i % 2 * 12, "y": i / 2 * 6, "width": 12, "height": 6, "properties": map[string]any{
				"title": title, "region": b.args.Region, "view": "timeSeries", "stat": statistic, "period": 60, "metrics": metrics,
			}}
		}
		text, err := json.Marshal(map[string]any{"widgets": []any{
			widget(0, "Messages that wait", "Maximum",
				[]any{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", v[0]}, []any{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", v[1]},
				[]any{"AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", v[0], map[string]any{"yAxis": "right"}}),
			widget(1, "Captures", "Sum",
				[]any{"AWS/States", "ExecutionsStarted", "StateMachineArn", v[2]}, []any{"AWS/States", "ExecutionsFailed", "StateMachineArn", v[2]},
				[]any{"AWS/States", "ExecutionsTimedOut", "StateMachineArn", v[2]}),
			widget(2, "Hydrator", "Sum",
				[]any{"AWS/Lambda", "Invocations", "FunctionName", v[3]}, []any{"AWS/Lambda", "Errors", "FunctionName", v[3]},
				[]any{"AWS/Lambda", "Duration", "FunctionName", v[3], map[string]any{"stat": "p95", "yAxis": "right"}}),
			widget(3, "Changes published", "Sum", []any{"AWS/Events", "PutEventsEntriesCount", "EventBusName", v[4]}),
			widget(4, "Sweep", "Maximum", []any{metricNamespace, "SweepLag", "DataStoreId", v[5]},
				[]any{metricNamespace, "VersionsHeld", "DataStoreId", v[5]}, []any{metricNamespace, "VersionsErased", "DataStoreId", v[5]}),
		}})
		return string(text), err
	}).(pulumi.StringOutput)
	_, err := cloudwatch.NewDashboard(b.ctx, b.name, &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(fmt.Sprintf("%s-%s-%s", b.ctx.Project(), b.ctx.Stack(), b.name)), DashboardBody: body,
	}, b.parent)
	return err
}
