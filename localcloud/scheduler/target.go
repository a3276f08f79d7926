package scheduler

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
)

// universalPrefix begins the ARN of a target that is any API operation.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
const universalPrefix = "arn:aws:scheduler:::aws-sdk:"

// kind is what a target's ARN names.
type kind int

const (
	unknown kind = iota
	stateMachine
	queue
	function
	universal
)

func kindOf(arn string) kind {
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case strings.HasPrefix(arn, universalPrefix):
		return universal
	case len(parts) < 6 || parts[0] != "arn" || parts[1] != "aws" || parts[5] == "":
		return unknown
	case parts[2] == "states" && strings.HasPrefix(parts[5], "stateMachine:"):
		return stateMachine
	case parts[2] == "sqs":
		return queue
	case parts[2] == "lambda" && strings.HasPrefix(parts[5], "function:"):
		return function
	}
	return unknown
}

// readOnly begin the operations that AWS does not take as universal targets because they only return data.
var readOnly = []string{
	"get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover", "validate", "batchGet",
	"batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration", "retrieve", "testConnection", "translateDocument",
	"isAuthorized", "invokeModel",
}

// signingNames are those of the services that AWS's SDKs call otherwise.
var signingNames = map[string]string{"cloudwatchlogs": "logs", "cognitoidentityprovider": "cognito-idp", "eventbridge": "events", "sfn": "states"}

// operation returns what a universal target calls; nil if the embedded AWS does not have it.
func (s *Service) operation(arn string) *dispatch.Operation {
	service, action, _ := strings.Cut(strings.TrimPrefix(arn, universalPrefix), ":")
	if action == "" || strings.ToLower(action[:1]) != action[:1] {
		return nil
	}
	for _, signing := range signingNames {
		if service == signing {
			return nil
		}
	}
	if signing, ok := signingNames[service]; ok {
		service = signing
	}
	op, _ := s.d.Operation(service, strings.ToUpper(action[:1])+action[1:])
	return op
}

// checkTarget refuses targets that AWS would refuse or the embedded AWS does not have.
func (s *Service) checkTarget(t *Target) error {
	what := kindOf(t.Arn)
	if t.SqsParameters != nil && what != queue {
		return invalid("Parameter SqsParameters is not valid for the target %s.", t.Arn)
	}
	switch fifo := strings.HasSuffix(t.Arn, ".fifo"); {
	case !strings.HasPrefix(t.Arn, "arn:"):
		return invalid("Provided Arn is not in correct format.")
	case what == unknown:
		return invalid("The embedded AWS does not emulate the target %s: it has state machines, queues, functions and %s<service>:<action>.", t.Arn, universalPrefix)
	case what == queue && fifo != (t.SqsParameters != nil && t.SqsParameters.MessageGroupID != ""):
		return invalid("A FIFO queue, and no other target, needs SqsParameters with a MessageGroupId.")
	case what == universal:
		_, action, _ := strings.Cut(strings.TrimPrefix(t.Arn, universalPrefix), ":")
		for _, prefix := range readOnly {
			if strings.HasPrefix(action, prefix) {
				return invalid("%s is not supported: operations that only return data cannot be targets.", t.Arn)
			}
		}
		op := s.operation(t.Arn)
		if op == nil {
			return invalid("The embedded AWS does not emulate the target %s.", t.Arn)
		}
		input := t.Input
		if input == "" {
			input = "{}"
		}
		if _, err := request(op, sample.Replace(input)); err != nil {
			return invalid("Invalid RequestJson provided. Reason %s", err)
		}
	case what != queue && t.Input != "" && !json.Valid([]byte(sample.Replace(t.Input))):
		return invalid("The Input of the target %s must be well-formed JSON.", t.Arn)
	}
	return nil
}

// sample puts something in the place of every context attribute, to see what the input will be.
var sample = attributes("1970-01-01T00:00:00Z", "0000000000000000", "1", "arn:aws:scheduler:us-east-1:000000000000:schedule/default/x")

// attributes replaces the context attributes of an input.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
func attributes(scheduled, execution, attempt, arn string) *strings.Replacer {
	return strings.NewReplacer("<aws.scheduler.scheduled-time>", scheduled, "<aws.scheduler.execution-id>", execution,
		"<aws.scheduler.attempt-number>", attempt, "<aws.scheduler.schedule-arn>", arn)
}

// payload is what the target gets: the input, or AWS's notification if there is none.
func (s *Service) payload(r *schedule, dl *delivery, execution string) string {
	arn, scheduled := s.scheduleARN(r.GroupName, r.Name), dl.Scheduled.UTC().Format(time.RFC3339)
	switch {
	case r.Target.Input != "":
		return attributes(scheduled, execution, strconv.Itoa(dl.Attempts), arn).Replace(r.Target.Input)
	case kindOf(r.Target.Arn) == universal:
		return "{}"
	}
	text, _ := json.Marshal(struct { // strings only: it cannot fail
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     string   `json:"detail"`
	}{"0", dl.ID, "Scheduled Event", "aws.scheduler", s.d.Account, scheduled, s.d.Region, []string{arn}, "{}"})
	return string(text)
}

// queueURL is a URL of a queue, by its ARN.
func queueURL(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return "https://sqs." + parts[3] + ".amazonaws.com/" + parts[4] + "/" + parts[5]
}

// call makes the call of a schedule as its role, and returns what it sent.
func (s *Service) call(ctx context.Context, r *schedule, dl *delivery, execution string) (body string, err error) {
	t := r.Target
	body = s.payload(r, dl, execution)
	role, err := s.assume(ctx, r, execution)
	if err != nil {
		return body, err
	}
	if err := s.unseal(ctx, role, r); err != nil {
		return body, err
	}
	switch kindOf(t.Arn) {
	case stateMachine:
		_, err = s.d.Do(ctx, role, "states", "StartExecution", &stepfunctions.StartExecutionInput{StateMachineArn: t.Arn, Input: body})
	case queue:
		in := &sqs.SendMessageInput{QueueURL: queueURL(t.Arn), MessageBody: body}
		if t.SqsParameters != nil {
			in.MessageGroupID = t.SqsParameters.MessageGroupID
		}
		_, err = s.d.Do(ctx, role, "sqs", "SendMessage", in)
	case function:
		_, err = s.d.Do(ctx, role, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: t.Arn, InvocationType: "Event", Payload: []byte(body)})
	default:
		op := s.operation(t.Arn)
		if op == nil {
			return body, invalid("The embedded AWS does not emulate the target %s.", t.Arn)
		}
		in, err := request(op, body)
		if err != nil {
			return body, invalid("Invalid RequestJson provided. Reason %s", err)
		}
		_, err = s.d.Do(ctx, role, op.Service, op.Action, in)
		return body, err
	}
	return body, err
}
