package jsonata_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/lang/jsonata"
	"github.com/carepath/carepath/lang/jsonvalue"
	"pgregory.net/rapid"
)

const order = `{"id":12345678901234567890,"customer":"Ann","items":[
	{"sku":"b","price":2.5,"quantity":4,"tags":["x","y"]},
	{"sku":"a","price":10,"quantity":1,"tags":["y"]}]}`

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := jsonvalue.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// eval returns a result's JSON text, "undefined", or the error's code.
func eval(t testing.TB, source string, env jsonata.Environment) string {
	t.Helper()
	e, err := jsonata.Compile(source)
	var result any
	defined := false
	if err == nil {
		result, defined, err = e.Eval(env)
	}
	var problem *jsonata.Error
	switch {
	case errors.As(err, &problem):
		return problem.Code
	case err != nil:
		t.Fatalf("%s: the error %v is not a *jsonata.Error", source, err)
	case !defined:
		return "undefined"
	}
	return jsonvalue.Text(result)
}

func TestEval(t *testing.T) {
	input := parse(t, order)
	for source, want := range map[string]string{
		`id`:                             `12345678901234567890`, // handed on with all its digits
		`{"z":1,"a":2}`:                  `{"z":1,"a":2}`,        // members keep their order
		`$keys($)`:                       `["id","customer","items"]`,
		`$sum(items.(price * quantity))`: `20`,
		`items[price > 5].sku`:           `"a"`,
		`items[price > 5].sku[]`:         `["a"]`,
		`items^(sku).sku`:                `["a","b"]`,
		`items^(>price).{"sku": sku}`:    `[{"sku":"a"},{"sku":"b"}]`,
		`items{sku: price}`:              `{"b":2.5,"a":10}`,
		`items.tags`:                     `["x","y","y"]`,
		`items.[tags]`:                   `[["x","y"],["y"]]`,
		`items#$i.(sku & $i)`:            `["b0","a1"]`,
		`items@$a.items@$b[$a.sku != $b.sku].($a.sku & $b.sku)`:                              `["ba","ab"]`,
		`items.tags.{"t": $, "of": %.sku}`:                                                   `[{"t":"x","of":"b"},{"t":"y","of":"b"},{"t":"y","of":"a"}]`,
		`$ ~> |items[sku="a"]|{"price": 11}, "tags"| ~> $lookup("items")`:                    `[{"sku":"b","price":2.5,"quantity":4,"tags":["x","y"]},{"sku":"a","price":11,"quantity":1}]`,
		`$map(items, function($v, $i) { $v.sku & $i })`:                                      `["b0","a1"]`,
		`($add := function($a, $b) { $a + $b }; $inc := $add(1, ?); $inc(2))`:                `3`,
		`($twice := $uppercase ~> $substring(?, 0, 2); $twice("hello"))`:                     `"HE"`,
		`($f := function($n, $sum) { $n = 0 ? $sum : $f($n - 1, $sum + $n) }; $f(50000, 0))`: `1250025000`,
		`$replace("2026-11-23", /(\d+)-(\d+)-(\d+)/, "$3.$2.$1")`:                            `"23.11.2026"`,
		`$match("ab12cd3", /[0-9]+/).match`:                                                  `["12","3"]`,
		`nothing`:                                                                            `undefined`,
		`nothing + 1`:                                                                        `undefined`,
		`$string(0.1 + 0.2)`:                                                                 `"0.3"`,
		`0.1 + 0.2`:                                                                          `0.30000000000000004`,
		`$formatNumber(-1234.5, "#,##0.00;(#,##0.00)")`:                                      `"(1,234.50)"`,
		`$formatInteger(2026, "w")`:                                                          `"two thousand and twenty-six"`,
		`function($x) { $x }`:                                                                `undefined`,
		`{"f": $sum, "g": 1}`:                                                                `{"g":1}`,
		`1 / 0 + 1`:                                                                          `D1001`,
		`"a" + 1`:                                                                            `T2001`,
		`$notThere()`:                                                                        `T1006`,
		`sum(items)`:                                                                         `T1005`,
		`$eval("1")`:                                                                         `T1006`,
		`(`:                                                                                  `S0203`,
		`1 +`:                                                                                `S0207`,
		`"abc`:                                                                               `S0101`,
		`$contains("a", /(?=a)/)`:                                                            `S0303`,
		`bar ?? 42`:                                                                          `S0211`, // an operator of later versions
	} {
		if got := eval(t, source, jsonata.Environment{Input: input, HasInput: true}); got != want {
			t.Errorf("%s = %s, want %s", source, got, want)
		}
	}
	if got := jsonvalue.Text(input); got != jsonvalue.Text(parse(t, order)) {
		t.Errorf("evaluation has changed its input: %s", got)
	}
}

func TestStepFunctionsFunctions(t *testing.T) {
	env := jsonata.Environment{
		Now:       time.Date(2026, 11, 23, 12, 0, 0, 5e6, time.UTC),
		NewID:     func() string { return "6f9619ff-8b86-4d01-b42d-00cf4fc964ff" },
		Rand:      func() float64 { return 0.25 },
		Variables: func(name string) (any, bool) { return jsonvalue.Number("7"), name == "seven" },
	}
	for source, want := range map[string]string{
		`$partition([1..5], 2)`:        `[[1,2],[3,4],[5]]`,
		`$partition([1..5], 0)`:        `undefined`,
		`$partition([1..5], 2.9)[0]`:   `[1,2]`,
		`$range(-1.7, 2, 1)`:           `[-1,0,1,2]`,
		`$range(1, 1, 1)`:              `1`,
		`$range(1, 2, -1)`:             `undefined`,
		`$range(1, 360146, 1)`:         `U1001`,
		`[1 / 0, -1 / 0]`:              `["Infinity","-Infinity"]`,
		`$range(1, 9, 2)`:              `[1,3,5,7,9]`,
		`$range(0, -3, -1)`:            `[0,-1,-2,-3]`,
		`$hash("input data", "SHA-1")`: `"aaff4a450a104cd177d28d18d74485e8cae074b7"`,
		`$random()`:                    `0.25`,
		`$random(1) = $random(1)`:      `true`,
		`$uuid()`:                      `"6f9619ff-8b86-4d01-b42d-00cf4fc964ff"`,
		`$parse('{"b":[1,2.50]}')`:     `{"b":[1,2.50]}`,
		`$parse('{')`:                  `D3142`,
		`$now()`:                       `"2026-11-23T12:00:00.005Z"`,
		`$millis()`:                    `1795435200005`,
		`$now("[D1o] [MNn] [Y]")`:      `"23rd November 2026"`,
		`$seven + 1`:                   `8`,
		`$`:                            `undefined`,
	} {
		if got := eval(t, source, env); got != want {
			t.Errorf("%s = %s, want %s", source, got, want)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	_, err := jsonata.Compile("äöü + $f(1))")
	var problem *jsonata.Error
	if !errors.As(err, &problem) || problem.Code != "S0201" || problem.Position != 12 || problem.Token != ")" {
		t.Errorf("got %+v", problem)
	}
	e, _ := jsonata.Compile(`$lowercase(5)`)
	_, _, err = e.Eval(jsonata.Environment{})
	if want := `T0410: Argument 1 of function "lowercase" does not match function signature`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Expressions that would run for ever, recurse without end or fill the memory end with an error.
func TestLimits(t *testing.T) {
	for _, source := range []string{
		`($f := function() { $f() }; $f())`,
		`($f := function($n) { 1 + $f($n) }; $f(1))`,
		`($d := function($s) { $d($s & $s) }; $d("0123456789"))`,
		`($d := function($a) { $d($append($a, $a)) }; $d([1, 2]))`,
		`[1..9999999].[1..9999999]`,
		`$pad("", 1000000000)`,
		`$map([1..1000000], function($x) { [1..1000000] })`,
		`$reduce([1..1000000], function($a, $b) { $a & "0123456789" })`,
		`$formatInteger(1000000, "I") & $formatInteger(1e300, "w") & $join([1..10000000].$string())`,
		`$reduce([1..60], function($a, $b) { {"l": $a, "r": $a} }, 1)`,
		`$string($reduce([1..60], function($a, $b) { {"l": $a, "r": $a} }, 1))`,
		`$reduce([1..60], function($a, $b) { [[$a], [$a]] }, 1).**`,
		`($d := function() { $reduce([1..60], function($a, $b) { {"l": $a, "r": $a} }, 1) }; $d() = $d())`,
		`$reduce([1..100000], function($a, $b) { {"a": $a} }, 1)`,
		`$string($reduce([1..100000], function($a, $b) { {"a": $a} }, 1))`,
		strings.Repeat("(", 2000) + strings.Repeat(")", 2000),
		strings.Repeat("-", 2000) + "1",
	} {
		env := jsonata.Environment{Limits: jsonata.Limits{Steps: 500_000}} // a tenth of the default, to take less time
		if got := eval(t, source, env); got != "U1001" && got != "D1001" {
			t.Errorf("%.60s gave %.60s, want the error U1001", source, got)
		}
	}
	env := jsonata.Environment{Limits: jsonata.Limits{Steps: 10}}
	if got := eval(t, `[1..20]`, env); got != "U1001" {
		t.Errorf("20 values in 10 steps gave %s", got)
	}
}

func TestConcurrentEvaluations(t *testing.T) {
	e, err := jsonata.Compile(`items^(price).{"sku": sku, "tags": $match($join(tags), /[a-z]/).match, "sum": $sum($$.items.price)}`)
	if err != nil {
		t.Fatal(err)
	}
	input := parse(t, order)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				result, _, err := e.Eval(jsonata.Environment{Input: input, HasInput: true})
				if want := `[{"sku":"b","tags":["x","y"],"sum":12.5},{"sku":"a","tags":"y","sum":12.5}]`; err != nil || jsonvalue.Text(result) != want {
					t.Errorf("got %v %v", result, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// What a picture writes it also reads.
func TestTimesSurviveTheirPictures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		millis := rapid.Int64Range(0, 4102444800).Draw(t, "seconds") * 1000
		picture := rapid.SampledFrom([]string{"", "[Y]-[M]-[D] [H]:[m]:[s]", "[D1o] [MNn] [Y0001], [h]:[m01]:[s01] [PN]",
			"[Y0001][M01][D01][H01][m01][s01]", "[Y]/[d001] [H01][m][s]", "[FNn], [D] [MNn,3-3] [Yi] [H01]:[m01]:[s01] [z]"}).Draw(t, "picture")
		arguments := ""
		if picture != "" {
			arguments = `, "` + picture + `"`
		}
		number := jsonvalue.NumberFromInt(millis)
		source := `$toMillis($fromMillis(` + string(number) + arguments + `)` + arguments + `)`
		e, err := jsonata.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		result, _, err := e.Eval(jsonata.Environment{})
		if err != nil || result != number {
			t.Fatalf("%s = %v, %v", source, result, err)
		}
	})
}

func TestIntegersSurviveTheirPictures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 999_999).Draw(t, "n")
		picture := rapid.SampledFrom([]string{"0", "#,##0", "w", "Ww;o", "W", "a", "A", "i", "I", "0;o", "٠"}).Draw(t, "picture")
		if strings.EqualFold(picture, "i") {
			n %= 4000
		}
		number := jsonvalue.NumberFromInt(max(n, 1))
		source := `$parseInteger($formatInteger(` + string(number) + `, "` + picture + `"), "` + picture + `")`
		e, err := jsonata.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		result, _, err := e.Eval(jsonata.Environment{})
		if err != nil || result != number {
			t.Fatalf("%s = %v, %v", source, result, err)
		}
	})
}

// FuzzEval looks for panics, and for values that are not of the value model.
func FuzzEval(f *testing.F) {
	for _, seed := range []string{`items[0].sku`, `$map(items, function($v){$v.price}) ~> $sum`, `items@$i#$n^(>price){sku: $n}`,
		`|items|{"a":1},"b"|`, `$fromMillis(0, "[Y]-[MNn]")`, `$replace("abc", /b(.)/, "$1$$")`, `λ($a)<n-:n>{$a}(1)`, `**.%`,
		`$formatNumber(1.5, "#,##0.0e0")`, `a.b[].(c; $d := [1..3])[-1]`, `0~>`} {
		f.Add(seed)
	}
	input := parse(f, order)
	f.Fuzz(func(t *testing.T, source string) {
		e, err := jsonata.Compile(source)
		if err != nil {
			return
		}
		result, defined, err := e.Eval(jsonata.Environment{Input: input, HasInput: true, Limits: jsonata.Limits{Steps: 20000, Size: 1 << 16}})
		if err == nil && defined {
			if _, err := jsonvalue.Parse(jsonvalue.Text(result)); err != nil {
				t.Errorf("%s = %q, which is not JSON: %v", source, jsonvalue.Text(result), err)
			}
		}
	})
}

// What each expression refers to is as AWS names it in the message that refuses a definition.
func TestReferences(t *testing.T) {
	for source, want := range map[string]string{
		`phone[0].number`: "phone", `-phone`: "phone", `$states.input.a ? phone : 2`: "phone", `phone(1)`: "phone",
		`phone ~> $string()`: "phone", `[1..phone]`: "phone", `(phone).other`: "phone", `{phone: 1}`: "phone",
		`$map($states.input.a, function($y){ phone })`: "phone", `$count(phone[inner])`: "phone", `bbb + aaa + bbb`: "bbb aaa",
		`$states.input.items[value > 3]`: "", `$states.input.a^(key)`: "", `$states.input.a{'k': name}`: "", `**.phone`: "",
		`$states.input ~> |phone|{'b': 1}|`: "", `$states.input.a[$ > 1]`: "", `function($x){ $x.phone }`: "", `$now()`: "",
		`$.phone`: "$", `$string($)`: "$", `$map($states.input.a, function($x){ $ })`: "$", `$$.phone`: "$$",
		`$states.errorOutput.Cause`: "$states.errorOutput", `$states.input.errorOutput`: "", `$states`: "",
	} {
		e, err := jsonata.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(e.References(), " "); got != want {
			t.Errorf("%s refers to %q, want %q", source, got, want)
		}
	}
}
