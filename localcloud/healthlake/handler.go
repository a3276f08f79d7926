package healthlake

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/wire"
)

// Handler answers FHIR's REST API below /datastore/<id>/r4/: https://hl7.org/fhir/R4/http.html. Requests are signed for the
// service healthlake; errors are OperationOutcomes.
func (s *Service) Handler(credentials wire.Credentials) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, requestID, err := s.answer(w, r, credentials)
		h := w.Header()
		h.Set("Content-Type", "application/fhir+json")
		h.Set("X-Amzn-Requestid", requestID)
		if err != nil {
			e := dispatch.AsError(err)
			if location, ok := e.Fields["location"].(string); ok {
				h.Set("Location", location)
			}
			out = &Response{StatusCode: httpStatus(e), Body: outcome(e)}
		}
		if out.ETag != "" {
			h.Set("ETag", out.ETag)
		}
		if out.LastModified != "" {
			h.Set("Last-Modified", out.LastModified)
		}
		if out.StatusCode == http.StatusNoContent {
			h.Del("Content-Type")
			w.WriteHeader(out.StatusCode)
			return
		}
		h.Set("Content-Length", strconv.Itoa(len(out.Body)))
		w.WriteHeader(out.StatusCode)
		_, _ = w.Write(out.Body) // a client that is gone does not read its answer
	})
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request, credentials wire.Credentials) (*Response, string, error) {
	by, err := wire.Caller(s.d, credentials, r, "healthlake")
	if err != nil {
		return nil, dispatch.NewRequestID(), err
	}
	action, in, err := readRequest(w, r)
	if err != nil {
		return nil, dispatch.NewRequestID(), err
	}
	out, requestID, err := s.d.DoWithID(r.Context(), by, "healthlake", action, in)
	if err != nil {
		return nil, requestID, err
	}
	return out.(*Response), requestID, nil
}

// strongHeader asks that search shows the version before while the index of a write is pending.
const strongHeader = "X-Amz-Fhir-History-Consistency-Level"

// readRequest finds the interaction that a request means, and reads it.
func readRequest(w http.ResponseWriter, r *http.Request) (action string, in any, err error) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // datastore, id, r4, ...
	if len(parts) < 3 || parts[2] != "r4" {
		return "", nil, fault(http.StatusNotFound, "ResourceNotFoundException", "not-found", "There is nothing at this address: it begins with /datastore/<id>/r4/.")
	}
	target, rest := Target{DatastoreID: parts[1]}, parts[3:]
	if strings.Contains(r.URL.Path, "$") {
		return "", nil, notEmulated("FHIR operations such as %s", rest[len(rest)-1])
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", nil, invalid("value", "The query string cannot be read.")
	}
	for name := range query { // of signed addresses
		if strings.HasPrefix(name, "X-Amz-") {
			query.Del(name)
		}
	}
	body, err := readBody(w, r)
	if err != nil {
		return "", nil, err
	}
	if writes := r.Method == http.MethodPut || r.Method == http.MethodPatch || r.Method == http.MethodPost && (len(rest) != 2 || rest[1] != "_search"); writes && r.Header.Get(strongHeader) == "strong" {
		return "", nil, notEmulated("the header %s on writes", strings.ToLower(strongHeader))
	}
	if len(rest) == 0 {
		if r.Method == http.MethodPost {
			return "ProcessBundle", &ProcessBundleInput{target, body}, nil
		}
		return "", nil, notEmulated("searches of all resource types")
	}
	if len(rest) == 1 && rest[0] == "metadata" && r.Method == http.MethodGet {
		return "GetCapabilities", &GetCapabilitiesInput{target}, nil
	}
	target.ResourceType = rest[0]
	if len(rest) == 1 {
		return ofType(r, target, query, body)
	}
	one := ReadResourceInput{target, rest[1]}
	switch {
	case len(rest) == 2 && rest[1] == "_search" && r.Method == http.MethodPost:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", nil, invalid("value", "The form cannot be read.")
		}
		maps.Copy(query, form)
		return "SearchWithPost", &SearchInput{target, query}, nil
	case len(rest) == 2 && rest[1] == "_history" && r.Method == http.MethodGet:
		return "GetHistoryByResourceType", &TypeHistoryInput{target, query}, nil
	case len(rest) == 2 && rest[1] == "_history":
		return "", nil, notAllowed(r)
	case len(rest) == 2:
		return ofResource(r, one, body)
	case len(rest) == 3 && rest[2] == "_history" && r.Method == http.MethodGet:
		return "GetHistoryByResourceId", &HistoryInput{one, query}, nil
	case len(rest) == 4 && rest[2] == "_history" && r.Method == http.MethodGet:
		return "VersionReadResource", &VersionReadResourceInput{one, rest[3]}, nil
	}
	return "", nil, notAllowed(r)
}

func notAllowed(r *http.Request) error {
	return fault(http.StatusMethodNotAllowed, "MethodNotAllowedException", "not-supported", "The method %s is not allowed at this address.", r.Method)
}

// ofType reads an interaction with a resource type.
func ofType(r *http.Request, target Target, query url.Values, body []byte) (string, any, error) {
	switch r.Method {
	case http.MethodPost:
		if r.Header.Get("If-None-Exist") != "" {
			return "", nil, notEmulated("conditional creation")
		}
		return "CreateResource", &CreateResourceInput{target, body, r.Header.Get("X-Amz-Fhir-Idempotency-Key")}, nil
	case http.MethodGet:
		return "SearchWithGet", &SearchInput{target, query}, nil
	case http.MethodPut:
		return "UpdateResource", &UpdateResourceInput{ReadResourceInput{target, ""}, body, query, r.Header.Get("If-Match"), r.Header.Get("If-None-Match")}, nil
	case http.MethodDelete:
		return "DeleteResource", &DeleteResourceInput{ReadResourceInput{target, ""}, query, r.Header.Get("If-Match")}, nil
	}
	return "", nil, notAllowed(r)
}

// ofResource reads an interaction with one resource.
func ofResource(r *http.Request, one ReadResourceInput, body []byte) (string, any, error) {
	switch r.Method {
	case http.MethodGet:
		return "ReadResource", &one, nil
	case http.MethodPut:
		return "UpdateResource", &UpdateResourceInput{one, body, nil, r.Header.Get("If-Match"), r.Header.Get("If-None-Match")}, nil
	case http.MethodDelete:
		return "DeleteResource", &DeleteResourceInput{one, nil, r.Header.Get("If-Match")}, nil
	case http.MethodPatch:
		if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json-patch+json" {
			return "", nil, fault(http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", "not-supported", "The content type of a PATCH must be application/json-patch+json.")
		}
		return "PatchResource", &PatchResourceInput{one, body, r.Header.Get("If-Match")}, nil
	}
	return "", nil, notAllowed(r)
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= largestResource {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := io.Copy(&b, http.MaxBytesReader(w, r.Body, largestResource))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, fault(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "too-long", "The request is larger than %d bytes.", largestResource)
	}
	if err != nil {
		return nil, invalid("structure", "The request body cannot be read.")
	}
	return b.Bytes(), nil
}
