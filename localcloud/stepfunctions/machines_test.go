package stepfunctions

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/store"
)

func logTo(groups ...string) *LoggingConfiguration {
	l := &LoggingConfiguration{Level: "ERROR"}
	for _, g := range groups {
		l.Destinations = append(l.Destinations, LogDestination{&LogGroup{"arn:aws:logs:us-east-1:111111111111:log-group:" + g + ":*"}})
	}
	return l
}

func TestCreateChecks(t *testing.T) {
	const group = "/aws/vendedlogs/states/m"
	sync := `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync","Parameters":{"StateMachineArn":"arn:aws:states:us-east-1:111111111111:stateMachine:x"},"End":true}}}`
	for _, c := range []struct {
		in   CreateStateMachineInput
		deny []string
		want string // the begin of the refusal
	}{
		{in: CreateStateMachineInput{Name: "a/b"}, want: "InvalidName: Invalid Name: 'a/b'"},
		{in: CreateStateMachineInput{Name: strings.Repeat("n", 81)}, want: "ValidationException: 1 validation error detected: Value 'nnn"},
		{in: CreateStateMachineInput{Type: "FAST"}, want: "ValidationException: 1 validation error detected: Value 'FAST' at 'type'"},
		{in: CreateStateMachineInput{Definition: `{"StartAt":"x"}`}, want: "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'"},
		{in: CreateStateMachineInput{Definition: strings.Replace(sync, "StateMachineArn", "stateMachineArn", 1)}, want: "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The field \"stateMachineArn\" is not supported by Step Functions at /States/T/Parameters, SCHEMA_VALIDATION_FAILED: The field 'StateMachineArn' is required but was missing at /States/T/Parameters'"},
		{in: CreateStateMachineInput{RoleArn: "me"}, want: "InvalidArn: Invalid Role Arn: 'me'"},
		{in: CreateStateMachineInput{Publish: true}, want: "ValidationException: the embedded AWS does not emulate versions"},
		{deny: []string{role}, want: "AccessDeniedException: Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role."},
		{in: CreateStateMachineInput{Definition: strings.Replace(sync, "states:startExecution.sync", "batch:submitJob", 1)}, want: "ValidationException: the embedded AWS does not emulate the integration arn:aws:states:::batch:submitJob"},
		{in: CreateStateMachineInput{LoggingConfiguration: logTo()}, want: "InvalidLoggingConfiguration: Invalid Logging Configuration: Must specify exactly one Log Destination."},
		{in: CreateStateMachineInput{LoggingConfiguration: logTo(group, group)}, want: "InvalidLoggingConfiguration: Invalid Logging Configuration: Must specify exactly one Log Destination."},
		{in: CreateStateMachineInput{LoggingConfiguration: logTo("none")}, want: "InvalidLoggingConfiguration: Invalid Logging Configuration: Log Destination not found."},
		{in: CreateStateMachineInput{LoggingConfiguration: logTo(group)}, deny: []string{"logs:GetLogDelivery"}, want: "AccessDeniedException: The state machine IAM Role is not authorized to access the Log Destination"},
		{in: CreateStateMachineInput{LoggingConfiguration: logTo(group)}, deny: []string{"logs:PutResourcePolicy"}, want: "AccessDeniedException: The state machine IAM Role is not authorized to access the Log Destination"},
		{in: CreateStateMachineInput{TracingConfiguration: &TracingConfiguration{true}}, deny: []string{"xray:PutTraceSegments"}, want: "AccessDeniedException: "},
		{in: CreateStateMachineInput{Definition: sync}, deny: []string{"events:PutRule"}, want: "AccessDeniedException: '" + role + "' is not authorized to create managed-rule."},
		{in: CreateStateMachineInput{EncryptionConfiguration: &EncryptionConfiguration{Type: "CUSTOMER_MANAGED_KMS_KEY"}}, want: "InvalidEncryptionConfiguration: "},
		{in: CreateStateMachineInput{Definition: sync}, want: "accepted"},
		{in: CreateStateMachineInput{LoggingConfiguration: logTo(group), TracingConfiguration: &TracingConfiguration{true}}, want: "accepted"},
	} {
		t.Run(c.want, func(t *testing.T) {
			w := newWorld(t, store.Memory())
			for _, what := range c.deny {
				w.rules.deny(what, true)
			}
			if c.in.Name == "" {
				c.in.Name = "m"
			}
			if c.in.Definition == "" {
				c.in.Definition = passing
			}
			if c.in.RoleArn == "" {
				c.in.RoleArn = role
			}
			if got := refusal(w, "CreateStateMachine", &c.in); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMachineLifecycle(t *testing.T) {
	w := newWorld(t, store.Memory())
	in := &CreateStateMachineInput{Name: "m", RoleArn: role, Definition: passing, Tags: []Tag{{"a", "1"}}}
	arn := do[CreateStateMachineOutput](w, "CreateStateMachine", in).StateMachineArn
	if again := do[CreateStateMachineOutput](w, "CreateStateMachine", in).StateMachineArn; again != arn {
		t.Errorf("the same again is %s", again)
	}
	other := *in
	other.Definition = waiting
	if got := refusal(w, "CreateStateMachine", &other); got != "StateMachineAlreadyExists: State Machine Already Exists: '"+arn+"'" {
		t.Error(got)
	}
	if got := refusal(w, "UpdateStateMachine", &UpdateStateMachineInput{StateMachineArn: arn}); !strings.HasPrefix(got, "MissingRequiredParameter: ") {
		t.Error(got)
	}
	before := do[DescribeStateMachineOutput](w, "DescribeStateMachine", &StateMachineInput{StateMachineArn: arn})
	do[UpdateStateMachineOutput](w, "UpdateStateMachine", &UpdateStateMachineInput{StateMachineArn: arn, Definition: waiting})
	after := do[DescribeStateMachineOutput](w, "DescribeStateMachine", &StateMachineInput{StateMachineArn: arn})
	if before.RevisionID != "" || after.RevisionID == "" || after.Definition != waiting || after.LoggingConfiguration.Level != "OFF" || after.Type != "STANDARD" {
		t.Errorf("%+v\n%+v", before, after)
	}
	do[Empty](w, "TagResource", &TagResourceInput{ResourceArn: arn, Tags: []Tag{{"a", "2"}, {"b", "3"}}})
	do[Empty](w, "UntagResource", &UntagResourceInput{ResourceArn: arn, TagKeys: []string{"b"}})
	if tags := do[ListTagsForResourceOutput](w, "ListTagsForResource", &ListTagsForResourceInput{ResourceArn: arn}).Tags; !slices.Equal(tags, []Tag{{"a", "2"}}) {
		t.Error(tags)
	}
	for i := range 3 {
		create(w, fmt.Sprint("n", i), "EXPRESS", passing)
	}
	page := do[ListStateMachinesOutput](w, "ListStateMachines", &ListInput{MaxResults: 2})
	rest := do[ListStateMachinesOutput](w, "ListStateMachines", &ListInput{MaxResults: 2, NextToken: page.NextToken})
	if len(page.StateMachines) != 2 || len(rest.StateMachines) != 2 || rest.NextToken != "" || rest.StateMachines[1].Name != "n2" {
		t.Errorf("%+v %+v", page, rest)
	}
	do[Empty](w, "DeleteStateMachine", &DeleteStateMachineInput{StateMachineArn: arn})
	do[Empty](w, "DeleteStateMachine", &DeleteStateMachineInput{StateMachineArn: arn})
	if got := refusal(w, "DescribeStateMachine", &StateMachineInput{StateMachineArn: arn}); got != "StateMachineDoesNotExist: State Machine Does Not Exist: '"+arn+"'" {
		t.Error(got)
	}
}

func TestValidateStateMachineDefinition(t *testing.T) {
	w := newWorld(t, store.Memory())
	if out := do[ValidateStateMachineDefinitionOutput](w, "ValidateStateMachineDefinition", &ValidateStateMachineDefinitionInput{Definition: passing}); out.Result != "OK" || len(out.Diagnostics) != 0 {
		t.Errorf("%+v", out)
	}
	out := do[ValidateStateMachineDefinitionOutput](w, "ValidateStateMachineDefinition", &ValidateStateMachineDefinitionInput{Definition: `{"States":{}}`})
	if out.Result != "FAIL" || out.Diagnostics[0].Code != "SCHEMA_VALIDATION_FAILED" || out.Diagnostics[0].Severity != "ERROR" {
		t.Errorf("%+v", out)
	}
}

func TestClosedExecutionsAreEvictedOldestFirst(t *testing.T) {
	w := newWorld(t, store.Memory())
	m := create(w, "m", "", passing)
	input := `"` + strings.Repeat("x", maxDataBytes-2) + `"`
	for i := range 300 {
		begin(w, m, fmt.Sprint("e", i), input)
		w.settle()
	}
	list := do[ListExecutionsOutput](w, "ListExecutions", &ListExecutionsInput{StateMachineArn: m, MaxResults: 1000})
	if n := len(list.Executions); n == 0 || n == 300 || list.Executions[0].Name != "e299" || w.s.budget.bytes > MaxHistoryBytes {
		t.Errorf("%d executions of %d bytes kept", n, w.s.budget.bytes)
	}
	if got := refusal(w, "DescribeExecution", &ExecutionInput{ExecutionArn: "arn:aws:states:us-east-1:111111111111:execution:m:e0"}); !strings.HasPrefix(got, "ExecutionDoesNotExist") {
		t.Error(got)
	}
}
