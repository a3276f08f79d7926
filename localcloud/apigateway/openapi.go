package apigateway

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// importer reads one OpenAPI document into an API. It gathers every problem before it gives up, each with its place. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html.
type importer struct {
	api      *apiRecord
	doc      *jsonvalue.Object
	openapi3 bool
	errors   []string

	validators map[string]string // name in the document → id
	validator  string            // the default one's name
}

func (im *importer) fail(format string, args ...any) {
	im.errors = append(im.errors, fmt.Sprintf(format, args...))
}

// importDocument replaces what an API offers by what an OpenAPI 3.0 or Swagger 2.0 document describes. The API must be
// empty but for its root resource.
func (a *apiRecord) importDocument(text []byte) error {
	doc, err := readDocument(text)
	if err != nil {
		return badRequest("Invalid OpenAPI input. Unable to parse API definition because of a malformed integration at path /: %v", err)
	}
	im := &importer{api: a, doc: doc, validators: map[string]string{}}
	version, _ := doc.Get("openapi")
	swagger, _ := doc.Get("swagger")
	switch v, _ := version.(string); {
	case strings.HasPrefix(v, "3.0"):
		im.openapi3 = true
	case v != "":
		return badRequest("Unsupported OpenAPI version: %s: API Gateway imports 3.0", v)
	case swagger == "2.0" || swagger == jsonvalue.Number("2.0"):
	default:
		return badRequest("Invalid OpenAPI input. It has neither \"openapi\": \"3.0.x\" nor \"swagger\": \"2.0\"")
	}
	im.top()
	im.paths()
	if len(im.errors) > 0 {
		return badRequest("Errors found during import:\n\t%s", strings.Join(im.errors, "\n\t"))
	}
	return nil
}

// readDocument reads JSON, or YAML where the text is not JSON.
func readDocument(text []byte) (*jsonvalue.Object, error) {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 {
		return nil, fmt.Errorf("the document is empty")
	}
	var v any
	var err error
	if trimmed[0] == '{' {
		v, err = jsonvalue.Parse(text)
	} else {
		var node yaml.Node
		if err = yaml.Unmarshal(text, &node); err == nil && len(node.Content) == 1 {
			v, err = fromYAML(node.Content[0])
		}
	}
	if err != nil {
		return nil, err
	}
	doc, ok := v.(*jsonvalue.Object)
	if !ok {
		return nil, fmt.Errorf("the document is not an object")
	}
	return doc, nil
}

func fromYAML(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return nil, fmt.Errorf("line %d: YAML aliases are not read", n.Line)
	case yaml.MappingNode:
		o := jsonvalue.NewObject()
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := fromYAML(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			o.Set(n.Content[i].Value, v)
		}
		return o, nil
	case yaml.SequenceNode:
		a := jsonvalue.NewArray()
		for _, item := range n.Content {
			v, err := fromYAML(item)
			if err != nil {
				return nil, err
			}
			a.Items = append(a.Items, v)
		}
		return a, nil
	}
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return n.Value == "true", nil
	case "!!int", "!!float":
		v, err := jsonvalue.Parse(n.Value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s is not a JSON number", n.Line, n.Value)
		}
		return v, nil
	}
	return n.Value, nil
}

// members yields the members of a part of the document that must be an object.
func (im *importer) object(v any, place string) *jsonvalue.Object {
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		im.fail("%s must be an object", place)
		return jsonvalue.NewObject()
	}
	return o
}

func (im *importer) text(v any, place string) string {
	s, ok := v.(string)
	if !ok {
		im.fail("%s must be a string", place)
	}
	return s
}

func (im *importer) boolean(v any, place string) bool {
	b, ok := v.(bool)
	if !ok {
		im.fail("%s must be true or false", place)
	}
	return b
}

func (im *importer) texts(v any, place string) []string {
	a, ok := v.(*jsonvalue.Array)
	if !ok {
		im.fail("%s must be a list of strings", place)
		return nil
	}
	var list []string
	for i, item := range a.Items {
		list = append(list, im.text(item, fmt.Sprintf("%s[%d]", place, i)))
	}
	return list
}

const extension = "x-amazon-apigateway-"

// unknown refuses extensions that do not exist or are not emulated. Other names are left to other tools.
func (im *importer) unknown(name, place string) {
	if !strings.HasPrefix(name, extension) {
		return
	}
	switch strings.TrimPrefix(name, extension) {
	case "auth", "authorizer", "authtype", "cors", "documentation", "endpoint-access-mode", "importexport-version", "minimum-compression-size",
		"security-policy", "tag-value", "api-key-source":
		im.fail("%s at %s is not emulated", name, place)
	default:
		im.fail("%s at %s is no extension of API Gateway for REST APIs", name, place)
	}
}

// top reads everything but the paths.
func (im *importer) top() {
	a := im.api
	for name, v := range im.doc.All() {
		switch name {
		case "info":
			info := im.object(v, "info")
			for member, v := range info.All() {
				switch member {
				case "title":
					a.Name = im.text(v, "info.title")
				case "description":
					a.Description = im.text(v, "info.description")
				case "version":
					a.Version = im.text(v, "info.version")
				default:
					im.unknown(member, "info")
				}
			}
		case "components":
			for member, v := range im.object(v, "components").All() {
				switch member {
				case "schemas":
					im.models(v, "components.schemas")
				default:
					im.unknown(member, "components")
				}
			}
		case "definitions":
			im.models(v, "definitions")
		case "servers":
			im.servers(v)
		case extension + "request-validators":
			im.requestValidators(v)
		case extension + "request-validator":
			im.validator = im.text(v, name)
		case extension + "gateway-responses":
			im.gatewayResponses(v)
		case extension + "binary-media-types":
			a.BinaryMediaTypes = im.texts(v, name)
		case extension + "policy":
			if err := a.setPolicy(string(jsonvalue.Append(nil, v))); err != nil {
				im.fail("%s: %s", name, message(err))
			}
		case extension + "endpoint-configuration":
			im.endpointConfiguration(v, name)
		case extension + "api-key-source":
			if err := a.setAPIKeySource(im.text(v, name)); err != nil {
				im.fail("%s: %s", name, message(err))
			}
		default:
			im.unknown(name, "the top of the document")
		}
	}
	if a.Name == "" {
		im.fail("info.title: the API must have a title")
	}
	if im.validator != "" && im.validators[im.validator] == "" {
		im.fail("%srequest-validator: there is no request validator '%s'", extension, im.validator)
	}
}

func (im *importer) servers(v any) {
	list, _ := v.(*jsonvalue.Array)
	if list == nil {
		im.fail("servers must be a list")
		return
	}
	for _, server := range list.Items {
		for name, v := range im.object(server, "servers").All() {
			if name == extension+"endpoint-configuration" {
				im.endpointConfiguration(v, "servers."+name)
				continue
			}
			im.unknown(name, "servers")
		}
	}
}

func (im *importer) endpointConfiguration(v any, place string) {
	for name, v := range im.object(v, place).All() {
		switch name {
		case "disableExecuteApiEndpoint":
			im.api.DisableExecuteAPIEndpoint = im.boolean(v, place+"."+name)
		case "vpcEndpointIds":
			im.fail("%s.vpcEndpointIds: VpcEndpointId can only be associated with PRIVATE endpoint type", place)
		default:
			im.fail("%s.%s is not known", place, name)
		}
	}
}

// models reads the schemas. References between them are brought to the form that the API shows.
func (im *importer) models(v any, place string) {
	var models []*Model
	for name, schema := range im.object(v, place).All() {
		if !modelNamePattern.MatchString(name) {
			im.fail("Unable to create model '%s': Model name must be alphanumeric: %s", name, name)
			continue
		}
		models = append(models, im.model(name, schema))
	}
	if err := im.api.putModels(models); err != nil {
		im.fail("%s: %s", place, message(err))
	}
}

func (im *importer) model(name string, schema any) *Model {
	shown := jsonvalue.Clone(schema)
	im.references(shown)
	m := &Model{ID: newID(6), Name: name, ContentType: "application/json", Schema: string(jsonvalue.Append(nil, shown))}
	if o, ok := schema.(*jsonvalue.Object); ok {
		if description, ok := o.Get("description"); ok {
			m.Description, _ = description.(string)
		}
	}
	return m
}

func (im *importer) references(v any) {
	switch v := v.(type) {
	case *jsonvalue.Object:
		if ref, ok := v.Get("$ref"); ok {
			if text, ok := ref.(string); ok {
				if name := referredModel(text); name != "" {
					v.Set("$ref", "https://apigateway.amazonaws.com/restapis/"+im.api.ID+"/models/"+name)
				}
			}
		}
		for _, member := range v.All() {
			im.references(member)
		}
	case *jsonvalue.Array:
		for _, item := range v.Items {
			im.references(item)
		}
	}
}

func (im *importer) requestValidators(v any) {
	for name, v := range im.object(v, extension+"request-validators").All() {
		place := extension + "request-validators." + name
		validator := &RequestValidator{ID: newID(6), Name: name}
		for member, v := range im.object(v, place).All() {
			switch member {
			case "validateRequestBody":
				validator.ValidateRequestBody = im.boolean(v, place+"."+member)
			case "validateRequestParameters":
				validator.ValidateRequestParameters = im.boolean(v, place+"."+member)
			default:
				im.fail("%s.%s is not known", place, member)
			}
		}
		im.api.Validators[validator.ID] = validator
		im.validators[name] = validator.ID
	}
}

func (im *importer) gatewayResponses(v any) {
	for name, v := range im.object(v, extension+"gateway-responses").All() {
		place := extension + "gateway-responses." + name
		r := &GatewayResponse{ResponseType: name, ResponseParameters: map[string]string{}, ResponseTemplates: map[string]string{}}
		for member, v := range im.object(v, place).All() {
			switch member {
			case "statusCode":
				r.StatusCode = im.numberOrText(v, place+"."+member)
			case "responseParameters":
				for target, from := range im.object(v, place+"."+member).All() {
					r.ResponseParameters[target] = im.text(from, place+"."+member+"."+target)
				}
			case "responseTemplates":
				for mediaType, template := range im.object(v, place+"."+member).All() {
					r.ResponseTemplates[mediaType] = im.text(template, place+"."+member+"."+mediaType)
				}
			default:
				im.fail("%s.%s is not known", place, member)
			}
		}
		if err := im.api.putGatewayResponse(r); err != nil {
			im.fail("%s: %s", place, message(err))
		}
	}
}

// numberOrText reads what documents write as "400" or 400.
func (im *importer) numberOrText(v any, place string) string {
	if n, ok := v.(jsonvalue.Number); ok {
		return string(n)
	}
	return im.text(v, place)
}
