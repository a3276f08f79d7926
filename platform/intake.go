package platform

import (
	_ "embed"

	"github.com/carepath/carepath/components/alarm"
	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/restapi"
	"github.com/carepath/carepath/components/workflow"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

//go:embed intake.asl.json
var intakeDefinition string

// intake is the asynchronous intake: a route that starts a state machine, which runs a function and keeps what fails in a
// dead-letter queue.
type intake struct {
	deadLetters *sqs.Queue
	workflow    *workflow.StateMachine
}

func (s *system) newIntake() (*intake, error) {
	c, days := s.config.Intake, pulumi.Int(s.config.Platform.LogRetentionDays)
	i := &intake{}
	var err error
	i.deadLetters, err = sqs.NewQueue(s.ctx, "intake-dead-letters", &sqs.QueueArgs{
		KmsMasterKeyId:               s.key.Arn.ToStringPtrOutput(),
		KmsDataKeyReusePeriodSeconds: pulumi.Int(300),
		MessageRetentionSeconds:      pulumi.Int(14 * 24 * 60 * 60), // the longest that SQS keeps messages
		MaxMessageSize:               pulumi.Int(262144),            // restapi.MaxInputBytes is made for it
	}, s.options(s.protection())...)
	if err != nil {
		return nil, err
	}
	if err := s.deadLetterAlarm("intake-dead-letters", i.deadLetters); err != nil {
		return nil, err
	}
	function, err := golambda.NewFunction(s.ctx, "intake-handler", &golambda.FunctionArgs{
		Package:          "handlers/intake",
		Architecture:     s.config.Platform.Architecture,
		Description:      pulumi.String("Handles the payloads that the intake API has accepted"),
		MemorySize:       pulumi.Int(c.FunctionMemoryMB),
		Timeout:          pulumi.Int(c.FunctionTimeoutSeconds),
		KMSKeyARN:        s.key.Arn,
		LogRetentionDays: days,
		AlarmTopicARNs:   s.alarmTopics(),
	}, s.options()...)
	if err != nil {
		return nil, err
	}
	deadLetterAttempts, deadLetterDelay := c.deadLetterRetry()
	i.workflow, err = workflow.NewStateMachine(s.ctx, "intake", &workflow.StateMachineArgs{
		Definition: intakeDefinition,
		Type:       c.WorkflowType,
		Placeholders: map[string]workflow.Placeholder{
			"partition":                 workflow.Text(pulumi.String(s.partition())),
			"functionArn":               workflow.Function(function.ARN),
			"deadLetterQueueUrl":        workflow.Queue(i.deadLetters.Url, i.deadLetters.Arn),
			"handleTimeoutSeconds":      workflow.Number(float64(c.handleTimeoutSeconds())),
			"serviceMaxAttempts":        workflow.Number(serviceMaxAttempts),
			"retryMaxAttempts":          workflow.Number(float64(c.Retry.MaxAttempts)),
			"retryIntervalSeconds":      workflow.Number(float64(c.Retry.IntervalSeconds)),
			"retryBackoffRate":          workflow.Number(c.Retry.BackoffRate),
			"retryMaxDelaySeconds":      workflow.Number(float64(c.Retry.MaxDelaySeconds)),
			"deadLetterMaxAttempts":     workflow.Number(float64(deadLetterAttempts)),
			"deadLetterMaxDelaySeconds": workflow.Number(float64(deadLetterDelay)),
		},
		KMSKeyARN:        s.key.Arn, // the queue's too, so that the role may send to it
		LogRetentionDays: days,
		AlarmTopicARNs:   s.alarmTopics(),
	}, s.options()...)
	if err != nil {
		return nil, err
	}
	err = s.newAPI("intake", intakePath, "Takes payloads and hands them to the intake state machine", c.Throttle, restapi.AsyncWorkflowRoute{
		Path: "/", StateMachineARN: i.workflow.ARN, Type: restapi.WorkflowType(c.WorkflowType), MaxBodyBytes: c.MaxBodyBytes, Headers: c.Headers,
	})
	if err != nil {
		return nil, err
	}
	return i, nil
}

// deadLetterAlarm tells when a message waits in a dead-letter queue, and as long as one does. See
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html.
func (s *system) deadLetterAlarm(name string, queue *sqs.Queue) error {
	return alarm.New(s.ctx, name+"-waiting", alarm.Alarm{
		Description: "Something waits in the dead-letter queue", Namespace: "AWS/SQS", Metric: "ApproximateNumberOfMessagesVisible",
		Dimensions: pulumi.StringMap{"QueueName": queue.Name}, Statistic: "Maximum",
	}, s.alarmTopics(), s.options()...)
}

func (i *intake) outputs() map[string]pulumi.Input {
	return map[string]pulumi.Input{
		"intakeStateMachineArn":    i.workflow.ARN,
		"intakeDeadLetterQueueUrl": i.deadLetters.Url,
	}
}
