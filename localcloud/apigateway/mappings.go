package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

const (
	none           = "(none)" // how v1 writes the empty path
	longestMapping = 300      // characters of a path
	mostMappings   = 200      // multi-level mappings of a domain
)

func (s *Service) registerMappings() {
	const path = "/domainnames/{domainName}/basepathmappings"
	handle(s, binding{action: "CreateBasePathMapping", method: "POST", path: path, status: 201}, s.createMapping)
	handle(s, binding{action: "GetBasePathMappings", method: "GET", path: path, query: pageQuery},
		func(_ context.Context, in *GetBasePathMappingsInput) (*BasePathMappings, error) {
			record, err := s.domain(in.DomainName)
			if err != nil {
				return nil, err
			}
			var all []*BasePathMapping
			for _, m := range record.Mappings {
				all = append(all, m.shown())
			}
			items, position, err := page(all, PageInput{in.Position, in.Limit})
			return &BasePathMappings{items, position}, err
		})
	handle(s, binding{action: "GetBasePathMapping", method: "GET", path: path + "/{basePath}"},
		func(_ context.Context, in *BasePathMappingInput) (*BasePathMapping, error) {
			record, err := s.domain(in.DomainName)
			if err != nil {
				return nil, err
			}
			m, err := record.mapping(in.BasePath)
			if err != nil {
				return nil, err
			}
			return m.shown(), nil
		})
	handle(s, binding{action: "UpdateBasePathMapping", method: "PATCH", path: path + "/{basePath}"}, s.updateMapping)
	handle(s, binding{action: "DeleteBasePathMapping", method: "DELETE", path: path + "/{basePath}", status: 202},
		func(_ context.Context, in *BasePathMappingInput) (*Empty, error) {
			_, err := s.remap(in.DomainName, func(r *domainRecord) error {
				m, err := r.mapping(in.BasePath)
				if err == nil {
					r.unmap(m.ID)
				}
				return err
			})
			return &Empty{}, err
		})
}

func (m *mappedPath) shown() *BasePathMapping {
	shown := &BasePathMapping{BasePath: m.Path, RestAPIID: m.API, Stage: m.Stage}
	if m.Path == "" {
		shown.BasePath = none
	}
	return shown
}

func plainPath(basePath string) string {
	if basePath == none {
		return ""
	}
	return basePath
}

// mapping finds the mapping of a base path.
func (r *domainRecord) mapping(basePath string) (*mappedPath, error) {
	for i := range r.Mappings {
		if r.Mappings[i].Path == plainPath(basePath) {
			return &r.Mappings[i], nil
		}
	}
	return nil, notFound("Invalid base path mapping identifier specified")
}

func (r *domainRecord) unmap(id string) {
	r.Mappings = slices.DeleteFunc(r.Mappings, func(m mappedPath) bool { return m.ID == id })
}

// remap stores what f makes of a domain's mappings, and puts it in service: all of it or nothing.
func (s *Service) remap(domain string, f func(*domainRecord) error) (*domainRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.domain(domain)
	if err != nil {
		return nil, err
	}
	record := *old
	record.Mappings = slices.Clone(old.Mappings)
	if err := f(&record); err != nil {
		return nil, err
	}
	slices.SortFunc(record.Mappings, func(a, b mappedPath) int { return strings.Compare(a.Path, b.Path) })
	return &record, s.putDomain(&record)
}

var stepForm = regexp.MustCompile(`^[A-Za-z0-9$\-_.+!*'()]+$`)

// checkMapping refuses a mapping that AWS refuses. The caller holds s.mu.
func (s *Service) checkMapping(r *domainRecord, m *mappedPath) error {
	if len(m.Path) > longestMapping {
		return badRequest("The base path can have at most %d characters", longestMapping)
	}
	steps := strings.Split(m.Path, "/")
	for _, step := range steps {
		if m.Path != "" && !stepForm.MatchString(step) {
			return badRequest("Base path can only contain letters, numbers, and one of $-_.+!*'()/, and neither begin nor end with a slash: %s", m.Path)
		}
	}
	if len(steps) > 1 {
		several := 1
		for _, other := range r.Mappings {
			if other.ID != m.ID && strings.Contains(other.Path, "/") {
				several++
			}
		}
		if several > mostMappings {
			return badRequest("A domain name can have at most %d multi-level API mappings", mostMappings)
		}
	}
	if _, ok := s.apis.Get(m.API); !ok {
		return badRequest("Invalid REST API identifier specified")
	}
	if m.Stage != "" {
		if _, ok := s.stages.Get(key(m.API, m.Stage)); !ok {
			return badRequest("Invalid stage identifier specified")
		}
	}
	return nil
}

const noSlash = "API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2."

func (s *Service) createMapping(_ context.Context, in *CreateBasePathMappingInput) (*BasePathMapping, error) {
	m := mappedPath{ID: newID(6), Path: plainPath(in.BasePath), API: in.RestAPIID, Stage: in.Stage}
	_, err := s.remap(in.DomainName, func(r *domainRecord) error {
		if strings.Contains(m.Path, "/") {
			return badRequest(noSlash)
		}
		if err := s.checkMapping(r, &m); err != nil {
			return err
		}
		if _, err := r.mapping(m.Path); err == nil {
			return conflict("Base path already exists for this domain name")
		}
		r.Mappings = append(r.Mappings, m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.shown(), nil
}

func (s *Service) updateMapping(_ context.Context, in *UpdateBasePathMappingInput) (*BasePathMapping, error) {
	var changed mappedPath
	_, err := s.remap(in.DomainName, func(r *domainRecord) error {
		m, err := r.mapping(in.BasePath)
		if err != nil {
			return err
		}
		for _, op := range in.PatchOperations {
			switch {
			case op.Op == "replace" && op.Path == "/basePath":
				path := plainPath(op.Value)
				if strings.Contains(path, "/") {
					return badRequest(noSlash)
				}
				if other, err := r.mapping(path); err == nil && other.ID != m.ID {
					return conflict("Base path already exists for this domain name")
				}
				m.Path = path
			case op.Op == "replace" && op.Path == "/restapiId":
				m.API = op.Value
			case (op.Op == "replace" || op.Op == "remove") && op.Path == "/stage":
				m.Stage = op.Value
			default:
				return invalidPatch(op, "/basePath, /restapiId, /stage")
			}
		}
		changed = *m
		return s.checkMapping(r, m)
	})
	if err != nil {
		return nil, err
	}
	return changed.shown(), nil
}

// mappedIn lists the domains that have a mapping to an API, or to one of its stages if that is not empty.
func (s *Service) mappedIn(api, stage string) string {
	var names []string
	for name, record := range s.domains.All() {
		if slices.ContainsFunc(record.Mappings, func(m mappedPath) bool { return m.API == api && (stage == "" || m.Stage == stage) }) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
