package provider

import (
	"context"
)

func sfnTypes() []*resourceType { return []*resourceType{stateMachineType()} }

func stateMachineType() *resourceType {
	r := &resourceType{
		token: "aws:sfn/stateMachine:StateMachine",
		properties: append(tagProperties(),
			text("arn").output(), text("creationDate").output(),
			text("definition").needed().length(0, 1<<20), // text, not JSON: AWS keeps it as it is written
			text("description").output(),
			object("encryptionConfiguration", integer("kmsDataKeyReusePeriodSeconds").between(60, 900).orChosen(), text("kmsKeyId"),
				text("type").oneOf("AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY").defaults("AWS_OWNED_KEY")).orChosen(),
			object("loggingConfiguration", boolean("includeExecutionData"), text("level").oneOf("ALL", "ERROR", "FATAL", "OFF"), text("logDestination")).orChosen(),
			text("name").orChosen().replaces().length(1, 80).matching(`^[0-9A-Za-z_-]+$`, "letters, digits, hyphens and underscores").against("namePrefix"),
			text("namePrefix").kept().replaces().length(0, 80-26).matching(`^[0-9A-Za-z_-]+$`, "letters, digits, hyphens and underscores"),
			boolean("publish").kept().defaults(false).onlyAs(false, "versions of state machines are not emulated"),
			text("revisionId").output().changesWith("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration"),
			text("roleArn").needed().checked(isARN),
			text("stateMachineVersionArn").output(), text("status").output(),
			object("tracingConfiguration", boolean("enabled")).orChosen(),
			text("type").replaces().defaults("STANDARD").oneOf("STANDARD", "EXPRESS"),
			text("versionDescription").output(),
		),
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 80},
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{}, "name", "name", "definition", "definition", "roleArn", "roleArn", "type", "type", "tracingConfiguration", "tracingConfiguration",
			"encryptionConfiguration", "encryptionConfiguration")
		if tags := tagList(in["tagsAll"], "key", "value"); len(tags) > 0 {
			req["tags"] = tags
		}
		if l := in.object("loggingConfiguration"); l != nil {
			req["loggingConfiguration"] = loggingConfiguration(l)
		}
		out, err := c.do(ctx, "states", "CreateStateMachine", req)
		return out.text("stateMachineArn"), err
	}
	r.read = readStateMachine
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration") {
			req := ch.wanted.copied(props{"stateMachineArn": ch.id}, "definition", "definition", "roleArn", "roleArn")
			if ch.of("loggingConfiguration") {
				req["loggingConfiguration"] = loggingConfiguration(ch.wanted.object("loggingConfiguration"))
			}
			for _, name := range []string{"tracingConfiguration", "encryptionConfiguration"} {
				if ch.of(name) {
					req[name] = ch.wanted[name]
				}
			}
			if _, err := c.do(ctx, "states", "UpdateStateMachine", req); err != nil {
				return err
			}
		}
		return ch.retag(ctx, c, "states", "resourceArn", ch.id, "tagKeys", "tags", func(tags any) []any { return tagList(tags, "key", "value") })
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "states", "DeleteStateMachine", props{"stateMachineArn": id})
		return err
	}
	return r
}

func loggingConfiguration(in props) props {
	out := in.copied(props{"includeExecutionData": in.boolean("includeExecutionData")}, "level", "level")
	if destination := in.text("logDestination"); destination != "" {
		out["destinations"] = []any{props{"cloudWatchLogsLogGroup": props{"logGroupArn": destination}}}
	}
	return out
}

func readStateMachine(ctx context.Context, c *call, id string, _ props) (props, error) {
	m, err := c.do(ctx, "states", "DescribeStateMachine", props{"stateMachineArn": id})
	if err != nil {
		return nil, err
	}
	tags, err := c.do(ctx, "states", "ListTagsForResource", props{"resourceArn": id})
	if err != nil {
		return nil, err
	}
	live := m.copied(props{"arn": id, "creationDate": date(m["creationDate"]), "tagsAll": tagMap(tags.objects("tags"), "key", "value")},
		"name", "name", "status", "status", "definition", "definition", "roleArn", "roleArn", "type", "type", "revisionId", "revisionId", "description", "description")
	logging := map[string]any{"level": "OFF", "includeExecutionData": false}
	if l := m.object("loggingConfiguration"); l != nil {
		logging = map[string]any{"level": l.text("level"), "includeExecutionData": l.boolean("includeExecutionData")}
		if d := l.objects("destinations"); len(d) > 0 {
			logging["logDestination"] = d[0].object("cloudWatchLogsLogGroup")["logGroupArn"]
		}
	}
	live["loggingConfiguration"] = logging
	live["tracingConfiguration"] = map[string]any{"enabled": m.object("tracingConfiguration").boolean("enabled")}
	encryption := map[string]any{"type": "AWS_OWNED_KEY"}
	if e := m.object("encryptionConfiguration"); e != nil {
		encryption = e.copied(props{}, "type", "type", "kmsKeyId", "kmsKeyId", "kmsDataKeyReusePeriodSeconds", "kmsDataKeyReusePeriodSeconds")
	}
	live["encryptionConfiguration"] = encryption
	return live, nil
}
