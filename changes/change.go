package changes

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What the events are known by: EventBridge rules match them.
const (
	Source     = "carepath.healthlake"   // the event's source
	DetailType = "FHIR Resource Changed" // the event's detail-type
)

// SchemaVersion is the version of the detail that this package writes. It reads all of the same major version: a minor one
// adds members, which consumers ignore.
const SchemaVersion = "1.0"

// maxVersion has 18 digits, as the schema says.
const maxVersion = 999_999_999_999_999_999

// Interaction is what brought a version about.
type Interaction string

// The interactions, by FHIR's names.
const (
	// Create made version 1, or a version that follows a deleted one.
	Create Interaction = "create"
	// Update made a version that follows one that was there.
	Update Interaction = "update"
	// Delete made a version that has no content.
	Delete Interaction = "delete"
)

// Change is one version of one FHIR resource: the detail of an event.
type Change struct {
	// DataStoreID is the id of the HealthLake data store.
	DataStoreID string
	// ResourceType is the FHIR resource's type, such as "Patient".
	ResourceType string
	// ResourceID is the FHIR resource's logical id.
	ResourceID string
	// Version counts the resource's versions from 1: the number in versionId.
	Version int64
	// Interaction is what brought the version about.
	Interaction Interaction
	// LastUpdated is when, as HealthLake has it in meta.lastUpdated: RFC 3339, down to nanoseconds.
	LastUpdated string
	// URL is where the version can be read: <endpoint><Type>/<id>/_history/<version>.
	URL string
	// Resource is the FHIR JSON, byte for byte as HealthLake has it. It is nil for a deleted resource, where the stack publishes
	// references only, and where the event would be too large with it: then read it at URL.
	Resource json.RawMessage
}

// Key identifies the version wherever it is seen: "<data store>/<type>/<id>/<version>". Two events with one key say the same.
func (c *Change) Key() string { return c.Subject() + "/" + strconv.FormatInt(c.Version, 10) }

// Subject identifies the resource: "<data store>/<type>/<id>".
func (c *Change) Subject() string { return c.DataStoreID + "/" + c.ResourceType + "/" + c.ResourceID }

// Time is LastUpdated as a time; the zero time if it is none.
func (c *Change) Time() time.Time {
	t, _ := instant(c.LastUpdated) // a decoded change has been checked
	return t
}

// instantForm is RFC 3339's, of which time.Parse lets more pass.
var instantForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func instant(text string) (time.Time, error) {
	if !instantForm.MatchString(text) {
		return time.Time{}, errors.New("not a time of RFC 3339")
	}
	return time.Parse(time.RFC3339, text)
}

// Error says what is wrong with an event. It never holds a value of the event that may say something about a person.
type Error struct {
	// Member is the path of the member that is wrong, such as "detail.versionId"; "" for the whole.
	Member string
	// Problem is what is wrong with it, such as "is missing".
	Problem string
}

// Error is the member and what is wrong with it.
func (e *Error) Error() string {
	if e.Member == "" {
		return "not a change event: it " + e.Problem
	}
	return "not a change event: " + e.Member + " " + e.Problem
}

func wrong(member, format string, args ...any) error {
	return &Error{Member: member, Problem: fmt.Sprintf(format, args...)}
}

// check says what is wrong with the change's members; the resource is looked at only for being there or not.
func (c *Change) check() error {
	switch {
	case !made(c.DataStoreID, 64, idByte):
		return wrong("dataStoreId", "must be 1 to 64 letters, digits, - and .")
	case !made(c.ResourceType, 64, letter) || c.ResourceType[0] >= 'a':
		return wrong("resourceType", "must be a FHIR resource type, such as Patient")
	case !made(c.ResourceID, 64, idByte):
		return wrong("resourceId", "must be a FHIR id: 1 to 64 letters, digits, - and .")
	case c.Version < 1 || c.Version > maxVersion:
		return wrong("versionId", "must be a whole number from 1, as a string")
	case c.Interaction != Create && c.Interaction != Update && c.Interaction != Delete:
		return wrong("interaction", "must be create, update or delete")
	case c.Interaction == Delete && c.Resource != nil:
		return wrong("resource", "must not be there: the resource was deleted")
	}
	if _, err := instant(c.LastUpdated); err != nil {
		return wrong("lastUpdated", "must be a time such as 2026-01-02T03:04:05.678Z")
	}
	if path := "/" + c.ResourceType + "/" + c.ResourceID + "/_history/" + strconv.FormatInt(c.Version, 10); !strings.HasSuffix(c.URL, path) {
		return wrong("url", "must end with /<resourceType>/<resourceId>/_history/<versionId>")
	}
	return nil
}

func made(text string, most int, of func(byte) bool) bool {
	if text == "" || len(text) > most {
		return false
	}
	for i := range len(text) {
		if !of(text[i]) {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

func idByte(c byte) bool { return letter(c) || '0' <= c && c <= '9' || c == '-' || c == '.' }
