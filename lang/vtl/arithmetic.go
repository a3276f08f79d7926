package vtl

import (
	"errors"
	"math"
	"math/big"
)

func (a *arithmetic) truth(e *evaluator) (bool, error) {
	_, err := a.value(e)
	return false, err
}

func (a *arithmetic) value(e *evaluator) (any, error) {
	if err := e.step(); err != nil {
		return nil, e.at(a.offset, err)
	}
	left, err := a.left.value(e)
	if err != nil {
		return nil, err
	}
	right, err := a.right.value(e)
	if err != nil {
		return nil, err
	}
	if a.operator == kPlus {
		_, textLeft := left.(string)
		_, textRight := right.(string)
		if textLeft || textRight {
			v, err := a.concat(e, left, right)
			return v, e.at(a.offset, err)
		}
	}
	if !isNumber(left) || !isNumber(right) {
		return nil, nil
	}
	v, err := compute(a.operator, left, right)
	return v, e.at(a.offset, err)
}

// concat joins texts. An operand that is null stands as it is written in the template.
func (a *arithmetic) concat(e *evaluator, left, right any) (any, error) {
	if left == nil {
		left = a.leftText
	}
	if right == nil {
		right = a.rightText
	}
	x, err := e.text(left)
	if err != nil {
		return nil, err
	}
	y, err := e.text(right)
	if err != nil {
		return nil, err
	}
	return e.newString(x + y)
}

var (
	errModulo  = errors.New("the remainder of decimal numbers cannot be calculated")
	errDecimal = errors.New("the decimal number is too long to calculate with")
)

// compute calculates as Velocity's MathUtils: with 64 bits, growing into big integers, with doubles, or with decimals.
// Division by zero gives null.
func compute(operator kind, a, b any) (any, error) {
	if (operator == kDivide || operator == kModulus) && isZero(b) {
		return nil, nil
	}
	x, okX := a.(integer)
	y, okY := b.(integer)
	if okX && okY {
		if v, ok := computeLong(operator, int64(x), int64(y)); ok {
			return integer(v), nil
		}
	}
	if p, ok := toBig(a); ok {
		if q, ok := toBig(b); ok {
			return computeBig(operator, p, q)
		}
	}
	if decimalBase(a, b) {
		p, okP := javaDecimal(a)
		q, okQ := javaDecimal(b)
		if !okP || !okQ {
			return nil, errDecimal
		}
		return computeDecimal(operator, p, q)
	}
	f, g := toFloat(a), toFloat(b)
	switch operator {
	case kPlus:
		return double(f + g), nil
	case kMinus:
		return double(f - g), nil
	case kMultiply:
		return double(f * g), nil
	case kDivide:
		return double(f / g), nil
	}
	return double(math.Mod(f, g)), nil
}

// computeLong reports false when the result does not fit.
func computeLong(operator kind, x, y int64) (int64, bool) {
	switch operator {
	case kPlus:
		v := x + y
		return v, (v^x)&(v^y) >= 0
	case kMinus:
		v := x - y
		return v, (v^x)&(v^^y) >= 0
	case kMultiply:
		if x == 0 || y == 0 {
			return 0, true
		}
		v := x * y
		return v, v/y == x && !(x == math.MinInt64 && y == -1) && !(y == math.MinInt64 && x == -1)
	case kDivide:
		return x / y, !(x == math.MinInt64 && y == -1)
	}
	if y == -1 {
		return 0, true
	}
	return x % y, true
}

func computeBig(operator kind, x, y *big.Int) (any, error) {
	v := new(big.Int)
	switch operator {
	case kPlus:
		v.Add(x, y)
	case kMinus:
		v.Sub(x, y)
	case kMultiply:
		if x.BitLen()+y.BitLen() > 1<<16 {
			return nil, errDecimal
		}
		v.Mul(x, y)
	case kDivide:
		v.Quo(x, y)
	default:
		if y.Sign() < 0 {
			return nil, errors.New("the remainder of a division by a negative big integer cannot be calculated")
		}
		v.Mod(x, y)
	}
	return &bigInteger{v}, nil
}

func computeDecimal(operator kind, x, y *bigDecimal) (any, error) {
	if x.unscaled.BitLen()+y.unscaled.BitLen() > 1<<16 {
		return nil, errDecimal
	}
	switch operator {
	case kMultiply:
		return &bigDecimal{new(big.Int).Mul(x.unscaled, y.unscaled), x.scale + y.scale}, nil
	case kDivide:
		return divideDecimal(x, y), nil
	case kModulus:
		return nil, errModulo
	}
	m, n, scale := align(x, y)
	v := new(big.Int)
	if operator == kPlus {
		v.Add(m, n)
	} else {
		v.Sub(m, n)
	}
	return &bigDecimal{v, scale}, nil
}

// divideDecimal keeps the dividend's scale and rounds halves towards zero: BigDecimal.ROUND_HALF_DOWN.
func divideDecimal(x, y *bigDecimal) *bigDecimal {
	// x/y * 10^scale(x) = unscaled(x) * 10^scale(y) / unscaled(y).
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(y.scale, -y.scale))), nil)
	numerator, denominator := new(big.Int).Set(x.unscaled), new(big.Int).Set(y.unscaled)
	if y.scale >= 0 {
		numerator.Mul(numerator, power)
	} else {
		denominator.Mul(denominator, power)
	}
	quotient, rest := new(big.Int).QuoRem(numerator, denominator, new(big.Int))
	rest.Abs(rest).Lsh(rest, 1)
	if rest.Cmp(denominator.Abs(denominator)) > 0 {
		if x.unscaled.Sign()*y.unscaled.Sign() < 0 {
			quotient.Sub(quotient, big.NewInt(1))
		} else {
			quotient.Add(quotient, big.NewInt(1))
		}
	}
	return &bigDecimal{quotient, x.scale}
}
