package healthlake

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// method is how a version came to be.
type method uint8

const (
	created method = iota
	updated
	patched
	deleted
)

// verbs are the HTTP methods of bundle entries, by method.
var verbs = [...]string{"POST", "PUT", "PATCH", "DELETE"}

// version is one version of a resource. Its text is in the journal, or here if the journal keeps nothing.
type version struct {
	at   int64 // the time of the update, in nanoseconds since 1970
	how  method
	text []byte
}

// record is a resource with all its versions; versions[n-1] is version n.
type record struct {
	typ, id  string
	versions []version
	shown    int64 // from when search shows the current version; until then it shows none
}

func (r *record) latest() *version { return &r.versions[len(r.versions)-1] }

// collection holds the resources of one type.
type collection struct {
	byID    map[string]*record
	current timeline // of those that are not deleted
	log     []entry  // all versions, oldest first
}

// datastore is the data plane of one data store.
type datastore struct {
	id      string
	journal *store.Journal
	access  grants

	mu          sync.RWMutex
	closed      bool
	types       map[string]*collection
	last        int64 // the time of the latest update
	keys        map[string]*record
	keyOrder    []string // oldest first
	subscribers map[string]*subscriber
}

func newDatastore(id string, j *store.Journal) *datastore {
	return &datastore{id: id, journal: j, types: map[string]*collection{}, keys: map[string]*record{}, subscribers: map[string]*subscriber{}}
}

// rememberedKeys bounds the number of idempotency keys that a store remembers: the latest ones.
const rememberedKeys = 10_000

// kept is a version as the journal has it, before its text and a line break.
type kept struct {
	At    int64  `json:"t"`
	How   method `json:"m"`
	Shown int64  `json:"s"`
	Key   string `json:"k,omitempty"` // the request's idempotency key
	Batch string `json:"b,omitempty"` // the transaction that it belongs to: it counts only if the transaction was written whole
}

const batchType = "!transaction" // stands where a resource type stands in the keys of transactions

func (ds *datastore) key(typ, id string, n int) string {
	return ds.id + "/" + typ + "/" + id + "/" + strconv.Itoa(n)
}

func (ds *datastore) record(typ, id string) *record {
	if c := ds.types[typ]; c != nil {
		return c.byID[id]
	}
	return nil
}

// change is a version that is to be written.
type change struct {
	typ, id string
	how     method
	doc     *document // nil for deletions
	key     string    // idempotency key
	batch   string
}

// written is what a change came to.
type written struct {
	r    *record
	n    int // the version
	at   int64
	text []byte
}

// tick returns the time of the next update, which is later than all before. The caller holds the lock.
func (ds *datastore) tick(now time.Time) int64 {
	ds.last = max(now.UnixNano(), ds.last+1)
	return ds.last
}

// write makes a change. The caller holds the lock, and flushes the journal when it has let go of it.
func (ds *datastore) write(c change, now time.Time, lag time.Duration) (written, error) {
	at := ds.tick(now)
	shown := now.UnixNano() + int64(lag)
	n := 1
	if r := ds.record(c.typ, c.id); r != nil {
		n = len(r.versions) + 1
	}
	var text []byte
	if c.doc != nil {
		text = c.doc.stamp(c.id, n, time.Unix(0, at))
	}
	if ds.journal.Durable() {
		head, err := json.Marshal(kept{At: at, How: c.how, Shown: shown, Key: c.key, Batch: c.batch})
		if err != nil {
			return written{}, fmt.Errorf("writing a version: %w", err)
		}
		value := make([]byte, 0, len(head)+1+len(text))
		value = append(append(append(value, head...), '\n'), text...)
		ds.journal.Put(ds.key(c.typ, c.id, n), value)
	}
	r := ds.insert(c.typ, c.id, n, version{at: at, how: c.how}, shown)
	if !ds.journal.Durable() {
		r.latest().text = text
	}
	if c.key != "" {
		ds.remember(c.key, r)
	}
	return written{r, n, at, text}, nil
}

// insert adds a version to what is in memory.
func (ds *datastore) insert(typ, id string, n int, v version, shown int64) *record {
	c := ds.types[typ]
	if c == nil {
		c = &collection{byID: map[string]*record{}}
		ds.types[typ] = c
	}
	r := c.byID[id]
	if r == nil {
		r = &record{typ: typ, id: id}
		c.byID[id] = r
	} else if before := r.latest(); before.how != deleted {
		c.current.remove(before.at)
	}
	r.versions = append(r.versions, v)
	c.log = append(c.log, entry{v.at, r, n})
	r.shown = shown
	if v.how != deleted {
		c.current.add(v.at, r)
	}
	return r
}

func (ds *datastore) remember(key string, r *record) {
	ds.keys[key] = r
	if ds.keyOrder = append(ds.keyOrder, key); len(ds.keyOrder) > rememberedKeys {
		delete(ds.keys, ds.keyOrder[0])
		ds.keyOrder = ds.keyOrder[1:]
	}
}

// text reads a version's text; nil for deletions. It needs no lock.
func (ds *datastore) text(r *record, n int, v version) ([]byte, error) {
	if !ds.journal.Durable() || v.how == deleted {
		return v.text, nil
	}
	value, ok, err := ds.journal.Get(ds.key(r.typ, r.id, n))
	if err != nil {
		return nil, fmt.Errorf("reading a version of a %s: %w", r.typ, err)
	}
	if !ok {
		return nil, notFound(r.typ, r.id) // the data store was deleted meanwhile
	}
	_, text, err := cutKept(value)
	return text, err
}

func cutKept(value []byte) (head kept, text []byte, err error) {
	for i, c := range value {
		if c == '\n' {
			return head, value[i+1:], json.Unmarshal(value[:i], &head)
		}
	}
	return head, nil, errors.New("a version's record has no head")
}

// load reads the versions that the journal holds into the data stores. Those of a transaction that was not written whole
// were never confirmed to anybody; they go.
func load(j *store.Journal, stores map[string]*datastore) (cursors map[string]cursor, err error) {
	cursors = map[string]cursor{}
	type found struct {
		typ, id string
		kept
	}
	whole := map[string]bool{}
	parts := map[*datastore]map[string]map[int]found{} // by resource and version
	for rec, err := range j.All() {
		if err != nil {
			return nil, fmt.Errorf("loading the resources: %w", err)
		}
		names := strings.Split(rec.Key, "/")
		ds := stores[names[0]]
		if ds == nil || len(names) < 3 { // its store was deleted
			j.Delete(rec.Key)
			continue
		}
		switch names[1] {
		case batchType:
			whole[names[2]] = true
			continue
		case cursorType:
			var c cursor
			if err := json.Unmarshal(rec.Value, &c); err != nil {
				return nil, fmt.Errorf("loading %s: %w", rec.Key, err)
			}
			cursors[rec.Key] = c
			continue
		}
		head, _, err := cutKept(rec.Value)
		if err != nil || len(names) != 4 {
			return nil, fmt.Errorf("loading %s: the record is damaged", rec.Key)
		}
		n, err := strconv.Atoi(names[3])
		if err != nil {
			return nil, fmt.Errorf("loading %s: %w", rec.Key, err)
		}
		if parts[ds] == nil {
			parts[ds] = map[string]map[int]found{}
		}
		name := names[1] + "/" + names[2]
		if parts[ds][name] == nil {
			parts[ds][name] = map[int]found{}
		}
		parts[ds][name][n] = found{names[1], names[2], head}
	}
	for ds, resources := range parts {
		for _, versions := range resources {
			for n := 1; ; n++ {
				f, ok := versions[n]
				if !ok {
					break
				}
				if f.Batch != "" && !whole[f.Batch] {
					j.Delete(ds.key(f.typ, f.id, n))
					break
				}
				r := ds.insert(f.typ, f.id, n, version{at: f.At, how: f.How}, f.Shown)
				ds.last = max(ds.last, f.At)
				if f.Key != "" {
					ds.remember(f.Key, r)
				}
			}
		}
	}
	for _, ds := range stores {
		for _, c := range ds.types {
			c.sortLog()
		}
	}
	return cursors, j.Flush()
}

// drop removes everything of a data store.
func (ds *datastore) drop() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.closed = true
	for typ, c := range ds.types {
		for id, r := range c.byID {
			for n := range r.versions {
				ds.journal.Delete(ds.key(typ, id, n+1))
			}
		}
	}
	for id, sub := range ds.subscribers {
		sub.stop()
		ds.journal.Delete(ds.cursorKey(id))
	}
	ds.types, ds.keys, ds.keyOrder, ds.subscribers = nil, nil, nil, nil
}

// knownBefore is the time before which versions are known to a way of reading that lags. Updates at the same moment have
// times that differ by nanoseconds; the lag is kept to the millisecond.
func (s *Service) knownBefore(lag time.Duration) int64 {
	if lag <= 0 {
		return end
	}
	return s.d.Clock.Now().Add(time.Millisecond - lag).UnixNano()
}

const (
	beginning = math.MinInt64
	end       = math.MaxInt64
)

// open returns the data plane of a store that takes FHIR calls.
func (s *Service) open(id string) (*datastore, error) {
	row, ok := s.rows.Get(id)
	now := s.d.Clock.Now()
	if !ok || row.status(now) == statusDeleted {
		return nil, fault(404, "ResourceNotFoundException", "not-found", "Datastore not found: %s", id)
	}
	if status := row.status(now); status != statusActive {
		return nil, fault(409, "ConflictException", "conflict", "Datastore %s is not active: its status is %s.", id, status)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	ds := s.stores[id]
	if ds == nil {
		return nil, &dispatch.Error{Code: "InternalServerException", Status: 500, Message: "The data store " + id + " has no data plane."}
	}
	return ds, nil
}
