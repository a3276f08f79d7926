// Package scheduler is Amazon EventBridge Scheduler in the embedded AWS: schedules with at(), rate() and cron()
// expressions, their groups, and the calls that they make, with retries and dead-letter queues.
//
// A target is called with the schedule's role, which EventBridge Scheduler assumes with the schedule group's ARN as
// aws:SourceArn. Targets are state machines (StartExecution), queues (SendMessage), functions (Invoke, asynchronously) and,
// as arn:aws:scheduler:::aws-sdk:<service>:<action>, the operations that the embedded AWS has.
//
// Calls are made exactly at their time, where AWS takes up to a minute, or with a flexible time window at a point of it that
// follows from the schedule and the time alone. What was due is written down before the target is called, so that neither
// kill -9 nor a stop loses a call; a target may be called twice, as on AWS. Of the times that pass while the process is
// down each schedule makes up for the last one only, when the process starts. Deleting a schedule drops its retries; its
// group is gone at once and not by and by.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/
package scheduler

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// principalName is the service as it assumes roles and is passed them.
const principalName = "scheduler.amazonaws.com"

// schedule is a schedule as the store keeps it.
type schedule struct {
	Specification
	Token             string // of the request that made it
	Created, Modified time.Time
	Anchor            time.Time // where a rate without a start date begins
	Handled           time.Time // the times up to here have been taken care of
	DataKey           []byte    // under KmsKeyArn; nil without
}

func (r *schedule) key() string { return r.GroupName + "/" + r.Name }

// timetable returns the schedule's times. The expression was checked when it was stored.
func (r *schedule) timetable() (timetable, bool) {
	zone, ok := loadZone(r.ScheduleExpressionTimezone)
	if !ok {
		return nil, false
	}
	start := r.Anchor
	if r.StartDate != nil {
		start = r.StartDate.Time
	}
	return parseExpression(r.ScheduleExpression, zone, start)
}

// next returns the schedule's next time that is within its dates; one-time schedules have none.
func (r *schedule) next() (time.Time, bool) {
	table, ok := r.timetable()
	if !ok {
		return time.Time{}, false
	}
	after := r.Handled
	if _, single := table.(once); single {
		return table.next(after)
	}
	if r.StartDate != nil && after.Before(r.StartDate.Time) {
		after = r.StartDate.Add(-1)
	}
	at, ok := table.next(after)
	return at, ok && (r.EndDate == nil || !at.After(r.EndDate.Time))
}

// Service is the emulated EventBridge Scheduler. Make it with New, Start it once every service is there, and Close it.
type Service struct {
	d          *dispatch.Dispatcher
	groups     *store.Table[group]
	schedules  *store.Table[schedule] // by group/name
	deliveries *store.Table[delivery] // by id

	ctx    context.Context // of the calls to targets
	cancel context.CancelFunc
	calls  sync.WaitGroup

	mu     sync.Mutex // held while a record is changed
	open   bool       // between Start and Close
	timers map[string]clock.Timer
}

// New returns the service with its operations registered at d and its schedules kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d, timers: map[string]clock.Timer{}}
	var err error
	if svc.groups, err = store.NewTable[group](s, "scheduler/groups"); err != nil {
		return nil, fmt.Errorf("opening the schedule groups: %w", err)
	}
	if svc.schedules, err = store.NewTable[schedule](s, "scheduler/schedules"); err != nil {
		return nil, fmt.Errorf("opening the schedules: %w", err)
	}
	if svc.deliveries, err = store.NewTable[delivery](s, "scheduler/deliveries"); err != nil {
		return nil, fmt.Errorf("opening the schedules' calls: %w", err)
	}
	now := svc.now()
	if _, err := svc.groups.Create(defaultGroup, group{Name: defaultGroup, Created: now, Modified: now}); err != nil {
		return nil, fmt.Errorf("making the default schedule group: %w", err)
	}
	svc.ctx, svc.cancel = context.WithCancel(context.Background())
	svc.register()
	return svc, nil
}

// Start begins to call targets: at once for calls that are waiting and for the last time that each schedule has missed.
func (s *Service) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		return
	}
	s.open = true
	for _, dl := range s.deliveries.All() {
		s.awaitDelivery(dl)
	}
	for _, r := range s.schedules.All() {
		s.awaitTime(r)
	}
}

// Close makes no further calls and waits for those under way until ctx is done; then they are cancelled, and made again
// after the next Start.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.open = false
	for _, t := range s.timers {
		t.Stop()
	}
	clear(s.timers)
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(done)
	}()
	defer s.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.cancel()
		return fmt.Errorf("waiting for the targets of schedules: %w", ctx.Err())
	}
}

// now is the clock's time in the API's precision.
func (s *Service) now() time.Time { return s.d.Clock.Now().UTC().Truncate(time.Millisecond) }

func (s *Service) scheduleARN(groupName, name string) string {
	return s.d.ARN("scheduler", "schedule/"+groupOr(groupName)+"/"+name)
}

func (s *Service) groupARN(name string) string { return s.d.ARN("scheduler", "schedule-group/"+name) }

func groupOr(name string) string {
	if name == "" {
		return defaultGroup
	}
	return name
}

func on[In any](f func(in *In) string) dispatch.Permits[In] {
	return dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{f(in)} })
}

func (s *Service) register() {
	op := func(action, method, path string, query ...string) dispatch.Operation {
		b := &dispatch.HTTPBinding{Method: method, Path: path, Query: map[string]string{}}
		for i := 0; i < len(query); i += 2 {
			b.Query[query[i]] = query[i+1]
		}
		return dispatch.Operation{Service: "scheduler", Action: action, HTTP: b}
	}
	const one, oneGroup, tags = "/schedules/{Name}", "/schedule-groups/{Name}", "/tags/{ResourceArn}"
	written := on(func(in *ScheduleInput) string { return s.scheduleARN(in.GroupName, in.Name) })
	named := on(func(in *ScheduleNameInput) string { return s.scheduleARN(in.GroupName, in.Name) })
	dispatch.Register(s.d, op("CreateSchedule", "POST", one), written, s.createSchedule)
	dispatch.Register(s.d, op("UpdateSchedule", "PUT", one), written, s.updateSchedule)
	dispatch.Register(s.d, op("GetSchedule", "GET", one, "groupName", "GroupName"), named, s.getSchedule)
	dispatch.Register(s.d, op("DeleteSchedule", "DELETE", one, "groupName", "GroupName", "clientToken", "ClientToken"), named, s.deleteSchedule)
	dispatch.Register(s.d, op("ListSchedules", "GET", "/schedules", "ScheduleGroup", "GroupName", "NamePrefix", "NamePrefix", "State", "State",
		"MaxResults", "MaxResults", "NextToken", "NextToken"), dispatch.Anywhere[ListSchedulesInput](), s.listSchedules)

	inGroup := on(func(in *GroupNameInput) string { return s.groupARN(in.Name) })
	dispatch.Register(s.d, op("CreateScheduleGroup", "POST", oneGroup), on(func(in *CreateScheduleGroupInput) string { return s.groupARN(in.Name) }), s.createGroup)
	dispatch.Register(s.d, op("GetScheduleGroup", "GET", oneGroup), inGroup, s.getGroup)
	dispatch.Register(s.d, op("DeleteScheduleGroup", "DELETE", oneGroup, "clientToken", "ClientToken"), inGroup, s.deleteGroup)
	dispatch.Register(s.d, op("ListScheduleGroups", "GET", "/schedule-groups", "NamePrefix", "NamePrefix", "MaxResults", "MaxResults", "NextToken", "NextToken"),
		dispatch.Anywhere[ListScheduleGroupsInput](), s.listGroups)

	dispatch.Register(s.d, op("TagResource", "POST", tags), on(func(in *TagResourceInput) string { return in.ResourceArn }), s.tag)
	dispatch.Register(s.d, op("UntagResource", "DELETE", tags, "TagKeys", "TagKeys"), on(func(in *UntagResourceInput) string { return in.ResourceArn }), s.untag)
	dispatch.Register(s.d, op("ListTagsForResource", "GET", tags), on(func(in *ListTagsForResourceInput) string { return in.ResourceArn }), s.listTags)
}

// page is a part of a list: after the token, at most as many as are asked for.
type page[T any] struct {
	after string
	size  int
	items []T
	last  string // key of the last item
	next  string
}

func newPage[T any](maxResults *int, token string) (*page[T], error) {
	var v violations
	v.Number("maxResults", maxResults, 1, 100)
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, invalid("Invalid NextToken.")
	}
	p := &page[T]{after: string(after), size: 100, items: []T{}}
	if maxResults != nil {
		p.size = *maxResults
	}
	return p, v.Err()
}

// add takes items in the order of their keys and returns false when the page is full.
func (p *page[T]) add(key string, item func() T) bool {
	if key <= p.after {
		return true
	}
	if len(p.items) == p.size {
		p.next = base64.RawURLEncoding.EncodeToString([]byte(p.last))
		return false
	}
	p.items, p.last = append(p.items, item()), key
	return true
}
