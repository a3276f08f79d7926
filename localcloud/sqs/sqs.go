// Package sqs emulates Amazon SQS: standard and FIFO queues with visibility, delays, long polling, retention, dead-letter
// redrive, server-side encryption checks and queue policies.
//
// It follows https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/. It differs from AWS in that a queue
// may be created again at once after it was deleted, that a standard queue keeps its order and does not deliver twice of
// itself, and that a queue holds at most 256 MB of messages (OverLimit beyond).
//
// A call is answered when what it has changed is in a [store.Journal]: messages, their receive counts and visibility
// timeouts survive whatever ends the process, kill -9 included. Move tasks do not; what they have not moved stays where it is.
package sqs

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// record is a queue's control plane.
type record struct {
	Name       string
	Attributes map[string]string // those that were set, and defaults
	Tags       map[string]string
	Created    time.Time
	Modified   time.Time
}

// Service is the emulated SQS. Make it with New.
type Service struct {
	d       *dispatch.Dispatcher
	journal *store.Journal
	records *store.Table[record]

	mu       sync.RWMutex
	endpoint string // base of queue URLs, without a slash at its end
	queues   map[string]*queue
	tasks    []*moveTask // latest first
}

// New returns the service with its operations registered at d and its queues kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	records, err := store.NewTable[record](s, "sqs/queues")
	if err != nil {
		return nil, fmt.Errorf("opening the queues: %w", err)
	}
	journal, err := store.NewJournal(s, "messages")
	if err != nil {
		return nil, err
	}
	svc := &Service{d: d, journal: journal, records: records, endpoint: "http://localhost:4566", queues: map[string]*queue{}}
	for name, row := range records.All() {
		q := newQueue(d.Clock, journal, svc.arn(name), name)
		q.configure(row)
		svc.queues[name] = q
	}
	if err := svc.load(); err != nil {
		return nil, err
	}
	svc.register()
	return svc, nil
}

// SetEndpoint sets the base of queue URLs, such as http://localhost:4566 (the default).
func (s *Service) SetEndpoint(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoint = strings.TrimSuffix(url, "/")
}

func (s *Service) arn(name string) string { return s.d.ARN("sqs", name) }

func (s *Service) url(name string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.endpoint + "/" + s.d.Account + "/" + name
}

// on is the Permits of an operation on the queue of a URL, with the queue's policy.
func on[In any](s *Service, url func(*In) string) dispatch.Permits[In] {
	return func(_ *dispatch.Call, in *In) ([]string, []dispatch.ResourcePolicy, error) {
		name := nameOf(url(in))
		return s.protected(name)
	}
}

func (s *Service) protected(name string) ([]string, []dispatch.ResourcePolicy, error) {
	arn := s.arn(name)
	row, _ := s.records.Get(name)
	if policy := row.Attributes["Policy"]; policy != "" {
		return []string{arn}, []dispatch.ResourcePolicy{{Resource: arn, Document: policy}}, nil
	}
	return []string{arn}, nil, nil
}

func (s *Service) register() {
	d := s.d
	op := func(action string) dispatch.Operation { return dispatch.Operation{Service: "sqs", Action: action} }
	as := func(action, permission string) dispatch.Operation {
		return dispatch.Operation{Service: "sqs", Action: action, Permission: "sqs:" + permission}
	}
	byURL := on(s, func(in *QueueInput) string { return in.QueueURL })
	dispatch.Register(d, op("CreateQueue"), dispatch.On(func(_ *dispatch.Call, in *CreateQueueInput) []string { return []string{s.arn(in.QueueName)} }), s.createQueue)
	dispatch.Register(d, op("DeleteQueue"), byURL, s.deleteQueue)
	dispatch.Register(d, op("GetQueueUrl"), func(_ *dispatch.Call, in *GetQueueURLInput) ([]string, []dispatch.ResourcePolicy, error) {
		return s.protected(in.QueueName)
	}, s.getQueueURL)
	dispatch.Register(d, op("GetQueueAttributes"), on(s, func(in *GetQueueAttributesInput) string { return in.QueueURL }), s.getAttributes)
	dispatch.Register(d, op("SetQueueAttributes"), on(s, func(in *SetQueueAttributesInput) string { return in.QueueURL }), s.setAttributes)
	dispatch.Register(d, op("ListQueues"), dispatch.On(func(*dispatch.Call, *ListQueuesInput) []string { return []string{s.arn("*")} }), s.listQueues)
	dispatch.Register(d, op("SendMessage"), on(s, func(in *SendMessageInput) string { return in.QueueURL }), s.sendMessage)
	dispatch.Register(d, as("SendMessageBatch", "SendMessage"), on(s, func(in *SendMessageBatchInput) string { return in.QueueURL }), s.sendMessageBatch)
	dispatch.Register(d, op("ReceiveMessage"), on(s, func(in *ReceiveMessageInput) string { return in.QueueURL }), s.receiveMessage)
	dispatch.Register(d, op("DeleteMessage"), on(s, func(in *DeleteMessageInput) string { return in.QueueURL }), s.deleteMessage)
	dispatch.Register(d, as("DeleteMessageBatch", "DeleteMessage"), on(s, func(in *DeleteMessageBatchInput) string { return in.QueueURL }), s.deleteMessageBatch)
	dispatch.Register(d, op("ChangeMessageVisibility"), on(s, func(in *ChangeMessageVisibilityInput) string { return in.QueueURL }), s.changeVisibility)
	dispatch.Register(d, as("ChangeMessageVisibilityBatch", "ChangeMessageVisibility"), on(s, func(in *ChangeMessageVisibilityBatchInput) string { return in.QueueURL }), s.changeVisibilityBatch)
	dispatch.Register(d, op("PurgeQueue"), byURL, s.purgeQueue)
	dispatch.Register(d, op("TagQueue"), on(s, func(in *TagQueueInput) string { return in.QueueURL }), s.tagQueue)
	dispatch.Register(d, op("UntagQueue"), on(s, func(in *UntagQueueInput) string { return in.QueueURL }), s.untagQueue)
	dispatch.Register(d, op("ListQueueTags"), byURL, s.listTags)
	dispatch.Register(d, op("ListDeadLetterSourceQueues"), on(s, func(in *ListDeadLetterSourceQueuesInput) string { return in.QueueURL }), s.listSources)
	dispatch.Register(d, op("StartMessageMoveTask"), dispatch.On(func(_ *dispatch.Call, in *StartMessageMoveTaskInput) []string { return []string{in.SourceArn} }), s.startMove)
	dispatch.Register(d, op("ListMessageMoveTasks"), dispatch.On(func(_ *dispatch.Call, in *ListMessageMoveTasksInput) []string { return []string{in.SourceArn} }), s.listMoves)
}

func invalidParameter(format string, args ...any) *dispatch.Error {
	return dispatch.Errorf("InvalidParameterValue", format, args...)
}

func missing(member string) *dispatch.Error {
	return dispatch.Errorf("MissingParameter", "The request must contain the parameter %s.", member)
}

// nameOf returns the queue's name in a queue URL, or the name itself.
func nameOf(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// find returns the queue of a URL.
func (s *Service) find(url string) (*queue, error) {
	if url == "" {
		return nil, missing("QueueUrl")
	}
	name := nameOf(url)
	rest := strings.TrimSuffix(url[:len(url)-len(name)], "/")
	account := rest[strings.LastIndexByte(rest, '/')+1:]
	s.mu.RLock()
	q := s.queues[name]
	s.mu.RUnlock()
	if q == nil || account != "" && account != s.d.Account {
		return nil, dispatch.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	}
	return q, nil
}

// byARN returns the queue of an ARN, or nil.
func (s *Service) byARN(arn string) *queue {
	name, ok := strings.CutPrefix(arn, s.arn(""))
	if !ok {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[name]
}

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Service) createQueue(_ context.Context, _ *dispatch.Call, in *CreateQueueInput) (*QueueURLOutput, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	plain, fifo := strings.CutSuffix(in.QueueName, ".fifo")
	if !queueName.MatchString(plain) || len(in.QueueName) > 80 {
		return nil, invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	wants := in.Attributes["FifoQueue"]
	if wants != "" && wants != "true" && wants != "false" || wants == "false" && fifo {
		return nil, invalidAttribute("FifoQueue")
	}
	if (wants == "true") != fifo {
		if fifo {
			return nil, invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
		}
		return nil, invalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if row, exists := s.records.Get(in.QueueName); exists {
		for name, value := range in.Attributes {
			if !sameAttribute(name, row.Attributes[name], value) {
				return nil, dispatch.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return &QueueURLOutput{QueueURL: s.endpoint + "/" + s.d.Account + "/" + in.QueueName}, nil
	}
	attributes := defaults(fifo)
	if err := s.apply(attributes, in.Attributes, in.QueueName, true); err != nil {
		return nil, err
	}
	now := s.d.Clock.Now()
	row := record{Name: in.QueueName, Attributes: attributes, Tags: maps.Clone(in.Tags), Created: now, Modified: now}
	if err := s.records.Put(in.QueueName, row); err != nil {
		return nil, err
	}
	q := newQueue(s.d.Clock, s.journal, s.arn(in.QueueName), in.QueueName)
	q.configure(row)
	s.queues[in.QueueName] = q
	return &QueueURLOutput{QueueURL: s.endpoint + "/" + s.d.Account + "/" + in.QueueName}, nil
}

func (s *Service) deleteQueue(_ context.Context, _ *dispatch.Call, in *QueueInput) (*Empty, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.records.Delete(q.name); err != nil {
		return nil, err
	}
	delete(s.queues, q.name)
	q.close()
	return &Empty{}, s.journal.Flush()
}

func (s *Service) getQueueURL(_ context.Context, _ *dispatch.Call, in *GetQueueURLInput) (*QueueURLOutput, error) {
	if in.QueueOwnerAWSAccountID != "" && in.QueueOwnerAWSAccountID != s.d.Account {
		return nil, dispatch.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
	}
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	q, err := s.find(s.url(in.QueueName))
	if err != nil {
		return nil, err
	}
	return &QueueURLOutput{QueueURL: s.url(q.name)}, nil
}

func (s *Service) listQueues(_ context.Context, _ *dispatch.Call, in *ListQueuesInput) (*ListQueuesOutput, error) {
	return s.list(in.MaxResults, in.NextToken, func(row record) bool { return strings.HasPrefix(row.Name, in.QueueNamePrefix) })
}

// list answers a page of the queues that match; the token is the name of the last queue of the page before.
func (s *Service) list(limit int, token string, match func(record) bool) (*ListQueuesOutput, error) {
	if limit < 0 || limit > 1000 {
		return nil, invalidParameter("Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided.", limit)
	}
	paged := limit > 0
	if !paged {
		limit = 1000
	}
	out := &ListQueuesOutput{}
	last := ""
	for name, row := range s.records.All() {
		if token != "" && name <= token || !match(row) {
			continue
		}
		if len(out.QueueURLs) == limit {
			if paged {
				out.NextToken = last
			}
			break
		}
		out.QueueURLs = append(out.QueueURLs, s.url(name))
		last = name
	}
	return out, nil
}

func (s *Service) listSources(_ context.Context, _ *dispatch.Call, in *ListDeadLetterSourceQueuesInput) (*ListDeadLetterSourceQueuesOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	page, err := s.list(in.MaxResults, in.NextToken, func(row record) bool {
		target, _ := parseRedrive(row.Attributes["RedrivePolicy"])
		return target != nil && target.Target == q.arn
	})
	if err != nil {
		return nil, err
	}
	if page.QueueURLs == nil {
		page.QueueURLs = []string{}
	}
	return &ListDeadLetterSourceQueuesOutput{QueueURLs: page.QueueURLs, NextToken: page.NextToken}, nil
}

func (s *Service) purgeQueue(_ context.Context, _ *dispatch.Call, in *QueueInput) (*Empty, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if !q.purge() {
		return nil, &dispatch.Error{Code: "PurgeQueueInProgress", Status: 403,
			Message: fmt.Sprintf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)}
	}
	return &Empty{}, s.journal.Flush()
}

func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return invalidParameter("Too many tags added for queue. A queue has at most 50 tags.")
	}
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(k, "aws:") {
			return invalidParameter("Tag keys must be between 1 and 128 characters in length and not begin with aws:, and values at most 256.")
		}
	}
	return nil
}

func (s *Service) changeTags(url string, f func(map[string]string)) (*Empty, error) {
	q, err := s.find(url)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, _ := s.records.Get(q.name)
	tags := maps.Clone(row.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	f(tags)
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	row.Tags = tags
	return &Empty{}, s.records.Put(q.name, row)
}

func (s *Service) tagQueue(_ context.Context, _ *dispatch.Call, in *TagQueueInput) (*Empty, error) {
	return s.changeTags(in.QueueURL, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) untagQueue(_ context.Context, _ *dispatch.Call, in *UntagQueueInput) (*Empty, error) {
	return s.changeTags(in.QueueURL, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *QueueInput) (*ListQueueTagsOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	row, _ := s.records.Get(q.name)
	return &ListQueueTagsOutput{Tags: row.Tags}, nil
}
