package apigateway

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// answer is what an integration answered.
type answer struct {
	status int
	header http.Header
	body   []byte
	// errorMessage is a Lambda function's, on which its integration responses are selected; nil for other integrations.
	errorMessage *string
}

var errBodyNotJSON = errors.New("the body is not JSON")

// value evaluates a mapping expression. ok is false when its source has nothing: the target is then left out.
func (x *exchange) value(e *expression, a *answer) (value string, ok bool, err error) {
	switch e.kind {
	case fromLiteral:
		return e.name, true, nil
	case fromHeader:
		return pick(x.headerValues(e.name), e.multi)
	case fromQuery:
		return pick(x.queryValues()[e.name], e.multi)
	case fromPath:
		value, ok = x.pathParameter(e.name)
		return value, ok, nil
	case fromContext:
		value, ok = x.lookup(e.name)
		return value, ok && value != "", nil
	case fromStageVariables:
		value, ok = x.stage.variables[e.name]
		return value, ok, nil
	case fromBody:
		return fromDocument(x.body, e.path)
	case fromIntegrationBody:
		return fromDocument(a.body, e.path)
	case fromIntegrationHeader:
		return pick(headerOf(a.header, e.name), e.multi)
	}
	return "", false, nil
}

// headerOf finds an integration's header as it was sent, or in the form in which Go's HTTP client read it.
func headerOf(h http.Header, name string) []string {
	if values, ok := h[name]; ok {
		return values
	}
	return h[http.CanonicalHeaderKey(name)]
}

// pick takes the last of several values, or all of them joined.
func pick(values []string, multi bool) (string, bool, error) {
	switch {
	case len(values) == 0:
		return "", false, nil
	case multi:
		return strings.Join(values, ","), true, nil
	}
	return values[len(values)-1], true, nil
}

// fromDocument takes a body, or what a JSON path finds in it. An empty body is {}. A body that begins like JSON must be
// JSON.
func fromDocument(body []byte, path *jsonpath.Path) (string, bool, error) {
	if len(body) == 0 {
		body = []byte("{}")
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	looksJSON := len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
	if path == nil && !looksJSON {
		return string(body), true, nil
	}
	if !looksJSON {
		return "", false, nil
	}
	document, err := looseJSON(body)
	if err != nil {
		return "", false, errBodyNotJSON
	}
	if path == nil {
		return string(body), true, nil
	}
	found, err := path.Eval(document)
	if err != nil || found == nil {
		return "", false, nil //nolint:nilerr // a path that finds nothing leaves the parameter out
	}
	if text, ok := found.(string); ok {
		return text, true, nil
	}
	return jsonvalue.Text(found), true, nil
}
