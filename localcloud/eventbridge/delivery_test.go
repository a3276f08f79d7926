package eventbridge_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

func TestEventReachesItsTargets(t *testing.T) {
	w := newWorld(t, store.Memory())
	ruleARN := events + "rule/r"
	w.queue("q", ruleARN)
	w.queue("other", events+"rule/other")
	w.do("logs", "CreateLogGroup", members{"logGroupName": "/aws/events/all"})
	w.do("logs", "PutResourcePolicy", members{"policyName": "events", "policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
"Principal":{"Service":["events.amazonaws.com","delivery.logs.amazonaws.com"]},"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:*:*:log-group:/aws/events/*:*"}]}`})
	invoked := make(chan string, 1)
	w.functions(ruleARN, invoked)
	w.role(`{"Effect":"Allow","Action":"states:StartExecution","Resource":"*"}`)
	machine := w.do("states", "CreateStateMachine", members{"name": "m", "roleArn": role, "definition": `{"StartAt":"a","States":{"a":{"Type":"Pass","End":true}}}`}).(*stepfunctions.CreateStateMachineOutput).StateMachineArn
	function := "arn:aws:lambda:us-east-1:" + account + ":function:f"
	w.rule("r", members{"Id": "q", "Arn": queueARN("q")}, members{"Id": "m", "Arn": machine, "RoleArn": role}, members{"Id": "f", "Arn": function},
		members{"Id": "l", "Arn": "arn:aws:logs:us-east-1:" + account + ":log-group:/aws/events/all"}, members{"Id": "o", "Arn": queueARN("other")})

	results := w.put(entry("app", ` { "n" : 1.50, "a":["ä<>&"] } `, "Resources", []string{"arn:aws:x:::y"}), entry("else", "{}"))
	if results[0].EventID == "" || results[1].EventID == "" {
		t.Fatal(results)
	}
	want := `{"version":"0","id":"` + results[0].EventID + `","detail-type":"Thing Happened","source":"app","account":"111111111111","time":"2026-11-01T12:00:00Z","region":"us-east-1","resources":["arn:aws:x:::y"],"detail":{"n":1.50,"a":["ä<>&"]}}`
	if got := w.bodies("q"); len(got) != 1 || got[0] != want {
		t.Errorf("the queue got %q, want %s", got, want)
	}
	if got := w.bodies("other"); len(got) != 0 {
		t.Errorf("a queue whose policy names another rule got %q", got)
	}
	if got := <-invoked; got != "Event "+want {
		t.Errorf("the function got %s", got)
	}
	executions := w.do("states", "ListExecutions", members{"stateMachineArn": machine}).(*stepfunctions.ListExecutionsOutput).Executions
	if len(executions) != 1 || !strings.HasPrefix(executions[0].Name, results[0].EventID+"_") {
		t.Errorf("executions: %+v", executions)
	}
	logged := w.do("logs", "FilterLogEvents", members{"logGroupName": "/aws/events/all"}).(*logs.FilterLogEventsOutput).Events
	if len(logged) != 1 || logged[0].Message != want {
		t.Errorf("logged: %+v", logged)
	}
}

func TestEntriesFailOneByOne(t *testing.T) {
	w := newWorld(t, store.Memory())
	results := w.put(entry("", "{}"), entry("app", "{}", "DetailType", ""), entry("app", ""), entry("app", `"text"`), entry("app", "[]"), entry("app", "{"),
		entry("aws.s3", "{}"), entry("app", "{}", "EventBusName", "nowhere"), entry("app", "{}"))
	var got []string
	for _, r := range results {
		got = append(got, r.ErrorCode+" "+r.ErrorMessage)
	}
	want := []string{
		"InvalidArgument Parameter Source is not valid. Reason: Source is a required argument.",
		"InvalidArgument Parameter DetailType is not valid. Reason: DetailType is a required argument.",
		"InvalidArgument Parameter Detail is not valid. Reason: Detail is a required argument.",
		"MalformedDetail Detail is malformed.", "MalformedDetail Detail is malformed.", "MalformedDetail Detail is malformed.",
		"NotAuthorizedForSourceException Not authorized for the source.", " ", " ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	_, err := w.try("events", "PutEvents", members{"Entries": []members{entry("app", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`)}})
	w.refused("ValidationException", "Total size of the entries in the request is over the limit.", err)
	_, err = w.try("events", "PutEvents", members{"Entries": slices.Repeat([]members{entry("app", "{}")}, 11)})
	w.refused("ValidationException", "Member must have length less than or equal to 10", err)
}

func attributes(m sqs.Message) map[string]string {
	all := map[string]string{}
	for name, v := range m.MessageAttributes {
		all[name] = *v.StringValue
	}
	return all
}

func TestRetriesAndDeadLetters(t *testing.T) {
	w := newWorld(t, store.Memory())
	ruleARN := events + "rule/r"
	w.queue("q", ruleARN)
	w.queue("dead", ruleARN)
	attempts := 3
	target := members{"Id": "q", "Arn": queueARN("q"), "DeadLetterConfig": members{"Arn": queueARN("dead")}, "RetryPolicy": members{"MaximumRetryAttempts": attempts}}
	w.rule("r", target)
	calls := 0
	remove := w.d.Faults.Inject(dispatch.Fault{Service: "sqs", Action: "SendMessage", Match: func(c *dispatch.Call) bool { return slices.Contains(c.Resources, queueARN("q")) },
		Do: func(context.Context, *dispatch.Call) *dispatch.Error {
			calls++
			return &dispatch.Error{Code: "ServiceUnavailable", Status: 503, Message: "not now"}
		}})
	// Faults removed in time: the retry delivers.
	w.put(entry("app", `{"n":1}`))
	if calls != 1 || len(w.received("q")) != 0 {
		t.Fatal("calls:", calls)
	}
	remove()
	w.advance(time.Second)
	if got := w.bodies("q"); len(got) != 1 || !strings.Contains(got[0], `{"n":1}`) {
		t.Errorf("after the fault: %q", got)
	}
	// Attempts used up.
	calls = 0
	remove = w.d.Faults.Inject(dispatch.Fault{Service: "sqs", Match: func(c *dispatch.Call) bool { return slices.Contains(c.Resources, queueARN("q")) },
		Do: func(context.Context, *dispatch.Call) *dispatch.Error {
			calls++
			return &dispatch.Error{Code: "ServiceUnavailable", Status: 503, Message: "not now"}
		}})
	id := w.put(entry("app", `{"n":2}`))[0].EventID
	for range 5 {
		w.advance(time.Minute)
	}
	if calls != 1+attempts {
		t.Error("calls:", calls)
	}
	remove()
	dead := w.received("dead")
	if len(dead) != 1 || !strings.Contains(dead[0].Body, id) {
		t.Fatalf("dead letters: %+v", dead)
	}
	want := map[string]string{"RULE_ARN": ruleARN, "TARGET_ARN": queueARN("q"), "ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "not now",
		"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "3"}
	for name, value := range want {
		if got := attributes(dead[0])[name]; got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	// What lacks a permission or a resource is not repeated.
	w.do("sqs", "SetQueueAttributes", members{"QueueUrl": base + "q", "Attributes": members{"Policy": ""}})
	w.put(entry("app", `{"n":3}`))
	if dead := w.received("dead"); len(dead) != 1 || attributes(dead[0])["ERROR_CODE"] != "NO_PERMISSIONS" {
		t.Errorf("dead letters: %+v", dead)
	}
	w.do("sqs", "DeleteQueue", members{"QueueUrl": base + "q"})
	w.put(entry("app", `{"n":4}`))
	if dead := w.received("dead"); len(dead) != 1 || attributes(dead[0])["ERROR_CODE"] != "NO_PERMISSIONS" && attributes(dead[0])["ERROR_CODE"] != "NO_RESOURCE" {
		t.Errorf("dead letters: %+v", dead)
	}
}

func TestAgeEndsRetries(t *testing.T) {
	w := newWorld(t, store.Memory())
	ruleARN := events + "rule/r"
	w.queue("q", ruleARN)
	w.queue("dead", ruleARN)
	w.rule("r", members{"Id": "q", "Arn": queueARN("q"), "DeadLetterConfig": members{"Arn": queueARN("dead")}, "RetryPolicy": members{"MaximumEventAgeInSeconds": 60}})
	defer w.d.Faults.Inject(dispatch.Fault{Service: "sqs", Match: func(c *dispatch.Call) bool { return slices.Contains(c.Resources, queueARN("q")) },
		Err: dispatch.Errorf("ThrottlingException", "Rate exceeded")})()
	w.put(entry("app", `{}`))
	for range 10 {
		w.advance(time.Minute)
	}
	dead := w.received("dead")
	if len(dead) != 1 || attributes(dead[0])["EXHAUSTED_RETRY_CONDITION"] != "MaximumEventAgeInSeconds" || attributes(dead[0])["ERROR_CODE"] != "THROTTLING" {
		t.Fatalf("dead letters: %+v", dead)
	}
}

func TestAnotherBus(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.do("events", "CreateEventBus", members{"Name": "changes"})
	w.queue("q", events+"rule/changes/all")
	w.do("events", "PutRule", members{"Name": "all", "EventBusName": "changes", "EventPattern": `{"account":["` + account + `"]}`})
	w.targets("all", "changes", members{"Id": "q", "Arn": queueARN("q")})
	w.role(`{"Effect":"Allow","Action":"events:PutEvents","Resource":"` + events + `event-bus/changes"}`)
	w.rule("forward", members{"Id": "bus", "Arn": events + "event-bus/changes", "RoleArn": role})
	id := w.put(entry("app", `{"n":1}`))[0].EventID
	if got := w.bodies("q"); len(got) != 1 || !strings.Contains(got[0], id) {
		t.Errorf("forwarded: %q", got)
	}
	// A caller needs the permission, or the bus's policy.
	if _, err := w.d.Do(t.Context(), dispatch.Principal{ARN: "healthlake.amazonaws.com", Service: "healthlake.amazonaws.com"}, "events", "PutEvents",
		members{"Entries": []members{entry("healthlake", "{}", "EventBusName", "changes")}}); dispatch.AsError(err).Code != "AccessDeniedException" {
		t.Errorf("without a policy: %v", err)
	}
	w.do("events", "PutPermission", members{"EventBusName": "changes", "Policy": `{"Version":"2012-10-17","Statement":[{"Sid":"h","Effect":"Allow","Principal":{"Service":"healthlake.amazonaws.com"},"Action":"events:PutEvents","Resource":"` + events + `event-bus/changes"}]}`})
	if _, err := w.d.Do(t.Context(), dispatch.Principal{ARN: "healthlake.amazonaws.com", Service: "healthlake.amazonaws.com"}, "events", "PutEvents",
		members{"Entries": []members{entry("healthlake", "{}", "EventBusName", "changes")}}); err != nil {
		t.Errorf("with a policy: %v", err)
	}
	// An AWS service may write to the default bus, in its own name.
	if _, err := w.d.Do(t.Context(), dispatch.Principal{ARN: "cloudtrail.amazonaws.com", Service: "cloudtrail.amazonaws.com"}, "events", "PutEvents",
		members{"Entries": []members{entry("aws.healthlake", "{}")}}); err != nil {
		t.Errorf("a service on the default bus: %v", err)
	}
	w.settle()
}

func TestReadOnlyCallsReachOnlyRulesThatSaySo(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.queue("writes", events+"rule/writes")
	w.queue("all", events+"rule/all")
	for name, state := range map[string]string{"writes": "ENABLED", "all": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"} {
		w.do("events", "PutRule", members{"Name": name, "State": state, "EventPattern": `{"detail-type":["AWS API Call via CloudTrail"]}`})
		w.targets(name, "default", members{"Id": "q", "Arn": queueARN(name)})
	}
	trail := dispatch.Principal{ARN: "cloudtrail.amazonaws.com", Service: "cloudtrail.amazonaws.com"}
	for _, detail := range []string{`{"readOnly":true,"managementEvent":true,"eventCategory":"Management"}`, `{"readOnly":false,"managementEvent":true,"eventCategory":"Management"}`} {
		if _, err := w.d.Do(t.Context(), trail, "events", "PutEvents", members{"Entries": []members{entry("aws.healthlake", detail, "DetailType", "AWS API Call via CloudTrail")}}); err != nil {
			t.Fatal(err)
		}
	}
	w.settle()
	if writes, all := len(w.received("writes")), len(w.received("all")); writes != 1 || all != 2 {
		t.Errorf("%d and %d events", writes, all)
	}
}

func TestDisturbedDeliveries(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.queue("q", events+"rule/r")
	w.rule("r", members{"Id": "q", "Arn": queueARN("q"), "InputPath": "$.detail.n"})
	n := 0
	w.s.Disturb(func(d eventbridge.Delivery) []time.Duration {
		if d.Bus != "default" || d.Rule != "r" || d.Target != "q" || d.TargetArn != queueARN("q") || d.EventID == "" {
			t.Errorf("asked about %+v", d)
		}
		n++
		return [][]time.Duration{{time.Minute}, {0, 0}, nil, {0}}[n-1]
	})
	for _, n := range []string{"1", "2", "3", "4"} {
		w.put(entry("app", `{"n":`+n+`}`))
	}
	if got := w.bodies("q"); !slices.Equal(got, []string{"2", "2", "4"}) {
		t.Errorf("at once: %q", got)
	}
	w.advance(time.Minute)
	if got := w.bodies("q"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("later: %q", got)
	}
}

// TestAcceptedEventsSurvive breaks off without closing anything, as kill -9 does: what was accepted is delivered by the next
// process.
func TestAcceptedEventsSurvive(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, st)
	w.queue("q", events+"rule/r")
	w.rule("r", members{"Id": "q", "Arn": queueARN("q"), "InputPath": "$.detail.n"})
	w.do("events", "CreateArchive", members{"ArchiveName": "a", "EventSourceArn": events + "event-bus/default"})
	remove := w.d.Faults.Inject(dispatch.Fault{Service: "sqs", Action: "SendMessage", Err: &dispatch.Error{Code: "ServiceUnavailable", Status: 503}})
	for _, n := range []string{"1", "2", "3"} {
		w.put(entry("app", `{"n":`+n+`}`))
	}
	// The folder as it is now, while the first process still runs.
	copied := filepath.Join(t.TempDir(), "copy")
	copyDir(t, dir, copied)
	remove()
	again, err := store.Open(filepath.Join(copied, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	w2 := newWorld(t, again)
	w2.settle()
	w2.advance(time.Minute)
	got := w2.bodies("q")
	slices.Sort(got)
	if !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("delivered after the restart: %q", got)
	}
	if a := w2.do("events", "DescribeArchive", members{"ArchiveName": "a"}).(*eventbridge.Archive); a.EventCount != 3 {
		t.Errorf("the archive has %d events", a.EventCount)
	}
	w.advance(time.Minute)
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.queue("q", events+"rule/r")
	w.queue("other", events+"rule/other")
	w.rule("r", members{"Id": "q", "Arn": queueARN("q")})
	w.rule("other", members{"Id": "q", "Arn": queueARN("other")})
	w.do("events", "CreateArchive", members{"ArchiveName": "a", "EventSourceArn": events + "event-bus/default", "EventPattern": `{"source":["app"]}`, "RetentionDays": 1})
	for _, n := range []string{"1", "2", "3"} {
		w.put(entry("app", `{"n":`+n+`}`))
		w.advance(time.Minute)
	}
	w.put(entry("else", `{}`))
	w.received("q")
	w.received("other")
	at := func(minutes int) float64 { return float64(start.Add(time.Duration(minutes) * time.Minute).Unix()) }
	in := members{"ReplayName": "again", "EventSourceArn": events + "archive/a", "EventStartTime": at(1), "EventEndTime": at(3),
		"Destination": members{"Arn": events + "event-bus/default", "FilterArns": []string{events + "rule/r"}}}
	w.do("events", "StartReplay", in)
	w.settle()
	replay := w.do("events", "DescribeReplay", members{"ReplayName": "again"}).(*eventbridge.Replay)
	if replay.State != "COMPLETED" || !replay.EventLastReplayedTime.Equal(start.Add(2*time.Minute)) {
		t.Errorf("%+v", replay)
	}
	got := w.bodies("q")
	slices.SortFunc(got, func(a, b string) int {
		return strings.Compare(a[strings.Index(a, `"n"`):], b[strings.Index(b, `"n"`):])
	})
	if len(got) != 2 || !strings.HasSuffix(got[0], `"detail":{"n":2},"replay-name":"again"}`) || !strings.Contains(got[1], `"n":3`) || !json.Valid([]byte(got[0])) {
		t.Errorf("replayed: %q", got)
	}
	if got := w.received("other"); len(got) != 0 {
		t.Errorf("a rule that is not wanted got %d events", len(got))
	}
	if a := w.do("events", "DescribeArchive", members{"ArchiveName": "a"}).(*eventbridge.Archive); a.EventCount != 3 {
		t.Errorf("the archive has %d events: replayed ones are not archived again", a.EventCount)
	}
	_, err := w.try("events", "StartReplay", in)
	w.refused("ResourceAlreadyExistsException", "Replay again already exists.", err)
	in["ReplayName"], in["EventEndTime"] = "wrong", at(1)
	_, err = w.try("events", "StartReplay", in)
	w.refused("ValidationException", "EventStartTime must be before EventEndTime", err)
	w.advance(26 * time.Hour)
	if a := w.do("events", "DescribeArchive", members{"ArchiveName": "a"}).(*eventbridge.Archive); a.EventCount != 0 {
		t.Errorf("%d events are past their retention", a.EventCount)
	}
}

func TestScheduledRules(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.queue("q", events+"rule/sweep")
	for _, wrong := range []string{"rate(1 minutes)", "rate(5 minute)", "at(2027-01-01T00:00:00)", "cron(* * * * *)", "every day"} {
		_, err := w.try("events", "PutRule", members{"Name": "sweep", "ScheduleExpression": wrong})
		w.refused("ValidationException", "Parameter ScheduleExpression is not valid.", err)
	}
	w.do("events", "PutRule", members{"Name": "sweep", "ScheduleExpression": "rate(5 minutes)"})
	w.targets("sweep", "default", members{"Id": "q", "Arn": queueARN("q")})
	w.advance(11 * time.Minute)
	got := w.bodies("q")
	if len(got) != 2 || !strings.Contains(got[0], `"detail-type":"Scheduled Event","source":"aws.events","account":"111111111111","time":"2026-11-01T12:05:00Z","region":"us-east-1","resources":["`+events+`rule/sweep"],"detail":{}}`) {
		t.Errorf("got %q", got)
	}
	w.do("events", "DisableRule", members{"Name": "sweep"})
	w.advance(time.Hour)
	if got := w.bodies("q"); len(got) != 0 {
		t.Errorf("disabled: %q", got)
	}
	w.do("events", "PutRule", members{"Name": "sweep", "ScheduleExpression": "cron(30 14 * * ? *)"})
	w.advance(24 * time.Hour)
	if got := w.bodies("q"); len(got) != 1 || !strings.Contains(got[0], "2026-11-01T14:30:00Z") {
		t.Errorf("got %q", got)
	}
}

func TestKeyOfABus(t *testing.T) {
	w := newWorld(t, store.Memory())
	policy := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"},
{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":[` + actions + `],"Resource":"*","Condition":{"StringEquals":{
"aws:SourceArn":"` + events + `event-bus/secret","kms:EncryptionContext:aws:events:event-bus:arn":"` + events + `event-bus/secret"}}}]}`
	}
	const may, mayNot = `"kms:GenerateDataKey","kms:Decrypt","kms:DescribeKey"`, `"kms:DescribeKey"`
	key := keyOf(w, policy(may))
	w.queue("q", events+"rule/secret/r")
	w.queue("dead", events+"event-bus/secret")
	w.do("events", "CreateEventBus", members{"Name": "secret", "KmsKeyIdentifier": key, "DeadLetterConfig": members{"Arn": queueARN("dead")}})
	w.do("events", "PutRule", members{"Name": "r", "EventBusName": "secret", "EventPattern": `{"source":["app"]}`})
	w.targets("r", "secret", members{"Id": "q", "Arn": queueARN("q")})
	w.put(entry("app", "{}", "EventBusName", "secret"))
	if got := w.bodies("q"); len(got) != 1 {
		t.Errorf("got %q", got)
	}
	w.do("kms", "PutKeyPolicy", members{"KeyId": key, "Policy": policy(mayNot)})
	w.advance(10 * time.Minute) // the data key is not used any more
	w.put(entry("app", "{}", "EventBusName", "secret"))
	if got, dead := w.bodies("q"), w.received("dead"); len(got) != 0 || len(dead) != 1 || attributes(dead[0])["ERROR_CODE"] != "NO_PERMISSIONS" {
		t.Errorf("got %q, dead letters %+v", got, dead)
	}
}

// TestStateMachinePutsEvents has the optimised integration of Step Functions put events: they name the execution, and an entry
// that fails fails the task with all of the answer.
func TestStateMachinePutsEvents(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.queue("q", events+"rule/r")
	w.rule("r", members{"Id": "q", "Arn": queueARN("q")})
	w.role(`{"Effect":"Allow","Action":"events:PutEvents","Resource":"` + events + `event-bus/default"}`)
	machine := w.do("states", "CreateStateMachine", members{"name": "m", "roleArn": role, "definition": `{"StartAt":"Put","States":{"Put":{"Type":"Task","Resource":"arn:aws:states:::events:putEvents",
"Parameters":{"Entries":[{"Source":"app","DetailType":"t","Detail":{"n.$":"$.n"}},{"Source":"app","DetailType":"t","Detail.$":"$.second"}]},"End":true}}}`}).(*stepfunctions.CreateStateMachineOutput).StateMachineArn
	run := func(input string) *stepfunctions.DescribeExecutionOutput {
		t.Helper()
		arn := w.do("states", "StartExecution", members{"stateMachineArn": machine, "input": input}).(*stepfunctions.StartExecutionOutput).ExecutionArn
		if err := w.states.Rest(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		w.settle()
		return w.do("states", "DescribeExecution", members{"executionArn": arn}).(*stepfunctions.DescribeExecutionOutput)
	}
	done := run(`{"n":1,"second":{"n":2}}`)
	got := w.bodies("q")
	if done.Status != "SUCCEEDED" || len(got) != 2 || !strings.Contains(got[0]+got[1], `"resources":["`+done.ExecutionArn+`","`+machine+`"],"detail":{"n":1}`) {
		t.Errorf("%+v, %q", done, got)
	}
	failed := run(`{"n":1,"second":"no JSON"}`)
	var cause struct {
		FailedEntryCount int
		Entries          []eventbridge.PutEventsResult
	}
	if err := json.Unmarshal([]byte(*failed.Cause), &cause); err != nil {
		t.Fatalf("%+v: %v", failed, err)
	}
	if *failed.Error != "EventBridge.FailedEntry" || cause.FailedEntryCount != 1 || cause.Entries[0].EventID == "" || cause.Entries[1].ErrorCode != "MalformedDetail" {
		t.Errorf("%+v", failed)
	}
}
