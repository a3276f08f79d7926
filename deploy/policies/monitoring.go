package policies

import (
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
)

const hipaaIncidents = "HIPAA §164.308(a)(6)(ii)"

// alarmed reports whether an alarm watches one of the metrics of a resource, by a dimension.
func (c *check) alarmed(r *graph.Resource, dimension string, metrics ...string) bool {
	return slices.ContainsFunc(c.Of(metricAlarm), func(a *graph.Resource) bool {
		return slices.Contains(metrics, a.Text("metricName")) && c.Mentions(a.Text("dimensions."+dimension), r)
	})
}

// deadLetters are the queues that others put aside what failed in.
func (c *check) deadLetters() []*graph.Resource {
	var all []*graph.Resource
	add := func(text string) {
		for _, q := range c.Mentioned(text) {
			if q.Type == queue && !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
	}
	for _, r := range c.Resources {
		for _, path := range []string{"redrivePolicy", "deadLetterConfig.arn", "deadLetterConfig.targetArn", "target.deadLetterConfig.arn", "sourceParameters.dynamodbStreamParameters.deadLetterConfig.arn"} {
			add(r.Text(path))
		}
		if r.Type == queue && (strings.Contains(r.Name, "dead-letter") || strings.HasSuffix(r.Name, "-dlq")) && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

var monitoring = []Rule{
	{
		ID: "CPK-MON-001", Title: "Dead-letter queues have an alarm", Mend: "add an alarm on ApproximateNumberOfMessagesVisible with the queue's name",
		Reason:   "What is in a dead-letter queue was promised to somebody and waits for a person.",
		Controls: []string{hipaaIncidents, hipaaAudit},
		check: func(c *check) {
			for _, q := range c.deadLetters() {
				if !c.alarmed(q, "QueueName", "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "NumberOfMessagesReceived") {
					c.found(q, "no alarm tells when there is something in it")
				}
			}
		},
	},
	{
		ID: "CPK-MON-002", Title: "Functions and state machines have an alarm on failures", Mend: "make it with the component, which makes the alarms",
		Reason:   "A failure that nobody sees lasts.",
		Controls: []string{hipaaIncidents},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if !c.alarmed(r, "FunctionName", "Errors") {
					c.found(r, "no alarm tells when invocations fail")
				}
			}, function)
			c.each(func(r *graph.Resource) {
				if !c.alarmed(r, "StateMachineArn", "ExecutionsFailed") {
					c.found(r, "no alarm tells when executions fail")
				}
			}, stateMachine)
		},
	},
	traced("CPK-TRC-001", "Functions are traced", "AWS Security Hub Lambda.7", function, func(r *graph.Resource) bool { return r.Text("tracingConfig.mode") == "Active" }),
	traced("CPK-TRC-002", "State machines are traced", "", stateMachine, func(r *graph.Resource) bool { return r.True("tracingConfiguration.enabled") }),
	traced("CPK-TRC-003", "Stages of APIs are traced", "AWS Security Hub APIGateway.3", "aws:apigateway/stage:Stage", func(r *graph.Resource) bool { return r.True("xrayTracingEnabled") }),
}

func traced(id, title, control, token string, is func(r *graph.Resource) bool) Rule {
	r := Rule{
		ID: id, Title: title, Mend: "turn X-Ray on: Tracing of the component", Controls: []string{hipaaAudit},
		Reason: "A request that goes through several services can be followed through them only if each takes part.",
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if !is(r) {
					c.found(r, "X-Ray is off")
				}
			}, token)
		},
	}
	if control != "" {
		r.Controls = append(r.Controls, control)
	}
	return r
}
