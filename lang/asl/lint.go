package asl

import (
	"cmp"
	"slices"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// The codes of what only [Lint] reports.
const (
	// CodeArgumentName is an argument with a path that the API does not have: the task fails when it runs.
	CodeArgumentName = "ARGUMENT_NAME"
	// CodeArgumentType is an argument of a type that the API does not take: the task fails when it runs.
	CodeArgumentType = "ARGUMENT_TYPE"
	// CodeArgumentValue is an argument that is none of the values which the API is known to take.
	CodeArgumentValue = "ARGUMENT_VALUE"
	// CodeErrorName is a name in Retry or Catch that the state never fails with.
	CodeErrorName = "ERROR_NEVER_MATCHES"
	// CodeReservedErrorName is a Fail state's error that begins with "States.", which the language keeps for itself.
	CodeReservedErrorName = "RESERVED_ERROR_NAME"
	// CodeExpressLimit is a time that an Express workflow does not live to see.
	CodeExpressLimit = "EXPRESS_LIMIT"
	// CodeEffectLeft is a failure after which an earlier state's effect stays, although the definition has its undo.
	CodeEffectLeft = "EFFECT_LEFT_BEHIND"
)

// Finding is what [Lint] has to say of one place in a definition.
type Finding struct {
	Diagnostic
	// Suggestion is what the author may have meant in the place of a wrong name; "" when nothing is near.
	Suggestion string `json:"suggestion,omitempty"`
	// Line and Column are where it is in the definition's text, from 1; the column counts characters.
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Lint checks a definition more strictly than Step Functions does when a state machine is created. Beside what
// [Validate] returns it reports constant arguments of a wrong type, error names in Retry and Catch that can never match,
// times that an Express workflow does not reach, and failures that leave an earlier effect behind, with places in the
// definition's text, in whose order they are. What is certain to fail is an error, the rest are warnings. The text
// "${name}" may stand in the place of any value that is put in before the definition is deployed.
func Lint(definition []byte, opts Options) []Finding {
	v := newValidator(opts)
	v.placeholders = true
	doc := v.check(definition)
	if doc != nil && len(v.diagnostics) == 0 {
		v.effects(doc)
	}
	all := slices.Concat(v.diagnostics, v.notes)
	if len(all) == 0 {
		return nil
	}
	places := locate(definition)
	findings := make([]Finding, len(all))
	for i, d := range all {
		h := v.hints[d]
		f := Finding{Diagnostic: d, Suggestion: h.suggestion}
		f.Line, f.Column = places.find(d, h.place)
		findings[i] = f
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings
}

// note adds what is only for [Lint].
func (v *validator) note(severity, code, location, message string) {
	v.notes = append(v.notes, Diagnostic{severity, code, message, location})
}

// hint is what [Lint] knows more of a diagnostic.
type hint struct {
	suggestion string // what was probably meant
	place      string // where it is, if more is known than its location tells
}

// hint adds to the last one of a list.
func (v *validator) hint(list []Diagnostic, h hint) { v.hints[list[len(list)-1]] = h }

// expressSeconds is how long an Express workflow may run.
const expressSeconds = 300

// expressLimit reports a constant time in seconds that is longer than an Express workflow.
func (v *validator) expressLimit(o *jsonvalue.Object, location, name string) {
	if seconds, ok := integer(value(o, name)); ok && v.express && seconds > expressSeconds {
		v.note(SeverityWarning, CodeExpressLimit, location+"/"+name,
			name+" is longer than the 5 minutes that an Express workflow may run")
	}
}
