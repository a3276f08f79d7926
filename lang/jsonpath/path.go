// Package jsonpath evaluates JSONPath expressions over [jsonvalue] documents with the semantics of the Jayway library
// (https://github.com/json-path/JsonPath), which API Gateway's mapping templates and Step Functions use.
//
// A path is definite when it can only select one value: it has names and single indices. An indefinite path, one with
// a wildcard, "..", a filter, a slice or several indices, selects a list, which may be empty.
package jsonpath

import (
	"strconv"
	"strings"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// Version says which of the library's generations a path follows.
type Version int

const (
	// Current is Jayway 2.4 and later: negative indices count from the end, and functions such as length() may end a
	// path. Step Functions behaves so.
	Current Version = iota
	// V2_0 is Jayway 2.0, which the recordings of API Gateway's templates agree with: a negative index selects nothing
	// and name() is a member of that name.
	V2_0
)

// Kind is what one step of a path does.
type Kind int

// The kinds of steps.
const (
	Name     Kind = iota + 1 // .a or ['a']: Names holds one name
	Names                    // ['a','b']: Names holds several
	Index                    // [0]: Indices holds one index
	Indices                  // [0,2]: Indices holds several
	Slice                    // [1:3]: see Step.From and Step.To
	Wildcard                 // .* or [*]
	Scan                     // ..
	Filter                   // [?(@.price < 10)]
	Function                 // .length(): Names holds the function's name
)

// Step is one step of a path.
type Step struct {
	Kind    Kind
	Names   []string // of Name, Names and Function
	Indices []int    // of Index and Indices
	From    *int     // of Slice: the first index, nil for the beginning
	To      *int     // of Slice: the index after the last, nil for the end

	filter expression
	args   []argument
	quote  byte // the quotation mark of the names, which the normalised form keeps
}

// Path is a compiled expression. It is immutable and safe for concurrent use.
type Path struct {
	source  string
	version Version
	root    byte // '$' or '@'
	steps   []Step
	// definiteBefore[i] is whether all steps before step i are definite; its last element speaks for the whole path.
	definiteBefore []bool
	// aggregated is the path before the function of $..a.sum(), which is the sum over all that $..a selects and not a
	// sum in each place; nil otherwise.
	aggregated *Path
	regexp     bool
}

func newPath(source string, version Version, root byte, steps []Step) *Path {
	p := &Path{source: source, version: version, root: root, steps: steps}
	p.definiteBefore = make([]bool, len(steps)+1)
	p.definiteBefore[0] = true
	for i, s := range steps {
		p.definiteBefore[i+1] = p.definiteBefore[i] && s.definite(i == len(steps)-1)
	}
	if n := len(steps); n > 1 && steps[n-1].Kind == Function && steps[0].Kind == Scan {
		p.aggregated = newPath(source, version, root, steps[:n-1])
		p.definiteBefore[n] = true
	}
	return p
}

// definite reports whether a step selects at most one value. Several names at the end of a path are merged into one
// object, and count as definite.
func (s *Step) definite(last bool) bool {
	switch s.Kind {
	case Name, Index, Function:
		return true
	case Names:
		return last
	}
	return false
}

// Definite reports whether the path selects one value at most.
func (p *Path) Definite() bool { return p.definiteBefore[len(p.steps)] }

// Steps returns the steps after the root. The slice belongs to the path.
func (p *Path) Steps() []Step { return p.steps }

// IsRoot reports whether the path is just "$".
func (p *Path) IsRoot() bool { return len(p.steps) == 0 }

// UsesRegexp reports whether a filter of the path has a regular expression. These backtrack: an evaluation in which they
// take more than half a second fails.
func (p *Path) UsesRegexp() bool { return p.regexp }

// Source returns the expression as it was given to [Compile].
func (p *Path) Source() string { return p.source }

// String returns the normalised form, for example $['a'][0]['b'], in which the library writes paths in its errors.
func (p *Path) String() string { return string(p.root) + fragment(p.steps) }

func fragment(steps []Step) string {
	var b strings.Builder
	for i := range steps {
		steps[i].write(&b)
	}
	return b.String()
}

func (s *Step) write(b *strings.Builder) {
	switch s.Kind {
	case Name, Names:
		b.WriteByte('[')
		for i, n := range s.Names {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte(s.quote)
			b.WriteString(strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(n))
			b.WriteByte(s.quote)
		}
		b.WriteByte(']')
	case Index, Indices:
		b.WriteByte('[')
		for i, n := range s.Indices {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteByte(']')
	case Slice:
		b.WriteByte('[')
		if s.From != nil {
			b.WriteString(strconv.Itoa(*s.From))
		}
		b.WriteByte(':')
		if s.To != nil {
			b.WriteString(strconv.Itoa(*s.To))
		}
		b.WriteByte(']')
	case Wildcard:
		b.WriteString("[*]")
	case Scan:
		b.WriteString("..")
	case Filter:
		b.WriteString("[?]")
	case Function:
		b.WriteString("." + s.Names[0] + "()")
	}
}

// Numeric is implemented by values of other number types (the templates' Java numbers, for instance) so that filters
// and functions can compare them.
type Numeric interface {
	Number() jsonvalue.Number
}
