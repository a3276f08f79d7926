package stepfunctions

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// The journal holds executions by their ARN, without the synchronous ones (their callers are gone with the process) and the
// Express ones that have ended; and, of state machines that were updated, what executions still run of before: by this, the
// machine's ARN, a slash and the revision's hash.
const revisionKey = "revision/"

// saved is an execution as the journal keeps it: when it has started, and again when it has ended.
type saved struct {
	machine, name, arn, input, traceHeader string
	revision                               string // its hash
	seq                                    int
	start                                  time.Time
	status                                 string

	// Of a closed one:
	stop    time.Time
	output  *string
	failure *failure
	history history
}

// hash identifies what a restart of an execution needs of its revision.
func (r record) hash() string {
	sum := sha256.Sum256([]byte(r.RoleARN + " " + r.Definition))
	return hex.EncodeToString(sum[:16])
}

// journalStart returns when a new execution survives kill -9.
func (s *Service) journalStart(e *execution) error {
	if e.sync {
		return nil
	}
	m := e.machine
	m.mu.Lock()
	err := s.keep(m, e.rev, m.current) // an update may have been faster
	m.mu.Unlock()
	if err != nil {
		return err
	}
	s.journalPut(e)
	if err := s.journal.Flush(); err != nil {
		s.d.Logf("states: accepting no execution: %v", err)
		return &dispatch.Error{Code: "ServiceUnavailable", Status: 503, Message: "The embedded AWS cannot write the execution down: its disk may be full"}
	}
	return nil
}

// journalEnd returns when the end of an execution survives kill -9: before anybody sees it, so that nothing of which
// somebody knows that it ended is run again. The caller holds e's lock.
func (s *Service) journalEnd(e *execution) {
	switch {
	case e.sync:
		return
	case e.rev.express():
		s.journal.Delete(e.arn)
	default:
		s.journalPut(e)
	}
	if err := s.journal.Flush(); err != nil {
		s.d.Logf("states: %s has ended and will run again at the next start: %v", e.arn, err)
	}
}

// encoded holds the buffers of journalPut.
var encoded = sync.Pool{New: func() any { return &packer{} }}

func (s *Service) journalPut(e *execution) {
	p := encoded.Get().(*packer)
	p.b = p.b[:0]
	p.execution(e)
	s.journal.Put(e.arn, p.b)
	encoded.Put(p)
}

// What stands for the text that an execution has already in its input or output.
const (
	textItself = iota
	textInput
	textOutput
)

// execution packs an execution as the journal keeps it. The caller holds its lock.
func (p *packer) execution(e *execution) {
	for _, text := range []string{e.rev.ARN, e.name, e.arn, e.input, e.traceHeader, e.rev.hashed, e.status} {
		p.text(text)
	}
	p.b = binary.AppendVarint(p.b, int64(e.seq))
	p.b = binary.AppendVarint(p.b, e.start.UnixMilli())
	if e.status == running {
		return
	}
	p.b = binary.AppendVarint(p.b, e.stop.UnixMilli())
	p.flag(e.output != nil)
	if e.output != nil {
		p.text(*e.output)
	}
	p.flag(e.failure != nil)
	if e.failure != nil {
		p.text(e.failure.Error)
		p.text(e.failure.Cause)
	}
	p.b = binary.AppendUvarint(p.b, uint64(len(e.history.Packed)))
	p.b = append(p.b, e.history.Packed...)
	p.b = binary.AppendUvarint(p.b, uint64(len(e.history.Texts)))
	for _, text := range e.history.Texts {
		switch {
		case text == e.input:
			p.b = append(p.b, textInput)
		case e.output != nil && text == *e.output:
			p.b = append(p.b, textOutput)
		default:
			p.b = append(p.b, textItself)
			p.text(text)
		}
	}
}

func decode(b []byte) saved {
	u := unpacker{b: b}
	r := saved{
		machine: u.text(), name: u.text(), arn: u.text(), input: u.text(), traceHeader: u.text(), revision: u.text(), status: u.text(),
		seq: int(u.varint()), start: time.UnixMilli(u.varint()).UTC(),
	}
	if r.status == running {
		return r
	}
	r.stop = time.UnixMilli(u.varint()).UTC()
	if u.flag() {
		output := u.text()
		r.output = &output
	}
	if u.flag() {
		r.failure = &failure{u.text(), u.text()}
	}
	if packed := u.text(); packed != "" {
		r.history.Packed = []byte(packed)
	}
	r.history.Texts = make([]string, u.uvarint())
	for i := range r.history.Texts {
		switch u.uvarint() {
		case textInput:
			r.history.Texts[i] = r.input
		case textOutput:
			r.history.Texts[i] = *r.output
		default:
			r.history.Texts[i] = u.text()
		}
	}
	return r
}

// keep writes down a revision that executions run, unless another one of the same meaning is the machine's. The caller
// holds m's lock.
func (s *Service) keep(m *machine, rev, current *revision) error {
	if rev.hashed == current.hashed || m.running[rev.hashed] == 0 {
		return nil
	}
	text, err := json.Marshal(rev.record)
	if err != nil {
		return fmt.Errorf("writing down the revision of %s that still runs: %w", rev.ARN, err)
	}
	s.journal.Put(revisionKey+rev.ARN+"/"+rev.hashed, text)
	return nil
}

// left counts an execution out that ran. The caller holds m's lock.
func (s *Service) left(m *machine, e *execution) {
	delete(m.open, e)
	if m.running[e.rev.hashed]--; m.running[e.rev.hashed] == 0 {
		delete(m.running, e.rev.hashed)
		s.journal.Delete(revisionKey + e.rev.ARN + "/" + e.rev.hashed)
	}
}

// load reads the executions that the journal holds. Those that were open will start again from their input, so their tasks
// may be done twice; their time limit begins anew.
func (s *Service) load() error {
	var all []saved
	superseded := map[string]record{}
	for r, err := range s.journal.All() {
		if err != nil {
			return fmt.Errorf("loading the executions: %w", err)
		}
		if strings.HasPrefix(r.Key, revisionKey) {
			var old record
			if err := json.Unmarshal(r.Value, &old); err != nil {
				return fmt.Errorf("loading %s: %w", r.Key, err)
			}
			superseded[r.Key] = old
			continue
		}
		x := decode(r.Value)
		if s.machines[x.machine] == nil { // it was deleted
			s.journal.Delete(r.Key)
			continue
		}
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b saved) int { return cmp.Or(cmp.Compare(a.seq, b.seq), a.start.Compare(b.start)) })
	compiled := map[string]*revision{}
	var closed []*execution
	for _, r := range all {
		m := s.machines[r.machine]
		rev := m.current
		if old, ok := superseded[revisionKey+r.machine+"/"+r.revision]; ok && r.status == running && r.revision != rev.hashed {
			if compiled[r.revision] == nil {
				current := rev.record
				current.Definition, current.RoleARN = old.Definition, old.RoleARN
				var err error
				if compiled[r.revision], err = compile(current); err != nil {
					return fmt.Errorf("loading the execution %s: %w", r.arn, err)
				}
			}
			rev = compiled[r.revision]
		}
		e := &execution{
			machine: m, rev: rev, name: r.name, arn: r.arn, input: r.input, traceHeader: r.traceHeader, start: r.start,
			status: r.status, stop: r.stop, output: r.output, failure: r.failure, history: r.history, done: make(chan struct{}),
		}
		m.last = max(m.last, r.seq-1)
		if _, err := m.admit(e); err != nil {
			return fmt.Errorf("loading the execution %s: %w", r.arn, err)
		}
		if r.status != running {
			closed = append(closed, e)
			continue
		}
		input, err := jsonvalue.Parse(r.input)
		if err != nil {
			return fmt.Errorf("loading the execution %s: %w", r.arn, err)
		}
		s.begin(e, input, s.now())
		s.resumed = append(s.resumed, e)
	}
	slices.SortStableFunc(closed, func(a, b *execution) int { return a.stop.Compare(b.stop) })
	for _, e := range closed {
		s.left(e.machine, e)
		e.history.measure(e)
		close(e.done)
		s.retire(e)
	}
	for key, old := range superseded {
		if m := s.machines[old.ARN]; m == nil || m.running[old.hash()] == 0 {
			s.journal.Delete(key)
		}
	}
	// What belonged to deleted machines must not come back with a new one of the same name.
	return s.journal.Flush()
}
