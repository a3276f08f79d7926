package provider

import (
	"context"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// bucketSetting is a resource that is one setting of a bucket.
type bucketSetting struct {
	token            string
	properties       []*property
	put, get, remove string // actions
	configuration    func(in props) any
	live             func(configuration props) props
}

func (b bucketSetting) resourceType() *resourceType {
	put := func(ctx context.Context, c *call, bucket string, in props) error {
		_, err := c.do(ctx, "s3", b.put, props{"Bucket": bucket, "Configuration": b.configuration(in)})
		return err
	}
	return &resourceType{
		token:      b.token,
		properties: append(b.properties, text("bucket").needed().replaces()),
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := put(ctx, c, in.text("bucket"), in); err != nil {
				return "", err
			}
			return in.text("bucket"), nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			configuration, err := readSetting(ctx, c, b.get, id)
			if err != nil || configuration == nil {
				return nil, err
			}
			live := b.live(configuration)
			live["bucket"] = id
			return live, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error { return put(ctx, c, ch.id, ch.wanted) },
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "s3", b.remove, props{"Bucket": id})
			return err
		},
	}
}

// accessNames are the parts of a public access block by their names in the API.
var accessNames = []struct{ property, member string }{
	{"blockPublicAcls", "BlockPublicAcls"}, {"blockPublicPolicy", "BlockPublicPolicy"},
	{"ignorePublicAcls", "IgnorePublicAcls"}, {"restrictPublicBuckets", "RestrictPublicBuckets"},
}

func publicAccessType() *resourceType {
	var properties []*property
	for _, n := range accessNames {
		properties = append(properties, boolean(n.property).defaults(false))
	}
	return bucketSetting{
		token: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", properties: properties,
		put: "PutPublicAccessBlock", get: "GetPublicAccessBlock", remove: "DeletePublicAccessBlock",
		configuration: func(in props) any {
			out := map[string]any{}
			for _, n := range accessNames {
				out[n.member] = in.boolean(n.property)
			}
			return out
		},
		live: func(configuration props) props {
			live := props{}
			for _, n := range accessNames {
				live[n.property] = configuration.boolean(n.member)
			}
			return live
		},
	}.resourceType()
}

func ownershipType() *resourceType {
	return bucketSetting{
		token:      "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
		properties: []*property{object("rule", text("objectOwnership").needed().onlyAs("BucketOwnerEnforced", noACLs)).needed()},
		put:        "PutBucketOwnershipControls", get: "GetBucketOwnershipControls", remove: "DeleteBucketOwnershipControls",
		configuration: func(in props) any {
			return map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": in.object("rule").text("objectOwnership")}}}
		},
		live: func(configuration props) props {
			return props{"rule": map[string]any{"objectOwnership": configuration.objects("Rules")[0]["ObjectOwnership"]}}
		},
	}.resourceType()
}

func encryptionType() *resourceType {
	const noOwners = "there is one account"
	return bucketSetting{
		token:      "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		properties: []*property{text("expectedBucketOwner").refused(noOwners), list("rules", encryptionRule("")).needed().length(1, 1)},
		put:        "PutBucketEncryption", get: "GetBucketEncryption", remove: "DeleteBucketEncryption",
		configuration: func(in props) any {
			rule := in.objects("rules")[0]
			d := rule.object("applyServerSideEncryptionByDefault")
			return map[string]any{"Rules": []any{map[string]any{"BucketKeyEnabled": rule.boolean("bucketKeyEnabled"),
				"ApplyServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": d.text("sseAlgorithm"), "KMSMasterKeyID": d.text("kmsMasterKeyId")}}}}
		},
		live: func(configuration props) props {
			return props{"rules": []any{encryptionFrom(configuration.objects("Rules")[0])}}
		},
	}.resourceType()
}

func versioningType() *resourceType {
	put := func(ctx context.Context, c *call, bucket string, in props) error {
		status := in.object("versioningConfiguration").text("status")
		if status == "Disabled" {
			return nil
		}
		_, err := c.do(ctx, "s3", "PutBucketVersioning", props{"Bucket": bucket, "Status": status})
		return err
	}
	return &resourceType{
		token: "aws:s3/bucketVersioningV2:BucketVersioningV2",
		properties: []*property{text("bucket").needed().replaces(), text("expectedBucketOwner").refused("there is one account"), text("mfa").refused("there are no devices"),
			object("versioningConfiguration", text("mfaDelete").refused("there are no devices"), text("status").needed().oneOf("Enabled", "Suspended", "Disabled")).needed()},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := put(ctx, c, in.text("bucket"), in); err != nil {
				return "", err
			}
			return in.text("bucket"), nil
		},
		read: func(ctx context.Context, c *call, id string, state props) (props, error) {
			out, err := c.do(ctx, "s3", "GetBucketVersioning", props{"Bucket": id})
			if err != nil {
				return nil, err
			}
			status := out.text("Status")
			if status == "" {
				status = "Disabled"
			}
			return props{"bucket": id, "versioningConfiguration": map[string]any{"status": status}}, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error { return put(ctx, c, ch.id, ch.wanted) },
		remove: func(ctx context.Context, c *call, id string, state props) error {
			if state.object("versioningConfiguration").text("status") != "Enabled" {
				return nil
			}
			_, err := c.do(ctx, "s3", "PutBucketVersioning", props{"Bucket": id, "Status": "Suspended"})
			return err
		},
	}
}

func bucketPolicyType() *resourceType {
	put := func(ctx context.Context, c *call, bucket, policy string) error {
		_, err := c.do(ctx, "s3", "PutBucketPolicy", props{"Bucket": bucket, "Policy": []byte(policy)})
		return err
	}
	return &resourceType{
		token:      "aws:s3/bucketPolicy:BucketPolicy",
		properties: []*property{text("bucket").needed().replaces(), policyText("policy").needed()},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := put(ctx, c, in.text("bucket"), in.text("policy")); err != nil {
				return "", err
			}
			return in.text("bucket"), nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			var out struct{ Policy []byte }
			err := c.d.DoInto(ctx, c.d.Root(), "s3", "GetBucketPolicy", map[string]any{"Bucket": id}, &out)
			if err != nil {
				if strings.HasPrefix(dispatch.AsError(err).Code, "NoSuch") {
					return nil, nil
				}
				return nil, err
			}
			return props{"bucket": id, "policy": string(out.Policy)}, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			return put(ctx, c, ch.id, ch.wanted.text("policy"))
		},
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "s3", "DeleteBucketPolicy", props{"Bucket": id})
			return err
		},
	}
}
