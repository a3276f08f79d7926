package deploy

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/carepath/carepath/platform"
)

// Reaped is a stack with a time to live, and what became of it.
type Reaped struct {
	Stack   string    `json:"stack"`
	TTL     string    `json:"ttl"`
	Changed time.Time `json:"changed,omitzero"` // when its last up or refresh ended
	Expires time.Time `json:"expires,omitzero"`
	// Fate is "not_deployed", "alive", "expired" (it would be destroyed), "destroyed", "refused" or "failed".
	Fate string `json:"fate"`
	Why  string `json:"why,omitempty"` // of a refusal or a failure
}

// ReapOptions say how stacks are reaped.
type ReapOptions struct {
	// DryRun only says what would be destroyed.
	DryRun bool
	// Now is the time that counts; zero: the machine's.
	Now time.Time
	// Options open each stack; its name is set by Reap.
	Options
}

// Reap destroys the stacks whose time to live, carepath:ttl, has passed since their last up or refresh. It never destroys a
// production stack or protected resources. Ephemeral stacks are looked for in the backend. What goes wrong with one stack does not keep it from the others.
func (p *Project) Reap(ctx context.Context, o ReapOptions) ([]Reaped, error) {
	names, err := p.Stacks()
	if err != nil {
		return nil, err
	}
	o.Now = cmp.Or(o.Now, time.Now())
	all := []Reaped{}
	ephemeral, err := p.ephemeralStacks(ctx, o.Options)
	if err != nil {
		all = append(all, Reaped{Stack: profile + "-*", Fate: "failed", Why: err.Error()})
	}
	names = append(names, ephemeral...)
	for _, name := range names {
		ttl, err := p.timeToLive(name)
		if err == nil && ttl == 0 {
			continue
		}
		r := Reaped{Stack: name, TTL: ttl.String()}
		if err == nil {
			err = p.reap(ctx, o, &r, ttl)
		}
		var e *Error
		switch {
		case ctx.Err() != nil:
			return all, &Error{Code: CodeCancelled, Message: "reaping was cancelled", Err: ctx.Err()}
		case errors.As(err, &e) && e.Code == CodeRefused:
			r.Fate, r.Why = "refused", err.Error()
		case err != nil:
			r.Fate, r.Why = "failed", err.Error()
		}
		all = append(all, r)
	}
	return all, nil
}

// timeToLive is 0 for a stack without one.
func (p *Project) timeToLive(stack string) (time.Duration, error) {
	text, err := p.setting(stack, platform.KeyTTL)
	if err != nil || text == "" {
		return 0, err
	}
	return platform.ParseTTL(text)
}

func (p *Project) reap(ctx context.Context, o ReapOptions, r *Reaped, ttl time.Duration) error {
	production, err := p.Production(r.Stack)
	if err != nil {
		return err
	}
	if production {
		return &Error{Code: CodeRefused, Message: "it is a production stack"}
	}
	o.Stack, o.Program = r.Stack, false
	s, err := p.Open(ctx, o.Options)
	var e *Error
	if errors.As(err, &e) && e.Code == CodeNotDeployed {
		r.Fate = "not_deployed"
		return nil
	}
	if err != nil {
		return err
	}
	state, err := s.state(ctx)
	if err != nil {
		return err
	}
	if len(state.Resources) == 0 {
		r.Fate = "not_deployed"
		return nil
	}
	r.Changed = state.Manifest.Time.UTC()
	r.Expires = r.Changed.Add(ttl)
	switch {
	case o.Now.Before(r.Expires):
		r.Fate = "alive"
		return nil
	case o.DryRun:
		r.Fate = "expired"
		return refused("destroying the stack "+r.Stack, state.protected(production), Allowed{})
	}
	if _, err := p.Destroy(ctx, o.Options, DestroyOptions{}); err != nil {
		return err
	}
	r.Fate = "destroyed"
	return nil
}
