package healthlake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxCount is the largest page of a search and its default.
const maxCount = 100

// query is a search of one type.
type query struct {
	windows []window        // of the last update, in their order
	ids     map[string]bool // nil: all
	count   int
	byID    bool // the order is that of ids, not that of updates
	reverse bool
	total   bool
	only    []string // the elements of resources that are shown; nil: all
	tally   bool     // only the number of results is asked for
	after   *place   // where the page before ended
	digest  [8]byte
}

// place is a position in the results of a query.
type place struct {
	at int64
	id string
}

// hit is a current version that a query found.
type hit struct {
	r *record
	n int
	v version
}

// parseQuery reads a search's parameters.
func parseQuery(typ string, parameters map[string][]string) (*query, error) {
	q := &query{windows: always, count: maxCount, reverse: true}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		var err error
		switch name {
		case "_lastUpdated":
			for _, v := range parameters[name] {
				var either []window
				if either, err = parseWindows(v); err != nil {
					return nil, err
				}
				q.windows = intersect(q.windows, either)
			}
		case "_id":
			for _, v := range parameters[name] {
				q.narrow(strings.Split(v, ","))
			}
		case "_count":
			var text string
			if text, err = first(parameters, name); err == nil {
				if q.count, err = strconv.Atoi(text); err != nil || q.count < 1 || q.count > maxCount {
					err = invalid("value", "The parameter _count must be a number from 1 to %d.", maxCount)
				}
			}
		case "_sort":
			err = q.sort(parameters)
		case "_total":
			var text string
			if text, err = first(parameters, name); err == nil && text != "accurate" && text != "none" {
				err = invalid("value", "The parameter _total must be accurate or none.")
			}
			q.total = text == "accurate"
		case "_elements":
			for _, v := range parameters[name] {
				q.only = append(q.only, strings.Split(strings.ReplaceAll(v, " ", ""), ",")...)
			}
		case "_summary":
			var text string
			if text, err = first(parameters, name); err == nil && text != "count" && text != "false" {
				err = notEmulated("_summary=%s", text)
			}
			q.tally = text == "count"
		case "_format":
			var text string
			if text, err = first(parameters, name); err == nil && text != "json" && text != "application/fhir+json" && text != "application/json" {
				err = invalid("not-supported", "The format %q is not supported.", text)
			}
		case "page":
		default:
			err = notEmulated("the search parameter %s of %s", name, typ)
		}
		if err != nil {
			return nil, err
		}
	}
	q.total = q.total || q.tally
	q.digest = digest(typ, parameters)
	token, err := first(parameters, "page")
	if err != nil {
		return nil, err
	}
	if token != "" {
		if q.after, err = openToken(token, q.digest); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (q *query) narrow(ids []string) {
	narrowed := map[string]bool{}
	for _, id := range ids {
		if id = strings.TrimSpace(id); q.ids == nil || q.ids[id] {
			narrowed[id] = true
		}
	}
	q.ids = narrowed
}

// sort reads the order. Ids, and the times of updates, are all different: a second key has no effect.
func (q *query) sort(parameters map[string][]string) error {
	text, err := first(parameters, "_sort")
	if err != nil {
		return err
	}
	keys := strings.Split(text, ",")
	if len(keys) > 5 {
		return invalid("value", "The parameter _sort takes 5 keys at most.")
	}
	for i, key := range keys {
		name, descending := strings.CutPrefix(strings.TrimSpace(key), "-")
		if name != "_id" && name != "_lastUpdated" {
			return notEmulated("sorting by %q", name)
		}
		if i == 0 {
			q.byID, q.reverse = name == "_id", descending
		}
	}
	return nil
}

// digest tells queries apart, so that a page of one is not continued by another.
func digest(typ string, parameters map[string][]string) (d [8]byte) {
	rest := maps.Clone(parameters)
	delete(rest, "page")
	delete(rest, "_count")
	text, err := json.Marshal(rest) // its keys are sorted
	if err != nil {
		panic(err) // strings can always be written
	}
	sum := sha256.Sum256(append([]byte(typ+"?"), text...))
	copy(d[:], sum[:])
	return d
}

// token writes a place of a query's results. As HealthLake's, it ends in ==, which must be escaped before a request is
// signed.
func (p place) token(d [8]byte) string {
	text := binary.BigEndian.AppendUint64(d[:], uint64(p.at))
	text = append(text, p.id...)
	for len(text)%3 != 1 {
		text = append(text, ' ')
	}
	return base64.URLEncoding.EncodeToString(text)
}

func openToken(token string, d [8]byte) (*place, error) {
	text, err := base64.URLEncoding.DecodeString(token)
	if err != nil || len(text) < 16 || [8]byte(text[:8]) != d {
		return nil, invalid("value", "The page token is not valid for this search.")
	}
	return &place{int64(binary.BigEndian.Uint64(text[8:])), strings.TrimRight(string(text[16:]), " ")}, nil
}

// run returns a page of the results, whether there are more, and the number of all if it was asked for. The caller holds the
// lock. Resources whose index update is pending are not there.
func (q *query) run(c *collection, now int64) (page []hit, more bool, total int) {
	if c == nil {
		return nil, false, 0
	}
	take := func(r *record) bool {
		if len(page) == q.count {
			more = true
			return false
		}
		page = append(page, hit{r, len(r.versions), *r.latest()})
		return true
	}
	if q.byID || q.ids != nil {
		all := q.collect(c, now)
		total = len(all)
		for _, r := range all {
			if q.follows(r) && !take(r) {
				break
			}
		}
		return page, more, total
	}
	if q.total {
		for _, w := range q.windows {
			for m := range c.current.between(w.from, w.to, false) {
				if m.r.shown <= now {
					total++
				}
			}
		}
	}
	windows := slices.Clone(q.windows)
	if q.reverse {
		slices.Reverse(windows)
	}
	for _, w := range windows {
		if q.after != nil {
			if q.reverse {
				w.to = min(w.to, q.after.at)
			} else {
				w.from = max(w.from, q.after.at+1)
			}
		}
		for m := range c.current.between(w.from, w.to, q.reverse) {
			if m.r.shown <= now && !take(m.r) {
				return page, more, total
			}
		}
	}
	return page, more, total
}

// collect returns all that matches, sorted.
func (q *query) collect(c *collection, now int64) []*record {
	var all []*record
	add := func(r *record) {
		v := r.latest()
		if v.how != deleted && r.shown <= now && slices.ContainsFunc(q.windows, func(w window) bool { return w.from <= v.at && v.at < w.to }) {
			all = append(all, r)
		}
	}
	if q.ids != nil {
		for id := range q.ids {
			if r := c.byID[id]; r != nil {
				add(r)
			}
		}
	} else {
		for _, r := range c.byID {
			add(r)
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return q.compare(a, place{b.latest().at, b.id}) })
	return all
}

// compare says where a resource stands to a place in the query's order.
func (q *query) compare(r *record, p place) int {
	order := cmp.Compare(r.latest().at, p.at)
	if q.byID {
		order = strings.Compare(r.id, p.id)
	}
	if q.reverse {
		return -order
	}
	return order
}

func (q *query) follows(r *record) bool { return q.after == nil || q.compare(r, *q.after) > 0 }

// matches returns what a search for criteria finds, `limit` hits at most.
func (s *Service) matches(ds *datastore, typ string, criteria map[string][]string, limit int) ([]hit, error) {
	if len(criteria) == 0 {
		return nil, invalid("required", "The request has neither an id nor criteria.")
	}
	q, err := parseQuery(typ, criteria)
	if err != nil {
		return nil, err
	}
	if q.only != nil || q.tally {
		return nil, invalid("invalid", "_elements and _summary are no criteria.")
	}
	q.count = min(q.count, limit)
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	hits, _, _ := q.run(ds.types[typ], s.d.Clock.Now().UnixNano())
	return hits, nil
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

// bundle is a FHIR bundle; its entries are written by answerBundle.
type bundle struct {
	ResourceType string        `json:"resourceType"`
	ID           string        `json:"id"`
	Type         string        `json:"type"`
	Total        *int          `json:"total,omitempty"`
	Link         []bundleLink  `json:"link,omitempty"`
	entries      []bundleEntry // stays out of the JSON that encoding/json writes
}

// bundleEntry is an entry of a bundle: a resource, byte for byte, and the other members as a structure that is never empty.
type bundleEntry struct {
	resource []byte
	rest     any
}

type searchRest struct {
	FullURL string            `json:"fullUrl"`
	Search  map[string]string `json:"search"`
}

var matched = map[string]string{"mode": "match"}

func (s *Service) search(_ context.Context, ds *datastore, in *SearchInput) (*Response, error) {
	if err := checkType(in.ResourceType); err != nil {
		return nil, err
	}
	q, err := parseQuery(in.ResourceType, in.Parameters)
	if err != nil {
		return nil, err
	}
	ds.mu.RLock()
	page, more, total := q.run(ds.types[in.ResourceType], s.d.Clock.Now().UnixNano())
	ds.mu.RUnlock()
	if q.tally {
		page, more = nil, false
	}
	base := s.address(ds.id)
	b := bundle{ResourceType: "Bundle", ID: newID(), Type: "searchset"}
	if q.total {
		b.Total = &total
	}
	address := base + in.ResourceType
	b.Link = append(b.Link, bundleLink{"self", address + queryString(in.Parameters, "")})
	if more {
		last := page[len(page)-1]
		b.Link = append(b.Link, bundleLink{"next", address + queryString(in.Parameters, place{last.v.at, last.r.id}.token(q.digest))})
	}
	for _, h := range page {
		text, err := ds.text(h.r, h.n, h.v)
		if err != nil {
			return nil, err
		}
		if q.only != nil {
			text = onlyElements(text, q.only)
		}
		b.entries = append(b.entries, bundleEntry{text, searchRest{base + h.r.typ + "/" + h.r.id, matched}})
	}
	return answerBundle(http.StatusOK, &b)
}

// queryString writes parameters, and a page token as it is.
func queryString(parameters map[string][]string, token string) string {
	rest := url.Values(maps.Clone(parameters))
	if token != "" {
		rest.Del("page")
	}
	text := rest.Encode()
	if token != "" {
		if text != "" {
			text += "&"
		}
		text += "page=" + token
	}
	if text == "" {
		return ""
	}
	return "?" + text
}

// answerBundle writes a bundle.
func answerBundle(status int, b *bundle) (*Response, error) {
	text, err := encode(b)
	if err != nil {
		return nil, err
	}
	if len(b.entries) > 0 {
		text = append(text[:len(text)-1], `,"entry":[`...)
		for i, e := range b.entries {
			if i > 0 {
				text = append(text, ',')
			}
			rest, err := encode(e.rest)
			if err != nil {
				return nil, err
			}
			text = append(text, '{')
			if e.resource != nil {
				text = append(append(append(text, `"resource":`...), e.resource...), ',')
			}
			text = append(text, rest[1:]...)
		}
		text = append(text, "]}"...)
	}
	return &Response{StatusCode: status, Body: text}, nil
}
