package sample_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/carepath/carepath/handlers/sample/sample"
)

func TestHandleTellsBothPaths(t *testing.T) {
	var log bytes.Buffer
	h := sample.Handler{Log: slog.New(slog.NewJSONHandler(&log, nil))}
	var request events.APIGatewayProxyRequest
	if err := json.Unmarshal([]byte(`{"resource":"/one","path":"/samples/one","httpMethod":"GET","queryStringParameters":{"patient":"Ada"},"requestContext":{"requestId":"r-1"}}`), &request); err != nil {
		t.Fatal(err)
	}
	got, err := h.Handle(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var answer sample.Answer
	if err := json.Unmarshal([]byte(got.Body), &answer); err != nil {
		t.Fatal(err)
	}
	want := sample.Answer{Message: "this is one", Path: "/samples/one", Resource: "/one", RequestID: "r-1"}
	if got.StatusCode != 200 || got.Headers["Content-Type"] != "application/json" || answer != want {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(log.String(), `"correlationId":"r-1"`) || strings.Contains(log.String(), "Ada") {
		t.Errorf("the log is %s", log.String())
	}
}
