package eventbridge

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Delivery is what Disturb is asked about: an event on its way to a target.
type Delivery struct {
	Bus, Rule string // names
	Target    string // the target's id in the rule
	TargetArn string
	EventID   string
}

// parcel is a delivery that is not done. Its exported members are what the journal keeps.
type parcel struct {
	Rule     string // key
	Target   string // id
	Accepted time.Time
	Due      time.Time // of the next attempt
	Attempts int

	event *event
	key   string // in the journal
}

const (
	workers    = 64        // attempts under way at a time
	maxPending = 256 << 20 // bytes of events that wait for their targets; beyond that PutEvents is throttled
)

// delivery carries events to targets.
type delivery struct {
	s       *Service
	journal *store.Journal

	mu      sync.Mutex
	open    bool
	parcels map[*parcel]clock.Timer // that are not done; with a timer while they wait for their time
	ready   []*parcel               // from first on
	first   int
	running int
	working int // workers
	bytes   int
	idle    chan struct{} // closed when nothing runs and nothing is ready; nil when nobody asked
	room    chan struct{} // closed when there is room for more events; nil when nobody asked
	disturb func(Delivery) []time.Duration
	refuse  func(*PutEventsEntry) bool
}

// Disturb installs what tests do to deliveries; nil ends it. For each delivery of an event that is accepted from then on f
// returns after what times it is made: none for one that is lost, 0 twice for one that is made twice, a time for one that is late
// and so comes behind others.
func (s *Service) Disturb(f func(Delivery) []time.Duration) {
	s.delivery.mu.Lock()
	defer s.delivery.mu.Unlock()
	s.delivery.disturb = f
}

// Refuse installs what tests do to entries of PutEvents; nil ends it. f is called for each entry that would be accepted, in the
// order of the request, and says whether it fails with InternalFailure while the others of its request do not.
func (s *Service) Refuse(f func(*PutEventsEntry) bool) {
	s.delivery.mu.Lock()
	defer s.delivery.mu.Unlock()
	s.delivery.refuse = f
}

func (d *delivery) refuses(e *PutEventsEntry) bool {
	d.mu.Lock()
	f := d.refuse
	d.mu.Unlock()
	return f != nil && f(e)
}

func (d *delivery) waits(what Delivery) []time.Duration {
	d.mu.Lock()
	f := d.disturb
	d.mu.Unlock()
	if f == nil {
		return []time.Duration{0}
	}
	return f(what)
}

const eventKey, parcelKey = "e/", "p/"

// keep writes an event and its deliveries into the journal, which the caller flushes.
func (d *delivery) keep(ev *event, parcels []*parcel) {
	if len(parcels) == 0 {
		return
	}
	ev.key = dispatch.NewRequestID()
	d.journal.Put(eventKey+ev.key, ev.record())
	d.mu.Lock()
	defer d.mu.Unlock()
	ev.left = len(parcels)
	d.bytes += len(ev.text)
	for i, p := range parcels {
		p.key = parcelKey + ev.key + "/" + strconv.Itoa(i)
		d.note(p)
		d.parcels[p] = nil
	}
}

func (d *delivery) note(p *parcel) {
	text, err := json.Marshal(p)
	if err != nil {
		panic("writing a delivery: " + err.Error())
	}
	d.journal.Put(p.key, text)
}

// record is an event as the journals keep it: what it is beside its text, and the text.
func (ev *event) record() []byte {
	header, err := json.Marshal(ev)
	if err != nil { // it holds strings and times only
		panic("writing an event: " + err.Error())
	}
	b := binary.AppendUvarint(make([]byte, 0, len(header)+len(ev.text)+binary.MaxVarintLen32), uint64(len(header)))
	return append(append(b, header...), ev.text...)
}

func eventOf(record []byte) (*event, error) {
	n, width := binary.Uvarint(record)
	if width <= 0 || n > uint64(len(record)-width) {
		return nil, errors.New("the record is too short")
	}
	ev := &event{text: record[width+int(n):]}
	return ev, json.Unmarshal(record[width:width+int(n)], ev)
}

// load reads what was not delivered.
func (d *delivery) load(s *Service, st *store.Store) error {
	d.s, d.parcels = s, map[*parcel]clock.Timer{}
	var err error
	if d.journal, err = store.NewJournal(st, "events"); err != nil {
		return err
	}
	events := map[string]*event{}
	var parcels []*parcel
	for r, err := range d.journal.All() {
		if err != nil {
			return fmt.Errorf("loading the events: %w", err)
		}
		if key, ok := strings.CutPrefix(r.Key, eventKey); ok {
			ev, err := eventOf(r.Value)
			if err != nil {
				return fmt.Errorf("loading the event %s: %w", key, err)
			}
			ev.key = key
			events[key] = ev
			continue
		}
		p := &parcel{key: r.Key}
		if err := json.Unmarshal(r.Value, p); err != nil {
			return fmt.Errorf("loading the delivery %s: %w", r.Key, err)
		}
		parcels = append(parcels, p)
	}
	for _, p := range parcels {
		key, _, _ := strings.Cut(strings.TrimPrefix(p.key, parcelKey), "/")
		if p.event = events[key]; p.event == nil {
			d.journal.Delete(p.key)
			continue
		}
		if p.event.left++; p.event.left == 1 {
			d.bytes += len(p.event.text)
		}
		d.parcels[p] = nil
	}
	for key, ev := range events {
		if ev.left == 0 {
			d.journal.Delete(eventKey + key)
		}
	}
	return d.journal.Flush()
}

// full reports whether no more events can be taken.
func (d *delivery) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bytes >= maxPending
}

// start begins with what was kept.
func (d *delivery) start() {
	d.mu.Lock()
	d.open = true
	var all []*parcel
	for p := range d.parcels {
		all = append(all, p)
	}
	d.mu.Unlock()
	slices.SortFunc(all, func(a, b *parcel) int {
		if n := a.event.Ingested.Compare(b.event.Ingested); n != 0 {
			return n
		}
		return strings.Compare(a.key, b.key)
	})
	d.send(all)
}

// stop begins no further attempts; what is ready is kept for the next start.
func (d *delivery) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = false
	d.ready, d.first = nil, 0
	for p, t := range d.parcels {
		if t != nil {
			t.Stop()
			d.parcels[p] = nil
		}
	}
	d.rest()
}

// send has parcels delivered at their time.
func (d *delivery) send(parcels []*parcel) {
	if len(parcels) == 0 {
		return
	}
	now := d.s.d.Clock.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range parcels {
		if _, known := d.parcels[p]; !known || !d.open {
			continue
		}
		if wait := p.Due.Sub(now); wait > 0 {
			d.parcels[p] = d.s.d.Clock.AfterFunc(wait, func() { d.due(p) })
		} else {
			d.push(p)
		}
	}
}

func (d *delivery) due(p *parcel) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.parcels[p]; known && d.open {
		d.parcels[p] = nil
		d.push(p)
	}
}

// push has a parcel delivered now. The caller holds the lock.
func (d *delivery) push(p *parcel) {
	d.ready = append(d.ready, p)
	if d.working < workers {
		d.working++
		go d.work()
	}
}

// pop takes the next parcel. The caller holds the lock.
func (d *delivery) pop() *parcel {
	if d.first == len(d.ready) {
		d.ready, d.first = d.ready[:0], 0
		return nil
	}
	p := d.ready[d.first]
	d.ready[d.first] = nil
	d.first++
	if d.first > 1024 && d.first > len(d.ready)/2 {
		d.ready = append(d.ready[:0], d.ready[d.first:]...)
		d.first = 0
	}
	return p
}

func (d *delivery) work() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		p := d.pop()
		if p == nil {
			break
		}
		d.running++
		d.mu.Unlock()
		d.s.attempt(p)
		d.mu.Lock()
		d.running--
		if d.running == 0 && d.first == len(d.ready) {
			// Nothing else will flush what was delivered: it would be delivered again after kill -9.
			d.mu.Unlock()
			if err := d.journal.Flush(); err != nil {
				d.s.d.Logf("writing down what was delivered: %v", err)
			}
			d.mu.Lock()
		}
	}
	d.working--
	d.rest()
}

// run does something beside the deliveries for which Rest and Close wait too.
func (d *delivery) run(f func()) {
	d.mu.Lock()
	d.running++
	d.mu.Unlock()
	go func() {
		f()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.running--
		d.rest()
	}()
}

// rest tells who waits that nothing is under way. The caller holds the lock.
func (d *delivery) rest() {
	if d.idle != nil && d.running == 0 && d.working == 0 && d.first == len(d.ready) {
		close(d.idle)
		d.idle = nil
	}
}

func (d *delivery) wait(ctx context.Context) error {
	d.mu.Lock()
	if d.running == 0 && d.working == 0 && d.first == len(d.ready) {
		d.mu.Unlock()
		return nil
	}
	if d.idle == nil {
		d.idle = make(chan struct{})
	}
	idle := d.idle
	d.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done forgets a parcel that was delivered or given up.
func (d *delivery) done(p *parcel) {
	d.journal.Delete(p.key)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.parcels, p)
	if p.event.left--; p.event.left == 0 {
		d.bytes -= len(p.event.text)
		d.journal.Delete(eventKey + p.event.key)
	}
	if d.room != nil && d.bytes < maxPending/2 {
		close(d.room)
		d.room = nil
	}
}

// waitForRoom returns when more events can be taken, or with the context's error.
func (d *delivery) waitForRoom(ctx context.Context) error {
	d.mu.Lock()
	if d.bytes < maxPending {
		d.mu.Unlock()
		return ctx.Err()
	}
	if d.room == nil {
		d.room = make(chan struct{})
	}
	room := d.room
	d.mu.Unlock()
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// again sets the time of another attempt.
func (d *delivery) again(p *parcel) {
	d.note(p)
	d.send([]*parcel{p})
}

// maxBackoff is the longest time between two attempts: it spreads the 185 retries of AWS's standard over its 24 hours. AWS
// says no more than that the back-off is exponential with jitter; here it begins with a second and has none.
const maxBackoff = 8 * time.Minute

// attempt makes one delivery, and sees to what comes of it.
func (s *Service) attempt(p *parcel) {
	r, ok := s.rules.Get(p.Rule)
	t := r.target(p.Target)
	if !ok || t == nil {
		s.delivery.done(p) // the rule or its target is gone
		return
	}
	p.Attempts++
	err := s.deliver(s.ctx, &r, t, p)
	if err == nil {
		s.delivery.done(p)
		return
	}
	if s.ctx.Err() != nil {
		return // broken off by Close: the next Start makes it again
	}
	var problem *failure
	if !errors.As(err, &problem) {
		problem = classify(err)
	}
	exhausted := ""
	if problem.retry {
		if exhausted = s.retry(t, p); exhausted == "" {
			return
		}
	}
	s.bury(&r, t, p, problem, exhausted)
	s.delivery.done(p)
}

// retry sets the time of another attempt, or returns the condition of the retry policy that forbids one.
func (s *Service) retry(t *Target, p *parcel) (exhausted string) {
	attempts, age := 185, 86400
	if r := t.RetryPolicy; r != nil {
		if r.MaximumRetryAttempts != nil {
			attempts = *r.MaximumRetryAttempts
		}
		if r.MaximumEventAgeInSeconds != nil {
			age = *r.MaximumEventAgeInSeconds
		}
	}
	if p.Attempts > attempts {
		return "MaximumRetryAttempts"
	}
	due := s.now().Add(min(time.Second<<min(p.Attempts-1, 10), maxBackoff))
	if due.Sub(p.Accepted) > time.Duration(age)*time.Second {
		return "MaximumEventAgeInSeconds"
	}
	p.Due = due
	s.delivery.again(p)
	return ""
}
