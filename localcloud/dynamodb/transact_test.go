package dynamodb_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/store"
)

func number(at time.Time) dynamodb.Value { return dynamodbexpr.Number(fmt.Sprint(at.Unix())) }

const cancelled = `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"Transaction cancelled, please refer cancellation reasons for specific reasons `

func TestTransactionIsAllOrNothing(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	f.put("users", dynamodb.Item{"id": s("taken")})
	f.want("TransactWriteItems", `{"TransactItems":[
		{"Put":{"TableName":"users","Item":{"id":{"S":"new"}}}},
		{"Put":{"TableName":"users","Item":{"id":{"S":"taken"}},"ConditionExpression":"attribute_not_exists(id)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}},
		{"Update":{"TableName":"users","Key":{"id":{"S":"none"}},"UpdateExpression":"SET a = b"}},
		{"ConditionCheck":{"TableName":"users","Key":{"id":{"S":"x"},"y":{"S":"z"}},"ConditionExpression":"attribute_exists(id)"}}]}`,
		cancelled+`[None, ConditionalCheckFailed, ValidationError, ValidationError]","CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"id":{"S":"taken"}}},`+
			`{"Code":"ValidationError","Message":"The provided expression refers to an attribute that does not exist in the item"},{"Code":"ValidationError","Message":"The provided key element does not match the schema"}]}`)
	f.want("Scan", `{"TableName":"users","Select":"COUNT"}`, `{"Count":1,"ScannedCount":1}`)
	f.want("TransactWriteItems", `{"TransactItems":[
		{"Put":{"TableName":"users","Item":{"id":{"S":"new"}}}},
		{"Delete":{"TableName":"users","Key":{"id":{"S":"taken"}}}}],"ReturnConsumedCapacity":"TOTAL"}`,
		`{"ConsumedCapacity":[{"TableName":"users","CapacityUnits":4,"WriteCapacityUnits":4}]}`)
	f.want("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"users","Key":{"id":{"S":"new"}}}},{"Get":{"TableName":"users","Key":{"id":{"S":"taken"}}}}]}`,
		`{"Responses":[{"Item":{"id":{"S":"new"}}},{}]}`)
}

func TestClientRequestToken(t *testing.T) {
	s, err := store.Open(t.TempDir() + "/state")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := newFixture(t, s)
	f.create("users", "id")
	add := func(n string) string {
		return f.json("TransactWriteItems", `{"ClientRequestToken":"once","TransactItems":[{"Update":{"TableName":"users","Key":{"id":{"S":"1"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"`+n+`"}}}}]}`)
	}
	has := func(n string) {
		t.Helper()
		f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}},"ProjectionExpression":"n"}`, `{"Item":{"n":{"N":"`+n+`"}}}`)
	}
	for range 2 {
		if got := add("1"); got != "{}" {
			t.Error(got)
		}
	}
	has("1")
	if got := add("2"); !strings.Contains(got, "IdempotentParameterMismatchException") {
		t.Error(got)
	}
	f.clock.Advance(10*time.Minute - time.Second)
	add("1")
	has("1")
	f.clock.Advance(time.Second)
	add("1")
	has("2")
}

// TestConflicts lets transactions take time, so that others meet them.
func TestConflicts(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	f.put("users", dynamodb.Item{"id": s("1")})
	f.s.SetTransactionTime(time.Second)
	done := make(chan string)
	put := `{"TransactItems":[{"Put":{"TableName":"users","Item":{"id":{"S":"1"},"by":{"S":"first"}}}}]}`
	go func() { done <- f.json("TransactWriteItems", put) }()
	conflict := ""
	for !strings.Contains(conflict, "TransactionConflictException") { // until the transaction has its item
		conflict = f.json("PutItem", `{"TableName":"users","Item":{"id":{"S":"1"},"by":{"S":"other"}}}`)
	}
	f.want("TransactWriteItems", put, cancelled+`[TransactionConflict]","CancellationReasons":[{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}]}`)
	if got := f.json("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"users","Key":{"id":{"S":"1"}}}}]}`); !strings.Contains(got, "TransactionConflict") {
		t.Error(got)
	}
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}}}`, f.json("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}},"ConsistentRead":true}`))
	for finished := false; !finished; {
		f.clock.Next()
		select {
		case got := <-done:
			if got != "{}" {
				t.Error(got)
			}
			finished = true
		default:
		}
	}
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}}}`, `{"Item":{"by":{"S":"first"},"id":{"S":"1"}}}`)
}

// TestCounterUnderContention holds what a counter item is for: nobody gets the same number twice.
func TestCounterUnderContention(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				got := f.json("UpdateItem", `{"TableName":"users","Key":{"id":{"S":"counter"}},"UpdateExpression":"ADD LastId :one","ExpressionAttributeValues":{":one":{"N":"1"}},"ReturnValues":"UPDATED_NEW"}`)
				mu.Lock()
				seen[got] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != 1600 || !seen[`{"Attributes":{"LastId":{"N":"1600"}}}`] {
		t.Errorf("%d numbers were given out", len(seen))
	}
}
