package jsonata

import (
	"encoding/base64"
	"net/url"
	"strings"
	"unicode/utf8"
)

var stringFunctions = map[string]builtin{
	"string": {"<x-b?:s>", 1, defined(func(c *call, args []any) (any, error) {
		s, err := c.ev.stringify(args[0], argument(args, 1) == true)
		if err != nil {
			return nil, err
		}
		return s, c.ev.allocate(len(s))
	})},
	"length": {"<s-:n>", 1, defined(func(_ *call, args []any) (any, error) {
		return float64(utf8.RuneCountInString(args[0].(string))), nil
	})},
	"substring":          {"<s-nn?:s>", 3, defined(substring)},
	"substringBefore":    {"<s-s:s>", 2, defined(substringBefore)},
	"substringAfter":     {"<s-s:s>", 2, defined(substringAfter)},
	"uppercase":          {"<s-:s>", 1, textFunction(strings.ToUpper)},
	"lowercase":          {"<s-:s>", 1, textFunction(strings.ToLower)},
	"trim":               {"<s-:s>", 1, textFunction(collapseSpace)},
	"pad":                {"<s-ns?:s>", 3, defined(pad)},
	"contains":           {"<s-(sf):b>", 2, defined(containsText)},
	"split":              {"<s-(sf)n?:a<s>>", 3, defined(split)},
	"join":               {"<a<s>s?:s>", 2, defined(join)},
	"match":              {"<s-f<s:o>n?:a<o>>", 3, defined(match)},
	"replace":            {"<s-(sf)(sf)n?:s>", 4, defined(replace)},
	"base64encode":       {"<s-:s>", 1, textFunction(base64Encode)},
	"base64decode":       {"<s-:s>", 1, textFunction(base64Decode)},
	"encodeUrl":          {"<s-:s>", 1, defined(encodeURL(";,/?:@&=+$-_.!~*'()#"))},
	"encodeUrlComponent": {"<s-:s>", 1, defined(encodeURL("-_.!~*'()"))},
	"decodeUrl":          {"<s-:s>", 1, defined(decodeURL(";/?:@&=+$,#"))},
	"decodeUrlComponent": {"<s-:s>", 1, defined(decodeURL(""))},
}

// textFunction makes a built-in of a function from text to text.
func textFunction(f func(string) string) func(c *call, args []any) (any, error) {
	return defined(func(c *call, args []any) (any, error) {
		s := f(args[0].(string))
		return s, c.ev.allocate(len(s))
	})
}

func substring(_ *call, args []any) (any, error) {
	s := args[0].(string)
	count := utf8.RuneCountInString(s)
	f, _ := numberArgument(args, 1)
	from := clampInt(f)
	if count+from < 0 {
		from = 0
	}
	length, limited := numberArgument(args, 2)
	if !limited {
		return part(s, from, count), nil
	}
	if length <= 0 {
		return "", nil
	}
	to := from + clampInt(length)
	if from < 0 {
		to += count
	}
	return part(s, from, to), nil
}

// clampInt cuts a number to what an index may be.
func clampInt(f float64) int {
	const most = 1 << 40
	return int(max(-most, min(f, most)))
}

func substringBefore(_ *call, args []any) (any, error) {
	separator, ok := textArgument(args, 1)
	before, _, found := strings.Cut(args[0].(string), separator)
	if !ok || !found {
		return args[0], nil
	}
	return before, nil
}

func substringAfter(_ *call, args []any) (any, error) {
	separator, ok := textArgument(args, 1)
	_, after, found := strings.Cut(args[0].(string), separator)
	if !ok || !found {
		return args[0], nil
	}
	return after, nil
}

func pad(c *call, args []any) (any, error) {
	s := args[0].(string)
	width, _ := numberArgument(args, 1)
	filler, _ := textArgument(args, 2)
	if filler == "" {
		filler = " "
	}
	n := clampInt(width)
	missing := max(n, -n) - utf8.RuneCountInString(s)
	if missing <= 0 {
		return s, nil
	}
	if err := c.ev.allocate(missing * utf8.UTFMax); err != nil {
		return nil, err
	}
	runes := []rune(filler)
	padding := make([]rune, missing)
	for i := range padding {
		padding[i] = runes[i%len(runes)]
	}
	if n > 0 {
		return s + string(padding), nil
	}
	return string(padding) + s, nil
}

func join(c *call, args []any) (any, error) {
	separator, _ := textArgument(args, 1)
	items := listOf(args[0])
	texts := make([]string, len(items))
	size := 0
	for i, item := range items {
		texts[i], _ = item.(string)
		size += len(texts[i]) + len(separator)
	}
	if err := c.ev.allocate(size); err != nil {
		return nil, err
	}
	return strings.Join(texts, separator), nil
}

// base64Encode takes each character for a byte, as the reference implementation does.
func base64Encode(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// base64Decode skips what is no digit, and stops at the padding.
func base64Decode(s string) string {
	digits := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '+', r == '/':
			return r
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return -1
	}, strings.SplitN(s, "=", 2)[0])
	if len(digits)%4 == 1 {
		digits = digits[:len(digits)-1]
	}
	decoded, _ := base64.RawStdEncoding.DecodeString(digits)
	runes := make([]rune, len(decoded))
	for i, b := range decoded {
		runes[i] = rune(b)
	}
	return string(runes)
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// encodeURL percent-encodes all but letters, digits and the characters to keep. Half of a surrogate pair, which a string
// here has as U+FFFD, cannot be encoded.
func encodeURL(keep string) func(c *call, args []any) (any, error) {
	return func(c *call, args []any) (any, error) {
		s := args[0].(string)
		if strings.ContainsRune(s, utf8.RuneError) {
			return nil, problem("D3140", s)
		}
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if strings.IndexByte(unreserved, s[i]) >= 0 || strings.IndexByte(keep, s[i]) >= 0 {
				b.WriteByte(s[i])
				continue
			}
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[s[i]>>4], hex[s[i]&15]})
		}
		return b.String(), c.ev.allocate(b.Len())
	}
}

// decodeURL decodes all but the escapes of the characters to keep.
func decodeURL(keep string) func(c *call, args []any) (any, error) {
	return func(_ *call, args []any) (any, error) {
		s := args[0].(string)
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] != '%' {
				b.WriteByte(s[i])
				continue
			}
			if i+3 > len(s) {
				return nil, problem("D3140", s)
			}
			decoded, err := url.PathUnescape(s[i : i+3])
			if err != nil {
				return nil, problem("D3140", s)
			}
			if strings.Contains(keep, decoded) {
				decoded = s[i : i+3]
			}
			b.WriteString(decoded)
			i += 2
		}
		if !utf8.ValidString(b.String()) {
			return nil, problem("D3140", s)
		}
		return b.String(), nil
	}
}
