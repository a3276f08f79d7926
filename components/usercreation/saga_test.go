package usercreation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

func TestAUserIsCreated(t *testing.T) {
	for _, allocation := range []Allocation{Atomic, Optimistic} {
		t.Run(string(allocation), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, setup{allocation: allocation, attributes: []Attribute{{Name: "department", MaxLength: 5, Required: true}, {Name: "title", MaxLength: 3}}})
				names := []string{"Ada", `O'Brien "Q" \ ☃`, "\u2028$#{}%\x01\x7f", "'; DROP TABLE users", "{% $states %}"}
				for n, name := range names {
					body := user(fmt.Sprintf("User%d@Example.org", n))
					body["firstName"], body["department"], body["phoneNumber"] = name, "a'\"\\b", "+12065550100"
					want := map[string]string{"userId": fmt.Sprint(DefaultFirstID + n), "firstName": name, "lastName": "Lovelace",
						"emailAddress": body["emailAddress"].(string), "phoneNumber": "+12065550100", "department": "a'\"\\b"}
					got := c.post(body, "")
					if got.StatusCode != 201 || !maps.Equal(got.Body, want) {
						t.Fatalf("got %v, want %v", got, want)
					}
				}
				s := c.state()
				if problems := s.broken(); problems != nil {
					t.Error(problems)
				}
				if len(s.profiles) != len(names) || s.profiles[fmt.Sprint(DefaultFirstID+1)]["FirstName"] != names[1] || s.profiles[fmt.Sprint(DefaultFirstID)]["department"] != "a'\"\\b" {
					t.Errorf("%v", s.profiles)
				}
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, setup{attributes: []Attribute{{Name: "department", MaxLength: 5, Required: true}, {Name: "title", MaxLength: 3}}})
		for _, r := range []struct {
			change map[string]any // nil removes
			field  string
		}{
			{map[string]any{"firstName": nil}, "firstName"}, {map[string]any{"firstName": ""}, "firstName"}, {map[string]any{"firstName": "  "}, "firstName"},
			{map[string]any{"firstName": 7}, "firstName"}, {map[string]any{"firstName": strings.Repeat("é", 101)}, "firstName"},
			{map[string]any{"lastName": nil}, "lastName"}, {map[string]any{"lastName": []string{"a"}}, "lastName"},
			{map[string]any{"emailAddress": nil}, "emailAddress"}, {map[string]any{"emailAddress": "ada"}, "emailAddress"}, {map[string]any{"emailAddress": "a b@example.org"}, "emailAddress"},
			{map[string]any{"emailAddress": "ada@example"}, "emailAddress"}, {map[string]any{"emailAddress": "ada@@example.org"}, "emailAddress"}, {map[string]any{"emailAddress": "@example.org"}, "emailAddress"},
			{map[string]any{"emailAddress": "a@" + strings.Repeat("a.", 130) + "org"}, "emailAddress"},
			{map[string]any{"phoneNumber": "12065550100"}, "phoneNumber"}, {map[string]any{"phoneNumber": "+1-206"}, "phoneNumber"}, {map[string]any{"phoneNumber": 5}, "phoneNumber"},
			{map[string]any{"department": nil}, "department"}, {map[string]any{"department": "sixsix"}, "department"}, {map[string]any{"title": 1}, "title"},
			{map[string]any{"userId": "1"}, "userId"}, {map[string]any{"other": "1"}, "other"},
		} {
			body := user("ada@example.org")
			body["department"] = "x"
			for name, value := range r.change {
				if body[name] = value; value == nil {
					delete(body, name)
				}
			}
			if got := c.post(body, ""); got.StatusCode != 400 || !strings.HasPrefix(got.Message, r.field+": ") {
				t.Errorf("%v: %v, want 400 that names %s", r.change, got, r.field)
			}
		}
		for _, body := range []any{nil, "text", 5, []any{}, []any{user("ada@example.org")}} {
			if got := c.post(body, ""); got.StatusCode != 400 {
				t.Errorf("%v: %v", body, got)
			}
		}
		if s := c.state(); s.last != "" || len(s.claims)+len(s.cognito)+len(s.requests) > 0 {
			t.Errorf("refused requests left %+v", s)
		}
	})
}

func TestAnAddressIsRegisteredOnce(t *testing.T) {
	for _, allocation := range []Allocation{Atomic, Optimistic} {
		t.Run(string(allocation), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, setup{allocation: allocation})
				if got := c.post(user("ada@example.org"), "first"); got.StatusCode != 201 {
					t.Fatal(got)
				}
				if got := c.post(user("ADA@Example.ORG"), "second"); got.StatusCode != 409 {
					t.Error(got)
				}
				if got := c.post(user("ada@example.org"), ""); got.StatusCode != 409 {
					t.Error(got)
				}
				if got := c.post(user("ada@example.org"), "first"); got.StatusCode != 201 || got.Body["userId"] != fmt.Sprint(DefaultFirstID) {
					t.Errorf("a repeated request: %v", got)
				}
				if got := c.post(user("other@example.org"), "first"); got.StatusCode != 400 || !strings.HasPrefix(got.Message, "Idempotency-Key: ") {
					t.Errorf("another request with the same key: %v", got)
				}
				s := c.state()
				if problems := s.broken(); problems != nil || len(s.cognito) != 1 || s.last != fmt.Sprint(DefaultFirstID) {
					t.Errorf("%v, %d users, last number %s", problems, len(s.cognito), s.last)
				}
			})
		})
	}
}

// TestNumbersKeepTheirDigits begins where 32-bit integers, doubles and the largest number that is configured end.
func TestNumbersKeepTheirDigits(t *testing.T) {
	for _, allocation := range []Allocation{Atomic, Optimistic} {
		for _, first := range []int64{1, 9, 99, 1<<31 - 2, 1<<31 - 1, 999_999_999, 1<<53 - 1, 1 << 53, 999_999_999_999_999_999, MaxFirstID} {
			t.Run(fmt.Sprint(allocation, first), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCloud(t, setup{allocation: allocation, firstID: first})
					for n := range int64(4) {
						if got := c.post(user(fmt.Sprintf("u%d@example.org", n)), ""); got.Body["userId"] != fmt.Sprint(first+n) {
							t.Errorf("user %d: %v, want the number %d", n, got, first+n)
						}
					}
					if s := c.state(); s.last != fmt.Sprint(first+3) || len(s.cognito) != 4 || s.broken() != nil {
						t.Errorf("the last number is %s; %v", s.last, s.broken())
					}
				})
			})
		}
	}
}

// scenario is a way through the workflow.
type scenario struct {
	name string
	// prepare makes the fault that leads the execution there, and returns what removes it; nil: nothing does.
	prepare func(c *cloud) (remove func())
}

// scenarios lead through every task of the definition: TestTheSaga checks that.
func scenarios() []scenario {
	once := func(service, action string, e *dispatch.Error, after bool, times int) func(c *cloud) func() {
		return func(c *cloud) func() {
			return c.d.Faults.Inject(dispatch.Fault{Service: service, Action: action, Err: e, After: after, Times: times,
				Match: byWorkflow})
		}
	}
	exists := &dispatch.Error{Code: "UsernameExistsException", Message: "User account already exists", Status: 400}
	delivery := &dispatch.Error{Code: "CodeDeliveryFailureException", Message: "could not be delivered", Status: 400}
	conflict := &dispatch.Error{Code: "TransactionCanceledException", Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]", Status: 400}
	throttled := &dispatch.Error{Code: "TooManyRequestsException", Message: "Too many requests", Status: 400}
	return []scenario{
		{"all goes well", nil},
		{"the first transaction is cancelled", once("dynamodb", "TransactWriteItems", conflict, false, 1)},
		{"the number is taken by somebody else", once("cognito-idp", "AdminCreateUser", exists, false, 1)},
		{"the invitation cannot be delivered", once("cognito-idp", "AdminCreateUser", delivery, true, 1)},
		{"Cognito throttles once", once("cognito-idp", "AdminCreateUser", throttled, false, 1)},
		{"Cognito throttles", once("cognito-idp", "AdminCreateUser", throttled, false, 0)},
	}
}

// TestTheSaga lets every call of the workflow fail in turn: once and for good, before and after its effect, without an answer,
// with an effect that comes late, and with the execution killed there. Between two calls an execution changes nothing outside of itself, so that one that dies
// in a state without a call dies before the next call. Whatever happens, minutes later there is all of a user or nothing, and a
// client that repeats its request gets one user.
func TestTheSaga(t *testing.T) {
	for _, allocation := range []Allocation{Atomic, Optimistic} {
		t.Run(string(allocation), func(t *testing.T) {
			visited := map[string]bool{}
			for _, way := range scenarios() {
				t.Run(way.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						testTheSaga(t, allocation, way, visited)
					})
				})
			}
			var definition struct {
				States map[string]struct{ Type string }
			}
			if err := json.Unmarshal([]byte(createDefinition), &definition); err != nil {
				t.Fatal(err)
			}
			others := map[Allocation][]string{Atomic: {"ReadLastId", "WriteProfileWithId"}, Optimistic: {"NextId", "WriteProfile"}}
			for name, s := range definition.States {
				if s.Type == "Task" && !visited[name] && !slices.Contains(others[allocation], name) {
					t.Errorf("no scenario leads to %s: nothing is known of its failures", name)
				}
			}
		})
	}
}

func testTheSaga(t *testing.T, allocation Allocation, way scenario, visited map[string]bool) {
	c := newCloud(t, setup{allocation: allocation, kind: "STANDARD"})
	never := make(chan struct{})
	defer close(never)
	run := func(email, key string, at int, fault dispatch.Fault) answer {
		if at >= 0 {
			defer c.failAt(at, fault)()
		}
		if way.prepare != nil { // after the fault, which so sees every call
			defer way.prepare(c)()
		}
		return c.standard(user(email), key, visited)
	}
	var total int
	calls := c.recorded(func() { run("nobody@example.org", "nobody", -1, dispatch.Fault{}) })
	if total = len(calls); total < 4 {
		t.Fatalf("an execution makes %d calls", total)
	}
	attempts := c.attempts(calls, never)
	for n, a := range attempts {
		email, key := fmt.Sprintf("u%d@example.org", n), fmt.Sprintf("key-%d", n)
		fault := a.fault(func() string { return c.executionOf(key) })
		got := run(email, key, a.at, fault)
		c.pass(2 * time.Minute)
		c.settle()
		s := c.state()
		if problems := s.broken(); problems != nil {
			t.Fatalf("%s: the answer was %v, and then %v", a.what, got, problems)
		}
		if got.StatusCode == 201 && s.claims[email] == nil {
			t.Errorf("%s: answered %v, and there is no user", a.what, got)
		}
		if again := c.standard(user(email), key, visited); again.StatusCode != 201 {
			t.Errorf("%s: the answer was %v, and to the repeated request %v", a.what, got, again)
		}
		s = c.state()
		if problems := s.broken(); problems != nil || s.claims[email] == nil {
			t.Fatalf("%s, and the repeated request: %v", a.what, problems)
		}
		for name, other := range s.cognito {
			if other["email"] == email && name != s.claims[email]["UserId"] {
				t.Errorf("%s, and the repeated request: there is a second Cognito user %s", a.what, name)
			}
		}
	}
	t.Logf("%d calls, %d failures", total, len(attempts))
}

func (c *cloud) executionOf(key string) string {
	sum := strings.Map(func(r rune) rune {
		if r == '-' {
			return '_'
		}
		return r
	}, key)
	return strings.Replace(c.create, ":stateMachine:", ":execution:", 1) + ":" + sum
}

// standard runs an execution of a Standard state machine, whose name tells its first run from the repeated one.
func (c *cloud) standard(body any, key string, visited map[string]bool) answer {
	c.Helper()
	arn := c.executionOf(key)
	name := arn[strings.LastIndex(arn, ":")+1:]
	var started *stepfunctions.StartExecutionOutput
	for {
		var err error
		started, err = dispatch.Do[stepfunctions.StartExecutionOutput](context.Background(), c.d, c.d.Root(), "states", "StartExecution",
			&stepfunctions.StartExecutionInput{StateMachineArn: c.create, Name: name, Input: c.input(body, key)})
		var refused *dispatch.Error
		if errors.As(err, &refused) && refused.Code == "ExecutionAlreadyExists" {
			name += "+"
			continue
		}
		if err != nil {
			c.Fatal(err)
		}
		break
	}
	got, _ := c.ended(started.ExecutionArn)
	var history struct {
		Events []struct {
			StateEnteredEventDetails struct{ Name string }
		}
	}
	c.call("states", "GetExecutionHistory", c.json(map[string]any{"executionArn": started.ExecutionArn, "maxResults": 1000}), &history)
	for _, e := range history.Events {
		visited[e.StateEnteredEventDetails.Name] = true
	}
	return got
}
