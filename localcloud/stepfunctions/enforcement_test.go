package stepfunctions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
)

// The actions that the role of an encrypted, logging and traced state machine needs which sends a message to a queue.
var needed = []string{
	"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
	"logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
	"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
	"kms:GenerateDataKey", "kms:Decrypt", "sqs:SendMessage",
}

// keyOf is the policy of a key that IAM policies decide about and that the log delivery may open data keys with, under the
// encryption context's SourceArn.
func keyOf(sourceARN string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"Service":"delivery.logs.amazonaws.com"},"Action":"kms:Decrypt*","Resource":"*",
		"Condition":{"StringEquals":{"kms:EncryptionContext:SourceArn":"` + sourceARN + `"}}}]}`
}

// deploy creates the state machine with a role that may do the actions and a key with a policy, runs it once and returns
// what logs it left and the first refusal on the way.
func deploy(t *testing.T, actions []string, keyPolicy string) (logged int, err error) {
	t.Helper()
	now := clock.NewDriven(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	d := dispatch.New(now, "111111111111", "us-east-1")
	st := store.Memory()
	for _, make := range []func() error{
		func() error { _, err := iam.New(d, st); return err },
		func() error { _, err := kms.New(d, st); return err },
		func() error { _, err := logs.New(d, st); return err },
		func() error { _, err := sqs.New(d, st); return err },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := stepfunctions.New(d, st)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	call := func(service, action string, in any) map[string]any {
		t.Helper()
		out, err := d.Do(t.Context(), d.Root(), service, action, in)
		if err != nil {
			t.Fatalf("%s:%s: %v", service, action, err)
		}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatal(err)
		}
		return fields
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	call("iam", "CreateRole", map[string]any{"RoleName": "workflow", "AssumeRolePolicyDocument": trust})
	text, err := json.Marshal(actions)
	if err != nil {
		t.Fatal(err)
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":"*"}]}`, text)
	call("iam", "PutRolePolicy", map[string]any{"RoleName": "workflow", "PolicyName": "p", "PolicyDocument": policy})
	key := call("kms", "CreateKey", map[string]any{"Policy": keyPolicy})["KeyMetadata"].(map[string]any)["Arn"]
	queue := call("sqs", "CreateQueue", map[string]any{"QueueName": "q"})["QueueUrl"]
	call("logs", "CreateLogGroup", map[string]any{"logGroupName": "/aws/vendedlogs/states/m"})
	definition := fmt.Sprintf(`{"StartAt":"Send","States":{"Send":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":%q,"MessageBody.$":"$"},"End":true}}}`, queue)
	_, err = d.Do(t.Context(), d.Root(), "states", "CreateStateMachine", map[string]any{
		"name": "m", "type": "EXPRESS", "roleArn": "arn:aws:iam::111111111111:role/workflow", "definition": definition,
		"tracingConfiguration":    map[string]any{"enabled": true},
		"encryptionConfiguration": map[string]any{"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": key},
		"loggingConfiguration": map[string]any{"level": "ALL", "destinations": []any{map[string]any{
			"cloudWatchLogsLogGroup": map[string]any{"logGroupArn": "arn:aws:logs:us-east-1:111111111111:log-group:/aws/vendedlogs/states/m:*"}}}},
	})
	if err != nil {
		return 0, err
	}
	out, err := dispatch.Do[stepfunctions.StartSyncExecutionOutput](t.Context(), d, d.Root(), "states", "StartSyncExecution",
		&stepfunctions.StartSyncExecutionInput{StateMachineArn: "arn:aws:states:us-east-1:111111111111:stateMachine:m"})
	if err != nil {
		return 0, err
	}
	if out.Error != "" {
		return 0, fmt.Errorf("%s: %s", out.Error, out.Cause)
	}
	if err := s.Close(t.Context()); err != nil { // delivers what waits
		t.Fatal(err)
	}
	events := call("logs", "FilterLogEvents", map[string]any{"logGroupName": "/aws/vendedlogs/states/m"})["events"]
	return len(events.([]any)), nil
}

func TestARoleNeedsEachOfItsActions(t *testing.T) {
	key := keyOf("arn:aws:logs:us-east-1:111111111111:*")
	logged, err := deploy(t, needed, key)
	if err != nil || logged == 0 {
		t.Fatalf("with every action: %d log events, %v", logged, err)
	}
	for _, action := range needed {
		rest := slices.DeleteFunc(slices.Clone(needed), func(a string) bool { return a == action })
		if _, err := deploy(t, rest, key); err == nil || !strings.Contains(err.Error(), "ccess") && !strings.Contains(err.Error(), "not authorized") {
			t.Errorf("without %s: %v", action, err)
		}
	}
}

func TestALogDeliveryNeedsTheStateMachinesKey(t *testing.T) {
	if logged, err := deploy(t, needed, keyOf("arn:aws:logs:us-east-1:222222222222:*")); err != nil || logged != 0 {
		t.Errorf("%d log events came through a key that the log delivery may not use, %v", logged, err)
	}
}
