package jsonata

import (
	"math"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// symbols are the characters of $formatNumber's pictures, which its options can replace
// (https://www.w3.org/TR/xpath-functions-31/#defining-decimal-format).
type symbols struct {
	decimal, grouping, exponent, infinity, minus, nan, percent, perMille, zero, digit, pattern string
}

func newSymbols(options *jsonvalue.Object) symbols {
	s := symbols{decimal: ".", grouping: ",", exponent: "e", infinity: "Infinity", minus: "-", nan: "NaN", percent: "%",
		perMille: "‰", zero: "0", digit: "#", pattern: ";"}
	for name, field := range map[string]*string{"decimal-separator": &s.decimal, "grouping-separator": &s.grouping,
		"exponent-separator": &s.exponent, "infinity": &s.infinity, "minus-sign": &s.minus, "NaN": &s.nan, "percent": &s.percent,
		"per-mille": &s.perMille, "zero-digit": &s.zero, "digit": &s.digit, "pattern-separator": &s.pattern} {
		if v, has := options.Get(name); has {
			if text, ok := v.(string); ok && text != "" {
				*field = text
			}
		}
	}
	return s
}

// isDigit reports whether a character is one of the ten digits from zero on.
func (s *symbols) isDigit(r rune) bool {
	zero := []rune(s.zero)[0]
	return zero <= r && r <= zero+9
}

// isActive reports whether a character is part of a number in a picture.
func (s *symbols) isActive(r rune) bool {
	return s.isDigit(r) || string(r) == s.decimal || string(r) == s.grouping || string(r) == s.exponent ||
		string(r) == s.digit || string(r) == s.pattern
}

func (s *symbols) countDigits(text string) int {
	n := 0
	for _, r := range text {
		if s.isDigit(r) {
			n++
		}
	}
	return n
}

// subPicture is the picture of positive or of negative numbers.
type subPicture struct {
	text, prefix, suffix, active string
	integer, fraction, exponent  string
	hasDecimal, hasExponent      bool
	groups, fractionGroups       []int
	regular                      int
	minInteger, scale            int
	minFraction, maxFraction     int
	minExponent                  int
}

func formatNumber(c *call, args []any) (any, error) {
	value, _ := number(args[0])
	picture, ok := textArgument(args, 1)
	if !ok {
		return undefined, nil
	}
	options, _ := argument(args, 2).(*jsonvalue.Object)
	s := newSymbols(options)
	parts := strings.Split(picture, s.pattern)
	if len(parts) > 2 {
		return nil, problem("D3080", nil)
	}
	var pictures []*subPicture
	for _, text := range parts {
		p := s.split(text)
		if code := s.check(p); code != "" {
			return nil, problem(code, nil)
		}
		s.measure(p)
		pictures = append(pictures, p)
	}
	p := pictures[0]
	if value < 0 || math.Signbit(value) && value != 0 {
		if len(pictures) == 2 {
			p = pictures[1]
		} else {
			negative := *p
			negative.prefix = s.minus + p.prefix
			p = &negative
		}
	}
	text := s.format(p, value)
	return text, c.ev.allocate(len(text))
}

func (s *symbols) split(text string) *subPicture {
	p := &subPicture{text: text}
	runes := []rune(text)
	bound := func(r rune) bool { return s.isActive(r) && string(r) != s.exponent }
	from, to := 0, len(runes)
	for from < to && !bound(runes[from]) {
		from++
	}
	for to > from && !bound(runes[to-1]) {
		to--
	}
	p.prefix, p.active, p.suffix = string(runes[:from]), string(runes[from:to]), string(runes[to:])
	var mantissa string
	mantissa, p.exponent, p.hasExponent = strings.Cut(p.active, s.exponent)
	p.integer, p.fraction, p.hasDecimal = strings.Cut(mantissa, s.decimal)
	if !p.hasDecimal {
		p.fraction = p.suffix
	}
	return p
}

// check returns the code of what is wrong with a picture, "" for nothing. Of several rules that are broken the last one
// counts, as in the reference implementation.
func (s *symbols) check(p *subPicture) string {
	mantissa, _, _ := strings.Cut(p.active, s.exponent)
	percents, perMilles := strings.Count(p.text, s.percent), strings.Count(p.text, s.perMille)
	fraction := p.fraction
	if !p.hasDecimal {
		fraction = ""
	}
	activeOnly := strings.IndexFunc(p.active, func(r rune) bool { return !s.isActive(r) }) < 0
	lastDigit := strings.LastIndexFunc(fraction, s.isDigit)
	optional := strings.Index(fraction, s.digit)
	integerOptional := strings.LastIndex(p.integer, s.digit)
	integerDigit := strings.IndexFunc(p.integer, s.isDigit)
	code := ""
	for _, rule := range []struct {
		broken bool
		code   string
	}{
		{strings.Count(p.text, s.decimal) > 1, "D3081"},
		{percents > 1, "D3082"},
		{perMilles > 1, "D3083"},
		{percents > 0 && perMilles > 0, "D3084"},
		{s.countDigits(mantissa) == 0 && !strings.Contains(mantissa, s.digit), "D3085"},
		{!activeOnly || p.active == "" && p.text != "", "D3086"},
		{strings.Contains(mantissa, s.grouping+s.decimal) || strings.Contains(mantissa, s.decimal+s.grouping), "D3087"},
		{!p.hasDecimal && strings.HasSuffix(p.integer, s.grouping), "D3088"},
		{strings.Contains(mantissa, s.grouping+s.grouping), "D3089"},
		{integerOptional >= 0 && integerDigit >= 0 && integerDigit < integerOptional, "D3090"},
		{optional >= 0 && lastDigit > optional, "D3091"},
		{p.hasExponent && percents+perMilles > 0, "D3092"},
		{p.hasExponent && (p.exponent == "" || s.countDigits(p.exponent) != len([]rune(p.exponent))), "D3093"},
	} {
		if rule.broken {
			code = rule.code
		}
	}
	return code
}

// measure finds out how many digits a picture wants.
func (s *symbols) measure(p *subPicture) {
	if !p.hasDecimal {
		p.fraction = ""
	}
	count := func(text string) int { return s.countDigits(text) + strings.Count(text, s.digit) }
	for i, rest := strings.Index(p.integer, s.grouping), p.integer; i >= 0; i = strings.Index(rest, s.grouping) {
		rest = rest[i+len(s.grouping):]
		p.groups = append(p.groups, count(rest))
	}
	var separators []groupSeparator
	for _, position := range p.groups {
		separators = append(separators, groupSeparator{position, 0})
	}
	p.regular = regularDistance(separators)
	for i, r := range p.fraction {
		if string(r) == s.grouping {
			p.fractionGroups = append(p.fractionGroups, count(p.fraction[:i]))
		}
	}
	p.minInteger = s.countDigits(p.integer)
	p.scale = p.minInteger
	p.minFraction = s.countDigits(p.fraction)
	p.maxFraction = count(p.fraction)
	if p.minInteger == 0 && p.maxFraction == 0 {
		if p.hasExponent {
			p.minFraction, p.maxFraction = 1, 1
		} else {
			p.minInteger = 1
		}
	}
	if p.hasExponent && p.minInteger == 0 && strings.Contains(p.integer, s.digit) {
		p.minInteger = 1
	}
	if p.minInteger == 0 && p.minFraction == 0 {
		p.minFraction = 1
	}
	p.minExponent = s.countDigits(p.exponent)
}

func (s *symbols) format(p *subPicture, value float64) string {
	switch {
	case math.IsNaN(value):
		return s.nan
	case math.IsInf(value, 0):
		return p.prefix + s.infinity + p.suffix
	case strings.Contains(p.text, s.percent):
		value *= 100
	case strings.Contains(p.text, s.perMille):
		value *= 1000
	}
	mantissa, exponent := math.Abs(value), 0
	if p.minExponent > 0 && mantissa > 0 {
		for most := math.Pow(10, float64(p.scale)); mantissa > most; exponent++ {
			mantissa /= 10
		}
		for least := math.Pow(10, float64(p.scale-1)); mantissa < least; exponent-- {
			mantissa *= 10
		}
	}
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(round(mantissa, p.maxFraction), 'f', p.maxFraction, 64), ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	whole = strings.Repeat("0", max(0, p.minInteger-len(whole))) + whole
	fraction += strings.Repeat("0", max(0, p.minFraction-len(fraction)))

	var b strings.Builder
	b.WriteString(p.prefix)
	for i := range whole {
		right := len(whole) - i
		if i > 0 && (p.regular > 0 && right%p.regular == 0 || p.regular == 0 && containsInt(p.groups, right)) {
			b.WriteString(s.grouping)
		}
		s.writeDigit(&b, whole[i])
	}
	if fraction != "" {
		b.WriteString(s.decimal)
	}
	for i := range fraction {
		if i > 0 && containsInt(p.fractionGroups, i) {
			b.WriteString(s.grouping)
		}
		s.writeDigit(&b, fraction[i])
	}
	if p.hasExponent {
		b.WriteString(s.exponent)
		if exponent < 0 {
			b.WriteString(s.minus)
			exponent = -exponent
		}
		digits := strconv.Itoa(exponent)
		digits = strings.Repeat("0", max(0, p.minExponent-len(digits))) + digits
		for i := range digits {
			s.writeDigit(&b, digits[i])
		}
	}
	b.WriteString(p.suffix)
	return b.String()
}

func (s *symbols) writeDigit(b *strings.Builder, digit byte) {
	b.WriteRune([]rune(s.zero)[0] + rune(digit-'0'))
}

func containsInt(list []int, n int) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}
