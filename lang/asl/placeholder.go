package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// A definition may have placeholders, "${name}", whose values are known only when it is deployed, as in the DefinitionSubstitutions
// of AWS::StepFunctions::StateMachine.
var placeholder = regexp.MustCompile(`\$\{([A-Za-z][A-Za-z0-9]*)\}`)

// member finds the strings of a definition's text, each with the name of the member whose value it is.
var member = regexp.MustCompile(`(?:"([A-Za-z]+)"\s*:\s*)?"((?:[^"\\]|\\.)*)"`)

// numberFields are the fields of states, retriers and processors that are numbers.
var numberFields = wordSet(`BackoffRate HeartbeatSeconds IntervalSeconds MaxAttempts MaxConcurrency MaxDelaySeconds
MaxInputBytesPerBatch MaxItems MaxItemsPerBatch Seconds TimeoutSeconds ToleratedFailureCount ToleratedFailurePercentage`)

// Placeholders returns the names of a definition's placeholders, sorted.
func Placeholders(definition []byte) []string {
	names := map[string]bool{}
	for _, m := range placeholder.FindAllSubmatch(definition, -1) {
		names[string(m[1])] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Fill puts values in the place of a definition's placeholders. One that is alone in the string of a field that is a number,
// such as "TimeoutSeconds": "${timeout}", becomes a number; all others are text. The error names every placeholder without a value,
// and every value that is no number where one must be.
func Fill(definition []byte, values map[string]string) ([]byte, error) {
	var problems []error
	for _, name := range Placeholders(definition) {
		if _, ok := values[name]; !ok {
			problems = append(problems, fmt.Errorf("the placeholder ${%s} has no value", name))
		}
	}
	bad := map[string]bool{}
	filled := replacePlaceholders(definition, func(name, field string) string {
		value, given := values[name]
		if field == "" || !given || bad[name] {
			return value
		}
		parsed, err := jsonvalue.Parse(value)
		if _, ok := parsed.(jsonvalue.Number); err != nil || !ok {
			bad[name] = true
			problems = append(problems, fmt.Errorf("the placeholder ${%s} is the number %s: got %q", name, field, value))
		}
		return value
	})
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return filled, nil
}

// replacePlaceholders asks value for each placeholder. field is the name of the number whose whole value it is; else "".
func replacePlaceholders(definition []byte, value func(name, field string) string) []byte {
	return member.ReplaceAllFunc(definition, func(found []byte) []byte {
		at := member.FindSubmatchIndex(found)
		inside := string(found[at[4]:at[5]])
		whole := placeholder.FindStringSubmatch(inside)
		if at[2] >= 0 && whole != nil && whole[0] == inside {
			if field := string(found[at[2]:at[3]]); numberFields[field] {
				return append(found[:at[4]-1:at[4]-1], value(whole[1], field)...)
			}
		}
		var b strings.Builder
		b.Write(found[:at[4]])
		end := 0
		for _, m := range placeholder.FindAllStringSubmatchIndex(inside, -1) {
			b.WriteString(inside[end:m[0]])
			quoted, _ := json.Marshal(value(inside[m[2]:m[3]], "")) // a text always is JSON
			b.Write(quoted[1 : len(quoted)-1])
			end = m[1]
		}
		b.WriteString(inside[end:])
		b.WriteByte('"')
		return []byte(b.String())
	})
}
