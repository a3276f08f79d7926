package healthlakecdc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carepath/carepath/changes"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// args are those of a system in which everything is as small as it can be. The hydrator of these tests is a smaller function.
func args(change func(*ChangeCaptureArgs)) *ChangeCaptureArgs {
	a := &ChangeCaptureArgs{
		ResourceTypes: []string{"Patient", "Encounter"}, DatastoreName: "records", Tags: map[string]string{"stack": "test", "project": "p"},
		Account: "123456789012", Region: "us-east-1", Partition: "aws", FunctionPackage: "handlers/sample",
	}
	if change != nil {
		change(a)
	}
	return a
}

func TestArgsReportEverythingAtOnce(t *testing.T) {
	number := func(n int) *int { return &n }
	many := make([]string, 51)
	for i := range many {
		many[i] = "A" + strings.Repeat("a", i+1)
	}
	for name, c := range map[string]struct {
		args *ChangeCaptureArgs
		want []string // none: no error
	}{
		"good": {args(nil), nil},
		"limits": {args(func(a *ChangeCaptureArgs) {
			a.IndexDelaySeconds, a.BatchingWindowSeconds, a.SweepMinutes, a.OverlapMinutes, a.ArchiveDays, a.FunctionMemoryMB = number(900), number(300), 60, 1440, 3650, 10240
			a.ResourceTypes, a.Feed, a.Payload = many[:50], Subscriptions, Reference
		}), nil},
		"nothing": {nil, []string{"ResourceTypes: must have at least one", "DatastoreName: must have 1 to 256 characters, got 0", "Account: is required", "Region: is required", "Partition: is required"}},
		"all wrong": {args(func(a *ChangeCaptureArgs) {
			a.IndexDelaySeconds, a.BatchingWindowSeconds, a.SweepMinutes, a.OverlapMinutes, a.ArchiveDays, a.FunctionMemoryMB = number(901), number(0), 61, 1441, 3651, 127
			a.ResourceTypes, a.Feed, a.Payload, a.DatastoreName = []string{"patient", "Patient", "Patient", "Subscription"}, "sns", "none", strings.Repeat("x", 257)
		}), []string{
			`ResourceTypes[0]: must be the name of a FHIR resource type, such as "Patient", got "patient"`, `ResourceTypes[2]: "Patient" is there twice`, "ResourceTypes[3]: Subscription is how",
			"got 257", `Feed: must be "cloudtrail" or "subscriptions", got "sns"`, `Payload: must be "full" or "reference", got "none"`, "IndexDelaySeconds: must be from 0 to 900, got 901",
			"BatchingWindowSeconds: must be from 1 to 300, got 0", "SweepMinutes: must be from 1 to 60, got 61", "OverlapMinutes: must be from 1 to 1440", "ArchiveDays: must be from 1 to 3650",
			"FunctionMemoryMB: must be from 128 to 10240, got 127",
		}},
		"too many subscriptions": {args(func(a *ChangeCaptureArgs) { a.ResourceTypes, a.Feed = many, Subscriptions }), []string{"takes at most 50, got 51"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.args.withDefaults().validate()
			if (err == nil) != (c.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %s", err, want)
				}
			}
		})
	}
}

// registered is a resource that the component asked for.
type registered struct {
	inputs  resource.PropertyMap
	protect bool
}

// engine gives every resource an ARN and remembers what it was asked for.
type engine struct {
	mu        sync.Mutex
	resources map[string]registered // by type token and name
}

func (e *engine) NewResource(in pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	out := in.Inputs.Copy()
	if _, named := out["name"]; !named {
		out["name"] = resource.NewProperty(in.Name + "-1")
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(in.TypeToken, "aws:"), "/")
	out["arn"] = resource.NewProperty("arn:aws:" + kind + ":us-east-1:123456789012:" + in.Name)
	switch in.TypeToken {
	case "aws:sqs/queue:Queue":
		out["url"] = resource.NewProperty("https://sqs.us-east-1.amazonaws.com/123456789012/" + in.Name)
	case "aws:cloudcontrol/resource:Resource":
		out["properties"] = resource.NewProperty(`{"DatastoreEndpoint":"https://healthlake.us-east-1.amazonaws.com/datastore/1/r4/"}`)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.resources == nil {
		e.resources = map[string]registered{}
	}
	e.resources[in.TypeToken+" "+in.Name] = registered{in.Inputs, in.RegisterRPC.GetProtect()}
	return in.Name + "_id", out, nil
}

func (e *engine) Call(in pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("the component calls %s, which it does without", in.Token)
}

func deploy(t *testing.T, a *ChangeCaptureArgs) *engine {
	t.Helper()
	e := &engine{}
	if err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewChangeCapture(ctx, "fhir", a)
		return err
	}, pulumi.WithMocks("p", "s", e)); err != nil {
		t.Fatal(err)
	}
	return e
}

// text is an input of a resource.
func (e *engine) text(t *testing.T, kind, property string) string {
	t.Helper()
	r, ok := e.resources[kind]
	if !ok {
		t.Fatalf("there is no %s", kind)
	}
	v := r.inputs[resource.PropertyKey(property)]
	if v.IsOutput() {
		v = v.OutputValue().Element
	}
	if !v.IsString() {
		t.Fatalf("%s: %s is %v", kind, property, v)
	}
	return v.StringValue()
}

func (e *engine) has(kind string) bool { _, ok := e.resources[kind]; return ok }

const datastoreResource = "aws:cloudcontrol/resource:Resource fhir-datastore"

func TestTheDesiredStateOfTheDatastoreHasTheSameBytesEachTime(t *testing.T) {
	want := `{"DatastoreName":"records","DatastoreTypeVersion":"R4","SseConfiguration":{"KmsEncryptionConfig":{"CmkType":"CUSTOMER_MANAGED_KMS_KEY","KmsKeyId":"arn:aws:kms:us-east-1:123456789012:fhir"}},` +
		`"Tags":[{"Key":"project","Value":"p"},{"Key":"stack","Value":"test"}]}`
	for range 3 {
		if got := deploy(t, args(nil)).text(t, datastoreResource, "desiredState"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestWhatHoldsDataIsProtected(t *testing.T) {
	e := deploy(t, args(func(a *ChangeCaptureArgs) { a.DeletionProtection = true }))
	for _, kind := range []string{datastoreResource, "aws:kms/key:Key fhir", "aws:dynamodb/table:Table fhir-ledger"} {
		if !e.resources[kind].protect {
			t.Errorf("%s is not protected", kind)
		}
	}
	if !e.resources["aws:dynamodb/table:Table fhir-ledger"].inputs["deletionProtectionEnabled"].BoolValue() {
		t.Error("AWS may delete the ledger")
	}
	if deploy(t, args(nil)).resources[datastoreResource].protect {
		t.Error("the data store is protected although the configuration does not say so")
	}
}

func TestFeeds(t *testing.T) {
	const trail, rule, installer, schedule = "awsx:cloudtrail:Trail fhir-trail", "aws:cloudwatch/eventRule:EventRule fhir-writes",
		"aws:lambda/invocation:Invocation fhir-subscriptions", "aws:scheduler/schedule:Schedule fhir-renewal"
	for name, c := range map[string]struct {
		args *ChangeCaptureArgs
		has  []string
		not  []string
	}{
		"cloudtrail":      {args(nil), []string{trail, rule}, []string{installer, schedule}},
		"another's trail": {args(func(a *ChangeCaptureArgs) { a.WithoutTrail = true }), []string{rule}, []string{trail, "aws:s3/bucketV2:BucketV2 fhir-trail", installer}},
		"subscriptions":   {args(func(a *ChangeCaptureArgs) { a.Feed = Subscriptions }), []string{installer, schedule, "aws:cloudwatch/eventBus:EventBus fhir-notifications"}, []string{trail, rule}},
	} {
		t.Run(name, func(t *testing.T) {
			e := deploy(t, c.args)
			for _, kind := range append(c.has, "aws:pipes/pipe:Pipe fhir", "aws:scheduler/schedule:Schedule fhir-sweep", "aws:cloudwatch/dashboard:Dashboard fhir",
				"aws:cloudwatch/eventArchive:EventArchive fhir-changes", "aws:cloudwatch/metricAlarm:MetricAlarm fhir-dead-letters", "aws:cloudwatch/metricAlarm:MetricAlarm fhir-queue-age",
				"aws:cloudwatch/metricAlarm:MetricAlarm fhir-sweep-lag", "aws:cloudwatch/metricAlarm:MetricAlarm fhir-capture-failed") {
				if !e.has(kind) {
					t.Errorf("there is no %s", kind)
				}
			}
			for _, kind := range append(c.not, "aws:sqs/queue:Queue fhir-subscriber") {
				if e.has(kind) {
					t.Errorf("there is a %s", kind)
				}
			}
		})
	}
}

func TestTheSubscribersQueueHasEveryChange(t *testing.T) {
	e := deploy(t, args(func(a *ChangeCaptureArgs) { a.Subscriber = true }))
	if got := e.text(t, "aws:cloudwatch/eventRule:EventRule fhir-subscriber", "eventPattern"); got != `{"detail-type":["FHIR Resource Changed"],"source":["carepath.healthlake"]}` {
		t.Errorf("the rule's pattern is %s", got)
	}
	if got := e.text(t, "aws:cloudwatch/eventTarget:EventTarget fhir-subscriber", "arn"); !strings.HasSuffix(got, "fhir-subscriber") {
		t.Errorf("the target is %s", got)
	}
}

// TestTheSchemaIsOfDraft4 reads the registered schema as draft 4, which must take a real change and refuse what is none.
func TestTheSchemaIsOfDraft4(t *testing.T) {
	text := deploy(t, args(nil)).text(t, "aws:schemas/schema:Schema fhir-changes", "content")
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("urn:carepath:test", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("urn:carepath:test")
	if err != nil {
		t.Fatal(err)
	}
	change := changes.Change{
		DataStoreID: "ds", ResourceType: "Patient", ResourceID: "p", Version: 1, Interaction: "create", LastUpdated: "2026-01-01T00:00:00Z",
		URL: "https://healthlake.us-east-1.amazonaws.com/datastore/ds/r4/Patient/p/_history/1", Resource: json.RawMessage(`{"resourceType":"Patient"}`),
	}
	good, err := change.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for detail, valid := range map[string]bool{string(good): true, strings.Replace(string(good), `"create"`, `"made"`, 1): false, `{}`: false} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(detail))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != valid {
			t.Errorf("%s: %v", detail, err)
		}
	}
}

// statement is one of a policy's.
type statement struct {
	Sid, Effect string
	Action      []string
	Resource    []string
	Condition   map[string]map[string][]string
}

func statements(t *testing.T, policy string) map[string]statement {
	t.Helper()
	var document struct{ Statement []statement }
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		t.Fatal(err)
	}
	bySid := map[string]statement{}
	for _, s := range document.Statement {
		bySid[s.Sid] = s
	}
	return bySid
}

func TestPolicies(t *testing.T) {
	e := deploy(t, args(nil))
	role := func(name string) map[string]statement {
		return statements(t, e.text(t, "aws:iam/rolePolicy:RolePolicy "+name, "policy"))
	}
	capture := role("fhir-capture-policy")
	if s := capture["StatePublish"]; !slices.Equal(s.Action, []string{"events:PutEvents"}) || len(s.Resource) != 1 || !strings.HasSuffix(s.Resource[0], "fhir-changes") {
		t.Errorf("the capture publishes by %v", s)
	}
	for _, sid := range []string{"StateClaim", "StateMark", "StateAdvance"} {
		if s := capture[sid]; !slices.Equal(s.Action, []string{"dynamodb:UpdateItem"}) || len(s.Resource) != 1 || !strings.HasSuffix(s.Resource[0], "fhir-ledger") {
			t.Errorf("%s: %v", sid, s)
		}
	}
	for name, p := range map[string]map[string]statement{"hydrator": role("fhir-hydrator-policy"), "pipe": role("fhir-pipe-policy"), "sweep": role("fhir-sweep-policy")} {
		for sid, s := range p {
			if sid == "" { // what every function has: X-Ray takes no resources
				continue
			}
			if slices.Contains(s.Resource, "*") || slices.ContainsFunc(s.Action, func(a string) bool { return strings.Contains(a, "*") || strings.Contains(a, "UpdateItem") }) {
				t.Errorf("%s: %s allows %v on %v", name, sid, s.Action, s.Resource)
			}
		}
	}
	bus := statements(t, e.text(t, "aws:cloudwatch/eventBusPolicy:EventBusPolicy fhir-changes", "policy"))["CaptureOnly"]
	if bus.Effect != "Deny" || !strings.HasSuffix(bus.Condition["ArnNotEquals"]["aws:PrincipalArn"][0], "fhir-capture-role") {
		t.Errorf("the change bus lets others put events: %v", bus)
	}
	queue := statements(t, e.text(t, "aws:sqs/queuePolicy:QueuePolicy fhir-triggers", "policy"))
	if got := queue["Rules"].Condition["ArnEquals"]["aws:SourceArn"]; len(got) != 2 || queue["TLS"].Effect != "Deny" {
		t.Errorf("the queue takes messages of %v", got)
	}
}

func TestTheRulesAreAboutThisDatastoreAndItsTypes(t *testing.T) {
	e := deploy(t, args(nil))
	var writes struct {
		Detail struct {
			EventName         []string
			RequestParameters struct{ DatastoreID, ResourceType []string }
		}
	}
	if err := json.Unmarshal([]byte(e.text(t, "aws:cloudwatch/eventRule:EventRule fhir-writes", "eventPattern")), &writes); err != nil {
		t.Fatal(err)
	}
	d := writes.Detail
	if !slices.Equal(d.EventName, []string{"CreateResource", "UpdateResource", "PatchResource", "DeleteResource"}) || !slices.Equal(d.RequestParameters.ResourceType, []string{"Encounter", "Patient"}) ||
		!slices.Equal(d.RequestParameters.DatastoreID, []string{"fhir-datastore_id"}) {
		t.Errorf("the rule is about %v", d)
	}
}
