package healthlake

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// window is the time from `from`, and before `to`, in nanoseconds since 1970.
type window struct{ from, to int64 }

// always is every time.
var always = []window{{beginning, end}}

var dateForm = regexp.MustCompile(`^(\d{4})(-\d\d)?(-\d\d)?(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$`)

// parsePeriod reads a date as FHIR's search does: as the time that its precision leaves open. A date without a time zone is
// UTC. https://hl7.org/fhir/R4/search.html#date
func parsePeriod(text string) (from, to time.Time, ok bool) {
	m := dateForm.FindStringSubmatch(text)
	if m == nil || m[4] != "" && m[3] == "" || m[3] != "" && m[2] == "" {
		return from, to, false
	}
	layout := "2006"
	add := func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }
	if m[2] != "" {
		layout += "-01"
		add = func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }
	}
	if m[3] != "" {
		layout += "-02"
		add = func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
	}
	if m[4] != "" {
		layout += "T15:04"
		step := time.Minute
		if m[5] != "" {
			layout += ":05" // and its decimals, if there are any
			step = time.Second
		}
		for range max(len(m[6])-1, 0) {
			step /= 10
		}
		if m[7] != "" {
			layout += "Z07:00"
		}
		add = func(t time.Time) time.Time { return t.Add(step) }
	}
	from, err := time.Parse(layout, text)
	if err != nil || from.Year() < 1700 || from.Year() > 2200 { // what nanoseconds in 64 bits hold
		return from, to, false
	}
	return from, add(from), true
}

// parseWindows reads a search value of a date: alternatives behind prefixes.
func parseWindows(text string) ([]window, error) {
	var all []window
	for value := range strings.SplitSeq(text, ",") {
		value = strings.TrimSpace(value)
		prefix := "eq"
		if len(value) > 2 && value[0] > '9' {
			prefix, value = value[:2], value[2:]
		}
		from, to, ok := parsePeriod(value)
		if !ok {
			return nil, invalid("value", "%q is not a date.", value)
		}
		first, last := from.UnixNano(), to.UnixNano()
		switch prefix {
		case "eq":
			all = append(all, window{first, last})
		case "ne":
			all = append(all, window{beginning, first}, window{last, end})
		case "gt", "sa":
			all = append(all, window{last, end})
		case "ge":
			all = append(all, window{first, end})
		case "lt", "eb":
			all = append(all, window{beginning, first})
		case "le":
			all = append(all, window{beginning, last})
		default:
			return nil, invalid("value", "The prefix %q is not supported.", prefix)
		}
	}
	return union(all), nil
}

// union sorts windows and joins those that meet.
func union(all []window) []window {
	slices.SortFunc(all, func(a, b window) int {
		if a.from < b.from {
			return -1
		}
		return 1
	})
	var joined []window
	for _, w := range all {
		if n := len(joined); n > 0 && w.from <= joined[n-1].to {
			joined[n-1].to = max(joined[n-1].to, w.to)
		} else {
			joined = append(joined, w)
		}
	}
	return joined
}

// intersect returns what is in both of two sorted sets.
func intersect(a, b []window) []window {
	var both []window
	for _, x := range a {
		for _, y := range b {
			if w := (window{max(x.from, y.from), min(x.to, y.to)}); w.from < w.to {
				both = append(both, w)
			}
		}
	}
	return both
}
