package scheduler

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/kms"
)

func (s *Service) createSchedule(ctx context.Context, c *dispatch.Call, in *ScheduleInput) (*ScheduleOutput, error) {
	now := s.now()
	r := schedule{Specification: in.Specification, Token: in.ClientToken, Created: now}
	r.begin(now)
	if err := s.check(ctx, c, &r, in.ClientToken, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.group(r.GroupName); err != nil {
		return nil, err
	}
	out := &ScheduleOutput{s.scheduleARN(r.GroupName, r.Name)}
	created, err := s.schedules.Create(r.key(), r)
	switch old, _ := s.schedules.Get(r.key()); {
	case err != nil:
		return nil, err
	case created:
		s.awaitTime(r)
	case in.ClientToken == "" || old.Token != in.ClientToken || !reflect.DeepEqual(old.Specification, r.Specification):
		return nil, conflict("Schedule", r.Name)
	}
	return out, nil
}

// begin lets a schedule's times begin now: a rate without a start date has its first one at once.
func (r *schedule) begin(now time.Time) { r.Modified, r.Anchor, r.Handled = now, now, now.Add(-1) }

// check completes a schedule and asks whether its maker may make it and its role can be assumed. known is the start date
// that it had before.
func (s *Service) check(ctx context.Context, c *dispatch.Call, r *schedule, token string, known *dispatch.Time) error {
	var v violations
	v.token(token)
	if err := v.Err(); err != nil {
		return err
	}
	if err := r.complete(); err != nil {
		return err
	}
	if _, err := s.group(r.GroupName); err != nil {
		return err
	}
	if err := r.checkTimes(r.Modified, known); err != nil {
		return err
	}
	if err := s.checkTarget(r.Target); err != nil {
		return err
	}
	passed := map[string]string{"iam:PassedToService": principalName}
	if err := s.d.CheckUnder(ctx, c.Principal, passed, "iam:PassRole", []string{r.Target.RoleArn}); err != nil {
		return &dispatch.Error{Code: "AccessDeniedException", Status: 403, Message: dispatch.AsError(err).Message}
	}
	if _, err := s.assume(ctx, r, "aws-scheduler"); err != nil {
		return invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	return s.seal(ctx, c.Principal, r)
}

// assume returns the schedule's role. AWS documents that aws:SourceArn is the schedule group's ARN.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func (s *Service) assume(ctx context.Context, r *schedule, session string) (dispatch.Principal, error) {
	by := dispatch.Principal{ARN: principalName, Service: principalName, SourceARN: s.groupARN(r.GroupName)}
	return s.d.Assume(ctx, by, r.Target.RoleArn, session)
}

// encryptionContext is what AWS binds a schedule's data key to.
func (s *Service) encryptionContext(r *schedule) map[string]string {
	return map[string]string{"aws:scheduler:schedule:arn": s.scheduleARN(r.GroupName, r.Name)}
}

// seal has the caller make the data key of a schedule under a customer-managed key: it needs kms:DescribeKey and
// kms:GenerateDataKey. Whoever reads the schedule, and the role when it calls the target, needs kms:Decrypt.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
func (s *Service) seal(ctx context.Context, p dispatch.Principal, r *schedule) error {
	r.DataKey = nil
	if r.KmsKeyArn == "" {
		return nil
	}
	if _, err := s.d.Do(ctx, p, "kms", "DescribeKey", &kms.KeyInput{KeyID: r.KmsKeyArn}); err != nil {
		return kmsError(err)
	}
	key, err := dispatch.Do[kms.GenerateDataKeyOutput](ctx, s.d, p, "kms", "GenerateDataKey",
		&kms.GenerateDataKeyInput{KeyID: r.KmsKeyArn, KeySpec: "AES_256", EncryptionContext: s.encryptionContext(r)})
	if err != nil {
		return kmsError(err)
	}
	r.DataKey = key.CiphertextBlob
	return nil
}

// unseal tries whether p may read a schedule.
func (s *Service) unseal(ctx context.Context, p dispatch.Principal, r *schedule) error {
	if r.DataKey == nil {
		return nil
	}
	_, err := s.d.Do(ctx, p, "kms", "Decrypt", &kms.DecryptInput{CiphertextBlob: r.DataKey, EncryptionContext: s.encryptionContext(r)})
	if err != nil {
		return kmsError(err)
	}
	return nil
}

// kmsError is a KMS error as the API passes it on.
func kmsError(err error) error {
	e := dispatch.AsError(err)
	if e.Code == "AccessDeniedException" {
		return &dispatch.Error{Code: e.Code, Status: 403, Message: e.Message}
	}
	return invalid("%s", e.Message)
}

func (s *Service) updateSchedule(ctx context.Context, c *dispatch.Call, in *ScheduleInput) (*ScheduleOutput, error) {
	key := groupOr(in.GroupName) + "/" + in.Name
	old, err := s.find(in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	r := schedule{Specification: in.Specification, Token: old.Token, Created: old.Created}
	r.begin(s.now())
	if err := s.check(ctx, c, &r, in.ClientToken, old.StartDate); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, err = s.find(in.GroupName, in.Name); err != nil {
		return nil, err
	}
	if old.State == r.State && old.ScheduleExpression == r.ScheduleExpression && old.ScheduleExpressionTimezone == r.ScheduleExpressionTimezone &&
		reflect.DeepEqual(old.StartDate, r.StartDate) {
		r.Anchor, r.Handled = old.Anchor, old.Handled // the rhythm goes on
	}
	if err := s.schedules.Put(key, r); err != nil {
		return nil, err
	}
	s.awaitTime(r)
	return &ScheduleOutput{s.scheduleARN(r.GroupName, r.Name)}, nil
}

func (s *Service) find(groupName, name string) (schedule, error) {
	groupName = groupOr(groupName)
	if _, err := s.group(groupName); err != nil {
		return schedule{}, err
	}
	r, ok := s.schedules.Get(groupName + "/" + name)
	if !ok {
		return r, notFound("Schedule", name)
	}
	return r, nil
}

func (s *Service) getSchedule(ctx context.Context, c *dispatch.Call, in *ScheduleNameInput) (*GetScheduleOutput, error) {
	r, err := s.find(in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.unseal(ctx, c.Principal, &r); err != nil {
		return nil, err
	}
	return &GetScheduleOutput{Specification: r.Specification, Arn: s.scheduleARN(r.GroupName, r.Name),
		CreationDate: dispatch.Time{Time: r.Created}, LastModificationDate: dispatch.Time{Time: r.Modified}}, nil
}

func (s *Service) deleteSchedule(_ context.Context, _ *dispatch.Call, in *ScheduleNameInput) (*Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(in.GroupName, in.Name)
	if err != nil {
		return nil, err
	}
	return &Empty{}, s.remove(r.key())
}

// remove deletes a schedule and the calls that it has not made. The caller holds the lock.
func (s *Service) remove(key string) error {
	s.stopTimer(key)
	for id, dl := range s.deliveries.All() {
		if dl.Schedule == key {
			s.stopTimer(id)
			if _, err := s.deliveries.Delete(id); err != nil {
				return err
			}
		}
	}
	_, err := s.schedules.Delete(key)
	return err
}

func (s *Service) listSchedules(_ context.Context, _ *dispatch.Call, in *ListSchedulesInput) (*ListSchedulesOutput, error) {
	var v violations
	if in.State != "" {
		v.oneOf("state", in.State, "ENABLED", "DISABLED")
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	p, err := newPage[ScheduleSummary](in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.GroupName != "" {
		if _, err := s.group(in.GroupName); err != nil {
			return nil, err
		}
	}
	for key, r := range s.schedules.All() {
		if in.GroupName != "" && r.GroupName != in.GroupName || in.State != "" && r.State != in.State || !strings.HasPrefix(r.Name, in.NamePrefix) {
			continue
		}
		if !p.add(key, func() ScheduleSummary {
			return ScheduleSummary{Arn: s.scheduleARN(r.GroupName, r.Name), GroupName: r.GroupName, Name: r.Name, State: r.State,
				CreationDate: dispatch.Time{Time: r.Created}, LastModificationDate: dispatch.Time{Time: r.Modified}, Target: TargetSummary{r.Target.Arn}}
		}) {
			break
		}
	}
	return &ListSchedulesOutput{p.items, p.next}, nil
}
