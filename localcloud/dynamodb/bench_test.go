package dynamodb_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/store"
)

// benchTable is a table of one key in a DynamoDB that keeps its items in files.
func benchTable(b *testing.B) *fixture {
	s, err := store.Open(b.TempDir() + "/state")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	f := newFixture(b, s)
	f.create("users", "id")
	return f
}

// benchItem is an item of about 300 bytes.
func benchItem(i int) dynamodb.Item {
	return dynamodb.Item{
		"id":        dynamodbexpr.String(fmt.Sprintf("user-%09d", i)),
		"firstName": dynamodbexpr.String("Rosalind"),
		"lastName":  dynamodbexpr.String("Franklin"),
		"email":     dynamodbexpr.String(fmt.Sprintf("rosalind.franklin.%09d@example.org", i)),
		"number":    dynamodbexpr.Number(fmt.Sprint(i + 1)),
		"address":   dynamodbexpr.Map(dynamodb.Item{"street": dynamodbexpr.String("Drayton Gardens 107"), "city": dynamodbexpr.String("London"), "country": dynamodbexpr.String("GB")}),
		"note":      dynamodbexpr.String("she took the photograph that showed how the molecule is built, and nobody asked her first"),
	}
}

func BenchmarkPutItem(b *testing.B) {
	f := benchTable(b)
	name, items := "users", make([]dynamodb.Item, 10000)
	for i := range items {
		items[i] = benchItem(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := dispatch.Do[dynamodb.WriteOutput](b.Context(), f.d, f.d.Root(), "dynamodb", "PutItem", &dynamodb.PutItemInput{TableName: &name, Item: items[i%len(items)]}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}

func BenchmarkGetItem(b *testing.B) {
	f := benchTable(b)
	name := "users"
	for i := range 10000 {
		f.put("users", benchItem(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in := &dynamodb.GetItemInput{TableName: &name, Key: dynamodb.Item{"id": dynamodbexpr.String(fmt.Sprintf("user-%09d", i%10000))}}
		if _, err := dispatch.Do[dynamodb.GetItemOutput](b.Context(), f.d, f.d.Root(), "dynamodb", "GetItem", in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "gets/s")
}

func BenchmarkUpdateCounter(b *testing.B) {
	f := benchTable(b)
	name, update, returns := "users", "ADD LastId :one", "UPDATED_NEW"
	b.ReportAllocs()
	for b.Loop() {
		in := &dynamodb.UpdateItemInput{TableName: &name, Key: dynamodb.Item{"id": dynamodbexpr.String("counter")}, UpdateExpression: &update,
			ReturnValues: &returns, ExpressionAttributeValues: dynamodb.Item{":one": dynamodbexpr.Number("1")}}
		if _, err := dispatch.Do[dynamodb.WriteOutput](b.Context(), f.d, f.d.Root(), "dynamodb", "UpdateItem", in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

func BenchmarkTransactWriteItems(b *testing.B) {
	f := benchTable(b)
	name, condition, update := "users", "attribute_not_exists(id)", "ADD LastId :one"
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []dynamodb.TransactWriteItem{
			{Update: &dynamodb.Update{TableName: &name, Key: dynamodb.Item{"id": dynamodbexpr.String("counter")}, UpdateExpression: &update,
				ExpressionAttributeValues: dynamodb.Item{":one": dynamodbexpr.Number("1")}}},
			{Put: &dynamodb.Put{TableName: &name, Item: benchItem(i), ConditionExpression: &condition}},
		}}
		if _, err := dispatch.Do[dynamodb.TransactWriteItemsOutput](b.Context(), f.d, f.d.Root(), "dynamodb", "TransactWriteItems", in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transactions/s")
}

// BenchmarkMemory measures what 100,000 items of about 300 bytes take, with what is known of where they are kept.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		f := benchTable(b)
		before := heap()
		for i := range 100_000 {
			f.put("users", benchItem(i))
		}
		b.ReportMetric(float64(heap()-before)/(1<<20), "MB/100k-items")
		runtime.KeepAlive(f)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
