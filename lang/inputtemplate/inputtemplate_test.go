package inputtemplate_test

import (
	"testing"

	"github.com/carepath/carepath/lang/inputtemplate"
	"github.com/carepath/carepath/lang/jsonvalue"
	"pgregory.net/rapid"
)

func TestPaths(t *testing.T) {
	v, err := jsonvalue.Parse(`{"a":{"b c":[1,{"d":"x"}],"e":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"$": `{"a":{"b c":[1,{"d":"x"}],"e":null}}`, "$.a['b c'][1].d": `"x"`, `$["a"]["b c"][0]`: "1", "$.a.e": "null",
		"$.b": "", "$.a.b": "", "$.a['b c'][2]": "", "$.a['b c'].d": "", "$.a[0]": "",
	} {
		p, err := inputtemplate.ParsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got := ""
		if found, ok := p.Follow(v); ok {
			got = jsonvalue.Text(found)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for _, path := range []string{"", "a", "$a", "$.", "$..a", "$.a.", "$[", "$[*]", "$[-1]", "$['a]"} {
		if _, err := inputtemplate.ParsePath(path); err == nil {
			t.Errorf("%q is taken for a path", path)
		}
	}
}

func TestTemplates(t *testing.T) {
	list, err := jsonvalue.Parse(`[1,"a"]`)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"s": `it "is"`, "l": list}
	for template, want := range map[string]string{
		`{"s":<s>,"l":<l>}`:       `{"s":"it \"is\"","l":[1,"a"]}`,
		`"<s> and <l>"`:           `"it "is" and [1,a]"`,
		`{"q":"\"<l>", "l":<l>}`:  `{"q":"\"[1,a]", "l":[1,"a"]}`,
		`no variable, < or`:       `no variable, < or`,
		`<s>`:                     `"it \"is\""`,
		`{"a":"<open","b":"text"`: `{"a":"<open","b":"text"`,
	} {
		if got := inputtemplate.Fill(template, func(name string) any { return values[name] }); got != want {
			t.Errorf("%s: %s, want %s", template, got, want)
		}
	}
	for text, want := range map[string]bool{"{": true, " [1,]": true, "{key: value}": true, `{"a":1}`: false, "text": false, "": false} {
		if inputtemplate.Broken(text) != want {
			t.Errorf("%q: broken is not %v", text, want)
		}
	}
}

// TestAnyValueIsJSONOutsideQuotes has templates whose variables stand where values stand.
func TestAnyValueIsJSONOutsideQuotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		out := inputtemplate.Fill(`{"a":<v>,"b":[<v>]}`, func(string) any { return text })
		v, err := jsonvalue.Parse(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		o := v.(*jsonvalue.Object)
		if got, _ := o.Get("a"); got != text {
			t.Fatalf("%q came out as %q", text, got)
		}
	})
}
