package scheduler

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is a cron() expression: minutes, hours, day of month, month, day of week and year, of which one of the two days is
// "?". https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
//
// A time that the time zone skips in spring is left out; one that comes twice in autumn counts once.
type cron struct {
	zone           *time.Location
	minutes, hours uint64 // bit sets
	months         uint64
	days           func(year int, month time.Month) uint64 // of the month, from bit 1 on
	years          []bool                                  // from firstYear on
}

const firstYear, lastYear = 1970, 2199

var (
	monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// field is what a field of a cron expression may hold.
type field struct {
	min, max int
	names    []string // of min, min+1, ...
}

func parseCron(text string, zone *time.Location) (timetable, bool) {
	parts := strings.Fields(text)
	if len(parts) != 6 || strings.Join(parts, " ") != text {
		return nil, false
	}
	c := &cron{zone: zone}
	sets := make([][]int, 6)
	for i, f := range []field{{0, 59, nil}, {0, 23, nil}, {}, {1, 12, monthNames}, {}, {firstYear, lastYear, nil}} {
		if f.max == 0 {
			continue
		}
		var ok bool
		if sets[i], ok = f.values(parts[i]); !ok {
			return nil, false
		}
	}
	c.minutes, c.hours, c.months = bits(sets[0]), bits(sets[1]), bits(sets[3])
	c.years = make([]bool, lastYear-firstYear+1)
	for _, year := range sets[5] {
		c.years[year-firstYear] = true
	}
	var ok bool
	switch ofMonth, ofWeek := parts[2], parts[4]; {
	case (ofMonth == "?") == (ofWeek == "?"):
		return nil, false
	case ofWeek == "?":
		c.days, ok = daysOfMonth(ofMonth)
	default:
		c.days, ok = daysOfWeek(ofWeek)
	}
	return c, ok
}

// values returns what a field of single values, ranges and steps stands for.
func (f field) values(text string) ([]int, bool) {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var ok bool
			if step, ok = number(stepText); !ok || step < 1 || step > f.max {
				return nil, false
			}
		}
		from, to, ok := f.span(span, stepped)
		if !ok {
			return nil, false
		}
		size := f.max - f.min + 1
		if to < from { // FRI-MON goes round
			to += size
		}
		for v := from; v <= to; v += step {
			all = append(all, f.min+(v-f.min)%size)
		}
	}
	return all, true
}

// span reads "*", a value, or two with a hyphen between them; the start of steps goes on to the field's end.
func (f field) span(text string, stepped bool) (from, to int, ok bool) {
	if text == "*" {
		return f.min, f.max, true
	}
	first, second, isRange := strings.Cut(text, "-")
	if from, ok = f.value(first); !ok {
		return 0, 0, false
	}
	switch {
	case isRange:
		to, ok = f.value(second)
		return from, to, ok && (to >= from || f.max != lastYear)
	case stepped:
		return from, f.max, true
	}
	return from, from, true
}

func (f field) value(text string) (int, bool) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.min + i, true
	}
	n, ok := number(text)
	return n, ok && n >= f.min && n <= f.max
}

// number reads digits only, without a sign.
func number(text string) (int, bool) {
	if text == "" || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

func bits(values []int) uint64 {
	var set uint64
	for _, v := range values {
		set |= 1 << v
	}
	return set
}

// lastDay is the number of a month's days.
func lastDay(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func weekday(year int, month time.Month, day int) time.Weekday {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()
}

func daysOfMonth(text string) (func(int, time.Month) uint64, bool) {
	f := field{1, 31, nil}
	switch upper := strings.ToUpper(text); {
	case upper == "L":
		return func(year int, month time.Month) uint64 { return 1 << lastDay(year, month) }, true
	case upper == "LW":
		return func(year int, month time.Month) uint64 { return 1 << nearestWorkday(year, month, lastDay(year, month)) }, true
	case strings.HasSuffix(upper, "W"):
		day, ok := f.value(strings.TrimSuffix(upper, "W"))
		return func(year int, month time.Month) uint64 {
			if day > lastDay(year, month) {
				return 0
			}
			return 1 << nearestWorkday(year, month, day)
		}, ok
	}
	values, ok := f.values(text)
	set := bits(values)
	return func(year int, month time.Month) uint64 { return set & (2<<lastDay(year, month) - 1) }, ok
}

// nearestWorkday is the day from Monday to Friday that is nearest to a day, in the same month.
func nearestWorkday(year int, month time.Month, day int) int {
	switch weekday(year, month, day) {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == lastDay(year, month) {
			return day - 2
		}
		return day + 1
	}
	return day
}

func daysOfWeek(text string) (func(int, time.Month) uint64, bool) {
	f := field{1, 7, dayNames}
	upper := strings.ToUpper(text)
	if upper == "L" { // the last day of the week
		upper = "SAT"
	}
	if name, ok := strings.CutSuffix(upper, "L"); ok { // the last such day of the month
		day, ok := f.value(name)
		return func(year int, month time.Month) uint64 {
			last := lastDay(year, month)
			return 1 << (last - (int(weekday(year, month, last))-(day-1)+7)%7)
		}, ok
	}
	if name, nth, ok := strings.Cut(upper, "#"); ok { // the nth such day of the month
		day, isDay := f.value(name)
		n, isNumber := number(nth)
		return func(year int, month time.Month) uint64 {
			d := 1 + (day-1-int(weekday(year, month, 1))+7)%7 + 7*(n-1)
			if d > lastDay(year, month) {
				return 0
			}
			return 1 << d
		}, isDay && isNumber && n >= 1 && n <= 5
	}
	values, ok := f.values(upper)
	return func(year int, month time.Month) uint64 {
		var set uint64
		for _, v := range values {
			for d := 1 + (v-1-int(weekday(year, month, 1))+7)%7; d <= lastDay(year, month); d += 7 {
				set |= 1 << d
			}
		}
		return set
	}, ok
}

// next walks over the zone's wall clock from t on.
func (c *cron) next(t time.Time) (time.Time, bool) {
	local := t.In(c.zone)
	fromYear, fromMonth, fromDay := local.Date()
	for year := max(fromYear, firstYear); year <= lastYear; year++ {
		if !c.years[year-firstYear] {
			continue
		}
		for month := time.January; month <= time.December; month++ {
			if c.months>>month&1 == 0 || year == fromYear && month < fromMonth {
				continue
			}
			days := c.days(year, month)
			for day := 1; day <= 31; day++ {
				if days>>day&1 == 0 || year == fromYear && month == fromMonth && day < fromDay {
					continue
				}
				if at, ok := c.within(year, month, day, t); ok {
					return at, true
				}
			}
		}
	}
	return time.Time{}, false
}

// within returns the first time of a day after t.
func (c *cron) within(year int, month time.Month, day int, t time.Time) (time.Time, bool) {
	for hour := range 24 {
		if c.hours>>hour&1 == 0 {
			continue
		}
		for minute := range 60 {
			if c.minutes>>minute&1 == 0 {
				continue
			}
			at := time.Date(year, month, day, hour, minute, 0, 0, c.zone)
			if at.Hour() == hour && at.Minute() == minute && at.After(t) {
				return at.UTC(), true
			}
		}
	}
	return time.Time{}, false
}
