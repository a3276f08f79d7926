package platform

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// graphOf is a widget of a dashboard: one line for each metric of each resource.
type graphOf struct {
	title     string
	namespace string
	dimension string // that names the resource
	statistic string
	metrics   []string
	of        []shown
}

// newDashboard makes the stack's one dashboard, of everything that was noticed. Resources that are made afterwards are not on it.
func (s *system) newDashboard() error {
	o := &s.observed
	graphs := []graphOf{
		{"Requests to the APIs", "AWS/ApiGateway", "ApiName", "Sum", []string{"Count"}, o.apis},
		{"Requests that were refused or failed", "AWS/ApiGateway", "ApiName", "Sum", []string{"4XXError", "5XXError"}, o.apis},
		{"Latency of the APIs, ms, 99 %", "AWS/ApiGateway", "ApiName", "p99", []string{"Latency"}, o.apis},
		{"Executions that were started", "AWS/States", "StateMachineArn", "Sum", []string{"ExecutionsStarted"}, o.machines},
		{"Executions that did not succeed", "AWS/States", "StateMachineArn", "Sum", []string{"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"}, o.machines},
		{"Time of executions, ms, 99 %", "AWS/States", "StateMachineArn", "p99", []string{"ExecutionTime"}, o.machines},
		{"Invocations of functions", "AWS/Lambda", "FunctionName", "Sum", []string{"Invocations"}, o.functions},
		{"Invocations that failed or were throttled", "AWS/Lambda", "FunctionName", "Sum", []string{"Errors", "Throttles"}, o.functions},
		{"Time of invocations, ms, 99 %", "AWS/Lambda", "FunctionName", "p99", []string{"Duration"}, o.functions},
		{"Messages in queues", "AWS/SQS", "QueueName", "Maximum", []string{"ApproximateNumberOfMessagesVisible"}, o.queues},
		{"Age of the oldest message, s", "AWS/SQS", "QueueName", "Maximum", []string{"ApproximateAgeOfOldestMessage"}, o.queues},
		{"Messages that pipes could not hand on", "AWS/EventBridge/Pipes", "PipeName", "Sum", []string{"ExecutionFailed", "ExecutionThrottled"}, o.pipes},
		{"Units that tables wrote", "AWS/DynamoDB", "TableName", "Sum", []string{"ConsumedWriteCapacityUnits"}, o.tables},
		{"Units that tables read", "AWS/DynamoDB", "TableName", "Sum", []string{"ConsumedReadCapacityUnits"}, o.tables},
	}
	var known []any
	alarms := sorted(o.alarms)
	for _, a := range alarms {
		known = append(known, a.id())
	}
	for _, g := range graphs {
		for _, r := range sorted(g.of) {
			known = append(known, r.id())
		}
	}
	body := pulumi.All(known...).ApplyT(func(ids []any) (string, error) {
		widgets := []any{map[string]any{
			"type": "alarm", "x": 0, "y": 0, "width": 24, "height": 4, "properties": map[string]any{"title": "Alarms", "alarms": ids[:len(alarms)]},
		}}
		ids = ids[len(alarms):]
		for _, g := range graphs {
			lines := [][]any{}
			for i, r := range sorted(g.of) {
				for _, metric := range g.metrics {
					label := r.name
					if len(g.metrics) > 1 {
						label += " " + metric
					}
					lines = append(lines, []any{g.namespace, metric, g.dimension, ids[i], map[string]string{"label": label}})
				}
			}
			ids = ids[len(g.of):]
			if len(lines) == 0 {
				continue
			}
			at := len(widgets) - 1
			widgets = append(widgets, map[string]any{
				"type": "metric", "x": at % 3 * 8, "y": 4 + at/3*6, "width": 8, "height": 6,
				"properties": map[string]any{"title": g.title, "region": s.config.Region, "view": "timeSeries", "stat": g.statistic, "period": 60, "metrics": lines},
			})
		}
		text, err := json.Marshal(map[string]any{"widgets": widgets})
		if err != nil {
			return "", fmt.Errorf("writing the dashboard: %w", err)
		}
		return string(text), nil
	}).(pulumi.StringOutput)
	_, err := cloudwatch.NewDashboard(s.ctx, "stack", &cloudwatch.DashboardArgs{
		DashboardName: pulumi.String(s.ctx.Project() + "-" + s.ctx.Stack()), // AWS makes up no name for it
		DashboardBody: body,
	}, s.options()...)
	return err
}
