package cognitoidp

import (
	"slices"
	"strings"
)

// complete takes the attributes that a user gives with the first password of his own, "userAttributes.<name>", and checks that
// none is missing that the pool requires.
func (u *user) complete(now *settings, c *UserPoolClient, answers map[string]string) error {
	var names []string
	for key := range answers {
		if name, ok := strings.CutPrefix(key, userAttributes); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		a, value := now.attributes[name], answers[userAttributes+name]
		switch {
		case a == nil:
			return invalid(badAttribute+"Type for attribute {%s} could not be determined", name)
		case len(c.WriteAttributes) > 0 && !slices.Contains(c.WriteAttributes, name), name == "sub", strings.HasSuffix(name, "_verified"):
			return notAuthorized("A client attempted to write unauthorized attribute")
		case u.attribute(name) != "" && (name == "email" || name == "phone_number" || !a.mutable()):
			return notAuthorized("Cannot modify an already provided %s", name)
		case value == "":
			continue
		}
		var wrong checks
		wrong.text("challengeResponses", value, 0, 2048, nil)
		if err := wrong.err(); err != nil {
			return err
		}
		if err := a.checkValue(value); err != nil {
			return err
		}
		u.set(name, value)
	}
	for _, name := range now.required {
		if u.attribute(name) == "" {
			return invalid("Invalid attributes given, %s is missing", name)
		}
	}
	return nil
}
