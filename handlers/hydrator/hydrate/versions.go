package hydrate

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/carepath/carepath/fhir"
)

// state is what is found out about a version.
type state int

const (
	present   state = iota // it has content
	tombstone              // it is a deletion
	missing                // it was erased, or is out of reach for good
	withheld               // it may still show up
)

// version is a version of a resource.
type version struct {
	state   state
	updated string
	body    []byte
}

// reading looks up versions of one resource.
type reading struct {
	p    *pass
	c    *change
	from int64 // the first version that is of interest

	past map[int64]past // of the history; nil: it is not read yet
}

// past is what the history says of a version.
type past struct {
	deleted bool
	at      string
}

// version finds out about one version.
func (r *reading) version(ctx context.Context, v int64) (version, error) {
	if v == r.c.to && r.c.updated != "" {
		switch {
		case r.c.deleted:
			return version{state: tombstone, updated: r.c.updated}, nil
		case r.c.body != nil || r.p.h.Reference:
			return version{updated: r.c.updated, body: r.c.body}, nil
		}
	}
	if known, ok := r.past[v]; ok && known.deleted {
		return version{state: tombstone, updated: known.at}, nil
	} else if !ok && r.past != nil && r.rested(v) {
		return version{state: missing}, nil
	}
	got, err := r.p.h.FHIR.VersionRead(ctx, r.p.typ, r.c.id, strconv.FormatInt(v, 10))
	switch status := fhir.Status(err); {
	case err == nil:
		return readVersion(got.JSON)
	case status == http.StatusGone:
		return r.gone(ctx, v)
	case status == http.StatusNotFound:
		return r.absent(ctx, v)
	}
	return version{}, err
}

func readVersion(text []byte) (version, error) {
	head, err := fhir.ParseHead(text)
	return version{updated: head.LastUpdated, body: text}, err
}

// gone finds out when a version was deleted.
func (r *reading) gone(ctx context.Context, v int64) (version, error) {
	if err := r.history(ctx); err != nil {
		return version{}, err
	}
	if known, ok := r.past[v]; ok {
		return version{state: tombstone, updated: known.at}, nil
	}
	if !r.rested(v) {
		return version{state: withheld}, nil
	}
	// The history does not know it any more. It was before what came next.
	return version{state: tombstone, updated: r.after(v)}, nil
}

// absent finds out why a version is not found: because HealthLake does not show it yet, or because it was erased.
func (r *reading) absent(ctx context.Context, v int64) (version, error) {
	if v == r.c.to { // its own address can lag behind the resource's
		got, err := r.p.h.FHIR.Read(ctx, r.p.typ, r.c.id)
		if err == nil {
			if head, err := fhir.ParseHead(got.JSON); err == nil && head.VersionID == strconv.FormatInt(v, 10) {
				return version{updated: head.LastUpdated, body: got.JSON}, nil
			} else if err == nil && r.c.updated == "" {
				r.c.updated = head.LastUpdated // of a later version: an upper bound
			}
		} else if s := fhir.Status(err); s != http.StatusNotFound && s != http.StatusGone {
			return version{}, err
		}
	}
	if err := r.history(ctx); err != nil {
		return version{}, err
	}
	known, ok := r.past[v]
	switch {
	case ok && known.deleted:
		return version{state: tombstone, updated: known.at}, nil
	case ok || !r.rested(v):
		return version{state: withheld}, nil
	}
	return version{state: missing}, nil
}

// after is when the next version that is known of was made; empty if none is.
func (r *reading) after(v int64) string {
	next, at := int64(0), r.c.updated
	for n, known := range r.past {
		if n > v && (next == 0 || n < next) {
			next, at = n, known.at
		}
	}
	return at
}

// rested says whether a version is so old that HealthLake would show it if it had it.
func (r *reading) rested(v int64) bool {
	at, ok := moment(r.after(v))
	return ok && r.p.h.Now().Sub(at) > settled
}

var manyPerPage = url.Values{"_count": {"100"}}

// history reads what the resource's history says of the versions of interest. A data store that keeps none says nothing.
func (r *reading) history(ctx context.Context) error {
	if r.past != nil {
		return nil
	}
	found, lowest := map[int64]past{}, int64(0)
	each := func(e fhir.Entry) error {
		at, _ := e.Version()
		if v, ok := number(at.VersionID); ok && at.ID == r.c.id {
			found[v] = past{deletion(&e), e.LastModified}
			lowest = v
		}
		return nil
	}
	page, err := r.p.h.FHIR.History(ctx, r.p.typ, r.c.id, manyPerPage, each)
	for err == nil && page.Next != "" && (lowest == 0 || lowest > r.from) {
		page, err = r.p.h.FHIR.Follow(ctx, page.Next, each)
	}
	if err != nil && !unavailable(err) {
		return err
	}
	r.past = found
	return nil
}

// deletion says whether an entry of a history tells of a deletion.
func deletion(e *fhir.Entry) bool {
	return strings.EqualFold(e.Method, http.MethodDelete) || strings.HasPrefix(e.Status, "204")
}

// unavailable says whether an answer means that there is nothing of the kind at an address, and not that the caller may not or
// must wait.
func unavailable(err error) bool {
	switch fhir.Status(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	return false
}

// current finds out what the current version of a resource is, and says whether it did.
func (p *pass) current(ctx context.Context, head published, c *change) (bool, error) {
	got, err := p.h.FHIR.Read(ctx, p.typ, c.id)
	switch status := fhir.Status(err); {
	case err == nil:
		now, err := fhir.ParseHead(got.JSON)
		if err != nil {
			return false, err
		}
		v, ok := number(now.VersionID)
		if c.to, c.updated, c.body = v, now.LastUpdated, got.JSON; !ok {
			p.held++
		}
		return ok, nil
	case status == http.StatusGone:
		return p.deletedAt(ctx, head, c)
	case status == http.StatusNotFound:
		p.held++
		return false, nil
	default:
		return false, err
	}
}

// deletedAt finds the version that is the deletion of a resource which is gone, and says whether it did. While the history
// does not show it, the resource is held back.
func (p *pass) deletedAt(ctx context.Context, head published, c *change) (bool, error) {
	r := reading{p: p, c: c, from: head.version + 1}
	if err := r.history(ctx); err != nil {
		return false, err
	}
	latest := int64(0)
	for v := range r.past {
		latest = max(latest, v)
	}
	if known := r.past[latest]; known.deleted && latest > head.version {
		c.to, c.updated, c.deleted = latest, known.at, true
		return true, nil
	}
	p.held++
	return false, nil
}
