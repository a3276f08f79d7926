package healthlakecdc

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
)

// version is one that was written.
type version struct {
	typ, id     string
	number      int
	interaction string // create, update or delete
	at          time.Time
	text        string // of the resource; empty for a deletion
}

func (v version) key(datastore string) string {
	return datastore + "/" + v.typ + "/" + v.id + "/" + strconv.Itoa(v.number)
}

// resourceState is what the history has made of a resource.
type resourceState struct {
	typ, id string
	number  int
	deleted bool
}

// history writes to a data store at random, and knows what it has written. The same seed writes the same.
type history struct {
	*rand.Rand
	s         *system
	types     []string // what is written, captured or not
	resources map[string]*resourceState
	names     []string // of resources, in the order of their making
	written   []version
}

func newHistory(s *system, seed uint64, types ...string) *history {
	return &history{Rand: rand.New(rand.NewPCG(seed, 1)), s: s, types: types, resources: map[string]*resourceState{}}
}

// run writes for a while: single writes, bursts and bundles, with updates of what was just written, deletions, and resources that
// come back.
func (h *history) run(steps int) {
	for range steps {
		switch n := h.IntN(100); {
		case n < 70:
			h.write(h.pick(), h.IntN(100) < 20)
		case n < 80: // the same resource again and again, within a second
			r := h.pick()
			for range 2 + h.IntN(14) {
				h.write(r, h.IntN(100) < 15)
			}
		case n < 95:
			h.bundle(2 + h.IntN(8))
		case n < 98:
			for range 10 + h.IntN(30) {
				h.write(h.pick(), h.IntN(100) < 10)
			}
		default: // more than one page of a search
			for range 101 + h.IntN(40) {
				h.write(h.fresh(), false)
			}
		}
		h.rest()
	}
}

// rest lets time pass: often none.
func (h *history) rest() {
	switch n := h.IntN(100); {
	case n < 45:
	case n < 65:
		h.s.pass(time.Duration(h.IntN(1000)) * time.Millisecond)
	case n < 85:
		h.s.pass(time.Duration(h.IntN(60_000)) * time.Millisecond)
	default:
		h.s.pass(time.Duration(h.IntN(300)) * time.Second)
	}
}

// fresh is a resource that does not exist yet.
func (h *history) fresh() *resourceState {
	r := &resourceState{typ: h.types[h.IntN(len(h.types))], id: fmt.Sprintf("r%d", len(h.names))}
	h.names = append(h.names, r.id)
	h.resources[r.id] = r
	return r
}

// pick is a resource that is there, was there, or is not there yet.
func (h *history) pick() *resourceState {
	if len(h.names) == 0 || h.IntN(100) < 40 {
		return h.fresh()
	}
	return h.resources[h.names[h.IntN(len(h.names))]]
}

func body(typ, id string, n int) string {
	return fmt.Sprintf(`{"resourceType":%q,"id":%q,"_n":{"extension":[{"url":"urn:n","valueDecimal":%d.00}]},"z":1,"a":"é <&>"}`, typ, id, n)
}

// note writes down what a write has made, and returns its number.
func (h *history) note(r *resourceState, remove bool) int {
	interaction := "update"
	if remove {
		interaction = "delete"
	} else if r.number == 0 || r.deleted {
		interaction = "create"
	}
	r.number++
	r.deleted = remove
	v := version{r.typ, r.id, r.number, interaction, h.s.d.Clock.Now(), ""}
	if !remove {
		v.text = body(r.typ, r.id, r.number)
	}
	h.written = append(h.written, v)
	return r.number
}

func (h *history) target(r *resourceState) healthlake.ReadResourceInput {
	return healthlake.ReadResourceInput{Target: healthlake.Target{DatastoreID: h.s.id, ResourceType: r.typ}, ResourceID: r.id}
}

func (h *history) do(action string, in any) *healthlake.Response {
	h.s.Helper()
	out, err := dispatch.Do[healthlake.Response](h.s.Context(), h.s.d, h.s.d.Root(), "healthlake", action, in)
	if err != nil {
		h.s.Fatalf("%s: %v", action, err)
	}
	return out
}

// write updates or deletes a resource. What is not there is made and not deleted.
func (h *history) write(r *resourceState, remove bool) {
	h.s.Helper()
	if remove && r.number > 0 && !r.deleted {
		h.do("DeleteResource", &healthlake.DeleteResourceInput{ReadResourceInput: h.target(r)})
		h.note(r, true)
		return
	}
	out := h.do("UpdateResource", &healthlake.UpdateResourceInput{ReadResourceInput: h.target(r), Body: json.RawMessage(body(r.typ, r.id, r.number+1))})
	if n := h.note(r, false); out.ETag != fmt.Sprintf(`W/"%d"`, n) {
		h.s.Fatalf("%s/%s: the data store wrote %s, not version %d", r.typ, r.id, out.ETag, n)
	}
}

// bundle writes several resources in one transaction.
func (h *history) bundle(size int) {
	h.s.Helper()
	chosen := map[string]*resourceState{}
	for range size {
		r := h.pick()
		chosen[r.id] = r
	}
	var entries []members
	type doing struct {
		r      *resourceState
		remove bool
	}
	var all []doing
	for _, id := range slices.Sorted(maps.Keys(chosen)) {
		r := chosen[id]
		remove := r.number > 0 && !r.deleted && h.IntN(100) < 20
		all = append(all, doing{r, remove})
		if remove {
			entries = append(entries, members{"request": members{"method": "DELETE", "url": r.typ + "/" + r.id}})
			continue
		}
		entries = append(entries, members{"request": members{"method": "PUT", "url": r.typ + "/" + r.id}, "resource": json.RawMessage(body(r.typ, r.id, r.number+1))})
	}
	text, err := json.Marshal(members{"resourceType": "Bundle", "type": "transaction", "entry": entries})
	if err != nil {
		h.s.Fatal(err)
	}
	h.do("ProcessBundle", &healthlake.ProcessBundleInput{Target: healthlake.Target{DatastoreID: h.s.id}, Body: text})
	for _, d := range all {
		h.note(d.r, d.remove)
	}
}
