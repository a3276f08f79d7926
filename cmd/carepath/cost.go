package main

import (
	"errors"
	"fmt"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/deploy/cost"
	"github.com/spf13/cobra"
)

func newCostCommand(g *global) *cobra.Command {
	var o deploy.CostOptions
	var markdown, detail bool
	var against string
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Estimate what a stack costs",
		Long: `Estimate what a stack costs, an hour and a month: of each resource, with what it is billed for. The stack need not be deployed, and
no account is asked.

How much the stack is used is in its configuration, carepath:usage. Prices are list prices without free tiers. What is not known is
shown as unknown, and is in no sum. With --against FILE the difference to an earlier estimate is shown: to that of another branch. For the stack "local" it says what the same resources would cost on AWS.`,
		Example: "  carepath cost --stack dev\n  carepath cost --stack prod --detail\n  carepath cost --stack prod --json > before.json\n  carepath cost --stack prod --against before.json --markdown",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if markdown && g.json {
				return &usageError{errors.New("--markdown and --json exclude each other")}
			}
			p, err := g.project(cmd)
			if err != nil {
				return err
			}
			estimate, err := p.Cost(cmd.Context(), g.stack, o)
			if err != nil {
				return err
			}
			if against != "" {
				return g.printCostAgainst(against, estimate, markdown)
			}
			switch {
			case g.json:
				return g.printJSON(estimate)
			case markdown:
				_, err := fmt.Fprint(g.out, estimate.Markdown())
				return err
			}
			return estimate.WriteText(g.out, detail)
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print a page for GitHub")
	cmd.Flags().BoolVar(&detail, "detail", false, "list what is free too, and where each price is from")
	cmd.Flags().StringVar(&against, "against", "", "print the difference to an earlier estimate: a file that cost --json printed")
	cmd.Flags().StringVar(&o.Prices, "prices", "", "a file of prices in place of those that carepath knows, for another region or contract")
	return cmd
}

func (g *global) printCostAgainst(file string, now *cost.Estimate, markdown bool) error {
	d, err := deploy.CostAgainst(file, now)
	switch {
	case err != nil:
		return err
	case g.json:
		return g.printJSON(d)
	case markdown:
		_, err := fmt.Fprint(g.out, d.Markdown(now.Stack))
		return err
	}
	return d.WriteText(g.out)
}
