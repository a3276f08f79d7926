package platform

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// PoliciesConfig is how the policies are applied to the stack.
type PoliciesConfig struct {
	// Suppress are the exceptions. Default: none.
	Suppress []Suppression
}

// Suppression lets resources be against a rule, for a reason and for a time.
type Suppression struct {
	// Rule is the rule's id, such as "CPK-KMS-001".
	Rule string `json:"rule"`
	// Resource is the program's name of the resource, or a pattern of names: * stands for any characters.
	Resource string `json:"resource"`
	// Reason is why the resource may be so: a sentence.
	Reason string `json:"reason"`
	// Until is the last day on which it may, such as "2027-03-31", in UTC.
	Until string `json:"until"`
}

// Expired reports whether the last day is over.
func (s Suppression) Expired(now time.Time) bool { return now.UTC().Format(time.DateOnly) > s.Until }

// Covers reports whether it is about a resource's being against a rule.
func (s Suppression) Covers(rule, resource string) bool {
	if s.Rule != rule {
		return false
	}
	parts := strings.Split(s.Resource, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(resource)
}

// keyPolicies is the key of PoliciesConfig.
const keyPolicies = "carepath:policies"

var (
	rulePattern = regexp.MustCompile(`^CPK-[A-Z]{3}-[0-9]{3}$`)
	// A pattern of nothing but stars would take the rule away.
	suppressedPattern = regexp.MustCompile(`[A-Za-z0-9]`)
)

// shortestReason is in characters: "ok" is none.
const shortestReason = 15

func (p *PoliciesConfig) read(o *objectReader) {
	s := Setting{
		Meaning: "Resources that may be against a rule of docs/policies.md: which rule, the resource's name or a pattern with *, why, and until when.",
		Allowed: `a list of objects {"rule", "resource", "reason", "until"}: reason is a sentence, until a day such as "2027-03-31"`,
		schema: map[string]any{"type": "array", "items": map[string]any{
			"type": "object", "required": []string{"rule", "resource", "reason", "until"}, "additionalProperties": false,
			"properties": map[string]any{
				"rule":     map[string]any{"type": "string", "pattern": rulePattern.String()},
				"resource": map[string]any{"type": "string", "pattern": suppressedPattern.String()},
				"reason":   map[string]any{"type": "string", "minLength": shortestReason},
				"until":    map[string]any{"type": "string", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`},
			},
		}},
	}
	leaf(o, "suppress", &p.Suppress, s, func(value any) {
		var all []Suppression
		decoder := json.NewDecoder(strings.NewReader(jsonvalue.Text(value)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&all); err != nil {
			o.problem("suppress", jsonvalue.Text(value), s.Allowed)
			return
		}
		for i, one := range all {
			one.check(func(member, value, allowed string) {
				o.problem(fmt.Sprintf("suppress[%d].%s", i, member), value, allowed)
			})
		}
		p.Suppress = all
	})
	o.end()
}

func (s *Suppression) check(problem func(member, value, allowed string)) {
	quoted := func(text string) string {
		if text == "" {
			return ""
		}
		return jsonvalue.Text(text)
	}
	if !rulePattern.MatchString(s.Rule) {
		problem("rule", quoted(s.Rule), `a rule's id such as "CPK-KMS-001": carepath policy list has them`)
	}
	if !suppressedPattern.MatchString(s.Resource) {
		problem("resource", quoted(s.Resource), "a resource's name, or a pattern that is not for all")
	}
	if len(strings.TrimSpace(s.Reason)) < shortestReason {
		problem("reason", quoted(s.Reason), fmt.Sprintf("a sentence that says why, of %d characters at least", shortestReason))
	}
	if _, err := time.Parse(time.DateOnly, s.Until); err != nil {
		problem("until", quoted(s.Until), `a day such as "2027-03-31"`)
	}
}

// Suppressions are what the settings of a stack's file say of exceptions from the policies.
func Suppressions(settings []Setting) []Suppression {
	for _, s := range settings {
		if all, ok := s.Value.([]Suppression); ok && s.Path == keyPolicies+".suppress" {
			return all
		}
	}
	return nil
}
