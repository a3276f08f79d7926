package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestTablesAreOfThesePins compares the committed tables with what the SDKs that go.mod names give.
func TestTablesAreOfThesePins(t *testing.T) {
	for _, s := range services {
		want, err := generate(s.name, s.prefix)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", "..", "lang", "asl", "awsmodel", "tables", s.name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("the table of %s is out of date: run go generate ./lang/asl/awsmodel", s.name)
		}
	}
}
