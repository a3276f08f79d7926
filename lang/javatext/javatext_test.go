package javatext_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/carepath/carepath/lang/javatext"
	"pgregory.net/rapid"
)

func TestDouble(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0.0", math.Copysign(0, -1): "-0.0", 1: "1.0", -2.5: "-2.5", 12.5: "12.5", 100000: "100000.0",
		9999999: "9999999.0", 10000000: "1.0E7", 1667486785.389: "1.667486785389E9", 1e10: "1.0E10",
		0.001: "0.001", 0.00099: "9.9E-4", 1.5e-7: "1.5E-7", 123.456: "123.456", 0.05: "0.05",
		math.MaxFloat64: "1.7976931348623157E308", math.Inf(1): "Infinity", math.Inf(-1): "-Infinity",
	} {
		if got := javatext.Double(f); got != want {
			t.Errorf("Double(%g) = %s, want %s", f, got, want)
		}
	}
}

func TestDoubleReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		back, err := strconv.ParseFloat(javatext.Double(f), 64)
		if err != nil || back != f {
			t.Fatalf("%g is written %s", f, javatext.Double(f))
		}
	})
}
