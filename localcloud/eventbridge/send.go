package eventbridge

import (
	"context"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

// failure is why a delivery failed, in the words of dead-letter queues.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
type failure struct {
	code, message string
	retry         bool
}

func (f *failure) Error() string { return f.code + ": " + f.message }

// classify says what EventBridge makes of a target's error: it does not repeat what lacks a permission, a resource or sense.
func classify(err error) *failure {
	e := dispatch.AsError(err)
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(e.Code, part) {
				return true
			}
		}
		return false
	}
	switch status := e.HTTPStatus(); {
	case has("Throttl", "TooManyRequests", "OverLimit", "LimitExceeded") || status == 429:
		return &failure{"THROTTLING", e.Message, true}
	case has("Timeout") || status == 408 || status == 504:
		return &failure{"TIMEOUT", e.Message, true}
	case status >= 500 || has("InternalFailure", "InternalError", "ServiceUnavailable", "ServiceException"):
		return &failure{"ERROR_FROM_TARGET", e.Message, true}
	case has("AccessDenied", "NotAuthorized"):
		return &failure{"NO_PERMISSIONS", e.Message, false}
	case has("DoesNotExist", "NonExistent", "NotFound"):
		return &failure{"NO_RESOURCE", e.Message, false}
	}
	return &failure{"SDK_CLIENT_ERROR", e.Message, false}
}

// caller is as whom a target is called: its role, the rule's, or the service itself, which the target's policy must let in.
func (s *Service) caller(ctx context.Context, r *rule, t *Target) (dispatch.Principal, error) {
	p := dispatch.Principal{ARN: principalName, Service: principalName, SourceARN: s.ruleARN(r.Bus, r.Name)}
	role := t.RoleArn
	if role == "" && kindOf(t.Arn) == stateMachine {
		role = r.Role
	}
	if role == "" {
		return p, nil
	}
	assumed, err := s.d.Assume(ctx, p, role, "events-"+r.Name)
	if err != nil {
		return p, &failure{"FAILED_TO_ASSUME_ROLE", dispatch.AsError(err).Message, false}
	}
	return assumed, nil
}

// queueURL is a URL of a queue, by its ARN.
func queueURL(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return "https://sqs." + parts[3] + ".amazonaws.com/" + parts[4] + "/" + parts[5]
}

// deliver calls a target once.
func (s *Service) deliver(ctx context.Context, r *rule, t *Target, p *parcel) error {
	ev := p.event
	if err := s.unseal(ctx, ev); err != nil {
		return err
	}
	body, err := s.input(r, t, ev)
	if err != nil {
		return err
	}
	caller, err := s.caller(ctx, r, t)
	if err != nil {
		return err
	}
	switch kindOf(t.Arn) {
	case queue:
		in := &sqs.SendMessageInput{QueueURL: queueURL(t.Arn), MessageBody: body}
		if t.SqsParameters != nil {
			in.MessageGroupID = t.SqsParameters.MessageGroupID
		}
		_, err = s.d.Do(ctx, caller, "sqs", "SendMessage", in)
	case stateMachine:
		_, err = s.d.Do(ctx, caller, "states", "StartExecution",
			&stepfunctions.StartExecutionInput{StateMachineArn: t.Arn, Name: ev.ID + "_" + dispatch.NewRequestID(), Input: body})
	case function:
		_, err = s.d.Do(ctx, caller, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: t.Arn, InvocationType: "Event", Payload: []byte(body)})
	case logGroup:
		err = s.log(ctx, caller, t, ev, body)
	case eventBus:
		err = s.forward(ctx, caller, t, ev)
	}
	return err
}

// log writes an event into a log group, each into a stream of its own name, as EventBridge's streams have random names.
func (s *Service) log(ctx context.Context, caller dispatch.Principal, t *Target, ev *event, body string) error {
	_, group, _ := strings.Cut(t.Arn, ":log-group:")
	group = strings.TrimSuffix(group, ":*")
	stream := ev.ID
	_, err := s.d.Do(ctx, caller, "logs", "CreateLogStream", &logs.StreamInput{LogGroupName: group, LogStreamName: stream})
	if err != nil && dispatch.AsError(err).Code != "ResourceAlreadyExistsException" {
		return err
	}
	_, err = s.d.Do(ctx, caller, "logs", "PutLogEvents", &logs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream,
		LogEvents: []logs.InputLogEvent{{Timestamp: s.now().UnixMilli(), Message: body}}})
	return err
}

// forward puts an event on another bus, as it is.
func (s *Service) forward(ctx context.Context, caller dispatch.Principal, t *Target, ev *event) error {
	if _, err := s.findBus(t.Arn); err != nil {
		return err
	}
	out, err := dispatch.Do[PutEventsOutput](ctx, s.d, caller, "events", "PutEvents",
		&PutEventsInput{Entries: []PutEventsEntry{{EventBusName: t.Arn, Source: ev.Source, DetailType: ev.DetailType, forwarded: ev}}})
	if err != nil {
		return err
	}
	if out.FailedEntryCount > 0 {
		return &failure{"THROTTLING", out.Entries[0].ErrorMessage, true}
	}
	return nil
}

// bury sends an event that could not be delivered to the target's dead-letter queue, if it has one.
func (s *Service) bury(r *rule, t *Target, p *parcel, why *failure, exhausted string) {
	what := "the rule " + r.key() + " gave up the event " + p.event.ID + " for its target " + t.ID
	if t.DeadLetterConfig == nil || t.DeadLetterConfig.Arn == "" {
		s.d.Logf("%s: %s", what, why.code)
		return
	}
	attributes := map[string]string{"RULE_ARN": s.ruleARN(r.Bus, r.Name), "TARGET_ARN": t.Arn, "ERROR_CODE": why.code, "ERROR_MESSAGE": why.message}
	if exhausted != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
		attributes["RETRY_ATTEMPTS"] = strconv.Itoa(p.Attempts - 1)
	}
	if err := s.toQueue(s.ctx, t.DeadLetterConfig.Arn, s.ruleARN(r.Bus, r.Name), p.event, attributes); err != nil {
		s.d.Logf("%s and lost it, since its dead-letter queue refused it: %v", what, err)
	}
}

// toQueue sends an event to a dead-letter queue, whose policy must let EventBridge in for the rule or bus of source.
func (s *Service) toQueue(ctx context.Context, queueARN, source string, ev *event, attributes map[string]string) error {
	values := map[string]sqs.MessageAttributeValue{}
	for name, value := range attributes {
		if value == "" {
			value = " " // SQS takes no empty attribute
		}
		values[name] = sqs.MessageAttributeValue{DataType: "String", StringValue: &value}
	}
	_, err := s.d.Do(ctx, dispatch.Principal{ARN: principalName, Service: principalName, SourceARN: source}, "sqs", "SendMessage",
		&sqs.SendMessageInput{QueueURL: queueURL(queueARN), MessageBody: string(ev.text), MessageAttributes: values})
	return err
}
