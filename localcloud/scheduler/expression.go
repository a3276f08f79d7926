package scheduler

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones by name, on machines that have no database of them too
)

// timetable tells the times that a schedule expression means.
type timetable interface {
	// next returns the first time after t, and false if there is none.
	next(t time.Time) (time.Time, bool)
}

// once is an at() expression.
type once struct{ at time.Time }

func (o once) next(t time.Time) (time.Time, bool) { return o.at, o.at.After(t) }

// every is a rate() expression: its start, and from there on every period.
type every struct {
	start  time.Time
	period time.Duration
}

func (e every) next(t time.Time) (time.Time, bool) {
	if t.Before(e.start) {
		return e.start, true
	}
	since := t.Sub(e.start)
	return t.Add(e.period - since%e.period), true
}

// latest returns the last time of a timetable up to now, if first is one.
func latest(table timetable, first, now time.Time) time.Time {
	if e, ok := table.(every); ok && !now.Before(first) {
		return now.Add(-(now.Sub(first) % e.period))
	}
	for {
		next, ok := table.next(first)
		if !ok || next.After(now) {
			return first
		}
		first = next
	}
}

var (
	atForm   = regexp.MustCompile(`^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$`)
	rateForm = regexp.MustCompile(`^rate\((\d{1,9}) (minute|hour|day)s?\)$`)
	cronForm = regexp.MustCompile(`^cron\((.+)\)$`)
)

// parseExpression reads a schedule expression. A rate begins at start; at() and cron() are read in the time zone. A day of
// a rate is 24 hours whatever the time zone does, as AWS documents.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func parseExpression(text string, zone *time.Location, start time.Time) (timetable, bool) {
	if m := atForm.FindStringSubmatch(text); m != nil {
		at, err := time.ParseInLocation("2006-01-02T15:04:05", m[1], zone)
		return once{at.UTC()}, err == nil
	}
	if m := rateForm.FindStringSubmatch(text); m != nil {
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64/int64(unit) {
			return nil, false
		}
		return every{start, time.Duration(n) * unit}, true
	}
	if m := cronForm.FindStringSubmatch(text); m != nil {
		return parseCron(m[1], zone)
	}
	return nil, false
}

// Valid says whether a text is a schedule expression.
func Valid(expression string) bool {
	_, ok := parseExpression(expression, time.UTC, time.Time{})
	return ok
}

// Next returns the first time after a time that a schedule expression means, in UTC and with a rate that begins a period
// after start: a rule's first event comes when its period has passed. There may be none.
func Next(expression string, start, after time.Time) (time.Time, bool) {
	table, ok := parseExpression(expression, time.UTC, start)
	if !ok {
		return time.Time{}, false
	}
	if e, is := table.(every); is && after.Before(e.start) {
		after = e.start
	}
	return table.next(after)
}

// loadZone returns the time zone of an IANA name; UTC for none.
func loadZone(name string) (*time.Location, bool) {
	if name == "" {
		return time.UTC, true
	}
	if strings.EqualFold(name, "local") { // Go's name for the machine's own
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}
