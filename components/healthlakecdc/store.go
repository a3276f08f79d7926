package healthlakecdc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/carepath/carepath/components/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudcontrol"
	awscloudtrail "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudtrail"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-awsx/sdk/v2/go/awsx/awsx"
	"github.com/pulumi/pulumi-awsx/sdk/v2/go/awsx/cloudtrail"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// makeKey makes the key of the data store and of all that is captured from it. A data store keeps its key for ever, and with
// Subscriptions the bus that hears of changes must have the same one. The resource "*" of a key's policy is the key itself.
func (b *builder) makeKey() (err error) {
	itself := policy.ARNs(pulumi.String("*"))
	partition, region, account := b.args.Partition, b.args.Region, b.args.Account
	service := func(name string) map[string]string { return map[string]string{"Service": name} }
	when := func(operator, key, value string) []policy.Condition {
		return []policy.Condition{{Operator: operator, Key: key, Values: policy.ARNs(pulumi.String(value))}}
	}
	here := when("StringEquals", "aws:SourceAccount", account)
	statements := []policy.Statement{
		{
			Sid: "Account", Principal: map[string]string{"AWS": fmt.Sprintf("arn:%s:iam::%s:root", partition, account)},
			Actions: []string{"kms:*"}, Resources: itself,
		},
		{
			Sid: "Logs", Principal: service("logs." + region + ".amazonaws.com"),
			Actions: []string{"kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*"}, Resources: itself,
			Conditions: when("ArnLike", "kms:EncryptionContext:aws:logs:arn", fmt.Sprintf("arn:%s:logs:%s:%s:log-group:*", partition, region, account)),
		},
		{
			Sid: "LogDelivery", Principal: service("delivery.logs.amazonaws.com"), Actions: []string{"kms:Decrypt*"}, Resources: itself,
			Conditions: when("StringEquals", "kms:EncryptionContext:SourceArn", fmt.Sprintf("arn:%s:logs:%s:%s:*", partition, region, account)),
		},
		{
			// EventBridge encrypts what is on the buses, and what its rules send to queues; each queue's policy says which rules
			// may. See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-key-policy.html.
			Sid: "Events", Principal: service("events.amazonaws.com"),
			Actions: []string{"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"}, Resources: itself, Conditions: here,
		},
	}
	switch {
	case b.args.Feed == Subscriptions:
		// See https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-subscriptions-create.html.
		statements = append(statements, policy.Statement{
			Sid: "Notifications", Principal: service("healthlake.amazonaws.com"),
			Actions: []string{"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"}, Resources: itself,
		})
	case !b.args.WithoutTrail:
		// See https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html.
		trails := fmt.Sprintf("arn:%s:cloudtrail:*:%s:trail/*", partition, account)
		statements = append(statements,
			policy.Statement{
				Sid: "Trail", Principal: service("cloudtrail.amazonaws.com"), Actions: []string{"kms:GenerateDataKey*"}, Resources: itself,
				Conditions: when("StringLike", "kms:EncryptionContext:aws:cloudtrail:arn", trails),
			},
			policy.Statement{Sid: "TrailKey", Principal: service("cloudtrail.amazonaws.com"), Actions: []string{"kms:DescribeKey"}, Resources: itself, Conditions: here})
	}
	b.key, err = kms.NewKey(b.ctx, b.name, &kms.KeyArgs{
		Description:          pulumi.String("The FHIR data store " + b.args.DatastoreName + " and its changes"),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(30),
		Policy:               policy.Document(statements...).ToStringPtrOutput(),
	}, b.parent, b.protection())
	if err != nil {
		return err
	}
	_, err = kms.NewAlias(b.ctx, b.name, &kms.AliasArgs{NamePrefix: pulumi.String("alias/" + b.name + "-"), TargetKeyId: b.key.KeyId}, pulumi.Parent(b.key))
	return err
}

// datastore is the FHIR data store.
type datastore struct {
	id, arn, endpoint pulumi.StringOutput
}

// makeDatastore makes the data store by way of Cloud Control: pulumi-aws has no resource for it. All its properties but the
// tags are for ever, and a change of one would make another, empty data store: the desired state is written with its members in order, so
// that the same arguments give the same bytes. See
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-healthlake-fhirdatastore.html.
func (b *builder) makeDatastore() error {
	tags := make([]map[string]string, 0, len(b.args.Tags))
	for _, name := range slices.Sorted(maps.Keys(b.args.Tags)) {
		tags = append(tags, map[string]string{"Key": name, "Value": b.args.Tags[name]})
	}
	desired := b.key.Arn.ApplyT(func(key string) (string, error) {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(map[string]any{ // its members are written in the order of the alphabet
			"DatastoreName":        b.args.DatastoreName,
			"DatastoreTypeVersion": "R4",
			"SseConfiguration": map[string]any{"KmsEncryptionConfig": map[string]string{
				"CmkType": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": key,
			}},
			"Tags": tags,
		})
		return string(bytes.TrimSpace(text.Bytes())), err
	}).(pulumi.StringOutput)
	store, err := cloudcontrol.NewResource(b.ctx, b.name+"-datastore", &cloudcontrol.ResourceArgs{
		TypeName: pulumi.String("AWS::HealthLake::FHIRDatastore"), DesiredState: desired,
	}, b.parent, b.protection(), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "1h", Delete: "1h"}))
	if err != nil {
		return err
	}
	id := store.ID().ToStringOutput()
	b.datastore = &datastore{
		id:  id,
		arn: pulumi.Sprintf("arn:%s:healthlake:%s:%s:datastore/fhir/%s", b.args.Partition, b.args.Region, b.args.Account, id),
		endpoint: store.Properties.ApplyT(func(properties string) (string, error) {
			var read struct{ DatastoreEndpoint string }
			if err := json.Unmarshal([]byte(properties), &read); err != nil || read.DatastoreEndpoint == "" {
				return "", fmt.Errorf("Cloud Control does not say the endpoint of the data store %s", b.args.DatastoreName)
			}
			return read.DatastoreEndpoint, nil
		}).(pulumi.StringOutput),
	}
	return nil
}

// makeTrail makes what CloudTrail needs to tell EventBridge of writes: a trail, with a bucket for its files. The trail records
// management events that write, which those of FHIR resources are, and nothing else.
func (b *builder) makeTrail() error {
	name := b.name + "-trail"
	// CloudTrail writes until the trail is gone, and S3 deletes no bucket that has something in it.
	bucket, err := s3.NewBucketV2(b.ctx, name, &s3.BucketV2Args{ForceDestroy: pulumi.Bool(!b.args.DeletionProtection)}, b.parent, b.protection())
	if err != nil {
		return err
	}
	inBucket := pulumi.Parent(bucket)
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(b.ctx, name, &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			BucketKeyEnabled: pulumi.Bool(true),
			ApplyServerSideEncryptionByDefault: s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("aws:kms"), KmsMasterKeyId: b.key.Arn.ToStringPtrOutput(),
			},
		}},
	}, inBucket); err != nil {
		return err
	}
	block, err := s3.NewBucketPublicAccessBlock(b.ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket: bucket.ID(), BlockPublicAcls: pulumi.Bool(true), BlockPublicPolicy: pulumi.Bool(true), IgnorePublicAcls: pulumi.Bool(true),
		RestrictPublicBuckets: pulumi.Bool(true),
	}, inBucket)
	if err != nil {
		return err
	}
	// The bucket's policy is made with the trail: pulumi-awsx writes the one that CloudTrail asks for, and a bucket has one only.
	_, err = cloudtrail.NewTrail(b.ctx, name, &cloudtrail.TrailArgs{
		S3Bucket:                &awsx.RequiredBucketArgs{Existing: &awsx.ExistingBucketArgs{Arn: bucket.Arn.ToStringPtrOutput()}},
		KmsKeyId:                b.key.Arn.ToStringPtrOutput(),
		EnableLogFileValidation: pulumi.Bool(true),
		// FHIR interactions are management events: HealthLake has no data events for them.
		EventSelectors: awscloudtrail.TrailEventSelectorArray{awscloudtrail.TrailEventSelectorArgs{
			IncludeManagementEvents: pulumi.Bool(true), ReadWriteType: pulumi.String("WriteOnly"),
		}},
		IncludeGlobalServiceEvents: pulumi.Bool(false),
	}, b.parent, pulumi.DependsOn([]pulumi.Resource{block}))
	return err
}
