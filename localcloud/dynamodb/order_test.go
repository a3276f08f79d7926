package dynamodb

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/carepath/carepath/lang/dynamodbexpr"
)

// TestTreeIsAnOrderedMap does the same to a tree and to a map.
func TestTreeIsAnOrderedMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var made tree[int]
		model := map[string]int{}
		key := rapid.StringMatching(`[a-z]{1,2}`)
		for i := range rapid.IntRange(0, 1500).Draw(t, "changes") {
			k := key.Draw(t, "key")
			if i%3 == 2 {
				made.delete(k)
				delete(model, k)
			} else {
				made.set(k, i)
				model[k] = i
			}
		}
		keys := slices.Sorted(maps.Keys(model))
		from := key.Draw(t, "from")
		at, _ := slices.BinarySearch(keys, from)
		var up, down []string
		made.ascend(from, func(k string, v int) bool {
			if model[k] != v {
				t.Fatalf("%s is %d, want %d", k, v, model[k])
			}
			up = append(up, k)
			return true
		})
		made.descend(from, func(k string, _ int) bool { down = append(down, k); return true })
		before := slices.Clone(keys[:at])
		slices.Reverse(before)
		if made.n != len(keys) || !slices.Equal(up, keys[at:]) || !slices.Equal(down, before) {
			t.Fatalf("from %s: %v and %v of %v", from, up, down, keys)
		}
	})
}

// TestStoredOrder holds that stored keys have the order of their values, and that none is the beginning of another.
func TestStoredOrder(t *testing.T) {
	number := rapid.Map(rapid.StringMatching(`-?[0-9]{1,8}(\.[0-9]{1,3})?(e-?[0-9]{1,2})?`), dynamodbexpr.Number)
	text := rapid.Map(rapid.StringOf(rapid.SampledFrom([]rune{0, 1, 'a', 'b', 0xff})), dynamodbexpr.String)
	check := func(t *rapid.T, a, b Value, order int) {
		x, y := string(appendOrdered(nil, a)), string(appendOrdered(nil, b))
		if cmp.Compare(x, y) != order {
			t.Fatalf("%s and %s are stored as %x and %x", a.AppendJSON(nil), b.AppendJSON(nil), x, y)
		}
		if order != 0 && (strings.HasPrefix(x, y) || strings.HasPrefix(y, x)) {
			t.Fatalf("%x is the beginning of %x", x, y)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		check(t, a, b, dynamodbexpr.CompareNumbers(a.Text(), b.Text()))
		c, d := text.Draw(t, "c"), text.Draw(t, "d")
		check(t, c, d, strings.Compare(c.Text(), d.Text()))
		if begins := strings.HasPrefix(d.Text(), c.Text()); begins != strings.HasPrefix(string(appendOrdered(nil, d)), string(appendPrefix(nil, c))) {
			t.Fatalf("%q begins with %q: %v", d.Text(), c.Text(), begins)
		}
	})
}
