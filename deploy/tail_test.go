package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/localcloud"
)

// inbox is a queue in an embedded AWS, and a tail of it.
type inbox struct {
	*testing.T
	client *sqs.Client
	tail   deploy.Tail
	shown  []string
	skips  []string
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	cloud, err := localcloud.New(localcloud.Options{Addr: "127.0.0.1:0", Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) }) // nothing is to be kept
	if err := cloud.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &inbox{T: t}
	b.tail.Config = aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	b.client = sqs.NewFromConfig(b.tail.Config)
	made, err := b.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("inbox")})
	if err != nil {
		t.Fatal(err)
	}
	b.tail.QueueURL = *made.QueueUrl
	b.tail.Show = func(c *changes.Change) error {
		b.shown = append(b.shown, fmt.Sprintf("%s %s", c.Interaction, strings.TrimPrefix(c.Key(), "store/")))
		return nil
	}
	b.tail.Skip = func(_ string, why error) { b.skips = append(b.skips, why.Error()) }
	return b
}

func body(t *testing.T, id string, version int64) string {
	t.Helper()
	c := changes.Change{
		DataStoreID: "store", ResourceType: "Patient", ResourceID: id, Version: version, Interaction: changes.Update, LastUpdated: "2026-01-02T03:04:05Z",
		URL: fmt.Sprintf("https://example.org/r4/Patient/%s/_history/%d", id, version),
	}
	detail, err := c.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"source":%q,"detail-type":%q,"detail":%s}`, changes.Source, changes.DetailType, detail)
}

func (b *inbox) send(bodies ...string) {
	b.Helper()
	for _, body := range bodies {
		if _, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{QueueUrl: &b.tail.QueueURL, MessageBody: &body}); err != nil {
			b.Fatal(err)
		}
	}
}

// left is how many messages the queue has, hidden ones included.
func (b *inbox) left() string {
	b.Helper()
	out, err := b.client.GetQueueAttributes(b.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &b.tail.QueueURL, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	if err != nil {
		b.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func TestTailShowsEachVersionOnce(t *testing.T) {
	b := newInbox(t)
	for n := range int64(12) {
		b.send(body(t, "a", n+1))
	}
	b.send(body(t, "a", 5), body(t, "b", 1), `{"not":"a change"}`)
	got, err := b.tail.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (deploy.TailResult{Versions: 13, Duplicates: 1, Skipped: 1}); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	if len(b.shown) != 13 || b.shown[0] != "update Patient/a/1" {
		t.Errorf("it shows %q", b.shown)
	}
	if len(b.skips) != 1 || b.skips[0] != "not a change event: schemaVersion is missing" {
		t.Errorf("it skips %q", b.skips)
	}
	if left := b.left(); left != "0+1" {
		t.Errorf("the queue has %s", left)
	}
}

func TestTailTakesNoMoreThanItShows(t *testing.T) {
	b := newInbox(t)
	b.send(body(t, "a", 1), body(t, "a", 1), body(t, "a", 2), body(t, "a", 3), body(t, "a", 4))
	b.tail.Count = 3
	got, err := b.tail.Run(t.Context())
	if want := (deploy.TailResult{Versions: 3, Duplicates: 1}); err != nil || got != want || len(b.shown) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if left := b.left(); left != "1+0" {
		t.Errorf("the queue has %s", left)
	}
}

func TestTailWaitsForWhatIsToCome(t *testing.T) {
	b := newInbox(t)
	b.tail.Follow = true
	ctx, cancel := context.WithCancel(t.Context())
	show := b.tail.Show
	b.tail.Show = func(c *changes.Change) error {
		defer cancel()
		return show(c)
	}
	done := make(chan error)
	go func() {
		_, err := b.tail.Run(ctx)
		done <- err
	}()
	b.send(body(t, "a", 1))
	select {
	case err := <-done:
		if err != nil || len(b.shown) != 1 {
			t.Errorf("it shows %q, %v", b.shown, err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits on")
	}
	if left := b.left(); left != "0+0" { // deleted, although the context was done
		t.Errorf("the queue has %s", left)
	}
}

func TestTailKeepsWhatItCouldNotShow(t *testing.T) {
	b := newInbox(t)
	b.send(body(t, "a", 1), body(t, "a", 2))
	broken := errors.New("broken pipe")
	b.tail.Show = func(c *changes.Change) error {
		if c.Version == 2 {
			return broken
		}
		return nil
	}
	got, err := b.tail.Run(t.Context())
	if !errors.Is(err, broken) || got.Versions != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if left := b.left(); left != "0+1" {
		t.Errorf("the queue has %s", left)
	}
}

func TestTailSaysWhichQueueIsMissing(t *testing.T) {
	b := newInbox(t)
	b.tail.QueueURL += "-gone"
	if _, err := b.tail.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "reading the queue "+b.tail.QueueURL) {
		t.Errorf("got %v", err)
	}
}
