// Package healthlakecdc deploys what captures the changes of a HealthLake FHIR data store: the data store with its key, what
// tells of changes (CloudTrail, or FHIR Subscriptions), a queue, the capture workflow with its hydrator and its ledger, a
// sweep that finds what nobody told of, and the bus on which each version of each resource becomes an event.
package healthlakecdc

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/policy"
	"github.com/carepath/carepath/components/workflow"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ChangeCaptureType is the type token of ChangeCapture.
const ChangeCaptureType = "carepath:healthlakecdc:ChangeCapture"

// captureDefinition is a file that Workflow Studio opens.
//
//go:embed capture.asl.json
var captureDefinition string

// Feed is what tells that something has changed. A sweep finds what it does not tell of, whichever it is.
type Feed string

// The feeds.
const (
	// CloudTrail is a rule on the default bus for the records of writes. They hide which resource it was, and AWS delivers them
	// as well as it can, within minutes.
	CloudTrail Feed = "cloudtrail"
	// Subscriptions are FHIR Subscriptions, one for each type, whose notifications name the versions. AWS charges for each.
	Subscriptions Feed = "subscriptions"
)

// Payload is what an event has of the resource.
type Payload string

// The payloads.
const (
	// Full is the resource itself, byte for byte, where it fits into an event.
	Full Payload = "full"
	// Reference is the URL of the version only.
	Reference Payload = "reference"
)

// ChangeCaptureArgs says what is captured, and how.
type ChangeCaptureArgs struct {
	// ResourceTypes are the FHIR resource types whose changes are captured, such as "Patient": at least one. With Subscriptions
	// at most 50, as many as a data store may have. Plain, as Feed and Payload, because it decides what is deployed.
	ResourceTypes []string
	// DatastoreName is the data store's name, 1 to 256 characters. It cannot be changed: AWS would make another data store.
	// Required, and plain, so that the desired state has the same bytes each time.
	DatastoreName string
	// Tags of the data store, which the provider's default tags do not reach. Plain for the same reason.
	Tags map[string]string
	// Feed is what tells of changes. Default: CloudTrail.
	Feed Feed
	// WithoutTrail leaves the trail to somebody else, such as an organisation's. Default: false: with the feed CloudTrail a
	// trail for management events that write is made. Plain, because it decides what is deployed.
	WithoutTrail bool
	// Payload of the events. Default: Full.
	Payload Payload
	// IndexDelaySeconds is how long a trigger waits in the queue until the data store's index has what was written: 0 to 900.
	// Default: 30. Subscriptions need none, for their notifications name the versions. Plain, as all periods, because it is
	// checked before anything is deployed.
	IndexDelaySeconds *int
	// BatchingWindowSeconds is how long triggers are gathered for one capture: 1 to 300. Default: 30, for CloudTrail tells of a
	// burst over minutes, and each capture searches; with Subscriptions 5.
	BatchingWindowSeconds *int
	// SweepMinutes is the interval of the sweep: 1 to 60. Default: 5.
	SweepMinutes int
	// OverlapMinutes is how far a sweep looks back beyond the last whole one: at least as long as the index or a history may
	// lag: 1 to 1440. Default: 15.
	OverlapMinutes int
	// ArchiveDays is how long the change bus keeps its events for a replay: 1 to 3650. Default: 30.
	ArchiveDays int
	// Subscriber makes an example of a subscriber: a queue with every change. Default: false. Plain, because it decides what
	// is deployed.
	Subscriber bool
	// DeletionProtection keeps AWS and Pulumi from deleting the data store, its key, the ledger, the trail's bucket, the queues and
	// the archive. Default: false.
	DeletionProtection bool
	// FunctionPackage is the hydrator's folder in the module. Default: "handlers/hydrator".
	FunctionPackage string
	// ModuleRoot is the folder of the go.mod that has FunctionPackage. Default: the nearest one from the working directory
	// upwards.
	ModuleRoot string
	// Architecture is the processor of the functions. Default: golambda.ARM64.
	Architecture golambda.Architecture
	// FunctionMemoryMB is the hydrator's memory in MiB: 128 to 10240. Default: 256.
	FunctionMemoryMB int
	// Account, Region and Partition are where this is deployed, for the key's policy. Required.
	Account, Region, Partition string
	// LogRetentionDays is how long logs are kept, one of CloudWatch's values. Default: 30.
	LogRetentionDays pulumi.IntPtrInput
	// AlarmTopicARNs are SNS topics that hear of the alarms. Default: none; the alarms exist all the same.
	AlarmTopicARNs []pulumi.StringInput
}

// ChangeCapture is the deployed system.
type ChangeCapture struct {
	pulumi.ResourceState

	// DatastoreID is the data store's id.
	DatastoreID pulumi.StringOutput
	// FHIREndpoint is the data store's base URL, with a slash at its end.
	FHIREndpoint pulumi.StringOutput
	// ChangeBusName is the bus on which the changes are.
	ChangeBusName pulumi.StringOutput
	// LedgerTableName is the table with what has been published.
	LedgerTableName pulumi.StringOutput
	// TriggerQueueURL is the queue whose messages start captures.
	TriggerQueueURL pulumi.StringOutput
	// DeadLetterQueueURL is where triggers go whose captures failed again and again. Nothing is lost with them: sweeps go on.
	DeadLetterQueueURL pulumi.StringOutput
	// CaptureStateMachineARN is the capture workflow.
	CaptureStateMachineARN pulumi.StringOutput
	// SubscriberQueueURL is the example subscriber's queue; not set without one.
	SubscriberQueueURL pulumi.StringOutput
	// KeyARN is the key of the data store and of all that is captured from it.
	KeyARN pulumi.StringOutput
}

var resourceTypePattern = regexp.MustCompile(`^[A-Z][A-Za-z]{1,63}$`)

func (a *ChangeCaptureArgs) withDefaults() *ChangeCaptureArgs {
	d := ChangeCaptureArgs{}
	if a != nil {
		d = *a
	}
	if d.Feed == "" {
		d.Feed = CloudTrail
	}
	if d.Payload == "" {
		d.Payload = Full
	}
	delay, window := 30, 30
	if d.Feed == Subscriptions {
		delay, window = 0, 5
	}
	if d.IndexDelaySeconds == nil {
		d.IndexDelaySeconds = &delay
	}
	if d.BatchingWindowSeconds == nil {
		d.BatchingWindowSeconds = &window
	}
	for value, otherwise := range map[*int]int{&d.SweepMinutes: 5, &d.OverlapMinutes: 15, &d.ArchiveDays: 30, &d.FunctionMemoryMB: 256} {
		if *value == 0 {
			*value = otherwise
		}
	}
	if d.FunctionPackage == "" {
		d.FunctionPackage = "handlers/hydrator"
	}
	if d.LogRetentionDays == nil {
		d.LogRetentionDays = pulumi.Int(30)
	}
	return &d
}

func (a *ChangeCaptureArgs) validate() error {
	var problems []error
	problem := func(format string, values ...any) { problems = append(problems, fmt.Errorf(format, values...)) }
	if len(a.ResourceTypes) == 0 {
		problem(`ResourceTypes: must have at least one resource type, such as "Patient"`)
	}
	seen := map[string]bool{}
	for i, name := range a.ResourceTypes {
		if !resourceTypePattern.MatchString(name) {
			problem(`ResourceTypes[%d]: must be the name of a FHIR resource type, such as "Patient", got %q`, i, name)
		}
		if name == "Subscription" || name == "SubscriptionTopic" {
			problem("ResourceTypes[%d]: %s is how HealthLake is told what to tell of: its changes are not captured", i, name)
		}
		if seen[name] {
			problem("ResourceTypes[%d]: %q is there twice", i, name)
		}
		seen[name] = true
	}
	if n := len(a.DatastoreName); n < 1 || n > 256 {
		problem("DatastoreName: must have 1 to 256 characters, got %d", n)
	}
	if a.Feed != CloudTrail && a.Feed != Subscriptions {
		problem("Feed: must be %q or %q, got %q", CloudTrail, Subscriptions, a.Feed)
	}
	if a.Feed == Subscriptions && len(a.ResourceTypes) > maxSubscriptions {
		problem("ResourceTypes: the feed %q takes at most %d, got %d", Subscriptions, maxSubscriptions, len(a.ResourceTypes))
	}
	if a.Payload != Full && a.Payload != Reference {
		problem("Payload: must be %q or %q, got %q", Full, Reference, a.Payload)
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{
		{"IndexDelaySeconds", *a.IndexDelaySeconds, 0, 900},
		{"BatchingWindowSeconds", *a.BatchingWindowSeconds, 1, 300}, // AWS takes batches of more than ten only with a window
		{"SweepMinutes", a.SweepMinutes, 1, 60},
		{"OverlapMinutes", a.OverlapMinutes, 1, 1440},
		{"ArchiveDays", a.ArchiveDays, 1, 3650},
		{"FunctionMemoryMB", a.FunctionMemoryMB, 128, 10240},
	} {
		if n.value < n.low || n.value > n.high {
			problem("%s: must be from %d to %d, got %d", n.name, n.low, n.high, n.value)
		}
	}
	for name, value := range map[string]string{"Account": a.Account, "Region": a.Region, "Partition": a.Partition} {
		if value == "" {
			problem("%s: is required", name)
		}
	}
	return errors.Join(problems...)
}

// builder makes the component's parts.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *ChangeCaptureArgs
	parent pulumi.ResourceOption
	*ChangeCapture

	key         *kms.Key
	datastore   *datastore
	ledger      *dynamodb.Table
	bus         *cloudwatch.EventBus
	queue       *sqs.Queue
	deadLetters *sqs.Queue
	hydrator    *golambda.Function
	capture     *workflow.StateMachine
	subscriber  *sqs.Queue // nil: none
}

// NewChangeCapture deploys the system.
func NewChangeCapture(ctx *pulumi.Context, name string, args *ChangeCaptureArgs, opts ...pulumi.ResourceOption) (*ChangeCapture, error) {
	args = args.withDefaults()
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("components/healthlakecdc %q: %w", name, err)
	}
	c := &ChangeCapture{}
	if err := ctx.RegisterComponentResource(ChangeCaptureType, name, c, opts...); err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, name: name, args: args, parent: pulumi.Parent(c), ChangeCapture: c}
	steps := []func() error{b.makeKey, b.makeDatastore, b.makeLedger, b.makeChangeBus, b.makeQueues, b.makeHydrator, b.makeCapture, b.makePipe, b.makeSweep}
	switch {
	case args.Feed == Subscriptions:
		steps = append(steps, b.makeSubscriptions)
	case args.WithoutTrail:
		steps = append(steps, b.makeRules)
	default:
		steps = append(steps, b.makeTrail, b.makeRules)
	}
	if args.Subscriber {
		steps = append(steps, b.makeSubscriber)
	}
	for _, step := range append(steps, b.makeAlarms, b.makeDashboard) {
		if err := step(); err != nil {
			return nil, err
		}
	}
	c.DatastoreID, c.FHIREndpoint = b.datastore.id, b.datastore.endpoint
	c.ChangeBusName, c.LedgerTableName = b.bus.Name, b.ledger.Name
	c.TriggerQueueURL, c.DeadLetterQueueURL = b.queue.Url, b.deadLetters.Url
	c.CaptureStateMachineARN, c.KeyARN = b.capture.ARN, b.key.Arn
	outputs := pulumi.Map{
		"datastoreId": c.DatastoreID, "fhirEndpoint": c.FHIREndpoint, "changeBusName": c.ChangeBusName, "ledgerTableName": c.LedgerTableName,
		"triggerQueueUrl": c.TriggerQueueURL, "deadLetterQueueUrl": c.DeadLetterQueueURL, "captureStateMachineArn": c.CaptureStateMachineARN, "keyArn": c.KeyARN,
	}
	if b.subscriber != nil {
		c.SubscriberQueueURL = b.subscriber.Url
		outputs["subscriberQueueUrl"] = c.SubscriberQueueURL
	}
	return c, ctx.RegisterResourceOutputs(c, outputs)
}

// makeLedger makes the table that says what has been published: a resource's item has the keys "<data store>#<type>#<shard>"
// and the resource's id, a watermark "<data store>#WATERMARK" and the type.
func (b *builder) makeLedger() (err error) {
	text := func(name string) dynamodb.TableAttributeArgs {
		return dynamodb.TableAttributeArgs{Name: pulumi.String(name), Type: pulumi.String("S")}
	}
	b.ledger, err = dynamodb.NewTable(b.ctx, b.name+"-ledger", &dynamodb.TableArgs{
		BillingMode:               pulumi.String("PAY_PER_REQUEST"),
		Attributes:                dynamodb.TableAttributeArray{text("PK"), text("SK")},
		HashKey:                   pulumi.String("PK"),
		RangeKey:                  pulumi.String("SK"),
		PointInTimeRecovery:       dynamodb.TablePointInTimeRecoveryArgs{Enabled: pulumi.Bool(true)},
		ServerSideEncryption:      dynamodb.TableServerSideEncryptionArgs{Enabled: pulumi.Bool(true), KmsKeyArn: b.key.Arn.ToStringPtrOutput()},
		DeletionProtectionEnabled: pulumi.Bool(b.args.DeletionProtection),
	}, b.parent, b.protection())
	return err
}

// makeHydrator makes the function that reads what has changed. It may read the data store and the ledger.
func (b *builder) makeHydrator() (err error) {
	b.hydrator, err = golambda.NewFunction(b.ctx, b.name+"-hydrator", &golambda.FunctionArgs{
		Package:      b.args.FunctionPackage,
		ModuleRoot:   b.args.ModuleRoot,
		Architecture: b.args.Architecture,
		Description:  pulumi.String("Reads the versions of FHIR resources that have not been published"),
		MemorySize:   pulumi.Int(b.args.FunctionMemoryMB),
		Timeout:      pulumi.Int(60),
		Environment: map[string]pulumi.StringInput{
			"DATA_STORE_ENDPOINT": b.datastore.endpoint,
			"DATA_STORE_ID":       b.datastore.id,
			"LEDGER_TABLE":        b.ledger.Name,
			"PAYLOAD":             pulumi.String(b.args.Payload),
			"OVERLAP_SECONDS":     pulumi.Sprintf("%d", b.args.OverlapMinutes*60),
		},
		Statements: []policy.Statement{
			{Sid: "Read", Actions: []string{
				"healthlake:ReadResource", "healthlake:VersionReadResource", "healthlake:SearchWithGet", "healthlake:SearchWithPost",
				// The second is not in AWS's list of actions, and what AWS asks for when the history of a type is read.
				"healthlake:GetHistoryByResourceId", "healthlake:GetHistoryByResourceType",
			}, Resources: policy.ARNs(b.datastore.arn)},
			b.throughHealthLake("kms:Decrypt", "kms:DescribeKey"),
			{Sid: "Ledger", Actions: []string{"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"}, Resources: policy.ARNs(b.ledger.Arn)},
		},
		KMSKeyARN:        b.key.Arn,
		LogRetentionDays: b.args.LogRetentionDays,
		AlarmTopicARNs:   b.args.AlarmTopicARNs,
	}, b.parent)
	return err
}

// throughHealthLake lets a role use the key, but only as a caller of HealthLake. See
// https://docs.aws.amazon.com/healthlake/latest/devguide/encryption-at-rest.html.
func (b *builder) throughHealthLake(actions ...string) policy.Statement {
	return policy.Statement{
		Sid: "KeyThroughHealthLake", Actions: actions, Resources: policy.ARNs(b.key.Arn),
		Conditions: []policy.Condition{{Operator: "StringEquals", Key: "kms:ViaService", Values: policy.ARNs(
			pulumi.String("healthlake." + b.args.Region + ".amazonaws.com"))}},
	}
}

// makeCapture makes the capture workflow.
func (b *builder) makeCapture() error {
	types, err := json.Marshal(b.args.ResourceTypes)
	if err != nil {
		return err
	}
	b.capture, err = workflow.NewStateMachine(b.ctx, b.name+"-capture", &workflow.StateMachineArgs{
		Definition: captureDefinition,
		Type:       workflow.Express,
		Placeholders: map[string]workflow.Placeholder{
			"partition":       workflow.Text(pulumi.String(b.args.Partition)),
			"resourceTypes":   workflow.Text(pulumi.String(types)),
			"hydratorArn":     workflow.Function(b.hydrator.ARN),
			"ledgerTableName": workflow.Table(b.ledger.Name, b.ledger.Arn),
			"queueUrl":        workflow.Queue(b.queue.Url, b.queue.Arn),
			"eventBusName":    workflow.Text(b.bus.Name),
		},
		// Which entries are published is known only when it runs; the bus is not.
		Statements:       []policy.Statement{{Sid: workflow.Sid("Publish"), Actions: []string{"events:PutEvents"}, Resources: policy.ARNs(b.bus.Arn)}},
		KMSKeyARN:        b.key.Arn,
		LogLevel:         workflow.LogError, // a capture that finds nothing is no news
		LogRetentionDays: b.args.LogRetentionDays,
		AlarmTopicARNs:   b.args.AlarmTopicARNs,
	}, b.parent)
	if err != nil {
		return err
	}
	return b.makeChangeBusPolicy()
}

// secure is what the queues have in common: the key, and the longest retention of SQS.
func (b *builder) secure(args *sqs.QueueArgs) *sqs.QueueArgs {
	args.KmsMasterKeyId = b.key.Arn.ToStringPtrOutput()
	args.KmsDataKeyReusePeriodSeconds = pulumi.Int(300)
	args.MessageRetentionSeconds = pulumi.Int(14 * 24 * 60 * 60)
	return args
}

// protection keeps Pulumi from deleting what holds data, keys or messages.
func (b *builder) protection() pulumi.ResourceOption {
	return pulumi.Protect(b.args.DeletionProtection)
}

// typesSorted are the resource types in the order of the alphabet, so that the order of configuration changes nothing.
func (b *builder) typesSorted() []string { return slices.Sorted(slices.Values(b.args.ResourceTypes)) }
