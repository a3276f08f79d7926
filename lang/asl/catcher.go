package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// catcher is one element of Catch
// (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-fallback-states).
type catcher struct {
	errors  []string
	path    referencePath
	discard bool // ResultPath is null
	assign  *template
	own     *outcome // of a JSONata state, else nil
	next    *state
}

// catch leaves the state for the catcher's next one, with the error put into the state's input. OutputPath and the
// state's own Assign do not apply.
func (c *catcher) catch(t *thread, f *failure) *failure {
	result := f.output()
	if c.own != nil {
		return t.leaveBy(c.next, c.own, t.queriesWith("errorOutput", result), result)
	}
	output := t.input
	if !c.discard {
		var ok bool
		if output, ok = c.path.set(t.input, result); !ok {
			return &failure{name: errResultPathMatchFailure, cause: "Unable to apply ReferencePath " + c.path.source +
				" to input " + jsonvalue.Text(t.input)}
		}
	}
	return t.exit(c.next, c.assign, output, result)
}
