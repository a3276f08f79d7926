package eventpattern

import (
	"math"
	"slices"
	"strings"
	"sync"
)

// Matcher finds the patterns of a set that an event matches. What it costs grows with the patterns that come near to
// matching, not with all of them: each branch of a pattern is looked up by the one of its conditions that is the most
// telling, and the others are looked at only then. It is immutable and safe for concurrent use.
type Matcher struct {
	root       *node
	paths      []pathIndex
	conditions []compiled
	branches   []rule
	always     []int32 // conditions that hold for a field that is not there, and must be tried for every event
	patterns   int
	scratch    sync.Pool
}

// compiled is a condition that branches share.
type compiled struct {
	*condition
	at       int32   // its path
	branches []int32 // that are looked up by it
}

type rule struct {
	pattern    int32
	conditions []int32 // in the order of their paths
}

// pathIndex finds the conditions of a path that a value may meet: those that branches are looked up by.
type pathIndex struct {
	texts         map[string][]int32
	literals      map[string][]int32
	numbers       map[float64][]int32
	prefixes      map[string][]int32 // literal beginnings of wildcards too
	prefixLengths []int
	suffixes      map[string][]int32
	suffixLengths []int
	others        []int32 // that have to be tried
}

// NewMatcher makes an index of patterns.
func NewMatcher(patterns ...*Pattern) *Matcher {
	m := &Matcher{root: &node{path: -1}, patterns: len(patterns)}
	known := map[string]int32{}
	var uses []int
	for i, p := range patterns {
		for _, b := range p.branches {
			r := rule{pattern: int32(i)}
			for _, c := range b {
				at, ok := known[c.key]
				if !ok {
					at = int32(len(m.conditions))
					known[c.key] = at
					m.conditions = append(m.conditions, compiled{condition: c, at: m.path(c.path)})
					uses = append(uses, 0)
				}
				uses[at]++
				r.conditions = append(r.conditions, at)
			}
			m.branches = append(m.branches, r)
		}
	}
	for i, r := range m.branches {
		best, worth := int32(-1), math.MaxInt
		for _, c := range r.conditions {
			if w := m.conditions[c].values.effort()*len(m.branches)*2 + uses[c]; w < worth {
				best, worth = c, w
			}
		}
		c := &m.conditions[best]
		if c.branches = append(c.branches, int32(i)); len(c.branches) == 1 {
			m.index(best, c)
		}
	}
	m.scratch.New = func() any {
		return &match{m: m, verdicts: make([]verdict, len(m.conditions)), seen: make([]uint32, m.patterns)}
	}
	return m
}

// path returns the number of a path.
func (m *Matcher) path(path string) int32 {
	n := m.root
	for name := range strings.SplitSeq(path, ".") {
		n = n.add(name)
	}
	if n.path < 0 {
		n.path = int32(len(m.paths))
		m.paths = append(m.paths, pathIndex{})
	}
	return n.path
}

// effort says how dear it is to look branches up by a condition: 0 with a map, 1 if it has to be tried on each value of its
// path, 2 if it has to be tried on each event.
func (v *values) effort() int {
	switch {
	case v.absent:
		return 2
	case v.exists || len(v.ranges)+len(v.addresses)+len(v.folds)+len(v.foldPrefixes)+len(v.foldSuffixes)+len(v.buts) > 0,
		slices.ContainsFunc(v.wildcards, func(w wildcard) bool { return w[0] == "" && w[len(w)-1] == "" }),
		slices.Contains(v.prefixes, ""), slices.Contains(v.suffixes, ""),
		len(v.numberTexts) > len(v.numbers):
		return 1
	}
	return 0
}

// index puts a condition where the values that meet it find it.
func (m *Matcher) index(i int32, c *compiled) {
	p := &m.paths[c.at]
	switch v := &c.values; v.effort() {
	case 2:
		m.always = append(m.always, i)
	case 1:
		p.others = append(p.others, i)
	default:
		for _, s := range v.strings {
			put(&p.texts, s, i)
		}
		for _, s := range v.literals {
			put(&p.literals, s, i)
		}
		for _, n := range v.numbers {
			put(&p.numbers, n, i)
		}
		prefixes, suffixes := v.prefixes, v.suffixes
		for _, w := range v.wildcards {
			if w[0] != "" {
				prefixes = append(prefixes[:len(prefixes):len(prefixes)], w[0])
			} else {
				suffixes = append(suffixes[:len(suffixes):len(suffixes)], w[len(w)-1])
			}
		}
		for _, s := range prefixes {
			put(&p.prefixes, s, i)
			p.prefixLengths = addLength(p.prefixLengths, len(s))
		}
		for _, s := range suffixes {
			put(&p.suffixes, s, i)
			p.suffixLengths = addLength(p.suffixLengths, len(s))
		}
	}
}

func put[K comparable](m *map[K][]int32, key K, i int32) {
	if *m == nil {
		*m = map[K][]int32{}
	}
	(*m)[key] = append((*m)[key], i)
}

func addLength(lengths []int, n int) []int {
	at, found := slices.BinarySearch(lengths, n)
	if found {
		return lengths
	}
	return slices.Insert(lengths, at, n)
}

// Match returns the numbers of the patterns that an event matches, in order. The error is [ErrEvent] for what is not one
// JSON object.
func (m *Matcher) Match(event []byte) ([]int, error) {
	s := m.scratch.Get().(*match)
	defer m.scratch.Put(s)
	if err := s.run(event); err != nil {
		return nil, err
	}
	if len(s.found) == 0 {
		return nil, nil
	}
	found := slices.Clone(s.found)
	slices.Sort(found)
	return found, nil
}

// match is the work on one event.
type match struct {
	m *Matcher
	reader
	order    []int32 // leaves by path
	first    []int32 // of each path where its leaves begin in order; one more than there are paths
	round    uint32  // in which verdicts and seen were set
	verdicts []verdict
	seen     []uint32 // by pattern
	found    []int
	chosen   []int32 // memberships of the leaves that match so far
}

// verdict is what is known of a condition in a round.
type verdict struct {
	round uint32 // in which holds was found out
	tried uint32 // in which the branches that are looked up by it were tried
	holds bool
}

func (s *match) run(event []byte) error {
	s.reader = reader{in: event, leaves: s.leaves[:0], members: s.members[:0]}
	s.found = s.found[:0]
	if s.round++; s.round == 0 { // after 2^32 events
		clear(s.verdicts)
		clear(s.seen)
		s.round = 1
	}
	err := s.event(s.m.root)
	s.in = nil
	if err != nil {
		return err
	}
	s.sort()
	for i := range s.leaves {
		s.lookUp(&s.leaves[i])
	}
	for _, c := range s.m.always {
		s.candidate(c)
	}
	for i := range s.leaves {
		s.leaves[i].text = nil // the event's
	}
	return nil
}

// sort puts the leaves in the order of their paths.
func (s *match) sort() {
	n := len(s.m.paths) + 1
	s.first = slices.Grow(s.first[:0], n)[:n]
	clear(s.first)
	for i := range s.leaves {
		s.first[s.leaves[i].path+1]++
	}
	for i := 1; i < n; i++ {
		s.first[i] += s.first[i-1]
	}
	s.order = slices.Grow(s.order[:0], len(s.leaves))[:len(s.leaves)]
	for i := len(s.leaves) - 1; i >= 0; i-- {
		// The last leaf of a path goes to the last free place: where the next path begins, less those already placed.
		at := &s.first[s.leaves[i].path+1]
		*at--
		s.order[*at] = int32(i)
	}
	// Now first[p+1] is where path p begins.
	copy(s.first, s.first[1:])
	s.first[n-1] = int32(len(s.leaves))
}

func (s *match) at(path int32) []int32 { return s.order[s.first[path]:s.first[path+1]] }

// lookUp tries the branches that are looked up by conditions which a leaf may meet.
func (s *match) lookUp(l *leaf) {
	p := &s.m.paths[l.path]
	switch l.kind {
	case kindText:
		s.candidates(p.texts[string(l.text)])
		for _, n := range p.prefixLengths {
			if n > len(l.text) {
				break
			}
			s.candidates(p.prefixes[string(l.text[:n])])
		}
		for _, n := range p.suffixLengths {
			if n > len(l.text) {
				break
			}
			s.candidates(p.suffixes[string(l.text[len(l.text)-n:])])
		}
	case kindNumber:
		if len(p.numbers) > 0 {
			if n, ok := l.number(); ok {
				s.candidates(p.numbers[n])
			}
		}
	default:
		s.candidates(p.literals[string(l.text)])
	}
	s.candidates(p.others)
}

func (s *match) candidates(conditions []int32) {
	for _, c := range conditions {
		s.candidate(c)
	}
}

// candidate tries the branches that are looked up by a condition, once for each event.
func (s *match) candidate(c int32) {
	v := &s.verdicts[c]
	if v.tried == s.round {
		return
	}
	if v.tried = s.round; !s.holds(c) {
		return
	}
	for _, b := range s.m.conditions[c].branches {
		r := &s.m.branches[b]
		if s.seen[r.pattern] != s.round && s.all(r.conditions) {
			s.seen[r.pattern] = s.round
			s.found = append(s.found, int(r.pattern))
		}
	}
}

func (s *match) all(conditions []int32) bool {
	for _, c := range conditions {
		if !s.holds(c) {
			return false
		}
	}
	if len(s.members) == 0 || len(conditions) == 1 && !s.m.conditions[conditions[0]].values.absent {
		return true
	}
	s.chosen = s.chosen[:0]
	return s.together(conditions)
}

// holds says whether a condition is met by some value, whatever arrays it is in.
func (s *match) holds(c int32) bool {
	v := &s.verdicts[c]
	if v.round == s.round {
		return v.holds
	}
	v.round = s.round
	v.holds = s.meets(&s.m.conditions[c])
	return v.holds
}

func (s *match) meets(c *compiled) bool {
	leaves := s.at(c.at)
	if c.values.absent && (len(leaves) == 0 || len(s.members) > 0) {
		return true // with arrays together decides
	}
	for _, i := range leaves {
		if c.values.match(&s.leaves[i]) {
			return true
		}
	}
	return false
}

// together says whether conditions are met by values that are in the same elements of the arrays that they share.
func (s *match) together(conditions []int32) bool {
	if len(conditions) == 0 {
		return true
	}
	c := &s.m.conditions[conditions[0]]
	there := false
	for _, i := range s.at(c.at) {
		l := &s.leaves[i]
		if !s.consistent(l.member) {
			continue
		}
		there = true
		if !c.values.match(l) {
			continue
		}
		n := len(s.chosen)
		if l.member >= 0 {
			s.chosen = append(s.chosen, l.member)
		}
		if s.together(conditions[1:]) {
			return true
		}
		s.chosen = s.chosen[:n]
	}
	return c.values.absent && !there && s.together(conditions[1:])
}

// consistent says whether a leaf is in no other element of an array than those that were chosen.
func (s *match) consistent(member int32) bool {
	for ; member >= 0; member = s.members[member].outer {
		a := &s.members[member]
		for _, other := range s.chosen {
			for ; other >= 0 && other != member; other = s.members[other].outer {
				if b := &s.members[other]; b.array == a.array && b.index != a.index {
					return false
				}
			}
		}
	}
	return true
}
