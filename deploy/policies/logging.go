package policies

import "github.com/carepath/carepath/deploy/graph"

const hipaaAudit = "HIPAA §164.312(b)"

// leastProductionRetention is in days.
const leastProductionRetention = 365

var logging = []Rule{
	{
		ID: "CPK-LOG-001", Title: "Log groups keep their events for a time, in production for a year at least", Mend: "set carepath:platform.logRetentionDays",
		Reason:   "Events that are kept for ever are a cost and a risk for ever; those of production are looked at long after.",
		Controls: []string{hipaaAudit, "HIPAA §164.308(a)(1)(ii)(D)", "AWS Security Hub CloudWatch.16"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				days, _ := r.Number("retentionInDays")
				switch {
				case days == 0:
					c.found(r, "it keeps its events for ever")
				case days < leastProductionRetention && c.Environment == prod:
					c.found(r, "it keeps its events for %v days", days)
				}
			}, logGroup)
		},
	},
	{
		ID: "CPK-LOG-002", Title: "State machines log", Mend: "set LogLevel of the workflow",
		Reason:   "An Express execution that failed is in its log and nowhere else.",
		Controls: []string{hipaaAudit, "AWS Security Hub StepFunctions.1"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if level := r.Text("loggingConfiguration.level"); level == "" || level == "OFF" {
					c.found(r, "it does not log")
				}
			}, stateMachine)
		},
	},
	{
		ID: "CPK-LOG-003", Title: "Stages of APIs have an access log", Mend: "set accessLogSettings of the stage",
		Reason:   "Who asked for what, and when, is the first question after an incident.",
		Controls: []string{hipaaAudit, "HIPAA §164.308(a)(1)(ii)(D)"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if r.Text("accessLogSettings.destinationArn") == "" {
					c.found(r, "it has no access log")
				}
			}, "aws:apigateway/stage:Stage")
		},
	},
	{
		ID: "CPK-LOG-004", Title: "Payloads are not logged", Mend: "leave LogExecutionData and dataTraceEnabled off",
		Reason:   "Payloads may be health data, and more people read logs than records.",
		Controls: []string{"HIPAA §164.502(b)", hipaaAccess},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if r.True("loggingConfiguration.includeExecutionData") {
					c.found(r, "it logs the inputs and outputs of executions")
				}
				if r.True("settings.dataTraceEnabled") {
					c.found(r, "it logs whole requests and responses")
				}
				if level := r.Text("logConfiguration.includeExecutionDatas[0]"); level != "" {
					c.found(r, "it logs the payloads that pass through it")
				}
			}, stateMachine, "aws:apigateway/methodSettings:MethodSettings", "aws:pipes/pipe:Pipe")
		},
	},
	{
		ID: "CPK-LOG-005", Title: "Trails can tell whether their files were changed", Mend: "set EnableLogFileValidation",
		Reason:   "A record that can be changed unseen proves nothing.",
		Controls: []string{hipaaAudit, "HIPAA §164.312(c)(1)", "AWS Security Hub CloudTrail.4", "CIS 3.2"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if !r.True("enableLogFileValidation") {
					c.found(r, "enableLogFileValidation is not on")
				}
			}, trails...)
		},
	},
}
