package lambda

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RuntimeHandler serves the Lambda Runtime API to the functions' processes, below a path element that tells them apart:
// /<process>/2018-06-01/runtime/... Serve it on the loopback interface only.
// See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
func (s *Service) RuntimeHandler() http.Handler { return http.HandlerFunc(s.serveRuntime) }

const runtimePath = "2018-06-01/runtime/"

func (s *Service) serveRuntime(w http.ResponseWriter, r *http.Request) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	known, ok := s.environments.Load(id)
	path, versioned := strings.CutPrefix(rest, runtimePath)
	if !ok || !versioned {
		runtimeError(w, http.StatusForbidden, "InvalidEnvironment", "there is no such process")
		return
	}
	e := known.(*environment)
	if path == "invocation/next" && r.Method == http.MethodGet {
		e.serveNext(w, r)
		return
	}
	if r.Method != http.MethodPost {
		runtimeError(w, http.StatusMethodNotAllowed, "InvalidRequest", "the method must be POST")
		return
	}
	if path == "init/error" {
		e.serveInitError(w, r)
		return
	}
	request, kind, ok := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/")
	if !ok || kind != "response" && kind != "error" {
		runtimeError(w, http.StatusNotFound, "InvalidRequest", "there is no such path in the Runtime API")
		return
	}
	e.serveResult(w, r, request, kind)
}

func runtimeError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"errorType":`+strconv.Quote(kind)+`,"errorMessage":`+strconv.Quote(message)+`}`) // the process may be gone
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`) // the process may be gone
}

func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	e.ask()
	var inv *invocation
	select {
	case inv = <-e.next:
	case <-e.exited:
		runtimeError(w, http.StatusGone, "Gone", "the process has ended")
		return
	case <-r.Context().Done():
		return
	}
	e.deliver(inv)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	// The process reads the deadline against the machine's clock, whatever clock drives the embedded AWS.
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Duration(e.config.Timeout)*time.Second).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", e.config.FunctionArn)
	h.Set("Lambda-Runtime-Trace-Id", inv.traceID)
	if inv.clientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", inv.clientContext)
	}
	w.Write(inv.payload) // if the process is gone, watch deals with it
}

func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		runtimeError(w, http.StatusBadRequest, "InvalidRequest", "the body could not be read")
		return
	}
	e.mu.Lock()
	if !e.ready {
		e.fault = func(string) result { return result{body, "Unhandled"} }
	}
	e.mu.Unlock()
	accepted(w)
}

func (e *environment) serveResult(w http.ResponseWriter, r *http.Request, id, kind string) {
	body, err := readBody(w, r)
	res := result{payload: body}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		res = failed("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)
	case err != nil:
		runtimeError(w, http.StatusBadRequest, "InvalidRequest", "the body could not be read")
		return
	case kind == "error":
		res.functionError = "Unhandled"
	}
	if !e.take(id, res) {
		runtimeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	if tooLarge != nil {
		runtimeError(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")
		return
	}
	accepted(w)
}

// readBody reads a body of at most maxPayload bytes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limited := http.MaxBytesReader(w, r.Body, maxPayload)
	if n := r.ContentLength; n >= 0 && n <= maxPayload {
		body := make([]byte, n)
		_, err := io.ReadFull(limited, body)
		return body, err
	}
	return io.ReadAll(limited)
}
