package hydrate_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lake is a data store that does what HealthLake may do and the embedded one does not: its page tokens are offsets, so that
// what moves to the end of the order while pages are read shifts the others; and the times in its searches count to the second.
type lake struct {
	base      string // of its addresses
	byID      map[string]*stay
	noHistory bool   // of types
	onPage    func() // called before a page is answered
}

// stay is a resource.
type stay struct {
	id       string
	versions []told
	shown    time.Time // from when search shows it
}

// told is a version; a deletion has no text.
type told struct {
	at   time.Time
	text string
}

func (s *stay) latest() *told { return &s.versions[len(s.versions)-1] }

// write adds a version, without a text for a deletion, and returns its number and what is to be published of it.
func (l *lake) write(id string, deletion bool, hidden time.Duration) (int, string) {
	s := l.byID[id]
	if s == nil {
		s = &stay{id: id}
		l.byID[id] = s
	}
	n, now := len(s.versions)+1, time.Now()
	interaction := "update "
	if n == 1 || s.latest().text == "" {
		interaction = "create "
	}
	v := told{at: now}
	if deletion {
		interaction = "delete "
	} else {
		v.text = fmt.Sprintf(`{"resourceType":"Patient","id":%q,"meta":{"versionId":"%d","lastUpdated":%q}, "name":[{"family":"Lovelace"}]}`, id, n, now.UTC().Format(time.RFC3339Nano))
	}
	s.versions, s.shown = append(s.versions, v), now.Add(hidden)
	return n, interaction + v.text
}

func (l *lake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	steps := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[4:]
	query := r.URL.Query()
	switch {
	case len(steps) == 0:
		l.search(w, query)
	case steps[0] == "_search":
		l.search(w, form(r))
	case steps[0] == "_history" && l.noHistory:
		answer(w, 403, outcomeText("forbidden"))
	case steps[0] == "_history":
		l.history(w, query)
	default:
		l.one(w, steps)
	}
}

func (l *lake) one(w http.ResponseWriter, steps []string) {
	s := l.byID[steps[0]]
	switch {
	case s == nil:
		answer(w, 404, outcomeText("not-found"))
	case len(steps) == 2:
		l.bundle(w, "history", nil, l.entries([]*stay{s}, time.Time{}), 0, "")
	default:
		v := s.latest()
		if len(steps) == 3 {
			n, err := strconv.Atoi(steps[2])
			if err != nil || n > len(s.versions) {
				answer(w, 404, outcomeText("not-found"))
				return
			}
			v = &s.versions[n-1]
		}
		if v.text == "" {
			answer(w, 410, outcomeText("deleted"))
			return
		}
		answer(w, 200, v.text)
	}
}

func (l *lake) search(w http.ResponseWriter, q url.Values) {
	if l.onPage != nil {
		l.onPage()
	}
	var ids []string
	if q.Has("_id") {
		ids = strings.Split(q.Get("_id"), ",")
	}
	since, _ := time.Parse(time.RFC3339, strings.TrimPrefix(q.Get("_lastUpdated"), "ge"))
	var hits []*stay
	for _, s := range l.byID {
		if v := s.latest(); v.text != "" && !s.shown.After(time.Now()) && !v.at.Truncate(time.Second).Before(since) && (ids == nil || slices.Contains(ids, s.id)) {
			hits = append(hits, s)
		}
	}
	slices.SortFunc(hits, func(a, b *stay) int { return cmp.Or(a.latest().at.Compare(b.latest().at), cmp.Compare(a.id, b.id)) })
	var entries []string
	for _, s := range hits {
		entries = append(entries, `{"search":{"mode":"match"},"resource":`+s.latest().text+`}`)
	}
	total := len(entries)
	l.bundle(w, "searchset", &total, entries, l.offset(q), "?"+q.Encode())
}

func (l *lake) history(w http.ResponseWriter, q url.Values) {
	if l.onPage != nil {
		l.onPage()
	}
	since, _ := time.Parse(time.RFC3339, q.Get("_since"))
	var all []*stay
	for _, s := range l.byID {
		all = append(all, s)
	}
	l.bundle(w, "history", nil, l.entries(all, since), l.offset(q), "/_history?"+q.Encode())
}

// entries are versions as a history shows them, newest first.
func (l *lake) entries(all []*stay, since time.Time) (entries []string) {
	type shown struct {
		at    time.Time
		entry string
	}
	var versions []shown
	for _, s := range all {
		for i, v := range s.versions {
			if v.at.Before(since) {
				continue
			}
			method, resource := "PUT", `"resource":`+v.text+`,`
			if v.text == "" {
				method, resource = "DELETE", ""
			}
			versions = append(versions, shown{v.at, fmt.Sprintf(`{%s"request":{"method":%q,"url":"Patient/%s"},"response":{"location":"Patient/%s/_history/%d","lastModified":%q}}`,
				resource, method, s.id, s.id, i+1, v.at.UTC().Format(time.RFC3339Nano))})
		}
	}
	slices.SortFunc(versions, func(a, b shown) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.entry, a.entry)) })
	for _, v := range versions {
		entries = append(entries, v.entry)
	}
	return entries
}

func (l *lake) offset(q url.Values) int {
	n, _ := strconv.Atoi(strings.TrimRight(q.Get("page"), "="))
	q.Del("page")
	return n
}

func (l *lake) bundle(w http.ResponseWriter, kind string, total *int, entries []string, offset int, next string) {
	page := entries[min(offset, len(entries)):min(offset+100, len(entries))]
	links := ""
	if offset+100 < len(entries) && next != "" {
		text, _ := json.Marshal(l.base + "Patient" + next + "&page=" + strconv.Itoa(offset+100) + "==")
		links = `,"link":[{"relation":"next","url":` + string(text) + `}]`
	}
	count := ""
	if total != nil {
		count = fmt.Sprintf(`,"total":%d`, *total)
	}
	answer(w, 200, `{"resourceType":"Bundle","type":"`+kind+`"`+count+links+`,"entry":[`+strings.Join(page, ",")+`]}`)
}
