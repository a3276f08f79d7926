package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Outcome is what came of one case. The zero value is a failure that says nothing: use [passed], [failed] or [skipped].
type Outcome struct {
	Passed   bool
	Skipped  string // why the case does not apply; the case counts as neither passed nor failed
	Expected any    // of a failure: anything that encoding/json takes
	Got      any
}

func passed() Outcome { return Outcome{Passed: true} }

func failed(expected, got any) Outcome { return Outcome{Expected: expected, Got: got} }

func skipped(reason string) Outcome { return Outcome{Skipped: reason} }

// suites holds the registered suites by name.
var suites = map[string]func(row json.RawMessage) Outcome{}

// register makes a suite known. A suite's file calls it from init.
func register(name string, run func(row json.RawMessage) Outcome) {
	if suites[name] != nil {
		panic("two suites are named " + name)
	}
	suites[name] = run
}

func suiteNames() []string { return slices.Sorted(maps.Keys(suites)) }

// aliases are the names of files of recordings that share a suite with others.
var aliases = map[string]string{
	"asl-lint":               "asl-validation",
	"dynamodb-expr":          "dynamodb",
	"dynamodb-serialization": "dynamodb",
	"eventbridge-patterns":   "eventbridge",
	"integration-unit":       "integration",
	"velocity-core":          "velocity",
	"vtl-derived":            "vtl",
	"vtl-unit":               "vtl",
}

// suiteNamed returns a suite by its name or by one of its aliases.
func suiteNamed(name string) (func(row json.RawMessage) Outcome, bool) {
	if suite, ok := suites[name]; ok {
		return suite, true
	}
	suite, ok := suites[aliases[name]]
	return suite, ok
}

// suiteList is every suite with its aliases, for a person to read.
func suiteList() string {
	var all []string
	for _, name := range suiteNames() {
		var also []string
		for alias, of := range aliases {
			if of == name {
				also = append(also, alias)
			}
		}
		if slices.Sort(also); len(also) > 0 {
			name += " (or " + strings.Join(also, ", ") + ")"
		}
		all = append(all, name)
	}
	return strings.Join(all, "; ")
}

// failure is the line that is printed for a failing case.
type failure struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	ID       string `json:"id,omitempty"`
	Expected any    `json:"expected"`
	Got      any    `json:"got"`
}

// tally counts the outcomes of a run.
type tally struct {
	passed, failed int
	skipped        map[string]int
}

func (t *tally) add(u tally) {
	t.passed += u.passed
	t.failed += u.failed
	for reason, n := range u.skipped {
		t.skip(reason, n)
	}
}

func (t *tally) skip(reason string, n int) {
	if t.skipped == nil {
		t.skipped = map[string]int{}
	}
	t.skipped[reason] += n
}

func (t *tally) skips() int {
	n := 0
	for _, count := range t.skipped {
		n += count
	}
	return n
}

// ratio is the share of the cases that ran which passed; 1 when none ran.
func (t *tally) ratio() float64 {
	if t.passed+t.failed == 0 {
		return 1
	}
	return float64(t.passed) / float64(t.passed+t.failed)
}

func (t *tally) report() string {
	var b strings.Builder
	for _, reason := range slices.Sorted(maps.Keys(t.skipped)) {
		fmt.Fprintf(&b, "skipped %d: %s\n", t.skipped[reason], reason)
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skips())
	return b.String()
}

// caseFolder is where the file is whose cases run: some cases refer to files beside theirs.
var caseFolder string

// runFile runs the cases of one file and reports those that fail.
func runFile(suite func(json.RawMessage) Outcome, file string, report func(failure)) (tally, error) {
	caseFolder = filepath.Dir(file)
	f, err := os.Open(file)
	if err != nil {
		return tally{}, fmt.Errorf("reading the cases: %w", err)
	}
	defer f.Close()
	t, err := runRows(suite, f, func(x failure) { x.File = file; report(x) })
	if err != nil {
		return t, fmt.Errorf("reading the cases of %s: %w", file, err)
	}
	return t, nil
}

func runRows(suite func(json.RawMessage) Outcome, r io.Reader, report func(failure)) (tally, error) {
	var t tally
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if row := bytes.TrimSpace(line); len(row) > 0 {
			var id struct {
				ID string `json:"id"`
			}
			_ = json.Unmarshal(row, &id) // A row that is not an object has no id; the suite says what is wrong with it.
			switch o := runRow(suite, row); {
			case o.Skipped != "":
				t.skip(o.Skipped, 1)
			case o.Passed:
				t.passed++
			default:
				t.failed++
				report(failure{Line: n, ID: id.ID, Expected: o.Expected, Got: o.Got})
			}
		}
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return t, err
		}
	}
}

// runRow runs one case; a panic is a failure of that case, not of the run.
func runRow(suite func(json.RawMessage) Outcome, row json.RawMessage) (o Outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = failed("no panic", fmt.Sprint("panic: ", p))
		}
	}()
	return suite(row)
}

// sameJSON reports whether two JSON texts are the same value whatever their white space and the order of members.
// Numbers are compared as float64.
func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	ax, errX := json.Marshal(x)
	ay, errY := json.Marshal(y)
	return errX == nil && errY == nil && bytes.Equal(ax, ay)
}
