package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigurationReferenceIsUpToDate(t *testing.T) {
	for file, args := range map[string][]string{
		"../../docs/config.md":          {"config", "schema", "--markdown"},
		"../../docs/config.schema.json": {"config", "schema"},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), carepath(t, exitDone, args...)); diff != "" {
			t.Errorf("%s differs: run go generate ./cmd/carepath\n%s", file, diff)
		}
	}
}
