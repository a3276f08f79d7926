// Package restapi deploys a REST API of API Gateway from a list of routes.
//
// The routes are rendered to one OpenAPI document, which the API is made of; a deployment is made whenever the document's
// meaning changes and only then; one stage shows it. Every route may do the one thing that it does: it has a role of its own, or
// its function lets it and nobody else.
package restapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// APIType is the type token of API.
const APIType = "carepath:restapi:API"

// Route is one method on one path of an API. The kinds of routes are types of this package: AsyncWorkflowRoute,
// SyncWorkflowRoute and LambdaRoute.
type Route interface {
	where() (method, path string)
	validate() []error
	// statements are what the route's role may do; nil: it has none.
	statements() []policy.Statement
	// arn is what the route calls.
	arn() pulumi.StringInput
	// model is the schema of request bodies; nil: any JSON.
	model() json.RawMessage
	// render makes the operation when the ARN of what is called and of the route's role are known; role is "" if there is none.
	render(model, arn, roleARN string) (*operation, error)
}

// Throttle is a token bucket that all clients share.
type Throttle struct {
	// RatePerSecond is how many requests may come in the long run. Default: 100.
	RatePerSecond pulumi.Float64Input
	// Burst is how many requests may come at once. Default: 200.
	Burst pulumi.IntInput
}

// APIArgs says what an API offers.
type APIArgs struct {
	// Routes are the API's methods. At least one. Plain, because each has a role.
	Routes []Route
	// Description is for people who look at the API.
	Description pulumi.StringPtrInput
	// StageName is the stage. Default: "main". Plain: it is part of URLs.
	StageName string
	// Throttle limits the stage's methods.
	Throttle Throttle
	// DisableExecuteAPIEndpoint closes the API's default endpoint, so that a custom domain is the only way in; InvokeURL then
	// answers 403. Default: false. Plain: a change redeploys the API, without which it would have no effect.
	DisableExecuteAPIEndpoint bool
	// KMSKeyARN is the customer-managed key of the access log; its policy must allow CloudWatch Logs. Required.
	KMSKeyARN pulumi.StringInput
	// LogRetentionDays is how long access logs are kept, one of CloudWatch's values. Default: 30.
	LogRetentionDays pulumi.IntPtrInput
	// Account is the region's API Gateway account with the role that writes access logs, when the program manages it: the
	// stage waits for it.
	Account *apigateway.Account
}

// API is a deployed API.
type API struct {
	pulumi.ResourceState

	// ID is the API's, for base path mappings.
	ID pulumi.StringOutput
	// StageName is the stage's, for base path mappings.
	StageName pulumi.StringOutput
	// InvokeURL is the stage's base URL at the API's default endpoint, without a slash at the end.
	InvokeURL pulumi.StringOutput
	// RestAPI is the API Gateway resource itself, for what this component does not offer.
	RestAPI *apigateway.RestApi
}

var (
	pathPattern  = regexp.MustCompile(`^(/|(/([A-Za-z0-9._~:@!$&'()*,;=+-]+|\{[A-Za-z0-9._-]+\}))*(/\{[A-Za-z0-9._-]+\+\})?)$`)
	stagePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	notWord      = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

func (a *APIArgs) validate() error {
	var problems []error
	if len(a.Routes) == 0 {
		problems = append(problems, errors.New("Routes: at least one is required"))
	}
	seen := map[string]int{}
	for i, r := range a.Routes {
		method, path := r.where()
		if !strings.HasPrefix(path, "/") {
			problems = append(problems, fmt.Errorf(`Routes[%d].Path: must start with "/", got %q`, i, path))
		} else if !pathPattern.MatchString(path) {
			problems = append(problems, fmt.Errorf("Routes[%d].Path: %q is not a path that API Gateway takes: segments are text, {name}, or {name+} at the end", i, path))
		}
		if first, twice := seen[method+" "+path]; twice {
			problems = append(problems, fmt.Errorf("Routes[%d]: %s %s is Routes[%d] already", i, method, path, first))
		} else {
			seen[method+" "+path] = i
		}
		for _, p := range r.validate() {
			problems = append(problems, fmt.Errorf("Routes[%d].%w", i, p))
		}
	}
	if a.StageName != "" && !stagePattern.MatchString(a.StageName) {
		problems = append(problems, fmt.Errorf("StageName: must be letters, digits, - and _, got %q", a.StageName))
	}
	if a.KMSKeyARN == nil {
		problems = append(problems, errors.New("KMSKeyARN: is required"))
	}
	return errors.Join(problems...)
}

// NewAPI deploys an API.
func NewAPI(ctx *pulumi.Context, name string, args *APIArgs, opts ...pulumi.ResourceOption) (*API, error) {
	if args == nil {
		args = &APIArgs{}
	}
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("components/restapi %q: %w", name, err)
	}
	a := &API{}
	if err := ctx.RegisterComponentResource(APIType, name, a, opts...); err != nil {
		return nil, err
	}
	parent := pulumi.Parent(a)
	body, err := a.body(ctx, name, args.Routes)
	if err != nil {
		return nil, err
	}
	a.RestAPI, err = apigateway.NewRestApi(ctx, name, &apigateway.RestApiArgs{
		Description:               args.Description,
		Body:                      body.ToStringPtrOutput(),
		EndpointConfiguration:     apigateway.RestApiEndpointConfigurationArgs{Types: pulumi.String("REGIONAL")},
		DisableExecuteApiEndpoint: pulumi.Bool(args.DisableExecuteAPIEndpoint),
	}, parent)
	if err != nil {
		return nil, err
	}
	triggers := pulumi.StringMap{"body": body.ApplyT(func(body string) string {
		sum := sha256.Sum256([]byte(body))
		return hex.EncodeToString(sum[:])
	}).(pulumi.StringOutput)}
	if args.DisableExecuteAPIEndpoint {
		// API Gateway heeds the change when the API is deployed next. See
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-disable-default-endpoint.html.
		triggers["disableExecuteApiEndpoint"] = pulumi.String("true")
	}
	deployment, err := apigateway.NewDeployment(ctx, name+"-deployment", &apigateway.DeploymentArgs{
		RestApi: a.RestAPI.ID(), Triggers: triggers,
	}, parent)
	if err != nil {
		return nil, err
	}
	stage, err := a.stage(ctx, name, args, deployment)
	if err != nil {
		return nil, err
	}
	a.ID, a.StageName, a.InvokeURL = a.RestAPI.ID().ToStringOutput(), stage.StageName, stage.InvokeUrl
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{"id": a.ID, "stageName": a.StageName, "invokeUrl": a.InvokeURL})
}

// MappingTarget returns what a base path is mapped to.
func (a *API) MappingTarget() (restAPIID, stageName pulumi.StringOutput) { return a.ID, a.StageName }

// body makes the routes' roles and the document.
func (a *API) body(ctx *pulumi.Context, name string, routes []Route) (pulumi.StringOutput, error) {
	var arns []any
	for _, r := range routes {
		if r.statements() == nil {
			arns = append(arns, r.arn(), "")
			continue
		}
		child := name + "-" + slug(r)
		role, err := iam.NewRole(ctx, child+"-role", &iam.RoleArgs{
			Description:      pulumi.String("API Gateway's role for one route of the API " + name),
			AssumeRolePolicy: policy.Trust("apigateway.amazonaws.com"),
		}, pulumi.Parent(a))
		if err != nil {
			return pulumi.StringOutput{}, err
		}
		_, err = iam.NewRolePolicy(ctx, child+"-policy", &iam.RolePolicyArgs{
			Role: role.Name, Policy: policy.Document(r.statements()...),
		}, pulumi.Parent(a))
		if err != nil {
			return pulumi.StringOutput{}, err
		}
		arns = append(arns, r.arn(), role.Arn)
	}
	return pulumi.All(arns...).ApplyT(func(arns []any) (string, error) {
		known := make([]target, len(routes))
		for i := range routes {
			known[i].called, _ = arns[2*i].(string)
			known[i].role, _ = arns[2*i+1].(string)
		}
		text, err := openAPI(name, routes, known)
		if err != nil {
			return "", fmt.Errorf("components/restapi %q: %w", name, err)
		}
		return text, nil
	}).(pulumi.StringOutput), nil
}

// accessLogFormat tells of every request what no client can make up: no headers, no query, no payload. Its path is the base
// path of the domain that the request matched and the path of the route, with the parameters' names: their values may be a
// patient's. The correlation id is that of the request: executions and functions log it too. See https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html and
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html.
const accessLogFormat = `{"correlationId":"$context.requestId","traceId":"$context.xrayTraceId","time":"$context.requestTime","ip":"$context.identity.sourceIp",` +
	`"domain":"$context.domainName","basePath":"$context.customDomain.basePathMatched",` +
	`"method":"$context.httpMethod","resource":"$context.resourcePath","status":"$context.status",` +
	`"tlsVersion":"$context.tlsVersion","cipherSuite":"$context.cipherSuite",` +
	`"error":"$context.error.responseType","integrationStatus":"$context.integration.status",` +
	`"latencyMs":"$context.responseLatency","bytes":"$context.responseLength"}`

func (a *API) stage(ctx *pulumi.Context, name string, args *APIArgs, deployment *apigateway.Deployment) (*apigateway.Stage, error) {
	parent := pulumi.Parent(a)
	stageName := args.StageName
	if stageName == "" {
		stageName = "main"
	}
	retention := args.LogRetentionDays
	if retention == nil {
		retention = pulumi.Int(30)
	}
	logs, err := cloudwatch.NewLogGroup(ctx, name+"-access-logs", &cloudwatch.LogGroupArgs{
		NamePrefix:      pulumi.String("/aws/apigateway/" + name + "-"),
		KmsKeyId:        args.KMSKeyARN.ToStringOutput().ToStringPtrOutput(),
		RetentionInDays: retention,
	}, parent)
	if err != nil {
		return nil, err
	}
	before, err := a.permissions(ctx, name, stageName, args.Routes)
	if err != nil {
		return nil, err
	}
	if args.Account != nil {
		before = append(before, args.Account)
	}
	stage, err := apigateway.NewStage(ctx, name+"-stage", &apigateway.StageArgs{
		RestApi:            a.RestAPI.ID(),
		Deployment:         deployment.ID(),
		StageName:          pulumi.String(stageName),
		XrayTracingEnabled: pulumi.Bool(true),
		AccessLogSettings: apigateway.StageAccessLogSettingsArgs{
			DestinationArn: logs.Arn, Format: pulumi.String(accessLogFormat),
		},
	}, parent, pulumi.DependsOn(before))
	if err != nil {
		return nil, err
	}
	var rate pulumi.Float64Input = pulumi.Float64(100)
	if args.Throttle.RatePerSecond != nil {
		rate = args.Throttle.RatePerSecond
	}
	var burst pulumi.IntInput = pulumi.Int(200)
	if args.Throttle.Burst != nil {
		burst = args.Throttle.Burst
	}
	_, err = apigateway.NewMethodSettings(ctx, name+"-settings", &apigateway.MethodSettingsArgs{
		RestApi:    a.RestAPI.ID(),
		StageName:  stage.StageName,
		MethodPath: pulumi.String("*/*"),
		Settings: apigateway.MethodSettingsSettingsArgs{
			MetricsEnabled: pulumi.Bool(true),
			// Execution logs would hold payloads.
			LoggingLevel: pulumi.String("OFF"), DataTraceEnabled: pulumi.Bool(false),
			ThrottlingRateLimit: rate.ToFloat64Output().ToFloat64PtrOutput(), ThrottlingBurstLimit: burst.ToIntOutput().ToIntPtrOutput(),
		},
	}, parent)
	return stage, err
}

// slug names a route's children: "post-webhooks-source" for POST /webhooks/{source}.
func slug(r Route) string {
	method, path := r.where()
	return strings.ToLower(method + strings.TrimSuffix(notWord.ReplaceAllString("/"+path, "-"), "-"))
}

// modelName names a route's model: letters and digits are all that API Gateway takes.
func modelName(r Route) string {
	var name strings.Builder
	for word := range strings.SplitSeq(slug(r), "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}
