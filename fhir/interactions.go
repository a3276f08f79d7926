package fhir

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Condition makes a write depend on what is there. Its zero value is none.
type Condition struct {
	IfMatch string // the version that must be the current one, such as "3"; else the answer is 412
	IfNew   bool   // the id must never have been used; else the answer is 412
}

func (c Condition) header() map[string]string {
	h := map[string]string{}
	if c.IfMatch != "" {
		h["If-Match"] = `W/"` + c.IfMatch + `"`
	}
	if c.IfNew {
		h["If-None-Match"] = "*"
	}
	return h
}

// checkNames refuses a type and an id that would make another address.
func checkNames(typ, id string) error {
	if !typeForm.MatchString(typ) {
		return fmt.Errorf("%q is not the name of a resource type", typ)
	}
	if !idForm.MatchString(id) || id == "." || id == ".." {
		return errors.New("an id must have 1 to 64 letters, digits, hyphens and periods")
	}
	return nil
}

// Read gets the current version of a resource. Of one that is deleted the error's Status is 410.
func (c *Client) Read(ctx context.Context, typ, id string) (Resource, error) {
	if err := checkNames(typ, id); err != nil {
		return Resource{}, err
	}
	return c.one(ctx, &request{what: "reading a " + typ, method: http.MethodGet, at: c.address(typ, id)}, typ)
}

// VersionRead gets one version of a resource. Of a version that is a deletion the error's Status is 410; HealthLake also
// answers 404 for versions that are younger than some minutes.
func (c *Client) VersionRead(ctx context.Context, typ, id, version string) (Resource, error) {
	if err := checkNames(typ, id); err != nil {
		return Resource{}, err
	}
	if !versionForm.MatchString(version) {
		return Resource{}, errors.New("a version must have 1 to 64 letters, digits, hyphens and periods")
	}
	return c.one(ctx, &request{what: "reading a version of a " + typ, method: http.MethodGet, at: c.address(typ, id, "_history", version)}, typ)
}

// Create makes a resource with an id that the data store chooses. It is made once, however often the request has to be
// repeated: an idempotency key goes with it. https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-resources-idempotency.html
func (c *Client) Create(ctx context.Context, typ string, body []byte) (Resource, error) {
	if !typeForm.MatchString(typ) {
		return Resource{}, fmt.Errorf("%q is not the name of a resource type", typ)
	}
	made, err := c.one(ctx, &request{what: "creating a " + typ, method: http.MethodPost, at: c.address(typ), body: body,
		header: map[string]string{"Content-Type": contentType, "X-Amz-Fhir-Idempotency-Key": newUUID()}}, typ)
	// The key is ours alone: a duplicate is the work of an attempt whose answer was lost.
	if refused := (*Error)(nil); errors.As(err, &refused) && refused.Code == "duplicate" && refused.Attempts > 1 {
		if r, ok := ParseReference(refused.location); ok && r.ResourceType == typ {
			made, err = c.Read(ctx, typ, r.ID)
			made.Created = err == nil
		}
	}
	return made, err
}

// Update writes a resource under its id, new or not. If the answer to an attempt is lost, it is written again: that makes
// another version, or with a Condition the answer 412.
func (c *Client) Update(ctx context.Context, typ, id string, body []byte, condition Condition) (Resource, error) {
	if err := checkNames(typ, id); err != nil {
		return Resource{}, err
	}
	h := condition.header()
	h["Content-Type"] = contentType
	return c.one(ctx, &request{what: "updating a " + typ, method: http.MethodPut, at: c.address(typ, id), header: h, body: body}, typ)
}

// UpdateWhere writes the one resource that matches the search criteria, or a new one. Where several match, the error's
// Status is 412.
func (c *Client) UpdateWhere(ctx context.Context, typ string, criteria url.Values, body []byte) (Resource, error) {
	if !typeForm.MatchString(typ) || len(criteria) == 0 {
		return Resource{}, errors.New("a conditional update needs a resource type and criteria")
	}
	at := c.address(typ)
	at.RawQuery = criteria.Encode()
	return c.one(ctx, &request{what: "updating a " + typ, method: http.MethodPut, at: at, header: map[string]string{"Content-Type": contentType}, body: body}, typ)
}

// Patch changes a resource by a JSON Patch (RFC 6902). It is repeated only after answers that say that nothing was done.
func (c *Client) Patch(ctx context.Context, typ, id string, patch []byte, condition Condition) (Resource, error) {
	if err := checkNames(typ, id); err != nil {
		return Resource{}, err
	}
	h := condition.header()
	h["Content-Type"] = "application/json-patch+json"
	return c.one(ctx, &request{what: "patching a " + typ, method: http.MethodPatch, at: c.address(typ, id), header: h, body: patch, fragile: true}, typ)
}

// Delete deletes a resource; one that is deleted already stays so. HealthLake keeps its versions.
func (c *Client) Delete(ctx context.Context, typ, id string, condition Condition) error {
	if err := checkNames(typ, id); err != nil {
		return err
	}
	_, err := c.one(ctx, &request{what: "deleting a " + typ, method: http.MethodDelete, at: c.address(typ, id), header: condition.header()}, "")
	return err
}

// Capabilities gets the data store's CapabilityStatement.
func (c *Client) Capabilities(ctx context.Context) (Resource, error) {
	return c.one(ctx, &request{what: "reading the capabilities", method: http.MethodGet, at: c.address("metadata")}, "CapabilityStatement")
}

const contentType = "application/fhir+json"

// one makes a request whose answer is a resource of a type, or nothing if the type is empty.
func (c *Client) one(ctx context.Context, r *request, typ string) (out Resource, err error) {
	r.read = func(answer *http.Response) error {
		text, err := readAll(answer)
		if err != nil {
			return err
		}
		out = Resource{text, versionOf(answer.Header.Get("ETag")), answer.StatusCode == http.StatusCreated}
		if typ == "" && len(text) == 0 {
			return nil
		}
		var head struct{ ResourceType string }
		switch {
		case json.Unmarshal(text, &head) != nil:
			return errors.New("the answer is no JSON object")
		case head.ResourceType == outcomeType:
			var o outcome
			if err := json.Unmarshal(text, &o); err != nil || typ != "" || o.fatal() {
				return failure(answer, text)
			}
		case typ != "" && head.ResourceType != typ:
			return fmt.Errorf("the answer is not a %s", typ)
		}
		return nil
	}
	if err := c.do(ctx, r); err != nil {
		return Resource{}, err
	}
	return out, nil
}

// newUUID returns a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return strings.ToLower(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
