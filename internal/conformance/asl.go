package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
)

func init() { register("asl", runASL) }

// aslRow is an execution that calls no service.
type aslRow struct {
	Definition json.RawMessage `json:"definition"`
	Input      json.RawMessage `json:"input"`
	Type       string          `json:"type"`
	API        string          `json:"api"`
	Recorded   string          `json:"validated_date"`
	Expected   struct {
		Status     string          `json:"status"`
		Output     json.RawMessage `json:"output"`
		Error      *string         `json:"error"`
		ErrorAny   []string        `json:"error_any"`
		Cause      *string         `json:"cause"`
		CauseRegex string          `json:"cause_regex"`
	} `json:"expected"`
	History      []aslEvent `json:"history"`
	Wildcards    []string   `json:"wildcards"`
	IgnoreKeys   []string   `json:"ignore_keys"` // members that only have to be there
	TimeRelative *struct {
		Pointer string `json:"pointer"`
		Note    string `json:"note"`
	} `json:"time_relative"`

	loose bool // placeholders also for whole values
}

var aslStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// runASL runs an execution with time driven: it is always the moment that the execution waits for.
func runASL(row json.RawMessage) Outcome {
	var r aslRow
	if err := json.Unmarshal(row, &r); err != nil {
		return failed("a row of the asl suite", err.Error())
	}
	machine, err := asl.Parse(r.Definition, asl.Options{Express: r.Type == "EXPRESS"})
	if err != nil {
		return failed(r.Expected, err.Error())
	}
	if len(r.Input) == 0 {
		r.Input = json.RawMessage("{}")
	}
	input, err := jsonvalue.Parse([]byte(r.Input))
	if err != nil {
		return failed(r.Expected, err.Error())
	}
	now := r.start(input)
	var events []asl.Event
	in := asl.ExecutionInput{Input: input, StartTime: now, Name: "execution", ARN: "arn:aws:states:us-east-1:111111111111:execution:machine:execution",
		RoleARN: "arn:aws:iam::111111111111:role/sfn-role", StateMachineName: "machine-1",
		StateMachineARN: "arn:aws:states:us-east-1:111111111111:stateMachine:machine-1",
		Recorder:        func(e asl.Event) { events = append(events, e) }}
	if r.API == "StartSyncExecution" {
		in.RedriveCount = -1
	}
	e := machine.Start(in)
	for e.Status() == asl.Running {
		e.Run(now)
		if len(e.TakeTasks()) > 0 {
			return skipped("needs a service")
		}
		now, _ = e.NextWake()
	}
	if o := r.compareEnd(e); !o.Passed {
		return o
	}
	if len(r.History) > 0 {
		return r.compareHistory(events)
	}
	return passed()
}

// start is the time at which the execution starts. Where the input has a time that was a number of days ahead when the
// row was recorded, it is that many days before.
func (r *aslRow) start(input any) time.Time {
	if r.TimeRelative == nil {
		return aslStart
	}
	days := regexp.MustCompile(`now\+(\d+) days`).FindStringSubmatch(r.TimeRelative.Note)
	o, _ := input.(*jsonvalue.Object)
	v, _ := o.Get(strings.TrimPrefix(r.TimeRelative.Pointer, "/"))
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if days == nil || err != nil {
		return aslStart
	}
	var n int
	_, _ = fmt.Sscan(days[1], &n)
	return at.AddDate(0, 0, -n)
}

func (r *aslRow) compareEnd(e *asl.Execution) Outcome {
	name, cause := e.Error()
	got := map[string]any{"status": string(e.Status())}
	if e.Status() == asl.Succeeded {
		got["output"] = json.RawMessage(e.OutputText())
	} else {
		got["error"], got["cause"] = name, cause
	}
	if !r.sameEnd(string(e.Status()), e.Output(), name, cause) {
		return failed(r.Expected, got)
	}
	return passed()
}

// sameEnd reports whether an execution has ended as recorded.
func (r *aslRow) sameEnd(status string, output any, name, cause string) bool {
	want := &r.Expected
	ok := want.Status == status
	if want.Status == "SUCCEEDED" && ok {
		expected, err := jsonvalue.Parse([]byte(want.Output))
		ok = err == nil && r.sameOutput(expected, output, "")
	}
	ok = ok && (want.Error == nil || *want.Error == name)
	if len(want.ErrorAny) > 0 {
		ok = ok && slices.Contains(want.ErrorAny, name)
	}
	switch {
	case want.CauseRegex != "":
		ok = ok && regexp.MustCompile("(?s)"+want.CauseRegex).MatchString(cause)
	case want.Cause != nil:
		ok = ok && samePlaceholders(*want.Cause, cause)
	}
	return ok
}

// sameOutput compares values; at the row's wildcards only their types count.
func (r *aslRow) sameOutput(want, got any, at string) bool {
	for _, pointer := range r.Wildcards {
		if pointer == at {
			_, number := got.(jsonvalue.Number)
			_, text := got.(string)
			return number || text
		}
	}
	switch want := want.(type) {
	case *jsonvalue.Object:
		got, ok := got.(*jsonvalue.Object)
		if !ok || got.Len() != want.Len()+r.younger(want, got) {
			return false
		}
		for name, v := range want.All() {
			w, has := got.Get(name)
			if !has || !slices.Contains(r.IgnoreKeys, name) && !r.sameOutput(v, w, at+"/"+name) {
				return false
			}
		}
		return true
	case *jsonvalue.Array:
		got, ok := got.(*jsonvalue.Array)
		if !ok || got.Len() != want.Len() {
			return false
		}
		for i, v := range want.Items {
			if !r.sameOutput(v, got.Items[i], fmt.Sprintf("%s/%d", at, i)) {
				return false
			}
		}
		return true
	case string:
		if strings.Contains(want, "task_token") {
			return got != ""
		}
		if _, number := got.(jsonvalue.Number); number {
			return standsForTime.MatchString(want)
		}
		text, ok := got.(string)
		return ok && samePlaceholders(want, text) || r.loose && sameAsJSON(want, got)
	}
	return jsonvalue.Equal(want, got)
}

// younger counts the members of an object that AWS has given since the recording was made: those about redriving, in the
// context object and in what is said of nested executions.
func (r *aslRow) younger(want, got *jsonvalue.Object) int {
	n := 0
	if r.Recorded < "2024-12" {
		for _, name := range []string{"RedriveCount", "RedriveStatus", "RedriveStatusReason"} {
			_, has := want.Get(name)
			if _, given := got.Get(name); given && !has {
				n++
			}
		}
	}
	return n
}

// standsForTime matches what recordings have in place of a time.
var standsForTime = regexp.MustCompile(`^<?(start-time|entered-time|start-date|stop-date|date|timestamp)>?$`)

var placeholder = regexp.MustCompile(`<[^<>]*>`)

// samePlaceholders compares texts of which the recorded one has what differs from run to run as <name>, or one of the
// words for times.
func samePlaceholders(want, got string) bool {
	if want == got {
		return true
	}
	switch {
	case standsForTime.MatchString(want):
		return got != ""
	case strings.HasSuffix(want, "arn") && !strings.Contains(want, ":"): // execution-arn, map_run_arn
		return strings.HasPrefix(got, "arn:")
	case strings.HasSuffix(want, "url") && !strings.Contains(want, ":"): // sqs_queue_url
		return strings.HasPrefix(got, "http")
	}
	if !placeholder.MatchString(want) {
		return false
	}
	var pattern strings.Builder
	pattern.WriteString("(?s)^")
	last := 0
	for _, at := range placeholder.FindAllStringIndex(want, -1) {
		pattern.WriteString(regexp.QuoteMeta(want[last:at[0]]) + ".*?")
		last = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(want[last:]) + "$")
	return regexp.MustCompile(pattern.String()).MatchString(got)
}

// sameAsJSON compares a recorded JSON text, whose white space may have gone, with one.
func sameAsJSON(want string, got any) bool {
	text, ok := got.(string)
	return ok && sameJSON([]byte(want), []byte(text))
}
