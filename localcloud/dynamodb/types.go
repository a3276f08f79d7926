package dynamodb

import "github.com/carepath/carepath/lang/dynamodbexpr"

// Item is a set of attributes by name.
type Item = dynamodbexpr.Item

// Value is an attribute value.
type Value = dynamodbexpr.Value

// The order of members in requests is the one in which DynamoDB finds fault with them.

// GetItemInput is the request of GetItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
type GetItemInput struct {
	unknown
	ReturnConsumedCapacity   *string           `json:",omitempty"`
	AttributesToGet          []string          `json:",omitempty"`
	TableName                *string           `json:",omitempty"`
	Key                      Item              `json:",omitempty"`
	ConsistentRead           *bool             `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

// GetItemOutput is the response of GetItem.
type GetItemOutput struct {
	Item             Item              `json:",omitempty"`
	ConsumedCapacity *ConsumedCapacity `json:",omitempty"`
}

// ExpectedAttributeValue is one of the older conditions on an item.
type ExpectedAttributeValue struct {
	AttributeValueList []Value `json:",omitempty"`
	ComparisonOperator *string `json:",omitempty"`
	Exists             *bool   `json:",omitempty"`
	Value              *Value  `json:",omitempty"`
}

// AttributeValueUpdate is one of the older changes of an item.
type AttributeValueUpdate struct {
	Action *string `json:",omitempty"`
	Value  *Value  `json:",omitempty"`
}

// Condition is one of the older conditions of a query or scan.
type Condition struct {
	AttributeValueList []Value `json:",omitempty"`
	ComparisonOperator *string `json:",omitempty"`
}

// PutItemInput is the request of PutItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
type PutItemInput struct {
	unknown
	ReturnConsumedCapacity              *string                           `json:",omitempty"`
	TableName                           *string                           `json:",omitempty"`
	Item                                Item                              `json:",omitempty"`
	ConditionalOperator                 *string                           `json:",omitempty"`
	Expected                            map[string]ExpectedAttributeValue `json:",omitempty"`
	ReturnValues                        *string                           `json:",omitempty"`
	ReturnItemCollectionMetrics         *string                           `json:",omitempty"`
	ConditionExpression                 *string                           `json:",omitempty"`
	ExpressionAttributeValues           Item                              `json:",omitempty"`
	ExpressionAttributeNames            map[string]string                 `json:",omitempty"`
	ReturnValuesOnConditionCheckFailure *string                           `json:",omitempty"`
}

// WriteOutput is the response of PutItem, UpdateItem and DeleteItem.
type WriteOutput struct {
	Attributes            Item                   `json:",omitempty"`
	ConsumedCapacity      *ConsumedCapacity      `json:",omitempty"`
	ItemCollectionMetrics *ItemCollectionMetrics `json:",omitempty"`
}

// UpdateItemInput is the request of UpdateItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
type UpdateItemInput struct {
	unknown
	ReturnConsumedCapacity              *string                           `json:",omitempty"`
	TableName                           *string                           `json:",omitempty"`
	ReturnItemCollectionMetrics         *string                           `json:",omitempty"`
	ReturnValues                        *string                           `json:",omitempty"`
	Key                                 Item                              `json:",omitempty"`
	ConditionalOperator                 *string                           `json:",omitempty"`
	Expected                            map[string]ExpectedAttributeValue `json:",omitempty"`
	AttributeUpdates                    map[string]AttributeValueUpdate   `json:",omitempty"`
	ConditionExpression                 *string                           `json:",omitempty"`
	UpdateExpression                    *string                           `json:",omitempty"`
	ExpressionAttributeValues           Item                              `json:",omitempty"`
	ExpressionAttributeNames            map[string]string                 `json:",omitempty"`
	ReturnValuesOnConditionCheckFailure *string                           `json:",omitempty"`
}

// DeleteItemInput is the request of DeleteItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
type DeleteItemInput struct {
	unknown
	ReturnConsumedCapacity              *string                           `json:",omitempty"`
	TableName                           *string                           `json:",omitempty"`
	ReturnValues                        *string                           `json:",omitempty"`
	ReturnItemCollectionMetrics         *string                           `json:",omitempty"`
	Key                                 Item                              `json:",omitempty"`
	ConditionalOperator                 *string                           `json:",omitempty"`
	Expected                            map[string]ExpectedAttributeValue `json:",omitempty"`
	ConditionExpression                 *string                           `json:",omitempty"`
	ExpressionAttributeValues           Item                              `json:",omitempty"`
	ExpressionAttributeNames            map[string]string                 `json:",omitempty"`
	ReturnValuesOnConditionCheckFailure *string                           `json:",omitempty"`
}

// QueryInput is the request of Query.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
type QueryInput struct {
	unknown
	Select                    *string              `json:",omitempty"`
	IndexName                 *string              `json:",omitempty"`
	ReturnConsumedCapacity    *string              `json:",omitempty"`
	QueryFilter               map[string]Condition `json:",omitempty"`
	TableName                 *string              `json:",omitempty"`
	ConditionalOperator       *string              `json:",omitempty"`
	AttributesToGet           []string             `json:",omitempty"`
	Limit                     *int32               `json:",omitempty"`
	KeyConditions             map[string]Condition `json:",omitempty"`
	ExclusiveStartKey         Item                 `json:",omitempty"`
	ConsistentRead            *bool                `json:",omitempty"`
	ScanIndexForward          *bool                `json:",omitempty"`
	KeyConditionExpression    *string              `json:",omitempty"`
	FilterExpression          *string              `json:",omitempty"`
	ProjectionExpression      *string              `json:",omitempty"`
	ExpressionAttributeValues Item                 `json:",omitempty"`
	ExpressionAttributeNames  map[string]string    `json:",omitempty"`
}

// ScanInput is the request of Scan.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
type ScanInput struct {
	unknown
	Select                    *string              `json:",omitempty"`
	IndexName                 *string              `json:",omitempty"`
	TotalSegments             *int32               `json:",omitempty"`
	ReturnConsumedCapacity    *string              `json:",omitempty"`
	TableName                 *string              `json:",omitempty"`
	ConditionalOperator       *string              `json:",omitempty"`
	ScanFilter                map[string]Condition `json:",omitempty"`
	Segment                   *int32               `json:",omitempty"`
	Limit                     *int32               `json:",omitempty"`
	AttributesToGet           []string             `json:",omitempty"`
	ExclusiveStartKey         Item                 `json:",omitempty"`
	ConsistentRead            *bool                `json:",omitempty"`
	FilterExpression          *string              `json:",omitempty"`
	ProjectionExpression      *string              `json:",omitempty"`
	ExpressionAttributeValues Item                 `json:",omitempty"`
	ExpressionAttributeNames  map[string]string    `json:",omitempty"`
}

// PageOutput is the response of Query and Scan. Items is absent when only the count was asked for.
type PageOutput struct {
	Items            *[]Item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item              `json:",omitempty"`
	ConsumedCapacity *ConsumedCapacity `json:",omitempty"`
}

// KeysAndAttributes are the reads of one table in a BatchGetItem.
type KeysAndAttributes struct {
	Keys                     []Item            `json:",omitempty"`
	AttributesToGet          []string          `json:",omitempty"`
	ConsistentRead           *bool             `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

// BatchGetItemInput is the request of BatchGetItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
type BatchGetItemInput struct {
	unknown
	ReturnConsumedCapacity *string                      `json:",omitempty"`
	RequestItems           map[string]KeysAndAttributes `json:",omitempty"`
}

// BatchGetItemOutput is the response of BatchGetItem, by the names that the request used for its tables.
type BatchGetItemOutput struct {
	Responses        map[string][]Item
	UnprocessedKeys  map[string]KeysAndAttributes
	ConsumedCapacity []*ConsumedCapacity `json:",omitempty"`
}

// WriteRequest is one write of a BatchWriteItem.
type WriteRequest struct {
	DeleteRequest *DeleteRequest `json:",omitempty"`
	PutRequest    *PutRequest    `json:",omitempty"`
}

// DeleteRequest is a deletion in a batch.
type DeleteRequest struct {
	Key Item `json:",omitempty"`
}

// PutRequest is a put in a batch.
type PutRequest struct {
	Item Item `json:",omitempty"`
}

// BatchWriteItemInput is the request of BatchWriteItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
type BatchWriteItemInput struct {
	unknown
	ReturnConsumedCapacity      *string                   `json:",omitempty"`
	ReturnItemCollectionMetrics *string                   `json:",omitempty"`
	RequestItems                map[string][]WriteRequest `json:",omitempty"`
}

// BatchWriteItemOutput is the response of BatchWriteItem.
type BatchWriteItemOutput struct {
	UnprocessedItems      map[string][]WriteRequest
	ItemCollectionMetrics map[string][]ItemCollectionMetrics `json:",omitempty"`
	ConsumedCapacity      []*ConsumedCapacity                `json:",omitempty"`
}

// Capacity is what an operation cost of a table or an index, in units.
type Capacity struct {
	CapacityUnits      float64
	ReadCapacityUnits  *float64 `json:",omitempty"`
	WriteCapacityUnits *float64 `json:",omitempty"`
}

// ConsumedCapacity is what an operation cost.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
type ConsumedCapacity struct {
	TableName string
	Capacity
	Table                  *Capacity           `json:",omitempty"`
	LocalSecondaryIndexes  map[string]Capacity `json:",omitempty"`
	GlobalSecondaryIndexes map[string]Capacity `json:",omitempty"`
}

// ItemCollectionMetrics is the size of the items of one partition key, of tables with local indexes.
type ItemCollectionMetrics struct {
	ItemCollectionKey   Item
	SizeEstimateRangeGB []float64
}
