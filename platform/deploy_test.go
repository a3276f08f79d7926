package platform

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carepath/carepath/components/apidomain"
	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/restapi"
	"github.com/carepath/carepath/components/workflow"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

var update = flag.Bool("update", false, "write the golden files anew")

// registered is one resource that the program asked for.
type registered struct {
	token, name, parent, provider string
	inputs                        resource.PropertyMap
	protect                       bool
}

// engine is a monitor that answers as AWS would and remembers what it was asked for. What it proves is the program's side:
// which resources with which inputs; not that AWS takes them.
type engine struct {
	mu        sync.Mutex
	resources []registered
	endpoint  string // of deployed stages
}

const testAccount = "arn:aws:%s:us-east-1:123456789012:%s"

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	out := args.Inputs.Copy()
	name := args.Name + "-1234567"
	if v, ok := out["namePrefix"]; ok {
		name = v.StringValue() + "1234567"
	}
	if _, ok := out["name"]; !ok {
		out["name"] = resource.NewProperty(name)
	}
	arn := func(service, rest string) { out["arn"] = resource.NewProperty(fmt.Sprintf(testAccount, service, rest)) }
	id := args.Name + "_id"
	switch args.TypeToken {
	case "aws:kms/key:Key":
		arn("kms", "key/1234")
		out["keyId"] = resource.NewProperty("1234")
	case "aws:cloudwatch/logGroup:LogGroup":
		arn("logs", "log-group:"+name)
	case "aws:iam/role:Role":
		out["arn"] = resource.NewProperty("arn:aws:iam::123456789012:role/" + name)
	case "aws:lambda/function:Function":
		arn("lambda", "function:"+name)
	case "aws:sns/topic:Topic":
		arn("sns", name)
	case "aws:cloudwatch/metricAlarm:MetricAlarm":
		arn("cloudwatch", "alarm:"+name)
	case "aws:sqs/queue:Queue":
		arn("sqs", name)
		out["url"] = resource.NewProperty("https://sqs.us-east-1.amazonaws.com/123456789012/" + name)
	case "aws:cloudcontrol/resource:Resource":
		out["properties"] = resource.NewProperty(`{"DatastoreEndpoint":"https://healthlake.us-east-1.amazonaws.com/datastore/1/r4/"}`)
	case "aws:sfn/stateMachine:StateMachine":
		arn("states", "stateMachine:"+name)
	case "aws:apigateway/restApi:RestApi":
		id = "abc123"
		out["executionArn"] = resource.NewProperty(fmt.Sprintf(testAccount, "execute-api", id))
	case "aws:acm/certificate:Certificate":
		arn("acm", "certificate/1234")
		if strings.Contains(args.Provider, "::aws-us-east-1::") {
			out["arn"] = resource.NewProperty("arn:aws:acm:us-east-1:123456789012:certificate/1234")
		}
		out["domainValidationOptions"] = resource.NewProperty([]resource.PropertyValue{resource.NewProperty(resource.PropertyMap{
			"resourceRecordName": resource.NewProperty("_x"), "resourceRecordType": resource.NewProperty("CNAME"), "resourceRecordValue": resource.NewProperty("_y"),
		})})
	case "aws:route53/zone:Zone":
		out["zoneId"] = resource.NewProperty("ZLOCAL")
	case "aws:route53/record:Record":
		out["fqdn"] = args.Inputs["name"]
	case "aws:apigateway/domainName:DomainName":
		out["regionalDomainName"], out["regionalZoneId"] = resource.NewProperty("d-abc"), resource.NewProperty("ZREGIONAL")
		out["cloudfrontDomainName"], out["cloudfrontZoneId"] = resource.NewProperty("d111"), resource.NewProperty("ZCLOUDFRONT")
	case "aws:apigateway/stage:Stage":
		out["invokeUrl"] = resource.NewProperty(e.endpoint + "/" + out["stageName"].StringValue())
	}
	if kind, _, ok := strings.Cut(strings.TrimPrefix(args.TypeToken, "aws:"), "/"); ok && !out.HasValue("arn") {
		arn(kind, name)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := registered{token: args.TypeToken, name: args.Name, provider: args.Provider, inputs: args.Inputs}
	if args.RegisterRPC != nil {
		r.parent, r.protect = args.RegisterRPC.GetParent(), args.RegisterRPC.GetProtect()
	}
	e.resources = append(e.resources, r)
	return id, out, nil
}

func (e *engine) get(t *testing.T, token, name string) registered {
	t.Helper()
	for _, r := range e.resources {
		if r.token == token && r.name == name {
			return r
		}
	}
	t.Fatalf("there is no %s named %s", token, name)
	return registered{}
}

// deployed runs the program. The working directory is the package's folder, as in every test.
func deployed(t *testing.T, config map[string]string) *engine {
	t.Helper()
	setConfig(t, config)
	e := &engine{endpoint: "https://abc123.execute-api.us-east-1.amazonaws.com"}
	if err := e.run(noRole); err != nil {
		t.Fatal(err)
	}
	return e
}

// run runs the program on an account that has this role for access logs.
func (e *engine) run(account accountRole) error {
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := deploy(ctx, functionAPIs(), account)
		return err
	}, pulumi.WithMocks("carepath", "test", e))
}

func noRole(context.Context, string) (string, error) { return "", nil }

const testDomain = `{"name":"api.example.com","hostedZoneId":"Z1"}`

func setConfig(t *testing.T, config map[string]string) {
	t.Helper()
	text, err := json.Marshal(from(config))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PULUMI_CONFIG", string(text))
}

func TestDeployMakesExactlyTheseResources(t *testing.T) {
	e := deployed(t, map[string]string{"carepath:domain": testDomain})
	var got []string
	for _, r := range e.resources {
		parent := r.parent[strings.LastIndex(r.parent, ":")+1:]
		got = append(got, fmt.Sprintf("%s %s in %s", r.token, r.name, parent))
	}
	slices.Sort(got)
	golden(t, "resources.txt", strings.Join(got, "\n")+"\n")
}

func TestEveryResourceHasTheProviderAndItsParentsPrefix(t *testing.T) {
	e := deployed(t, map[string]string{"carepath:domain": testDomain})
	for _, r := range e.resources {
		if !strings.HasPrefix(r.token, "aws:") {
			continue
		}
		if !strings.Contains(r.provider, "pulumi:providers:aws::aws::") {
			t.Errorf("%s %s has the provider %q", r.token, r.name, r.provider)
		}
		urn := strings.Split(r.parent, "::")
		if parent := urn[len(urn)-1]; strings.Contains(urn[len(urn)-2], "carepath:") && r.name != parent && !strings.HasPrefix(r.name, parent+"-") {
			t.Errorf("%s %s is a child of %s without its name in front", r.token, r.name, parent)
		}
	}
}

func TestProviderRefusesOtherAccounts(t *testing.T) {
	p := deployed(t, nil).get(t, "pulumi:providers:aws", "aws").inputs
	// The inputs of a provider are JSON text.
	if got := fmt.Sprint(p["allowedAccountIds"].V); !strings.Contains(got, "123456789012") {
		t.Errorf("allowedAccountIds is %v", got)
	}
	if _, has := p["accessKey"]; has {
		t.Error("a stack on AWS has made-up credentials")
	}
	local := deployed(t, map[string]string{"carepath:environment": "local"}).get(t, "pulumi:providers:aws", "aws").inputs
	if got := local["accessKey"].V; fmt.Sprint(got) == "<nil>" {
		t.Error("the local stack has no credentials of its own")
	}
}

func TestPoliciesGrantExactlyThis(t *testing.T) {
	e := deployed(t, nil)
	var lines []string
	for _, r := range e.resources {
		for _, property := range []resource.PropertyKey{"policy", "assumeRolePolicy"} {
			v, ok := r.inputs[property]
			if !ok || !v.IsString() {
				continue
			}
			document, err := jsonvalue.Parse(v.StringValue())
			if err != nil {
				t.Fatalf("%s %s: %v", r.token, r.name, err)
			}
			lines = append(lines, fmt.Sprintf("%s %s: %s", r.name, property, jsonvalue.Text(document)))
		}
	}
	slices.Sort(lines)
	golden(t, "policies.txt", strings.Join(lines, "\n")+"\n")
}

func TestRenderedDocuments(t *testing.T) {
	e := deployed(t, nil)
	golden(t, "intake.openapi.json", indented(t, e.get(t, "aws:apigateway/restApi:RestApi", "intake-api").inputs["body"].StringValue()))
	golden(t, "intake.standard.asl.json", e.get(t, "aws:sfn/stateMachine:StateMachine", "intake").inputs["definition"].StringValue())
	express := deployed(t, map[string]string{"carepath:intake": `{"workflowType":"EXPRESS"}`})
	golden(t, "intake.express.asl.json", express.get(t, "aws:sfn/stateMachine:StateMachine", "intake").inputs["definition"].StringValue())
}

func TestOnlyAChangeOfMeaningRedeploys(t *testing.T) {
	trigger := func(config string) string {
		d := deployed(t, map[string]string{"carepath:intake": config}).get(t, "aws:apigateway/deployment:Deployment", "intake-api-deployment")
		return d.inputs["triggers"].ObjectValue()["body"].StringValue()
	}
	same, throttled, smaller := trigger(`{}`), trigger(`{"throttle":{"burst":1}}`), trigger(`{"maxBodyBytes":1000}`)
	if same != throttled {
		t.Error("a change beside the document redeploys it")
	}
	if same == smaller {
		t.Error("a change of the document does not redeploy it")
	}
}

func TestProtection(t *testing.T) {
	for environment, want := range map[string]bool{"dev": false, "prod": true} {
		e := deployed(t, map[string]string{"carepath:environment": environment})
		for token, name := range map[string]string{"aws:kms/key:Key": "carepath", "aws:sqs/queue:Queue": "intake-dead-letters"} {
			if got := e.get(t, token, name).protect; got != want {
				t.Errorf("%s: %s is protected: %v", environment, name, got)
			}
		}
	}
}

func TestQueueTakesEveryAcceptedPayload(t *testing.T) {
	q := deployed(t, nil).get(t, "aws:sqs/queue:Queue", "intake-dead-letters").inputs
	// 4 KiB are more than the names, types and values of the attributes can have: Error 256 characters, two ARNs.
	if most := q["maxMessageSize"].NumberValue(); most < restapi.MaxInputBytes+4096 {
		t.Errorf("the queue takes %v bytes, an execution's input can have %d", most, restapi.MaxInputBytes)
	}
	if restapi.DefaultMaxBodyBytes+4096 > restapi.MaxInputBytes {
		t.Error("the default limit of bodies leaves nothing for the metadata")
	}
}

func TestEnumsOfTheComponentsAgree(t *testing.T) {
	if string(workflow.Standard) != string(restapi.Standard) || string(workflow.Express) != string(restapi.Express) {
		t.Error("restapi and workflow name the types of state machines differently")
	}
	if golambda.FunctionType != "carepath:golambda:Function" || workflow.StateMachineType != "carepath:workflow:StateMachine" || restapi.APIType != "carepath:restapi:API" ||
		apidomain.DomainType != "carepath:apidomain:Domain" {
		t.Error("a type token changed: existing stacks would replace what is below it; give the resource an alias")
	}
}

func TestDeployReportsAnInvalidConfigurationBeforeAnyResource(t *testing.T) {
	t.Setenv("PULUMI_CONFIG", `{"aws:region":"us-east-1","carepath:intkae":"{}","carepath:tokn":"hidden"}`)
	t.Setenv("PULUMI_CONFIG_SECRET_KEYS", `["carepath:tokn"]`)
	e := &engine{}
	err := pulumi.RunErr(Deploy, pulumi.WithMocks("carepath", "test", e))
	if err == nil || !strings.Contains(err.Error(), "carepath:accountId") || !strings.Contains(err.Error(), "carepath:environment") ||
		!strings.Contains(err.Error(), "carepath:intkae: got {}: must be removed: the keys are carepath:environment, ") ||
		!strings.Contains(err.Error(), `carepath:tokn: got "[secret]"`) {
		t.Errorf("got %v", err)
	}
	for _, r := range e.resources {
		if !strings.HasPrefix(r.token, "pulumi:") {
			t.Errorf("%s %s was made", r.token, r.name)
		}
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}

// golden compares with a file of testdata; go test -update writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test ./platform ./deploy/graph -update writes it, and the graphs of dev and prod, anew):\n%s", path, diff)
	}
}
