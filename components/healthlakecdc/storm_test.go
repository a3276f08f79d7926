package healthlakecdc

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/cloudtrail"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/healthlake"
)

// outcome is what happens to a call.
type outcome struct {
	wait time.Duration // before it fails, or goes on
	err  *dispatch.Error
}

// storm makes everything fail that can: calls before and after they have taken effect, calls that do not come back for a while,
// entries of PutEvents, records and events that are lost, late, repeated or overtake each other, indexes and histories that lag,
// and executions whose host is gone. What happens to a call follows from the seed and from how many of its kind there were.
type storm struct {
	s    *system
	seed uint64
	// rate is how many calls of a hundred meet a fault, lost how many triggers of a hundred get lost.
	rate, lost int
	lag        time.Duration // of the index and the history, at most
	outage     string        // the operation that fails every time; empty: none
	published  func(e *eventbridge.PutEventsEntry, refused bool)

	mu      sync.Mutex
	raging  bool
	counts  map[string]int
	waiting map[string]outcome // by request id
	stop    []func()
}

func newStorm(s *system, seed uint64) *storm {
	r := rand.New(rand.NewPCG(seed, 2))
	st := &storm{s: s, seed: seed, counts: map[string]int{}, waiting: map[string]outcome{}}
	st.rate = []int{0, 2, 5, 15, 30}[r.IntN(5)]
	st.lost = []int{0, 10, 50, 100}[r.IntN(4)]
	st.lag = []time.Duration{0, time.Second, 20 * time.Second, 2 * time.Minute}[r.IntN(4)]
	if outages := []string{"events:PutEvents", "dynamodb:UpdateItem", "dynamodb:BatchGetItem", "healthlake:SearchWithPost", "lambda:Invoke"}; r.IntN(6) == 0 {
		st.outage = outages[r.IntN(len(outages))]
	}
	return st
}

// number draws a number below n, for the next of a kind.
func (st *storm) number(n int, kind ...string) int {
	name := strings.Join(kind, " ")
	st.mu.Lock()
	st.counts[name]++
	count := st.counts[name]
	st.mu.Unlock()
	h := fnv.New64a()
	h.Write([]byte(strconv.FormatUint(st.seed, 10) + " " + name + " " + strconv.Itoa(count)))
	return int((h.Sum64() >> 7) % uint64(n))
}

// errors are those that services fail with: their own, and which have an HTTP status.
func (st *storm) failure(service string, n int) *dispatch.Error {
	throttling := map[string]string{"dynamodb": "ThrottlingException", "lambda": "TooManyRequestsException", "states": "ThrottlingException"}
	switch {
	case n%3 == 0:
		return &dispatch.Error{Code: "InternalServerError", Status: 500, Message: "fault"}
	case n%3 == 1:
		return &dispatch.Error{Code: "ServiceUnavailable", Status: 503, Message: "fault"}
	}
	code := throttling[service]
	if code == "" {
		code = "ThrottlingException"
	}
	status := 400
	if service == "healthlake" || service == "lambda" {
		status = 429
	}
	return &dispatch.Error{Code: code, Status: status, Message: "fault"}
}

// hits says what happens to a call before or after it takes effect.
func (st *storm) hits(c *dispatch.Call, after bool) bool {
	st.mu.Lock()
	raging := st.raging
	st.mu.Unlock()
	if !raging || c.Principal.IsRoot() || c.Principal.Service != "" && c.Service != "sqs" {
		return false
	}
	if c.Service+":"+c.Action == st.outage && !after {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.waiting[c.RequestID] = outcome{err: st.failure(c.Service, 0)}
		return true
	}
	when := "before"
	if after {
		when = "after"
	}
	kind := []string{c.Service, c.Action, when}
	if st.number(100, append(kind, "whether")...) >= st.rate {
		return false
	}
	var o outcome
	switch n := st.number(100, append(kind, "what")...); {
	case n < 70 || c.Principal.Service != "":
		o.err = st.failure(c.Service, n)
	case n < 85: // the caller gives up, and then it is done all the same
		o.wait = time.Duration(st.number(100, append(kind, "wait")...)) * time.Second
	default:
		o.wait, o.err = time.Duration(st.number(100, append(kind, "wait")...))*time.Second, st.failure(c.Service, n)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.waiting[c.RequestID] = o
	return true
}

func (st *storm) strike(ctx context.Context, c *dispatch.Call) *dispatch.Error {
	st.mu.Lock()
	o := st.waiting[c.RequestID]
	delete(st.waiting, c.RequestID)
	st.mu.Unlock()
	if o.wait > 0 {
		select {
		case <-time.After(o.wait):
		case <-ctx.Done():
		}
	}
	return o.err
}

// delays are those of a trigger: none for one that is lost.
func (st *storm) delays(kind string) []time.Duration {
	if st.number(100, kind, "lost") < st.lost {
		return nil
	}
	all := []time.Duration{st.delay(kind)}
	for st.number(100, kind, "twice") < 15 {
		all = append(all, st.delay(kind))
	}
	return all
}

func (st *storm) delay(kind string) time.Duration {
	if st.number(100, kind, "late") < 80 {
		return time.Duration(st.number(5000, kind, "delay")) * time.Millisecond
	}
	return time.Duration(st.number(600, kind, "delay")) * time.Second
}

// begin lets it rage until end.
func (st *storm) begin() {
	st.raging = true
	strike := func(ctx context.Context, c *dispatch.Call) *dispatch.Error { return st.strike(ctx, c) }
	st.stop = append(st.stop,
		st.s.d.Faults.Inject(dispatch.Fault{Match: func(c *dispatch.Call) bool { return st.hits(c, false) }, Do: strike}),
		st.s.d.Faults.Inject(dispatch.Fault{After: true, Match: func(c *dispatch.Call) bool { return st.hits(c, true) }, Do: strike}))
	st.s.trail.SetDelivery(func(r cloudtrail.Record) []time.Duration { return st.delays("record " + r.EventName) })
	st.s.events.Disturb(func(d eventbridge.Delivery) []time.Duration {
		if strings.HasSuffix(d.TargetArn, ":fhir-subscriber-1") { // EventBridge delivers late, again and in no order, but it delivers
			return []time.Duration{st.delay("change"), st.delay("change")}[:1+st.number(2, "change", "twice")]
		}
		return st.delays("trigger")
	})
	st.s.events.Refuse(func(e *eventbridge.PutEventsEntry) bool { return st.accept(e, st.number(200, "entry") < st.rate) })
	st.s.records.SetDelivery(healthlake.Delivery{
		Delay:     func(string) time.Duration { return st.delay("notification") },
		Copies:    func(string) int { return 1 + st.number(2, "notification", "twice") },
		PerBundle: 1 + st.number(5, "notification", "bundle"),
	})
	st.s.records.SetLag(healthlake.Lag{Index: func() time.Duration { return st.lags() }, History: st.lag / 2, VersionRead: st.lag / 4})
	st.s.d.Clock.AfterFunc(time.Duration(st.number(60, "kill", "when"))*time.Second, st.kill)
}

func (st *storm) accept(e *eventbridge.PutEventsEntry, refused bool) bool {
	if c := st.s.counter; c != nil && !refused && !strings.HasPrefix(e.Source, "aws.") {
		c.mu.Lock()
		c.entries++
		c.mu.Unlock()
	}
	if st.published != nil {
		st.published(e, refused)
	}
	return refused
}

func (st *storm) lags() time.Duration {
	if st.lag == 0 {
		return 0
	}
	return time.Duration(st.number(int(st.lag/time.Millisecond), "lag")) * time.Millisecond
}

// kill takes the host of some executions away, and comes again.
func (st *storm) kill() {
	st.mu.Lock()
	raging := st.raging
	st.mu.Unlock()
	if !raging {
		return
	}
	st.s.states.Abandon(func(string) bool { return st.number(100, "kill") < 2*st.rate })
	st.s.d.Clock.AfterFunc(time.Duration(1+st.number(60, "kill", "when"))*time.Second, st.kill)
}

// end stops it. What lags, lags for a while yet.
func (st *storm) end() {
	st.mu.Lock()
	st.raging = false
	st.mu.Unlock()
	for _, stop := range st.stop {
		stop()
	}
	st.s.trail.SetDelivery(nil)
	st.s.events.Disturb(nil)
	st.s.events.Refuse(func(e *eventbridge.PutEventsEntry) bool { return st.accept(e, false) })
	st.s.records.SetDelivery(healthlake.Delivery{})
	st.s.records.SetLag(healthlake.Lag{})
	st.s.pass(st.lag)
}

// keyOf is the idempotency key of an entry.
func keyOf(e *eventbridge.PutEventsEntry) string {
	var d struct{ IdempotencyKey string }
	if json.Unmarshal([]byte(e.Detail), &d) != nil {
		return "malformed"
	}
	return d.IdempotencyKey
}
