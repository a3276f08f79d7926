// Package clock is the embedded AWS's only source of time, so that tests can drive it: a ten-second wait or a sweep
// every five minutes takes no time in a test.
package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Clock tells the time and calls back later. Its callbacks run in goroutines of their own (Real) or in the goroutine
// that moves the time (Driven).
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once d has passed. The Timer's Stop prevents that, if it comes in time.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a callback that has not happened yet.
type Timer interface {
	// Stop prevents the callback and says whether it did.
	Stop() bool
}

// Real is the machine's clock.
type Real struct{}

// Now returns the current time in UTC.
func (Real) Now() time.Time { return time.Now().UTC() }

// AfterFunc is time.AfterFunc.
func (Real) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// Driven is a clock that stands still until it is moved. Make it with NewDriven.
type Driven struct {
	mu    sync.Mutex
	now   time.Time
	queue timers
	count uint64
	first chan struct{} // closed when the queue is not empty; nil when nobody asked
}

// NewDriven returns a clock that shows start.
func NewDriven(start time.Time) *Driven { return &Driven{now: start.UTC()} }

// Now returns the time that the clock shows.
func (c *Driven) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f when the clock has been moved by d; a d of 0 or less is due at the next move, by however little.
func (c *Driven) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	t := &timer{clock: c, due: c.now.Add(max(d, 0)), order: c.count, f: f}
	heap.Push(&c.queue, t)
	if c.first != nil {
		close(c.first)
		c.first = nil
	}
	return t
}

// Waiting returns a channel that is closed once a callback waits for the time to be moved.
func (c *Driven) Waiting() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.first
	if waiting == nil {
		waiting = make(chan struct{})
		if len(c.queue) > 0 {
			close(waiting)
		} else {
			c.first = waiting
		}
	}
	return waiting
}

// Advance moves the clock by d and runs every callback that falls due on the way, in order, each at its own time.
func (c *Driven) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for len(c.queue) > 0 && !c.queue[0].due.After(end) {
		c.fireFirst()
	}
	c.now = end
	c.mu.Unlock()
}

// Next moves the clock to the next callback, runs it, and says whether there was one.
func (c *Driven) Next() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return false
	}
	c.fireFirst()
	return true
}

// fireFirst runs the first timer without the lock, which the caller holds before and after.
func (c *Driven) fireFirst() {
	t := heap.Pop(&c.queue).(*timer)
	if t.due.After(c.now) {
		c.now = t.due
	}
	c.mu.Unlock()
	t.f()
	c.mu.Lock()
}

type timer struct {
	clock *Driven
	due   time.Time
	order uint64
	f     func()
	place int // in the queue; -1 when not in it
}

func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.place < 0 {
		return false
	}
	heap.Remove(&t.clock.queue, t.place)
	return true
}

type timers []*timer

func (q timers) Len() int { return len(q) }
func (q timers) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].order < q[j].order
}
func (q timers) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}
func (q *timers) Push(x any) {
	t := x.(*timer)
	t.place = len(*q)
	*q = append(*q, t)
}
func (q *timers) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.place = -1
	return t
}
