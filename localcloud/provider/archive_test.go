package provider

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
)

func TestZipped(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	folder := filepath.Dir(write("folder/bootstrap", []byte("from a folder")))
	fromPath := func(path string) *archive.Archive {
		a, err := archive.FromPath(path)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ready, err := zipped(fromPath(folder))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		from *archive.Archive
		want string
	}{
		"a folder":   {fromPath(folder), "from a folder"},
		"a ZIP file": {fromPath(write("ready.zip", ready)), "from a folder"},
		"assets":     {code(t, "from assets"), "from assets"},
	} {
		first, err := zipped(test.from)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := zipped(test.from); err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s: not the same bytes twice (%v)", name, err)
		}
		z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := z.Open("bootstrap")
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(f); err != nil || string(content) != test.want {
			t.Errorf("%s: %q %v", name, content, err)
		}
	}
	if _, err := zipped(&archive.Archive{URI: "https://example.com/code.zip"}); err == nil || !strings.Contains(err.Error(), "fetches no code") {
		t.Errorf("a remote archive: %v", err)
	}
	if _, err := zipped(&archive.Archive{Path: "no/such/folder"}); err == nil || !strings.Contains(err.Error(), "give an absolute path") {
		t.Errorf("a relative path: %v", err)
	}
	if _, err := zipped(nil); err == nil {
		t.Error("no code is accepted")
	}
}
