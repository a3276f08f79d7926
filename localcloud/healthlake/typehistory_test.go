package healthlake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
)

// versions returns what a history tells of, as method and location.
func (b *parsedBundle) versions() string {
	var all []string
	for _, e := range b.Entry {
		all = append(all, e.Request.Method+" "+strings.Replace(strings.TrimPrefix(e.Response.Location, "Patient/"), "/_history", "", 1))
	}
	return strings.Join(all, ", ")
}

// The history of a type has every version of every resource, newest first, deletions among them.
func TestTypeHistory(t *testing.T) {
	w := newWorld(t, "")
	w.put("a", "")
	w.put("b", "")
	w.clock.Advance(time.Minute)
	w.put("a", `,"active":true`)
	w.want(204, "DELETE", "Patient/b", "")
	w.want(201, "PUT", "Observation/o", `{"resourceType":"Observation","id":"o"}`)
	b := w.want(200, "GET", "Patient/_history", "").bundle(t)
	if got := b.versions(); got != "DELETE b/2, PUT a/2, PUT b/1, PUT a/1" || b.Type != "history" {
		t.Errorf("%s %s", b.Type, got)
	}
	if b.Entry[0].Resource != nil || b.Entry[0].Response.Status != "204" || !strings.Contains(string(b.Entry[3].Resource), `"versionId":"2"`) {
		t.Errorf("%+v", b)
	}
	if got := w.want(200, "GET", "Patient/_history?_since=2026-03-01T12:00:30Z", "").bundle(t).versions(); got != "DELETE b/2, PUT a/2" {
		t.Error(got)
	}
	if got := w.want(200, "GET", "Encounter/_history", "").bundle(t).versions(); got != "" {
		t.Error(got)
	}

	// What is new while the pages are read comes before what was read.
	page := w.want(200, "GET", "Patient/_history?_count=3", "").bundle(t)
	w.put("c", "")
	next := w.want(200, "GET", page.next(), "").bundle(t)
	if !strings.HasSuffix(page.next(), "==") || next.versions() != "PUT a/1" || next.next() != "" {
		t.Errorf("%s, then %s", page.next(), next.versions())
	}
	w.want(400, "GET", strings.Replace(page.next(), "_count=3", "_since=2026", 1), "")
	w.want(400, "GET", "Patient/_history?_count=101", "")
	w.want(405, "POST", "Patient/_history", "{}")
}

func TestTypeHistoryLagsAndMayBeRefused(t *testing.T) {
	w := newWorld(t, "")
	w.s.SetLag(healthlake.Lag{History: 5 * time.Minute})
	w.put("a", "")
	if got := w.want(200, "GET", "Patient/_history", "").bundle(t).versions(); got != "" {
		t.Error(got)
	}
	w.clock.Advance(5 * time.Minute)
	if got := w.want(200, "GET", "Patient/_history", "").bundle(t).versions(); got != "PUT a/1" {
		t.Error(got)
	}
	w.s.SetTypeHistory(false)
	if a := w.want(403, "GET", "Patient/_history", ""); a.issue(t) != "forbidden" {
		t.Error(a.body)
	}
	if a := w.want(200, "GET", "metadata", ""); strings.Contains(a.body, "history-type") {
		t.Error("the capabilities promise the history of types")
	}
}

// A restart finds the versions of all resources in the order of time.
func TestTypeHistorySurvives(t *testing.T) {
	path := t.TempDir()
	w := newWorld(t, path)
	for _, id := range []string{"z", "a", "z", "m"} {
		w.put(id, "")
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(path)
	if got := w.want(200, "GET", "Patient/_history", "").bundle(t).versions(); got != "PUT m/1, PUT z/2, PUT a/1, PUT z/1" {
		t.Error(got)
	}
}

func TestTypeHistoryHasItsOwnPermission(t *testing.T) {
	w := newWorld(t, "")
	for _, action := range []string{"GetHistoryByResourceId", "GetHistoryByResourceType"} {
		p := w.role("reader-"+action, `{"Effect":"Allow","Action":"healthlake:`+action+`","Resource":"*"}`)
		_, err := w.d.Do(t.Context(), p, "healthlake", "GetHistoryByResourceType", &healthlake.TypeHistoryInput{Target: healthlake.Target{DatastoreID: w.id, ResourceType: "Patient"}})
		if allowed := err == nil; allowed != (action == "GetHistoryByResourceType") || err != nil && dispatch.AsError(err).Code != "AccessDeniedException" {
			t.Errorf("with %s: %v", action, err)
		}
	}
}

// Elements that are asked for come byte for byte, with what is always there and a mark.
func TestElementsAndCounts(t *testing.T) {
	w := newWorld(t, "")
	w.put("a", `, "birthDate" : "1970-01-01","_birthDate":{"id":"x"},"multipleBirthInteger": 1.00 ,"name":[]`)
	w.want(200, "PUT", "Patient/a", `{"resourceType":"Patient","meta":{"tag":[{"code":"t"}]},"id":"a", "birthDate" : "1970-01-01","_birthDate":{"id":"x"},"multipleBirthInteger": 1.00 ,"name":[]}`)
	w.put("b", "")
	const mark = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`
	b := w.want(200, "GET", "Patient?_sort=_id&_elements=birthDate,multipleBirthInteger", "").bundle(t)
	want := `{"resourceType":"Patient","meta":{"versionId":"2","lastUpdated":"2026-03-01T12:00:01.12345679Z","tag":[` + mark + `,{"code":"t"}]},"id":"a","birthDate":"1970-01-01","_birthDate":{"id":"x"},"multipleBirthInteger":1.00}`
	if got := string(b.Entry[0].Resource); strings.Replace(got, "123456790Z", "12345679Z", 1) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(b.Entry[1].Resource); !strings.HasSuffix(got, `,"tag":[`+mark+`]}}`) || !strings.Contains(got, `"id":"b"`) {
		t.Error(got)
	}
	if got := w.want(200, "GET", "Patient?_id=b,a,nobody&_elements=id&_count=100&_sort=_id", "").bundle(t).ids(); got != "a b" {
		t.Error(got)
	}
	count := w.want(200, "GET", "Patient?_summary=count", "").bundle(t)
	if count.Total == nil || *count.Total != 2 || len(count.Entry) != 0 {
		t.Errorf("%+v", count)
	}
	w.want(400, "DELETE", "Patient?_id=a&_elements=id", "")
}
