package usercreation

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carepath/carepath/lang/asl"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"pgregory.net/rapid"
)

func TestArgsReportEverythingAtOnce(t *testing.T) {
	key := pulumi.String("arn:aws:kms:us-east-1:123456789012:key/1")
	many := make([]Attribute, maxAttributes+1)
	for i := range many {
		many[i] = Attribute{Name: "a" + strings.Repeat("x", i), MaxLength: 1}
	}
	for _, test := range []struct {
		name string
		args *UserCreationArgs
		want []string // none: no error
	}{
		{"good", &UserCreationArgs{KMSKeyARN: key}, nil},
		{"limits", &UserCreationArgs{KMSKeyARN: key, FirstID: MaxFirstID, Allocation: Optimistic, MFA: MFARequired,
			Attributes: []Attribute{{Name: "a", MaxLength: 1}, {Name: "b", MaxLength: maxAttributeLength, Required: true}}}, nil},
		{"nothing", nil, []string{"KMSKeyARN: is required"}},
		{"all wrong", &UserCreationArgs{FirstID: -1, Allocation: "random", MFA: "on", Attributes: []Attribute{
			{Name: "firstName", MaxLength: 1}, {Name: "Department", MaxLength: 0}, {Name: "a", MaxLength: 2049}, {Name: "a", MaxLength: 1}, {Name: "userId", MaxLength: 1},
		}}, []string{"FirstID: must be from 1 to 1000000000000000000, got -1", `Allocation: must be "atomic" or "optimistic", got "random"`,
			`MFA: must be one of [OFF OPTIONAL ON], got "on"`, "KMSKeyARN: is required", `Attributes[0].Name: "firstName" is there already`, "Attributes[1].Name", "Attributes[1].MaxLength",
			"Attributes[2].MaxLength: must be from 1 to 2048, got 2049", `Attributes[3].Name: "a" is there already`, `Attributes[4].Name: "userId" is there already`}},
		{"too large a number", &UserCreationArgs{KMSKeyARN: key, FirstID: MaxFirstID + 1}, []string{"FirstID"}},
		{"too many attributes", &UserCreationArgs{KMSKeyARN: key, Attributes: many}, []string{"Attributes: at most 20, got 21"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &engine{}
			err := e.deploy(test.args)
			if (err == nil) != (test.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %s", err, want)
				}
			}
			if err != nil && len(e.resources) > 0 {
				t.Errorf("%d resources were asked for all the same", len(e.resources))
			}
		})
	}
}

// registered is a resource that the component asked for.
type registered struct {
	inputs  resource.PropertyMap
	parent  string // its name
	protect bool
}

// engine gives every resource an ARN and remembers what it was asked for.
type engine struct {
	mu        sync.Mutex
	resources map[string]registered // by type token and name
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	out := args.Inputs.Copy()
	if _, named := out["name"]; !named {
		out["name"] = resource.NewProperty(args.Name)
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(args.TypeToken, "aws:"), ":") // such as dynamodb/table
	out["arn"] = resource.NewProperty("arn:aws:" + kind + ":" + args.Name)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.resources == nil {
		e.resources = map[string]registered{}
	}
	parent := args.RegisterRPC.GetParent()
	e.resources[args.TypeToken+" "+args.Name] = registered{args.Inputs, parent[strings.LastIndex(parent, ":")+1:], args.RegisterRPC.GetProtect()}
	return args.Name + "_id", out, nil
}

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("the component calls %s, which it does without", args.Token)
}

func (e *engine) deploy(args *UserCreationArgs) error {
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewUserCreation(ctx, "users", args)
		return err
	}, pulumi.WithMocks("p", "s", e))
}

func TestMailOfTheAccountsOwn(t *testing.T) {
	key := pulumi.String("arn:aws:kms:us-east-1:123456789012:key/1")
	const pool = "aws:cognito/userPool:UserPool users"
	e := &engine{}
	if err := e.deploy(&UserCreationArgs{KMSKeyARN: key}); err != nil {
		t.Fatal(err)
	}
	if _, given := e.resources[pool].inputs["emailConfiguration"]; given {
		t.Error("without an identity the pool does not have Cognito's own mail")
	}
	e = &engine{}
	if err := e.deploy(&UserCreationArgs{KMSKeyARN: key, Email: &Email{IdentityARN: pulumi.String("arn:aws:ses:us-east-1:123456789012:identity/example.com"), From: pulumi.String("a@example.com")}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"emailSendingAccount": "DEVELOPER", "sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/example.com", "fromEmailAddress": "a@example.com"}
	if got := e.resources[pool].inputs["emailConfiguration"].Mappable(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	err := (&engine{}).deploy(&UserCreationArgs{KMSKeyARN: key, Email: &Email{}})
	if err == nil || !strings.Contains(err.Error(), "Email.IdentityARN: is required") || !strings.Contains(err.Error(), "Email.From: is required") {
		t.Errorf("got %v", err)
	}
}

func TestResources(t *testing.T) {
	for _, protected := range []bool{false, true} {
		e := &engine{}
		if err := e.deploy(&UserCreationArgs{KMSKeyARN: pulumi.String("arn:aws:kms:us-east-1:123456789012:key/1"), DeletionProtection: protected,
			AlarmTopicARNs: []pulumi.StringInput{pulumi.String("arn:aws:sns:us-east-1:123456789012:alarms")}}); err != nil {
			t.Fatal(err)
		}
		const table, pool, schedule = "aws:dynamodb/table:Table users", "aws:cognito/userPool:UserPool users", "aws:scheduler/schedule:Schedule users-sweep"
		want := map[string]string{
			"carepath:usercreation:UserCreation users": "p-s",
			table: "users",
			pool:  "users",
			"aws:cognito/userPoolClient:UserPoolClient users": "users",
			"aws:sfn/stateMachine:StateMachine users":         "users",
			"aws:sfn/stateMachine:StateMachine users-sweep":   "users-sweep",
			schedule:                                "users",
			"aws:iam/role:Role users-schedule-role": "users",
			"aws:iam/rolePolicy:RolePolicy users-schedule-policy":        "users",
			"aws:cloudwatch/metricAlarm:MetricAlarm users-sweep-missing": "users",
			"aws:iam/rolePolicy:RolePolicy users-policy":                 "users",
			"aws:iam/rolePolicy:RolePolicy users-sweep-policy":           "users-sweep",
			"aws:cloudwatch/metricAlarm:MetricAlarm users-failed":        "users",
			"aws:cloudwatch/metricAlarm:MetricAlarm users-sweep-failed":  "users-sweep",
		}
		for name, parent := range want {
			if r, there := e.resources[name]; !there || r.parent != parent {
				t.Errorf("%s: there %t, parent %q, want %q", name, there, r.parent, parent)
			}
		}
		for name, r := range e.resources {
			if keeps := name == table || name == pool || r.parent == "users" && strings.Contains(name, "UserPoolClient"); r.protect != (keeps && protected) {
				t.Errorf("%s: protected %t, while deletion protection is %t", name, r.protect, protected)
			}
			if strings.Contains(name, "MetricAlarm") && len(r.inputs["alarmActions"].ArrayValue()) != 1 {
				t.Errorf("%s tells nobody", name)
			}
		}
		if got := e.resources[table].inputs["deletionProtectionEnabled"].BoolValue(); got != protected {
			t.Errorf("the table's deletion protection is %t, want %t", got, protected)
		}
		if got := e.resources[pool].inputs["deletionProtection"].StringValue(); (got == "ACTIVE") != protected {
			t.Errorf("the user pool's deletion protection is %s, want %t", got, protected)
		}
		if got := e.resources[schedule].inputs["scheduleExpression"].StringValue(); got != "rate(1 minute)" {
			t.Errorf("the sweep runs at %s", got)
		}
	}
}

// TestPolicies holds what each role may do, and on what.
func TestPolicies(t *testing.T) {
	e := &engine{}
	if err := e.deploy(&UserCreationArgs{KMSKeyARN: pulumi.String("arn:aws:kms:us-east-1:123456789012:key/1")}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"users-policy": {
			"cognito-idp:AdminCreateUser on arn:aws:cognito/userPool:users", "cognito-idp:AdminDeleteUser on arn:aws:cognito/userPool:users", "cognito-idp:AdminGetUser on arn:aws:cognito/userPool:users",
			"dynamodb:DeleteItem on arn:aws:dynamodb/table:users", "dynamodb:GetItem on arn:aws:dynamodb/table:users", "dynamodb:PutItem on arn:aws:dynamodb/table:users", "dynamodb:UpdateItem on arn:aws:dynamodb/table:users",
		},
		"users-sweep-policy": {
			"cognito-idp:AdminGetUser on arn:aws:cognito/userPool:users", "dynamodb:DeleteItem on arn:aws:dynamodb/table:users",
			"dynamodb:Query on arn:aws:dynamodb/table:users/index/PendingByLease", "dynamodb:UpdateItem on arn:aws:dynamodb/table:users",
		},
		"users-schedule-policy": {"states:StartExecution on arn:aws:sfn/stateMachine:users-sweep"},
	} {
		var policy struct {
			Statement []struct {
				Sid, Effect      string
				Action, Resource []string
			}
		}
		if err := json.Unmarshal([]byte(e.resources["aws:iam/rolePolicy:RolePolicy "+name].inputs["policy"].StringValue()), &policy); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, s := range policy.Statement {
			if s.Sid == "Key" || s.Sid == "LogDelivery" || s.Sid == "Tracing" { // of every state machine
				continue
			}
			for _, action := range s.Action {
				for _, on := range s.Resource {
					got = append(got, action+" on "+on)
				}
			}
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s allows\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestDefinitionsHaveNoFindings(t *testing.T) {
	for name, definition := range map[string]string{"create": createDefinition, "sweep": sweepDefinition} {
		for _, f := range asl.Lint([]byte(definition), asl.Options{Express: true}) {
			t.Errorf("%s.asl.json:%d: %s %s", name, f.Line, f.Code, f.Message)
		}
	}
}

// TestTheModelHasAllMembers compares what API Gateway lets through with what the workflow takes.
func TestTheModelHasAllMembers(t *testing.T) {
	text, err := RequestModel([]Attribute{{Name: "department", MaxLength: 5, Required: true}, {Name: "title", MaxLength: 3}})
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Type                 string
		Required             []string
		Properties           map[string]any
		AdditionalProperties *bool
	}
	if err := json.Unmarshal([]byte(text), &model); err != nil {
		t.Fatal(err)
	}
	slices.Sort(model.Required)
	if got, want := fmt.Sprint(model.Required), "[department emailAddress firstName lastName]"; got != want {
		t.Errorf("required are %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(slices.Sorted(maps.Keys(model.Properties))), "[department emailAddress firstName lastName phoneNumber title]"; got != want {
		t.Errorf("members are %s, want %s", got, want)
	}
	if model.Type != "object" || model.AdditionalProperties == nil || *model.AdditionalProperties {
		t.Errorf("other members, or other values, are let through: %s", text)
	}
}

// TestNamesAreKept posts any names: the answer and the profile hold them unchanged, or the answer names what is wrong.
func TestNamesAreKept(t *testing.T) {
	c := newCloud(t, setup{attributes: []Attribute{{Name: "note", MaxLength: 2048}}})
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		body := user(fmt.Sprintf("u%d@example.org", n))
		for member, longest := range map[string]int{"firstName": 120, "lastName": 120, "note": 300} {
			body[member] = rapid.OneOf(rapid.StringN(0, longest, -1), rapid.SampledFrom([]string{
				" ", "\u00a0", "é", "{% $id %}", "$.body", `\`, `"`, "\x00", "\u2028", "𝕬", strings.Repeat("𝕬", 100), strings.Repeat("a", 101), "null", "{}", "\ufeffx", "a\u0000b",
			})).Draw(r, member)
		}
		got := c.post(body, "")
		if refused := wrongName(body["firstName"].(string)) || wrongName(body["lastName"].(string)); refused {
			if got.StatusCode != 400 || !strings.HasPrefix(got.Message, "firstName: ") && !strings.HasPrefix(got.Message, "lastName: ") {
				r.Fatalf("%q: %v, want 400 that names the member", body, got)
			}
			return
		}
		if got.StatusCode != 201 {
			r.Fatalf("%q: %v", body, got)
		}
		profile := c.item("USERPROFILE#" + got.Body["userId"])
		for member, attribute := range map[string]string{"firstName": "FirstName", "lastName": "LastName", "emailAddress": "EmailAddress", "note": "note"} {
			if want := body[member].(string); got.Body[member] != want || profile[attribute]["S"] != want {
				r.Fatalf("%s: posted %q, answered %q, kept %q", member, want, got.Body[member], profile[attribute]["S"])
			}
		}
	})
}

// wrongName reports names that are refused. Lengths are in characters; blanks are those of JSONata's $trim.
func wrongName(s string) bool {
	return strings.Trim(s, " \t\n\r") == "" || len([]rune(s)) > 100
}

// item returns an item of the table.
func (c *cloud) item(key string) map[string]map[string]string {
	c.Helper()
	var out struct {
		Item map[string]map[string]string
	}
	c.call("dynamodb", "GetItem", c.json(map[string]any{"TableName": tableName, "ConsistentRead": true, "Key": map[string]any{"PK": map[string]string{"S": key}, "SK": map[string]string{"S": key}}}), &out)
	return out.Item
}
