package provider

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

const (
	queueToken    = "aws:sqs/queue:Queue"
	functionToken = "aws:lambda/function:Function"
	roleToken     = "aws:iam/role:Role"
	trustPolicy   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
)

func urnOf(token, name string) string { return "urn:pulumi:test::provider::" + token + "::" + name }

// in builds a property structure; unknown{} is a value that is not known yet, secretly what is secret.
func in(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	all := resource.PropertyMap{}
	for k, v := range m {
		if s, is := v.(secretly); is {
			all[resource.PropertyKey(k)] = resource.MakeSecret(fromPlain(s.v))
		} else {
			all[resource.PropertyKey(k)] = fromPlain(v)
		}
	}
	s, err := marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type secretly struct{ v any }

func out(t *testing.T, s *structpb.Struct) resource.PropertyMap {
	t.Helper()
	m, err := unmarshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func configured(t *testing.T, f *fake, config map[string]any) pulumirpc.ResourceProviderClient {
	t.Helper()
	c := dial(t, serve(t, f.d))
	if _, err := c.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: in(t, config)}); err != nil {
		t.Fatal(err)
	}
	return c
}

func check(t *testing.T, c pulumirpc.ResourceProviderClient, token string, olds, news map[string]any) (resource.PropertyMap, []string) {
	t.Helper()
	res, err := c.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf(token, "it"), Olds: in(t, olds), News: in(t, news), RandomSeed: []byte("seed")})
	if err != nil {
		t.Fatal(err)
	}
	var failures []string
	for _, f := range res.GetFailures() {
		failures = append(failures, f.GetProperty()+": "+f.GetReason())
	}
	return out(t, res.GetInputs()), failures
}

func TestCheckRefuses(t *testing.T) {
	c := configured(t, newFake(), nil)
	function := func(more map[string]any) map[string]any {
		m := map[string]any{"role": "arn:aws:iam::000000000000:role/r", "runtime": "provided.al2023", "handler": "bootstrap", "code": unknown{}}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	for _, test := range []struct {
		token string
		news  map[string]any
		want  string // a part of each failure, in order, separated by |; empty: none
	}{
		{queueToken, map[string]any{}, ""},
		{queueToken, map[string]any{"delaySecond": 1}, `did you mean "delaySeconds"?`},
		{queueToken, map[string]any{"arn": "x"}, `"arn" is not a property that can be set`},
		{queueToken, map[string]any{"delaySeconds": 901}, "delaySeconds: expected delaySeconds to be in the range (0 - 900), got 901"},
		{queueToken, map[string]any{"delaySeconds": 1.5}, "must be an integer"},
		{queueToken, map[string]any{"delaySeconds": "1"}, `"delaySeconds" must be an integer, not a string`},
		{queueToken, map[string]any{"delaySeconds": unknown{}, "policy": unknown{}, "tags": map[string]any{"a": unknown{}}}, ""},
		{queueToken, map[string]any{"policy": "{"}, "policy: \"policy\" contains an invalid JSON policy"},
		{queueToken, map[string]any{"tags": map[string]any{"a": 1}}, `"tags.a" must be a string`},
		{queueToken, map[string]any{"fifoThroughputLimit": "perGroup"}, `expected fifoThroughputLimit to be one of ["perQueue" "perMessageGroupId"], got perGroup`},
		{queueToken, map[string]any{"name": "a.fifo"}, "invalid queue name: a.fifo"},
		{queueToken, map[string]any{"name": "a b"}, "invalid value for name"},
		{queueToken, map[string]any{"name": "a", "namePrefix": "b"}, "conflicts with namePrefix"},
		{queueToken, map[string]any{"contentBasedDeduplication": true}, "content-based deduplication can only be set for FIFO queue"},
		{roleToken, map[string]any{}, "assumeRolePolicy: Missing required argument"},
		{roleToken, map[string]any{"assumeRolePolicy": trustPolicy, "inlinePolicies": []any{map[string]any{"nam": "x"}}}, `inlinePolicies[0].nam`},
		{functionToken, function(nil), ""},
		{functionToken, function(map[string]any{"s3Bucket": "b"}), `the embedded AWS does not emulate "s3Bucket": there is no S3`},
		{functionToken, function(map[string]any{"packageType": "Image"}), `the embedded AWS emulates "packageType" only as Zip, not Image`},
		{functionToken, function(map[string]any{"publish": false}), ""},
		{functionToken, function(map[string]any{"role": "r"}), "(r) is an invalid ARN"},
		{functionToken, function(map[string]any{"architectures": []any{"arm64", "x86_64"}}), "must have 0 to 1 elements"},
		{"aws:cloudwatch/logGroup:LogGroup", map[string]any{"retentionInDays": 2}, "expected it to be one of"},
		{"aws:cloudwatch/metricAlarm:MetricAlarm", map[string]any{"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1, "metricName": "m", "period": 61}, "a multiple of 60"},
		{"aws:kms/key:Key", map[string]any{"deletionWindowInDays": 6}, "in the range (7 - 30)"},
		{"aws:apigateway/methodSettings:MethodSettings", map[string]any{"restApi": "a", "stageName": "s", "methodPath": "*/*", "settings": map[string]any{"cachingEnabled": true}}, "stages have no cache"},
	} {
		_, failures := check(t, c, test.token, nil, test.news)
		var want []string
		if test.want != "" {
			want = strings.Split(test.want, "|")
		}
		if !slices.EqualFunc(failures, want, strings.Contains) {
			t.Errorf("%s %v: %q, want %q", test.token, test.news, failures, want)
		}
	}
}

func TestCheckFillsIn(t *testing.T) {
	c := configured(t, newFake(), nil)
	first, failures := check(t, c, queueToken, nil, map[string]any{"fifoQueue": true, "policy": map[string]any{"Version": "2012-10-17", "Statement": []any{}}, "tags": secretly{map[string]any{"a": "b"}}})
	name := first["name"].StringValue()
	if len(failures) > 0 || !regexp.MustCompile(`^it-[0-9a-f]{7}\.fifo$`).MatchString(name) {
		t.Fatalf("%v %v", first, failures)
	}
	if !first["tags"].IsSecret() || first["policy"].StringValue() != `{"Statement":[],"Version":"2012-10-17"}` || first["maxMessageSize"].NumberValue() != 262144 {
		t.Errorf("%v", first)
	}
	if again, _ := check(t, c, queueToken, nil, map[string]any{"fifoQueue": true}); again["name"].StringValue() != name {
		t.Errorf("the seed is the same, the names are not: %s, %s", name, again["name"])
	}
	olds := map[string]any{"name": "it-0000000", "__defaults": []any{"name"}}
	if kept, _ := check(t, c, queueToken, olds, map[string]any{}); kept["name"].StringValue() != "it-0000000" {
		t.Errorf("the old name is not kept: %s", kept["name"])
	}
	if other, _ := check(t, c, queueToken, olds, map[string]any{"fifoQueue": true}); other["name"].StringValue() != name {
		t.Errorf("a FIFO queue got the name %s", other["name"])
	}
	if fresh, _ := check(t, c, queueToken, map[string]any{"name": "mine"}, map[string]any{}); fresh["name"].StringValue() == "mine" {
		t.Error("a name that the program once gave is kept though it gives none now")
	}
	if prefixed, _ := check(t, c, queueToken, nil, map[string]any{"namePrefix": "p"}); prefixed.HasValue("name") {
		t.Errorf("a name in spite of a prefix: %s", prefixed["name"])
	}
	if alias, _ := check(t, c, "aws:kms/alias:Alias", nil, map[string]any{"targetKeyId": "k"}); !strings.HasPrefix(alias["name"].StringValue(), "alias/it-") {
		t.Errorf("%v", alias)
	}
	for mode, want := range map[pulumirpc.CheckRequest_AutonamingOptions_Mode]string{
		pulumirpc.CheckRequest_AutonamingOptions_PROPOSE: "x.fifo", pulumirpc.CheckRequest_AutonamingOptions_ENFORCE: "x", pulumirpc.CheckRequest_AutonamingOptions_DISABLE: "",
	} {
		res, err := c.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf(queueToken, "it"), News: in(t, map[string]any{"fifoQueue": true}),
			Autonaming: &pulumirpc.CheckRequest_AutonamingOptions{ProposedName: "x", Mode: mode}})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := toPlain(out(t, res.GetInputs())["name"]).(string); got != want {
			t.Errorf("%v: %q, want %q", mode, got, want)
		}
	}
	long := &pulumirpc.CheckRequest{Urn: urnOf(queueToken, strings.Repeat("x", 73)), News: in(t, nil)}
	if res, err := c.Check(t.Context(), long); err != nil || len(res.GetFailures()) != 1 {
		t.Errorf("a name of 81 characters: %v %v", res, err)
	}
}

func TestDiff(t *testing.T) {
	c := configured(t, newFake(), map[string]any{"defaultTags": map[string]any{"tags": map[string]any{"stack": "s"}}})
	wide := `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":["sqs:A","sqs:B"],"Resource":"*"}]}`
	same := ` { "Statement": {"Sid":"a","Action":["sqs:B","sqs:A"],"Effect":"Allow","Principal":{"AWS":"*"},"Resource":["*"]}, "Version":"2012-10-17"}`
	for name, test := range map[string]struct {
		token          string
		olds, old, new map[string]any
		want           string
	}{
		"nothing":                         {queueToken, nil, map[string]any{"delaySeconds": 1}, map[string]any{"delaySeconds": 1}, ""},
		"the default":                     {queueToken, nil, map[string]any{"delaySeconds": 0}, map[string]any{}, ""},
		"a number":                        {queueToken, nil, map[string]any{"delaySeconds": 1}, map[string]any{"delaySeconds": 2}, "delaySeconds UPDATE"},
		"unknown":                         {queueToken, nil, map[string]any{"delaySeconds": 1}, map[string]any{"delaySeconds": unknown{}}, "delaySeconds UPDATE"},
		"another name":                    {queueToken, nil, map[string]any{"name": "a"}, map[string]any{"name": "b"}, "name UPDATE_REPLACE"},
		"same policy":                     {queueToken, nil, map[string]any{"policy": wide}, map[string]any{"policy": same}, ""},
		"another policy":                  {queueToken, nil, map[string]any{"policy": wide}, map[string]any{"policy": strings.Replace(wide, "sqs:A", "sqs:C", 1)}, "policy UPDATE"},
		"policy left to its own resource": {queueToken, map[string]any{"policy": wide}, map[string]any{}, map[string]any{}, ""},
		"policy taken over":               {queueToken, map[string]any{"policy": wide}, map[string]any{}, map[string]any{"policy": same}, ""},
		"a tag":                           {queueToken, map[string]any{"tagsAll": map[string]any{"a": "1", "b": "2", "stack": "s"}}, map[string]any{"tags": map[string]any{"a": "1", "b": "2"}}, map[string]any{"tags": map[string]any{"a": "3", "c": "4"}}, "tags.a UPDATE, tags.b DELETE, tags.c ADD"},
		"default tags":                    {queueToken, map[string]any{"tagsAll": map[string]any{"stack": "old"}}, map[string]any{}, map[string]any{}, "tagsAll.stack UPDATE"},
		"a fixed name is freed first":     {queueToken, map[string]any{"name": "a"}, map[string]any{"name": "a", "fifoQueue": false}, map[string]any{"name": "a", "fifoQueue": true}, "fifoQueue UPDATE_REPLACE; delete first"},
		"a chosen name is not":            {queueToken, map[string]any{"name": "a"}, map[string]any{"name": "a", "fifoQueue": false}, map[string]any{"name": "a", "__defaults": []any{"name"}, "fifoQueue": true}, "fifoQueue UPDATE_REPLACE"},
		"nested":                          {functionToken, nil, map[string]any{"environment": map[string]any{"variables": map[string]any{"A": "1"}}}, map[string]any{"environment": map[string]any{"variables": map[string]any{"A": "2"}}}, "environment.variables.A UPDATE"},
		"an empty block":                  {functionToken, nil, map[string]any{"environment": map[string]any{"variables": map[string]any{}}}, map[string]any{}, ""},
		"sets":                            {roleToken, nil, map[string]any{"managedPolicyArns": []any{"a", "b"}}, map[string]any{"managedPolicyArns": []any{"b", "c", "a"}}, "managedPolicyArns[1] ADD"},
		"lists":                           {functionToken, nil, map[string]any{"architectures": []any{"arm64"}}, map[string]any{"architectures": []any{"x86_64"}}, "architectures[0] UPDATE"},
		"what cannot change":              {"aws:iam/rolePolicyAttachment:RolePolicyAttachment", nil, map[string]any{"role": "a", "policyArn": "p"}, map[string]any{"role": "b", "policyArn": "p"}, "role UPDATE_REPLACE"},
		"triggers":                        {"aws:apigateway/deployment:Deployment", nil, map[string]any{"restApi": "a", "triggers": map[string]any{"h": "1"}}, map[string]any{"restApi": "a", "triggers": map[string]any{"h": "2"}}, "triggers.h UPDATE_REPLACE"},
		"ARN or id of a key":              {"aws:kms/alias:Alias", nil, map[string]any{"targetKeyId": "k"}, map[string]any{"targetKeyId": "arn:aws:kms:us-east-1:000000000000:key/k"}, ""},
	} {
		olds := test.olds
		if olds == nil {
			olds = test.old
		}
		if _, has := olds["tagsAll"]; !has {
			olds = map[string]any{"tagsAll": map[string]any{"stack": "s"}}
			for k, v := range test.olds {
				olds[k] = v
			}
		}
		res, err := c.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urnOf(test.token, "it"), Id: "id", Olds: in(t, olds), OldInputs: in(t, test.old), News: in(t, test.new)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, path := range sortedKeys(res.GetDetailedDiff()) {
			got = append(got, path+" "+res.GetDetailedDiff()[path].GetKind().String())
		}
		answer := strings.Join(got, ", ")
		if res.GetDeleteBeforeReplace() {
			answer += "; delete first"
		}
		if answer != test.want || (answer != "") != (res.GetChanges() == pulumirpc.DiffResponse_DIFF_SOME) {
			t.Errorf("%s: %q (%v), want %q", name, answer, res.GetChanges(), test.want)
		}
	}
}

func TestPreview(t *testing.T) {
	f := newFake()
	c := configured(t, f, map[string]any{"defaultTags": map[string]any{"tags": map[string]any{"stack": "s"}}})
	created, err := c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(queueToken, "it"), Preview: true, Properties: in(t, map[string]any{"name": "it", "tags": map[string]any{"a": "b"}})})
	if err != nil {
		t.Fatal(err)
	}
	o := out(t, created.GetProperties())
	if !o["arn"].IsComputed() || !o["policy"].IsComputed() || o["name"].StringValue() != "it" || fmt.Sprint(toPlain(o["tagsAll"])) != "map[a:b stack:s]" {
		t.Errorf("%v", o)
	}
	token := "aws:sfn/stateMachine:StateMachine"
	olds := map[string]any{"arn": "arn", "revisionId": "r1", "definition": "{}", "roleArn": "r", "name": "n"}
	for definition, volatile := range map[string]bool{"{}": false, "{ }": true} {
		updated, err := c.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: urnOf(token, "it"), Id: "arn", Preview: true, Olds: in(t, olds),
			News: in(t, map[string]any{"definition": definition, "roleArn": "r"})})
		if err != nil {
			t.Fatal(err)
		}
		if o := out(t, updated.GetProperties()); o["arn"].StringValue() != "arn" || o["name"].StringValue() != "n" || o["revisionId"].IsComputed() != volatile {
			t.Errorf("%q: %v", definition, o)
		}
	}
	if did := f.called(); did != "" {
		t.Errorf("a preview did %s", did)
	}
}

func TestReadImportsAndTellsDrift(t *testing.T) {
	f := newFake()
	c := configured(t, f, map[string]any{"defaultTags": map[string]any{"tags": map[string]any{"stack": "s"}}})
	inputs := map[string]any{"name": "it", "delaySeconds": 3, "redrivePolicy": secretly{`{"maxReceiveCount": 3}`}, "__defaults": []any{"name"}}
	res, err := c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(queueToken, "it"), Properties: in(t, inputs)})
	if err != nil {
		t.Fatal(err)
	}
	state := res.GetProperties()
	if o := out(t, state); !o["redrivePolicy"].IsSecret() || o["url"].StringValue() != res.GetId() || o.HasValue("tags") || fmt.Sprint(toPlain(o["tagsAll"])) != "map[stack:s]" || o.HasValue(defaultedKey) {
		t.Errorf("%v", o)
	}
	read := func(state, inputs *structpb.Struct) (string, resource.PropertyMap) {
		t.Helper()
		r, err := c.Read(t.Context(), &pulumirpc.ReadRequest{Urn: urnOf(queueToken, "it"), Id: res.GetId(), Properties: state, Inputs: inputs})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetId(), out(t, r.GetInputs())
	}
	if _, got := read(state, in(t, inputs)); !got.DeepEquals(out(t, in(t, inputs))) {
		t.Errorf("without drift the inputs became %v", got)
	}
	f.change(func() {
		f.queues[res.GetId()]["DelaySeconds"] = "9"
		f.queues[res.GetId()]["VisibilityTimeout"] = "99"
		f.queues[res.GetId()]["Policy"] = "{}"
		f.tags[res.GetId()] = members{"stack": "s", "more": "m"}
	})
	_, got := read(state, in(t, inputs))
	if got["delaySeconds"].NumberValue() != 9 || got["visibilityTimeoutSeconds"].NumberValue() != 99 || got.HasValue("policy") || fmt.Sprint(toPlain(got["tags"])) != "map[more:m]" {
		t.Errorf("after drift: %v", got)
	}
	if _, got := read(nil, nil); got["name"].StringValue() != "it" || got["policy"].StringValue() != "{}" || got["maxMessageSize"].NumberValue() != 262144 || got.HasValue("arn") {
		t.Errorf("imported: %v", got)
	}
	f.change(func() { clear(f.queues) })
	if id, _ := read(state, in(t, inputs)); id != "" {
		t.Errorf("a queue that is gone has the id %s", id)
	}
	if _, err := c.Delete(t.Context(), &pulumirpc.DeleteRequest{Urn: urnOf(queueToken, "it"), Id: res.GetId(), Properties: state}); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
}

func initFailed(err error) *pulumirpc.ErrorResourceInitFailed {
	for _, d := range status.Convert(err).Details() {
		if f, is := d.(*pulumirpc.ErrorResourceInitFailed); is {
			return f
		}
	}
	return nil
}

func TestPartialFailures(t *testing.T) {
	f := newFake()
	c := configured(t, f, nil)
	denied := dispatch.Errorf("AccessDenied", "not you")
	f.change(func() { f.fail["PutRolePolicy"] = denied })
	role := map[string]any{"name": "r", "assumeRolePolicy": trustPolicy, "inlinePolicies": []any{map[string]any{"name": "p", "policy": "{}"}}}
	_, err := c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(roleToken, "it"), Properties: in(t, role)})
	if failed := initFailed(err); failed.GetId() != "r" || !strings.Contains(err.Error(), "AccessDenied: not you") {
		t.Errorf("a role without its policies: %v, %v", err, failed)
	}
	queue, err := c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(queueToken, "it"), Properties: in(t, map[string]any{"name": "q"})})
	if err != nil {
		t.Fatal(err)
	}
	update := func(news map[string]any) error {
		_, err := c.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: urnOf(queueToken, "it"), Id: queue.GetId(), Olds: queue.GetProperties(), News: in(t, news)})
		return err
	}
	f.change(func() { f.fail["TagQueue"] = denied })
	err = update(map[string]any{"name": "q", "tags": map[string]any{"a": "b"}})
	if err == nil || initFailed(err) != nil {
		t.Errorf("nothing was changed: %v", err)
	}
	err = update(map[string]any{"name": "q", "delaySeconds": 5, "tags": map[string]any{"a": "b"}})
	if failed := initFailed(err); failed == nil || out(t, failed.GetProperties())["delaySeconds"].NumberValue() != 5 {
		t.Errorf("half an update: %v", err)
	}
	f.change(func() { f.fail["CreateQueue"] = denied })
	_, err = c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(queueToken, "it"), Properties: in(t, map[string]any{"name": "x"})})
	if err == nil || initFailed(err) != nil {
		t.Errorf("nothing was created: %v", err)
	}
}

func TestConfiguration(t *testing.T) {
	addr := serve(t, newFake().d)
	for _, test := range []struct {
		args map[string]any
		want string
	}{
		{map[string]any{"region": "us-east-1", "version": "6.83.2", "skipCredentialsValidation": "true", "allowedAccountIds": `["000000000000"]`}, ""},
		{map[string]any{"allowedAccountIds": []any{"111111111111"}}, "AWS account ID not allowed: 000000000000"},
		{map[string]any{"forbiddenAccountIds": []any{"000000000000"}}, "AWS account ID not allowed: 000000000000"},
		{map[string]any{"region": "eu-west-1"}, "the embedded AWS runs in us-east-1"},
		{map[string]any{"regoin": "us-east-1"}, `"regoin" is not a property`},
		{map[string]any{"assumeRole": map[string]any{"roleArn": "arn"}}, `does not emulate "assumeRole"`},
	} {
		c := dial(t, addr)
		_, err := c.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: in(t, test.args)})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want %q", test.args, err, test.want)
		}
	}
	c := dial(t, addr)
	if res, err := c.CheckConfig(t.Context(), &pulumirpc.CheckRequest{News: in(t, map[string]any{"maxRetry": 1, "region": unknown{}})}); err != nil || len(res.GetFailures()) != 1 {
		t.Errorf("%v %v", res, err)
	}
	diff, err := c.DiffConfig(t.Context(), &pulumirpc.DiffRequest{OldInputs: in(t, map[string]any{"region": "us-east-1"}), News: in(t, map[string]any{"region": "us-east-2", "profile": "p"})})
	if err != nil || !slices.Equal(diff.GetReplaces(), []string{"region"}) || len(diff.GetDetailedDiff()) != 2 {
		t.Errorf("%v %v", diff, err)
	}
}

func TestConnectionsHaveTheirOwnConfiguration(t *testing.T) {
	f := newFake()
	addr := serve(t, f.d)
	for _, stack := range []string{"one", "two"} {
		c := dial(t, addr)
		if _, err := c.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: in(t, map[string]any{"defaultTags": map[string]any{"tags": map[string]any{"stack": stack}}})}); err != nil {
			t.Fatal(err)
		}
		defer func() {
			res, err := c.Create(context.Background(), &pulumirpc.CreateRequest{Urn: urnOf(queueToken, stack), Properties: in(t, map[string]any{"name": stack})})
			if err != nil {
				t.Fatal(err)
			}
			if o := out(t, res.GetProperties()); toPlain(o["tagsAll"]).(map[string]any)["stack"] != stack {
				t.Errorf("%s: %v", stack, o)
			}
		}()
	}
}

func TestCancelEndsLaterOperationsOfTheConnection(t *testing.T) {
	f := newFake()
	c := configured(t, f, nil)
	if _, err := c.Cancel(t.Context(), &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(queueToken, "it"), Properties: in(t, map[string]any{"name": "q"})})
	if err == nil || f.called() != "" {
		t.Errorf("after a cancel: %v", err)
	}
}

func TestUnknownTypesAreNamed(t *testing.T) {
	c := configured(t, newFake(), nil)
	_, err := c.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf("aws:s3/bucketObject:BucketObject", "b")})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "does not emulate aws:s3/bucketObject:BucketObject") {
		t.Error(err)
	}
	_, err = c.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "aws:ec2/getAmi:getAmi"})
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "aws:ec2/getAmi:getAmi") {
		t.Error(err)
	}
}

func TestInvoke(t *testing.T) {
	c := configured(t, newFake(), nil)
	invoke := func(token string, args map[string]any) resource.PropertyMap {
		t.Helper()
		res, err := c.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: token, Args: in(t, args)})
		if err != nil || len(res.GetFailures()) > 0 {
			t.Fatalf("%s: %v %v", token, err, res.GetFailures())
		}
		return out(t, res.GetReturn())
	}
	if id := invoke("aws:index/getCallerIdentity:getCallerIdentity", nil); id["accountId"].StringValue() != fakeAccount {
		t.Errorf("%v", id)
	}
	if r := invoke("aws:index/getRegion:getRegion", nil); r["name"].StringValue() != "us-east-1" || r["description"].StringValue() != "US East (N. Virginia)" {
		t.Errorf("%v", r)
	}
	if p := invoke("aws:index/getPartition:getPartition", nil); p["dnsSuffix"].StringValue() != "amazonaws.com" {
		t.Errorf("%v", p)
	}
	document := invoke("aws:iam/getPolicyDocument:getPolicyDocument", map[string]any{
		"sourcePolicyDocuments": []any{`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Action":"x:*","Resource":"*"},{"Sid":"b","Effect":"Deny","Action":"y:*","Resource":"*"}]}`},
		"statements": []any{map[string]any{"sid": "a", "actions": []any{"s:1", "s:2"}, "resources": []any{"*"},
			"principals": []any{map[string]any{"type": "AWS", "identifiers": []any{"2", "1"}}},
			"conditions": []any{map[string]any{"test": "StringEquals", "variable": "aws:SourceAccount", "values": []any{"1"}}}}},
	})
	want := `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s:2","s:1"],"Resource":"*","Principal":{"AWS":["2","1"]},` +
		`"Condition":{"StringEquals":{"aws:SourceAccount":"1"}}},{"Sid":"b","Effect":"Deny","Action":"y:*","Resource":"*"}]}`
	if got := document["minifiedJson"].StringValue(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func wire(t *testing.T, m resource.PropertyMap) *structpb.Struct {
	t.Helper()
	s, err := marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
