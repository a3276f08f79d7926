package sqs

// CreateQueueInput is the request of CreateQueue.
type CreateQueueInput struct {
	QueueName  string
	Attributes map[string]string `json:",omitempty"`
	Tags       map[string]string `json:"tags,omitempty"` // lower case in AWS's model too
}

// QueueURLOutput is the response of CreateQueue and GetQueueUrl.
type QueueURLOutput struct {
	QueueURL string `json:"QueueUrl"`
}

// QueueInput names a queue: the request of DeleteQueue, PurgeQueue and ListQueueTags.
type QueueInput struct {
	QueueURL string `json:"QueueUrl"`
}

// Empty is the response of the operations that answer nothing.
type Empty struct{}

// GetQueueURLInput is the request of GetQueueUrl.
type GetQueueURLInput struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId,omitempty"`
}

// GetQueueAttributesInput is the request of GetQueueAttributes.
type GetQueueAttributesInput struct {
	QueueURL       string   `json:"QueueUrl"`
	AttributeNames []string `json:",omitempty"`
}

// GetQueueAttributesOutput is the response of GetQueueAttributes.
type GetQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

// SetQueueAttributesInput is the request of SetQueueAttributes.
type SetQueueAttributesInput struct {
	QueueURL   string `json:"QueueUrl"`
	Attributes map[string]string
}

// ListQueuesInput is the request of ListQueues.
type ListQueuesInput struct {
	QueueNamePrefix string `json:",omitempty"`
	MaxResults      int    `json:",omitempty"` // 1..1000
	NextToken       string `json:",omitempty"`
}

// ListQueuesOutput is the response of ListQueues.
type ListQueuesOutput struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

// MessageAttributeValue is one attribute of a message.
type MessageAttributeValue struct {
	DataType         string   // String, Number or Binary, with an optional ".custom" label
	StringValue      *string  `json:",omitempty"`
	BinaryValue      []byte   `json:",omitempty"`
	StringListValues []string `json:",omitempty"` // lists are refused, as SQS does: it reserves these members for the future
	BinaryListValues [][]byte `json:",omitempty"`
}

// SendMessageInput is the request of SendMessage.
type SendMessageInput struct {
	QueueURL                string `json:"QueueUrl"`
	MessageBody             string
	DelaySeconds            *int                             `json:",omitempty"` // 0..900; nil: the queue's
	MessageAttributes       map[string]MessageAttributeValue `json:",omitempty"`
	MessageSystemAttributes map[string]MessageAttributeValue `json:",omitempty"` // AWSTraceHeader only
	MessageDeduplicationID  string                           `json:"MessageDeduplicationId,omitempty"`
	MessageGroupID          string                           `json:"MessageGroupId,omitempty"`
}

// SendMessageOutput is the response of SendMessage.
type SendMessageOutput struct {
	MessageID                    string `json:"MessageId"`
	MD5OfMessageBody             string // hexadecimal
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	SequenceNumber               string `json:",omitempty"` // of FIFO queues
}

// SendMessageBatchInput is the request of SendMessageBatch.
type SendMessageBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []SendMessageBatchEntry
}

// SendMessageBatchEntry is one message of SendMessageBatch.
type SendMessageBatchEntry struct {
	ID                      string `json:"Id"`
	MessageBody             string
	DelaySeconds            *int                             `json:",omitempty"`
	MessageAttributes       map[string]MessageAttributeValue `json:",omitempty"`
	MessageSystemAttributes map[string]MessageAttributeValue `json:",omitempty"`
	MessageDeduplicationID  string                           `json:"MessageDeduplicationId,omitempty"`
	MessageGroupID          string                           `json:"MessageGroupId,omitempty"`
}

// SendMessageBatchOutput is the response of SendMessageBatch.
type SendMessageBatchOutput struct {
	Successful []SendMessageBatchResult
	Failed     []BatchFailure
}

// SendMessageBatchResult is one message that was sent.
type SendMessageBatchResult struct {
	ID string `json:"Id"`
	SendMessageOutput
}

// BatchFailure is one entry of a batch that failed.
type BatchFailure struct {
	ID          string `json:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

// ReceiveMessageInput is the request of ReceiveMessage.
type ReceiveMessageInput struct {
	QueueURL                    string   `json:"QueueUrl"`
	MaxNumberOfMessages         *int     `json:",omitempty"` // 1..10; 1 by default
	VisibilityTimeout           *int     `json:",omitempty"` // 0..43200 seconds; nil: the queue's
	WaitTimeSeconds             *int     `json:",omitempty"` // 0..20; nil: the queue's
	AttributeNames              []string `json:",omitempty"`
	MessageSystemAttributeNames []string `json:",omitempty"`
	MessageAttributeNames       []string `json:",omitempty"`
	ReceiveRequestAttemptID     string   `json:"ReceiveRequestAttemptId,omitempty"` // of FIFO queues
	// Patient is for pollers within this process: the call waits until there is a message, the queue is gone or its context
	// ends, where those on AWS ask again every 20 seconds. An empty queue so costs nothing and moves no clock.
	Patient bool `json:"-"`
}

// ReceiveMessageOutput is the response of ReceiveMessage.
type ReceiveMessageOutput struct {
	Messages []Message `json:",omitempty"`
}

// Message is a received message.
type Message struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string                `json:",omitempty"`
	MD5OfMessageAttributes string                           `json:",omitempty"`
	MessageAttributes      map[string]MessageAttributeValue `json:",omitempty"`
}

// DeleteMessageInput is the request of DeleteMessage.
type DeleteMessageInput struct {
	QueueURL      string `json:"QueueUrl"`
	ReceiptHandle string
}

// DeleteMessageBatchInput is the request of DeleteMessageBatch.
type DeleteMessageBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []DeleteMessageBatchEntry
}

// DeleteMessageBatchEntry is one receipt of DeleteMessageBatch.
type DeleteMessageBatchEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
}

// BatchOutput is the response of DeleteMessageBatch and ChangeMessageVisibilityBatch.
type BatchOutput struct {
	Successful []BatchSuccess
	Failed     []BatchFailure
}

// BatchSuccess is one entry of a batch that succeeded.
type BatchSuccess struct {
	ID string `json:"Id"`
}

// ChangeMessageVisibilityInput is the request of ChangeMessageVisibility.
type ChangeMessageVisibilityInput struct {
	QueueURL          string `json:"QueueUrl"`
	ReceiptHandle     string
	VisibilityTimeout *int // 0..43200 seconds from now
}

// ChangeMessageVisibilityBatchInput is the request of ChangeMessageVisibilityBatch.
type ChangeMessageVisibilityBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []ChangeMessageVisibilityBatchEntry
}

// ChangeMessageVisibilityBatchEntry is one receipt of ChangeMessageVisibilityBatch.
type ChangeMessageVisibilityBatchEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int `json:",omitempty"`
}

// TagQueueInput is the request of TagQueue.
type TagQueueInput struct {
	QueueURL string `json:"QueueUrl"`
	Tags     map[string]string
}

// UntagQueueInput is the request of UntagQueue.
type UntagQueueInput struct {
	QueueURL string `json:"QueueUrl"`
	TagKeys  []string
}

// ListQueueTagsOutput is the response of ListQueueTags.
type ListQueueTagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

// ListDeadLetterSourceQueuesInput is the request of ListDeadLetterSourceQueues.
type ListDeadLetterSourceQueuesInput struct {
	QueueURL   string `json:"QueueUrl"`
	MaxResults int    `json:",omitempty"` // 1..1000
	NextToken  string `json:",omitempty"`
}

// ListDeadLetterSourceQueuesOutput is the response of ListDeadLetterSourceQueues.
type ListDeadLetterSourceQueuesOutput struct {
	QueueURLs []string `json:"queueUrls"` // lower case in AWS's model too
	NextToken string   `json:",omitempty"`
}

// StartMessageMoveTaskInput is the request of StartMessageMoveTask.
type StartMessageMoveTaskInput struct {
	SourceArn                    string // a dead-letter queue
	DestinationArn               string `json:",omitempty"` // empty: each message returns to the queue it came from
	MaxNumberOfMessagesPerSecond int    `json:",omitempty"` // 1..500; 0: as fast as can be
}

// StartMessageMoveTaskOutput is the response of StartMessageMoveTask.
type StartMessageMoveTaskOutput struct {
	TaskHandle string
}

// ListMessageMoveTasksInput is the request of ListMessageMoveTasks.
type ListMessageMoveTasksInput struct {
	SourceArn  string
	MaxResults int `json:",omitempty"` // 1..10; 1 by default
}

// ListMessageMoveTasksOutput is the response of ListMessageMoveTasks, the latest task first.
type ListMessageMoveTasksOutput struct {
	Results []MoveTask
}

// MoveTask is one task of StartMessageMoveTask.
type MoveTask struct {
	TaskHandle                        string `json:",omitempty"` // only while it runs
	Status                            string // RUNNING, COMPLETED, FAILED
	SourceArn                         string
	DestinationArn                    string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	ApproximateNumberOfMessagesMoved  int64
	ApproximateNumberOfMessagesToMove int64
	FailureReason                     string `json:",omitempty"`
	StartedTimestamp                  int64  // milliseconds since 1970
}
