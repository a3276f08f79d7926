package jsonpath_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonpath"
	"github.com/carepath/carepath/lang/jsonvalue"
	"pgregory.net/rapid"
)

const store = `{"store":{"book":[
 {"category":"reference","author":"Nigel Rees","title":"Sayings of the Century","price":8.95},
 {"category":"fiction","author":"Evelyn Waugh","title":"Sword of Honour","price":12.99},
 {"category":"fiction","author":"Herman Melville","title":"Moby Dick","isbn":"0-553-21311-3","price":8.99},
 {"category":"fiction","author":"J. R. R. Tolkien","title":"The Lord of the Rings","isbn":"0-395-19395-8","price":22.99}],
 "bicycle":{"color":"red","price":19.95}},
 "expensive":10,"nul":null,"e":[],"o'k":{"a b":1},"n":[1,2,3,4,5],"s":"10","tags":["x","y"]}`

func TestEval(t *testing.T) {
	root, err := jsonvalue.Parse(store)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		`$.expensive`:                      `10`,
		`expensive`:                        `10`,
		`@.expensive`:                      `10`,
		`$['store']['bicycle']["color"]`:   `"red"`,
		`$.nul`:                            `null`,
		`$.o'k['a b']`:                     `1`,
		`$['o\'k']['a b']`:                 `1`,
		`$.n[0]`:                           `1`,
		`$.n[-1]`:                          `5`,
		`$.n[0,2,9]`:                       `[1,3]`,
		`$.n[1:3]`:                         `[2,3]`,
		`$.n[:2]`:                          `[1,2]`,
		`$.n[3:]`:                          `[4,5]`,
		`$.n[-2:]`:                         `[4,5]`,
		`$.n[:-2]`:                         `[1,2,3]`,
		`$.n[-3:-1]`:                       `[3,4]`,
		`$.n[0:-1]`:                        `[]`,
		`$.n[0:4:2]`:                       `[1,2,3,4]`,
		`$.e[*]`:                           `[]`,
		`$.store.bicycle.*`:                `["red",19.95]`,
		`$.store.bicycle['color','price']`: `{"color":"red","price":19.95}`,
		`$.store['bicycle','no'].color`:    `["red"]`,
		`$.store.book[*].price`:            `[8.95,12.99,8.99,22.99]`,
		`$..isbn`:                          `["0-553-21311-3","0-395-19395-8"]`,
		`$.store..price`:                   `[8.95,12.99,8.99,22.99,19.95]`,
		`$..book[2].title`:                 `["Moby Dick"]`,
		`$..nothing`:                       `[]`,
		`$.store.book[?(@.price < $.expensive)].price`:                              `[8.95,8.99]`,
		`$.store.book[?(@.isbn)].price`:                                             `[8.99,22.99]`,
		`$.store.book[?(!@.isbn)].price`:                                            `[8.95,12.99]`,
		`$.store.book[?(@['category']=='fiction' && @.price>10)].price`:             `[12.99,22.99]`,
		`$.store.book[?(@.price>20||@.category=="reference")].price`:                `[8.95,22.99]`,
		`$.store.book[?(@.category=='fiction' && (@.price>20 || @.price<9))].price`: `[8.99,22.99]`,
		`$.store.book[?(@.author =~ /.*rees/i)].price`:                              `[8.95]`,
		`$.store.book[?(@.author =~ /Rees/)].price`:                                 `[]`,
		`$.store.book[?(@.category in ['reference','x'])].price`:                    `[8.95]`,
		`$.store.book[?(@.category nin ["reference"])].price`:                       `[12.99,8.99,22.99]`,
		`$.store.book[?(@.title contains 'of')].price`:                              `[8.95,12.99,22.99]`,
		`$.store.book[?(@.price == 8.950)].price`:                                   `[8.95]`,
		`$.store.book[?(@.isbn != null)].price`:                                     `[8.95,12.99,8.99,22.99]`,
		`$.n[?(@ > 3)]`:                                                             `[4,5]`,
		`$[?(@.color == 'red')]`:                                                    `[]`,
		`$.store.bicycle[?(@.color == 'red')].price`:                                `[19.95]`,
		`$.n.length()`:       `5`,
		`$.store.size()`:     `2`,
		`$.n.sum()`:          `15.0`,
		`$.n.avg()`:          `3.0`,
		`$.n.max()`:          `5.0`,
		`$..price.min()`:     `8.95`,
		`$.store.keys()`:     `["book","bicycle"]`,
		`$.tags.append("z")`: `["x","y","z"]`,
		`$.tags.concat("z")`: `"xyz"`,
		`$.n.first()`:        `1`,
		`$.n.index(-2)`:      `4`,
		`$.sum($.n[0], 2.5)`: `3.5`,
		` $.n[ 1 ] `:         `2`,
	} {
		p, err := jsonpath.Compile(path)
		if err != nil {
			t.Errorf("Compile(%s): %v", path, err)
			continue
		}
		v, err := p.Eval(root)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if got := jsonvalue.Text(v); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
}

func TestNotFoundSpeaksAsTheLibrary(t *testing.T) {
	root, _ := jsonvalue.Parse(store)
	for path, want := range map[string]string{
		`$.a`:            "No results for path: $['a']",
		`$.no.such.path`: "Missing property in path $['no']",
		`$.no[*]`:        "Missing property in path $['no']",
		`$.n[9]`:         "No results for path: $['n'][9]",
		`$.n[9].x`:       "No results for path: $['n'][9]['x']",
		`$.s.x`:          "Expected to find an object with property ['x'] in path $['s'] but found 'string'.",
		`$.s[0]`:         `Filter: [0] can only be applied to arrays. Current context is: "10"`,
		`$.nul[0]`:       "The path $['nul'] is null",
	} {
		p, err := jsonpath.Compile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.Eval(root); !errors.Is(err, jsonpath.ErrNotFound) || err.Error() != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestVersion20(t *testing.T) {
	root, _ := jsonvalue.Parse(store)
	for _, path := range []string{`$.n[-1]`, `$.n.length()`} {
		p, err := jsonpath.CompileVersion(path, jsonpath.V2_0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Eval(root); !errors.Is(err, jsonpath.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", path, err)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for path, want := range map[string]string{
		``:                 "the path is empty",
		`$.`:               "must not end with '.'",
		`$..`:              "must not end with '.'",
		`$...a`:            "unexpected '.'",
		`$a`:               "want '.' or '['",
		`$.a b`:            "must be written in brackets",
		`$['a'`:            "want ',' or ']'",
		`$['a`:             "closing ' is missing",
		`$[a]`:             "want a name in quotes",
		`$[1`:              "closing ']' is missing",
		`$[99999999999]`:   "is not an index",
		`$[:]`:             "a slice needs",
		`$[?(@.a ~ 1)]`:    "want an operator",
		`$[?(@.a==b)]`:     "is not a path",
		`$[?(1)]`:          "want a comparison",
		`$[?(@.a`:          "closing ')' is missing",
		`$.a.frob()`:       "no function frob()",
		`$.a.sum().b`:      "nothing may follow a function",
		`$[?(@.a =~ /(/)]`: "missing closing )",
	} {
		_, err := jsonpath.Compile(path)
		var e *jsonpath.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile(%s) = %v, want %q", path, err, want)
		}
	}
}

func TestStepsAndString(t *testing.T) {
	p, err := jsonpath.Compile(`$.a["b"][0]..c[1:].*`)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.String(); got != `$['a']["b"][0]..['c'][1:][*]` {
		t.Error(got)
	}
	var kinds []jsonpath.Kind
	for _, s := range p.Steps() {
		kinds = append(kinds, s.Kind)
	}
	want := []jsonpath.Kind{jsonpath.Name, jsonpath.Name, jsonpath.Index, jsonpath.Scan, jsonpath.Name, jsonpath.Slice,
		jsonpath.Wildcard}
	for i, k := range want {
		if kinds[i] != k {
			t.Fatalf("step %d is %v, want %v", i, kinds[i], k)
		}
	}
	if p.Definite() {
		t.Error("a path with .. is not definite")
	}
}

func TestQuotedNamesSelectTheMemberTheyName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		doc := jsonvalue.NewObject(jsonvalue.Member{Name: name, Value: true})
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name)
		p, err := jsonpath.Compile(`$['` + quoted + `']`)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := p.Eval(doc); v != true || err != nil {
			t.Fatal(v, err)
		}
	})
}

func TestRegularExpressionsEnd(t *testing.T) {
	root, err := jsonvalue.Parse(`[{"a":"` + strings.Repeat("a", 40) + `b"},{"a":"x"}]`)
	if err != nil {
		t.Fatal(err)
	}
	p, err := jsonpath.Compile(`$[?(@.a =~ /(a+)+c/)]`)
	if err != nil || !p.UsesRegexp() {
		t.Fatal(err)
	}
	var e *jsonpath.EvaluationError
	if _, err := p.Eval(root); !errors.As(err, &e) {
		t.Errorf("%v, want that it takes too long", err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`$.a[?(@.b=='c' && !(@.d =~ /x/i))].length()`, `$..[0,1]['a','b']`, `$.sum($.a, {"b":[1]})`} {
		f.Add(s)
	}
	root, _ := jsonvalue.Parse(store)
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := jsonpath.Compile(s); err == nil {
			_, _ = p.Eval(root)
			_ = p.String()
		}
	})
}
