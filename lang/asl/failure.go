package asl

import (
	"errors"
	"fmt"

	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
)

// The error names that Step Functions itself gives
// (https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
const (
	errAll                    = "States.ALL"
	errDataLimitExceeded      = "States.DataLimitExceeded"
	errExceedToleratedFailure = "States.ExceedToleratedFailureThreshold"
	errHeartbeatTimeout       = "States.HeartbeatTimeout"
	errIntrinsicFailure       = "States.IntrinsicFailure"
	errItemReaderFailed       = "States.ItemReaderFailed"
	errResultWriterFailed     = "States.ResultWriterFailed"
	errResultPathMatchFailure = "States.ResultPathMatchFailure"
	errQueryEvaluation        = "States.QueryEvaluationError"
	errRuntime                = "States.Runtime"
	errTaskFailed             = "States.TaskFailed"
	errTimeout                = "States.Timeout"
)

// failure is an error in a state, on its way to a retrier, a catcher or the end of the execution.
type failure struct {
	name, cause string
	// explain asks for the words "An error occurred while executing the state …" before the cause.
	explain bool
	// noName and noCause tell an absent error name or cause from an empty one: history events leave them out.
	noName, noCause bool
	// alias is a second name under which retriers and catchers find the failure.
	alias string
	// task says that a Task state has failed, whose end in a branch has an event of its own.
	task bool
	// evaluation says that a JSONata field has failed, which has an event of its own; location is the field, or "".
	evaluation bool
	location   string
	// entered says that the event follows the state's entry, and not what that follows.
	entered bool
}

func runtimeFailure(format string, args ...any) *failure {
	return &failure{name: errRuntime, cause: fmt.Sprintf(format, args...), explain: true}
}

// matches reports whether a retrier or catcher for these names takes the failure. States.Runtime is not to be caught,
// neither by States.ALL nor by its name; all this is as recorded on AWS in 2023 and 2024.
func (f *failure) matches(names []string) bool {
	if f.name == errRuntime {
		return false
	}
	for _, name := range names {
		switch {
		case name == errAll, name == f.name, f.alias != "" && name == f.alias:
			return true
		case name == errTaskFailed && f.name != errTimeout:
			return true
		}
	}
	return false
}

// output is what a catcher makes of the failure.
func (f *failure) output() any {
	return jsonvalue.NewObject(jsonvalue.Member{Name: "Error", Value: f.name}, jsonvalue.Member{Name: "Cause", Value: f.cause})
}

// invalidPath is the failure of a path in a field such as InputPath.
func invalidPath(p *path, err error) *failure {
	return evaluationFailure(p, err, func(problem string) *failure {
		return runtimeFailure("Invalid path '%s' : %s", p.source, problem)
	})
}

// evaluationFailure tells the failure of an intrinsic function from that of a path.
func evaluationFailure(p *path, err error, ofPath func(problem string) *failure) *failure {
	var f *intrinsicError
	if errors.As(err, &f) {
		return &failure{name: f.name, cause: f.Error(), explain: true}
	}
	var missing *jsonpath.NotFoundError
	if errors.As(err, &missing) {
		return ofPath(missing.Problem)
	}
	return ofPath(err.Error())
}

// truncate cuts a text to a number of characters: causes may have 32,768 and error names 256.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}

const (
	maxErrorName = 256
	maxCause     = 32768
)
