package asl

import "strings"

// The codes of [Diagnostic].
const (
	CodeSchema                = "SCHEMA_VALIDATION_FAILED"
	CodeInvalidJSON           = "INVALID_JSON_DESCRIPTION"
	CodeMissingTarget         = "MISSING_TRANSITION_TARGET"
	CodeMissingEnd            = "MISSING_END_STATE"
	CodeDuplicateState        = "DUPLICATE_STATE_NAME"
	CodeReservedVariable      = "RESERVED_VARIABLE_NAME"
	CodeInvalidVariableName   = "INVALID_VARIABLE_NAME"
	CodeInvalidExpression     = "INVALID_JSONATA_EXPRESSION"
	CodeUnsupportedExpression = "UNSUPPORTED_JSONATA_EXPRESSION"
)

// The severities of [Diagnostic].
const (
	SeverityError   = "ERROR"
	SeverityWarning = "WARNING"
)

// Diagnostic is one thing that is wrong with a definition, as ValidateStateMachineDefinition reports it
// (https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html).
type Diagnostic struct {
	Severity string `json:"severity"` // SeverityError; from Lint also SeverityWarning
	Code     string `json:"code"`
	Message  string `json:"message"`
	// Location is where it is, such as /States/A/Catch[0]/Next; "" for the whole.
	Location string `json:"location,omitempty"`
}

// ValidationError says why a definition is refused.
type ValidationError struct {
	Diagnostics []Diagnostic // at least one
}

// Error returns the message of CreateStateMachine's InvalidDefinition error.
func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString("Invalid State Machine Definition: '")
	for i, d := range e.Diagnostics {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(d.Code + ": " + d.Message)
		if d.Code == CodeInvalidJSON {
			continue // the message names the place
		}
		location := d.Location
		if location == "" {
			location = "null"
		}
		b.WriteString(" at " + location)
	}
	b.WriteString("'")
	return b.String()
}
