package healthlakecdc

import (
	"encoding/json"

	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// maxSubscriptions is how many active Subscriptions a data store may have. See
// https://docs.aws.amazon.com/healthlake/latest/devguide/reference-healthlake-endpoints-quotas.html.
const maxSubscriptions = 50

// makeSubscriptions has HealthLake tell of each version: a bus of its own with the data store's key, a rule from it to the queue,
// and a function that makes the topics and Subscriptions, which are FHIR resources, renews them before they end, and removes
// them with the stack. See https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-subscriptions.html.
func (b *builder) makeSubscriptions() error {
	bus, ready, err := b.makeNotificationBus()
	if err != nil {
		return err
	}
	installer, err := golambda.NewFunction(b.ctx, b.name+"-subscriptions", &golambda.FunctionArgs{
		Package:      "handlers/subscriptions",
		ModuleRoot:   b.args.ModuleRoot,
		Architecture: b.args.Architecture,
		Description:  pulumi.String("Makes, renews and removes the FHIR Subscriptions"),
		Timeout:      pulumi.Int(120),
		Environment: map[string]pulumi.StringInput{
			"DATA_STORE_ENDPOINT": b.datastore.endpoint,
			"EVENT_BUS_ARN":       bus.Arn,
		},
		Statements: []policy.Statement{
			{Sid: "Subscriptions", Actions: []string{
				"healthlake:ReadResource", "healthlake:UpdateResource", "healthlake:DeleteResource",
			}, Resources: policy.ARNs(b.datastore.arn)},
			b.throughHealthLake("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
		},
		KMSKeyARN:        b.key.Arn,
		LogRetentionDays: b.args.LogRetentionDays,
		AlarmTopicARNs:   b.args.AlarmTopicARNs,
	}, b.parent)
	if err != nil {
		return err
	}
	types := b.typesSorted()
	install, err := json.Marshal(map[string]any{"resourceTypes": types})
	if err != nil {
		return err
	}
	// It is called when the resource is made, changed and removed, each time with what Terraform knows of it.
	_, err = lambda.NewInvocation(b.ctx, b.name+"-subscriptions", &lambda.InvocationArgs{
		FunctionName: installer.Name, LifecycleScope: pulumi.String("CRUD"), Input: pulumi.String(install),
	}, b.parent, pulumi.DependsOn(ready))
	if err != nil {
		return err
	}
	role, granted, err := b.role("renewal", "Renews the FHIR Subscriptions of "+b.name, "scheduler.amazonaws.com",
		policy.Statement{Sid: "Renew", Actions: []string{"lambda:InvokeFunction"}, Resources: policy.ARNs(installer.ARN)})
	if err != nil {
		return err
	}
	renew, err := json.Marshal(map[string]any{"resourceTypes": types, "renew": true})
	if err != nil {
		return err
	}
	_, err = scheduler.NewSchedule(b.ctx, b.name+"-renewal", &scheduler.ScheduleArgs{
		Description:        pulumi.String("Renews the FHIR Subscriptions before they end, and makes anew those that are in error"),
		ScheduleExpression: pulumi.String("rate(1 day)"),
		FlexibleTimeWindow: scheduler.ScheduleFlexibleTimeWindowArgs{Mode: pulumi.String("OFF")},
		Target:             scheduler.ScheduleTargetArgs{Arn: installer.ARN, RoleArn: role.Arn, Input: pulumi.String(renew)},
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{granted}))
	return err
}

// makeNotificationBus makes the bus of HealthLake's notifications and the way from it to the queue. HealthLake takes a
// Subscription only when they are there.
func (b *builder) makeNotificationBus() (*cloudwatch.EventBus, []pulumi.Resource, error) {
	name := b.name + "-notifications"
	bus, err := cloudwatch.NewEventBus(b.ctx, name, &cloudwatch.EventBusArgs{
		Description: pulumi.String("Notifications of FHIR Subscriptions of " + b.args.DatastoreName), KmsKeyIdentifier: b.key.Arn.ToStringPtrOutput(),
	}, b.parent)
	if err != nil {
		return nil, nil, err
	}
	let, err := cloudwatch.NewEventBusPolicy(b.ctx, name, &cloudwatch.EventBusPolicyArgs{
		EventBusName: bus.Name,
		// Whether HealthLake says for which data store it calls is not documented, so the policy does not ask.
		Policy: policy.Document(policy.Statement{
			Sid: "HealthLake", Principal: map[string]string{"Service": "healthlake.amazonaws.com"}, Actions: []string{"events:PutEvents"}, Resources: policy.ARNs(bus.Arn),
		}),
	}, pulumi.Parent(bus))
	if err != nil {
		return nil, nil, err
	}
	notifications, err := pattern(map[string]any{"source": []string{"healthlake"}, "detail-type": []string{"FHIR Subscription Notification"}})
	if err != nil {
		return nil, nil, err
	}
	rule, err := cloudwatch.NewEventRule(b.ctx, name, &cloudwatch.EventRuleArgs{
		Description: pulumi.String("Notifications of versions"), EventBusName: bus.Name, EventPattern: pulumi.String(notifications),
	}, b.parent)
	if err != nil {
		return nil, nil, err
	}
	if err := b.allowRules(b.name+"-triggers", b.queue, rule); err != nil {
		return nil, nil, err
	}
	target, err := cloudwatch.NewEventTarget(b.ctx, name, &cloudwatch.EventTargetArgs{
		Rule: rule.Name, EventBusName: bus.Name, Arn: b.queue.Arn, RetryPolicy: retryForADay(),
		InputTransformer: cloudwatch.EventTargetInputTransformerArgs{
			InputPaths:    pulumi.StringMap{"entry": pulumi.String("$.detail.notificationBundlePayload.entry")},
			InputTemplate: pulumi.String(`{"reason":"notification","entry":<entry>}`),
		},
	}, b.parent)
	return bus, []pulumi.Resource{let, target}, err
}
