package changes_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/lang/eventpattern"
)

// TestTheDocumentIsTrue takes the JSON of docs/changes.md: the first block is an event, which follows the schema, and the others
// are patterns that match it, or another one.
func TestTheDocumentIsTrue(t *testing.T) {
	text, err := os.ReadFile("../docs/changes.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) != 4 {
		t.Fatalf("%d blocks", len(blocks))
	}
	documented := blocks[0][1]
	c, err := changes.Decode(documented)
	if err != nil {
		t.Fatal(err)
	}
	var envelope struct{ Detail json.RawMessage }
	if err := json.Unmarshal(documented, &envelope); err != nil {
		t.Fatal(err)
	}
	if err := validate(t)(envelope.Detail); err != nil {
		t.Error(err)
	}
	labelled, deleted := *c, *c
	labelled.Resource = json.RawMessage(`{"resourceType":"Patient","meta":{"security":[{"code":"HTEST"}]}}`)
	deleted.Resource, deleted.Interaction = nil, changes.Delete
	for i, want := range [][3]bool{{true, true, true}, {true, true, false}, {true, false, false}} {
		pattern, err := eventpattern.Compile(string(blocks[i+1][1]))
		if err != nil {
			t.Fatal(err)
		}
		for j, e := range []*changes.Change{c, &labelled, &deleted} {
			if got, err := pattern.Match(event(encode(t, e))); err != nil || got != want[j] {
				t.Errorf("pattern %d on event %d: %v, %v", i+1, j+1, got, err)
			}
		}
	}
}
