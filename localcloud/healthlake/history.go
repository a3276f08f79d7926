package healthlake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func newID() string { return dispatch.NewRequestID() }

// encode writes JSON as it would be read, without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("writing a bundle: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

type bundleRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

type bundleResponse struct {
	Status       string          `json:"status"`
	Location     string          `json:"location,omitempty"`
	ETag         string          `json:"etag,omitempty"`
	LastModified string          `json:"lastModified,omitempty"`
	Outcome      json.RawMessage `json:"outcome,omitempty"`
}

type historyEntry struct {
	FullURL  string         `json:"fullUrl"`
	Request  bundleRequest  `json:"request"`
	Response bundleResponse `json:"response"`
}

// history answers a resource's versions, newest first, deletions among them. As HealthLake does, it shows each text with the
// metadata of the latest version: a version's own number is in its response.location only.
// https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-resources-read-history.html
func (s *Service) history(_ context.Context, ds *datastore, in *HistoryInput) (*Response, error) {
	if err := checkTarget(in.ResourceType, in.ResourceID); err != nil {
		return nil, err
	}
	q, err := parseHistory(in.ResourceType+"/"+in.ResourceID+"/_history", in.Parameters)
	if err != nil {
		return nil, err
	}
	before := 0
	if q.after != nil {
		before = int(q.after.at)
	}
	known := s.knownBefore(s.currentLag().History)
	ds.mu.RLock()
	r := ds.record(in.ResourceType, in.ResourceID)
	var versions []version
	if r != nil {
		versions = r.versions[:len(r.versions):len(r.versions)]
	}
	ds.mu.RUnlock()
	if r == nil {
		return nil, notFound(in.ResourceType, in.ResourceID)
	}
	var found []int
	more := false
	for n := len(versions); n >= 1; n-- {
		v := versions[n-1]
		replaced := int64(end)
		if n < len(versions) {
			replaced = versions[n].at
		}
		if v.at > known || v.at >= q.span.to || q.at && replaced <= q.span.from || !q.at && v.at < q.span.from || before != 0 && n >= before {
			continue
		}
		if len(found) == q.count {
			more = true
			break
		}
		found = append(found, n)
	}
	b := bundle{ResourceType: "Bundle", ID: newID(), Type: "history"}
	address := s.address(ds.id) + r.typ + "/" + r.id
	b.Link = append(b.Link, bundleLink{"self", address + "/_history" + queryString(in.Parameters, "")})
	if more {
		token := place{at: int64(found[len(found)-1])}.token(q.digest)
		b.Link = append(b.Link, bundleLink{"next", address + "/_history" + queryString(in.Parameters, token)})
	}
	for _, n := range found {
		shown, err := s.historyEntry(ds, r, n, versions)
		if err != nil {
			return nil, err
		}
		b.entries = append(b.entries, shown)
	}
	return answerBundle(http.StatusOK, &b)
}

// latestText is the text of the latest version that is no deletion.
func latestText(ds *datastore, r *record, versions []version) ([]byte, error) {
	for n := len(versions); n >= 1; n-- {
		if v := versions[n-1]; v.how != deleted {
			return ds.text(r, n, v)
		}
	}
	return nil, nil
}

// statusText is the status with which a version's write was answered.
func statusText(versions []version, n int) string {
	switch {
	case versions[n-1].how == deleted:
		return "204"
	case n == 1 || versions[n-2].how == deleted:
		return "201"
	}
	return "200"
}

func (s *Service) capabilities(_ context.Context, ds *datastore, _ *GetCapabilitiesInput) (*Response, error) {
	type coded struct {
		Code string `json:"code"`
	}
	type parameter struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	type resourceEntry struct {
		Type              string      `json:"type"`
		Interaction       []coded     `json:"interaction"`
		Versioning        string      `json:"versioning"`
		ReadHistory       bool        `json:"readHistory"`
		UpdateCreate      bool        `json:"updateCreate"`
		ConditionalUpdate bool        `json:"conditionalUpdate"`
		SearchParam       []parameter `json:"searchParam"`
	}
	var interactions []coded
	for code := range strings.SplitSeq("read vread update patch delete history-instance history-type create search-type", " ") {
		if code != "history-type" || !setting(s, func(c *settings) bool { return c.noTypeHistory }) {
			interactions = append(interactions, coded{code})
		}
	}
	var resources []resourceEntry
	for _, typ := range typeNames {
		resources = append(resources, resourceEntry{typ, interactions, "versioned", true, true, true, []parameter{{"_id", "token"}, {"_lastUpdated", "date"}}})
	}
	text, err := encode(map[string]any{
		"resourceType": "CapabilityStatement", "status": "active", "date": instant(s.d.Clock.Now()), "kind": "instance", "fhirVersion": "4.0.1",
		"format":         []string{"application/fhir+json"},
		"implementation": map[string]string{"description": "Carepath's embedded AWS HealthLake", "url": s.address(ds.id)},
		"rest": []any{map[string]any{"mode": "server", "resource": resources,
			"interaction": []coded{{"batch"}, {"transaction"}}}},
	})
	if err != nil {
		return nil, err
	}
	return &Response{StatusCode: http.StatusOK, Body: text}, nil
}
