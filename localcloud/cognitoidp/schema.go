package cognitoidp

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// standardAttributes are those that every pool has, in AWS's order.
// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
var standardAttributes = func() []SchemaAttribute {
	yes, no := true, false
	text := func(name string, mutable *bool, required bool, minimum, maximum string) SchemaAttribute {
		return SchemaAttribute{Name: name, AttributeDataType: "String", Mutable: mutable, Required: required,
			StringAttributeConstraints: &StringAttributeConstraints{minimum, maximum}}
	}
	truth := func(name string) SchemaAttribute {
		return SchemaAttribute{Name: name, AttributeDataType: "Boolean", Mutable: &yes}
	}
	all := []SchemaAttribute{text("sub", &no, true, "1", "2048")}
	for _, name := range []string{"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "email"} {
		all = append(all, text(name, &yes, false, "0", "2048"))
	}
	all = append(all, truth("email_verified"), text("gender", &yes, false, "0", "2048"), text("birthdate", &yes, false, "10", "10"))
	for _, name := range []string{"zoneinfo", "locale", "phone_number"} {
		all = append(all, text(name, &yes, false, "0", "2048"))
	}
	return append(all, truth("phone_number_verified"), text("address", &yes, false, "0", "2048"),
		SchemaAttribute{Name: "updated_at", AttributeDataType: "Number", Mutable: &yes, NumberAttributeConstraints: &NumberAttributeConstraints{MinValue: "0"}},
		SchemaAttribute{Name: "identities", AttributeDataType: "String", Mutable: &yes, StringAttributeConstraints: &StringAttributeConstraints{}})
}()

// withAttributes returns a schema with what a pool's creator, or AddCustomAttributes, asks for.
func withAttributes(schema, asked []SchemaAttribute, customOnly bool) ([]SchemaAttribute, error) {
	schema = slices.Clone(schema)
	named := map[string]bool{}
	for _, a := range asked {
		if err := checkSchemaAttribute(a); err != nil {
			return nil, err
		}
		if named[a.Name] {
			return nil, invalid("%s: Duplicate attribute name in the schema.", a.Name)
		}
		named[a.Name] = true
		i := slices.IndexFunc(standardAttributes, func(s SchemaAttribute) bool { return s.Name == a.Name })
		if i < 0 || customOnly {
			if a.Required {
				return nil, invalid("Required custom attributes are not supported currently.")
			}
			a.Name = strings.TrimPrefix(a.Name, "custom:")
			if a.DeveloperOnlyAttribute {
				a.Name = "dev:" + a.Name
			}
			a.Name = "custom:" + a.Name
			if a.Mutable == nil {
				no := false // the API's default for custom attributes
				a.Mutable = &no
			}
			if slices.ContainsFunc(schema, func(s SchemaAttribute) bool { return s.Name == a.Name }) {
				return nil, invalid("%s: Existing attribute already has name %s.", a.Name, a.Name)
			}
			schema = append(schema, a)
			continue
		}
		standard := schema[i]
		if a.AttributeDataType != standard.AttributeDataType || a.DeveloperOnlyAttribute {
			return nil, invalid("You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute %s", a.Name)
		}
		if a.Name == "sub" {
			return nil, invalid("You can not modify the standard schema attribute sub")
		}
		if a.Mutable == nil {
			a.Mutable = standard.Mutable
		}
		if a.StringAttributeConstraints == nil {
			a.StringAttributeConstraints = standard.StringAttributeConstraints
		}
		if a.NumberAttributeConstraints == nil {
			a.NumberAttributeConstraints = standard.NumberAttributeConstraints
		}
		schema[i] = a
	}
	if len(schema) > len(standardAttributes)+50 {
		return nil, invalid("A user pool can have 50 custom attributes.")
	}
	return schema, nil
}

func checkSchemaAttribute(a SchemaAttribute) error {
	var c checks
	c.text("schema.member.name", a.Name, 1, 20+len("custom:"), printableForm)
	c.oneOf("schema.member.attributeDataType", a.AttributeDataType, "String", "Number", "DateTime", "Boolean")
	if a.AttributeDataType == "" {
		c.fail("schema.member.attributeDataType", "Member must not be null")
	}
	if err := c.err(); err != nil {
		return err
	}
	if s := a.StringAttributeConstraints; s != nil {
		least, errLeast := bound(s.MinLength, 0)
		most, errMost := bound(s.MaxLength, 2048)
		if errLeast != nil || errMost != nil || least < 0 || most > 2048 || least > most {
			return invalid("%s: String attribute constraints must be 0 to 2048, the least not above the most.", a.Name)
		}
	}
	if n := a.NumberAttributeConstraints; n != nil {
		least, errLeast := bound(n.MinValue, 0)
		most, errMost := bound(n.MaxValue, 1<<53)
		if errLeast != nil || errMost != nil || n.MinValue != "" && n.MaxValue != "" && least > most {
			return invalid("%s: Number attribute constraints must be integers, the least not above the most.", a.Name)
		}
	}
	return nil
}

func bound(text string, without int64) (int64, error) {
	if text == "" {
		return without, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

var phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)

func isPhone(s string) bool { return phoneForm.MatchString(s) }

// isEmail reports whether s has the form of an e-mail address, without a name before it.
func isEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && !strings.ContainsAny(s, " \t\r\n<>")
}

const badAttribute = "Attributes did not conform to the schema: "

// checkValue says what is wrong with an attribute's value.
func (a *SchemaAttribute) checkValue(value string) error {
	switch a.Name {
	case "email":
		if !isEmail(value) {
			return invalid("Invalid email address format.")
		}
	case "phone_number":
		if !isPhone(value) {
			return invalid("Invalid phone number format.")
		}
	}
	fail := func(format string, args ...any) error {
		return invalid(badAttribute+"%s: %s", a.Name, fmt.Sprintf(format, args...))
	}
	switch a.AttributeDataType {
	case "Boolean":
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return fail("The value must be true or false")
		}
	case "Number":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fail("The value must be an integer")
		}
		if c := a.NumberAttributeConstraints; c != nil {
			if least, err := bound(c.MinValue, n); err != nil || n < least {
				return fail("Number must be no less than %s", c.MinValue)
			}
			if most, err := bound(c.MaxValue, n); err != nil || n > most {
				return fail("Number must be no greater than %s", c.MaxValue)
			}
		}
	case "String":
		if c := a.StringAttributeConstraints; c != nil {
			n := int64(utf8.RuneCountInString(value))
			if least, err := bound(c.MinLength, n); err != nil || n < least {
				return fail("String must be no shorter than %s characters", c.MinLength)
			}
			if most, err := bound(c.MaxLength, n); err != nil || n > most {
				return fail("String must be no longer than %s characters", c.MaxLength)
			}
		}
	}
	return nil
}
