package apigateway

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// responseType is one kind of failure that the gateway answers itself. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html.
type responseType struct {
	name      string
	status    int    // 0 for the two defaults, which have none
	errorType string // of the x-amzn-ErrorType header
	family    string // the default that covers it
}

var responseTypes = makeResponseTypes()

// responseTypeNames are in the order in which AWS's validation error lists them.
var responseTypeNames = []string{"REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND", "AUTHORIZER_CONFIGURATION_ERROR", "MISSING_AUTHENTICATION_TOKEN",
	"BAD_REQUEST_BODY", "INVALID_SIGNATURE", "INVALID_API_KEY", "BAD_REQUEST_PARAMETERS", "AUTHORIZER_FAILURE", "UNAUTHORIZED", "INTEGRATION_TIMEOUT",
	"ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX", "WAF_FILTERED", "QUOTA_EXCEEDED", "THROTTLED", "API_CONFIGURATION_ERROR",
	"UNSUPPORTED_MEDIA_TYPE", "INTEGRATION_FAILURE", "EXPIRED_TOKEN"}

const defaultTemplate = `{"message":$context.error.messageString}`

func makeResponseTypes() map[string]*responseType {
	types := map[string]*responseType{}
	for _, t := range []responseType{
		{"ACCESS_DENIED", 403, "AccessDeniedException", "DEFAULT_4XX"},
		{"API_CONFIGURATION_ERROR", 500, "InternalServerErrorException", "DEFAULT_5XX"},
		{"AUTHORIZER_CONFIGURATION_ERROR", 500, "InternalServerErrorException", "DEFAULT_5XX"},
		{"AUTHORIZER_FAILURE", 500, "InternalServerErrorException", "DEFAULT_5XX"},
		{"BAD_REQUEST_BODY", 400, "BadRequestException", "DEFAULT_4XX"},
		{"BAD_REQUEST_PARAMETERS", 400, "BadRequestException", "DEFAULT_4XX"},
		{"DEFAULT_4XX", 0, "BadRequestException", ""},
		{"DEFAULT_5XX", 0, "InternalServerErrorException", ""},
		{"EXPIRED_TOKEN", 403, "ExpiredTokenException", "DEFAULT_4XX"},
		{"INTEGRATION_FAILURE", 504, "InternalServerErrorException", "DEFAULT_5XX"},
		{"INTEGRATION_TIMEOUT", 504, "InternalServerErrorException", "DEFAULT_5XX"},
		{"INVALID_API_KEY", 403, "ForbiddenException", "DEFAULT_4XX"},
		{"INVALID_SIGNATURE", 403, "InvalidSignatureException", "DEFAULT_4XX"},
		{"MISSING_AUTHENTICATION_TOKEN", 403, "MissingAuthenticationTokenException", "DEFAULT_4XX"},
		{"QUOTA_EXCEEDED", 429, "LimitExceededException", "DEFAULT_4XX"},
		{"REQUEST_TOO_LARGE", 413, "RequestTooLargeException", "DEFAULT_4XX"},
		{"RESOURCE_NOT_FOUND", 404, "NotFoundException", "DEFAULT_4XX"},
		{"THROTTLED", 429, "TooManyRequestsException", "DEFAULT_4XX"},
		{"UNAUTHORIZED", 401, "UnauthorizedException", "DEFAULT_4XX"},
		{"UNSUPPORTED_MEDIA_TYPE", 415, "BadRequestException", "DEFAULT_4XX"},
		{"WAF_FILTERED", 403, "ForbiddenException", "DEFAULT_4XX"},
	} {
		types[t.name] = &t
	}
	return types
}

// GatewayResponseInput names a gateway response.
type GatewayResponseInput struct {
	RestApiID    string `json:"restApiId"`
	ResponseType string `json:"responseType"`
}

// PutGatewayResponseInput is the request of PutGatewayResponse.
type PutGatewayResponseInput struct {
	RestApiID          string            `json:"restApiId"`
	ResponseType       string            `json:"responseType"`
	StatusCode         string            `json:"statusCode"`
	ResponseParameters map[string]string `json:"responseParameters"`
	ResponseTemplates  map[string]string `json:"responseTemplates"`
}

// UpdateGatewayResponseInput is the request of UpdateGatewayResponse.
type UpdateGatewayResponseInput struct {
	RestApiID       string           `json:"restApiId"`
	ResponseType    string           `json:"responseType"`
	PatchOperations []PatchOperation `json:"patchOperations"`
}

// GatewayResponses is the response of GetGatewayResponses.
type GatewayResponses struct {
	Items    []*GatewayResponse `json:"item"`
	Position string             `json:"position,omitempty"`
}

func (s *Service) registerGatewayResponses() {
	const path = "/restapis/{restApiId}/gatewayresponses"
	handle(s, binding{action: "GetGatewayResponses", method: "GET", path: path, query: pageQuery},
		func(_ context.Context, in *ListInput) (*GatewayResponses, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			var all []*GatewayResponse
			for _, name := range slices.Sorted(slices.Values(responseTypeNames)) {
				all = append(all, a.gatewayResponse(name))
			}
			items, position, err := page(all, PageInput{in.Position, in.Limit})
			return &GatewayResponses{items, position}, err
		})
	handle(s, binding{action: "GetGatewayResponse", method: "GET", path: path + "/{responseType}"},
		func(_ context.Context, in *GatewayResponseInput) (*GatewayResponse, error) {
			if err := checkResponseType(in.ResponseType); err != nil {
				return nil, err
			}
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			return a.gatewayResponse(in.ResponseType), nil
		})
	handle(s, binding{action: "PutGatewayResponse", method: "PUT", path: path + "/{responseType}", status: 201}, s.putGatewayResponse)
	handle(s, binding{action: "UpdateGatewayResponse", method: "PATCH", path: path + "/{responseType}"}, s.updateGatewayResponse)
	handle(s, binding{action: "DeleteGatewayResponse", method: "DELETE", path: path + "/{responseType}", status: 202},
		func(_ context.Context, in *GatewayResponseInput) (*Empty, error) {
			if err := checkResponseType(in.ResponseType); err != nil {
				return nil, err
			}
			_, err := s.change(in.RestApiID, func(a *apiRecord) error {
				if _, ok := a.GatewayResponses[in.ResponseType]; !ok {
					return notFound("Gateway response type not defined on api")
				}
				delete(a.GatewayResponses, in.ResponseType)
				return nil
			})
			return &Empty{}, err
		})
}

func checkResponseType(name string) error {
	if responseTypes[name] == nil {
		return invalidValue(name, "responseType", "Member must satisfy enum value set: ["+strings.Join(responseTypeNames, ", ")+"]")
	}
	return nil
}

// gatewayResponse returns what answers a kind of failure: what was configured for it, else what was configured for its
// class, else AWS's default.
func (a *apiRecord) gatewayResponse(name string) *GatewayResponse {
	if r, ok := a.GatewayResponses[name]; ok {
		return r
	}
	t := responseTypes[name]
	r := GatewayResponse{ResponseType: name, StatusCode: t.statusText(), ResponseParameters: map[string]string{}, DefaultResponse: true,
		ResponseTemplates: map[string]string{"application/json": defaultTemplate}}
	if class, ok := a.GatewayResponses[t.family]; ok {
		r.ResponseParameters, r.ResponseTemplates = class.ResponseParameters, class.ResponseTemplates
		if class.StatusCode != "" {
			r.StatusCode = class.StatusCode
		}
	}
	return &r
}

func (t *responseType) statusText() string {
	if t.status == 0 {
		return ""
	}
	return strconv.Itoa(t.status)
}

// putResponse configures the answer to one kind of failure. What is not given has the default of that kind.
func (a *apiRecord) putGatewayResponse(r *GatewayResponse) error {
	if err := checkResponseType(r.ResponseType); err != nil {
		return err
	}
	if r.StatusCode == "" {
		r.StatusCode = responseTypes[r.ResponseType].statusText()
	} else if err := checkStatusCode(r.StatusCode); err != nil {
		return err
	}
	for target, from := range r.ResponseParameters {
		place, name := gatewayTarget(target)
		if place == "" || name == "" {
			return badRequest(invalidMappingMessage, "Invalid mapping expression specified: "+target)
		}
		e, err := parseExpression(from)
		if err != nil || e.kind == fromIntegrationHeader || e.kind == fromIntegrationBody || e.kind == fromBody {
			return badRequest(invalidMappingMessage, "Invalid mapping expression specified: "+from)
		}
	}
	for mediaType := range r.ResponseTemplates {
		if !strings.Contains(mediaType, "/") {
			return badRequest("Validation Result: warnings : [], errors : [Invalid content type specified: %s]", mediaType)
		}
	}
	if r.ResponseParameters == nil {
		r.ResponseParameters = map[string]string{}
	}
	if len(r.ResponseTemplates) == 0 {
		r.ResponseTemplates = map[string]string{"application/json": defaultTemplate}
	}
	r.DefaultResponse = false
	a.GatewayResponses[r.ResponseType] = r
	return nil
}

// gatewayTarget splits "gatewayresponse.header.X" into its place and its name.
func gatewayTarget(target string) (place, name string) {
	rest, ok := strings.CutPrefix(target, "gatewayresponse.")
	if !ok {
		return "", ""
	}
	place, name, _ = strings.Cut(rest, ".")
	if place != "header" && place != "querystring" && place != "path" {
		return "", ""
	}
	return place, name
}

func (s *Service) putGatewayResponse(_ context.Context, in *PutGatewayResponseInput) (*GatewayResponse, error) {
	r := &GatewayResponse{ResponseType: in.ResponseType, StatusCode: in.StatusCode, ResponseParameters: in.ResponseParameters, ResponseTemplates: in.ResponseTemplates}
	if err := checkResponseType(in.ResponseType); err != nil {
		return nil, err
	}
	_, err := s.change(in.RestApiID, func(a *apiRecord) error { return a.putGatewayResponse(r) })
	return r, err
}

func (s *Service) updateGatewayResponse(_ context.Context, in *UpdateGatewayResponseInput) (*GatewayResponse, error) {
	if err := checkResponseType(in.ResponseType); err != nil {
		return nil, err
	}
	var changed *GatewayResponse
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		r := copyOf(a.gatewayResponse(in.ResponseType))
		for _, op := range in.PatchOperations {
			path := patchPath(op.Path)
			switch {
			case len(path) == 1 && path[0] == "statusCode" && op.Op == "replace":
				r.StatusCode = op.Value
			case len(path) == 2 && path[0] == "responseTemplates" && (op.Op == "add" || op.Op == "replace"):
				r.ResponseTemplates[path[1]] = op.Value
			case len(path) == 2 && path[0] == "responseTemplates" && op.Op == "remove":
				delete(r.ResponseTemplates, path[1])
			case len(path) == 2 && path[0] == "responseParameters" && (op.Op == "add" || op.Op == "replace"):
				r.ResponseParameters[path[1]] = op.Value
			case len(path) == 2 && path[0] == "responseParameters" && op.Op == "remove":
				delete(r.ResponseParameters, path[1])
			default:
				return invalidPatch(op, "/statusCode, /responseTemplates/{type}, /responseParameters/{parameter}")
			}
		}
		changed = r
		return a.putGatewayResponse(r)
	})
	return changed, err
}
