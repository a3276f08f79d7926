package cost

import (
	"os"
	"strings"
	"testing"

	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// Whatever the program asks for has a known cost: a new type of resource needs a calculator.
func TestNothingOfTheStacksIsUnknown(t *testing.T) {
	for _, stack := range []string{"local", "dev", "prod"} {
		text, err := os.ReadFile("../../Pulumi." + stack + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for what, more := range map[string]string{"as it is": "", "with subscriptions": "  carepath:healthlake: {feed: subscriptions}\n"} {
			if more != "" && strings.Contains(string(text), "carepath:healthlake:") {
				continue
			}
			file, err := platform.ParseStackFile([]byte(strings.Replace(string(text), "config:\n", "config:\n"+more, 1)))
			if err != nil {
				t.Fatal(err)
			}
			g, err := graph.Of(t.Context(), stack, file)
			if err != nil {
				t.Fatal(err)
			}
			e := OfGraph(g, platform.DefaultUsage(), own(t))
			for _, why := range e.unknown() {
				t.Errorf("%s, %s: %s", stack, what, why)
			}
			if e.MonthlyUSD < 10 || len(e.Components) < 5 {
				t.Errorf("%s, %s: %+v", stack, what, e.Cost)
			}
		}
	}
}

func TestResourcesOfTheEngine(t *testing.T) {
	const root, component = "urn:pulumi:dev::carepath::pulumi:pulumi:Stack::carepath-dev", "urn:pulumi:dev::carepath::carepath:golambda:Function::f"
	const group = "urn:pulumi:dev::carepath::carepath:golambda:Function$aws:cloudwatch/logGroup:LogGroup::f-logs"
	inputs := map[string]any{
		"retentionInDays": 7.0, "name": plugin.UnknownStringValue, "secret": map[string]any{resource.SigKey: resource.SecretSig, "ciphertext": "x"},
		"list": []any{"a", map[string]any{"b": plugin.UnknownNumberValue}},
	}
	deployed := FromDeployment([]apitype.ResourceV3{
		{URN: component, Parent: root}, {URN: group, Parent: component, Inputs: inputs}, {URN: group, Parent: component, Delete: true}, {URN: "urn:pulumi:dev::carepath::aws:kms/key:Key::k", External: true},
	})
	if len(deployed) != 2 || deployed[1].Type != "aws:cloudwatch/logGroup:LogGroup" || deployed[1].Name != "f-logs" || deployed[1].Component != "f" || deployed[0].Component != shared {
		t.Fatalf("%+v", deployed)
	}
	if in := deployed[1].Inputs; in["retentionInDays"] != 7.0 || in["name"] != nil || in["secret"] != nil || len(in["list"].([]any)) != 2 {
		t.Errorf("%v", in)
	}
	state := &apitype.StepEventStateMetadata{Parent: component, Inputs: inputs}
	planned := FromSteps([]apitype.StepEventMetadata{
		{Op: apitype.OpSame, URN: component, New: &apitype.StepEventStateMetadata{Parent: root}}, {Op: apitype.OpCreateReplacement, URN: group, New: state},
		{Op: apitype.OpReplace, URN: group, New: state}, {Op: apitype.OpDeleteReplaced, URN: group}, {Op: apitype.OpDelete, URN: "urn:pulumi:dev::carepath::aws:kms/key:Key::k"},
	})
	if len(planned) != 2 || planned[1].Name != "f-logs" {
		t.Errorf("%+v", planned)
	}
}
