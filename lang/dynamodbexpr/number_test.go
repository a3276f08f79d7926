package dynamodbexpr_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

func TestParseNumber(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "00.10": "0.1", "1.50": "1.5", "+7": "7", "-12e2": "-1200", ".5": "0.5", "5.": "5", "1E-130": "0." + strings.Repeat("0", 129) + "1",
		"9.9e125": "99" + strings.Repeat("0", 124), "12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
		"1e126":                  "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"1e99999999999999999999": "Number overflow. Attempting to store a number with magnitude larger than supported range",
		"-1e-131":                "Number underflow. Attempting to store a number with magnitude smaller than supported range",
		"123456789012345678901234567890123456789": "Attempting to store more than 38 significant digits in a Number",
		"": "The parameter cannot be converted to a numeric value", "x": "The parameter cannot be converted to a numeric value: x",
		"1e": "The parameter cannot be converted to a numeric value: 1e", "1_0": "The parameter cannot be converted to a numeric value: 1_0",
		"--1": "The parameter cannot be converted to a numeric value: --1", "1e+-5": "The parameter cannot be converted to a numeric value: 1e+-5",
	} {
		got, problem := dynamodbexpr.ParseNumber(text)
		if got+problem != want {
			t.Errorf("%s is %q, %q, want %q", text, got, problem, want)
		}
	}
}

// numbers are canonical numbers of many magnitudes, few of them far from each other.
var numbers = rapid.Custom(func(t *rapid.T) string {
	digits := rapid.StringMatching(`-?[0-9]{1,20}`).Draw(t, "digits")
	text := digits + "e" + rapid.StringMatching(`-?[0-9]`).Draw(t, "exponent")
	n, problem := dynamodbexpr.ParseNumber(text)
	if problem != "" {
		t.Fatalf("%s: %s", text, problem)
	}
	return n
})

func rational(t *rapid.T, n string) *big.Rat {
	r, ok := new(big.Rat).SetString(n)
	if !ok {
		t.Fatalf("%s is no number", n)
	}
	return r
}

func TestNumbersAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		x, y := rational(t, a), rational(t, b)
		if got, want := dynamodbexpr.CompareNumbers(a, b), x.Cmp(y); got != want {
			t.Errorf("%s to %s compares as %d, want %d", a, b, got, want)
		}
		for _, subtract := range []bool{false, true} {
			want := new(big.Rat).Add(x, y)
			if subtract {
				want.Sub(x, y)
			}
			got, problem := dynamodbexpr.AddNumbers(a, b, subtract)
			if problem == "" && rational(t, got).Cmp(want) != 0 {
				t.Errorf("%s and %s are %s", a, b, got)
			}
			if again, _ := dynamodbexpr.ParseNumber(got); problem == "" && again != got {
				t.Errorf("%s is not canonical", got)
			}
		}
	})
}
