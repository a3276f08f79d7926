package hydrate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/handlers/hydrator/hydrate"
	"github.com/carepath/carepath/localcloud/healthlake"
)

// Every version is published once and in order, byte for byte: creations, updates in the same second, deletions, re-creations.
func TestEveryVersionIsPublished(t *testing.T) {
	in(t, func(c *cloud) {
		c.put("pt-1", `,"multipleBirthInteger": 1.00, "_birthDate":{"extension":[{"url":"x","valueDecimal":1.0e0}]},"name":[{"family":"Lovelace \u00e9 é <&>"}],"unknown" : {"z":1,"a":2}`)
		c.put("pt-1", `,"active":true`)
		c.put("pt-1", `,"active":false`)
		c.put("pt-2", "")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.check()

		c.delete("pt-1")
		c.put("pt-2", `,"active":true`)
		c.delete("pt-2")
		c.put("pt-2", `,"active":false`)
		c.put("pt-3", "") // lives between two sweeps only
		c.delete("pt-3")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.check()
		if got := c.whole(hydrate.Sweep); got.pages != 1 {
			c.Errorf("%+v", got)
		}
		c.check()
	})
}

// Without a history of the type, deletions are found by asking which of the published resources are still there.
func TestDeletionsWithoutATypeHistory(t *testing.T) {
	in(t, func(c *cloud) {
		c.lake.SetTypeHistory(false)
		for i := range 230 {
			c.put(fmt.Sprintf("pt-%d", i), "")
		}
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.check()
		c.pass(time.Hour)
		c.whole(hydrate.Sweep)
		for _, i := range []int{0, 7, 113, 229} {
			c.delete(fmt.Sprintf("pt-%d", i))
		}
		c.put("pt-1", `,"active":true`)
		c.delete("pt-1")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.check()
		// A trigger looks for deletions when it is told to.
		c.delete("pt-2")
		c.pass(time.Minute)
		c.whole(hydrate.Trigger)
		if _, early := c.published["Patient/pt-2/2"]; early {
			c.Error("a trigger looked for deletions")
		}
		if o := c.run(hydrate.Request{Mode: hydrate.Trigger, Deletes: true}); !o.whole {
			c.Errorf("%+v", o)
		}
		c.check()
	})
}

// Histories that do not say which versions they tell of are of no use, or of as much as their other members say.
func TestHistoriesWithoutLocations(t *testing.T) {
	for _, drop := range []string{`"location":`, `"location":|"etag":`} {
		in(t, func(c *cloud) {
			c.put("pt-1", "")
			c.pass(time.Minute)
			c.whole(hydrate.Sweep)
			c.delete("pt-1")
			c.pass(time.Minute)
			c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/Patient/_history") {
					return false
				}
				rec := httptest.NewRecorder()
				c.fhir.ServeHTTP(rec, r)
				body := rec.Body.String()
				for name := range strings.SplitSeq(drop, "|") {
					body = strings.ReplaceAll(body, name, `"x-`+name[1:])
				}
				return answer(w, 200, body)
			}
			c.whole(hydrate.Sweep)
			c.check()
		})
	}
}

// A sweep that finds nothing deleted costs two searches.
func TestAQuietSweepIsCheap(t *testing.T) {
	in(t, func(c *cloud) {
		for i := range 50 {
			c.put(fmt.Sprintf("pt-%d", i), "")
		}
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.pass(time.Hour)
		clear(c.calls)
		c.whole(hydrate.Sweep)
		if got := keys(c.calls); got != "GET Patient/_history POST Patient/_search" || c.calls["POST Patient/_search"] != 1 {
			c.Error(c.calls)
		}
		c.lake.SetTypeHistory(false)
		clear(c.calls)
		c.whole(hydrate.Sweep)
		if got := keys(c.calls); got != "GET Patient/_history POST Patient/_search" || c.calls["POST Patient/_search"] != 2 {
			c.Error(c.calls)
		}
	})
}

// A burst in one second takes many pages; more is written while they are read.
func TestABurstOverManyPages(t *testing.T) {
	in(t, func(c *cloud) {
		for i := range 730 {
			c.put(fmt.Sprintf("pt-%d", i), `,"active":true`)
		}
		c.pass(time.Minute)
		n := 0
		c.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			if search := strings.HasSuffix(r.URL.Path, "Patient/_search") || r.Method == "GET" && strings.HasSuffix(r.URL.Path, "/Patient"); search && n < 40 {
				n++
				c.put(fmt.Sprintf("pt-%d", n*17), `,"active":false`)
			}
			return false
		}
		c.whole(hydrate.Sweep)
		c.intercept = nil
		c.pass(time.Minute)
		c.whole(hydrate.Trigger)
		c.check()
	})
}

// More versions than a call of PutEvents takes come in several pages.
func TestManyVersions(t *testing.T) {
	in(t, func(c *cloud) {
		for v := range 37 {
			c.put("pt-many", fmt.Sprintf(`,"v":%d`, v))
			if v%5 == 0 {
				c.put(fmt.Sprintf("pt-%d", v), "")
			}
		}
		c.pass(time.Minute)
		if o := c.whole(hydrate.Sweep); o.pages != 4 {
			c.Errorf("%+v", o)
		}
		c.check()
	})
}

// A page is never larger than a state of a workflow takes; what does not fit into an event is referred to.
func TestLargeResources(t *testing.T) {
	in(t, func(c *cloud) {
		text := strings.Repeat("Lovelace <\u00e9\\\"> ", 4000)
		for i := range 30 {
			c.put(fmt.Sprintf("pt-%d", i), `,"x":"`+strings.ReplaceAll(text[:2000*i+1000], `\"`, "")+`"`)
		}
		c.put("pt-large", `,"x":"`+strings.Repeat("y", 300_000)+`"`)
		c.put("pt-large", `,"x":"`+strings.Repeat("y", 170_000)+`"`)
		c.pass(time.Minute)
		o := c.whole(hydrate.Sweep)
		if want := c.written["Patient/pt-large/1"]; c.published["Patient/pt-large/1"] == "create " && len(want) > 300_000 {
			c.written["Patient/pt-large/1"] = "create "
		}
		c.check()
		c.Logf("%+v", o)
	})
}

func TestReferencesOnly(t *testing.T) {
	in(t, func(c *cloud) {
		c.h.Reference = true
		c.put("pt-1", "")
		c.put("pt-1", `,"name":[{"family":"Lovelace"}]`)
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		if got := c.published; got["Patient/pt-1/1"] != "create " || got["Patient/pt-1/2"] != "update " {
			c.Error(got)
		}
	})
}

// Notifications name versions; what is missing before them is published with them.
func TestReferences(t *testing.T) {
	in(t, func(c *cloud) {
		for range 3 {
			c.put("pt-1", "")
		}
		c.put("pt-2", "")
		c.put("pt-3", "")
		c.delete("pt-3")
		c.put("pt-4", "")
		run := func(references ...string) outcome {
			return c.run(hydrate.Request{Mode: hydrate.References, References: references})
		}
		if o := run("Patient/pt-1/_history/2", c.c.Endpoint()+"Patient/pt-2/_history/1", "Patient/pt-3", "Observation/o", "Patient/pt-1/_history/1"); o.err != nil || o.whole || o.held != 0 {
			c.Errorf("%+v", o)
		}
		if got := keys(c.published); got != "Patient/pt-1/1 Patient/pt-1/2 Patient/pt-2/1 Patient/pt-3/1 Patient/pt-3/2" {
			c.Error(got)
		}
		if o := run("Patient/pt-1", "Patient/pt-4/_history/1"); o.err != nil {
			c.Errorf("%+v", o)
		}
		c.check()
		if o := run("Patient/pt-9/_history/1"); o.held != 1 { // not there yet
			c.Errorf("%+v", o)
		}
		for _, wrong := range []string{"Patient", "Patient/pt-1/_history/x", "Patient/a b"} {
			if o := run(wrong, "Patient/pt-2"); o.err != nil || o.held != 1 { // the others are looked at
				c.Errorf("%s: %+v", wrong, o)
			}
		}
	})
}

// A trigger begins shortly before what the last pass has reached; a sweep longer before what the last sweep has.
func TestWatermarks(t *testing.T) {
	in(t, func(c *cloud) {
		c.put("pt-1", "")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		var since []string
		c.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "_search") {
				since = append(since, form(r).Get("_lastUpdated"))
			}
			return false
		}
		begin := time.Now()
		from := func(at time.Time) string { return at.UTC().Format("ge2006-01-02T15:04:05Z") }
		c.pass(time.Hour)
		c.whole(hydrate.Trigger)
		c.pass(time.Hour)
		c.whole(hydrate.Trigger)
		c.whole(hydrate.Sweep)
		c.whole(hydrate.Trigger)
		want := []string{from(begin.Add(-2 * time.Minute)), from(begin.Add(58 * time.Minute)), from(begin.Add(-15 * time.Minute)), from(begin.Add(118 * time.Minute))}
		if strings.Join(since, " ") != strings.Join(want, " ") {
			c.Errorf("%v, want %v", since, want)
		}
		if lag := c.metrics("SweepLag"); len(lag) != 1 || lag[0] != 7200 { // the first sweep has no watermark to be behind
			c.Error(lag)
		}
	})
}

// A version's own address can be behind what search shows; then the resource's own has it.
func TestAVersionIsReadWhereItIs(t *testing.T) {
	in(t, func(c *cloud) {
		c.lake.SetLag(healthlake.Lag{VersionRead: time.Hour})
		c.put("pt-1", `,"x":"`+strings.Repeat("y", 150_000)+`"`)
		c.put("pt-2", `,"x":"`+strings.Repeat("y", 150_000)+`"`) // it has no room in the first page
		c.pass(time.Minute)
		if o := c.whole(hydrate.Sweep); o.pages != 2 {
			c.Errorf("%+v", o)
		}
		c.check()
	})
}

// A resource that is written again while it waits comes up to where it is then.
func TestAResourceThatWaitsIsWrittenAgain(t *testing.T) {
	for _, filler := range []int{0, 3000} { // all have room, or not
		in(t, func(c *cloud) {
			for range 12 { // more than a page gives at once
				c.put("pt-0", "")
			}
			for i := range 130 {
				c.put(fmt.Sprintf("pt-%d", i), `,"x":"`+strings.Repeat("y", filler)+`"`)
				c.pass(50 * time.Millisecond)
			}
			c.pass(time.Minute)
			n := 0
			c.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "_search") {
					if n++; n == 2 {
						for _, id := range []string{"pt-0", "pt-99", "pt-98"} {
							c.put(id, "")
							c.put(id, "")
						}
						c.pass(2 * time.Second)
					}
				}
				return false
			}
			c.whole(hydrate.Sweep)
			c.check()
		})
	}
}

const emptyHistory = `{"resourceType":"Bundle","type":"history"}`

// A deletion is published when the history says which version it is and of when; one that the history has forgotten is as old as
// what came next.
func TestTombstones(t *testing.T) {
	in(t, func(c *cloud) {
		c.lake.SetTypeHistory(false)
		c.put("pt-1", "")
		c.delete("pt-1")
		c.put("pt-1", "")
		c.pass(time.Minute)
		c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/pt-1/_history") && answer(w, 200, emptyHistory)
		}
		if o := c.run(hydrate.Request{Mode: hydrate.Sweep}); o.whole || o.held != 1 || keys(c.published) != "Patient/pt-1/1" {
			c.Errorf("%+v %s", o, keys(c.published))
		}
		c.pass(15 * time.Minute)
		c.whole(hydrate.Sweep)
		c.check()
	})
	in(t, func(c *cloud) { // without the history of the type
		c.lake.SetTypeHistory(false)
		c.put("pt-1", "")
		c.put("pt-2", "")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.delete("pt-1")
		c.pass(time.Minute)
		c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/pt-1/_history") && answer(w, 200, emptyHistory)
		}
		if o := c.run(hydrate.Request{Mode: hydrate.Sweep}); o.whole || o.held != 1 {
			c.Errorf("%+v", o)
		}
		c.intercept = nil
		c.whole(hydrate.Sweep)
		c.check()
	})
}

// A burst costs searches by its pages, however many triggers it makes.
func TestTheCostOfABurst(t *testing.T) {
	in(t, func(c *cloud) {
		c.whole(hydrate.Sweep)
		for i := range 1000 {
			c.put(fmt.Sprintf("pt-%d", i), "")
			c.pass(20 * time.Millisecond)
		}
		c.pass(time.Minute)
		clear(c.calls)
		c.whole(hydrate.Trigger)
		if got := c.calls["POST Patient/_search"]; got > 25 || c.calls["GET Patient/*"]+c.calls["GET Patient/*/_history/*"] > 600 {
			c.Error(c.calls)
		}
		c.pass(3 * time.Minute)
		for range 10 { // triggers of the same burst
			clear(c.calls)
			c.whole(hydrate.Trigger)
		}
		if got := c.calls["POST Patient/_search"]; got != 1 || len(c.calls) != 1 {
			c.Error(c.calls)
		}
		c.check()
	})
}
