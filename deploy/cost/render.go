package cost

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// dollars writes an amount: two digits for cents, more for what an hour costs.
func dollars(usd float64, digits int) string {
	sign, least := "", math.Pow10(-digits)
	if usd < 0 {
		sign, usd = "-", -usd
	}
	if usd > 0 && usd < least/2 {
		return fmt.Sprintf("%s<$%.*f", sign, digits, least)
	}
	text := fmt.Sprintf("%.*f", digits, usd)
	whole, cents, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + "$" + whole + "." + cents
}

// change is a difference with its sign.
func change(usd float64) string {
	if usd > 0 {
		return "+" + dollars(usd, 2)
	}
	return dollars(usd, 2)
}

// monthly is the amount of a month: what is known, and whether there is more.
func (c *Cost) monthly() string { return c.amount(c.MonthlyUSD, 2) }

func (c *Cost) hourly() string { return c.amount(c.HourlyUSD, 4) }

func (c *Cost) amount(usd float64, digits int) string {
	switch {
	case c.Unknown && usd == 0:
		return "unknown"
	case c.Unknown:
		return dollars(usd, digits) + " + unknown"
	}
	return dollars(usd, digits)
}

func (r *ResourceCost) monthly() string {
	if r.Free {
		return "free"
	}
	return r.Cost.monthly()
}

func (r *ResourceCost) hourly() string {
	if r.Free {
		return "free"
	}
	return r.Cost.hourly()
}

// Summary is the estimate in a line.
func (e *Estimate) Summary() string {
	return fmt.Sprintf("%s a month, %s an hour; %s of it a month whatever the use", e.Cost.monthly(), e.Cost.hourly(), dollars(e.FixedMonthlyUSD, 2))
}

// free is how many resources cost nothing.
func (e *Estimate) free() int {
	n := 0
	for i := range e.Resources {
		if e.Resources[i].Free {
			n++
		}
	}
	return n
}

// unknown are the resources of which an amount is not known, with the reason.
func (e *Estimate) unknown() []string {
	var all []string
	for _, r := range e.Resources {
		if r.Unknown {
			all = append(all, fmt.Sprintf("%s %s: %s", r.Type, r.Name, r.Why))
		}
	}
	return all
}

const caveat = "Estimated from list prices without free tiers, taxes and data transfer out."

// WriteText writes the estimate for people: each resource that costs something with what it is billed for, or with detail each
// resource, and the total of each part.
func (e *Estimate) WriteText(to io.Writer, detail bool) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "monthly\thourly\tresource\n")
	for _, r := range e.Resources {
		if r.Free && !detail {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s %s\n", r.monthly(), r.hourly(), r.Type, r.Name)
		for _, i := range r.Items {
			fmt.Fprintf(w, "  %s\t\t  %s\n", i.monthly(), i.explained(detail))
		}
		if r.Unknown {
			fmt.Fprintf(w, "\t\t  %s\n", r.Why)
		}
	}
	fmt.Fprintf(w, "\t\t\n")
	for _, c := range e.Components {
		fmt.Fprintf(w, "%s\t%s\tall of %s\n", c.monthly(), c.hourly(), c.Name)
	}
	fmt.Fprintf(w, "%s\t%s\tthe stack %s in %s\n", e.Cost.monthly(), e.Cost.hourly(), e.Stack, e.Region)
	if err := w.Flush(); err != nil {
		return err
	}
	var usage []string
	for _, name := range slices.Sorted(maps.Keys(e.Usage)) {
		usage = append(usage, fmt.Sprintf("%s %s", name, number(float64(e.Usage[name]))))
	}
	_, err := fmt.Fprintf(to, "\n%s; %d resources are free.\n%s\nUsage assumed (carepath:usage): %s.\n", e.Summary(), e.free(), caveat, strings.Join(usage, ", "))
	return err
}

func (i *Item) monthly() string {
	switch {
	case i.MonthlyUSD == nil:
		return "unknown"
	case i.Price.Free():
		return "free"
	}
	return dollars(*i.MonthlyUSD, 2)
}

// explained is what an item is billed for, with detail the price and where it is from.
func (i *Item) explained(detail bool) string {
	text := i.What
	if i.Basis != "" {
		text += ": " + i.Basis
	}
	if detail && i.Price != nil {
		if !i.Price.Free() {
			text += " at " + i.Price.amount()
		}
		text += fmt.Sprintf(" (%s, %s)", i.Price.Source, i.Price.Date)
	}
	return text
}

// amount is the price with its unit, of small ones that of a million.
func (p *Price) amount() string {
	if p.USD < 0.001 {
		return fmt.Sprintf("$%.6g per million %s", p.USD*1e6, plural(p.Unit))
	}
	return fmt.Sprintf("$%.6g per %s", p.USD, p.Unit)
}

func plural(unit string) string {
	if stem, ok := strings.CutSuffix(unit, "y"); ok {
		return stem + "ies"
	}
	return unit + "s"
}

// cell makes a text fit into a cell of a table of Markdown.
func cell(text string) string {
	return strings.NewReplacer("\n", " ", "|", `\|`, "<", "&lt;", "`", "'", "@", "@\u200b").Replace(text)
}

// Markdown is the estimate as a page for GitHub.
func (e *Estimate) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Cost of `%s`: %s a month\n\n%s in %s. %s\n", cell(e.Stack), cell(e.Cost.monthly()), cell(e.Summary()), e.Region, caveat)
	b.WriteString("\n| part | a month | an hour |\n|---|---:|---:|\n")
	for _, c := range e.Components {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(c.Name), cell(c.monthly()), cell(c.hourly()))
	}
	fmt.Fprintf(&b, "\n<details><summary>%d resources, %d of them free</summary>\n\n| resource | a month | because of |\n|---|---:|---|\n", len(e.Resources), e.free())
	for _, r := range e.Resources {
		if r.Free {
			continue
		}
		var items []string
		for _, i := range r.Items {
			items = append(items, i.monthly()+" "+i.explained(false))
		}
		if r.Unknown {
			items = append(items, r.Why)
		}
		fmt.Fprintf(&b, "| `%s` `%s` | %s | %s |\n", cell(r.Type), cell(r.Name), cell(r.monthly()), cell(strings.Join(items, "; ")))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// Summary is the difference in a line.
func (d *Difference) Summary() string {
	text := change(d.MonthlyUSD)
	if d.MonthlyUSD == 0 {
		text = "no difference"
	} else {
		text += " a month"
	}
	if d.Unknown {
		text += " and an unknown amount"
	}
	return fmt.Sprintf("%s: %s a month before, %s after", text, d.Before.monthly(), d.After.monthly())
}

// Rows are the resources whose cost differs, as rows of a table of Markdown with the columns of [Columns].
func (d *Difference) Rows() []string {
	var rows []string
	for _, c := range d.Resources {
		before, after := "", ""
		if c.Before != nil {
			before = c.Before.monthly()
		}
		if c.After != nil {
			after = c.After.monthly()
		}
		difference := change(c.MonthlyUSD)
		if c.unknown() && c.MonthlyUSD == 0 {
			difference = "unknown"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | `%s` | %s | %s | %s |\n", cell(c.Type), cell(c.Name), cell(before), cell(after), cell(difference)))
	}
	return rows
}

// Markdown is the difference as a page for GitHub.
func (d *Difference) Markdown(stack string) string {
	page := fmt.Sprintf("### Cost of `%s`: %s\n", cell(stack), cell(d.Summary()))
	if rows := d.Rows(); len(rows) > 0 {
		page += "\n" + Columns + strings.Join(rows, "")
	}
	return page
}

// Columns is the head of the table of [Difference.Rows].
const Columns = "| type | name | a month before | after | difference |\n|---|---|---:|---:|---:|\n"

// WriteText writes the difference for people.
func (d *Difference) WriteText(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, c := range d.Resources {
		amount := change(c.MonthlyUSD)
		if c.unknown() && c.MonthlyUSD == 0 {
			amount = "unknown"
		}
		fmt.Fprintf(w, "  %s\t%s %s\n", amount, c.Type, c.Name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(to, "cost: %s\n", d.Summary())
	return err
}
