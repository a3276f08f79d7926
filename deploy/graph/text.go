package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// WriteText writes the whole graph for people to read and to compare: the same program and configuration give the same text.
func (g *Graph) WriteText(b *strings.Builder) {
	fmt.Fprintf(b, "stack %s: environment %s, region %s, account %s; %d resources, without live data\n", g.Stack, g.Environment, g.Region, g.AccountID, len(g.Resources))
	for _, a := range g.Assumptions {
		fmt.Fprintf(b, "assumed: %s\n", a)
	}
	for _, r := range g.Resources {
		if r.Parent == "" {
			r.write(b, 0)
		}
	}
}

// String is the text of WriteText.
func (g *Graph) String() string {
	var b strings.Builder
	g.WriteText(&b)
	return b.String()
}

func (r *Resource) write(b *strings.Builder, depth int) {
	indent := strings.Repeat("  ", depth)
	fmt.Fprintf(b, "%s%s %s\n", indent, r.Type, r.Name)
	for _, line := range r.Options.lines() {
		fmt.Fprintf(b, "%s    [%s]\n", indent, line)
	}
	values := r.Plain()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(b, "%s    %s: %s\n", indent, key, strings.ReplaceAll(readable(values[key]), "\n", "\n"+indent+"    "))
	}
	for _, child := range r.Children {
		child.write(b, depth+1)
	}
}

// lines are the options that differ from Pulumi's defaults. What the inputs refer to is left out: they show it.
func (o *Options) lines() []string {
	var lines []string
	for _, flag := range []struct {
		name string
		set  bool
	}{{"protect", o.Protect}, {"retainOnDelete", o.RetainOnDelete}, {"deleteBeforeReplace", o.DeleteBeforeReplace}} {
		if flag.set {
			lines = append(lines, flag.name)
		}
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"ignoreChanges", o.IgnoreChanges}, {"replaceOnChanges", o.ReplaceOnChanges}, {"aliases", o.Aliases}} {
		if len(list.values) > 0 {
			lines = append(lines, list.name+" "+strings.Join(list.values, ", "))
		}
	}
	if o.DeletedWith != "" {
		lines = append(lines, "deletedWith "+o.DeletedWith)
	}
	return lines
}

// readable is a value as JSON; a text that is a JSON document itself is spread over lines.
func readable(v any) string {
	if text, ok := v.(string); ok {
		var document bytes.Buffer
		if strings.HasPrefix(text, "{") && json.Indent(&document, []byte(text), "", "  ") == nil {
			return document.String()
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(b.String())
}

// MarshalJSON gives the graph's members and resources; the resources are in the graph's order.
func (g *Graph) MarshalJSON() ([]byte, error) {
	all := []resourceJSON{}
	for _, r := range g.Resources {
		one := resourceJSON{Type: r.Type, Name: r.Name, URN: r.URN, Parent: r.Parent, Existing: r.Existing, Provider: r.Provider, Inputs: r.Plain(), Options: r.Options}
		if c := g.Component(r); c != nil {
			one.Component = c.Name
		}
		all = append(all, one)
	}
	return json.Marshal(struct {
		Stack       string         `json:"stack"`
		Environment string         `json:"environment"`
		Region      string         `json:"region"`
		AccountID   string         `json:"accountId"`
		LiveData    bool           `json:"liveData"`
		Assumptions []string       `json:"assumptions,omitempty"`
		Resources   []resourceJSON `json:"resources"`
	}{g.Stack, g.Environment, g.Region, g.AccountID, false, g.Assumptions, all})
}

type resourceJSON struct {
	Type      string         `json:"type"`
	Name      string         `json:"name"`
	URN       string         `json:"urn"`
	Component string         `json:"component,omitempty"` // the outermost one that holds it
	Parent    string         `json:"parent,omitempty"`
	Existing  bool           `json:"existing,omitempty"`
	Provider  string         `json:"provider,omitempty"`
	Inputs    map[string]any `json:"inputs"`
	Options   Options        `json:"options"`
}
