package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/cloudcontrol"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func cloudcontrolTypes() []*resourceType { return []*resourceType{cloudcontrolType()} }

// pollEvery is how often a request of Cloud Control's is looked after.
const pollEvery = 100 * time.Millisecond

func cloudcontrolType() *resourceType {
	r := &resourceType{
		token: "aws:cloudcontrol/resource:Resource",
		properties: []*property{
			text("desiredState").needed().kept().replacesWhen(changesCreateOnly).checked(func(v any) error {
				text, _ := v.(string)
				_, err := parseDesired(text)
				return err
			}),
			text("properties").output().changesWith("desiredState"),
			text("roleArn").refused("it acts as the account's root user"),
			text("schema").orChosen().checked(func(v any) error {
				text, _ := v.(string)
				_, err := parseDesired(text)
				return err
			}),
			text("typeName").needed().replaces().oneOf(cloudcontrol.Types()...),
			text("typeVersionId").refused("the types have one version"),
		},
		check: checkDesired,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		return request(ctx, c, "CreateResource", props{"TypeName": in["typeName"], "DesiredState": in["desiredState"]})
	}
	r.read = func(ctx context.Context, c *call, id string, state props) (props, error) {
		typeName := state.text("typeName")
		if typeName == "" {
			// It is imported. A mapping's identifier has two parts.
			if typeName = "AWS::HealthLake::FHIRDatastore"; strings.Contains(id, "|") {
				typeName = "AWS::ApiGatewayV2::ApiMapping"
			}
		}
		out, err := c.do(ctx, "cloudcontrolapi", "GetResource", props{"TypeName": typeName, "Identifier": id})
		if err != nil {
			return nil, err
		}
		live := props{"typeName": typeName, "properties": out.object("ResourceDescription")["Properties"], "schema": cloudcontrol.Schema(typeName)}
		if given := state.text("schema"); given != "" {
			live["schema"] = given
		}
		return live, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if !ch.of("desiredState") {
			return nil
		}
		patch, err := desiredPatch(ch.old.text("desiredState"), ch.wanted.text("desiredState"))
		if err != nil || patch == "[]" {
			return err
		}
		_, err = request(ctx, c, "UpdateResource", props{"TypeName": ch.wanted["typeName"], "Identifier": ch.id, "PatchDocument": patch})
		return err
	}
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		_, err := request(ctx, c, "DeleteResource", props{"TypeName": state["typeName"], "Identifier": id})
		return err
	}
	return r
}

func parseDesired(text string) (map[string]any, error) {
	var desired map[string]any
	if err := json.Unmarshal([]byte(text), &desired); err != nil || desired == nil {
		return nil, errors.New("it must be a JSON object")
	}
	return desired, nil
}

// schemaOf is what the schema of a resource says, the program's own if it gives one.
func schemaOf(in props) (schema struct{ Properties, Required, CreateOnlyProperties, ReadOnlyProperties any }) {
	text := in.text("schema")
	if text == "" {
		text = cloudcontrol.Schema(in.text("typeName"))
	}
	_ = json.Unmarshal([]byte(text), &schema) // checked before
	return schema
}

// checkDesired compares the desired state with the schema, as pulumi-aws does before it asks AWS.
func checkDesired(in props) []failure {
	desired, err := parseDesired(in.text("desiredState"))
	if err != nil || in["typeName"] == nil || hasUnknown(in["typeName"]) || hasUnknown(in["schema"]) {
		return nil // not known yet
	}
	schema := schemaOf(in)
	var failures []failure
	wrong := func(format string, args ...any) {
		failures = append(failures, failure{"desiredState", "validating desired_state against CloudFormation Resource Schema: (root): " + fmt.Sprintf(format, args...)})
	}
	known := asObject(schema.Properties)
	for _, name := range sortedKeys(desired) {
		if _, is := known[name]; !is {
			wrong("Additional property %s is not allowed", name)
		}
	}
	for _, name := range asStrings(schema.Required) {
		if _, is := desired[name]; !is {
			wrong("%s is required", name)
		}
	}
	return failures
}

// changesCreateOnly reports whether a change of the desired state needs another resource: that of a property that the schema
// calls create-only does.
func changesCreateOnly(was, wanted props) bool {
	before, errX := parseDesired(was.text("desiredState"))
	after, errY := parseDesired(wanted.text("desiredState"))
	if errX != nil || errY != nil {
		return false // not known yet
	}
	for _, pointer := range asStrings(schemaOf(wanted).CreateOnlyProperties) {
		name := strings.TrimPrefix(pointer, "/properties/")
		if !reflect.DeepEqual(before[name], after[name]) {
			return true
		}
	}
	return false
}

// desiredPatch is the JSON Patch between two desired states.
func desiredPatch(before, after string) (string, error) {
	x, err := parseDesired(before)
	if err != nil {
		return "", fmt.Errorf("reading the old desired state: %w", err)
	}
	y, err := parseDesired(after)
	if err != nil {
		return "", fmt.Errorf("reading the desired state: %w", err)
	}
	patch := []any{}
	for _, name := range sortedKeys(x) {
		if _, still := y[name]; !still {
			patch = append(patch, map[string]any{"op": "remove", "path": "/" + name})
		}
	}
	for _, name := range sortedKeys(y) {
		switch was, had := x[name]; {
		case !had:
			patch = append(patch, map[string]any{"op": "add", "path": "/" + name, "value": y[name]})
		case !reflect.DeepEqual(was, y[name]):
			patch = append(patch, map[string]any{"op": "replace", "path": "/" + name, "value": y[name]})
		}
	}
	return compactJSON(patch), nil
}

// request makes a request of Cloud Control's and waits for its end. It returns the resource's identifier.
func request(ctx context.Context, c *call, action string, in props) (string, error) {
	out, err := c.do(ctx, "cloudcontrolapi", action, in)
	for {
		if err != nil {
			return "", err
		}
		p := out.object("ProgressEvent")
		switch p.text("OperationStatus") {
		case "SUCCESS":
			return p.text("Identifier"), nil
		case "FAILED":
			return "", fmt.Errorf("waiting for Cloud Control API (%s) of %s: %w", action, p.text("TypeName"), dispatch.Errorf(p.text("ErrorCode"), "%s", p.text("StatusMessage")))
		}
		over := make(chan struct{})
		timer := c.d.Clock.AfterFunc(pollEvery, func() { close(over) })
		select {
		case <-over:
		case <-ctx.Done():
			timer.Stop()
			return p.text("Identifier"), fmt.Errorf("waiting for Cloud Control API: %w", ctx.Err())
		}
		out, err = c.do(ctx, "cloudcontrolapi", "GetResourceRequestStatus", props{"RequestToken": p["RequestToken"]})
	}
}
