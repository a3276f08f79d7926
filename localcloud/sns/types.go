package sns

// CreateTopicInput is the request of CreateTopic. Attributes, tags and FIFO topics are not there.
type CreateTopicInput struct {
	Name string
}

// TopicInput names a topic: the response of CreateTopic and the request of DeleteTopic.
type TopicInput struct {
	TopicArn string
}

// ListTopicsInput is the request of ListTopics, which answers every topic at once.
type ListTopicsInput struct{}

// ListTopicsOutput is the response of ListTopics.
type ListTopicsOutput struct {
	Topics []TopicInput
}

// SubscribeInput is the request of Subscribe.
type SubscribeInput struct {
	TopicArn              string
	Protocol              string            // sqs
	Endpoint              string            // the queue's ARN
	Attributes            map[string]string // RawMessageDelivery: "true" or "false"
	ReturnSubscriptionArn bool              // changes nothing: subscriptions of queues are confirmed at once
}

// SubscriptionInput names a subscription: the response of Subscribe and the request of Unsubscribe.
type SubscriptionInput struct {
	SubscriptionArn string
}

// MessageAttributeValue is one attribute of a message.
type MessageAttributeValue struct {
	DataType    string // String, Number, Binary or String.Array
	StringValue *string
	BinaryValue []byte
}

// PublishInput is the request of Publish. Phone numbers, message structures and FIFO topics' members are not there.
type PublishInput struct {
	TopicArn          string
	TargetArn         string // the same
	Message           string // 1 to 256 KiB, attributes included
	Subject           string // up to 100 characters
	MessageAttributes map[string]MessageAttributeValue
}

// PublishOutput is the response of Publish.
type PublishOutput struct {
	MessageID string `json:"MessageId"`
}

// Empty is the response of operations that answer nothing.
type Empty struct{}
