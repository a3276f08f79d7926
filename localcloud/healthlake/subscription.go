package healthlake

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	subscriptionType = "Subscription"
	topicType        = "SubscriptionTopic"

	filterExtension  = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria"
	payloadExtension = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content"
)

// Quotas of a data store. https://docs.aws.amazon.com/healthlake/latest/devguide/reference-healthlake-endpoints-quotas.html
const maxSubscriptions = 50

type extensions struct {
	Extension []struct {
		URL         string `json:"url"`
		ValueString string `json:"valueString"`
		ValueCode   string `json:"valueCode"`
	} `json:"extension"`
}

func (e *extensions) find(url string) (valueString, valueCode string) {
	for _, x := range e.Extension {
		if x.URL == url {
			return x.ValueString, x.ValueCode
		}
	}
	return "", ""
}

// subscriptionText is what HealthLake reads of a Subscription.
// https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-subscriptions-create.html
type subscriptionText struct {
	Status      string     `json:"status"`
	End         string     `json:"end"`
	Criteria    string     `json:"criteria"`
	CriteriaExt extensions `json:"_criteria"`
	Channel     struct {
		Type       string     `json:"type"`
		Endpoint   string     `json:"endpoint"`
		Payload    string     `json:"payload"`
		PayloadExt extensions `json:"_payload"`
	} `json:"channel"`
}

// topicText is what HealthLake reads of a SubscriptionTopic.
type topicText struct {
	URL             string `json:"url"`
	Status          string `json:"status"`
	ResourceTrigger []struct {
		Resource             string   `json:"resource"`
		SupportedInteraction []string `json:"supportedInteraction"`
	} `json:"resourceTrigger"`
}

// interest is which changes a subscription is about.
type interest struct {
	triggers map[string][]string // interactions by resource type
	only     string              // the type of the filter; empty: all types of the topic
	ids      map[string]bool     // nil: all
	windows  []window
}

func (i *interest) wants(typ, id string, how method, first bool, at int64) bool {
	interaction := "update"
	switch {
	case how == deleted:
		interaction = "delete"
	case first:
		interaction = "create"
	}
	return slices.Contains(i.triggers[typ], interaction) && (i.only == "" || i.only == typ) && (i.ids == nil || i.ids[id]) &&
		slices.ContainsFunc(i.windows, func(w window) bool { return w.from <= at && at < w.to })
}

// checkSubscription refuses Subscriptions and SubscriptionTopics that would never notify anybody. Other resources pass.
func (s *Service) checkSubscription(ds *datastore, doc *document) error {
	switch doc.resourceType {
	case topicType:
		_, err := parseTopic(doc.text)
		return err
	case subscriptionType:
		var t subscriptionText
		if err := json.Unmarshal(doc.text, &t); err != nil {
			return invalid("structure", "The Subscription cannot be read.")
		}
		if t.Status == "off" {
			return nil
		}
		if t.Status != "requested" {
			return invalid("value", "The status of a Subscription must be requested, or off to end it.")
		}
		if t.End != "" {
			if end, _, ok := parsePeriod(t.End); !ok || !end.After(s.d.Clock.Now()) {
				return invalid("value", "The end of a Subscription must be a time in the future.")
			}
		}
		if err := checkChannel(&t, s.d.Region, s.d.Account); err != nil {
			return err
		}
		ds.mu.RLock()
		living := 0
		for id := range ds.subscribers {
			if id != doc.id {
				living++
			}
		}
		ds.mu.RUnlock()
		if living >= maxSubscriptions {
			return invalid("too-costly", "The data store has %d subscriptions, which is its limit.", living)
		}
		_, err := s.interestOf(ds, &t)
		return err
	}
	return nil
}

func checkChannel(t *subscriptionText, region, account string) error {
	_, content := t.Channel.PayloadExt.find(payloadExtension)
	switch {
	case t.Channel.Type == "rest-hook":
		return notEmulated("REST hooks of Subscriptions")
	case t.Channel.Type != "event-bridge":
		return invalid("value", "The type of a Subscription's channel must be event-bridge or rest-hook.")
	case !strings.HasPrefix(t.Channel.Endpoint, "arn:aws:events:"+region+":"+account+":event-bus/"):
		return invalid("value", "The endpoint of a Subscription's channel must be the ARN of an event bus of the account.")
	case t.Channel.Payload != "application/fhir+json":
		return invalid("value", "The payload of a Subscription's channel must be application/fhir+json.")
	case content == "full-resource":
		return notEmulated("full-resource payloads of Subscriptions: use id-only")
	case content != "id-only":
		return invalid("value", "The payload content of a Subscription's channel must be id-only or full-resource.")
	}
	return nil
}

func parseTopic(text []byte) (*topicText, error) {
	var t topicText
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, invalid("structure", "The SubscriptionTopic cannot be read.")
	}
	switch {
	case t.Status != "unknown" && t.Status != "draft" && t.Status != "active":
		return nil, invalid("value", "The status of a SubscriptionTopic must be unknown, draft or active.")
	case t.URL == "":
		return nil, invalid("required", "The SubscriptionTopic has no url.")
	case len(t.ResourceTrigger) == 0:
		return nil, invalid("required", "The SubscriptionTopic has no resourceTrigger.")
	}
	for _, trigger := range t.ResourceTrigger {
		if !resourceTypes[trigger.Resource] {
			return nil, invalid("value", "The SubscriptionTopic triggers on the unknown resource type %q.", trigger.Resource)
		}
		for _, i := range trigger.SupportedInteraction {
			if i != "create" && i != "update" && i != "delete" {
				return nil, invalid("value", "The SubscriptionTopic triggers on the unknown interaction %q.", i)
			}
		}
	}
	return &t, nil
}

// topicID is the id of the topic that a Subscription's criteria name, by its address in the data store.
func topicID(ds *datastore, criteria string) (string, bool) {
	_, path, ok := strings.Cut(criteria, "/datastore/"+ds.id+"/r4/")
	if !ok {
		path = criteria
	}
	id, ok := strings.CutPrefix(path, topicType+"/")
	return id, ok && idForm.MatchString(id)
}

// interestOf reads what a subscription is about, from its topic and its filter.
func (s *Service) interestOf(ds *datastore, t *subscriptionText) (*interest, error) {
	id, ok := topicID(ds, t.Criteria)
	if !ok {
		return nil, invalid("value", "The criteria of a Subscription must be the address of a SubscriptionTopic of the data store.")
	}
	topic, err := ds.currentText(topicType, id)
	if err != nil {
		return nil, invalid("not-found", "The SubscriptionTopic that the Subscription names does not exist.")
	}
	parsed, err := parseTopic(topic)
	if err != nil {
		return nil, err
	}
	i := &interest{triggers: map[string][]string{}, windows: always}
	for _, trigger := range parsed.ResourceTrigger {
		interactions := trigger.SupportedInteraction
		if len(interactions) == 0 {
			interactions = []string{"create", "update", "delete"}
		}
		i.triggers[trigger.Resource] = interactions
	}
	filter, _ := t.CriteriaExt.find(filterExtension)
	if filter == "" {
		return i, nil
	}
	var query string
	i.only, query, _ = strings.Cut(filter, "?")
	if i.triggers[i.only] == nil {
		return nil, invalid("value", "The filter of the Subscription is about a resource type that its topic does not have.")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, invalid("value", "The filter of the Subscription cannot be read.")
	}
	if values.Get("_id:missing") == "false" { // every resource has an id
		values.Del("_id:missing")
	}
	for name := range values {
		if name != "_id" && name != "_lastUpdated" {
			return nil, notEmulated("the parameter %s in filters of Subscriptions", name)
		}
	}
	q, err := parseQuery(i.only, values)
	if err != nil {
		return nil, err
	}
	i.ids, i.windows = q.ids, q.windows
	return i, nil
}

// currentText reads the current version of a resource.
func (ds *datastore) currentText(typ, id string) ([]byte, error) {
	ds.mu.RLock()
	r, n, v, err := ds.found(typ, id)
	ds.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	return ds.text(r, n, v)
}

// withMembers returns a resource with members set to values, which are JSON.
func withMembers(text []byte, namesAndValues ...string) []byte {
	root := newNode(bytes.Clone(text))
	root.open()
	root.text = nil
	for i := 0; i < len(namesAndValues); i += 2 {
		name, v := namesAndValues[i], newNode([]byte(namesAndValues[i+1]))
		if at := slices.Index(root.keys, name); at >= 0 {
			root.below[at] = v
		} else {
			root.keys, root.below = append(root.keys, name), append(root.below, v)
		}
	}
	return root.append(nil)
}

// setStatus writes a new version of a Subscription or a topic with another status, if it still has the version n.
func (s *Service) setStatus(ds *datastore, typ, id string, n int, namesAndValues ...string) error {
	text, err := ds.currentText(typ, id)
	if err != nil {
		return err
	}
	doc, err := parseDocument(withMembers(text, namesAndValues...))
	if err != nil {
		return err
	}
	return s.commit(ds, func(write func(change) (written, error)) error {
		if r := ds.record(typ, id); n != 0 && len(r.versions) != n {
			return nil // somebody has changed it meanwhile
		}
		_, err := write(change{typ: typ, id: id, how: updated, doc: doc})
		return err
	})
}

// endOf is when a subscription ends; the zero time: never.
func (t *subscriptionText) endOf() time.Time {
	end, _, ok := parsePeriod(t.End)
	if !ok {
		return time.Time{}
	}
	return end
}
