package logs

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
)

// parsePattern reads a filter pattern and returns what matches messages. It knows the terms of unstructured text (a, "a
// b", -a, ?a) and JSON patterns: { $.a.b[0] = "x*" && ($.n >= 5 || $.c NOT EXISTS) }, with =, !=, <, <=, >, >=, IS TRUE,
// IS FALSE, IS NULL, EXISTS and NOT EXISTS. Patterns of space-delimited fields ([a, b]) and %regular expressions% are refused.
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.
func parsePattern(text string) (func(message string) bool, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return func(string) bool { return true }, nil
	case strings.HasPrefix(text, "["):
		return nil, invalid("Invalid filter pattern: space-delimited patterns are not emulated")
	case strings.HasPrefix(text, "{"):
		return parseJSONPattern(text)
	}
	return parseTerms(text)
}

func parseTerms(text string) (func(string) bool, error) {
	var all, any, none []string
	for rest := text; rest != ""; rest = strings.TrimLeft(rest, " \t\n") {
		kind := rest[0]
		if kind == '-' || kind == '?' {
			rest = rest[1:]
		}
		var term string
		if strings.HasPrefix(rest, `"`) {
			quoted, after, ok := cutQuoted(rest)
			if !ok {
				return nil, invalid("Invalid filter pattern: a quotation mark is not closed")
			}
			term, rest = quoted, after
		} else {
			end := strings.IndexAny(rest, " \t\n")
			if end < 0 {
				end = len(rest)
			}
			term, rest = rest[:end], rest[end:]
			if strings.HasPrefix(term, "%") {
				return nil, invalid("Invalid filter pattern: regular expressions are not emulated")
			}
			if strings.ContainsFunc(term, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
				return nil, invalid("Invalid character(s) in term '%s'", term)
			}
		}
		if term == "" {
			return nil, invalid("Invalid filter pattern: a term is empty")
		}
		switch kind {
		case '-':
			none = append(none, term)
		case '?':
			any = append(any, term)
		default:
			all = append(all, term)
		}
	}
	return func(message string) bool {
		for _, t := range none {
			if strings.Contains(message, t) {
				return false
			}
		}
		for _, t := range all {
			if !strings.Contains(message, t) {
				return false
			}
		}
		if len(all) > 0 || len(any) == 0 { // AWS ignores ? terms beside others
			return true
		}
		for _, t := range any {
			if strings.Contains(message, t) {
				return true
			}
		}
		return false
	}, nil
}

// cutQuoted splits a text that begins with a quoted string behind it. A backslash escapes the next character.
func cutQuoted(text string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == '"':
			return b.String(), text[i+1:], true
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", false
}

// jsonParser reads a JSON pattern by recursive descent.
type jsonParser struct{ rest string }

type condition func(document any) bool

func parseJSONPattern(text string) (func(string) bool, error) {
	inner, ok := strings.CutSuffix(text[1:], "}")
	if !ok {
		return nil, invalid("Invalid filter pattern: '}' is missing")
	}
	p := &jsonParser{inner}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.skip(); p.rest != "" {
		return nil, invalid("Invalid filter pattern: unexpected '%s'", p.rest)
	}
	return func(message string) bool {
		var document any
		dec := json.NewDecoder(strings.NewReader(message))
		dec.UseNumber()
		if !strings.HasPrefix(strings.TrimSpace(message), "{") || dec.Decode(&document) != nil {
			return false
		}
		return c(document)
	}, nil
}

func (p *jsonParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *jsonParser) take(token string) bool {
	p.skip()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *jsonParser) or() (condition, error) {
	left, err := p.and()
	for err == nil && p.take("||") {
		var right condition
		if right, err = p.and(); err == nil {
			a, b := left, right
			left = func(d any) bool { return a(d) || b(d) }
		}
	}
	return left, err
}

func (p *jsonParser) and() (condition, error) {
	left, err := p.one()
	for err == nil && p.take("&&") {
		var right condition
		if right, err = p.one(); err == nil {
			a, b := left, right
			left = func(d any) bool { return a(d) && b(d) }
		}
	}
	return left, err
}

func (p *jsonParser) one() (condition, error) {
	if p.take("(") {
		c, err := p.or()
		if err == nil && !p.take(")") {
			err = invalid("Invalid filter pattern: ')' is missing")
		}
		return c, err
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	switch {
	case p.take("NOT EXISTS"):
		return func(d any) bool { _, ok := look(d, path); return !ok }, nil
	case p.take("EXISTS"):
		return func(d any) bool { _, ok := look(d, path); return ok }, nil
	case p.take("IS TRUE"):
		return is(path, true), nil
	case p.take("IS FALSE"):
		return is(path, false), nil
	case p.take("IS NULL"):
		return is(path, nil), nil
	}
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(operator) {
			return p.comparison(path, operator)
		}
	}
	return nil, invalid("Invalid filter pattern: an operator is missing before '%s'", p.rest)
}

func is(path []any, want any) condition {
	return func(d any) bool { v, ok := look(d, path); return ok && v == want }
}

// path reads $.a.b[0]["c d"] into its steps: strings and integers.
func (p *jsonParser) path() ([]any, error) {
	if !p.take("$") {
		return nil, invalid("Invalid filter pattern: a selector must begin with '$' at '%s'", p.rest)
	}
	var path []any
	for {
		switch {
		case strings.HasPrefix(p.rest, "."):
			end := 1
			for end < len(p.rest) && !strings.ContainsRune(" \t\r\n.[]=!<>&|(){}\"", rune(p.rest[end])) {
				end++
			}
			if end == 1 {
				return nil, invalid("Invalid filter pattern: a property name is missing at '%s'", p.rest)
			}
			path, p.rest = append(path, p.rest[1:end]), p.rest[end:]
		case strings.HasPrefix(p.rest, `["`):
			name, rest, ok := cutQuoted(p.rest[1:])
			if !ok || !strings.HasPrefix(rest, "]") {
				return nil, invalid("Invalid filter pattern: ']' is missing")
			}
			path, p.rest = append(path, name), rest[1:]
		case strings.HasPrefix(p.rest, "["):
			end := strings.IndexByte(p.rest, ']')
			if end < 0 {
				return nil, invalid("Invalid filter pattern: ']' is missing")
			}
			i, err := strconv.Atoi(p.rest[1:end])
			if err != nil || i < 0 {
				return nil, invalid("Invalid filter pattern: '%s' is not an index", p.rest[1:end])
			}
			path, p.rest = append(path, i), p.rest[end+1:]
		default:
			return path, nil
		}
	}
}

func look(v any, path []any) (any, bool) {
	for _, step := range path {
		switch at := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			next, ok := object[at]
			if !ok {
				return nil, false
			}
			v = next
		case int:
			list, _ := v.([]any)
			if at >= len(list) {
				return nil, false
			}
			v = list[at]
		}
	}
	return v, true
}

func (p *jsonParser) comparison(path []any, operator string) (condition, error) {
	p.skip()
	var want string
	quoted := strings.HasPrefix(p.rest, `"`)
	if quoted {
		value, rest, ok := cutQuoted(p.rest)
		if !ok {
			return nil, invalid("Invalid filter pattern: a quotation mark is not closed")
		}
		want, p.rest = value, rest
	} else {
		end := strings.IndexAny(p.rest, " \t\r\n&|)")
		if end < 0 {
			end = len(p.rest)
		}
		want, p.rest = p.rest[:end], p.rest[end:]
		if want == "" || strings.HasPrefix(want, "%") {
			return nil, invalid("Invalid filter pattern: a value is missing, or is a regular expression, which is not emulated")
		}
	}
	number, err := strconv.ParseFloat(want, 64)
	numeric := err == nil && !quoted
	switch operator {
	case "=":
		return func(d any) bool { return equals(d, path, want, number, numeric) }, nil
	case "!=":
		return func(d any) bool {
			_, ok := look(d, path)
			return ok && !equals(d, path, want, number, numeric)
		}, nil
	}
	if !numeric {
		return nil, invalid("Invalid filter pattern: %s needs a number, not '%s'", operator, want)
	}
	return func(d any) bool {
		v, _ := look(d, path)
		n, ok := v.(json.Number)
		if !ok {
			return false
		}
		f, err := n.Float64()
		if err != nil {
			return false
		}
		switch operator {
		case "<":
			return f < number
		case "<=":
			return f <= number
		case ">":
			return f > number
		}
		return f >= number
	}, nil
}

func equals(d any, path []any, want string, number float64, numeric bool) bool {
	v, ok := look(d, path)
	if !ok {
		return false
	}
	switch have := v.(type) {
	case string:
		return glob(want, have)
	case json.Number:
		f, err := have.Float64()
		return numeric && err == nil && f == number
	}
	return false
}

// glob matches a text against a pattern in which * stands for anything.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, last)
}
