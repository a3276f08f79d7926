package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// The arguments of aws.iam.getPolicyDocument.
func policyDocumentArguments() []*property {
	strings := func(name string) *property { return set(name, text("")) }
	principals := func(name string) *property {
		return set(name, object("", strings("identifiers").needed(), text("type").needed()))
	}
	return []*property{
		policyText("overrideJson"), list("overridePolicyDocuments", policyText("")), text("policyId"),
		policyText("sourceJson"), list("sourcePolicyDocuments", policyText("")),
		text("version").oneOf("2008-10-17", "2012-10-17").defaults("2012-10-17"),
		list("statements", object("",
			strings("actions"), strings("notActions"), strings("resources"), strings("notResources"),
			text("effect").oneOf("Allow", "Deny").defaults("Allow"), text("sid"),
			principals("principals"), principals("notPrincipals"),
			set("conditions", object("", text("test").needed(), list("values", text("")).needed(), text("variable").needed())))),
	}
}

// policyStatement has its members in the order in which the Terraform provider writes them.
type policyStatement struct {
	Sid          string         `json:",omitempty"`
	Effect       string         `json:",omitempty"`
	Action       any            `json:",omitempty"`
	NotAction    any            `json:",omitempty"`
	Resource     any            `json:",omitempty"`
	NotResource  any            `json:",omitempty"`
	Principal    any            `json:",omitempty"`
	NotPrincipal any            `json:",omitempty"`
	Condition    map[string]any `json:",omitempty"`
}

type policy struct {
	Version   string            `json:",omitempty"`
	Id        string            `json:",omitempty"`
	Statement []policyStatement `json:",omitempty"`
}

// policyDocument renders a policy as aws.iam.getPolicyDocument does: sources first, then the statements, then overrides;
// a statement takes the place of an earlier one with its Sid.
func policyDocument(_ context.Context, _ *dispatch.Dispatcher, in props) (props, error) {
	var merged policy
	for i, source := range append(given(in.text("sourceJson")), in.strings("sourcePolicyDocuments")...) {
		if err := merged.merge(source); err != nil {
			return nil, fmt.Errorf("merging source document %d: %w", i, err)
		}
	}
	own := policy{Version: in.text("version"), Id: in.text("policyId")}
	seen := map[string]bool{}
	for _, st := range in.objects("statements") {
		sid := st.text("sid")
		if sid != "" && seen[sid] {
			return nil, fmt.Errorf("duplicate Sid (%s). Remove the Sid or ensure the Sid is unique", sid)
		}
		seen[sid] = true
		own.Statement = append(own.Statement, policyStatement{
			Sid: sid, Effect: st.text("effect"),
			Action: collapsed(st.strings("actions")), NotAction: collapsed(st.strings("notActions")),
			Resource: collapsed(st.strings("resources")), NotResource: collapsed(st.strings("notResources")),
			Principal: principalsOf(st.objects("principals")), NotPrincipal: principalsOf(st.objects("notPrincipals")),
			Condition: conditionsOf(st.objects("conditions")),
		})
	}
	merged.add(own)
	for i, override := range append(given(in.text("overrideJson")), in.strings("overridePolicyDocuments")...) {
		if err := merged.merge(override); err != nil {
			return nil, fmt.Errorf("merging override document %d: %w", i, err)
		}
	}
	written := writePolicy(merged, "  ")
	out := props{}
	for k, v := range in {
		out[k] = v
	}
	out["json"], out["minifiedJson"] = written, writePolicy(merged, "")
	out["id"] = strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(written))), 10)
	return out, nil
}

func given(document string) []string {
	if document == "" {
		return nil
	}
	return []string{document}
}

func writePolicy(p policy, indent string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(p); err != nil {
		panic(fmt.Sprintf("provider: writing a policy: %v", err)) // strings and lists of strings can always be written
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

func (p *policy) merge(document string) error {
	var other policy
	if err := json.Unmarshal([]byte(document), &other); err != nil {
		return err
	}
	p.add(other)
	return nil
}

func (p *policy) add(other policy) {
	if other.Id != "" {
		p.Id = other.Id
	}
	if other.Version != "" {
		p.Version = other.Version
	}
	for _, st := range other.Statement {
		if at := slices.IndexFunc(p.Statement, func(had policyStatement) bool { return st.Sid != "" && had.Sid == st.Sid }); at >= 0 {
			p.Statement[at] = st
		} else {
			p.Statement = append(p.Statement, st)
		}
	}
}

// collapsed writes one value as itself and several in descending order, as the Terraform provider does.
func collapsed(values []string) any {
	switch len(values) {
	case 0:
		return nil
	case 1:
		return values[0]
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	slices.Reverse(sorted)
	return sorted
}

func principalsOf(all []props) any {
	out := map[string]any{}
	for _, p := range all {
		ids := p.strings("identifiers")
		if p.text("type") == "*" && slices.Equal(ids, []string{"*"}) {
			return "*"
		}
		ids = append(asStrings(out[p.text("type")]), ids...)
		out[p.text("type")] = ids
	}
	if len(out) == 0 {
		return nil
	}
	for kind, ids := range out {
		out[kind] = collapsed(asStrings(ids))
	}
	return out
}

func conditionsOf(all []props) map[string]any {
	out := map[string]any{}
	for _, c := range all {
		variables, _ := out[c.text("test")].(map[string]any)
		if variables == nil {
			variables = map[string]any{}
			out[c.text("test")] = variables
		}
		values := c.strings("values")
		if len(values) == 1 {
			variables[c.text("variable")] = values[0]
		} else {
			variables[c.text("variable")] = values
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
