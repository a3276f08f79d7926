package stepfunctions

import (
	"github.com/carepath/carepath/lang/jsonvalue"
)

// putEvents is events:putEvents: https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html. The events
// name the execution and its state machine among their resources. Unlike the other integrations of its kind it says
// nothing of the HTTP response, and it fails when EventBridge takes not all of the events.
func (r *request) putEvents(v service) answer {
	r.addResources()
	result, _, failed := r.call(v, optimisedStyle)
	if failed != nil {
		return refused(failed)
	}
	if n, _ := result.Get("FailedEntryCount"); n != jsonvalue.Number("0") {
		return refused(&failure{"EventBridge.FailedEntry", jsonvalue.Text(result)})
	}
	return answer{result: result}
}

// addResources appends the execution and the state machine to the resources of each entry.
func (r *request) addResources() {
	parameters, ok := r.task.Parameters.(*jsonvalue.Object)
	if !ok {
		return
	}
	entries, _ := parameters.Get("Entries")
	list, ok := entries.(*jsonvalue.Array)
	if !ok {
		return
	}
	named := &jsonvalue.Array{}
	for _, item := range list.Items {
		if entry, ok := item.(*jsonvalue.Object); ok {
			entry = jsonvalue.NewObject(entry.Members()...)
			resources := &jsonvalue.Array{}
			if given, ok := entry.Get("Resources"); ok {
				if given, ok := given.(*jsonvalue.Array); ok {
					resources.Items = append(resources.Items, given.Items...)
				}
			}
			resources.Items = append(resources.Items, r.e.arn, r.e.rev.ARN)
			entry.Set("Resources", resources)
			item = entry
		}
		named.Items = append(named.Items, item)
	}
	task := *r.task
	with := jsonvalue.NewObject(parameters.Members()...)
	with.Set("Entries", named)
	task.Parameters = with
	r.task = &task
}
