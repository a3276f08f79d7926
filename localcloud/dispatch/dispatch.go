// Package dispatch is the embedded AWS's one choke point: every call, whether from the wire, a state machine, a gateway
// integration or the Pulumi provider, passes [Dispatcher.Do]. There the caller's policies are evaluated, faults are
// injected when asked for, and the call is journalled. Services register typed operations and never call each other
// except through it.
package dispatch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sort"
	"sync"

	"github.com/carepath/carepath/localcloud/clock"
)

// Principal is who makes a call.
type Principal struct {
	// ARN is the caller's identity as AWS prints it: arn:aws:sts::<account>:assumed-role/<role>/<session>,
	// arn:aws:iam::<account>:root, or a service's name for a call that a service makes as itself.
	ARN string
	// RoleARN is the role whose policies decide; empty for the account's root, who may do everything, and for services.
	RoleARN string
	// Service is the principal's name if it is an AWS service, such as "apigateway.amazonaws.com".
	Service string
	// SourceARN is the resource on whose behalf a service calls: the value of aws:SourceArn.
	SourceARN string
	// Via is the service that makes this call for the principal, such as "healthlake.us-east-1.amazonaws.com": the value of
	// kms:ViaService. Empty for a call of the principal's own.
	Via string
}

// Anonymous is the caller of operations that need no credentials.
var Anonymous = Principal{ARN: "anonymous", Service: "anonymous"}

// IsRoot reports whether the caller is the account's root user.
func (p Principal) IsRoot() bool { return p.RoleARN == "" && p.Service == "" }

// Call is one request to one operation, as its handler sees it.
type Call struct {
	Principal Principal
	Service   string // the signing name, such as "states"
	Action    string // the API's name of the operation, such as "StartExecution"
	RequestID string
	Resources []string // the ARNs that the call acts on, as the operation named them
	// Conditions are the service's own condition keys, such as kms:EncryptionContext:<key>; an operation's Permits sets them.
	Conditions map[string]string
	// ConditionLists are those of them that have several values, such as dynamodb:LeadingKeys.
	ConditionLists map[string][]string

	request any // the operation's request structure, once it is read
}

// Error is an error of an AWS API. Every error that a handler returns and that is not an *Error is an InternalFailure.
type Error struct {
	Code    string // the API's own, such as "StateMachineDoesNotExist"
	Message string
	Status  int            // HTTP; 0 means 400
	Fields  map[string]any // further members of the error's structure
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HTTPStatus returns the status with which the error is sent.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return 400
	}
	return e.Status
}

// Errorf returns an API error with status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsError returns err as an API error: an InternalFailure unless it is one already.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: "InternalFailure", Message: err.Error(), Status: 500}
}

// Operation describes one operation of a service to the dispatcher and to the wire.
type Operation struct {
	Service string // the signing name
	Action  string
	// Permission is the IAM action; "<Service>:<Action>" when empty.
	Permission string
	// Open is for the operations that AWS lets everybody call, such as sts:GetCallerIdentity.
	Open bool
	// Unsigned is for the operations that AWS takes without credentials, such as cognito-idp:InitiateAuth.
	Unsigned bool
	// HTTP is the REST binding of services whose protocol is REST; nil for the JSON and Query protocols.
	HTTP *HTTPBinding

	newInput func() any
	permits  func(c *Call, in any) (resources []string, policies []ResourcePolicy, err error)
	do       func(ctx context.Context, c *Call, in any) (any, error)
}

// HTTPBinding says where a REST operation's members travel. Members that are named nowhere are in the JSON body.
type HTTPBinding struct {
	Method  string
	Path    string            // with members in braces: "/2015-03-31/functions/{FunctionName}/invocations"
	Query   map[string]string // query parameter → member
	Headers map[string]string // header → member
	Payload string            // the member that is the whole body, as bytes; empty: the body is a JSON object
	Status  int               // of success; 0 means 200
}

// NewInput returns a pointer to an empty request structure of the operation.
func (op *Operation) NewInput() any { return op.newInput() }

// ResourcePolicy is a policy that stands on a resource: a JSON policy document and the resource that carries it.
type ResourcePolicy struct {
	Resource string // ARN; empty: it stands on every resource of the call
	Document string
	// Required is for resources whose policy must allow the call whatever the caller's own policies say (KMS keys).
	Required bool
}

// Authorizer decides whether a caller may do what it asks, and who a service becomes when it assumes a role. The IAM
// service is one.
type Authorizer interface {
	// Authorize returns nil, or AWS's access-denied *Error.
	Authorize(ctx context.Context, c *Call, permission string, resources []string, policies []ResourcePolicy) error
	// Assume returns the principal that `by` becomes when it assumes the role, if the role's trust policy lets it.
	Assume(ctx context.Context, by Principal, roleARN, sessionName string) (Principal, error)
}

// Dispatcher routes calls to operations. Make it with New.
type Dispatcher struct {
	Clock   clock.Clock
	Account string // twelve digits
	Region  string
	Journal *Journal
	Faults  *Faults
	// Logf reports what the operator should see; never content of requests.
	Logf func(format string, args ...any)

	mu         sync.RWMutex
	operations map[string]*Operation // "states.StartExecution"
	authorizer Authorizer
	auditors   []func(Audit)
}

// New returns a dispatcher without operations. Until SetAuthorizer is called it lets nobody but root in.
func New(c clock.Clock, account, region string) *Dispatcher {
	return &Dispatcher{
		Clock: c, Account: account, Region: region,
		Journal: NewJournal(4096), Faults: &Faults{},
		Logf:       func(string, ...any) {},
		operations: map[string]*Operation{},
	}
}

// SetAuthorizer installs what decides about access. Call it once, before the first call.
func (d *Dispatcher) SetAuthorizer(a Authorizer) { d.authorizer = a }

// Root is the account's root user, as whom the deployer acts.
func (d *Dispatcher) Root() Principal {
	return Principal{ARN: "arn:aws:iam::" + d.Account + ":root"}
}

// ARN returns the ARN of a resource of this account and region: ARN("sqs", "name") is arn:aws:sqs:<region>:<account>:name.
func (d *Dispatcher) ARN(service, resource string) string {
	return "arn:aws:" + service + ":" + d.Region + ":" + d.Account + ":" + resource
}

// Permits says which resources a request acts on, by ARN ("*" where AWS has no resource-level permission), and which
// policies stand on them.
type Permits[In any] func(c *Call, in *In) (resources []string, policies []ResourcePolicy, err error)

// On is the Permits of an operation that acts on the resources that f names.
func On[In any](f func(c *Call, in *In) []string) Permits[In] {
	return func(c *Call, in *In) ([]string, []ResourcePolicy, error) { return f(c, in), nil, nil }
}

// Anywhere is the Permits of an operation without resource-level permissions.
func Anywhere[In any]() Permits[In] {
	return func(*Call, *In) ([]string, []ResourcePolicy, error) { return []string{"*"}, nil, nil }
}

// Register adds an operation. In and Out are structures whose JSON names are the API's member names. It panics when the
// operation is registered already: that is a mistake of the program.
func Register[In, Out any](d *Dispatcher, op Operation, permits Permits[In], do func(ctx context.Context, c *Call, in *In) (*Out, error)) {
	if op.Permission == "" {
		op.Permission = op.Service + ":" + op.Action
	}
	op.newInput = func() any { return new(In) }
	op.permits = func(c *Call, in any) ([]string, []ResourcePolicy, error) { return permits(c, in.(*In)) }
	op.do = func(ctx context.Context, c *Call, in any) (any, error) {
		out, err := do(ctx, c, in.(*In))
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := op.Service + "." + op.Action
	if _, twice := d.operations[key]; twice {
		panic("dispatch: " + key + " is registered twice")
	}
	d.operations[key] = &op
}

// Operation returns a registered operation.
func (d *Dispatcher) Operation(service, action string) (*Operation, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	op, ok := d.operations[service+"."+action]
	return op, ok
}

// Operations returns every registered operation, by service and action.
func (d *Dispatcher) Operations() []*Operation {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]*Operation, 0, len(d.operations))
	for _, op := range d.operations {
		all = append(all, op)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Service != all[j].Service {
			return all[i].Service < all[j].Service
		}
		return all[i].Action < all[j].Action
	})
	return all
}

// Decode reads a request structure from JSON and refuses members that the operation does not have here.
func Decode(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		if apiErr := (*Error)(nil); errors.As(err, &apiErr) {
			return apiErr // a request that reads itself says it in its service's words
		}
		return &Error{Code: "SerializationException", Message: err.Error()}
	}
	return nil
}

// Do makes a call. `in` is a pointer to the operation's request structure, or JSON text as []byte; the result is a
// pointer to its response structure. Errors are *Error.
func (d *Dispatcher) Do(ctx context.Context, p Principal, service, action string, in any) (any, error) {
	out, _, err := d.DoWithID(ctx, p, service, action, in)
	return out, err
}

// DoWithID is Do and returns the request's id too.
func (d *Dispatcher) DoWithID(ctx context.Context, p Principal, service, action string, in any) (any, string, error) {
	start := d.Clock.Now()
	c := &Call{Principal: p, Service: service, Action: action, RequestID: NewRequestID()}
	out, err := d.call(ctx, c, in)
	e := Entry{Time: start, Duration: d.Clock.Now().Sub(start), RequestID: c.RequestID, Principal: p.ARN, RoleARN: p.RoleARN, Service: service, Action: action, Resources: c.Resources}
	if err != nil {
		apiErr := AsError(err)
		e.ErrorCode = apiErr.Code
		err = apiErr
	}
	d.Journal.add(e)
	d.audit(c, out, err)
	return out, c.RequestID, err
}

func (d *Dispatcher) call(ctx context.Context, c *Call, in any) (any, error) {
	op, ok := d.Operation(c.Service, c.Action)
	if !ok {
		return nil, &Error{Code: "UnknownOperationException", Status: 501,
			Message: fmt.Sprintf("the embedded AWS does not emulate %s:%s", c.Service, c.Action)}
	}
	request := in
	if text, isText := in.([]byte); isText {
		request = op.newInput()
		if err := Decode(text, request); err != nil {
			return nil, err
		}
	} else if reflect.TypeOf(in) != reflect.TypeOf(op.newInput()) {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("writing the request of %s:%s: %w", c.Service, c.Action, err)
		}
		request = op.newInput()
		if err := Decode(text, request); err != nil {
			return nil, err
		}
	}
	c.request = request
	resources, policies, err := op.permits(c, request)
	if err != nil {
		return nil, err
	}
	c.Resources = resources
	if !op.Open && !c.Principal.IsRoot() {
		if d.authorizer == nil {
			return nil, &Error{Code: "AccessDeniedException", Message: "there is no authorizer", Status: 400}
		}
		if err := d.authorizer.Authorize(ctx, c, op.Permission, resources, policies); err != nil {
			return nil, err
		}
	}
	if err := d.Faults.before(ctx, c); err != nil {
		return nil, err
	}
	out, err := op.do(ctx, c, request)
	if err != nil {
		return nil, err
	}
	if err := d.Faults.after(ctx, c); err != nil {
		return nil, err
	}
	return out, nil
}

// Assume returns the principal that a service becomes when it assumes a role.
func (d *Dispatcher) Assume(ctx context.Context, by Principal, roleARN, sessionName string) (Principal, error) {
	if d.authorizer == nil {
		return Principal{}, &Error{Code: "AccessDenied", Message: "there is no authorizer", Status: 403}
	}
	return d.authorizer.Assume(ctx, by, roleARN, sessionName)
}

// Do makes a call through d and returns the response with its type. Out must be the operation's response structure.
func Do[Out any](ctx context.Context, d *Dispatcher, p Principal, service, action string, in any) (*Out, error) {
	out, err := d.Do(ctx, p, service, action, in)
	if err != nil {
		return nil, err
	}
	typed, ok := out.(*Out)
	if !ok {
		return nil, fmt.Errorf("%s:%s answers a %T, not a %T", service, action, out, typed)
	}
	return typed, nil
}

// DoInto makes a call and reads the response's members into out, a pointer to a structure with those that the caller needs:
// for services that know of another no more than its API.
func (d *Dispatcher) DoInto(ctx context.Context, p Principal, service, action string, in, out any) error {
	answer, err := d.Do(ctx, p, service, action, in)
	if err != nil {
		return err
	}
	text, err := json.Marshal(answer)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil {
		return fmt.Errorf("reading the answer of %s:%s: %w", service, action, err)
	}
	return nil
}

// NewRequestID returns a random UUID, the form of AWS's request ids.
func NewRequestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its contract
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[:8], b[:4])
	s[8] = '-'
	hex.Encode(s[9:13], b[4:6])
	s[13] = '-'
	hex.Encode(s[14:18], b[6:8])
	s[18] = '-'
	hex.Encode(s[19:23], b[8:10])
	s[23] = '-'
	hex.Encode(s[24:], b[10:])
	return string(s[:])
}
