package intake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/carepath/carepath/handlers/intake/intake"
)

func TestHandleLogsDigestAndNoContent(t *testing.T) {
	var log bytes.Buffer
	h := intake.Handler{Log: slog.New(slog.NewJSONHandler(&log, nil))}
	var event intake.Event
	if err := json.Unmarshal([]byte(`{"body":{"name":"Ada Lovelace"},"metadata":{"requestId":"r-1","headers":{}},"execution":{"id":"arn:e","name":"n-1"}}`), &event); err != nil {
		t.Fatal(err)
	}
	result, err := h.Handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if result.Bytes != len(`{"name":"Ada Lovelace"}`) || len(result.Digest) != 64 {
		t.Errorf("%+v", result)
	}
	for _, want := range []string{`"correlationId":"r-1"`, `"execution":"n-1"`, result.Digest} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "Ada") {
		t.Errorf("the log holds content: %s", log.String())
	}
}

func TestHandleFailsOnRequest(t *testing.T) {
	h := intake.Handler{Log: slog.New(slog.DiscardHandler)}
	for body, reason := range map[string]string{
		`{"carepath:fail":"please"}`: "please",
		`{"carepath:fail":1}`:        "carepath:fail is not a string",
	} {
		_, err := h.Handle(t.Context(), intake.Event{Body: json.RawMessage(body)})
		var failure *intake.RequestedFailure
		if !errors.As(err, &failure) || failure.Reason != reason {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{`null`, `[]`, `"carepath:fail"`, `{"a":{"carepath:fail":"x"}}`} {
		if _, err := h.Handle(t.Context(), intake.Event{Body: json.RawMessage(body)}); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}
