// Package lambda emulates AWS Lambda. A function's code is a ZIP file with an executable "bootstrap", which is run as a
// process of this machine that speaks the Lambda Runtime API; one process serves one invocation at a time and stays warm
// for ten minutes.
//
// It follows https://docs.aws.amazon.com/lambda/latest/api/ and
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. Not emulated and refused: versions, aliases, layers,
// container images, VPCs, file systems, dead-letter configuration and managed language runtimes. Memory is a hint to Go's
// garbage collector (GOMEMLIMIT) and not a limit; ephemeral storage is the machine's.
package lambda

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// Options are what the service needs of its surroundings.
type Options struct {
	Dir string // where code is unpacked
	// Processes is how many function processes may live at a time; further invocations wait. 0: eight per CPU.
	Processes int
}

// function is a function's record.
type function struct {
	Config    FunctionConfiguration
	Tags      map[string]string
	Reserved  *int
	Policy    []statement
	Document  string // Policy as JSON; empty without statements
	SealedEnv []byte // the environment under KMSKeyArn
}

// Service is the emulated Lambda. Make it with New, and Close it so that no process stays behind.
type Service struct {
	d         *dispatch.Dispatcher
	store     *store.Store
	dir       string
	functions *store.Table[function]
	change    sync.Mutex // held while a function is changed

	mu          sync.RWMutex
	runtimeAddr string
	endpoint    string

	pool         *pool
	async        *async
	starter      *starter
	environments sync.Map // of processes: id → *environment
}

// New returns the service with its operations registered at d and its functions kept in s. Before the first invocation,
// serve RuntimeHandler and call SetRuntimeAddr.
func New(d *dispatch.Dispatcher, s *store.Store, o Options) (*Service, error) {
	functions, err := store.NewTable[function](s, "lambda/functions")
	if err != nil {
		return nil, fmt.Errorf("opening the functions: %w", err)
	}
	processes := o.Processes
	if processes <= 0 {
		processes = 8 * runtime.NumCPU()
	}
	svc := &Service{d: d, store: s, dir: o.Dir, functions: functions, starter: newStarter()}
	svc.pool = newPool(svc, processes)
	svc.async = newAsync(svc)
	if err := svc.async.load(); err != nil {
		return nil, err
	}
	s.OnSave(svc.async.save)
	svc.register()
	return svc, nil
}

// SetRuntimeAddr sets where RuntimeHandler is served, such as 127.0.0.1:40123.
func (s *Service) SetRuntimeAddr(addr string) {
	s.mu.Lock()
	s.runtimeAddr = addr
	s.mu.Unlock()
	s.async.resume()
}

// SetEndpoint sets the URL of the embedded AWS that functions get as AWS_ENDPOINT_URL.
func (s *Service) SetEndpoint(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoint = url
}

func (s *Service) addresses() (runtimeAddr, endpoint string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.runtimeAddr, s.endpoint
}

func (s *Service) arn(name string) string { return s.d.ARN("lambda", "function:"+name) }

// split returns the name and the qualifier of a function that is given by name, partial ARN or ARN.
func split(function string) (name, qualifier string) {
	parts := strings.Split(function, ":")
	for i, p := range parts {
		if p == "function" && i+1 < len(parts) {
			parts = parts[i+1:]
			break
		}
	}
	if len(parts) > 1 {
		qualifier = parts[1]
	}
	return parts[0], qualifier
}

// find returns a function's record.
func (s *Service) find(name, qualifier string) (function, error) {
	plain, inName := split(name)
	if qualifier == "" {
		qualifier = inName
	}
	f, ok := s.functions.Get(plain)
	if strings.HasPrefix(name, "arn:") && !strings.HasPrefix(name, s.arn(plain)) {
		ok = false
	}
	if !ok || qualifier != "" && qualifier != "$LATEST" {
		arn := s.arn(plain)
		if qualifier != "" {
			arn += ":" + qualifier
		}
		return f, &dispatch.Error{Code: "ResourceNotFoundException", Status: 404, Message: "Function not found: " + arn, Fields: map[string]any{"Type": "User"}}
	}
	return f, nil
}

// on is the Permits of an operation on a function, with its policy.
func on[In any](s *Service, name func(*In) string) dispatch.Permits[In] {
	return func(_ *dispatch.Call, in *In) ([]string, []dispatch.ResourcePolicy, error) {
		plain, _ := split(name(in))
		arn := s.arn(plain)
		f, ok := s.functions.Get(plain)
		if !ok || f.Document == "" {
			return []string{arn}, nil, nil
		}
		return []string{arn}, []dispatch.ResourcePolicy{{Resource: arn, Document: f.Document}}, nil
	}
}

func (s *Service) register() {
	d := s.d
	op := func(action, method, path string, status int) dispatch.Operation {
		return dispatch.Operation{Service: "lambda", Action: action, HTTP: &dispatch.HTTPBinding{Method: method, Path: path, Status: status}}
	}
	const base, one = "/2015-03-31/functions", "/2015-03-31/functions/{FunctionName}"
	qualified := func(o dispatch.Operation) dispatch.Operation {
		o.HTTP.Query = map[string]string{"Qualifier": "Qualifier"}
		return o
	}
	byName := on(s, func(in *FunctionInput) string { return in.FunctionName })
	dispatch.Register(d, op("CreateFunction", "POST", base, 201), on(s, func(in *CreateFunctionInput) string { return in.FunctionName }), s.create)
	dispatch.Register(d, qualified(op("GetFunction", "GET", one, 200)), byName, s.get)
	dispatch.Register(d, qualified(op("GetFunctionConfiguration", "GET", one+"/configuration", 200)), byName, s.configuration)
	dispatch.Register(d, op("UpdateFunctionConfiguration", "PUT", one+"/configuration", 200), on(s, func(in *UpdateFunctionConfigurationInput) string { return in.FunctionName }), s.updateConfiguration)
	dispatch.Register(d, op("UpdateFunctionCode", "PUT", one+"/code", 200), on(s, func(in *UpdateFunctionCodeInput) string { return in.FunctionName }), s.updateCode)
	dispatch.Register(d, qualified(op("DeleteFunction", "DELETE", one, 204)), byName, s.delete)
	list := op("ListFunctions", "GET", base, 200)
	list.HTTP.Query = map[string]string{"Marker": "Marker", "MaxItems": "MaxItems"}
	dispatch.Register(d, list, dispatch.Anywhere[ListFunctionsInput](), s.list)
	versions := op("ListVersionsByFunction", "GET", one+"/versions", 200)
	versions.HTTP.Query = list.HTTP.Query
	dispatch.Register(d, versions, on(s, func(in *ListVersionsByFunctionInput) string { return in.FunctionName }), s.versions)

	invoke := op("Invoke", "POST", one+"/invocations", 200)
	invoke.Permission = "lambda:InvokeFunction"
	invoke.HTTP.Query = map[string]string{"Qualifier": "Qualifier"}
	invoke.HTTP.Headers = map[string]string{"X-Amz-Invocation-Type": "InvocationType", "X-Amz-Log-Type": "LogType", "X-Amz-Client-Context": "ClientContext",
		"X-Amz-Function-Error": "FunctionError", "X-Amz-Log-Result": "LogResult", "X-Amz-Executed-Version": "ExecutedVersion"}
	invoke.HTTP.Payload = "Payload"
	dispatch.Register(d, invoke, on(s, func(in *InvokeInput) string { return in.FunctionName }), s.invoke)

	dispatch.Register(d, op("PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", 200), on(s, func(in *PutFunctionConcurrencyInput) string { return in.FunctionName }), s.putConcurrency)
	dispatch.Register(d, op("GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", 200), byName, s.getConcurrency)
	dispatch.Register(d, op("DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", 204), byName, s.deleteConcurrency)

	dispatch.Register(d, qualified(op("AddPermission", "POST", one+"/policy", 201)), on(s, func(in *AddPermissionInput) string { return in.FunctionName }), s.addPermission)
	remove := op("RemovePermission", "DELETE", one+"/policy/{StatementId}", 204)
	remove.HTTP.Query = map[string]string{"Qualifier": "Qualifier", "RevisionId": "RevisionId"}
	dispatch.Register(d, remove, on(s, func(in *RemovePermissionInput) string { return in.FunctionName }), s.removePermission)
	dispatch.Register(d, qualified(op("GetPolicy", "GET", one+"/policy", 200)), byName, s.getPolicy)

	dispatch.Register(d, op("TagResource", "POST", "/2017-03-31/tags/{Resource}", 204), on(s, func(in *TagResourceInput) string { return in.Resource }), s.tag)
	untag := op("UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", 204)
	untag.HTTP.Query = map[string]string{"tagKeys": "TagKeys"}
	dispatch.Register(d, untag, on(s, func(in *UntagResourceInput) string { return in.Resource }), s.untag)
	dispatch.Register(d, op("ListTags", "GET", "/2017-03-31/tags/{Resource}", 200), on(s, func(in *ListTagsInput) string { return in.Resource }), s.listTags)
	dispatch.Register(d, op("GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", 200), byName, s.codeSigning)
}

// Close ends the service: it waits until ctx ends for the invocations that are under way, ends every process, and has
// written their logs when it returns.
func (s *Service) Close(ctx context.Context) error {
	s.async.stop()
	err := s.pool.close(ctx)
	s.starter.stop()
	return err
}

func (s *Service) codeSigning(_ context.Context, _ *dispatch.Call, in *FunctionInput) (*GetFunctionCodeSigningConfigOutput, error) {
	f, err := s.find(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &GetFunctionCodeSigningConfigOutput{FunctionName: f.Config.FunctionName}, nil
}

// update puts a copy of a function's record that f has changed.
func (s *Service) update(name, qualifier string, f func(*function) error) error {
	s.change.Lock()
	defer s.change.Unlock()
	row, err := s.find(name, qualifier)
	if err != nil {
		return err
	}
	if err := f(&row); err != nil {
		return err
	}
	return s.functions.Put(row.Config.FunctionName, row)
}

func (s *Service) changeTags(arn string, f func(map[string]string)) (*Empty, error) {
	return &Empty{}, s.update(arn, "", func(row *function) error {
		tags := maps.Clone(row.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		f(tags)
		row.Tags = tags
		return checkTags(tags)
	})
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	return s.changeTags(in.Resource, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return s.changeTags(in.Resource, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsInput) (*ListTagsOutput, error) {
	f, err := s.find(in.Resource, "")
	if err != nil {
		return nil, err
	}
	if f.Tags == nil {
		f.Tags = map[string]string{}
	}
	return &ListTagsOutput{Tags: f.Tags}, nil
}
