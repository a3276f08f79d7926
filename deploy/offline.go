package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/deploy/cost"
	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/deploy/policies"
)

// Offline is what a stack consists of, told without an account: what is deployed already is not known, so it says no changes.
type Offline struct {
	Graph *graph.Graph
	// Policies is what is against the policies: an Up refuses it.
	Policies *policies.Report
	Cost     *cost.Estimate // of all of it
	Seconds  float64
}

// PreviewOffline says what a stack consists of, without an account, an engine or a build. A configuration with problems is an *Error
// with CodeUsage whose cause is a *platform.ConfigError with all of them.
func (p *Project) PreviewOffline(ctx context.Context, stack string) (*Offline, error) {
	start := time.Now()
	c, err := p.Configuration(stack)
	if err != nil {
		return nil, err
	}
	g, err := c.graph(ctx, stack)
	if err != nil {
		return nil, err
	}
	report, err := c.policies(g)
	if err != nil {
		return nil, err
	}
	estimate, err := p.priced(g, CostOptions{})
	if err != nil {
		return nil, err
	}
	return &Offline{Graph: g, Policies: report, Cost: estimate, Seconds: time.Since(start).Seconds()}, nil
}

// MarshalJSON gives the graph's members and those of what is said about it.
func (o *Offline) MarshalJSON() ([]byte, error) {
	g, err := json.Marshal(o.Graph)
	if err != nil {
		return nil, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(g, &members); err != nil {
		return nil, err
	}
	for name, value := range map[string]any{"cost": o.Cost, "policies": o.Policies, "seconds": o.Seconds} {
		if members[name], err = json.Marshal(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(members)
}

// Refused is the error with which an Up would refuse what is against the policies; nil if it would not.
func (o *Offline) Refused() error {
	return againstPolicies("deploying the stack "+o.Graph.Stack, o.Graph.Stack, o.Policies)
}

// Summary says it in a line.
func (o *Offline) Summary() string {
	protected := 0
	for _, r := range o.Graph.Resources {
		if r.Options.Protect && !r.Component {
			protected++
		}
	}
	return fmt.Sprintf("%d resources, %d protected; environment %s, region %s, account %s; without live data", o.Graph.Made(), protected,
		o.Graph.Environment, o.Graph.Region, o.Graph.AccountID)
}

// Text lists the resources by the component that holds them.
func (o *Offline) Text() string {
	var b strings.Builder
	for _, c := range o.Graph.Components() {
		fmt.Fprintf(&b, "%s (%d)\n", c.Title(), len(c.Resources))
		for _, r := range c.Resources {
			mark := ""
			if r.Options.Protect {
				mark = "  protected"
			}
			fmt.Fprintf(&b, "  %-44s %s%s\n", r.Type, r.Name, mark)
		}
	}
	for _, a := range o.Graph.Assumptions {
		fmt.Fprintf(&b, "assumed: %s\n", a)
	}
	b.WriteString(policyLines(o.Policies))
	fmt.Fprintf(&b, "cost: %s\n", o.Cost.Summary())
	return b.String()
}

// Markdown is the same as a page of at most limit bytes, 1000 at least: what each component consists of, and the resources folded.
func (o *Offline) Markdown(limit int) string {
	p := &page{limit: max(limit, 1000)}
	fmt.Fprintf(p, "### Resources of `%s`: %s\n", o.Graph.Stack, cell(o.Summary()))
	for _, a := range o.Graph.Assumptions {
		fmt.Fprintf(p, "\n> %s\n", cell(a))
	}
	p.policies(o.Policies)
	fmt.Fprintf(p, "\n**Cost:** %s.\n", cell(o.Cost.Summary()))
	var components, resources []string
	for _, c := range o.Graph.Components() {
		types := map[string]int{}
		for _, r := range c.Resources {
			types[r.Type[strings.LastIndex(r.Type, ":")+1:]]++
			protected := ""
			if r.Options.Protect {
				protected = "protected"
			}
			resources = append(resources, fmt.Sprintf("| %s | %s | %s | %s |\n", code(c.Name), code(r.Type), code(r.Name), protected))
		}
		var counts []string
		for _, kind := range slices.Sorted(maps.Keys(types)) {
			counts = append(counts, fmt.Sprintf("%d %s", types[kind], kind))
		}
		components = append(components, fmt.Sprintf("| %s | %d | %s |\n", code(c.Title()), len(c.Resources), cell(strings.Join(counts, ", "))))
	}
	p.table("\n| component | resources | |\n|---|---|---|\n", components)
	p.folded(fmt.Sprintf("%d resources", len(resources)), "| component | type | name | |\n|---|---|---|---|\n", resources)
	return p.String()
}

// PolicyText is what the policies say of the stack, what refuses it left out: Refused says that.
func (o *Offline) PolicyText() string { return policyLines(o.Policies) }
