package asl

import (
	"strings"
	"testing"
	"time"
)

func TestRunMock(t *testing.T) {
	mocks, err := ParseMocks([]byte(`{"T":[{"error":"A","cause":"busy"},{"error":"A"},{"result":{"ok":true}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	m := mustParse(t, retried)
	var last time.Time
	e := RunMock(m, mustJSON(t, `{}`), mocks, MockOptions{StartTime: start, Recorder: func(e Event) { last = e.Timestamp }})
	if got := e.OutputText(); got != `{"ok":true}` {
		t.Errorf("%s %s", e.Status(), got)
	}
	if took := last.Sub(start); took != 8*time.Second {
		t.Errorf("it took %v", took)
	}
	e = RunMock(m, mustJSON(t, `{}`), nil)
	if name, cause := e.Error(); name != "Mock.NotFound" || cause != "There is no mock for the state 'T'" {
		t.Errorf("%s %s", name, cause)
	}
	e = RunMock(m, mustJSON(t, `{}`), Mocks{"T": {{Failed: true, Error: "A"}}})
	if name, _ := e.Error(); name != "A" {
		t.Errorf("%s", name)
	}
}

func TestParseMocksRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`x`:                                "not JSON",
		`[]`:                               "not an object",
		`{"T":[]}`:                         `the mock of state "T" is not a list`,
		`{"T":{"result":1}}`:               `the mock of state "T" is not a list`,
		`{"T":[1]}`:                        "not an object",
		`{"T":[{}]}`:                       `needs either`,
		`{"T":[{"result":1,"error":"E"}]}`: `needs either`,
		`{"T":[{"result":1},{"err":"E"}]}`: `answer 2 of the mock of state "T": it has the unknown field "err"`,
		`{"T":[{"error":1}]}`:              "its error is not a string",
	} {
		if _, err := ParseMocks([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
