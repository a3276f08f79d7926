package apigateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/carepath/carepath/lang/vtl"
)

var errNotLoopback = errors.New("the embedded AWS calls HTTP backends on this machine only")

// newHTTPClient returns the client of HTTP integrations. It reaches loopback addresses only, whatever a name resolves
// to, and follows no redirects.
func newHTTPClient() *http.Client {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return errNotLoopback
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// callHTTP calls an HTTP backend.
func (x *exchange) callHTTP(i *integrationPlan, stage *methodStage, in *integrationRequest) (*answer, *failure) {
	request, err := x.httpRequest(i, stage.target.uri, in)
	if err != nil {
		return nil, configurationError("Execution failed due to configuration error: Invalid endpoint address")
	}
	return x.within(i, func(ctx context.Context) outcome {
		response, err := x.s.client.Do(request.WithContext(ctx))
		if err != nil {
			return outcome{failure: &failure{kind: "INTEGRATION_FAILURE", message: "Network error communicating with endpoint", reason: reasonOf(err)}}
		}
		defer response.Body.Close()
		body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
		if err != nil {
			return outcome{failure: &failure{kind: "INTEGRATION_FAILURE", message: "Network error communicating with endpoint", reason: reasonOf(err)}}
		}
		if len(body) > maxBody {
			return outcome{failure: internalError(fmt.Sprintf("the integration's answer is larger than %d bytes", maxBody))}
		}
		return outcome{answer: &answer{status: response.StatusCode, header: response.Header, body: body}}
	})
}

// reasonOf leaves out the URL of an error, which has what the client sent.
func reasonOf(err error) string {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

func (x *exchange) httpRequest(i *integrationPlan, uri string, in *integrationRequest) (*http.Request, error) {
	for name, value := range in.path {
		escaped := url.PathEscape(value)
		if strings.Contains(value, "/") {
			escaped = (&url.URL{Path: value}).EscapedPath()
		}
		uri = strings.ReplaceAll(uri, "{"+name+"}", escaped)
		uri = strings.ReplaceAll(uri, "{"+name+"+}", escaped)
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	if i.proxy {
		for name, values := range x.queryValues() {
			query[name] = values
		}
	}
	for name, value := range in.query {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	method := i.HTTPMethod
	if method == "ANY" {
		method = x.r.Method
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(x.r.Context()), method, u.String(), bytes.NewReader(in.body))
	if err != nil {
		return nil, err
	}
	h := request.Header
	h["User-Agent"] = []string{"AmazonAPIGateway_" + x.stage.api.id}
	if i.proxy {
		for name, values := range x.r.Header {
			name = http.CanonicalHeaderKey(name)
			if !vtl.HiddenHeader(name) && name != "Via" && (name != "Content-Encoding" || len(in.body) > 0) {
				h[name] = values
			}
		}
	} else {
		h["Accept"] = []string{"application/json"}
		if contentType := x.r.Header.Get("Content-Type"); contentType != "" && len(in.body) > 0 {
			h["Content-Type"] = []string{contentType}
		}
	}
	h["X-Amzn-Apigateway-Api-Id"] = []string{x.stage.api.id}
	h["X-Amzn-Trace-Id"] = []string{x.trace()}
	for name, value := range in.header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Host":
			request.Host = value
		case "Expect", "Proxy-Authenticate", "Te", "Via": // AWS drops them
		default:
			h[name] = []string{value}
		}
	}
	return request, nil
}

// passOn answers with what an HTTP backend answered.
func (x *exchange) passOn(a *answer) *failure {
	x.traceID = "" // AWS does not send its own on
	h := x.w.Header()
	h["Content-Type"] = jsonContentType
	for name, values := range a.header {
		setHeader(h, name, values...)
	}
	p, err := convertResponse(a.body, x.stage.api.isBinary(mediaTypeOf(a.header.Get("Content-Type"))),
		x.stage.api.isBinary(mediaTypeOf(x.r.Header.Get("Accept"))), "")
	if err != nil {
		return internalError(err.Error())
	}
	x.write(a.status, p.data)
	return nil
}
