package lambda

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/logs"
)

const (
	flushLines = 100
	flushBytes = 512 << 10 // half of what PutLogEvents takes
	flushTime  = 200 * time.Millisecond
	maxLine    = 256 << 10
	maxTail    = 4 << 10
)

// journal brings the output of a process to its log stream, with the function's role. Lambda's own lines go through the
// same pipe, so that they stand where they belong among the process's: each is a NUL byte, a letter for its kind, and
// the text.
type journal struct {
	d             *dispatch.Dispatcher
	role          dispatch.Principal
	group, stream string
	in, out       *os.File // the two ends of the pipe
	read          chan struct{}

	following sync.Mutex
	followed  *invocation // whose lines are wanted, by LogType Tail

	mu      sync.Mutex
	lines   []logs.InputLogEvent
	bytes   int
	timer   clock.Timer
	writing sync.Mutex // held while a batch is written, so that batches stay in order
	stands  bool       // the stream was created
	refused bool       // the role may not write: as in AWS nobody is told
}

func newJournal(d *dispatch.Dispatcher, role dispatch.Principal, c *FunctionConfiguration, stream string) (*journal, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the pipe for the log of %s: %w", c.FunctionName, err)
	}
	j := &journal{d: d, role: role, group: c.LoggingConfig.LogGroup, stream: stream, in: in, out: out, read: make(chan struct{})}
	go j.copy()
	return j, nil
}

// platform writes a line of Lambda's own; an empty text only marks its place.
func (j *journal) platform(kind byte, text string) {
	line := make([]byte, 0, len(text)+3)
	line = append(line, 0, kind)
	line = append(line, text...)
	if _, err := j.in.Write(append(line, '\n')); err != nil && !errors.Is(err, os.ErrClosed) {
		j.d.Logf("lambda: writing to the log of a process: %v", err)
	}
}

// follow keeps the last lines of the invocation for its answer.
func (j *journal) follow(inv *invocation) {
	j.following.Lock()
	defer j.following.Unlock()
	j.followed = inv
}

// copy reads the pipe until its last writer has closed it.
func (j *journal) copy() {
	defer close(j.read)
	r := bufio.NewReaderSize(j.out, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			j.take(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				j.d.Logf("lambda: reading the log of a process: %v", err)
			}
			return
		}
	}
}

func (j *journal) take(line []byte) {
	kind := byte(0)
	if i := bytes.IndexByte(line, 0); i >= 0 && i+1 < len(line) {
		if i > 0 {
			j.add(line[:i], 0)
		}
		kind, line = line[i+1], line[i+2:]
	}
	j.add(line, kind)
}

func (j *journal) add(line []byte, kind byte) {
	text := string(line)
	if text != "\n" && text != "" {
		j.keep(text)
	}
	j.following.Lock()
	defer j.following.Unlock()
	inv := j.followed
	if inv == nil {
		return
	}
	if kind == 'S' {
		inv.lines = inv.lines[:0]
	}
	inv.lines = append(inv.lines, line...)
	if len(inv.lines) > maxTail {
		inv.lines = inv.lines[len(inv.lines)-maxTail:]
	}
	if kind == 'R' {
		close(inv.logged)
		j.followed = nil
	}
}

func (j *journal) keep(text string) {
	j.mu.Lock()
	j.lines = append(j.lines, logs.InputLogEvent{Timestamp: j.d.Clock.Now().UnixMilli(), Message: text})
	j.bytes += len(text)
	full := len(j.lines) >= flushLines || j.bytes >= flushBytes
	if !full && j.timer == nil {
		j.timer = j.d.Clock.AfterFunc(flushTime, j.flush)
	}
	j.mu.Unlock()
	if full {
		j.flush()
	}
}

// flush writes what has been read so far.
func (j *journal) flush() {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	lines := j.lines
	j.lines, j.bytes = nil, 0
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
	j.mu.Unlock()
	if len(lines) == 0 || j.refused {
		return
	}
	for i := 1; i < len(lines); i++ { // the clock may have been set back
		lines[i].Timestamp = max(lines[i].Timestamp, lines[i-1].Timestamp)
	}
	ctx := context.Background() // the lines are written whoever gives up
	if !j.stands && !j.create(ctx) {
		j.refused = true
		return
	}
	in := &logs.PutLogEventsInput{LogGroupName: j.group, LogStreamName: j.stream, LogEvents: lines}
	_, err := j.d.Do(ctx, j.role, "logs", "PutLogEvents", in)
	if err != nil && dispatch.AsError(err).Code == "ResourceNotFoundException" && j.create(ctx) {
		_, err = j.d.Do(ctx, j.role, "logs", "PutLogEvents", in) // group or stream was deleted
	}
	if err != nil && dispatch.AsError(err).Code != "AccessDeniedException" {
		j.d.Logf("lambda: writing to log group %s: %s", j.group, dispatch.AsError(err).Code)
	}
}

// create makes the log stream, and the log group if there is none, as far as the role may.
func (j *journal) create(ctx context.Context) bool {
	in := &logs.StreamInput{LogGroupName: j.group, LogStreamName: j.stream}
	_, err := j.d.Do(ctx, j.role, "logs", "CreateLogStream", in)
	if err != nil && dispatch.AsError(err).Code == "ResourceNotFoundException" {
		if _, err = j.d.Do(ctx, j.role, "logs", "CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: j.group}); err == nil || dispatch.AsError(err).Code == "ResourceAlreadyExistsException" {
			_, err = j.d.Do(ctx, j.role, "logs", "CreateLogStream", in)
		}
	}
	j.stands = err == nil || dispatch.AsError(err).Code == "ResourceAlreadyExistsException"
	return j.stands
}

// close writes what is left. The process and what it started have ended.
func (j *journal) close() {
	j.in.Close() // of our copy of the write end; nothing is buffered
	<-j.read
	j.out.Close()
	j.flush()
}
