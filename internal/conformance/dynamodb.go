package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/wire"
)

func init() { register("dynamodb", runDynamoDB) }

// dynamoRow is a row of calls on fresh tables, and what DynamoDB answers.
type dynamoRow struct {
	Source    string                     `json:"source"`
	Tables    []string                   `json:"tables"` // of dynamodb-tables.json
	TableDefs map[string]json.RawMessage `json:"table_defs"`
	Unordered bool                       `json:"unordered"`
	Steps     []dynamoStep               `json:"steps"`
}

type dynamoStep struct {
	Op       string          `json:"op"`
	Request  json.RawMessage `json:"request"`
	Expected struct {
		Status  int             `json:"status"`
		Error   string          `json:"error"`
		Message string          `json:"message"`
		Body    json.RawMessage `json:"body"`
		Reasons json.RawMessage `json:"reasons"`
		Item    json.RawMessage `json:"item"`
	} `json:"expected"`
}

func runDynamoDB(data json.RawMessage) Outcome {
	var row dynamoRow
	if err := json.Unmarshal(data, &row); err != nil {
		return failed("a row of the dynamodb suite", err.Error())
	}
	d, err := row.cloud(data)
	if err != nil && row.Source == "moto" {
		return skipped("the tables are another emulator's, and DynamoDB refuses them")
	}
	if err != nil {
		return failed("the row's tables", err.Error())
	}
	for i, s := range row.Steps {
		status, body, _ := wire.CallJSON(context.Background(), d, d.Root(), "dynamodb", s.Op, s.Request)
		if problem := s.compare(status, body, row.Unordered); problem != "" {
			return failed(s.Expected, map[string]any{"step": i, "op": s.Op, "problem": problem, "status": status, "body": json.RawMessage(body)})
		}
	}
	return passed()
}

// cloud is a DynamoDB with the row's tables. Rows that name tables by ARN bring the account in them.
func (row *dynamoRow) cloud(data []byte) (*dispatch.Dispatcher, error) {
	account := recordedAccount
	if _, after, ok := strings.Cut(string(data), "arn:aws:dynamodb:us-east-1:"); ok && len(after) > 12 {
		account = after[:12]
	}
	d := dispatch.New(clock.NewDriven(time.Unix(1_750_000_000, 0)), account, "us-east-1")
	if _, err := dynamodb.New(d, store.Memory()); err != nil {
		return nil, err
	}
	definitions := maps.Clone(row.TableDefs)
	if len(row.Tables) > 0 {
		text, err := os.ReadFile(filepath.Join(caseFolder, "dynamodb-tables.json"))
		if err != nil {
			return nil, err
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, err
		}
		if definitions == nil {
			definitions = map[string]json.RawMessage{}
		}
		for _, name := range row.Tables {
			definitions[name] = all[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		if err := createDynamoTable(d, name, definitions[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return d, nil
}

// createDynamoTable makes a table; it adds what other emulators let a definition do without.
func createDynamoTable(d *dispatch.Dispatcher, name string, definition json.RawMessage) error {
	var in dynamodb.CreateTableInput
	if err := json.Unmarshal(definition, &in); err != nil {
		return err
	}
	in.TableName = &name
	if in.ProvisionedThroughput != nil {
		for i := range in.GlobalSecondaryIndexes {
			if x := &in.GlobalSecondaryIndexes[i]; x.ProvisionedThroughput == nil {
				x.ProvisionedThroughput = in.ProvisionedThroughput
			}
		}
	}
	_, err := d.Do(context.Background(), d.Root(), "dynamodb", "CreateTable", &in)
	return err
}

// compare returns what is wrong with an answer, or "".
func (s *dynamoStep) compare(status int, body []byte, unordered bool) string {
	x := &s.Expected
	if status != x.Status {
		return "the status"
	}
	if x.Error == "" {
		if !sameDynamo(x.Body, body, unordered) {
			return "the body"
		}
		return ""
	}
	var e struct {
		Type                string          `json:"__type"`
		Message             string          `json:"message"`
		CancellationReasons json.RawMessage `json:"CancellationReasons"`
		Item                json.RawMessage `json:"Item"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return err.Error()
	}
	switch {
	case e.Type[strings.LastIndexByte(e.Type, '#')+1:] != x.Error:
		return "the error"
	case dynamoMessage(e.Message) != dynamoMessage(x.Message):
		return "the message"
	case len(x.Reasons) > 0 && !sameDynamo(x.Reasons, e.CancellationReasons, false):
		return "the reasons"
	case len(x.Item) > 0 && !sameDynamo(x.Item, e.Item, false):
		return "the item"
	}
	return ""
}

// dynamoMessage is the part of a message that is compared. The prefix came to some messages in 2026. What follows "Syntax
// error;" is in most rows the reference emulator's parser speaking (Expected ... found); AWS shows the token instead.
func dynamoMessage(m string) string {
	m = strings.TrimPrefix(m, "1 validation error detected: ")
	if before, after, ok := strings.Cut(m, "Syntax error; "); ok && !strings.HasPrefix(after, "key:") {
		return before + "Syntax error;"
	}
	return m
}

func sameDynamo(expected, got []byte, unordered bool) bool {
	var a, b any
	if json.Unmarshal(expected, &a) != nil || json.Unmarshal(got, &b) != nil {
		return false
	}
	return reflect.DeepEqual(sortDynamo(a, "", unordered), sortDynamo(b, "", unordered))
}

// sortDynamo puts what has no order into one: sets, and where the row says so every list that is no attribute's.
func sortDynamo(v any, name string, unordered bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = sortDynamo(e, k, unordered)
		}
	case []any:
		for i, e := range v {
			v[i] = sortDynamo(e, "", unordered)
		}
		if name == "SS" || name == "NS" || name == "BS" || unordered && name != "L" {
			slices.SortFunc(v, func(a, b any) int {
				x, _ := json.Marshal(a)
				y, _ := json.Marshal(b)
				return strings.Compare(string(x), string(y))
			})
		}
	}
	return v
}
