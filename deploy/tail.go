package deploy

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/carepath/carepath/changes"
)

// Tail takes FHIR changes from a queue that a rule on the change bus fills, and shows each version once.
type Tail struct {
	Config   aws.Config
	QueueURL string
	// Follow waits for more when the queue is empty, until the context is done.
	Follow bool
	// Count ends it after so many distinct versions, for which it waits as with Follow; 0: all.
	Count int
	// Show is given each version. Its message is deleted once Show has returned without an error.
	Show func(*changes.Change) error
	// Skip is told of each message that is no change, which stays in the queue.
	Skip func(messageID string, why error)

	dedupe  *changes.Deduplicator
	skipped map[string]bool // by message id
}

// TailResult says what has arrived.
type TailResult struct {
	Versions   int `json:"versions"`   // distinct ones: they were shown
	Duplicates int `json:"duplicates"` // messages with a version that was shown before; they are deleted
	Skipped    int `json:"skipped"`    // messages that are no changes; they stay
}

const (
	// longPoll is how long a receive waits for the first message: as long as SQS allows.
	longPoll = 20 * time.Second
	// lastPoll is how long an empty queue is waited for before it counts as empty. A receive that waits asks all of the queue's
	// servers; one that does not may miss messages. See
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html.
	lastPoll = time.Second
	// deleteGrace is what the deletion of what was shown has when the context is done.
	deleteGrace = 10 * time.Second
)

// Run takes changes until there are enough, or the queue is empty, or the context is done, which is no error.
func (t *Tail) Run(ctx context.Context) (TailResult, error) {
	t.dedupe, t.skipped = changes.NewDeduplicator(&changes.Memory{}), map[string]bool{}
	queue := sqs.NewFromConfig(t.Config)
	wait := lastPoll
	if t.Follow || t.Count > 0 {
		wait = longPoll
	}
	for {
		most := 10
		if t.Count > 0 {
			most = min(most, t.Count-t.result().Versions) // what is not shown is not hidden from others
		}
		if most == 0 || over(ctx) {
			return t.result(), nil
		}
		received, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &t.QueueURL, MaxNumberOfMessages: int32(most), WaitTimeSeconds: int32(wait / time.Second)})
		if over(ctx) {
			return t.result(), nil
		}
		if err != nil {
			return t.result(), fmt.Errorf("reading the queue %s: %w", t.QueueURL, err)
		}
		handled, showErr := t.show(ctx, received.Messages)
		if err := t.remove(ctx, queue, handled); err != nil {
			return t.result(), err
		}
		if showErr != nil {
			return t.result(), showErr
		}
		if len(handled) == 0 && wait == lastPoll {
			return t.result(), nil
		}
	}
}

func over(ctx context.Context) bool { return ctx.Err() != nil }

func (t *Tail) result() TailResult {
	c := t.dedupe.Counts()
	return TailResult{Versions: c.New + c.Late, Duplicates: c.Duplicate, Skipped: len(t.skipped)}
}

// show shows what is new, and returns the messages that are done with.
func (t *Tail) show(ctx context.Context, messages []sqstypes.Message) (handled []sqstypes.DeleteMessageBatchRequestEntry, err error) {
	for i, m := range messages {
		id := aws.ToString(m.MessageId)
		c, err := changes.Decode([]byte(aws.ToString(m.Body)))
		if err != nil {
			if !t.skipped[id] {
				t.skipped[id] = true
				t.Skip(id, err)
			}
			continue
		}
		// What has arrived is shown also when the context ends meanwhile.
		if _, err := t.dedupe.Handle(context.WithoutCancel(ctx), c, func(context.Context, changes.Verdict) error { return t.Show(c) }); err != nil {
			return handled, err
		}
		handled = append(handled, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	return handled, nil
}

func (t *Tail) remove(ctx context.Context, queue *sqs.Client, handled []sqstypes.DeleteMessageBatchRequestEntry) error {
	if len(handled) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteGrace)
	defer cancel()
	out, err := queue.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &t.QueueURL, Entries: handled})
	if err != nil {
		return fmt.Errorf("deleting from the queue %s what was shown: it will come again: %w", t.QueueURL, err)
	}
	for _, f := range out.Failed {
		return fmt.Errorf("deleting from the queue %s what was shown: %d messages will come again: %s: %s", t.QueueURL, len(out.Failed), aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return nil
}
