package store

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func journal(t rapid.TB, dir string, size int64) *Journal {
	t.Helper()
	j, err := openJournal(dir, size)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func records(t rapid.TB, j *Journal) map[string]string {
	t.Helper()
	all := map[string]string{}
	for r, err := range j.All() {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[r.Key]; twice {
			t.Fatalf("%s is there twice", r.Key)
		}
		all[r.Key] = string(r.Value)
	}
	return all
}

func flush(t rapid.TB, j *Journal) {
	t.Helper()
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
}

// A process that is killed leaves its files as they are: the journal is opened again without being closed.
func TestWhatWasFlushedSurvivesAndTheLogStaysSmall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "journal")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		const size = 200
		j := journal(t, dir, size)
		want := map[string]string{} // after all changes
		kept := map[string]string{} // after those that were flushed
		keys := rapid.SampledFrom([]string{"a", "b", "c", "d", "", "a longer key"})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key, value := keys.Draw(t, "key"), strings.Repeat("v", rapid.IntRange(0, 100).Draw(t, "size"))
				j.Put(key, []byte(value))
				want[key] = value
			},
			"delete": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				j.Delete(key)
				delete(want, key)
			},
			"flush": func(t *rapid.T) {
				flush(t, j)
				kept = maps.Clone(want)
				if got := records(t, j); !maps.Equal(got, kept) {
					t.Fatalf("got %q, want %q", got, kept)
				}
				largest := int64(100 + 30)
				if on, most := sizeOf(t, dir), 2*j.size+3*size+2*largest; on > most {
					t.Fatalf("%d bytes on disk, more than %d: %d are current", on, most, j.size)
				}
			},
			"get": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				value, ok, err := j.Get(key)
				if wanted, has := want[key]; err != nil || ok != has || string(value) != wanted {
					t.Fatalf("%q is %q %v (%v), want %q %v", key, value, ok, err, wanted, has)
				}
			},
			"kill": func(t *rapid.T) {
				j.file.Close()
				j = journal(t, dir, size)
				want = maps.Clone(kept)
				if got := records(t, j); !maps.Equal(got, kept) {
					t.Fatalf("got %q, want %q", got, kept)
				}
			},
		})
		j.file.Close()
	})
}

func sizeOf(t rapid.TB, dir string) (n int64) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

func TestATornEndIsDroppedAndOtherDamageIsAnError(t *testing.T) {
	dir := t.TempDir()
	j := journal(t, dir, segmentSize)
	j.Put("a", []byte("one"))
	flush(t, j)
	whole := j.written
	j.Put("b", []byte("two"))
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "0000000000000000.log")
	log, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write := func(log []byte) {
		if err := os.WriteFile(name, log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for end := whole; end < int64(len(log)); end++ {
		write(log[:end])
		j := journal(t, dir, segmentSize)
		j.Put("c", []byte("three"))
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
		j = journal(t, dir, segmentSize)
		if got := records(t, j); len(got) != 2 || got["a"] != "one" || got["c"] != "three" {
			t.Errorf("torn at %d: %q", end, got)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
	}
	damaged := slices.Clone(log)
	damaged[headerSize+2]++
	write(damaged)
	if _, err := openJournal(dir, segmentSize); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a damaged record in the middle: %v", err)
	}
	write(log)
	if err := os.WriteFile(filepath.Join(dir, "0000000000001000.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(dir, segmentSize); err == nil {
		t.Error("a gap was overlooked")
	}
}

func TestAJournalThatCannotBeWrittenSaysSo(t *testing.T) {
	j := journal(t, t.TempDir(), segmentSize)
	j.file.Close() // as when the disk fails
	j.Put("a", nil)
	if err := j.Flush(); err == nil {
		t.Error("confirmed what was not written")
	}
	j.Put("b", nil)
	if err := j.Flush(); err == nil || !strings.Contains(err.Error(), j.dir) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestManyWritersAtOnce(t *testing.T) {
	dir := t.TempDir()
	j := journal(t, dir, 4096)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 500 {
				key := fmt.Sprint(w, "/", i)
				j.Put(key, make([]byte, 100))
				if err := j.Flush(); err != nil {
					t.Error(err)
				}
				if _, ok, err := j.Get(key); !ok || err != nil {
					t.Errorf("%s: %v %v", key, ok, err)
				}
				if i >= 10 {
					j.Delete(fmt.Sprint(w, "/", i-10))
				}
			}
		})
	}
	writers.Go(func() { // reads what others are writing
		for i := range 4000 {
			key := fmt.Sprint(i%8, "/", i/8)
			if value, ok, err := j.Get(key); err != nil || ok && len(value) != 100 {
				t.Errorf("%s: %d bytes, %v", key, len(value), err)
			}
		}
	})
	writers.Wait()
	flush(t, j)
	got := journal(t, dir, 4096)
	if n := len(records(t, got)); n != 80 {
		t.Errorf("%d records, want 80", n)
	}
	if on := sizeOf(t, dir); on > 2*got.size+4*4096 {
		t.Errorf("%d bytes on disk", on)
	}
}

func BenchmarkJournal(b *testing.B) {
	j := journal(b, b.TempDir(), segmentSize)
	value := make([]byte, 1024)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		j.Put(fmt.Sprint(i), value)
		if err := j.Flush(); err != nil {
			b.Fatal(err)
		}
		j.Delete(fmt.Sprint(i - 1000))
	}
}

// TestCleaningKeepsWhatTheBufferReplaces cleans while the newer record of a key is not written yet: without the older one a
// kill would lose both.
func TestCleaningKeepsWhatTheBufferReplaces(t *testing.T) {
	dir := t.TempDir()
	j := journal(t, dir, 64)
	j.Put("a", []byte("old"))
	flush(t, j)
	for i := range 3 { // into the segments that follow
		j.Put("other", []byte(strings.Repeat(fmt.Sprint(i), 64)))
		flush(t, j)
	}
	j.Put("a", []byte("new"))
	j.writing.Lock()
	err := j.clean()
	j.writing.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir() // what a kill would leave
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if got := records(t, journal(t, copied, 64))["a"]; got != "old" && got != "new" {
		t.Errorf("after the kill the record is %q", got)
	}
}
