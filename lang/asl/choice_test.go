package asl

import (
	"strings"
	"testing"
)

// TestChoiceOperators has, for each condition, the inputs $.v that match it and those that do not.
func TestChoiceOperators(t *testing.T) {
	for _, c := range []struct{ condition, match, other string }{
		{`"StringEquals":"b"`, `"b"`, `"a" 1 null {}`},
		{`"StringLessThan":"b"`, `"a" "" "B"`, `"b" "c" 1`},
		{`"StringGreaterThanEquals":"b"`, `"b" "c"`, `"a" 1`},
		{`"StringMatches":"a*c"`, `"ac" "abbc"`, `"ab" "xac" 1`},
		{`"StringEqualsPath":"$.w"`, `"w"`, `"x" 1`},
		{`"NumericEquals":1`, `1 1.0 1e0`, `2 "1" true`},
		{`"NumericLessThanPath":"$.n"`, `9.99 -1`, `10 11 "9"`},
		{`"NumericGreaterThan":12345678901234567890`, `12345678901234567891`, `12345678901234567890`},
		{`"BooleanEquals":true`, `true`, `false "true" 1 null`},
		{`"BooleanEqualsPath":"$.b"`, `false`, `true 0`},
		{`"TimestampEquals":"2026-01-01T00:00:00Z"`, `"2026-01-01T00:00:00Z" "2026-01-01T01:00:00+01:00" "2026-01-01T00:00:00.000Z"`, `"2026-01-01" 1 "x"`},
		{`"TimestampLessThanPath":"$.t"`, `"2025-12-31T23:59:59.999Z"`, `"2026-01-01T00:00:00Z" "x"`},
		{`"IsPresent":true`, `1 null {}`, ``},
		{`"IsPresent":false`, ``, `1 null`},
		{`"IsNull":true`, `null`, `0 "" "null"`},
		{`"IsNull":false`, `0 ""`, `null`},
		{`"IsString":true`, `"" "1"`, `1 null []`},
		{`"IsNumeric":true`, `1 -1.5`, `"1" true`},
		{`"IsBoolean":false`, `1 "true"`, `true false`},
		{`"IsTimestamp":true`, `"2026-01-01T00:00:00Z"`, `"2026-01-01t00:00:00Z" "2026-01-01T00:00:00z" "2026-01-01T00:00:00" "2026-13-01T00:00:00Z" 1`},
	} {
		m := mustParse(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$.v",`+c.condition+`,"Next":"Y"}],"Default":"N"},
			"Y":{"Type":"Pass","Result":true,"End":true},"N":{"Type":"Pass","Result":false,"End":true}}}`)
		check := func(values, want string) {
			for _, v := range strings.Fields(values) {
				e := m.Start(ExecutionInput{Input: mustJSON(t, `{"v":`+v+`,"w":"w","n":10,"b":false,"t":"2026-01-01T00:00:00Z"}`), StartTime: start})
				drive(e)
				if got := e.OutputText(); got != want {
					t.Errorf("%s of %s: %s, want %s", c.condition, v, got, want)
				}
			}
		}
		check(c.match, "true")
		check(c.other, "false")
	}
}

func TestChoiceFailures(t *testing.T) {
	null := begin(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$","IsNull":true,"Next":"Y"}]},"Y":{"Type":"Succeed"}}}`, `null`, nil)
	null.run(nil)
	null.want("FAILED States.Runtime: An error occurred while executing the state 'C' (entered at the event id #2). Unable to apply Path transformation to null or empty input.")
	const prefix = "FAILED States.Runtime: An error occurred while executing the state 'C' (entered at the event id #2). "
	for rules, want := range map[string]string{
		`{"Variable":"$.no","StringEquals":"a","Next":"Y"}`:                                          prefix + "Invalid path '$.no': The choice state's condition path references an invalid value.",
		`{"Variable":"$.v","StringEqualsPath":"$.no","Next":"Y"}`:                                    prefix + "Invalid path '$.no': The choice state's condition path references an invalid value.",
		`{"Variable":"$.no","IsNull":true,"Next":"Y"}`:                                               prefix + "Invalid path '$.no': The choice state's condition path references an invalid value.",
		`{"Variable":"$.v","StringEquals":"a","Next":"Y"}`:                                           prefix + "Failed to transition out of the state. The state does not point to a next state.",
		`{"Or":[{"Variable":"$.v","NumericEquals":1},{"Variable":"$.no","IsNull":true}],"Next":"Y"}`: `{"v":1}`,
		`{"And":[{"Variable":"$.no","IsPresent":true},{"Variable":"$.no","IsNull":true}],"Next":"Y"},{"Not":{"Variable":"$.no","IsPresent":true},"Next":"Y"}`: `{"v":1}`,
	} {
		w := begin(t, `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[`+rules+`]},"Y":{"Type":"Succeed"}}}`, `{"v":1}`, nil)
		w.run(nil)
		w.want(want)
	}
}

func TestWaits(t *testing.T) {
	for fields, want := range map[string]string{
		`"Seconds":90`:                             "1m30s",
		`"Seconds":0`:                              "",
		`"SecondsPath":"$.s"`:                      "7s",
		`"Timestamp":"2026-01-02T03:05:05Z"`:       "1m0s",
		`"Timestamp":"2020-01-02T03:05:05Z"`:       "",
		`"TimestampPath":"$.t"`:                    "2s",
		`"TimestampPath":"$$.Execution.StartTime"`: "",
	} {
		w := begin(t, `{"StartAt":"W","States":{"W":{"Type":"Wait",`+fields+`,"End":true}}}`, `{"s":7,"t":"2026-01-02T04:04:07.000+01:00"}`, nil)
		w.run(nil)
		got := ""
		if len(w.moved) > 0 {
			got = w.moved[0].String()
		}
		if got != want || w.e.Status() != Succeeded {
			t.Errorf("%s: waited %q, want %q: %s", fields, got, want, w.result())
		}
	}
}
