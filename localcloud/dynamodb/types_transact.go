package dynamodb

// Get is a read of a TransactGetItems.
type Get struct {
	Key                      Item              `json:",omitempty"`
	TableName                *string           `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

// TransactGetItem is one part of a TransactGetItems.
type TransactGetItem struct {
	Get *Get `json:",omitempty"`
}

// TransactGetItemsInput is the request of TransactGetItems.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
type TransactGetItemsInput struct {
	unknown
	TransactItems          []TransactGetItem `json:",omitempty"`
	ReturnConsumedCapacity *string           `json:",omitempty"`
}

// ItemResponse is what one part of a TransactGetItems found.
type ItemResponse struct {
	Item Item `json:",omitempty"`
}

// TransactGetItemsOutput is the response of TransactGetItems, in the order of the request.
type TransactGetItemsOutput struct {
	ConsumedCapacity []*ConsumedCapacity `json:",omitempty"`
	Responses        []ItemResponse
}

// ConditionCheck is a condition on an item that a transaction does not write.
type ConditionCheck struct {
	Key                                 Item              `json:",omitempty"`
	TableName                           *string           `json:",omitempty"`
	ConditionExpression                 *string           `json:",omitempty"`
	ExpressionAttributeNames            map[string]string `json:",omitempty"`
	ExpressionAttributeValues           Item              `json:",omitempty"`
	ReturnValuesOnConditionCheckFailure *string           `json:",omitempty"`
}

// Put is a put of a transaction.
type Put struct {
	Item                                Item              `json:",omitempty"`
	TableName                           *string           `json:",omitempty"`
	ConditionExpression                 *string           `json:",omitempty"`
	ExpressionAttributeNames            map[string]string `json:",omitempty"`
	ExpressionAttributeValues           Item              `json:",omitempty"`
	ReturnValuesOnConditionCheckFailure *string           `json:",omitempty"`
}

// Delete is a deletion of a transaction.
type Delete struct {
	Key                                 Item              `json:",omitempty"`
	TableName                           *string           `json:",omitempty"`
	ConditionExpression                 *string           `json:",omitempty"`
	ExpressionAttributeNames            map[string]string `json:",omitempty"`
	ExpressionAttributeValues           Item              `json:",omitempty"`
	ReturnValuesOnConditionCheckFailure *string           `json:",omitempty"`
}

// Update is an update of a transaction.
type Update struct {
	Key                                 Item              `json:",omitempty"`
	UpdateExpression                    *string           `json:",omitempty"`
	TableName                           *string           `json:",omitempty"`
	ConditionExpression                 *string           `json:",omitempty"`
	ExpressionAttributeNames            map[string]string `json:",omitempty"`
	ExpressionAttributeValues           Item              `json:",omitempty"`
	ReturnValuesOnConditionCheckFailure *string           `json:",omitempty"`
}

// TransactWriteItem is one part of a TransactWriteItems: exactly one of its members.
type TransactWriteItem struct {
	ConditionCheck *ConditionCheck `json:",omitempty"`
	Put            *Put            `json:",omitempty"`
	Delete         *Delete         `json:",omitempty"`
	Update         *Update         `json:",omitempty"`
}

// TransactWriteItemsInput is the request of TransactWriteItems.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
type TransactWriteItemsInput struct {
	unknown
	TransactItems               []TransactWriteItem `json:",omitempty"`
	ReturnConsumedCapacity      *string             `json:",omitempty"`
	ReturnItemCollectionMetrics *string             `json:",omitempty"`
	ClientRequestToken          *string             `json:",omitempty"`
}

// TransactWriteItemsOutput is the response of TransactWriteItems.
type TransactWriteItemsOutput struct {
	ConsumedCapacity      []*ConsumedCapacity                `json:",omitempty"`
	ItemCollectionMetrics map[string][]ItemCollectionMetrics `json:",omitempty"`
}

// CancellationReason says what became of one part of a cancelled transaction.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
type CancellationReason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    Item   `json:",omitempty"`
}
