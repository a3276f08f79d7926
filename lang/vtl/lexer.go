package vtl

import "unicode/utf8"

// syntaxError is a problem at a byte offset.
type syntaxError struct {
	offset  int
	problem string
}

// lexer cuts a template into tokens. It keeps the stack of states of Velocity's own token manager, because the white
// space that directives swallow, and what is text and what is not, follow from it. The parser asks for one token at a
// time and switches states between them.
type lexer struct {
	src   string
	i     int
	state state

	lparen, rparen   int
	stack            []lexerState
	inComment, inSet bool
}

type lexerState struct {
	state          state
	lparen, rparen int
}

func (l *lexer) push() {
	l.stack = append(l.stack, lexerState{l.state, l.lparen, l.rparen})
	l.lparen = 0
}

func (l *lexer) pop() bool {
	n := len(l.stack)
	if n == 0 {
		l.lparen = 0
		l.state = sDefault
		return false
	}
	top := l.stack[n-1]
	l.stack = l.stack[:n-1]
	l.state, l.lparen, l.rparen = top.state, top.lparen, top.rparen
	return true
}

// closeParen drops to the state in which the parenthesis was opened.
func (l *lexer) closeParen() {
	for !l.inComment {
		if l.lparen > 0 {
			if l.lparen == l.rparen+1 {
				l.pop()
			} else {
				l.rparen++
			}
			return
		}
		if !l.pop() {
			return
		}
	}
}

// next returns the next token; at the end of the template one of kind kEOF.
func (l *lexer) next() (token, *syntaxError) {
	special := ""
	start := l.i
	for {
		if l.i >= len(l.src) {
			if l.i == start {
				return token{kind: kEOF, special: special, offset: l.i}, nil
			}
			return token{}, &syntaxError{l.i, "the template ends after " + quoteShort(l.src[start:])}
		}
		k, n := l.match()
		if n == 0 {
			r, _ := utf8.DecodeRuneInString(l.src[l.i:])
			return token{}, &syntaxError{l.i, "unexpected " + quoteShort(string(r))}
		}
		l.i += n
		switch k {
		case kDollar, kTextblockMore, kFormalMore, kMultiMore, kHash:
			l.begin(k)
		case kAnyMore:
		case kAnySkip:
			start = l.i
		case kReferenceTerminator, kDirectiveTerminator:
			special += specialText(l.src[start:l.i])
			l.i -= n
			l.pop()
			start = l.i
		default:
			t := token{kind: k, image: l.src[start:l.i], special: special, offset: start}
			l.end(&t)
			return t, nil
		}
	}
}

// begin acts on the characters that open a reference, a directive or a comment.
func (l *lexer) begin(k kind) {
	if k == kFormalMore {
		_, size := utf8.DecodeLastRuneInString(l.src[:l.i])
		if l.inComment {
			return
		}
		l.i -= size
	}
	if l.inComment {
		return
	}
	switch k {
	case kDollar:
		if l.state == sReference {
			l.pop()
		}
		l.push()
		l.state = sReference
	case kHash:
		if l.state == sReference || l.state == sRefModifier {
			l.pop()
		}
		l.push()
		l.state = sPreDirective
	default:
		l.inComment = true
		l.push()
		l.state = map[kind]state{kTextblockMore: sTextblock, kFormalMore: sFormalComment, kMultiMore: sMultiComment}[k]
	}
}

// end acts on a complete token.
func (l *lexer) end(t *token) {
	switch t.kind {
	case kIndexLBracket:
		l.push()
		l.state = sRefIndex
	case kIndexRBracket, kRCurly, kEnd, kElse:
		l.pop()
	case kLParen:
		if !l.inComment {
			l.lparen++
		}
		if l.state == sRefModifier {
			l.state = sRefMod2
		}
	case kRParen:
		l.closeParen()
	case kRefMod2RParen:
		l.state = sReference
	case kSetDirective:
		if !l.inComment {
			l.push()
			l.inSet = true
			l.state = sDirective
			l.lparen++
		}
	case kLineCommentStart:
		if !l.inComment {
			if l.state == sReference {
				l.pop()
			}
			l.inComment = true
			l.push()
			l.state = sLineComment
		}
	case kLineComment, kFormalComment, kMultiComment, kTextblock:
		l.inComment = false
		l.pop()
	case kString:
		if l.state == sDirective && !l.inSet && l.lparen == 0 {
			l.pop()
		}
	case kIf, kElseIf:
		l.state = sDirective
	case kInteger:
		// The two dots of a range were read to tell 1..3 from the number 1.; they go back.
		if n := len(t.image); n > 2 && t.image[n-2:] == ".." {
			l.i -= 2
			t.image = t.image[:n-2]
		}
		if l.lparen == 0 && !l.inSet && l.state != sRefMod2 && l.state != sRefIndex {
			l.pop()
		}
	case kFloat:
		if l.lparen == 0 && !l.inSet && l.state != sRefMod2 {
			l.pop()
		}
	case kDot:
		l.i--
		t.image = "."
		l.state = sRefModifier
	}
}

// openParenAhead reports whether the next character that is not white space is '('.
func (l *lexer) openParenAhead() bool {
	for i := l.i; i < len(l.src); i++ {
		switch l.src[i] {
		case '(':
			return true
		case ' ', '\t', '\r', '\n':
		default:
			return false
		}
	}
	return false
}

// specialText returns what is printed of a $ or # that begins nothing: these, and backslashes before a $.
func specialText(image string) string {
	b := make([]byte, 0, len(image))
	for i := 0; i < len(image); i++ {
		switch image[i] {
		case '#', '$':
			b = append(b, image[i])
		case '\\':
			j := i
			for j < len(image) && image[j] == '\\' {
				j++
			}
			if j < len(image) && image[j] == '$' {
				b = append(b, image[i:j+1]...)
				i = j
			}
		}
	}
	return string(b)
}

func quoteShort(s string) string {
	const most = 20
	if utf8.RuneCountInString(s) > most {
		n := 0
		for i := range s {
			if n == most {
				return `"` + s[:i] + `..."`
			}
			n++
		}
	}
	return `"` + s + `"`
}
