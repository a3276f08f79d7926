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

// Run redrives until the queue is empty or Max is reached. A message is deleted only after its execution was accepted;
// the execution's name derives from the message, so that on a Standard state machine a redrive that was cut off starts
// nothing twice.
func (r *Redrive) Run(ctx context.Context) ([]RedrivenExecution, error) {
	queue, machines := sqs.NewFromConfig(r.Config), sfn.NewFromConfig(r.Config)
	done := []RedrivenExecution{}
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
		if len(received.Messages) == 0 {
			break
		}
		for _, m := range received.Messages {
			e, err := r.one(ctx, machines, m)
			if err != nil {
				return done, err
			}
			if _, err := queue.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &r.QueueURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return done, fmt.Errorf("deleting message %s, whose execution %s was started: %w", e.MessageID, e.ExecutionARN, err)
			}
			done = append(done, e)
			if r.Done != nil {
				r.Done(e)
			}
		}
	}
	return done, nil
}

func (r *Redrive) one(ctx context.Context, machines *sfn.Client, m sqstypes.Message) (RedrivenExecution, error) {
	e := RedrivenExecution{MessageID: aws.ToString(m.MessageId)}
	if a, ok := m.MessageAttributes["ExecutionArn"]; ok {
		e.FailedExecutionARN = aws.ToString(a.StringValue)
	}
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

// executionARN is the ARN of a Standard state machine's execution of that name.
func executionARN(stateMachineARN, name string) string {
	return strings.Replace(stateMachineARN, ":stateMachine:", ":execution:", 1) + ":" + name
}
