package eventpattern_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/carepath/carepath/lang/eventpattern"
)

func TestMatch(t *testing.T) {
	const event = `{"source":"carepath.healthlake","detail-type":"FHIR Resource Changed","account":"111111111111","resources":[],
		"detail":{"type":"Patient","version":3,"size":1.50,"ip":"10.0.0.17","ok":true,"none":null,"file":"a/b/c.ndjson","tags":["x","y"],
		"name":"Ärzte","items":[{"k":"a","v":1},{"k":"b","v":2}],"sub":{"deep":{"er":"v"}},"id":"00000000000000000001"}}`
	for pattern, want := range map[string]bool{
		`{"source":["carepath.healthlake"],"detail":{"type":["Patient","Encounter"]}}`: true,
		`{"source":["aws.healthlake"]}`:                                                             false,
		`{"detail":{"version":[3]}}`:                                                                true,
		`{"detail":{"version":[3.0]}}`:                                                              true,
		`{"detail":{"version":["3"]}}`:                                                              false,
		`{"detail":{"size":[{"numeric":[">",1,"<=",1.5]}]}}`:                                        true,
		`{"detail":{"size":[{"numeric":["=",15e-1]}]}}`:                                             true,
		`{"detail":{"size":[{"numeric":["<",1.5]}]}}`:                                               false,
		`{"detail":{"ip":[{"cidr":"10.0.0.0/27"}]}}`:                                                true,
		`{"detail":{"ip":[{"cidr":"10.0.0.0/28"}]}}`:                                                false,
		`{"detail":{"ip":["10.0.0.017"]}}`:                                                          true,
		`{"detail":{"ok":[true]}}`:                                                                  true,
		`{"detail":{"ok":["true"]}}`:                                                                false,
		`{"detail":{"none":[null]}}`:                                                                true,
		`{"detail":{"missing":[null]}}`:                                                             false,
		`{"detail":{"missing":[{"exists":false}],"none":[{"exists":true}]}}`:                        true,
		`{"detail":{"sub":[{"exists":true}]}}`:                                                      false,
		`{"resources":[{"exists":false}]}`:                                                          true,
		`{"detail":{"file":[{"prefix":"a/"}]}}`:                                                     true,
		`{"detail":{"file":[{"suffix":".json"}]}}`:                                                  false,
		`{"detail":{"file":[{"wildcard":"a/*/*.ndjson"}]}}`:                                         true,
		`{"detail":{"file":[{"wildcard":"a\\*b*"}]}}`:                                               false,
		`{"detail":{"name":[{"equals-ignore-case":"äRZTE"}]}}`:                                      true,
		`{"detail":{"name":[{"prefix":{"equals-ignore-case":"ärz"}}]}}`:                             true,
		`{"detail":{"type":[{"suffix":{"equals-ignore-case":"ENT"}}]}}`:                             true,
		`{"detail":{"tags":["y","z"]}}`:                                                             true,
		`{"detail":{"tags":[{"anything-but":"x"}]}}`:                                                true, // y is not x
		`{"detail":{"type":[{"anything-but":["Patient","Observation"]}]}}`:                          false,
		`{"detail":{"type":[{"anything-but":{"prefix":"Obs"}}]}}`:                                   true,
		`{"detail":{"file":[{"anything-but":{"suffix":[".ndjson",".csv"]}}]}}`:                      false,
		`{"detail":{"type":[{"anything-but":{"equals-ignore-case":"PATIENT"}}]}}`:                   false,
		`{"detail":{"file":[{"anything-but":{"wildcard":"a/*/d*"}}]}}`:                              true,
		`{"detail":{"version":[{"anything-but":[1,2]}]}}`:                                           true,
		`{"detail":{"missing":[{"anything-but":"x"}]}}`:                                             false,
		`{"detail":{"items":{"k":["a"],"v":[1]}}}`:                                                  true,
		`{"detail":{"items":{"k":["a"],"v":[2]}}}`:                                                  false, // of different elements
		`{"detail":{"sub":{"deep":{"er":["v"]}}}}`:                                                  true,
		`{"detail":{"sub.deep":{"er":["v"]}}}`:                                                      true,
		`{"$or":[{"source":["x"]},{"detail":{"version":[{"numeric":[">=",3]}]}}]}`:                  true,
		`{"source":["carepath.healthlake"],"$or":[{"detail":{"type":["A"]}},{"account":["2"]}]}`:    false,
		`{"detail":{"id":["00000000000000000001"],"type":["Patient"]},"source":[{"exists":false}]}`: false,
	} {
		p, err := eventpattern.Compile(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got, err := p.Match([]byte(event)); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", pattern, got, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		`[]`:                                       "Filter is not an object\n at [Source: (String)\"[]\"; line: 1, column: 2]",
		`{}`:                                       "Empty objects are not allowed\n at [Source: (String)\"{}\"; line: 1, column: 3]",
		"{\"a\":\n []}":                            "Empty arrays are not allowed\n at [Source: (String)\"{\"a\":\n []}\"; line: 2, column: 4]",
		`{"a":[{"wildcard":"a**b"}]}`:              "Consecutive wildcard characters at pos 2\n at",
		`{"a":[{"wildcard":"a\\b"}]}`:              "Invalid escape character at pos 2\n at",
		`{"a":[{"cidr":"10.0.0.0/32"}]}`:           "IPv4 mask bits must be < 32",
		`{"a":[{"anything-but":[1,"x"]}]}`:         "Inside anything but list, either all values are number or string, mixed type is not supported\n at",
		`{"a":[{"anything-but":{"exists":1}}]}`:    "Unsupported anything-but pattern: exists\n at",
		`{"a":[{"prefix":{"suffix":"x"}}]}`:        "Unsupported prefix pattern: suffix\n at",
		`{"$or":[{"a":["x"]}, 1]}`:                 "Only JSON object is allowed in array of $or relationship.\n at",
		`{"$or":{}}`:                               "It must be an Array followed with $or.\n at",
		`{"a":["x"`:                                "Unexpected end-of-input: expected close marker for Array (start marker at [Source: (String)\"{\"a\":[\"x\"\"; line: 1, column: 6])\n at",
		`{"a":[tru]}`:                              "Unrecognized token 'tru': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at",
		`{"a":["x",]}`:                             "Unexpected close marker", // refused, in whatever words
		`{"a":"` + strings.Repeat("x", 600) + `"}`: "\"a\" must be an object or an array\n at [Source: (String)\"{\"a\":\"" + strings.Repeat("x", 494) + "\"[truncated 108 chars]; line: 1, column: 7]",
	} {
		_, err := eventpattern.Compile(pattern)
		var problem *eventpattern.Error
		if !errors.As(err, &problem) {
			t.Errorf("%s: %v", pattern, err)
		} else if pattern != `{"a":["x",]}` && !strings.HasPrefix(problem.Reason+problem.Location, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", pattern, problem.Reason+problem.Location, want)
		}
	}
	or := `{"$or":[{"a":["x"]},{"b":["x"]}`
	for range 9 {
		or = `{"$or":[` + or + `]},{"c":["x"]}`
	}
	// Ten of them beside each other make 1,024 combinations.
	var fields []string
	for i := range 10 {
		fields = append(fields, fmt.Sprintf(`"f%d":{"$or":[{"a":["x"]},{"b":["x"]}]}`, i))
	}
	if _, err := eventpattern.Compile("{" + strings.Join(fields[:9], ",") + "}"); err != nil {
		t.Error("512 combinations:", err)
	}
	if _, err := eventpattern.Compile("{" + strings.Join(fields, ",") + "}"); err == nil {
		t.Error("1,024 combinations were accepted")
	}
}

func TestEventIsAnObject(t *testing.T) {
	p, err := eventpattern.Compile(`{"a":["x"]}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"", "plain", `"x"`, "[]", `{"a":"x"`, `{"a":"x"} x`, `{"a":01}`, `{"b":"` + "\n" + `"}`, `{"a":"\x"}`, `{"a" "x"}`} {
		if _, err := p.Match([]byte(event)); !errors.Is(err, eventpattern.ErrEvent) {
			t.Errorf("%q: %v", event, err)
		}
	}
}

// drawPattern makes a pattern that is likely to meet drawEvent's events.
func drawPattern(t *rapid.T) string {
	value := rapid.SampledFrom([]string{`"a"`, `"b"`, `"ab"`, `1`, `2`, `true`, `null`, `{"exists":true}`, `{"exists":false}`, `{"prefix":"a"}`, `{"suffix":"b"}`,
		`{"anything-but":"a"}`, `{"anything-but":[1,2]}`, `{"numeric":[">",1]}`, `{"wildcard":"*b"}`, `{"wildcard":"a*"}`, `{"wildcard":"*"}`, `{"equals-ignore-case":"AB"}`, `{"cidr":"10.0.0.0/8"}`})
	var object func(depth int) string
	object = func(depth int) string {
		var fields []string
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p", "q", "r", "$or"}), 1, 3, rapid.ID).Draw(t, "names") {
			switch {
			case name == "$or" && depth > 1:
			case name == "$or":
				fields = append(fields, fmt.Sprintf(`"$or":[%s,%s]`, object(depth+1), object(depth+1)))
			case depth < 2 && rapid.Bool().Draw(t, "nested"):
				fields = append(fields, fmt.Sprintf("%q:%s", name, object(depth+1)))
			default:
				fields = append(fields, fmt.Sprintf("%q:[%s]", name, strings.Join(rapid.SliceOfN(value, 1, 2).Draw(t, "values"), ",")))
			}
		}
		if len(fields) == 0 {
			return `{"p":["a"]}`
		}
		return "{" + strings.Join(fields, ",") + "}"
	}
	return object(0)
}

func drawEvent(t *rapid.T) string {
	scalar := rapid.SampledFrom([]any{"a", "b", "ab", "Ab", "10.1.2.3", 1, 2, 3, true, nil})
	var value func(depth int) any
	value = func(depth int) any {
		switch n := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case n < 2 || depth > 3:
			return scalar.Draw(t, "scalar")
		case n < 4:
			o := map[string]any{}
			for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"p", "q", "r", "p.q"}), rapid.ID).Draw(t, "names") {
				o[name] = value(depth + 1)
			}
			return o
		default:
			var a []any
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				a = append(a, value(depth+1))
			}
			return a
		}
	}
	text, _ := json.Marshal(map[string]any{"p": value(0), "q": value(0), "r": value(0)})
	return string(text)
}

// leaf is a value of an event in the reference below: where it is and in which elements of which arrays.
type leaf struct {
	path, text string
	in         map[string]int
}

func leaves(path, at string, v any, in map[string]int) []leaf {
	var all []leaf
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			all = append(all, leaves(path+"."+name, at+"."+name, member, in)...)
		}
	case []any:
		for i, element := range v {
			inner := in
			switch element.(type) {
			case map[string]any, []any:
				inner = map[string]int{at: i}
				for k, n := range in {
					inner[k] = n
				}
			}
			all = append(all, leaves(path, fmt.Sprint(at, "[", i, "]"), element, inner)...)
		}
	default:
		text, _ := json.Marshal(v)
		all = append(all, leaf{path, string(text), in})
	}
	return all
}

// condition is a field of a pattern in the reference.
type condition struct {
	path   string
	values []any
}

// alternatives are a pattern's branches; later fields of a path replace earlier ones, which drawPattern does not produce but
// through $or, whose order the text has.
func alternatives(t *rapid.T, path string, dec *json.Decoder, before []map[string][]any) []map[string][]any {
	next := func() json.Token {
		tok, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	for dec.More() {
		name := next().(string)
		if name == "$or" {
			next()
			var all []map[string][]any
			for dec.More() {
				next()
				var copies []map[string][]any
				for _, b := range before {
					c := map[string][]any{}
					for k, v := range b {
						c[k] = v
					}
					copies = append(copies, c)
				}
				all = append(all, alternatives(t, path, dec, copies)...)
			}
			next()
			before = all
			continue
		}
		if next() == json.Delim('{') {
			before = alternatives(t, path+"."+name, dec, before)
			continue
		}
		var values []any
		for dec.More() {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
		next()
		for _, b := range before {
			b[path+"."+name] = values
		}
	}
	next()
	return before
}

func meets(v any, text string) bool {
	op, is := v.(map[string]any)
	if !is {
		plain, _ := json.Marshal(v)
		return string(plain) == text
	}
	s, quoted := strings.CutPrefix(text, `"`)
	s = strings.TrimSuffix(s, `"`)
	for name, operand := range op {
		o, _ := operand.(string)
		switch name {
		case "exists":
			return operand == true
		case "prefix":
			return quoted && strings.HasPrefix(s, o)
		case "suffix":
			return quoted && strings.HasSuffix(s, o)
		case "anything-but":
			if o != "" {
				return text != `"`+o+`"`
			}
			return text != "1" && text != "2"
		case "numeric":
			return !quoted && (text == "2" || text == "3")
		case "wildcard":
			return quoted && strings.HasPrefix(s, strings.TrimSuffix(strings.TrimPrefix(o, "*"), "*")) && strings.HasSuffix(o, "*") ||
				quoted && strings.HasPrefix(o, "*") && strings.HasSuffix(s, strings.TrimPrefix(o, "*"))
		case "equals-ignore-case":
			return quoted && strings.EqualFold(s, o)
		case "cidr":
			return quoted && strings.HasPrefix(s, "10.")
		}
	}
	return false
}

// reference matches by trying every choice of leaves.
func reference(t *rapid.T, pattern, event string) bool {
	var e any
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	all := leaves("", "", e, nil)
	dec := json.NewDecoder(strings.NewReader(pattern))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	for _, b := range alternatives(t, "", dec, []map[string][]any{{}}) {
		var conditions []condition
		for path, values := range b {
			conditions = append(conditions, condition{path, values})
		}
		slices.SortFunc(conditions, func(a, b condition) int { return strings.Compare(a.path, b.path) })
		if choose(conditions, all, map[string]int{}) {
			return true
		}
	}
	return false
}

func choose(conditions []condition, all []leaf, in map[string]int) bool {
	if len(conditions) == 0 {
		return true
	}
	c, there := conditions[0], false
	for _, l := range all {
		merged, ok := map[string]int{}, l.path == c.path
		for k, n := range in {
			merged[k] = n
		}
		for k, n := range l.in {
			if m, has := merged[k]; has && m != n {
				ok = false
			}
			merged[k] = n
		}
		if !ok {
			continue
		}
		there = true
		if slices.ContainsFunc(c.values, func(v any) bool { return meets(v, l.text) }) && choose(conditions[1:], all, merged) {
			return true
		}
	}
	absent := slices.ContainsFunc(c.values, func(v any) bool { o, _ := v.(map[string]any); return o["exists"] == false })
	return absent && !there && choose(conditions[1:], all, in)
}

// TestMatcherIsTheReference checks the index against trying everything, with many patterns at once and one by one.
func TestMatcherIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var patterns []*eventpattern.Pattern
		var texts []string
		for range rapid.IntRange(1, 12).Draw(t, "patterns") {
			text := drawPattern(t)
			p, err := eventpattern.Compile(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			patterns, texts = append(patterns, p), append(texts, text)
		}
		m := eventpattern.NewMatcher(patterns...)
		for range 3 {
			event := drawEvent(t)
			found, err := m.Match([]byte(event))
			if err != nil {
				t.Fatalf("%s: %v", event, err)
			}
			for i, text := range texts {
				want := reference(t, text, event)
				if got := slices.Contains(found, i); got != want {
					t.Fatalf("among others %s on %s: %v, want %v", text, event, got, want)
				}
				if got, _ := patterns[i].Match([]byte(event)); got != want {
					t.Fatalf("alone %s on %s: %v, want %v", text, event, got, want)
				}
			}
		}
	})
}

func FuzzCompile(f *testing.F) {
	f.Add(`{"a":[{"prefix":"x"},{"numeric":[">",1,"<=",2]}],"$or":[{"b":["\u00e4"]},{"c":[null]}]}`, `{"a":"x","b":[{"c":1}]}`)
	f.Fuzz(func(t *testing.T, pattern, event string) {
		p, err := eventpattern.Compile(pattern)
		if err != nil {
			_ = err.Error()
			return
		}
		_, err = p.Match([]byte(event))
		if object := json.Valid([]byte(event)) && strings.HasPrefix(strings.TrimLeft(event, " \t\r\n"), "{"); object != (err == nil) && len(event) < 1000 {
			t.Errorf("%q: %v", event, err)
		}
	})
}

// rules are a thousand patterns like those of a bus with many consumers.
func rules(t testing.TB) []*eventpattern.Pattern {
	var all []*eventpattern.Pattern
	for i := range 1000 {
		var text string
		switch i % 5 {
		case 0:
			text = fmt.Sprintf(`{"source":["carepath.healthlake"],"detail-type":["FHIR Resource Changed"],"detail":{"resourceType":["Type%d"]}}`, i)
		case 1:
			text = fmt.Sprintf(`{"source":["service.%d"],"detail":{"state":[{"anything-but":"ok"}]}}`, i)
		case 2:
			text = fmt.Sprintf(`{"source":["carepath.healthlake"],"detail":{"url":[{"prefix":"https://%d.example"}],"size":[{"numeric":[">",%d]}]}}`, i, i)
		case 3:
			text = fmt.Sprintf(`{"detail-type":["FHIR Resource Changed"],"$or":[{"detail":{"id":["%d"]}},{"detail":{"key":[{"suffix":"/%d"}]}}]}`, i, i)
		default:
			text = fmt.Sprintf(`{"detail":{"interaction":["update","create"],"key":[{"wildcard":"*/Patient/%d/*"}]}}`, i)
		}
		p, err := eventpattern.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

const change = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"FHIR Resource Changed","source":"carepath.healthlake",
"account":"111111111111","time":"2026-11-01T12:00:00Z","region":"us-east-1","resources":["arn:aws:healthlake:us-east-1:111111111111:datastore/fhir/0123456789abcdef0123456789abcdef"],
"detail":{"schemaVersion":"1","key":"0123456789abcdef0123456789abcdef/Patient/754/1","interaction":"create","resourceType":"Type500","id":"753","size":900,
"url":"https://healthlake.us-east-1.amazonaws.com/datastore/0123456789abcdef0123456789abcdef/r4/Patient/754","lastUpdated":"2026-11-01T12:00:00.123Z",
"resource":{"resourceType":"Patient","id":"754","meta":{"versionId":"1"},"name":[{"family":"Example","given":["Erika","Maria"]}],"birthDate":"1970-01-01"}}}`

func TestManyRules(t *testing.T) {
	m := eventpattern.NewMatcher(rules(t)...)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				found, err := m.Match([]byte(change))
				if err != nil || !slices.Equal(found, []int{500, 753, 754}) {
					t.Errorf("%v, %v", found, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkMatch1000Rules(b *testing.B) {
	m := eventpattern.NewMatcher(rules(b)...)
	event := []byte(change)
	b.ReportAllocs()
	for b.Loop() {
		if found, err := m.Match(event); err != nil || len(found) != 3 {
			b.Fatal(found, err)
		}
	}
}
