package scheduler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/scheduler"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

const (
	account = "000000000000"
	base    = "https://sqs.us-east-1.amazonaws.com/" + account + "/"
	role    = "arn:aws:iam::" + account + ":role/sweep"
)

type members = map[string]any

// world is a Scheduler with the services that it calls, on a driven clock.
type world struct {
	*testing.T
	d      *dispatch.Dispatcher
	clock  *clock.Driven
	s      *scheduler.Service
	states *stepfunctions.Service
}

func newWorld(t *testing.T, s *store.Store, now time.Time) *world {
	t.Helper()
	w := &world{T: t, clock: clock.NewDriven(now)}
	w.d = dispatch.New(w.clock, account, "us-east-1")
	w.d.Logf = t.Logf
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
	w.s, err = scheduler.New(w.d, s)
	must(nil, err)
	w.states.Start()
	w.s.Start()
	t.Cleanup(func() {
		if err := w.s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// usual is a world with a queue, a dead-letter queue and a role that may send to both.
func usual(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, store.Memory(), start)
	w.prepare()
	return w
}

func (w *world) prepare() {
	w.Helper()
	for _, name := range []string{"q", "dead"} {
		w.do("sqs", "CreateQueue", members{"QueueName": name})
	}
	w.do("iam", "CreateRole", members{"RoleName": "sweep", "AssumeRolePolicyDocument": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
"Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"%s",
"aws:SourceArn":"arn:aws:scheduler:us-east-1:%[1]s:schedule-group/default"}}},
{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}]}`, account)})
	w.allow("send", "sqs:SendMessage", "*")
}

func (w *world) allow(name, action, resource string) {
	w.Helper()
	w.do("iam", "PutRolePolicy", members{"RoleName": "sweep", "PolicyName": name,
		"PolicyDocument": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q}]}`, action, resource)})
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

// spec is a schedule that sends a message, with changes: dots go into the target.
func spec(name, expression string, changes ...any) members {
	target := members{"Arn": "arn:aws:sqs:us-east-1:" + account + ":q", "RoleArn": role, "Input": "<aws.scheduler.scheduled-time>"}
	in := members{"Name": name, "ScheduleExpression": expression, "FlexibleTimeWindow": members{"Mode": "OFF"}, "Target": target}
	for i := 0; i < len(changes); i += 2 {
		if name, ok := strings.CutPrefix(changes[i].(string), "."); ok {
			target[name] = changes[i+1]
		} else {
			in[changes[i].(string)] = changes[i+1]
		}
	}
	return in
}

func (w *world) create(in members) {
	w.Helper()
	w.do("scheduler", "CreateSchedule", in)
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

// want compares the bodies of the messages in the queue.
func (w *world) want(bodies ...string) {
	w.Helper()
	got := []string{}
	for _, m := range w.received("q") {
		got = append(got, m.Body)
	}
	if strings.Join(got, " ") != strings.Join(bodies, " ") {
		w.Errorf("received %q, want %q", got, bodies)
	}
}

func (w *world) refused(code, text string, err error) {
	w.Helper()
	if e := dispatch.AsError(err); err == nil || e.Code != code || !strings.Contains(e.Message, text) {
		w.Errorf("%v, want %s with %q", err, code, text)
	}
}

const empty = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`

func TestStateMachinesStartEachMinute(t *testing.T) {
	w := usual(t)
	w.allow("start", "states:StartExecution", "*")
	started := map[string]int{}
	w.d.Journal.Subscribe(func(e dispatch.Entry) {
		if e.Action == "StartExecution" && e.ErrorCode == "" && e.RoleARN == role {
			started[e.Resources[0][strings.LastIndex(e.Resources[0], ":")+1:]]++
		}
	})
	for _, kind := range []string{"STANDARD", "EXPRESS"} {
		w.do("states", "CreateStateMachine", members{"name": kind, "type": kind, "roleArn": role, "definition": empty})
		w.create(spec(kind, "rate(1 minute)", ".Arn", w.d.ARN("states", "stateMachine:"+kind), ".Input", `{"at":"<aws.scheduler.scheduled-time>","attempt":<aws.scheduler.attempt-number>}`))
	}
	w.clock.Advance(5*time.Minute + 30*time.Second)
	if started["STANDARD"] != 6 || started["EXPRESS"] != 6 { // at once, and five times after that
		t.Errorf("%v", started)
	}
	list := w.do("states", "ListExecutions", members{"stateMachineArn": w.d.ARN("states", "stateMachine:STANDARD")}).(*stepfunctions.ListExecutionsOutput)
	if len(list.Executions) != 6 {
		t.Fatalf("%d executions", len(list.Executions))
	}
	e := w.do("states", "DescribeExecution", members{"executionArn": list.Executions[0].ExecutionArn}).(*stepfunctions.DescribeExecutionOutput)
	if e.Input != `{"at":"2026-01-01T00:05:00Z","attempt":1}` {
		t.Errorf("%v", e.Input)
	}
}

func TestARoleWithoutPermissionIsRefusedRetriedAndBuried(t *testing.T) {
	w := usual(t)
	machine := w.d.ARN("states", "stateMachine:m")
	w.do("states", "CreateStateMachine", members{"name": "m", "roleArn": role, "definition": empty})
	attempts := 0
	w.d.Journal.Subscribe(func(e dispatch.Entry) {
		if e.Action == "StartExecution" && e.ErrorCode == "AccessDeniedException" {
			attempts++
		}
	})
	w.create(spec("s", "at(2026-01-01T00:01:00)", ".Arn", machine, ".Input", `{"n":1}`, ".RetryPolicy", members{"MaximumRetryAttempts": 3},
		".DeadLetterConfig", members{"Arn": "arn:aws:sqs:us-east-1:" + account + ":dead"}))
	w.clock.Advance(time.Minute)
	if attempts != 1 {
		t.Errorf("%d attempts in the first minute", attempts)
	}
	w.clock.Advance(time.Second + 2*time.Second)
	if attempts != 3 || len(w.received("dead")) != 0 {
		t.Errorf("%d attempts", attempts)
	}
	w.clock.Advance(time.Hour)
	dead := w.received("dead")
	if attempts != 4 || len(dead) != 1 || dead[0].Body != `{"n":1}` {
		t.Fatalf("%d attempts, %+v", attempts, dead)
	}
	for name, want := range map[string]string{
		"ERROR_CODE": "AccessDeniedException", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "3", "IS_PAYLOAD_TRUNCATED": "false",
		"SCHEDULED_TIME": "2026-01-01T00:01:00Z", "SCHEDULE_ARN": w.d.ARN("scheduler", "schedule/default/s"), "TARGET_ARN": machine,
	} {
		if got := dead[0].MessageAttributes[name].StringValue; got == nil || *got != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	if m := *dead[0].MessageAttributes["ERROR_MESSAGE"].StringValue; !strings.Contains(m, "not authorized to perform: states:StartExecution") {
		t.Error(m)
	}

	// A permission that comes in time saves the call.
	w.create(spec("late", "at(2026-01-01T02:00:00)", ".Arn", machine, ".Input", "{}"))
	w.clock.Advance(time.Hour)
	w.allow("start", "states:StartExecution", machine)
	w.clock.Advance(time.Hour)
	list := w.do("states", "ListExecutions", members{"stateMachineArn": machine}).(*stepfunctions.ListExecutionsOutput)
	if len(list.Executions) != 1 {
		t.Errorf("%d executions", len(list.Executions))
	}
}

func TestAnEventGrowsTooOld(t *testing.T) {
	w := usual(t)
	w.create(spec("s", "at(2026-01-01T00:01:00)", ".Arn", "arn:aws:sqs:us-east-1:"+account+":none", ".RetryPolicy", members{"MaximumEventAgeInSeconds": 60},
		".DeadLetterConfig", members{"Arn": "arn:aws:sqs:us-east-1:" + account + ":dead"}))
	w.clock.Advance(3 * time.Minute)
	dead := w.received("dead")
	if len(dead) != 1 || *dead[0].MessageAttributes["EXHAUSTED_RETRY_CONDITION"].StringValue != "MaximumEventAgeInSeconds" ||
		*dead[0].MessageAttributes["RETRY_ATTEMPTS"].StringValue != "5" || *dead[0].MessageAttributes["ERROR_CODE"].StringValue != "QueueDoesNotExist" {
		t.Errorf("%+v", dead)
	}
}

func TestStatesDatesAndCompletion(t *testing.T) {
	w := usual(t)
	w.create(spec("off", "rate(1 minute)", "State", "DISABLED"))
	w.clock.Advance(3 * time.Minute)
	w.want()
	w.do("scheduler", "UpdateSchedule", spec("off", "rate(1 minute)"))
	w.clock.Advance(time.Minute)
	w.want("2026-01-01T00:03:00Z", "2026-01-01T00:04:00Z")
	w.do("scheduler", "UpdateSchedule", spec("off", "rate(1 minute)", "Description", "the rhythm goes on"))
	w.clock.Advance(90 * time.Second)
	w.want("2026-01-01T00:05:00Z")
	w.do("scheduler", "DeleteSchedule", members{"Name": "off"})
	w.clock.Advance(time.Hour)
	w.want()

	seconds := func(h, m int) float64 { return float64(time.Date(2026, 1, 1, h, m, 0, 0, time.UTC).Unix()) }
	w.create(spec("window", "rate(30 minutes)", "StartDate", seconds(2, 10), "EndDate", seconds(3, 10), "ActionAfterCompletion", "DELETE"))
	w.create(spec("cron", "cron(0 3,4,5 * * ? *)", "StartDate", seconds(3, 30), "EndDate", seconds(4, 30)))
	w.create(spec("once", "at(2026-01-01T06:00:00)", "ActionAfterCompletion", "DELETE"))
	w.clock.Advance(6 * time.Hour)
	w.want("2026-01-01T02:10:00Z", "2026-01-01T02:40:00Z", "2026-01-01T03:10:00Z", "2026-01-01T04:00:00Z", "2026-01-01T06:00:00Z")
	left := w.do("scheduler", "ListSchedules", members{}).(*scheduler.ListSchedulesOutput).Schedules
	if len(left) != 1 || left[0].Name != "cron" {
		t.Errorf("%+v", left)
	}
}

func TestFlexibleWindowsAreKept(t *testing.T) {
	w := usual(t)
	w.create(spec("s", "at(2026-01-01T01:00:00)", "FlexibleTimeWindow", members{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}))
	w.clock.Advance(time.Hour)
	w.want()
	w.clock.Advance(15 * time.Minute)
	w.want("2026-01-01T01:00:00Z")
}

func TestTargets(t *testing.T) {
	w := usual(t)
	w.do("sqs", "CreateQueue", members{"QueueName": "q.fifo", "Attributes": members{"FifoQueue": "true", "ContentBasedDeduplication": "true"}})
	w.do("states", "CreateStateMachine", members{"name": "m", "roleArn": role, "definition": empty})
	w.allow("start", "states:StartExecution", "*")
	const once = "at(2026-01-01T00:01:00)"
	w.create(spec("fifo", once, ".Arn", "arn:aws:sqs:us-east-1:"+account+":q.fifo", ".SqsParameters", members{"MessageGroupId": "g"}))
	w.create(spec("universal", once, ".Arn", "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", ".Input", `{"QueueUrl":"`+base+`q","MessageBody":"<aws.scheduler.schedule-arn>"}`))
	w.create(spec("start", once, ".Arn", "arn:aws:scheduler:::aws-sdk:sfn:startExecution", ".Input", `{"StateMachineArn":"`+w.d.ARN("states", "stateMachine:m")+`","Name":"n","Input":"{}"}`))
	notice := spec("notice", once)
	delete(notice["Target"].(members), "Input")
	w.clock.Advance(30 * time.Second)
	w.create(notice)
	w.clock.Advance(time.Minute)
	if got := w.received("q.fifo"); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	if _, err := w.try("states", "DescribeExecution", members{"executionArn": w.d.ARN("states", "execution:m:n")}); err != nil {
		t.Error(err)
	}
	got := w.received("q")
	if len(got) != 2 || got[0].Body != w.d.ARN("scheduler", "schedule/default/universal") {
		t.Fatalf("%+v", got)
	}
	var event struct {
		Source, Time, Detail string
		DetailType           string `json:"detail-type"`
		Resources            []string
	}
	if err := json.Unmarshal([]byte(got[1].Body), &event); err != nil || event.Source != "aws.scheduler" || event.DetailType != "Scheduled Event" || event.Detail != "{}" ||
		event.Time != "2026-01-01T00:01:00Z" || event.Resources[0] != w.d.ARN("scheduler", "schedule/default/notice") {
		t.Errorf("%s %v", got[1].Body, err)
	}
}

func TestACallThatIsDueSurvivesTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	open := func(now time.Time) (*world, *store.Store) {
		s, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return newWorld(t, s, now), s
	}
	w, s := open(start)
	w.prepare()
	w.create(spec("each", "rate(10 minutes)"))
	w.create(spec("once", "at(2026-01-01T00:25:00)"))
	w.create(spec("retried", "at(2026-01-01T00:04:00)", ".Arn", "arn:aws:sqs:us-east-1:"+account+":later"))
	w.clock.Advance(5 * time.Minute)
	w.want("2026-01-01T00:00:00Z")
	if err := w.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	w.want() // it is closed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w, s = open(start.Add(57 * time.Minute))
	t.Cleanup(func() { s.Close() })
	w.do("sqs", "CreateQueue", members{"QueueName": "later"})
	w.clock.Advance(time.Second)
	w.want("2026-01-01T00:50:00Z", "2026-01-01T00:25:00Z") // the last of five, and the one
	if got := w.received("later"); len(got) != 1 || got[0].Body != "2026-01-01T00:04:00Z" {
		t.Errorf("%+v", got)
	}
	w.clock.Advance(10 * time.Minute)
	w.want("2026-01-01T01:00:00Z")
}

func TestRolesAndKeys(t *testing.T) {
	w := usual(t)
	w.do("iam", "CreateRole", members{"RoleName": "deployer", "AssumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`})
	deployer, err := w.d.Assume(t.Context(), w.d.Root(), "arn:aws:iam::"+account+":role/deployer", "x")
	if err != nil {
		t.Fatal(err)
	}
	put := func(statements string) {
		w.do("iam", "PutRolePolicy", members{"RoleName": "deployer", "PolicyName": "p", "PolicyDocument": `{"Version":"2012-10-17","Statement":[` + statements + `]}`})
	}
	create := func(in members) error {
		_, err := w.d.Do(t.Context(), deployer, "scheduler", "CreateSchedule", in)
		return err
	}
	const mayCreate = `{"Effect":"Allow","Action":"scheduler:*","Resource":"arn:aws:scheduler:us-east-1:` + account + `:schedule/default/*"}`
	const mayPass = mayCreate + `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"` + role + `","Condition":{"StringEquals":{"iam:PassedToService":"scheduler.amazonaws.com"}}}`
	w.refused("AccessDeniedException", "scheduler:CreateSchedule", create(spec("a", "rate(1 minute)")))
	put(mayCreate)
	w.refused("AccessDeniedException", "iam:PassRole", create(spec("a", "rate(1 minute)")))
	put(mayPass)
	if err := create(spec("a", "rate(1 day)")); err != nil {
		t.Error(err)
	}
	w.do("scheduler", "CreateScheduleGroup", members{"Name": "other"}) // which the role does not trust
	_, err = w.try("scheduler", "CreateSchedule", spec("a", "rate(1 minute)", "GroupName", "other"))
	w.refused("ValidationException", "must allow AWS EventBridge Scheduler to assume the role", err)

	key := w.do("kms", "CreateKey", members{}).(*kms.KeyMetadataOutput).KeyMetadata.Arn
	sealed := spec("sealed", "at(2026-01-01T00:01:00)", "KmsKeyArn", key)
	w.refused("AccessDeniedException", "kms:DescribeKey", create(sealed))
	put(mayPass + `,{"Effect":"Allow","Action":["kms:DescribeKey","kms:GenerateDataKey"],"Resource":"` + key + `"}`)
	if err := create(sealed); err != nil {
		t.Fatal(err)
	}
	_, err = w.d.Do(t.Context(), deployer, "scheduler", "GetSchedule", members{"Name": "sealed"})
	w.refused("AccessDeniedException", "kms:Decrypt", err)
	w.clock.Advance(70 * time.Second)
	w.want("2026-01-01T00:00:00Z") // the other schedule's
	w.allow("key", "kms:Decrypt", key)
	w.clock.Advance(time.Minute)
	w.want("2026-01-01T00:01:00Z")
}

func TestRefusals(t *testing.T) {
	w := usual(t)
	const rate = "rate(1 minute)"
	hour := float64(start.Add(-time.Hour).Unix())
	for _, c := range []struct {
		in         members
		code, text string
	}{
		{spec("a b", rate), "ValidationException", "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$"},
		{spec("s", "rate(1 second)"), "ValidationException", "Invalid Schedule Expression rate(1 second)."},
		{spec("s", rate, "ScheduleExpressionTimezone", "Mars"), "ValidationException", "Mars"},
		{spec("s", rate, "GroupName", "none"), "ResourceNotFoundException", "Schedule group none does not exist."},
		{spec("s", rate, "State", "ON"), "ValidationException", "enum value set: [ENABLED, DISABLED]"},
		{spec("s", rate, "StartDate", hour), "ValidationException", "The StartDate you specify cannot be earlier than 5 minutes ago."},
		{spec("s", rate, "FlexibleTimeWindow", members{"Mode": "FLEXIBLE"}), "ValidationException", "MaximumWindowInMinutes"},
		{spec("s", rate, "FlexibleTimeWindow", nil), "ValidationException", "Value at 'flexibleTimeWindow' failed to satisfy constraint: Member must not be null"},
		{spec("s", rate, ".RetryPolicy", members{"MaximumRetryAttempts": 186, "MaximumEventAgeInSeconds": 59}), "ValidationException", "2 validation errors detected"},
		{spec("s", rate, ".RoleArn", "x"), "ValidationException", "target.roleArn"},
		{spec("s", rate, ".RoleArn", role+"s"), "ValidationException", "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."},
		{spec("s", rate, ".DeadLetterConfig", members{"Arn": "arn:aws:sqs:us-east-1:" + account + ":dead.fifo"}), "ValidationException", "deadLetterConfig.arn"},
		{spec("s", rate, ".Arn", "arn:aws:ecs:us-east-1:"+account+":cluster/c"), "ValidationException", "does not emulate the target"},
		{spec("s", rate, ".Arn", "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"), "ValidationException", "does not emulate the target"},
		{spec("s", rate, ".Arn", "arn:aws:scheduler:::aws-sdk:sqs:receiveMessage"), "ValidationException", "only return data"},
		{spec("s", rate, ".Arn", "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", ".Input", `{"Queue":"x"}`), "ValidationException", "Invalid RequestJson provided. Reason The field 'Queue' is not supported."},
		{spec("s", rate, ".Arn", w.d.ARN("states", "stateMachine:m"), ".Input", "{"), "ValidationException", "well-formed JSON"},
		{spec("s", rate, ".Arn", "arn:aws:sqs:us-east-1:"+account+":q.fifo"), "ValidationException", "MessageGroupId"},
	} {
		_, err := w.try("scheduler", "CreateSchedule", c.in)
		w.refused(c.code, c.text, err)
	}
	first := spec("s", rate, "ClientToken", "one")
	w.create(first)
	w.create(first) // the same request again
	_, err := w.try("scheduler", "CreateSchedule", spec("s", rate, "ClientToken", "two"))
	w.refused("ConflictException", "Schedule s already exists.", err)
	for action, name := range map[string]string{"GetSchedule": "none", "DeleteSchedule": "none"} {
		_, err := w.try("scheduler", action, members{"Name": name})
		w.refused("ResourceNotFoundException", "Schedule none does not exist.", err)
	}
	_, err = w.try("scheduler", "UpdateSchedule", spec("none", rate))
	w.refused("ResourceNotFoundException", "Schedule none does not exist.", err)
	_, err = w.try("scheduler", "ListSchedules", members{"GroupName": "none"})
	w.refused("ResourceNotFoundException", "Schedule group none does not exist.", err)
	_, err = w.try("scheduler", "DeleteScheduleGroup", members{"Name": "default"})
	w.refused("ValidationException", "default", err)
}

func TestGroupsTagsAndPages(t *testing.T) {
	w := usual(t)
	w.do("scheduler", "CreateScheduleGroup", members{"Name": "g", "Tags": []members{{"Key": "a", "Value": "1"}}})
	arn := w.d.ARN("scheduler", "schedule-group/g")
	w.do("scheduler", "TagResource", members{"ResourceArn": arn, "Tags": []members{{"Key": "b", "Value": "2"}}})
	w.do("scheduler", "UntagResource", members{"ResourceArn": arn, "TagKeys": []string{"a"}})
	if tags := w.do("scheduler", "ListTagsForResource", members{"ResourceArn": arn}).(*scheduler.ListTagsForResourceOutput).Tags; len(tags) != 1 || tags[0] != (scheduler.Tag{Key: "b", Value: "2"}) {
		t.Errorf("%v", tags)
	}
	groups := w.do("scheduler", "ListScheduleGroups", members{}).(*scheduler.ListScheduleGroupsOutput).ScheduleGroups
	if len(groups) != 2 || groups[0].Name != "default" || groups[1].Arn != arn || groups[1].State != "ACTIVE" {
		t.Errorf("%+v", groups)
	}
	for i := range 5 {
		w.create(spec(fmt.Sprintf("s%d", i), "rate(1 day)"))
	}
	var names []string
	for token, pages := "", 0; pages == 0 || token != ""; pages++ {
		out := w.do("scheduler", "ListSchedules", members{"NamePrefix": "s", "MaxResults": 2, "NextToken": token}).(*scheduler.ListSchedulesOutput)
		for _, s := range out.Schedules {
			names = append(names, s.Name)
		}
		token = out.NextToken
	}
	if strings.Join(names, " ") != "s0 s1 s2 s3 s4" {
		t.Error(names)
	}
	w.do("scheduler", "DeleteScheduleGroup", members{"Name": "g"})
	_, err := w.try("scheduler", "GetScheduleGroup", members{"Name": "g"})
	w.refused("ResourceNotFoundException", "Schedule group g does not exist.", err)
}
