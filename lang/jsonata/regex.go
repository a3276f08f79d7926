package jsonata

import (
	"regexp"
	"strings"
)

// compileRegex compiles a JavaScript regular expression with Go's engine (RE2), which takes time linear in the text
// whatever the pattern. It has no look-around and no back-references; patterns with them are refused.
func compileRegex(pattern, flags string) (*regexp.Regexp, error) {
	var b strings.Builder
	if flags != "" {
		b.WriteString("(?" + strings.ReplaceAll(strings.ReplaceAll(flags, "ii", "i"), "mm", "m") + ")")
	}
	inClass := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern):
			i++
			i += writeEscape(&b, pattern[i:], inClass) - 1
		case c == '[' && inClass:
			b.WriteString(`\[`)
		case c == '[':
			inClass = true
			b.WriteByte(c)
			if strings.HasPrefix(pattern[i+1:], "]") { // matches nothing in JavaScript
				b.WriteString(`^\x00-\x{10FFFF}`)
			}
		case c == ']':
			inClass = false
			b.WriteByte(c)
		case c == '(' && strings.HasPrefix(pattern[i:], "(?<") && !strings.HasPrefix(pattern[i:], "(?<=") && !strings.HasPrefix(pattern[i:], "(?<!"):
			b.WriteString("(?P<")
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return regexp.Compile(b.String())
}

// writeEscape writes what follows a backslash, and returns how many bytes it took.
func writeEscape(b *strings.Builder, rest string, inClass bool) int {
	switch c := rest[0]; {
	case c == 'u' && len(rest) >= 5:
		b.WriteString(`\x{` + rest[1:5] + "}")
		return 5
	case c == 'd' || c == 'D' || c == 'w' || c == 'W' || c == 'b' && !inClass || c == 'B' || c == 'n' || c == 'r' || c == 't' || c == 'f' || c == 'v' || c == 'x':
		b.WriteString(`\` + rest[:1])
	case c == 's' && inClass:
		b.WriteString(`\s\v\x{00A0}\x{FEFF}\x{2028}\x{2029}\p{Zs}`)
	case c == 's':
		b.WriteString(`[\s\v\x{00A0}\x{FEFF}\x{2028}\x{2029}\p{Zs}]`)
	case c == 'S' && !inClass:
		b.WriteString(`[^\s\v\x{00A0}\x{FEFF}\x{2028}\x{2029}\p{Zs}]`)
	case c == 'b':
		b.WriteString(`\x08`)
	case c == '0':
		b.WriteString(`\x00`)
	case '1' <= c && c <= '9' || c == 'S':
		b.WriteString(`\` + rest[:1]) // a back-reference, which the engine refuses
	default:
		b.WriteString(regexp.QuoteMeta(rest[:1]))
	}
	return 1
}

// literalMatcher is a regular expression for a text.
func literalMatcher(text string) *function {
	return newRegex(regexp.MustCompile(regexp.QuoteMeta(text)))
}
