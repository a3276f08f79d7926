package provider

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
)

func eventsTypes() []*resourceType {
	return []*resourceType{eventBusType(), eventBusPolicyType(), eventRuleType(), eventTargetType(), eventArchiveType()}
}

const eventsName, eventsNameSays = `^[0-9A-Za-z_.-]+$`, "letters, digits, dots, hyphens and underscores"

// onBus is the property that names the bus of a rule, target or policy: by its name or ARN.
func onBus() *property {
	return text("eventBusName").defaults("default").replaces().length(1, 1600).matching(`^(arn:aws[\w-]*:events:[a-z0-9-]+:\d{12}:event-bus/)?[/.\-_A-Za-z0-9]+$`, "the name or the ARN of an event bus")
}

// deadLetters is the property that names a dead-letter queue.
func deadLetters() *property {
	return object("deadLetterConfig", text("arn").checked(isARN))
}

// putDeadLetters gives a request its dead-letter queue.
func putDeadLetters(req, in props) props {
	if dl := in.object("deadLetterConfig"); dl != nil {
		req["DeadLetterConfig"] = dl.copied(props{}, "arn", "Arn")
	}
	return req
}

func readDeadLetters(live, out props) props {
	if dl := out.object("DeadLetterConfig"); dl.has("Arn") {
		live["deadLetterConfig"] = map[string]any{"arn": dl["Arn"]}
	}
	return live
}

// eventTags reads the tags of a bus or rule.
func eventTags(ctx context.Context, c *call, arn any) (any, error) {
	out, err := c.do(ctx, "events", "ListTagsForResource", props{"ResourceARN": arn})
	if err != nil {
		return nil, err
	}
	return tagMap(out.objects("Tags"), "Key", "Value"), nil
}

func retagEvents(ctx context.Context, c *call, ch *change) error {
	return ch.retag(ctx, c, "events", "ResourceARN", ch.old["arn"], "TagKeys", "Tags", func(tags any) []any { return tagList(tags, "Key", "Value") })
}

// withTags gives the request that makes a bus or rule its tags.
func withTags(req, in props) props {
	if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
		req["Tags"] = tags
	}
	return req
}

func eventBusType() *resourceType {
	r := &resourceType{
		token: "aws:cloudwatch/eventBus:EventBus",
		properties: append(tagProperties(),
			text("arn").output(), deadLetters(), text("description").length(0, 512),
			text("eventSourceName").replaces().refused("partner event sources are not emulated"),
			text("kmsKeyIdentifier").length(1, 2048),
			text("name").orChosen().replaces().length(1, 256).matching(eventsName, eventsNameSays),
		),
		naming: &naming{property: "name", maxLength: 256},
	}
	settings := []string{"name", "Name", "description", "Description", "kmsKeyIdentifier", "KmsKeyIdentifier"}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		_, err := c.do(ctx, "events", "CreateEventBus", putDeadLetters(withTags(in.copied(props{}, settings...), in), in))
		return in.text("name"), err
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		out, err := c.do(ctx, "events", "DescribeEventBus", props{"Name": id})
		if err != nil {
			return nil, err
		}
		live := readDeadLetters(out.copied(props{"arn": out["Arn"]}, reversed(settings)...), out)
		live["tagsAll"], err = eventTags(ctx, c, out["Arn"])
		return live, err
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("description", "kmsKeyIdentifier", "deadLetterConfig") {
			if _, err := c.do(ctx, "events", "UpdateEventBus", putDeadLetters(ch.wanted.copied(props{}, settings...), ch.wanted)); err != nil {
				return err
			}
		}
		return retagEvents(ctx, c, ch)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "events", "DeleteEventBus", props{"Name": id})
		return err
	}
	return r
}

func eventBusPolicyType() *resourceType {
	put := func(ctx context.Context, c *call, in props) error {
		_, err := c.do(ctx, "events", "PutPermission", in.copied(props{}, "eventBusName", "EventBusName", "policy", "Policy"))
		return err
	}
	return &resourceType{
		token:      "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
		properties: []*property{onBus(), policyText("policy").needed()},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			return in.text("eventBusName"), put(ctx, c, in)
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			out, err := c.do(ctx, "events", "DescribeEventBus", props{"Name": id})
			if err != nil || !out.has("Policy") {
				return nil, err
			}
			return props{"eventBusName": id, "policy": out["Policy"]}, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error { return put(ctx, c, ch.wanted) },
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "events", "RemovePermission", props{"EventBusName": id, "RemoveAllPermissions": true})
			return err
		},
	}
}

// ruleMembers are a rule's properties that are single values, and the API's names of them.
var ruleMembers = []string{"name", "Name", "description", "Description", "eventPattern", "EventPattern", "scheduleExpression", "ScheduleExpression",
	"roleArn", "RoleArn", "state", "State"}

func eventRuleType() *resourceType {
	r := &resourceType{
		token: "aws:cloudwatch/eventRule:EventRule",
		properties: append(tagProperties(),
			text("arn").output(), text("description").length(0, 512), onBus(), jsonText("eventPattern").length(0, 4096),
			boolean("forceDestroy").kept().defaults(false),
			boolean("isEnabled").orChosen().against("state"),
			text("name").orChosen().replaces().length(1, 64).matching(eventsName, eventsNameSays).against("namePrefix"),
			text("namePrefix").kept().replaces().length(1, 64-26).matching(eventsName, eventsNameSays),
			text("roleArn").checked(isARN), text("scheduleExpression").length(0, 256),
			text("state").orChosen().oneOf("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS").against("isEnabled"),
		),
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 64},
		check: func(in props) []failure {
			if !in.has("eventPattern") && !in.has("scheduleExpression") {
				return []failure{{"eventPattern", "one of `eventPattern,scheduleExpression` must be specified"}}
			}
			return nil
		},
	}
	put := func(ctx context.Context, c *call, in props, byFlag bool, more props) error {
		req := in.copied(more, ruleMembers...)
		req["EventBusName"] = in["eventBusName"]
		if byFlag && in.has("isEnabled") {
			req["State"] = "DISABLED"
			if in.boolean("isEnabled") {
				req["State"] = "ENABLED"
			}
		}
		_, err := c.do(ctx, "events", "PutRule", req)
		return err
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		if err := put(ctx, c, in, true, withTags(props{}, in)); err != nil {
			return "", err
		}
		if bus := in.text("eventBusName"); bus != "default" {
			return bus + "/" + in.text("name"), nil
		}
		return in.text("name"), nil
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		bus, name := splitRuleID(id)
		out, err := c.do(ctx, "events", "DescribeRule", props{"EventBusName": bus, "Name": name})
		if err != nil {
			return nil, err
		}
		live := out.copied(props{"arn": out["Arn"], "eventBusName": bus, "isEnabled": out.text("State") == "ENABLED"}, reversed(ruleMembers)...)
		live["tagsAll"], err = eventTags(ctx, c, out["Arn"])
		return live, err
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if err := put(ctx, c, ch.wanted, ch.of("isEnabled"), props{}); err != nil {
			return err
		}
		return retagEvents(ctx, c, ch)
	}
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		bus, name := splitRuleID(id)
		_, err := c.do(ctx, "events", "DeleteRule", props{"EventBusName": bus, "Name": name, "Force": state.boolean("forceDestroy")})
		return err
	}
	return r
}

// splitRuleID reads the id of a rule: its name, with the bus and a slash before it unless that is the default one.
func splitRuleID(id string) (bus, name string) {
	if i := strings.LastIndexByte(id, '/'); i >= 0 {
		return id[:i], id[i+1:]
	}
	return "default", id
}

// targetMembers are a target's properties that are single values, and the API's names of them.
var eventTargetMembers = []string{"targetId", "Id", "arn", "Arn", "roleArn", "RoleArn", "input", "Input", "inputPath", "InputPath"}

// eventTargetParts are the objects in a target, with their members.
var eventTargetParts = []struct {
	property, member string
	members          []string
}{
	{"deadLetterConfig", "DeadLetterConfig", []string{"arn", "Arn"}},
	{"inputTransformer", "InputTransformer", []string{"inputPaths", "InputPathsMap", "inputTemplate", "InputTemplate"}},
	{"retryPolicy", "RetryPolicy", []string{"maximumEventAgeInSeconds", "MaximumEventAgeInSeconds", "maximumRetryAttempts", "MaximumRetryAttempts"}},
	{"sqsTarget", "SqsParameters", []string{"messageGroupId", "MessageGroupId"}},
}

func eventTargetType() *resourceType {
	const notATarget = "targets are queues, state machines, functions, log groups and event buses"
	r := &resourceType{
		token: "aws:cloudwatch/eventTarget:EventTarget",
		properties: []*property{
			object("appsyncTarget", text("graphqlOperation")).refused(notATarget),
			text("arn").needed().checked(isARN),
			object("batchTarget", integer("arraySize"), integer("jobAttempts"), text("jobDefinition").needed(), text("jobName").needed()).refused(notATarget),
			deadLetters(),
			object("ecsTarget",
				list("capacityProviderStrategies", object("", integer("base"), text("capacityProvider").needed(), integer("weight"))),
				boolean("enableEcsManagedTags"), boolean("enableExecuteCommand"), text("group"), text("launchType"),
				object("networkConfiguration", boolean("assignPublicIp"), list("securityGroups", text("")), list("subnets", text("")).needed()),
				list("orderedPlacementStrategies", object("", text("field"), text("type").needed())),
				list("placementConstraints", object("", text("expression"), text("type").needed())),
				text("platformVersion"), text("propagateTags"), stringMap("tags"), integer("taskCount"), text("taskDefinitionArn").needed()).refused(notATarget),
			onBus(), boolean("forceDestroy").kept().defaults(false),
			object("httpTarget", stringMap("headerParameters"), list("pathParameterValues", text("")), stringMap("queryStringParameters")).refused(notATarget),
			text("input").length(0, 8192).against("inputPath", "inputTransformer"),
			text("inputPath").length(0, 256).against("input", "inputTransformer"),
			object("inputTransformer", stringMap("inputPaths"), text("inputTemplate").needed().length(1, 8192)).against("input", "inputPath"),
			object("kinesisTarget", text("partitionKeyPath")).refused(notATarget),
			object("redshiftTarget", text("database").needed(), text("dbUser"), text("secretsManagerArn"), text("sql"), text("statementName"), boolean("withEvent")).refused(notATarget),
			// pulumi-aws sends 0 for the one that is not given, which EventBridge refuses for the age.
			object("retryPolicy", integer("maximumEventAgeInSeconds").between(60, 86400), integer("maximumRetryAttempts").between(0, 185)),
			text("roleArn").checked(isARN),
			text("rule").needed().replaces().length(1, 64),
			list("runCommandTargets", object("", text("key").needed(), list("values", text("")).needed())).refused(notATarget),
			object("sagemakerPipelineTarget", list("pipelineParameterLists", object("", text("name").needed(), text("value").needed()))).refused(notATarget),
			object("sqsTarget", text("messageGroupId")),
			text("targetId").orChosen().replaces().length(1, 64).matching(eventsName, eventsNameSays),
		},
	}
	put := func(ctx context.Context, c *call, in props) error {
		target := in.copied(props{}, eventTargetMembers...)
		for _, part := range eventTargetParts {
			if p := in.object(part.property); p != nil {
				target[part.member] = p.copied(props{}, part.members...)
			}
		}
		if policy := in.object("retryPolicy"); policy != nil {
			target["RetryPolicy"] = props{"MaximumEventAgeInSeconds": policy.number("maximumEventAgeInSeconds"), "MaximumRetryAttempts": policy.number("maximumRetryAttempts")}
		}
		out, err := c.do(ctx, "events", "PutTargets", props{"Rule": in["rule"], "EventBusName": in["eventBusName"], "Targets": []any{target}})
		if err != nil {
			return err
		}
		return failedTargets(out)
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		if !in.has("targetId") {
			in["targetId"] = "terraform-" + c.d.Clock.Now().UTC().Format("20060102150405") + randomHex()
		}
		if err := put(ctx, c, in); err != nil {
			return "", err
		}
		id := in.text("rule") + "-" + in.text("targetId")
		if bus := in.text("eventBusName"); bus != "default" {
			id = bus + "-" + id
		}
		return id, nil
	}
	r.read = readEventTarget
	r.update = func(ctx context.Context, c *call, ch *change) error { return put(ctx, c, ch.wanted) }
	r.remove = func(ctx context.Context, c *call, _ string, state props) error {
		out, err := c.do(ctx, "events", "RemoveTargets", props{"Rule": state["rule"], "EventBusName": state["eventBusName"], "Ids": []any{state["targetId"]}})
		if err != nil {
			return err
		}
		return failedTargets(out)
	}
	return r
}

// failedTargets is the error of an answer that says that a target failed.
func failedTargets(out props) error {
	for _, f := range out.objects("FailedEntries") {
		return errors.New(f.text("ErrorCode") + ": " + f.text("ErrorMessage"))
	}
	return nil
}

func randomHex() string {
	var b [6]byte
	rand.Read(b[:]) // never fails, by its contract
	return hex.EncodeToString(b[:])
}

func readEventTarget(ctx context.Context, c *call, id string, state props) (props, error) {
	bus, rule, target := state.text("eventBusName"), state.text("rule"), state.text("targetId")
	if rule == "" { // an import, by bus/rule/target
		i := strings.LastIndexByte(id, '/')
		if i < 0 {
			return nil, errors.New("unexpected format of ID (" + id + "), expected rule-name/target-id or event-bus-name/rule-name/target-id")
		}
		bus, rule = splitRuleID(id[:i])
		target = id[i+1:]
	}
	all, err := c.all(ctx, "events", "ListTargetsByRule", props{"Rule": rule, "EventBusName": bus}, "Targets", "NextToken", "NextToken")
	if err != nil {
		return nil, err
	}
	for _, out := range all {
		if out.text("Id") != target {
			continue
		}
		live := out.copied(props{"rule": rule, "eventBusName": bus}, reversed(eventTargetMembers)...)
		for _, part := range eventTargetParts {
			if p := out.object(part.member); p != nil {
				live[part.property] = map[string]any(p.copied(props{}, reversed(part.members)...))
			}
		}
		return live, nil
	}
	return nil, nil
}

func eventArchiveType() *resourceType {
	r := &resourceType{
		token: "aws:cloudwatch/eventArchive:EventArchive",
		properties: []*property{
			text("arn").output(), text("description").length(0, 512), jsonText("eventPattern").length(0, 4096),
			text("eventSourceArn").needed().replaces().checked(isARN),
			text("name").orChosen().replaces().length(1, 48).matching(eventsName, eventsNameSays),
			integer("retentionDays").between(0, 1<<31-1),
		},
		naming: &naming{property: "name", maxLength: 48},
	}
	members := []string{"name", "ArchiveName", "description", "Description", "eventPattern", "EventPattern", "retentionDays", "RetentionDays", "eventSourceArn", "EventSourceArn"}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		_, err := c.do(ctx, "events", "CreateArchive", in.copied(props{}, members...))
		return in.text("name"), err
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		out, err := c.do(ctx, "events", "DescribeArchive", props{"ArchiveName": id})
		if err != nil {
			return nil, err
		}
		return out.copied(props{"arn": out["ArchiveArn"]}, reversed(members)...), nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		req := props{"ArchiveName": ch.id, "Description": ch.wanted.text("description"), "EventPattern": ch.wanted.text("eventPattern"), "RetentionDays": ch.wanted.number("retentionDays")}
		_, err := c.do(ctx, "events", "UpdateArchive", req)
		return err
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "events", "DeleteArchive", props{"ArchiveName": id})
		return err
	}
	return r
}
