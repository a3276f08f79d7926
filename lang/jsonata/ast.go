package jsonata

import "regexp"

type nodeKind uint8

const (
	pathNode        nodeKind = iota // steps
	nameNode                        // text: a member's name
	literalNode                     // value
	variableNode                    // text: a variable's name, "" for the context
	wildcardNode                    // *
	descendantNode                  // **
	parentNode                      // %, slot
	regexNode                       // regex
	negateNode                      // right
	arrayNode                       // list
	objectNode                      // pairs
	operatorNode                    // text, left, right: arithmetic, comparison, and, or, in, &
	rangeNode                       // left .. right
	bindNode                        // text := right
	conditionNode                   // left ? right : other
	blockNode                       // list
	callNode                        // left(list)
	partialNode                     // left(list), of which some are placeholders
	placeholderNode                 // ? as an argument
	lambdaNode                      // params, signature, right
	applyNode                       // left ~> right
	transformNode                   // | left | right, other |
	sortNode                        // terms, a step
	// The following stand only until the analysis.
	dotNode     // left . right
	filterNode  // left [ right ]
	groupNode   // left { group }
	orderByNode // left ^ (terms)
	focusNode   // left @ text
	indexNode   // left # text
	endNode
)

// node is a part of an expression.
type node struct {
	kind nodeKind
	at   int // the end of its token, in bytes
	text string

	left, right, other *node
	list               []*node
	value              any
	operation          operation
	regex              *function
	params             []string
	signature          *signature
	terms              []sortTerm
	pairs              *grouping // of an object constructor
	group              *grouping // what the node gives is made an object by it
	slot               *slot

	steps []*node
	// stages are applied to what the node gives: filters, and indices bound to variables. Those of a path's step work on
	// the results of all its items one by one.
	stages []stage
	// focus and index are the variables of @ and #; ancestor is the slot that % after this step looks at.
	focus, index string
	ancestor     *slot

	keepArray bool // []
	// keepSingleton is a path's: one of its steps has [].
	keepSingleton bool
	// construct says that an array constructor is a path's first or last step.
	construct bool
	tuples    bool // the step gives tuples; a path: it gives them to an outer path
	step      bool // one of a path
	tail      bool // a call whose result is the function's

	seeking []*slot // the parents that parts of the node look for outside of it
}

type stage struct {
	filter *node
	index  string // when filter is nil
	at     int
}

type sortTerm struct {
	descending bool
	key        *node
}

// grouping is what makes an object: pairs of keys and values.
type grouping struct {
	at    int
	pairs []pair
}

type pair struct{ key, value *node }

// slot is where a % finds its value: a variable that the step whose items are meant binds.
type slot struct {
	label string
	level int
	id    int // among the slots of the expression
}

type operation uint8

const (
	addition operation = iota
	subtraction
	multiplication
	division
	modulo
	equal
	unequal
	less
	lessOrEqual
	greater
	greaterOrEqual
	and
	or
	membership
	concatenation
)

var operations = map[string]operation{"+": addition, "-": subtraction, "*": multiplication, "/": division, "%": modulo,
	"=": equal, "!=": unequal, "<": less, "<=": lessOrEqual, ">": greater, ">=": greaterOrEqual, "and": and, "or": or,
	"in": membership, "&": concatenation}

func newRegex(re *regexp.Regexp) *function { return &function{regex: re, arity: 1, native: matchRegex} }
