package restapi

import (
	"encoding/json"
	"errors"
	"fmt"

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

func (r AsyncWorkflowRoute) workflow() workflowRoute {
	return workflowRoute{
		path: r.Path, method: r.Method, stateMachineARN: r.StateMachineARN, schema: r.Schema, maxBodyBytes: r.MaxBodyBytes,
		headers: r.Headers, contentTypes: r.ContentTypes, idempotencyHeader: r.IdempotencyHeader,
	}.withDefaults()
}

func (r AsyncWorkflowRoute) where() (method, path string) { return r.workflow().method, r.Path }

func (r AsyncWorkflowRoute) validate() []error {
	problems := r.workflow().validate()
	if r.Type != Standard && r.Type != Express {
		problems = append(problems, fmt.Errorf("Type: must be %q or %q, got %q", Standard, Express, r.Type))
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
	w := r.workflow()
	keyHeader := ""
	if r.Type == Standard {
		keyHeader = w.idempotencyHeader
	}
	machine, maxBody := binding{"stateMachineArn", stateMachineARN}, binding{"maxBodyBytes", w.maxBodyBytes}
	key := binding{"keyHeader", keyHeader}
	var t asyncTemplates
	var problems [4]error
	t.request, problems[0] = bind([]binding{machine, maxBody, {"maxInputBytes", MaxInputBytes}, {"headerNames", w.headers}, key},
		"idempotencykey.vtl", "executionname.vtl", "envelope.vtl", "startexecution.request.vtl")
	t.accepted, problems[1] = bind(nil, "startexecution.accepted.vtl")
	t.refused, problems[2] = bind([]binding{machine, maxBody, key}, "idempotencykey.vtl", "executionname.vtl", "startexecution.refused.vtl")
	t.failed, problems[3] = bind(nil, "startexecution.failed.vtl")
	return t, errors.Join(problems[:]...)
}

func (r AsyncWorkflowRoute) render(model, stateMachineARN, roleARN string) (*operation, error) {
	templates, err := r.templates(stateMachineARN)
	if err != nil {
		return nil, err
	}
	return r.workflow().operation(model, stateMachineARN, roleARN, startCall{
		action:          "StartExecution",
		requestTemplate: templates.request,
		// A status can have one response only: what must answer with another one overrides it in its template.
		responses: map[string]integrationResponse{
			`2\d{2}`:  jsonResponse("202", templates.accepted),
			`4\d{2}`:  jsonResponse("400", templates.refused),
			"default": jsonResponse("500", templates.failed),
		},
		statuses: map[string]string{
			"202": "Accepted: an execution has started",
			"400": "The body is not JSON, or does not satisfy the schema, or the idempotency key cannot name an execution",
			"413": "The body is too large",
			"429": "Too many requests",
			"500": "The execution could not be started",
			"503": "Step Functions is unavailable",
		},
	})
}

func (r AsyncWorkflowRoute) model() json.RawMessage { return r.Schema }
