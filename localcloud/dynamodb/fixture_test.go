package dynamodb_test

import (
	"testing"
	"time"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/wire"
)

const account = "111111111111"

var start = time.Unix(1_750_000_000, 0).UTC()

// fixture is a DynamoDB with a clock that the test drives.
type fixture struct {
	testing.TB
	clock *clock.Driven
	d     *dispatch.Dispatcher
	s     *dynamodb.Service
}

func newFixture(t testing.TB, s *store.Store) *fixture {
	t.Helper()
	c := clock.NewDriven(start)
	f := &fixture{TB: t, clock: c, d: dispatch.New(c, account, "us-east-1")}
	f.d.Logf = t.Logf
	var err error
	if f.s, err = dynamodb.New(f.d, s); err != nil {
		t.Fatal(err)
	}
	return f
}

// create makes a table with string keys.
func (f *fixture) create(name string, keys ...string) {
	f.Helper()
	mode := "PAY_PER_REQUEST"
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: &mode}
	for i, k := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions, dynamodb.AttributeDefinition{AttributeName: k, AttributeType: "S"})
		in.KeySchema = append(in.KeySchema, dynamodb.KeySchemaElement{AttributeName: k, KeyType: [...]string{"HASH", "RANGE"}[i]})
	}
	f.do("CreateTable", in)
}

func (f *fixture) put(table string, item dynamodb.Item) {
	f.Helper()
	f.do("PutItem", &dynamodb.PutItemInput{TableName: &table, Item: item})
}

// do makes a call that succeeds.
func (f *fixture) do(action string, in any) any {
	f.Helper()
	out, err := f.d.Do(f.Context(), f.d.Root(), "dynamodb", action, in)
	if err != nil {
		f.Fatalf("%s: %v", action, err)
	}
	return out
}

// json makes a call in DynamoDB's protocol and returns the answer.
func (f *fixture) json(action, body string) string {
	f.Helper()
	_, out, _ := wire.CallJSON(f.Context(), f.d, f.d.Root(), "dynamodb", action, []byte(body))
	return string(out)
}

// want makes a call in DynamoDB's protocol and compares the answer.
func (f *fixture) want(action, body, answer string) {
	f.Helper()
	if got := f.json(action, body); got != answer {
		f.Errorf("%s %s\n got  %s\n want %s", action, body, got, answer)
	}
}

func s(text string) dynamodb.Value { return dynamodbexpr.String(text) }
