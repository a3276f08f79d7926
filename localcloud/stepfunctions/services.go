package stepfunctions

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// service is what an integration must know of an AWS service.
type service struct {
	signing string // the dispatcher's name
	prefix  string // of error names
	name    string // in the causes of errors
	base    string // the SDK's class for errors that the service does not model, without the prefix
	actions []string
	// modelled are the errors that the SDK has classes for; nil: all but those of AWS's frame. See unmodelled.
	modelled []string
	extended bool // the service has a second request id, which the causes of errors tell
}

// optimised are the services with integrations of their own, and the actions these have:
// https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html. Errors are those of the AWS SDK for
// Java 1. What is not here is refused: the embedded AWS has no other.
var optimised = map[string]service{
	"dynamodb": {"dynamodb", "DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException", []string{"getItem", "putItem", "updateItem", "deleteItem"}, nil, false},
	"events":   {"events", "EventBridge", "AmazonEventBridge", "AmazonEventBridgeException", []string{"putEvents"}, nil, false},
	"lambda":   {"lambda", "Lambda", "AWSLambda", "AWSLambdaException", []string{"invoke"}, nil, false},
	"sns":      {"sns", "SNS", "AmazonSNS", "AmazonSNSException", []string{"publish"}, nil, false},
	"sqs":      {"sqs", "SQS", "AmazonSQS", "AmazonSQSException", []string{"sendMessage"}, nil, false},
	"states":   {"states", "StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException", []string{"startExecution"}, nil, false},
}

// sdkServices are the services of the AWS SDK integrations that the embedded AWS has, by their name in the resource:
// https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html.
var sdkServices = map[string]service{
	"apigateway":              {signing: "apigateway", prefix: "ApiGateway"},
	"cloudwatch":              {signing: "cloudwatch", prefix: "CloudWatch"},
	"cloudwatchlogs":          {signing: "logs", prefix: "CloudWatchLogs"},
	"cognitoidentityprovider": {signing: "cognito-idp", prefix: "CognitoIdentityProvider"},
	"dynamodb":                {signing: "dynamodb", prefix: "DynamoDb"},
	"eventbridge":             {signing: "events", prefix: "EventBridge"},
	"iam":                     {signing: "iam", prefix: "Iam"},
	"kms":                     {signing: "kms", prefix: "Kms"},
	"lambda":                  {signing: "lambda", prefix: "Lambda"},
	"s3":                      {signing: "s3", prefix: "S3", modelled: modelledS3, extended: true},
	"sfn":                     {signing: "states", prefix: "Sfn"},
	"sns":                     {signing: "sns", prefix: "Sns"},
	"sqs":                     {signing: "sqs", prefix: "Sqs"},
	"sts":                     {signing: "sts", prefix: "Sts"},
}

// modelledS3 are the errors that S3's model names: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html.
var modelledS3 = []string{
	"BucketAlreadyExists", "BucketAlreadyOwnedByYou", "EncryptionTypeMismatch", "IdempotencyParameterMismatch",
	"InvalidObjectState", "InvalidRequest", "InvalidWriteOffset", "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NotFound",
	"ObjectAlreadyInActiveTierError", "ObjectNotInActiveTierError", "TooManyParts",
}

// unreachable is the failure of a call that never reaches SQS, since its queue URL is nothing but a host that does not exist.
func unreachable(v service, parameters any) *failure {
	if v.signing != "sqs" {
		return nil
	}
	o, _ := parameters.(*jsonvalue.Object)
	given, _ := o.Get("QueueUrl")
	text, _ := given.(string)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(u.Hostname(), ".:") || u.Hostname() == "localhost" {
		return nil
	}
	return &failure{v.prefix + ".SdkClientException", "Unable to execute HTTP request: " + u.Hostname() + ": Name or service not known"}
}

// resources returns the resources of a definition's tasks.
func resources(definition string) []string {
	document, err := jsonvalue.Parse(definition)
	if err != nil {
		return nil
	}
	var found []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case *jsonvalue.Object:
			kind, _ := v.Get("Type")
			if resource, ok := v.Get("Resource"); ok && kind == "Task" {
				if text, ok := resource.(string); ok {
					found = append(found, text)
				}
			}
			for _, item := range v.All() {
				walk(item)
			}
		case *jsonvalue.Array:
			for _, item := range v.Items {
				walk(item)
			}
		}
	}
	walk(document)
	return found
}

// emulates returns an error for a resource that AWS would accept and the embedded AWS does not have.
func (s *Service) emulates(resource string) error {
	r, err := asl.ParseResource(resource)
	if err != nil {
		return err
	}
	refusal := fmt.Errorf("the embedded AWS does not emulate the integration %s", resource)
	switch {
	case r.Kind == asl.LambdaFunction, r.Kind == asl.Activity:
		return nil
	case r.Kind == asl.SDK:
		v, known := sdkServices[r.Service]
		if !known {
			return refusal
		}
		if _, registered := s.d.Operation(v.signing, capitalized(r.Action)); !registered {
			return refusal
		}
	default:
		v, known := optimised[r.Service]
		if !known || !slices.Contains(v.actions, r.Action) {
			return refusal
		}
		if _, registered := s.d.Operation(v.signing, capitalized(r.Action)); !registered {
			return refusal
		}
	}
	return nil
}

// unmodelled are the errors that services do not list among an operation's own: the SDKs report them as the service's
// base class.
var unmodelled = []string{
	"AccessDenied", "AccessDeniedException", "ExpiredTokenException", "IncompleteSignature", "InternalFailure", "InvalidAction",
	"InvalidClientTokenId", "MalformedQueryString", "MissingAction", "MissingAuthenticationToken", "MissingParameter",
	"NotAuthorized", "OptInRequired", "RequestExpired", "RequestTimeout", "SerializationException", "ServiceUnavailable",
	"Throttling", "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException", "ValidationError",
	"ValidationException",
}

// errorName returns the name under which retriers and catchers know an error of the service.
func (v service) errorName(code string) string {
	name := code[strings.LastIndex(code, ".")+1:]
	switch {
	case slices.Contains(unmodelled, name), v.modelled != nil && !slices.Contains(v.modelled, name):
		if v.base != "" {
			return v.prefix + "." + v.base
		}
		return v.prefix + "." + v.prefix + "Exception"
	case name == "NonExistentQueue":
		name = "QueueDoesNotExist"
	}
	if !strings.HasSuffix(name, "Exception") {
		name += "Exception"
	}
	return v.prefix + "." + name
}

// failure returns a service's error as a state sees it.
func (v service) failure(err error, requestID string) *failure {
	e := dispatch.AsError(err)
	cause := ""
	if v.name != "" {
		cause = fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", e.Message, v.name, e.HTTPStatus(), e.Code, requestID)
	} else {
		extended := ""
		if v.extended {
			extended = ", Extended Request ID: " + requestID
		}
		cause = fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s%s) (SDK Attempt Count: 1)", e.Message, v.prefix, e.HTTPStatus(), requestID, extended)
	}
	return &failure{v.errorName(e.Code), cause}
}
