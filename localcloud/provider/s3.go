package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func s3Types() []*resourceType {
	return []*resourceType{bucketType(), bucketV2Type(), bucketPolicyType(), publicAccessType(), ownershipType(), encryptionType(), versioningType()}
}

const (
	ofItsOwn = "use the resource of its own"
	noACLs   = "buckets have no ACLs: their owner owns all objects"
)

// bucketNaming gives buckets their names, which are in lower case.
func bucketNaming() *naming {
	return &naming{property: "bucket", prefix: "bucketPrefix", maxLength: 63, fix: func(name string, _ resource.PropertyMap) string { return strings.ToLower(name) }}
}

// bucketProperties are what both types of buckets have.
func bucketProperties() []*property {
	return append(tagProperties(),
		text("accelerationStatus").refused("there is no transfer acceleration"),
		text("bucket").orChosen().replaces().against("bucketPrefix").matching(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`, "3 to 63 lower-case letters, digits, periods and hyphens"),
		text("bucketDomainName").output(),
		text("bucketPrefix").kept().replaces(),
		text("bucketRegionalDomainName").output(),
		list("corsRules", object("")).refused("there is no CORS"),
		boolean("forceDestroy").kept().defaults(false),
		list("grants", object("")).refused(noACLs),
		list("loggings", object("")).refused("there is no access log"),
		text("region").output(),
		text("requestPayer").orChosen().onlyAs("BucketOwner", "there is nobody to pay"),
	)
}

// encryptionRule describes a rule of a bucket's encryption.
func encryptionRule(name string) *property {
	return object(name, object("applyServerSideEncryptionByDefault", text("kmsMasterKeyId"), text("sseAlgorithm").needed().oneOf("AES256", "aws:kms")), boolean("bucketKeyEnabled"))
}

func bucketType() *resourceType {
	rule := encryptionRule("rule").needed()
	rule.fields[0].needed()
	r := &resourceType{
		token: "aws:s3/bucket:Bucket",
		properties: append(bucketProperties(),
			text("acl").defaults("private").onlyAs("private", noACLs),
			text("arn").orChosen(), text("hostedZoneId").orChosen(),
			list("lifecycleRules", object("",
				integer("abortIncompleteMultipartUploadDays"), boolean("enabled").needed(),
				object("expiration", text("date").refused("expiration after days only"), integer("days"), boolean("expiredObjectDeleteMarker").refused("expiration after days only")),
				text("id").orChosen(), object("noncurrentVersionExpiration", integer("days")),
				list("noncurrentVersionTransitions", object("")).refused("there is one storage class"), text("prefix"),
				stringMap("tags").refused("rules for prefixes only"), list("transitions", object("")).refused("there is one storage class"))),
			object("objectLockConfiguration").refused("there are no object locks"),
			policyText("policy").refused("use aws.s3.BucketPolicy"),
			object("replicationConfiguration").refused("there is one region"),
			object("serverSideEncryptionConfiguration", rule).orChosen(),
			object("versioning", boolean("enabled").defaults(false), boolean("mfaDelete").defaults(false).onlyAs(false, "there are no devices")).orChosen(),
			object("website").refused("there are no websites"), text("websiteDomain").refused("there are no websites"), text("websiteEndpoint").refused("there are no websites"),
		),
		naming: bucketNaming(),
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		id, err := createBucket(ctx, c, in)
		if err != nil {
			return id, err
		}
		return id, applyBucket(ctx, c, id, props{}, in)
	}
	r.read = func(ctx context.Context, c *call, id string, state props) (props, error) {
		live, err := readBucket(ctx, c, id)
		if err != nil {
			return nil, err
		}
		live["acl"], live["requestPayer"] = "private", "BucketOwner"
		status, err := c.do(ctx, "s3", "GetBucketVersioning", props{"Bucket": id})
		if err != nil {
			return nil, err
		}
		live["versioning"] = map[string]any{"enabled": status.text("Status") == "Enabled", "mfaDelete": false}
		if rules, err := readSetting(ctx, c, "GetBucketEncryption", id); err != nil {
			return nil, err
		} else if rules != nil {
			live["serverSideEncryptionConfiguration"] = map[string]any{"rule": encryptionFrom(rules.objects("Rules")[0])}
		}
		rules, err := readSetting(ctx, c, "GetBucketLifecycleConfiguration", id)
		if err != nil {
			return nil, err
		}
		if rules != nil {
			live["lifecycleRules"] = lifecycleFrom(rules.objects("Rules"))
		}
		return live, nil
	}
	r.update = func(ctx context.Context, c *call, ch *change) error {
		if err := retagBucket(ctx, c, ch.id, ch.wanted); err != nil {
			return err
		}
		return applyBucket(ctx, c, ch.id, ch.old, ch.wanted)
	}
	r.remove = removeBucket
	return r
}

func bucketV2Type() *resourceType {
	r := &resourceType{
		token: "aws:s3/bucketV2:BucketV2",
		properties: append(bucketProperties(),
			text("acl").refused(noACLs), text("arn").output(), text("hostedZoneId").output(),
			list("lifecycleRules", object("")).refused("use aws.s3.Bucket with lifecycleRules"),
			object("objectLockConfiguration").refused("there are no object locks"), boolean("objectLockEnabled").orChosen().onlyAs(false, "there are no object locks"),
			text("policy").refused("use aws.s3.BucketPolicy"),
			list("replicationConfigurations", object("")).refused("there is one region"),
			list("serverSideEncryptionConfigurations", object("")).refused(ofItsOwn),
			list("versionings", object("")).refused(ofItsOwn),
			text("websiteDomain").output(), text("websiteEndpoint").output(), list("websites", object("")).refused("there are no websites"),
		),
		naming: bucketNaming(),
		create: createBucket,
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			live, err := readBucket(ctx, c, id)
			if err == nil {
				live["requestPayer"], live["objectLockEnabled"] = "BucketOwner", false
			}
			return live, err
		},
		update: func(ctx context.Context, c *call, ch *change) error { return retagBucket(ctx, c, ch.id, ch.wanted) },
		remove: removeBucket,
	}
	return r
}

func createBucket(ctx context.Context, c *call, in props) (string, error) {
	name := in.text("bucket")
	if _, err := c.do(ctx, "s3", "HeadBucket", props{"Bucket": name}); err == nil {
		return "", dispatch.Errorf("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it: %s", name)
	}
	if _, err := c.do(ctx, "s3", "CreateBucket", props{"Bucket": name}); err != nil {
		return "", err
	}
	return name, retagBucket(ctx, c, name, in)
}

func retagBucket(ctx context.Context, c *call, name string, in props) error {
	_, err := c.do(ctx, "s3", "PutBucketTagging", props{"Bucket": name, "TagSet": tagList(in["tagsAll"], "Key", "Value")})
	return err
}

func readBucket(ctx context.Context, c *call, id string) (props, error) {
	if _, err := c.do(ctx, "s3", "HeadBucket", props{"Bucket": id}); err != nil {
		return nil, err
	}
	tags, err := c.do(ctx, "s3", "GetBucketTagging", props{"Bucket": id})
	if err != nil && dispatch.AsError(err).Code != "NoSuchTagSet" {
		return nil, err
	}
	live := props{"arn": "arn:aws:s3:::" + id, "bucket": id, "bucketDomainName": id + ".s3.amazonaws.com", "bucketRegionalDomainName": id + ".s3." + c.d.Region + ".amazonaws.com",
		"region": c.d.Region, "tagsAll": tagMap(tags.objects("TagSet"), "Key", "Value")}
	if c.d.Region == "us-east-1" {
		live["hostedZoneId"] = "Z3AQBSTGFJSTF"
	}
	return live, nil
}

// readSetting returns one of a bucket's settings, or nil if it has none.
func readSetting(ctx context.Context, c *call, action, bucket string) (props, error) {
	out, err := c.do(ctx, "s3", action, props{"Bucket": bucket})
	if err != nil {
		if code := dispatch.AsError(err).Code; strings.HasPrefix(code, "NoSuch") && code != "NoSuchBucket" || strings.HasSuffix(code, "NotFoundError") {
			return nil, nil
		}
		return nil, err
	}
	return out.object("Configuration"), nil
}

func removeBucket(ctx context.Context, c *call, id string, state props) error {
	if state.boolean("forceDestroy") {
		if err := emptyBucket(ctx, c, id); err != nil {
			return err
		}
	}
	_, err := c.do(ctx, "s3", "DeleteBucket", props{"Bucket": id})
	return err
}

// applyBucket sets what a bucket's own properties say.
func applyBucket(ctx context.Context, c *call, id string, old, in props) error {
	if v := in.object("versioning"); v != nil && (v.boolean("enabled") || old.object("versioning").boolean("enabled")) {
		status := "Suspended"
		if v.boolean("enabled") {
			status = "Enabled"
		}
		if _, err := c.do(ctx, "s3", "PutBucketVersioning", props{"Bucket": id, "Status": status}); err != nil {
			return err
		}
	}
	if e := in.object("serverSideEncryptionConfiguration"); e != nil {
		if err := putEncryption(ctx, c, id, e.object("rule")); err != nil {
			return err
		}
	}
	switch rules := in.objects("lifecycleRules"); {
	case len(rules) > 0:
		var all []any
		for i, r := range rules {
			rule := props{"Status": "Disabled", "ID": r.text("id"), "Prefix": r.text("prefix"), "ExpirationDays": r.object("expiration").number("days"),
				"NoncurrentDays": r.object("noncurrentVersionExpiration").number("days"), "AbortIncompleteMultipartUpload": r.number("abortIncompleteMultipartUploadDays")}
			if r.boolean("enabled") {
				rule["Status"] = "Enabled"
			}
			if rule["ID"] == "" {
				rule["ID"] = fmt.Sprintf("rule-%d", i+1)
			}
			all = append(all, map[string]any(rule))
		}
		_, err := c.do(ctx, "s3", "PutBucketLifecycleConfiguration", props{"Bucket": id, "Configuration": map[string]any{"Rules": all}})
		return err
	case old.has("lifecycleRules"):
		_, err := c.do(ctx, "s3", "DeleteBucketLifecycle", props{"Bucket": id})
		return err
	}
	return nil
}

func lifecycleFrom(rules []props) []any {
	var all []any
	for _, r := range rules {
		rule := map[string]any{"enabled": r.text("Status") == "Enabled", "id": r["ID"]}
		if prefix := r.text("Prefix"); prefix != "" {
			rule["prefix"] = prefix
		}
		if n := r.number("AbortIncompleteMultipartUpload"); n != 0 {
			rule["abortIncompleteMultipartUploadDays"] = n
		}
		if n := r.number("ExpirationDays"); n != 0 {
			rule["expiration"] = map[string]any{"days": n}
		}
		if n := r.number("NoncurrentDays"); n != 0 {
			rule["noncurrentVersionExpiration"] = map[string]any{"days": n}
		}
		all = append(all, rule)
	}
	return all
}

func putEncryption(ctx context.Context, c *call, bucket string, rule props) error {
	d := rule.object("applyServerSideEncryptionByDefault")
	_, err := c.do(ctx, "s3", "PutBucketEncryption", props{"Bucket": bucket, "Configuration": map[string]any{"Rules": []any{map[string]any{
		"ApplyServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": d.text("sseAlgorithm"), "KMSMasterKeyID": d.text("kmsMasterKeyId")},
		"BucketKeyEnabled":                   rule.boolean("bucketKeyEnabled")}}}})
	return err
}

func encryptionFrom(rule props) map[string]any {
	d := rule.object("ApplyServerSideEncryptionByDefault")
	by := map[string]any{"sseAlgorithm": d["SSEAlgorithm"]}
	if key := d.text("KMSMasterKeyID"); key != "" {
		by["kmsMasterKeyId"] = key
	}
	return map[string]any{"applyServerSideEncryptionByDefault": by, "bucketKeyEnabled": rule.boolean("BucketKeyEnabled")}
}

// emptyBucket deletes every version of every object.
func emptyBucket(ctx context.Context, c *call, bucket string) error {
	for {
		page, err := c.do(ctx, "s3", "ListObjectVersions", props{"Bucket": bucket})
		if err != nil {
			return err
		}
		all := append(page.objects("Version"), page.objects("DeleteMarker")...)
		if len(all) == 0 {
			return nil
		}
		for _, v := range all {
			if _, err := c.do(ctx, "s3", "DeleteObject", props{"Bucket": bucket, "Key": v["Key"], "VersionId": v["VersionId"]}); err != nil {
				return err
			}
		}
	}
}
