package healthlake

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	idForm   = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	etagForm = regexp.MustCompile(`^(?:W/)?"([0-9]+)"$`)
)

// largestResource is the longest body of a synchronous request, in bytes.
const largestResource = 5 << 20

func etag(n int) string { return `W/"` + strconv.Itoa(n) + `"` }

func checkType(typ string) error {
	if !resourceTypes[typ] {
		return fault(http.StatusNotFound, "ResourceNotFoundException", "not-supported", "Unknown resource type: %s", typ)
	}
	return nil
}

// checkTarget checks the type and the id in an address.
func checkTarget(typ, id string) error {
	if err := checkType(typ); err != nil {
		return err
	}
	if !idForm.MatchString(id) {
		return invalid("value", "The id %q is not valid: it must have 1 to 64 letters, digits, hyphens and periods.", id)
	}
	return nil
}

// parseBody reads the resource in a request's body. A resource of another type than the address names is refused.
func parseBody(body []byte, typ string) (*document, error) {
	if len(body) > largestResource {
		return nil, fault(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "too-long", "The request is larger than %d bytes.", largestResource)
	}
	if len(body) == 0 {
		return nil, invalid("required", "The request has no body.")
	}
	doc, err := parseDocument(body)
	if err != nil {
		return nil, err
	}
	if doc.resourceType != typ {
		return nil, invalid("invalid", "The resource's type %s does not match the type %s of the request.", doc.resourceType, typ)
	}
	return doc, nil
}

// respond describes a version that was written.
func respond(status int, w written) *Response {
	return &Response{StatusCode: status, ETag: etag(w.n), LastModified: instant(time.Unix(0, w.at)), Body: w.text}
}

// commit makes changes to a data store under its lock, confirms them and tells the subscribers. f makes the changes.
func (s *Service) commit(ds *datastore, f func(write func(change) (written, error)) error) error {
	now := s.d.Clock.Now()
	var all []written
	err := func() error {
		ds.mu.Lock()
		defer ds.mu.Unlock()
		if ds.closed {
			return fault(http.StatusNotFound, "ResourceNotFoundException", "not-found", "Datastore not found: %s", ds.id)
		}
		return f(func(c change) (written, error) {
			w, err := ds.write(c, now, s.indexLag())
			if err == nil {
				all = append(all, w)
				s.notify(ds, w)
			}
			return w, err
		})
	}()
	if err != nil {
		return err
	}
	if err := ds.journal.Flush(); err != nil {
		return err
	}
	for _, w := range all {
		if w.r.typ == subscriptionType {
			s.follow(ds, w)
		}
	}
	return nil
}

func (s *Service) create(_ context.Context, ds *datastore, in *CreateResourceInput) (*Response, error) {
	if err := checkType(in.ResourceType); err != nil {
		return nil, err
	}
	if in.IdempotencyKey != "" && !uuidForm.MatchString(in.IdempotencyKey) {
		return nil, invalid("value", "The idempotency key must be a UUID.")
	}
	doc, err := parseBody(in.Body, in.ResourceType)
	if err != nil {
		return nil, err
	}
	if err := s.checkSubscription(ds, doc); err != nil {
		return nil, err
	}
	var w written
	err = s.commit(ds, func(write func(change) (written, error)) (err error) {
		if before := ds.keys[in.IdempotencyKey]; before != nil {
			return s.duplicate(ds, before)
		}
		w, err = write(change{typ: in.ResourceType, id: newID(), how: created, doc: doc, key: in.IdempotencyKey})
		return err
	})
	if err != nil {
		return nil, err
	}
	return respond(http.StatusCreated, w), nil
}

// duplicate is the answer to a request whose idempotency key has made a resource before.
func (s *Service) duplicate(ds *datastore, r *record) error {
	e := fault(http.StatusConflict, "ConflictException", "duplicate", "A request with the same idempotency key has created a resource.")
	e.Fields["location"] = s.address(ds.id) + r.typ + "/" + r.id
	return e
}

// found looks up a resource's current version. The caller holds the lock.
func (ds *datastore) found(typ, id string) (r *record, n int, v version, err error) {
	if r = ds.record(typ, id); r == nil {
		return nil, 0, v, notFound(typ, id)
	}
	v = *r.latest()
	if v.how == deleted {
		return nil, 0, v, gone(typ, id)
	}
	return r, len(r.versions), v, nil
}

func (s *Service) read(_ context.Context, ds *datastore, in *ReadResourceInput) (*Response, error) {
	if err := checkTarget(in.ResourceType, in.ResourceID); err != nil {
		return nil, err
	}
	ds.mu.RLock()
	r, n, v, err := ds.found(in.ResourceType, in.ResourceID)
	ds.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	return ds.answer(r, n, v)
}

func (ds *datastore) answer(r *record, n int, v version) (*Response, error) {
	text, err := ds.text(r, n, v)
	if err != nil {
		return nil, err
	}
	return &Response{StatusCode: http.StatusOK, ETag: etag(n), LastModified: instant(time.Unix(0, v.at)), Body: text}, nil
}

func (s *Service) versionRead(_ context.Context, ds *datastore, in *VersionReadResourceInput) (*Response, error) {
	if err := checkTarget(in.ResourceType, in.ResourceID); err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(in.VersionID)
	if err != nil || n < 1 {
		return nil, notFound(in.ResourceType, in.ResourceID+"/_history/"+in.VersionID)
	}
	known := s.knownBefore(s.currentLag().VersionRead)
	ds.mu.RLock()
	r := ds.record(in.ResourceType, in.ResourceID)
	var v version
	if ok := r != nil && n <= len(r.versions) && r.versions[n-1].at <= known; ok {
		v = r.versions[n-1]
	} else {
		r = nil
	}
	ds.mu.RUnlock()
	switch {
	case r == nil:
		return nil, notFound(in.ResourceType, in.ResourceID+"/_history/"+in.VersionID)
	case v.how == deleted:
		return nil, gone(in.ResourceType, in.ResourceID+"/_history/"+in.VersionID)
	}
	return ds.answer(r, n, v)
}

// ifMatch checks the version that a caller has seen against the current one; n is 0 if there is none.
func ifMatch(header string, n int) error {
	if header == "" {
		return nil
	}
	m := etagForm.FindStringSubmatch(header)
	if m == nil {
		return invalid("value", `If-Match must be an ETag such as W/"1".`)
	}
	if m[1] != strconv.Itoa(n) {
		return preconditionFailed("If-Match %s does not match the current version %s.", header, etag(n))
	}
	return nil
}

func (s *Service) update(_ context.Context, ds *datastore, in *UpdateResourceInput) (*Response, error) {
	if err := checkType(in.ResourceType); err != nil {
		return nil, err
	}
	doc, err := parseBody(in.Body, in.ResourceType)
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && in.IfNoneMatch != "*" {
		return nil, invalid("value", "If-None-Match must be *.")
	}
	id := in.ResourceID
	if id == "" {
		if id, err = s.conditional(ds, in.ResourceType, in.Criteria, doc.id); err != nil {
			return nil, err
		}
	} else if doc.id != id {
		return nil, invalid("invalid", "The id %q of the resource does not match the id %q of the request.", doc.id, id)
	}
	if err := checkTarget(in.ResourceType, id); err != nil {
		return nil, err
	}
	if err := s.checkSubscription(ds, doc); err != nil {
		return nil, err
	}
	var w written
	status := http.StatusOK
	err = s.commit(ds, func(write func(change) (written, error)) (err error) {
		w, status, err = s.put(ds, write, change{typ: in.ResourceType, id: id, doc: doc}, in.IfMatch, in.IfNoneMatch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return respond(status, w), nil
}

// put writes a resource under an id, new or not. The caller holds the lock.
func (s *Service) put(ds *datastore, write func(change) (written, error), c change, match, noneMatch string) (written, int, error) {
	n, living := 0, false
	if r := ds.record(c.typ, c.id); r != nil {
		n, living = len(r.versions), r.latest().how != deleted
	}
	if noneMatch != "" && n > 0 {
		return written{}, 0, preconditionFailed("The resource %s/%s exists already.", c.typ, c.id)
	}
	if err := ifMatch(match, n); err != nil {
		return written{}, 0, err
	}
	status := http.StatusOK
	if c.how = updated; !living {
		status = http.StatusCreated
	}
	w, err := write(c)
	return w, status, err
}

// conditional finds the resource that a conditional update means: the one that matches, or a new one.
func (s *Service) conditional(ds *datastore, typ string, criteria map[string][]string, id string) (string, error) {
	hits, err := s.matches(ds, typ, criteria, 2)
	switch {
	case err != nil:
		return "", err
	case len(hits) > 1:
		return "", preconditionFailed("The criteria match more than one resource.")
	case len(hits) == 1 && id != "" && id != hits[0].r.id:
		return "", invalid("invalid", "The id of the resource does not match the resource that the criteria match.")
	case len(hits) == 1:
		return hits[0].r.id, nil
	case id != "":
		return id, nil
	}
	return newID(), nil
}

func (s *Service) remove(_ context.Context, ds *datastore, in *DeleteResourceInput) (*Response, error) {
	ids := []string{in.ResourceID}
	if in.ResourceID == "" {
		if err := checkType(in.ResourceType); err != nil {
			return nil, err
		}
		_, many := in.Criteria["_count"]
		limit := 2
		if many {
			limit = maxCount
		}
		hits, err := s.matches(ds, in.ResourceType, in.Criteria, limit)
		switch {
		case err != nil:
			return nil, err
		case len(hits) == 0:
			return nil, fault(http.StatusNotFound, "ResourceNotFoundException", "not-found", "No resource matches the criteria.")
		case len(hits) > 1 && !many:
			return nil, preconditionFailed("The criteria match more than one resource.")
		}
		ids = ids[:0]
		for _, h := range hits {
			ids = append(ids, h.r.id)
		}
	} else if err := checkTarget(in.ResourceType, in.ResourceID); err != nil {
		return nil, err
	}
	err := s.commit(ds, func(write func(change) (written, error)) error {
		for _, id := range ids {
			if err := ds.erase(write, change{typ: in.ResourceType, id: id}, in.IfMatch); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Response{StatusCode: http.StatusNoContent}, nil
}

// erase deletes a resource; what is deleted already stays as it is. The caller holds the lock.
func (ds *datastore) erase(write func(change) (written, error), c change, match string) error {
	r := ds.record(c.typ, c.id)
	if r == nil {
		return notFound(c.typ, c.id)
	}
	if err := ifMatch(match, len(r.versions)); err != nil {
		return err
	}
	if r.latest().how == deleted {
		return nil
	}
	c.how, c.doc = deleted, nil
	_, err := write(c)
	return err
}

func (s *Service) patch(_ context.Context, ds *datastore, in *PatchResourceInput) (*Response, error) {
	if err := checkTarget(in.ResourceType, in.ResourceID); err != nil {
		return nil, err
	}
	operations, err := parsePatch(in.Body)
	if err != nil {
		return nil, err
	}
	// The text is read and patched without the lock; another write meanwhile is a conflict.
	ds.mu.RLock()
	r, n, v, err := ds.found(in.ResourceType, in.ResourceID)
	ds.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if err := ifMatch(in.IfMatch, n); err != nil {
		return nil, err
	}
	text, err := ds.text(r, n, v)
	if err != nil {
		return nil, err
	}
	if text, err = operations.apply(text); err != nil {
		return nil, err
	}
	doc, err := parseBody(text, in.ResourceType)
	if err != nil {
		return nil, err
	}
	if doc.id != in.ResourceID {
		return nil, invalid("invalid", "A patch must not change the id of the resource.")
	}
	if err := s.checkSubscription(ds, doc); err != nil {
		return nil, err
	}
	var w written
	err = s.commit(ds, func(write func(change) (written, error)) (err error) {
		if len(r.versions) != n {
			return fault(http.StatusConflict, "ConflictException", "conflict", "The resource %s/%s was changed at the same time.", in.ResourceType, in.ResourceID)
		}
		w, err = write(change{typ: in.ResourceType, id: in.ResourceID, how: patched, doc: doc})
		return err
	})
	if err != nil {
		return nil, err
	}
	return respond(http.StatusOK, w), nil
}

// first is the first value of a parameter that may be given once.
func first(parameters map[string][]string, name string) (string, error) {
	switch values := parameters[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return strings.TrimSpace(values[0]), nil
	}
	return "", invalid("invalid", "The parameter %s may be given once.", name)
}
