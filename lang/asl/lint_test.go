package asl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lintOf renders what Lint says of a definition, a line for each finding.
func lintOf(definition string, opts Options) string {
	var b strings.Builder
	for _, f := range Lint([]byte(definition), opts) {
		fmt.Fprintf(&b, "%s %s: %s at %s", f.Severity, f.Code, f.Message, f.Location)
		if f.Suggestion != "" {
			fmt.Fprintf(&b, " (%s)", f.Suggestion)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestLintResources(t *testing.T) {
	const unknown = "ERROR SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::%s is not recognized. The value is not a valid resource ARN, or the resource is not available in this region. at /States/T/Resource"
	for resource, suggestion := range map[string]string{
		"aws-sdk:dynamo:getItem":                           "aws-sdk:dynamodb:getItem",
		"aws-sdk:dynamodb:getItemz":                        "aws-sdk:dynamodb:getItem",
		"aws-sdk:dynamodb:GetItem":                         "aws-sdk:dynamodb:getItem",
		"aws-sdk:cognito-idp:adminCreateUser":              "aws-sdk:cognitoidentityprovider:adminCreateUser",
		"aws-sdk:cognitoidentityprovider:adminCreateUsers": "aws-sdk:cognitoidentityprovider:adminCreateUser",
		"aws-sdk:sqs:sendMessage.sync":                     "aws-sdk:sqs:sendMessage",
		"aws-sdk:s3:selectObjectContent":                   "",
		"dynamodb:transactWriteItems":                      "aws-sdk:dynamodb:transactWriteItems",
		"dynamodb:PutItem":                                 "dynamodb:putItem",
		"dynamodb:putItem.sync":                            "dynamodb:putItem",
		"sfn:startExecution":                               "aws-sdk:sfn:startExecution",
		"eventbridge:putEvents":                            "aws-sdk:eventbridge:putEvents",
		"aws-sdk:notaserviceatall:doSomething":             "",
	} {
		want := fmt.Sprintf(unknown, resource)
		if suggestion != "" {
			want += " (arn:aws:states:::" + suggestion + ")"
		}
		got := lintOf(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::`+resource+`","Parameters":{},"End":true}}}`, Options{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLintArguments(t *testing.T) {
	for _, c := range []struct{ resource, arguments, want string }{
		{"aws-sdk:dynamodb:getItem", `{"TableName":"t","Key.$":"$.k"}`, ""},
		{"aws-sdk:dynamodb:getItem", `{"tableName":"t","Key":{}}`, "ERROR SCHEMA_VALIDATION_FAILED: The field 'TableName' is required but was missing at /States/T/Parameters\n" +
			"ERROR SCHEMA_VALIDATION_FAILED: The field \"tableName\" is not supported by Step Functions at /States/T/Parameters (TableName)"},
		{"aws-sdk:dynamodb:getItem", `{"Tablename.$":"$.t","TableName":"t","Key":{}}`, "ERROR ARGUMENT_NAME: The field \"Tablename\" is not supported by Step Functions at /States/T/Parameters (TableName)"},
		{"aws-sdk:dynamodb:getItem", ``, "ERROR SCHEMA_VALIDATION_FAILED: Parameters field is required for resource ARN: arn:aws:states:::aws-sdk:dynamodb:getItem at /States/T"},
		{"aws-sdk:dynamodb:listTables", ``, ""},
		{"aws-sdk:dynamodb:putItem", `{"TableName":"t","Item":{"Id":{"S":"a"},"Tags":{"Ss":["a"]},"Gone":{"Nul":true},"Deep":{"M":{"x":{"L":[{"BOOL":true},{"n":"1"}]}}}}}`,
			"ERROR SCHEMA_VALIDATION_FAILED: The field \"n\" is not supported by Step Functions at /States/T/Parameters/Item/Deep/M/x/L[1] (N)"},
		{"aws-sdk:dynamodb:putItem", `{"TableName":"t","Item":{"Id":"a","Both":{"S":"a","N":"1"}},"ReturnValues":"ALLOLD"}`,
			"ERROR ARGUMENT_TYPE: 'Id' must be an object, but is a string at /States/T/Parameters/Item/Id\n" +
				"ERROR ARGUMENT_TYPE: AttributeValue takes exactly one of its members at /States/T/Parameters/Item/Both\n" +
				"WARNING ARGUMENT_VALUE: 'ALLOLD' is not one of the values that 'ReturnValues' is known to take: NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW at /States/T/Parameters/ReturnValues (ALL_OLD)"},
		{"aws-sdk:dynamodb:transactWriteItems", `{"TransactItems":[{"Put":{"TableName":"t","Item.$":"$.i"}},{"Delete":{"TableName":"t"}}]}`,
			"ERROR SCHEMA_VALIDATION_FAILED: The field 'Key' is required but was missing at /States/T/Parameters/TransactItems[1]/Delete"},
		{"aws-sdk:dynamodb:query", `{"TableName":"t","Limit":"10","ConsistentRead":"yes","ScanIndexForward":"false"}`,
			"WARNING ARGUMENT_TYPE: 'Limit' must be a whole number, but is a string at /States/T/Parameters/Limit\n" +
				"ERROR ARGUMENT_TYPE: 'ConsistentRead' must be a boolean, but is a string at /States/T/Parameters/ConsistentRead\n" +
				"WARNING ARGUMENT_TYPE: 'ScanIndexForward' must be a boolean, but is a string at /States/T/Parameters/ScanIndexForward"},
		{"aws-sdk:sqs:receiveMessage", `{"QueueUrl":5,"WaitTimeSeconds":1.5,"MessageAttributeNames":"All"}`,
			"WARNING ARGUMENT_TYPE: 'QueueUrl' must be a string, but is a number at /States/T/Parameters/QueueUrl\n" +
				"ERROR ARGUMENT_TYPE: 'WaitTimeSeconds' must be a whole number, but is a fraction at /States/T/Parameters/WaitTimeSeconds\n" +
				"ERROR ARGUMENT_TYPE: 'MessageAttributeNames' must be an array, but is a string at /States/T/Parameters/MessageAttributeNames"},
		{"aws-sdk:apigateway:getResources", `{"RestApiId":"a","Position":null}`, ""},
		{"aws-sdk:s3:putObject", `{"Bucket":"b","Key":"k","Body":{"any":"thing"},"SsekmsKeyId":"k"}`, ""},
		{"sqs:sendMessage", `{"QueueUrl":"q","MessageBody":{"any":"thing"}}`, ""},
		{"events:putEvents", `{"Entries":[{"Detail":{"a":1},"DetailType":"d","Sorce":"s"}]}`,
			"ERROR SCHEMA_VALIDATION_FAILED: The field \"Sorce\" is not supported by Step Functions at /States/T/Parameters/Entries[0] (Source)"},
		{"sns:publish", `{"topicArn":"t","Message":"m"}`, "ERROR SCHEMA_VALIDATION_FAILED: The field \"topicArn\" is not supported by Step Functions at /States/T/Parameters (TopicArn)"},
		{"ecs:runTask.sync", `{}`, "ERROR SCHEMA_VALIDATION_FAILED: The field 'TaskDefinition' is required but was missing at /States/T/Parameters"},
	} {
		parameters := ""
		if c.arguments != "" {
			parameters = `"Parameters":` + c.arguments + ","
		}
		got := lintOf(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::`+c.resource+`",`+parameters+`"End":true}}}`, Options{})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %s: %s", c.resource, c.arguments, diff)
		}
	}
}

func TestLintJSONataArguments(t *testing.T) {
	for arguments, want := range map[string]string{
		`"{% $states.input %}"`: "",
		`{"TableName":"{% $t %}","Key":"{% $k %}","ConsistentRead":"{% $c %}"}`: "",
		`{"TableName.$":"t","Key":"{% $k %}"}`: "ERROR SCHEMA_VALIDATION_FAILED: The field 'TableName' is required but was missing at /States/T/Arguments\n" +
			"ERROR SCHEMA_VALIDATION_FAILED: The field \"TableName.$\" is not supported by Step Functions at /States/T/Arguments (TableName)",
	} {
		got := lintOf(`{"QueryLanguage":"JSONata","StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:getItem","Arguments":`+arguments+`,"End":true}}}`, Options{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", arguments, diff)
		}
	}
}

func TestLintErrorNames(t *testing.T) {
	const lambda = "arn:aws:lambda:us-east-1:111111111111:function:f"
	for _, c := range []struct{ resource, name, want string }{
		{"aws-sdk:dynamodb:getItem", "DynamoDb.TransactionCanceledException", ""},
		{"aws-sdk:dynamodb:getItem", "DynamoDb.DynamoDbException", ""},
		{"aws-sdk:dynamodb:getItem", "DynamoDb.SdkClientException", ""},
		{"aws-sdk:dynamodb:getItem", "States.Timeout", ""},
		{"aws-sdk:dynamodb:getItem", "States.Runtime", "States.Runtime is never caught or retried, by whatever name: the execution fails"},
		{"aws-sdk:dynamodb:getItem", "States.TimeOut", "'States.TimeOut' never matches: there is no such reserved name (States.Timeout)"},
		{"aws-sdk:dynamodb:getItem", "State.ALL", "'State.ALL' never matches: there is no such reserved name (States.ALL)"},
		{"aws-sdk:dynamodb:getItem", "DynamoDB.ConditionalCheckFailedException", "'DynamoDB.ConditionalCheckFailedException' never matches: aws-sdk:dynamodb reports errors of the service as 'DynamoDb.<name>' (DynamoDb.ConditionalCheckFailedException)"},
		{"aws-sdk:dynamodb:getItem", "ConditionalCheckFailedException", "'ConditionalCheckFailedException' never matches: aws-sdk:dynamodb reports errors of the service as 'DynamoDb.<name>' (DynamoDb.ConditionalCheckFailedException)"},
		{"aws-sdk:dynamodb:getItem", "DynamoDb.ConditionalCheckFailed", "'DynamoDb.ConditionalCheckFailed' never matches: aws-sdk:dynamodb has no such error; one that its API has not modelled is DynamoDb.DynamoDbException (DynamoDb.ConditionalCheckFailedException)"},
		{"aws-sdk:dynamodb:getItem", "DynamoDb.ValidationException", "'DynamoDb.ValidationException' never matches: aws-sdk:dynamodb has no such error; one that its API has not modelled is DynamoDb.DynamoDbException (DynamoDb.DynamoDbException)"},
		{"aws-sdk:dynamodb:getItem", "MyError", "'MyError' never matches: aws-sdk:dynamodb reports errors of the service as 'DynamoDb.<name>'"},
		{"dynamodb:getItem", "DynamoDB.ConditionalCheckFailedException", ""},
		{"dynamodb:getItem", "DynamoDB.AmazonDynamoDBException", ""},
		{"dynamodb:getItem", "DynamoDb.ConditionalCheckFailedException", "'DynamoDb.ConditionalCheckFailedException' never matches: dynamodb reports errors of the service as 'DynamoDB.<name>' (DynamoDB.ConditionalCheckFailedException)"},
		{"aws-sdk:s3:getObject", "S3.NoSuchKeyException", ""},
		{"aws-sdk:s3:getObject", "S3.NoSuchKey", "'S3.NoSuchKey' never matches: aws-sdk:s3 has no such error; one that its API has not modelled is S3.S3Exception (S3.NoSuchKeyException)"},
		{"aws-sdk:cognitoidentityprovider:adminCreateUser", "CognitoIdentityProvider.UsernameExistsException", ""},
		{"aws-sdk:cognitoidentityprovider:adminCreateUser", "CognitoIdp.UsernameExistsException", "'CognitoIdp.UsernameExistsException' never matches: aws-sdk:cognitoidentityprovider reports errors of the service as 'CognitoIdentityProvider.<name>' (CognitoIdentityProvider.UsernameExistsException)"},
		{"aws-sdk:sfn:startExecution", "StepFunctions.ExecutionAlreadyExistsException", "'StepFunctions.ExecutionAlreadyExistsException' never matches: aws-sdk:sfn reports errors of the service as 'Sfn.<name>' (Sfn.ExecutionAlreadyExistsException)"},
		{"aws-sdk:secretsmanager:getSecretValue", "SecretsManager.ResourceNotFoundException", ""},
		{"events:putEvents", "EventBridge.FailedEntry", ""},
		{"sns:publish", "SNS.NotFoundException", ""},
		{"sqs:sendMessage.waitForTaskToken", "MyError", ""},
		{"sqs:sendMessage.waitForTaskToken", "Sqs.QueueDoesNotExistException", "'Sqs.QueueDoesNotExistException' never matches: sqs reports errors of the service as 'SQS.<name>' (SQS.QueueDoesNotExistException)"},
		{"lambda:invoke", "MyError", ""},
		{"lambda:invoke", "Lambda.Unknown", ""},
		{"lambda:invoke", "Lambda.AWSLambdaException", ""},
		{"lambda:invoke", "Lambda.EC2ThrottledException", ""},
		{lambda, "Lambda.TooManyRequestsException", ""},
		{lambda, "Sandbox.Timedout", ""},
		{lambda, "lambda.TooManyRequestsException", "'lambda.TooManyRequestsException' never matches: lambda reports errors of the service as 'Lambda.<name>' (Lambda.TooManyRequestsException)"},
		{"arn:aws:states:us-east-1:111111111111:activity:a", "MyError", ""},
	} {
		resource, want := c.resource, c.want
		if !strings.HasPrefix(resource, "arn:") {
			resource = "arn:aws:states:::" + resource
		}
		task := `"T":{"Type":"Task","Resource":"` + resource + `"`
		retry := `"Retry":[{"ErrorEquals":["` + c.name + `"]}],"End":true}`
		at := "/States/T"
		for _, definition := range []string{
			`{"StartAt":"T","States":{` + task + `,` + retry + `}}`,
			`{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"T","States":{` + task + `,"End":true}}}],` + retry + `}}`,
		} {
			var got []string
			for line := range strings.Lines(lintOf(definition, Options{})) {
				if strings.Contains(line, CodeErrorName) {
					got = append(got, strings.TrimSpace(line))
				}
			}
			full := ""
			if want != "" {
				message, suggestion, has := strings.Cut(want, " (")
				full = "WARNING ERROR_NEVER_MATCHES: " + message + " at " + at + "/Retry[0]/ErrorEquals[0]"
				if has {
					full += " (" + suggestion
				}
			}
			if diff := cmp.Diff(full, strings.Join(got, "\n")); diff != "" {
				t.Errorf("%s %s: %s", c.resource, c.name, diff)
			}
			at = "/States/P"
		}
	}
}

func TestLintExpressLimits(t *testing.T) {
	const definition = `{"TimeoutSeconds":301,"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:111111111111:function:f","TimeoutSeconds":900,"HeartbeatSeconds":300,"Next":"W"},
		"W":{"Type":"Wait","Seconds":3600,"End":true}}}`
	const of = " is longer than the 5 minutes that an Express workflow may run at "
	want := "WARNING EXPRESS_LIMIT: TimeoutSeconds" + of + "/TimeoutSeconds\n" +
		"WARNING EXPRESS_LIMIT: TimeoutSeconds" + of + "/States/T/TimeoutSeconds\n" +
		"WARNING EXPRESS_LIMIT: Seconds" + of + "/States/W/Seconds"
	if diff := cmp.Diff(want, lintOf(definition, Options{Express: true})); diff != "" {
		t.Error(diff)
	}
	if got := lintOf(definition, Options{}); got != "" {
		t.Error(got)
	}
}

func TestLintReservedErrorOfFail(t *testing.T) {
	want := "ERROR RESERVED_ERROR_NAME: Names of errors that begin with 'States.' are reserved for Step Functions at /States/F/Error"
	if got := lintOf(`{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"States.Mine"}}}`, Options{}); got != want {
		t.Error(got)
	}
}

func TestLintPlaces(t *testing.T) {
	for _, c := range []struct{ definition, want string }{
		{"{\n  \"StartAt\": \"A/B\",\n  \"States\": {\n    \"A/B\": {\"Type\": \"Task\", \"Resource\": \"nö\", \"Next\": \"C\", \"End\": true}\n  }\n}",
			"4:5 /States/A/B, 4:29 /States/A/B/Resource"},
		{"{\n\t\"StartAt\": \"P\", \"States\": {\"P\": {\"Type\": \"Parallel\", \"End\": true, \"Branches\": [\n\t\t{\"StartAt\": \"Q\", \"States\": {\"Q\": 5}}]}}}",
			"3:31 /States/P/Branches[0]/States/Q"},
		{"{\n  \"StartAt\": \"é\" \"States\"", "2:18 [Source"},
		{"[]", "1:1 /"},
		{`{"StartAt":"A","States":{"A":{"Type":"Pass","End":true},"B":{"Type":"Pass","End":true}}}`, "1:57 /States/B"},
	} {
		var got []string
		for _, f := range Lint([]byte(c.definition), Options{}) {
			location, _, _ := strings.Cut(f.Location, ":")
			if !strings.HasPrefix(location, "/") {
				location = "[Source"
			}
			got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, location))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: %s", c.definition, diff)
		}
	}
}

// sagaOf is a machine that puts a row, makes a user, mails the user, and can take the row and the user back. The
// arguments are the Catch of each of the two later steps.
func sagaOf(catchUser, catchMail string) string {
	return `{"StartAt":"PutRow","States":{
		"PutRow":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:transactWriteItems","Parameters":{"TransactItems":[
			{"Put":{"TableName":"users","Item.$":"$.row"}},{"Update":{"TableName":"users","Key.$":"$.key","UpdateExpression":"e"}}]},"Next":"Wait"},
		"Wait":{"Type":"Wait","Seconds":1,"Next":"MakeUser"},
		"MakeUser":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:cognitoidentityprovider:adminCreateUser",
			"Parameters":{"UserPoolId":"p","Username.$":"$.name"},` + catchUser + `"Next":"Mail"},
		"Mail":{"Type":"Parallel","Branches":[{"StartAt":"Send","States":{"Send":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:111111111111:function:mail","End":true}}}],` + catchMail + `"End":true},
		"RemoveUser":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:cognitoidentityprovider:adminDeleteUser",
			"Parameters":{"UserPoolId":"p","Username.$":"$.name"},"Catch":[{"ErrorEquals":["States.ALL"],"Next":"RemoveRow"}],"Next":"RemoveRow"},
		"RemoveRow":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:deleteItem","Parameters":{"TableName":"users","Key.$":"$.key"},"Next":"Give up"},
		"Give up":{"Type":"Fail"}}}`
}

func TestLintEffects(t *testing.T) {
	catch := func(name, next string) string {
		return `"Catch":[{"ErrorEquals":["` + name + `"],"Next":"` + next + `"}],`
	}
	const after = ": when it fails, what '%s' has done stays, although this definition has the undo of it at /States/%s"
	const warning = "WARNING EFFECT_LEFT_BEHIND: "
	for _, c := range []struct{ definition, want string }{
		{sagaOf(catch("States.ALL", "RemoveRow"), catch("States.ALL", "RemoveUser")), ""},
		{sagaOf(catch("States.TaskFailed", "RemoveRow"), catch("States.ALL", "RemoveUser")), ""},
		{sagaOf(catch("States.ALL", "RemoveRow"), catch("States.Timeout", "RemoveUser")),
			warning + fmt.Sprintf("'Mail' does not catch every error (States.ALL)"+after, "PutRow", "Mail")},
		{sagaOf(catch("CognitoIdentityProvider.UsernameExistsException", "RemoveRow"), catch("States.ALL", "RemoveUser")),
			warning + fmt.Sprintf("'MakeUser' does not catch every error (States.ALL)"+after, "PutRow", "MakeUser")},
		{sagaOf(`"TimeoutSeconds":5,`+catch("States.TaskFailed", "RemoveRow"), catch("States.ALL", "RemoveUser")),
			warning + fmt.Sprintf("'MakeUser' does not catch every error (States.ALL)"+after, "PutRow", "MakeUser")},
		{sagaOf(catch("States.ALL", "Give up"), catch("States.ALL", "RemoveUser")),
			warning + fmt.Sprintf("'MakeUser' catches every error, but its 'Give up' leads to a Fail without the undo"+after, "PutRow", "MakeUser")},
		{strings.Replace(sagaOf(catch("States.ALL", "Give up"), catch("States.ALL", "RemoveUser")), `"Give up":{"Type":"Fail"}`, `"Give up":{"Type":"Succeed"}`, 1), ""},
		// A row of another table is another thing.
		{strings.Replace(strings.Replace(sagaOf(catch("States.ALL", "RemoveRow"), catch("Mail.Refused", "RemoveUser")),
			`"Parameters":{"TableName":"users"`, `"Parameters":{"TableName":"log"`, 1), "adminDeleteUser", "adminDisableUser", 1), ""},
	} {
		if diff := cmp.Diff(c.want, lintOf(c.definition, Options{})); diff != "" {
			t.Errorf("%s: %s", c.definition, diff)
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add([]byte(sagaOf("", "")))
	f.Add([]byte(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:putItem","Parameters":{"TableName":1,"Item":{"":{"":[{}]}}},"Retry":[{"ErrorEquals":[".",1]}],"End":true}}}`))
	f.Fuzz(func(t *testing.T, definition []byte) {
		refused := 0
		for _, d := range Lint(definition, Options{Express: len(definition)%2 == 0}) {
			if d.Line < 1 || d.Column < 1 {
				t.Errorf("%+v", d)
			}
			if d.Severity == SeverityError && strings.Contains(d.Code, "_") {
				refused++
			}
		}
		if invalid := Validate(definition, Options{Express: len(definition)%2 == 0}); len(invalid) > refused {
			t.Errorf("Lint has %d of Validate's %d", refused, len(invalid))
		}
	})
}
