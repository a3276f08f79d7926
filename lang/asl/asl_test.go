package asl

import (
	"testing"
	"time"

	"github.com/carepath/carepath/lang/jsonvalue"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func mustParse(t testing.TB, definition string) *Machine {
	t.Helper()
	m, err := Parse([]byte(definition), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustJSON(t testing.TB, text string) any {
	t.Helper()
	v, err := jsonvalue.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// drive runs an execution without tasks to its end, jumping over the times it waits.
func drive(e *Execution) {
	for now := start; e.Status() == Running; now, _ = e.NextWake() {
		e.Run(now)
	}
}

func TestPassChain(t *testing.T) {
	m := mustParse(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":{"x":1},"ResultPath":"$.a.b","Next":"B"},
		"B":{"Type":"Wait","Seconds":10,"End":true}}}`)
	e := m.Start(ExecutionInput{Input: mustJSON(t, `{"k":2}`), StartTime: start})
	drive(e)
	if got, want := e.OutputText(), `{"k":2,"a":{"b":{"x":1}}}`; e.Status() != Succeeded || got != want {
		t.Errorf("%s %s, want %s", e.Status(), got, want)
	}
}
