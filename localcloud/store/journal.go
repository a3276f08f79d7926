package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Journal is a set of records by key for data that flows: written through to an append-only log, at a small part of the
// cost of a Table's transaction, and read back once, when it is opened. It keeps in memory where its records are, not what
// they hold.
//
// What Flush has confirmed survives the death of the process, kill -9 included: it has been handed to the operating
// system by write(2). It is not synced to the disk, so a loss of the machine's power may take the newest records.
//
// The log is a row of segments. Whole segments that hold nothing current go; once the log is larger than twice what is
// current, and 16 MB, the current records of the oldest segments are written anew at its end.
//
// A Journal is safe for concurrent use.
type Journal struct {
	dir         string // empty: memory only, and nothing is kept
	segmentSize int64

	writing sync.Mutex // held while files are written; taken before mu
	file    *os.File
	from    int64 // where the file's segment begins
	written int64 // up to here the log is in the files

	mu       sync.Mutex
	err      error  // why nothing can be written any more
	buffer   []byte // what is appended and not yet written
	spare    []byte // the next buffer
	appended int64
	segments []*segment // oldest first
	current  map[string]place
	size     int64 // of the current records
}

// segment is one file of a journal. Positions count the bytes of the whole log since its beginning.
type segment struct {
	from int64
	size int64    // of its current records
	read *os.File // nil until Get has wanted it
}

// place is where the log has a record.
type place struct {
	at   int64
	size int64
}

const (
	segmentSize = 8 << 20
	headerSize  = 8 // length and checksum of what follows
	segmentExt  = ".log"

	kindPut    = 1
	kindDelete = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// NewJournal opens the journal of that name, which has its own folder beside the store's file, or none if the store is
// memory only. The store closes it. A last record that was not written to its end is dropped: nobody was told that it
// was there. Any other damage is an error.
func NewJournal(s *Store, name string) (*Journal, error) {
	if s.db == nil {
		return &Journal{}, nil
	}
	j, err := openJournal(filepath.Join(s.db.Path()+".journal", name), segmentSize)
	if err != nil {
		return nil, fmt.Errorf("opening the journal of %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journals = append(s.journals, j)
	return j, nil
}

func openJournal(dir string, segmentSize int64) (*Journal, error) {
	j := &Journal{dir: dir, segmentSize: segmentSize, current: map[string]place{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := j.replay(); err != nil {
		return nil, err
	}
	if len(j.segments) == 0 {
		j.segments = []*segment{{}}
	}
	last := j.segments[len(j.segments)-1]
	j.from = last.from
	var err error
	if j.file, err = os.OpenFile(j.path(last), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := j.clean(); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

func (j *Journal) path(s *segment) string {
	return filepath.Join(j.dir, fmt.Sprintf("%016x%s", s.from, segmentExt))
}

// replay finds the records in the files.
func (j *Journal) replay() error {
	files, err := os.ReadDir(j.dir) // sorted by name, which is where a segment begins
	if err != nil {
		return err
	}
	for i, file := range files {
		from, err := strconv.ParseInt(strings.TrimSuffix(file.Name(), segmentExt), 16, 64)
		if err != nil {
			return fmt.Errorf("%s does not belong to the journal", filepath.Join(j.dir, file.Name()))
		}
		s := &segment{from: from}
		if i > 0 && from != j.appended {
			return fmt.Errorf("%s is damaged: the log lacks what stands before it", j.path(s))
		}
		log, err := os.ReadFile(j.path(s))
		if err != nil {
			return err
		}
		j.segments = append(j.segments, s)
		j.appended = from
		good, err := walk(log, i == len(files)-1, func(record []byte, kind byte, key string, _ []byte) {
			j.note(kind, key, int64(len(record)))
		})
		if err != nil {
			return fmt.Errorf("%s: %w", j.path(s), err)
		}
		if good < len(log) {
			if err := os.Truncate(j.path(s), int64(good)); err != nil {
				return err
			}
		}
	}
	j.written = j.appended
	return nil
}

// walk yields the records of a segment and returns where they end. In the last segment the end may be torn.
func walk(log []byte, last bool, f func(record []byte, kind byte, key string, value []byte)) (good int, err error) {
	for good < len(log) {
		rest := log[good:]
		end := headerSize
		if len(rest) >= headerSize {
			end += int(binary.LittleEndian.Uint32(rest))
		}
		whole := end <= len(rest) && end > headerSize
		if whole {
			body := rest[headerSize:end]
			if whole = crc32.Checksum(body, castagnoli) == binary.LittleEndian.Uint32(rest[4:]); whole {
				n, width := binary.Uvarint(body[1:])
				key := body[1+width:][:n]
				f(rest[:end], body[0], string(key), body[1+width+int(n):])
			}
		}
		if !whole {
			if last && end >= len(rest) {
				return good, nil
			}
			return good, fmt.Errorf("the record at byte %d is damaged; delete the journal's folder to begin without its records", good)
		}
		good += end
	}
	return good, nil
}

// note accounts for a record at the end of the log. The caller holds mu, or has the journal alone.
func (j *Journal) note(kind byte, key string, size int64) {
	if old, ok := j.current[key]; ok {
		j.segmentAt(old.at).size -= old.size
		j.size -= old.size
	}
	if kind == kindPut {
		j.current[key] = place{j.appended, size}
		j.segments[len(j.segments)-1].size += size
		j.size += size
	} else {
		// Its record may go with the oldest segment: all that it deletes stands before it.
		delete(j.current, key)
	}
	j.appended += size
}

func (j *Journal) segmentAt(at int64) *segment {
	i := len(j.segments) - 1
	for j.segments[i].from > at {
		i--
	}
	return j.segments[i]
}

// Put makes value the record of a key, once Flush has confirmed it.
func (j *Journal) Put(key string, value []byte) { j.append(kindPut, key, value) }

// Delete removes the record of a key, once Flush has confirmed it. Without such a record it does nothing.
func (j *Journal) Delete(key string) { j.append(kindDelete, key, nil) }

func (j *Journal) append(kind byte, key string, value []byte) {
	if j.dir == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return
	}
	if _, known := j.current[key]; kind == kindDelete && !known {
		return
	}
	start := len(j.buffer)
	b := append(j.buffer, make([]byte, headerSize)...)
	b = append(b, kind)
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = append(b, key...)
	b = append(b, value...)
	record := b[start:]
	binary.LittleEndian.PutUint32(record, uint32(len(record)-headerSize))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(record[headerSize:], castagnoli))
	j.buffer = b
	j.rotate()
	j.note(kind, key, int64(len(record)))
}

// rotate begins a new segment when the last one is full. The caller holds mu.
func (j *Journal) rotate() {
	if j.appended-j.segments[len(j.segments)-1].from >= j.segmentSize {
		j.segments = append(j.segments, &segment{from: j.appended})
	}
}

// Flush returns when all changes made before it survive the process. Concurrent calls share their writes. After an
// error, such as a full disk, the journal takes no more changes until it is opened again.
func (j *Journal) Flush() error {
	if j.dir == "" {
		return nil
	}
	j.mu.Lock()
	wanted, err := j.appended, j.err
	j.mu.Unlock()
	if err != nil {
		return err
	}
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.written >= wanted {
		return nil
	}
	if err = j.drain(); err == nil {
		err = j.clean()
	}
	if err != nil {
		err = fmt.Errorf("writing the journal %s, which takes no more until the next start: %w", j.dir, err)
		j.mu.Lock()
		j.err, j.buffer, j.spare = err, nil, nil
		j.mu.Unlock()
	}
	return err
}

// drain writes the buffer. The caller holds writing.
func (j *Journal) drain() error {
	j.mu.Lock()
	if j.err != nil {
		j.mu.Unlock()
		return j.err
	}
	buffer := j.buffer
	j.buffer, j.spare = j.spare[:0], nil
	pending := j.segments // that have no file yet
	for len(pending) > 0 && pending[0].from <= j.from {
		pending = pending[1:]
	}
	pending = slices.Clone(pending)
	j.mu.Unlock()
	defer func() {
		if cap(buffer) <= 1<<20 {
			j.mu.Lock()
			j.spare = buffer
			j.mu.Unlock()
		}
	}()
	rest := buffer
	for {
		now := rest
		if len(pending) > 0 {
			now = rest[:pending[0].from-j.written]
		}
		if len(now) > 0 {
			if _, err := j.file.Write(now); err != nil {
				return err
			}
		}
		j.written += int64(len(now))
		if rest = rest[len(now):]; len(pending) == 0 {
			return nil
		}
		next, err := os.OpenFile(j.path(pending[0]), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		if err := j.file.Close(); err != nil {
			return errors.Join(err, next.Close())
		}
		j.file, j.from, pending = next, pending[0].from, pending[1:]
	}
}

// clean removes old segments as far as the log is larger than it should be. The caller holds writing.
func (j *Journal) clean() error {
	for {
		j.mu.Lock()
		oldest, idle := j.segments[0], j.segments[0].size == 0
		last := oldest.from == j.from
		enough := j.appended-oldest.from <= 2*j.size+2*j.segmentSize
		j.mu.Unlock()
		if last || enough && !idle {
			return nil
		}
		if !idle {
			if err := j.copyCurrent(oldest); err != nil {
				return err
			}
		}
		// What stands in the buffer may be newer than what stands here: it is written before this goes.
		if err := j.drain(); err != nil {
			return err
		}
		if err := os.Remove(j.path(oldest)); err != nil {
			return err
		}
		j.mu.Lock()
		j.segments = slices.Clone(j.segments[1:])
		err := oldest.forget()
		j.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// copyCurrent appends the current records of a segment anew. The caller holds writing.
func (j *Journal) copyCurrent(s *segment) error {
	log, err := os.ReadFile(j.path(s))
	if err != nil {
		return err
	}
	at := s.from
	if _, err = walk(log, false, func(record []byte, kind byte, key string, _ []byte) {
		j.mu.Lock()
		if p, ok := j.current[key]; ok && p.at == at {
			j.rotate()
			j.buffer = append(j.buffer, record...)
			j.note(kind, key, int64(len(record)))
		}
		j.mu.Unlock()
		at += int64(len(record))
	}); err != nil {
		return fmt.Errorf("%s: %w", j.path(s), err)
	}
	return nil
}

// Durable reports whether the journal has files; one of a store that is memory only keeps nothing.
func (j *Journal) Durable() bool { return j.dir != "" }

// Get reads the current record of a key, confirmed or not, and says whether there is one. The value may be kept.
func (j *Journal) Get(key string) ([]byte, bool, error) {
	for moved := 0; ; moved++ {
		j.mu.Lock()
		p, ok := j.current[key]
		if !ok {
			j.mu.Unlock()
			return nil, false, nil
		}
		unwritten := j.appended - int64(len(j.buffer)) // what drain is writing is neither here nor surely in the files
		if p.at >= unwritten {
			record := slices.Clone(j.buffer[p.at-unwritten:][:p.size])
			j.mu.Unlock()
			return valueOf(record), true, nil
		}
		s := j.segmentAt(p.at)
		j.mu.Unlock()
		record, err := j.readRecord(s, p)
		switch {
		case err == nil:
			return valueOf(record), true, nil
		case moved == 0:
			// It is on its way to the files, or has just been written anew elsewhere: wait for who writes, and look again.
			j.writing.Lock()
			j.writing.Unlock()
		case moved > 3:
			return nil, false, fmt.Errorf("reading %s of the journal %s: %w", key, j.dir, err)
		}
	}
}

// readRecord reads one record from the files.
func (j *Journal) readRecord(s *segment, p place) ([]byte, error) {
	j.mu.Lock()
	if s.read == nil {
		f, err := os.Open(j.path(s))
		if err != nil {
			j.mu.Unlock()
			return nil, err
		}
		s.read = f
	}
	f := s.read
	j.mu.Unlock()
	record := make([]byte, p.size)
	if _, err := f.ReadAt(record, p.at-s.from); err != nil {
		return nil, err
	}
	if crc32.Checksum(record[headerSize:], castagnoli) != binary.LittleEndian.Uint32(record[4:]) {
		return nil, fmt.Errorf("the record at byte %d of %s is damaged", p.at-s.from, j.path(s))
	}
	return record, nil
}

// forget closes what Get has opened of a segment. The caller holds mu.
func (s *segment) forget() error {
	if s.read == nil {
		return nil
	}
	f := s.read
	s.read = nil
	return f.Close()
}

// valueOf returns the value in a whole record.
func valueOf(record []byte) []byte {
	n, width := binary.Uvarint(record[headerSize+1:])
	return record[headerSize+1+width+int(n):]
}

// All yields the records that the files hold, oldest change first but for what has been written anew, or an error as the
// last. The values may be kept.
func (j *Journal) All() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		j.mu.Lock()
		segments, current := slices.Clone(j.segments), maps.Clone(j.current)
		j.mu.Unlock()
		for _, s := range segments {
			log, err := os.ReadFile(j.path(s))
			at, more := s.from, true
			if err == nil {
				_, err = walk(log, true, func(record []byte, _ byte, key string, value []byte) {
					if p, ok := current[key]; ok && p.at == at && more {
						more = yield(Record{key, slices.Clone(value)}, nil)
					}
					at += int64(len(record))
				})
			}
			if !more {
				return
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("reading the journal %s: %w", j.dir, err))
				return
			}
		}
	}
}

// Record is one record of a Journal.
type Record struct {
	Key   string
	Value []byte
}

// close writes what is left and closes the file.
func (j *Journal) close() error {
	err := j.Flush()
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = fmt.Errorf("the journal %s is closed", j.dir)
	}
	for _, s := range j.segments {
		err = errors.Join(err, s.forget())
	}
	return errors.Join(err, j.file.Close())
}
