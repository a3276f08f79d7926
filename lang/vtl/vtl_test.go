package vtl_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func render(t *testing.T, source string, r *vtl.Request) *vtl.Result {
	t.Helper()
	template, err := vtl.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	result, err := template.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// safe is the pattern that keeps every value what it is: escapeJavaScript and replaceAll at each of two levels.
const safe = `#set($q = $util.escapeJavaScript($input.params('q')).replaceAll("\\'","'"))
#set($inner = "{""q"": ""$q"", ""body"": $input.json('$')}")
{"input": "$util.escapeJavaScript($inner).replaceAll("\\'","'")", "stateMachineArn": "arn"}`

func TestSafePatternKeepsEveryText(t *testing.T) {
	template, err := vtl.Compile(safe)
	if err != nil {
		t.Fatal(err)
	}
	nasty := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a'"\\/@$#{}()!\n\t\x00é世😀 ]{0,20}`), rapid.SampledFrom([]string{
		`it's`, `\'`, `@@`, `$context.stage ${x} #if(true)`, `</script>`, "\u2028", `\u0041`, `""`, `#`, `$`, "\x7f",
	}))
	rapid.Check(t, func(t *rapid.T) {
		query, name := nasty.Draw(t, "query"), nasty.Draw(t, "name")
		body, err := json.Marshal(map[string]string{"name": name})
		if err != nil {
			t.Fatal(err)
		}
		// AWS's JSON parser drops the character U+007F from a string that has escapes, unless it is escaped itself.
		body = bytes.ReplaceAll(body, []byte("\x7f"), []byte(`\u007f`))
		result, err := template.Render(&vtl.Request{Body: body, Query: map[string]string{"q": query}})
		if err != nil {
			t.Fatal(err)
		}
		var outer struct{ Input string }
		if err := json.Unmarshal([]byte(result.Output), &outer); err != nil {
			t.Fatalf("%v in %s", err, result.Output)
		}
		var inner struct {
			Q    string
			Body struct{ Name string }
		}
		if err := json.Unmarshal([]byte(outer.Input), &inner); err != nil {
			t.Fatalf("%v in %s", err, outer.Input)
		}
		if inner.Q != query {
			t.Fatalf("the query %q became %q", query, inner.Q)
		}
		if inner.Body.Name != name {
			t.Fatalf("the name %q became %q", name, inner.Body.Name)
		}
	})
}

func TestOverrides(t *testing.T) {
	request := render(t, `#set($context.requestOverride.header.X-One = "1")
#set($context.requestOverride.path["id"] = $input.path('$.id'))
#set($x = $context.requestOverride.querystring.put("q", ["a", "b"]))
#set($context.responseOverride.status = 201)#set($context.responseOverride.custom = {"k": 1.5})`,
		&vtl.Request{Body: []byte(`{"id":7}`)})
	want := vtl.Overrides{
		RequestHeader:  map[string][]string{"X-One": {"1"}},
		RequestPath:    map[string][]string{"id": {"7"}},
		RequestQuery:   map[string][]string{"q": {"a", "b"}},
		ResponseStatus: jsonvalue.Number("201"),
		OtherResponse: jsonvalue.NewObject(jsonvalue.Member{Name: "custom", Value: jsonvalue.NewObject(
			jsonvalue.Member{Name: "k", Value: jsonvalue.Number("1.5")})}),
	}
	same := cmp.Comparer(func(a, b *jsonvalue.Object) bool { return (a == nil) == (b == nil) && jsonvalue.Equal(a, b) })
	if diff := cmp.Diff(want, request.Overrides, same); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	response := render(t, `$context.requestOverride.path.id $context.responseOverride.status $context.responseOverride.custom.k`+
		` $context.requestOverride.querystring.q.size()#set($context.responseOverride.header.Location = "/x")`,
		&vtl.Request{Overrides: request.Overrides})
	if response.Output != "7 201 1.5 2" {
		t.Error(response.Output)
	}
	want.ResponseHeader = map[string][]string{"Location": {"/x"}}
	if diff := cmp.Diff(want, response.Overrides, same); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOverrideStatus(t *testing.T) {
	for set, want := range map[string]int{
		"404": 404, "100": 100, "599": 599, "99": 0, "600": 0, `"404"`: 0, `""`: 0, "404.0": 0, "true": 0, "$missing": 0,
	} {
		o := render(t, `#set($context.responseOverride.status = `+set+`)`, &vtl.Request{}).Overrides
		if code, ok := o.Status(); code != want || ok != (want != 0) {
			t.Errorf("status = %s counts as %d, %v; want %d", set, code, ok, want)
		}
	}
}

func TestRequestIsOnlyRead(t *testing.T) {
	context, err := jsonvalue.Parse(`{"identity":{"user":"u"},"authorizer":{"claims":{"sub":"s"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	result := render(t, `#set($context.identity.user = "x")#set($context.new = 1)#set($context.authorizer.claims.sub = 2)`+
		`#set($stageVariables.a = "b")#set($input.params().querystring.q = "r")$context.identity.user $context.new`+
		` $context.authorizer.claims.sub $stageVariables.a $input.params().querystring.q`,
		&vtl.Request{Context: context.(*jsonvalue.Object), StageVariables: map[string]string{"a": "1"}, Query: map[string]string{"q": "1"}})
	if result.Output != "x 1 2 b r" {
		t.Error(result.Output)
	}
	if got := jsonvalue.Text(context); got != `{"identity":{"user":"u"},"authorizer":{"claims":{"sub":"s"}}}` {
		t.Errorf("the context has become %s", got)
	}
}

// TestContextKeysComeInTheOrderOfAHashMap uses the keys and the order that were recorded on AWS.
func TestContextKeysComeInTheOrderOfAHashMap(t *testing.T) {
	context := &jsonvalue.Object{}
	for _, name := range strings.Fields("resourceId resourcePath httpMethod extendedRequestId requestTime path accountId " +
		"protocol stage domainPrefix requestTimeEpoch requestId identity domainName deploymentId apiId") {
		context.Set(name, "x")
	}
	got := render(t, `#foreach($k in $context.keySet())$k #end`, &vtl.Request{Context: context}).Output
	want := "resourceId resourcePath httpMethod extendedRequestId requestTime path accountId protocol requestOverride stage " +
		"domainPrefix requestTimeEpoch requestId identity domainName deploymentId responseOverride apiId "
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHiddenHeader(t *testing.T) {
	for name, want := range map[string]bool{"Connection": true, "te": true, "content-length": true, "Content-Type": false,
		"Authorization": false} {
		if vtl.HiddenHeader(name) != want {
			t.Errorf("HiddenHeader(%s) = %v", name, !want)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for source, want := range map[string]vtl.Error{
		"a\nb #if(true)":                          {Line: 2, Column: 12, Problem: "unexpected end of the template, want #end"},
		"text #":                                  {Line: 1, Column: 7, Problem: `the template ends after "#"`},
		"é\n #set($a = 10-4)":                     {Line: 2, Column: 14, Problem: `unexpected "-4", want ')'`},
		"$input.path('$[')":                       {Line: 1, Column: 8},
		"\n$input.path('$').a.b":                  {Line: 2, Column: 8},
		"x\n$util.parseJson(\"{\")":               {Line: 2, Column: 7},
		"#set($s = 'x')\n$s.replaceAll('x', '$')": {Line: 2, Column: 4},
		"#parse('x')":                             {Line: 1, Column: 1},
		strings.Repeat("x", vtl.MaxSource+1):      {Line: 1, Column: 1},
	} {
		template, err := vtl.Compile(source)
		if err == nil {
			_, err = template.Render(&vtl.Request{Body: []byte("{")})
		}
		var e *vtl.Error
		if !errors.As(err, &e) {
			t.Errorf("%.40q gives %v", source, err)
		} else if e.Line != want.Line || e.Column != want.Column || want.Problem != "" && e.Problem != want.Problem {
			t.Errorf("%.40q gives %q, want %q", source, e, &want)
		}
	}
}

func TestNothingExhaustsTheProcess(t *testing.T) {
	double := `#set($s = "0123456789abcdef")#foreach($i in [1..1000])#set($s = "$s$s")#end$s`
	for name, source := range map[string]string{
		"text that doubles":          double,
		"concatenation that doubles": `#set($s = "0123456789abcdef")#foreach($i in [1..1000])#set($s = $s + $s)#end`,
		"replacement that grows":     `#set($s = "aa")#foreach($i in [1..1000])#set($s = $s.replace("a", "aa"))#end`,
		"regular replacement":        `#set($s = "aa")#foreach($i in [1..1000])#set($s = $s.replaceAll("[a]", "aa"))#end`,
		"repetition":                 `#set($s = "aaaaaaaaaa")$s.repeat(2000000000)`,
		"format":                     `#set($s = "x")$s.format("%2000000000d", 1)`,
		"long range":                 `#set($l = [1..2000000000])`,
		"list that doubles":          `#set($l = [1])#foreach($i in [1..1000])#set($x = $l.addAll($l))#end`,
		"nested loops":               `#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])x#end#end#end`,
		"loops that do nothing":      `#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])#end#end#end`,
		"blocks that multiply": `#define($a)$b$b$b$b$b$b$b$b$b$b#end#define($b)$c$c$c$c$c$c$c$c$c$c#end` +
			`#define($c)$d$d$d$d$d$d$d$d$d$d#end#define($d)$e$e$e$e$e$e$e$e$e$e#end#define($e)$a$a$a$a$a$a#end$a`,
		"list in itself":     `#set($l = [])#set($m = {"l": $l})#set($x = $l.add($m))$l`,
		"equal cycles":       `#set($a = [])#set($x = $a.add($a))#set($b = [])#set($x = $b.add($b))#if($a == $b)x#end`,
		"expression":         `#set($s = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")#foreach($i in [1..1000])$s.matches("(a+)+c")#end`,
		"big numbers":        `#set($n = 99999999999999999999)#foreach($i in [1..1000])#set($n = $n * $n)#end`,
		"long output":        `#set($s = $input.body)#foreach($i in [1..1000])$s$s$s$s$s$s$s$s$s$s$s$s#end`,
		"path with a filter": `#foreach($i in [1..1000])$input.json("$..[?(@.a =~ /(a+)+c/)]")#end`,
	} {
		t.Run(name, func(t *testing.T) {
			template, err := vtl.Compile(source)
			if err != nil {
				t.Fatal(err)
			}
			body := []byte(`{"s":"` + strings.Repeat("x", 50_000) + `","a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}`)
			r := &vtl.Request{Body: body}
			if name == "path with a filter" {
				r.Body = []byte(`{"l":[{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"},{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}]}`)
			}
			began := time.Now()
			_, err = template.Render(r)
			var e *vtl.Error
			if !errors.As(err, &e) {
				t.Errorf("gives %v, want an error that a limit was passed", err)
			}
			if spent := time.Since(began); spent > 20*time.Second {
				t.Errorf("took %v", spent)
			}
		})
	}
}

func TestDeepTemplatesAreRefused(t *testing.T) {
	for name, source := range map[string]string{
		"parentheses": "#set($a = " + strings.Repeat("(", 100_000),
		"lists":       "#set($a = " + strings.Repeat("[", 100_000),
		"maps":        "#set($a = " + strings.Repeat(`{"a":`, 50_000),
		"not":         "#if(" + strings.Repeat("!", 100_000),
		"ifs":         strings.Repeat("#if(true)", 30_000),
		"references":  strings.Repeat("$a.b(", 50_000),
		"ranges":      "#set($a = " + strings.Repeat("[$a.b(", 40_000),
		"indices":     strings.Repeat("$a[", 90_000),
	} {
		if _, err := vtl.Compile(source); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOneTemplateRendersConcurrently(t *testing.T) {
	template, err := vtl.Compile(`#set($m = $input.path('$'))#define($b)$m.n#end#set($m.x = 1)#foreach($i in [1..3])$b#end` +
		` $m.s.replaceAll("[aeiou]", "*") $context.stage $m.s.split(",").size()#set($context.stage = "changed")`)
	if err != nil {
		t.Fatal(err)
	}
	context := jsonvalue.NewObject(jsonvalue.Member{Name: "stage", Value: "prod"})
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			digit := string(rune('0' + n))
			want := digit + digit + digit + " *,b prod 2"
			for range 200 {
				result, err := template.Render(&vtl.Request{Body: []byte(`{"n":` + digit + `,"s":"a,b"}`), Context: context})
				if err != nil || result.Output != want {
					t.Errorf("got %v, %v, want %s", result, err, want)
					return
				}
			}
		})
	}
	group.Wait()
}

func TestAppendLeavesDstOnError(t *testing.T) {
	template, err := vtl.Compile(`output #set($l = [])$l[0]`)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := template.Append([]byte("before "), &vtl.Request{})
	if string(out) != "before " || err == nil {
		t.Errorf("%q, %v", out, err)
	}
}

func FuzzRender(f *testing.F) {
	for _, seed := range []string{
		safe, intake, `#if($a.b(1,"x")[0] >= -1.5 && !$c || [1..$n] == {"a":'b'})#elseif(true)#else #end`,
		`#foreach($i in $input.path('$.a'))$i.k#if($foreach.hasNext),#end#break#end#define($x)$x#end$x #[[ $ ]]# ## c`,
		`#macro(m $a)$a#end#m("x")\#if \\$a $\!b #* c *# #** d *# #set($a.b["c"] = "#set($d = 1)$d") #literal()$x#end`,
		`$a.replaceAll("(\w+)\s*,", "$1;").split("[,;]").size() $a.format("%5s|%-3d", "x", 2) #{if}(true)x#{end}`,
	} {
		f.Add(seed, []byte(`{"a":[1,{"k":"v"},null],"s":"text"}`))
	}
	f.Add(`$input.json('$')`, []byte(`{a:'b',c:[1.5e3,,],"d":"\u00e9\x41\q"} tail`))
	limits := vtl.Limits{MaxOutput: 1 << 16, MaxSteps: 20_000}
	f.Fuzz(func(t *testing.T, source string, body []byte) {
		template, err := vtl.Compile(source)
		if err != nil {
			return
		}
		result, err := template.Render(&vtl.Request{Body: body, Query: map[string]string{"q": "it's"}, Limits: limits})
		if err != nil {
			var e *vtl.Error
			if !errors.As(err, &e) {
				t.Fatalf("the error is %T: %v", err, err)
			}
			return
		}
		if len(result.Output) > limits.MaxOutput {
			t.Fatalf("the output has %d bytes", len(result.Output))
		}
		if utf8.ValidString(source) && !utf8.ValidString(result.Output) {
			t.Fatalf("the output is not UTF-8: %q", result.Output)
		}
	})
}
