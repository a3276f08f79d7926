package dynamodb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/store"
)

// TestItemsSurviveKill copies the files while the process runs, which is what a process finds that starts after another
// was killed: nothing was closed.
func TestItemsSurviveKill(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	f := newFixture(t, st)
	f.do("CreateTable", []byte(`{"TableName":"users","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"email","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
		"GlobalSecondaryIndexes":[{"IndexName":"byEmail","KeySchema":[{"AttributeName":"email","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`))
	f.create("gone", "id")
	f.put("gone", dynamodb.Item{"id": s("1")})
	for i := range 100 {
		f.put("users", dynamodb.Item{"id": s(fmt.Sprint(i)), "email": s("a@b"), "n": dynamodbexpr.Number("1"), "list": dynamodbexpr.List(s("x"), dynamodbexpr.Null())})
	}
	f.do("DeleteItem", []byte(`{"TableName":"users","Key":{"id":{"S":"7"}}}`))
	f.do("TransactWriteItems", []byte(`{"ClientRequestToken":"token","TransactItems":[{"Delete":{"TableName":"users","Key":{"id":{"S":"8"}}}},{"Update":{"TableName":"users","Key":{"id":{"S":"9"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"41"}}}}]}`))
	f.do("DeleteTable", []byte(`{"TableName":"gone"}`))
	before := f.json("Scan", `{"TableName":"users"}`)

	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(filepath.Join(copied, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	g := newFixture(t, again)
	g.want("Scan", `{"TableName":"users"}`, before)
	g.want("Query", `{"TableName":"users","IndexName":"byEmail","Select":"COUNT","KeyConditionExpression":"email = :e","ExpressionAttributeValues":{":e":{"S":"a@b"}}}`, `{"Count":98,"ScannedCount":98}`)
	g.want("ListTables", `{}`, `{"TableNames":["users"]}`)
	// The transaction is still known to have been done.
	g.want("TransactWriteItems", `{"ClientRequestToken":"token","TransactItems":[{"Delete":{"TableName":"users","Key":{"id":{"S":"8"}}}},{"Update":{"TableName":"users","Key":{"id":{"S":"9"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"41"}}}}]}`, `{}`)
	g.want("GetItem", `{"TableName":"users","Key":{"id":{"S":"9"}},"ProjectionExpression":"n"}`, `{"Item":{"n":{"N":"42"}}}`)
}

// TestTornTransactionIsCompleted cuts the journal in the middle of a transaction's records: it was not confirmed, but what
// is left of it must be all or nothing.
func TestTornTransactionIsCompleted(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, st)
	f.create("users", "id")
	f.put("users", dynamodb.Item{"id": s("1")})
	journal := onlyFile(t, filepath.Join(dir, "state.journal", "dynamodb"))
	before := size(t, journal)
	f.do("TransactWriteItems", []byte(`{"TransactItems":[{"Put":{"TableName":"users","Item":{"id":{"S":"2"}}}},{"Put":{"TableName":"users","Item":{"id":{"S":"3"}}}},{"Delete":{"TableName":"users","Key":{"id":{"S":"1"}}}}]}`))
	after := size(t, journal)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	none, all := 0, 0
	for at := before; at <= after; at += 7 {
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(onlyFile(t, filepath.Join(copied, "state.journal", "dynamodb")), at); err != nil {
			t.Fatal(err)
		}
		again, err := store.Open(filepath.Join(copied, "state"))
		if err != nil {
			t.Fatal(err)
		}
		switch got := newFixture(t, again).json("Scan", `{"TableName":"users","Select":"COUNT"}`); got {
		case `{"Count":1,"ScannedCount":1}`:
			none++
		case `{"Count":2,"ScannedCount":2}`:
			all++
		default:
			t.Errorf("cut at %d of %d to %d: %s", at, before, after, got)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if none == 0 || all == 0 {
		t.Errorf("%d cuts left nothing of the transaction, %d all of it", none, all)
	}
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return filepath.Join(dir, files[0].Name())
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
