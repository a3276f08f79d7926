package provider

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// differ collects the differences between two sets of inputs, by property path.
type differ struct {
	detailed map[string]*pulumirpc.PropertyDiff
	replaces bool
}

// property compares one property. replace says that a property around it replaces the resource when it changes.
func (d *differ) property(p *property, path string, old, new any, replace bool) {
	if equal(p, old, new) || p.computed && new == nil {
		return
	}
	replace = replace || p.replace
	switch {
	case old == nil || new == nil || hasUnknown(old) && isScalarUnknown(old) || isScalarUnknown(new):
		d.add(path, old, new, replace)
	case p.kind == kindObject:
		x, y := asObject(old), asObject(new)
		for _, f := range p.fields {
			d.property(f, path+"."+f.name, x[f.name], y[f.name], replace)
		}
	case p.kind == kindMap:
		x, y := asObject(old), asObject(new)
		for _, k := range sortedKeys(x) {
			if y[k] == nil || y[k] != x[k] {
				d.add(path+"."+k, x[k], y[k], replace)
			}
		}
		for _, k := range sortedKeys(y) {
			if x[k] == nil {
				d.add(path+"."+k, nil, y[k], replace)
			}
		}
	case p.kind == kindList:
		x, y := asList(old), asList(new)
		for i := range max(len(x), len(y)) {
			at := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case i >= len(x):
				d.add(at, nil, y[i], replace)
			case i >= len(y):
				d.add(at, x[i], nil, replace)
			default:
				d.property(p.elem, at, x[i], y[i], replace)
			}
		}
	case p.kind == kindSet:
		added, removed := setDifference(p.elem, asList(old), asList(new))
		for _, i := range removed {
			d.add(fmt.Sprintf("%s[%d]", path, i), asList(old)[i], nil, replace)
		}
		for _, i := range added {
			d.add(fmt.Sprintf("%s[%d]", path, i), nil, asList(new)[i], replace)
		}
	default:
		d.add(path, old, new, replace)
	}
}

func isScalarUnknown(v any) bool { _, is := v.(unknown); return is }

func (d *differ) add(path string, old, new any, replace bool) {
	kind := pulumirpc.PropertyDiff_UPDATE
	switch {
	case old == nil:
		kind = pulumirpc.PropertyDiff_ADD
	case new == nil:
		kind = pulumirpc.PropertyDiff_DELETE
	}
	if earlier, twice := d.detailed[path]; twice && earlier.GetKind() != kind {
		kind = pulumirpc.PropertyDiff_UPDATE // an element of a set left and another came in its place
	}
	if replace {
		d.replaces = true
		switch kind {
		case pulumirpc.PropertyDiff_ADD:
			kind = pulumirpc.PropertyDiff_ADD_REPLACE
		case pulumirpc.PropertyDiff_DELETE:
			kind = pulumirpc.PropertyDiff_DELETE_REPLACE
		case pulumirpc.PropertyDiff_UPDATE:
			kind = pulumirpc.PropertyDiff_UPDATE_REPLACE
		}
	}
	d.detailed[path] = &pulumirpc.PropertyDiff{Kind: kind, InputDiff: true}
}

// diff compares what was wanted, or stands, with what is wanted now. defaults are the provider's default tags.
func (r *resourceType) diff(olds, oldInputs, news resource.PropertyMap, defaults map[string]string) *pulumirpc.DiffResponse {
	d := &differ{detailed: map[string]*pulumirpc.PropertyDiff{}}
	was, state, wanted := toProps(oldInputs), toProps(olds), toProps(news)
	tops := map[string]bool{}
	for _, p := range r.properties {
		if p.isOutput {
			continue
		}
		before, known := was[p.name]
		if !known {
			before = state[p.name]
		}
		n := len(d.detailed)
		d.property(p, p.name, before, wanted[p.name], r.update == nil || p.replaceWhen != nil && p.replaceWhen(was, wanted))
		if len(d.detailed) > n {
			tops[p.name] = true
		}
	}
	if r.tagged() && !tops["tags"] {
		all := r.property("tagsAll")
		if after := mergedTags(defaults, wanted["tags"]); !equal(all, state["tagsAll"], after) {
			n := len(d.detailed)
			d.property(all, all.name, state["tagsAll"], after, r.update == nil)
			if len(d.detailed) > n {
				tops["tagsAll"] = true
			}
		}
	}
	answer := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, DetailedDiff: d.detailed, HasDetailedDiff: true, Diffs: sortedKeys(tops),
	}
	if len(d.detailed) > 0 {
		answer.Changes = pulumirpc.DiffResponse_DIFF_SOME
	}
	if d.replaces {
		for _, path := range sortedKeys(d.detailed) {
			if isReplace(d.detailed[path].GetKind()) {
				answer.Replaces = append(answer.Replaces, path)
			}
		}
		answer.DeleteBeforeReplace = r.naming != nil && r.naming.needsDeleteFirst(olds, news)
	}
	return answer
}

func isReplace(k pulumirpc.PropertyDiff_Kind) bool {
	return k == pulumirpc.PropertyDiff_ADD_REPLACE || k == pulumirpc.PropertyDiff_DELETE_REPLACE || k == pulumirpc.PropertyDiff_UPDATE_REPLACE
}

// preview predicts the outputs of a creation (olds is nil) or of an update; what only AWS can tell is unknown.
func (r *resourceType) preview(olds, news resource.PropertyMap, defaults map[string]string) resource.PropertyMap {
	out := resource.PropertyMap{}
	wanted := toProps(news)
	for _, p := range r.properties {
		key := resource.PropertyKey(p.name)
		if v, given := news[key]; given && !p.isOutput {
			out[key] = v
			continue
		}
		if p.name == "tagsAll" {
			out[key] = fromPlain(mergedTags(defaults, wanted["tags"]))
			continue
		}
		if !p.isOutput && !p.computed {
			continue
		}
		old, had := olds[key]
		switch {
		case olds == nil || p.volatile != nil && r.changes(p.volatile, olds, wanted):
			out[key] = resource.MakeComputed(resource.NewProperty(""))
		case had:
			out[key] = old
		}
	}
	return out
}

// changes reports whether one of the named inputs changes; without names, true.
func (r *resourceType) changes(names []string, olds resource.PropertyMap, wanted props) bool {
	for _, name := range names {
		if !equal(r.property(name), toPlain(olds[resource.PropertyKey(name)]), wanted[name]) {
			return true
		}
	}
	return len(names) == 0
}
