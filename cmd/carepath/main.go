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
	"syscall"

	"github.com/carepath/carepath/deploy"
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
	root := newRootCommand(&streams{in: stdin, out: stdout, err: stderr})
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "error: "+err.Error())
	var e *deploy.Error
	if !errors.As(err, &e) {
		var usage *usageError
		if errors.As(err, &usage) {
			return exitUsage
		}
		return exitFailed
	}
	switch e.Code {
	case deploy.CodeUsage:
		return exitUsage
	case deploy.CodeDrift:
		return exitDrift
	case deploy.CodeRefused:
		return exitRefused
	}
	return exitFailed
}
