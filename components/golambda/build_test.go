package golambda

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// module makes a Go module with one command and returns its root.
func module(t *testing.T, source string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n", "cmd/hello/main.go": source} {
		path = filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestBuildIsReproducible(t *testing.T) {
	var digests []string
	for range 2 { // in two folders
		b := Build{Root: module(t, hello), Package: "cmd/hello", Name: "hello", GOOS: "linux", GOARCH: "arm64"}
		a, err := b.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, a.SHA256)
	}
	if digests[0] != digests[1] {
		t.Errorf("the same sources gave %s and %s", digests[0], digests[1])
	}
}

func TestBuildMakesALambdaArchiveAndRemovesOldOnes(t *testing.T) {
	root := module(t, hello)
	b := Build{Root: root, Package: "cmd/hello", Name: "hello", GOOS: "linux", GOARCH: "amd64"}
	first, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(first.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode() != 0o755 {
		t.Errorf("the archive has %d files, the first %q with mode %v; want an executable bootstrap", len(archive.File), archive.File[0].Name, archive.File[0].Mode())
	}
	if year := archive.File[0].Modified.UTC().Year(); year != 1980 {
		t.Errorf("the archive is dated %d", year)
	}
	if err := os.WriteFile(filepath.Join(root, "cmd/hello/main.go"), []byte(strings.ReplaceAll(hello, "hello", "bye")), 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.SHA256 == second.SHA256 {
		t.Error("another program gave the same digest")
	}
	left, err := filepath.Glob(filepath.Join(root, ".carepath/build/hello/linux-amd64/*"))
	if err != nil || len(left) != 1 || left[0] != second.Path {
		t.Errorf("the cache holds %v, want %s alone (%v)", left, second.Path, err)
	}
}

func TestBuildSaysWhatFailed(t *testing.T) {
	root := module(t, "package main\n\nfunc main() { nothing() }\n")
	for _, test := range []struct{ pkg, want string }{
		{"cmd/missing", "no such folder"},
		{"cmd/hello", "undefined: nothing"},
	} {
		_, err := Build{Root: root, Package: test.pkg, Name: "hello", GOOS: "linux", GOARCH: "amd64"}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "building the function hello") {
			t.Errorf("%s: got %v, want an error with %q", test.pkg, err, test.want)
		}
	}
}

func TestModuleRoot(t *testing.T) {
	root := module(t, hello)
	if got, err := ModuleRoot(filepath.Join(root, "cmd", "hello")); err != nil || got != root {
		t.Errorf("got %q, %v; want %q", got, err, root)
	}
	if _, err := ModuleRoot(t.TempDir()); err == nil {
		t.Error("a folder without go.mod above it has a root")
	}
}

func TestFunctionArgsReportEverythingAtOnce(t *testing.T) {
	err := (&FunctionArgs{Package: "../x", Architecture: "mips", Environment: map[string]pulumi.StringInput{"A-B": pulumi.String("")}}).validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Package:", "KMSKeyARN:", "Architecture:", `Environment: "A-B"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %s", err, want)
		}
	}
}
