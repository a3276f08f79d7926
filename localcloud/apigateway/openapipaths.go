package apigateway

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// message is an error's text without its code, as import errors quote it.
func message(err error) string {
	var e *dispatch.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

var operations = map[string]string{"get": "GET", "post": "POST", "put": "PUT", "delete": "DELETE", "head": "HEAD", "patch": "PATCH", "options": "OPTIONS",
	extension + "any-method": "ANY"}

func (im *importer) paths() {
	v, ok := im.doc.Get("paths")
	if !ok {
		return
	}
	for path, item := range im.object(v, "paths").All() {
		if !strings.HasPrefix(path, "/") {
			if !strings.HasPrefix(path, "x-") {
				im.fail("paths: '%s' must begin with '/'", path)
			}
			im.unknown(path, "paths")
			continue
		}
		r, err := im.resource(path)
		if err != nil {
			im.fail("Unable to create resource at path '%s': %s", path, message(err))
			continue
		}
		object := im.object(item, "paths."+path)
		var shared []any
		if list, ok := object.Get("parameters"); ok {
			if a, ok := list.(*jsonvalue.Array); ok {
				shared = a.Items
			}
		}
		for name, v := range object.All() {
			if method, ok := operations[name]; ok {
				im.operation(r, method, im.object(v, "paths."+path+"."+name), shared)
				continue
			}
			switch name {
			case "parameters", "summary", "description", "servers":
			case "trace", "$ref":
				im.fail("Unable to import '%s' at path '%s': API Gateway does not have it", name, path)
			default:
				im.unknown(name, "path '"+path+"'")
			}
		}
	}
}

// resource returns the resource of a path and makes those above it.
func (im *importer) resource(path string) (*Resource, error) {
	r := im.api.Resources[im.api.RootResourceID]
	path = strings.Trim(path, "/")
	if path == "" {
		return r, nil
	}
	for part := range strings.SplitSeq(path, "/") {
		child, _, err := im.api.addResource(r, part)
		if err != nil {
			return nil, err
		}
		r = child
	}
	return r, nil
}

// deref follows a reference within the document.
func (im *importer) deref(v any, place string) *jsonvalue.Object {
	o := im.object(v, place)
	ref, ok := o.Get("$ref")
	if !ok {
		return o
	}
	pointer, ok := strings.CutPrefix(im.text(ref, place+".$ref"), "#/")
	if !ok {
		im.fail("%s.$ref must point into the document", place)
		return jsonvalue.NewObject()
	}
	var at any = im.doc
	for _, part := range patchPath("/" + pointer) {
		object, _ := at.(*jsonvalue.Object)
		if at, ok = object.Get(part); !ok {
			im.fail("%s.$ref: there is nothing at %s", place, pointer)
			return jsonvalue.NewObject()
		}
	}
	return im.object(at, place)
}

func (im *importer) operation(r *Resource, httpMethod string, o *jsonvalue.Object, shared []any) {
	place := fmt.Sprintf("method '%s' of path '%s'", httpMethod, r.Path)
	m := &Method{HTTPMethod: httpMethod, AuthorizationType: "NONE", RequestParameters: map[string]bool{}, RequestModels: map[string]string{}}
	m.RequestValidatorID = im.validators[im.validator]
	parameters := append([]any{}, shared...)
	var responses, integration *jsonvalue.Object
	security, secured := im.doc.Get("security")
	for name, v := range o.All() {
		switch name {
		case "operationId":
			m.OperationName = im.text(v, place+": operationId")
		case "parameters":
			if list, ok := v.(*jsonvalue.Array); ok {
				parameters = append(parameters, list.Items...)
			} else {
				im.fail("%s: parameters must be a list", place)
			}
		case "requestBody":
			im.requestBody(m, im.deref(v, place+": requestBody"), place)
		case "responses":
			responses = im.object(v, place+": responses")
		case "security":
			security, secured = v, true
		case extension + "integration":
			integration = im.object(v, place+": "+name)
		case extension + "request-validator":
			validator := im.text(v, place+": "+name)
			if m.RequestValidatorID = im.validators[validator]; m.RequestValidatorID == "" {
				im.fail("Unable to put method '%s' on resource at path '%s': there is no request validator '%s'", httpMethod, r.Path, validator)
			}
		default:
			im.unknown(name, place)
		}
	}
	for _, p := range parameters {
		im.parameter(m, im.deref(p, place+": parameters"), place)
	}
	if list, ok := security.(*jsonvalue.Array); secured && ok && list.Len() > 0 {
		im.fail("%s: security is not emulated: there are no authorizers, no API keys and no IAM authorization", place)
	}
	if err := im.api.putMethod(r, m); err != nil {
		im.fail("Unable to put method '%s' on resource at path '%s': %s", httpMethod, r.Path, message(err))
		return
	}
	for status, v := range responses.All() {
		if status == "default" || strings.HasPrefix(status, "x-") {
			continue // API Gateway declares statuses one by one
		}
		response := im.methodResponse(status, im.deref(v, place+": responses."+status), place)
		if err := im.api.putMethodResponse(m, response); err != nil {
			im.fail("Unable to put method response '%s' on method '%s' for resource at path '%s': %s", status, httpMethod, r.Path, message(err))
		}
	}
	if integration == nil {
		return
	}
	im.integration(r, m, integration, place)
}

func (im *importer) parameter(m *Method, p *jsonvalue.Object, place string) {
	in, _ := p.Get("in")
	name, _ := p.Get("name")
	required, _ := p.Get("required")
	isRequired, _ := required.(bool)
	text, ok := name.(string)
	if !ok {
		im.fail("%s: a parameter must have a name", place)
		return
	}
	switch in {
	case "header", "path":
		m.RequestParameters["method.request."+in.(string)+"."+text] = isRequired
	case "query":
		m.RequestParameters["method.request.querystring."+text] = isRequired
	case "body":
		schema, _ := p.Get("schema")
		m.RequestModels["application/json"] = im.modelOf(schema, place+": parameter "+text)
	case "formData", "cookie":
		// API Gateway has no such parameters and leaves them out.
	default:
		im.fail("%s: parameter %s: in must be header, path, query or body", place, text)
	}
}

func (im *importer) requestBody(m *Method, body *jsonvalue.Object, place string) {
	content, ok := body.Get("content")
	if !ok {
		return
	}
	for mediaType, v := range im.object(content, place+": requestBody.content").All() {
		schema, ok := im.object(v, place+": requestBody.content."+mediaType).Get("schema")
		if ok {
			m.RequestModels[mediaType] = im.modelOf(schema, place+": requestBody.content."+mediaType)
		}
	}
}

// modelOf returns the name of the model that a schema refers to. A schema that stands in place becomes a model with a
// name of its own, as on AWS.
func (im *importer) modelOf(schema any, place string) string {
	o := im.object(schema, place+".schema")
	if ref, ok := o.Get("$ref"); ok {
		text, _ := ref.(string)
		if name := referredModel(text); name != "" {
			return name
		}
		im.fail("%s: $ref must name a schema of the document", place)
		return ""
	}
	m := im.model("MODEL"+newID(6), o)
	if err := im.api.putModels([]*Model{m}); err != nil {
		im.fail("%s: %s", place, message(err))
	}
	return m.Name
}

func (im *importer) methodResponse(status string, o *jsonvalue.Object, place string) *MethodResponse {
	r := &MethodResponse{StatusCode: status, ResponseParameters: map[string]bool{}, ResponseModels: map[string]string{}}
	place += ": responses." + status
	if headers, ok := o.Get("headers"); ok {
		for name := range im.object(headers, place+".headers").All() {
			r.ResponseParameters["method.response.header."+name] = false
		}
	}
	if content, ok := o.Get("content"); ok {
		for mediaType, v := range im.object(content, place+".content").All() {
			if schema, ok := im.object(v, place+".content."+mediaType).Get("schema"); ok {
				r.ResponseModels[mediaType] = im.modelOf(schema, place+".content."+mediaType)
			}
		}
	}
	if schema, ok := o.Get("schema"); ok && !im.openapi3 {
		r.ResponseModels["application/json"] = im.modelOf(schema, place)
	}
	return r
}

func (im *importer) integration(r *Resource, m *Method, o *jsonvalue.Object, place string) {
	place += ": " + extension + "integration"
	i := &Integration{RequestParameters: map[string]string{}, RequestTemplates: map[string]*string{}}
	var responses *jsonvalue.Object
	for name, v := range o.All() {
		at := place + "." + name
		switch name {
		case "type":
			i.Type = strings.ToUpper(im.text(v, at))
		case "httpMethod":
			i.HTTPMethod = strings.ToUpper(im.text(v, at))
		case "uri":
			i.URI = im.text(v, at)
		case "credentials":
			i.Credentials = im.text(v, at)
		case "connectionType":
			i.ConnectionType = strings.ToUpper(im.text(v, at))
		case "connectionId":
			i.ConnectionID = im.text(v, at)
		case "passthroughBehavior":
			i.PassthroughBehavior = strings.ToUpper(im.text(v, at))
		case "contentHandling":
			i.ContentHandling = strings.ToUpper(im.text(v, at))
		case "cacheNamespace":
			i.CacheNamespace = im.text(v, at)
		case "cacheKeyParameters":
			i.CacheKeyParameters = im.texts(v, at)
		case "timeoutInMillis":
			n, _ := v.(jsonvalue.Number)
			ms, ok := n.Int64()
			if !ok {
				im.fail("%s must be an integer", at)
			}
			i.TimeoutInMillis = int(ms)
		case "requestParameters":
			i.RequestParameters = im.textMap(v, at)
		case "requestTemplates":
			i.RequestTemplates = im.templates(v, at)
		case "responses":
			responses = im.object(v, at)
		default:
			im.fail("%s is not known or not emulated", at)
		}
	}
	if err := m.putIntegration(r.ID, i); err != nil {
		im.fail("Unable to put integration on '%s' for resource at path '%s': %s", m.HTTPMethod, r.Path, message(err))
		return
	}
	for _, pattern := range inOrder(responses) {
		v, _ := responses.Get(pattern)
		response := im.integrationResponse(pattern, im.object(v, place+".responses."+pattern), place+".responses."+pattern)
		if _, taken := i.IntegrationResponses[response.StatusCode]; taken {
			im.fail("Unable to put integration response on '%s' for resource at path '%s': a second selection pattern, '%s', has statusCode %s: API Gateway keeps one per status",
				m.HTTPMethod, r.Path, pattern, response.StatusCode)
			continue
		}
		if err := m.putIntegrationResponse(response); err != nil {
			im.fail("Unable to put integration response on '%s' for resource at path '%s': %s", m.HTTPMethod, r.Path, message(err))
		}
	}
}

func inOrder(o *jsonvalue.Object) []string {
	var names []string
	for name := range o.All() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (im *importer) integrationResponse(pattern string, o *jsonvalue.Object, place string) *IntegrationResponse {
	r := &IntegrationResponse{}
	if pattern != "default" {
		r.SelectionPattern = &pattern
	}
	for name, v := range o.All() {
		at := place + "." + name
		switch name {
		case "statusCode":
			r.StatusCode = im.numberOrText(v, at)
		case "responseParameters":
			r.ResponseParameters = im.textMap(v, at)
		case "responseTemplates":
			r.ResponseTemplates = im.templates(v, at)
		case "contentHandling":
			r.ContentHandling = strings.ToUpper(im.text(v, at))
		default:
			im.fail("%s is not known or not emulated", at)
		}
	}
	return r
}

func (im *importer) textMap(v any, place string) map[string]string {
	texts := map[string]string{}
	for name, v := range im.object(v, place).All() {
		texts[name] = im.text(v, place+"."+name)
	}
	return texts
}

func (im *importer) templates(v any, place string) map[string]*string {
	templates := map[string]*string{}
	for mediaType, v := range im.object(v, place).All() {
		if v == nil {
			templates[mediaType] = nil
			continue
		}
		text := im.text(v, place+"."+mediaType)
		templates[mediaType] = &text
	}
	return templates
}
