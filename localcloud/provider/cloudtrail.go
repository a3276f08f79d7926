package provider

import (
	"context"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func cloudtrailTypes() []*resourceType { return []*resourceType{trailType()} }

// selectorConditions are the conditions of an advanced event selector by their names in the API.
var selectorConditions = []struct{ property, member string }{
	{"endsWiths", "EndsWith"}, {"equals", "Equals"}, {"notEndsWiths", "NotEndsWith"}, {"notEquals", "NotEquals"}, {"notStartsWiths", "NotStartsWith"}, {"startsWiths", "StartsWith"},
}

func trailType() *resourceType {
	field := []*property{text("field").needed()}
	for _, c := range selectorConditions {
		field = append(field, list(c.property, text("")))
	}
	const noGroups = "records are written to buckets only"
	r := &resourceType{
		token: "aws:cloudtrail/trail:Trail",
		properties: append(tagProperties(),
			list("advancedEventSelectors", object("", set("fieldSelectors", object("", field...)).needed(), text("name"))).against("eventSelectors"),
			text("arn").output(),
			text("cloudWatchLogsGroupArn").refused(noGroups), text("cloudWatchLogsRoleArn").refused(noGroups),
			boolean("enableLogFileValidation").defaults(false), boolean("enableLogging").defaults(true),
			list("eventSelectors", object("",
				list("dataResources", object("")).refused("there are no data events"), set("excludeManagementEventSources", text("")),
				boolean("includeManagementEvents").defaults(true), text("readWriteType").defaults("All").oneOf("All", "ReadOnly", "WriteOnly"))).length(0, 5).against("advancedEventSelectors"),
			text("homeRegion").output(),
			boolean("includeGlobalServiceEvents").defaults(true),
			list("insightSelectors", object("")).refused("there are no insights"),
			boolean("isMultiRegionTrail").defaults(false), boolean("isOrganizationTrail").defaults(false).onlyAs(false, "there is no organization"),
			text("kmsKeyId"),
			text("name").orChosen().replaces().length(3, 128),
			text("s3BucketName").needed(), text("s3KeyPrefix"),
			text("snsTopicArn").output(), text("snsTopicName").refused("there is no SNS"),
		),
		naming: &naming{property: "name", maxLength: 128},
	}
	settings := func(in props) props {
		return in.copied(props{"S3KeyPrefix": in.text("s3KeyPrefix"), "KmsKeyId": in.text("kmsKeyId")}, "name", "Name", "s3BucketName", "S3BucketName",
			"includeGlobalServiceEvents", "IncludeGlobalServiceEvents", "isMultiRegionTrail", "IsMultiRegionTrail", "enableLogFileValidation", "EnableLogFileValidation")
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		request := settings(in)
		request["TagsList"] = tagList(in["tagsAll"], "Key", "Value")
		if _, err := c.do(ctx, "cloudtrail", "CreateTrail", request); err != nil {
			return "", err
		}
		name := in.text("name")
		if err := putSelectors(ctx, c, name, in); err != nil {
			return name, err
		}
		return name, logging(ctx, c, name, in.boolean("enableLogging"))
	}
	r.read = readTrail
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("s3BucketName", "s3KeyPrefix", "kmsKeyId", "includeGlobalServiceEvents", "isMultiRegionTrail", "enableLogFileValidation") {
			if _, err := c.do(ctx, "cloudtrail", "UpdateTrail", settings(ch.wanted)); err != nil {
				return err
			}
		}
		if ch.of("eventSelectors", "advancedEventSelectors") {
			wanted := ch.wanted
			if len(wanted.list("eventSelectors"))+len(wanted.list("advancedEventSelectors")) == 0 {
				wanted = props{"eventSelectors": []any{map[string]any{"includeManagementEvents": true, "readWriteType": "All"}}}
			}
			if err := putSelectors(ctx, c, ch.id, wanted); err != nil {
				return err
			}
		}
		if ch.of("enableLogging") {
			if err := logging(ctx, c, ch.id, ch.wanted.boolean("enableLogging")); err != nil {
				return err
			}
		}
		return retagTrail(ctx, c, ch)
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "cloudtrail", "DeleteTrail", props{"Name": id})
		return err
	}
	return r
}

func retagTrail(ctx context.Context, c *call, ch *change) error {
	arn := c.d.ARN("cloudtrail", "trail/"+ch.id)
	removed, added := ch.tags()
	if len(removed) > 0 {
		var tags []any
		for _, k := range removed {
			tags = append(tags, map[string]any{"Key": k})
		}
		if _, err := c.do(ctx, "cloudtrail", "RemoveTags", props{"ResourceId": arn, "TagsList": tags}); err != nil {
			return err
		}
	}
	if len(added) > 0 {
		if _, err := c.do(ctx, "cloudtrail", "AddTags", props{"ResourceId": arn, "TagsList": tagList(asAny(added), "Key", "Value")}); err != nil {
			return err
		}
	}
	return nil
}

func logging(ctx context.Context, c *call, name string, on bool) error {
	action := "StopLogging"
	if on {
		action = "StartLogging"
	}
	_, err := c.do(ctx, "cloudtrail", action, props{"Name": name})
	return err
}

// putSelectors sets the selectors that the program gives; without any, CloudTrail's own stay.
func putSelectors(ctx context.Context, c *call, name string, in props) error {
	request := props{"TrailName": name}
	var basic, advanced []any
	for _, e := range in.objects("eventSelectors") {
		basic = append(basic, map[string]any(e.copied(props{}, "readWriteType", "ReadWriteType", "includeManagementEvents", "IncludeManagementEvents", "excludeManagementEventSources", "ExcludeManagementEventSources")))
	}
	for _, e := range in.objects("advancedEventSelectors") {
		var fields []any
		for _, f := range e.objects("fieldSelectors") {
			field := props{"Field": f["field"]}
			for _, s := range selectorConditions {
				if v := f.list(s.property); len(v) > 0 {
					field[s.member] = v
				}
			}
			fields = append(fields, map[string]any(field))
		}
		advanced = append(advanced, map[string]any{"Name": e.text("name"), "FieldSelectors": fields})
	}
	if basic == nil && advanced == nil {
		return nil
	}
	if basic != nil {
		request["EventSelectors"] = basic
	} else {
		request["AdvancedEventSelectors"] = advanced
	}
	_, err := c.do(ctx, "cloudtrail", "PutEventSelectors", request)
	return err
}

func readTrail(ctx context.Context, c *call, id string, _ props) (props, error) {
	out, err := c.do(ctx, "cloudtrail", "GetTrail", props{"Name": id})
	if err != nil {
		if dispatch.AsError(err).Code == "TrailNotFoundException" {
			return nil, nil
		}
		return nil, err
	}
	trail := out.object("Trail")
	status, err := c.do(ctx, "cloudtrail", "GetTrailStatus", props{"Name": id})
	if err != nil {
		return nil, err
	}
	tags, err := c.do(ctx, "cloudtrail", "ListTags", props{"ResourceIdList": []any{trail["TrailARN"]}})
	if err != nil {
		return nil, err
	}
	live := trail.copied(props{"enableLogging": status.boolean("IsLogging"), "isOrganizationTrail": false}, "TrailARN", "arn", "HomeRegion", "homeRegion", "Name", "name",
		"S3BucketName", "s3BucketName", "IncludeGlobalServiceEvents", "includeGlobalServiceEvents", "IsMultiRegionTrail", "isMultiRegionTrail", "LogFileValidationEnabled", "enableLogFileValidation")
	for member, property := range map[string]string{"S3KeyPrefix": "s3KeyPrefix", "KmsKeyId": "kmsKeyId"} {
		if v := trail.text(member); v != "" {
			live[property] = v
		}
	}
	live["tagsAll"] = tagMap(tags.objects("ResourceTagList")[0].objects("TagsList"), "Key", "Value")
	if !trail.boolean("HasCustomEventSelectors") {
		return live, nil
	}
	selectors, err := c.do(ctx, "cloudtrail", "GetEventSelectors", props{"TrailName": id})
	if err != nil {
		return nil, err
	}
	var basic, advanced []any
	for _, e := range selectors.objects("EventSelectors") {
		basic = append(basic, map[string]any(e.copied(props{}, "ReadWriteType", "readWriteType", "IncludeManagementEvents", "includeManagementEvents", "ExcludeManagementEventSources", "excludeManagementEventSources")))
	}
	for _, e := range selectors.objects("AdvancedEventSelectors") {
		var fields []any
		for _, f := range e.objects("FieldSelectors") {
			field := map[string]any{"field": f["Field"]}
			for _, s := range selectorConditions {
				if v, ok := f[s.member]; ok {
					field[s.property] = v
				}
			}
			fields = append(fields, field)
		}
		selector := map[string]any{"fieldSelectors": fields}
		if name := e.text("Name"); name != "" {
			selector["name"] = name
		}
		advanced = append(advanced, selector)
	}
	if basic != nil {
		live["eventSelectors"] = basic
	}
	if advanced != nil {
		live["advancedEventSelectors"] = advanced
	}
	return live, nil
}
