package stepfunctions

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/logs"
)

// Execution logs reach CloudWatch Logs as on AWS: through the log delivery service, which a policy of the account's
// CloudWatch Logs lets in. Creating a state machine installs that policy with the machine's own role.
const (
	deliveryService = "delivery.logs.amazonaws.com"
	deliveryPolicy  = "AWSLogDeliveryWrite20150319"

	logDelay      = time.Second // between an event and its delivery
	logBatch      = 500         // events that are delivered without delay
	logBatchBytes = 512 << 10   // PutLogEvents takes 1 MB
	logBacklog    = 20_000      // events of one state machine beyond which new ones are lost
)

// logWriter delivers execution logs in batches.
type logWriter struct {
	s  *Service
	mu sync.Mutex
	to map[string]*logDestination // by state machine and group
}

// logDestination is one state machine's log stream.
type logDestination struct {
	group, stream string
	mu            sync.Mutex
	rev           *revision // whose events were added last
	opened        []byte    // the revision's log key that the log delivery could open
	created       bool
	delivering    bool
	scheduled     bool
	waiting       []logs.InputLogEvent
	bytes         int
	lost          int
}

// deliveryContext is the encryption context of the data keys between Step Functions and the log delivery:
// https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html.
func (s *Service) deliveryContext() map[string]string {
	return map[string]string{"SourceArn": s.d.ARN("logs", "*")}
}

func newLogWriter(s *Service) *logWriter {
	return &logWriter{s: s, to: map[string]*logDestination{}}
}

// allowDelivery lets the log delivery service write to the account's log groups, as AWS does with the role of the state
// machine that is being created.
func (w *logWriter) allowDelivery(ctx context.Context, role dispatch.Principal) error {
	document := `{"Version":"2012-10-17","Statement":[{"Sid":"AWSLogDeliveryWrite","Effect":"Allow","Principal":{"Service":"` + deliveryService +
		`"},"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"` + w.s.d.ARN("logs", "log-group:*") + `"}]}`
	_, err := w.s.d.Do(ctx, role, "logs", "PutResourcePolicy", &logs.PutResourcePolicyInput{PolicyName: deliveryPolicy, PolicyDocument: document})
	if err != nil {
		return fmt.Errorf("letting the log delivery write to the log group: %w", err)
	}
	return nil
}

// logged says whether events of a type are logged at a level:
// https://docs.aws.amazon.com/step-functions/latest/dg/cloudwatch-log-level.html.
func logged(level, eventType string) bool {
	switch level {
	case "ALL":
		return true
	case "ERROR":
		return eventType == "FailStateEntered" || strings.HasSuffix(eventType, "Failed") ||
			strings.HasSuffix(eventType, "TimedOut") || strings.HasSuffix(eventType, "Aborted")
	case "FATAL":
		return eventType == "ExecutionFailed" || eventType == "ExecutionTimedOut" || eventType == "ExecutionAborted"
	}
	return false
}

// add takes an event of an execution whose machine logs.
func (w *logWriter) add(e *execution, ev asl.Event) {
	l := e.rev.Logging
	if !logged(l.Level, ev.Type) {
		return
	}
	line := append(make([]byte, 0, 256), `{"id":"`...)
	line = strconv.AppendInt(line, ev.ID, 10)
	line = append(line, `","type":"`...)
	line = append(line, ev.Type...)
	line = append(line, `","details":`...)
	line = jsonvalue.Append(line, details(ev, l.IncludeExecutionData))
	line = append(line, `,"previous_event_id":"`...)
	line = strconv.AppendInt(line, ev.PreviousEventID, 10)
	line = append(line, `","event_timestamp":"`...)
	line = strconv.AppendInt(line, ev.Timestamp.UnixMilli(), 10)
	line = append(line, `","execution_arn":`...)
	line = jsonvalue.AppendString(line, e.arn)
	line = append(line, `,"redrive_count":"0"}`...)
	w.destination(e.rev).put(w, logs.InputLogEvent{Timestamp: ev.Timestamp.UnixMilli(), Message: string(line)})
}

func (w *logWriter) destination(rev *revision) *logDestination {
	group, _ := logGroupName(rev.Logging)
	key := rev.ARN + " " + group
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.to[key]
	if d == nil {
		d = &logDestination{group: group, stream: "states/" + rev.Name + "/" + w.s.now().Format("2006-01-02-15-04") + "/" + dispatch.NewRequestID()[:8]}
		w.to[key] = d
	}
	d.mu.Lock()
	d.rev = rev
	d.mu.Unlock()
	return d
}

func (d *logDestination) put(w *logWriter, event logs.InputLogEvent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) >= logBacklog {
		d.lost++
		return
	}
	d.waiting = append(d.waiting, event)
	d.bytes += len(event.Message) + 26
	switch {
	case d.delivering:
	case len(d.waiting) >= logBatch || d.bytes >= logBatchBytes:
		d.delivering = true
		w.s.pool.direct(func() { w.deliver(d) })
	case !d.scheduled:
		d.scheduled = true
		w.s.d.Clock.AfterFunc(logDelay, func() { w.flush(d) })
	}
}

func (w *logWriter) flush(d *logDestination) {
	d.mu.Lock()
	d.scheduled = false
	begin := !d.delivering && len(d.waiting) > 0
	if begin {
		d.delivering = true
	}
	d.mu.Unlock()
	if begin {
		w.s.pool.direct(func() { w.deliver(d) })
	}
}

// deliver sends what waits until nothing does. Only one goroutine at a time does so for a destination.
func (w *logWriter) deliver(d *logDestination) {
	for {
		d.mu.Lock()
		n, bytes := 0, 0
		for n < len(d.waiting) && n < 10_000 {
			size := len(d.waiting[n].Message) + 26
			if n > 0 && bytes+size > logBatchBytes {
				break
			}
			n, bytes = n+1, bytes+size
		}
		batch := d.waiting[:n:n]
		d.waiting = d.waiting[n:]
		d.bytes -= bytes
		lost, created, rev := d.lost, d.created, d.rev
		d.lost = 0
		if n == 0 {
			d.waiting, d.delivering = nil, false
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		if lost > 0 {
			w.s.d.Logf("states: %d log events for %s came too fast and are lost", lost, d.group)
		}
		err := w.send(d, rev, batch, created)
		if err != nil {
			w.s.d.Logf("states: delivering %d log events to %s: %v", len(batch), d.group, err)
		}
		d.mu.Lock()
		d.created = err == nil
		d.mu.Unlock()
	}
}

func (w *logWriter) send(d *logDestination, rev *revision, batch []logs.InputLogEvent, created bool) error {
	delivery := dispatch.Principal{ARN: deliveryService, Service: deliveryService, SourceARN: w.s.d.ARN("logs", "*")}
	rev.mu.Lock()
	key := rev.logKey
	rev.mu.Unlock()
	if key != nil && !bytes.Equal(key, d.opened) {
		if _, err := w.s.d.Do(w.s.ctx, delivery, "kms", "Decrypt", &kms.DecryptInput{CiphertextBlob: key, EncryptionContext: w.s.deliveryContext()}); err != nil {
			return fmt.Errorf("opening what the state machine's key protects: %w", err)
		}
		d.opened = key
	}
	if !created {
		_, err := w.s.d.Do(w.s.ctx, delivery, "logs", "CreateLogStream", &logs.StreamInput{LogGroupName: d.group, LogStreamName: d.stream})
		if err != nil && dispatch.AsError(err).Code != "ResourceAlreadyExistsException" {
			return err
		}
	}
	_, err := w.s.d.Do(w.s.ctx, delivery, "logs", "PutLogEvents", &logs.PutLogEventsInput{LogGroupName: d.group, LogStreamName: d.stream, LogEvents: batch})
	return err
}

// drain delivers everything that waits, when the service stops.
func (w *logWriter) drain() {
	w.mu.Lock()
	all := make([]*logDestination, 0, len(w.to))
	for _, d := range w.to {
		all = append(all, d)
	}
	w.mu.Unlock()
	for _, d := range all {
		w.deliver(d)
	}
}
