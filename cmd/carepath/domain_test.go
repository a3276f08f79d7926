package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// testDomain asks for every kind of path of the stack's domain, and at the doors that must be shut.
func (l *local) testDomain(t *testing.T) {
	if base := "http://api.localhost:" + l.port; l.outputs["apiUrl"] != base || l.outputs["intakeUrl"] != base+"/webhooks" ||
		l.outputs["usersUrl"] != base+"/users" || l.outputs["samplesUrl"] != base+"/samples" {
		t.Errorf("the outputs are %v", l.outputs)
	}
	if err := l.answersSample(t.Context()); err != nil {
		t.Error(err)
	}
	get := func(url, host string) (status int, body string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			request.Host = host
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, strings.TrimSpace(string(text))
	}
	const forbidden, unknown = `{"message":"Forbidden"}`, `{"message":"Missing Authentication Token"}`
	domain, direct := l.outputs["apiUrl"], "http://localhost:"+l.port
	for path, want := range map[string]string{
		"/": forbidden, "": forbidden, "/nothing": forbidden, "/sample/one": forbidden, "/samplesone": forbidden, "/Samples/one": forbidden, "/main/samples/one": forbidden,
		"/samples": unknown, "/samples/two": unknown, "/samples/main/one": unknown, "/webhooks": unknown, "/users/users": unknown,
	} {
		if status, body := get(domain+path, ""); status != http.StatusForbidden || body != want {
			t.Errorf("GET %s answers %d %s, want 403 %s", domain+path, status, body, want)
		}
	}
	text, err := l.call(t.Context(), "apigateway", http.MethodGet, "/restapis", "", "")
	if err != nil {
		t.Fatal(err)
	}
	var apis struct{ Item []struct{ ID, Name string } }
	if err := json.Unmarshal(text, &apis); err != nil || len(apis.Item) != 3 {
		t.Fatalf("%v: %s", err, text)
	}
	for _, api := range apis.Item {
		for _, path := range []string{"", "/", "/one"} {
			if status, body := get(direct+"/_aws/execute-api/"+api.ID+"/main"+path, ""); status != http.StatusForbidden || body != forbidden {
				t.Errorf("the default endpoint of %s answers %d %s: it is to be closed", api.Name, status, body)
			}
			if status, body := get(direct+"/main"+path, api.ID+".execute-api.localhost"); status != http.StatusForbidden || body != forbidden {
				t.Errorf("the default endpoint of %s answers %d %s by its name: it is to be closed", api.Name, status, body)
			}
		}
	}
	if err := l.logged(t.Context(), "/aws/apigateway/samples-api-", `\"domain\":\"api.localhost\",\"basePath\":\"samples\",\"method\":\"GET\",\"resource\":\"/one\",\"status\":\"200\"`); err != nil {
		t.Error(err)
	}
}
