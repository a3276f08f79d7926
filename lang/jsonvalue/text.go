package jsonvalue

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is the nesting of arrays and objects up to which texts are read: Jackson's limit since 2.15.
const MaxDepth = 1000

// SyntaxError says where a text stops being JSON.
type SyntaxError struct {
	Offset       int // in bytes, from 0
	Line, Column int // from 1; the column counts characters
	Problem      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid JSON at line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// Parse reads one JSON text (RFC 8259); anything but white space after it is an error. Errors are of type *SyntaxError.
// A lone surrogate escape becomes U+FFFD.
func Parse[T ~string | ~[]byte](text T) (any, error) {
	p := parser{s: string(text)}
	p.space()
	v, ok := p.value(0)
	if ok {
		p.space()
		if p.i < len(p.s) {
			ok = p.fail(p.i, "unexpected text after the end of the document")
		}
	}
	if !ok {
		return nil, p.err
	}
	return v, nil
}

type parser struct {
	s   string
	i   int
	err *SyntaxError
}

func (p *parser) fail(at int, format string, args ...any) bool {
	e := &SyntaxError{Offset: at, Line: 1, Column: 1, Problem: fmt.Sprintf(format, args...)}
	for _, r := range p.s[:at] {
		if r == '\n' {
			e.Line, e.Column = e.Line+1, 1
		} else {
			e.Column++
		}
	}
	p.err = e
	return false
}

func (p *parser) unexpected(want string) bool {
	if p.i >= len(p.s) {
		return p.fail(p.i, "unexpected end, want %s", want)
	}
	r, _ := utf8.DecodeRuneInString(p.s[p.i:])
	return p.fail(p.i, "unexpected %q, want %s", r, want)
}

func (p *parser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

func (p *parser) value(depth int) (any, bool) {
	if p.i >= len(p.s) {
		return nil, p.unexpected("a value")
	}
	switch c := p.s[p.i]; c {
	case '{':
		return p.object(depth + 1)
	case '[':
		return p.array(depth + 1)
	case '"':
		return p.string()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return p.number()
		}
	}
	return nil, p.unexpected("a value")
}

func (p *parser) word(w string) bool {
	if len(p.s)-p.i < len(w) || p.s[p.i:p.i+len(w)] != w {
		return p.unexpected("a value")
	}
	p.i += len(w)
	return true
}

func (p *parser) object(depth int) (any, bool) {
	if depth > MaxDepth {
		return nil, p.fail(p.i, "nested deeper than %d levels", MaxDepth)
	}
	o := &Object{}
	p.i++
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.i++
		return o, true
	}
	for {
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return nil, p.unexpected("a member's name in double quotes")
		}
		name, ok := p.string()
		if !ok {
			return nil, false
		}
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != ':' {
			return nil, p.unexpected(`":"`)
		}
		p.i++
		p.space()
		v, ok := p.value(depth)
		if !ok {
			return nil, false
		}
		o.Set(name.(string), v)
		p.space()
		if p.i < len(p.s) && p.s[p.i] == '}' {
			p.i++
			return o, true
		}
		if p.i >= len(p.s) || p.s[p.i] != ',' {
			return nil, p.unexpected(`"," or "}"`)
		}
		p.i++
		p.space()
	}
}

func (p *parser) array(depth int) (any, bool) {
	if depth > MaxDepth {
		return nil, p.fail(p.i, "nested deeper than %d levels", MaxDepth)
	}
	a := &Array{}
	p.i++
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ']' {
		p.i++
		return a, true
	}
	for {
		v, ok := p.value(depth)
		if !ok {
			return nil, false
		}
		a.Items = append(a.Items, v)
		p.space()
		if p.i < len(p.s) && p.s[p.i] == ']' {
			p.i++
			return a, true
		}
		if p.i >= len(p.s) || p.s[p.i] != ',' {
			return nil, p.unexpected(`"," or "]"`)
		}
		p.i++
		p.space()
	}
}

func (p *parser) number() (any, bool) {
	start := p.i
	digits := func() bool {
		from := p.i
		for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
			p.i++
		}
		return p.i > from || p.unexpected("a digit")
	}
	if p.s[p.i] == '-' {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '0' {
		p.i++
		if p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
			return nil, p.fail(p.i, "a number may not begin with 0")
		}
	} else if !digits() {
		return nil, false
	}
	if p.i < len(p.s) && p.s[p.i] == '.' {
		p.i++
		if !digits() {
			return nil, false
		}
	}
	if p.i < len(p.s) && (p.s[p.i] == 'e' || p.s[p.i] == 'E') {
		p.i++
		if p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-') {
			p.i++
		}
		if !digits() {
			return nil, false
		}
	}
	return Number(p.s[start:p.i]), true
}

func (p *parser) string() (any, bool) {
	p.i++
	start := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			s := p.s[start:p.i]
			p.i++
			return s, true
		case c == '\\' || c >= utf8.RuneSelf:
			return p.escapedString(start)
		case c < 0x20:
			return nil, p.fail(p.i, "control character %U in a string", rune(c))
		}
		p.i++
	}
	return nil, p.unexpected(`the string's closing quote`)
}

func (p *parser) escapedString(start int) (any, bool) {
	b := append(make([]byte, 0, p.i-start+32), p.s[start:p.i]...)
	for p.i < len(p.s) {
		c := p.s[p.i]
		switch {
		case c == '"':
			p.i++
			return string(b), true
		case c < 0x20:
			return nil, p.fail(p.i, "control character %U in a string", rune(c))
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(p.s[p.i:])
			if r == utf8.RuneError && n == 1 {
				return nil, p.fail(p.i, "a byte that is not UTF-8")
			}
			b = append(b, p.s[p.i:p.i+n]...)
			p.i += n
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return nil, false
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, c)
			p.i++
		}
	}
	return nil, p.unexpected(`the string's closing quote`)
}

func (p *parser) escape() (rune, bool) {
	at := p.i
	p.i++
	if p.i >= len(p.s) {
		return 0, p.unexpected("an escaped character")
	}
	c := p.s[p.i]
	p.i++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		r, ok := p.hex4()
		if !ok {
			return 0, false
		}
		if utf16.IsSurrogate(r) {
			if next := p.i; next+1 < len(p.s) && p.s[next] == '\\' && p.s[next+1] == 'u' {
				p.i += 2
				low, ok := p.hex4()
				if !ok {
					return 0, false
				}
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, true
				}
				p.i = next
			}
			return utf8.RuneError, true
		}
		return r, true
	}
	if c <= ' ' || c >= 0x7F {
		return 0, p.fail(at, `unknown escape in a string: a backslash before %U`, c)
	}
	return 0, p.fail(at, `unknown escape \%c in a string`, c)
}

func (p *parser) hex4() (rune, bool) {
	if p.i+4 > len(p.s) {
		p.i = len(p.s)
		return 0, p.unexpected("four hexadecimal digits")
	}
	n, err := strconv.ParseUint(p.s[p.i:p.i+4], 16, 16)
	if err != nil {
		return 0, p.unexpected("four hexadecimal digits")
	}
	p.i += 4
	return rune(n), true
}

// Append appends the compact text of a value to dst: no white space, members in order, numbers as they were written,
// and in strings only what RFC 8259 requires escaped. It panics on a Go type that is not a JSON value.
func Append(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return AppendString(dst, v)
	case Number:
		return append(dst, v...)
	case *Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, item)
		}
		return append(dst, ']')
	case *Object:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, m.Name)
			dst = append(dst, ':')
			dst = Append(dst, m.Value)
		}
		return append(dst, '}')
	}
	panic(fmt.Sprintf("jsonvalue: %T is not a JSON value", v))
}

// Text returns the compact text of a value: see [Append].
func Text(v any) string { return string(Append(nil, v)) }

// AppendString appends s as a JSON string.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
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
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
