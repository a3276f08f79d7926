// Package intake handles payloads that the intake API has accepted. It stands where a program of one's own does its work:
// it logs what arrived by size and digest, never by content, and fails when the payload asks for it, so that the retries,
// the dead-letter queue and the redriving can be seen at work.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
)

// FailMember is the member of a payload that makes the function fail with its text as the reason.
const FailMember = "carepath:fail"

// Event is what the state machine hands to the function.
type Event struct {
	// Body is the JSON value that the client posted.
	Body json.RawMessage `json:"body"`
	// Metadata tells of the request; see docs/intake.md. Its id is what everything logs that has to do with the request.
	Metadata Metadata `json:"metadata"`
	// Execution is the execution that handles the payload.
	Execution Execution `json:"execution"`
}

// Execution names an execution of the state machine.
type Execution struct {
	ID   string `json:"id"` // its ARN
	Name string `json:"name"`
}

// Metadata is what the function reads of the request's metadata.
type Metadata struct {
	RequestID string `json:"requestId"`
}

// Result is what the function answers.
type Result struct {
	Digest string `json:"digest"` // SHA-256 of the body's text, as hexadecimal digits
	Bytes  int    `json:"bytes"`  // of the body's text
}

// RequestedFailure is the error of a payload that asks for one. Lambda reports its type's name as the error's.
type RequestedFailure struct{ Reason string }

func (e *RequestedFailure) Error() string { return e.Reason }

// Handler handles events. Log gets one record per event.
type Handler struct {
	Log *slog.Logger
}

// Handle takes one payload. It fails with a *RequestedFailure if the payload is an object with the member FailMember.
func (h Handler) Handle(ctx context.Context, e Event) (Result, error) {
	sum := sha256.Sum256(e.Body)
	result := Result{Digest: hex.EncodeToString(sum[:]), Bytes: len(e.Body)}
	log := h.Log.With("correlationId", e.Metadata.RequestID, "execution", e.Execution.Name, "digest", result.Digest, "bytes", result.Bytes)
	if reason, asked := requestedFailure(e.Body); asked {
		log.WarnContext(ctx, "the payload asks for a failure")
		return Result{}, &RequestedFailure{reason}
	}
	log.InfoContext(ctx, "payload handled")
	return result, nil
}

// requestedFailure reads FailMember. A payload that is not an object does not have it.
func requestedFailure(body json.RawMessage) (string, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return "", false
	}
	text, ok := members[FailMember]
	if !ok {
		return "", false
	}
	var reason string
	if json.Unmarshal(text, &reason) != nil {
		reason = FailMember + " is not a string"
	}
	return reason, true
}
