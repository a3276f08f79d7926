package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/carepath/carepath/deploy/cost"
	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/platform"
)

// CostOptions say what an estimate is made with.
type CostOptions struct {
	// Prices is a file of prices as deploy/cost/prices.json is; empty: that one, which is part of the program.
	Prices string
}

// Cost estimates what a stack costs, deployed or not: without an account, from its configuration.
func (p *Project) Cost(ctx context.Context, stack string, o CostOptions) (*cost.Estimate, error) {
	g, err := p.Graph(ctx, stack)
	if err != nil {
		return nil, err
	}
	return p.priced(g, o)
}

func (p *Project) priced(g *graph.Graph, o CostOptions) (*cost.Estimate, error) {
	prices, err := o.prices()
	if err != nil {
		return nil, err
	}
	c, err := p.Configuration(g.Stack)
	if err != nil {
		return nil, err
	}
	return cost.OfGraph(g, platform.UsageOf(c.Settings), prices), nil
}

// CostAgainst tells an estimate from an earlier one, which is in a file as carepath cost --json prints it.
func CostAgainst(file string, now *cost.Estimate) (*cost.Difference, error) {
	var before cost.Estimate
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &before)
	}
	if err == nil && before.HoursPerMonth == 0 {
		err = errors.New("it is no estimate")
	}
	if err != nil {
		return nil, &Error{Code: CodeUsage, Message: "reading the earlier estimate, " + file + ": " + err.Error(), Hint: "carepath cost --json prints one", Err: err}
	}
	return cost.Compare(&before, now), nil
}

func (o CostOptions) prices() (cost.Prices, error) {
	if o.Prices == "" {
		return cost.Own()
	}
	text, err := os.ReadFile(o.Prices)
	if err != nil {
		return nil, &Error{Code: CodeUsage, Message: "reading the prices: " + err.Error(), Hint: "a file of prices is as deploy/cost/prices.json", Err: err}
	}
	prices, err := cost.ReadPrices(text)
	if err != nil {
		return nil, &Error{Code: CodeUsage, Message: o.Prices + ": " + err.Error(), Hint: "a file of prices is as deploy/cost/prices.json", Err: err}
	}
	return prices, nil
}

// difference is what a preview's steps would make of the cost of what is deployed.
func (s *Stack) difference(deployed *state, preview *Result) (*cost.Difference, error) {
	c, err := s.project.Configuration(s.name)
	if err != nil {
		return nil, err
	}
	prices, err := cost.Own()
	if err != nil {
		return nil, err
	}
	usage, region := platform.UsageOf(c.Settings), c.text(platform.KeyRegion)
	before := cost.Of(s.name, region, cost.FromDeployment(deployed.Resources), usage, prices)
	after := cost.Of(s.name, region, cost.FromSteps(preview.steps), usage, prices)
	return cost.Compare(before, after), nil
}
