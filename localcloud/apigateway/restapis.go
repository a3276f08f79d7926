package apigateway

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// CreateRestApiInput is the request of CreateRestApi.
type CreateRestApiInput struct {
	Name                      string                 `json:"name"`
	Description               string                 `json:"description"`
	Version                   string                 `json:"version"`
	BinaryMediaTypes          []string               `json:"binaryMediaTypes"`
	MinimumCompressionSize    *int                   `json:"minimumCompressionSize"`
	Policy                    string                 `json:"policy"`
	APIKeySource              string                 `json:"apiKeySource"`
	EndpointConfiguration     *EndpointConfiguration `json:"endpointConfiguration"`
	Tags                      map[string]string      `json:"tags"`
	DisableExecuteAPIEndpoint bool                   `json:"disableExecuteApiEndpoint"`
}

// RestApiInput names an API.
type RestApiInput struct {
	RestApiID string `json:"restApiId"`
}

// PageInput asks for one page of a list.
type PageInput struct {
	Position string `json:"position"`
	Limit    int    `json:"limit"`
}

// RestApis is the response of GetRestApis.
type RestApis struct {
	Items    []*RestApi `json:"item"`
	Position string     `json:"position,omitempty"`
}

// UpdateRestApiInput is the request of UpdateRestApi.
type UpdateRestApiInput struct {
	RestApiID       string           `json:"restApiId"`
	PatchOperations []PatchOperation `json:"patchOperations"`
}

// ImportRestApiInput is the request of ImportRestApi.
type ImportRestApiInput struct {
	FailOnWarnings bool   `json:"failOnWarnings"` // the importer has errors only
	Body           []byte `json:"body"`           // an OpenAPI 3.0 or Swagger 2.0 document in JSON
}

// PutRestApiInput is the request of PutRestApi.
type PutRestApiInput struct {
	RestApiID      string `json:"restApiId"`
	Mode           string `json:"mode"`           // overwrite or merge (the default of AWS); merge is not emulated
	FailOnWarnings bool   `json:"failOnWarnings"` // the importer has errors only
	Body           []byte `json:"body"`           // an OpenAPI 3.0 or Swagger 2.0 document in JSON
}

func (s *Service) registerAPIs() {
	handle(s, binding{action: "CreateRestApi", method: "POST", path: "/restapis", status: 201}, s.createRestAPI)
	handle(s, binding{action: "GetRestApi", method: "GET", path: "/restapis/{restApiId}"},
		func(_ context.Context, in *RestApiInput) (*RestApi, error) {
			record, err := s.api(in.RestApiID)
			if err != nil {
				return nil, err
			}
			return &record.RestApi, nil
		})
	handle(s, binding{action: "GetRestApis", method: "GET", path: "/restapis", query: pageQuery}, s.getRestAPIs)
	handle(s, binding{action: "UpdateRestApi", method: "PATCH", path: "/restapis/{restApiId}"}, s.updateRestAPI)
	handle(s, binding{action: "DeleteRestApi", method: "DELETE", path: "/restapis/{restApiId}", status: 202}, s.deleteRestAPI)
	handle(s, binding{action: "ImportRestApi", method: "POST", path: "/restapis?mode=import", status: 201,
		query: map[string]string{"failonwarnings": "failOnWarnings"}, body: "body"}, s.importRestAPI)
	handle(s, binding{action: "PutRestApi", method: "PUT", path: "/restapis/{restApiId}",
		query: map[string]string{"mode": "mode", "failonwarnings": "failOnWarnings"}, body: "body"}, s.putRestAPI)
}

var pageQuery = map[string]string{"position": "position", "limit": "limit"}

// page cuts a list to what a client asked for: AWS's default is 25 items, its most 500.
func page[T any](all []T, p PageInput) (items []T, position string, err error) {
	if p.Limit == 0 {
		p.Limit = 25
	}
	if p.Limit < 0 || p.Limit > 500 {
		return nil, "", badRequest("Limit value should be between 1 and 500")
	}
	start := 0
	if p.Position != "" {
		start, err = strconv.Atoi(p.Position)
		if err != nil || start < 0 || start > len(all) {
			return nil, "", badRequest("Invalid position parameter specified")
		}
	}
	end := min(start+p.Limit, len(all))
	if end < len(all) {
		position = strconv.Itoa(end)
	}
	return all[start:end], position, nil
}

// newAPI returns an empty API with its root resource.
func (s *Service) newAPI() *apiRecord {
	root := newID(10)
	return &apiRecord{
		RestApi:          RestApi{ID: newID(10), CreatedDate: dispatch.Time{Time: s.d.Clock.Now()}, APIKeySource: "HEADER", RootResourceID: root},
		Resources:        map[string]*Resource{root: {ID: root, Path: "/"}},
		Models:           map[string]*Model{},
		Validators:       map[string]*RequestValidator{},
		GatewayResponses: map[string]*GatewayResponse{},
	}
}

func (s *Service) createRestAPI(_ context.Context, in *CreateRestApiInput) (*RestApi, error) {
	if in.Name == "" {
		return nil, badRequest("REST API must have a name")
	}
	record := s.newAPI()
	record.Name, record.Description, record.Version, record.Tags = in.Name, in.Description, in.Version, in.Tags
	record.BinaryMediaTypes, record.DisableExecuteAPIEndpoint = in.BinaryMediaTypes, in.DisableExecuteAPIEndpoint
	if in.MinimumCompressionSize != nil {
		return nil, errNoCompression
	}
	if err := record.setPolicy(in.Policy); err != nil {
		return nil, err
	}
	if err := record.setAPIKeySource(in.APIKeySource); err != nil {
		return nil, err
	}
	if err := record.setEndpoint(in.EndpointConfiguration); err != nil {
		return nil, err
	}
	for _, m := range defaultModels {
		record.Models[m.Name] = &Model{ID: newID(6), Name: m.Name, Description: m.Description, ContentType: "application/json", Schema: m.Schema}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &record.RestApi, s.apis.Put(record.ID, record)
}

var errNoCompression = badRequest("minimumCompressionSize is not emulated: answers are not compressed")

// defaultModels are the models that AWS puts into every API that is made without an import.
var defaultModels = []Model{
	{Name: "Empty", Description: "This is a default empty schema model",
		Schema: "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}"},
	{Name: "Error", Description: "This is a default error schema model",
		Schema: "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}"},
}

func (a *apiRecord) setAPIKeySource(source string) error {
	switch source {
	case "", "HEADER":
		a.APIKeySource = "HEADER"
		return nil
	case "AUTHORIZER":
		return badRequest("apiKeySource AUTHORIZER is not emulated: authorizers are not")
	}
	return invalidValue(source, "createRestApiInput.apiKeySource", "Member must satisfy enum value set: [HEADER, AUTHORIZER]")
}

func (a *apiRecord) setEndpoint(c *EndpointConfiguration) error {
	if c == nil || len(c.Types) == 0 {
		a.EndpointConfiguration = &EndpointConfiguration{Types: []string{"EDGE"}, IPAddressType: "ipv4"}
		return nil
	}
	if len(c.Types) > 1 {
		return badRequest("REST API can have only one endpoint type")
	}
	switch c.Types[0] {
	case "EDGE", "REGIONAL":
	case "PRIVATE":
		return badRequest("endpoint type PRIVATE is not emulated: there are no VPC endpoints")
	default:
		return invalidValue("["+c.Types[0]+"]", "createRestApiInput.endpointConfiguration.types",
			"Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]")
	}
	if len(c.VpcEndpointIDs) > 0 {
		return badRequest("VpcEndpointId can only be associated with PRIVATE endpoint type")
	}
	kept := *c
	if kept.IPAddressType == "" {
		kept.IPAddressType = "ipv4"
	}
	if kept.IPAddressType != "ipv4" && kept.IPAddressType != "dualstack" {
		return invalidValue(kept.IPAddressType, "createRestApiInput.endpointConfiguration.ipAddressType", "Member must satisfy enum value set: [ipv4, dualstack]")
	}
	a.EndpointConfiguration = &kept
	return nil
}

func (s *Service) getRestAPIs(_ context.Context, in *PageInput) (*RestApis, error) {
	var all []*RestApi
	for _, record := range s.apis.All() {
		all = append(all, &record.RestApi)
	}
	slices.SortStableFunc(all, func(a, b *RestApi) int { return a.CreatedDate.Compare(b.CreatedDate.Time) })
	items, position, err := page(all, *in)
	return &RestApis{items, position}, err
}

func (s *Service) updateRestAPI(_ context.Context, in *UpdateRestApiInput) (*RestApi, error) {
	record, err := s.change(in.RestApiID, func(a *apiRecord) error {
		for _, op := range in.PatchOperations {
			if err := a.patch(op); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &record.RestApi, nil
}

func (a *apiRecord) patch(op PatchOperation) error {
	path := patchPath(op.Path)
	switch {
	case len(path) == 1 && op.Op == "replace":
		switch path[0] {
		case "name":
			if op.Value == "" {
				return badRequest("REST API must have a name")
			}
			a.Name = op.Value
			return nil
		case "description":
			a.Description = op.Value
			return nil
		case "apiKeySource":
			return a.setAPIKeySource(op.Value)
		case "disableExecuteApiEndpoint":
			return patchBool(op, &a.DisableExecuteAPIEndpoint)
		case "policy":
			return a.setPolicy(op.Value)
		case "minimumCompressionSize":
			if op.Value == "" {
				return nil
			}
			return errNoCompression
		}
	case len(path) == 2 && path[0] == "binaryMediaTypes":
		switch op.Op {
		case "add":
			if !slices.Contains(a.BinaryMediaTypes, path[1]) {
				a.BinaryMediaTypes = append(a.BinaryMediaTypes, path[1])
			}
			return nil
		case "remove":
			a.BinaryMediaTypes = slices.DeleteFunc(a.BinaryMediaTypes, func(t string) bool { return t == path[1] })
			return nil
		}
	case len(path) == 3 && path[0] == "endpointConfiguration" && path[1] == "types" && op.Op == "replace":
		return a.setEndpoint(&EndpointConfiguration{Types: []string{op.Value}})
	}
	return invalidPatch(op, "/name, /description, /apiKeySource, /disableExecuteApiEndpoint, /policy, /binaryMediaTypes/{type}, /endpointConfiguration/types/{type}")
}

// patchPath splits the JSON Pointer of a patch operation: "~1" in a part is "/", "~0" is "~".
func patchPath(path string) []string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts
}

func patchBool(op PatchOperation, into *bool) error {
	switch strings.ToLower(op.Value) {
	case "true":
		*into = true
	case "false":
		*into = false
	default:
		return badRequest("Invalid patch value specified for %s: '%s'. Must be 'true' or 'false'", op.Path, op.Value)
	}
	return nil
}

func invalidPatch(op PatchOperation, valid string) error {
	switch op.Op {
	case "add", "replace", "remove", "copy", "move", "test":
		return badRequest("Invalid patch path  '%s' specified for op '%s'. Must be one of: [%s]", op.Path, op.Op, valid)
	}
	return invalidValue(op.Op, "patchOperations.1.member.op", "Member must satisfy enum value set: [add, remove, move, test, replace, copy]")
}

func (s *Service) deleteRestAPI(ctx context.Context, in *RestApiInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.api(in.RestApiID); err != nil {
		return nil, err
	}
	if domains := s.mappedIn(in.RestApiID, ""); domains != "" {
		return nil, badRequest("Deleting RestApi %s failed. Please remove all base path mappings related to the RestApi in your domains: %s", in.RestApiID, domains)
	}
	for k, stage := range s.stages.All() {
		if stage.APIID != in.RestApiID {
			continue
		}
		if _, err := s.stages.Delete(k); err != nil {
			return nil, err
		}
		s.publish(ctx, stageKey{stage.APIID, stage.Stage.StageName}, nil)
	}
	for k, deployment := range s.deployments.All() {
		if deployment.APIID != in.RestApiID {
			continue
		}
		if _, err := s.deployments.Delete(k); err != nil {
			return nil, err
		}
		delete(s.plans, k)
	}
	_, err := s.apis.Delete(in.RestApiID)
	return &Empty{}, err
}

func (s *Service) importRestAPI(_ context.Context, in *ImportRestApiInput) (*RestApi, error) {
	record := s.newAPI()
	if err := record.importDocument(in.Body); err != nil {
		return nil, err
	}
	if record.EndpointConfiguration == nil {
		if err := record.setEndpoint(nil); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &record.RestApi, s.apis.Put(record.ID, record)
}

func (s *Service) putRestAPI(_ context.Context, in *PutRestApiInput) (*RestApi, error) {
	switch in.Mode {
	case "overwrite":
	case "", "merge":
		return nil, badRequest("PutRestApi in mode merge is not emulated: use overwrite")
	default:
		return nil, invalidValue(in.Mode, "putRestApiInput.mode", "Member must satisfy enum value set: [overwrite, merge]")
	}
	record, err := s.change(in.RestApiID, func(a *apiRecord) error {
		root := a.RootResourceID
		a.Resources = map[string]*Resource{root: {ID: root, Path: "/"}}
		a.Models, a.Validators, a.GatewayResponses = map[string]*Model{}, map[string]*RequestValidator{}, map[string]*GatewayResponse{}
		a.BinaryMediaTypes, a.Description, a.Version = nil, "", ""
		return a.importDocument(in.Body)
	})
	if err != nil {
		return nil, err
	}
	return &record.RestApi, nil
}
