package eventbridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// step is a part of a path: a name or, without one, a place in an array.
type step struct {
	name  string
	index int
}

// parsePath reads a path of the kind that InputPath and InputPathsMap take: $, with names and places behind it.
func parsePath(path string) ([]step, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, fmt.Errorf("the path %q does not begin with $", path)
	}
	var steps []step
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

// follow returns what is at a path, and false if nothing is.
func follow(v any, steps []step) (any, bool) {
	for _, st := range steps {
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

// hasMember says whether a JSON object has a member.
func hasMember(text []byte, name string) (bool, error) {
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return false, err
	}
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return false, errors.New("it is not an object")
	}
	_, has := o.Get(name)
	return has, nil
}

// reserved are the variables that every template has.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html#eb-transform-input-predefined
var reserved = map[string]func(s *Service, r *rule, ev *event, whole *jsonvalue.Object) any{
	"aws.events.rule-arn":             func(s *Service, r *rule, _ *event, _ *jsonvalue.Object) any { return s.ruleARN(r.Bus, r.Name) },
	"aws.events.rule-name":            func(_ *Service, r *rule, _ *event, _ *jsonvalue.Object) any { return r.Name },
	"aws.events.event.ingestion-time": func(_ *Service, _ *rule, ev *event, _ *jsonvalue.Object) any { return ev.Ingested.Format(time.RFC3339) },
	"aws.events.event.json":           func(_ *Service, _ *rule, _ *event, whole *jsonvalue.Object) any { return whole },
	"aws.events.event": func(_ *Service, _ *rule, _ *event, whole *jsonvalue.Object) any {
		o := &jsonvalue.Object{} // without the detail, and with another name
		for name, v := range whole.All() {
			switch name {
			case "detail":
			case "detail-type":
				o.Set("detailType", v)
			default:
				o.Set(name, v)
			}
		}
		return o
	},
}

// variables yields the parts of a template: text, and variables by their names.
func variables(template string, yield func(text, variable string)) {
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

func checkTransformer(t *Target) error {
	x := t.InputTransformer
	if x == nil {
		return nil
	}
	for name, path := range x.InputPathsMap {
		if _, err := parsePath(path); err != nil {
			return invalid("InputPathsMap for target %s contains an invalid path for %s.", t.ID, name)
		}
		if strings.HasPrefix(strings.ToUpper(name), "AWS") {
			return invalid("InputPathsMap for target %s contains the reserved name %s: names must not begin with AWS.", t.ID, name)
		}
	}
	var unknown []string
	variables(x.InputTemplate, func(_, name string) {
		if _, mapped := x.InputPathsMap[name]; name != "" && !mapped && reserved[name] == nil {
			unknown = append(unknown, name)
		}
	})
	if len(unknown) > 0 {
		return invalid("InputTemplate for target %s contains invalid placeholder %s.", t.ID, unknown[0])
	}
	return nil
}

// input is what a target gets of an event.
func (s *Service) input(r *rule, t *Target, ev *event) (string, error) {
	switch {
	case t.Input != "":
		return t.Input, nil
	case t.InputPath == "" && t.InputTransformer == nil, t.InputPath == "$":
		return string(ev.text), nil
	}
	v, err := jsonvalue.Parse(ev.text)
	if err != nil {
		return "", fmt.Errorf("reading the event %s: %w", ev.ID, err)
	}
	whole, _ := v.(*jsonvalue.Object)
	if t.InputTransformer != nil {
		return s.transform(r, t.InputTransformer, ev, whole)
	}
	steps, err := parsePath(t.InputPath)
	if err != nil {
		return "", err
	}
	part, _ := follow(whole, steps) // nothing is null
	return jsonvalue.Text(part), nil
}

// transform fills a template. A variable outside quotes becomes JSON; within quotes a string becomes its text, unescaped as
// on AWS, and other values become their JSON without its quotes. What is not there is an empty string.
func (s *Service) transform(r *rule, x *InputTransformer, ev *event, whole *jsonvalue.Object) (string, error) {
	var b strings.Builder
	quoted := false
	variables(x.InputTemplate, func(text, name string) {
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
		var v any = ""
		if f := reserved[name]; f != nil {
			v = f(s, r, ev, whole)
		} else if steps, err := parsePath(x.InputPathsMap[name]); err == nil {
			if found, ok := follow(whole, steps); ok {
				v = found
			}
		}
		plain, isText := v.(string)
		switch {
		case !quoted:
			b.WriteString(jsonvalue.Text(v))
		case isText:
			b.WriteString(plain)
		default:
			b.WriteString(strings.ReplaceAll(jsonvalue.Text(v), `"`, ""))
		}
	})
	out := b.String()
	if begins := strings.TrimLeft(out, " \t\r\n"); (strings.HasPrefix(begins, "{") || strings.HasPrefix(begins, "[")) && !json.Valid([]byte(out)) {
		return "", &failure{"INVALID_JSON", "The input template does not result in valid JSON.", false}
	}
	return out, nil
}
