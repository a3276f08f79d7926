package apigateway

import (
	"net/http"
	"strings"
)

// pathPrefix is where stages are reached by path.
const pathPrefix = "/_aws/execute-api/"

// Handler serves the deployed stages: /_aws/execute-api/<api>/<stage>/... on any host, and /<stage>/... on the host
// <api>.execute-api.localhost or <api>.execute-api.<region>.amazonaws.com.
func (s *Service) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Serves says whether a request is one for Handler, for a server that has other things to do as well.
func (s *Service) Serves(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, pathPrefix) {
		return true
	}
	_, isAPI := apiOfHost(r.Host)
	return isAPI
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
	path := r.URL.EscapedPath()
	api, byHost := apiOfHost(r.Host)
	domain, _, _ := strings.Cut(r.Host, ":")
	if !byHost {
		rest, ok := strings.CutPrefix(path, pathPrefix)
		if !ok {
			forbidden(w)
			return
		}
		api, path, _ = strings.Cut(rest, "/")
		domain = api + ".execute-api.localhost"
	}
	path = strings.TrimPrefix(path, "/")
	name, path, _ := strings.Cut(path, "/")
	stage := (*s.live.Load())[stageKey{api, name}]
	if stage == nil || stage.disabled {
		forbidden(w)
		return
	}
	x := exchange{s: s, stage: stage, r: r, w: w, domain: domain, path: "/" + name + "/" + path}
	x.begin()
	if f := x.run(path); f != nil {
		x.fail(f)
	}
	if stage.accessLog != nil {
		s.logs.add(stage.accessLog, &x)
	}
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
