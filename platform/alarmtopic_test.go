package platform

import (
	"strings"
	"testing"
)

func TestAlarmsAreMailed(t *testing.T) {
	e := deployed(t, map[string]string{"carepath:platform": `{"alarmEmails":["On.Call@example.org","second@example.org"],"alarmTopicArns":["arn:aws:sns:us-east-1:123456789012:mine"]}`})
	topic := e.get(t, "aws:sns/topic:Topic", "alarms").inputs
	if key := topic["kmsMasterKeyId"].StringValue(); !strings.Contains(key, ":key/") {
		t.Errorf("the topic's key is %q", key)
	}
	for name, address := range map[string]string{"alarms-on-call-example-org": "On.Call@example.org", "alarms-second-example-org": "second@example.org"} {
		if s := e.get(t, "aws:sns/topicSubscription:TopicSubscription", name).inputs; s["protocol"].StringValue() != "email" || s["endpoint"].StringValue() != address {
			t.Errorf("%s: %v", name, s)
		}
	}
	const account = `"aws:SourceAccount":["123456789012"]`
	if text := e.get(t, "aws:sns/topicPolicy:TopicPolicy", "alarms").inputs["policy"].StringValue(); !strings.Contains(text, "sns:Publish") || !strings.Contains(text, alarmService) || !strings.Contains(text, account) {
		t.Errorf("the topic's policy is %s", text)
	}
	if text := e.get(t, "aws:kms/key:Key", "carepath").inputs["policy"].StringValue(); !strings.Contains(text, `"Sid":"Alarms"`) || !strings.Contains(text, account) {
		t.Errorf("the key's policy is %s", text)
	}
	for _, r := range e.resources {
		if r.token == "aws:cloudwatch/metricAlarm:MetricAlarm" && len(r.inputs["alarmActions"].ArrayValue()) != 2 {
			t.Errorf("the alarm %s tells %v", r.name, r.inputs["alarmActions"])
		}
	}
	for _, r := range deployed(t, nil).resources {
		if strings.HasPrefix(r.token, "aws:sns/") {
			t.Errorf("without addresses there is %s %s", r.token, r.name)
		}
	}
}
