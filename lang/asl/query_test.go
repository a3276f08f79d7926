package asl

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

// order is a machine in JSONata: a choice, a task that is retried and caught, variables, branches and a map.
const order = `{"QueryLanguage":"JSONata","StartAt":"Check","States":{
	"Check":{"Type":"Choice","Choices":[{"Condition":"{% $count($states.input.items) > 0 %}","Assign":{"customer":"{% $states.input.customer %}","total":"{% $sum($states.input.items.(price * quantity)) %}"},"Next":"Pay"}],
		"Default":"Empty","Output":{"why":"no items"}},
	"Pay":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"arn:aws:lambda:eu-west-1:111111111111:function:pay","Payload":{"amount":"{% $total %}","by":"{% $customer %}","token":"{% $states.context.Execution.Name %}"}},
		"TimeoutSeconds":"{% $total * 2 %}",
		"Catch":[{"ErrorEquals":["Declined"],"Assign":{"why":"{% $states.errorOutput.Cause %}"},"Output":{"refused":"{% $states.input.customer %}"},"Next":"Refused"}],
		"Assign":{"receipt":"{% $states.result.Payload.receipt %}"},"Output":"{% $states.input.items %}","Next":"Pack"},
	"Pack":{"Type":"Map","ItemSelector":{"n":"{% $states.context.Map.Item.Index %}","sku":"{% $states.context.Map.Item.Value.sku %}"},"MaxConcurrency":"{% 1 + 1 %}",
		"ItemProcessor":{"StartAt":"Label","States":{"Label":{"Type":"Pass","Output":"{% $uppercase($states.input.sku) & $states.input.n & ' for ' & $customer %}","End":true}}},
		"Output":{"receipt":"{% $receipt %}","labels":"{% $states.result %}"},"End":true},
	"Empty":{"Type":"Fail","Error":"{% 'Empty' %}","Cause":"{% 'there are ' & $states.input.why %}"},
	"Refused":{"Type":"Pass","Output":"{% $merge([$states.input, {'why': $why}]) %}","End":true}}}`

func TestJSONataMachine(t *testing.T) {
	const input = `{"customer":"Ann","items":[{"sku":"a","price":2,"quantity":3},{"sku":"b","price":1,"quantity":1}]}`
	w := begin(t, order, input, nil)
	w.run(func(task *Task) {
		want := `{"FunctionName":"arn:aws:lambda:eu-west-1:111111111111:function:pay","Payload":{"amount":7,"by":"Ann","token":"e"}}`
		if got := jsonvalue.Text(task.Parameters); got != want {
			t.Errorf("the arguments are %s, want %s", got, want)
		}
		if task.TimeoutSeconds != 14 {
			t.Errorf("the timeout is %d", task.TimeoutSeconds)
		}
		w.e.Complete(task.ID, mustJSON(t, `{"Payload":{"receipt":"r1"}}`), w.now)
	})
	if got, want := w.e.OutputText(), `{"receipt":"r1","labels":["A0 for Ann","B1 for Ann"]}`; got != want {
		t.Errorf("%s %s, want %s", w.e.Status(), got, want)
	}

	w = begin(t, order, input, nil)
	w.run(func(task *Task) { w.e.FailTask(task.ID, "Declined", "no money", w.now) })
	if got, want := w.e.OutputText(), `{"refused":"Ann","why":"no money"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	w = begin(t, order, `{"customer":"Ann"}`, nil)
	w.run(nil)
	if name, cause := w.e.Error(); name != "Empty" || cause != "there are no items" {
		t.Errorf("%s: %s", name, cause)
	}
}

// Causes name the expression and the field, as recorded on AWS or measured there by users.
func TestJSONataFailures(t *testing.T) {
	state := func(fields string) string {
		next := ""
		if strings.Contains(fields, `"Next":"N"`) {
			next = `,"N":{"Type":"Succeed"}`
		}
		return `{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{` + fields + `}` + next + `}}`
	}
	const pass = `"Type":"Pass","End":true,`
	for _, c := range []struct{ fields, want string }{
		{pass + `"Output":{"a":{"b":[1,"{% $states.input.nothing %}"]}}`, "The JSONata expression '$states.input.nothing' specified for the field 'Output/a/b[1]' returned nothing (undefined)."},
		{pass + `"Assign":{"x":"{% $y %}"}`, "The JSONata expression '$y' specified for the field 'Assign/x' returned nothing (undefined)."},
		{pass + `"Output":"{% $lowercase(1) %}"`, `The JSONata expression '$lowercase(1)' specified for the field 'Output' threw an error during evaluation. T0410: Argument 1 of function "lowercase" does not match function signature`},
		{pass + `"Output":"{% ($f := function(){ $f() }; $f()) %}"`, "The JSONata expression '($f := function(){ $f() }; $f())' specified for the field 'Output' threw an error during evaluation: Expression evaluation timeout: Check for infinite loop"},
		{pass + `"Output":"{% ` + strings.Repeat("1+", 100) + `1 %}"`, "The JSONata expression '" + strings.Repeat("1+", 100) + "1' specified for the field 'Output' threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive. Depth=101 max=100"},
		{pass + `"Output":"{% [1..900000] ~> $count() %}"`, "The JSONata expression '[1..900000] ~> $count()' specified for the field 'Output' threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage"},
		{`"Type":"Choice","Choices":[{"Condition":"{% false %}","Next":"N"},{"Condition":"{% 1 %}","Next":"N"}]`, "The JSONata expression '1' specified for the field 'Choices[1]/Condition' returned an unexpected result type. Expected 'boolean', but was 'number' for value: 1"},
		{`"Type":"Choice","Choices":[{"Condition":"{% true %}","Output":"{% $x %}","Next":"N"}]`, "The JSONata expression '$x' specified for the field 'Choices[0]/Output' returned nothing (undefined)."},
		{`"Type":"Wait","Seconds":"{% 'x' %}","Next":"N"`, "The JSONata expression ''x'' specified for the field 'Seconds' returned an unexpected result type. Expected 'number', but was 'string' for value: \"x\""},
		{`"Type":"Fail","Error":"{% 1 %}"`, "The JSONata expression '1' specified for the field 'Error' returned an unexpected result type. Expected 'string', but was 'number' for value: 1"},
	} {
		w := begin(t, state(c.fields), `{}`, nil)
		w.run(nil)
		name, cause := w.e.Error()
		want := "An error occurred while executing the state 'S' (entered at the event id #2). " + c.want
		if name != "States.QueryEvaluationError" || cause != want {
			t.Errorf("%.200s:\ngot  %s: %.500s\nwant %.500s", c.fields, name, cause, want)
		}
		if len(w.lines) != 4 || !strings.Contains(w.lines[2], "EvaluationFailed") {
			t.Errorf("%.200s: the history is %.500s", c.fields, strings.Join(w.lines, "\n"))
		}
	}
}

// A failed evaluation can be caught and retried, unlike States.Runtime.
func TestJSONataFailureIsCaught(t *testing.T) {
	w := begin(t, `{"QueryLanguage":"JSONata","StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:111111111111:function:f","Arguments":"{% $states.input.nothing %}","Retry":[{"ErrorEquals":["States.QueryEvaluationError"],"MaxAttempts":1}],
			"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],"Next":"C"},
		"C":{"Type":"Succeed","Output":"{% $states.input.Error %}"}}}`, `{}`, nil)
	w.run(nil)
	if got := w.e.OutputText(); got != `"States.QueryEvaluationError"` || w.now.Sub(start) != time.Second {
		t.Errorf("%s after %v", got, w.now.Sub(start))
	}
}

// Both languages read the same variables, and Assign and Output see them as they were before the state.
func TestVariablesInBothLanguages(t *testing.T) {
	w := begin(t, `{"StartAt":"A","States":{
		"A":{"Type":"Pass","Assign":{"x":1,"y.$":"$.v"},"Next":"B"},
		"B":{"Type":"Pass","QueryLanguage":"JSONata","Assign":{"x":"{% $y %}","y":"{% $x %}"},"Output":{"x":"{% $x %}"},"Next":"C"},
		"C":{"Type":"Pass","Parameters":{"was.$":"$.x","x.$":"$x","y.$":"$y"},"End":true}}}`, `{"v":12345678901234567890}`, nil)
	w.run(nil)
	if got, want := w.e.OutputText(), `{"was":1,"x":12345678901234567890,"y":1}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestJSONataPermissions(t *testing.T) {
	for arguments, want := range map[string]string{
		`{"TableName":"T","Item":{"PK":{"S":"{% $id %}"}}}`: "dynamodb:PutItem on arn:aws:dynamodb:*:*:table/T",
		`{"TableName":"{% $table %}","Item":{}}`:            "!its argument TableName is only known when it runs",
		`"{% $states.input %}"`:                             "!its Arguments are no object, so they are only known when it runs",
	} {
		m := mustParse(t, `{"QueryLanguage":"JSONata","StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:putItem","Arguments":`+arguments+`,"End":true}}}`)
		permissions, err := Permissions(m)
		got := ""
		for _, p := range permissions {
			got += fmt.Sprintf("%s on %s", strings.Join(p.Actions, " "), strings.Join(p.Resources, " "))
		}
		if err != nil {
			got += "!" + err.(*PermissionsError).Tasks[0].Problem //nolint:errorlint // it is returned as it is
		}
		if got != want {
			t.Errorf("%s: %s, want %s", arguments, got, want)
		}
	}
}

// A definition is checked before its placeholders are filled.
func TestPlaceholdersInExpressions(t *testing.T) {
	findings := Lint([]byte(`{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed","Output":"{% $states.input.n > ${least} ? '${name}' : 2 %}"}}}`), Options{})
	if len(findings) > 0 {
		t.Errorf("%+v", findings)
	}
}

func BenchmarkJSONataTransitions(b *testing.B) {
	m := mustParse(b, order)
	input := mustJSON(b, `{"customer":"Ann","items":[{"sku":"a","price":2,"quantity":3},{"sku":"b","price":1,"quantity":1}]}`)
	answer := mustJSON(b, `{"Payload":{"receipt":"r1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		e := m.Start(ExecutionInput{Input: input, StartTime: start})
		e.Run(start)
		e.Complete(e.TakeTasks()[0].ID, answer, start)
		e.Run(start)
		if e.Status() != Succeeded {
			b.Fatal(e.Error())
		}
	}
}
