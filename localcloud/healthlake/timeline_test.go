package healthlake

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A timeline answers windows as a sorted list would.
func TestTimeline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line timeline
		var list []int64
		latest := int64(0)
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 2000).Draw(t, "steps")
		for _, step := range steps {
			switch {
			case step > 2 || len(list) == 0:
				latest++
				line.add(2*latest, &record{})
				list = append(list, 2*latest)
			case step == 2: // between two others
				at := list[0] - 1
				if _, taken := slices.BinarySearch(list, at); !taken && at > 0 {
					line.add(at, &record{})
					list = slices.Insert(list, 0, at)
				}
			default:
				i := rapid.IntRange(0, len(list)-1).Draw(t, "removed")
				line.remove(list[i])
				list = slices.Delete(list, i, i+1)
			}
		}
		from, to := rapid.Int64Range(-1, 2*latest+2).Draw(t, "from"), rapid.Int64Range(-1, 2*latest+2).Draw(t, "to")
		var want []int64
		for _, at := range list {
			if from <= at && at < to {
				want = append(want, at)
			}
		}
		for _, newestFirst := range []bool{false, true} {
			var got []int64
			for m := range line.between(from, to, newestFirst) {
				got = append(got, m.at)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("[%d, %d) newest first %v: %v, want %v", from, to, newestFirst, got, want)
			}
			slices.Reverse(want)
		}
		if line.size != len(list) {
			t.Fatalf("size %d, want %d", line.size, len(list))
		}
	})
}
