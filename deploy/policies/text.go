package policies

import (
	"fmt"
	"strings"
)

// Text explains the rule.
func (r *Rule) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s%s\n\n", r.ID, r.Title, r.scope())
	fmt.Fprintf(&b, "Why:      %s\nMend:     %s\n", r.Reason, r.Mend)
	for i, c := range r.Controls {
		label := "         "
		if i == 0 {
			label = "Serves:  "
		}
		fmt.Fprintf(&b, "%s %s\n", label, c)
	}
	for i, e := range r.Exceptions {
		label := "         "
		if i == 0 {
			label = "Lets by: "
		}
		fmt.Fprintf(&b, "%s %s\n", label, e)
	}
	return b.String()
}

func (r *Rule) scope() string {
	switch {
	case r.Production:
		return " (environment prod)"
	case r.Note:
		return " (told, not refused)"
	}
	return ""
}

const referenceHead = `<!-- Made by go generate ./cmd/carepath from package deploy/policies; do not edit. -->

# Policies

The rules that the resources of every stack must follow. ` + "`carepath up`" + ` checks them before anything is changed and refuses with
exit code 4; ` + "`preview`" + ` and ` + "`preview --offline`" + ` show what is against them; ` + "`carepath policy check --stack NAME`" + ` does
nothing else; and the tests of the program check all three stacks. None of it needs an account.

` + "`carepath policy explain ID`" + ` says why there is a rule, which controls it serves and what to do. The controls are sections of the
HIPAA Security Rule (45 CFR part 164), controls of AWS Security Hub, and recommendations of the CIS AWS Foundations Benchmark 3.0.0.
That a rule serves a control does not say that the control is met.

An exception is made in the stack's file, for a resource or a pattern of names, with a reason and a last day:

` + "```yaml" + `
config:
  carepath:policies:
    suppress:
      - rule: CPK-TLS-001
        resource: domain
        reason: One client's machines speak TLS 1.1 until they are exchanged.
        until: "2027-03-31"
` + "```" + `

After its last day the exception is an error, and what it was for is refused again. One that no resource needs is warned of.
`

// Reference is the documentation of all rules, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, r := range Rules() {
		fmt.Fprintf(&b, "\n## %s\n\n%s%s. %s\n\n- To mend it: %s.\n", r.ID, r.Title, r.scope(), r.Reason, r.Mend)
		if len(r.Controls) > 0 {
			fmt.Fprintf(&b, "- Serves: %s.\n", strings.Join(r.Controls, "; "))
		}
		for _, e := range r.Exceptions {
			fmt.Fprintf(&b, "- Lets by: %s.\n", e)
		}
	}
	return b.String()
}
