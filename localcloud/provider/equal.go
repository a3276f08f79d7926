package provider

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
)

// equal reports whether two values of a property mean the same to AWS. A zero value means the same as none, and none the
// same as the default.
func equal(p *property, a, b any) bool {
	if p.byDefault != nil {
		a, b = orDefault(p, a), orDefault(p, b)
	}
	if _, is := a.(unknown); is {
		return false
	}
	if _, is := b.(unknown); is {
		return false
	}
	if isZero(a) && isZero(b) {
		return true
	}
	if p.same != nil && a != nil && b != nil {
		return p.same(a, b)
	}
	switch p.kind {
	case kindJSON:
		return sameJSON(a, b)
	case kindPolicy:
		return samePolicy(a, b)
	case kindArchive:
		x, isX := a.(*archive.Archive)
		y, isY := b.(*archive.Archive)
		return isX && isY && x.Equals(y)
	case kindList:
		x, y := asList(a), asList(b)
		return slices.EqualFunc(x, y, func(a, b any) bool { return equal(p.elem, a, b) })
	case kindSet:
		added, removed := setDifference(p.elem, asList(a), asList(b))
		return len(added)+len(removed) == 0
	case kindMap:
		return reflect.DeepEqual(stringsOf(a), stringsOf(b)) && !hasUnknown(a) && !hasUnknown(b)
	case kindObject:
		x, y := asObject(a), asObject(b)
		for _, f := range p.fields {
			if !equal(f, x[f.name], y[f.name]) && !(f.computed && (x[f.name] == nil || y[f.name] == nil)) {
				return false
			}
		}
		return true
	}
	return a == b
}

func orDefault(p *property, v any) any {
	if v == nil {
		return normal(p.byDefault)
	}
	return v
}

// normal gives a default the form of a decoded value.
func normal(v any) any { return toPlain(fromPlain(v)) }

func asList(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	var all []any
	for _, s := range asStrings(v) {
		all = append(all, s)
	}
	return all
}

func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case []string:
		return len(v) == 0
	case map[string]string:
		return len(v) == 0
	case props:
		return isZero(map[string]any(v))
	case map[string]any:
		for _, e := range v {
			if !isZero(e) {
				return false
			}
		}
		return true
	}
	return false
}

// setDifference returns the indices of y's elements that x lacks, and of x's that y lacks.
func setDifference(elem *property, x, y []any) (added, removed []int) {
	taken := make([]bool, len(x))
next:
	for i, e := range y {
		for j, f := range x {
			if !taken[j] && equal(elem, f, e) {
				taken[j] = true
				continue next
			}
		}
		added = append(added, i)
	}
	for j := range x {
		if !taken[j] {
			removed = append(removed, j)
		}
	}
	return added, removed
}

func sameJSON(a, b any) bool {
	x, y, ok := parseBoth(a, b)
	return ok && reflect.DeepEqual(x, y)
}

func samePolicy(a, b any) bool {
	x, y, ok := parseBoth(a, b)
	return ok && reflect.DeepEqual(normalPolicy(x), normalPolicy(y))
}

func parseBoth(a, b any) (x, y any, ok bool) {
	s, isS := a.(string)
	t, isT := b.(string)
	if !isS || !isT {
		return nil, nil, false
	}
	x, errX := parseJSON(s)
	y, errY := parseJSON(t)
	return x, y, errX == nil && errY == nil
}

// normalPolicy brings a policy document into one form: single values as lists, lists that are sets sorted, statements
// in an order that does not depend on how they were written.
func normalPolicy(v any) any {
	document, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for key, e := range document {
		if key != "Statement" {
			out[key] = e
			continue
		}
		statements, isList := e.([]any)
		if !isList {
			statements = []any{e}
		}
		var texts []string
		for _, s := range statements {
			texts = append(texts, compactJSON(normalStatement(s)))
		}
		slices.Sort(texts)
		out[key] = texts
	}
	return out
}

var accountRoot = regexp.MustCompile(`^arn:aws:iam::(\d{12}):root$`)

func normalStatement(v any) any {
	statement, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for key, e := range statement {
		switch key {
		case "Action", "NotAction", "Resource", "NotResource":
			out[key] = sortedList(e)
		case "Principal", "NotPrincipal":
			if e == "*" {
				e = map[string]any{"AWS": "*"}
			}
			out[key] = mapValues(e, func(v any) any {
				all := sortedList(v)
				for i, s := range all {
					if m := accountRoot.FindStringSubmatch(s); m != nil {
						all[i] = m[1]
					}
				}
				return all
			})
		case "Condition":
			out[key] = mapValues(e, func(test any) any { return mapValues(test, func(v any) any { return sortedList(v) }) })
		default:
			out[key] = e
		}
	}
	return out
}

func mapValues(v any, f func(any) any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for k, e := range m {
		out[k] = f(e)
	}
	return out
}

// sortedList reads a string, number or boolean, or a list of these, as policies write them alike.
func sortedList(v any) []string {
	values, isList := v.([]any)
	if !isList {
		values = []any{v}
	}
	all := make([]string, 0, len(values))
	for _, e := range values {
		switch e := e.(type) {
		case string:
			all = append(all, e)
		case json.Number:
			all = append(all, e.String())
		default:
			all = append(all, compactJSON(e))
		}
	}
	slices.Sort(all)
	return all
}
