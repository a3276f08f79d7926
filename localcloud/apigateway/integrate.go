package apigateway

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/wire"
)

// integrationRequest is what goes to the backend.
type integrationRequest struct {
	body   []byte
	header map[string]string
	query  map[string]string
	path   map[string]string
}

// integrate calls the method's integration and answers with what comes back.
func (x *exchange) integrate() *failure {
	i := x.m.integration
	stage := &x.stage.methods[x.m.index]
	if i.unmappable {
		return internalError("the integration maps a header that cannot be mapped")
	}
	if stage.target.err != nil {
		return configurationError("Execution failed due to configuration error: " + stage.target.err.Error())
	}
	if i.Type == "AWS_PROXY" {
		return x.lambdaProxy(stage)
	}
	request, f := x.integrationRequest(i)
	if f != nil {
		return f
	}
	var a *answer
	switch i.Type {
	case "MOCK":
		a, f = x.mock(request.body)
	case "AWS":
		a, f = x.callAWS(i, stage, request)
	default:
		a, f = x.callHTTP(i, stage, request)
		if f == nil && i.proxy {
			return x.passOn(a)
		}
	}
	if f != nil {
		return f
	}
	return x.respond(a)
}

// integrationRequest maps the method's request to the integration's.
func (x *exchange) integrationRequest(i *integrationPlan) (*integrationRequest, *failure) {
	out := &integrationRequest{}
	for n := range i.mappings {
		m := &i.mappings[n]
		value, ok, err := x.value(&m.from, nil)
		if errors.Is(err, errBodyNotJSON) {
			return nil, &failure{kind: "DEFAULT_4XX", status: 400, message: "Invalid JSON in request body"}
		}
		if ok {
			out.set(m.place, m.name, value)
		}
	}
	p, err := convertRequest(x.body, x.stage.api.isBinary(mediaTypeOf(x.r.Header.Get("Content-Type"))), i.ContentHandling)
	if err != nil {
		return nil, internalError(err.Error())
	}
	out.body = p.data
	if i.Type == "HTTP_PROXY" {
		return out, nil
	}
	t, found := i.templates[x.mediaType]
	if !found {
		t, found = i.templates["$default"]
	}
	if !found && (i.PassthroughBehavior == "NEVER" || i.PassthroughBehavior == "WHEN_NO_TEMPLATES" && len(i.templates) > 0) {
		return nil, &failure{kind: "UNSUPPORTED_MEDIA_TYPE", message: "Unsupported Media Type"}
	}
	if t != nil {
		if p.binary {
			return nil, internalError("a mapping template cannot be applied to a binary body")
		}
		if out.body, err = x.render(t, p.data); err != nil {
			return nil, internalError("the request template failed: " + err.Error())
		}
		x.overrideRequest(out)
	}
	return out, nil
}

func (r *integrationRequest) set(place, name, value string) {
	m := &r.header
	switch place {
	case "querystring":
		m = &r.query
	case "path":
		m = &r.path
	}
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[name] = value
}

// outcome is what a backend call came to.
type outcome struct {
	answer  *answer
	failure *failure
}

// within runs a backend call, and answers 504 when the integration's timeout passes first. A client that goes away does
// not end the call: what it posted has been taken.
func (x *exchange) within(i *integrationPlan, call func(ctx context.Context) outcome) (*answer, *failure) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(x.r.Context()))
	defer cancel()
	x.trace()
	start := x.s.d.Clock.Now()
	done := make(chan outcome, 1)
	expired := make(chan struct{})
	timer := x.s.d.Clock.AfterFunc(i.timeout, func() { close(expired) })
	defer timer.Stop()
	go func() { done <- call(ctx) }()
	var o outcome
	select {
	case o = <-done:
	case <-expired:
		o.failure = &failure{kind: "INTEGRATION_TIMEOUT", message: "Endpoint request timed out", reason: "the integration did not answer within " + i.timeout.String()}
	}
	x.integrationLatency = x.s.d.Clock.Now().Sub(start)
	if o.failure != nil {
		x.integrationError = o.failure.reason
		return nil, o.failure
	}
	x.integrationStatus = o.answer.status
	x.integrationID = o.answer.header.Get("X-Amzn-Requestid")
	return o.answer, nil
}

// session is the name of the sessions in which API Gateway uses integrations' roles, as on AWS.
const session = "BackplaneAssumeRoleSession"

// caller is the principal with which an integration calls AWS: its role, or API Gateway itself, which the backend's own
// policy must then admit.
func (x *exchange) caller(ctx context.Context, stage *methodStage) (dispatch.Principal, *failure) {
	path := strings.Trim(x.m.resourcePath, "/")
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + "*" + after
	}
	gateway := x.s.principal(x.resourceARN(path))
	if stage.credentials == "" {
		return gateway, nil
	}
	p, err := x.s.d.Assume(ctx, gateway, stage.credentials, session)
	if err != nil {
		return dispatch.Principal{}, configurationError("Execution failed due to configuration error: API Gateway does not have permission to assume the provided role " + stage.credentials)
	}
	return p, nil
}

// callAWS calls an AWS service.
func (x *exchange) callAWS(i *integrationPlan, stage *methodStage, request *integrationRequest) (*answer, *failure) {
	t := stage.target
	return x.within(i, func(ctx context.Context) outcome {
		p, f := x.caller(ctx, stage)
		if f != nil {
			return outcome{failure: f}
		}
		switch {
		case t.lambda != "":
			return x.invoke(ctx, p, t.lambda, request.header["X-Amz-Invocation-Type"], request.body)
		case t.action != "":
			status, body, id := wire.CallJSON(ctx, x.s.d, p, t.service, t.action, request.body)
			return outcome{answer: &answer{status: status, body: body, header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {id}}}}
		}
		return outcome{failure: configurationError("the embedded AWS does not emulate integrations with " + t.uri)}
	})
}

// invoke calls a function. Errors of the Invoke call itself are configuration errors, as on AWS; the function's own are
// in the answer.
func (x *exchange) invoke(ctx context.Context, p dispatch.Principal, function, invocationType string, body []byte) outcome {
	if len(body) == 0 {
		body = []byte("{}")
	}
	if invocationType == "" {
		invocationType = "RequestResponse"
	}
	out, err := dispatch.Do[lambda.InvokeOutput](ctx, x.s.d, p, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: function, InvocationType: invocationType, Payload: body})
	if err != nil {
		e := dispatch.AsError(err)
		switch e.Code {
		case "AccessDeniedException":
			return outcome{failure: configurationError("Execution failed due to configuration error: Invalid permissions on Lambda function")}
		case "InvalidRequestContentException":
			text := jsonvalue.Text(jsonvalue.NewObject(jsonvalue.Member{Name: "Type", Value: "User"}, jsonvalue.Member{Name: "message", Value: e.Message}))
			return outcome{answer: &answer{status: e.HTTPStatus(), header: http.Header{}, body: []byte(text), errorMessage: &e.Message}}
		}
		return outcome{failure: configurationError("Lambda invocation failed with status: " + http.StatusText(e.HTTPStatus()) + ": " + e.Code)}
	}
	message := ""
	if out.FunctionError != "" {
		message = "Unhandled"
		if v, err := jsonvalue.Parse(out.Payload); err == nil {
			if o, ok := v.(*jsonvalue.Object); ok {
				text, _ := o.Get("errorMessage")
				message, _ = text.(string)
			}
		}
	}
	return outcome{answer: &answer{status: out.StatusCode, header: http.Header{"Content-Type": {"application/json"}}, body: out.Payload, errorMessage: &message}}
}

// lambdaProxy hands the whole request to a function and lets it answer. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html.
func (x *exchange) lambdaProxy(stage *methodStage) *failure {
	event := x.proxyEvent()
	a, f := x.within(x.m.integration, func(ctx context.Context) outcome {
		p, f := x.caller(ctx, stage)
		if f != nil {
			return outcome{failure: f}
		}
		return x.invoke(ctx, p, stage.target.lambda, "", event)
	})
	if f != nil {
		return f
	}
	malformed := func(reason string) *failure {
		return &failure{kind: "DEFAULT_5XX", status: http.StatusBadGateway, message: "Internal server error", reason: reason}
	}
	if *a.errorMessage != "" {
		return malformed("the function failed")
	}
	r, err := parseProxyResponse(a.body)
	if err != nil {
		return malformed("Execution failed due to configuration error: Malformed Lambda proxy response: " + err.Error())
	}
	h := x.w.Header()
	h["Content-Type"] = jsonContentType
	for _, header := range r.headers {
		setHeader(h, header.name, header.values...)
	}
	body := []byte(r.body)
	if r.base64 && x.stage.api.isBinary(mediaTypeOf(x.r.Header.Get("Accept"))) {
		if body, err = base64.StdEncoding.DecodeString(r.body); err != nil {
			return internalError("the function's body is not base64")
		}
	}
	x.write(r.status, body)
	return nil
}
