package jsonata

import (
	"math"
	"strconv"
	"strings"
)

type integerStyle uint8

const (
	decimalStyle integerStyle = iota
	letterStyle
	romanStyle
	wordStyle
	unknownStyle
)

type letterCase uint8

const (
	lowerCase letterCase = iota
	upperCase
	titleCase
)

// integerFormat is a picture of an integer, as XPath's format-integer has them
// (https://www.w3.org/TR/xpath-functions-31/#formatting-integers).
type integerFormat struct {
	picture   string // of unknownStyle
	style     integerStyle
	letters   letterCase
	ordinal   bool
	zero      rune // the digit 0 of its family
	mandatory int  // digits
	optional  int
	regular   int // the distance of grouping separators, 0 when it is not always the same
	separator rune
	// separators are those of an irregular grouping, from the right.
	separators []groupSeparator
	fixed      int // of a date's component: how many digits are read; 0 for all there are
}

type groupSeparator struct {
	position  int // digits on its right
	character rune
}

// digitZeros are the zeros of the decimal digit families.
var digitZeros = []rune{0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
	0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
	0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10}

func parseIntegerPicture(picture string) (*integerFormat, error) {
	f := &integerFormat{}
	primary := picture
	if i := strings.LastIndexByte(picture, ';'); i >= 0 {
		primary = picture[:i]
		f.ordinal = strings.HasPrefix(picture[i+1:], "o")
	}
	switch primary {
	case "A":
		f.style, f.letters = letterStyle, upperCase
	case "a":
		f.style = letterStyle
	case "I":
		f.style, f.letters = romanStyle, upperCase
	case "i":
		f.style = romanStyle
	case "W":
		f.style, f.letters = wordStyle, upperCase
	case "Ww":
		f.style, f.letters = wordStyle, titleCase
	case "w":
		f.style = wordStyle
	default:
		return f, f.decimal(primary)
	}
	return f, nil
}

func zeroOf(r rune) (rune, bool) {
	for _, zero := range digitZeros {
		if zero <= r && r <= zero+9 {
			return zero, true
		}
	}
	return 0, false
}

func (f *integerFormat) decimal(primary string) error {
	runes := []rune(primary)
	position := 0
	for i := len(runes) - 1; i >= 0; i-- {
		zero, isDigit := zeroOf(runes[i])
		switch {
		case isDigit:
			if f.zero == 0 {
				f.zero = zero
			} else if f.zero != zero {
				return problem("D3131", nil)
			}
			f.mandatory++
			position++
		case runes[i] == '#':
			f.optional++
			position++
		default:
			f.separators = append(f.separators, groupSeparator{position, runes[i]})
		}
	}
	if f.mandatory == 0 {
		f.style, f.picture = unknownStyle, primary
		return nil
	}
	if f.regular = regularDistance(f.separators); f.regular > 0 {
		f.separator = f.separators[0].character
	}
	return nil
}

// regularDistance returns the distance of separators that are all alike and stand at all its multiples, or 0.
func regularDistance(separators []groupSeparator) int {
	distance := 0
	for _, s := range separators {
		if s.character != separators[0].character {
			return 0
		}
		distance = greatestDivisor(s.position, distance)
	}
	for i := range separators {
		found := false
		for _, s := range separators {
			found = found || s.position == (i+1)*distance
		}
		if !found {
			return 0
		}
	}
	return distance
}

func greatestDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// maxLetters bounds numbers as letters and words, whose texts grow with the number.
const maxLetters = 1e18

func (f *integerFormat) format(value float64) (string, error) {
	negative := value < 0
	value = math.Abs(value)
	var text string
	switch f.style {
	case letterStyle, romanStyle:
		most := maxLetters
		if f.style == romanStyle {
			most = 1e6 // a thousand letters M
		}
		if value > most || math.IsNaN(value) {
			return "", problem("D1001", value)
		}
		if f.style == letterStyle {
			text = toLetters(int64(value))
		} else {
			text = toRoman(int64(value))
		}
		if f.letters == upperCase {
			text = strings.ToUpper(text)
		}
	case wordStyle:
		if value > 1e300 || math.IsNaN(value) {
			return "", problem("D1001", value)
		}
		text = toWords(value, f.ordinal)
		switch f.letters {
		case upperCase:
			text = strings.ToUpper(text)
		case lowerCase:
			text = strings.ToLower(text)
		}
	case unknownStyle:
		return "", problem("D3130", f.picture)
	default:
		text = f.digits(value)
	}
	if negative {
		text = "-" + text
	}
	return text, nil
}

func (f *integerFormat) digits(value float64) string {
	text := numberText(value)
	if missing := f.mandatory - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	suffix := ""
	if f.ordinal {
		suffix = ordinalSuffix(text)
	}
	var b []rune
	for i, r := range text {
		right := len(text) - i
		if i > 0 && f.regular > 0 && right%f.regular == 0 {
			b = append(b, f.separator)
		}
		for _, s := range f.separators {
			if f.regular == 0 && i > 0 && s.position == right {
				b = append(b, s.character)
			}
		}
		if '0' <= r && r <= '9' {
			r += f.zero - '0'
		}
		b = append(b, r)
	}
	return string(b) + suffix
}

func ordinalSuffix(digits string) string {
	last := digits[len(digits)-1]
	if len(digits) < 2 || digits[len(digits)-2] != '1' {
		switch last {
		case '1':
			return "st"
		case '2':
			return "nd"
		case '3':
			return "rd"
		}
	}
	return "th"
}

// parse reads a text in the format; the result is NaN when it is not in it.
func (f *integerFormat) parse(text string) (float64, error) {
	switch f.style {
	case letterStyle:
		return fromLetters(text, f.letters == upperCase), nil
	case romanStyle:
		return fromRoman(strings.ToUpper(text)), nil
	case wordStyle:
		return fromWords(strings.ToLower(text)), nil
	case unknownStyle:
		return 0, problem("D3130", f.picture)
	}
	if f.ordinal && len(text) > 2 {
		text = text[:len(text)-2]
	}
	var digits strings.Builder
	for _, r := range text {
		if f.isSeparator(r) {
			continue
		}
		if f.zero <= r && r <= f.zero+9 {
			r += '0' - f.zero
		}
		digits.WriteRune(r)
	}
	return leadingInteger(digits.String()), nil
}

func (f *integerFormat) isSeparator(r rune) bool {
	for _, s := range f.separators {
		if s.character == r {
			return true
		}
	}
	return false
}

// leadingInteger reads the integer that a text begins with.
func leadingInteger(s string) float64 {
	s = strings.TrimLeft(s, " \t\n\r")
	end := 0
	if end < len(s) && (s[end] == '-' || s[end] == '+') {
		end++
	}
	for end < len(s) && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	f, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

func toLetters(n int64) string {
	var b []byte
	for ; n > 0; n = (n - 1) / 26 {
		b = append([]byte{byte('a' + (n-1)%26)}, b...)
	}
	return string(b)
}

func fromLetters(s string, upper bool) float64 {
	first := byte('a')
	if upper {
		first = 'A'
	}
	n := 0.0
	for i := 0; i < len(s); i++ {
		n = n*26 + float64(int(s[i])-int(first)+1)
	}
	return n
}

var romanNumerals = []struct {
	value  int64
	letter string
}{{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"}, {9, "ix"},
	{5, "v"}, {4, "iv"}, {1, "i"}}

func toRoman(n int64) string {
	var b strings.Builder
	for _, r := range romanNumerals {
		for ; n >= r.value; n -= r.value {
			b.WriteString(r.letter)
		}
	}
	return b.String()
}

func fromRoman(s string) float64 {
	values := map[byte]float64{'M': 1000, 'D': 500, 'C': 100, 'L': 50, 'X': 10, 'V': 5, 'I': 1}
	total, most := 0.0, 1.0
	for i := len(s) - 1; i >= 0; i-- {
		v := values[s[i]]
		if v < most {
			total -= v
		} else {
			most = v
			total += v
		}
	}
	return total
}
