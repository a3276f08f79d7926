package provider

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// logsTypes are the CloudWatch Logs resources, which pulumi-aws has in its cloudwatch module.
func logsTypes() []*resourceType { return []*resourceType{logGroupType(), logResourcePolicyType()} }

// retentions are the days for which CloudWatch Logs can keep events; 0 is for ever.
var retentions = []float64{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

var arnPattern = regexp.MustCompile(`^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:.+$`)

func isARN(v any) error {
	if s, _ := v.(string); s != "" && !arnPattern.MatchString(s) {
		return fmt.Errorf("(%s) is an invalid ARN", s)
	}
	return nil
}

func logGroupType() *resourceType {
	r := &resourceType{
		token: "aws:cloudwatch/logGroup:LogGroup",
		properties: append(tagProperties(),
			text("arn").output(),
			text("kmsKeyId").checked(isARN),
			text("logGroupClass").oneOf("STANDARD", "INFREQUENT_ACCESS", "DELIVERY").orChosen().replaces(),
			text("name").orChosen().replaces().length(1, 512).matching(`^[\w./#-]+$`, "letters, digits and _-./#").against("namePrefix"),
			text("namePrefix").kept().replaces(),
			integer("retentionInDays").defaults(0).checked(func(v any) error {
				if days, _ := v.(float64); !slices.Contains(retentions, days) {
					return fmt.Errorf("expected it to be one of %v, got %v", retentions, days)
				}
				return nil
			}),
			boolean("skipDestroy").kept().defaults(false),
		),
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 255},
	}
	retain := func(ctx context.Context, c *call, name string, days float64) error {
		if days == 0 {
			_, err := c.do(ctx, "logs", "DeleteRetentionPolicy", props{"logGroupName": name})
			return err
		}
		_, err := c.do(ctx, "logs", "PutRetentionPolicy", props{"logGroupName": name, "retentionInDays": days})
		return err
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		id := in.text("name")
		req := in.copied(props{}, "name", "logGroupName", "kmsKeyId", "kmsKeyId", "logGroupClass", "logGroupClass", "tagsAll", "tags")
		if _, err := c.do(ctx, "logs", "CreateLogGroup", req); err != nil {
			return "", err
		}
		if days := in.number("retentionInDays"); days > 0 {
			return id, retain(ctx, c, id, days)
		}
		return id, nil
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		groups, err := c.all(ctx, "logs", "DescribeLogGroups", props{"logGroupNamePrefix": id}, "logGroups", "nextToken", "nextToken")
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			if g.text("logGroupName") != id {
				continue
			}
			arn := strings.TrimSuffix(g.text("arn"), ":*")
			tags, err := c.do(ctx, "logs", "ListTagsForResource", props{"resourceArn": arn})
			if err != nil {
				return nil, err
			}
			live := g.copied(props{"arn": arn, "name": id, "retentionInDays": g.number("retentionInDays"), "tagsAll": tags["tags"]}, "logGroupClass", "logGroupClass", "kmsKeyId", "kmsKeyId")
			return live, nil
		}
		return nil, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if ch.of("retentionInDays") {
			if err := retain(ctx, c, ch.id, ch.wanted.number("retentionInDays")); err != nil {
				return err
			}
		}
		if ch.of("kmsKeyId") {
			action, req := "DisassociateKmsKey", props{"logGroupName": ch.id}
			if key := ch.wanted.text("kmsKeyId"); key != "" {
				action, req["kmsKeyId"] = "AssociateKmsKey", key
			}
			if _, err := c.do(ctx, "logs", action, req); err != nil {
				return err
			}
		}
		return ch.retag(ctx, c, "logs", "resourceArn", ch.old["arn"], "tagKeys", "tags", nil)
	}
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		if state.boolean("skipDestroy") {
			return nil
		}
		_, err := c.do(ctx, "logs", "DeleteLogGroup", props{"logGroupName": id})
		return err
	}
	return r
}

// retag changes the tags of a resource through the operations TagResource and UntagResource that most services have. The
// names are those of the request's members; asList writes the tags of services that do not take a map.
func (ch *change) retag(ctx context.Context, c *call, service, resourceMember string, resource any, keysMember, tagsMember string, asList func(tags any) []any) error {
	removed, added := ch.tags()
	if len(removed) > 0 {
		if _, err := c.do(ctx, service, "UntagResource", props{resourceMember: resource, keysMember: removed}); err != nil {
			return err
		}
	}
	if len(added) > 0 {
		var tags any = added
		if asList != nil {
			tags = asList(asAny(added))
		}
		if _, err := c.do(ctx, service, "TagResource", props{resourceMember: resource, tagsMember: tags}); err != nil {
			return err
		}
	}
	return nil
}

func logResourcePolicyType() *resourceType {
	put := func(ctx context.Context, c *call, name, document string) error {
		_, err := c.do(ctx, "logs", "PutResourcePolicy", props{"policyName": name, "policyDocument": document})
		return err
	}
	return &resourceType{
		token:      "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
		properties: []*property{policyText("policyDocument").needed().length(0, 5120), text("policyName").needed().replaces()},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := put(ctx, c, in.text("policyName"), in.text("policyDocument")); err != nil {
				return "", err
			}
			return in.text("policyName"), nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			all, err := c.all(ctx, "logs", "DescribeResourcePolicies", props{}, "resourcePolicies", "nextToken", "nextToken")
			for _, p := range all {
				if p.text("policyName") == id {
					return props{"policyName": id, "policyDocument": p["policyDocument"]}, nil
				}
			}
			return nil, err
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			return put(ctx, c, ch.id, ch.wanted.text("policyDocument"))
		},
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "logs", "DeleteResourcePolicy", props{"policyName": id})
			return err
		},
	}
}
