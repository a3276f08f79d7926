// Package logs emulates Amazon CloudWatch Logs: log groups, streams, events, filter patterns, retention, KMS keys and
// resource policies.
//
// It follows https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/. It differs from AWS in that a log
// group keeps at most its latest 16 MB of events and drops the oldest beyond, and that events can be read at once.
package logs

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/store"
)

// groupRecord is a log group's control plane.
type groupRecord struct {
	Name          string
	Created       int64 // milliseconds since 1970
	RetentionDays int
	KmsKeyID      string
	Class         string
	Tags          map[string]string
}

// Service is the emulated CloudWatch Logs. Make it with New.
type Service struct {
	d          *dispatch.Dispatcher
	store      *store.Store
	records    *store.Table[groupRecord]
	policies   *store.Table[ResourcePolicy]
	deliveries *store.Table[LogDelivery]

	mu     sync.RWMutex
	groups map[string]*group
}

// New returns the service with its operations registered at d and its log groups kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d, store: s, groups: map[string]*group{}}
	var err error
	if svc.records, err = store.NewTable[groupRecord](s, "logs/groups"); err != nil {
		return nil, fmt.Errorf("opening the log groups: %w", err)
	}
	if svc.policies, err = store.NewTable[ResourcePolicy](s, "logs/policies"); err != nil {
		return nil, fmt.Errorf("opening the log groups' policies: %w", err)
	}
	if svc.deliveries, err = store.NewTable[LogDelivery](s, "logs/deliveries"); err != nil {
		return nil, fmt.Errorf("opening the log deliveries: %w", err)
	}
	for name := range svc.records.All() {
		svc.groups[name] = newGroup()
	}
	if err := svc.load(); err != nil {
		return nil, err
	}
	s.OnSave(svc.save)
	svc.register()
	return svc, nil
}

// groupARN is a log group's ARN without ":*".
func (s *Service) groupARN(name string) string { return s.d.ARN("logs", "log-group:"+name) }

// target is the resource of an operation on a log group or, with a stream, on a log stream, as IAM sees it.
func (s *Service) target(group, stream string) string {
	return s.groupARN(group) + ":log-stream:" + stream
}

// nameOf returns the name of a log group that is given as name or ARN.
func (s *Service) nameOf(name, identifier string) string {
	if name != "" {
		return name
	}
	return strings.TrimSuffix(strings.TrimPrefix(identifier, s.groupARN("")), ":*")
}

// written is the Permits of the operations that AWS services use with the account's resource policies.
func (s *Service) written(group, stream string) ([]string, []dispatch.ResourcePolicy, error) {
	arn := s.target(group, stream)
	if s.policies.Len() == 0 {
		return []string{arn}, nil, nil
	}
	var policies []dispatch.ResourcePolicy
	for _, p := range s.policies.All() {
		policies = append(policies, dispatch.ResourcePolicy{Resource: arn, Document: p.PolicyDocument})
	}
	return []string{arn}, policies, nil
}

func (s *Service) register() {
	d := s.d
	op := func(action string) dispatch.Operation { return dispatch.Operation{Service: "logs", Action: action} }
	group := func(_ *dispatch.Call, in *GroupInput) []string { return []string{s.target(in.LogGroupName, "")} }
	tagged := func(arn string) []string { return []string{strings.TrimSuffix(arn, ":*")} }
	dispatch.Register(d, op("CreateLogGroup"), dispatch.On(func(_ *dispatch.Call, in *CreateLogGroupInput) []string {
		return []string{s.target(in.LogGroupName, "")}
	}), s.createGroup)
	dispatch.Register(d, op("DeleteLogGroup"), dispatch.On(group), s.deleteGroup)
	dispatch.Register(d, op("DescribeLogGroups"), dispatch.On(func(*dispatch.Call, *DescribeLogGroupsInput) []string { return []string{s.target("", "")} }), s.describeGroups)
	dispatch.Register(d, op("PutRetentionPolicy"), dispatch.On(func(_ *dispatch.Call, in *PutRetentionPolicyInput) []string {
		return []string{s.target(in.LogGroupName, "")}
	}), s.putRetention)
	dispatch.Register(d, op("DeleteRetentionPolicy"), dispatch.On(group), s.deleteRetention)
	dispatch.Register(d, op("AssociateKmsKey"), dispatch.On(func(_ *dispatch.Call, in *AssociateKmsKeyInput) []string {
		return []string{s.target(in.LogGroupName, "")}
	}), s.associateKey)
	dispatch.Register(d, op("DisassociateKmsKey"), dispatch.On(group), s.disassociateKey)
	dispatch.Register(d, op("CreateLogStream"), func(_ *dispatch.Call, in *StreamInput) ([]string, []dispatch.ResourcePolicy, error) {
		return s.written(in.LogGroupName, in.LogStreamName)
	}, s.createStream)
	dispatch.Register(d, op("DeleteLogStream"), dispatch.On(func(_ *dispatch.Call, in *StreamInput) []string {
		return []string{s.target(in.LogGroupName, in.LogStreamName)}
	}), s.deleteStream)
	dispatch.Register(d, op("DescribeLogStreams"), dispatch.On(func(_ *dispatch.Call, in *DescribeLogStreamsInput) []string {
		return []string{s.target(s.nameOf(in.LogGroupName, in.LogGroupIdentifier), "")}
	}), s.describeStreams)
	dispatch.Register(d, op("PutLogEvents"), func(_ *dispatch.Call, in *PutLogEventsInput) ([]string, []dispatch.ResourcePolicy, error) {
		return s.written(in.LogGroupName, in.LogStreamName)
	}, s.putEvents)
	dispatch.Register(d, op("GetLogEvents"), dispatch.On(func(_ *dispatch.Call, in *GetLogEventsInput) []string {
		return []string{s.target(s.nameOf(in.LogGroupName, in.LogGroupIdentifier), in.LogStreamName)}
	}), s.getEvents)
	dispatch.Register(d, op("FilterLogEvents"), dispatch.On(func(_ *dispatch.Call, in *FilterLogEventsInput) []string {
		return []string{s.target(s.nameOf(in.LogGroupName, in.LogGroupIdentifier), "")}
	}), s.filterEvents)
	dispatch.Register(d, op("TagResource"), dispatch.On(func(_ *dispatch.Call, in *TagResourceInput) []string { return tagged(in.ResourceArn) }), s.tag)
	dispatch.Register(d, op("UntagResource"), dispatch.On(func(_ *dispatch.Call, in *UntagResourceInput) []string { return tagged(in.ResourceArn) }), s.untag)
	dispatch.Register(d, op("ListTagsForResource"), dispatch.On(func(_ *dispatch.Call, in *ListTagsForResourceInput) []string { return tagged(in.ResourceArn) }), s.listTags)
	dispatch.Register(d, op("PutResourcePolicy"), dispatch.Anywhere[PutResourcePolicyInput](), s.putPolicy)
	dispatch.Register(d, op("DeleteResourcePolicy"), dispatch.Anywhere[DeleteResourcePolicyInput](), s.deletePolicy)
	dispatch.Register(d, op("DescribeResourcePolicies"), dispatch.Anywhere[DescribeResourcePoliciesInput](), s.describePolicies)
	dispatch.Register(d, op("CreateLogDelivery"), dispatch.Anywhere[LogDeliveryInput](), s.createDelivery)
	dispatch.Register(d, op("GetLogDelivery"), dispatch.Anywhere[LogDeliveryIDInput](), s.getDelivery)
	dispatch.Register(d, op("UpdateLogDelivery"), dispatch.Anywhere[LogDeliveryInput](), s.updateDelivery)
	dispatch.Register(d, op("DeleteLogDelivery"), dispatch.Anywhere[LogDeliveryIDInput](), s.deleteDelivery)
	dispatch.Register(d, op("ListLogDeliveries"), dispatch.Anywhere[ListLogDeliveriesInput](), s.listDeliveries)
}

func invalid(format string, args ...any) *dispatch.Error {
	return dispatch.Errorf("InvalidParameterException", format, args...)
}

func noGroup() *dispatch.Error {
	return dispatch.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
}

func noStream() *dispatch.Error {
	return dispatch.Errorf("ResourceNotFoundException", "The specified log stream does not exist.")
}

func (s *Service) now() int64 { return s.d.Clock.Now().UnixMilli() }

func (s *Service) group(name string) (*group, groupRecord, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.groups[name]
	row, ok := s.records.Get(name)
	if g == nil || !ok {
		return nil, row, noGroup()
	}
	return g, row, nil
}

var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

func constraint(value, member, pattern string) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", value, member, pattern)
}

func (s *Service) createGroup(ctx context.Context, _ *dispatch.Call, in *CreateLogGroupInput) (*Empty, error) {
	if !groupName.MatchString(in.LogGroupName) {
		return nil, constraint(in.LogGroupName, "logGroupName", `[\.\-_/#A-Za-z0-9]+`)
	}
	if strings.HasPrefix(in.LogGroupName, "aws/") {
		return nil, invalid("Log groups starting with AWS/ are reserved for AWS.")
	}
	class := in.LogGroupClass
	if class == "" {
		class = "STANDARD"
	}
	if class != "STANDARD" && class != "INFREQUENT_ACCESS" {
		return nil, invalid("1 validation error detected: Value '%s' at 'logGroupClass' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]; DELIVERY is not emulated", class)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	exists := dispatch.Errorf("ResourceAlreadyExistsException", "The specified log group already exists")
	if _, taken := s.records.Get(in.LogGroupName); taken {
		return nil, exists
	}
	if in.KmsKeyID != "" {
		if err := s.checkKey(ctx, in.LogGroupName, in.KmsKeyID); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	made, err := s.records.Create(in.LogGroupName, groupRecord{Name: in.LogGroupName, Created: s.now(), KmsKeyID: in.KmsKeyID, Class: class, Tags: maps.Clone(in.Tags)})
	if err != nil {
		return nil, err
	}
	if !made {
		return nil, exists
	}
	s.groups[in.LogGroupName] = newGroup()
	return &Empty{}, nil
}

// checkKey lets the Logs service use the key for the group in each way that AWS documents that it needs:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html.
func (s *Service) checkKey(ctx context.Context, name, key string) error {
	arn := s.groupARN(name)
	if !strings.HasPrefix(key, "arn:aws:kms:") {
		return invalid("The specified KMS Key Id %s is not an ARN.", key)
	}
	self := "logs." + s.d.Region + ".amazonaws.com"
	p := dispatch.Principal{ARN: self, Service: self, SourceARN: arn}
	encryptionContext := map[string]string{"aws:logs:arn": arn}
	data, err := dispatch.Do[kms.GenerateDataKeyOutput](ctx, s.d, p, "kms", "GenerateDataKey",
		&kms.GenerateDataKeyInput{KeyID: key, KeySpec: "AES_256", EncryptionContext: encryptionContext})
	if err != nil {
		return keyRefused(arn)
	}
	for action, in := range map[string]any{
		"Decrypt": &kms.DecryptInput{CiphertextBlob: data.CiphertextBlob, EncryptionContext: encryptionContext},
		"Encrypt": &kms.EncryptInput{KeyInput: kms.KeyInput{KeyID: key}, Plaintext: data.Plaintext, EncryptionContext: encryptionContext},
		"ReEncrypt": &kms.ReEncryptInput{
			CiphertextBlob: data.CiphertextBlob, SourceEncryptionContext: encryptionContext, DestinationKeyID: key, DestinationEncryptionContext: encryptionContext,
		},
	} {
		if _, err := s.d.Do(ctx, p, "kms", action, in); err != nil {
			return keyRefused(arn)
		}
	}
	return nil
}

func keyRefused(arn string) error {
	return dispatch.Errorf("AccessDeniedException", "The specified KMS key does not exist or is not allowed to be used with Arn '%s'", arn)
}

func (s *Service) deleteGroup(_ context.Context, _ *dispatch.Call, in *GroupInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone, err := s.records.Delete(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if !gone {
		return nil, noGroup()
	}
	delete(s.groups, in.LogGroupName)
	return &Empty{}, s.store.Forget(document(in.LogGroupName))
}

func (s *Service) describeGroups(_ context.Context, _ *dispatch.Call, in *DescribeLogGroupsInput) (*DescribeLogGroupsOutput, error) {
	limit, err := limitOf(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	if in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	out := &DescribeLogGroupsOutput{LogGroups: []LogGroup{}}
	pattern := strings.ToLower(in.LogGroupNamePattern)
	for name, row := range s.records.All() {
		if in.NextToken != "" && name <= in.NextToken || !strings.HasPrefix(name, in.LogGroupNamePrefix) ||
			!strings.Contains(strings.ToLower(name), pattern) || in.LogGroupClass != "" && in.LogGroupClass != row.Class {
			continue
		}
		if len(out.LogGroups) == limit {
			out.NextToken = out.LogGroups[limit-1].LogGroupName
			break
		}
		var bytes int64
		if g, _, err := s.group(name); err == nil {
			bytes = g.size()
		}
		arn := s.groupARN(name)
		out.LogGroups = append(out.LogGroups, LogGroup{LogGroupName: name, Arn: arn + ":*", LogGroupArn: arn, CreationTime: row.Created,
			RetentionInDays: row.RetentionDays, StoredBytes: bytes, KmsKeyID: row.KmsKeyID, LogGroupClass: row.Class})
	}
	return out, nil
}

func limitOf(limit, most int) (int, error) {
	if limit < 0 || limit > most {
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, most)
	}
	if limit == 0 {
		limit = most
	}
	return limit, nil
}

// change puts a changed copy of a log group's record.
func (s *Service) change(name string, f func(*groupRecord) error) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.records.Get(name)
	if !ok {
		return nil, noGroup()
	}
	if err := f(&row); err != nil {
		return nil, err
	}
	return &Empty{}, s.records.Put(name, row)
}

var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (s *Service) putRetention(_ context.Context, _ *dispatch.Call, in *PutRetentionPolicyInput) (*Empty, error) {
	if !slices.Contains(retentions, in.RetentionInDays) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %v", in.RetentionInDays, retentions)
	}
	return s.change(in.LogGroupName, func(row *groupRecord) error { row.RetentionDays = in.RetentionInDays; return nil })
}

func (s *Service) deleteRetention(_ context.Context, _ *dispatch.Call, in *GroupInput) (*Empty, error) {
	return s.change(in.LogGroupName, func(row *groupRecord) error { row.RetentionDays = 0; return nil })
}

func (s *Service) associateKey(ctx context.Context, _ *dispatch.Call, in *AssociateKmsKeyInput) (*Empty, error) {
	if _, _, err := s.group(in.LogGroupName); err != nil {
		return nil, err
	}
	if err := s.checkKey(ctx, in.LogGroupName, in.KmsKeyID); err != nil {
		return nil, err
	}
	return s.change(in.LogGroupName, func(row *groupRecord) error { row.KmsKeyID = in.KmsKeyID; return nil })
}

func (s *Service) disassociateKey(_ context.Context, _ *dispatch.Call, in *GroupInput) (*Empty, error) {
	return s.change(in.LogGroupName, func(row *groupRecord) error { row.KmsKeyID = ""; return nil })
}

func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return dispatch.Errorf("TooManyTagsException", "A log group has at most 50 tags.")
	}
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(k, "aws:") {
			return invalid("Tag keys must be between 1 and 128 characters in length and not begin with aws:, and values at most 256.")
		}
	}
	return nil
}

func (s *Service) changeTags(arn string, f func(map[string]string)) (*Empty, error) {
	return s.change(s.nameOf("", arn), func(row *groupRecord) error {
		tags := maps.Clone(row.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		f(tags)
		row.Tags = tags
		return checkTags(tags)
	})
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceArn, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	_, row, err := s.group(s.nameOf("", in.ResourceArn))
	if err != nil {
		return nil, err
	}
	tags := row.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &ListTagsForResourceOutput{Tags: tags}, nil
}
