package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// testCorrelation follows the ids of three requests: the gateway's answer tells it, and everything that has to do with the request
// has logged it.
func (l *local) testCorrelation(t *testing.T) {
	id := func(method, output, path, body string, want int) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, l.outputs[output]+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want || response.Header.Get("X-Amzn-Requestid") == "" {
			t.Fatalf("%s %s answers %d with the id %q", method, output, response.StatusCode, response.Header.Get("X-Amzn-Requestid"))
		}
		return response.Header.Get("X-Amzn-Requestid")
	}
	accepted := l.post(t, `{"n":1}`)
	value, _ := l.input(t, accepted).Get("metadata")
	metadata, _ := value.(*jsonvalue.Object)
	intake, _ := metadata.Get("requestId")
	l.finished(t, accepted.fields["executionArn"])
	sample := id(http.MethodGet, "samplesUrl", "/one", "", http.StatusOK)
	user := id(http.MethodPost, "usersUrl", "", userBody("correlated@example.org", nil), http.StatusCreated)
	for _, logged := range []struct{ group, text string }{
		{"/aws/apigateway/intake-api-", `{\"correlationId\":\"` + fmt.Sprint(intake) + `\"`},
		{"/aws/lambda/intake-handler-", `\"correlationId\":\"` + fmt.Sprint(intake) + `\"`},
		{"/aws/apigateway/samples-api-", `{\"correlationId\":\"` + sample + `\"`},
		{"/aws/lambda/samples-sample-", `\"correlationId\":\"` + sample + `\"`},
		{"/aws/apigateway/users-api-", `{\"correlationId\":\"` + user + `\"`},
		{"/aws/vendedlogs/states/users-", `:` + user + `:`},
	} {
		if err := l.logged(t.Context(), logged.group, logged.text); err != nil {
			t.Error(err)
		}
	}
}
