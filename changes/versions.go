package changes

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// span is a run of versions without a gap.
type span struct{ first, last int64 }

// versions are those of one resource that were handled: spans in ascending order with gaps between them. A consumer that gets
// all has one span.
type versions []span

// parseVersions reads what String has written.
func parseVersions(text string) (versions, error) {
	if text == "" {
		return nil, nil
	}
	var v versions
	for part := range strings.SplitSeq(text, ",") {
		first, last, isSpan := strings.Cut(part, "-")
		if !isSpan {
			last = first
		}
		var s span
		var errFirst, errLast error
		s.first, errFirst = strconv.ParseInt(first, 10, 64)
		s.last, errLast = strconv.ParseInt(last, 10, 64)
		after := int64(0)
		if len(v) > 0 {
			after = v[len(v)-1].last
		}
		if errFirst != nil || errLast != nil || s.first <= after || s.last < s.first {
			return nil, fmt.Errorf("the store has %q as the versions that were handled: want text such as 1-7,9", brief(text))
		}
		v = append(v, s)
	}
	return v, nil
}

// String is the spans in ascending order, such as "1-7,9".
func (v versions) String() string {
	var text []byte
	for i, s := range v {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, s.first, 10)
		if s.last > s.first {
			text = strconv.AppendInt(append(text, '-'), s.last, 10)
		}
	}
	return string(text)
}

// add adds a version and says what it is to those that are there.
func (v *versions) add(version int64) Verdict {
	spans := *v
	i := sort.Search(len(spans), func(i int) bool { return version <= spans[i].last }) // the first that does not end before
	if i < len(spans) && spans[i].first <= version {
		return Duplicate
	}
	verdict := Late
	if i == len(spans) {
		verdict = New
	}
	joinsBefore := i > 0 && spans[i-1].last == version-1
	joinsAfter := i < len(spans) && spans[i].first == version+1
	switch {
	case joinsBefore && joinsAfter:
		spans[i-1].last = spans[i].last
		spans = slices.Delete(spans, i, i+1)
	case joinsBefore:
		spans[i-1].last = version
	case joinsAfter:
		spans[i].first = version
	default:
		spans = slices.Insert(spans, i, span{version, version})
	}
	*v = spans
	return verdict
}
