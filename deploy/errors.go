package deploy

import (
	"errors"

	"github.com/carepath/carepath/deploy/policies"
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

	// What goes wrong often; all exit 1.
	CodeNotLoggedIn Code = "not_logged_in"  // Pulumi does not know where the state is
	CodePassphrase  Code = "passphrase"     // it is missing, or wrong
	CodePlugin      Code = "plugin_missing" // the aws provider cannot be had
	CodeCredentials Code = "no_credentials" // none for AWS, or expired
	CodeAccount     Code = "wrong_account"  // the credentials are another account's
	CodeThrottled   Code = "throttled"      // AWS wants fewer calls
	CodeLeftovers   Code = "leftovers"      // a destroyed stack has left something
	CodeDenied      Code = "access_denied"  // the credentials may not do what is needed
)

// Error is a failure of an operation that a user should act on.
type Error struct {
	Code    Code
	Message string // what failed and why
	Hint    string // what to do next; may be empty
	Err     error  // the cause; may be nil
	// Where are the URNs of the resources that an operation failed at.
	Where []string
	// Findings are the resources that a guard stands for; with CodeRefused only.
	Findings []Finding
	// Policies are the resources that are against the policies; with CodeRefused only.
	Policies []policies.Finding
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "\n  " + e.Hint
}

func (e *Error) Unwrap() error { return e.Err }

// cause is what the Automation API reported.
func cause(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err
	}
	return err
}
