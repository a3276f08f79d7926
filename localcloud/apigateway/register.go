package apigateway

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// binding is where an operation stands in API Gateway's REST API.
type binding struct {
	action string
	method string
	path   string // with members in braces
	query  map[string]string
	header map[string]string
	body   string // the member that is the whole body
	status int
}

// handle registers an operation. Its permission is AWS's: the HTTP method on the path.
// See https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html.
func handle[In, Out any](s *Service, b binding, do func(ctx context.Context, in *In) (*Out, error)) {
	handleCall(s, "apigateway", b, func(ctx context.Context, _ *dispatch.Call, in *In) (*Out, error) { return do(ctx, in) })
}

// handleCall is handle for operations that must know who calls, and for those of the second API, "apigatewayv2".
func handleCall[In, Out any](s *Service, service string, b binding, do func(ctx context.Context, c *dispatch.Call, in *In) (*Out, error)) {
	if b.status == 0 {
		b.status = http.StatusOK
	}
	members := memberIndex(reflect.TypeFor[In]())
	arn := "arn:aws:apigateway:" + s.d.Region + "::"
	resource := strings.TrimPrefix(b.path, "/v2")
	dispatch.Register(s.d, dispatch.Operation{
		Service: service, Action: b.action, Permission: "apigateway:" + b.method,
		HTTP: &dispatch.HTTPBinding{Method: b.method, Path: b.path, Query: b.query, Headers: b.header, Payload: b.body, Status: b.status},
	}, dispatch.On(func(_ *dispatch.Call, in *In) []string {
		return []string{arn + expandPath(resource, members, reflect.ValueOf(in).Elem())}
	}), do)
}

func memberIndex(t reflect.Type) map[string]int {
	members := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		members[name] = i
	}
	return members
}

// expandPath writes the values of the members in braces into a path.
func expandPath(path string, members map[string]int, in reflect.Value) string {
	path, _, _ = strings.Cut(path, "?")
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(path, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		var name string
		name, path, _ = strings.Cut(rest, "}")
		out.WriteString(in.Field(members[name]).String())
	}
}
