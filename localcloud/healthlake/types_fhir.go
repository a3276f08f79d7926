package healthlake

import "encoding/json"

// FHIR interactions are operations of the dispatcher under the names of their IAM actions, with the structures below. On
// the wire they are FHIR's REST API; see Handler.

// Target is the data store and the resource type of an interaction.
type Target struct {
	DatastoreID  string `json:"DatastoreId"`
	ResourceType string `json:",omitempty"` // empty for interactions of the whole store
}

func (t *Target) datastore() string { return t.DatastoreID }

// Response is the response of every FHIR interaction.
type Response struct {
	StatusCode   int             // HTTP
	ETag         string          `json:",omitempty"` // W/"<version>"
	LastModified string          `json:",omitempty"` // RFC 3339, to the nanosecond
	Location     string          `json:",omitempty"` // of the resource that an idempotency key made before
	Body         json.RawMessage `json:",omitempty"`
}

// CreateResourceInput is the request of CreateResource: POST <Type>.
type CreateResourceInput struct {
	Target
	Body           json.RawMessage
	IdempotencyKey string `json:",omitempty"` // header x-amz-fhir-idempotency-key, a UUID
}

// ReadResourceInput is the request of ReadResource: GET <Type>/<id>.
type ReadResourceInput struct {
	Target
	ResourceID string `json:"ResourceId"`
}

// VersionReadResourceInput is the request of VersionReadResource: GET <Type>/<id>/_history/<vid>.
type VersionReadResourceInput struct {
	ReadResourceInput
	VersionID string `json:"VersionId"`
}

// UpdateResourceInput is the request of UpdateResource: PUT <Type>/<id>, or PUT <Type>?<criteria> without a ResourceID.
type UpdateResourceInput struct {
	ReadResourceInput
	Body        json.RawMessage
	Criteria    map[string][]string `json:",omitempty"`
	IfMatch     string              `json:",omitempty"` // an ETag
	IfNoneMatch string              `json:",omitempty"` // only "*": the resource must be new
}

// PatchResourceInput is the request of PatchResource: PATCH <Type>/<id> with a JSON Patch (RFC 6902).
type PatchResourceInput struct {
	ReadResourceInput
	Body    json.RawMessage
	IfMatch string `json:",omitempty"`
}

// DeleteResourceInput is the request of DeleteResource: DELETE <Type>/<id>, or DELETE <Type>?<criteria> without a
// ResourceID.
type DeleteResourceInput struct {
	ReadResourceInput
	Criteria map[string][]string `json:",omitempty"`
	IfMatch  string              `json:",omitempty"`
}

// SearchInput is the request of SearchWithGet (GET <Type>?...) and SearchWithPost (POST <Type>/_search).
type SearchInput struct {
	Target
	Parameters map[string][]string `json:",omitempty"`
}

// HistoryInput is the request of GetHistoryByResourceId: GET <Type>/<id>/_history.
type HistoryInput struct {
	ReadResourceInput
	Parameters map[string][]string `json:",omitempty"`
}

// TypeHistoryInput is the request of GetHistoryByResourceType: GET <Type>/_history.
type TypeHistoryInput struct {
	Target
	Parameters map[string][]string `json:",omitempty"`
}

// ProcessBundleInput is the request of ProcessBundle: POST to the data store's endpoint.
type ProcessBundleInput struct {
	Target
	Body json.RawMessage
}

// GetCapabilitiesInput is the request of GetCapabilities: GET metadata.
type GetCapabilitiesInput struct{ Target }
