package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/fhir/ndjson"
	"github.com/spf13/cobra"
)

// mostFailures bounds how many failures the JSON document lists. Standard error has all.
const mostFailures = 1000

// lineFailure is a line that was not loaded.
type lineFailure struct {
	Line         int    `json:"line"`
	ResourceType string `json:"resourceType,omitempty"`
	Status       int    `json:"status,omitempty"` // HTTP
	Message      string `json:"message"`
}

func newLoadCommand(g *global) *cobra.Command {
	var o ndjson.Options
	cmd := &cobra.Command{
		Use:   "load FILE.ndjson|-",
		Short: "Write many FHIR resources, one on each line of a file",
		Long: `Write many FHIR resources, one on each line of a file, each under its id. - is standard input.

What is loaded again is another version of the same resources: nothing comes twice. If it is cut off, it says from which line to go
on. What could not be loaded is told by its line; the exit code is 1 then. Lines of one resource are written in their order.`,
		Example: "  carepath fhir generate --count 1000 | carepath fhir load -\n  carepath fhir load people.ndjson --stack dev --parallel 32\n  carepath fhir load people.ndjson --from-line 500",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.Parallel < 1 || o.Parallel > 256:
				return &usageError{fmt.Errorf("--parallel is %d: want 1 to 256", o.Parallel)}
			case o.FromLine < 1:
				return &usageError{fmt.Errorf("--from-line is %d: want 1 or more", o.FromLine)}
			}
			return g.load(cmd, args[0], o)
		},
	}
	cmd.Flags().IntVar(&o.Parallel, "parallel", ndjson.DefaultParallel, "how many requests to make at a time")
	cmd.Flags().IntVar(&o.FromLine, "from-line", 1, "leave out the lines before this one")
	cmd.Flags().BoolVar(&o.Stop, "stop", false, "stop at the first line that fails; else the others are loaded")
	return cmd
}

func (g *global) load(cmd *cobra.Command, name string, o ndjson.Options) error {
	source := g.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return &deploy.Error{Code: deploy.CodeUsage, Message: err.Error(), Err: err}
		}
		defer file.Close()
		source = file
	}
	client, err := g.fhirClient(cmd, o.Parallel)
	if err != nil {
		return err
	}
	failures := []lineFailure{}
	o.Failed = func(f ndjson.Failure) {
		g.note("  ! line %d: %s%v", f.Line, prefixed(f.ResourceType), f.Err)
		if len(failures) < mostFailures {
			failures = append(failures, lineFailure{f.Line, f.ResourceType, fhir.Status(f.Err), f.Err.Error()})
		}
	}
	began, told := time.Now(), time.Now()
	o.Progress = func(r ndjson.Report) {
		if time.Since(told) > 2*time.Second {
			told = time.Now()
			done := r.Created + r.Updated
			g.note("  %d loaded, %d failed, %.0f a second", done, r.Failed, float64(done)/time.Since(began).Seconds())
		}
	}
	report, err := ndjson.Load(cmd.Context(), source, client, o)
	if err != nil {
		err = g.cutOff(cmd, report, name, err)
	} else if report.Failed > 0 {
		err = &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("%d of %d resources were not loaded", report.Failed, report.Failed+report.Created+report.Updated),
			Hint: "carepath fhir put with one of them shows more of what is wrong with it"}
	}
	if g.json {
		document := map[string]any{"created": report.Created, "updated": report.Updated, "failed": report.Failed, "failures": failures, "nextLine": report.Next}
		if err != nil {
			document["error"] = failureOf(err)
		}
		return errors.Join(err, g.printJSON(document))
	}
	fmt.Fprintf(g.out, "loaded %d resources: %d created, %d updated, %d failed\n", report.Created+report.Updated, report.Created, report.Updated, report.Failed)
	return err
}

func prefixed(resourceType string) string {
	if resourceType == "" {
		return ""
	}
	return resourceType + ": "
}

// cutOff says how to go on with a loading that did not come to the end.
func (g *global) cutOff(cmd *cobra.Command, r ndjson.Report, name string, err error) error {
	e := &deploy.Error{Code: deploy.CodeFailed, Message: err.Error(), Err: err}
	if cmd.Context().Err() != nil {
		e.Code, e.Message = deploy.CodeCancelled, "interrupted"
	} else if known := (*deploy.Error)(nil); errors.As(g.fhirFailure(err), &known) {
		if e.Code = known.Code; known.Hint != "" {
			e.Hint = known.Hint + "; then "
		}
	}
	e.Hint += fmt.Sprintf("carepath fhir load %s --from-line %d", name, r.Next)
	if g.stack != deploy.LocalStack {
		e.Hint += " --stack " + g.stack
	}
	e.Hint += " goes on"
	return e
}
