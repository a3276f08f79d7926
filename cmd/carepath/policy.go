package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/deploy/policies"
	"github.com/spf13/cobra"
)

//go:generate sh -c "go run . policy list --markdown > ../../docs/policies.md"

func newPolicyCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "The rules that every stack must follow"}
	cmd.AddCommand(newPolicyListCommand(g), newPolicyExplainCommand(g), newPolicyCheckCommand(g))
	return cmd
}

func newPolicyListCommand(g *global) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the rules", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case markdown && g.json:
				return &usageError{errors.New("--markdown and --json exclude each other")}
			case markdown:
				fmt.Fprint(g.out, policies.Reference())
			case g.json:
				return g.printJSON(map[string]any{"rules": policies.Rules()})
			default:
				for _, r := range policies.Rules() {
					fmt.Fprintf(g.out, "%s  %s\n", r.ID, r.Title)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the reference: all rules with their reasons")
	return cmd
}

func newPolicyExplainCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", Short: "Say why there is a rule, what it serves and what to do", Args: cobra.ExactArgs(1),
		Example: "  carepath policy explain CPK-KMS-001",
		RunE: func(_ *cobra.Command, args []string) error {
			r, ok := policies.Get(strings.ToUpper(args[0]))
			if !ok {
				return &deploy.Error{Code: deploy.CodeUsage, Message: fmt.Sprintf("there is no rule %q", args[0]), Hint: "carepath policy list has them"}
			}
			if g.json {
				return g.printJSON(r)
			}
			fmt.Fprint(g.out, r.Text())
			return nil
		},
	}
}

func newPolicyCheckCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check what a stack consists of against the rules", Args: cobra.NoArgs,
		Long: `Check what a stack consists of against the rules, without an account. The exit code is 4 if anything is against them: up refuses it.
Exceptions are in the stack's file, carepath:policies.suppress: each has a reason and a last day.`,
		Example: "  carepath policy check --stack prod",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := g.project(cmd)
			if err != nil {
				return err
			}
			o, err := p.PreviewOffline(cmd.Context(), g.stack)
			if err != nil {
				return err
			}
			if g.json {
				err = g.printJSON(map[string]any{"stack": g.stack, "policies": o.Policies})
			} else {
				_, err = fmt.Fprint(g.out, o.PolicyText())
			}
			return errors.Join(err, o.Refused())
		},
	}
}
