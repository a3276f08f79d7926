package eventbridge

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/eventpattern"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// rule is a rule as the store keeps it.
type rule struct {
	Name, Bus, Description string
	Pattern, Schedule      string
	State                  string
	Role                   string
	Tags                   map[string]string
	Targets                []Target
	Anchor                 time.Time // where a rate begins
}

// States of rules.
const (
	enabled         = "ENABLED"
	disabled        = "DISABLED"
	enabledWithRead = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
)

const (
	rulesPerBus    = 300
	targetsPerRule = 5
)

func (r *rule) key() string { return r.Bus + "/" + r.Name }

func (r *rule) target(id string) *Target {
	for i := range r.Targets {
		if r.Targets[i].ID == id {
			return &r.Targets[i]
		}
	}
	return nil
}

// ruleKey is the key of the rule of an ARN.
func (s *Service) ruleKey(arn string) (string, bool) {
	name, ok := strings.CutPrefix(arn, s.d.ARN("events", "rule/"))
	if ok && !strings.Contains(name, "/") {
		name = defaultBus + "/" + name
	}
	return name, ok
}

func (s *Service) keyOf(busName, name string) string { return s.busName(busName) + "/" + name }

func (s *Service) findRule(key string) (rule, error) {
	r, ok := s.rules.Get(key)
	if ok {
		return r, nil
	}
	busName, name, _ := strings.Cut(key, "/")
	if _, err := s.findBus(busName); err != nil {
		return r, err
	}
	return r, notFound("Rule %s does not exist on EventBus %s.", name, busName)
}

func (s *Service) changeRule(key string, f func(*rule) error) (rule, error) {
	s.change.Lock()
	defer s.change.Unlock()
	r, err := s.findRule(key)
	if err != nil {
		return r, err
	}
	if err := f(&r); err != nil {
		return r, err
	}
	return r, s.putRecord(r)
}

// putRecord writes a rule down and puts it into force. The caller holds the lock for changes.
func (s *Service) putRecord(r rule) error {
	if err := s.rules.Put(r.key(), r); err != nil {
		return err
	}
	s.index.forget(r.Bus)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitTime(r.key(), r)
	return nil
}

// compile reads an event pattern, with EventBridge's error.
func compile(text string) (*eventpattern.Pattern, error) {
	if len([]rune(text)) > eventpattern.MaxSize {
		var p problems
		p.text("eventPattern", text, 0, eventpattern.MaxSize, nil)
		return nil, p.err()
	}
	p, err := eventpattern.Compile(text)
	if err != nil {
		return nil, dispatch.Errorf("InvalidEventPatternException", "%s", err)
	}
	return p, nil
}

func (s *Service) putRule(ctx context.Context, c *dispatch.Call, in *PutRuleInput) (*PutRuleOutput, error) {
	var p problems
	p.text("name", in.Name, 1, 64, nameForm)
	p.text("description", in.Description, 0, 512, nil)
	p.text("scheduleExpression", in.ScheduleExpression, 0, 256, nil)
	if in.State == "" {
		in.State = enabled
	}
	p.oneOf("state", in.State, enabled, disabled, enabledWithRead)
	p.tags(in.Tags)
	if in.RoleArn != "" {
		p.text("roleArn", in.RoleArn, 1, 1600, roleForm)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	b, err := s.findBus(in.EventBusName)
	if err != nil {
		return nil, err
	}
	switch {
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return nil, invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case in.ScheduleExpression != "" && b.Name != defaultBus:
		return nil, invalid("ScheduleExpression is supported only on the default event bus.")
	case in.ScheduleExpression != "" && !validSchedule(in.ScheduleExpression):
		return nil, invalid("Parameter ScheduleExpression is not valid.")
	}
	if in.EventPattern != "" {
		if _, err := compile(in.EventPattern); err != nil {
			return nil, err
		}
	}
	if err := s.mayPass(ctx, c, in.RoleArn); err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	key := s.keyOf(b.Name, in.Name)
	r, known := s.rules.Get(key)
	if !known {
		count := 0
		for _, other := range s.rules.All() {
			if other.Bus == b.Name {
				count++
			}
		}
		if count >= rulesPerBus {
			return nil, dispatch.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		r = rule{Name: in.Name, Bus: b.Name, Tags: tagMap(in.Tags)}
	}
	if r.Schedule != in.ScheduleExpression || r.State == disabled {
		r.Anchor = s.now()
	}
	r.Description, r.Pattern, r.Schedule, r.State, r.Role = in.Description, in.EventPattern, in.ScheduleExpression, in.State, in.RoleArn
	return &PutRuleOutput{s.ruleARN(b.Name, in.Name)}, s.putRecord(r)
}

// mayPass checks that the caller may pass a role to EventBridge.
func (s *Service) mayPass(ctx context.Context, c *dispatch.Call, role string) error {
	if role == "" {
		return nil
	}
	passed := map[string]string{"iam:PassedToService": principalName}
	if err := s.d.CheckUnder(ctx, c.Principal, passed, "iam:PassRole", []string{role}); err != nil {
		return dispatch.Errorf("AccessDeniedException", "%s", dispatch.AsError(err).Message)
	}
	return nil
}

func (s *Service) viewRule(r rule) Rule {
	return Rule{Name: r.Name, Arn: s.ruleARN(r.Bus, r.Name), EventBusName: r.Bus, Description: r.Description, EventPattern: r.Pattern,
		ScheduleExpression: r.Schedule, State: r.State, RoleArn: r.Role}
}

func (s *Service) describeRule(_ context.Context, _ *dispatch.Call, in *RuleInput) (*Rule, error) {
	r, err := s.findRule(s.keyOf(in.EventBusName, in.Name))
	if err != nil {
		return nil, err
	}
	out := s.viewRule(r)
	out.CreatedBy = s.d.Account
	return &out, nil
}

func (s *Service) deleteRule(_ context.Context, _ *dispatch.Call, in *DeleteRuleInput) (*Empty, error) {
	if _, err := s.findBus(in.EventBusName); err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	key := s.keyOf(in.EventBusName, in.Name)
	r, ok := s.rules.Get(key)
	if !ok {
		return &Empty{}, nil // as AWS
	}
	if len(r.Targets) > 0 {
		return nil, invalid("Rule can't be deleted since it has targets.")
	}
	if _, err := s.rules.Delete(key); err != nil {
		return nil, err
	}
	s.index.forget(r.Bus)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimer(key)
	return &Empty{}, nil
}

func (s *Service) setState(in *RuleInput, state string) (*Empty, error) {
	_, err := s.changeRule(s.keyOf(in.EventBusName, in.Name), func(r *rule) error {
		if r.State == disabled && state == enabled {
			r.Anchor = s.now()
		}
		r.State = state
		return nil
	})
	return &Empty{}, err
}

func (s *Service) enableRule(_ context.Context, _ *dispatch.Call, in *RuleInput) (*Empty, error) {
	return s.setState(in, enabled)
}

func (s *Service) disableRule(_ context.Context, _ *dispatch.Call, in *RuleInput) (*Empty, error) {
	return s.setState(in, disabled)
}

func (s *Service) listRules(_ context.Context, _ *dispatch.Call, in *ListRulesInput) (*ListRulesOutput, error) {
	b, err := s.findBus(in.EventBusName)
	if err != nil {
		return nil, err
	}
	rules, next, err := listed(s.rules, in.Limit, in.NextToken, func(r rule) bool { return r.Bus == b.Name && strings.HasPrefix(r.Name, in.NamePrefix) }, s.viewRule)
	return &ListRulesOutput{rules, next}, err
}

func (s *Service) listRuleNames(_ context.Context, _ *dispatch.Call, in *ListRuleNamesByTargetInput) (*ListRuleNamesByTargetOutput, error) {
	b, err := s.findBus(in.EventBusName)
	if err != nil {
		return nil, err
	}
	names, next, err := listed(s.rules, in.Limit, in.NextToken, func(r rule) bool {
		return r.Bus == b.Name && slices.ContainsFunc(r.Targets, func(t Target) bool { return t.Arn == in.TargetArn })
	}, func(r rule) string { return r.Name })
	return &ListRuleNamesByTargetOutput{names, next}, err
}

func (s *Service) testPattern(_ context.Context, _ *dispatch.Call, in *TestEventPatternInput) (*TestEventPatternOutput, error) {
	p, err := compile(in.EventPattern)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "detail-type"} {
		has, err := hasMember([]byte(in.Event), name)
		if err != nil || !has {
			return nil, invalid("%s", eventpattern.ErrEvent)
		}
	}
	match, err := p.Match([]byte(in.Event))
	if errors.Is(err, eventpattern.ErrEvent) {
		return nil, invalid("%s", err)
	}
	return &TestEventPatternOutput{match}, err
}
