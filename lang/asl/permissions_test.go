package asl

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPermissions(t *testing.T) {
	const function = "arn:aws:lambda:eu-west-1:1:function:f"
	opts := PermissionsOptions{Region: "eu-west-1", Account: "1", ARNOf: func(a string) (string, bool) {
		return "arn:of:" + a, strings.HasPrefix(a, "${")
	}}
	for _, c := range []struct{ resource, arguments, want string }{
		{function, ``, "lambda:InvokeFunction on " + function},
		{function + ":live", ``, "lambda:InvokeFunction on " + function + ":live"},
		{"arn:aws:states:eu-west-1:1:activity:a", ``, ""},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"` + function + `","Payload.$":"$"}`, "lambda:InvokeFunction on " + function},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"` + function + `:live","Qualifier":"live"}`, "lambda:InvokeFunction on " + function + ":live"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f","Qualifier":"live"}`, "lambda:InvokeFunction on " + function + ":live"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"${fn}","Qualifier.$":"$.version"}`, "lambda:InvokeFunction on arn:of:${fn}:*"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f"}`, "lambda:InvokeFunction on " + function},
		{"arn:aws:states:::lambda:invoke.waitForTaskToken", `{"FunctionName":"${fn}"}`, "lambda:InvokeFunction on arn:of:${fn}"},
		{"arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"https://sqs.eu-central-1.amazonaws.com/123/q","MessageBody.$":"$"}`, "sqs:SendMessage on arn:aws:sqs:eu-central-1:123:q"},
		{"arn:aws:states:::sqs:sendMessage", `{"QueueUrl":"${queue}","MessageBody.$":"$"}`, "sqs:SendMessage on arn:of:${queue}"},
		{"arn:aws:states:::sns:publish", `{"TopicArn":"arn:aws:sns:eu-west-1:1:t","Message.$":"$"}`, "sns:Publish on arn:aws:sns:eu-west-1:1:t"},
		{"arn:aws:states:::dynamodb:putItem", `{"TableName":"T","Item.$":"$"}`, "dynamodb:PutItem on arn:aws:dynamodb:eu-west-1:1:table/T"},
		{"arn:aws:states:::aws-sdk:dynamodb:query", `{"TableName":"T","IndexName":"I"}`, "dynamodb:Query on arn:aws:dynamodb:eu-west-1:1:table/T/index/I"},
		{"arn:aws:states:::aws-sdk:dynamodb:transactWriteItems", `{"TransactItems":[{"Put":{"TableName":"A","Item":{}}},{"Update":{"TableName":"B","Key":{},"UpdateExpression":"e"}},{"ConditionCheck":{"TableName":"A","Key":{},"ConditionExpression":"c"}},{"Put":{"TableName":"A","Item":{}}},{"Delete":{"TableName":"B","Key":{}}}]}`,
			"dynamodb:PutItem dynamodb:ConditionCheckItem on arn:aws:dynamodb:eu-west-1:1:table/A; dynamodb:UpdateItem dynamodb:DeleteItem on arn:aws:dynamodb:eu-west-1:1:table/B"},
		{"arn:aws:states:::aws-sdk:dynamodb:batchGetItem", `{"RequestItems":{"A":{"Keys":[]},"B":{"Keys":[]}}}`, "dynamodb:BatchGetItem on arn:aws:dynamodb:eu-west-1:1:table/A arn:aws:dynamodb:eu-west-1:1:table/B"},
		{"arn:aws:states:::events:putEvents", `{"Entries":[{"EventBusName":"b","Detail.$":"$"},{"Detail.$":"$"}]}`, "events:PutEvents on arn:aws:events:eu-west-1:1:event-bus/b arn:aws:events:eu-west-1:1:event-bus/default"},
		{"arn:aws:states:::states:startExecution", `{"StateMachineArn":"arn:aws:states:eu-west-1:1:stateMachine:m"}`, "states:StartExecution on arn:aws:states:eu-west-1:1:stateMachine:m"},
		{"arn:aws:states:::states:startExecution.sync:2", `{"StateMachineArn":"arn:aws:states:eu-west-1:1:stateMachine:m"}`,
			"states:StartExecution on arn:aws:states:eu-west-1:1:stateMachine:m; states:DescribeExecution states:StopExecution on arn:aws:states:eu-west-1:1:execution:m:*; " +
				"events:PutTargets events:PutRule events:DescribeRule on arn:aws:events:eu-west-1:1:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"},
		{"arn:aws:states:::aws-sdk:cognitoidentityprovider:adminCreateUser", `{"UserPoolId":"eu-north-1_Ab1","Username.$":"$.u"}`, "cognito-idp:AdminCreateUser on arn:aws:cognito-idp:eu-north-1:1:userpool/eu-north-1_Ab1"},
		{"arn:aws:states:::aws-sdk:s3:getObject", `{"Bucket":"b","Key.$":"$.k"}`, "s3:GetObject on arn:aws:s3:::b/*"},
		{"arn:aws:states:::aws-sdk:secretsmanager:getSecretValue", `{"SecretId":"s"}`, "secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:1:secret:s-??????"},
		{"arn:aws:states:::aws-sdk:cloudwatch:putMetricData", `{"Namespace":"n"}`, "cloudwatch:PutMetricData on *"},

		{"arn:aws:states:::aws-sdk:cognitoidentityprovider:adminDeleteUser", `{"UserPoolId":"${pool}","Username.$":"$.u"}`, "cognito-idp:AdminDeleteUser on arn:of:${pool}"},
		{"arn:aws:states:::aws-sdk:cognitoidentityprovider:listUserPools", `{"MaxResults":1}`, "cognito-idp:ListUserPools on *"},
		{"arn:aws:states:::aws-sdk:dynamodb:transactGetItems", `{"TransactItems":[{"Get":{"TableName":"${table}","Key":{}}}]}`, "dynamodb:GetItem on arn:of:${table}"},
		{"arn:aws:states:::aws-sdk:dynamodb:listTables", `{}`, "dynamodb:ListTables on *"},
		{"arn:aws:states:::aws-sdk:sqs:sendMessageBatch", `{"QueueUrl":"${q}","Entries.$":"$"}`, "sqs:SendMessage on arn:of:${q}"},
		{"arn:aws:states:::aws-sdk:sqs:getQueueUrl", `{"QueueName":"q"}`, "sqs:GetQueueUrl on arn:aws:sqs:eu-west-1:1:q"},
		{"arn:aws:states:::aws-sdk:sns:publishBatch", `{"TopicArn":"${t}","PublishBatchRequestEntries.$":"$"}`, "sns:Publish on arn:of:${t}"},
		{"arn:aws:states:::aws-sdk:sns:createTopic", `{"Name":"t"}`, "sns:CreateTopic on arn:aws:sns:eu-west-1:1:t"},
		{"arn:aws:states:::aws-sdk:eventbridge:putEvents", `{"Entries":[{"EventBusName":"${bus}"}]}`, "events:PutEvents on arn:of:${bus}"},
		{"arn:aws:states:::aws-sdk:eventbridge:disableRule", `{"Name":"r"}`, "events:DisableRule on arn:aws:events:eu-west-1:1:rule/r"},
		{"arn:aws:states:::aws-sdk:eventbridge:putTargets", `{"Rule":"r","EventBusName":"b","Targets":[{"Id":"1","Arn":"a","RoleArn":"arn:aws:iam::1:role/r"}]}`,
			"events:PutTargets on arn:aws:events:eu-west-1:1:rule/b/r; iam:PassRole on arn:aws:iam::1:role/r"},
		{"arn:aws:states:::aws-sdk:scheduler:createSchedule", `{"Name.$":"$.n","ScheduleExpression":"at(2027-01-01T00:00:00)","FlexibleTimeWindow":{"Mode":"OFF"},"Target":{"Arn":"a","RoleArn":"${role}"}}`,
			"scheduler:CreateSchedule on arn:aws:scheduler:eu-west-1:1:schedule/default/*; iam:PassRole on arn:of:${role}"},
		{"arn:aws:states:::aws-sdk:scheduler:deleteSchedule", `{"Name":"n","GroupName":"g"}`, "scheduler:DeleteSchedule on arn:aws:scheduler:eu-west-1:1:schedule/g/n"},
		{"arn:aws:states:::aws-sdk:scheduler:createScheduleGroup", `{"Name":"g"}`, "scheduler:CreateScheduleGroup on arn:aws:scheduler:eu-west-1:1:schedule-group/g"},
		{"arn:aws:states:::aws-sdk:healthlake:describeFHIRDatastore", `{"DatastoreId":"d"}`, "healthlake:DescribeFHIRDatastore on arn:aws:healthlake:eu-west-1:1:datastore/fhir/d"},
		{"arn:aws:states:::aws-sdk:healthlake:startFHIRExportJob", `{"DatastoreId":"d","DataAccessRoleArn":"arn:aws:iam::1:role/r","OutputDataConfig.$":"$.o"}`,
			"healthlake:StartFHIRExportJob on arn:aws:healthlake:eu-west-1:1:datastore/fhir/d; iam:PassRole on arn:aws:iam::1:role/r"},
		{"arn:aws:states:::aws-sdk:sfn:describeExecution", `{"ExecutionArn":"${execution}"}`, "states:DescribeExecution on arn:of:${execution}"},
		{"arn:aws:states:::aws-sdk:sfn:sendTaskSuccess", `{"TaskToken.$":"$.t","Output.$":"$.o"}`, "states:SendTaskSuccess on *"},

		{"arn:aws:states:::aws-sdk:scheduler:createSchedule", `{"Name":"n","Target":{"Arn":"a","RoleArn.$":"$.r"}}`, "!the role that it passes on, in RoleArn, is only known when it runs"},
		{"arn:aws:states:::aws-sdk:scheduler:getSchedule", `{"Name":"n","GroupName":"${g}"}`, `!no ARN follows from its argument GroupName, "${g}"`},
		{"arn:aws:states:::aws-sdk:dynamodb:getItem", `{"TableName":"{% $t %}","Key":{}}`, "!its argument TableName is only known when it runs"},
		{"arn:aws:states:::aws-sdk:cognitoidentityprovider:adminCreateUser", `{"UserPoolId.$":"$.p","Username":"u"}`, "!its argument UserPoolId.$ is only known when it runs"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName.$":"$.f"}`, "!its argument FunctionName.$ is only known when it runs"},
		{"arn:aws:states:::aws-sdk:sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"b"}`, `!no ARN follows from its argument QueueUrl, "q"`},
		{"arn:aws:states:::aws-sdk:kinesis:describeStream", ``, "!it has no Parameters, so its arguments are only known when it runs"},
		{"arn:aws:states:::aws-sdk:dynamodb:transactWriteItems", `{"TransactItems.$":"$.t"}`, "!its argument TransactItems is only known when it runs"},
		{"arn:aws:states:::aws-sdk:dynamodb:executeStatement", `{"Statement":"s"}`, "!the table stands in a PartiQL statement"},
		{"arn:aws:states:::aws-sdk:ec2:runInstances", `{"ImageId":"i"}`, "!which resource aws-sdk:ec2:runInstances acts on is not known"},
	} {
		arguments := ""
		if c.arguments != "" {
			arguments = `,"Parameters":` + c.arguments
		}
		m := mustParse(t, `{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+c.resource+`"`+arguments+`,"End":true}}}],"End":true}}}`)
		permissions, err := DerivePermissions(m, opts)
		var got []string
		for _, p := range permissions {
			if p.State != "T" {
				t.Errorf("state %s", p.State)
			}
			got = append(got, strings.Join(p.Actions, " ")+" on "+strings.Join(p.Resources, " "))
		}
		var underivable *PermissionsError
		if errors.As(err, &underivable) {
			got = append(got, "!"+underivable.Tasks[0].Problem)
			if want := `the permissions of Task "T" (` + c.resource + `) cannot be derived: `; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v", err)
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s %s: %s", c.resource, c.arguments, diff)
		}
	}
}

func TestPermissionsOfOtherRoles(t *testing.T) {
	m := mustParse(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:sendMessage","Parameters":{"QueueUrl.$":"$.q","MessageBody":"b"},"Credentials":{"RoleArn":"arn:aws:iam::2:role/r"},"Next":"U"},
		"U":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:sendMessage","Parameters":{"QueueUrl.$":"$.q","MessageBody":"b"},"Credentials":{"RoleArn.$":"$.r"},"End":true}}}`)
	permissions, err := Permissions(m)
	want := []Permission{{State: "T", Actions: []string{"sts:AssumeRole"}, Resources: []string{"arn:aws:iam::2:role/r"}}}
	if diff := cmp.Diff(want, permissions); diff != "" || err == nil || !strings.Contains(err.Error(), `Task "U"`) {
		t.Error(diff, err)
	}
}

func TestPermissionsOfItemReader(t *testing.T) {
	m := mustParse(t, `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject",
		"ReaderConfig":{"InputType":"JSON"},"Parameters":{"Bucket":"b","Key.$":"$.key"}},"ItemProcessor":{"ProcessorConfig":
		{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}`)
	permissions, err := Permissions(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(permissions) != 1 || permissions[0].Actions[0] != "s3:GetObject" || permissions[0].Resources[0] != "arn:aws:s3:::b/*" {
		t.Errorf("the reader needs %+v, want s3:GetObject on the bucket's objects", permissions)
	}
}
