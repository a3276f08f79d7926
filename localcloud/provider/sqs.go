package provider

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func sqsTypes() []*resourceType {
	return []*resourceType{queueType(), queueAttributeType("aws:sqs/queuePolicy:QueuePolicy", policyText("policy"), "Policy"),
		queueAttributeType("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", jsonText("redriveAllowPolicy"), "RedriveAllowPolicy")}
}

// queueAttributes are the properties of a queue that are attributes of SQS's API, by the API's name.
var queueAttributes = []struct{ property, attribute string }{
	{"contentBasedDeduplication", "ContentBasedDeduplication"},
	{"deduplicationScope", "DeduplicationScope"},
	{"delaySeconds", "DelaySeconds"},
	{"fifoQueue", "FifoQueue"},
	{"fifoThroughputLimit", "FifoThroughputLimit"},
	{"kmsDataKeyReusePeriodSeconds", "KmsDataKeyReusePeriodSeconds"},
	{"kmsMasterKeyId", "KmsMasterKeyId"},
	{"maxMessageSize", "MaximumMessageSize"},
	{"messageRetentionSeconds", "MessageRetentionPeriod"},
	{"policy", "Policy"},
	{"receiveWaitTimeSeconds", "ReceiveMessageWaitTimeSeconds"},
	{"redriveAllowPolicy", "RedriveAllowPolicy"},
	{"redrivePolicy", "RedrivePolicy"},
	{"sqsManagedSseEnabled", "SqsManagedSseEnabled"},
	{"visibilityTimeoutSeconds", "VisibilityTimeout"},
}

func queueType() *resourceType {
	r := &resourceType{
		token: "aws:sqs/queue:Queue",
		properties: append(tagProperties(),
			text("arn").output(),
			boolean("contentBasedDeduplication").defaults(false),
			text("deduplicationScope").oneOf("messageGroup", "queue").orChosen(),
			integer("delaySeconds").between(0, 900).defaults(0),
			boolean("fifoQueue").replaces().defaults(false),
			text("fifoThroughputLimit").oneOf("perQueue", "perMessageGroupId").orChosen(),
			integer("kmsDataKeyReusePeriodSeconds").between(60, 86400).orChosen(),
			text("kmsMasterKeyId").against("sqsManagedSseEnabled"),
			integer("maxMessageSize").between(1024, 262144).defaults(262144),
			integer("messageRetentionSeconds").between(60, 1209600).defaults(345600),
			text("name").orChosen().replaces().length(1, 80).matching(`^[0-9A-Za-z_-]+(\.fifo)?$`, "letters, digits, hyphens and underscores").against("namePrefix"),
			text("namePrefix").kept().replaces(),
			policyText("policy").orChosen(),
			integer("receiveWaitTimeSeconds").between(0, 20).defaults(0),
			jsonText("redriveAllowPolicy").orChosen(),
			jsonText("redrivePolicy").orChosen(),
			boolean("sqsManagedSseEnabled").orChosen(),
			text("url").output(),
			integer("visibilityTimeoutSeconds").between(0, 43200).defaults(30),
		),
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 80, fix: fifoSuffix, fits: func(name string, in resource.PropertyMap) bool {
			return fifoSuffix("", in) == "" != strings.HasSuffix(name, ".fifo")
		}},
		check: checkQueue,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		attributes := map[string]any{}
		for _, a := range queueAttributes {
			if v, given := in[a.property]; given && !isZero(v) {
				attributes[a.attribute] = attributeText(v)
			}
		}
		out, err := c.do(ctx, "sqs", "CreateQueue", props{"QueueName": in["name"], "Attributes": attributes, "tags": in["tagsAll"]})
		if err != nil {
			return "", err
		}
		return out.text("QueueUrl"), nil
	}
	r.read = func(ctx context.Context, c *call, id string, _ props) (props, error) {
		out, err := c.do(ctx, "sqs", "GetQueueAttributes", props{"QueueUrl": id, "AttributeNames": []string{"All"}})
		if err != nil {
			return nil, err
		}
		attributes := out.object("Attributes")
		live := props{"arn": attributes["QueueArn"], "url": id, "name": id[strings.LastIndexByte(id, '/')+1:]}
		for _, a := range queueAttributes {
			if v, told := attributes[a.attribute]; told {
				if live[a.property], err = attributeValue(r.property(a.property).kind, v); err != nil {
					return nil, fmt.Errorf("reading the queue's %s: %w", a.attribute, err)
				}
			}
		}
		tags, err := c.do(ctx, "sqs", "ListQueueTags", props{"QueueUrl": id})
		if err != nil {
			return nil, err
		}
		live["tagsAll"] = tags["Tags"]
		return live, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		attributes := map[string]any{}
		for _, a := range queueAttributes {
			if ch.of(a.property) {
				attributes[a.attribute] = attributeText(ch.wanted[a.property])
			}
		}
		if len(attributes) > 0 {
			if _, err := c.do(ctx, "sqs", "SetQueueAttributes", props{"QueueUrl": ch.id, "Attributes": attributes}); err != nil {
				return err
			}
		}
		removed, added := ch.tags()
		if len(removed) > 0 {
			if _, err := c.do(ctx, "sqs", "UntagQueue", props{"QueueUrl": ch.id, "TagKeys": removed}); err != nil {
				return err
			}
		}
		if len(added) > 0 {
			if _, err := c.do(ctx, "sqs", "TagQueue", props{"QueueUrl": ch.id, "Tags": added}); err != nil {
				return err
			}
		}
		return nil
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		_, err := c.do(ctx, "sqs", "DeleteQueue", props{"QueueUrl": id})
		return err
	}
	return r
}

func fifoSuffix(name string, in resource.PropertyMap) string {
	if fifo := in["fifoQueue"]; !fifo.IsNull() && toPlain(fifo) == true {
		return name + ".fifo"
	}
	return name
}

func checkQueue(in props) []failure {
	var all []failure
	name, known := in["name"].(string)
	fifo, _ := in["fifoQueue"].(bool)
	if known && fifo != strings.HasSuffix(name, ".fifo") {
		all = append(all, failure{"name", fmt.Sprintf("invalid queue name: %s: a FIFO queue's name, and no other queue's, ends in .fifo", name)})
	}
	if !fifo && in.boolean("contentBasedDeduplication") {
		all = append(all, failure{"contentBasedDeduplication", "content-based deduplication can only be set for FIFO queue"})
	}
	return all
}

func attributeText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return "" // none: SQS takes the attribute away
}

func attributeValue(k kind, v any) (any, error) {
	s, _ := v.(string)
	switch k {
	case kindBool:
		return strconv.ParseBool(s)
	case kindInt:
		return strconv.ParseFloat(s, 64)
	}
	return s, nil
}

// queueAttributeType is a resource that is one attribute of a queue.
func queueAttributeType(token string, document *property, attribute string) *resourceType {
	set := func(ctx context.Context, c *call, url, value string) error {
		_, err := c.do(ctx, "sqs", "SetQueueAttributes", props{"QueueUrl": url, "Attributes": map[string]any{attribute: value}})
		return err
	}
	return &resourceType{
		token:      token,
		properties: []*property{document.needed(), text("queueUrl").needed().replaces()},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := set(ctx, c, in.text("queueUrl"), in.text(document.name)); err != nil {
				return "", err
			}
			return in.text("queueUrl"), nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			out, err := c.do(ctx, "sqs", "GetQueueAttributes", props{"QueueUrl": id, "AttributeNames": []string{attribute}})
			if err != nil {
				return nil, err
			}
			value := out.object("Attributes").text(attribute)
			if value == "" {
				return nil, nil
			}
			return props{"queueUrl": id, document.name: value}, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			return set(ctx, c, ch.id, ch.wanted.text(document.name))
		},
		remove: func(ctx context.Context, c *call, id string, _ props) error { return set(ctx, c, id, "") },
	}
}
