package healthlakecdc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/logs"
)

// counter counts the calls of AWS APIs, by service, action and role, and what the journal does not show of them.
type counter struct {
	mu          sync.Mutex
	calls       map[string]int // "service:Action role"
	transitions int            // states entered
	items       int            // read by BatchGetItem
	entries     int            // that buses took from the systems
}

func (c *counter) add(e dispatch.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[e.Service+":"+e.Action+" "+e.RoleARN[strings.LastIndex(e.RoleARN, "/")+1:]]++
}

// of is how many calls there were whose name, role included, begins so.
func (c *counter) of(names ...string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, count := range c.calls {
		for _, name := range names {
			if strings.HasPrefix(key, name) {
				n += count
			}
		}
	}
	return n
}

// count begins to count, with a log in place of CloudWatch's that counts the states that executions enter.
func (s *system) count() {
	c := &counter{calls: map[string]int{}}
	s.counter = c
	s.d.Journal.Subscribe(c.add)
	open := func(action string) dispatch.Operation {
		return dispatch.Operation{Service: "logs", Action: action, Open: true}
	}
	dispatch.Register(s.d, open("DescribeLogGroups"), dispatch.Anywhere[logs.DescribeLogGroupsInput](),
		func(_ context.Context, _ *dispatch.Call, in *logs.DescribeLogGroupsInput) (*logs.DescribeLogGroupsOutput, error) {
			return &logs.DescribeLogGroupsOutput{LogGroups: []logs.LogGroup{{LogGroupName: in.LogGroupNamePrefix}}}, nil
		})
	dispatch.Register(s.d, open("PutResourcePolicy"), dispatch.Anywhere[logs.PutResourcePolicyInput](),
		func(context.Context, *dispatch.Call, *logs.PutResourcePolicyInput) (*struct{}, error) {
			return &struct{}{}, nil
		})
	dispatch.Register(s.d, open("CreateLogStream"), dispatch.Anywhere[logs.StreamInput](),
		func(context.Context, *dispatch.Call, *logs.StreamInput) (*struct{}, error) { return &struct{}{}, nil })
	dispatch.Register(s.d, open("PutLogEvents"), dispatch.Anywhere[logs.PutLogEventsInput](), func(_ context.Context, _ *dispatch.Call, in *logs.PutLogEventsInput) (*struct{}, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, e := range in.LogEvents {
			if strings.Contains(e.Message, `StateEntered"`) {
				c.transitions++
			}
		}
		return &struct{}{}, nil
	})
}

// counted is a state machine's request, with a log of the states that it enters if they are counted.
func (s *system) counted(machine members) members {
	if s.counter != nil {
		machine["loggingConfiguration"] = members{"level": "ALL", "includeExecutionData": false,
			"destinations": []members{{"cloudWatchLogsLogGroup": members{"logGroupArn": arn("logs", "log-group:/aws/vendedlogs/states:*")}}}}
	}
	return machine
}

// noteItems counts the items that a request to DynamoDB asks for.
func (s *system) noteItems(r *http.Request) {
	if s.counter == nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem") {
		return
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		s.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	s.counter.mu.Lock()
	defer s.counter.mu.Unlock()
	s.counter.items += bytes.Count(text, []byte(`"SK":`))
}

// cost is what a burst takes.
type cost struct {
	n                                                          int
	published                                                  int
	searches, reads, invocations, executions, transitions      int
	writes, readUnits, puts, entries, queueCalls, pipeRequests int
	waits                                                      float64 // seconds that executions wait, in all
	took                                                       time.Duration
}

// Prices of us-east-1 in dollars, from AWS's price list as quoted in November 2026; deploy/cost/prices.json has the sources. The
// durations are assumptions: 100 ms for a search, 20 ms for a read and for a function that does nothing else, 5 ms for a state.
const (
	perInvocation, perFunctionSecond  = 0.20e-6, 0.0000133334 / 4 // 256 MB, arm64
	perExecution, perExecutionSecond  = 1.00e-6, 0.00001667 / 16  // 64 MB
	perWrite, perRead                 = 0.625e-6, 0.125e-6
	perEvent, perQueueCall, perPipe   = 1.00e-6, 0.40e-6, 0.40e-6
	perQuery                          = 0.048 / 10_000
	searchTime, readTime, transitTime = 0.1, 0.02, 0.005
)

// dollars is what a burst costs.
func (c *cost) dollars() float64 {
	inFunctions := searchTime*float64(c.searches) + readTime*float64(c.reads+c.invocations)
	return perInvocation*float64(c.invocations) + perFunctionSecond*inFunctions +
		perExecution*float64(c.executions) + perExecutionSecond*(inFunctions+transitTime*float64(c.transitions)+c.waits) +
		perWrite*float64(c.writes) + perRead*float64(c.readUnits) + perEvent*float64(c.entries) + perQueueCall*float64(c.queueCalls) + perPipe*float64(c.pipeRequests) +
		perQuery*float64(c.searches+c.reads)
}

func (c *cost) String() string {
	return fmt.Sprintf("%6d | %8d | %8d | %7d | %7d | %9d | %7d | %7d | %7d | $%.7f", c.n, c.published, c.searches, c.reads, c.invocations, c.transitions, c.writes, c.readUnits, c.puts, c.dollars()/float64(c.n))
}

// burst writes n Patients in ten seconds and waits until a sweep has run.
func burst(t *testing.T, plan []asked, n int, theirs, counting bool) (c cost) {
	o := options{feed: CloudTrail, types: captured, counting: counting}
	var s *system
	if theirs {
		s = bare(t, o)
		s.article()
	} else {
		s = newSystem(t, plan, o)
		s.pass(sweepEvery - 30*time.Second) // the first sweep is over, the second is to come
	}
	st := newStorm(s, 1)
	s.asOnAWS(st)
	before := s.tally()
	h := newHistory(s, uint64(n), "Patient")
	for i := range n {
		h.write(h.fresh(), false)
		if (i+1)*10/n != i*10/n {
			s.pass(time.Second)
		}
	}
	s.pass(2*sweepEvery + 6*time.Minute)
	c = s.tally()
	c.sub(&before)
	c.n = n
	queue := "fhir-subscriber-1"
	if theirs {
		queue = "article"
		c.waits = 10 * float64(c.executions)
	}
	distinct := map[string]bool{}
	for _, body := range s.received(queue) {
		distinct[body[strings.Index(body, `"detail":`):]] = true
	}
	c.published = len(distinct)
	return c
}

// tally is what was done until now.
func (s *system) tally() (c cost) {
	k := s.counter
	if k == nil {
		return c
	}
	c.searches = k.of("healthlake:SearchWithGet fhir-", "healthlake:SearchWithPost fhir-", "healthlake:SearchWithGet article")
	c.reads = k.of("healthlake:ReadResource fhir-", "healthlake:VersionReadResource fhir-", "healthlake:GetHistoryByResource")
	c.invocations = k.of("lambda:Invoke")
	c.executions = k.of("states:StartSyncExecution", "states:StartExecution")
	c.writes = k.of("dynamodb:UpdateItem", "dynamodb:PutItem")
	c.puts = k.of("events:PutEvents fhir-", "events:PutEvents article")
	c.queueCalls = k.of("sqs:ReceiveMessage fhir-", "sqs:DeleteMessage", "sqs:SendMessage ") - k.of("sqs:DeleteMessageBatch ") // a rule that sends costs nothing but the queue's request
	c.pipeRequests = k.of("states:StartSyncExecution fhir-pipe")
	k.mu.Lock()
	defer k.mu.Unlock()
	c.transitions, c.readUnits, c.entries = k.transitions, k.items, k.entries
	return c
}

func (c *cost) sub(o *cost) {
	for _, f := range []struct{ to, from *int }{{&c.searches, &o.searches}, {&c.reads, &o.reads}, {&c.invocations, &o.invocations}, {&c.executions, &o.executions},
		{&c.transitions, &o.transitions}, {&c.writes, &o.writes}, {&c.readUnits, &o.readUnits}, {&c.puts, &o.puts}, {&c.entries, &o.entries}, {&c.queueCalls, &o.queueCalls}, {&c.pipeRequests, &o.pipeRequests}} {
		*f.to -= *f.from
	}
}

const burstHead = "writes | versions | searches |   reads | Lambdas |    states |  writes |   reads |    puts | per write"

// TestBurst prints what bursts take, ours and the published design's. The number of ours' searches follows from the minutes over
// which the triggers come, and from the pages of what is new, but not from the number of triggers.
func TestBurst(t *testing.T) {
	plan := recorded(t, CloudTrail, captured...)
	sizes, most := []int{1, 10, 100, 1000}, 100
	if *large {
		sizes, most = append(sizes, 10_000), 1000
	}
	run := func(n int, theirs, counting bool) (c cost) {
		began := time.Now()
		t.Run(fmt.Sprint(n), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { c = burst(t, plan, n, theirs, counting) }) })
		c.took = time.Since(began)
		return c
	}
	var lines []string
	for _, n := range sizes {
		c := run(n, false, true)
		lines = append(lines, c.String())
		if c.published != n {
			t.Errorf("%d of %d versions were published", c.published, n)
		}
		if most := 20 + n/4; c.searches > most {
			t.Errorf("%d searches for %d writes, more than %d", c.searches, n, most)
		}
	}
	t.Logf("ours:\n%s\n%s", burstHead, strings.Join(lines, "\n"))
	lines = nil
	for _, n := range sizes {
		if n <= most {
			c := run(n, true, true)
			lines = append(lines, c.String())
		}
	}
	t.Logf("the published design:\n%s\n%s", burstHead, strings.Join(lines, "\n"))
	n := sizes[len(sizes)-1]
	c := run(n, false, false)
	t.Logf("%d changes went through the whole pipeline in %.2f s of this machine's time: %.0f a second", c.published, c.took.Seconds(), float64(c.published)/c.took.Seconds())
}
