package provider

import (
	"context"
	"fmt"
)

func pipesTypes() []*resourceType { return []*resourceType{pipeType()} }

func pipeType() *resourceType {
	const (
		notASource = "the sources of pipes are SQS queues"
		notATarget = "the targets of pipes are state machines and SQS queues"
		noStage    = "pipes have no enrichments"
	)
	refused := func(why string, names ...string) []*property {
		all := make([]*property, len(names))
		for i, name := range names {
			all[i] = object(name).refused(why)
		}
		return all
	}
	const nameForm, nameSays = `^[.\-_A-Za-z0-9]+$`, "letters, digits, dots, hyphens and underscores"
	r := &resourceType{
		token: "aws:pipes/pipe:Pipe",
		properties: append(tagProperties(),
			text("arn").output(),
			text("description").defaults("Managed by Pulumi").length(0, 512),
			text("desiredState").defaults("RUNNING").oneOf("RUNNING", "STOPPED"),
			text("enrichment").refused(noStage),
			object("enrichmentParameters").refused(noStage),
			text("kmsKeyIdentifier"),
			object("logConfiguration").refused("pipes write no logs"),
			text("name").orChosen().replaces().length(1, 64).matching(nameForm, nameSays).against("namePrefix"),
			text("namePrefix").kept().replaces().length(0, 64-26).matching(nameForm, nameSays),
			text("roleArn").needed().checked(isARN),
			text("source").needed().replaces().checked(isARN),
			object("sourceParameters", append(refused(notASource, "activemqBrokerParameters", "dynamodbStreamParameters", "kinesisStreamParameters",
				"managedStreamingKafkaParameters", "rabbitmqBrokerParameters", "selfManagedKafkaParameters"),
				object("filterCriteria", list("filters", object("", text("pattern").needed().length(1, 4096))).length(0, 5)),
				object("sqsQueueParameters", integer("batchSize").orChosen().between(1, 10000), integer("maximumBatchingWindowInSeconds").orChosen().between(0, 300)).orChosen(),
			)...).orChosen(),
			text("target").needed().checked(isARN),
			object("targetParameters", append(refused(notATarget, "batchJobParameters", "cloudwatchLogsParameters", "ecsTaskParameters", "eventbridgeEventBusParameters",
				"httpParameters", "kinesisStreamParameters", "lambdaFunctionParameters", "redshiftDataParameters", "sagemakerPipelineParameters"),
				text("inputTemplate").length(0, 8192),
				object("sqsQueueParameters", text("messageDeduplicationId").length(0, 100), text("messageGroupId").length(0, 100)),
				object("stepFunctionStateMachineParameters", text("invocationType").needed().oneOf("REQUEST_RESPONSE", "FIRE_AND_FORGET")),
			)...),
		),
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 64},
		read:   readPipe,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := pipeRequest(in)
		in.copied(req, "source", "Source")
		req["Tags"] = in["tagsAll"]
		if _, err := c.do(ctx, "pipes", "CreatePipe", req); err != nil {
			return "", err
		}
		id := in.text("name")
		return id, running(ctx, c, id)
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("description", "desiredState", "kmsKeyIdentifier", "roleArn", "sourceParameters", "target", "targetParameters") {
			req := pipeRequest(ch.wanted)
			if source := asObject(req["SourceParameters"]); source != nil && !source.has("FilterCriteria") {
				source["FilterCriteria"] = props{} // so that filters go that are not wanted any more
			}
			if target := asObject(req["TargetParameters"]); !target.has("InputTemplate") { // or the template stays
				req["TargetParameters"] = target.copied(props{"InputTemplate": ""}, "SqsQueueParameters", "SqsQueueParameters",
					"StepFunctionStateMachineParameters", "StepFunctionStateMachineParameters")
			}
			if _, err := c.do(ctx, "pipes", "UpdatePipe", req); err != nil {
				return err
			}
			if err := running(ctx, c, ch.id); err != nil {
				return err
			}
		}
		return ch.retag(ctx, c, "pipes", "resourceArn", ch.old["arn"], "tagKeys", "tags", nil)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "pipes", "DeletePipe", props{"Name": id})
		return err
	}
	return r
}

// running says why a pipe is neither running nor stopped.
func running(ctx context.Context, c *call, name string) error {
	out, err := c.do(ctx, "pipes", "DescribePipe", props{"Name": name})
	if err != nil {
		return err
	}
	if state := out.text("CurrentState"); state != "RUNNING" && state != "STOPPED" {
		return fmt.Errorf("the pipe %s is %s: %s", name, state, out.text("StateReason"))
	}
	return nil
}

// What a pipe's objects are called in the API.
var (
	pipeMembers = []string{"name", "Name", "description", "Description", "desiredState", "DesiredState", "roleArn", "RoleArn", "target", "Target",
		"kmsKeyIdentifier", "KmsKeyIdentifier"}
	batchMembers      = []string{"batchSize", "BatchSize", "maximumBatchingWindowInSeconds", "MaximumBatchingWindowInSeconds"}
	pipeQueueMembers  = []string{"messageDeduplicationId", "MessageDeduplicationId", "messageGroupId", "MessageGroupId"}
	invocationMembers = []string{"invocationType", "InvocationType"}
)

func pipeRequest(in props) props {
	req := in.copied(props{}, pipeMembers...)
	if source := in.object("sourceParameters"); source != nil {
		to := props{}
		if f := source.object("filterCriteria"); f != nil {
			filters := []any{}
			for _, filter := range f.objects("filters") {
				filters = append(filters, filter.copied(props{}, "pattern", "Pattern"))
			}
			to["FilterCriteria"] = props{"Filters": filters}
		}
		if q := source.object("sqsQueueParameters"); q != nil {
			to["SqsQueueParameters"] = q.copied(props{}, batchMembers...)
		}
		req["SourceParameters"] = to
	}
	if target := in.object("targetParameters"); target != nil {
		to := target.copied(props{}, "inputTemplate", "InputTemplate")
		if q := target.object("sqsQueueParameters"); q != nil {
			to["SqsQueueParameters"] = q.copied(props{}, pipeQueueMembers...)
		}
		if m := target.object("stepFunctionStateMachineParameters"); m != nil {
			to["StepFunctionStateMachineParameters"] = m.copied(props{}, invocationMembers...)
		}
		req["TargetParameters"] = to
	}
	return req
}

func readPipe(ctx context.Context, c *call, id string, _ props) (props, error) {
	out, err := c.do(ctx, "pipes", "DescribePipe", props{"Name": id})
	if err != nil {
		return nil, err
	}
	live := out.copied(props{"arn": out["Arn"], "tagsAll": out["Tags"]}, "Source", "source")
	out.copied(live, reversed(pipeMembers)...)
	from, source := out.object("SourceParameters"), map[string]any{}
	if f := from.object("FilterCriteria"); len(f.objects("Filters")) > 0 {
		filters := []any{}
		for _, filter := range f.objects("Filters") {
			filters = append(filters, map[string]any(filter.copied(props{}, "Pattern", "pattern")))
		}
		source["filterCriteria"] = map[string]any{"filters": filters}
	}
	source["sqsQueueParameters"] = map[string]any(from.object("SqsQueueParameters").copied(props{}, reversed(batchMembers)...))
	live["sourceParameters"] = source
	if t := out.object("TargetParameters"); t != nil {
		target := map[string]any{}
		if template := t.text("InputTemplate"); template != "" {
			target["inputTemplate"] = template
		}
		if q := t.object("SqsQueueParameters"); q != nil {
			target["sqsQueueParameters"] = map[string]any(q.copied(props{}, reversed(pipeQueueMembers)...))
		}
		if m := t.object("StepFunctionStateMachineParameters"); m != nil {
			target["stepFunctionStateMachineParameters"] = map[string]any(m.copied(props{}, reversed(invocationMembers)...))
		}
		if len(target) > 0 {
			live["targetParameters"] = target
		}
	}
	return live, nil
}
