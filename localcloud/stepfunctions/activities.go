package stepfunctions

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// CreateActivityInput is the request of CreateActivity. Tags and keys of activities are not emulated.
type CreateActivityInput struct {
	Name string `json:"name"`
}

// CreateActivityOutput is the response of CreateActivity.
type CreateActivityOutput struct {
	ActivityArn  string        `json:"activityArn"`
	CreationDate dispatch.Time `json:"creationDate"`
}

// ActivityInput names an activity: the request of DescribeActivity and DeleteActivity.
type ActivityInput struct {
	ActivityArn string `json:"activityArn"`
}

// Activity describes an activity: the response of DescribeActivity, and an item of ListActivities.
type Activity struct {
	ActivityArn  string        `json:"activityArn"`
	Name         string        `json:"name"`
	CreationDate dispatch.Time `json:"creationDate"`
}

// ListActivitiesOutput is the response of ListActivities, by name.
type ListActivitiesOutput struct {
	Activities []Activity `json:"activities"`
	NextToken  string     `json:"nextToken,omitempty"`
}

// GetActivityTaskInput is the request of GetActivityTask.
type GetActivityTaskInput struct {
	ActivityArn string `json:"activityArn"`
	WorkerName  string `json:"workerName,omitempty"`
}

// GetActivityTaskOutput is the response of GetActivityTask; empty when no task came within 60 seconds.
type GetActivityTaskOutput struct {
	TaskToken string `json:"taskToken,omitempty"`
	Input     string `json:"input,omitempty"` // JSON text
}

// activityRecord is an activity as the store keeps it.
type activityRecord struct {
	ARN, Name string
	Created   time.Time
}

func (r activityRecord) shown() Activity {
	return Activity{ActivityArn: r.ARN, Name: r.Name, CreationDate: dispatch.Time{Time: r.Created}}
}

// activities are the activities and the tasks that wait for their workers
// (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html).
type activities struct {
	records *store.Table[activityRecord]
	mu      sync.Mutex
	waiting map[string][]offeredTask        // by the activity's ARN, oldest first
	workers map[string][]chan<- offeredTask // who polls; each channel takes one task
}

// offeredTask is an activity's task that nobody has taken.
type offeredTask struct {
	execution *execution
	task      *asl.Task
}

// activityPoll is how long GetActivityTask waits for a task.
const activityPoll = time.Minute

func newActivities(st *store.Store) (*activities, error) {
	records, err := store.NewTable[activityRecord](st, "states/activities")
	if err != nil {
		return nil, fmt.Errorf("opening the activities: %w", err)
	}
	return &activities{records: records, waiting: map[string][]offeredTask{}, workers: map[string][]chan<- offeredTask{}}, nil
}

func (s *Service) registerActivities() {
	add(s, "CreateActivity", on(func(in *CreateActivityInput) string { return s.d.ARN("states", "activity:"+in.Name) }), s.createActivity)
	add(s, "DescribeActivity", on(func(in *ActivityInput) string { return in.ActivityArn }), s.describeActivity)
	add(s, "DeleteActivity", on(func(in *ActivityInput) string { return in.ActivityArn }), s.deleteActivity)
	add(s, "ListActivities", dispatch.Anywhere[ListInput](), s.listActivities)
	add(s, "GetActivityTask", on(func(in *GetActivityTaskInput) string { return in.ActivityArn }), s.getActivityTask)
}

func (s *Service) createActivity(_ context.Context, _ *dispatch.Call, in *CreateActivityInput) (*CreateActivityOutput, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	r := activityRecord{ARN: s.d.ARN("states", "activity:"+in.Name), Name: in.Name, Created: s.now()}
	s.activities.mu.Lock()
	defer s.activities.mu.Unlock()
	if there, ok := s.activities.records.Get(r.ARN); ok {
		r = there // creating it again changes nothing
	} else if err := s.activities.records.Put(r.ARN, r); err != nil {
		return nil, err
	}
	return &CreateActivityOutput{ActivityArn: r.ARN, CreationDate: dispatch.Time{Time: r.Created}}, nil
}

func (s *Service) activity(arn string) (activityRecord, error) {
	if _, _, err := parseARN(arn, "activity"); err != nil {
		return activityRecord{}, err
	}
	r, ok := s.activities.records.Get(arn)
	if !ok {
		return r, dispatch.Errorf("ActivityDoesNotExist", "Activity Does Not Exist: '%s'", arn)
	}
	return r, nil
}

func (s *Service) describeActivity(_ context.Context, _ *dispatch.Call, in *ActivityInput) (*Activity, error) {
	r, err := s.activity(in.ActivityArn)
	if err != nil {
		return nil, err
	}
	shown := r.shown()
	return &shown, nil
}

func (s *Service) deleteActivity(_ context.Context, _ *dispatch.Call, in *ActivityInput) (*Empty, error) {
	if _, _, err := parseARN(in.ActivityArn, "activity"); err != nil {
		return nil, err
	}
	_, err := s.activities.records.Delete(in.ActivityArn)
	return &Empty{}, err
}

func (s *Service) listActivities(_ context.Context, _ *dispatch.Call, in *ListInput) (*ListActivitiesOutput, error) {
	all := []Activity{}
	for _, r := range s.activities.records.All() {
		all = append(all, r.shown())
	}
	slices.SortFunc(all, func(a, b Activity) int { return strings.Compare(a.Name, b.Name) })
	from, to, next, err := page(len(all), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &ListActivitiesOutput{Activities: all[from:to], NextToken: next}, nil
}

// offer gives an activity's task to a worker who polls, or keeps it for the next one.
func (s *Service) offer(e *execution, t *asl.Task) {
	if _, err := s.activity(t.Resource); err != nil {
		e.mu.Lock()
		if e.run != nil {
			e.run.FailTask(t.ID, "States.Runtime", dispatch.AsError(err).Message, s.now())
		}
		e.mu.Unlock()
		return
	}
	a := s.activities
	a.mu.Lock()
	defer a.mu.Unlock()
	offered := offeredTask{e, t}
	if workers := a.workers[t.Resource]; len(workers) > 0 {
		a.workers[t.Resource] = workers[1:]
		workers[0] <- offered // has room for it
		return
	}
	waiting := append(a.waiting[t.Resource], offered)
	if len(waiting)%abandonedEvery == 0 { // so that what nobody takes or waits for any more does not pile up
		waiting = slices.DeleteFunc(waiting, offeredTask.abandoned)
	}
	a.waiting[t.Resource] = waiting
}

// abandonedEvery is how many waiting tasks there may be more before those are dropped that were given up.
const abandonedEvery = 1024

// abandoned reports whether the execution does not wait for the task any more.
func (o offeredTask) abandoned() bool {
	o.execution.mu.Lock()
	defer o.execution.mu.Unlock()
	return o.execution.run == nil || !o.execution.run.Waiting(o.task.ID)
}

// poll returns the channel that the next task of an activity comes through.
func (a *activities) poll(arn string) chan offeredTask {
	worker := make(chan offeredTask, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	if waiting := a.waiting[arn]; len(waiting) > 0 {
		a.waiting[arn] = waiting[1:]
		worker <- waiting[0]
		return worker
	}
	a.workers[arn] = append(a.workers[arn], worker)
	return worker
}

// leave ends a poll. A task that has come in the meantime waits for the next worker.
func (a *activities) leave(arn string, worker chan offeredTask) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.workers[arn] = slices.DeleteFunc(a.workers[arn], func(w chan<- offeredTask) bool { return w == worker })
	select {
	case offered := <-worker:
		a.waiting[arn] = append([]offeredTask{offered}, a.waiting[arn]...)
	default:
	}
}

func (s *Service) getActivityTask(ctx context.Context, _ *dispatch.Call, in *GetActivityTaskInput) (*GetActivityTaskOutput, error) {
	if _, err := s.activity(in.ActivityArn); err != nil {
		return nil, err
	}
	over := make(chan struct{})
	timer := s.d.Clock.AfterFunc(activityPoll, func() { close(over) })
	defer timer.Stop()
	for {
		worker := s.activities.poll(in.ActivityArn)
		select {
		case offered := <-worker:
			if out := s.take(offered, in.WorkerName); out != nil {
				return out, nil
			}
			continue
		case <-over:
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
		s.activities.leave(in.ActivityArn, worker)
		return &GetActivityTaskOutput{}, nil
	}
}

// take hands a task to a worker; nil when nobody waits for it any more.
func (s *Service) take(o offeredTask, worker string) *GetActivityTaskOutput {
	e := o.execution
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run == nil || !e.run.PickedUp(o.task.ID, worker, s.now()) {
		return nil
	}
	return &GetActivityTaskOutput{TaskToken: o.task.TaskToken, Input: jsonvalue.Text(o.task.Parameters)}
}
