package stepfunctions

import (
	"fmt"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// saved is an execution as the store keeps it between two processes.
type saved struct {
	Machine, Name, ARN, Input string
	TraceHeader               string `json:",omitempty"`
	Start                     time.Time
	Status                    string
	Stop                      time.Time
	Output                    *string  `json:",omitempty"`
	Failure                   *failure `json:",omitempty"`
	Packed                    []byte   `json:",omitempty"`
	Texts                     []string `json:",omitempty"`

	// Of an execution that was open:
	Definition string `json:",omitempty"` // if the machine has been updated since
	RoleARN    string `json:",omitempty"`
}

const executionsDocument = "states/executions"

// save writes all executions but the synchronous ones that run: their callers are gone.
func (s *Service) save() error {
	var all []saved
	for _, m := range s.all() {
		m.mu.Lock()
		executions := withoutEvicted(m.order)
		if m.current.express() {
			for e := range m.open {
				if !e.sync {
					executions = append(executions, e)
				}
			}
		}
		current, deleting := m.current, m.deleting
		m.mu.Unlock()
		if deleting {
			continue
		}
		for _, e := range executions {
			e.mu.Lock()
			r := saved{
				Machine: current.ARN, Name: e.name, ARN: e.arn, Input: e.input, TraceHeader: e.traceHeader, Start: e.start,
				Status: e.status, Stop: e.stop, Output: e.output, Failure: e.failure, Packed: e.history.Packed, Texts: e.history.Texts,
			}
			if e.status == running && (e.rev.Definition != current.Definition || e.rev.RoleARN != current.RoleARN) {
				r.Definition, r.RoleARN = e.rev.Definition, e.rev.RoleARN
			}
			e.mu.Unlock()
			all = append(all, r)
		}
	}
	if err := s.store.Save(executionsDocument, all); err != nil {
		return fmt.Errorf("saving the executions: %w", err)
	}
	return nil
}

// load reads the executions of the last clean stop. Those that were open will start again from their input, so their
// tasks may be done twice; their time limit begins anew. After a kill the document of the last clean stop is read once
// more: what was open then is rather done again than lost.
func (s *Service) load() error {
	var all []saved
	found, err := s.store.Load(executionsDocument, &all)
	if err != nil || !found {
		return err
	}
	for _, r := range all {
		m := s.machines[r.Machine]
		if m == nil {
			continue
		}
		e := &execution{
			machine: m, rev: m.current, name: r.Name, arn: r.ARN, input: r.Input, traceHeader: r.TraceHeader, start: r.Start,
			status: r.Status, stop: r.Stop, output: r.Output, failure: r.Failure, done: make(chan struct{}),
		}
		if r.Definition != "" {
			old := m.current.record
			old.Definition, old.RoleARN = r.Definition, r.RoleARN
			if e.rev, err = compile(old); err != nil {
				return fmt.Errorf("loading the execution %s: %w", r.ARN, err)
			}
		}
		if other, err := m.admit(e); err != nil || other != nil {
			continue
		}
		if r.Status != running {
			delete(m.open, e)
			close(e.done)
			e.history = history{Packed: r.Packed, Texts: r.Texts}
			e.history.measure(e)
			m.closed.push(e)
			s.budget.add(s, e)
			continue
		}
		input, err := jsonvalue.Parse(r.Input)
		if err != nil {
			return fmt.Errorf("loading the execution %s: %w", r.ARN, err)
		}
		s.begin(e, input, s.now())
		s.resumed = append(s.resumed, e)
	}
	return nil
}
