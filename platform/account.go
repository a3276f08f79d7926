package platform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	gateway "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// APIGatewayAccount says who sets the role with which API Gateway writes the access logs of an account and region. There is one
// role for all APIs there, whichever stack they belong to. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html#set-up-access-logging-permissions.
type APIGatewayAccount string

// The choices.
const (
	AccountWhereAbsent APIGatewayAccount = "whereAbsent" // this stack, if nobody has: AWS is asked
	AccountAlways      APIGatewayAccount = "always"      // this stack
	AccountNever       APIGatewayAccount = "never"       // somebody else
)

// accountRole finds the role that is set in a region; "" if none is.
type accountRole func(ctx context.Context, region string) (arn string, err error)

// liveAccountRole asks AWS, with the credentials that the environment has.
func liveAccountRole(ctx context.Context, region string) (string, error) {
	reach, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return "", err
	}
	account, err := gateway.NewFromConfig(reach).GetAccount(ctx, &gateway.GetAccountInput{})
	if err != nil {
		return "", err
	}
	return sdk.ToString(account.CloudwatchRoleArn), nil
}

// carepathRoles is the IAM path of the roles of all stacks; that of one stack's roles goes on with its project and name.
const carepathRoles = "/carepath/"

func (s *system) rolePath() string {
	return carepathRoles + s.ctx.Project() + "/" + s.ctx.Stack() + "/"
}

// ownsAccount decides whether the role is this stack's affair. By its path a stack knows its own role again, and keeps it.
func (s *system) ownsAccount() (bool, error) {
	switch choice := s.config.Platform.APIGatewayAccount; {
	case choice != AccountWhereAbsent:
		return choice == AccountAlways, nil
	case s.config.Environment == LocalEnvironment || !HasLiveData(s.ctx.Context()):
		return true, nil
	}
	arn, err := s.accountRole(s.ctx.Context(), s.config.Region)
	if err != nil {
		return false, fmt.Errorf("asking for API Gateway's settings of the account, which %s.apiGatewayAccount does unless it is %s or %s: %w", keyPlatform, AccountAlways, AccountNever, err)
	}
	_, path, _ := strings.Cut(arn, ":role")
	switch {
	case arn == "" || strings.HasPrefix(path, s.rolePath()):
		return true, nil
	case !strings.HasPrefix(path, carepathRoles):
		return false, nil
	}
	// It is another stack's. When that is destroyed the settings keep its name.
	prefix := carepathRoles
	roles, err := iam.GetRoles(s.ctx, &iam.GetRolesArgs{PathPrefix: &prefix}, pulumi.Provider(s.provider))
	if err != nil {
		return false, fmt.Errorf("looking for the role %s, with which API Gateway writes access logs: %w", arn, err)
	}
	return !slices.Contains(roles.Arns, arn), nil
}

// makeAccount lets API Gateway write access logs in this account and region.
func (s *system) makeAccount() error {
	if owns, err := s.ownsAccount(); err != nil || !owns {
		return err
	}
	role, err := iam.NewRole(s.ctx, "apigateway-logs-role", &iam.RoleArgs{
		Description:      pulumi.String("Lets API Gateway write the access logs of this account and region"),
		AssumeRolePolicy: policy.Trust("apigateway.amazonaws.com"),
	}, s.options()...)
	if err != nil {
		return err
	}
	rolePolicy, err := iam.NewRolePolicy(s.ctx, "apigateway-logs-policy", &iam.RolePolicyArgs{
		Role: role.Name,
		Policy: policy.Document(policy.Statement{
			// The resources are the log groups of all stages of the region, those of other stacks too, and API Gateway refuses a
			// role that may do less. See
			// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html#set-up-access-logging-permissions.
			Actions: []string{
				"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams",
				"logs:PutLogEvents", "logs:GetLogEvents", "logs:FilterLogEvents",
			},
			Resources: policy.ARNs(pulumi.String("*")),
		}),
	}, s.options(pulumi.Parent(role))...)
	if err != nil {
		return err
	}
	s.account, err = apigateway.NewAccount(s.ctx, "apigateway", &apigateway.AccountArgs{CloudwatchRoleArn: role.Arn.ToStringPtrOutput()},
		s.options(pulumi.DependsOn([]pulumi.Resource{rolePolicy}))...)
	return err
}
