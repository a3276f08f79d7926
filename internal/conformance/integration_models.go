package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func modelName(name string) string { return strings.NewReplacer("-", "", "_", "").Replace(name) }

// models creates the row's models, those first to which others refer.
func (rig *integrationRig) models(models map[string]json.RawMessage) error {
	for pending := sortedKeys(models); len(pending) > 0; {
		var later []string
		var last error
		for _, name := range pending {
			schema := strings.ReplaceAll(string(models[name]), "<api-id>", rig.api)
			_, err := do[apigateway.Model](rig, "CreateModel", map[string]any{"restApiId": rig.api, "name": modelName(name), "schema": schema, "contentType": "application/json"})
			if err != nil && dispatch.AsError(err).Code != "ConflictException" {
				later, last = append(later, name), err
			}
		}
		if len(later) == len(pending) {
			return rig.circularModels(models, last)
		}
		pending = later
	}
	return nil
}

// circularModels imports models that refer to one another, which cannot be created one by one.
func (rig *integrationRig) circularModels(models map[string]json.RawMessage, last error) error {
	schemas := map[string]json.RawMessage{}
	for name, schema := range models {
		schemas[modelName(name)] = schema
	}
	document := map[string]any{"openapi": "3.0.1", "info": map[string]string{"title": "recorded", "version": "1"}, "paths": map[string]any{},
		"components": map[string]any{"schemas": schemas}}
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	if _, err := do[apigateway.RestApi](rig, "PutRestApi", &apigateway.PutRestApiInput{RestApiID: rig.api, Mode: "overwrite", Body: body}); err != nil {
		return fmt.Errorf("%w (one by one: %w)", err, last)
	}
	for part := range strings.SplitSeq(strings.Trim(rig.path, "/"), "/") {
		if part == "" {
			continue
		}
		api, err := do[apigateway.RestApi](rig, "GetRestApi", map[string]any{"restApiId": rig.api})
		if err != nil {
			return err
		}
		parent := api.RootResourceID
		if rig.resource != api.RootResourceID && part != strings.SplitN(strings.Trim(rig.path, "/"), "/", 2)[0] {
			parent = rig.resource
		}
		r, err := do[apigateway.Resource](rig, "CreateResource", map[string]any{"restApiId": rig.api, "parentId": parent, "pathPart": part})
		if err != nil {
			return err
		}
		rig.resource = r.ID
	}
	return nil
}
