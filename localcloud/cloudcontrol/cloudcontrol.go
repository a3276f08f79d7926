// Package cloudcontrol emulates AWS Cloud Control API for the resource types AWS::ApiGatewayV2::ApiMapping and
// AWS::HealthLake::FHIRDatastore, whose handlers call API Gateway and HealthLake as the caller.
//
// It follows https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/. An update that changes what can be set at creation
// only is refused with NotUpdatable. Requests are remembered for 36 hours, those of an earlier process are not; hooks,
// CancelResourceRequest and ListResourceRequests are not emulated.
package cloudcontrol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is the emulated Cloud Control API. Make it with New.
type Service struct {
	d     *dispatch.Dispatcher
	types map[string]*resourceType // by name

	mu       sync.Mutex
	requests map[string]*request // by token
	byClient map[string]*request // by client token
	order    []*request          // oldest first
}

// request is a create, update or delete request that was accepted.
type request struct {
	of          *resourceType
	by          dispatch.Principal
	progress    ProgressEvent
	clientToken string
	asked       string // what was asked with the client token
}

const (
	// remembered is how long requests and client tokens are known.
	remembered = 36 * time.Hour
	// maxRequests bounds the number of requests that are remembered.
	maxRequests = 1000

	inProgress = "IN_PROGRESS"
	succeeded  = "SUCCESS"
	failed     = "FAILED"
)

// New returns the service with its operations registered at d. It keeps nothing in the store.
func New(d *dispatch.Dispatcher, _ *store.Store) (*Service, error) {
	s := &Service{d: d, types: map[string]*resourceType{}, requests: map[string]*request{}, byClient: map[string]*request{}}
	for name, handled := range map[string]*resourceType{datastoreType: s.datastores(), apiMappingType: s.apiMappings()} {
		var err error
		if handled.schema, err = parseSchema(Schema(name)); err != nil {
			return nil, err
		}
		s.types[name] = handled
	}
	op := func(action string) dispatch.Operation {
		// Cloud Control's permissions are CloudFormation's, and have no resource.
		return dispatch.Operation{Service: "cloudcontrolapi", Action: action, Permission: "cloudformation:" + action}
	}
	dispatch.Register(d, op("CreateResource"), dispatch.Anywhere[CreateResourceInput](), s.create)
	dispatch.Register(d, op("UpdateResource"), dispatch.Anywhere[UpdateResourceInput](), s.update)
	dispatch.Register(d, op("DeleteResource"), dispatch.Anywhere[DeleteResourceInput](), s.remove)
	dispatch.Register(d, op("GetResource"), dispatch.Anywhere[GetResourceInput](), s.get)
	dispatch.Register(d, op("ListResources"), dispatch.Anywhere[ListResourcesInput](), s.list)
	dispatch.Register(d, op("GetResourceRequestStatus"), dispatch.Anywhere[RequestInput](), s.status)
	return s, nil
}

// typed finds the type that a request is about.
func (s *Service) typed(typeName, roleARN, version string) (*resourceType, error) {
	t := s.types[typeName]
	switch {
	case t == nil:
		return nil, dispatch.Errorf("UnsupportedActionException", "the embedded AWS emulates the resource types %s in Cloud Control only, not %s", strings.Join(Types(), " and "), typeName)
	case roleARN != "":
		return nil, dispatch.Errorf("UnsupportedActionException", "the embedded AWS does not emulate RoleArn: Cloud Control acts as its caller")
	case version != "":
		return nil, dispatch.Errorf("TypeNotFoundException", "the embedded AWS has no versions of %s", typeName)
	}
	return t, nil
}

// found finds the resource that a request is about.
func (s *Service) found(ctx context.Context, by dispatch.Principal, typeName, roleARN, version, identifier string) (t *resourceType, id string, now properties, err error) {
	if t, err = s.typed(typeName, roleARN, version); err != nil {
		return nil, "", nil, err
	}
	if id, err = t.identify(identifier); err != nil {
		return nil, "", nil, err
	}
	now, err = t.read(ctx, by, id)
	if isNotFound(err) {
		err = dispatch.Errorf("ResourceNotFoundException", "Resource of type '%s' with identifier '%s' was not found.", typeName, identifier)
	}
	return t, id, now, err
}

// isNotFound says whether a handler did not find its resource.
func isNotFound(err error) bool {
	if err == nil {
		return false
	}
	code, _ := handlerError("", err)
	return code == "NotFound"
}

// begin remembers a request; before is the one that was made with the same client token.
func (s *Service) begin(c *dispatch.Call, t *resourceType, operation, identifier, clientToken, asked string) (r *request, before *ProgressEvent, err error) {
	now := s.d.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 && (len(s.order) >= maxRequests || now.Sub(s.order[0].progress.EventTime.Time) > remembered) {
		old := s.order[0]
		s.order = s.order[1:]
		delete(s.requests, old.progress.RequestToken)
		delete(s.byClient, old.clientToken)
	}
	asked = t.TypeName + " " + operation + " " + identifier + " " + asked
	if known := s.byClient[clientToken]; clientToken != "" && known != nil {
		if known.asked != asked {
			return nil, nil, dispatch.Errorf("ClientTokenConflictException", "The client token %s was used for another request.", clientToken)
		}
		p := known.progress
		return nil, &p, nil
	}
	r = &request{of: t, by: c.Principal, clientToken: clientToken, asked: asked, progress: ProgressEvent{TypeName: t.TypeName, Identifier: identifier,
		RequestToken: dispatch.NewRequestID(), Operation: operation, OperationStatus: inProgress, EventTime: dispatch.Time{Time: now}}}
	s.requests[r.progress.RequestToken] = r
	if clientToken != "" {
		s.byClient[clientToken] = r
	}
	s.order = append(s.order, r)
	return r, nil, nil
}

// settle notes how far a request has come.
func (s *Service) settle(r *request, status, model string, err error) *ProgressOutput {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &r.progress
	p.OperationStatus, p.EventTime = status, dispatch.Time{Time: s.d.Clock.Now()}
	if model != "" {
		p.ResourceModel = model
	}
	if err != nil {
		p.OperationStatus = failed
		p.ErrorCode, p.StatusMessage = handlerError(r.of.service, err)
	}
	return &ProgressOutput{*p}
}

// handlerError is an error of a handler as Cloud Control tells it.
// https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
func handlerError(service string, err error) (code, message string) {
	var own *handlerFailure
	if errors.As(err, &own) {
		return own.code, own.message
	}
	e := dispatch.AsError(err)
	code, ok := map[string]string{"AccessDeniedException": "AccessDenied", "AccessDenied": "AccessDenied", "ResourceNotFoundException": "NotFound", "NotFoundException": "NotFound",
		"ValidationException": "InvalidRequest", "BadRequestException": "InvalidRequest", "ThrottlingException": "Throttling", "TooManyRequestsException": "Throttling",
		"ConflictException": "ResourceConflict"}[e.Code]
	if !ok {
		code = "GeneralServiceException"
	}
	return code, fmt.Sprintf("%s (Service: %s, Status Code: %d)", e.Message, service, e.HTTPStatus())
}

// handlerFailure is an error that a handler finds itself.
type handlerFailure struct{ code, message string }

func (e *handlerFailure) Error() string { return e.code + ": " + e.message }

func refuse(code, format string, args ...any) error {
	return &handlerFailure{code, fmt.Sprintf(format, args...)}
}

func (s *Service) create(ctx context.Context, c *dispatch.Call, in *CreateResourceInput) (*ProgressOutput, error) {
	t, err := s.typed(in.TypeName, in.RoleArn, in.TypeVersionID)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(in.DesiredState)) {
		return nil, dispatch.Errorf("ValidationException", "The desired state is not valid JSON.")
	}
	r, before, err := s.begin(c, t, "CREATE", "", in.ClientToken, in.DesiredState)
	if err != nil || before != nil {
		return progress(before), err
	}
	p, err := t.parse(in.DesiredState)
	var id string
	if err == nil {
		id, err = t.create(ctx, c.Principal, p, r.progress.RequestToken)
	}
	s.mu.Lock()
	r.progress.Identifier = id
	s.mu.Unlock()
	return s.settle(r, inProgress, "", err), nil
}

func progress(p *ProgressEvent) *ProgressOutput {
	if p == nil {
		return nil
	}
	return &ProgressOutput{*p}
}

func (s *Service) update(ctx context.Context, c *dispatch.Call, in *UpdateResourceInput) (*ProgressOutput, error) {
	t, id, now, err := s.found(ctx, c.Principal, in.TypeName, in.RoleArn, in.TypeVersionID, in.Identifier)
	if err != nil {
		return nil, err
	}
	r, before, err := s.begin(c, t, "UPDATE", id, in.ClientToken, in.PatchDocument)
	if err != nil || before != nil {
		return progress(before), err
	}
	after, err := t.patch(now, in.PatchDocument)
	if err == nil {
		err = t.update(ctx, c.Principal, id, now, after)
	}
	return s.settle(r, succeeded, "", err), nil
}

func (s *Service) remove(ctx context.Context, c *dispatch.Call, in *DeleteResourceInput) (*ProgressOutput, error) {
	t, id, _, err := s.found(ctx, c.Principal, in.TypeName, in.RoleArn, in.TypeVersionID, in.Identifier)
	if err != nil {
		return nil, err
	}
	r, before, err := s.begin(c, t, "DELETE", id, in.ClientToken, "")
	if err != nil || before != nil {
		return progress(before), err
	}
	return s.settle(r, inProgress, "", t.remove(ctx, c.Principal, id)), nil
}

func (s *Service) get(ctx context.Context, c *dispatch.Call, in *GetResourceInput) (*GetResourceOutput, error) {
	_, id, now, err := s.found(ctx, c.Principal, in.TypeName, in.RoleArn, in.TypeVersionID, in.Identifier)
	if err != nil {
		return nil, err
	}
	text, err := now.text()
	if err != nil {
		return nil, err
	}
	return &GetResourceOutput{in.TypeName, ResourceDescription{id, text}}, nil
}

func (s *Service) list(ctx context.Context, c *dispatch.Call, in *ListResourcesInput) (*ListResourcesOutput, error) {
	t, err := s.typed(in.TypeName, in.RoleArn, "")
	if err != nil {
		return nil, err
	}
	items, next, err := t.list(ctx, c.Principal, in)
	if err != nil {
		return nil, err
	}
	out := &ListResourcesOutput{TypeName: in.TypeName, ResourceDescriptions: []ResourceDescription{}, NextToken: next}
	for _, item := range items {
		text, err := item.text()
		if err != nil {
			return nil, err
		}
		out.ResourceDescriptions = append(out.ResourceDescriptions, ResourceDescription{item.id, text})
	}
	return out, nil
}

func (s *Service) status(ctx context.Context, _ *dispatch.Call, in *RequestInput) (*ProgressOutput, error) {
	s.mu.Lock()
	r := s.requests[in.RequestToken]
	var p ProgressEvent
	if r != nil {
		p = r.progress
	}
	s.mu.Unlock()
	if r == nil {
		return nil, dispatch.Errorf("RequestTokenNotFoundException", "Request with token %s was not found.", in.RequestToken)
	}
	if p.OperationStatus != inProgress {
		return &ProgressOutput{p}, nil
	}
	model, err := r.of.read(ctx, r.by, p.Identifier)
	switch {
	case p.Operation == "DELETE" && isNotFound(err):
		return s.settle(r, succeeded, "", nil), nil
	case err != nil:
		return s.settle(r, failed, "", err), nil
	case p.Operation == "CREATE" && (r.of.ready == nil || r.of.ready(model)):
		text, err := model.text()
		if err != nil {
			return nil, err
		}
		return s.settle(r, succeeded, text, nil), nil
	}
	return &ProgressOutput{p}, nil
}
