package provider

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const invocationToken = "aws:lambda/invocation:Invocation"

// invocations is a Lambda that notes what it gets, and answers with it.
func invocations(f *fake) *[]string {
	var got []string
	f.on("lambda", "Invoke", func(in members) (members, error) {
		payload, err := base64.StdEncoding.DecodeString(in["Payload"].(string))
		if err != nil {
			return nil, err
		}
		switch in["FunctionName"] {
		case "gone":
			return nil, dispatch.Errorf("ResourceNotFoundException", "Function not found")
		case "broken":
			return members{"FunctionError": "Unhandled", "Payload": []byte(`{"errorMessage":"bad"}`)}, nil
		}
		got = append(got, string(payload))
		return members{"StatusCode": 200, "Payload": append([]byte("was "), payload...)}, nil
	})
	return &got
}

func TestInvocation(t *testing.T) {
	for name, c := range map[string]struct {
		inputs, change values
		replaces       string
		want           []string
	}{
		"once":          {values{"input": `{"k": "<1>"}`}, values{"triggers": values{"hash": "2"}}, "triggers", []string{`{"k": "<1>"}`}},
		"input of once": {values{"input": `[1]`}, values{"input": `[2]`}, "input", []string{`[1]`}},
		"with life cycle": {values{"input": `{"k": "<1>"}`, "lifecycleScope": "CRUD"}, values{"input": `{"k":2}`}, "", []string{
			`{"k":"\u003c1\u003e","tf":{"action":"create","prev_input":null}}`, `{"k":2,"tf":{"action":"update","prev_input":{"k":"\u003c1\u003e"}}}`,
			`{"k":2,"tf":{"action":"delete","prev_input":{"k":2}}}`}},
		"another key": {values{"input": `{}`, "lifecycleScope": "CRUD", "terraformKey": "how"}, nil, "", []string{
			`{"how":{"action":"create","prev_input":null}}`, `{"how":{"action":"delete","prev_input":{}}}`}},
	} {
		f := newFake()
		got := invocations(f)
		client := configured(t, f, nil)
		urn := urnOf(invocationToken, "it")
		checked := func(v values) resource.PropertyMap {
			t.Helper()
			v["functionName"] = "f"
			res, err := client.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn, News: in(t, v)})
			if err != nil || len(res.GetFailures()) > 0 {
				t.Fatalf("%s: %v %v", name, err, res.GetFailures())
			}
			return out(t, res.GetInputs())
		}
		inputs := checked(c.inputs)
		created, err := client.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn, Properties: wire(t, inputs)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		state := out(t, created.GetProperties())
		if r := state["result"].StringValue(); r != "was "+c.want[0] || !strings.HasPrefix(created.GetId(), "f_$LATEST_") || len(created.GetId()) != 42 {
			t.Errorf("%s: the result is %q, the id %q", name, r, created.GetId())
		}
		if c.change != nil {
			for k, v := range c.change {
				c.inputs[k] = v
			}
			news := checked(c.inputs)
			diff, err := client.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urn, Id: created.GetId(), Olds: wire(t, state), OldInputs: wire(t, inputs), News: wire(t, news)})
			if err != nil || strings.Join(diff.GetReplaces(), ",") != c.replaces {
				t.Errorf("%s: %v %v", name, err, diff)
			}
			if c.replaces == "" {
				updated, err := client.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: urn, Id: created.GetId(), Olds: wire(t, state), News: wire(t, news)})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if state = out(t, updated.GetProperties()); state["result"].StringValue() != "was "+c.want[1] {
					t.Errorf("%s: the result is %v", name, state["result"])
				}
			}
		}
		read, err := client.Read(t.Context(), &pulumirpc.ReadRequest{Urn: urn, Id: created.GetId(), Properties: wire(t, state)})
		if err != nil || !out(t, read.GetProperties()).DeepEquals(state) {
			t.Errorf("%s: read %v %v", name, err, out(t, read.GetProperties()))
		}
		if _, err := client.Delete(t.Context(), &pulumirpc.DeleteRequest{Urn: urn, Id: created.GetId(), Properties: wire(t, state)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(*got, c.want) {
			t.Errorf("%s: the function got\n%s\nwant\n%s", name, strings.Join(*got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestInvocationsThatFail(t *testing.T) {
	f := newFake()
	invocations(f)
	client := configured(t, f, nil)
	urn := urnOf(invocationToken, "it")
	for function, says := range map[string]string{"gone": "invoking Lambda Function (gone): ResourceNotFoundException", "broken": `invoking Lambda Function (broken): {"errorMessage":"bad"}`} {
		state := in(t, values{"functionName": function, "input": "{}", "lifecycleScope": "CRUD", "qualifier": "$LATEST", "terraformKey": "tf"})
		if _, err := client.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urn, Properties: state}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v", err)
		}
		if _, err := client.Delete(t.Context(), &pulumirpc.DeleteRequest{Urn: urn, Id: "i", Properties: state}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v", err)
		}
	}
	res, err := client.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urn, News: in(t, values{"functionName": "f", "input": "[]", "lifecycleScope": "CRUD"})})
	if err != nil || len(res.GetFailures()) != 1 {
		t.Errorf("%v %v", err, res)
	}
}
