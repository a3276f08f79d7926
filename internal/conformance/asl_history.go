package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// aslEvent is a recorded event. Inside Parallel and Map states, where the order is not always the same, ID is a list.
type aslEvent struct {
	ID                json.RawMessage            `json:"id"`
	Previous          int64                      `json:"prev"`
	Type              string                     `json:"type"`
	Name              string                     `json:"name"`
	Input             json.RawMessage            `json:"input"`
	Output            json.RawMessage            `json:"output"`
	Error             *string                    `json:"error"`
	Cause             json.RawMessage            `json:"cause"`
	Length            *int64                     `json:"length"`
	Index             *int64                     `json:"index"`
	MapRunARN         string                     `json:"mapRunArn"`
	Parameters        json.RawMessage            `json:"parameters"`
	Resource          string                     `json:"resource"`
	ResourceType      string                     `json:"resourceType"`
	Region            string                     `json:"region"`
	Timeout           *int64                     `json:"timeoutInSeconds"`
	Heartbeat         *int64                     `json:"heartbeatInSeconds"`
	WorkerName        string                     `json:"workerName"`
	AssignedVariables map[string]json.RawMessage `json:"assignedVariables"`
}

// compareHistory compares the events that have a number by it, and finds the others among those left.
func (r *aslRow) compareHistory(got []asl.Event) Outcome {
	want := r.History
	byID := map[int64]asl.Event{}
	for _, e := range got {
		byID[e.ID] = e
	}
	loose := false
	for i := range want {
		var id int64
		if json.Unmarshal(want[i].ID, &id) != nil {
			loose = true
			continue
		}
		e, ok := byID[id]
		problem := want[i].differs(r, e)
		if problem == "" && e.PreviousEventID != want[i].Previous && !r.superseded(i) {
			problem = "prev"
		}
		if !ok || problem != "" {
			return failed(want[i].text(), fmt.Sprintf("%s (%s)", eventText(e), problem))
		}
		delete(byID, id)
	}
	for i := range want {
		var id int64
		if json.Unmarshal(want[i].ID, &id) == nil {
			continue
		}
		found := false
		for n, e := range byID {
			if want[i].differs(r, e) == "" {
				delete(byID, n)
				found = true
				break
			}
		}
		if !found {
			return failed(want[i].text(), "no such event")
		}
	}
	if !loose && len(byID) > 0 {
		return failed(fmt.Sprintf("%d events", len(want)), fmt.Sprintf("%d events", len(got)))
	}
	return passed()
}

// superseded reports whether a recorded event follows another one than AWS has let it follow since: until mid-2024 the
// end of a distributed Map state followed MapRunSucceeded, since November 2024 it follows MapRunStarted.
func (r *aslRow) superseded(i int) bool {
	return r.Recorded < "2024-11" && i > 1 && r.History[i].Type == "MapStateExited" && r.History[i-2].Type == "MapRunSucceeded"
}

func (w *aslEvent) text() string {
	text, _ := json.Marshal(w) // its fields are texts and numbers
	return string(text)
}

func eventText(e asl.Event) string {
	return fmt.Sprintf("%d after %d %s %s %s", e.ID, e.PreviousEventID, e.Type, e.StateName, jsonvalue.Text(e.Details))
}

// differs says in which field an event is not the recorded one; "" when it is.
func (w *aslEvent) differs(r *aslRow, e asl.Event) string {
	if w.Type != e.Type {
		return "type"
	}
	field := func(name string) any {
		v, _ := e.Details.Get(name)
		return v
	}
	text := func(name string) string {
		s, _ := field(name).(string)
		return s
	}
	switch {
	case w.Name != "" && w.Name != text("name"):
		return "name"
	case len(w.Input) > 0 && !r.sameText(w.Input, text("input")):
		return "input"
	case len(w.Output) > 0 && !r.sameText(w.Output, text("output")):
		return "output"
	case w.Error != nil && *w.Error != text("error"):
		return "error"
	case w.MapRunARN != "" && !samePlaceholders(w.MapRunARN, text("mapRunArn")):
		return "mapRunArn"
	case len(w.Parameters) > 0 && !r.sameText(w.Parameters, text("parameters")):
		return "parameters"
	case w.Resource != text("resource"), w.ResourceType != text("resourceType"), w.Region != text("region"):
		return "resource"
	case w.WorkerName != text("workerName"):
		return "workerName"
	case !sameNumber(w.Timeout, field("timeoutInSeconds")), !sameNumber(w.Heartbeat, field("heartbeatInSeconds")):
		return "timeout"
	case w.Length != nil && field("length") != jsonvalue.NumberFromInt(*w.Length):
		return "length"
	case w.Index != nil && field("index") != jsonvalue.NumberFromInt(*w.Index):
		return "index"
	}
	var cause string
	if json.Unmarshal(w.Cause, &cause) == nil && !samePlaceholders(cause, text("cause")) ||
		bytes.HasPrefix(w.Cause, []byte("{")) && !r.sameText(w.Cause, text("cause")) {
		return "cause"
	}
	if e.Type == "ExecutionFailed" {
		if _, has := e.Details.Get("error"); has != (w.Error != nil) {
			return "error"
		}
		if _, has := e.Details.Get("cause"); has != (len(w.Cause) > 0) {
			return "cause"
		}
	}
	assigned, _ := field("assignedVariables").(*jsonvalue.Object)
	if assigned.Len() != len(w.AssignedVariables) {
		return "assignedVariables"
	}
	for name, raw := range w.AssignedVariables {
		v, _ := assigned.Get(name)
		got, _ := v.(string)
		// Recorded variables are JSON texts, of which the recording has parsed those of objects and arrays.
		var want string
		if json.Unmarshal(raw, &want) != nil {
			want = string(raw)
		}
		if !samePlaceholders(want, got) && want != `"date"` && !r.sameText(json.RawMessage(want), got) {
			return "assignedVariables"
		}
	}
	return ""
}

// sameText compares recorded JSON, in which placeholders may stand, with an event's JSON text.
func (r *aslRow) sameText(want json.RawMessage, got string) bool {
	w, err := jsonvalue.Parse(bytes.TrimSpace(want))
	if err != nil {
		return false
	}
	g, err := jsonvalue.Parse(got)
	return err == nil && r.sameOutput(w, g, "")
}

func sameNumber(want *int64, got any) bool {
	if want == nil {
		return got == nil
	}
	return got == jsonvalue.NumberFromInt(*want)
}
