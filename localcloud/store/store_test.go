package store_test

import (
	"path/filepath"
	"testing"

	"github.com/carepath/carepath/localcloud/store"
)

type queue struct{ Name string }

func TestTableAndDocumentsSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deeper", "state.db")
	s := open(t, path)
	queues := table(t, s)
	if err := queues.Put("b", queue{"b"}); err != nil {
		t.Fatal(err)
	}
	if made, err := queues.Create("a", queue{"a"}); !made || err != nil {
		t.Fatal(made, err)
	}
	if made, err := queues.Create("a", queue{"other"}); made || err != nil {
		t.Fatal("Create replaced a record", err)
	}
	if gone, err := queues.Delete("b"); !gone || err != nil {
		t.Fatal(gone, err)
	}
	s.OnSave(func() error { return s.Save("messages", []string{"one"}) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, path)
	defer s.Close()
	queues = table(t, s)
	if row, ok := queues.Get("a"); !ok || row.Name != "a" || queues.Len() != 1 {
		t.Errorf("after reopening: %v %v, %d records", row, ok, queues.Len())
	}
	var messages []string
	if ok, err := s.Load("messages", &messages); !ok || err != nil || messages[0] != "one" {
		t.Error(ok, err, messages)
	}
}

func TestTheFileHasOneOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	defer s.Close()
	if _, err := store.Open(path); err == nil {
		t.Error("a second owner was let in")
	}
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func table(t *testing.T, s *store.Store) *store.Table[queue] {
	t.Helper()
	rows, err := store.NewTable[queue](s, "sqs/queues")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
