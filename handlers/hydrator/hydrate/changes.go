package hydrate

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/carepath/carepath/fhir"
)

// maxRounds is how often a second of more than one page, or the history, is read again before the pass goes on without being
// whole.
const maxRounds = 4

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
			f.latest = max(f.latest, at.UTC().Format(secondForm))
			return nil
		})
		if !errors.Is(err, fhir.ErrInterrupted) {
			break
		}
	}
	return f, err
}

// moment reads a time as HealthLake writes it.
func moment(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
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
		if p.h.Reference {
			parameters.Set("_elements", "id,meta")
		}
		return p.h.FHIR.Search(ctx, p.typ, parameters, each)
	})
	if err != nil {
		return p.again(err)
	}
	heads, err := p.h.heads(ctx, p.typ, f.ids)
	if err != nil {
		return err
	}
	for _, c := range f.all {
		head := heads[c.id]
		if c.to > head.version && c.to > p.page.given[c.id] {
			p.Fresh = true
		}
		if err := p.take(ctx, head, c); err != nil {
			return err
		}
	}
	return p.advance(&f)
}

// advance moves the position behind a page.
func (p *pass) advance(f *found) error {
	beyond := f.latest > p.Position // a page that reaches into a later second is whole up to there
	switch {
	case p.Link != "" && p.Link == f.page.Next:
		return errors.New("a page's next link leads to the page itself")
	case p.Link == "" && f.page.Next == "":
		p.changed()
	case p.Link == "" && beyond:
		p.Position, p.Fresh, p.Rounds = f.latest, false, 0
	case f.page.Next != "" && !beyond:
		p.Link = f.page.Next
	case p.Fresh && p.Rounds < maxRounds:
		// What moved to the end while the second's pages were read has drawn others to pages that had been read.
		p.Link, p.Fresh = "", false
		p.Rounds++
	default:
		if p.Fresh {
			p.Held = true
		}
		if f.page.Next == "" && !beyond {
			p.changed()
			break
		}
		p.Link, p.Fresh, p.Rounds = "", false, 0
		if p.Position == "" {
			p.Position = f.latest
			break
		}
		at, err := time.Parse(secondForm, p.Position)
		if err != nil {
			return fmt.Errorf("the continuation's position is not a time: %w", err)
		}
		p.Position = at.Add(time.Second).Format(secondForm)
	}
	return nil
}

// changed ends the phase of changes.
func (p *pass) changed() {
	p.Link, p.Fresh, p.Rounds, p.Position = "", false, 0, ""
	switch {
	case !p.Deletes:
		p.Phase = phaseRest
	case p.DeletesSince == "":
		p.Phase = phaseGate
	default:
		p.Phase = phaseHistory
	}
}

// again handles a link that is refused, as old ones are: what it is part of is read from its beginning.
func (p *pass) again(err error) error {
	if p.Link == "" || !unavailable(err) || p.Rounds >= maxRounds {
		return err
	}
	p.Link, p.Fresh = "", false
	p.Rounds++
	return nil
}
