package healthlakecdc

import (
	"encoding/json"
	"fmt"

	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/components/alarm"
	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/pipes"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/schemas"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// captureSeconds is longer than an Express execution lives: until then a batch of messages belongs to its capture.
	captureSeconds = 360
	// maxReceives is how often a message starts a capture before it is put aside.
	maxReceives = 5
	// batchSize is how many messages start one capture: all together they are far below the 256 KB of an execution's input.
	// A notification is larger than a trigger.
	batchSize, notificationBatchSize = 1000, 100
)

// makeQueues makes the queue of the messages that start captures, and the one for messages whose captures failed again and again.
func (b *builder) makeQueues() (err error) {
	b.deadLetters, err = sqs.NewQueue(b.ctx, b.name+"-dead-letters", b.secure(&sqs.QueueArgs{}), b.parent, b.protection())
	if err != nil {
		return err
	}
	redrive := b.deadLetters.Arn.ApplyT(func(arn string) (string, error) {
		text, err := json.Marshal(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": maxReceives})
		return string(text), err
	}).(pulumi.StringOutput)
	b.queue, err = sqs.NewQueue(b.ctx, b.name+"-triggers", b.secure(&sqs.QueueArgs{
		DelaySeconds:             pulumi.Int(*b.args.IndexDelaySeconds),
		VisibilityTimeoutSeconds: pulumi.Int(captureSeconds),
		RedrivePolicy:            redrive.ToStringPtrOutput(),
	}), b.parent, b.protection())
	return err
}

// makePipe starts the capture workflow with the messages of the queue. What an execution did not end well with stays in the
// queue and comes again.
func (b *builder) makePipe() error {
	role, granted, err := b.role("pipe", "Starts captures with the messages of the queue", "pipes.amazonaws.com",
		policy.Statement{
			Sid: "Receive", Actions: []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, Resources: policy.ARNs(b.queue.Arn),
		},
		policy.Statement{Sid: "Key", Actions: []string{"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"}, Resources: policy.ARNs(b.key.Arn)},
		policy.Statement{Sid: "Capture", Actions: []string{"states:StartSyncExecution"}, Resources: policy.ARNs(b.capture.ARN)})
	if err != nil {
		return err
	}
	size := batchSize
	if b.args.Feed == Subscriptions {
		size = notificationBatchSize
	}
	_, err = pipes.NewPipe(b.ctx, b.name, &pipes.PipeArgs{
		Description: pulumi.String("Captures the changes that messages tell of"),
		RoleArn:     role.Arn,
		Source:      b.queue.Arn,

		KmsKeyIdentifier: b.key.Arn.ToStringPtrOutput(),
		SourceParameters: pipes.PipeSourceParametersArgs{SqsQueueParameters: pipes.PipeSourceParametersSqsQueueParametersArgs{
			BatchSize: pulumi.Int(size), MaximumBatchingWindowInSeconds: pulumi.Int(*b.args.BatchingWindowSeconds),
		}},
		Target: b.capture.ARN,
		TargetParameters: pipes.PipeTargetParametersArgs{
			InputTemplate: pulumi.String(`{"body": <$.body>}`),
			StepFunctionStateMachineParameters: pipes.PipeTargetParametersStepFunctionStateMachineParametersArgs{
				InvocationType: pulumi.String("REQUEST_RESPONSE"),
			},
		},
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{granted}))
	return err
}

// makeSweep sends the message that starts a sweep.
func (b *builder) makeSweep() error {
	role, granted, err := b.role("sweep", "Starts the sweep of "+b.name, "scheduler.amazonaws.com",
		policy.Statement{Sid: "Send", Actions: []string{"sqs:SendMessage"}, Resources: policy.ARNs(b.queue.Arn)},
		policy.Statement{Sid: "Encrypt", Actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resources: policy.ARNs(b.key.Arn)})
	if err != nil {
		return err
	}
	unit := "minutes"
	if b.args.SweepMinutes == 1 {
		unit = "minute"
	}
	_, err = scheduler.NewSchedule(b.ctx, b.name+"-sweep", &scheduler.ScheduleArgs{
		Description:        pulumi.String("Finds the changes that nobody has told of"),
		ScheduleExpression: pulumi.Sprintf("rate(%d %s)", b.args.SweepMinutes, unit),
		FlexibleTimeWindow: scheduler.ScheduleFlexibleTimeWindowArgs{Mode: pulumi.String("OFF")},
		Target: scheduler.ScheduleTargetArgs{
			Arn: b.queue.Arn, RoleArn: role.Arn, Input: pulumi.String(`{"reason":"sweep"}`),
			// The next sweep looks where this one would have looked.
			RetryPolicy: scheduler.ScheduleTargetRetryPolicyArgs{MaximumEventAgeInSeconds: pulumi.Int(60 * b.args.SweepMinutes), MaximumRetryAttempts: pulumi.Int(3)},
		},
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{granted}))
	return err
}

// role makes a role that a service takes on, and what it may do.
func (b *builder) role(suffix, description, service string, statements ...policy.Statement) (*iam.Role, *iam.RolePolicy, error) {
	role, err := iam.NewRole(b.ctx, b.name+"-"+suffix+"-role", &iam.RoleArgs{
		Description: pulumi.String(description),
		AssumeRolePolicy: policy.Trust(service,
			policy.Condition{Operator: "StringEquals", Key: "aws:SourceAccount", Values: policy.ARNs(pulumi.String(b.args.Account))}),
	}, b.parent)
	if err != nil {
		return nil, nil, err
	}
	granted, err := iam.NewRolePolicy(b.ctx, b.name+"-"+suffix+"-policy", &iam.RolePolicyArgs{Role: role.Name, Policy: policy.Document(statements...)}, b.parent)
	return role, granted, err
}

// pattern writes an event pattern whose members are in order.
func pattern(parts map[string]any) (string, error) {
	text, err := json.Marshal(parts)
	return string(text), err
}

// makeRules sends a message for each write that CloudTrail tells of. There are two rules, because a record of a bundle need not
// name a resource type, and an input transformer cannot do without: what it is not told of, such a trigger asks for all types.
// Whether a bundle's record has the data store's id is not documented, so that rule does not insist on it. See
// https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-healthlake.html.
func (b *builder) makeRules() error {
	succeeded := []any{map[string]any{"numeric": []any{">=", 200, "<", 300}}, map[string]any{"exists": false}}
	rule := func(name, description string, detail func(datastore string) map[string]any) (*cloudwatch.EventRule, error) {
		return cloudwatch.NewEventRule(b.ctx, b.name+"-"+name, &cloudwatch.EventRuleArgs{
			Description: pulumi.String(description),
			EventPattern: b.datastore.id.ApplyT(func(id string) (string, error) {
				d := detail(id)
				d["eventSource"] = []string{"healthlake.amazonaws.com"}
				d["errorCode"] = []any{map[string]any{"exists": false}}
				d["responseElements"] = map[string]any{"statusCode": succeeded}
				return pattern(map[string]any{"source": []string{"aws.healthlake"}, "detail-type": []string{"AWS API Call via CloudTrail"}, "detail": d})
			}).(pulumi.StringOutput).ToStringPtrOutput(),
		}, b.parent)
	}
	writes, err := rule("writes", "Writes of single resources", func(id string) map[string]any {
		return map[string]any{
			"eventName":         []string{"CreateResource", "UpdateResource", "PatchResource", "DeleteResource"},
			"requestParameters": map[string]any{"datastoreId": []string{id}, "resourceType": b.typesSorted()},
		}
	})
	if err != nil {
		return err
	}
	bundles, err := rule("bundles", "Bundles, bulk deletions and imports", func(id string) map[string]any {
		return map[string]any{
			"eventName":         []any{"ProcessBundle", "StartFHIRBulkDeleteJob", "StartFHIRImportJob"},
			"requestParameters": map[string]any{"datastoreId": []any{id, map[string]any{"exists": false}}},
		}
	})
	if err != nil {
		return err
	}
	if err := b.allowRules(b.name+"-triggers", b.queue, writes, bundles); err != nil {
		return err
	}
	if _, err := cloudwatch.NewEventTarget(b.ctx, b.name+"-writes", &cloudwatch.EventTargetArgs{
		Rule: writes.Name, Arn: b.queue.Arn, RetryPolicy: retryForADay(),
		InputTransformer: cloudwatch.EventTargetInputTransformerArgs{
			InputPaths:    pulumi.StringMap{"name": pulumi.String("$.detail.eventName"), "type": pulumi.String("$.detail.requestParameters.resourceType")},
			InputTemplate: pulumi.String(`{"reason":"trigger","eventName":<name>,"resourceType":<type>}`),
		},
	}, b.parent); err != nil {
		return err
	}
	_, err = cloudwatch.NewEventTarget(b.ctx, b.name+"-bundles", &cloudwatch.EventTargetArgs{
		Rule: bundles.Name, Arn: b.queue.Arn, RetryPolicy: retryForADay(), Input: pulumi.String(`{"reason":"trigger"}`),
	}, b.parent)
	return err
}

func retryForADay() cloudwatch.EventTargetRetryPolicyArgs {
	return cloudwatch.EventTargetRetryPolicyArgs{MaximumEventAgeInSeconds: pulumi.Int(24 * 60 * 60), MaximumRetryAttempts: pulumi.Int(185)}
}

// allowRules lets EventBridge send to a queue for the rules, and nobody do so without TLS.
func (b *builder) allowRules(name string, queue *sqs.Queue, rules ...*cloudwatch.EventRule) error {
	var arns []pulumi.StringInput
	for _, r := range rules {
		arns = append(arns, r.Arn)
	}
	_, err := sqs.NewQueuePolicy(b.ctx, name, &sqs.QueuePolicyArgs{
		QueueUrl: queue.Url,
		Policy: policy.Document(policy.Statement{
			Sid: "Rules", Principal: map[string]string{"Service": "events.amazonaws.com"}, Actions: []string{"sqs:SendMessage"}, Resources: policy.ARNs(queue.Arn),
			Conditions: []policy.Condition{{Operator: "ArnEquals", Key: "aws:SourceArn", Values: arns}},
		}, requireTLS("sqs:*", queue.Arn)),
	}, b.parent)
	return err
}

// requireTLS refuses what is not encrypted on its way.
func requireTLS(actions string, resources ...pulumi.StringInput) policy.Statement {
	return policy.Statement{
		Sid: "TLS", Deny: true, Principal: map[string]string{"AWS": "*"}, Actions: []string{actions}, Resources: resources,
		Conditions: []policy.Condition{{Operator: "Bool", Key: "aws:SecureTransport", Values: policy.ARNs(pulumi.String("false"))}},
	}
}

// makeChangeBus makes the bus of the changes and the archive from which they can be replayed.
func (b *builder) makeChangeBus() (err error) {
	name := b.name + "-changes"
	b.bus, err = cloudwatch.NewEventBus(b.ctx, name, &cloudwatch.EventBusArgs{
		Description: pulumi.String("Each version of each FHIR resource of " + b.args.DatastoreName), KmsKeyIdentifier: b.key.Arn.ToStringPtrOutput(),
	}, b.parent)
	if err != nil {
		return err
	}
	everything, err := changePattern()
	if err != nil {
		return err
	}
	_, err = cloudwatch.NewEventArchive(b.ctx, name, &cloudwatch.EventArchiveArgs{
		Description: pulumi.String("The changes, for a replay"), EventSourceArn: b.bus.Arn, RetentionDays: pulumi.Int(b.args.ArchiveDays),
		EventPattern: pulumi.String(everything),
	}, pulumi.Parent(b.bus), b.protection())
	if err != nil {
		return err
	}
	return b.makeSchema()
}

// makeSchema puts the event's schema where EventBridge's users look for schemas, under the name that EventBridge would give it.
func (b *builder) makeSchema() error {
	content, err := draft4()
	if err != nil {
		return err
	}
	name := b.name + "-changes"
	registry, err := schemas.NewRegistry(b.ctx, name, &schemas.RegistryArgs{Description: pulumi.String("The events on the change bus of " + b.name)}, pulumi.Parent(b.bus))
	if err != nil {
		return err
	}
	_, err = schemas.NewSchema(b.ctx, name, &schemas.SchemaArgs{
		Name: pulumi.String(changes.Source + "@FHIRResourceChanged"), RegistryName: registry.Name, Type: pulumi.String("JSONSchemaDraft4"),
		Description: pulumi.String("The detail of a change"), Content: pulumi.String(content),
	}, pulumi.Parent(registry))
	return err
}

// draft4 is the schema of changes as far as JSON Schema's draft 4 can say it, which is what EventBridge takes: not that a deletion
// has no resource.
func draft4() (string, error) {
	var schema map[string]any
	if err := json.Unmarshal([]byte(changes.Schema()), &schema); err != nil {
		return "", fmt.Errorf("reading the schema of changes: %w", err)
	}
	schema["$schema"], schema["id"] = "http://json-schema.org/draft-04/schema#", schema["$id"]
	for _, later := range []string{"$id", "if", "then"} {
		delete(schema, later)
	}
	text, err := json.Marshal(schema) // its members are written in the order of the alphabet
	return string(text), err
}

// changePattern matches every change.
func changePattern() (string, error) {
	return pattern(map[string]any{"source": []string{changes.Source}, "detail-type": []string{changes.DetailType}})
}

// makeChangeBusPolicy lets nobody but the capture workflow put events on the bus: subscribers can trust it.
func (b *builder) makeChangeBusPolicy() error {
	_, err := cloudwatch.NewEventBusPolicy(b.ctx, b.name+"-changes", &cloudwatch.EventBusPolicyArgs{
		EventBusName: b.bus.Name,
		Policy: policy.Document(policy.Statement{
			Sid: "CaptureOnly", Deny: true, Principal: map[string]string{"AWS": "*"}, Actions: []string{"events:PutEvents"}, Resources: policy.ARNs(b.bus.Arn),
			Conditions: []policy.Condition{{Operator: "ArnNotEquals", Key: "aws:PrincipalArn", Values: policy.ARNs(b.capture.RoleARN)}},
		}),
	}, pulumi.Parent(b.bus))
	return err
}

// makeSubscriber makes a queue with every change, by a rule of its own: an example, and for people who want to look.
func (b *builder) makeSubscriber() (err error) {
	name := b.name + "-subscriber"
	changes, err := changePattern()
	if err != nil {
		return err
	}
	b.subscriber, err = sqs.NewQueue(b.ctx, name, b.secure(&sqs.QueueArgs{VisibilityTimeoutSeconds: pulumi.Int(60)}), b.parent, b.protection())
	if err != nil {
		return err
	}
	rule, err := cloudwatch.NewEventRule(b.ctx, name, &cloudwatch.EventRuleArgs{
		Description: pulumi.String("Every change"), EventBusName: b.bus.Name, EventPattern: pulumi.String(changes),
	}, b.parent)
	if err != nil {
		return err
	}
	if err := b.allowRules(name, b.subscriber, rule); err != nil {
		return err
	}
	_, err = cloudwatch.NewEventTarget(b.ctx, name, &cloudwatch.EventTargetArgs{
		Rule: rule.Name, EventBusName: b.bus.Name, Arn: b.subscriber.Arn, RetryPolicy: retryForADay(),
		DeadLetterConfig: cloudwatch.EventTargetDeadLetterConfigArgs{Arn: b.deadLetters.Arn},
	}, b.parent)
	if err != nil {
		return err
	}
	return b.allowRules(b.name+"-dead-letters", b.deadLetters, rule)
}

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
