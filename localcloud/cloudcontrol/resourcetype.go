package cloudcontrol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// resourceType is a type of resource: its schema, and the handlers, which call the type's service as the caller. The error of a
// handler for a resource that is not there is NotFound.
type resourceType struct {
	*schema
	service string // as errors name it
	create  func(ctx context.Context, by dispatch.Principal, p properties, requestToken string) (id string, err error)
	read    func(ctx context.Context, by dispatch.Principal, id string) (properties, error)
	update  func(ctx context.Context, by dispatch.Principal, id string, before, after properties) error
	remove  func(ctx context.Context, by dispatch.Principal, id string) error
	list    func(ctx context.Context, by dispatch.Principal, in *ListResourcesInput) (items []listed, next string, err error)
	ready   func(p properties) bool // whether a resource that was made is ready; nil: at once
}

// listed is a resource that a list handler found.
type listed struct {
	id string
	properties
}

// schemas are the parts of the types' schemas that say what may be given, and what may be changed.
var schemas = map[string]string{datastoreType: datastoreSchema, apiMappingType: apiMappingSchema}

// Types are the names of the resource types that are emulated, sorted.
func Types() []string {
	names := []string{datastoreType, apiMappingType}
	slices.Sort(names)
	return names
}

// Schema is the CloudFormation schema of a type, as far as it says which properties there are and which may be changed; "" if
// the type is not emulated. See https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html.
func Schema(typeName string) string { return schemas[typeName] }

// schema is a type's schema.
type schema struct {
	TypeName             string
	Properties           map[string]any
	Required             []string
	CreateOnlyProperties []string
	ReadOnlyProperties   []string
	PrimaryIdentifier    []string
}

func parseSchema(text string) (*schema, error) {
	t := &schema{}
	if err := json.Unmarshal([]byte(text), t); err != nil {
		return nil, fmt.Errorf("reading the schema of a resource type: %w", err)
	}
	return t, nil
}

func (t *schema) readOnly(name string) bool {
	return slices.Contains(t.ReadOnlyProperties, "/properties/"+name)
}

func (t *schema) createOnly(name string) bool {
	return slices.Contains(t.CreateOnlyProperties, "/properties/"+name)
}

func (t *schema) has(name string) bool { _, is := t.Properties[name]; return is }

// identify brings an identifier, which may be a JSON object of the type's identifying properties, into the form of a text.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
func (t *schema) identify(id string) (string, error) {
	invalid := dispatch.Errorf("ValidationException", "Identifier %s is not valid for identifier [%s]", id, strings.Join(t.PrimaryIdentifier, ", "))
	parts := strings.Split(id, "|")
	if strings.HasPrefix(id, "{") {
		var given map[string]string
		if err := json.Unmarshal([]byte(id), &given); err != nil {
			return "", invalid
		}
		parts = parts[:0]
		for _, p := range t.PrimaryIdentifier {
			parts = append(parts, given[strings.TrimPrefix(p, "/properties/")])
		}
	}
	if len(parts) != len(t.PrimaryIdentifier) || slices.Contains(parts, "") {
		return "", invalid
	}
	return strings.Join(parts, "|"), nil
}

// properties are a resource's properties.
type properties map[string]any

// text writes the properties, sorted by name.
func (p properties) text() (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("writing the properties of a resource: %w", err)
	}
	return string(text), nil
}

// parse reads a JSON object, and refuses properties that the type does not have and those that only AWS sets.
func (t *schema) parse(text string) (properties, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var p properties
	if err := dec.Decode(&p); err != nil || p == nil {
		return nil, refuse("InvalidRequest", "Model validation failed: the desired state is not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("InvalidRequest", "Model validation failed: there is more after the desired state")
	}
	for name := range p {
		if t.readOnly(name) {
			return nil, refuse("InvalidRequest", "Invalid request provided: Encountered unsupported read-only property %s", name)
		}
		if !t.has(name) {
			return nil, t.extraneous(name)
		}
	}
	return p, t.complete(p)
}

func (t *schema) extraneous(name string) error {
	return refuse("InvalidRequest", "Model validation failed (#: extraneous key [%s] is not permitted)", name)
}

// complete refuses properties that lack a required one.
func (t *schema) complete(p properties) error {
	for _, name := range t.Required {
		if p[name] == nil {
			return refuse("InvalidRequest", "Model validation failed (#: required key [%s] not found)", name)
		}
	}
	return nil
}

// patchOperation is one of a patch document: only whole properties are patched, and the elements of Tags.
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patch applies a patch document to a resource's properties. One that would change what can be set at creation only is refused.
func (t *schema) patch(before properties, document string) (after properties, err error) {
	var operations []patchOperation
	if err := json.Unmarshal([]byte(document), &operations); err != nil {
		return nil, refuse("InvalidRequest", "The patch document is not a JSON Patch.")
	}
	text, err := before.text()
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &after); err != nil {
		return nil, err
	}
	var immutable []string
	for _, o := range operations {
		name, below, nested := strings.Cut(strings.TrimPrefix(o.Path, "/"), "/")
		switch same := !nested && o.Op != "remove" && reflect.DeepEqual(after[name], o.Value); {
		case t.readOnly(name):
			return nil, refuse("InvalidRequest", "Invalid patch update: the property /properties/%s is read-only", name)
		case !t.has(name):
			return nil, t.extraneous(name)
		case o.Op == "test":
			if !same {
				return nil, refuse("InvalidRequest", "Invalid patch update: the test of %s fails", o.Path)
			}
		case t.createOnly(name):
			if !same && (nested || o.Op != "remove" || after[name] != nil) {
				immutable = append(immutable, "/properties/"+name)
			}
		default:
			if err := after.apply(name, below, nested, o); err != nil {
				return nil, err
			}
		}
	}
	if len(immutable) > 0 {
		return nil, refuse("NotUpdatable", "Invalid patch update: createOnlyProperties %s cannot be updated", immutable)
	}
	return after, t.complete(after)
}

func (p properties) apply(name, below string, nested bool, o patchOperation) error {
	tags, isList := p[name].([]any)
	switch {
	case !nested && (o.Op == "add" || o.Op == "replace"):
		p[name] = o.Value
	case !nested && o.Op == "remove":
		delete(p, name)
	case below == "-" && o.Op == "add" && (isList || p[name] == nil):
		p[name] = append(tags, o.Value)
	default:
		return refuse("InvalidRequest", "the embedded AWS does not emulate the patch operation %s of %s: replace the whole property", o.Op, o.Path)
	}
	return nil
}
