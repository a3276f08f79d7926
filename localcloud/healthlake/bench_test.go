package healthlake_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/healthlake"
)

const sample = `{"resourceType":"Patient","id":"%s","active":true,"name":[{"use":"official","family":"Chalmers","given":["Peter","James"]}],"gender":"male","birthDate":"1974-12-25","address":[{"line":["534 Erewhon St"],"city":"PleasantVille","postalCode":"3999"}]}`

// BenchmarkUpdate writes resources through the dispatcher, each confirmed in the journal.
func BenchmarkUpdate(b *testing.B) {
	w := newWorld(b, b.TempDir())
	target := healthlake.Target{DatastoreID: w.id, ResourceType: "Patient"}
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprint("p", i%10_000)
		do[healthlake.Response](w, w.d.Root(), "UpdateResource", &healthlake.UpdateResourceInput{
			ReadResourceInput: healthlake.ReadResourceInput{Target: target, ResourceID: id}, Body: json.RawMessage(fmt.Sprintf(sample, id))})
	}
}

// BenchmarkSearchWindow reads pages of 100 from a window in the middle of many resources.
func BenchmarkSearchWindow(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(b, b.TempDir())
			target := healthlake.Target{DatastoreID: w.id, ResourceType: "Patient"}
			from := ""
			for i := range n {
				w.clock.Advance(time.Millisecond)
				if i == n/2 {
					from = w.clock.Now().Format(time.RFC3339Nano)
				}
				id := fmt.Sprint("p", i)
				do[healthlake.Response](w, w.d.Root(), "UpdateResource", &healthlake.UpdateResourceInput{
					ReadResourceInput: healthlake.ReadResourceInput{Target: target, ResourceID: id}, Body: json.RawMessage(fmt.Sprintf(sample, id))})
			}
			in := &healthlake.SearchInput{Target: target, Parameters: map[string][]string{"_lastUpdated": {"ge" + from}, "_sort": {"_lastUpdated"}}}
			for b.Loop() {
				do[healthlake.Response](w, w.d.Root(), "SearchWithGet", in)
			}
		})
	}
}
