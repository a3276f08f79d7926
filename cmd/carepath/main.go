// Command carepath deploys Carepath's stacks, runs the embedded AWS of the local one, and tries state machines and
// templates without deploying them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/deploy/policies"
	"github.com/carepath/carepath/platform"
	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Exit codes: see docs/cli.md.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitDrift   = 3
	exitRefused = 4
)

// run is the whole program. The first Ctrl-C cancels what is under way cleanly; a second one ends the process.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root, g := newRootCommand(&streams{in: stdin, out: stdout, err: stderr})
	return g.execute(ctx, root, args)
}

// execute runs the command that args name, and returns the exit code.
func (g *global) execute(ctx context.Context, root *cobra.Command, args []string) int {
	noted := &notedWriter{Writer: g.out}
	g.out = noted
	root.SetArgs(args)
	root.SetIn(g.in)
	root.SetOut(g.out)
	root.SetErr(g.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(g.err, "error: "+err.Error())
	switch {
	case g.json || slices.Contains(args, "--json"): // flags after a wrong one were not read
		if g.printed {
			break
		}
		if err := g.printJSON(failure(err)); err != nil {
			fmt.Fprintln(g.err, "error: "+err.Error())
		}
	case slices.Contains(args, "--markdown") && !noted.written:
		fmt.Fprint(g.out, deploy.FailureMarkdown(g.stack, err, deploy.CommentLimit))
	}
	switch code(err) {
	case deploy.CodeUsage:
		return exitUsage
	case deploy.CodeDrift:
		return exitDrift
	case deploy.CodeRefused, deploy.CodeStale:
		return exitRefused
	}
	return exitFailed
}

// notedWriter notes whether anything was written.
type notedWriter struct {
	io.Writer
	written bool
}

func (w *notedWriter) Write(p []byte) (int, error) {
	w.written = w.written || len(p) > 0
	return w.Writer.Write(p)
}

// code is the kind of an error of any command.
func code(err error) deploy.Code {
	var e *deploy.Error
	if errors.As(err, &e) {
		return e.Code
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return deploy.CodeUsage
	}
	return deploy.CodeFailed
}

// failure is what --json prints of an error, unless the command has printed its document before it failed.
func failure(err error) any { return map[string]any{"error": failureOf(err)} }

// failureOf describes an error; nil if there is none.
func failureOf(err error) any {
	if err == nil {
		return nil
	}
	type description struct {
		Code     deploy.Code        `json:"code"`
		Message  string             `json:"message"`
		Hint     string             `json:"hint,omitempty"`
		Problems []platform.Problem `json:"problems,omitempty"` // of a configuration
		Where    []string           `json:"where,omitempty"`    // URNs
		// Resources are what a guard stands for.
		Resources []deploy.Finding `json:"resources,omitempty"`
		// Policies are what is against the policies.
		Policies []policies.Finding `json:"policies,omitempty"`
	}
	d := description{Code: code(err), Message: err.Error()}
	var e *deploy.Error
	if errors.As(err, &e) {
		d.Message, d.Hint, d.Where, d.Resources, d.Policies = e.Message, e.Hint, e.Where, e.Findings, e.Policies
	}
	var invalid *platform.ConfigError
	if errors.As(err, &invalid) {
		d.Problems = invalid.Problems
	}
	return d
}
