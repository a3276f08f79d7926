package restapi

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// MaxInputBytes is how large an execution's input may become. Step Functions takes 262,144 bytes; 4,096 are left for
	// what a workflow adds when it passes the input on: an SQS message counts its attributes, a task its other arguments.
	MaxInputBytes = 262144 - 4096
	// DefaultMaxBodyBytes leaves 4,096 bytes more for the request's metadata.
	DefaultMaxBodyBytes = MaxInputBytes - 4096
	// DefaultIdempotencyHeader tells repeated requests.
	DefaultIdempotencyHeader = "Idempotency-Key"
)

// DefaultContentTypes are taken as JSON. The second is what curl -d sends when it is not told otherwise: refusing it would
// only teach people to add a header, for the body is parsed as JSON all the same.
func DefaultContentTypes() []string {
	return []string{"application/json", "application/x-www-form-urlencoded"}
}

// workflowRoute is what both kinds of workflow routes have: they make an execution's input of a request in one way.
type workflowRoute struct {
	path, method      string
	stateMachineARN   pulumi.StringInput
	schema            json.RawMessage
	maxBodyBytes      int
	headers           []string
	contentTypes      []string
	idempotencyHeader string
}

var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	contentType = regexp.MustCompile(`^[a-z0-9.+-]+/[a-z0-9.+-]+$`)
)

func (r workflowRoute) withDefaults() workflowRoute {
	if r.method == "" {
		r.method = "POST"
	}
	if r.maxBodyBytes == 0 {
		r.maxBodyBytes = DefaultMaxBodyBytes
	}
	if r.contentTypes == nil {
		r.contentTypes = DefaultContentTypes()
	}
	if r.idempotencyHeader == "" {
		r.idempotencyHeader = DefaultIdempotencyHeader
	}
	return r
}

func (r workflowRoute) validate() []error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !slices.Contains([]string{"POST", "PUT", "PATCH"}, r.method) {
		problem("Method: must be POST, PUT or PATCH, got %q", r.method)
	}
	if r.stateMachineARN == nil {
		problem("StateMachineARN: is required")
	}
	if r.maxBodyBytes < 1 || r.maxBodyBytes > MaxInputBytes {
		problem("MaxBodyBytes: must be from 1 to %d, got %d", MaxInputBytes, r.maxBodyBytes)
	}
	if r.schema != nil {
		var schema map[string]any
		if err := json.Unmarshal(r.schema, &schema); err != nil {
			problem("Schema: must be a JSON object: %w", err)
		}
	}
	seen := map[string]bool{}
	for i, h := range r.headers {
		if !headerName.MatchString(h) {
			problem("Headers[%d]: must be letters, digits, - and _, got %q", i, h)
		}
		if lower := strings.ToLower(h); seen[lower] {
			problem("Headers[%d]: %q is named twice", i, h)
		} else {
			seen[lower] = true
		}
	}
	if !headerName.MatchString(r.idempotencyHeader) {
		problem("IdempotencyHeader: must be letters, digits, - and _, got %q", r.idempotencyHeader)
	}
	if len(r.contentTypes) == 0 {
		problem("ContentTypes: must not be empty")
	}
	for i, c := range r.contentTypes {
		if !contentType.MatchString(c) {
			problem("ContentTypes[%d]: must be a media type in lower case without parameters, got %q", i, c)
		}
	}
	return problems
}

// startCall is what a route calls, and how it answers.
type startCall struct {
	action          string // of Step Functions
	requestTemplate string
	responses       map[string]integrationResponse // by regular expression of Step Functions' status
	statuses        map[string]string              // descriptions of all answers
}

// operation is the route's part of the document.
func (r workflowRoute) operation(model, stateMachineARN, roleARN string, c startCall) (*operation, error) {
	partition, region, err := partitionAndRegion(stateMachineARN)
	if err != nil {
		return nil, err
	}
	op := &operation{
		Parameters:  pathParameters(r.path),
		RequestBody: &requestBody{Required: true, Content: map[string]mediaType{}},
		Responses:   map[string]response{},
		Validator:   bodyValidator,
		Integration: integration{
			Type:                "aws",
			HTTPMethod:          "POST",
			URI:                 fmt.Sprintf("arn:%s:apigateway:%s:states:action/%s", partition, region, c.action),
			Credentials:         roleARN,
			PassthroughBehavior: "never",
			RequestTemplates:    map[string]string{},
			Responses:           c.responses,
		},
	}
	for _, contentType := range r.contentTypes {
		op.RequestBody.Content[contentType] = mediaType{Schema: reference(model)}
		op.Integration.RequestTemplates[contentType] = c.requestTemplate
	}
	for status, description := range c.statuses {
		op.Responses[status] = response{Description: description, Content: map[string]mediaType{"application/json": {Schema: reference(anyModel)}}}
	}
	return op, nil
}
