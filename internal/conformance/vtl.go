package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
)

func init() { register("vtl", runVTL) }

// vtlRow is a mapping template with a request, and what came of it.
type vtlRow struct {
	AWSValidated bool   `json:"aws_validated"`
	Template     string `json:"template"`
	Input        struct {
		Body           string            `json:"body"`
		Headers        map[string]string `json:"headers"`
		Path           map[string]string `json:"path"`
		Query          map[string]string `json:"querystring"`
		Context        json.RawMessage   `json:"context"`
		StageVariables map[string]string `json:"stageVariables"`
	} `json:"input"`
	Expected struct {
		Compare          string          `json:"compare"`
		Output           *string         `json:"output"`
		OutputAnyOf      []string        `json:"output_any_of"`
		JSON             json.RawMessage `json:"json"`
		Error            bool            `json:"error"`
		RequestOverride  json.RawMessage `json:"requestOverride"`
		ResponseOverride json.RawMessage `json:"responseOverride"`
	} `json:"expected"`
	// Oracle says what the reference engine gives; where it does not agree, the expectation is another project's own.
	Oracle *struct {
		Agrees bool `json:"agrees"`
	} `json:"oracle"`
}

func runVTL(data json.RawMessage) Outcome {
	var row vtlRow
	if err := json.Unmarshal(data, &row); err != nil {
		return failed("a row of the vtl suite", err.Error())
	}
	if row.Oracle != nil && !row.Oracle.Agrees && !row.AWSValidated {
		return skipped("the expectation is another project's, and the reference engine disagrees")
	}
	request, err := row.request(data)
	if err != nil {
		return failed("a row of the vtl suite", err.Error())
	}
	result, err := renderVTL(row.Template, request)
	if row.Expected.Error || row.Expected.Compare == "error" {
		if err != nil {
			return passed()
		}
		return failed("an error", result.Output)
	}
	if err != nil {
		return failed(row.Expected, err.Error())
	}
	if !row.matches(result.Output) {
		return failed(row.Expected, result.Output)
	}
	return row.compareOverrides(result.Overrides)
}

func renderVTL(template string, request *vtl.Request) (*vtl.Result, error) {
	t, err := vtl.Compile(template)
	if err != nil {
		return nil, err
	}
	return t.Render(request)
}

func (row *vtlRow) request(data json.RawMessage) (*vtl.Request, error) {
	r := &vtl.Request{
		Body: []byte(row.Input.Body), Path: row.Input.Path, Query: row.Input.Query, Header: row.Input.Headers,
		StageVariables: row.Input.StageVariables,
	}
	var err error
	if r.Order, err = vtlOrder(data); err != nil {
		return nil, err
	}
	if len(row.Input.Context) == 0 {
		return r, nil
	}
	v, err := jsonvalue.Parse(row.Input.Context)
	if err != nil {
		return nil, fmt.Errorf("the context: %w", err)
	}
	context, ok := v.(*jsonvalue.Object)
	if !ok {
		return nil, fmt.Errorf("the context is not an object")
	}
	r.Context = context
	r.Overrides = vtlOverridesOf(context)
	return r, nil
}

// vtlOrder returns the names of the row's parameters in their order.
func vtlOrder(data json.RawMessage) ([]string, error) {
	v, err := jsonvalue.Parse(data)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, kind := range []string{"headers", "path", "querystring", "stageVariables"} {
		if input, ok := v.(*jsonvalue.Object).Get("input"); ok {
			parameters, _ := input.(*jsonvalue.Object).Get(kind)
			if o, ok := parameters.(*jsonvalue.Object); ok {
				for name := range o.All() {
					names = append(names, name)
				}
			}
		}
	}
	return names, nil
}

// vtlOverridesOf takes the overrides that an earlier template has set out of a context.
func vtlOverridesOf(context *jsonvalue.Object) vtl.Overrides {
	var o vtl.Overrides
	if v, ok := context.Get("requestOverride"); ok {
		if tree, ok := v.(*jsonvalue.Object); ok {
			o.RequestHeader, o.RequestPath = vtlValues(tree, "header"), vtlValues(tree, "path")
			o.RequestQuery = vtlValues(tree, "querystring")
		}
	}
	if v, ok := context.Get("responseOverride"); ok {
		if tree, ok := v.(*jsonvalue.Object); ok {
			o.ResponseHeader = vtlValues(tree, "header")
			for name, v := range tree.All() {
				switch name {
				case "header":
				case "status":
					o.ResponseStatus = v
				default:
					if o.OtherResponse == nil {
						o.OtherResponse = &jsonvalue.Object{}
					}
					o.OtherResponse.Set(name, v)
				}
			}
		}
	}
	return o
}

func vtlValues(tree *jsonvalue.Object, name string) map[string][]string {
	v, _ := tree.Get(name)
	o, ok := v.(*jsonvalue.Object)
	if !ok || o.Len() == 0 {
		return nil
	}
	m := map[string][]string{}
	for name, v := range o.All() {
		if s, ok := v.(string); ok {
			m[name] = []string{s}
		} else {
			m[name] = []string{jsonvalue.Text(v)}
		}
	}
	return m
}

func (row *vtlRow) matches(output string) bool {
	x := &row.Expected
	switch x.Compare {
	case "any_of":
		return slices.Contains(x.OutputAnyOf, output)
	case "whitespace":
		return x.Output != nil && strings.Join(strings.Fields(*x.Output), "") == strings.Join(strings.Fields(output), "")
	case "json":
		if x.JSON != nil {
			return sameJSON(x.JSON, []byte(output))
		}
		if x.Output == nil {
			return true // The output is not JSON and was not recorded; only the overrides are compared.
		}
		return sameJSON([]byte(*x.Output), []byte(output))
	case "json-messagebody":
		return sameVTLMessageBody(x.JSON, []byte(output))
	}
	return x.Output != nil && *x.Output == output
}

// sameVTLMessageBody compares two documents whose MessageBody is itself JSON text.
func sameVTLMessageBody(expected, got []byte) bool {
	open := func(text []byte) (map[string]any, bool) {
		var doc map[string]any
		if json.Unmarshal(text, &doc) != nil {
			return nil, false
		}
		body, ok := doc["MessageBody"].(string)
		var inner any
		if !ok || json.Unmarshal([]byte(body), &inner) != nil {
			return nil, false
		}
		doc["MessageBody"] = inner
		return doc, true
	}
	a, okA := open(expected)
	b, okB := open(got)
	if !okA || !okB {
		return false
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func (row *vtlRow) compareOverrides(o vtl.Overrides) Outcome {
	for _, c := range []struct {
		expected json.RawMessage
		got      *jsonvalue.Object
	}{
		{row.Expected.RequestOverride, vtlRequestTree(o)},
		{row.Expected.ResponseOverride, vtlResponseTree(o)},
	} {
		if len(c.expected) > 0 && !sameJSON(c.expected, []byte(jsonvalue.Text(c.got))) {
			return failed(c.expected, json.RawMessage(jsonvalue.Text(c.got)))
		}
	}
	return passed()
}

func vtlRequestTree(o vtl.Overrides) *jsonvalue.Object {
	tree := &jsonvalue.Object{}
	addVTLValues(tree, "path", o.RequestPath)
	addVTLValues(tree, "header", o.RequestHeader)
	addVTLValues(tree, "querystring", o.RequestQuery)
	return tree
}

func vtlResponseTree(o vtl.Overrides) *jsonvalue.Object {
	tree := &jsonvalue.Object{}
	addVTLValues(tree, "header", o.ResponseHeader)
	if o.ResponseStatus != nil {
		tree.Set("status", o.ResponseStatus)
	}
	for name, v := range o.OtherResponse.All() {
		tree.Set(name, v)
	}
	return tree
}

func addVTLValues(tree *jsonvalue.Object, name string, m map[string][]string) {
	if len(m) == 0 {
		return
	}
	o := &jsonvalue.Object{}
	for name, values := range m {
		if len(values) == 1 {
			o.Set(name, values[0])
			continue
		}
		list := &jsonvalue.Array{}
		for _, v := range values {
			list.Items = append(list.Items, v)
		}
		o.Set(name, list)
	}
	tree.Set(name, o)
}
