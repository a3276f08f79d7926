package jsonata

import (
	"math"
	"strings"
	"time"
)

const day = 24 * time.Hour

// formatDate writes a time by a picture.
func formatDate(t time.Time, parts []datePart) (string, error) {
	var b strings.Builder
	for i := range parts {
		p := &parts[i]
		if p.component == 0 {
			b.WriteString(p.literal)
			continue
		}
		text, err := p.format(t)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func (p *datePart) format(t time.Time) (string, error) {
	switch p.component {
	case 'Z', 'z':
		return p.formatZone(t)
	case 'C', 'E':
		return "ISO", nil
	case 'P':
		text := "am"
		if t.Hour() >= 12 {
			text = "pm"
		}
		if p.names && p.letters == upperCase {
			text = strings.ToUpper(text)
		}
		return text, nil
	}
	value := dateComponent(t, p.component)
	if p.names {
		return p.name(value)
	}
	if p.component == 'Y' && p.yearDigits > 0 {
		value = math.Mod(value, math.Pow(10, float64(p.yearDigits)))
	}
	return p.integer.format(value)
}

func (p *datePart) name(value float64) (string, error) {
	var text string
	switch p.component {
	case 'M', 'x':
		text = time.Month(int(value)).String()
	case 'F':
		text = time.Weekday(int(value) % 7).String()
	default:
		return "", problem("D3133", string(p.component))
	}
	switch p.letters {
	case upperCase:
		text = strings.ToUpper(text)
	case lowerCase:
		text = strings.ToLower(text)
	}
	if p.maxWidth > 0 && len(text) > p.maxWidth {
		text = text[:p.maxWidth]
	}
	return text, nil
}

func (p *datePart) formatZone(t time.Time) (string, error) {
	_, seconds := t.Zone()
	minutes := seconds / 60
	hours, rest := minutes/60, minutes%60
	f := p.integer
	if f == nil {
		f = &integerFormat{zero: '0', mandatory: 2, regular: 2, separator: ':'}
	}
	var text string
	var err error
	switch {
	case f.regular > 0:
		text, err = f.format(float64(hours*100 + rest))
	case f.mandatory == 1 || f.mandatory == 2:
		text, err = f.format(float64(hours))
		if err == nil && rest != 0 {
			minute, _ := (&integerFormat{zero: f.zero, mandatory: 2}).format(math.Abs(float64(rest)))
			text += ":" + minute
		}
	case f.mandatory == 3 || f.mandatory == 4:
		text, err = f.format(float64(hours*100 + rest))
	default:
		return "", problem("D3134", float64(f.mandatory))
	}
	if err != nil {
		return "", err
	}
	if minutes >= 0 {
		text = "+" + text
	}
	if p.component == 'z' {
		text = "GMT" + text
	}
	if minutes == 0 && p.marker == 't' {
		text = "Z"
	}
	return text, nil
}

// dateComponent is the number that a component of a picture stands for.
func dateComponent(t time.Time, component byte) float64 {
	year, week := t.ISOWeek()
	n := 0
	switch component {
	case 'Y':
		n = t.Year()
	case 'M':
		n = int(t.Month())
	case 'D':
		n = t.Day()
	case 'd':
		n = t.YearDay()
	case 'F':
		n = isoWeekday(t)
	case 'W':
		n = week
	case 'X':
		n = year
	case 'w', 'x':
		start := monthOfWeek(t)
		if n = int(start.month); component == 'w' {
			n = int(dateOnly(t).Sub(start.monday)/(7*day)) + 1
		}
	case 'H':
		n = t.Hour()
	case 'h':
		if n = t.Hour() % 12; n == 0 {
			n = 12
		}
	case 'm':
		n = t.Minute()
	case 's':
		n = t.Second()
	case 'f':
		n = t.Nanosecond() / 1e6
	case 'P':
		if t.Hour() >= 12 {
			n = 1
		}
	}
	return float64(n)
}

// isoWeekday counts from Monday, which is 1.
func isoWeekday(t time.Time) int {
	if t.Weekday() == time.Sunday {
		return 7
	}
	return int(t.Weekday())
}

func dateOnly(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// firstWeek is a month with the Monday of its first week, which is the one with the month's first Thursday.
type firstWeek struct {
	month  time.Month
	monday time.Time
}

func firstWeekOf(year int, month time.Month) firstWeek {
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	offset := 1 - isoWeekday(first)
	if offset < -3 {
		offset += 7
	}
	return firstWeek{first.Month(), first.AddDate(0, 0, offset)}
}

// monthOfWeek is the month to which a day's week belongs.
func monthOfWeek(t time.Time) firstWeek {
	today := dateOnly(t)
	this := firstWeekOf(t.Year(), t.Month())
	next := firstWeekOf(t.Year(), t.Month()+1)
	switch {
	case today.Before(this.monday):
		return firstWeekOf(t.Year(), t.Month()-1)
	case !today.Before(next.monday):
		return next
	}
	return this
}
