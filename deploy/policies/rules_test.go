package policies

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// made has a resource a line: its name, its type and its inputs. What is named bad… is against the rule, anything else is not.
type made struct{ rule, resources string }

const everybody = `{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sqs:SendMessage\"`

var cases = []made{
	{"CPK-KMS-001", `
bad-none  aws:sqs/queue:Queue {"sqsManagedSseEnabled":true}
bad-aws   aws:sqs/queue:Queue {"kmsMasterKeyId":"alias/aws/sqs"}
good      aws:sqs/queue:Queue {"kmsMasterKeyId":"${kms.Key:carepath.arn}"}`},
	{"CPK-KMS-002", `
bad  aws:sns/topic:Topic {}
good aws:sns/topic:Topic {"kmsMasterKeyId":"${kms.Key:carepath.arn}"}`},
	{"CPK-KMS-003", `
bad-off  aws:dynamodb/table:Table {"serverSideEncryption":{"enabled":false,"kmsKeyArn":"arn:1"}}
bad-aws  aws:dynamodb/table:Table {"serverSideEncryption":{"enabled":true}}
bad-none aws:dynamodb/table:Table {}
good     aws:dynamodb/table:Table {"serverSideEncryption":{"enabled":true,"kmsKeyArn":"${kms.Key:carepath.arn}"}}`},
	{"CPK-KMS-004", `
bad  aws:cloudwatch/logGroup:LogGroup {"retentionInDays":30}
good aws:cloudwatch/logGroup:LogGroup {"kmsKeyId":"${kms.Key:carepath.arn}"}`},
	{"CPK-KMS-005", `
bad-none  aws:s3/bucketV2:BucketV2 {}
bad-aes   aws:s3/bucketV2:BucketV2 {}
bad-aes-s aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2 {"bucket":"${s3.BucketV2:bad-aes.bucket}","rules":[{"applyServerSideEncryptionByDefault":{"sseAlgorithm":"AES256"}}]}
good      aws:s3/bucketV2:BucketV2 {}
good-sse  aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2 {"bucket":"${s3.BucketV2:good.bucket}","rules":[{"applyServerSideEncryptionByDefault":{"sseAlgorithm":"aws:kms","kmsMasterKeyId":"arn:1"}}]}
good-old  aws:s3/bucket:Bucket {"serverSideEncryptionConfiguration":{"rule":{"applyServerSideEncryptionByDefault":{"sseAlgorithm":"aws:kms","kmsMasterKeyId":"arn:1"}}}}`},
	{"CPK-KMS-006", `
bad  aws:cloudwatch/eventBus:EventBus {}
good aws:cloudwatch/eventBus:EventBus {"kmsKeyIdentifier":"arn:1"}`},
	{"CPK-KMS-007", `
bad      aws:sfn/stateMachine:StateMachine {}
bad-aws  aws:sfn/stateMachine:StateMachine {"encryptionConfiguration":{"type":"AWS_OWNED_KEY"}}
good     aws:sfn/stateMachine:StateMachine {"encryptionConfiguration":{"type":"CUSTOMER_MANAGED_KMS_KEY","kmsKeyId":"arn:1"}}`},
	{"CPK-KMS-008", `
bad       aws:lambda/function:Function {"environment":{"variables":{"A":"b"}}}
good      aws:lambda/function:Function {"environment":{"variables":{"A":"b"}},"kmsKeyArn":"arn:1"}
good-none aws:lambda/function:Function {}`},
	{"CPK-KMS-009", `
bad   aws:cloudcontrol/resource:Resource {"typeName":"AWS::HealthLake::FHIRDatastore","desiredState":"{\"DatastoreTypeVersion\":\"R4\"}"}
bad-a aws:cloudcontrol/resource:Resource {"typeName":"AWS::HealthLake::FHIRDatastore","desiredState":"{\"SseConfiguration\":{\"KmsEncryptionConfig\":{\"CmkType\":\"AWS_OWNED_KMS_KEY\"}}}"}
good  aws:cloudcontrol/resource:Resource {"typeName":"AWS::HealthLake::FHIRDatastore","desiredState":"{\"SseConfiguration\":{\"KmsEncryptionConfig\":{\"CmkType\":\"CUSTOMER_MANAGED_KMS_KEY\",\"KmsKeyId\":\"arn:1\"}}}"}
good-other aws:cloudcontrol/resource:Resource {"typeName":"AWS::ApiGatewayV2::ApiMapping","desiredState":"{}"}`},
	{"CPK-KMS-010", `
bad  aws:cloudtrail/trail:Trail {}
bad-awsx awsx:cloudtrail:Trail {}
good aws:cloudtrail/trail:Trail {"kmsKeyId":"arn:1"}`},
	{"CPK-KMS-011", `
bad  aws:kms/key:Key {}
good aws:kms/key:Key {"enableKeyRotation":true}
good-sign aws:kms/key:Key {"customerMasterKeySpec":"ECC_NIST_P256"}`},
	{"CPK-KMS-012", `
bad  aws:secretsmanager/secret:Secret {}
good aws:secretsmanager/secret:Secret {"kmsKeyId":"arn:1"}`},

	{"CPK-PUB-001", `
bad  aws:s3/bucketV2:BucketV2 {}
good aws:s3/bucketV2:BucketV2 {}
good-block aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock {"bucket":"${s3.BucketV2:good.id}","blockPublicAcls":true,"blockPublicPolicy":true,"ignorePublicAcls":true,"restrictPublicBuckets":true}
bad-half aws:s3/bucketV2:BucketV2 {}
good-part aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock {"bucket":"${s3.BucketV2:bad-half.id}","blockPublicAcls":true}`},
	{"CPK-PUB-002", `
bad        aws:sqs/queue:Queue {"policy":"` + everybody + `}]}"}
bad-aws    aws:sns/topicPolicy:TopicPolicy {"policy":"{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sns:Publish\"}}"}
bad-tls    aws:sqs/queuePolicy:QueuePolicy {"policy":"` + everybody + `,\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"true\"}}}]}"}
bad-any    aws:sqs/queuePolicy:QueuePolicy {"policy":"` + everybody + `,\"Condition\":{\"ArnLike\":{\"aws:SourceArn\":\"*\"}}}]}"}
bad-if     aws:sqs/queuePolicy:QueuePolicy {"policy":"` + everybody + `,\"Condition\":{\"StringEqualsIfExists\":{\"aws:SourceAccount\":\"1\"}}}]}"}
bad-not    aws:cloudwatch/eventBusPolicy:EventBusPolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"1\"},\"Action\":\"events:PutEvents\"}]}"}
bad-lambda aws:lambda/permission:Permission {"principal":"*"}
bad-text   aws:kms/key:Key {"policy":"no JSON"}
good       aws:sqs/queuePolicy:QueuePolicy {"policy":"` + everybody + `,\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":\"arn:1\"}}}]}"}
good-deny  aws:s3/bucketPolicy:BucketPolicy {"policy":"{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\"}]}"}
good-named aws:sqs/queue:Queue {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"111111111111\"]},\"Action\":\"sqs:*\"}]}"}`},
	{"CPK-PUB-003", `
bad        aws:sqs/queuePolicy:QueuePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"sqs:SendMessage\"}]}"}
bad-lambda aws:lambda/permission:Permission {"principal":"events.amazonaws.com"}
good        aws:sqs/queuePolicy:QueuePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":\"arn:1\"}}}]}"}
good-lambda aws:lambda/permission:Permission {"principal":"events.amazonaws.com","sourceArn":"arn:1"}
good-bus    aws:cloudwatch/eventBusPolicy:EventBusPolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"healthlake.amazonaws.com\"},\"Action\":\"events:PutEvents\"}]}"}
good-key    aws:kms/key:Key {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}]}"}`},
	{"CPK-PUB-004", `
bad    aws:apigateway/restApi:RestApi {}
map    aws:apigateway/basePathMapping:BasePathMapping {"restApi":"${apigateway.RestApi:bad.id}"}
bad-v2 aws:apigateway/restApi:RestApi {}
map-v2 aws:cloudcontrol/resource:Resource {"typeName":"AWS::ApiGatewayV2::ApiMapping","desiredState":"{\"ApiId\":\"${apigateway.RestApi:bad-v2.id}\"}"}
good   aws:apigateway/restApi:RestApi {"disableExecuteApiEndpoint":true}
map-2  aws:apigateway/basePathMapping:BasePathMapping {"restApi":"${apigateway.RestApi:good.id}"}
good-unmapped aws:apigateway/restApi:RestApi {}`},
	{"CPK-PUB-005", `
bad  aws:lambda/functionUrl:FunctionUrl {"authorizationType":"NONE"}
good aws:lambda/functionUrl:FunctionUrl {"authorizationType":"AWS_IAM"}`},
	{"CPK-PUB-006", `
bad      aws:apigateway/restApi:RestApi {"body":"{\"paths\":{\"/\":{\"post\":{}}}}"}
bad-any  aws:apigateway/restApi:RestApi {"body":"{\"paths\":{\"/\":{\"x-amazon-apigateway-any-method\":{}}}}"}
good     aws:apigateway/restApi:RestApi {"body":"{\"paths\":{\"/\":{\"post\":{\"security\":[{\"sigv4\":[]}]}}}}"}
good-all aws:apigateway/restApi:RestApi {"body":"{\"security\":[{\"sigv4\":[]}],\"paths\":{\"/\":{\"post\":{}}}}"}`},
	{"CPK-PUB-006", `
good     aws:apigateway/restApi:RestApi {"body":"{\"paths\":{\"/\":{\"post\":{}}}}"}
domain   aws:apigateway/domainName:DomainName {"mutualTlsAuthentication":{"truststoreUri":"s3://b/k"}}`},

	{"CPK-IAM-001", `
bad      aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"sqs:*\"],\"Resource\":\"arn:1\"}]}"}
bad-part aws:iam/policy:Policy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"sqs:Send*\"],\"Resource\":\"arn:1\"}]}"}
bad-not  aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"NotAction\":\"iam:*\",\"Resource\":\"*\"}]}"}
bad-in   aws:iam/role:Role {"inlinePolicies":[{"name":"a","policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}]}
bad-text aws:iam/rolePolicy:RolePolicy {"policy":"${unknown"}
good     aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sqs:SendMessage\",\"Resource\":\"arn:1\"},{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}`},
	{"CPK-IAM-002", `
bad      aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}]}"}
bad-all  aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sqs:SendMessage\",\"Resource\":\"arn:aws:sqs:us-east-1:1:*\"}]}"}
bad-two  aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"xray:PutTraceSegments\",\"logs:PutLogEvents\"],\"Resource\":\"*\"}]}"}
good     aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"xray:PutTraceSegments\"],\"Resource\":\"*\"}]}"}
good-arn aws:iam/rolePolicy:RolePolicy {"policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"logs:PutLogEvents\"],\"Resource\":\"arn:aws:logs:us-east-1:1:log-group:a:*\"}]}"}
gateway  aws:iam/role:Role {"assumeRolePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"apigateway.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"}
good-gw  aws:iam/rolePolicy:RolePolicy {"role":"${iam.Role:gateway.name}","policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"logs:PutLogEvents\",\"Resource\":\"*\"}]}"}
account  aws:apigateway/account:Account {"cloudwatchRoleArn":"${iam.Role:gateway.arn}"}`},
	{"CPK-IAM-003", `
bad      aws:iam/rolePolicyAttachment:RolePolicyAttachment {"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}
bad-full aws:iam/role:Role {"managedPolicyArns":["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]}
good     aws:iam/rolePolicyAttachment:RolePolicyAttachment {"policyArn":"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}`},
	{"CPK-IAM-004", `
bad      aws:iam/role:Role {"assumeRolePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sts:AssumeRole\"}]}"}
bad-oidc aws:iam/role:Role {"assumeRolePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:1\"},\"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Condition\":{\"StringEquals\":{\"a.com:aud\":\"sts\"}}}]}"}
good     aws:iam/role:Role {"assumeRolePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"}
good-id  aws:iam/role:Role {"assumeRolePolicy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:1\"},\"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Condition\":{\"StringEquals\":{\"a.com:aud\":\"sts\",\"a.com:sub\":\"repo:a/b:ref:refs/heads/main\"}}}]}"}`},

	{"CPK-LOG-001", `
bad  aws:cloudwatch/logGroup:LogGroup {}
bad-short aws:cloudwatch/logGroup:LogGroup {"retentionInDays":30}
good aws:cloudwatch/logGroup:LogGroup {"retentionInDays":365}`},
	{"CPK-LOG-002", `
bad  aws:sfn/stateMachine:StateMachine {"loggingConfiguration":{"level":"OFF"}}
good aws:sfn/stateMachine:StateMachine {"loggingConfiguration":{"level":"ERROR"}}`},
	{"CPK-LOG-003", `
bad  aws:apigateway/stage:Stage {}
good aws:apigateway/stage:Stage {"accessLogSettings":{"destinationArn":"arn:1"}}`},
	{"CPK-LOG-004", `
bad      aws:sfn/stateMachine:StateMachine {"loggingConfiguration":{"includeExecutionData":true}}
bad-api  aws:apigateway/methodSettings:MethodSettings {"settings":{"dataTraceEnabled":true}}
bad-pipe aws:pipes/pipe:Pipe {"logConfiguration":{"includeExecutionDatas":["ALL"]}}
good     aws:sfn/stateMachine:StateMachine {"loggingConfiguration":{"includeExecutionData":false}}`},
	{"CPK-LOG-005", `
bad  aws:cloudtrail/trail:Trail {}
good aws:cloudtrail/trail:Trail {"enableLogFileValidation":true}`},

	{"CPK-TLS-001", `
bad  aws:apigateway/domainName:DomainName {"securityPolicy":"TLS_1_0"}
good aws:apigateway/domainName:DomainName {"securityPolicy":"TLS_1_2"}`},
	{"CPK-TLS-002", `
bad       aws:s3/bucketV2:BucketV2 {}
trail-bucket aws:s3/bucketV2:BucketV2 {}
trail     awsx:cloudtrail:Trail {"s3Bucket":{"existing":{"arn":"${s3.BucketV2:trail-bucket.arn}"}}}
bad-part  aws:s3/bucketV2:BucketV2 {}
part      aws:s3/bucketPolicy:BucketPolicy {"bucket":"${s3.BucketV2:bad-part.id}","policy":"{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}]}"}
good      aws:s3/bucketV2:BucketV2 {}
policy    aws:s3/bucketPolicy:BucketPolicy {"bucket":"${s3.BucketV2:good.id}","policy":"{\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"s3:*\",\"Condition\":{\"Bool\":{\"aws:SecureTransport\":\"false\"}}}]}"}`},
	{"CPK-TLS-003", `
bad  aws:sns/topicSubscription:TopicSubscription {"protocol":"http"}
good aws:sns/topicSubscription:TopicSubscription {"protocol":"https"}`},

	{"CPK-PRD-001", `
bad  aws:dynamodb/table:Table {}
bad-store aws:cloudcontrol/resource:Resource {"typeName":"AWS::HealthLake::FHIRDatastore"}
good aws:dynamodb/table:Table {"@protect":true}
good-mapping aws:cloudcontrol/resource:Resource {"typeName":"AWS::ApiGatewayV2::ApiMapping"}`},
	{"CPK-PRD-002", `
bad  aws:dynamodb/table:Table {}
good aws:dynamodb/table:Table {"pointInTimeRecovery":{"enabled":true}}`},
	{"CPK-PRD-003", `
bad  aws:dynamodb/table:Table {}
bad-pool aws:cognito/userPool:UserPool {"deletionProtection":"INACTIVE"}
good aws:dynamodb/table:Table {"deletionProtectionEnabled":true}
good-pool aws:cognito/userPool:UserPool {"deletionProtection":"ACTIVE"}`},
	{"CPK-PRD-004", `
bad  aws:s3/bucketV2:BucketV2 {"forceDestroy":true}
good aws:s3/bucketV2:BucketV2 {}`},
	{"CPK-PRD-005", `
bad  aws:kms/key:Key {"deletionWindowInDays":7}
good aws:kms/key:Key {}`},
	{"CPK-PRD-006", `
bad      aws:cognito/userPool:UserPool {"mfaConfiguration":"OFF","passwordPolicy":{"minimumLength":12,"requireLowercase":true,"requireUppercase":true,"requireNumbers":true,"requireSymbols":true}}
bad-weak aws:cognito/userPool:UserPool {"mfaConfiguration":"ON","passwordPolicy":{"minimumLength":12}}
good     aws:cognito/userPool:UserPool {"mfaConfiguration":"ON","passwordPolicy":{"minimumLength":12,"requireLowercase":true,"requireUppercase":true,"requireNumbers":true,"requireSymbols":true}}`},
	{"CPK-PRD-007", `
bad  aws:cloudwatch/metricAlarm:MetricAlarm {"alarmActions":[]}
good aws:cloudwatch/metricAlarm:MetricAlarm {"alarmActions":["arn:1"]}`},

	{"CPK-MON-001", `
bad-dead-letters aws:sqs/queue:Queue {}
bad-redriven     aws:sqs/queue:Queue {}
source           aws:sqs/queue:Queue {"redrivePolicy":"{\"deadLetterTargetArn\":\"${sqs.Queue:bad-redriven.arn}\"}"}
bad-scheduled    aws:sqs/queue:Queue {}
schedule         aws:scheduler/schedule:Schedule {"target":{"deadLetterConfig":{"arn":"${sqs.Queue:bad-scheduled.arn}"}}}
good-dlq         aws:sqs/queue:Queue {}
alarm            aws:cloudwatch/metricAlarm:MetricAlarm {"metricName":"ApproximateNumberOfMessagesVisible","dimensions":{"QueueName":"${sqs.Queue:good-dlq.name}"}}
wrong            aws:cloudwatch/metricAlarm:MetricAlarm {"metricName":"SentMessageSize","dimensions":{"QueueName":"${sqs.Queue:bad-redriven.name}"}}`},
	{"CPK-MON-002", `
bad   aws:lambda/function:Function {}
bad-m aws:sfn/stateMachine:StateMachine {}
good  aws:lambda/function:Function {}
alarm aws:cloudwatch/metricAlarm:MetricAlarm {"metricName":"Errors","dimensions":{"FunctionName":"${lambda.Function:good.name}"}}`},
	{"CPK-TRC-001", `
bad  aws:lambda/function:Function {}
good aws:lambda/function:Function {"tracingConfig":{"mode":"Active"}}`},
	{"CPK-TRC-002", `
bad  aws:sfn/stateMachine:StateMachine {"tracingConfiguration":{"enabled":false}}
good aws:sfn/stateMachine:StateMachine {"tracingConfiguration":{"enabled":true}}`},
	{"CPK-TRC-003", `
bad  aws:apigateway/stage:Stage {}
good aws:apigateway/stage:Stage {"xrayTracingEnabled":true}`},

	{"CPK-OWN-001", `
bad  pulumi:providers:aws {"defaultTags":"{\"tags\":{\"project\":\"carepath\"}}"}
bad-none pulumi:providers:aws {}
good pulumi:providers:aws {"defaultTags":"{\"tags\":{\"project\":\"carepath\",\"stack\":\"s\",\"environment\":\"prod\"}}"}`},
	{"CPK-OWN-002", `
bad   pulumi:providers:aws {"allowedAccountIds":["999999999999"]}
bad-2 pulumi:providers:aws {}
good  pulumi:providers:aws {"allowedAccountIds":["111111111111"]}
bad-default aws:sqs/queue:Queue {"@default":true}`},
}

// build makes the graph of a production stack.
func build(t *testing.T, lines string) *graph.Graph {
	t.Helper()
	g := &graph.Graph{Stack: "s", Environment: "prod", AccountID: "111111111111"}
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		token, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
		var inputs map[string]any
		if err := json.Unmarshal([]byte(text), &inputs); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		r := &graph.Resource{Type: token, Name: name, URN: "urn:pulumi:s::carepath::" + token + "::" + name, Inputs: resource.NewPropertyMapFromMap(inputs)}
		r.Options.Protect = r.True("@protect")
		if !r.True("@default") {
			r.Provider = "urn:pulumi:s::carepath::pulumi:providers:aws::aws"
		}
		g.Resources = append(g.Resources, r)
	}
	return g
}

func TestRulesFindWhatIsAgainstThem(t *testing.T) {
	tried := map[string]bool{}
	for _, test := range cases {
		tried[test.rule] = true
		t.Run(test.rule, func(t *testing.T) {
			g := build(t, test.resources)
			report := Check(g, nil, time.Now())
			found := map[string]bool{}
			for _, f := range slices.Concat(report.Findings, report.Notes) {
				if f.Rule == test.rule {
					found[f.Name] = true
				}
			}
			for _, r := range g.Resources {
				want := strings.HasPrefix(r.Name, "bad") && !strings.HasSuffix(r.Name, "-s")
				if found[r.Name] != want {
					t.Errorf("%s is found to be against the rule: %v, want %v", r.Name, found[r.Name], want)
				}
			}
		})
	}
	for _, r := range Rules() {
		if !tried[r.ID] {
			t.Errorf("%s has no case", r.ID)
		}
	}
}

func TestRulesExplainThemselves(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || r.Title == "" || !strings.HasSuffix(r.Reason, ".") || r.Mend == "" || len(r.Controls) == 0 {
			t.Errorf("%+v has an id of another, or does not explain itself", r)
		}
		seen[r.ID] = true
		if text := r.Text(); !strings.Contains(text, r.Reason) || !strings.Contains(Reference(), "## "+r.ID+"\n") {
			t.Errorf("%s is not documented: %s", r.ID, text)
		}
	}
	if _, ok := Get("CPK-KMS-000"); ok {
		t.Error("there is a rule that there is not")
	}
}

func TestExceptions(t *testing.T) {
	g := build(t, `
plain-1 aws:sqs/queue:Queue {}
plain-2 aws:sqs/queue:Queue {}
other   aws:sqs/queue:Queue {}`)
	now := time.Date(2027, 3, 31, 23, 0, 0, 0, time.UTC)
	exception := func(rule, resource, until string) platform.Suppression {
		return platform.Suppression{Rule: rule, Resource: resource, Reason: "They hold nothing of value.", Until: until}
	}
	names := func(report *Report) string {
		var found, passed []string
		for _, f := range report.Findings {
			if f.Rule == "CPK-KMS-001" {
				found = append(found, f.Name)
			}
		}
		for _, s := range report.Suppressed {
			passed = append(passed, s.Name+" until "+s.Until)
		}
		return fmt.Sprintf("%v %v expired %d unused %d", found, passed, len(report.Expired), len(report.Unused))
	}
	for _, test := range []struct {
		exception platform.Suppression
		want      string
	}{
		{exception("CPK-KMS-001", "plain-*", "2027-03-31"), "[other] [plain-1 until 2027-03-31 plain-2 until 2027-03-31] expired 0 unused 0"},
		{exception("CPK-KMS-001", "plain-1", "2027-04-30"), "[other plain-2] [plain-1 until 2027-04-30] expired 0 unused 0"},
		{exception("CPK-KMS-001", "plain-*", "2027-03-30"), "[other plain-1 plain-2] [] expired 1 unused 0"},
		{exception("CPK-KMS-001", "plain", "2027-03-31"), "[other plain-1 plain-2] [] expired 0 unused 1"},
		{exception("CPK-KMS-002", "plain-1", "2027-03-31"), "[other plain-1 plain-2] [] expired 0 unused 1"},
	} {
		report := Check(g, []platform.Suppression{test.exception}, now)
		if got := names(report); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.exception, got, test.want)
		}
	}
}
