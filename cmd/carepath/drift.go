package main

import (
	"encoding/json"
	"fmt"

	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

func newDriftCommand(g *global) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "List what somebody has changed behind Pulumi's back",
		Long: `Ask AWS how everything is that the stack has deployed, and list what differs from what Pulumi deployed. Nothing is changed. The exit
code is 3 if anything differs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if markdown && g.json {
				return &usageError{fmt.Errorf("--markdown and --json exclude each other")}
			}
			stack, err := g.open(cmd, false)
			if err != nil {
				return err
			}
			drift, err := stack.Drift(cmd.Context())
			if err != nil {
				return err
			}
			switch {
			case g.json:
				err = g.printJSON(drift)
			case markdown:
				_, err = fmt.Fprint(g.out, drift.Markdown(deploy.CommentLimit))
			default:
				g.printDrift(drift)
			}
			if err != nil || len(drift.Resources) == 0 {
				return err
			}
			return &deploy.Error{Code: deploy.CodeDrift, Message: fmt.Sprintf("the stack %s has drifted: %d of %d resources are not as they were deployed", g.stack, len(drift.Resources), drift.Checked),
				Hint: fmt.Sprintf("carepath refresh --stack %[1]s takes it into the state, and carepath up --stack %[1]s then brings back what the program says", g.stack)}
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print a page for a comment or an issue on GitHub")
	return cmd
}

func (g *global) printDrift(d *deploy.Drift) {
	if len(d.Resources) == 0 {
		fmt.Fprintf(g.out, "✓ no drift of %s: %d resources are as they were deployed (%.1fs)\n", d.Stack, d.Checked, d.Seconds)
		return
	}
	for _, r := range d.Resources {
		if r.Op == "deleted" {
			fmt.Fprintf(g.out, "  -  %-44s %s (%s is gone)\n", r.Type, r.Name, r.ID)
			continue
		}
		fmt.Fprintf(g.out, "  ~  %-44s %s\n", r.Type, r.Name)
		for _, x := range r.Differences {
			fmt.Fprintf(g.out, "       %s: %s → %s\n", x.Property, shown(x.Deployed), shown(x.Found))
		}
	}
}

// shown is a property's value as JSON.
func shown(v any) string {
	if v == nil {
		return "(nothing)"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
