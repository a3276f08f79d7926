package workflow

import "github.com/carepath/carepath/lang/asl"

// derive checks a definition and returns what its role must be allowed; with an *[asl.PermissionsError], what the other Tasks
// need. arns are those of the resources that arguments name otherwise.
func derive(definition string, kind Type, arns map[string]string) ([]asl.Permission, error) {
	machine, err := asl.Parse([]byte(definition), asl.Options{Express: kind == Express})
	if err != nil {
		return nil, err
	}
	return asl.DerivePermissions(machine, asl.PermissionsOptions{ARNOf: func(argument string) (string, bool) {
		arn, ok := arns[argument]
		return arn, ok
	}})
}
