package changes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/carepath/carepath/changes"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// resource has what a round trip through types or maps would change.
const resource = `{ "resourceType":"Patient","id":"p-1", "_birthDate":{"extension":[]},"x":1.00,"e":1E+2,"q":"\u00e9\/é<&>",` + "\n" + `"b":[ ],"a":12345678901234567890}`

func change() *changes.Change {
	return &changes.Change{
		DataStoreID: "0123456789abcdef0123456789abcdef", ResourceType: "Patient", ResourceID: "p-1", Version: 3, Interaction: changes.Update,
		LastUpdated: "2026-01-02T03:04:05.600000000Z", URL: "https://healthlake.us-east-1.amazonaws.com/datastore/0123456789abcdef0123456789abcdef/r4/Patient/p-1/_history/3",
		Resource: json.RawMessage(resource),
	}
}

func encode(t testing.TB, c *changes.Change) []byte {
	t.Helper()
	detail, err := c.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return detail
}

func event(detail []byte) []byte {
	return fmt.Appendf(nil, ` {"version":"0","id":"e","detail-type":"FHIR Resource Changed","source":"carepath.healthlake","account":"000000000000",`+
		`"time":"2026-01-02T03:04:06Z","region":"us-east-1","resources":[],"detail":%s}`+"\n", detail)
}

func validate(t testing.TB) func(detail []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(changes.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("event", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("event")
	if err != nil {
		t.Fatal(err)
	}
	return func(detail []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(detail))
		if err != nil {
			return err
		}
		return compiled.Validate(value)
	}
}

func TestDecodeGivesWhatWasAppended(t *testing.T) {
	valid := validate(t)
	reference, deleted := change(), change()
	reference.Resource, reference.Version, reference.Interaction = nil, 1, changes.Create
	reference.URL = strings.Replace(reference.URL, "_history/3", "_history/1", 1)
	deleted.Resource, deleted.Interaction = nil, changes.Delete
	for _, want := range []*changes.Change{change(), reference, deleted} {
		detail := encode(t, want)
		if err := valid(detail); err != nil {
			t.Errorf("%s: %v", detail, err)
		}
		for _, data := range [][]byte{detail, event(detail), append([]byte("\n "), detail...)} {
			got, err := changes.Decode(data)
			if err != nil {
				t.Fatalf("%s: %v", data, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	}
	if key := change().Key(); key != "0123456789abcdef0123456789abcdef/Patient/p-1/3" {
		t.Errorf("the key is %s", key)
	}
	if got := change().Time().UnixMilli(); got != 1767323045600 {
		t.Errorf("the time is %d", got)
	}
}

func TestDecodeKeepsTheResourceByteForByte(t *testing.T) {
	got, err := changes.Decode(event(encode(t, change())))
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Resource) != resource {
		t.Errorf("the resource became %s", got.Resource)
	}
}

func TestTheSchemaOfALaterMinorVersionIsRead(t *testing.T) {
	detail := bytes.Replace(encode(t, change()), []byte(`"1.0"`), []byte(`"1.7","later":[1]`), 1)
	if _, err := changes.Decode(detail); err != nil {
		t.Error(err)
	}
	if err := validate(t)(detail); err != nil {
		t.Error(err)
	}
}

func TestAChangeIsAJSONValue(t *testing.T) {
	text, err := json.Marshal(map[string]*changes.Change{"detail": change()})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]*changes.Change
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got["detail"].Key() != change().Key() {
		t.Errorf("got %+v", got["detail"])
	}
	if err := json.Unmarshal([]byte(`{"detail":{}}`), &got); err == nil {
		t.Error("an event without members is read")
	}
}

// TestDecodeSaysWhatIsWrong replaces a part of a good event. The schema refuses the same, but for what stands outside the
// detail and what joins members.
func TestDecodeSaysWhatIsWrong(t *testing.T) {
	good := string(event(encode(t, change())))
	valid := validate(t)
	for _, test := range []struct {
		old, new, want string
		schema         bool // the schema sees it
	}{
		{good, "", "it is empty", false},
		{good, "  ", "it is empty", false},
		{good, "[]", "it must be an object, not an array", false},
		{good, "null", "it must be an object, not null", false},
		{good, `"{}"`, "it must be an object, not a string", false},
		{good, `{"a":}`, "it is not JSON, at byte 6 of 6", false},
		{good, `{"resourceType":"Patient"}`, "schemaVersion is missing", false},
		{good, `{"source":1,"detail":{}}`, "source must be a string, not a number", false},
		{good, `{"source":"carepath.healthlake","detail":{}}`, "detail-type is missing", false},
		{`"source":"carepath.healthlake"`, `"source":"aws.s3"`, `source is "aws.s3", not "carepath.healthlake"`, false},
		{`"detail-type":"FHIR Resource Changed"`, `"detail-type":"` + strings.Repeat("x", 99) + `"`, `detail-type is "` + strings.Repeat("x", 64) + `…", not`, false},
		{`"detail":{`, `"detail":[],"other":{`, "detail must be an object, not an array", false},
		{`"schemaVersion":"1.0"`, `"schemaVersion":"2.0"`, `detail.schemaVersion is "2.0"; this package reads 1.x`, true},
		{`"schemaVersion":"1.0"`, `"schemaVersion":"1"`, `detail.schemaVersion is "1"; this package reads 1.x`, true},
		{`"schemaVersion":"1.0"`, `"schemaVersion":1.0`, `detail.schemaVersion must be a string, not a number`, true},
		{`"idempotencyKey":"`, `"IdempotencyKey":"`, "detail.idempotencyKey is missing", true},
		{`/3","dataStoreId"`, `/4","dataStoreId"`, "detail.idempotencyKey must be <dataStoreId>/", false},
		{`"dataStoreId":"`, `"dataStoreId":"/`, "detail.dataStoreId must be", true},
		{`"resourceType":"Patient","resourceId"`, `"resourceType":"patient","resourceId"`, "detail.resourceType must be a FHIR resource type", true},
		{`"resourceType":"Patient","resourceId"`, `"resourceType":"","resourceId"`, "detail.resourceType must be", true},
		{`"resourceId":"p-1"`, `"resourceId":"Ada Lovelace"`, "detail.resourceId must be a FHIR id", true},
		{`"versionId":"3"`, `"versionId":3`, "detail.versionId must be a string, not a number", true},
		{`"versionId":"3"`, `"versionId":"03"`, "detail.versionId must be a whole number", true},
		{`"versionId":"3"`, `"versionId":"0"`, "detail.versionId must be a whole number", true},
		{`"versionId":"3"`, `"versionId":"1000000000000000000"`, "detail.versionId must be a whole number", true},
		{`"interaction":"update"`, `"interaction":"patch"`, "detail.interaction must be create, update or delete", true},
		{`"interaction":"update"`, `"interaction":"delete"`, "detail.resource must not be there", true},
		{`"lastUpdated":"2026-`, `"lastUpdated":"26-`, "detail.lastUpdated must be a time", true},
		{`05.600000000Z`, `05,6Z`, "detail.lastUpdated must be a time", true},
		{`/_history/3","resource"`, `","resource"`, "detail.url must end with", true},
		{`"resource":{`, `"resource":null,"other":{`, "detail.resource must be an object, not null", true},
	} {
		bad := strings.Replace(good, test.old, test.new, 1)
		if bad == good {
			t.Fatalf("%s is not in the event", test.old)
		}
		_, err := changes.Decode([]byte(bad))
		var e *changes.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), "not a change event: "+test.want) {
			t.Errorf("%s: got %v, want %s", test.new, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "Lovelace") {
			t.Errorf("the error tells of the patient: %v", err)
		}
		if !test.schema {
			continue
		}
		var envelope struct{ Detail json.RawMessage }
		if err := json.Unmarshal([]byte(bad), &envelope); err != nil {
			t.Fatal(err)
		}
		if valid(envelope.Detail) == nil {
			t.Errorf("%s: the schema lets it pass", test.new)
		}
	}
}

func TestAppendRefusesWhatDecodeWould(t *testing.T) {
	for name, spoil := range map[string]func(*changes.Change){
		"dataStoreId":  func(c *changes.Change) { c.DataStoreID = strings.Repeat("a", 65) },
		"resourceType": func(c *changes.Change) { c.ResourceType = "Pat1ent" },
		"resourceId":   func(c *changes.Change) { c.ResourceID = `"` },
		"versionId":    func(c *changes.Change) { c.Version = 0 },
		"interaction":  func(c *changes.Change) { c.Interaction = "" },
		"lastUpdated":  func(c *changes.Change) { c.LastUpdated = "" },
		"url":          func(c *changes.Change) { c.URL = "https://example.org/Patient/p-1" },
		"resource":     func(c *changes.Change) { c.Resource = json.RawMessage(`{"a":}`) },
	} {
		c := change()
		spoil(c)
		out, err := c.Append([]byte("kept"))
		var e *changes.Error
		if !errors.As(err, &e) || e.Member != name || string(out) != "kept" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func TestAppendWithinLeavesOutWhatDoesNotFit(t *testing.T) {
	c := change()
	long := changes.EscapedLen(encode(t, c))
	for limit, want := range map[int]bool{long: true, long - 1: false} {
		out, whole, err := c.AppendWithin([]byte("x"), limit)
		if err != nil || whole != want || out[0] != 'x' {
			t.Fatalf("within %d: %v, %v", limit, whole, err)
		}
		got, err := changes.Decode(out[1:])
		if err != nil || (got.Resource != nil) != want {
			t.Errorf("within %d: %s, %v", limit, out, err)
		}
	}
	c.Resource = nil
	if _, whole, err := c.AppendWithin(nil, 1); err != nil || !whole {
		t.Errorf("a change without a resource is not whole: %v", err)
	}
}

func TestEscapedLenIsThatOfJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringMatching("[\x00-\x7f\u2027-\u202a]*")).Draw(t, "text")
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := changes.EscapedLen([]byte(text)); got != len(encoded)-2 {
			t.Fatalf("%d, not that of %s", got, encoded)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	c := change()
	c.Resource = json.RawMessage(`{"resourceType":"Patient","text":"` + strings.Repeat("abcdefgh", 512) + `"}`)
	buffer, _, err := c.AppendWithin(nil, 180_000)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(buffer)))
	b.ReportAllocs()
	for b.Loop() {
		if buffer, _, err = c.AppendWithin(buffer[:0], 180_000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := event(encode(b, change()))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := changes.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
