package provider

import (
	"context"
	"crypto/md5" //nolint:gosec // the id of the resource is made so, and nothing is protected by it
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// invocationType invokes a function when the resource is made and, with the lifecycle scope CRUD, when its input changes and
// when it goes. The function sees which of them it is under the key that terraformKey names, as terraform-provider-aws tells it:
// {"action":"create|update|delete","prev_input":...}.
func invocationType() *resourceType {
	r := &resourceType{
		token: "aws:lambda/invocation:Invocation",
		properties: []*property{
			text("functionName").needed().replaces(),
			text("input").needed().checked(isJSON).replacesWhen(func(_, wanted props) bool { return wanted.text("lifecycleScope") != "CRUD" }),
			text("lifecycleScope").defaults("CREATE_ONLY").oneOf("CREATE_ONLY", "CRUD"),
			text("qualifier").defaults("$LATEST").replaces().onlyAs("$LATEST", "versions of functions are not emulated"),
			text("result").output().changesWith("input"),
			text("terraformKey").defaults("tf"),
			stringMap("triggers").replaces(),
		},
		check: func(in props) []failure {
			input, known := in["input"].(string)
			input = strings.TrimSpace(input)
			if in.text("lifecycleScope") == "CRUD" && known && !(strings.HasPrefix(input, "{") && strings.HasSuffix(input, "}")) {
				return []failure{{"input", `lifecycleScope other than "CREATE_ONLY" requires input to be a JSON object`}}
			}
			return nil
		},
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		payload, err := invocationPayload("create", nil, in)
		if err != nil {
			return "", err
		}
		if in["result"], err = invokeFunction(ctx, c, in, payload); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s_%s_%x", in.text("functionName"), in.text("qualifier"), md5.Sum(payload)), nil //nolint:gosec // see the import
	}
	r.read = func(_ context.Context, _ *call, id string, state props) (props, error) {
		if !state.has("functionName") {
			return nil, errors.New("an invocation cannot be imported: " + id)
		}
		live := props{}
		for _, p := range r.properties {
			state.copied(live, p.name, p.name)
		}
		return live, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		payload, err := invocationPayload("update", ch.old["input"], ch.wanted)
		if err == nil {
			ch.wanted["result"], err = invokeFunction(ctx, c, ch.wanted, payload)
		}
		return err
	}
	r.remove = func(ctx context.Context, c *call, _ string, state props) error {
		if state.text("lifecycleScope") != "CRUD" {
			return nil
		}
		payload, err := invocationPayload("delete", state["input"], state)
		if err == nil {
			_, err = invokeFunction(ctx, c, state, payload)
		}
		return err
	}
	return r
}

func isJSON(v any) error {
	if s, _ := v.(string); !json.Valid([]byte(s)) {
		return errors.New("expected a JSON document")
	}
	return nil
}

// invocationPayload is what the function gets: the input, and with the scope CRUD what happens to the resource too.
func invocationPayload(action string, previous any, in props) ([]byte, error) {
	input := in.text("input")
	if in.text("lifecycleScope") != "CRUD" {
		return []byte(input), nil
	}
	var payload, before map[string]any
	if err := json.Unmarshal([]byte(input), &payload); err != nil {
		return nil, fmt.Errorf("reading the input of an invocation: %w", err)
	}
	if text, _ := previous.(string); text != "" {
		if err := json.Unmarshal([]byte(text), &before); err != nil {
			return nil, fmt.Errorf("reading the previous input of an invocation: %w", err)
		}
	}
	payload[in.text("terraformKey")] = map[string]any{"action": action, "prev_input": before}
	return json.Marshal(payload)
}

// invokeFunction returns a function's answer. That a function is not there is an error at a deletion too, as with pulumi-aws.
func invokeFunction(ctx context.Context, c *call, in props, payload []byte) (string, error) {
	name := in.text("functionName")
	var out struct {
		FunctionError string
		Payload       []byte
	}
	err := c.d.DoInto(ctx, c.d.Root(), "lambda", "Invoke", props{"FunctionName": name, "InvocationType": "RequestResponse", "Qualifier": in["qualifier"], "Payload": payload}, &out)
	if err != nil {
		return "", fmt.Errorf("invoking Lambda Function (%s): %v", name, err) //nolint:errorlint // it must not count as a resource that is gone
	}
	if out.FunctionError != "" {
		return "", fmt.Errorf("invoking Lambda Function (%s): %s", name, out.Payload)
	}
	return string(out.Payload), nil
}
