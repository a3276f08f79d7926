package platform

import (
	"regexp"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

var boundaryPattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/\S+$`)

// boundRoles gives all roles that are made from here on the path of the stack, so that who deploys needs rights over no others, and the permissions boundary if there is one.
func (s *system) boundRoles() error {
	return s.ctx.RegisterStackTransformation(func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		role, ok := args.Props.(*iam.RoleArgs)
		if !ok {
			return nil
		}
		bound := *role
		bound.Path = pulumi.String(s.rolePath())
		if arn := s.config.Platform.PermissionsBoundaryARN; arn != "" {
			bound.PermissionsBoundary = pulumi.String(arn)
		}
		return &pulumi.ResourceTransformationResult{Props: &bound, Opts: args.Opts}
	})
}
