package jsonata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// isoText is what $toMillis takes without a picture.
var isoText = regexp.MustCompile(`^(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(?:T([0-2]\d):([0-5]\d):([0-5]\d))?(?:\.(\d+))?(?:([+-])([0-2]\d):?([0-5]\d)|(Z))?$`)

// parseISO reads an ISO 8601 timestamp; one without a zone is in UTC.
func parseISO(text string) (float64, bool) {
	m := isoText.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	field := func(i, missing int) int {
		if m[i] == "" {
			return missing
		}
		n, _ := strconv.Atoi(m[i])
		return n
	}
	month, date := field(2, 1), field(3, 1)
	hour := field(4, 0)
	if month < 1 || month > 12 || date < 1 || date > 31 || hour > 24 || hour == 24 && field(5, 0)+field(6, 0) > 0 {
		return 0, false
	}
	millis := 0
	if m[7] != "" {
		millis, _ = strconv.Atoi((m[7] + "00")[:3])
	}
	t := time.Date(field(1, 0), time.Month(month), date, hour, field(5, 0), field(6, 0), millis*1e6, time.UTC)
	offset := time.Duration(field(9, 0))*time.Hour + time.Duration(field(10, 0))*time.Minute
	if m[8] == "-" {
		offset = -offset
	}
	return float64(t.Add(-offset).UnixMilli()), true
}

// pattern is the regular expression for what a part of a picture reads, without groups.
func (p *datePart) pattern() (string, error) {
	switch {
	case p.component == 0:
		return regexp.QuoteMeta(p.literal), nil
	case p.component == 'Z' || p.component == 'z':
		pattern := "[-+][0-9]+"
		if p.integer != nil && p.integer.regular > 0 {
			pattern += regexp.QuoteMeta(string(p.integer.separator)) + "[0-9]+"
		} else if p.integer != nil && p.integer.mandatory <= 2 {
			pattern += "(?::[0-9]+)?"
		}
		if p.component == 'z' {
			pattern = "GMT" + pattern
		}
		if p.marker == 't' {
			pattern = "(?:" + pattern + "|Z)"
		}
		return pattern, nil
	case p.integer != nil:
		return p.integer.pattern(), nil
	case !p.names:
		return "", problem("D3133", string(p.component))
	}
	switch p.component {
	case 'M', 'x', 'F', 'P':
		return "[a-zA-Z]+", nil
	case 'C', 'E':
		return "ISO", nil
	}
	return "", problem("D3133", string(p.component))
}

// nameValues are the names that a component may have, in lower case, with their numbers.
func (p *datePart) nameValues() map[string]float64 {
	values := map[string]float64{}
	add := func(name string, value int) {
		if p.maxWidth > 0 && len(name) > p.maxWidth {
			name = name[:p.maxWidth]
		}
		values[strings.ToLower(name)] = float64(value)
	}
	switch p.component {
	case 'M', 'x':
		for m := time.January; m <= time.December; m++ {
			add(m.String(), int(m))
		}
	case 'F':
		for i := 1; i <= 7; i++ {
			add(time.Weekday(i%7).String(), i)
		}
	case 'P':
		values["am"], values["pm"] = 0, 1
	}
	return values
}

func (f *integerFormat) pattern() string {
	switch f.style {
	case letterStyle:
		return "[a-zA-Z]+"
	case romanStyle:
		return "[IVXLCDMivxlcdm]+"
	case wordStyle:
		return wordsPattern
	}
	digits := "[" + string(f.zero) + "-" + string(f.zero+9)
	for _, s := range f.separators {
		digits += regexp.QuoteMeta(string(s.character))
	}
	pattern := digits + "]+"
	if f.fixed > 0 {
		pattern = digits + "]{" + strconv.Itoa(f.fixed) + "}"
	}
	if f.ordinal {
		pattern += "(?:th|st|nd|rd)"
	}
	return pattern
}

// parse reads what the part's pattern has matched.
func (p *datePart) parse(text string) (float64, error) {
	switch {
	case p.component == 'Z' || p.component == 'z':
		return p.parseZone(strings.TrimPrefix(strings.ToUpper(text), "GMT")), nil
	case p.integer != nil:
		if p.component == 'f' {
			return leadingInteger(text), nil
		}
		return p.integer.parse(text)
	}
	if value, known := p.nameValues()[strings.ToLower(text)]; known {
		return value, nil
	}
	if p.component == 'C' || p.component == 'E' {
		return 0, nil
	}
	return math.NaN(), nil
}

// parseZone returns a zone's offset in minutes.
func (p *datePart) parseZone(text string) float64 {
	if text == "Z" {
		return 0
	}
	sign := 1.0
	if text[0] == '-' {
		sign = -1
	}
	digits := text[1:]
	separator := ":"
	if p.integer != nil && p.integer.regular > 0 {
		separator = string(p.integer.separator)
	}
	hours, minutes, separated := strings.Cut(digits, separator)
	if !separated && len(digits) > 2 {
		hours, minutes = digits[:len(digits)-2], digits[len(digits)-2:]
	}
	h, _ := strconv.Atoi(hours)
	m, _ := strconv.Atoi(minutes)
	return sign * float64(h*60+m)
}

// parseDate reads a time by a picture; ok is false when the text does not fit.
func parseDate(text string, parts []datePart, now time.Time) (millis float64, ok bool, err error) {
	var b strings.Builder
	b.WriteString("(?i)^")
	for i := range parts {
		pattern, err := parts[i].pattern()
		if err != nil {
			return 0, false, err
		}
		b.WriteString("(" + pattern + ")")
	}
	re, compileErr := regexp.Compile(b.String() + "$")
	if compileErr != nil {
		return 0, false, problem("D3136", nil)
	}
	m := re.FindStringSubmatch(text)
	if m == nil {
		return 0, false, nil
	}
	given := map[byte]float64{}
	for i := range parts {
		if parts[i].component == 0 {
			continue
		}
		value, err := parts[i].parse(m[i+1])
		if err != nil || math.IsNaN(value) {
			return 0, false, err
		}
		given[parts[i].component] = value
	}
	return assemble(given, now)
}

// onlyOf reports whether there are components of a group and all of them are allowed.
func onlyOf(given map[byte]float64, group, allowed string) bool {
	some := false
	for i := range group {
		if _, has := given[group[i]]; has {
			if strings.IndexByte(allowed, group[i]) < 0 {
				return false
			}
			some = true
		}
	}
	return some
}

// assemble makes a time of its components. Greater ones that are missing are those of now, smaller ones the least.
func assemble(given map[byte]float64, now time.Time) (millis float64, ok bool, err error) {
	if len(given) == 0 {
		return 0, false, nil
	}
	const dates, times = "YXMxWwdD", "PHhmsf"
	order := "YMD"
	ofYear := false
	switch {
	case onlyOf(given, dates, "YMD"):
	case onlyOf(given, dates, "Yd"):
		ofYear, order = true, "Yd"
	case onlyOf(given, dates, "Xxw"), onlyOf(given, dates, "XW"):
		return 0, false, problem("D3136", nil) // weeks are written but not read
	}
	halves := !onlyOf(given, times, "Hmsf") && onlyOf(given, times, "Phmsf")
	if halves {
		order += "Phmsf"
	} else {
		order += "Hmsf"
	}
	started, ended := false, false
	for i := range order {
		c := order[i]
		if _, has := given[c]; has {
			if started = true; ended {
				return 0, false, problem("D3136", nil)
			}
			continue
		}
		if !started {
			given[c] = dateComponent(now, c)
			continue
		}
		ended = true
		given[c] = 0
		if strings.IndexByte("MDd", c) >= 0 {
			given[c] = 1
		}
	}
	if halves {
		given['H'] = math.Mod(given['h'], 12) + 12*given['P']
	}
	month, date := given['M'], given['D']
	if ofYear {
		month, date = 1, given['d']
	}
	if math.Abs(given['Y']) > 1e6 || month > 1e6 || date > 1e6 || given['H'] > 1e6 || given['m'] > 1e6 || given['s'] > 1e6 {
		return 0, false, problem("D3136", nil)
	}
	t := time.Date(int(given['Y']), time.Month(int(month)), int(date), int(given['H']), int(given['m']), int(given['s']), 0, time.UTC)
	zone := given['Z'] + given['z']
	return float64(t.UnixMilli()) + given['f'] - zone*60_000, true, nil
}
