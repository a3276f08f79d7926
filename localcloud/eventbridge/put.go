package eventbridge

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// event is an event that a bus has accepted. Its exported members are what the journal keeps beside the text.
type event struct {
	Bus        string
	ID         string
	Source     string
	DetailType string
	Time       time.Time // when it happened, as the event says
	Ingested   time.Time
	DataKey    []byte // under the bus's key; nil without
	Replay     string // the name of the replay that it comes from

	key  string // in the journal
	text []byte // as targets get it
	left int    // deliveries that are not done; the courier's lock guards it
}

const (
	maxEntries = 10
	maxRequest = 1 << 20 // bytes that a request must stay below
)

// openDefault lets AWS's services put their events on the default bus.
const openDefault = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"*","Condition":{"Bool":{"aws:PrincipalIsAWSService":"true"}}}]}`

// permitsPut says which buses a request writes to, with their policies and the condition keys events:source and
// events:detail-type.
func (s *Service) permitsPut(c *dispatch.Call, in *PutEventsInput) ([]string, []dispatch.ResourcePolicy, error) {
	var resources []string
	var policies []dispatch.ResourcePolicy
	var sources, types []string
	invoked := "false"
	for i := range in.Entries {
		e := &in.Entries[i]
		arn := s.busARN(e.EventBusName)
		if e.forwarded != nil {
			invoked = "true"
		}
		if !slices.Contains(sources, e.Source) {
			sources = append(sources, e.Source)
		}
		if !slices.Contains(types, e.DetailType) {
			types = append(types, e.DetailType)
		}
		if slices.Contains(resources, arn) {
			continue
		}
		resources = append(resources, arn)
		name := s.busName(e.EventBusName)
		if b, ok := s.buses.Get(name); ok && b.Policy != "" {
			policies = append(policies, dispatch.ResourcePolicy{Resource: arn, Document: b.Policy})
		}
		if name == defaultBus && c.Principal.Service != "" {
			policies = append(policies, dispatch.ResourcePolicy{Resource: arn, Document: openDefault})
		}
	}
	c.Conditions = map[string]string{"events:eventBusInvocation": invoked}
	c.ConditionLists = map[string][]string{"events:source": sources, "events:detail-type": types}
	return resources, policies, nil
}

func (s *Service) putEvents(ctx context.Context, c *dispatch.Call, in *PutEventsInput) (*PutEventsOutput, error) {
	var p problems
	switch n := len(in.Entries); {
	case n == 0:
		p.add("entries", "", "have length greater than or equal to 1")
	case n > maxEntries:
		p.add("entries", "", "have length less than or equal to 10")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	size := 0
	for i := range in.Entries {
		size += in.Entries[i].size()
	}
	if size >= maxRequest {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &PutEventsOutput{Entries: make([]PutEventsResult, len(in.Entries))}
	now := s.now()
	var parcels []*parcel
	for i := range in.Entries {
		ev, code, message := s.accept(c, &in.Entries[i], now)
		if code == "" && s.delivery.refuses(&in.Entries[i]) {
			code, message = "InternalFailure", "Unexpected problem"
		}
		if code != "" {
			out.Entries[i] = PutEventsResult{ErrorCode: code, ErrorMessage: message}
			out.FailedEntryCount++
			continue
		}
		more, err := s.take(ctx, ev)
		if err != nil {
			out.Entries[i] = PutEventsResult{ErrorCode: "InternalFailure", ErrorMessage: "Unexpected problem: " + dispatch.AsError(err).Code}
			out.FailedEntryCount++
			continue
		}
		out.Entries[i].EventID = ev.ID
		parcels = append(parcels, more...)
	}
	return out, s.dispatchAll(parcels)
}

// dispatchAll has parcels delivered, once it is sure that they survive.
func (s *Service) dispatchAll(parcels []*parcel) error {
	if err := s.delivery.journal.Flush(); err != nil {
		return err
	}
	if err := s.archived.journal.Flush(); err != nil {
		return err
	}
	s.delivery.send(parcels)
	return nil
}

// size is what EventBridge counts of an entry.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
func (e *PutEventsEntry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// accept makes the event of an entry, or says why it is refused.
func (s *Service) accept(c *dispatch.Call, e *PutEventsEntry, now time.Time) (ev *event, code, message string) {
	if e.forwarded != nil {
		forwarded := *e.forwarded
		forwarded.Bus, forwarded.Ingested, forwarded.DataKey, forwarded.key = s.busName(e.EventBusName), now, nil, ""
		return &forwarded, "", ""
	}
	for _, required := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if required.value == "" {
			return nil, "InvalidArgument", "Parameter " + required.name + " is not valid. Reason: " + required.name + " is a required argument."
		}
	}
	var detail bytes.Buffer
	detail.Grow(len(e.Detail))
	if err := json.Compact(&detail, []byte(e.Detail)); err != nil || detail.Bytes()[0] != '{' || !utf8.ValidString(e.Detail) {
		return nil, "MalformedDetail", "Detail is malformed."
	}
	switch {
	case strings.HasPrefix(e.Source, "aws.") && c.Principal.Service == "":
		return nil, "NotAuthorizedForSourceException", "Not authorized for the source."
	case s.delivery.full():
		return nil, "ThrottlingException", "Rate exceeded"
	}
	ev = &event{Bus: s.busName(e.EventBusName), ID: dispatch.NewRequestID(), Source: e.Source, DetailType: e.DetailType, Time: now, Ingested: now}
	if e.Time != nil {
		ev.Time = e.Time.UTC()
	}
	ev.text = s.envelope(ev, e.Resources, detail.Bytes())
	return ev, "", ""
}

// envelope is an event as targets get it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func (s *Service) envelope(ev *event, resources []string, detail []byte) []byte {
	b := make([]byte, 0, len(detail)+400)
	member := func(name, value string) {
		b = append(b, name...)
		b = jsonvalue.AppendString(b, value)
	}
	member(`{"version":"0","id":`, ev.ID)
	member(`,"detail-type":`, ev.DetailType)
	member(`,"source":`, ev.Source)
	member(`,"account":`, s.d.Account)
	member(`,"time":`, ev.Time.Format(time.RFC3339))
	member(`,"region":`, s.d.Region)
	b = append(b, `,"resources":[`...)
	for i, r := range resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonvalue.AppendString(b, r)
	}
	b = append(b, `],"detail":`...)
	b = append(b, detail...)
	return append(b, '}')
}

// take has a bus take an event: it goes into the archives and on its way to the targets of the rules that want it. The
// caller flushes the journals. An event for a bus that does not exist is dropped, as on AWS.
func (s *Service) take(ctx context.Context, ev *event, only ...string) ([]*parcel, error) {
	b, ok := s.buses.Get(ev.Bus)
	if !ok {
		return nil, nil
	}
	if err := s.seal(ctx, &b, ev); err != nil && classify(err).retry {
		return nil, err
	} else if err != nil {
		s.buryAtBus(ctx, &b, ev, err)
		return nil, nil
	}
	rules, archives, err := s.wanted(ev)
	if err != nil {
		return nil, err
	}
	if ev.Replay == "" {
		for _, a := range archives {
			s.archived.add(a, ev)
		}
	}
	var parcels []*parcel
	for _, r := range rules {
		if len(only) > 0 && !slices.Contains(only, s.ruleARN(r.Bus, r.Name)) {
			continue
		}
		parcels = append(parcels, s.parcelsFor(r, ev)...)
	}
	s.delivery.keep(ev, parcels)
	return parcels, nil
}

// parcelsFor makes the deliveries of an event to a rule's targets.
func (s *Service) parcelsFor(r *rule, ev *event) []*parcel {
	var parcels []*parcel
	for i := range r.Targets {
		for _, wait := range s.delivery.waits(Delivery{ev.Bus, r.Name, r.Targets[i].ID, r.Targets[i].Arn, ev.ID}) {
			at := ev.Ingested.Add(wait)
			parcels = append(parcels, &parcel{Rule: r.key(), Target: r.Targets[i].ID, Accepted: at, Due: at, event: ev})
		}
	}
	return parcels
}
