// Package subscriptions keeps one topic and one FHIR Subscription for each resource type in a HealthLake data store, so that
// the data store tells an event bus of each version. See
// https://docs.aws.amazon.com/healthlake/latest/devguide/managing-fhir-subscriptions.html.
package subscriptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/carepath/carepath/fhir"
)

const (
	// lifetime is how long a Subscription lasts before it ends by itself.
	lifetime = 30 * 24 * time.Hour
	// renewBefore is how much of it is left at least. The function is called every day: it may fail for weeks.
	renewBefore = 20 * 24 * time.Hour
)

// Request is what the function is called with: by the resource aws:lambda:Invocation, which adds what happens to it, or by the
// schedule.
type Request struct {
	// ResourceTypes are the FHIR resource types that are to be told of.
	ResourceTypes []string `json:"resourceTypes"`
	// Renew is the schedule's: what ends soon is renewed.
	Renew bool `json:"renew"`
	// Change is what happens to the Invocation; nil in the schedule's calls. See
	// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_invocation.
	Change *Change `json:"tf"`
}

// Change is what happens to an Invocation.
type Change struct {
	Action   string          `json:"action"`     // create, update or delete
	Previous json.RawMessage `json:"prev_input"` // an update's: the Request before it
}

// Response says what was done: resource types, sorted.
type Response struct {
	Made    []string `json:"made"`    // new, or made again
	Kept    []string `json:"kept"`    // as they were
	Removed []string `json:"removed"` // with their topics
}

// Handler does the work.
type Handler struct {
	FHIR        *fhir.Client
	EventBusARN string // where the notifications go
	Now         func() time.Time
	Log         *slog.Logger
}

// Handle makes, renews or removes. It can be repeated: what is as it should be is left alone. An error names the resource type;
// the others have been seen to.
func (h *Handler) Handle(ctx context.Context, in Request) (*Response, error) {
	wanted, unwanted := in.ResourceTypes, []string{}
	if c := in.Change; c != nil {
		switch c.Action {
		case "delete":
			wanted, unwanted = nil, in.ResourceTypes
		case "update":
			var before Request
			if err := json.Unmarshal(c.Previous, &before); err != nil {
				return nil, fmt.Errorf("reading tf.prev_input: %w", err)
			}
			unwanted = slices.DeleteFunc(before.ResourceTypes, func(t string) bool { return slices.Contains(wanted, t) })
		case "create":
		default:
			return nil, fmt.Errorf("tf.action: must be create, update or delete, got %q", c.Action)
		}
	} else if !in.Renew {
		return nil, errors.New("the request has neither tf, as an Invocation's, nor renew, as the schedule's")
	}
	out, problems := &Response{Made: []string{}, Kept: []string{}, Removed: []string{}}, []error{}
	for _, t := range slices.Sorted(slices.Values(wanted)) {
		made, err := h.subscribe(ctx, t)
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("subscribing to %s: %w", t, err))
		case made:
			out.Made = append(out.Made, t)
		default:
			out.Kept = append(out.Kept, t)
		}
	}
	for _, t := range slices.Sorted(slices.Values(unwanted)) {
		if err := h.remove(ctx, t); err != nil {
			problems = append(problems, fmt.Errorf("removing the subscription to %s: %w", t, err))
			continue
		}
		out.Removed = append(out.Removed, t)
	}
	h.Log.InfoContext(ctx, "subscriptions", "made", out.Made, "kept", out.Kept, "removed", out.Removed, "failed", len(problems))
	return out, errors.Join(problems...)
}

const (
	topicType        = "SubscriptionTopic"
	subscriptionType = "Subscription"
)

// idOf is the id of a type's topic, and of its Subscription.
func idOf(resourceType string) string { return "carepath-" + resourceType }

type topic struct {
	ResourceType    string    `json:"resourceType"`
	ID              string    `json:"id"`
	URL             string    `json:"url"`
	Version         string    `json:"version"`
	Title           string    `json:"title"`
	Status          string    `json:"status"`
	ResourceTrigger []trigger `json:"resourceTrigger"`
}

type trigger struct {
	Resource             string   `json:"resource"`
	SupportedInteraction []string `json:"supportedInteraction"`
}

type extension struct {
	Extension []value `json:"extension"`
}

type value struct {
	URL         string `json:"url"`
	ValueString string `json:"valueString,omitempty"`
	ValueCode   string `json:"valueCode,omitempty"`
}

type meta struct {
	Profile []string `json:"profile"`
}

type channel struct {
	Type       string    `json:"type"`
	Endpoint   string    `json:"endpoint"`
	Payload    string    `json:"payload"`
	PayloadExt extension `json:"_payload"`
}

type subscription struct {
	ResourceType string    `json:"resourceType"`
	ID           string    `json:"id"`
	Meta         meta      `json:"meta"`
	Status       string    `json:"status"`
	End          string    `json:"end"`
	Reason       string    `json:"reason"`
	Criteria     string    `json:"criteria"`
	CriteriaExt  extension `json:"_criteria"`
	Channel      channel   `json:"channel"`
}

const backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"

func (h *Handler) topic(t string) *topic {
	return &topic{
		ResourceType: topicType, ID: idOf(t), URL: "urn:carepath:changes:" + t, Version: "1.0.0-fhir.r4b", Title: "changes of " + t, Status: "unknown",
		ResourceTrigger: []trigger{{t, []string{"create", "update", "delete"}}},
	}
}

// subscription asks for ids only: what has changed is read by its version, which a notification of a later moment could not have.
// The filter lets everything through: each of AWS's examples has one, and whether there must be one is not documented.
func (h *Handler) subscription(t string) *subscription {
	return &subscription{
		ResourceType: subscriptionType, ID: idOf(t), Meta: meta{Profile: []string{backport + "backport-subscription"}},
		Status: "requested", End: h.Now().Add(lifetime).UTC().Format(time.RFC3339), Reason: "capture of changes of " + t,
		Criteria:    h.FHIR.Endpoint() + topicType + "/" + idOf(t),
		CriteriaExt: extension{[]value{{URL: backport + "backport-filter-criteria", ValueString: t + "?_lastUpdated=ge1900-01-01"}}},
		Channel: channel{
			Type: "event-bridge", Endpoint: h.EventBusARN, Payload: "application/fhir+json",
			PayloadExt: extension{[]value{{URL: backport + "backport-payload-content", ValueCode: "id-only"}}},
		},
	}
}

// subscribe makes a type's topic and Subscription, unless they are as they should be and last. HealthLake activates a
// Subscription within minutes; until then sweeps find what it does not tell of.
func (h *Handler) subscribe(ctx context.Context, t string) (made bool, err error) {
	wantedTopic := h.topic(t)
	var there topic
	found, err := h.read(ctx, topicType, t, &there)
	if err != nil {
		return false, err
	}
	if !found || !slices.EqualFunc(there.ResourceTrigger, wantedTopic.ResourceTrigger, func(a, b trigger) bool {
		return a.Resource == b.Resource && slices.Equal(a.SupportedInteraction, b.SupportedInteraction)
	}) {
		if err := h.write(ctx, topicType, t, wantedTopic); err != nil {
			return false, err
		}
	}
	wanted := h.subscription(t)
	var is subscription
	if found, err = h.read(ctx, subscriptionType, t, &is); err != nil {
		return false, err
	}
	end, _ := time.Parse(time.RFC3339, is.End) // the zero time: it is made anew
	works := is.Status == "requested" || is.Status == "active"
	switch {
	case found && works && is.Criteria == wanted.Criteria && is.Channel.Endpoint == wanted.Channel.Endpoint && end.Sub(h.Now()) > renewBefore:
		return false, nil
	case found && is.Status == "error":
		// AWS has such a one deleted and made again.
		if err := h.delete(ctx, subscriptionType, t); err != nil {
			return false, err
		}
	}
	return true, h.write(ctx, subscriptionType, t, wanted)
}

// remove removes a type's Subscription, and then the topic, which nothing refers to any more.
func (h *Handler) remove(ctx context.Context, t string) error {
	if err := h.delete(ctx, subscriptionType, t); err != nil {
		return err
	}
	return h.delete(ctx, topicType, t)
}

func (h *Handler) read(ctx context.Context, kind, t string, to any) (found bool, err error) {
	r, err := h.FHIR.Read(ctx, kind, idOf(t))
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(r.JSON, to); err != nil {
		return false, fmt.Errorf("reading the %s: %w", kind, err)
	}
	return true, nil
}

func (h *Handler) write(ctx context.Context, kind, t string, resource any) error {
	text, err := json.Marshal(resource)
	if err != nil {
		return err
	}
	_, err = h.FHIR.Update(ctx, kind, idOf(t), text, fhir.Condition{})
	return err
}

func (h *Handler) delete(ctx context.Context, kind, t string) error {
	if err := h.FHIR.Delete(ctx, kind, idOf(t), fhir.Condition{}); err != nil && !gone(err) {
		return err
	}
	return nil
}

// gone reports an error that says that there is no such resource, or none any more.
func gone(err error) bool {
	status := fhir.Status(err)
	return status == http.StatusNotFound || status == http.StatusGone
}
