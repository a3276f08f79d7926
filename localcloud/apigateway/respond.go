package apigateway

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// remapped are the response headers that a backend or a mapping cannot set: they arrive as x-amzn-Remapped-<name>. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html.
var remapped = map[string]bool{"Authorization": true, "Connection": true, "Content-Length": true, "Content-Md5": true, "Date": true, "Expect": true,
	"Host": true, "Max-Forwards": true, "Proxy-Authenticate": true, "Server": true, "Trailer": true, "Upgrade": true, "User-Agent": true,
	"Www-Authenticate": true, "X-Amzn-Requestid": true}

// setHeader puts a header into the answer, under another name where AWS does so.
func setHeader(h http.Header, name string, values ...string) {
	for i, value := range values {
		values[i] = strings.Map(fieldCharacter, value)
	}
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case canonical == "Transfer-Encoding":
		return
	case remapped[canonical]:
		h["x-amzn-Remapped-"+name] = values
		return
	}
	for other := range h {
		if other != name && http.CanonicalHeaderKey(other) == canonical {
			delete(h, other)
		}
	}
	h[name] = values
}

// fieldCharacter makes blanks of what a header's value cannot hold
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.5): no client would read the rest of the answer.
func fieldCharacter(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7F {
		return ' '
	}
	return r
}

// respond turns what an integration that is no proxy answered into the method's response.
func (x *exchange) respond(a *answer) *failure {
	i := x.m.integration
	r, problem := x.selectResponse(i, a)
	if problem != nil {
		return problem
	}
	if !x.m.statuses[r.status] {
		return configurationError("Output mapping refers to an invalid method response: " + strconv.Itoa(r.status))
	}
	accept := mediaTypeOf(x.r.Header.Get("Accept"))
	p, err := convertResponse(a.body, x.stage.api.isBinary(mediaTypeOf(a.header.Get("Content-Type"))), x.stage.api.isBinary(accept), r.contentHandling)
	if err != nil {
		return internalError(err.Error())
	}
	h := x.w.Header()
	h["Content-Type"] = jsonContentType
	for n := range r.mappings {
		m := &r.mappings[n]
		value, ok, err := x.value(&m.from, a)
		if err != nil {
			return internalError("mapping a response parameter: " + err.Error())
		}
		if ok {
			setHeader(h, m.name, value)
		}
	}
	out := p.data
	if t := r.template(accept); t != nil {
		if p.binary {
			return internalError("a mapping template cannot be applied to a binary body")
		}
		if out, err = x.render(t, p.data); err != nil {
			return internalError("the response template failed: " + err.Error())
		}
	}
	x.overrideHeaders(h)
	status := r.status
	if s, ok := x.overrides.Status(); ok {
		status = s
	}
	x.write(status, out)
	return nil
}

var jsonContentType = []string{"application/json"}

func (x *exchange) selectResponse(i *integrationPlan, a *answer) (*responsePlan, *failure) {
	var r *responsePlan
	if a.errorMessage != nil {
		var err error
		if r, err = i.choose(*a.errorMessage); err != nil {
			return nil, internalError(err.Error())
		}
	} else if a.status > 0 && a.status < len(i.byStatus) {
		r = i.byStatus[a.status]
	}
	if r == nil {
		return nil, configurationError("No match for output mapping and no default output mapping configured. Endpoint Response Status Code: " + strconv.Itoa(a.status))
	}
	return r, nil
}

// template chooses by what the client accepts, else JSON, else the first; nil: the body goes as it is.
func (r *responsePlan) template(accept string) *template {
	if t, ok := r.templates[accept]; ok {
		return t
	}
	if t, ok := r.templates["application/json"]; ok {
		return t
	}
	return r.templates[r.first]
}

// write sends the answer.
func (x *exchange) write(status int, body []byte) {
	x.status, x.length = status, len(body)
	h := x.w.Header()
	h["x-amzn-RequestId"] = []string{x.id}
	h["x-amz-apigw-id"] = []string{x.extendedID}
	if x.traceID != "" {
		h["X-Amzn-Trace-Id"] = []string{x.traceID}
	}
	if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	if status < 200 {
		status = http.StatusOK // a final status is needed: Go's server would wait for one
	}
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.w.Write(body) // the client may be gone; nobody is left to be told
	}
}

// fail answers with the gateway response of a failure.
func (x *exchange) fail(f *failure) {
	x.failure = f
	g := x.stage.api.gateway[f.kind]
	if f.reason != "" {
		x.s.d.Logf("API Gateway: request %s to stage %s of %s: %s", x.id, x.stage.name, x.stage.api.id, f.reason)
	}
	status := f.status
	if g.status != 0 {
		status = g.status
	}
	x.status = status
	h := x.w.Header()
	clear(h)
	h["x-amzn-ErrorType"] = []string{g.kind.errorType}
	for n := range g.mappings {
		m := &g.mappings[n]
		if m.place != "header" {
			continue // the others are for authorizers
		}
		if value, ok, err := x.value(&m.from, nil); ok && err == nil {
			setHeader(h, m.name, value)
		}
	}
	mediaType := mediaTypeOf(x.r.Header.Get("Accept"))
	t := g.templates[mediaType]
	if t == nil {
		mediaType = "application/json"
		t = g.templates[mediaType]
	}
	if t == nil {
		mediaType = g.first
		t = g.templates[mediaType]
	}
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = []string{mediaType}
	}
	x.write(status, t.append(make([]byte, 0, 128), x, ""))
}

// forbidden answers where there is no stage that could say more.
func forbidden(w http.ResponseWriter) {
	h := w.Header()
	h["x-amzn-ErrorType"] = []string{"ForbiddenException"}
	h["x-amzn-RequestId"] = []string{dispatch.NewRequestID()}
	h["Content-Type"] = jsonContentType
	w.WriteHeader(http.StatusForbidden)
	w.Write([]byte(`{"message":"Forbidden"}`)) // the client may be gone; nobody is left to be told
}

// mock is the integration that answers itself: the rendered request says with which status.
func (x *exchange) mock(body []byte) (*answer, *failure) {
	v, err := looseJSON(body)
	if err != nil {
		return nil, internalError("the mock integration's request template does not give JSON: " + err.Error())
	}
	o, _ := v.(*jsonvalue.Object)
	status, _ := o.Get("statusCode")
	n, ok := status.(jsonvalue.Number)
	code, isInt := n.Int64()
	if !ok || !isInt || code < 100 || code > 599 {
		return nil, internalError(fmt.Sprintf("the mock integration's request template gives no integer statusCode: %T", status))
	}
	return &answer{status: int(code), header: http.Header{}, body: nil}, nil
}
