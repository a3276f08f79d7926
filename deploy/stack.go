package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/carepath/carepath/deploy/policies"
	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Stack is one deployment of Carepath. Open makes it ready for operations.
type Stack struct {
	name       string
	production bool
	project    *Project
	engine     *engine
	stack      auto.Stack
	observer   Observer
	policies   *policies.Report // nil: the program is not the platform's, or is not run
	gate       func() error     // called by the program before an update's first change; nil if nothing is in the way
}

// Options say which stack is opened and how.
type Options struct {
	Stack    string
	Observer Observer
	// Program says that the operation runs the program, as Up and Preview do: the stack's configuration is checked before
	// anything is started, and the stack is made where it does not exist yet. Without it a stack that does not exist is an
	// *Error with CodeNotDeployed.
	Program bool
	// Deploys says that the operation is Up: a stack that is against the policies is refused before anything is started.
	Deploys bool
	// ServeArgs are the arguments with which this program serves the embedded AWS; for the local stack only.
	ServeArgs []string

	program pulumi.RunFunc // of tests; nil: platform.Deploy
}

// Open finds the Pulumi CLI, selects the stack, and for the local stack starts the embedded AWS.
func (p *Project) Open(ctx context.Context, o Options) (*Stack, error) {
	if err := isStack(o.Stack); err != nil {
		return nil, err
	}
	_, err := p.Configuration(o.Stack)
	var invalid *platform.ConfigError
	if err != nil && (o.Program || !errors.As(err, &invalid)) {
		return nil, err
	}
	production, err := p.Production(o.Stack)
	if err != nil {
		return nil, err
	}
	if err := p.materialise(o.Stack); err != nil {
		return nil, err
	}
	var report *policies.Report
	if o.Program && o.program == nil {
		if report, err = p.CheckPolicies(ctx, o.Stack); err != nil {
			return nil, err
		}
		if err := againstPolicies("deploying the stack "+o.Stack, o.Stack, report); err != nil && o.Deploys {
			return nil, err
		}
	}
	environment := map[string]string{"PULUMI_SKIP_UPDATE_CHECK": "true"}
	if o.Stack == LocalStack {
		if _, err := os.Stat(p.backend()); err != nil && !o.Program {
			return nil, notDeployed(o.Stack)
		}
		if err := os.MkdirAll(p.backend(), 0o700); err != nil {
			return nil, fmt.Errorf("making the folder of the local stack's state: %w", err)
		}
	}
	cli, err := p.findEngine(ctx, o.Observer.report)
	if err != nil {
		return nil, err
	}
	if o.Stack == LocalStack {
		status, err := p.StartLocal(ctx, o.ServeArgs)
		if err != nil {
			return nil, err
		}
		for _, v := range append(p.PulumiEnvironment(status.ProviderPort), p.AWSEnvironment()...) {
			environment[v.Name] = v.Value
		}
		cli.selected = func() bool { _, err := os.Stat(p.localState()); return err == nil }
		environment["PULUMI_HOME"] = filepath.Join(p.Home, "pulumi-home")
	}
	choose := auto.SelectStackInlineSource
	if o.Program {
		choose = auto.UpsertStackInlineSource
	}
	s := &Stack{name: o.Stack, production: production, project: p, engine: cli, observer: o.Observer, policies: report}
	program := platform.Deploy
	if o.program != nil {
		program = o.program
	}
	s.stack, err = choose(ctx, o.Stack, "carepath", s.guarded(program), auto.WorkDir(p.Root), auto.Pulumi(cli), auto.EnvVars(environment))
	if !o.Program && auto.IsSelectStack404Error(err) {
		return nil, notDeployed(o.Stack)
	}
	if err != nil {
		return nil, failureOf(ctx, o.Stack, "selecting the stack "+o.Stack, err)
	}
	return s, nil
}

// guarded is the program with the gate before it: when the engine runs it to change something, not to preview.
func (s *Stack) guarded(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		if s.gate != nil && !ctx.DryRun() {
			if err := s.gate(); err != nil {
				return err
			}
		}
		return program(ctx)
	}
}

func notDeployed(stack string) error {
	return &Error{Code: CodeNotDeployed, Message: "the stack " + stack + " is not deployed", Hint: "carepath up --stack " + stack + " deploys it"}
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
		err = s.failure(ctx, doing, err)
	}
	select {
	case <-followed: // the Automation API closes the channel when the engine has ended
	case <-time.After(2 * time.Second): // it never began
	}
	var e *Error
	if errors.As(err, &e) {
		e.Where = result.where()
	}
	result.Seconds = time.Since(start).Seconds()
	if ctx.Err() != nil {
		err = &Error{Code: CodeCancelled, Message: doing + " was cancelled", Hint: "run it again to converge", Err: ctx.Err()}
	}
	return result, err
}

// Outputs returns the stack's outputs as plain values; secrets stay hidden.
func (s *Stack) Outputs(ctx context.Context) (map[string]any, error) {
	outputs, err := s.stack.Outputs(ctx)
	if err != nil {
		return nil, s.failure(ctx, "reading the outputs of the stack "+s.name, err)
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
