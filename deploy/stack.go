package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// Stack is one deployment of Carepath. Open makes it ready for operations.
type Stack struct {
	project  *Project
	name     string
	stack    auto.Stack
	observer Observer
}

// Options say which stack is opened and how.
type Options struct {
	Stack    string
	Observer Observer
	// ServeArgs are the arguments with which this program serves the embedded AWS; for the local stack only.
	ServeArgs []string
}

// Open finds the Pulumi CLI, for the local stack starts the embedded AWS, and selects the stack, making it where it does
// not exist yet.
func (p *Project) Open(ctx context.Context, o Options) (*Stack, error) {
	if _, err := os.Stat(filepath.Join(p.Root, "Pulumi."+o.Stack+".yaml")); err != nil {
		names, _ := p.Stacks() // an unreadable folder only shortens the hint
		return nil, &Error{Code: CodeUsage, Message: fmt.Sprintf("there is no stack %q: Pulumi.%s.yaml does not exist", o.Stack, o.Stack),
			Hint: "the stacks are: " + strings.Join(names, ", ")}
	}
	cli, err := p.PulumiCLI(ctx, o.Observer.report)
	if err != nil {
		return nil, err
	}
	environment := map[string]string{"PULUMI_SKIP_UPDATE_CHECK": "true"}
	if o.Stack == LocalStack {
		status, err := p.StartLocal(ctx, o.ServeArgs)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Join(p.Home, "pulumi"), 0o700); err != nil {
			return nil, fmt.Errorf("making the folder of the local stack's state: %w", err)
		}
		for _, v := range append(p.PulumiEnvironment(status.ProviderPort), p.AWSEnvironment()...) {
			environment[v.Name] = v.Value
		}
		environment["PULUMI_HOME"] = filepath.Join(p.Home, "pulumi-home")
	}
	stack, err := auto.UpsertStackInlineSource(ctx, o.Stack, "carepath", platform.Deploy,
		auto.WorkDir(p.Root), auto.Pulumi(cli), auto.EnvVars(environment))
	if err != nil {
		return nil, failure(ctx, "selecting the stack "+o.Stack, err)
	}
	return &Stack{project: p, name: o.Stack, stack: stack, observer: o.Observer}, nil
}

// run makes the channel for engine events, follows it while operate works, and completes the result.
func (s *Stack) run(ctx context.Context, doing string, operate func(chan<- events.EngineEvent) error) (*Result, error) {
	start := time.Now()
	result := &Result{Stack: s.name, Changes: []Change{}, Counts: map[string]int{}}
	ch := make(chan events.EngineEvent, 64)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		result.follow(ch, s.observer)
	}()
	err := operate(ch)
	if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		err = failure(ctx, doing, err)
	}
	select {
	case <-followed: // the Automation API closes the channel when the engine has ended
	case <-time.After(2 * time.Second): // it never began
	}
	result.Seconds = time.Since(start).Seconds()
	if ctx.Err() != nil {
		err = &Error{Code: CodeCancelled, Message: doing + " was cancelled", Hint: "run it again to converge", Err: ctx.Err()}
	}
	return result, err
}

// Up deploys the stack.
func (s *Stack) Up(ctx context.Context) (*Result, error) {
	var outputs map[string]any
	result, err := s.run(ctx, "deploying the stack "+s.name, func(ch chan<- events.EngineEvent) error {
		up, err := s.stack.Up(ctx, optup.EventStreams(ch), optup.SuppressProgress())
		outputs = plain(up.Outputs)
		return err
	})
	result.Outputs = outputs
	return result, err
}

// Preview says what Up would do.
func (s *Stack) Preview(ctx context.Context) (*Result, error) {
	return s.run(ctx, "previewing the stack "+s.name, func(ch chan<- events.EngineEvent) error {
		_, err := s.stack.Preview(ctx, optpreview.EventStreams(ch), optpreview.SuppressProgress())
		return err
	})
}

// Refresh brings the stack's state up to date with what is deployed.
func (s *Stack) Refresh(ctx context.Context) (*Result, error) {
	return s.run(ctx, "refreshing the stack "+s.name, func(ch chan<- events.EngineEvent) error {
		_, err := s.stack.Refresh(ctx, optrefresh.EventStreams(ch), optrefresh.SuppressProgress())
		return err
	})
}

// Destroy deletes the stack's resources. Of the local stack it leaves nothing on the machine.
func (s *Stack) Destroy(ctx context.Context) (*Result, error) {
	result, err := s.run(ctx, "destroying the stack "+s.name, func(ch chan<- events.EngineEvent) error {
		_, err := s.stack.Destroy(ctx, optdestroy.EventStreams(ch), optdestroy.SuppressProgress())
		return err
	})
	if err == nil && s.name == LocalStack {
		err = s.project.ResetLocal(ctx)
	}
	return result, err
}

// Outputs returns the stack's outputs as plain values; secrets stay hidden.
func (s *Stack) Outputs(ctx context.Context) (map[string]any, error) {
	outputs, err := s.stack.Outputs(ctx)
	if err != nil {
		return nil, failure(ctx, "reading the outputs of the stack "+s.name, err)
	}
	return plain(outputs), nil
}

func plain(outputs auto.OutputMap) map[string]any {
	values := make(map[string]any, len(outputs))
	for name, o := range outputs {
		if o.Secret {
			values[name] = "[secret]"
			continue
		}
		values[name] = o.Value
	}
	return values
}

func failure(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return &Error{Code: CodeCancelled, Message: doing + " was cancelled", Err: err}
	}
	if auto.IsConcurrentUpdateError(err) || strings.Contains(err.Error(), "the stack is currently locked") {
		return &Error{Code: CodeConcurrent, Message: doing + " failed: another operation holds the stack's lock",
			Hint: "wait for it; if its process is gone, `pulumi cancel` releases the lock", Err: err}
	}
	return &Error{Code: CodeFailed, Message: doing + " failed:\n" + engineMessage(err), Err: err}
}
