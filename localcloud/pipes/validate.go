package pipes

import (
	"regexp"
	"strings"

	"github.com/carepath/carepath/lang/eventpattern"
	"github.com/carepath/carepath/lang/inputtemplate"
	"github.com/carepath/carepath/localcloud/constraint"
	"github.com/carepath/carepath/localcloud/dispatch"
)

func invalid(format string, args ...any) error {
	return dispatch.Errorf("ValidationException", format, args...)
}

// violations are those of a request, by the constraints of EventBridge Pipes' model.
type violations struct{ constraint.Violations }

func (v *violations) text(path, text string, maximum int, form *regexp.Regexp) {
	v.Length(path, text, 0, maximum)
	if form != nil {
		v.Matching(path, text, form)
	}
}

var (
	nameForm = regexp.MustCompile(`^[\.\-_A-Za-z0-9]+$`)
	roleForm = regexp.MustCompile(`^arn:aws(-[a-z]+)?:iam::\d{12}:role/[\w+=,.@/-]+$`)
	arnForm  = regexp.MustCompile(`^arn:aws(-[a-z]+)?:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+$`)
)

// kind is what an ARN names.
type kind int

const (
	unknown kind = iota
	queue
	stateMachine
)

func kindOf(arn string) kind {
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case len(parts) < 6 || parts[0] != "arn" || parts[5] == "":
		return unknown
	case parts[2] == "sqs":
		return queue
	case parts[2] == "states" && strings.HasPrefix(parts[5], "stateMachine:"):
		return stateMachine
	}
	return unknown
}

// targetAction is what a pipe's role must be allowed on its target.
func (p *pipe) targetAction() string {
	switch {
	case kindOf(p.Settings.Target) == queue:
		return "sqs:SendMessage"
	case p.sync():
		return "states:StartSyncExecution"
	}
	return "states:StartExecution"
}

// sync reports whether a pipe waits for the end of the executions that it starts.
func (p *pipe) sync() bool {
	t := p.Settings.TargetParameters
	return t == nil || t.StepFunctionStateMachineParameters == nil || t.StepFunctionStateMachineParameters.InvocationType != "FIRE_AND_FORGET"
}

// template is a pipe's input template; empty if it has none.
func (p *pipe) template() string {
	if t := p.Settings.TargetParameters; t != nil && t.InputTemplate != nil {
		return *t.InputTemplate
	}
	return ""
}

// batching returns the size of a pipe's batches, and for how many seconds each waits for messages. The pipe is complete.
func (p *pipe) batching() (size, window int) {
	q := p.SourceParameters.SqsQueueParameters
	return *q.BatchSize, *q.MaximumBatchingWindowInSeconds
}

// complete fills in what AWS chooses, into copies.
func (p *pipe) complete() {
	if p.Settings.DesiredState == "" {
		p.Settings.DesiredState = running
	}
	sp, q := SourceParameters{}, SqsQueueParameters{}
	if p.SourceParameters != nil {
		sp = *p.SourceParameters
	}
	if sp.SqsQueueParameters != nil {
		q = *sp.SqsQueueParameters
	}
	if q.BatchSize == nil {
		ten := 10
		q.BatchSize = &ten
	}
	if q.MaximumBatchingWindowInSeconds == nil {
		q.MaximumBatchingWindowInSeconds = new(int)
	}
	sp.SqsQueueParameters, p.SourceParameters = &q, &sp
}

func (p *pipe) filters() []Filter {
	if p.SourceParameters.FilterCriteria == nil {
		return nil
	}
	return p.SourceParameters.FilterCriteria.Filters
}

// check refuses what AWS refuses, or the embedded AWS does not have, and fills in what AWS chooses.
func (s *Service) check(p *pipe) error {
	p.complete()
	set := &p.Settings
	var v violations
	v.text("name", p.Name, 64, nameForm)
	v.text("description", set.Description, 512, nil)
	v.text("roleArn", set.RoleArn, 1600, roleForm)
	v.text("source", p.Source, 1600, arnForm)
	v.text("target", set.Target, 1600, arnForm)
	if set.DesiredState != running && set.DesiredState != stopped {
		v.Add("desiredState", set.DesiredState, "satisfy enum value set: [RUNNING, STOPPED]")
	}
	q := p.SourceParameters.SqsQueueParameters
	v.Number("sourceParameters.sqsQueueParameters.batchSize", q.BatchSize, 1, 10000)
	v.Number("sourceParameters.sqsQueueParameters.maximumBatchingWindowInSeconds", q.MaximumBatchingWindowInSeconds, 0, 300)
	if len(p.filters()) > 5 {
		v.Add("sourceParameters.filterCriteria.filters", "", "have length less than or equal to 5")
	}
	v.text("targetParameters.inputTemplate", p.template(), 8192, nil)
	if t := set.TargetParameters; t != nil && t.StepFunctionStateMachineParameters != nil {
		if how := t.StepFunctionStateMachineParameters.InvocationType; how != "" && how != "REQUEST_RESPONSE" && how != "FIRE_AND_FORGET" {
			v.Add("targetParameters.stepFunctionStateMachineParameters.invocationType", how, "satisfy enum value set: [REQUEST_RESPONSE, FIRE_AND_FORGET]")
		}
	}
	if err := v.Err(); err != nil {
		return err
	}
	if err := checkTags(p.Tags); err != nil {
		return err
	}
	if err := s.checkEnds(p); err != nil {
		return err
	}
	if _, err := p.compile(); err != nil {
		return err
	}
	return nil
}

// checkEnds checks source and target, and whether their parameters are theirs.
func (s *Service) checkEnds(p *pipe) error {
	set := &p.Settings
	size, window := p.batching()
	source, target, fifo := kindOf(p.Source), kindOf(set.Target), strings.HasSuffix(set.Target, ".fifo")
	var ofQueue *TargetQueueParameters
	ofMachine := false
	if t := set.TargetParameters; t != nil {
		ofQueue, ofMachine = t.SqsQueueParameters, t.StepFunctionStateMachineParameters != nil
	}
	here := func(arn string) bool {
		parts := strings.SplitN(arn, ":", 6)
		return parts[3] == s.d.Region && parts[4] == s.d.Account
	}
	switch {
	case source != queue:
		return invalid("The embedded AWS does not emulate the source %s: the sources of its pipes are SQS queues.", p.Source)
	case target == unknown:
		return invalid("The embedded AWS does not emulate the target %s: the targets of its pipes are state machines and SQS queues.", set.Target)
	case !here(p.Source) || !here(set.Target):
		return invalid("The embedded AWS does not emulate pipes between regions or accounts.")
	case set.Enrichment != "":
		return invalid("The embedded AWS does not emulate the enrichment %s: its pipes have none.", set.Enrichment)
	case size > 10 && strings.HasSuffix(p.Source, ".fifo"):
		return invalid("BatchSize must not exceed 10 for FIFO queues.")
	case size > 10 && window == 0:
		return invalid("MaximumBatchingWindowInSeconds must be at least 1 when BatchSize is greater than 10.")
	case size > 10 && target == queue:
		return invalid("BatchSize must not exceed 10, the most that the target takes.")
	case ofMachine && target != stateMachine:
		return invalid("StepFunctionStateMachineParameters are not parameters of the target %s.", set.Target)
	case ofQueue != nil && target != queue:
		return invalid("SqsQueueParameters are not parameters of the target %s.", set.Target)
	case target == queue && fifo != (ofQueue != nil && ofQueue.MessageGroupID != ""):
		return invalid("A FIFO queue as target, and no other, needs a MessageGroupId.")
	}
	return nil
}

func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return invalid("A pipe has at most 50 tags.")
	}
	var v violations
	for key, value := range tags {
		if key == "" {
			v.Add("tags", "", "have keys of length greater than or equal to 1")
		}
		v.text("tags.key", key, 128, nil)
		v.text("tags.value", value, 256, nil)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("Tag keys must not begin with aws:.")
		}
	}
	return v.Err()
}

// compiled is what a pipe needs for every message.
type compiled struct {
	patterns []*eventpattern.Pattern
	template string
	paths    map[string]inputtemplate.Path // of the template's variables, by the variable
}

// compile reads a pipe's patterns and template.
func (p *pipe) compile() (*compiled, error) {
	c := &compiled{template: p.template(), paths: map[string]inputtemplate.Path{}}
	for i, f := range p.filters() {
		pattern, err := eventpattern.Compile(f.Pattern)
		if err != nil {
			return nil, invalid("Invalid filter pattern at sourceParameters.filterCriteria.filters.%d: %s", i+1, err)
		}
		c.patterns = append(c.patterns, pattern)
	}
	var problem error
	inputtemplate.Variables(c.template, func(name string) {
		if reserved[name] != nil || problem != nil {
			return
		}
		path, err := inputtemplate.ParsePath(name)
		if err != nil {
			problem = invalid("InputTemplate contains the invalid variable <%s>: %s.", name, err)
			return
		}
		c.paths[name] = path
	})
	return c, problem
}
