package subscriptions

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/carepath/carepath/fhir"
)

// store is a data store that keeps what is put into it, and remembers the writes.
type store struct {
	mu        sync.Mutex
	resources map[string]map[string]any // by "Type/id"
	writes    []string
	broken    string // a path that answers 403
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/datastore/1/r4/")
	w.Header().Set("Content-Type", "application/fhir+json")
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"resourceType": "OperationOutcome", "issue": []any{map[string]any{"severity": "error", "code": code}}})
	}
	_, found := s.resources[path]
	switch {
	case path == s.broken:
		refuse(http.StatusForbidden, "forbidden")
	case r.Method == http.MethodGet && found:
		_ = json.NewEncoder(w).Encode(s.resources[path])
	case r.Method == http.MethodPut:
		text, _ := io.ReadAll(r.Body)
		var resource map[string]any
		if err := json.Unmarshal(text, &resource); err != nil {
			refuse(http.StatusBadRequest, "structure")
			return
		}
		s.resources[path] = resource
		s.writes = append(s.writes, "PUT "+path)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(text)
	case r.Method == http.MethodDelete && found:
		delete(s.resources, path)
		s.writes = append(s.writes, "DELETE "+path)
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(http.StatusNotFound, "not-found")
	}
}

type world struct {
	*Handler
	store *store
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{store: &store{resources: map[string]map[string]any{}}, now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(w.store)
	t.Cleanup(server.Close)
	client, err := fhir.New(fhir.Config{Endpoint: server.URL + "/datastore/1/r4/", Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	if err != nil {
		t.Fatal(err)
	}
	w.Handler = &Handler{FHIR: client, EventBusARN: "arn:aws:events:us-east-1:123456789012:event-bus/b", Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)}
	return w
}

// handle does a request that must succeed, and returns what was done and the writes.
func (w *world) handle(t *testing.T, in Request) (*Response, []string) {
	t.Helper()
	w.store.writes = nil
	out, err := w.Handle(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out, w.store.writes
}

func install(types ...string) Request {
	return Request{ResourceTypes: types, Change: &Change{Action: "create"}}
}

func TestTopicsAndSubscriptionsAreMadeOnce(t *testing.T) {
	w := newWorld(t)
	out, writes := w.handle(t, install("Patient", "Encounter"))
	if want := []string{"PUT SubscriptionTopic/carepath-Encounter", "PUT Subscription/carepath-Encounter", "PUT SubscriptionTopic/carepath-Patient", "PUT Subscription/carepath-Patient"}; !slices.Equal(writes, want) {
		t.Errorf("wrote %v", writes)
	}
	if !slices.Equal(out.Made, []string{"Encounter", "Patient"}) {
		t.Errorf("made %v", out.Made)
	}
	is := w.store.resources["Subscription/carepath-Patient"]
	channel, _ := is["channel"].(map[string]any)
	if is["status"] != "requested" || is["end"] != "2026-03-31T00:00:00Z" || !strings.HasSuffix(is["criteria"].(string), "/datastore/1/r4/SubscriptionTopic/carepath-Patient") ||
		channel["type"] != "event-bridge" || channel["endpoint"] != w.EventBusARN {
		t.Errorf("the subscription is %v", is)
	}
	out, writes = w.handle(t, install("Patient", "Encounter"))
	if len(writes) != 0 || !slices.Equal(out.Kept, []string{"Encounter", "Patient"}) {
		t.Errorf("a second time wrote %v", writes)
	}
}

func TestSubscriptionsAreRenewedBeforeTheyEnd(t *testing.T) {
	w := newWorld(t)
	w.handle(t, install("Patient"))
	is := w.store.resources["Subscription/carepath-Patient"]
	is["status"] = "active"
	renew := Request{ResourceTypes: []string{"Patient"}, Renew: true}
	w.now = w.now.Add(9 * 24 * time.Hour)
	if _, writes := w.handle(t, renew); len(writes) != 0 {
		t.Errorf("after nine days: %v", writes)
	}
	w.now = w.now.Add(24 * time.Hour)
	if _, writes := w.handle(t, renew); !slices.Equal(writes, []string{"PUT Subscription/carepath-Patient"}) {
		t.Errorf("after ten days: %v", writes)
	}
	if end := w.store.resources["Subscription/carepath-Patient"]["end"]; end != "2026-04-10T00:00:00Z" {
		t.Errorf("it ends %v", end)
	}
	for status, want := range map[string][]string{
		"error": {"DELETE Subscription/carepath-Patient", "PUT Subscription/carepath-Patient"},
		"off":   {"PUT Subscription/carepath-Patient"},
	} {
		w.store.resources["Subscription/carepath-Patient"]["status"] = status
		if _, writes := w.handle(t, renew); !slices.Equal(writes, want) {
			t.Errorf("in the status %s: %v", status, writes)
		}
	}
	// Somebody has removed it.
	delete(w.store.resources, "Subscription/carepath-Patient")
	if _, writes := w.handle(t, renew); !slices.Equal(writes, []string{"PUT Subscription/carepath-Patient"}) {
		t.Errorf("removed by somebody: %v", writes)
	}
}

func TestTypesComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.handle(t, install("Patient", "Encounter"))
	before, err := json.Marshal(install("Patient", "Encounter"))
	if err != nil {
		t.Fatal(err)
	}
	out, writes := w.handle(t, Request{ResourceTypes: []string{"Patient", "Observation"}, Change: &Change{Action: "update", Previous: before}})
	if want := []string{"PUT SubscriptionTopic/carepath-Observation", "PUT Subscription/carepath-Observation", "DELETE Subscription/carepath-Encounter", "DELETE SubscriptionTopic/carepath-Encounter"}; !slices.Equal(writes, want) {
		t.Errorf("wrote %v", writes)
	}
	if !slices.Equal(out.Kept, []string{"Patient"}) || !slices.Equal(out.Removed, []string{"Encounter"}) {
		t.Errorf("did %v", out)
	}
	remove := Request{ResourceTypes: []string{"Patient", "Observation"}, Change: &Change{Action: "delete"}}
	w.handle(t, remove)
	if len(w.store.resources) != 0 {
		t.Errorf("left: %v", slices.Collect(maps.Keys(w.store.resources)))
	}
	w.handle(t, remove) // what is gone is no error
}

func TestOneTypesFailureIsNotTheOthers(t *testing.T) {
	w := newWorld(t)
	w.store.broken = "SubscriptionTopic/carepath-Encounter"
	_, err := w.Handle(t.Context(), install("Patient", "Encounter"))
	if err == nil || !strings.Contains(err.Error(), "subscribing to Encounter: ") {
		t.Errorf("got %v", err)
	}
	if w.store.resources["Subscription/carepath-Patient"] == nil {
		t.Error("the other type has no subscription")
	}
	for name, in := range map[string]Request{
		"tf.action":  {ResourceTypes: []string{"Patient"}, Change: &Change{Action: "destroy"}},
		"tf nor":     {ResourceTypes: []string{"Patient"}},
		"prev_input": {ResourceTypes: []string{"Patient"}, Change: &Change{Action: "update"}},
	} {
		if _, err := w.Handle(t.Context(), in); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
