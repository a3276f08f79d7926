package lambda

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
)

const (
	maxEvents   = 10000           // that wait; ours
	maxEventAge = 6 * time.Hour   // AWS's default
	firstRetry  = time.Minute     // after the function failed; the second comes two minutes later
	maxBackoff  = 5 * time.Minute // between attempts when the function is throttled
	workers     = 64              // attempts under way at a time
)

// event is an asynchronous invocation. Its members are what a clean stop keeps.
type event struct {
	ID            string
	Function      string
	Payload       []byte
	ClientContext string
	Accepted      time.Time
	Failures      int // of the function, at most two are followed by another attempt
	Throttles     int
}

// async holds the events of Invoke with InvocationType Event until the function has taken them: after an error of the
// function it tries twice more, when throttled for up to six hours.
// See https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html.
type async struct {
	s *Service

	mu      sync.Mutex
	events  map[string]*event // that are not done
	ready   []*event
	running int
	timers  map[string]clock.Timer
	open    bool
}

const eventsDocument = "lambda/events"

func newAsync(s *Service) *async {
	return &async{s: s, events: map[string]*event{}, timers: map[string]clock.Timer{}}
}

func (a *async) load() error {
	var kept []event
	if ok, err := a.s.store.Load(eventsDocument, &kept); err != nil {
		return fmt.Errorf("loading asynchronous invocations: %w", err)
	} else if !ok {
		return nil
	}
	for i := range kept {
		a.events[kept[i].ID] = &kept[i]
		a.ready = append(a.ready, &kept[i])
	}
	return a.s.store.Forget(eventsDocument)
}

func (a *async) save() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	kept := make([]event, 0, len(a.events))
	for _, e := range a.events {
		kept = append(kept, *e)
	}
	return a.s.store.Save(eventsDocument, kept)
}

// resume lets events run: from now on the runtime API is served.
func (a *async) resume() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = true
	a.dispatch()
}

// stop lets no further attempt begin. Those under way end with the pool.
func (a *async) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = false
	for _, t := range a.timers {
		t.Stop()
	}
}

func (a *async) accept(e event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.events) >= maxEvents {
		return throttled("ConcurrentInvocationLimitExceeded")
	}
	a.events[e.ID] = &e
	a.ready = append(a.ready, &e)
	a.dispatch()
	return nil
}

// dispatch begins attempts; the caller holds the lock.
func (a *async) dispatch() {
	for a.open && a.running < workers && len(a.ready) > 0 {
		e := a.ready[0]
		a.ready = a.ready[1:]
		a.running++
		go a.attempt(e)
	}
}

func (a *async) attempt(e *event) {
	again, wait := a.try(e)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running--
	if !again || a.s.d.Clock.Now().Add(wait).Sub(e.Accepted) > maxEventAge {
		delete(a.events, e.ID)
	} else if a.open {
		a.timers[e.ID] = a.s.d.Clock.AfterFunc(wait, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			delete(a.timers, e.ID)
			a.ready = append(a.ready, e)
			a.dispatch()
		})
	}
	a.dispatch()
}

// try runs the event once and says whether and when it should run again.
func (a *async) try(e *event) (again bool, wait time.Duration) {
	f, err := a.s.find(e.Function, "")
	if err != nil {
		return false, 0
	}
	r, err := a.s.run(context.Background(), f, &invocation{id: e.ID, payload: e.Payload, clientContext: e.ClientContext})
	switch {
	case err != nil:
		e.Throttles++
		return true, min(time.Second<<min(e.Throttles-1, 10), maxBackoff)
	case r.functionError != "":
		e.Failures++
		return e.Failures <= 2, firstRetry * time.Duration(e.Failures)
	}
	return false, 0
}
