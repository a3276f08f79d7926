package asl

import (
	"container/heap"
	"time"
)

type timerKind uint8

const (
	wakeTimer      timerKind = iota // a Wait state's or a retry's
	taskTimer                       // TimeoutSeconds
	heartbeatTimer                  // HeartbeatSeconds
)

// timer belongs to one of the waits of a thread: it is void once the thread's wait has another number.
type timer struct {
	at     time.Time
	thread *thread
	wait   uint32
	kind   timerKind
}

func (t *timer) void() bool { return t.thread.wait != t.wait }

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = timer{}
	*h = (*h)[:last]
	return t
}

// next returns the earliest time, dropping timers that are void.
func (h *timerHeap) next() (time.Time, bool) {
	for len(*h) > 0 && (*h)[0].void() {
		heap.Pop(h)
	}
	if len(*h) == 0 {
		return time.Time{}, false
	}
	return (*h)[0].at, true
}

// after sets a timer for the thread's present wait.
func (t *thread) after(d time.Duration, kind timerKind) time.Time {
	at := t.e.now.Add(d)
	if len(t.e.timers) == 0 {
		t.e.timers = append(t.e.timers, timer{at, t, t.wait, kind})
	} else {
		heap.Push(&t.e.timers, timer{at, t, t.wait, kind})
	}
	return at
}

// fire lets the earliest timer that is due do its work, and reports whether there was one.
func (e *Execution) fire() bool {
	at, ok := e.timers.next()
	if !ok || at.After(e.now) {
		return false
	}
	due := e.timers[0]
	if len(e.timers) == 1 {
		e.timers = e.timers[:0]
	} else {
		heap.Pop(&e.timers)
	}
	t := due.thread
	switch due.kind {
	case wakeTimer:
		t.wait++
		e.push(t)
	case taskTimer:
		t.answer(taskAnswer{failure: &failure{name: errTimeout, noCause: true, task: true}})
	case heartbeatTimer:
		// An earlier heartbeat's timer is not the one that counts.
		if !t.task.HeartbeatDeadline.After(e.now) {
			t.answer(taskAnswer{failure: &failure{name: errTimeout, noCause: true, task: true, alias: errHeartbeatTimeout}})
		}
	}
	return true
}
