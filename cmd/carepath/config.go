package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/platform"
	"github.com/spf13/cobra"
)

//go:generate sh -c "go run . config schema > ../../docs/config.schema.json"
//go:generate sh -c "go run . config schema --markdown > ../../docs/config.md"

func newConfigCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check and explain the configuration of stacks"}
	cmd.AddCommand(newConfigSchemaCommand(g), newConfigValidateCommand(g), newConfigShowCommand(g))
	return cmd
}

func newConfigSchemaCommand(g *global) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of Pulumi.<stack>.yaml", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if markdown {
				if g.json {
					return &usageError{errors.New("--markdown and --json exclude each other")}
				}
				fmt.Fprint(g.out, platform.Reference())
				return nil
			}
			schema, err := platform.Schema()
			if err != nil {
				return err
			}
			return g.printJSON(json.RawMessage(schema))
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the reference for people instead")
	return cmd
}

func newConfigValidateCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "validate", Short: "Check a stack's file", Args: cobra.NoArgs,
		Long:    "Check a stack's file: every problem is reported at once. What is encrypted, or comes from a Pulumi ESC environment, only up can check.",
		Example: "  carepath config validate --stack dev",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.configuration(cmd)
			if err != nil {
				return err
			}
			if g.json {
				return g.printJSON(map[string]string{"stack": g.stack, "file": c.File})
			}
			fmt.Fprintf(g.out, "%s: ok\n", c.File)
			return nil
		},
	}
}

func newConfigShowCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Print what counts for a stack, defaults included", Args: cobra.NoArgs,
		Long:    "Print what counts for a stack: what its file says, and the defaults of what it does not say. Encrypted values stay hidden.",
		Example: "  carepath config show --stack dev",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.configuration(cmd)
			if err != nil {
				return err
			}
			type shown struct {
				Path   string          `json:"path"`
				Value  json.RawMessage `json:"value"`
				Source string          `json:"source"` // file or default
			}
			settings := []shown{}
			width := 0
			for _, s := range c.Settings {
				if s.Type() == "object" && !s.Secret {
					continue // its members say it
				}
				one := shown{Path: s.Path, Value: json.RawMessage(s.ValueText()), Source: "default"}
				if s.Given {
					one.Source = "file"
				}
				settings = append(settings, one)
				width = max(width, len(s.Path))
			}
			if g.json {
				return g.printJSON(map[string]any{"stack": g.stack, "file": c.File, "settings": settings})
			}
			for _, s := range settings {
				note := ""
				if s.Source == "default" {
					note = "  (default)"
				}
				fmt.Fprintf(g.out, "%-*s  %s%s\n", width, s.Path, s.Value, note)
			}
			return nil
		},
	}
}

func (g *global) configuration(cmd *cobra.Command) (*deploy.Configuration, error) {
	p, err := g.project(cmd)
	if err != nil {
		return nil, err
	}
	return p.Configuration(g.stack)
}
