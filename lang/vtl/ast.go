package vtl

import "github.com/carepath/carepath/lang/jsonpath"

// statement is a piece of a template that prints something or changes something.
type statement interface {
	render(e *evaluator) error
}

// expression has a value. A nil value is Java's null.
type expression interface {
	value(e *evaluator) (any, error)
	// truth is the expression's value as a condition. References, comparisons and logic have one; whatever else stands
	// alone in a condition, such as a string, counts as false in Velocity 1.7.
	truth(e *evaluator) (bool, error)
}

// text is printed as it is.
type text string

// reference is $name with what follows it. It is a statement and an expression.
type reference struct {
	offset int
	root   string
	slot   int
	runt   bool // a bare word where a reference may stand; it prints itself and its value is null
	plain  bool // not a reference after all ($\!x): it prints literal

	escaped    bool   // \$x prints the reference's own text
	prefix     string // what is printed before the value
	literal    string // what is printed when the value cannot be
	steps      []step
	escapeCall *escapeChain // the steps after the root, when they are $util.escapeJavaScript(x).replaceAll("\\'","'")
}

// escapeChain is the reference $util.escapeJavaScript(argument), unescaped quotes and all, which nearly every template
// has; it is done in one pass.
type escapeChain struct {
	argument    expression
	keepQuotes  bool // .replaceAll("\\'","'") follows
	methodSteps int
}

type stepKind uint8

const (
	propertyStep stepKind = iota
	methodStep
	indexStep
)

// step is .name, .name(...) or [...] in a reference.
type step struct {
	kind   stepKind
	offset int
	name   string
	args   []expression
	// What could be prepared from literal arguments.
	pattern *pattern       // of replaceAll and its like
	path    *jsonpath.Path // of $input.json and $input.path
}

// Literals.
type (
	literal struct{ v any }
	// interpolated is a string in double quotes with references or directives in it.
	interpolated struct {
		body []statement
		trim bool // the last character is not part of the string
	}
	listLiteral  struct{ items []expression }
	mapLiteral   struct{ keys, values []expression }
	rangeLiteral struct {
		offset   int
		from, to expression
	}
)

// Operators.
type (
	arithmetic struct {
		offset      int
		operator    kind
		left, right expression
		leftText    string // what + prints for a null operand
		rightText   string
	}
	comparison struct {
		operator    kind
		left, right expression
	}
	logical struct {
		or          bool
		left, right expression
	}
	negation struct{ operand expression }
)

// Directives.
type (
	setDirective struct {
		offset int
		target *reference
		value  expression
	}
	branch struct {
		condition expression // nil for #else
		body      []statement
	}
	ifDirective      struct{ branches []branch }
	foreachDirective struct {
		offset int
		slot   int
		list   expression
		body   []statement
	}
	defineDirective struct {
		slot int
		body []statement
	}
	breakDirective struct {
		offset int
		scope  expression // nil: the nearest
		text   string
	}
	stopDirective struct{}
	// failingDirective is one that API Gateway has no resources for: #parse, #include.
	failingDirective struct {
		offset  int
		problem string
	}
)
