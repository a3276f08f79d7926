package apigateway

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// PutIntegrationInput is the request of PutIntegration. As on the wire, HTTPMethod is that of the method on the path and
// IntegrationHTTPMethod, the body's httpMethod, is how the backend is called.
type PutIntegrationInput struct {
	RestApiID             string             `json:"restApiId"`
	ResourceID            string             `json:"resourceId"`
	HTTPMethod            string             `json:"resourceHttpMethod"`
	Type                  string             `json:"type"`
	IntegrationHTTPMethod string             `json:"httpMethod"`
	URI                   string             `json:"uri"`
	ConnectionType        string             `json:"connectionType"`
	ConnectionID          string             `json:"connectionId"`
	Credentials           string             `json:"credentials"`
	RequestParameters     stringMap          `json:"requestParameters"`
	RequestTemplates      map[string]*string `json:"requestTemplates"`
	PassthroughBehavior   string             `json:"passthroughBehavior"`
	CacheNamespace        string             `json:"cacheNamespace"`
	CacheKeyParameters    []string           `json:"cacheKeyParameters"`
	ContentHandling       string             `json:"contentHandling"`
	TimeoutInMillis       int                `json:"timeoutInMillis"`
}

// stringMap is a map of strings that refuses other values with AWS's words.
type stringMap map[string]string

// UnmarshalJSON reads the map.
func (m *stringMap) UnmarshalJSON(text []byte) error {
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	*m = stringMap{}
	for name, v := range values {
		switch v := v.(type) {
		case string:
			(*m)[name] = v
		case bool:
			return &dispatch.Error{Code: "SerializationException", Message: "class java.lang.Boolean can not be converted to an String"}
		default:
			return &dispatch.Error{Code: "SerializationException", Message: "Expected string"}
		}
	}
	return nil
}

// PutIntegrationResponseInput is the request of PutIntegrationResponse.
type PutIntegrationResponseInput struct {
	RestApiID          string             `json:"restApiId"`
	ResourceID         string             `json:"resourceId"`
	HTTPMethod         string             `json:"httpMethod"`
	StatusCode         string             `json:"statusCode"`
	SelectionPattern   *string            `json:"selectionPattern"`
	ResponseParameters stringMap          `json:"responseParameters"`
	ResponseTemplates  map[string]*string `json:"responseTemplates"`
	ContentHandling    string             `json:"contentHandling"`
}

func (s *Service) registerIntegrations() {
	const path = methodPath + "/integration"
	handle(s, binding{action: "PutIntegration", method: "PUT", path: resourcePath + "/methods/{resourceHttpMethod}/integration", status: 201}, s.putIntegration)
	handle(s, binding{action: "GetIntegration", method: "GET", path: path},
		func(_ context.Context, in *MethodInput) (*Integration, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			return a.integration(in.ResourceID, in.HTTPMethod)
		})
	handle(s, binding{action: "PutIntegrationResponse", method: "PUT", path: path + "/responses/{statusCode}", status: 201}, s.putIntegrationResponse)
	handle(s, binding{action: "GetIntegrationResponse", method: "GET", path: path + "/responses/{statusCode}"},
		func(_ context.Context, in *MethodResponseInput) (*IntegrationResponse, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			if err := checkStatusCode(in.StatusCode); err != nil {
				return nil, err
			}
			i, err := a.integration(in.ResourceID, in.HTTPMethod)
			if err != nil {
				return nil, err
			}
			if r, ok := i.IntegrationResponses[in.StatusCode]; ok {
				return r, nil
			}
			return nil, notFound("Invalid Response status code specified")
		})
}

func (a *apiRecord) integration(resource, httpMethod string) (*Integration, error) {
	m, err := a.method(resource, httpMethod)
	if err != nil {
		return nil, err
	}
	if m.MethodIntegration == nil {
		return nil, notFound("Invalid Integration identifier specified")
	}
	return m.MethodIntegration, nil
}

var (
	integrationTypes      = []string{"HTTP", "MOCK", "AWS_PROXY", "HTTP_PROXY", "AWS"}
	passthroughBehaviors  = []string{"WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"}
	contentHandlings      = []string{"", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"}
	mappingTarget         = regexp.MustCompile(`^integration\.request\.(header|querystring|path)\.(.+)$`)
	awsURI                = regexp.MustCompile(`^arn:(?:aws|aws-cn|aws-us-gov):apigateway:([a-z0-9-]+|\$\{[^}]*\}):((?:[A-Za-z0-9_-]+\.)?[a-z0-9-]+|\$\{[^}]*\}):(.+)$`)
	roleARN               = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}|\*):(role|user)/.+$`)
	invalidMappingMessage = "Invalid mapping expression specified: Validation Result: warnings : [], errors : [%s]"
)

// putIntegration gives a method its integration, checked as AWS checks it. It is used by the API and by imports.
func (m *Method) putIntegration(namespace string, i *Integration) error {
	if !slices.Contains(integrationTypes, i.Type) {
		return invalidValue(i.Type, "putIntegrationInput.type", "Member must satisfy enum value set: [HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]")
	}
	if i.PassthroughBehavior == "" {
		i.PassthroughBehavior = "WHEN_NO_MATCH"
	}
	if !slices.Contains(passthroughBehaviors, i.PassthroughBehavior) {
		return badRequest("Invalid passthrough behavior specified, must be one of %s", strings.Join(passthroughBehaviors, ", "))
	}
	if !slices.Contains(contentHandlings, i.ContentHandling) {
		return invalidValue(i.ContentHandling, "putIntegrationInput.contentHandling", "Member must satisfy enum value set: [CONVERT_TO_BINARY, CONVERT_TO_TEXT]")
	}
	if i.Type != "MOCK" && !slices.Contains(httpMethods, i.HTTPMethod) {
		return badRequest("Enumeration value for HttpMethod must be non-empty")
	}
	if err := i.checkTarget(); err != nil {
		return err
	}
	if i.TimeoutInMillis == 0 {
		i.TimeoutInMillis = 29000
	}
	if i.TimeoutInMillis < 50 || i.TimeoutInMillis > 29000 {
		return badRequest("Timeout should be between 50 ms and 29000 ms")
	}
	if err := checkTemplates(i.RequestTemplates); err != nil {
		return err
	}
	for target, source := range i.RequestParameters {
		if !mappingTarget.MatchString(target) {
			return badRequest(invalidMappingMessage, "Invalid mapping expression specified: "+target)
		}
		if err := m.checkRequestSource(source); err != nil {
			return err
		}
	}
	if len(i.CacheKeyParameters) > 0 {
		return badRequest("cacheKeyParameters are not emulated: there is no cache")
	}
	i.CacheKeyParameters = []string{}
	if i.CacheNamespace == "" {
		i.CacheNamespace = namespace
	}
	m.MethodIntegration = i
	return nil
}

func (i *Integration) checkTarget() error {
	switch i.Type {
	case "HTTP", "HTTP_PROXY":
		switch i.ConnectionType {
		case "", "INTERNET":
			i.ConnectionType = "INTERNET"
		case "VPC_LINK":
			return badRequest("connectionType VPC_LINK is not emulated")
		default:
			return invalidValue(i.ConnectionType, "putIntegrationInput.connectionType", "Member must satisfy enum value set: [INTERNET, VPC_LINK]")
		}
		u, err := url.Parse(uriWithoutVariables(i.URI))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return badRequest("Invalid HTTP endpoint specified for URI")
		}
	case "AWS", "AWS_PROXY":
		if !strings.HasPrefix(i.URI, "arn:") {
			return badRequest("Invalid ARN specified in the request")
		}
		parts := strings.SplitN(i.URI, ":", 6)
		if len(parts) < 6 {
			return badRequest("Invalid ARN specified in the request")
		}
		if !strings.HasPrefix(parts[5], "path") && !strings.HasPrefix(parts[5], "action") {
			return badRequest("AWS ARN for integration must contain path or action")
		}
		if i.Type == "AWS_PROXY" && (parts[4] != "lambda" || !strings.HasPrefix(parts[5], "path/2015-03-31/functions/")) {
			return badRequest("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
		}
		if !awsURI.MatchString(i.URI) {
			return badRequest("Invalid ARN specified in the request")
		}
	}
	if i.Credentials != "" && !roleARN.MatchString(i.Credentials) {
		return badRequest("Invalid ARN specified in the request")
	}
	if strings.Contains(i.Credentials, ":iam::*:") {
		return badRequest("credentials of the caller (arn:aws:iam::*:user/*) are not emulated: name a role")
	}
	return nil
}

// uriWithoutVariables stands in for stage variables, which may be anywhere in a URI, so that the rest can be checked.
func uriWithoutVariables(uri string) string {
	return strings.NewReplacer("{", "", "}", "").Replace(stageVariable.ReplaceAllString(uri, "x"))
}

func checkTemplates(templates map[string]*string) error {
	for mediaType, template := range templates {
		if !strings.Contains(mediaType, "/") && mediaType != "$default" {
			return badRequest("Validation Result: warnings : [], errors : [Invalid content type specified: %s]", mediaType)
		}
		if template != nil && len(*template) > maxTemplate {
			return badRequest("Validation Result: warnings : [], errors : [The template for %s is larger than 300 KB]", mediaType)
		}
	}
	return nil
}

const maxTemplate = 300 << 10 // bytes

// checkRequestSource checks the right side of a request parameter mapping: parameters must be declared by the method.
func (m *Method) checkRequestSource(source string) error {
	e, err := parseExpression(source)
	if err != nil || e.kind == fromIntegrationHeader || e.kind == fromIntegrationBody {
		return badRequest(invalidMappingMessage, "Invalid mapping expression specified: "+source)
	}
	declared := ""
	switch e.kind {
	case fromHeader:
		declared = "method.request.header." + e.name
	case fromQuery:
		declared = "method.request.querystring." + e.name
	case fromPath:
		declared = "method.request.path." + e.name
	default:
		return nil
	}
	if _, ok := m.RequestParameters[declared]; !ok {
		return badRequest(invalidMappingMessage, "Invalid mapping expression parameter specified: "+source)
	}
	return nil
}

func (s *Service) putIntegration(_ context.Context, in *PutIntegrationInput) (*Integration, error) {
	i := &Integration{Type: in.Type, HTTPMethod: in.IntegrationHTTPMethod, URI: in.URI, ConnectionType: in.ConnectionType, ConnectionID: in.ConnectionID,
		Credentials: in.Credentials, RequestParameters: in.RequestParameters, RequestTemplates: in.RequestTemplates,
		PassthroughBehavior: in.PassthroughBehavior, CacheNamespace: in.CacheNamespace, CacheKeyParameters: in.CacheKeyParameters,
		ContentHandling: in.ContentHandling, TimeoutInMillis: in.TimeoutInMillis}
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		m, err := a.method(in.ResourceID, in.HTTPMethod)
		if err != nil {
			return err
		}
		return m.putIntegration(in.ResourceID, i)
	})
	return i, err
}

// putResponse adds an integration response. That its status has a method response is seen only when a request meets
// it, as on AWS.
func (m *Method) putIntegrationResponse(response *IntegrationResponse) error {
	if err := checkStatusCode(response.StatusCode); err != nil {
		return err
	}
	if err := checkTemplates(response.ResponseTemplates); err != nil {
		return err
	}
	for mediaType, template := range response.ResponseTemplates {
		if template != nil && *template == "" {
			response.ResponseTemplates[mediaType] = nil
		}
	}
	if !slices.Contains(contentHandlings, response.ContentHandling) {
		return invalidValue(response.ContentHandling, "putIntegrationResponseInput.contentHandling", "Member must satisfy enum value set: [CONVERT_TO_BINARY, CONVERT_TO_TEXT]")
	}
	if response.SelectionPattern != nil {
		if _, err := compilePattern(*response.SelectionPattern); err != nil {
			return badRequest("Invalid selection pattern specified: %s", *response.SelectionPattern)
		}
	}
	for target, source := range response.ResponseParameters {
		if !responseParameter.MatchString(target) {
			return badRequest(invalidMappingMessage, "Invalid mapping expression specified: "+target)
		}
		if declared := m.MethodResponses[response.StatusCode]; declared != nil {
			if _, ok := declared.ResponseParameters[target]; !ok {
				return badRequest(invalidMappingMessage, "Invalid mapping expression parameter specified: "+target)
			}
		}
		e, err := parseExpression(source)
		if err != nil || e.kind == fromHeader || e.kind == fromQuery || e.kind == fromPath || e.kind == fromBody {
			return badRequest(invalidMappingMessage, "Invalid mapping expression specified: "+source)
		}
	}
	i := m.MethodIntegration
	if i.IntegrationResponses == nil {
		i.IntegrationResponses = map[string]*IntegrationResponse{}
	}
	i.IntegrationResponses[response.StatusCode] = response
	return nil
}

func (s *Service) putIntegrationResponse(_ context.Context, in *PutIntegrationResponseInput) (*IntegrationResponse, error) {
	response := &IntegrationResponse{StatusCode: in.StatusCode, SelectionPattern: in.SelectionPattern, ResponseParameters: in.ResponseParameters,
		ResponseTemplates: in.ResponseTemplates, ContentHandling: in.ContentHandling}
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		m, err := a.method(in.ResourceID, in.HTTPMethod)
		if err != nil {
			return err
		}
		if m.MethodIntegration == nil {
			return notFound("Invalid Integration identifier specified")
		}
		return m.putIntegrationResponse(response)
	})
	return response, err
}
