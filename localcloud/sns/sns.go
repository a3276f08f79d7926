// Package sns is as much of Amazon SNS as tasks and tests need: standard topics, messages with attributes and their delivery
// to SQS queues, raw or in SNS's envelope.
//
// It follows https://docs.aws.amazon.com/sns/latest/api/. Topic attributes and policies, filter policies, other protocols,
// FIFO topics, batches and encryption are not there. A message is delivered once, before Publish answers: what a queue refuses
// is lost and logged. Envelopes are not signed.
package sns

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/store"
)

// topic is a topic's record.
type topic struct {
	Subscriptions []subscription
}

// subscription is a queue that gets a topic's messages.
type subscription struct {
	ARN   string
	Queue string // ARN
	Raw   bool   // the message as it is, its attributes as SQS's
}

// Service is SNS of one account and region. Make it with New.
type Service struct {
	d      *dispatch.Dispatcher
	mu     sync.Mutex           // serialises changes
	topics *store.Table[*topic] // by ARN; never changed in place
}

// New registers SNS's operations with d and keeps its topics in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	topics, err := store.NewTable[*topic](s, "sns/topics")
	if err != nil {
		return nil, fmt.Errorf("opening the topics: %w", err)
	}
	svc := &Service{d: d, topics: topics}
	op := func(action string) dispatch.Operation { return dispatch.Operation{Service: "sns", Action: action} }
	dispatch.Register(d, op("CreateTopic"), dispatch.On(func(_ *dispatch.Call, in *CreateTopicInput) []string { return []string{d.ARN("sns", in.Name)} }), svc.createTopic)
	dispatch.Register(d, op("DeleteTopic"), dispatch.On(func(_ *dispatch.Call, in *TopicInput) []string { return []string{in.TopicArn} }), svc.deleteTopic)
	dispatch.Register(d, op("ListTopics"), dispatch.Anywhere[ListTopicsInput](), svc.listTopics)
	dispatch.Register(d, op("Subscribe"), dispatch.On(func(_ *dispatch.Call, in *SubscribeInput) []string { return []string{in.TopicArn} }), svc.subscribe)
	dispatch.Register(d, op("Unsubscribe"), dispatch.On(func(_ *dispatch.Call, in *SubscriptionInput) []string { return []string{topicOf(in.SubscriptionArn)} }), svc.unsubscribe)
	dispatch.Register(d, op("Publish"), dispatch.On(func(_ *dispatch.Call, in *PublishInput) []string {
		return []string{cmp.Or(in.TopicArn, in.TargetArn)}
	}), svc.publish)
	return svc, nil
}

func invalid(format string, args ...any) error {
	return dispatch.Errorf("InvalidParameter", "Invalid parameter: "+format, args...)
}

// topicOf is the ARN of a subscription's topic.
func topicOf(subscription string) string {
	return subscription[:max(strings.LastIndex(subscription, ":"), 0)]
}

// topic returns the topic of an ARN.
func (s *Service) topic(member, arn string) (*topic, error) {
	if parts := strings.Split(arn, ":"); len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" {
		return nil, invalid("%s Reason: An ARN must have at least 6 elements, not %d", member, len(parts))
	}
	if t, ok := s.topics.Get(arn); ok {
		return t, nil
	}
	return nil, &dispatch.Error{Code: "NotFound", Status: 404, Message: "Topic does not exist"}
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (s *Service) createTopic(_ context.Context, _ *dispatch.Call, in *CreateTopicInput) (*TopicInput, error) {
	if !topicName.MatchString(in.Name) {
		return nil, invalid("Topic Name")
	}
	arn := s.d.ARN("sns", in.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, exists := s.topics.Get(arn); exists {
		return &TopicInput{arn}, nil
	}
	return &TopicInput{arn}, s.topics.Put(arn, &topic{})
}

func (s *Service) deleteTopic(_ context.Context, _ *dispatch.Call, in *TopicInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.topics.Delete(in.TopicArn) // as AWS: it is no error when there is none
	return &Empty{}, err
}

func (s *Service) listTopics(context.Context, *dispatch.Call, *ListTopicsInput) (*ListTopicsOutput, error) {
	out := &ListTopicsOutput{Topics: []TopicInput{}}
	for arn := range s.topics.All() {
		out.Topics = append(out.Topics, TopicInput{arn})
	}
	return out, nil
}

func (s *Service) subscribe(_ context.Context, _ *dispatch.Call, in *SubscribeInput) (*SubscriptionInput, error) {
	if in.Protocol != "sqs" {
		return nil, invalid("the embedded AWS delivers to SQS queues only, not by the protocol %s", in.Protocol)
	}
	if parts := strings.Split(in.Endpoint, ":"); len(parts) != 6 || parts[2] != "sqs" {
		return nil, invalid("SQS endpoint ARN")
	}
	raw := false
	for name, value := range in.Attributes {
		if name != "RawMessageDelivery" {
			return nil, invalid("the embedded AWS does not have the attribute %s of subscriptions", name)
		}
		if raw = value == "true"; !raw && value != "false" {
			return nil, invalid("Attributes Reason: RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.topic("TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	for _, sub := range old.Subscriptions {
		switch {
		case sub.Queue != in.Endpoint:
		case sub.Raw != raw:
			return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
		default:
			return &SubscriptionInput{sub.ARN}, nil
		}
	}
	sub := subscription{in.TopicArn + ":" + dispatch.NewRequestID(), in.Endpoint, raw}
	return &SubscriptionInput{sub.ARN}, s.topics.Put(in.TopicArn, &topic{append(slices.Clone(old.Subscriptions), sub)})
}

func (s *Service) unsubscribe(_ context.Context, _ *dispatch.Call, in *SubscriptionInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := topicOf(in.SubscriptionArn)
	old, ok := s.topics.Get(arn)
	if !ok {
		return &Empty{}, nil
	}
	left := slices.DeleteFunc(slices.Clone(old.Subscriptions), func(sub subscription) bool { return sub.ARN == in.SubscriptionArn })
	return &Empty{}, s.topics.Put(arn, &topic{left})
}

const maxMessage = 256 << 10 // bytes

func (s *Service) publish(ctx context.Context, _ *dispatch.Call, in *PublishInput) (*PublishOutput, error) {
	member, arn := "TopicArn", in.TopicArn
	if arn == "" {
		member, arn = "TargetArn", in.TargetArn
	}
	if arn == "" || in.TopicArn != "" && in.TargetArn != "" {
		return nil, invalid("TopicArn or TargetArn Reason: exactly one is required")
	}
	if in.Message == "" {
		return nil, invalid("Empty message")
	}
	if utf8.RuneCountInString(in.Subject) > 100 {
		return nil, invalid("Subject")
	}
	size := len(in.Message)
	for name, a := range in.MessageAttributes {
		if a.DataType == "" || a.StringValue == nil && len(a.BinaryValue) == 0 {
			return nil, dispatch.Errorf("ParameterValueInvalid", "The message attribute '%s' must contain non-empty message attribute value.", name)
		}
		size += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			size += len(*a.StringValue)
		}
	}
	if size > maxMessage {
		return nil, invalid("Message too long")
	}
	t, err := s.topic(member, arn)
	if err != nil {
		return nil, err
	}
	id := dispatch.NewRequestID()
	for _, sub := range t.Subscriptions {
		if err := s.deliver(ctx, arn, id, sub, in); err != nil {
			s.d.Logf("sns: delivering a message of %s to %s: %v", arn, sub.Queue, err)
		}
	}
	return &PublishOutput{id}, nil
}

// envelope is a message as queues get it:
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html.
type envelope struct {
	Type, MessageId, TopicArn string
	Subject                   string `json:",omitempty"`
	Message, Timestamp        string
	MessageAttributes         map[string]envelopeAttribute `json:",omitempty"`
}

type envelopeAttribute struct {
	Type  string
	Value any // a string, or bytes
}

// deliver sends a message to a queue, whose policy must let SNS in.
func (s *Service) deliver(ctx context.Context, arn, id string, sub subscription, in *PublishInput) error {
	parts := strings.SplitN(sub.Queue, ":", 6)
	send := &sqs.SendMessageInput{QueueURL: "https://sqs." + parts[3] + ".amazonaws.com/" + parts[4] + "/" + parts[5], MessageBody: in.Message}
	if sub.Raw {
		for name, a := range in.MessageAttributes {
			if send.MessageAttributes == nil {
				send.MessageAttributes = map[string]sqs.MessageAttributeValue{}
			}
			send.MessageAttributes[name] = sqs.MessageAttributeValue{DataType: a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
		}
	} else {
		e := envelope{Type: "Notification", MessageId: id, TopicArn: arn, Subject: in.Subject, Message: in.Message,
			Timestamp: s.d.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z")}
		for name, a := range in.MessageAttributes {
			if e.MessageAttributes == nil {
				e.MessageAttributes = map[string]envelopeAttribute{}
			}
			e.MessageAttributes[name] = envelopeAttribute{a.DataType, a.value()}
		}
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		send.MessageBody = string(body)
	}
	const name = "sns.amazonaws.com"
	_, err := s.d.Do(ctx, dispatch.Principal{ARN: name, Service: name, SourceARN: arn}, "sqs", "SendMessage", send)
	return err
}

// value is the attribute's value as the envelope has it.
func (a MessageAttributeValue) value() any {
	if a.StringValue != nil {
		return *a.StringValue
	}
	return a.BinaryValue
}
