package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

// ResourceInput names a resource.
type ResourceInput struct {
	RestApiID  string   `json:"restApiId"`
	ResourceID string   `json:"resourceId"`
	Embed      []string `json:"embed"` // "methods" to see methods in full
}

// GetResourcesInput is the request of GetResources.
type GetResourcesInput struct {
	RestApiID string   `json:"restApiId"`
	Position  string   `json:"position"`
	Limit     int      `json:"limit"`
	Embed     []string `json:"embed"`
}

// Resources is the response of GetResources.
type Resources struct {
	Items    []*Resource `json:"item"`
	Position string      `json:"position,omitempty"`
}

// CreateResourceInput is the request of CreateResource.
type CreateResourceInput struct {
	RestApiID string `json:"restApiId"`
	ParentID  string `json:"parentId"`
	PathPart  string `json:"pathPart"`
}

// MethodInput names a method.
type MethodInput struct {
	RestApiID  string `json:"restApiId"`
	ResourceID string `json:"resourceId"`
	HTTPMethod string `json:"httpMethod"`
}

// PutMethodInput is the request of PutMethod.
type PutMethodInput struct {
	RestApiID          string            `json:"restApiId"`
	ResourceID         string            `json:"resourceId"`
	HTTPMethod         string            `json:"httpMethod"`
	AuthorizationType  string            `json:"authorizationType"`
	APIKeyRequired     bool              `json:"apiKeyRequired"`
	OperationName      string            `json:"operationName"`
	RequestParameters  map[string]bool   `json:"requestParameters"`
	RequestModels      map[string]string `json:"requestModels"`
	RequestValidatorID string            `json:"requestValidatorId"`
}

// MethodResponseInput names a method response.
type MethodResponseInput struct {
	RestApiID  string `json:"restApiId"`
	ResourceID string `json:"resourceId"`
	HTTPMethod string `json:"httpMethod"`
	StatusCode string `json:"statusCode"`
}

// PutMethodResponseInput is the request of PutMethodResponse.
type PutMethodResponseInput struct {
	RestApiID          string            `json:"restApiId"`
	ResourceID         string            `json:"resourceId"`
	HTTPMethod         string            `json:"httpMethod"`
	StatusCode         string            `json:"statusCode"`
	ResponseParameters map[string]bool   `json:"responseParameters"`
	ResponseModels     map[string]string `json:"responseModels"`
}

const (
	resourcePath = "/restapis/{restApiId}/resources/{resourceId}"
	methodPath   = resourcePath + "/methods/{httpMethod}"
)

func (s *Service) registerResources() {
	handle(s, binding{action: "GetResources", method: "GET", path: "/restapis/{restApiId}/resources",
		query: map[string]string{"position": "position", "limit": "limit", "embed": "embed"}}, s.getResources)
	handle(s, binding{action: "GetResource", method: "GET", path: resourcePath, query: map[string]string{"embed": "embed"}},
		func(_ context.Context, in *ResourceInput) (*Resource, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			r, err := a.resource(in.ResourceID)
			if err != nil {
				return nil, err
			}
			return shown(r, in.Embed), nil
		})
	handle(s, binding{action: "CreateResource", method: "POST", path: "/restapis/{restApiId}/resources/{parentId}", status: 201}, s.createResource)
	handle(s, binding{action: "DeleteResource", method: "DELETE", path: resourcePath, status: 202}, s.deleteResource)
	handle(s, binding{action: "PutMethod", method: "PUT", path: methodPath, status: 201}, s.putMethod)
	handle(s, binding{action: "GetMethod", method: "GET", path: methodPath},
		func(_ context.Context, in *MethodInput) (*Method, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			return a.method(in.ResourceID, in.HTTPMethod)
		})
	handle(s, binding{action: "DeleteMethod", method: "DELETE", path: methodPath, status: 204}, s.deleteMethod)
	handle(s, binding{action: "PutMethodResponse", method: "PUT", path: methodPath + "/responses/{statusCode}", status: 201}, s.putMethodResponse)
	handle(s, binding{action: "GetMethodResponse", method: "GET", path: methodPath + "/responses/{statusCode}"},
		func(_ context.Context, in *MethodResponseInput) (*MethodResponse, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			m, err := a.method(in.ResourceID, in.HTTPMethod)
			if err != nil {
				return nil, err
			}
			if err := checkStatusCode(in.StatusCode); err != nil {
				return nil, err
			}
			if r, ok := m.MethodResponses[in.StatusCode]; ok {
				return r, nil
			}
			return nil, notFound("Invalid Response status code specified")
		})
}

// shown is a resource as lists show it: unless the client asks to embed methods only their names are there.
func shown(r *Resource, embed []string) *Resource {
	if slices.Contains(embed, "methods") || len(r.ResourceMethods) == 0 {
		return r
	}
	short := *r
	short.ResourceMethods = map[string]*Method{}
	for name := range r.ResourceMethods {
		short.ResourceMethods[name] = &Method{HTTPMethod: name}
	}
	return &short
}

func (s *Service) getResources(_ context.Context, in *GetResourcesInput) (*Resources, error) {
	a, err := s.api(in.RestApiID)
	if err != nil {
		return nil, err
	}
	var all []*Resource
	for _, r := range a.Resources {
		all = append(all, shown(r, in.Embed))
	}
	slices.SortFunc(all, func(x, y *Resource) int { return strings.Compare(x.Path, y.Path) })
	items, position, err := page(all, PageInput{in.Position, in.Limit})
	return &Resources{items, position}, err
}

func (a *apiRecord) resource(id string) (*Resource, error) {
	if r, ok := a.Resources[id]; ok {
		return r, nil
	}
	return nil, notFound("Invalid Resource identifier specified")
}

func (a *apiRecord) method(resource, httpMethod string) (*Method, error) {
	r, err := a.resource(resource)
	if err != nil {
		return nil, err
	}
	if m, ok := r.ResourceMethods[httpMethod]; ok {
		return m, nil
	}
	return nil, notFound("Invalid Method identifier specified")
}

var pathPartPattern = regexp.MustCompile(`^(\{[A-Za-z0-9._:-]+\+?\}|[A-Za-z0-9._~:@!$&'()*+,;=%-]+)$`)

// addResource makes the child of a resource, or returns the one that is there with existing true.
func (a *apiRecord) addResource(parent *Resource, part string) (child *Resource, existing bool, err error) {
	if !pathPartPattern.MatchString(part) {
		return nil, false, badRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	if strings.HasSuffix(parent.PathPart, "+}") {
		return nil, false, badRequest("Cannot create a child of a resource with a greedy path variable.")
	}
	path := strings.TrimSuffix(parent.Path, "/") + "/" + part
	for _, r := range a.Resources {
		if r.ParentID != parent.ID {
			continue
		}
		if r.PathPart == part {
			return r, true, nil
		}
		if isVariable(part) && isVariable(r.PathPart) && strings.HasSuffix(part, "+}") == strings.HasSuffix(r.PathPart, "+}") {
			return nil, false, badRequest("A sibling (%s) of this resource already has a variable path part -- only one is allowed", r.PathPart)
		}
	}
	child = &Resource{ID: newID(6), ParentID: parent.ID, PathPart: part, Path: path}
	a.Resources[child.ID] = child
	return child, false, nil
}

func isVariable(part string) bool { return strings.HasPrefix(part, "{") }

func (s *Service) createResource(_ context.Context, in *CreateResourceInput) (*Resource, error) {
	var made *Resource
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		parent, err := a.resource(in.ParentID)
		if err != nil {
			return err
		}
		child, existing, err := a.addResource(parent, in.PathPart)
		if err != nil {
			return err
		}
		if existing {
			return conflict("Another resource with the same parent already has this name: %s", in.PathPart)
		}
		made = child
		return nil
	})
	return made, err
}

func (s *Service) deleteResource(_ context.Context, in *ResourceInput) (*Empty, error) {
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		if _, err := a.resource(in.ResourceID); err != nil {
			return err
		}
		if in.ResourceID == a.RootResourceID {
			return badRequest("Cannot delete the root resource")
		}
		gone := []string{in.ResourceID}
		for i := 0; i < len(gone); i++ {
			delete(a.Resources, gone[i])
			for id, r := range a.Resources {
				if r.ParentID == gone[i] {
					gone = append(gone, id)
				}
			}
		}
		return nil
	})
	return &Empty{}, err
}

var (
	httpMethods       = []string{"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "ANY"}
	requestParameter  = regexp.MustCompile(`^method\.request\.(header|querystring|path)\.([!#$%&'*+.^_\x60|~0-9A-Za-z:-]+)$`)
	responseParameter = regexp.MustCompile(`^method\.response\.header\.([!#$%&'*+.^_\x60|~0-9A-Za-z-]+)$`)
)

// putMethod makes a method of a resource. It is used by the API and by imports.
func (a *apiRecord) putMethod(r *Resource, m *Method) error {
	if !slices.Contains(httpMethods, m.HTTPMethod) {
		return badRequest("Invalid HTTP method specified, must be one of %s", strings.Join(httpMethods, ", "))
	}
	switch m.AuthorizationType {
	case "NONE":
	case "":
		return invalidValue("null", "putMethodInput.authorizationType", "Member must not be null")
	default:
		return badRequest("authorizationType %s is not emulated: only NONE is", m.AuthorizationType)
	}
	if m.APIKeyRequired {
		return badRequest("apiKeyRequired is not emulated: there are no API keys and usage plans")
	}
	for name := range m.RequestParameters {
		if !requestParameter.MatchString(name) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", name)
		}
	}
	for _, model := range m.RequestModels {
		if _, ok := a.Models[model]; !ok {
			return badRequest("Invalid model identifier specified: %s", model)
		}
	}
	if m.RequestValidatorID != "" {
		if _, ok := a.Validators[m.RequestValidatorID]; !ok {
			return badRequest("Invalid Request Validator identifier specified")
		}
	}
	if _, taken := r.ResourceMethods[m.HTTPMethod]; taken {
		return conflict("Method already exists for this resource")
	}
	if r.ResourceMethods == nil {
		r.ResourceMethods = map[string]*Method{}
	}
	r.ResourceMethods[m.HTTPMethod] = m
	return nil
}

func (s *Service) putMethod(_ context.Context, in *PutMethodInput) (*Method, error) {
	m := &Method{HTTPMethod: in.HTTPMethod, AuthorizationType: in.AuthorizationType, APIKeyRequired: in.APIKeyRequired, OperationName: in.OperationName,
		RequestParameters: in.RequestParameters, RequestModels: in.RequestModels, RequestValidatorID: in.RequestValidatorID}
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		r, err := a.resource(in.ResourceID)
		if err != nil {
			return err
		}
		return a.putMethod(r, m)
	})
	return m, err
}

func (s *Service) deleteMethod(_ context.Context, in *MethodInput) (*Empty, error) {
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		if _, err := a.method(in.ResourceID, in.HTTPMethod); err != nil {
			return err
		}
		delete(a.Resources[in.ResourceID].ResourceMethods, in.HTTPMethod)
		return nil
	})
	return &Empty{}, err
}

var statusCodePattern = regexp.MustCompile(`^[1-5]\d\d$`)

func checkStatusCode(code string) error {
	if !statusCodePattern.MatchString(code) {
		return invalidValue(code, "statusCode", `Member must satisfy regular expression pattern: [1-5]\d\d`)
	}
	return nil
}

// putResponse declares a status of the method.
func (a *apiRecord) putMethodResponse(m *Method, response *MethodResponse) error {
	if err := checkStatusCode(response.StatusCode); err != nil {
		return err
	}
	for name := range response.ResponseParameters {
		if !responseParameter.MatchString(name) {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", name)
		}
	}
	for _, model := range response.ResponseModels {
		if _, ok := a.Models[model]; !ok {
			return badRequest("Invalid model identifier specified: %s", model)
		}
	}
	if _, taken := m.MethodResponses[response.StatusCode]; taken {
		return conflict("Response already exists for this resource")
	}
	if m.MethodResponses == nil {
		m.MethodResponses = map[string]*MethodResponse{}
	}
	m.MethodResponses[response.StatusCode] = response
	return nil
}

func (s *Service) putMethodResponse(_ context.Context, in *PutMethodResponseInput) (*MethodResponse, error) {
	response := &MethodResponse{StatusCode: in.StatusCode, ResponseParameters: in.ResponseParameters, ResponseModels: in.ResponseModels}
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		m, err := a.method(in.ResourceID, in.HTTPMethod)
		if err != nil {
			return err
		}
		return a.putMethodResponse(m, response)
	})
	return response, err
}
