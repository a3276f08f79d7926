package apigateway

import (
	"net/http"
	"strings"
)

// pathPrefix is where stages are reached by path.
const pathPrefix = "/_aws/execute-api/"

// Handler serves the deployed stages: /_aws/execute-api/<api>/<stage>/... on any host, /<stage>/... on the host
// <api>.execute-api.localhost, <api>.execute-api.<region>.localhost or <api>.execute-api.<region>.amazonaws.com, and the
// mapped paths on custom domain names.
func (s *Service) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Serves says whether a request is one for Handler, for a server that has other things to do as well.
func (s *Service) Serves(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, pathPrefix) {
		return true
	}
	if _, isAPI := apiOfHost(r.Host); isAPI {
		return true
	}
	return s.live.Load().domain(r.Host) != nil
}

// apiOfHost returns the API of a host name.
func apiOfHost(host string) (api string, ok bool) {
	api, rest, ok := strings.Cut(host, ".execute-api.")
	if !ok || api == "" {
		return "", false
	}
	rest, _, _ = strings.Cut(rest, ":")
	return api, rest == "localhost" || strings.HasSuffix(rest, ".localhost") || strings.HasSuffix(rest, ".amazonaws.com")
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	x := exchange{s: s, r: r, w: w}
	rest, ok := x.find(s.live.Load())
	if !ok {
		forbidden(w)
		return
	}
	x.begin()
	if f := x.run(rest); f != nil {
		x.fail(f)
	}
	if x.stage.accessLog != nil {
		s.logs.add(x.stage.accessLog, &x)
	}
}

// find leads a request to its stage and returns the path within it; ok is false where AWS answers that it is forbidden.
func (x *exchange) find(t *table) (rest string, ok bool) {
	path := x.r.URL.EscapedPath()
	if under, ok := strings.CutPrefix(path, pathPrefix); ok {
		api, path, _ := strings.Cut(under, "/")
		x.domain = api + ".execute-api.localhost"
		return x.findDefault(t, api, path)
	}
	x.domain = hostName(x.r.Host)
	if d := t.domain(x.r.Host); d != nil {
		if !d.admits(x.r, x.s.d.Clock.Now()) {
			return "", false
		}
		x.mapped, x.path = d, path
		x.stage, x.base, rest = t.find(d, path)
		x.eventPath = path
		return rest, x.stage != nil
	}
	if api, ok := apiOfHost(x.r.Host); ok {
		return x.findDefault(t, api, strings.TrimPrefix(path, "/"))
	}
	return "", false
}

// findDefault leads a request to a stage by an API's own endpoint.
func (x *exchange) findDefault(t *table, api, path string) (rest string, ok bool) {
	name, rest, _ := strings.Cut(path, "/")
	x.stage = t.stages[stageKey{api, name}]
	x.eventPath = "/" + rest
	x.path = "/" + name + x.eventPath
	return rest, x.stage != nil && !x.stage.disabled
}

// run takes a request through the method; the failure it returns has still to be answered.
func (x *exchange) run(path string) *failure {
	if f := x.readBody(); f != nil {
		return f
	}
	route := strings.TrimSuffix(path, "/")
	var parameters [4]parameter
	x.m, x.parameters = x.stage.api.root.match(route, x.r.Method, parameters[:0])
	if problem := x.refused(route); problem != "" {
		return &failure{kind: "ACCESS_DENIED", message: problem}
	}
	if x.m == nil {
		return &failure{kind: "MISSING_AUTHENTICATION_TOKEN", message: "Missing Authentication Token"}
	}
	if !x.stage.methods[x.m.index].bucket.take(x.start) || !x.s.total.take(x.start) {
		return &failure{kind: "THROTTLED", message: "Too Many Requests"}
	}
	x.mediaType = mediaTypeOf(x.r.Header.Get("Content-Type"))
	if x.mediaType == "" {
		x.mediaType = "application/json"
	}
	if f := x.validate(); f != nil {
		return f
	}
	return x.integrate()
}

// resourceARN is the request as resource policies and source ARNs name it.
func (x *exchange) resourceARN(path string) string {
	return "arn:aws:execute-api:" + x.s.d.Region + ":" + x.s.d.Account + ":" + x.stage.api.id + "/" + x.stage.name + "/" + x.r.Method + "/" + path
}

// validate checks what the method's request validator asks for: parameters first, then the body.
func (x *exchange) validate() *failure {
	var missing []string
	for _, p := range x.m.required {
		value := ""
		switch p.place {
		case fromHeader:
			value, _, _ = pick(x.headerValues(p.name), false)
		case fromPath:
			value, _ = x.pathParameter(p.name)
		case fromQuery:
			value, _, _ = pick(x.queryValues()[p.name], false)
		}
		if strings.TrimSpace(value) == "" {
			missing = append(missing, p.name)
		}
	}
	if missing != nil {
		message := "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"
		return &failure{kind: "BAD_REQUEST_PARAMETERS", message: message, validation: message}
	}
	if x.m.models == nil {
		return nil
	}
	if err := x.m.modelErrors[x.mediaType]; err != nil {
		return internalError("the model cannot be compiled: " + err.Error())
	}
	schema := x.m.models[x.mediaType]
	if schema == nil {
		return nil
	}
	if problem := validateBody(schema, x.body); problem != "" {
		return &failure{kind: "BAD_REQUEST_BODY", message: "Invalid request body", validation: problem}
	}
	return nil
}

// refused asks the API's resource policy, if it has one.
func (x *exchange) refused(path string) (problem string) {
	if x.stage.api.policy == nil {
		return ""
	}
	return x.stage.api.admits(x.resourceARN(path), x.sourceIP)
}
