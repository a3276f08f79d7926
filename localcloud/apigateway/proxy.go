package apigateway

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
)

// eventWriter writes a JSON object member by member.
type eventWriter struct{ b []byte }

func (w *eventWriter) name(name string) {
	if last := w.b[len(w.b)-1]; last != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(jsonvalue.AppendString(w.b, name), ':')
}

func (w *eventWriter) text(name, value string) {
	w.name(name)
	w.b = jsonvalue.AppendString(w.b, value)
}

func (w *eventWriter) raw(name, value string) {
	w.name(name)
	w.b = append(w.b, value...)
}

// object writes an object of the sorted names, or null when there are none.
func (w *eventWriter) object(name string, names []string, value func(w *eventWriter, name string)) {
	w.name(name)
	if len(names) == 0 {
		w.b = append(w.b, "null"...)
		return
	}
	w.b = append(w.b, '{')
	for _, n := range names {
		value(w, n)
	}
	w.b = append(w.b, '}')
}

func (w *eventWriter) list(name string, values []string) {
	w.name(name)
	w.b = append(w.b, '[')
	for i, v := range values {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = jsonvalue.AppendString(w.b, v)
	}
	w.b = append(w.b, ']')
}

// proxyHeaders are the headers that a proxy integration passes on.
func (x *exchange) proxyHeaders() map[string][]string {
	headers := make(map[string][]string, len(x.r.Header)+5)
	for name, values := range x.r.Header {
		if !vtl.HiddenHeader(name) {
			headers[name] = values
		}
	}
	headers["Host"] = []string{x.r.Host}
	proto, port := "http", "80"
	if x.r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, ok := strings.Cut(x.r.Host, ":"); ok {
		port = p
	}
	headers["X-Amzn-Trace-Id"] = []string{x.trace()}
	headers["X-Forwarded-For"] = []string{strings.Join(append(slices.Clone(x.r.Header["X-Forwarded-For"]), x.sourceIP), ", ")}
	headers["X-Forwarded-Port"] = []string{port}
	headers["X-Forwarded-Proto"] = []string{proto}
	return headers
}

// proxyEvent is the request in payload format 1.0.
func (x *exchange) proxyEvent() []byte {
	w := &eventWriter{b: make([]byte, 1, len(x.body)+2048)}
	w.b[0] = '{'
	w.text("resource", x.m.resourcePath)
	w.text("path", x.eventPath)
	w.text("httpMethod", x.r.Method)
	headers := x.proxyHeaders()
	names := sortedNames(headers)
	w.object("headers", names, func(w *eventWriter, n string) { w.text(n, headers[n][len(headers[n])-1]) })
	w.object("multiValueHeaders", names, func(w *eventWriter, n string) { w.list(n, headers[n]) })
	query := x.queryValues()
	names = sortedNames(query)
	w.object("queryStringParameters", names, func(w *eventWriter, n string) { w.text(n, query[n][len(query[n])-1]) })
	w.object("multiValueQueryStringParameters", names, func(w *eventWriter, n string) { w.list(n, query[n]) })
	names = nil
	for _, p := range x.parameters {
		names = append(names, p.name)
	}
	w.object("pathParameters", names, func(w *eventWriter, n string) {
		value, _ := x.pathParameter(n)
		w.text(n, value)
	})
	w.object("stageVariables", sortedNames(x.stage.variables), func(w *eventWriter, n string) { w.text(n, x.stage.variables[n]) })
	w.name("requestContext")
	w.b = append(w.b, '{')
	for _, name := range contextNames {
		value, _ := x.lookup(name)
		if name == "requestTimeEpoch" {
			w.raw(name, value)
			continue
		}
		w.text(name, value)
	}
	names = identityNames
	if x.clientCertificate() != nil {
		names = append(slices.Clone(names), "clientCert")
	}
	w.object("identity", names, func(w *eventWriter, n string) {
		if n == "clientCert" {
			x.writeClientCert(w)
			return
		}
		if value, ok := x.lookup("identity." + n); ok {
			w.text(n, value)
			return
		}
		w.raw(n, "null")
	})
	w.b = append(w.b, '}')
	binary := x.stage.api.isBinary(mediaTypeOf(x.r.Header.Get("Content-Type")))
	switch {
	case len(x.body) == 0:
		w.raw("body", "null")
	case binary:
		w.text("body", string(encode(x.body)))
	default:
		w.text("body", string(validText(x.body)))
	}
	w.raw("isBase64Encoded", strconv.FormatBool(binary && len(x.body) > 0))
	return append(w.b, '}')
}

var identityNames = []string{"cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp", "principalOrgId", "accessKey",
	"cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "userAgent", "user"}

func sortedNames[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type proxyHeader struct {
	name   string
	values []string
}

// proxyResponse is what a function answers through a proxy integration.
type proxyResponse struct {
	status  int
	headers []proxyHeader
	body    string
	base64  bool
}

// parseProxyResponse reads a function's answer as strictly as AWS does: unknown members and values of the wrong type
// are malformed.
func parseProxyResponse(text []byte) (*proxyResponse, error) {
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return nil, errors.New("it is not JSON")
	}
	o, ok := v.(*jsonvalue.Object)
	if !ok {
		return nil, errors.New("it is not an object")
	}
	r := &proxyResponse{status: http.StatusOK}
	var single, multi *jsonvalue.Object
	for name, v := range o.All() {
		var ok bool
		switch name {
		case "statusCode":
			r.status, ok = statusOf(v)
		case "body":
			r.body, ok = scalarText(v)
		case "isBase64Encoded":
			r.base64, ok = v.(bool)
			ok = ok || v == nil
		case "headers":
			single, ok = v.(*jsonvalue.Object)
			ok = ok || v == nil
		case "multiValueHeaders":
			multi, ok = v.(*jsonvalue.Object)
			ok = ok || v == nil
		default:
			return nil, errors.New("unknown member " + name)
		}
		if !ok {
			return nil, errors.New("invalid " + name)
		}
	}
	for name, v := range multi.All() {
		list, ok := v.(*jsonvalue.Array)
		if !ok {
			return nil, errors.New("invalid multiValueHeaders")
		}
		h := proxyHeader{name: name}
		for _, item := range list.Items {
			value, ok := scalarText(item)
			if !ok {
				return nil, errors.New("invalid multiValueHeaders")
			}
			h.values = append(h.values, value)
		}
		r.headers = append(r.headers, h)
	}
	for name, v := range single.All() {
		value, ok := scalarText(v)
		if !ok {
			return nil, errors.New("invalid headers")
		}
		r.addHeader(name, value)
	}
	return r, nil
}

// addHeader adds a value of headers to those of multiValueHeaders.
func (r *proxyResponse) addHeader(name, value string) {
	for i := range r.headers {
		if strings.EqualFold(r.headers[i].name, name) {
			if !slices.Contains(r.headers[i].values, value) {
				r.headers[i].values = append(r.headers[i].values, value)
			}
			return
		}
	}
	r.headers = append(r.headers, proxyHeader{name, []string{value}})
}

func statusOf(v any) (int, bool) {
	text, ok := scalarText(v)
	if v == nil || !ok {
		return 0, false
	}
	status, err := strconv.Atoi(text)
	return status, err == nil && status >= 100 && status <= 599
}

// scalarText reads a string, or what Java's JSON library turns into one.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case jsonvalue.Number:
		return string(v), true
	}
	return "", false
}
