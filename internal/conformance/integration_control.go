package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/wire"
)

// The recordings of the control plane say what came back, and in their id from which call of which test: the calls are
// those of LocalStack's test_apigateway_api.py and test_apigateway_integrations.py.
const (
	lambdaURI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:" + recordedAccount + ":function:MyLambda/invocations"
	s3URI     = "arn:aws:apigateway:us-east-1:s3:path/b/k"
	someRole  = "arn:aws:iam::" + recordedAccount + ":role/service-role/testfunction-role-oe783psq"
)

// controlRig is an API with a resource and a GET method.
type controlRig struct {
	d             *dispatch.Dispatcher
	api, resource string
}

func newControlRig() (*controlRig, error) {
	d, _, err := newCloud()
	if err != nil {
		return nil, err
	}
	rig := &controlRig{d: d}
	api, err := rig.call("CreateRestApi", map[string]any{"name": "recorded"})
	if err != nil {
		return nil, err
	}
	rig.api, rig.resource = api["id"].(string), api["rootResourceId"].(string)
	_, err = rig.call("PutMethod", rig.at(map[string]any{"authorizationType": "NONE", "requestParameters": map[string]bool{"method.request.path.testPath": true}}))
	return rig, err
}

func (rig *controlRig) call(action string, in any) (map[string]any, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	operation, ok := rig.d.Operation("apigateway", action)
	if !ok {
		return nil, fmt.Errorf("there is no operation %s", action)
	}
	request := operation.NewInput()
	if err := wire.DecodeJSON(text, request); err != nil {
		return nil, err
	}
	out, err := rig.d.Do(context.Background(), rig.d.Root(), "apigateway", action, request)
	if err != nil {
		return nil, err
	}
	if text, err = json.Marshal(out); err != nil {
		return nil, err
	}
	var members map[string]any
	return members, json.Unmarshal(text, &members)
}

func (rig *controlRig) at(members map[string]any) map[string]any {
	for name, value := range map[string]any{"restApiId": rig.api, "resourceId": rig.resource, "httpMethod": "GET"} {
		if _, given := members[name]; !given {
			members[name] = value
		}
	}
	return members
}

func (rig *controlRig) putIntegration(members map[string]any) (map[string]any, error) {
	for name, value := range map[string]any{"restApiId": rig.api, "resourceId": rig.resource, "resourceHttpMethod": "GET"} {
		if _, given := members[name]; !given {
			members[name] = value
		}
	}
	return rig.call("PutIntegration", members)
}

// runControl runs one recording of the control plane.
func runControl(text json.RawMessage) Outcome {
	var row struct {
		ID       string
		Expected map[string]any
	}
	if err := json.Unmarshal(text, &row); err != nil {
		return failed("a row of the suite's shape", err.Error())
	}
	rig, err := newControlRig()
	if err != nil {
		return failed(row.Expected, err.Error())
	}
	got, err, known := rig.replay(row.ID, row.Expected)
	if !known {
		return skipped("the recording does not say with which request it was made")
	}
	if err != nil {
		e := dispatch.AsError(err)
		got = map[string]any{"code": e.Code, "message": e.Message, "status": float64(e.HTTPStatus())}
	}
	for name, want := range row.Expected {
		if name == "note" || name == "notes" || want == nil && got[name] == nil {
			continue
		}
		if !sameRecorded(want, got[name]) {
			return failed(row.Expected, got)
		}
	}
	return passed()
}

var maskedPart = regexp.MustCompile(`<[a-z-]+(:\d+)?>`)

// sameRecorded compares values in which the recording has masked what varies.
func sameRecorded(want, got any) bool {
	switch want := want.(type) {
	case string:
		text, ok := got.(string)
		if !ok {
			return false
		}
		parts := maskedPart.Split(want, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		return regexp.MustCompile(`^` + strings.Join(parts, `.+`) + `$`).MatchString(text)
	case map[string]any:
		members, _ := got.(map[string]any)
		if len(members) < len(want) {
			return false
		}
		for name, value := range want {
			if !sameRecorded(value, members[name]) {
				return false
			}
		}
		return true
	case []any:
		items, ok := got.([]any)
		if !ok || len(items) != len(want) {
			return false
		}
		for i := range want {
			if !sameRecorded(want[i], items[i]) {
				return false
			}
		}
		return true
	}
	return want == got
}

// replay makes the call of a recording.
func (rig *controlRig) replay(id string, expected map[string]any) (got map[string]any, err error, known bool) {
	family, name, _ := strings.Cut(id, ".")
	if family == "gatewayresponse" {
		got, err, known = rig.replayGatewayResponse(name)
		return got, err, known
	}
	test, step, _ := strings.Cut(name, ".")
	switch test {
	case "test_put_integration_validation":
		got, err, known = rig.replayValidation(step)
	case "test_put_integration_response_validation":
		got, err, known = rig.replayWrongPlaces(step)
	case "test_put_integration_wrong_type":
		got, err = rig.putIntegration(map[string]any{"type": "HTTPS_PROXY"})
		known = true
	case "test_integration_response_invalid_statuscode":
		_, err = rig.putIntegration(map[string]any{"type": "MOCK"})
		action := "GetIntegrationResponse"
		if strings.HasPrefix(step, "put-") {
			action = "PutIntegrationResponse"
		}
		if err == nil {
			got, err = rig.call(action, rig.at(map[string]any{"statusCode": valueIn(expected, "Value '", "'")}))
		}
		known = true
	case "test_integration_response_invalid_responsetemplates":
		_, err = rig.putIntegration(map[string]any{"type": "MOCK"})
		contentType := valueIn(expected, "Invalid content type specified: ", "]")
		if err == nil {
			got, err = rig.call("PutIntegrationResponse", rig.at(map[string]any{"statusCode": "200", "responseTemplates": map[string]string{contentType: "x"}}))
		}
		known = true
	case "test_put_integration_request_parameter_bool_type":
		return rig.replayBool(step)
	case "test_put_integration_response_templates":
		_, err = rig.putIntegration(map[string]any{"type": "MOCK"})
		in := rig.at(map[string]any{"statusCode": "200", "selectionPattern": "", "responseTemplates": map[string]any{"application/json": nil}})
		if strings.HasSuffix(step, "empty") {
			in["responseTemplates"] = map[string]any{"application/json": ""}
		}
		if err == nil {
			got, err = rig.call("PutIntegrationResponse", in)
		}
		known = strings.HasPrefix(step, "put-integration-response-template-none") || strings.HasPrefix(step, "put-integration-response-template-empty")
	}
	return got, err, known
}

// valueIn reads what the caller sent from the message that quotes it.
func valueIn(expected map[string]any, before, after string) string {
	message, _ := expected["message"].(string)
	_, rest, _ := strings.Cut(message, before)
	value, _, _ := strings.Cut(rest, after)
	return value
}

func (rig *controlRig) replayValidation(step string) (map[string]any, error, bool) {
	kind := step[strings.LastIndex(step, "-")+1:]
	in := map[string]any{"type": kind, "httpMethod": "POST"}
	switch {
	case strings.HasPrefix(step, "required-integration-method-"), strings.HasPrefix(step, "not-required-integration-method-"):
		in["uri"] = "http://example.com"
		delete(in, "httpMethod")
	case strings.HasPrefix(step, "http-method-"):
		in["uri"] = "http://example.com"
	case strings.HasPrefix(step, "aws-integration-type-"):
		in["uri"] = lambdaURI
	case strings.HasPrefix(step, "aws-integration-"):
		in["uri"], in["credentials"] = s3URI, someRole
	case strings.HasPrefix(step, "no-s3-support-"):
		in["uri"], in["credentials"] = s3URI, someRole
	case step == "invalid-uri-invalid-arn":
		in["type"], in["uri"] = "AWS", "arn:aws:apigateway:us-east-1:lambda:test"
	case strings.HasPrefix(step, "invalid-uri-"):
		in["uri"] = "non-valid/arn"
	default:
		return nil, nil, false
	}
	got, err := rig.putIntegration(in)
	return got, err, true
}

func (rig *controlRig) replayWrongPlaces(step string) (map[string]any, error, bool) {
	if _, err := rig.putIntegration(map[string]any{"type": "MOCK"}); err != nil {
		return nil, err, true
	}
	isResponse := strings.HasPrefix(step, "put-integration-response-")
	var in map[string]any
	switch {
	case strings.HasSuffix(step, "wrong-method"):
		in = map[string]any{"httpMethod": "POST"}
		if !isResponse {
			in = map[string]any{"resourceHttpMethod": "POST"}
		}
	case strings.HasSuffix(step, "wrong-resource"):
		in = map[string]any{"resourceId": "badresource"}
	default:
		return nil, nil, false
	}
	if isResponse {
		in["statusCode"] = "200"
		got, err := rig.call("PutIntegrationResponse", rig.at(in))
		return got, err, true
	}
	in["type"] = "MOCK"
	got, err := rig.putIntegration(in)
	return got, err, true
}

func (rig *controlRig) replayBool(step string) (map[string]any, error, bool) {
	in := map[string]any{"type": "HTTP", "httpMethod": "GET", "uri": "http://example.com"}
	switch {
	case step == "bool-method":
		got, err := rig.call("GetMethod", rig.at(map[string]any{}))
		return got, err, true
	case strings.Contains(step, "bool-value"):
		in["requestParameters"] = map[string]any{"integration.request.path.testPath": true}
	default:
		return nil, nil, false
	}
	got, err := rig.putIntegration(in)
	return got, err, true
}

const recordedTemplate = "{\n     \"message\": $context.error.messageString,\n     \"type\":  \"$context.error.responseType\",\n     \"stage\":  \"$context.stage\",\n" +
	"     \"resourcePath\":  \"$context.resourcePath\",\n     \"stageVariables.a\":  \"$stageVariables.a\",\n     \"statusCode\": \"'404'\"\n}"

// replayGatewayResponse replays the tests of gateway responses: defaults, changes and refusals.
func (rig *controlRig) replayGatewayResponse(name string) (map[string]any, error, bool) {
	kind, step, _ := strings.Cut(name, ".")
	switch kind {
	case "default":
		got, err := rig.call("GetGatewayResponse", map[string]any{"restApiId": rig.api, "responseType": step})
		return got, err, true
	case "put":
		return rig.replayPuts(step)
	case "validation":
		api, responseType := rig.api, "MISSING_AUTHENTICATION_TOKEN"
		if strings.HasSuffix(step, "-no-api") {
			api = "fake-api-id"
		}
		if strings.HasSuffix(step, "-wrong-response-type") {
			responseType = "FAKE_RESPONSE_TYPE"
		}
		action, _, ok := strings.Cut(step, "-gateway-response")
		if !ok {
			return nil, nil, false
		}
		action = strings.ToUpper(action[:1]) + action[1:] + "GatewayResponse"
		in := map[string]any{"restApiId": api, "responseType": responseType}
		if action == "UpdateGatewayResponse" {
			in["patchOperations"] = []any{}
		}
		got, err := rig.call(action, in)
		return got, err, true
	}
	return nil, nil, false
}

// replayPuts makes the changes of the recorded test in their order, up to the step that is asked for.
func (rig *controlRig) replayPuts(step string) (map[string]any, error, bool) {
	parameters := map[string]string{"gatewayresponse.header.x-request-header": "method.request.header.Accept"}
	template := map[string]string{"application/json": recordedTemplate}
	for _, change := range []struct {
		name string
		in   map[string]any
	}{
		{"put-gateway-response-all", map[string]any{"responseType": "MISSING_AUTHENTICATION_TOKEN", "statusCode": "404", "responseParameters": map[string]string{
			"gatewayresponse.header.Access-Control-Allow-Origin": "'a.b.c'", "gatewayresponse.header.x-request-query": "method.request.querystring.q",
			"gatewayresponse.header.x-request-path": "method.request.path.petName", "gatewayresponse.header.x-request-header": "method.request.header.Accept"},
			"responseTemplates": template}},
		{"put-gateway-response-status-only", map[string]any{"responseType": "MISSING_AUTHENTICATION_TOKEN", "statusCode": "404"}},
		{"put-gateway-response-response-parameters-only", map[string]any{"responseType": "MISSING_AUTHENTICATION_TOKEN", "responseParameters": parameters}},
		{"put-gateway-response-response-templates-only", map[string]any{"responseType": "MISSING_AUTHENTICATION_TOKEN", "responseTemplates": template}},
		{"put-gateway-response-default-5xx", map[string]any{"responseType": "DEFAULT_5XX", "statusCode": "599", "responseParameters": parameters, "responseTemplates": template}},
		{"put-gateway-response-default-ignored", map[string]any{"responseType": "AUTHORIZER_FAILURE", "responseParameters": map[string]string{"gatewayresponse.header.foo": "'bar'"}}},
	} {
		change.in["restApiId"] = rig.api
		got, err := rig.call("PutGatewayResponse", change.in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", change.name, err), true
		}
		if change.name == step {
			return got, nil, true
		}
	}
	if step != "get-gateway-responses" {
		return nil, nil, false
	}
	out, err := dispatch.Do[apigateway.GatewayResponses](context.Background(), rig.d, rig.d.Root(), "apigateway", "GetGatewayResponses",
		map[string]any{"restApiId": rig.api, "limit": 100})
	if err != nil {
		return nil, err, true
	}
	text, err := json.Marshal(map[string]any{"items": out.Items})
	if err != nil {
		return nil, err, true
	}
	var got map[string]any
	err = json.Unmarshal(text, &got)
	return got, err, true
}
