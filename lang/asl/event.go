package asl

import (
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Event is one event of an execution's history
// (https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html).
type Event struct {
	ID              int64 // from 1
	PreviousEventID int64 // 0 for the first events
	Type            string
	Timestamp       time.Time
	// StateName is the state that the event belongs to, "" for the execution's own events.
	StateName string
	// DetailsField is the name under which HistoryEvent has the details, for example stateEnteredEventDetails; "" for an
	// event without.
	DetailsField string
	// Details has the fields of the API. Inputs and outputs are JSON texts. It must not be changed.
	Details *jsonvalue.Object
}

// eventLog numbers the events of an execution, whether or not they are recorded: causes name them.
type eventLog struct {
	last     int64
	recorder func(Event)
}

// Events follow each other along a thread. Most follow its last event and become it. Some stand aside (MapRunSucceeded,
// MapStateSucceeded, ParallelStateSucceeded, MapIterationFailed and …Aborted): they follow the thread's tail, and the
// thread goes on from where it was, as recorded on AWS. An execution's first state follows nothing.

func (t *thread) recording() bool { return t.log.recorder != nil }

func (t *thread) number() (id int64, previous int64) {
	t.log.last++
	previous = t.last
	t.last, t.tail = t.log.last, t.log.last
	return t.log.last, previous
}

// record numbers and records an event without details.
func (t *thread) record(kind string) { t.recordDetails(kind, "", nil) }

func (t *thread) recordDetails(kind, field string, details *jsonvalue.Object) {
	id, previous := t.number()
	t.emit(id, previous, kind, field, details)
}

func (t *thread) emit(id, previous int64, kind, field string, details *jsonvalue.Object) {
	if t.log.recorder == nil {
		return
	}
	t.log.recorder(Event{ID: id, PreviousEventID: previous, Type: kind, Timestamp: t.e.now, StateName: t.state.name,
		DetailsField: field, Details: details})
}

// recordAside records an event that stands aside; one of a Map iteration has its details.
func (t *thread) recordAside(kind, field string) {
	t.log.last++
	previous := t.tail
	t.tail = t.log.last
	if !t.recording() {
		return
	}
	var details *jsonvalue.Object
	if field != "" {
		details = t.iteration()
	}
	t.emit(t.log.last, previous, kind, field, details)
}

func (t *thread) iteration() *jsonvalue.Object {
	return fields("name", t.parent.owner.state.name, "index", jsonvalue.NumberFromInt(int64(t.index)))
}

// recordIteration records the begin or the good end of a Map iteration.
func (t *thread) recordIteration(kind, field string) {
	id, previous := t.number()
	if t.recording() {
		t.emit(id, previous, kind, field, t.iteration())
	}
}

// fields makes details from names and values.
func fields(pairs ...any) *jsonvalue.Object {
	var few [6]jsonvalue.Member
	members := few[:0]
	for i := 0; i < len(pairs); i += 2 {
		members = append(members, jsonvalue.Member{Name: pairs[i].(string), Value: pairs[i+1]})
	}
	return jsonvalue.NewObject(members...)
}

// notTruncated says of an input or output that it is there as a whole. All events share it.
var notTruncated = fields("truncated", false)

// errorDetails leaves out what the failure has not.
func errorDetails(f *failure) *jsonvalue.Object {
	o := &jsonvalue.Object{}
	if !f.noName {
		o.Set("error", truncate(f.name, maxErrorName))
	}
	if !f.noCause {
		o.Set("cause", truncate(f.cause, maxCause))
	}
	return o
}

func (e *Execution) recordStart() {
	e.log.last++
	if e.log.recorder == nil {
		return
	}
	text := e.in.InputText
	if text == "" {
		text = e.jsonText(e.in.Input)
	}
	e.log.recorder(Event{ID: e.log.last, Type: "ExecutionStarted", Timestamp: e.now,
		DetailsField: "executionStartedEventDetails",
		Details:      fields("input", text, "inputDetails", notTruncated, "roleArn", e.in.RoleARN)})
}

// recordEnd records the execution's last event.
func (e *Execution) recordEnd(root *thread) {
	e.log.last++
	if e.log.recorder == nil {
		return
	}
	event := Event{ID: e.log.last, PreviousEventID: root.last, Timestamp: e.now}
	switch e.status {
	case Succeeded:
		event.Type, event.DetailsField = "ExecutionSucceeded", "executionSucceededEventDetails"
		event.Details = fields("output", e.jsonText(e.output), "outputDetails", notTruncated)
	case Failed:
		event.Type, event.DetailsField = "ExecutionFailed", "executionFailedEventDetails"
		event.Details = errorDetails(e.failure)
	case TimedOut:
		event.Type, event.DetailsField, event.PreviousEventID = "ExecutionTimedOut", "executionTimedOutEventDetails", 0
		event.Details = errorDetails(e.failure)
	case Aborted:
		event.Type, event.DetailsField, event.PreviousEventID = "ExecutionAborted", "executionAbortedEventDetails", 0
		event.Details = errorDetails(e.failure)
	}
	e.log.recorder(event)
}

func (t *thread) recordEntered() {
	id, previous := t.number()
	t.enteredID, t.enteredAfter = id, previous
	if t.recording() {
		t.emit(id, previous, t.state.entered, "stateEnteredEventDetails",
			fields("name", t.state.name, "input", t.e.jsonText(t.input), "inputDetails", notTruncated))
	}
}

func (t *thread) recordExited(output any, assigned *jsonvalue.Object) {
	id, previous := t.number()
	if !t.recording() {
		return
	}
	details := fields("name", t.state.name, "output", t.e.jsonText(output), "outputDetails", notTruncated)
	if assigned.Len() > 0 {
		texts := &jsonvalue.Object{}
		for name, v := range assigned.All() {
			texts.Set(name, jsonvalue.Text(v))
		}
		details.Set("assignedVariables", texts)
		details.Set("assignedVariablesDetails", notTruncated)
	}
	t.emit(id, previous, t.state.exited, "stateExitedEventDetails", details)
}

// recordEvaluationFailed records that a field of a JSONata state could not be evaluated. As recorded on AWS, the event
// follows what the entry into the state followed, if nothing has come between, except where an expression's value is not
// what the field wants.
func (t *thread) recordEvaluationFailed(f *failure) {
	if t.last == t.enteredID && !f.entered {
		t.last = t.enteredAfter
	}
	id, previous := t.number()
	if !t.recording() {
		return
	}
	details := errorDetails(f)
	if f.location != "" {
		details.Set("location", f.location)
	}
	details.Set("state", t.state.name)
	t.emit(id, previous, "EvaluationFailed", "evaluationFailedEventDetails", details)
}

// recordStateFailed records that a Parallel or Map state has failed for good. One that could not be evaluated has no
// such event.
func (t *thread) recordStateFailed(f *failure) {
	if f.name == errRuntime {
		return
	}
	switch t.state.behaviour.(type) {
	case *parallelState:
		t.record("ParallelStateFailed")
	case *mapState:
		t.record("MapStateFailed")
	}
}

// recordAborted records, aside, that a state has ended without leaving it.
func (t *thread) recordAborted() { t.recordAside(t.state.aborted, "") }

// recordAborts records what the failure of a child cuts short: the states that the other children are in.
func (a *activation) recordAborts(owner *thread) {
	for _, t := range a.running {
		if t == nil || t.phase == ended {
			continue
		}
		if t.children != nil {
			t.children.recordAborts(owner)
		}
		if t.phase != entering {
			owner.recordBeside(t, t.state.aborted, "", nil)
		}
		if a.mapState != nil {
			owner.recordBeside(t, "MapIterationAborted", "mapIterationAbortedEventDetails", t)
		}
	}
}

// recordBeside records an event of another thread that follows this one's last event, which stays its last.
func (t *thread) recordBeside(of *thread, kind, field string, iteration *thread) {
	t.log.last++
	if !t.recording() {
		return
	}
	var details *jsonvalue.Object
	if iteration != nil {
		details = iteration.iteration()
	}
	of.emit(t.log.last, t.last, kind, field, details)
}

func (t *thread) recordMapRunFailed(f *failure) {
	id, previous := t.number()
	if t.recording() {
		t.emit(id, previous, "MapRunFailed", "mapRunFailedEventDetails", errorDetails(f))
	}
}

// regionOf returns the region of an ARN, and us-east-1 for none.
func regionOf(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) == 5 && parts[3] != "" {
		return parts[3]
	}
	return "us-east-1"
}
