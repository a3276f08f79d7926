package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// trailComponent is the one component of pulumi-awsx that is constructed here: a bucket unless there is one, the bucket's
// policy, and the trail, under the names and with the inputs that pulumi-awsx 2.22.0 gives them.
const trailComponent = "awsx:cloudtrail:Trail"

// trailInputs are the component's inputs that it hands on to the trail.
var trailInputs = []string{"advancedEventSelectors", "enableLogFileValidation", "enableLogging", "eventSelectors", "includeGlobalServiceEvents", "insightSelectors",
	"isMultiRegionTrail", "isOrganizationTrail", "kmsKeyId", "name", "s3KeyPrefix", "snsTopicName", "tags"}

// Construct builds a component of pulumi-awsx: it registers the component's children with the engine.
func (s *server) Construct(ctx context.Context, req *pulumirpc.ConstructRequest) (*pulumirpc.ConstructResponse, error) {
	if req.GetType() != trailComponent {
		return nil, status.Errorf(codes.Unimplemented, "the embedded AWS does not emulate the component %s; of pulumi-awsx it has %s", req.GetType(), trailComponent)
	}
	given, err := unmarshal(req.GetInputs())
	if err != nil {
		return nil, err
	}
	if err := checkTrailComponent(given); err != nil {
		return nil, status.Error(codes.InvalidArgument, fmt.Sprintf("%s %q: %v", trailComponent, req.GetName(), err))
	}
	return provider.Construct(ctx, req, nil, func(ctx *pulumi.Context, typ, name string, inputs provider.ConstructInputs, options pulumi.ResourceOption) (*provider.ConstructResult, error) {
		values, err := inputs.Map()
		if err != nil {
			return nil, err
		}
		return constructTrail(ctx, typ, name, given, values, options)
	})
}

func checkTrailComponent(given resource.PropertyMap) error {
	for key := range given {
		switch name := string(key); {
		case name == "cloudWatchLogsGroup":
			if on := asObject(toPlain(given[key]))["enable"]; on != nil && on != false {
				return fmt.Errorf("the embedded AWS does not emulate cloudWatchLogsGroup: records are written to buckets only")
			}
		case name != "s3Bucket" && !slices.Contains(trailInputs, name):
			return fmt.Errorf("%q is not a property that can be set", name)
		}
	}
	bucket := asObject(toPlain(given["s3Bucket"]))
	existing := asObject(bucket["existing"])
	switch {
	case existing != nil && bucket["args"] != nil:
		return fmt.Errorf("can't define bucket args if specifying an existing bucket")
	case existing != nil && existing["arn"] == nil && existing["name"] == nil:
		return fmt.Errorf("one of an existing bucket's name or ARN must be specified")
	}
	return nil
}

// child is a resource of a component.
type child struct{ pulumi.CustomResourceState }

// bucketChild is the bucket that a component makes.
type bucketChild struct {
	pulumi.CustomResourceState
	Arn    pulumi.StringOutput `pulumi:"arn"`
	Bucket pulumi.StringOutput `pulumi:"bucket"`
}

// reference is a resource as a component's output.
func reference(r pulumi.CustomResource) pulumi.Output {
	return r.URN().ApplyT(func(pulumi.URN) any { return r })
}

func constructTrail(ctx *pulumi.Context, typ, name string, given resource.PropertyMap, values pulumi.Map, options pulumi.ResourceOption) (*provider.ConstructResult, error) {
	component := &struct{ pulumi.ResourceState }{}
	if err := ctx.RegisterComponentResource(typ, name, component, options); err != nil {
		return nil, fmt.Errorf("registering the component: %w", err)
	}
	parent := pulumi.Parent(component)
	outputs := pulumi.Map{}
	bucketName, bucketARN, made, err := requiredBucket(ctx, name, given, values, parent)
	if err != nil {
		return nil, fmt.Errorf("registering the bucket: %w", err)
	}
	after := []pulumi.ResourceOption{parent}
	if made != nil {
		outputs["bucket"] = reference(made)
		after = append(after, pulumi.DependsOn([]pulumi.Resource{made}))
	}
	policy, trail := &child{}, &child{}
	document := bucketARN.ApplyT(trailPolicy).(pulumi.StringOutput)
	if err := ctx.RegisterResource("aws:s3/bucketPolicy:BucketPolicy", name, pulumi.Map{"bucket": bucketName, "policy": document}, policy, after...); err != nil {
		return nil, fmt.Errorf("registering the bucket's policy: %w", err)
	}
	inputs := pulumi.Map{"s3BucketName": bucketName}
	for _, key := range trailInputs {
		if v, ok := values[key]; ok {
			inputs[key] = v
		}
	}
	if err := ctx.RegisterResource("aws:cloudtrail/trail:Trail", name, inputs, trail, parent, pulumi.DependsOn([]pulumi.Resource{policy})); err != nil {
		return nil, fmt.Errorf("registering the trail: %w", err)
	}
	outputs["trail"] = reference(trail)
	if err := ctx.RegisterResourceOutputs(component, outputs); err != nil {
		return nil, fmt.Errorf("registering the component's outputs: %w", err)
	}
	return &provider.ConstructResult{URN: component.URN(), State: outputs}, nil
}

// requiredBucket registers the component's bucket, or finds the existing one.
func requiredBucket(ctx *pulumi.Context, name string, given resource.PropertyMap, values pulumi.Map, parent pulumi.ResourceOption) (bucketName, arn pulumi.StringOutput, made *bucketChild, err error) {
	bucket := asObject(toPlain(given["s3Bucket"]))
	// at is a part of the input. Where another part of it is not known yet, in a preview, neither is this one.
	at := func(path ...string) pulumi.Output {
		return pulumi.ToOutput(values["s3Bucket"]).ApplyT(func(v any) any {
			for _, key := range path {
				v = asObject(v)[key]
			}
			return v
		})
	}
	text := func(o pulumi.Output, f func(string) string) pulumi.StringOutput {
		return o.ApplyT(func(v any) string {
			s, _ := v.(string)
			return f(s)
		}).(pulumi.StringOutput)
	}
	same := func(s string) string { return s }
	if existing := asObject(bucket["existing"]); existing != nil {
		if existing["arn"] != nil {
			return text(at("existing", "arn"), func(s string) string { return s[strings.LastIndexByte(s, ':')+1:] }), text(at("existing", "arn"), same), nil, nil
		}
		// The ARN lacks "s3", as it does in pulumi-awsx: S3 refuses the policy. An existing bucket must be given by its ARN.
		return text(at("existing", "name"), same), text(at("existing", "name"), func(s string) string { return "arn:aws:::" + s }), nil, nil
	}
	args := pulumi.Map{"forceDestroy": pulumi.Bool(true)}
	for key := range asObject(bucket["args"]) {
		args[key] = at("args", key)
	}
	made = &bucketChild{}
	err = ctx.RegisterResource("aws:s3/bucket:Bucket", name, args, made, parent)
	return made.Bucket, made.Arn, made, err
}

// trailPolicy is the policy that lets CloudTrail write into a bucket.
func trailPolicy(arn string) string {
	cloudtrail := map[string]any{"Service": "cloudtrail.amazonaws.com"}
	return compactJSON(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Sid": "AWSCloudTrailAclCheck", "Effect": "Allow", "Principal": cloudtrail, "Action": []any{"s3:GetBucketAcl"}, "Resource": []any{arn}},
		map[string]any{"Sid": "AWSCloudTrailWrite", "Effect": "Allow", "Principal": cloudtrail, "Action": []any{"s3:PutObject"}, "Resource": []any{arn + "/*"},
			"Condition": map[string]any{"StringEquals": map[string]any{"s3:x-amz-acl": "bucket-owner-full-control"}}},
	}})
}
