package apigateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// What AWS lets through. See https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html.
const (
	maxBody    = 10 << 20 // bytes, of requests and of integrations' answers
	maxHeaders = 10240    // bytes, of all header values together
)

// exchange is one request on its way through the gateway.
type exchange struct {
	s     *Service
	stage *stagePlan
	m     *methodPlan // nil until a method has matched
	r     *http.Request
	w     http.ResponseWriter

	start      time.Time
	id         string // x-amzn-RequestId
	extendedID string // x-amz-apigw-id
	traceID    string // of X-Amzn-Trace-Id; empty until an integration is called
	path       string // as the client sees it: with the stage ("/prod/users/1"), on a custom domain with the mapped path
	eventPath  string // as functions see it: without the stage, on a custom domain with the mapped path
	domain     string
	mapped     *domainPlan // the custom domain; nil on an API's own endpoint
	base       string      // the mapped path on it
	sourceIP   string

	parameters []parameter
	query      url.Values // nil until needed
	body       []byte
	mediaType  string // of the request, without parameters

	overrides          vtl.Overrides
	headers            map[string]string // what templates see; nil until needed
	pathMap            map[string]string
	queryMap           map[string]string
	context            *jsonvalue.Object
	failure            *failure // what the gateway answers itself
	status             int
	length             int // of the answer's body
	integrationStatus  int
	integrationLatency time.Duration
	integrationID      string
	integrationError   string
}

// failure is an answer of the gateway itself.
type failure struct {
	kind       string // a gateway response type
	status     int    // when the type has no status of its own; 0: the type's
	message    string
	validation string // $context.error.validationErrorString
	reason     string // for the operator; never content of requests
}

func internalError(reason string) *failure {
	return &failure{kind: "DEFAULT_5XX", status: 500, message: "Internal server error", reason: reason}
}

func configurationError(reason string) *failure {
	return &failure{kind: "API_CONFIGURATION_ERROR", message: "Internal server error", reason: reason}
}

// begin fills in what every answer and log line needs.
func (x *exchange) begin() {
	x.start = x.s.d.Clock.Now()
	x.id = dispatch.NewRequestID()
	var random [11]byte
	rand.Read(random[:]) // never fails, by its contract
	x.extendedID = base64.StdEncoding.EncodeToString(random[:])
	host, _, err := net.SplitHostPort(x.r.RemoteAddr)
	if err != nil {
		host = x.r.RemoteAddr
	}
	x.sourceIP = host
}

func (x *exchange) trace() string {
	if x.traceID == "" {
		var random [12]byte
		rand.Read(random[:]) // never fails, by its contract
		x.traceID = "Root=1-" + strconv.FormatInt(x.start.Unix(), 16) + "-" + hex.EncodeToString(random[:])
	}
	return x.traceID
}

// readBody reads the request's body and refuses what is too large.
func (x *exchange) readBody() *failure {
	size := 0
	for _, values := range x.r.Header {
		for _, v := range values {
			size += len(v)
		}
	}
	tooLarge := &failure{kind: "REQUEST_TOO_LARGE", message: "Request Too Long"}
	if size > maxHeaders || x.r.ContentLength > maxBody {
		return tooLarge
	}
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return nil
	}
	if n := x.r.ContentLength; n >= 0 {
		x.body = make([]byte, n)
		if _, err := io.ReadFull(x.r.Body, x.body); err != nil {
			return &failure{kind: "DEFAULT_4XX", status: 400, message: "Bad Request", reason: "the client's body broke off"}
		}
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(x.r.Body, maxBody+1))
	if err != nil {
		return &failure{kind: "DEFAULT_4XX", status: 400, message: "Bad Request", reason: "the client's body broke off"}
	}
	if len(body) > maxBody {
		return tooLarge
	}
	x.body = body
	return nil
}

// headerValues returns the values of a request header under the name that a mapping or template uses. Go's server brings
// names to their canonical form, so a name is also found under that.
func (x *exchange) headerValues(name string) []string {
	if values, ok := x.r.Header[name]; ok {
		return values
	}
	if name == "Host" || name == "host" {
		return []string{x.r.Host}
	}
	return x.r.Header[http.CanonicalHeaderKey(name)]
}

func (x *exchange) queryValues() url.Values {
	if x.query == nil {
		x.query = x.r.URL.Query()
	}
	return x.query
}

func (x *exchange) pathParameter(name string) (string, bool) {
	for _, p := range x.parameters {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// render runs a template. body is what $input sees.
func (x *exchange) render(t *template, body []byte) ([]byte, error) {
	if t.err != nil {
		return nil, t.err
	}
	in := vtl.Request{Body: body, StageVariables: x.stage.variables, Overrides: x.overrides}
	if t.input {
		if x.headers == nil {
			x.prepareTemplates()
		}
		in.Path, in.Query, in.Header = x.pathMap, x.queryMap, x.headers
	}
	if t.context {
		in.Context = x.contextObject()
	}
	out, overrides, err := t.Append(make([]byte, 0, len(body)+512), &in)
	if err != nil {
		return nil, err
	}
	x.overrides = overrides
	return out, nil
}

func (x *exchange) prepareTemplates() {
	x.headers = make(map[string]string, len(x.r.Header)+1)
	for name, values := range x.r.Header {
		if vtl.HiddenHeader(name) || len(values) == 0 {
			continue
		}
		value := values[len(values)-1]
		if spelled, ok := x.m.spelling[name]; ok {
			x.headers[spelled] = value
			continue
		}
		x.headers[name] = value
	}
	if _, ok := x.headers["Host"]; !ok && x.r.Host != "" {
		x.headers["Host"] = x.r.Host
	}
	x.pathMap = make(map[string]string, len(x.parameters))
	for _, p := range x.parameters {
		x.pathMap[p.name] = p.value
	}
	query := x.queryValues()
	x.queryMap = make(map[string]string, len(query))
	for name, values := range query {
		x.queryMap[name] = values[len(values)-1]
	}
}

// contextObject is $context as templates see it.
func (x *exchange) contextObject() *jsonvalue.Object {
	if x.context != nil {
		return x.context
	}
	identity := jsonvalue.NewObject(
		jsonvalue.Member{Name: "cognitoIdentityPoolId", Value: ""}, jsonvalue.Member{Name: "accountId", Value: ""},
		jsonvalue.Member{Name: "cognitoIdentityId", Value: ""}, jsonvalue.Member{Name: "caller", Value: ""},
		jsonvalue.Member{Name: "sourceIp", Value: x.sourceIP}, jsonvalue.Member{Name: "principalOrgId", Value: ""},
		jsonvalue.Member{Name: "accessKey", Value: ""}, jsonvalue.Member{Name: "cognitoAuthenticationType", Value: ""},
		jsonvalue.Member{Name: "cognitoAuthenticationProvider", Value: ""}, jsonvalue.Member{Name: "userArn", Value: ""},
		jsonvalue.Member{Name: "userAgent", Value: x.r.UserAgent()}, jsonvalue.Member{Name: "user", Value: ""})
	if c := x.clientCertObject(); c != nil {
		identity.Set("clientCert", c)
	}
	members := make([]jsonvalue.Member, 0, len(contextNames)+1)
	for _, name := range contextNames {
		value, _ := x.lookup(name)
		members = append(members, jsonvalue.Member{Name: name, Value: value})
	}
	members = append(members, jsonvalue.Member{Name: "identity", Value: identity})
	x.context = jsonvalue.NewObject(members...)
	return x.context
}

// contextNames are the members of $context in templates that are plain text.
var contextNames = []string{"resourceId", "resourcePath", "httpMethod", "extendedRequestId", "requestTime", "path", "accountId", "protocol", "stage",
	"domainPrefix", "requestTimeEpoch", "requestId", "domainName", "deploymentId", "apiId"}

// lookup returns a member of $context by its dotted name, and whether this request has it. It serves templates,
// mappings, gateway responses and access logs.
func (x *exchange) lookup(name string) (string, bool) {
	switch name {
	case "accountId":
		return x.s.d.Account, true
	case "apiId":
		return x.stage.api.id, true
	case "awsEndpointRequestId", "integration.requestId":
		return x.integrationID, x.integrationID != ""
	case "deploymentId":
		return x.stage.deploymentID, true
	case "domainName":
		return x.domain, true
	case "domainPrefix":
		prefix, _, _ := strings.Cut(x.domain, ".")
		return prefix, true
	case "extendedRequestId":
		return x.extendedID, true
	case "httpMethod":
		return x.r.Method, true
	case "identity.sourceIp":
		return x.sourceIP, true
	case "identity.userAgent":
		return x.r.UserAgent(), x.r.UserAgent() != ""
	case "customDomain.basePathMatched":
		if x.mapped != nil && x.base == "" {
			return none, true
		}
		return x.base, x.mapped != nil
	case "tlsVersion", "cipherSuite":
		return x.lookupTLS(name)
	case "path":
		return x.path, true
	case "protocol":
		return x.r.Proto, true
	case "requestId":
		return x.id, true
	case "requestTime":
		return x.start.Format("02/Jan/2006:15:04:05 -0700"), true
	case "requestTimeEpoch":
		return strconv.FormatInt(x.start.UnixMilli(), 10), true
	case "stage":
		return x.stage.name, true
	case "resourceId":
		if x.m == nil {
			return "", false
		}
		return x.m.resourceID, true
	case "resourcePath":
		if x.m == nil {
			return "", false
		}
		return x.m.resourcePath, true
	}
	if rest, ok := strings.CutPrefix(name, "identity.clientCert."); ok {
		return x.lookupClientCert(rest)
	}
	return x.lookupOutcome(name)
}

// lookupOutcome knows what only gateway responses and access logs may ask.
func (x *exchange) lookupOutcome(name string) (string, bool) {
	switch name {
	case "status":
		return strconv.Itoa(x.status), x.status != 0
	case "responseLength":
		return strconv.Itoa(x.length), true
	case "responseLatency":
		return strconv.FormatInt(x.s.d.Clock.Now().Sub(x.start).Milliseconds(), 10), true
	case "integration.status", "integrationStatus", "integration.integrationStatus":
		return strconv.Itoa(x.integrationStatus), x.integrationStatus != 0
	case "integration.latency", "integrationLatency":
		return strconv.FormatInt(x.integrationLatency.Milliseconds(), 10), x.integrationStatus != 0
	case "integration.error", "integrationErrorMessage":
		return x.integrationError, x.integrationError != ""
	case "xrayTraceId":
		root, _, _ := strings.Cut(strings.TrimPrefix(x.traceID, "Root="), ";")
		return root, root != "" && x.stage.tracing
	}
	if x.failure == nil {
		return "", false
	}
	switch name {
	case "error.message":
		return x.failure.message, true
	case "error.messageString":
		return string(jsonvalue.AppendString(nil, x.failure.message)), true
	case "error.responseType":
		return x.failure.kind, true
	case "error.validationErrorString":
		return x.failure.validation, x.failure.validation != ""
	}
	return "", false
}

// mediaTypeOf returns the media type of a Content-Type or Accept header: its first, without parameters.
func mediaTypeOf(header string) string {
	if i := strings.IndexAny(header, ",;"); i >= 0 {
		header = header[:i]
	}
	return strings.TrimSpace(header)
}

// isBinary says whether the API treats a media type as binary.
func (p *apiPlan) isBinary(mediaType string) bool {
	if len(p.binaryTypes) == 0 || mediaType == "" {
		return false
	}
	main, _, _ := strings.Cut(mediaType, "/")
	return slices.Contains(p.binaryTypes, mediaType) || slices.Contains(p.binaryTypes, "*/*") || slices.Contains(p.binaryTypes, main+"/*")
}
