package policies

import (
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
)

const hipaaAccess = "HIPAA §164.312(a)(1)"

// withoutResources are actions that AWS takes on "*" only. See
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html and
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
var withoutResources = map[string]string{
	"logs:CreateLogDelivery": deliveries, "logs:GetLogDelivery": deliveries, "logs:UpdateLogDelivery": deliveries, "logs:DeleteLogDelivery": deliveries, "logs:ListLogDeliveries": deliveries,
	"logs:PutResourcePolicy": deliveries, "logs:DescribeResourcePolicies": deliveries, "logs:DescribeLogGroups": deliveries,
	"xray:PutTraceSegments": tracing, "xray:PutTelemetryRecords": tracing, "xray:GetSamplingRules": tracing, "xray:GetSamplingTargets": tracing, "xray:GetSamplingStatisticSummaries": tracing,
	"cloudwatch:PutMetricData": "metrics have no resource: the namespace is a condition",
}

const (
	deliveries = `a delivery of logs to a log group takes "*" only`
	tracing    = "X-Ray's traces have no resource"
)

var permissions = []Rule{
	{
		ID: "CPK-IAM-001", Title: "Policies name their actions", Mend: "name the actions that are used",
		Reason:   "An action that is added to a service tomorrow would be allowed today. A policy that nobody can read allows nobody knows what.",
		Controls: []string{hipaaAccess, "HIPAA §164.308(a)(4)", "AWS Security Hub IAM.21"},
		check: func(c *check) {
			for _, p := range c.identityPolicies() {
				for _, s := range c.statements(p) {
					if s.Effect != "Allow" {
						continue
					}
					if len(s.NotActions) > 0 {
						c.found(p.owner, "%s allows all actions but some", s.label())
					}
					for _, a := range s.Actions {
						if strings.Contains(a, "*") {
							c.found(p.owner, "%s allows %s", s.label(), a)
						}
					}
				}
			}
		},
	},
	{
		ID: "CPK-IAM-002", Title: "Policies name their resources", Mend: "name the ARNs on which the action is used",
		Reason:     "A function that is broken into reaches what its role reaches, and no more.",
		Controls:   []string{hipaaAccess, "HIPAA §164.308(a)(4)"},
		Exceptions: wildcardExceptions(),
		check: func(c *check) {
			for _, p := range c.identityPolicies() {
				if c.writesAccessLogs(p.owner) {
					continue
				}
				for _, s := range c.statements(p) {
					everything := slices.ContainsFunc(s.Resources, anything)
					finer := slices.DeleteFunc(slices.Clone(s.Actions), func(a string) bool { return withoutResources[a] != "" })
					if s.Effect == "Allow" && everything && len(finer) > 0 {
						c.found(p.owner, "%s allows %s on everything", s.label(), strings.Join(finer, ", "))
					}
				}
			}
		},
	},
	{
		ID: "CPK-IAM-003", Title: "Nobody gets an AWS-managed policy of wide reach", Mend: "write a policy of the actions that are used",
		Reason:   "AWS adds to its managed policies, and they know no resources.",
		Controls: []string{hipaaAccess, "AWS Security Hub IAM.1", "CIS 1.16"},
		check: func(c *check) {
			wide := func(arn string) bool {
				name := arn[strings.LastIndex(arn, "/")+1:]
				return strings.Contains(arn, ":iam::aws:policy/") && (name == "AdministratorAccess" || name == "PowerUserAccess" || name == "IAMFullAccess" || strings.HasSuffix(name, "FullAccess"))
			}
			c.each(func(r *graph.Resource) {
				if arn := r.Text("policyArn"); wide(arn) {
					c.found(r, "it attaches %s", arn)
				}
				arns, _ := r.Value("managedPolicyArns")
				if !arns.IsArray() {
					return
				}
				for _, v := range arns.ArrayValue() {
					if v.IsString() && wide(v.StringValue()) {
						c.found(r, "it has %s", v.StringValue())
					}
				}
			}, "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/policyAttachment:PolicyAttachment", "aws:iam/userPolicyAttachment:UserPolicyAttachment",
				"aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "aws:iam/role:Role")
		},
	},
	{
		ID: "CPK-IAM-004", Title: "Roles trust whom they name", Mend: "name the service or the account; of an identity provider, the audience and the subject",
		Reason:   "Whoever a role trusts is the role.",
		Controls: []string{hipaaAccess, "HIPAA §164.312(d)"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				for _, s := range c.statements(policy{r, "assumeRolePolicy"}) {
					if s.Effect != "Allow" {
						continue
					}
					if s.NotPrincipal || slices.Contains(s.Principals, "*") {
						c.found(r, "%s lets everybody assume it", s.label())
					}
					subject := slices.ContainsFunc(s.keys(), func(k string) bool { return strings.HasSuffix(k, ":sub") })
					audience := slices.ContainsFunc(s.keys(), func(k string) bool { return strings.HasSuffix(k, ":aud") })
					if slices.ContainsFunc(s.Principals, func(p string) bool { return strings.HasPrefix(p, "Federated:") }) && !(subject && audience) {
						c.found(r, "%s lets anybody with the identity provider assume it: it names no subject or no audience", s.label())
					}
				}
			}, "aws:iam/role:Role")
		},
	},
}

func wildcardExceptions() []string {
	const gateway = "the role with which API Gateway writes access logs, in an account and region: API Gateway refuses a role that may do less"
	by := map[string][]string{}
	for action, why := range withoutResources {
		by[why] = append(by[why], action)
	}
	all := []string{gateway}
	for why, actions := range by {
		slices.Sort(actions)
		all = append(all, strings.Join(actions, ", ")+": "+why)
	}
	slices.Sort(all)
	return all
}

// anything reports whether a resource of a statement is all there are of a service, or all there are.
func anything(resource string) bool {
	parts := strings.SplitN(resource, ":", 6)
	return strings.Trim(resource, "*") == "" || len(parts) == 6 && strings.Trim(parts[5], "*") == ""
}

// writesAccessLogs reports whether a policy is that of the role that API Gateway's account settings name.
func (c *check) writesAccessLogs(p *graph.Resource) bool {
	for _, role := range c.Mentioned(p.Text("role")) {
		for _, account := range c.Of("aws:apigateway/account:Account") {
			if !c.Mentions(account.Text("cloudwatchRoleArn"), role) {
				continue
			}
			trust, err := document(role.Text("assumeRolePolicy"))
			return err == nil && len(trust) == 1 && slices.Equal(trust[0].Principals, []string{"Service:apigateway.amazonaws.com"})
		}
	}
	return false
}
