package cognitoidp

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The forms of members, as the API's model has them.
var (
	poolIDForm    = regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`)
	nameForm      = regexp.MustCompile(`^[\w\s+=,.@-]+$`)
	printableForm = regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$`)
	attributeForm = regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r ]+$`)
	passwordForm  = regexp.MustCompile(`^[\S]+$`)
	urlForm       = printableForm
)

// checks collects what is wrong with a request's members, in the words of AWS's frame. Values are never repeated, because
// many of them are personal.
type checks []string

func (c *checks) fail(member, constraint string, args ...any) {
	*c = append(*c, "Value at '"+member+"' failed to satisfy constraint: "+fmt.Sprintf(constraint, args...))
}

// text checks a text that must be given if minimum is not 0.
func (c *checks) text(member, value string, minimum, maximum int, form *regexp.Regexp) {
	switch n := utf8.RuneCountInString(value); {
	case value == "" && minimum > 0:
		c.fail(member, "Member must not be null")
		return
	case value == "":
		return
	case n < minimum:
		c.fail(member, "Member must have length greater than or equal to %d", minimum)
	case n > maximum:
		c.fail(member, "Member must have length less than or equal to %d", maximum)
	}
	if form != nil && !form.MatchString(value) {
		pattern := form.String()
		c.fail(member, "Member must satisfy regular expression pattern: %s", pattern[1:len(pattern)-1])
	}
}

// optional checks a text that may be left out.
func (c *checks) optional(member, value string, minimum, maximum int, form *regexp.Regexp) {
	if value != "" {
		c.text(member, value, minimum, maximum, form)
	}
}

func (c *checks) number(member string, value, minimum, maximum int) {
	switch {
	case value < minimum:
		c.fail(member, "Member must have value greater than or equal to %d", minimum)
	case value > maximum:
		c.fail(member, "Member must have value less than or equal to %d", maximum)
	}
}

func (c *checks) oneOf(member, value string, all ...string) {
	if value != "" && !slices.Contains(all, value) {
		c.fail(member, "Member must satisfy enum value set: [%s]", strings.Join(all, ", "))
	}
}

func (c *checks) each(member string, values []string, all ...string) {
	for i, v := range values {
		if !slices.Contains(all, v) {
			c.fail(fmt.Sprintf("%s.%d.member", member, i+1), "Member must satisfy enum value set: [%s]", strings.Join(all, ", "))
		}
	}
}

func (c *checks) count(member string, n, maximum int) {
	if n > maximum {
		c.fail(member, "Member must have length less than or equal to %d", maximum)
	}
}

func (c *checks) attributes(member string, all []Attribute) {
	for i, a := range all {
		at := fmt.Sprintf("%s.%d.member.", member, i+1)
		c.text(at+"name", a.Name, 1, 32, attributeForm)
		c.text(at+"value", a.Value, 0, 2048, nil)
	}
}

// err is what AWS answers, or nil if nothing is wrong.
func (c checks) err() error {
	switch len(c) {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c[0])
	}
	return invalid("%d validation errors detected: %s", len(c), strings.Join(c, "; "))
}
