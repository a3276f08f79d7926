package changes

import (
	"context"
	"fmt"
	"sync"
)

// Verdict is what a [Deduplicator] says of a change.
type Verdict int

// The verdicts.
const (
	// New is a version higher than all that were handled of its resource: it is the state now.
	New Verdict = iota + 1
	// Duplicate is a version that was handled before.
	Duplicate
	// Late is a version that was not handled before, lower than one that was. It may be counted and kept as history; the state
	// must not go back to it.
	Late
)

// String is the verdict's name in lower case.
func (v Verdict) String() string {
	switch v {
	case New:
		return "new"
	case Duplicate:
		return "duplicate"
	case Late:
		return "late"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// Store keeps for a [Deduplicator] which versions of each resource were handled: a short text for each, such as "1-7,9".
// [Memory] is one. Consumers that restart or run several at a time have it in a database that can write on a condition; an
// example shows one in DynamoDB.
type Store interface {
	// Load returns what is kept under a subject, as it was last written; "" if nothing is.
	Load(ctx context.Context, subject string) (versions string, err error)
	// Swap keeps versions in place of old, and says so; or says that it did not because something else than old is kept.
	Swap(ctx context.Context, subject, old, versions string) (swapped bool, err error)
}

// Deduplicator hands each version of a resource to its consumer once, and tells what comes late.
//
// A version counts as handled after the consumer's function has returned without an error, so nothing is lost if it fails or
// the process ends: then the event comes again. Versions of one resource are handled one after another within a Deduplicator.
// Consumers that run several processes at a time, each with its own, may handle two versions of one resource at once: they
// take the events from a FIFO queue with [Change.Subject] as message group, or write their state on the condition that its
// version is lower.
type Deduplicator struct {
	store Store

	mu    sync.Mutex
	turns map[string]*turn // by subject, of those that are being handled
	count Counts
}

// Counts are how many changes got each verdict.
type Counts struct {
	New, Duplicate, Late int
}

// turn is held by who handles a change of a resource.
type turn struct {
	held    chan struct{} // has room for one
	waiting int           // how many hold it or want to
}

// NewDeduplicator returns a deduplicator that keeps in a store what was handled.
func NewDeduplicator(store Store) *Deduplicator {
	return &Deduplicator{store: store, turns: map[string]*turn{}}
}

// Handle calls handle, unless the change is a [Duplicate], and then keeps that it was handled. An error, of handle or of the
// store, means that the event must come again; it is counted only once there is none.
func (d *Deduplicator) Handle(ctx context.Context, c *Change, handle func(context.Context, Verdict) error) (Verdict, error) {
	subject := c.Subject()
	done, err := d.take(ctx, subject)
	if err != nil {
		return 0, err
	}
	defer done()
	verdict := Verdict(0) // of the first look; later ones only find out what to keep
	for {
		old, err := d.store.Load(ctx, subject)
		if err != nil {
			return 0, fmt.Errorf("loading which versions were handled: %w", err)
		}
		seen, err := parseVersions(old)
		if err != nil {
			return 0, err
		}
		now := seen.add(c.Version)
		if verdict == 0 {
			verdict = now
			if verdict != Duplicate {
				if err := handle(ctx, verdict); err != nil {
					return 0, err
				}
			}
		}
		if now != Duplicate { // else another process has kept it meanwhile
			swapped, err := d.store.Swap(ctx, subject, old, seen.String())
			if err != nil {
				return 0, fmt.Errorf("keeping which versions were handled: %w", err)
			}
			if !swapped {
				continue
			}
		}
		d.counted(verdict)
		return verdict, nil
	}
}

// take waits for the subject's turn.
func (d *Deduplicator) take(ctx context.Context, subject string) (done func(), err error) {
	d.mu.Lock()
	t := d.turns[subject]
	if t == nil {
		t = &turn{held: make(chan struct{}, 1)}
		d.turns[subject] = t
	}
	t.waiting++
	d.mu.Unlock()
	leave := func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if t.waiting--; t.waiting == 0 {
			delete(d.turns, subject)
		}
	}
	select {
	case t.held <- struct{}{}:
		return func() { <-t.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

func (d *Deduplicator) counted(v Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch v {
	case New:
		d.count.New++
	case Duplicate:
		d.count.Duplicate++
	case Late:
		d.count.Late++
	}
}

// Counts returns how many changes got each verdict so far.
func (d *Deduplicator) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// Memory is a [Store] that lasts as long as the process. It grows with the number of resources, not with that of versions. The
// zero value is empty and ready.
type Memory struct {
	mu   sync.Mutex
	kept map[string]string
}

// Load returns what is kept. It does not fail.
func (m *Memory) Load(_ context.Context, subject string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[subject], nil
}

// Swap keeps versions if old is kept. It does not fail.
func (m *Memory) Swap(_ context.Context, subject, old, versions string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[subject] != old {
		return false, nil
	}
	if m.kept == nil {
		m.kept = map[string]string{}
	}
	m.kept[subject] = versions
	return true, nil
}
