package deploy

import (
	"strings"
	"time"

	"github.com/carepath/carepath/deploy/cost"
	"github.com/carepath/carepath/deploy/policies"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// Change is one thing that an operation did, or would do, to a resource.
type Change struct {
	Op       string        `json:"op"` // create, update, replace, delete, read, refresh …: Pulumi's word
	Type     string        `json:"type"`
	Name     string        `json:"name"`
	URN      string        `json:"urn"`
	ID       string        `json:"id,omitempty"`
	Diffs    []string      `json:"diffs,omitempty"` // the inputs that differ
	Keys     []string      `json:"keys,omitempty"`  // the inputs that force a replacement
	Protect  bool          `json:"protect,omitempty"`
	Duration time.Duration `json:"-"`
	Failed   bool          `json:"failed,omitempty"`
}

// Message is what the engine, the program or a provider said about a resource.
type Message struct {
	Severity string `json:"severity"` // info, warning, error
	URN      string `json:"urn,omitempty"`
	Text     string `json:"text"`
}

// Observer is told what happens during an operation, in the order in which it happens. Nil functions are not called.
type Observer struct {
	Report  func(string) // what takes long before the engine runs
	Change  func(Change) // once per change, when it is done
	Message func(Message)
}

func (o Observer) report(text string) {
	if o.Report != nil {
		o.Report(text)
	}
}

// Result is what an operation did.
type Result struct {
	Stack    string         `json:"stack"`
	Changes  []Change       `json:"changes"`
	Messages []Message      `json:"messages,omitempty"`
	Counts   map[string]int `json:"counts"` // resources by operation, "same" included
	Outputs  map[string]any `json:"outputs,omitempty"`
	Seconds  float64        `json:"seconds"`
	// Dangers are the resources that a preview says would be lost: an Up refuses them.
	Dangers []Finding `json:"dangers,omitempty"`
	// Cost is what a preview says the changes make of the cost.
	Cost *cost.Difference `json:"cost,omitempty"`
	// Policies is what a preview found against the policies: an Up refuses it.
	Policies *policies.Report `json:"policies,omitempty"`

	steps     []apitype.StepEventMetadata // what a preview would do
	refreshed []apitype.StepEventMetadata // what the preview of a refresh found
}

// stackType is the type of the resource that stands for the stack.
const stackType = "pulumi:pulumi:Stack"

// Refused is the error with which an Up would refuse what a preview found against the policies; nil if it would not.
func (r *Result) Refused() error {
	return againstPolicies("deploying the stack "+r.Stack, r.Stack, r.Policies)
}

// Changed reports whether the operation changed anything, or would.
func (r *Result) Changed() bool {
	for op, n := range r.Counts {
		if n > 0 && op != string(apitype.OpSame) && op != string(apitype.OpRead) {
			return true
		}
	}
	return false
}

// follow turns engine events into changes and messages until the channel is closed. started and now tell durations.
func (r *Result) follow(ch <-chan events.EngineEvent, o Observer) {
	started := map[string]time.Time{}
	for e := range ch {
		switch {
		case e.ResourcePreEvent != nil:
			m := e.ResourcePreEvent.Metadata
			started[m.URN+string(m.Op)] = time.Now()
			if e.ResourcePreEvent.Planning {
				r.steps = append(r.steps, m)
				r.add(m, 0, false, o)
			}
		case e.ResOutputsEvent != nil && !e.ResOutputsEvent.Planning:
			m := e.ResOutputsEvent.Metadata
			if m.Type == stackType && m.New != nil {
				r.Outputs = m.New.Outputs // secret ones come as "[secret]"
			}
			r.add(m, time.Since(started[m.URN+string(m.Op)]), false, o)
		case e.ResOutputsEvent != nil:
			r.refreshed = append(r.refreshed, e.ResOutputsEvent.Metadata)
		case e.ResOpFailedEvent != nil:
			m := e.ResOpFailedEvent.Metadata
			r.add(m, time.Since(started[m.URN+string(m.Op)]), true, o)
		case e.DiagnosticEvent != nil && !e.DiagnosticEvent.Ephemeral:
			r.say(e.DiagnosticEvent, o)
		case e.SummaryEvent != nil:
			for op, n := range e.SummaryEvent.ResourceChanges {
				r.Counts[string(op)] = n
			}
		}
	}
}

func (r *Result) add(m apitype.StepEventMetadata, d time.Duration, failed bool, o Observer) {
	switch m.Op {
	case apitype.OpSame, apitype.OpRead, apitype.OpReplace, apitype.OpReadDiscard, apitype.OpDiscardReplaced:
		if !failed {
			return // nothing happened to the resource, or the create and delete of the replacement say it
		}
	case apitype.OpRefresh:
		if len(m.Diffs) == 0 && len(m.DetailedDiff) == 0 && m.New != nil && !failed {
			return
		}
	}
	c := Change{Op: string(m.Op), Type: m.Type, URN: m.URN, Name: urnName(m.URN),
		Diffs: m.Diffs, Keys: m.Keys, Duration: d, Failed: failed}
	if m.New != nil {
		c.ID, c.Protect = m.New.ID, m.New.Protect
	} else if m.Old != nil {
		c.ID, c.Protect = m.Old.ID, m.Old.Protect
	}
	r.Changes = append(r.Changes, c)
	if o.Change != nil {
		o.Change(c)
	}
}

func (r *Result) say(e *apitype.DiagnosticEvent, o Observer) {
	text := strings.TrimSpace(ansi.ReplaceAllString(e.Message, ""))
	if text == "" || e.Severity == "debug" {
		return
	}
	m := Message{Severity: strings.TrimSuffix(e.Severity, "#err"), URN: e.URN, Text: text}
	r.Messages = append(r.Messages, m)
	if o.Message != nil {
		o.Message(m)
	}
}
