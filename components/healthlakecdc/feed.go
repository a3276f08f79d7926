package healthlakecdc

import (
	"encoding/json"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/pipes"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
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
