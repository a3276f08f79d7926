// Package javatext writes numbers as Java does. Services of AWS that run on the JVM (API Gateway's templates, Step
// Functions) show them in this form, for example 1.667486785389E9 for a time in seconds.
package javatext

import (
	"math"
	"strconv"
)

// AppendDouble appends f as java.lang.Double.toString writes it: at least one digit after the point, and computerised
// scientific notation below 10^-3 and from 10^7 up. It uses the shortest digits that read back as f, as the JDK does
// since version 19 (https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/Double.html#toString(double)).
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, "0.0"...)
	}
	var buf [32]byte
	digits := strconv.AppendFloat(buf[:0], f, 'e', -1, 64) // -d.ddde±xx
	if digits[0] == '-' {
		dst = append(dst, '-')
		digits = digits[1:]
	}
	mark := len(digits) - 1
	for digits[mark] != 'e' {
		mark--
	}
	exponent, _ := strconv.Atoi(string(digits[mark+1:]))
	mantissa := digits[:1]
	if mark > 2 {
		mantissa = append(mantissa, digits[2:mark]...) // in place, over the point
	}
	switch {
	case exponent < -3 || exponent >= 7:
		dst = append(dst, mantissa[0], '.')
		dst = appendFraction(dst, mantissa[1:])
		dst = append(dst, 'E')
		return strconv.AppendInt(dst, int64(exponent), 10)
	case exponent < 0:
		dst = append(dst, "0."...)
		for i := -1; i > exponent; i-- {
			dst = append(dst, '0')
		}
		return append(dst, mantissa...)
	case len(mantissa) <= exponent:
		dst = append(dst, mantissa...)
		for i := len(mantissa); i <= exponent; i++ {
			dst = append(dst, '0')
		}
		return append(dst, ".0"...)
	}
	dst = append(dst, mantissa[:exponent+1]...)
	dst = append(dst, '.')
	return appendFraction(dst, mantissa[exponent+1:])
}

func appendFraction(dst, digits []byte) []byte {
	if len(digits) == 0 {
		return append(dst, '0')
	}
	return append(dst, digits...)
}

// Double returns f as java.lang.Double.toString writes it: see [AppendDouble].
func Double(f float64) string {
	var buf [32]byte
	return string(AppendDouble(buf[:0], f))
}
