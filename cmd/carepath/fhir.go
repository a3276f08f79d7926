package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/fhir/synthetic"
	"github.com/spf13/cobra"
)

func newFHIRCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "fhir", Short: "Write and read FHIR resources in the stack's data store",
		Long: `Write and read FHIR resources in the stack's data store, with your credentials for AWS; on the stack "local" with those of the
embedded AWS.`}
	cmd.AddCommand(newPutCommand(g), newGetCommand(g), newDeleteCommand(g), newLoadCommand(g), newGenerateCommand(g))
	return cmd
}

// fhirClient is a client for the chosen stack's data store that makes so many requests at once.
func (g *global) fhirClient(cmd *cobra.Command, parallel int) (*fhir.Client, error) {
	site, err := g.site(cmd)
	if err != nil {
		return nil, err
	}
	endpoint, err := site.fhirEndpoint()
	if err != nil {
		return nil, err
	}
	c, err := site.awsConfig(cmd, endpoint)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = parallel
	return fhir.New(fhir.Config{Endpoint: endpoint, Region: c.Region, Credentials: c.Credentials, Transport: transport})
}

// fhirFailure gives an error of a FHIR interaction the code and the hint that it has.
func (g *global) fhirFailure(err error) error {
	var refused *fhir.Error
	if !errors.As(err, &refused) {
		return err
	}
	e := &deploy.Error{Code: deploy.CodeFailed, Message: err.Error(), Err: err}
	switch refused.Status {
	case http.StatusUnauthorized:
		e.Code, e.Hint = deploy.CodeCredentials, "aws sts get-caller-identity says who you are"
	case http.StatusForbidden:
		e.Code, e.Hint = deploy.CodeDenied, "your policies must allow the action on the data store, and the use of its key"
	case http.StatusTooManyRequests:
		e.Code, e.Hint = deploy.CodeThrottled, "the same command goes on"
	case http.StatusNotFound:
		e.Hint = "it is not in the data store, or not yet: histories lag by minutes"
	case http.StatusGone:
		e.Hint = "it was deleted; carepath fhir get TYPE/ID/_history/VERSION shows what it was"
	}
	return e
}

// resourceArg reads TYPE/ID and, if a version may be named, TYPE/ID/_history/VERSION.
func resourceArg(text string, version bool) (fhir.Reference, error) {
	r, ok := fhir.ParseReference(text)
	want := "TYPE/ID"
	if version {
		want += " or TYPE/ID/_history/VERSION"
	}
	whole := r.ResourceType + "/" + r.ID
	if r.VersionID != "" {
		whole += "/_history/" + r.VersionID
	}
	if !ok || whole != text || r.VersionID != "" && !version {
		return r, &usageError{fmt.Errorf("%q is not %s, such as Patient/4b1c", text, want)}
	}
	return r, nil
}

func newPutCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "put FILE|-",
		Short: "Write a FHIR resource under its id",
		Long: `Write a FHIR resource under its id: a new one, or another version of what is there. A resource without an id gets one. - is standard
input. The file goes to the data store as it is.`,
		Example: "  carepath fhir put patient.json\n  carepath fhir put - --stack dev < patient.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := g.readFile(args[0])
			if err != nil {
				return err
			}
			head, err := fhir.ParseHead(body)
			if err != nil || !json.Valid(body) {
				return &usageError{fmt.Errorf("%s is no FHIR resource: a JSON object with a resourceType", args[0])}
			}
			client, err := g.fhirClient(cmd, 1)
			if err != nil {
				return err
			}
			var made fhir.Resource
			if head.ID == "" {
				made, err = client.Create(cmd.Context(), head.ResourceType, body)
			} else {
				made, err = client.Update(cmd.Context(), head.ResourceType, head.ID, body, fhir.Condition{})
			}
			if err != nil {
				var refused *fhir.Error
				if errors.As(err, &refused) && !strings.Contains(err.Error(), refused.Diagnostics) { // it is about the file, which its owner has
					err = fmt.Errorf("%w: %s", err, refused.Diagnostics)
				}
				return g.fhirFailure(err)
			}
			if head.ID == "" {
				if head, err = fhir.ParseHead(made.JSON); err != nil {
					return fmt.Errorf("reading what the data store made: %w", err)
				}
			}
			if g.json {
				return g.printJSON(map[string]any{"resourceType": head.ResourceType, "id": head.ID, "versionId": made.Version, "created": made.Created})
			}
			done := map[bool]string{false: "updated", true: "created"}[made.Created]
			fmt.Fprintf(g.out, "%s %s/%s version %s\n", done, head.ResourceType, head.ID, made.Version)
			return nil
		},
	}
}

func newGetCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "get TYPE/ID[/_history/VERSION]",
		Short: "Print a FHIR resource, or a version of it",
		Long:  "Print a FHIR resource, or a version of it, byte for byte as the data store has it.",
		Example: "  carepath fhir get Patient/4b1c\n" +
			"  carepath fhir get Patient/4b1c/_history/1 --stack dev",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := resourceArg(args[0], true)
			if err != nil {
				return err
			}
			client, err := g.fhirClient(cmd, 1)
			if err != nil {
				return err
			}
			var got fhir.Resource
			if r.VersionID == "" {
				got, err = client.Read(cmd.Context(), r.ResourceType, r.ID)
			} else {
				got, err = client.VersionRead(cmd.Context(), r.ResourceType, r.ID, r.VersionID)
			}
			if err != nil {
				return g.fhirFailure(err)
			}
			g.printed = true
			_, err = fmt.Fprintf(g.out, "%s\n", got.JSON)
			return err
		},
	}
}

func newDeleteCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:     "delete TYPE/ID",
		Short:   "Delete a FHIR resource; its versions are kept",
		Example: "  carepath fhir delete Patient/4b1c",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := resourceArg(args[0], false)
			if err != nil {
				return err
			}
			client, err := g.fhirClient(cmd, 1)
			if err != nil {
				return err
			}
			if err := client.Delete(cmd.Context(), r.ResourceType, r.ID, fhir.Condition{}); err != nil {
				return g.fhirFailure(err)
			}
			if g.json {
				return g.printJSON(map[string]any{"resourceType": r.ResourceType, "id": r.ID, "deleted": true})
			}
			fmt.Fprintf(g.out, "deleted %s/%s\n", r.ResourceType, r.ID)
			return nil
		},
	}
}

func newGenerateCommand(g *global) *cobra.Command {
	var count int
	var seed uint64
	var types []string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make FHIR resources of people who do not exist",
		Long: `Make FHIR resources of people who do not exist: ` + strings.Join(synthetic.Types(), ", ") + `, one on a line (NDJSON), as carepath fhir load
takes them. References lead to lines before. The same seed and types always make the same ones.

With --json they are the entries of one FHIR Bundle.`,
		Example: "  carepath fhir generate --count 1000 --seed 7 > people.ndjson\n  carepath fhir generate --count 10 --types Patient,Observation",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if count < 1 {
				return &usageError{fmt.Errorf("--count is %d: want 1 or more", count)}
			}
			all, err := synthetic.Resources(seed, types...)
			if err != nil {
				return &usageError{fmt.Errorf("--types: %w", err)}
			}
			out := bufio.NewWriter(g.out)
			g.printed = true
			before, between, after := "", "\n", "\n"
			if g.json {
				before, between, after = `{"resourceType":"Bundle","type":"collection","entry":[{"resource":`, "},\n{\"resource\":", "}]}\n"
			}
			_, _ = io.WriteString(out, before) // Flush tells of errors
			for r := range all {
				_, _ = out.Write(r.JSON)
				if count--; count == 0 || cmd.Context().Err() != nil {
					break
				}
				_, err = io.WriteString(out, between)
				if err != nil {
					break
				}
			}
			_, _ = io.WriteString(out, after)
			return errors.Join(cmd.Context().Err(), out.Flush())
		},
	}
	cmd.Flags().IntVar(&count, "count", 100, "how many resources")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "another seed makes other resources")
	cmd.Flags().StringSliceVar(&types, "types", nil, "only resources of these types, of "+strings.Join(synthetic.Types(), ", "))
	return cmd
}
