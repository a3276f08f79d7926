package kms_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/store"
)

type cloud struct {
	*dispatch.Dispatcher
	t     *testing.T
	clock *clock.Driven
}

func newCloud(t *testing.T) *cloud {
	c := clock.NewDriven(time.Unix(1_700_000_000, 0))
	d := dispatch.New(c, "000000000000", "us-east-1")
	s := store.Memory()
	if _, err := iam.New(d, s); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.New(d, s); err != nil {
		t.Fatal(err)
	}
	return &cloud{d, t, c}
}

func must[Out any](c *cloud, action string, in any) *Out {
	c.t.Helper()
	out, err := dispatch.Do[Out](c.t.Context(), c.Dispatcher, c.Root(), "kms", action, in)
	if err != nil {
		c.t.Fatalf("%s: %v", action, err)
	}
	return out
}

func (c *cloud) code(p dispatch.Principal, action string, in any) string {
	if _, err := c.Do(c.t.Context(), p, "kms", action, in); err != nil {
		return dispatch.AsError(err).Code
	}
	return ""
}

func (c *cloud) key(policy string) kms.KeyMetadata {
	c.t.Helper()
	return must[kms.KeyMetadataOutput](c, "CreateKey", &kms.CreateKeyInput{Policy: policy}).KeyMetadata
}

func input(id string) *kms.KeyInput { return &kms.KeyInput{KeyID: id} }

func TestEncryption(t *testing.T) {
	c := newCloud(t)
	key, other := c.key(""), c.key("")
	must[kms.Empty](c, "CreateAlias", &kms.AliasInput{AliasName: "alias/k", TargetKeyID: key.KeyID})
	context := map[string]string{"a": "1", "b": "2"}
	for _, name := range []string{key.KeyID, key.Arn, "alias/k", c.ARN("kms", "alias/k")} {
		sealed := must[kms.EncryptOutput](c, "Encrypt", &kms.EncryptInput{KeyInput: kms.KeyInput{KeyID: name}, Plaintext: []byte("text"), EncryptionContext: context})
		if sealed.KeyID != key.Arn || bytes.Contains(sealed.CiphertextBlob, []byte("text")) {
			t.Errorf("%+v", sealed)
		}
		opened := must[kms.DecryptOutput](c, "Decrypt", &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyID: name})
		if string(opened.Plaintext) != "text" || opened.KeyID != key.Arn {
			t.Errorf("%+v", opened)
		}
		altered := bytes.Clone(sealed.CiphertextBlob)
		altered[len(altered)-1]++
		for code, in := range map[string]*kms.DecryptInput{
			"InvalidCiphertextException": {CiphertextBlob: altered, EncryptionContext: context},
			"IncorrectKeyException":      {CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyID: other.KeyID},
			"NotFoundException":          {CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context, KeyID: "alias/none"},
		} {
			if got := c.code(c.Root(), "Decrypt", in); got != code {
				t.Errorf("%q, want %s", got, code)
			}
		}
		if got := c.code(c.Root(), "Decrypt", &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}); got != "InvalidCiphertextException" {
			t.Errorf("without its encryption context: %q", got)
		}
	}
	if got := c.code(c.Root(), "Decrypt", &kms.DecryptInput{CiphertextBlob: []byte("?")}); got != "InvalidCiphertextException" {
		t.Error(got)
	}
	data := must[kms.GenerateDataKeyOutput](c, "GenerateDataKey", &kms.GenerateDataKeyInput{KeyID: key.KeyID, KeySpec: "AES_256"})
	opened := must[kms.DecryptOutput](c, "Decrypt", &kms.DecryptInput{CiphertextBlob: data.CiphertextBlob})
	if len(data.Plaintext) != 32 || !bytes.Equal(opened.Plaintext, data.Plaintext) {
		t.Error("the data key does not come back")
	}
	other, to := c.key(""), map[string]string{"to": "b"}
	moved := must[kms.ReEncryptOutput](c, "ReEncrypt", &kms.ReEncryptInput{CiphertextBlob: data.CiphertextBlob, DestinationKeyID: other.KeyID, DestinationEncryptionContext: to})
	opened = must[kms.DecryptOutput](c, "Decrypt", &kms.DecryptInput{CiphertextBlob: moved.CiphertextBlob, EncryptionContext: to})
	if opened.KeyID != other.Arn || moved.KeyID != other.Arn || moved.SourceKeyID != key.Arn || !bytes.Equal(opened.Plaintext, data.Plaintext) {
		t.Errorf("under another key and encryption context: %+v, %+v", moved, opened)
	}
}

func TestStates(t *testing.T) {
	c := newCloud(t)
	key := c.key("")
	encrypt := &kms.EncryptInput{KeyInput: kms.KeyInput{KeyID: key.KeyID}, Plaintext: []byte("x")}
	step := func(action string, in any, encryptCode, state string) {
		t.Helper()
		if code := c.code(c.Root(), action, in); code != "" {
			t.Fatalf("%s: %s", action, code)
		}
		if code := c.code(c.Root(), "Encrypt", encrypt); code != encryptCode {
			t.Errorf("after %s Encrypt gives %q, want %q", action, code, encryptCode)
		}
		if m := must[kms.KeyMetadataOutput](c, "DescribeKey", input(key.KeyID)).KeyMetadata; m.KeyState != state || m.Enabled != (state == "Enabled") {
			t.Errorf("after %s: %+v", action, m)
		}
	}
	step("DisableKey", input(key.KeyID), "DisabledException", "Disabled")
	step("EnableKey", input(key.KeyID), "", "Enabled")
	step("ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyInput: *input(key.KeyID), PendingWindowInDays: 7}, "KMSInvalidStateException", "PendingDeletion")
	if code := c.code(c.Root(), "EnableKey", input(key.KeyID)); code != "KMSInvalidStateException" {
		t.Error(code)
	}
	step("CancelKeyDeletion", input(key.KeyID), "DisabledException", "Disabled")
	step("ScheduleKeyDeletion", &kms.ScheduleKeyDeletionInput{KeyInput: *input(key.KeyID), PendingWindowInDays: 7}, "KMSInvalidStateException", "PendingDeletion")
	c.clock.Advance(7 * 24 * time.Hour)
	if code := c.code(c.Root(), "DescribeKey", input(key.KeyID)); code != "NotFoundException" {
		t.Error(code)
	}
	if keys := must[kms.ListKeysOutput](c, "ListKeys", &kms.ListKeysInput{}).Keys; len(keys) != 0 {
		t.Error(keys)
	}
}

func TestRotation(t *testing.T) {
	c := newCloud(t)
	key := c.key("")
	must[kms.Empty](c, "EnableKeyRotation", &kms.EnableKeyRotationInput{KeyInput: *input(key.KeyID), RotationPeriodInDays: 90})
	c.clock.Advance(100 * 24 * time.Hour)
	status := must[kms.GetKeyRotationStatusOutput](c, "GetKeyRotationStatus", input(key.KeyID))
	if want := key.CreationDate.Add(180 * 24 * time.Hour); !status.KeyRotationEnabled || !status.NextRotationDate.Equal(want) {
		t.Errorf("%+v, want %v", status, want)
	}
	must[kms.Empty](c, "DisableKeyRotation", input(key.KeyID))
	if must[kms.GetKeyRotationStatusOutput](c, "GetKeyRotationStatus", input(key.KeyID)).KeyRotationEnabled {
		t.Error("still on")
	}
}

func TestKeyPolicies(t *testing.T) {
	c := newCloud(t)
	role := func(name, statements string) dispatch.Principal {
		t.Helper()
		if _, err := c.Do(t.Context(), c.Root(), "iam", "CreateRole", &iam.CreateRoleInput{RoleName: name,
			AssumeRolePolicyDocument: `{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`}); err != nil {
			t.Fatal(err)
		}
		if statements != "" {
			if _, err := c.Do(t.Context(), c.Root(), "iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: name, PolicyName: "p", PolicyDocument: `{"Statement":[` + statements + `]}`}); err != nil {
				t.Fatal(err)
			}
		}
		return dispatch.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/" + name + "/s", RoleARN: "arn:aws:iam::000000000000:role/" + name}
	}
	plain, able := role("plain", ""), role("able", `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`)
	admin := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:PutKeyPolicy","Resource":"*"}`
	logs := dispatch.Principal{ARN: "logs.us-east-1.amazonaws.com", Service: "logs.us-east-1.amazonaws.com"}
	delegated := c.key("")
	closed := c.key(`{"Statement":[` + admin + `]}`)
	named := c.key(`{"Statement":[` + admin + `,{"Effect":"Allow","Principal":{"AWS":"` + plain.RoleARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`)
	service := c.key(`{"Statement":[` + admin + `,{"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Action":"kms:Encrypt*","Resource":"*",
		"Condition":{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-east-1:000000000000:log-group:/x"}}}]}`)
	for _, x := range []struct {
		who     dispatch.Principal
		key     kms.KeyMetadata
		context map[string]string
		want    bool
	}{
		{able, delegated, nil, true}, {plain, delegated, nil, false}, {logs, delegated, nil, false},
		{able, closed, nil, false},
		{plain, named, nil, true}, {able, named, nil, false},
		{logs, service, map[string]string{"aws:logs:arn": "arn:aws:logs:us-east-1:000000000000:log-group:/x"}, true},
		{logs, service, map[string]string{"aws:logs:arn": "arn:aws:logs:us-east-1:000000000000:log-group:/y"}, false},
		{logs, service, nil, false},
	} {
		code := c.code(x.who, "Encrypt", &kms.EncryptInput{KeyInput: *input(x.key.KeyID), Plaintext: []byte("x"), EncryptionContext: x.context})
		if (code == "") != x.want || code != "" && code != "AccessDeniedException" {
			t.Errorf("%s: %q, want allowed=%v", x.who.ARN, code, x.want)
		}
	}
	for _, policy := range []string{`{`, `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"` + plain.RoleARN + `"},"Action":"kms:*","Resource":"*"}]}`} {
		if code := c.code(c.Root(), "PutKeyPolicy", &kms.PutKeyPolicyInput{KeyInput: *input(closed.KeyID), Policy: policy}); code != "MalformedPolicyDocumentException" {
			t.Errorf("%s: %q", policy, code)
		}
	}
}

func TestAliasesAndErrors(t *testing.T) {
	c := newCloud(t)
	key, other := c.key(""), c.key("")
	must[kms.Empty](c, "CreateAlias", &kms.AliasInput{AliasName: "alias/k", TargetKeyID: key.Arn})
	must[kms.Empty](c, "UpdateAlias", &kms.AliasInput{AliasName: "alias/k", TargetKeyID: other.KeyID})
	if a := must[kms.ListAliasesOutput](c, "ListAliases", &kms.ListAliasesInput{KeyID: other.KeyID}).Aliases; len(a) != 1 || a[0].TargetKeyID != other.KeyID {
		t.Error(a)
	}
	for _, x := range []struct {
		action string
		in     any
		code   string
	}{
		{"CreateAlias", &kms.AliasInput{AliasName: "alias/k", TargetKeyID: key.KeyID}, "AlreadyExistsException"},
		{"CreateAlias", &kms.AliasInput{AliasName: "k", TargetKeyID: key.KeyID}, "InvalidAliasNameException"},
		{"CreateAlias", &kms.AliasInput{AliasName: "alias/aws/x", TargetKeyID: key.KeyID}, "NotAuthorizedException"},
		{"UpdateAlias", &kms.AliasInput{AliasName: "alias/none", TargetKeyID: key.KeyID}, "NotFoundException"},
		{"DeleteAlias", &kms.DeleteAliasInput{AliasName: "alias/none"}, "NotFoundException"},
		{"EnableKey", input("alias/k"), "NotFoundException"},
		{"DescribeKey", input("11111111-2222-3333-4444-555555555555"), "NotFoundException"},
		{"CreateKey", &kms.CreateKeyInput{KeySpec: "RSA_2048"}, "UnsupportedOperationException"},
		{"GenerateDataKey", &kms.GenerateDataKeyInput{KeyID: key.KeyID}, "ValidationException"},
		{"TagResource", &kms.TagResourceInput{KeyInput: *input(key.KeyID), Tags: []kms.Tag{{TagKey: "aws:x"}}}, "TagException"},
	} {
		if code := c.code(c.Root(), x.action, x.in); code != x.code {
			t.Errorf("%s %+v: %q, want %s", x.action, x.in, code, x.code)
		}
	}
	must[kms.Empty](c, "TagResource", &kms.TagResourceInput{KeyInput: *input(key.KeyID), Tags: []kms.Tag{{"a", "1"}, {"b", "2"}}})
	must[kms.Empty](c, "UntagResource", &kms.UntagResourceInput{KeyInput: *input(key.KeyID), TagKeys: []string{"a"}})
	if tags := must[kms.ListResourceTagsOutput](c, "ListResourceTags", &kms.ListResourceTagsInput{KeyInput: *input(key.KeyID)}).Tags; len(tags) != 1 || tags[0].TagKey != "b" {
		t.Error(tags)
	}
	must[kms.Empty](c, "DeleteAlias", &kms.DeleteAliasInput{AliasName: "alias/k"})
}
