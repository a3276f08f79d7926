package main

import (
	"fmt"
	"time"

	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

func newReapCommand(g *global) *cobra.Command {
	var yes bool
	var o deploy.ReapOptions
	cmd := &cobra.Command{
		Use:   "reap",
		Short: "Destroy the stacks whose time to live has passed",
		Long: `Destroy the stacks whose time to live, carepath:ttl in their file, has passed since their last up or refresh. Stacks of the environment
prod and stacks with protected resources are never destroyed. Run it on a schedule. The exit code is 1 if a stack could not be
destroyed, and 4 if one was refused.`,
		Example: "  carepath reap --dry-run\n  carepath reap --yes",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !o.DryRun {
				if err := g.confirm("Destroy every stack whose time to live has passed?", yes); err != nil {
					return err
				}
			}
			p, options, err := g.options(cmd, false)
			if err != nil {
				return err
			}
			o.Options = options
			reaped, err := p.Reap(cmd.Context(), o)
			if err != nil {
				return err
			}
			return g.finishReap(reaped)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "only say what would be destroyed")
	return cmd
}

func (g *global) finishReap(reaped []deploy.Reaped) error {
	if g.json {
		if err := g.printJSON(map[string]any{"stacks": reaped}); err != nil {
			return err
		}
	} else if len(reaped) == 0 {
		fmt.Fprintln(g.out, "no stack has a time to live: carepath:ttl")
	}
	failed, refused := 0, 0
	for _, r := range reaped {
		switch r.Fate {
		case "failed":
			failed++
		case "refused":
			refused++
		}
		if g.json {
			continue
		}
		line := fmt.Sprintf("  %-16s %-12s ttl %s", r.Stack, r.Fate, r.TTL)
		if !r.Expires.IsZero() {
			line += ", until " + r.Expires.Format(time.RFC3339)
		}
		if r.Why != "" {
			line += ": " + r.Why
		}
		fmt.Fprintln(g.out, line)
	}
	switch {
	case failed > 0:
		return &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("%d of %d stacks could not be reaped", failed, len(reaped)), Hint: "run it again; carepath destroy --stack NAME says more"}
	case refused > 0:
		return &deploy.Error{Code: deploy.CodeRefused, Message: fmt.Sprintf("%d of %d stacks are past their time and were not destroyed", refused, len(reaped)), Hint: "destroy them by hand, or take carepath:ttl out of their file"}
	}
	return nil
}
