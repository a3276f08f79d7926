package pipes

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/kms"
)

// The states of a pipe. Changes between them take no time here.
const (
	running      = "RUNNING"
	stopped      = "STOPPED"
	createFailed = "CREATE_FAILED"
	updateFailed = "UPDATE_FAILED"
	startFailed  = "START_FAILED"
)

func (s *Service) find(name string) (pipe, error) {
	p, ok := s.pipes.Get(name)
	if !ok {
		return p, &dispatch.Error{Code: "NotFoundException", Status: 404, Message: "Pipe " + name + " does not exist."}
	}
	return p, nil
}

// mayPass checks that the caller may pass a role to EventBridge Pipes.
func (s *Service) mayPass(ctx context.Context, c *dispatch.Call, role string) error {
	passed := map[string]string{"iam:PassedToService": principalName}
	if err := s.d.CheckUnder(ctx, c.Principal, passed, "iam:PassRole", []string{role}); err != nil {
		return &dispatch.Error{Code: "AccessDeniedException", Status: 403, Message: dispatch.AsError(err).Message}
	}
	return nil
}

// changed is the answer of an operation that has changed a pipe: on AWS the change is still under way then.
func (s *Service) changed(p *pipe, during string) *PipeOutput {
	return &PipeOutput{Arn: s.arn(p.Name), Name: p.Name, DesiredState: p.Settings.DesiredState, CurrentState: during,
		CreationTime: dispatch.Time{Time: p.Created}, LastModifiedTime: dispatch.Time{Time: p.Modified}}
}

// settle gives a pipe the state that it is to be in, or the one of a failure, and lets it run. The caller
// holds the lock on changes.
func (s *Service) settle(ctx context.Context, p *pipe, failed string) error {
	p.Reason = ""
	if p.State = p.Settings.DesiredState; p.State == running {
		if err := s.try(ctx, p); err != nil {
			p.State, p.Reason = failed, err.Error()
		}
	}
	if err := s.pipes.Put(p.Name, *p); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adjust(*p)
	return nil
}

func (s *Service) createPipe(ctx context.Context, c *dispatch.Call, in *CreatePipeInput) (*PipeOutput, error) {
	now := s.now()
	p := pipe{Name: in.Name, Source: in.Source, SourceParameters: in.SourceParameters, Settings: in.Settings, Created: now, Modified: now, Tags: maps.Clone(in.Tags)}
	if err := s.check(&p); err != nil {
		return nil, err
	}
	if err := s.mayPass(ctx, c, p.Settings.RoleArn); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.d.Check(ctx, c.Principal, "pipes:TagResource", []string{s.arn(in.Name)}); err != nil {
			return nil, err
		}
	}
	s.change.Lock()
	defer s.change.Unlock()
	if _, err := s.find(in.Name); err == nil {
		return nil, &dispatch.Error{Code: "ConflictException", Status: 409, Message: "Pipe " + in.Name + " already exists."}
	}
	if err := s.settle(ctx, &p, createFailed); err != nil {
		return nil, err
	}
	return s.changed(&p, "CREATING"), nil
}

func (s *Service) updatePipe(ctx context.Context, c *dispatch.Call, in *UpdatePipeInput) (*PipeOutput, error) {
	if in.RoleArn == "" {
		var v violations
		v.Add("roleArn", "", "not be null")
		return nil, v.Err()
	}
	if err := s.mayPass(ctx, c, in.RoleArn); err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	p, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	p.update(in)
	if err := s.check(&p); err != nil {
		return nil, err
	}
	p.Modified = s.now()
	if err := s.settle(ctx, &p, updateFailed); err != nil {
		return nil, err
	}
	return s.changed(&p, "UPDATING"), nil
}

// update takes over what a request says, into copies.
func (p *pipe) update(in *UpdatePipeInput) {
	if from := in.SourceParameters; from != nil {
		to := SourceParameters{}
		if p.SourceParameters != nil {
			to = *p.SourceParameters
		}
		if from.FilterCriteria != nil {
			to.FilterCriteria = from.FilterCriteria
		}
		if from.SqsQueueParameters != nil {
			to.SqsQueueParameters = from.SqsQueueParameters
		}
		p.SourceParameters = &to
	}
	old := p.Settings
	p.Settings = in.Settings
	keep := func(now *string, before string) {
		if *now == "" {
			*now = before
		}
	}
	keep(&p.Settings.Description, old.Description)
	keep(&p.Settings.DesiredState, old.DesiredState)
	keep(&p.Settings.Target, old.Target)
	if old.TargetParameters == nil {
		return
	}
	to := *old.TargetParameters
	if p.Settings.Target != old.Target { // another service's parameters may not fit
		to = TargetParameters{InputTemplate: to.InputTemplate}
	}
	if from := in.TargetParameters; from != nil {
		if from.InputTemplate != nil {
			to.InputTemplate = from.InputTemplate
		}
		if from.StepFunctionStateMachineParameters != nil {
			to.StepFunctionStateMachineParameters = from.StepFunctionStateMachineParameters
		}
		if from.SqsQueueParameters != nil {
			to.SqsQueueParameters = from.SqsQueueParameters
		}
	}
	p.Settings.TargetParameters = &to
}

func (s *Service) describePipe(_ context.Context, _ *dispatch.Call, in *NameInput) (*DescribePipeOutput, error) {
	p, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	return &DescribePipeOutput{Arn: s.arn(p.Name), Name: p.Name, CurrentState: p.State, StateReason: p.Reason, Source: p.Source, SourceParameters: p.SourceParameters,
		CreationTime: dispatch.Time{Time: p.Created}, LastModifiedTime: dispatch.Time{Time: p.Modified}, Tags: p.Tags, Settings: p.Settings}, nil
}

func (s *Service) deletePipe(_ context.Context, _ *dispatch.Call, in *NameInput) (*PipeOutput, error) {
	s.change.Lock()
	defer s.change.Unlock()
	p, err := s.find(in.Name)
	if err != nil {
		return nil, err
	}
	if _, err := s.pipes.Delete(p.Name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.halt(p.Name)
	s.mu.Unlock()
	out := s.changed(&p, "DELETING")
	out.DesiredState = "DELETED"
	return out, nil
}

func (s *Service) startPipe(ctx context.Context, _ *dispatch.Call, in *NameInput) (*PipeOutput, error) {
	return s.move(ctx, in.Name, running, "STARTING")
}

func (s *Service) stopPipe(ctx context.Context, _ *dispatch.Call, in *NameInput) (*PipeOutput, error) {
	return s.move(ctx, in.Name, stopped, "STOPPING")
}

func (s *Service) move(ctx context.Context, name, desired, during string) (*PipeOutput, error) {
	s.change.Lock()
	defer s.change.Unlock()
	p, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if p.State == desired {
		return s.changed(&p, p.State), nil
	}
	p.Settings.DesiredState, p.Modified = desired, s.now()
	if err := s.settle(ctx, &p, startFailed); err != nil {
		return nil, err
	}
	return s.changed(&p, during), nil
}

func (s *Service) listPipes(_ context.Context, _ *dispatch.Call, in *ListPipesInput) (*ListPipesOutput, error) {
	var v violations
	v.Number("limit", in.Limit, 1, 100)
	if err := v.Err(); err != nil {
		return nil, err
	}
	size := 100
	if in.Limit != nil {
		size = *in.Limit
	}
	after, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return nil, invalid("NextToken is not valid.")
	}
	out := &ListPipesOutput{Pipes: []Summary{}}
	for name, p := range s.pipes.All() {
		if name <= string(after) || !strings.HasPrefix(name, in.NamePrefix) || !strings.HasPrefix(p.Source, in.SourcePrefix) || !strings.HasPrefix(p.Settings.Target, in.TargetPrefix) ||
			in.DesiredState != "" && in.DesiredState != p.Settings.DesiredState || in.CurrentState != "" && in.CurrentState != p.State {
			continue
		}
		if n := len(out.Pipes); n == size {
			out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(out.Pipes[n-1].Name))
			break
		}
		out.Pipes = append(out.Pipes, Summary{Arn: s.arn(name), Name: name, DesiredState: p.Settings.DesiredState, CurrentState: p.State, StateReason: p.Reason, Source: p.Source,
			Target: p.Settings.Target, CreationTime: dispatch.Time{Time: p.Created}, LastModifiedTime: dispatch.Time{Time: p.Modified}})
	}
	return out, nil
}

// changeTags replaces the tags of a pipe by what f makes of a copy.
func (s *Service) changeTags(arn string, f func(map[string]string)) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	p, err := s.tagged(arn)
	if err != nil {
		return nil, err
	}
	tags := maps.Clone(p.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	f(tags)
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	p.Tags = tags
	return &Empty{}, s.pipes.Put(p.Name, p)
}

func (s *Service) tagged(arn string) (pipe, error) {
	name, ok := strings.CutPrefix(arn, s.arn(""))
	if !ok {
		return pipe{}, invalid("1 validation error detected: Value '%s' at 'resourceArn' failed to satisfy constraint: Member must be the ARN of a pipe", arn)
	}
	return s.find(name)
}

func (s *Service) tag(_ context.Context, _ *dispatch.Call, in *TagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) untag(_ context.Context, _ *dispatch.Call, in *UntagResourceInput) (*Empty, error) {
	return s.changeTags(in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

func (s *Service) listTags(_ context.Context, _ *dispatch.Call, in *ResourceInput) (*TagsOutput, error) {
	p, err := s.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &TagsOutput{Tags: maps.Clone(p.Tags)}
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out, nil
}

// try asks whether a pipe's role can be assumed, may read the queue and call the target, and whether both are there.
func (s *Service) try(ctx context.Context, p *pipe) error {
	role, err := s.assume(ctx, p)
	if err != nil {
		return fmt.Errorf("the role cannot be assumed: %s", dispatch.AsError(err).Message)
	}
	if err := s.reach(ctx, role, p.Source); err != nil {
		return fmt.Errorf("the source cannot be read: %s", dispatch.AsError(err).Message)
	}
	needs := []struct{ action, resource string }{{"sqs:ReceiveMessage", p.Source}, {"sqs:DeleteMessage", p.Source}, {p.targetAction(), p.Settings.Target}}
	for _, n := range needs {
		if err := s.d.Check(ctx, role, n.action, []string{n.resource}); err != nil {
			return fmt.Errorf("the role lacks a permission: %s", dispatch.AsError(err).Message)
		}
	}
	if err := s.seal(ctx, role, p); err != nil {
		return fmt.Errorf("the role cannot use the key: %s", dispatch.AsError(err).Message)
	}
	return nil
}

// seal has KMS encrypt and decrypt for a pipe with a customer-managed key, as its role. Under the key AWS keeps filters and input
// templates; events are never at rest in a pipe. See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-pipes-cmkey.html.
func (s *Service) seal(ctx context.Context, role dispatch.Principal, p *pipe) error {
	key := p.Settings.KmsKeyIdentifier
	if key == "" {
		return nil
	}
	if _, err := s.d.Do(ctx, role, "kms", "DescribeKey", &kms.KeyInput{KeyID: key}); err != nil {
		return err
	}
	under := map[string]string{"aws:pipes:arn": s.arn(p.Name)}
	data, err := dispatch.Do[kms.GenerateDataKeyOutput](ctx, s.d, role, "kms", "GenerateDataKey", &kms.GenerateDataKeyInput{KeyID: key, KeySpec: "AES_256", EncryptionContext: under})
	if err != nil {
		return err
	}
	_, err = s.d.Do(ctx, role, "kms", "Decrypt", &kms.DecryptInput{CiphertextBlob: data.CiphertextBlob, EncryptionContext: under})
	return err
}
