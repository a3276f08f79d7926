package provider

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cloudcontrol"
	"github.com/carepath/carepath/localcloud/cloudtrail"
	"github.com/carepath/carepath/localcloud/cloudwatch"
	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/pipes"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/scheduler"
	"github.com/carepath/carepath/localcloud/schemas"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/sts"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// embeddedAWS has every service on which the resource types stand.
func embeddedAWS(t *testing.T) *dispatch.Dispatcher {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d := dispatch.New(clock.Real{}, fakeAccount, "us-east-1")
	d.Logf = t.Logf
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(iam.New(d, s))
	must(sts.New(d, s))
	must(kms.New(d, s))
	must(logs.New(d, s))
	must(cloudwatch.New(d, s))
	must(sqs.New(d, s))
	must(lambda.New(d, s, lambda.Options{Dir: dir}))
	must(stepfunctions.New(d, s))
	must(apigateway.New(d, s))
	must(scheduler.New(d, s))
	must(eventbridge.New(d, s))
	must(pipes.New(d, s))
	must(schemas.New(d, s))
	must(dynamodb.New(d, s))
	must(cognitoidp.New(d, s))
	must(acm.New(d, s))
	must(route53.New(d, s))
	must(s3.New(d, s))
	must(healthlake.New(d, s))
	must(cloudtrail.New(d, s))
	must(cloudcontrol.New(d, s))
	return d
}

type values = map[string]any

// step is one resource of the life cycle: what makes it, and a change of it that must not replace it.
type step struct {
	name, token string
	inputs      func(ref func(path ...string) any) values
	change      values
}

func code(t *testing.T, content string) *archive.Archive {
	t.Helper()
	file, err := asset.FromText(content)
	if err != nil {
		t.Fatal(err)
	}
	a, err := archive.FromAssets(map[string]any{"bootstrap": file})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const openAPI = `{"openapi":"3.0.1","info":{"title":"other","version":"1"},"paths":{"/":{"get":{"responses":{"200":{"description":"ok"}},
"x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}}}}}}`

func lifecycle(t *testing.T) []step {
	fixed := func(v values) func(func(...string) any) values { return func(func(...string) any) values { return v } }
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","states.amazonaws.com","apigateway.amazonaws.com","scheduler.amazonaws.com","events.amazonaws.com","pipes.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`
	may := func(actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`
	}
	const logsAndTraces = `["logs:CreateLogDelivery","logs:GetLogDelivery","logs:UpdateLogDelivery","logs:DeleteLogDelivery","logs:ListLogDeliveries","logs:PutResourcePolicy","logs:DescribeResourcePolicies","logs:DescribeLogGroups",` +
		`"logs:CreateLogGroup","logs:CreateLogStream","logs:DescribeLogStreams","logs:PutLogEvents","logs:GetLogEvents","logs:FilterLogEvents","xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets"]`
	return []step{
		{"key", "aws:kms/key:Key", fixed(values{"description": "for tests", "enableKeyRotation": true, "deletionWindowInDays": 7, "tags": values{"a": "1"}}), values{"enableKeyRotation": false, "description": "other"}},
		{"alias", "aws:kms/alias:Alias", func(ref func(...string) any) values { return values{"targetKeyId": ref("key", "arn")} }, nil},
		{"role", roleToken, fixed(values{"assumeRolePolicy": trust, "description": "of tests", "tags": values{"a": "1", "b": "2"},
			"inlinePolicies": []any{values{"name": "deliver", "policy": may(logsAndTraces)}}}), values{"description": "changed", "tags": values{"a": "2"}}},
		{"oidc", "aws:iam/openIdConnectProvider:OpenIdConnectProvider", fixed(values{"url": "https://tokens.example.com", "clientIdLists": []any{"one", "two"}, "tags": values{"a": "1"}}),
			values{"clientIdLists": []any{"two", "three"}, "thumbprintLists": []any{"6938fd4d98bab03faadb97b34396831e3780aea1"}, "tags": values{"a": "2"}}},
		{"bounded", roleToken, func(ref func(...string) any) values {
			return values{"assumeRolePolicy": trust, "permissionsBoundary": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", "maxSessionDuration": 7200}
		}, values{"permissionsBoundary": "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs", "maxSessionDuration": 3600}},
		{"policy", "aws:iam/policy:Policy", fixed(values{"policy": may(`"sqs:SendMessage"`)}), values{"policy": may(`"sqs:ReceiveMessage"`)}},
		{"attachment", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", func(ref func(...string) any) values {
			return values{"role": ref("role", "name"), "policyArn": ref("policy", "arn")}
		}, nil},
		{"rolePolicy", "aws:iam/rolePolicy:RolePolicy", func(ref func(...string) any) values {
			return values{"role": ref("role", "name"), "policy": may(`"sqs:DeleteMessage"`)}
		}, values{"policy": may(`["sqs:DeleteMessage","sqs:SendMessage"]`)}},
		{"group", "aws:cloudwatch/logGroup:LogGroup", fixed(values{"name": "/aws/vendedlogs/states/it", "retentionInDays": 7, "tags": values{"a": "1"}}), values{"retentionInDays": 0, "tags": values{}}},
		{"logPolicy", "aws:cloudwatch/logResourcePolicy:LogResourcePolicy", func(ref func(...string) any) values {
			return values{"policyName": "it", "policyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"delivery.logs.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"` + ref("group", "arn").(string) + `:*"}]}`}
		}, nil},
		{"letters", queueToken, fixed(values{"messageRetentionSeconds": 1209600, "sqsManagedSseEnabled": true}), values{"delaySeconds": 4, "tags": values{"x": "y"}}},
		{"queue", queueToken, func(ref func(...string) any) values {
			return values{"redrivePolicy": `{"deadLetterTargetArn":"` + ref("letters", "arn").(string) + `","maxReceiveCount":3}`, "kmsMasterKeyId": ref("key", "arn")}
		}, values{"visibilityTimeoutSeconds": 60}},
		{"queuePolicy", "aws:sqs/queuePolicy:QueuePolicy", func(ref func(...string) any) values {
			return values{"queueUrl": ref("queue", "url"), "policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + fakeAccount + `"},"Action":"sqs:SendMessage","Resource":"` + ref("queue", "arn").(string) + `"}]}`}
		}, nil},
		{"redriveAllow", "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", func(ref func(...string) any) values {
			return values{"queueUrl": ref("letters", "url"), "redriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["` + ref("queue", "arn").(string) + `"]}`}
		}, values{"redriveAllowPolicy": `{"redrivePermission":"allowAll"}`}},
		{"table", "aws:dynamodb/table:Table", func(ref func(...string) any) values {
			return values{"attributes": []any{values{"name": "id", "type": "S"}, values{"name": "email", "type": "S"}}, "hashKey": "id", "billingMode": "PAY_PER_REQUEST",
				"globalSecondaryIndexes": []any{values{"name": "byEmail", "hashKey": "email", "projectionType": "KEYS_ONLY"}},
				"serverSideEncryption":   values{"enabled": true, "kmsKeyArn": ref("key", "arn")}, "pointInTimeRecovery": values{"enabled": true},
				"deletionProtectionEnabled": true, "ttl": values{"attributeName": "expires", "enabled": true}, "tags": values{"a": "1"}}
		}, values{"attributes": []any{values{"name": "id", "type": "S"}, values{"name": "phone", "type": "S"}}, "deletionProtectionEnabled": false, "ttl": values{"attributeName": "until", "enabled": true},
			"globalSecondaryIndexes": []any{values{"name": "byPhone", "hashKey": "phone", "projectionType": "ALL"}}, "pointInTimeRecovery": values{"enabled": false}, "tags": values{"b": "2"}}},
		{"rangeTable", "aws:dynamodb/table:Table", fixed(values{"attributes": []any{values{"name": "id", "type": "S"}, values{"name": "at", "type": "N"}, values{"name": "by", "type": "B"}}, "hashKey": "id",
			"rangeKey": "at", "readCapacity": 5, "writeCapacity": 5, "localSecondaryIndexes": []any{values{"name": "byBy", "rangeKey": "by", "projectionType": "INCLUDE", "nonKeyAttributes": []any{"x"}}}}),
			values{"readCapacity": 10, "serverSideEncryption": values{"enabled": true}, "tableClass": "STANDARD_INFREQUENT_ACCESS"}},
		{"function", functionToken, func(ref func(...string) any) values {
			return values{"role": ref("role", "arn"), "runtime": "provided.al2023", "handler": "bootstrap", "code": code(t, "#!/bin/sh\n"), "architectures": []any{"arm64"},
				"environment": values{"variables": values{"KEY": "1"}}, "timeout": 10, "loggingConfig": values{"logFormat": "JSON"}, "tags": values{"a": "1"}}
		}, values{"code": code(t, "#!/bin/sh\nexit 1\n"), "environment": values{"variables": values{"KEY": "2"}}, "memorySize": 256, "reservedConcurrentExecutions": 2}},
		{"permission", "aws:lambda/permission:Permission", func(ref func(...string) any) values {
			return values{"function": ref("function", "name"), "action": "lambda:InvokeFunction", "principal": "apigateway.amazonaws.com", "sourceArn": "arn:aws:execute-api:us-east-1:000000000000:abc/*"}
		}, nil},
		{"machine", "aws:sfn/stateMachine:StateMachine", func(ref func(...string) any) values {
			return values{"definition": `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, "roleArn": ref("role", "arn"), "type": "EXPRESS", "tags": values{"a": "1"},
				"loggingConfiguration": values{"level": "ERROR", "logDestination": ref("group", "arn").(string) + ":*"}}
		}, values{"definition": `{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}`, "tracingConfiguration": values{"enabled": true}}},
		{"alarm", "aws:cloudwatch/metricAlarm:MetricAlarm", func(ref func(...string) any) values {
			return values{"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 1, "metricName": "ExecutionsFailed", "namespace": "AWS/States", "period": 60, "statistic": "Sum",
				"threshold": 0, "dimensions": values{"StateMachineArn": ref("machine", "arn")}, "treatMissingData": "notBreaching"}
		}, values{"threshold": 5, "alarmDescription": "too many"}},
		{"mathAlarm", "aws:cloudwatch/metricAlarm:MetricAlarm", fixed(values{"comparisonOperator": "GreaterThanThreshold", "evaluationPeriods": 2, "threshold": 1.5, "metricQueries": []any{
			values{"id": "e", "expression": "m/2", "label": "half", "returnData": true},
			values{"id": "m", "metric": values{"metricName": "Errors", "namespace": "AWS/Lambda", "period": 60, "stat": "Sum", "dimensions": values{"FunctionName": "f"}}}}}), nil},
		{"account", "aws:apigateway/account:Account", func(ref func(...string) any) values {
			return values{"cloudwatchRoleArn": ref("role", "arn"), "resetOnDelete": true}
		}, nil},
		{"api", "aws:apigateway/restApi:RestApi", fixed(values{"body": openAPI, "name": "mine", "disableExecuteApiEndpoint": true, "endpointConfiguration": values{"types": "REGIONAL"}, "tags": values{"a": "1"}}),
			values{"disableExecuteApiEndpoint": false, "description": "of tests"}},
		{"deployment", "aws:apigateway/deployment:Deployment", func(ref func(...string) any) values {
			return values{"restApi": ref("api"), "triggers": values{"hash": "1"}}
		}, values{"description": "first"}},
		{"stage", "aws:apigateway/stage:Stage", func(ref func(...string) any) values {
			return values{"restApi": ref("api"), "deployment": ref("deployment"), "stageName": "main", "variables": values{"a": "1", "b": "2"},
				"accessLogSettings": values{"destinationArn": ref("group", "arn"), "format": "$context.requestId"}}
		}, values{"variables": values{"b": "3"}, "xrayTracingEnabled": true}},
		{"people", "aws:cognito/userPool:UserPool", fixed(values{"aliasAttributes": []any{"email"}, "usernameConfiguration": values{"caseSensitive": false}, "tags": values{"a": "1"},
			"schemas":               []any{values{"name": "requestId", "attributeDataType": "String"}, values{"name": "email", "attributeDataType": "String", "required": true, "mutable": true}},
			"adminCreateUserConfig": values{"allowAdminCreateUserOnly": true}, "passwordPolicy": values{"minimumLength": 12, "requireNumbers": true},
			"accountRecoverySetting": values{"recoveryMechanisms": []any{values{"name": "admin_only", "priority": 1}}}, "emailVerificationMessage": "your code is {####}"}),
			values{"tags": values{"b": "2"}, "mfaConfiguration": "OPTIONAL", "softwareTokenMfaConfiguration": values{"enabled": true}, "autoVerifiedAttributes": []any{"email"},
				"emailVerificationMessage": "the code is {####}", "passwordPolicy": values{"minimumLength": 10, "requireSymbols": true},
				"schemas": []any{values{"name": "requestId", "attributeDataType": "String"}, values{"name": "email", "attributeDataType": "String", "required": true, "mutable": true},
					values{"name": "later", "attributeDataType": "Number", "numberAttributeConstraints": values{"minValue": "1"}}}}},
		{"plainPeople", "aws:cognito/userPool:UserPool", fixed(values{}), values{"verificationMessageTemplate": values{"emailMessage": "code {####}"}, "userPoolAddOns": values{"advancedSecurityMode": "OFF"},
			"emailConfiguration":          values{"emailSendingAccount": "DEVELOPER", "sourceArn": "arn:aws:ses:us-east-1:000000000000:identity/example.com", "fromEmailAddress": "a@example.com"},
			"userAttributeUpdateSettings": values{"attributesRequireVerificationBeforeUpdates": []any{"email"}}}},
		{"app", "aws:cognito/userPoolClient:UserPoolClient", func(ref func(...string) any) values {
			return values{"userPoolId": ref("people"), "generateSecret": true, "explicitAuthFlows": []any{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}}
		}, values{"accessTokenValidity": 30, "tokenValidityUnits": values{"accessToken": "minutes"}, "preventUserExistenceErrors": "ENABLED"}},
		{"settings", "aws:apigateway/methodSettings:MethodSettings", func(ref func(...string) any) values {
			return values{"restApi": ref("api"), "stageName": ref("stage", "stageName"), "methodPath": "*/*", "settings": values{"metricsEnabled": true, "throttlingRateLimit": 100.5}}
		}, values{"settings": values{"metricsEnabled": true, "throttlingBurstLimit": 50}}},
		{"schedules", "aws:scheduler/scheduleGroup:ScheduleGroup", fixed(values{"tags": values{"a": "1"}}), values{"tags": values{"b": "2"}}},
		{"sweep", "aws:scheduler/schedule:Schedule", func(ref func(...string) any) values {
			return values{"groupName": ref("schedules", "name"), "scheduleExpression": "rate(5 minutes)", "flexibleTimeWindow": values{"mode": "OFF"}, "startDate": "2100-01-01T02:00:00+01:00",
				"endDate": "2101-01-01T00:00:00Z", "kmsKeyArn": ref("key", "arn"), "description": "of tests",
				"target": values{"arn": ref("machine", "arn"), "roleArn": ref("role", "arn"), "input": `{"at":"<aws.scheduler.scheduled-time>"}`, "deadLetterConfig": values{"arn": ref("letters", "arn")},
					"retryPolicy": values{"maximumRetryAttempts": 3}}}
		}, values{"state": "DISABLED", "flexibleTimeWindow": values{"mode": "FLEXIBLE", "maximumWindowInMinutes": 3}, "scheduleExpressionTimezone": "Europe/Berlin", "scheduleExpression": "cron(0 1 * * ? *)"}},
		{"plainly", "aws:scheduler/schedule:Schedule", func(ref func(...string) any) values {
			return values{"scheduleExpression": "at(2100-01-01T00:00:00)", "flexibleTimeWindow": values{"mode": "OFF"}, "target": values{"arn": ref("letters", "arn"), "roleArn": ref("role", "arn")}}
		}, values{"scheduleExpression": "at(2100-01-02T00:00:00)"}},
		{"pipeRole", roleToken, func(ref func(...string) any) values {
			return values{"assumeRolePolicy": trust, "inlinePolicies": []any{values{"name": "pipe",
				"policy": may(`["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","sqs:SendMessage","states:StartSyncExecution"]`)}}}
		}, nil},
		{"pipe", "aws:pipes/pipe:Pipe", func(ref func(...string) any) values {
			return values{"source": ref("queue", "arn"), "target": ref("machine", "arn"), "roleArn": ref("pipeRole", "arn"), "tags": values{"a": "1"},
				"sourceParameters": values{"filterCriteria": values{"filters": []any{values{"pattern": `{"body":{"a":[1]}}`}}},
					"sqsQueueParameters": values{"batchSize": 1000, "maximumBatchingWindowInSeconds": 5}},
				"targetParameters": values{"inputTemplate": `{"body":<$.body>}`, "stepFunctionStateMachineParameters": values{"invocationType": "REQUEST_RESPONSE"}}}
		}, values{"sourceParameters": values{"sqsQueueParameters": values{"batchSize": 5}}, "desiredState": "STOPPED", "description": "changed", "tags": values{"b": "2"},
			"targetParameters": values{"stepFunctionStateMachineParameters": values{"invocationType": "FIRE_AND_FORGET"}}}},
		{"plainPipe", "aws:pipes/pipe:Pipe", func(ref func(...string) any) values {
			return values{"source": ref("queue", "arn"), "target": ref("letters", "arn"), "roleArn": ref("pipeRole", "arn")}
		}, values{"targetParameters": values{"inputTemplate": "x"}}},
		{"registry", "aws:schemas/registry:Registry", fixed(values{"tags": values{"a": "1"}}), values{"description": "changed", "tags": values{"b": "2"}}},
		{"schema", "aws:schemas/schema:Schema", func(ref func(...string) any) values {
			return values{"registryName": ref("registry", "name"), "type": "JSONSchemaDraft4", "content": `{"$schema": "http://json-schema.org/draft-04/schema#"}`, "tags": values{"a": "1"}}
		}, values{"type": "OpenApi3", "content": `{"openapi":"3.0.0"}`, "description": "changed", "tags": values{"b": "2"}}},
		{"bus", "aws:cloudwatch/eventBus:EventBus", func(ref func(...string) any) values {
			return values{"description": "of tests", "kmsKeyIdentifier": ref("key", "arn"), "deadLetterConfig": values{"arn": ref("letters", "arn")}, "tags": values{"a": "1"}}
		}, values{"description": "changed", "tags": values{"b": "2"}}},
		{"plainBus", "aws:cloudwatch/eventBus:EventBus", fixed(values{"name": "plain"}), values{"description": "later"}},
		{"busPolicy", "aws:cloudwatch/eventBusPolicy:EventBusPolicy", func(ref func(...string) any) values {
			return values{"eventBusName": ref("bus", "name"), "policy": `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"Service":"healthlake.amazonaws.com"},"Action":"events:PutEvents","Resource":"` + ref("bus", "arn").(string) + `"}]}`}
		}, nil},
		{"archive", "aws:cloudwatch/eventArchive:EventArchive", func(ref func(...string) any) values {
			return values{"eventSourceArn": ref("bus", "arn"), "eventPattern": `{"source":["a"]}`, "retentionDays": 7}
		}, values{"retentionDays": 0, "description": "changed", "eventPattern": `{"source":["a","b"]}`}},
		{"eventRule", "aws:cloudwatch/eventRule:EventRule", func(ref func(...string) any) values {
			return values{"eventBusName": ref("bus", "name"), "eventPattern": `{"source":["a"], "detail":{"n":[{"numeric":[">",1]}]}}`, "tags": values{"a": "1"}}
		}, values{"description": "changed", "state": "DISABLED", "eventPattern": `{"source":["b"]}`, "tags": values{"a": "2"}}},
		{"clock", "aws:cloudwatch/eventRule:EventRule", fixed(values{"scheduleExpression": "rate(5 minutes)", "isEnabled": false}), values{"isEnabled": true, "scheduleExpression": "rate(1 hour)"}},
		{"eventTarget", "aws:cloudwatch/eventTarget:EventTarget", func(ref func(...string) any) values {
			return values{"rule": ref("eventRule", "name"), "eventBusName": ref("bus", "name"), "targetId": "queue", "arn": ref("letters", "arn"), "deadLetterConfig": values{"arn": ref("letters", "arn")},
				"retryPolicy": values{"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 10}, "inputTransformer": values{"inputPaths": values{"n": "$.detail.n"}, "inputTemplate": `{"n":<n>}`}}
		}, values{"retryPolicy": values{"maximumEventAgeInSeconds": 60, "maximumRetryAttempts": 0}, "inputTransformer": values{"inputTemplate": `{"all":<aws.events.event.json>}`}}},
		{"clockTarget", "aws:cloudwatch/eventTarget:EventTarget", func(ref func(...string) any) values {
			return values{"rule": ref("clock", "name"), "arn": ref("machine", "arn"), "roleArn": ref("role", "arn"), "input": "{}"}
		}, values{"input": `{"sweep":true}`}},
		{"dashboard", "aws:cloudwatch/dashboard:Dashboard", fixed(values{"dashboardName": "it", "dashboardBody": `{"widgets": []}`}), values{"dashboardBody": `{"widgets": [], "start": "-PT3H"}`}},
		{"zone", "aws:route53/zone:Zone", fixed(values{"name": "Example.com.", "forceDestroy": true, "tags": values{"a": "1"}}), values{"comment": "of tests", "tags": values{"b": "2"}}},
		{"certificate", "aws:acm/certificate:Certificate", fixed(values{"domainName": "api.example.com", "subjectAlternativeNames": []any{"*.example.com"}, "validationMethod": "DNS",
			"keyAlgorithm": "EC_prime256v1", "tags": values{"a": "1", "b": "2"}}), values{"tags": values{"a": "2"}, "options": values{"certificateTransparencyLoggingPreference": "DISABLED"}}},
		{"proof", recordToken, validationRecord(0), values{"ttl": 300, "allowOverwrite": true}},
		{"wildcardProof", recordToken, validationRecord(1), nil},
		{"validation", "aws:acm/certificateValidation:CertificateValidation", func(ref func(...string) any) values {
			return values{"certificateArn": ref("certificate", "arn"), "validationRecordFqdns": []any{ref("proof", "fqdn"), ref("wildcardProof", "fqdn")}}
		}, nil},
		{"domain", "aws:apigateway/domainName:DomainName", func(ref func(...string) any) values {
			return values{"domainName": "api.example.com", "regionalCertificateArn": ref("validation", "certificateArn"), "securityPolicy": "TLS_1_0",
				"endpointConfiguration": values{"types": "REGIONAL"}, "tags": values{"a": "1"}}
		}, values{"securityPolicy": "TLS_1_2", "tags": values{"b": "2"}}},
		{"edge", "aws:apigateway/domainName:DomainName", func(ref func(...string) any) values {
			return values{"domainName": "edge.example.com", "certificateArn": ref("validation", "certificateArn")}
		}, nil},
		{"domain2", "aws:apigatewayv2/domainName:DomainName", func(ref func(...string) any) values {
			return values{"domainName": "v2.example.com", "domainNameConfiguration": values{"certificateArn": ref("validation", "certificateArn"), "endpointType": "REGIONAL", "securityPolicy": "TLS_1_2"}}
		}, values{"tags": values{"b": "2"}}},
		{"mapping", "aws:apigateway/basePathMapping:BasePathMapping", func(ref func(...string) any) values {
			return values{"domainName": ref("domain", "domainName"), "restApi": ref("api"), "stageName": ref("stage", "stageName"), "basePath": "users"}
		}, values{"basePath": "people"}},
		{"whole", "aws:apigateway/basePathMapping:BasePathMapping", func(ref func(...string) any) values {
			return values{"domainName": ref("domain", "domainName"), "restApi": ref("api"), "stageName": ref("stage", "stageName")}
		}, nil},
		{"deep", "aws:apigatewayv2/apiMapping:ApiMapping", func(ref func(...string) any) values {
			return values{"domainName": ref("domain2", "domainName"), "apiId": ref("api"), "stage": ref("stage", "stageName"), "apiMappingKey": "a/b"}
		}, values{"apiMappingKey": "a/b/c"}},
		{"address", recordToken, func(ref func(...string) any) values {
			return values{"zoneId": ref("zone", "zoneId"), "name": "api", "type": "A", "aliases": []any{values{"name": ref("domain", "regionalDomainName"), "zoneId": ref("domain", "regionalZoneId"), "evaluateTargetHealth": false}}}
		}, values{"type": "AAAA"}},
		{"note", recordToken, func(ref func(...string) any) values {
			return values{"zoneId": ref("zone", "zoneId"), "name": "note.example.com", "type": "TXT", "ttl": 60, "records": []any{"plain", `"quoted"`}}
		}, values{"records": []any{"other"}}},
		{"bucket", "aws:s3/bucket:Bucket", func(ref func(...string) any) values {
			return values{"forceDestroy": true, "versioning": values{"enabled": true}, "tags": values{"a": "1"}, "lifecycleRules": []any{values{"enabled": true, "id": "old", "expiration": values{"days": 30}}},
				"serverSideEncryptionConfiguration": values{"rule": values{"bucketKeyEnabled": true, "applyServerSideEncryptionByDefault": values{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": ref("key", "arn")}}}}
		}, values{"versioning": values{"enabled": false}, "tags": values{"b": "2"}, "lifecycleRules": []any{values{"enabled": false, "id": "old", "prefix": "x/", "noncurrentVersionExpiration": values{"days": 3}}}}},
		{"bucket2", "aws:s3/bucketV2:BucketV2", fixed(values{"forceDestroy": true, "tags": values{"a": "1"}}), values{"tags": values{"a": "2"}}},
		{"private", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", func(ref func(...string) any) values {
			return values{"bucket": ref("bucket2"), "blockPublicPolicy": true, "blockPublicAcls": true}
		}, values{"restrictPublicBuckets": true}},
		{"owner", "aws:s3/bucketOwnershipControls:BucketOwnershipControls", func(ref func(...string) any) values {
			return values{"bucket": ref("bucket2"), "rule": values{"objectOwnership": "BucketOwnerEnforced"}}
		}, nil},
		{"encryption", "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", func(ref func(...string) any) values {
			return values{"bucket": ref("bucket2"), "rules": []any{values{"applyServerSideEncryptionByDefault": values{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": ref("key", "arn")}}}}
		}, values{"rules": []any{values{"applyServerSideEncryptionByDefault": values{"sseAlgorithm": "AES256"}}}}},
		{"versioning", "aws:s3/bucketVersioningV2:BucketVersioningV2", func(ref func(...string) any) values {
			return values{"bucket": ref("bucket2"), "versioningConfiguration": values{"status": "Enabled"}}
		}, values{"versioningConfiguration": values{"status": "Suspended"}}},
		{"bucketPolicy", "aws:s3/bucketPolicy:BucketPolicy", func(ref func(...string) any) values {
			arn := ref("bucket2", "arn").(string)
			return values{"bucket": ref("bucket2"), "policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["` + arn + `","` + arn + `/*"]}]}`}
		}, nil},
		{"trail", "aws:cloudtrail/trail:Trail", func(ref func(...string) any) values {
			return values{"s3BucketName": ref("bucket2"), "eventSelectors": []any{values{"readWriteType": "WriteOnly", "includeManagementEvents": true}}, "tags": values{"a": "1"}}
		}, values{"eventSelectors": []any{values{}}, "enableLogging": false, "isMultiRegionTrail": true, "s3KeyPrefix": "p", "tags": values{"b": "2"}}},
		{"advanced", "aws:cloudtrail/trail:Trail", func(ref func(...string) any) values {
			return values{"s3BucketName": ref("bucket2"), "advancedEventSelectors": []any{values{"name": "writes", "fieldSelectors": []any{
				values{"field": "eventCategory", "equals": []any{"Management"}}, values{"field": "readOnly", "equals": []any{"false"}}}}}}
		}, nil},
		{"records", cloudcontrolToken, func(ref func(...string) any) values {
			return values{"typeName": "AWS::HealthLake::FHIRDatastore", "desiredState": `{"DatastoreName":"records","DatastoreTypeVersion":"R4"}`}
		}, values{"desiredState": `{"DatastoreName":"records","DatastoreTypeVersion":"R4","Tags":[{"Key":"a","Value":"1"}]}`}},
		{"deepest", cloudcontrolToken, func(ref func(...string) any) values {
			return values{"typeName": "AWS::ApiGatewayV2::ApiMapping", "desiredState": fmt.Sprintf(`{"ApiId":%q,"ApiMappingKey":"c/d","DomainName":%q,"Stage":%q}`,
				ref("api"), ref("domain2", "domainName"), ref("stage", "stageName"))}
		}, nil},
	}
}

const cloudcontrolToken = "aws:cloudcontrol/resource:Resource"

const recordToken = "aws:route53/record:Record"

// validationRecord is the record that a certificate's name is validated by.
func validationRecord(i int) func(ref func(...string) any) values {
	return func(ref func(...string) any) values {
		option := asObject(asList(ref("certificate", "domainValidationOptions"))[i])
		return values{"zoneId": ref("zone", "zoneId"), "name": option["resourceRecordName"], "type": option["resourceRecordType"], "ttl": 60, "records": []any{option["resourceRecordValue"]}}
	}
}

// TestLifeCycle takes every resource type through creation, reading, change, import and deletion on the real services: no
// step may leave a difference between what was asked for and what there is.
func TestLifeCycle(t *testing.T) {
	d := embeddedAWS(t)
	c := dial(t, serve(t, d, Endpoint("http://localhost:4567/")))
	if _, err := c.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: in(t, values{"defaultTags": values{"tags": values{"stack": "test"}}})}); err != nil {
		t.Fatal(err)
	}
	type made struct {
		id     string
		inputs resource.PropertyMap
		state  resource.PropertyMap
	}
	all := map[string]*made{}
	ref := func(path ...string) any {
		if len(path) == 1 {
			return all[path[0]].id
		}
		return toPlain(all[path[0]].state[resource.PropertyKey(path[1])])
	}
	covered := map[string]bool{invocationToken: true} // TestInvocation covers it: here no function runs
	steps := lifecycle(t)
	checked := func(s step, olds resource.PropertyMap, v values) resource.PropertyMap {
		t.Helper()
		res, err := c.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf(s.token, s.name), Olds: wire(t, olds), News: in(t, v), RandomSeed: []byte(s.name)})
		if err != nil || len(res.GetFailures()) > 0 {
			t.Fatalf("%s: check: %v %v", s.name, err, res.GetFailures())
		}
		return out(t, res.GetInputs())
	}
	diff := func(s step, m *made, news resource.PropertyMap) *pulumirpc.DiffResponse {
		t.Helper()
		res, err := c.Diff(t.Context(), &pulumirpc.DiffRequest{Urn: urnOf(s.token, s.name), Id: m.id, Olds: wire(t, m.state), OldInputs: wire(t, m.inputs), News: wire(t, news)})
		if err != nil {
			t.Fatalf("%s: diff: %v", s.name, err)
		}
		return res
	}
	// steady reads the resource: neither its state nor its inputs may differ from what is known.
	steady := func(s step, m *made) {
		t.Helper()
		res, err := c.Read(t.Context(), &pulumirpc.ReadRequest{Urn: urnOf(s.token, s.name), Id: m.id, Properties: wire(t, m.state), Inputs: wire(t, m.inputs)})
		if err != nil || res.GetId() != m.id {
			t.Fatalf("%s: read: %v %q", s.name, err, res.GetId())
		}
		if got := out(t, res.GetInputs()); !got.DeepEquals(m.inputs) {
			t.Errorf("%s: the inputs drifted\n from %v\n to   %v", s.name, m.inputs, got)
		}
		if got := out(t, res.GetProperties()); !got.DeepEquals(m.state) {
			t.Errorf("%s: the state drifted\n from %v\n to   %v", s.name, m.state, got)
		}
		if res := diff(s, m, m.inputs); len(res.GetDetailedDiff()) > 0 {
			t.Errorf("%s: differs from itself: %v", s.name, res.GetDetailedDiff())
		}
	}
	for _, s := range steps {
		covered[s.token] = true
		v := s.inputs(ref)
		m := &made{inputs: checked(s, nil, v)}
		res, err := c.Create(t.Context(), &pulumirpc.CreateRequest{Urn: urnOf(s.token, s.name), Properties: wire(t, m.inputs)})
		if err != nil {
			t.Fatalf("%s: create: %v %v", s.name, err, initFailed(err))
		}
		m.id, m.state = res.GetId(), out(t, res.GetProperties())
		all[s.name] = m
		steady(s, m)
		if s.change == nil {
			continue
		}
		for k, e := range s.change {
			v[k] = e
		}
		news := checked(s, m.inputs, v)
		res2 := diff(s, m, news)
		if res2.GetChanges() != pulumirpc.DiffResponse_DIFF_SOME || len(res2.GetReplaces()) > 0 {
			t.Errorf("%s: the change is %v", s.name, res2)
		}
		updated, err := c.Update(t.Context(), &pulumirpc.UpdateRequest{Urn: urnOf(s.token, s.name), Id: m.id, Olds: wire(t, m.state), OldInputs: wire(t, m.inputs), News: wire(t, news)})
		if err != nil {
			t.Fatalf("%s: update: %v %v", s.name, err, initFailed(err))
		}
		m.inputs, m.state = news, out(t, updated.GetProperties())
		steady(s, m)
	}
	if url := ref("stage", "invokeUrl"); url != "http://localhost:4567/_aws/execute-api/"+ref("api").(string)+"/main" {
		t.Errorf("the stage's URL is %v", url)
	}
	for _, r := range resourceTypes() {
		if !covered[r.token] {
			t.Errorf("%s is not covered", r.token)
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		s, m := steps[i], all[steps[i].name]
		if _, err := c.Delete(t.Context(), &pulumirpc.DeleteRequest{Urn: urnOf(s.token, s.name), Id: m.id, Properties: wire(t, m.state), OldInputs: wire(t, m.inputs)}); err != nil {
			t.Errorf("%s: delete: %v", s.name, err)
			continue
		}
		if s.name == "account" || s.name == "validation" || s.name == "versioning" {
			continue // there is one always; the certificate, and the bucket's versions, are there still
		}
		res, err := c.Read(t.Context(), &pulumirpc.ReadRequest{Urn: urnOf(s.token, s.name), Id: m.id, Properties: wire(t, m.state), Inputs: wire(t, m.inputs)})
		if err != nil || res.GetId() != "" {
			t.Errorf("%s: after its deletion: %v %v", s.name, res, err)
		}
	}
}
