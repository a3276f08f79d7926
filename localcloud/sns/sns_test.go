package sns

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/wire"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is SNS with SQS and IAM.
type world struct {
	*testing.T
	d *dispatch.Dispatcher
}

func newWorld(t *testing.T, st *store.Store) world {
	t.Helper()
	d := dispatch.New(clock.NewDriven(start), "111111111111", "us-east-1")
	for _, start := range []func() error{
		func() error { _, err := iam.New(d, st); return err },
		func() error { _, err := sqs.New(d, st); return err },
		func() error { _, err := New(d, st); return err },
	} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	return world{t, d}
}

func do[Out any](w world, service, action string, in any) *Out {
	w.Helper()
	out, err := dispatch.Do[Out](context.Background(), w.d, w.d.Root(), service, action, in)
	if err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return out
}

func (w world) refusal(action string, in any) string {
	w.Helper()
	_, err := w.d.Do(context.Background(), w.d.Root(), "sns", action, in)
	if err == nil {
		return "accepted"
	}
	return dispatch.AsError(err).Error()
}

// queue makes a queue that lets a topic in, or does not.
func (w world) queue(name, topic string) (url, arn string) {
	w.Helper()
	arn = w.d.ARN("sqs", name)
	in := &sqs.CreateQueueInput{QueueName: name}
	if topic != "" {
		in.Attributes = map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
			"Action":"sqs:SendMessage","Resource":"` + arn + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + topic + `"}}}]}`}
	}
	return do[sqs.QueueURLOutput](w, "sqs", "CreateQueue", in).QueueURL, arn
}

func (w world) received(url string) []sqs.Message {
	w.Helper()
	return do[sqs.ReceiveMessageOutput](w, "sqs", "ReceiveMessage", &sqs.ReceiveMessageInput{QueueURL: url, MessageAttributeNames: []string{"All"}}).Messages
}

// A message reaches the queues that let the topic in: raw with its attributes, or in an envelope.
func TestPublish(t *testing.T) {
	w := newWorld(t, store.Memory())
	topic := do[TopicInput](w, "sns", "CreateTopic", &CreateTopicInput{Name: "changes"}).TopicArn
	rawURL, raw := w.queue("raw", topic)
	wrappedURL, wrapped := w.queue("wrapped", topic)
	closedURL, closed := w.queue("closed", "")
	for queue, delivery := range map[string]string{raw: "true", wrapped: "false", closed: "true"} {
		do[SubscriptionInput](w, "sns", "Subscribe", &SubscribeInput{TopicArn: topic, Protocol: "sqs", Endpoint: queue, Attributes: map[string]string{"RawMessageDelivery": delivery}})
	}
	kind := "patient"
	id := do[PublishOutput](w, "sns", "Publish", &PublishInput{TopicArn: topic, Message: "hello", Subject: "greeting",
		MessageAttributes: map[string]MessageAttributeValue{"kind": {DataType: "String", StringValue: &kind}}}).MessageID

	got := w.received(rawURL)
	if len(got) != 1 || got[0].Body != "hello" || *got[0].MessageAttributes["kind"].StringValue != "patient" {
		t.Errorf("the raw queue has %+v", got)
	}
	if got = w.received(wrappedURL); len(got) != 1 {
		t.Fatalf("the other queue has %d messages", len(got))
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(got[0].Body), &body); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"Type": "Notification", "MessageId": id, "TopicArn": topic, "Subject": "greeting", "Message": "hello",
		"Timestamp": "2026-03-01T12:00:00.000Z", "MessageAttributes": map[string]any{"kind": map[string]any{"Type": "String", "Value": "patient"}}}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Error(diff)
	}
	if got := w.received(closedURL); len(got) != 0 {
		t.Errorf("a queue without a policy got %d messages", len(got))
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, store.Memory())
	topic := do[TopicInput](w, "sns", "CreateTopic", &CreateTopicInput{Name: "changes"}).TopicArn
	for _, c := range []struct {
		action string
		in     any
		want   string
	}{
		{"Publish", &PublishInput{TopicArn: topic + "-gone", Message: "m"}, "NotFound: Topic does not exist"},
		{"Publish", &PublishInput{TopicArn: topic}, "InvalidParameter: Invalid parameter: Empty message"},
		{"Publish", &PublishInput{TopicArn: topic, Message: string(make([]byte, maxMessage+1))}, "InvalidParameter: Invalid parameter: Message too long"},
		{"CreateTopic", &CreateTopicInput{Name: "no name"}, "InvalidParameter: Invalid parameter: Topic Name"},
		{"DeleteTopic", &TopicInput{TopicArn: topic + "-gone"}, "accepted"},
	} {
		if got := w.refusal(c.action, c.in); got != c.want {
			t.Errorf("%s says %q, want %q", c.action, got, c.want)
		}
	}
}

// A subscription is made once, and what was deleted is gone.
func TestSubscriptions(t *testing.T) {
	st := store.Memory()
	w := newWorld(t, st)
	topic := do[TopicInput](w, "sns", "CreateTopic", &CreateTopicInput{Name: "changes"}).TopicArn
	url, arn := w.queue("queue", topic)
	in := &SubscribeInput{TopicArn: topic, Protocol: "sqs", Endpoint: arn}
	first := do[SubscriptionInput](w, "sns", "Subscribe", in)
	if again := do[SubscriptionInput](w, "sns", "Subscribe", in); *again != *first {
		t.Errorf("the same subscription is made twice: %v, %v", first, again)
	}
	do[PublishOutput](w, "sns", "Publish", &PublishInput{TargetArn: topic, Message: "m"})
	if got := w.received(url); len(got) != 1 {
		t.Errorf("%d messages of one", len(got))
	}
	do[Empty](w, "sns", "Unsubscribe", first)
	do[PublishOutput](w, "sns", "Publish", &PublishInput{TopicArn: topic, Message: "m"})
	if got := w.received(url); len(got) != 0 {
		t.Errorf("%d messages after Unsubscribe", len(got))
	}
	do[Empty](w, "sns", "DeleteTopic", &TopicInput{TopicArn: topic})
	if got := do[ListTopicsOutput](w, "sns", "ListTopics", &ListTopicsInput{}); len(got.Topics) != 0 {
		t.Errorf("%v after DeleteTopic", got.Topics)
	}
}

// owner is who signs with any key.
type owner struct{ principal dispatch.Principal }

func (o owner) Principal(string) (dispatch.Principal, error) { return o.principal, nil }

// The AWS CLI's requests are understood.
func TestOverHTTP(t *testing.T) {
	w := newWorld(t, store.Memory())
	server := httptest.NewServer(wire.New(w.d, owner{w.d.Root()}))
	defer server.Close()
	call := func(form string) string {
		t.Helper()
		req, err := http.NewRequest("POST", server.URL, strings.NewReader(form+"&Version=2010-03-31"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=root/20260301/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Status + " " + string(body)
	}
	topic := "arn:aws:sns:us-east-1:111111111111:changes"
	for _, c := range []struct{ form, want string }{
		{"Action=CreateTopic&Name=changes", "<TopicArn>" + topic + "</TopicArn>"},
		{"Action=Publish&TopicArn=" + topic + "&Message=m&MessageAttributes.entry.1.Name=kind&MessageAttributes.entry.1.Value.DataType=String" +
			"&MessageAttributes.entry.1.Value.StringValue=x", "<MessageId>"},
		{"Action=Publish&TopicArn=" + topic + "-gone&Message=m", "404 Not Found"},
		{"Action=Publish&PhoneNumber=1&Message=m", "400 Bad Request"},
	} {
		if got := call(c.form); !strings.Contains(got, c.want) {
			t.Errorf("%s answers %s, want %s", c.form, got, c.want)
		}
	}
}
