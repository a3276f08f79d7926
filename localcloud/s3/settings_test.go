package s3_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/store"
)

func newDispatcher(t *testing.T) *dispatch.Dispatcher {
	t.Helper()
	d := dispatch.New(clock.NewDriven(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), "000000000000", "us-east-1")
	memory := store.Memory()
	for _, err := range []error{second(iam.New(d, memory)), second(kms.New(d, memory)), second(s3.New(d, memory))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(t, d, d.Root(), "CreateBucket", &s3.CreateBucketInput{Bucket: "logs"})
	return d
}

func second[T any](_ T, err error) error { return err }

func must(t *testing.T, d *dispatch.Dispatcher, p dispatch.Principal, action string, in any) any {
	t.Helper()
	out, err := d.Do(context.Background(), p, "s3", action, in)
	if err != nil {
		t.Fatalf("%s: %v", action, err)
	}
	return out
}

func code(t *testing.T, d *dispatch.Dispatcher, p dispatch.Principal, action string, in any) string {
	t.Helper()
	_, err := d.Do(context.Background(), p, "s3", action, in)
	var e *dispatch.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s did not fail: %v", action, err)
	}
	return e.Code
}

// A bucket's policy lets a service in that has no policies of its own, as far as it says.
func TestBucketPolicy(t *testing.T) {
	d := newDispatcher(t)
	trail := dispatch.Principal{ARN: "cloudtrail.amazonaws.com", Service: "cloudtrail.amazonaws.com", SourceARN: "arn:aws:cloudtrail:us-east-1:000000000000:trail/t"}
	put := &s3.PutObjectInput{Bucket: "logs", Key: "AWSLogs/x", Body: []byte("x"), ACL: "bucket-owner-full-control"}
	if got := code(t, d, trail, "PutObject", put); got != "AccessDenied" {
		t.Error(got)
	}
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::logs"},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/AWSLogs/*",
		"Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"arn:aws:cloudtrail:us-east-1:000000000000:trail/t"}}}]}`
	must(t, d, d.Root(), "PutBucketPolicy", &s3.PutBucketPolicyInput{Bucket: "logs", Policy: []byte(policy)})
	must(t, d, trail, "GetBucketAcl", &s3.BucketInput{Bucket: "logs"})
	must(t, d, trail, "PutObject", put)
	for _, other := range []*s3.PutObjectInput{{Bucket: "logs", Key: "AWSLogs/x"}, {Bucket: "logs", Key: "other", ACL: put.ACL}} {
		if got := code(t, d, trail, "PutObject", other); got != "AccessDenied" {
			t.Errorf("%+v: %s", other, got)
		}
	}
	if got := code(t, d, trail, "GetObject", &s3.GetObjectInput{Bucket: "logs", Key: "AWSLogs/x"}); got != "AccessDenied" {
		t.Error(got)
	}
	for bad, want := range map[string]string{
		`{`: "MalformedPolicy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"}}`: "AccessDenied",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"x.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:::logs/*"}}`: "MalformedPolicy",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::logs/*"}}`:                                        "MalformedPolicy",
	} {
		if got := code(t, d, d.Root(), "PutBucketPolicy", &s3.PutBucketPolicyInput{Bucket: "logs", Policy: []byte(bad)}); got != want {
			t.Errorf("%s: %s", bad, got)
		}
	}
	must(t, d, d.Root(), "DeleteBucketPolicy", &s3.BucketInput{Bucket: "logs"})
	if got := code(t, d, d.Root(), "GetBucketPolicy", &s3.BucketInput{Bucket: "logs"}); got != "NoSuchBucketPolicy" {
		t.Error(got)
	}
}

// Who writes and reads objects of an encrypted bucket needs its key.
func TestEncryptedBucket(t *testing.T) {
	d := newDispatcher(t)
	ctx, root := context.Background(), d.Root()
	key, err := dispatch.Do[kms.KeyMetadataOutput](ctx, d, root, "kms", "CreateKey", &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	arn := key.KeyMetadata.Arn
	must(t, d, root, "PutBucketEncryption", &s3.SettingInput[s3.ServerSideEncryptionConfiguration]{Bucket: "logs", Configuration: &s3.ServerSideEncryptionConfiguration{
		Rules: []s3.EncryptionRule{{ApplyServerSideEncryptionByDefault: &s3.EncryptionDefault{SSEAlgorithm: "aws:kms", KMSMasterKeyID: arn}}}}})
	role := func(name, statements string) dispatch.Principal {
		t.Helper()
		for action, in := range map[string]any{"CreateRole": &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`}} {
			if _, err := d.Do(ctx, root, "iam", action, in); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Do(ctx, root, "iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: name, PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[` + statements + `]}`}); err != nil {
			t.Fatal(err)
		}
		return dispatch.Principal{ARN: "arn:aws:sts::000000000000:assumed-role/" + name + "/s", RoleARN: "arn:aws:iam::000000000000:role/" + name}
	}
	const objects = `{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::logs/*"}`
	with := role("with", objects+`,{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"`+arn+`","Condition":{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}}`)
	without := role("without", objects)
	put, get := &s3.PutObjectInput{Bucket: "logs", Key: "k", Body: []byte("x")}, &s3.GetObjectInput{Bucket: "logs", Key: "k"}
	must(t, d, with, "PutObject", put)
	if out := must(t, d, with, "GetObject", get).(*s3.GetObjectOutput); string(out.Body) != "x" {
		t.Errorf("%+v", out)
	}
	for action, in := range map[string]any{"PutObject": put, "GetObject": get} {
		if got := code(t, d, without, action, in); got != "AccessDenied" {
			t.Errorf("%s: %s", action, got)
		}
	}
}

func TestSettings(t *testing.T) {
	d := newDispatcher(t)
	root := d.Root()
	named := &s3.BucketInput{Bucket: "logs"}
	if out := must(t, d, root, "GetPublicAccessBlock", named).(*s3.SettingOutput[s3.PublicAccessBlockConfiguration]); !out.Configuration.BlockPublicPolicy {
		t.Errorf("a new bucket may become public: %+v", out)
	}
	must(t, d, root, "DeletePublicAccessBlock", named)
	if got := code(t, d, root, "GetPublicAccessBlock", named); got != "NoSuchPublicAccessBlockConfiguration" {
		t.Error(got)
	}
	must(t, d, root, "PutBucketLifecycleConfiguration", &s3.SettingInput[s3.LifecycleConfiguration]{Bucket: "logs", Configuration: &s3.LifecycleConfiguration{Rules: []s3.LifecycleRule{{ID: "a", Status: "Enabled", ExpirationDays: 30}}}})
	must(t, d, root, "DeleteBucketLifecycle", named)
	if got := code(t, d, root, "GetBucketLifecycleConfiguration", named); got != "NoSuchLifecycleConfiguration" {
		t.Error(got)
	}
	if got := code(t, d, root, "PutBucketOwnershipControls", &s3.SettingInput[s3.OwnershipControls]{Bucket: "logs", Configuration: &s3.OwnershipControls{}}); got != "MalformedXML" {
		t.Error(got)
	}
	must(t, d, root, "PutBucketTagging", &s3.TaggingInput{Bucket: "logs", TagSet: []s3.Tag{{Key: "a", Value: "1"}}})
	if out := must(t, d, root, "GetBucketTagging", named).(*s3.TaggingOutput); len(out.TagSet) != 1 {
		t.Errorf("%+v", out)
	}
	if got := code(t, d, root, "GetBucketTagging", &s3.BucketInput{Bucket: "none"}); got != "NoSuchBucket" {
		t.Error(got)
	}
}
