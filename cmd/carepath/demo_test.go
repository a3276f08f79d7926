package main

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/carepath/carepath/deploy/demo"
	"github.com/carepath/carepath/localcloud"
)

// testDemo runs the demo twice, and once more on a stack whose gateway cannot start executions.
func (l *local) testDemo(t *testing.T) {
	before, letters := l.records(t), l.deadLetters(t)
	report := func(exit int, args ...string) (r demo.Report) {
		t.Helper()
		if err := json.Unmarshal([]byte(carepath(t, exit, append([]string{"demo", "--json"}, args...)...)), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for range 2 {
		systems := map[string]bool{}
		r := report(exitDone)
		for _, c := range r.Checks {
			systems[c.System] = true
			if c.Outcome != demo.Held {
				t.Errorf("%+v", c)
			}
		}
		for _, name := range []string{"intake", "users", "samples", "domain"} {
			if !systems[name] {
				t.Errorf("the system %s was not driven", name)
			}
		}
	}
	after := l.records(t)
	if !reflect.DeepEqual(before.items, after.items) || !reflect.DeepEqual(before.pool, after.pool) {
		t.Errorf("the demo leaves %v, %v; there was %v, %v", after.items, after.pool, before.items, before.pool)
	}
	if n := l.deadLetters(t); n != letters {
		t.Errorf("the dead-letter queue has %d messages, and had %d", n, letters)
	}

	fault := localcloud.Fault{Service: "states", Action: "StartExecution", Code: "ServiceUnavailable", Status: 503}
	if err := l.own(t.Context(), http.MethodPost, "faults", fault, nil); err != nil {
		t.Fatal(err)
	}
	r := report(exitFailed, "--failures=false", "--timeout", "20s")
	if err := l.own(t.Context(), http.MethodDelete, "faults", nil, nil); err != nil {
		t.Fatal(err)
	}
	outcomes := map[demo.Outcome]int{}
	for _, c := range r.Checks {
		if c.System == "intake" {
			outcomes[c.Outcome]++
		} else if c.Outcome != demo.Held {
			t.Errorf("%+v", c)
		}
	}
	if r.Broken != outcomes[demo.Broken] || outcomes[demo.Broken] != 2 || outcomes[demo.Skipped] != 2 {
		t.Errorf("with executions that cannot be started: %+v", r)
	}
}

// deadLetters is how many messages are in the intake's dead-letter queue, hidden ones too.
func (l *local) deadLetters(t testing.TB) int {
	t.Helper()
	got, err := sqs.NewFromConfig(l.config()).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(l.outputs["intakeDeadLetterQueueUrl"]), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
		n, err := strconv.Atoi(got.Attributes[name])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}
