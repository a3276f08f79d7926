package fhir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Entry is one entry of a bundle.
type Entry struct {
	FullURL  string
	Resource []byte // byte for byte; empty if the entry has none

	Mode string // of a search's entry: match or include

	Method, URL string // of the request that a history's entry tells of

	// What the data store answered, in histories and after bundles were processed. In a history Location has the entry's own
	// version, while HealthLake writes the metadata of the latest version into every Resource.
	Status, Location, ETag, LastModified string
	Outcome                              []byte
}

// Page is what a bundle says beside its entries.
type Page struct {
	Total   *int   // of the search, if it was asked for
	Next    string // the address of the next page, for Follow; empty at the end
	Entries int    // of this page
}

// Search asks for the first page of a search, by POST, so that no search values stand in addresses. each gets the entries one
// by one while they arrive; its error ends the search and is returned as it is.
// https://docs.aws.amazon.com/healthlake/latest/devguide/searching-fhir.html
func (c *Client) Search(ctx context.Context, typ string, parameters url.Values, each func(Entry) error) (Page, error) {
	if !typeForm.MatchString(typ) {
		return Page{}, fmt.Errorf("%q is not the name of a resource type", typ)
	}
	return c.bundle(ctx, &request{what: "searching for resources of type " + typ, method: http.MethodPost, at: c.address(typ, "_search"),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: []byte(parameters.Encode())}, "searchset", each)
}

// Follow asks for the page that a page's Next names. An address that is not in this data store is refused: the request
// would be signed with the caller's credentials.
func (c *Client) Follow(ctx context.Context, next string, each func(Entry) error) (Page, error) {
	at, err := c.link(next)
	if err != nil {
		return Page{}, err
	}
	return c.bundle(ctx, &request{what: "asking for the next page", method: http.MethodGet, at: at}, "", each)
}

// All asks for all pages of a search. It is not for searches whose results change meanwhile: what moves from a page that is
// yet to come to one that has been read is missed.
func (c *Client) All(ctx context.Context, typ string, parameters url.Values, each func(Entry) error) error {
	page, err := c.Search(ctx, typ, parameters, each)
	for err == nil && page.Next != "" {
		before := page.Next
		if page, err = c.Follow(ctx, before, each); err == nil && page.Next == before {
			return errors.New("a page's next link leads to the page itself")
		}
	}
	return err
}

// History asks for the first page of a resource's versions, newest first, deletions among them. HealthLake can be minutes
// behind. Parameters are _count, _since and _at.
// https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-resources-read-history.html
func (c *Client) History(ctx context.Context, typ, id string, parameters url.Values, each func(Entry) error) (Page, error) {
	if err := checkNames(typ, id); err != nil {
		return Page{}, err
	}
	at := c.address(typ, id, "_history")
	at.RawQuery = parameters.Encode()
	return c.bundle(ctx, &request{what: "reading the history of a " + typ, method: http.MethodGet, at: at}, "history", each)
}

// TypeHistory asks for the first page of the versions of all resources of a type, newest first. Data stores may refuse it.
func (c *Client) TypeHistory(ctx context.Context, typ string, parameters url.Values, each func(Entry) error) (Page, error) {
	if !typeForm.MatchString(typ) {
		return Page{}, fmt.Errorf("%q is not the name of a resource type", typ)
	}
	at := c.address(typ, "_history")
	at.RawQuery = parameters.Encode()
	return c.bundle(ctx, &request{what: "reading the history of the type " + typ, method: http.MethodGet, at: at}, "history", each)
}

// Process sends a bundle of the type transaction or batch; each gets the entries of the answer, in the order of the
// bundle's. Of a batch, entries may have failed: their Status and Outcome say so. It is repeated only after answers that
// say that nothing was done. https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-resources-bundle.html
func (c *Client) Process(ctx context.Context, bundle []byte, each func(Entry) error) error {
	_, err := c.bundle(ctx, &request{what: "processing a bundle", method: http.MethodPost, at: c.address(), header: map[string]string{"Content-Type": contentType},
		body: bundle, fragile: true}, "", each)
	return err
}

// bundle makes a request whose answer is a bundle. An empty kind stands for any.
func (c *Client) bundle(ctx context.Context, r *request, kind string, each func(Entry) error) (page Page, err error) {
	r.read = func(answer *http.Response) error {
		b := bundleReader{each: each}
		err := b.read(answer.Body)
		page = b.page
		switch {
		case err != nil && b.page.Entries > 0 && errors.As(err, new(*brokenError)):
			return fmt.Errorf("%w: %w", ErrInterrupted, errors.Unwrap(err))
		case err != nil:
			return err
		case b.resourceType == outcomeType:
			text, err := json.Marshal(map[string]any{"resourceType": outcomeType, "issue": b.issue})
			if err != nil {
				return err
			}
			return failure(answer, text)
		case b.resourceType != "Bundle", kind != "" && b.kind != kind:
			return errors.New("the answer is not the bundle that was asked for")
		}
		return nil
	}
	if err := c.do(ctx, r); err != nil {
		return Page{}, err
	}
	return page, nil
}

// bundleReader reads a bundle token by token; of its entries one at a time is in memory.
type bundleReader struct {
	each               func(Entry) error
	resourceType, kind string
	issue              json.RawMessage // if it is an OperationOutcome
	page               Page
}

// jsonEntry is an entry as it is written.
type jsonEntry struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
	Search   struct {
		Mode string `json:"mode"`
	} `json:"search"`
	Request struct {
		Method string `json:"method"`
		URL    string `json:"url"`
	} `json:"request"`
	Response struct {
		Status       string          `json:"status"`
		Location     string          `json:"location"`
		ETag         string          `json:"etag"`
		LastModified string          `json:"lastModified"`
		Outcome      json.RawMessage `json:"outcome"`
	} `json:"response"`
}

// errForm is the error of an answer that is no bundle. What encoding/json says could show a piece of it.
var errForm = errors.New("the answer is no FHIR bundle")

// syntax tells an answer that is wrong from one that did not arrive whole.
func syntax(err error) error {
	if malformed, typed := (*json.SyntaxError)(nil), (*json.UnmarshalTypeError)(nil); errors.As(err, &malformed) || errors.As(err, &typed) {
		return errForm
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &brokenError{err}
}

func (b *bundleReader) read(body io.Reader) error {
	d := json.NewDecoder(body)
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return syntax(err)
		}
		switch key {
		case "resourceType":
			err = d.Decode(&b.resourceType)
		case "type":
			err = d.Decode(&b.kind)
		case "total":
			err = d.Decode(&b.page.Total)
		case "issue":
			err = d.Decode(&b.issue)
		case "link":
			err = b.links(d)
		case "entry":
			if err := b.entries(d); err != nil {
				return err
			}
		default:
			err = d.Decode(&skipped{})
		}
		if err != nil {
			return syntax(err)
		}
	}
	if err := expect(d, '}'); err != nil {
		return err
	}
	switch _, err := d.Token(); {
	case err == nil:
		return errForm
	case !errors.Is(err, io.EOF):
		return syntax(err)
	}
	return nil
}

// skipped is a value that is not looked at.
type skipped struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*skipped) UnmarshalJSON([]byte) error { return nil }

func expect(d *json.Decoder, delim json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return syntax(err)
	}
	if token != delim {
		return errForm
	}
	return nil
}

func (b *bundleReader) links(d *json.Decoder) error {
	var links []struct {
		Relation string `json:"relation"`
		URL      string `json:"url"`
	}
	if err := d.Decode(&links); err != nil {
		return err
	}
	for _, l := range links {
		if l.Relation == "next" {
			b.page.Next = l.URL
		}
	}
	return nil
}

func (b *bundleReader) entries(d *json.Decoder) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.More() {
		var e jsonEntry
		if err := d.Decode(&e); err != nil {
			return syntax(err)
		}
		if e.Search.Mode == "outcome" {
			var o outcome
			if json.Unmarshal(e.Resource, &o) != nil || o.fatal() {
				failed := &Error{Status: http.StatusOK}
				failed.describe(e.Resource)
				return failed
			}
			continue // a warning
		}
		b.page.Entries++
		if err := b.each(Entry{FullURL: e.FullURL, Resource: e.Resource, Mode: e.Search.Mode, Method: e.Request.Method, URL: e.Request.URL,
			Status: e.Response.Status, Location: e.Response.Location, ETag: e.Response.ETag, LastModified: e.Response.LastModified, Outcome: e.Response.Outcome}); err != nil {
			return err
		}
	}
	return expect(d, ']')
}
