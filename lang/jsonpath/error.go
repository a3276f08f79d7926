package jsonpath

import (
	"errors"
	"fmt"
)

// Error says why an expression is not a JSONPath.
type Error struct {
	Path    string // the expression
	Offset  int    // in bytes, from 0
	Problem string
}

func (e *Error) Error() string {
	return fmt.Sprintf("invalid JSONPath %q at offset %d: %s", e.Path, e.Offset, e.Problem)
}

// ErrNotFound is what errors.Is finds in the error of a path that selects nothing.
var ErrNotFound = errors.New("the path selects nothing")

// NotFoundError says that a path selects nothing, in the words of the library's PathNotFoundException, such as
// "No results for path: $['a']" and "Missing property in path $['a']". Services of AWS hand these words on.
type NotFoundError struct {
	Problem string
}

func (e *NotFoundError) Error() string { return e.Problem }

// Is reports whether target is [ErrNotFound].
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// EvaluationError says that a path cannot be applied to this document: a function has nothing to compute from, for
// instance.
type EvaluationError struct {
	Problem string
}

func (e *EvaluationError) Error() string { return e.Problem }
