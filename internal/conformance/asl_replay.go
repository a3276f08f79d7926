package main

import (
	"encoding/json"
	"strings"

	"github.com/carepath/carepath/lang/asl"
	"github.com/carepath/carepath/lang/jsonvalue"
)

func init() { register("asl-replay", runASLReplay) }

// runASLReplay runs an execution that calls services, with the answers that the recorded history has, and compares
// everything else.
func runASLReplay(row json.RawMessage) Outcome {
	var r aslRow
	if err := json.Unmarshal(row, &r); err != nil {
		return failed("a row of the asl-services suite", err.Error())
	}
	if len(r.History) == 0 {
		return skipped("no history to take the answers from")
	}
	machine, err := asl.Parse(r.Definition, asl.Options{Express: r.Type == "EXPRESS"})
	if err != nil {
		return failed(r.Expected, err.Error())
	}
	if r.otherFunctions() {
		return skipped("its history names another account's function than its definition")
	}
	answers := r.answers()
	if strings.Contains(string(r.Definition), `"DISTRIBUTED"`) && len(answers) == 0 {
		return skipped("has its tasks in a distributed Map, whose events are not recorded")
	}
	if strings.Contains(string(r.Definition), `"ItemReader"`) || strings.Contains(string(r.Definition), `"ResultWriter"`) {
		return skipped("reads or writes Amazon S3")
	}
	input, err := jsonvalue.Parse([]byte(r.Input))
	if err != nil {
		return failed(r.Expected, err.Error())
	}
	r.loose = true
	var events []asl.Event
	e := machine.Start(asl.ExecutionInput{Input: input, StartTime: aslStart, Name: "execution",
		ARN:     "arn:aws:states:us-east-1:111111111111:execution:machine:execution",
		RoleARN: "snf_role_arn", StateMachineName: "machine", StateMachineARN: "arn:aws:states:us-east-1:111111111111:stateMachine:machine",
		RedriveCount: -1, Recorder: func(e asl.Event) { events = append(events, e) }})
	for now := aslStart; e.Status() == asl.Running; {
		e.Run(now)
		tasks := e.TakeTasks()
		for _, task := range tasks {
			for len(answers) > 0 {
				a := answers[0]
				answers = answers[1:]
				if !a.give(e, task.ID) {
					break
				}
			}
		}
		if len(tasks) == 0 {
			now, _ = e.NextWake()
		}
	}
	if o := r.compareEnd(e); !o.Passed {
		return o
	}
	return r.compareHistory(events)
}

// otherFunctions reports whether the recording has lost which function was called: a history event names one that the
// definition does not have, although a function's ARN stands in a definition as it is.
func (r *aslRow) otherFunctions() bool {
	for _, e := range r.History {
		if e.Type == "LambdaFunctionScheduled" && !strings.Contains(string(r.Definition), e.Resource) {
			return true
		}
	}
	return false
}

// answers are the events that tell how the tasks went.
func (r *aslRow) answers() []aslEvent {
	var answers []aslEvent
	for _, e := range r.History {
		for _, prefix := range []string{"LambdaFunction", "Task", "Activity"} {
			switch strings.TrimPrefix(e.Type, prefix) {
			case "Succeeded", "Failed", "TimedOut", "Submitted":
				answers = append(answers, e)
			}
		}
		if e.Type == "ActivityStarted" {
			answers = append(answers, e)
		}
	}
	return answers
}

// give answers a task with a recorded event, and reports whether the task still waits for more.
func (w *aslEvent) give(e *asl.Execution, id uint64) bool {
	output, _ := jsonvalue.Parse([]byte(w.Output))
	switch {
	case w.Type == "ActivityStarted":
		return e.PickedUp(id, w.WorkerName, aslStart)
	case strings.HasSuffix(w.Type, "Submitted"):
		return e.Submitted(id, output, aslStart)
	case strings.HasSuffix(w.Type, "Succeeded"):
		e.Complete(id, output, aslStart)
	case strings.HasSuffix(w.Type, "Failed"):
		name := ""
		if w.Error != nil {
			name = *w.Error
		}
		e.FailTask(id, name, w.causeText(), aslStart)
	}
	return false
}

// causeText is the cause as it was before the recording parsed it: Python's JSON of a function's error has blanks,
// which the integration lambda:invoke drops.
func (w *aslEvent) causeText() string {
	var text string
	if json.Unmarshal(w.Cause, &text) == nil {
		return text
	}
	v, err := jsonvalue.Parse([]byte(w.Cause))
	if err != nil {
		return ""
	}
	if w.Type != "LambdaFunctionFailed" {
		return jsonvalue.Text(v)
	}
	return pythonJSON(v)
}

func pythonJSON(v any) string {
	var parts []string
	switch v := v.(type) {
	case *jsonvalue.Object:
		for name, m := range v.All() {
			parts = append(parts, jsonvalue.Text(name)+": "+pythonJSON(m))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *jsonvalue.Array:
		for _, item := range v.Items {
			parts = append(parts, pythonJSON(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return jsonvalue.Text(v)
}
