package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Redrive starts the executions anew whose inputs wait in a dead-letter queue.
type Redrive struct {
	Config          aws.Config
	QueueURL        string
	StateMachineARN string
	// Max is how many messages are taken at most; 0: all that are there.
	Max int
	// Done is told of every execution that was started; nil: nobody.
	Done func(RedrivenExecution)
}

// RedrivenExecution is one message of the dead-letter queue that became an execution again.
type RedrivenExecution struct {
	MessageID          string `json:"messageId"`
	FailedExecutionARN string `json:"failedExecutionArn,omitempty"`
	Error              string `json:"error,omitempty"` // why the first execution failed
	ExecutionARN       string `json:"executionArn"`
}

// Run redrives until the queue is empty or Max is reached. What fails again meanwhile stays in the queue. A message is deleted only after its execution was accepted;
// the execution's name derives from the message, so that on a Standard state machine a redrive that was cut off starts
// nothing twice.
func (r *Redrive) Run(ctx context.Context) ([]RedrivenExecution, error) {
	queue, machines := sqs.NewFromConfig(r.Config), sfn.NewFromConfig(r.Config)
	done := []RedrivenExecution{}
	started := map[string]bool{} // by name
	var returned []sqstypes.Message
	defer func() {
		for _, m := range returned { // an error leaves it hidden for the queue's visibility timeout, no longer
			_, _ = queue.ChangeMessageVisibility(context.WithoutCancel(ctx), &sqs.ChangeMessageVisibilityInput{QueueUrl: &r.QueueURL, ReceiptHandle: m.ReceiptHandle})
		}
	}()
	for r.Max == 0 || len(done) < r.Max {
		batch := int32(10)
		if r.Max > 0 {
			batch = int32(min(10, r.Max-len(done)))
		}
		received, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &r.QueueURL, MaxNumberOfMessages: batch, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return done, fmt.Errorf("reading the dead-letter queue %s: %w", r.QueueURL, err)
		}
		before := len(returned)
		for _, m := range received.Messages {
			if started[executionName(failedExecution(m))] {
				returned = append(returned, m)
				continue
			}
			e, err := r.one(ctx, machines, m)
			if err != nil {
				return done, err
			}
			if _, err := queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &r.QueueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return done, fmt.Errorf("deleting message %s, whose execution %s was started: %w", e.MessageID, e.ExecutionARN, err)
			}
			done, started[executionName(e.ExecutionARN)] = append(done, e), true
			if r.Done != nil {
				r.Done(e)
			}
		}
		if len(received.Messages) == len(returned)-before {
			break // nothing, or only what has failed again
		}
	}
	return done, nil
}

func (r *Redrive) one(ctx context.Context, machines *sfn.Client, m sqstypes.Message) (RedrivenExecution, error) {
	e := RedrivenExecution{MessageID: aws.ToString(m.MessageId), FailedExecutionARN: failedExecution(m)}
	if a, ok := m.MessageAttributes["Error"]; ok {
		e.Error = aws.ToString(a.StringValue)
	}
	sum := sha256.Sum256([]byte(e.MessageID))
	name := "redrive-" + hex.EncodeToString(sum[:16])
	started, err := machines.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &r.StateMachineARN, Name: &name, Input: m.Body})
	var exists *sfntypes.ExecutionAlreadyExists
	switch {
	case errors.As(err, &exists):
		e.ExecutionARN = executionARN(r.StateMachineARN, name)
	case err != nil:
		return e, fmt.Errorf("starting an execution for message %s, which stays in the queue: %w", e.MessageID, err)
	default:
		e.ExecutionARN = aws.ToString(started.ExecutionArn)
	}
	return e, nil
}

// failedExecution is the ARN of the execution that sent a dead letter.
func failedExecution(m sqstypes.Message) string {
	if a, ok := m.MessageAttributes["ExecutionArn"]; ok {
		return aws.ToString(a.StringValue)
	}
	return ""
}

// executionName is the name in an execution's ARN: the eighth part, after which those of Express executions have one more.
func executionName(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 7 {
		return parts[7]
	}
	return ""
}

// executionARN is the ARN of a Standard state machine's execution of that name.
func executionARN(stateMachineARN, name string) string {
	return strings.Replace(stateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}
