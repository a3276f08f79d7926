package fhir_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/carepath/carepath/fhir"
)

// Each interaction is the request that HealthLake documents.
func TestInteractions(t *testing.T) {
	ctx := t.Context()
	criteria := url.Values{"_id": {"p1"}}
	nothing := func(fhir.Entry) error { return nil }
	body := []byte(`{"resourceType":"Patient","id":"p1"}`)
	for _, c := range []struct {
		name, want string
		answer     answer
		call       func(c *fhir.Client) error
	}{
		{"read a version", "GET Patient/p1/_history/2", answer{status: 200, body: patient}, func(c *fhir.Client) error {
			_, err := c.VersionRead(ctx, "Patient", "p1", "2")
			return err
		}},
		{"update", `PUT Patient/p1 If-Match=W/"3"`, answer{status: 200, body: patient}, func(c *fhir.Client) error {
			got, err := c.Update(ctx, "Patient", "p1", body, fhir.Condition{IfMatch: "3"})
			if got.Created {
				t.Error("an update has created")
			}
			return err
		}},
		{"create under an id", `PUT Patient/p1 If-None-Match=*`, answer{status: 201, body: patient}, func(c *fhir.Client) error {
			got, err := c.Update(ctx, "Patient", "p1", body, fhir.Condition{IfNew: true})
			if !got.Created {
				t.Error("a creation has not created")
			}
			return err
		}},
		{"conditional update", "PUT Patient?_id=p1", answer{status: 200, body: patient}, func(c *fhir.Client) error {
			_, err := c.UpdateWhere(ctx, "Patient", criteria, body)
			return err
		}},
		{"patch", `PATCH Patient/p1 If-Match=W/"3"`, answer{status: 200, body: patient}, func(c *fhir.Client) error {
			_, err := c.Patch(ctx, "Patient", "p1", []byte(`[]`), fhir.Condition{IfMatch: "3"})
			return err
		}},
		{"delete", "DELETE Patient/p1", answer{status: 204}, func(c *fhir.Client) error { return c.Delete(ctx, "Patient", "p1", fhir.Condition{}) }},
		{"delete with a remark", "DELETE Patient/p1", answer{status: 200, body: outcome("information", "informational", "done")}, func(c *fhir.Client) error {
			return c.Delete(ctx, "Patient", "p1", fhir.Condition{})
		}},
		{"capabilities", "GET metadata", answer{status: 200, body: `{"resourceType":"CapabilityStatement"}`}, func(c *fhir.Client) error { _, err := c.Capabilities(ctx); return err }},
		{"history", "GET Patient/p1/_history?_count=5", answer{status: 200, body: `{"resourceType":"Bundle","type":"history"}`}, func(c *fhir.Client) error {
			_, err := c.History(ctx, "Patient", "p1", url.Values{"_count": {"5"}}, nothing)
			return err
		}},
		{"history of a type", "GET Patient/_history?_since=2026", answer{status: 200, body: `{"resourceType":"Bundle","type":"history"}`}, func(c *fhir.Client) error {
			_, err := c.TypeHistory(ctx, "Patient", url.Values{"_since": {"2026"}}, nothing)
			return err
		}},
		{"bundle", "POST ", answer{status: 200, body: `{"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"400","outcome":{"resourceType":"OperationOutcome"}}}]}`}, func(c *fhir.Client) error {
			return c.Process(ctx, []byte(`{}`), func(e fhir.Entry) error {
				if e.Status != "400" || string(e.Outcome) != `{"resourceType":"OperationOutcome"}` {
					t.Errorf("%+v", e)
				}
				return nil
			})
		}},
	} {
		w := &wire{answers: []answer{c.answer}}
		if err := c.call(client(t, w)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r := w.seen[0]
		got := r.Method + " " + strings.TrimPrefix(r.URL.String(), endpoint)
		for _, name := range []string{"If-Match", "If-None-Match"} {
			if value := r.Header.Get(name); value != "" {
				got += " " + name + "=" + value
			}
		}
		if got != c.want || r.Header.Get("Authorization") == "" {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// An answer that is not what was asked for is an error, and so is an outcome that tells of one.
func TestAnswersOfAnotherKindAreErrors(t *testing.T) {
	for _, body := range []string{``, `{`, `[]`, `{"resourceType":"Observation"}`, outcome("warning", "x", "y"), outcome("error", "x", "y")} {
		if got, err := client(t, &wire{answers: []answer{{status: 200, body: body}}}).Read(t.Context(), "Patient", "p1"); err == nil {
			t.Errorf("%s: %+v", body, got)
		}
	}
	if err := client(t, &wire{answers: []answer{{status: 200, body: outcome("error", "conflict", "y")}}}).Delete(t.Context(), "Patient", "p1", fhir.Condition{}); fhir.Status(err) != 200 {
		t.Error(err)
	}
}

func TestAllFollowsTheLinks(t *testing.T) {
	page := func(id, next string) answer {
		link := ""
		if next != "" {
			link = `,"link":[{"relation":"next","url":"` + next + `"}]`
		}
		return answer{status: 200, body: `{"resourceType":"Bundle","type":"searchset"` + link + `,"entry":[{"resource":{"resourceType":"Patient","id":"` + id + `"}}]}`}
	}
	var got []string
	each := func(e fhir.Entry) error {
		head, err := fhir.ParseHead(e.Resource)
		got = append(got, head.ID)
		return err
	}
	w := &wire{answers: []answer{page("a", endpoint+"Patient?page=1=="), page("b", endpoint+"Patient?page=2=="), page("c", "")}}
	if err := client(t, w).All(t.Context(), "Patient", nil, each); err != nil || strings.Join(got, "") != "abc" {
		t.Errorf("%v %v", got, err)
	}
	for _, next := range []string{endpoint + "Patient?page=1==", "https://evil.example/"} {
		if err := client(t, &wire{answers: []answer{page("a", next)}}).All(t.Context(), "Patient", nil, each); err == nil {
			t.Errorf("%s was followed for ever", next)
		}
	}
}

func TestHeads(t *testing.T) {
	got, err := fhir.ParseHead([]byte(`{"ID":"no","Id":"no","resourceType":"Patient","META":{"versionId":"9"},"contained":[{"id":"no","meta":{"versionId":"8"}}],"id":"p","meta":{"VersionId":"7","versionId":"3","lastUpdated":"t","x":[1]}}`))
	if err != nil || got != (fhir.Head{ResourceType: "Patient", ID: "p", VersionID: "3", LastUpdated: "t"}) {
		t.Errorf("%+v %v", got, err)
	}
	for _, wrong := range []string{``, `[]`, `{}`, `{"resourceType":1}`, `{"resourceType":"Patient","meta":"Ada"}`, `{"resourceType":"Patient","id":{"Ada":1}}`} {
		if _, err := fhir.ParseHead([]byte(wrong)); err == nil || strings.Contains(err.Error(), "Ada") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestReferences(t *testing.T) {
	for text, want := range map[string]fhir.Reference{
		"Patient/p":                       {ResourceType: "Patient", ID: "p"},
		"Patient/p/_history/3":            {ResourceType: "Patient", ID: "p", VersionID: "3"},
		endpoint + "Patient/p/_history/3": {ResourceType: "Patient", ID: "p", VersionID: "3"},
		endpoint + "Patient/p":            {ResourceType: "Patient", ID: "p"},
	} {
		if got, ok := fhir.ParseReference(text); !ok || got != want {
			t.Errorf("%s: %+v %v", text, got, ok)
		}
	}
	for _, wrong := range []string{"", "Patient", "patient/p", "Patient/", "Patient/..", "Patient/p/_history/", "Patient/p/_history/a b", "_history/3", "Patient/_history/3", "#x", "urn:uuid:1", "Patient/p?x"} {
		if got, ok := fhir.ParseReference(wrong); ok {
			t.Errorf("%s is %+v", wrong, got)
		}
	}
}

func TestWhichVersionAnEntryIs(t *testing.T) {
	want := fhir.Reference{ResourceType: "Patient", ID: "p", VersionID: "4"}
	for _, e := range []fhir.Entry{
		{Location: "Patient/p/_history/4", URL: "Patient/x", ETag: `W/"9"`}, {Location: endpoint + "Patient/p/_history/4"},
		{URL: "Patient/p", ETag: `W/"4"`}, {FullURL: endpoint + "Patient/p", ETag: `"4"`}, {Location: "Patient/p", FullURL: endpoint + "Patient/p", ETag: `W/"4"`},
	} {
		if got, ok := e.Version(); !ok || got != want {
			t.Errorf("%+v: %+v", e, got)
		}
	}
	for _, e := range []fhir.Entry{{}, {URL: "Patient/p"}, {ETag: `W/"4"`}} {
		if got, ok := e.Version(); ok {
			t.Errorf("%+v: %+v", e, got)
		}
	}
}

// What a caller would have to configure is said at once.
func TestConfigurationsAreChecked(t *testing.T) {
	for _, c := range []fhir.Config{{}, {Endpoint: endpoint}, {Endpoint: "ftp://x/", Region: "r"}, {Endpoint: "https://u:p@x/", Region: "r"}, {Endpoint: endpoint + "?x=1", Region: "r"}} {
		if _, err := fhir.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// BenchmarkSearchPage reads a page of 100 resources of 4 KB.
func BenchmarkSearchPage(b *testing.B) {
	filler, err := json.Marshal(strings.Repeat("é<x> ", 600))
	if err != nil {
		b.Fatal(err)
	}
	entry := `{"fullUrl":"x","resource":{"resourceType":"Patient","id":"p","meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"},"x":` + string(filler) + `},"search":{"mode":"match"}}`
	body := `{"resourceType":"Bundle","type":"searchset","entry":[` + strings.Repeat(entry+",", 99) + entry + `]}`
	c := client(b, &wire{answers: []answer{{status: 200, body: body}}})
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Search(b.Context(), "Patient", nil, func(fhir.Entry) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
