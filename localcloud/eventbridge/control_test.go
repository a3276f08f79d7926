package eventbridge_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/store"
)

func keyOf(w *world, policy string) string {
	w.Helper()
	return w.do("kms", "CreateKey", members{"Policy": policy}).(*kms.KeyMetadataOutput).KeyMetadata.Arn
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBuses(t *testing.T) {
	w := newWorld(t, store.Memory())
	bus := w.do("events", "DescribeEventBus", members{}).(*eventbridge.EventBus)
	if bus.Name != "default" || bus.Arn != events+"event-bus/default" {
		t.Errorf("%+v", bus)
	}
	w.do("events", "CreateEventBus", members{"Name": "b", "Description": "d", "Tags": []members{{"Key": "k", "Value": "v"}}})
	_, err := w.try("events", "CreateEventBus", members{"Name": "b"})
	w.refused("ResourceAlreadyExistsException", "Event bus b already exists.", err)
	_, err = w.try("events", "DescribeEventBus", members{"Name": "none"})
	w.refused("ResourceNotFoundException", "Event bus none does not exist.", err)
	_, err = w.try("events", "DeleteEventBus", members{"Name": "default"})
	w.refused("ValidationException", "Cannot delete event bus default.", err)
	if got := w.do("events", "ListEventBuses", members{"Limit": 1}).(*eventbridge.ListEventBusesOutput); len(got.EventBuses) != 1 || got.NextToken == "" {
		t.Errorf("%+v", got)
	} else if rest := w.do("events", "ListEventBuses", members{"NextToken": got.NextToken}).(*eventbridge.ListEventBusesOutput); len(rest.EventBuses) != 1 || rest.EventBuses[0].Name != "default" {
		t.Errorf("%+v", rest)
	}
	w.do("events", "PutPermission", members{"EventBusName": "b", "Action": "events:PutEvents", "Principal": "222222222222", "StatementId": "s"})
	w.do("events", "PutPermission", members{"EventBusName": "b", "Action": "events:PutEvents", "Principal": "*", "StatementId": "t"})
	policy := w.do("events", "DescribeEventBus", members{"Name": "b"}).(*eventbridge.EventBus).Policy
	if !strings.Contains(policy, `"Sid":"s"`) || !strings.Contains(policy, "arn:aws:iam::222222222222:root") {
		t.Error(policy)
	}
	w.do("events", "RemovePermission", members{"EventBusName": "b", "StatementId": "s"})
	_, err = w.try("events", "RemovePermission", members{"EventBusName": "b", "StatementId": "s"})
	w.refused("ResourceNotFoundException", "Statement with the provided id does not exist.", err)
	w.do("events", "RemovePermission", members{"EventBusName": "b", "RemoveAllPermissions": true})
	_, err = w.try("events", "RemovePermission", members{"EventBusName": "b", "StatementId": "t"})
	w.refused("ResourceNotFoundException", "EventBus does not have a policy.", err)
	w.do("events", "TagResource", members{"ResourceARN": events + "event-bus/b", "Tags": []members{{"Key": "l", "Value": "w"}}})
	w.do("events", "UntagResource", members{"ResourceARN": events + "event-bus/b", "TagKeys": []string{"k"}})
	if tags := w.do("events", "ListTagsForResource", members{"ResourceARN": events + "event-bus/b"}).(*eventbridge.ListTagsForResourceOutput).Tags; len(tags) != 1 || tags[0] != (eventbridge.Tag{Key: "l", Value: "w"}) {
		t.Errorf("%+v", tags)
	}
	w.do("events", "PutRule", members{"Name": "r", "EventBusName": "b", "EventPattern": `{"a":["b"]}`})
	_, err = w.try("events", "DeleteEventBus", members{"Name": "b"})
	w.refused("ValidationException", "can't be deleted since it has rules", err)
	w.do("events", "DeleteRule", members{"Name": "r", "EventBusName": "b"})
	w.do("events", "DeleteEventBus", members{"Name": "b"})
	w.do("events", "DeleteEventBus", members{"Name": "b"})
}

func TestRulesAndTargets(t *testing.T) {
	w := newWorld(t, store.Memory())
	_, err := w.try("events", "PutRule", members{"Name": "r"})
	w.refused("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.", err)
	_, err = w.try("events", "PutRule", members{"Name": "r", "EventPattern": `{"a":[]}`})
	w.refused("InvalidEventPatternException", "Event pattern is not valid. Reason: Empty arrays are not allowed\n at [Source: (String)\"{\"a\":[]}\"; line: 1, column: 8]", err)
	_, err = w.try("events", "DescribeRule", members{"Name": "r"})
	w.refused("ResourceNotFoundException", "Rule r does not exist on EventBus default.", err)
	w.do("events", "CreateEventBus", members{"Name": "b"})
	_, err = w.try("events", "PutRule", members{"Name": "r", "EventBusName": "b", "ScheduleExpression": "rate(1 day)"})
	w.refused("ValidationException", "ScheduleExpression is supported only on the default event bus.", err)
	arn := w.do("events", "PutRule", members{"Name": "r", "EventBusName": events + "event-bus/b", "EventPattern": `{"a":["b"]}`, "Description": "d"}).(*eventbridge.PutRuleOutput).RuleArn
	if arn != events+"rule/b/r" {
		t.Error(arn)
	}
	rule := w.do("events", "DescribeRule", members{"Name": "r", "EventBusName": "b"}).(*eventbridge.Rule)
	if rule.State != "ENABLED" || rule.CreatedBy != account || rule.EventBusName != "b" || rule.Description != "d" {
		t.Errorf("%+v", rule)
	}
	put := func(target members) error {
		_, err := w.try("events", "PutTargets", members{"Rule": "r", "EventBusName": "b", "Targets": []members{target}})
		return err
	}
	machine := "arn:aws:states:us-east-1:" + account + ":stateMachine:m"
	q := queueARN("q")
	w.refused("ValidationException", "RoleArn is required for target "+machine+".", put(members{"Id": "x", "Arn": machine}))
	w.refused("ValidationException", "Parameter(s) SqsParameters must be specified for target: x.", put(members{"Id": "x", "Arn": q + ".fifo"}))
	w.refused("ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target x.", put(members{"Id": "x", "Arn": q, "Input": "{}", "InputPath": "$.detail"}))
	w.refused("ValidationException", "InputTemplate for target x contains invalid placeholder b.", put(members{"Id": "x", "Arn": q, "InputTransformer": members{"InputPathsMap": members{"a": "$.a"}, "InputTemplate": `"<a> <b>"`}}))
	w.refused("ValidationException", "does not emulate the target", put(members{"Id": "x", "Arn": "arn:aws:sns:us-east-1:" + account + ":t"}))
	w.refused("ValidationException", "at 'targets.1.member.id' failed to satisfy constraint", put(members{"Id": "ö", "Arn": q}))
	w.refused("SerializationException", "KinesisParameters", put(members{"Id": "x", "Arn": q, "KinesisParameters": members{}}))
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		if err := put(members{"Id": id, "Arn": q}); err != nil {
			t.Fatal(err)
		}
	}
	w.refused("LimitExceededException", "The requested resource exceeds the maximum number allowed.", put(members{"Id": "6", "Arn": q}))
	if err := put(members{"Id": "5", "Arn": q, "Input": `{"new":true}`}); err != nil {
		t.Error("a target is replaced:", err)
	}
	if names := w.do("events", "ListRuleNamesByTarget", members{"TargetArn": q, "EventBusName": "b"}).(*eventbridge.ListRuleNamesByTargetOutput).RuleNames; len(names) != 1 || names[0] != "r" {
		t.Error(names)
	}
	_, err = w.try("events", "DeleteRule", members{"Name": "r", "EventBusName": "b"})
	w.refused("ValidationException", "Rule can't be deleted since it has targets.", err)
	out := w.do("events", "RemoveTargets", members{"Rule": "r", "EventBusName": "b", "Ids": []string{"1", "none", "2", "3", "4"}}).(*eventbridge.PutTargetsOutput)
	if out.FailedEntryCount != 1 || out.FailedEntries[0].TargetID != "none" || out.FailedEntries[0].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("%+v", out)
	}
	if targets := w.do("events", "ListTargetsByRule", members{"Rule": "r", "EventBusName": "b"}).(*eventbridge.ListTargetsByRuleOutput).Targets; len(targets) != 1 || targets[0].Input != `{"new":true}` {
		t.Errorf("%+v", targets)
	}
}

func TestPermissions(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.role(`{"Effect":"Allow","Action":"events:PutEvents","Resource":"` + events + `event-bus/default","Condition":{"StringEquals":{"events:source":"app"}}},
{"Effect":"Allow","Action":["events:PutRule"],"Resource":"` + events + `rule/mine-*"}`)
	caller := dispatch.Principal{ARN: "arn:aws:sts::" + account + ":assumed-role/rules/s", RoleARN: role}
	as := func(action string, in members) error {
		_, err := w.d.Do(t.Context(), caller, "events", action, in)
		return err
	}
	if err := as("PutEvents", members{"Entries": []members{entry("app", "{}")}}); err != nil {
		t.Error(err)
	}
	w.refused("AccessDeniedException", "is not authorized to perform: events:PutEvents on resource: "+events+"event-bus/default", as("PutEvents", members{"Entries": []members{entry("else", "{}")}}))
	w.refused("AccessDeniedException", "event-bus/other", as("PutEvents", members{"Entries": []members{entry("app", "{}", "EventBusName", "other")}}))
	if err := as("PutRule", members{"Name": "mine-1", "EventPattern": `{"a":["b"]}`}); err != nil {
		t.Error(err)
	}
	w.refused("AccessDeniedException", "rule/yours", as("PutRule", members{"Name": "yours", "EventPattern": `{"a":["b"]}`}))
	w.refused("AccessDeniedException", "iam:PassRole", as("PutRule", members{"Name": "mine-2", "EventPattern": `{"a":["b"]}`, "RoleArn": role}))
	w.refused("AccessDeniedException", "events:PutTargets", as("PutTargets", members{"Rule": "mine-1", "Targets": []members{{"Id": "x", "Arn": queueARN("q")}}}))
	w.settle()
}

func TestInput(t *testing.T) {
	w := newWorld(t, store.Memory())
	w.queue("q", events+"rule/r")
	w.do("events", "PutRule", members{"Name": "r", "EventPattern": `{"source":["app"]}`})
	transformer := func(template string, paths ...string) members {
		m := members{}
		for i := 0; i < len(paths); i += 2 {
			m[paths[i]] = paths[i+1]
		}
		return members{"InputTransformer": members{"InputPathsMap": m, "InputTemplate": template}}
	}
	for _, test := range []struct {
		target members
		want   string
	}{
		{members{"Input": `{"constant":1}`}, `{"constant":1}`},
		{members{"InputPath": "$.detail"}, `{"text":"a","n":1.50,"o":{"k":"v"},"list":[1,{"x":"y"}],"a-b":true}`},
		{members{"InputPath": "$.detail.text"}, `"a"`},
		{members{"InputPath": "$.detail.list[1].x"}, `"y"`},
		{members{"InputPath": "$.detail['a-b']"}, `true`},
		{members{"InputPath": "$.detail.none"}, `null`},
		{transformer(`"<type>: <text> <n> <none>."`, "type", "$.detail-type", "text", "$.detail.text", "n", "$.detail.n", "none", "$.none"), `"Thing Happened: a 1.50 ."`},
		{transformer(`{"t": <text>, "n": <n>, "o": <o>, "m": "<text> and \"<n>\"", "none": <none>}`, "text", "$.detail.text", "n", "$.detail.n", "o", "$.detail.o", "none", "$.none"),
			`{"t": "a", "n": 1.50, "o": {"k":"v"}, "m": "a and \"1.50\"", "none": ""}`},
		{transformer(`{"o": "<o>"}`, "o", "$.detail.o"), `{"o": "{k:v}"}`},
		{transformer(`{"rule": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>", "at": <aws.events.event.ingestion-time>}`),
			`{"rule": "r", "arn": "` + events + `rule/r", "at": "2026-11-01T12:00:00Z"}`},
		{transformer(`<o>`, "o", "$.detail.o"), `{"k":"v"}`},
	} {
		test.target["Id"], test.target["Arn"] = "q", queueARN("q")
		w.targets("r", "default", test.target)
		w.put(entry("app", `{"text":"a","n":1.50,"o":{"k":"v"},"list":[1,{"x":"y"}],"a-b":true}`))
		if got := w.bodies("q"); len(got) != 1 || got[0] != test.want {
			t.Errorf("%v: got %q, want %s", test.target, got, test.want)
		}
	}
	w.targets("r", "default", members{"Id": "q", "Arn": queueARN("q"), "InputTransformer": members{"InputTemplate": `{"e":<aws.events.event>,"j":<aws.events.event.json>}`}})
	id := w.put(entry("app", `{"n":1}`))[0].EventID
	e := `"version":"0","id":"` + id + `","detail` + `?"Thing Happened","source":"app","account":"111111111111","time":"2026-11-01T12:00:00Z","region":"us-east-1","resources":[]`
	want := `{"e":{` + strings.Replace(e, "?", `Type":`, 1) + `},"j":{` + strings.Replace(e, "?", `-type":`, 1) + `,"detail":{"n":1}}}`
	if got := w.bodies("q"); len(got) != 1 || got[0] != want {
		t.Errorf("got  %q\nwant %s", got, want)
	}
	// Values are put into texts as they are: a quote breaks the JSON, and the event goes to the dead letters.
	w.queue("dead", events+"rule/r")
	w.targets("r", "default", members{"Id": "q", "Arn": queueARN("q"), "DeadLetterConfig": members{"Arn": queueARN("dead")},
		"InputTransformer": members{"InputPathsMap": members{"t": "$.detail.t"}, "InputTemplate": `{"t":"<t>"}`}})
	w.put(entry("app", `{"t":"say \"hi\""}`))
	if got, dead := w.bodies("q"), w.received("dead"); len(got) != 0 || len(dead) != 1 || attributes(dead[0])["ERROR_CODE"] != "INVALID_JSON" {
		t.Errorf("got %q, dead letters %+v", got, dead)
	}
}

func TestTestEventPattern(t *testing.T) {
	w := newWorld(t, store.Memory())
	event := `{"id":"1","source":"app","detail-type":"t","account":"` + account + `","time":"2026-11-01T12:00:00Z","region":"us-east-1","detail":{"n":5}}`
	for pattern, want := range map[string]bool{`{"detail":{"n":[{"numeric":[">",4]}]}}`: true, `{"source":["other"]}`: false} {
		if got := w.do("events", "TestEventPattern", members{"EventPattern": pattern, "Event": event}).(*eventbridge.TestEventPatternOutput).Result; got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	for _, wrong := range []string{"plain", `{"id":"1"}`, "[]"} {
		_, err := w.try("events", "TestEventPattern", members{"EventPattern": `{"a":["b"]}`, "Event": wrong})
		w.refused("ValidationException", "Parameter Event is not valid.", err)
	}
}
