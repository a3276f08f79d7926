package healthlakecdc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// asked is a resource that the component asks Pulumi for.
type asked struct {
	kind, name string
	inputs     members
}

// recorder stands in for Pulumi's engine: it gives every resource the ARN that it will have, and writes down what it was asked
// for, which the harness then makes on the embedded AWS. So the patterns, the policies, the delays and the definitions that are
// tested are those that are deployed.
type recorder struct {
	mu  sync.Mutex
	all []asked
}

func arn(service, name string) string {
	return "arn:aws:" + service + ":" + region + ":" + account + ":" + name
}

func (r *recorder) NewResource(in pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	out := in.Inputs.Copy()
	name, id := in.Name+"-1", in.Name
	if given := out["name"]; given.IsString() {
		name = given.StringValue()
	}
	set := func(property, value string) { out[resource.PropertyKey(property)] = resource.NewProperty(value) }
	set("name", name)
	switch in.TypeToken {
	case "aws:sqs/queue:Queue":
		set("arn", arn("sqs", name))
		set("url", queues+name)
		id = queues + name
	case "aws:kms/key:Key":
		set("arn", arn("kms", "key/"+name))
	case "aws:dynamodb/table:Table":
		set("arn", arn("dynamodb", "table/"+name))
	case "aws:iam/role:Role":
		set("arn", "arn:aws:iam::"+account+":role/"+name)
	case "aws:cloudwatch/eventBus:EventBus":
		set("arn", arn("events", "event-bus/"+name))
	case "aws:cloudwatch/eventRule:EventRule":
		path := "rule/"
		if bus := out["eventBusName"]; bus.IsString() && bus.StringValue() != "default" {
			path += bus.StringValue() + "/"
		}
		set("arn", arn("events", path+name))
	case "aws:lambda/function:Function":
		set("arn", arn("lambda", "function:"+name))
	case "aws:sfn/stateMachine:StateMachine":
		set("arn", arn("states", "stateMachine:"+name))
	case "aws:cloudcontrol/resource:Resource":
		id = unknownID
		set("properties", `{"DatastoreEndpoint":"`+unknownEndpoint+`"}`)
	default:
		set("arn", arn("other", name))
	}
	inputs := plain(resource.NewProperty(in.Inputs)).(members)
	inputs["name"] = name
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, asked{in.TypeToken, in.Name, inputs})
	return id, out, nil
}

func (r *recorder) Call(in pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("the component calls %s, which it does without", in.Token)
}

// plain is a property as encoding/json has it; assets and archives are left out.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return plain(v.SecretValue().Element)
	case v.IsOutput():
		return plain(v.OutputValue().Element)
	case v.IsArray():
		all := []any{}
		for _, e := range v.ArrayValue() {
			all = append(all, plain(e))
		}
		return all
	case v.IsObject():
		all := members{}
		for k, e := range v.ObjectValue() {
			all[string(k)] = plain(e)
		}
		return all
	case v.IsString(), v.IsBool(), v.IsNumber():
		return v.V
	}
	return nil
}

// recorded returns what the component asks for, once for each set of arguments. It must be called outside of a bubble first.
func recorded(t testing.TB, feed Feed, types ...string) []asked {
	t.Helper()
	plans.Lock()
	defer plans.Unlock()
	key := string(feed) + strings.Join(types, ",")
	if plans.made[key] == nil {
		r := &recorder{}
		err := pulumi.RunErr(func(ctx *pulumi.Context) error {
			_, err := NewChangeCapture(ctx, "fhir", &ChangeCaptureArgs{ResourceTypes: types, DatastoreName: "records", Feed: feed, Subscriber: true,
				Account: account, Region: region, Partition: "aws", FunctionPackage: "handlers/sample"})
			return err
		}, pulumi.WithMocks("p", "s", r))
		if err != nil {
			t.Fatal(err)
		}
		plans.made[key] = r.all
	}
	return plans.made[key]
}

var plans = struct {
	sync.Mutex
	made map[string][]asked
}{made: map[string][]asked{}}

func planText(plan []asked) []members {
	all := make([]members, len(plan))
	for i, a := range plan {
		all[i] = members{"Kind": a.kind, "Name": a.name, "Inputs": a.inputs}
	}
	return all
}

// of are the resources of a kind, those without a dead-letter queue first.
func (s *system) of(kind string) []asked {
	var found []asked
	for _, a := range s.plan {
		if a.kind == kind {
			found = append(found, a)
		}
	}
	slices.SortStableFunc(found, func(a, b asked) int { return len(a.text("redrivePolicy")) - len(b.text("redrivePolicy")) })
	return found
}

func (a asked) text(name string) string  { t, _ := a.inputs[name].(string); return t }
func (a asked) object(name string) asked { o, _ := a.inputs[name].(members); return asked{inputs: o} }

// renamed are those of a resource's inputs that there are, under the API's names.
func (a asked) renamed(pairs ...string) members {
	to := members{}
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := a.inputs[pairs[i]]; ok {
			to[pairs[i+1]] = v
		}
	}
	return to
}

// make makes a resource by the calls that Pulumi's provider would make.
func (s *system) make(a asked) {
	s.Helper()
	name := a.text("name")
	switch a.kind {
	case "aws:iam/role:Role":
		s.call("iam", "CreateRole", members{"RoleName": name, "AssumeRolePolicyDocument": a.text("assumeRolePolicy")}, nil)
	case "aws:iam/rolePolicy:RolePolicy":
		s.call("iam", "PutRolePolicy", members{"RoleName": a.text("role"), "PolicyName": name, "PolicyDocument": a.text("policy")}, nil)
	case "aws:dynamodb/table:Table":
		s.call("dynamodb", "CreateTable", members{"TableName": name, "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": []members{{"AttributeName": "PK", "AttributeType": "S"}, {"AttributeName": "SK", "AttributeType": "S"}},
			"KeySchema":            []members{{"AttributeName": a.text("hashKey"), "KeyType": "HASH"}, {"AttributeName": a.text("rangeKey"), "KeyType": "RANGE"}}}, nil)
	case "aws:sqs/queue:Queue":
		attributes := map[string]string{}
		for member, v := range a.renamed("visibilityTimeoutSeconds", "VisibilityTimeout", "delaySeconds", "DelaySeconds", "messageRetentionSeconds", "MessageRetentionPeriod", "redrivePolicy", "RedrivePolicy") {
			if n, is := v.(float64); is {
				v = strconv.Itoa(int(n))
			}
			attributes[member] = v.(string)
		}
		s.call("sqs", "CreateQueue", members{"QueueName": name, "Attributes": attributes}, nil)
	case "aws:sqs/queuePolicy:QueuePolicy":
		s.call("sqs", "SetQueueAttributes", members{"QueueUrl": a.text("queueUrl"), "Attributes": map[string]string{"Policy": a.text("policy")}}, nil)
	case "aws:cloudwatch/eventBus:EventBus":
		s.call("events", "CreateEventBus", members{"Name": name}, nil)
	case "aws:cloudwatch/eventBusPolicy:EventBusPolicy":
		s.call("events", "PutPermission", a.renamed("eventBusName", "EventBusName", "policy", "Policy"), nil)
	case "aws:cloudwatch/eventRule:EventRule":
		s.call("events", "PutRule", a.renamed("name", "Name", "eventBusName", "EventBusName", "eventPattern", "EventPattern"), nil)
	case "aws:cloudwatch/eventTarget:EventTarget":
		target := a.renamed("arn", "Arn", "input", "Input")
		target["Id"] = a.name
		if x := a.object("inputTransformer"); x.inputs != nil {
			target["InputTransformer"] = x.renamed("inputPaths", "InputPathsMap", "inputTemplate", "InputTemplate")
		}
		in := a.renamed("rule", "Rule", "eventBusName", "EventBusName")
		in["Targets"] = []any{target}
		s.call("events", "PutTargets", in, nil)
	case "aws:sfn/stateMachine:StateMachine":
		s.call("states", "CreateStateMachine", s.counted(a.renamed("name", "name", "type", "type", "roleArn", "roleArn", "definition", "definition")), nil)
	case "aws:lambda/function:Function":
		s.function(a)
	case "aws:lambda/invocation:Invocation":
		input := members{}
		if err := json.Unmarshal([]byte(a.text("input")), &input); err != nil {
			s.Fatal(err)
		}
		input["tf"] = members{"action": "create", "prev_input": nil}
		payload, err := json.Marshal(input)
		if err != nil {
			s.Fatal(err)
		}
		var out struct {
			FunctionError string
			Payload       []byte
		}
		s.call("lambda", "Invoke", &lambda.InvokeInput{FunctionName: a.text("functionName"), Payload: payload}, &out)
		if out.FunctionError != "" {
			s.Fatalf("%s: %s", a.name, out.Payload)
		}
		s.pass(time.Minute) // until the subscriptions are active
	case "aws:pipes/pipe:Pipe":
		source, target := a.object("sourceParameters").object("sqsQueueParameters"), a.object("targetParameters")
		in := a.renamed("name", "Name", "roleArn", "RoleArn", "source", "Source", "target", "Target")
		in["SourceParameters"] = members{"SqsQueueParameters": source.renamed("batchSize", "BatchSize", "maximumBatchingWindowInSeconds", "MaximumBatchingWindowInSeconds")}
		to := target.renamed("inputTemplate", "InputTemplate")
		to["StepFunctionStateMachineParameters"] = target.object("stepFunctionStateMachineParameters").renamed("invocationType", "InvocationType")
		in["TargetParameters"] = to
		s.call("pipes", "CreatePipe", in, nil)
		var out struct{ CurrentState, StateReason string }
		if s.call("pipes", "DescribePipe", members{"Name": name}, &out); out.CurrentState != "RUNNING" {
			s.Fatalf("the pipe is %s: %s", out.CurrentState, out.StateReason)
		}
	case "aws:scheduler/schedule:Schedule":
		target := a.object("target")
		if strings.Contains(target.text("arn"), ":lambda:") {
			return // the renewal of subscriptions, once a day
		}
		in := a.renamed("name", "Name", "scheduleExpression", "ScheduleExpression")
		in["FlexibleTimeWindow"] = members{"Mode": "OFF"}
		in["Target"] = target.renamed("arn", "Arn", "roleArn", "RoleArn", "input", "Input")
		s.call("scheduler", "CreateSchedule", in, nil)
	}
}
