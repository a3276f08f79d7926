package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/carepath/carepath/lang/inputtemplate"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// kind is what a target's ARN names.
type kind int

const (
	unknown kind = iota
	queue
	stateMachine
	function
	logGroup
	eventBus
)

func kindOf(arn string) kind {
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case len(parts) < 6 || parts[0] != "arn" || parts[1] != "aws" || parts[5] == "":
		return unknown
	case parts[2] == "sqs":
		return queue
	case parts[2] == "states" && strings.HasPrefix(parts[5], "stateMachine:"):
		return stateMachine
	case parts[2] == "lambda" && strings.HasPrefix(parts[5], "function:"):
		return function
	case parts[2] == "logs" && strings.HasPrefix(parts[5], "log-group:"):
		return logGroup
	case parts[2] == "events" && strings.HasPrefix(parts[5], "event-bus/"):
		return eventBus
	}
	return unknown
}

func (p *problems) target(member string, t *Target) {
	p.text(member+"id", t.ID, 1, 64, targetIDs)
	p.text(member+"arn", t.Arn, 1, 1600, nil)
	p.text(member+"input", t.Input, 0, 8192, nil)
	p.text(member+"inputPath", t.InputPath, 0, 256, nil)
	if t.RoleArn != "" {
		p.text(member+"roleArn", t.RoleArn, 1, 1600, roleForm)
	}
	if x := t.InputTransformer; x != nil {
		p.text(member+"inputTransformer.inputTemplate", x.InputTemplate, 1, 8192, nil)
		if len(x.InputPathsMap) > 100 {
			p.add(member+"inputTransformer.inputPathsMap", "", "have length less than or equal to 100")
		}
	}
	if r := t.RetryPolicy; r != nil {
		p.number(member+"retryPolicy.maximumRetryAttempts", r.MaximumRetryAttempts, 0, 185)
		p.number(member+"retryPolicy.maximumEventAgeInSeconds", r.MaximumEventAgeInSeconds, 60, 86400)
	}
	if q := t.SqsParameters; q != nil {
		p.text(member+"sqsParameters.messageGroupId", q.MessageGroupID, 1, 100, nil)
	}
	if dl := t.DeadLetterConfig; dl != nil && dl.Arn != "" {
		p.text(member+"deadLetterConfig.arn", dl.Arn, 1, 1600, nil)
	}
}

// checkTarget refuses what AWS refuses, or the embedded AWS does not have.
func (s *Service) checkTarget(r *rule, t *Target) error {
	inputs := 0
	for _, given := range []bool{t.Input != "", t.InputPath != "", t.InputTransformer != nil} {
		if given {
			inputs++
		}
	}
	what, arn := kindOf(t.Arn), strings.SplitN(t.Arn, ":", 6)
	fifo := what == queue && strings.HasSuffix(t.Arn, ".fifo")
	switch {
	case len(arn) < 6 || arn[0] != "arn":
		return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	case what == unknown:
		return invalid("The embedded AWS does not emulate the target %s: it has queues, state machines, functions, log groups and event buses.", t.Arn)
	case arn[3] != s.d.Region || arn[4] != s.d.Account:
		return invalid("The embedded AWS does not emulate targets of another region or account: %s.", t.Arn)
	case inputs > 1:
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.ID)
	case t.Input != "" && !json.Valid([]byte(t.Input)):
		return invalid("JSON syntax error in input for target %s.", t.ID)
	case fifo && t.SqsParameters == nil:
		return invalid("Parameter(s) SqsParameters must be specified for target: %s.", t.ID)
	case t.SqsParameters != nil && what != queue:
		return invalid("Parameter(s) SqsParameters are not valid for target: %s.", t.ID)
	case what == stateMachine && t.RoleArn == "" && r.Role == "":
		return invalid("RoleArn is required for target %s.", t.Arn)
	case what == eventBus && s.busName(t.Arn) == r.Bus:
		return invalid("Event bus %s can't be a target of its own rule.", r.Bus)
	case what == eventBus && (t.Input != "" || t.InputPath != "" || t.InputTransformer != nil):
		return invalid("The embedded AWS forwards events to another bus as they are: Input, InputPath and InputTransformer are not emulated for target %s.", t.ID)
	case t.DeadLetterConfig != nil && t.DeadLetterConfig.Arn != "" && (!queueForm.MatchString(t.DeadLetterConfig.Arn) || strings.HasSuffix(t.DeadLetterConfig.Arn, ".fifo")):
		return invalid("Invalid dead-letter queue %s for target %s: it must be the ARN of a standard SQS queue.", t.DeadLetterConfig.Arn, t.ID)
	}
	if t.InputPath != "" {
		if _, err := inputtemplate.ParsePath(t.InputPath); err != nil {
			return invalid("InputPath for target %s is invalid.", t.ID)
		}
	}
	return checkTransformer(t)
}

func (s *Service) putTargets(ctx context.Context, c *dispatch.Call, in *PutTargetsInput) (*PutTargetsOutput, error) {
	var p problems
	if len(in.Targets) == 0 {
		p.add("targets", "", "have length greater than or equal to 1")
	}
	if len(in.Targets) > 100 {
		p.add("targets", "", "have length less than or equal to 100")
	}
	for i := range in.Targets {
		p.target(fmt.Sprintf("targets.%d.member.", i+1), &in.Targets[i])
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		if err := s.mayPass(ctx, c, t.RoleArn); err != nil {
			return nil, err
		}
	}
	out := &PutTargetsOutput{FailedEntries: []TargetFailure{}}
	_, err := s.changeRule(s.keyOf(in.EventBusName, in.Rule), func(r *rule) error {
		targets := slices.Clone(r.Targets)
		for _, t := range in.Targets {
			if err := s.checkTarget(r, &t); err != nil {
				return err
			}
			if i := slices.IndexFunc(targets, func(known Target) bool { return known.ID == t.ID }); i >= 0 {
				targets[i] = t
				continue
			}
			if targets = append(targets, t); len(targets) > targetsPerRule {
				return dispatch.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
			}
		}
		r.Targets = targets
		return nil
	})
	return out, err
}

func (s *Service) removeTargets(_ context.Context, _ *dispatch.Call, in *RemoveTargetsInput) (*PutTargetsOutput, error) {
	if len(in.IDs) == 0 || len(in.IDs) > 100 {
		var p problems
		p.add("ids", "", "have length between 1 and 100")
		return nil, p.err()
	}
	out := &PutTargetsOutput{FailedEntries: []TargetFailure{}}
	_, err := s.changeRule(s.keyOf(in.EventBusName, in.Rule), func(r *rule) error {
		for _, id := range in.IDs {
			if r.target(id) == nil {
				out.FailedEntries = append(out.FailedEntries, TargetFailure{id, "ResourceNotFoundException",
					"Rule " + r.Name + " does not have a target with the Id " + id + "."})
				continue
			}
			r.Targets = slices.DeleteFunc(slices.Clone(r.Targets), func(t Target) bool { return t.ID == id })
		}
		out.FailedEntryCount = len(out.FailedEntries)
		return nil
	})
	return out, err
}

func (s *Service) listTargets(_ context.Context, _ *dispatch.Call, in *ListTargetsByRuleInput) (*ListTargetsByRuleOutput, error) {
	r, err := s.findRule(s.keyOf(in.EventBusName, in.Rule))
	if err != nil {
		return nil, err
	}
	page, err := newPager(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ListTargetsByRuleOutput{Targets: []Target{}}
	sorted := slices.SortedFunc(slices.Values(r.Targets), func(a, b Target) int { return strings.Compare(a.ID, b.ID) })
	for _, t := range sorted {
		wanted, done := page.take(t.ID)
		if done {
			break
		}
		if wanted {
			out.Targets = append(out.Targets, t)
		}
	}
	out.NextToken = page.next
	return out, nil
}
