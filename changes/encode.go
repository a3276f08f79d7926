package changes

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Append appends the event's detail to dst as JSON. The bytes of the resource are copied as they are. A change that [Decode]
// would not read gives an [*Error], and dst as it was.
func (c *Change) Append(dst []byte) ([]byte, error) {
	if err := c.check(); err != nil {
		return dst, err
	}
	if c.Resource != nil && (c.Resource[0] != '{' || !json.Valid(c.Resource)) {
		return dst, wrong("resource", "must be a JSON object")
	}
	return c.append(dst, c.Resource), nil
}

// AppendWithin is Append for a channel that takes so many bytes at most, in which the detail is text in another JSON document:
// where it is longer than that, escaped, the resource stays out. whole says that it is in, or that there is none.
func (c *Change) AppendWithin(dst []byte, limit int) (_ []byte, whole bool, err error) {
	from := len(dst)
	dst, err = c.Append(dst)
	if err != nil || c.Resource == nil || EscapedLen(dst[from:]) <= limit {
		return dst, err == nil, err
	}
	return c.append(dst[:from], nil), false, nil
}

func (c *Change) append(dst []byte, resource []byte) []byte {
	dst = append(dst, `{"schemaVersion":"`+SchemaVersion+`","idempotencyKey":"`...)
	// What check lets pass needs no escapes, but for the URL.
	dst = append(dst, c.DataStoreID...)
	dst = append(append(dst, '/'), c.ResourceType...)
	dst = append(append(dst, '/'), c.ResourceID...)
	dst = strconv.AppendInt(append(dst, '/'), c.Version, 10)
	dst = append(append(dst, `","dataStoreId":"`...), c.DataStoreID...)
	dst = append(append(dst, `","resourceType":"`...), c.ResourceType...)
	dst = append(append(dst, `","resourceId":"`...), c.ResourceID...)
	dst = strconv.AppendInt(append(dst, `","versionId":"`...), c.Version, 10)
	dst = append(append(dst, `","interaction":"`...), c.Interaction...)
	dst = append(append(dst, `","lastUpdated":"`...), c.LastUpdated...)
	url, _ := json.Marshal(c.URL) // a string can always be written
	dst = append(append(dst, `","url":`...), url...)
	if resource != nil {
		dst = append(append(dst, `,"resource":`...), resource...)
	}
	return append(dst, '}')
}

// MarshalJSON is [Change.Append]. [json.Marshal] takes the space out of what it is given: who wants the resource byte for byte
// calls Append.
func (c *Change) MarshalJSON() ([]byte, error) { return c.Append(nil) }

// EscapedLen is how long a text becomes as a JSON string without its quotes, by [json.Marshal], which escapes most.
func EscapedLen(text []byte) int {
	n := len(text)
	for i := 0; i < len(text); {
		switch b := text[i]; {
		case b == '"' || b == '\\' || b == '\n' || b == '\r' || b == '\t' || b == '\b' || b == '\f':
			n++
		case b < ' ' || b == '<' || b == '>' || b == '&':
			n += 5
		case b >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(text[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				n += 5
			case r == '\u2028' || r == '\u2029':
				n += 3
			}
			i += size
			continue
		}
		i++
	}
	return n
}
