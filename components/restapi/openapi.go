package restapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// The parts of an OpenAPI 3.0.1 document that API Gateway reads. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html.
type (
	document struct {
		OpenAPI          string                           `json:"openapi"`
		Info             info                             `json:"info"`
		Paths            map[string]map[string]*operation `json:"paths"` // path → method as OpenAPI names it
		Components       components                       `json:"components"`
		Validators       map[string]validator             `json:"x-amazon-apigateway-request-validators"`
		GatewayResponses map[string]gatewayResponse       `json:"x-amazon-apigateway-gateway-responses"`
	}
	info struct {
		Title   string `json:"title"`
		Version string `json:"version"`
	}
	components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	}
	operation struct {
		Parameters  []parameter         `json:"parameters,omitempty"`
		RequestBody *requestBody        `json:"requestBody,omitempty"`
		Responses   map[string]response `json:"responses"`
		Validator   string              `json:"x-amazon-apigateway-request-validator,omitempty"`
		Integration integration         `json:"x-amazon-apigateway-integration"`
	}
	parameter struct {
		Name     string          `json:"name"`
		In       string          `json:"in"`
		Required bool            `json:"required"`
		Schema   json.RawMessage `json:"schema"`
	}
	requestBody struct {
		Required bool                 `json:"required"`
		Content  map[string]mediaType `json:"content"`
	}
	mediaType struct {
		Schema json.RawMessage `json:"schema"`
	}
	response struct {
		Description string               `json:"description"`
		Content     map[string]mediaType `json:"content,omitempty"`
	}
	integration struct {
		Type                string                         `json:"type"`
		HTTPMethod          string                         `json:"httpMethod"`
		URI                 string                         `json:"uri"`
		Credentials         string                         `json:"credentials,omitempty"`
		PassthroughBehavior string                         `json:"passthroughBehavior"`
		RequestTemplates    map[string]string              `json:"requestTemplates,omitempty"`
		Responses           map[string]integrationResponse `json:"responses,omitempty"` // by regular expression of the backend's status
	}
	integrationResponse struct {
		StatusCode        string            `json:"statusCode"`
		ResponseTemplates map[string]string `json:"responseTemplates"`
	}
	validator struct {
		ValidateRequestBody       bool `json:"validateRequestBody"`
		ValidateRequestParameters bool `json:"validateRequestParameters"`
	}
	gatewayResponse struct {
		StatusCode         string            `json:"statusCode,omitempty"`
		ResponseParameters map[string]string `json:"responseParameters,omitempty"`
		ResponseTemplates  map[string]string `json:"responseTemplates"`
	}
)

const (
	bodyValidator = "body"
	// anyModel takes any JSON. API Gateway's own model "Empty" takes objects only.
	anyModel  = "Any"
	anySchema = `{"description":"Any JSON value"}`
)

func reference(model string) json.RawMessage {
	return json.RawMessage(`{"$ref":"#/components/schemas/` + model + `"}`)
}

func jsonResponse(status, template string) integrationResponse {
	return integrationResponse{StatusCode: status, ResponseTemplates: map[string]string{"application/json": template}}
}

var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

// pathParameters declares the parameters of a path.
func pathParameters(path string) []parameter {
	var declared []parameter
	for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
		declared = append(declared, parameter{
			Name: strings.TrimSuffix(m[1], "+"), In: "path", Required: true, Schema: json.RawMessage(`{"type":"string"}`),
		})
	}
	return declared
}

// gatewayResponses are what the gateway answers by itself. Their templates are no VTL: references are replaced.
// $context.error.messageString is a JSON string with its quotes; $context.error.validationErrorString is the inside of one,
// escaped. See docs/decisions/0003-sync-answers.md.
func gatewayResponses() map[string]gatewayResponse {
	message := func(status, text string) gatewayResponse {
		return gatewayResponse{StatusCode: status, ResponseTemplates: map[string]string{"application/json": `{"message":` + text + `}`}}
	}
	throttled := message("429", `"too many requests: try again later"`)
	throttled.ResponseParameters = map[string]string{"gatewayresponse.header.Retry-After": "'1'"}
	return map[string]gatewayResponse{
		"DEFAULT_4XX":             message("", "$context.error.messageString"),
		"DEFAULT_5XX":             message("", "$context.error.messageString"),
		"BAD_REQUEST_BODY":        message("400", `"invalid request body: $context.error.validationErrorString"`),
		"REQUEST_TOO_LARGE":       message("413", `"the request is too large"`),
		"UNSUPPORTED_MEDIA_TYPE":  message("415", `"unsupported media type: send application/json"`),
		"THROTTLED":               throttled,
		"API_CONFIGURATION_ERROR": message("500", `"the request could not be accepted: the service is not set up correctly"`),
		"INTEGRATION_FAILURE":     message("504", `"the service did not answer: try again later"`),
		"INTEGRATION_TIMEOUT":     message("504", `"the service did not answer in time: try again later"`),
	}
}

// target is what a route calls and the role that it does so with, as ARNs.
type target struct{ called, role string }

// openAPI writes the document of an API; the targets are those of the routes.
func openAPI(name string, routes []Route, targets []target) (string, error) {
	d := &document{
		OpenAPI:          "3.0.1",
		Info:             info{Title: name, Version: "1"},
		Paths:            map[string]map[string]*operation{},
		Components:       components{Schemas: map[string]json.RawMessage{anyModel: json.RawMessage(anySchema)}},
		Validators:       map[string]validator{bodyValidator: {ValidateRequestBody: true}},
		GatewayResponses: gatewayResponses(),
	}
	for i, r := range routes {
		model := anyModel
		if schema := r.model(); schema != nil {
			model = modelName(r)
			d.Components.Schemas[model] = schema
		}
		method, path := r.where()
		op, err := r.render(model, targets[i].called, targets[i].role)
		if err != nil {
			return "", fmt.Errorf("Routes[%d]: %w", i, err)
		}
		if d.Paths[path] == nil {
			d.Paths[path] = map[string]*operation{}
		}
		d.Paths[path][methodKey(method)] = op
	}
	return canonical(d)
}

// canonical writes a document so that equal documents are equal texts: members sorted, no white space, no needless escapes.
func canonical(d *document) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d); err != nil {
		return "", fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	// Structs write their members in the order of their declaration; maps sort them. One more turn makes all of it sorted,
	// and the same whatever the order of the declarations or the white space of a given schema.
	decoder := json.NewDecoder(&text)
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return "", fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	var out bytes.Buffer
	encoder = json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(plain); err != nil {
		return "", fmt.Errorf("writing the OpenAPI document: %w", err)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// partitionAndRegion reads an ARN.
func partitionAndRegion(arn string) (partition, region string, err error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[3] == "" {
		return "", "", fmt.Errorf("%q is not the ARN of a regional resource", arn)
	}
	return parts[1], parts[3], nil
}
