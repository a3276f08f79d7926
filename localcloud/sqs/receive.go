package sqs

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

var systemAttributes = []string{"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	"SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn"}

// between checks an optional number of a request.
func between(name string, value *int, low, high int) error {
	if value != nil && (*value < low || *value > high) {
		return invalidParameter("Value %d for parameter %s is invalid. Reason: Must be >= %d and <= %d, if provided.", *value, name, low, high)
	}
	return nil
}

func (s *Service) receiveMessage(ctx context.Context, c *dispatch.Call, in *ReceiveMessageInput) (*ReceiveMessageOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	for _, err := range []error{
		between("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 10),
		between("VisibilityTimeout", in.VisibilityTimeout, 0, 43200),
		between("WaitTimeSeconds", in.WaitTimeSeconds, 0, 20),
	} {
		if err != nil {
			return nil, err
		}
	}
	names := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, name := range names {
		if !slices.Contains(systemAttributes, name) {
			return nil, dispatch.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	n := 1
	if in.MaxNumberOfMessages != nil {
		n = *in.MaxNumberOfMessages
	}
	var deadLetters *queue
	if target := q.target(); target != "" {
		deadLetters = s.byARN(target)
	}
	taken, err := q.receive(ctx, n, in, deadLetters)
	if err != nil {
		return nil, err
	}
	if err := s.journal.Flush(); err != nil {
		return nil, err
	}
	out := &ReceiveMessageOutput{}
	for i := range taken {
		m := &taken[i]
		if err := s.openFor(ctx, c.Principal, q, m); err != nil {
			q.release(taken)
			return nil, err
		}
		attributes := selected(m.Attributes, in.MessageAttributeNames)
		out.Messages = append(out.Messages, Message{MessageID: m.ID, ReceiptHandle: q.handle(m), MD5OfBody: m.BodyMD5, Body: m.Body,
			Attributes: m.system(names, q.fifo), MD5OfMessageAttributes: attributesMD5(attributes), MessageAttributes: attributes})
	}
	return out, nil
}

func (q *queue) target() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.redrive == nil {
		return ""
	}
	return q.redrive.Target
}

// release makes messages visible again that could not be handed out.
func (q *queue) release(taken []message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range taken {
		if m := q.byID[taken[i].ID]; m != nil && m.InFlight && m.Receives == taken[i].Receives {
			m.Receives--
			heap.Remove(&q.hidden, m.place)
			q.show(m)
			q.keepReceive(m)
		}
	}
}

// system returns the system attributes of those names.
func (m *message) system(names []string, fifo bool) map[string]string {
	if len(names) == 0 {
		return nil
	}
	all := map[string]string{
		"SenderId":                         m.Sender,
		"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived.UnixMilli(), 10),
	}
	for name, value := range map[string]string{"AWSTraceHeader": m.TraceHeader, "DeadLetterQueueSourceArn": m.Source, "MessageGroupId": m.Group, "MessageDeduplicationId": m.DeduplicationID} {
		if value != "" {
			all[name] = value
		}
	}
	if fifo {
		all["SequenceNumber"] = fmt.Sprintf("%020d", m.Sequence)
	}
	if slices.Contains(names, "All") {
		return all
	}
	some := map[string]string{}
	for _, name := range names {
		if value, ok := all[name]; ok {
			some[name] = value
		}
	}
	return some
}

// selected returns the message attributes that the names ask for: exact, "All", ".*" or "prefix.*".
func selected(attributes map[string]MessageAttributeValue, names []string) map[string]MessageAttributeValue {
	var some map[string]MessageAttributeValue
	for name, v := range attributes {
		if slices.ContainsFunc(names, func(want string) bool {
			prefix, open := strings.CutSuffix(want, ".*")
			return want == name || want == "All" || open && strings.HasPrefix(name, prefix)
		}) {
			if some == nil {
				some = map[string]MessageAttributeValue{}
			}
			some[name] = v
		}
	}
	return some
}

func (s *Service) deleteMessage(_ context.Context, _ *dispatch.Call, in *DeleteMessageInput) (*Empty, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := q.delete(in.ReceiptHandle); err != nil {
		return nil, err
	}
	return &Empty{}, s.journal.Flush()
}

func (q *queue) delete(receipt string) error {
	if receipt == "" {
		return missing("ReceiptHandle")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settle(q.clock.Now())
	m, latest, err := q.held(receipt)
	if err != nil || m == nil || !latest {
		return err // an old receipt deletes nothing, and AWS does not tell
	}
	if q.fifo && !m.InFlight {
		return invalidParameter("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", receipt)
	}
	q.erase(m)
	return nil
}

func (s *Service) changeVisibility(_ context.Context, _ *dispatch.Call, in *ChangeMessageVisibilityInput) (*Empty, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := q.hide(in.ReceiptHandle, in.VisibilityTimeout); err != nil {
		return nil, err
	}
	return &Empty{}, s.journal.Flush()
}

func (q *queue) hide(receipt string, seconds *int) error {
	if receipt == "" {
		return missing("ReceiptHandle")
	}
	if seconds == nil {
		return missing("VisibilityTimeout")
	}
	if *seconds < 0 || *seconds > 43200 {
		return invalidParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.", *seconds)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	q.settle(now)
	m, latest, err := q.held(receipt)
	if err != nil {
		return err
	}
	if m == nil || !latest || !m.InFlight {
		return invalidParameter("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", receipt)
	}
	m.VisibleAt = now.Add(time.Duration(*seconds) * time.Second)
	if m.VisibleAt.After(now) {
		heap.Fix(&q.hidden, m.place)
		q.arm()
	} else {
		heap.Remove(&q.hidden, m.place)
		q.show(m)
	}
	q.keepReceive(m)
	return nil
}

func (s *Service) deleteMessageBatch(_ context.Context, _ *dispatch.Call, in *DeleteMessageBatchInput) (*BatchOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return batch(s, in.Entries, "DeleteMessageBatchRequestEntry", func(e DeleteMessageBatchEntry) string { return e.ID },
		func(e DeleteMessageBatchEntry) error { return q.delete(e.ReceiptHandle) })
}

func (s *Service) changeVisibilityBatch(_ context.Context, _ *dispatch.Call, in *ChangeMessageVisibilityBatchInput) (*BatchOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return batch(s, in.Entries, "ChangeMessageVisibilityBatchRequestEntry", func(e ChangeMessageVisibilityBatchEntry) string { return e.ID },
		func(e ChangeMessageVisibilityBatchEntry) error { return q.hide(e.ReceiptHandle, e.VisibilityTimeout) })
}

func batch[E any](s *Service, entries []E, kind string, id func(E) string, do func(E) error) (*BatchOutput, error) {
	if err := checkBatch(entries, id, kind); err != nil {
		return nil, err
	}
	out := &BatchOutput{Successful: []BatchSuccess{}, Failed: []BatchFailure{}}
	for _, e := range entries {
		if err := do(e); err != nil {
			out.Failed = append(out.Failed, failure(id(e), err))
		} else {
			out.Successful = append(out.Successful, BatchSuccess{id(e)})
		}
	}
	return out, s.journal.Flush()
}
