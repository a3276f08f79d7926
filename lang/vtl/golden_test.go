package vtl_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what comes into the golden files")

const separator = "----------\n"

// goldenRequest is the request of every golden case.
func goldenRequest(t *testing.T) *vtl.Request {
	t.Helper()
	context, err := jsonvalue.Parse(`{"stage":"prod","requestId":"req-1","identity":{"sourceIp":"192.0.2.1"},
		"authorizer":{"principalId":"user","claims":{"sub":"s-1"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	return &vtl.Request{
		Body: []byte(`{"text":"O'Brien \"q\" a/b é","list":[1,2.5,"a/b",null,{"k":"v"}],"map":{"a":1,"b":{"c":[]}},` +
			`"big":12345678901234567890,"exp":1.5e9,"nothing":null}`),
		Path:           map[string]string{"id": "p 1"},
		Query:          map[string]string{"q": "it's", "id": "q"},
		Header:         map[string]string{"X-Custom": "h", "Accept": "*/*"},
		Context:        context.(*jsonvalue.Object),
		StageVariables: map[string]string{"flag": "true", "arn": "arn:aws:states"},
	}
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, want, ok := strings.Cut(string(data), separator)
			if !ok {
				t.Fatalf("%s has no line %q", file, separator)
			}
			got := ""
			template, err := vtl.Compile(source)
			var result *vtl.Result
			if err == nil {
				result, err = template.Render(goldenRequest(t))
			}
			if err != nil {
				got = "error: " + err.Error() + "\n"
			} else {
				got = result.Output
			}
			if *update {
				if err := os.WriteFile(file, []byte(source+separator+got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
