package dynamodb

import (
	"time"

	"github.com/carepath/carepath/localcloud/clock"
)

// late is a table as eventually consistent reads see it: a copy to which changes come after a while. The table's lock
// guards it.
type late struct {
	lag     time.Duration
	clock   clock.Clock
	space   space
	waiting []lateChange // oldest first
}

type lateChange struct {
	due   time.Time
	at    string
	item  Item // nil: deleted
	image string
}

// setLag begins or ends the delay of eventually consistent reads.
func (t *table) setLag(c clock.Clock, d time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.beginLag(c, d)
}

// beginLag is setLag for a caller that holds the table's lock for writing.
func (t *table) beginLag(c clock.Clock, d time.Duration) error {
	t.late = nil
	if d <= 0 {
		return nil
	}
	l := &late{lag: d, clock: c, space: t.newSpace()}
	var failure error
	t.space.items.ascend("", func(at string, e *entry) bool {
		item, err := e.item()
		if err != nil {
			failure = err
			return false
		}
		t.put(&l.space, at, nil, item, e.image)
		return true
	})
	t.late = l
	return failure
}

func (l *late) later(at string, item Item, image string) {
	l.waiting = append(l.waiting, lateChange{l.clock.Now().Add(l.lag), at, item, image})
}

// catchUp applies what has become visible. The caller holds the table's lock for writing.
func (t *table) catchUp() error {
	l := t.late
	now := l.clock.Now()
	for len(l.waiting) > 0 && !l.waiting[0].due.After(now) {
		change := l.waiting[0]
		l.waiting = l.waiting[1:]
		var old Item
		if e, ok := l.space.items.get(change.at); ok {
			var err error
			if old, err = e.item(); err != nil {
				return err
			}
		}
		t.put(&l.space, change.at, old, change.item, change.image)
	}
	return nil
}

// lock takes the table's lock for a read, after what eventually consistent reads see has been brought up to date, and
// returns what the read is to look at.
func (t *table) lock(consistent bool) (_ *space, unlock func(), err error) {
	t.mu.RLock()
	if t.late == nil || consistent {
		return &t.space, t.mu.RUnlock, nil
	}
	t.mu.RUnlock()
	t.mu.Lock()
	if t.late == nil {
		return &t.space, t.mu.Unlock, nil
	}
	if err := t.catchUp(); err != nil {
		t.mu.Unlock()
		return nil, nil, err
	}
	return &t.late.space, t.mu.Unlock, nil
}
