package sqs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The journal holds, by key: messages, what receiving has changed of them, and what FIFO queues have seen. A message that
// is moved to another queue keeps its key, so that it is never in both nor in none.
const (
	messageKey = "message/" // and its id
	receiveKey = "receive/" // and its id
	seenKey    = "seen/"    // and the queue's name, a slash and the deduplication id
)

type keptMessage struct {
	Queue string
	message
}

type keptReceive struct {
	Receives                 int
	FirstReceived, VisibleAt time.Time
	InFlight                 bool
}

type keptDuplicate struct {
	Queue, Key string
	Until      time.Time
	Sent       SendMessageOutput
}

// keep writes a record into the journal; Flush confirms it.
func (q *queue) keep(key string, v any) {
	text, err := json.Marshal(v)
	if err != nil { // it holds strings, numbers and times between the years 0 and 9999 only
		panic(fmt.Sprintf("writing %s of the queue %s: %v", key, q.name, err))
	}
	q.journal.Put(key, text)
}

// keepMessage writes down a message that has come into the queue. The caller holds the lock.
func (q *queue) keepMessage(m *message) {
	q.keep(messageKey+m.ID, keptMessage{q.name, *m})
	q.journal.Delete(receiveKey + m.ID)
}

// keepReceive writes down what receiving has changed of a message. The caller holds the lock.
func (q *queue) keepReceive(m *message) {
	q.keep(receiveKey+m.ID, keptReceive{m.Receives, m.FirstReceived, m.VisibleAt, m.InFlight})
}

// erase removes a message that goes nowhere else; the caller holds the lock.
func (q *queue) erase(m *message) {
	q.remove(m)
	q.journal.Delete(messageKey + m.ID)
	q.journal.Delete(receiveKey + m.ID)
}

// empty removes all messages; the caller holds the lock.
func (q *queue) empty() {
	for _, m := range q.byID {
		q.erase(m)
	}
	q.visible, q.first = nil, 0
}

// forget removes what a FIFO queue has seen; the caller holds the lock.
func (q *queue) forget(key string) {
	delete(q.seen, key)
	q.journal.Delete(seenKey + q.name + "/" + key)
}

// load reads the messages that the journal holds. Those in flight stay hidden for the rest of their time.
func (s *Service) load() error {
	messages := map[string]*keptMessage{}
	receives := map[string]keptReceive{}
	now := s.d.Clock.Now()
	for r, err := range s.journal.All() {
		if err != nil {
			return fmt.Errorf("loading the messages of the queues: %w", err)
		}
		switch {
		case strings.HasPrefix(r.Key, messageKey):
			var m keptMessage
			if err = json.Unmarshal(r.Value, &m); err == nil {
				messages[m.ID] = &m
			}
		case strings.HasPrefix(r.Key, receiveKey):
			var x keptReceive
			err = json.Unmarshal(r.Value, &x)
			receives[strings.TrimPrefix(r.Key, receiveKey)] = x
		default:
			var d keptDuplicate
			if err = json.Unmarshal(r.Value, &d); err == nil {
				if q := s.queues[d.Queue]; q != nil && d.Until.After(now) {
					q.seen[d.Key] = duplicate{d.Until, d.Sent}
				} else {
					s.journal.Delete(r.Key)
				}
			}
		}
		if err != nil {
			return fmt.Errorf("loading %s of the queues: %w", r.Key, err)
		}
	}
	sorted := make([]*keptMessage, 0, len(messages))
	for _, m := range messages {
		sorted = append(sorted, m)
	}
	slices.SortFunc(sorted, func(a, b *keptMessage) int { return int(int64(a.Sequence) - int64(b.Sequence)) })
	for _, q := range s.queues {
		// Later than what a queue has given that may be empty now.
		q.sequence = uint64(now.UnixMilli()) << 12
	}
	for _, kept := range sorted {
		q, m := s.queues[kept.Queue], &kept.message
		if q == nil { // it was deleted
			s.journal.Delete(messageKey + m.ID)
			s.journal.Delete(receiveKey + m.ID)
			continue
		}
		if x, ok := receives[m.ID]; ok {
			m.Receives, m.FirstReceived, m.VisibleAt = x.Receives, x.FirstReceived, x.VisibleAt
			m.InFlight = x.InFlight && x.VisibleAt.After(now)
		}
		m.place = -1
		q.sequence = max(q.sequence, m.Sequence)
		q.add(m, now)
	}
	// What belonged to deleted queues must not come back with a new one of the same name.
	return s.journal.Flush()
}
