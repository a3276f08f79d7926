package dynamodb

import (
	"slices"
	"sort"
)

// tree is a map in the order of its keys: a list of sorted chunks, so that a search is two binary searches and an insertion
// moves no more than a chunk.
type tree[V any] struct {
	chunks []*chunk[V]
	n      int
}

type chunk[V any] struct {
	keys   []string
	values []V
}

const chunkSize = 256

// find returns where a key is, or where it would be inserted.
func (t *tree[V]) find(key string) (c, i int, found bool) {
	c = sort.Search(len(t.chunks), func(c int) bool { return t.chunks[c].keys[0] > key }) - 1
	if c < 0 {
		return 0, 0, false
	}
	i, found = slices.BinarySearch(t.chunks[c].keys, key)
	return c, i, found
}

func (t *tree[V]) get(key string) (V, bool) {
	c, i, found := t.find(key)
	if !found {
		var none V
		return none, false
	}
	return t.chunks[c].values[i], true
}

func (t *tree[V]) set(key string, v V) {
	c, i, found := t.find(key)
	if found {
		t.chunks[c].values[i] = v
		return
	}
	t.n++
	if len(t.chunks) == 0 {
		t.chunks = append(t.chunks, &chunk[V]{keys: []string{key}, values: []V{v}})
		return
	}
	at := t.chunks[c]
	at.keys = slices.Insert(at.keys, i, key)
	at.values = slices.Insert(at.values, i, v)
	if len(at.keys) > chunkSize {
		half := len(at.keys) / 2
		if c == len(t.chunks)-1 && i == len(at.keys)-1 {
			half = len(at.keys) - 1 // keys come in order: leave full chunks behind
		}
		next := &chunk[V]{keys: slices.Clone(at.keys[half:]), values: slices.Clone(at.values[half:])}
		at.keys, at.values = slices.Clone(at.keys[:half]), slices.Clone(at.values[:half])
		t.chunks = slices.Insert(t.chunks, c+1, next)
	}
}

func (t *tree[V]) delete(key string) {
	c, i, found := t.find(key)
	if !found {
		return
	}
	t.n--
	at := t.chunks[c]
	at.keys = slices.Delete(at.keys, i, i+1)
	at.values = slices.Delete(at.values, i, i+1)
	switch {
	case len(at.keys) == 0:
		t.chunks = slices.Delete(t.chunks, c, c+1)
	case c+1 < len(t.chunks) && len(at.keys)+len(t.chunks[c+1].keys) < chunkSize/4:
		at.keys = append(at.keys, t.chunks[c+1].keys...)
		at.values = append(at.values, t.chunks[c+1].values...)
		t.chunks = slices.Delete(t.chunks, c+1, c+2)
	}
}

// ascend calls f with the entries from the key on, in order, until f returns false.
func (t *tree[V]) ascend(from string, f func(key string, v V) bool) {
	c, i, _ := t.find(from)
	for ; c < len(t.chunks); c, i = c+1, 0 {
		for at := t.chunks[c]; i < len(at.keys); i++ {
			if !f(at.keys[i], at.values[i]) {
				return
			}
		}
	}
}

// descend calls f with the entries before the key, in reverse order, until f returns false.
func (t *tree[V]) descend(before string, f func(key string, v V) bool) {
	if len(t.chunks) == 0 {
		return
	}
	c, i, _ := t.find(before)
	for {
		for at := t.chunks[c]; i > 0; i-- {
			if !f(at.keys[i-1], at.values[i-1]) {
				return
			}
		}
		if c == 0 {
			return
		}
		c--
		i = len(t.chunks[c].keys)
	}
}
