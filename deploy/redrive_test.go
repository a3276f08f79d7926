package deploy_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/localcloud"
	"github.com/carepath/carepath/localcloud/iam"
)

// TestRedriveTakesEachDeadLetterOnce redrives into a state machine whose executions fail at once, so that their dead letters
// are back before the redrive is done.
func TestRedriveTakesEachDeadLetterOnce(t *testing.T) {
	for _, kind := range []sfntypes.StateMachineType{sfntypes.StateMachineTypeStandard, sfntypes.StateMachineTypeExpress} {
		t.Run(string(kind), func(t *testing.T) {
			ctx := t.Context()
			cloud, err := localcloud.New(localcloud.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", Logf: t.Logf})
			if err != nil {
				t.Fatal(err)
			}
			if err := cloud.Start(ctx); err != nil {
				t.Fatal(errors.Join(err, cloud.Close(ctx)))
			}
			defer cloud.Close(t.Context())
			config := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
			queues, machines := sqs.NewFromConfig(config), sfn.NewFromConfig(config)
			queue, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead"), Attributes: map[string]string{"VisibilityTimeout": "30"}})
			if err != nil {
				t.Fatal(err)
			}
			d := cloud.Dispatcher()
			if _, err := d.Do(ctx, d.Root(), "iam", "CreateRole", &iam.CreateRoleInput{RoleName: "r",
				AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}}`}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Do(ctx, d.Root(), "iam", "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: "r", PolicyName: "p",
				PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}}`}); err != nil {
				t.Fatal(err)
			}
			machine, err := machines.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
				Name: aws.String("m"), Type: kind, RoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
				Definition: aws.String(fmt.Sprintf(`{"StartAt":"Bury","States":{"Bury":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{
					"QueueUrl":%q,"MessageBody.$":"$$.Execution.Input","MessageAttributes":{"ExecutionArn":{"DataType":"String","StringValue.$":"$$.Execution.Id"}}},"End":true}}}`, *queue.QueueUrl)),
			})
			if err != nil {
				t.Fatal(err)
			}
			const letters = 25
			var sent []string
			for n := range letters {
				out, err := queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String(fmt.Sprintf(`{"n":%d}`, n))})
				if err != nil {
					t.Fatal(err)
				}
				sent = append(sent, *out.MessageId)
			}
			done, err := (&deploy.Redrive{Config: config, QueueURL: *queue.QueueUrl, StateMachineARN: *machine.StateMachineArn}).Run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var redriven []string
			for _, e := range done {
				redriven = append(redriven, e.MessageID)
			}
			slices.Sort(sent)
			slices.Sort(redriven)
			if !slices.Equal(sent, redriven) {
				t.Errorf("%d of %d dead letters were redriven: %v", len(redriven), letters, redriven)
			}
			back := map[string]bool{}
			for len(back) < letters {
				got, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Messages) == 0 {
					t.Fatalf("%d of %d dead letters are back and visible", len(back), letters)
				}
				for _, m := range got.Messages {
					back[*m.Body] = true
				}
			}
		})
	}
}
