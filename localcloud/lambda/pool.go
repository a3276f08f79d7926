package lambda

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
)

const (
	idleTime  = 10 * time.Minute // that a warm process waits
	sweepTime = time.Minute
	queueTime = 30 * time.Second // that an invocation waits for a process beyond the limit
	patience  = 64               // times that a waiting invocation lets a warm process go to its own function first
)

// pool gives each invocation a process of its own: a warm one of the function if there is one, else a new one while fewer
// than the limit live, else the first that is free.
type pool struct {
	s     *Service
	limit int

	mu        sync.Mutex
	functions map[string]*crew
	live      map[*environment]bool
	starting  int // slots that are taken for processes which are not in live yet
	waiting   []*waiter
	sweep     clock.Timer
	closed    bool
	forced    bool          // the time of those that were under way is over
	empty     chan struct{} // closed when the pool is closed and nothing lives
}

// crew is the processes of one function.
type crew struct {
	generation int // counts changes of the function: older processes are not used again
	inFlight   int
	idle       []*environment // latest used last
}

// waiter is an invocation that waits for a process.
type waiter struct {
	function string
	granted  chan *environment // a warm process, or nil: a slot to start one
	passed   int
}

func newPool(s *Service, limit int) *pool {
	return &pool{s: s, limit: limit, functions: map[string]*crew{}, live: map[*environment]bool{}, empty: make(chan struct{})}
}

func (p *pool) crew(name string) *crew {
	c := p.functions[name]
	if c == nil {
		c = &crew{}
		p.functions[name] = c
	}
	return c
}

var errClosed = &dispatch.Error{Code: "ServiceException", Status: 500, Message: "the embedded Lambda is stopping"}

// acquire returns a process that waits for an invocation of f. environment.finish gives it back.
func (p *pool) acquire(ctx context.Context, f function) (*environment, error) {
	name := f.Config.FunctionName
	p.mu.Lock()
	c := p.crew(name)
	limit, reason := accountConcurrency, "ConcurrentInvocationLimitExceeded"
	if f.Reserved != nil {
		limit, reason = *f.Reserved, "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if c.inFlight >= limit {
		p.mu.Unlock()
		return nil, throttled(reason)
	}
	c.inFlight++
	e, err := p.pick(ctx, c, name) // unlocks
	if e == nil && err == nil {
		e, err = p.start(ctx, name)
	}
	if err != nil {
		p.mu.Lock()
		c.inFlight--
		p.mu.Unlock()
		return nil, err
	}
	return e, nil
}

// pick returns a warm process, or nil when the caller may start one. It unlocks p.mu, which the caller holds.
func (p *pool) pick(ctx context.Context, c *crew, name string) (*environment, error) {
	now := p.s.d.Clock.Now()
	for len(c.idle) > 0 {
		e := c.idle[len(c.idle)-1]
		c.idle = c.idle[:len(c.idle)-1]
		if e.generation == c.generation && e.expires.After(now) && !e.gone() {
			p.mu.Unlock()
			return e, nil
		}
		e.kill()
	}
	if len(p.live)+p.starting < p.limit {
		p.starting++
		p.mu.Unlock()
		return nil, nil
	}
	w := &waiter{function: name, granted: make(chan *environment, 1)}
	p.waiting = append(p.waiting, w)
	if victim := p.longestIdle(); victim != nil {
		victim.kill() // its end lets the first waiter start a process
	}
	p.mu.Unlock()
	late := make(chan struct{})
	timer := p.s.d.Clock.AfterFunc(queueTime, func() { close(late) })
	defer timer.Stop()
	var err error
	select {
	case e := <-w.granted:
		return e, nil
	case <-late:
		err = throttled("ConcurrentInvocationLimitExceeded")
	case <-ctx.Done():
		err = &dispatch.Error{Code: "RequestTimeout", Status: 408, Message: "the caller is gone: " + ctx.Err().Error()}
	}
	p.mu.Lock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.mu.Unlock()
		return nil, err
	}
	p.mu.Unlock()
	return <-w.granted, nil // granted at the same moment
}

// longestIdle takes the process out of its crew that has been idle longest; nil if none is. The caller holds the lock.
func (p *pool) longestIdle() *environment {
	var from *crew
	for _, c := range p.functions {
		if len(c.idle) > 0 && (from == nil || c.idle[0].lastUsed.Before(from.idle[0].lastUsed)) {
			from = c
		}
	}
	if from == nil {
		return nil
	}
	e := from.idle[0]
	from.idle = from.idle[1:]
	return e
}

// start starts a process in the slot that the caller has.
func (p *pool) start(ctx context.Context, name string) (*environment, error) {
	p.mu.Lock()
	generation := p.crew(name).generation
	p.mu.Unlock()
	e, err := p.launch(ctx, name, generation)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting--
	if err != nil {
		p.freed()
		return nil, startFailure(err)
	}
	p.live[e] = true
	if p.sweep == nil {
		p.sweep = p.s.d.Clock.AfterFunc(sweepTime, p.sweepIdle)
	}
	if p.forced {
		e.kill()
	}
	e.watch()
	return e, nil
}

func (p *pool) launch(ctx context.Context, name string, generation int) (*environment, error) {
	f, err := p.s.find(name, "")
	if err != nil {
		return nil, err
	}
	return p.s.launch(ctx, f, generation)
}

// release takes back a process whose invocation is over; a process that is gone is not used again.
func (p *pool) release(e *environment, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := e.config.FunctionName
	c := p.crew(name)
	c.inFlight--
	if !again {
		return
	}
	now := p.s.d.Clock.Now()
	if p.closed || e.generation != c.generation || !e.expires.After(now) {
		e.kill()
		return
	}
	for i, w := range p.waiting {
		if w.function == name {
			p.waiting = slices.Delete(p.waiting, i, i+1)
			w.granted <- e
			return
		}
		if w.passed++; w.passed > patience {
			e.kill()
			return
		}
	}
	if len(p.waiting) > 0 {
		e.kill()
		return
	}
	e.lastUsed = now
	c.idle = append(c.idle, e)
}

// ended takes note that a process has ended.
func (p *pool) ended(e *environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.live, e)
	c := p.crew(e.config.FunctionName)
	if i := slices.Index(c.idle, e); i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
	}
	p.freed()
}

// freed lets the first waiter start a process in a slot that has become free; the caller holds the lock.
func (p *pool) freed() {
	if p.closed && len(p.live)+p.starting == 0 {
		select {
		case <-p.empty:
		default:
			close(p.empty)
		}
	}
	if len(p.waiting) > 0 && len(p.live)+p.starting < p.limit {
		w := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.starting++
		w.granted <- nil
	}
}

// retire has the processes of a function that changed end, the busy ones after their invocation.
func (p *pool) retire(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.crew(name)
	c.generation++
	for _, e := range c.idle {
		e.kill()
	}
	c.idle = nil
}

func (p *pool) sweepIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.s.d.Clock.Now()
	for _, c := range p.functions {
		for len(c.idle) > 0 && now.Sub(c.idle[0].lastUsed) >= idleTime {
			c.idle[0].kill()
			c.idle = c.idle[1:]
		}
	}
	p.sweep = nil
	if len(p.live) > 0 && !p.closed {
		p.sweep = p.s.d.Clock.AfterFunc(sweepTime, p.sweepIdle)
	}
}

// close waits until ctx ends for busy processes, and ends all.
func (p *pool) close(ctx context.Context) error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	for _, c := range p.functions {
		for _, e := range c.idle {
			e.kill()
		}
		c.idle = nil
	}
	if p.sweep != nil {
		p.sweep.Stop()
	}
	if first {
		p.freed()
	}
	p.mu.Unlock()
	select {
	case <-p.empty:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	p.forced = true
	for e := range p.live {
		e.kill()
	}
	p.mu.Unlock()
	<-p.empty // a killed process ends at once
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil // what was cut off was given its time
	}
	return ctx.Err()
}
