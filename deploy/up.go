package deploy

import (
	"context"
	"errors"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// UpOptions say how a stack is deployed.
type UpOptions struct {
	// Allowed are the protected and stateful resources that may be replaced or deleted.
	Allowed Allowed
	// Plan is a file of Preview: exactly what it says is done. If that cannot be, nothing is, with an *Error of CodeStale.
	Plan string
}

// Up deploys the stack. Before the first change it previews, in the same process, and refuses with an *Error of CodeRefused if a
// resource that is protected or holds data would be replaced or deleted and is not allowed to be, or if the stack is against the
// policies.
func (s *Stack) Up(ctx context.Context, o UpOptions) (*Result, error) {
	if err := o.Allowed.check(); err != nil {
		return nil, err
	}
	if err := againstPolicies("deploying the stack "+s.name, s.name, s.policies); err != nil {
		return nil, err
	}
	var options []optup.Option
	if o.Plan != "" {
		plan, err := s.usePlan(ctx, o.Plan)
		if err != nil {
			return nil, err
		}
		defer os.Remove(plan)
		options = append(options, optup.Plan(plan))
	}
	var found []Finding
	result, err := s.exclusively(ctx, false, func() (result *Result, err error) {
		result, found, err = s.up(ctx, o, options)
		return result, err
	})
	var protected []string
	for _, f := range found {
		if f.Protected {
			protected = append(protected, f.URN)
		}
	}
	if err == nil || len(protected) == 0 || refused("", found, o.Allowed) != nil || ctx.Err() != nil {
		return result, err
	}
	// The engine has refused what is allowed by name here. The program protects the replacements again.
	if err := s.unprotect(ctx, protected...); err != nil {
		return result, err
	}
	result, _, err = s.up(ctx, o, options)
	return result, err
}

// up also returns what the preview found.
func (s *Stack) up(ctx context.Context, o UpOptions, options []optup.Option) (*Result, []Finding, error) {
	doing := "deploying the stack " + s.name
	var found []Finding
	var refusal error
	result, err := s.run(ctx, doing, func(ch chan<- events.EngineEvent) (err error) {
		planned := make(chan events.EngineEvent, 64)
		update := make(chan events.EngineEvent, 64)
		server, err := listenForEvents(ctx, planned, update)
		if err != nil {
			close(ch)
			return err
		}
		preview := &Result{Counts: map[string]int{}}
		previewed, followed := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(previewed)
			preview.follow(planned, Observer{})
			found = findings(preview.steps, s.production)
			refusal = refused(doing, found, o.Allowed)
		}()
		go func() {
			defer close(followed)
			defer close(ch)
			for e := range update {
				ch <- e
			}
		}()
		s.gate = func() error {
			select {
			case <-previewed:
				return refusal
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		s.engine.up = server
		defer func() {
			s.gate, s.engine.up = nil, nil
			err = errors.Join(err, server.close())
			<-previewed
			<-followed
		}()
		_, err = s.stack.Up(ctx, append(options, optup.SuppressProgress())...)
		return err
	})
	switch {
	case ctx.Err() != nil:
	case refusal != nil:
		err = refusal
	case err != nil && o.Plan != "" && violations.MatchString(err.Error()):
		err = s.stale(o.Plan, err)
	}
	return result, found, err
}

// unprotect takes the protection from resources in the state.
func (s *Stack) unprotect(ctx context.Context, urns ...string) error {
	for _, urn := range urns {
		s.observer.report("taking the protection from " + urn)
		if err := s.command(ctx, "taking the protection from "+urn, "state", "unprotect", urn, "--yes"); err != nil {
			return err
		}
	}
	return nil
}

// command runs one of the CLI's commands that the Automation API has not, on this stack.
func (s *Stack) command(ctx context.Context, doing string, args ...string) error {
	var environment []string
	for name, value := range s.stack.Workspace().GetEnvVars() {
		environment = append(environment, name+"="+value)
	}
	_, stderr, _, err := s.engine.Run(ctx, s.project.Root, nil, nil, nil, environment, append(args, "--stack", s.name)...)
	if err != nil {
		return s.failure(ctx, doing, errors.Join(errors.New(stderr), err))
	}
	return nil
}
