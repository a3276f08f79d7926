package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy/cost"
)

// CommentLimit is how many bytes of Markdown fit into a comment on GitHub, which takes 65536 characters, with room for a line or
// two of the caller's.
const CommentLimit = 64000

// page is Markdown that fits into a limit: what is added first is kept, and what does not fit is counted.
type page struct {
	strings.Builder
	limit int
}

// reserved is for the ends of folded parts and what says how much was left out.
const reserved = 400

// table writes a heading and one row for each line, and in the end how many did not fit.
func (p *page) table(heading string, rows []string) {
	p.WriteString(heading)
	for i, row := range rows {
		if p.Len()+len(row) > p.limit-reserved {
			fmt.Fprintf(p, "\n… and %d more: `--json` has them all.\n", len(rows)-i)
			return
		}
		p.WriteString(row)
	}
}

// folded is a table that is opened with a click.
func (p *page) folded(summary, heading string, rows []string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(p, "\n<details><summary>%s</summary>\n\n", summary)
	p.table(heading, rows)
	p.WriteString("\n</details>\n")
}

// cell makes a text fit into a cell of a table.
func cell(text string) string {
	const longest = 300
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return strings.NewReplacer("\n", " ", "\r", " ", "|", `\|`, "<", "&lt;", "`", "'", "@", "@\u200b").Replace(text)
}

func code(text string) string { return "`" + cell(text) + "`" }

// Markdown is the drift as a page of at most limit bytes, 1000 at least.
func (d *Drift) Markdown(limit int) string {
	p := &page{limit: max(limit, 1000)}
	if len(d.Resources) == 0 {
		fmt.Fprintf(p, "### No drift of `%s`\n\n%d resources are as they were deployed.\n", d.Stack, d.Checked)
		return p.String()
	}
	fmt.Fprintf(p, "### Drift of `%s`: %d of %d resources\n", d.Stack, len(d.Resources), d.Checked)
	var deleted, changed []string
	for _, r := range d.Resources {
		if r.Op == "deleted" {
			deleted = append(deleted, fmt.Sprintf("| %s | %s | %s |\n", code(r.Type), code(r.Name), code(r.ID)))
		}
		for _, x := range r.Differences {
			changed = append(changed, fmt.Sprintf("| %s | %s | %s | %s | %s |\n", code(r.Type), code(r.Name), code(x.Property), value(x.Deployed), value(x.Found)))
		}
	}
	if len(deleted) > 0 {
		p.table("\n**Gone:**\n\n| type | name | id |\n|---|---|---|\n", deleted)
	}
	p.folded(fmt.Sprintf("%d properties differ", len(changed)), "| type | name | property | deployed | found |\n|---|---|---|---|---|\n", changed)
	return p.String()
}

func value(v any) string {
	if v == nil {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return code(fmt.Sprint(v))
	}
	return code(string(text))
}

// Markdown is a preview as a page of at most limit bytes, 1000 at least: what would lose data first, then what is replaced or
// deleted, and the rest folded.
func (r *Result) Markdown(limit int) string {
	p := &page{limit: max(limit, 1000)}
	fmt.Fprintf(p, "### Preview of `%s`: %s\n", r.Stack, cell(r.Summary()))
	var dangers, harsh, rest []string
	for _, f := range r.Dangers {
		dangers = append(dangers, "> - "+cell(f.String())+"\n")
	}
	seen := map[string]bool{}
	for _, c := range r.Changes {
		if seen[c.URN] {
			continue // a replacement comes in parts
		}
		seen[c.URN] = true
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", code(c.verb()), code(c.Type), code(c.Name), cell(c.what()))
		if c.verb() == "replace" || c.verb() == "delete" {
			harsh = append(harsh, row)
		} else {
			rest = append(rest, row)
		}
	}
	if len(dangers) > 0 {
		p.table("\n> [!CAUTION]\n> **Data would be lost. `carepath up` will refuse this.**\n>\n", dangers)
	}
	p.policies(r.Policies)
	if r.Cost != nil {
		fmt.Fprintf(p, "\n**Cost:** %s.\n", cell(r.Cost.Summary()))
	}
	const heading = "| | type | name | because of |\n|---|---|---|---|\n"
	if len(harsh) > 0 {
		p.table("\n**Replaced and deleted:**\n\n"+heading, harsh)
	}
	p.folded(fmt.Sprintf("%d other changes", len(rest)), heading, rest)
	if r.Cost != nil {
		rows := r.Cost.Rows()
		p.folded(fmt.Sprintf("the cost of %d resources differs", len(rows)), cost.Columns, rows)
	}
	var warnings []string
	for _, m := range r.Messages {
		if m.Severity != "info" {
			warnings = append(warnings, "- "+m.Severity+": "+cell(m.Text)+"\n")
		}
	}
	p.folded(fmt.Sprintf("%d messages", len(warnings)), "", warnings)
	return p.String()
}

// verb is what happens to the resource, the parts of a replacement taken together.
func (c *Change) verb() string {
	switch c.Op {
	case "create-replacement", "delete-replaced":
		return "replace"
	}
	return c.Op
}

func (c *Change) what() string {
	if len(c.Keys) > 0 {
		return strings.Join(c.Keys, ", ")
	}
	return strings.Join(c.Diffs, ", ")
}

// Summary says in a line what was done, or would be.
func (r *Result) Summary() string {
	var parts []string
	for _, op := range slices.Sorted(maps.Keys(r.Counts)) {
		if n := r.Counts[op]; n > 0 && op != "same" {
			parts = append(parts, fmt.Sprintf("%d %s", n, op))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("no changes, %d resources", r.Counts["same"])
	}
	return strings.Join(parts, ", ") + fmt.Sprintf(", %d unchanged", r.Counts["same"])
}
