package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	account = "111111111111"
	events  = "arn:aws:events:us-east-1:" + account + ":"
	base    = "https://sqs.us-east-1.amazonaws.com/" + account + "/"
	role    = "arn:aws:iam::" + account + ":role/rules"
)

type members = map[string]any

func queueARN(name string) string { return "arn:aws:sqs:us-east-1:" + account + ":" + name }

// world is EventBridge with the services that it calls, on a driven clock.
type world struct {
	testing.TB
	d      *dispatch.Dispatcher
	clock  *clock.Driven
	s      *eventbridge.Service
	states *stepfunctions.Service
}

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, st *store.Store) *world {
	t.Helper()
	w := &world{TB: t, clock: clock.NewDriven(start)}
	w.d = dispatch.New(w.clock, account, "us-east-1")
	w.d.Logf = t.Logf
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(iam.New(w.d, st))
	must(kms.New(w.d, st))
	must(logs.New(w.d, st))
	must(sqs.New(w.d, st))
	var err error
	w.states, err = stepfunctions.New(w.d, st)
	must(nil, err)
	w.s, err = eventbridge.New(w.d, st)
	must(nil, err)
	w.states.Start()
	w.s.Start()
	t.Cleanup(func() {
		if err := errors.Join(w.s.Close(context.Background()), w.states.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) try(service, action string, in any) (any, error) {
	return w.d.Do(w.Context(), w.d.Root(), service, action, in)
}

func (w *world) do(service, action string, in any) any {
	w.Helper()
	out, err := w.try(service, action, in)
	if err != nil {
		w.Fatalf("%s:%s: %v", service, action, err)
	}
	return out
}

func (w *world) refused(code, text string, err error) {
	w.Helper()
	if e := dispatch.AsError(err); err == nil || e.Code != code || !strings.Contains(e.Message, text) {
		w.Fatalf("got %v, want %s with %q", err, code, text)
	}
}

// queue makes a queue that a rule may send to; the policy names the rule exactly.
func (w *world) queue(name string, ruleARNs ...string) {
	w.Helper()
	in := members{"QueueName": name}
	if len(ruleARNs) > 0 {
		policy, err := json.Marshal(members{"Version": "2012-10-17", "Statement": []members{{"Effect": "Allow", "Principal": members{"Service": "events.amazonaws.com"},
			"Action": "sqs:SendMessage", "Resource": queueARN(name), "Condition": members{"ArnEquals": members{"aws:SourceArn": ruleARNs}}}}})
		if err != nil {
			w.Fatal(err)
		}
		in["Attributes"] = members{"Policy": string(policy)}
	}
	w.do("sqs", "CreateQueue", in)
}

// rule makes a rule for source "app" on the default bus with targets.
func (w *world) rule(name string, targets ...members) {
	w.Helper()
	w.do("events", "PutRule", members{"Name": name, "EventPattern": `{"source":["app"]}`})
	w.targets(name, "default", targets...)
}

func (w *world) targets(rule, bus string, targets ...members) {
	w.Helper()
	w.do("events", "PutTargets", members{"Rule": rule, "EventBusName": bus, "Targets": targets})
}

func entry(source, detail string, more ...any) members {
	e := members{"Source": source, "DetailType": "Thing Happened", "Detail": detail}
	for i := 0; i < len(more); i += 2 {
		e[more[i].(string)] = more[i+1]
	}
	return e
}

func (w *world) put(entries ...members) []eventbridge.PutEventsResult {
	w.Helper()
	out := w.do("events", "PutEvents", members{"Entries": entries}).(*eventbridge.PutEventsOutput)
	w.settle()
	return out.Entries
}

func (w *world) settle() {
	w.Helper()
	if err := w.s.Rest(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func (w *world) advance(d time.Duration) {
	w.Helper()
	w.clock.Advance(d)
	w.settle()
}

// received takes all messages from a queue.
func (w *world) received(queue string) []sqs.Message {
	w.Helper()
	var all []sqs.Message
	for {
		out := w.do("sqs", "ReceiveMessage", members{"QueueUrl": base + queue, "MaxNumberOfMessages": 10, "MessageAttributeNames": []string{"All"}}).(*sqs.ReceiveMessageOutput)
		if len(out.Messages) == 0 {
			return all
		}
		for _, m := range out.Messages {
			w.do("sqs", "DeleteMessage", members{"QueueUrl": base + queue, "ReceiptHandle": m.ReceiptHandle})
		}
		all = append(all, out.Messages...)
	}
}

// bodies are the bodies of all messages of a queue.
func (w *world) bodies(queue string) []string {
	w.Helper()
	var all []string
	for _, m := range w.received(queue) {
		all = append(all, m.Body)
	}
	return all
}

func (w *world) role(statements string) {
	w.Helper()
	w.do("iam", "CreateRole", members{"RoleName": "rules", "AssumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
"Principal":{"Service":["events.amazonaws.com","states.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`})
	w.do("iam", "PutRolePolicy", members{"RoleName": "rules", "PolicyName": "p", "PolicyDocument": `{"Version":"2012-10-17","Statement":[` + statements + `]}`})
}

// functions plays Lambda: it takes what events.amazonaws.com sends for one rule.
func (w *world) functions(ruleARN string, invoked chan<- string) {
	dispatch.Register(w.d, dispatch.Operation{Service: "lambda", Action: "Invoke", Permission: "lambda:InvokeFunction"},
		func(_ *dispatch.Call, in *lambda.InvokeInput) ([]string, []dispatch.ResourcePolicy, error) {
			return []string{in.FunctionName}, []dispatch.ResourcePolicy{{Resource: in.FunctionName, Document: fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
"Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":%q,"Condition":{"ArnLike":{"AWS:SourceArn":%q}}}]}`, in.FunctionName, ruleARN)}}, nil
		},
		func(_ context.Context, _ *dispatch.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			invoked <- in.InvocationType + " " + string(in.Payload)
			return &lambda.InvokeOutput{StatusCode: 202}, nil
		})
}
