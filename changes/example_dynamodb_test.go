package changes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/localcloud"
)

// Table is a [changes.Store] in a DynamoDB table whose key is the string PK.
type Table struct {
	Client *dynamodb.Client
	Name   string
}

func (t *Table) Load(ctx context.Context, subject string) (string, error) {
	out, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.Name, Key: key(subject), ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("Versions"),
	})
	if err != nil {
		return "", err
	}
	versions, _ := out.Item["Versions"].(*types.AttributeValueMemberS)
	if versions == nil {
		return "", nil
	}
	return versions.Value, nil
}

func (t *Table) Swap(ctx context.Context, subject, old, versions string) (bool, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &t.Name, Key: key(subject), UpdateExpression: aws.String("SET Versions = :new"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":new": &types.AttributeValueMemberS{Value: versions}},
		ConditionExpression:       aws.String("attribute_not_exists(Versions)"),
	}
	if old != "" {
		in.ConditionExpression = aws.String("Versions = :old")
		in.ExpressionAttributeValues[":old"] = &types.AttributeValueMemberS{Value: old}
	}
	_, err := t.Client.UpdateItem(ctx, in)
	var lost *types.ConditionalCheckFailedException
	if errors.As(err, &lost) {
		return false, nil
	}
	return err == nil, err
}

func key(subject string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: subject}}
}

// Where all that a consumer does is to write the resource's state to DynamoDB, that write can be the deduplication: duplicates
// and late versions fail its condition, however many processes there are.
func putState(ctx context.Context, client *dynamodb.Client, table string, c *changes.Change) error {
	_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &table, Key: key(c.Subject()),
		UpdateExpression:    aws.String("SET Version = :version, Document = :document"),
		ConditionExpression: aws.String("attribute_not_exists(Version) OR Version < :version"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":version":  &types.AttributeValueMemberN{Value: strconv.FormatInt(c.Version, 10)},
			":document": &types.AttributeValueMemberS{Value: string(c.Resource)},
		},
	})
	var old *types.ConditionalCheckFailedException
	if errors.As(err, &old) {
		return nil
	}
	return err
}

// In DynamoDB what was handled outlives the process, and several processes share it.
func ExampleStore_dynamoDB() {
	ctx := context.Background()
	client, stop, err := newTable(ctx, "handled")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	dedupe := changes.NewDeduplicator(&Table{Client: client, Name: "handled"})
	for _, version := range []int64{1, 3, 3, 2, 2} {
		c := &changes.Change{DataStoreID: "0123456789abcdef0123456789abcdef", ResourceType: "Patient", ResourceID: "p-1", Version: version}
		verdict, err := dedupe.Handle(ctx, c, func(context.Context, changes.Verdict) error { return nil })
		fmt.Println(version, verdict, err)
	}
	// Output:
	// 1 new <nil>
	// 3 new <nil>
	// 3 duplicate <nil>
	// 2 late <nil>
	// 2 duplicate <nil>
}

// newTable makes a table in an embedded AWS.
func newTable(ctx context.Context, name string) (*dynamodb.Client, func(), error) {
	cloud, err := localcloud.New(localcloud.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		return nil, nil, err
	}
	stop := func() { _ = cloud.Close(ctx) } // nothing is to be kept
	if err := cloud.Start(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	client := dynamodb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	_, err = client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("PK"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash}},
	})
	if err == nil {
		err = dynamodb.NewTableExistsWaiter(client).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return client, stop, nil
}

func TestStateInDynamoDBDoesNotGoBack(t *testing.T) {
	client, stop, err := newTable(t.Context(), "state")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, version := range []int64{2, 1, 10, 9, 10} {
		c := change()
		c.Version, c.Resource = version, json.RawMessage(strconv.FormatInt(version, 10))
		if err := putState(t.Context(), client, "state", c); err != nil {
			t.Fatal(err)
		}
	}
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("state"), Key: key(change().Subject())})
	if err != nil {
		t.Fatal(err)
	}
	if document := out.Item["Document"].(*types.AttributeValueMemberS).Value; document != "10" {
		t.Errorf("the state is that of version %s", document)
	}
}

func TestTwoProcessesShareATable(t *testing.T) {
	client, stop, err := newTable(t.Context(), "handled")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	deduplicateAtOnce(t, &Table{Client: client, Name: "handled"}, 8)
}
