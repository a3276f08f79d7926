package jsonata

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

var numberFunctions = map[string]builtin{
	"number":        {"<(nsb)-:n>", 1, defined(toNumber)},
	"abs":           {"<n-:n>", 1, numeric(math.Abs)},
	"floor":         {"<n-:n>", 1, numeric(math.Floor)},
	"ceil":          {"<n-:n>", 1, numeric(math.Ceil)},
	"round":         {"<n-n?:n>", 2, defined(roundNumber)},
	"power":         {"<n-n:n>", 2, defined(power)},
	"sqrt":          {"<n-:n>", 1, defined(squareRoot)},
	"formatNumber":  {"<n-so?:s>", 3, defined(formatNumber)},
	"formatBase":    {"<n-n?:s>", 2, defined(formatBase)},
	"formatInteger": {"<n-s:s>", 2, defined(formatIntegerFunction)},
	"parseInteger":  {"<s-s:n>", 2, defined(parseIntegerFunction)},
	"boolean": {"<x-:b>", 1, defined(func(_ *call, args []any) (any, error) {
		return isTrue(args[0]), nil
	})},
	"not": {"<x-:b>", 1, defined(func(_ *call, args []any) (any, error) {
		return !isTrue(args[0]), nil
	})},
	"sum": {"<a<n>:n>", 1, defined(func(_ *call, args []any) (any, error) {
		return total(listOf(args[0])), nil
	})},
	"max":     {"<a<n>:n>", 1, defined(extreme(math.Max))},
	"min":     {"<a<n>:n>", 1, defined(extreme(math.Min))},
	"average": {"<a<n>:n>", 1, defined(average)},
}

func numeric(f func(float64) float64) func(c *call, args []any) (any, error) {
	return defined(func(_ *call, args []any) (any, error) {
		n, _ := number(args[0])
		return f(n), nil
	})
}

var (
	decimalText = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$`)
	radixText   = regexp.MustCompile(`^0([xX][0-9A-Fa-f]+|[oO][0-7]+|[bB][01]+)$`)
)

func toNumber(_ *call, args []any) (any, error) {
	switch v := args[0].(type) {
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if decimalText.MatchString(v) {
			f, err := strconv.ParseFloat(v, 64)
			if err == nil && !math.IsInf(f, 0) {
				return f, nil
			}
		} else if radixText.MatchString(v) {
			n, ok := new(big.Int).SetString(v, 0)
			if f, _ := new(big.Float).SetInt(n).Float64(); ok && !math.IsInf(f, 0) {
				return f, nil
			}
		}
		return nil, &raised{code: "D3030", value: v, index: 1}
	}
	return args[0], nil
}

// round rounds to a number of decimal places; halves go to the even neighbour.
func round(f float64, places int) float64 {
	shifted := shift(f, places)
	rounded := math.Floor(shifted + 0.5)
	if math.Abs(rounded-shifted) == 0.5 && math.Mod(rounded, 2) != 0 {
		rounded--
	}
	rounded = shift(rounded, -places)
	if rounded == 0 {
		return 0 // not −0
	}
	return rounded
}

// shift moves the decimal point in the number's text, so that no binary fraction gets in between.
func shift(f float64, places int) float64 {
	if places == 0 {
		return f
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent)
	shifted, _ := strconv.ParseFloat(mantissa+"e"+strconv.Itoa(e+places), 64)
	return shifted
}

func roundNumber(_ *call, args []any) (any, error) {
	f, _ := number(args[0])
	places, _ := numberArgument(args, 1)
	return round(f, int(max(-400, min(places, 400)))), nil
}

func power(_ *call, args []any) (any, error) {
	base, _ := number(args[0])
	exponent, _ := numberArgument(args, 1)
	result := math.Pow(base, exponent)
	if math.IsInf(result, 0) || math.IsNaN(result) {
		return nil, &raised{code: "D3061", value: base, value2: exponent, index: 1}
	}
	return result, nil
}

func squareRoot(_ *call, args []any) (any, error) {
	f, _ := number(args[0])
	if f < 0 {
		return nil, &raised{code: "D3060", value: f, index: 1}
	}
	return math.Sqrt(f), nil
}

func extreme(f func(a, b float64) float64) func(c *call, args []any) (any, error) {
	return func(_ *call, args []any) (any, error) {
		items := listOf(args[0])
		if len(items) == 0 {
			return undefined, nil
		}
		result, _ := number(items[0])
		for _, item := range items[1:] {
			n, _ := number(item)
			result = f(result, n)
		}
		return result, nil
	}
}

func average(_ *call, args []any) (any, error) {
	items := listOf(args[0])
	if len(items) == 0 {
		return undefined, nil
	}
	return total(items) / float64(len(items)), nil
}

func total(items []any) float64 {
	sum := 0.0
	for _, item := range items {
		f, _ := number(item)
		sum += f
	}
	return sum
}

func formatBase(_ *call, args []any) (any, error) {
	f, _ := number(args[0])
	radix, ok := numberArgument(args, 1)
	if !ok {
		radix = 10
	}
	radix = round(radix, 0)
	if radix < 2 || radix > 36 {
		return nil, problem("D3100", radix)
	}
	n, _ := big.NewFloat(round(f, 0)).Int(nil)
	return n.Text(int(radix)), nil
}

func formatIntegerFunction(_ *call, args []any) (any, error) {
	f, _ := number(args[0])
	picture, ok := textArgument(args, 1)
	if !ok {
		return undefined, nil
	}
	format, err := parseIntegerPicture(picture)
	if err != nil {
		return nil, err
	}
	return format.format(math.Floor(f))
}

func parseIntegerFunction(_ *call, args []any) (any, error) {
	picture, ok := textArgument(args, 1)
	if !ok {
		return undefined, nil
	}
	format, err := parseIntegerPicture(picture)
	if err != nil {
		return nil, err
	}
	return format.parse(args[0].(string))
}
