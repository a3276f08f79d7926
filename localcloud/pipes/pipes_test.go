package pipes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/pipes"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	account = "000000000000"
	base    = "https://sqs.us-east-1.amazonaws.com/" + account + "/"
	role    = "arn:aws:iam::" + account + ":role/pipe"
	source  = "arn:aws:sqs:us-east-1:" + account + ":q"
	machine = "arn:aws:states:us-east-1:" + account + ":stateMachine:m"
)

type members = map[string]any

// world is Pipes with the services that it calls. In the bubbles of testing/synctest its clock takes no time.
type world struct {
	testing.TB
	d      *dispatch.Dispatcher
	pipes  *pipes.Service
	states *stepfunctions.Service
}

func open(t testing.TB, s *store.Store) *world {
	t.Helper()
	w := &world{TB: t, d: dispatch.New(clock.Real{}, account, "us-east-1")}
	var err error
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(iam.New(w.d, s))
	must(kms.New(w.d, s))
	must(sqs.New(w.d, s))
	w.states, err = stepfunctions.New(w.d, s)
	must(nil, err)
	w.pipes, err = pipes.New(w.d, s)
	must(nil, err)
	w.states.Start()
	w.pipes.Start()
	return w
}

func (w *world) close() {
	w.Helper()
	if err := w.pipes.Close(context.Background()); err != nil {
		w.Error(err)
	}
	if err := w.states.Close(context.Background()); err != nil {
		w.Error(err)
	}
}

// usual runs a test in a world with a queue, another queue, an Express state machine that does what echo says, and a role
// that a pipe between them needs.
func usual(t *testing.T, definition string, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := open(t, store.Memory())
		defer w.close()
		w.prepare(definition)
		f(w)
	})
}

// echo sends what it gets to the other queue, as text.
const echo = `{"QueryLanguage":"JSONata","StartAt":"Send","States":{"Send":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage",
"Arguments":{"QueueUrl":"` + base + `out","MessageBody":"{% $string($states.input) %}"},"Output":{},"End":true}}}`

func (w *world) prepare(definition string) {
	w.Helper()
	for _, name := range []string{"q", "out"} {
		w.do("sqs", "CreateQueue", members{"QueueName": name, "Attributes": map[string]string{"VisibilityTimeout": "60"}})
	}
	for name, service := range map[string]string{"pipe": "pipes", "machine": "states"} {
		w.do("iam", "CreateRole", members{"RoleName": name, "AssumeRolePolicyDocument": fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"%s.amazonaws.com"},"Action":"sts:AssumeRole"}}`, service)})
	}
	w.allow("machine", "out", "*", "sqs:SendMessage")
	w.allow("pipe", "source", source, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	w.allow("pipe", "target", "*", "states:StartSyncExecution", "states:StartExecution", "sqs:SendMessage")
	w.do("states", "CreateStateMachine", members{"name": "m", "type": "EXPRESS", "roleArn": "arn:aws:iam::" + account + ":role/machine", "definition": definition})
}

func (w *world) allow(roleName, name, resource string, actions ...string) {
	w.Helper()
	text, err := json.Marshal(actions)
	if err != nil {
		w.Fatal(err)
	}
	w.do("iam", "PutRolePolicy", members{"RoleName": roleName, "PolicyName": name,
		"PolicyDocument": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":%q}]}`, text, resource)})
}

// pass waits until the embedded AWS's clock has moved on by d, which takes no time in a bubble.
func (w *world) pass(d time.Duration) {
	passed := make(chan struct{})
	w.d.Clock.AfterFunc(d, func() { close(passed) })
	<-passed
}

func (w *world) try(service, action string, in any) (any, error) {
	return w.d.Do(context.Background(), w.d.Root(), service, action, in)
}

func (w *world) do(service, action string, in any) any {
	w.Helper()
	out, err := w.try(service, action, in)
	if err != nil {
		w.Fatalf("%s:%s: %v", service, action, err)
	}
	return out
}

// spec is a pipe from the queue to the state machine, with changes: "queue.", "target." and "machine." go into the parameters.
func spec(changes ...any) members {
	queue, target, machineParameters := members{}, members{}, members{}
	in := members{"Name": "p", "RoleArn": role, "Source": source, "Target": machine}
	for i := 0; i < len(changes); i += 2 {
		where, name, in2 := in, changes[i].(string), changes[i+1]
		for prefix, m := range map[string]members{"queue.": queue, "target.": target, "machine.": machineParameters} {
			if rest, ok := strings.CutPrefix(name, prefix); ok {
				where, name = m, rest
			}
		}
		where[name] = in2
	}
	if len(machineParameters) > 0 {
		target["StepFunctionStateMachineParameters"] = machineParameters
	}
	if len(target) > 0 {
		in["TargetParameters"] = target
	}
	if len(queue) > 0 {
		sp, _ := in["SourceParameters"].(members)
		if sp == nil {
			sp = members{}
		}
		sp["SqsQueueParameters"] = queue
		in["SourceParameters"] = sp
	}
	return in
}

// create makes a pipe, which must run.
func (w *world) create(changes ...any) {
	w.Helper()
	w.do("pipes", "CreatePipe", spec(changes...))
	if state, why := w.state(); state != "RUNNING" {
		w.Fatalf("%s: %s", state, why)
	}
}

func (w *world) state() (state, reason string) {
	w.Helper()
	out := w.do("pipes", "DescribePipe", members{"Name": "p"}).(*pipes.DescribePipeOutput)
	return out.CurrentState, out.StateReason
}

func (w *world) send(bodies ...string) {
	w.Helper()
	for _, body := range bodies {
		w.do("sqs", "SendMessage", members{"QueueUrl": base + "q", "MessageBody": body})
	}
}

// got takes the bodies of all messages from the other queue.
func (w *world) got() []string {
	w.Helper()
	bodies := []string{}
	for {
		out := w.do("sqs", "ReceiveMessage", members{"QueueUrl": base + "out", "MaxNumberOfMessages": 10}).(*sqs.ReceiveMessageOutput)
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			w.do("sqs", "DeleteMessage", members{"QueueUrl": base + "out", "ReceiptHandle": m.ReceiptHandle})
			bodies = append(bodies, m.Body)
		}
	}
}

// left is how many messages the source still has, hidden ones too.
func (w *world) left() string {
	w.Helper()
	out := w.do("sqs", "GetQueueAttributes", members{"QueueUrl": base + "q", "AttributeNames": []string{"All"}}).(*sqs.GetQueueAttributesOutput)
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func (w *world) want(bodies ...string) {
	w.Helper()
	synctest.Wait()
	got := w.got()
	slices.Sort(got)
	slices.Sort(bodies)
	if !slices.Equal(got, bodies) {
		w.Errorf("the target got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(bodies, "\n"))
	}
}

const wrapped = `{"n": <$.body.n>, "from": "<aws.pipes.pipe-name>", "whole": <$.body>}`

func TestABatchIsAnArrayOfWhatTheTemplateMakes(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("target.InputTemplate", wrapped, "queue.BatchSize", 100, "queue.MaximumBatchingWindowInSeconds", 5)
		w.send(`{"n":1}`, `{"n":2, "deep":{"x":[true]}}`)
		w.pass(5 * time.Second)
		w.want(`[{"n":1,"from":"p","whole":{"n":1}},{"n":2,"from":"p","whole":{"n":2,"deep":{"x":[true]}}}]`)
		if w.left() != "0+0" {
			t.Errorf("left %s", w.left())
		}
	})
}

func TestABatchEndsWithItsSizeItsWindowOrItsBytes(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("target.InputTemplate", `<$.body.n>`, "queue.BatchSize", 12, "queue.MaximumBatchingWindowInSeconds", 50)
		for n := range 25 {
			w.send(fmt.Sprintf(`{"n":%d}`, n))
		}
		w.want("[0,1,2,3,4,5,6,7,8,9,10,11]", "[12,13,14,15,16,17,18,19,20,21,22,23]")
		w.pass(49 * time.Second)
		w.want()
		w.pass(time.Second)
		w.want("[24]")
		big := strings.Repeat("x", 100<<10)
		w.send(`{"n":"`+big+`"}`, `{"n":"`+big+`"}`, `{"n":"`+big+`"}`)
		w.want(`["` + big + `","` + big + `"]`)
	})
}

func TestWithoutATemplateTheTargetGetsTheRecord(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create()
		w.do("sqs", "SendMessage", members{"QueueUrl": base + "q", "MessageBody": `{"n":1}`,
			"MessageAttributes": members{"a": members{"DataType": "String", "StringValue": "v"}}})
		synctest.Wait()
		got := w.got()
		var records []struct {
			MessageID, ReceiptHandle, Body, MD5OfBody, EventSource, EventSourceARN, AWSRegion string
			Attributes                                                                        map[string]string
			MessageAttributes                                                                 map[string]struct{ StringValue, DataType string }
		}
		if len(got) != 1 || json.Unmarshal([]byte(got[0]), &records) != nil || len(records) != 1 {
			t.Fatalf("%q", got)
		}
		r := records[0]
		if r.Body != `{"n":1}` || r.EventSource != "aws:sqs" || r.EventSourceARN != source || r.AWSRegion != "us-east-1" || r.MessageID == "" || r.ReceiptHandle == "" ||
			r.MD5OfBody == "" || r.Attributes["ApproximateReceiveCount"] != "1" || r.MessageAttributes["a"].StringValue != "v" || r.MessageAttributes["a"].DataType != "String" {
			t.Errorf("%+v", r)
		}
	})
}

// TestABodyAloneLosesItsQuotes holds to what AWS documents of a template that is <$.body> and nothing else.
func TestABodyAloneLosesItsQuotes(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("target.InputTemplate", "<$.body>", "queue.BatchSize", 1)
		w.send(`{"n":1}`, `plain "text"`, `{"n":"text"}`)
		w.want(`["plain \"text\""]`)
		if w.left() != "0+2" {
			t.Errorf("left %s", w.left())
		}
	})
}

func TestWhatNoFilterLetsPassIsDeleted(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("target.InputTemplate", "<$.body.n>", "SourceParameters", members{"FilterCriteria": members{"Filters": []members{
			{"Pattern": `{"body":{"n":[{"numeric":[">",5]}]}}`}, {"Pattern": `{"body":["word"]}`}}}})
		w.send(`{"n":5}`, `{"n":6}`, `word`, `other`, `{"m":1}`)
		synctest.Wait()
		got := strings.Join(w.got(), "")
		if strings.Count(got, "6") != 1 || strings.Contains(got, "5") || w.left() != "0+0" {
			t.Errorf("got %s, left %s", got, w.left())
		}
	})
}

const failing = `{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$[0]","StringEquals":"good","Next":"B"}],"Default":"C"},
"B":{"Type":"Succeed"},"C":{"Type":"Fail","Error":"Bad"}}}`

func TestAFailedBatchComesAgainAfterItsVisibilityTimeout(t *testing.T) {
	usual(t, failing, func(w *world) {
		started := 0
		w.d.Journal.Subscribe(func(e dispatch.Entry) {
			if e.Action == "StartSyncExecution" {
				started++
			}
		})
		w.create("target.InputTemplate", "<$.body>", "queue.BatchSize", 1)
		w.send("bad", "good")
		synctest.Wait()
		if started != 2 || w.left() != "0+1" {
			t.Errorf("%d executions, left %s", started, w.left())
		}
		w.pass(59 * time.Second)
		synctest.Wait()
		if started != 2 {
			t.Errorf("%d executions before the visibility timeout", started)
		}
		w.pass(time.Second)
		synctest.Wait()
		if started != 3 || w.left() != "0+1" {
			t.Errorf("%d executions, left %s", started, w.left())
		}
	})
}

func TestTheOutputNamesWhatFailed(t *testing.T) {
	definition := `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","End":true,
"Output":"{% {'batchItemFailures':[$states.input[body='bad'].{'itemIdentifier':messageId}]} %}"}}}`
	usual(t, definition, func(w *world) {
		w.create("queue.MaximumBatchingWindowInSeconds", 1)
		w.send("good", "bad", "good")
		w.pass(time.Second)
		synctest.Wait()
		if w.left() != "0+1" {
			t.Errorf("left %s", w.left())
		}
	})
}

func TestFireAndForget(t *testing.T) {
	usual(t, failing, func(w *world) {
		w.create("target.InputTemplate", "<$.body>", "machine.InvocationType", "FIRE_AND_FORGET")
		w.send("bad")
		synctest.Wait()
		if w.left() != "0+0" {
			t.Errorf("left %s", w.left())
		}
	})
}

func TestAQueueAsTarget(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("Target", "arn:aws:sqs:us-east-1:"+account+":out", "target.InputTemplate", `{"b":"<$.body>"}`)
		w.send("one", "two")
		w.want(`{"b":"one"}`, `{"b":"two"}`)
		if w.left() != "0+0" {
			t.Errorf("left %s", w.left())
		}
	})
}

// TestAnIdlePipeIsQuiet has a bubble's clock run for a day with nothing in the queue.
func TestAnIdlePipeIsQuiet(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("queue.BatchSize", 100, "queue.MaximumBatchingWindowInSeconds", 5, "target.InputTemplate", "<$.body.n>")
		synctest.Wait()
		before := w.d.Journal.Total()
		w.pass(24 * time.Hour)
		if after := w.d.Journal.Total(); after != before {
			t.Errorf("%d calls in a day", after-before)
		}
		w.do("sqs", "SendMessage", members{"QueueUrl": base + "q", "MessageBody": `{"n":1}`, "DelaySeconds": 30})
		w.pass(30 * time.Second)
		w.want()
		w.pass(5 * time.Second)
		w.want("[1]")
	})
}

func TestFiveBatchesAtATime(t *testing.T) {
	definition := `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":10,"End":true}}}`
	usual(t, definition, func(w *world) {
		w.create("queue.BatchSize", 1)
		for range 12 {
			w.send("x")
		}
		for _, want := range []string{"7+5", "2+5", "0+2", "0+0"} {
			synctest.Wait()
			if w.left() != want {
				t.Errorf("left %s, want %s", w.left(), want)
			}
			w.pass(10 * time.Second)
		}
	})
}

func TestStopUpdateStartDelete(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("target.InputTemplate", "<$.body.n>", "queue.BatchSize", 1)
		w.do("pipes", "StopPipe", members{"Name": "p"})
		w.send(`{"n":1}`)
		w.pass(time.Hour)
		w.want()
		w.do("pipes", "UpdatePipe", members{"Name": "p", "RoleArn": role, "TargetParameters": members{"InputTemplate": `{"was":<$.body.n>}`}})
		w.want()
		w.do("pipes", "StartPipe", members{"Name": "p"})
		w.want(`[{"was":1}]`)
		w.do("pipes", "UpdatePipe", members{"Name": "p", "RoleArn": role, "Description": "d", "SourceParameters": members{"SqsQueueParameters": members{"BatchSize": 2, "MaximumBatchingWindowInSeconds": 60}}})
		w.send(`{"n":2}`, `{"n":3}`)
		w.want(`[{"was":2},{"was":3}]`)
		w.do("pipes", "DeletePipe", members{"Name": "p"})
		w.send(`{"n":4}`)
		w.pass(time.Hour)
		w.want()
		if _, err := w.try("pipes", "DescribePipe", members{"Name": "p"}); dispatch.AsError(err).Code != "NotFoundException" {
			t.Error(err)
		}
	})
}

func TestARoleThatMayNotEndsInCreateFailed(t *testing.T) {
	for _, c := range []struct{ policy, says string }{
		{"source", "sqs:getqueueattributes"}, {"target", "states:StartSyncExecution"},
	} {
		usual(t, echo, func(w *world) {
			w.do("iam", "DeleteRolePolicy", members{"RoleName": "pipe", "PolicyName": c.policy})
			w.do("pipes", "CreatePipe", spec())
			state, why := w.state()
			if state != "CREATE_FAILED" || !strings.Contains(strings.ToLower(why), strings.ToLower(c.says)) {
				t.Errorf("%s: %s", state, why)
			}
		})
	}
}

func TestAPipesKeyIsUsedByItsRole(t *testing.T) {
	usual(t, echo, func(w *world) {
		key := w.do("kms", "CreateKey", members{}).(*kms.KeyMetadataOutput).KeyMetadata.Arn
		in := spec("KmsKeyIdentifier", key)
		w.do("pipes", "CreatePipe", in)
		if state, why := w.state(); state != "CREATE_FAILED" || !strings.Contains(why, "kms:DescribeKey") {
			t.Errorf("without permissions: %s: %s", state, why)
		}
		w.do("pipes", "DeletePipe", members{"Name": in["Name"]})
		w.allow("pipe", "key", key, "kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt")
		w.do("pipes", "CreatePipe", in)
		if state, why := w.state(); state != "RUNNING" {
			t.Errorf("with permissions: %s: %s", state, why)
		}
	})
}

func TestAQueueThatCannotBeReadIsTriedAgain(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("target.InputTemplate", "<$.body.n>")
		remove := w.d.Faults.Inject(dispatch.Fault{Service: "sqs", Action: "ReceiveMessage", After: true,
			Match: func(c *dispatch.Call) bool { return c.Principal.RoleARN == role }, Err: dispatch.Errorf("InternalFailure", "lost")})
		w.send(`{"n":1}`)
		w.want()
		remove()
		w.pass(60 * time.Second)
		w.want("[1]")
	})
}

func TestWhatIsNotEmulatedIsRefusedByName(t *testing.T) {
	usual(t, echo, func(w *world) {
		for says, in := range map[string]members{
			"the source arn:aws:kinesis":  spec("Source", "arn:aws:kinesis:us-east-1:"+account+":stream/s"),
			"the target arn:aws:lambda":   spec("Target", "arn:aws:lambda:us-east-1:"+account+":function:f"),
			"the enrichment arn:aws:x":    spec("Enrichment", "arn:aws:x"),
			"batchSize":                   spec("queue.BatchSize", 10001),
			"must be at least 1":          spec("queue.BatchSize", 11),
			"invocationType":              spec("machine.InvocationType", "LATER"),
			"Invalid filter pattern":      spec("SourceParameters", members{"FilterCriteria": members{"Filters": []members{{"Pattern": "{"}}}}),
			"invalid variable <body>":     spec("target.InputTemplate", "<body>"),
			"'Member must' at 'roleArn' ": spec("RoleArn", "x"),
		} {
			_, err := w.try("pipes", "CreatePipe", in)
			if e := dispatch.AsError(err); err == nil || e.Code != "ValidationException" || !strings.Contains(e.Message, strings.TrimSuffix(strings.TrimPrefix(says, "'Member must' at "), " ")) {
				t.Errorf("%s: %v", says, err)
			}
		}
	})
}

func TestListsAndTags(t *testing.T) {
	usual(t, echo, func(w *world) {
		w.create("Tags", members{"a": "1"})
		w.do("pipes", "CreatePipe", members{"Name": "other", "RoleArn": role, "Source": source, "Target": machine, "DesiredState": "STOPPED"})
		one := w.do("pipes", "ListPipes", members{"Limit": 1}).(*pipes.ListPipesOutput)
		two := w.do("pipes", "ListPipes", members{"Limit": 1, "NextToken": one.NextToken}).(*pipes.ListPipesOutput)
		if len(one.Pipes) != 1 || one.Pipes[0].Name != "other" || one.Pipes[0].CurrentState != "STOPPED" || len(two.Pipes) != 1 || two.Pipes[0].Name != "p" || two.NextToken != "" {
			t.Errorf("%+v %+v", one, two)
		}
		arn := two.Pipes[0].Arn
		w.do("pipes", "TagResource", members{"resourceArn": arn, "tags": members{"b": "2"}})
		w.do("pipes", "UntagResource", members{"resourceArn": arn, "tagKeys": []string{"a"}})
		if got := w.do("pipes", "ListTagsForResource", members{"resourceArn": arn}).(*pipes.TagsOutput); len(got.Tags) != 1 || got.Tags["b"] != "2" {
			t.Errorf("%v", got.Tags)
		}
	})
}

func TestPipesSurviveKilling(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		for round := range 2 {
			s, err := store.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			w := open(t, s)
			if round == 0 {
				w.prepare(`{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":30,"End":true}}}`)
				w.create("target.InputTemplate", "<$.body.n>")
				w.send(`{"n":1}`)
				synctest.Wait() // the message is with the state machine
			} else if state, why := w.state(); state != "RUNNING" {
				t.Errorf("%s %s", state, why)
			} else {
				w.pass(60 * time.Second)
				synctest.Wait()
				if w.left() != "0+1" {
					t.Errorf("left %s", w.left())
				}
				w.pass(30 * time.Second)
				synctest.Wait()
				if w.left() != "0+0" {
					t.Errorf("left %s", w.left())
				}
			}
			w.close()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
