package vtl

import (
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/javatext"
	"github.com/carepath/carepath/lang/jsonvalue"
)

var (
	errTooLong = errors.New("the output is longer than the limit")
	errTooDeep = errors.New("nested deeper than the limit")
)

// print appends a value's text, which is Java's toString, to the output.
func (e *evaluator) print(v any) error {
	switch v := v.(type) {
	case string:
		return e.write(v)
	case *block:
		return v.render(e)
	}
	before := len(e.out)
	out, err := e.appendText(e.out, v, 0)
	if err != nil {
		return err
	}
	e.out = out
	return e.wrote(len(out) - before)
}

// text returns a value's text.
func (e *evaluator) text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	start := len(e.out)
	err := e.print(v)
	s := string(e.out[start:])
	e.out = e.out[:start]
	return s, err
}

func (e *evaluator) appendText(dst []byte, v any, depth int) ([]byte, error) {
	if depth > e.limits.MaxDepth {
		return dst, errTooDeep
	}
	if len(dst)-e.base > e.limits.MaxOutput {
		return dst, errTooLong
	}
	var err error
	switch v := v.(type) {
	case *list:
		if v.kind == javaArray {
			return append(dst, "[Ljava.lang.String;@1b28cdfa"...), nil
		}
		dst = append(dst, '[')
		for i, item := range v.items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			if item == any(v) {
				dst = append(dst, "(this Collection)"...)
			} else if dst, err = e.appendText(dst, item, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case *jsonvalue.Array:
		return e.appendJSON(dst, v, true, depth)
	case *contextMap:
		return dst, nil
	case *jsonvalue.Object, *dict, *stageMap:
		m, _ := asMapping(v)
		return e.appendMap(dst, v, m, depth)
	case *entry:
		if dst, err = e.appendText(dst, v.key, depth+1); err != nil {
			return dst, err
		}
		return e.appendText(append(dst, '='), v.value, depth+1)
	case *block:
		saved := e.out
		e.out = dst
		err = v.render(e)
		dst, e.out = e.out, saved
		return dst, err
	case *iterator:
		return append(dst, "java.util.ArrayList$Itr@1b28cdfa"...), nil
	case *foreachScope:
		return append(dst, "{}"...), nil
	case *inputObject, *utilObject:
		return dst, nil
	}
	return appendScalar(dst, v), nil
}

func (e *evaluator) appendMap(dst []byte, self any, m mapping, depth int) ([]byte, error) {
	var err error
	dst = append(dst, '{')
	first := true
	m.each(func(k, v any) bool {
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		if dst, err = e.appendText(dst, k, depth+1); err != nil {
			return false
		}
		dst = append(dst, '=')
		if v == self {
			dst = append(dst, "(this Map)"...)
			return true
		}
		dst, err = e.appendText(dst, v, depth+1)
		return err == nil
	})
	return append(dst, '}'), err
}

// appendScalar appends the text of a value that holds no others.
func appendScalar(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case integer:
		return strconv.AppendInt(dst, int64(v), 10)
	case double:
		return javatext.AppendDouble(dst, float64(v))
	case *bigInteger:
		return v.v.Append(dst, 10)
	case *bigDecimal:
		return append(dst, v.String()...)
	}
	return dst
}

// plainText is the text of a scalar; containers have none here.
func plainText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(appendScalar(nil, v))
}

// appendJSON appends the JSON text of a value as json-smart writes it: compact, and with control characters and some
// of Unicode's punctuation escaped. JSONArray.toString, which slashes says it is, escapes '/' too; $input.json does not.
func (e *evaluator) appendJSON(dst []byte, v any, slashes bool, depth int) ([]byte, error) {
	if depth > e.limits.MaxDepth {
		return dst, errTooDeep
	}
	if len(dst)-e.base > e.limits.MaxOutput {
		return dst, errTooLong
	}
	var err error
	switch v := v.(type) {
	case string:
		return appendJSONString(dst, v, slashes), nil
	case double:
		if math.IsInf(float64(v), 0) {
			return append(dst, "null"...), nil
		}
		return javatext.AppendDouble(dst, float64(v)), nil
	}
	if o, ok := v.(*jsonvalue.Object); ok {
		dst = append(dst, '{')
		for i, m := range o.Members() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONString(dst, m.Name, slashes)
			if dst, err = e.appendJSON(append(dst, ':'), m.Value, slashes, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	if items, ok := items(v); ok {
		dst = append(dst, '[')
		for i, item := range *items {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = e.appendJSON(dst, item, slashes, depth+1); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
	if m, ok := asMapping(v); ok {
		dst = append(dst, '{')
		first := true
		m.each(func(k, value any) bool {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendJSONString(dst, plainText(k), slashes)
			dst, err = e.appendJSON(append(dst, ':'), value, slashes, depth+1)
			return err == nil
		})
		return append(dst, '}'), err
	}
	if _, ok := v.(*block); ok {
		s, err := e.text(v)
		return appendJSONString(dst, s, slashes), err
	}
	return appendScalar(dst, v), nil
}

const upperHex = "0123456789ABCDEF"

func appendJSONString(dst []byte, s string, slashes bool) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && (c != '/' || !slashes) {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if !(r >= 0x7f && r <= 0x9f || r >= 0x2000 && r <= 0x20ff) {
				i += size
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		i += size
		from = i
		switch c {
		case '"', '\\', '/':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = appendUnit(dst, uint16(r))
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// appendUnit appends a UTF-16 code unit as \uXXXX.
func appendUnit(dst []byte, u uint16) []byte {
	return append(dst, '\\', 'u', upperHex[u>>12], upperHex[u>>8&15], upperHex[u>>4&15], upperHex[u&15])
}
