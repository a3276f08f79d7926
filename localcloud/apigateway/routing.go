package apigateway

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"net/url"
	"strings"
)

// table is what clients see: the stages, and the domains that lead to them. It is never changed, only replaced as a
// whole, so that every request finds its way by one state of it.
type table struct {
	stages    map[stageKey]*stagePlan
	domains   map[string]*domainPlan // by name
	wildcards map[string]*domainPlan // by what follows "*."
}

// domainPlan is a domain, ready to route.
type domainPlan struct {
	name    string
	paths   map[string]mappedPath
	deepest int // steps of the longest path
	record  *domainRecord
	trusted *x509.CertPool // nil: clients need no certificate
}

// compileDomain makes a domain ready to route.
func compileDomain(r *domainRecord) (*domainPlan, error) {
	p := &domainPlan{name: r.Name, paths: make(map[string]mappedPath, len(r.Mappings)), record: r}
	for _, m := range r.Mappings {
		p.paths[m.Path] = m
		if m.Path != "" {
			p.deepest = max(p.deepest, strings.Count(m.Path, "/")+1)
		}
	}
	if r.MutualTLS == nil {
		return p, nil
	}
	store, err := parseTruststore(r.Truststore)
	if err != nil {
		return nil, fmt.Errorf("reading the trust store of %s: %w", r.Name, err)
	}
	p.trusted = store.pool
	return p, nil
}

// publish puts a stage's plan in service; nil takes the stage out of it. The caller holds s.mu.
func (s *Service) publish(ctx context.Context, k stageKey, plan *stagePlan) {
	next := *s.live.Load()
	var before, after *accessLog
	if old := next.stages[k]; old != nil {
		before = old.accessLog
	}
	if plan != nil {
		after = plan.accessLog
	}
	same := before != nil && after != nil && before.to.group == after.to.group
	if same {
		after.to = before.to
	}
	next.stages = replaced(next.stages, k, plan)
	s.live.Store(&next)
	if before != nil && !same {
		s.logs.end(ctx, before.to)
	}
}

// publishDomain puts a domain in service; nil takes it out. The caller holds s.mu.
func (s *Service) publishDomain(name string, plan *domainPlan) {
	next := *s.live.Load()
	if parent, ok := strings.CutPrefix(name, "*."); ok {
		next.wildcards = replaced(next.wildcards, parent, plan)
	} else {
		next.domains = replaced(next.domains, name, plan)
	}
	s.live.Store(&next)
}

// replaced is a copy of a map with one entry changed, or without it if the value is nil.
func replaced[K comparable, V any](old map[K]*V, key K, value *V) map[K]*V {
	next := maps.Clone(old)
	if value == nil {
		delete(next, key)
	} else {
		next[key] = value
	}
	return next
}

// domain returns the domain that a request's host names: the one of that name, or else the wildcard above it.
func (t *table) domain(host string) *domainPlan {
	host = hostName(host)
	if d := t.domains[host]; d != nil {
		return d
	}
	if _, parent, ok := strings.Cut(host, "."); ok && len(t.wildcards) > 0 {
		return t.wildcards[parent]
	}
	return nil
}

// hostName is a request's host without its port, in lower case.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// route finds the mapping with the longest path that a request's encoded path begins with, by whole steps, and what of the
// path is behind it. Only mappings decide, never the resources of the APIs behind them.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
func (d *domainPlan) route(path string) (m mappedPath, rest string, ok bool) {
	path = strings.TrimPrefix(path, "/")
	end, steps := 0, 0
	for steps < d.deepest && end < len(path) {
		if steps++; path[end] == '/' && end > 0 {
			end++
		}
		if next := strings.IndexByte(path[end:], '/'); next >= 0 {
			end += next
		} else {
			end = len(path)
		}
	}
	for end > 0 {
		prefix := path[:end]
		if strings.IndexByte(prefix, '%') >= 0 {
			if plain, err := url.PathUnescape(prefix); err == nil && strings.Count(plain, "/") == strings.Count(prefix, "/") {
				prefix = plain
			}
		}
		if m, ok := d.paths[prefix]; ok {
			return m, strings.TrimPrefix(path[end:], "/"), true
		}
		end = max(strings.LastIndexByte(path[:end], '/'), 0)
	}
	m, ok = d.paths[""]
	return m, path, ok
}

// find leads a request on a custom domain to a stage. base is the mapped path, of which the client's path has the rest.
func (t *table) find(d *domainPlan, path string) (stage *stagePlan, base, rest string) {
	m, rest, ok := d.route(path)
	if !ok {
		return nil, "", ""
	}
	name := m.Stage
	if name == "" {
		name, rest, _ = strings.Cut(rest, "/")
	}
	return t.stages[stageKey{m.API, name}], m.Path, rest
}
