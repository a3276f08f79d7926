package asl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// call is a compiled intrinsic function with its arguments
// (https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html).
type call struct {
	source    string
	function  *intrinsic
	arguments []argument
}

// argument is a literal, a path or another call.
type argument struct {
	literal any
	format  []string // the texts between the {} of a string literal
	path    *path
	call    *call
}

// intrinsicError is the failure of an intrinsic function.
type intrinsicError struct {
	name    string // the error's
	source  string
	problem string
}

func (e *intrinsicError) Error() string {
	return "The function '" + e.source + "' had the following error: " + e.problem
}

// maxIntrinsicNesting is how deep AWS lets intrinsic functions stand inside each other.
const maxIntrinsicNesting = 10

// parseIntrinsic parses a call, such as States.Format('{}-{}', $.a, States.UUID()).
func parseIntrinsic(source string) (*call, error) {
	p := intrinsicParser{text: source}
	c, err := p.call(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.i < len(p.text) {
		return nil, p.fail("unexpected text after the call")
	}
	return c, nil
}

type intrinsicParser struct {
	text string
	i    int
}

func (p *intrinsicParser) fail(problem string) error {
	return fmt.Errorf("intrinsic function %q, offset %d: %s", p.text, p.i, problem)
}

func (p *intrinsicParser) space() {
	for p.i < len(p.text) && (p.text[p.i] == ' ' || p.text[p.i] == '\t' || p.text[p.i] == '\n' || p.text[p.i] == '\r') {
		p.i++
	}
}

func (p *intrinsicParser) take(c byte) bool {
	if p.space(); p.i < len(p.text) && p.text[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *intrinsicParser) call(depth int) (*call, error) {
	if depth >= maxIntrinsicNesting {
		return nil, p.fail("functions nested too deep")
	}
	p.space()
	start := p.i
	for p.i < len(p.text) && (p.text[p.i] == '.' || isNamePart(p.text[p.i])) {
		p.i++
	}
	f, ok := intrinsics[p.text[start:p.i]]
	if !ok {
		return nil, p.fail("no such function")
	}
	c := &call{function: f}
	if !p.take('(') {
		return nil, p.fail(`want "("`)
	}
	if !p.take(')') {
		for {
			a, err := p.argument(depth)
			if err != nil {
				return nil, err
			}
			c.arguments = append(c.arguments, a)
			if p.take(')') {
				break
			}
			if !p.take(',') {
				return nil, p.fail(`want "," or ")"`)
			}
		}
	}
	c.source = p.text[start:p.i]
	return c, nil
}

func (p *intrinsicParser) argument(depth int) (argument, error) {
	p.space()
	rest := p.text[p.i:]
	switch {
	case strings.HasPrefix(rest, "'"):
		return p.literalString()
	case strings.HasPrefix(rest, "$"):
		start := p.i
		p.skipPath()
		compiled, err := compilePath(strings.TrimRight(p.text[start:p.i], " \t\r\n"))
		return argument{path: compiled}, err
	case strings.HasPrefix(rest, "States."):
		c, err := p.call(depth + 1)
		return argument{call: c}, err
	}
	end := strings.IndexAny(rest, ",)")
	if end < 0 {
		return argument{}, p.fail("unexpected end")
	}
	v, err := jsonvalue.Parse(strings.TrimSpace(rest[:end]))
	if err != nil {
		return argument{}, p.fail("neither a literal, a path nor a function")
	}
	switch v.(type) {
	case nil, bool, jsonvalue.Number:
		p.i += end
		return argument{literal: v}, nil
	}
	return argument{}, p.fail("neither a literal, a path nor a function")
}

// literalString reads a text in single quotes, in which \', \\, \{ and \} stand for the second character.
func (p *intrinsicParser) literalString() (argument, error) {
	p.i++
	var part, whole strings.Builder
	var format []string
	for p.i < len(p.text) {
		c := p.text[p.i]
		p.i++
		switch c {
		case '\'':
			return argument{literal: whole.String(), format: append(format, part.String())}, nil
		case '\\':
			if p.i >= len(p.text) || !strings.ContainsRune(`'\{}`, rune(p.text[p.i])) {
				return argument{}, p.fail("unknown escape")
			}
			c = p.text[p.i]
			p.i++
		case '{':
			if p.i < len(p.text) && p.text[p.i] == '}' {
				p.i++
				whole.WriteString("{}")
				format = append(format, part.String())
				part.Reset()
				continue
			}
		}
		part.WriteByte(c)
		whole.WriteByte(c)
	}
	return argument{}, p.fail("a string without end")
}

// skipPath goes to the "," or ")" that ends a path, which may have brackets, quotes and filters with their own.
func (p *intrinsicParser) skipPath() {
	var depth int
	var quote byte
	for ; p.i < len(p.text); p.i++ {
		switch c := p.text[p.i]; {
		case quote != 0:
			if c == '\\' {
				p.i++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[' || c == '(':
			depth++
		case depth > 0 && (c == ']' || c == ')'):
			depth--
		case depth == 0 && (c == ',' || c == ')'):
			return
		}
	}
}

func (c *call) eval(env *environment) (any, error) {
	var few [4]any
	values := few[:0]
	for i := range c.arguments {
		v, err := c.arguments[i].eval(c, env)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	if n := len(values); n < c.function.least || c.function.most >= 0 && n > c.function.most {
		return nil, c.fail("Invalid number of arguments: %d", n)
	}
	return c.function.apply(c, env, values)
}

func (a *argument) eval(c *call, env *environment) (any, error) {
	switch {
	case a.call != nil:
		return a.call.eval(env)
	case a.path == nil:
		return a.literal, nil
	}
	v, err := a.path.eval(env)
	if err == nil {
		return v, nil
	}
	problem := err.Error()
	if errors.Is(err, jsonpath.ErrNotFound) {
		doc, docErr := a.path.document(env)
		if docErr != nil {
			doc = env.input
		}
		problem = fmt.Sprintf("The JsonPath argument for the field '%s' could not be found in the input '%s'",
			a.path.source, jsonvalue.Text(doc))
	}
	return nil, &intrinsicError{name: errRuntime, source: c.source, problem: problem}
}

func (c *call) fail(format string, args ...any) error {
	return &intrinsicError{name: errIntrinsicFailure, source: c.source, problem: fmt.Sprintf(format, args...)}
}
