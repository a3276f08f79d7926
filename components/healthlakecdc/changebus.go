package healthlakecdc

import (
	"encoding/json"
	"fmt"

	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/schemas"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

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
