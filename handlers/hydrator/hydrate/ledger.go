package hydrate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// shards is the number of partitions over which a type's resources are spread.
const shards = 16

// published is what the ledger knows of a resource. The zero value is nothing.
type published struct {
	version int64
	deleted bool // version is a deletion
}

// LedgerKey is the key of a resource's item in the ledger.
func LedgerKey(dataStoreID, resourceType, id string) Key {
	sum := sha256.Sum256([]byte(id))
	return Key{partition(dataStoreID, resourceType, int(sum[0]>>4)), id}
}

func partition(dataStoreID, resourceType string, shard int) string {
	return dataStoreID + "#" + resourceType + "#" + strconv.FormatInt(int64(shard), 16)
}

// WatermarkKey is the key of a type's watermark in the ledger.
func WatermarkKey(dataStoreID, resourceType string) Key {
	return Key{dataStoreID + "#WATERMARK", resourceType}
}

func (k Key) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: k.PK}, "SK": &types.AttributeValueMemberS{Value: k.SK}}
}

// names stand for attributes whose names could be words of DynamoDB's.
var names = map[string]string{"#version": "version", "#deleted": "deleted"}

// maxKeys is BatchGetItem's limit.
const maxKeys = 100

// heads reads what is published of resources; what is not there is not published. Ids may repeat.
func (h *Hydrator) heads(ctx context.Context, typ string, ids []string) (map[string]published, error) {
	found, seen := map[string]published{}, map[string]bool{}
	var keys []map[string]types.AttributeValue
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			keys = append(keys, LedgerKey(h.DataStoreID, typ, id).attributes())
		}
	}
	for attempt := 0; len(keys) > 0; attempt++ {
		n := min(len(keys), maxKeys)
		out, err := h.DynamoDB.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			h.Table: {Keys: keys[:n], ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("SK, #version, #deleted"), ExpressionAttributeNames: names}}})
		if err != nil {
			return nil, fmt.Errorf("reading the ledger: %w", err)
		}
		for _, item := range out.Responses[h.Table] {
			p, err := readItem(item)
			if err != nil {
				return nil, err
			}
			found[text(item["SK"])] = p
		}
		left := out.UnprocessedKeys[h.Table].Keys
		keys = append(keys[n:], left...)
		if len(left) < n {
			attempt = 0
		} else if err := pause(ctx, attempt); err != nil {
			return nil, fmt.Errorf("reading the ledger, which is throttled: %w", err)
		}
	}
	return found, nil
}

// pause waits before keys that DynamoDB has left out are asked for again.
func pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(time.Duration(rand.Float64() * float64(min(50*time.Millisecond<<min(attempt, 10), 5*time.Second))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func readItem(item map[string]types.AttributeValue) (p published, err error) {
	if n, ok := item["version"].(*types.AttributeValueMemberN); ok {
		if p.version, err = strconv.ParseInt(n.Value, 10, 64); err != nil {
			return p, errors.New("the ledger has a version that is no whole number")
		}
	}
	if b, ok := item["deleted"].(*types.AttributeValueMemberBOOL); ok {
		p.deleted = b.Value
	}
	return p, nil
}

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// marks are a type's watermark. A zero time is none.
type marks struct{ triggered, swept time.Time }

func (h *Hydrator) marks(ctx context.Context, typ string) (m marks, err error) {
	out, err := h.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: &h.Table, Key: WatermarkKey(h.DataStoreID, typ).attributes(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return m, fmt.Errorf("reading the watermark: %w", err)
	}
	for name, to := range map[string]*time.Time{"triggered": &m.triggered, "swept": &m.swept} {
		if value := text(out.Item[name]); value != "" {
			if *to, err = time.Parse(time.RFC3339, value); err != nil {
				return m, fmt.Errorf("the watermark's attribute %s of %s is not a time", name, typ)
			}
		}
	}
	return m, nil
}

// living is the filter for resources that are published and not deleted, or claimed: who claims has seen the resource living, and
// may have died before the ledger knew of a version.
const living = "attribute_not_exists(#deleted) OR #deleted = :false OR #status = :pending"

var livingNames = map[string]string{"#status": "status", "#deleted": "deleted"}

func (h *Hydrator) livingIn(typ string, shard int) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{TableName: &h.Table, KeyConditionExpression: aws.String("PK = :pk"), FilterExpression: aws.String(living), ExpressionAttributeNames: livingNames,
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: partition(h.DataStoreID, typ, shard)}, ":false": &types.AttributeValueMemberBOOL{},
			":pending": &types.AttributeValueMemberS{Value: "PENDING"}}}
}

// countLiving returns how many resources of a type are living, as far as an eventually consistent reading
// knows.
func (h *Hydrator) countLiving(ctx context.Context, typ string) (total int, err error) {
	for shard := range shards {
		in := h.livingIn(typ, shard)
		in.Select = types.SelectCount
		for {
			out, err := h.DynamoDB.Query(ctx, in)
			if err != nil {
				return 0, fmt.Errorf("counting the ledger's resources: %w", err)
			}
			total += int(out.Count)
			if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
				break
			}
		}
	}
	return total, nil
}

// nextLiving returns some living resources of a shard, 100 at most, and the id after which the
// next ones come; an empty one at the shard's end.
func (h *Hydrator) nextLiving(ctx context.Context, typ string, shard int, after string) (found map[string]published, next string, err error) {
	in := h.livingIn(typ, shard)
	in.Limit, in.ConsistentRead, in.ProjectionExpression = aws.Int32(maxKeys), aws.Bool(true), aws.String("SK, version, #deleted")
	if after != "" {
		in.ExclusiveStartKey = Key{partition(h.DataStoreID, typ, shard), after}.attributes()
	}
	out, err := h.DynamoDB.Query(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("walking through the ledger: %w", err)
	}
	found = map[string]published{}
	for _, item := range out.Items {
		if found[text(item["SK"])], err = readItem(item); err != nil {
			return nil, "", err
		}
	}
	return found, text(out.LastEvaluatedKey["SK"]), nil
}
