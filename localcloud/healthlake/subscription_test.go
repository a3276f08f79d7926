package healthlake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/kms"
)

// copyFiles opens a world on a copy of another's files, which is what kill -9 leaves of them.
func copyFiles(t *testing.T, from string, w *world) {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	w.open(to)
	if _, err := os.Stat(filepath.Join(to, "state.journal")); err != nil {
		t.Fatal(err)
	}
}

// putEvents is as much of EventBridge as subscriptions need.
type putEvents struct {
	Entries []struct {
		Source, DetailType, Detail, EventBusName string
		Resources                                []string
		Time                                     dispatch.Time
	}
}

type putEventsOutput struct{ FailedEntryCount int }

// bus collects what HealthLake puts on event buses; while `broken` it fails.
type bus struct {
	broken  error
	refuses bool
	by      dispatch.Principal
	states  []string // of data stores
	handled []string // kinds of notifications and what they are about
	ids     map[string]string
}

func (w *world) bus() *bus {
	b := &bus{ids: map[string]string{}}
	dispatch.Register(w.d, dispatch.Operation{Service: "events", Action: "PutEvents", Open: true}, dispatch.Anywhere[putEvents](),
		func(_ context.Context, c *dispatch.Call, in *putEvents) (*putEventsOutput, error) {
			if b.broken != nil {
				return nil, b.broken
			}
			if b.refuses {
				return &putEventsOutput{len(in.Entries)}, nil
			}
			b.by = c.Principal
			for _, e := range in.Entries {
				if e.Source == "aws.healthlake" {
					b.states = append(b.states, e.DetailType)
					continue
				}
				if e.Source != "healthlake" || e.DetailType != "FHIR Subscription Notification" || e.EventBusName != busARN {
					w.t.Errorf("an event of another kind: %+v", e)
				}
				var detail struct {
					NotificationBundlePayload struct {
						Entry []struct {
							Resource struct {
								Type              string
								NotificationEvent []struct{ AdditionalContext, Focus, ID string }
							}
						}
					}
				}
				if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil {
					w.t.Error(err)
				}
				for _, entry := range detail.NotificationBundlePayload.Entry {
					if entry.Resource.Type == "handshake" {
						b.handled = append(b.handled, "handshake")
					}
					for _, n := range entry.Resource.NotificationEvent {
						b.handled = append(b.handled, n.AdditionalContext)
						if id := b.ids[n.AdditionalContext]; id != "" && id != n.ID {
							w.t.Errorf("%s has the ids %s and %s", n.AdditionalContext, id, n.ID)
						}
						b.ids[n.AdditionalContext] = n.ID
					}
				}
			}
			return &putEventsOutput{}, nil
		})
	return b
}

const busARN = "arn:aws:events:us-east-1:000000000000:event-bus/changes"

const topic = `{"resourceType":"SubscriptionTopic","id":"t","url":"http://example.org/t","status":"unknown","resourceTrigger":[
	{"resource":"Patient","supportedInteraction":["create","update","delete"]},{"resource":"Observation","supportedInteraction":["create"]}]}`

func (w *world) subscription(id, more string) string {
	return `{"resourceType":"Subscription","id":"` + id + `","status":"requested","reason":"tests","criteria":"http://localhost:4566/datastore/` + w.id + `/r4/SubscriptionTopic/t",
		"channel":{"type":"event-bridge","endpoint":"` + busARN + `","payload":"application/fhir+json",
		"_payload":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content","valueCode":"id-only"}]}}` + more + `}`
}

func (b *bus) take() string {
	all := strings.Join(b.handled, " ")
	b.handled = nil
	return all
}

// A subscription is requested, greets its bus, is active, tells of changes until its end, and of each at least once.
func TestSubscription(t *testing.T) {
	w := newWorld(t, "")
	b := w.bus()
	w.want(201, "PUT", "SubscriptionTopic/t", topic)
	w.want(201, "PUT", "Subscription/s", w.subscription("s", `,"end":"2026-03-02T00:00:00Z"`))
	w.put("early", "")
	if a := w.want(200, "GET", "Subscription/s", ""); !strings.Contains(a.body, `"status":"requested"`) {
		t.Error(a.body)
	}
	w.clock.Advance(healthlake.DefaultActivation)
	if a := w.want(200, "GET", "Subscription/s", ""); !strings.Contains(a.body, `"status":"active"`) {
		t.Error(a.body)
	}
	if a := w.want(200, "GET", "SubscriptionTopic/t", ""); !strings.Contains(a.body, `"status":"active"`) {
		t.Error(a.body)
	}
	if got := b.take(); got != "handshake" || b.by.Service != "healthlake.amazonaws.com" || !strings.HasSuffix(b.by.SourceARN, w.id) {
		t.Errorf("%q by %+v", got, b.by)
	}
	w.put("p", "")
	w.put("p", "")
	w.want(204, "DELETE", "Patient/p", "")
	w.want(201, "PUT", "Observation/o", `{"resourceType":"Observation","id":"o"}`)
	w.want(200, "PUT", "Observation/o", `{"resourceType":"Observation","id":"o"}`)
	w.want(201, "PUT", "Encounter/e", `{"resourceType":"Encounter","id":"e"}`)
	w.clock.Advance(time.Millisecond)
	if got := b.take(); got != "Patient/p/_history/1 Patient/p/_history/2 Patient/p/_history/3 Observation/o/_history/1" {
		t.Errorf("told of %q", got)
	}

	// A bus that fails is tried again; nothing is lost.
	b.broken = &dispatch.Error{Code: "InternalException", Status: 500}
	w.put("q", "")
	w.clock.Advance(time.Minute)
	b.broken, b.refuses = nil, true
	w.clock.Advance(10 * time.Minute)
	b.refuses = false
	w.clock.Advance(10 * time.Minute)
	if got := b.take(); got != "Patient/q/_history/1" {
		t.Errorf("after the bus has recovered: %q", got)
	}

	// Twice, late and out of order, in bundles of several, if that is wanted.
	delay := 10 * time.Second
	w.s.SetDelivery(healthlake.Delivery{PerBundle: 2, Copies: func(string) int { return 2 }, Delay: func(string) time.Duration { delay -= time.Second; return delay }})
	w.put("r", "")
	w.put("r", "")
	w.clock.Advance(time.Minute)
	got := strings.Fields(b.take())
	if len(got) != 4 || !slices.Contains(got, "Patient/r/_history/1") || got[0] != "Patient/r/_history/2" {
		t.Errorf("told of %q", got)
	}

	w.clock.Advance(24 * time.Hour)
	if a := w.want(200, "GET", "Subscription/s", ""); !strings.Contains(a.body, `"status":"off"`) {
		t.Error(a.body)
	}
	w.put("p", "")
	w.clock.Advance(time.Minute)
	if got := b.take(); got != "" {
		t.Errorf("after its end: %q", got)
	}
}

// EventBridge hears of each state of a data store, and of a bus with another key no subscription does.
func TestStoresAndKeysOnTheBus(t *testing.T) {
	w := newWorld(t, "")
	b := w.bus()
	key, err := dispatch.Do[kms.KeyMetadataOutput](context.Background(), w.d, w.d.Root(), "kms", "CreateKey", &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	type bus struct{ Name string }
	type description struct{ KmsKeyIdentifier string }
	described := &description{"another"}
	dispatch.Register(w.d, dispatch.Operation{Service: "events", Action: "DescribeEventBus"}, dispatch.Anywhere[bus](),
		func(context.Context, *dispatch.Call, *bus) (*description, error) { return described, nil })
	w.id = w.createStore(&healthlake.CreateFHIRDatastoreInput{DatastoreTypeVersion: "R4", SseConfiguration: &healthlake.SseConfiguration{
		KmsEncryptionConfig: healthlake.KmsEncryptionConfig{CmkType: "CUSTOMER_MANAGED_KMS_KEY", KmsKeyID: key.KeyMetadata.KeyID}}})
	w.want(201, "PUT", "SubscriptionTopic/t", topic)
	w.want(201, "PUT", "Subscription/s", w.subscription("s", ""))
	w.clock.Advance(healthlake.DefaultActivation)
	if a := w.want(200, "GET", "Subscription/s", ""); !strings.Contains(a.body, `"status":"error"`) {
		t.Error(a.body)
	}
	described.KmsKeyIdentifier = key.KeyMetadata.Arn
	w.want(200, "PUT", "Subscription/s", w.subscription("s", ""))
	w.clock.Advance(healthlake.DefaultActivation)
	if a := w.want(200, "GET", "Subscription/s", ""); !strings.Contains(a.body, `"status":"active"`) {
		t.Error(a.body)
	}
	do[healthlake.DatastoreStatusOutput](w, w.d.Root(), "DeleteFHIRDatastore", &healthlake.DeleteFHIRDatastoreInput{DatastoreID: w.id})
	if got := strings.Join(b.states, ", "); got != "Data Store Creating, Data Store Active, Data Store Deleting, Data Store Deleted" {
		t.Error(got)
	}
}

// A bus that cannot be reached at the handshake makes the subscription an error that says why.
func TestSubscriptionWithoutABus(t *testing.T) {
	w := newWorld(t, "")
	w.bus().broken = &dispatch.Error{Code: "AccessDeniedException", Message: "not allowed"}
	w.want(201, "PUT", "SubscriptionTopic/t", topic)
	w.want(201, "PUT", "Subscription/s", w.subscription("s", ""))
	w.clock.Advance(healthlake.DefaultActivation)
	if a := w.want(200, "GET", "Subscription/s", ""); !strings.Contains(a.body, `"status":"error"`) || !strings.Contains(a.body, "not allowed") {
		t.Error(a.body)
	}
}

func TestSubscriptionFilter(t *testing.T) {
	w := newWorld(t, "")
	b := w.bus()
	w.want(201, "PUT", "SubscriptionTopic/t", topic)
	filter := func(criteria string) string {
		return `,"_criteria":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria","valueString":"` + criteria + `"}]}`
	}
	w.want(201, "PUT", "Subscription/s", w.subscription("s", filter("Patient?_id=p1,p2")))
	w.clock.Advance(healthlake.DefaultActivation)
	w.put("p1", "")
	w.put("p3", "")
	w.want(201, "PUT", "Observation/o", `{"resourceType":"Observation","id":"o"}`)
	w.clock.Advance(time.Second)
	if got := b.take(); got != "handshake Patient/p1/_history/1" {
		t.Errorf("told of %q", got)
	}
	for i, bad := range []string{filter("Encounter?_id=x"), filter("Patient?name=x"), `,"end":"2020-01-01T00:00:00Z"`} {
		if a := w.call("PUT", "Subscription/x", w.subscription("x", bad)); a.status != 400 && a.status != 501 {
			t.Errorf("%d: %d %s", i, a.status, a.body)
		}
	}
	for _, replace := range []string{`"requested"|"active"`, `event-bridge|rest-hook`, `SubscriptionTopic/t|SubscriptionTopic/none`, `us-east-1:|eu-west-1:`, `id-only|full-resource`} {
		from, to, _ := strings.Cut(replace, "|")
		if a := w.call("POST", "Subscription", strings.Replace(w.subscription("x", ""), from, to, 1)); a.status != 400 && a.status != 501 {
			t.Errorf("%s: %d %s", replace, a.status, a.body)
		}
	}
}

// Changes that no bus has heard of when the process dies are told after the next start.
func TestSubscriptionsSurviveKill(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	b := w.bus()
	w.want(201, "PUT", "SubscriptionTopic/t", topic)
	w.want(201, "PUT", "Subscription/s", w.subscription("s", ""))
	w.put("early", "")
	w.clock.Advance(healthlake.DefaultActivation)
	w.put("p", "")
	w.clock.Advance(time.Second)
	w.put("p", "")
	w.put("q", "")
	b.take()

	again := &world{t: t, clock: w.clock, id: w.id}
	copyFiles(t, dir, again)
	w.s.Close()
	b = again.bus()
	again.clock.Advance(time.Second)
	got := fmt.Sprint(" ", b.take(), " ")
	for _, change := range []string{"Patient/p/_history/2", "Patient/q/_history/1"} {
		if !strings.Contains(got, " "+change+" ") {
			t.Errorf("%s is missing in %q", change, got)
		}
	}
	if strings.Contains(got, "early") {
		t.Errorf("told of a change before the subscription was active: %q", got)
	}
	again.put("p", "")
	again.clock.Advance(time.Second)
	if got := b.take(); got != "Patient/p/_history/3" {
		t.Errorf("told of %q", got)
	}
}
