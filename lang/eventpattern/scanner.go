package eventpattern

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type token int

const (
	end token = iota
	beginObject
	endObject
	beginArray
	endArray
	fieldName
	text
	number
	literal // true, false and null
)

// scanner reads the tokens of a pattern. It stops and complains where EventBridge's parser does, a streaming one that looks
// at a value when it has read the name before it, but reads a string to its end only when it is asked for it.
type scanner struct {
	source string
	pos    int // behind what has been read
	scopes []scope
	now    token
	name   string // of the last field
	word   string // a number's or literal's text, or a string's value once it is read
	open   bool   // the string that begins before pos has not been read
	ahead  token  // the value behind a name
}

type scope struct {
	object  bool
	begins  int // where its bracket stands
	members int
}

// fail returns an error at what has been read, less some characters.
func (s *scanner) fail(back int, format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), Location: "\n at " + s.place(s.pos-back)}
}

// place says where a byte is, as EventBridge's parser does: with up to 500 characters of the source.
func (s *scanner) place(at int) string {
	at = min(at, len(s.source))
	line := 1 + strings.Count(s.source[:at], "\n")
	row := s.source[strings.LastIndexByte(s.source[:at], '\n')+1 : at]
	units := utf16.Encode([]rune(s.source))
	shown, cut := s.source, ""
	if len(units) > 500 {
		shown, cut = string(utf16.Decode(units[:500])), fmt.Sprintf("[truncated %d chars]", len(units)-500)
	}
	return fmt.Sprintf("[Source: (String)%q%s; line: %d, column: %d]", raw(shown), cut, line, len(utf16.Encode([]rune(row)))+1)
}

// raw is text that %q shows as the parser does: in quotes, with nothing escaped but control characters.
type raw string

func (r raw) Format(f fmt.State, _ rune) {
	var b strings.Builder
	for _, c := range string(r) {
		if unicode.IsControl(c) && c != '\n' && c != '\r' {
			fmt.Fprintf(&b, `\u%04X`, c)
		} else {
			b.WriteRune(c)
		}
	}
	fmt.Fprintf(f, `"%s"`, b.String())
}

// next reads the next token.
func (s *scanner) next() (token, *Error) {
	t, err := s.read()
	s.now = t
	return t, err
}

func (s *scanner) read() (token, *Error) {
	if s.now == fieldName {
		t := s.ahead
		s.push(t)
		return t, nil
	}
	if s.open {
		if _, err := s.text(); err != nil {
			return end, err
		}
	}
	if s.skipSpace(); s.pos == len(s.source) {
		return end, s.atEnd()
	}
	c := s.source[s.pos]
	if c == ']' || c == '}' {
		return s.pop(c)
	}
	inObject := false
	if n := len(s.scopes); n > 0 {
		sc := &s.scopes[n-1]
		if inObject = sc.object; sc.members > 0 {
			if c != ',' {
				what := "Array"
				if inObject {
					what = "Object"
				}
				return end, s.unexpected("was expecting comma to separate %s entries", what)
			}
			s.pos++
			if s.skipSpace(); s.pos == len(s.source) {
				return end, s.atEnd()
			}
		}
		sc.members++
	}
	if inObject {
		return s.field()
	}
	t, err := s.value()
	if err == nil {
		s.push(t)
	}
	return t, err
}

// push opens the scope of a token that begins one; the token has been read up to its bracket.
func (s *scanner) push(t token) {
	if t == beginObject || t == beginArray {
		s.scopes = append(s.scopes, scope{object: t == beginObject, begins: s.pos - 1})
	}
}

func (s *scanner) pop(c byte) (token, *Error) {
	s.pos++
	n := len(s.scopes) - 1
	switch {
	case n < 0:
		return end, s.fail(0, "Unexpected close marker '%c': expected ']' (for root starting at %s)", c, s.place(0))
	case s.scopes[n].object != (c == '}'):
		wanted, what := ']', "Array"
		if s.scopes[n].object {
			wanted, what = '}', "Object"
		}
		return end, s.fail(0, "Unexpected close marker '%c': expected '%c' (for %s starting at %s)", c, wanted, what, s.place(s.scopes[n].begins))
	}
	s.scopes = s.scopes[:n]
	if c == '}' {
		return endObject, nil
	}
	return endArray, nil
}

// field reads a name and looks at its value.
func (s *scanner) field() (token, *Error) {
	if s.source[s.pos] != '"' {
		return end, s.unexpected("was expecting double-quote to start field name")
	}
	s.pos++
	s.open = true
	var err *Error
	if s.name, err = s.text(); err != nil {
		return end, err
	}
	if s.skipSpace(); s.pos == len(s.source) {
		return end, s.fail(0, "Unexpected end-of-input within/between Object entries")
	}
	if s.source[s.pos] != ':' {
		return end, s.unexpected("was expecting a colon to separate field name and value")
	}
	s.pos++
	if s.skipSpace(); s.pos == len(s.source) {
		return end, s.fail(0, "Unexpected end-of-input within/between Object entries")
	}
	s.ahead, err = s.value()
	return fieldName, err
}

const validValues = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

// value reads a value: the first character of a string, an object or an array, and the whole of any other.
func (s *scanner) value() (token, *Error) {
	switch c := s.source[s.pos]; {
	case c == '"':
		s.pos++
		s.open = true
		return text, nil
	case c == '{':
		s.pos++
		return beginObject, nil
	case c == '[':
		s.pos++
		return beginArray, nil
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	begin := s.pos
	r, size := utf8.DecodeRuneInString(s.source[s.pos:])
	if r != '_' && r != '$' && !unicode.IsLetter(r) {
		return end, s.unexpected("expected a valid value %s", validValues)
	}
	for s.pos += size; s.pos < len(s.source); s.pos += size {
		if r, size = utf8.DecodeRuneInString(s.source[s.pos:]); r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
	}
	switch s.word = s.source[begin:s.pos]; s.word {
	case "true", "false", "null":
		return literal, nil
	}
	return end, s.fail(0, "Unrecognized token '%s': was expecting %s", s.word, validValues)
}

func (s *scanner) number() (token, *Error) {
	begin := s.pos
	digits := func() bool {
		from := s.pos
		for s.pos < len(s.source) && s.source[s.pos] >= '0' && s.source[s.pos] <= '9' {
			s.pos++
		}
		return s.pos > from
	}
	at := func(set string) bool {
		if s.pos < len(s.source) && strings.IndexByte(set, s.source[s.pos]) >= 0 {
			s.pos++
			return true
		}
		return false
	}
	missing := func(what string) (token, *Error) {
		if s.pos == len(s.source) {
			return end, s.fail(0, "Unexpected end-of-input in a Number value")
		}
		return end, s.unexpected("%s", what)
	}
	at("-")
	whole := s.pos
	if !digits() {
		return missing("expected digit (0-9) to follow minus sign, for valid numeric value")
	}
	if s.source[whole] == '0' && s.pos > whole+1 {
		s.pos = whole + 1
		return end, s.fail(0, "Invalid numeric value: Leading zeroes not allowed")
	}
	if at(".") && !digits() {
		return missing("Decimal point not followed by a digit")
	}
	if at("eE") {
		at("+-")
		if !digits() {
			return missing("Exponent indicator not followed by a digit")
		}
	}
	s.word = s.source[begin:s.pos]
	return number, nil
}

// text reads the string that has been begun and returns its value.
func (s *scanner) text() (string, *Error) {
	if !s.open {
		return s.word, nil
	}
	s.open = false
	var b strings.Builder
	for s.pos < len(s.source) {
		c := s.source[s.pos]
		s.pos++
		switch {
		case c == '"':
			s.word = b.String()
			return s.word, nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		case c < ' ':
			return "", s.fail(1, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		default:
			b.WriteByte(c)
		}
	}
	return "", s.fail(0, "Unexpected end-of-input: was expecting closing quote for a string value")
}

// escape reads what follows a backslash.
func (s *scanner) escape() (rune, *Error) {
	if s.pos == len(s.source) {
		return 0, s.fail(0, "Unexpected end-of-input in character escape sequence")
	}
	c, size := utf8.DecodeRuneInString(s.source[s.pos:])
	s.pos += size
	if i := strings.IndexRune(`"\/bfnrt`, c); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, s.fail(1, "Unrecognized character escape '%c' (code %d)", c, c)
	}
	r, err := s.hex()
	if err == nil && utf16.IsSurrogate(r) && strings.HasPrefix(s.source[s.pos:], `\u`) {
		before := s.pos
		s.pos += 2
		low, err := s.hex()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != unicode.ReplacementChar {
			return pair, nil
		}
		s.pos = before
	}
	return r, err
}

func (s *scanner) hex() (rune, *Error) {
	var r rune
	for range 4 {
		if s.pos == len(s.source) {
			return 0, s.fail(0, "Unexpected end-of-input in character escape sequence")
		}
		c := s.source[s.pos]
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			s.pos++
			return 0, s.fail(1, "Unexpected character ('%c' (code %d)): expected a hex-digit for character escape sequence", c, c)
		}
		r = r<<4 | rune(digit)
		s.pos++
	}
	return r, nil
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.source) && strings.IndexByte(" \t\r\n", s.source[s.pos]) >= 0 {
		s.pos++
	}
}

// unexpected complains about the character that comes next.
func (s *scanner) unexpected(format string, args ...any) *Error {
	c, _ := utf8.DecodeRuneInString(s.source[s.pos:])
	return s.fail(0, "Unexpected character ('%c' (code %d)): %s", c, c, fmt.Sprintf(format, args...))
}

// atEnd complains when the source ends within something.
func (s *scanner) atEnd() *Error {
	n := len(s.scopes)
	if n == 0 {
		return nil
	}
	what := "Array"
	if s.scopes[n-1].object {
		what = "Object"
	}
	return s.fail(0, "Unexpected end-of-input: expected close marker for %s (start marker at %s)", what, s.place(s.scopes[n-1].begins))
}
