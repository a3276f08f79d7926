package dynamodb

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/store"
)

// log keeps the items: one record for each, by its table's id and its stored key. The records of a transaction are
// preceded by one that holds them all and is removed after them, so that a process that dies between them leaves what
// completes the transaction.
type log struct {
	journal *store.Journal
}

const (
	itemRecord        = "i" // then the table's id and the item's stored key
	transactionRecord = "x" // then its id
	tokenRecord       = "t" // then the client's token

	recordPut    = 1
	recordDelete = 2
)

func openLog(s *store.Store) (*log, error) {
	journal, err := store.NewJournal(s, "dynamodb")
	return &log{journal}, err
}

func itemKey(tableID, at string) string { return itemRecord + tableID + at }

// one notes a single write; it is kept when flush has returned.
func (l *log) one(w *write) {
	switch {
	case w.new != nil:
		l.journal.Put(itemKey(w.table.id, w.at), []byte(w.image))
	case w.entry != nil:
		l.journal.Delete(itemKey(w.table.id, w.at))
	}
}

// transaction notes the writes of a transaction, and the record of its token if it has one.
func (l *log) transaction(id string, writes []*write, token string, tokenValue []byte) {
	var b []byte
	for _, w := range writes {
		if !w.checkOnly {
			b = w.appendRecord(b)
		}
	}
	if len(writes) > 1 {
		l.journal.Put(transactionRecord+id, b)
	}
	for _, w := range writes {
		if !w.checkOnly {
			l.one(w)
		}
	}
	if token != "" {
		l.journal.Put(tokenRecord+token, tokenValue)
	}
	if len(writes) > 1 {
		l.journal.Delete(transactionRecord + id)
	}
}

// drop forgets the items of a table that is gone.
func (l *log) drop(t *table) {
	t.space.items.ascend("", func(at string, _ *entry) bool {
		l.journal.Delete(itemKey(t.id, at))
		return true
	})
}

func (l *log) flush() error {
	if err := l.journal.Flush(); err != nil {
		return fmt.Errorf("keeping items: %w", err)
	}
	return nil
}

// appendRecord appends a write's form in the record of its transaction.
func (w *write) appendRecord(b []byte) []byte {
	b = appendText(b, w.table.id)
	b = appendText(b, w.at)
	if w.new == nil {
		return append(b, recordDelete)
	}
	return appendText(append(b, recordPut), w.image)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errDamaged = errors.New("a record is damaged")

func cutText(b []byte) (text string, rest []byte, err error) {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)-width) {
		return "", nil, errDamaged
	}
	return string(b[width:][:n]), b[width+int(n):], nil
}

// restore reads the items back, and completes transactions that the process died in.
func (s *Service) restore() error {
	byID := make(map[string]*table, len(s.byName))
	for _, t := range s.byName {
		byID[t.id] = t
	}
	var unfinished []store.Record
	for r, err := range s.log.journal.All() {
		if err != nil {
			return err
		}
		switch kind, rest := r.Key[:1], r.Key[1:]; kind {
		case transactionRecord:
			unfinished = append(unfinished, r)
		case tokenRecord:
			s.tokens.restore(rest, r.Value, s.now())
		case itemRecord:
			if len(rest) < idLength {
				return errDamaged
			}
			t := byID[rest[:idLength]]
			if t == nil {
				s.log.journal.Delete(r.Key) // its table was deleted
				continue
			}
			if err := t.restore(rest[idLength:], string(r.Value)); err != nil {
				return err
			}
		}
	}
	for _, r := range unfinished {
		if err := s.complete(byID, r.Value); err != nil {
			return err
		}
		s.log.journal.Delete(r.Key)
	}
	for _, t := range s.byName {
		if err := s.watch(t); err != nil {
			return err
		}
	}
	return s.log.flush()
}

// restore puts an item back into an empty place.
func (t *table) restore(at, image string) error {
	var item Item
	if len(t.indexes) > 0 {
		var err error
		if item, err = dynamodbexpr.DecodeItem(image); err != nil {
			return err
		}
	} else {
		item = Item{}
	}
	t.put(&t.space, at, nil, item, image)
	return nil
}

// complete carries out the writes of a transaction again: some of them may be there already.
func (s *Service) complete(byID map[string]*table, b []byte) error {
	for len(b) > 0 {
		id, rest, err := cutText(b)
		if err != nil {
			return err
		}
		w := &write{}
		if w.at, rest, err = cutText(rest); err != nil || len(rest) == 0 {
			return errDamaged
		}
		kind := rest[0]
		b = rest[1:]
		if kind == recordPut {
			if w.image, b, err = cutText(b); err != nil {
				return err
			}
			if w.new, err = dynamodbexpr.DecodeItem(w.image); err != nil {
				return err
			}
		}
		if w.table = byID[id]; w.table == nil {
			continue
		}
		if w.entry, _ = w.table.space.items.get(w.at); w.entry != nil {
			if w.old, err = w.entry.item(); err != nil {
				return err
			}
		}
		s.log.one(w)
		w.apply()
	}
	return nil
}

func (l *log) forgetTokens(tokens []string) {
	for _, t := range tokens {
		l.journal.Delete(tokenRecord + t)
	}
}
