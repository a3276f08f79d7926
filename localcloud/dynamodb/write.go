package dynamodb

import (
	"context"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// maxItemSize is the most that an item may hold, in bytes.
const maxItemSize = 400 << 10

// write is one change of one item, alone or in a transaction: what was asked for, and then what comes of it.
type write struct {
	table     *table
	key       Item // of all but puts
	item      Item // of puts
	remove    bool
	checkOnly bool
	update    *dynamodbexpr.Update
	condition *dynamodbexpr.Condition
	expected  map[string]dynamodbexpr.Comparison
	anyOf     bool // of expected
	tellOld   bool // when the condition fails
	wantOld   bool // what is there must be decoded

	at    string // the stored key
	entry *entry // what is there; nil: nothing
	old   Item
	new   Item // nil: deleted
	image string
}

// conditional reports whether the write depends on what is there.
func (w *write) conditional() bool { return w.condition != nil || w.expected != nil }

func (w *write) holds(old Item) bool {
	if w.condition != nil {
		return w.condition.Holds(old)
	}
	return dynamodbexpr.AllHold(w.expected, w.anyOf, old)
}

// check refuses a write that does not fit the table. The caller holds the table's lock.
func (w *write) check() error {
	t := w.table
	if t.gone {
		return errNotFound
	}
	if w.item != nil {
		if err := t.checkItem(w.item); err != nil {
			return err
		}
		w.at = keyOf(t.keys, w.item)
		return nil
	}
	if err := t.checkKey(w.key); err != nil {
		return err
	}
	if err := t.checkUpdate(w.update); err != nil {
		return err
	}
	if w.condition != nil {
		if _, nested := w.condition.Heads(); len(nested) > 0 {
			if err := t.checkNested(nested); err != nil {
				return err
			}
		}
	}
	w.at = keyOf(t.keys, w.key)
	return nil
}

// compute finds out what the write makes of the item. The caller holds the table's lock for writing, and check passed.
func (w *write) compute() error {
	t := w.table
	w.old, w.new = nil, nil
	if w.item == nil {
		w.image = ""
	}
	w.entry, _ = t.space.items.get(w.at)
	if w.entry != nil && (w.wantOld || w.conditional() || w.update != nil || len(t.indexes) > 0) {
		var err error
		if w.old, err = w.entry.item(); err != nil {
			return err
		}
	}
	if w.conditional() && !w.holds(w.old) {
		failure := dispatch.Errorf("ConditionalCheckFailedException", "The conditional request failed")
		if w.tellOld && w.old != nil {
			failure.Fields = map[string]any{"Item": w.old}
		}
		return failure
	}
	switch {
	case w.checkOnly || w.remove:
	case w.item != nil:
		w.new = w.item
	default:
		if err := w.change(); err != nil {
			return err
		}
	}
	if w.new != nil && w.image == "" {
		w.image = imageOf(w.new)
	}
	return nil
}

// change applies the update.
func (w *write) change() error {
	base := w.old
	if base == nil {
		base = w.key
	}
	if w.update == nil {
		w.new = base
		return nil
	}
	changed, err := w.update.Apply(base)
	if err != nil {
		return refused(err)
	}
	for _, x := range w.table.indexes {
		for _, k := range x.all {
			if v, ok := changed[k.name]; ok && v.Kind() != k.kind {
				return invalid("The update expression attempted to update the secondary index key to unsupported type")
			}
		}
	}
	if err := w.table.checkIndexKeys(changed); err != nil {
		return err
	}
	if changed.Size() > maxItemSize {
		return invalid("Item size to update has exceeded the maximum allowed size")
	}
	w.new = changed
	return nil
}

func imageOf(item Item) string {
	var buffer [512]byte
	return string(item.Encode(buffer[:0]))
}

// apply changes the table. The caller holds its lock for writing.
func (w *write) apply() {
	if w.checkOnly || w.new == nil && w.entry == nil {
		return
	}
	w.table.put(&w.table.space, w.at, w.old, w.new, w.image)
	if w.table.late != nil {
		w.table.late.later(w.at, w.new, w.image)
	}
}

// put replaces an item in a space, with what that means for its indexes; old and new are nil where there is none. Without
// indexes old may be nil even though there is one.
func (t *table) put(s *space, at string, old, new Item, image string) {
	before, exists := s.items.get(at)
	if exists {
		s.bytes -= int64(len(before.image))
	}
	var made *entry
	if new == nil {
		s.items.delete(at)
	} else {
		made = &entry{at, image}
		if exists {
			made.key = before.key
		}
		s.items.set(made.key, made)
		s.bytes += int64(len(image))
	}
	for i, x := range t.indexes {
		oldKey, newKey := "", ""
		if old != nil && x.has(old) {
			oldKey = x.keyOf(t, old)
		}
		if new != nil && x.has(new) {
			newKey = x.keyOf(t, new)
		}
		if oldKey != "" && oldKey != newKey {
			s.indexes[i].delete(oldKey)
		}
		if newKey != "" {
			s.indexes[i].set(newKey, made)
		}
	}
}

// one carries out a single write: check, condition, log, change.
func (s *Service) one(ctx context.Context, p dispatch.Principal, w *write) error {
	if err := s.unseal(ctx, p, w.table); err != nil {
		return err
	}
	if w.item != nil {
		w.image = imageOf(w.item)
	}
	if err := s.locked(w); err != nil {
		return err
	}
	return s.log.flush()
}

func (s *Service) locked(w *write) error {
	t := w.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := w.check(); err != nil {
		return err
	}
	if t.busy[w.at] {
		return dispatch.Errorf("TransactionConflictException", "Transaction is ongoing for the item")
	}
	if err := w.compute(); err != nil {
		return err
	}
	s.log.one(w)
	w.apply()
	s.expect(w)
	return nil
}
