package hydrate_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/carepath/carepath/changes"
	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/handlers/hydrator/hydrate"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/sts"
	"github.com/carepath/carepath/localcloud/wire"
)

// cloud is a data store, a ledger and a hydrator on the embedded AWS, in a bubble of testing/synctest, where waiting takes no
// time. The test does what the workflow does with the hydrator's pages.
type cloud struct {
	tester
	d     *dispatch.Dispatcher
	lake  *healthlake.Service
	id    string // of the data store
	h     *hydrate.Hydrator
	c     *fhir.Client
	fhir  http.Handler
	logs  bytes.Buffer
	emf   bytes.Buffer
	calls map[string]int // FHIR requests, by method and path without ids

	// intercept answers a FHIR request in the data store's place, if it returns true.
	intercept func(w http.ResponseWriter, r *http.Request) bool
	// ledger answers a call of DynamoDB in its place, if it returns something.
	ledger func(action string, body []byte) []byte

	written   map[string]string // every version that was written, by Type/id/version: interaction and text
	published map[string]string // what the events said, likewise
	order     map[string]int64  // the latest version that was published, by Type/id
}

// tester is what testing and rapid have in common.
type tester interface {
	Helper()
	Context() context.Context
	Error(...any)
	Errorf(string, ...any)
	Fatal(...any)
	Fatalf(string, ...any)
	Logf(string, ...any)
}

const table = "ledger"

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{tester: t, d: dispatch.New(clock.Real{}, "000000000000", "us-east-1"), written: map[string]string{}, published: map[string]string{}, order: map[string]int64{}, calls: map[string]int{}}
	c.d.Logf = t.Logf
	st := store.Memory()
	var users *sts.Service
	for _, start := range []func() error{
		func() error { _, err := iam.New(c.d, st); return err },
		func() error { _, err := kms.New(c.d, st); return err },
		func() (err error) { users, err = sts.New(c.d, st); return err },
		func() error { _, err := dynamodb.New(c.d, st); return err },
		func() (err error) { c.lake, err = healthlake.New(c.d, st); return err },
	} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	c.call("dynamodb", "CreateTable", `{"TableName":"ledger","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}]}`)
	made, err := dispatch.Do[healthlake.DatastoreStatusOutput](t.Context(), c.d, c.d.Root(), "healthlake", "CreateFHIRDatastore", &healthlake.CreateFHIRDatastoreInput{DatastoreTypeVersion: "R4"})
	if err != nil {
		t.Fatal(err)
	}
	c.id, c.fhir = made.DatastoreID, c.lake.Handler(users)
	c.pass(healthlake.DefaultCreation)
	identity := aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("test", "test", ""))
	c.c, err = fhir.New(fhir.Config{Endpoint: made.DatastoreEndpoint, Region: "us-east-1", Credentials: identity, Transport: into(c.serveFHIR)})
	if err != nil {
		t.Fatal(err)
	}
	apis := wire.New(c.d, users)
	serve := func(w http.ResponseWriter, r *http.Request) {
		if c.ledger != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			if text := c.ledger(action, body); text != nil {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				answer(w, 200, string(text))
				return
			}
		}
		apis.ServeHTTP(w, r)
	}
	c.h = &hydrate.Hydrator{FHIR: c.c, Table: table, DataStoreID: c.id, Overlap: 15 * time.Minute, TriggerOverlap: 2 * time.Minute, Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(&c.logs, nil)), Metrics: &c.emf,
		DynamoDB: awsdynamodb.New(awsdynamodb.Options{Region: "us-east-1", Credentials: identity, BaseEndpoint: aws.String("http://localhost:4566"), HTTPClient: &http.Client{Transport: into(serve)}})}
	t.Cleanup(func() {
		for _, secret := range []string{"pt-", "Lovelace"} {
			if all := c.logs.String() + c.emf.String(); strings.Contains(all, secret) {
				t.Errorf("the logs hold %q: %s", secret, all)
			}
		}
	})
	return c
}

// into is a transport straight into a handler.
type into http.HandlerFunc

func (f into) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	f(rec, r)
	return rec.Result(), nil
}

func (c *cloud) serveFHIR(w http.ResponseWriter, r *http.Request) {
	steps := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[3:]
	if len(steps) > 1 && !strings.HasPrefix(steps[1], "_") {
		steps[1] = "*"
	}
	if len(steps) > 3 {
		steps[3] = "*"
	}
	c.calls[r.Method+" "+strings.Join(steps, "/")]++
	if f := c.intercept; f != nil {
		c.intercept = nil // for the requests that it makes
		done := f(w, r)
		c.intercept = f
		if done {
			return
		}
	}
	c.fhir.ServeHTTP(w, r)
}

// pass waits by the embedded AWS's clock.
func (c *cloud) pass(d time.Duration) {
	passed := make(chan struct{})
	c.d.Clock.AfterFunc(d, func() { close(passed) })
	<-passed
}

func (c *cloud) call(service, action, in string) {
	c.Helper()
	if _, err := c.d.Do(context.Background(), c.d.Root(), service, action, []byte(in)); err != nil {
		c.Fatalf("%s:%s: %v", service, action, err)
	}
}

// put writes a Patient and notes its text as the data store has it.
func (c *cloud) put(id, more string) {
	c.Helper()
	got, err := c.c.Update(context.Background(), "Patient", id, []byte(`{ "resourceType":"Patient","id":"`+id+`"`+more+`}`), fhir.Condition{})
	if err != nil {
		c.Fatal(err)
	}
	interaction := "update "
	if got.Created {
		interaction = "create "
	}
	c.written["Patient/"+id+"/"+got.Version] = interaction + string(got.JSON)
}

func (c *cloud) delete(id string) {
	c.Helper()
	got, err := c.c.Read(context.Background(), "Patient", id)
	if err != nil {
		c.Fatal(err)
	}
	if err := c.c.Delete(context.Background(), "Patient", id, fhir.Condition{}); err != nil {
		c.Fatal(err)
	}
	v, err := strconv.Atoi(got.Version)
	if err != nil {
		c.Fatal(err)
	}
	c.written[fmt.Sprintf("Patient/%s/%d", id, v+1)] = "delete "
}

// outcome is how a pass ended.
type outcome struct {
	whole bool
	held  int
	pages int
	err   error
}

// run makes a pass as the workflow does: page by page, each published and marked before the next one.
func (c *cloud) run(in hydrate.Request) (o outcome) {
	c.Helper()
	in.ResourceType = cmp.Or(in.ResourceType, "Patient")
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		page, err := c.h.Handle(ctx, in)
		cancel()
		if err != nil {
			o.err = err
			return o
		}
		if o.pages++; o.pages > 2000 {
			c.Fatal("the pass does not end")
		}
		text := c.json(page)
		if len(text) > 200<<10 {
			c.Errorf("a page of %d bytes", len(text))
		}
		*page = hydrate.Response{}
		if err := json.Unmarshal(text, page); err != nil {
			c.Fatal(err)
		}
		o.held += page.Held
		seen := map[string]bool{}
		for _, b := range page.Batches {
			for _, r := range b.Resources {
				if seen[r.Key.SK] {
					c.Errorf("%s is in a page twice", r.Key.SK)
				}
				seen[r.Key.SK] = true
			}
			c.publish(b)
		}
		if page.Watermark != nil {
			o.whole = true
			set := "triggered = :v"
			if page.Watermark.Mode == hydrate.Sweep {
				set += ", swept = :v"
			}
			c.call("dynamodb", "UpdateItem", fmt.Sprintf(`{"TableName":"ledger","Key":{"PK":{"S":%q},"SK":{"S":%q}},"UpdateExpression":"SET %s","ExpressionAttributeValues":{":v":{"S":%q}}}`,
				page.Watermark.Key.PK, page.Watermark.Key.SK, set, page.Watermark.Value))
		}
		if page.Continuation == nil {
			return o
		}
		in = hydrate.Request{ResourceType: in.ResourceType, Mode: in.Mode, Continuation: page.Continuation}
	}
}

// json writes JSON as the Lambda runtime does.
func (c *cloud) json(v any) []byte {
	c.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		c.Fatal(err)
	}
	return b.Bytes()
}

// publish takes a batch's events and marks its resources, if the ledger is where the batch begins.
func (c *cloud) publish(b hydrate.Batch) {
	c.Helper()
	if len(b.Entries) == 0 || len(b.Entries) > 10 {
		c.Errorf("a batch of %d entries", len(b.Entries))
	}
	for i, r := range b.Resources {
		for _, e := range b.Entries {
			if e.Resource != i {
				continue
			}
			got, err := changes.Decode([]byte(`{"source":"` + e.Source + `","detail-type":"` + e.DetailType + `","detail":` + e.Detail + `}`))
			if err != nil {
				c.Fatalf("%v in %s", err, e.Detail)
			}
			name := got.ResourceType + "/" + got.ResourceID
			key := name + "/" + strconv.FormatInt(got.Version, 10)
			if _, twice := c.published[key]; twice {
				c.Errorf("%s is published twice", key)
			}
			if got.Version <= c.order[name] {
				c.Errorf("%s is published after version %d", key, c.order[name])
			}
			at, err := time.Parse(time.RFC3339, e.Time)
			if err != nil || at.After(got.Time()) || got.Time().Sub(at) >= time.Second {
				c.Errorf("%s: the event's time %s is not %s", key, e.Time, got.LastUpdated)
			}
			c.order[name] = got.Version
			c.published[key] = string(got.Interaction) + " " + string(got.Resource)
		}
		c.call("dynamodb", "UpdateItem", fmt.Sprintf(`{"TableName":"ledger","Key":{"PK":{"S":%q},"SK":{"S":%q}},"UpdateExpression":"SET #v = :to, #d = :d, lastUpdated = :l",
			"ConditionExpression":"(attribute_not_exists(#v) AND :from = :zero) OR #v = :from","ExpressionAttributeNames":{"#v":"version","#d":"deleted"},
			"ExpressionAttributeValues":{":to":{"N":%q},":from":{"N":%q},":zero":{"N":"0"},":d":{"BOOL":%t},":l":{"S":%q}}}`, r.Key.PK, r.Key.SK, r.To, r.From, r.Deleted, r.LastUpdated))
	}
}

// check compares what was published with what was written.
func (c *cloud) check() {
	c.Helper()
	for key, want := range c.written {
		if got, ok := c.published[key]; !ok {
			c.Errorf("%s is not published", key)
		} else if got != want {
			c.Errorf("%s\n got %s\nwant %s", key, short(got), short(want))
		}
	}
	for key := range c.published {
		if _, ok := c.written[key]; !ok {
			c.Errorf("%s was published and not written", key)
		}
	}
}

func short(text string) string { return text[:min(len(text), 400)] }

// whole makes a pass that must be whole.
func (c *cloud) whole(mode string) outcome {
	c.Helper()
	o := c.run(hydrate.Request{Mode: mode})
	if o.err != nil || !o.whole || o.held != 0 {
		c.Fatalf("the %s: %+v", mode, o)
	}
	return o
}

// in runs a test in a bubble with a cloud.
func in(t *testing.T, f func(c *cloud)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newCloud(t)) })
}

// metrics returns a metric's values.
func (c *cloud) metrics(name string) (all []float64) {
	c.Helper()
	for line := range strings.Lines(c.emf.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			c.Fatal(err)
		}
		if v, ok := m[name].(float64); ok {
			all = append(all, v)
		}
	}
	return all
}

func sum(all []float64) (n float64) {
	for _, v := range all {
		n += v
	}
	return n
}

// answer writes an answer of a data store.
func answer(w http.ResponseWriter, status int, body string) bool {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
	return true
}

func outcomeText(code string) string {
	return `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"` + code + `","diagnostics":"Lovelace"}]}`
}

// form reads a request's form and leaves it to be read again.
func form(r *http.Request) url.Values {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	values, err := url.ParseQuery(string(text))
	if err != nil {
		panic(err)
	}
	return values
}

func keys[V any](m map[string]V) string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
