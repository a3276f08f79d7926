package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

// options say how the chosen stack is opened, with its progress on standard error. program says that the operation runs the
// program.
func (g *global) options(cmd *cobra.Command, program bool) (*deploy.Project, deploy.Options, error) {
	p, err := g.project(cmd)
	if err != nil {
		return nil, deploy.Options{}, err
	}
	observer := deploy.Observer{Report: func(text string) { g.note("%s", text) }, Message: g.printMessage}
	if !g.json {
		observer.Change = g.printChange
	}
	return p, deploy.Options{Stack: g.stack, Observer: observer, Program: program, ServeArgs: serveArgs(p)}, nil
}

// open makes the chosen stack ready.
func (g *global) open(cmd *cobra.Command, program bool) (*deploy.Stack, error) {
	p, options, err := g.options(cmd, program)
	if err != nil {
		return nil, err
	}
	return p.Open(cmd.Context(), options)
}

var opMarks = map[string]string{
	"create": "+", "update": "~", "delete": "-", "replace": "±", "create-replacement": "+±", "delete-replaced": "-±", "refresh": "~", "import": "=",
}

func (g *global) printChange(c deploy.Change) {
	mark, ok := opMarks[c.Op]
	if !ok {
		mark = c.Op
	}
	line := fmt.Sprintf("  %-2s %-44s %s", mark, c.Type, c.Name)
	if c.Op == "update" && len(c.Diffs) > 0 {
		line += " [" + strings.Join(c.Diffs, ", ") + "]"
	}
	if len(c.Keys) > 0 {
		line += " (replaced because of " + strings.Join(c.Keys, ", ") + ")"
	}
	if c.Duration > time.Second {
		line += fmt.Sprintf("  %.1fs", c.Duration.Seconds())
	}
	if c.Failed {
		line += "  FAILED"
	}
	g.note("%s", line)
}

func (g *global) printMessage(m deploy.Message) {
	if m.Severity == "error" {
		return // it is in the operation's error, printed last
	}
	g.note("  %s: %s", m.Severity, m.Text)
}

// finish prints what an operation did.
func (g *global) finish(r *deploy.Result, done string) error {
	if g.json {
		return g.printJSON(r)
	}
	fmt.Fprintf(g.out, "✓ %s: %s (%.1fs)\n", done, r.Summary(), r.Seconds)
	return nil
}

func newUpCommand(g *global) *cobra.Command {
	var yes bool
	var o deploy.UpOptions
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Deploy a stack",
		Long: `Deploy a stack: make, change or delete resources until they are what the program and the stack's configuration say.

The stack "local" (the default) needs no account: up starts the embedded AWS as a background process, finds or builds the
Pulumi CLI, and deploys. A second up changes nothing. Ctrl-C cancels cleanly; up again converges.`,
		Example: "  carepath up\n  carepath up --stack dev --yes",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if g.stack != deploy.LocalStack {
				if err := g.confirm(fmt.Sprintf("Deploy the stack %q to AWS?", g.stack), yes); err != nil {
					return err
				}
			}
			p, options, err := g.options(cmd, true)
			if err != nil {
				return err
			}
			options.Deploys = true
			stack, err := p.Open(cmd.Context(), options)
			if err != nil {
				return err
			}
			result, err := stack.Up(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := g.finish(result, "deployed "+g.stack); err != nil || g.json {
				return err
			}
			g.printOutputs(result.Outputs)
			fmt.Fprintln(g.out, "\nTry it:")
			for _, try := range []struct{ output, body string }{
				{"intakeUrl", `{"hello":"world"}`}, {"usersUrl", `{"firstName":"Ada","lastName":"Lovelace","emailAddress":"ada@example.org"}`},
			} {
				if url, ok := result.Outputs[try.output].(string); ok {
					fmt.Fprintf(g.out, "  curl -i -d '%s' %s\n", try.body, url)
				}
			}
			if _, ok := result.Outputs["changeQueueUrl"].(string); ok {
				on := ""
				if g.stack != deploy.LocalStack {
					on = " --stack " + g.stack
				}
				fmt.Fprintf(g.out, "  carepath fhir generate --count 10 | carepath fhir load -%[1]s && carepath changes tail --count 10%[1]s\n", on)
			}
			if g.stack == deploy.LocalStack {
				fmt.Fprintf(g.out, "Look inside:\n  eval \"$(carepath local env)\" && aws stepfunctions list-executions --state-machine-arn %v\n", result.Outputs["intakeStateMachineArn"])
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask before deploying to AWS")
	allowFlags(cmd, &o.Allowed)
	cmd.Flags().StringVar(&o.Plan, "plan", "", "do exactly what this file of preview --out says, or nothing")
	return cmd
}

func allowFlags(cmd *cobra.Command, allowed *deploy.Allowed) {
	cmd.Flags().StringArrayVar(&allowed.Replace, "allow-replace", nil, "the URN of a protected or stateful resource that may be replaced, its data lost; may be repeated")
	cmd.Flags().StringArrayVar(&allowed.Delete, "allow-delete", nil, "the URN of a protected or stateful resource that may be deleted, its data lost; may be repeated")
}

func (g *global) printOutputs(outputs map[string]any) {
	names := slices.Sorted(maps.Keys(outputs))
	width := 0
	for _, name := range names {
		width = max(width, len(name))
	}
	for _, name := range names {
		fmt.Fprintf(g.out, "  %-*s  %v\n", width, name, outputs[name])
	}
}

func newPreviewCommand(g *global) *cobra.Command {
	var o deploy.PreviewOptions
	var markdown, offline bool
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Say what up would do",
		Long: `Say what up would do. Resources that hold data and would be lost are listed; up refuses to lose them. Resources that are against
the policies are listed last, and the exit code is 4.

With --out what would be done is also kept in a file: up --plan FILE does exactly that, or nothing if the stack, the program or the
configuration has changed since.

With --offline nothing is asked of AWS, the state or the engine: it says what the stack consists of, not what would change. Any
stack's file will do, without an account.`,
		Example: "  carepath preview\n  carepath preview --out plan.json && carepath up --plan plan.json\n  carepath preview --offline --stack prod",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if markdown && g.json {
				return &usageError{fmt.Errorf("--markdown and --json exclude each other")}
			}
			if offline {
				if o.Out != "" {
					return &usageError{fmt.Errorf("--offline and --out exclude each other: without live data there is no plan")}
				}
				return g.previewOffline(cmd, markdown)
			}
			stack, err := g.open(cmd, true)
			if err != nil {
				return err
			}
			result, err := stack.Preview(cmd.Context(), o)
			if err != nil {
				return err
			}
			for _, f := range result.Dangers {
				g.note("  ! %s", f)
			}
			if markdown {
				_, err = fmt.Fprint(g.out, result.Markdown(deploy.CommentLimit))
			} else {
				err = g.finish(result, "previewed "+g.stack)
				if err == nil && !g.json {
					err = result.Cost.WriteText(g.out)
				}
			}
			return errors.Join(err, result.Refused())
		},
	}
	cmd.Flags().StringVar(&o.Out, "out", "", "keep the plan in this file, for up --plan")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print a page for a comment on GitHub, what is dangerous first")
	cmd.Flags().BoolVar(&offline, "offline", false, "say what the stack consists of, without an account: no live data is resolved")
	return cmd
}

func (g *global) previewOffline(cmd *cobra.Command, markdown bool) error {
	p, err := g.project(cmd)
	if err != nil {
		return err
	}
	o, err := p.PreviewOffline(cmd.Context(), g.stack)
	if err != nil {
		return err
	}
	switch {
	case g.json:
		err = g.printJSON(o)
	case markdown:
		fmt.Fprint(g.out, o.Markdown(deploy.CommentLimit))
	default:
		fmt.Fprintf(g.out, "%s✓ described %s: %s (%.2fs)\n", o.Text(), g.stack, o.Summary(), o.Seconds)
	}
	return errors.Join(err, o.Refused())
}

func newRefreshCommand(g *global) *cobra.Command {
	var o deploy.RefreshOptions
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "Bring the stack's state up to date with what is deployed",
		Long: `Bring the stack's state up to date with what is deployed. Nothing is deployed.

If an operation was cut off while it created resources on AWS, they may exist and are in no state. --adopt takes those that do into
the state; --forget says that none does. On the stack "local" this is settled by itself.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stack, err := g.open(cmd, false)
			if err != nil {
				return err
			}
			result, err := stack.Refresh(cmd.Context(), o)
			if err != nil {
				return err
			}
			return g.finish(result, "refreshed "+g.stack)
		},
	}
	cmd.Flags().StringArrayVar(&o.Adopt, "adopt", nil, "URN=ID of a resource whose creation was cut off when it was made; may be repeated")
	cmd.Flags().BoolVar(&o.Forget, "forget", false, "forget the creations that were cut off: none was made")
	return cmd
}

func newCancelCommand(g *global) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "cancel",
		Short: "Release the lock that an operation has left which was cut off",
		Long: `Release the lock that an operation has left which was cut off. An operation that is at work on this machine keeps its lock: interrupt
it instead. The next operation settles what was cut off.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if g.stack != deploy.LocalStack {
				if err := g.confirm(fmt.Sprintf("Release the lock of the stack %q? If an operation is at work elsewhere, both will break the state.", g.stack), yes); err != nil {
					return err
				}
			}
			stack, err := g.open(cmd, false)
			if err != nil {
				return err
			}
			whose, err := stack.Cancel(cmd.Context())
			if err != nil {
				return err
			}
			if g.json {
				return g.printJSON(map[string]any{"stack": g.stack, "released": whose != "", "holder": whose})
			}
			if whose == "" {
				fmt.Fprintf(g.out, "nobody holds the lock of %s\n", g.stack)
				return nil
			}
			fmt.Fprintf(g.out, "✓ released the lock of %s, which was held by %s\n", g.stack, whose)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func newDestroyCommand(g *global) *cobra.Command {
	var yes bool
	var o deploy.DestroyOptions
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "Delete a stack's resources, to stop the costs",
		Long: `Delete a stack's resources, to stop the costs.

For the stack "local" it also stops the embedded AWS and deletes everything it left on the machine. A stack of the environment
"prod" asks for its name, which --confirm gives where there is nobody to ask. A stack with protected resources is refused, before
anything is deleted, unless --allow-delete names each of them.`,
		Example: "  carepath destroy --stack dev --yes\n  carepath destroy --stack prod --confirm prod --allow-delete 'urn:pulumi:prod::carepath::aws:kms/key:Key::carepath'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, options, err := g.options(cmd, false)
			if err != nil {
				return err
			}
			production, err := p.Production(g.stack)
			switch {
			case err != nil:
			case production:
				o.Confirm, err = g.confirmName(fmt.Sprintf("Delete every resource of the production stack %q? Type its name:", g.stack), o.Confirm)
			case o.Confirm != g.stack:
				err = g.confirm(fmt.Sprintf("Delete every resource of the stack %q?", g.stack), yes)
			}
			if err != nil {
				return err
			}
			result, err := p.Destroy(cmd.Context(), options, o)
			if err != nil {
				return err
			}
			return g.finish(result, "destroyed "+g.stack)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask; a stack of the environment prod wants --confirm instead")
	cmd.Flags().StringVar(&o.Confirm, "confirm", "", "the stack's name: do not ask, for production stacks too")
	cmd.Flags().StringArrayVar(&o.AllowDelete, "allow-delete", nil, "the URN of a protected resource that may be deleted, its data lost; may be repeated")
	return cmd
}

func newOutputsCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "outputs [NAME]", Short: "Print the stack's outputs, or one of them", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			stack, err := g.open(cmd, false)
			if err != nil {
				return err
			}
			outputs, err := stack.Outputs(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 1 {
				value, ok := outputs[args[0]]
				if !ok {
					return &deploy.Error{Code: deploy.CodeUsage, Message: fmt.Sprintf("the stack %s has no output %q", g.stack, args[0]),
						Hint: "it has: " + strings.Join(slices.Sorted(maps.Keys(outputs)), ", ")}
				}
				if g.json {
					return g.printJSON(value)
				}
				fmt.Fprintln(g.out, value)
				return nil
			}
			if g.json {
				return g.printJSON(outputs)
			}
			g.printOutputs(outputs)
			return nil
		},
	}
}

// serveArgs are the arguments with which this program serves the embedded AWS of p.
func serveArgs(p *deploy.Project) []string {
	return []string{"local", "serve", "--port", strconv.Itoa(p.Port)}
}
