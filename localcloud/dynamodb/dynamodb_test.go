package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/store"
)

const validation = `{"__type":"com.amazon.coral.validate#ValidationException","message":`

func TestItems(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	f.want("PutItem", `{"TableName":"users","Item":{"id":{"S":"1"},"n":{"N":"007.50"},"s":{"SS":["b","a"]}},"ReturnConsumedCapacity":"TOTAL"}`, `{"ConsumedCapacity":{"TableName":"users","CapacityUnits":1}}`)
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}},"ProjectionExpression":"n"}`, `{"Item":{"n":{"N":"7.5"}}}`)
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"2"}},"ReturnConsumedCapacity":"TOTAL"}`, `{"ConsumedCapacity":{"TableName":"users","CapacityUnits":0.5}}`)
	f.want("UpdateItem", `{"TableName":"users","Key":{"id":{"S":"1"}},"UpdateExpression":"SET n = n + :x, l = list_append(if_not_exists(l, :l), :l) DELETE s :s","ExpressionAttributeValues":{":x":{"N":"0.5"},":l":{"L":[{"S":"x"}]},":s":{"SS":["a","b"]}},"ReturnValues":"ALL_NEW"}`,
		`{"Attributes":{"id":{"S":"1"},"l":{"L":[{"S":"x"},{"S":"x"}]},"n":{"N":"8"}}}`)
	f.want("PutItem", `{"TableName":"users","Item":{"id":{"S":"1"}},"ConditionExpression":"attribute_not_exists(id)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`,
		`{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed","Item":{"id":{"S":"1"},"l":{"L":[{"S":"x"},{"S":"x"}]},"n":{"N":"8"}}}`)
	f.want("DeleteItem", `{"TableName":"users","Key":{"id":{"S":"1"}},"ReturnValues":"ALL_OLD"}`, `{"Attributes":{"id":{"S":"1"},"l":{"L":[{"S":"x"},{"S":"x"}]},"n":{"N":"8"}}}`)
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}}}`, `{}`)
	f.want("PutItem", `{"TableName":"users","Item":{"id":{"S":""}}}`, validation+`"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: id"}`)
	f.want("PutItem", `{"TableName":"users","Item":{"id":{"S":"1"},"x":{"S":"`+strings.Repeat("x", 400<<10)+`"}}}`, validation+`"Item size has exceeded the maximum allowed size"}`)
	f.want("PutItem", `{"TableName":"users","Item":{"id":{"S":"1"}},"Nonsense":1}`, validation+`"the embedded AWS does not have the member Nonsense in a PutItemInput"}`)
	f.want("PutItem", `{"TableName":"none","Item":{"id":{"S":"1"}}}`, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"Requested resource not found"}`)
}

func TestPagesAndIndexes(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.do("CreateTable", []byte(`{"TableName":"events","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"},{"AttributeName":"kind","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],
		"GlobalSecondaryIndexes":[{"IndexName":"byKind","KeySchema":[{"AttributeName":"kind","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}]}`))
	for i := -5; i < 5; i++ {
		f.do("PutItem", []byte(fmt.Sprintf(`{"TableName":"events","Item":{"p":{"S":"a"},"n":{"N":"%d"},"kind":{"S":"k%d"},"x":{"S":"y"}}}`, i, i&1)))
	}
	keys := func(body string) (found []string, last json.RawMessage) {
		var page struct {
			Items            []map[string]map[string]string
			LastEvaluatedKey json.RawMessage
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			found = append(found, item["n"]["N"])
		}
		return found, page.LastEvaluatedKey
	}
	all, start := []string(nil), ""
	for {
		found, last := keys(f.json("Query", `{"TableName":"events","KeyConditionExpression":"p = :p AND n BETWEEN :a AND :b","ExpressionAttributeValues":{":p":{"S":"a"},":a":{"N":"-4"},":b":{"N":"3"}},"ScanIndexForward":false,"Limit":3`+start+`}`))
		all = append(all, found...)
		if last == nil {
			break
		}
		start = `,"ExclusiveStartKey":` + string(last)
	}
	if got := strings.Join(all, " "); got != "3 2 1 0 -1 -2 -3 -4" {
		t.Errorf("the query found %s", got)
	}
	f.do("DeleteItem", []byte(`{"TableName":"events","Key":{"p":{"S":"a"},"n":{"N":"1"}}}`))
	f.do("UpdateItem", []byte(`{"TableName":"events","Key":{"p":{"S":"a"},"n":{"N":"2"}},"UpdateExpression":"SET kind = :k","ExpressionAttributeValues":{":k":{"S":"k1"}}}`))
	if found, _ := keys(f.json("Query", `{"TableName":"events","IndexName":"byKind","KeyConditionExpression":"kind = :k","ExpressionAttributeValues":{":k":{"S":"k1"}}}`)); strings.Join(found, " ") != "-5 -3 -1 2 3" {
		t.Errorf("the index has %v", found)
	}
	f.want("Query", `{"TableName":"events","IndexName":"byKind","KeyConditionExpression":"kind = :k","ExpressionAttributeValues":{":k":{"S":"k1"}},"Limit":1}`,
		`{"Items":[{"kind":{"S":"k1"},"n":{"N":"-5"},"p":{"S":"a"}}],"Count":1,"ScannedCount":1,"LastEvaluatedKey":{"kind":{"S":"k1"},"n":{"N":"-5"},"p":{"S":"a"}}}`)
	f.want("Query", `{"TableName":"events","IndexName":"byKind","KeyConditionExpression":"kind = :k","ExpressionAttributeValues":{":k":{"S":"k1"}},"ProjectionExpression":"x"}`,
		validation+`"One or more parameter values were invalid: Global secondary index byKind does not project [x]"}`)
	seen := 0
	for segment := range 3 {
		found, _ := keys(f.json("Scan", fmt.Sprintf(`{"TableName":"events","TotalSegments":3,"Segment":%d}`, segment)))
		seen += len(found)
	}
	if seen != 9 {
		t.Errorf("the segments have %d items", seen)
	}
}

// TestPageLimit holds that a page ends at 1 MB, and that paging yields every item once.
func TestPageLimit(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	for i := range 40 {
		f.put("users", dynamodb.Item{"id": s(fmt.Sprint(i)), "x": s(strings.Repeat("x", 100<<10))})
	}
	name, seen, pages := "users", map[string]bool{}, 0
	var after dynamodb.Item
	for {
		out := f.do("Scan", &dynamodb.ScanInput{TableName: &name, ExclusiveStartKey: after}).(*dynamodb.PageOutput)
		pages++
		for _, item := range *out.Items {
			seen[item["id"].Text()] = true
		}
		if after = out.LastEvaluatedKey; after == nil {
			break
		}
		if len(*out.Items) != 11 {
			t.Errorf("a page has %d items of 100 KB", len(*out.Items))
		}
	}
	if len(seen) != 40 || pages != 4 {
		t.Errorf("%d items in %d pages", len(seen), pages)
	}
}

func TestTimeToLive(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	f.put("users", dynamodb.Item{"id": s("before"), "until": number(start.Add(time.Minute))})
	f.do("UpdateTimeToLive", []byte(`{"TableName":"users","TimeToLiveSpecification":{"AttributeName":"until","Enabled":true}}`))
	f.want("DescribeTimeToLive", `{"TableName":"users"}`, `{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"until"}}`)
	f.put("users", dynamodb.Item{"id": s("later"), "until": number(start.Add(time.Hour))})
	f.put("users", dynamodb.Item{"id": s("extended"), "until": number(start.Add(2 * time.Minute))})
	f.put("users", dynamodb.Item{"id": s("extended"), "until": number(start.Add(2 * time.Hour))})
	f.put("users", dynamodb.Item{"id": s("ancient"), "until": number(start.AddDate(-6, 0, 0))})
	f.put("users", dynamodb.Item{"id": s("text"), "until": s("1")})
	for _, step := range []struct {
		after time.Duration
		count string
	}{{0, "5"}, {time.Minute, "4"}, {30 * time.Minute, "4"}, {30 * time.Minute, "3"}, {time.Hour, "2"}} {
		f.clock.Advance(step.after)
		f.want("Scan", `{"TableName":"users","Select":"COUNT"}`, `{"Count":`+step.count+`,"ScannedCount":`+step.count+`}`)
	}
}

func TestReadLag(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	f.put("users", dynamodb.Item{"id": s("1"), "v": s("old")})
	if err := f.s.SetReadLag(time.Second); err != nil {
		t.Fatal(err)
	}
	f.put("users", dynamodb.Item{"id": s("1"), "v": s("new")})
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}},"ConsistentRead":true}`, `{"Item":{"id":{"S":"1"},"v":{"S":"new"}}}`)
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}}}`, `{"Item":{"id":{"S":"1"},"v":{"S":"old"}}}`)
	f.want("Scan", `{"TableName":"users"}`, `{"Items":[{"id":{"S":"1"},"v":{"S":"old"}}],"Count":1,"ScannedCount":1}`)
	f.clock.Advance(time.Second)
	f.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"1"}}}`, `{"Item":{"id":{"S":"1"},"v":{"S":"new"}}}`)
}

func TestTables(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	for body, message := range map[string]string{
		`{"TableName":"users","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`:                                              "ResourceInUseException",
		`{"TableName":"other","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`:                                                                              "ReadCapacityUnits and WriteCapacityUnits must both be specified",
		`{"TableName":"other","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`:    "Number of attributes in KeySchema does not exactly match",
		`{"TableName":"other","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST","StreamSpecification":{"StreamEnabled":true}}`: "does not emulate streams",
	} {
		if got := f.json("CreateTable", body); !strings.Contains(got, message) {
			t.Errorf("%s\n answers %s", body, got)
		}
	}
	f.do("UpdateTable", []byte(`{"TableName":"users","DeletionProtectionEnabled":true}`))
	if got := f.json("DeleteTable", `{"TableName":"users"}`); !strings.Contains(got, "protected against deletion") {
		t.Error(got)
	}
	f.put("users", dynamodb.Item{"id": s("1"), "email": s("a@b")})
	f.do("UpdateTable", []byte(`{"TableName":"users","DeletionProtectionEnabled":false,"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"email","AttributeType":"S"}],
		"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"byEmail","KeySchema":[{"AttributeName":"email","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`))
	f.want("Query", `{"TableName":"users","IndexName":"byEmail","KeyConditionExpression":"email = :e","ExpressionAttributeValues":{":e":{"S":"a@b"}}}`, `{"Items":[{"email":{"S":"a@b"},"id":{"S":"1"}}],"Count":1,"ScannedCount":1}`)
	f.do("UpdateContinuousBackups", []byte(`{"TableName":"users","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`))
	f.do("TagResource", []byte(`{"ResourceArn":"arn:aws:dynamodb:us-east-1:111111111111:table/users","Tags":[{"Key":"a","Value":"b"}]}`))
	f.want("ListTagsOfResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:111111111111:table/users"}`, `{"Tags":[{"Key":"a","Value":"b"}]}`)
	f.do("DeleteTable", []byte(`{"TableName":"users"}`))
	f.want("ListTables", `{}`, `{"TableNames":[]}`)
	f.create("users", "id")
	f.want("Scan", `{"TableName":"users"}`, `{"Items":[],"Count":0,"ScannedCount":0}`)
}

func TestThrottlingIsInjected(t *testing.T) {
	f := newFixture(t, store.Memory())
	f.create("users", "id")
	f.d.Faults.Inject(dispatch.Fault{Service: "dynamodb", Action: "PutItem", Times: 1, Err: dispatch.Errorf("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded.")})
	if got := f.json("PutItem", `{"TableName":"users","Item":{"id":{"S":"1"}}}`); !strings.Contains(got, "ProvisionedThroughputExceededException") {
		t.Error(got)
	}
	f.want("PutItem", `{"TableName":"users","Item":{"id":{"S":"1"}}}`, `{}`)
}
