// Package demo drives every system of a stack that is deployed, as its users would, and says which of their promises held. It uses
// made-up data only, and removes what it has made.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Demo is a stack, and how it is reached.
type Demo struct {
	Stack   string
	Outputs map[string]any // of the stack: what it has is driven
	// Config reaches the stack's account and region.
	Config aws.Config
	// Mailbox is where the embedded AWS keeps the mail that it sends nobody; empty: there is none, and nobody signs in.
	Mailbox string
	// Failures says that a payload is posted too whose handling fails: it sets off an alarm.
	Failures bool
	// Progress is told of each promise when it was tried; nil: nobody.
	Progress func(Check)
	// Pause is the time between two looks at something that is waited for; 0: half a second.
	Pause time.Duration
}

// Outcome is what became of a promise.
type Outcome string

// The outcomes.
const (
	Held    Outcome = "held"
	Broken  Outcome = "broken"
	Skipped Outcome = "skipped" // it could not be tried; the detail says why
)

// Check is a promise of a system that was tried.
type Check struct {
	System  string  `json:"system"`
	Promise string  `json:"promise"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"` // what came out
	Seconds float64 `json:"seconds"`
}

// Report is what came out.
type Report struct {
	Stack   string  `json:"stack"`
	Run     string  `json:"run"` // what the made-up data is marked with
	Checks  []Check `json:"checks"`
	Held    int     `json:"held"`
	Broken  int     `json:"broken"`
	Skipped int     `json:"skipped"`
	Seconds float64 `json:"seconds"`
}

// Summary is the report in a line.
func (r *Report) Summary() string {
	return fmt.Sprintf("%d promises held, %d broken, %d not tried", r.Held, r.Broken, r.Skipped)
}

// ErrNothing says that a stack has no system that can be driven.
var ErrNothing = errors.New("the stack has no system that can be driven")

// Run drives the systems of the stack, all at once, and reports when all have answered or the context ends: what is still waited for
// then is broken. It fails with ErrNothing only.
func (d *Demo) Run(ctx context.Context) (*Report, error) {
	start := time.Now()
	r := &run{Demo: d, http: client(), report: &Report{Stack: d.Stack, Run: strings.ToLower(rand.Text()[:10]), Checks: []Check{}}}
	systems := []struct {
		output string
		drive  func(context.Context, *system)
		name   string
	}{
		{"intakeUrl", r.intake, "intake"}, {"usersUrl", r.users, "users"}, {"samplesUrl", r.samples, "samples"},
		{"apiUrl", r.domain, "domain"}, {"fhirEndpoint", r.changes, "changes"},
	}
	var wait sync.WaitGroup
	var order []string
	for _, s := range systems {
		if r.output(s.output) == "" {
			continue
		}
		order = append(order, s.name)
		wait.Go(func() { s.drive(ctx, &system{run: r, name: s.name}) })
	}
	if len(order) == 0 {
		return nil, ErrNothing
	}
	wait.Wait()
	slices.SortStableFunc(r.report.Checks, func(a, b Check) int { return slices.Index(order, a.System) - slices.Index(order, b.System) })
	for _, c := range r.report.Checks {
		switch c.Outcome {
		case Held:
			r.report.Held++
		case Broken:
			r.report.Broken++
		case Skipped:
			r.report.Skipped++
		}
	}
	r.report.Seconds = time.Since(start).Seconds()
	return r.report, nil
}

type run struct {
	*Demo
	http   *http.Client
	mu     sync.Mutex
	report *Report
}

func (r *run) output(name string) string {
	text, _ := r.Outputs[name].(string)
	return text
}

// system tries the promises of one system.
type system struct {
	*run
	name string
}

// skip is the error of a promise that cannot be tried.
type skip string

func (s skip) Error() string { return string(s) }

// promise tries one. What do returns is the detail, whatever came out.
func (s *system) promise(text string, do func() (detail string, err error)) bool {
	start := time.Now()
	detail, err := do()
	c := Check{System: s.name, Promise: text, Outcome: Held, Detail: detail}
	var skipped skip
	switch {
	case errors.As(err, &skipped):
		c.Outcome, c.Detail = Skipped, err.Error()
	case err != nil:
		c.Outcome, c.Detail = Broken, err.Error()
	}
	c.Seconds = time.Since(start).Seconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Checks = append(s.report.Checks, c)
	if s.Progress != nil {
		s.Progress(c)
	}
	return c.Outcome == Held
}

// poll looks until there is something to see or the context ends. The last of what look says while there is nothing to see is in the
// error.
func (r *run) poll(ctx context.Context, look func() (done bool, seen string, err error)) error {
	pause := r.Pause
	if pause == 0 {
		pause = 500 * time.Millisecond
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	seen := ""
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("there was no more time: %s", seen)
		case <-timer.C:
		}
		done, now, err := look()
		if done || err != nil && ctx.Err() == nil {
			return err
		}
		if err == nil {
			seen = now
		}
		timer.Reset(pause)
	}
}

// afterwards is a context for removing what was made, also when there is no more time for anything else.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
}
