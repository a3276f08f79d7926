package vtl

import (
	"fmt"
	"strconv"
	"strings"
)

// join is String.join(separator, items...).
func (e *evaluator) join(args []any) (any, error) {
	separator, ok := textArg(args, 0)
	if !ok {
		return nil, nil
	}
	parts := args[1:]
	if len(parts) == 1 {
		if l, ok := items(parts[0]); ok {
			parts = *l
		}
	}
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteString(separator)
		}
		s, err := e.text(part)
		if err != nil {
			return nil, err
		}
		b.WriteString(s)
		if b.Len() > e.limits.MaxOutput {
			return nil, fmt.Errorf("a string is longer than the limit of %d bytes", e.limits.MaxOutput)
		}
	}
	return e.newString(b.String())
}

// maxWidth bounds the width and precision in a format.
const maxWidth = 10_000

// format is String.format for the conversions that text and numbers need: %s %S %d %x %X %o %f %e %b %c %n %%, with
// the flags "-", "0", "+", " " and ",", a width and a precision.
func (e *evaluator) format(layout string, args []any) (any, error) {
	if len(args) == 1 {
		if l, ok := args[0].(*list); ok && l.kind == javaArray {
			args = l.items
		}
	}
	var b strings.Builder
	next := 0
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			b.WriteByte(layout[i])
			continue
		}
		spec := i
		i++
		place := -1
		if n := span(layout[i:], "0123456789"); n > 0 && i+n < len(layout) && layout[i+n] == '$' {
			place, _ = strconv.Atoi(layout[i : i+n])
			place--
			i += n + 1
		}
		flags := layout[i : i+span(layout[i:], "-#+ 0,(")]
		i += len(flags)
		width, n := formatNumber(layout[i:])
		i += n
		precision := -1
		if i < len(layout) && layout[i] == '.' {
			precision, n = formatNumber(layout[i+1:])
			i += n + 1
		}
		if i >= len(layout) || width > maxWidth || precision > maxWidth {
			return nil, fmt.Errorf("the format %q is not supported", layout[spec:])
		}
		verb := layout[i]
		switch verb {
		case '%':
			b.WriteString(pad("%", flags, width))
			continue
		case 'n':
			b.WriteByte('\n')
			continue
		}
		if place < 0 {
			place = next
			next++
		}
		if place >= len(args) {
			return nil, fmt.Errorf("the format %q has no argument", layout[spec:i+1])
		}
		s, err := e.formatValue(verb, flags, precision, width, args[place])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", layout[spec:i+1], err)
		}
		b.WriteString(pad(s, flags, width))
		if b.Len() > e.limits.MaxOutput {
			return nil, fmt.Errorf("a string is longer than the limit of %d bytes", e.limits.MaxOutput)
		}
	}
	return e.newString(b.String())
}

func formatNumber(s string) (value, length int) {
	length = span(s, "0123456789")
	value, err := strconv.Atoi(s[:length])
	if err != nil && length > 0 {
		value = maxWidth + 1
	}
	return value, length
}

func pad(s, flags string, width int) string {
	n := width - utf16Length(s)
	switch {
	case n <= 0:
		return s
	case strings.Contains(flags, "-"):
		return s + strings.Repeat(" ", n)
	}
	return strings.Repeat(" ", n) + s
}

func (e *evaluator) formatValue(verb byte, flags string, precision, width int, v any) (string, error) {
	switch verb {
	case 's', 'S':
		s, err := e.text(v)
		if precision >= 0 && precision < utf16Length(s) {
			cut, _ := substring(s, 0, precision)
			s = cut.(string)
		}
		if verb == 'S' {
			s = strings.ToUpper(s)
		}
		return s, err
	case 'b':
		return strconv.FormatBool(v != nil && v != false), nil
	case 'c':
		if s, ok := v.(string); ok && utf16Length(s) == 1 {
			return s, nil
		}
		if n, ok := v.(integer); ok && n >= 0 && n <= 0x10ffff {
			return string(rune(n)), nil
		}
	case 'd':
		if n, ok := toBig(v); ok {
			digits := new(strings.Builder)
			fmt.Fprintf(digits, "%d", n)
			return decorate(digits.String(), flags, width), nil
		}
	case 'x', 'X', 'o':
		if n, ok := v.(integer); ok {
			u := uint64(n)
			if integer(int32(n)) == n {
				u = uint64(uint32(n))
			}
			return decorate(fmt.Sprintf("%"+string(verb), u), strings.ReplaceAll(flags, ",", ""), width), nil
		}
	case 'f', 'e':
		if !isNumber(v) {
			break
		}
		if _, ok := v.(integer); ok {
			break
		}
		if precision < 0 {
			precision = 6
		}
		return decorate(strconv.FormatFloat(toFloat(v), verb, precision, 64), flags, width), nil
	}
	return "", fmt.Errorf("not a value for this conversion")
}

// decorate adds a number's sign, separators and leading zeros.
func decorate(digits, flags string, width int) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	} else if strings.Contains(flags, "+") {
		sign = "+"
	} else if strings.Contains(flags, " ") {
		sign = " "
	}
	if strings.Contains(flags, ",") {
		whole, fraction, point := strings.Cut(digits, ".")
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
		digits = whole
		if point {
			digits += "." + fraction
		}
	}
	if zeros := width - len(sign) - len(digits); zeros > 0 && strings.Contains(flags, "0") {
		digits = strings.Repeat("0", zeros) + digits
	}
	return sign + digits
}
