package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// cancelGrace is how long an interrupted engine may take to end what it has begun and to save its state. What it is killed in
// the middle of is lost to the state.
const cancelGrace = 10 * time.Minute

// engine is the Pulumi CLI as the Automation API runs it for one stack. It differs from the Automation API's own in this:
//
//   - It runs in a process group of its own, so that Ctrl-C in a terminal reaches it once, from us. Two interrupts would make it
//     drop what it is in the middle of.
//   - While an Up watches it, its preview and its update run in one process, with the preview's end as the point where the
//     program can still refuse, before anything has changed.
//   - It writes to files and not to pipes, so that it can end what it has begun when this program is killed.
//   - What engine events have told already is not asked for again: each question is a process that takes a quarter of a second.
type engine struct {
	command string
	version semver.Version
	up      *eventServer // not nil: an Up is under way
	// selected reports, without asking the CLI, that the stack exists; nil where only the CLI knows.
	selected func() bool
}

// Version is the CLI's.
func (e *engine) Version() semver.Version { return e.version }

// Run runs a command of the CLI, as auto.PulumiCommand says.
func (e *engine) Run(ctx context.Context, dir string, stdin io.Reader, stdouts, stderrs []io.Writer, environment []string, args ...string) (string, string, int, error) {
	switch {
	case e.selected != nil && slices.Equal(args[:min(2, len(args))], []string{"stack", "select"}) && e.selected():
		return "", "", 0, nil
	case slices.Equal(args[:min(2, len(args))], []string{"stack", "history"}):
		return "[]", "", 0, nil // an operation's result is made of its events
	case e.up != nil && slices.Equal(args[:min(2, len(args))], []string{"stack", "output"}):
		return "{}", "", 0, nil // so are its outputs
	case e.up != nil && args[0] == "up":
		args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--skip-preview" })
		args = append(args, "--event-log=tcp://"+e.up.address)
	}
	stdout, err := newOutput()
	if err != nil {
		return "", "", unknownCode, err
	}
	defer stdout.remove()
	stderr, err := newOutput()
	if err != nil {
		return "", "", unknownCode, err
	}
	defer stderr.remove()
	cmd := exec.CommandContext(ctx, e.command, append([]string{"--non-interactive"}, args...)...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, stdin, stdout.file, stderr.file
	cmd.Env = append(append(os.Environ(), environment...), "PULUMI_AUTOMATION_API=true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = cancelGrace
	err = cmd.Run()
	code := unknownCode
	if exit := (*exec.ExitError)(nil); err == nil || errors.As(err, &exit) {
		code = cmd.ProcessState.ExitCode()
	}
	out, outErr := stdout.text(stdouts)
	problems, problemsErr := stderr.text(stderrs)
	return out, problems, code, errors.Join(err, outErr, problemsErr)
}

// unknownCode is how the Automation API says that a process's exit code is not known.
const unknownCode = -2

// output is a file that the engine writes to. A pipe would kill the engine in the middle of its work if this program is killed: now
// it ends what it has begun, and its state is whole.
type output struct{ file *os.File }

func newOutput() (output, error) {
	file, err := os.CreateTemp("", "carepath-engine-*.txt")
	if err != nil {
		return output{}, fmt.Errorf("making a file for the engine's output: %w", err)
	}
	return output{file}, nil
}

func (o output) text(more []io.Writer) (string, error) {
	text, err := os.ReadFile(o.file.Name())
	for _, w := range more {
		if _, writeErr := w.Write(text); err == nil {
			err = writeErr
		}
	}
	return string(text), err
}

func (o output) remove() {
	_ = o.file.Close()
	_ = os.Remove(o.file.Name()) // it is in the folder for temporary files
}

// eventServer takes the engine's events of an update: first the stream of its preview, then the one of the update itself. The
// engine ends the first before it begins the second.
type eventServer struct {
	pulumirpc.UnimplementedEventsServer
	address string
	server  *grpc.Server
	served  chan error
	streams []chan events.EngineEvent // in the order in which they come
	began   chan int
}

// largestEvent is in bytes: an event holds all of a resource's properties.
const largestEvent = 64 << 20

// listenForEvents serves until close. The streams must be read.
func listenForEvents(ctx context.Context, preview, update chan events.EngineEvent) (*eventServer, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the engine's events: %w", err)
	}
	s := &eventServer{
		address: listener.Addr().String(), server: grpc.NewServer(grpc.MaxRecvMsgSize(largestEvent), grpc.WaitForHandlers(true)), served: make(chan error, 1),
		streams: []chan events.EngineEvent{preview, update}, began: make(chan int, 1),
	}
	s.began <- 0
	pulumirpc.RegisterEventsServer(s.server, s)
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// close ends the streams. It is called when the engine has ended.
func (s *eventServer) close() error {
	s.server.Stop()
	for _, stream := range s.streams[<-s.began:] {
		close(stream) // the engine ended before it began this one
	}
	return <-s.served
}

// StreamEvents is called by the engine, once for its preview and once for its update.
func (s *eventServer) StreamEvents(stream pulumirpc.Events_StreamEventsServer) error {
	n := <-s.began
	s.began <- n + 1
	if n >= len(s.streams) {
		return fmt.Errorf("the engine sends events a %d. time", n+1)
	}
	defer close(s.streams[n])
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&emptypb.Empty{})
		}
		if err != nil {
			return err
		}
		var e apitype.EngineEvent
		if err := json.NewDecoder(strings.NewReader(request.GetEvent())).Decode(&e); err != nil {
			return fmt.Errorf("reading an event of the engine: %w", err)
		}
		s.streams[n] <- events.EngineEvent{EngineEvent: e}
	}
}
