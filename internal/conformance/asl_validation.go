package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/carepath/carepath/lang/asl"
)

func init() { register("asl-validation", runASLValidation) }

// aslValidationRow is a definition with what CreateStateMachine or ValidateStateMachineDefinition says of it, or only
// with a verdict.
type aslValidationRow struct {
	API        string `json:"api"`
	Type       string `json:"type"`
	Definition string `json:"definition_raw"`
	Verdict    string `json:"verdict"`
	VerdictBy  string `json:"verdict_by"`
	Expected   struct {
		Error       string           `json:"error"`
		Message     string           `json:"message"`
		Result      string           `json:"result"`
		Diagnostics []asl.Diagnostic `json:"diagnostics"`
	} `json:"expected"`
}

func runASLValidation(row json.RawMessage) Outcome {
	var r aslValidationRow
	if err := json.Unmarshal(row, &r); err != nil {
		return failed("a row of the asl-validation suite", err.Error())
	}
	opts := asl.Options{Express: r.Type == "EXPRESS"}
	diagnostics := asl.Validate([]byte(r.Definition), opts)
	errs := lintErrors([]byte(r.Definition), opts)
	switch {
	case strings.HasPrefix(r.VerdictBy, "statelint") && r.onlyResources(errs):
		return skipped("accepted by statelint, which does not look at resources and roles")
	case r.Verdict != "":
		if r.Verdict == "accepted" && len(errs) > 0 || r.Verdict != "accepted" && len(errs) == 0 {
			return failed(r.Verdict+" by "+r.VerdictBy, errs)
		}
	case r.API == "ValidateStateMachineDefinition":
		if r.Expected.Result == "OK" != (len(diagnostics) == 0) || len(diagnostics) != len(r.Expected.Diagnostics) {
			return failed(r.Expected, diagnostics)
		}
		for i, d := range r.Expected.Diagnostics {
			if diagnostics[i] != d {
				return failed(d, diagnostics[i])
			}
		}
	default:
		_, err := asl.Parse([]byte(r.Definition), opts)
		var invalid *asl.ValidationError
		if !errors.As(err, &invalid) {
			return failed(r.Expected, "accepted")
		}
		if r.Expected.Message != "" && r.Expected.Message != err.Error() {
			return failed(r.Expected, err.Error())
		}
	}
	return passed()
}

// lintErrors are what is certain to be wrong, be it that Step Functions refuses it or that it is against the language.
func lintErrors(definition []byte, opts asl.Options) []asl.Diagnostic {
	var errs []asl.Diagnostic
	for _, f := range asl.Lint(definition, opts) {
		if f.Severity == asl.SeverityError {
			errs = append(errs, f.Diagnostic)
		}
	}
	return errs
}

// onlyResources reports whether an accepted definition is refused for nothing but resources and roles that AWS refuses.
func (r *aslValidationRow) onlyResources(diagnostics []asl.Diagnostic) bool {
	for _, d := range diagnostics {
		if !strings.HasSuffix(d.Location, "/Resource") && !strings.Contains(d.Location, "/Credentials") {
			return false
		}
	}
	return r.Verdict == "accepted" && len(diagnostics) > 0
}
