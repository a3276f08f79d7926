package provider

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

func iamTypes() []*resourceType {
	return []*resourceType{roleType(), rolePolicyType(), rolePolicyAttachmentType(), policyType(), oidcProviderType()}
}

const (
	iamName     = `^[\w+=,.@-]+$`
	iamNameSays = "letters, digits and +=,.@-_"
)

// date writes a timestamp of an API's answer as AWS's Terraform provider does.
func date(v any) any {
	seconds, ok := v.(float64)
	if !ok {
		return v
	}
	return time.UnixMilli(int64(seconds * 1000)).UTC().Format(time.RFC3339)
}

// document undoes IAM's URL encoding of policy documents.
func document(v any) any {
	s, _ := v.(string)
	if decoded, err := url.QueryUnescape(s); err == nil && strings.HasPrefix(s, "%") {
		return decoded
	}
	return v
}

func roleType() *resourceType {
	r := &resourceType{
		token: "aws:iam/role:Role",
		properties: append(tagProperties(),
			text("arn").output(),
			policyText("assumeRolePolicy").needed(),
			text("createDate").output(),
			text("description").length(0, 1000),
			boolean("forceDetachPolicies").kept().defaults(false),
			set("inlinePolicies", object("", text("name").length(1, 128), policyText("policy"))).orChosen(),
			set("managedPolicyArns", text("")).orChosen(),
			integer("maxSessionDuration").between(3600, 43200).defaults(3600),
			text("name").orChosen().replaces().length(1, 64).matching(iamName, iamNameSays).against("namePrefix"),
			text("namePrefix").kept().replaces(),
			text("path").replaces().defaults("/").length(0, 512),
			text("permissionsBoundary"),
			text("uniqueId").output(),
		),
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 64},
		create: createRole,
		read:   readRole,
		update: updateRole,
	}
	r.remove = func(ctx context.Context, c *call, id string, state props) error {
		exclusive := func(name string) bool { return state.boolean("forceDetachPolicies") || len(state.list(name)) > 0 }
		if exclusive("managedPolicyArns") {
			attached, err := attachedPolicies(ctx, c, id)
			if err != nil {
				return err
			}
			if err := detach(ctx, c, id, attached); err != nil {
				return err
			}
		}
		if exclusive("inlinePolicies") {
			inline, err := inlinePolicyNames(ctx, c, id)
			if err != nil {
				return err
			}
			if err := deleteInline(ctx, c, id, inline); err != nil {
				return err
			}
		}
		_, err := c.do(ctx, "iam", "DeleteRole", props{"RoleName": id})
		return err
	}
	return r
}

func createRole(ctx context.Context, c *call, in props) (string, error) {
	req := in.copied(props{}, "name", "RoleName", "assumeRolePolicy", "AssumeRolePolicyDocument", "path", "Path",
		"description", "Description", "maxSessionDuration", "MaxSessionDuration", "permissionsBoundary", "PermissionsBoundary")
	if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
		req["Tags"] = tags
	}
	if _, err := c.do(ctx, "iam", "CreateRole", req); err != nil {
		return "", err
	}
	id := in.text("name")
	if err := putInline(ctx, c, id, in.objects("inlinePolicies")); err != nil {
		return id, err
	}
	return id, attach(ctx, c, id, in.strings("managedPolicyArns"))
}

func readRole(ctx context.Context, c *call, id string, state props) (props, error) {
	out, err := c.do(ctx, "iam", "GetRole", props{"RoleName": id})
	if err != nil {
		return nil, err
	}
	role := out.object("Role")
	live := props{
		"arn": role["Arn"], "assumeRolePolicy": document(role["AssumeRolePolicyDocument"]), "createDate": date(role["CreateDate"]),
		"maxSessionDuration": role["MaxSessionDuration"], "name": role["RoleName"], "path": role["Path"], "uniqueId": role["RoleId"],
		"inlinePolicies": []any{}, "managedPolicyArns": []any{},
		"tagsAll": tagMap(role.objects("Tags"), "Key", "Value"),
	}
	if d := role.text("Description"); d != "" {
		live["description"] = d
	}
	if b := role.object("PermissionsBoundary").text("PermissionsBoundaryArn"); b != "" {
		live["permissionsBoundary"] = b
	}
	// Policies of which the program says nothing here belong to resources of their own.
	importing := len(state) == 0
	if importing || len(state.list("managedPolicyArns")) > 0 {
		attached, err := attachedPolicies(ctx, c, id)
		if err != nil {
			return nil, err
		}
		live["managedPolicyArns"] = asList(attached)
	}
	if importing || len(state.list("inlinePolicies")) > 0 {
		names, err := inlinePolicyNames(ctx, c, id)
		if err != nil {
			return nil, err
		}
		inline := []any{}
		for _, name := range names {
			p, err := c.do(ctx, "iam", "GetRolePolicy", props{"RoleName": id, "PolicyName": name})
			if err != nil {
				return nil, err
			}
			inline = append(inline, map[string]any{"name": name, "policy": document(p["PolicyDocument"])})
		}
		live["inlinePolicies"] = inline
	}
	return live, nil
}

func updateRole(ctx context.Context, c *call, ch *change) error {
	role := props{"RoleName": ch.id}
	if ch.of("assumeRolePolicy") {
		if _, err := c.do(ctx, "iam", "UpdateAssumeRolePolicy", props{"RoleName": ch.id, "PolicyDocument": ch.wanted["assumeRolePolicy"]}); err != nil {
			return err
		}
	}
	if ch.of("description", "maxSessionDuration") {
		if _, err := c.do(ctx, "iam", "UpdateRole", props{"RoleName": ch.id, "Description": ch.wanted.text("description"), "MaxSessionDuration": ch.wanted["maxSessionDuration"]}); err != nil {
			return err
		}
	}
	if ch.of("permissionsBoundary") {
		action, req := "DeleteRolePermissionsBoundary", role
		if arn := ch.wanted.text("permissionsBoundary"); arn != "" {
			action, req = "PutRolePermissionsBoundary", props{"RoleName": ch.id, "PermissionsBoundary": arn}
		}
		if _, err := c.do(ctx, "iam", action, req); err != nil {
			return err
		}
	}
	if ch.of("inlinePolicies") {
		kept := map[string]bool{}
		for _, p := range ch.wanted.objects("inlinePolicies") {
			kept[p.text("name")] = true
		}
		var dropped []string
		for _, p := range ch.old.objects("inlinePolicies") {
			if !kept[p.text("name")] {
				dropped = append(dropped, p.text("name"))
			}
		}
		if err := deleteInline(ctx, c, ch.id, dropped); err != nil {
			return err
		}
		if err := putInline(ctx, c, ch.id, ch.wanted.objects("inlinePolicies")); err != nil {
			return err
		}
	}
	if ch.of("managedPolicyArns") {
		added, removed := setDifference(text(""), ch.old.list("managedPolicyArns"), ch.wanted.list("managedPolicyArns"))
		if err := detach(ctx, c, ch.id, picked(ch.old.strings("managedPolicyArns"), removed)); err != nil {
			return err
		}
		if err := attach(ctx, c, ch.id, picked(ch.wanted.strings("managedPolicyArns"), added)); err != nil {
			return err
		}
	}
	return retag(ctx, c, ch, "Role", role)
}

func picked(all []string, at []int) []string {
	var some []string
	for _, i := range at {
		some = append(some, all[i])
	}
	return some
}

// retag changes the tags of an IAM entity; what names it in requests.
func retag(ctx context.Context, c *call, ch *change, entity string, what props) error {
	removed, added := ch.tags()
	req := props{}
	for k, v := range what {
		req[k] = v
	}
	if len(removed) > 0 {
		req["TagKeys"] = removed
		if _, err := c.do(ctx, "iam", "Untag"+entity, req); err != nil {
			return err
		}
		delete(req, "TagKeys")
	}
	if len(added) > 0 {
		req["Tags"] = tagList(asAny(added), "Key", "Value")
		if _, err := c.do(ctx, "iam", "Tag"+entity, req); err != nil {
			return err
		}
	}
	return nil
}

func attachedPolicies(ctx context.Context, c *call, role string) ([]string, error) {
	all, err := c.all(ctx, "iam", "ListAttachedRolePolicies", props{"RoleName": role}, "AttachedPolicies", "Marker", "Marker")
	var arns []string
	for _, p := range all {
		arns = append(arns, p.text("PolicyArn"))
	}
	return arns, err
}

func inlinePolicyNames(ctx context.Context, c *call, role string) ([]string, error) {
	out, err := c.do(ctx, "iam", "ListRolePolicies", props{"RoleName": role})
	return out.strings("PolicyNames"), err
}

func attach(ctx context.Context, c *call, role string, arns []string) error {
	for _, arn := range arns {
		if _, err := c.do(ctx, "iam", "AttachRolePolicy", props{"RoleName": role, "PolicyArn": arn}); err != nil {
			return fmt.Errorf("attaching %s to the role %s: %w", arn, role, err)
		}
	}
	return nil
}

func detach(ctx context.Context, c *call, role string, arns []string) error {
	for _, arn := range arns {
		if _, err := c.do(ctx, "iam", "DetachRolePolicy", props{"RoleName": role, "PolicyArn": arn}); err != nil && !isGone(err) {
			return fmt.Errorf("detaching %s from the role %s: %w", arn, role, err)
		}
	}
	return nil
}

func putInline(ctx context.Context, c *call, role string, policies []props) error {
	for _, p := range policies {
		if _, err := c.do(ctx, "iam", "PutRolePolicy", props{"RoleName": role, "PolicyName": p["name"], "PolicyDocument": p["policy"]}); err != nil {
			return fmt.Errorf("putting the policy %s on the role %s: %w", p.text("name"), role, err)
		}
	}
	return nil
}

func deleteInline(ctx context.Context, c *call, role string, names []string) error {
	for _, name := range names {
		if _, err := c.do(ctx, "iam", "DeleteRolePolicy", props{"RoleName": role, "PolicyName": name}); err != nil && !isGone(err) {
			return fmt.Errorf("deleting the policy %s of the role %s: %w", name, role, err)
		}
	}
	return nil
}

func rolePolicyType() *resourceType {
	put := func(ctx context.Context, c *call, role, name, policy string) error {
		_, err := c.do(ctx, "iam", "PutRolePolicy", props{"RoleName": role, "PolicyName": name, "PolicyDocument": policy})
		return err
	}
	return &resourceType{
		token: "aws:iam/rolePolicy:RolePolicy",
		properties: []*property{
			text("name").orChosen().replaces().length(1, 128).matching(iamName, iamNameSays).against("namePrefix"),
			text("namePrefix").kept().replaces(),
			policyText("policy").needed(),
			text("role").needed().replaces().matching(iamName, iamNameSays),
		},
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 128},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := put(ctx, c, in.text("role"), in.text("name"), in.text("policy")); err != nil {
				return "", err
			}
			return in.text("role") + ":" + in.text("name"), nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			role, name, ok := strings.Cut(id, ":")
			if !ok {
				return nil, fmt.Errorf("%q is not the id of a role's policy: role:name", id)
			}
			out, err := c.do(ctx, "iam", "GetRolePolicy", props{"RoleName": role, "PolicyName": name})
			if err != nil {
				return nil, err
			}
			return props{"role": role, "name": name, "policy": document(out["PolicyDocument"])}, nil
		},
		update: func(ctx context.Context, c *call, ch *change) error {
			role, name, _ := strings.Cut(ch.id, ":")
			return put(ctx, c, role, name, ch.wanted.text("policy"))
		},
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			role, name, _ := strings.Cut(id, ":")
			_, err := c.do(ctx, "iam", "DeleteRolePolicy", props{"RoleName": role, "PolicyName": name})
			return err
		},
	}
}

func rolePolicyAttachmentType() *resourceType {
	return &resourceType{
		token:      "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
		properties: []*property{text("policyArn").needed(), text("role").needed()},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			if err := attach(ctx, c, in.text("role"), []string{in.text("policyArn")}); err != nil {
				return "", err
			}
			return in.text("role") + "/" + in.text("policyArn"), nil
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			role, arn, _ := strings.Cut(id, "/")
			attached, err := attachedPolicies(ctx, c, role)
			if err != nil {
				return nil, err
			}
			for _, a := range attached {
				if a == arn {
					return props{"role": role, "policyArn": arn}, nil
				}
			}
			return nil, nil
		},
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			role, arn, _ := strings.Cut(id, "/")
			return detach(ctx, c, role, []string{arn})
		},
	}
}

func policyType() *resourceType {
	r := &resourceType{
		token: "aws:iam/policy:Policy",
		properties: append(tagProperties(),
			text("arn").output(), integer("attachmentCount").output(), text("description").replaces().length(0, 1000),
			text("name").orChosen().replaces().length(1, 128).matching(iamName, iamNameSays).against("namePrefix"),
			text("namePrefix").kept().replaces(),
			text("path").replaces().defaults("/").length(0, 512),
			policyText("policy").needed(), text("policyId").output(),
		),
		naming: &naming{property: "name", prefix: "namePrefix", maxLength: 128},
		update: updatePolicy,
	}
	r.create = func(ctx context.Context, c *call, in props) (string, error) {
		req := in.copied(props{}, "name", "PolicyName", "policy", "PolicyDocument", "path", "Path", "description", "Description")
		if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
			req["Tags"] = tags
		}
		out, err := c.do(ctx, "iam", "CreatePolicy", req)
		return out.object("Policy").text("Arn"), err
	}
	r.read = func(ctx context.Context, c *call, id string, state props) (props, error) {
		out, err := c.do(ctx, "iam", "GetPolicy", props{"PolicyArn": id})
		if err != nil {
			return nil, err
		}
		p := out.object("Policy")
		version, err := c.do(ctx, "iam", "GetPolicyVersion", props{"PolicyArn": id, "VersionId": p["DefaultVersionId"]})
		if err != nil {
			return nil, err
		}
		live := props{"arn": id, "attachmentCount": p.number("AttachmentCount"), "name": p["PolicyName"], "path": p["Path"], "policyId": p["PolicyId"],
			"policy": document(version.object("PolicyVersion")["Document"]), "tagsAll": tagMap(p.objects("Tags"), "Key", "Value")}
		if had, known := state["attachmentCount"]; known {
			live["attachmentCount"] = had // attachments are resources of their own: their number is no drift of the policy
		}
		if d := p.text("Description"); d != "" {
			live["description"] = d
		}
		return live, nil
	}
	r.remove = func(ctx context.Context, c *call, id string, _ props) error {
		versions, err := c.all(ctx, "iam", "ListPolicyVersions", props{"PolicyArn": id}, "Versions", "Marker", "Marker")
		if err != nil {
			return err
		}
		for _, v := range versions {
			if !v.boolean("IsDefaultVersion") {
				if _, err := c.do(ctx, "iam", "DeletePolicyVersion", props{"PolicyArn": id, "VersionId": v["VersionId"]}); err != nil {
					return err
				}
			}
		}
		_, err = c.do(ctx, "iam", "DeletePolicy", props{"PolicyArn": id})
		return err
	}
	return r
}

// mostVersions is how many versions AWS keeps of a managed policy.
const mostVersions = 5

func updatePolicy(ctx context.Context, c *call, ch *change) error {
	what := props{"PolicyArn": ch.id}
	if ch.of("policy") {
		versions, err := c.all(ctx, "iam", "ListPolicyVersions", props{"PolicyArn": ch.id}, "Versions", "Marker", "Marker")
		if err != nil {
			return err
		}
		if len(versions) >= mostVersions {
			var oldest props
			for _, v := range versions {
				if !v.boolean("IsDefaultVersion") && (oldest == nil || v.number("CreateDate") < oldest.number("CreateDate")) {
					oldest = v
				}
			}
			if _, err := c.do(ctx, "iam", "DeletePolicyVersion", props{"PolicyArn": ch.id, "VersionId": oldest["VersionId"]}); err != nil {
				return err
			}
		}
		if _, err := c.do(ctx, "iam", "CreatePolicyVersion", props{"PolicyArn": ch.id, "PolicyDocument": ch.wanted["policy"], "SetAsDefault": true}); err != nil {
			return err
		}
	}
	return retag(ctx, c, ch, "Policy", what)
}
