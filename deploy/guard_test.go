package deploy

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

func TestFindings(t *testing.T) {
	const prefix = "urn:pulumi:dev::carepath::"
	step := func(op apitype.OpType, token, name string, edit ...func(*apitype.StepEventMetadata)) apitype.StepEventMetadata {
		m := apitype.StepEventMetadata{Op: op, Type: token, URN: prefix + token + "::" + name, Old: &apitype.StepEventStateMetadata{Custom: true}}
		for _, f := range edit {
			f(&m)
		}
		return m
	}
	protect := func(m *apitype.StepEventMetadata) { m.Old.Protect = true }
	made := func(typeName string) func(*apitype.StepEventMetadata) {
		return func(m *apitype.StepEventMetadata) { m.Old.Inputs = map[string]any{"typeName": typeName} }
	}
	const table, role, group = "aws:dynamodb/table:Table", "aws:iam/role:Role", logGroupType
	for name, c := range map[string]struct {
		production bool
		steps      []apitype.StepEventMetadata
		want       string // op, name, and what the line must say, of each
	}{
		"nothing":           {steps: []apitype.StepEventMetadata{step("same", table, "a"), step("update", table, "b"), step("create", table, "c", func(m *apitype.StepEventMetadata) { m.Old = nil })}},
		"stateless":         {steps: []apitype.StepEventMetadata{step("delete", role, "a"), step("replace", role, "b")}},
		"stateless, kept":   {steps: []apitype.StepEventMetadata{step("delete", role, "a", protect)}, want: "delete a it is protected"},
		"log groups of dev": {steps: []apitype.StepEventMetadata{step("delete", group, "a")}},
		"of prod":           {production: true, steps: []apitype.StepEventMetadata{step("delete", group, "a")}, want: "delete a loses its log events"},
		"a mapping":         {steps: []apitype.StepEventMetadata{step("delete", cloudControlType, "a", made("AWS::ApiGatewayV2::ApiMapping"))}},
		"a FHIR data store": {steps: []apitype.StepEventMetadata{step("delete", cloudControlType, "a", made("AWS::HealthLake::FHIRDatastore"))}, want: "delete a loses all its data"},
		"retained":          {steps: []apitype.StepEventMetadata{step("delete", table, "a", func(m *apitype.StepEventMetadata) { m.Old.RetainOnDelete = true })}},
		"not ours":          {steps: []apitype.StepEventMetadata{step("delete", table, "a", func(m *apitype.StepEventMetadata) { m.Old.External = true })}},
		"replaced in parts": {
			steps: []apitype.StepEventMetadata{
				step("create-replacement", table, "a", func(m *apitype.StepEventMetadata) { m.Keys = []string{"hashKey"} }),
				step("replace", table, "a", func(m *apitype.StepEventMetadata) { m.Keys = []string{"hashKey"} }),
				step("delete-replaced", table, "a"),
			},
			want: "replace a AWS cannot change hashKey of one that exists; it loses its items",
		},
		"paths": {
			steps: []apitype.StepEventMetadata{step("replace", table, "a", func(m *apitype.StepEventMetadata) {
				m.DetailedDiff = map[string]apitype.PropertyDiff{"tags.x": {Kind: apitype.DiffUpdate}, "attributes[0].type": {Kind: apitype.DiffUpdateReplace}}
			})},
			want: "replace a AWS cannot change attributes[0].type of one",
		},
		"with what it hangs on": {steps: []apitype.StepEventMetadata{step("delete-replaced", table, "a", protect)}, want: "replace a something that it depends on is replaced; it is protected and loses its items"},
		"left over":             {steps: []apitype.StepEventMetadata{step("delete", table, "a", func(m *apitype.StepEventMetadata) { m.Old.Delete = true })}, want: "delete a an operation that was cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			got := findings(c.steps, c.production)
			if c.want == "" {
				if len(got) > 0 {
					t.Errorf("findings: %+v", got)
				}
				return
			}
			words := strings.SplitN(c.want, " ", 3)
			if len(got) != 1 || got[0].Op != words[0] || got[0].Name != words[1] || !strings.Contains(got[0].String(), words[2]) {
				t.Fatalf("got %+v, want %s", got, c.want)
			}
			if err := refused("deploying", got, Allowed{}); err == nil {
				t.Error("it is not refused")
			}
			allowed := Allowed{Delete: []string{got[0].URN}}
			if got[0].Op == "replace" {
				allowed = Allowed{Replace: allowed.Delete}
			}
			if err := refused("deploying", got, allowed); err != nil || allowed.check() != nil {
				t.Errorf("it is refused although allowed: %v", err)
			}
		})
	}
	if err := (Allowed{Delete: []string{"people"}}).check(); err == nil {
		t.Error("a name is taken for a URN")
	}
	all := findings([]apitype.StepEventMetadata{step("delete", table, "b"), step("delete", table, "a")}, false)
	if !slices.IsSortedFunc(all, func(a, b Finding) int { return strings.Compare(a.URN, b.URN) }) || len(all) != 2 {
		t.Errorf("order: %+v", all)
	}
}
