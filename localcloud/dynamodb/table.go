package dynamodb

import (
	"slices"
	"sync"
	"time"

	"github.com/carepath/carepath/lang/dynamodbexpr"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// record is a table's control plane.
type record struct {
	Name               string
	ID                 string // a UUID: another table of the same name has another
	Created            time.Time
	Attributes         []AttributeDefinition
	Keys               []KeySchemaElement
	Indexes            []indexRecord
	OnDemand           bool
	OnDemandSince      time.Time
	Throughput         Throughput
	Class              string
	DeletionProtection bool
	Tags               map[string]string
	TTLAttribute       string // empty: none
	Recovery           bool
	RecoverySince      time.Time
	RecoveryDays       int
	Key                string // ARN of the KMS key; empty: DynamoDB's own
	KeyType            string // "KMS" when AWS's managed or a customer's key is used
	DataKey            []byte // encrypted with Key
}

// Throughput is provisioned capacity, in units per second.
type Throughput struct {
	Read, Write                int64
	LastIncrease, LastDecrease time.Time
	DecreasesToday             int
}

type indexRecord struct {
	Name       string
	Global     bool
	Keys       []KeySchemaElement
	Projection Projection
	Throughput Throughput
}

// entry is a stored item: its key and its binary form, which is never changed in place.
type entry struct {
	key   string
	image string
}

func (e *entry) item() (Item, error) { return dynamodbexpr.DecodeItem(e.image) }

// space is a set of items with its indexes.
type space struct {
	items   tree[*entry]
	indexes []*tree[*entry] // as in table.indexes
	bytes   int64
}

// index is a secondary index.
type index struct {
	name      string
	global    bool
	hash      []attribute
	sort      []attribute
	all       []attribute              // hash and sort
	projected *dynamodbexpr.Projection // nil: all attributes
	kind      string
}

// has reports whether an item is in the index: it has every key attribute.
func (x *index) has(item Item) bool {
	for _, k := range x.all {
		if item[k.name].Kind() != k.kind {
			return false
		}
	}
	return true
}

// keyOf returns the index's key of an item that it has.
func (x *index) keyOf(t *table, item Item) string {
	var buffer [256]byte
	b := x.prefix(buffer[:0], item)
	for _, k := range x.sort {
		b = appendOrdered(b, item[k.name])
	}
	values := make([]Value, len(t.keys))
	for i, k := range t.keys {
		values[i] = item[k.name]
	}
	b = appendHash(b, values...)
	for _, v := range values {
		b = appendOrdered(b, v)
	}
	return string(b)
}

// prefix appends what the keys of all items with the partition key begin with.
func (x *index) prefix(b []byte, key Item) []byte {
	values := make([]Value, len(x.hash))
	for i, k := range x.hash {
		values[i] = key[k.name]
	}
	b = appendHash(b, values...)
	for _, v := range values {
		b = appendOrdered(b, v)
	}
	return b
}

// table is a table at work. mu guards all that changes.
type table struct {
	name string
	arn  string
	id   string

	mu      sync.RWMutex
	record  record
	keys    []attribute
	indexes []*index
	space   space
	late    *late           // what eventually consistent reads see; nil: the same as all others
	busy    map[string]bool // keys of items in a transaction under way
	expiry  expiries
	gone    bool // deleted
	access  grants
}

// newTable returns an empty table.
func newTable(arn string, r record) *table {
	t := &table{name: r.Name, arn: arn, id: r.ID, busy: map[string]bool{}}
	t.configure(r)
	t.space = t.newSpace()
	return t
}

func (t *table) newSpace() space {
	s := space{indexes: make([]*tree[*entry], len(t.indexes))}
	for i := range s.indexes {
		s.indexes[i] = &tree[*entry]{}
	}
	return s
}

// configure takes over a record's key schema and settings.
func (t *table) configure(r record) {
	t.record = r
	t.keys = attributesOf(r, r.Keys, "")
	t.indexes = nil
	for _, x := range r.Indexes {
		made := &index{name: x.Name, global: x.Global, kind: x.Projection.ProjectionType,
			hash: attributesOf(r, x.Keys, "HASH"), sort: attributesOf(r, x.Keys, "RANGE")}
		made.all = slices.Concat(made.hash, made.sort)
		if x.Projection.ProjectionType != "ALL" {
			var names []string
			for _, k := range slices.Concat(made.all, t.keys) {
				names = append(names, k.name)
			}
			names = append(names, x.Projection.NonKeyAttributes...)
			slices.Sort(names)
			made.projected = dynamodbexpr.Attributes(slices.Compact(names)...)
		}
		t.indexes = append(t.indexes, made)
	}
	// Global indexes come first, as in DynamoDB's messages.
	slices.SortStableFunc(t.indexes, func(a, b *index) int {
		switch {
		case a.global == b.global:
			return 0
		case a.global:
			return -1
		}
		return 1
	})
}

func attributesOf(r record, keys []KeySchemaElement, keyType string) []attribute {
	var all []attribute
	for _, k := range keys {
		if keyType != "" && k.KeyType != keyType {
			continue
		}
		for _, a := range r.Attributes {
			if a.AttributeName == k.AttributeName {
				all = append(all, attribute{k.AttributeName, dynamodbexpr.KindOf(a.AttributeType)})
			}
		}
	}
	return all
}

func (t *table) index(name string) (int, *index) {
	for i, x := range t.indexes {
		if x.name == name {
			return i, x
		}
	}
	return -1, nil
}

// keyNames returns the key attributes of the table, and of an index too.
func (t *table) keyNames(x *index) []string {
	var names []string
	for _, k := range t.keys {
		names = append(names, k.name)
	}
	if x != nil {
		for _, k := range x.all {
			if !slices.Contains(names, k.name) {
				names = append(names, k.name)
			}
		}
	}
	return names
}

const wrongKey = "The provided key element does not match the schema"

// checkKey refuses a key that is not exactly the table's.
func (t *table) checkKey(key Item) error {
	if len(key) != len(t.keys) {
		return invalid(wrongKey)
	}
	for i, k := range t.keys {
		if err := checkKeyPart(key, k, i == 0, "One or more parameter values were invalid: "); err != nil {
			return err
		}
	}
	return nil
}

func checkKeyPart(key Item, k attribute, isHash bool, blame string) error {
	v := key[k.name]
	if v.Kind() != k.kind {
		return invalid(wrongKey)
	}
	if err := checkNotEmpty(v, k, blame); err != nil {
		return err
	}
	return checkKeySize(v, isHash)
}

func checkNotEmpty(v Value, k attribute, blame string) error {
	if v.Text() != "" {
		return nil
	}
	return invalid("%sThe AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", blame, emptyNames[k.kind], k.name)
}

var emptyNames = map[dynamodbexpr.Kind]string{dynamodbexpr.KindS: "string", dynamodbexpr.KindB: "binary"}

// checkKeySize refuses keys that are too long. The message lacks a space, as DynamoDB's does.
func checkKeySize(v Value, isHash bool) error {
	switch n := len(v.Text()); {
	case v.Kind() == dynamodbexpr.KindN:
	case isHash && n > 2048:
		return invalid(parameters + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case !isHash && n > 1024:
		return invalid(parameters + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// notValid begins the messages about empty key values in what is written.
const notValid = "One or more parameter values are not valid. "

// checkItem refuses an item that lacks a key or has one of the wrong type, for the table or for an index.
func (t *table) checkItem(item Item) error {
	for i, k := range t.keys {
		v, ok := item[k.name]
		switch {
		case !ok:
			return invalid(parameters+"Missing the key %s in the item", k.name)
		case v.Kind() != k.kind:
			return invalid(parameters+"Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, v.Kind())
		}
		if err := checkNotEmpty(v, k, notValid); err != nil {
			return err
		}
		if err := checkKeySize(v, i == 0); err != nil {
			return err
		}
	}
	return t.checkIndexKeys(item)
}

func (t *table) checkIndexKeys(item Item) error {
	for _, x := range t.indexes {
		for i, k := range x.all {
			v, ok := item[k.name]
			switch {
			case !ok:
				continue
			case v.Kind() != k.kind:
				return x.mismatch(k, v.Kind())
			case v.Text() == "":
				return invalid(notValid+"A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyNames[k.kind], x.name, k.name)
			}
			if err := checkKeySize(v, i < len(x.hash)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *index) mismatch(k attribute, actual dynamodbexpr.Kind) error {
	return invalid(parameters+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.name, k.kind, actual, x.name)
}

// checkNested refuses paths that reach into key attributes.
func (t *table) checkNested(nested map[string]bool) error {
	if len(nested) == 0 {
		return nil
	}
	const scalars = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
	for _, k := range t.keys {
		if nested[k.name] {
			return invalid(scalars+"Key: %s", k.name)
		}
	}
	for _, x := range t.indexes {
		for _, k := range x.all {
			if nested[k.name] {
				return invalid(scalars+"IndexKey: %s", k.name)
			}
		}
	}
	return nil
}

// checkUpdate refuses updates of the key, and of index keys to other types.
func (t *table) checkUpdate(u *dynamodbexpr.Update) error {
	if u == nil {
		return nil
	}
	heads := u.Heads()
	for _, k := range t.keys {
		if slices.Contains(heads, k.name) {
			return invalid(parameters+"Cannot update attribute %s. This attribute is part of the key", k.name)
		}
	}
	for _, x := range t.indexes {
		for _, k := range x.all {
			if kind := u.KindOf(k.name); kind != dynamodbexpr.Invalid && kind != k.kind {
				return x.mismatch(k, kind)
			}
		}
	}
	return t.checkNested(u.NestedHeads())
}

var errNotFound = dispatch.Errorf("ResourceNotFoundException", "Requested resource not found")
