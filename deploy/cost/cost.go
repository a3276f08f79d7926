// Package cost estimates what a stack costs: of each resource the hourly and monthly amount, with the usage that it assumes and the
// source of each price. Prices are AWS's list prices without the free tiers of an account. What is not known is unknown, never 0.
package cost

import (
	"cmp"
	"slices"
	"strings"

	"github.com/carepath/carepath/platform"
)

// HoursPerMonth is how long a month is.
const HoursPerMonth = 730

// Resource is a resource of a stack, deployed or planned.
type Resource struct {
	URN, Type, Name string
	Component       string         // the part of the stack that it belongs to
	Inputs          map[string]any // as JSON has them; what is not known yet is missing
}

// Item is one thing that a resource is billed for.
type Item struct {
	What string `json:"what"`
	// Quantity a month, in the price's unit; nil: it is not known.
	Quantity *float64 `json:"quantity"`
	Basis    string   `json:"basis"` // how the quantity comes about
	Fixed    bool     `json:"fixed"` // it costs this whether the stack is used or not
	// MonthlyUSD is nil if the quantity or the price is not known.
	MonthlyUSD *float64 `json:"monthlyUsd"`
	Price      *Price   `json:"price"` // nil: not known in the region
}

// Cost is what something costs. Unknown says that at least one thing it needs has no known amount, so that it costs more.
type Cost struct {
	MonthlyUSD float64 `json:"monthlyUsd"`
	HourlyUSD  float64 `json:"hourlyUsd"`
	// FixedMonthlyUSD is the part that is due whether the stack is used or not.
	FixedMonthlyUSD float64 `json:"fixedMonthlyUsd"`
	Unknown         bool    `json:"unknown"`
}

func (c *Cost) add(other Cost) {
	c.MonthlyUSD += other.MonthlyUSD
	c.HourlyUSD += other.HourlyUSD
	c.FixedMonthlyUSD += other.FixedMonthlyUSD
	c.Unknown = c.Unknown || other.Unknown
}

// ResourceCost is what a resource costs.
type ResourceCost struct {
	URN       string `json:"urn"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Component string `json:"component"`
	Cost
	// Free says that AWS asks nothing for it, whatever its use; the one item has the source.
	Free  bool   `json:"free"`
	Items []Item `json:"items"`
	// Why an amount is not known.
	Why string `json:"why,omitempty"`
}

// ComponentCost is what a part of the stack costs.
type ComponentCost struct {
	Name string `json:"name"`
	Cost
}

// Estimate is what a stack costs.
type Estimate struct {
	Stack         string `json:"stack"`
	Region        string `json:"region"`
	Currency      string `json:"currency"`
	HoursPerMonth int    `json:"hoursPerMonth"`
	Cost
	Usage      map[string]int  `json:"usage"`
	Components []ComponentCost `json:"components"`
	Resources  []ResourceCost  `json:"resources"` // the most expensive first
}

// Of estimates what the resources of a stack cost in a region. Components and providers, which are nothing on AWS, are left out.
func Of(stack, region string, resources []Resource, usage platform.UsageConfig, prices Prices) *Estimate {
	e := &Estimate{
		Stack: stack, Region: region, Currency: "USD", HoursPerMonth: HoursPerMonth, Usage: usage.Members(),
		Components: []ComponentCost{}, Resources: []ResourceCost{},
	}
	components := map[string]*ComponentCost{}
	for _, r := range resources {
		if strings.HasPrefix(r.Type, "carepath:") || strings.HasPrefix(r.Type, "pulumi:") {
			continue
		}
		c := costOf(&r, region, usage, prices)
		e.add(c.Cost)
		e.Resources = append(e.Resources, c)
		if components[c.Component] == nil {
			components[c.Component] = &ComponentCost{Name: c.Component}
		}
		components[c.Component].add(c.Cost)
	}
	for _, c := range components {
		e.Components = append(e.Components, *c)
	}
	byAmount := func(a, b Cost) int {
		return cmp.Or(cmp.Compare(b.MonthlyUSD, a.MonthlyUSD), unknownFirst(a.Unknown, b.Unknown))
	}
	slices.SortFunc(e.Components, func(a, b ComponentCost) int { return cmp.Or(byAmount(a.Cost, b.Cost), cmp.Compare(a.Name, b.Name)) })
	slices.SortFunc(e.Resources, func(a, b ResourceCost) int {
		return cmp.Or(byAmount(a.Cost, b.Cost), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.URN, b.URN))
	})
	return e
}

func unknownFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// quantity is what a resource uses of something, before the price is looked up.
type quantity struct {
	price  string // its id
	amount float64
	basis  string
	fixed  bool
}

func costOf(r *Resource, region string, usage platform.UsageConfig, prices Prices) ResourceCost {
	c := ResourceCost{URN: r.URN, Type: r.Type, Name: r.Name, Component: r.Component, Items: []Item{}}
	unknown := func(why string) {
		c.Unknown = true
		if !strings.Contains(c.Why, why) {
			c.Why = strings.TrimPrefix(c.Why+"; "+why, "; ")
		}
	}
	calculate, known := calculators[r.Type]
	if !known {
		unknown("carepath knows no prices for this type")
		return c
	}
	quantities, why := calculate(r, &usage)
	if why != "" {
		unknown(why)
	}
	free := why == "" && len(quantities) > 0
	for _, q := range quantities {
		item := Item{Basis: q.basis, Fixed: q.fixed, Price: prices.in(region, q.price)}
		amount := q.amount
		item.Quantity = &amount
		if all := prices[q.price]; all != nil {
			item.What = all.What
		}
		switch p := item.Price; {
		case p == nil:
			free = false
			unknown("the price of " + cmp.Or(item.What, q.price) + " in " + region + " is not known")
		default:
			if p.Free() {
				item.Quantity = nil
			} else {
				free = false
			}
			usd := p.USD * amount
			item.MonthlyUSD = &usd
			c.MonthlyUSD += usd
			if q.fixed {
				c.FixedMonthlyUSD += usd
			}
		}
		c.Items = append(c.Items, item)
	}
	c.Free = free
	c.HourlyUSD = c.MonthlyUSD / HoursPerMonth
	return c
}
