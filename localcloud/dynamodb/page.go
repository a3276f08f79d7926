package dynamodb

import (
	"slices"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

// page is a Query or a Scan after its parameters were checked: a range of keys of a table or an index, and what becomes of
// the items in it.
type page struct {
	table      *table
	at         int    // of the index among the table's; -1: the table itself
	index      *index // nil: the table itself
	from, to   string // keys from and before which
	reverse    bool
	limit      int // 0: none
	consistent bool
	filter     func(Item) bool
	projection *dynamodbexpr.Projection
	whole      bool // items are fetched from the table though a local index does not have all attributes
	countOnly  bool
	capacity   *string
}

// pageLimit is how much a page may read, in bytes as stored.
const pageLimit = 1 << 20

// run reads a page. The caller holds the table's lock for reading.
func (p *page) run(s *space) (*PageOutput, error) {
	out := &PageOutput{}
	items := []Item{}
	entries := &s.items
	if p.index != nil {
		entries = s.indexes[p.at]
	}
	sortKey := ""
	if len(p.table.keys) > 1 {
		sortKey = p.table.keys[1].name
	}
	var last Item
	var failure error
	bytes, tableBytes, indexBytes := 0, 0, 0
	visit := func(key string, e *entry) bool {
		if !p.reverse && key >= p.to || p.reverse && key < p.from {
			return false
		}
		item, err := e.item()
		if err != nil {
			failure = err
			return false
		}
		last = item
		seen := item
		if p.index != nil {
			seen = project(p.index.projected, item)
			indexBytes += seen.Size()
		} else {
			tableBytes += item.Size()
		}
		if p.whole {
			seen = item
			tableBytes += item.Size()
		}
		out.ScannedCount++
		bytes += storedSize(seen, sortKey)
		if p.filter == nil || p.filter(seen) {
			out.Count++
			if !p.countOnly {
				items = append(items, project(p.projection, seen))
			}
		}
		return (p.limit == 0 || out.ScannedCount < p.limit) && bytes < pageLimit
	}
	if p.reverse {
		entries.descend(p.to, visit)
	} else {
		entries.ascend(p.from, visit)
	}
	if failure != nil {
		return nil, failure
	}
	if last != nil && (p.limit > 0 && out.ScannedCount >= p.limit || bytes >= pageLimit) {
		out.LastEvaluatedKey = Item{}
		for _, name := range p.table.keyNames(p.index) {
			out.LastEvaluatedKey[name] = last[name]
		}
	}
	if !p.countOnly {
		out.Items = &items
	}
	out.ConsumedCapacity = consumed(p.capacity, p.table.name, p.units(tableBytes, indexBytes))
	return out, nil
}

func (p *page) units(tableBytes, indexBytes int) units {
	cost := func(bytes int) float64 {
		n := float64((bytes + 4095) / 4096)
		if !p.consistent {
			n /= 2
		}
		return n
	}
	u := units{table: cost(tableBytes)}
	if p.index != nil {
		u.index(p.index.name, p.index.global, cost(indexBytes))
	}
	return u
}

// storedSize is an item's size as DynamoDB counts it towards the limit of a page: names take a byte, and the sort key is
// repeated with each block of 3 KB. This was found out by experiment, by the authors of dynalite.
func storedSize(item Item, sortKey string) int {
	size, sortSize := 0, 0
	for name, v := range item {
		if name == sortKey {
			sortSize = v.Size()
		} else {
			size += 1 + storedValueSize(v)
		}
	}
	return 2 + size + (1+(1+size)/3072)*(18+sortSize)
}

func storedValueSize(v Value) int {
	size := v.Size()
	switch v.Kind() {
	case dynamodbexpr.KindS:
		switch {
		case size < 128:
			return size + 1
		case size < 16384:
			return size + 2
		}
		return size + 3
	case dynamodbexpr.KindB, dynamodbexpr.KindN:
		return size + 1
	case dynamodbexpr.KindSS, dynamodbexpr.KindNS, dynamodbexpr.KindBS:
		return size + len(v.Members()) + 1
	case dynamodbexpr.KindNull:
		return 0
	case dynamodbexpr.KindL:
		size = 3
		for _, e := range v.List() {
			size += 1 + storedValueSize(e)
		}
	case dynamodbexpr.KindM:
		size = 3 + 2*len(v.Map())
		for _, e := range v.Map() {
			size += storedValueSize(e)
		}
	}
	return size
}

// keysOf returns the hash and the sort attributes of what the page reads.
func (p *page) keysOf() (hash, sort []attribute) {
	if p.index != nil {
		return p.index.hash, p.index.sort
	}
	return p.table.keys[:1], p.table.keys[1:]
}

// startKey returns the stored key of an ExclusiveStartKey that was checked.
func (p *page) startKey(key Item) string {
	if p.index != nil {
		return p.index.keyOf(p.table, key)
	}
	return keyOf(p.table.keys, key)
}

// begin lets the page begin after a key.
func (p *page) begin(key Item) {
	if key == nil {
		return
	}
	if at := p.startKey(key); p.reverse {
		p.to = min(p.to, at)
	} else {
		p.from = max(p.from, at+"\x00")
	}
}

// choose settles which attributes come out of an index.
func (p *page) choose(wanted *string) error {
	x := p.index
	if x == nil || x.projected == nil {
		return nil
	}
	if is(wanted, "ALL_ATTRIBUTES") {
		if x.global {
			return invalid(parameters+"Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.name)
		}
		p.whole = true
	}
	if p.projection == nil || p.whole {
		return nil
	}
	for _, path := range p.projection.Paths {
		name := path.Head()
		if slices.ContainsFunc(x.projected.Paths, func(has dynamodbexpr.Path) bool { return has.Head() == name }) {
			continue
		}
		if x.global {
			return invalid(parameters+"Global secondary index %s does not project [%s]", x.name, name)
		}
		p.whole = true
	}
	return nil
}
