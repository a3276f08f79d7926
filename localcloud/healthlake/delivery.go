package healthlake

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// DefaultActivation is how long a new Subscription is requested before it is active, unless SetActivation says otherwise. AWS
// takes 5 to 10 minutes.
const DefaultActivation = time.Second

// Delivery says how notifications of Subscriptions travel. The zero value sends each once, soon and in order; AWS promises
// at least once and no order.
type Delivery struct {
	// Delay is called for each notification, with "<Type>/<id>/_history/<version>". nil: none.
	Delay func(change string) time.Duration
	// Copies says how often a notification is sent, once at least. nil: once.
	Copies func(change string) int
	// PerBundle is how many notifications are sent as one event; 0 means 1.
	PerBundle int
}

// retryFor is how long HealthLake tries to deliver a notification.
const retryFor = 14 * 24 * time.Hour

// maxEntries is the number of events that one PutEvents takes.
const maxEntries = 10

// SetActivation sets how long Subscriptions that are created from now on are requested.
func (s *Service) SetActivation(d time.Duration) { s.set(func(c *settings) { c.activation = d }) }

// SetDelivery sets how notifications of later changes travel.
func (s *Service) SetDelivery(d Delivery) { s.set(func(c *settings) { c.delivery = d }) }

func (s *Service) currentDelivery() Delivery {
	return setting(s, func(c *settings) Delivery { return c.delivery })
}

func (s *Service) currentActivation() time.Duration {
	return setting(s, func(c *settings) time.Duration { return c.activation })
}

// cursor is how far a subscription has come: the changes up to the time From are delivered.
type cursor struct {
	From int64 `json:"from"`
}

const cursorType = "!cursor" // stands where a resource type stands in the keys of cursors

func (ds *datastore) cursorKey(id string) string { return ds.id + "/" + cursorType + "/" + id }

// notice is a change that a subscriber is to be told of.
type notice struct {
	at, due int64
	typ, id string
	n       int
}

func (n *notice) change() string { return n.typ + "/" + n.id + "/_history/" + strconv.Itoa(n.n) }

// subscriber is a Subscription that is requested or active.
type subscriber struct {
	s        *Service
	ds       *datastore
	id       string
	version  int // of the Subscription, in which it was requested
	bus      string
	topic    string
	interest *interest

	mu       sync.Mutex
	active   bool
	stopped  bool
	waiting  notices
	sending  bool
	failures int
	timer    clock.Timer // the next delivery
	armed    int64       // what it was set for; 0 if it has come
	other    clock.Timer // activation, then the end
	handled  int64       // the latest change that it was told of, or did not want
}

// follow makes a Subscription's new version count. The caller holds no lock.
func (s *Service) follow(ds *datastore, w written) {
	var t subscriptionText
	if w.text != nil {
		if err := json.Unmarshal(w.text, &t); err != nil {
			s.d.Logf("a Subscription cannot be read")
			return
		}
	}
	ds.mu.Lock()
	old := ds.subscribers[w.r.id]
	if t.Status == "active" && old != nil {
		ds.mu.Unlock()
		return // this is its activation
	}
	delete(ds.subscribers, w.r.id)
	ds.mu.Unlock()
	if old != nil {
		old.stop()
	}
	if t.Status != "requested" {
		ds.journal.Delete(ds.cursorKey(w.r.id))
		return
	}
	if err := s.request(ds, w.r.id, w.n, &t, s.currentActivation()); err != nil {
		s.d.Logf("a Subscription cannot be requested: %v", err)
	}
}

// request prepares a subscriber that becomes active after a time.
func (s *Service) request(ds *datastore, id string, n int, t *subscriptionText, after time.Duration) error {
	i, err := s.interestOf(ds, t)
	if err != nil {
		return err
	}
	sub := &subscriber{s: s, ds: ds, id: id, version: n, bus: t.Channel.Endpoint, topic: t.Criteria, interest: i}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.closed {
		return nil
	}
	ds.subscribers[id] = sub
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.other = s.d.Clock.AfterFunc(after, func() { sub.activate(t) })
	return nil
}

// activate sends the handshake and makes the Subscription active, or says in it why it cannot be.
func (sub *subscriber) activate(t *subscriptionText) {
	s, ds := sub.s, sub.ds
	status := subscriptionStatus("handshake", sub, nil)
	err := sub.checkKey()
	if err == nil {
		err = sub.send([][]map[string]any{{status}})
	}
	if err != nil {
		e := string(quote("HealthLake could not notify the event bus: " + dispatch.AsError(err).Message))
		if err := s.setStatus(ds, subscriptionType, sub.id, sub.version, "status", `"error"`, "error", e); err != nil {
			s.d.Logf("ending a Subscription: %v", err)
		}
		return
	}
	now := s.d.Clock.Now()
	sub.mu.Lock()
	if sub.stopped {
		sub.mu.Unlock()
		return
	}
	sub.active, sub.handled = true, now.UnixNano()
	sub.armEnd(t, now)
	sub.keep()
	sub.mu.Unlock()
	if err := s.setStatus(ds, subscriptionType, sub.id, sub.version, "status", `"active"`); err != nil {
		s.d.Logf("activating a Subscription: %v", err)
	}
	id, _ := topicID(ds, t.Criteria)
	if topic, err := ds.currentText(topicType, id); err == nil {
		if parsed, err := parseTopic(topic); err == nil && parsed.Status != "active" {
			if err := s.setStatus(ds, topicType, id, 0, "status", `"active"`); err != nil {
				s.d.Logf("activating a SubscriptionTopic: %v", err)
			}
		}
	}
}

// checkKey checks that the bus of a data store with a customer's key is encrypted with the same key, as HealthLake wants it.
func (sub *subscriber) checkKey() error {
	row, _ := sub.s.rows.Get(sub.ds.id)
	if row.Key == "" {
		return nil
	}
	var bus struct{ KmsKeyIdentifier string }
	if err := sub.s.d.DoInto(context.Background(), sub.s.d.Root(), "events", "DescribeEventBus", map[string]any{"Name": sub.bus}, &bus); err != nil {
		return err
	}
	if id := row.Key[strings.LastIndexByte(row.Key, '/')+1:]; bus.KmsKeyIdentifier != row.Key && bus.KmsKeyIdentifier != id {
		return errors.New("the bus must be encrypted with the KMS key of the data store")
	}
	return nil
}

// armEnd ends the subscription at its time. The caller holds the lock.
func (sub *subscriber) armEnd(t *subscriptionText, now time.Time) {
	if end := t.endOf(); !end.IsZero() {
		sub.other = sub.s.d.Clock.AfterFunc(end.Sub(now), func() {
			if err := sub.s.setStatus(sub.ds, subscriptionType, sub.id, 0, "status", `"off"`); err != nil {
				sub.s.d.Logf("ending a Subscription: %v", err)
			}
		})
	}
}

// stop ends the subscriber's work.
func (sub *subscriber) stop() {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.stopped, sub.active = true, false
	for _, t := range []clock.Timer{sub.timer, sub.other} {
		if t != nil {
			t.Stop()
		}
	}
	sub.waiting = nil
}

// keep notes how far the subscriber has come. That need not be confirmed: what is lost with it is sent again. The caller
// holds the lock.
func (sub *subscriber) keep() {
	from := sub.handled
	for _, n := range sub.waiting {
		from = min(from, n.at-1)
	}
	sub.ds.journal.Put(sub.ds.cursorKey(sub.id), []byte(`{"from":`+strconv.FormatInt(from, 10)+`}`))
}

// notify tells the subscribers of a change. The caller holds the data store's lock.
func (s *Service) notify(ds *datastore, w written) {
	for _, sub := range ds.subscribers {
		sub.tell(w)
	}
}

func (sub *subscriber) tell(w written) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if !sub.active {
		return
	}
	sub.handled = w.at
	how, first := w.r.versions[w.n-1].how, w.n == 1 || w.r.versions[w.n-2].how == deleted
	if !sub.interest.wants(w.r.typ, w.r.id, how, first, w.at) {
		return
	}
	delivery := sub.s.currentDelivery()
	n := &notice{at: w.at, typ: w.r.typ, id: w.r.id, n: w.n}
	now := sub.s.d.Clock.Now()
	copies := 1
	if delivery.Copies != nil {
		copies = max(delivery.Copies(n.change()), 1)
	}
	for range copies {
		again := *n
		again.due = now.UnixNano()
		if delivery.Delay != nil {
			again.due += int64(delivery.Delay(n.change()))
		}
		heap.Push(&sub.waiting, &again)
	}
	sub.arm(now)
}

// arm sets the timer for the next delivery. The caller holds the lock.
func (sub *subscriber) arm(now time.Time) {
	if sub.stopped || sub.sending || len(sub.waiting) == 0 {
		return
	}
	due := sub.waiting[0].due
	if sub.failures == 0 && sub.armed != 0 && sub.armed <= due {
		return
	}
	sub.armed = due
	wait := time.Duration(due - now.UnixNano())
	if sub.failures > 0 {
		wait = max(wait, min(time.Second<<(sub.failures-1), 5*time.Minute))
		sub.failures = min(sub.failures, 12)
	}
	if sub.timer != nil {
		sub.timer.Stop()
	}
	sub.timer = sub.s.d.Clock.AfterFunc(wait, sub.deliver)
}

// deliver sends what is due.
func (sub *subscriber) deliver() {
	perBundle := max(sub.s.currentDelivery().PerBundle, 1)
	for {
		batch := sub.due(perBundle * maxEntries)
		if len(batch) == 0 {
			return
		}
		var bundles [][]map[string]any
		for i := 0; i < len(batch); i += perBundle {
			var events []map[string]any
			for _, n := range batch[i:min(i+perBundle, len(batch))] {
				events = append(events, sub.event(n))
			}
			bundles = append(bundles, []map[string]any{subscriptionStatus("event-notification", sub, events)})
		}
		err := sub.send(bundles)
		sub.mu.Lock()
		sub.sending = false
		if sub.stopped {
			sub.mu.Unlock()
			return
		}
		now := sub.s.d.Clock.Now()
		if err != nil {
			sub.failures++
			for _, n := range batch {
				if now.UnixNano()-n.at < int64(retryFor) {
					heap.Push(&sub.waiting, n)
				}
			}
			sub.arm(now)
			sub.mu.Unlock()
			return
		}
		sub.failures = 0
		sub.keep()
		sub.arm(now)
		sub.mu.Unlock()
	}
}

// due takes what is to be sent now, and marks the subscriber as sending if there is anything.
func (sub *subscriber) due(limit int) []*notice {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.armed = 0
	if sub.stopped || sub.sending {
		return nil
	}
	now := sub.s.d.Clock.Now().UnixNano()
	var batch []*notice
	for len(batch) < limit && len(sub.waiting) > 0 && sub.waiting[0].due <= now {
		batch = append(batch, heap.Pop(&sub.waiting).(*notice))
	}
	if sub.sending = len(batch) > 0; !sub.sending {
		sub.arm(sub.s.d.Clock.Now())
	}
	return batch
}

// event is one notification, as the Backport guide's SubscriptionStatus has it. Its id is the same whenever it is sent.
func (sub *subscriber) event(n *notice) map[string]any {
	sum := sha256.Sum256([]byte(sub.id + "/" + n.change()))
	text := hex.EncodeToString(sum[:16])
	return map[string]any{"eventNumber": "0", "timestamp": instant(sub.s.d.Clock.Now()), "focus": n.typ + "/" + n.id,
		"additionalContext": n.change(), "id": strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")}
}

func subscriptionStatus(kind string, sub *subscriber, events []map[string]any) map[string]any {
	status := map[string]any{"resourceType": "SubscriptionStatus", "id": newID(), "status": "active", "type": kind, "eventsSinceSubscriptionStart": "-1",
		"subscription": map[string]string{"reference": subscriptionType + "/" + sub.id}, "topic": sub.topic}
	if events != nil {
		status["notificationEvent"] = events
	} else {
		status["eventsSinceSubscriptionStart"], status["status"] = "0", "requested"
	}
	return status
}

// send puts bundles of SubscriptionStatus resources on the subscription's bus, each as one event.
// https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-subs-ex-notif-payload.html
func (sub *subscriber) send(bundles [][]map[string]any) error {
	s := sub.s
	now := s.d.Clock.Now()
	var entries []map[string]any
	for _, resources := range bundles {
		var entry []map[string]any
		for _, r := range resources {
			entry = append(entry, map[string]any{"fullUrl": "urn:uuid:" + newID(), "resource": r})
		}
		detail, err := encode(map[string]any{
			"subscriptionUrl": s.address(sub.ds.id) + subscriptionType + "/" + sub.id,
			"notificationBundlePayload": map[string]any{"resourceType": "Bundle", "id": newID(), "type": "history", "timestamp": instant(now),
				"status": "requested", "entry": entry},
		})
		if err != nil {
			return err
		}
		entries = append(entries, map[string]any{"Source": "healthlake", "DetailType": "FHIR Subscription Notification", "Resources": []string{},
			"Detail": string(detail), "EventBusName": sub.bus, "Time": dispatch.Time{Time: now}})
	}
	const name = "healthlake.amazonaws.com"
	by := dispatch.Principal{ARN: name, Service: name, SourceARN: s.arn(sub.ds.id)}
	var out struct{ FailedEntryCount int }
	if err := s.d.DoInto(context.Background(), by, "events", "PutEvents", map[string]any{"Entries": entries}, &out); err != nil {
		return err
	}
	if out.FailedEntryCount > 0 {
		return errors.New("the event bus refused " + strconv.Itoa(out.FailedEntryCount) + " notifications")
	}
	return nil
}

// resume takes the Subscriptions up again that the journal holds.
func (s *Service) resume(cursors map[string]cursor) error {
	now := s.d.Clock.Now()
	for _, ds := range s.stores {
		c := ds.types[subscriptionType]
		if c == nil {
			continue
		}
		for id, r := range c.byID {
			v := *r.latest()
			text, err := ds.text(r, len(r.versions), v)
			if err != nil {
				return err
			}
			var t subscriptionText
			if text == nil || json.Unmarshal(text, &t) != nil {
				continue
			}
			switch t.Status {
			case "requested":
				err = s.request(ds, id, len(r.versions), &t, max(time.Duration(v.at-now.UnixNano())+s.currentActivation(), 0))
			case "active":
				err = s.reactivate(ds, id, &t, cursors[ds.cursorKey(id)], now)
			}
			if err != nil {
				return fmt.Errorf("resuming a Subscription: %w", err)
			}
		}
	}
	return nil
}

// reactivate continues an active Subscription behind its cursor.
func (s *Service) reactivate(ds *datastore, id string, t *subscriptionText, c cursor, now time.Time) error {
	i, err := s.interestOf(ds, t)
	if err != nil {
		return err
	}
	sub := &subscriber{s: s, ds: ds, id: id, bus: t.Channel.Endpoint, topic: t.Criteria, interest: i, active: true, handled: max(c.From, ds.last)}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	for typ := range i.triggers {
		collection := ds.types[typ]
		if collection == nil {
			continue
		}
		for _, r := range collection.byID {
			for n, v := range r.versions {
				if v.at > c.From && i.wants(typ, r.id, v.how, n == 0 || r.versions[n-1].how == deleted, v.at) {
					sub.waiting = append(sub.waiting, &notice{at: v.at, due: now.UnixNano(), typ: typ, id: r.id, n: n + 1})
				}
			}
		}
	}
	heap.Init(&sub.waiting)
	sub.armEnd(t, now)
	sub.arm(now)
	ds.subscribers[id] = sub
	return nil
}

// Close ends what the service does of itself.
func (s *Service) Close() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, ds := range s.stores {
		ds.mu.Lock()
		for _, sub := range ds.subscribers {
			sub.stop()
		}
		ds.mu.Unlock()
	}
}

// notices is a heap by the time at which they are due.
type notices []*notice

func (h notices) Len() int { return len(h) }
func (h notices) Less(i, j int) bool {
	if h[i].due != h[j].due {
		return h[i].due < h[j].due
	}
	return h[i].at < h[j].at
}
func (h notices) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *notices) Push(x any)   { *h = append(*h, x.(*notice)) }
func (h *notices) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return n
}
