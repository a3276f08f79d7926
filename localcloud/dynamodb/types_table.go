package dynamodb

import "github.com/carepath/carepath/localcloud/dispatch"

// AttributeDefinition is a key attribute's name and type: S, N or B.
type AttributeDefinition struct {
	AttributeName string
	AttributeType string
}

// KeySchemaElement is one attribute of a key: HASH or RANGE.
type KeySchemaElement struct {
	AttributeName string
	KeyType       string
}

// Projection is which attributes an index has: ALL, KEYS_ONLY, or INCLUDE with some more.
type Projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

// ProvisionedThroughput is capacity in units per second.
type ProvisionedThroughput struct {
	ReadCapacityUnits  int64
	WriteCapacityUnits int64
}

// OnDemandThroughput are the most units per second of a table that is paid by request; -1: no limit.
type OnDemandThroughput struct {
	MaxReadRequestUnits  int64
	MaxWriteRequestUnits int64
}

// SecondaryIndex is an index to be made; ProvisionedThroughput is of global ones.
type SecondaryIndex struct {
	IndexName             string
	KeySchema             []KeySchemaElement
	Projection            *Projection
	ProvisionedThroughput *ProvisionedThroughput `json:",omitempty"`
}

// SSESpecification is how a table is encrypted. Without Enabled it is with DynamoDB's own key.
type SSESpecification struct {
	Enabled        *bool   `json:",omitempty"`
	SSEType        *string `json:",omitempty"`
	KMSMasterKeyID *string `json:"KMSMasterKeyId,omitempty"`
}

// StreamSpecification asks for a stream, which is not emulated.
type StreamSpecification struct {
	StreamEnabled  bool
	StreamViewType *string `json:",omitempty"`
}

// Tag is a name and a value.
type Tag struct {
	Key   string
	Value string
}

// CreateTableInput is the request of CreateTable.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
type CreateTableInput struct {
	TableName                 *string
	AttributeDefinitions      []AttributeDefinition
	KeySchema                 []KeySchemaElement
	LocalSecondaryIndexes     []SecondaryIndex       `json:",omitempty"`
	GlobalSecondaryIndexes    []SecondaryIndex       `json:",omitempty"`
	BillingMode               *string                `json:",omitempty"`
	ProvisionedThroughput     *ProvisionedThroughput `json:",omitempty"`
	StreamSpecification       *StreamSpecification   `json:",omitempty"`
	SSESpecification          *SSESpecification      `json:",omitempty"`
	Tags                      []Tag                  `json:",omitempty"`
	TableClass                *string                `json:",omitempty"`
	DeletionProtectionEnabled *bool                  `json:",omitempty"`
}

// TableOutput is the response of CreateTable, UpdateTable and DeleteTable.
type TableOutput struct{ TableDescription *TableDescription }

// DescribeTableOutput is the response of DescribeTable.
type DescribeTableOutput struct{ Table *TableDescription }

// TableInput names a table, or has its ARN.
type TableInput struct{ TableName *string }

// ThroughputDescription is a table's or index's capacity.
type ThroughputDescription struct {
	LastIncreaseDateTime   *dispatch.Time `json:",omitempty"`
	LastDecreaseDateTime   *dispatch.Time `json:",omitempty"`
	NumberOfDecreasesToday int
	ReadCapacityUnits      int64
	WriteCapacityUnits     int64
}

// BillingModeSummary says that and since when a table is paid by request.
type BillingModeSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime *dispatch.Time `json:",omitempty"`
}

// IndexDescription describes an index. IndexStatus and ProvisionedThroughput are of global ones.
type IndexDescription struct {
	IndexName             string
	KeySchema             []KeySchemaElement
	Projection            Projection
	IndexStatus           string                 `json:",omitempty"`
	ProvisionedThroughput *ThroughputDescription `json:",omitempty"`
	IndexSizeBytes        int64
	ItemCount             int64
	IndexArn              string
}

// SSEDescription describes the encryption with a KMS key.
type SSEDescription struct {
	Status          string
	SSEType         string
	KMSMasterKeyArn string
}

// TableClassSummary names a table's class.
type TableClassSummary struct{ TableClass string }

// TableDescription describes a table. The item count and size are current, where AWS's are hours old; the size is that of
// the stored form.
type TableDescription struct {
	AttributeDefinitions      []AttributeDefinition
	TableName                 string
	KeySchema                 []KeySchemaElement
	TableStatus               string
	CreationDateTime          dispatch.Time
	ProvisionedThroughput     ThroughputDescription
	TableSizeBytes            int64
	ItemCount                 int64
	TableArn                  string
	TableID                   string              `json:"TableId"`
	BillingModeSummary        *BillingModeSummary `json:",omitempty"`
	LocalSecondaryIndexes     []IndexDescription  `json:",omitempty"`
	GlobalSecondaryIndexes    []IndexDescription  `json:",omitempty"`
	SSEDescription            *SSEDescription     `json:",omitempty"`
	TableClassSummary         *TableClassSummary  `json:",omitempty"`
	DeletionProtectionEnabled bool
}

// ListTablesInput is the request of ListTables.
type ListTablesInput struct {
	ExclusiveStartTableName *string `json:",omitempty"`
	Limit                   *int32  `json:",omitempty"`
}

// ListTablesOutput is the response of ListTables.
type ListTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

// IndexUpdate creates, changes or deletes one global index.
type IndexUpdate struct {
	Create *SecondaryIndex  `json:",omitempty"`
	Update *ThroughputOf    `json:",omitempty"`
	Delete *IndexNameMember `json:",omitempty"`
}

// ThroughputOf is another capacity for an index.
type ThroughputOf struct {
	IndexName             string
	ProvisionedThroughput *ProvisionedThroughput `json:",omitempty"`
}

// IndexNameMember names an index.
type IndexNameMember struct{ IndexName string }

// UpdateTableInput is the request of UpdateTable.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
type UpdateTableInput struct {
	TableName                   *string
	AttributeDefinitions        []AttributeDefinition  `json:",omitempty"`
	BillingMode                 *string                `json:",omitempty"`
	ProvisionedThroughput       *ProvisionedThroughput `json:",omitempty"`
	GlobalSecondaryIndexUpdates []IndexUpdate          `json:",omitempty"`
	StreamSpecification         *StreamSpecification   `json:",omitempty"`
	SSESpecification            *SSESpecification      `json:",omitempty"`
	TableClass                  *string                `json:",omitempty"`
	DeletionProtectionEnabled   *bool                  `json:",omitempty"`
}

// TimeToLiveSpecification says which attribute holds when an item expires.
type TimeToLiveSpecification struct {
	AttributeName *string
	Enabled       *bool
}

// UpdateTimeToLiveInput is the request of UpdateTimeToLive.
type UpdateTimeToLiveInput struct {
	TableName               *string
	TimeToLiveSpecification *TimeToLiveSpecification
}

// UpdateTimeToLiveOutput is the response of UpdateTimeToLive.
type UpdateTimeToLiveOutput struct {
	TimeToLiveSpecification *TimeToLiveSpecification
}

// TimeToLiveDescription is ENABLED or DISABLED, and the attribute.
type TimeToLiveDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

// DescribeTimeToLiveOutput is the response of DescribeTimeToLive.
type DescribeTimeToLiveOutput struct{ TimeToLiveDescription TimeToLiveDescription }

// PointInTimeRecoverySpecification turns recovery on or off.
type PointInTimeRecoverySpecification struct {
	PointInTimeRecoveryEnabled *bool
	RecoveryPeriodInDays       *int32 `json:",omitempty"`
}

// UpdateContinuousBackupsInput is the request of UpdateContinuousBackups.
type UpdateContinuousBackupsInput struct {
	TableName                        *string
	PointInTimeRecoverySpecification *PointInTimeRecoverySpecification
}

// PointInTimeRecoveryDescription describes recovery: ENABLED or DISABLED. Nothing can be restored here.
type PointInTimeRecoveryDescription struct {
	PointInTimeRecoveryStatus  string
	RecoveryPeriodInDays       int            `json:",omitempty"`
	EarliestRestorableDateTime *dispatch.Time `json:",omitempty"`
	LatestRestorableDateTime   *dispatch.Time `json:",omitempty"`
}

// ContinuousBackupsDescription describes backups.
type ContinuousBackupsDescription struct {
	ContinuousBackupsStatus        string
	PointInTimeRecoveryDescription PointInTimeRecoveryDescription
}

// ContinuousBackupsOutput is the response of DescribeContinuousBackups and UpdateContinuousBackups.
type ContinuousBackupsOutput struct {
	ContinuousBackupsDescription ContinuousBackupsDescription
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn *string
	Tags        []Tag
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceArn *string
	TagKeys     []string
}

// ListTagsOfResourceInput is the request of ListTagsOfResource.
type ListTagsOfResourceInput struct {
	ResourceArn *string
	NextToken   *string `json:",omitempty"`
}

// ListTagsOfResourceOutput is the response of ListTagsOfResource.
type ListTagsOfResourceOutput struct {
	Tags []Tag
}

// Empty is the response of operations that answer nothing.
type Empty struct{}
