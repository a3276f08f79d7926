package vtl

// kind is a token's kind, named as in Velocity's grammar (Parser.jjt of release 1.7).
type kind uint8

const (
	kNone kind = iota
	kEOF
	kIndexLBracket
	kIndexRBracket
	kLBracket
	kRBracket
	kComma
	kDoubleDot
	kColon
	kLeftCurly
	kRightCurly
	kLParen
	kRParen
	kRefMod2RParen
	kEscapeDirective
	kSetDirective
	kDollar        // more
	kTextblockMore // more
	kFormalMore    // more
	kMultiMore     // more
	kHash          // more
	kAnyMore       // more
	kLineCommentStart
	kDoubleEscape
	kEscape
	kText
	kLineComment
	kFormalComment
	kMultiComment
	kTextblock
	kAnySkip // skip
	kWhitespace
	kString
	kTrue
	kFalse
	kMinus
	kPlus
	kMultiply
	kDivide
	kModulus
	kAnd
	kOr
	kLT
	kLE
	kGT
	kGE
	kEQ
	kNE
	kNot
	kEquals
	kEnd
	kIf
	kElseIf
	kElse
	kInteger
	kFloat
	kWord
	kBracketedWord
	kIdentifier
	kDot
	kLCurly
	kRCurly
	kReferenceTerminator // special
	kDirectiveTerminator // special
	kEmptyIndex
)

var kindNames = map[kind]string{
	kEOF: "the end of the template", kRParen: "')'", kRefMod2RParen: "')'", kLParen: "'('", kIndexRBracket: "']'",
	kRBracket: "']'", kRCurly: "'}'", kRightCurly: "'}'", kEquals: "'='", kEnd: "#end", kColon: "':'",
	kIdentifier: "a name", kDoubleDot: "'..'", kLBracket: "'['",
}

// state is a state of the lexical analyser: what a character means depends on where it stands.
type state uint8

const (
	sDefault state = iota
	sDirective
	sPreDirective // after #
	sReference    // after $
	sRefModifier  // after $name.
	sRefMod2      // in the parentheses of $name.method(
	sRefIndex     // in the brackets of $name[
	sLineComment
	sFormalComment
	sMultiComment
	sTextblock
)

// token is a piece of the template.
type token struct {
	kind  kind
	image string
	// special is text that stands before the token and belongs to none: a $ or # that begins nothing.
	special string
	offset  int // in bytes
}

// literal is the text that the token stands for.
func (t *token) literal() string {
	if t.kind == kMultiComment {
		return ""
	}
	return t.special + t.image
}
