package changes

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Decode reads an event as EventBridge delivers it (to a Lambda function, in the body of an SQS message), or its detail alone.
// Members that it does not know are ignored. What it refuses it refuses with an [*Error], which names the member.
func Decode(data []byte) (*Change, error) {
	members, err := object("", data)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if detail, isEvent := members["detail"]; isEvent {
		for _, known := range []struct{ member, value string }{{"source", Source}, {"detail-type", DetailType}} {
			if got, err := text(members, known.member); err != nil {
				return nil, err
			} else if got != known.value {
				return nil, wrong(known.member, "is %q, not %q", brief(got), known.value)
			}
		}
		prefix = "detail."
		if members, err = object("detail", detail); err != nil {
			return nil, err
		}
	}
	c, err := decodeDetail(members)
	var e *Error
	if errors.As(err, &e) {
		e.Member = prefix + e.Member
	}
	return c, err
}

// UnmarshalJSON is [Decode], so that a Lambda function's handler can take a *Change.
func (c *Change) UnmarshalJSON(data []byte) error {
	decoded, err := Decode(data)
	if err == nil {
		*c = *decoded
	}
	return err
}

func decodeDetail(members map[string]json.RawMessage) (*Change, error) {
	var err error
	get := func(name string) string {
		if err != nil {
			return ""
		}
		var value string
		value, err = text(members, name)
		return value
	}
	if version := get("schemaVersion"); err == nil && major(version) != major(SchemaVersion) {
		return nil, wrong("schemaVersion", "is %q; this package reads %s.x", brief(version), major(SchemaVersion))
	}
	key, versionID := get("idempotencyKey"), get("versionId")
	c := &Change{
		DataStoreID: get("dataStoreId"), ResourceType: get("resourceType"), ResourceID: get("resourceId"),
		Interaction: Interaction(get("interaction")), LastUpdated: get("lastUpdated"), URL: get("url"),
	}
	if err != nil {
		return nil, err
	}
	if c.Version, err = strconv.ParseInt(versionID, 10, 64); err != nil || strconv.FormatInt(c.Version, 10) != versionID {
		c.Version = 0
	}
	if resource, ok := members["resource"]; ok {
		if resource[0] != '{' {
			return nil, wrong("resource", "must be an object, not %s", kind(resource))
		}
		c.Resource = resource
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if key != c.Key() {
		return nil, wrong("idempotencyKey", "must be <dataStoreId>/<resourceType>/<resourceId>/<versionId>")
	}
	return c, nil
}

func major(version string) string {
	first, minor, _ := strings.Cut(version, ".")
	if minor == "" {
		return ""
	}
	return first
}

// object returns the members of a JSON object by their exact names; a value is raw, without space around it.
func object(member string, data []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if data = bytes.TrimSpace(data); len(data) == 0 {
		return nil, wrong(member, "is empty")
	}
	err := json.Unmarshal(data, &members)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, wrong(member, "is not JSON, at byte %d of %d", syntax.Offset, len(data))
	case err != nil || data[0] != '{':
		return nil, wrong(member, "must be an object, not %s", kind(data))
	}
	return members, nil
}

func text(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", wrong(name, "is missing")
	}
	if raw[0] != '"' {
		return "", wrong(name, "must be a string, not %s", kind(raw))
	}
	var value string
	return value, json.Unmarshal(raw, &value) // which is a string: the document was read
}

// kind is what sort of JSON value begins here.
func kind(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// brief keeps an error readable whatever an event has in place of a name.
func brief(value string) string {
	if len(value) > 64 {
		return strings.ToValidUTF8(value[:64], "") + "…"
	}
	return value
}
