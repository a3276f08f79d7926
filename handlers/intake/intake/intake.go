// Package intake handles the payloads that the intake system has accepted.
//
// What a payload means is up to the deployment; this handler answers with its digest, so that every party can check that
// the same bytes arrived. It never logs a payload's content, which may be health data.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
)

// FailMember is the member of a body that makes handling fail, with its text as the reason. It lets a person see the
// retries and the dead-letter queue at work without breaking anything.
const FailMember = "carepath:fail"

// Event is what the intake state machine gives the function.
type Event struct {
	// Body is what the client sent.
	Body json.RawMessage `json:"body"`
	// Metadata is what API Gateway knew of the request.
	Metadata Metadata `json:"metadata"`
	// Execution is the state machine's execution.
	Execution Execution `json:"execution"`
}

// Metadata tells of the request that brought a payload.
type Metadata struct {
	RequestID      string            `json:"requestId"`
	Time           string            `json:"time"` // RFC 3339, to the second
	SourceIP       string            `json:"sourceIp"`
	Method         string            `json:"method"`
	Path           string            `json:"path"` // with the stage
	Stage          string            `json:"stage"`
	PathParameters map[string]string `json:"pathParameters"`
	QueryString    map[string]string `json:"queryString"`
	Headers        map[string]string `json:"headers"` // those that the route lets through, by their configured names
	IdempotencyKey string            `json:"idempotencyKey"`
}

// Execution names the execution of the state machine.
type Execution struct {
	ID   string `json:"id"` // its ARN
	Name string `json:"name"`
}

// Result is the function's answer.
type Result struct {
	// Digest is the SHA-256 of the body's JSON text as the function received it, in hexadecimal.
	Digest string `json:"digest"`
	// Bytes is the length of that text.
	Bytes int `json:"bytes"`
}

// RequestedError is the failure that a body asks for with FailMember.
type RequestedError struct{ Reason string }

// Error returns the reason.
func (e RequestedError) Error() string { return e.Reason }

// Handler handles events.
type Handler struct {
	log *slog.Logger
}

// New returns a handler that logs to log.
func New(log *slog.Logger) *Handler { return &Handler{log: log} }

// Logger returns a logger that writes lines as CloudWatch Logs' JSON format has them to standard output.
func Logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0:
		case a.Key == slog.TimeKey:
			a.Key = "timestamp"
		case a.Key == slog.MessageKey:
			a.Key = "message"
		}
		return a
	}}))
}

// Handle takes one payload. It is safe to repeat: it changes nothing.
func (h *Handler) Handle(ctx context.Context, e Event) (Result, error) {
	if len(e.Body) == 0 {
		return Result{}, errors.New("the event has no body")
	}
	sum := sha256.Sum256(e.Body)
	result := Result{Digest: hex.EncodeToString(sum[:]), Bytes: len(e.Body)}
	log := h.log.With("requestId", e.Metadata.RequestID, "execution", e.Execution.Name, "digest", result.Digest, "bytes", result.Bytes)
	if reason, fails := requestedFailure(e.Body); fails {
		log.ErrorContext(ctx, "payload failed as it asked to")
		return Result{}, RequestedError{Reason: reason}
	}
	log.InfoContext(ctx, "payload handled")
	return result, nil
}

// requestedFailure looks for FailMember in a body that is an object.
func requestedFailure(body json.RawMessage) (string, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil { // not an object
		return "", false
	}
	var reason *string
	if json.Unmarshal(members[FailMember], &reason) != nil || reason == nil {
		return "", false
	}
	return *reason, true
}
