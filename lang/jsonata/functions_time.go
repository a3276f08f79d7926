package jsonata

import (
	"math"
	"time"
)

var timeFunctions = map[string]builtin{
	"now": {"<s?s?:s>", 0, func(c *call, args []any) (any, error) {
		return writeTime(c.ev.now(), args)
	}},
	"millis": {"<:n>", 0, func(c *call, _ []any) (any, error) {
		return float64(c.ev.now().UnixMilli()), nil
	}},
	"fromMillis": {"<n-s?s?:s>", 3, defined(func(_ *call, args []any) (any, error) {
		f, _ := number(args[0])
		if math.Abs(f) > 8.64e15 { // what a Date of JavaScript can hold
			return nil, problem("D1001", f)
		}
		return writeTime(time.UnixMilli(int64(f)), args[1:])
	})},
	"toMillis": {"<s-s?:n>", 2, defined(toMillis)},
}

// writeTime writes a time by a picture, if one is given, in a zone such as "+0100".
func writeTime(t time.Time, args []any) (any, error) {
	picture, ok := textArgument(args, 0)
	if !ok {
		picture = isoPicture
	}
	zone := time.UTC
	if text, ok := textArgument(args, 1); ok {
		if offset := leadingInteger(text); !math.IsNaN(offset) {
			n := int(max(-2400, min(offset, 2400)))
			zone = time.FixedZone("", (n/100)*3600+(n%100)*60)
		}
	}
	parts, err := parseDatePicture(picture)
	if err != nil {
		return nil, err
	}
	return formatDate(t.In(zone), parts)
}

func toMillis(c *call, args []any) (any, error) {
	text := args[0].(string)
	picture, ok := textArgument(args, 1)
	if !ok {
		millis, ok := parseISO(text)
		if !ok {
			return nil, problem("D3110", text)
		}
		return millis, nil
	}
	parts, err := parseDatePicture(picture)
	if err != nil {
		return nil, err
	}
	millis, ok, err := parseDate(text, parts, c.ev.now().UTC())
	if err != nil || !ok {
		return undefined, err
	}
	return millis, nil
}
