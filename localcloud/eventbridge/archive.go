package eventbridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/store"
)

// archive is an archive as the store keeps it.
type archive struct {
	Name, Bus, Description string
	Pattern                string
	RetentionDays          int
	Key                    string
	Created                time.Time
}

// archived holds the events of the archives: their text in the journal, and where it is in memory.
type archived struct {
	journal *store.Journal

	mu     sync.Mutex
	events map[string]map[string]archivedEvent // by archive, by the journal's key
	memory map[string][]byte                   // in place of the journal where the store keeps nothing; else nil
}

type archivedEvent struct {
	at   time.Time // when it happened
	size int
}

func (a *archived) load(st *store.Store) error {
	a.events = map[string]map[string]archivedEvent{}
	if st.InMemory() {
		a.memory = map[string][]byte{}
	}
	var err error
	if a.journal, err = store.NewJournal(st, "events-archive"); err != nil {
		return err
	}
	for r, err := range a.journal.All() {
		if err != nil {
			return fmt.Errorf("loading the archives: %w", err)
		}
		ev, err := eventOf(r.Value)
		if err != nil {
			return fmt.Errorf("loading the archived event %s: %w", r.Key, err)
		}
		a.note(r.Key, ev)
	}
	return nil
}

// note remembers an archived event; the caller holds the lock, or has the archives alone.
func (a *archived) note(key string, ev *event) {
	name, _, _ := strings.Cut(key, "/")
	if a.events[name] == nil {
		a.events[name] = map[string]archivedEvent{}
	}
	a.events[name][key] = archivedEvent{ev.Time, len(ev.text)}
}

// add writes an event into an archive's journal, which the caller flushes.
func (a *archived) add(to *archive, ev *event) {
	key, record := to.Name+"/"+dispatch.NewRequestID(), ev.record()
	a.journal.Put(key, record)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(key, ev)
	if a.memory != nil {
		a.memory[key] = record
	}
}

// drop removes the events of an archive that happened before a time; the zero time stands for all.
func (a *archived) drop(name string, before time.Time) error {
	a.mu.Lock()
	for key, e := range a.events[name] {
		if before.IsZero() || e.at.Before(before) {
			delete(a.events[name], key)
			delete(a.memory, key)
			a.journal.Delete(key)
		}
	}
	a.mu.Unlock()
	return a.journal.Flush()
}

// size returns the number of an archive's events, and the bytes of their text.
func (a *archived) size(name string) (count, bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events[name] {
		count++
		bytes += int64(e.size)
	}
	return count, bytes
}

// each calls f with the events of an archive that happened from start on and before end, in no promised order, until f
// returns an error.
func (a *archived) each(name string, start, end time.Time, f func(*event) error) error {
	a.mu.Lock()
	wanted := map[string]bool{}
	for key, e := range a.events[name] {
		if !e.at.Before(start) && e.at.Before(end) {
			wanted[key] = true
		}
	}
	memory := maps.Clone(a.memory)
	a.mu.Unlock()
	use := func(key string, record []byte) error {
		if !wanted[key] {
			return nil
		}
		ev, err := eventOf(record)
		if err != nil {
			return fmt.Errorf("reading the archived event %s: %w", key, err)
		}
		return f(ev)
	}
	for _, key := range slices.Sorted(maps.Keys(memory)) {
		if err := use(key, memory[key]); err != nil {
			return err
		}
	}
	for r, err := range a.journal.All() {
		if err != nil {
			return fmt.Errorf("reading the archive %s: %w", name, err)
		}
		if err := use(r.Key, r.Value); err != nil {
			return err
		}
	}
	return nil
}

// expiryEvery is how often archives are looked through for events that are past their retention.
const expiryEvery = time.Hour

// awaitExpiry sets the timer for that. The caller holds mu.
func (s *Service) awaitExpiry() {
	const timer = "" // no rule's key
	s.stopTimer(timer)
	if !s.open || !slices.ContainsFunc(slices.Collect(rows(s.archives)), func(a archive) bool { return a.RetentionDays > 0 }) {
		return
	}
	s.timers[timer] = s.d.Clock.AfterFunc(expiryEvery, func() {
		for a := range rows(s.archives) {
			if a.RetentionDays == 0 {
				continue
			}
			if err := s.archived.drop(a.Name, s.now().AddDate(0, 0, -a.RetentionDays)); err != nil {
				s.d.Logf("dropping what is past the retention of the archive %s: %v", a.Name, err)
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.awaitExpiry()
	})
}

// rows yields a table's records without their keys.
func rows[T any](t *store.Table[T]) func(func(T) bool) {
	return func(yield func(T) bool) {
		for _, row := range t.All() {
			if !yield(row) {
				return
			}
		}
	}
}

func (s *Service) findArchive(name string) (archive, error) {
	a, ok := s.archives.Get(name)
	if !ok {
		return a, notFound("Archive %s does not exist.", name)
	}
	return a, nil
}

func (s *Service) viewArchive(a archive) Archive {
	count, bytes := s.archived.size(a.Name)
	return Archive{ArchiveName: a.Name, EventSourceArn: s.busARN(a.Bus), State: enabled, RetentionDays: a.RetentionDays, SizeBytes: bytes, EventCount: count,
		KmsKeyIdentifier: a.Key, CreationTime: dispatch.Time{Time: a.Created}}
}

// checkArchive checks what archives are created and changed with.
func (s *Service) checkArchive(ctx context.Context, c *dispatch.Call, a *archive) error {
	var p problems
	p.text("archiveName", a.Name, 1, 48, nameForm)
	p.text("description", a.Description, 0, 512, nil)
	p.number("retentionDays", &a.RetentionDays, 0, 1<<31-1)
	if err := p.err(); err != nil {
		return err
	}
	if a.Pattern != "" {
		if _, err := compile(a.Pattern); err != nil {
			return err
		}
	}
	if a.Key == "" {
		return nil
	}
	return s.mayUseKey(ctx, c.Principal, a.Key, s.busARN(a.Bus))
}

// putArchive writes an archive down and puts it into force. The caller holds the lock for changes.
func (s *Service) putArchive(a archive) (*ArchiveOutput, error) {
	if err := s.archives.Put(a.Name, a); err != nil {
		return nil, err
	}
	s.index.forget(a.Bus)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaitExpiry()
	return &ArchiveOutput{s.archiveARN(a.Name), enabled, dispatch.Time{Time: a.Created}}, nil
}

func (s *Service) createArchive(ctx context.Context, c *dispatch.Call, in *CreateArchiveInput) (*ArchiveOutput, error) {
	b, err := s.findBus(in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	a := archive{Name: in.ArchiveName, Bus: b.Name, Description: in.Description, Pattern: in.EventPattern, RetentionDays: in.RetentionDays, Key: in.KmsKeyIdentifier, Created: s.now()}
	if err := s.checkArchive(ctx, c, &a); err != nil {
		return nil, err
	}
	s.change.Lock()
	defer s.change.Unlock()
	if _, known := s.archives.Get(a.Name); known {
		return nil, dispatch.Errorf("ResourceAlreadyExistsException", "Archive %s already exists.", a.Name)
	}
	return s.putArchive(a)
}

func (s *Service) updateArchive(ctx context.Context, c *dispatch.Call, in *UpdateArchiveInput) (*ArchiveOutput, error) {
	s.change.Lock()
	defer s.change.Unlock()
	a, err := s.findArchive(in.ArchiveName)
	if err != nil {
		return nil, err
	}
	key := a.Key
	set(&a.Description, in.Description)
	set(&a.Pattern, in.EventPattern)
	set(&a.RetentionDays, in.RetentionDays)
	set(&key, in.KmsKeyIdentifier)
	a.Key = key
	if err := s.checkArchive(ctx, c, &a); err != nil {
		return nil, err
	}
	return s.putArchive(a)
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

func (s *Service) describeArchive(_ context.Context, _ *dispatch.Call, in *ArchiveInput) (*Archive, error) {
	a, err := s.findArchive(in.ArchiveName)
	if err != nil {
		return nil, err
	}
	out := s.viewArchive(a)
	out.ArchiveArn, out.Description, out.EventPattern = s.archiveARN(a.Name), a.Description, a.Pattern
	return &out, nil
}

func (s *Service) deleteArchive(_ context.Context, _ *dispatch.Call, in *ArchiveInput) (*Empty, error) {
	s.change.Lock()
	defer s.change.Unlock()
	a, err := s.findArchive(in.ArchiveName)
	if err != nil {
		return nil, err
	}
	if _, err := s.archives.Delete(a.Name); err != nil {
		return nil, err
	}
	s.index.forget(a.Bus)
	return &Empty{}, s.archived.drop(a.Name, time.Time{})
}

func (s *Service) listArchives(_ context.Context, _ *dispatch.Call, in *ListArchivesInput) (*ListArchivesOutput, error) {
	source := ""
	if in.EventSourceArn != "" {
		b, err := s.findBus(in.EventSourceArn)
		if err != nil {
			return nil, err
		}
		source = b.Name
	}
	archives, next, err := listed(s.archives, in.Limit, in.NextToken, func(a archive) bool {
		return strings.HasPrefix(a.Name, in.NamePrefix) && (source == "" || a.Bus == source) && (in.State == "" || in.State == enabled)
	}, s.viewArchive)
	return &ListArchivesOutput{archives, next}, err
}
