package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

// streams are the program's standard streams; tests give it others.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a mistake in the command's words.
type usageError struct{ error }

// global holds the flags that every command has.
type global struct {
	*streams
	stack   string
	json    bool
	port    int
	printed bool // the command's one JSON document is out
	// outputs are the stack's; nil: they are asked for. Tests have stacks that were not deployed.
	outputs func(*cobra.Command) (map[string]any, error)
}

func newRootCommand(s *streams) (*cobra.Command, *global) {
	g := &global{streams: s}
	root := &cobra.Command{
		Use:           "carepath",
		Short:         "Deploy and run Carepath, an event-driven healthcare backend on AWS",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w\n  see %s --help", err, cmd.CommandPath())}
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&g.stack, "stack", "s", deploy.LocalStack, "the stack: one of the Pulumi.<stack>.yaml files, or pr-<number> with the profile Pulumi.pr.yaml")
	flags.BoolVar(&g.json, "json", false, "print one JSON document on standard output and nothing else")
	flags.IntVar(&g.port, "port", deploy.DefaultPort, "where the embedded AWS listens, on the loopback address (environment: CAREPATH_PORT)")
	root.AddCommand(
		newUpCommand(g), newPreviewCommand(g), newRefreshCommand(g), newDriftCommand(g), newCancelCommand(g), newDestroyCommand(g), newReapCommand(g), newOutputsCommand(g),
		newRedriveCommand(g), newCostCommand(g), newDemoCommand(g), newLocalCommand(g), newASLCommand(g), newVTLCommand(g), newConfigCommand(g), newPolicyCommand(g), newDoctorCommand(g), newVersionCommand(g),
		newFHIRCommand(g), newChangesCommand(g),
		newCICommand(g),
	)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if !g.json {
			help(cmd, args)
			return
		}
		var text strings.Builder
		cmd.SetOut(&text)
		help(cmd, args)
		_ = g.printJSON(map[string]string{"command": cmd.CommandPath(), "help": text.String()}) // cobra takes no error from here
	})
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || len(rest) > 0 {
					return fmt.Errorf("unknown command %q for %q", strings.Join(rest, " "), found.CommandPath())
				}
				return nil
			}
		}
	}
	root.InitDefaultCompletionCmd()
	wrapArgs(root)
	return root, g
}

// wrapArgs makes wrong arguments usage errors, so that they exit with 2 as wrong flags do. A command that only holds others
// prints its help.
func wrapArgs(c *cobra.Command) {
	if c.HasSubCommands() {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
		}
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &usageError{fmt.Errorf("%w\n  see %s --help", err, cmd.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

// project finds the project that the working directory is in.
func (g *global) project(cmd *cobra.Command) (*deploy.Project, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	p, err := deploy.FindProject(dir)
	if err != nil {
		return nil, err
	}
	name, value := "--port", strconv.Itoa(g.port)
	if text := os.Getenv("CAREPATH_PORT"); text != "" && !cmd.Flags().Changed("port") {
		name, value = "CAREPATH_PORT", text
	}
	if p.Port, err = strconv.Atoi(value); err != nil || p.Port < 1 || p.Port > 65535 {
		return nil, &usageError{fmt.Errorf("%s is %q: want a port number, 1 to 65535", name, value)}
	}
	return p, nil
}

// printJSON writes the command's one JSON document.
func (g *global) printJSON(v any) error {
	g.printed = true
	enc := json.NewEncoder(g.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// note writes progress to standard error.
func (g *global) note(format string, args ...any) {
	fmt.Fprintf(g.err, format+"\n", args...)
}

// confirm asks a yes-or-no question unless yes is set. Without a terminal to ask on it refuses.
func (g *global) confirm(question string, yes bool) error {
	if yes {
		return nil
	}
	answer, err := g.ask(question, " [y/N] ", "repeat the command with --yes")
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return &deploy.Error{Code: deploy.CodeRefused, Message: "not confirmed: nothing was done"}
}

// confirmName asks for a name, unless it is given.
func (g *global) confirmName(question, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	return g.ask(question, " ", "repeat the command with --confirm and the stack's name")
}

// ask returns the line that a person answers. Without a terminal to ask on it refuses, with the hint.
func (g *global) ask(question, prompt, hint string) (string, error) {
	nobody := &deploy.Error{Code: deploy.CodeRefused, Message: question + " There is nobody to ask: standard input is not a terminal.", Hint: hint}
	if f, ok := g.in.(*os.File); !ok || !terminal(f) {
		return "", nobody
	}
	fmt.Fprint(g.err, question+prompt)
	line, err := bufio.NewReader(g.in).ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" { // /dev/null looks like a terminal
		return "", nobody
	}
	if err != nil && line == "" {
		return "", fmt.Errorf("reading the answer: %w", err)
	}
	return strings.TrimSpace(line), nil
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func newVersionCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version of carepath this is", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version  string `json:"version"`
				Go       string `json:"go"`
				Revision string `json:"revision,omitempty"`
			}{Version: "(devel)"}
			if info, ok := debug.ReadBuildInfo(); ok {
				v.Version, v.Go = info.Main.Version, info.GoVersion
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Revision = s.Value
					}
				}
			}
			if g.json {
				return g.printJSON(v)
			}
			fmt.Fprintln(g.out, strings.TrimSpace("carepath "+v.Version+" "+v.Revision+" "+v.Go))
			return nil
		},
	}
}

func newDoctorCommand(g *global) *cobra.Command {
	var build bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what is missing on this machine and what mends it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := g.project(cmd)
			if err != nil {
				return err
			}
			if build {
				if _, err := p.PulumiCLI(cmd.Context(), func(text string) { g.note("%s", text) }); err != nil {
					return err
				}
			}
			checks := p.Doctor(cmd.Context())
			missing := 0
			for _, c := range checks {
				if !c.OK {
					missing++
				}
			}
			if g.json {
				if err := g.printJSON(checks); err != nil {
					return err
				}
			} else {
				for _, c := range checks {
					mark := "ok     "
					if !c.OK {
						mark = "MISSING"
					}
					fmt.Fprintf(g.out, "%s  %-13s %s\n", mark, c.Name, c.Detail)
					if c.Mend != "" {
						fmt.Fprintf(g.out, "         %-13s → %s\n", "", c.Mend)
					}
				}
			}
			if missing > 0 {
				return &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("%d of %d checks failed", missing, len(checks))}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&build, "build", false, "build the Pulumi CLI now if there is none")
	return cmd
}
