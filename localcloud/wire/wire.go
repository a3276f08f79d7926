package wire

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// Credentials tells who signs with an access key. The STS service is one.
type Credentials interface {
	// Principal returns the key's owner, or an *dispatch.Error with the code of AWS's JSON protocol.
	Principal(accessKeyID string) (dispatch.Principal, error)
}

// New returns the handler of every AWS API that is registered with d. It finds the service by the X-Amz-Target header, by
// the scope of the request's SigV4 credential, by a Query request's Version or by a REST path. Signatures are not checked;
// the access key says who calls. Each request is logged at debug level.
func New(d *dispatch.Dispatcher, credentials Credentials) http.Handler {
	f := &front{d: d, credentials: credentials, log: slog.Default()}
	f.routes = sync.OnceValue(func() routes { return newRoutes(d) })
	return f
}

type front struct {
	d           *dispatch.Dispatcher
	credentials Credentials
	log         *slog.Logger
	routes      func() routes // built at the first use, when every service is registered
}

// targets are the services of the JSON protocols by the prefix of X-Amz-Target; RPC v2 names them in the path.
var targets = map[string]string{
	"AWSCognitoIdentityProviderService": "cognito-idp",
	"AWSEvents":                         "events",
	"AWSStepFunctions":                  "states",
	"AmazonSQS":                         "sqs",
	"CertificateManager":                "acm",
	"CloudApiService":                   "cloudcontrolapi",
	"CloudTrail_20131101":               "cloudtrail",
	"DynamoDB_20120810":                 "dynamodb",
	"HealthLake":                        "healthlake",
	"GraniteServiceVersion20100801":     "cloudwatch",
	"Logs_20140328":                     "logs",
	"TrentService":                      "kms",
}

// limits are the longest bodies, in bytes, that services take; defaultLimit stands for the others. Lambda takes code of
// 50 MB in base64; the megabyte that EventBridge takes is more with its quotes escaped.
var limits = map[string]int64{
	"apigateway": 12 << 20, "dynamodb": 16 << 20, "events": 8 << 20, "iam": 4 << 20, "lambda": 70 << 20, "logs": 2 << 20, "s3": 64 << 20, "sqs": 4 << 20,
	"states": 2 << 20,
}

const defaultLimit = 1 << 20

// global are the services that sign for one region, whatever the client's.
var global = map[string]bool{"iam": true, "sts": true, "route53": true}

// exchange is one request on its way.
type exchange struct {
	*front
	w         http.ResponseWriter
	r         *http.Request
	service   string
	action    string
	principal dispatch.Principal
	fail      func(requestID string, e *dispatch.Error) // writes an error in the request's protocol
	status    int
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := f.d.Clock.Now()
	x := &exchange{front: f, w: w, r: r}
	x.serve()
	if f.log.Enabled(r.Context(), slog.LevelDebug) {
		f.log.DebugContext(r.Context(), x.service+"."+x.action, "status", x.status, "duration", f.d.Clock.Now().Sub(start))
	}
}

func (x *exchange) serve() {
	accessKey, scope := credential(x.r)
	region := ""
	if scope != "" {
		region, x.service, _ = strings.Cut(scope, "/")
		if x.service == "monitoring" {
			x.service = "cloudwatch"
		}
	}
	target, rpc := x.r.Header.Get("X-Amz-Target"), strings.HasPrefix(x.r.URL.Path, "/service/")
	prefix, action := cutTarget(target)
	switch {
	case target != "":
		x.fail = x.failJSON
	case rpc:
		prefix, action, _ = strings.Cut(strings.TrimPrefix(x.r.URL.Path, "/service/"), "/operation/")
		x.fail = x.failCBOR
	case restXML[x.service] != "":
		x.fail = x.failRestXML
	case strings.HasPrefix(x.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || x.r.URL.Query().Has("Action"):
		x.fail = x.failXML
	default:
		x.fail = x.failREST
	}
	if target != "" || rpc {
		service, ok := targets[prefix]
		if !ok {
			x.refuse("UnknownOperationException", http.StatusBadRequest, "the embedded AWS does not have the service %q", prefix)
			return
		}
		x.service, x.action = service, action
	}
	var err error
	switch {
	case accessKey == "" && x.unsigned():
		x.principal = dispatch.Anonymous
	case accessKey == "":
		x.refuse("MissingAuthenticationTokenException", http.StatusForbidden, "Missing Authentication Token")
		return
	case region != "" && region != x.d.Region && !global[x.service]:
		x.refuse("InvalidSignatureException", http.StatusForbidden, "Credential should be scoped to a valid region, not '%s': the embedded AWS is in %s.", region, x.d.Region)
		return
	}
	if accessKey != "" {
		if x.principal, err = x.credentials.Principal(accessKey); err != nil {
			x.fail(dispatch.NewRequestID(), dispatch.AsError(err))
			return
		}
	}
	body, err := x.body()
	if err != nil {
		x.fail(dispatch.NewRequestID(), dispatch.AsError(err))
		return
	}
	switch {
	case target != "":
		x.json(body)
	case rpc:
		x.cbor(body)
	case restXML[x.service] != "":
		x.rest(body)
	case strings.HasPrefix(x.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || x.r.URL.Query().Has("Action"):
		x.query(body)
	default:
		x.rest(body)
	}
}

// Caller returns who signed a request to a service, as New's handler finds out: for handlers of protocols of their own. Its
// errors are *dispatch.Error.
func Caller(d *dispatch.Dispatcher, credentials Credentials, r *http.Request, service string) (dispatch.Principal, error) {
	accessKey, scope := credential(r)
	region, signed, _ := strings.Cut(scope, "/")
	switch {
	case accessKey == "":
		return dispatch.Principal{}, &dispatch.Error{Code: "MissingAuthenticationTokenException", Status: http.StatusForbidden, Message: "Missing Authentication Token"}
	case region != d.Region || signed != service:
		return dispatch.Principal{}, &dispatch.Error{Code: "InvalidSignatureException", Status: http.StatusForbidden,
			Message: fmt.Sprintf("Credential should be scoped to %s/%s, not '%s'.", d.Region, service, scope)}
	}
	return credentials.Principal(accessKey)
}

// cutTarget splits X-Amz-Target into the service and the action. CloudTrail's has a package before the service.
func cutTarget(target string) (prefix, action string) {
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 {
		return target, ""
	}
	prefix, action = target[:dot], target[dot+1:]
	return prefix[strings.LastIndexByte(prefix, '.')+1:], action
}

// unsigned reports whether the request's operation takes calls without credentials.
func (x *exchange) unsigned() bool {
	op, ok := x.d.Operation(x.service, x.action)
	return ok && op.Unsigned
}

// credential returns the access key and the scope ("<region>/<service>") of a signed request.
func credential(r *http.Request) (accessKey, scope string) {
	text := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		text, _, _ = strings.Cut(after, ",")
		text, _, _ = strings.Cut(text, " ")
	}
	parts := strings.Split(text, "/")
	if len(parts) != 5 {
		return "", ""
	}
	return parts[0], parts[2] + "/" + parts[3]
}

// body reads the request's body, unpacked, up to the service's limit.
func (x *exchange) body() ([]byte, error) {
	limit, ok := limits[x.service]
	if !ok {
		limit = defaultLimit
	}
	var reader io.Reader = http.MaxBytesReader(x.w, x.r.Body, limit)
	var b bytes.Buffer
	if strings.HasPrefix(x.r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		reader = chunked(reader)
	}
	switch encoding := strings.TrimPrefix(strings.TrimPrefix(x.r.Header.Get("Content-Encoding"), "aws-chunked"), ","); encoding {
	case "", "identity":
		if n := x.r.ContentLength; n > 0 && n <= limit {
			b.Grow(int(n) + bytes.MinRead)
		}
	case "gzip":
		unpacked, err := gzip.NewReader(reader)
		if err != nil {
			return nil, dispatch.Errorf("SerializationException", "the body is not gzip: %v", err)
		}
		reader = io.LimitReader(unpacked, limit+1)
	default:
		return nil, &dispatch.Error{Code: "UnsupportedMediaType", Status: 415, Message: "the content encoding " + encoding + " is not supported"}
	}
	_, err := b.ReadFrom(reader)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge) || int64(b.Len()) > limit:
		return nil, &dispatch.Error{Code: "RequestEntityTooLargeException", Status: 413, Message: fmt.Sprintf("Request must be smaller than %d bytes", limit)}
	case err != nil:
		return nil, dispatch.Errorf("SerializationException", "reading the body: %v", err)
	}
	return b.Bytes(), nil
}

// chunked reads a body that comes in AWS's chunks: each has its length, in hexadecimal, and extensions before it. What
// follows the last one, checksums and signatures, is not read.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func chunked(body io.Reader) io.Reader {
	in := bufio.NewReader(body)
	left, done := int64(0), false
	return readerFunc(func(p []byte) (int, error) {
		if left == 0 && !done {
			line, err := in.ReadString('\n')
			if err == nil && strings.TrimSpace(line) == "" { // what ends the chunk before
				line, err = in.ReadString('\n')
			}
			if err != nil {
				return 0, io.ErrUnexpectedEOF
			}
			size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
			if left, err = strconv.ParseInt(size, 16, 63); err != nil {
				return 0, fmt.Errorf("a chunk's length: %w", err)
			}
			done = left == 0
		}
		if done {
			return 0, io.EOF
		}
		n, err := in.Read(p[:min(int64(len(p)), left)])
		left -= int64(n)
		return n, err
	})
}

// readerFunc is a reader that is a function.
type readerFunc func(p []byte) (int, error)

// Read calls the function.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (x *exchange) send(status int, contentType, requestID string, body []byte) {
	x.status = status
	h := x.w.Header()
	if contentType != "" && h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentType)
	}
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if x.service == "dynamodb" {
		h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)) // its SDKs check it
	}
	x.w.WriteHeader(status)
	// A client that is gone does not read its answer.
	_, _ = x.w.Write(body)
}

func (x *exchange) refuse(code string, status int, format string, args ...any) {
	x.fail(dispatch.NewRequestID(), &dispatch.Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)})
}

// finish sends an error, or what encode makes of the response.
func (x *exchange) finish(requestID string, err error, contentType string, encode func() ([]byte, error)) {
	if err == nil {
		var body []byte
		if body, err = encode(); err == nil {
			x.send(http.StatusOK, contentType, requestID, body)
			return
		}
	}
	x.fail(requestID, dispatch.AsError(err))
}

func (x *exchange) json(body []byte) {
	out, requestID, err := call(x.r.Context(), x.d, x.principal, x.service, x.action, body)
	x.finish(requestID, err, x.r.Header.Get("Content-Type"), func() ([]byte, error) { return EncodeJSON(out) })
}

func (x *exchange) failJSON(requestID string, e *dispatch.Error) {
	x.w.Header().Set("X-Amzn-Errortype", e.Code)
	if x.service == "sqs" {
		x.w.Header().Set("X-Amzn-Query-Error", sqsQueryCode(e.Code)+";Sender")
	}
	x.send(e.HTTPStatus(), x.r.Header.Get("Content-Type"), requestID, errorJSON(x.service, e))
}

func (x *exchange) cbor(body []byte) {
	x.w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	var in any
	if op, ok := x.d.Operation(x.service, x.action); ok {
		in = op.NewInput()
		if err := decodeCBOR(body, in); err != nil {
			x.fail(dispatch.NewRequestID(), dispatch.AsError(err))
			return
		}
	}
	out, requestID, err := x.d.DoWithID(x.r.Context(), x.principal, x.service, x.action, in)
	x.finish(requestID, err, "application/cbor", func() ([]byte, error) { return encodeCBOR(out) })
}

func (x *exchange) failCBOR(requestID string, e *dispatch.Error) {
	x.w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	x.send(e.HTTPStatus(), "application/cbor", requestID, errorCBOR(e))
}

func (x *exchange) query(body []byte) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		x.refuse("MalformedQueryString", http.StatusBadRequest, "the form cannot be read: %v", err)
		return
	}
	for name, v := range x.r.URL.Query() {
		values[name] = v
	}
	if x.service == "" {
		x.service = queryVersions[values.Get("Version")]
	}
	x.action = values.Get("Action")
	if x.service == "sqs" && !values.Has("QueueUrl") && strings.Trim(x.r.URL.Path, "/") != "" {
		values.Set("QueueUrl", "http://"+x.r.Host+x.r.URL.Path) // old clients send to the queue's own address
	}
	var in any
	if op, ok := x.d.Operation(x.service, x.action); ok {
		in = op.NewInput()
		if _, wants := memberValue(in, "QueueUrl"); !wants && x.service == "sqs" {
			values.Del("QueueUrl")
		}
		if err := DecodeQuery(x.service, x.action, values, in); err != nil {
			x.fail(dispatch.NewRequestID(), dispatch.AsError(err))
			return
		}
	}
	out, requestID, err := x.d.DoWithID(x.r.Context(), x.principal, x.service, x.action, in)
	x.finish(requestID, err, "text/xml", func() ([]byte, error) { return encodeXML(x.service, x.action, requestID, out) })
}

func (x *exchange) failXML(requestID string, e *dispatch.Error) {
	x.send(e.HTTPStatus(), "text/xml", requestID, errorXML(x.service, requestID, e))
}

func (x *exchange) rest(body []byte) {
	query := x.r.URL.Query()
	if x.service == "apigateway" && strings.HasPrefix(x.r.URL.Path, "/v2/") {
		x.service = "apigatewayv2" // it signs as API Gateway
	}
	path := x.r.URL.EscapedPath()
	if x.service == "s3" {
		path = bucketPath(x.r.Host, path)
	}
	route, members := x.routes().find(x.service, x.r.Method, path, query)
	if route == nil {
		x.refuse("UnknownOperationException", http.StatusNotFound, "the embedded AWS does not emulate %s %s of %q", x.r.Method, x.r.URL.Path, x.service)
		return
	}
	x.service, x.action = route.op.Service, route.op.Action
	in, err := route.decode(x.r, members, query, body)
	if err != nil {
		x.fail(dispatch.NewRequestID(), dispatch.AsError(err))
		return
	}
	out, requestID, err := x.d.DoWithID(x.r.Context(), x.principal, x.service, x.action, in)
	if err == nil {
		var status int
		var response []byte
		if status, response, err = route.encode(x.w.Header(), out); err == nil {
			contentType := "application/json"
			if restXML[x.service] != "" {
				contentType = "text/xml"
			}
			x.send(status, contentType, requestID, response)
			return
		}
	}
	x.fail(requestID, dispatch.AsError(err))
}

// bucketPath puts the bucket that SDKs name in the host (<bucket>.localhost) before the path.
func bucketPath(host, path string) string {
	host, _, _ = strings.Cut(host, ":")
	if bucket, ok := strings.CutSuffix(host, ".localhost"); ok {
		return "/" + bucket + path
	}
	return path
}

func (x *exchange) failRestXML(requestID string, e *dispatch.Error) {
	if x.service == "s3" {
		x.send(e.HTTPStatus(), "application/xml", requestID, errorS3(requestID, e))
		return
	}
	x.send(e.HTTPStatus(), "text/xml", requestID, errorXML(x.service, requestID, e))
}

func (x *exchange) failREST(requestID string, e *dispatch.Error) {
	x.send(e.HTTPStatus(), "application/json", requestID, errorREST(x.service, x.w.Header(), e))
}
