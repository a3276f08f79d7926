package usercreation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

// TestTheSweepMayDie lets every call of the sweep fail in turn, as TestTheSaga does with the creation's, on every kind of claim
// that a creation leaves behind. After some more sweeps the claim is ended all the same.
func TestTheSweepMayDie(t *testing.T) {
	for _, kind := range []struct {
		name string
		// An execution that dies after the effect of this call leaves the claim behind.
		action string
		nth    int
		stays  bool // the user is there in the end
	}{
		{"without a number", "TransactWriteItems", 0, false},
		{"with number and profile", "TransactWriteItems", 1, false},
		{"with a Cognito user", "AdminCreateUser", 0, true},
	} {
		for _, allocation := range []Allocation{Atomic, Optimistic} {
			t.Run(fmt.Sprintf("%s, %s", kind.name, allocation), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCloud(t, setup{allocation: allocation, kind: "STANDARD", sweepKind: "STANDARD"})
					never := make(chan struct{})
					defer close(never)
					abandon := func(n int) (email, key string) {
						email, key = fmt.Sprintf("u%d@example.org", n), fmt.Sprintf("key-%d", n)
						c.abandon(email, key, kind.action, kind.nth)
						c.pass(3 * time.Minute) // and the lease with it
						return email, key
					}
					abandon(-1)
					calls := c.recorded(func() { c.standardSweep("recorded") })
					if problems := c.state().broken(); problems != nil {
						t.Fatalf("a sweep that nothing befalls: %v", problems)
					}
					if len(calls) < 3 {
						t.Fatalf("the sweep makes %d calls", len(calls))
					}
					for n, a := range c.attempts(calls, never) {
						email, key := abandon(n)
						name := fmt.Sprintf("sweep-%d", n)
						remove := c.failAt(a.at, a.fault(func() string { return strings.Replace(c.sweep, ":stateMachine:", ":execution:", 1) + ":" + name }))
						status := c.standardSweep(name)
						remove()
						for minute := range 8 {
							c.pass(time.Minute)
							if got := c.standardSweep(fmt.Sprint(name, "-", minute)); got != "SUCCEEDED" {
								t.Errorf("%s: a later sweep ended %s", a.what, got)
							}
						}
						s := c.state()
						if problems := s.broken(); problems != nil {
							t.Fatalf("%s: the sweep ended %s, and then %v", a.what, status, problems)
						}
						if there := s.claims[email] != nil; there != kind.stays {
							t.Fatalf("%s: there is a user: %t", a.what, there)
						}
						if got := c.standard(user(email), key, map[string]bool{}); got.StatusCode != 201 {
							t.Errorf("%s: the answer to the repeated request is %v", a.what, got)
						}
						if problems := c.state().broken(); problems != nil {
							t.Fatalf("%s, and the repeated request: %v", a.what, problems)
						}
					}
				})
			})
		}
	}
}

// abandon kills the creation of a user after the effect of the nth call of an action, counted from 0.
func (c *cloud) abandon(email, key, action string, nth int) {
	c.Helper()
	defer c.d.Faults.Inject(dispatch.Fault{Action: action, After: true, Match: func(call *dispatch.Call) bool {
		nth--
		return byWorkflow(call) && nth < 0
	}, Do: func(context.Context, *dispatch.Call) *dispatch.Error {
		c.stop(c.executionOf(key))
		return nil
	}})()
	if got := c.standard(user(email), key, map[string]bool{}); !strings.HasPrefix(got.err, "ABORTED") {
		c.Fatalf("a creation that was killed: %v", got)
	}
	if s := c.state(); s.claims[email]["Pending"] == "" {
		c.Fatalf("a creation that was killed left the claim %v", s.claims[email])
	}
}

// standardSweep runs a sweep that is a Standard state machine, whose executions can be killed, and returns how it ended.
func (c *cloud) standardSweep(name string) string {
	c.Helper()
	out, err := dispatch.Do[stepfunctions.StartExecutionOutput](context.Background(), c.d, c.d.Root(), "states", "StartExecution",
		&stepfunctions.StartExecutionInput{StateMachineArn: c.sweep, Name: name, Input: "{}"})
	if err != nil {
		c.Fatal(err)
	}
	status, output, _ := c.wait(out.ExecutionArn)
	if status != "SUCCEEDED" {
		return status + " " + output
	}
	return status
}
