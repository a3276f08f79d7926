package cloudtrail

import (
	"bytes"
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// DefaultDelay is how long after a call its record reaches EventBridge unless SetDelivery says otherwise. AWS has been seen to
// take 2 to 5 minutes.
const DefaultDelay = 2 * time.Second

// Record is one record of a call.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type Record struct {
	EventVersion       string         `json:"eventVersion"`
	UserIdentity       map[string]any `json:"userIdentity"`
	EventTime          string         `json:"eventTime"` // when the call ended, in whole seconds
	EventSource        string         `json:"eventSource"`
	EventName          string         `json:"eventName"`
	AWSRegion          string         `json:"awsRegion"`
	SourceIPAddress    string         `json:"sourceIPAddress"`
	UserAgent          string         `json:"userAgent"`
	ErrorCode          string         `json:"errorCode,omitempty"`
	ErrorMessage       string         `json:"errorMessage,omitempty"`
	RequestParameters  any            `json:"requestParameters"`
	ResponseElements   any            `json:"responseElements"`
	RequestID          string         `json:"requestID"`
	EventID            string         `json:"eventID"`
	ReadOnly           bool           `json:"readOnly"`
	EventType          string         `json:"eventType"`
	ManagementEvent    bool           `json:"managementEvent"`
	RecipientAccountID string         `json:"recipientAccountId"`
	EventCategory      string         `json:"eventCategory"`
}

// SetDelivery has f say how long after its call each record reaches EventBridge: a delay for each time that it does, none if
// it is lost. Records with different delays overtake each other. f must be quick and safe for concurrent use.
func (s *Service) SetDelivery(f func(Record) []time.Duration) {
	s.courier.mu.Lock()
	defer s.courier.mu.Unlock()
	s.courier.delays = f
}

// audit records a call for the trails that want it.
func (s *Service) audit(a dispatch.Audit) {
	source := a.Call.Service + ".amazonaws.com"
	var record *Record
	for name, r := range s.trails.All() {
		if !r.Logging || !r.wants(source, a.Call.Action) {
			continue
		}
		if record == nil {
			record = s.record(a, source)
		}
		s.files.add(name, record)
	}
	if record != nil {
		s.courier.take(record)
	}
}

func (s *Service) record(a dispatch.Audit, source string) *Record {
	parameters, elements := a.Recorded()
	r := &Record{EventVersion: "1.11", UserIdentity: identity(a.Call.Principal, s.d.Account), EventTime: a.Time.UTC().Format("2006-01-02T15:04:05Z"),
		EventSource: source, EventName: a.Call.Action, AWSRegion: s.d.Region, SourceIPAddress: "127.0.0.1", UserAgent: "carepath",
		RequestParameters: parameters, ResponseElements: elements, RequestID: a.Call.RequestID, EventID: dispatch.NewRequestID(),
		EventType: "AwsApiCall", ManagementEvent: true, RecipientAccountID: s.d.Account, EventCategory: "Management"}
	if a.Error != nil {
		r.ResponseElements, r.ErrorCode, r.ErrorMessage = nil, a.Error.Code, a.Error.Message
		if r.ErrorCode == "AccessDeniedException" {
			r.ErrorCode = "AccessDenied"
		}
	}
	return r
}

// identity is the userIdentity of a caller.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func identity(p dispatch.Principal, account string) map[string]any {
	switch {
	case p.Service != "":
		return map[string]any{"type": "AWSService", "invokedBy": p.Service}
	case p.RoleARN != "":
		role := p.RoleARN[strings.LastIndexByte(p.RoleARN, '/')+1:]
		return map[string]any{"type": "AssumedRole", "arn": p.ARN, "accountId": account, "sessionContext": map[string]any{
			"sessionIssuer": map[string]any{"type": "Role", "arn": p.RoleARN, "accountId": account, "userName": role}}}
	}
	return map[string]any{"type": "Root", "principalId": account, "arn": p.ARN, "accountId": account}
}

// courier takes records to EventBridge.
type courier struct {
	d *dispatch.Dispatcher

	mu      sync.Mutex
	delays  func(Record) []time.Duration
	waiting parcels
	count   uint64
	sending bool
	closed  bool
	timer   clock.Timer
	armed   time.Time // what it was set for; zero if it has come
}

// parcel is an event on its way.
type parcel struct {
	due      time.Time
	order    uint64
	attempts int
	entry    map[string]any
}

const (
	// maxWaiting bounds the memory that records on their way take: about 100 MB. The rest is lost.
	maxWaiting = 100_000
	// maxAttempts is how often a record is tried to be delivered.
	maxAttempts = 3
	// maxEntries is the number of events that one PutEvents takes.
	maxEntries = 10
)

func (c *courier) take(r *Record) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		c.d.Logf("writing a record of CloudTrail: %v", err)
		return
	}
	now := c.d.Clock.Now()
	name, _, _ := strings.Cut(r.EventSource, ".")
	entry := map[string]any{"Source": "aws." + name, "DetailType": "AWS API Call via CloudTrail", "Resources": []string{},
		"Detail": strings.TrimSuffix(b.String(), "\n"), "Time": dispatch.Time{Time: now.Truncate(time.Second)}}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, delay := range c.delays(*r) {
		if len(c.waiting) >= maxWaiting {
			c.d.Logf("CloudTrail loses a record: %d are on their way", len(c.waiting))
			return
		}
		c.push(&parcel{due: now.Add(delay), entry: entry})
	}
	c.arm(now)
}

// push adds a parcel; those that are due at the same time keep the order in which they came. The caller holds the lock.
func (c *courier) push(p *parcel) {
	c.count++
	p.order = c.count
	heap.Push(&c.waiting, p)
}

// arm sets the timer for the next delivery. The caller holds the lock.
func (c *courier) arm(now time.Time) {
	if c.sending || c.closed || len(c.waiting) == 0 {
		return
	}
	due := c.waiting[0].due
	if !c.armed.IsZero() && !due.Before(c.armed) {
		return
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	c.armed = due
	c.timer = c.d.Clock.AfterFunc(due.Sub(now), c.deliver)
}

// deliver sends what is due.
func (c *courier) deliver() {
	for {
		batch := c.due()
		if len(batch) == 0 {
			return
		}
		err := c.send(batch)
		c.mu.Lock()
		c.sending = false
		now := c.d.Clock.Now()
		if err != nil {
			for _, p := range batch {
				if p.attempts++; p.attempts < maxAttempts {
					p.due = now.Add(time.Minute)
					c.push(p)
				} else {
					c.d.Logf("CloudTrail could not deliver a record: %v", err)
				}
			}
		}
		c.arm(now)
		c.mu.Unlock()
	}
}

func (c *courier) due() []*parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = time.Time{}
	if c.sending || c.closed {
		return nil
	}
	now := c.d.Clock.Now()
	var batch []*parcel
	for len(batch) < maxEntries && len(c.waiting) > 0 && !c.waiting[0].due.After(now) {
		batch = append(batch, heap.Pop(&c.waiting).(*parcel))
	}
	if c.sending = len(batch) > 0; !c.sending {
		c.arm(now)
	}
	return batch
}

func (c *courier) send(batch []*parcel) error {
	entries := make([]map[string]any, len(batch))
	for i, p := range batch {
		entries[i] = p.entry
	}
	var out struct{ FailedEntryCount int }
	by := dispatch.Principal{ARN: serviceName, Service: serviceName}
	if err := c.d.DoInto(context.Background(), by, "events", "PutEvents", map[string]any{"Entries": entries}, &out); err != nil {
		return err
	}
	if out.FailedEntryCount > 0 {
		return fmt.Errorf("the event bus refused %d records", out.FailedEntryCount)
	}
	return nil
}

func (c *courier) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
}

// parcels is a heap by the time at which they are due.
type parcels []*parcel

func (h parcels) Len() int { return len(h) }
func (h parcels) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].order < h[j].order
}
func (h parcels) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *parcels) Push(x any)   { *h = append(*h, x.(*parcel)) }
func (h *parcels) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return p
}
