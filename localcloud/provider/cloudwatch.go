package provider

import (
	"context"
	"fmt"
	"math"
)

func cloudwatchTypes() []*resourceType { return []*resourceType{metricAlarmType(), dashboardType()} }

func dashboardType() *resourceType {
	members := []string{"dashboardName", "DashboardName", "dashboardBody", "DashboardBody"}
	put := func(ctx context.Context, c *call, in props) error {
		_, err := c.do(ctx, "cloudwatch", "PutDashboard", in.copied(props{}, members...))
		return err
	}
	return &resourceType{
		token: "aws:cloudwatch/dashboard:Dashboard",
		properties: []*property{text("dashboardArn").output(), jsonText("dashboardBody").needed(),
			text("dashboardName").needed().replaces().length(1, 255).matching(`^[0-9A-Za-z_-]+$`, "letters, digits, hyphens and underscores")},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			return in.text("dashboardName"), put(ctx, c, in)
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			out, err := c.do(ctx, "cloudwatch", "GetDashboard", props{"DashboardName": id})
			if err != nil {
				return nil, err
			}
			return out.copied(props{"dashboardArn": out["DashboardArn"]}, reversed(members)...), nil
		},
		update: func(ctx context.Context, c *call, ch *change) error { return put(ctx, c, ch.wanted) },
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "cloudwatch", "DeleteDashboards", props{"DashboardNames": []string{id}})
			return err
		},
	}
}

var units = []string{"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits",
	"Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second",
	"Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None"}

const percentile = `^(p(\d{1,2}(\.\d{0,2})?|100)|(tm|wm|tc|ts|TM|WM|TC|TS|PR|IQM|tmr?)\S*)$`

func isPeriod(v any) error {
	if n, _ := v.(float64); n != 10 && n != 20 && n != 30 && (n < 60 || math.Mod(n, 60) != 0) {
		return fmt.Errorf("expected it to be 10, 20, 30 or a multiple of 60, got %v", n)
	}
	return nil
}

// alarmMembers are the properties of an alarm that the API has as they are, by the API's name.
var alarmMembers = []string{
	"actionsEnabled", "ActionsEnabled", "alarmActions", "AlarmActions", "alarmDescription", "AlarmDescription",
	"comparisonOperator", "ComparisonOperator", "datapointsToAlarm", "DatapointsToAlarm",
	"evaluateLowSampleCountPercentiles", "EvaluateLowSampleCountPercentile", "evaluationPeriods", "EvaluationPeriods",
	"extendedStatistic", "ExtendedStatistic", "insufficientDataActions", "InsufficientDataActions", "metricName", "MetricName",
	"name", "AlarmName", "namespace", "Namespace", "okActions", "OKActions", "period", "Period", "statistic", "Statistic",
	"threshold", "Threshold", "thresholdMetricId", "ThresholdMetricId", "treatMissingData", "TreatMissingData", "unit", "Unit",
}

func metricAlarmType() *resourceType {
	actions := func(name string) *property {
		p := set(name, text("").checked(isARN))
		return p.length(0, 5)
	}
	r := &resourceType{
		token: "aws:cloudwatch/metricAlarm:MetricAlarm",
		properties: append(tagProperties(),
			boolean("actionsEnabled").defaults(true),
			actions("alarmActions"), text("alarmDescription").length(0, 1024), text("arn").output(),
			text("comparisonOperator").needed().oneOf("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
				"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"),
			integer("datapointsToAlarm").between(1, math.MaxInt32),
			stringMap("dimensions").against("metricQueries"),
			text("evaluateLowSampleCountPercentiles").oneOf("evaluate", "ignore").orChosen(),
			integer("evaluationPeriods").needed().between(1, math.MaxInt32),
			text("extendedStatistic").matching(percentile, "a percentile between p0.0 and p100 or another extended statistic").against("statistic", "metricQueries"),
			actions("insufficientDataActions"),
			text("metricName").against("metricQueries").length(0, 255),
			set("metricQueries", object("", text("accountId"), text("expression").length(0, 1024), text("id").needed().length(1, 255), text("label"),
				object("metric", stringMap("dimensions"), text("metricName").needed().length(0, 255), text("namespace").length(0, 255), integer("period").needed().checked(isPeriod),
					text("stat").needed(), text("unit").oneOf(units...)),
				integer("period").checked(isPeriod), boolean("returnData").defaults(false))),
			text("name").orChosen().replaces().length(0, 255),
			text("namespace").against("metricQueries").length(0, 255),
			actions("okActions"), integer("period").against("metricQueries").checked(isPeriod),
			text("statistic").oneOf("Average", "Maximum", "Minimum", "SampleCount", "Sum").against("extendedStatistic", "metricQueries"),
			float("threshold").against("thresholdMetricId"), text("thresholdMetricId").length(1, 255),
			text("treatMissingData").oneOf("breaching", "notBreaching", "ignore", "missing").defaults("missing"),
			text("unit").oneOf(units...),
		),
		naming: &naming{property: "name", maxLength: 255},
		check: func(in props) []failure {
			if !in.has("metricName") && !in.has("metricQueries") {
				return []failure{{"metricName", "one of `metricName,metricQueries` must be specified"}}
			}
			return nil
		},
	}
	put := func(ctx context.Context, c *call, in, more props) error {
		req := in.copied(more, alarmMembers...)
		if _, anomaly := req["ThresholdMetricId"]; !anomaly {
			req["Threshold"] = in.number("threshold")
		}
		if d := in["dimensions"]; d != nil {
			req["Dimensions"] = tagList(d, "Name", "Value")
		}
		if queries := metricQueries(in); len(queries) > 0 {
			req["Metrics"] = queries
		}
		_, err := c.do(ctx, "cloudwatch", "PutMetricAlarm", req)
		return err
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := props{}
		if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
			req["Tags"] = tags
		}
		if err := put(ctx, c, in, req); err != nil {
			return "", err
		}
		return in.text("name"), nil
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		out, err := c.do(ctx, "cloudwatch", "DescribeAlarms", props{"AlarmNames": []string{id}, "AlarmTypes": []string{"MetricAlarm"}})
		if err != nil {
			return nil, err
		}
		if len(out.list("MetricAlarms")) == 0 {
			return nil, nil
		}
		a := out.objects("MetricAlarms")[0]
		tags, err := c.do(ctx, "cloudwatch", "ListTagsForResource", props{"ResourceARN": a["AlarmArn"]})
		if err != nil {
			return nil, err
		}
		live := props{"arn": a["AlarmArn"], "tagsAll": tagMap(tags.objects("Tags"), "Key", "Value")}
		for i := 0; i < len(alarmMembers); i += 2 {
			if v := a[alarmMembers[i+1]]; !isZero(v) || v == false {
				live[alarmMembers[i]] = v
			}
		}
		if d := a.objects("Dimensions"); len(d) > 0 {
			live["dimensions"] = tagMap(d, "Name", "Value")
		}
		if q := a.objects("Metrics"); len(q) > 0 {
			live["metricQueries"] = readQueries(q)
		}
		return live, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if err := put(ctx, c, ch.wanted, props{}); err != nil {
			return err
		}
		return ch.retag(ctx, c, "cloudwatch", "ResourceARN", ch.old["arn"], "TagKeys", "Tags", func(tags any) []any { return tagList(tags, "Key", "Value") })
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "cloudwatch", "DeleteAlarms", props{"AlarmNames": []string{id}})
		return err
	}
	return r
}

var queryMembers = []string{"accountId", "AccountId", "expression", "Expression", "id", "Id", "label", "Label", "period", "Period", "returnData", "ReturnData"}

func metricQueries(in props) []any {
	var all []any
	for _, q := range in.objects("metricQueries") {
		out := q.copied(props{}, queryMembers...)
		if m := q.object("metric"); m != nil {
			metric := m.copied(props{}, "metricName", "MetricName", "namespace", "Namespace")
			if d := m["dimensions"]; d != nil {
				metric["Dimensions"] = tagList(d, "Name", "Value")
			}
			out["MetricStat"] = m.copied(props{"Metric": metric}, "period", "Period", "stat", "Stat", "unit", "Unit")
		}
		all = append(all, out)
	}
	return all
}

func readQueries(queries []props) []any {
	var all []any
	for _, q := range queries {
		out := map[string]any{}
		for i := 0; i < len(queryMembers); i += 2 {
			if v := q[queryMembers[i+1]]; !isZero(v) {
				out[queryMembers[i]] = v
			}
		}
		if st := q.object("MetricStat"); st != nil {
			m := st.object("Metric")
			metric := m.copied(st.copied(props{}, "Period", "period", "Stat", "stat", "Unit", "unit"), "MetricName", "metricName", "Namespace", "namespace")
			if d := m.objects("Dimensions"); len(d) > 0 {
				metric["dimensions"] = tagMap(d, "Name", "Value")
			}
			out["metric"] = map[string]any(metric)
		}
		all = append(all, out)
	}
	return all
}
