package localcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/carepath/carepath/localcloud"
	"github.com/carepath/carepath/localcloud/iam"
)

func start(t *testing.T, dir string) *localcloud.Cloud {
	t.Helper()
	c, err := localcloud.New(localcloud.Options{Dir: dir, Addr: "127.0.0.1:0", Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(errors.Join(err, c.Close(t.Context())))
	}
	return c
}

func config(c *localcloud.Cloud, key, secret, token string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(c.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	}
}

func root(c *localcloud.Cloud) aws.Config { return config(c, "test", "test", "") }

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// createRole makes a role that trusts a principal and has one statement.
func createRole(t *testing.T, c *localcloud.Cloud, name, principal, statement string) string {
	t.Helper()
	d := c.Dispatcher()
	for action, in := range map[string]any{
		"CreateRole": &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}}`},
	} {
		if _, err := d.Do(t.Context(), d.Root(), "iam", action, in); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Do(t.Context(), d.Root(), "iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: name, PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":` + statement + `}`}); err != nil {
		t.Fatal(err)
	}
	return "arn:aws:iam::" + d.Account + ":role/" + name
}

// A state machine writes to a queue with its role; the SDKs see it over HTTP; state survives a stop.
func TestSDKsOverHTTP(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir)
	ctx := t.Context()

	who, err := sts.NewFromConfig(root(c)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::000000000000:root" {
		t.Fatal(who, err)
	}
	queues := sqs.NewFromConfig(root(c))
	queue, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("done")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*queue.QueueUrl, c.Endpoint()) {
		t.Errorf("the queue's address is %s", *queue.QueueUrl)
	}
	var missing *sqstypes.QueueDoesNotExist
	if _, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("nothing")}); !errors.As(err, &missing) {
		t.Errorf("a queue that does not exist: %v", err)
	}

	role := createRole(t, c, "flow", `{"Service":"states.amazonaws.com"}`, `{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:done"}`)
	definition, err := json.Marshal(map[string]any{"StartAt": "Send", "States": map[string]any{"Send": map[string]any{
		"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": true,
		"Parameters": map[string]any{"QueueUrl": *queue.QueueUrl, "MessageBody.$": "$.text"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	flows := sfn.NewFromConfig(root(c))
	flow, err := flows.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("flow"), RoleArn: &role, Definition: aws.String(string(definition))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flows.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: flow.StateMachineArn, Input: aws.String(`{"text":"it's <here>"}`)}); err != nil {
		t.Fatal(err)
	}
	got, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 0})
	if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != "it's <here>" {
		t.Fatalf("%+v %v", got, err)
	}
	var noMachine *sfntypes.StateMachineDoesNotExist
	if _, err := flows.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(*flow.StateMachineArn + "x")}); !errors.As(err, &noMachine) {
		t.Errorf("a state machine that does not exist: %v", err)
	}

	guest := createRole(t, c, "guest", `{"AWS":"000000000000"}`, `{"Effect":"Allow","Action":"sqs:GetQueueUrl","Resource":"*"}`)
	session, err := sts.NewFromConfig(root(c)).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &guest, RoleSessionName: aws.String("me")})
	if err != nil {
		t.Fatal(err)
	}
	as := config(c, *session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	if _, err := sqs.NewFromConfig(as).GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("done")}); err != nil {
		t.Error(err)
	}
	if _, err := sqs.NewFromConfig(as).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("x")}); code(err) != "AccessDeniedException" {
		t.Errorf("a guest sends: %v", err)
	}
	if _, err := sfn.NewFromConfig(as).StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: flow.StateMachineArn}); code(err) != "AccessDeniedException" ||
		!strings.Contains(err.Error(), "because no identity-based policy allows the states:StartExecution action") {
		t.Errorf("a guest starts: %v", err)
	}
	if _, err := queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("later")}); err != nil {
		t.Fatal(err)
	}
	if _, err := queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: queue.QueueUrl, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
		t.Fatal(err)
	}

	if err := c.Close(ctx); err != nil {
		t.Fatal(err)
	}
	c = start(t, dir)
	defer closeCloud(t, c)
	if _, err := sfn.NewFromConfig(root(c)).DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: flow.StateMachineArn}); err != nil {
		t.Error(err)
	}
	queues = sqs.NewFromConfig(root(c))
	again, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("done")})
	if err != nil {
		t.Fatal(err)
	}
	got, err = queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: again.QueueUrl, WaitTimeSeconds: 20})
	if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != "later" {
		t.Errorf("after a restart: %+v %v", got, err)
	}
}

func closeCloud(t *testing.T, c *localcloud.Cloud) {
	t.Helper()
	if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestWhatItSaysOfItself(t *testing.T) {
	c := start(t, "")
	defer closeCloud(t, c)
	var h localcloud.Health
	own(t, c, http.MethodGet, "health", "", &h)
	if h.PID != os.Getpid() || h.ProviderPort != c.ProviderPort() || h.ProviderPort == 0 {
		t.Errorf("%+v", h)
	}
	for _, service := range []string{"apigateway", "cloudwatch", "cognito-idp", "iam", "kms", "lambda", "logs", "sqs", "states", "sts"} {
		if !slices.Contains(h.Services, service) {
			t.Errorf("%s is missing in %v", service, h.Services)
		}
	}
	if _, err := sts.NewFromConfig(root(c)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	var j localcloud.Journal
	own(t, c, http.MethodGet, "journal", "", &j)
	if j.Total != 1 || j.Entries[0].Action != "GetCallerIdentity" {
		t.Errorf("%+v", j)
	}
	if err := c.Start(t.Context()); err == nil {
		t.Error("a second Start was let through")
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []localcloud.Options{{Addr: "0.0.0.0:0"}, {Addr: "127.0.0.1"}, {Account: "1"}} {
		if c, err := localcloud.New(o); err == nil {
			closeCloud(t, c)
			t.Errorf("%+v was accepted", o)
		}
	}
}

// TestEventsOverHTTP speaks the protocol of the AWS CLI and the SDKs: JSON 1.1, with AWSEvents as the target.
func TestEventsOverHTTP(t *testing.T) {
	c := start(t, t.TempDir())
	defer closeCloud(t, c)
	call := func(action, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Endpoint()+"/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSEvents."+action)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/events/aws4_request, SignedHeaders=host, Signature=x")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	for _, test := range []struct {
		action, body, want string
		status             int
	}{
		{"PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"app\"]}"}`, `{"RuleArn":"arn:aws:events:us-east-1:000000000000:rule/r"}`, 200},
		{"ListRules", `{}`, `{"Rules":[{"Name":"r","Arn":"arn:aws:events:us-east-1:000000000000:rule/r","EventBusName":"default","EventPattern":"{\"source\":[\"app\"]}","State":"ENABLED"}]}`, 200},
		{"PutEvents", `{"Entries":[{"Source":"app","DetailType":"t","Detail":"[]","Time":1767225600.5}]}`, `{"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}],"FailedEntryCount":1}`, 200},
		{"DescribeRule", `{"Name":"none"}`, `Rule none does not exist on EventBus default.`, 400},
	} {
		if status, got := call(test.action, test.body); status != test.status || !strings.Contains(got, test.want) {
			t.Errorf("%s: %d %s", test.action, status, got)
		}
	}
}
