package vtl

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/javatext"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// The numbers of Java that a template meets. JSON and the template's own literals give integer where the number fits
// into 64 bits, bigInteger where it does not, and double; long decimal numbers in JSON are bigDecimal.
type (
	integer    int64
	double     float64
	bigInteger struct{ v *big.Int }
	// bigDecimal is unscaled * 10^-scale.
	bigDecimal struct {
		unscaled *big.Int
		scale    int32
	}
)

// Number returns the number as JSON: see jsonpath.Numeric.
func (n integer) Number() jsonvalue.Number { return jsonvalue.NumberFromInt(int64(n)) }

// Number returns the number as JSON, or "" for an infinity or what is not a number.
func (n double) Number() jsonvalue.Number {
	if f := float64(n); math.IsInf(f, 0) || math.IsNaN(f) {
		return ""
	}
	return jsonvalue.Number(javatext.Double(float64(n)))
}

// Number returns the number as JSON.
func (n *bigInteger) Number() jsonvalue.Number { return jsonvalue.Number(n.v.String()) }

// Number returns the number as JSON.
func (n *bigDecimal) Number() jsonvalue.Number { return jsonvalue.Number(n.String()) }

// maxScale bounds the exponents of decimal numbers that are computed with, since sums write them out.
const maxScale = 5000

// String writes the number as java.math.BigDecimal.toString does.
func (n *bigDecimal) String() string {
	digits := n.unscaled.String()
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if n.scale == 0 {
		return sign + digits
	}
	exponent := int64(len(digits)) - 1 - int64(n.scale)
	if n.scale > 0 && exponent >= -6 {
		if zeros := int(n.scale) - len(digits) + 1; zeros > 0 {
			digits = strings.Repeat("0", zeros) + digits
		}
		point := len(digits) - int(n.scale)
		return sign + digits[:point] + "." + digits[point:]
	}
	s := sign + digits[:1]
	if len(digits) > 1 {
		s += "." + digits[1:]
	}
	if exponent == 0 {
		return s
	}
	if exponent > 0 {
		return s + "E+" + strconv.FormatInt(exponent, 10)
	}
	return s + "E" + strconv.FormatInt(exponent, 10)
}

// parseDecimal reads what java.math.BigDecimal's constructor reads; false for anything else.
func parseDecimal(s string) (*bigDecimal, bool) {
	mantissa, exponent := s, int64(0)
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.ParseInt(s[i+1:], 10, 32)
		if err != nil {
			return nil, false
		}
		mantissa, exponent = s[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	unscaled, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return nil, false
	}
	scale := int64(len(fraction)) - exponent
	if scale > math.MaxInt32 || scale < math.MinInt32 {
		return nil, false
	}
	return &bigDecimal{unscaled, int32(scale)}, true
}

// javaDecimal gives the exact decimal value of a number, as Velocity's toBigDecimal; false if it has none or is too long.
func javaDecimal(v any) (*bigDecimal, bool) {
	switch v := v.(type) {
	case *bigDecimal:
		return v, v.scale <= maxScale && v.scale >= -maxScale
	case *bigInteger:
		return &bigDecimal{v.v, 0}, true
	case integer:
		return javaDecimal(double(v)) // The engine goes through double, too.
	case double:
		f := float64(v)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, false
		}
		exact := new(big.Rat).SetFloat64(f)
		// The denominator is a power of two: 2^k divides 10^k.
		k := exact.Denom().BitLen() - 1
		unscaled := new(big.Int).Mul(exact.Num(), new(big.Int).Exp(big.NewInt(5), big.NewInt(int64(k)), nil))
		return &bigDecimal{unscaled, int32(k)}, true
	}
	return nil, false
}

// align brings two decimals to the same scale.
func align(a, b *bigDecimal) (x, y *big.Int, scale int32) {
	grow := func(n *bigDecimal, scale int32) *big.Int {
		factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-n.scale)), nil)
		return factor.Mul(factor, n.unscaled)
	}
	switch {
	case a.scale < b.scale:
		return grow(a, b.scale), b.unscaled, b.scale
	case a.scale > b.scale:
		return a.unscaled, grow(b, a.scale), a.scale
	}
	return a.unscaled, b.unscaled, a.scale
}

func isNumber(v any) bool {
	switch v.(type) {
	case integer, double, *bigInteger, *bigDecimal:
		return true
	}
	return false
}

func toBig(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case integer:
		return big.NewInt(int64(v)), true
	case *bigInteger:
		return v.v, true
	}
	return nil, false
}

// toFloat is java.lang.Number.doubleValue.
func toFloat(v any) float64 {
	switch v := v.(type) {
	case integer:
		return float64(v)
	case double:
		return float64(v)
	case *bigInteger:
		f, _ := new(big.Float).SetInt(v.v).Float64()
		return f
	case *bigDecimal:
		return v.Number().Float64()
	}
	return math.NaN()
}

// toLong is java.lang.Number.longValue: it cuts fractions off and, of integers that are too long, the higher bits.
func toLong(v any) int64 {
	switch v := v.(type) {
	case integer:
		return int64(v)
	case *bigInteger:
		low := new(big.Int).And(v.v, new(big.Int).SetUint64(math.MaxUint64))
		return int64(low.Uint64())
	}
	f := toFloat(v)
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// toInt is java.lang.Number.intValue.
func toInt(v any) int32 {
	if f, ok := v.(double); ok {
		switch {
		case float64(f) >= math.MaxInt32:
			return math.MaxInt32
		case float64(f) <= math.MinInt32:
			return math.MinInt32
		}
	}
	return int32(toLong(v))
}

// compareNumbers compares as Velocity's MathUtils.compare; ok is false when that is an error.
func compareNumbers(a, b any) (order int, ok bool) {
	x, okX := a.(integer)
	y, okY := b.(integer)
	if okX && okY {
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	if p, ok := toBig(a); ok {
		if q, ok := toBig(b); ok {
			return p.Cmp(q), true
		}
	}
	if decimalBase(a, b) {
		p, okP := javaDecimal(a)
		q, okQ := javaDecimal(b)
		if !okP || !okQ {
			return 0, false
		}
		m, n, _ := align(p, q)
		return m.Cmp(n), true
	}
	f, g := toFloat(a), toFloat(b)
	switch {
	case f < g:
		return -1, true
	case f > g:
		return 1, true
	}
	return 0, true
}

// decimalBase reports whether two numbers are computed as decimals: one is, or one is a big integer and not both are
// integers.
func decimalBase(a, b any) bool {
	_, decimalA := a.(*bigDecimal)
	_, decimalB := b.(*bigDecimal)
	if decimalA || decimalB {
		return true
	}
	_, bigA := a.(*bigInteger)
	_, bigB := b.(*bigInteger)
	_, doubleA := a.(double)
	_, doubleB := b.(double)
	return (bigA || bigB) && (doubleA || doubleB)
}

func isZero(v any) bool {
	switch v := v.(type) {
	case integer:
		return v == 0
	case double:
		return v == 0
	case *bigInteger:
		return v.v.Sign() == 0
	case *bigDecimal:
		return v.unscaled.Sign() == 0
	}
	return false
}
