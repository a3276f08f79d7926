package stepfunctions

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// HistoryEvent is one event of an execution's history, in the form of
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html.
type HistoryEvent struct {
	event asl.Event
	data  bool
}

// MarshalJSON writes the event with its details under the name that the API has for them.
func (h HistoryEvent) MarshalJSON() ([]byte, error) {
	ev := h.event
	at, err := dispatch.Time{Time: ev.Timestamp}.MarshalJSON()
	if err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, 256), `{"timestamp":`...)
	b = append(b, at...)
	b = append(b, `,"type":`...)
	b = jsonvalue.AppendString(b, ev.Type)
	b = append(b, `,"id":`...)
	b = strconv.AppendInt(b, ev.ID, 10)
	b = append(b, `,"previousEventId":`...)
	b = strconv.AppendInt(b, ev.PreviousEventID, 10)
	if ev.DetailsField != "" {
		b = append(b, ',')
		b = jsonvalue.AppendString(b, ev.DetailsField)
		b = append(b, ':')
		b = jsonvalue.Append(b, details(ev, h.data))
	}
	return append(b, '}'), nil
}

// executionData are the members of details that hold what flows through an execution.
var executionData = []string{"input", "inputDetails", "output", "outputDetails", "parameters", "assignedVariables", "assignedVariablesDetails"}

// details returns an event's details, without execution data if that is not wanted.
func details(ev asl.Event, data bool) *jsonvalue.Object {
	all := ev.Details
	if all == nil {
		all = &jsonvalue.Object{}
	}
	if data {
		return all
	}
	some := &jsonvalue.Object{}
	for name, v := range all.All() {
		if !slices.Contains(executionData, name) {
			some.Set(name, v)
		}
	}
	return some
}

func (s *Service) getExecutionHistory(_ context.Context, _ *dispatch.Call, in *GetExecutionHistoryInput) (*GetExecutionHistoryOutput, error) {
	e, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	events := e.events
	if e.run == nil {
		events = e.history.events()
	}
	e.mu.Unlock()
	// The events of a running execution only grow: what is there now stays as it is.
	from, to, next, err := page(len(events), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	data := in.IncludeExecutionData == nil || *in.IncludeExecutionData
	out := &GetExecutionHistoryOutput{Events: make([]HistoryEvent, 0, to-from), NextToken: next}
	for i := from; i < to; i++ {
		at := i
		if in.ReverseOrder {
			at = len(events) - 1 - i
		}
		out.Events = append(out.Events, HistoryEvent{events[at], data})
	}
	return out, nil
}

// history is the events of a closed execution, packed: with thousands of executions kept, what they cost in memory and
// in the garbage collector's time is what counts.
type history struct {
	Packed []byte   // the events one after the other, see pack
	Texts  []string // the longer texts, each once: a state's output is the next one's input
	size   int      // what the execution takes, roughly
}

// What follows a tag in packed details.
const (
	tagNull         = iota
	tagFalse        // -
	tagTrue         // -
	tagText         // the text
	tagLongText     // its index in Texts
	tagNumber       // its text
	tagObject       // the number of members, then name and value of each
	tagArray        // the number of items, then each
	tagNotTruncated // - : {"truncated":false}
)

const longText = 48 // bytes from which a text is worth looking for

// compact packs the events of an execution that has ended. The caller holds its lock.
func (s *Service) compact(e *execution) history {
	var h history
	if len(e.events) > 0 {
		p := packer{texts: map[string]int{}}
		for _, ev := range e.events {
			p.event(ev)
		}
		h.Packed, h.Texts = slices.Clone(p.b), p.list
	}
	h.measure(e)
	return h
}

// measure counts what an execution takes; texts that it has twice are the same memory.
func (h *history) measure(e *execution) {
	h.size = 1024 + len(h.Packed) + len(e.input)
	if e.output != nil {
		h.size += len(*e.output)
	}
	for _, text := range h.Texts {
		h.size += 16
		if text != e.input && (e.output == nil || text != *e.output) {
			h.size += len(text)
		}
	}
}

type packer struct {
	b     []byte
	texts map[string]int
	list  []string
}

func (p *packer) event(ev asl.Event) {
	p.b = binary.AppendVarint(p.b, ev.ID)
	p.b = binary.AppendVarint(p.b, ev.PreviousEventID)
	p.b = binary.AppendVarint(p.b, ev.Timestamp.UnixMilli())
	p.text(ev.Type)
	p.text(ev.StateName)
	p.text(ev.DetailsField)
	if ev.Details == nil {
		p.value(nil)
	} else {
		p.value(ev.Details)
	}
}

func (p *packer) text(s string) {
	p.b = binary.AppendUvarint(p.b, uint64(len(s)))
	p.b = append(p.b, s...)
}

func (p *packer) flag(yes bool) {
	if yes {
		p.b = append(p.b, 1)
	} else {
		p.b = append(p.b, 0)
	}
}

func (p *packer) value(v any) {
	switch v := v.(type) {
	case nil:
		p.b = append(p.b, tagNull)
	case bool:
		if v {
			p.b = append(p.b, tagTrue)
		} else {
			p.b = append(p.b, tagFalse)
		}
	case string:
		if len(v) < longText {
			p.b = append(p.b, tagText)
			p.text(v)
			return
		}
		i, known := p.texts[v]
		if !known {
			i = len(p.list)
			p.texts[v] = i
			p.list = append(p.list, v)
		}
		p.b = append(p.b, tagLongText)
		p.b = binary.AppendUvarint(p.b, uint64(i))
	case jsonvalue.Number:
		p.b = append(p.b, tagNumber)
		p.text(string(v))
	case *jsonvalue.Array:
		p.b = append(p.b, tagArray)
		p.b = binary.AppendUvarint(p.b, uint64(v.Len()))
		for _, item := range v.Items {
			p.value(item)
		}
	case *jsonvalue.Object:
		if cut, ok := v.Get("truncated"); ok && v.Len() == 1 && cut == false {
			p.b = append(p.b, tagNotTruncated)
			return
		}
		p.b = append(p.b, tagObject)
		p.b = binary.AppendUvarint(p.b, uint64(v.Len()))
		for name, item := range v.All() {
			p.text(name)
			p.value(item)
		}
	}
}

// events unpacks the events.
func (h *history) events() []asl.Event {
	u := unpacker{b: h.Packed, texts: h.Texts}
	var events []asl.Event
	for len(u.b) > 0 {
		ev := asl.Event{ID: u.varint(), PreviousEventID: u.varint(), Timestamp: time.UnixMilli(u.varint()).UTC(), Type: u.text(), StateName: u.text(), DetailsField: u.text()}
		ev.Details, _ = u.value().(*jsonvalue.Object)
		events = append(events, ev)
	}
	return events
}

// unpacker reads what packer wrote. It trusts it: nothing else writes it.
type unpacker struct {
	b     []byte
	texts []string
}

func (u *unpacker) varint() int64 {
	v, n := binary.Varint(u.b)
	u.b = u.b[n:]
	return v
}

func (u *unpacker) uvarint() int {
	v, n := binary.Uvarint(u.b)
	u.b = u.b[n:]
	return int(v)
}

func (u *unpacker) text() string {
	n := u.uvarint()
	s := string(u.b[:n])
	u.b = u.b[n:]
	return s
}

func (u *unpacker) flag() bool { return u.uvarint() == 1 }

func (u *unpacker) value() any {
	tag := u.b[0]
	u.b = u.b[1:]
	switch tag {
	case tagFalse:
		return false
	case tagTrue:
		return true
	case tagText:
		return u.text()
	case tagLongText:
		return u.texts[u.uvarint()]
	case tagNumber:
		return jsonvalue.Number(u.text())
	case tagNotTruncated:
		return jsonvalue.NewObject(jsonvalue.Member{Name: "truncated", Value: false})
	case tagArray:
		a := &jsonvalue.Array{Items: make([]any, u.uvarint())}
		for i := range a.Items {
			a.Items[i] = u.value()
		}
		return a
	case tagObject:
		o := &jsonvalue.Object{}
		for range u.uvarint() {
			name := u.text()
			o.Set(name, u.value())
		}
		return o
	}
	return nil
}
