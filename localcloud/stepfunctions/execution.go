package stepfunctions

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/localcloud/clock"
)

// The states of an execution.
const (
	running   = "RUNNING"
	succeeded = "SUCCEEDED"
	failed    = "FAILED"
	timedOut  = "TIMED_OUT"
	aborted   = "ABORTED"
)

// execution is one run of a state machine.
//
// Locks: mu may be held while the machine's, the token table's or the budget's is taken, never the other way round.
type execution struct {
	machine     *machine
	rev         *revision
	name, arn   string
	input       string // as it was given
	traceHeader string
	start       time.Time
	sync        bool          // a caller waits: see startSyncExecution
	seq         int           // of a Standard execution in its machine
	done        chan struct{} // closed with the execution
	evicted     atomic.Bool   // its record is gone

	mu      sync.Mutex
	run     *asl.Execution // nil once closed
	events  []asl.Event    // while it runs
	history history        // once it is closed
	refused error          // why it was taken out again before it began
	status  string
	stop    time.Time
	output  *string // JSON text
	failure *failure
	timer   clock.Timer
	due     time.Time         // of the timer
	waiters []func()          // called, each by its own job, when it is closed
	nested  map[uint64]string // ARN of the execution that a task waits for
}

// failure is how an execution or a task failed.
type failure struct{ Error, Cause string }

func (e *execution) stopTimer() {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// drive takes an execution as far as it goes without waiting, making its calls on the way. The caller must be a job of
// the pool, or the one who waits for a synchronous execution.
func (s *Service) drive(e *execution) {
	for !s.pool.isClosed() {
		tasks, again := s.advance(e)
		switch {
		case len(tasks) > 0:
			for _, t := range tasks[1:] {
				s.spawn(e, func() { s.perform(e, t); s.drive(e) })
			}
			s.perform(e, tasks[0])
		case !again:
			return
		}
	}
}

func (s *Service) spawn(e *execution, f func()) {
	if e.sync {
		s.pool.direct(f)
	} else {
		s.pool.submit(f)
	}
}

// advance runs an execution to where it waits, and returns the calls that it wants to be made. Again says that it was
// only interrupted.
func (s *Service) advance(e *execution) (tasks []*asl.Task, again bool) {
	e.mu.Lock()
	if e.run == nil {
		e.mu.Unlock()
		return nil, false
	}
	now := s.now()
	e.run.Run(now)
	tasks = e.run.TakeTasks()
	if e.run.Status() != asl.Running {
		closed := s.conclude(e, now)
		e.mu.Unlock()
		closed()
		return nil, false
	}
	s.tokens.add(e, tasks)
	for id, arn := range e.nested {
		if !e.run.Waiting(id) { // given up, by a timeout or with the branch that it was in
			delete(e.nested, id)
			s.spawn(e, func() { s.stopNested(e, arn) })
		}
	}
	due, _ := e.run.NextWake()
	again = !due.After(now)
	// A timer that comes too early costs one more round and is cheaper than setting it anew with every state.
	if !again && (e.timer == nil || due.Before(e.due)) {
		e.stopTimer()
		e.due = due
		e.timer = s.d.Clock.AfterFunc(due.Sub(now), func() { s.wake(e, due) })
	}
	e.mu.Unlock()
	return tasks, again
}

func (s *Service) wake(e *execution, due time.Time) {
	e.mu.Lock()
	if e.timer != nil && e.due.Equal(due) {
		e.timer = nil
	}
	e.mu.Unlock()
	s.spawn(e, func() { s.drive(e) })
}

// conclude records the end of an execution. The caller holds e's lock, and calls what is returned without it.
func (s *Service) conclude(e *execution, now time.Time) (closed func()) {
	e.stopTimer()
	e.status, e.stop = string(e.run.Status()), now
	if e.status == succeeded {
		output := e.run.OutputText()
		e.output = &output
	} else if name, cause := e.run.Error(); name != "" || cause != "" {
		e.failure = &failure{name, cause}
	}
	e.history = s.compact(e)
	s.journalEnd(e)
	e.run, e.events = nil, nil
	waiters, children := e.waiters, e.nested
	e.waiters, e.nested = nil, nil
	return func() {
		for _, child := range children {
			s.spawn(e, func() { s.stopNested(e, child) })
		}
		m := e.machine
		m.mu.Lock()
		s.left(m, e)
		gone := m.deleting && len(m.open) == 0
		m.mu.Unlock()
		close(e.done)
		for _, f := range waiters {
			s.pool.submit(f)
		}
		if !e.rev.express() {
			s.retire(e)
		}
		if gone {
			if err := s.forget(e.rev.ARN, m); err != nil {
				s.d.Logf("states: forgetting the deleted %s: %v", e.rev.ARN, err)
			}
		}
	}
}

// retire keeps a closed Standard execution and drops the oldest of too many.
func (s *Service) retire(e *execution) {
	m := e.machine
	var oldest *execution
	m.mu.Lock()
	m.closed.push(e)
	if m.closed.len() > MaxClosedExecutions {
		oldest, _ = m.closed.pop()
	}
	m.mu.Unlock()
	if oldest != nil {
		s.evict(oldest)
	}
	s.budget.add(s, e)
}

// whenClosed calls f, in a job of its own, once the execution is closed.
func (s *Service) whenClosed(e *execution, f func()) {
	e.mu.Lock()
	if e.run != nil {
		e.waiters = append(e.waiters, f)
		f = nil
	}
	e.mu.Unlock()
	if f != nil {
		s.pool.submit(f)
	}
}

// budget bounds the memory of closed executions.
type budget struct {
	mu    sync.Mutex
	bytes int
	queue fifo[*execution]
}

func (b *budget) add(s *Service, e *execution) {
	var over []*execution
	b.mu.Lock()
	b.bytes += e.history.size
	b.queue.push(e)
	for b.bytes > MaxHistoryBytes && b.queue.len() > 1 {
		oldest, _ := b.queue.pop()
		if !oldest.evicted.Swap(true) {
			b.bytes -= oldest.history.size
			over = append(over, oldest)
		}
	}
	b.mu.Unlock()
	for _, oldest := range over {
		s.remove(oldest)
	}
}

// evict drops the record of a closed execution before the budget does.
func (s *Service) evict(e *execution) {
	s.budget.mu.Lock()
	first := !e.evicted.Swap(true)
	if first {
		s.budget.bytes -= e.history.size
	}
	s.budget.mu.Unlock()
	if first {
		s.remove(e)
	}
}

// remove takes an evicted execution out of its machine.
func (s *Service) remove(e *execution) {
	s.tokens.drop(e)
	m := e.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byName[e.name] == e {
		s.journal.Delete(e.arn) // before another takes its name, and so its key
		delete(m.byName, e.name)
	}
	if m.evicted++; m.evicted > 64 && m.evicted > len(m.order)/8 {
		m.order = withoutEvicted(m.order)
		m.closed = fifo[*execution]{items: withoutEvicted(m.closed.items[m.closed.head:])}
		m.evicted = 0
	}
}

func withoutEvicted(all []*execution) []*execution {
	kept := make([]*execution, 0, len(all)+64)
	for _, e := range all {
		if !e.evicted.Load() {
			kept = append(kept, e)
		}
	}
	return kept
}
