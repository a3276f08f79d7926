package workflow

import (
	"strings"
	"testing"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func definition(parameters string) string {
	return `{"StartAt":"A b","States":{"A b":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true,"Parameters":` + parameters + `}}}`
}

func TestArgsAreCheckedBeforeAnythingIsDeployed(t *testing.T) {
	key, function := pulumi.String("arn:aws:kms:us-east-1:123456789012:key/1"), Function(pulumi.String("arn:aws:lambda:us-east-1:123456789012:function:f"))
	for _, test := range []struct {
		name string
		args StateMachineArgs
		want []string // what the error says; none: no error
	}{
		{"good", StateMachineArgs{KMSKeyARN: key, Definition: definition(`{"FunctionName":"${f}"}`), Placeholders: map[string]Placeholder{"f": function}}, nil},
		{"nothing", StateMachineArgs{}, []string{"KMSKeyARN: is required", "Definition: is required"}},
		{"enums", StateMachineArgs{KMSKeyARN: key, Type: "express", LogLevel: "DEBUG", Definition: definition(`{"FunctionName":"f"}`)}, []string{`"express"`, `"DEBUG"`}},
		{"missing and unused", StateMachineArgs{KMSKeyARN: key, Definition: definition(`{"FunctionName":"${f}","Payload":{"a":"${b}"}}`),
			Placeholders: map[string]Placeholder{"f": function, "c": Number(1), "d": Number(1)}},
			[]string{`"b" is missing`, `"c" is unused`, `"d" is unused`}},
		{"malformed name", StateMachineArgs{KMSKeyARN: key, Definition: definition(`{"FunctionName":"${a b}"}`)}, []string{"${a b}"}},
		{"number inside a string", StateMachineArgs{KMSKeyARN: key, Definition: definition(`{"FunctionName":"f${n}"}`), Placeholders: map[string]Placeholder{"n": Number(1)}},
			[]string{`"n" is a number`}},
		{"not a definition", StateMachineArgs{KMSKeyARN: key, Definition: `{"StartAt":"X","States":{}}`}, []string{"Definition: "}},
		{"what cannot be derived", StateMachineArgs{KMSKeyARN: key, Definition: definition(`{"FunctionName.$":"$.f"}`)}, []string{"A b", "explicit statement"}},
		{"another task's statement", StateMachineArgs{KMSKeyARN: key, Definition: definition(`{"FunctionName.$":"$.f"}`), Statements: []policy.Statement{{Sid: "StateA"}}}, []string{"A b", "explicit statement"}},
		{"an explicit statement", StateMachineArgs{KMSKeyARN: key, Definition: definition(`{"FunctionName.$":"$.f"}`), Statements: []policy.Statement{{Sid: "StateAb"}}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.args.withDefaults().validate()
			if (err == nil) != (test.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nlacks %s", err, want)
				}
			}
		})
	}
}

func TestFill(t *testing.T) {
	got := fill(`{"a":"${n}","b":"x ${t} y","c":"${t}"}`, map[string]Placeholder{"n": Number(1.5), "t": Text(pulumi.String(""))},
		map[string]string{"t": "quote \" backslash \\ ${n}"})
	if want := `{"a":1.5,"b":"x quote \" backslash \\ ${n} y","c":"quote \" backslash \\ ${n}"}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

type echo struct {
	inputs map[string]resource.PropertyMap
}

func (e *echo) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.inputs[args.Name] = args.Inputs
	return args.Name, args.Inputs, nil
}

func (e *echo) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

func TestExtraStatementsTracingAndNoLog(t *testing.T) {
	e := &echo{inputs: map[string]resource.PropertyMap{}}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewStateMachine(ctx, "m", &StateMachineArgs{
			Definition: definition(`{"FunctionName":"${f}"}`), Placeholders: map[string]Placeholder{"f": Function(pulumi.String("arn:aws:lambda:us-east-1:123456789012:function:f"))},
			KMSKeyARN: pulumi.String("arn:aws:kms:us-east-1:123456789012:key/1"), LogLevel: LogOff,
			Statements: []policy.Statement{{Actions: []string{"s3:GetObject"}, Resources: policy.ARNs(pulumi.String("arn:aws:s3:::b/k"))}},
		})
		return err
	}, pulumi.WithMocks("p", "s", e))
	if err != nil {
		t.Fatal(err)
	}
	text := e.inputs["m-policy"]["policy"].StringValue()
	for _, want := range []string{`"Sid":"StateAb"`, "arn:aws:lambda:us-east-1:123456789012:function:f", "xray:PutTraceSegments", "s3:GetObject", "arn:aws:s3:::b/k"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nlacks %s", text, want)
		}
	}
	if strings.Contains(text, "logs:") {
		t.Errorf("a state machine without a log may deliver logs: %s", text)
	}
	if _, has := e.inputs["m-logs"]; has {
		t.Error("a state machine without a log has a log group")
	}
}
