package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// ranges are the whole-number attributes with their bounds.
var ranges = map[string]struct{ min, max int }{
	"DelaySeconds":                  {0, 900},
	"MaximumMessageSize":            {1024, maxMessageSize},
	"MessageRetentionPeriod":        {60, 1209600},
	"ReceiveMessageWaitTimeSeconds": {0, 20},
	"VisibilityTimeout":             {0, 43200},
	"KmsDataKeyReusePeriodSeconds":  {60, 86400},
}

const maxMessageSize = 1 << 20

func defaults(fifo bool) map[string]string {
	m := map[string]string{
		"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
		"ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
	}
	if fifo {
		m["FifoQueue"], m["ContentBasedDeduplication"] = "true", "false"
		m["DeduplicationScope"], m["FifoThroughputLimit"] = "queue", "perQueue"
	}
	return m
}

func invalidAttribute(name string) *dispatch.Error {
	return dispatch.Errorf("InvalidAttributeValue", "Invalid value for the parameter %s.", name)
}

// apply checks attributes and writes them into m, the attributes of the queue of that name.
func (s *Service) apply(m, attributes map[string]string, name string, creating bool) error {
	fifo := m["FifoQueue"] == "true"
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[key]
		if bounds, ok := ranges[key]; ok {
			n, err := strconv.Atoi(value)
			if err != nil || n < bounds.min || n > bounds.max {
				return invalidAttribute(key)
			}
			m[key] = strconv.Itoa(n)
			continue
		}
		switch key {
		case "Policy":
			if value != "" && !json.Valid([]byte(value)) {
				return invalidAttribute(key)
			}
			m[key] = value
		case "RedrivePolicy":
			if err := s.checkRedrive(value, name, fifo); err != nil {
				return err
			}
			m[key] = value
		case "RedriveAllowPolicy":
			if _, err := parseAllow(value); err != nil {
				return invalidParameter("Value %s for parameter RedriveAllowPolicy is invalid. Reason: %v.", value, err)
			}
			m[key] = value
		case "KmsMasterKeyId":
			m[key] = value
			if value != "" {
				m["SqsManagedSseEnabled"] = "false"
				if m["KmsDataKeyReusePeriodSeconds"] == "" {
					m["KmsDataKeyReusePeriodSeconds"] = "300"
				}
			}
		case "SqsManagedSseEnabled":
			if value != "true" && value != "false" {
				return invalidAttribute(key)
			}
			if value == "true" && attributes["KmsMasterKeyId"] != "" {
				return invalidParameter("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
			}
			m[key] = value
			if value == "true" {
				delete(m, "KmsMasterKeyId")
			}
		case "FifoQueue":
			if !creating && value != m[key] || value == "false" && creating && fifo {
				return invalidAttribute(key)
			}
		case "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
			allowed := map[string][]string{"ContentBasedDeduplication": {"true", "false"}, "DeduplicationScope": {"queue", "messageGroup"}, "FifoThroughputLimit": {"perQueue", "perMessageGroupId"}}[key]
			if !fifo {
				return dispatch.Errorf("InvalidAttributeName", "Unknown Attribute %s.", key)
			}
			if !slices.Contains(allowed, value) {
				return invalidAttribute(key)
			}
			m[key] = value
		default:
			return dispatch.Errorf("InvalidAttributeName", "Unknown Attribute %s.", key)
		}
		if m[key] == "" {
			delete(m, key)
		}
	}
	if m["FifoThroughputLimit"] == "perMessageGroupId" && m["DeduplicationScope"] != "messageGroup" {
		return invalidAttribute("FifoThroughputLimit")
	}
	return nil
}

// sameAttribute compares an attribute as CreateQueue does for a queue that exists.
func sameAttribute(name, have, want string) bool {
	if have == want || name == "SqsManagedSseEnabled" && have == "" {
		return true
	}
	switch name {
	case "Policy", "RedrivePolicy", "RedriveAllowPolicy":
		var a, b any
		if json.Unmarshal([]byte(have), &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
			return false
		}
		left, errLeft := json.Marshal(a)
		right, errRight := json.Marshal(b)
		return errLeft == nil && errRight == nil && bytes.Equal(left, right)
	}
	return false
}

// redrive is a RedrivePolicy.
type redrive struct {
	Target string
	Max    int
}

func parseRedrive(text string) (*redrive, error) {
	if text == "" {
		return nil, nil
	}
	var policy struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"` // a number, or a string with one
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&policy); err != nil {
		return nil, errors.New("Redrive policy is not a valid JSON map")
	}
	switch {
	case policy.DeadLetterTargetArn == "":
		return nil, errors.New("Redrive policy does not contain mandatory attribute: deadLetterTargetArn")
	case policy.MaxReceiveCount == nil:
		return nil, errors.New("Redrive policy does not contain mandatory attribute: maxReceiveCount")
	}
	n, err := strconv.Atoi(strings.Trim(string(policy.MaxReceiveCount), `"`))
	if err != nil || n < 1 || n > 1000 {
		return nil, errors.New("Invalid value for maxReceiveCount: " + strings.Trim(string(policy.MaxReceiveCount), `"`) + ", valid values are from 1 to 1000 both inclusive")
	}
	return &redrive{policy.DeadLetterTargetArn, n}, nil
}

func (s *Service) checkRedrive(text, source string, fifo bool) error {
	bad := func(reason string) error {
		return invalidParameter("Value %s for parameter RedrivePolicy is invalid. Reason: %s.", text, reason)
	}
	policy, err := parseRedrive(text)
	if err != nil {
		return bad(err.Error())
	}
	if policy == nil {
		return nil
	}
	name, ok := strings.CutPrefix(policy.Target, s.arn(""))
	row, exists := s.records.Get(name)
	if !ok || !exists {
		return bad("Dead letter target does not exist")
	}
	if (row.Attributes["FifoQueue"] == "true") != fifo {
		return bad("Dead-letter queue must be same type of queue as the source")
	}
	allow, err := parseAllow(row.Attributes["RedriveAllowPolicy"])
	if err != nil || !allow.permits(s.arn(source)) {
		return bad("Queue does not have permission to use the dead-letter queue")
	}
	return nil
}

// allowPolicy is a RedriveAllowPolicy.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func parseAllow(text string) (allowPolicy, error) {
	p := allowPolicy{Permission: "allowAll"}
	if text == "" {
		return p, nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, errors.New("Amazon SQS can't create the redrive allow policy. It is not a valid JSON map")
	}
	if !slices.Contains([]string{"allowAll", "denyAll", "byQueue"}, p.Permission) {
		return p, fmt.Errorf("the redrivePermission %q is none of allowAll, denyAll, byQueue", p.Permission)
	}
	if (p.Permission == "byQueue") != (len(p.Sources) > 0) || len(p.Sources) > 10 {
		return p, errors.New("sourceQueueArns must have 1 to 10 entries with byQueue, and none otherwise")
	}
	return p, nil
}

func (p allowPolicy) permits(source string) bool {
	return p.Permission == "allowAll" || p.Permission == "byQueue" && slices.Contains(p.Sources, source)
}

var computed = []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
	"CreatedTimestamp", "LastModifiedTimestamp", "QueueArn"}

var settable = []string{"ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit",
	"KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod", "Policy",
	"ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout"}

func (s *Service) getAttributes(_ context.Context, _ *dispatch.Call, in *GetQueueAttributesInput) (*GetQueueAttributesOutput, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	row, _ := s.records.Get(q.name)
	all := maps.Clone(row.Attributes)
	visible, delayed, inFlight := q.counts()
	all["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(inFlight)
	all["CreatedTimestamp"] = strconv.FormatInt(row.Created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(row.Modified.Unix(), 10)
	all["QueueArn"] = q.arn
	out := &GetQueueAttributesOutput{Attributes: map[string]string{}}
	for _, name := range in.AttributeNames {
		if name == "All" {
			out.Attributes = all
			break
		}
		if !slices.Contains(computed, name) && !slices.Contains(settable, name) {
			return nil, dispatch.Errorf("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
		if value, ok := all[name]; ok {
			out.Attributes[name] = value
		}
	}
	return out, nil
}

func (s *Service) setAttributes(_ context.Context, _ *dispatch.Call, in *SetQueueAttributesInput) (*Empty, error) {
	q, err := s.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, missing("Attribute.Name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	row, _ := s.records.Get(q.name)
	attributes := maps.Clone(row.Attributes)
	if err := s.apply(attributes, in.Attributes, q.name, false); err != nil {
		return nil, err
	}
	row.Attributes, row.Modified = attributes, s.d.Clock.Now()
	if err := s.records.Put(q.name, row); err != nil {
		return nil, err
	}
	q.configure(row)
	return &Empty{}, nil
}
