package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// In a compiled pattern these two bytes stand for * and ?; policies cannot contain them.
const (
	anyText = '\x00'
	anyChar = '\x01'
)

// pattern is a compiled value of a policy: text with wildcards and policy variables.
type pattern struct {
	kind  patternKind
	text  string // compiled; for a prefix, without its star
	parts []part // only where there are variables
}

type patternKind uint8

const (
	literal  patternKind = iota // no wildcard
	prefix                      // literal text, then one star
	all                         // "*"
	glob                        // any other
	variable                    // has policy variables
)

// part is a piece of a pattern with variables: compiled text, or a variable's key with its default.
type part struct {
	text       string
	key        string
	fallback   string
	hasDefault bool
}

// compile reads a policy's value. Wildcards and variables are plain text where the flags say so.
func compile(text string, wildcards, variables bool) (pattern, error) {
	if strings.ContainsAny(text, "\x00\x01") {
		return pattern{}, malformed("Syntax errors in policy.")
	}
	if variables && strings.Contains(text, "${") {
		return compileVariables(text, wildcards)
	}
	return classify(stars(text, wildcards)), nil
}

var wild = strings.NewReplacer("*", string(anyText), "?", string(anyChar))

func stars(text string, wildcards bool) string {
	if !wildcards {
		return text
	}
	return wild.Replace(text)
}

func classify(compiled string) pattern {
	first := strings.IndexAny(compiled, "\x00\x01")
	switch {
	case first < 0:
		return pattern{kind: literal, text: compiled}
	case compiled == string(anyText):
		return pattern{kind: all}
	case compiled[first] == anyText && first == len(compiled)-1:
		return pattern{kind: prefix, text: compiled[:first]}
	}
	return pattern{kind: glob, text: compiled}
}

func compileVariables(text string, wildcards bool) (pattern, error) {
	p := pattern{kind: variable}
	constant := ""
	for {
		start := strings.Index(text, "${")
		if start < 0 {
			break
		}
		length := strings.IndexByte(text[start:], '}')
		if length < 0 {
			return p, malformed("Syntax error in policy: the policy variable in %q is not closed.", text)
		}
		constant += stars(text[:start], wildcards)
		name := text[start+2 : start+length]
		text = text[start+length+1:]
		if name == "*" || name == "?" || name == "$" {
			constant += name
			continue
		}
		v := part{}
		key, fallback, has := strings.Cut(name, ",")
		v.key, v.hasDefault = strings.TrimSpace(key), has
		if fallback = strings.TrimSpace(fallback); has {
			if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
				return p, malformed("The default of the policy variable ${%s} must stand in single quotes.", name)
			}
			v.fallback = fallback[1 : len(fallback)-1]
		}
		if v.key == "" {
			return p, malformed("The policy variable ${%s} has no name.", name)
		}
		if constant != "" {
			p.parts = append(p.parts, part{text: constant})
			constant = ""
		}
		p.parts = append(p.parts, v)
	}
	constant += stars(text, wildcards)
	if len(p.parts) == 0 {
		return classify(constant), nil
	}
	if constant != "" {
		p.parts = append(p.parts, part{text: constant})
	}
	return p, nil
}

// expand puts the variables' values into the pattern; ok is false when one has none.
func (p *pattern) expand(r *Request) (_ pattern, ok bool) {
	if p.kind != variable {
		return *p, true
	}
	var b strings.Builder
	for _, part := range p.parts {
		if part.key == "" {
			b.WriteString(part.text)
			continue
		}
		value, more, found := r.lookup(part.key)
		switch {
		case found && len(more) > 0: // variables take single-valued keys only
			return pattern{}, false
		case !found && !part.hasDefault:
			return pattern{}, false
		case !found:
			value = part.fallback
		}
		if strings.ContainsAny(value, "\x00\x01") {
			return pattern{}, false
		}
		b.WriteString(value)
	}
	return classify(b.String()), true
}

// match compares text to the pattern, case-sensitively.
func (p *pattern) match(text string, r *Request) bool {
	q, ok := p.expand(r)
	if !ok {
		return false
	}
	switch q.kind {
	case all:
		return true
	case literal:
		return q.text == text
	case prefix:
		return strings.HasPrefix(text, q.text)
	}
	return globMatch(q.text, text, false)
}

// matchFold compares text to the pattern without regard to case.
func (p *pattern) matchFold(text string, r *Request) bool {
	q, ok := p.expand(r)
	if !ok {
		return false
	}
	switch q.kind {
	case all:
		return true
	case literal:
		return strings.EqualFold(q.text, text)
	case prefix:
		return len(text) >= len(q.text) && strings.EqualFold(text[:len(q.text)], q.text)
	}
	return globMatch(q.text, text, true)
}

// globMatch matches in time O(len(pattern)·len(text)), without allocation: only the latest star is ever retried.
func globMatch(pattern, text string, fold bool) bool {
	at, star, retry := 0, -1, 0
	for i := 0; i < len(text); {
		if at < len(pattern) {
			switch c := pattern[at]; {
			case c == anyText:
				star, retry = at, i
				at++
				continue
			case c == anyChar:
				_, size := utf8.DecodeRuneInString(text[i:])
				i += size
				at++
				continue
			case c == text[i] || fold && lower(c) == lower(text[i]):
				i++
				at++
				continue
			}
		}
		if star < 0 {
			return false
		}
		retry++
		i, at = retry, star+1
	}
	for at < len(pattern) && pattern[at] == anyText {
		at++
	}
	return at == len(pattern)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// matchARN compares an ARN to the pattern part by part, as the Arn operators do: a wildcard does not reach over a colon
// of the first five.
func (p *pattern) matchARN(arn string, r *Request) bool {
	q, ok := p.expand(r)
	if !ok {
		return false
	}
	if q.kind == literal {
		return q.text == arn
	}
	pat := q.text
	switch q.kind {
	case all:
		return true
	case prefix:
		pat += string(anyText)
	}
	for range 5 {
		i, j := strings.IndexByte(pat, ':'), strings.IndexByte(arn, ':')
		if i < 0 || j < 0 || !globMatch(pat[:i], arn[:j], false) {
			return false
		}
		pat, arn = pat[i+1:], arn[j+1:]
	}
	return globMatch(pat, arn, false)
}
