package jsonpath

import (
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/dlclark/regexp2"
)

// filterCompiler parses what stands between the brackets of [?(...)]: comparisons and paths that must exist, joined by
// && and ||, negated by !, grouped by parentheses.
type filterCompiler struct {
	c       *compiler
	text    string // up to the closing bracket
	i       int
	nesting int
}

func (f *filterCompiler) fail(format string, args ...any) error {
	return f.c.fail(f.i, format, args...)
}

func (f *filterCompiler) space() { f.i = f.c.space(f.i) }

func (f *filterCompiler) peek(token string) bool {
	f.space()
	return f.i <= len(f.text) && strings.HasPrefix(f.text[f.i:], token)
}

func (f *filterCompiler) take(token string) bool {
	if f.peek(token) {
		f.i += len(token)
		return true
	}
	return false
}

func (f *filterCompiler) compile() (expression, error) {
	e, err := f.or(0)
	if err != nil {
		return nil, err
	}
	if f.space(); f.i < len(f.text) {
		return nil, f.fail("want && or || or the filter's end")
	}
	return e, nil
}

func (f *filterCompiler) or(depth int) (expression, error) {
	first, err := f.and(depth)
	if err != nil || !f.peek("||") {
		return first, err
	}
	all := orExpression{first}
	for f.take("||") {
		next, err := f.and(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	return all, nil
}

func (f *filterCompiler) and(depth int) (expression, error) {
	first, err := f.unary(depth)
	if err != nil || !f.peek("&&") {
		return first, err
	}
	all := andExpression{first}
	for f.take("&&") {
		next, err := f.unary(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	return all, nil
}

func (f *filterCompiler) unary(depth int) (expression, error) {
	if depth > maxNesting {
		return nil, f.fail("nested deeper than %d levels", maxNesting)
	}
	switch {
	case f.take("!"):
		e, err := f.unary(depth + 1)
		return notExpression{e}, err
	case f.take("("):
		e, err := f.or(depth + 1)
		if err == nil && !f.take(")") {
			err = f.fail("want ')'")
		}
		return e, err
	}
	return f.comparison()
}

func (f *filterCompiler) comparison() (expression, error) {
	left, err := f.operand()
	if err != nil {
		return nil, err
	}
	if f.space(); f.i >= len(f.text) || strings.IndexByte("&|)", f.text[f.i]) >= 0 {
		if left.path == nil {
			return nil, f.fail("want a comparison after a literal")
		}
		return existsExpression{left.path}, nil
	}
	operator, err := f.operator()
	if err != nil {
		return nil, err
	}
	right, err := f.operand()
	if err != nil {
		return nil, err
	}
	return &comparison{left, right, operator}, nil
}

func (f *filterCompiler) operator() (string, error) {
	for _, op := range []string{"===", "!==", "==", "!=", "<=", ">=", "=~", "<", ">"} {
		if f.take(op) {
			return op, nil
		}
	}
	end := f.i
	for end < len(f.text) && (f.text[end]|0x20 >= 'a' && f.text[end]|0x20 <= 'z') {
		end++
	}
	word := strings.ToLower(f.text[f.i:end])
	switch word {
	case "in", "nin", "contains", "size", "empty", "all", "subsetof", "anyof", "noneof":
		f.i = end
		return word, nil
	}
	return "", f.fail("want an operator such as ==, <, =~, in or contains")
}

func (f *filterCompiler) operand() (operand, error) {
	f.space()
	if f.i >= len(f.text) {
		return operand{}, f.fail("want a path or a literal")
	}
	switch ch := f.text[f.i]; ch {
	case '$', '@':
		return f.path()
	case '\'', '"':
		end := f.quoted(f.i, ch)
		if end < 0 {
			return operand{}, f.fail("the closing %c is missing", ch)
		}
		s := unescape(f.text[f.i+1 : end])
		f.i = end + 1
		return operand{value: s}, nil
	case '/':
		return f.regex()
	case '{', '[':
		end := closing(f.text, f.i, ch, ch+2, false)
		if end < 0 {
			return operand{}, f.fail("the closing %c is missing", ch+2)
		}
		// Lists in filters are often written with 'single' quotes, which the library's JSON parser takes.
		text := f.text[f.i : end+1]
		v, err := jsonvalue.Parse(text)
		if err != nil {
			v, err = jsonvalue.Parse(doubleQuoted(text))
		}
		if err != nil {
			return operand{}, f.fail("%v", err)
		}
		f.i = end + 1
		return operand{value: v}, nil
	}
	end := f.i
	for end < len(f.text) && strings.IndexByte(" \t\r\n&|)=<>!~", f.text[end]) < 0 {
		end++
	}
	v, err := jsonvalue.Parse(f.text[f.i:end])
	if err != nil {
		return operand{}, f.fail("%q is not a path, a string, a number, true, false or null", f.text[f.i:end])
	}
	f.i = end
	return operand{value: v}, nil
}

func (f *filterCompiler) quoted(i int, quote byte) int {
	for i++; i < len(f.text); i++ {
		switch f.text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

// doubleQuoted turns the 'strings' of a JSON text into "strings".
func doubleQuoted(s string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		ch := s[i]
		switch {
		case ch == '\\' && i+1 < len(s):
			if s[i+1] != '\'' {
				b.WriteByte(ch)
			}
			i++
			b.WriteByte(s[i])
			continue
		case quote == 0 && (ch == '\'' || ch == '"'):
			quote, ch = ch, '"'
		case ch == quote:
			quote, ch = 0, '"'
		case quote == '\'' && ch == '"':
			b.WriteByte('\\')
		}
		b.WriteByte(ch)
	}
	return b.String()
}

func (f *filterCompiler) path() (operand, error) {
	start := f.i
	for f.i++; f.i < len(f.text); f.i++ {
		ch := f.text[f.i]
		switch {
		case ch == '[' || ch == '(':
			end := closing(f.text, f.i, ch, map[byte]byte{'[': ']', '(': ')'}[ch], ch == '[')
			if end < 0 {
				return operand{}, f.fail("the closing bracket is missing")
			}
			f.i = end
			continue
		case strings.IndexByte(" \t\r\n=<>!~)&|", ch) < 0:
			continue
		}
		break
	}
	p, err := compile(f.text[start:f.i], f.c.version, f.nesting)
	if err != nil {
		inner := problem(err)
		return operand{}, f.c.fail(start+inner.Offset, "%s", inner.Problem)
	}
	f.c.regexp = f.c.regexp || p.regexp
	return operand{path: p}, nil
}

func (f *filterCompiler) regex() (operand, error) {
	end := f.quoted(f.i, '/')
	if end < 0 {
		return operand{}, f.fail("the regular expression's closing / is missing")
	}
	pattern := f.text[f.i+1 : end]
	options := regexp2.None
	i := end + 1
	for ; i < len(f.text) && strings.IndexByte("imsxdu", f.text[i]|0x20) >= 0; i++ {
		switch f.text[i] {
		case 'i':
			options |= regexp2.IgnoreCase
		case 'm':
			options |= regexp2.Multiline
		case 's':
			options |= regexp2.Singleline
		case 'x':
			options |= regexp2.IgnorePatternWhitespace
		}
	}
	re, err := regexp2.Compile(`\A(?:`+pattern+`)\z`, options)
	if err != nil {
		return operand{}, f.fail("%v", err)
	}
	re.MatchTimeout = matchTimeout
	f.c.regexp = true
	f.i = i
	return operand{pattern: re}, nil
}
