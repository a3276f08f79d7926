package vtl

import "strings"

// condition parses "(expression)" after #if and #elseif.
func (p *parser) condition() expression {
	p.skip(kWhitespace)
	if !p.expect(kLParen) {
		return nil
	}
	e := p.expression()
	if p.err != nil || !p.expect(kRParen) {
		return nil
	}
	return e
}

func (p *parser) ifDirective() statement {
	d := &ifDirective{}
	p.take()
	for {
		c := p.condition()
		if p.err != nil {
			return nil
		}
		d.branches = append(d.branches, branch{c, p.block()})
		if p.err != nil {
			return nil
		}
		if p.skip(kElseIf) {
			continue
		}
		if p.skip(kElse) {
			d.branches = append(d.branches, branch{nil, p.block()})
		}
		if p.err == nil {
			p.expect(kEnd)
		}
		return d
	}
}

func (p *parser) setDirective() statement {
	d := &setDirective{offset: p.take().offset}
	p.skip(kWhitespace)
	if k := p.peek(0).kind; k != kIdentifier && k != kLCurly {
		p.unexpected("want a reference")
		return nil
	}
	d.target = p.reference()
	if p.err != nil {
		return nil
	}
	p.skip(kWhitespace)
	if !p.expect(kEquals) {
		return nil
	}
	d.value = p.expression()
	if p.err != nil || !p.expect(kRParen) {
		return nil
	}
	p.lex.inSet = false
	return d
}

// directiveArgs are the arguments of a directive, and the words among them.
type directiveArgs struct {
	values []expression
	words  []string // by place, "" for what is not a word
}

// directive parses #word, with its arguments and block where it has them.
func (p *parser) directive() statement {
	from := p.pos
	t := p.take()
	name := t.image[strings.LastIndexByte(t.image, '#')+1:]
	if t.kind == kBracketedWord {
		name = name[1 : len(name)-1]
	}
	p.lex.state = sDirective
	if !p.lex.openParenAhead() {
		if name == "macro" {
			p.fail(t.offset, "#macro needs a name in parentheses")
			return nil
		}
		p.lex.pop()
		return p.line(name, t, nil, from)
	}
	p.skip(kWhitespace)
	if !p.expect(kLParen) {
		return nil
	}
	args := p.directiveArgs(name)
	if p.err != nil {
		return nil
	}
	p.skip(kWhitespace)
	if !p.expect(kRParen) {
		return nil
	}
	switch name {
	case "foreach", "define", "macro", "literal":
	default:
		if !strings.HasPrefix(name, "@") {
			return p.line(name, t, args, from)
		}
	}
	if name == "macro" && len(args.words) > 0 {
		if p.macros == nil {
			p.macros = map[string]bool{}
		}
	}
	bodyFrom := p.pos
	body := p.block()
	if p.err != nil {
		return nil
	}
	bodyTo := p.pos
	if !p.expect(kEnd) {
		return nil
	}
	return p.blockDirective(name, t, args, body, bodyFrom, bodyTo, from)
}

// line makes a directive without a block; args is nil when it has no parentheses.
func (p *parser) line(name string, t *token, args *directiveArgs, from int) statement {
	count := 0
	if args != nil {
		count = len(args.values)
	}
	switch name {
	case "break":
		d := &breakDirective{offset: t.offset}
		if count > 1 {
			p.fail(t.offset, "#break takes one scope at most")
		} else if count == 1 {
			d.scope = args.values[0]
			d.text = strings.TrimSuffix(strings.TrimSpace(p.images(from, p.pos)), ")")
			if _, inside, ok := strings.Cut(d.text, "("); ok {
				d.text = strings.TrimSpace(inside)
			}
		}
		return d
	case "stop":
		return &stopDirective{}
	case "parse", "include":
		return &failingDirective{t.offset, "#" + name + ": API Gateway has no other templates or files"}
	case "foreach", "define", "literal":
		p.fail(t.offset, "#"+name+" needs arguments in parentheses")
		return nil
	}
	// A call of a macro, which API Gateway does not run, or just text with a '#'.
	return text(p.images(from, p.pos))
}

func (p *parser) blockDirective(name string, t *token, args *directiveArgs, body []statement, bodyFrom, bodyTo, from int) statement {
	switch name {
	case "literal":
		return text(p.literals(bodyFrom, bodyTo))
	case "macro":
		if len(args.values) == 0 {
			p.fail(t.offset, "#macro needs a name")
			return nil
		}
		p.macros[args.words[0]] = true
		return nil
	case "define":
		r, ok := single(args)
		if !ok {
			p.fail(t.offset, "#define needs one reference: the block's name")
			return nil
		}
		return &defineDirective{r.slot, body}
	case "foreach":
		if len(args.values) < 3 {
			p.fail(t.offset, "#foreach needs ($item in $list)")
			return nil
		}
		r, ok := args.values[0].(*reference)
		if !ok {
			p.fail(t.offset, "#foreach needs a reference before \"in\"")
			return nil
		}
		return &foreachDirective{t.offset, r.slot, args.values[2], body}
	}
	return text(p.images(from, p.pos)) // #@name(...) ... #end: a call of a macro with a body
}

func single(args *directiveArgs) (*reference, bool) {
	if len(args.values) != 1 {
		return nil, false
	}
	r, ok := args.values[0].(*reference)
	return r, ok
}

// directiveArgs parses the arguments up to the closing parenthesis. They are separated by white space or commas.
func (p *parser) directiveArgs(name string) *directiveArgs {
	args := &directiveArgs{}
	for {
		n := 0
		if p.peek(n).kind == kWhitespace {
			n++
		}
		comma := n < 2 && p.peek(n).kind == kComma
		if !comma && !startsArgument(p.peek(n).kind) {
			return args
		}
		p.skip(kWhitespace)
		if p.skip(kComma) {
			p.skip(kWhitespace)
		}
		place := len(args.values)
		t := p.peek(0)
		if t.kind == kWord {
			if directiveNames[name] && !(name == "foreach" && place == 1) && !(name == "macro" && place == 0) {
				p.fail(t.offset, "invalid argument "+quoteShort(t.image)+" of #"+name)
				return nil
			}
			p.take()
			args.values, args.words = append(args.values, &literal{nil}), append(args.words, t.image)
			continue
		}
		if name == "macro" && place == 0 {
			p.fail(t.offset, "the first argument of #macro must be a name without quotes")
			return nil
		}
		e := p.operand(t.kind, false)
		if p.err != nil {
			return nil
		}
		args.values, args.words = append(args.values, e), append(args.words, "")
	}
}

func startsArgument(k kind) bool {
	switch k {
	case kIdentifier, kLCurly, kWord, kString, kInteger, kFloat, kLBracket, kLeftCurly, kTrue, kFalse:
		return true
	}
	return false
}
