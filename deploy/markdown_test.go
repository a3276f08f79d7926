package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/carepath/carepath/deploy/cost"
)

func TestMarkdownFits(t *testing.T) {
	r := &Result{Stack: "dev", Counts: map[string]int{"create": 3000, "replace": 500}}
	d := &Drift{Stack: "dev", Checked: 5000}
	for i := range 3000 {
		name := fmt.Sprintf("res|ource-%d`<b>@everyone", i)
		r.Changes = append(r.Changes, Change{Op: "create", Type: "aws:sqs/queue:Queue", Name: name, URN: name})
		d.Resources = append(d.Resources, Drifted{Op: "changed", Type: "aws:sqs/queue:Queue", Name: name, Differences: []Difference{{"tags.owner", strings.Repeat("ä\n", 400), nil}}})
	}
	for i := range 500 {
		urn := fmt.Sprint("urn:pulumi:dev::carepath::aws:dynamodb/table:Table::users-", i)
		for _, op := range []string{"create-replacement", "delete-replaced"} {
			r.Changes = append(r.Changes, Change{Op: op, Type: "aws:dynamodb/table:Table", Name: urnName(urn), URN: urn, Keys: []string{"hashKey"}})
		}
		r.Dangers = append(r.Dangers, Finding{URN: urn, Type: "aws:dynamodb/table:Table", Name: urnName(urn), Op: "replace", Why: "AWS cannot change hashKey", Loses: "its items"})
	}
	r.Cost = &cost.Difference{Unknown: true}
	for i := range 3000 {
		r.Cost.Resources = append(r.Cost.Resources, cost.ResourceChange{Type: "aws:sqs/queue:Queue", Name: fmt.Sprintf("res|ource-%d`<b>@everyone", i), After: &cost.Cost{MonthlyUSD: 1}, MonthlyUSD: 1})
	}
	for _, limit := range []int{0, 1000, 5000, CommentLimit, 1 << 30} {
		for what, text := range map[string]string{"preview": r.Markdown(limit), "drift": d.Markdown(limit)} {
			if len(text) > max(limit, 1000)+600 || limit == CommentLimit && len(text) > 65536 {
				t.Errorf("%s of at most %d bytes has %d", what, limit, len(text))
			}
			if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
				t.Errorf("%s of at most %d bytes: a part is not closed", what, limit)
			}
			if strings.Contains(text, "@everyone") || strings.Contains(text, "<b>") || strings.Contains(text, "res|") {
				t.Errorf("%s: a name is not escaped", what)
			}
			if limit == CommentLimit && !strings.Contains(text, " more: `--json` has them all.") {
				t.Errorf("%s does not say what is left out", what)
			}
		}
	}
	text := r.Markdown(1 << 30)
	for _, pair := range [][2]string{{"Data would be lost", "**Replaced and deleted:**"}, {"Data would be lost", "**Cost:** "}, {"**Cost:** ", "**Replaced and deleted:**"}, {"**Replaced and deleted:**", "3000 other changes"}} {
		if a, b := strings.Index(text, pair[0]), strings.Index(text, pair[1]); a < 0 || b < a {
			t.Errorf("%q does not come before %q", pair[0], pair[1])
		}
	}
	if n := strings.Count(text, "| `users-7` |"); n != 1 {
		t.Errorf("a replacement has %d rows", n)
	}
}
