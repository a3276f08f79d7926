package hydrate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/handlers/hydrator/hydrate"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
)

// A failure is never "no changes": the page fails, and nothing moves on.
func TestFailuresAreNotNoChanges(t *testing.T) {
	in(t, func(c *cloud) {
		c.put("pt-1", `,"name":[{"family":"Lovelace"}]`)
		c.pass(time.Minute)
		for _, status := range []int{200, 400, 403, 429, 500} {
			c.intercept = func(w http.ResponseWriter, _ *http.Request) bool { return answer(w, status, outcomeText("throttled")) }
			if o := c.run(hydrate.Request{Mode: hydrate.Sweep}); o.err == nil || strings.Contains(o.err.Error(), "Lovelace") && status != 403 && status != 429 {
				c.Errorf("%d: %+v", status, o)
			}
		}
		// What passes is tried again.
		n := 0
		c.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
			n++
			return n%2 == 1 && answer(w, 429, outcomeText("throttled"))
		}
		c.whole(hydrate.Sweep)
		c.check()
		c.intercept = nil
		c.d.Faults.Inject(dispatch.Fault{Service: "dynamodb", Err: &dispatch.Error{Code: "InternalServerError", Status: 500}})
		if o := c.run(hydrate.Request{Mode: hydrate.Sweep}); o.err == nil {
			c.Errorf("without a ledger: %+v", o)
		}
	})
}

// What somebody else is publishing is left to them, and the pass is not whole. A link that is refused begins its second again.
func TestWhatIsNotPublishedIsNotTakenFurther(t *testing.T) {
	in(t, func(c *cloud) {
		for range 25 {
			c.put("pt-1", "")
		}
		c.pass(time.Minute)
		first, err := c.h.Handle(c.Context(), hydrate.Request{ResourceType: "Patient", Mode: hydrate.Sweep})
		if err != nil || first.Continuation == nil || len(first.Batches) != 1 {
			c.Fatalf("%+v %v", first, err)
		}
		second, err := c.h.Handle(c.Context(), hydrate.Request{ResourceType: "Patient", Mode: hydrate.Sweep, Continuation: first.Continuation})
		if err != nil || second.Held != 1 || second.Continuation != nil || second.Watermark != nil || len(second.Batches) != 0 {
			c.Errorf("%+v %v", second, err)
		}
		c.whole(hydrate.Sweep)
		c.check()
	})
}

func TestARefusedLinkBeginsAgain(t *testing.T) {
	in(t, func(c *cloud) {
		for i := range 350 {
			c.put(fmt.Sprintf("pt-%d", i), "")
		}
		c.pass(time.Minute)
		n := 0
		c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Has("page") {
				n++
				return n == 2 && answer(w, 400, outcomeText("value"))
			}
			return false
		}
		c.whole(hydrate.Sweep)
		c.check()
	})
}

func TestRequestsAreChecked(t *testing.T) {
	in(t, func(c *cloud) {
		for _, wrong := range []hydrate.Request{{Mode: hydrate.Sweep}, {ResourceType: "../x", Mode: hydrate.Sweep}, {ResourceType: "Patient"}, {ResourceType: "Patient", Mode: hydrate.Sweep, Continuation: &hydrate.Continuation{}}} {
			if _, err := c.h.Handle(c.Context(), wrong); err == nil {
				c.Errorf("%+v is taken", wrong)
			}
		}
	})
}

// What was erased with all its versions leaves nothing to publish. A data store that takes neither many ids nor a choice of
// elements is asked for each resource.
func TestWhatVanishes(t *testing.T) {
	in(t, func(c *cloud) {
		c.lake.SetTypeHistory(false)
		for i := range 5 {
			c.put(fmt.Sprintf("pt-%d", i), "")
		}
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.delete("pt-1")
		c.pass(time.Minute)
		c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/pt-3") {
				return answer(w, 404, outcomeText("not-found"))
			}
			if strings.HasSuffix(r.URL.Path, "_search") {
				if q := form(r); q.Has("_id") || q.Has("_elements") {
					return answer(w, 400, outcomeText("value"))
				}
			}
			return false
		}
		c.whole(hydrate.Sweep)
		c.check()
		if !strings.Contains(c.logs.String(), `"lost":1`) {
			c.Error("the log does not tell of what is lost")
		}
	})
}

// An answer that breaks off is read again; nothing of it counts twice.
func TestABrokenPageIsReadAgain(t *testing.T) {
	in(t, func(c *cloud) {
		for i := range 20 {
			c.put(fmt.Sprintf("pt-%d", i), "")
		}
		c.delete("pt-7")
		c.pass(time.Minute)
		broken := map[string]bool{}
		c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if step := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/'):]; (step == "/_search" || step == "/_history") && !broken[step] {
				broken[step] = true
				rec := httptest.NewRecorder()
				c.fhir.ServeHTTP(rec, r)
				w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
				return answer(w, 200, rec.Body.String()[:rec.Body.Len()-200])
			}
			return false
		}
		c.whole(hydrate.Sweep)
		c.check()
		if len(broken) != 2 {
			c.Error(broken)
		}
	})
}

// Keys that DynamoDB has no time for are asked for again.
func TestAThrottledLedgerIsAskedAgain(t *testing.T) {
	in(t, func(c *cloud) {
		for i := range 30 {
			c.put(fmt.Sprintf("pt-%d", i), "")
		}
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		n := 0
		c.ledger = func(action string, body []byte) []byte {
			if n++; action != "BatchGetItem" || n > 3 {
				return nil
			}
			return []byte(`{"Responses":{},"UnprocessedKeys":` + string(body[len(`{"RequestItems":`):len(body)-1]) + `}`)
		}
		c.whole(hydrate.Sweep)
		if n < 4 {
			c.Errorf("%d calls", n)
		}
		c.check()
	})
}

// Errors of the interactions that look closer end the page as well.
func TestNoFailureIsOverlooked(t *testing.T) {
	for _, path := range []string{"/_search", "/Patient/_history", "/pt-1/_history", "/pt-1/_history/1", "/pt-1/_history/2", "/pt-2", "BatchGetItem", "Query", "GetItem"} {
		in(t, func(c *cloud) {
			c.lake.SetTypeHistory(path == "/Patient/_history")
			c.put("pt-2", "")
			c.pass(time.Minute)
			c.whole(hydrate.Sweep)
			c.put("pt-1", "")
			c.delete("pt-1")
			c.put("pt-1", "")
			c.delete("pt-2")
			c.pass(time.Minute)
			c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
				return strings.HasSuffix(r.URL.Path, path) && answer(w, 500, outcomeText("exception"))
			}
			if !strings.HasPrefix(path, "/") {
				c.d.Faults.Inject(dispatch.Fault{Service: "dynamodb", Action: path, Err: &dispatch.Error{Code: "InternalServerError", Status: 500}})
			}
			if o := c.run(hydrate.Request{Mode: hydrate.Sweep}); o.err == nil || strings.Contains(o.err.Error(), "pt-") {
				c.Errorf("%s: %+v", path, o)
			}
		})
	}
}

// Who claims a resource's first version, or the one that follows a deletion, may die before the ledger knows of it. Then the
// resource is deleted, and there is no history of the type.
func TestAClaimThatNobodyFinishedIsLookedAfter(t *testing.T) {
	in(t, func(c *cloud) {
		c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/Patient/_history") && answer(w, 403, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden"}]}`)
		}
		c.put("back", "")
		c.delete("back")
		c.put("there", "")
		c.pass(time.Minute)
		c.whole(hydrate.Trigger)
		c.put("back", "")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.delete("back")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.put("first", "")
		c.put("back", "")
		for _, id := range []string{"first", "back"} {
			key := hydrate.LedgerKey(c.id, "Patient", id)
			c.call("dynamodb", "UpdateItem", fmt.Sprintf(`{"TableName":"ledger","Key":{"PK":{"S":%q},"SK":{"S":%q}},"UpdateExpression":"SET #s = :p","ExpressionAttributeNames":{"#s":"status"},"ExpressionAttributeValues":{":p":{"S":"PENDING"}}}`, key.PK, key.SK))
		}
		c.delete("first")
		c.delete("back")
		c.pass(time.Minute)
		c.whole(hydrate.Sweep)
		c.check()
	})
}

// A version that was erased is not waited for for ever.
func TestErasedVersions(t *testing.T) {
	in(t, func(c *cloud) {
		for v := range 4 {
			c.put("pt-1", fmt.Sprintf(`,"v":%d`, v))
		}
		hidden := func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case strings.HasSuffix(r.URL.Path, "/pt-1/_history/2"), strings.HasSuffix(r.URL.Path, "/pt-1/_history/1"):
				return answer(w, 404, outcomeText("not-found"))
			case strings.HasSuffix(r.URL.Path, "/pt-1/_history"):
				return answer(w, 200, `{"resourceType":"Bundle","type":"history","entry":[{"request":{"method":"PUT"},"response":{"location":"Patient/pt-1/_history/4","lastModified":"2000-01-01T00:00:01Z"}},
					{"request":{"method":"PUT"},"response":{"location":"Patient/pt-1/_history/3","lastModified":"2000-01-01T00:00:01Z"}}]}`)
			}
			return false
		}
		c.intercept = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/pt-1/_history") {
				return answer(w, 200, `{"resourceType":"Bundle","type":"history"}`)
			}
			return hidden(w, r)
		}
		c.pass(time.Minute)
		if o := c.run(hydrate.Request{Mode: hydrate.Sweep}); o.whole || o.held != 1 || len(c.published) != 0 {
			c.Errorf("%+v %s", o, keys(c.published))
		}
		c.intercept = hidden
		c.pass(15 * time.Minute)
		c.whole(hydrate.Sweep)
		if got := keys(c.published); got != "Patient/pt-1/3 Patient/pt-1/4" || sum(c.metrics("VersionsErased")) != 2 {
			c.Errorf("%s, %v", got, c.metrics("VersionsErased"))
		}
	})
}

// Search hides what was just written, and history what was written minutes ago. Nothing is lost, nothing is skipped.
func TestLag(t *testing.T) {
	in(t, func(c *cloud) {
		c.lake.SetLag(healthlake.Lag{Index: func() time.Duration { return 20 * time.Second }, History: 5 * time.Minute, VersionRead: 2 * time.Minute})
		c.whole(hydrate.Sweep)
		c.put("pt-1", "")
		c.put("pt-1", `,"active":true`)
		c.put("pt-2", "")
		c.whole(hydrate.Trigger) // sees nothing
		c.pass(30 * time.Second)
		o := c.run(hydrate.Request{Mode: hydrate.Trigger}) // sees version 2, cannot read version 1 yet
		if o.whole || o.held != 1 || keys(c.published) != "Patient/pt-2/1" {
			c.Errorf("%+v %s", o, keys(c.published))
		}
		c.pass(2 * time.Minute)
		c.whole(hydrate.Trigger)
		c.check()
		c.delete("pt-1")
		c.put("pt-1", "")
		c.pass(3 * time.Minute)
		if o := c.run(hydrate.Request{Mode: hydrate.Sweep}); o.whole || o.held == 0 { // the time of the deletion is not known yet
			c.Errorf("%+v", o)
		}
		c.pass(5 * time.Minute)
		c.whole(hydrate.Sweep)
		c.check()
		if sum(c.metrics("VersionsHeld")) == 0 {
			c.Error("nothing is measured as held")
		}
	})
}
