package sqs

import (
	"container/heap"
	"context"
	"encoding/base64"
	"hash/crc32"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	maxQueueBytes = 256 << 20 // of bodies and attributes; ours, see the package comment
	maxInFlight   = 120000
	deduplication = 5 * time.Minute
)

// message is a message in a queue. Its exported members are what the journal keeps.
type message struct {
	ID              string
	Body            string
	BodyMD5         string
	Attributes      map[string]MessageAttributeValue
	TraceHeader     string
	Sender          string
	Sent            time.Time
	VisibleAt       time.Time // when it is hidden: until then
	FirstReceived   time.Time
	Receives        int
	InFlight        bool
	Group           string
	DeduplicationID string
	Sequence        uint64
	Source          string // ARN of the queue from which it was dead-lettered
	DataKey         []byte // ciphertext of the data key, on queues with a KMS key

	place int // in the heap of hidden messages; -1: visible
	gone  bool
}

func (m *message) size() int {
	n := len(m.Body)
	for name, v := range m.Attributes {
		n += attributeSize(name, v)
	}
	return n
}

// queue is a queue's data plane.
type queue struct {
	clock   clock.Clock
	journal *store.Journal
	arn     string
	name    string

	mu         sync.Mutex
	visibility time.Duration
	delay      time.Duration
	retention  time.Duration
	wait       time.Duration
	maxSize    int
	fifo       bool
	byContent  bool // ContentBasedDeduplication
	groupScope bool // DeduplicationScope messageGroup
	redrive    *redrive
	keyID      string
	keyReuse   time.Duration
	grants     map[grant]time.Time
	dataKey    []byte

	closed    bool
	byID      map[string]*message
	visible   []*message // in the order of delivery; some may be gone
	first     int        // of visible that is not taken yet
	hidden    hidden     // delayed and in flight
	inFlight  int
	bytes     int
	busy      map[string]int // FIFO groups with messages in flight
	seen      map[string]duplicate
	sequence  uint64
	purged    time.Time
	waiters   []chan struct{}
	alarm     clock.Timer // wakes waiters when the next hidden message becomes visible
	alarmTime time.Time
}

type duplicate struct {
	until time.Time
	sent  SendMessageOutput
}

func newQueue(c clock.Clock, j *store.Journal, arn, name string) *queue {
	return &queue{clock: c, journal: j, arn: arn, name: name, byID: map[string]*message{}, busy: map[string]int{}, seen: map[string]duplicate{}, grants: map[grant]time.Time{}}
}

// configure takes over the attributes of a record, which are valid.
func (q *queue) configure(row record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	seconds := func(name string) time.Duration {
		n, _ := strconv.Atoi(row.Attributes[name])
		return time.Duration(n) * time.Second
	}
	q.visibility, q.delay, q.retention, q.wait = seconds("VisibilityTimeout"), seconds("DelaySeconds"), seconds("MessageRetentionPeriod"), seconds("ReceiveMessageWaitTimeSeconds")
	q.maxSize, _ = strconv.Atoi(row.Attributes["MaximumMessageSize"])
	q.fifo = row.Attributes["FifoQueue"] == "true"
	q.byContent = row.Attributes["ContentBasedDeduplication"] == "true"
	q.groupScope = row.Attributes["DeduplicationScope"] == "messageGroup"
	q.redrive, _ = parseRedrive(row.Attributes["RedrivePolicy"])
	q.keyReuse = seconds("KmsDataKeyReusePeriodSeconds")
	if key := row.Attributes["KmsMasterKeyId"]; key != q.keyID {
		q.keyID, q.dataKey = key, nil
		clear(q.grants)
	}
}

// close empties a queue that is deleted and ends every long poll.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.empty()
	for key := range q.seen {
		q.forget(key)
	}
	q.wake(len(q.waiters))
	if q.alarm != nil {
		q.alarm.Stop()
	}
}

// wake lets n waiting receivers look again. The caller holds the lock.
func (q *queue) wake(n int) {
	n = min(n, len(q.waiters))
	for _, w := range q.waiters[:n] {
		close(w)
	}
	q.waiters = slices.Delete(q.waiters, 0, n)
}

// add puts a message into the queue; the caller holds the lock.
func (q *queue) add(m *message, now time.Time) {
	q.byID[m.ID] = m
	q.bytes += m.size()
	if m.VisibleAt.After(now) {
		heap.Push(&q.hidden, m)
		if m.InFlight {
			q.inFlight++
			q.busy[m.Group]++
		}
		q.arm()
		return
	}
	q.show(m)
}

// show makes a message visible; the caller holds the lock.
func (q *queue) show(m *message) {
	m.place = -1
	if m.InFlight {
		q.landed(m)
	}
	if q.fifo {
		rest := q.visible[q.first:]
		at := q.first + sort.Search(len(rest), func(i int) bool { return rest[i].Sequence > m.Sequence })
		q.visible = slices.Insert(q.visible, at, m)
	} else {
		q.visible = append(q.visible, m)
	}
	q.wake(1)
}

func (q *queue) landed(m *message) {
	m.InFlight = false
	q.inFlight--
	if q.busy[m.Group]--; q.busy[m.Group] <= 0 {
		delete(q.busy, m.Group)
	}
}

// settle shows the hidden messages whose time has come and drops those past the retention; the caller holds the lock.
func (q *queue) settle(now time.Time) {
	for len(q.hidden) > 0 && !q.hidden[0].VisibleAt.After(now) {
		q.show(heap.Pop(&q.hidden).(*message))
	}
	for q.first < len(q.visible) {
		m := q.visible[q.first]
		if m != nil && !m.gone {
			if !q.expired(m, now) {
				break
			}
			q.erase(m)
		}
		q.visible[q.first] = nil
		q.first++
	}
	if q.first > 64 && q.first*2 > len(q.visible) {
		q.visible = append(q.visible[:0], q.visible[q.first:]...)
		clear(q.visible[len(q.visible):cap(q.visible)])
		q.first = 0
	}
}

func (q *queue) expired(m *message, now time.Time) bool { return now.Sub(m.Sent) >= q.retention }

// remove forgets a message wherever it is; the caller holds the lock.
func (q *queue) remove(m *message) {
	if m.gone {
		return
	}
	m.gone = true
	delete(q.byID, m.ID)
	q.bytes -= m.size()
	if m.place >= 0 {
		heap.Remove(&q.hidden, m.place)
	}
	if m.InFlight {
		q.landed(m)
		q.wake(1) // the next message of its group may go out
	}
}

// arm sets the alarm for the next hidden message if anybody waits; the caller holds the lock.
func (q *queue) arm() {
	if len(q.waiters) == 0 || len(q.hidden) == 0 {
		return
	}
	due := q.hidden[0].VisibleAt
	if q.alarm != nil {
		if q.alarmTime.Equal(due) {
			return
		}
		q.alarm.Stop()
	}
	q.alarmTime = due
	q.alarm = q.clock.AfterFunc(due.Sub(q.clock.Now()), func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.alarm = nil
		q.settle(q.clock.Now())
		q.arm()
	})
}

// take hides up to n messages for a while and returns them as they are now, and those that were received too often,
// which it removes, if there is a dead-letter queue. The caller holds the lock.
func (q *queue) take(n int, visibility time.Duration, now time.Time, deadLetters bool) (taken []message, dead []*message, err error) {
	q.settle(now)
	used := map[string]bool{} // FIFO: groups that were free before this call, from which more may be taken in order
	for i := q.first; i < len(q.visible) && len(taken) < n; i++ {
		m := q.visible[i]
		if m == nil || m.gone {
			continue
		}
		if q.expired(m, now) {
			q.erase(m)
			continue
		}
		if q.fifo && q.busy[m.Group] > 0 && !used[m.Group] {
			continue
		}
		if deadLetters && q.redrive != nil && m.Receives >= q.redrive.Max {
			q.remove(m)
			dead = append(dead, m)
			continue
		}
		if q.inFlight >= maxInFlight {
			if len(taken) == 0 {
				err = dispatch.Errorf("OverLimit", "The maximum number of in-flight messages (%d) is reached.", maxInFlight)
			}
			break
		}
		used[m.Group] = true
		m.Receives++
		if m.FirstReceived.IsZero() {
			m.FirstReceived = now
		}
		m.InFlight = true
		q.inFlight++
		q.busy[m.Group]++
		m.VisibleAt = now.Add(visibility)
		q.visible[i] = nil
		heap.Push(&q.hidden, m)
		q.keepReceive(m)
		taken = append(taken, *m)
	}
	q.compact()
	return taken, dead, err
}

// compact drops what was taken from the visible messages; the caller holds the lock.
func (q *queue) compact() {
	for q.first < len(q.visible) && (q.visible[q.first] == nil || q.visible[q.first].gone) {
		q.visible[q.first] = nil
		q.first++
	}
	if q.fifo {
		q.visible = slices.DeleteFunc(q.visible, func(m *message) bool { return m == nil || m.gone })
		q.first = 0
	}
}

// receive waits for up to n messages as long as the request says, and moves those that were received too often to deadLetters
// if that is not nil. Without a visibility timeout or a time to wait the queue's own attributes hold.
func (q *queue) receive(ctx context.Context, n int, in *ReceiveMessageInput, deadLetters *queue) ([]message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	hide, patience := q.visibility, q.wait
	if in.VisibilityTimeout != nil {
		hide = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	if in.WaitTimeSeconds != nil {
		patience = time.Duration(*in.WaitTimeSeconds) * time.Second
	}
	deadline := q.clock.Now().Add(patience)
	var timer clock.Timer
	over := make(chan struct{})
	for {
		if q.closed {
			return nil, dispatch.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
		}
		taken, dead, err := q.take(n, hide, q.clock.Now(), deadLetters != nil)
		if len(dead) > 0 {
			q.mu.Unlock() // never two queues at once
			for _, m := range dead {
				deadLetters.accept(m, q.arn)
			}
			q.mu.Lock()
		}
		if len(taken) > 0 || err != nil || !in.Patient && !q.clock.Now().Before(deadline) {
			if timer != nil {
				timer.Stop()
			}
			return taken, err
		}
		if timer == nil && !in.Patient {
			timer = q.clock.AfterFunc(deadline.Sub(q.clock.Now()), func() { close(over) })
		}
		woken := make(chan struct{})
		q.waiters = append(q.waiters, woken)
		q.arm()
		q.mu.Unlock()
		select {
		case <-woken:
		case <-over:
		case <-ctx.Done():
		}
		q.mu.Lock()
		if i := slices.Index(q.waiters, woken); i >= 0 {
			q.waiters = slices.Delete(q.waiters, i, i+1)
		} else if ctx.Err() != nil {
			q.wake(1) // hand the signal on
		}
		if ctx.Err() != nil {
			if timer != nil {
				timer.Stop()
			}
			return nil, &dispatch.Error{Code: "RequestTimeout", Status: 408, Message: ctx.Err().Error()}
		}
	}
}

// purge empties the queue unless that was done in the last minute, and says whether it did.
func (q *queue) purge() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < time.Minute {
		return false
	}
	q.purged = now
	q.empty()
	return true
}

// accept takes over a message from another queue. A standard queue keeps the time at which it was sent. A queue that was
// deleted meanwhile takes it with it.
func (q *queue) accept(m *message, source string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.erase(m)
		return
	}
	now := q.clock.Now()
	q.sequence++
	moved := *m
	moved.Sequence, moved.Source = q.sequence, source
	moved.gone, moved.InFlight, moved.VisibleAt, moved.place = false, false, time.Time{}, -1
	if q.fifo {
		moved.Sent = now
	}
	q.add(&moved, now)
	q.keepMessage(&moved)
}

// counts returns the numbers of messages that are visible, delayed and in flight.
func (q *queue) counts() (visible, delayed, inFlight int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	q.settle(now)
	for _, m := range q.visible[q.first:] {
		if m != nil && !m.gone && q.expired(m, now) {
			q.erase(m)
		}
	}
	delayed = len(q.hidden) - q.inFlight
	return len(q.byID) - len(q.hidden), delayed, q.inFlight
}

// handle is the receipt of a message's latest receive.
func (q *queue) handle(m *message) string {
	return base64.StdEncoding.EncodeToString([]byte(m.ID + "/" + strconv.Itoa(m.Receives) + "/" + q.mark()))
}

// mark ties receipts to the queue.
func (q *queue) mark() string {
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(q.arn))), 36)
}

// held returns the message of a receipt and whether the receipt is its latest; the caller holds the lock.
func (q *queue) held(receipt string) (m *message, latest bool, err error) {
	text, bad := base64.StdEncoding.DecodeString(receipt)
	parts := strings.Split(string(text), "/")
	if bad != nil || len(parts) != 3 || parts[2] != q.mark() {
		return nil, false, dispatch.Errorf("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", receipt)
	}
	m = q.byID[parts[0]]
	return m, m != nil && strconv.Itoa(m.Receives) == parts[1], nil
}

// hidden is a heap of messages by the time at which they become visible.
type hidden []*message

func (h hidden) Len() int { return len(h) }
func (h hidden) Less(i, j int) bool {
	if !h[i].VisibleAt.Equal(h[j].VisibleAt) {
		return h[i].VisibleAt.Before(h[j].VisibleAt)
	}
	return h[i].Sequence < h[j].Sequence
}
func (h hidden) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *hidden) Push(x any) {
	m := x.(*message)
	m.place = len(*h)
	*h = append(*h, m)
}
func (h *hidden) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	m.place = -1
	return m
}
