package dynamodb_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

// withIAM adds IAM and KMS to a fixture.
func withIAM(t *testing.T) *fixture {
	t.Helper()
	s := store.Memory()
	f := newFixture(t, s)
	if _, err := iam.New(f.d, s); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.New(f.d, s); err != nil {
		t.Fatal(err)
	}
	return f
}

// call makes a root call of another service and returns the answer.
func (f *fixture) call(service, action string, in map[string]any) map[string]any {
	f.Helper()
	out, err := f.d.Do(f.Context(), f.d.Root(), service, action, in)
	if err != nil {
		f.Fatalf("%s:%s: %v", service, action, err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		f.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		f.Fatal(err)
	}
	return answer
}

// role makes a role with one policy and returns who assumed it.
func (f *fixture) role(name, service, statements string) dispatch.Principal {
	f.Helper()
	f.call("iam", "CreateRole", map[string]any{"RoleName": name, "AssumeRolePolicyDocument": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`})
	f.policy(name, statements)
	return dispatch.Principal{ARN: "arn:aws:sts::" + account + ":assumed-role/" + name + "/session", RoleARN: "arn:aws:iam::" + account + ":role/" + name}
}

func (f *fixture) policy(role, statements string) {
	f.Helper()
	f.call("iam", "PutRolePolicy", map[string]any{"RoleName": role, "PolicyName": "p", "PolicyDocument": `{"Version":"2012-10-17","Statement":[` + statements + `]}`})
}

// as makes a call as somebody and returns the error's code and message, "" when there is none.
func (f *fixture) as(p dispatch.Principal, action, body string) string {
	f.Helper()
	_, err := f.d.Do(f.Context(), p, "dynamodb", action, []byte(body))
	if err == nil {
		return ""
	}
	return dispatch.AsError(err).Error()
}

const usersARN = `"arn:aws:dynamodb:us-east-1:111111111111:table/users"`

func TestPermissions(t *testing.T) {
	f := withIAM(t)
	f.create("users", "id")
	p := f.role("app", "lambda.amazonaws.com", `{"Effect":"Allow","Action":["dynamodb:PutItem","dynamodb:ConditionCheckItem"],"Resource":`+usersARN+`}`)
	if got := f.as(p, "PutItem", `{"TableName":"users","Item":{"id":{"S":"1"}}}`); got != "" {
		t.Error(got)
	}
	for action, body := range map[string]string{
		"GetItem": `{"TableName":"users","Key":{"id":{"S":"1"}}}`, "PutItem": `{"TableName":"other","Item":{"id":{"S":"1"}}}`,
		"Query":              `{"TableName":"users","IndexName":"byEmail","KeyConditionExpression":"id = :i","ExpressionAttributeValues":{":i":{"S":"1"}}}`,
		"BatchGetItem":       `{"RequestItems":{"users":{"Keys":[{"id":{"S":"1"}}]}}}`,
		"TransactGetItems":   `{"TransactItems":[{"Get":{"TableName":"users","Key":{"id":{"S":"1"}}}}]}`,
		"TransactWriteItems": `{"TransactItems":[{"Put":{"TableName":"users","Item":{"id":{"S":"2"}}}},{"Update":{"TableName":"users","Key":{"id":{"S":"1"}},"UpdateExpression":"SET a = :a","ExpressionAttributeValues":{":a":{"S":"1"}}}}]}`,
	} {
		if got := f.as(p, action, body); !strings.HasPrefix(got, "AccessDeniedException: User: "+p.ARN+" is not authorized to perform: dynamodb:") {
			t.Errorf("%s: %q", action, got)
		}
	}
	if got := f.as(p, "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"users","Item":{"id":{"S":"2"}}}},{"ConditionCheck":{"TableName":"users","Key":{"id":{"S":"1"}},"ConditionExpression":"attribute_exists(id)"}}]}`); got != "" {
		t.Error(got)
	}
}

func TestLeadingKeys(t *testing.T) {
	f := withIAM(t)
	f.create("users", "id")
	p := f.role("own", "lambda.amazonaws.com", `{"Effect":"Allow","Action":["dynamodb:PutItem","dynamodb:Query","dynamodb:BatchWriteItem"],"Resource":`+usersARN+`,"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["mine"]}}}`)
	for key, allowed := range map[string]bool{"mine": true, "yours": false} {
		for action, body := range map[string]string{
			"PutItem":        `{"TableName":"users","Item":{"id":{"S":"` + key + `"}}}`,
			"Query":          `{"TableName":"users","KeyConditionExpression":"id = :i","ExpressionAttributeValues":{":i":{"S":"` + key + `"}}}`,
			"BatchWriteItem": `{"RequestItems":{"users":[{"PutRequest":{"Item":{"id":{"S":"mine"}}}},{"DeleteRequest":{"Key":{"id":{"S":"` + key + `2"}}}}]}}`,
		} {
			got := f.as(p, action, body)
			if (got == "") != (allowed && action != "BatchWriteItem") {
				t.Errorf("%s of %s: %q", action, key, got)
			}
		}
	}
}

func TestCustomerKey(t *testing.T) {
	f := withIAM(t)
	key := f.call("kms", "CreateKey", map[string]any{})["KeyMetadata"].(map[string]any)["Arn"].(string)
	f.do("CreateTable", []byte(`{"TableName":"users","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
		"SSESpecification":{"Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"`+key+`"}}`))
	if got := f.json("DescribeTable", `{"TableName":"users"}`); !strings.Contains(got, `"SSEDescription":{"Status":"ENABLED","SSEType":"KMS","KMSMasterKeyArn":"`+key+`"}`) {
		t.Error(got)
	}
	const put = `{"TableName":"users","Item":{"id":{"S":"1"}}}`
	table := `{"Effect":"Allow","Action":"dynamodb:*","Resource":` + usersARN + `}`
	p := f.role("app", "lambda.amazonaws.com", table)
	if got := f.as(p, "PutItem", put); !strings.HasPrefix(got, "AccessDeniedException: KMS key access denied error: ") || !strings.Contains(got, "kms:Decrypt") {
		t.Errorf("without a permission on the key: %q", got)
	}
	f.policy("app", table+`,{"Effect":"Allow","Action":"kms:Decrypt","Resource":"`+key+`","Condition":{"StringEquals":{"kms:EncryptionContext:aws:dynamodb:tableName":"users"}}}`)
	if got := f.as(p, "PutItem", put); got != "" {
		t.Errorf("with it: %q", got)
	}
	// What was allowed is remembered until it has not been used for five minutes.
	f.policy("app", table)
	for _, step := range []struct {
		after time.Duration
		works bool
	}{{4 * time.Minute, true}, {4 * time.Minute, true}, {5 * time.Minute, false}} {
		f.clock.Advance(step.after)
		if got := f.as(p, "PutItem", put); (got == "") != step.works {
			t.Errorf("%v later: %q", step.after, got)
		}
	}
	if got := f.as(f.role("maker", "lambda.amazonaws.com", `{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}`), "CreateTable", `{"TableName":"other","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"SSESpecification":{"Enabled":true,"KMSMasterKeyId":"`+key+`"}}`); !strings.Contains(got, "kms:DescribeKey") {
		t.Errorf("choosing a key: %q", got)
	}
}

// TestStateMachine runs the heart of a user's creation: a counter that is incremented, and a transaction that meets a
// profile which is there already.
func TestStateMachine(t *testing.T) {
	s := store.Memory()
	f := newFixture(t, s)
	if _, err := iam.New(f.d, s); err != nil {
		t.Fatal(err)
	}
	machines, err := stepfunctions.New(f.d, s)
	if err != nil {
		t.Fatal(err)
	}
	machines.Start()
	t.Cleanup(func() { _ = machines.Close(t.Context()) })
	f.create("users", "id")
	f.do("PutItem", []byte(`{"TableName":"users","Item":{"id":{"S":"EMAIL#a@b"}}}`))
	f.role("workflow", "states.amazonaws.com", `{"Effect":"Allow","Action":["dynamodb:UpdateItem","dynamodb:PutItem","dynamodb:ConditionCheckItem"],"Resource":`+usersARN+`}`)
	definition := `{"StartAt":"Count","States":{
		"Count":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:updateItem","Parameters":{"TableName":"users","Key":{"id":{"S":"counter"}},
			"UpdateExpression":"ADD LastId :one","ExpressionAttributeValues":{":one":{"N":"1"}},"ReturnValues":"UPDATED_NEW"},"ResultPath":"$.counted","Next":"Create"},
		"Create":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:transactWriteItems","Parameters":{"TransactItems":[
			{"Put":{"TableName":"users","Item":{"id":{"S.$":"$.counted.Attributes.LastId.N"}}}},
			{"Put":{"TableName":"users","Item":{"id":{"S.$":"$.email"}},"ConditionExpression":"attribute_not_exists(id)"}}]},
			"Catch":[{"ErrorEquals":["DynamoDb.TransactionCanceledException"],"ResultPath":"$.error","Next":"Taken"}],"ResultPath":"$.created","End":true},
		"Taken":{"Type":"Pass","End":true}}}`
	machine := f.call("states", "CreateStateMachine", map[string]any{"name": "users", "type": "EXPRESS", "roleArn": "arn:aws:iam::" + account + ":role/workflow", "definition": definition})["stateMachineArn"]
	run := func(email string) map[string]any {
		t.Helper()
		out := f.call("states", "StartSyncExecution", map[string]any{"stateMachineArn": machine, "input": `{"email":"` + email + `"}`})
		if out["status"] != "SUCCEEDED" {
			t.Fatalf("%v", out)
		}
		var result map[string]any
		if err := json.Unmarshal([]byte(out["output"].(string)), &result); err != nil {
			t.Fatal(err)
		}
		return result
	}
	failure, ok := run("EMAIL#a@b")["error"].(map[string]any)
	if !ok || failure["Error"] != "DynamoDb.TransactionCanceledException" ||
		!strings.HasPrefix(failure["Cause"].(string), "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed] (Service: DynamoDb, Status Code: 400, Request ID: ") {
		t.Errorf("a taken address ends with %v", failure)
	}
	result := run("EMAIL#c@d")
	counted, _ := json.Marshal(result["counted"])
	if string(counted) != `{"Attributes":{"LastId":{"N":"2"}}}` || result["error"] != nil {
		t.Errorf("a free address ends with %v", result)
	}
	f.want("Scan", `{"TableName":"users","Select":"COUNT"}`, `{"Count":4,"ScannedCount":4}`)
}
