// Package cloudtrail emulates AWS CloudTrail: trails of management events that change something, recorded for the services
// whose requests are dispatch.Audited (HealthLake), delivered to EventBridge's default bus and as log files to a bucket.
//
// It follows https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/. Delivery to EventBridge is best effort, as on AWS:
// records are not kept, and tests make them late, repeated or lost (SetDelivery). Event history, read-only and data events,
// insights, Lake, log file validation's digests, SNS and CloudWatch Logs are not emulated.
package cloudtrail

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// row is a trail as the state file keeps it.
type row struct {
	Name, Bucket, Prefix, Key string // Key is an ARN
	Global, MultiRegion       bool
	Validated                 bool
	Tags                      map[string]string
	Logging                   bool
	Started, Stopped          time.Time
	Basic                     []EventSelector
	Advanced                  []AdvancedEventSelector
}

// Service is the emulated CloudTrail. Make it with New.
type Service struct {
	d      *dispatch.Dispatcher
	trails *store.Table[row]

	change sync.Mutex // serialises what reads a trail and writes it back

	courier courier
	files   files
}

// New returns the service with its operations registered at d and its trails kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	trails, err := store.NewTable[row](s, "cloudtrail/trails")
	if err != nil {
		return nil, fmt.Errorf("opening the trails: %w", err)
	}
	svc := &Service{d: d, trails: trails}
	svc.courier.d, svc.files.s = d, svc
	svc.courier.delays = func(Record) []time.Duration { return []time.Duration{DefaultDelay} }
	svc.register()
	d.OnAudit(svc.audit)
	return svc, nil
}

// Close ends deliveries; what is under way to EventBridge or a bucket is lost.
func (s *Service) Close() {
	s.courier.close()
	s.files.close()
}

func (s *Service) arn(name string) string { return s.d.ARN("cloudtrail", "trail/"+name) }

func (s *Service) register() {
	d := s.d
	op := func(action string) dispatch.Operation {
		return dispatch.Operation{Service: "cloudtrail", Action: action}
	}
	named := func(f func(in *NameInput) string) dispatch.Permits[NameInput] {
		return dispatch.On(func(_ *dispatch.Call, in *NameInput) []string { return []string{s.arn(s.plain(f(in)))} })
	}
	byName := named(func(in *NameInput) string { return in.Name })
	dispatch.Register(d, op("CreateTrail"), dispatch.On(func(_ *dispatch.Call, in *CreateTrailInput) []string { return []string{s.arn(in.Name)} }), s.create)
	dispatch.Register(d, op("UpdateTrail"), dispatch.On(func(_ *dispatch.Call, in *UpdateTrailInput) []string { return []string{s.arn(s.plain(in.Name))} }), s.update)
	dispatch.Register(d, op("DeleteTrail"), byName, s.remove)
	dispatch.Register(d, op("GetTrail"), byName, s.get)
	dispatch.Register(d, op("GetTrailStatus"), byName, s.status)
	dispatch.Register(d, op("StartLogging"), byName, func(_ context.Context, _ *dispatch.Call, in *NameInput) (*Empty, error) {
		return s.edit(in.Name, func(r *row) error { r.Logging, r.Started = true, d.Clock.Now(); return nil })
	})
	dispatch.Register(d, op("StopLogging"), byName, func(_ context.Context, _ *dispatch.Call, in *NameInput) (*Empty, error) {
		return s.edit(in.Name, func(r *row) error { r.Logging, r.Stopped = false, d.Clock.Now(); return nil })
	})
	dispatch.Register(d, op("DescribeTrails"), dispatch.Anywhere[DescribeTrailsInput](), s.describe)
	dispatch.Register(d, op("PutEventSelectors"), dispatch.On(func(_ *dispatch.Call, in *PutEventSelectorsInput) []string {
		return []string{s.arn(s.plain(in.TrailName))}
	}), s.putSelectors)
	dispatch.Register(d, op("GetEventSelectors"), dispatch.On(func(_ *dispatch.Call, in *GetEventSelectorsInput) []string {
		return []string{s.arn(s.plain(in.TrailName))}
	}), s.getSelectors)
	onTags := dispatch.On(func(_ *dispatch.Call, in *TagsInput) []string { return []string{in.ResourceID} })
	dispatch.Register(d, op("AddTags"), onTags, func(_ context.Context, _ *dispatch.Call, in *TagsInput) (*Empty, error) {
		return s.edit(in.ResourceID, func(r *row) error { return r.addTags(in.TagsList) })
	})
	dispatch.Register(d, op("RemoveTags"), onTags, func(_ context.Context, _ *dispatch.Call, in *TagsInput) (*Empty, error) {
		return s.edit(in.ResourceID, func(r *row) error { return r.removeTags(in.TagsList) })
	})
	dispatch.Register(d, op("ListTags"), dispatch.On(func(_ *dispatch.Call, in *ListTagsInput) []string { return in.ResourceIDList }), s.listTags)
}

// plain is the name in a trail's name or ARN.
func (s *Service) plain(name string) string {
	return strings.TrimPrefix(name, s.arn(""))
}

func (s *Service) find(name string) (row, error) {
	r, ok := s.trails.Get(s.plain(name))
	if !ok {
		return r, dispatch.Errorf("TrailNotFoundException", "Unknown trail: %s for the user: %s", name, s.d.Account)
	}
	return r, nil
}

// edit changes a trail.
func (s *Service) edit(name string, f func(*row) error) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	r, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if err := f(&r); err != nil {
		return nil, err
	}
	return &Empty{}, s.trails.Put(r.Name, r)
}

var (
	trailName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]$`)
	doubled   = regexp.MustCompile(`[._-]{2}`)
	address   = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)
)

// maxTrails is CloudTrail's quota of trails in a region.
const maxTrails = 5

func (s *Service) create(ctx context.Context, _ *dispatch.Call, in *CreateTrailInput) (*TrailOutput, error) {
	if !trailName.MatchString(in.Name) || doubled.MatchString(in.Name) || address.MatchString(in.Name) {
		return nil, dispatch.Errorf("InvalidTrailNameException", "Trail name must have 3 to 128 letters, digits, periods, underscores and dashes, begin and end with a letter or a digit, have no two of the others in a row, and not be an IP address.")
	}
	s.change.Lock()
	defer s.change.Unlock()
	if _, taken := s.trails.Get(in.Name); taken {
		return nil, dispatch.Errorf("TrailAlreadyExistsException", "Trail %s already exists for customer: %s", in.Name, s.d.Account)
	}
	if n := s.trails.Len(); n >= maxTrails {
		return nil, dispatch.Errorf("MaximumNumberOfTrailsExceededException", "User: %s already has %d trails in %s.", s.d.Account, n, s.d.Region)
	}
	r := row{Name: in.Name, Global: true, Tags: map[string]string{}}
	if err := r.addTags(in.TagsList); err != nil {
		return nil, err
	}
	return s.apply(ctx, &r, &in.Settings)
}

func (s *Service) update(ctx context.Context, _ *dispatch.Call, in *UpdateTrailInput) (*TrailOutput, error) {
	s.change.Lock()
	defer s.change.Unlock()
	r, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	return s.apply(ctx, &r, &in.Settings)
}

// apply changes a trail's settings, after it was checked that CloudTrail may deliver as they say.
func (s *Service) apply(ctx context.Context, r *row, in *Settings) (*TrailOutput, error) {
	refused := ""
	switch {
	case in.SnsTopicName != "":
		refused = "SnsTopicName"
	case in.CloudWatchLogsLogGroupArn != "" || in.CloudWatchLogsRoleArn != "":
		refused = "CloudWatchLogsLogGroupArn and CloudWatchLogsRoleArn"
	case in.IsOrganizationTrail != nil && *in.IsOrganizationTrail:
		refused = "IsOrganizationTrail"
	}
	if refused != "" {
		return nil, dispatch.Errorf("UnsupportedOperationException", "the embedded AWS does not emulate %s of a trail", refused)
	}
	if in.S3BucketName != "" {
		r.Bucket = in.S3BucketName
	}
	if r.Bucket == "" {
		return nil, dispatch.Errorf("InvalidS3BucketNameException", "Bucket name cannot be blank!")
	}
	for to, from := range map[*bool]*bool{&r.Global: in.IncludeGlobalServiceEvents, &r.MultiRegion: in.IsMultiRegionTrail, &r.Validated: in.EnableLogFileValidation} {
		if from != nil {
			*to = *from
		}
	}
	if r.MultiRegion && !r.Global {
		return nil, dispatch.Errorf("InvalidParameterCombinationException", "Multi-Region trail must include global service events.")
	}
	if in.S3KeyPrefix != nil {
		if r.Prefix = *in.S3KeyPrefix; len(r.Prefix) > 200 {
			return nil, dispatch.Errorf("InvalidS3PrefixException", "S3 prefix is longer than 200 characters.")
		}
	}
	if in.KmsKeyID != nil {
		r.Key = *in.KmsKeyID
	}
	if err := s.checkKey(ctx, r); err != nil {
		return nil, err
	}
	if err := s.checkBucket(ctx, r); err != nil {
		return nil, err
	}
	if err := s.trails.Put(r.Name, *r); err != nil {
		return nil, err
	}
	out := s.output(r)
	return &out, nil
}

// checkKey checks that CloudTrail may use the trail's key, and notes the key's ARN.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
func (s *Service) checkKey(ctx context.Context, r *row) error {
	if r.Key == "" {
		return nil
	}
	var described struct{ KeyMetadata struct{ Arn string } }
	if err := s.d.DoInto(ctx, s.d.Root(), "kms", "DescribeKey", map[string]any{"KeyId": r.Key}, &described); err != nil {
		return dispatch.Errorf("KmsKeyNotFoundException", "KMS key %s does not exist or cannot be used: %s", r.Key, dispatch.AsError(err).Message)
	}
	r.Key = described.KeyMetadata.Arn
	_, err := s.d.Do(ctx, s.principal(r.Name), "kms", "GenerateDataKey", map[string]any{"KeyId": r.Key, "KeySpec": "AES_256",
		"EncryptionContext": map[string]string{"aws:cloudtrail:arn": s.arn(r.Name)}})
	if err != nil {
		return dispatch.Errorf("InsufficientEncryptionPolicyException", "Insufficient permissions to access S3 bucket %s or KMS key %s.", r.Bucket, r.Key)
	}
	return nil
}

// principal is CloudTrail as it delivers for a trail.
func (s *Service) principal(name string) dispatch.Principal {
	return dispatch.Principal{ARN: serviceName, Service: serviceName, SourceARN: s.arn(name)}
}

const serviceName = "cloudtrail.amazonaws.com"

func (s *Service) output(r *row) TrailOutput {
	return TrailOutput{Name: r.Name, S3BucketName: r.Bucket, S3KeyPrefix: r.Prefix, IncludeGlobalServiceEvents: r.Global, IsMultiRegionTrail: r.MultiRegion,
		TrailARN: s.arn(r.Name), LogFileValidationEnabled: r.Validated, KmsKeyID: r.Key}
}

func (s *Service) trail(r *row) Trail {
	return Trail{TrailOutput: s.output(r), HomeRegion: s.d.Region, HasCustomEventSelectors: r.Basic != nil || r.Advanced != nil}
}

func (s *Service) remove(_ context.Context, _ *dispatch.Call, in *NameInput) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	r, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	s.files.forget(r.Name)
	_, err = s.trails.Delete(r.Name)
	return &Empty{}, err
}

func (s *Service) get(_ context.Context, _ *dispatch.Call, in *NameInput) (*GetTrailOutput, error) {
	r, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	return &GetTrailOutput{s.trail(&r)}, nil
}

func (s *Service) describe(_ context.Context, _ *dispatch.Call, in *DescribeTrailsInput) (*DescribeTrailsOutput, error) {
	out := &DescribeTrailsOutput{TrailList: []Trail{}}
	for name, r := range s.trails.All() {
		if len(in.TrailNameList) == 0 || slices.Contains(in.TrailNameList, name) || slices.Contains(in.TrailNameList, s.arn(name)) {
			out.TrailList = append(out.TrailList, s.trail(&r))
		}
	}
	return out, nil
}

func (s *Service) status(_ context.Context, _ *dispatch.Call, in *NameInput) (*GetTrailStatusOutput, error) {
	r, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	out := &GetTrailStatusOutput{IsLogging: r.Logging}
	delivered, failure := s.files.latest(r.Name)
	for to, t := range map[**dispatch.Time]time.Time{&out.StartLoggingTime: r.Started, &out.StopLoggingTime: r.Stopped, &out.LatestDeliveryTime: delivered} {
		if !t.IsZero() {
			*to = &dispatch.Time{Time: t}
		}
	}
	out.LatestDeliveryError = failure
	return out, nil
}

func (r *row) addTags(tags []Tag) error {
	merged := map[string]string{}
	for k, v := range r.Tags {
		merged[k] = v
	}
	for _, t := range tags {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(t.Key, "aws:") {
			return dispatch.Errorf("InvalidTagParameterException", "Tag keys must have 1 to 128 characters and not begin with aws:, and values at most 256.")
		}
		merged[t.Key] = t.Value
	}
	if len(merged) > 50 {
		return dispatch.Errorf("TagsLimitExceededException", "A trail has at most 50 tags.")
	}
	r.Tags = merged
	return nil
}

func (r *row) removeTags(tags []Tag) error {
	left := map[string]string{}
	for k, v := range r.Tags {
		if !slices.ContainsFunc(tags, func(t Tag) bool { return t.Key == k && (t.Value == "" || t.Value == v) }) {
			left[k] = v
		}
	}
	r.Tags = left
	return nil
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ListTagsInput) (*ListTagsOutput, error) {
	out := &ListTagsOutput{ResourceTagList: []ResourceTag{}}
	for _, arn := range in.ResourceIDList {
		r, err := s.find(arn)
		if err != nil {
			return nil, err
		}
		of := ResourceTag{ResourceID: arn, TagsList: []Tag{}}
		for k, v := range r.Tags {
			of.TagsList = append(of.TagsList, Tag{k, v})
		}
		slices.SortFunc(of.TagsList, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
		out.ResourceTagList = append(out.ResourceTagList, of)
	}
	return out, nil
}
