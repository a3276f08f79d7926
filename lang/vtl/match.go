package vtl

import (
	"strings"
	"unicode/utf8"
)

// match finds the longest token that begins here in the current state. Of several of the same length the one that is
// declared first in Velocity's grammar wins, so the order below matters. It returns length 0 when there is none.
func (l *lexer) match() (k kind, n int) {
	s := l.src[l.i:]
	if l.state >= sLineComment {
		return l.matchComment(s)
	}
	try := func(candidate kind, length int) {
		if length > n {
			k, n = candidate, length
		}
	}
	switch l.state {
	case sDefault:
		if c := s[0]; c != '$' && c != '#' && c != '\\' {
			try(kSetDirective, matchSet(s))
			end := strings.IndexAny(s, "$#\\")
			if end < 0 {
				end = len(s)
			}
			try(kText, end)
			return k, n
		}
		try(kEscapeDirective, matchEscapedDirective(s))
		try(kSetDirective, matchSet(s))
		matchMore(s, try)
		try(kLineCommentStart, prefix(s, "##"))
		try(kDoubleEscape, prefix(s, `\\`))
		try(kEscape, prefix(s, `\`))
		matchEmptyIndex(s, try)
	case sReference, sRefModifier:
		try(kIndexLBracket, prefix(s, "["))
		if l.state == sRefModifier {
			try(kLParen, prefix(s, "("))
		}
		try(kSetDirective, matchSet(s))
		matchMore(s, try)
		if l.state == sReference {
			try(kLineCommentStart, prefix(s, "##"))
		}
		matchName(s, try)
		try(kLCurly, prefix(s, "{"))
		try(kRCurly, prefix(s, "}"))
		_, size := utf8.DecodeRuneInString(s)
		try(kReferenceTerminator, size)
		if l.state == sReference {
			matchEmptyIndex(s, try)
		}
	case sRefIndex:
		try(kIndexRBracket, prefix(s, "]"))
		matchMore(s, try)
		try(kWhitespace, span(s, " \t\r\n"))
		try(kString, matchString(s))
		try(kTrue, prefix(s, "true"))
		try(kFalse, prefix(s, "false"))
		matchNumber(s, try)
	case sRefMod2:
		matchPunctuation(s, try)
		try(kRefMod2RParen, prefix(s, ")"))
		try(kSetDirective, matchSet(s))
		matchMore(s, try)
		try(kWhitespace, span(s, " \t\r\n"))
		try(kString, matchString(s))
		matchNumber(s, try)
		matchName(s, try)
	case sPreDirective:
		matchMore(s, try)
		try(kLineCommentStart, prefix(s, "##"))
		matchKeyword(s, try)
		matchNumber(s, try)
		try(kWord, matchWord(s, true))
		try(kBracketedWord, matchBracketedWord(s))
		_, size := utf8.DecodeRuneInString(s)
		try(kDirectiveTerminator, size)
	case sDirective:
		matchPunctuation(s, try)
		try(kLParen, prefix(s, "("))
		if s[0] == ')' {
			try(kRParen, 1+blankLine(s[1:]))
		}
		matchMore(s, try)
		try(kLineCommentStart, prefix(s, "##"))
		try(kWhitespace, span(s, " \t\r\n"))
		try(kString, matchString(s))
		try(kTrue, prefix(s, "true"))
		try(kFalse, prefix(s, "false"))
		matchOperator(s, try)
		matchNumber(s, try)
		try(kWord, matchWord(s, true))
		try(kBracketedWord, matchBracketedWord(s))
	}
	return k, n
}

func (l *lexer) matchComment(s string) (k kind, n int) {
	try := func(candidate kind, length int) {
		if length > n {
			k, n = candidate, length
		}
	}
	matchMore(s, try)
	switch l.state {
	case sLineComment:
		try(kLineComment, newline(s))
		try(kAnySkip, 1)
	case sFormalComment:
		try(kFormalComment, prefix(s, "*#"))
		try(kAnySkip, 1)
	case sMultiComment:
		try(kMultiComment, prefix(s, "*#"))
		try(kAnySkip, 1)
	case sTextblock:
		try(kTextblock, prefix(s, "]]#"))
		try(kAnyMore, 1)
	}
	return k, n
}

func prefix(s, p string) int {
	if strings.HasPrefix(s, p) {
		return len(p)
	}
	return 0
}

// span returns the length of the beginning of s that has only these characters.
func span(s, chars string) int {
	n := 0
	for n < len(s) && strings.IndexByte(chars, s[n]) >= 0 {
		n++
	}
	return n
}

func newline(s string) int {
	if n := prefix(s, "\r\n"); n > 0 {
		return n
	}
	if s != "" && (s[0] == '\n' || s[0] == '\r') {
		return 1
	}
	return 0
}

// blankLine returns the length of blanks up to and with a line's end, or 0 when something else follows.
func blankLine(s string) int {
	n := span(s, " \t")
	if end := newline(s[n:]); end > 0 {
		return n + end
	}
	return 0
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// matchMore finds what opens a reference, a directive or a comment: in every state the same.
func matchMore(s string, try func(kind, int)) {
	n := span(s, `\`)
	if n < len(s) && s[n] == '$' {
		try(kDollar, n+1)
		bang := n + 1 + span(s[n+1:], `\`)
		if bang < len(s) && s[bang] == '!' {
			try(kDollar, bang+1)
		}
	}
	if s[0] != '#' {
		return
	}
	try(kTextblockMore, prefix(s, "#[["))
	if strings.HasPrefix(s, "#**") && len(s) > 3 && s[3] != '#' {
		_, size := utf8.DecodeRuneInString(s[3:])
		try(kFormalMore, 3+size)
	}
	try(kMultiMore, prefix(s, "#*"))
	try(kHash, 1)
}

func matchEmptyIndex(s string, try func(kind, int)) {
	for _, p := range []string{"$[", "$![", `$\![`, "$."} {
		try(kEmptyIndex, prefix(s, p))
	}
}

func matchSet(s string) int {
	n := span(s, " \t")
	word := prefix(s[n:], "#set") + prefix(s[n:], "#{set}")
	if word == 0 {
		return 0
	}
	n += word
	n += span(s[n:], " \t")
	if n < len(s) && s[n] == '(' {
		return n + 1
	}
	return 0
}

// matchEscapedDirective finds an odd number of backslashes before #word or #{word}.
func matchEscapedDirective(s string) int {
	n := span(s, `\`)
	if n%2 == 0 || n >= len(s) || s[n] != '#' {
		return 0
	}
	rest := s[n+1:]
	if word := max(matchWord(rest, true), matchBracketedWord(rest)); word > 0 {
		return n + 1 + word
	}
	return 0
}

func matchWord(s string, at bool) int {
	if s == "" || !(letter(s[0]) || s[0] == '_' || at && s[0] == '@') {
		return 0
	}
	n := 1
	for n < len(s) && (letter(s[n]) || digit(s[n]) || s[n] == '_' || s[n] == '@') {
		n++
	}
	return n
}

func matchBracketedWord(s string) int {
	if s == "" || s[0] != '{' {
		return 0
	}
	n := 1 + matchWord(s[1:], false)
	if n > 1 && n < len(s) && s[n] == '}' {
		return n + 1
	}
	return 0
}

func matchKeyword(s string, try func(kind, int)) {
	for _, end := range []string{"end", "{end}"} {
		if n := prefix(s, end); n > 0 {
			try(kEnd, n+blankLine(s[n:]))
		}
	}
	try(kIf, prefix(s, "if"))
	try(kIf, prefix(s, "{if}"))
	try(kElseIf, prefix(s, "elseif"))
	try(kElseIf, prefix(s, "{elseif}"))
	for _, word := range []string{"else", "{else}"} {
		if n := prefix(s, word); n > 0 {
			try(kElse, n+blankLine(s[n:]))
		}
	}
}

func matchNumber(s string, try func(kind, int)) {
	sign := prefix(s, "-")
	whole := sign
	for whole < len(s) && digit(s[whole]) {
		whole++
	}
	if whole > sign {
		try(kInteger, whole+prefix(s[whole:], ".."))
	}
	n := whole
	if n < len(s) && s[n] == '.' {
		fraction := n + 1
		for fraction < len(s) && digit(s[fraction]) {
			fraction++
		}
		if whole == sign && fraction == n+1 {
			return
		}
		n = fraction
		try(kFloat, n)
	} else if whole == sign {
		return
	}
	if n < len(s) && s[n]|0x20 == 'e' {
		exponent := n + 1
		if exponent < len(s) && (s[exponent] == '+' || s[exponent] == '-') {
			exponent++
		}
		end := exponent
		for end < len(s) && digit(s[end]) {
			end++
		}
		if end > exponent {
			try(kFloat, end)
		}
	}
}

func matchName(s string, try func(kind, int)) {
	try(kTrue, prefix(s, "true"))
	try(kFalse, prefix(s, "false"))
	if letter(s[0]) || s[0] == '_' {
		n := 1
		for n < len(s) && (letter(s[n]) || digit(s[n]) || s[n] == '_' || s[n] == '-') {
			n++
		}
		try(kIdentifier, n)
	}
	if s[0] == '.' && len(s) > 1 && letter(s[1]) {
		try(kDot, 2)
	}
}

func matchPunctuation(s string, try func(kind, int)) {
	switch s[0] {
	case '[':
		try(kLBracket, 1)
	case ']':
		try(kRBracket, 1)
	case ',':
		try(kComma, 1)
	case '.':
		try(kDoubleDot, prefix(s, ".."))
	case ':':
		try(kColon, 1)
	case '{':
		try(kLeftCurly, 1)
	case '}':
		try(kRightCurly, 1)
	}
}

var operators = []struct {
	text string
	kind kind
}{
	{"-", kMinus}, {"+", kPlus}, {"*", kMultiply}, {"/", kDivide}, {"%", kModulus}, {"&&", kAnd}, {"and", kAnd},
	{"||", kOr}, {"or", kOr}, {"<", kLT}, {"lt", kLT}, {"<=", kLE}, {"le", kLE}, {">", kGT}, {"gt", kGT}, {">=", kGE},
	{"ge", kGE}, {"==", kEQ}, {"eq", kEQ}, {"!=", kNE}, {"ne", kNE}, {"!", kNot}, {"not", kNot}, {"=", kEquals},
}

func matchOperator(s string, try func(kind, int)) {
	for _, op := range operators {
		try(op.kind, prefix(s, op.text))
	}
}

// matchString finds a string in double or single quotes, in which a doubled quote stands for one. The longest match
// wins: after every odd quote of a row the string may end, after an even one it goes on.
func matchString(s string) int {
	quote := s[0]
	if quote != '"' && quote != '\'' {
		return 0
	}
	end, inside := 0, true
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote && inside:
			end, inside = i+1, false
		case s[i] == quote:
			inside = true
		case !inside:
			return end
		}
	}
	return end
}
