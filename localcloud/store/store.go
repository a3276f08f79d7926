// Package store keeps the embedded AWS's state in one bbolt file and in journals beside it. What describes resources (the
// control plane) is written through on every change, so that it survives kill -9. What flows through them and was accepted
// (messages, executions) is in journals and survives it too; the rest (log events, sessions) is written when the process
// stops cleanly.
package store

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Store is one state file, or memory only. Make it with Open or Memory.
type Store struct {
	db     *bolt.DB // nil: memory only
	mu     sync.Mutex
	savers []func() error

	journals []*Journal
}

// Memory returns a store that keeps nothing beyond the process.
func Memory() *Store { return &Store{} }

// InMemory reports whether the store keeps nothing beyond the process.
func (s *Store) InMemory() bool { return s.db == nil }

// Open opens or creates the state file at path. It fails when another process has it open.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the state file: %w", err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("opening the state file %s (is another embedded AWS using it?): %w", path, err)
	}
	return &Store{db: db}, nil
}

// OnSave registers what writes a service's state that is in no Table or Journal when the process stops cleanly.
func (s *Store) OnSave(save func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.savers = append(s.savers, save)
}

// Close saves what services keep until a clean stop and closes the files.
func (s *Store) Close() error {
	s.mu.Lock()
	savers, journals := s.savers, s.journals
	s.mu.Unlock()
	var first error
	for _, save := range savers {
		if err := save(); err != nil && first == nil {
			first = err
		}
	}
	for _, j := range journals {
		if err := j.close(); err != nil && first == nil {
			first = err
		}
	}
	if s.db == nil {
		return first
	}
	if err := s.db.Close(); err != nil && first == nil {
		first = err
	}
	return first
}

const documents = "documents"

// Save writes one named document as JSON, replacing what was there.
func (s *Store) Save(name string, v any) error { return s.put(documents, name, v) }

// Load reads a document that Save wrote into v and says whether there was one.
func (s *Store) Load(name string, v any) (bool, error) {
	if s.db == nil {
		return false, nil
	}
	var text []byte
	err := s.db.View(func(tx *bolt.Tx) error {
		if b := tx.Bucket([]byte(documents)); b != nil {
			text = slices.Clone(b.Get([]byte(name)))
		}
		return nil
	})
	if err != nil || text == nil {
		return false, err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("reading %s from the state file: %w", name, err)
	}
	return true, nil
}

// Forget deletes a document that Save wrote.
func (s *Store) Forget(name string) error { return s.delete(documents, name) }

func (s *Store) put(bucket, key string, v any) error {
	if s.db == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s of %s: %w", key, bucket, err)
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), text)
	})
}

func (s *Store) delete(bucket, key string) error {
	if s.db == nil {
		return nil
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		if b := tx.Bucket([]byte(bucket)); b != nil {
			return b.Delete([]byte(key))
		}
		return nil
	})
}

// Table is a set of control-plane records by key, held in memory and written through. It is safe for concurrent use.
// The records it hands out are shared: treat them as read-only, and Put a changed copy.
type Table[T any] struct {
	store *Store
	name  string
	mu    sync.RWMutex
	rows  map[string]T
}

// NewTable opens the table of that name and reads its records. T must survive encoding/json.
func NewTable[T any](s *Store, name string) (*Table[T], error) {
	t := &Table[T]{store: s, name: name, rows: map[string]T{}}
	if s.db == nil {
		return t, nil
	}
	err := s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(name))
		if b == nil {
			return nil
		}
		return b.ForEach(func(key, text []byte) error {
			var row T
			if err := json.Unmarshal(text, &row); err != nil {
				return fmt.Errorf("reading %s of %s from the state file: %w", key, name, err)
			}
			t.rows[string(key)] = row
			return nil
		})
	})
	return t, err
}

// Get returns a record and whether there is one.
func (t *Table[T]) Get(key string) (T, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	row, ok := t.rows[key]
	return row, ok
}

// Put writes a record. When it returns nil the record survives kill -9.
func (t *Table[T]) Put(key string, row T) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.store.put(t.name, key, row); err != nil {
		return err
	}
	t.rows[key] = row
	return nil
}

// Create writes a record unless the key is taken, and says whether it did.
func (t *Table[T]) Create(key string, row T) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, taken := t.rows[key]; taken {
		return false, nil
	}
	if err := t.store.put(t.name, key, row); err != nil {
		return false, err
	}
	t.rows[key] = row
	return true, nil
}

// Delete removes a record and says whether it was there.
func (t *Table[T]) Delete(key string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.rows[key]; !ok {
		return false, nil
	}
	if err := t.store.delete(t.name, key); err != nil {
		return false, err
	}
	delete(t.rows, key)
	return true, nil
}

// Len returns the number of records.
func (t *Table[T]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.rows)
}

// All yields the records in the order of their keys, as they were when it was called.
func (t *Table[T]) All() iter.Seq2[string, T] {
	t.mu.RLock()
	rows := maps.Clone(t.rows)
	t.mu.RUnlock()
	keys := slices.Sorted(maps.Keys(rows))
	return func(yield func(string, T) bool) {
		for _, key := range keys {
			if !yield(key, rows[key]) {
				return
			}
		}
	}
}
