// Package eventbridge is Amazon EventBridge in the embedded AWS: the default and custom ("classic") event buses, rules with
// the whole language of event patterns and with schedules, targets with input transformation, retries and dead-letter
// queues, archives and replays.
//
// An event that PutEvents has accepted is in a [store.Journal] until each target of each rule that it matches has taken it
// or given up: it survives whatever ends the process, kill -9 included. Delivery is at least once, in no promised order. The
// rules of an event are those at its acceptance; how a target is called is looked up at each attempt. [Service.Disturb] lets
// tests deliver twice, late, in another order or not at all.
//
// Targets are queues, state machines, functions, log groups and other buses of the account. Schedules are exact, and what falls
// due while the process is down is not made up for. See docs/local-cloud.md for what is not emulated.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/
package eventbridge

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/lang/eventpattern"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// principalName is the service as it assumes roles, is passed them and calls targets.
const principalName = "events.amazonaws.com"

// Service is the emulated EventBridge. Make it with New, Start it once every service is there, and Close it.
type Service struct {
	d        *dispatch.Dispatcher
	buses    *store.Table[bus]     // by name
	rules    *store.Table[rule]    // by bus/name
	archives *store.Table[archive] // by name
	replays  *store.Table[replay]  // by name

	change sync.Mutex // held while a record is changed

	index    indexes
	delivery delivery
	archived archived
	keys     keyCache

	ctx    context.Context // of the calls to targets
	cancel context.CancelFunc

	mu     sync.Mutex
	open   bool                   // between Start and Close
	timers map[string]clock.Timer // of scheduled rules, by bus/name, and of the archives' retention
}

// New returns the service with its operations registered at d and its state kept in s.
func New(d *dispatch.Dispatcher, s *store.Store) (*Service, error) {
	svc := &Service{d: d, timers: map[string]clock.Timer{}}
	svc.index.byBus = map[string]*busIndex{}
	svc.index.patterns = map[string]*eventpattern.Pattern{}
	svc.keys.until = map[string]time.Time{}
	var err error
	if svc.buses, err = store.NewTable[bus](s, "events/buses"); err != nil {
		return nil, fmt.Errorf("opening the event buses: %w", err)
	}
	if svc.rules, err = store.NewTable[rule](s, "events/rules"); err != nil {
		return nil, fmt.Errorf("opening the rules: %w", err)
	}
	if svc.archives, err = store.NewTable[archive](s, "events/archives"); err != nil {
		return nil, fmt.Errorf("opening the archives: %w", err)
	}
	if svc.replays, err = store.NewTable[replay](s, "events/replays"); err != nil {
		return nil, fmt.Errorf("opening the replays: %w", err)
	}
	now := svc.now()
	if _, err := svc.buses.Create(defaultBus, bus{Name: defaultBus, Created: now, Modified: now}); err != nil {
		return nil, fmt.Errorf("making the default event bus: %w", err)
	}
	if err := svc.delivery.load(svc, s); err != nil {
		return nil, err
	}
	if err := svc.archived.load(s); err != nil {
		return nil, err
	}
	svc.ctx, svc.cancel = context.WithCancel(context.Background())
	svc.register()
	return svc, nil
}

// Start begins to deliver: what was accepted and not delivered at once, and what schedules make due from now on.
func (s *Service) Start() {
	s.mu.Lock()
	if s.open {
		s.mu.Unlock()
		return
	}
	s.open = true
	for key, r := range s.rules.All() {
		s.awaitTime(key, r)
	}
	s.awaitExpiry()
	s.mu.Unlock()
	s.delivery.start()
	for _, r := range s.replays.All() {
		if r.State == replayStarting || r.State == replayRunning {
			s.delivery.run(func() { s.replay(r.Name) })
		}
	}
}

// Close makes no further deliveries and waits for those under way until ctx is done; then they are broken off, and made
// again after the next Start.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.open = false
	for _, t := range s.timers {
		t.Stop()
	}
	clear(s.timers)
	s.mu.Unlock()
	s.delivery.stop()
	defer s.cancel()
	if err := s.Rest(ctx); err != nil {
		return fmt.Errorf("waiting for the targets of rules: %w", err)
	}
	return nil
}

// Rest returns when no delivery and no replay is under way and none is due: for tests, after a step of their clock. Retries
// and what Disturb has put off are due at their time. The error is the context's.
func (s *Service) Rest(ctx context.Context) error { return s.delivery.wait(ctx) }

func (s *Service) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// now is the clock's time in the API's precision.
func (s *Service) now() time.Time { return s.d.Clock.Now().UTC().Truncate(time.Millisecond) }

func invalid(format string, args ...any) error {
	return dispatch.Errorf("ValidationException", format, args...)
}

func notFound(format string, args ...any) error {
	return dispatch.Errorf("ResourceNotFoundException", format, args...)
}

const defaultBus = "default"

// busName is the name in a bus's name or ARN.
func (s *Service) busName(nameOrARN string) string {
	if nameOrARN == "" {
		return defaultBus
	}
	return strings.TrimPrefix(nameOrARN, s.d.ARN("events", "event-bus/"))
}

func (s *Service) busARN(name string) string { return s.d.ARN("events", "event-bus/"+s.busName(name)) }

func (s *Service) ruleARN(busName, name string) string {
	if busName = s.busName(busName); busName != defaultBus {
		name = busName + "/" + name
	}
	return s.d.ARN("events", "rule/"+name)
}

func (s *Service) archiveARN(name string) string { return s.d.ARN("events", "archive/"+name) }
func (s *Service) replayARN(name string) string  { return s.d.ARN("events", "replay/"+name) }

func on[In any](f func(in *In) string) dispatch.Permits[In] {
	return dispatch.On(func(_ *dispatch.Call, in *In) []string { return []string{f(in)} })
}

func (s *Service) register() {
	op := func(action string) dispatch.Operation { return dispatch.Operation{Service: "events", Action: action} }
	onBus := on(func(in *EventBusInput) string { return s.busARN(in.Name) })
	dispatch.Register(s.d, op("CreateEventBus"), on(func(in *CreateEventBusInput) string { return s.busARN(in.Name) }), s.createBus)
	dispatch.Register(s.d, op("UpdateEventBus"), on(func(in *UpdateEventBusInput) string { return s.busARN(in.Name) }), s.updateBus)
	dispatch.Register(s.d, op("DescribeEventBus"), onBus, s.describeBus)
	dispatch.Register(s.d, op("DeleteEventBus"), onBus, s.deleteBus)
	dispatch.Register(s.d, op("ListEventBuses"), dispatch.Anywhere[ListEventBusesInput](), s.listBuses)
	dispatch.Register(s.d, op("PutPermission"), on(func(in *PutPermissionInput) string { return s.busARN(in.EventBusName) }), s.putPermission)
	dispatch.Register(s.d, op("RemovePermission"), on(func(in *RemovePermissionInput) string { return s.busARN(in.EventBusName) }), s.removePermission)

	onRule := on(func(in *RuleInput) string { return s.ruleARN(in.EventBusName, in.Name) })
	dispatch.Register(s.d, op("PutRule"), on(func(in *PutRuleInput) string { return s.ruleARN(in.EventBusName, in.Name) }), s.putRule)
	dispatch.Register(s.d, op("DescribeRule"), onRule, s.describeRule)
	dispatch.Register(s.d, op("DeleteRule"), on(func(in *DeleteRuleInput) string { return s.ruleARN(in.EventBusName, in.Name) }), s.deleteRule)
	dispatch.Register(s.d, op("EnableRule"), onRule, s.enableRule)
	dispatch.Register(s.d, op("DisableRule"), onRule, s.disableRule)
	dispatch.Register(s.d, op("ListRules"), on(func(in *ListRulesInput) string { return s.ruleARN(in.EventBusName, "*") }), s.listRules)
	dispatch.Register(s.d, op("ListRuleNamesByTarget"), on(func(in *ListRuleNamesByTargetInput) string { return s.ruleARN(in.EventBusName, "*") }), s.listRuleNames)
	dispatch.Register(s.d, op("PutTargets"), func(c *dispatch.Call, in *PutTargetsInput) ([]string, []dispatch.ResourcePolicy, error) {
		var arns []string
		for _, t := range in.Targets {
			arns = append(arns, t.Arn)
		}
		c.ConditionLists = map[string][]string{"events:TargetArn": arns}
		return []string{s.ruleARN(in.EventBusName, in.Rule)}, nil, nil
	}, s.putTargets)
	dispatch.Register(s.d, op("RemoveTargets"), on(func(in *RemoveTargetsInput) string { return s.ruleARN(in.EventBusName, in.Rule) }), s.removeTargets)
	dispatch.Register(s.d, op("ListTargetsByRule"), on(func(in *ListTargetsByRuleInput) string { return s.ruleARN(in.EventBusName, in.Rule) }), s.listTargets)

	dispatch.Register(s.d, op("PutEvents"), s.permitsPut, s.putEvents)
	dispatch.Register(s.d, op("TestEventPattern"), dispatch.Anywhere[TestEventPatternInput](), s.testPattern)

	dispatch.Register(s.d, op("TagResource"), on(func(in *TagResourceInput) string { return in.ResourceARN }), s.tag)
	dispatch.Register(s.d, op("UntagResource"), on(func(in *UntagResourceInput) string { return in.ResourceARN }), s.untag)
	dispatch.Register(s.d, op("ListTagsForResource"), on(func(in *ListTagsForResourceInput) string { return in.ResourceARN }), s.listTags)

	onArchive := on(func(in *ArchiveInput) string { return s.archiveARN(in.ArchiveName) })
	dispatch.Register(s.d, op("CreateArchive"), dispatch.On(func(_ *dispatch.Call, in *CreateArchiveInput) []string {
		return []string{s.archiveARN(in.ArchiveName), in.EventSourceArn}
	}), s.createArchive)
	dispatch.Register(s.d, op("UpdateArchive"), on(func(in *UpdateArchiveInput) string { return s.archiveARN(in.ArchiveName) }), s.updateArchive)
	dispatch.Register(s.d, op("DescribeArchive"), onArchive, s.describeArchive)
	dispatch.Register(s.d, op("DeleteArchive"), onArchive, s.deleteArchive)
	dispatch.Register(s.d, op("ListArchives"), dispatch.Anywhere[ListArchivesInput](), s.listArchives)
	onReplay := on(func(in *ReplayInput) string { return s.replayARN(in.ReplayName) })
	dispatch.Register(s.d, op("StartReplay"), dispatch.On(func(_ *dispatch.Call, in *StartReplayInput) []string {
		return []string{s.replayARN(in.ReplayName), in.EventSourceArn}
	}), s.startReplay)
	dispatch.Register(s.d, op("DescribeReplay"), onReplay, s.describeReplay)
	dispatch.Register(s.d, op("CancelReplay"), onReplay, s.cancelReplay)
	dispatch.Register(s.d, op("ListReplays"), dispatch.Anywhere[ListReplaysInput](), s.listReplays)
}
