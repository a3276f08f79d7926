package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// express is how the ARN of an Express workflow's execution tells itself. Step Functions keeps nothing of it that could be asked for.
const express = ":express:"

const expressSkip = skip("an Express workflow remembers no executions: its log group has them")

func (r *run) intake(ctx context.Context, s *system) {
	url := r.output("intakeUrl")
	payload := fmt.Sprintf(`{"carepath:demo":%q,"text":"it's \"me\" ☃","number":12345678901234567890,"vtl":"$input #set($x=1)"}`, r.report.Run)
	var execution string
	s.promise("a payload is accepted", func() (string, error) {
		a, err := r.expect(ctx, http.StatusAccepted, http.MethodPost, url, payload, nil)
		if err != nil {
			return "", err
		}
		if execution = a.field("executionArn"); execution == "" || a.field("status") != "accepted" {
			return "", errors.New("the answer names no execution")
		}
		return execution, nil
	})
	s.promise("what was accepted reaches the workflow equal in value, and is handled", func() (string, error) {
		switch {
		case execution == "":
			return "", skip("nothing was accepted")
		case strings.Contains(execution, express):
			return "", expressSkip
		}
		ended, err := r.ended(ctx, execution)
		if err != nil {
			return "", err
		}
		if ended.Status != sfntypes.ExecutionStatusSucceeded {
			return "", fmt.Errorf("the execution ended %s: %s", ended.Status, aws.ToString(ended.Error))
		}
		input, err := jsonvalue.Parse(aws.ToString(ended.Input))
		if err != nil {
			return "", fmt.Errorf("the execution's input: %w", err)
		}
		posted, err := jsonvalue.Parse(payload)
		if err != nil {
			return "", err
		}
		object, _ := input.(*jsonvalue.Object)
		if got, _ := object.Get("body"); !jsonvalue.Equal(got, posted) {
			return "", errors.New("the workflow got another value than was posted")
		}
		return "SUCCEEDED", nil
	})
	s.promise("what is no JSON is refused", func() (string, error) {
		return r.refused(ctx, http.StatusBadRequest, http.MethodPost, url, `{"torn":`)
	})
	s.promise("what is too large is refused", func() (string, error) {
		return r.refused(ctx, http.StatusRequestEntityTooLarge, http.MethodPost, url, `"`+strings.Repeat("x", 300_000)+`"`)
	})
	s.promise("a repeat with the same Idempotency-Key starts nothing", func() (string, error) {
		key := map[string]string{"Idempotency-Key": "carepath-demo-" + r.report.Run}
		first, err := r.expect(ctx, http.StatusAccepted, http.MethodPost, url, payload, key)
		if err != nil {
			return "", err
		}
		if strings.Contains(first.field("executionArn"), express) {
			return "", skip("an Express workflow does not know a repeated Idempotency-Key")
		}
		if _, err := r.ended(ctx, first.field("executionArn")); err != nil {
			return "", err
		}
		second, err := r.expect(ctx, http.StatusAccepted, http.MethodPost, url, payload, key)
		if err != nil {
			return "", err
		}
		if first.field("executionArn") != second.field("executionArn") {
			return "", errors.New("the repeat started another execution")
		}
		return second.field("executionArn"), nil
	})
	s.promise("what cannot be handled waits in the dead-letter queue", func() (string, error) { return r.deadLetter(ctx, url) })
}

// ended waits until an execution has ended.
func (r *run) ended(ctx context.Context, execution string) (*sfn.DescribeExecutionOutput, error) {
	client := sfn.NewFromConfig(r.Config)
	var described *sfn.DescribeExecutionOutput
	err := r.poll(ctx, func() (bool, string, error) {
		var err error
		if described, err = client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &execution}); err != nil {
			return false, "", fmt.Errorf("looking at the execution: %w", err)
		}
		return described.Status != sfntypes.ExecutionStatusRunning, "the execution is running", nil
	})
	return described, err
}

// deadLetter posts a payload whose handling fails, waits for its message, and takes it from the queue. Messages of others stay there,
// hidden for the queue's visibility timeout.
func (r *run) deadLetter(ctx context.Context, url string) (string, error) {
	queue := r.output("intakeDeadLetterQueueUrl")
	switch {
	case !r.Failures:
		return "", skip("it would set off an alarm: --failures tries it")
	case queue == "":
		return "", skip("the stack tells of no dead-letter queue")
	}
	a, err := r.expect(ctx, http.StatusAccepted, http.MethodPost, url, fmt.Sprintf(`{"carepath:fail":"asked for by carepath demo","run":%q}`, r.report.Run), nil)
	if err != nil {
		return "", err
	}
	execution := a.field("executionArn")
	if !strings.Contains(execution, express) {
		ended, err := r.ended(ctx, execution)
		if err != nil {
			return "", err
		}
		if ended.Status != sfntypes.ExecutionStatusFailed {
			return "", fmt.Errorf("the execution ended %s", ended.Status)
		}
	}
	client := sqs.NewFromConfig(r.Config)
	err = r.poll(ctx, func() (bool, string, error) {
		received, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: []string{"ExecutionArn"}})
		if err != nil {
			return false, "", fmt.Errorf("reading the dead-letter queue: %w", err)
		}
		for _, m := range received.Messages {
			if aws.ToString(m.MessageAttributes["ExecutionArn"].StringValue) != execution {
				continue
			}
			_, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &queue, ReceiptHandle: m.ReceiptHandle})
			return true, "", err
		}
		return false, "its message is not in the dead-letter queue", nil
	})
	if err != nil {
		return "", err
	}
	return "its message was there, and is removed", nil
}
