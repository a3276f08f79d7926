// Package eventpattern is the language of Amazon EventBridge's event patterns: which events a rule wants, with every
// comparison operator, array consistency and $or, and an index that finds the patterns among many that an event matches.
//
// It follows https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html and the published behaviour of
// EventBridge's own matching library, whose messages [Error] carries:
//
//   - An event is the set of its leaves: strings, numbers, true, false and null, each with the names on the way to it joined
//     by dots. Objects and arrays match nothing; an empty one is not there. A name with a dot is as two names.
//   - Elements of an array of objects are kept apart: all fields of a pattern that are in one array match in one element.
//   - Numbers are compared as doubles if a double holds them exactly in decimal, else by their text.
//   - A string that is an IP address is compared as an address.
//   - A name given twice in a pattern counts with its last values.
package eventpattern

import (
	"errors"
	"slices"
)

// Limits of EventBridge.
const (
	// MaxSize is the longest pattern that PutRule takes, in characters.
	MaxSize = 4096
	// MaxCombinations is how many combinations of $or branches a pattern may have.
	MaxCombinations = 1000
)

// Error says what is wrong with a pattern.
type Error struct {
	Reason   string // "Empty arrays are not allowed"
	Location string // where, as EventBridge says it: "\n at [Source: (String)\"...\"; line: 1, column: 7]"; may be empty
}

// Error returns EventBridge's message.
func (e *Error) Error() string { return "Event pattern is not valid. Reason: " + e.Reason + e.Location }

// ErrEvent is what is wrong with an event that is not a JSON object.
var ErrEvent = errors.New("Parameter Event is not valid.")

// Pattern is a compiled event pattern. It is immutable and safe for concurrent use.
type Pattern struct {
	branches []branch
	alone    *Matcher
}

// branch is one way for an event to match: every condition holds.
type branch []*condition

// condition is one field of a pattern and the values it may have.
type condition struct {
	path   string // names joined by dots
	values values
	key    string // the same for the same condition
}

// Compile reads a pattern. Its error is an [*Error].
func Compile(text string) (*Pattern, error) {
	branches, err := parse(text)
	if err != nil {
		return nil, err
	}
	p := &Pattern{branches: branches}
	p.alone = NewMatcher(p)
	return p, nil
}

// Match reports whether an event matches. The error is [ErrEvent] for what is not one JSON object.
func (p *Pattern) Match(event []byte) (bool, error) {
	found, err := p.alone.Match(event)
	return len(found) > 0, err
}

// Fields returns the names, joined by dots and sorted, of all fields that the pattern looks at.
func (p *Pattern) Fields() []string {
	var all []string
	for _, b := range p.branches {
		for _, c := range b {
			all = append(all, c.path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
