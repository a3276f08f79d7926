package hydrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/carepath/carepath/fhir"
)

// settled is how long after a resource's last change HealthLake's history is trusted to show all of it.
const settled = 15 * time.Minute

// Hydrator answers requests. All fields are required.
type Hydrator struct {
	FHIR        *fhir.Client
	DynamoDB    *dynamodb.Client
	Table       string // the ledger's name
	DataStoreID string
	// Reference makes events without resources: consumers read them at the event's address.
	Reference bool
	// Overlap and TriggerOverlap are how far before the watermark a sweep and a trigger begin: longer than HealthLake's search lags.
	Overlap, TriggerOverlap time.Duration
	Now                     func() time.Time
	Log                     *slog.Logger
	Metrics                 io.Writer // gets CloudWatch's embedded metric format, a line for each request

	whole atomic.Bool // the data store has refused to show elements of resources only
}

const (
	watermarkForm = "2006-01-02T15:04:05.000000000Z" // strings compare as their times do
	secondForm    = "2006-01-02T15:04:05Z"
)

// workTime is how long a request looks for more before it answers with what it has. An Express workflow has five minutes.
const workTime = 25 * time.Second

// pass is a request in hand.
type pass struct {
	*Continuation
	h    *Hydrator
	typ  string
	mode string
	ends time.Time // no more work is begun then
	page page
	// next are the resources that this page had no room for, by id.
	next         []Pending
	held, erased int
	lost         int // published resources that were erased
}

// Handle answers one request. An error means that nothing of the page may be used; the same request can be made again.
func (h *Hydrator) Handle(ctx context.Context, in Request) (*Response, error) {
	p, lag, err := h.begin(ctx, &in)
	if err != nil {
		return nil, err
	}
	// What a page was left out for comes first: it is older.
	if err := p.pending(ctx); err != nil {
		return nil, err
	}
	for p.Phase != phaseRest && p.room() {
		if p.Phase == phaseGate && (p.page.claims > 0 || len(p.next) > 0) {
			break // it compares with the ledger, which has to know of this page first
		}
		switch p.Phase {
		case phaseChanges:
			err = p.changes(ctx)
		case phaseHistory:
			err = p.history(ctx)
		case phaseGate:
			err = p.gate(ctx)
		case phaseWalk:
			err = p.walk(ctx)
		default:
			err = fmt.Errorf("the continuation has no phase %q", p.Phase)
		}
		if err != nil {
			return nil, err
		}
	}
	out := &Response{Batches: p.page.batches, Held: p.held}
	if out.Batches == nil {
		out.Batches = []Batch{}
	}
	p.Held = p.Held || p.held > 0
	if p.Pending = p.next; p.Phase != phaseRest || len(p.Pending) > 0 {
		out.Continuation = p.Continuation
	} else if !p.Held && p.mode != References {
		out.Watermark = &Watermark{WatermarkKey(h.DataStoreID, p.typ), p.Began, p.mode}
	}
	h.Log.InfoContext(ctx, "hydrated", "resourceType", p.typ, "mode", p.mode, "phase", p.Phase, "versions", p.page.entries, "resources", p.page.claims,
		"pending", len(p.Pending), "held", p.held, "erased", p.erased, "lost", p.lost, "done", out.Continuation == nil, "whole", out.Watermark != nil)
	return out, h.measure(p, lag)
}

// room says whether the page takes more and there is time to look for it.
func (p *pass) room() bool {
	return !p.page.full && len(p.next) < maxPending && p.h.Now().Before(p.ends)
}

// begin reads a request. lag is how old the watermark of a sweep is that begins; negative if there is none.
func (h *Hydrator) begin(ctx context.Context, in *Request) (p *pass, lag time.Duration, err error) {
	now := h.Now()
	p, lag = &pass{h: h, typ: in.ResourceType, mode: in.Mode, ends: now.Add(workTime), Continuation: in.Continuation, page: page{given: map[string]int64{}}}, -1
	if deadline, ok := ctx.Deadline(); ok {
		p.ends = now.Add(min(workTime, deadline.Sub(now)*2/3)) // what is begun has to end, too
	}
	if _, ok := fhir.ParseReference(in.ResourceType + "/x"); !ok {
		return nil, lag, errors.New("the request has no resourceType")
	}
	if in.Mode != Trigger && in.Mode != Sweep && in.Mode != References {
		return nil, lag, fmt.Errorf("the mode must be %s, %s or %s", Trigger, Sweep, References)
	}
	if p.Continuation != nil {
		return p, lag, nil
	}
	p.Continuation = &Continuation{Phase: phaseChanges, Began: now.UTC().Format(watermarkForm)}
	if in.Mode == References {
		p.Phase = phaseRest
		p.Pending = p.referred(ctx, in)
		return p, lag, nil
	}
	m, err := h.marks(ctx, in.ResourceType)
	if err != nil {
		return nil, lag, err
	}
	p.Deletes = in.Deletes || in.Mode == Sweep
	if !m.swept.IsZero() {
		p.DeletesSince = m.swept.Add(-h.Overlap).UTC().Format(secondForm)
	}
	since, overlap := m.swept, h.Overlap
	if in.Mode == Trigger {
		overlap = h.TriggerOverlap
		if m.triggered.After(since) {
			since = m.triggered
		}
	} else if !since.IsZero() {
		lag = max(now.Sub(since), 0)
	}
	if !since.IsZero() {
		p.Position = since.Add(-overlap).UTC().Format(secondForm)
	}
	return p, lag, nil
}

// referred reads the references of a request: for each resource the highest version that is named. What cannot be read is left
// to the next sweep: it must not hold up the others.
func (p *pass) referred(ctx context.Context, in *Request) (all []Pending) {
	places := map[string]int{}
	for _, text := range in.References {
		r, ok := fhir.ParseReference(text)
		n := int64(0) // the current version
		if ok && r.VersionID != "" {
			n, ok = number(r.VersionID)
		}
		if !ok {
			p.h.Log.WarnContext(ctx, "a reference is not of the form Type/id or Type/id/_history/version", "resourceType", p.typ)
			p.held++
			continue
		}
		if r.ResourceType != in.ResourceType {
			continue
		}
		i, known := places[r.ID]
		if !known {
			i = len(all)
			places[r.ID] = i
			all = append(all, Pending{ID: r.ID, To: n})
		}
		if all[i].To = max(all[i].To, n); n == 0 {
			all[i].To = 0
		}
	}
	return all
}

// pending takes up what the page before had no room for.
func (p *pass) pending(ctx context.Context) error {
	waiting := p.Pending
	p.Pending = nil
	for len(waiting) > 0 {
		n := min(len(waiting), maxKeys)
		if !p.room() {
			p.next = append(p.next, waiting...)
			return nil
		}
		var ids []string
		for _, w := range waiting[:n] {
			ids = append(ids, w.ID)
		}
		heads, err := p.h.heads(ctx, p.typ, ids)
		if err != nil {
			return err
		}
		for _, w := range waiting[:n] {
			head := heads[w.ID]
			if head.version < w.From { // somebody else is publishing it
				p.held++
				continue
			}
			if err := p.take(ctx, head, change{id: w.ID, to: w.To, updated: w.Time, deleted: w.Deleted}); err != nil {
				return err
			}
		}
		waiting = waiting[n:]
	}
	return nil
}
