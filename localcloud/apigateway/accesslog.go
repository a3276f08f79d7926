package apigateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/logs"
)

// accessLog is where a stage logs its requests, and in what form.
type accessLog struct {
	group  string
	stream string
	format *substitution
}

func newAccessLog(settings *AccessLogSettings, stream string) *accessLog {
	parts := accessLogDestination.FindStringSubmatch(settings.DestinationArn)
	return &accessLog{group: parts[1], stream: stream, format: compileSubstitution(settings.Format)}
}

// How long entries are held back, and how many: beyond it the oldest batch is written at once.
const (
	logDelay = time.Second
	logBatch = 1000
)

// accessLogs gathers the entries of all stages and writes them in batches.
type accessLogs struct {
	s *Service

	mu      sync.Mutex
	pending map[*accessLog][]logs.InputLogEvent
	made    map[string]bool // streams that exist
	timer   bool            // a flush is due
	writing sync.Mutex      // keeps batches in order
}

func newAccessLogs(s *Service) *accessLogs {
	return &accessLogs{s: s, pending: map[*accessLog][]logs.InputLogEvent{}, made: map[string]bool{}}
}

// add notes a request that has been answered.
func (l *accessLogs) add(to *accessLog, x *exchange) {
	line := to.format.append(make([]byte, 0, 256), x, "-")
	event := logs.InputLogEvent{Timestamp: x.start.UnixMilli(), Message: string(line)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending[to] = append(l.pending[to], event)
	full := len(l.pending[to]) == logBatch
	if l.timer && !full {
		return
	}
	delay := logDelay
	if full {
		delay = 0
	}
	l.timer = true
	l.s.d.Clock.AfterFunc(delay, func() {
		if err := l.flush(context.Background()); err != nil {
			l.s.d.Logf("API Gateway cannot write access logs: %v", err)
		}
	})
}

// flush writes what is pending with the account's role.
func (l *accessLogs) flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	pending := l.pending
	l.pending = map[*accessLog][]logs.InputLogEvent{}
	l.timer = false
	l.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	var problems []error
	for to, events := range pending {
		if err := l.write(ctx, to, events); err != nil {
			problems = append(problems, fmt.Errorf("writing %d entries to %s: %w", len(events), to.group, err))
		}
	}
	return errors.Join(problems...)
}

func (l *accessLogs) write(ctx context.Context, to *accessLog, events []logs.InputLogEvent) error {
	role := l.s.account.Load().CloudwatchRoleArn
	if role == "" {
		return errors.New("the account has no CloudWatch role")
	}
	p, err := l.s.d.Assume(ctx, l.s.principal(""), role, "apigateway-logs")
	if err != nil {
		return err
	}
	if err := l.makeStream(ctx, p, to); err != nil {
		return err
	}
	// They come in the order of their ends, and are to be written in that of their beginnings.
	slices.SortStableFunc(events, func(a, b logs.InputLogEvent) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	for len(events) > 0 {
		n := min(len(events), logBatch)
		in := &logs.PutLogEventsInput{LogGroupName: to.group, LogStreamName: to.stream, LogEvents: events[:n]}
		if _, err := l.s.d.Do(ctx, p, "logs", "PutLogEvents", in); err != nil {
			l.mu.Lock()
			delete(l.made, to.group+":"+to.stream)
			l.mu.Unlock()
			return err
		}
		events = events[n:]
	}
	return nil
}

func (l *accessLogs) makeStream(ctx context.Context, p dispatch.Principal, to *accessLog) error {
	name := to.group + ":" + to.stream
	l.mu.Lock()
	made := l.made[name]
	l.mu.Unlock()
	if made {
		return nil
	}
	_, err := l.s.d.Do(ctx, p, "logs", "CreateLogStream", &logs.StreamInput{LogGroupName: to.group, LogStreamName: to.stream})
	if err != nil && dispatch.AsError(err).Code != "ResourceAlreadyExistsException" {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[name] = true
	return nil
}
