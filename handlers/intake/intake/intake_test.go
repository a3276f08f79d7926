package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestHandle(t *testing.T) {
	for _, test := range []struct {
		name, body string
		fails      string
	}{
		{name: "object", body: `{"patient":"secret-name"}`},
		{name: "number", body: `9007199254740993.0`},
		{name: "null", body: `null`},
		{name: "array with the member in it", body: `[{"carepath:fail":"no"}]`},
		{name: "member is not a text", body: `{"carepath:fail":7}`},
		{name: "member is null", body: `{"carepath:fail":null}`},
		{name: "asks to fail", body: `{"carepath:fail":"because secret-name","x":1}`, fails: "because secret-name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var lines bytes.Buffer
			h := New(slog.New(slog.NewJSONHandler(&lines, nil)))
			var e Event
			text := `{"body":` + test.body + `,"metadata":{"requestId":"r-1"},"execution":{"name":"n-1"}}`
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatal(err)
			}
			result, err := h.Handle(t.Context(), e)
			if test.fails != "" {
				var requested RequestedError
				if !errors.As(err, &requested) || requested.Reason != test.fails {
					t.Fatalf("got %v, want a RequestedError with the reason %q", err, test.fails)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if sum := sha256.Sum256([]byte(test.body)); result.Digest != hex.EncodeToString(sum[:]) || result.Bytes != len(test.body) {
				t.Fatalf("got %+v for %s", result, test.body)
			}
			log := lines.String()
			if !strings.Contains(log, `"requestId":"r-1"`) || !strings.Contains(log, `"execution":"n-1"`) {
				t.Errorf("the log line does not name the request and the execution: %s", log)
			}
			if strings.Contains(log, "secret-name") {
				t.Errorf("the log line has content of the body: %s", log)
			}
		})
	}
}

func TestHandleRefusesAnEventWithoutBody(t *testing.T) {
	if _, err := New(slog.New(slog.DiscardHandler)).Handle(t.Context(), Event{}); err == nil {
		t.Fatal("an event without a body was taken")
	}
}
