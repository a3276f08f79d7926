package jsonata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	endToken tokenKind = iota
	operatorToken
	nameToken
	variableToken
	stringToken
	numberToken
	valueToken // true, false, null
	regexToken
)

type token struct {
	kind  tokenKind
	text  string // an operator, a name, a string's content, a number as written
	value any    // of numberToken and valueToken, and the *regexp.Regexp of a regexToken
	end   int    // in bytes
}

// is reports whether the token is an operator.
func (t *token) is(operator string) bool { return t.kind == operatorToken && t.text == operator }

type lexer struct {
	source string
	at     int
}

const operatorCharacters = ".[]{}(),@#;:?+-*/%|=<>^&!~"

var doubleOperators = []string{"..", ":=", "!=", ">=", "<=", "**", "~>"}

var numberPattern = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?`)

func (l *lexer) fail(code, token string) error {
	return &raised{code: code, token: token, at: l.at}
}

// skip passes over white space and comments.
func (l *lexer) skip() error {
	for l.at < len(l.source) {
		switch c := l.source[l.at]; {
		case strings.IndexByte(" \t\n\r\v", c) >= 0:
			l.at++
		case strings.HasPrefix(l.source[l.at:], "/*"):
			end := strings.Index(l.source[l.at+2:], "*/")
			if end < 0 {
				l.at = len(l.source)
				return l.fail("S0106", "")
			}
			l.at += 2 + end + 2
		default:
			return nil
		}
	}
	return nil
}

// next reads a token; operand says that one may begin here which is an operand, so that "/" begins a regular expression.
func (l *lexer) next(operand bool) (token, error) {
	if err := l.skip(); err != nil {
		return token{}, err
	}
	if l.at >= len(l.source) {
		return token{kind: endToken, text: "(end)", end: l.at}, nil
	}
	rest := l.source[l.at:]
	c := rest[0]
	if operand && c == '/' {
		return l.regex()
	}
	for _, operator := range doubleOperators {
		if strings.HasPrefix(rest, operator) {
			l.at += 2
			return token{kind: operatorToken, text: operator, end: l.at}, nil
		}
	}
	switch {
	case c == '!' || c == '~':
		l.at++
		return token{}, l.fail("S0204", rest[:1])
	case strings.IndexByte(operatorCharacters, c) >= 0:
		l.at++
		return token{kind: operatorToken, text: rest[:1], end: l.at}, nil
	case c == '"' || c == '\'':
		return l.string(c)
	case c == '`':
		end := strings.IndexByte(rest[1:], '`')
		if end < 0 {
			l.at = len(l.source)
			return token{}, l.fail("S0105", "")
		}
		l.at += end + 2
		return token{kind: nameToken, text: rest[1 : end+1], end: l.at}, nil
	case '0' <= c && c <= '9':
		text := numberPattern.FindString(rest)
		l.at += len(text)
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) {
			return token{}, l.fail("S0102", text)
		}
		return token{kind: numberToken, text: text, value: f, end: l.at}, nil
	}
	return l.word(), nil
}

func (l *lexer) word() token {
	start := l.at
	for l.at < len(l.source) && strings.IndexByte(operatorCharacters+" \t\n\r\v", l.source[l.at]) < 0 {
		l.at++
	}
	text := l.source[start:l.at]
	t := token{kind: nameToken, text: text, end: l.at}
	switch text {
	case "and", "or", "in":
		t.kind = operatorToken
	case "true", "false":
		t.kind, t.value = valueToken, text == "true"
	case "null":
		t.kind = valueToken
	default:
		if text[0] == '$' {
			t.kind, t.text = variableToken, text[1:]
		}
	}
	return t
}

func (l *lexer) string(quote byte) (token, error) {
	var b strings.Builder
	l.at++
	for l.at < len(l.source) {
		c := l.source[l.at]
		switch c {
		case quote:
			l.at++
			return token{kind: stringToken, text: b.String(), end: l.at}, nil
		case '\\':
			l.at++
			if err := l.escape(&b); err != nil {
				return token{}, err
			}
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	return token{}, l.fail("S0101", "")
}

func (l *lexer) escape(b *strings.Builder) error {
	if l.at >= len(l.source) {
		return l.fail("S0101", "")
	}
	c := l.source[l.at]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[i])
		l.at++
		return nil
	}
	if c != 'u' {
		r, n := utf8.DecodeRuneInString(l.source[l.at:])
		l.at += n
		return l.fail("S0103", string(r))
	}
	unit, err := l.hex()
	if err != nil {
		return err
	}
	if 0xD800 <= unit && unit < 0xDC00 && strings.HasPrefix(l.source[l.at:], `\u`) {
		l.at++
		low, err := l.hex()
		if err != nil {
			return err
		}
		if 0xDC00 <= low && low < 0xE000 {
			b.WriteRune((unit-0xD800)<<10 + (low - 0xDC00) + 0x10000)
			return nil
		}
		b.WriteRune(utf8.RuneError)
		unit = low
	}
	b.WriteRune(unit) // a surrogate that is alone becomes U+FFFD
	return nil
}

// hex reads the letter u and four digits.
func (l *lexer) hex() (rune, error) {
	if l.at+5 <= len(l.source) {
		if n, err := strconv.ParseUint(l.source[l.at+1:l.at+5], 16, 16); err == nil {
			l.at += 5
			return rune(n), nil
		}
	}
	return 0, l.fail("S0104", "")
}

// regex reads a regular expression in slashes, with its flags i and m.
func (l *lexer) regex() (token, error) {
	start := l.at + 1
	depth := 0
	for i := start; i < len(l.source); i++ {
		switch c := l.source[i]; {
		case c == '\\':
			i++
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '/' && depth == 0:
			pattern := l.source[start:i]
			end := i + 1
			for end < len(l.source) && (l.source[end] == 'i' || l.source[end] == 'm') {
				end++
			}
			l.at = end
			if pattern == "" {
				return token{}, l.fail("S0301", "")
			}
			compiled, err := compileRegex(pattern, l.source[i+1:end])
			if err != nil {
				return token{}, &raised{code: "S0303", at: l.at, value: bareText(err.Error())}
			}
			return token{kind: regexToken, text: l.source[start-1 : end], value: compiled, end: l.at}, nil
		}
	}
	l.at = len(l.source)
	return token{}, l.fail("S0302", "")
}

// signature reads a function's signature, of which "<" has been read.
func (l *lexer) signature() string {
	start := l.at - 1
	for depth := 1; l.at < len(l.source) && depth > 0 && l.source[l.at] != '{'; l.at++ {
		switch l.source[l.at] {
		case '<':
			depth++
		case '>':
			depth--
		}
	}
	return l.source[start:l.at]
}
