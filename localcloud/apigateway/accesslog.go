package apigateway

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/logs"
)

// accessLog is where a stage logs its requests, and in what form.
type accessLog struct {
	to     *logStream
	format *substitution
}

func newAccessLog(settings *AccessLogSettings, stream string) *accessLog {
	parts := accessLogDestination.FindStringSubmatch(settings.DestinationArn)
	return &accessLog{to: &logStream{group: parts[1], name: stream}, format: compileSubstitution(settings.Format)}
}

// logStream is a stage's stream in CloudWatch Logs. The plans of a stage share it for as long as its destination is the same.
type logStream struct {
	group, name string

	made  bool // it exists; guarded by accessLogs.writing
	ended bool // its stage does not log here any more; guarded by accessLogs.mu
	told  bool // that entries came all the same; guarded by accessLogs.mu
}

// How long entries are held back, and how many: beyond it the oldest batch is written at once.
const (
	logDelay = time.Second
	logBatch = 1000
)

// accessLogs gathers the entries of all stages and writes them in batches. As on AWS, an entry that cannot be written is lost:
// nobody hears of it but the embedded AWS's own log.
type accessLogs struct {
	s *Service

	mu      sync.Mutex
	pending map[*logStream][]logs.InputLogEvent
	timer   bool       // a flush is due
	writing sync.Mutex // keeps batches in order
}

func newAccessLogs(s *Service) *accessLogs {
	return &accessLogs{s: s, pending: map[*logStream][]logs.InputLogEvent{}}
}

// add notes a request that has been answered. The entry of one that ends after its stage is dropped: what would write it may be
// gone too.
func (l *accessLogs) add(log *accessLog, x *exchange) {
	line := log.format.append(make([]byte, 0, 256), x, "-")
	event, to := logs.InputLogEvent{Timestamp: x.start.UnixMilli(), Message: string(line)}, log.to
	l.mu.Lock()
	defer l.mu.Unlock()
	if to.ended {
		if !to.told {
			l.s.d.Logf("API Gateway drops access log entries for %s: the requests ended when their stage did not log there any more", to.group)
		}
		to.told = true
		return
	}
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
	l.s.d.Clock.AfterFunc(delay, func() { l.flush(context.Background()) })
}

// end writes what a stage holds back, before the stage, or its access log, goes.
func (l *accessLogs) end(ctx context.Context, to *logStream) {
	l.mu.Lock()
	to.ended = true
	l.mu.Unlock()
	l.flush(ctx)
}

// flush writes what is pending with the account's role.
func (l *accessLogs) flush(ctx context.Context) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	pending := l.pending
	l.pending = map[*logStream][]logs.InputLogEvent{}
	l.timer = false
	l.mu.Unlock()
	for to, events := range pending {
		if err := l.write(ctx, to, events); err != nil {
			l.s.d.Logf("API Gateway drops %d access log entries for %s: %v", len(events), to.group, err)
		}
	}
}

// write writes entries. The caller holds l.writing.
func (l *accessLogs) write(ctx context.Context, to *logStream, events []logs.InputLogEvent) error {
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
		in := &logs.PutLogEventsInput{LogGroupName: to.group, LogStreamName: to.name, LogEvents: events[:n]}
		if _, err := l.s.d.Do(ctx, p, "logs", "PutLogEvents", in); err != nil {
			to.made = false
			return err
		}
		events = events[n:]
	}
	return nil
}

func (l *accessLogs) makeStream(ctx context.Context, p dispatch.Principal, to *logStream) error {
	if to.made {
		return nil
	}
	_, err := l.s.d.Do(ctx, p, "logs", "CreateLogStream", &logs.StreamInput{LogGroupName: to.group, LogStreamName: to.name})
	if err != nil && dispatch.AsError(err).Code != "ResourceAlreadyExistsException" {
		return err
	}
	to.made = true
	return nil
}
