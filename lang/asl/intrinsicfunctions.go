package asl

import (
	"crypto/md5"  // States.Hash offers it
	"crypto/sha1" // States.Hash offers it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// intrinsic is one intrinsic function.
type intrinsic struct {
	least, most int // arguments; most is -1 for any number
	apply       func(c *call, env *environment, args []any) (any, error)
}

var intrinsics = map[string]*intrinsic{
	"States.Array":          {0, -1, intrinsicArray},
	"States.ArrayContains":  {2, 2, intrinsicArrayContains},
	"States.ArrayGetItem":   {2, 2, intrinsicArrayGetItem},
	"States.ArrayLength":    {1, 1, intrinsicArrayLength},
	"States.ArrayPartition": {2, 2, intrinsicArrayPartition},
	"States.ArrayRange":     {3, 3, intrinsicArrayRange},
	"States.ArrayUnique":    {1, 1, intrinsicArrayUnique},
	"States.Base64Decode":   {1, 1, intrinsicBase64Decode},
	"States.Base64Encode":   {1, 1, intrinsicBase64Encode},
	"States.Format":         {1, -1, intrinsicFormat},
	"States.Hash":           {2, 2, intrinsicHash},
	"States.JsonMerge":      {3, 3, intrinsicJSONMerge},
	"States.JsonToString":   {1, 1, intrinsicJSONToString},
	"States.MathAdd":        {2, 2, intrinsicMathAdd},
	"States.MathRandom":     {2, 3, intrinsicMathRandom},
	"States.StringSplit":    {2, 2, intrinsicStringSplit},
	"States.StringToJson":   {1, 1, intrinsicStringToJSON},
	"States.UUID":           {0, 0, intrinsicUUID},
}

const (
	maxIntrinsicText = 10000 // characters, of Base64Encode, Base64Decode and Hash
	maxRangeItems    = 1000
)

func (c *call) array(args []any, i int) (*jsonvalue.Array, error) {
	a, ok := args[i].(*jsonvalue.Array)
	if !ok {
		return nil, c.fail("Argument %d must be an array", i+1)
	}
	return a, nil
}

func (c *call) text(args []any, i int) (string, error) {
	s, ok := args[i].(string)
	if !ok {
		return "", c.fail("Argument %d must be a string", i+1)
	}
	return s, nil
}

// integer is an argument rounded as Java's Math.round does, half up.
func (c *call) integer(args []any, i int) (int64, error) {
	n, ok := args[i].(jsonvalue.Number)
	if !ok {
		return 0, c.fail("Argument %d must be a number", i+1)
	}
	if whole, ok := n.Int64(); ok {
		return whole, nil
	}
	f := math.Floor(n.Float64() + 0.5)
	if f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, c.fail("Argument %d is out of range", i+1)
	}
	return int64(f), nil
}

func intrinsicArray(_ *call, _ *environment, args []any) (any, error) {
	return &jsonvalue.Array{Items: slices.Clone(args)}, nil
}

func intrinsicArrayContains(c *call, _ *environment, args []any) (any, error) {
	a, err := c.array(args, 0)
	if err != nil {
		return nil, err
	}
	return slices.ContainsFunc(a.Items, func(v any) bool { return jsonvalue.Equal(v, args[1]) }), nil
}

func intrinsicArrayGetItem(c *call, _ *environment, args []any) (any, error) {
	a, err := c.array(args, 0)
	if err != nil {
		return nil, err
	}
	n, ok := integer(args[1])
	if !ok || n < 0 || n >= int64(a.Len()) {
		return nil, c.fail("The index must be an integer within the bounds of the array")
	}
	return a.Items[n], nil
}

func intrinsicArrayLength(c *call, _ *environment, args []any) (any, error) {
	a, err := c.array(args, 0)
	if err != nil {
		return nil, err
	}
	return jsonvalue.NumberFromInt(int64(a.Len())), nil
}

func intrinsicArrayPartition(c *call, _ *environment, args []any) (any, error) {
	a, err := c.array(args, 0)
	if err != nil {
		return nil, err
	}
	n, err := c.integer(args, 1)
	if err != nil {
		return nil, err
	}
	if n <= 0 {
		return nil, c.fail("The chunk size must be a positive integer")
	}
	parts := &jsonvalue.Array{}
	for from := 0; from < a.Len(); {
		to := a.Len()
		if n < int64(to-from) {
			to = from + int(n)
		}
		parts.Items = append(parts.Items, &jsonvalue.Array{Items: slices.Clone(a.Items[from:to])})
		from = to
	}
	return parts, nil
}

func intrinsicArrayRange(c *call, _ *environment, args []any) (any, error) {
	var bounds [3]int64
	for i := range bounds {
		var err error
		if bounds[i], err = c.integer(args, i); err != nil {
			return nil, err
		}
	}
	from, to, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, c.fail("The increment must not be zero")
	}
	a := &jsonvalue.Array{}
	for v := from; step > 0 && v <= to || step < 0 && v >= to; v += step {
		if a.Len() == maxRangeItems {
			return nil, c.fail("The array would have more than %d items", maxRangeItems)
		}
		a.Items = append(a.Items, jsonvalue.NumberFromInt(v))
		if step > 0 && v > math.MaxInt64-step || step < 0 && v < math.MinInt64-step {
			break
		}
	}
	return a, nil
}

func intrinsicArrayUnique(c *call, _ *environment, args []any) (any, error) {
	a, err := c.array(args, 0)
	if err != nil {
		return nil, err
	}
	unique := &jsonvalue.Array{}
	for _, v := range a.Items {
		if !slices.ContainsFunc(unique.Items, func(u any) bool { return jsonvalue.Equal(u, v) }) {
			unique.Items = append(unique.Items, v)
		}
	}
	return unique, nil
}

func (c *call) limitedText(args []any) (string, error) {
	s, err := c.text(args, 0)
	if err == nil && utf16Length(s) > maxIntrinsicText {
		err = c.fail("The string is longer than %d characters", maxIntrinsicText)
	}
	return s, err
}

func intrinsicBase64Decode(c *call, _ *environment, args []any) (any, error) {
	s, err := c.limitedText(args)
	if err != nil {
		return nil, err
	}
	encoding := base64.StdEncoding
	if len(s)%4 != 0 {
		encoding = base64.RawStdEncoding
	}
	b, err := encoding.DecodeString(s)
	if err != nil {
		return nil, c.fail("The string is not valid Base64")
	}
	return strings.ToValidUTF8(string(b), string(utf8.RuneError)), nil
}

func intrinsicBase64Encode(c *call, _ *environment, args []any) (any, error) {
	s, err := c.limitedText(args)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

// intrinsicFormat replaces each {} of its first argument by the next one.
func intrinsicFormat(c *call, _ *environment, args []any) (any, error) {
	parts := c.arguments[0].format
	if parts == nil {
		s, err := c.text(args, 0)
		if err != nil {
			return nil, err
		}
		parts = strings.Split(s, "{}")
	}
	if len(parts) != len(args) {
		return nil, c.fail("Invalid number of arguments: the template has %d places for %d values", len(parts)-1, len(args)-1)
	}
	b := append(make([]byte, 0, 64), parts[0]...)
	for i, v := range args[1:] {
		b = appendJava(b, v)
		b = append(b, parts[i+1]...)
	}
	return string(b), nil
}

// appendJava appends a value as Java prints it: objects as {a=1, b=[]}.
func appendJava(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(b, v...)
	case *jsonvalue.Array:
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendJava(b, item)
		}
		return append(b, ']')
	case *jsonvalue.Object:
		b = append(b, '{')
		for i, m := range v.Members() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, m.Name...), '=')
			b = appendJava(b, m.Value)
		}
		return append(b, '}')
	}
	return jsonvalue.Append(b, v)
}

func intrinsicHash(c *call, _ *environment, args []any) (any, error) {
	data := []byte(plainText(args[0]))
	if utf16Length(string(data)) > maxIntrinsicText {
		return nil, c.fail("The data is longer than %d characters", maxIntrinsicText)
	}
	algorithm, err := c.text(args, 1)
	if err != nil {
		return nil, err
	}
	var sum []byte
	switch algorithm {
	case "MD5":
		h := md5.Sum(data)
		sum = h[:]
	case "SHA-1":
		h := sha1.Sum(data)
		sum = h[:]
	case "SHA-256":
		h := sha256.Sum256(data)
		sum = h[:]
	case "SHA-384":
		h := sha512.Sum384(data)
		sum = h[:]
	case "SHA-512":
		h := sha512.Sum512(data)
		sum = h[:]
	default:
		return nil, c.fail("The algorithm must be one of MD5, SHA-1, SHA-256, SHA-384 and SHA-512")
	}
	return hex.EncodeToString(sum), nil
}

// intrinsicJSONMerge merges two objects, the second over the first; only the shallow mode exists.
func intrinsicJSONMerge(c *call, _ *environment, args []any) (any, error) {
	first, ok := args[0].(*jsonvalue.Object)
	second, ok2 := args[1].(*jsonvalue.Object)
	if !ok || !ok2 {
		return nil, c.fail("The first two arguments must be objects")
	}
	if args[2] != false {
		return nil, c.fail("The third argument must be false: deep merging is not supported")
	}
	merged := jsonvalue.NewObject(first.Members()...)
	for name, v := range second.All() {
		merged.Set(name, v)
	}
	return merged, nil
}

func intrinsicJSONToString(_ *call, _ *environment, args []any) (any, error) {
	return jsonvalue.Text(args[0]), nil
}

func intrinsicMathAdd(c *call, _ *environment, args []any) (any, error) {
	a, err := c.integer(args, 0)
	if err != nil {
		return nil, err
	}
	b, err := c.integer(args, 1)
	if err != nil {
		return nil, err
	}
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return nil, c.fail("The sum is out of range")
	}
	return jsonvalue.NumberFromInt(a + b), nil
}

// intrinsicMathRandom gives a number from the first argument (included) to the second (excluded), always the same for
// the same third one.
func intrinsicMathRandom(c *call, env *environment, args []any) (any, error) {
	from, err := c.integer(args, 0)
	if err != nil {
		return nil, err
	}
	to, err := c.integer(args, 1)
	if err != nil {
		return nil, err
	}
	if from < math.MinInt32 || to > math.MaxInt32 || from >= to {
		return nil, c.fail("The start must be less than the end, and both be 32-bit integers")
	}
	fraction := 0.0
	if len(args) == 3 {
		seed, err := c.integer(args, 2)
		if err != nil {
			return nil, err
		}
		fraction = seeded(seed)
	} else {
		fraction = env.thread.e.random()
	}
	return jsonvalue.NumberFromInt(from + int64(fraction*float64(to-from))), nil
}

// seeded is the first double of java.util.Random with a seed.
func seeded(seed int64) float64 {
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	s := (uint64(seed) ^ multiplier) & mask
	next := func(bits uint) uint64 {
		s = (s*multiplier + 0xB) & mask
		return s >> (48 - bits)
	}
	high := next(26) << 27
	return float64(high+next(27)) / (1 << 53)
}

// intrinsicStringSplit splits at every character of its second argument and drops empty texts.
func intrinsicStringSplit(c *call, _ *environment, args []any) (any, error) {
	s, err := c.text(args, 0)
	if err != nil {
		return nil, err
	}
	delimiters, err := c.text(args, 1)
	if err != nil {
		return nil, err
	}
	a := &jsonvalue.Array{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(delimiters, r) }) {
		a.Items = append(a.Items, part)
	}
	return a, nil
}

func intrinsicStringToJSON(c *call, _ *environment, args []any) (any, error) {
	s, err := c.text(args, 0)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	v, err := jsonvalue.Parse(s)
	if err != nil {
		return nil, c.fail("The string is not valid JSON: %s", err)
	}
	if v == jsonvalue.Number("-0") {
		v = jsonvalue.Number("0")
	}
	return v, nil
}

func intrinsicUUID(_ *call, env *environment, _ []any) (any, error) { return env.thread.e.newID(), nil }
