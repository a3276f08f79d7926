package jsonvalue_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonvalue"
	"pgregory.net/rapid"
)

func TestParseKeepsOrderAndDigits(t *testing.T) {
	for _, text := range []string{
		`{"b":1,"a":{"z":[1,2.50,-0,1e400,123456789012345678901234567890.123456789]},"":null}`,
		`"O'Brien \"Q\" \\ ☃ \u0000"`, `[]`, `{}`, `true`, `-0.0`,
	} {
		v, err := jsonvalue.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%s): %v", text, err)
		}
		if got := jsonvalue.Text(v); got != text {
			t.Errorf("Parse(%s) prints as %s", text, got)
		}
	}
}

func TestParseErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"":                "line 1, column 1: unexpected end, want a value",
		"{\n  \"a\": 01}": "line 2, column 9: a number may not begin with 0",
		`{"a":1,}`:        `line 1, column 8: unexpected '}', want a member's name in double quotes`,
		`{'a':1}`:         `line 1, column 2: unexpected '\'', want a member's name`,
		`1 2`:             "line 1, column 3: unexpected text after the end",
		"\"a\nb\"":        "control character U+000A",
		`"\x"`:            `unknown escape \x`,
		"\"\\\x00\"":      `a backslash before U+0000`,
		"\"\xff\"":        "not UTF-8",
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001): "nested deeper than 1000 levels",
	} {
		_, err := jsonvalue.Parse(text)
		var syntax *jsonvalue.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%.20q) = %v, want %q", text, err, want)
		}
	}
}

func TestEqualComparesNumbersExactly(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{"1", "1.0", true}, {"100", "1e2", true}, {"0", "-0.0", true}, {"0.001", "1E-3", true},
		{"9007199254740993", "9007199254740992", false}, {"1e400", "1e401", false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true}, {`{"a":1}`, `{"a":null}`, false}, {"[1]", "[1,2]", false},
		{`"1"`, "1", false}, {"1e99999999999999999999", "1e99999999999999999999", true},
	} {
		a, _ := jsonvalue.Parse(c.a)
		b, _ := jsonvalue.Parse(c.b)
		if jsonvalue.Equal(a, b) != c.equal {
			t.Errorf("Equal(%s, %s) = %v", c.a, c.b, !c.equal)
		}
	}
}

func TestCmp(t *testing.T) {
	ordered := []jsonvalue.Number{"-1e9", "-2.5", "-1", "-0.1", "0", "1e-9", "0.1", "0.11", "1", "1.5", "9", "10", "1e400"}
	for i, a := range ordered {
		for j, b := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Cmp(b); got != want {
				t.Errorf("%s.Cmp(%s) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestParseAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\[\]{}",:0-9.eE+\-ntfalsru\\ ]{0,24}`)).Draw(t, "text")
		v, err := jsonvalue.Parse(text)
		if want := json.Valid([]byte(text)); want != (err == nil) {
			t.Fatalf("Parse(%q) = %v, encoding/json says valid=%v", text, err, want)
		}
		if err == nil {
			again, err := jsonvalue.Parse(jsonvalue.Text(v))
			if err != nil || !jsonvalue.Equal(v, again) {
				t.Fatalf("%q does not survive Text and Parse", text)
			}
		}
	})
}

func TestObjectKeepsOrderThroughDeletes(t *testing.T) {
	o := jsonvalue.NewObject()
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		o.Set(string(c), true)
	}
	o.Delete("c")
	o.Set("a", false)
	if got := jsonvalue.Text(o); !strings.HasPrefix(got, `{"a":false,"b":true,"d":true`) || o.Len() != 25 {
		t.Error(got)
	}
	if _, ok := o.Get("c"); ok {
		t.Error("c is still there")
	}
}
