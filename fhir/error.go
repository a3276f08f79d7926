package fhir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Error is an answer that says that an interaction failed: an HTTP status that is no success, or an OperationOutcome where
// something else was asked for. https://hl7.org/fhir/R4/operationoutcome.html
type Error struct {
	Status    int    // HTTP; 200 if only the body says that it failed
	Code      string // of the first error's issue, such as throttled, not-found, deleted or conflict; empty if the answer has none
	RequestID string // AWS's, for their support
	// Diagnostics is the data store's own text, cut to 1,000 characters. It can repeat ids and pieces of a resource: it is for
	// the person who made the request, and not for logs. Error shows it only for statuses whose texts are about the caller.
	Diagnostics string
	Attempts    int           // that were made
	RetryAfter  time.Duration // that the answer asks to wait; 0 if it does not

	location string // of the resource that an idempotency key made before
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "HealthLake answered %d", e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Diagnostics != "" && aboutCaller(e.Status) {
		b.WriteString(": " + e.Diagnostics)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " after %d attempts", e.Attempts)
	}
	if e.RequestID != "" {
		b.WriteString(", request " + e.RequestID)
	}
	return b.String()
}

// aboutCaller says whether texts with a status are about who calls and how often, never about resources.
func aboutCaller(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests
}

// Status returns the HTTP status of the *Error in err's chain, and 0 if it has none.
func Status(err error) int {
	if refused := (*Error)(nil); errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

// ErrInterrupted is the error of a bundle whose answer broke off when some of its entries had been handed on. Those are
// valid; what follows them is not known.
var ErrInterrupted = errors.New("the answer broke off between two entries")

// withAttempts notes how often a request was made.
func withAttempts(err error, n int) error {
	if refused := (*Error)(nil); errors.As(err, &refused) {
		refused.Attempts = n
	}
	return err
}

// outcome is what is read of an OperationOutcome.
type outcome struct {
	ResourceType string `json:"resourceType"`
	Issue        []struct {
		Severity    string `json:"severity"`
		Code        string `json:"code"`
		Diagnostics string `json:"diagnostics"`
		Details     struct {
			Text string `json:"text"`
		} `json:"details"`
	} `json:"issue"`
}

const outcomeType = "OperationOutcome"

// fatal says whether an outcome tells of an error, and not only of warnings.
func (o *outcome) fatal() bool {
	for _, i := range o.Issue {
		if i.Severity != "warning" && i.Severity != "information" {
			return true
		}
	}
	return len(o.Issue) == 0
}

// describe copies an outcome's first error.
func (e *Error) describe(text []byte) {
	var o outcome
	if json.Unmarshal(text, &o) != nil || o.ResourceType != outcomeType {
		var plain struct{ Message string } // of a front that knows no FHIR
		if json.Unmarshal(text, &plain) == nil {
			e.Diagnostics = oneLine(plain.Message)
		}
		return
	}
	for _, i := range o.Issue {
		if i.Severity == "warning" || i.Severity == "information" {
			continue
		}
		e.Code, e.Diagnostics = i.Code, oneLine(i.Diagnostics)
		if e.Diagnostics == "" {
			e.Diagnostics = oneLine(i.Details.Text)
		}
		return
	}
}

// oneLine makes a text fit for one line of 1,000 characters.
func oneLine(text string) string {
	count := 0
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if count++; count > 1000 {
			return -1
		}
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
}

// refusal reads an answer that is no success.
func (c *Client) refusal(answer *http.Response, attempt int) error {
	e := &Error{Status: answer.StatusCode, Attempts: attempt, RequestID: answer.Header.Get("X-Amzn-Requestid"),
		RetryAfter: parseRetryAfter(answer.Header.Get("Retry-After"), c.now()), location: answer.Header.Get("Location")}
	if text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10)); err == nil { // the status is what counts
		e.describe(text)
	}
	return e
}

// failure is an OperationOutcome in an answer whose status is a success.
func failure(answer *http.Response, text []byte) error {
	e := &Error{Status: answer.StatusCode, RequestID: answer.Header.Get("X-Amzn-Requestid")}
	e.describe(text)
	return e
}
