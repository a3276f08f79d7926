package hydrate

import (
	"context"
	"strconv"

	"github.com/carepath/carepath/changes"
)

// change is a resource of which something may have to be published.
type change struct {
	id      string
	to      int64  // the latest version that is known of; 0: whatever is the current one
	updated string // when version to was made; empty: not known
	deleted bool   // version to is a deletion
	body    []byte // of version to; nil: it has to be read
}

// take puts the versions of a resource that are not published into the page, as far as there is room; the rest is for the
// next page.
func (p *pass) take(ctx context.Context, head published, c change) error {
	if c.to != 0 && c.to <= head.version {
		return nil
	}
	if given, ok := p.page.given[c.id]; ok { // its events must not be in two batches
		if c.to > given {
			p.later(c, given)
		}
		return nil
	}
	if !p.room() {
		p.later(c, 0)
		return nil
	}
	if c.to == 0 {
		known, err := p.current(ctx, head, &c)
		if err != nil || !known || c.to <= head.version {
			return err
		}
	}
	r := reading{p: p, c: &c, from: head.version + 1}
	claim := Claim{Key: LedgerKey(p.h.DataStoreID, p.typ, c.id), From: strconv.FormatInt(head.version, 10)}
	size := claimSize(&claim) + 64
	var events []Event
	wasDeleted, last := head.version == 0 || head.deleted, head.version
	for v := head.version + 1; v <= c.to; v++ {
		if len(events) == maxEntries || len(events) > 0 && !p.h.Now().Before(p.ends) {
			p.later(c, last)
			break
		}
		found, err := r.version(ctx, v)
		if err != nil {
			return err
		}
		if found.state == missing {
			p.erased++
			wasDeleted = false
			continue
		}
		if found.state == withheld {
			p.held++
			break
		}
		event, err := p.event(&c, v, found, wasDeleted)
		if err != nil { // it has a time that is none: nobody could read the event
			p.h.Log.WarnContext(ctx, "a version cannot be described", "resourceType", p.typ, "error", err.Error())
			p.held++
			break
		}
		more := eventSize(&event)
		if p.page.size+size+more > maxPage {
			p.page.full = true
			p.later(c, last)
			break
		}
		size += more
		events = append(events, event)
		wasDeleted, last = found.state == tombstone, v
		claim.To, claim.Deleted, claim.LastUpdated = strconv.FormatInt(v, 10), wasDeleted, found.updated
	}
	if len(events) == 0 {
		return nil
	}
	p.page.add(claim, events, size)
	return nil
}

// later leaves a resource for the next page. given is the version up to which this one has it; 0: it has nothing of it.
func (p *pass) later(c change, given int64) {
	for i := range p.next {
		if n := &p.next[i]; n.ID == c.id {
			if n.From = max(n.From, given); n.To != 0 && (c.to > n.To || c.to == 0) {
				n.To, n.Time, n.Deleted = c.to, c.updated, c.deleted
			}
			return
		}
	}
	p.next = append(p.next, Pending{c.id, given, c.to, c.updated, c.deleted})
}

// event makes the event of a version.
func (p *pass) event(c *change, v int64, found version, wasDeleted bool) (Event, error) {
	what := changes.Change{DataStoreID: p.h.DataStoreID, ResourceType: p.typ, ResourceID: c.id, Version: v, Interaction: changes.Update, LastUpdated: found.updated,
		URL: p.h.FHIR.Endpoint() + p.typ + "/" + c.id + "/_history/" + strconv.FormatInt(v, 10)}
	switch {
	case found.state == tombstone:
		what.Interaction = changes.Delete
	case wasDeleted:
		what.Interaction = changes.Create
	}
	if found.state == present && !p.h.Reference {
		what.Resource = found.body
	}
	detail, _, err := what.AppendWithin(nil, maxDetail)
	if err != nil {
		return Event{}, err
	}
	at := what.Time()
	return Event{Source: changes.Source, DetailType: changes.DetailType, Detail: string(detail), Time: at.UTC().Format(secondForm)}, nil
}
