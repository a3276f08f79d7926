package hydrate

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/carepath/carepath/fhir"
)

// maxRounds is how often a second of more than one page, or the history, is read again before the pass goes on without being
// whole.
const maxRounds = 6

// keptBodies bounds the bytes of resources that are kept of a page of a search. A page of a response holds fewer; what has no
// room is read again by its version.
const keptBodies = 2 << 20

// maxInterrupted is how often a page that broke off is asked for in a row.
const maxInterrupted = 3

// found is what a search's page has.
type found struct {
	ids    []string // of all, in order
	all    []change
	latest string // the second of the latest change
	sum    uint64 // over the changes in the position's second
	page   fhir.Page
}

// read reads a page of a search, from its beginning if it breaks off.
func (p *pass) read(ctx context.Context, ask func(each func(fhir.Entry) error) (fhir.Page, error)) (f found, err error) {
	for range maxInterrupted {
		kept := 0
		f = found{}
		f.page, err = ask(func(e fhir.Entry) error {
			head, err := fhir.ParseHead(e.Resource)
			if err != nil {
				return err
			}
			at, timed := moment(head.LastUpdated)
			v, numbered := number(head.VersionID)
			switch {
			case head.ResourceType != p.typ:
				return errors.New("a search shows a resource of another type")
			case !timed || !numbered: // it blocks nobody else
				p.h.Log.WarnContext(ctx, "a resource has no version or no time", "resourceType", p.typ)
				p.held++
				return nil
			}
			c := change{id: head.ID, to: v, updated: head.LastUpdated}
			if n := len(e.Resource); !p.h.Reference && n <= maxDetail && kept+n <= keptBodies {
				c.body = e.Resource
				kept += n
			}
			f.ids, f.all = append(f.ids, c.id), append(f.all, c)
			second := at.UTC().Format(secondForm)
			if f.latest = max(f.latest, second); second == p.Position {
				f.sum += fingerprint(&c)
			}
			return nil
		})
		if !errors.Is(err, fhir.ErrInterrupted) {
			break
		}
	}
	return f, err
}

// fingerprint tells a version of a resource from others.
func fingerprint(c *change) uint64 {
	sum := sha256.Sum256([]byte(c.id + "/" + strconv.FormatInt(c.to, 10)))
	return binary.BigEndian.Uint64(sum[:])
}

// moment reads a time as HealthLake writes it.
func moment(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
}

// search makes a search that shows the named elements only, if the data store does that: which ones it takes is not documented.
func (p *pass) search(ctx context.Context, parameters url.Values, elements string, each func(fhir.Entry) error) (fhir.Page, error) {
	if elements != "" && !p.h.whole.Load() {
		parameters.Set("_elements", elements)
		page, err := p.h.FHIR.Search(ctx, p.typ, parameters, each)
		if fhir.Status(err) != http.StatusBadRequest {
			return page, err
		}
		p.h.whole.Store(true)
		parameters.Del("_elements")
	}
	return p.h.FHIR.Search(ctx, p.typ, parameters, each)
}

// changes reads a page of what was created and updated since the position, oldest first.
func (p *pass) changes(ctx context.Context) error {
	f, err := p.read(ctx, func(each func(fhir.Entry) error) (fhir.Page, error) {
		if p.Link != "" {
			return p.h.FHIR.Follow(ctx, p.Link, each)
		}
		parameters := url.Values{"_sort": {"_lastUpdated"}, "_count": {"100"}}
		if p.Position != "" {
			parameters.Set("_lastUpdated", "ge"+p.Position)
		}
		elements := ""
		if p.h.Reference {
			elements = "id,meta"
		}
		return p.search(ctx, parameters, elements, each)
	})
	if err != nil {
		return p.again(err)
	}
	heads, err := p.h.heads(ctx, p.typ, f.ids)
	if err != nil {
		return err
	}
	for _, c := range f.all {
		if err := p.take(ctx, heads[c.id], c); err != nil {
			return err
		}
	}
	return p.advance(&f)
}

// advance moves the position behind a page.
func (p *pass) advance(f *found) error {
	beyond := f.latest > p.Position // the page reaches into a later second
	first := p.Link == ""
	switch {
	case !first && p.Link == f.page.Next:
		return errors.New("a page's next link leads to the page itself")
	case first && f.page.Next == "":
		p.changed()
		return nil
	case first && beyond: // one page, read at one moment, has all that is before its last second
		p.moveTo(f.latest)
		return nil
	case first:
		p.Seen = ""
	}
	if err := p.see(f.sum); err != nil {
		return err
	}
	if f.page.Next != "" && !beyond {
		p.Link = f.page.Next
		return nil
	}
	// The second is read to its end. What moved away while that was done, to the end of the order, has drawn others to pages that
	// had been read: then the next reading misses it.
	if p.Rounds == 0 || p.Seen != p.SeenBefore {
		if p.Rounds < maxRounds {
			p.Link, p.SeenBefore = "", p.Seen
			p.Rounds++
			return nil
		}
		p.Held = true
	}
	if f.page.Next == "" && !beyond {
		p.changed()
		return nil
	}
	if p.Position == "" { // pages without entries came first
		p.moveTo(f.latest)
		return nil
	}
	at, err := time.Parse(secondForm, p.Position)
	if err != nil {
		return fmt.Errorf("the continuation's position is not a time: %w", err)
	}
	p.moveTo(at.Add(time.Second).Format(secondForm))
	return nil
}

// see adds to the sum over what this reading of the second has found.
func (p *pass) see(sum uint64) error {
	before := uint64(0)
	if p.Seen != "" {
		var err error
		if before, err = strconv.ParseUint(p.Seen, 16, 64); err != nil {
			return errors.New("the continuation's sum is no hexadecimal number")
		}
	}
	p.Seen = strconv.FormatUint(before+sum, 16)
	return nil
}

// moveTo begins at another position.
func (p *pass) moveTo(position string) {
	p.Position, p.Link, p.Seen, p.SeenBefore, p.Rounds = position, "", "", "", 0
}

// changed ends the phase of changes.
func (p *pass) changed() {
	p.moveTo("")
	if p.Phase = phaseRest; p.Deletes {
		p.Phase = phaseHistory
	}
}

// again handles a link that is refused, as old ones are: what it is part of is read from its beginning.
func (p *pass) again(err error) error {
	if p.Link == "" || !unavailable(err) || p.Rounds >= maxRounds {
		return err
	}
	p.Link, p.Seen = "", ""
	p.Rounds++
	return nil
}
