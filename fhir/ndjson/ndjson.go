// Package ndjson puts many FHIR resources, one on each line of a file, into a data store.
package ndjson

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"sync"

	"github.com/carepath/carepath/fhir"
)

// Client is what a data store's client has that loading needs: [fhir.Client] is one.
type Client interface {
	Update(ctx context.Context, resourceType, id string, body []byte, condition fhir.Condition) (fhir.Resource, error)
}

// Options say how resources are loaded.
type Options struct {
	// Parallel is how many requests are made at a time; 0: DefaultParallel.
	Parallel int
	// FromLine is the first line that is loaded; 0 and 1: all are.
	FromLine int
	// Stop ends at the first line that fails; else the others are loaded.
	Stop bool
	// Failed is told of each line that was not loaded; nil: nobody. It is not called twice at a time.
	Failed func(Failure)
	// Progress is told after each line how far it is; nil: nobody. It is not called twice at a time.
	Progress func(Report)
}

// DefaultParallel keeps a data store busy without the throttling that a new one answers more with.
const DefaultParallel = 16

// Report says how far it is.
type Report struct {
	Created int // resources that were not there
	Updated int // resources that have another version now
	Failed  int // lines that were not loaded, of which Options.Failed was told
	// Next is the first line that has neither been loaded nor failed: where to go on from. Lines after it may have been loaded.
	Next int
}

// Failure is a line that was not loaded.
type Failure struct {
	Line         int
	ResourceType string // "" if the line is no resource
	// Err says why, without content of the resource. [fhir.Error] may be in its chain.
	Err error
}

// Load loads resources that stand on a line each, and puts each under its own id: what is loaded again is another version of
// the same resource. Lines of one resource are loaded in their order. A few lines at a time are in memory.
//
// What is wrong with a line is not an error: Failed is told. An error ended it: the source cannot be read, the data store cannot
// be reached or refuses the caller, the context is done, or a line failed and Stop is set. What is under way then is finished,
// unless the context is done.
func Load(ctx context.Context, source io.Reader, client Client, o Options) (Report, error) {
	if o.Parallel <= 0 {
		o.Parallel = DefaultParallel
	}
	going, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l := &loader{client: client, o: o, going: going, stop: stop, pending: map[int]bool{}}
	l.report.Next = max(o.FromLine, 1)
	queues := make([]chan resource, o.Parallel)
	var workers sync.WaitGroup
	for i := range queues {
		queues[i] = make(chan resource, 1)
		workers.Go(func() {
			for r := range queues[i] {
				l.load(ctx, r)
			}
		})
	}
	lines := newLineReader(source)
	readErr := l.read(lines, queues)
	for _, q := range queues {
		close(q)
	}
	workers.Wait()
	if readErr != nil {
		return l.report, fmt.Errorf("reading line %d: %w", lines.number+1, readErr)
	}
	return l.report, context.Cause(going)
}

// resource is a line on its way.
type resource struct {
	line     int
	typ, id  string
	document []byte
}

type loader struct {
	client Client
	o      Options
	going  context.Context // done: nothing new is begun
	stop   context.CancelCauseFunc

	mu      sync.Mutex
	begun   int          // all lines before it were read
	pending map[int]bool // those of them that have not ended
	report  Report
}

// read gives each line to the worker of its resource.
func (l *loader) read(lines *lineReader, queues []chan resource) error {
	for l.going.Err() == nil {
		text, err := lines.next()
		if errors.Is(err, io.EOF) {
			l.pass(lines.number + 1)
			return nil
		}
		if err != nil && !errors.Is(err, errLong) {
			return err
		}
		if lines.number < l.o.FromLine {
			continue
		}
		if len(text) == 0 && err == nil {
			l.pass(lines.number + 1)
			continue
		}
		r := resource{line: lines.number, document: text}
		l.begin(r.line)
		if err == nil {
			err = r.head()
		}
		if err != nil {
			l.end(r, fhir.Resource{}, err)
			continue
		}
		select {
		case queues[r.queue(len(queues))] <- r:
		case <-l.going.Done():
		}
	}
	return nil
}

// head reads what the resource is.
func (r *resource) head() error {
	head, err := fhir.ParseHead(r.document)
	if err != nil {
		return err
	}
	r.typ, r.id = head.ResourceType, head.ID
	switch _, proper := fhir.ParseReference(r.typ + "/" + r.id); {
	case r.id == "":
		return errors.New("the resource has no id to put it under")
	case !proper:
		return errors.New("the resource's type or id is not one of FHIR")
	}
	return nil
}

// queue is always the same for a resource.
func (r *resource) queue(of int) int {
	h := fnv.New32a()
	_, _ = io.WriteString(h, r.typ+"/"+r.id) // a hash takes everything
	return int(h.Sum32() % uint32(of))
}

func (l *loader) load(ctx context.Context, r resource) {
	if l.going.Err() != nil {
		return
	}
	made, err := l.client.Update(ctx, r.typ, r.id, r.document, fhir.Condition{})
	if err != nil && ctx.Err() != nil {
		return // nobody knows whether it was written
	}
	if err != nil && hopeless(err) {
		l.stop(err)
		return
	}
	l.end(r, made, err)
}

// hopeless says that what stands in the way of one resource stands in the way of all.
func hopeless(err error) bool {
	status := fhir.Status(err)
	var refused *fhir.Error
	return !errors.As(err, &refused) || status == http.StatusUnauthorized || status == http.StatusForbidden
}

func (l *loader) begin(line int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = line + 1
	l.pending[line] = true
}

// pass goes on to a line where there is nothing to load before it.
func (l *loader) pass(line int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = line
	l.advance()
}

func (l *loader) advance() {
	l.report.Next = l.begun
	for line := range l.pending {
		l.report.Next = min(l.report.Next, line)
	}
}

func (l *loader) end(r resource, made fhir.Resource, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pending, r.line)
	l.advance()
	switch {
	case err != nil:
		l.report.Failed++
		if l.o.Failed != nil {
			l.o.Failed(Failure{Line: r.line, ResourceType: r.typ, Err: err})
		}
		if l.o.Stop {
			l.stop(fmt.Errorf("line %d: %w", r.line, err))
		}
	case made.Created:
		l.report.Created++
	default:
		l.report.Updated++
	}
	if l.o.Progress != nil {
		l.o.Progress(l.report)
	}
}
