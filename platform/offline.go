package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/carepath/carepath/components/golambda"
)

type withoutLiveData struct{}

// WithoutLiveData returns a context with which the program asks nothing of AWS and builds nothing: it only says which resources
// there would be.
func WithoutLiveData(ctx context.Context) context.Context {
	return golambda.WithoutBuild(context.WithValue(ctx, withoutLiveData{}, true))
}

// HasLiveData reports whether the program may ask AWS.
func HasLiveData(ctx context.Context) bool { return ctx.Value(withoutLiveData{}) == nil }

// Offline returns the values of the file for a run of the program without live data, and what stands in, a sentence each, for what
// only the engine knows: encrypted values have their default, and what an imported environment must give has an example. A file
// with problems is a *ConfigError.
func (f *StackFile) Offline(stack string) (values map[string]string, assumptions []string, err error) {
	settings, err := f.Check()
	if err != nil {
		return nil, nil, err
	}
	values = map[string]string{}
	for key, value := range f.Values {
		values[key] = value
	}
	examples := map[string]string{KeyEnvironment: stack, KeyRegion: "us-east-1", KeyAccountID: "123456789012"}
	for _, s := range settings {
		key, members, isMember := strings.Cut(s.Path, ".")
		switch {
		case s.Required && (s.Secret || !s.Given):
			values[key] = examples[key]
			assumptions = append(assumptions, fmt.Sprintf("%s is not in the file or encrypted: %q stands for it.", key, examples[key]))
		case s.Secret && !isMember:
			delete(values, key)
		case s.Secret:
			if values[key], err = without(values[key], strings.Split(members, ".")); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		if s.Path == keyPlatform+".apiGatewayAccount" && s.Value == AccountWhereAbsent && values[KeyEnvironment] != LocalEnvironment {
			assumptions = append(assumptions, "API Gateway's settings of the account are not asked: no role for access logs is assumed, so the stack sets one.")
		}
		if s.Secret && !s.Required {
			assumptions = append(assumptions, s.Path+" is encrypted: its default stands for it.")
		}
	}
	return values, assumptions, nil
}

// without takes a member from the text of an object.
func without(text string, path []string) (string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", err
	}
	if len(path) == 1 {
		delete(object, path[0])
	} else {
		inner, err := without(string(object[path[0]]), path[1:])
		if err != nil {
			return "", err
		}
		object[path[0]] = json.RawMessage(inner)
	}
	left, err := json.Marshal(object)
	return string(left), err
}
