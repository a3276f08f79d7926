package apigateway

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/lang/vtl"
)

// apiPlan is a deployment, ready to serve. It does not depend on the stage.
type apiPlan struct {
	id          string
	root        *node
	methods     []*methodPlan
	binaryTypes []string
	gateway     map[string]*gatewayPlan // by response type
	policy      *iampolicy.Policy       // nil: everybody may call
}

// methodPlan is a method, ready to serve.
type methodPlan struct {
	index        int // in apiPlan.methods and stagePlan.methods
	httpMethod   string
	resourceID   string
	resourcePath string
	required     []requiredParameter // in the order in which AWS lists missing ones; nil: not validated
	models       map[string]*jsonschema.Schema
	modelErrors  map[string]error // of models that cannot be compiled any more
	statuses     map[int]bool     // that the method declares
	spelling     map[string]string
	integration  *integrationPlan
}

type requiredParameter struct {
	place source // fromHeader, fromPath or fromQuery
	name  string
}

// integrationPlan is an integration, ready to be called but for what depends on the stage.
type integrationPlan struct {
	*Integration
	mappings   []mapping
	templates  map[string]*template // by media type; nil: pass through
	unmappable bool                 // it maps a header that AWS refuses when a request comes
	timeout    time.Duration
	byStatus   [600]*responsePlan // by the backend's status
	byMessage  []*responsePlan    // by a Lambda function's error message
	fallback   *responsePlan
	proxy      bool
}

// responsePlan is an integration response.
type responsePlan struct {
	status          int
	pattern         *regexp2.Regexp
	mappings        []mapping
	templates       map[string]*template
	first           string // the media type that is taken when nothing else decides
	contentHandling string
}

// template is a mapping template, or why it cannot be used: AWS too finds out when a request comes.
type template struct {
	*vtl.Template
	err            error
	context, input bool // whether it can see $context, and $input's parameters: what it cannot name need not be made
}

// gatewayPlan is a gateway response.
type gatewayPlan struct {
	kind      *responseType
	status    int // 0: that of the failure
	mappings  []mapping
	templates map[string]*substitution
	first     string
}

// compile makes a deployment ready to serve.
func compile(a *apiRecord, region, account string) (*apiPlan, error) {
	plan := &apiPlan{id: a.ID, root: &node{}, binaryTypes: a.BinaryMediaTypes, gateway: map[string]*gatewayPlan{}}
	if a.Policy != "" {
		policy, err := parseAPIPolicy(a.Policy, region, account, a.ID)
		if err != nil {
			return nil, err
		}
		plan.policy = policy
	}
	models := newSchemas(a)
	for _, r := range sorted(a.Resources) {
		if len(r.ResourceMethods) == 0 {
			continue
		}
		n := plan.root.add(r.Path)
		n.methods = map[string]*methodPlan{}
		for _, m := range sorted(r.ResourceMethods) {
			compiled, err := compileMethod(a, r, m, models)
			if err != nil {
				return nil, fmt.Errorf("method %s of %s: %w", m.HTTPMethod, r.Path, err)
			}
			compiled.index = len(plan.methods)
			plan.methods = append(plan.methods, compiled)
			n.methods[m.HTTPMethod] = compiled
		}
	}
	for name, kind := range responseTypes {
		g, err := compileGatewayResponse(a.gatewayResponse(name), kind)
		if err != nil {
			return nil, fmt.Errorf("gateway response %s: %w", name, err)
		}
		plan.gateway[name] = g
	}
	return plan, nil
}

func compileMethod(a *apiRecord, r *Resource, m *Method, models *schemas) (*methodPlan, error) {
	p := &methodPlan{httpMethod: m.HTTPMethod, resourceID: r.ID, resourcePath: r.Path, statuses: map[int]bool{}, spelling: map[string]string{}}
	for name := range m.RequestParameters {
		if header, ok := strings.CutPrefix(name, "method.request.header."); ok {
			p.spell(header)
		}
	}
	if v := a.Validators[m.RequestValidatorID]; v != nil {
		if v.ValidateRequestParameters {
			p.required = requiredParameters(m)
		}
		if v.ValidateRequestBody {
			p.models, p.modelErrors = map[string]*jsonschema.Schema{}, map[string]error{}
			for mediaType, name := range m.RequestModels {
				schema, err := models.compile(name)
				if err != nil {
					p.modelErrors[mediaType] = err
					continue
				}
				p.models[mediaType] = schema
			}
		}
	}
	for status := range m.MethodResponses {
		code, err := strconv.Atoi(status)
		if err != nil {
			return nil, err
		}
		p.statuses[code] = true
	}
	var err error
	if p.integration, err = compileIntegration(m.MethodIntegration); err != nil {
		return nil, err
	}
	for _, t := range m.MethodIntegration.RequestTemplates {
		p.spellFrom(t)
	}
	for _, response := range m.MethodIntegration.IntegrationResponses {
		for _, t := range response.ResponseTemplates {
			p.spellFrom(t)
		}
	}
	return p, nil
}

// requiredParameters lists headers before path parameters before the query string, each in order, as AWS does.
func requiredParameters(m *Method) []requiredParameter {
	var list []requiredParameter
	for _, place := range []struct {
		prefix string
		place  source
	}{{"method.request.header.", fromHeader}, {"method.request.path.", fromPath}, {"method.request.querystring.", fromQuery}} {
		for _, name := range slices.Sorted(maps.Keys(m.RequestParameters)) {
			if rest, ok := strings.CutPrefix(name, place.prefix); ok && m.RequestParameters[name] {
				list = append(list, requiredParameter{place.place, rest})
			}
		}
	}
	return list
}

var headerMention = regexp.MustCompile(`(?:params\(\s*["']|header\[\s*["']|header\.get\(\s*["']|header\.)([A-Za-z0-9_-]+)`)

// spell notes how the API writes a header's name. Go's HTTP server brings the names of headers to one form, while
// templates name them as clients send them: a header is shown under the name by which the method knows it.
func (m *methodPlan) spell(name string) {
	if canonical := http.CanonicalHeaderKey(name); canonical != name {
		m.spelling[canonical] = name
	}
}

func (m *methodPlan) spellFrom(template *string) {
	if template == nil {
		return
	}
	for _, mention := range headerMention.FindAllStringSubmatch(*template, -1) {
		m.spell(mention[1])
	}
}

// unmappableHeaders make every call fail when an integration maps them. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html.
func unmappable(kind, header string) bool {
	switch http.CanonicalHeaderKey(header) {
	case "Content-Length", "Transfer-Encoding":
		return true
	case "Authorization", "Connection", "Expect", "Proxy-Authenticate", "Te":
		return kind == "AWS" || kind == "AWS_PROXY"
	}
	return false
}

func compileIntegration(i *Integration) (*integrationPlan, error) {
	p := &integrationPlan{Integration: i, templates: compileTemplates(i.RequestTemplates), timeout: time.Duration(i.TimeoutInMillis) * time.Millisecond,
		proxy: i.Type == "AWS_PROXY" || i.Type == "HTTP_PROXY"}
	for _, target := range slices.Sorted(maps.Keys(i.RequestParameters)) {
		parts := mappingTarget.FindStringSubmatch(target)
		from, err := parseExpression(i.RequestParameters[target])
		if err != nil {
			return nil, err
		}
		p.mappings = append(p.mappings, mapping{place: parts[1], name: parts[2], from: from})
		p.unmappable = p.unmappable || parts[1] == "header" && unmappable(i.Type, parts[2])
	}
	for _, response := range sorted(i.IntegrationResponses) {
		r, err := compileResponse(response)
		if err != nil {
			return nil, err
		}
		if r.pattern == nil {
			if p.fallback == nil {
				p.fallback = r
			}
			continue
		}
		p.byMessage = append(p.byMessage, r)
	}
	for status := 100; status < len(p.byStatus); status++ {
		selected, err := p.choose(strconv.Itoa(status))
		if err != nil {
			return nil, err
		}
		p.byStatus[status] = selected
	}
	return p, nil
}

// select_ finds the integration response of a status or an error message; nil: there is none.
func (p *integrationPlan) choose(value string) (*responsePlan, error) {
	for _, r := range p.byMessage {
		matched, err := r.pattern.MatchString(value)
		if err != nil {
			return nil, fmt.Errorf("matching a selection pattern: %w", err)
		}
		if matched {
			return r, nil
		}
	}
	return p.fallback, nil
}

func compileResponse(response *IntegrationResponse) (*responsePlan, error) {
	status, err := strconv.Atoi(response.StatusCode)
	if err != nil {
		return nil, err
	}
	r := &responsePlan{status: status, templates: compileTemplates(response.ResponseTemplates), contentHandling: response.ContentHandling}
	r.first = slices.Min(append(slices.Collect(maps.Keys(response.ResponseTemplates)), "\xff"))
	if pattern := response.SelectionPattern; pattern != nil && *pattern != "" {
		if r.pattern, err = compilePattern(*pattern); err != nil {
			return nil, err
		}
	}
	for _, target := range slices.Sorted(maps.Keys(response.ResponseParameters)) {
		from, err := parseExpression(response.ResponseParameters[target])
		if err != nil {
			return nil, err
		}
		r.mappings = append(r.mappings, mapping{place: "header", name: strings.TrimPrefix(target, "method.response.header."), from: from})
	}
	return r, nil
}

func compileTemplates(templates map[string]*string) map[string]*template {
	if len(templates) == 0 {
		return nil
	}
	compiled := make(map[string]*template, len(templates))
	for mediaType, text := range templates {
		if text == nil || *text == "" {
			compiled[mediaType] = nil
			continue
		}
		t, err := vtl.Compile(*text)
		compiled[mediaType] = &template{Template: t, err: err, context: strings.Contains(*text, "context"), input: strings.Contains(*text, "params")}
	}
	return compiled
}

func compileGatewayResponse(r *GatewayResponse, kind *responseType) (*gatewayPlan, error) {
	g := &gatewayPlan{kind: kind, templates: map[string]*substitution{}}
	if r.StatusCode != "" {
		status, err := strconv.Atoi(r.StatusCode)
		if err != nil {
			return nil, err
		}
		g.status = status
	}
	for _, target := range slices.Sorted(maps.Keys(r.ResponseParameters)) {
		place, name := gatewayTarget(target)
		from, err := parseExpression(r.ResponseParameters[target])
		if err != nil {
			return nil, err
		}
		g.mappings = append(g.mappings, mapping{place: place, name: name, from: from})
	}
	for mediaType, text := range r.ResponseTemplates {
		if r.ResponseType == "ACCESS_DENIED" && text == defaultTemplate {
			text = `{"Message":$context.error.messageString}` // as AWS answers, whatever the API shows
		}
		g.templates[mediaType] = compileSubstitution(text)
		if g.first == "" || mediaType < g.first {
			g.first = mediaType
		}
	}
	return g, nil
}

// stagePlan is a stage, ready to serve.
type stagePlan struct {
	api          *apiPlan
	name         string
	deploymentID string
	variables    map[string]string
	disabled     bool
	tracing      bool
	methods      []methodStage
	accessLog    *accessLog // nil: none
}

// methodStage is what of a method depends on the stage.
type methodStage struct {
	bucket      *bucket
	target      *target
	credentials string
}

// target is where an integration's URI leads once the stage's variables are in it.
type target struct {
	uri     string
	service string // of AWS integrations: "states"
	action  string // of action URIs: "StartExecution"
	path    string // of path URIs
	lambda  string // the function's ARN or name, of Lambda integrations
	err     error  // what makes every call fail
}

var lambdaPath = regexp.MustCompile(`^2015-03-31/functions/(.+)/invocations$`)

func compileTarget(i *Integration, variables map[string]string) *target {
	t := &target{uri: withStageVariables(i.URI, variables)}
	switch i.Type {
	case "AWS", "AWS_PROXY":
		parts := awsURI.FindStringSubmatch(t.uri)
		if parts == nil {
			t.err = fmt.Errorf("the integration's URI is no ARN of API Gateway: %s", t.uri)
			return t
		}
		t.service = parts[2][strings.LastIndexByte(parts[2], '.')+1:]
		kind, rest, _ := strings.Cut(parts[3], "/")
		switch kind {
		case "action":
			t.action, _, _ = strings.Cut(rest, "&")
		case "path":
			t.path = rest
			if m := lambdaPath.FindStringSubmatch(rest); t.service == "lambda" && m != nil {
				t.lambda = m[1]
			}
		}
	case "HTTP", "HTTP_PROXY":
		if u, err := url.Parse(uriWithoutVariables(t.uri)); err != nil || u.Host == "" {
			t.err = fmt.Errorf("invalid endpoint address: %s", t.uri)
		}
	}
	return t
}

// setting returns what the stage says of a method: of itself, else of all.
func (stage *Stage) setting(path, httpMethod string) *MethodSetting {
	for _, name := range []string{settingKey(path, httpMethod), settingKey(strings.TrimPrefix(path, "/"), httpMethod)} {
		if setting := stage.MethodSettings[name]; setting != nil {
			return setting
		}
	}
	return stage.MethodSettings["*/*"]
}

// compileStage makes a stage ready to serve. The caller holds s.mu, or is alone.
func (s *Service) compileStage(record *stageRecord) (*stagePlan, error) {
	stage := &record.Stage
	api, err := s.plan(record.APIID, stage.DeploymentID)
	if err != nil {
		return nil, err
	}
	plan := &stagePlan{api: api, name: stage.StageName, deploymentID: stage.DeploymentID, variables: stage.Variables, disabled: record.EndpointDisabled,
		tracing: stage.TracingEnabled}
	if plan.variables == nil {
		plan.variables = map[string]string{}
	}
	for _, m := range api.methods {
		setting := stage.setting(m.resourcePath, m.httpMethod)
		ms := methodStage{target: compileTarget(m.integration.Integration, plan.variables), credentials: withStageVariables(m.integration.Credentials, plan.variables)}
		if setting != nil {
			ms.bucket = newBucket(setting.ThrottlingRateLimit, setting.ThrottlingBurstLimit)
		}
		plan.methods = append(plan.methods, ms)
	}
	if settings := stage.AccessLogSettings; settings != nil && settings.DestinationArn != "" && settings.Format != "" {
		plan.accessLog = newAccessLog(settings, record.LogStream)
	}
	return plan, nil
}

// plan returns a compiled deployment.
func (s *Service) plan(api, deployment string) (*apiPlan, error) {
	k := key(api, deployment)
	if p, ok := s.plans[k]; ok {
		return p, nil
	}
	record, ok := s.deployments.Get(k)
	if !ok {
		return nil, notFound("Invalid Deployment identifier specified")
	}
	p, err := compile(record.Snapshot, s.d.Region, s.d.Account)
	if err != nil {
		return nil, badRequest("The deployment cannot be served: %v", err)
	}
	s.plans[k] = p
	return p, nil
}
