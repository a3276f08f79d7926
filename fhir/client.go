// Package fhir is a client for one AWS HealthLake data store: FHIR R4 over REST, signed with Signature Version 4.
//
// What comes back is the data store's own bytes: a resource is never read into a model and written again, so that
// unknown members, extensions of primitives, the order of members and numbers such as 1.00 stay as they are. Bundles are
// read entry by entry while they arrive. An answer that is an error is never taken for "no results": see [Error].
//
// Requests that were throttled, failed on the server's side or on the way are made again with full jitter, within a
// number of attempts and the context's deadline; Retry-After is honoured.
//
// No error of this package holds content of resources, ids, addresses or search values, but for Error.Diagnostics.
//
// It follows https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-resources.html and
// https://hl7.org/fhir/R4/http.html.
package fhir

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Config says which data store a Client talks to, as whom and how. Endpoint, Region and Credentials are required.
type Config struct {
	Endpoint    string                  // the data store's, as HealthLake gives it: https://healthlake.<region>.amazonaws.com/datastore/<id>/r4/
	Region      string                  // which requests are signed for
	Credentials aws.CredentialsProvider // asked at every attempt; aws.NewCredentialsCache remembers what it gives

	Transport   http.RoundTripper                                // nil: http.DefaultTransport
	MaxAttempts int                                              // of one request; 0: DefaultMaxAttempts
	Now         func() time.Time                                 // nil: time.Now
	Sleep       func(ctx context.Context, d time.Duration) error // waits for d, or returns the context's error; nil: by a timer
	Rand        func() float64                                   // in [0, 1), for the jitter; nil: math/rand/v2's
}

// DefaultMaxAttempts is how often a request is made at most.
const DefaultMaxAttempts = 8

// attemptTimeout bounds one attempt, its body included, where the context has no earlier deadline.
const attemptTimeout = 2 * time.Minute

// Client talks to one data store. It is safe for concurrent use. Make it with New.
type Client struct {
	base     *url.URL // ends in a slash
	region   string
	identity aws.CredentialsProvider
	signer   *v4.Signer
	http     *http.Client
	attempts int
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	rand     func() float64
}

// New returns a client.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.Endpoint)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("the FHIR endpoint %q is not an address such as https://healthlake.us-east-1.amazonaws.com/datastore/<id>/r4/", c.Endpoint)
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	if c.Region == "" || c.Credentials == nil {
		return nil, errors.New("a FHIR client needs a region and credentials to sign its requests")
	}
	client := &Client{base: base, region: c.Region, identity: c.Credentials, signer: v4.NewSigner(), attempts: c.MaxAttempts, now: c.Now, sleep: c.Sleep, rand: c.Rand,
		http: &http.Client{Transport: c.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if client.attempts <= 0 {
		client.attempts = DefaultMaxAttempts
	}
	if client.now == nil {
		client.now = time.Now
	}
	if client.sleep == nil {
		client.sleep = sleep
	}
	if client.rand == nil {
		client.rand = rand.Float64
	}
	return client, nil
}

// Endpoint is the base of the data store's addresses, with a slash at its end.
func (c *Client) Endpoint() string { return c.base.String() }

// request is an interaction on its way. It can be sent again.
type request struct {
	what   string // for errors: "reading a Patient"
	method string
	at     *url.URL
	header map[string]string
	body   []byte
	// fragile: a second time is not the same as once, so it is repeated only after answers that say that nothing was done.
	fragile bool
	// read takes an answer whose status is below 300. An error of type *brokenError makes for another attempt.
	read func(*http.Response) error
}

// address returns the address of a path below the data store, made of steps that are escaped.
func (c *Client) address(steps ...string) *url.URL { return c.base.JoinPath(steps...) }

// do makes a request until it has an answer or it is of no use any more.
func (c *Client) do(ctx context.Context, r *request) error {
	for attempt := 1; ; attempt++ {
		err := c.attempt(ctx, r, attempt)
		if err == nil {
			return nil
		}
		if attempt == c.attempts || ctx.Err() != nil || !repeatable(err, r.fragile) {
			return fmt.Errorf("%s: %w", r.what, withAttempts(err, attempt))
		}
		wait := c.backoff(attempt)
		if asked := retryAfter(err); asked > longestRetryAfter {
			return fmt.Errorf("%s: %w", r.what, withAttempts(err, attempt))
		} else if asked > wait {
			wait = asked
		}
		if deadline, ok := ctx.Deadline(); ok && c.now().Add(wait).After(deadline) {
			return fmt.Errorf("%s: the next attempt would come after the deadline: %w", r.what, withAttempts(err, attempt))
		}
		if waiting := c.sleep(ctx, wait); waiting != nil {
			return fmt.Errorf("%s: %w, waiting for the next attempt: %w", r.what, withAttempts(err, attempt), waiting)
		}
	}
}

// attempt makes a request once.
func (c *Client) attempt(ctx context.Context, r *request, number int) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, r.method, r.at.String(), bytes.NewReader(r.body))
	if err != nil {
		return errors.New("the address cannot be written") // the error would show it
	}
	q.Header.Set("Accept", "application/fhir+json")
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	identity, err := c.identity.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("getting credentials: %w", err)
	}
	digest := sha256.Sum256(r.body)
	if err := c.signer.SignHTTP(ctx, identity, q, hex.EncodeToString(digest[:]), "healthlake", c.region, c.now()); err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return &brokenError{withoutAddress(err)}
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return c.refusal(answer, number)
	}
	return r.read(answer)
}

// withoutAddress takes the address, which can tell of persons, out of an error of net/http.
func withoutAddress(err error) error {
	if withAddress := (*url.Error)(nil); errors.As(err, &withAddress) {
		return withAddress.Err
	}
	return err
}

// largestBody bounds what is read of an answer with one resource. HealthLake's resources are far smaller.
const largestBody = 64 << 20

// readAll reads an answer's body.
func readAll(answer *http.Response) ([]byte, error) {
	var b bytes.Buffer
	if n := answer.ContentLength; n > 0 && n < largestBody {
		b.Grow(int(n) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(answer.Body, largestBody+1))
	switch {
	case err != nil:
		return nil, &brokenError{err}
	case n > largestBody:
		return nil, fmt.Errorf("the answer is larger than %d bytes", largestBody)
	}
	return b.Bytes(), nil
}
