package restapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// WorkflowType is the type of a state machine.
type WorkflowType string

// The types of state machines.
const (
	Standard WorkflowType = "STANDARD"
	Express  WorkflowType = "EXPRESS"
)

const (
	// MaxInputBytes is how large an execution's input may become. Step Functions takes 262,144 bytes; 4,096 are left for
	// what a workflow adds when it passes the input on: an SQS message counts its attributes, a task its other arguments.
	MaxInputBytes = 262144 - 4096
	// DefaultMaxBodyBytes leaves 4,096 bytes more for the request's metadata.
	DefaultMaxBodyBytes = MaxInputBytes - 4096
	// DefaultIdempotencyHeader names the execution of a Standard state machine.
	DefaultIdempotencyHeader = "Idempotency-Key"
)

// DefaultContentTypes are taken as JSON. The second is what curl -d sends when it is not told otherwise: refusing it would
// only teach people to add a header, for the body is parsed as JSON all the same.
func DefaultContentTypes() []string {
	return []string{"application/json", "application/x-www-form-urlencoded"}
}

// AsyncWorkflowRoute starts an execution for every request and answers 202 as soon as it has started. The execution's
// input is {"body": what the client sent, "metadata": {...}}.
//
// Answers: 202 {"status":"accepted","executionArn":...}; 400 for a body that is not JSON or does not satisfy Schema and for
// an idempotency key that cannot name an execution; 413; 415; 429; 500; 503; all others {"message":...}.
type AsyncWorkflowRoute struct {
	// Path such as "/webhooks/{source}". Required. Plain, as everything that shapes the document.
	Path string
	// Method is an HTTP method that has a body. Default: POST.
	Method string
	// StateMachineARN is what is started. Required.
	StateMachineARN pulumi.StringInput
	// Type is the state machine's. Required.
	Type WorkflowType
	// Schema is the JSON Schema (draft 4) of bodies. Default: any JSON.
	Schema json.RawMessage
	// MaxBodyBytes is the largest body, in bytes of UTF-8, up to MaxInputBytes. Default: DefaultMaxBodyBytes. A body of that
	// size is refused all the same when the request's metadata makes the whole larger than MaxInputBytes.
	MaxBodyBytes int
	// Headers are the request's headers that the input's metadata tells, under the names given here. Default: none.
	Headers []string
	// ContentTypes whose bodies are taken, as JSON. Default: DefaultContentTypes.
	ContentTypes []string
	// IdempotencyHeader names the execution, so that a repeated request starts nothing. It works on Standard state machines;
	// with Express, which have no such memory, it is ignored. Default: DefaultIdempotencyHeader.
	IdempotencyHeader string
}

var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	contentType = regexp.MustCompile(`^[a-z0-9.+-]+/[a-z0-9.+-]+$`)
)

func (r AsyncWorkflowRoute) withDefaults() AsyncWorkflowRoute {
	if r.Method == "" {
		r.Method = "POST"
	}
	if r.MaxBodyBytes == 0 {
		r.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if r.ContentTypes == nil {
		r.ContentTypes = DefaultContentTypes()
	}
	if r.IdempotencyHeader == "" {
		r.IdempotencyHeader = DefaultIdempotencyHeader
	}
	return r
}

func (r AsyncWorkflowRoute) where() (method, path string) {
	r = r.withDefaults()
	return r.Method, r.Path
}

func (r AsyncWorkflowRoute) validate() []error {
	r = r.withDefaults()
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{"POST", "PUT", "PATCH"}, r.Method) {
		problem("Method: must be POST, PUT or PATCH, got %q", r.Method)
	}
	if r.StateMachineARN == nil {
		problem("StateMachineARN: is required")
	}
	if r.Type != Standard && r.Type != Express {
		problem("Type: must be %q or %q, got %q", Standard, Express, r.Type)
	}
	if r.MaxBodyBytes < 1 || r.MaxBodyBytes > MaxInputBytes {
		problem("MaxBodyBytes: must be from 1 to %d, got %d", MaxInputBytes, r.MaxBodyBytes)
	}
	if r.Schema != nil {
		var schema map[string]any
		if err := json.Unmarshal(r.Schema, &schema); err != nil {
			problem("Schema: must be a JSON object: %w", err)
		}
	}
	seen := map[string]bool{}
	for i, h := range r.Headers {
		if !headerName.MatchString(h) {
			problem("Headers[%d]: must be letters, digits, - and _, got %q", i, h)
		}
		if lower := strings.ToLower(h); seen[lower] {
			problem("Headers[%d]: %q is named twice", i, h)
		} else {
			seen[lower] = true
		}
	}
	if !headerName.MatchString(r.IdempotencyHeader) {
		problem("IdempotencyHeader: must be letters, digits, - and _, got %q", r.IdempotencyHeader)
	}
	if len(r.ContentTypes) == 0 {
		problem("ContentTypes: must not be empty")
	}
	for i, c := range r.ContentTypes {
		if !contentType.MatchString(c) {
			problem("ContentTypes[%d]: must be a media type in lower case without parameters, got %q", i, c)
		}
	}
	return problems
}

func (r AsyncWorkflowRoute) statements() []policy.Statement {
	return []policy.Statement{{Actions: []string{"states:StartExecution"}, Resources: policy.ARNs(r.StateMachineARN)}}
}

func (r AsyncWorkflowRoute) arn() pulumi.StringInput { return r.StateMachineARN }

// templates of one route, by what they answer.
type asyncTemplates struct {
	request, accepted, refused, failed string
}

func (r AsyncWorkflowRoute) templates(stateMachineARN string) (asyncTemplates, error) {
	nameHeader := ""
	if r.Type == Standard {
		nameHeader = r.IdempotencyHeader
	}
	machine, maxBody := binding{"stateMachineArn", stateMachineARN}, binding{"maxBodyBytes", r.MaxBodyBytes}
	name := binding{"nameHeader", nameHeader}
	headers := binding{"headerNames", r.Headers}
	var t asyncTemplates
	var problems [4]error
	t.request, problems[0] = bind([]binding{machine, maxBody, {"maxInputBytes", MaxInputBytes}, headers, name},
		"executionname.vtl", "startexecution.request.vtl")
	t.accepted, problems[1] = bind(nil, "startexecution.accepted.vtl")
	t.refused, problems[2] = bind([]binding{machine, maxBody, name}, "executionname.vtl", "startexecution.refused.vtl")
	t.failed, problems[3] = bind(nil, "startexecution.failed.vtl")
	return t, errors.Join(problems[:]...)
}

func (r AsyncWorkflowRoute) render(model, stateMachineARN, roleARN string) (*operation, error) {
	r = r.withDefaults()
	templates, err := r.templates(stateMachineARN)
	if err != nil {
		return nil, err
	}
	partition, region, err := partitionAndRegion(stateMachineARN)
	if err != nil {
		return nil, err
	}
	op := &operation{
		Parameters:  pathParameters(r.Path),
		RequestBody: &requestBody{Required: true, Content: map[string]mediaType{}},
		Responses:   map[string]response{},
		Validator:   bodyValidator,
		Integration: integration{
			Type:                "aws",
			HTTPMethod:          "POST",
			URI:                 fmt.Sprintf("arn:%s:apigateway:%s:states:action/StartExecution", partition, region),
			Credentials:         roleARN,
			PassthroughBehavior: "never",
			RequestTemplates:    map[string]string{},
			// A status can have one response only: what must answer with another one overrides it in its template.
			Responses: map[string]integrationResponse{
				`2\d{2}`:  jsonResponse("202", templates.accepted),
				`4\d{2}`:  jsonResponse("400", templates.refused),
				"default": jsonResponse("500", templates.failed),
			},
		},
	}
	for _, c := range r.ContentTypes {
		op.RequestBody.Content[c] = mediaType{Schema: reference(model)}
		op.Integration.RequestTemplates[c] = templates.request
	}
	for status, description := range map[string]string{
		"202": "Accepted: an execution has started",
		"400": "The body is not JSON, or does not satisfy the schema, or the idempotency key cannot name an execution",
		"413": "The body is too large",
		"429": "Too many requests",
		"500": "The execution could not be started",
		"503": "Step Functions is unavailable",
	} {
		op.Responses[status] = response{Description: description, Content: map[string]mediaType{"application/json": {Schema: reference(anyModel)}}}
	}
	return op, nil
}

func (r AsyncWorkflowRoute) schema() json.RawMessage { return r.Schema }
