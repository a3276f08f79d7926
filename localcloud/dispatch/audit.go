package dispatch

import "time"

// Audited is a request of a call that CloudTrail records.
type Audited interface {
	// Recorded returns what the record shows of the request and of its response, which is nil if the call failed. Both must
	// survive encoding/json and hold nothing that AWS hides.
	Recorded(out any) (requestParameters, responseElements any)
}

// Audit is a call with an Audited request that has ended.
type Audit struct {
	Call  *Call
	Time  time.Time // when it ended
	Error *Error    // nil if it succeeded

	in  Audited
	out any
}

// Recorded returns what the request says of itself; it is called only if somebody writes a record.
func (a Audit) Recorded() (requestParameters, responseElements any) { return a.in.Recorded(a.out) }

// OnAudit has f called after every call with an Audited request, in the goroutine of the call: it must be quick.
func (d *Dispatcher) OnAudit(f func(Audit)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.auditors = append(d.auditors, f)
}

func (d *Dispatcher) audit(c *Call, out any, err error) {
	in, ok := c.request.(Audited)
	if !ok {
		return
	}
	d.mu.RLock()
	auditors := d.auditors
	d.mu.RUnlock()
	if len(auditors) == 0 {
		return
	}
	a := Audit{Call: c, Time: d.Clock.Now(), in: in}
	if err != nil {
		a.Error = AsError(err)
	} else {
		a.out = out
	}
	for _, f := range auditors {
		f(a)
	}
}
