package asl

import (
	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// referencePath is a ResultPath: it names one place of a document
// (https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html).
type referencePath struct {
	source string
	steps  []jsonpath.Step // empty for the whole document
}

// isReference reports whether a JSONPath has only names and single indices.
func isReference(p *jsonpath.Path) bool {
	for _, s := range p.Steps() {
		if s.Kind != jsonpath.Name && s.Kind != jsonpath.Index {
			return false
		}
	}
	return true
}

// set returns the document with a value in the path's place; the document itself stays as it is. Missing objects on
// the way are made; a place inside a string, a number or beyond an array's end cannot be had.
func (r *referencePath) set(doc, value any) (any, bool) {
	if len(r.steps) == 0 {
		return value, true
	}
	return setSteps(r.steps, doc, value)
}

func setSteps(steps []jsonpath.Step, doc, value any) (any, bool) {
	if len(steps) == 0 {
		return value, true
	}
	s := &steps[0]
	if s.Kind == jsonpath.Index {
		a, ok := doc.(*jsonvalue.Array)
		n := s.Indices[0]
		if !ok || n < 0 || n >= len(a.Items) {
			return nil, false
		}
		item, ok := setSteps(steps[1:], a.Items[n], value)
		if !ok {
			return nil, false
		}
		changed := &jsonvalue.Array{Items: append([]any(nil), a.Items...)}
		changed.Items[n] = item
		return changed, true
	}
	o, ok := doc.(*jsonvalue.Object)
	if !ok {
		return nil, false
	}
	name := s.Names[0]
	old, found := o.Get(name)
	if !found {
		old = emptyObject
	}
	member, ok := setSteps(steps[1:], old, value)
	if !ok {
		return nil, false
	}
	changed := jsonvalue.NewObject(o.Members()...)
	changed.Set(name, member)
	return changed, true
}
