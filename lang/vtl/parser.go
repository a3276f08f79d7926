package vtl

import "strings"

// maxNesting bounds how deep a template's directives, expressions and strings may be nested in each other.
const maxNesting = 200

// parser is a recursive descent parser that follows Velocity's grammar production by production, also in how far it
// looks ahead, because looking ahead cuts tokens and cutting tokens depends on the state of the lexer.
type parser struct {
	lex    lexer
	tokens []token
	pos    int // of the next token
	err    *syntaxError
	// uncuttable is set when the text ahead cannot be cut into tokens.
	uncuttable bool

	slots   map[string]int
	nesting int
	// within is the place of the string that is being parsed, which then stands for the place of everything in it; -1
	// for a template.
	within int
	// ranges remembers for a '[' whether a range begins there, since finding out may mean reading far ahead.
	ranges map[int]bool
	// macros are the names of the macros seen so far: \#name prints #name for them.
	macros map[string]bool
}

func newParser(source string, slots map[string]int, nesting int) *parser {
	return &parser{lex: lexer{src: source}, slots: slots, nesting: nesting, within: -1}
}

// slot returns the place of a variable.
func (p *parser) slot(name string) int {
	if i, ok := p.slots[name]; ok {
		return i
	}
	p.slots[name] = len(p.slots)
	return len(p.slots) - 1
}

// peek returns the token n places ahead; n is 0 for the next one.
func (p *parser) peek(n int) *token {
	for len(p.tokens) <= p.pos+n {
		t, err := p.lex.next()
		if err != nil {
			p.uncuttable = true
			p.fail(err.offset, err.problem)
			return &token{kind: kNone, offset: err.offset}
		}
		if p.within >= 0 {
			t.offset = p.within
		}
		p.tokens = append(p.tokens, t)
		if t.kind == kEOF {
			break
		}
	}
	return &p.tokens[min(p.pos+n, len(p.tokens)-1)]
}

func (p *parser) is(k kind) bool { return p.peek(0).kind == k }

func (p *parser) take() *token {
	t := p.peek(0)
	if t.kind != kNone && t.kind != kEOF {
		p.pos++
	}
	return t
}

// skip takes the next token if it is of a kind.
func (p *parser) skip(k kind) bool {
	if p.is(k) {
		p.take()
		return true
	}
	return false
}

func (p *parser) expect(k kind) bool {
	if p.skip(k) {
		return true
	}
	return p.unexpected("want " + kindNames[k])
}

// unexpected reports the next token; an earlier problem stands.
func (p *parser) unexpected(want string) bool {
	t := p.peek(0)
	what := quoteShort(t.image)
	if t.kind == kEOF {
		what = "end of the template"
	}
	if want != "" {
		want = ", " + want
	}
	return p.fail(t.offset, "unexpected "+what+want)
}

func (p *parser) fail(offset int, problem string) bool {
	if p.err == nil {
		p.err = &syntaxError{offset, problem}
	}
	return false
}

// enter counts a level of nesting; the caller leaves it when enter has returned true.
func (p *parser) enter() bool {
	if p.nesting >= maxNesting {
		return p.fail(p.peek(0).offset, "nested too deeply")
	}
	p.nesting++
	return true
}

func (p *parser) leave() { p.nesting-- }

// template parses to the end.
func (p *parser) template() ([]statement, *syntaxError) {
	body := p.block()
	if p.err == nil && !p.is(kEOF) {
		p.unexpected("")
	}
	return body, p.err
}

// block parses statements up to a token that begins none.
func (p *parser) block() []statement {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	var body []statement
	for {
		s, ok := p.statement()
		if !ok || p.err != nil {
			return body
		}
		switch s := s.(type) {
		case nil:
		case text:
			if s == "" {
				continue
			}
			if n := len(body); n > 0 {
				if before, ok := body[n-1].(text); ok {
					body[n-1] = before + s
					continue
				}
			}
			body = append(body, s)
		default:
			body = append(body, s)
		}
	}
}

// statement parses one statement; false when the next token begins none. A nil statement prints nothing.
func (p *parser) statement() (statement, bool) {
	t := p.peek(0)
	switch t.kind {
	case kIf:
		return p.ifDirective(), p.err == nil
	case kIdentifier:
		return p.reference(), p.err == nil
	case kLCurly:
		if p.peek(1).kind == kIdentifier {
			return p.reference(), p.err == nil
		}
		return p.text(), p.err == nil
	case kLineCommentStart:
		p.take()
		before, _, _ := strings.Cut(t.image, "##")
		p.skip(kLineComment)
		return text(before), p.err == nil
	case kMultiComment, kFormalComment:
		p.take()
		if before, _, found := strings.Cut(t.image, "#*"); found {
			return text(before), true
		}
		return nil, true
	case kTextblock:
		p.take()
		// What stands before #[[ in the token, if anything, is cut at the same length as there.
		return text(t.image[3 : len(t.image)-3]), true
	case kSetDirective:
		return p.setDirective(), p.err == nil
	case kEscapeDirective:
		p.take()
		return text(p.escapedDirective(t.image)), true
	case kDoubleEscape:
		return p.escape(), p.err == nil
	case kWord, kBracketedWord:
		return p.directive(), p.err == nil
	case kText, kDot, kRParen, kLParen, kInteger, kFloat, kString, kEscape, kRCurly, kEmptyIndex:
		return p.text(), true
	}
	return nil, false
}

func (p *parser) text() statement { return text(p.take().literal()) }

// escape parses pairs of backslashes: before a directive a pair is one backslash, elsewhere it is itself.
func (p *parser) escape() statement {
	count := 0
	for p.is(kDoubleEscape) {
		p.take()
		count++
	}
	next := p.peek(0)
	if next.image == "" && p.err == nil {
		p.fail(next.offset, `unexpected end of the template after "\\"`) // As the engine, which looks for a directive.
	}
	control := false
	switch next.kind {
	case kIf, kElse, kElseIf, kEnd:
		control = true
	default:
		control = next.image != "" && p.knownDirective(next.image[1:])
	}
	if control {
		return text(strings.Repeat(`\`, count))
	}
	return text(strings.Repeat(`\\`, count))
}

// escapedDirective is what \#word prints: half the backslashes, if the word is a directive.
func (p *parser) escapedDirective(image string) string {
	slash := strings.LastIndexByte(image, '\\')
	name := image[slash+1:]
	tag := strings.Trim(name[1:], "{}")
	switch tag {
	case "if", "end", "set", "else", "elseif":
	default:
		if !p.knownDirective(tag) {
			return image
		}
	}
	return image[:slash/2] + name
}

// directiveNames are the directives that API Gateway's engine knows besides #set and #if. #evaluate is not among them.
var directiveNames = map[string]bool{
	"foreach": true, "define": true, "macro": true, "break": true, "stop": true, "literal": true, "parse": true,
	"include": true,
}

func (p *parser) knownDirective(name string) bool { return directiveNames[name] || p.macros[name] }

// images returns the text of the tokens from one position to before another.
func (p *parser) images(from, to int) string {
	if to == from+1 {
		return p.tokens[from].image
	}
	var b strings.Builder
	for _, t := range p.tokens[from:to] {
		b.WriteString(t.image)
	}
	return b.String()
}

// literals is images with the text that belongs to no token.
func (p *parser) literals(from, to int) string {
	var b strings.Builder
	for i := range p.tokens[from:to] {
		b.WriteString(p.tokens[from+i].literal())
	}
	return b.String()
}
