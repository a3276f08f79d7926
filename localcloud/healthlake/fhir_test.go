package healthlake_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
)

// A resource from its creation to its deletion and back: statuses, ETags, versions, and every byte of its text.
func TestLifeOfAResource(t *testing.T) {
	w := newWorld(t, "")
	a := w.want(201, "POST", "Patient", `{ "resourceType" : "Patient", "active":true , "multipleBirthInteger": 1.0e0, "name":[{"family":"O'Neil \u00e9"}]}`)
	if a.header.Get("ETag") != `W/"1"` || a.header.Get("Location") != "" {
		t.Errorf("headers %v", a.header)
	}
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil {
		t.Fatal(err)
	}
	want := `{ "resourceType" : "Patient","id":"` + made.ID + `","meta":{"versionId":"1","lastUpdated":"2026-03-01T12:00:01.123456789Z"}, "active":true , "multipleBirthInteger": 1.0e0, "name":[{"family":"O'Neil \u00e9"}]}`
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	if got := w.want(200, "GET", "Patient/"+made.ID, ""); got.body != want {
		t.Errorf("read: %s", got.body)
	}

	// PUT creates, updates, and keeps the rest of meta.
	w.want(201, "PUT", "Patient/p1", `{"resourceType":"Patient","meta":{"versionId":"77","tag":[{"code":"x"}]},"id":"p1"}`)
	a = w.want(200, "PUT", "Patient/p1", `{"resourceType":"Patient","meta":{"tag":[]},"id":"p1","active":false}`)
	if want := `{"resourceType":"Patient","meta":{"versionId":"2","lastUpdated":"2026-03-01T12:00:01.123456791Z","tag":[]},"id":"p1","active":false}`; a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	if a := w.want(400, "PUT", "Patient/p1", `{"resourceType":"Patient","id":"p2"}`); a.issue(t) != "invalid" {
		t.Error(a.body)
	}
	if a := w.want(412, "PUT", "Patient/p1", `{"resourceType":"Patient","id":"p1"}`, "If-Match", `W/"1"`); a.issue(t) != "conflict" {
		t.Error(a.body)
	}
	w.want(200, "PUT", "Patient/p1", `{"resourceType":"Patient","id":"p1"}`, "If-Match", `W/"2"`)
	w.want(412, "PUT", "Patient/p1", `{"resourceType":"Patient","id":"p1"}`, "If-None-Match", "*")

	// A deletion is a version; the id can be used again and counts on.
	w.want(204, "DELETE", "Patient/p1", "")
	w.want(204, "DELETE", "Patient/p1", "")
	if a := w.want(410, "GET", "Patient/p1", ""); a.issue(t) != "deleted" {
		t.Error(a.body)
	}
	w.want(410, "GET", "Patient/p1/_history/4", "")
	w.want(412, "PUT", "Patient/p1", `{"resourceType":"Patient","id":"p1"}`, "If-None-Match", "*")
	if a := w.want(201, "PUT", "Patient/p1", `{"resourceType":"Patient","id":"p1"}`); a.header.Get("ETag") != `W/"5"` {
		t.Error(a.header)
	}
	if a := w.want(200, "GET", "Patient/p1/_history/2", ""); !strings.Contains(a.body, `"active":false`) {
		t.Error(a.body)
	}
	w.want(404, "GET", "Patient/p1/_history/6", "")
	if a := w.want(404, "GET", "Patient/nobody", ""); a.issue(t) != "not-found" {
		t.Error(a.body)
	}
	w.want(404, "DELETE", "Patient/nobody", "")
}

func TestWhatIsNoResourceIsRefused(t *testing.T) {
	w := newWorld(t, "")
	for _, body := range []string{``, `[]`, `{"resourceType":"Patient"`, `{"resourceType":"Observation"}`, `{"active":true}`, `{"resourceType":"Patient","id":"a","id":"b"}`,
		`{"resourceType":"Patient","meta":1}`, `{"resourceType":"Patient","id":1}`, `{"resourceType":"Patient"} {}`} {
		if a := w.want(400, "POST", "Patient", body); a.issue(t) == "" {
			t.Error(a.body)
		}
	}
	w.want(404, "POST", "Paciente", `{"resourceType":"Paciente"}`)
	w.want(400, "GET", "Patient/under_score", "")
	w.want(400, "GET", "Patient/"+strings.Repeat("x", 65), "")
	if a := w.want(413, "POST", "Patient", `{"resourceType":"Patient","x":"`+strings.Repeat("x", 5<<20)+`"}`); a.issue(t) != "too-long" {
		t.Error(a.body)
	}
	for _, path := range []string{"Patient/$everything", "Patient/_history?_at=2026", "Patient?name=x", "Patient?_summary=true", "?_type=Patient"} {
		if a := w.want(501, "GET", path, ""); a.issue(t) != "not-supported" {
			t.Error(a.body)
		}
	}
}

// The key of a request that has created a resource creates no second one.
func TestIdempotencyKeys(t *testing.T) {
	w := newWorld(t, "")
	const key = "5d6ddc22-1f3c-4a7a-9f9e-8a8a6f2f5a11"
	first := w.want(201, "POST", "Patient", `{"resourceType":"Patient"}`, "x-amz-fhir-idempotency-key", key)
	again := w.want(409, "POST", "Patient", `{"resourceType":"Patient"}`, "x-amz-fhir-idempotency-key", key)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(first.body), &made); err != nil {
		t.Fatal(err)
	}
	if again.issue(t) != "duplicate" || !strings.HasSuffix(again.header.Get("Location"), "/r4/Patient/"+made.ID) {
		t.Errorf("%v %s", again.header, again.body)
	}
	w.want(400, "POST", "Patient", `{"resourceType":"Patient"}`, "x-amz-fhir-idempotency-key", "mine")
}

func TestPatch(t *testing.T) {
	w := newWorld(t, "")
	w.put("p", `, "name":[{"family":"A"},{"family":"B"}], "active" : true,"a/b":{"c~d":1.50}`)
	for _, c := range []struct{ patch, want string }{
		{`[{"op":"replace","path":"/active","value":false}]`, `, "name":[{"family":"A"},{"family":"B"}], "active" : true,"a/b":{"c~d":1.50}`},
		{`[{"op":"add","path":"/name/1","value":{"family":"N"}},{"op":"remove","path":"/name/0"}]`, ``},
		{`[{"op":"test","path":"/a~1b","value":{"c~d":1.5}},{"op":"move","from":"/a~1b/c~0d","path":"/birthDate"}]`, ``},
		{`[{"op":"copy","from":"/name","path":"/alias"},{"op":"add","path":"/alias/-","value":null}]`, ``},
	} {
		w.want(200, "PATCH", "Patient/p", c.patch)
	}
	a := w.want(200, "GET", "Patient/p", "")
	want := `{"resourceType":"Patient","id":"p","meta":{"versionId":"5","lastUpdated":"2026-03-01T12:00:01.123456793Z"},"name":[{"family":"N"},{"family":"B"}],"active":false,"a/b":{},"birthDate":1.50,"alias":[{"family":"N"},{"family":"B"},null]}`
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	for patch, status := range map[string]int{
		`{}`: 400, `[]`: 400, `[{"op":"spoil","path":"/a"}]`: 400, `[{"op":"add","path":"/a"}]`: 400, `[{"op":"remove","path":""}]`: 400,
		`[{"op":"remove","path":"/nothing"}]`: 422, `[{"op":"replace","path":"/nothing","value":1}]`: 422, `[{"op":"add","path":"/name/7","value":1}]`: 422,
		`[{"op":"test","path":"/active","value":true}]`: 422, `[{"op":"add","path":"/active/x","value":1}]`: 422, `[{"op":"move","from":"/name","path":"/name/0"}]`: 400,
		`[{"op":"replace","path":"/id","value":"q"}]`: 400, `[{"op":"replace","path":"/resourceType","value":"Person"}]`: 400,
	} {
		if a := w.want(status, "PATCH", "Patient/p", patch); a.issue(t) == "" {
			t.Error(a.body)
		}
	}
	w.want(412, "PATCH", "Patient/p", `[{"op":"remove","path":"/active"}]`, "If-Match", `W/"4"`)
	w.want(415, "PATCH", "Patient/p", `{}`, "Content-Type", "application/fhir+json")
	w.want(404, "PATCH", "Patient/nobody", `[{"op":"remove","path":"/active"}]`)
}

// History is newest first, has deletions, and shows the metadata of the latest version, as AWS's does.
func TestHistory(t *testing.T) {
	w := newWorld(t, "")
	w.put("p", `,"active":true`)
	w.clock.Advance(time.Second)
	w.want(204, "DELETE", "Patient/p", "")
	w.clock.Advance(time.Second)
	w.put("p", `,"active":false`)
	b := w.want(200, "GET", "Patient/p/_history", "").bundle(t)
	var got []string
	for _, e := range b.Entry {
		got = append(got, fmt.Sprint(e.Request.Method, " ", e.Response.Location, " ", e.Response.Status, " ", strings.Contains(string(e.Resource), `"versionId":"3"`)))
	}
	if want := "PUT Patient/p/_history/3 201 true|DELETE Patient/p/_history/2 204 false|PUT Patient/p/_history/1 201 true"; strings.Join(got, "|") != want || b.Type != "history" {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	if !strings.Contains(string(b.Entry[2].Resource), `"active":true`) {
		t.Errorf("the first version is %s", b.Entry[2].Resource)
	}
	page := w.want(200, "GET", "Patient/p/_history?_count=2", "").bundle(t)
	rest := w.want(200, "GET", page.next(), "").bundle(t)
	if len(page.Entry) != 2 || len(rest.Entry) != 1 || rest.next() != "" || rest.Entry[0].Response.Location != "Patient/p/_history/1" {
		t.Errorf("%+v %+v", page, rest)
	}
	if b := w.want(200, "GET", "Patient/p/_history?_since=2026-03-01T12:00:02Z", "").bundle(t); len(b.Entry) != 2 {
		t.Errorf("_since: %+v", b)
	}
	if b := w.want(200, "GET", "Patient/p/_history?_at=2026-03-01T12:00:01.5Z", "").bundle(t); len(b.Entry) != 1 || b.Entry[0].Response.Location != "Patient/p/_history/1" {
		t.Errorf("_at: %+v", b)
	}
	w.s.SetLag(healthlake.Lag{History: time.Minute, VersionRead: 2 * time.Minute})
	if b := w.want(200, "GET", "Patient/p/_history", "").bundle(t); len(b.Entry) != 0 {
		t.Errorf("with a lag: %+v", b)
	}
	w.want(404, "GET", "Patient/p/_history/1", "")
	w.clock.Advance(2 * time.Minute)
	w.want(200, "GET", "Patient/p/_history/1", "")
}

// While the index update of a write is pending, search finds no version of the resource at all.
func TestSearchHidesPendingResources(t *testing.T) {
	w := newWorld(t, "")
	lag := 20 * time.Second
	w.s.SetLag(healthlake.Lag{Index: func() time.Duration { return lag }})
	w.put("p", "")
	if got := w.want(200, "GET", "Patient", "").bundle(t).ids(); got != "" {
		t.Errorf("found %q at once", got)
	}
	w.want(200, "GET", "Patient/p", "")
	w.clock.Advance(lag)
	if got := w.want(200, "GET", "Patient", "").bundle(t).ids(); got != "p" {
		t.Errorf("found %q after the lag", got)
	}
	w.put("p", "")
	if got := w.want(200, "GET", "Patient?_total=accurate", "").bundle(t); got.ids() != "" || *got.Total != 0 {
		t.Errorf("found %+v while the update is pending", got)
	}
	w.clock.Advance(lag)
	w.want(204, "DELETE", "Patient/p", "")
	w.clock.Advance(lag)
	if got := w.want(200, "GET", "Patient", "").bundle(t).ids(); got != "" {
		t.Errorf("found %q after its deletion", got)
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t, "")
	for i := range 5 { // at 12:00:01.123456789, :02.123…, …
		w.put(fmt.Sprint("p", i), fmt.Sprintf(`,  "multipleBirthInteger":%d`, i))
		w.clock.Advance(time.Second)
	}
	for query, want := range map[string]string{
		"":                                  "p4 p3 p2 p1 p0",
		"_sort=_lastUpdated":                "p0 p1 p2 p3 p4",
		"_sort=-_lastUpdated":               "p4 p3 p2 p1 p0",
		"_sort=_id":                         "p0 p1 p2 p3 p4",
		"_sort=-_id":                        "p4 p3 p2 p1 p0",
		"_id=p3,p1,nobody":                  "p3 p1",
		"_id=p3,p1&_id=p1,p2":               "p1",
		"_id=p9":                            "",
		"_lastUpdated=2026":                 "p4 p3 p2 p1 p0",
		"_lastUpdated=2025":                 "",
		"_lastUpdated=ne2026":               "",
		"_lastUpdated=gt2026":               "",
		"_lastUpdated=ge2026":               "p4 p3 p2 p1 p0",
		"_lastUpdated=2026-03":              "p4 p3 p2 p1 p0",
		"_lastUpdated=lt2026-3":             "!",
		"_lastUpdated=2026-03-01T12:00:02Z": "p1",
		"_lastUpdated=eq2026-03-01T12:00:02.123456789Z":                           "p1",
		"_lastUpdated=2026-03-01T12:00:02.12345678Z":                              "p1",
		"_lastUpdated=2026-03-01T12:00:02.1Z":                                     "p1",
		"_lastUpdated=2026-03-01T12:00:02.0Z":                                     "",
		"_lastUpdated=ne2026-03-01T12:00:02Z&_sort=_id":                           "p0 p2 p3 p4",
		"_lastUpdated=gt2026-03-01T12:00:02Z&_sort=_id":                           "p2 p3 p4",
		"_lastUpdated=sa2026-03-01T12:00:02Z&_sort=_id":                           "p2 p3 p4",
		"_lastUpdated=ge2026-03-01T12:00:02Z&_sort=_id":                           "p1 p2 p3 p4",
		"_lastUpdated=gt2026-03-01T12:00:02.123456789Z&_sort=_id":                 "p2 p3 p4",
		"_lastUpdated=ge2026-03-01T12:00:02.123456790Z&_sort=_id":                 "p2 p3 p4",
		"_lastUpdated=lt2026-03-01T12:00:02Z":                                     "p0",
		"_lastUpdated=eb2026-03-01T12:00:02Z":                                     "p0",
		"_lastUpdated=le2026-03-01T12:00:02Z":                                     "p1 p0",
		"_lastUpdated=ge2026-03-01T13:00:02%2B01:00&_sort=_lastUpdated":           "p1 p2 p3 p4",
		"_lastUpdated=ge2026-03-01T12:00:02Z&_lastUpdated=lt2026-03-01T12:00:04Z": "p2 p1",
		"_lastUpdated=2026-03-01T12:00:02Z,2026-03-01T12:00:04Z":                  "p3 p1",
		"_lastUpdated=ap2026":                                                     "!",
		"_lastUpdated=ge":                                                         "!",
		"_count=0":                                                                "!",
		"_count=101":                                                              "!",
		"_count=1&_count=2":                                                       "!",
		"_total=estimate":                                                         "!",
		"page=AAAA":                                                               "!",
		"_sort=a,b,c,d,e,f":                                                       "!",
	} {
		for _, a := range []answer{w.call("GET", "Patient?"+query, ""), w.call("POST", "Patient/_search", query)} {
			if want == "!" {
				if a.status != 400 {
					t.Errorf("%s: %d %s", query, a.status, a.body)
				}
				continue
			}
			if a.status != 200 || a.bundle(t).ids() != want {
				t.Errorf("%s: %d %q, want %q", query, a.status, a.body, want)
			}
		}
	}
	b := w.want(200, "GET", "Patient?_id=p1", "")
	if read := w.want(200, "GET", "Patient/p1", ""); !strings.Contains(b.body, `"resource":`+read.body+`,`) {
		t.Errorf("the resource in %s is not %s byte for byte", b.body, read.body)
	}
}

// Pages follow each other whatever the order; a token belongs to its search, and its == is not escaped.
func TestPages(t *testing.T) {
	w := newWorld(t, "")
	for i := range 25 {
		w.put(fmt.Sprintf("p%02d", i), "")
	}
	for _, sort := range []string{"_lastUpdated", "-_lastUpdated", "_id", "-_id", "_id&_id=p01,p02,p03,p04,p05,p06"} {
		var all []string
		next := "Patient?_count=4&_sort=" + sort
		for next != "" {
			b := w.want(200, "GET", next, "").bundle(t)
			all = append(all, strings.Fields(b.ids())...)
			if next = b.next(); next != "" {
				if !strings.HasSuffix(next, "==") {
					t.Errorf("the next page is %s", next)
				}
				u, err := url.Parse(next)
				if err != nil {
					t.Fatal(err)
				}
				next = "Patient?" + u.Query().Encode()
			}
		}
		whole := w.want(200, "GET", "Patient?_sort="+sort, "").bundle(t).ids()
		if got := strings.Join(all, " "); got != whole {
			t.Errorf("%s: pages %s, one page %s", sort, got, whole)
		}
	}
	next := w.want(200, "GET", "Patient?_count=4", "").bundle(t).next()
	w.want(400, "GET", strings.Replace(next, "?", "?_sort=_id&", 1), "")
	w.want(400, "GET", strings.Replace(next, "/Patient?", "/Person?", 1), "")
	// A resource that is updated between two pages of an ascending search comes again, at the end.
	b := w.want(200, "GET", "Patient?_count=20&_sort=_lastUpdated", "").bundle(t)
	w.put("p00", "")
	if got := w.want(200, "GET", b.next(), "").bundle(t).ids(); got != "p20 p21 p22 p23 p24 p00" {
		t.Errorf("the second page is %s", got)
	}
}

func TestConditionalInteractions(t *testing.T) {
	w := newWorld(t, "")
	w.want(201, "PUT", "Patient?_id=p1", `{"resourceType":"Patient","id":"p1"}`)
	if a := w.want(200, "PUT", "Patient?_id=p1", `{"resourceType":"Patient"}`); !strings.Contains(a.body, `"versionId":"2"`) {
		t.Error(a.body)
	}
	w.put("p2", "")
	w.want(412, "PUT", "Patient?_lastUpdated=ge2020", `{"resourceType":"Patient"}`)
	w.want(400, "PUT", "Patient?_id=p1", `{"resourceType":"Patient","id":"p2"}`)
	w.want(400, "PUT", "Patient", `{"resourceType":"Patient"}`)
	w.want(404, "DELETE", "Patient?_id=nobody", "")
	w.want(412, "DELETE", "Patient?_lastUpdated=ge2020", "")
	w.want(204, "DELETE", "Patient?_lastUpdated=ge2020&_count=10", "")
	w.want(410, "GET", "Patient/p1", "")
	w.want(410, "GET", "Patient/p2", "")
}

func TestBundles(t *testing.T) {
	w := newWorld(t, "")
	w.put("old", "")
	batch := w.want(200, "POST", "", `{"resourceType":"Bundle","type":"batch","entry":[
		{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},
		{"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b"}},
		{"resource":{"resourceType":"Patient","id":"x"},"request":{"method":"PUT","url":"Patient/c"}},
		{"request":{"method":"DELETE","url":"Patient/old"}},
		{"request":{"method":"GET","url":"Patient/b"}}]}`).bundle(t)
	var got []string
	for _, e := range batch.Entry {
		got = append(got, e.Response.Status)
	}
	if strings.Join(got, " ") != "201 201 400 204 200" || batch.Type != "batch-response" || !strings.Contains(string(batch.Entry[2].Response.Outcome), "OperationOutcome") {
		t.Errorf("%+v", batch)
	}
	if batch.Entry[1].Response.Location != "Patient/b/_history/1" || batch.Entry[1].Response.ETag != `W/"1"` {
		t.Errorf("%+v", batch.Entry[1])
	}

	const urn = "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9"
	made := w.want(200, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Observation","subject":{"reference":"`+urn+`"}},"request":{"method":"POST","url":"Observation"}},
		{"fullUrl":"`+urn+`","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`).bundle(t)
	patient := strings.TrimSuffix(made.Entry[1].Response.Location, "/_history/1")
	observation := strings.TrimSuffix(made.Entry[0].Response.Location, "/_history/1")
	if a := w.want(200, "GET", observation, ""); !strings.Contains(a.body, `"subject":{"reference":"`+patient+`"}`) {
		t.Error(a.body)
	}
	// All or nothing.
	w.want(404, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","id":"n"},"request":{"method":"PUT","url":"Patient/n"}},
		{"request":{"method":"DELETE","url":"Patient/nobody"}}]}`)
	w.want(404, "GET", "Patient/n", "")
	w.want(412, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","id":"n"},"request":{"method":"PUT","url":"Patient/n"}},
		{"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"PUT","url":"Patient/b","ifMatch":"W/\"9\""}}]}`)
	w.want(404, "GET", "Patient/n", "")
	twice := `{"resource":{"resourceType":"Patient","id":"n"},"request":{"method":"PUT","url":"Patient/n"}}`
	w.want(400, "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[`+twice+`,`+twice+`]}`)
	many := func(kind string, n int) string {
		return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.TrimSuffix(strings.Repeat(`{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},`, n), ",") + `]}`
	}
	w.want(200, "POST", "", many("batch", 500))
	w.want(400, "POST", "", many("batch", 501))
	w.want(200, "POST", "", many("transaction", 100))
	w.want(400, "POST", "", many("transaction", 101))
	w.want(400, "POST", "", `{"resourceType":"Bundle","type":"history"}`)
}

// Errors from outside the service leave as OperationOutcomes too.
func TestErrorsOfAnyOrigin(t *testing.T) {
	w := newWorld(t, "")
	w.d.Faults.Inject(dispatch.Fault{Service: "healthlake", Action: "SearchWithGet", Times: 1, Err: &dispatch.Error{Code: "ThrottlingException", Message: "Rate exceeded"}})
	if a := w.want(429, "GET", "Patient", ""); a.issue(t) != "throttled" {
		t.Error(a.body)
	}
	w.d.Faults.Inject(dispatch.Fault{Service: "healthlake", Times: 1, Err: &dispatch.Error{Code: "InternalServerException", Status: 500}})
	if a := w.want(500, "GET", "Patient", ""); a.issue(t) != "exception" {
		t.Error(a.body)
	}
	if a := w.want(401, "GET", "Patient", "", "Authorization", ""); a.issue(t) != "login" {
		t.Error(a.body)
	}
	w.want(403, "GET", "Patient", "", "Authorization", "AWS4-HMAC-SHA256 Credential=test/20260301/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	w.id = "0123456789abcdef0123456789abcdef"
	w.want(404, "GET", "Patient", "")
}
