package asl

// succeedState ends its workflow well
// (https://docs.aws.amazon.com/step-functions/latest/dg/state-succeed.html).
type succeedState struct{ leaf }

func (succeedState) run(t *thread, input any) *failure { return t.leave(input, input) }
