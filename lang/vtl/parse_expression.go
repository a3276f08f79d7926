package vtl

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func (p *parser) expression() expression {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	left := p.and()
	for p.err == nil && p.skip(kOr) {
		left = &logical{or: true, left: left, right: p.and()}
	}
	return left
}

func (p *parser) and() expression {
	left := p.equality()
	for p.err == nil && p.skip(kAnd) {
		left = &logical{left: left, right: p.equality()}
	}
	return left
}

func (p *parser) equality() expression {
	left := p.relation()
	for p.err == nil && (p.is(kEQ) || p.is(kNE)) {
		op := p.take().kind
		left = &comparison{op, left, p.relation()}
	}
	return left
}

func (p *parser) relation() expression {
	left := p.sum()
	for p.err == nil && (p.is(kLT) || p.is(kGT) || p.is(kLE) || p.is(kGE)) {
		op := p.take().kind
		left = &comparison{op, left, p.sum()}
	}
	return left
}

func (p *parser) sum() expression {
	from := p.pos
	left := p.product()
	for p.err == nil && (p.is(kPlus) || p.is(kMinus)) {
		left = p.arithmetic(from, left, p.product)
	}
	return left
}

func (p *parser) product() expression {
	from := p.pos
	left := p.unary()
	for p.err == nil && (p.is(kMultiply) || p.is(kDivide) || p.is(kModulus)) {
		left = p.arithmetic(from, left, p.unary)
	}
	return left
}

func (p *parser) arithmetic(from int, left expression, operand func() expression) expression {
	middle := p.pos
	t := p.take()
	offset, operator := t.offset, t.kind
	right := operand()
	if p.err != nil {
		return nil
	}
	return &arithmetic{offset, operator, left, right, p.images(from, middle), p.images(middle+1, p.pos)}
}

func (p *parser) unary() expression {
	if p.is(kNot) || p.is(kWhitespace) && p.peek(1).kind == kNot {
		if !p.enter() {
			return nil
		}
		defer p.leave()
		p.skip(kWhitespace)
		p.take()
		return &negation{p.unary()}
	}
	return p.primary()
}

func (p *parser) primary() expression {
	p.skip(kWhitespace)
	var e expression
	if p.is(kLParen) {
		p.take()
		e = p.expression()
		if p.err == nil {
			p.expect(kRParen)
		}
	} else {
		e = p.operand(p.peek(0).kind, true)
	}
	if p.err == nil {
		p.skip(kWhitespace)
	}
	return e
}

// parameter parses an argument of a method, or an item of a list or map: a literal or a reference, no operators.
func (p *parser) parameter() expression {
	p.skip(kWhitespace)
	e := p.operand(p.peek(0).kind, false)
	if p.err == nil {
		p.skip(kWhitespace)
	}
	return e
}

// operand parses a literal or a reference.
func (p *parser) operand(k kind, parenthesis bool) expression {
	switch k {
	case kString:
		return p.stringLiteral()
	case kInteger:
		return p.integer()
	case kFloat:
		f, _ := strconv.ParseFloat(p.take().image, 64) // An exponent out of range gives infinity, as in Java.
		return &literal{double(f)}
	case kTrue, kFalse:
		p.take()
		return &literal{k == kTrue}
	case kIdentifier:
		return p.reference()
	case kLCurly:
		if p.peek(1).kind == kIdentifier {
			return p.reference()
		}
	case kLBracket:
		if !p.enter() {
			return nil
		}
		defer p.leave()
		if p.rangeAhead() {
			return p.rangeLiteral()
		}
		return p.listLiteral()
	case kLeftCurly:
		if !p.enter() {
			return nil
		}
		defer p.leave()
		return p.mapLiteral()
	}
	want := "want a reference or a literal"
	if parenthesis {
		want += " or '('"
	}
	p.unexpected(want)
	return nil
}

func (p *parser) integer() expression {
	image := p.take().image
	if i, err := strconv.ParseInt(image, 10, 64); err == nil {
		return &literal{integer(i)}
	}
	n, ok := new(big.Int).SetString(image, 10)
	if !ok {
		p.fail(p.peek(0).offset, quoteShort(image)+" is not a number")
		return nil
	}
	return &literal{&bigInteger{n}}
}

// rangeAhead reports whether a range such as [1..$n] begins at the next token. It reads ahead as Velocity does, which
// may cut tokens but changes nothing else.
func (p *parser) rangeAhead() bool {
	if is, known := p.ranges[p.pos]; known {
		return is
	}
	start := p.pos
	p.take()
	p.skip(kWhitespace)
	is := false
	switch k := p.peek(0).kind; k {
	case kIdentifier, kLCurly, kInteger:
		p.operand(k, false)
		if p.err == nil {
			p.skip(kWhitespace)
			is = p.is(kDoubleDot)
		}
	}
	p.pos = start
	// A syntax error is found again if it is one. But text that cannot be cut into tokens stays an error.
	if !p.uncuttable {
		p.err = nil
	}
	if p.ranges == nil {
		p.ranges = map[int]bool{}
	}
	p.ranges[start] = is
	return is
}

func (p *parser) rangeLiteral() expression {
	r := &rangeLiteral{offset: p.take().offset}
	for i, end := range []*expression{&r.from, &r.to} {
		if i == 1 && !p.expect(kDoubleDot) {
			return nil
		}
		p.skip(kWhitespace)
		switch k := p.peek(0).kind; k {
		case kIdentifier, kLCurly, kInteger:
			*end = p.operand(k, false)
		default:
			p.unexpected("want a whole number or a reference")
		}
		if p.err != nil {
			return nil
		}
		p.skip(kWhitespace)
	}
	p.expect(kRBracket)
	return r
}

func (p *parser) listLiteral() expression {
	p.take()
	l := &listLiteral{}
	if p.skip(kRBracket) {
		return l
	}
	for {
		item := p.parameter()
		if p.err != nil {
			return nil
		}
		l.items = append(l.items, item)
		if !p.skip(kComma) {
			p.expect(kRBracket)
			return l
		}
	}
}

func (p *parser) mapLiteral() expression {
	p.take()
	m := &mapLiteral{}
	first := p.peek(0).kind
	if first == kWhitespace {
		first = p.peek(1).kind
	}
	if first == kRightCurly || first == kRCurly {
		p.skip(kWhitespace)
		p.take()
		return m
	}
	for {
		key := p.parameter()
		if p.err != nil || !p.expect(kColon) {
			return nil
		}
		value := p.parameter()
		if p.err != nil {
			return nil
		}
		m.keys, m.values = append(m.keys, key), append(m.values, value)
		if p.skip(kComma) {
			continue
		}
		if !p.skip(kRightCurly) && !p.skip(kRCurly) {
			p.unexpected("want '}'")
		}
		return m
	}
}

// stringLiteral parses a string. In double quotes it is a template by itself.
func (p *parser) stringLiteral() expression {
	t := p.take()
	quote := t.image[:1]
	s := t.image[1 : len(t.image)-1]
	if quote == `"` {
		s = unescapeUnicode(s)
	}
	s = strings.ReplaceAll(s, quote+quote, quote)
	if quote == "'" || !strings.ContainsAny(t.image, "$#") {
		return &literal{s}
	}
	// A reference at the end is only complete when something follows it, so Velocity parses the string with a blank at
	// its end and removes the last character of what comes of it. A comment at the end swallows the blank itself.
	blank := !strings.Contains(s, "##")
	source := s
	if blank {
		source += " "
	}
	inner := newParser(source, p.slots, p.nesting)
	inner.macros, inner.within = p.macros, t.offset
	body, err := inner.template()
	if err != nil {
		p.fail(t.offset, "in the string "+quoteShort(s)+": "+err.problem)
		return nil
	}
	i := &interpolated{body: body, trim: blank}
	if n := len(body); blank && n > 0 {
		if last, ok := body[n-1].(text); ok && strings.HasSuffix(string(last), " ") {
			i.trim = false
			if last = last[:len(last)-1]; last == "" {
				i.body = body[:n-1]
			} else {
				body[n-1] = last
			}
		}
	}
	return i
}

// unescapeUnicode resolves \uXXXX, the only escape that Velocity knows.
func unescapeUnicode(s string) string {
	i := strings.Index(s, `\u`)
	if i < 0 {
		return s
	}
	var units []uint16
	var b strings.Builder
	flush := func() {
		for _, r := range utf16.Decode(units) {
			b.WriteRune(r)
		}
		units = units[:0]
	}
	for i := 0; i < len(s); {
		if strings.HasPrefix(s[i:], `\u`) && i+6 <= len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
				units = append(units, uint16(n))
				i += 6
				continue
			}
		}
		flush()
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+size])
		i += size
	}
	flush()
	return b.String()
}
