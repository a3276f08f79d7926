package eventbridge

import (
	"regexp"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/scheduler"
)

var rateForm = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)(s?)\)$`)

// validSchedule says whether a rule may have a schedule expression: rate() with the right number of its unit, or cron().
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func validSchedule(expression string) bool {
	if m := rateForm.FindStringSubmatch(expression); m != nil {
		if (m[1] == "1") != (m[3] == "") {
			return false
		}
	} else if !strings.HasPrefix(expression, "cron(") {
		return false
	}
	return scheduler.Valid(expression)
}

// stopTimer stops a rule's timer. The caller holds mu.
func (s *Service) stopTimer(key string) {
	if t := s.timers[key]; t != nil {
		t.Stop()
		delete(s.timers, key)
	}
}

// awaitTime sets the timer for a rule's next time. The caller holds mu.
func (s *Service) awaitTime(key string, r rule) {
	s.stopTimer(key)
	if !s.open || r.Schedule == "" || r.State == disabled {
		return
	}
	now := s.d.Clock.Now()
	at, ok := scheduler.Next(r.Schedule, r.Anchor, now)
	if !ok {
		return
	}
	s.timers[key] = s.d.Clock.AfterFunc(at.Sub(now), func() { s.due(key, at) })
}

// due sends a rule's scheduled event to its targets.
func (s *Service) due(key string, at time.Time) {
	s.mu.Lock()
	r, ok := s.rules.Get(key)
	if !s.open || !ok || r.Schedule == "" || r.State == disabled {
		s.mu.Unlock()
		return // it was changed while the timer fired
	}
	s.awaitTime(key, r)
	s.mu.Unlock()
	ev := &event{Bus: r.Bus, ID: dispatch.NewRequestID(), Source: "aws.events", DetailType: "Scheduled Event", Time: at.UTC(), Ingested: s.now()}
	ev.text = s.envelope(ev, []string{s.ruleARN(r.Bus, r.Name)}, []byte("{}"))
	parcels := s.parcelsFor(&r, ev)
	s.delivery.keep(ev, parcels)
	if err := s.dispatchAll(parcels); err != nil {
		s.d.Logf("the rule %s lost its event of %s: %v", key, at.Format(time.RFC3339), err)
	}
}
