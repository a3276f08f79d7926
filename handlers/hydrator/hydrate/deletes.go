package hydrate

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/carepath/carepath/fhir"
)

// A search does not show what was deleted. The history of the type does, newest first: what is new while it is read comes
// before what was read, so that its links can be followed. Whether HealthLake serves it is not documented. Where it does not,
// the ledger is walked through, and the data store asked which of the published resources it still has; a comparison of
// their numbers comes first, so that a pass without deletions costs one search. Then a resource that is created and
// deleted between two passes is not seen.

// errNoVersion is the error of a history that does not say what its deletions are of.
var errNoVersion = errors.New("a deletion in the type's history does not say of what")

// history reads a page of the type's history for deletions.
func (p *pass) history(ctx context.Context) error {
	latest := map[string]change{}
	var ids []string
	each := func(e fhir.Entry) error {
		if !deletion(&e) {
			return nil
		}
		at, _ := e.Version()
		v, ok := number(at.VersionID)
		if !ok || at.ResourceType != p.typ {
			return errNoVersion
		}
		if before, seen := latest[at.ID]; !seen {
			ids = append(ids, at.ID)
		} else if before.to > v {
			return nil
		}
		latest[at.ID] = change{id: at.ID, to: v, updated: e.LastModified, deleted: true}
		return nil
	}
	parameters := url.Values{"_count": {"100"}}
	if p.DeletesSince != "" {
		parameters.Set("_since", p.DeletesSince)
	}
	var page fhir.Page
	var err error
	for range maxInterrupted { // what comes twice is in latest once
		if p.Link != "" {
			page, err = p.h.FHIR.Follow(ctx, p.Link, each)
		} else {
			page, err = p.h.FHIR.TypeHistory(ctx, p.typ, parameters, each)
		}
		if !errors.Is(err, fhir.ErrInterrupted) {
			break
		}
	}
	switch {
	case errors.Is(err, errNoVersion), err != nil && p.Link == "" && (unavailable(err) || fhir.Status(err) == http.StatusForbidden):
		p.Phase, p.Link, p.Rounds = phaseGate, "", 0
		return nil
	case err != nil:
		return p.again(err)
	}
	heads, err := p.h.heads(ctx, p.typ, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := p.take(ctx, heads[id], latest[id]); err != nil {
			return err
		}
	}
	if p.Link = page.Next; page.Next == "" {
		p.Phase = phaseRest
	}
	return nil
}

// gate compares how many resources there are with how many are published.
func (p *pass) gate(ctx context.Context) error {
	page, err := p.search(ctx, url.Values{"_count": {"1"}, "_total": {"accurate"}}, "id", func(fhir.Entry) error { return nil })
	if err != nil {
		return err
	}
	p.Phase = phaseWalk
	if page.Total == nil {
		return nil
	}
	published, err := p.h.countLiving(ctx, p.typ)
	if err != nil {
		return err
	}
	if published == *page.Total {
		p.Phase = phaseRest
	}
	return nil
}

// walk asks which of the next published resources are still there.
func (p *pass) walk(ctx context.Context) error {
	living, next, err := p.h.nextLiving(ctx, p.typ, p.Shard, p.After)
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(living))
	for id := range living {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if len(ids) > 0 {
		there := map[string]bool{}
		each := func(e fhir.Entry) error {
			head, err := fhir.ParseHead(e.Resource)
			there[head.ID] = true
			return err
		}
		for range maxInterrupted { // no more ids than a page has resources: there is no next one
			_, err = p.search(ctx, url.Values{"_id": {strings.Join(ids, ",")}, "_count": {"100"}}, "id", each)
			if !errors.Is(err, fhir.ErrInterrupted) {
				break
			}
		}
		if err != nil && fhir.Status(err) != http.StatusBadRequest { // so many ids may be too many: then each is asked for
			return err
		}
		for _, id := range ids {
			if there[id] {
				continue
			}
			if err := p.vanished(ctx, living[id], id); err != nil {
				return err
			}
		}
	}
	if p.After = next; next == "" {
		if p.Shard++; p.Shard == shards {
			p.Phase = phaseRest
		}
	}
	return nil
}

// vanished finds out why a search does not show a published resource: its index update is pending, or it was deleted, or
// erased, which leaves nothing to publish.
func (p *pass) vanished(ctx context.Context, head published, id string) error {
	if _, given := p.page.given[id]; given {
		return nil
	}
	c := change{id: id}
	_, err := p.h.FHIR.Read(ctx, p.typ, id)
	switch status := fhir.Status(err); {
	case err == nil: // the next pass sees it
		return nil
	case status == http.StatusNotFound:
		p.lost++
		return nil
	case status != http.StatusGone:
		return err
	}
	if known, err := p.deletedAt(ctx, head, &c); err != nil || !known {
		return err
	}
	return p.take(ctx, head, c)
}
