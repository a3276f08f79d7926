package stepfunctions

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// record is a state machine as the store keeps it.
type record struct {
	ARN, Name, Type, Definition, RoleARN string
	Created, Updated                     time.Time
	RevisionID                           string // empty until the first update
	Logging                              LoggingConfiguration
	Tracing                              TracingConfiguration
	Encryption                           *EncryptionConfiguration
	Tags                                 []Tag
}

func (r record) express() bool { return r.Type == "EXPRESS" }

// revision is a state machine as it is between two updates: executions keep the one that they started with.
type revision struct {
	record
	compiled *asl.Machine
	hashed   string // the record's hash

	mu         sync.Mutex
	principals map[string]cachedPrincipal // by role
	dataKey    time.Time                  // until when the key's last grant holds
	logKey     []byte                     // the data key that log events are under between here and the log delivery, sealed
}

type cachedPrincipal struct {
	principal dispatch.Principal
	until     time.Time
}

func compile(r record) (*revision, error) {
	compiled, err := asl.Parse([]byte(r.Definition), asl.Options{Express: r.express()})
	if err != nil {
		return nil, &dispatch.Error{Code: "InvalidDefinition", Message: err.Error()}
	}
	return &revision{record: r, compiled: compiled, hashed: r.hash(), principals: map[string]cachedPrincipal{}}, nil
}

// machine is a state machine and its executions.
type machine struct {
	mu       sync.Mutex
	current  *revision
	deleting bool
	open     map[*execution]bool // what runs, Express included
	running  map[string]int      // of open, by the revision's hash

	// Standard executions only:
	byName  map[string]*execution
	order   []*execution // oldest first, with gaps' worth of evicted ones
	evicted int          // of order
	closed  fifo[*execution]
	last    int // sequence number of the newest
}

func newMachine(rev *revision) *machine {
	return &machine{current: rev, byName: map[string]*execution{}, open: map[*execution]bool{}, running: map[string]int{}}
}

func (m *machine) opened() []*execution {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.open))
}

func (s *Service) machine(arn string) (*machine, error) {
	s.mu.RLock()
	m := s.machines[arn]
	s.mu.RUnlock()
	if m != nil {
		return m, nil
	}
	if err := checkMachineARN(arn); err != nil {
		return nil, err
	}
	return nil, dispatch.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
}

func (m *machine) revision() *revision {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current
}

var versionsAreNotEmulated = dispatch.Errorf("ValidationException", "the embedded AWS does not emulate versions of state machines: leave out publish and versionDescription")

func (s *Service) createStateMachine(ctx context.Context, c *dispatch.Call, in *CreateStateMachineInput) (*CreateStateMachineOutput, error) {
	if in.Publish || in.VersionDescription != "" {
		return nil, versionsAreNotEmulated
	}
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	now := s.now()
	r := record{
		ARN: s.d.ARN("states", "stateMachine:"+in.Name), Name: in.Name, Type: in.Type, Definition: in.Definition, RoleARN: in.RoleArn,
		Created: now, Updated: now, Encryption: in.EncryptionConfiguration, Tags: in.Tags,
	}
	if r.Type == "" {
		r.Type = "STANDARD"
	}
	r.Logging = loggingOr(in.LoggingConfiguration, LoggingConfiguration{})
	if in.TracingConfiguration != nil {
		r.Tracing = *in.TracingConfiguration
	}
	if err := checkTags(r.Tags); err != nil {
		return nil, err
	}
	rev, err := s.check(ctx, c.Principal, r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.machines[r.ARN]; m != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.deleting {
			return nil, dispatch.Errorf("StateMachineDeleting", "State Machine is being deleted: '%s'", r.ARN)
		}
		old := m.current
		if old.Definition != r.Definition || old.Type != r.Type || old.Tracing != r.Tracing ||
			!reflect.DeepEqual(old.Logging, r.Logging) || !reflect.DeepEqual(old.Encryption, r.Encryption) {
			return nil, dispatch.Errorf("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", r.ARN)
		}
		return &CreateStateMachineOutput{StateMachineArn: r.ARN, CreationDate: dispatch.Time{Time: old.Created}}, nil
	}
	if err := s.records.Put(r.ARN, r); err != nil {
		return nil, err
	}
	s.machines[r.ARN] = newMachine(rev)
	return &CreateStateMachineOutput{StateMachineArn: r.ARN, CreationDate: dispatch.Time{Time: now}}, nil
}

// loggingOr is a logging configuration with AWS's defaults, or the other one when there is none.
func loggingOr(l *LoggingConfiguration, other LoggingConfiguration) LoggingConfiguration {
	if l == nil {
		l = &other
	}
	out := *l
	if out.Level == "" {
		out.Level = "OFF"
	}
	return out
}

func (s *Service) describeStateMachine(_ context.Context, _ *dispatch.Call, in *StateMachineInput) (*DescribeStateMachineOutput, error) {
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.current
	out := &DescribeStateMachineOutput{
		StateMachineArn: r.ARN, Name: r.Name, Status: "ACTIVE", Definition: r.Definition, RoleArn: r.RoleARN, Type: r.Type,
		CreationDate: dispatch.Time{Time: r.Created}, LoggingConfiguration: &r.Logging, TracingConfiguration: &r.Tracing,
		EncryptionConfiguration: r.Encryption, RevisionID: r.RevisionID,
	}
	if m.deleting {
		out.Status = "DELETING"
	}
	if in.IncludedData == "METADATA_ONLY" {
		out.Definition = ""
	}
	return out, nil
}

func (s *Service) updateStateMachine(ctx context.Context, c *dispatch.Call, in *UpdateStateMachineInput) (*UpdateStateMachineOutput, error) {
	if in.Publish || in.VersionDescription != "" {
		return nil, versionsAreNotEmulated
	}
	if in.Definition == "" && in.RoleArn == "" && in.LoggingConfiguration == nil && in.TracingConfiguration == nil && in.EncryptionConfiguration == nil {
		return nil, dispatch.Errorf("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration, or the EncryptionConfiguration must be specified")
	}
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	for {
		old := m.revision()
		r := old.record
		if in.Definition != "" {
			r.Definition = in.Definition
		}
		if in.RoleArn != "" {
			r.RoleARN = in.RoleArn
		}
		r.Logging = loggingOr(in.LoggingConfiguration, r.Logging)
		if in.TracingConfiguration != nil {
			r.Tracing = *in.TracingConfiguration
		}
		if in.EncryptionConfiguration != nil {
			r.Encryption = in.EncryptionConfiguration
		}
		rev, err := s.check(ctx, c.Principal, r)
		if err != nil {
			return nil, err
		}
		rev.Updated = s.now()
		if !reflect.DeepEqual(old.record, r) {
			rev.RevisionID = dispatch.NewRequestID()
		}
		done, err := s.replace(m, old, rev)
		if err != nil {
			return nil, err
		}
		if done {
			return &UpdateStateMachineOutput{UpdateDate: dispatch.Time{Time: rev.Updated}, RevisionID: rev.RevisionID}, nil
		}
	}
}

// replace puts a new revision in the place of the old one, unless somebody else was faster.
func (s *Service) replace(m *machine, old, rev *revision) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deleting {
		return false, dispatch.Errorf("StateMachineDeleting", "State Machine is being deleted: '%s'", rev.ARN)
	}
	if m.current != old {
		return false, nil
	}
	if err := s.keep(m, old, rev); err != nil {
		return false, err
	}
	if err := s.journal.Flush(); err != nil {
		return false, err
	}
	if err := s.records.Put(rev.ARN, rev.record); err != nil {
		return false, err
	}
	m.current = rev
	return true, nil
}

func (s *Service) deleteStateMachine(_ context.Context, _ *dispatch.Call, in *DeleteStateMachineInput) (*Empty, error) {
	if err := checkMachineARN(in.StateMachineArn); err != nil {
		return nil, err
	}
	s.mu.RLock()
	m := s.machines[in.StateMachineArn]
	s.mu.RUnlock()
	if m == nil {
		return &Empty{}, nil // as AWS answers
	}
	// The record goes at once: a machine that is being deleted does not come back with the next start of the process.
	if _, err := s.records.Delete(in.StateMachineArn); err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.deleting = true
	gone := len(m.open) == 0
	m.mu.Unlock()
	if gone {
		return &Empty{}, s.forget(in.StateMachineArn, m)
	}
	return &Empty{}, nil
}

// forget drops a deleted machine whose last execution has ended: first its executions, of which nothing must be left when
// another machine may take its name.
func (s *Service) forget(arn string, m *machine) error {
	m.mu.Lock()
	all := m.order
	m.mu.Unlock()
	for _, e := range all {
		s.evict(e)
	}
	err := s.journal.Flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.machines[arn] == m {
		delete(s.machines, arn)
	}
	return err
}

func (s *Service) listStateMachines(_ context.Context, _ *dispatch.Call, in *ListInput) (*ListStateMachinesOutput, error) {
	s.mu.RLock()
	all := make([]StateMachineListItem, 0, len(s.machines))
	for _, m := range s.machines {
		r := m.revision()
		all = append(all, StateMachineListItem{StateMachineArn: r.ARN, Name: r.Name, Type: r.Type, CreationDate: dispatch.Time{Time: r.Created}})
	}
	s.mu.RUnlock()
	slices.SortFunc(all, func(a, b StateMachineListItem) int { return strings.Compare(a.Name, b.Name) })
	from, to, next, err := page(len(all), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &ListStateMachinesOutput{StateMachines: all[from:to], NextToken: next}, nil
}

func (s *Service) listStateMachineVersions(_ context.Context, _ *dispatch.Call, in *ListStateMachineVersionsInput) (*ListStateMachineVersionsOutput, error) {
	if _, err := s.machine(in.StateMachineArn); err != nil {
		return nil, err
	}
	return &ListStateMachineVersionsOutput{StateMachineVersions: []StateMachineVersionListItem{}}, nil
}

func checkTags(tags []Tag) error {
	if len(tags) > 50 {
		return dispatch.Errorf("TooManyTags", "Too many tags: at most 50 per resource")
	}
	for i, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return dispatch.Errorf("ValidationException", "1 validation error detected: Value at 'tags.%d.member.key' failed to satisfy constraint: Member must have length between 1 and 128", i+1)
		case utf8.RuneCountInString(t.Value) > 256:
			return dispatch.Errorf("ValidationException", "1 validation error detected: Value at 'tags.%d.member.value' failed to satisfy constraint: Member must have length less than or equal to 256", i+1)
		}
	}
	return nil
}

func (s *Service) tagResource(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	return &Empty{}, s.changeTags(in.ResourceArn, func(tags []Tag) []Tag {
		for _, t := range in.Tags {
			if i := slices.IndexFunc(tags, func(old Tag) bool { return old.Key == t.Key }); i >= 0 {
				tags[i] = t
			} else {
				tags = append(tags, t)
			}
		}
		return tags
	})
}

func (s *Service) untagResource(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return &Empty{}, s.changeTags(in.ResourceArn, func(tags []Tag) []Tag {
		return slices.DeleteFunc(tags, func(t Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	})
}

func (s *Service) tagged(arn string) (*machine, error) {
	m, err := s.machine(arn)
	if err != nil && dispatch.AsError(err).Code == "StateMachineDoesNotExist" {
		return nil, dispatch.Errorf("ResourceNotFound", "Resource not found: '%s'", arn)
	}
	return m, err
}

func (s *Service) changeTags(arn string, change func([]Tag) []Tag) error {
	m, err := s.tagged(arn)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.current.record
	r.Tags = change(slices.Clone(r.Tags))
	if err := checkTags(r.Tags); err != nil {
		return err
	}
	if err := s.records.Put(arn, r); err != nil {
		return err
	}
	m.current = &revision{record: r, compiled: m.current.compiled, hashed: m.current.hashed, principals: map[string]cachedPrincipal{}}
	return nil
}

func (s *Service) listTagsForResource(_ context.Context, _ *dispatch.Call, in *ListTagsForResourceInput) (*ListTagsForResourceOutput, error) {
	m, err := s.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags := m.revision().Tags
	if tags == nil {
		tags = []Tag{}
	}
	return &ListTagsForResourceOutput{Tags: tags}, nil
}

// now is the clock's time in the API's precision.
func (s *Service) now() time.Time { return s.d.Clock.Now().UTC().Truncate(time.Millisecond) }
