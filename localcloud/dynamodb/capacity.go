package dynamodb

import (
	"maps"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

// units are what an operation costs: of the table, and of indexes by name.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-unit-calculations.html
type units struct {
	table  float64
	local  map[string]float64
	global map[string]float64
	// transactional says that these are doubled units of a transaction, of reads or of writes.
	transactional string
}

func (u *units) add(v units) {
	u.table += v.table
	for name, n := range v.local {
		u.index(name, false, n)
	}
	for name, n := range v.global {
		u.index(name, true, n)
	}
}

func (u *units) index(name string, global bool, n float64) {
	of := &u.local
	if global {
		of = &u.global
	}
	if *of == nil {
		*of = map[string]float64{}
	}
	(*of)[name] += n
}

func (u units) times(n float64) units {
	u.table *= n
	scale := func(m map[string]float64) map[string]float64 {
		m = maps.Clone(m)
		for name := range m {
			m[name] *= n
		}
		return m
	}
	u.local, u.global = scale(u.local), scale(u.global)
	return u
}

func wantsCapacity(v *string) bool { return is(v, "TOTAL", "INDEXES") }

// blocks returns how many blocks of a size a number of bytes fills, at least one.
func blocks(bytes, size int) float64 { return float64(max(1, (bytes+size-1)/size)) }

// readUnits is the cost of reading that many bytes of one item: a unit for 4 KB, half of it without consistency.
func readUnits(bytes int, consistent bool) units {
	n := blocks(bytes, 4096)
	if !consistent {
		n /= 2
	}
	return units{table: n}
}

// units is the cost of a write that was made, for a caller without the table's lock: a unit for each KB of the larger of the old and the new item, and the same for each index
// that changes with it.
func (w *write) units() units {
	w.table.mu.RLock()
	defer w.table.mu.RUnlock()
	u := units{table: max(blocks(w.old.Size(), 1024), blocks(w.new.Size(), 1024))}
	if w.checkOnly {
		return units{table: blocks(w.old.Size(), 1024)}
	}
	for _, x := range w.table.indexes {
		oldKey, newKey := "", ""
		var oldItem, newItem Item
		if x.has(w.old) {
			oldKey, oldItem = x.keyOf(w.table, w.old), project(x.projected, w.old)
		}
		if x.has(w.new) {
			newKey, newItem = x.keyOf(w.table, w.new), project(x.projected, w.new)
		}
		var n float64
		switch {
		case oldKey == newKey && (oldKey == "" || dynamodbexpr.Map(oldItem).Equal(dynamodbexpr.Map(newItem))):
			continue
		case oldKey == newKey:
			n = max(blocks(oldItem.Size(), 1024), blocks(newItem.Size(), 1024))
		default:
			if oldKey != "" {
				n += blocks(oldItem.Size(), 1024)
			}
			if newKey != "" {
				n += blocks(newItem.Size(), 1024)
			}
		}
		u.index(x.name, x.global, n)
	}
	return u
}

// consumed is what a response says of an operation's cost, as the request wants it: nil, the total, or every index too.
func consumed(wanted *string, tableName string, u units) *ConsumedCapacity {
	if !wantsCapacity(wanted) {
		return nil
	}
	total := u.table
	for _, n := range u.local {
		total += n
	}
	for _, n := range u.global {
		total += n
	}
	out := &ConsumedCapacity{TableName: tableName, Capacity: u.capacity(total)}
	if !is(wanted, "INDEXES") {
		return out
	}
	table := u.capacity(u.table)
	out.Table = &table
	named := func(m map[string]float64) map[string]Capacity {
		if m == nil {
			return nil
		}
		all := make(map[string]Capacity, len(m))
		for name, n := range m {
			all[name] = u.capacity(n)
		}
		return all
	}
	out.LocalSecondaryIndexes, out.GlobalSecondaryIndexes = named(u.local), named(u.global)
	return out
}

func (u units) capacity(n float64) Capacity {
	c := Capacity{CapacityUnits: n}
	switch u.transactional {
	case "read":
		c.ReadCapacityUnits = &n
	case "write":
		c.WriteCapacityUnits = &n
	}
	return c
}

// metrics is the item collection's size, which DynamoDB tells of tables with local indexes; here it is always the first GB.
func (w *write) metrics(wanted *string) *ItemCollectionMetrics {
	if !is(wanted, "SIZE") {
		return nil
	}
	w.table.mu.RLock()
	defer w.table.mu.RUnlock()
	for _, x := range w.table.indexes {
		if !x.global {
			hash := w.table.keys[0].name
			from := w.key
			if w.item != nil {
				from = w.item
			}
			return &ItemCollectionMetrics{ItemCollectionKey: Item{hash: from[hash]}, SizeEstimateRangeGB: []float64{0, 1}}
		}
	}
	return nil
}
