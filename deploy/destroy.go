package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
)

// DestroyOptions say what a Destroy may do.
type DestroyOptions struct {
	// Confirm is the stack's name. A production stack is not destroyed without it.
	Confirm string
	// AllowDelete are the URNs of the protected resources that may be deleted.
	AllowDelete []string
}

// Destroy opens a stack and deletes its resources; it is no error if it is not deployed. Before anything is deleted it refuses,
// with an *Error of CodeRefused, a production stack that is not confirmed and protected resources that are not allowed. Of the
// local stack it leaves nothing on the machine. Afterwards it looks for what is left: that is an *Error with CodeLeftovers.
func (p *Project) Destroy(ctx context.Context, o Options, d DestroyOptions) (*Result, error) {
	production, err := p.Production(o.Stack)
	if err != nil {
		return nil, err
	}
	if d.Confirm != o.Stack && (d.Confirm != "" || production) {
		return nil, &Error{Code: CodeRefused, Message: fmt.Sprintf("destroying the stack %s was refused: it wants its name as confirmation, got %q", o.Stack, d.Confirm),
			Hint: "carepath destroy --stack " + o.Stack + " --confirm " + o.Stack}
	}
	allowed := Allowed{Delete: d.AllowDelete}
	if err := allowed.check(); err != nil {
		return nil, err
	}
	s, err := p.Open(ctx, o)
	var e *Error
	result := &Result{Stack: o.Stack, Changes: []Change{}, Counts: map[string]int{}}
	switch {
	case errors.As(err, &e) && e.Code == CodeNotDeployed:
		o.Observer.report(e.Message + ": there is nothing to destroy")
	case err != nil:
		return nil, err
	default:
		if result, err = s.destroy(ctx, allowed); err != nil {
			return result, err
		}
	}
	var left []string
	if s != nil {
		if left, err = p.leftovers(ctx, o.Stack); err != nil {
			return result, &Error{Code: CodeFailed, Message: fmt.Sprintf("the stack %s is destroyed, but whether anything of it is left could not be seen: %v", o.Stack, err),
				Hint: "allow tag:GetResources and healthlake:ListFHIRDatastores to the role that destroys", Err: err}
		}
	}
	if s != nil && len(left) == 0 && Ephemeral(o.Stack) {
		if err := s.forget(ctx); err != nil {
			return result, err
		}
	}
	if o.Stack == LocalStack {
		if err := p.ResetLocal(ctx); err != nil {
			return result, err
		}
	}
	if len(left) > 0 {
		return result, &Error{Code: CodeLeftovers, Where: left, Hint: "delete them by hand; an operation that was cut off may have made them",
			Message: fmt.Sprintf("the stack %s is destroyed, but %d resources of it are still there and may cost money:\n  %s", o.Stack, len(left), strings.Join(left, "\n  "))}
	}
	return result, nil
}

func (s *Stack) destroy(ctx context.Context, allowed Allowed) (*Result, error) {
	doing := "destroying the stack " + s.name
	state, err := s.state(ctx)
	if err != nil {
		return nil, err
	}
	protected := state.protected(s.production)
	if err := refused(doing, protected, allowed); err != nil {
		return nil, err
	}
	for _, f := range protected {
		if err := s.unprotect(ctx, f.URN); err != nil {
			return nil, err
		}
	}
	return s.exclusively(ctx, false, func() (*Result, error) {
		return s.run(ctx, doing, func(ch chan<- events.EngineEvent) error {
			_, err := s.stack.Destroy(ctx, optdestroy.EventStreams(ch), optdestroy.SuppressProgress())
			return err
		})
	})
}

// protected are the deletions that protection forbids.
func (s *state) protected(production bool) []Finding {
	var all []Finding
	for _, r := range s.Resources {
		if r.Protect && !r.Delete {
			all = append(all, Finding{URN: string(r.URN), Type: string(r.Type), Name: urnName(string(r.URN)), Op: "delete",
				Why: "the whole stack would be", Protected: true, Loses: loss(string(r.Type), r.Inputs, production)})
		}
	}
	return all
}
