package asl

import (
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// template is a compiled payload template: Parameters, ResultSelector, ItemSelector or Assign
// (https://docs.aws.amazon.com/step-functions/latest/dg/input-output-inputpath-params.html). A member whose name ends
// in ".$" has a path or an intrinsic function for its value.
type template struct {
	literal any             // the value when nothing in it is to be evaluated
	members []templateEntry // of an object
	items   []*template     // of an array
	kind    templateKind
}

type templateKind uint8

const (
	literalTemplate templateKind = iota
	objectTemplate
	arrayTemplate
)

type templateEntry struct {
	name  string    // as in the output
	field string    // as in the definition
	value *path     // of a member ".$"
	inner *template // of another one
}

// compileTemplate compiles a template. bad is called for each member ".$" that is neither path nor function.
func compileTemplate(v any, bad func(field string)) *template {
	switch v := v.(type) {
	case *jsonvalue.Object:
		t := &template{kind: objectTemplate, members: make([]templateEntry, 0, v.Len())}
		dynamic := false
		for name, value := range v.All() {
			entry := templateEntry{name: name, field: name}
			if trimmed, found := strings.CutSuffix(name, ".$"); found {
				dynamic = true
				entry.name = trimmed
				text, _ := value.(string)
				compiled, err := compileValue(text)
				if err != nil {
					bad(name)
				}
				entry.value = compiled
			} else {
				entry.inner = compileTemplate(value, bad)
				dynamic = dynamic || entry.inner.kind != literalTemplate
			}
			t.members = append(t.members, entry)
		}
		if dynamic {
			return t
		}
	case *jsonvalue.Array:
		t := &template{kind: arrayTemplate, items: make([]*template, len(v.Items))}
		dynamic := false
		for i, item := range v.Items {
			t.items[i] = compileTemplate(item, bad)
			dynamic = dynamic || t.items[i].kind != literalTemplate
		}
		if dynamic {
			return t
		}
	}
	return &template{literal: v}
}

// evaluate makes the template's value. What is literal in it is shared with the definition.
func (t *template) evaluate(env *environment) (any, *failure) {
	switch t.kind {
	case objectTemplate:
		o := &jsonvalue.Object{}
		for i := range t.members {
			entry := &t.members[i]
			v, f := entry.evaluate(env)
			if f != nil {
				return nil, f
			}
			o.Set(entry.name, v)
		}
		return o, nil
	case arrayTemplate:
		a := &jsonvalue.Array{Items: make([]any, len(t.items))}
		for i, item := range t.items {
			v, f := item.evaluate(env)
			if f != nil {
				return nil, f
			}
			a.Items[i] = v
		}
		return a, nil
	}
	return t.literal, nil
}

func (e *templateEntry) evaluate(env *environment) (any, *failure) {
	if e.inner != nil {
		return e.inner.evaluate(env)
	}
	v, err := e.value.eval(env)
	if err != nil {
		return nil, evaluationFailure(e.value, err, func(string) *failure {
			doc, docErr := e.value.document(env)
			if docErr != nil {
				doc = env.input
			}
			return runtimeFailure("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
				e.value.source, e.field, jsonvalue.Text(doc))
		})
	}
	return v, nil
}
