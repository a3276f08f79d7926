package healthlake

import (
	"cmp"
	"iter"
	"slices"
)

// timeline holds the current versions of one type's resources in the order of their last update, so that a window of
// time is found in O(log n). Times are unique within a data store. The zero value is empty.
type timeline struct {
	blocks [][]moment // none is empty
	size   int
}

// moment is a resource at the time of its last update, in nanoseconds since 1970.
type moment struct {
	at int64
	r  *record
}

// blockSize bounds what adding and removing have to move.
const blockSize = 512

// block returns the index of the first block whose last moment is at or after a time.
func (t *timeline) block(at int64) int {
	i, _ := slices.BinarySearchFunc(t.blocks, at, func(b []moment, at int64) int { return cmp.Compare(b[len(b)-1].at, at) })
	return i
}

func find(b []moment, at int64) (int, bool) {
	return slices.BinarySearchFunc(b, at, func(m moment, at int64) int { return cmp.Compare(m.at, at) })
}

// add puts a resource at a time, which is nearly always the latest.
func (t *timeline) add(at int64, r *record) {
	t.size++
	i := t.block(at)
	if i == len(t.blocks) {
		if i > 0 && len(t.blocks[i-1]) < blockSize {
			t.blocks[i-1] = append(t.blocks[i-1], moment{at, r})
			return
		}
		t.blocks = append(t.blocks, append(make([]moment, 0, 16), moment{at, r}))
		return
	}
	b := t.blocks[i]
	j, _ := find(b, at)
	b = slices.Insert(b, j, moment{at, r})
	t.blocks[i] = b
	if len(b) > blockSize {
		t.blocks = slices.Insert(t.blocks, i+1, slices.Clone(b[blockSize/2:]))
		clear(b[blockSize/2:])
		t.blocks[i] = b[:blockSize/2]
	}
}

// remove takes away what stands at a time.
func (t *timeline) remove(at int64) {
	i := t.block(at)
	if i == len(t.blocks) {
		return
	}
	j, ok := find(t.blocks[i], at)
	if !ok {
		return
	}
	t.size--
	t.blocks[i] = slices.Delete(t.blocks[i], j, j+1)
	if len(t.blocks[i]) == 0 {
		t.blocks = slices.Delete(t.blocks, i, i+1)
	}
}

// between yields what stands in [from, to), oldest first, or newest first.
func (t *timeline) between(from, to int64, newestFirst bool) iter.Seq[moment] {
	return func(yield func(moment) bool) {
		if newestFirst {
			for i := min(t.block(to), len(t.blocks)-1); i >= 0; i-- {
				b := t.blocks[i]
				for j, _ := find(b, to); j > 0; j-- {
					if b[j-1].at < from || !yield(b[j-1]) {
						return
					}
				}
			}
			return
		}
		for i := t.block(from); i < len(t.blocks); i++ {
			b := t.blocks[i]
			for j, _ := find(b, from); j < len(b); j++ {
				if b[j].at >= to || !yield(b[j]) {
					return
				}
			}
		}
	}
}
