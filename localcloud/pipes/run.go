package pipes

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/inputtemplate"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

const (
	concurrency = 5         // batches of a pipe that are with the target at a time
	maxPayload  = 256 << 10 // bytes of a batch, as many as a state machine takes
	perCall     = 10        // messages that SQS gives and deletes at a time
	maxBackoff  = time.Minute
)

// assume returns the pipe's role.
func (s *Service) assume(ctx context.Context, p *pipe) (dispatch.Principal, error) {
	by := dispatch.Principal{ARN: principalName, Service: principalName, SourceARN: s.arn(p.Name)}
	return s.d.Assume(ctx, by, p.Settings.RoleArn, p.Name)
}

// queueURL is a URL of a queue, by its ARN.
func queueURL(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return "https://sqs." + parts[3] + ".amazonaws.com/" + parts[4] + "/" + parts[5]
}

// reach asks whether there is a queue that the role may ask for its attributes.
func (s *Service) reach(ctx context.Context, role dispatch.Principal, arn string) error {
	_, err := s.d.Do(ctx, role, "sqs", "GetQueueAttributes", &sqs.GetQueueAttributesInput{QueueURL: queueURL(arn), AttributeNames: []string{"QueueArn"}})
	return err
}

// reader collects the batches of a pipe.
type reader struct {
	s        *Service
	p        *pipe
	compiled *compiled
	rest     []item // received and not in a batch yet
}

// run reads a pipe's queue and hands batches to the target until ctx ends.
func (s *Service) run(ctx context.Context, p *pipe) {
	c, err := p.compile()
	if err != nil { // it was checked when it was stored
		s.d.Logf("the pipe %s does not run: %v", p.Name, err)
		return
	}
	r := &reader{s: s, p: p, compiled: c}
	places := make(chan struct{}, concurrency)
	failures := 0
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		batch, err := r.collect(ctx)
		if ctx.Err() != nil {
			return
		}
		if len(batch) > 0 {
			s.work.Go(func() {
				defer func() { <-places }()
				s.pass(p, batch)
			})
		} else {
			<-places
		}
		if err == nil {
			failures = 0
			continue
		}
		s.d.Logf("the pipe %s cannot read its queue: %s", p.Name, dispatch.AsError(err).Code)
		s.pause(ctx, min(time.Second<<min(failures, 10), maxBackoff))
		failures++
	}
}

// pause waits for a while or until ctx ends.
func (s *Service) pause(ctx context.Context, d time.Duration) {
	over := make(chan struct{})
	timer := s.d.Clock.AfterFunc(d, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// collect waits for a message and then for more until the batch is full or its window is over. An error may come with a batch.
func (r *reader) collect(ctx context.Context) (batch []item, err error) {
	size, window := r.p.batching()
	bytes, full := 2, false
	take := func() {
		for len(r.rest) > 0 && !full {
			next := r.rest[0]
			if len(batch) > 0 && (len(batch) == size || bytes+len(next.value)+1 > maxPayload) {
				full = true
				return
			}
			batch, r.rest = append(batch, next), r.rest[1:]
			bytes += len(next.value) + 1
		}
		full = full || len(batch) >= size
	}
	take()
	for len(batch) == 0 {
		if err := r.receive(ctx, min(size, perCall), -1); err != nil {
			return nil, err
		}
		take()
	}
	end := r.s.d.Clock.Now().Add(time.Duration(window) * time.Second)
	for !full && window > 0 {
		left := end.Sub(r.s.d.Clock.Now())
		if left <= 0 {
			break
		}
		if err := r.receive(ctx, min(size-len(batch), perCall), int(min(20, (left+time.Second-1)/time.Second))); err != nil {
			return batch, err
		}
		take()
	}
	return batch, nil
}

// receive gets messages, waiting some seconds for the first one or, with -1, as long as it takes. Those that no filter lets
// pass are deleted.
func (r *reader) receive(ctx context.Context, most, wait int) error {
	role, err := r.s.assume(ctx, r.p)
	if err != nil {
		return err
	}
	in := &sqs.ReceiveMessageInput{QueueURL: queueURL(r.p.Source), MaxNumberOfMessages: &most,
		MessageSystemAttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"}}
	if in.Patient = wait < 0; !in.Patient {
		in.WaitTimeSeconds = &wait
	}
	out, err := dispatch.Do[sqs.ReceiveMessageOutput](ctx, r.s.d, role, "sqs", "ReceiveMessage", in)
	if err != nil {
		return err
	}
	var unwanted []item
	for i := range out.Messages {
		it, passes := r.s.read(r.p, r.compiled, &out.Messages[i])
		if passes {
			r.rest = append(r.rest, it)
		} else {
			unwanted = append(unwanted, it)
		}
	}
	return r.s.remove(ctx, role, r.p, unwanted)
}

// remove deletes the messages of items.
func (s *Service) remove(ctx context.Context, role dispatch.Principal, p *pipe, items []item) error {
	for len(items) > 0 {
		n := min(perCall, len(items))
		in := &sqs.DeleteMessageBatchInput{QueueURL: queueURL(p.Source), Entries: make([]sqs.DeleteMessageBatchEntry, n)}
		for i, it := range items[:n] {
			in.Entries[i] = sqs.DeleteMessageBatchEntry{ID: strconv.Itoa(i), ReceiptHandle: it.receipt}
		}
		items = items[n:]
		if _, err := s.d.Do(ctx, role, "sqs", "DeleteMessageBatch", in); err != nil {
			return err
		}
	}
	return nil
}

// pass gives a batch to the target and deletes what it has taken.
func (s *Service) pass(p *pipe, batch []item) {
	role, err := s.assume(s.ctx, p)
	var taken []item
	if err == nil {
		taken, err = s.deliver(s.ctx, role, p, batch)
	}
	if err == nil {
		err = s.remove(s.ctx, role, p, taken)
	}
	if err != nil && s.ctx.Err() == nil {
		s.d.Logf("a batch of the pipe %s failed: %s", p.Name, dispatch.AsError(err).Code)
	}
}

// deliver calls the target and returns the items that it has taken.
func (s *Service) deliver(ctx context.Context, role dispatch.Principal, p *pipe, batch []item) ([]item, error) {
	for _, it := range batch {
		if it.err != nil {
			s.d.Logf("the pipe %s: %v", p.Name, it.err)
			return nil, &dispatch.Error{Code: "InvalidInputTemplate", Message: it.err.Error()}
		}
	}
	if kindOf(p.Settings.Target) == queue {
		return s.send(ctx, role, p, batch)
	}
	input := make([]byte, 0, 1024)
	for i, it := range batch {
		input = append(append(input, "[,"[min(i, 1)]), it.value...)
	}
	input = append(input, ']')
	if !p.sync() {
		_, err := s.d.Do(ctx, role, "states", "StartExecution", &stepfunctions.StartExecutionInput{StateMachineArn: p.Settings.Target, Input: string(input)})
		return batch, err
	}
	out, err := dispatch.Do[stepfunctions.StartSyncExecutionOutput](ctx, s.d, role, "states", "StartSyncExecution",
		&stepfunctions.StartSyncExecutionInput{StateMachineArn: p.Settings.Target, Input: string(input)})
	if err != nil {
		return nil, err
	}
	if out.Status != "SUCCEEDED" {
		return nil, &dispatch.Error{Code: "Execution" + out.Status, Message: out.Error}
	}
	if out.Output == nil {
		return batch, nil
	}
	return withoutFailures(batch, *out.Output)
}

// withoutFailures returns the items that a target's answer does not name as failures. An answer that names an item that is not
// there, or none, fails the batch.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html#pipes-partial-batch-failure
func withoutFailures(batch []item, output string) ([]item, error) {
	if !strings.Contains(output, `"batchItemFailures"`) {
		return batch, nil
	}
	v, _ := jsonvalue.Parse(output)
	o, _ := v.(*jsonvalue.Object)
	if o == nil {
		return batch, nil
	}
	list, _ := o.Get("batchItemFailures")
	failures, ok := list.(*jsonvalue.Array)
	if !ok {
		return batch, nil
	}
	failed := map[string]bool{}
	for _, f := range failures.Items {
		var id any
		if entry, isObject := f.(*jsonvalue.Object); isObject {
			id, _ = entry.Get("itemIdentifier")
		}
		name, _ := id.(string)
		failed[name] = true
	}
	var taken []item
	for _, it := range batch {
		if !failed[it.id] {
			taken = append(taken, it)
		}
	}
	if len(batch)-len(taken) != len(failed) {
		return nil, &dispatch.Error{Code: "InvalidBatchItemFailures", Message: "the target's answer names a message that is not in the batch"}
	}
	return taken, nil
}

// send sends a batch to a queue and returns the items that it has taken.
func (s *Service) send(ctx context.Context, role dispatch.Principal, p *pipe, batch []item) ([]item, error) {
	in := &sqs.SendMessageBatchInput{QueueURL: queueURL(p.Settings.Target)}
	for i, it := range batch {
		e := sqs.SendMessageBatchEntry{ID: strconv.Itoa(i), MessageBody: body(it.value)}
		if t := p.Settings.TargetParameters; t != nil && t.SqsQueueParameters != nil {
			e.MessageGroupID = it.at(t.SqsQueueParameters.MessageGroupID)
			e.MessageDeduplicationID = it.at(t.SqsQueueParameters.MessageDeduplicationID)
		}
		in.Entries = append(in.Entries, e)
	}
	out, err := dispatch.Do[sqs.SendMessageBatchOutput](ctx, s.d, role, "sqs", "SendMessageBatch", in)
	if err != nil {
		return nil, err
	}
	var taken []item
	for _, done := range out.Successful {
		i, err := strconv.Atoi(done.ID)
		if err == nil && i < len(batch) {
			taken = append(taken, batch[i])
		}
	}
	return taken, nil
}

// body is a value as a message's text: a JSON string becomes what it says.
func body(value string) string {
	if v, err := jsonvalue.Parse(value); err == nil {
		if text, is := v.(string); is {
			return text
		}
	}
	return value
}

// at returns a parameter that may be a path into the record.
func (it *item) at(parameter string) string {
	path, err := inputtemplate.ParsePath(parameter)
	if err != nil {
		return parameter
	}
	v, _ := path.Follow(it.record)
	text, _ := v.(string)
	return text
}
