// Package policies holds the rules that the resources of every stack must follow, as functions over the graph of package graph.
// They are checked in tests of the program and before an engine changes anything.
package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/platform"
)

// Rule is one thing that resources must be.
type Rule struct {
	// ID names the rule for ever: "CPK-KMS-001".
	ID string `json:"id"`
	// Title is the rule, a sentence without its full stop.
	Title string `json:"title"`
	// Reason is why, a sentence or two.
	Reason string `json:"reason"`
	// Mend is what to do with a resource that is against it.
	Mend string `json:"mend"`
	// Controls are what the rule serves: sections of the HIPAA Security Rule, controls of AWS Security Hub, and recommendations
	// of version 3.0.0 of the CIS AWS Foundations Benchmark.
	Controls []string `json:"controls,omitempty"`
	// Exceptions are what the rule lets pass, each with its reason.
	Exceptions []string `json:"exceptions,omitempty"`
	// Production says that the rule is for the environment prod alone.
	Production bool `json:"production,omitempty"`
	// Note says that what the rule finds is told and not refused.
	Note bool `json:"note,omitempty"`

	check func(c *check)
}

// Finding is a resource that is against a rule.
type Finding struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	Type  string `json:"type"`
	Name  string `json:"name"`
	URN   string `json:"urn"`
	// Problem is what is wrong with it.
	Problem string `json:"problem"`
	Mend    string `json:"mend"`
}

// String says it in a line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s %s: %s", f.Rule, f.Type, f.Name, f.Problem)
}

// Suppressed is a finding that the stack's configuration lets pass.
type Suppressed struct {
	Finding
	Reason string `json:"reason"`
	Until  string `json:"until"`
}

// Report is what a check found.
type Report struct {
	// Rules is how many were checked.
	Rules int `json:"rules"`
	// Findings must be mended, or suppressed.
	Findings []Finding `json:"findings"`
	// Notes are what everybody should know.
	Notes []Finding `json:"notes,omitempty"`
	// Suppressed are the exceptions that the configuration makes.
	Suppressed []Suppressed `json:"suppressed,omitempty"`
	// Expired are exceptions whose last day is over: what they were for is among the findings again.
	Expired []platform.Suppression `json:"expired,omitempty"`
	// Unused are exceptions that no resource needs.
	Unused []platform.Suppression `json:"unused,omitempty"`
}

// OK reports whether nothing stands in the way.
func (r *Report) OK() bool { return len(r.Findings) == 0 && len(r.Expired) == 0 }

// Summary says it in a line.
func (r *Report) Summary() string {
	text := fmt.Sprintf("%d policies, %d findings", r.Rules, len(r.Findings))
	for _, more := range []struct {
		n    int
		what string
	}{{len(r.Suppressed), "suppressed"}, {len(r.Expired), "suppressions expired"}, {len(r.Unused), "suppressions unused"}, {len(r.Notes), "notes"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

// Rules returns all rules by their ids.
func Rules() []Rule {
	all := slices.Concat(encryption, exposure, permissions, logging, transport, production, monitoring, ownership)
	slices.SortFunc(all, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Get returns the rule of an id.
func Get(id string) (Rule, bool) {
	all := Rules()
	if i := slices.IndexFunc(all, func(r Rule) bool { return r.ID == id }); i >= 0 {
		return all[i], true
	}
	return Rule{}, false
}

// Check checks a stack's resources against all rules, with the exceptions that the configuration makes at a time.
func Check(g *graph.Graph, exceptions []platform.Suppression, now time.Time) *Report {
	r := &Report{Findings: []Finding{}}
	used := make([]bool, len(exceptions))
	for _, rule := range Rules() {
		if rule.Production && g.Environment != prod {
			continue
		}
		r.Rules++
		c := &check{Graph: g, rule: rule}
		rule.check(c)
		slices.SortStableFunc(c.findings, func(a, b Finding) int { return strings.Compare(a.URN, b.URN) })
		for _, f := range c.findings {
			i := slices.IndexFunc(exceptions, func(s platform.Suppression) bool { return s.Covers(f.Rule, f.Name) && !s.Expired(now) })
			switch {
			case i >= 0:
				used[i] = true
				r.Suppressed = append(r.Suppressed, Suppressed{f, exceptions[i].Reason, exceptions[i].Until})
			case rule.Note:
				r.Notes = append(r.Notes, f)
			default:
				r.Findings = append(r.Findings, f)
			}
		}
	}
	for i, s := range exceptions {
		switch {
		case s.Expired(now):
			r.Expired = append(r.Expired, s)
		case !used[i]:
			r.Unused = append(r.Unused, s)
		}
	}
	return r
}

// prod is the environment that most may be lost in.
const prod = "prod"

// check is one rule at work.
type check struct {
	*graph.Graph
	rule     Rule
	findings []Finding
}

// found reports that a resource is against the rule.
func (c *check) found(r *graph.Resource, problem string, args ...any) {
	c.findings = append(c.findings, Finding{
		Rule: c.rule.ID, Title: c.rule.Title, Type: r.Type, Name: r.Name, URN: r.URN, Problem: fmt.Sprintf(problem, args...), Mend: c.rule.Mend,
	})
}

// each calls do for the resources that the program makes of the types.
func (c *check) each(do func(r *graph.Resource), types ...string) {
	for _, r := range c.Resources {
		if slices.Contains(types, r.Type) && !r.Existing {
			do(r)
		}
	}
}

// about returns the resources of a type whose input, at a path, refers to r.
func (c *check) about(r *graph.Resource, token, path string) []*graph.Resource {
	var all []*graph.Resource
	for _, other := range c.Of(token) {
		if c.Mentions(other.Text(path), r) {
			all = append(all, other)
		}
	}
	return all
}
