package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunPrintsFailuresThenTheCounts(t *testing.T) {
	register("test", func(row json.RawMessage) Outcome {
		switch {
		case strings.Contains(string(row), "good"):
			return passed()
		case strings.Contains(string(row), "skip"):
			return skipped("not now")
		case strings.Contains(string(row), "panic"):
			panic("oops")
		}
		return failed("this", "that")
	})
	t.Cleanup(func() { delete(suites, "test") })
	file := filepath.Join(t.TempDir(), "cases.jsonl")
	rows := `{"id":"a","x":"good"}` + "\n" + `{"id":"b"}` + "\n\n" + `{"id":"c","x":"skip"}` + "\n" + `{"id":"d","x":"panic"}`
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	if code := run([]string{"-suite", "test", file}, &stdout, &stderr); code != 1 {
		t.Errorf("exit code %d, want 1; %s", code, stderr.String())
	}
	want := `{"file":"` + file + `","line":2,"id":"b","expected":"this","got":"that"}
{"file":"` + file + `","line":5,"id":"d","expected":"no panic","got":"panic: oops"}
skipped 1: not now
1 passed, 2 failed, 1 skipped
`
	if got := stdout.String(); got != want {
		t.Errorf("printed:\n%s\nwant:\n%s", got, want)
	}
}

func TestRunSaysWhatIsWrongWithItsArguments(t *testing.T) {
	var stdout, stderr strings.Builder
	if code := run([]string{"-suite", "nonsense", "x"}, &stdout, &stderr); code != 2 ||
		!strings.Contains(stderr.String(), `There is no suite "nonsense"`) {
		t.Errorf("exit code %d, printed %s", code, stderr.String())
	}
	stderr.Reset()
	register("test", func(json.RawMessage) Outcome { return passed() })
	t.Cleanup(func() { delete(suites, "test") })
	if code := run([]string{"-suite", "test", "missing.jsonl"}, &stdout, &stderr); code != 2 ||
		!strings.Contains(stderr.String(), "missing.jsonl") {
		t.Errorf("exit code %d, printed %s", code, stderr.String())
	}
}

func TestSuitesAreKnownByTheNamesOfTheirFiles(t *testing.T) {
	for alias, name := range aliases {
		if suites[alias] != nil {
			t.Errorf("%s is a suite and the name of another", alias)
		}
		if _, ok := suiteNamed(alias); suites[name] != nil && (!ok || !strings.Contains(suiteList(), alias)) {
			t.Errorf("%s is not known or not listed", alias)
		}
	}
}
