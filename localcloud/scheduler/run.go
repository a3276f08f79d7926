package scheduler

import (
	"crypto/rand"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/sqs"
)

// delivery is a call that a schedule has to make, from its time until the target has taken it or its retries are used up.
type delivery struct {
	ID        string
	Schedule  string // key
	Scheduled time.Time
	Accepted  time.Time // since when its age counts
	Due       time.Time // of the next attempt
	Attempts  int
}

// maxBackoff is the longest time between two attempts: it spreads the 185 retries of AWS's standard over its 24 hours. AWS
// says no more than that the back-off is exponential; here it begins with a second.
const maxBackoff = 8 * time.Minute

func backoff(retry int) time.Duration { return min(time.Second<<min(retry-1, 10), maxBackoff) }

func (s *Service) stopTimer(name string) {
	if t := s.timers[name]; t != nil {
		t.Stop()
		delete(s.timers, name)
	}
}

// awaitTime sets the timer for a schedule's next time. The caller holds the lock.
func (s *Service) awaitTime(r schedule) {
	key := r.key()
	s.stopTimer(key)
	at, ok := r.next()
	if !s.open || !ok || r.State != "ENABLED" {
		return
	}
	s.timers[key] = s.d.Clock.AfterFunc(at.Sub(s.d.Clock.Now()), func() { s.due(key) })
}

// awaitDelivery sets the timer for a call's next attempt. The caller holds the lock.
func (s *Service) awaitDelivery(dl delivery) {
	if s.open {
		s.timers[dl.ID] = s.d.Clock.AfterFunc(dl.Due.Sub(s.d.Clock.Now()), func() { s.attempt(dl.ID) })
	}
}

// due takes care of a schedule's time: it writes down the call to make, and makes it.
func (s *Service) due(key string) {
	if id, now := s.accept(key); now {
		s.attempt(id)
	}
}

// accept writes down the call of the last time that has come, and says whether it is to be made now.
func (s *Service) accept(key string) (id string, immediately bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.schedules.Get(key)
	if !s.open || !ok || r.State != "ENABLED" {
		return "", false // it was changed while the timer fired
	}
	at, ok := r.next()
	now := s.d.Clock.Now().UTC()
	if !ok || at.After(now) {
		s.awaitTime(r)
		return "", false
	}
	table, _ := r.timetable()
	until := now
	if r.EndDate != nil && r.EndDate.Before(until) {
		if _, single := table.(once); !single {
			until = r.EndDate.Time
		}
	}
	at = latest(table, at, until)
	wait := r.wait(at)
	dl := delivery{ID: dispatch.NewRequestID(), Schedule: key, Scheduled: at, Accepted: now.Add(wait), Due: now.Add(wait)}
	r.Handled = at
	err := s.deliveries.Put(dl.ID, dl)
	if err == nil {
		err = s.schedules.Put(key, r)
	}
	if err != nil {
		s.d.Logf("the schedule %s stops: writing down what is due: %v", key, err)
		return "", false
	}
	s.awaitTime(r)
	if wait > 0 {
		s.awaitDelivery(dl)
	}
	return dl.ID, wait == 0
}

// wait is how much later than its time a call is made: a point of the flexible window, in seconds, that the schedule's name
// and the time determine.
func (r *schedule) wait(at time.Time) time.Duration {
	w := r.FlexibleTimeWindow
	if w.Mode != "FLEXIBLE" {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(r.key() + at.UTC().Format(time.RFC3339)))
	return time.Duration(h.Sum64()%uint64(*w.MaximumWindowInMinutes*60)) * time.Second
}

// attempt calls a target once.
func (s *Service) attempt(id string) {
	s.mu.Lock()
	dl, ok := s.deliveries.Get(id)
	r, exists := s.schedules.Get(dl.Schedule)
	delete(s.timers, id)
	if !s.open || !ok || !exists {
		s.mu.Unlock()
		return
	}
	s.calls.Add(1)
	s.mu.Unlock()
	defer s.calls.Done()

	dl.Attempts++
	execution := newExecutionID()
	body, err := s.call(s.ctx, &r, &dl, execution)
	if err != nil && s.ctx.Err() != nil {
		return // broken off by Close: the next Start makes it again
	}
	if err != nil {
		condition := s.retry(&r, dl)
		if condition == "" {
			return
		}
		s.bury(&r, &dl, execution, body, dispatch.AsError(err), condition)
	}
	s.finish(dl)
}

// retry sets the time of another attempt, or returns the condition of the retry policy that forbids one.
func (s *Service) retry(r *schedule, dl delivery) (exhausted string) {
	p := r.Target.RetryPolicy
	if dl.Attempts > *p.MaximumRetryAttempts {
		return "MaximumRetryAttempts"
	}
	dl.Due = s.d.Clock.Now().UTC().Add(backoff(dl.Attempts))
	if dl.Due.Sub(dl.Accepted) > time.Duration(*p.MaximumEventAgeInSeconds)*time.Second {
		return "MaximumEventAgeInSeconds"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, still := s.deliveries.Get(dl.ID); !still {
		return "" // deleted with its schedule
	}
	if err := s.deliveries.Put(dl.ID, dl); err != nil {
		s.d.Logf("writing down a retry of the schedule %s: %v", dl.Schedule, err)
	}
	s.awaitDelivery(dl)
	return ""
}

// finish forgets a call that was made or given up, and a schedule that is to be deleted after its last one.
func (s *Service) finish(dl delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.deliveries.Delete(dl.ID); err != nil {
		s.d.Logf("forgetting a call of the schedule %s: %v", dl.Schedule, err)
	}
	r, ok := s.schedules.Get(dl.Schedule)
	if !ok || r.ActionAfterCompletion != "DELETE" {
		return
	}
	if _, more := r.next(); more {
		return
	}
	for _, other := range s.deliveries.All() {
		if other.Schedule == dl.Schedule {
			return
		}
	}
	if err := s.remove(dl.Schedule); err != nil {
		s.d.Logf("deleting the schedule %s after its last call: %v", dl.Schedule, err)
	}
}

// bury sends a call that failed for good to the schedule's dead-letter queue, as the schedule's role.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
func (s *Service) bury(r *schedule, dl *delivery, execution, body string, why *dispatch.Error, condition string) {
	if r.Target.DeadLetterConfig == nil || r.Target.DeadLetterConfig.Arn == "" {
		s.d.Logf("the schedule %s gave up on its call of %s: %s", dl.Schedule, dl.Scheduled.Format(time.RFC3339), why.Code)
		return
	}
	attributes := map[string]sqs.MessageAttributeValue{}
	for name, value := range map[string]string{
		"ERROR_CODE": why.Code, "ERROR_MESSAGE": why.Message, "EXECUTION_ID": execution, "EXHAUSTED_RETRY_CONDITION": condition,
		"IS_PAYLOAD_TRUNCATED": "false", "RETRY_ATTEMPTS": strconv.Itoa(dl.Attempts - 1), "SCHEDULED_TIME": dl.Scheduled.UTC().Format(time.RFC3339),
		"SCHEDULE_ARN": s.scheduleARN(r.GroupName, r.Name), "TARGET_ARN": r.Target.Arn,
	} {
		if value == "" {
			value = " " // SQS takes no empty attribute
		}
		attributes[name] = sqs.MessageAttributeValue{DataType: "String", StringValue: &value}
	}
	role, err := s.assume(s.ctx, r, execution)
	if err == nil {
		_, err = s.d.Do(s.ctx, role, "sqs", "SendMessage", &sqs.SendMessageInput{QueueURL: queueURL(r.Target.DeadLetterConfig.Arn), MessageBody: body, MessageAttributes: attributes})
	}
	if err != nil {
		s.d.Logf("the schedule %s lost its call of %s: its dead-letter queue refused it: %v", dl.Schedule, dl.Scheduled.Format(time.RFC3339), err)
	}
}

// newExecutionID returns an id of the form that AWS gives each attempt, such as d32c5kddcf5bb8c3.
func newExecutionID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails, by its contract
	return hex.EncodeToString(b[:])
}
