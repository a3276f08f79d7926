package jsonata

import (
	"crypto/md5"  //nolint:gosec // one of the algorithms that the function offers
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// stepFunctionsFunctions are those that Step Functions adds
// (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn).
var stepFunctionsFunctions = map[string]builtin{
	"partition": {"<an?:a>", 2, defined(partition)},
	"range":     {"<nn?n?:a>", 3, defined(numberRange)},
	"hash":      {"<ss?:s>", 2, defined(hash)},
	"random":    {"<n?:n>", 0, random},
	"uuid":      {"<:s>", 0, func(c *call, _ []any) (any, error) { return c.ev.newID(), nil }},
	"parse":     {"<s-:x>", 1, defined(parseJSON)},
}

func invalidArgument(v any, index int, message string) error {
	return &raised{code: "D3142", value: v, index: index, message: message}
}

// What the functions do with arguments that make no sense is as users have measured it on AWS: fractions are dropped, and
// the result is undefined.

// partition cuts an array into arrays of a size; the last may be smaller.
func partition(c *call, args []any) (any, error) {
	f, ok := numberArgument(args, 1)
	items := listOf(args[0])
	if !ok || f < 1 || len(items) == 0 {
		return undefined, nil
	}
	size := clampInt(f)
	result := &array{}
	for len(items) > 0 {
		n := min(size, len(items))
		result.items = append(result.items, &array{items: items[:n:n]})
		items = items[n:]
	}
	return result, c.ev.spend(len(result.items))
}

// maxRangeFunction is how many numbers $range may give, where the limit of a value's size is that of AWS.
const maxRangeFunction = 360_145

// numberRange gives the numbers from the first to the last, which is included, by a step.
func numberRange(c *call, args []any) (any, error) {
	bounds := make([]float64, 3)
	for i := range bounds {
		f, ok := numberArgument(args, i)
		if !ok {
			return undefined, nil
		}
		bounds[i] = math.Trunc(f)
	}
	first, last, step := bounds[0], bounds[1], bounds[2]
	if step == 0 || (last-first)/step < 0 {
		return undefined, nil
	}
	count := math.Floor((last-first)/step) + 1
	if !(count <= maxRangeFunction) {
		return nil, errTooMuch()
	}
	result := newSequence()
	for i := range int(count) {
		result.items = append(result.items, first+float64(i)*step)
	}
	return result, c.ev.spend(len(result.items))
}

func hash(_ *call, args []any) (any, error) {
	algorithm, ok := textArgument(args, 1)
	if !ok {
		return undefined, nil
	}
	data := []byte(args[0].(string))
	var sum []byte
	switch algorithm {
	case "MD5":
		s := md5.Sum(data) //nolint:gosec // as asked for
		sum = s[:]
	case "SHA-1":
		s := sha1.Sum(data) //nolint:gosec // as asked for
		sum = s[:]
	case "SHA-256":
		s := sha256.Sum256(data)
		sum = s[:]
	case "SHA-384":
		s := sha512.Sum384(data)
		sum = s[:]
	case "SHA-512":
		s := sha512.Sum512(data)
		sum = s[:]
	default:
		return nil, invalidArgument(algorithm, 2, "the algorithm must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512")
	}
	return hex.EncodeToString(sum), nil
}

// random gives a number from 0 (included) to 1 (excluded); with a seed always the same one, that of Java's generator.
func random(c *call, args []any) (any, error) {
	seed, ok := numberArgument(args, 0)
	if !ok {
		return c.ev.random(), nil
	}
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	state := (int64(seed) ^ multiplier) & mask
	next := func(bits uint) int64 {
		state = (state*multiplier + 0xB) & mask
		return state >> (48 - bits)
	}
	high := next(26) << 27
	return float64(high+next(27)) / (1 << 53), nil
}

func parseJSON(c *call, args []any) (any, error) {
	text := args[0].(string)
	if err := c.ev.spend(len(text) / 8); err != nil {
		return nil, err
	}
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return nil, invalidArgument(text, 1, err.Error())
	}
	return v, nil
}
