package vtl

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// parseJSON reads a text as API Gateway reads payloads: with json-smart in its permissive mode. Names and strings need
// no quotes or single ones, commas may be too many, what follows the document is ignored, and a text that begins like
// no JSON at all is a string. Only an object or array that is broken is an error.
func (e *evaluator) parseJSON(s string) (any, error) {
	if err := e.read(len(s)); err != nil {
		return nil, err
	}
	p := smartParser{s: s, e: e}
	v, err := p.first()
	if err != nil {
		return nil, fmt.Errorf("the text is not JSON: %w", err)
	}
	return v, nil
}

type smartParser struct {
	s     string
	i     int
	e     *evaluator
	depth int
	// values counts the values read: four cost a step.
	values int
	// The items and members of the containers that are being read, so that each is made in its size.
	items   []any
	members []jsonvalue.Member
}

// What ends text without quotes, by where it stands.
const (
	stopNowhere = ""
	stopKey     = ":"
	stopValue   = ",}"
	stopItem    = ",]"
)

// endOfInput is what json-smart takes for the end, also when it stands in the text.
const endOfInput = 0x1a

func (p *smartParser) c() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return endOfInput
}

func (p *smartParser) unexpected() error {
	if p.c() == endOfInput {
		return fmt.Errorf("it ends at offset %d", p.i)
	}
	r, _ := utf8.DecodeRuneInString(p.s[p.i:])
	return fmt.Errorf("unexpected %q at offset %d", r, p.i)
}

// blanks skips what may stand before a value; space skips everything up to U+0020.
func (p *smartParser) blanks() {
	for p.i < len(p.s) && strings.IndexByte(" \r\n\t", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *smartParser) space() {
	for p.i < len(p.s) && p.s[p.i] <= ' ' && p.s[p.i] != endOfInput {
		p.i++
	}
}

// first reads the document.
func (p *smartParser) first() (any, error) {
	p.blanks()
	if p.c() == endOfInput {
		return "", nil
	}
	return p.value(stopNowhere)
}

func (p *smartParser) value(stop string) (any, error) {
	if p.values++; p.values&3 == 0 {
		if err := p.e.step(); err != nil {
			return nil, err
		}
	}
	p.blanks()
	switch c := p.c(); c {
	case ':', '}', ']', endOfInput:
		return nil, p.unexpected()
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '"', '\'':
		return p.string()
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-':
		return p.number(stop)
	}
	switch s := p.bare(p.i, stop); s {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "NaN":
		return double(math.NaN()), nil
	default:
		return s, nil
	}
}

// bare reads text without quotes that began at start.
func (p *smartParser) bare(start int, stop string) string {
	for p.c() != endOfInput && (stop == "" || strings.IndexByte(stop, p.s[p.i]) < 0) {
		p.i++
	}
	return trimJava(p.s[start:p.i])
}

// trimJava removes white space, but leaves the last character.
func trimJava(s string) string {
	for len(s) > 1 {
		r, size := utf8.DecodeRuneInString(s)
		if size == len(s) || !javaSpace(r) {
			break
		}
		s = s[size:]
	}
	for len(s) > 1 {
		r, size := utf8.DecodeLastRuneInString(s)
		if size == len(s) || !javaSpace(r) {
			break
		}
		s = s[:len(s)-size]
	}
	return s
}

// javaSpace is Character.isWhitespace.
func javaSpace(r rune) bool {
	switch r {
	case '\u00a0', '\u2007', '\u202f', '\u0085':
		return false
	case 0x1c, 0x1d, 0x1e, 0x1f:
		return true
	}
	return unicode.IsSpace(r)
}

func (p *smartParser) enter() error {
	if p.depth++; p.depth > p.e.limits.MaxDepth {
		return errTooDeep
	}
	return nil
}

func (p *smartParser) array() (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	from := len(p.items)
	p.i++
	for {
		switch p.c() {
		case ' ', '\r', '\n', '\t', ',':
			p.i++
		case ']':
			p.i++
			p.depth--
			a := &jsonvalue.Array{Items: append([]any(nil), p.items[from:]...)}
			clear(p.items[from:])
			p.items = p.items[:from]
			return a, nil
		case ':', '}', endOfInput:
			return nil, p.unexpected()
		default:
			v, err := p.value(stopItem)
			if err != nil {
				return nil, err
			}
			p.items = append(p.items, v)
		}
	}
}

func (p *smartParser) object() (any, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	from := len(p.members)
	p.i++
	for {
		switch p.c() {
		case ' ', '\r', '\n', '\t', ',':
			p.i++
			continue
		case '}':
			p.i++
			p.depth--
			o := jsonvalue.NewObject(p.members[from:]...)
			clear(p.members[from:])
			p.members = p.members[:from]
			return o, nil
		case ':', ']', '[', '{':
			return nil, p.unexpected()
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.c() != ':' {
			return nil, p.unexpected()
		}
		p.i++
		v, err := p.value(stopValue)
		if err != nil {
			return nil, err
		}
		p.members = append(p.members, jsonvalue.Member{Name: name, Value: v})
		p.space()
		if c := p.c(); c != ',' && c != '}' {
			return nil, p.unexpected()
		}
	}
}

func (p *smartParser) name() (string, error) {
	switch p.c() {
	case '"', '\'':
		return p.string()
	case endOfInput:
		return "", p.unexpected()
	}
	return p.bare(p.i, stopKey), nil
}

func (p *smartParser) string() (string, error) {
	quote := p.s[p.i]
	end := strings.IndexByte(p.s[p.i+1:], quote)
	if end < 0 {
		p.i = len(p.s)
		return "", p.unexpected()
	}
	plain := p.s[p.i+1 : p.i+1+end]
	if strings.IndexByte(plain, '\\') < 0 {
		p.i += end + 2
		return plain, nil
	}
	return p.escapedString(quote)
}

// escapedString reads a string with escapes. Control characters in it are dropped, as are unknown escapes.
func (p *smartParser) escapedString(quote byte) (string, error) {
	var b strings.Builder
	var units []uint16
	flush := func() {
		for _, r := range utf16.Decode(units) {
			b.WriteRune(r)
		}
		units = units[:0]
	}
	for p.i++; ; p.i++ {
		c := p.c()
		switch {
		case c == endOfInput:
			return "", p.unexpected()
		case c == quote:
			p.i++
			flush()
			return b.String(), nil
		case c == '\\':
			p.i++
			escaped := p.c()
			if escaped == 'u' || escaped == 'x' {
				digits := 4
				if escaped == 'x' {
					digits = 2
				}
				u, err := p.hex(digits)
				if err != nil {
					return "", err
				}
				units = append(units, u)
				continue
			}
			flush()
			if i := strings.IndexByte(`tnrfb\/'"`, escaped); i >= 0 {
				b.WriteByte("\t\n\r\f\b\\/'\""[i])
			}
		case c < 0x20 || c == 0x7f:
		default:
			flush()
			b.WriteByte(c)
		}
	}
}

func (p *smartParser) hex(digits int) (uint16, error) {
	u := uint16(0)
	for range digits {
		p.i++
		d, ok := hexDigit(p.c())
		if !ok {
			return 0, p.unexpected()
		}
		u = u<<4 | uint16(d)
	}
	return u, nil
}

func (p *smartParser) digits() {
	for p.i < len(p.s) && digit(p.s[p.i]) {
		p.i++
	}
}

// number reads a number, or text that only begins like one.
func (p *smartParser) number(stop string) (any, error) {
	start := p.i
	p.i++
	p.digits()
	float := false
	if p.c() == '.' {
		float = true
		p.i++
		p.digits()
	}
	if p.c()|0x20 == 'e' {
		float = true
		p.i++
		if c := p.c(); c != '+' && c != '-' && !digit(c) {
			return p.bare(start, stop), nil
		}
		p.i++
		p.digits()
	}
	p.space()
	if c := p.c(); c != endOfInput && c < 0x7e && strings.IndexByte(stop, c) < 0 {
		return p.bare(start, stop), nil
	}
	image := trimJava(p.s[start:p.i])
	if float {
		return javaFloat(image)
	}
	if image == "-" {
		return integer(0), nil // As json-smart counts a sign without digits.
	}
	return javaInteger(image), nil
}

// maxExact is the length up to which json-smart reads a decimal number as a double.
const maxExact = 18

func javaFloat(image string) (any, error) {
	if len(image) > maxExact {
		if d, ok := parseDecimal(image); ok {
			return d, nil
		}
	} else if f, err := strconv.ParseFloat(image, 64); err == nil || strings.Contains(err.Error(), strconv.ErrRange.Error()) {
		return double(f), nil
	}
	return nil, fmt.Errorf("%q is not a number", image)
}

func javaInteger(image string) any {
	if i, err := strconv.ParseInt(image, 10, 64); err == nil {
		return integer(i)
	}
	n, ok := new(big.Int).SetString(image, 10)
	if !ok {
		return image
	}
	return &bigInteger{n}
}

// javaNumber is the number of a JSON text.
func javaNumber(image string) any {
	if strings.ContainsAny(image, ".eE") {
		if v, err := javaFloat(image); err == nil {
			return v
		}
		return image
	}
	return javaInteger(image)
}
