package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

// ModelInput names a model.
type ModelInput struct {
	RestApiID string `json:"restApiId"`
	ModelName string `json:"modelName"`
	Flatten   bool   `json:"flatten"`
}

// CreateModelInput is the request of CreateModel.
type CreateModelInput struct {
	RestApiID   string `json:"restApiId"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Schema      string `json:"schema"`
	ContentType string `json:"contentType"`
}

// ListInput asks for one page of the parts of an API.
type ListInput struct {
	RestApiID string `json:"restApiId"`
	Position  string `json:"position"`
	Limit     int    `json:"limit"`
}

// Models is the response of GetModels.
type Models struct {
	Items    []*Model `json:"item"`
	Position string   `json:"position,omitempty"`
}

// RequestValidatorInput names a request validator.
type RequestValidatorInput struct {
	RestApiID          string `json:"restApiId"`
	RequestValidatorID string `json:"requestValidatorId"`
}

// CreateRequestValidatorInput is the request of CreateRequestValidator.
type CreateRequestValidatorInput struct {
	RestApiID                 string `json:"restApiId"`
	Name                      string `json:"name"`
	ValidateRequestBody       bool   `json:"validateRequestBody"`
	ValidateRequestParameters bool   `json:"validateRequestParameters"`
}

// RequestValidators is the response of GetRequestValidators.
type RequestValidators struct {
	Items    []*RequestValidator `json:"item"`
	Position string              `json:"position,omitempty"`
}

func (s *Service) registerParts() {
	const models, validators = "/restapis/{restApiId}/models", "/restapis/{restApiId}/requestvalidators"
	handle(s, binding{action: "CreateModel", method: "POST", path: models, status: 201}, s.createModel)
	handle(s, binding{action: "GetModels", method: "GET", path: models, query: pageQuery},
		func(_ context.Context, in *ListInput) (*Models, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			items, position, err := page(sorted(a.Models), PageInput{in.Position, in.Limit})
			return &Models{items, position}, err
		})
	handle(s, binding{action: "GetModel", method: "GET", path: models + "/{modelName}", query: map[string]string{"flatten": "flatten"}},
		func(_ context.Context, in *ModelInput) (*Model, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			if in.Flatten {
				return nil, badRequest("GetModel with flatten is not emulated")
			}
			if m, ok := a.Models[in.ModelName]; ok {
				return m, nil
			}
			return nil, notFound("Invalid model name specified: %s", in.ModelName)
		})
	handle(s, binding{action: "DeleteModel", method: "DELETE", path: models + "/{modelName}", status: 202},
		func(_ context.Context, in *ModelInput) (*Empty, error) {
			_, err := s.change(in.RestApiID, func(a *apiRecord) error { return a.deleteModel(in.ModelName) })
			return &Empty{}, err
		})
	handle(s, binding{action: "CreateRequestValidator", method: "POST", path: validators, status: 201},
		func(_ context.Context, in *CreateRequestValidatorInput) (*RequestValidator, error) {
			v := &RequestValidator{ID: newID(6), Name: in.Name, ValidateRequestBody: in.ValidateRequestBody, ValidateRequestParameters: in.ValidateRequestParameters}
			_, err := s.change(in.RestApiID, func(a *apiRecord) error { a.Validators[v.ID] = v; return nil })
			return v, err
		})
	handle(s, binding{action: "GetRequestValidators", method: "GET", path: validators, query: pageQuery},
		func(_ context.Context, in *ListInput) (*RequestValidators, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			items, position, err := page(sorted(a.Validators), PageInput{in.Position, in.Limit})
			return &RequestValidators{items, position}, err
		})
	handle(s, binding{action: "GetRequestValidator", method: "GET", path: validators + "/{requestValidatorId}"},
		func(_ context.Context, in *RequestValidatorInput) (*RequestValidator, error) {
			a, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			if v, ok := a.Validators[in.RequestValidatorID]; ok {
				return v, nil
			}
			return nil, notFound("Invalid Request Validator identifier specified")
		})
}

// sorted returns the values of a map in the order of their keys.
func sorted[T any](m map[string]T) []T {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	all := make([]T, 0, len(m))
	for _, k := range keys {
		all = append(all, m[k])
	}
	return all
}

var modelNamePattern = regexp.MustCompile(`^[A-Za-z0-9]+$`)

func (s *Service) createModel(_ context.Context, in *CreateModelInput) (*Model, error) {
	m := &Model{ID: newID(6), Name: in.Name, Description: in.Description, Schema: in.Schema, ContentType: in.ContentType}
	_, err := s.change(in.RestApiID, func(a *apiRecord) error {
		if m.ContentType == "" {
			return badRequest("Content type must be specified")
		}
		if _, taken := a.Models[m.Name]; taken {
			return conflict("Model name already exists for this REST API")
		}
		return a.putModels([]*Model{m})
	})
	return m, err
}

// putModels adds models, which may refer to one another.
func (a *apiRecord) putModels(models []*Model) error {
	for _, m := range models {
		if !modelNamePattern.MatchString(m.Name) {
			return badRequest("Model name must be alphanumeric: %s", m.Name)
		}
		a.Models[m.Name] = m
	}
	schemas := newSchemas(a)
	for _, m := range models {
		if m.Schema == "" {
			continue
		}
		if _, err := schemas.compile(m.Name); err != nil {
			return badRequest("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified. %v]", err)
		}
	}
	return nil
}

func (a *apiRecord) deleteModel(name string) error {
	if _, ok := a.Models[name]; !ok {
		return notFound("Invalid model name specified: %s", name)
	}
	for _, r := range a.Resources {
		for _, m := range r.ResourceMethods {
			used := slices.Contains(sorted(m.RequestModels), name)
			for _, response := range m.MethodResponses {
				used = used || slices.Contains(sorted(response.ResponseModels), name)
			}
			if used {
				return conflict("Cannot delete model '%s', is referenced in method: %s/%s", name, strings.TrimSuffix(r.Path, "/"), m.HTTPMethod)
			}
		}
	}
	for other, m := range a.Models {
		if other != name && strings.Contains(m.Schema, "/models/"+name+`"`) {
			return conflict("Cannot delete model '%s', is referenced in model: %s", name, other)
		}
	}
	delete(a.Models, name)
	return nil
}
