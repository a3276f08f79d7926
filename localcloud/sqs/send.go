package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func (s *Service) sendMessage(ctx context.Context, c *dispatch.Call, in *SendMessageInput) (*SendMessageOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	m, err := q.prepare(c, in)
	if err != nil {
		return nil, err
	}
	if m.DataKey, err = s.sealFor(ctx, c.Principal, q); err != nil {
		return nil, err
	}
	out, err := q.send(m, in)
	if err != nil {
		return nil, err
	}
	return out, s.journal.Flush()
}

// prepare checks a message and makes it.
func (q *queue) prepare(c *dispatch.Call, in *SendMessageInput) (*message, error) {
	if in.MessageBody == "" {
		return nil, missing("MessageBody")
	}
	if err := checkText(in.MessageBody); err != nil {
		return nil, err
	}
	if err := checkAttributes(in.MessageAttributes); err != nil {
		return nil, err
	}
	m := &message{ID: dispatch.NewRequestID(), Body: in.MessageBody, BodyMD5: md5Hex(in.MessageBody), Attributes: in.MessageAttributes,
		Sender: sender(c.Principal), Group: in.MessageGroupID, DeduplicationID: in.MessageDeduplicationID, place: -1}
	for name, v := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" || v.DataType != "String" || v.StringValue == nil || *v.StringValue == "" {
			return nil, invalidParameter("Message system attribute name '%s' is invalid.", name)
		}
		m.TraceHeader = *v.StringValue
	}
	if in.DelaySeconds != nil && (*in.DelaySeconds < 0 || *in.DelaySeconds > 900) {
		return nil, invalidParameter("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *in.DelaySeconds)
	}
	q.mu.Lock()
	maxSize, fifo, byContent := q.maxSize, q.fifo, q.byContent
	q.mu.Unlock()
	if m.size() > maxSize {
		return nil, invalidParameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxSize)
	}
	if m.Group != "" && !messageToken.MatchString(m.Group) {
		return nil, invalidParameter("The request includes a parameter that is not valid: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	if !fifo {
		if m.DeduplicationID != "" {
			return nil, invalidParameter("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.", m.DeduplicationID)
		}
		return m, nil
	}
	if m.Group == "" {
		return nil, missing("MessageGroupId")
	}
	if in.DelaySeconds != nil {
		return nil, invalidParameter("Value %d for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", *in.DelaySeconds)
	}
	if m.DeduplicationID == "" {
		if !byContent {
			return nil, invalidParameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(m.Body))
		m.DeduplicationID = hex.EncodeToString(sum[:])
	} else if !messageToken.MatchString(m.DeduplicationID) {
		return nil, invalidParameter("The request includes a parameter that is not valid: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return m, nil
}

// send puts a checked message into the queue.
func (q *queue) send(m *message, in *SendMessageInput) (*SendMessageOutput, error) {
	out := SendMessageOutput{MessageID: m.ID, MD5OfMessageBody: m.BodyMD5, MD5OfMessageAttributes: attributesMD5(m.Attributes),
		MD5OfMessageSystemAttributes: attributesMD5(in.MessageSystemAttributes)}
	now := q.clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, dispatch.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	}
	if q.bytes+m.size() > maxQueueBytes {
		return nil, dispatch.Errorf("OverLimit", "The emulated queue %s holds %d MB of messages, which is its limit.", q.name, maxQueueBytes>>20)
	}
	q.sequence++
	m.Sequence, m.Sent = q.sequence, now
	delay := q.delay
	if in.DelaySeconds != nil {
		delay = time.Duration(*in.DelaySeconds) * time.Second
	}
	if delay > 0 {
		m.VisibleAt = now.Add(delay)
	}
	if q.fifo {
		key := m.DeduplicationID
		if q.groupScope {
			key = m.Group + " " + key
		}
		if before, ok := q.seen[key]; ok && before.until.After(now) {
			return &before.sent, nil
		}
		out.SequenceNumber = fmt.Sprintf("%020d", m.Sequence)
		if len(q.seen) > 1000 && m.Sequence%1000 == 0 {
			for k, v := range q.seen {
				if !v.until.After(now) {
					q.forget(k)
				}
			}
		}
		q.seen[key] = duplicate{now.Add(deduplication), out}
		q.keep(seenKey+q.name+"/"+key, keptDuplicate{q.name, key, now.Add(deduplication), out})
	}
	q.add(m, now)
	q.keepMessage(m)
	return &out, nil
}

// sender is the SenderId of a caller: for a role, the role's name and the session, since roles have no unique id here.
func sender(p dispatch.Principal) string {
	if p.Service != "" {
		return p.Service
	}
	if _, session, ok := strings.Cut(p.ARN, ":assumed-role/"); ok {
		return strings.Replace(session, "/", ":", 1)
	}
	if fields := strings.SplitN(p.ARN, ":", 6); len(fields) == 6 {
		return fields[4]
	}
	return p.ARN
}

var batchID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkBatch checks the ids of a batch.
func checkBatch[E any](entries []E, id func(E) string, kind string) error {
	if len(entries) == 0 {
		return dispatch.Errorf("EmptyBatchRequest", "There should be at least one %s in the request.", kind)
	}
	if len(entries) > 10 {
		return dispatch.Errorf("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if !batchID.MatchString(id(e)) {
			return dispatch.Errorf("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id(e)] {
			return dispatch.Errorf("BatchEntryIdsNotDistinct", "Id %s repeated.", id(e))
		}
		seen[id(e)] = true
	}
	return nil
}

func failure(id string, err error) BatchFailure {
	e := dispatch.AsError(err)
	return BatchFailure{ID: id, SenderFault: e.HTTPStatus() < 500, Code: e.Code, Message: e.Message}
}

func (s *Service) sendMessageBatch(ctx context.Context, c *dispatch.Call, in *SendMessageBatchInput) (*SendMessageBatchOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(e SendMessageBatchEntry) string { return e.ID }, "SendMessageBatchRequestEntry"); err != nil {
		return nil, err
	}
	total := 0
	for _, e := range in.Entries {
		total += (&message{Body: e.MessageBody, Attributes: e.MessageAttributes}).size()
	}
	if total > maxMessageSize {
		return nil, dispatch.Errorf("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, total)
	}
	dataKey, err := s.sealFor(ctx, c.Principal, q)
	if err != nil {
		return nil, err
	}
	out := &SendMessageBatchOutput{Successful: []SendMessageBatchResult{}, Failed: []BatchFailure{}}
	for _, e := range in.Entries {
		one := &SendMessageInput{QueueURL: in.QueueURL, MessageBody: e.MessageBody, DelaySeconds: e.DelaySeconds, MessageAttributes: e.MessageAttributes,
			MessageSystemAttributes: e.MessageSystemAttributes, MessageDeduplicationID: e.MessageDeduplicationID, MessageGroupID: e.MessageGroupID}
		m, err := q.prepare(c, one)
		var sent *SendMessageOutput
		if err == nil {
			m.DataKey = dataKey
			sent, err = q.send(m, one)
		}
		if err != nil {
			out.Failed = append(out.Failed, failure(e.ID, err))
			continue
		}
		out.Successful = append(out.Successful, SendMessageBatchResult{e.ID, *sent})
	}
	return out, s.journal.Flush()
}
