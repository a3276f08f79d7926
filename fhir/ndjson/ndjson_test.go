package ndjson_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/carepath/carepath/fhir"
	"github.com/carepath/carepath/fhir/ndjson"
)

// store is a data store in memory.
type store struct {
	mu       sync.Mutex
	versions map[string][]string // the documents by type and id
	refuse   func(id string) error
	atOnce   chan struct{} // nil, or as many requests as fit are answered only when told
	most     int           // requests at once
	now      int
}

func (s *store) Update(ctx context.Context, typ, id string, body []byte, _ fhir.Condition) (fhir.Resource, error) {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	if s.atOnce != nil {
		select {
		case <-s.atOnce:
		case <-ctx.Done():
			return fhir.Resource{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	if s.refuse != nil {
		if err := s.refuse(id); err != nil {
			return fhir.Resource{}, err
		}
	}
	if s.versions == nil {
		s.versions = map[string][]string{}
	}
	key := typ + "/" + id
	s.versions[key] = append(s.versions[key], string(body))
	return fhir.Resource{Created: len(s.versions[key]) == 1}, nil
}

func patient(id string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":"%s","x":1.00}`, id)
}

func TestEachLineIsPutUnderItsID(t *testing.T) {
	s := &store{}
	text := "\ufeff" + patient("a") + "\r\n\n  " + patient("b") + "\n" + `{"resourceType":"Observation","id":"a"}` // no line break at the end
	progress := 0
	got, err := ndjson.Load(t.Context(), strings.NewReader(text), s, ndjson.Options{Progress: func(ndjson.Report) { progress++ }})
	if want := (ndjson.Report{Created: 3, Next: 5}); err != nil || got != want || progress != 3 {
		t.Errorf("%+v, %v, told %d times", got, err, progress)
	}
	if keys := slices.Sorted(maps.Keys(s.versions)); !slices.Equal(keys, []string{"Observation/a", "Patient/a", "Patient/b"}) || s.versions["Patient/a"][0] != patient("a") {
		t.Errorf("loaded %v", s.versions)
	}
	if got, err = ndjson.Load(t.Context(), strings.NewReader(text), s, ndjson.Options{}); err != nil || got.Updated != 3 || len(s.versions) != 3 {
		t.Errorf("a second time: %+v, %v", got, err)
	}
}

func TestLinesOfAResourceKeepTheirOrder(t *testing.T) {
	s := &store{}
	var text strings.Builder
	for n := range 200 {
		for id := range 5 {
			fmt.Fprintf(&text, `{"resourceType":"Patient","id":"p%d","n":%d}`+"\n", id, n)
		}
	}
	got, err := ndjson.Load(t.Context(), strings.NewReader(text.String()), s, ndjson.Options{Parallel: 8})
	if err != nil || got.Created != 5 || got.Updated != 995 {
		t.Fatalf("%+v, %v", got, err)
	}
	for key, documents := range s.versions {
		for n, d := range documents {
			if !strings.HasSuffix(d, fmt.Sprintf(`"n":%d}`, n)) {
				t.Fatalf("version %d of %s is %s", n+1, key, d)
			}
		}
	}
}

func TestWhatFailsIsToldByLine(t *testing.T) {
	s := &store{refuse: func(id string) error {
		if id == "bad" {
			return fmt.Errorf("updating a Patient: %w", &fhir.Error{Status: http.StatusBadRequest, Code: "invalid", Diagnostics: "Lovelace"})
		}
		return nil
	}}
	text := strings.Join([]string{patient("a"), patient("bad"), `{"resourceType":"Patient"}`, `{"Lovelace":`, patient("Ada Lovelace"), `{"id":"b"}`,
		strings.Repeat(" ", 6<<20) + patient("c"), patient("d")}, "\n")
	failed := map[int]string{}
	got, err := ndjson.Load(t.Context(), strings.NewReader(text), s, ndjson.Options{Failed: func(f ndjson.Failure) { failed[f.Line] = f.ResourceType + ": " + f.Err.Error() }})
	if want := (ndjson.Report{Created: 2, Failed: 6, Next: 9}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for line, want := range map[int]string{
		2: "Patient: updating a Patient: HealthLake answered 400 (invalid)", 3: "Patient: the resource has no id to put it under", 4: ": the text is no FHIR resource",
		5: "Patient: the resource's type or id is not one of FHIR", 6: ": the text is no FHIR resource", 7: ": the line is longer than 5242880 bytes, more than HealthLake takes in a request",
	} {
		if failed[line] != want {
			t.Errorf("line %d: %q, not %q", line, failed[line], want)
		}
	}
	for line, text := range failed {
		if strings.Contains(text, "Lovelace") {
			t.Errorf("line %d tells of the patient: %s", line, text)
		}
	}
}

// numbered is so many lines.
func numbered(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(patient(fmt.Sprint("p", i+1)) + "\n")
	}
	return text.String()
}

// TestItGoesOnWhereItEnded ends a loading in several ways, and loads the rest.
func TestItGoesOnWhereItEnded(t *testing.T) {
	for name, refusal := range map[string]error{
		"refused":     &fhir.Error{Status: http.StatusForbidden},
		"unreachable": errors.New("the connection failed"),
		"stop":        &fhir.Error{Status: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			s := &store{refuse: func(id string) error {
				if id == "p100" {
					return refusal
				}
				return nil
			}}
			got, err := ndjson.Load(t.Context(), strings.NewReader(numbered(300)), s, ndjson.Options{Parallel: 4, Stop: true})
			if !errors.Is(err, refusal) || name == "stop" != (got.Failed == 1) || got.Next > 110 || got.Created >= 290 {
				t.Fatalf("%+v, %v", got, err)
			}
			s.refuse = nil
			if got, err = ndjson.Load(t.Context(), strings.NewReader(numbered(300)), s, ndjson.Options{FromLine: got.Next}); err != nil || got.Next != 301 {
				t.Fatalf("%+v, %v", got, err)
			}
			missing := 300 - len(s.versions)
			if name == "stop" { // the line that failed is behind it
				missing--
			}
			if missing > 0 {
				t.Errorf("%d were never loaded", missing)
			}
		})
	}
}

func TestItIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &store{atOnce: make(chan struct{})}
		var got ndjson.Report
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			got, err = ndjson.Load(ctx, strings.NewReader(numbered(100)), s, ndjson.Options{Parallel: 3})
		}()
		for range 10 {
			s.atOnce <- struct{}{}
		}
		synctest.Wait()
		if s.now != 3 || s.most != 3 {
			t.Errorf("%d requests at once, at most %d", s.now, s.most)
		}
		cancel()
		<-done
		if !errors.Is(err, context.Canceled) || got.Failed != 0 || got.Created != 10 || got.Next < 1 || got.Next > 20 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// countingReader knows how much was read.
type countingReader struct {
	io.Reader
	read int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.read += n
	return n, err
}

func TestItReadsNoFurtherThanItLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		const length, parallel = 100_000, 4
		var text strings.Builder
		for i := range 200 {
			text.WriteString(patient(fmt.Sprint("p", i)) + strings.Repeat(" ", length) + "\n")
		}
		source, s := &countingReader{Reader: strings.NewReader(text.String())}, &store{atOnce: make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = ndjson.Load(ctx, source, s, ndjson.Options{Parallel: parallel}) // interrupted
		}()
		for n := range 50 {
			synctest.Wait()
			// Each worker has one and another that waits, and the reader has one and a buffer.
			if most := (n + 2*parallel + 2) * (length + 1000); source.read > most {
				t.Fatalf("after %d lines %d bytes were read, more than %d", n, source.read, most)
			}
			s.atOnce <- struct{}{}
		}
		cancel()
		<-done
	})
}

func TestASourceThatBreaksOff(t *testing.T) {
	broken := errors.New("the disk is gone")
	got, err := ndjson.Load(t.Context(), io.MultiReader(strings.NewReader(numbered(2)), iotest.ErrReader(broken)), &store{}, ndjson.Options{})
	if !errors.Is(err, broken) || got.Created != 2 || got.Next != 3 || !strings.HasPrefix(err.Error(), "reading line 3: ") {
		t.Errorf("%+v, %v", got, err)
	}
}
