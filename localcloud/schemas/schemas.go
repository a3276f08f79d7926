// Package schemas is the Amazon EventBridge schema registry in the embedded AWS: registries, and schemas with their versions.
// Schemas are kept and not used: nothing is discovered, searched, or turned into code, and events are not held against them.
//
// https://docs.aws.amazon.com/eventbridge/latest/schema-reference/
package schemas

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// registry is a registry as the store keeps it.
type registry struct {
	Name, Description string
	Tags              map[string]string
}

// schema is a schema as the store keeps it. Records are not changed once they are stored, only replaced.
type schema struct {
	Registry, Name, Description string
	Modified                    time.Time
	Versions                    []version // the oldest first
	Last                        int       // number of the latest version that there ever was
	Tags                        map[string]string
}

type version struct {
	Number        int
	Type, Content string
	Created       time.Time
}

func (r *schema) key() string { return r.Registry + "/" + r.Name }

// Service is the emulated schema registry. Make it with New.
type Service struct {
	d          *dispatch.Dispatcher
	registries *store.Table[registry]
	schemas    *store.Table[schema] // by registry/name

	mu sync.Mutex // held while a record is changed
}

// New returns the service with its operations registered at d and its schemas kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d}
	var err error
	if svc.registries, err = store.NewTable[registry](s, "schemas/registries"); err != nil {
		return nil, fmt.Errorf("opening the schema registries: %w", err)
	}
	if svc.schemas, err = store.NewTable[schema](s, "schemas/schemas"); err != nil {
		return nil, fmt.Errorf("opening the schemas: %w", err)
	}
	svc.register()
	return svc, nil
}

func (s *Service) registryARN(name string) string { return s.d.ARN("schemas", "registry/"+name) }

func (s *Service) schemaARN(registry, name string) string {
	return s.d.ARN("schemas", "schema/"+registry+"/"+name)
}

func on[In any](f func(in *In) string) dispatch.Permits[In] {
	return dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{f(in)} })
}

func (s *Service) register() {
	op := func(action, method, path string, status int, query ...string) dispatch.Operation {
		b := &dispatch.HTTPBinding{Method: method, Path: path, Status: status, Query: map[string]string{}}
		for i := 0; i < len(query); i += 2 {
			b.Query[query[i]] = query[i+1]
		}
		return dispatch.Operation{Service: "schemas", Action: action, HTTP: b}
	}
	const oneRegistry, tags = "/v1/registries/name/{RegistryName}", "/tags/{ResourceArn}"
	const all, one = oneRegistry + "/schemas", oneRegistry + "/schemas/name/{SchemaName}"
	written := on(func(in *RegistryInput) string { return s.registryARN(in.RegistryName) })
	named := on(func(in *RegistryNameInput) string { return s.registryARN(in.RegistryName) })
	of := on(func(in *SchemaNameInput) string { return s.schemaARN(in.RegistryName, in.SchemaName) })
	dispatch.Register(s.d, op("CreateRegistry", "POST", oneRegistry, 201), written, s.createRegistry)
	dispatch.Register(s.d, op("UpdateRegistry", "PUT", oneRegistry, 200), written, s.updateRegistry)
	dispatch.Register(s.d, op("DescribeRegistry", "GET", oneRegistry, 200), named, s.describeRegistry)
	dispatch.Register(s.d, op("DeleteRegistry", "DELETE", oneRegistry, 204), named, s.deleteRegistry)
	dispatch.Register(s.d, op("ListRegistries", "GET", "/v1/registries", 200, "registryNamePrefix", "RegistryNamePrefix", "scope", "Scope", "limit", "Limit", "nextToken", "NextToken"),
		on(func(*ListRegistriesInput) string { return s.registryARN("*") }), s.listRegistries)
	dispatch.Register(s.d, op("CreateSchema", "POST", one, 201), on(func(in *CreateSchemaInput) string { return s.schemaARN(in.RegistryName, in.SchemaName) }), s.createSchema)
	dispatch.Register(s.d, op("UpdateSchema", "PUT", one, 200), on(func(in *UpdateSchemaInput) string { return s.schemaARN(in.RegistryName, in.SchemaName) }), s.updateSchema)
	dispatch.Register(s.d, op("DescribeSchema", "GET", one, 200, "schemaVersion", "SchemaVersion"), of, s.describeSchema)
	dispatch.Register(s.d, op("DeleteSchema", "DELETE", one, 204), of, s.deleteSchema)
	dispatch.Register(s.d, op("DeleteSchemaVersion", "DELETE", one+"/version/{SchemaVersion}", 204), of, s.deleteVersion)
	dispatch.Register(s.d, op("ListSchemas", "GET", all, 200, "schemaNamePrefix", "SchemaNamePrefix", "limit", "Limit", "nextToken", "NextToken"),
		on(func(in *ListSchemasInput) string { return s.schemaARN(in.RegistryName, "*") }), s.listSchemas)
	dispatch.Register(s.d, op("ListSchemaVersions", "GET", one+"/versions", 200),
		on(func(in *ListSchemaVersionsInput) string { return s.schemaARN(in.RegistryName, in.SchemaName) }), s.listVersions)
	dispatch.Register(s.d, op("TagResource", "POST", tags, 204), on(func(in *TagResourceInput) string { return in.ResourceArn }), s.tag)
	dispatch.Register(s.d, op("UntagResource", "DELETE", tags, 204, "tagKeys", "TagKeys"), on(func(in *UntagResourceInput) string { return in.ResourceArn }), s.untag)
	dispatch.Register(s.d, op("ListTagsForResource", "GET", tags, 200), on(func(in *ResourceInput) string { return in.ResourceArn }), s.listTags)
}

func refuse(code string, status int, format string, args ...any) error {
	return &dispatch.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

func bad(format string, args ...any) error {
	return refuse("BadRequestException", 400, format, args...)
}

func (s *Service) registry(name string) (registry, error) {
	r, ok := s.registries.Get(name)
	if !ok {
		return r, refuse("NotFoundException", 404, "Registry with name %s does not exist.", name)
	}
	return r, nil
}

func (s *Service) schema(registry, name string) (schema, error) {
	if _, err := s.registry(registry); err != nil {
		return schema{}, err
	}
	r, ok := s.schemas.Get(registry + "/" + name)
	if !ok {
		return r, refuse("NotFoundException", 404, "Schema with name %s does not exist.", name)
	}
	return r, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (s *Service) now() time.Time { return s.d.Clock.Now().UTC().Truncate(time.Second) }

// named splits the ARN of a registry or schema; a schema's name has its registry's before it.
func (s *Service) named(arn string) (kind, name string, err error) {
	kind, name, ok := strings.Cut(strings.TrimPrefix(arn, s.d.ARN("schemas", "")), "/")
	if !ok || kind != "registry" && kind != "schema" {
		return "", "", bad("%s is not the ARN of a registry or a schema.", arn)
	}
	return kind, name, nil
}
