package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/deploy"
	"github.com/spf13/cobra"
)

func newChangesCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "changes", Short: "Look at what changes in the stack's FHIR data store"}
	cmd.AddCommand(newTailCommand(g))
	return cmd
}

// tailOptions are the flags of changes tail.
type tailOptions struct {
	follow, resource bool
	count            int
	timeout          time.Duration
}

func newTailCommand(g *global) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show the changes that have arrived in the stack's queue of changes",
		Long: `Show the changes that have arrived in the stack's queue of changes, each version of a resource once: when, what happened, which
resource, which version.

What was shown is deleted from the queue. Without flags it ends when the queue is empty.

With --json the one document is an object whose "changes" are printed as they arrive, without the FHIR resource unless --resource asks
for it.`,
		Example: "  carepath changes tail\n  carepath changes tail --follow\n  carepath changes tail --count 1000 --timeout 2m --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.count < 0:
				return &usageError{fmt.Errorf("--count is %d: want 0 (all) or more", o.count)}
			case o.timeout < 0:
				return &usageError{fmt.Errorf("--timeout is %s: want a time to wait, such as 2m", o.timeout)}
			case o.resource && !g.json:
				return &usageError{errors.New("--resource is for --json: a line has no room for a FHIR resource")}
			}
			return g.tail(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "wait for more changes, until Ctrl-C")
	flags.IntVar(&o.count, "count", 0, "wait until so many distinct versions have been shown, and end; 0: all that are there")
	flags.DurationVar(&o.timeout, "timeout", 0, "end after this time, such as 2m; an error if --count was not reached; 0: no end")
	flags.BoolVar(&o.resource, "resource", false, "with --json: print the FHIR resources too, which tell of persons")
	return cmd
}

func (g *global) tail(cmd *cobra.Command, o tailOptions) error {
	ctx := cmd.Context()
	site, err := g.site(cmd)
	if err != nil {
		return err
	}
	t := deploy.Tail{Follow: o.follow, Count: o.count, Show: g.printFHIRChange}
	if t.QueueURL, err = site.changeQueue(); err != nil {
		return err
	}
	if t.Config, err = site.awsConfig(cmd, t.QueueURL); err != nil {
		return err
	}
	t.Skip = func(messageID string, why error) {
		g.note("  ! the message %s is left in the queue: %v", messageID, why)
	}
	var document *changesDocument
	if g.json {
		document = &changesDocument{g: g, resources: o.resource}
		t.Show = document.add
	} else if o.follow || o.count > 0 {
		g.note("waiting for changes; Ctrl-C ends it")
	}
	waiting := ctx
	if o.timeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	result, err := t.Run(waiting)
	if err == nil && result.Versions < o.count {
		e := &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("%d of %d changes came within %s", result.Versions, o.count, o.timeout)}
		if ctx.Err() != nil {
			e = &deploy.Error{Code: deploy.CodeCancelled, Message: fmt.Sprintf("interrupted after %d of %d changes", result.Versions, o.count), Err: ctx.Err()}
		}
		err = e
	}
	if document != nil {
		return errors.Join(err, document.end(result, err))
	}
	fmt.Fprintf(g.out, "%d distinct versions, %d duplicates\n", result.Versions, result.Duplicates)
	return err
}

// printFHIRChange prints a line that says nothing about the resource's content.
func (g *global) printFHIRChange(c *changes.Change) error {
	_, err := fmt.Fprintf(g.out, "%-30s  %-6s  %-52s  version %d\n", c.LastUpdated, c.Interaction, c.ResourceType+"/"+c.ResourceID, c.Version)
	return err
}

// changesDocument is the JSON document of changes tail, which is written while they arrive.
type changesDocument struct {
	g         *global
	resources bool
	buffer    []byte
}

// begin writes what stands before the next change.
func (d *changesDocument) begin() []byte {
	if d.g.printed {
		return append(d.buffer[:0], ",\n    "...)
	}
	return append(d.buffer[:0], "{\n  \"changes\": [\n    "...)
}

func (d *changesDocument) add(c *changes.Change) (err error) {
	shown := *c
	if !d.resources {
		shown.Resource = nil
	}
	if d.buffer, err = shown.Append(d.begin()); err != nil {
		return err
	}
	d.g.printed = true
	_, err = d.g.out.Write(d.buffer)
	return err
}

// end closes the document with the counts, and with what went wrong.
func (d *changesDocument) end(result deploy.TailResult, failed error) error {
	var rest bytes.Buffer
	if d.g.printed {
		rest.WriteString("\n  ]")
	} else {
		rest.WriteString("{\n  \"changes\": []")
	}
	d.g.printed = true
	for _, m := range []struct {
		name  string
		value any
	}{{"versions", result.Versions}, {"duplicates", result.Duplicates}, {"skipped", result.Skipped}, {"error", failureOf(failed)}} {
		if m.value == nil {
			continue
		}
		text, err := json.Marshal(m.value)
		if err != nil {
			return err
		}
		fmt.Fprintf(&rest, ",\n  %q: %s", m.name, text)
	}
	rest.WriteString("\n}\n")
	_, err := d.g.out.Write(rest.Bytes())
	return err
}
