package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/deploy/policies"
	"github.com/carepath/carepath/platform"
)

// CheckPolicies checks what a stack consists of against the policies, without an account or an engine. Findings are no error; an
// exception for a rule that does not exist is an *Error with CodeUsage.
func (p *Project) CheckPolicies(ctx context.Context, stack string) (*policies.Report, error) {
	c, err := p.Configuration(stack)
	if err != nil {
		return nil, err
	}
	g, err := c.graph(ctx, stack)
	if err != nil {
		return nil, err
	}
	return c.policies(g)
}

// policies checks the graph with the exceptions that the configuration makes.
func (c *Configuration) policies(g *graph.Graph) (*policies.Report, error) {
	exceptions := platform.Suppressions(c.Settings)
	var unknown []platform.Problem
	for i, s := range exceptions {
		if _, ok := policies.Get(s.Rule); !ok {
			unknown = append(unknown, platform.Problem{Path: fmt.Sprintf("carepath:policies.suppress[%d].rule", i), Value: fmt.Sprintf("%q", s.Rule), Allowed: "the id of a rule: carepath policy list has them"})
		}
	}
	if len(unknown) > 0 {
		err := &platform.ConfigError{Problems: unknown}
		return nil, &Error{Code: CodeUsage, Message: c.File + ": " + err.Error(), Hint: "docs/policies.md lists the rules", Err: err}
	}
	return policies.Check(g, exceptions, time.Now()), nil
}

// againstPolicies is the error for a stack whose resources are against the policies; nil if they are not.
func againstPolicies(doing, stack string, r *policies.Report) error {
	if r == nil || r.OK() {
		return nil
	}
	var message strings.Builder
	fmt.Fprintf(&message, "%s was refused, nothing was changed: the stack is against the policies", doing)
	var rules []string
	for _, f := range r.Findings {
		fmt.Fprintf(&message, "\n  %s\n    → %s", f, f.Mend)
		if !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
	}
	for _, s := range r.Expired {
		fmt.Fprintf(&message, "\n  the exception from %s for %s ended on %s (%s)", s.Rule, s.Resource, s.Until, s.Reason)
	}
	hint := "take the exceptions that are over out of carepath:policies.suppress in Pulumi." + stack + ".yaml, or give them a later day"
	if len(rules) > 0 {
		hint = fmt.Sprintf("carepath policy explain %s says why; mend it, or write an exception with a reason and an end into carepath:policies.suppress of Pulumi.%s.yaml", rules[0], stack)
	}
	return &Error{Code: CodeRefused, Message: message.String(), Hint: hint, Policies: r.Findings}
}

// policyLines say what the policies found besides what refuses, and how much they found.
func policyLines(r *policies.Report) string {
	var b strings.Builder
	for _, s := range r.Suppressed {
		fmt.Fprintf(&b, "exception: %s (until %s: %s)\n", s.Finding, s.Until, s.Reason)
	}
	for _, s := range r.Unused {
		fmt.Fprintf(&b, "warning: no resource needs the exception from %s for %s\n", s.Rule, s.Resource)
	}
	for _, f := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", f)
	}
	fmt.Fprintf(&b, "%s\n", r.Summary())
	return b.String()
}

// policies writes what the policies found.
func (p *page) policies(r *policies.Report) {
	if r == nil {
		return
	}
	row := func(f policies.Finding, more string) string {
		return fmt.Sprintf("| %s | %s | %s | %s%s |\n", code(f.Rule), code(f.Type), code(f.Name), cell(f.Problem), cell(more))
	}
	var findings, passed, notes []string
	for _, f := range r.Findings {
		findings = append(findings, row(f, " → "+f.Mend))
	}
	for _, s := range r.Expired {
		findings = append(findings, fmt.Sprintf("| %s | | %s | %s |\n", code(s.Rule), code(s.Resource), cell("the exception ended on "+s.Until)))
	}
	for _, s := range r.Suppressed {
		passed = append(passed, row(s.Finding, ". "+s.Reason+" Until "+s.Until+"."))
	}
	for _, s := range r.Unused {
		passed = append(passed, fmt.Sprintf("| %s | | %s | %s |\n", code(s.Rule), code(s.Resource), "no resource needs this exception"))
	}
	for _, f := range r.Notes {
		notes = append(notes, row(f, ""))
	}
	const heading = "| rule | type | name | |\n|---|---|---|---|\n"
	if len(findings) > 0 {
		p.table("\n> [!CAUTION]\n> **Against the policies: `carepath up` will refuse this.**\n\n"+heading, findings)
	}
	p.folded(fmt.Sprintf("%d exceptions from the policies", len(passed)), heading, passed)
	p.folded(fmt.Sprintf("%d notes of the policies", len(notes)), heading, notes)
}
