package asl

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
	"pgregory.net/rapid"
)

// evaluate evaluates a function over an input.
func evaluate(source string, input any) (any, error) {
	p, err := compileValue(source)
	if err != nil {
		return nil, err
	}
	e := &Execution{machine: &Machine{}, in: ExecutionInput{NewID: func() string { return "the-id" }, Rand: func() float64 { return 0.5 }}, status: Running}
	t := &thread{e: e, log: &e.log, scope: &scope{}, state: &state{name: "S", behaviour: succeedState{}}}
	return p.eval(&environment{thread: t, input: input})
}

func TestIntrinsics(t *testing.T) {
	const input = `{"s":"a-b","n":null,"o":{"x":1,"y":[true,"q"]},"a":[1,2,2,{"k":1},{"k":1.0},3],"f":2.5,"t":"{} and {}","e":"","k":"a'b"}`
	for source, want := range map[string]string{
		`States.Format('{}|{}|{}', $.s, $.n, $.f)`:                       `"a-b|null|2.5"`,
		`States.Format('{}', $.o)`:                                       `"{x=1, y=[true, q]}"`,
		`States.Format($.t, 1, 'two')`:                                   `"1 and two"`,
		`States.Format('\{\} {} \\ \'')`:                                 ``,
		`States.Format('\{\} {} \\ \'', 1)`:                              `"{} 1 \\ '"`,
		`States.Format('plain')`:                                         `"plain"`,
		`States.Format($.n)`:                                             ``,
		`States.StringToJson('{"a":[1,2.50]}')`:                          `{"a":[1,2.50]}`,
		`States.StringToJson($.e)`:                                       `null`,
		`States.StringToJson('{')`:                                       ``,
		`States.StringToJson($.o)`:                                       ``,
		`States.JsonToString($.o)`:                                       `"{\"x\":1,\"y\":[true,\"q\"]}"`,
		`States.Array()`:                                                 `[]`,
		`States.Array(1, 'a', null, true, $.o.x, States.Array(-2.5))`:    `[1,"a",null,true,1,[-2.5]]`,
		`States.ArrayPartition($.a, 4)`:                                  `[[1,2,2,{"k":1}],[{"k":1.0},3]]`,
		`States.ArrayPartition($.a, 0)`:                                  ``,
		`States.ArrayContains($.a, 2)`:                                   `true`,
		`States.ArrayContains($.a, '2')`:                                 `false`,
		`States.ArrayContains($.s, 1)`:                                   ``,
		`States.ArrayRange(1, 9, 2)`:                                     `[1,3,5,7,9]`,
		`States.ArrayRange(3, 1, -1)`:                                    `[3,2,1]`,
		`States.ArrayRange(3, 1, 1)`:                                     `[]`,
		`States.ArrayRange(1, 2, 0)`:                                     ``,
		`States.ArrayRange(1, 1001, 1)`:                                  ``,
		`States.ArrayRange(9223372036854775806, 9223372036854775807, 1)`: `[9223372036854775806,9223372036854775807]`,
		`States.ArrayGetItem($.a, 1)`:                                    `2`,
		`States.ArrayGetItem($.a, 6)`:                                    ``,
		`States.ArrayGetItem($.a, -1)`:                                   ``,
		`States.ArrayLength($.a)`:                                        `6`,
		`States.ArrayUnique($.a)`:                                        `[1,2,{"k":1},3]`,
		`States.Base64Encode('Data to encode')`:                          `"RGF0YSB0byBlbmNvZGU="`,
		`States.Base64Decode('RGF0YSB0byBlbmNvZGU=')`:                    `"Data to encode"`,
		`States.Base64Decode('?')`:                                       ``,
		`States.Hash('input data', 'SHA-1')`:                             `"aaff4a450a104cd177d28d18d74485e8cae074b7"`,
		`States.Hash('input data', 'MD5')`:                               `"812f45842bc6d66ee14572ce20db8e86"`,
		`States.Hash($.o, 'SHA-0')`:                                      ``,
		`States.JsonMerge($.o, $.o, false)`:                              `{"x":1,"y":[true,"q"]}`,
		`States.JsonMerge($.o, $.o, true)`:                               ``,
		`States.MathAdd(1.5, -1.5)`:                                      `1`,
		`States.MathAdd(9223372036854775807, 1)`:                         ``,
		`States.MathAdd($.s, 1)`:                                         ``,
		`States.MathAdd(1e300, 1)`:                                       ``,
		`States.MathRandom(0, 10)`:                                       `5`,
		`States.MathRandom(0, 999, 3)`:                                   `730`,
		`States.MathRandom(5, 5)`:                                        ``,
		`States.StringSplit($.s, '-')`:                                   `["a","b"]`,
		`States.StringSplit('This.is+a,test', '.+,')`:                    `["This","is","a","test"]`,
		`States.UUID()`:                                                  `"the-id"`,
		`States.UUID(1)`:                                                 ``,
		`States.Format('{}', $.a[?(@.k == 1)])`:                          `"[{k=1}, {k=1.0}]"`,
		`States.Format( '{}' , $['k'] )`:                                 `"a'b"`,
	} {
		v, err := evaluate(source, mustJSON(t, input))
		got := ""
		if err == nil {
			got = jsonvalue.Text(v)
		}
		if got != want {
			t.Errorf("%s: got %s (%v), want %s", source, got, err, want)
		}
	}
}

func TestIntrinsicsThatDoNotParse(t *testing.T) {
	for _, source := range []string{
		`States.`, `States.No()`, `States.Array`, `States.Array(`, `States.Array(1`, `States.Array(1,)`, `States.Array(,)`, `States.Array('a)`,
		`States.Array("a")`, `States.Array(1) x`, `States.Array('\x')`, `States.Array(x)`, `States.Array($.a[)`, `States.Array({})`, `States.array()`,
		strings.Repeat("States.Array(", 11) + strings.Repeat(")", 11),
	} {
		if _, err := compileValue(source); err == nil {
			t.Errorf("%s: no error", source)
		}
	}
}

func number(t *rapid.T, label string) jsonvalue.Number {
	return jsonvalue.NumberFromInt(rapid.Int64Range(-1000, 1000).Draw(t, label))
}

// value draws a JSON value.
func drawValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 5
		if depth > 0 {
			kinds = 7
		}
		switch rapid.IntRange(1, kinds).Draw(t, "kind") {
		case 1:
			return nil
		case 2:
			return rapid.Bool().Draw(t, "bool")
		case 3:
			return number(t, "number")
		case 4, 5:
			return rapid.String().Draw(t, "string")
		case 6:
			return &jsonvalue.Array{Items: rapid.SliceOfN(drawValue(depth-1), 0, 4).Draw(t, "items")}
		}
		o := &jsonvalue.Object{}
		for _, name := range rapid.SliceOfN(rapid.StringMatching(`[a-c]`), 0, 4).Draw(t, "names") {
			o.Set(name, drawValue(depth-1).Draw(t, "member"))
		}
		return o
	})
}

func TestIntrinsicProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &jsonvalue.Object{}
		v := drawValue(3).Draw(t, "v")
		items := &jsonvalue.Array{Items: rapid.SliceOfN(drawValue(1), 0, 20).Draw(t, "items")}
		text := rapid.StringN(0, 50, -1).Draw(t, "text")
		size := rapid.IntRange(1, 25).Draw(t, "size")
		o.Set("v", v)
		o.Set("items", items)
		o.Set("text", text)
		o.Set("size", jsonvalue.NumberFromInt(int64(size)))
		must := func(source string) any {
			got, err := evaluate(source, o)
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			return got
		}
		if got := must(`States.StringToJson(States.JsonToString($.v))`); !jsonvalue.Equal(got, v) {
			t.Fatalf("through a string %v became %v", v, got)
		}
		if utf8.ValidString(text) {
			if got := must(`States.Base64Decode(States.Base64Encode($.text))`); got != text {
				t.Fatalf("through Base64 %q became %q", text, got)
			}
		}
		var again []any
		for i, part := range list(must(`States.ArrayPartition($.items, $.size)`)) {
			n := len(list(part))
			if n == 0 || n > size || n < size && (i+1)*size < items.Len() {
				t.Fatalf("part %d has %d of %d items", i, n, size)
			}
			again = append(again, list(part)...)
		}
		if !jsonvalue.Equal(&jsonvalue.Array{Items: again}, items) {
			t.Fatal("the parts are not the whole")
		}
		unique := must(`States.ArrayUnique($.items)`).(*jsonvalue.Array)
		for i, v := range unique.Items {
			for _, w := range unique.Items[:i] {
				if jsonvalue.Equal(v, w) {
					t.Fatal("ArrayUnique has an item twice")
				}
			}
		}
		for _, part := range list(must(`States.StringSplit($.text, ' ,')`)) {
			if s := part.(string); s == "" || strings.ContainsAny(s, " ,") {
				t.Fatalf("StringSplit gave %q", s)
			}
		}
		if got, want := room(v, maxData), maxData-len(jsonvalue.Text(v)); got != want {
			t.Fatalf("%s leaves %d, want %d", jsonvalue.Text(v), got, want)
		}
	})
}

func TestRoundingIsJavas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strconv.FormatFloat(rapid.Float64Range(-1e9, 1e9).Draw(t, "a"), 'f', -1, 64)
		v, err := evaluate(`States.MathAdd($, 0)`, jsonvalue.Number(text))
		if err != nil {
			t.Fatal(err)
		}
		if want := jsonvalue.NumberFromInt(int64(math.Floor(jsonvalue.Number(text).Float64() + 0.5))); v != want {
			t.Fatalf("%s rounds to %v, want %v", text, v, want)
		}
	})
}

func TestResultPathProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc, value := drawValue(3).Draw(t, "doc"), drawValue(1).Draw(t, "value")
		before := jsonvalue.Text(doc)
		source := "$"
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "index") {
				source += "[" + decimal(int64(rapid.IntRange(0, 2).Draw(t, "i"))) + "]"
			} else {
				source += "." + rapid.StringMatching(`[a-c]`).Draw(t, "name")
			}
		}
		compiled, err := jsonpath.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		r := referencePath{source: source, steps: compiled.Steps()}
		changed, ok := r.set(doc, value)
		if jsonvalue.Text(doc) != before {
			t.Fatalf("%s changed the input itself", source)
		}
		if !ok {
			return
		}
		got, err := compiled.Eval(changed)
		if err != nil || !jsonvalue.Equal(got, value) {
			t.Fatalf("%s is %v (%v), want %v", source, got, err, value)
		}
		// Putting back what was there gives what was there.
		if old, err := compiled.Eval(doc); err == nil {
			if back, ok := r.set(changed, old); !ok || !jsonvalue.Equal(back, doc) {
				t.Fatalf("%s: %v is not %v again", source, back, doc)
			}
		}
	})
}

func TestStringMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "s")
		want := regexp.MustCompile("^" + strings.ReplaceAll(pattern, "*", ".*") + "$").MatchString(s)
		if got := matchPattern(compilePattern(pattern), s); got != want {
			t.Fatalf("%q matches %q: %v", pattern, s, got)
		}
	})
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{{`a\*b`, "a*b", true}, {`a\*b`, "axb", false}, {`\\*`, `\x`, true}, {`*.log`, "zebra.log", true}, {"", "", true}, {"*", "", true}, {"ab*ba", "aba", false}} {
		if got := matchPattern(compilePattern(c.pattern), c.s); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.s, got)
		}
	}
}

func FuzzIntrinsic(f *testing.F) {
	for _, seed := range []string{`States.Format('{} \{', $.a)`, `States.Array(1, null, $$.State.Name, States.UUID())`, `States.Hash($['a'], 'MD5')`, `States.MathRandom(1,5,7)`} {
		f.Add(seed, `{"a":"b"}`)
	}
	f.Fuzz(func(t *testing.T, source, input string) {
		v, err := jsonvalue.Parse(input)
		if err != nil {
			return
		}
		if got, err := evaluate(source, v); err == nil {
			_ = jsonvalue.Text(got)
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add(`{"a.$":"$.b","c":[{"d.$":"States.Format('{}',$.b)"},1]}`, `{"b":[1,2]}`)
	f.Add(`{"a.$":"$..*","b.$":"$$","c.$":"$x.y"}`, `{"b":{"c":null}}`)
	f.Fuzz(func(t *testing.T, template, input string) {
		v, err := jsonvalue.Parse(input)
		if err != nil {
			return
		}
		definition := `{"StartAt":"P","States":{"P":{"Type":"Pass","Parameters":` + template + `,"End":true}}}`
		m, err := Parse([]byte(definition), Options{})
		if err != nil {
			return
		}
		before := jsonvalue.Text(v)
		e := m.Start(ExecutionInput{Input: v, StartTime: start, Recorder: func(Event) {}})
		drive(e)
		if jsonvalue.Text(v) != before {
			t.Errorf("the input changed")
		}
		if e.Status() != Succeeded && e.Status() != Failed {
			t.Errorf("status %s", e.Status())
		}
	})
}
