package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

const (
	maxPayload      = 6 << 20
	maxAsyncPayload = 1 << 20
)

// invocation is one run of a function.
type invocation struct {
	id            string
	payload       []byte
	clientContext string
	traceID       string
	tail          bool

	started time.Time
	done    chan result   // one result comes
	logged  chan struct{} // closed when the REPORT line is written; then lines holds the log's end
	lines   []byte
}

// result is what an invocation comes to.
type result struct {
	payload       []byte
	functionError string // "Unhandled", or empty
}

// failed is the result of a function that failed outside its own code.
func failed(kind, format string, args ...any) result {
	text, err := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{kind, fmt.Sprintf(format, args...)})
	if err != nil { // two strings always marshal
		panic(err)
	}
	return result{text, "Unhandled"}
}

func (s *Service) invoke(ctx context.Context, c *dispatch.Call, in *InvokeInput) (*InvokeOutput, error) {
	f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	payload := in.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if !json.Valid(payload) {
		var parsed any
		return nil, &dispatch.Error{Code: "InvalidRequestContentException", Fields: map[string]any{"Type": "User"},
			Message: fmt.Sprintf("Could not parse request body into json: %v", json.Unmarshal(payload, &parsed))}
	}
	limit := maxPayload
	switch in.InvocationType {
	case "", "RequestResponse":
	case "Event":
		limit = maxAsyncPayload
	case "DryRun":
		return &InvokeOutput{StatusCode: 204}, nil
	default:
		return nil, constraint(in.InvocationType, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
	}
	if len(payload) > limit {
		return nil, &dispatch.Error{Code: "RequestTooLargeException", Status: 413, Fields: map[string]any{"Type": "User"},
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", limit)}
	}
	if in.LogType != "" && in.LogType != "None" && in.LogType != "Tail" {
		return nil, constraint(in.LogType, "logType", "Member must satisfy enum value set: [None, Tail]")
	}
	clientContext := ""
	if in.ClientContext != "" {
		text, err := base64.StdEncoding.DecodeString(in.ClientContext)
		if err != nil || !json.Valid(text) {
			return nil, &dispatch.Error{Code: "InvalidRequestContentException", Message: "Client context must be a valid Base64-encoded JSON object.", Fields: map[string]any{"Type": "User"}}
		}
		clientContext = string(text)
	}
	if in.InvocationType == "Event" {
		if err := s.async.accept(event{ID: c.RequestID, Function: f.Config.FunctionName, Payload: payload, ClientContext: clientContext, Accepted: s.d.Clock.Now()}); err != nil {
			return nil, err
		}
		return &InvokeOutput{StatusCode: 202}, nil
	}
	inv := &invocation{id: c.RequestID, payload: payload, clientContext: clientContext, tail: in.LogType == "Tail"}
	r, err := s.run(ctx, f, inv)
	if err != nil {
		return nil, err
	}
	out := &InvokeOutput{StatusCode: 200, FunctionError: r.functionError, ExecutedVersion: "$LATEST", Payload: r.payload}
	if inv.tail {
		out.LogResult = base64.StdEncoding.EncodeToString(inv.lines)
	}
	return out, nil
}

// run runs an invocation in a process of the function's, started if need be.
func (s *Service) run(ctx context.Context, f function, inv *invocation) (result, error) {
	now := s.d.Clock.Now()
	inv.traceID = fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), randomHex(12), randomHex(8))
	inv.done = make(chan result, 1)
	if inv.tail {
		inv.logged = make(chan struct{})
	}
	for begun := false; !begun; {
		e, err := s.pool.acquire(ctx, f)
		if err != nil {
			return result{}, err
		}
		if begun = e.begin(inv); !begun { // it ended while it was idle
			s.pool.release(e, false)
		}
	}
	select {
	case r := <-inv.done:
		if inv.tail {
			<-inv.logged
		}
		return r, nil
	case <-ctx.Done():
		// The function goes on, as in AWS when the caller hangs up.
		return result{}, &dispatch.Error{Code: "RequestTimeout", Status: 408, Message: "the caller is gone: " + ctx.Err().Error()}
	}
}

func throttled(reason string) *dispatch.Error {
	return &dispatch.Error{Code: "TooManyRequestsException", Status: 429, Message: "Rate Exceeded.", Fields: map[string]any{"Reason": reason, "Type": "User"}}
}

// startFailure is the answer to an invocation whose process could not be made.
func startFailure(err error) error {
	var api *dispatch.Error
	if errors.As(err, &api) {
		return api
	}
	return &dispatch.Error{Code: "ServiceException", Status: 500, Message: err.Error(), Fields: map[string]any{"Type": "Server"}}
}
