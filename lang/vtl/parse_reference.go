package vtl

import (
	"strings"

	"github.com/carepath/carepath/lang/jsonpath"
)

// reference parses a reference.
func (p *parser) reference() *reference {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	from := p.pos
	first := p.take()
	r := &reference{offset: first.offset}
	image := first.image
	braces := first.kind == kLCurly
	name := first
	if braces {
		if name = p.peek(0); !p.expect(kIdentifier) {
			return nil
		}
		// peek may have moved the tokens.
		image = p.tokens[from].image
	}
	word := name.image
	p.steps(r)
	if p.err != nil || braces && !p.expect(kRCurly) {
		return nil
	}
	p.resolveRoot(r, image, word, braces, from)
	r.slot = p.slot(r.root)
	r.prepare()
	return r
}

// steps parses what follows the name: .property, .method(...) and [index].
func (p *parser) steps(r *reference) {
	p.indices(r)
	for p.err == nil && p.is(kDot) && p.peek(1).kind == kIdentifier {
		p.take()
		name := p.take()
		s := step{kind: propertyStep, offset: name.offset, name: name.image}
		if p.is(kLParen) && startsParameter(p.peek(1).kind) {
			p.take()
			s.kind = methodStep
			for !p.skip(kRefMod2RParen) {
				if len(s.args) > 0 && !p.expect(kComma) {
					return
				}
				arg := p.parameter()
				if p.err != nil {
					return
				}
				s.args = append(s.args, arg)
			}
		}
		r.steps = append(r.steps, s)
		p.indices(r)
	}
}

func startsParameter(k kind) bool {
	switch k {
	case kWhitespace, kRefMod2RParen, kIdentifier, kLCurly, kString, kInteger, kFloat, kLBracket, kLeftCurly, kTrue, kFalse:
		return true
	}
	return false
}

func (p *parser) indices(r *reference) {
	for p.err == nil && p.is(kIndexLBracket) {
		s := step{kind: indexStep, offset: p.take().offset}
		p.skip(kWhitespace)
		switch k := p.peek(0).kind; k {
		case kString, kInteger, kTrue, kFalse, kIdentifier, kLCurly:
			s.args = []expression{p.operand(k, false)}
		default:
			p.unexpected("want an index")
		}
		if p.err != nil {
			return
		}
		p.skip(kWhitespace)
		p.expect(kIndexRBracket)
		r.steps = append(r.steps, s)
	}
}

// resolveRoot takes the first token apart: backslashes before the $, other text before it, the ! after it.
func (p *parser) resolveRoot(r *reference, image, word string, braces bool, from int) {
	if i := strings.Index(image, `\!`); i >= 0 {
		// $\!name is text, with one backslash less.
		r.plain, r.root = true, word
		start := strings.IndexByte(image, '$')
		for start < len(image) && image[start] != '\\' {
			start++
		}
		r.literal = image[:start] + image[start+1:] + p.images(from+1, p.pos)
		return
	}
	prefix := ""
	if n := span(image, `\`); n > 0 {
		r.escaped = n%2 == 1
		prefix = image[:n/2]
		image = image[n:]
	}
	if i := strings.LastIndexByte(image, '$'); i > 0 {
		prefix += image[:i]
		image = image[i:]
	}
	r.prefix = prefix
	rest := ""
	if p.pos > from+1 {
		rest = p.literals(from+1, p.pos)
	}
	r.literal = image + rest
	switch {
	case !strings.HasPrefix(image, "$"):
		r.runt, r.root = true, image
		if braces {
			r.root = word
		}
		r.literal = r.root
	case strings.HasPrefix(image, "$!"):
		r.root = strings.TrimPrefix(image, "$!")
		if !r.escaped {
			r.literal = ""
		}
	default:
		r.root = image[1:]
	}
	if braces && !r.runt {
		r.root = word
	}
}

// prepare works out once what does not depend on the request.
func (r *reference) prepare() {
	for i := range r.steps {
		s := &r.steps[i]
		if s.kind != methodStep || len(s.args) == 0 {
			continue
		}
		argument, ok := s.args[0].(*literal)
		if !ok {
			continue
		}
		value, ok := argument.v.(string)
		if !ok {
			continue
		}
		switch s.name {
		case "replaceAll", "replaceFirst", "split", "matches":
			s.pattern, _ = compilePattern(value, s.name == "matches") // A pattern that is none is an error when it is used.
		case "json", "path":
			if r.root == "input" && i == 0 {
				s.path, _ = jsonpath.CompileVersion(value, jsonpath.V2_0)
			}
		}
	}
	if r.root != "util" || len(r.steps) == 0 || r.steps[0].name != "escapeJavaScript" ||
		r.steps[0].kind != methodStep || len(r.steps[0].args) != 1 {
		return
	}
	r.escapeCall = &escapeChain{argument: r.steps[0].args[0], methodSteps: 1}
	if len(r.steps) < 2 || r.steps[1].name != "replaceAll" || r.steps[1].kind != methodStep || len(r.steps[1].args) != 2 {
		return
	}
	pattern, ok := r.steps[1].args[0].(*literal)
	replacement, okR := r.steps[1].args[1].(*literal)
	if ok && okR && pattern.v == `\\'` && replacement.v == "'" {
		r.escapeCall.keepQuotes = true
		r.escapeCall.methodSteps = 2
	}
}
