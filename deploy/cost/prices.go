package cost

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

//go:embed prices.json
var ownPrices []byte

// Price is what AWS asks for a unit of something.
type Price struct {
	ID      string   `json:"id"`
	Service string   `json:"service"`
	What    string   `json:"what"`
	Unit    string   `json:"unit,omitempty"` // such as "request" or "GB-month"; empty where everything is free
	USD     float64  `json:"usd"`            // for one unit; list price, without an account's free tier
	Regions []string `json:"regions"`        // where it is so; "*": everywhere
	Source  string   `json:"source"`         // the page that says so
	Date    string   `json:"date"`           // year and month of the page's text
	Note    string   `json:"note,omitempty"`
}

// Free reports whether everything of its kind is free.
func (p *Price) Free() bool { return p.Unit == "" }

// Prices are the prices by id.
type Prices map[string]*Price

// Own are the prices that this version of carepath knows.
func Own() (Prices, error) { return ReadPrices(ownPrices) }

var pricePattern = struct{ date, id, region *regexp.Regexp }{
	regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])(-[0-3][0-9])?$`), regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`), regexp.MustCompile(`^(\*|[a-z]{2}(-[a-z]+)+-[0-9])$`),
}

// ReadPrices reads a file of prices: {"currency": "USD", "prices": [Price...]}. Each must say its unit, source and date.
func ReadPrices(text []byte) (Prices, error) {
	var file struct {
		Currency string   `json:"currency"`
		Prices   []*Price `json:"prices"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("reading the prices: %w", err)
	}
	if file.Currency != "USD" {
		return nil, fmt.Errorf("reading the prices: the currency is %q: must be USD", file.Currency)
	}
	all := Prices{}
	for i, p := range file.Prices {
		problem := ""
		switch {
		case p == nil || !pricePattern.id.MatchString(p.ID):
			problem = `"id" must be words of small letters, digits and _ with dots between`
		case all[p.ID] != nil:
			problem = `"id" is there twice: ` + p.ID
		case p.Service == "" || p.What == "" || p.Source == "":
			problem = `"service", "what" and "source" must be given`
		case !pricePattern.date.MatchString(p.Date):
			problem = fmt.Sprintf(`"date" is %q: must be as 2026-11`, p.Date)
		case p.USD < 0 || p.USD > 0 && p.Free() || p.USD == 0 && !p.Free():
			problem = `"usd" must be positive, or 0 without a "unit" for what is free`
		case len(p.Regions) == 0 || slices.ContainsFunc(p.Regions, func(r string) bool { return !pricePattern.region.MatchString(r) }):
			problem = `"regions" must be names of regions, or "*"`
		}
		if problem != "" {
			return nil, fmt.Errorf("reading the prices: prices[%d]: %s", i, problem)
		}
		all[p.ID] = p
	}
	return all, nil
}

// in is the price in a region; nil if it is not known.
func (all Prices) in(region, id string) *Price {
	p := all[id]
	if p == nil || !slices.Contains(p.Regions, region) && !slices.Contains(p.Regions, "*") {
		return nil
	}
	return p
}
