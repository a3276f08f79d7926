package cost

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Difference is what a change of a stack makes of its cost.
type Difference struct {
	Before Cost `json:"before"`
	After  Cost `json:"after"`
	// MonthlyUSD and HourlyUSD are after less before, of what is known.
	MonthlyUSD float64 `json:"monthlyUsd"`
	HourlyUSD  float64 `json:"hourlyUsd"`
	// Unknown says that a resource that comes, goes or changes has an unknown amount.
	Unknown   bool             `json:"unknown"`
	Resources []ResourceChange `json:"resources"` // whose amounts differ, or are not known; the largest change first
}

// ResourceChange is a resource whose cost a change makes another.
type ResourceChange struct {
	URN        string  `json:"urn"`
	Type       string  `json:"type"`
	Name       string  `json:"name"`
	Before     *Cost   `json:"before"` // nil: it is new
	After      *Cost   `json:"after"`  // nil: it goes
	MonthlyUSD float64 `json:"monthlyUsd"`
}

func (c *ResourceChange) unknown() bool {
	return c.Before != nil && c.Before.Unknown || c.After != nil && c.After.Unknown
}

// identity is a URN without its stack.
func identity(urn string) string {
	if _, rest, ok := strings.Cut(urn, "::"); ok {
		return rest
	}
	return urn
}

// Compare tells two estimates apart: of a stack before and after a change, or of two stacks.
func Compare(before, after *Estimate) *Difference {
	d := &Difference{
		Before: before.Cost, After: after.Cost, Resources: []ResourceChange{},
		MonthlyUSD: after.MonthlyUSD - before.MonthlyUSD, HourlyUSD: after.HourlyUSD - before.HourlyUSD,
	}
	old := map[string]*ResourceCost{}
	for i := range before.Resources {
		old[identity(before.Resources[i].URN)] = &before.Resources[i]
	}
	for i := range after.Resources {
		now := &after.Resources[i]
		c := ResourceChange{URN: now.URN, Type: now.Type, Name: now.Name, After: &now.Cost, MonthlyUSD: now.MonthlyUSD}
		if was := old[identity(now.URN)]; was != nil {
			delete(old, identity(now.URN))
			if was.Cost == now.Cost {
				continue
			}
			c.Before, c.MonthlyUSD = &was.Cost, now.MonthlyUSD-was.MonthlyUSD
		}
		d.add(c)
	}
	for _, was := range old {
		d.add(ResourceChange{URN: was.URN, Type: was.Type, Name: was.Name, Before: &was.Cost, MonthlyUSD: -was.MonthlyUSD})
	}
	slices.SortFunc(d.Resources, func(a, b ResourceChange) int {
		return cmp.Or(cmp.Compare(math.Abs(b.MonthlyUSD), math.Abs(a.MonthlyUSD)), unknownFirst(a.unknown(), b.unknown()), cmp.Compare(a.URN, b.URN))
	})
	return d
}

func (d *Difference) add(c ResourceChange) {
	if c.MonthlyUSD == 0 && !c.unknown() {
		return // free, before and after
	}
	d.Unknown = d.Unknown || c.unknown()
	d.Resources = append(d.Resources, c)
}
