package fhir_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/carepath/carepath/fhir"
)

const endpoint = "https://healthlake.us-east-1.amazonaws.com/datastore/0123456789abcdef0123456789abcdef/r4/"

// wire is a data store that answers what a test says, request by request.
type wire struct {
	answers []answer
	seen    []*http.Request
	bodies  []string
	at      []time.Time
}

type answer struct {
	status int
	header map[string]string
	body   string
	err    error     // instead of an answer
	broken io.Reader // instead of body
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.seen, w.bodies, w.at = append(w.seen, r), append(w.bodies, string(body)), append(w.at, time.Now())
	a := w.answers[0]
	if len(w.answers) > 1 {
		w.answers = w.answers[1:]
	}
	if a.err != nil {
		return nil, a.err
	}
	h := http.Header{}
	for name, value := range a.header {
		h.Set(name, value)
	}
	content := a.broken
	if content == nil {
		content = strings.NewReader(a.body)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(content), ContentLength: -1}, nil
}

// client returns a client of a wire whose jitter is half of its bound.
func client(t testing.TB, w *wire) *fhir.Client {
	t.Helper()
	c, err := fhir.New(fhir.Config{Endpoint: endpoint, Region: "us-east-1", Transport: w, Rand: func() float64 { return 0.5 },
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKID", "secret", "session"))})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const patient = `{ "resourceType":"Patient","id":"p1", "meta":{"versionId":"3"},"_birthDate":{"extension":[{"valueDecimal":1.00}]},"x<&>":"\u00e9 é"}`

func outcome(severity, code, diagnostics string) string {
	return fmt.Sprintf(`{"resourceType":"OperationOutcome","issue":[{"severity":%q,"code":%q,"diagnostics":%q}]}`, severity, code, diagnostics)
}

func TestAResourceComesByteForByte(t *testing.T) {
	w := &wire{answers: []answer{{status: 200, header: map[string]string{"ETag": `W/"3"`}, body: patient}}}
	got, err := client(t, w).Read(t.Context(), "Patient", "p1")
	if err != nil || string(got.JSON) != patient || got.Version != "3" {
		t.Fatalf("%+v %v", got, err)
	}
	r := w.seen[0]
	if r.URL.String() != endpoint+"Patient/p1" || r.Method != "GET" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	if auth := r.Header.Get("Authorization"); !strings.Contains(auth, "/us-east-1/healthlake/aws4_request") || r.Header.Get("X-Amz-Security-Token") != "session" {
		t.Errorf("signed as %v", r.Header)
	}
}

func TestNamesThatWouldBeOtherAddressesAreRefused(t *testing.T) {
	c := client(t, &wire{})
	for _, name := range [][2]string{{"Patient", ".."}, {"Patient", "a/b"}, {"../x", "a"}, {"Patient", ""}, {"", "a"}, {"Patient", "a?b"}} {
		if _, err := c.Read(t.Context(), name[0], name[1]); err == nil {
			t.Errorf("%q was asked for", name)
		}
	}
	if _, err := c.VersionRead(t.Context(), "Patient", "p", "1/2"); err == nil {
		t.Error("a version with a slash was asked for")
	}
}

// Throttling, failures of the server and of the network are tried again, each time after a longer wait.
func TestWhatMayPassIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answers: []answer{{status: 429, body: outcome("error", "throttled", "slow")}, {status: 500}, {status: 503, body: "<html>"}, {err: errors.New("reset")},
			{status: 200, broken: io.MultiReader(strings.NewReader(patient[:20]), failing{})}, {status: 200, body: patient}}}
		begin := time.Now()
		got, err := client(t, w).Read(t.Context(), "Patient", "p1")
		if err != nil || string(got.JSON) != patient {
			t.Fatalf("%+v %v", got, err)
		}
		var waits []string
		for _, at := range w.at {
			waits = append(waits, at.Sub(begin).String())
			begin = at
		}
		if got := strings.Join(waits, " "); got != "0s 100ms 200ms 400ms 800ms 1.6s" {
			t.Error(got)
		}
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("reset") }

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, form := range []string{"7", http.TimeFormat} {
			header := time.Now().UTC().Add(7 * time.Second).Format(form)
			w := &wire{answers: []answer{{status: 429, header: map[string]string{"Retry-After": header}}, {status: 200, body: patient}}}
			begin := time.Now()
			if _, err := client(t, w).Read(t.Context(), "Patient", "p1"); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(begin); got != 7*time.Second {
				t.Errorf("%s: waited %v", header, got)
			}
		}
	})
}

// Attempts end after their number, before the deadline, and with the context.
func TestAttemptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := answer{status: 429, body: outcome("error", "throttled", "Rate exceeded")}
		w := &wire{answers: []answer{busy}}
		_, err := client(t, w).Read(t.Context(), "Patient", "p1")
		var refused *fhir.Error
		if !errors.As(err, &refused) || refused.Attempts != fhir.DefaultMaxAttempts || len(w.seen) != fhir.DefaultMaxAttempts || fhir.Status(err) != 429 || refused.Code != "throttled" {
			t.Errorf("%v after %d", err, len(w.seen))
		}

		w = &wire{answers: []answer{busy}}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err = client(t, w).Read(ctx, "Patient", "p1"); fhir.Status(err) != 429 || time.Since(begin) >= time.Second || len(w.seen) != 4 {
			t.Errorf("%v after %v and %d attempts", err, time.Since(begin), len(w.seen))
		}

		w = &wire{answers: []answer{{status: 503, header: map[string]string{"Retry-After": "3600"}}}}
		if _, err = client(t, w).Read(t.Context(), "Patient", "p1"); !errors.As(err, &refused) || refused.RetryAfter != time.Hour || len(w.seen) != 1 {
			t.Errorf("%v after %d", err, len(w.seen))
		}
	})
}

// What cannot pass is not tried again.
func TestRefusalsAreErrors(t *testing.T) {
	for status, body := range map[int]string{400: outcome("error", "value", "Ada is no date"), 403: outcome("error", "forbidden", "not authorized to perform: healthlake:ReadResource"), 404: "", 410: outcome("error", "deleted", "x"),
		412: outcome("error", "conflict", ""), 501: "", 302: ""} {
		w := &wire{answers: []answer{{status: status, body: body, header: map[string]string{"Location": "https://elsewhere.example/"}}}}
		_, err := client(t, w).Search(t.Context(), "Patient", nil, func(fhir.Entry) error { return nil })
		if fhir.Status(err) != status || len(w.seen) != 1 {
			t.Errorf("%d: %v after %d", status, err, len(w.seen))
		}
		if shown := strings.Contains(fmt.Sprint(err), "healthlake:ReadResource"); strings.Contains(fmt.Sprint(err), "Ada") || shown != (status == 403) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// Nothing that is not a bundle means "no results".
func TestOnlyABundleIsNoResults(t *testing.T) {
	search := func(t *testing.T, a answer) (fhir.Page, error) {
		return client(t, &wire{answers: []answer{a}}).Search(t.Context(), "Patient", nil, func(fhir.Entry) error { return nil })
	}
	if page, err := search(t, answer{status: 200, body: `{"resourceType":"Bundle","type":"searchset","total":0}`}); err != nil || page.Total == nil || *page.Total != 0 || page.Entries != 0 {
		t.Errorf("%+v %v", page, err)
	}
	for _, body := range []string{``, `null`, `[]`, `{}`, `{"resourceType":"Patient"}`, outcome("error", "exception", "x"), `{"resourceType":"OperationOutcome","issue":[]}`, outcome("warning", "informational", "x"),
		`{"resourceType":"Bundle","type":"history"}`, `{"resourceType":"Bundle","type":"searchset","entry":{}}`, `{"resourceType":"Bundle","type":"searchset"} {}`,
		`{"resourceType":"Bundle","type":"searchset","entry":[{"search":{"mode":"outcome"},"resource":` + outcome("error", "throttled", "x") + `}]}`} {
		synctest.Test(t, func(t *testing.T) {
			if page, err := search(t, answer{status: 200, body: body}); err == nil {
				t.Errorf("%s: %+v", body, page)
			}
		})
	}
	if _, err := search(t, answer{status: 200, body: outcome("error", "throttled", "x")}); fhir.Status(err) != 200 {
		t.Error(err)
	}
}

func TestBundlesAreReadEntryByEntry(t *testing.T) {
	w := &wire{answers: []answer{{status: 200, body: `{"resourceType":"Bundle","entry":[{"resource":` + patient + `,"fullUrl":"f","search":{"mode":"match"}},` +
		`{"search":{"mode":"outcome"},"resource":` + outcome("warning", "x", "y") + `},{"request":{"method":"DELETE","url":"Patient/p1"},"response":{"status":"204","location":"Patient/p1/_history/4","etag":"W/\"4\"","lastModified":"2026-01-01T00:00:00Z"}}],` +
		`"meta":{"x":[1,{}]},"type":"searchset","link":[{"relation":"self","url":"s"},{"relation":"next","url":"n"}],"total":17}`}}}
	var got []fhir.Entry
	page, err := client(t, w).Search(t.Context(), "Patient", url.Values{"name": {"Ada L"}}, func(e fhir.Entry) error { got = append(got, e); return nil })
	if err != nil || page.Entries != 2 || page.Next != "n" || *page.Total != 17 {
		t.Fatalf("%+v %v", page, err)
	}
	if string(got[0].Resource) != patient || got[0].Mode != "match" || got[0].FullURL != "f" || got[1].Method != "DELETE" || got[1].Location != "Patient/p1/_history/4" || got[1].LastModified == "" || got[1].ETag != `W/"4"` {
		t.Errorf("%+v", got)
	}
	if w.seen[0].URL.RawQuery != "" || w.bodies[0] != "name=Ada+L" || w.seen[0].URL.Path != "/datastore/0123456789abcdef0123456789abcdef/r4/Patient/_search" {
		t.Errorf("%s with %q", w.seen[0].URL, w.bodies[0])
	}

	// An answer that breaks off is asked for again as long as nothing of it was handed on.
	stop := errors.New("enough")
	if _, err := client(t, w).Search(t.Context(), "Patient", nil, func(fhir.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	half := w.answers[0].body[:len(patient)+150]
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answers: []answer{{status: 200, body: `{"resourceType":"Bundle","entry":[{"resour`}, {status: 200, body: half}}}
		n := 0
		if _, err := client(t, w).Search(t.Context(), "Patient", nil, func(fhir.Entry) error { n++; return nil }); !errors.Is(err, fhir.ErrInterrupted) || n != 1 || len(w.seen) != 2 {
			t.Errorf("%v after %d entries, %d requests", err, n, len(w.seen))
		}
	})
}

// A next link is signed with our credentials: it is followed in the data store only.
func TestNextLinks(t *testing.T) {
	empty := answer{status: 200, body: `{"resourceType":"Bundle","type":"searchset"}`}
	nothing := func(fhir.Entry) error { return nil }
	for link, want := range map[string]string{
		endpoint + "Patient?_lastUpdated=ge2026-01-01T00:00:00Z&page=ab+c/d==": endpoint + "Patient?_lastUpdated=ge2026-01-01T00%3A00%3A00Z&page=ab%2Bc%2Fd%3D%3D",
		endpoint + "Patient?page=abc%3D%3D&_sort=_lastUpdated":                 endpoint + "Patient?_sort=_lastUpdated&page=abc%3D%3D",
		strings.Replace(endpoint, ".com/", ".com:443/", 1) + "Patient?page=a":  strings.Replace(endpoint, ".com/", ".com:443/", 1) + "Patient?page=a",
		"Patient?page=a==": endpoint + "Patient?page=a%3D%3D",
		strings.Replace(endpoint, "healthlake.us", "HEALTHLAKE.us", 1) + "Patient?name=a+b": strings.Replace(endpoint, "healthlake.us", "HEALTHLAKE.us", 1) + "Patient?name=a%20b",
	} {
		w := &wire{answers: []answer{empty}}
		if _, err := client(t, w).Follow(t.Context(), link, nothing); err != nil {
			t.Errorf("%s: %v", link, err)
		} else if got := w.seen[0].URL.String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", link, got, want)
		}
	}
	for _, link := range []string{
		"http" + strings.TrimPrefix(endpoint, "https") + "Patient", "https://evil.example/datastore/0123456789abcdef0123456789abcdef/r4/Patient?page=x",
		strings.Replace(endpoint, "0123", "4567", 1) + "Patient", endpoint + "../../4567/r4/Patient", endpoint + "..%2f..%2f4567/r4/Patient", strings.Replace(endpoint, "://", "://user@", 1) + "Patient",
		strings.Replace(endpoint, ".com/", ".com.evil.example/", 1) + "Patient", "//evil.example/x", "https://healthlake.us-east-1.amazonaws.com:8443/datastore/0123456789abcdef0123456789abcdef/r4/Patient", "%zz",
	} {
		w := &wire{answers: []answer{empty}}
		if _, err := client(t, w).Follow(t.Context(), link, nothing); err == nil || len(w.seen) > 0 || strings.Contains(err.Error(), "4567") {
			t.Errorf("%s: %v, %d requests", link, err, len(w.seen))
		}
	}
}

// A creation whose answer was lost is found again by its key, and not made twice.
func TestCreateMakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answers: []answer{{err: errors.New("reset")}, {status: 409, body: outcome("error", "duplicate", "x"), header: map[string]string{"Location": endpoint + "Patient/p1"}}, {status: 200, body: patient, header: map[string]string{"ETag": `W/"1"`}}}}
		got, err := client(t, w).Create(t.Context(), "Patient", []byte(`{"resourceType":"Patient"}`))
		if err != nil || string(got.JSON) != patient || !got.Created {
			t.Fatalf("%+v %v", got, err)
		}
		if key := w.seen[0].Header.Get("X-Amz-Fhir-Idempotency-Key"); len(key) != 36 || key != w.seen[1].Header.Get("X-Amz-Fhir-Idempotency-Key") {
			t.Error(key)
		}
	})
}

// A bundle and a patch do not come to the same when they are made twice.
func TestFragileRequestsAreNotRepeatedBlindly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, a := range []answer{{err: errors.New("reset")}, {status: 500}} {
			w := &wire{answers: []answer{a}}
			if err := client(t, w).Process(t.Context(), []byte(`{}`), nil); err == nil || len(w.seen) != 1 {
				t.Errorf("%v after %d", err, len(w.seen))
			}
			if _, err := client(t, w).Patch(t.Context(), "Patient", "p", []byte(`[]`), fhir.Condition{}); err == nil || len(w.seen) != 2 {
				t.Errorf("%v after %d", err, len(w.seen))
			}
		}
		w := &wire{answers: []answer{{status: 429}, {status: 503}, {status: 200, body: `{"resourceType":"Bundle","type":"transaction-response"}`}}}
		if err := client(t, w).Process(t.Context(), []byte(`{}`), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestNetworkErrorsHideTheAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := client(t, &wire{answers: []answer{{err: errors.New("reset")}}}).Read(t.Context(), "Patient", "secret-id")
		if err == nil || strings.Contains(err.Error(), "secret-id") || !strings.Contains(err.Error(), "reset") {
			t.Error(err)
		}
	})
}
