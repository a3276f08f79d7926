package provider

import (
	"context"
	"fmt"
	"strings"
)

func schemasTypes() []*resourceType { return []*resourceType{registryType(), schemaType()} }

const schemasNameSays = "letters, digits, dots, hyphens, underscores and at signs"

func retagSchemas(ctx context.Context, c *call, ch *change) error {
	return ch.retag(ctx, c, "schemas", "ResourceArn", ch.old["arn"], "TagKeys", "tags", nil)
}

func registryType() *resourceType {
	r := &resourceType{
		token: "aws:schemas/registry:Registry",
		properties: append(tagProperties(),
			text("arn").output(),
			text("description").length(0, 256),
			text("name").orChosen().replaces().length(1, 64).matching(`^[.\-_A-Za-z0-9]+$`, "letters, digits, dots, hyphens and underscores"),
		),
		naming: &naming{property: "name", maxLength: 64},
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{"tags": in["tagsAll"]}, "name", "RegistryName", "description", "Description")
		_, err := c.do(ctx, "schemas", "CreateRegistry", req)
		return in.text("name"), err
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		out, err := c.do(ctx, "schemas", "DescribeRegistry", props{"RegistryName": id})
		if err != nil {
			return nil, err
		}
		return out.copied(props{}, "RegistryArn", "arn", "RegistryName", "name", "Description", "description", "tags", "tagsAll"), nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("description") {
			if _, err := c.do(ctx, "schemas", "UpdateRegistry", props{"RegistryName": ch.id, "Description": ch.wanted.text("description")}); err != nil {
				return err
			}
		}
		return retagSchemas(ctx, c, ch)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "schemas", "DeleteRegistry", props{"RegistryName": id})
		return err
	}
	return r
}

func schemaType() *resourceType {
	r := &resourceType{
		token: "aws:schemas/schema:Schema",
		properties: append(tagProperties(),
			text("arn").output(),
			jsonText("content").needed(),
			text("description").length(0, 256),
			text("lastModified").output().changesWith(),
			text("name").orChosen().replaces().length(1, 385).matching(`^[.\-_A-Za-z@0-9]+$`, schemasNameSays),
			text("registryName").needed().replaces(),
			text("type").needed().oneOf("OpenApi3", "JSONSchemaDraft4"),
			text("version").output().changesWith("content", "type"), text("versionCreatedDate").output().changesWith("content", "type"),
		),
		naming: &naming{property: "name", maxLength: 385},
	}
	// schema names what an id says: <name>/<registry>.
	schema := func(id string) (props, error) {
		name, registry, ok := strings.Cut(id, "/")
		if !ok || name == "" || registry == "" {
			return nil, fmt.Errorf("unexpected format for ID (%s), expected SCHEMA_NAME/REGISTRY_NAME", id)
		}
		return props{"SchemaName": name, "RegistryName": registry}, nil
	}
	settings := []string{"content", "Content", "type", "Type", "description", "Description"}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{"tags": in["tagsAll"]}, "name", "SchemaName", "registryName", "RegistryName")
		_, err := c.do(ctx, "schemas", "CreateSchema", in.copied(req, settings...))
		return in.text("name") + "/" + in.text("registryName"), err
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		req, err := schema(id)
		if err != nil {
			return nil, err
		}
		out, err := c.do(ctx, "schemas", "DescribeSchema", req)
		if err != nil {
			return nil, err
		}
		live := out.copied(props{"registryName": req["RegistryName"]}, reversed(settings)...)
		return out.copied(live, "SchemaArn", "arn", "SchemaName", "name", "LastModified", "lastModified", "SchemaVersion", "version",
			"VersionCreatedDate", "versionCreatedDate", "tags", "tagsAll"), nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("content", "type", "description") {
			req, err := schema(ch.id)
			if err != nil {
				return err
			}
			ch.wanted.copied(req, settings...)
			req["Description"] = ch.wanted.text("description")
			if _, err := c.do(ctx, "schemas", "UpdateSchema", req); err != nil {
				return err
			}
		}
		return retagSchemas(ctx, c, ch)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		req, err := schema(id)
		if err == nil {
			_, err = c.do(ctx, "schemas", "DeleteSchema", req)
		}
		return err
	}
	return r
}
