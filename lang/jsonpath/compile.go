package jsonpath

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// maxSource bounds an expression; nesting is bounded by maxNesting.
const (
	maxSource  = 64 << 10
	maxNesting = 50
)

// Compile parses an expression of the [Current] version. An expression without a leading "$" or "@" is taken as one
// below the root: "a.b" is "$.a.b". Errors are of type *[Error].
func Compile(expr string) (*Path, error) { return CompileVersion(expr, Current) }

// CompileVersion is [Compile] for a given version of the library.
func CompileVersion(expr string, version Version) (*Path, error) {
	return compile(expr, version, 0)
}

func compile(expr string, version Version, nesting int) (*Path, error) {
	text := strings.Trim(expr, " \t\r\n")
	c := &compiler{text: text, expr: expr, version: version, nesting: nesting}
	c.shift = strings.Index(expr, text)
	switch {
	case len(expr) > maxSource:
		return nil, &Error{"", maxSource, fmt.Sprintf("longer than %d bytes", maxSource)}
	case nesting > maxNesting:
		return nil, &Error{expr, 0, fmt.Sprintf("filters and functions nested deeper than %d levels", maxNesting)}
	case text == "":
		return nil, &Error{expr, 0, "the path is empty"}
	case text[0] != '$' && text[0] != '@':
		c.text = "$." + text
		c.shift -= 2
	}
	if strings.HasSuffix(c.text, ".") {
		return nil, c.fail(len(c.text)-1, "a path must not end with '.'")
	}
	if err := c.path(); err != nil {
		return nil, err
	}
	p := newPath(expr, version, c.text[0], c.steps)
	p.regexp = c.regexp
	return p, nil
}

// problem returns the *Error that compile has returned.
func problem(err error) *Error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Problem: err.Error()}
	}
	return e
}

type compiler struct {
	expr    string // as given
	text    string // what is parsed
	shift   int    // text's offset in expr
	i       int
	version Version
	nesting int
	steps   []Step
	regexp  bool
}

func (c *compiler) fail(at int, format string, args ...any) *Error {
	return &Error{c.expr, max(0, at+c.shift), fmt.Sprintf(format, args...)}
}

func (c *compiler) space(i int) int {
	for i < len(c.text) && (c.text[i] == ' ' || c.text[i] == '\t' || c.text[i] == '\n' || c.text[i] == '\r') {
		i++
	}
	return i
}

func (c *compiler) at(i int) byte {
	if i < len(c.text) {
		return c.text[i]
	}
	return 0
}

func (c *compiler) path() error {
	c.i = 1
	if c.i < len(c.text) && c.text[c.i] != '.' && c.text[c.i] != '[' {
		return c.fail(c.i, "unexpected %q, want '.' or '['", c.text[c.i])
	}
	for c.i < len(c.text) {
		if len(c.steps) > 0 && c.steps[len(c.steps)-1].Kind == Function {
			return c.fail(c.i, "nothing may follow a function")
		}
		if err := c.step(); err != nil {
			return err
		}
	}
	if n := len(c.steps); n > 0 && c.steps[n-1].Kind == Scan {
		return c.fail(len(c.text), "a path must not end with '..'")
	}
	return nil
}

func (c *compiler) step() error {
	switch c.text[c.i] {
	case '[':
		return c.bracket()
	case '.':
		if c.at(c.i+1) == '.' {
			c.steps = append(c.steps, Step{Kind: Scan})
			c.i += 2
		} else {
			c.i++
		}
		switch {
		case c.i >= len(c.text):
			return c.fail(c.i, "a path must not end with '.'")
		case c.text[c.i] == '.':
			return c.fail(c.i, "unexpected '.'")
		case c.text[c.i] == '[':
			return c.bracket()
		case c.text[c.i] == '*':
			c.i++
			c.steps = append(c.steps, Step{Kind: Wildcard})
			return nil
		}
		return c.property()
	case '*':
		c.i++
		c.steps = append(c.steps, Step{Kind: Wildcard})
		return nil
	}
	return c.property()
}

// property reads a name without brackets, or a function.
func (c *compiler) property() error {
	start := c.i
	for c.i < len(c.text) {
		switch c.text[c.i] {
		case ' ':
			return c.fail(c.i, "a name with a blank must be written in brackets: ['my name']")
		case '(':
			if c.version != V2_0 {
				return c.function(c.text[start:c.i])
			}
		case '.', '[':
			if c.i == start {
				return c.fail(c.i, "a name is missing")
			}
			c.steps = append(c.steps, Step{Kind: Name, Names: []string{c.text[start:c.i]}, quote: '\''})
			return nil
		}
		c.i++
	}
	c.steps = append(c.steps, Step{Kind: Name, Names: []string{c.text[start:c.i]}, quote: '\''})
	return nil
}

func (c *compiler) bracket() error {
	switch next := c.at(c.space(c.i + 1)); {
	case next == '\'' || next == '"':
		return c.quotedNames(next)
	case next == '*':
		end := c.space(c.space(c.i+1) + 1)
		if c.at(end) != ']' {
			return c.fail(end, "want ']' after '*'")
		}
		c.i = end + 1
		c.steps = append(c.steps, Step{Kind: Wildcard})
		return nil
	case next == '?':
		return c.filter()
	case next == '-' || next == ':' || '0' <= next && next <= '9':
		return c.indices()
	}
	return c.fail(c.i+1, "want a name in quotes, an index, '*' or '?(' after '['")
}

func (c *compiler) quotedNames(quote byte) error {
	step := Step{Kind: Name, quote: quote}
	i := c.i + 1
	for {
		i = c.space(i)
		if c.at(i) != quote {
			return c.fail(i, "want a name in %c", quote)
		}
		start := i + 1
		for i = start; c.at(i) != quote; i++ {
			if i < len(c.text) && c.text[i] == '\\' {
				i++
			}
			if i >= len(c.text) {
				return c.fail(len(c.text), "the name's closing %c is missing", quote)
			}
		}
		step.Names = append(step.Names, unescape(c.text[start:i]))
		i = c.space(i + 1)
		if c.at(i) == ']' {
			break
		}
		if c.at(i) != ',' {
			return c.fail(i, "want ',' or ']' after a name")
		}
		i++
	}
	if len(step.Names) > 1 {
		step.Kind = Names
	}
	c.steps = append(c.steps, step)
	c.i = i + 1
	return nil
}

func (c *compiler) indices() error {
	length := strings.IndexByte(c.text[c.i:], ']')
	if length < 0 {
		return c.fail(len(c.text), "the closing ']' is missing")
	}
	inside := c.text[c.i+1 : c.i+length]
	for j := range len(inside) {
		if !strings.ContainsRune("0123456789,-: ", rune(inside[j])) {
			return c.fail(c.i+1+j, "unexpected %q in an index", inside[j])
		}
	}
	number := func(s string) (int, error) {
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
		if err != nil {
			return 0, c.fail(c.i+1, "%q is not an index", strings.TrimSpace(s))
		}
		return int(n), nil
	}
	step := Step{}
	if strings.Contains(inside, ":") {
		step.Kind = Slice
		// A third number, the stride, is read by the library and has no effect.
		parts := strings.Split(inside, ":")
		for k, bound := range []**int{&step.From, &step.To} {
			if strings.TrimSpace(parts[k]) == "" {
				continue
			}
			n, err := number(parts[k])
			if err != nil {
				return err
			}
			*bound = &n
		}
		if step.From == nil && step.To == nil {
			return c.fail(c.i+1, "a slice needs a first or a last index")
		}
	} else {
		for _, part := range strings.Split(inside, ",") {
			n, err := number(part)
			if err != nil {
				return err
			}
			step.Indices = append(step.Indices, n)
		}
		step.Kind = Index
		if len(step.Indices) > 1 {
			step.Kind = Indices
		}
	}
	c.steps = append(c.steps, step)
	c.i += length + 1
	return nil
}

// closing returns the index of the bracket that closes the one at i, or -1. Quoted strings and, in filters, regular
// expressions are passed over.
func closing(text string, i int, open, shut byte, patterns bool) int {
	depth := 0
	for ; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '\'' || ch == '"' || ch == '/' && patterns:
			for i++; i < len(text) && text[i] != ch; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case ch == open:
			depth++
		case ch == shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (c *compiler) filter() error {
	open := c.space(c.space(c.i+1) + 1)
	if c.at(open) != '(' {
		return c.fail(open, "want '(' after '?'")
	}
	shut := closing(c.text, open, '(', ')', true)
	if shut < 0 {
		return c.fail(len(c.text), "the filter's closing ')' is missing")
	}
	end := c.space(shut + 1)
	if c.at(end) != ']' {
		return c.fail(end, "want ']' after a filter")
	}
	f := &filterCompiler{c: c, text: c.text[:shut], i: open + 1, nesting: c.nesting + 1}
	e, err := f.compile()
	if err != nil {
		return err
	}
	c.steps = append(c.steps, Step{Kind: Filter, filter: e})
	c.i = end + 1
	return nil
}

// argument is an argument of a function: a path or a JSON value.
type argument struct {
	path  *Path
	value any
}

func (c *compiler) function(name string) error {
	shut := closing(c.text, c.i, '(', ')', false)
	if shut < 0 {
		return c.fail(len(c.text), "the closing ')' of %s( is missing", name)
	}
	if !functionNames[name] {
		return c.fail(c.i-len(name), "there is no function %s()", name)
	}
	step := Step{Kind: Function, Names: []string{name}}
	for _, a := range splitArguments(c.text[c.i+1 : shut]) {
		a = strings.TrimSpace(a)
		if a != "" && (a[0] == '$' || a[0] == '@') {
			p, err := compile(a, c.version, c.nesting+1)
			if err != nil {
				return c.fail(c.i+1, "argument of %s(): %s", name, problem(err).Problem)
			}
			c.regexp = c.regexp || p.regexp
			step.args = append(step.args, argument{path: p})
			continue
		}
		v, err := jsonvalue.Parse(a)
		if err != nil {
			return c.fail(c.i+1, "argument of %s(): %v", name, err)
		}
		step.args = append(step.args, argument{value: v})
	}
	c.steps = append(c.steps, step)
	c.i = shut + 1
	return nil
}

func splitArguments(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var parts []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			q := s[i]
			for i++; i < len(s) && s[i] != q; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, s[from:])
}

// unescape resolves the escapes in a quoted name or string, as the library's Utils.unescape: Java's, and any other
// escaped character stands for itself.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'b':
			b.WriteByte('\b')
		case 'u':
			if i+4 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+5], 16, 32); err == nil {
					b.WriteRune(rune(n))
					i += 4
					continue
				}
			}
			b.WriteByte('u')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
