package healthlake

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// issueField is the member of an error that holds the code of its OperationOutcome's issue.
const issueField = "issue"

func fault(status int, code, issue, format string, args ...any) *dispatch.Error {
	return &dispatch.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...), Fields: map[string]any{issueField: issue}}
}

// invalid is a request that HealthLake refuses; issue is a code of FHIR's IssueType.
func invalid(issue, format string, args ...any) *dispatch.Error {
	return fault(http.StatusBadRequest, "ValidationException", issue, format, args...)
}

// notEmulated is a request that HealthLake would answer.
func notEmulated(format string, args ...any) *dispatch.Error {
	return fault(http.StatusNotImplemented, "NotImplementedException", "not-supported", "The embedded AWS does not emulate "+format+".", args...)
}

func notFound(resourceType, id string) *dispatch.Error {
	return fault(http.StatusNotFound, "ResourceNotFoundException", "not-found", "Resource not found: %s/%s", resourceType, id)
}

func gone(resourceType, id string) *dispatch.Error {
	return fault(http.StatusGone, "ResourceGoneException", "deleted", "Resource was deleted: %s/%s", resourceType, id)
}

func preconditionFailed(format string, args ...any) *dispatch.Error {
	return fault(http.StatusPreconditionFailed, "PreconditionFailedException", "conflict", format, args...)
}

// httpStatus is the status with which an error of any origin leaves the FHIR endpoint.
func httpStatus(e *dispatch.Error) int {
	switch e.Code {
	case "AccessDeniedException", "AccessDenied":
		return http.StatusForbidden
	case "MissingAuthenticationTokenException", "UnrecognizedClientException":
		return http.StatusUnauthorized
	case "ThrottlingException":
		return http.StatusTooManyRequests
	}
	return e.HTTPStatus()
}

// issues are the codes of issues by status, for errors that have none of their own.
var issues = map[int]string{
	400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 408: "timeout", 409: "conflict", 410: "deleted",
	412: "conflict", 413: "too-long", 429: "throttled", 501: "not-supported",
}

// outcome writes an error as FHIR's OperationOutcome.
func outcome(e *dispatch.Error) []byte {
	issue, ok := e.Fields[issueField].(string)
	if !ok {
		if issue, ok = issues[httpStatus(e)]; !ok {
			issue = "exception"
		}
	}
	type entry struct {
		Severity    string `json:"severity"`
		Code        string `json:"code"`
		Diagnostics string `json:"diagnostics"`
	}
	text, err := json.Marshal(struct {
		ResourceType string  `json:"resourceType"`
		Issue        []entry `json:"issue"`
	}{"OperationOutcome", []entry{{"error", issue, e.Message}}})
	if err != nil { // strings can always be written
		panic(err)
	}
	return text
}
