package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/carepath/carepath/lang/eventpattern"
)

func init() { register("eventbridge", runEventBridge) }

// eventBridgeRow is a pattern with an event.
type eventBridgeRow struct {
	Recorded   bool            `json:"aws_validated"`
	Pattern    json.RawMessage `json:"pattern"`
	PatternRaw *string         `json:"pattern_raw"`
	Event      json.RawMessage `json:"event"`
	EventRaw   *string         `json:"event_raw"`
	Expected   struct {
		Match      *bool  `json:"match"`
		Valid      *bool  `json:"valid"`
		Error      string `json:"error"`
		Message    string `json:"message"`     // without its location
		Reason     string `json:"reason"`      // the message without what the service puts before it
		MessageRaw string `json:"message_raw"` // with its location
	} `json:"expected"`
}

// sourceOf finds the pattern in a message.
var sourceOf = regexp.MustCompile(`(?s)\[Source: \(String\)"(.*?)"; line:`)

func runEventBridge(row json.RawMessage) Outcome {
	var r eventBridgeRow
	if !json.Valid(row) { // a number beyond all bounds, in a pattern whose own text is there too
		row = bytes.ReplaceAll(row, []byte("Infinity"), []byte("0"))
	}
	if err := json.Unmarshal(row, &r); err != nil {
		return failed("a row of the eventbridge suite", err.Error())
	}
	pattern, event := string(r.Pattern), string(r.Event)
	switch sent := sourceOf.FindStringSubmatch(r.Expected.MessageRaw); {
	case r.PatternRaw != nil:
		pattern = *r.PatternRaw
	case sent != nil && !strings.Contains(sent[1], "<partition>"):
		pattern = sent[1] // as AWS got it
	}
	if r.EventRaw != nil {
		event = *r.EventRaw
	}
	want := &r.Expected
	p, err := eventpattern.Compile(pattern)
	matched := false
	if err == nil && event != "" {
		matched, err = p.Match([]byte(event))
	}
	if err != nil {
		return r.compareError(err)
	}
	switch {
	case want.Match != nil && *want.Match == matched, want.Match == nil && want.Valid != nil && *want.Valid:
		return passed()
	}
	return failed(want, map[string]bool{"match": matched})
}

// compareError compares the message; its location too in recordings of AWS, and elsewhere but for malformed JSON, where the
// location depends on the version of the JSON parser.
func (r *eventBridgeRow) compareError(err error) Outcome {
	want := &r.Expected
	var problem *eventpattern.Error
	if !errors.As(err, &problem) {
		if want.Error == "ValidationException" && want.Message == err.Error() {
			return passed()
		}
		return failed(want, err.Error())
	}
	message, whole := (&eventpattern.Error{Reason: problem.Reason}).Error(), err.Error()
	if !r.Recorded {
		message, whole = problem.Reason, problem.Reason+problem.Location
		want.Message = want.Reason
	}
	located := want.MessageRaw != "" && !strings.Contains(want.MessageRaw, "<partition>") &&
		(r.Recorded || !strings.HasPrefix(message, "Unexpected character") && !strings.HasPrefix(message, "Unrecognized character"))
	if want.Error != "InvalidEventPatternException" || want.Message != message || located && want.MessageRaw != whole {
		return failed(want, whole)
	}
	return passed()
}
