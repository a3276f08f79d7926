package fhir

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

const (
	firstBackoff   = 200 * time.Millisecond
	longestBackoff = 20 * time.Second
	// longestRetryAfter is the longest Retry-After that is waited for. Who is told to wait longer gets the error.
	longestRetryAfter = 2 * time.Minute
)

// backoff returns how long to wait after an attempt: full jitter over a bound that doubles.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
func (c *Client) backoff(attempt int) time.Duration {
	bound := longestBackoff
	if attempt < 8 {
		bound = min(bound, firstBackoff<<(attempt-1))
	}
	return time.Duration(c.rand() * float64(bound))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// brokenError is an answer that did not arrive, or not whole.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return "the connection failed: " + e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// repeatable says whether a request may be made again after an error.
func repeatable(err error, fragile bool) bool {
	if broken := (*brokenError)(nil); errors.As(err, &broken) {
		return !fragile
	}
	refused := (*Error)(nil)
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return refused.Status >= 500 && !fragile
}

// retryAfter is how long an answer asks to wait; 0 if it does not.
func retryAfter(err error) time.Duration {
	if refused := (*Error)(nil); errors.As(err, &refused) {
		return refused.RetryAfter
	}
	return 0
}

// parseRetryAfter reads the header: seconds, or a time. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func parseRetryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
