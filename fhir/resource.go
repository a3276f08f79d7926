package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// Resource is a resource as the data store answered it.
type Resource struct {
	JSON    []byte // byte for byte; empty if the answer has no body
	Version string // from the ETag; empty if the answer has none
	Created bool   // the answer's status was 201
}

// Head is what identifies a version of a resource.
type Head struct {
	ResourceType string
	ID           string
	VersionID    string
	LastUpdated  string // as the data store writes it, up to nanoseconds
}

// errResource does not say more: what encoding/json says can show a piece of the resource.
var errResource = errors.New("the text is no FHIR resource")

// ParseHead reads a resource's type, id and meta. Names of members are told apart by case, as FHIR's are.
func ParseHead(text []byte) (h Head, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	err = members(d, func(name string) error {
		switch name {
		case "resourceType":
			return d.Decode(&h.ResourceType)
		case "id":
			return d.Decode(&h.ID)
		case "meta":
			return members(d, func(name string) error {
				switch name {
				case "versionId":
					return d.Decode(&h.VersionID)
				case "lastUpdated":
					return d.Decode(&h.LastUpdated)
				}
				return d.Decode(&skipped{})
			})
		}
		return d.Decode(&skipped{})
	})
	if err != nil || h.ResourceType == "" {
		return Head{}, errResource
	}
	return h, nil
}

// members reads an object and calls f with the name of each member, whose value f has to read.
func members(d *json.Decoder, f func(name string) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return syntax(err)
		}
		if err := f(name.(string)); err != nil { // a member's name is a string
			return syntax(err)
		}
	}
	return expect(d, '}')
}

var (
	typeForm    = regexp.MustCompile(`^[A-Z][A-Za-z]{0,63}$`)
	idForm      = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)
	etagForm    = regexp.MustCompile(`^(?:W/)?"([^"]+)"$`)
)

// Reference names a resource or one of its versions.
type Reference struct {
	ResourceType, ID string
	VersionID        string // empty: no version is named
}

// ParseReference reads "Type/id", "Type/id/_history/version" and addresses that end so, and says whether it was one.
func ParseReference(text string) (Reference, bool) {
	if _, path, absolute := strings.Cut(text, "://"); absolute {
		text = path
	}
	steps := strings.Split(text, "/")
	r := Reference{}
	if n := len(steps); n >= 4 && steps[n-2] == "_history" {
		r.VersionID, steps = steps[n-1], steps[:n-2]
		if !versionForm.MatchString(r.VersionID) {
			return Reference{}, false
		}
	}
	if len(steps) < 2 {
		return Reference{}, false
	}
	r.ResourceType, r.ID = steps[len(steps)-2], steps[len(steps)-1]
	return r, wellFormed(r.ResourceType, r.ID) && r.ID != "." && r.ID != ".."
}

// Version says which version of which resource an entry of a history tells of, and whether it says so.
func (e *Entry) Version() (Reference, bool) {
	if r, ok := ParseReference(e.Location); ok && r.VersionID != "" {
		return r, true
	}
	for _, address := range []string{e.URL, e.FullURL} {
		if r, ok := ParseReference(address); ok {
			r.VersionID = versionOf(e.ETag)
			return r, r.VersionID != ""
		}
	}
	return Reference{}, false
}

func wellFormed(typ, id string) bool { return typeForm.MatchString(typ) && idForm.MatchString(id) }

func versionOf(etag string) string {
	if m := etagForm.FindStringSubmatch(etag); m != nil {
		return m[1]
	}
	return ""
}
