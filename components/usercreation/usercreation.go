// Package usercreation deploys what creates users: a DynamoDB table that hands out numbers and holds the profiles, a Cognito
// user pool whose Usernames are those numbers, the Express workflow that does both or neither, and a sweep that ends what an
// execution that died has left half done.
package usercreation

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/carepath/carepath/components/alarm"
	"github.com/carepath/carepath/components/policy"
	"github.com/carepath/carepath/components/workflow"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cognito"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/scheduler"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// UserCreationType is the type token of UserCreation.
const UserCreationType = "carepath:usercreation:UserCreation"

// createDefinition and sweepDefinition are files that Workflow Studio opens. Their query language is JSONata: it compares,
// cuts and joins texts and adds numbers of any length, for which JSONPath would need functions of Lambda.
var (
	//go:embed create.asl.json
	createDefinition string
	//go:embed sweep.asl.json
	sweepDefinition string
)

// pendingIndex is the sparse index of the claims that have not ended.
const pendingIndex = "PendingByLease"

// Allocation is how a user gets a number.
type Allocation string

// The allocations.
const (
	// Atomic takes the number with one UpdateItem. Its cost does not depend on how many callers there are. A creation that
	// fails afterwards leaves a gap.
	Atomic Allocation = "atomic"
	// Optimistic reads the last number and writes the next one in one transaction with the profile. Callers that meet try
	// again, with back-off; a number is consumed only together with its profile.
	Optimistic Allocation = "optimistic"
)

// MFA is whether users give a second factor: a time-based one-time password.
type MFA string

// The values of MFA.
const (
	MFAOff      MFA = "OFF"
	MFAOptional MFA = "OPTIONAL"
	MFARequired MFA = "ON"
)

const (
	// DefaultFirstID is the first user's number where none is configured.
	DefaultFirstID = 1_000_000_000
	// MaxFirstID is the largest first number: 10^18.
	MaxFirstID = 1_000_000_000_000_000_000
)

// UserCreationArgs says how users are created.
type UserCreationArgs struct {
	// FirstID is the number of the first user, 1 to 10^18. It has no effect on a table that has handed out a number. Default:
	// DefaultFirstID. Plain, because it is checked before anything is deployed, as Allocation, Attributes and MFA.
	FirstID int64
	// Allocation is how numbers are handed out. Default: Atomic.
	Allocation Allocation
	// Attributes are what consumers add to a user. Default: none.
	Attributes []Attribute
	// MFA of the user pool. Default: MFAOptional.
	MFA MFA
	// Email says from where the user pool's mail comes. Default: Cognito sends it itself, for 50 users a day.
	Email *Email
	// DeletionProtection keeps AWS and Pulumi from deleting the table and the user pool. Default: false. Plain, because it
	// is an option of the resources.
	DeletionProtection bool
	// KMSKeyARN is the customer-managed key of the table, the executions' data and the log groups; its policy must allow
	// CloudWatch Logs. Required.
	KMSKeyARN pulumi.StringInput
	// LogRetentionDays is how long logs are kept, one of CloudWatch's values. Default: 30.
	LogRetentionDays pulumi.IntPtrInput
	// AlarmTopicARNs are SNS topics that hear of the alarms. Default: none; the alarms exist all the same.
	AlarmTopicARNs []pulumi.StringInput
}

// Email is a sender of Amazon SES. See
// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-email.html.
type Email struct {
	// IdentityARN is a verified identity, a domain or an address, in the pool's region or one of those that Cognito takes for it:
	// "arn:aws:ses:us-east-1:123456789012:identity/example.com". Required.
	IdentityARN pulumi.StringInput
	// From is the address that mail comes from, which the identity must cover: "accounts@example.com", or "Accounts
	// <accounts@example.com>". Required.
	From pulumi.StringInput
}

// UserCreation is the deployed system.
type UserCreation struct {
	pulumi.ResourceState

	// StateMachineARN is the Express state machine that creates a user. Its input is {"body": the user, "metadata":
	// {"idempotencyKey"}}, its output {"response": {"statusCode", and "body" or "message"}}.
	StateMachineARN pulumi.StringOutput
	// SweepStateMachineARN is the state machine that a schedule starts every minute.
	SweepStateMachineARN pulumi.StringOutput
	// TableName is the physical name of the table.
	TableName pulumi.StringOutput
	// UserPoolID is the id of the user pool.
	UserPoolID pulumi.StringOutput
	// UserPoolClientID is the app client with which a back end signs users in.
	UserPoolClientID pulumi.StringOutput
}

func (a *UserCreationArgs) withDefaults() *UserCreationArgs {
	d := UserCreationArgs{}
	if a != nil {
		d = *a
	}
	if d.FirstID == 0 {
		d.FirstID = DefaultFirstID
	}
	if d.Allocation == "" {
		d.Allocation = Atomic
	}
	if d.MFA == "" {
		d.MFA = MFAOptional
	}
	return &d
}

func (a *UserCreationArgs) validate() error {
	var problems []error
	if a.FirstID < 1 || a.FirstID > MaxFirstID {
		problems = append(problems, fmt.Errorf("FirstID: must be from 1 to %d, got %d", int64(MaxFirstID), a.FirstID))
	}
	if a.Allocation != Atomic && a.Allocation != Optimistic {
		problems = append(problems, fmt.Errorf("Allocation: must be %q or %q, got %q", Atomic, Optimistic, a.Allocation))
	}
	if values := []MFA{MFAOff, MFAOptional, MFARequired}; !slices.Contains(values, a.MFA) {
		problems = append(problems, fmt.Errorf("MFA: must be one of %v, got %q", values, a.MFA))
	}
	if err := CheckAttributes(a.Attributes); err != nil {
		problems = append(problems, err)
	}
	if a.Email != nil && a.Email.IdentityARN == nil {
		problems = append(problems, errors.New("Email.IdentityARN: is required"))
	}
	if a.Email != nil && a.Email.From == nil {
		problems = append(problems, errors.New("Email.From: is required"))
	}
	if a.KMSKeyARN == nil {
		problems = append(problems, errors.New("KMSKeyARN: is required"))
	}
	return errors.Join(problems...)
}

// NewUserCreation deploys the system.
func NewUserCreation(ctx *pulumi.Context, name string, args *UserCreationArgs, opts ...pulumi.ResourceOption) (*UserCreation, error) {
	args = args.withDefaults()
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("components/usercreation %q: %w", name, err)
	}
	attributes, err := attributesText(args.Attributes)
	if err != nil {
		return nil, fmt.Errorf("components/usercreation %q: Attributes: %w", name, err)
	}
	u := &UserCreation{}
	if err := ctx.RegisterComponentResource(UserCreationType, name, u, opts...); err != nil {
		return nil, err
	}
	table, err := u.table(ctx, name, args)
	if err != nil {
		return nil, err
	}
	pool, client, err := u.userPool(ctx, name, args)
	if err != nil {
		return nil, err
	}
	partition := workflow.Text(policy.ARNPart(args.KMSKeyARN, 1))
	create, err := workflow.NewStateMachine(ctx, name, &workflow.StateMachineArgs{
		Definition: createDefinition,
		Type:       workflow.Express,
		Placeholders: map[string]workflow.Placeholder{
			"partition":     partition,
			"tableName":     workflow.Table(table.Name, table.Arn),
			"userPoolId":    workflow.UserPool(pool.ID().ToStringOutput(), pool.Arn),
			"allocation":    workflow.Text(pulumi.String(args.Allocation)),
			"beforeFirstId": workflow.Text(pulumi.String(strconv.FormatInt(args.FirstID-1, 10))),
			"attributes":    workflow.Text(pulumi.String(attributes)),
		},
		KMSKeyARN:        args.KMSKeyARN,
		LogRetentionDays: args.LogRetentionDays,
		AlarmTopicARNs:   args.AlarmTopicARNs,
	}, pulumi.Parent(u))
	if err != nil {
		return nil, err
	}
	sweep, err := workflow.NewStateMachine(ctx, name+"-sweep", &workflow.StateMachineArgs{
		Definition: sweepDefinition,
		Type:       workflow.Express,
		Placeholders: map[string]workflow.Placeholder{
			"partition":    partition,
			"tableName":    workflow.Table(table.Name, table.Arn),
			"pendingIndex": workflow.Text(pulumi.String(pendingIndex)),
			"userPoolId":   workflow.UserPool(pool.ID().ToStringOutput(), pool.Arn),
		},
		KMSKeyARN:        args.KMSKeyARN,
		LogLevel:         workflow.LogError, // an empty sweep every minute is no news
		LogRetentionDays: args.LogRetentionDays,
		AlarmTopicARNs:   args.AlarmTopicARNs,
	}, pulumi.Parent(u))
	if err != nil {
		return nil, err
	}
	if err := u.schedule(ctx, name, args, sweep); err != nil {
		return nil, err
	}
	u.StateMachineARN, u.SweepStateMachineARN = create.ARN, sweep.ARN
	u.TableName, u.UserPoolID, u.UserPoolClientID = table.Name, pool.ID().ToStringOutput(), client.ID().ToStringOutput()
	return u, ctx.RegisterResourceOutputs(u, pulumi.Map{
		"stateMachineArn": u.StateMachineARN, "sweepStateMachineArn": u.SweepStateMachineARN,
		"tableName": u.TableName, "userPoolId": u.UserPoolID, "userPoolClientId": u.UserPoolClientID,
	})
}

// table holds, by its keys PK and SK, which are equal: USERMETADATA with the last number; USERPROFILE#<number>;
// USEREMAIL#<e-mail address in lower case>, the claim, which has Pending and LeaseUntil until the user is complete; and
// USERREQUEST#<Idempotency-Key>, for a day.
func (u *UserCreation) table(ctx *pulumi.Context, name string, args *UserCreationArgs) (*dynamodb.Table, error) {
	text := func(name string) dynamodb.TableAttributeArgs {
		return dynamodb.TableAttributeArgs{Name: pulumi.String(name), Type: pulumi.String("S")}
	}
	return dynamodb.NewTable(ctx, name, &dynamodb.TableArgs{
		BillingMode: pulumi.String("PAY_PER_REQUEST"),
		Attributes:  dynamodb.TableAttributeArray{text("PK"), text("SK"), text("Pending"), text("LeaseUntil")},
		HashKey:     pulumi.String("PK"),
		RangeKey:    pulumi.String("SK"),
		GlobalSecondaryIndexes: dynamodb.TableGlobalSecondaryIndexArray{dynamodb.TableGlobalSecondaryIndexArgs{
			Name: pulumi.String(pendingIndex), HashKey: pulumi.String("Pending"), RangeKey: pulumi.String("LeaseUntil"),
			ProjectionType: pulumi.String("KEYS_ONLY"),
		}},
		Ttl:                       dynamodb.TableTtlArgs{AttributeName: pulumi.String("ExpiresAt"), Enabled: pulumi.Bool(true)},
		PointInTimeRecovery:       dynamodb.TablePointInTimeRecoveryArgs{Enabled: pulumi.Bool(true)},
		ServerSideEncryption:      dynamodb.TableServerSideEncryptionArgs{Enabled: pulumi.Bool(true), KmsKeyArn: args.KMSKeyARN.ToStringOutput().ToStringPtrOutput()},
		DeletionProtectionEnabled: pulumi.Bool(args.DeletionProtection),
	}, pulumi.Parent(u), pulumi.Protect(args.DeletionProtection))
}

// userPool lets administrators alone create users, who sign in with their number or their e-mail address.
func (u *UserCreation) userPool(ctx *pulumi.Context, name string, args *UserCreationArgs) (*cognito.UserPool, *cognito.UserPoolClient, error) {
	protection := "INACTIVE"
	if args.DeletionProtection {
		protection = "ACTIVE"
	}
	text := func(name string, required bool, longest int) cognito.UserPoolSchemaArgs {
		return cognito.UserPoolSchemaArgs{
			Name: pulumi.String(name), AttributeDataType: pulumi.String("String"), Required: pulumi.Bool(required), Mutable: pulumi.Bool(required),
			StringAttributeConstraints: cognito.UserPoolSchemaStringAttributeConstraintsArgs{
				MinLength: pulumi.String("0"), MaxLength: pulumi.String(strconv.Itoa(longest)),
			},
		}
	}
	in := &cognito.UserPoolArgs{
		AliasAttributes:        pulumi.ToStringArray([]string{"email"}),
		AutoVerifiedAttributes: pulumi.ToStringArray([]string{"email"}),
		UsernameConfiguration:  cognito.UserPoolUsernameConfigurationArgs{CaseSensitive: pulumi.Bool(false)},
		Schemas:                cognito.UserPoolSchemaArray{text("email", true, 2048), text("claim", false, 256)},
		PasswordPolicy: cognito.UserPoolPasswordPolicyArgs{
			MinimumLength: pulumi.Int(12), RequireLowercase: pulumi.Bool(true), RequireUppercase: pulumi.Bool(true),
			RequireNumbers: pulumi.Bool(true), RequireSymbols: pulumi.Bool(true), TemporaryPasswordValidityDays: pulumi.Int(7),
		},
		AdminCreateUserConfig: cognito.UserPoolAdminCreateUserConfigArgs{AllowAdminCreateUserOnly: pulumi.Bool(true)},
		AccountRecoverySetting: cognito.UserPoolAccountRecoverySettingArgs{
			RecoveryMechanisms: cognito.UserPoolAccountRecoverySettingRecoveryMechanismArray{
				cognito.UserPoolAccountRecoverySettingRecoveryMechanismArgs{Name: pulumi.String("verified_email"), Priority: pulumi.Int(1)},
			},
		},
		MfaConfiguration:   pulumi.String(args.MFA),
		DeletionProtection: pulumi.String(protection),
	}
	if args.MFA != MFAOff {
		in.SoftwareTokenMfaConfiguration = cognito.UserPoolSoftwareTokenMfaConfigurationArgs{Enabled: pulumi.Bool(true)}
	}
	if e := args.Email; e != nil {
		in.EmailConfiguration = cognito.UserPoolEmailConfigurationArgs{
			EmailSendingAccount: pulumi.String("DEVELOPER"), SourceArn: e.IdentityARN.ToStringOutput().ToStringPtrOutput(), FromEmailAddress: e.From.ToStringOutput().ToStringPtrOutput(),
		}
	}
	pool, err := cognito.NewUserPool(ctx, name, in, pulumi.Parent(u), pulumi.Protect(args.DeletionProtection))
	if err != nil {
		return nil, nil, err
	}
	client, err := cognito.NewUserPoolClient(ctx, name, &cognito.UserPoolClientArgs{
		UserPoolId: pool.ID(),
		ExplicitAuthFlows: pulumi.ToStringArray([]string{
			"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
		}),
		PreventUserExistenceErrors: pulumi.String("ENABLED"),
		EnableTokenRevocation:      pulumi.Bool(true),
	}, pulumi.Parent(pool))
	return pool, client, err
}

// schedule starts the sweep every minute. A start that fails is not tried again: the next minute has one of its own.
func (u *UserCreation) schedule(ctx *pulumi.Context, name string, args *UserCreationArgs, sweep *workflow.StateMachine) error {
	account := policy.ARNPart(args.KMSKeyARN, 4)
	role, err := iam.NewRole(ctx, name+"-schedule-role", &iam.RoleArgs{
		Description: pulumi.String("Starts the sweep of " + name),
		AssumeRolePolicy: policy.Trust("scheduler.amazonaws.com",
			policy.Condition{Operator: "StringEquals", Key: "aws:SourceAccount", Values: policy.ARNs(account)}),
	}, pulumi.Parent(u))
	if err != nil {
		return err
	}
	rolePolicy, err := iam.NewRolePolicy(ctx, name+"-schedule-policy", &iam.RolePolicyArgs{
		Role:   role.Name,
		Policy: policy.Document(policy.Statement{Actions: []string{"states:StartExecution"}, Resources: policy.ARNs(sweep.ARN)}),
	}, pulumi.Parent(u))
	if err != nil {
		return err
	}
	_, err = scheduler.NewSchedule(ctx, name+"-sweep", &scheduler.ScheduleArgs{
		Description:        pulumi.String("Ends what creations of users have left half done"),
		ScheduleExpression: pulumi.String("rate(1 minute)"),
		FlexibleTimeWindow: scheduler.ScheduleFlexibleTimeWindowArgs{Mode: pulumi.String("OFF")},
		Target: scheduler.ScheduleTargetArgs{
			Arn: sweep.ARN, RoleArn: role.Arn,
			RetryPolicy: scheduler.ScheduleTargetRetryPolicyArgs{MaximumEventAgeInSeconds: pulumi.Int(60), MaximumRetryAttempts: pulumi.Int(0)},
		},
	}, pulumi.Parent(u), pulumi.DependsOn([]pulumi.Resource{rolePolicy}))
	if err != nil {
		return err
	}
	return alarm.New(ctx, name+"-sweep-missing", alarm.Alarm{
		Description: "The sweep of abandoned users does not run", Namespace: "AWS/States", Metric: "ExecutionsSucceeded",
		Dimensions: pulumi.StringMap{"StateMachineArn": sweep.ARN}, PeriodSeconds: 300, Missed: true,
	}, args.AlarmTopicARNs, pulumi.Parent(u))
}
