package changes_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/carepath/carepath/changes"
	"pgregory.net/rapid"
)

func version(id string, v int64) *changes.Change {
	c := change()
	c.ResourceID, c.Version = id, v
	return c
}

func handled(context.Context, changes.Verdict) error { return nil }

// TestVerdicts holds the deduplicator against sets.
func TestVerdicts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := &changes.Memory{}
		d := changes.NewDeduplicator(store)
		seen, highest, want := map[string]bool{}, map[string]int64{}, changes.Counts{}
		for _, step := range rapid.SliceOf(rapid.Custom(func(t *rapid.T) *changes.Change {
			return version(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"), rapid.Int64Range(1, 20).Draw(t, "version"))
		})).Draw(t, "steps") {
			expected := changes.New
			switch {
			case seen[step.Key()]:
				expected = changes.Duplicate
				want.Duplicate++
			case step.Version < highest[step.ResourceID]:
				expected = changes.Late
				want.Late++
			default:
				want.New++
			}
			seen[step.Key()] = true
			highest[step.ResourceID] = max(highest[step.ResourceID], step.Version)
			called := changes.Verdict(0)
			got, err := d.Handle(t.Context(), step, func(_ context.Context, v changes.Verdict) error {
				called = v
				return nil
			})
			if err != nil || got != expected || (got == changes.Duplicate) != (called == 0) || called != 0 && called != got {
				t.Fatalf("%s is %s (%v), handled as %s, not %s", step.Key(), got, err, called, expected)
			}
			if rapid.Bool().Draw(t, "restart") {
				want = changes.Counts{}
				d = changes.NewDeduplicator(store)
			}
		}
		if d.Counts() != want {
			t.Fatalf("counts %+v, not %+v", d.Counts(), want)
		}
	})
}

func TestWhatIsKeptStaysShort(t *testing.T) {
	store := &changes.Memory{}
	d := changes.NewDeduplicator(store)
	for v := int64(1000); v > 0; v-- {
		if v != 500 {
			if _, err := d.Handle(t.Context(), version("a", v), handled); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kept, err := store.Load(t.Context(), version("a", 1).Subject()); err != nil || kept != "1-499,501-1000" {
		t.Errorf("it keeps %s, %v", kept, err)
	}
}

func TestAFailedChangeIsNewWhenItComesAgain(t *testing.T) {
	d := changes.NewDeduplicator(&changes.Memory{})
	broken := errors.New("broken")
	if _, err := d.Handle(t.Context(), version("a", 1), func(context.Context, changes.Verdict) error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	if v, err := d.Handle(t.Context(), version("a", 1), handled); err != nil || v != changes.New {
		t.Errorf("it is %s, %v", v, err)
	}
	if counts := d.Counts(); counts != (changes.Counts{New: 1}) {
		t.Errorf("counts %+v", counts)
	}
}

// deduplicateAtOnce has several deduplicators handle all versions of a resource at once with one store: each is handled, and
// all are kept.
func deduplicateAtOnce(t *testing.T, store changes.Store, processes int) {
	t.Helper()
	const most = 20
	var mu sync.Mutex
	times := map[int64]int{}
	var group sync.WaitGroup
	for range processes {
		d := changes.NewDeduplicator(store)
		for v := range int64(most) {
			group.Go(func() {
				_, err := d.Handle(t.Context(), version("a", v+1), func(context.Context, changes.Verdict) error {
					mu.Lock()
					defer mu.Unlock()
					times[v+1]++
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if len(times) != most {
		t.Errorf("%d versions were handled", len(times))
	}
	if kept, err := store.Load(t.Context(), version("a", 1).Subject()); err != nil || kept != "1-"+strconv.Itoa(most) {
		t.Errorf("it keeps %s, %v", kept, err)
	}
}

func TestProcessesShareAStore(t *testing.T) { deduplicateAtOnce(t, &changes.Memory{}, 4) }

func TestVersionsOfAResourceAreHandledOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := changes.NewDeduplicator(&changes.Memory{})
		release, handling := make(chan struct{}), 0
		for v := range int64(2) {
			go func() {
				_, _ = d.Handle(t.Context(), version("a", v+1), func(context.Context, changes.Verdict) error {
					handling++
					<-release
					return nil
				})
			}()
		}
		synctest.Wait()
		if handling != 1 {
			t.Errorf("%d are handled at once", handling)
		}
		if v, err := d.Handle(t.Context(), version("b", 1), handled); err != nil || v != changes.New {
			t.Errorf("another resource waits: %s, %v", v, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Handle(ctx, version("a", 3), handled); !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone waits: %v", err)
		}
		close(release)
		synctest.Wait()
		if d.Counts().New+d.Counts().Late != 3 {
			t.Errorf("counts %+v", d.Counts())
		}
	})
}

// brokenStore fails as told.
type brokenStore struct {
	changes.Memory
	load, swap error
	kept       string
}

func (s *brokenStore) Load(ctx context.Context, subject string) (string, error) {
	if s.kept != "" {
		return s.kept, nil
	}
	kept, _ := s.Memory.Load(ctx, subject)
	return kept, s.load
}

func (s *brokenStore) Swap(ctx context.Context, subject, old, versions string) (bool, error) {
	if s.swap != nil {
		return false, s.swap
	}
	return s.Memory.Swap(ctx, subject, old, versions)
}

func TestErrorsOfAStoreAreTold(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		store *brokenStore
		want  string
	}{
		{&brokenStore{load: broken}, "loading which versions were handled: broken"},
		{&brokenStore{swap: broken}, "keeping which versions were handled: broken"},
		{&brokenStore{kept: "1-"}, `the store has "1-" as the versions that were handled: want text such as 1-7,9`},
		{&brokenStore{kept: "3,2"}, `the store has "3,2"`},
		{&brokenStore{kept: "5-4"}, `the store has "5-4"`},
		{&brokenStore{kept: "0"}, `the store has "0"`},
	} {
		_, err := changes.NewDeduplicator(test.store).Handle(t.Context(), version("a", 1), handled)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestVerdictsHaveNames(t *testing.T) {
	for v, want := range map[changes.Verdict]string{changes.New: "new", changes.Duplicate: "duplicate", changes.Late: "late", 0: "Verdict(0)"} {
		if v.String() != want {
			t.Errorf("%d is %s", int(v), v)
		}
	}
}
