package healthlake

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// document is a resource's JSON text with the places at which HealthLake writes. The rest stays byte for byte.
type document struct {
	text         []byte
	resourceType string
	id           string // empty if the text has none

	typeEnd  int  // after resourceType's value
	idValue  span // of the id with its quotes
	meta     span // of the value
	version  span // of meta.versionId's value
	updated  span // of meta.lastUpdated's value
	metaFull bool // meta has members
}

// span is a piece of text; its zero value is none.
type span struct{ from, to int }

func (s span) in(text []byte) []byte { return text[s.from:s.to] }

// parseDocument reads a resource and finds its places.
func parseDocument(text []byte) (*document, error) {
	text = bytes.TrimSpace(text)
	if !json.Valid(text) {
		return nil, invalid("structure", "The request body is not valid JSON.")
	}
	if text[0] != '{' {
		return nil, invalid("structure", "The request body must be a JSON object.")
	}
	d := &document{text: text}
	var repeated, wrong string
	members(text, 0, func(key string, v span) {
		var to *span
		switch key {
		case "resourceType":
			if d.typeEnd != 0 {
				repeated = key
			}
			d.resourceType, d.typeEnd = stringIn(v.in(text)), v.to
			return
		case "id":
			to = &d.idValue
			if d.id = stringIn(v.in(text)); d.id == "" {
				wrong = "id"
			}
		case "meta":
			to = &d.meta
			if text[v.from] != '{' {
				wrong = "meta"
				return
			}
			d.placesOfMeta(v.from)
		default:
			return
		}
		if to.to != 0 {
			repeated = key
		}
		*to = v
	})
	switch {
	case repeated != "":
		return nil, invalid("structure", "The member %q stands twice in the resource.", repeated)
	case wrong == "id":
		return nil, invalid("value", "The id must be a string of 1 to 64 characters.")
	case wrong != "":
		return nil, invalid("structure", "The member %q must be an object.", wrong)
	case d.resourceType == "":
		return nil, invalid("structure", "The resource has no resourceType.")
	}
	return d, nil
}

func (d *document) placesOfMeta(at int) {
	members(d.text, at, func(key string, v span) {
		d.metaFull = true
		switch key {
		case "versionId":
			d.version = v
		case "lastUpdated":
			d.updated = v
		}
	})
}

// edit puts text in place of a span; an empty span is a place.
type edit struct {
	span
	text string
}

// stamp returns the text with the id, the version and the time of the update as HealthLake sets them.
func (d *document) stamp(id string, version int, updated time.Time) []byte {
	quotedVersion, quotedTime := `"`+strconv.Itoa(version)+`"`, `"`+instant(updated)+`"`
	var edits []edit
	next := d.typeEnd
	if d.idValue.to != 0 {
		next = d.idValue.to
		if d.id != id {
			edits = append(edits, edit{d.idValue, `"` + id + `"`})
		}
	} else {
		edits = append(edits, edit{span{next, next}, `,"id":"` + id + `"`})
	}
	if d.meta.to == 0 {
		edits = append(edits, edit{span{next, next}, `,"meta":{"versionId":` + quotedVersion + `,"lastUpdated":` + quotedTime + `}`})
		return apply(d.text, edits)
	}
	missing := ""
	if d.version.to != 0 {
		edits = append(edits, edit{d.version, quotedVersion})
	} else {
		missing = `"versionId":` + quotedVersion
	}
	if d.updated.to != 0 {
		edits = append(edits, edit{d.updated, quotedTime})
	} else {
		if missing != "" {
			missing += ","
		}
		missing += `"lastUpdated":` + quotedTime
	}
	if missing != "" {
		if d.metaFull {
			missing += ","
		}
		edits = append(edits, edit{span{d.meta.from + 1, d.meta.from + 1}, missing})
	}
	return apply(d.text, edits)
}

// apply makes edits that do not overlap; those at the same place in their order.
func apply(text []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	size := len(text)
	for _, e := range edits {
		size += len(e.text)
	}
	out := make([]byte, 0, size)
	at := 0
	for _, e := range edits {
		out = append(out, text[at:e.from]...)
		out = append(out, e.text...)
		at = e.to
	}
	return append(out, text[at:]...)
}

// withMeta returns a stored resource with another one's meta. Both texts have one.
func withMeta(text, from []byte) []byte {
	own, theirs := metaOf(text), metaOf(from)
	if own.to == 0 || theirs.to == 0 {
		return text
	}
	return apply(text, []edit{{own, string(theirs.in(from))}})
}

func metaOf(text []byte) (meta span) {
	members(text, 0, func(key string, v span) {
		if key == "meta" {
			meta = v
		}
	})
	return meta
}

// members calls f for every member of the object that begins at a place of valid JSON.
func members(text []byte, at int, f func(key string, value span)) {
	at = blank(text, at+1)
	for text[at] != '}' {
		end := stringEnd(text, at)
		key := stringIn(text[at:end])
		from := blank(text, blank(text, end)+1) // after the colon
		to := valueEnd(text, from)
		f(key, span{from, to})
		if at = blank(text, to); text[at] == ',' {
			at = blank(text, at+1)
		}
	}
}

// elements calls f for every element of the array that begins at a place of valid JSON.
func elements(text []byte, at int, f func(value span)) {
	at = blank(text, at+1)
	for text[at] != ']' {
		to := valueEnd(text, at)
		f(span{at, to})
		if at = blank(text, to); text[at] == ',' {
			at = blank(text, at+1)
		}
	}
}

func blank(text []byte, at int) int {
	for text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n' {
		at++
	}
	return at
}

// stringEnd returns the place after the string that begins at a place.
func stringEnd(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

func valueEnd(text []byte, at int) int {
	switch text[at] {
	case '"':
		return stringEnd(text, at)
	case '{', '[':
		for depth := 0; ; {
			switch text[at] {
			case '"':
				at = stringEnd(text, at)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return at + 1
				}
			}
			at++
		}
	}
	for at < len(text) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(text[at])) {
		at++
	}
	return at
}

// stringIn returns the value of a string's JSON, or "" if it is none.
func stringIn(value []byte) string {
	if value[0] != '"' {
		return ""
	}
	inside := value[1 : len(value)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}

// instant writes a time as HealthLake does: UTC, with as many groups of three decimals as it needs.
func instant(t time.Time) string {
	t = t.UTC()
	switch n := t.Nanosecond(); {
	case n == 0:
		return t.Format("2006-01-02T15:04:05Z")
	case n%1e6 == 0:
		return t.Format("2006-01-02T15:04:05.000Z")
	case n%1e3 == 0:
		return t.Format("2006-01-02T15:04:05.000000Z")
	}
	return t.Format("2006-01-02T15:04:05.000000000Z")
}
