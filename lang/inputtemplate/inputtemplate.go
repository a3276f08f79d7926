// Package inputtemplate is what the input transformers of EventBridge's rules and pipes have in common: paths into a JSON
// value and templates with variables between < and >.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html
package inputtemplate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// step is a part of a path: a name or, without one, a place in an array.
type step struct {
	name  string
	index int
}

// Path is a path into a JSON value: $, with names and places of arrays behind it. Make it with ParsePath.
type Path []step

// ParsePath reads a path such as $.detail.items[0]['a name'].
func ParsePath(path string) (Path, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, fmt.Errorf("the path %q does not begin with $", path)
	}
	var steps Path
	for rest != "" {
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			if end == 0 {
				return nil, fmt.Errorf("the path %q has an empty name", path)
			}
			steps, rest = append(steps, step{name: rest[1 : 1+end]}), rest[1+end:]
		case rest[0] == '[':
			inside, after, closed := strings.Cut(rest[1:], "]")
			if !closed {
				return nil, fmt.Errorf("the path %q has an open bracket", path)
			}
			if n := len(inside); n >= 2 && (inside[0] == '\'' || inside[0] == '"') && inside[n-1] == inside[0] {
				steps = append(steps, step{name: inside[1 : n-1]})
			} else if i, err := strconv.Atoi(inside); err == nil && i >= 0 {
				steps = append(steps, step{index: i})
			} else {
				return nil, fmt.Errorf("the path %q has a bracket that is neither a place nor a name", path)
			}
			rest = after
		default:
			return nil, fmt.Errorf("the path %q is not understood at %q", path, rest)
		}
	}
	return steps, nil
}

// Follow returns what is at the path in a value of package jsonvalue, and false if nothing is.
func (p Path) Follow(v any) (any, bool) {
	for _, st := range p {
		switch at := v.(type) {
		case *jsonvalue.Object:
			var ok bool
			if v, ok = at.Get(st.name); !ok || st.name == "" {
				return nil, false
			}
		case *jsonvalue.Array:
			if st.name != "" || st.index >= at.Len() {
				return nil, false
			}
			v = at.Items[st.index]
		default:
			return nil, false
		}
	}
	return v, true
}

// Variables calls f with each variable of a template, by its name.
func Variables(template string, f func(variable string)) {
	parts(template, func(_, name string) {
		if name != "" {
			f(name)
		}
	})
}

// parts yields a template's text, and the variable behind it if there is one.
func parts(template string, yield func(text, variable string)) {
	for {
		before, after, ok := strings.Cut(template, "<")
		name, rest, closed := strings.Cut(after, ">")
		if !ok || !closed {
			yield(template, "")
			return
		}
		yield(before, name)
		template = rest
	}
}

// Fill returns a template with values of package jsonvalue in place of its variables. A variable outside quotes becomes JSON;
// within quotes a string becomes its text, unescaped as on AWS, and other values become their JSON without its quotes.
func Fill(template string, value func(variable string) any) string {
	var b strings.Builder
	quoted := false
	parts(template, func(text, name string) {
		for i := 0; i < len(text); i++ {
			switch {
			case text[i] == '\\' && quoted:
				i++
			case text[i] == '"':
				quoted = !quoted
			}
		}
		b.WriteString(text)
		if name == "" {
			return
		}
		v := value(name)
		plain, isText := v.(string)
		switch {
		case !quoted:
			b.WriteString(jsonvalue.Text(v))
		case isText:
			b.WriteString(plain)
		default:
			b.WriteString(Unquoted(v))
		}
	})
	return b.String()
}

// Unquoted returns a value's JSON without its quotes, as AWS puts objects and arrays into text.
func Unquoted(v any) string { return strings.ReplaceAll(jsonvalue.Text(v), `"`, "") }

// Broken reports whether a text that begins as a JSON object or array is not one.
func Broken(text string) bool {
	begins := strings.TrimLeft(text, " \t\r\n")
	return (strings.HasPrefix(begins, "{") || strings.HasPrefix(begins, "[")) && !json.Valid([]byte(text))
}
