package deploy

import (
	"regexp"
	"strings"
)

// Code says what kind of failure an Error is; the command line turns it into its exit code.
type Code string

// The kinds of failure.
const (
	CodeFailed     Code = "operation_failed" // exit 1
	CodeUsage      Code = "usage"            // exit 2
	CodeDrift      Code = "drift"            // exit 3
	CodeRefused    Code = "refused"          // exit 4
	CodeStale      Code = "stale_plan"       // exit 4: the plan does not fit any more
	CodeConcurrent Code = "concurrent"       // exit 1: another operation holds the stack's lock
	CodeCancelled  Code = "cancelled"        // exit 1
	// CodeNotDeployed says that the stack does not exist: exit 1.
	CodeNotDeployed Code = "not_deployed"
)

// Error is a failure of an operation that a user should act on.
type Error struct {
	Code    Code
	Message string // what failed and why
	Hint    string // what to do next; may be empty
	Err     error  // the cause; may be nil
	// Findings are the resources that a guard stands for; with CodeRefused only.
	Findings []Finding
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "\n  " + e.Hint
}

func (e *Error) Unwrap() error { return e.Err }

var (
	ansi       = regexp.MustCompile("\x1b\\[[0-9;]*m|<\\{%[^%]*%\\}>")
	exitStatus = regexp.MustCompile(`(?m)^(code|stdout|stderr): ?`)
)

// engineMessage cuts what the Automation API reports down to what the engine said went wrong.
func engineMessage(err error) string {
	text := ansi.ReplaceAllString(err.Error(), "")
	var lines []string
	seen := map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if i := strings.Index(trimmed, "error: "); i >= 0 && !strings.Contains(trimmed, "update failed") && !strings.Contains(trimmed, "preview failed") && !seen[trimmed] {
			seen[trimmed] = true
			lines = append(lines, strings.TrimPrefix(trimmed, "error: "))
		}
	}
	if len(lines) > 0 {
		return strings.Join(lines, "\n")
	}
	return strings.TrimSpace(exitStatus.ReplaceAllString(text, ""))
}
