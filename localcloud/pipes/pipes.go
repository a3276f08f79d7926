// Package pipes is Amazon EventBridge Pipes in the embedded AWS: pipes from SQS queues, with filters and input templates, to
// state machines (StartSyncExecution on Express ones, StartExecution on both kinds) and to queues.
//
// A pipe acts as its role, which must trust pipes.amazonaws.com; aws:SourceArn is the pipe's ARN. Creating or starting a pipe
// tries whether that role may read the queue, delete from it, ask for its attributes and call the target; if not, the pipe ends
// in CREATE_FAILED or START_FAILED, as on AWS, and does nothing.
//
// A batch ends with BatchSize messages, after MaximumBatchingWindowInSeconds from its first message on, or when its records reach
// the 262,144 bytes that a state machine takes. Five batches at most are with the target at a time, as many as AWS begins with;
// AWS goes higher under load. Messages whose batch succeeded are deleted; those of a batch that failed stay hidden until their
// visibility timeout, unless a synchronous execution's output names the ones to repeat in batchItemFailures.
//
// A pipe with nothing to do waits at its queue without polls, so that it keeps neither a driven clock nor the journal busy; AWS
// polls all the time and charges the queue's owner for it. What a pipe has received is nowhere but in the queue: after kill -9
// it comes again.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes.html
package pipes

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// principalName is the service as it assumes roles and is passed them.
const principalName = "pipes.amazonaws.com"

// pipe is a pipe as the store keeps it. It is never changed once it is stored, only replaced.
type pipe struct {
	Name, Source      string
	SourceParameters  *SourceParameters
	Settings          Settings
	State, Reason     string // current
	Created, Modified time.Time
	Tags              map[string]string
}

// Service is the emulated EventBridge Pipes. Make it with New, Start it once every service is there, and Close it.
type Service struct {
	d     *dispatch.Dispatcher
	pipes *store.Table[pipe] // by name

	ctx    context.Context // of the calls to targets
	cancel context.CancelFunc
	work   sync.WaitGroup

	change sync.Mutex // held while a pipe is changed, with the calls that this takes

	mu      sync.Mutex
	open    bool // between Start and Close
	runners map[string]context.CancelFunc
}

// New returns the service with its operations registered at d and its pipes kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d, runners: map[string]context.CancelFunc{}}
	var err error
	if svc.pipes, err = store.NewTable[pipe](s, "pipes/pipes"); err != nil {
		return nil, fmt.Errorf("opening the pipes: %w", err)
	}
	svc.ctx, svc.cancel = context.WithCancel(context.Background())
	svc.register()
	return svc, nil
}

// Start lets the pipes run that are to.
func (s *Service) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = true
	for _, p := range s.pipes.All() {
		s.adjust(p)
	}
}

// Close ends every pipe and breaks off the calls under way, whose messages come again after the next Start. The error is ctx's.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.open = false
	for name := range s.runners {
		s.halt(name)
	}
	s.mu.Unlock()
	s.cancel()
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for pipes: %w", ctx.Err())
	}
}

// adjust ends what runs of a pipe and lets it run as it is now. The caller holds the lock.
func (s *Service) adjust(p pipe) {
	s.halt(p.Name)
	if !s.open || p.State != running {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.runners[p.Name] = cancel
	s.work.Go(func() { s.run(ctx, &p) })
}

// halt ends the reading of a pipe; batches under way go on. The caller holds the lock.
func (s *Service) halt(name string) {
	if cancel := s.runners[name]; cancel != nil {
		cancel()
		delete(s.runners, name)
	}
}

func (s *Service) now() time.Time { return s.d.Clock.Now().UTC().Truncate(time.Millisecond) }

func (s *Service) arn(name string) string { return s.d.ARN("pipes", "pipe/"+name) }

func on[In any](f func(in *In) string) dispatch.Permits[In] {
	return dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{f(in)} })
}

func (s *Service) register() {
	op := func(action, method, path string, query ...string) dispatch.Operation {
		b := &dispatch.HTTPBinding{Method: method, Path: path, Query: map[string]string{}}
		for i := 0; i < len(query); i += 2 {
			b.Query[query[i]] = query[i+1]
		}
		return dispatch.Operation{Service: "pipes", Action: action, HTTP: b}
	}
	const one, tags = "/v1/pipes/{Name}", "/tags/{resourceArn}"
	named := on(func(in *NameInput) string { return s.arn(in.Name) })
	dispatch.Register(s.d, op("CreatePipe", "POST", one), on(func(in *CreatePipeInput) string { return s.arn(in.Name) }), s.createPipe)
	dispatch.Register(s.d, op("UpdatePipe", "PUT", one), on(func(in *UpdatePipeInput) string { return s.arn(in.Name) }), s.updatePipe)
	dispatch.Register(s.d, op("DescribePipe", "GET", one), named, s.describePipe)
	dispatch.Register(s.d, op("DeletePipe", "DELETE", one), named, s.deletePipe)
	dispatch.Register(s.d, op("StartPipe", "POST", one+"/start"), named, s.startPipe)
	dispatch.Register(s.d, op("StopPipe", "POST", one+"/stop"), named, s.stopPipe)
	dispatch.Register(s.d, op("ListPipes", "GET", "/v1/pipes", "NamePrefix", "NamePrefix", "SourcePrefix", "SourcePrefix", "TargetPrefix", "TargetPrefix",
		"DesiredState", "DesiredState", "CurrentState", "CurrentState", "Limit", "Limit", "NextToken", "NextToken"), dispatch.Anywhere[ListPipesInput](), s.listPipes)
	dispatch.Register(s.d, op("TagResource", "POST", tags), on(func(in *TagResourceInput) string { return in.ResourceArn }), s.tag)
	dispatch.Register(s.d, op("UntagResource", "DELETE", tags, "tagKeys", "tagKeys"), on(func(in *UntagResourceInput) string { return in.ResourceArn }), s.untag)
	dispatch.Register(s.d, op("ListTagsForResource", "GET", tags), on(func(in *ResourceInput) string { return in.ResourceArn }), s.listTags)
}
