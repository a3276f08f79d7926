// Package workflow deploys a state machine of Step Functions from its definition, a file in the Amazon States Language.
//
// The role is derived from the definition: each Task says which action on which resource it needs.
package workflow

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carepath/carepath/components/alarm"
	"github.com/carepath/carepath/components/policy"
	"github.com/carepath/carepath/lang/asl"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sfn"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// StateMachineType is the type token of StateMachine.
const StateMachineType = "carepath:workflow:StateMachine"

// Type is the type of a state machine. See
// https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html.
type Type string

// The types.
const (
	Standard Type = "STANDARD"
	Express  Type = "EXPRESS"
)

// LogLevel says which events a state machine logs.
type LogLevel string

// The levels.
const (
	LogAll   LogLevel = "ALL"
	LogError LogLevel = "ERROR"
	LogFatal LogLevel = "FATAL"
	LogOff   LogLevel = "OFF"
)

// StateMachineArgs says which state machine is deployed.
type StateMachineArgs struct {
	// Definition is the text of an .asl.json file. Required. Plain, because it is checked before anything is deployed.
	Definition string
	// Placeholders are the values of the definition's "${name}"s: each is used, and none is missing.
	Placeholders map[string]Placeholder
	// Type of the state machine. Default: Standard. Plain, because it decides what the definition may have.
	Type Type
	// KMSKeyARN is the customer-managed key of the executions' data and of the log group; its policy must allow CloudWatch
	// Logs. Required.
	KMSKeyARN pulumi.StringInput
	// Statements allow what cannot be derived from the definition. Where that is all that a Task needs, because its arguments are
	// known only when it runs, the statement's Sid is [Sid] of the Task's name.
	Statements []policy.Statement
	// LogLevel. Default: LogError for Standard, whose history Step Functions keeps; LogAll for Express, whose log is all
	// there is. Plain, because LogOff has no log group.
	LogLevel LogLevel
	// LogExecutionData writes inputs and outputs into the log. Default: false, for they may be health data.
	LogExecutionData pulumi.BoolPtrInput
	// LogRetentionDays is how long logs are kept, one of CloudWatch's values. Default: 30.
	LogRetentionDays pulumi.IntPtrInput
	// AlarmTopicARNs are SNS topics that hear of the alarms. Default: none; the alarms exist all the same.
	AlarmTopicARNs []pulumi.StringInput
}

// StateMachine is a deployed state machine with its role, log group and alarms.
type StateMachine struct {
	pulumi.ResourceState

	// ARN is what callers start.
	ARN pulumi.StringOutput
	// Name is the physical name.
	Name pulumi.StringOutput
	// RoleARN is the role that executions act as.
	RoleARN pulumi.StringOutput
	// StateMachine is the resource itself, for what this component does not offer.
	StateMachine *sfn.StateMachine
}

func (a *StateMachineArgs) withDefaults() *StateMachineArgs {
	d := StateMachineArgs{}
	if a != nil {
		d = *a
	}
	if d.Type == "" {
		d.Type = Standard
	}
	if d.LogLevel == "" {
		d.LogLevel = LogError
		if d.Type == Express {
			d.LogLevel = LogAll
		}
	}
	if d.LogRetentionDays == nil {
		d.LogRetentionDays = pulumi.Int(30)
	}
	if d.LogExecutionData == nil {
		d.LogExecutionData = pulumi.Bool(false)
	}
	return &d
}

func (a *StateMachineArgs) validate() error {
	var problems []error
	if a.Type != Standard && a.Type != Express {
		problems = append(problems, fmt.Errorf("Type: must be %q or %q, got %q", Standard, Express, a.Type))
	}
	if levels := []LogLevel{LogAll, LogError, LogFatal, LogOff}; !slices.Contains(levels, a.LogLevel) {
		problems = append(problems, fmt.Errorf("LogLevel: must be one of %v, got %q", levels, a.LogLevel))
	}
	if a.KMSKeyARN == nil {
		problems = append(problems, errors.New("KMSKeyARN: is required"))
	}
	if a.Definition == "" {
		problems = append(problems, errors.New("Definition: is required"))
		return errors.Join(problems...)
	}
	if err := checkPlaceholders(a.Definition, a.Placeholders); err != nil {
		return errors.Join(append(problems, err)...)
	}
	if _, err := a.derivedStatements(); err != nil {
		problems = append(problems, fmt.Errorf("Definition: %w", err))
	}
	return errors.Join(problems...)
}

// NewStateMachine checks a definition and deploys it.
func NewStateMachine(ctx *pulumi.Context, name string, args *StateMachineArgs, opts ...pulumi.ResourceOption) (*StateMachine, error) {
	args = args.withDefaults()
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("components/workflow %q: %w", name, err)
	}
	m := &StateMachine{}
	if err := ctx.RegisterComponentResource(StateMachineType, name, m, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(m)
	account, region, partition := policy.ARNPart(args.KMSKeyARN, 4), policy.ARNPart(args.KMSKeyARN, 3), policy.ARNPart(args.KMSKeyARN, 1)
	// The state machine's own name is not known yet; it begins with the resource's.
	role, err := iam.NewRole(ctx, name+"-role", &iam.RoleArgs{
		Description: pulumi.String("Execution role of the state machine " + name),
		AssumeRolePolicy: policy.Trust("states.amazonaws.com",
			policy.Condition{Operator: "StringEquals", Key: "aws:SourceAccount", Values: policy.ARNs(account)},
			policy.Condition{Operator: "ArnLike", Key: "aws:SourceArn", Values: policy.ARNs(
				pulumi.Sprintf("arn:%s:states:%s:%s:stateMachine:%s-*", partition, region, account, name))}),
	}, parent)
	if err != nil {
		return nil, err
	}
	statements, err := args.derivedStatements()
	if err != nil {
		return nil, fmt.Errorf("components/workflow %q: Definition: %w", name, err)
	}
	statements = slices.Concat(statements, fixedStatements(args), args.Statements)
	rolePolicy, err := iam.NewRolePolicy(ctx, name+"-policy", &iam.RolePolicyArgs{
		Role: role.Name, Policy: policy.Document(statements...),
	}, parent)
	if err != nil {
		return nil, err
	}
	in := &sfn.StateMachineArgs{
		Definition: args.filled(),
		RoleArn:    role.Arn,
		Type:       pulumi.String(args.Type),
		EncryptionConfiguration: sfn.StateMachineEncryptionConfigurationArgs{
			Type: pulumi.String("CUSTOMER_MANAGED_KMS_KEY"), KmsKeyId: args.KMSKeyARN.ToStringOutput().ToStringPtrOutput(),
			KmsDataKeyReusePeriodSeconds: pulumi.Int(300),
		},
		TracingConfiguration: sfn.StateMachineTracingConfigurationArgs{Enabled: pulumi.Bool(true)},
	}
	if args.LogLevel != LogOff {
		// Names below /aws/vendedlogs/ keep the account's log resource policy short. See
		// https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html.
		logs, err := cloudwatch.NewLogGroup(ctx, name+"-logs", &cloudwatch.LogGroupArgs{
			NamePrefix:      pulumi.String("/aws/vendedlogs/states/" + name + "-"),
			KmsKeyId:        args.KMSKeyARN.ToStringOutput().ToStringPtrOutput(),
			RetentionInDays: args.LogRetentionDays,
		}, parent)
		if err != nil {
			return nil, err
		}
		in.LoggingConfiguration = sfn.StateMachineLoggingConfigurationArgs{
			Level: pulumi.String(args.LogLevel), IncludeExecutionData: args.LogExecutionData,
			LogDestination: pulumi.Sprintf("%s:*", logs.Arn),
		}
	}
	// Step Functions checks when it creates the state machine that its role may use the log group and the key.
	m.StateMachine, err = sfn.NewStateMachine(ctx, name, in, parent, pulumi.DependsOn([]pulumi.Resource{rolePolicy}))
	if err != nil {
		return nil, err
	}
	if err := m.alarms(ctx, name, args); err != nil {
		return nil, err
	}
	m.ARN, m.Name, m.RoleARN = m.StateMachine.Arn, m.StateMachine.Name, role.Arn
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{"arn": m.ARN, "name": m.Name, "roleArn": m.RoleARN})
}

// filled returns the definition with its placeholders' values.
func (a *StateMachineArgs) filled() pulumi.StringOutput {
	var names []string
	var inputs []any
	for _, name := range slices.Sorted(maps.Keys(a.Placeholders)) {
		if p := a.Placeholders[name]; p.text != nil {
			names, inputs = append(names, name), append(inputs, p.text)
		}
	}
	return pulumi.All(inputs...).ApplyT(func(values []any) (string, error) {
		texts := map[string]string{}
		for i, name := range names {
			text, ok := values[i].(string)
			if !ok {
				return "", fmt.Errorf("the placeholder %q is a %T, not a string", name, values[i])
			}
			texts[name] = text
		}
		return fill(a.Definition, a.Placeholders, texts), nil
	}).(pulumi.StringOutput)
}

// derivedStatements are what the definition's tasks need.
func (a *StateMachineArgs) derivedStatements() ([]policy.Statement, error) {
	texts, arns, stand := standIns(a.Placeholders)
	permissions, err := derive(fill(a.Definition, a.Placeholders, texts), a.Type, arns)
	if err := a.withoutExplicit(err); err != nil {
		return nil, err
	}
	var statements []policy.Statement
	named := map[string]bool{}
	for _, p := range permissions {
		s := policy.Statement{Actions: p.Actions}
		if id := Sid(p.State); !named[id] { // a policy has each once
			s.Sid, named[id] = id, true
		}
		for _, r := range p.Resources {
			s.Resources = append(s.Resources, realise(r, stand))
		}
		statements = append(statements, s)
	}
	return statements, nil
}

// withoutExplicit is an error of derive less what Statements allow explicitly.
func (a *StateMachineArgs) withoutExplicit(err error) error {
	var underivable *asl.PermissionsError
	if !errors.As(err, &underivable) {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(underivable.Tasks), func(t asl.TaskPermissionsError) bool {
		return slices.ContainsFunc(a.Statements, func(s policy.Statement) bool { return s.Sid == Sid(t.State) })
	})
	if len(left) == 0 {
		return nil
	}
	return &asl.PermissionsError{Tasks: left}
}

// fixedStatements are what every execution role needs whatever the definition.
func fixedStatements(args *StateMachineArgs) []policy.Statement {
	everything := policy.ARNs(pulumi.String("*"))
	statements := []policy.Statement{{
		// Executions are encrypted under the key. See
		// https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html.
		Sid: "Key", Actions: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resources: policy.ARNs(args.KMSKeyARN),
	}}
	if args.LogLevel != LogOff {
		statements = append(statements, policy.Statement{
			// These actions of CloudWatch Logs have no resource types: AWS takes "*" only. See
			// https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy.
			Sid: "LogDelivery", Resources: everything,
			Actions: []string{
				"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
				"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
			},
		})
	}
	return append(statements, policy.Statement{
		// X-Ray has no resources for these. See https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html.
		Sid: "Tracing", Resources: everything,
		Actions: []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"},
	})
}

// alarms tell within a minute when executions do not succeed. See
// https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html.
func (m *StateMachine) alarms(ctx *pulumi.Context, name string, args *StateMachineArgs) error {
	for _, a := range []struct{ suffix, metric, description string }{
		{"failed", "ExecutionsFailed", "Executions of the state machine fail"},
		{"timed-out", "ExecutionsTimedOut", "Executions of the state machine run out of time"},
		{"throttled", "ExecutionThrottled", "Executions of the state machine are throttled"},
	} {
		err := alarm.New(ctx, name+"-"+a.suffix, alarm.Alarm{
			Description: a.description, Namespace: "AWS/States", Metric: a.metric, Dimensions: pulumi.StringMap{"StateMachineArn": m.StateMachine.Arn},
		}, args.AlarmTopicARNs, pulumi.Parent(m))
		if err != nil {
			return err
		}
	}
	return nil
}

// Sid names a statement after the state that needs it: letters and digits are all that IAM takes.
func Sid(state string) string {
	return "State" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, state)
}
