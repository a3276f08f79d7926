package restapi

import (
	"encoding/json"
	"errors"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// MaxIdempotencyKeyLength is how many characters the idempotency key of a synchronous request may have.
const MaxIdempotencyKeyLength = 128

// SyncWorkflowRoute runs an Express state machine for every request and answers with what its output says. The execution's
// input is {"body": what the client sent, "metadata": {...}}, as that of AsyncWorkflowRoute.
//
// The state machine succeeds with the output {"response":{"statusCode":201,"body":...}}, whose body becomes the answer's, or
// {"response":{"statusCode":409,"message":"..."}}, answered {"message":"..."}. Statuses are from 200 to 299 with a body and
// from 400 to 599 with a message. A body is passed on as the very text that it is in the output. With any other output the
// answer is 500.
//
// The other answers, all {"message":...}: 400 for a body that is not JSON or does not satisfy Schema and for a malformed
// idempotency key; 413; 415; 429, with Retry-After; 500 when the execution failed, without its error, or could not be
// started; 503 when Step Functions is unavailable; 504 when the execution timed out or did not end within 29 seconds, in
// which case it goes on.
//
// API Gateway calls StartSyncExecution: see
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html.
type SyncWorkflowRoute struct {
	// Path such as "/users/{id}". Required. Plain, as everything that shapes the document.
	Path string
	// Method is an HTTP method that has a body. Default: POST.
	Method string
	// StateMachineARN is the Express state machine. Required.
	StateMachineARN pulumi.StringInput
	// Schema is the JSON Schema (draft 4) of bodies. Default: any JSON.
	Schema json.RawMessage
	// MaxBodyBytes is the largest body, in bytes of UTF-8, up to MaxInputBytes. Default: DefaultMaxBodyBytes. A body of that
	// size is refused all the same when the request's metadata makes the whole larger than MaxInputBytes.
	MaxBodyBytes int
	// Headers are the request's headers that the input's metadata tells, under the names given here. Default: none.
	Headers []string
	// ContentTypes whose bodies are taken, as JSON. Default: DefaultContentTypes.
	ContentTypes []string
	// IdempotencyHeader becomes the metadata's idempotencyKey: up to MaxIdempotencyKeyLength visible ASCII characters. Express
	// state machines do not tell repeated executions apart: heeding the key is the machine's part. Default:
	// DefaultIdempotencyHeader.
	IdempotencyHeader string
}

func (r SyncWorkflowRoute) workflow() workflowRoute {
	return workflowRoute{
		path: r.Path, method: r.Method, stateMachineARN: r.StateMachineARN, schema: r.Schema, maxBodyBytes: r.MaxBodyBytes,
		headers: r.Headers, contentTypes: r.ContentTypes, idempotencyHeader: r.IdempotencyHeader,
	}.withDefaults()
}

func (r SyncWorkflowRoute) where() (method, path string) { return r.workflow().method, r.Path }

func (r SyncWorkflowRoute) validate() []error { return r.workflow().validate() }

func (r SyncWorkflowRoute) statements() []policy.Statement {
	return []policy.Statement{{Actions: []string{"states:StartSyncExecution"}, Resources: policy.ARNs(r.StateMachineARN)}}
}

func (r SyncWorkflowRoute) arn() pulumi.StringInput { return r.StateMachineARN }

func (r SyncWorkflowRoute) model() json.RawMessage { return r.Schema }

// syncTemplates of one route, by what they answer.
type syncTemplates struct {
	request, ended, refused, throttled, unavailable, failed string
}

func (r SyncWorkflowRoute) templates(stateMachineARN string) (syncTemplates, error) {
	w := r.workflow()
	maxBody, key := binding{"maxBodyBytes", w.maxBodyBytes}, binding{"keyHeader", w.idempotencyHeader}
	maxKey := binding{"maxKeyLength", MaxIdempotencyKeyLength}
	var t syncTemplates
	var problems [6]error
	t.request, problems[0] = bind([]binding{{"stateMachineArn", stateMachineARN}, maxBody, {"maxInputBytes", MaxInputBytes}, {"headerNames", w.headers}, key, maxKey},
		"idempotencykey.vtl", "envelope.vtl", "startsyncexecution.request.vtl")
	t.ended, problems[1] = bind(nil, "startsyncexecution.ended.vtl")
	t.refused, problems[2] = bind([]binding{maxBody, key, maxKey}, "startsyncexecution.refused.vtl")
	t.throttled, problems[3] = bind(nil, "startsyncexecution.throttled.vtl")
	t.unavailable, problems[4] = bind(nil, "startsyncexecution.unavailable.vtl")
	t.failed, problems[5] = bind(nil, "startsyncexecution.failed.vtl")
	return t, errors.Join(problems[:]...)
}

// syncStatuses describe the answers. A state machine may answer with others: API Gateway needs declarations of the
// statuses of integration responses only, and those that override them are for the document's readers.
func syncStatuses() map[string]string {
	return map[string]string{
		"200": "The workflow's answer",
		"201": "The workflow's answer: created",
		"400": "The body is not JSON, or does not satisfy the schema, or the idempotency key is malformed",
		"404": "The workflow's answer: not found",
		"409": "The workflow's answer: in conflict with what there is",
		"413": "The body is too large",
		"429": "Too many requests",
		"500": "The workflow failed or could not be started",
		"503": "Step Functions is unavailable",
		"504": "The workflow took too long",
	}
}

func (r SyncWorkflowRoute) render(model, stateMachineARN, roleARN string) (*operation, error) {
	templates, err := r.templates(stateMachineARN)
	if err != nil {
		return nil, err
	}
	return r.workflow().operation(model, stateMachineARN, roleARN, startCall{
		action:          "StartSyncExecution",
		requestTemplate: templates.request,
		// A status can have one response only: what must answer with another one overrides it in its template.
		responses: map[string]integrationResponse{
			`2\d{2}`:       jsonResponse("200", templates.ended),
			`4(?!29)\d{2}`: jsonResponse("400", templates.refused),
			`429`:          jsonResponse("429", templates.throttled),
			`5\d{2}`:       jsonResponse("503", templates.unavailable),
			"default":      jsonResponse("500", templates.failed),
		},
		statuses: syncStatuses(),
	})
}
