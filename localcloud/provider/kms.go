package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func kmsTypes() []*resourceType { return []*resourceType{keyType(), aliasType()} }

func keyType() *resourceType {
	const noStores = "there are no custom key stores"
	r := &resourceType{
		token: "aws:kms/key:Key",
		properties: append(tagProperties(),
			text("arn").output(),
			boolean("bypassPolicyLockoutSafetyCheck").kept().defaults(false),
			text("customKeyStoreId").refused(noStores),
			text("customerMasterKeySpec").replaces().defaults("SYMMETRIC_DEFAULT").oneOf("RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384",
				"ECC_NIST_P521", "ECC_SECG_P256K1", "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2"),
			integer("deletionWindowInDays").kept().between(7, 30),
			text("description").orChosen().length(0, 8192),
			boolean("enableKeyRotation").defaults(false), boolean("isEnabled").defaults(true),
			text("keyId").output(),
			text("keyUsage").replaces().defaults("ENCRYPT_DECRYPT").oneOf("SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"),
			boolean("multiRegion").orChosen().replaces(),
			policyText("policy").orChosen().length(0, 32768),
			integer("rotationPeriodInDays").orChosen().between(90, 2560),
			text("xksKeyId").refused(noStores),
		),
		create: createKey,
		read:   readKey,
		update: updateKey,
		check: func(in props) []failure {
			if in.has("rotationPeriodInDays") && in["enableKeyRotation"] == false {
				return []failure{{"rotationPeriodInDays", "\"rotationPeriodInDays\": all of `enableKeyRotation,rotationPeriodInDays` must be specified"}}
			}
			return nil
		},
	}
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		req := state.copied(props{"KeyId": id}, "deletionWindowInDays", "PendingWindowInDays")
		live, err := readKey(ctx, c, id, state)
		if err != nil || live == nil {
			return err // gone, or waiting for its deletion already
		}
		_, err = c.do(ctx, "kms", "ScheduleKeyDeletion", req)
		return err
	}
	return r
}

func createKey(ctx context.Context, c *call, in props) (string, error) {
	req := in.copied(props{}, "policy", "Policy", "description", "Description", "keyUsage", "KeyUsage", "customerMasterKeySpec", "KeySpec", "multiRegion", "MultiRegion")
	if in.boolean("bypassPolicyLockoutSafetyCheck") {
		req["BypassPolicyLockoutSafetyCheck"] = true
	}
	if tags := tagList(in["tagsAll"], "TagKey", "TagValue"); len(tags) > 0 {
		req["Tags"] = tags
	}
	out, err := c.do(ctx, "kms", "CreateKey", req)
	if err != nil {
		return "", err
	}
	id := out.object("KeyMetadata").text("KeyId")
	if in.boolean("enableKeyRotation") {
		if err := rotate(ctx, c, id, in); err != nil {
			return id, err
		}
	}
	if in["isEnabled"] == false {
		_, err = c.do(ctx, "kms", "DisableKey", props{"KeyId": id})
	}
	return id, err
}

func rotate(ctx context.Context, c *call, id string, in props) error {
	action, req := "DisableKeyRotation", props{"KeyId": id}
	if in.boolean("enableKeyRotation") {
		action = "EnableKeyRotation"
		in.copied(req, "rotationPeriodInDays", "RotationPeriodInDays")
	}
	_, err := c.do(ctx, "kms", action, req)
	return err
}

func readKey(ctx context.Context, c *call, id string, _ props) (props, error) {
	what := props{"KeyId": id}
	out, err := c.do(ctx, "kms", "DescribeKey", what)
	if err != nil {
		return nil, err
	}
	key := out.object("KeyMetadata")
	if state := key.text("KeyState"); state == "PendingDeletion" || state == "PendingReplicaDeletion" {
		return nil, nil
	}
	document, err := c.do(ctx, "kms", "GetKeyPolicy", props{"KeyId": id, "PolicyName": "default"})
	if err != nil {
		return nil, err
	}
	tags, err := c.all(ctx, "kms", "ListResourceTags", props{"KeyId": id}, "Tags", "Marker", "NextMarker")
	if err != nil {
		return nil, err
	}
	live := props{"arn": key["Arn"], "keyId": key["KeyId"], "description": key.text("Description"), "isEnabled": key.boolean("Enabled"), "keyUsage": key["KeyUsage"],
		"customerMasterKeySpec": key["KeySpec"], "multiRegion": key.boolean("MultiRegion"), "policy": document["Policy"],
		"enableKeyRotation": false, "tagsAll": tagMap(tags, "TagKey", "TagValue")}
	if key.text("KeySpec") == "SYMMETRIC_DEFAULT" {
		rotation, err := c.do(ctx, "kms", "GetKeyRotationStatus", what)
		if err != nil {
			return nil, err
		}
		live["enableKeyRotation"] = rotation.boolean("KeyRotationEnabled")
		if days := rotation.number("RotationPeriodInDays"); days > 0 {
			live["rotationPeriodInDays"] = days
		}
	}
	return live, nil
}

func updateKey(ctx context.Context, c *call, ch *change) error {
	id := ch.id
	enabling := ch.of("isEnabled") && ch.wanted.boolean("isEnabled")
	if enabling { // first: a disabled key takes no other change
		if _, err := c.do(ctx, "kms", "EnableKey", props{"KeyId": id}); err != nil {
			return err
		}
	}
	if ch.of("enableKeyRotation", "rotationPeriodInDays") {
		if err := rotate(ctx, c, id, ch.wanted); err != nil {
			return err
		}
	}
	if ch.of("description") {
		if _, err := c.do(ctx, "kms", "UpdateKeyDescription", props{"KeyId": id, "Description": ch.wanted.text("description")}); err != nil {
			return err
		}
	}
	if ch.of("policy") {
		req := props{"KeyId": id, "PolicyName": "default", "Policy": ch.wanted["policy"]}
		if ch.wanted.boolean("bypassPolicyLockoutSafetyCheck") {
			req["BypassPolicyLockoutSafetyCheck"] = true
		}
		if _, err := c.do(ctx, "kms", "PutKeyPolicy", req); err != nil {
			return err
		}
	}
	if ch.of("isEnabled") && !enabling {
		if _, err := c.do(ctx, "kms", "DisableKey", props{"KeyId": id}); err != nil {
			return err
		}
	}
	return ch.retag(ctx, c, "kms", "KeyId", id, "TagKeys", "Tags", func(tags any) []any { return tagList(tags, "TagKey", "TagValue") })
}

func aliasType() *resourceType {
	sameKey := func(a, b any) bool {
		id := func(v any) string {
			s, _ := v.(string)
			return s[strings.LastIndexByte(s, '/')+1:]
		}
		return id(a) == id(b)
	}
	put := func(ctx context.Context, c *call, action, name string, in props) error {
		_, err := c.do(ctx, "kms", action, props{"AliasName": name, "TargetKeyId": in["targetKeyId"]})
		return err
	}
	const pattern, says = `^alias/[a-zA-Z0-9/_-]+$`, "it must begin with 'alias/' and be comprised of only [0-9A-Za-z_/-]"
	return &resourceType{
		token: "aws:kms/alias:Alias",
		properties: []*property{
			text("arn").output(),
			text("name").orChosen().replaces().length(1, 256).matching(pattern, says).against("namePrefix"),
			text("namePrefix").kept().replaces().matching(pattern, says),
			text("targetKeyArn").output().changesWith("targetKeyId"),
			text("targetKeyId").needed().alike(sameKey),
		},
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 256, fix: func(name string, _ resource.PropertyMap) string {
			return "alias/" + strings.TrimPrefix(name, "alias/")
		}},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := put(ctx, c, "CreateAlias", in.text("name"), in); err != nil {
				return "", err
			}
			return in.text("name"), nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			all, err := c.all(ctx, "kms", "ListAliases", props{}, "Aliases", "Marker", "NextMarker")
			if err != nil {
				return nil, fmt.Errorf("looking for the alias %s: %w", id, err)
			}
			for _, a := range all {
				if a.text("AliasName") == id {
					key := a.text("TargetKeyId")
					return props{"arn": a["AliasArn"], "name": id, "targetKeyId": key, "targetKeyArn": c.d.ARN("kms", "key/"+key)}, nil
				}
			}
			return nil, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			return put(ctx, c, "UpdateAlias", ch.id, ch.wanted)
		},
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "kms", "DeleteAlias", props{"AliasName": id})
			return err
		},
	}
}
