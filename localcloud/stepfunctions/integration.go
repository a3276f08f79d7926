package stepfunctions

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// request is a task on its way to a service.
type request struct {
	s         *Service
	e         *execution
	task      *asl.Task
	resource  asl.Resource
	principal dispatch.Principal
}

// answer is what came of a request.
type answer struct {
	result any
	failed *failure
	// after is called once the execution knows the result of a task that goes on, such as a nested execution's.
	after func()
}

func refused(f *failure) answer { return answer{failed: f} }

// perform makes a task's call and tells the execution how it went.
func (s *Service) perform(e *execution, t *asl.Task) {
	resource, err := asl.ParseResource(t.Resource)
	if resource.Kind == asl.Activity {
		s.offer(e, t)
		return
	}
	var a answer
	if err != nil {
		a = refused(&failure{"States.Runtime", err.Error()})
	} else {
		a = s.request(e, t, resource)
	}
	e.mu.Lock()
	if e.run != nil {
		switch now := s.now(); {
		case a.failed != nil:
			e.run.FailTask(t.ID, a.failed.Error, a.failed.Cause, now)
		case resource.Pattern != asl.RequestResponse:
			e.run.Submitted(t.ID, a.result, now)
		default:
			e.run.Complete(t.ID, a.result, now)
		}
	}
	e.mu.Unlock()
	if a.after != nil {
		a.after()
	}
}

func (s *Service) request(e *execution, t *asl.Task, resource asl.Resource) answer {
	role := e.rev.RoleARN
	if t.CredentialsRoleARN != "" {
		role = t.CredentialsRoleARN
	}
	principal, err := s.assume(s.ctx, e.rev, role)
	if err != nil {
		return refused(&failure{"States.Permissions", dispatch.AsError(err).Message})
	}
	r := &request{s: s, e: e, task: t, resource: resource, principal: principal}
	switch {
	case t.ItemReader:
		return r.readItems()
	case resource.Kind == asl.LambdaFunction:
		return r.invokeFunction()
	case resource.Kind == asl.SDK:
		return r.callSDK()
	}
	v, ok := optimised[resource.Service]
	if !ok || !slices.Contains(v.actions, resource.Action) {
		return refused(&failure{"States.Runtime", "the embedded AWS does not emulate the integration " + t.Resource})
	}
	switch resource.Service {
	case "lambda":
		return r.invoke(v)
	case "states":
		return r.startNested(v)
	case "events":
		return r.putEvents(v)
	}
	if failed := unreachable(v, r.task.Parameters); failed != nil {
		return refused(failed)
	}
	result, requestID, failed := r.call(v, optimisedStyle)
	if failed != nil {
		return refused(failed)
	}
	body := jsonvalue.Text(result)
	switch resource.Service {
	case "dynamodb":
		addMetadata(result, r.dynamoHeaders(requestID, body), requestID)
	case "sns": // answers in XML, of which AWS recorded this length
		addMetadata(result, r.headers(requestID, "text/xml", 294), requestID)
	default:
		addMetadata(result, r.headers(requestID, "application/x-amz-json-1.0", len(body)), requestID)
	}
	return answer{result: result}
}

// callSDK makes the call of an AWS SDK integration.
func (r *request) callSDK() answer {
	v, ok := sdkServices[r.resource.Service]
	if !ok {
		return refused(&failure{"States.Runtime", "the embedded AWS does not emulate the integration " + r.task.Resource})
	}
	result, _, failed := r.call(v, sdkStyle)
	if failed != nil {
		return refused(failed)
	}
	return answer{result: result}
}

// call makes a call whose request is the task's parameters.
func (r *request) call(v service, st style) (result *jsonvalue.Object, requestID string, failed *failure) {
	op, ok := r.s.d.Operation(v.signing, capitalized(r.resource.Action))
	if !ok {
		return nil, "", &failure{"States.Runtime", "the embedded AWS does not emulate the integration " + r.task.Resource}
	}
	in := op.NewInput()
	if failed := r.fill(in); failed != nil {
		return nil, "", failed
	}
	out, requestID, err := r.s.d.DoWithID(r.s.ctx, r.principal, v.signing, op.Action, in)
	if err != nil {
		return nil, requestID, v.failure(err, requestID)
	}
	result, ok = st.value(reflect.ValueOf(out)).(*jsonvalue.Object)
	if !ok {
		result = &jsonvalue.Object{}
	}
	if op.HTTP != nil && op.HTTP.Method == http.MethodHead {
		result.Delete(op.HTTP.Payload) // such responses have no body
	}
	return result, requestID, nil
}

// fill gives a request structure the task's parameters.
func (r *request) fill(in any) *failure {
	parameters, ok := r.task.Parameters.(*jsonvalue.Object)
	if !ok {
		return &failure{"States.Runtime", fmt.Sprintf("The Parameters '%s' could not be used to start the Task: [The parameters must be an object]", jsonvalue.Text(r.task.Parameters))}
	}
	err := fillStruct(reflect.ValueOf(in).Elem(), parameters)
	var unknown *unknownField
	switch {
	case errors.As(err, &unknown):
		return &failure{"States.Runtime", fmt.Sprintf("The Parameters '%s' could not be used to start the Task: [%s]", jsonvalue.Text(parameters), unknown)}
	case err != nil:
		return &failure{"States.Runtime", fmt.Sprintf("The Parameters '%s' could not be used to start the Task: [%s]", jsonvalue.Text(parameters), err)}
	}
	return nil
}

// header is one header of an HTTP response, as the optimised integrations report them.
type header struct{ name, value string }

// headers are those of the service's responses, in the order in which AWS gives them.
func (r *request) headers(requestID, contentType string, length int) []header {
	return []header{
		{"x-amzn-RequestId", requestID},
		{"connection", "keep-alive"},
		{"Content-Length", strconv.Itoa(length)},
		{"Date", r.date()},
		{"Content-Type", contentType},
	}
}

// dynamoHeaders are headers for DynamoDB, whose responses have a check sum.
func (r *request) dynamoHeaders(requestID, body string) []header {
	return []header{
		{"Server", "Server"},
		{"Connection", "keep-alive"},
		{"x-amzn-RequestId", requestID},
		{"x-amz-crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10)},
		{"Content-Length", strconv.Itoa(len(body))},
		{"Date", r.date()},
		{"Content-Type", "application/x-amz-json-1.0"},
	}
}

func (r *request) date() string { return r.s.d.Clock.Now().UTC().Format(http.TimeFormat) }

// addMetadata adds what the optimised integrations say of the HTTP response. The headers with one value each are sorted
// by name, whatever its case.
func addMetadata(result *jsonvalue.Object, headers []header, requestID string) {
	all, single := &jsonvalue.Object{}, &jsonvalue.Object{}
	for _, h := range headers {
		all.Set(h.name, jsonvalue.NewArray(h.value))
	}
	slices.SortFunc(headers, func(a, b header) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	for _, h := range headers {
		single.Set(h.name, h.value)
	}
	result.Set("SdkHttpMetadata", jsonvalue.NewObject(
		jsonvalue.Member{Name: "AllHttpHeaders", Value: all},
		jsonvalue.Member{Name: "HttpHeaders", Value: single},
		jsonvalue.Member{Name: "HttpStatusCode", Value: jsonvalue.Number("200")},
	))
	result.Set("SdkResponseMetadata", jsonvalue.NewObject(jsonvalue.Member{Name: "RequestId", Value: requestID}))
}
