package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// answer is what a client gets.
type answer struct {
	status int
	text   string
	fields map[string]any // of a JSON object
}

// String shows the answer as far as it is fit to be shown: messages are the platform's own.
func (a *answer) String() string {
	if message, ok := a.fields["message"].(string); ok {
		return fmt.Sprintf("%d %s", a.status, message)
	}
	return fmt.Sprint(a.status)
}

func (a *answer) field(name string) string {
	text, _ := a.fields[name].(string)
	return text
}

// request makes a request as a client does: unsigned.
func (r *run) request(ctx context.Context, method, url, body string, headers map[string]string) (*answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	return r.do(request)
}

const longestAnswer = 1 << 20

func (r *run) do(request *http.Request) (*answer, error) {
	response, err := r.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s %s: %w", request.Method, request.URL.Redacted(), err)
	}
	a := &answer{status: response.StatusCode, text: string(text)}
	_ = json.Unmarshal(text, &a.fields) // what is no object has no fields
	return a, nil
}

// expect makes a request that must be answered with a status.
func (r *run) expect(ctx context.Context, status int, method, url, body string, headers map[string]string) (*answer, error) {
	a, err := r.request(ctx, method, url, body, headers)
	if err != nil {
		return nil, err
	}
	if a.status != status {
		return a, fmt.Errorf("%s %s answers %s, not %d", method, url, a, status)
	}
	return a, nil
}

// refused makes a request that must be answered with a status and a message.
func (r *run) refused(ctx context.Context, status int, method, url, body string) (string, error) {
	a, err := r.expect(ctx, status, method, url, body, nil)
	if err != nil {
		return "", err
	}
	if a.field("message") == "" {
		return "", fmt.Errorf("%s %s answers %d without a message", method, url, a.status)
	}
	return a.String(), nil
}

// client makes the requests of clients.
func client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = dialLocalhost
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// dialLocalhost makes names below localhost lead to the loopback, as RFC 6761 has it and as browsers and curl do. Go asks the DNS for
// them, where they are mostly unknown.
func dialLocalhost(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return dialer.DialContext(ctx, network, address)
}
