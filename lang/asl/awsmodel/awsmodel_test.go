package awsmodel

import (
	"slices"
	"testing"
)

func TestTables(t *testing.T) {
	if names := Services(); !slices.Contains(names, "dynamodb") || !slices.Contains(names, "cognitoidentityprovider") {
		t.Errorf("tables of %v", names)
	}
	for _, name := range Services() {
		s := Lookup(name)
		if s.Prefix() == "" || len(s.Actions()) == 0 || len(s.Errors()) == 0 {
			t.Errorf("%s: prefix %q, %d actions, %d errors", name, s.Prefix(), len(s.Actions()), len(s.Errors()))
		}
		for _, action := range s.Actions() {
			if s.Action(action) == nil {
				t.Errorf("%s:%s has no input", name, action)
			}
		}
	}
	if Lookup("dynamo") != nil || Lookup("dynamodb").Action("getItemz") != nil {
		t.Error("what does not exist is found")
	}
}

func TestMembers(t *testing.T) {
	s := Lookup("dynamodb")
	put := s.Action("putItem")
	if m := put.Member("TableName"); m == nil || !m.Required || m.Type.Kind != String {
		t.Errorf("TableName: %+v", m)
	}
	item := put.Member("Item")
	if item == nil || item.Type.Kind != Map || item.Type.Item.Kind != Structure || !item.Type.Item.Shape.Union {
		t.Fatalf("Item: %+v", item)
	}
	if m := item.Type.Item.Shape.Member("M"); m == nil || m.Type.Kind != Map || m.Type.Item != item.Type.Item {
		t.Errorf("a map in an attribute value: %+v", m)
	}
	if m := put.Member("ReturnValues"); m == nil || m.Required || !slices.Contains(m.Type.Values, "ALL_OLD") {
		t.Errorf("ReturnValues: %+v", m)
	}
	if !slices.Contains(s.Errors(), "TransactionCanceledException") {
		t.Error("the errors of DynamoDB lack TransactionCanceledException")
	}
}

func TestOutputsHaveTheBoundsOfTheirScalars(t *testing.T) {
	blob := Output("kms", "encrypt").Member("CiphertextBlob").Type
	if blob.Kind != Blob || blob.Min != 1 || blob.Max != 6144 {
		t.Errorf("CiphertextBlob is %+v", blob)
	}
	described := Output("sfn", "describeExecution")
	if status := described.Member("Status"); !status.Required || status.Type.Kind != Enum {
		t.Errorf("Status is %+v", status)
	}
	if Output("sqs", "purgeQueue") != nil || Output("none", "none") != nil {
		t.Error("an action without an answer has one")
	}
}
