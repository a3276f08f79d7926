package usercreation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// byWorkflow reports the calls that a workflow's tasks make: neither the test's own nor those of services.
func byWorkflow(call *dispatch.Call) bool {
	return strings.Contains(call.Principal.ARN, ":assumed-role/")
}

// recorded are the calls of workflows' tasks, in their order, that run makes.
func (c *cloud) recorded(run func()) []dispatch.Call {
	var calls []dispatch.Call
	remove := c.d.Faults.Inject(dispatch.Fault{Match: func(call *dispatch.Call) bool {
		if byWorkflow(call) {
			calls = append(calls, *call)
		}
		return false
	}})
	defer remove()
	run()
	return calls
}

// failures are what a call of a service can come to.
var failures = map[string][]*dispatch.Error{
	"dynamodb": {
		{Code: "InternalServerError", Message: "Internal server error", Status: 500},
		{Code: "ThrottlingException", Message: "Rate exceeded", Status: 400},
		{Code: "ProvisionedThroughputExceededException", Message: "too much", Status: 400},
		{Code: "TransactionConflictException", Message: "Transaction is ongoing for the item", Status: 400},
		{Code: "TransactionCanceledException", Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]", Status: 400},
		{Code: "AccessDeniedException", Message: "not authorized", Status: 400},
	},
	"cognito-idp": {
		{Code: "TooManyRequestsException", Message: "Too many requests", Status: 400},
		{Code: "InternalErrorException", Message: "Something went wrong", Status: 500},
		{Code: "CodeDeliveryFailureException", Message: "could not be delivered", Status: 400},
		{Code: "InvalidParameterException", Message: "Invalid email address format.", Status: 400},
		{Code: "InvalidPasswordException", Message: "Password not long enough", Status: 400},
		{Code: "UsernameExistsException", Message: "User account already exists", Status: 400},
		{Code: "UserNotFoundException", Message: "User does not exist.", Status: 400},
		{Code: "NotAuthorizedException", Message: "not authorized", Status: 400},
		{Code: "ResourceNotFoundException", Message: "User pool does not exist.", Status: 400},
	},
}

// lies reports failures that cannot be, because the error says that the call had no effect, or that there is no user: AWS may
// break, but what it says is so.
func lies(e *dispatch.Error, action string, after bool) bool {
	switch e.Code {
	case "TransactionCanceledException":
		return after || !strings.HasPrefix(action, "Transact")
	case "TransactionConflictException":
		return after || strings.HasPrefix(action, "Transact")
	case "UserNotFoundException":
		return action == "AdminGetUser" || action == "AdminDeleteUser" && !after
	}
	return false
}

// failAt puts a fault in force for a workflow's call with the number at, and, when it lasts, for those after it.
func (c *cloud) failAt(at int, fault dispatch.Fault) (remove func()) {
	seen := -1
	fault.Match = func(call *dispatch.Call) bool {
		if !byWorkflow(call) {
			return false
		}
		if seen++; fault.Times == 0 {
			return seen >= at
		}
		return seen == at
	}
	return c.d.Faults.Inject(fault)
}

// attempt is one way in which one call of a workflow can fail.
type attempt struct {
	what string
	at   int // the call's number
	// fault makes the failure. It may end the execution, whose ARN it is told.
	fault func(execution func() string) dispatch.Fault
}

// attempts are all ways in which a workflow's calls can fail: once and for good, before and after their effect, without an
// answer until never is closed, with an effect that comes late, and with the execution killed there.
func (c *cloud) attempts(calls []dispatch.Call, never <-chan struct{}) []attempt {
	var all []attempt
	for at, call := range calls {
		if at >= 2 && call.Action == calls[at-1].Action && call.Action == calls[at-2].Action {
			continue // one of many that are the same
		}
		place := fmt.Sprintf("%s:%s (call %d)", call.Service, call.Action, at)
		fail := func(what string, fault dispatch.Fault) {
			all = append(all, attempt{place + " " + what, at, func(func() string) dispatch.Fault { return fault }})
		}
		fail("has its effect after 20 seconds", dispatch.Fault{Times: 1, Do: func(context.Context, *dispatch.Call) *dispatch.Error {
			c.pass(20 * time.Second)
			return nil
		}})
		for when, after := range map[string]bool{"before": false, "after": true} {
			for _, failure := range failures[call.Service] {
				if lies(failure, call.Action, after) {
					continue
				}
				fail(fmt.Sprintf("gives %s %s its effect, once", failure.Code, when), dispatch.Fault{After: after, Times: 1, Err: failure})
				if failure.Code != "UserNotFoundException" { // which would be a lie of the next call
					fail(fmt.Sprintf("gives %s %s its effect, as all after it", failure.Code, when), dispatch.Fault{After: after, Err: failure})
				}
			}
			fail(fmt.Sprintf("never answers, %s its effect", when), dispatch.Fault{After: after, Times: 1, Do: func(context.Context, *dispatch.Call) *dispatch.Error {
				<-never
				return &dispatch.Error{Code: "InternalServerError", Message: "too late", Status: 500}
			}})
			all = append(all, attempt{fmt.Sprintf("%s: the execution is killed %s its effect", place, when), at, func(execution func() string) dispatch.Fault {
				return dispatch.Fault{After: after, Times: 1, Do: func(context.Context, *dispatch.Call) *dispatch.Error {
					c.stop(execution())
					if after {
						return nil
					}
					return &dispatch.Error{Code: "InternalServerError", Message: "killed", Status: 500}
				}}
			}})
		}
	}
	return all
}

func (c *cloud) stop(execution string) {
	c.Helper()
	c.call("states", "StopExecution", c.json(map[string]string{"executionArn": execution}), nil)
}
