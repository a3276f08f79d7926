package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/spf13/cobra"
)

// decodeStrictly reads JSON and refuses members that the structure does not have.
func decodeStrictly(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func newASLCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "asl", Short: "Try state machines without deploying them"}
	cmd.AddCommand(newASLValidateCommand(g), newASLRunCommand(g))
	return cmd
}

// placeholderValues are the values that --set gives to the "${name}"s of definitions.
type placeholderValues []string

func (v *placeholderValues) flag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar((*[]string)(v), "set", nil, "the value of a placeholder, `name=value`; repeat it for each")
}

// values are the flags as a map.
func (v *placeholderValues) values() (map[string]string, error) {
	values := map[string]string{}
	for _, pair := range *v {
		name, value, ok := strings.Cut(pair, "=")
		if _, twice := values[name]; !ok || name == "" || twice {
			return nil, &usageError{fmt.Errorf("--set %s: want name=value, each name once", pair)}
		}
		values[name] = value
	}
	return values, nil
}

// unused reports the values that no definition has a placeholder for.
func (v *placeholderValues) unused(values map[string]string, definitions ...[]byte) error {
	var problems []error
	all := asl.Placeholders(bytes.Join(definitions, nil))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(all, name) {
			problems = append(problems, fmt.Errorf("--set %s: there is no placeholder ${%s}", name, name))
		}
	}
	if len(problems) > 0 {
		return &usageError{errors.Join(problems...)}
	}
	return nil
}

// fill puts the values into a definition that file has.
func fill(file string, definition []byte, values map[string]string) ([]byte, error) {
	filled, err := asl.Fill(definition, values)
	if err != nil {
		return nil, &deploy.Error{Code: deploy.CodeUsage, Message: file + ": " + strings.ReplaceAll(err.Error(), "\n", "\n"+file+": "), Hint: "give each placeholder a value: --set name=value", Err: err}
	}
	return filled, nil
}

func newASLValidateCommand(g *global) *cobra.Command {
	var express bool
	var set placeholderValues
	cmd := &cobra.Command{
		Use:   "validate DEFINITION...",
		Short: "Check state machine definitions as CreateStateMachine does",
		Long: `Check state machine definitions as CreateStateMachine does. DEFINITION is a file, or - for standard input.

A definition with placeholders, "${name}", is checked with something that fits in their place, or, with --set, with their values.`,
		Example: "  carepath asl validate platform/intake.asl.json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			type verdict struct {
				File        string           `json:"file"`
				OK          bool             `json:"ok"`
				Diagnostics []asl.Diagnostic `json:"diagnostics"`
			}
			values, err := set.values()
			if err != nil {
				return err
			}
			definitions := make([][]byte, len(args))
			for i, name := range args {
				if definitions[i], err = g.readFile(name); err != nil {
					return err
				}
			}
			if err := set.unused(values, definitions...); err != nil {
				return err
			}
			verdicts := []verdict{}
			refused := 0
			for i, name := range args {
				text := asl.FillAny(definitions[i])
				if len(values) > 0 {
					if text, err = fill(name, definitions[i], values); err != nil {
						return err
					}
				}
				v := verdict{File: name, OK: true, Diagnostics: []asl.Diagnostic{}}
				_, err = asl.Parse(text, asl.Options{Express: express})
				var invalid *asl.ValidationError
				if errors.As(err, &invalid) {
					v.OK, v.Diagnostics = false, invalid.Diagnostics
					refused++
				} else if err != nil {
					return err
				}
				verdicts = append(verdicts, v)
			}
			if g.json {
				if err := g.printJSON(verdicts); err != nil {
					return err
				}
			} else {
				for _, v := range verdicts {
					if v.OK {
						fmt.Fprintf(g.out, "%s: ok\n", v.File)
					}
					for _, d := range v.Diagnostics {
						fmt.Fprintf(g.out, "%s: %s %s: %s (%s)\n", v.File, d.Severity, d.Code, d.Message, d.Location)
					}
				}
			}
			if refused > 0 {
				return &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("%d of %d definitions are invalid", refused, len(args))}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&express, "express", false, "check for an Express workflow")
	set.flag(cmd)
	return cmd
}

func newASLRunCommand(g *global) *cobra.Command {
	var inputFile, mocksFile string
	var express bool
	var set placeholderValues
	cmd := &cobra.Command{
		Use:   "run DEFINITION",
		Short: "Run a state machine with an input; service calls are answered from a mock file",
		Long: `Run a state machine to its end. Waits and retries take no time. Service calls are answered from the mock file, a JSON object:
for each Task state's name a list of answers, one per attempt, each {"result": …} or {"error": "Name", "cause": "text"}. The
last answer is given to all later attempts.

Every placeholder of the definition, "${name}", needs its value: --set name=value.`,
		Example: "  carepath asl run machine.asl.json --input input.json --mocks mocks.json --set functionArn=arn:aws:lambda:us-east-1:123456789012:function:f",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := g.readFile(args[0])
			if err != nil {
				return err
			}
			values, err := set.values()
			if err != nil {
				return err
			}
			if err := set.unused(values, text); err != nil {
				return err
			}
			if text, err = fill(args[0], text, values); err != nil {
				return err
			}
			machine, err := asl.Parse(text, asl.Options{Express: express})
			if err != nil {
				return &deploy.Error{Code: deploy.CodeFailed, Message: args[0] + ": " + err.Error(), Err: err}
			}
			inputText := []byte("{}")
			if inputFile != "" {
				if inputText, err = g.readFile(inputFile); err != nil {
					return err
				}
			}
			input, err := jsonvalue.Parse(inputText)
			if err != nil {
				return &deploy.Error{Code: deploy.CodeUsage, Message: inputFile + ": " + err.Error(), Err: err}
			}
			var mocks asl.Mocks
			if mocksFile != "" {
				text, err := g.readFile(mocksFile)
				if err != nil {
					return err
				}
				if mocks, err = asl.ParseMocks(text); err != nil {
					return &deploy.Error{Code: deploy.CodeUsage, Message: mocksFile + ": " + err.Error(), Err: err}
				}
			}
			return g.printExecution(asl.RunMock(machine, input, mocks))
		},
	}
	cmd.Flags().StringVar(&inputFile, "input", "", "the input file; {} without one")
	cmd.Flags().StringVar(&mocksFile, "mocks", "", "the mock file")
	cmd.Flags().BoolVar(&express, "express", false, "run as an Express workflow")
	set.flag(cmd)
	return cmd
}

func (g *global) printExecution(e *asl.Execution) error {
	name, cause := e.Error()
	if g.json {
		document := map[string]any{"status": e.Status()}
		if e.Status() == asl.Succeeded {
			document["output"] = json.RawMessage(jsonvalue.Text(e.Output()))
		} else {
			document["error"], document["cause"] = name, cause
		}
		if err := g.printJSON(document); err != nil {
			return err
		}
	} else if e.Status() == asl.Succeeded {
		fmt.Fprintln(g.out, jsonvalue.Text(e.Output()))
	}
	if e.Status() == asl.Succeeded {
		return nil
	}
	return &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("the execution ended %s: %s: %s", e.Status(), name, cause)}
}
