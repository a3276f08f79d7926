package dynamodbexpr_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

// values are attribute values of every kind.
func values() *rapid.Generator[dynamodbexpr.Value] {
	return rapid.OneOf(
		rapid.Map(rapid.String(), dynamodbexpr.String),
		rapid.Map(numbers, dynamodbexpr.Number),
		rapid.Map(rapid.SliceOf(rapid.Byte()), dynamodbexpr.Binary),
		rapid.Map(rapid.Bool(), dynamodbexpr.Bool),
		rapid.Just(dynamodbexpr.Null()),
		rapid.Map(rapid.SliceOfNDistinct(rapid.String(), 1, 3, rapid.ID[string]), func(m []string) dynamodbexpr.Value { return dynamodbexpr.Set(dynamodbexpr.KindSS, m) }),
		rapid.Map(rapid.SliceOfNDistinct(numbers, 1, 3, rapid.ID[string]), func(m []string) dynamodbexpr.Value { return dynamodbexpr.Set(dynamodbexpr.KindNS, m) }),
		rapid.Custom(func(t *rapid.T) dynamodbexpr.Value {
			return dynamodbexpr.List(rapid.SliceOfN(rapid.Deferred(values), 0, 2).Draw(t, "list")...)
		}),
		rapid.Map(rapid.Deferred(items), dynamodbexpr.Map),
	)
}

func items() *rapid.Generator[dynamodbexpr.Item] {
	return rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}`), rapid.Deferred(values), 0, 3), func(m map[string]dynamodbexpr.Value) dynamodbexpr.Item { return m })
}

// TestFormsKeepItems holds that an item is the same after it was written, as JSON or in the binary form, and read.
func TestFormsKeepItems(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := items().Draw(t, "item")
		image := string(item.Encode(nil))
		decoded, err := dynamodbexpr.DecodeItem(image)
		if err != nil || !dynamodbexpr.Map(decoded).Equal(dynamodbexpr.Map(item)) {
			t.Fatalf("the binary form of %s is %s, %v", item.AppendJSON(nil), decoded.AppendJSON(nil), err)
		}
		if len(image) > 1 {
			if _, err := dynamodbexpr.DecodeItem(image[:len(image)-1]); err == nil {
				t.Fatal("half an item was read")
			}
		}
		var read map[string]dynamodbexpr.Value
		if err := json.Unmarshal(item.AppendJSON(nil), &read); err != nil || !dynamodbexpr.Map(read).Equal(dynamodbexpr.Map(item)) {
			t.Fatalf("the JSON of %s reads as %v, %v", item.AppendJSON(nil), read, err)
		}
		if dynamodbexpr.Item(read).Problem() != "" {
			t.Fatal(dynamodbexpr.Item(read).Problem())
		}
	})
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int{
		`{"a":{"S":"é"}}`: 3, `{"abc":{"N":"0"}}`: 4, `{"a":{"N":"123"}}`: 4, `{"a":{"N":"-12"}}`: 4, `{"a":{"N":"100"}}`: 3, `{"a":{"BOOL":true},"b":{"NULL":true}}`: 4,
		`{"a":{"B":"AAEC"}}`: 4, `{"a":{"SS":["ab","c"]}}`: 4, `{"a":{"L":[{"S":"ab"}]}}`: 7, `{"a":{"M":{"b":{"S":"cd"}}}}`: 8,
	} {
		var item map[string]dynamodbexpr.Value
		if err := json.Unmarshal([]byte(text), &item); err != nil {
			t.Fatal(err)
		}
		if got := dynamodbexpr.Item(item).Size(); got != want {
			t.Errorf("%s has %d bytes, want %d", text, got, want)
		}
	}
}

func TestDepth(t *testing.T) {
	for depth, want := range map[int]string{32: "", 33: "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"} {
		text := strings.Repeat(`{"L":[`, depth) + `{"S":"x"}` + strings.Repeat(`]}`, depth)
		var v dynamodbexpr.Value
		if err := json.Unmarshal([]byte(text), &v); err != nil || v.Problem() != want {
			t.Errorf("%d levels: %v, %q", depth, err, v.Problem())
		}
	}
}
