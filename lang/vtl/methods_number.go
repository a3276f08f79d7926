package vtl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

func (e *evaluator) callNumber(v any, name string, args []any) (any, error) {
	switch len(args) {
	case 0:
		switch name {
		case "intValue":
			return integer(toInt(v)), nil
		case "longValue":
			return integer(toLong(v)), nil
		case "shortValue":
			return integer(int16(toInt(v))), nil
		case "byteValue":
			return integer(int8(toInt(v))), nil
		case "doubleValue":
			return double(toFloat(v)), nil
		case "isNaN", "isInfinite":
			if d, ok := v.(double); ok {
				if name == "isNaN" {
					return math.IsNaN(float64(d)), nil
				}
				return math.IsInf(float64(d), 0), nil
			}
		case "signum":
			return callSignum(v), nil
		}
	case 1:
		switch name {
		case "compareTo", "compare":
			if sameClass(v, args[0]) {
				order, _ := compareNumbers(v, args[0])
				return integer(order), nil
			}
		case "parseInt", "parseLong", "valueOf", "parseDouble", "decode":
			return parseNumber(v, name, args[0])
		case "toString":
			if isNumber(args[0]) {
				return plainText(args[0]), nil
			}
		case "toHexString", "toBinaryString", "toOctalString":
			if n, ok := args[0].(integer); ok {
				base := map[string]int{"toHexString": 16, "toBinaryString": 2, "toOctalString": 8}[name]
				if n < 0 && n >= math.MinInt32 {
					return strconv.FormatUint(uint64(uint32(n)), base), nil
				}
				return strconv.FormatUint(uint64(n), base), nil
			}
		}
	case 2:
		if !sameClass(v, args[0]) || !sameClass(v, args[1]) {
			break
		}
		order, _ := compareNumbers(args[0], args[1])
		switch name {
		case "compare":
			return integer(order), nil
		case "max", "min":
			if (order >= 0) == (name == "max") {
				return args[0], nil
			}
			return args[1], nil
		case "sum":
			return compute(kPlus, args[0], args[1])
		}
	}
	return e.object(v, name, args)
}

func callSignum(v any) any {
	switch v := v.(type) {
	case *bigInteger:
		return integer(v.v.Sign())
	case *bigDecimal:
		return integer(v.unscaled.Sign())
	}
	return nil
}

func sameClass(a, b any) bool {
	switch a.(type) {
	case integer:
		_, ok := b.(integer)
		return ok
	case double:
		_, ok := b.(double)
		return ok
	case *bigInteger:
		_, ok := b.(*bigInteger)
		return ok
	case *bigDecimal:
		_, ok := b.(*bigDecimal)
		return ok
	}
	return false
}

// parseNumber is the static methods that read numbers: $n.parseInt("12").
func parseNumber(v any, name string, arg any) (any, error) {
	s, ok := arg.(string)
	if !ok {
		if name == "valueOf" && isNumber(arg) {
			return arg, nil
		}
		return nil, nil
	}
	_, float := v.(double)
	if name == "parseDouble" || name == "valueOf" && float {
		f, err := strconv.ParseFloat(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), 64)
		if err != nil && !strings.Contains(err.Error(), strconv.ErrRange.Error()) || strings.ContainsAny(s, "_xX") {
			return nil, fmt.Errorf("%q is not a number", s)
		}
		return double(f), nil
	}
	if float {
		return nil, nil
	}
	bits := 32
	if n, ok := v.(integer); name == "parseLong" || ok && integer(int32(n)) != n {
		bits = 64
	}
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		return nil, fmt.Errorf("%q is not a whole number", s)
	}
	return integer(n), nil
}
