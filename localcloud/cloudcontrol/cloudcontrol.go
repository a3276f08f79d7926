// Package cloudcontrol emulates AWS Cloud Control API for one resource type, AWS::HealthLake::FHIRDatastore, whose handlers call
// HealthLake as the caller.
//
// It follows https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/. Every property of the type but Tags can be set at
// creation only: an update that changes another is refused with NotUpdatable. Requests are remembered for 36 hours, those of
// an earlier process are not; hooks, CancelResourceRequest and ListResourceRequests are not emulated.
package cloudcontrol

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Service is the emulated Cloud Control API. Make it with New.
type Service struct {
	d *dispatch.Dispatcher

	mu       sync.Mutex
	requests map[string]*request // by token
	byClient map[string]*request // by client token
	order    []*request          // oldest first
}

// request is a create, update or delete request that was accepted.
type request struct {
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
	s := &Service{d: d, requests: map[string]*request{}, byClient: map[string]*request{}}
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

func check(typeName, roleARN, version string) error {
	switch {
	case typeName != datastoreType:
		return dispatch.Errorf("UnsupportedActionException", "the embedded AWS emulates the resource type %s in Cloud Control only, not %s", datastoreType, typeName)
	case roleARN != "":
		return dispatch.Errorf("UnsupportedActionException", "the embedded AWS does not emulate RoleArn: Cloud Control acts as its caller")
	case version != "":
		return dispatch.Errorf("TypeNotFoundException", "the embedded AWS has no versions of %s", typeName)
	}
	return nil
}

// begin remembers a request; before is the one that was made with the same client token.
func (s *Service) begin(c *dispatch.Call, operation, identifier, clientToken, asked string) (r *request, before *ProgressEvent, err error) {
	now := s.d.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 && (len(s.order) >= maxRequests || now.Sub(s.order[0].progress.EventTime.Time) > remembered) {
		old := s.order[0]
		s.order = s.order[1:]
		delete(s.requests, old.progress.RequestToken)
		delete(s.byClient, old.clientToken)
	}
	asked = operation + " " + identifier + " " + asked
	if known := s.byClient[clientToken]; clientToken != "" && known != nil {
		if known.asked != asked {
			return nil, nil, dispatch.Errorf("ClientTokenConflictException", "The client token %s was used for another request.", clientToken)
		}
		p := known.progress
		return nil, &p, nil
	}
	r = &request{by: c.Principal, clientToken: clientToken, asked: asked, progress: ProgressEvent{TypeName: datastoreType, Identifier: identifier,
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
		p.ErrorCode, p.StatusMessage = handlerError(err)
	}
	return &ProgressOutput{*p}
}

// handlerError is an error of a handler as Cloud Control tells it.
// https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
func handlerError(err error) (code, message string) {
	var own *handlerFailure
	if errors.As(err, &own) {
		return own.code, own.message
	}
	e := dispatch.AsError(err)
	code, ok := map[string]string{"AccessDeniedException": "AccessDenied", "AccessDenied": "AccessDenied", "ResourceNotFoundException": "NotFound",
		"ValidationException": "InvalidRequest", "ThrottlingException": "Throttling", "ConflictException": "ResourceConflict"}[e.Code]
	if !ok {
		code = "GeneralServiceException"
	}
	return code, fmt.Sprintf("%s (Service: HealthLake, Status Code: %d)", e.Message, e.HTTPStatus())
}

// handlerFailure is an error that a handler finds itself.
type handlerFailure struct{ code, message string }

func (e *handlerFailure) Error() string { return e.code + ": " + e.message }

func refuse(code, format string, args ...any) error {
	return &handlerFailure{code, fmt.Sprintf(format, args...)}
}

func (s *Service) create(ctx context.Context, c *dispatch.Call, in *CreateResourceInput) (*ProgressOutput, error) {
	if err := check(in.TypeName, in.RoleArn, in.TypeVersionID); err != nil {
		return nil, err
	}
	if !json.Valid([]byte(in.DesiredState)) {
		return nil, dispatch.Errorf("ValidationException", "The desired state is not valid JSON.")
	}
	r, before, err := s.begin(c, "CREATE", "", in.ClientToken, in.DesiredState)
	if err != nil || before != nil {
		return progress(before), err
	}
	id, err := s.createDatastore(ctx, c.Principal, in.DesiredState, r.progress.RequestToken)
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
	if err := check(in.TypeName, in.RoleArn, in.TypeVersionID); err != nil {
		return nil, err
	}
	if _, err := s.describe(ctx, c.Principal, in.Identifier); err != nil {
		return nil, missing(in.Identifier, err)
	}
	r, before, err := s.begin(c, "UPDATE", in.Identifier, in.ClientToken, in.PatchDocument)
	if err != nil || before != nil {
		return progress(before), err
	}
	err = s.patchDatastore(ctx, c.Principal, in.Identifier, in.PatchDocument)
	return s.settle(r, succeeded, "", err), nil
}

func (s *Service) remove(ctx context.Context, c *dispatch.Call, in *DeleteResourceInput) (*ProgressOutput, error) {
	if err := check(in.TypeName, in.RoleArn, in.TypeVersionID); err != nil {
		return nil, err
	}
	if _, err := s.describe(ctx, c.Principal, in.Identifier); err != nil {
		return nil, missing(in.Identifier, err)
	}
	r, before, err := s.begin(c, "DELETE", in.Identifier, in.ClientToken, "")
	if err != nil || before != nil {
		return progress(before), err
	}
	_, err = s.d.Do(ctx, c.Principal, "healthlake", "DeleteFHIRDatastore", map[string]any{"DatastoreId": in.Identifier})
	return s.settle(r, inProgress, "", err), nil
}

// missing is the error of a call about a resource that is not there; others stay what they are.
func missing(id string, err error) error {
	var own *handlerFailure
	if errors.As(err, &own) && own.code == "NotFound" {
		return dispatch.Errorf("ResourceNotFoundException", "Resource of type '%s' with identifier '%s' was not found.", datastoreType, id)
	}
	return err
}

func (s *Service) get(ctx context.Context, c *dispatch.Call, in *GetResourceInput) (*GetResourceOutput, error) {
	if err := check(in.TypeName, in.RoleArn, in.TypeVersionID); err != nil {
		return nil, err
	}
	model, err := s.describe(ctx, c.Principal, in.Identifier)
	if err != nil {
		return nil, missing(in.Identifier, err)
	}
	text, err := model.text()
	if err != nil {
		return nil, err
	}
	return &GetResourceOutput{in.TypeName, ResourceDescription{in.Identifier, text}}, nil
}

func (s *Service) list(ctx context.Context, c *dispatch.Call, in *ListResourcesInput) (*ListResourcesOutput, error) {
	if err := check(in.TypeName, in.RoleArn, ""); err != nil {
		return nil, err
	}
	request := map[string]any{"MaxResults": 20}
	if in.MaxResults > 0 {
		request["MaxResults"] = min(in.MaxResults, 100)
	}
	if in.NextToken != "" {
		request["NextToken"] = in.NextToken
	}
	var page struct {
		DatastorePropertiesList []datastoreProperties
		NextToken               string
	}
	if err := s.d.DoInto(ctx, c.Principal, "healthlake", "ListFHIRDatastores", request, &page); err != nil {
		return nil, err
	}
	out := &ListResourcesOutput{TypeName: in.TypeName, ResourceDescriptions: []ResourceDescription{}, NextToken: page.NextToken}
	for _, p := range page.DatastorePropertiesList {
		if p.DatastoreStatus == deletedStatus {
			continue
		}
		text, err := p.model().text()
		if err != nil {
			return nil, err
		}
		out.ResourceDescriptions = append(out.ResourceDescriptions, ResourceDescription{p.DatastoreID, text})
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
	model, err := s.describe(ctx, r.by, p.Identifier)
	var gone *handlerFailure
	switch isGone := errors.As(err, &gone) && gone.code == "NotFound"; {
	case p.Operation == "DELETE" && isGone:
		return s.settle(r, succeeded, "", nil), nil
	case err != nil:
		return s.settle(r, failed, "", err), nil
	case p.Operation == "CREATE" && model["DatastoreStatus"] == "ACTIVE":
		text, err := model.text()
		if err != nil {
			return nil, err
		}
		return s.settle(r, succeeded, text, nil), nil
	}
	return &ProgressOutput{p}, nil
}

// properties are a resource's properties.
type properties map[string]any

// text writes the properties, sorted by name.
func (p properties) text() (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("writing the properties of a %s: %w", datastoreType, err)
	}
	return string(text), nil
}

// parseProperties reads a JSON object and refuses properties that the type does not have.
func parseProperties(text string) (properties, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var p properties
	if err := dec.Decode(&p); err != nil || p == nil {
		return nil, refuse("InvalidRequest", "Model validation failed: the desired state is not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("InvalidRequest", "Model validation failed: there is more after the desired state")
	}
	for name := range p {
		if !slices.Contains(createOnly, name) && name != "Tags" {
			if slices.Contains(readOnly, name) {
				return nil, refuse("InvalidRequest", "Invalid request provided: Encountered unsupported read-only property %s", name)
			}
			return nil, refuse("InvalidRequest", "Model validation failed (#: extraneous key [%s] is not permitted)", name)
		}
	}
	return p, nil
}
