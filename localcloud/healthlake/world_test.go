package healthlake_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/sts"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// world is a HealthLake with one active data store and what it needs, on a clock that tests drive.
type world struct {
	t     testing.TB
	d     *dispatch.Dispatcher
	clock *clock.Driven
	store *store.Store
	s     *healthlake.Service
	fhir  http.Handler
	id    string
}

// newWorld opens the state file at path, or memory if it is empty.
func newWorld(t testing.TB, path string) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewDriven(begin), store: store.Memory()}
	w.open(path)
	w.id = w.createStore(&healthlake.CreateFHIRDatastoreInput{DatastoreTypeVersion: "R4", DatastoreName: "records"})
	return w
}

func (w *world) open(path string) {
	w.t.Helper()
	var err error
	if path != "" {
		if w.store, err = store.Open(filepath.Join(path, "state")); err != nil {
			w.t.Fatal(err)
		}
	}
	w.d = dispatch.New(w.clock, "000000000000", "us-east-1")
	w.d.Logf = w.t.Logf
	must := func(_ any, err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	must(iam.New(w.d, w.store))
	must(kms.New(w.d, w.store))
	users, err := sts.New(w.d, w.store)
	must(nil, err)
	w.s, err = healthlake.New(w.d, w.store)
	must(nil, err)
	w.s.SetLag(healthlake.Lag{})
	w.fhir = w.s.Handler(users)
}

func (w *world) createStore(in *healthlake.CreateFHIRDatastoreInput) string {
	w.t.Helper()
	out := do[healthlake.DatastoreStatusOutput](w, w.d.Root(), "CreateFHIRDatastore", in)
	w.clock.Advance(healthlake.DefaultCreation)
	return out.DatastoreID
}

func do[Out any](w *world, p dispatch.Principal, action string, in any) *Out {
	w.t.Helper()
	out, err := dispatch.Do[Out](context.Background(), w.d, p, "healthlake", action, in)
	if err != nil {
		w.t.Fatalf("%s: %v", action, err)
	}
	return out
}

// answer is an HTTP response.
type answer struct {
	status int
	header http.Header
	body   string
}

// call makes a FHIR request as root; headers are names and values in turn.
func (w *world) call(method, path, body string, headers ...string) answer {
	w.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = "http://localhost:4566/datastore/" + w.id + "/r4/" + path
	}
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/healthlake/aws4_request, SignedHeaders=host, Signature=0")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/json-patch+json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.fhir.ServeHTTP(rec, r)
	return answer{rec.Code, rec.Header(), rec.Body.String()}
}

// want makes a FHIR request that must be answered with a status.
func (w *world) want(status int, method, path, body string, headers ...string) answer {
	w.t.Helper()
	a := w.call(method, path, body, headers...)
	if a.status != status {
		w.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// put writes a Patient.
func (w *world) put(id, more string) answer {
	w.t.Helper()
	a := w.call("PUT", "Patient/"+id, `{"resourceType":"Patient","id":"`+id+`"`+more+`}`)
	if a.status != 200 && a.status != 201 {
		w.t.Fatalf("PUT %s: %d %s", id, a.status, a.body)
	}
	return a
}

// parsedBundle is what tests read of a bundle.
type parsedBundle struct {
	Type  string
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Resource json.RawMessage
		Request  struct{ Method, URL string }
		Response struct {
			Status, Location, ETag string
			Outcome                json.RawMessage
		}
	}
}

func (a answer) bundle(t testing.TB) *parsedBundle {
	t.Helper()
	var b parsedBundle
	if err := json.Unmarshal([]byte(a.body), &b); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return &b
}

func (b *parsedBundle) next() string {
	for _, l := range b.Link {
		if l.Relation == "next" {
			return l.URL
		}
	}
	return ""
}

// ids returns the ids of a bundle's resources.
func (b *parsedBundle) ids() string {
	var all []string
	for _, e := range b.Entry {
		all = append(all, e.FullURL[strings.LastIndexByte(e.FullURL, '/')+1:])
	}
	return strings.Join(all, " ")
}

// issue returns the code of an OperationOutcome's issue.
func (a answer) issue(t testing.TB) string {
	t.Helper()
	var o struct {
		ResourceType string
		Issue        []struct{ Code string }
	}
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) != 1 {
		t.Fatalf("%s is no OperationOutcome (%v)", a.body, err)
	}
	return o.Issue[0].Code
}
