package vtl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// utilObject is $util.
type utilObject struct{ e *evaluator }

func (u *utilObject) call(name string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, nil
	}
	e := u.e
	switch name {
	case "parseJson":
		s, ok := args[0].(string)
		if !ok {
			return nil, nil
		}
		return e.parseJSON(s)
	case "escapeJavaScript", "urlEncode", "urlDecode", "base64Encode", "base64Decode":
	default:
		return nil, nil
	}
	if args[0] == nil {
		return nil, nil
	}
	s, err := e.text(args[0])
	if err != nil {
		return nil, err
	}
	if err := e.read(len(s)); err != nil {
		return nil, err
	}
	switch name {
	case "escapeJavaScript":
		return e.newString(escapeJavaScript(s, false))
	case "urlEncode":
		return e.newString(urlEncode(s))
	case "urlDecode":
		decoded, err := urlDecode(s)
		if err != nil {
			return nil, err
		}
		return e.newString(decoded)
	case "base64Encode":
		return e.newString(base64.StdEncoding.EncodeToString([]byte(s)))
	}
	decoded, err := base64Decode(s)
	if err != nil {
		return nil, err
	}
	return e.newString(decoded)
}

func (c *escapeChain) value(e *evaluator) (any, error) {
	v, err := c.argument.value(e)
	if err != nil || v == nil {
		return nil, err
	}
	s, err := e.text(v)
	if err != nil {
		return nil, err
	}
	if err := e.work(c.methodSteps + len(s)>>8); err != nil {
		return nil, err
	}
	return e.newString(escapeJavaScript(s, c.keepQuotes))
}

// escapeJavaScript escapes as StringEscapeUtils.escapeJavaScript of commons-lang 2.6: both quotes, backslashes, slashes,
// control characters, and everything that is not ASCII. With keepQuotes single quotes are not escaped.
func escapeJavaScript(s string, keepQuotes bool) string {
	table := &escaped
	if keepQuotes {
		table = &escapedButQuotes
	}
	i := 0
	for i < len(s) && table[s[i]] == 0 {
		i++
	}
	if i == len(s) {
		return s
	}
	b := append(make([]byte, 0, len(s)+len(s)/4+16), s[:i]...)
	from := i
	for i < len(s) {
		letter := table[s[i]]
		if letter == 0 {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		size := 1
		if letter != 'u' {
			b = append(b, '\\', letter)
		} else {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r >= 0x10000 {
				hi, lo := utf16.EncodeRune(r)
				b = appendUnit(appendUnit(b, uint16(hi)), uint16(lo))
			} else {
				b = appendUnit(b, uint16(r))
			}
		}
		i += size
		from = i
	}
	b = append(b, s[from:]...)
	return unsafe.String(unsafe.SliceData(b), len(b)) // b is not used again.
}

// escaped holds for every byte the letter that follows the backslash, 'u' for \uXXXX, 0 for what is not escaped.
var escaped, escapedButQuotes = escapeTable(true), escapeTable(false)

func escapeTable(quotes bool) (t [256]byte) {
	for c := range t {
		if c < 0x20 || c >= utf8.RuneSelf {
			t[c] = 'u'
		}
	}
	for c, letter := range map[byte]byte{
		'"': '"', '\\': '\\', '/': '/', '\b': 'b', '\n': 'n', '\t': 't', '\f': 'f', '\r': 'r',
	} {
		t[c] = letter
	}
	if quotes {
		t['\''] = '\''
	}
	return t
}

// urlEncode is java.net.URLEncoder.encode with UTF-8.
func urlEncode(s string) string {
	b := make([]byte, 0, len(s)+len(s)/2)
	for i := range len(s) {
		switch c := s[i]; {
		case letter(c) || digit(c) || c == '-' || c == '_' || c == '.' || c == '*':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

// urlDecode is java.net.URLDecoder.decode with UTF-8. Bytes that are not UTF-8 become U+FFFD.
func urlDecode(s string) (string, error) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", errors.New("an escape sequence (%) is not complete")
			}
			hi, okHi := hexDigit(s[i+1])
			lo, okLo := hexDigit(s[i+2])
			if !okHi || !okLo {
				return "", fmt.Errorf("%q is not an escape sequence", s[i:i+3])
			}
			b = append(b, hi<<4|lo)
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case digit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// base64Decode takes the standard alphabet, with or without padding. Bytes that are not UTF-8 become U+FFFD.
func base64Decode(s string) (string, error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return "", errors.New("the text is not base64")
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}
