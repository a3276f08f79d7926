// Package golambda deploys Lambda functions written in Go: a reproducible build, a role that may do what the function does
// and no more, a log group with a retention and a key, and alarms.
package golambda

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/components/alarm"
	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// FunctionType is the type token of Function.
const FunctionType = "carepath:golambda:Function"

// FunctionArgs says which function is deployed and how it runs.
type FunctionArgs struct {
	// Package is the command's folder relative to the root of the Go module, such as "handlers/intake". Required, and
	// plain, because it is built while the program runs.
	Package string
	// ModuleRoot is the folder of the go.mod. Default: the nearest one from the working directory upwards. Plain, as
	// Package.
	ModuleRoot string
	// Architecture is the processor to build for. Default: ARM64. Plain, as Package.
	Architecture Architecture
	// Description is for people who look at the function.
	Description pulumi.StringPtrInput
	// MemorySize in MiB. Default: 128.
	MemorySize pulumi.IntPtrInput
	// Timeout in seconds. Default: 10.
	Timeout pulumi.IntPtrInput
	// ReservedConcurrency is how many invocations may run at once. Default: what the account has left.
	ReservedConcurrency pulumi.IntPtrInput
	// Environment is the function's variables. The names are plain because they decide whether the role needs the key.
	Environment map[string]pulumi.StringInput
	// Statements allow what the function does besides writing its log.
	Statements []policy.Statement
	// KMSKeyARN is the customer-managed key of the environment and the log group; its policy must allow CloudWatch Logs.
	// Required.
	KMSKeyARN pulumi.StringInput
	// LogRetentionDays is how long logs are kept, one of CloudWatch's values. Default: 30.
	LogRetentionDays pulumi.IntPtrInput
	// AlarmTopicARNs are SNS topics that hear of the alarms. Default: none; the alarms exist all the same.
	AlarmTopicARNs []pulumi.StringInput
}

// Function is a deployed function with its role, log group and alarms.
type Function struct {
	pulumi.ResourceState

	// ARN names the function in policies and state machines.
	ARN pulumi.StringOutput
	// Name is the function's physical name.
	Name pulumi.StringOutput
	// LogGroupName is where the function's log lines go.
	LogGroupName pulumi.StringOutput
	// Function is the Lambda resource itself, for what this component does not offer.
	Function *lambda.Function
}

// variableName is what Lambda takes. See
// https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html.
var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

func (a *FunctionArgs) validate() error {
	var problems []error
	if a.Package == "" {
		problems = append(problems, errors.New(`Package: is required: the command's folder, such as "handlers/intake"`))
	} else if strings.HasPrefix(a.Package, "/") || slices.Contains(strings.Split(a.Package, "/"), "..") {
		problems = append(problems, fmt.Errorf("Package: must be a folder inside the module, got %q", a.Package))
	}
	if a.KMSKeyARN == nil {
		problems = append(problems, errors.New("KMSKeyARN: is required"))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Environment)) {
		if !variableName.MatchString(name) {
			problems = append(problems, fmt.Errorf("Environment: %q is not a name that Lambda takes: two or more letters, digits and _, a letter first", name))
		}
	}
	if _, _, _, err := a.Architecture.target(); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// NewFunction builds and deploys a function.
func NewFunction(ctx *pulumi.Context, name string, args *FunctionArgs, opts ...pulumi.ResourceOption) (*Function, error) {
	if args == nil {
		args = &FunctionArgs{}
	}
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("components/golambda %q: %w", name, err)
	}
	goos, goarch, architecture, err := args.Architecture.target()
	if err != nil {
		return nil, fmt.Errorf("components/golambda %q: %w", name, err)
	}
	artifact, err := Build{Root: args.ModuleRoot, Package: args.Package, Name: name, GOOS: goos, GOARCH: goarch}.Run(ctx.Context())
	if err != nil {
		return nil, fmt.Errorf("components/golambda %q: %w", name, err)
	}

	f := &Function{}
	if err := ctx.RegisterComponentResource(FunctionType, name, f, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(f)
	logs, err := cloudwatch.NewLogGroup(ctx, name+"-logs", &cloudwatch.LogGroupArgs{
		NamePrefix:      pulumi.String("/aws/lambda/" + name + "-"),
		KmsKeyId:        args.KMSKeyARN.ToStringOutput().ToStringPtrOutput(),
		RetentionInDays: intOr(args.LogRetentionDays, 30),
	}, parent)
	if err != nil {
		return nil, err
	}
	role, err := iam.NewRole(ctx, name+"-role", &iam.RoleArgs{
		Description:      pulumi.String("Execution role of the Lambda function " + name),
		AssumeRolePolicy: policy.Trust("lambda.amazonaws.com"),
	}, parent)
	if err != nil {
		return nil, err
	}
	statements := []policy.Statement{{
		Actions:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resources: policy.ARNs(pulumi.Sprintf("%s:log-stream:*", logs.Arn)), // streams are named by Lambda
	}}
	statements = append(statements, policy.Statement{
		// X-Ray has no resources for these. See https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html.
		Actions: []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, Resources: policy.ARNs(pulumi.String("*")),
	})
	if len(args.Environment) > 0 {
		statements = append(statements, policy.Statement{Actions: []string{"kms:Decrypt"}, Resources: policy.ARNs(args.KMSKeyARN)})
	}
	rolePolicy, err := iam.NewRolePolicy(ctx, name+"-policy", &iam.RolePolicyArgs{
		Role: role.Name, Policy: policy.Document(append(statements, args.Statements...)...),
	}, parent)
	if err != nil {
		return nil, err
	}
	in := &lambda.FunctionArgs{
		Description:                  args.Description,
		Architectures:                pulumi.StringArray{pulumi.String(architecture)},
		Runtime:                      pulumi.String("provided.al2023"),
		Handler:                      pulumi.String("bootstrap"),
		Code:                         pulumi.NewFileArchive(artifact.Path),
		SourceCodeHash:               pulumi.String(artifact.CodeSHA256),
		Role:                         role.Arn,
		MemorySize:                   intOr(args.MemorySize, 128),
		Timeout:                      intOr(args.Timeout, 10),
		ReservedConcurrentExecutions: args.ReservedConcurrency,
		LoggingConfig:                lambda.FunctionLoggingConfigArgs{LogFormat: pulumi.String("JSON"), LogGroup: logs.Name},
		TracingConfig:                lambda.FunctionTracingConfigArgs{Mode: pulumi.String("Active")},
	}
	if len(args.Environment) > 0 {
		variables := pulumi.StringMap{}
		maps.Copy(variables, args.Environment)
		in.Environment = lambda.FunctionEnvironmentArgs{Variables: variables}
		in.KmsKeyArn = args.KMSKeyARN.ToStringOutput().ToStringPtrOutput()
	}
	// Without its policy the function could run before it may log.
	f.Function, err = lambda.NewFunction(ctx, name, in, parent, pulumi.DependsOn([]pulumi.Resource{rolePolicy}))
	if err != nil {
		return nil, err
	}
	if err := f.alarms(ctx, name, args); err != nil {
		return nil, err
	}
	f.ARN, f.Name, f.LogGroupName = f.Function.Arn, f.Function.Name, logs.Name
	return f, ctx.RegisterResourceOutputs(f, pulumi.Map{"arn": f.ARN, "name": f.Name, "logGroupName": f.LogGroupName})
}

// alarms tell when an invocation fails or is throttled within a minute. See
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html.
func (f *Function) alarms(ctx *pulumi.Context, name string, args *FunctionArgs) error {
	for _, a := range []struct{ suffix, metric, description string }{
		{"errors", "Errors", "Invocations of the function fail"},
		{"throttles", "Throttles", "Invocations of the function are refused for lack of concurrency"},
	} {
		err := alarm.New(ctx, name+"-"+a.suffix, alarm.Alarm{
			Description: a.description, Namespace: "AWS/Lambda", Metric: a.metric, Dimensions: pulumi.StringMap{"FunctionName": f.Function.Name},
		}, args.AlarmTopicARNs, pulumi.Parent(f))
		if err != nil {
			return err
		}
	}
	return nil
}

func intOr(in pulumi.IntPtrInput, otherwise int) pulumi.IntPtrInput {
	if in == nil {
		return pulumi.Int(otherwise)
	}
	return in
}
