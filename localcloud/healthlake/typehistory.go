package healthlake

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// entry is a version in a type's log.
type entry struct {
	at int64
	r  *record
	n  int
}

// sortLog puts a log in the order of time, after versions were added in another.
func (c *collection) sortLog() {
	slices.SortFunc(c.log, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
}

// SetTypeHistory says whether the history of a resource type is served. AWS's documentation lists the interaction, but not
// its IAM action, and an account has been seen to be refused it.
func (s *Service) SetTypeHistory(served bool) {
	s.set(func(c *settings) { c.noTypeHistory = !served })
}

// typeHistory answers the versions of all resources of a type, newest first, deletions among them. It lags as instance history does,
// and shows the metadata of the latest versions as that does.
// https://hl7.org/fhir/R4/http.html#history
func (s *Service) typeHistory(_ context.Context, ds *datastore, in *TypeHistoryInput) (*Response, error) {
	if err := checkType(in.ResourceType); err != nil {
		return nil, err
	}
	if setting(s, func(c *settings) bool { return c.noTypeHistory }) {
		return nil, fault(http.StatusForbidden, "AccessDeniedException", "forbidden", "User is not authorized to perform: healthlake:GetHistoryByResourceType on resource: %s", s.arn(ds.id))
	}
	q, err := parseHistory(in.ResourceType+"/_history", in.Parameters)
	if err != nil {
		return nil, err
	}
	if q.at {
		return nil, notEmulated("the parameter _at of a type's history")
	}
	before := s.knownBefore(s.currentLag().History)
	if before != end {
		before++ // what is known of at that moment is shown
	}
	if q.after != nil {
		before = min(before, q.after.at)
	}
	found, more, versions := ds.logged(in.ResourceType, q.span.from, before, q.count)
	b := bundle{ResourceType: "Bundle", ID: newID(), Type: "history"}
	address := s.address(ds.id) + in.ResourceType + "/_history"
	b.Link = append(b.Link, bundleLink{"self", address + queryString(in.Parameters, "")})
	if more {
		token := place{at: found[len(found)-1].at}.token(q.digest)
		b.Link = append(b.Link, bundleLink{"next", address + queryString(in.Parameters, token)})
	}
	for i, e := range found {
		shown, err := s.historyEntry(ds, e.r, e.n, versions[i])
		if err != nil {
			return nil, err
		}
		b.entries = append(b.entries, shown)
	}
	return answerBundle(http.StatusOK, &b)
}

// logged returns versions of a type from the newest before a time on, and for each all versions of its resource.
func (ds *datastore) logged(typ string, from, before int64, count int) (found []entry, more bool, versions [][]version) {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	c := ds.types[typ]
	if c == nil {
		return nil, false, nil
	}
	i, _ := slices.BinarySearchFunc(c.log, before, func(e entry, at int64) int { return cmp.Compare(e.at, at) })
	for i--; i >= 0 && c.log[i].at >= from; i-- {
		if len(found) == count {
			return found, true, versions
		}
		e := c.log[i]
		found, versions = append(found, e), append(versions, e.r.versions[:len(e.r.versions):len(e.r.versions)])
	}
	return found, false, versions
}

// historyEntry describes version n of a resource with its versions up to now.
func (s *Service) historyEntry(ds *datastore, r *record, n int, versions []version) (bundleEntry, error) {
	v, name := versions[n-1], r.typ+"/"+r.id
	rest := historyEntry{FullURL: s.address(ds.id) + name, Request: bundleRequest{verbs[v.how], name}, Response: bundleResponse{
		Status: statusText(versions, n), Location: name + "/_history/" + strconv.Itoa(n), ETag: etag(n), LastModified: instant(time.Unix(0, v.at))}}
	text, err := ds.text(r, n, v)
	if err != nil || text == nil {
		return bundleEntry{nil, rest}, err
	}
	latest, err := latestText(ds, r, versions)
	if err != nil {
		return bundleEntry{}, err
	}
	return bundleEntry{withMeta(text, latest), rest}, nil
}

// historyQuery is what a request for a history asks for.
type historyQuery struct {
	span   window
	at     bool // span is a time at which versions were current, not one at which they were made
	count  int
	after  *place // where the page before ended
	digest [8]byte
}

// parseHistory reads the parameters of a history, whose name keeps page tokens of different ones apart.
func parseHistory(name string, parameters map[string][]string) (*historyQuery, error) {
	q := &historyQuery{span: window{beginning, end}, count: maxCount, digest: digest(name, parameters)}
	for name := range parameters {
		text, err := first(parameters, name)
		if err != nil {
			return nil, err
		}
		switch name {
		case "_count":
			if q.count, err = strconv.Atoi(text); err != nil || q.count < 1 || q.count > maxCount {
				return nil, invalid("value", "The parameter _count must be a number from 1 to %d.", maxCount)
			}
		case "_since", "_at":
			from, to, ok := parsePeriod(text)
			if !ok {
				return nil, invalid("value", "%q is not a time.", text)
			}
			if q.span.from = from.UnixNano(); name == "_at" {
				q.at, q.span.to = true, to.UnixNano()
			}
		case "page":
			if q.after, err = openToken(text, q.digest); err != nil {
				return nil, err
			}
		default:
			return nil, notEmulated("the parameter %s of _history", name)
		}
	}
	return q, nil
}
