package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Drift is how what is deployed differs from what Pulumi deployed.
type Drift struct {
	Stack     string    `json:"stack"`
	Resources []Drifted `json:"resources"` // those that differ, by URN
	Checked   int       `json:"checked"`   // resources that were looked at
	Seconds   float64   `json:"seconds"`
}

// Drifted is a resource that somebody has changed or deleted behind Pulumi's back.
type Drifted struct {
	URN  string `json:"urn"`
	Type string `json:"type"`
	Name string `json:"name"`
	ID   string `json:"id"`
	// Op is "changed" or "deleted".
	Op          string       `json:"op"`
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is a property that differs. Secret values are "[secret]".
type Difference struct {
	Property string `json:"property"` // a path, such as "tags.owner" or "rules[0].name"
	Deployed any    `json:"deployed"` // as Pulumi deployed it; nil if it did not
	Found    any    `json:"found"`    // as it is; nil if it is not there
}

// Drift asks AWS how everything is that the stack has deployed, and changes nothing, not the state either.
func (s *Stack) Drift(ctx context.Context) (*Drift, error) {
	d := &Drift{Stack: s.name, Resources: []Drifted{}}
	start := time.Now()
	result, err := s.run(ctx, "looking for drift of the stack "+s.name, func(ch chan<- events.EngineEvent) error {
		_, err := s.stack.PreviewRefresh(ctx, optrefresh.EventStreams(ch), optrefresh.SuppressProgress())
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, m := range result.refreshed {
		if m.Old == nil || !m.Old.Custom {
			continue
		}
		d.Checked++
		r := Drifted{URN: m.URN, Type: m.Type, Name: urnName(m.URN), ID: m.Old.ID, Op: "changed"}
		switch {
		case m.Op == apitype.OpSame:
			continue
		case m.Op == apitype.OpDelete || m.New == nil:
			r.Op = "deleted"
		default:
			r.Differences = differences(m)
		}
		d.Resources = append(d.Resources, r)
	}
	slices.SortFunc(d.Resources, func(a, b Drifted) int { return strings.Compare(a.URN, b.URN) })
	d.Seconds = time.Since(start).Seconds()
	return d, nil
}

func differences(m apitype.StepEventMetadata) []Difference {
	paths := slices.Sorted(maps.Keys(m.DetailedDiff))
	if len(paths) == 0 {
		paths = slices.Sorted(slices.Values(m.Diffs))
	}
	all := make([]Difference, 0, len(paths))
	for _, path := range paths {
		before, after := m.Old.Outputs, m.New.Outputs
		if len(m.DetailedDiff) == 0 || m.DetailedDiff[path].InputDiff {
			before, after = m.Old.Inputs, m.New.Inputs
		}
		all = append(all, Difference{Property: path, Deployed: valueAt(before, path), Found: valueAt(after, path)})
	}
	return all
}

// valueAt is the value at a property's path; nil if there is none.
func valueAt(properties map[string]any, path string) any {
	parsed, err := resource.ParsePropertyPath(path)
	if err != nil {
		return nil
	}
	value, ok := parsed.Get(resource.NewProperty(resource.NewPropertyMapFromMap(properties)))
	if !ok || value.IsNull() {
		return nil
	}
	return value.Mappable()
}
