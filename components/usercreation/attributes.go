package usercreation

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Attribute is a member that consumers add to the request. It is kept in the profile, under its own name.
type Attribute struct {
	// Name of the request's member and of the item's attribute: letters and digits, a lower-case letter first. Required.
	Name string `json:"name"`
	// MaxLength in characters, 1 to 2048. Required.
	MaxLength int `json:"maxLength"`
	// Required says that a request without it is refused. Default: false.
	Required bool `json:"required"`
}

var attributeName = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,63}$`)

// ownMembers are the request's members without those that consumers add, and the answer's.
var ownMembers = []string{"firstName", "lastName", "emailAddress", "phoneNumber", "userId"}

const (
	maxAttributes      = 20
	maxAttributeLength = 2048
)

// CheckAttributes returns everything that is wrong with a list of attributes.
func CheckAttributes(attributes []Attribute) error {
	var problems []error
	if len(attributes) > maxAttributes {
		problems = append(problems, fmt.Errorf("Attributes: at most %d, got %d", maxAttributes, len(attributes)))
	}
	names := slices.Clone(ownMembers)
	for i, a := range attributes {
		switch {
		case !attributeName.MatchString(a.Name):
			problems = append(problems, fmt.Errorf("Attributes[%d].Name: must be 1 to 64 letters and digits, a lower-case letter first, got %q", i, a.Name))
		case slices.Contains(names, a.Name):
			problems = append(problems, fmt.Errorf("Attributes[%d].Name: %q is there already", i, a.Name))
		}
		names = append(names, a.Name)
		if a.MaxLength < 1 || a.MaxLength > maxAttributeLength {
			problems = append(problems, fmt.Errorf("Attributes[%d].MaxLength: must be from 1 to %d, got %d", i, maxAttributeLength, a.MaxLength))
		}
	}
	return errors.Join(problems...)
}

// attributesText is the list as the definition has it.
func attributesText(attributes []Attribute) (string, error) {
	text, err := json.Marshal(slices.Concat([]Attribute{}, attributes))
	return string(text), err
}

// RequestModel returns the JSON Schema (draft 4) of the request's body, for the API in front of the workflow. It has what
// API Gateway's own refusals name the field for, members that are missing or unknown; the rest is the workflow's to check, so
// that its refusals name the field too.
func RequestModel(attributes []Attribute) (string, error) {
	type anything struct{}
	properties := map[string]anything{"firstName": {}, "lastName": {}, "emailAddress": {}, "phoneNumber": {}}
	required := []string{"firstName", "lastName", "emailAddress"}
	for _, a := range attributes {
		properties[a.Name] = anything{}
		if a.Required {
			required = append(required, a.Name)
		}
	}
	text, err := json.Marshal(struct {
		Schema               string              `json:"$schema"`
		Type                 string              `json:"type"`
		Required             []string            `json:"required"`
		Properties           map[string]anything `json:"properties"`
		AdditionalProperties bool                `json:"additionalProperties"`
	}{"http://json-schema.org/draft-04/schema#", "object", required, properties, false})
	return string(text), err
}
