package schemas_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/schemas"
	"github.com/carepath/carepath/localcloud/store"
)

type members = map[string]any

func TestSchemasAndTheirVersions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	var d *dispatch.Dispatcher
	var s *store.Store
	now := clock.NewDriven(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	open := func() {
		t.Helper()
		var err error
		if s, err = store.Open(file); err != nil {
			t.Fatal(err)
		}
		d = dispatch.New(now, "000000000000", "us-east-1")
		if _, err := schemas.New(d, s); err != nil {
			t.Fatal(err)
		}
	}
	try := func(action string, in members) (any, error) {
		return d.Do(t.Context(), d.Root(), "schemas", action, in)
	}
	do := func(action string, in members) any {
		t.Helper()
		out, err := try(action, in)
		if err != nil {
			t.Fatalf("%s: %v", action, err)
		}
		return out
	}
	refused := func(code, says, action string, in members) {
		t.Helper()
		if _, err := try(action, in); err == nil || dispatch.AsError(err).Code != code || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s with %q", action, err, code, says)
		}
	}
	open()
	name := members{"RegistryName": "changes", "SchemaName": "a@Changed"}
	with := func(more members) members {
		all := members{}
		for k, v := range name {
			all[k] = v
		}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	const first, second = `{"$schema":"http://json-schema.org/draft-04/schema#","type":"object"}`, `{"$schema":"http://json-schema.org/draft-04/schema#","type":"array"}`
	refused("NotFoundException", "Registry", "CreateSchema", with(members{"Type": "JSONSchemaDraft4", "Content": first}))
	do("CreateRegistry", members{"RegistryName": "changes", "Description": "of resources", "tags": members{"a": "1"}})
	refused("ConflictException", "exists", "CreateRegistry", members{"RegistryName": "changes"})
	refused("BadRequestException", "aws.", "CreateRegistry", members{"RegistryName": "aws.changes"})
	refused("BadRequestException", "Type", "CreateSchema", with(members{"Type": "Avro", "Content": first}))
	refused("BadRequestException", "JSON object", "CreateSchema", with(members{"Type": "OpenApi3", "Content": "openapi: 3.0.0"}))
	refused("BadRequestException", "OpenAPI 3", "CreateSchema", with(members{"Type": "OpenApi3", "Content": first}))
	refused("BadRequestException", "draft 4", "CreateSchema", with(members{"Type": "JSONSchemaDraft4", "Content": `{"$schema":"https://json-schema.org/draft/2020-12/schema"}`}))
	do("CreateSchema", with(members{"Type": "JSONSchemaDraft4", "Content": first}))
	refused("ConflictException", "exists", "CreateSchema", with(members{"Type": "JSONSchemaDraft4", "Content": first}))
	now.Advance(time.Hour)
	if out := do("UpdateSchema", with(members{"Content": first, "Description": "same"})).(*schemas.SchemaOutput); out.SchemaVersion != "1" || out.VersionCreatedDate != "2026-01-01T00:00:00Z" {
		t.Errorf("%+v", out)
	}
	do("UpdateSchema", with(members{"Content": second}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open()
	defer s.Close()
	latest := do("DescribeSchema", name).(*schemas.SchemaOutput)
	if latest.SchemaVersion != "2" || latest.Content != second || latest.Description != "same" || latest.LastModified != "2026-01-01T01:00:00Z" ||
		latest.SchemaArn != "arn:aws:schemas:us-east-1:000000000000:schema/changes/a@Changed" {
		t.Errorf("%+v", latest)
	}
	if out := do("DescribeSchema", with(members{"SchemaVersion": "1"})).(*schemas.SchemaOutput); out.Content != first {
		t.Errorf("%+v", out)
	}
	refused("NotFoundException", "Version 3", "DescribeSchema", with(members{"SchemaVersion": "3"}))
	if out := do("ListSchemaVersions", name).(*schemas.ListSchemaVersionsOutput); len(out.SchemaVersions) != 2 {
		t.Errorf("%+v", out)
	}
	if out := do("ListSchemas", members{"RegistryName": "changes"}).(*schemas.ListSchemasOutput); len(out.Schemas) != 1 || out.Schemas[0].VersionCount != 2 {
		t.Errorf("%+v", out)
	}
	for _, arn := range []string{latest.SchemaArn, "arn:aws:schemas:us-east-1:000000000000:registry/changes"} {
		do("TagResource", members{"ResourceArn": arn, "tags": members{"b": "2"}})
		do("UntagResource", members{"ResourceArn": arn, "TagKeys": []string{"a"}})
		if out := do("ListTagsForResource", members{"ResourceArn": arn}).(*schemas.TagsOutput); len(out.Tags) != 1 || out.Tags["b"] != "2" {
			t.Errorf("%s: %v", arn, out.Tags)
		}
	}
	do("DeleteSchemaVersion", with(members{"SchemaVersion": "2"}))
	refused("BadRequestException", "only version", "DeleteSchemaVersion", with(members{"SchemaVersion": "1"}))
	refused("BadRequestException", "still has", "DeleteRegistry", members{"RegistryName": "changes"})
	do("DeleteSchema", name)
	if out := do("ListRegistries", members{}).(*schemas.ListRegistriesOutput); len(out.Registries) != 1 {
		t.Errorf("%+v", out)
	}
	do("DeleteRegistry", members{"RegistryName": "changes"})
	refused("NotFoundException", "Registry", "DescribeRegistry", members{"RegistryName": "changes"})
}
