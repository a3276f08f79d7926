package healthlakecdc

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/handlers/subscriptions/subscriptions"
	"github.com/carepath/carepath/localcloud/cloudtrail"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// grant is an action in a role's policy.
type grant struct{ role, policy, action string }

// grants are those of the roles' policies, but for what the harness leaves out: encryption, logs and traces.
func grants(t *testing.T, plan []asked, roles ...string) []grant {
	t.Helper()
	var all []grant
	for _, a := range plan {
		if a.kind != "aws:iam/rolePolicy:RolePolicy" || !slices.ContainsFunc(roles, func(r string) bool { return a.name == "fhir-"+r+"-policy" }) {
			continue
		}
		for _, s := range statements(t, a.text("policy")) {
			for _, action := range s.Action {
				if service, _, _ := strings.Cut(action, ":"); service != "kms" && service != "logs" && service != "xray" {
					all = append(all, grant{a.text("role"), a.text("name"), action})
				}
			}
		}
	}
	return all
}

// revoke takes an action out of a policy, wherever it is.
func (s *system) revoke(g grant) {
	s.Helper()
	for _, a := range s.of("aws:iam/rolePolicy:RolePolicy") {
		if a.text("name") != g.policy {
			continue
		}
		var document struct {
			Version   string
			Statement []map[string]any
		}
		if err := json.Unmarshal([]byte(a.text("policy")), &document); err != nil {
			s.Fatal(err)
		}
		document.Statement = slices.DeleteFunc(document.Statement, func(statement map[string]any) bool {
			left := slices.DeleteFunc(statement["Action"].([]any), func(action any) bool { return action == g.action })
			statement["Action"] = left
			return len(left) == 0
		})
		text, err := json.Marshal(document)
		if err != nil {
			s.Fatal(err)
		}
		s.call("iam", "PutRolePolicy", members{"RoleName": g.role, "PolicyName": g.policy, "PolicyDocument": string(text)}, nil)
	}
}

// TestEveryGrantedActionIsNeeded takes each action away from the roles that a change passes, in turn. Something that is promised
// must break each time, or the action is granted for nothing.
func TestEveryGrantedActionIsNeeded(t *testing.T) {
	plan := recorded(t, CloudTrail, captured...)
	run := func(name string, take *grant) (broken string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSystem(t, plan, options{feed: CloudTrail, types: captured})
				if take != nil {
					s.revoke(*take)
				}
				broken = s.promises()
			})
		})
		return broken
	}
	if broken := run("with all of them", nil); broken != "" {
		t.Fatal(broken)
	}
	all := grants(t, plan, "hydrator", "capture", "pipe", "sweep")
	if len(all) < 15 {
		t.Errorf("only %d actions are granted", len(all))
	}
	for _, g := range all {
		if broken := run("without "+g.action+" of "+g.role, &g); broken == "" {
			t.Errorf("%s of %s is granted, and nothing breaks without it", g.action, g.role)
		} else {
			t.Logf("without %s of %s: %s", g.action, g.role, broken)
		}
	}
}

// promises says which of them does not hold; "" if all do.
func (s *system) promises() string {
	for _, action := range []string{"StopPipe", "StartPipe"} {
		s.call("pipes", action, members{"Name": s.of("aws:pipes/pipe:Pipe")[0].text("name")}, nil)
	}
	var pipe struct{ CurrentState, StateReason string }
	if s.call("pipes", "DescribePipe", members{"Name": s.of("aws:pipes/pipe:Pipe")[0].text("name")}, &pipe); pipe.CurrentState != "RUNNING" {
		return "the pipe is " + pipe.CurrentState + ": " + pipe.StateReason
	}
	h := newHistory(s, 1, captured...)
	arrived := map[string]bool{}
	missing := func(when string) string {
		for _, body := range s.received("fhir-subscriber-1") {
			var event struct {
				Detail struct{ IdempotencyKey string }
			}
			if err := json.Unmarshal([]byte(body), &event); err != nil {
				s.Fatal(err)
			}
			arrived[event.Detail.IdempotencyKey] = true
		}
		count := 0
		for _, v := range h.written {
			if !arrived[v.key(s.id)] {
				count++
			}
		}
		if count > 0 {
			return fmt.Sprintf("%s, %d of %d versions have no event", when, count, len(h.written))
		}
		s.logMu.Lock()
		defer s.logMu.Unlock()
		if strings.Contains(s.logs.String(), "a batch of the pipe") {
			return when + ", a capture has failed"
		}
		return ""
	}
	write := func(n int) []*resourceState {
		var all []*resourceState
		for range n {
			r := h.fresh()
			h.write(r, false)
			all = append(all, r)
		}
		return all
	}
	// Triggers come, and the next sweep is far: new versions, some between, deletions.
	some := write(4)
	h.write(some[0], false)
	h.write(some[0], false)
	h.write(some[1], true)
	s.pass(2 * time.Minute)
	if problem := missing("after triggers"); problem != "" {
		return problem
	}
	// More than a page, read so slowly that an execution leaves the rest to another.
	name := s.of("aws:lambda/function:Function")[0].text("name")
	quick := s.handlers[name]
	s.handlers[name] = func(ctx context.Context, payload []byte) (any, error) {
		s.pass(45 * time.Second)
		return quick(ctx, payload)
	}
	write(2500)
	s.pass(15 * time.Minute)
	s.handlers[name] = quick
	if problem := missing("after a burst"); problem != "" {
		return problem
	}
	// No trigger comes.
	s.trail.SetDelivery(func(cloudtrail.Record) []time.Duration { return nil })
	h.write(some[2], false)
	h.write(some[3], true)
	s.pass(2 * sweepEvery)
	if problem := missing("after sweeps"); problem != "" {
		return problem
	}
	// The data store has no history of types.
	s.d.Faults.Inject(dispatch.Fault{Service: "healthlake", Action: "GetHistoryByResourceType", Err: &dispatch.Error{Code: "AccessDeniedException", Status: 403, Message: "refused"}})
	h.write(some[2], true)
	s.pass(3 * sweepEvery)
	return missing("after sweeps without the history of types")
}

// TestTheInstallersActionsAreNeeded is the same for the function that makes, renews and removes the Subscriptions.
func TestTheInstallersActionsAreNeeded(t *testing.T) {
	plan := recorded(t, Subscriptions, captured...)
	all := grants(t, plan, "subscriptions")
	if len(all) != 3 {
		t.Errorf("the installer may do %v", all)
	}
	for _, g := range append([]grant{{}}, all...) {
		t.Run("without "+g.action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSystem(t, plan, options{feed: Subscriptions, types: captured})
				s.revoke(g)
				var handler func(context.Context, []byte) (any, error)
				for _, a := range s.of("aws:lambda/function:Function") {
					if a.object("environment").object("variables").text("EVENT_BUS_ARN") != "" {
						handler = s.handlers[a.text("name")]
					}
				}
				problem := error(nil)
				for _, in := range []subscriptions.Request{
					{ResourceTypes: append([]string{"Observation"}, captured...), Renew: true},
					{ResourceTypes: captured, Change: &subscriptions.Change{Action: "delete"}},
				} {
					payload, err := json.Marshal(in)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := handler(t.Context(), payload); err != nil && problem == nil {
						problem = err
					}
				}
				if (problem == nil) != (g.action == "") {
					t.Errorf("got %v", problem)
				}
			})
		})
	}
}
