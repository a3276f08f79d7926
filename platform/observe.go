package platform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/pipes"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sfn"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// runbooks are the sections of docs/operate.md that say what to do about alarms, by the ends of the alarms' names. The first counts.
var runbooks = []struct{ suffix, section string }{
	{"-sweep-missing", "the-sweep-of-users-is-missing"},
	{"-sweep-lag", "the-sweep-of-changes-lags"},
	{"-failed", "executions-fail"},
	{"-timed-out", "executions-run-out-of-time"},
	{"-throttled", "executions-are-throttled"},
	{"-errors", "a-function-fails"},
	{"-throttles", "a-function-is-throttled"},
	{"-dead-letters", "messages-in-a-dead-letter-queue"},
	{"-dead-letters-waiting", "messages-in-a-dead-letter-queue"},
	{"-queue-age", "messages-wait"},
}

// runbook is where to read what to do about an alarm.
func runbook(alarm string) string {
	section := "alarms"
	if i := slices.IndexFunc(runbooks, func(r struct{ suffix, section string }) bool { return strings.HasSuffix(alarm, r.suffix) }); i >= 0 {
		section = runbooks[i].section
	}
	return "https://github.com/carepath/carepath/blob/main/docs/operate.md#" + section
}

// observed are the resources of a stack that its dashboard shows, each by its name in the program.
type observed struct {
	apis      []shown
	machines  []shown
	functions []shown
	queues    []shown
	tables    []shown
	pipes     []shown
	alarms    []shown
}

// shown is a resource and what CloudWatch knows it by, which is there when the resource is registered.
type shown struct {
	name string
	id   func() pulumi.StringOutput
}

// observe has every resource noticed that is made from here on, whichever component makes it, and gives each alarm the address of its
// runbook.
func (s *system) observe() error {
	return s.ctx.RegisterStackTransformation(func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		s.notice(args.Name, args.Resource)
		alarm, ok := args.Props.(*cloudwatch.MetricAlarmArgs)
		if !ok {
			return nil
		}
		linked := *alarm
		linked.AlarmDescription = described(alarm.AlarmDescription, runbook(args.Name))
		return &pulumi.ResourceTransformationResult{Props: &linked, Opts: args.Opts}
	})
}

// described is an alarm's description with the address of its runbook.
func described(description pulumi.StringPtrInput, address string) pulumi.StringPtrInput {
	if description == nil {
		return pulumi.String("Runbook: " + address)
	}
	if text, plain := description.(pulumi.String); plain {
		return pulumi.String(string(text) + ". Runbook: " + address)
	}
	return description.ToStringPtrOutput().ApplyT(func(text *string) string {
		if text == nil {
			return "Runbook: " + address
		}
		return *text + ". Runbook: " + address
	}).(pulumi.StringOutput).ToStringPtrOutput()
}

func (s *system) notice(name string, resource pulumi.Resource) {
	s.observedLock.Lock()
	defer s.observedLock.Unlock()
	o := &s.observed
	switch r := resource.(type) {
	case *apigateway.RestApi:
		o.apis = append(o.apis, shown{name, func() pulumi.StringOutput { return r.Name }})
	case *sfn.StateMachine:
		o.machines = append(o.machines, shown{name, func() pulumi.StringOutput { return r.Arn }})
	case *lambda.Function:
		o.functions = append(o.functions, shown{name, func() pulumi.StringOutput { return r.Name }})
	case *sqs.Queue:
		o.queues = append(o.queues, shown{name, func() pulumi.StringOutput { return r.Name }})
	case *dynamodb.Table:
		o.tables = append(o.tables, shown{name, func() pulumi.StringOutput { return r.Name }})
	case *pipes.Pipe:
		o.pipes = append(o.pipes, shown{name, func() pulumi.StringOutput { return r.Name }})
	case *cloudwatch.MetricAlarm:
		o.alarms = append(o.alarms, shown{name, func() pulumi.StringOutput { return r.Arn }})
	}
}

// sorted puts the resources in an order that does not depend on when they were made.
func sorted(all []shown) []shown {
	return slices.SortedFunc(slices.Values(all), func(a, b shown) int { return cmp.Compare(a.name, b.name) })
}
