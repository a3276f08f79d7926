package changes

import _ "embed"

//go:embed fhir-resource-changed.schema.json
var schema string

// Schema is the JSON Schema (draft 2020-12) of the event's detail. Beyond what a schema can say, idempotencyKey and url are made
// of the other members.
func Schema() string { return schema }
