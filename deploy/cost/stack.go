package cost

import (
	"strings"

	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// shared is the component of what belongs to no other.
const shared = "shared"

// OfGraph estimates what a stack costs that is described without an account.
func OfGraph(g *graph.Graph, usage platform.UsageConfig, prices Prices) *Estimate {
	var resources []Resource
	for _, r := range g.Resources {
		if r.Existing {
			continue // it is somebody else's
		}
		one := Resource{URN: r.URN, Type: r.Type, Name: r.Name, Component: shared, Inputs: r.Plain()}
		if c := g.Component(r); c != nil {
			one.Component = c.Name
		}
		resources = append(resources, one)
	}
	return Of(g.Stack, g.Region, resources, usage, prices)
}

// State is what the engine knows of a resource: of one that is deployed or of one that would be.
type State struct {
	URN    string
	Parent string
	Inputs map[string]any
}

// FromStates are the resources of a stack as the engine knows them. What it does not know yet, and what is secret, is left out of the
// inputs.
func FromStates(states []State) []Resource {
	parents := map[string]string{}
	for _, s := range states {
		parents[s.URN] = s.Parent
	}
	var resources []Resource
	for _, s := range states {
		urn := resource.URN(s.URN)
		one := Resource{URN: s.URN, Type: string(urn.Type()), Name: urn.Name(), Component: shared}
		for parent := s.Parent; parent != ""; parent = parents[parent] {
			if strings.HasPrefix(string(resource.URN(parent).Type()), "carepath:") {
				one.Component = resource.URN(parent).Name()
			}
		}
		if inputs, ok := known(s.Inputs).(map[string]any); ok {
			one.Inputs = inputs
		}
		resources = append(resources, one)
	}
	return resources
}

// FromDeployment are the resources of a stack's state.
func FromDeployment(deployed []apitype.ResourceV3) []Resource {
	var states []State
	for _, r := range deployed {
		if !r.Delete && !r.External {
			states = append(states, State{URN: string(r.URN), Parent: string(r.Parent), Inputs: r.Inputs})
		}
	}
	return FromStates(states)
}

// FromSteps are the resources that a stack would have after the steps of a preview.
func FromSteps(steps []apitype.StepEventMetadata) []Resource {
	var states []State
	seen := map[string]bool{}
	for _, s := range steps {
		switch s.Op {
		case apitype.OpDelete, apitype.OpDeleteReplaced, apitype.OpReadDiscard, apitype.OpDiscardReplaced, apitype.OpRead, apitype.OpReadReplacement, apitype.OpRemovePendingReplace:
			continue
		}
		if s.New == nil || seen[s.URN] {
			continue // a replacement comes in parts
		}
		seen[s.URN] = true
		states = append(states, State{URN: s.URN, Parent: s.New.Parent, Inputs: s.New.Inputs})
	}
	return FromStates(states)
}

// known takes from a value what the engine does not know yet and what is secret.
func known(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, special := v[resource.SigKey]; special {
			return nil
		}
		object := map[string]any{}
		for name, value := range v {
			if value = known(value); value != nil {
				object[name] = value
			}
		}
		return object
	case []any:
		array := make([]any, len(v))
		for i, value := range v {
			array[i] = known(value)
		}
		return array
	case string:
		if v == plugin.UnknownStringValue || v == plugin.UnknownBoolValue || v == plugin.UnknownNumberValue {
			return nil
		}
	}
	return v
}
