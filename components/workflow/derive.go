package workflow

import "github.com/carepath/carepath/lang/asl"

// derive checks a definition and returns what its role must be allowed. queues maps the URLs of queues to their ARNs.
func derive(definition string, kind Type, queues map[string]string) ([]asl.Permission, error) {
	machine, err := asl.Parse([]byte(definition), asl.Options{Express: kind == Express})
	if err != nil {
		return nil, err
	}
	return asl.DerivePermissions(machine, asl.PermissionsOptions{ARNOf: func(argument string) (string, bool) {
		arn, ok := queues[argument]
		return arn, ok
	}})
}
