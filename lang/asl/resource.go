package asl

import (
	"fmt"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// ResourceKind is what a Task's Resource calls.
type ResourceKind int

// The kinds of resources.
const (
	// LambdaFunction is a function's own ARN: arn:aws:lambda:<region>:<account>:function:<name>.
	LambdaFunction ResourceKind = iota + 1
	// Activity is an activity's ARN: arn:aws:states:<region>:<account>:activity:<name>.
	Activity
	// Optimized is an optimised integration: arn:aws:states:::<service>:<action>.
	Optimized
	// SDK is an SDK integration: arn:aws:states:::aws-sdk:<service>:<action>.
	SDK
)

// Pattern is how an integration waits
// (https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html).
type Pattern string

// The integration patterns.
const (
	RequestResponse  Pattern = ""
	Sync             Pattern = ".sync"
	Sync2            Pattern = ".sync:2"
	WaitForTaskToken Pattern = ".waitForTaskToken"
)

// Resource is a Task's Resource taken apart.
type Resource struct {
	Kind    ResourceKind
	ARN     string // as it stands in the definition
	Service string // of Optimized and SDK, such as "dynamodb" and "cognitoidentityprovider"
	Action  string // of Optimized and SDK, such as "putItem"
	Pattern Pattern
}

// ParseResource takes a Task's Resource apart. It knows the forms, not which services and actions there are.
func ParseResource(arn string) (Resource, error) {
	r := Resource{ARN: arn}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[1] == "" {
		return r, fmt.Errorf("the resource %q is not an ARN", arn)
	}
	service, region, account, rest := parts[2], parts[3], parts[4], parts[5]
	switch {
	case service == "lambda" && strings.HasPrefix(rest, "function:") && len(rest) > len("function:"):
		r.Kind = LambdaFunction
		return r, nil
	case service != "states" || rest == "":
		return r, fmt.Errorf("the resource %q is neither of Lambda nor of Step Functions", arn)
	case region != "" || account != "":
		if !strings.HasPrefix(rest, "activity:") || len(rest) == len("activity:") {
			return r, fmt.Errorf("the resource %q is not an activity", arn)
		}
		r.Kind = Activity
		return r, nil
	}
	r.Kind = Optimized
	if sdk, found := strings.CutPrefix(rest, "aws-sdk:"); found {
		r.Kind, rest = SDK, sdk
	}
	var found bool
	if r.Service, r.Action, found = strings.Cut(rest, ":"); !found || r.Service == "" {
		return r, fmt.Errorf("the resource %q names no action", arn)
	}
	if action, pattern, found := strings.Cut(r.Action, "."); found {
		r.Action, r.Pattern = action, Pattern("."+pattern)
		switch r.Pattern {
		case Sync, Sync2, WaitForTaskToken:
		default:
			return r, fmt.Errorf("the resource %q has the unknown integration pattern %q", arn, r.Pattern)
		}
	}
	if r.Action == "" || strings.ContainsAny(r.Action, ":/") {
		return r, fmt.Errorf("the resource %q names no action", arn)
	}
	return r, nil
}

// historyType is the resourceType of history events.
func (r *Resource) historyType() string {
	if r.Kind == SDK {
		return "aws-sdk:" + r.Service
	}
	return r.Service
}

// historyResource is the resource of history events.
func (r *Resource) historyResource() string { return r.Action + string(r.Pattern) }

func (r *Resource) historyFields() *jsonvalue.Object {
	if r.Kind == LambdaFunction || r.Kind == Activity {
		return &jsonvalue.Object{}
	}
	return fields("resourceType", r.historyType(), "resource", r.historyResource())
}

// limitName is how a result that is too large names the task.
func (r *Resource) limitName() string {
	if r.Kind == LambdaFunction || r.Kind == Activity {
		return r.ARN
	}
	return r.historyType()
}

// splitARN returns the six parts of an ARN, nil for another text.
func splitARN(arn string) []string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts
	}
	return nil
}
