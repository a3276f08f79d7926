package asl

import (
	"strconv"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// maxData is how many bytes an input, output or result may have as JSON
// (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
const maxData = 262144

func tooLarge(name string) *failure {
	return &failure{name: errDataLimitExceeded, cause: "The state/task '" + name +
		"' returned a result with a size exceeding the maximum number of bytes service limit."}
}

// exceeds reports whether the compact text of a value has more than limit bytes.
func exceeds(v any, limit int) bool { return room(v, limit) < 0 }

// room returns what a value's text leaves of a number of bytes; it stops counting below zero.
func room(v any, left int) int {
	switch v := v.(type) {
	case nil:
		return left - 4
	case bool:
		if v {
			return left - 4
		}
		return left - 5
	case jsonvalue.Number:
		return left - len(v)
	case string:
		return left - textSize(v)
	case *jsonvalue.Array:
		left -= 2 + max(len(v.Items)-1, 0)
		for i := range v.Items {
			if left = room(v.Items[i], left); left < 0 {
				return left
			}
		}
	case *jsonvalue.Object:
		members := v.Members()
		left -= 2 + max(len(members)-1, 0)
		for i := range members {
			if left = room(members[i].Value, left-1-textSize(members[i].Name)); left < 0 {
				return left
			}
		}
	}
	return left
}

func textSize(s string) int {
	n := len(s) + 2
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 0x20 && c != '"' && c != '\\':
		case c == '"', c == '\\', c == '\b', c == '\f', c == '\n', c == '\r', c == '\t':
			n++
		default:
			n += 5
		}
	}
	return n
}

// decimal is a number as text.
func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// utf16Length is the length of a text as Java counts it.
func utf16Length(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
