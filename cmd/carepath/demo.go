package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/deploy/demo"
	"github.com/spf13/cobra"
)

func newDemoCommand(g *global) *cobra.Command {
	var yes, failures bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Drive every system of a deployed stack and show what came out",
		Long: `Drive every system of a deployed stack as its users would, and say which of their promises held; exit with 1 if one did not.

It posts payloads and users that are valid, invalid, too large and repeated, asks for paths that are and are not there, and where the
stack has a FHIR data store writes a made-up patient and waits for the changes. All of it is made up, marked with the run, and removed
afterwards; numbers of users are not handed out twice.`,
		Example: "  carepath demo\n  carepath demo --stack dev --timeout 30m --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return &usageError{fmt.Errorf("--timeout is %s: want more than 0", timeout)}
			}
			p, err := g.project(cmd)
			if err != nil {
				return err
			}
			production, err := p.Production(g.stack)
			if err == nil && production {
				err = g.confirm(fmt.Sprintf("Drive the production stack %q with made-up data?", g.stack), yes)
			}
			if err != nil {
				return err
			}
			stack, err := g.open(cmd, false)
			if err != nil {
				return err
			}
			d := demo.Demo{Stack: g.stack, Failures: failures || g.stack == deploy.LocalStack && !cmd.Flags().Changed("failures")}
			if d.Outputs, err = stack.Outputs(cmd.Context()); err != nil {
				return err
			}
			if d.Config, err = g.awsConfig(cmd, p); err != nil {
				return err
			}
			if g.stack == deploy.LocalStack {
				d.Mailbox = *d.Config.BaseEndpoint + "/_carepath/mail"
			}
			if !g.json {
				d.Progress = g.printCheck
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			report, err := d.Run(ctx)
			if errors.Is(err, demo.ErrNothing) {
				return &deploy.Error{Code: deploy.CodeNotDeployed, Message: "the stack " + g.stack + " has no system that could be driven", Hint: "carepath up --stack " + g.stack + " deploys it", Err: err}
			}
			if err != nil {
				return err
			}
			return g.finishDemo(report)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask before driving a production stack")
	cmd.Flags().BoolVar(&failures, "failures", false, "also post a payload that cannot be handled, which sets off an alarm; the default for the stack local")
	cmd.Flags().DurationVar(&timeout, "timeout", 15*time.Minute, "how long everything together may take")
	return cmd
}

var outcomeMarks = map[demo.Outcome]string{demo.Held: "✓", demo.Broken: "✗", demo.Skipped: "-"}

func (g *global) printCheck(c demo.Check) {
	line := fmt.Sprintf("  %s %-8s %s", outcomeMarks[c.Outcome], c.System, c.Promise)
	if c.Detail != "" {
		line += ": " + c.Detail
	}
	if c.Seconds >= 1 {
		line += fmt.Sprintf("  %.1fs", c.Seconds)
	}
	g.note("%s", line)
}

// finishDemo prints what came out; a broken promise is the command's failure.
func (g *global) finishDemo(r *demo.Report) error {
	if g.json {
		if err := g.printJSON(r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(g.out, "%s: %s (%.1fs)\n", r.Stack, r.Summary(), r.Seconds)
	}
	if r.Broken == 0 {
		return nil
	}
	var broken []string
	for _, c := range r.Checks {
		if c.Outcome == demo.Broken {
			broken = append(broken, fmt.Sprintf("%s: %s: %s", c.System, c.Promise, c.Detail))
		}
	}
	return &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("%d promises did not hold:\n  %s", r.Broken, strings.Join(broken, "\n  ")), Hint: "docs/operate.md says where to look"}
}
