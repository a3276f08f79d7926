package stepfunctions

import (
	"context"
	"sync"
)

// pool runs jobs in goroutines, at most `limit` of the ordinary ones at a time; the others wait in order.
type pool struct {
	mu      sync.Mutex
	limit   int
	workers int // goroutines that take from the queue
	extra   int // jobs that run beside the limit
	queue   fifo[func()]
	closed  bool
	idle    chan struct{} // closed when nothing runs or waits; nil when nobody asked
}

func newPool(limit int) *pool { return &pool{limit: limit} }

// submit runs f when its turn comes. After close it does nothing.
func (p *pool) submit(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.queue.push(f)
	if p.workers < p.limit {
		p.workers++
		go p.work()
	}
}

// direct runs f at once, whatever else runs: for executions whose caller waits, and so bounds them.
func (p *pool) direct(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.extra++
	go func() {
		defer func() {
			p.mu.Lock()
			p.extra--
			p.rest()
			p.mu.Unlock()
		}()
		f()
	}()
}

func (p *pool) work() {
	p.mu.Lock()
	for {
		f, ok := p.queue.pop()
		if !ok {
			break
		}
		p.mu.Unlock()
		f()
		p.mu.Lock()
	}
	p.workers--
	p.rest()
	p.mu.Unlock()
}

// rest tells who waits that nothing runs any more. The caller holds the lock.
func (p *pool) rest() {
	if p.idle != nil && p.workers == 0 && p.extra == 0 {
		close(p.idle)
		p.idle = nil
	}
}

// close drops the jobs that have not begun and takes no more: what they would have done is done again from the
// executions' inputs after a restart.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.queue = fifo[func()]{}
}

func (p *pool) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// wait returns when nothing runs, or with ctx's error.
func (p *pool) wait(ctx context.Context) error {
	p.mu.Lock()
	if p.workers == 0 && p.extra == 0 {
		p.mu.Unlock()
		return nil
	}
	if p.idle == nil {
		p.idle = make(chan struct{})
	}
	idle := p.idle
	p.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
