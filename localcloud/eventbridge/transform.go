package eventbridge

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/inputtemplate"
	"github.com/carepath/carepath/lang/jsonvalue"
)

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

func checkTransformer(t *Target) error {
	x := t.InputTransformer
	if x == nil {
		return nil
	}
	for name, path := range x.InputPathsMap {
		if _, err := inputtemplate.ParsePath(path); err != nil {
			return invalid("InputPathsMap for target %s contains an invalid path for %s.", t.ID, name)
		}
		if strings.HasPrefix(strings.ToUpper(name), "AWS") {
			return invalid("InputPathsMap for target %s contains the reserved name %s: names must not begin with AWS.", t.ID, name)
		}
	}
	var unknown []string
	inputtemplate.Variables(x.InputTemplate, func(name string) {
		if _, mapped := x.InputPathsMap[name]; !mapped && reserved[name] == nil {
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
	steps, err := inputtemplate.ParsePath(t.InputPath)
	if err != nil {
		return "", err
	}
	part, _ := steps.Follow(whole) // nothing is null
	return jsonvalue.Text(part), nil
}

// transform fills a template. What is not there is an empty string.
func (s *Service) transform(r *rule, x *InputTransformer, ev *event, whole *jsonvalue.Object) (string, error) {
	out := inputtemplate.Fill(x.InputTemplate, func(name string) any {
		if f := reserved[name]; f != nil {
			return f(s, r, ev, whole)
		}
		if path, err := inputtemplate.ParsePath(x.InputPathsMap[name]); err == nil {
			if found, ok := path.Follow(whole); ok {
				return found
			}
		}
		return ""
	})
	if inputtemplate.Broken(out) {
		return "", &failure{"INVALID_JSON", "The input template does not result in valid JSON.", false}
	}
	return out, nil
}
