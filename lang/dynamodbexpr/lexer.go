package dynamodbexpr

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenNamePlaceholder  // #name
	tokenValuePlaceholder // :value
	tokenDigits
	tokenSymbol
)

type token struct {
	kind  tokenKind
	text  string
	start int
	end   int
}

// is reports whether the token is a keyword or symbol, in whatever case.
func (t token) is(word string) bool {
	return (t.kind == tokenName || t.kind == tokenSymbol) && strings.EqualFold(t.text, word)
}

// lex splits an expression into tokens, with an end at the end. A character that belongs to no token is a token of its own:
// the parser will not expect it.
func lex(text string) []token {
	tokens := make([]token, 0, len(text)/3+2)
	for i := 0; i < len(text); {
		c := text[i]
		start, kind := i, tokenSymbol
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
			continue
		case isLetter(c):
			kind, i = tokenName, wordEnd(text, i)
		case c == '#':
			kind, i = tokenNamePlaceholder, wordEnd(text, i+1)
		case c == ':':
			kind, i = tokenValuePlaceholder, wordEnd(text, i+1)
		case isDigit(c):
			for kind = tokenDigits; i < len(text) && isDigit(text[i]); {
				i++
			}
		case strings.HasPrefix(text[i:], "<=") || strings.HasPrefix(text[i:], ">=") || strings.HasPrefix(text[i:], "<>"):
			i += 2
		default:
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
		}
		tokens = append(tokens, token{kind, text[start:i], start, i})
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: len(text), end: len(text)})
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func wordEnd(text string, i int) int {
	for i < len(text) && (isLetter(text[i]) || isDigit(text[i])) {
		i++
	}
	return i
}

// syntaxError is the panic with which a parser gives up; parse turns it into an Error.
type syntaxError string

// cursor walks over an expression's tokens.
type cursor struct {
	source string
	tokens []token
	at     int
}

func (c *cursor) peek() token { return c.tokens[c.at] }

func (c *cursor) take(word string) bool {
	if c.peek().is(word) {
		c.at++
		return true
	}
	return false
}

func (c *cursor) want(word string) {
	if !c.take(word) {
		c.fail()
	}
}

// fail gives up at the current token. DynamoDB shows it with its neighbours.
func (c *cursor) fail() {
	t := c.peek()
	from, to := t.start, t.end
	if c.at > 0 {
		from = c.tokens[c.at-1].start
	}
	if c.at+1 < len(c.tokens) && c.tokens[c.at+1].kind != tokenEnd {
		to = c.tokens[c.at+1].end
	}
	panic(syntaxError(`Syntax error; token: "` + t.text + `", near: "` + strings.TrimSpace(c.source[from:to]) + `"`))
}

// maxExpression is the longest expression, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxExpression = 4096

// parsed runs a parser over a whole expression.
func parsed[T any](source string, parse func(*cursor) T) (result T, problem string) {
	if source == "" {
		return result, "The expression can not be empty;"
	}
	if len(source) > maxExpression {
		return result, "Expression size has exceeded the maximum allowed size; expression size: " + itoa(len(source))
	}
	c := &cursor{source: source, tokens: lex(source)}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			problem = string(e)
		}
	}()
	result = parse(c)
	if c.peek().kind != tokenEnd {
		c.fail()
	}
	return result, ""
}

// rawPath reads a document path whose placeholders are not resolved yet.
func (c *cursor) rawPath() Path {
	t := c.peek()
	if t.kind != tokenName && t.kind != tokenNamePlaceholder {
		c.fail()
	}
	c.at++
	return c.pathTail(Path{{Name: t.text}})
}

func (c *cursor) pathTail(p Path) Path {
	for {
		switch {
		case c.take("."):
			t := c.peek()
			if t.kind != tokenName && t.kind != tokenNamePlaceholder {
				c.fail()
			}
			c.at++
			p = append(p, Step{Name: t.text})
		case c.take("["):
			t := c.peek()
			if t.kind != tokenDigits {
				c.fail()
			}
			c.at++
			index := 0
			for _, d := range []byte(t.text) {
				index = min(index*10+int(d-'0'), 1<<30)
			}
			c.want("]")
			p = append(p, Step{Index: index, IsIndex: true})
		default:
			return p
		}
	}
}
