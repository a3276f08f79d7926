package dispatch

import (
	"context"
	"sync"
)

// Fault makes matching calls fail, to show what happens then.
type Fault struct {
	Service string // empty: any
	Action  string // empty: any
	// Match narrows the calls further; nil: all.
	Match func(*Call) bool
	// After lets the call have its effect before it fails, as when the answer is lost.
	After bool
	// Times is how many calls fail; 0: all until the fault is removed.
	Times int
	// Err is what the caller sees.
	Err *Error
	// Do is called in place of Err where there is one: it may wait, so that the call never answers, or make calls of its own.
	// What it returns is what the caller sees; nil lets the call go on.
	Do func(ctx context.Context, c *Call) *Error
}

// Faults is the set of faults in force. The zero value has none.
type Faults struct {
	mu   sync.Mutex
	list []*Fault
}

// Inject puts a fault in force and returns what removes it.
func (f *Faults) Inject(fault Fault) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &fault
	f.list = append(f.list, p)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.drop(p)
	}
}

// List returns copies of the faults in force, oldest first, with the Times that are left.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Fault, len(f.list))
	for i, p := range f.list {
		all[i] = *p
	}
	return all
}

// Clear removes every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

func (f *Faults) drop(p *Fault) {
	for i, q := range f.list {
		if q == p {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
			return
		}
	}
}

func (f *Faults) before(ctx context.Context, c *Call) error { return f.hit(ctx, c, false) }
func (f *Faults) after(ctx context.Context, c *Call) error  { return f.hit(ctx, c, true) }

func (f *Faults) hit(ctx context.Context, c *Call, after bool) error {
	if err := ctx.Err(); err != nil && !after {
		return &Error{Code: "RequestTimeout", Message: err.Error(), Status: 408}
	}
	fault := f.take(c, after)
	switch {
	case fault == nil:
		return nil
	case fault.Do == nil:
		return fault.Err
	}
	if err := fault.Do(ctx, c); err != nil {
		return err
	}
	return nil
}

// take returns a copy of the first fault that a call meets, and counts it; nil if there is none.
func (f *Faults) take(c *Call, after bool) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.list {
		if p.After != after || p.Service != "" && p.Service != c.Service || p.Action != "" && p.Action != c.Action || p.Match != nil && !p.Match(c) {
			continue
		}
		found := *p
		if p.Times > 0 {
			if p.Times--; p.Times == 0 {
				f.drop(p)
			}
		}
		return &found
	}
	return nil
}
