// Package constraint reports what of a request does not keep the constraints of an AWS API's model, in the words in which AWS's
// services do it: all of it at once.
package constraint

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// Violations collects the constraints that a request does not keep. The zero value has none.
type Violations []string

// Add notes that the value at a path must do something else: "not be null".
func (v *Violations) Add(path, value, must string) {
	if value != "" {
		value = " '" + value + "'"
	}
	*v = append(*v, "Value"+value+" at '"+path+"' failed to satisfy constraint: Member must "+must)
}

// Err is the ValidationException that names all of them; nil without any.
func (v Violations) Err() error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return dispatch.Errorf("ValidationException", "1 validation error detected: %s", v[0])
	}
	return dispatch.Errorf("ValidationException", "%d validation errors detected: %s", len(v), strings.Join(v, "; "))
}

// Length notes a text that has fewer or more characters.
func (v *Violations) Length(path, text string, minimum, maximum int) {
	switch n := utf8.RuneCountInString(text); {
	case n < minimum:
		v.Add(path, text, fmt.Sprintf("have length greater than or equal to %d", minimum))
	case n > maximum:
		v.Add(path, text, fmt.Sprintf("have length less than or equal to %d", maximum))
	}
}

// Number notes a number that is lower or higher; nil is none.
func (v *Violations) Number(path string, n *int, minimum, maximum int) {
	switch {
	case n == nil:
	case *n < minimum:
		v.Add(path, fmt.Sprint(*n), fmt.Sprintf("have value greater than or equal to %d", minimum))
	case *n > maximum:
		v.Add(path, fmt.Sprint(*n), fmt.Sprintf("have value less than or equal to %d", maximum))
	}
}

// Matching notes a text that has another form.
func (v *Violations) Matching(path, text string, form *regexp.Regexp) {
	if !form.MatchString(text) {
		v.Add(path, text, "satisfy regular expression pattern: "+form.String())
	}
}
