package jsonvalue

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// NumberFromInt returns n as a JSON number.
func NumberFromInt(n int64) Number { return Number(strconv.FormatInt(n, 10)) }

// Float64 returns the nearest float64; a number beyond its range gives an infinity.
func (n Number) Float64() float64 {
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// Int64 returns the number if it is written as an integer that fits.
func (n Number) Int64() (int64, bool) {
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

// IsInteger reports whether the number is written without fraction and exponent.
func (n Number) IsInteger() bool { return !strings.ContainsAny(string(n), ".eE") }

// Cmp compares two numbers by value, exactly. It returns -1, 0 or +1.
func (n Number) Cmp(m Number) int {
	a, b := n.canonical(), m.canonical()
	if a == b {
		return 0
	}
	if a.sign != b.sign {
		return cmpInt(a.sign, b.sign)
	}
	// Same sign, neither zero: compare magnitudes by the place of the first digit, then digit by digit.
	if a.point != b.point {
		return a.sign * cmpBig(a.point, b.point)
	}
	return a.sign * strings.Compare(a.digits, b.digits)
}

// canonicalNumber is 0.digits * 10^point; point is kept as text so that no exponent is too large to compare.
type canonicalNumber struct {
	sign   int
	digits string
	point  string
}

func (n Number) canonical() canonicalNumber {
	s := string(n)
	sign := 1
	if strings.HasPrefix(s, "-") {
		sign, s = -1, s[1:]
	}
	exponent := ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		s, exponent = s[:i], strings.TrimPrefix(s[i+1:], "+")
	}
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	trimmed := strings.TrimLeft(digits, "0")
	shift := int64(len(whole) - (len(digits) - len(trimmed)))
	trimmed = strings.TrimRight(trimmed, "0")
	if trimmed == "" {
		return canonicalNumber{}
	}
	point := big.NewInt(shift)
	if exponent != "" {
		if e, ok := new(big.Int).SetString(exponent, 10); ok {
			point.Add(point, e)
		}
	}
	return canonicalNumber{sign, trimmed, point.String()}
}

func cmpBig(a, b string) int {
	x, okX := new(big.Int).SetString(a, 10)
	y, okY := new(big.Int).SetString(b, 10)
	if !okX || !okY {
		panic(fmt.Sprintf("jsonvalue: exponents %q and %q are not integers", a, b))
	}
	return x.Cmp(y)
}

func cmpInt(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
