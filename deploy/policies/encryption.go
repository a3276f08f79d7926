package policies

import (
	"encoding/json"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
)

const (
	hipaaEncryption = "HIPAA §164.312(a)(2)(iv)"
	withStacksKey   = "give it the stack's key: KMSKeyARN of the component, or the key's ARN"
	whyOwnKey       = "With a key of one's own, who may read the data is a matter of the key's policy, each use is on record, and the key can be shut off."
)

// customerManaged reports whether a text names a key that is not AWS's own.
func customerManaged(key string) bool {
	return key != "" && !strings.Contains(key, "alias/aws/")
}

// encrypted makes a rule for a type that names its key at a path.
func encrypted(id, title, control, path string, types ...string) Rule {
	r := Rule{ID: id, Title: title, Reason: whyOwnKey, Mend: withStacksKey, Controls: []string{hipaaEncryption}}
	if control != "" {
		r.Controls = append(r.Controls, control)
	}
	r.check = func(c *check) {
		c.each(func(r *graph.Resource) {
			if !customerManaged(r.Text(path)) {
				c.found(r, "%s names no customer-managed key", path)
			}
		}, types...)
	}
	return r
}

var encryption = []Rule{
	encrypted("CPK-KMS-001", "Queues are encrypted with a customer-managed key", "AWS Security Hub SQS.1", "kmsMasterKeyId", "aws:sqs/queue:Queue"),
	encrypted("CPK-KMS-002", "Topics are encrypted with a customer-managed key", "AWS Security Hub SNS.1", "kmsMasterKeyId", "aws:sns/topic:Topic"),
	{
		ID: "CPK-KMS-003", Title: "Tables are encrypted with a customer-managed key", Reason: whyOwnKey, Mend: withStacksKey, Controls: []string{hipaaEncryption},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if !r.True("serverSideEncryption.enabled") || !customerManaged(r.Text("serverSideEncryption.kmsKeyArn")) {
					c.found(r, "serverSideEncryption is not on, or names no customer-managed key")
				}
			}, "aws:dynamodb/table:Table")
		},
	},
	encrypted("CPK-KMS-004", "Log groups are encrypted with a customer-managed key", "", "kmsKeyId", logGroup),
	{
		ID: "CPK-KMS-005", Title: "Buckets are encrypted with a customer-managed key", Reason: whyOwnKey, Controls: []string{hipaaEncryption, "AWS Security Hub S3.17"},
		Mend: `give it an aws.s3.BucketServerSideEncryptionConfigurationV2 with "aws:kms" and the stack's key`,
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				key := r.Text("serverSideEncryptionConfiguration.rule.applyServerSideEncryptionByDefault.kmsMasterKeyId")
				for _, s := range c.about(r, "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "bucket") {
					key = s.Text("rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId")
				}
				if !customerManaged(key) {
					c.found(r, "its default encryption names no customer-managed key")
				}
			}, buckets...)
		},
	},
	encrypted("CPK-KMS-006", "Event buses are encrypted with a customer-managed key", "", "kmsKeyIdentifier", "aws:cloudwatch/eventBus:EventBus"),
	{
		ID: "CPK-KMS-007", Title: "State machines encrypt their executions' data with a customer-managed key", Reason: whyOwnKey, Mend: withStacksKey, Controls: []string{hipaaEncryption},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if r.Text("encryptionConfiguration.type") != "CUSTOMER_MANAGED_KMS_KEY" || !customerManaged(r.Text("encryptionConfiguration.kmsKeyId")) {
					c.found(r, "encryptionConfiguration names no customer-managed key")
				}
			}, stateMachine)
		},
	},
	{
		ID: "CPK-KMS-008", Title: "Functions encrypt their environment with a customer-managed key", Reason: whyOwnKey, Mend: withStacksKey, Controls: []string{hipaaEncryption},
		Exceptions: []string{"functions without an environment: there is nothing to encrypt"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if _, has := r.Value("environment.variables"); has && !customerManaged(r.Text("kmsKeyArn")) {
					c.found(r, "it has an environment, and kmsKeyArn names no customer-managed key")
				}
			}, function)
		},
	},
	{
		ID: "CPK-KMS-009", Title: "FHIR data stores are encrypted with a customer-managed key", Reason: whyOwnKey, Controls: []string{hipaaEncryption},
		Mend: "set SseConfiguration.KmsEncryptionConfig in its desired state; a data store that exists must be made anew for it",
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if r.Text("typeName") != dataStore {
					return
				}
				var state struct {
					SseConfiguration struct {
						KmsEncryptionConfig struct{ CmkType, KmsKeyId string }
					}
				}
				err := json.Unmarshal([]byte(r.Text("desiredState")), &state)
				if k := state.SseConfiguration.KmsEncryptionConfig; err != nil || k.CmkType != "CUSTOMER_MANAGED_KMS_KEY" || !customerManaged(k.KmsKeyId) {
					c.found(r, "its desired state names no customer-managed key")
				}
			}, "aws:cloudcontrol/resource:Resource")
		},
	},
	{
		ID: "CPK-KMS-010", Title: "Trails encrypt their files with a customer-managed key", Reason: whyOwnKey, Mend: withStacksKey,
		Controls: []string{hipaaEncryption, "AWS Security Hub CloudTrail.2", "CIS 3.5"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if !customerManaged(r.Text("kmsKeyId")) {
					c.found(r, "kmsKeyId names no customer-managed key")
				}
			}, trails...)
		},
	},
	{
		ID: "CPK-KMS-011", Title: "Keys rotate", Reason: "What one key was used for stays bounded, should it ever leak.", Mend: "set EnableKeyRotation",
		Controls:   []string{hipaaEncryption, "AWS Security Hub KMS.4", "CIS 3.6"},
		Exceptions: []string{"keys that are not symmetric encryption keys: AWS does not rotate them"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				if spec := r.Text("customerMasterKeySpec"); spec != "" && spec != "SYMMETRIC_DEFAULT" {
					return
				}
				if !r.True("enableKeyRotation") {
					c.found(r, "enableKeyRotation is not on")
				}
			}, key)
		},
	},
	encrypted("CPK-KMS-012", "Secrets are encrypted with a customer-managed key", "", "kmsKeyId", "aws:secretsmanager/secret:Secret"),
}

// Types that several rules look at.
const (
	function     = "aws:lambda/function:Function"
	key          = "aws:kms/key:Key"
	logGroup     = "aws:cloudwatch/logGroup:LogGroup"
	metricAlarm  = "aws:cloudwatch/metricAlarm:MetricAlarm"
	queue        = "aws:sqs/queue:Queue"
	stateMachine = "aws:sfn/stateMachine:StateMachine"
	table        = "aws:dynamodb/table:Table"
	userPool     = "aws:cognito/userPool:UserPool"

	dataStore = "AWS::HealthLake::FHIRDatastore" // of Cloud Control
)

var (
	buckets = []string{"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"}
	trails  = []string{"aws:cloudtrail/trail:Trail", "awsx:cloudtrail:Trail"}
)
