package vtl

import (
	"fmt"
	"unicode/utf8"
)

// Error says what is wrong in a template, when it is compiled or when it is rendered. On AWS either makes the request
// fail with status 500 and {"message": "Internal server error"}.
type Error struct {
	Line, Column int // where, from 1; the column counts characters
	Problem      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("template line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// errorAt makes an Error of a byte offset in a template.
func errorAt(source string, offset int, format string, args ...any) *Error {
	offset = min(max(offset, 0), len(source))
	e := &Error{Line: 1, Column: 1, Problem: fmt.Sprintf(format, args...)}
	start := 0
	for i := range offset {
		if source[i] == '\n' {
			e.Line++
			start = i + 1
		}
	}
	e.Column += utf8.RuneCountInString(source[start:offset])
	return e
}
