package dispatch

import (
	"sync"
	"time"
)

// Entry is one call in the journal. It holds no content of requests or responses.
type Entry struct {
	Time      time.Time
	Duration  time.Duration
	RequestID string
	Principal string // ARN
	RoleARN   string // empty for root and services
	Service   string
	Action    string
	Resources []string
	ErrorCode string // empty when the call succeeded
}

// Journal keeps the latest calls and counts all of them.
type Journal struct {
	mu          sync.Mutex
	ring        []Entry
	total       uint64
	subscribers []func(Entry)
}

// NewJournal returns a journal that keeps the latest `size` calls.
func NewJournal(size int) *Journal { return &Journal{ring: make([]Entry, 0, size)} }

// Subscribe has f called with every later entry, in the goroutine of the call: it must be quick.
func (j *Journal) Subscribe(f func(Entry)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.subscribers = append(j.subscribers, f)
}

func (j *Journal) add(e Entry) {
	j.mu.Lock()
	if len(j.ring) < cap(j.ring) {
		j.ring = append(j.ring, e)
	} else {
		j.ring[j.total%uint64(cap(j.ring))] = e
	}
	j.total++
	subscribers := j.subscribers
	j.mu.Unlock()
	for _, f := range subscribers {
		f(e)
	}
}

// Total returns the number of calls since the start.
func (j *Journal) Total() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.total
}

// Latest returns the calls that are kept, oldest first.
func (j *Journal) Latest() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := len(j.ring)
	all := make([]Entry, 0, n)
	first := 0
	if n == cap(j.ring) && n > 0 {
		first = int(j.total % uint64(n))
	}
	all = append(all, j.ring[first:]...)
	return append(all, j.ring[:first]...)
}
