package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func cloudcontrolTypes() []*resourceType { return []*resourceType{cloudcontrolType()} }

// cloudcontrolSchema is the part of the resource type's CloudFormation schema that says what may be changed.
const cloudcontrolSchema = `{"additionalProperties":false,"createOnlyProperties":["/properties/DatastoreName","/properties/DatastoreTypeVersion","/properties/IdentityProviderConfiguration","/properties/PreloadDataConfig","/properties/SseConfiguration"],` +
	`"primaryIdentifier":["/properties/DatastoreId"],"readOnlyProperties":["/properties/CreatedAt","/properties/DatastoreArn","/properties/DatastoreEndpoint","/properties/DatastoreId","/properties/DatastoreStatus"],` +
	`"required":["DatastoreTypeVersion"],"typeName":"AWS::HealthLake::FHIRDatastore"}`

// pollEvery is how often a request of Cloud Control's is looked after.
const pollEvery = 100 * time.Millisecond

func cloudcontrolType() *resourceType {
	r := &resourceType{
		token: "aws:cloudcontrol/resource:Resource",
		properties: []*property{
			text("desiredState").needed().kept().replacesIf(changesCreateOnly).checked(func(v any) error {
				text, _ := v.(string)
				_, err := parseDesired(text)
				return err
			}),
			text("properties").output().changesWith("desiredState"),
			text("roleArn").refused("it acts as the account's root user"),
			text("schema").orChosen(),
			text("typeName").needed().replaces().oneOf("AWS::HealthLake::FHIRDatastore"),
			text("typeVersionId").refused("the type has one version"),
		},
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		return request(ctx, c, "CreateResource", props{"TypeName": in["typeName"], "DesiredState": in["desiredState"]})
	}
	r.read = func(ctx context.Context, c *call, id string, state props) (props, error) {
		typeName := state.text("typeName")
		if typeName == "" {
			typeName = "AWS::HealthLake::FHIRDatastore" // it is imported
		}
		out, err := c.do(ctx, "cloudcontrolapi", "GetResource", props{"TypeName": typeName, "Identifier": id})
		if err != nil {
			return nil, err
		}
		live := props{"typeName": typeName, "properties": out.object("ResourceDescription")["Properties"], "schema": cloudcontrolSchema}
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

// changesCreateOnly reports whether a change of the desired state needs another resource: all properties but Tags do.
func changesCreateOnly(old, new any) bool {
	before, _ := old.(string)
	after, _ := new.(string)
	x, errX := parseDesired(before)
	y, errY := parseDesired(after)
	if errX != nil || errY != nil {
		return true
	}
	delete(x, "Tags")
	delete(y, "Tags")
	return !reflect.DeepEqual(x, y)
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
		if was, had := x[name]; !had || !reflect.DeepEqual(was, y[name]) {
			patch = append(patch, map[string]any{"op": "add", "path": "/" + name, "value": y[name]})
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
