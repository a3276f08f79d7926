package provider

import (
	"io"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudcontrol"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// awsxTrail is the component as pulumi-awsx's SDK sees it, as far as the test reads it.
type awsxTrail struct {
	pulumi.ResourceState
	Bucket s3.BucketOutput `pulumi:"bucket"`
}

// TestEngineConstructsATrail takes the component of pulumi-awsx and a data store through the real engine, with an explicit
// provider whose default tags reach the component's children.
func TestEngineConstructsATrail(t *testing.T) {
	d := embeddedAWS(t)
	readWrite, name := "WriteOnly", "records"
	s := newStack(t, serve(t, d), func(ctx *pulumi.Context) error {
		p, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.String("us-east-1"),
			DefaultTags: aws.ProviderDefaultTagsArgs{Tags: pulumi.StringMap{"stack": pulumi.String("test")}}})
		if err != nil {
			return err
		}
		key, err := kms.NewKey(ctx, "key", &kms.KeyArgs{}, pulumi.Provider(p))
		if err != nil {
			return err
		}
		var trail awsxTrail
		err = ctx.RegisterRemoteComponentResource(trailComponent, "audit", pulumi.Map{
			"eventSelectors": pulumi.Array{pulumi.Map{"readWriteType": pulumi.String(readWrite), "includeManagementEvents": pulumi.Bool(true)}},
			"s3Bucket": pulumi.Map{"args": pulumi.Map{"versioning": pulumi.Map{"enabled": pulumi.Bool(true)}, "serverSideEncryptionConfiguration": pulumi.Map{"rule": pulumi.Map{
				"applyServerSideEncryptionByDefault": pulumi.Map{"sseAlgorithm": pulumi.String("AES256")}}}, "tags": pulumi.StringMap{"key": key.KeyId}}},
		}, &trail, pulumi.Providers(p))
		if err != nil {
			return err
		}
		records, err := cloudcontrol.NewResource(ctx, "records", &cloudcontrol.ResourceArgs{TypeName: pulumi.String("AWS::HealthLake::FHIRDatastore"),
			DesiredState: pulumi.String(`{"DatastoreName":"` + name + `","DatastoreTypeVersion":"R4"}`)}, pulumi.Provider(p))
		if err != nil {
			return err
		}
		ctx.Export("bucket", trail.Bucket.Bucket())
		ctx.Export("datastore", records.ID())
		return nil
	})
	ctx := t.Context()
	up := func(want string) map[string]any {
		t.Helper()
		var log strings.Builder
		res, err := s.Up(ctx, optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(&log))
		if err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
		if got := counts(res.Summary); got != want {
			t.Errorf("up: %s, want %s", got, want)
		}
		outputs := map[string]any{}
		for k, v := range res.Outputs {
			outputs[k] = v.Value
		}
		return outputs
	}
	if _, err := s.Preview(ctx, optpreview.ProgressStreams(io.Discard)); err != nil {
		t.Fatal(err)
	}
	outputs := up("create 8")
	bucket, _ := outputs["bucket"].(string)
	if !strings.HasPrefix(bucket, "audit-") {
		t.Errorf("outputs %v", outputs)
	}
	c := &call{d: d}
	tags, err := c.do(ctx, "s3", "GetBucketTagging", props{"Bucket": bucket})
	if err != nil || tagMap(tags.objects("TagSet"), "Key", "Value")["stack"] != "test" {
		t.Errorf("the bucket's tags: %v %v", tags, err)
	}
	up("same 8")
	if drift, err := s.Refresh(ctx, optrefresh.ProgressStreams(io.Discard)); err != nil || counts(drift.Summary) != "same 8" {
		t.Errorf("refresh: %s %v", counts(drift.Summary), err)
	}
	readWrite = "All"
	up("update 1, same 7")
	name = "others" // a property that can be set at creation only
	up("replace 1, same 7")
	if _, err := s.Destroy(ctx, optdestroy.ProgressStreams(io.Discard)); err != nil {
		t.Fatal(err)
	}
}
