package apigateway

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
)

// overrideRequest applies what the request template has set of $context.requestOverride, over the mapped parameters.
func (x *exchange) overrideRequest(r *integrationRequest) {
	for name, values := range x.overrides.RequestHeader {
		for mapped := range r.header {
			if strings.EqualFold(mapped, name) {
				delete(r.header, mapped)
			}
		}
		r.set("header", name, strings.Join(values, ","))
	}
	for name, values := range x.overrides.RequestQuery {
		r.set("querystring", name, strings.Join(values, ","))
	}
	for name, values := range x.overrides.RequestPath {
		r.set("path", name, strings.Join(values, ","))
	}
}

// overrideHeaders applies what templates have set of $context.responseOverride.header.
func (x *exchange) overrideHeaders(h http.Header) {
	for name, values := range x.overrides.ResponseHeader {
		setHeader(h, name, strings.Join(values, ","))
	}
}

// asStrict is the template that makes strict JSON of what API Gateway's permissive parser reads.
var asStrict = mustCompile("$input.json('$')")

func mustCompile(source string) *vtl.Template {
	t, err := vtl.Compile(source)
	if err != nil {
		panic(err) // the source is a constant
	}
	return t
}

// looseJSON reads JSON as permissively as API Gateway does, by the reader that templates have. Text that does not look
// like JSON is a string.
func looseJSON(body []byte) (any, error) {
	if v, err := jsonvalue.Parse(body); err == nil {
		return v, nil
	}
	strict, _, err := asStrict.Append(nil, &vtl.Request{Body: body})
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	return jsonvalue.Parse(strict)
}
