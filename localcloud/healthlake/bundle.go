package healthlake

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// Limits of bundles. https://docs.aws.amazon.com/healthlake/latest/devguide/reference-healthlake-endpoints-quotas.html
const (
	maxBatch       = 500
	maxTransaction = 100
)

// bundleItem is one entry of a bundle that is processed.
type bundleItem struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
	Request  *struct {
		Method          string `json:"method"`
		URL             string `json:"url"`
		IfMatch         string `json:"ifMatch"`
		IfNoneMatch     string `json:"ifNoneMatch"`
		IfNoneExist     string `json:"ifNoneExist"`
		IfModifiedSince string `json:"ifModifiedSince"`
	} `json:"request"`
}

// bundleStep is an entry as it is carried out.
type bundleStep struct {
	method, typ, id  string
	match, noneMatch string
	doc              *document
	criteria         map[string][]string
}

func (s *Service) bundle(ctx context.Context, ds *datastore, in *ProcessBundleInput) (*Response, error) {
	doc, err := parseBody(in.Body, "Bundle")
	if err != nil {
		return nil, err
	}
	var b struct {
		Type  string       `json:"type"`
		Entry []bundleItem `json:"entry"`
	}
	if err := json.Unmarshal(doc.text, &b); err != nil {
		return nil, invalid("structure", "The bundle cannot be read.")
	}
	switch {
	case b.Type != "batch" && b.Type != "transaction":
		return nil, invalid("value", "The bundle's type must be batch or transaction.")
	case len(b.Entry) == 0:
		return nil, invalid("required", "The bundle has no entries.")
	case len(b.Entry) > maxBatch:
		return nil, invalid("too-long", "The bundle has more than %d entries.", maxBatch)
	case b.Type == "transaction" && len(b.Entry) > maxTransaction:
		return nil, invalid("too-long", "The transaction has more than %d entries.", maxTransaction)
	}
	if b.Type == "batch" {
		return s.batch(ctx, ds, b.Entry)
	}
	return s.transaction(ds, b.Entry)
}

// step reads an entry.
func (s *Service) step(item *bundleItem) (*bundleStep, error) {
	r := item.Request
	if r == nil || r.Method == "" || r.URL == "" && r.Method != "POST" {
		return nil, invalid("required", "An entry of the bundle has no request with a method and a url.")
	}
	if r.IfNoneExist != "" || r.IfModifiedSince != "" {
		return nil, notEmulated("ifNoneExist and ifModifiedSince in bundles")
	}
	path, query, conditional := strings.Cut(strings.TrimPrefix(r.URL, "/"), "?")
	st := &bundleStep{method: r.Method, match: r.IfMatch, noneMatch: r.IfNoneMatch}
	var more string
	st.typ, st.id, _ = strings.Cut(path, "/")
	st.id, more, _ = strings.Cut(st.id, "/")
	if more != "" {
		return nil, notEmulated("the url %q in bundles", r.URL)
	}
	if err := checkType(st.typ); err != nil {
		return nil, err
	}
	if conditional {
		if r.Method != "PUT" || st.id != "" {
			return nil, notEmulated("criteria in the url of a %s in bundles", r.Method)
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return nil, invalid("value", "The criteria in the url of an entry cannot be read.")
		}
		st.criteria = values
	}
	switch {
	case r.Method != "POST" && r.Method != "PUT" && r.Method != "DELETE" && r.Method != "GET":
		return nil, notEmulated("the method %s in bundles", r.Method)
	case r.Method == "POST" && st.id != "", r.Method != "POST" && st.criteria == nil && !idForm.MatchString(st.id):
		return nil, invalid("value", "The url %q of an entry does not suit its method %s.", r.URL, r.Method)
	case r.Method == "DELETE" || r.Method == "GET":
		return st, nil
	}
	var err error
	if st.doc, err = parseBody(item.Resource, st.typ); err != nil {
		return nil, err
	}
	if r.Method == "PUT" && st.criteria == nil && st.doc.id != st.id {
		return nil, invalid("invalid", "The id %q of the resource does not match the id %q of the request.", st.doc.id, st.id)
	}
	return st, nil
}

// resolve fills in the id of a step that has none yet.
func (s *Service) resolve(ds *datastore, st *bundleStep) (err error) {
	switch {
	case st.method == "POST":
		st.id = newID()
	case st.criteria != nil:
		st.id, err = s.conditional(ds, st.typ, st.criteria, st.doc.id)
	}
	return err
}

// batch carries out each entry on its own.
func (s *Service) batch(ctx context.Context, ds *datastore, items []bundleItem) (*Response, error) {
	answer := bundle{ResourceType: "Bundle", ID: newID(), Type: "batch-response"}
	for i := range items {
		e, err := s.single(ctx, ds, &items[i])
		if err != nil {
			apiErr := dispatch.AsError(err)
			e = bundleEntry{rest: map[string]bundleResponse{"response": {Status: strconv.Itoa(httpStatus(apiErr)), Outcome: outcome(apiErr)}}}
		}
		answer.entries = append(answer.entries, e)
	}
	return answerBundle(http.StatusOK, &answer)
}

func (s *Service) single(ctx context.Context, ds *datastore, item *bundleItem) (bundleEntry, error) {
	st, err := s.step(item)
	if err != nil {
		return bundleEntry{}, err
	}
	if st.method == "GET" {
		read, err := s.read(ctx, ds, &ReadResourceInput{Target{ds.id, st.typ}, st.id})
		if err != nil {
			return bundleEntry{}, err
		}
		return bundleEntry{read.Body, map[string]bundleResponse{"response": {Status: "200", ETag: read.ETag, LastModified: read.LastModified}}}, nil
	}
	if err := s.resolve(ds, st); err != nil {
		return bundleEntry{}, err
	}
	if st.doc != nil {
		if err := s.checkSubscription(ds, st.doc); err != nil {
			return bundleEntry{}, err
		}
	}
	var e bundleEntry
	err = s.commit(ds, func(write func(change) (written, error)) (err error) {
		e, err = s.carryOut(ds, write, st, "")
		return err
	})
	return e, err
}

// carryOut makes a step's change. The caller holds the lock.
func (s *Service) carryOut(ds *datastore, write func(change) (written, error), st *bundleStep, batch string) (bundleEntry, error) {
	c := change{typ: st.typ, id: st.id, doc: st.doc, batch: batch}
	var w written
	var err error
	status := http.StatusCreated
	switch st.method {
	case "POST":
		w, err = write(c)
	case "PUT":
		w, status, err = s.put(ds, write, c, st.match, st.noneMatch)
	default:
		if err := ds.erase(write, c, st.match); err != nil {
			return bundleEntry{}, err
		}
		return bundleEntry{rest: map[string]bundleResponse{"response": {Status: "204"}}}, nil
	}
	if err != nil {
		return bundleEntry{}, err
	}
	return bundleEntry{rest: map[string]bundleResponse{"response": {Status: strconv.Itoa(status), Location: st.typ + "/" + st.id + "/_history/" + strconv.Itoa(w.n),
		ETag: etag(w.n), LastModified: instant(time.Unix(0, w.at))}}}, nil
}

// transaction carries out all entries or none: deletions first, then new resources, then updates.
func (s *Service) transaction(ds *datastore, items []bundleItem) (*Response, error) {
	steps := make([]*bundleStep, len(items))
	seen := map[string]bool{}
	var renamed []string // urn and reference in turn
	for i := range items {
		st, err := s.step(&items[i])
		if err != nil {
			return nil, err
		}
		if st.method == "GET" {
			return nil, notEmulated("reads in transactions")
		}
		if err := s.resolve(ds, st); err != nil {
			return nil, err
		}
		name := st.typ + "/" + st.id
		if seen[name] {
			return nil, invalid("duplicate", "The transaction has two entries for %s.", name)
		}
		seen[name] = true
		if urn := items[i].FullURL; strings.HasPrefix(urn, "urn:uuid:") {
			renamed = append(renamed, string(quote(urn)), string(quote(name)))
		}
		steps[i] = st
	}
	for _, st := range steps {
		if st.doc == nil {
			continue
		}
		text := st.doc.text
		for i := 0; i < len(renamed); i += 2 {
			text = bytes.ReplaceAll(text, []byte(renamed[i]), []byte(renamed[i+1]))
		}
		var err error
		if st.doc, err = parseDocument(text); err != nil {
			return nil, err
		}
		if err := s.checkSubscription(ds, st.doc); err != nil {
			return nil, err
		}
	}
	answer := bundle{ResourceType: "Bundle", ID: newID(), Type: "transaction-response", entries: make([]bundleEntry, len(steps))}
	batch := newID()
	err := s.commit(ds, func(write func(change) (written, error)) error {
		for _, st := range steps {
			if err := ds.possible(st); err != nil {
				return err
			}
		}
		for _, method := range []string{"DELETE", "POST", "PUT"} {
			for i, st := range steps {
				if st.method != method {
					continue
				}
				var err error
				if answer.entries[i], err = s.carryOut(ds, write, st, batch); err != nil {
					return err // possible has found none
				}
			}
		}
		ds.journal.Put(ds.id+"/"+batchType+"/"+batch, nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answerBundle(http.StatusOK, &answer)
}

// possible says why a step of a transaction would fail, before anything is written. The caller holds the lock.
func (ds *datastore) possible(st *bundleStep) error {
	r := ds.record(st.typ, st.id)
	n := 0
	if r != nil {
		n = len(r.versions)
	}
	switch {
	case st.method == "DELETE" && r == nil:
		return notFound(st.typ, st.id)
	case st.noneMatch != "" && n > 0:
		return preconditionFailed("The resource %s/%s exists already.", st.typ, st.id)
	}
	return ifMatch(st.match, n)
}
