package vtl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func (e *evaluator) callString(v string, s *step, args []any) (any, error) {
	if err := e.read(len(v)); err != nil {
		return nil, err
	}
	switch len(args) {
	case 0:
		if result, ok := callString0(v, s.name); ok {
			if text, ok := result.(string); ok {
				return e.newString(text)
			}
			return result, nil
		}
		if s.name == "getBytes" {
			return bytesOf(v), e.work(len(v))
		}
	case 1:
		if text, ok := textArg(args, 0); ok {
			return e.callStringText(v, s, text)
		}
		if n, ok := intArg(args, 0); ok {
			return e.callStringInt(v, s.name, n)
		}
		switch s.name {
		case "valueOf", "format":
			return e.object(args[0], "toString", nil)
		}
	case 2:
		switch s.name {
		case "replace", "replaceAll", "replaceFirst":
			return e.replace(v, s, args)
		case "substring", "subSequence":
			from, ok := intArg(args, 0)
			to, okTo := intArg(args, 1)
			if ok && okTo {
				return substring(v, from, to)
			}
			return nil, nil
		case "indexOf", "lastIndexOf", "startsWith":
			return stringFrom(v, s.name, args)
		case "split":
			limit, ok := intArg(args, 1)
			if _, text := textArg(args, 0); !ok || !text {
				return nil, nil
			}
			return e.split(v, s, args[0].(string), limit)
		}
	}
	switch {
	case s.name == "format" && len(args) > 0:
		if layout, ok := textArg(args, 0); ok {
			return e.format(layout, args[1:])
		}
	case s.name == "join" && len(args) > 1:
		return e.join(args)
	}
	return e.object(v, s.name, args)
}

// callString0 is the methods without arguments; false when there is none of the name.
func callString0(v, name string) (any, bool) {
	switch name {
	case "toString", "intern":
		return v, true
	case "length":
		return integer(utf16Length(v)), true
	case "isEmpty":
		return v == "", true
	case "isBlank":
		return isBlank(v), true
	case "trim":
		return strings.TrimFunc(v, func(r rune) bool { return r <= ' ' }), true
	case "strip":
		return strings.TrimFunc(v, javaSpace), true
	case "stripLeading":
		return strings.TrimLeftFunc(v, javaSpace), true
	case "stripTrailing":
		return strings.TrimRightFunc(v, javaSpace), true
	case "toLowerCase":
		return strings.ToLower(v), true
	case "toUpperCase":
		return strings.ToUpper(strings.ReplaceAll(v, "ß", "SS")), true
	}
	return nil, false
}

func isBlank(s string) bool { return strings.TrimFunc(s, javaSpace) == "" }

func bytesOf(s string) *list {
	l := &list{kind: javaArray, items: make([]any, len(s))}
	for i := range len(s) {
		l.items[i] = integer(int8(s[i]))
	}
	return l
}

func foldEqual(a, b string) bool { return strings.EqualFold(a, b) }

// callStringText is the methods with one text.
func (e *evaluator) callStringText(v string, s *step, arg string) (any, error) {
	switch s.name {
	case "contains":
		return strings.Contains(v, arg), nil
	case "startsWith":
		return strings.HasPrefix(v, arg), nil
	case "endsWith":
		return strings.HasSuffix(v, arg), nil
	case "indexOf", "lastIndexOf":
		return stringFrom(v, s.name, []any{arg})
	case "equals", "contentEquals":
		return v == arg, nil
	case "equalsIgnoreCase":
		return foldEqual(v, arg), nil
	case "compareTo":
		return integer(compareUTF16(v, arg)), nil
	case "compareToIgnoreCase":
		return integer(compareUTF16(strings.ToLower(v), strings.ToLower(arg))), nil
	case "concat":
		return e.newString(v + arg)
	case "valueOf", "format":
		if s.name == "valueOf" {
			return arg, nil
		}
		return e.format(arg, nil)
	case "split":
		return e.split(v, s, arg, 0)
	case "matches":
		p, err := e.pattern(s, arg, true)
		if err != nil {
			return nil, err
		}
		if p.simple {
			return v == p.plain, nil
		}
		found := false
		err = p.search(e, validUTF8(v), func(matchSpan) (bool, error) { found = true; return false, nil })
		return found, err
	}
	return e.object(v, s.name, []any{arg})
}

// callStringInt is the methods with one int.
func (e *evaluator) callStringInt(v, name string, n int) (any, error) {
	switch name {
	case "substring":
		return substring(v, n, utf16Length(v))
	case "charAt":
		return substring(v, n, n+1)
	case "codePointAt":
		if n < 0 || n >= utf16Length(v) {
			return nil, indexError(integer(n), utf16Length(v))
		}
		at, _ := byteIndex(v, n)
		r, _ := utf8.DecodeRuneInString(v[at:])
		return integer(r), nil
	case "indexOf", "lastIndexOf":
		return stringFrom(v, name, []any{string(rune(n))})
	case "repeat":
		if n < 0 {
			return nil, errors.New("the count is negative")
		}
		if n > 0 && len(v) > e.limits.MaxOutput/n {
			return nil, fmt.Errorf("a string is longer than the limit of %d bytes", e.limits.MaxOutput)
		}
		return e.newString(strings.Repeat(v, n))
	case "valueOf":
		return plainText(integer(n)), nil
	case "equals":
		return false, nil
	}
	return nil, nil
}

// Java counts the length and the places of a string in UTF-16 code units.

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x10000 {
			n++
		}
	}
	return n
}

// byteIndex returns the byte at which the code unit n begins. Whole is false in the middle of a pair of surrogates.
func byteIndex(s string, n int) (at int, whole bool) {
	units := 0
	for i, r := range s {
		if units >= n {
			return i, units == n
		}
		if units++; r >= 0x10000 {
			units++
		}
	}
	return len(s), units <= n
}

// substring is String.substring. Half of a pair of surrogates becomes '?', as when Java writes it.
func substring(s string, from, to int) (any, error) {
	length := len(s)
	ascii := isASCII(s)
	if !ascii {
		length = utf16Length(s)
	}
	if from < 0 || to > length || from > to {
		return nil, fmt.Errorf("begin %d, end %d, length %d", from, to, length)
	}
	if ascii {
		return s[from:to], nil
	}
	if from == to {
		return "", nil
	}
	start, wholeStart := byteIndex(s, from)
	end, wholeEnd := byteIndex(s, to)
	before, after := "", ""
	if !wholeStart {
		before = "?"
	}
	if !wholeEnd {
		_, size := utf8.DecodeLastRuneInString(s[:end])
		end -= size
		after = "?"
	}
	if start > end {
		return before + after, nil
	}
	return before + s[start:end] + after, nil
}

// stringFrom is indexOf, lastIndexOf and startsWith, with a place to begin at.
func stringFrom(v, name string, args []any) (any, error) {
	text, ok := textArg(args, 0)
	if !ok {
		n, isInt := intArg(args, 0)
		if !isInt || name == "startsWith" {
			return nil, nil
		}
		text = string(rune(n))
	}
	length := utf16Length(v)
	from := 0
	if name == "lastIndexOf" {
		from = length
	}
	if len(args) == 2 {
		if from, ok = intArg(args, 1); !ok {
			return nil, nil
		}
	}
	switch name {
	case "startsWith":
		if from < 0 || from > length {
			return false, nil
		}
		at, whole := byteIndex(v, from)
		return whole && strings.HasPrefix(v[at:], text), nil
	case "indexOf":
		at, _ := byteIndex(v, max(from, 0))
		i := strings.Index(v[at:], text)
		if i < 0 {
			return integer(-1), nil
		}
		return integer(utf16Length(v[:at+i])), nil
	}
	if from < 0 {
		return integer(-1), nil
	}
	at, _ := byteIndex(v, from)
	i := strings.LastIndex(v[:min(len(v), at+len(text))], text)
	if i < 0 {
		return integer(-1), nil
	}
	return integer(utf16Length(v[:i])), nil
}

// compareUTF16 is String.compareTo.
func compareUTF16(a, b string) int {
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// replace is the three methods of that name: replace takes texts, the others a regular expression.
func (e *evaluator) replace(v string, s *step, args []any) (any, error) {
	from, ok := textArg(args, 0)
	to, okTo := textArg(args, 1)
	if !ok || !okTo {
		return nil, nil
	}
	if s.name == "replace" {
		if n := strings.Count(v, from); n > 0 && len(v)+n*(len(to)-len(from)) > e.limits.MaxOutput {
			return nil, fmt.Errorf("a string is longer than the limit of %d bytes", e.limits.MaxOutput)
		}
		return e.newString(strings.ReplaceAll(v, from, to))
	}
	p, err := e.pattern(s, from, false)
	if err != nil {
		return nil, err
	}
	v = validUTF8(v)
	var b strings.Builder
	last := 0
	err = p.search(e, v, func(m matchSpan) (bool, error) {
		b.WriteString(v[last:m.start])
		last = m.end
		if b.Len() > e.limits.MaxOutput {
			return false, fmt.Errorf("a string is longer than the limit of %d bytes", e.limits.MaxOutput)
		}
		return s.name == "replaceAll", expandReplacement(&b, to, m)
	})
	if err != nil {
		return nil, err
	}
	if last == 0 && b.Len() == 0 {
		return v, nil
	}
	b.WriteString(v[last:])
	return e.newString(b.String())
}

// expandReplacement writes a replacement: $1 and ${name} stand for groups, a backslash makes the next character plain.
func expandReplacement(b *strings.Builder, replacement string, m matchSpan) error {
	for i := 0; i < len(replacement); i++ {
		switch c := replacement[i]; c {
		case '\\':
			if i++; i == len(replacement) {
				return errors.New("the character to be escaped is missing in the replacement")
			}
			b.WriteByte(replacement[i])
		case '$':
			i++
			switch {
			case i < len(replacement) && replacement[i] == '{':
				name, _, ok := strings.Cut(replacement[i+1:], "}")
				value, known := m.names[name]
				if !ok || !known {
					return fmt.Errorf("the expression has no group %q", name)
				}
				b.WriteString(value)
				i += len(name) + 1
			case i < len(replacement) && digit(replacement[i]):
				group := int(replacement[i] - '0')
				if group >= len(m.groups) {
					return fmt.Errorf("the expression has no group %d", group)
				}
				for i+1 < len(replacement) && digit(replacement[i+1]) {
					next := group*10 + int(replacement[i+1]-'0')
					if next >= len(m.groups) {
						break
					}
					group = next
					i++
				}
				b.WriteString(m.groups[group])
			default:
				return errors.New("illegal reference to a group in the replacement: $ needs a number")
			}
		default:
			b.WriteByte(c)
		}
	}
	return nil
}

// split is String.split: a limit above 0 bounds the parts, 0 drops empty parts at the end, below 0 keeps them.
func (e *evaluator) split(v string, s *step, source string, limit int) (any, error) {
	p, err := e.pattern(s, source, false)
	if err != nil {
		return nil, err
	}
	v = validUTF8(v)
	parts := &list{kind: javaArray}
	last := 0
	err = p.search(e, v, func(m matchSpan) (bool, error) {
		if m.end == 0 || m.start == len(v) && m.start == m.end {
			return true, nil // An empty match at the beginning or the end splits nothing.
		}
		parts.items = append(parts.items, v[last:m.start])
		last = m.end
		return limit <= 0 || len(parts.items) < limit-1, e.step()
	})
	if err != nil {
		return nil, err
	}
	if last == 0 {
		return &list{kind: javaArray, items: []any{v}}, nil
	}
	parts.items = append(parts.items, v[last:])
	for n := len(parts.items); limit == 0 && n > 0 && parts.items[n-1] == ""; n-- {
		parts.items = parts.items[:n-1]
	}
	return parts, nil
}
