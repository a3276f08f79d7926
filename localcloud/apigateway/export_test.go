package apigateway

import (
	"fmt"
	"net/http"
)

// Route gives tests the router of a domain with these mapped paths.
func Route(mapped []string, path string) (matched, rest string, ok bool) {
	record := &domainRecord{}
	for _, p := range mapped {
		record.Mappings = append(record.Mappings, mappedPath{Path: p})
	}
	plan, err := compileDomain(record)
	if err != nil {
		panic(err)
	}
	m, rest, ok := plan.route(path)
	return m.Path, rest, ok
}

// NewLookup returns a function that finds the method of its n-th request in a table of so many APIs, each with so many
// routes and a mapping of its own.
func NewLookup(apis, routes int) func(n int) bool {
	record := &domainRecord{Name: "api.localhost"}
	t := &table{stages: map[stageKey]*stagePlan{}, domains: map[string]*domainPlan{}}
	var paths []string
	for a := range apis {
		id := fmt.Sprintf("api%d", a)
		plan := &apiPlan{id: id, root: &node{}}
		base := fmt.Sprintf("area%d/service%d", a%10, a)
		for r := range routes {
			n := plan.root.add(fmt.Sprintf("/things%d/{id}/parts/{part}", r))
			n.methods = map[string]*methodPlan{http.MethodGet: {}}
			paths = append(paths, fmt.Sprintf("/%s/things%d/42/parts/7", base, r))
		}
		t.stages[stageKey{id, "main"}] = &stagePlan{api: plan, name: "main"}
		record.Mappings = append(record.Mappings, mappedPath{Path: base, API: id, Stage: "main"})
	}
	domain, err := compileDomain(record)
	if err != nil {
		panic(err)
	}
	t.domains[record.Name] = domain
	var parameters [4]parameter
	return func(n int) bool {
		d := t.domain("api.localhost:4566")
		stage, _, rest := t.find(d, paths[n%len(paths)])
		m, _ := stage.api.root.match(rest, http.MethodGet, parameters[:0])
		return m != nil
	}
}
