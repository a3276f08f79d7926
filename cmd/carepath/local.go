package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/localcloud"
	"github.com/spf13/cobra"
)

func newLocalCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "local", Short: "Start, stop and look at the embedded AWS"}
	cmd.AddCommand(
		newStartCommand(g),
		localCommand(g, "stop", "Stop the embedded AWS; its state is kept", func(ctx context.Context, p *deploy.Project) error {
			ran, err := p.StopLocal(ctx)
			if err != nil {
				return err
			}
			if g.json {
				return g.printJSON(map[string]bool{"stopped": ran})
			}
			if ran {
				fmt.Fprintln(g.out, "stopped the embedded AWS; its state is in "+p.LocalDir())
			} else {
				fmt.Fprintln(g.out, "the embedded AWS was not running")
			}
			return nil
		}),
		localCommand(g, "status", "Say whether the embedded AWS runs", func(ctx context.Context, p *deploy.Project) error {
			status, err := p.LocalStatus(ctx)
			if err != nil {
				return err
			}
			return g.printStatus(status)
		}),
		newResetCommand(g),
		localCommand(g, "env", "Print what aws and pulumi need to use the embedded AWS", func(ctx context.Context, p *deploy.Project) error {
			status, err := p.LocalStatus(ctx)
			if err != nil {
				return err
			}
			variables := p.AWSEnvironment()
			if status.Running {
				variables = append(variables, p.PulumiEnvironment(status.ProviderPort)...)
			}
			if g.json {
				values := map[string]string{}
				for _, v := range variables {
					values[v.Name] = v.Value
				}
				return g.printJSON(values)
			}
			for _, v := range variables {
				fmt.Fprintf(g.out, "export %s=%q\n", v.Name, v.Value)
			}
			return nil
		}),
		newServeCommand(g),
	)
	return cmd
}

func localCommand(g *global, use, short string, do func(context.Context, *deploy.Project) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := g.project(cmd)
			if err != nil {
				return err
			}
			return do(cmd.Context(), p)
		},
	}
}

func (g *global) printStatus(s deploy.LocalStatus) error {
	if g.json {
		return g.printJSON(s)
	}
	if !s.Running {
		fmt.Fprintln(g.out, "the embedded AWS does not run; carepath local start starts it")
		return nil
	}
	fmt.Fprintf(g.out, "the embedded AWS runs at %s (process %d)\n  state and log: %s\n", s.Endpoint, s.PID, s.Log)
	if s.TLSEndpoint != "" {
		fmt.Fprintf(g.out, "  with TLS: %s, trusting %s\n", s.TLSEndpoint, s.Authority)
	}
	return nil
}

// tlsFlag asks for the TLS port.
const tlsFlag = "tls"

func newStartCommand(g *global) *cobra.Command {
	var tls bool
	cmd := localCommand(g, "start", "Start the embedded AWS, unless it runs", func(ctx context.Context, p *deploy.Project) error {
		args := serveArgs(p)
		if tls {
			args = append(args, "--"+tlsFlag)
		}
		status, err := p.StartLocal(ctx, args)
		if err != nil {
			return err
		}
		if tls && status.TLSEndpoint == "" {
			return &deploy.Error{Code: deploy.CodeRefused, Message: "the embedded AWS runs already, without TLS", Hint: "carepath local stop, then carepath local start --tls"}
		}
		return g.printStatus(status)
	})
	cmd.Flags().BoolVar(&tls, tlsFlag, false, tlsHelp)
	return cmd
}

const tlsHelp = "answer with TLS too, at the next higher port; certificates are signed by an authority whose own is in ca.pem in the state folder"

func newResetCommand(g *global) *cobra.Command {
	var yes bool
	cmd := localCommand(g, "reset", "Stop the embedded AWS and forget all its state", func(ctx context.Context, p *deploy.Project) error {
		if err := g.confirm("Delete the local stack and everything in the embedded AWS?", yes); err != nil {
			return err
		}
		if err := p.ResetLocal(ctx); err != nil {
			return err
		}
		if g.json {
			return g.printJSON(map[string]bool{"reset": true})
		}
		fmt.Fprintln(g.out, "the local stack and the embedded AWS's state are gone")
		return nil
	})
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// logLevelVariable says which log lines the embedded AWS writes, also where it runs in the background.
const logLevelVariable = "CAREPATH_LOG_LEVEL"

// newServeCommand is what StartLocal runs in the background. It is also of use in a terminal, to watch the log.
func newServeCommand(g *global) *cobra.Command {
	var level string
	var tls bool
	cmd := localCommand(g, "serve", "Run the embedded AWS in this terminal", func(ctx context.Context, p *deploy.Project) error {
		name := "--log-level"
		if text := os.Getenv(logLevelVariable); level == "" && text != "" {
			name, level = logLevelVariable, text
		}
		least := slog.LevelInfo
		if level != "" {
			if err := least.UnmarshalText([]byte(level)); err != nil {
				return &usageError{fmt.Errorf("%s is %q: want debug, info, warn or error", name, level)}
			}
		}
		logger := slog.New(slog.NewTextHandler(g.err, &slog.HandlerOptions{Level: least}))
		slog.SetDefault(logger) // packages of the embedded AWS log to it
		options := localcloud.Options{
			Dir:  p.LocalDir(),
			Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)),
			Logf: func(format string, args ...any) { logger.Info(fmt.Sprintf(format, args...)) },
		}
		if tls {
			options.TLSAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port+1))
		}
		if os.Getenv("GOGC") == "" {
			// It stays on a developer's machine for days: a fifth of the memory for a tenth of the requests a second.
			debug.SetGCPercent(50)
		}
		cloud, err := localcloud.New(options)
		if err != nil {
			return err
		}
		if err := cloud.Start(ctx); err != nil {
			return err
		}
		logger.Info("the embedded AWS runs", "endpoint", cloud.Endpoint(), "process", os.Getpid())
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return cloud.Close(closing)
	})
	cmd.Long = `Run the embedded AWS in this terminal, until Ctrl-C. With the level debug its log has a line for each call of an AWS API: the
action, the HTTP status and how long it took, never a payload.`
	cmd.Flags().StringVar(&level, "log-level", "", "the least level of log lines: debug, info, warn or error (environment: "+logLevelVariable+"; default info)")
	cmd.Flags().BoolVar(&tls, tlsFlag, false, tlsHelp)
	return cmd
}
