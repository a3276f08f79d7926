package eventbridge

import (
	"sync"

	"github.com/carepath/carepath/lang/eventpattern"
)

// indexes find the rules and archives that want an event, one index for each bus, made when it is first asked for.
type indexes struct {
	mu       sync.RWMutex
	byBus    map[string]*busIndex
	patterns map[string]*eventpattern.Pattern // by text
}

// busIndex holds the enabled rules with a pattern, and the archives, of a bus.
type busIndex struct {
	matcher  *eventpattern.Matcher
	entries  []indexEntry // by the matcher's number
	archives []archive    // that take every event
}

type indexEntry struct {
	rule    *rule
	archive *archive
}

// patternsKept bounds the patterns that are kept compiled.
const patternsKept = 4096

// forget has a bus's index made anew.
func (x *indexes) forget(busName string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.byBus, busName)
}

func (s *Service) indexOf(busName string) *busIndex {
	x := &s.index
	x.mu.RLock()
	found := x.byBus[busName]
	x.mu.RUnlock()
	if found != nil {
		return found
	}
	x.mu.Lock() // over the reading of the records, so that no change of them falls behind it
	defer x.mu.Unlock()
	b := &busIndex{}
	var patterns []*eventpattern.Pattern
	add := func(text string, e indexEntry) {
		p := x.patterns[text]
		if p == nil {
			var err error
			if p, err = eventpattern.Compile(text); err != nil { // it was checked when it was stored
				s.d.Logf("an event pattern of the bus %s is not in force: %v", busName, err)
				return
			}
			if len(x.patterns) >= patternsKept {
				clear(x.patterns)
			}
			x.patterns[text] = p
		}
		patterns = append(patterns, p)
		b.entries = append(b.entries, e)
	}
	for _, r := range s.rules.All() {
		if r.Bus == busName && r.State != disabled && r.Pattern != "" {
			add(r.Pattern, indexEntry{rule: &r})
		}
	}
	for _, a := range s.archives.All() {
		switch {
		case a.Bus != busName:
		case a.Pattern == "":
			b.archives = append(b.archives, a)
		default:
			add(a.Pattern, indexEntry{archive: &a})
		}
	}
	b.matcher = eventpattern.NewMatcher(patterns...)
	x.byBus[busName] = b
	return b
}

// readOnly finds the read-only management events of CloudTrail, which only rules want that say so.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail-management.html
var readOnly = func() *eventpattern.Pattern {
	p, err := eventpattern.Compile(`{"detail-type":[{"suffix":" via CloudTrail"}],"detail":{"readOnly":[true],"eventCategory":["Management",{"exists":false}]}}`)
	if err != nil {
		panic(err)
	}
	return p
}()

// wanted returns the rules and archives of a bus that want an event.
func (s *Service) wanted(ev *event) (rules []*rule, archives []*archive, err error) {
	b := s.indexOf(ev.Bus)
	found, err := b.matcher.Match(ev.text)
	if err != nil {
		return nil, nil, err
	}
	hidden := false
	if ev.Bus == defaultBus && len(found) > 0 {
		if hidden, err = readOnly.Match(ev.text); err != nil {
			return nil, nil, err
		}
	}
	for _, i := range found {
		switch e := b.entries[i]; {
		case e.archive != nil:
			archives = append(archives, e.archive)
		case !hidden || e.rule.State == enabledWithRead:
			rules = append(rules, e.rule)
		}
	}
	for i := range b.archives {
		archives = append(archives, &b.archives[i])
	}
	return rules, archives, nil
}
