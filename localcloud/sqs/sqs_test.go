package sqs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/store"
)

type world struct {
	*testing.T
	d     *dispatch.Dispatcher
	clock *clock.Driven
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	c := clock.NewDriven(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	d := dispatch.New(c, "000000000000", "us-east-1")
	if _, err := sqs.New(d, s); err != nil {
		t.Fatal(err)
	}
	return &world{t, d, c}
}

func (w *world) try(action string, in any) (any, error) {
	return w.d.Do(w.Context(), w.d.Root(), "sqs", action, in)
}

func (w *world) do(action string, in any) any {
	w.Helper()
	out, err := w.try(action, in)
	if err != nil {
		w.Fatalf("%s: %v", action, err)
	}
	return out
}

func (w *world) create(name string, attributes map[string]string) string {
	w.Helper()
	return w.do("CreateQueue", &sqs.CreateQueueInput{QueueName: name, Attributes: attributes}).(*sqs.QueueURLOutput).QueueURL
}

func (w *world) send(url, body string) *sqs.SendMessageOutput {
	w.Helper()
	return w.do("SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: body}).(*sqs.SendMessageOutput)
}

func (w *world) receive(url string) []sqs.Message {
	w.Helper()
	ten := 10
	return w.do("ReceiveMessage", &sqs.ReceiveMessageInput{QueueURL: url, MaxNumberOfMessages: &ten, MessageSystemAttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"}}).(*sqs.ReceiveMessageOutput).Messages
}

func bodies(messages []sqs.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Body)
	}
	return strings.Join(all, " ")
}

func (w *world) want(what string, got, want string) {
	w.Helper()
	if got != want {
		w.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestMessagesAreHiddenAndComeBack(t *testing.T) {
	w := newWorld(t, store.Memory())
	url := w.create("q", map[string]string{"VisibilityTimeout": "10", "MessageRetentionPeriod": "60"})
	w.want("url", url, "http://localhost:4566/000000000000/q")
	w.send(url, "a")
	w.send(url, "b")
	first := w.receive(url)
	w.want("first", bodies(first), "a b")
	w.want("hidden", bodies(w.receive(url)), "")
	w.do("DeleteMessage", &sqs.DeleteMessageInput{QueueURL: url, ReceiptHandle: first[0].ReceiptHandle})
	w.clock.Advance(10 * time.Second)
	again := w.receive(url)
	w.want("again", bodies(again), "b")
	w.want("receives", again[0].Attributes["ApproximateReceiveCount"], "2")
	w.do("DeleteMessage", &sqs.DeleteMessageInput{QueueURL: url, ReceiptHandle: first[1].ReceiptHandle}) // an old receipt
	zero := 0
	w.do("ChangeMessageVisibility", &sqs.ChangeMessageVisibilityInput{QueueURL: url, ReceiptHandle: again[0].ReceiptHandle, VisibilityTimeout: &zero})
	w.want("released", bodies(w.receive(url)), "b")
	w.clock.Advance(51 * time.Second)
	w.want("expired", bodies(w.receive(url)), "")
	five := 5
	w.do("SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: "late", DelaySeconds: &five})
	counts := w.do("GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{"All"}}).(*sqs.GetQueueAttributesOutput).Attributes
	w.want("delayed", counts["ApproximateNumberOfMessagesDelayed"]+counts["ApproximateNumberOfMessages"]+counts["ApproximateNumberOfMessagesNotVisible"], "100")
	w.want("too early", bodies(w.receive(url)), "")
	w.clock.Advance(5 * time.Second)
	w.want("in time", bodies(w.receive(url)), "late")
}

func TestLongPollsWakeUp(t *testing.T) {
	w := newWorld(t, store.Memory())
	url := w.create("q", map[string]string{"ReceiveMessageWaitTimeSeconds": "20", "DelaySeconds": "5"})
	got := make(chan string)
	poll := func() {
		out, err := w.try("ReceiveMessage", &sqs.ReceiveMessageInput{QueueURL: url})
		if err != nil {
			got <- err.Error()
			return
		}
		got <- bodies(out.(*sqs.ReceiveMessageOutput).Messages)
	}
	w.send(url, "delayed")
	go poll()
	for answer, done := "", false; !done; { // the poll may not have begun at the first step
		select {
		case answer = <-got:
			w.want("poll", answer, "delayed")
			done = true
		default:
			w.clock.Advance(time.Second)
		}
	}
	w.do("PurgeQueue", map[string]any{"QueueUrl": url})
	go poll()
	for done := false; !done; {
		select {
		case answer := <-got:
			w.want("poll of an empty queue", answer, "")
			done = true
		default:
			w.clock.Advance(time.Second)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.d.Do(ctx, w.d.Root(), "sqs", "ReceiveMessage", &sqs.ReceiveMessageInput{QueueURL: url}); err == nil {
		t.Error("a poll outlived its caller")
	}
}

func TestDeadLettersAndTheirReturn(t *testing.T) {
	w := newWorld(t, store.Memory())
	dead := w.create("dead", nil)
	url := w.create("q", map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}`})
	w.send(url, "x")
	for range 2 {
		w.want("received", bodies(w.receive(url)), "x")
		w.clock.Advance(time.Second)
	}
	w.want("after two receives", bodies(w.receive(url)), "")
	got := w.receive(dead)
	w.want("dead", bodies(got), "x")
	w.want("source", got[0].Attributes["DeadLetterQueueSourceArn"], "arn:aws:sqs:us-east-1:000000000000:q")
	sources := w.do("ListDeadLetterSourceQueues", map[string]any{"QueueUrl": dead}).(*sqs.ListDeadLetterSourceQueuesOutput)
	w.want("sources", strings.Join(sources.QueueURLs, " "), url)
	w.clock.Advance(30 * time.Second)
	w.do("StartMessageMoveTask", map[string]any{"SourceArn": "arn:aws:sqs:us-east-1:000000000000:dead"})
	w.clock.Advance(time.Second)
	w.want("returned", bodies(w.receive(url)), "x")
	tasks := w.do("ListMessageMoveTasks", map[string]any{"SourceArn": "arn:aws:sqs:us-east-1:000000000000:dead"}).(*sqs.ListMessageMoveTasksOutput)
	if len(tasks.Results) != 1 || tasks.Results[0].Status != "COMPLETED" || tasks.Results[0].ApproximateNumberOfMessagesMoved != 1 {
		t.Errorf("%+v", tasks)
	}
}

func TestFIFO(t *testing.T) {
	w := newWorld(t, store.Memory())
	url := w.create("q.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "10"})
	send := func(group, body string) string {
		return w.do("SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: body, MessageGroupID: group}).(*sqs.SendMessageOutput).MessageID
	}
	one := send("a", "1")
	w.want("duplicate", send("a", "1"), one)
	send("a", "2")
	first := w.do("ReceiveMessage", &sqs.ReceiveMessageInput{QueueURL: url}).(*sqs.ReceiveMessageOutput).Messages
	w.want("first", bodies(first), "1")
	send("b", "3")
	w.want("the group waits", bodies(w.receive(url)), "3")
	w.clock.Advance(10 * time.Second)
	w.want("in order again", bodies(w.receive(url)), "1 2 3")
	if _, err := w.try("SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: "x"}); dispatch.AsError(err).Code != "MissingParameter" {
		t.Error(err)
	}
}

func TestAttributesAndDigests(t *testing.T) {
	w := newWorld(t, store.Memory())
	url := w.create("q", nil)
	text := "v"
	out := w.do("SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: "hello", MessageAttributes: map[string]sqs.MessageAttributeValue{
		"k": {DataType: "String", StringValue: &text}, "b": {DataType: "Binary", BinaryValue: []byte{1}}}}).(*sqs.SendMessageOutput)
	w.want("md5", out.MD5OfMessageBody, "5d41402abc4b2a76b9719d911017c592")
	got := w.receive(url)[0]
	w.want("md5 of attributes", got.MD5OfMessageAttributes, out.MD5OfMessageAttributes)
	if len(got.MessageAttributes) != 2 {
		t.Errorf("%+v", got)
	}
	batch := w.do("SendMessageBatch", map[string]any{"QueueUrl": url, "Entries": []any{map[string]any{"Id": "1", "MessageBody": "ok"}, map[string]any{"Id": "2", "MessageBody": "\x01"}}}).(*sqs.SendMessageBatchOutput)
	if len(batch.Successful) != 1 || len(batch.Failed) != 1 || batch.Failed[0].Code != "InvalidMessageContents" {
		t.Errorf("%+v", batch)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, store.Memory())
	url := w.create("q", map[string]string{"MaximumMessageSize": "1024"})
	for _, c := range []struct {
		action string
		in     map[string]any
		code   string
	}{
		{"CreateQueue", map[string]any{"QueueName": "a b"}, "InvalidParameterValue"},
		{"CreateQueue", map[string]any{"QueueName": "q", "Attributes": map[string]string{"VisibilityTimeout": "31"}}, "QueueNameExists"},
		{"CreateQueue", map[string]any{"QueueName": "r", "Attributes": map[string]string{"VisibilityTimeout": "43201"}}, "InvalidAttributeValue"},
		{"CreateQueue", map[string]any{"QueueName": "r", "Attributes": map[string]string{"Colour": "red"}}, "InvalidAttributeName"},
		{"CreateQueue", map[string]any{"QueueName": "r", "Attributes": map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:none","maxReceiveCount":1}`}}, "InvalidParameterValue"},
		{"GetQueueUrl", map[string]any{"QueueName": "none"}, "QueueDoesNotExist"},
		{"SendMessage", map[string]any{"QueueUrl": url, "MessageBody": strings.Repeat("x", 1025)}, "InvalidParameterValue"},
		{"SendMessage", map[string]any{"QueueUrl": url}, "MissingParameter"},
		{"SendMessage", map[string]any{"QueueUrl": url, "MessageBody": "\x00"}, "InvalidMessageContents"},
		{"DeleteMessage", map[string]any{"QueueUrl": url, "ReceiptHandle": "x"}, "ReceiptHandleIsInvalid"},
		{"ReceiveMessage", map[string]any{"QueueUrl": url, "MaxNumberOfMessages": 11}, "InvalidParameterValue"},
		{"SendMessageBatch", map[string]any{"QueueUrl": url, "Entries": []any{}}, "EmptyBatchRequest"},
	} {
		if _, err := w.try(c.action, c.in); dispatch.AsError(err).Code != c.code {
			t.Errorf("%s %v: %v, want %s", c.action, c.in["QueueName"], err, c.code)
		}
	}
	w.create("q", map[string]string{"MaximumMessageSize": "1024"}) // the same again
	w.do("PurgeQueue", map[string]any{"QueueUrl": url})
	if _, err := w.try("PurgeQueue", map[string]any{"QueueUrl": url}); dispatch.AsError(err).Code != "PurgeQueueInProgress" {
		t.Error(err)
	}
}

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// killed is a new process on what the files of the folder hold at this moment, which is all that kill -9 leaves.
func killed(t *testing.T, dir string) *world {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return newWorld(t, open(t, left))
}

func TestMessagesSurviveACleanStop(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, s)
	url := w.create("q", nil)
	w.send(url, "a")
	w.receive(url)
	w.send(url, "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, open(t, dir))
	w.want("visible", bodies(w.receive(url)), "b")
	w.clock.Advance(30 * time.Second)
	w.want("all", bodies(w.receive(url)), "a b")
}

func TestMessagesSurviveKill(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, open(t, dir))
	dead := w.create("dead", nil)
	url := w.create("q", map[string]string{"VisibilityTimeout": "10", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}`})
	gone := w.create("gone", nil)
	w.send(gone, "of a deleted queue")
	w.do("DeleteQueue", &sqs.QueueInput{QueueURL: gone})
	purged := w.create("purged", nil)
	w.send(purged, "purged")
	w.do("PurgeQueue", &sqs.QueueInput{QueueURL: purged})
	w.send(url, "dead letter")
	for range 2 {
		w.receive(url)
		w.clock.Advance(10 * time.Second)
	}
	w.send(url, "deleted")
	received := w.receive(url)
	w.want("received", bodies(received), "deleted")
	w.do("DeleteMessage", &sqs.DeleteMessageInput{QueueURL: url, ReceiptHandle: received[0].ReceiptHandle})
	w.send(url, "in flight")
	held := w.receive(url)
	sent := w.do("SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: "visible", MessageAttributes: map[string]sqs.MessageAttributeValue{"b": {DataType: "Binary", BinaryValue: []byte{1, 0}}}}).(*sqs.SendMessageOutput)

	now := w.clock.Now()
	w = killed(t, dir)
	w.clock.Advance(now.Sub(w.clock.Now()))
	if got := w.receive(dead); bodies(got) != "dead letter" || got[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:000000000000:q" {
		t.Errorf("dead letters: %+v", got)
	}
	if got := w.receive(url); bodies(got) != "visible" || got[0].MessageID != sent.MessageID || got[0].MD5OfMessageAttributes != sent.MD5OfMessageAttributes {
		t.Errorf("visible: %+v", got)
	}
	w.create("gone", nil)
	w.want("the deleted queue's", bodies(w.receive(gone)), "")
	w.want("the purged queue's", bodies(w.receive(purged)), "")
	w.clock.Advance(10 * time.Second)
	again := w.receive(url)
	w.want("in flight", bodies(again), "in flight visible")
	w.want("receives", again[0].Attributes["ApproximateReceiveCount"], "2")
	w.do("DeleteMessage", &sqs.DeleteMessageInput{QueueURL: url, ReceiptHandle: held[0].ReceiptHandle}) // an old receipt
	w.clock.Advance(10 * time.Second)
	w.want("received too often", bodies(w.receive(url)), "")
}

func TestFIFOQueuesRememberAfterKill(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, open(t, dir))
	url := w.create("q.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
	send := func(body string) *sqs.SendMessageOutput {
		return w.do("SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: body, MessageGroupID: "g"}).(*sqs.SendMessageOutput)
	}
	one := send("1")
	got := w.receive(url)
	w.do("DeleteMessage", &sqs.DeleteMessageInput{QueueURL: url, ReceiptHandle: got[0].ReceiptHandle})

	w = killed(t, dir)
	w.want("duplicate", send("1").MessageID, one.MessageID)
	if two := send("2"); two.SequenceNumber <= one.SequenceNumber {
		t.Errorf("sequence number %s after %s", two.SequenceNumber, one.SequenceNumber)
	}
	w.want("what is new", bodies(w.receive(url)), "2")
}

func BenchmarkSendReceiveDelete(b *testing.B) {
	d := dispatch.New(clock.Real{}, "000000000000", "us-east-1")
	if _, err := sqs.New(d, open(b, b.TempDir())); err != nil {
		b.Fatal(err)
	}
	if _, err := d.Do(b.Context(), d.Root(), "sqs", "CreateQueue", &sqs.CreateQueueInput{QueueName: "q"}); err != nil {
		b.Fatal(err)
	}
	const url = "http://localhost:4566/000000000000/q"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Do(b.Context(), d.Root(), "sqs", "SendMessage", &sqs.SendMessageInput{QueueURL: url, MessageBody: "x"}); err != nil {
			b.Fatal(err)
		}
		out, err := d.Do(b.Context(), d.Root(), "sqs", "ReceiveMessage", &sqs.ReceiveMessageInput{QueueURL: url})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Do(b.Context(), d.Root(), "sqs", "DeleteMessage", &sqs.DeleteMessageInput{QueueURL: url, ReceiptHandle: out.(*sqs.ReceiveMessageOutput).Messages[0].ReceiptHandle}); err != nil {
			b.Fatal(err)
		}
	}
}
