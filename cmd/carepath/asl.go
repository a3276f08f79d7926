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

// workflowType is the type of state machine that a definition is for.
type workflowType string

func (w *workflowType) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar((*string)(w), "type", "STANDARD", "the workflow's type: STANDARD or EXPRESS")
}

func (w *workflowType) options() (asl.Options, error) {
	switch *w {
	case "STANDARD", "EXPRESS":
		return asl.Options{Express: *w == "EXPRESS"}, nil
	}
	return asl.Options{}, &usageError{fmt.Errorf("--type %s: want STANDARD or EXPRESS", *w)}
}

func newASLValidateCommand(g *global) *cobra.Command {
	var kind workflowType
	var strict bool
	var set placeholderValues
	cmd := &cobra.Command{
		Use:   "validate DEFINITION...",
		Short: "Check state machine definitions, more strictly than CreateStateMachine does",
		Long: `Check state machine definitions. DEFINITION is a file, or - for standard input.

Errors are what Step Functions refuses, in its own words, and constant arguments that the called API is certain to refuse.
Warnings are error names in Retry and Catch that never match, values that the API is not known to take, times that an
Express workflow does not reach, and failures after which an earlier step's effect stays although the definition has its
undo. Exit status 1 says that a definition has errors, or, with --strict, warnings.

A placeholder, "${name}", may stand for any value, or, with --set, has its own.`,
		Example: "  carepath asl validate --type EXPRESS --strict platform/intake.asl.json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			opts, err := kind.options()
			if err != nil {
				return err
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
			verdicts := []lintVerdict{}
			refused := 0
			for i, name := range args {
				text := definitions[i]
				if len(values) > 0 {
					if text, err = fill(name, text, values); err != nil {
						return err
					}
				}
				v := lintVerdict{File: name, OK: true, Diagnostics: asl.Lint(text, opts)}
				for _, d := range v.Diagnostics {
					v.OK = v.OK && d.Severity != asl.SeverityError && !strict
				}
				if !v.OK {
					refused++
				}
				verdicts = append(verdicts, v)
			}
			if err := g.printVerdicts(verdicts); err != nil {
				return err
			}
			if refused > 0 {
				return &deploy.Error{Code: deploy.CodeFailed, Message: fmt.Sprintf("%d of %d definitions are invalid", refused, len(args))}
			}
			return nil
		},
	}
	kind.flag(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "fail for warnings too")
	set.flag(cmd)
	return cmd
}

// lintVerdict is what is found in one file.
type lintVerdict struct {
	File        string        `json:"file"`
	OK          bool          `json:"ok"`
	Diagnostics []asl.Finding `json:"diagnostics"`
}

// printVerdicts prints a line for each finding, as compilers do, and one for each file that is in order.
func (g *global) printVerdicts(verdicts []lintVerdict) error {
	if g.json {
		for i := range verdicts {
			verdicts[i].Diagnostics = append([]asl.Finding{}, verdicts[i].Diagnostics...) // [] instead of null
		}
		return g.printJSON(verdicts)
	}
	for _, v := range verdicts {
		for _, d := range v.Diagnostics {
			fmt.Fprintf(g.out, "%s:%d:%d: %s %s: %s", v.File, d.Line, d.Column, d.Severity, d.Code, d.Message)
			if d.Suggestion != "" {
				fmt.Fprintf(g.out, " - did you mean %s?", d.Suggestion)
			}
			if d.Location != "" && d.Code != asl.CodeInvalidJSON {
				fmt.Fprintf(g.out, " (%s)", d.Location)
			}
			fmt.Fprintln(g.out)
		}
		if v.OK {
			fmt.Fprintf(g.out, "%s: ok\n", v.File)
		}
	}
	return nil
}

func newASLRunCommand(g *global) *cobra.Command {
	var inputFile, mocksFile string
	var kind workflowType
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
			opts, err := kind.options()
			if err != nil {
				return err
			}
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
			machine, err := asl.Parse(text, opts)
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
	kind.flag(cmd)
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
