package dynamodbexpr

import (
	"math/big"
	"strconv"
	"strings"
)

// The limits of DynamoDB's numbers: at most 38 significant digits, magnitudes from 1E-130 to 9.99…E+125.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

const (
	notNumeric = "The parameter cannot be converted to a numeric value"
	overflow   = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	underflow  = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	tooPrecise = "Attempting to store more than 38 significant digits in a Number"
)

// decimal is ±0.d₁d₂… × 10^(exponent+1), that is d₁.d₂… × 10^exponent. Zero has no digits.
type decimal struct {
	negative bool
	digits   string // no zero at either end
	exponent int
}

// ParseNumber returns a number's canonical form, plain digits without needless zeros ("-12.5"), or what DynamoDB says of
// text that is none of its numbers.
func ParseNumber(text string) (canonical, problem string) {
	if isPlainInteger(text) {
		return text, ""
	}
	if text == "" {
		return "", notNumeric
	}
	d, ok := parseDecimal(text)
	if !ok {
		return "", notNumeric + ": " + text
	}
	if problem := d.problem(); problem != "" {
		return "", problem
	}
	return d.String(), ""
}

// isPlainInteger spots the most common numbers, which are canonical as they are.
func isPlainInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > maxDigits || digits[0] == '0' {
		return s == "0"
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

func (d decimal) problem() string {
	switch {
	case d.digits == "":
		return ""
	case d.exponent > maxExponent:
		return overflow
	case d.exponent < minExponent:
		return underflow
	case len(d.digits) > maxDigits:
		return tooPrecise
	}
	return ""
}

// parseDecimal reads digits with a sign, a point and an exponent where wanted.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	shift := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exponent := strings.TrimPrefix(s[i+1:], "+")
		if strings.HasPrefix(exponent, "-") && strings.HasPrefix(s[i+1:], "+") {
			return d, false
		}
		n, err := strconv.Atoi(exponent)
		if err != nil {
			if len(exponent) < 10 {
				return d, false
			}
			for _, c := range strings.TrimPrefix(exponent, "-") {
				if c < '0' || c > '9' {
					return d, false
				}
			}
			n = 1 << 30 // beyond every range
			if exponent[0] == '-' {
				n = -n
			}
		}
		shift, s = n, s[:i]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" && fraction == "" {
		return d, false
	}
	all := whole + fraction
	for i := range len(all) {
		if all[i] < '0' || all[i] > '9' {
			return d, false
		}
	}
	d.digits = strings.TrimLeft(all, "0")
	d.exponent = len(whole) - 1 - (len(all) - len(d.digits)) + shift
	d.digits = strings.TrimRight(d.digits, "0")
	if d.digits == "" {
		return decimal{}, true
	}
	return d, true
}

// String returns the canonical form.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.negative {
		b.WriteByte('-')
	}
	switch n := d.exponent + 1; {
	case n <= 0:
		b.WriteString("0.")
		for range -n {
			b.WriteByte('0')
		}
		b.WriteString(d.digits)
	case n >= len(d.digits):
		b.WriteString(d.digits)
		for range n - len(d.digits) {
			b.WriteByte('0')
		}
	default:
		b.WriteString(d.digits[:n])
		b.WriteByte('.')
		b.WriteString(d.digits[n:])
	}
	return b.String()
}

// CompareNumbers compares two canonical numbers: -1, 0 or 1.
func CompareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	na, nb := a[0] == '-', b[0] == '-'
	switch {
	case na && nb:
		return compareMagnitudes(b[1:], a[1:])
	case na:
		return -1
	case nb:
		return 1
	}
	return compareMagnitudes(a, b)
}

func compareMagnitudes(a, b string) int {
	wholeA, fractionA, _ := strings.Cut(a, ".")
	wholeB, fractionB, _ := strings.Cut(b, ".")
	switch {
	case len(wholeA) != len(wholeB):
		if len(wholeA) < len(wholeB) {
			return -1
		}
		return 1
	case wholeA != wholeB:
		return strings.Compare(wholeA, wholeB)
	}
	return strings.Compare(fractionA, fractionB)
}

// AddNumbers returns the exact sum of two canonical numbers, or their difference, or what DynamoDB says of a result that
// it cannot store.
func AddNumbers(a, b string, subtract bool) (sum, problem string) {
	if len(a) < 18 && len(b) < 18 {
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		if errX == nil && errY == nil {
			if subtract {
				y = -y
			}
			return strconv.FormatInt(x+y, 10), ""
		}
	}
	x, _ := parseDecimal(a)
	y, _ := parseDecimal(b)
	if subtract {
		y.negative = !y.negative
	}
	// The exponents of the last digits.
	lastX, lastY := x.exponent-len(x.digits)+1, y.exponent-len(y.digits)+1
	if x.digits == "" {
		lastX = lastY
	}
	if y.digits == "" {
		lastY = lastX
	}
	last := min(lastX, lastY)
	total := new(big.Int).Add(x.scaled(lastX-last), y.scaled(lastY-last))
	d := decimal{negative: total.Sign() < 0}
	text := total.Abs(total).String()
	d.exponent = last + len(text) - 1
	if d.digits = strings.TrimRight(text, "0"); d.digits == "" {
		return "0", ""
	}
	if problem := d.problem(); problem != "" {
		return "", problem
	}
	return d.String(), ""
}

// scaled returns the digits as an integer, with zeros appended.
func (d decimal) scaled(zeros int) *big.Int {
	n := new(big.Int)
	if d.digits == "" {
		return n
	}
	n.SetString(d.digits+strings.Repeat("0", zeros), 10)
	if d.negative {
		n.Neg(n)
	}
	return n
}

// NumberDigits returns what the storage of a canonical number depends on: whether it is negative, its significant digits
// without a point, and the exponent of the first one. Zero has no digits.
func NumberDigits(canonical string) (negative bool, digits string, exponent int) {
	d, _ := parseDecimal(canonical)
	return d.negative, d.digits, d.exponent
}
