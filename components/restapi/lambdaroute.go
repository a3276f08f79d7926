package restapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// AnyMethod is the method of a route that takes every method which no other route of its path has.
const AnyMethod = "ANY"

// lambdaMethods are what a LambdaRoute may have.
var lambdaMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", AnyMethod}

// LambdaRoute runs a Lambda function for every request, and answers with what it returns: the proxy integration with payload
// format 1.0, which aws-lambda-go's events.APIGatewayProxyRequest and events.APIGatewayProxyResponse are. The event's path has
// the base path that the API is mapped to, its resource has not.
//
// The function's policy lets this route call it, and no other. The gateway's own answers are all {"message":...}: 429, with
// Retry-After; 502 when the function fails or returns something else; 504 after 29 seconds, in which case it goes on. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html.
type LambdaRoute struct {
	// Path such as "/{id}". Required. Plain, as everything that shapes the document.
	Path string
	// Method is GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS or AnyMethod. Default: GET.
	Method string
	// FunctionARN is the function, without a version or an alias. Required.
	FunctionARN pulumi.StringInput
}

func (r LambdaRoute) where() (method, path string) {
	if r.Method == "" {
		return "GET", r.Path
	}
	return r.Method, r.Path
}

// unqualifiedFunction is an ARN that AddPermission takes as it stands.
var unqualifiedFunction = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+$`)

func (r LambdaRoute) validate() []error {
	var problems []error
	if method, _ := r.where(); !slices.Contains(lambdaMethods, method) {
		problems = append(problems, fmt.Errorf("Method: must be one of %v, got %q", lambdaMethods, method))
	}
	if r.FunctionARN == nil {
		problems = append(problems, errors.New("FunctionARN: is required"))
	} else if arn, known := r.FunctionARN.(pulumi.String); known && !unqualifiedFunction.MatchString(string(arn)) {
		problems = append(problems, fmt.Errorf("FunctionARN: must be the ARN of a function without a version or an alias, got %q", arn))
	}
	return problems
}

func (r LambdaRoute) statements() []policy.Statement { return nil }

func (r LambdaRoute) arn() pulumi.StringInput { return r.FunctionARN }

func (r LambdaRoute) model() json.RawMessage { return nil }

func (r LambdaRoute) render(_, functionARN, _ string) (*operation, error) {
	partition, region, err := partitionAndRegion(functionARN)
	if err != nil {
		return nil, err
	}
	return &operation{
		Parameters: pathParameters(r.Path),
		Responses:  map[string]response{"default": {Description: "What the function answers"}},
		Integration: integration{
			Type: "aws_proxy", HTTPMethod: "POST", PassthroughBehavior: "when_no_match",
			URI: fmt.Sprintf("arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations", partition, region, functionARN),
		},
	}, nil
}

// permissions lets each LambdaRoute's function be called by that route of this API's stage.
func (a *API) permissions(ctx *pulumi.Context, name, stageName string, routes []Route) ([]pulumi.Resource, error) {
	var made []pulumi.Resource
	for _, r := range routes {
		route, ok := r.(LambdaRoute)
		if !ok {
			continue
		}
		permission, err := lambda.NewPermission(ctx, name+"-"+slug(r)+"-permission", &lambda.PermissionArgs{
			Action:    pulumi.String("lambda:InvokeFunction"),
			Function:  route.FunctionARN,
			Principal: pulumi.String("apigateway.amazonaws.com"),
			SourceArn: pulumi.Sprintf("%s/%s%s", a.RestAPI.ExecutionArn, stageName, sourcePath(r)).ToStringPtrOutput(),
		}, pulumi.Parent(a))
		if err != nil {
			return nil, err
		}
		made = append(made, permission)
	}
	return made, nil
}

// sourcePath is how a route's calls name their source, after the stage: "/GET/users/*" for GET /users/{id}. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html.
func sourcePath(r Route) string {
	method, path := r.where()
	if method == AnyMethod {
		method = "*"
	}
	return "/" + method + placeholder.ReplaceAllLiteralString(path, "*")
}

// methodKey is how OpenAPI names a method.
func methodKey(method string) string {
	if method == AnyMethod {
		return "x-amazon-apigateway-any-method"
	}
	return strings.ToLower(method)
}
