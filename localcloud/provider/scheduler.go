package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

func schedulerTypes() []*resourceType { return []*resourceType{scheduleType(), scheduleGroupType()} }

const schedulerName, schedulerNameSays = `^[0-9A-Za-z_.-]+$`, "letters, digits, dots, hyphens and underscores"

// schedulerNaming names schedules and their groups, whose names are properties of the same form.
var schedulerNaming = &naming{property: "name", prefix: "namePrefix", maxLength: 64}

func schedulerNames() []*property {
	return []*property{
		text("name").orChosen().replaces().length(1, 64).matching(schedulerName, schedulerNameSays).against("namePrefix"),
		text("namePrefix").kept().replaces().length(0, 64-26).matching(schedulerName, schedulerNameSays),
	}
}

func isTimestamp(v any) error {
	s, _ := v.(string)
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return fmt.Errorf("expected a time such as 2030-01-01T01:00:00Z, got %s", s)
	}
	return nil
}

// sameInstant compares times in whatever zones they are written.
func sameInstant(a, b any) bool {
	x, _ := a.(string)
	y, _ := b.(string)
	first, errX := time.Parse(time.RFC3339, x)
	second, errY := time.Parse(time.RFC3339, y)
	return errX == nil && errY == nil && first.Equal(second)
}

func scheduleType() *resourceType {
	const notATarget = "targets are state machines, queues, functions and universal targets"
	r := &resourceType{
		token: "aws:scheduler/schedule:Schedule",
		properties: append(schedulerNames(),
			text("arn").output(),
			text("description").length(0, 512),
			text("endDate").checked(isTimestamp).alike(sameInstant),
			object("flexibleTimeWindow", integer("maximumWindowInMinutes").between(1, 1440), text("mode").needed().oneOf("OFF", "FLEXIBLE")).needed(),
			text("groupName").orChosen().replaces().length(1, 64),
			text("kmsKeyArn").checked(isARN),
			text("scheduleExpression").needed().length(1, 256),
			text("scheduleExpressionTimezone").defaults("UTC").length(1, 50),
			text("startDate").checked(isTimestamp).alike(sameInstant),
			text("state").defaults("ENABLED").oneOf("ENABLED", "DISABLED"),
			object("target",
				text("arn").needed().checked(isARN),
				object("deadLetterConfig", text("arn").needed().checked(isARN)),
				ecsParameters().refused(notATarget),
				object("eventbridgeParameters", text("detailType").needed(), text("source").needed()).refused(notATarget),
				text("input").length(1, 256<<10),
				object("kinesisParameters", text("partitionKey").needed()).refused(notATarget),
				object("retryPolicy", integer("maximumEventAgeInSeconds").between(60, 86400).defaults(86400.0), integer("maximumRetryAttempts").between(0, 185).defaults(185.0)).orChosen(),
				text("roleArn").needed().checked(isARN),
				object("sagemakerPipelineParameters", list("pipelineParameters", object("", text("name").needed(), text("value").needed()))).refused(notATarget),
				object("sqsParameters", text("messageGroupId").length(1, 128)),
			).needed(),
		),
		naming: schedulerNaming,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		out, err := c.do(ctx, "scheduler", "CreateSchedule", scheduleRequest(in))
		if err != nil {
			return "", err
		}
		_, id, _ := strings.Cut(out.text("ScheduleArn"), ":schedule/")
		return id, nil
	}
	r.read = readSchedule
	r.update = func(ctx context.Context, c *call, ch *change) error {
		_, err := c.do(ctx, "scheduler", "UpdateSchedule", scheduleRequest(ch.wanted))
		return err
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		group, name, err := splitScheduleID(id)
		if err != nil {
			return err
		}
		_, err = c.do(ctx, "scheduler", "DeleteSchedule", props{"GroupName": group, "Name": name})
		return err
	}
	return r
}

// ecsParameters are described to be refused by name.
func ecsParameters() *property {
	return object("ecsParameters",
		list("capacityProviderStrategies", object("", integer("base"), text("capacityProvider").needed(), integer("weight"))),
		boolean("enableEcsManagedTags"), boolean("enableExecuteCommand"), text("group"), text("launchType"),
		object("networkConfiguration", boolean("assignPublicIp"), list("securityGroups", text("")), list("subnets", text("")).needed()),
		list("placementConstraints", object("", text("expression"), text("type").needed())),
		list("placementStrategies", object("", text("field"), text("type").needed())),
		text("platformVersion"), text("propagateTags"), text("referenceId"), stringMap("tags"), integer("taskCount"), text("taskDefinitionArn").needed())
}

func splitScheduleID(id string) (group, name string, err error) {
	group, name, ok := strings.Cut(id, "/")
	if !ok || group == "" || name == "" || strings.Contains(name, "/") {
		return "", "", errors.New("unexpected format of ID (" + id + "), expected schedule-group-name/schedule-name")
	}
	return group, name, nil
}

// scheduleMembers are a schedule's properties that are single values, and the API's names of them.
var scheduleMembers = []string{"name", "Name", "groupName", "GroupName", "description", "Description", "kmsKeyArn", "KmsKeyArn", "state", "State",
	"scheduleExpression", "ScheduleExpression", "scheduleExpressionTimezone", "ScheduleExpressionTimezone"}

var (
	windowMembers = []string{"mode", "Mode", "maximumWindowInMinutes", "MaximumWindowInMinutes"}
	targetMembers = []string{"arn", "Arn", "roleArn", "RoleArn", "input", "Input"}
)

// targetParts are the objects in a target, with their members.
var targetParts = []struct {
	property, member string
	members          []string
}{
	{"deadLetterConfig", "DeadLetterConfig", []string{"arn", "Arn"}},
	{"retryPolicy", "RetryPolicy", []string{"maximumEventAgeInSeconds", "MaximumEventAgeInSeconds", "maximumRetryAttempts", "MaximumRetryAttempts"}},
	{"sqsParameters", "SqsParameters", []string{"messageGroupId", "MessageGroupId"}},
}

// reversed swaps the names of pairs.
func reversed(pairs []string) []string {
	out := make([]string, len(pairs))
	for i := 0; i < len(pairs); i += 2 {
		out[i], out[i+1] = pairs[i+1], pairs[i]
	}
	return out
}

func scheduleRequest(in props) props {
	req := in.copied(props{}, scheduleMembers...)
	for property, member := range map[string]string{"startDate": "StartDate", "endDate": "EndDate"} {
		if at, err := time.Parse(time.RFC3339, in.text(property)); err == nil {
			req[member] = float64(at.UnixMilli()) / 1000
		}
	}
	req["FlexibleTimeWindow"] = in.object("flexibleTimeWindow").copied(props{}, windowMembers...)
	target := in.object("target")
	to := target.copied(props{}, targetMembers...)
	for _, part := range targetParts {
		if p := target.object(part.property); p != nil {
			to[part.member] = p.copied(props{}, part.members...)
		}
	}
	req["Target"] = to
	return req
}

func readSchedule(ctx context.Context, c *call, id string, _ props) (props, error) {
	group, name, err := splitScheduleID(id)
	if err != nil {
		return nil, err
	}
	out, err := c.do(ctx, "scheduler", "GetSchedule", props{"GroupName": group, "Name": name})
	if err != nil {
		return nil, err
	}
	live := out.copied(props{"arn": out["Arn"]}, reversed(scheduleMembers)...)
	for property, member := range map[string]string{"startDate": "StartDate", "endDate": "EndDate"} {
		if out.has(member) {
			live[property] = date(out[member])
		}
	}
	live["flexibleTimeWindow"] = map[string]any(out.object("FlexibleTimeWindow").copied(props{}, reversed(windowMembers)...))
	from := out.object("Target")
	target := from.copied(props{}, reversed(targetMembers)...)
	for _, part := range targetParts {
		if p := from.object(part.member); p != nil {
			target[part.property] = map[string]any(p.copied(props{}, reversed(part.members)...))
		}
	}
	live["target"] = map[string]any(target)
	return live, nil
}

func scheduleGroupType() *resourceType {
	r := &resourceType{
		token: "aws:scheduler/scheduleGroup:ScheduleGroup",
		properties: append(append(tagProperties(), schedulerNames()...),
			text("arn").output(), text("creationDate").output(), text("lastModificationDate").output(), text("state").output()),
		naming: schedulerNaming,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := props{"Name": in["name"]}
		if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
			req["Tags"] = tags
		}
		if _, err := c.do(ctx, "scheduler", "CreateScheduleGroup", req); err != nil {
			return "", err
		}
		return in.text("name"), nil
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		out, err := c.do(ctx, "scheduler", "GetScheduleGroup", props{"Name": id})
		if err != nil {
			return nil, err
		}
		tags, err := c.do(ctx, "scheduler", "ListTagsForResource", props{"ResourceArn": out["Arn"]})
		if err != nil {
			return nil, err
		}
		return props{"arn": out["Arn"], "name": out["Name"], "state": out["State"], "creationDate": date(out["CreationDate"]),
			"lastModificationDate": date(out["LastModificationDate"]), "tagsAll": tagMap(tags.objects("Tags"), "Key", "Value")}, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		return ch.retag(ctx, c, "scheduler", "ResourceArn", ch.old["arn"], "TagKeys", "Tags", func(tags any) []any { return tagList(tags, "Key", "Value") })
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "scheduler", "DeleteScheduleGroup", props{"Name": id})
		return err
	}
	return r
}
