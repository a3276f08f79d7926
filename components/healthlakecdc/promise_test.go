package healthlakecdc

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/healthlake"
)

var (
	histories = flag.Int("histories", 1000, "how many random histories the promise is held to")
	large     = flag.Bool("large", false, "bursts of 10,000 writes, of 1,000 for the published design, and 100 histories for it")
	seed      = flag.Uint64("seed", 0, "the one history to run, of those whose failure printed its seed")
)

// captured are the types that are captured; one more is written.
var captured = []string{"Patient", "Encounter"}

const sweepEvery = 5 * time.Minute

// TestPromise holds the whole system to what it promises, on random histories and with random faults at every call: once the faults
// stop and two sweeps have run, the keys of the events are the versions written, each once for a consumer that deduplicates, in
// the order of each resource's versions.
func TestPromise(t *testing.T) {
	plans := deployments(t)
	if testing.Short() {
		*histories = min(*histories, 100)
	}
	seeds := make(chan uint64, *histories)
	if *seed != 0 {
		seeds <- *seed
	} else {
		for i := range *histories {
			seeds <- uint64(i + 1)
		}
	}
	close(seeds)
	var total totals
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for n := range seeds {
				r := held(t, plans, n)
				if len(r.problems) > 0 {
					t.Errorf("again: go test ./components/healthlakecdc -run TestPromise -seed %d\n%s\n%s\n%s", n, r.about, strings.Join(r.problems, "\n"), r.log)
				}
				total.add(r)
			}
		})
	}
	workers.Wait()
	t.Logf("%d histories: %d versions, %d events, %d of them again; %d versions made and deleted between two looks", total.histories, total.versions, total.events, total.again, total.unseen)
}

// TestThePromiseIsNotEmpty takes something out of the workflow that keeps the promise: histories must show it.
func TestThePromiseIsNotEmpty(t *testing.T) {
	for name, change := range map[string][2]string{
		"the watermark advances whatever happens": {"$whole and $watermark != null", "$watermark != null"},
		"entries that fail are not looked at":     {"states:::events:putEvents", "states:::aws-sdk:eventbridge:putEvents"},
		"claims are for ever":                     {"$millis() - 300000", "$millis() - 300000000000"},
	} {
		plans := map[Feed][]asked{}
		for feed, plan := range deployments(t) {
			changed := slices.Clone(plan)
			found := false
			for i, a := range changed {
				if a.kind == "aws:sfn/stateMachine:StateMachine" {
					a.inputs = maps.Clone(a.inputs)
					found = strings.Contains(a.text("definition"), change[0])
					a.inputs["definition"] = strings.ReplaceAll(a.text("definition"), change[0], change[1])
					changed[i] = a
				}
			}
			if !found {
				t.Errorf("%s: the definition has no %s", name, change[0])
			}
			plans[feed] = changed
		}
		failed := 0
		for n := uint64(1); n <= 150 && failed == 0; n++ {
			if len(held(t, plans, n).problems) > 0 {
				failed++
				t.Logf("%s: history %d shows it", name, n)
			}
		}
		if failed == 0 {
			t.Errorf("%s: no history shows it", name)
		}
	}
}

func deployments(t *testing.T) map[Feed][]asked {
	t.Helper()
	return map[Feed][]asked{CloudTrail: recorded(t, CloudTrail, captured...), Subscriptions: recorded(t, Subscriptions, captured...)}
}

// result is what a history came to.
type result struct {
	problems                        []string
	versions, events, again, unseen int
	about, log                      string
}

// totals sum up the histories.
type totals struct {
	mu        sync.Mutex
	histories int
	result
}

func (all *totals) add(r result) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.histories++
	all.versions += r.versions
	all.events += r.events
	all.again += r.again
	all.unseen += r.unseen
}

// held runs a history and says how the promise was kept.
func held(t *testing.T, plans map[Feed][]asked, seed uint64) (r result) {
	t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { r = promise(t, plans, seed) }) })
	return r
}

func promise(t *testing.T, plans map[Feed][]asked, seed uint64) (r result) {
	feed := CloudTrail
	if seed%3 == 0 {
		feed = Subscriptions
	}
	refused := seed%4 == 1 // the data store has no history of types
	s := newSystem(t, plans[feed], options{feed: feed, types: captured})
	if refused {
		s.d.Faults.Inject(dispatch.Fault{Service: "healthlake", Action: "GetHistoryByResourceType", Err: &dispatch.Error{Code: "AccessDeniedException", Status: 403, Message: "refused"}})
	}
	var order []string            // of the keys as the bus took them
	refusals := map[string]bool{} // resources of which the bus took a later entry of a request and not an earlier one
	var mu sync.Mutex
	st := newStorm(s, seed)
	st.published = func(e *eventbridge.PutEventsEntry, refused bool) {
		if e.Source != changes.Source {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if key := keyOf(e); refused {
			refusals[key[:strings.LastIndex(key, "/")]] = true
		} else {
			order = append(order, key)
		}
	}
	h := newHistory(s, seed, append([]string{"Observation"}, captured...)...)
	st.begin()
	h.run(3 + h.IntN(15))
	s.pass(time.Duration(h.IntN(600)) * time.Second)
	if st.outage != "" {
		s.pass(time.Duration(15+h.IntN(15)) * time.Minute) // longer than a sweep looks back
	}
	st.end()
	s.pass(2*sweepEvery + time.Minute + 30*time.Second)

	bodies := s.received("fhir-subscriber-1")
	mu.Lock()
	defer mu.Unlock()
	say := func(format string, args ...any) { r.problems = append(r.problems, fmt.Sprintf(format, args...)) }
	inOrder(say, order, refusals)
	seen := consume(say, bodies)
	wanted := h.captured()
	for key, c := range seen {
		v, ok := wanted[key]
		switch {
		case !ok:
			say("there is an event %s and no such version", key)
		case string(c.Interaction) != v.interaction:
			say("%s is a %s, written as a %s", key, c.Interaction, v.interaction)
		case v.interaction == "delete" && c.Resource != nil:
			say("%s is a deletion and has a resource", key)
		case v.interaction != "delete" && h.IntN(10) == 0 && !sameBytes(s, v, c.Resource):
			say("%s has not the bytes of the data store", key)
		}
	}
	for key, v := range wanted {
		if seen[key] != nil {
			continue
		}
		lived, unseen := betweenTwoLooks(h, v, seen, s.id)
		if !refused || !unseen {
			say("no event %s, written %s by a %s", key, v.at.Format(time.RFC3339Nano), v.interaction)
		}
		if calm := st.rate == 0 && st.outage == "" && st.lag == 0; calm && lived > sweepEvery+time.Minute {
			say("no event %s of a resource that lived for %v, longer than there are no looks", key, lived)
		}
		r.unseen++
	}
	if len(r.problems) > 0 {
		r.about = fmt.Sprintf("feed %s, type history refused %v, faults %d%%, outage %q, triggers lost %d%%, lag %v, %d versions; watermarks %v", feed, refused, st.rate, st.outage, st.lost, st.lag, len(h.written), s.watermarks())
		r.log = s.logText()
	}
	r.versions, r.events, r.again = len(wanted), len(order), len(order)-len(seen)
	return r
}

// captured are the versions of the types that are captured, by their keys.
func (h *history) captured() map[string]version {
	all := map[string]version{}
	for _, v := range h.written {
		if slices.Contains(captured, v.typ) {
			all[v.key(h.s.id)] = v
		}
	}
	return all
}

// inOrder checks that the bus never took a version of a resource before the one below it, but where it refused that one itself.
func inOrder(say func(string, ...any), keys []string, refusals map[string]bool) {
	highest := map[string]int{}
	for _, key := range keys {
		at := strings.LastIndex(key, "/")
		var n int
		if _, err := fmt.Sscan(key[at+1:], &n); err != nil {
			say("the key %q has no version", key)
		}
		if n > highest[key[:at]]+1 && !refusals[key[:at]] {
			say("%s was published after version %d", key, highest[key[:at]])
		}
		highest[key[:at]] = max(highest[key[:at]], n)
	}
}

// consume is a consumer that deduplicates: what it was told of once, and that its count of a resource's versions never goes back.
func consume(say func(string, ...any), bodies []string) map[string]*changes.Change {
	seen, current := map[string]*changes.Change{}, map[string]int64{}
	d := changes.NewDeduplicator(&changes.Memory{})
	for _, body := range bodies {
		c, err := changes.Decode([]byte(body))
		if err != nil {
			say("an event cannot be read: %v", err)
			continue
		}
		if _, err := d.Handle(context.Background(), c, func(_ context.Context, v changes.Verdict) error {
			if seen[c.Key()] != nil {
				say("%s was handled twice", c.Key())
			}
			seen[c.Key()] = c
			if v == changes.New {
				if c.Version <= current[c.Subject()] {
					say("%s is new after version %d", c.Key(), current[c.Subject()])
				}
				current[c.Subject()] = c.Version
			}
			return nil
		}); err != nil {
			say("%v", err)
		}
	}
	return seen
}

func sameBytes(s *system, v version, got []byte) bool {
	out, err := dispatch.Do[healthlake.Response](s.Context(), s.d, s.d.Root(), "healthlake", "VersionReadResource", &healthlake.VersionReadResourceInput{
		ReadResourceInput: healthlake.ReadResourceInput{Target: healthlake.Target{DatastoreID: s.id, ResourceType: v.typ}, ResourceID: v.id}, VersionID: fmt.Sprint(v.number)})
	return err == nil && json.Valid(got) && string(out.Body) == string(got)
}

// betweenTwoLooks reports whether a version that was not seen is of a life that nobody could see, and how long that was: its
// resource was made, or made anew, and deleted for good, and nothing between was published.
func betweenTwoLooks(h *history, v version, seen map[string]*changes.Change, datastore string) (lived time.Duration, unseen bool) {
	var life []version
	for _, w := range h.written {
		if w.typ != v.typ || w.id != v.id {
			continue
		}
		if w.interaction == "create" {
			life = nil
		}
		life = append(life, w)
		if w.interaction == "delete" && slices.ContainsFunc(life, func(w version) bool { return w.number == v.number }) {
			return w.at.Sub(life[0].at), h.resources[v.id].deleted && !slices.ContainsFunc(life, func(w version) bool { return seen[w.key(datastore)] != nil })
		}
	}
	return 0, false
}
