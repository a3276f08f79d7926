package sqs

import (
	"fmt"
	"slices"
	"time"
)

// contents is a queue's data plane in the state file.
type contents struct {
	Sequence uint64
	Messages []message
	Seen     map[string]seenBefore
}

type seenBefore struct {
	Until time.Time
	Sent  SendMessageOutput
}

const document = "sqs/messages"

func (s *Service) save() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := map[string]contents{}
	for name, q := range s.queues {
		q.mu.Lock()
		q.settle(q.clock.Now())
		c := contents{Sequence: q.sequence, Seen: map[string]seenBefore{}}
		for _, m := range q.byID {
			c.Messages = append(c.Messages, *m)
		}
		for key, d := range q.seen {
			c.Seen[key] = seenBefore{d.until, d.sent}
		}
		q.mu.Unlock()
		slices.SortFunc(c.Messages, func(a, b message) int { return int(int64(a.Sequence) - int64(b.Sequence)) })
		all[name] = c
	}
	if err := s.store.Save(document, all); err != nil {
		return fmt.Errorf("saving the messages of the queues: %w", err)
	}
	return nil
}

// load reads what save wrote, and forgets it: messages are not delivered again after a later crash.
func (s *Service) load() error {
	var all map[string]contents
	if ok, err := s.store.Load(document, &all); err != nil {
		return fmt.Errorf("loading the messages of the queues: %w", err)
	} else if !ok {
		return nil
	}
	now := s.d.Clock.Now()
	for name, c := range all {
		q := s.queues[name]
		if q == nil {
			continue
		}
		q.sequence = c.Sequence
		for i := range c.Messages {
			m := &c.Messages[i]
			m.place = -1
			m.InFlight = m.InFlight && m.VisibleAt.After(now)
			q.add(m, now)
		}
		for key, d := range c.Seen {
			q.seen[key] = duplicate{d.Until, d.Sent}
		}
	}
	return s.store.Forget(document)
}
