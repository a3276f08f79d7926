package usercreation

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

// articleDefinition is the published design.
//
//go:embed testdata/article.asl.json
var articleDefinition string

// What calls take on AWS, roughly. A transaction has its items in doubt for some of its time, and whoever meets it is
// cancelled.
const (
	dynamodbTime    = 5 * time.Millisecond
	transactionTime = 5 * time.Millisecond // beside dynamodbTime
	cognitoTime     = 60 * time.Millisecond
)

// slow gives the calls of workflows' tasks AWS's latencies, half before their effect and half after it, and counts those to
// DynamoDB. Without them executions would never meet.
func (c *cloud) slow() (dynamodbCalls *atomic.Int64) {
	c.tables.SetTransactionTime(transactionTime)
	dynamodbCalls = &atomic.Int64{}
	for _, after := range []bool{false, true} {
		c.d.Faults.Inject(dispatch.Fault{After: after, Match: byWorkflow, Do: func(_ context.Context, call *dispatch.Call) *dispatch.Error {
			if call.Service == "cognito-idp" {
				c.pass(cognitoTime / 2)
				return nil
			}
			if !after {
				dynamodbCalls.Add(1)
			}
			c.pass(dynamodbTime / 2)
			return nil
		}})
	}
	return dynamodbCalls
}

// together calls f for 0 to n-1 at the same moment and waits for all.
func together(n int, f func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// measure is what creations at the same moment cost.
type measure struct {
	created        int
	calls, changes float64       // of DynamoDB, and state transitions, for each user
	slowest        time.Duration // creation
}

// contend creates n users at the same moment with executions of a Standard state machine, which tells its transitions.
func (c *cloud) contend(n int) measure {
	calls := c.slow()
	began := time.Now()
	var mu sync.Mutex
	m := measure{}
	together(n, func(i int) {
		out, err := dispatch.Do[stepfunctions.StartExecutionOutput](context.Background(), c.d, c.d.Root(), "states", "StartExecution",
			&stepfunctions.StartExecutionInput{StateMachineArn: c.create, Input: c.input(user(fmt.Sprintf("u%d@example.org", i)), "")})
		if err != nil {
			c.Error(err)
			return
		}
		a, ended := c.ended(out.ExecutionArn)
		changes := c.transitions(out.ExecutionArn)
		mu.Lock()
		defer mu.Unlock()
		if a.StatusCode/100 == 2 {
			m.created++
		}
		m.slowest = max(m.slowest, ended.Sub(began))
		m.changes += float64(changes) / float64(n)
	})
	m.calls = float64(calls.Load()) / float64(n)
	return m
}

// ended waits for the end of an execution.
func (c *cloud) ended(execution string) (answer, time.Time) {
	c.Helper()
	status, output, at := c.wait(execution)
	if status != "SUCCEEDED" {
		return answer{err: status + " " + output}, at
	}
	return c.answer(output), at
}

// wait waits for the end of an execution. Output is the error if it failed.
func (c *cloud) wait(execution string) (status, output string, at time.Time) {
	c.Helper()
	for {
		var got struct {
			Status, Output, Error, Cause string
			StopDate                     float64
		}
		c.call("states", "DescribeExecution", c.json(map[string]string{"executionArn": execution}), &got)
		if got.Status != "RUNNING" {
			return got.Status, got.Output + got.Error + got.Cause, time.UnixMilli(int64(got.StopDate * 1000))
		}
		c.pass(50 * time.Millisecond)
	}
}

// transitions counts an execution's state transitions as Step Functions bills them: states entered, and tasks tried again.
func (c *cloud) transitions(execution string) int {
	c.Helper()
	n, token := 0, ""
	for {
		in := map[string]any{"executionArn": execution, "maxResults": 1000}
		if token != "" {
			in["nextToken"] = token
		}
		var history struct {
			Events    []struct{ Type string }
			NextToken string
		}
		c.call("states", "GetExecutionHistory", c.json(in), &history)
		for _, e := range history.Events {
			switch {
			case e.Type == "TaskScheduled":
				n++
			case strings.HasSuffix(e.Type, "StateEntered") && e.Type != "TaskStateEntered":
				n++
			}
		}
		if token = history.NextToken; token == "" {
			return n
		}
	}
}

// designs are what is compared.
var designs = []struct {
	name string
	setup
	seed int64 // the last number that is put in by hand; 0: none
}{
	{"atomic", setup{allocation: Atomic, kind: "STANDARD"}, 0},
	{"optimistic", setup{allocation: Optimistic, kind: "STANDARD"}, 0},
	{"article", setup{definition: articleDefinition, kind: "STANDARD"}, DefaultFirstID - 1},
}

func (c *cloud) seed(last int64) {
	if last != 0 {
		c.call("dynamodb", "PutItem", fmt.Sprintf(`{"TableName":"users","Item":{"PK":{"S":"USERMETADATA"},"SK":{"S":"USERMETADATA"},"LastId":{"N":"%d"}}}`, last), nil)
	}
}

// TestTogetherCosts holds what the documentation promises of the cost of creations at the same moment.
func TestTogetherCosts(t *testing.T) {
	costs := map[string]map[int]measure{}
	for _, design := range designs[:2] {
		costs[design.name] = map[int]measure{}
		for _, n := range []int{1, 8, 64} {
			synctest.Test(t, func(t *testing.T) { costs[design.name][n] = newCloud(t, design.setup).contend(n) })
		}
	}
	one := costs["atomic"][1]
	for n, m := range costs["atomic"] {
		if m.calls != one.calls || m.changes != one.changes {
			t.Errorf("atomic, %d at once: %v calls and %v transitions a user, and alone %v and %v", n, m.calls, m.changes, one.calls, one.changes)
		}
	}
	one, many := costs["optimistic"][1], costs["optimistic"][64]
	if many.calls >= 3*one.calls || many.changes >= 3*one.changes {
		t.Errorf("optimistic, 64 at once: %v calls and %v transitions a user, and alone %v and %v", many.calls, many.changes, one.calls, one.changes)
	}
}

// TestManyAtOnce creates 256 users at the same moment: nobody is refused, the numbers have no gap, and nothing is left over.
func TestManyAtOnce(t *testing.T) {
	const users = 256
	for _, allocation := range []Allocation{Atomic, Optimistic} {
		for _, perSecond := range []int{0, 50} { // AdminCreateUser's rate on AWS is 50 for an account; 0: no limit
			t.Run(fmt.Sprintf("%s, Cognito's limit %d", allocation, perSecond), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, answers := overload(t, allocation, users, perSecond)
					numbers := map[string]bool{}
					for n, a := range answers {
						if a.StatusCode != 201 {
							t.Errorf("user %d: %v", n, a)
						}
						numbers[a.Body["userId"]] = true
					}
					s := c.state()
					if len(numbers) != users || s.last != fmt.Sprint(DefaultFirstID+users-1) {
						t.Errorf("%d numbers, the last is %s", len(numbers), s.last)
					}
					if problems := s.broken(); problems != nil {
						t.Error(problems)
					}
				})
			})
		}
	}
}

// TestMoreThanCognitoTakes creates more users at the same moment than Cognito's rate allows in an execution's time: the others
// are told to try again, and nothing of them is left.
func TestMoreThanCognitoTakes(t *testing.T) {
	const users, perSecond = 256, 5
	for _, allocation := range []Allocation{Atomic, Optimistic} {
		t.Run(string(allocation), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, answers := overload(t, allocation, users, perSecond)
				for n, a := range answers {
					if a.StatusCode != 201 && a.StatusCode != 429 {
						t.Errorf("user %d: %v", n, a)
					}
				}
				s := c.state()
				if problems := s.broken(); problems != nil {
					t.Error(problems)
				}
				if created := statuses(answers)[201]; len(s.cognito) != created || created < 10*perSecond {
					t.Errorf("%d users were created, and there are %d", created, len(s.cognito))
				}
			})
		})
	}
}

// overload creates n users at the same moment, of whom Cognito takes so many a second; 0: any number.
func overload(t *testing.T, allocation Allocation, n, perSecond int) (*cloud, []answer) {
	c := newCloud(t, setup{allocation: allocation})
	c.slow()
	c.users.Limit(cognitoidp.UserCreation, perSecond)
	began := time.Now()
	answers := make([]answer, n)
	together(n, func(i int) { answers[i] = c.post(user(fmt.Sprintf("u%d@example.org", i)), "") })
	t.Logf("%v after %v", statuses(answers), time.Since(began))
	return c, answers
}

// statuses counts answers.
func statuses(answers []answer) map[int]int {
	n := map[int]int{}
	for _, a := range answers {
		n[a.StatusCode]++
	}
	return n
}

// BenchmarkTogether creates 1 to 256 users at the same moment, with AWS's latencies in a bubble's time, and reports what a user
// costs with either allocation and with the published design. The time of an iteration is the machine's and says nothing.
//
//	go test ./components/usercreation -run '^$' -bench Together -benchtime 1x
func BenchmarkTogether(b *testing.B) {
	for _, design := range designs {
		for n := 1; n <= 256; n *= 2 {
			b.Run(fmt.Sprintf("%s/%d", design.name, n), func(b *testing.B) {
				var sum measure
				for range b.N {
					inBubble(b, func(t *testing.T) {
						c := newCloud(t, design.setup)
						c.seed(design.seed)
						m := c.contend(n)
						sum.created, sum.calls, sum.changes, sum.slowest = sum.created+m.created, sum.calls+m.calls, sum.changes+m.changes, sum.slowest+m.slowest
					})
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(sum.calls/float64(b.N), "dynamodb-calls/user")
				b.ReportMetric(sum.changes/float64(b.N), "transitions/user")
				b.ReportMetric(sum.slowest.Seconds()/float64(b.N), "s-slowest")
				b.ReportMetric(float64(n*b.N-sum.created), "refused")
			})
		}
	}
}

// inBubble runs f in a bubble of testing/synctest, which are for tests only.
func inBubble(b *testing.B, f func(t *testing.T)) {
	test := testing.InternalTest{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, f) }}
	if !testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{test}) {
		b.FailNow()
	}
}

// BenchmarkCreate is one creation after the other, by the state machine on the embedded AWS.
func BenchmarkCreate(b *testing.B) {
	for _, allocation := range []Allocation{Atomic, Optimistic} {
		b.Run(string(allocation), func(b *testing.B) {
			c := newCloud(b, setup{allocation: allocation})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				if got := c.post(user(fmt.Sprintf("u%d@example.org", n)), ""); got.StatusCode != 201 {
					b.Fatal(got)
				}
			}
		})
	}
}
