package stepfunctions

import (
	"context"
	"slices"
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
	resting []resting // who waits for the jobs to become few
}

// resting is someone who waits until no more than a number of jobs run.
type resting struct {
	jobs int
	done chan struct{}
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
		defer p.leave()
		f()
	}()
}

// enter counts the caller's own work as a job until it leaves.
func (p *pool) enter() {
	p.mu.Lock()
	p.extra++
	p.mu.Unlock()
}

func (p *pool) leave() {
	p.mu.Lock()
	p.extra--
	p.rest()
	p.mu.Unlock()
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

// rest tells who waits that few enough jobs run. The caller holds the lock.
func (p *pool) rest() {
	p.resting = slices.DeleteFunc(p.resting, func(r resting) bool {
		few := p.workers+p.extra <= r.jobs
		if few {
			close(r.done)
		}
		return few
	})
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

// wait returns when no more than a number of jobs run, or with ctx's error.
func (p *pool) wait(ctx context.Context, jobs int) error {
	p.mu.Lock()
	if p.workers+p.extra <= jobs {
		p.mu.Unlock()
		return nil
	}
	r := resting{jobs, make(chan struct{})}
	p.resting = append(p.resting, r)
	p.mu.Unlock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		p.mu.Lock()
		p.resting = slices.DeleteFunc(p.resting, func(other resting) bool { return other.done == r.done })
		p.mu.Unlock()
		return ctx.Err()
	}
}
