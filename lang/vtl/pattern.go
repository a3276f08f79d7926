package vtl

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// pattern is a java.util.regex.Pattern: a plain text where that is all it is, else a backtracking expression.
type pattern struct {
	plain  string
	simple bool
	re     *regexp2.Regexp
}

const (
	// matchTimeout bounds one search, and matchBudget all searches of a rendering, since backtracking can take for ever.
	matchTimeout = 250 * time.Millisecond
	matchBudget  = time.Second
	// maxPattern bounds the text of an expression.
	maxPattern = 4 << 10
)

var errPatternTime = errors.New("the regular expressions take too long")

// compilePattern compiles a regular expression of Java's; whole says that it must match whole texts.
func compilePattern(source string, whole bool) (*pattern, error) {
	if plain, ok := plainPattern(source); ok {
		return &pattern{plain: plain, simple: true}, nil
	}
	if len(source) > maxPattern {
		return nil, fmt.Errorf("a regular expression is longer than %d bytes", maxPattern)
	}
	translated, err := translatePattern(source)
	if err != nil {
		return nil, err
	}
	if whole {
		translated = `^(?:` + translated + `)\z`
	}
	re, err := regexp2.Compile(translated, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("%q is not a regular expression: %w", source, err)
	}
	re.MatchTimeout = matchTimeout
	return &pattern{re: re}, nil
}

// plainPattern returns the text that an expression without operators matches.
func plainPattern(source string) (string, bool) {
	if source == "" {
		return "", false
	}
	if !strings.ContainsAny(source, `\[](){}.*+?^$|`) {
		return source, true
	}
	b := make([]byte, 0, len(source))
	for i := 0; i < len(source); i++ {
		c := source[i]
		if c == '\\' {
			i++
			if i == len(source) || letter(source[i]) || digit(source[i]) || source[i] >= 0x80 {
				return "", false
			}
			b = append(b, source[i])
			continue
		}
		if strings.IndexByte(`[](){}.*+?^$|`, c) >= 0 {
			return "", false
		}
		b = append(b, c)
	}
	return string(b), true
}

// Java's classes where they differ from .NET's, which regexp2 follows: \d, \w and \s are ASCII.
var classes = map[byte]string{
	'd': "0-9", 'w': "a-zA-Z_0-9", 's': ` \t\n\x0B\f\r`, 'h': ` \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000`,
	'v': `\n\x0B\f\r\x85\u2028\u2029`,
}

var posixClasses = map[string]string{
	"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7F`, "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9",
	"Punct": `!-/:-@\[-` + "`" + `{-~`, "Graph": "!-~", "Print": " -~", "Blank": ` \t`, "Cntrl": `\x00-\x1F\x7F`,
	"XDigit": "0-9a-fA-F", "Space": ` \t\n\x0B\f\r`,
}

// translatePattern writes a Java expression in regexp2's syntax.
func translatePattern(source string) (string, error) {
	var b strings.Builder
	inClass := 0
	// With the flags s and m in the expression, . and $ have the same meaning in both.
	dotAll, multiline := inlineFlag(source, 's'), inlineFlag(source, 'm')
	for i := 0; i < len(source); i++ {
		c := source[i]
		switch {
		case c == '\\' && i+1 < len(source):
			i++
			n, err := translateEscape(&b, source, i, inClass > 0)
			if err != nil {
				return "", err
			}
			i = n
			continue
		case c == '[':
			inClass++
			if inClass > 1 {
				return "", fmt.Errorf("%q: a class of characters in another is not supported", source)
			}
		case c == ']' && inClass > 0:
			inClass--
		case inClass > 0 && strings.HasPrefix(source[i:], "&&"):
			return "", fmt.Errorf("%q: intersections of classes (&&) are not supported", source)
		case inClass > 0:
		case c == '.' && !dotAll:
			b.WriteString(`[^\n\r\x85\u2028\u2029]`)
			continue
		case c == '$' && !multiline:
			b.WriteString(`(?=(?:\r\n|[\n\r\x85\u2028\u2029])?\z)`)
			continue
		case c == '+' && i > 0 && strings.IndexByte("*+?}", source[i-1]) >= 0 && (i < 2 || source[i-2] != '\\'):
			return "", fmt.Errorf("%q: possessive quantifiers are not supported", source)
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// inlineFlag reports whether an expression turns a flag on: (?s), (?im:...).
func inlineFlag(source string, flag byte) bool {
	for {
		i := strings.Index(source, "(?")
		if i < 0 {
			return false
		}
		source = source[i+2:]
		flags := source[:matchWord(source, false)]
		if strings.IndexByte(flags, flag) >= 0 {
			return true
		}
	}
}

// translateEscape writes the escape whose letter is at i, and returns the index of its last character.
func translateEscape(b *strings.Builder, source string, i int, inClass bool) (int, error) {
	c := source[i]
	if set, ok := classes[c|0x20]; ok && letter(c) {
		switch upper := c&0x20 == 0; {
		case inClass && upper:
			b.WriteString(`\` + source[i:i+1])
		case inClass:
			b.WriteString(set)
		case upper:
			b.WriteString("[^" + set + "]")
		default:
			b.WriteString("[" + set + "]")
		}
		return i, nil
	}
	switch c {
	case 'Q':
		text := source[i+1:]
		end := strings.Index(text, `\E`)
		last := i + len(text)
		if end >= 0 {
			text = text[:end]
			last = i + 1 + end + 1
		}
		b.WriteString(regexp2.Escape(text))
		return last, nil
	case 'E':
		return i, nil
	case 'R':
		b.WriteString(`(?:\r\n|[\n\x0B\f\r\x85\u2028\u2029])`)
		return i, nil
	case 'Z':
		b.WriteString(`(?=(?:\r\n|[\n\r\x85\u2028\u2029])?\z)`)
		return i, nil
	case 'p', 'P':
		if name, rest, ok := strings.Cut(source[i+1:], "}"); ok && strings.HasPrefix(name, "{") {
			if set, ok := posixClasses[name[1:]]; ok && (c == 'p' || !inClass) {
				switch {
				case inClass:
					b.WriteString(set)
				case c == 'P':
					b.WriteString("[^" + set + "]")
				default:
					b.WriteString("[" + set + "]")
				}
				return len(source) - len(rest) - 1, nil
			}
			b.WriteString(`\` + source[i:i+1] + "{" + strings.TrimPrefix(name[1:], "Is") + "}")
			return len(source) - len(rest) - 1, nil
		}
	}
	b.WriteString(`\` + source[i:i+1])
	return i, nil
}

// matchSpan is where an expression has matched, in bytes, with its groups; a group that took no part has start -1.
type matchSpan struct {
	start, end int
	groups     []string
	names      map[string]string
}

// search calls f for the matches in s, from the left, until it returns false.
func (p *pattern) search(e *evaluator, s string, f func(m matchSpan) (bool, error)) error {
	if p.simple {
		for at := 0; ; {
			i := strings.Index(s[at:], p.plain)
			if i < 0 {
				return nil
			}
			start := at + i
			at = start + len(p.plain)
			if more, err := f(matchSpan{start: start, end: at, groups: []string{p.plain}}); err != nil || !more {
				return err
			}
		}
	}
	began := time.Now()
	spend := func() error {
		e.matches += int(time.Since(began).Microseconds())
		if e.matches > int(matchBudget.Microseconds()) {
			return errPatternTime
		}
		began = time.Now()
		return nil
	}
	runes := []rune(s)
	m, err := p.re.FindRunesMatch(runes)
	offset, place := 0, 0 // of the rune at place
	seek := func(to int) int {
		for ; place < to; place++ {
			offset += len(string(runes[place]))
		}
		return offset
	}
	for ; m != nil && err == nil; m, err = p.re.FindNextMatch(m) {
		if err := spend(); err != nil {
			return err
		}
		if err := e.step(); err != nil {
			return err
		}
		span := matchSpan{start: seek(m.Index), end: seek(m.Index + m.Length)}
		for _, g := range m.Groups() {
			span.groups = append(span.groups, g.String())
			if g.Name != "" && !digit(g.Name[0]) {
				if span.names == nil {
					span.names = map[string]string{}
				}
				span.names[g.Name] = g.String()
			}
		}
		if more, err := f(span); err != nil || !more {
			return err
		}
	}
	if err != nil {
		return errPatternTime
	}
	return spend()
}

// pattern returns the compiled form of an expression; whole says that it must match whole texts.
func (e *evaluator) pattern(s *step, source string, whole bool) (*pattern, error) {
	if s.pattern != nil {
		return s.pattern, nil
	}
	key := source
	if whole {
		key = "\x00" + source
	}
	if p, ok := e.patterns[key]; ok {
		return p, nil
	}
	p, err := compilePattern(source, whole)
	if err != nil {
		return nil, err
	}
	if e.patterns == nil {
		e.patterns = map[string]*pattern{}
	}
	e.patterns[key] = p
	return p, e.work(len(source) + 50)
}
